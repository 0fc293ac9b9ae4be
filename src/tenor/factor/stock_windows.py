"""From a universe to windows: the decisions that a study of stocks makes, and what was left out and why.

A decision stands on the close of a session on which the instrument was a member and every factor of its last
``length`` sessions is there, or enough of them: ``complete`` says what counts as there. The band decides what is
learnt, never what is traded and scored.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from tenor.errors import SplitError
from tenor.factor.clean import LeftOut
from tenor.factor.label import NEUTRAL, Target
from tenor.factor.universe import CLOSE, Universe
from tenor.factor.window import Windows
from tenor.units import AnyArray, Dates

Complete = Literal["every", "any"]
"""``every``: each factor of each session of the window is known; ``any``: a session counts once one factor is known,
and what is unknown is filled with the train median."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Which sessions decisions are made on: first and last, inclusive; ``None`` for the ends of the data."""

    first: date | None = None
    last: date | None = None


def stock_windows(
    universe: Universe,
    columns: tuple[str, ...],
    rows: AnyArray,
    *,
    length: int,
    target: Target,
    complete: Complete = "any",
    between: Decisions | None = None,
) -> tuple[Windows, tuple[LeftOut, ...]]:
    """Collect the decisions of a universe.

    Parameters
    ----------
    universe
        Sessions and closes.
    columns, rows
        Factor columns and their values, ``(row, column)`` in the rows of the universe; float32 or float64.
    length
        Sessions in a window.
    target
        Horizons and band.
    complete
        When a session's factors count as known.
    between
        First and last session of a decision.

    Returns
    -------
    windows
        Sorted by session, then instrument; product and pair are the instrument's code.
    left_out
        Counts by rule, over all instruments.

    Raises
    ------
    SplitError
        If nothing is left.
    """
    count = len(universe)
    position = np.arange(count) - np.repeat(universe.bounds[:-1], np.diff(universe.bounds))
    finite = np.isfinite(rows)
    known = finite.all(axis=1) if complete == "every" else finite.any(axis=1)
    unknown = np.concatenate([[0], np.cumsum(~known)])
    start = np.maximum(np.arange(count) + 1 - length, 0)
    whole = (position >= length - 1) & (unknown[1:] - unknown[start] == 0)
    asked = _between(universe.sessions, between)
    rules = {
        "outside the asked sessions": ~asked,
        "not a member on that day": ~universe.member,
        "incomplete window": ~whole,
    }
    kept, taken = np.full(count, True), {}
    for rule, hit in rules.items():
        taken[rule] = int((kept & hit).sum())
        kept &= ~hit
    ends = np.flatnonzero(kept)
    if not len(ends):
        raise SplitError(f"no decision is left of {count:,} sessions of instruments: {taken}; give more data")
    close, longest = universe.fields[CLOSE], target.horizons[-1]
    ahead = np.full((count, len(target.horizons)), np.nan)
    resolves = np.full(count, np.datetime64("NaT", "D"))
    for first, stop in zip(universe.bounds[:-1], universe.bounds[1:], strict=True):
        ahead[first:stop] = target.ahead(close[first:stop])
        if stop - first > longest:
            resolves[first : stop - longest] = universe.sessions[first + longest : stop]
    label = target.direction(ahead[:, 0])
    codes = np.array(universe.codes)
    code = codes[universe.code]
    order = ends[np.lexsort((universe.code[ends], universe.sessions[ends]))]
    windows = Windows(
        columns=columns,
        rows=rows,
        row_product=code,
        ends=order,
        length=length,
        session=universe.sessions[order],
        product=code[order],
        pair=code[order],
        resolves=resolves[order],
        change=ahead[order, 0],
        label=label[order],
        horizons=target.horizons,
        ahead=ahead[order],
    )
    quiet = int(((windows.label == NEUTRAL) & np.isfinite(windows.change)).sum())
    counts = [LeftOut("all", rule, number) for rule, number in taken.items()]
    return windows, (*counts, LeftOut("all", "neutral band (kept for trading and scoring)", quiet))


def _between(sessions: Dates, between: Decisions | None) -> AnyArray:
    asked = np.full(len(sessions), True)
    if between is not None and between.first is not None:
        asked &= sessions >= np.datetime64(between.first, "D")
    if between is not None and between.last is not None:
        asked &= sessions <= np.datetime64(between.last, "D")
    return asked
