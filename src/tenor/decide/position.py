"""What a study file says of positions: sign or probability, with or without a no-trade band.

These are settings; :mod:`tenor.decide.sizer` holds the rules they name.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Interval

from tenor.decide.sizer import NoTradeBand, ProbabilitySizer, SignSizer, Sizer
from tenor.settings import STRICT


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
        As for :class:`Sign`.
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
