"""The book of prices: marked where nothing was quoted, locked at a limit, closed when a name is gone."""

import runpy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.decide.book import build_book
from tenor.errors import MarketError
from tenor.factor.universe import build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import Market

HERE = Path(__file__).parents[1]
stocks: Callable[..., Market] = runpy.run_path(str(HERE / "factor" / "stock_market.py"))["stocks"]

DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 6, 28)).tolist()
LOCKED = trading_calendar("XSHG").sessions(date(2024, 1, 2), date(2024, 1, 31)).tolist()


def test_a_name_is_marked_at_its_last_price_and_not_traded_without_one() -> None:
    closes = {"AAA": dict(zip(DAYS[:4], (10.0, 11.0, 12.0, 13.0), strict=True)), "BBB": {DAYS[0]: 5.0, DAYS[3]: 6.0}}
    universe = build_universe(stocks(closes), ("AAA", "BBB"))
    book, notes = build_book(universe, DAYS[1], DAYS[3])
    np.testing.assert_array_equal(book.sessions, np.array(DAYS[1:4], "datetime64[D]"))
    np.testing.assert_array_equal(book.close, [[11, 5], [12, 5], [13, 6]])
    np.testing.assert_array_equal(book.can_buy, [[True, False], [True, False], [True, True]])
    assert np.isnan(book.open[0, 1])
    np.testing.assert_allclose(book.benchmark, [0.0, 12 / 11 - 1, 13 / 12 - 1])
    assert notes == ("the benchmark is the mean return of the members of the day, equally weighted, without costs",)


def test_a_name_that_is_gone_has_a_last_session() -> None:
    closes = {"AAA": dict.fromkeys(DAYS, 10.0), "BBB": dict.fromkeys(DAYS[:20], 5.0)}
    book, _ = build_book(build_universe(stocks(closes), ("AAA", "BBB")), DAYS[0], DAYS[-1])
    assert book.last.tolist() == [len(DAYS), 19]


def test_an_index_is_what_is_beaten_where_one_is_named() -> None:
    closes = {"AAA": dict.fromkeys(DAYS[:3], 10.0), "IDX": dict(zip(DAYS[:3], (100.0, 101.0, 99.0), strict=True))}
    market = stocks(closes)
    book, notes = build_book(
        build_universe(market, ("AAA",)), DAYS[0], DAYS[2], benchmark=build_universe(market, ("IDX",))
    )
    np.testing.assert_allclose(book.benchmark, [0.0, 0.01, 99 / 101 - 1])
    assert notes == ("the benchmark is IDX, without costs",)


@pytest.mark.parametrize(("place", "locked"), [("XSHG", True), ("XNYS", False)])
def test_a_session_at_one_price_is_locked_where_prices_have_limits(place: str, locked: bool) -> None:
    days = LOCKED if place == "XSHG" else DAYS
    market = stocks({"AAA": dict(zip(days[:3], (10.0, 11.0, 9.9), strict=True))}, place=place)
    still = pl.col("close").alias("high"), pl.col("close").alias("low"), pl.col("close").alias("open")
    quotes = market.quotes.with_columns(*still)
    book, notes = build_book(build_universe(replace(market, quotes=quotes), ("AAA",)), days[0], days[2])
    assert book.can_buy[:, 0].tolist() == [True, not locked, True]
    assert book.can_sell[:, 0].tolist() == [True, True, not locked]
    assert any("2 times a name closed at its price limit" in note for note in notes) is locked
    assert any("2 times a name opened at its price limit" in note for note in notes) is locked


TABLE = [  # code, close before, open, close; bought and sold at the open, bought and sold at the close
    ("600000", 10.0, 10.5, 11.0, "yyny"),  # closed at the upper limit
    ("600000", 10.0, 11.0, 10.4, "nyyy"),  # opened there
    ("600000", 10.0, 9.5, 9.0, "yyyn"),  # closed at the lower limit
    ("600000", 10.0, 10.5, 10.98, "yyyy"),  # a tick and more below
    ("600000", 7.77, 7.9, 8.55, "yyny"),  # 8.547 is rounded to 8.55
    ("600000", 10.0, 12.0, 12.4, "yyyy"),  # beyond: the first sessions of a listing
    ("688001", 10.0, 10.5, 11.0, "yyyy"),  # the STAR market moves by 20 %
    ("688001", 10.0, 10.5, 12.0, "yyny"),
    ("SZ300001", 10.0, 10.5, 12.0, "yyny"),  # ChiNext too, in 2024
    ("510300", 3.333, 3.4, 3.666, "yyny"),  # a fund, in thousandths
]


@pytest.mark.parametrize(("code", "before", "opened", "close", "said"), TABLE)
def test_a_price_at_its_limit_is_not_traded_against(
    code: str, before: float, opened: float, close: float, said: str
) -> None:
    days = LOCKED[:2]
    market = stocks({code: dict(zip(days, (before, close), strict=True))}, place="XSHG")
    wide = (
        (pl.max_horizontal("open", "close") + 0.01).alias("high"),
        (pl.min_horizontal("open", "close") - 0.01).alias("low"),
    )
    opens = pl.when(pl.col("date") == days[1]).then(opened).otherwise(pl.col("close")).alias("open")
    quotes = market.quotes.with_columns(opens).with_columns(*wide)
    book, _ = build_book(build_universe(replace(market, quotes=quotes), (code,)), days[0], days[1])
    found = [book.can_buy_open, book.can_sell_open, book.can_buy, book.can_sell]
    assert "".join("y" if each[1, 0] else "n" for each in found) == said


def test_chinext_moved_by_ten_per_cent_before_its_reform() -> None:
    at = exchange("XSHG")
    limit, tick = at.limit("300001.SZ", np.array(["2020-08-21", "2020-08-24"], "datetime64[D]"))
    assert limit.tolist() == [0.1, 0.2]
    assert tick.tolist() == [0.01, 0.01]
    assert np.isnan(exchange("XNYS").limit("AAPL", np.array(["2024-01-02"], "datetime64[D]"))[0]).all()


def test_a_price_without_volume_is_not_traded() -> None:
    closes = {"AAA": dict.fromkeys(DAYS[:3], 10.0), "IDX": dict.fromkeys(DAYS[:3], 100.0)}
    market = stocks(closes)
    still = (pl.col("code") == "IDX") | (pl.col("date") == DAYS[1])
    quotes = market.quotes.with_columns(pl.when(still).then(0.0).otherwise(1000.0).alias("volume"))
    book, notes = build_book(build_universe(replace(market, quotes=quotes), ("AAA", "IDX")), DAYS[0], DAYS[2])
    assert book.can_buy.tolist() == [[True, True], [False, True], [True, True]]  # an index never has any
    assert any(note.startswith("1 times a name had a price and no volume") for note in notes)


def test_no_session_is_no_book() -> None:
    universe = build_universe(stocks({"AAA": {DAYS[0]: 1.0}}), ("AAA",))
    with pytest.raises(MarketError, match="XNYS has no session from 2024-01-06 to 2024-01-07"):
        build_book(universe, date(2024, 1, 6), date(2024, 1, 7))
