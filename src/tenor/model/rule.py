"""The rules that every network must beat: majority, reversal and momentum.

A rule has a fixed opinion; only its probability is learnt, as the frequency with which it was right in train
(with one right and one wrong added, Laplace's rule of succession). Where a rule was wrong more often than
right its probability stays a hair above one half: it keeps its opinion and says that it is worth nothing.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.errors import SplitError
from tenor.factor.spread import LAST_CHANGE
from tenor.factor.window import Windows
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare
from tenor.model.state import State, require
from tenor.settings import STRICT
from tenor.units import Floats

_HAIR = 1e-6

LAST_RETURN = "return_1"
"""The column that holds yesterday-to-today's return of a stock; the rules read it where there is no spread."""


def last_change(windows: Windows) -> Floats:
    """Return the last change of each window's pair, or the last return of its stock, shape ``(window,)``.

    Raises
    ------
    SplitError
        If the study computes neither.
    """
    for column in (LAST_CHANGE, LAST_RETURN):
        if column in windows.columns:
            return windows.last(column)
    raise SplitError(f"a rule reads {LAST_CHANGE!r} or {LAST_RETURN!r}; this study computes {list(windows.columns)}")


def _frequency(right: int, wrong: int) -> float:
    return max((right + 1) / (right + wrong + 2), 0.5 + _HAIR)


@dataclass(frozen=True, slots=True)
class FittedSign:
    """Probability ``frequency`` for ``sign * last change``; one half where that is 0 or unknown."""

    sign: int
    frequency: float

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        opinion = self.sign * np.sign(np.nan_to_num(last_change(windows)))
        return 0.5 + opinion * (self.frequency - 0.5)

    def state(self) -> State:
        """Return the frequency; the sign is the recipe's."""
        return {"frequency": np.array([self.frequency])}


@dataclass(frozen=True, slots=True)
class SignRecipe:
    """Bet with (+1) or against (-1) the pair's last change."""

    name: str
    sign: int
    seeded: ClassVar = False
    calibrated: ClassVar = True

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedSign:
        """Count how often the rule was right in train."""
        opinion = self.sign * np.sign(np.nan_to_num(last_change(train)))
        truth = np.where(train.label == 1, 1, -1)
        right, wrong = int((opinion == truth).sum()), int((opinion == -truth).sum())
        return FittedSign(self.sign, _frequency(right, wrong))

    def restore(self, state: State) -> FittedSign:
        """Return the rule that gave ``state``."""
        require(state, {"frequency": 1}, self.name)
        return FittedSign(self.sign, float(state["frequency"][0]))


@dataclass(frozen=True, slots=True)
class Reversal:
    """Bet against the last change: of the pair's spread (factor ``spread_change``), or of the stock (``return``)."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["reversal"] = "reversal"
    reads: ClassVar = (LAST_CHANGE,)

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the rule; it prepares nothing."""
        return SignRecipe(self.kind, -1)


@dataclass(frozen=True, slots=True)
class Momentum:
    """Bet with the last change: of the pair's spread (factor ``spread_change``), or of the stock (``return``)."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["momentum"] = "momentum"
    reads: ClassVar = (LAST_CHANGE,)

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the rule; it prepares nothing."""
        return SignRecipe(self.kind, 1)


@dataclass(frozen=True, slots=True)
class FittedMajority:
    """The same probability every day."""

    up: float

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return np.full(len(windows), self.up)

    def state(self) -> State:
        """Return the probability."""
        return {"up": np.array([self.up])}


@dataclass(frozen=True, slots=True)
class MajorityRecipe:
    """Predict the direction that was more frequent in train."""

    name: str = "majority"
    seeded: ClassVar = False
    calibrated: ClassVar = True

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedMajority:
        """Count ups and downs in train."""
        ups = int((train.label == 1).sum())
        downs = len(train) - ups
        frequency = _frequency(max(ups, downs), min(ups, downs))
        return FittedMajority(frequency if ups >= downs else 1 - frequency)

    def restore(self, state: State) -> FittedMajority:
        """Return the rule that gave ``state``."""
        require(state, {"up": 1}, self.name)
        return FittedMajority(float(state["up"][0]))


@dataclass(frozen=True, slots=True)
class Majority:
    """The direction that was more frequent in train, every day."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["majority"] = "majority"
    reads: ClassVar = ()

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the rule; it prepares nothing."""
        return MajorityRecipe()
