"""What a trade costs: the exchange's fee, and the slippage of crossing the market.

Trading one pair executes two legs, so a round trip in one pair executes four. On T, with the exchange's 3
yuan and half a tick of slippage per leg, that is 4 * (3 + 0.5 * 0.005 * 10,000) = 112 yuan, or 0.0112 points
of spread.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.decide.legs import Legs
from tenor.errors import StudyError
from tenor.settings import STRICT
from tenor.units import Floats

LEGS_PER_PAIR = 2


@dataclass(frozen=True, slots=True)
class Costs:
    """The price of trading, stated and never assumed: neither field has a default.

    Parameters
    ----------
    slippage_ticks
        Ticks lost on each leg execution against the price at which the backtest fills: half the bid-ask
        spread for who crosses it at a one-tick market is 0.5.
    fee
        ``exchange`` for the dated exchange fee that the legs carry, or money per lot and leg execution (a broker's).

    Raises
    ------
    StudyError
        If a number is negative or not finite, or ``fee`` is neither a number nor ``"exchange"``.
    """

    __pydantic_config__: ClassVar = STRICT
    slippage_ticks: float
    fee: float | Literal["exchange"]

    def __post_init__(self) -> None:
        if not 0 <= self.slippage_ticks < float("inf"):
            raise StudyError(f"slippage_ticks is {self.slippage_ticks}; give ticks per leg execution, zero or more")
        if self.fee == "exchange":
            return
        if not isinstance(self.fee, int | float) or not 0 <= self.fee < float("inf"):
            raise StudyError(f"fee is {self.fee!r}; give money per lot and leg, zero or more, or 'exchange'")

    def per_pair(self, legs: Legs) -> Floats:
        """``(n,)`` money for a change of one pair: ``2 * (fee + slippage * tick * multiplier)``."""
        fee = legs.fee if self.fee == "exchange" else self.fee
        return np.asarray(LEGS_PER_PAIR * (fee + self.slippage_ticks * legs.tick * legs.multiplier))
