"""Many sizes of one shock: sweeps, grids, and the smallest that flips the forecast or the position.

A sweep asks the same desk about one shift at many sizes, a grid about two shifts at all pairs of sizes. The
**counterfactual** turns the question round: in a chosen family (parallel, funding, ...), how small a shock makes the
model change its mind, or the desk its side? A forecast is no smooth function of a shock, so the search asks a fine grid
in both directions first and then only refines between the last size that keeps the answer and the first that changes
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from tenor.errors import MarketError
from tenor.scenario.desk import Desk
from tenor.scenario.moves import Moves
from tenor.scenario.what_if import Answered, answered
from tenor.units import Floats

FLIP_STEPS = 200
"""Sizes in each direction that a search asks first."""
REFINEMENTS, FINER = 3, 20
"""How often a search looks again between two sizes, and at how many; the last step is 1/8000 of the first."""


@dataclass(frozen=True, slots=True)
class Family:
    """One shift at any size: ``Family("parallel", "bp")`` and its moves at +1 bp.

    Parameters
    ----------
    name
        As it is written: ``parallel``, ``10y``, ``pca.1``.
    unit
        Of its sizes: ``bp``, ``%``, ``sd``, or nothing.
    """

    name: str
    unit: str

    def __str__(self) -> str:
        """Print what an axis of sizes is called."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Point:
    """One size of a sweep, or one pair of sizes of a grid."""

    sizes: tuple[float, ...]
    spread: float
    up: float
    pairs: float
    pnl: float
    near_cheapest: str
    far_cheapest: str
    plausible: bool | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """Sizes of one family, or all pairs of sizes of two, in row-major order; ``axes`` are in the families' units."""

    families: tuple[Family, ...]
    axes: tuple[tuple[float, ...], ...]
    points: tuple[Point, ...]


def sweep(desk: Desk, shifts: Sequence[tuple[Family, Moves]], axes: Sequence[Sequence[float]]) -> Sweep:
    """Ask the desk about one or two families at many sizes.

    Parameters
    ----------
    shifts
        Each family with its moves at size 1.
    axes
        Sizes of each, in its unit.
    """
    if len(axes) not in (1, 2):
        raise MarketError(f"{len(axes)} shifts to vary; give one for a sweep and two for a grid")
    scaled = [[moves.scaled(size) for size in axis] for (_, moves), axis in zip(shifts, axes, strict=True)]
    stack = scaled[0] if len(axes) == 1 else [one + other for one, other in product(*scaled)]
    found = answered(desk, stack, models=())
    likely = desk.history.plausible(stack)
    points = tuple(
        _point(found, at, tuple(map(float, sizes)), likely[at - 1]) for at, sizes in enumerate(product(*axes), start=1)
    )
    return Sweep(tuple(family for family, _ in shifts), tuple(tuple(map(float, axis)) for axis in axes), points)


def _point(found: Answered, at: int, sizes: tuple[float, ...], plausible: bool | None) -> Point:
    value = found.worlds.value
    cheapest = [leg.priced.leg.bonds[int(leg.priced.fair.cheapest[at, 0])] for leg in (value.near, value.far)]
    return Point(
        sizes=sizes,
        spread=float(found.worlds.spread[at]),
        up=float(found.up[at]),
        pairs=float(found.wanted[at]),
        pnl=float(found.pnl[at]),
        near_cheapest=cheapest[0],
        far_cheapest=cheapest[1],
        plausible=plausible,
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """The smallest size of a family that flips the answer, if any within the bound does; sizes are in its unit.

    Parameters
    ----------
    family, of
        What was varied; ``forecast`` (the probability crosses one half) or ``position`` (the pairs wanted
        change their sign, or come to nothing).
    bound
        Largest size that was asked, in both directions.
    size
        At which the answer has flipped; ``None`` if none within the bound does.
    resolution
        The flip lies within this much below ``size``.
    base, flipped
        Probability of up (or pairs) without the shock and at ``size``.
    lowest, highest
        Of the probability (or pairs) over all sizes asked.
    plausible
        Whether a shock of that size is plausible; ``None`` without a flip.
    """

    family: Family
    of: Literal["forecast", "position"]
    bound: float
    size: float | None
    resolution: float
    base: float
    flipped: float | None
    lowest: float
    highest: float
    plausible: bool | None


def flip(desk: Desk, family: Family, moves: Moves, *, of: Literal["forecast", "position"], bound: float) -> Flip:
    """Search the smallest size of a family (``moves`` at size 1) that flips the forecast or the position.

    Sizes up to ``bound`` are asked in both directions, ``FLIP_STEPS`` each, then refined; a shock that
    flips the answer and flips it back between two of the first sizes is not seen.
    """
    if not moves:
        raise MarketError(
            f"{family.name} changes nothing, so no size of it can flip anything; name a shift that moves something"
        )
    if not bound > 0:
        raise MarketError(f"a bound of {bound:g}; give a size above 0")
    ladder = np.arange(1, FLIP_STEPS + 1) / FLIP_STEPS * bound
    asked = np.concatenate([ladder, -ladder])
    values = _values(desk, moves, asked, of)
    base, asked_values = float(values[0]), values[1:]
    changed = _sides(asked_values, of) != _sides(values[:1], of)[0]
    lowest, highest = float(values.min()), float(values.max())
    if not changed.any():
        return Flip(family, of, bound, None, bound / FLIP_STEPS, base, None, lowest, highest, None)
    first = asked[changed][np.argmin(np.abs(asked[changed]))]
    way, width = np.sign(first), bound / FLIP_STEPS
    size, flipped = float(first), float(asked_values[np.flatnonzero(asked == first)[0]])
    for _ in range(REFINEMENTS):
        finer = size - way * width * np.arange(FINER - 1, -1, -1) / FINER
        again = _values(desk, moves, finer, of)[1:]
        hit = int(np.flatnonzero(_sides(again, of) != _sides(np.array([base]), of)[0])[0])
        size, flipped, width = float(finer[hit]), float(again[hit]), width / FINER
    (likely,) = desk.history.plausible([moves.scaled(size)])
    return Flip(family, of, bound, size, width, base, flipped, lowest, highest, likely)


def _values(desk: Desk, moves: Moves, sizes: Floats, of: str) -> Floats:
    found = answered(desk, [moves.scaled(float(size)) for size in sizes], models=())
    return found.up if of == "forecast" else found.wanted


def _sides(values: Floats, of: str) -> Floats:
    return np.asarray(np.sign(values - 0.5 if of == "forecast" else values))
