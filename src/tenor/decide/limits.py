"""How much may be held, and what it ties up.

Three limits bind every position. It never exceeds ``max_pairs``. It is zero by the close of the pair's
``flat_by``: CFFEX liquidates a client without delivery rights who still holds the near leg in its delivery
month (notice of 2015-08-07). And it is never carried from one pair into the next. The last two live in the
backtest's order of events, because they are about time; this file holds the size and the margin.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.decide.legs import Legs
from tenor.errors import StudyError
from tenor.settings import STRICT
from tenor.units import Floats

Lots = Literal["fractional", "nearest", "toward_zero"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest position, and whether lots are whole.

    Parameters
    ----------
    max_pairs
        Pairs held at a full target: a target of 1 is ``max_pairs`` long the near and short the far contract.
    lots
        ``nearest`` and ``toward_zero`` hold whole pairs only, as an exchange does (a half is rounded to zero's side);
        ``fractional`` keeps the exact fraction, for studies about the rule and not about a small account.

    Raises
    ------
    StudyError
        If ``max_pairs`` is not positive, below one pair when lots are whole, or ``lots`` is unknown.
    """

    __pydantic_config__: ClassVar = STRICT
    max_pairs: float
    lots: Lots

    def __post_init__(self) -> None:
        if not 0 < self.max_pairs < float("inf"):
            raise StudyError(f"max_pairs is {self.max_pairs}; give the pairs of a full position, above zero")
        if self.lots not in ("fractional", "nearest", "toward_zero"):
            raise StudyError(f"lots is {self.lots!r}; allowed are 'fractional', 'nearest' and 'toward_zero'")
        if self.lots != "fractional" and self.max_pairs != int(self.max_pairs):
            raise StudyError(
                f"max_pairs is {self.max_pairs} with whole lots; give a whole number, or lots='fractional'"
            )

    def pairs(self, target: Floats) -> Floats:
        """Turn targets in [-1, 1] into pairs, capped and rounded; any shape."""
        held: Floats = np.clip(target, -1.0, 1.0) * self.max_pairs
        if self.lots == "nearest":
            return np.copysign(np.ceil(np.abs(held) - 0.5), held) + 0.0
        if self.lots == "toward_zero":
            return np.trunc(held) + 0.0
        return held


def margin_per_pair(legs: Legs) -> Floats:
    """``(n,)`` money that the exchange asks for one pair at each close; NaN where a leg was not quoted.

    CFFEX charges two-way positions in its bond futures on the larger side only, so one pair ties up
    ``max(near, far) * multiplier * margin_rate``, not the sum of both legs.
    """
    return np.asarray(np.maximum(legs.near_close, legs.far_close) * legs.multiplier * legs.margin_rate)


def capital_per_pair(legs: Legs) -> Floats:
    """``(n,)`` money committed to one pair during each session: its margin at the last quoted close before.

    Taken by session and not as one mean, for two reasons: a mean over the whole span would let later prices
    scale earlier returns, and the exchange changes its margin rates (T had a ladder of 2, 3 and 4 % in 2015).
    A session with no quoted close before it takes its own, NaN if there is none either.
    """
    margin = margin_per_pair(legs)
    quoted = np.flatnonzero(np.isfinite(margin))
    before = np.searchsorted(quoted, np.arange(len(legs)), side="left") - 1
    capital = margin.copy()
    capital[before >= 0] = margin[quoted[before[before >= 0]]]
    return capital
