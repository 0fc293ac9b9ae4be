"""Simulated stocks: a market without network and files, with everything that real prices do and one planted signal.

Ten stocks, an ETF and an index of New York, drawn: nothing was observed, and every output says SIMULATED. A session's
move is the market's times the stock's beta, plus its sector's, plus its own. Market and own volatilities cluster
(GARCH(1,1), shocks of Student's t with 5 degrees), nights gap, volume follows moves, prices split when they are high
and pay dividends; XOM is halted for eight sessions of March 2019, and ENRN is delisted on 2020-06-30.

**The signal.** A stock's own shock goes against the one before: their correlation is ``-signal``. Who sees the market
and the sector can know the own shock, and is then right about the next session at most ``1/2 + asin(signal * sqrt(own
share)) / pi`` of the time, about 55 % at the default, where the own share of a variance is about 0.5. ``signal = 0``
plants nothing, and nothing must be found.

What is drawn for a stock depends on ``seed``, its code and the common factors, never on which others are asked; and a
later ``last`` adds sessions and changes none, so that outcomes arrive as they do in life.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
from annotated_types import Interval

from tenor.errors import MarketError, StudyError, suggest
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import Exchange, exchange
from tenor.market.market import (
    ACTIONS,
    ADJUSTMENTS,
    CURVE,
    INSTRUMENTS,
    MEMBERS,
    QUOTES,
    RATES,
    Market,
)
from tenor.settings import STRICT
from tenor.units import Dates, Floats

EPOCH = date(2004, 1, 2)
"""Session on which every path begins, whatever ``first`` is: what is shown does not depend on it."""

SPLIT_ABOVE = 400.0
"""A stock splits four for one at the start of a quarter when its close is above this."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is fixed of one instrument; ``own``: volatility a session, ``dividend``: part of the price a quarter."""

    name: str
    kind: str
    sector: str
    price: float
    beta: float
    own: float
    dividend: float


_KINDS = {
    "AAPL": _Kind("Apple (simulated)", "stock", "Technology", 40.0, 1.1, 0.012, 0.0015),
    "AMZN": _Kind("Amazon (simulated)", "stock", "Consumer", 45.0, 1.2, 0.015, 0.0),
    "ENRN": _Kind("Enron (simulated)", "stock", "Energy", 60.0, 1.1, 0.018, 0.004),
    "GOOGL": _Kind("Alphabet (simulated)", "stock", "Technology", 55.0, 1.0, 0.012, 0.0),
    "JPM": _Kind("JPMorgan Chase (simulated)", "stock", "Financials", 38.0, 1.2, 0.011, 0.006),
    "KO": _Kind("Coca-Cola (simulated)", "stock", "Consumer", 50.0, 0.6, 0.007, 0.007),
    "MSFT": _Kind("Microsoft (simulated)", "stock", "Technology", 27.0, 1.0, 0.010, 0.004),
    "NVDA": _Kind("Nvidia (simulated)", "stock", "Technology", 20.0, 1.6, 0.019, 0.0005),
    "TSLA": _Kind("Tesla (simulated)", "stock", "Consumer", 17.0, 1.5, 0.024, 0.0),
    "XOM": _Kind("Exxon Mobil (simulated)", "stock", "Energy", 42.0, 0.9, 0.009, 0.008),
    "SPY": _Kind("S&P 500 ETF (simulated)", "etf", "", 110.0, 1.0, 0.0002, 0.0045),
    "SPX": _Kind("S&P 500 (simulated)", "index", "", 1100.0, 1.0, 0.0, 0.0),
}
TICKERS = tuple(_KINDS)
"""Instruments that this source knows."""

HALT = ("XOM", date(2019, 3, 11), date(2019, 3, 20))
DELISTED = ("ENRN", date(2020, 6, 30))
UNIVERSE = "SIM"
"""Universe of the stocks by date: TSLA joins on 2020-12-21, ENRN leaves at the open of its last session."""


