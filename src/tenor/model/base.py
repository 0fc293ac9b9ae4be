"""What can learn: settings, a recipe made of them, and what fitting returns.

Three steps, three types. *Settings* (``LSTM(layers=3, hidden=8)``, ``Reversal()``) are what a study file
holds; with the study's preparation and fit plan they become a *recipe*; ``recipe.fit(train, validation,
seed=7)`` returns a *fitted* model, which only predicts. A recipe never changes, so a walk-forward cannot
carry one fold's state into the next, and whatever learns from data (filling, scaling, selection) is learnt
inside ``fit`` from the train windows.

Networks train many at a time: a recipe that also has ``fit_grid`` is given all folds and seeds at once.

A run keeps what it fitted, so that it can be asked again later. A fitted model that has ``state()`` gives its numbers
as named arrays, and its recipe's ``restore(state)`` makes the same model of them; both are optional, and a model
without them is fitted and judged like any other, but not kept (:mod:`tenor.model.frozen`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import State
from tenor.progress import Progress, silent
from tenor.units import Floats, Floats32


class Fitted(Protocol):
    """A model that has learnt."""

    def predict(self, windows: Windows) -> Floats:
        """Return the probability of up for each window, shape ``(window,)``, before calibration."""
        ...


class Recipe(Protocol):
    """How to make a fitted model from windows.

    ``name`` is what tables print; ``seeded`` says whether the seed changes anything (a model that it does not
    change is fitted once); ``calibrated`` says that probabilities are already frequencies and need no
    calibrator.
    """

    @property
    def name(self) -> str:
        """What tables print."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether the seed changes anything."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether ``predict`` already returns frequencies."""
        ...

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Fitted:
        """Learn from decided train windows; validation only says when to stop. May raise FitError."""
        ...


@runtime_checkable
class GridRecipe(Protocol):
    """A recipe that trains every fold and seed in one program."""

    def fit_grid(self, folds: Sequence["FoldWindows"], seeds: Sequence[int], *, watch: Progress) -> "Grid":
        """Return ``grid[fold][seed]``."""
        ...


@runtime_checkable
class Keepable(Protocol):
    """A fitted model that can be kept."""

    def state(self) -> State:
        """Return everything that ``predict`` needs as named arrays."""
        ...


@runtime_checkable
class KeepingRecipe(Protocol):
    """A recipe whose fitted models can be kept."""

    def restore(self, state: State) -> Fitted:
        """Return the model that gave ``state``; FitError if it is of other settings."""
        ...


@runtime_checkable
class PlainRecipe(Protocol):
    """A recipe whose kept models can also answer without loading what trained them."""

    def restore_plain(self, state: State) -> Fitted:
        """Return the model that gave ``state``; its answers equal those of the run to rounding, not to the bit."""
        ...


@runtime_checkable
class Distributional(Protocol):
    """A fitted model that says more than a direction."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of its quantiles; empty where it was not asked for any."""
        ...

    def quantiles(self, windows: Windows) -> Floats | None:
        """Return quantiles of the return over each horizon, ``(window, horizon, level)``, before widening."""
        ...

    def unit(self, windows: Windows) -> Floats:
        """Return the size of a usual move, ``(window, horizon)``: what widening is measured in."""
        ...


@runtime_checkable
class Prepped(Protocol):
    """A fitted model that is a preparation and what reads its values: ``predict`` is one after the other.

    Models that share a preparation are asked together and prepare a window once.
    """

    @property
    def prepared(self) -> Prepared:
        """What it does to windows first."""
        ...

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values ``(window, time, feature)``, shape ``(window,)``."""
        ...


class Settings(Protocol):
    """What a study file says of a model; the registry finds the class by ``kind``."""

    @property
    def kind(self) -> str:
        """Short name in the registry and in study files."""
        ...

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        ...


def learns_returns(recipe: Recipe) -> bool:
    """Say whether a recipe learns returns rather than directions: it states ``of_returns``.

    A return inside the neutral band is no direction, but it is a return: without it a distribution would have a hole in
    its middle. Such a recipe is handed every window whose outcome is known, others the decided ones.
    """
    return bool(getattr(recipe, "of_returns", False))


@dataclass(frozen=True, slots=True)
class FoldWindows:
    """What one fold may learn from, in train and in validation: decided windows, or all whose outcome is known."""

    train: Windows
    validation: Windows


Outcome: TypeAlias = Fitted | FitError
Grid: TypeAlias = tuple[tuple[Outcome, ...], ...]
"""``grid[fold][seed]``: a fitted model, or why there is none."""


def fit_grid(recipe: Recipe, folds: Sequence[FoldWindows], seeds: Sequence[int], *, watch: Progress = silent) -> Grid:
    """Fit ``recipe`` on every fold for every seed; a failure is a value in the grid, not the end of the run.

    A recipe that the seed does not change is fitted once per fold, under the first seed.
    """
    if isinstance(recipe, GridRecipe):
        return recipe.fit_grid(folds, seeds, watch=watch)
    used = seeds if recipe.seeded else seeds[:1]
    grid: list[tuple[Outcome, ...]] = []
    for number, fold in enumerate(folds):
        row: list[Outcome] = []
        for position, seed in enumerate(used):
            try:
                row.append(recipe.fit(fold.train, fold.validation, seed=seed))
            except FitError as failure:
                row.append(failure)
            watch(recipe.name, number * len(used) + position + 1, len(folds) * len(used))
        grid.append(tuple(row))
    return tuple(grid)


def class_weights(train: Windows, windows: Windows, *, balanced: bool) -> Floats:
    """Return a weight for each of ``windows``: inverse to how frequent its class was in ``train``, or one.

    Networks, trees and regression are trained on these and choose where to stop by them, so that all three answer the
    same question: which direction, had both been equally frequent; or, not ``balanced``, as frequent as they were.
    """
    if not balanced:
        return np.ones(len(windows))
    ups = float((train.label == 1).mean())
    return np.where(windows.label == 1, 0.5 / ups, 0.5 / (1 - ups))


def require_both_classes(windows: Windows, part: str) -> None:
    """Raise :class:`FitError` unless ``windows`` hold ups and downs."""
    ups = int((windows.label == 1).sum())
    downs = len(windows) - ups
    if not ups or not downs:
        raise FitError(
            f"the {part} range has {ups} ups and {downs} downs; a direction needs both:"
            " lengthen the range or narrow the neutral band"
        )
