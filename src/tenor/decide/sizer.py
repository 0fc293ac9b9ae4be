"""From a probability to a target: how large a position a forecast deserves.

A sizer sees one session at a time: the probability that the spread rises over the next session, what is held,
and what that session costs. It answers with a target between -1 (short a full position) and 1 (long one).
Instances:

* ``SignSizer``: a full position on the likelier side; nothing at exactly one half.
* ``ProbabilitySizer``: in proportion to the distance from one half, full at a distance learned from training
  data.
* ``NoTradeBand(SignSizer(), multiple=1.0)``: moves only where the move is expected to pay for its own cost.

What a sizer needs to have learned comes by session in ``Learned``, because in a walk-forward every fold
learns its own.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tenor.errors import StudyError
from tenor.units import Floats, Money


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learned from training and validation data only, for each session of the backtest.

    Each field is ``(n,)`` or broadcasts to the forecast's ``(..., n)``: the value of the fold whose test
    window holds the session, NaN where no fold does; ``None`` if no sizer in use needs it.

    Parameters
    ----------
    scale
        Distance of a probability from one half at which the position is full.
    expected_move
        Mean absolute change of the spread over one session, in points.
    """

    scale: Floats | None = None
    expected_move: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """What a sizer is handed beside the forecast, at one session; nothing in it is later than that session.

    ``scale`` and ``expected_move`` are ``(strategy,)`` arrays, NaN where nothing was learned; ``cost`` is
    money for changing the position by one pair and ``multiplier`` money per point and pair.
    """

    scale: Floats
    expected_move: Floats
    cost: Money
    multiplier: Money


class Sizer(Protocol):
    """A rule for how much to hold.

    ``uses`` names the fields of :class:`Learned` that it reads, so that a missing one is refused before the
    first session and not met as a NaN.
    """

    @property
    def uses(self) -> tuple[str, ...]:
        """Names of the learned values that the rule reads."""

    def target(self, p_up: Floats, held: Floats, risk: Risk) -> Floats:
        """Fractions of the full position to hold, from ``(strategy,)`` probabilities and fractions held."""


@dataclass(frozen=True, slots=True)
class SignSizer:
    """A full position on the likelier side: 1 above one half, -1 below, 0 at exactly one half."""

    uses: tuple[str, ...] = field(default=(), init=False)

    def target(self, p_up: Floats, held: Floats, risk: Risk) -> Floats:
        """Sign of ``p_up - 1/2``."""
        return np.asarray(np.sign(p_up - 0.5))


@dataclass(frozen=True, slots=True)
class ProbabilitySizer:
    """In proportion to the conviction: ``clip((p - 1/2) / scale, -1, 1)``, then capped.

    Parameters
    ----------
    cap
        Largest fraction of the full position, above 0 up to 1.
    """

    cap: float
    uses: tuple[str, ...] = field(default=("scale",), init=False)

    def __post_init__(self) -> None:
        if not 0 < self.cap <= 1:
            raise StudyError(f"cap is {self.cap}; give the largest fraction of a full position, above 0 up to 1")

    def target(self, p_up: Floats, held: Floats, risk: Risk) -> Floats:
        """Scaled distance from one half, clipped to the cap."""
        return np.asarray(np.clip((p_up - 0.5) / risk.scale, -self.cap, self.cap))


@dataclass(frozen=True, slots=True)
class NoTradeBand:
    """Leave the position alone unless the move is expected to earn more than a multiple of its cost.

    Moving from ``h`` to ``w`` is expected to earn ``(w - h) * (2p - 1) * E|dS| * multiplier`` over the next
    session and costs ``|w - h| * cost``, where ``cost`` is both legs' fee and slippage for one pair. The size
    of the move cancels, so the rule is about its direction: increase where the edge per pair exceeds
    ``multiple * cost``, decrease where the edge is below ``-multiple * cost``, otherwise hold. A position
    therefore stays while the probability merely fades towards one half: closing it would cost something and
    is expected to gain nothing.

    Parameters
    ----------
    sizer
        The rule that names the target; any sizer.
    multiple
        How many times its cost a move must be expected to earn; 1 breaks even in one session, 0 turns the
        band off.
    """

    sizer: Sizer
    multiple: float

    def __post_init__(self) -> None:
        if not 0 <= self.multiple < float("inf"):
            raise StudyError(f"multiple is {self.multiple}; give times the cost, zero (no band) or more")

    @property
    def uses(self) -> tuple[str, ...]:
        """What the inner rule reads, and the expected move."""
        if self.multiple == 0:
            return self.sizer.uses
        return tuple(dict.fromkeys((*self.sizer.uses, "expected_move")))

    def target(self, p_up: Floats, held: Floats, risk: Risk) -> Floats:
        """The inner target where moving to it pays, what is held elsewhere."""
        wanted = self.sizer.target(p_up, held, risk)
        if self.multiple == 0:
            return wanted
        edge = (2.0 * p_up - 1.0) * risk.expected_move * risk.multiplier
        pays = np.sign(wanted - held) * edge > self.multiple * risk.cost
        return np.asarray(np.where(pays, wanted, held))
