"""Factors of a universe: instruments in blocks that fit the cache, two blocks at a time, sessions all at once.

First come the factors of each instrument by itself. They are handed zero-copy windows of a block of instruments, laid
from their first session on with nothing behind the last, so no window reaches into another instrument. Then, in the
order of the study, those that compare instruments (:mod:`tenor.factor.cross_section`), which are handed one session at
a time. Up to ``WIDE`` columns are kept as float64, more as float32: a set of 158 on a market is a gigabyte so.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tenor.errors import StudyError
from tenor.factor.base import Factor, Field, Named, columns_of, compute, computed
from tenor.factor.cross_section import CrossFactor, across
from tenor.factor.universe import Universe
from tenor.progress import Progress, silent
from tenor.units import AnyArray, Floats, Ints

BLOCK_SESSIONS = 48_000
"""Sessions of a block: 16 instruments of 3,000, so that one array of them fits a core's cache."""

WIDE = 64
"""Most columns that are kept in double precision."""

ASKED = 3
"""Instruments, the longest, whose windows are also computed alone, to catch a factor that reads across them."""


def compute_universe(
    factors: Sequence[Any], universe: Universe, *, watch: Progress = silent
) -> tuple[tuple[str, ...], AnyArray]:
    """Compute every factor at every session of every instrument.

    Parameters
    ----------
    factors
        Factors of an instrument (:class:`tenor.factor.base.Factor`) and across instruments (``CrossFactor``), the
        latter after what they read.
    universe
        The instruments.

    Returns
    -------
    columns
        Names of the last axis.
    rows
        ``(row, column)``, float64, or float32 beyond ``WIDE`` columns; NaN where unknown.

    Raises
    ------
    StudyError
        If two factors name one column, a factor across instruments reads a column that none before it has, or a factor
        gives another value when it is handed one window alone.
    """
    singly: list[Factor] = [factor for factor in factors if not isinstance(factor, CrossFactor)]
    if not singly:
        raise StudyError("factors: none is of an instrument by itself; what compares instruments needs columns to read")
    held = columns_of(singly)
    crossed = [factor.over(held) for factor in factors if isinstance(factor, CrossFactor)]
    every: list[Named] = [*singly, *crossed]
    names = columns_of(every)
    rows = np.full((len(universe), len(names)), np.nan, np.float64 if len(names) <= WIDE else np.float32)
    blocks = _blocks(universe)
    needs = {field for factor in singly for field in factor.inputs}
    longest = set(np.argsort(-np.diff(universe.bounds), kind="stable")[:ASKED].tolist())

    def fill(block: Ints) -> None:
        fields = {field: _laid(universe, field, block) for field in needs}
        values = computed(singly, fields)
        for place, at in enumerate(block.tolist()):
            first, stop = universe.bounds[at], universe.bounds[at + 1]
            rows[first:stop, : len(held)] = values[place, : stop - first]
            if at in longest:
                compute(singly, {field: universe.fields[field][first:stop] for field in needs})

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ThreadPoolExecutor(min(cores, len(blocks)), thread_name_prefix="tenor-factor") as pool:
        for number, _ in enumerate(pool.map(fill, blocks)):
            watch("factors", number + 1, len(blocks))
    for factor in crossed:
        at = [names.index(column) for column in factor.columns]
        across(factor, universe, names, rows, at)
    return names, rows


def _blocks(universe: Universe) -> list[Ints]:
    """Instruments of like length together, the longest first."""
    lengths = np.diff(universe.bounds)
    order = np.argsort(-lengths, kind="stable")
    blocks, start = [], 0
    while start < len(order):
        stop = start + max(1, BLOCK_SESSIONS // max(int(lengths[order[start]]), 1))
        blocks.append(order[start:stop])
        start = stop
    return blocks


def _laid(universe: Universe, field: Field, block: Ints) -> Floats:
    """Return one series of a block, ``(instrument, session)``, NaN behind the last session."""
    if field not in universe.fields:
        raise StudyError(f"factors: no series {field} in the universe; it has {', '.join(map(str, universe.fields))}")
    first, stop = universe.bounds[block], universe.bounds[block + 1]
    out = np.full((len(block), int((stop - first).max())), np.nan)
    for place, (begin, end) in enumerate(zip(first.tolist(), stop.tolist(), strict=True)):
        out[place, : end - begin] = universe.fields[field][begin:end]
    return out
