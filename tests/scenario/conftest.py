"""A base of the simulated market, and one made by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tenor.io.sources.simulated import Simulated
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.market.market import CURVE, MACRO, QUOTES, RATES, Market
from tenor.scenario.base import Base

TENORS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 30.0)
FUNDING = {"REPO.1W": 7, "REPO.1M": 30}


@cache
def market() -> Market:
    return Simulated(products=("T",), first=date(2018, 1, 2), last=date(2020, 3, 20), seed=4, signal=0.0).read()


def base_at(whole: Market, session: date, **changes: object) -> Base:
    moment = product("T").closes_at(session)
    base = Base(
        market=whole.known_at(moment),
        session=session,
        moment=moment,
        train=(date(2018, 1, 2), date(2019, 6, 28)),
        product="T",
        near="T2003",
        far="T2006",
        curve="CGB",
        tenors=TENORS,
        funding=FUNDING,
        max_age_days=10,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def whole() -> Market:
    return market()


@pytest.fixture(scope="session")
def base() -> Base:
    return base_at(market(), date(2019, 12, 20))


@pytest.fixture(scope="session")
def base_on() -> Callable[..., Base]:
    return base_at


SENSITIVITY = np.array([0.0002, 0.0006, 0.0010])
"""Response of the two curve points and the one rate of :func:`releases` to a surprise of one unit."""


@cache
def releases() -> Market:
    """Eight years of a curve of two points, one rate, and a monthly statistic to whose surprises all respond."""
    rng = np.random.default_rng(11)
    sessions = trading_calendar("XSHG").sessions(date(2012, 1, 4), date(2019, 12, 31))
    days = sessions.tolist()
    steps = rng.normal(0, 0.0001, (len(sessions), 3))
    rows = []
    value = 2.0
    months = [date(2012 + month // 12, month % 12 + 1, 1) for month in range(95)]
    for month in months:
        shock = rng.normal(0, 0.3)
        value = 0.4 + 0.8 * value + shock
        following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        released = following + timedelta(days=9)
        known = datetime(released.year, released.month, released.day, 1, 30, tzinfo=UTC)
        rows.append(("CPI.YOY", following - timedelta(days=1), released, value, known))
        steps[np.searchsorted(sessions, np.datetime64(released, "D"))] += SENSITIVITY * shock
    levels = np.array([0.028, 0.032, 0.025]) + np.cumsum(steps, axis=0)
    evening = [datetime(day.year, day.month, day.day, 10, tzinfo=UTC) for day in days]
    noon = [datetime(day.year, day.month, day.day, 3, 30, tzinfo=UTC) for day in days]
    curve = pl.concat(
        pl.DataFrame({"date": days, "curve": "CGB", "tenor": tenor, "rate": levels[:, at], "known_at": evening}).cast(
            dict(CURVE)
        )
        for at, tenor in enumerate((2.0, 10.0))
    )
    rates = pl.DataFrame({"date": days, "name": "SHIBOR.1W", "rate": levels[:, 2], "known_at": noon}).cast(dict(RATES))
    macro = pl.DataFrame(rows, schema=MACRO, orient="row")
    return Market("by hand", True, QUOTES.to_frame(), curve, rates, macro=macro)


@pytest.fixture(scope="session")
def released() -> Market:
    return releases()


def released_base(session: date = date(2019, 12, 20), **changes: object) -> Base:
    plain = {"curve": "CGB", "tenors": (2.0, 10.0), "funding": {"SHIBOR.1W": 7}, **changes}
    return base_at(releases(), session, **plain)


@pytest.fixture(scope="session")
def on_releases() -> Callable[..., Base]:
    return released_base
