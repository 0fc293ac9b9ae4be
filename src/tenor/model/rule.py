"""The rules that every network must beat: majority, reversal and momentum; and for prices, the random walk.

A rule has a fixed opinion; only its probability is learnt, as the frequency with which it was right in train
(with one right and one wrong added, Laplace's rule of succession). Where a rule was wrong more often than
right its probability stays a hair above one half: it keeps its opinion and says that it is worth nothing.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.errors import FitError, SplitError
from tenor.factor.spread import LAST_CHANGE
from tenor.factor.window import Windows
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import LEVELS, Levels
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


SPREAD = "volatility_20"
"""The column that holds the volatility of the last sessions; without it the returns within the window give one."""


def trailing_volatility(windows: Windows) -> Floats:
    """Return the volatility per session that was known at each decision, ``(window,)``; NaN where unknown.

    ``volatility_20`` where the study computes it, else the root mean square of ``return_1``, or of ``spread_change_1``
    in points, over the window.

    Raises
    ------
    SplitError
        If the study computes neither.
    """
    if SPREAD in windows.columns:
        return windows.last(SPREAD).astype(np.float64)
    column = next((name for name in (LAST_RETURN, LAST_CHANGE) if name in windows.columns), None)
    if column is None:
        raise SplitError(
            f"random_walk reads {SPREAD!r}, {LAST_RETURN!r} or {LAST_CHANGE!r}; this study computes"
            f" {list(windows.columns)}"
        )
    move = windows.rows[:, windows.columns.index(column)].astype(np.float64)
    square, known = np.nan_to_num(move * move), np.isfinite(move)
    total, count = np.zeros(len(windows)), np.zeros(len(windows), np.int64)
    for ago in range(windows.length):  # session by session: windows laid out would not fit
        total += square[windows.ends - ago]
        count += known[windows.ends - ago]
    return np.where(count > 0, np.sqrt(total / np.maximum(count, 1)), np.nan)


@dataclass(frozen=True, slots=True)
class FittedWalk:
    """No change, give or take: quantiles of train's moves in units of the volatility that was known before each.

    ``moves`` is ``(horizon, level)``; ``usual`` stands in where the volatility is unknown.
    """

    up: float
    levels: tuple[float, ...]
    moves: Floats
    usual: float

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return np.full(len(windows), self.up)

    def quantiles(self, windows: Windows) -> Floats:
        """Return quantiles of the return over each horizon, ``(window, horizon, level)``."""
        return self._size(windows)[:, None, None] * self.moves[None]

    def unit(self, windows: Windows) -> Floats:
        """Return the volatility of the day over each horizon, ``(window, horizon)``."""
        return self._size(windows)[:, None] * np.sqrt(np.array(windows.horizons, np.float64))

    def _size(self, windows: Windows) -> Floats:
        size = trailing_volatility(windows)
        return np.where(np.isfinite(size) & (size > 0), size, self.usual)

    def state(self) -> State:
        """Return what was counted in train."""
        numbers = np.array([self.up, self.usual])
        return {"up_and_usual": numbers, "levels": np.array(self.levels), "moves": self.moves}


@dataclass(frozen=True, slots=True)
class WalkRecipe:
    """Tomorrow is today, with as much around it as train had."""

    levels: tuple[float, ...]
    name: str = "random_walk"
    seeded: ClassVar = False
    calibrated: ClassVar = True
    of_returns: ClassVar = True

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedWalk:
        """Measure train's moves in the volatility that was known before each; the middle is held at no change."""
        size = trailing_volatility(train)
        known = np.isfinite(size) & (size > 0) & np.isfinite(train.ahead).all(axis=1)
        if not known.any():
            raise FitError(f"{self.name}: no train window has a volatility and a known outcome; lengthen train")
        scaled = np.abs(train.ahead[known]) / size[known, None]
        # symmetric about no change: the level's distance from the middle is a quantile of absolute moves
        away = np.array([abs(2.0 * level - 1.0) for level in self.levels])
        moves = np.quantile(scaled, away, axis=0).T * np.sign(np.array(self.levels) - 0.5)
        moves[:, away == 0] = 0.0
        ups, downs = int((train.label == 1).sum()), int((train.label == 0).sum())
        return FittedWalk((ups + 1) / (ups + downs + 2), self.levels, moves, float(np.median(size[known])))

    def restore(self, state: State) -> FittedWalk:
        """Return the walk that gave ``state``."""
        require(state, {"up_and_usual": 1, "levels": 1, "moves": 2}, self.name)
        up, usual = (float(number) for number in state["up_and_usual"])
        return FittedWalk(up, tuple(state["levels"].tolist()), state["moves"], usual)


@dataclass(frozen=True, slots=True)
class RandomWalk:
    """Tomorrow = today: median no change, quantiles as wide as train's moves at the volatility of the day.

    The naive row beside every price. Its probability of up is how often prices rose in train.

    Parameters
    ----------
    levels
        Which quantiles: levels between 0 and 1, ascending. 0.5 is no change; two that mirror each other, such as 0.05
        and 0.95, lie as far above as below it.
    """

    __pydantic_config__: ClassVar = STRICT
    levels: Levels = LEVELS
    kind: Literal["random_walk"] = "random_walk"
    reads: ClassVar = ()

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the rule; it prepares nothing."""
        return WalkRecipe(self.levels)
