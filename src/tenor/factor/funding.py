"""Funding: a calendar spread is mostly a position in forward funding between the two delivery dates.

Rates enter as decimals per year, each as last known at the study's decision time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Len

from tenor.factor.base import Field, changes
from tenor.factor.spread import Days
from tenor.settings import STRICT
from tenor.units import Floats


@dataclass(frozen=True, slots=True)
class Funding:
    """Level of each rate and its changes over ``days`` sessions, decimals per year.

    Parameters
    ----------
    rates
        Names of rates as the market has them, such as ``SHIBOR.ON`` and ``SHIBOR.1W``.
    days
        Sessions over which each rate's changes are taken, one column each.
    """

    __pydantic_config__: ClassVar = STRICT
    rates: Annotated[tuple[str, ...], Len(1)]
    days: Days = (1, 5)
    kind: Literal["funding"] = "funding"

    @property
    def inputs(self) -> tuple[Field, ...]:
        """One series per rate."""
        return tuple(Field("rate", name) for name in self.rates)

    @property
    def lookback(self) -> int:
        """The longest change, and today."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """For each rate its level, then ``_change_d`` for each d."""
        return tuple(column for name in self.rates for column in (name, *(f"{name}_change_{day}" for day in self.days)))

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return levels and changes."""
        parts = [part for field in self.inputs for part in (past[field][..., -1:], changes(past[field], self.days))]
        return np.concatenate(parts, axis=-1)
