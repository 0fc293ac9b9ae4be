"""Two sources of the same prices: a table by hand, and what agrees with itself."""

from datetime import date, timedelta

import polars as pl
import pytest

from tenor.errors import MarketError
from tenor.io.sources.pulled import market_of
from tenor.io.sources.reconcile import SCHEMA, reconcile
from tenor.market.market import ADJUSTMENTS, QUOTES

DAYS = [date(2024, 6, 3) + timedelta(days=at) for at in range(5)]
KNOWN = pl.lit(DAYS[0]).cast(QUOTES["known_at"]).alias("known_at")


def market(closes: dict[int, float], code: str = "A", *, factors: dict[int, float] | None = None):
    rows = {"date": [DAYS[at] for at in closes], "code": [code] * len(closes), "close": list(closes.values())}
    quotes = pl.DataFrame(rows).with_columns(KNOWN)
    lacking = [pl.lit(None, dtype=QUOTES[name]).alias(name) for name in QUOTES.names() if name not in quotes.columns]
    steps = factors or {}
    adjusted = pl.DataFrame(
        {"date": [DAYS[at] for at in steps], "code": [code] * len(steps), "factor": list(steps.values())},
        schema={name: ADJUSTMENTS[name] for name in ("date", "code", "factor")},
    ).with_columns(KNOWN)
    tables = {"quotes": quotes.with_columns(lacking).select(QUOTES.names()), "adjustments": adjusted}
    return market_of("test", tables)


def test_days_closes_and_returns_by_hand() -> None:
    first = market({0: 100.0, 1: 101.0, 2: 102.0, 3: 103.0})
    second = market({0: 100.0, 1: 101.05, 3: 103.0, 4: 104.0})
    (row,) = reconcile(first, second, tolerance=0.0004).iter_rows(named=True)
    assert (row["days"], row["only_first"], row["only_second"]) == (3, 1, 0), "day 4 is after the last that both have"
    assert row["close_worst"] == pytest.approx(0.05 / 101.05)
    assert (row["close_worst_on"], row["close_over"]) == (DAYS[1], 1)
    assert row["return_worst"] == pytest.approx(103 / 101 - 103 / 101.05)
    assert (row["return_worst_on"], row["return_over"]) == (DAYS[3], 2)


def test_a_split_that_one_has_undone_differs_in_closes_and_not_in_returns() -> None:
    traded = market({0: 500.0, 1: 504.0, 2: 127.0, 3: 128.0}, factors={2: 4.0})
    adjusted = market({0: 125.0, 1: 126.0, 2: 127.0, 3: 128.0})
    (row,) = reconcile(traded, adjusted).iter_rows(named=True)
    assert (row["close_worst"], row["close_over"]) == (pytest.approx(3.0), 2)
    assert (row["return_worst"], row["return_over"]) == (pytest.approx(0.0, abs=1e-15), 0)


def test_a_market_agrees_with_itself_and_a_code_of_one_alone_is_no_row() -> None:
    one = market({0: 100.0, 1: 101.0})
    table = reconcile(one, one, tolerance=0.0)
    assert table.schema == SCHEMA
    assert table.row(0) == ("A", 2, 0, 0, 0.0, None, 0, 0.0, None, 0)
    with pytest.raises(MarketError, match=r"no code in common: \['A'\] and \['B'\]"):
        reconcile(one, market({0: 1.0}, "B"))
    with pytest.raises(MarketError, match=r"tolerance -0\.1"):
        reconcile(one, one, tolerance=-0.1)


def test_no_day_in_common_is_a_row_of_its_own() -> None:
    (row,) = reconcile(market({0: 1.0, 1: 1.0}), market({2: 1.0})).iter_rows(named=True)
    assert (row["days"], row["only_first"], row["only_second"], row["close_worst"]) == (0, 2, 1, None)
