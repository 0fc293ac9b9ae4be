"""Frozen models: what a run said, kept so that the same models can be asked again.

A walk-forward trains each model once for every fold and seed, and each spoke on its fold's test days through a
calibrator and with a size of full conviction that were learnt on validation. Those four together (preparation, weights,
calibrator, scale) are a :class:`Frozen`; ``models.ups("lstm", 3, windows)`` asks all seeds of the fourth fold. A
scenario asks them about the windows of a shocked market; nothing is learnt then, so what changes is the answer to the
shock and nothing else.

An answer is the one of the run, bit for bit, and a window's answer depends neither on the windows beside it nor on its
place among them: networks are asked through the program that the walk-forward used, always of the same size. Asked of
the market as it was, a frozen model repeats the report.

:func:`arrays_of` and :func:`from_arrays` are the way to named arrays and back, with one copy of what the seeds of a
fold have in common; :mod:`tenor.io.runs` puts them into a file. Nothing of it is code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import numpy as np

from tenor.errors import FitError, suggest
from tenor.factor.window import Fold, Windows
from tenor.model.base import Distributional, Fitted, Keepable, KeepingRecipe, PlainRecipe, Prepped, Recipe
from tenor.model.calibrate import Calibrator, widened
from tenor.model.prepare import Prepared
from tenor.model.state import State, fault
from tenor.units import AnyArray, Floats, Floats32


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """One fold and seed of one model, as it spoke in the run.

    Parameters
    ----------
    fitted
        The model behind its preparation.
    calibrator
        From raw to calibrated probability.
    scale
        ``|up - 1/2|`` that counts as full conviction.
    move
        How far each quantile is moved, ``(horizon, level)``, in the model's own unit; ``None`` for a model without
        quantiles.
    """

    fitted: Fitted
    calibrator: Calibrator
    scale: float
    move: Floats | None = None

    def up(self, windows: Windows) -> Floats:
        """Return the calibrated probability of up, shape ``(window,)``; outcomes of ``windows`` are not shown."""
        return self.calibrator.apply(self.fitted.predict(windows.alone().blind()))

    def quantiles(self, windows: Windows) -> Floats | None:
        """Return quantiles of the return over each horizon, ``(window, horizon, level)``; ``None`` for none."""
        if self.move is None or not isinstance(self.fitted, Distributional):
            return None
        asked = windows.alone().blind()
        raw = self.fitted.quantiles(asked)
        if raw is None:
            return None
        unit = self.fitted.unit(asked)[:, :, None]
        return widened(raw / unit, self.move) * unit

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles; empty for none."""
        return self.fitted.levels if self.move is not None and isinstance(self.fitted, Distributional) else ()


@dataclass(frozen=True, slots=True, eq=False)
class FrozenModel:
    """One model: ``folds[fold][seed]``, a frozen model or why there is none; one seed where the seed changes nothing.

    Seeds of a fold whose preparations are equal share one, so that :meth:`FrozenModels.ups` prepares once.
    """

    name: str
    seeds: tuple[int, ...]
    folds: tuple[tuple[Frozen | str, ...], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "folds", tuple(_sharing(row) for row in self.folds))


