"""The shipped layout against the development data: counts and dates as their description states them."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tenor.io.sources.check import Checked
from tenor.io.sources.folder import Folder, check
from tenor.market.market import Market

pytestmark = pytest.mark.real

LAYOUT = Path(__file__).parents[2] / "studies" / "layouts" / "shared.toml"


@pytest.fixture(scope="module")
def market(real_data: Path) -> Market:
    return Folder(real_data, LAYOUT).read()


@pytest.fixture(scope="module")
def checked(real_data: Path) -> Checked:
    return check(real_data, LAYOUT)


def of_product(market: Market, product: str) -> pl.DataFrame:
    return market.quotes.filter(pl.col("code").str.contains(f"^{product}\\d{{4}}$"))


def test_nothing_is_defective(checked: Checked):
    assert checked.defects == ()


@pytest.mark.parametrize(
    ("at", "name", "rows", "kept", "first", "last"),
    [
        (0, "T_near_far_spread_2015_2020.csv", 1287, 2574, date(2015, 3, 20), date(2020, 6, 30)),
        (1, "T_main_daily_2015_2026.csv", 2681, 1218, date(2015, 6, 30), date(2020, 6, 30)),
        (2, "shibor_2006_2024.csv", 4517, 4517 * 8, date(2006, 10, 8), date(2024, 11, 4)),
        (3, "shibor_2015_2026.csv", 2336, 432 * 8, date(2024, 11, 5), date(2026, 7, 31)),
        (4, "cgb_yield_curve_full_2002_2022.csv.gz", 5204, 23737, date(2006, 1, 4), date(2019, 12, 31)),
        (5, "cn_us_rates_2002_2022.csv", 5540, 771, date(2016, 1, 4), date(2019, 1, 25)),
        (6, "cgb_yield_curve_full_2002_2022.csv.gz", 5204, 708, date(2020, 1, 2), date(2022, 11, 4)),
        (7, "chinabond_curve_2020_2024.csv", 1250, 1250 * 6, date(2020, 1, 2), date(2024, 12, 31)),
        (8, "US5_futures_near_far_1990_2023.csv.gz", 7301, 8024, date(2000, 1, 3), date(2018, 11, 23)),
        (9, "US2_futures_near_far_1990_2023.csv.gz", 4192, 6670, date(2000, 4, 28), date(2018, 12, 20)),
        (10, "US20_futures_near_far_1990_2023.csv.gz", 7940, 8744, date(2000, 1, 3), date(2018, 12, 31)),
        (11, "ust_par_1990_2020.csv.gz", 7758, 75624, date(1990, 1, 2), date(2020, 12, 31)),
        (12, "ust_par_1990_2020.csv.gz", 7758, 12610, date(1990, 1, 2), date(2020, 12, 31)),
    ],
)
def test_rows_and_dates_are_those_described(
    checked: Checked, at: int, name: str, rows: int, kept: int, first: date, last: date
):
    part = checked.parts[at]
    assert part.name.endswith(f"/{name}")
    assert (part.rows, part.kept, part.first, part.last) == (rows, kept, first, last)


def test_the_near_far_spread_has_the_described_mean(market: Market, real_data: Path):
    """Against the derived column of the file itself, which the layout does not read."""
    raw = pl.read_csv(real_data / "cgb_futures/T_near_far_spread_2015_2020.csv", try_parse_dates=True)
    close = of_product(market, "T").select("date", "code", "close")
    joined = raw.join(close, left_on=["date", "near_contract"], right_on=["date", "code"]).join(
        close, left_on=["date", "far_contract"], right_on=["date", "code"], suffix="_far"
    )
    assert joined.height == 1287
    assert (joined["close"] - joined["close_far"] - joined["spread"]).abs().max() < 1e-9


def test_every_close_of_t_lies_in_the_day_s_range(market: Market):
    quotes = of_product(market, "T")
    assert quotes["close"].null_count() == 0
    ranged = quotes.drop_nulls("high")
    assert ranged.height == 1218
    assert (ranged["close"].is_between(ranged["low"], ranged["high"])).all()


def test_a_quote_is_known_at_the_close_and_the_curve_after_it(market: Market):
    day = date(2019, 4, 10)
    quote = market.quotes_of("T1906").filter(pl.col("date") == day)["known_at"][0]
    curve = market.tenor("CGB", 10).filter(pl.col("date") == day)["known_at"][0]
    shibor = market.rate("SHIBOR.ON").filter(pl.col("date") == day)["known_at"][0]
    assert (shibor, quote, curve) == (
        datetime(2019, 4, 10, 3, 30, tzinfo=UTC),
        datetime(2019, 4, 10, 7, 15, tzinfo=UTC),
        datetime(2019, 4, 10, 10, tzinfo=UTC),
    )


@pytest.mark.parametrize("product", ["US5", "US2", "US20"])
def test_american_spreads_are_in_bounds(market: Market, product: str):
    by_day = of_product(market, product).sort("date", "code").group_by("date", maintain_order=True)
    pairs = by_day.agg(pl.len(), (pl.col("close").first() - pl.col("close").last()).alias("spread"))
    assert pairs["len"].unique().to_list() == [2]
    assert pairs["spread"].abs().max() < 3
    assert not (pairs["date"].dt.weekday() > 5).any()


def test_the_two_year_point_is_whole_until_it_ends(market: Market):
    two, ten = (market.tenor("CGB", years)["date"] for years in (2, 10))
    missing = set(ten.filter(ten <= date(2022, 11, 4))) - set(two)
    assert missing == {date(2016, 12, 31)}  # a Saturday on which only the file without it was published


def test_the_zeros_of_good_friday_are_out_and_said(market: Market):
    assert market.tenor("UST", 10).filter(pl.col("date") == date(2017, 4, 14)).is_empty()
    assert any("1 rows left out (from 2017-04-14 to 2017-04-14)" in note for note in market.notes)


def test_rates_have_the_known_extremes(market: Market):
    """SHIBOR's two-week high of 2007 and the ten-year yields of 2006 to 2024, from the files' description."""
    assert market.rate("SHIBOR.2W")["rate"].max() == pytest.approx(0.135786)
    ten = market.tenor("CGB", 10)["rate"]
    assert ten.min() == pytest.approx(0.016752)
    assert ten.max() == pytest.approx(0.047222)


def test_only_the_files_of_a_product_are_read(real_data: Path):
    market = Folder(real_data, LAYOUT, ("T",)).read()
    assert set(market.curve["curve"]) == {"CGB"}
    assert {code[:-4] for code in market.codes()} == {"T"}
    assert all(name.startswith("SHIBOR.") for name in market.rates["name"].unique())
