"""The label: which way the spread of the same pair goes until the next session.

``change_t = S_{t+1} - S_t`` in points within one pair; up is 1, down is 0, and a move inside the neutral band
is ``NEUTRAL``: it teaches nothing (training leaves it out) but it is traded and scored like any other day,
since nobody knows beforehand that a day will be quiet.
"""

import numpy as np

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
