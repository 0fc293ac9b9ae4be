"""Exchanges for stocks, ETFs and indices: sessions, hours, currency, price limits, as data.

``exchange("XNYS")`` is New York: the sessions of calendar XNYS, a close at 16:00, dollars. A close of a stock is known
at the close of its exchange, and that is when a study decides.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np

from tenor.errors import MarketError, suggest
from tenor.units import AnyArray, Dates, Floats


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """The most that a price may move in a session.

    Parameters
    ----------
    codes
        Beginnings of the six digits of a code; none: every code.
    first
        Session from which it is in force.
    limit
        Part of the close before.
    tick
        Smallest step of a price.
    """

    codes: tuple[str, ...]
    first: date
    limit: float
    tick: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where a stock trades. Build it with :func:`exchange`.

    Parameters
    ----------
    code, name
        Market identifier code (ISO 10383), and what people call it.
    calendar
        Name for :func:`tenor.market.calendar.trading_calendar`.
    currency, zone
        ``"USD"`` and ``"America/New_York"``.
    open, close
        Local times of the regular session.
    sessions_per_year
        Annualises daily figures.
    price_limits
        Daily limits; of several that fit a code and a session the last is in force. None: prices move freely.
    """

    code: str
    name: str
    calendar: str
    currency: str
    zone: str
    open: time
    close: time
    sessions_per_year: int
    price_limits: tuple[PriceLimit, ...] = ()

    def limit(self, code: str, sessions: Dates) -> tuple[Floats, Floats]:
        """Return limit and tick of an instrument on each session, NaN where its price moves freely."""
        digits = re.sub(r"\D", "", code)
        limit, tick = np.full(len(sessions), np.nan), np.full(len(sessions), np.nan)
        for rule in self.price_limits:
            if not rule.codes or digits.startswith(rule.codes):
                since = sessions >= np.datetime64(rule.first, "D")
                limit[since], tick[since] = rule.limit, rule.tick
        return limit, tick

    def closes_at(self, day: date) -> datetime:
        """Return the moment of the close of ``day``, in UTC."""
        return datetime.combine(day, self.close, ZoneInfo(self.zone)).astimezone(UTC)

    def opens_at(self, day: date) -> datetime:
        """Return the moment of the open of ``day``, in UTC."""
        return datetime.combine(day, self.open, ZoneInfo(self.zone)).astimezone(UTC)

    def closes(self, sessions: Dates) -> AnyArray:
        """Return the close of each session, ``datetime64[us]`` in UTC, shape ``(session,)``."""
        days, place = np.unique(sessions.astype("datetime64[D]"), return_inverse=True)
        moments = [self.closes_at(day).replace(tzinfo=None) for day in days.tolist()]
        return np.array(moments, dtype="datetime64[us]")[place]


def exchanges() -> tuple[str, ...]:
    """Return the codes of every exchange whose rules are known, sorted."""
    folder = resources.files("tenor.market") / "exchanges"
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


@cache
def exchange(code: str) -> Exchange:
    """Return the rules of exchange ``code``; :class:`MarketError` listing the known ones if there are none."""
    if code not in exchanges():
        raise MarketError(f"no exchange {code!r}; known are {list(exchanges())}{suggest(code, exchanges())}")
    text = (resources.files("tenor.market") / "exchanges" / f"{code}.toml").read_text(encoding="utf-8")
    stated = tomllib.loads(text)
    limits = tuple(PriceLimit(**{**each, "codes": tuple(each["codes"])}) for each in stated.pop("price_limits", ()))
    return Exchange(**stated, price_limits=limits)
