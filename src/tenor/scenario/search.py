"""Many sizes of one shock: sweeps, grids, and the smallest that flips the forecast or the position.

A sweep asks the same desk about one shift at many sizes, a grid about two shifts at all pairs of sizes. The
**counterfactual** turns the question round: in a chosen family (parallel, funding, ...), how small a shock makes the
model change its mind, or the desk its side? A forecast is no smooth function of a shock, so the search asks a fine grid
in both directions first and then only refines between the last size that keeps the answer and the first that changes
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tenor.errors import MarketError
from tenor.scenario.desk import Desk
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.what_if import Answered, answered
from tenor.units import Floats

FLIP_STEPS = 200
"""Sizes in each direction that a search asks first."""
REFINEMENTS, FINER = 3, 20
"""How often a search looks again between two sizes, and at how many; the last step is 1/8000 of the first."""


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
    plausible: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """Sizes of one shift, or all pairs of sizes of two, in row-major order.

    ``names`` are the shifts' words, ``axes`` their sizes as multiples of the shift that was given.
    """

    names: tuple[str, ...]
    axes: tuple[tuple[float, ...], ...]
    points: tuple[Point, ...]


def sweep(desk: Desk, shifts: Sequence[tuple[str, Moves]], axes: Sequence[Sequence[float]]) -> Sweep:
    """Ask the desk about one or two shifts at many sizes.

    Parameters
    ----------
    shifts
        Words and moves of each shift at size 1.
    axes
        Sizes of each, as multiples.
    """
    sizes = [tuple(float(size) for size in pair) for pair in _product(axes)]
    stack = []
    for pair in sizes:
        total = NOTHING
        for (_, moves), size in zip(shifts, pair, strict=True):
            total = total + moves.scaled(size)
        stack.append(total)
    found = answered(desk, stack)
    judged = desk.history.judge(stack)
    points = tuple(_point(found, at + 1, pair, judged[at].plausible) for at, pair in enumerate(sizes))
    return Sweep(tuple(name for name, _ in shifts), tuple(tuple(map(float, axis)) for axis in axes), points)


def _product(axes: Sequence[Sequence[float]]) -> list[tuple[float, ...]]:
    if len(axes) not in (1, 2):
        raise MarketError(f"{len(axes)} shifts to vary; give one for a sweep and two for a grid")
    grids = np.meshgrid(*axes, indexing="ij")
    return [tuple(pair) for pair in np.stack([grid.ravel() for grid in grids], axis=1).tolist()]


def _point(found: Answered, at: int, sizes: tuple[float, ...], plausible: bool) -> Point:
    value = found.worlds.value
    cheapest = [leg.priced.leg.bonds[int(leg.priced.fair.cheapest[at, 0])] for leg in (value.near, value.far)]
    return Point(
        sizes=sizes,
        spread=float(found.worlds.spread[at]),
        up=float(found.up[at]),
        pairs=float(found.wanted[at]),
        pnl=float(np.asarray(found.pnl)[at]),
        near_cheapest=cheapest[0],
        far_cheapest=cheapest[1],
        plausible=plausible,
    )


@dataclass(frozen=True, slots=True)
class Flip:
    """The smallest size of a shift that flips the answer, if any within the bound does.

    Parameters
    ----------
    name, of
        The shift's words at size 1; ``forecast`` (the probability crosses one half) or ``position`` (the pairs wanted
        change their sign, or come to nothing).
    bound
        Largest multiple that was asked, in both directions.
    size
        Multiple of the shift at which the answer has flipped; ``None`` if none within the bound does.
    resolution
        The flip lies within this multiple below ``size``.
    base, flipped
        Probability of up (or pairs) without the shock and at ``size``.
    lowest, highest
        Of the probability (or pairs) over all sizes asked.
    plausible
        Whether a shock of that size is plausible; ``None`` without a flip.
    """

    name: str
    of: Literal["forecast", "position"]
    bound: float
    size: float | None
    resolution: float
    base: float
    flipped: float | None
    lowest: float
    highest: float
    plausible: bool | None


def flip(desk: Desk, name: str, moves: Moves, *, of: Literal["forecast", "position"], bound: float) -> Flip:
    """Search the smallest multiple of ``moves`` that flips the forecast or the position.

    Sizes up to ``bound`` times ``moves`` are asked in both directions, ``FLIP_STEPS`` each, then refined; a shock that
    flips the answer and flips it back between two of the first sizes is not seen.
    """
    if not moves:
        raise MarketError(f"{name} changes nothing, so no size of it can flip anything; give it a size")
    if not bound > 0:
        raise MarketError(f"a bound of {bound:g}; give a multiple of the shift above 0")
    ladder = np.arange(1, FLIP_STEPS + 1) / FLIP_STEPS * bound
    asked = np.concatenate([ladder, -ladder])
    values = _values(desk, moves, asked, of)
    base, asked_values = float(values[0]), values[1:]
    changed = _sides(asked_values, of) != _sides(values[:1], of)[0]
    lowest, highest = float(values.min()), float(values.max())
    if not changed.any():
        return Flip(name, of, bound, None, bound / FLIP_STEPS, base, None, lowest, highest, None)
    first = asked[changed][np.argmin(np.abs(asked[changed]))]
    way, width = np.sign(first), bound / FLIP_STEPS
    size, flipped = float(first), float(asked_values[np.flatnonzero(asked == first)[0]])
    for _ in range(REFINEMENTS):
        finer = size - way * width * np.arange(FINER - 1, -1, -1) / FINER
        again = _values(desk, moves, finer, of)[1:]
        hit = int(np.flatnonzero(_sides(again, of) != _sides(np.array([base]), of)[0])[0])
        size, flipped, width = float(finer[hit]), float(again[hit]), width / FINER
    judged = desk.history.judge([moves.scaled(size)])
    return Flip(name, of, bound, size, width, base, flipped, lowest, highest, judged[0].plausible)


def _values(desk: Desk, moves: Moves, sizes: Floats, of: str) -> Floats:
    found = answered(desk, [moves.scaled(float(size)) for size in sizes])
    return found.up if of == "forecast" else found.wanted


def _sides(values: Floats, of: str) -> Floats:
    return np.asarray(np.sign(values - 0.5 if of == "forecast" else values))