@dataclass(frozen=True, slots=True)
class SimulatedStocks:
    """Settings of the simulated stocks.

    Parameters
    ----------
    products
        Codes such as AAPL, SPY and SPX; absent, all twelve.
    first
        First day, from 2004-01-02 on.
    last
        Last day; a later one adds sessions and changes none.
    seed
        Seed of every draw.
    signal
        Correlation, with the sign turned, of a stock's own shock with the one before; 0 plants nothing to find.

    Raises
    ------
    StudyError
        If the dates do not ascend, or ``first`` is before ``EPOCH``.
    """

    __pydantic_config__: ClassVar = STRICT
    products: tuple[str, ...] | None = None
    first: date = date(2015, 1, 2)
    last: date = date(2025, 12, 31)
    seed: int = 7
    signal: Annotated[float, Interval(ge=0, lt=1)] = 0.25
    source: Literal["simulated_stocks"] = "simulated_stocks"

    def __post_init__(self) -> None:
        if not EPOCH <= self.first < self.last:
            raise StudyError(f"first {self.first} and last {self.last}; they ascend, from {EPOCH} on")

    def read(self) -> Market:
        """Draw the market.

        Raises
        ------
        MarketError
            If an instrument is not one of ``TICKERS``.
        """
        codes = self.products or TICKERS
        for code in codes:
            if code not in _KINDS:
                raise MarketError(f"no simulated instrument {code!r}{suggest(code, TICKERS)}; they are {list(TICKERS)}")
        at = exchange("XNYS")
        days = trading_calendar(at.calendar).sessions(EPOCH, self.last)
        common = _Common.drawn(self.seed, len(days))
        tables = [self._drawn(code, days, common, at) for code in codes]
        quotes, adjustments, actions = (pl.concat([table[part] for table in tables]) for part in range(3))
        return Market(
            name="simulated stocks",
            simulated=True,
            quotes=quotes,
            curve=CURVE.to_frame(),
            rates=RATES.to_frame(),
            notes=("drawn by a random generator: no price was observed",),
            instruments=_instruments(codes, at, days),
            adjustments=adjustments,
            actions=actions,
            members=_members(codes, at, days),
        )

    def _drawn(self, code: str, days: Dates, common: "_Common", at: Exchange) -> tuple[pl.DataFrame, ...]:
        """Quotes, adjustments and actions of one instrument."""
        kind, count = _KINDS[code], len(days)
        stream = _streams(self.seed, code)
        own = _clustered(_reversing(_shocks(stream[0], count), self.signal), kind.own)
        sector = common.sectors.get(kind.sector, np.zeros(count))
        move = 0.0002 + kind.beta * common.market + (0.5 * kind.own / 0.012) * sector + own
        size = np.maximum(np.abs(kind.beta) * common.size + kind.own, 1e-6)
        night = 0.4 * move + 0.25 * size * stream[1].standard_normal(count)
        up, down = (0.35 * size * np.abs(stream[at_].standard_normal(count)) for at_ in (2, 3))
        close = kind.price * np.exp(np.cumsum(move))
        opened = np.concatenate([[kind.price], close[:-1]]) * np.exp(night)
        high, low = np.maximum(opened, close) * np.exp(up), np.minimum(opened, close) * np.exp(-down)
        busy = 0.6 * np.abs(move) / size + 0.35 * stream[4].standard_normal(count)
        factor, events = _events(kind, days, close)
        volume = np.zeros(count) if kind.kind == "index" else np.round(3e6 * np.exp(busy) * factor)
        prices = {
            name: np.round(values / factor, 4)
            for name, values in (("open", opened), ("high", high), ("low", low), ("close", close))
        }
        held = days >= np.datetime64(self.first, "D")
        if code == HALT[0]:
            events.append((HALT[1], "halt", 0.0))
            held &= ~((days >= np.datetime64(HALT[1], "D")) & (days <= np.datetime64(HALT[2], "D")))
        if code == DELISTED[0]:
            held &= days <= np.datetime64(DELISTED[1], "D")
            if days[-1] >= np.datetime64(DELISTED[1], "D"):
                events = [event for event in events if event[0] <= DELISTED[1]]
                events.append((DELISTED[1], "delisting", 0.0))
        shown = days[held]
        quotes = pl.DataFrame(
            {
                "date": shown,
                "code": [code] * len(shown),
                **{name: values[held] for name, values in prices.items()},
                "settle": pl.Series([None] * len(shown), dtype=pl.Float64),
                "volume": volume[held],
                "open_interest": pl.Series([None] * len(shown), dtype=pl.Float64),
                "known_at": pl.Series(at.closes(shown)).dt.replace_time_zone("UTC"),
            },
            schema=QUOTES,
        )
        base = factor[int(np.argmax(held))] if held.any() else 1.0
        steps = np.flatnonzero(np.diff(factor, prepend=factor[0]) != 0)
        steps = steps[days[steps] > np.datetime64(self.first, "D")]
        rows = [
            {"date": day, "code": code, "factor": factor[step] / base, "known_at": at.opens_at(day)}
            for step in steps.tolist()
            if (day := days[step].item()) <= (shown[-1].item() if len(shown) else self.last)
        ]
        told = [
            {"date": day, "code": code, "action": action, "value": value, "known_at": at.opens_at(day)}
            for day, action, value in events
            if self.first < day <= self.last
        ]
        return quotes, pl.DataFrame(rows, schema=ADJUSTMENTS), pl.DataFrame(told, schema=ACTIONS)


