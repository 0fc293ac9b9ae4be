"""The one loop over folds: fit on train, stop and calibrate on validation, speak on test.

Everything that learns (filling, scaling, selection, weights, the stopping epoch, the calibrator, the size of a full
conviction, the usual size of a move) learns before the test range begins. A model is handed the rows of its own
windows and no others, and to forecast, windows without their outcomes. A fold that cannot be fitted is a value with
its reason; the other folds and models go on. The models stay, frozen, so that they can be asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tenor.errors import FitError, SplitError
from tenor.factor.window import Fold, Windows
from tenor.model.base import Distributional, Fitted, FoldWindows, Outcome, Recipe, fit_grid, learns_returns
from tenor.model.calibrate import Calibration, widening
from tenor.model.forecast import Failure, Forecast
from tenor.model.frozen import Frozen, FrozenModel, FrozenModels, why_not_kept
from tenor.progress import Progress, silent
from tenor.units import Bools, Floats, Floats32, Ints

CONVICTION = 0.9
"""Quantile of ``|up - 1/2|`` over validation windows that counts as full conviction."""

AS_SAID = Calibration("none")


@dataclass(frozen=True, slots=True)
class WalkForwardRun:
    """What every model said on the test ranges.

    Parameters
    ----------
    folds
        The cuts.
    test
        Test windows of all folds in order of time, neutral ones included.
    fold
        Shape ``(window,)``: index of the fold of each test window.
    expected_move
        Shape ``(window,)``: mean absolute next change of the window's product over its fold's train range,
        points.
    forecasts
        One per recipe, in order.
    frozen
        The models that said it; ``None`` only in a run that was put together without any.
    """

    folds: tuple[Fold, ...]
    test: Windows
    fold: Ints
    expected_move: Floats
    forecasts: tuple[Forecast, ...]
    frozen: FrozenModels | None = None


def walk_forward(
    recipes: Sequence[Recipe],
    windows: Windows,
    folds: Sequence[Fold],
    *,
    seeds: Sequence[int],
    calibration: Calibration,
    judged: Literal["test", "validation"] = "test",
    strangers: bool = False,
    watch: Progress = silent,
) -> WalkForwardRun:
    """Fit every recipe on every fold for every seed and collect its forecasts of the range that it is judged on.

    ``strangers`` lets models speak of products that their train range did not hold: right where they share one
    preparation, as names of a market do, that come and go. ``judged = "validation"`` is for data that end before the
    test range: whoever uses it says that stopping and calibration were chosen on the same days.

    Raises
    ------
    SplitError
        If a fold's judged range holds no window at all, naming the fold.
    """
    tests, learn, every = [], [], []
    of_returns = any(learns_returns(recipe) for recipe in recipes)
    for fold in folds:
        test = fold.part(windows, judged)
        if not len(test):
            first, last = getattr(fold, judged)
            raise SplitError(f"fold {fold.index}: no decision lies in its {judged} range {first} to {last}")
        tests.append(test)
        decided = fold.learnable(windows, "train"), fold.learnable(windows, "validation")
        known = fold.known(windows, "train"), fold.known(windows, "validation")
        learn.append(_parts(*decided))
        neutral = of_returns and [len(part) for part in known] != [len(part) for part in decided]
        every.append(_parts(*known) if neutral else learn[-1])
    chosen = np.concatenate([np.flatnonzero(np.isin(windows.ends, test.ends)) for test in tests])
    moves = [_expected_move(fold.part(windows, "train")) for fold in folds]
    forecasts, models, left_out = [], [], []
    for recipe in recipes:
        grid = fit_grid(recipe, every if learns_returns(recipe) else learn, seeds, watch=watch)
        forecast, model = _forecast(recipe, grid, folds, learn, every, tests, seeds, calibration, strangers)
        forecasts.append(forecast)
        if why := why_not_kept(recipe, model):
            left_out.append(why)
        else:
            models.append(model)
    return WalkForwardRun(
        folds=tuple(folds),
        test=windows.take(chosen),
        fold=np.concatenate([np.full(len(test), fold.index) for fold, test in zip(folds, tests, strict=True)]),
        expected_move=np.array(
            [mine.get(code, np.nan) for mine, test in zip(moves, tests, strict=True) for code in test.product.tolist()]
        ),
        forecasts=tuple(forecasts),
        frozen=FrozenModels(
            models=tuple(models),
            folds=tuple(folds),
            products=tuple(
                tuple(np.unique(windows.product if strangers else known.train.product).tolist()) for known in learn
            ),
            expected_move=tuple(moves),
            left_out=tuple(left_out),
        ),
    )


def _parts(train: Windows, validation: Windows) -> FoldWindows:
    """What a fold may learn from; of validation, the products that train holds."""
    known = np.isin(validation.product, np.unique(train.product))
    return FoldWindows(train.alone(), validation.take(known).alone())


def _expected_move(train: Windows) -> Mapping[str, float]:
    """Mean absolute next change of each product whose changes are known, points."""
    moves: dict[str, float] = {}
    for product in np.unique(train.product).tolist():
        mine = np.abs(train.change[train.product == product])
        mine = mine[np.isfinite(mine)]
        if len(mine):
            moves[product] = float(mine.mean())
    return moves


def _forecast(
    recipe: Recipe,
    grid: Sequence[Sequence[Outcome]],
    folds: Sequence[Fold],
    learn: Sequence[FoldWindows],
    every: Sequence[FoldWindows],
    tests: Sequence[Windows],
    seeds: Sequence[int],
    calibration: Calibration,
    strangers: bool,
) -> tuple[Forecast, FrozenModel]:
    """What one recipe's models say of the test windows, and those that could speak."""
    used = tuple(seeds) if recipe.seeded else tuple(seeds[:1])
    parts: list[Floats] = []
    failures: list[Failure] = []
    kept: list[tuple[Frozen | str, ...]] = []
    said: list[list[Floats | None]] = []
    for fold, outcomes, known, whole, test in zip(folds, grid, learn, every, tests, strict=True):
        part = np.full((3, len(used), len(test)), np.nan)
        familiar = np.isin(test.product, known.train.product) | strangers
        for code in np.unique(test.product[~familiar]):
            why = (
                f"no forecast of {code}: train has no decided window of it; let the test begin later, or narrow the"
                " neutral band"
            )
            failures.append(Failure(recipe.name, fold.index, None, why))
        row: list[Frozen | str] = []
        of_seeds: list[Floats | None] = [None] * len(used)
        asked = test.take(familiar).alone().blind()
        for number, outcome in enumerate(outcomes if familiar.any() else ()):
            try:
                learns = AS_SAID if recipe.calibrated else calibration
                frozen = _freeze(outcome, known.validation, whole.validation, learns)
                raw = frozen.fitted.predict(asked)
                up = np.where(np.isfinite(raw), frozen.calibrator.apply(raw), np.nan)
                part[:, number, familiar] = raw, up, np.full(len(asked), frozen.scale)
                of_seeds[number] = frozen.quantiles(asked)
                reasons = getattr(outcome, "failures", {})
                silent_on = set(np.unique(asked.product[~np.isfinite(raw)]).tolist()) - set(reasons)
                reasons = {**reasons, **dict.fromkeys(sorted(silent_on), "no model was trained on it")}
                for name, why in reasons.items():
                    failures.append(Failure(recipe.name, fold.index, used[number], f"{name}: {why}"))
                row.append(frozen)
            except FitError as failure:
                failures.append(Failure(recipe.name, fold.index, used[number], str(failure)))
                row.append(str(failure))
        parts.append(part)
        said.append([_placed(found, familiar) for found in of_seeds])
        kept.append(tuple(row) or ("train holds no product of the test range, so no model spoke",) * len(used))
    raw, up, scale = np.concatenate(parts, axis=2)
    levels = next((one.levels for row in kept for one in row if isinstance(one, Frozen) and one.levels), ())
    forecast = Forecast(
        recipe.name,
        used,
        raw,
        up,
        scale,
        failures=_merge(failures, used),
        levels=levels,
        horizons=tests[0].horizons if levels else (),
        quantiles=_joined(said, tests, levels) if levels else None,
    )
    return forecast, FrozenModel(recipe.name, used, tuple(kept))


