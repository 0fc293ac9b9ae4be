"""The label: which way the spread of the same pair, or the price of the same stock, goes until the next session.

``change_t = S_{t+1} - S_t`` in points within one pair; up is 1, down is 0, and a move inside the neutral band
is ``NEUTRAL``: it teaches nothing (training leaves it out) but it is traded and scored like any other day,
since nobody knows beforehand that a day will be quiet.

Of a stock the change is a return, its band need not be even (up from +0.55 %, down from -0.5 %, say), and there may be
several horizons: ``Target``.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Len

from tenor.errors import StudyError
from tenor.settings import STRICT
from tenor.units import Floats, Ints

DOWN, UP, NEUTRAL = 0, 1, -1

HORIZON = 1
"""Sessions from the decision to the end of the label."""

_ROUNDING = 1e-9


def next_change(spread: Floats) -> Floats:
    """Return ``S_{t+1} - S_t`` for each session of one pair, shape ``(session,)``; the last is NaN."""
    return np.append(np.diff(spread), np.nan)


def direction(change: Floats, band: Floats | float) -> Ints:
    """Classify changes: ``UP`` or ``DOWN`` outside ``band`` (in points), else ``NEUTRAL``.

    The edge of the band counts as outside.

    A change of exactly zero is neutral whatever the band. NaN is neutral too; callers leave unknown changes
    out.
    """
    outside = (np.abs(change) >= np.asarray(band) - _ROUNDING) & (np.abs(change) > _ROUNDING)
    return np.where(outside, np.where(change > 0, UP, DOWN), NEUTRAL).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked of a stock: its return over each horizon, and from where on one counts as up or down.

    Parameters
    ----------
    horizons
        Sessions of the instrument ahead, ascending; the direction is that of the first.
    up
        Least return over the first horizon that is up, a decimal: 0.0055 is 0.55 %. What lies between this and ``down``
        is neutral: not learnt from, still traded and scored.
    down
        Greatest return that is down, a decimal of zero or less. Models that give prices ask for 0 here and in ``up``.

    Raises
    ------
    StudyError
        If the horizons do not ascend.
    """

    __pydantic_config__: ClassVar = STRICT
    horizons: Annotated[tuple[Annotated[int, Gt(0)], ...], Len(1)] = (1,)
    up: Annotated[float, Ge(0)] = 0.0
    down: Annotated[float, Le(0)] = 0.0

    def __post_init__(self) -> None:
        if list(self.horizons) != sorted(set(self.horizons)):
            raise StudyError(f"horizons are {list(self.horizons)}; give each once, the shortest first")

    def ahead(self, close: Floats) -> Floats:
        """Return the return over each horizon, ``(session,)`` to ``(session, horizon)``; NaN where not yet known."""
        out = np.full((len(close), len(self.horizons)), np.nan)
        for at, horizon in enumerate(self.horizons):
            if horizon < len(close):
                out[:-horizon, at] = close[horizon:] / close[:-horizon] - 1.0
        return out

    def direction(self, returns: Floats) -> Ints:
        """Classify returns of the first horizon: ``UP``, ``DOWN`` or ``NEUTRAL`` (so is NaN, and exactly zero)."""
        up = (returns >= self.up - _ROUNDING_RETURN) & (returns > _ROUNDING_RETURN)
        down = (returns <= self.down + _ROUNDING_RETURN) & (returns < -_ROUNDING_RETURN)
        return np.where(up, UP, np.where(down, DOWN, NEUTRAL)).astype(np.int64)


_ROUNDING_RETURN = 1e-12
