"""Networks as recipes: preparation in front, one engine behind, every fold and seed in one program.

A network's own file (:mod:`tenor.model.lstm`, :mod:`tenor.model.dnn`) holds its settings and its module; this
file joins any of them to the study's preparation and fit plan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model import base
from tenor.model.base import FoldWindows, Outcome
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import State
from tenor.model.train import Architecture, FoldArrays, TrainedGrid, train_grid
from tenor.progress import Progress, silent
from tenor.units import Floats, Floats32


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """One trained network of a grid, behind its preparation."""

    prepared: Prepared
    trained: TrainedGrid
    fold: int
    seed: int

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), the softmax of the two logits, shape ``(window,)``."""
        return self.speak(self.prepared.apply(windows))

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values."""
        logits = self.trained.logits(self.fold, self.seed, values)
        return np.asarray(expit(logits[1].astype(np.float64) - logits[0]))

    def state(self) -> State:
        """Return the network as a grid of one, with the history of its training, and the preparation."""
        return {**self.prepared.state(), **self.trained.alone(self.fold, self.seed).state()}


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """An architecture with a preparation and a plan."""

    name: str
    architecture: Architecture
    prepare: Prepare
    plan: FitPlan
    seeded: ClassVar = True
    calibrated: ClassVar = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> base.Fitted:
        """Train one network; the same numbers as inside a grid."""
        ((outcome,),) = self.fit_grid((FoldWindows(train, validation),), (seed,), watch=silent)
        if isinstance(outcome, FitError):
            raise outcome
        return outcome

    def fit_grid(self, folds: Sequence[FoldWindows], seeds: Sequence[int], *, watch: Progress) -> base.Grid:
        """Train every fold and seed together; a fold that cannot be trained is a row of failures."""
        learnt: list[Prepared | FitError] = []
        arrays = []
        for fold in folds:
            try:
                prepared = self.prepare.learn(fold.train)
                arrays.append(
                    FoldArrays(
                        prepared.apply(fold.train),
                        fold.train.label,
                        prepared.apply(fold.validation),
                        fold.validation.label,
                    )
                )
                learnt.append(prepared)
            except FitError as failure:
                learnt.append(failure)
        if not arrays:
            return tuple(tuple(failure for _ in seeds) for failure in learnt if isinstance(failure, FitError))
        stage = f"{self.name}: {len(folds)} folds x {len(seeds)} seeds, epochs"
        trained = train_grid(
            self.architecture,
            arrays,
            seeds,
            self.plan,
            watch=lambda done, total, left: watch(stage, done, total),
        )
        grid: list[tuple[Outcome, ...]] = []
        place = 0
        for known in learnt:
            if isinstance(known, FitError):
                grid.append(tuple(known for _ in seeds))
                continue
            row: list[Outcome] = []
            for position in range(len(seeds)):
                reason = trained.failure(place, position)
                row.append(FitError(reason) if reason else FittedNetwork(known, trained, place, position))
            grid.append(tuple(row))
            place += 1
        return tuple(grid)

    def restore(self, state: State) -> FittedNetwork:
        """Return the network that gave ``state``; FitError if it is of another architecture."""
        trained = TrainedGrid.from_state(self.architecture, state)
        if trained.theta.shape[:2] != (1, 1):
            raise FitError(
                f"{self.name}: a grid of {trained.theta.shape[:2]} networks; one fitted model is a grid of one"
            )
        return FittedNetwork(Prepared.from_state(state), trained, 0, 0)