@dataclass(frozen=True, slots=True, eq=False)
class Quantiled:
    """Quantiles of the return over each horizon: ``values[seed, window, horizon, level]`` at ``levels``, decimals."""

    levels: tuple[float, ...]
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class FrozenModels:
    """Every model of a run.

    Parameters
    ----------
    models
        In the order of the study.
    folds
        The cuts of time; every ``fold`` below is a position in this tuple.
    products
        ``products[fold]``: the products that train held, and that the models therefore speak of.
    expected_move
        ``expected_move[fold][product]``: mean absolute next change over the train range, points.
    left_out
        Models that a run cannot keep, a sentence each with what to do.
    """

    models: tuple[FrozenModel, ...]
    folds: tuple[Fold, ...]
    products: tuple[tuple[str, ...], ...]
    expected_move: tuple[Mapping[str, float], ...]
    left_out: tuple[str, ...]

    def fold_on(self, session: date) -> int:
        """Return the position of the fold whose test range holds ``session``; FitError if none does."""
        for place, fold in enumerate(self.folds):
            if fold.test[0] <= session <= fold.test[1]:
                return place
        ranges = ", ".join(f"{fold.test[0]} to {fold.test[1]}" for fold in self.folds)
        raise FitError(f"no model of the run spoke on {session}; the test ranges are {ranges}")

    def model(self, name: str) -> FrozenModel:
        """Return one model; FitError if the run keeps none of that name."""
        names = [model.name for model in self.models]
        if name not in names:
            why = "".join(f"; {said}" for said in self.left_out if said.startswith(f"{name}: "))
            raise FitError(f"the run keeps no model {name!r}, it keeps {names}{why or suggest(name, names)}")
        return self.models[names.index(name)]

    def ups(self, model: str, fold: int, windows: Windows) -> Floats:
        """Return what every seed of a fold says of ``windows``.

        Parameters
        ----------
        model
            Its name.
        fold
            Position in ``folds``.
        windows
            Windows with the columns of the study; their outcomes are not shown to the model.

        Returns
        -------
        Floats
            Calibrated probability of up, ``(seed, window)``; not a number for a seed without a model, whose reason is
            in ``model(name).folds[fold]``.

        Raises
        ------
        FitError
            If there is no such model or fold, or a window is of a product that the fold's train range did not hold.
        """
        row = self._row(model, fold)
        strange = sorted(set(windows.product.tolist()) - set(self.products[fold]))
        if strange:
            raise FitError(
                f"fold {fold} of {model} does not speak of {', '.join(strange)}: its train range holds"
                f" {', '.join(self.products[fold])}"
            )
        asked = windows.alone().blind()
        found = np.full((len(row), len(windows)), np.nan)
        values: dict[int, Floats32] = {}
        for seed, one in enumerate(row):
            if isinstance(one, str):
                continue
            fitted = one.fitted
            if isinstance(fitted, Prepped) and not getattr(fitted, "known", ()):
                of = id(fitted.prepared)
                if of not in values:
                    values[of] = fitted.prepared.apply(asked)
                raw = fitted.speak(values[of])
            else:
                raw = fitted.predict(asked)
            found[seed] = one.calibrator.apply(raw)
        return found

    def quantiles(self, model: str, fold: int, windows: Windows) -> "Quantiled | None":
        """Return what every seed of a fold says of the distribution ahead; ``None`` for a model that does not.

        Parameters and errors as :meth:`ups`.
        """
        row = self._row(model, fold)
        speaking = [one for one in row if not isinstance(one, str) and one.levels]
        if not speaking:
            return None
        levels = speaking[0].levels
        values = np.full((len(row), len(windows), len(windows.horizons), len(levels)), np.nan)
        for seed, one in enumerate(row):
            if not isinstance(one, str):
                found = one.quantiles(windows)
                values[seed] = np.nan if found is None else found
        return Quantiled(levels, values)

    def scales(self, model: str, fold: int) -> Floats:
        """Return ``|up - 1/2|`` of full conviction, shape ``(seed,)``; not a number for a seed without a model."""
        return np.array([np.nan if isinstance(one, str) else one.scale for one in self._row(model, fold)])

    def _row(self, model: str, fold: int) -> tuple[Frozen | str, ...]:
        folds = self.model(model).folds
        if not 0 <= fold < len(folds):
            raise FitError(f"there is no fold at position {fold}; the run has {len(folds)}, counted from 0")
        return folds[fold]