@dataclass(frozen=True, slots=True)
class _Common:
    """What all instruments share: the market's move and volatility, and each sector's move."""

    market: Floats
    size: Floats
    sectors: dict[str, Floats]

    @classmethod
    def drawn(cls, seed: int, count: int) -> "_Common":
        """Draw the common factors of ``count`` sessions."""
        market = _clustered(_shocks(_streams(seed, "market")[0], count), 0.0095)
        names = sorted({kind.sector for kind in _KINDS.values()} - {""})
        sectors = {name: _clustered(_shocks(_streams(seed, name)[0], count), 0.006) for name in names}
        return cls(market, np.full(count, 0.0095), sectors)


def _streams(seed: int, name: str) -> list[np.random.Generator]:
    """Five independent generators of one name, the same whatever else is drawn."""
    key = zlib.crc32(name.encode())
    return [np.random.default_rng(np.random.SeedSequence([seed, key, number])) for number in range(5)]


def _shocks(stream: np.random.Generator, count: int) -> Floats:
    """Shocks with fat tails and variance 1."""
    return np.asarray(stream.standard_t(5, count) / np.sqrt(5.0 / 3.0))


def _reversing(shocks: Floats, signal: float) -> Floats:
    """Make each shock go against the one before: ``x_t = -signal x_{t-1} + sqrt(1 - signal^2) e_t``, variance 1."""
    fresh = shocks * np.sqrt(1.0 - signal**2)
    fresh[0] = shocks[0]
    return np.fromiter(accumulate(fresh.tolist(), lambda before, drawn: drawn - signal * before), float, len(fresh))


def _clustered(shocks: Floats, size: float, *, react: float = 0.08, keep: float = 0.9) -> Floats:
    """Give shocks volatility that clusters, GARCH(1,1) with mean ``size**2`` (Bollerslev, 1986)."""
    if size == 0.0:
        return np.zeros(len(shocks))
    out = np.empty(len(shocks))
    variance = 1.0
    for at, shock in enumerate(shocks.tolist()):
        move = shock * variance**0.5
        out[at] = move
        variance = (1.0 - react - keep) + react * min(move * move, 16.0) + keep * variance
    return size * out


def _events(kind: _Kind, days: Dates, close: Floats) -> tuple[Floats, list[tuple[date, str, float]]]:
    """Splits and dividends at the starts of quarters: the cumulative factor of each session, and the events."""
    factor = np.ones(len(days))
    events: list[tuple[date, str, float]] = []
    if kind.kind == "index":
        return factor, events
    quarter = days.astype("datetime64[M]").astype(int) // 3
    held = 1.0
    for start in np.flatnonzero(np.diff(quarter) != 0) + 1:
        day, before = days[start].item(), close[start - 1] / held
        if kind.dividend:
            paid = round(before * kind.dividend, 4)
            held *= before / (before - paid)
            events.append((day, "dividend", paid))
        if before > SPLIT_ABOVE and kind.kind == "stock":
            held *= 4.0
            events.append((day, "split", 4.0))
        factor[start:] = held
    return factor, events


def _instruments(codes: Sequence[str], at: Exchange, days: Dates) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "code": code,
            "name": _KINDS[code].name,
            "kind": _KINDS[code].kind,
            "exchange": at.code,
            "currency": at.currency,
            "sector": _KINDS[code].sector or None,
            "known_at": at.opens_at(days[0].item()),
        }
        for code in codes
    ]
    return pl.DataFrame(rows, schema=INSTRUMENTS)


def _members(codes: Sequence[str], at: Exchange, days: Dates) -> pl.DataFrame:
    joins = {code: days[0].item() for code in codes if _KINDS[code].kind == "stock"}
    if "TSLA" in joins:
        joins["TSLA"] = date(2020, 12, 21)
    events = [(code, day, True) for code, day in joins.items()]
    if DELISTED[0] in joins:
        events.append((DELISTED[0], DELISTED[1], False))
    rows = [
        {"date": day, "universe": UNIVERSE, "code": code, "member": member, "known_at": at.opens_at(day)}
        for code, day, member in events
        if day <= days[-1].item()
    ]
    return pl.DataFrame(rows, schema=MEMBERS)
