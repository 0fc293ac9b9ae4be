"""What a study file says of positions: sign or probability, with or without a no-trade band.

These are settings; :mod:`tenor.decide.sizer` holds the rules they name.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Interval

from tenor.decide.limits import Limits
from tenor.decide.sizer import NoTradeBand, ProbabilitySizer, Risk, SignSizer, Sizer
from tenor.settings import STRICT
from tenor.units import Floats, Money, Price


def _named(kind: str, band: float) -> str:
    return f"{kind}, band {band:g}" if band else kind


@dataclass(frozen=True, slots=True)
class Sign:
    """A full position on the likelier side.

    Parameters
    ----------
    band
        Move only if the expected gain exceeds this multiple of the cost of the move; 0 always moves.
    """

    __pydantic_config__: ClassVar = STRICT
    band: Annotated[float, Ge(0)] = 0.0
    kind: Literal["sign"] = "sign"
    least_scale: ClassVar = 0.0

    @property
    def name(self) -> str:
        """What tables print."""
        return _named(self.kind, self.band)

    def sizer(self) -> Sizer:
        """Return the rule."""
        return NoTradeBand(SignSizer(), self.band)


@dataclass(frozen=True, slots=True)
class Probability:
    """In proportion to conviction, normalised by what counted as full conviction on validation, capped.

    Parameters
    ----------
    cap
        Largest fraction of a full position.
    least_scale
        A distance from one half below this never makes a full position, however small the model's convictions
        were on validation: without it a model that knows nothing would be scaled up to full size.
    band
        Move only if the expected gain exceeds this multiple of the cost of the move; 0 always moves.
    """

    __pydantic_config__: ClassVar = STRICT
    cap: Annotated[float, Interval(gt=0, le=1)] = 1.0
    least_scale: Annotated[float, Gt(0)] = 0.02
    band: Annotated[float, Ge(0)] = 0.0
    kind: Literal["probability"] = "probability"

    @property
    def name(self) -> str:
        """What tables print."""
        return _named(self.kind, self.band)

    def sizer(self) -> Sizer:
        """Return the rule."""
        return NoTradeBand(ProbabilitySizer(self.cap), self.band)


def pairs_wanted(
    rule: Sign | Probability,
    limits: Limits,
    up: Floats,
    held: float,
    *,
    scale: float,
    expected_move: Price,
    cost: Money,
    multiplier: Money,
) -> Floats:
    """Return the pairs that a rule asks for at probabilities ``up`` ``(s,)``, seen from ``held`` pairs.

    Parameters
    ----------
    scale
        ``|up - 1/2|`` of full conviction; the rule's least one stands where it is smaller.
    expected_move
        Mean absolute change of the spread over a session, points.
    cost, multiplier
        Money for changing the position by one pair, and money per point and pair.
    """
    full = max(scale, rule.least_scale, np.finfo(float).tiny)
    risk = Risk(np.full(len(up), full), np.full(len(up), expected_move), cost, multiplier)
    share = np.full(len(up), held / limits.max_pairs)
    wanted = rule.sizer().target(up, share, risk)
    return np.where(wanted == share, held, limits.pairs(wanted))  # holding on is exact, not rounded again
