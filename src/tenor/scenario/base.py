"""The base: where a what-if starts, and what the names of a shift mean there.

On 2019-03-01, at the close, the pair T1906/T1909 is priced off the ChinaBond points that came out the evening before,
and is funded at the SHIBOR fixings of that morning. ``10y`` then names a point of that curve, ``repo`` those fixings,
``T`` both legs. The base holds exactly what was known at the decision: it refuses a market with a later row, so that no
shift that is learnt from history can look ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.market.market import SCHEMAS, Market
from tenor.scenario.moves import Moves
from tenor.scenario.remember import remembered
from tenor.units import Dates, Floats, Years


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Base:
    """Where a what-if starts: the market as somebody had it at the decision.

    Parameters
    ----------
    market
        The market as known at ``moment``.
    session
        The decision's session.
    moment
        When it is decided; aware.
    train
        First and last session of the fold's train range. What is learnt from history is learnt on it or, where
        that is said, on all that was known at ``moment``.
    product, near, far
        Product code and the codes of both legs.
    curve, tenors
        The valuation curve and its published points, in years, ascending.
    funding
        Name of each funding rate to the days of its term.
    max_age_days
        A rate or point older than this is missing.

    Raises
    ------
    MarketError
        If ``moment`` has no time zone, the points do not ascend, or the market holds what came after ``moment``.
    """

    market: Market
    session: date
    moment: datetime
    train: tuple[date, date]
    product: str
    near: str
    far: str
    curve: str
    tenors: tuple[Years, ...]
    funding: Mapping[str, int]
    max_age_days: int

    def __post_init__(self) -> None:
        if self.moment.tzinfo is None:
            raise MarketError(f"moment {self.moment} has no time zone; give an aware datetime")
        if len(self.tenors) < 2 or list(self.tenors) != sorted(set(self.tenors)):
            raise MarketError(f"the points of {self.curve!r} are {list(self.tenors)}; give two or more, ascending")
        for table in SCHEMAS:
            last = getattr(self.market, table)["known_at"].max()
            if last is not None and last > self.moment:
                raise MarketError(
                    f"table {table!r} has rows known at {last}, after the decision at {self.moment};"
                    " give market.known_at(moment)"
                )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of every valuation-curve point, such as ``CGB:10``, then of every funding rate."""
        return (*(f"{self.curve}:{years:g}" for years in self.tenors), *self.funding)

    def levels(self) -> tuple[Dates, tuple[str, ...], Floats]:
        """Return the daily history known at ``moment``, read-only; asked again, the same arrays.

        Returns
        -------
        dates : Dates, shape (session,)
            The sessions of the product's exchange from the first on which any of the series has a value to ``session``.
        columns
            As :attr:`columns`.
        values : Floats, shape (session, column)
            Decimals; NaN where nothing was published for exactly that session, or it was not known yet.
        """
        return _levels(self)

    def series(self) -> list[pl.DataFrame]:
        """Return every column as a table of ``date``, ``rate`` and ``known_at``; MarketError for a name not there."""
        points = [self.market.tenor(self.curve, years) for years in self.tenors]
        fixings = [self.market.rate(name) for name in self.funding]
        return [frame.select("date", "rate", "known_at") for frame in (*points, *fixings)]


@remembered
def _levels(base: Base) -> tuple[Dates, tuple[str, ...], Floats]:
    """Levels of a base, which never changes: several shifts of one scenario read them."""
    kept = [frame.filter(pl.col("date") <= base.session).drop_nulls() for frame in base.series()]
    starts = [first for frame in kept if isinstance(first := frame["date"].min(), date)]
    if not starts:
        raise MarketError(f"none of {list(base.columns)} has a value by {base.session}; choose a later session")
    calendar = trading_calendar(product(base.product).calendar)
    sessions = calendar.sessions(max(min(starts), calendar.loaded[0]), base.session)
    values = np.full((len(sessions), len(kept)), np.nan)
    for column, frame in enumerate(kept):
        dates = frame["date"].to_numpy().astype("datetime64[D]")
        at = np.searchsorted(sessions, dates)
        on = (at < len(sessions)) & (sessions[np.minimum(at, len(sessions) - 1)] == dates)
        values[at[on], column] = frame["rate"].to_numpy()[on]
    values.flags.writeable = False
    return sessions, base.columns, values


class Shift(Protocol):
    """One thing that changes: settings, registered in ``tenor.shifts``, that give moves at a base."""

    @property
    def kind(self) -> str:
        """Short name in the registry and in study files."""
        ...

    def moves(self, base: Base) -> Moves:
        """Return what changes; :class:`MarketError` listing what exists where a name matches nothing at ``base``."""
        ...

    def describe(self) -> str:
        """Return the shift in a few words, such as ``parallel +10bp``."""
        ...


@runtime_checkable
class Spanning(Protocol):
    """A shift that took more than a session to happen."""

    def spans(self, base: Base) -> int:
        """Return how many sessions it took."""
        ...


@runtime_checkable
class Uncertain(Protocol):
    """A shift that is an estimate, with draws of what it may have been."""

    def given(self) -> tuple[str, float]:
        """Return what the effect is estimated of, and its size in its own unit."""
        ...

    def remark(self, base: Base) -> str:
        """Return what a reader must know of the estimate: from what, and what of it cannot be told from zero."""
        ...

    def draws(self, base: Base, count: int, seed: int) -> tuple[Moves, ...]:
        """Return ``count`` draws of the moves, all effects drawn jointly."""
        ...
