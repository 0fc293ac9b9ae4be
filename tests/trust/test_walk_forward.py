"""The one loop over folds, with models that say what they were given."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import expit, logit

from tenor.errors import FitError, SplitError
from tenor.factor.window import Fold, WalkForward, Windows
from tenor.model.calibrate import Calibration
from tenor.model.forecast import Failure
from tenor.model.frozen import Frozen
from tenor.model.state import State
from tenor.trust.walk_forward import CONVICTION, walk_forward
from tenor.units import AnyArray, Floats

NONE = Calibration("none")


def windows(products: tuple[str, ...] = ("A", "B"), sessions: int = 20, late: int = 0) -> Windows:
    """One row and window for each product and day of January; the last product joins on day ``late``.

    Factor ``x`` is the day of the month; A moves by 1, B by 10; odd days rise; day 3 and day 16 are neutral.
    """
    rows = [(day, code) for day in range(1, sessions + 1) for code in products if code != products[-1] or day >= late]
    day = np.array([number for number, _ in rows])
    code = np.array([name for _, name in rows])
    size = np.where(code == "A", 1.0, 10.0)
    change = np.where(day % 2 == 1, size, -size)
    label = np.where(np.isin(day, (3, 16)), -1, day % 2)
    return Windows(
        columns=("x",),
        rows=day[:, None].astype(float),
        row_product=code,
        ends=np.arange(len(rows)),
        length=1,
        session=np.datetime64("2023-12-31") + day,
        resolves=np.datetime64("2023-12-31") + day + np.timedelta64(1, "D"),
        product=code,
        pair=code,
        change=change,
        label=label.astype(np.int64),
    )


def fold(index: int, *ranges: tuple[int, int]) -> Fold:
    return Fold(index, *((date(2024, 1, first), date(2024, 1, last)) for first, last in ranges))


FOLDS = (fold(0, (1, 6), (8, 9), (11, 14)), fold(1, (1, 10), (12, 13), (15, 18)))


@dataclass(frozen=True, slots=True)
class Says:
    """Says a tenth for every seed; on day d, d hundredths more."""

    base: float

    def predict(self, windows: Windows) -> Floats:
        return self.base + windows.last("x") / 100


@dataclass(frozen=True, slots=True)
class Probe:
    """Keeps what it was given, and cannot be fitted on folds whose last train day, and seeds, are named."""

    name: str = "probe"
    seeded: bool = True
    calibrated: bool = False
    cannot: tuple[tuple[int, int], ...] = ()
    of_returns: bool = False
    given: list[tuple[list[int], list[int], int]] = field(default_factory=list)

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Says:
        seen = [part.last("x").astype(int).tolist() for part in (train, validation)]
        self.given.append((seen[0], seen[1], seed))
        if not seen[0] or (seen[0][-1], seed) in self.cannot:
            raise FitError(f"cannot learn from {len(train)} windows")
        return Says(seed / 10)


def test_each_fold_learns_from_decided_windows_of_its_own_ranges() -> None:
    probe = Probe()
    walk_forward([probe], windows(("A",)), FOLDS, seeds=(1, 2), calibration=NONE)
    first = ([1, 2, 4, 5, 6], [8, 9])
    second = ([1, 2, 4, 5, 6, 7, 8, 9, 10], [12, 13])
    assert probe.given == [(*first, 1), (*first, 2), (*second, 1), (*second, 2)]


def test_a_model_of_returns_learns_from_neutral_windows_and_is_calibrated_on_decided_ones() -> None:
    """Day 3 lies in train and is neutral; day 8 of validation is made neutral too."""
    held = windows(("A",))
    held.label[7] = -1
    probe, platt = Probe(of_returns=True), Calibration("platt")
    said = walk_forward([probe, Probe()], held, FOLDS[:1], seeds=(3,), calibration=platt)
    assert probe.given == [([1, 2, 3, 4, 5, 6], [8, 9], 3)]
    learnt = platt.learn(np.array([0.39]), np.array([1]))
    wanted = learnt.apply(0.3 + np.array([11, 12, 13, 14]) / 100)
    for forecast in said.forecasts:
        np.testing.assert_allclose(forecast.up[0], wanted, rtol=1e-12)


def test_every_test_window_is_spoken_of_neutral_ones_included() -> None:
    said = walk_forward([Probe()], windows(), FOLDS, seeds=(1, 2), calibration=NONE)
    days = [11, 12, 13, 14, 15, 16, 17, 18]
    assert said.test.last("x").tolist() == [day for day in days for _ in range(2)]
    assert said.test.product.tolist() == ["A", "B"] * 8
    assert said.fold.tolist() == [0] * 8 + [1] * 8
    (forecast,) = said.forecasts
    wanted = np.array([[seed / 10 + day / 100 for day in days for _ in range(2)] for seed in (1, 2)])
    np.testing.assert_allclose(forecast.raw, wanted, rtol=1e-12)
    np.testing.assert_allclose(forecast.up, wanted, rtol=1e-9)
    assert not forecast.failures


def test_the_expected_move_is_the_mean_size_by_product_in_train_neutral_days_included() -> None:
    held = windows()
    held.change[held.session > np.datetime64("2024-01-10")] = 1e9  # what comes later counts for nothing
    held.change[0] = np.nan
    held.change[2] = -6.0
    said = walk_forward([Probe()], held, FOLDS, seeds=(1,), calibration=NONE)
    first = {"A": np.mean([6, 1, 1, 1, 1]), "B": 10.0}
    second = {"A": np.mean([6, *[1] * 8]), "B": 10.0}
    wanted = [(first if index == 0 else second)[code] for index, code in zip(said.fold, said.test.product, strict=True)]
    np.testing.assert_allclose(said.expected_move, wanted, rtol=1e-12)


def test_the_calibrator_and_full_conviction_are_learnt_on_validation() -> None:
    held = windows(("A",))
    platt = Calibration("platt")
    said = walk_forward([Probe(), replace(Probe(), calibrated=True)], held, FOLDS, seeds=(3,), calibration=platt)
    for number, (validation, labels, test) in enumerate(
        (([8, 9], [0, 1], [11, 12, 13, 14]), ([12, 13], [0, 1], [15, 16, 17, 18]))
    ):
        learnt = platt.learn(0.3 + np.array(validation) / 100, np.array(labels))
        mine = said.fold == number
        wanted = expit(learnt.slope * logit(0.3 + np.array(test) / 100) + learnt.intercept)
        np.testing.assert_allclose(said.forecasts[0].up[0, mine], wanted, rtol=1e-12)
        full = np.quantile(np.abs(learnt.apply(0.3 + np.array(validation) / 100) - 0.5), CONVICTION)
        np.testing.assert_allclose(said.forecasts[0].scale[0, mine], full, rtol=1e-12)
        plain = np.quantile(np.abs(0.3 + np.array(validation) / 100 - 0.5), CONVICTION)
        np.testing.assert_allclose(said.forecasts[1].scale[0, mine], plain, rtol=1e-9)
    np.testing.assert_allclose(said.forecasts[1].up, said.forecasts[1].raw, rtol=1e-9)
    assert np.abs(said.forecasts[0].up - said.forecasts[0].raw).min() > 1e-3


def test_a_failure_leaves_the_other_folds_seeds_and_models() -> None:
    broken = Probe("broken", cannot=((6, 1), (6, 2), (10, 2)))
    said = walk_forward([broken, Probe()], windows(("A",)), FOLDS, seeds=(1, 2), calibration=NONE)
    assert said.forecasts[0].failures == (
        Failure("broken", 0, None, "cannot learn from 5 windows"),  # every seed, said once
        Failure("broken", 1, 2, "cannot learn from 9 windows"),
    )
    known = np.isfinite(said.forecasts[0].up)
    assert known.tolist() == [[False] * 4 + [True] * 4, [False] * 8]
    np.testing.assert_array_equal(np.isfinite(said.forecasts[0].scale), known)
    assert np.isfinite(said.forecasts[1].up).all()
    np.testing.assert_array_equal(said.forecasts[0].up[0, 4:], said.forecasts[1].up[0, 4:])


def test_a_model_without_chance_speaks_once() -> None:
    probe = replace(Probe(), seeded=False)
    said = walk_forward([probe], windows(("A",)), FOLDS, seeds=(5, 6), calibration=NONE)
    assert said.forecasts[0].seeds == (5,)
    assert said.forecasts[0].up.shape == (1, 8)
    assert [seed for *_, seed in probe.given] == [5, 5]


@pytest.mark.parametrize("late", [7, 9, 12])
def test_a_product_that_joins_late_has_no_forecast_and_a_reason(late: int) -> None:
    """Not in train of the first fold; its validation days, if it has any, teach the first fold nothing."""
    probe = Probe()
    said = walk_forward([probe], windows(late=late), FOLDS, seeds=(1,), calibration=NONE)
    (forecast,) = said.forecasts
    unknown = (said.test.product == "B") & ((said.fold == 0) | (late > 10))
    assert np.isnan(forecast.up[0, unknown]).all()
    assert np.isnan(said.expected_move[unknown]).all()
    assert np.isfinite(forecast.up[0, ~unknown]).all()
    assert np.isfinite(said.expected_move[~unknown]).all()
    reason = "no forecast of B: train has no decided window of it; let the test begin later, or narrow the neutral band"
    assert forecast.failures == tuple(
        Failure("probe", index, None, reason) for index in ((0, 1) if late > 10 else (0,))
    )
    assert probe.given[0] == ([1, 2, 4, 5, 6], [8, 9], 1)


def test_a_product_whose_train_days_are_all_neutral_has_no_forecast() -> None:
    held = windows()
    held.label[(held.product == "B") & (held.session < np.datetime64("2024-01-07"))] = -1
    said = walk_forward([Probe()], held, FOLDS, seeds=(1,), calibration=NONE)
    mute = np.isnan(said.forecasts[0].up[0])
    np.testing.assert_array_equal(mute, (said.test.product == "B") & (said.fold == 0))


def test_a_fold_that_knows_no_product_says_that_and_nothing_else() -> None:
    held = windows().take(windows().product == "B")
    early = held.take(held.session > np.datetime64("2024-01-09"))
    said = walk_forward([Probe()], early, FOLDS, seeds=(1,), calibration=NONE)
    assert np.isnan(said.forecasts[0].up[0, said.fold == 0]).all()
    assert np.isfinite(said.forecasts[0].up[0, said.fold == 1]).all()
    (failure,) = said.forecasts[0].failures
    assert (failure.fold, failure.reason[:16]) == (0, "no forecast of B")


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_validation_range_without_a_decided_window_is_a_reason(calibrated: bool) -> None:
    held = windows(("A",))
    held.label[np.isin(held.last("x"), (8, 9))] = -1
    said = walk_forward([replace(Probe(), calibrated=calibrated)], held, FOLDS, seeds=(1,), calibration=NONE)
    (failure,) = said.forecasts[0].failures
    assert failure.fold == 0
    assert "the validation range has no decided window" in failure.reason
    assert np.isnan(said.forecasts[0].up[0, :4]).all()
    assert np.isfinite(said.forecasts[0].up[0, 4:]).all()


def test_a_fold_whose_test_range_is_empty_is_refused() -> None:
    with pytest.raises(SplitError, match="fold 7: no decision lies in its test range 2024-01-25 to 2024-01-26"):
        walk_forward([Probe()], windows(), [fold(7, (1, 6), (8, 9), (25, 26))], seeds=(1,), calibration=NONE)


def test_a_model_is_handed_its_own_rows_and_no_outcome() -> None:
    """Rows of other windows would be the future; outcomes of test windows are what is asked."""
    seen: list[Windows] = []

    @dataclass(frozen=True)
    class Curious:
        name: ClassVar = "curious"
        seeded: ClassVar = False
        calibrated: ClassVar = True

        def fit(self, train: Windows, validation: Windows, *, seed: int) -> "Curious":
            seen.extend((train, validation))
            return self

        def predict(self, windows: Windows) -> Floats:
            seen.append(windows)
            return np.full(len(windows), 0.5)

    every = windows(sessions=40)
    folds = WalkForward(train=20, validation=6, test=8, purge=1).split(np.unique(every.session))
    walk_forward([Curious()], every, folds, seeds=(1,), calibration=Calibration("none"))
    for held in seen:
        assert len(held.rows) == len(np.unique(held.steps))
    asked = [held for held in seen if not held.decided.any()]
    assert len(asked) == 2 * len(folds)
    assert all(np.isnan(held.change).all() and np.isnat(held.resolves).all() for held in asked)


# --- what stays -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keeps(Says):
    """Says the same, and can be kept."""

    def state(self) -> State:
        return {"base": np.array([self.base])}


@dataclass(frozen=True, slots=True)
class Keeper(Probe):
    """A probe whose models can be kept."""

    name: str = "keeper"

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Says:
        return Keeps(Probe.fit(self, train, validation, seed=seed).base)

    def restore(self, state: State) -> Says:
        return Keeps(float(state["base"][0]))


def test_the_models_that_spoke_stay_and_say_the_same_again() -> None:
    keeper = Keeper(cannot=((6, 1), (6, 2), (10, 2)))
    held = windows()
    said = walk_forward([keeper, Keeper("other")], held, FOLDS, seeds=(1, 2), calibration=Calibration("platt"))
    assert said.frozen is not None
    assert [model.name for model in said.frozen.models] == ["keeper", "other"]
    assert said.frozen.folds == FOLDS
    assert said.frozen.products == (("A", "B"), ("A", "B"))
    reason = "cannot learn from {} windows"
    first, second = said.frozen.model("keeper").folds
    assert first == (reason.format(10), reason.format(10))
    assert isinstance(second[0], Frozen)
    assert second[1] == reason.format(18)
    for forecast in said.forecasts:
        for place in (0, 1):
            mine = said.fold == place
            ups = said.frozen.ups(forecast.model, place, said.test.take(mine))
            np.testing.assert_array_equal(ups, forecast.up[:, mine])
            scales = said.frozen.scales(forecast.model, place)
            np.testing.assert_array_equal(np.tile(scales[:, None], mine.sum()), forecast.scale[:, mine])
    for place, moves in enumerate(said.frozen.expected_move):
        mine = said.fold == place
        wanted = [moves[code] for code in said.test.product[mine]]
        np.testing.assert_array_equal(said.expected_move[mine], wanted)


def test_a_product_that_train_did_not_hold_is_not_spoken_of_later_either() -> None:
    said = walk_forward([Keeper()], windows(late=7), FOLDS, seeds=(1,), calibration=NONE)
    assert said.frozen is not None
    assert said.frozen.products == (("A",), ("A", "B"))
    assert [sorted(moves) for moves in said.frozen.expected_move] == [["A"], ["A", "B"]]
    with pytest.raises(FitError, match="fold 0 of keeper does not speak of B: its train range holds A"):
        said.frozen.ups("keeper", 0, said.test.take(said.fold == 0))


def test_a_fold_in_which_no_model_spoke_says_so() -> None:
    held = windows().take(windows().product == "B")
    early = held.take(held.session > np.datetime64("2024-01-09"))
    said = walk_forward([Keeper()], early, FOLDS, seeds=(1, 2), calibration=NONE)
    assert said.frozen is not None
    assert said.frozen.model("keeper").folds[0] == ("train holds no product of the test range, so no model spoke",) * 2
    assert all(isinstance(one, Frozen) for one in said.frozen.model("keeper").folds[1])


class Named(Keeper):
    """Its models' state is text."""

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Says:
        class Text(Keeps):
            def state(self) -> dict[str, AnyArray]:
                return {"base": np.array(["a tenth"])}

        return Text(0.1)


class Half(Keeper):
    """Its recipe could restore, but its models give no state."""

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Says:
        return Says(0.1)


def test_a_model_without_state_is_judged_like_any_other_and_said_to_be_left_out() -> None:
    recipes = [Probe(), Half("half"), Keeper(), Named("named")]
    said = walk_forward(recipes, windows(), FOLDS, seeds=(1, 2), calibration=NONE)
    assert all(np.isfinite(forecast.up).all() for forecast in said.forecasts)
    assert said.frozen is not None
    assert [model.name for model in said.frozen.models] == ["keeper"]
    why = (
        "probe: not kept, its recipe has no restore(state); add it, and state() to what fit returns",
        "half: not kept, what its fit returns has no state(); add it, every number by name",
        "named: not kept, state()['base'] is <U7; store numbers or truth values of at most 64 bits, a text as its bytes"
        " (tenor.model.state.bytes_of)",
    )
    assert said.frozen.left_out == why
    with pytest.raises(FitError, match=r"the run keeps no model 'half', it keeps .*'keeper'.*; half: not kept, what"):
        said.frozen.model("half")