def _sharing(row: Sequence[Frozen | str]) -> tuple[Frozen | str, ...]:
    """Let fitted models whose preparations are equal hold one and the same."""
    known: list[Prepared] = []
    shared: list[Frozen | str] = []
    for one in row:
        if not isinstance(one, str):
            fitted = one.fitted
            if isinstance(fitted, Prepped):
                mine = fitted.prepared
                same = next((each for each in known if each is mine or each.same_as(mine)), None)
                if same is None:
                    known.append(mine)
                elif same is not mine and hasattr(fitted, "__dataclass_fields__"):
                    one = replace(one, fitted=replace(cast(Any, fitted), prepared=same))
        shared.append(one)
    return tuple(shared)


def why_not_kept(recipe: Recipe, model: FrozenModel) -> str | None:
    """Say why a run cannot keep ``model`` and what to do, or ``None`` if it can; the first fitted model is tried."""
    if not isinstance(recipe, KeepingRecipe):
        return f"{model.name}: not kept, its recipe has no restore(state); add it, and state() to what fit returns"
    fitted = next((one.fitted for row in model.folds for one in row if isinstance(one, Frozen)), None)
    if fitted is None:
        return None
    if not isinstance(fitted, Keepable):
        return f"{model.name}: not kept, what its fit returns has no state(); add it, every number by name"
    wrong = fault(fitted.state())
    return f"{model.name}: not kept, {wrong}" if wrong else None


# --- named arrays and back --------------------------------------------------------------------------------


def arrays_of(frozen: FrozenModels) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """Return the arrays of all models by name, and a JSON-ready index that says what they are.

    What is equal for all seeds of a fold is there once (``all``), what has one shape has the seeds that speak as its
    first axis (``each``), and the rest is apart, the seed's position at the end of the name (``apart``).
    """
    arrays: dict[str, AnyArray] = {}
    models = []
    for model in frozen.models:
        folds = []
        learnt = np.full((len(model.folds), len(model.seeds), 3), np.nan)
        for place, row in enumerate(model.folds):
            states: dict[int, State] = {}
            for seed, one in enumerate(row):
                if isinstance(one, Frozen):
                    states[seed] = _state(model.name, one.fitted)
                    learnt[place, seed] = one.calibrator.slope, one.calibrator.intercept, one.scale
            forms = _lay(arrays, f"{model.name}/{place}", states)
            folds.append({"reasons": [one if isinstance(one, str) else None for one in row], "arrays": forms})
        arrays[f"{model.name}/slope_intercept_scale"] = learnt
        moves = _moves(model)
        if moves:
            arrays[f"{model.name}/moves"] = np.stack([np.stack(row) for row in moves])
        models.append({"name": model.name, "seeds": list(model.seeds), "folds": folds, "moves": bool(moves)})
    index = {
        "folds": [
            {
                "index": fold.index,
                "touching": fold.touching,
                **{part: [str(day) for day in getattr(fold, part)] for part in _RANGES},
            }
            for fold in frozen.folds
        ],
        "products": [list(held) for held in frozen.products],
        "expected_move": [dict(moves) for moves in frozen.expected_move],
        "left_out": list(frozen.left_out),
        "models": models,
    }
    return arrays, index


_RANGES = ("train", "validation", "test")


def _moves(model: FrozenModel) -> list[list[Floats]]:
    """How far the quantiles of each fold and seed are moved; NaN where there is no model, nothing if none has any."""
    held = [one.move for row in model.folds for one in row if isinstance(one, Frozen) and one.move is not None]
    if not held:
        return []
    none = np.full(held[0].shape, np.nan)
    return [
        [one.move if isinstance(one, Frozen) and one.move is not None else none for one in row] for row in model.folds
    ]


def _state(name: str, fitted: Fitted) -> State:
    if not isinstance(fitted, Keepable):
        raise FitError(f"{name}: what its fit returned has no state(), though that of another fold or seed has")
    state = fitted.state()
    if wrong := fault(state):
        raise FitError(f"{name}: {wrong}")
    return state


