"""Replay: what curve and funding did between two dates, done to them now.

``Replay(date(2020, 3, 6), date(2020, 3, 13))`` applies the changes of that week to the market at the decision. Each
series changes from its last value on or before the first date to its last value on or before the second, as they were
published for these dates.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

import numpy as np

from tenor.errors import MarketError, StudyError
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.scenario.base import Base
from tenor.scenario.moves import Moves
from tenor.settings import STRICT
from tenor.units import Dates, Floats


@dataclass(frozen=True, slots=True)
class Replay:
    """The changes of curve points and funding rates from ``first`` to ``last``, applied now.

    Parameters
    ----------
    first
        Day from whose levels the changes are counted: the last value of each series on or before it.
    last
        Day up to whose levels they are counted, within the history known at the decision.

    Raises
    ------
    StudyError
        If ``last`` lies before ``first``.
    """

    __pydantic_config__: ClassVar = STRICT
    first: date
    last: date
    kind: Literal["replay"] = "replay"

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise StudyError(f"replay from {self.first} to {self.last}; give the earlier date first")

    def moves(self, base: Base) -> Moves:
        """Return every change.

        Raises
        ------
        MarketError
            If a series has no value within ``max_age_days`` before one of the dates, or none was known at the decision.
        """
        dates, columns, values = base.levels()
        start, end = (_on(base, dates, columns, values, day) for day in (self.first, self.last))
        changes = end - start
        points = len(base.tenors)
        return Moves(
            curves={base.curve: dict(zip(base.tenors, changes[:points].tolist(), strict=True))},
            rates=dict(zip(base.funding, changes[points:].tolist(), strict=True)),
        )

    def spans(self, base: Base) -> int:
        """Sessions over which it happened: what its size is held against."""
        return max(len(trading_calendar(product(base.product).calendar).sessions(self.first, self.last)) - 1, 1)

    def describe(self) -> str:
        """Both dates."""
        return f"replay of {self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Week:
    """A week that stands out in the history known at the decision.

    Parameters
    ----------
    first, last
        Sessions whose levels are compared: :class:`Replay` of both does it again.
    what
        ``yields``, ``slope`` or ``funding``.
    change
        How far that went, decimals.
    """

    first: date
    last: date
    what: Literal["yields", "slope", "funding"]
    change: float


def weeks_that_stand_out(base: Base, *, sessions: int = 5) -> tuple[Week, ...]:
    """Return the weeks in which yields, the slope of the curve and funding rose most and fell most.

    Yields are the mean over the points of the curve, the slope its longest less its shortest point, funding the mean
    over the funding rates. Weeks with a gap are left out; so is a kind that is not there, and a week that is one
    already.
    """
    dates, columns, values = base.levels()
    points = len(base.tenors)
    kinds: dict[Literal["yields", "slope", "funding"], Floats] = {
        "yields": values[:, :points].mean(axis=1),
        "slope": values[:, points - 1] - values[:, 0] if points > 1 else np.full(len(values), np.nan),
        "funding": values[:, points:].mean(axis=1) if len(columns) > points else np.full(len(values), np.nan),
    }
    found: list[Week] = []
    for what, level in kinds.items():
        change = level[sessions:] - level[:-sessions]
        if not np.isfinite(change).any():
            continue
        for at in (int(np.nanargmax(change)), int(np.nanargmin(change))):
            week = Week(dates[at].item(), dates[at + sessions].item(), what, float(change[at]))
            if (week.first, week.last) not in ((each.first, each.last) for each in found):
                found.append(week)
    return tuple(found)


def _on(base: Base, dates: Dates, columns: tuple[str, ...], values: Floats, day: date) -> Floats:
    """The last value of each series on or before ``day``, shape (column,)."""
    whole = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(whole):
        raise MarketError(f"there is no session with all of {list(columns)}; name fewer funding rates")
    first, last = (item.item() for item in (dates[whole[0]], dates[np.isfinite(values).any(axis=1)][-1]))
    if not first <= day <= last:
        raise MarketError(
            f"{day} is outside the history known at the decision of {base.session}: {first} to {last}; replay within it"
        )
    past = values[: np.searchsorted(dates, np.datetime64(day, "D"), side="right")]
    found = np.isfinite(past)
    at = len(past) - 1 - found[::-1].argmax(axis=0)
    age = (np.datetime64(day, "D") - dates[at]) / np.timedelta64(1, "D")
    if len(stale := np.flatnonzero(~found.any(axis=0) | (age > base.max_age_days))):
        names = [columns[column] for column in stale]
        raise MarketError(f"{names} were not published in the {base.max_age_days} days to {day}; choose other dates")
    return np.asarray(past[at, np.arange(past.shape[1])])
