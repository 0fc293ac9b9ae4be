"""Factors across instruments: how a stock stands among the others, and what its market and sector do, on one session.

``CrossRank(of=("return_5",))`` says where a stock's five-day return ranks among the members quoted that day,
``CrossZScore`` how many of their standard deviations it stands from their mean. ``MarketContext(of=("return_1",))``
gives every stock the mean of the day, its dispersion and the share that rose: most of a day's move is common, and a
model of single names does not see it otherwise. ``SectorContext`` gives the sector's mean and what the stock did beyond
it.

They read columns of factors that stand before them in a study, of one session alone: the engine sorts by session and
hands over group numbers, so there is nothing later to be read. What is known at a close of one instrument is known at
the close of all of them, since a universe trades on one exchange.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from annotated_types import Len

from tenor.errors import StudyError, suggest
from tenor.factor.universe import Universe
from tenor.settings import STRICT
from tenor.units import AnyArray, Bools, Floats, Ints

Names = Annotated[tuple[str, ...], Len(1)]


@runtime_checkable
class CrossFactor(Protocol):
    """A family of columns that compares instruments on one session.

    ``of`` names the columns it reads (empty: all of the factors of single instruments), ``columns`` what it gives.
    """

    @property
    def of(self) -> tuple[str, ...]:
        """Columns that are read."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are given."""
        ...

    def over(self, held: tuple[str, ...]) -> "CrossFactor":
        """Return the factor with ``of`` written out, given the columns of the factors of single instruments."""
        ...

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        """Return ``(row, column)`` for ``values (row, of)``.

        ``session`` numbers the sessions of the rows from 0, ``sector`` their sectors (-1: none), ``counted`` are the
        rows that others are compared with: members.
        """
        ...


def across(factor: CrossFactor, universe: Universe, names: Sequence[str], rows: AnyArray, at: Sequence[int]) -> None:
    """Fill the columns ``at`` of ``rows`` with what ``factor`` makes of others.

    Raises
    ------
    StudyError
        If it reads a column that is not there, or stands before it.
    """
    for column in factor.of:
        if column not in names or names.index(column) >= at[0]:
            hint = suggest(column, names[: at[0]])
            raise StudyError(f"factors: {column!r} is read, which no factor before it gives{hint}")
    places = [names.index(column) for column in factor.of]
    _, session = np.unique(universe.sessions, return_inverse=True)
    known = {name: number for number, name in enumerate(sorted(set(universe.sectors) - {""}))}
    sector = np.array([known.get(name, -1) for name in universe.sectors])[universe.code]
    values = rows[:, places].astype(np.float64)
    rows[:, list(at)] = factor.compare(values, session, sector, universe.member)


def group_mean(values: Floats, group: Ints, counted: Bools) -> Floats:
    """Mean of each group's counted finite values at every row, ``(row,)``; NaN for a group without one."""
    known = counted & np.isfinite(values)
    count = np.bincount(group[known], minlength=int(group.max()) + 1 if len(group) else 0)
    total = np.bincount(group[known], values[known], minlength=len(count))
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)[group]


def group_rank(values: Floats, group: Ints, counted: Bools) -> Floats:
    """Centred rank among the counted rows of a group, in -1/2 to 1/2, ties averaged, ``(row,)``.

    A row that is not counted is ranked among those that are; NaN where the value, or every other, is unknown.
    """
    out = np.full(len(values), np.nan)
    known = np.isfinite(values)
    ranked = np.flatnonzero(known & counted)
    order = ranked[np.lexsort((values[ranked], group[ranked]))]
    sorted_group, sorted_values = group[order], values[order]
    starts = np.searchsorted(sorted_group, np.arange(int(group.max()) + 2 if len(group) else 1))
    asked = np.flatnonzero(known)
    # within a group the values ascend, so a search on (group, value) counts those below and those not above
    key_order = np.lexsort((values[asked], group[asked]))
    asked = asked[key_order]
    low = _count_below(sorted_group, sorted_values, group[asked], values[asked], right=False)
    high = _count_below(sorted_group, sorted_values, group[asked], values[asked], right=True)
    begin, size = starts[group[asked]], np.diff(starts)[group[asked]]
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = (low + high) / 2.0 - begin
        out[asked] = np.where(size > 0, middle / np.maximum(size, 1) - 0.5, np.nan)
    return out


