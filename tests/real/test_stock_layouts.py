"""The layouts of stocks against the development data: rows, dates and figures as their description states them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.factor.universe import CLOSE, build_universe
from tenor.io.sources.check import Checked
from tenor.io.sources.folder import Folder, check
from tenor.io.sources.given import read_given
from tenor.market.market import Market

pytestmark = pytest.mark.real

LAYOUTS = Path(__file__).parents[2] / "studies" / "layouts"


@pytest.fixture(scope="module")
def checked(real_data: Path) -> Callable[[str], Checked]:
    """Check a layout once."""
    return cache(lambda name: check(real_data, LAYOUTS / f"{name}.toml"))


@pytest.fixture(scope="module")
def csi300(real_data: Path) -> Market:
    return Folder(real_data, LAYOUTS / "csi300.toml").read()


@pytest.mark.parametrize(
    ("name", "at", "rows", "first", "kept"),
    [
        # rows up to a day on which every copy of the data still goes on; more may be appended
        ("stocknet", 0, 66_100, date(2012, 9, 4), 66_100),
        ("kdd17", 0, 113_300, date(2007, 1, 3), 113_300),
        ("csi300", 0, 1_745_161, date(2014, 1, 2), 1_705_900),
        ("csi300", 1, 960, date(2010, 1, 4), 960),
        ("us", 0, 89_421, date(2016, 6, 27), 69_219),
        ("us", 1, 89_421, date(2016, 6, 28), 10_187),
        ("us", 2, 89_421, date(2016, 6, 28), 5_104),
        ("us-long", 0, 160_040, date(1970, 1, 2), 160_040),
        ("cn-etf", 0, 59_986, date(2010, 1, 4), 56_854),
        ("sn2", 0, 41_626, date(2019, 12, 31), 40_995),
        ("etf-hk", 0, 13_661, date(2021, 1, 4), 6_559),
        ("cn-qfq", 0, 13_955, date(2024, 1, 2), 13_955),
    ],
)
def test_rows_and_dates_are_those_described(
    checked: Callable[[str], Checked], name: str, at: int, rows: int, first: date, kept: int
) -> None:
    assert checked(name).defects == ()
    part = checked(name).parts[at]
    assert part.first == first
    assert part.rows >= rows
    assert part.kept >= kept


@pytest.mark.parametrize("name", ["stocknet", "kdd17", "csi300", "us", "us-long", "cn-etf", "sn2", "etf-hk", "cn-qfq"])
def test_every_row_is_kept_or_counted(checked: Callable[[str], Checked], name: str) -> None:
    for part in checked(name).parts:
        of_others = [int(note.split(" ")[0]) for note in part.notes if "'codes' does not name" in note]
        assert part.rows == part.kept + sum(one.rows for one in part.left_out) + sum(of_others), part.name


def test_stocknet_has_87_stocks_in_its_window(real_data: Path) -> None:
    market = Folder(real_data, LAYOUTS / "stocknet.toml").read()
    window = market.quotes.filter(pl.col("date").is_between(date(2014, 1, 2), date(2015, 9, 30)))
    assert window["code"].n_unique() == 87
    sectors = market.instruments.filter(pl.col("code").is_in(window["code"].unique().implode()))["sector"]
    assert sectors.null_count() == 0
    assert sectors.n_unique() == 9
    assert market.instrument("AAPL").row(0)[1:6] == ("Apple Inc.", "stock", "XNYS", "USD", "Consumer Goods")


def test_returns_of_stocknet_are_those_of_the_adjusted_close(real_data: Path) -> None:
    market = Folder(real_data, LAYOUTS / "stocknet.toml", ("AAPL",)).read()
    raw = pl.read_parquet(real_data / "stocknet/prices_raw.parquet").filter(pl.col("ticker") == "AAPL").sort("date")
    universe = build_universe(market, ("AAPL",))
    close = universe.fields[CLOSE]
    expected = raw["adj_close"].to_numpy()
    np.testing.assert_allclose(close[1:] / close[:-1], expected[1:] / expected[:-1], rtol=1e-12)


def test_the_open_of_kdd17_lies_within_its_day(real_data: Path) -> None:
    market = Folder(real_data, LAYOUTS / "kdd17.toml").read()
    assert len(market.codes()) == 50
    assert market.quotes.group_by("code").len()["len"].n_unique() == 1
    raw = pl.read_parquet(real_data / "stocknet/kdd17_prices.parquet")
    contradicts = (pl.col("open") < pl.col("low") - 1e-4) | (pl.col("open") > pl.col("high") + 1e-4)
    assert raw.filter(contradicts).height > 10_000
    assert market.quotes.filter(contradicts).is_empty()
    assert raw.drop_nulls("original_open")["ticker"].n_unique() == 11


def test_a_price_of_moutai_and_what_a_dividend_is_not(csi300: Market, real_data: Path) -> None:
    """On 2025-06-26, ex a dividend, the price fell by 1.1 % and the holder gained 0.8 %."""
    quotes = csi300.quotes_of("SH600519")
    row = quotes.filter(pl.col("date") == date(2024, 1, 2)).row(0, named=True)
    assert (row["open"], row["high"], row["low"], row["close"]) == (1715.0, 1718.19, 1678.1, 1685.01)
    assert row["volume"] == pytest.approx(3.2156e6, rel=1e-4)
    assert row["known_at"] == datetime(2024, 1, 2, 7, 0, tzinfo=UTC)
    universe = build_universe(csi300, ("SH600519",))
    days, close = universe.sessions.astype("datetime64[D]"), universe.fields[CLOSE]
    at = int(np.searchsorted(days, np.datetime64("2025-06-26")))
    assert close[at] / close[at - 1] - 1.0 == pytest.approx(0.00833, abs=1e-4)
    quoted = quotes.filter(pl.col("date").is_in([date(2025, 6, 25), date(2025, 6, 26)]))["close"].to_list()
    assert quoted == [1435.86, 1420.0]


def test_returns_of_moutai_are_those_of_another_source(csi300: Market, real_data: Path) -> None:
    other = Folder(real_data, LAYOUTS / "cn-qfq.toml", ("600519",)).read().quotes.select("date", "close")
    assert other.height == 399
    universe = build_universe(csi300, ("SH600519",))
    ours = pl.DataFrame(
        {"date": pl.Series(universe.sessions.astype("datetime64[D]")), "adjusted": universe.fields[CLOSE]}
    )
    both = other.join(ours, on="date", how="inner").sort("date")
    assert both.height == 399
    first, second = (both[name].to_numpy() for name in ("close", "adjusted"))
    np.testing.assert_allclose(first[1:] / first[:-1], second[1:] / second[:-1], atol=1e-4)


@pytest.mark.parametrize(
    ("day", "members"),
    [
        (date(2014, 1, 2), 274),
        (date(2016, 6, 13), 300),
        (date(2018, 12, 17), 300),
        (date(2020, 1, 2), 279),
        (date(2021, 6, 15), 275),
        (date(2024, 1, 2), 288),
        (date(2026, 5, 8), 300),
    ],
)
def test_members_on_a_day_are_those_whose_interval_holds_it(
    csi300: Market, real_data: Path, day: date, members: int
) -> None:
    intervals = pl.read_csv(real_data / "equities/csi300_membership.csv", try_parse_dates=True)
    held = intervals.filter((pl.col("start") <= day) & (pl.col("end") >= day))["code"]
    latest = csi300.members.filter(pl.col("date") <= day).sort("date").group_by("code").agg(pl.col("member").last())
    found = set(latest.filter(pl.col("member"))["code"])
    assert found == set(held)
    assert len(found) == members


def test_prices_adjusted_by_a_factor_never_leave_the_range_of_a_day(csi300: Market) -> None:
    """Limits are 10 % and 20 %, more for a few days after a listing; what is beyond 75 % is known."""
    universe = build_universe(csi300, csi300.codes())
    move = np.diff(np.log(universe.fields[CLOSE]))
    move[universe.bounds[1:-1] - 1] = 0.0
    assert int((np.abs(move) > np.log(1.75)).sum()) == 2
    assert int((np.abs(move) > np.log(1.25)).sum()) < 60


def test_downloads_of_yfinance_as_they_are(real_data: Path) -> None:
    folder = real_data / "equities/yfinance_multiheader_raw"
    market = Folder(folder, LAYOUTS / "yfinance.toml", ("AAPL", "MSFT")).read()
    assert market.quotes_of("AAPL").height == 1256
    assert market.quotes_of("AAPL")["close"][0] == 128.3788604736328
    as_given = read_given(folder / "AAPL.csv")
    assert as_given.quotes.equals(market.quotes_of("AAPL"))
    head = read_given(real_data / "equities/trendiq_AAPL_head.csv")
    assert head.codes() == ("AAPL",)
    assert head.quotes.height == 30
