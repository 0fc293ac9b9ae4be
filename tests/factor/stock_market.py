"""A market of stocks by hand, for tests: closes by code and session, everything else derived in one stated way."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from tenor.market.exchange import exchange
from tenor.market.market import ADJUSTMENTS, CURVE, INSTRUMENTS, MEMBERS, QUOTES, RATES, Market

AT = exchange("XNYS")


def stocks(
    closes: Mapping[str, Mapping[date, float]],
    *,
    adjustments: Sequence[tuple[str, date, float]] = (),
    members: Sequence[tuple[str, str, date, bool]] = (),
    sectors: Mapping[str, str] | None = None,
    known_at: Mapping[tuple[str, date], datetime] | None = None,
    place: str = "XNYS",
) -> Market:
    """Quotes with the open a quarter below and high and low a half around the close, volume 1,000."""
    at = exchange(place)
    late = known_at or {}
    quotes: list[dict[str, Any]] = [
        {
            "date": day,
            "code": code,
            "open": close - 0.25,
            "high": close + 0.5,
            "low": close - 0.5,
            "close": close,
            "settle": None,
            "volume": 1_000.0,
            "open_interest": None,
            "known_at": late.get((code, day), at.closes_at(day)),
        }
        for code, series in closes.items()
        for day, close in series.items()
    ]
    terms = [
        {
            "code": code,
            "name": code.title(),
            "kind": "stock",
            "exchange": place,
            "currency": at.currency,
            "sector": (sectors or {}).get(code),
            "known_at": at.opens_at(min(series)),
        }
        for code, series in closes.items()
    ]
    factors = [
        {"date": day, "code": code, "factor": factor, "known_at": at.opens_at(day)} for code, day, factor in adjustments
    ]
    belongs = [
        {"date": day, "universe": name, "code": code, "member": member, "known_at": at.opens_at(day)}
        for name, code, day, member in members
    ]
    return Market(
        "by hand",
        False,
        pl.DataFrame(quotes, schema=QUOTES),
        CURVE.to_frame(),
        RATES.to_frame(),
        instruments=pl.DataFrame(terms, schema=INSTRUMENTS),
        adjustments=pl.DataFrame(factors, schema=ADJUSTMENTS),
        members=pl.DataFrame(belongs, schema=MEMBERS),
    )