def _placed(found: Floats | None, familiar: Bools) -> Floats | None:
    """Put what was said of the familiar windows among all of a fold."""
    if found is None:
        return None
    out = np.full((len(familiar), *found.shape[1:]), np.nan)
    out[familiar] = found
    return out


def _joined(said: Sequence[Sequence[Floats | None]], tests: Sequence[Windows], levels: tuple[float, ...]) -> Floats32:
    """Lay the quantiles of folds one after another, ``(seed, window, horizon, level)``; NaN where a fold has none."""
    horizons = len(tests[0].horizons)
    parts = [
        np.stack([np.full((len(test), horizons, len(levels)), np.nan) if one is None else one for one in row]).astype(
            np.float32
        )
        for row, test in zip(said, tests, strict=True)
    ]
    return np.concatenate(parts, axis=1)


def _freeze(outcome: Outcome, validation: Windows, whole: Windows, calibration: Calibration) -> Frozen:
    """Learn on validation what stands between a fitted model and a forecast; quantiles on neutral windows too.

    Raises
    ------
    FitError
        If there is no fitted model, or no decided validation window to learn from.
    """
    if isinstance(outcome, FitError):
        raise outcome
    if not len(validation):
        raise FitError(
            "the validation range has no decided window of a product that train holds; lengthen it"
            " or narrow the neutral band"
        )
    blind = validation.blind()
    on_validation = outcome.predict(blind)
    spoke = np.isfinite(on_validation)
    if not spoke.any():
        raise FitError("it says nothing of any validation window")
    learnt = calibration.learn(on_validation[spoke], validation.label[spoke])
    scale = float(np.quantile(np.abs(learnt.apply(on_validation[spoke]) - 0.5), CONVICTION))
    return Frozen(outcome, learnt, scale, _move(outcome, whole))


def _move(fitted: Fitted, validation: Windows) -> Floats | None:
    """Learn on validation how far the quantiles of a model are moved; ``None`` for a model without any."""
    blind = validation.blind()
    raw = fitted.quantiles(blind) if isinstance(fitted, Distributional) and fitted.levels else None
    if raw is None:
        return None
    assert isinstance(fitted, Distributional)
    unit = fitted.unit(blind)
    return widening(raw / unit[:, :, None], fitted.levels, validation.ahead / unit)


def _merge(failures: Sequence[Failure], seeds: Sequence[int]) -> tuple[Failure, ...]:
    """Say once what failed for every seed of a fold in the same way."""
    merged: list[Failure] = []
    for failure in failures:
        same = [f for f in failures if (f.fold, f.reason) == (failure.fold, failure.reason)]
        if len(same) == len(seeds) and len(seeds) > 1:
            failure = Failure(failure.model, failure.fold, None, failure.reason)
        if failure not in merged:
            merged.append(failure)
    return tuple(merged)