def group_median(values: Floats, group: Ints, counted: Bools) -> Floats:
    """Median of each group's counted finite values at every row, ``(row,)``; NaN for a group without one."""
    known = np.flatnonzero(counted & np.isfinite(values))
    ordered = values[known][np.lexsort((values[known], group[known]))]
    count = np.bincount(group[known], minlength=int(group.max()) + 1 if len(group) else 0)
    first = np.cumsum(count) - count
    out = np.full(len(count), np.nan)
    some = count > 0
    lower, upper = (ordered[(first + half)[some]] for half in ((count - 1) // 2, count // 2))
    out[some] = (lower + upper) / 2.0
    return out[group]


def _count_below(groups: Ints, values: Floats, group: Ints, value: Floats, *, right: bool) -> Ints:
    """Position of each (group, value) among the sorted ones, both sorted by group, then value."""
    merged_group = np.concatenate([groups, group])
    merged_value = np.concatenate([values, value])
    asking = np.concatenate([np.zeros(len(groups), np.int8), np.ones(len(group), np.int8)])
    tie = asking if right else 1 - asking  # who asks stands behind its equals, or before them
    order = np.lexsort((tie, merged_value, merged_group))
    passed = np.cumsum(asking[order] == 0)
    found = np.empty(len(order), np.int64)
    found[order] = passed
    return found[len(groups) :]


@dataclass(frozen=True, slots=True)
class CrossRank:
    """Rank of each column among the members of the session, centred: the lowest near -1/2, the highest near 1/2.

    Parameters
    ----------
    of
        Columns that are ranked, such as ``return_5``: of factors of single instruments, or of one across instruments
        that stands before. Empty: all of the former.
    """

    __pydantic_config__: ClassVar = STRICT
    of: tuple[str, ...] = ()
    kind: Literal["cross_rank"] = "cross_rank"

    @property
    def columns(self) -> tuple[str, ...]:
        """``rank_NAME`` for each column."""
        return tuple(f"rank_{name}" for name in self.of)

    def over(self, held: tuple[str, ...]) -> "CrossRank":
        """Rank every column where none is named."""
        return self if self.of else replace(self, of=held)

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        """Rank each column."""
        return np.stack([group_rank(column, session, counted) for column in values.T], axis=-1)


NORMAL = 1.4826
"""A normal variable's standard deviation over its median absolute deviation (Hampel, 1974)."""

SAME = 1e-9
"""Members whose spread is below this share of their mean size are equal: what is left of it is rounding."""


@dataclass(frozen=True, slots=True)
class CrossZScore:
    """Each column less its mean over the members of the session, in their standard deviations (over n).

    Where the members do not differ there is no scale: NaN.

    Parameters
    ----------
    of
        Columns that are scaled, such as ``return_5``: of factors of single instruments, or of one across instruments
        that stands before. Empty: all of the former.
    robust
        Take the median and 1.4826 times the median absolute deviation instead, which a few extreme names do not move.
    """

    __pydantic_config__: ClassVar = STRICT
    of: tuple[str, ...] = ()
    robust: bool = False
    kind: Literal["cross_zscore"] = "cross_zscore"

    @property
    def columns(self) -> tuple[str, ...]:
        """``zscore_NAME`` for each column."""
        return tuple(f"zscore_{name}" for name in self.of)

    def over(self, held: tuple[str, ...]) -> "CrossZScore":
        """Scale every column where none is named."""
        return self if self.of else replace(self, of=held)

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        """Scale each column."""
        out = []
        for column in values.T:
            if self.robust:
                away = column - group_median(column, session, counted)
                spread = NORMAL * group_median(np.abs(away), session, counted)
            else:
                away = column - group_mean(column, session, counted)
                spread = np.sqrt(group_mean(away * away, session, counted))
            size = group_mean(np.abs(column), session, counted)
            scale = np.where(spread > SAME * size, spread, np.nan)
            out.append(away / scale)
        return np.stack(out, axis=-1)


@dataclass(frozen=True, slots=True)
class MarketContext:
    """Mean of each column over the members of the session, their dispersion, and the share above zero.

    Parameters
    ----------
    of
        Columns that are averaged, such as ``return_1``, three columns each: of factors of single instruments, or of one
        across instruments that stands before.
    """

    __pydantic_config__: ClassVar = STRICT
    of: Names = ("return_1",)
    kind: Literal["market_context"] = "market_context"

    @property
    def columns(self) -> tuple[str, ...]:
        """``market_NAME``, ``market_NAME_sd`` and ``market_NAME_up`` for each column."""
        return tuple(f"market_{name}{part}" for name in self.of for part in ("", "_sd", "_up"))

    def over(self, held: tuple[str, ...]) -> "MarketContext":
        """Return the factor: its columns are named."""
        return self

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        """Give every row what the session had."""
        out = []
        for column in values.T:
            mean = group_mean(column, session, counted)
            spread = np.sqrt(group_mean((column - mean) ** 2, session, counted))
            above = np.where(np.isfinite(column), 1.0 * (column > 0), np.nan)
            out += [mean, spread, group_mean(above, session, counted)]
        return np.stack(out, axis=-1)


@dataclass(frozen=True, slots=True)
class SectorContext:
    """Mean of each column over the members of the same sector and session, and the stock's own less that mean.

    Parameters
    ----------
    of
        Columns that are averaged by sector, such as ``return_1``, two columns each; unknown for a stock without a
        sector.
    """

    __pydantic_config__: ClassVar = STRICT
    of: Names = ("return_1",)
    kind: Literal["sector_context"] = "sector_context"

    @property
    def columns(self) -> tuple[str, ...]:
        """``sector_NAME`` and ``beyond_sector_NAME`` for each column."""
        return tuple(f"{part}_{name}" for name in self.of for part in ("sector", "beyond_sector"))

    def over(self, held: tuple[str, ...]) -> "SectorContext":
        """Return the factor: its columns are named."""
        return self

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        """Give every row what its sector had; a stock without a sector has none."""
        group = session * (int(sector.max(initial=0)) + 1) + np.maximum(sector, 0)
        _, group = np.unique(group, return_inverse=True)
        placed = sector >= 0
        out = []
        for column in values.T:
            mean = np.where(placed, group_mean(column, group, counted & placed), np.nan)
            out += [mean, column - mean]
        return np.stack(out, axis=-1)
