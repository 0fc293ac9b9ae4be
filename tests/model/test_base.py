"""Fitting a grid: failures are values, seeds are used only where they matter, and progress is told."""

from dataclasses import dataclass

import numpy as np
import pytest

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.base import FoldWindows, Grid, fit_grid, require_both_classes
from tenor.progress import Progress
from tenor.units import Floats


def windows(label: list[int]) -> Windows:
    count = len(label)
    return Windows(
        columns=("x",),
        rows=np.zeros((count, 1)),
        row_product=np.full(count, "T"),
        ends=np.arange(count),
        length=1,
        session=np.datetime64("2020-01-01") + np.arange(count),
        resolves=np.datetime64("2020-01-01") + np.arange(count) + np.timedelta64(1, "D"),
        product=np.full(count, "T"),
        pair=np.full(count, "T2003-T2006"),
        change=np.zeros(count),
        label=np.array(label, dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Constant:
    up: float

    def predict(self, windows: Windows) -> Floats:
        return np.full(len(windows), self.up)


@dataclass(frozen=True, slots=True)
class Picky:
    """Says its seed over a hundred; refuses a train range of one class."""

    seeded: bool
    name: str = "picky"
    calibrated: bool = True

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Constant:
        require_both_classes(train, "train")
        return Constant(seed / 100)


@dataclass(frozen=True, slots=True)
class AtOnce(Picky):
    def fit_grid(self, folds: list[FoldWindows], seeds: list[int], *, watch: Progress) -> Grid:
        watch("at once", 1, 1)
        return tuple(tuple(Constant(0.25) for _ in seeds) for _ in folds)


GOOD = FoldWindows(windows([0, 1]), windows([0, 1]))
BAD = FoldWindows(windows([1, 1, 1]), windows([0, 1]))


def said(grid: Grid) -> list[list[float | str]]:
    asked = windows([1])
    return [
        [str(cell) if isinstance(cell, FitError) else float(cell.predict(asked)[0]) for cell in row] for row in grid
    ]


def test_a_fold_that_cannot_be_fitted_is_a_value_and_the_others_go_on() -> None:
    told: list[tuple[str, int, int]] = []
    grid = fit_grid(Picky(True), [GOOD, BAD, GOOD], [7, 9], watch=lambda *news: told.append(news))
    reason = (
        "the train range has 3 ups and 0 downs; a direction needs both: lengthen the range or narrow the neutral band"
    )
    assert said(grid) == [[0.07, 0.09], [reason, reason], [0.07, 0.09]]
    assert told == [("picky", number, 6) for number in range(1, 7)]


def test_a_recipe_without_chance_is_fitted_once() -> None:
    assert said(fit_grid(Picky(False), [GOOD, GOOD], [7, 9])) == [[0.07], [0.07]]


def test_a_recipe_that_trains_all_at_once_does() -> None:
    told: list[str] = []
    grid = fit_grid(AtOnce(True), [GOOD, BAD], [7, 9, 11], watch=lambda stage, *_: told.append(stage))
    assert said(grid) == [[0.25] * 3] * 2
    assert told == ["at once"]


def test_an_error_that_is_not_about_fitting_is_not_hidden() -> None:
    @dataclass(frozen=True, slots=True)
    class Broken(Picky):
        def fit(self, train: Windows, validation: Windows, *, seed: int) -> Constant:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit_grid(Broken(True), [GOOD], [1])


@pytest.mark.parametrize(("label", "counts"), [([], "0 ups and 0 downs"), ([0], "0 ups and 1 downs")])
def test_one_class_is_refused_with_the_counts(label: list[int], counts: str) -> None:
    with pytest.raises(FitError, match=f"the validation range has {counts}"):
        require_both_classes(windows(label), "validation")