def _lay(arrays: dict[str, AnyArray], under: str, states: Mapping[int, State]) -> dict[str, str]:
    """Put the states of a fold's seeds into ``arrays``; return how each name was put."""
    forms: dict[str, str] = {}
    for name in dict.fromkeys(name for state in states.values() for name in state):
        held = {seed: np.ascontiguousarray(state[name]) for seed, state in states.items() if name in state}
        first, *others = held.values()
        alike = len(held) == len(states) and len({(array.shape, array.dtype) for array in held.values()}) == 1
        if alike and all(first.tobytes() == other.tobytes() for other in others):
            forms[name], arrays[f"{under}/{name}"] = "all", first
        elif alike:
            forms[name], arrays[f"{under}/{name}"] = "each", np.stack(list(held.values()))
        else:
            forms[name] = "apart"
            arrays |= {f"{under}/{name}/{seed}": array for seed, array in held.items()}
    return forms


def from_arrays(
    arrays: Mapping[str, AnyArray], index: Mapping[str, Any], recipes: Sequence[Recipe], *, plain: bool = False
) -> FrozenModels:
    """Return the models that :func:`arrays_of` gave.

    Parameters
    ----------
    arrays, index
        What it returned.
    recipes
        Those of the study; each restores its own.
    plain
        Models that can are asked without what trained them: equal to rounding, and no compiler is loaded. Without it
        they say what they said in the run, bit for bit.

    Raises
    ------
    FitError
        If the models are not those of the recipes: another name, architecture or shape.
    KeyError, ValueError, TypeError
        If ``index`` is no such index, or names arrays that are not there.
    """
    by_name = {recipe.name: recipe for recipe in recipes}
    models = []
    for kept in index["models"]:
        name = kept["name"]
        if name not in by_name:
            raise FitError(f"the arrays hold model {name!r}, the recipes are {sorted(by_name)}{suggest(name, by_name)}")
        recipe = by_name[name]
        if not isinstance(recipe, KeepingRecipe):
            raise FitError(f"{name}: its recipe has no restore(state)")
        restore = recipe.restore_plain if plain and isinstance(recipe, PlainRecipe) else recipe.restore
        learnt = arrays[f"{name}/slope_intercept_scale"]
        moves = arrays[f"{name}/moves"] if kept.get("moves") else None
        folds: list[tuple[Frozen | str, ...]] = []
        for place, row in enumerate(kept["folds"]):
            speaking = [seed for seed, reason in enumerate(row["reasons"]) if reason is None]
            out: list[Frozen | str] = list(row["reasons"])
            for position, seed in enumerate(speaking):
                fitted = restore(_pick(arrays, f"{name}/{place}", row["arrays"], position, seed))
                slope, intercept, scale = (float(number) for number in learnt[place, seed])
                move = None if moves is None or np.isnan(moves[place, seed]).any() else moves[place, seed]
                out[seed] = Frozen(fitted, Calibrator(slope, intercept), scale, move)
            folds.append(tuple(out))
        models.append(FrozenModel(name, tuple(kept["seeds"]), tuple(folds)))
    return FrozenModels(
        models=tuple(models),
        folds=tuple(
            Fold(
                index=fold["index"],
                train=_range(fold["train"]),
                validation=_range(fold["validation"]),
                test=_range(fold["test"]),
                touching=fold.get("touching", False),
            )
            for fold in index["folds"]
        ),
        products=tuple(tuple(held) for held in index["products"]),
        expected_move=tuple(dict(moves) for moves in index["expected_move"]),
        left_out=tuple(index["left_out"]),
    )


def _range(days: Sequence[str]) -> tuple[date, date]:
    first, last = days
    return date.fromisoformat(first), date.fromisoformat(last)


def _pick(arrays: Mapping[str, AnyArray], under: str, forms: Mapping[str, str], position: int, seed: int) -> State:
    """Return the state of one seed, the ``position``-th that speaks."""
    state: dict[str, AnyArray] = {}
    for name, form in forms.items():
        if form == "apart":
            if (key := f"{under}/{name}/{seed}") in arrays:
                state[name] = arrays[key]
        else:
            whole = arrays[f"{under}/{name}"]
            state[name] = whole if form == "all" else whole[position]
    return state
