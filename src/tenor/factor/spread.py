"""Factors of the pair itself: level and changes of the spread, changes of the legs, time to expiry.

The spread is near minus far, both closes of one named pair, in price points per 100 of face.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Len

from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field, changes
from tenor.settings import STRICT
from tenor.units import Floats

Days = Annotated[tuple[Annotated[int, Gt(0)], ...], Len(1)]

LAST_CHANGE = "spread_change_1"
"""The column that holds yesterday-to-today's change; the reversal and momentum rules read it."""


@dataclass(frozen=True, slots=True)
class SpreadLevel:
    """Near close minus far close, in points."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["spread_level"] = "spread_level"

    inputs: ClassVar = (NEAR_CLOSE, FAR_CLOSE)
    lookback: ClassVar = 1
    columns: ClassVar = ("spread",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return S_t."""
        return past[NEAR_CLOSE] - past[FAR_CLOSE]


@dataclass(frozen=True, slots=True)
class SpreadChange:
    """S_t - S_{t-d} for each d in ``days``, in points, within the pair.

    Parameters
    ----------
    days
        Sessions back, one column each. Keep 1 where reversal or momentum is asked: they read ``spread_change_1``.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Days = (1, 2, 3, 4, 5)
    kind: Literal["spread_change"] = "spread_change"

    inputs: ClassVar = (NEAR_CLOSE, FAR_CLOSE)

    @property
    def lookback(self) -> int:
        """The longest change, and today."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """``spread_change_d`` for each d."""
        return tuple(f"spread_change_{day}" for day in self.days)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the changes of near minus far."""
        return changes(past[NEAR_CLOSE] - past[FAR_CLOSE], self.days)


@dataclass(frozen=True, slots=True)
class LegChange:
    """Changes of the near and of the far close over each d in ``days``, in points.

    Parameters
    ----------
    days
        Sessions back; each gives a column of the near leg and one of the far leg.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Days = (1, 5)
    kind: Literal["leg_change"] = "leg_change"

    inputs: ClassVar = (NEAR_CLOSE, FAR_CLOSE)

    @property
    def lookback(self) -> int:
        """The longest change, and today."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """``near_change_d`` for each d, then ``far_change_d``."""
        return tuple(f"{leg}_change_{day}" for leg in ("near", "far") for day in self.days)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the changes of each leg."""
        return np.concatenate([changes(past[leg], self.days) for leg in (NEAR_CLOSE, FAR_CLOSE)], axis=-1)


@dataclass(frozen=True, slots=True)
class TimeToExpiry:
    """Calendar days from the session to the near contract's last trading day."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["time_to_expiry"] = "time_to_expiry"

    inputs: ClassVar = (Field("pair", "days_to_last_trading"),)
    lookback: ClassVar = 1
    columns: ClassVar = ("days_to_last_trading",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the days that are left."""
        return past[self.inputs[0]]
