"""The shipped layout against the development data: counts and dates as their description states them."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.io.sources.check import Checked
from tenor.io.sources.folder import Folder, check
from tenor.market.contract import Contract
from tenor.market.market import Market
from tenor.pricing.conversion_factor import conversion_factor

pytestmark = pytest.mark.real

LAYOUTS = Path(__file__).parents[2] / "studies" / "layouts"
LAYOUT = LAYOUTS / "shared.toml"


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
        (8, "cn_cpi.csv", 222, 222, date(2008, 1, 31), date(2026, 6, 30)),
        (9, "cn_ppi.csv", 246, 246, date(2006, 1, 31), date(2026, 6, 30)),
        (10, "cn_m2.csv", 222, 222, date(2008, 1, 31), date(2026, 6, 30)),
        (11, "cn_pmi.csv", 223, 223, date(2008, 1, 31), date(2026, 7, 31)),
        (12, "US5_futures_near_far_1990_2023.csv.gz", 7301, 8024, date(2000, 1, 3), date(2018, 11, 23)),
        (13, "US2_futures_near_far_1990_2023.csv.gz", 4192, 6670, date(2000, 4, 28), date(2018, 12, 20)),
        (14, "US20_futures_near_far_1990_2023.csv.gz", 7940, 8744, date(2000, 1, 3), date(2018, 12, 31)),
        (15, "ust_par_1990_2020.csv.gz", 7758, 75624, date(1990, 1, 2), date(2020, 12, 31)),
        (16, "ust_par_1990_2020.csv.gz", 7758, 12610, date(1990, 1, 2), date(2020, 12, 31)),
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


def test_publications_are_known_on_their_release(market: Market):
    june = market.release("CPI.YOY").row(-1, named=True)
    assert (june["period"], june["released"], june["value"]) == (date(2026, 6, 30), date(2026, 7, 15), 1.0)
    assert june["known_at"] == datetime(2026, 7, 15, 1, 30, tzinfo=UTC)
    last = {name: market.release(name).row(-1, named=True) for name in ("PPI.YOY", "M2.YOY", "PMI")}
    assert {name: row["value"] for name, row in last.items()} == {"PPI.YOY": 4.1, "M2.YOY": 8.0, "PMI": 49.2}
    assert last["PMI"]["released"] == date(2026, 8, 1)
    assert market.known_at(datetime(2019, 4, 10, 7, 15, tzinfo=UTC)).release("CPI.YOY")["period"][-1] == date(
        2019, 2, 28
    )


@pytest.fixture(scope="module")
def summer(real_data: Path) -> Market:
    assert check(real_data, LAYOUTS / "cffex-2026.toml").defects == ()
    return Folder(real_data, LAYOUTS / "cffex-2026.toml").read()


def test_the_summer_of_2026_has_quotes_a_curve_and_funding(summer: Market):
    assert summer.codes() == ("T2609",)
    assert set(summer.macro["name"]) == {"CPI.YOY", "PPI.YOY", "M2.YOY", "PMI"}
    quotes = summer.quotes_of("T2609")
    assert (quotes.height, quotes["date"][0], quotes["date"][-1]) == (33, date(2026, 5, 27), date(2026, 7, 13))
    assert quotes["settle"].null_count() == 0
    assert summer.curve["tenor"].unique().sort().to_list() == [1, 2, 5, 10, 30]
    assert set(summer.rates["name"]) == {"DR001", "DR007", "R007", "SHIBOR.ON", "SHIBOR.1W"}
    assert {summer.rate(name).height for name in summer.rates["name"].unique()} == {45}
    fixing, repo = (summer.rate(name)["known_at"][0].hour for name in ("SHIBOR.ON", "DR007"))
    assert (fixing, repo) == (3, 10)


def test_the_baskets_are_those_published(summer: Market, real_data: Path):
    """Every factor by the formula with the frequency that was found, against the table that the exchange published."""
    assert (summer.bonds.height, summer.deliverables.height) == (49, 86)
    for contract in summer.deliverables["contract"].unique().sort():
        basket = summer.basket(contract)
        month = np.datetime64(Contract.parse(contract).delivery_month)
        given = (basket[c].to_numpy() for c in ("coupon", "frequency", "maturity"))
        assert np.abs(conversion_factor(*given, month) - basket["factor"].to_numpy()).max() < 1e-9
    assert set(summer.basket("TL2609")["frequency"]) == {2}
    assert set(summer.basket("TF2609")["frequency"]) == {1}
    assert set(summer.basket("T2609")["frequency"]) == {1, 2}
    checked = pl.read_csv(
        real_data / "deliverables/cf_formula_crosscheck.csv", schema_overrides={"bond_code": pl.String}
    )
    settled = checked.filter(pl.col("coupon_freq_inferred") > 0).select("bond_code", "coupon_freq_inferred").unique()
    joined = settled.join(summer.bonds, left_on="bond_code", right_on="code")
    assert joined.height == settled.height
    assert (joined["frequency"] == joined["coupon_freq_inferred"]).all()
    assert any("3 fit both" in note for note in summer.notes)
