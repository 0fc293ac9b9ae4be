"""The simulated market: its tables, its rules, and that it cannot fool anybody."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tenor.errors import CalendarError, MarketError, StudyError
from tenor.io.sources.simulated import TENORS, Simulated, planted
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, product
from tenor.market.market import OPTIONAL
from tenor.pricing.conversion_factor import conversion_factor

ALL = ("TS", "TF", "T", "TL")
SHORT = Simulated(("TF", "T"), date(2017, 1, 3), date(2018, 12, 28), seed=4, signal=0.2)


@pytest.fixture(scope="module")
def market():
    return Simulated(ALL, seed=11).read()


def product_of(frame):
    return frame.with_columns(product=pl.col("code").str.replace(r"\d{4}$", ""))


def test_equal_settings_give_equal_tables_and_another_seed_does_not():
    assert SHORT.read().fingerprint() == SHORT.read().fingerprint()
    other = Simulated(SHORT.products, SHORT.first, SHORT.last, seed=5, signal=0.2)
    assert other.read().fingerprint() != SHORT.read().fingerprint()


@pytest.mark.parametrize("cut", [date(2017, 8, 25), date(2018, 3, 9), date(2018, 9, 28)])
def test_a_later_end_only_appends(cut):
    long = SHORT.read()
    short = Simulated(SHORT.products, SHORT.first, cut, seed=4, signal=0.2).read()
    for table in ("quotes", "curve", "rates"):
        kept = getattr(long, table).filter(pl.col("date") <= cut)
        assert_frame_equal(getattr(short, table), kept, check_exact=True)
    known = long.known_at(datetime(cut.year, cut.month, cut.day, 16, tzinfo=UTC))
    for table in OPTIONAL:
        assert_frame_equal(getattr(short, table), getattr(known, table), check_exact=True)


def test_a_product_is_the_same_whatever_else_is_there():
    alone = Simulated(("T",), SHORT.first, SHORT.last, seed=4, signal=0.2).read()
    beside = SHORT.read()
    assert_frame_equal(alone.quotes, beside.quotes.filter(pl.col("code").str.starts_with("T1")), check_exact=True)
    assert_frame_equal(alone.curve, beside.curve, check_exact=True)
    assert_frame_equal(alone.rates, beside.rates, check_exact=True)
    assert_frame_equal(alone.macro, beside.macro, check_exact=True)
    of_t = pl.col("contract").str.starts_with("T2") | pl.col("contract").str.starts_with("T1")
    assert_frame_equal(alone.deliverables, beside.deliverables.filter(of_t), check_exact=True)


def test_it_says_that_it_is_simulated(market):
    assert market.simulated
    assert market.name == "simulated"
    assert "SIMULATED" in market.notes[0]


def test_every_contract_is_quoted_from_its_listing_to_its_last_trading_day(market):
    first, last = date(2015, 3, 20), date(2025, 12, 31)
    expected = set()
    for code in ALL:
        rules = product(code)
        for contract in rules.contracts(first, last):
            start, end = max(rules.listing_day(contract), first), min(rules.last_trading_day(contract), last)
            days = trading_calendar("XSHG").sessions(start, end).tolist()
            expected |= {(contract.code, day) for day in days}
    assert set(market.quotes.select("code", "date").iter_rows()) == expected
    assert ("TL2306", date(2023, 4, 21)) in expected
    assert market.quotes.filter(pl.col("code").str.starts_with("TL"))["date"].min() == date(2023, 4, 21)
    # Three contracts a product, on every session.
    counts = product_of(market.quotes).group_by("product", "date").len()
    assert counts["len"].unique().to_list() == [3]


def test_every_quoted_contract_has_a_basket_known_before_its_first_quote(market):
    quoted = market.quotes.group_by("code").agg(pl.col("known_at").min().alias("quoted_at"))
    assert set(market.deliverables["contract"]) == set(quoted["code"])
    for code, quoted_at in quoted.iter_rows():
        contract = Contract.parse(code)
        rules, basket = product(contract.product), market.basket(code)
        assert basket["known_at"].max() < quoted_at
        assert set(basket["known_at"]) == {rules.opens_at(rules.listing_day(contract))}
        month = np.datetime64(contract.delivery_month)
        given = (basket[c].to_numpy() for c in ("coupon", "frequency", "maturity"))
        assert (basket["factor"].to_numpy() == conversion_factor(*given, month)).all()
        months = (basket["maturity"].to_numpy().astype("datetime64[M]") - month.astype("datetime64[M]")).astype(int)
        shortest, longest = (12 * years for years in rules.deliverable_years)
        assert months.min() >= shortest
        assert months.max() <= longest
        assert basket.height >= 3


def test_bonds_are_named_by_term_and_issue(market):
    bond = market.bond("SIM.10Y.2016-05").row(0, named=True)
    assert (bond["maturity"], bond["frequency"]) == (date(2026, 5, 15), 2)
    assert bond["known_at"] == datetime(2016, 5, 15, 9, 30, tzinfo=UTC)
    assert market.bonds["coupon"].is_between(0, 0.2, closed="none").all()
    assert set(market.bonds["code"].str.extract(r"^SIM\.(\d+)Y")) == {"3", "5", "7", "10", "30"}


def test_consumer_prices_come_on_the_fifteenth_and_follow_nothing(market):
    cpi = market.release("CPI.YOY")
    assert cpi["released"].dt.day().unique().to_list() == [15]
    assert cpi["period"].dt.month_end().equals(cpi["period"])
    assert ((cpi["released"] - cpi["period"]).dt.total_days() == 15).all()
    assert cpi["period"].n_unique() == cpi.height
    assert cpi["known_at"][-1] == datetime(2025, 12, 15, 1, 30, tzinfo=UTC)
    assert (cpi["value"] * 10 - (cpi["value"] * 10).round()).abs().max() < 1e-9
    assert cpi["value"].is_between(-3, 7).all()
    planted_too = Simulated(("T",), seed=11, signal=0.4).read()
    assert_frame_equal(planted_too.macro, market.macro, check_exact=True)


def test_bars_are_consistent_and_nothing_is_missing(market):
    quotes = market.quotes
    assert quotes.null_count().sum_horizontal().item() == 0
    assert not any(quotes.select(pl.col(pl.Float64).is_nan().any()).row(0))
    wrong = quotes.filter(
        (pl.col("high") < pl.max_horizontal("open", "close", "settle"))
        | (pl.col("low") > pl.min_horizontal("open", "close", "settle"))
        | (pl.col("low") <= 50.0)
        | (pl.col("volume") < 0)
        | (pl.col("open_interest") < 0)
    )
    assert wrong.is_empty()


def test_prices_lie_on_the_tick_of_the_day(market):
    quotes = product_of(market.quotes)
    for (code, day), rows in quotes.group_by("product", "date"):
        tick = product(code).tick(day)
        prices = rows.select("open", "high", "low", "close", "settle").to_numpy()
        assert np.abs(prices / tick - np.round(prices / tick)).max() < 1e-6


def test_when_each_row_became_known(market):
    day = date(2020, 3, 13)  # a second Friday: the last day of T2003
    closes = dict(market.quotes.filter(pl.col("date") == day).select("code", "known_at").iter_rows())
    assert closes["T2006"] == datetime(2020, 3, 13, 7, 15, tzinfo=UTC)
    assert closes["T2003"] == datetime(2020, 3, 13, 3, 30, tzinfo=UTC)
    for table, hour, minute in ((market.curve, 9, 30), (market.rates, 3, 0)):
        known = table.select(pl.col("known_at") - pl.col("date").cast(pl.Datetime("us", "UTC"))).to_series()
        assert known.unique().to_list() == [timedelta(hours=hour, minutes=minute)]


def test_the_curve_and_the_rates_cover_every_session(market):
    sessions = trading_calendar("XSHG").sessions(date(2015, 3, 20), date(2025, 12, 31)).tolist()
    for tenor in TENORS:
        assert market.tenor("CGB", tenor)["date"].to_list() == sessions
    for name in ("REPO.ON", "REPO.1W", "REPO.1M"):
        assert market.rate(name)["date"].to_list() == sessions
        assert market.rate(name)["rate"].is_between(-0.005, 0.12).all()
    assert market.curve["rate"].is_between(-0.01, 0.09).all()


def test_the_last_night_of_a_quarter_is_dear_and_the_week_before_knows_it(market):
    night = market.rate("REPO.ON").with_columns(quarter=pl.col("date").dt.truncate("1q"))
    whole = night.filter(pl.col("quarter").is_between(date(2015, 4, 1), date(2025, 7, 1)))
    spikes = whole.group_by("quarter").agg(jump=pl.col("rate").last() - pl.col("rate").median())
    assert (spikes["jump"] > 0.0).mean() > 0.95
    assert spikes["jump"].median() == pytest.approx(0.008, abs=0.0025)
    week = market.rate("REPO.1W")
    for quarter in (date(2016, 6, 30), date(2019, 9, 30), date(2022, 3, 31)):
        before = week.filter(pl.col("date").is_between(quarter - timedelta(days=6), quarter))["rate"].max()
        usual = week.filter(pl.col("date").is_between(quarter - timedelta(days=40), quarter - timedelta(days=12)))[
            "rate"
        ].median()
        assert before > usual + 0.0005


def test_trade_moves_on_before_the_delivery_month(market):
    rules, held = product("T"), market.quotes
    near, far = Contract("T", 2020, 6), Contract("T", 2020, 9)
    end = rules.flat_by(near)

    def held_on(contract, day):
        day = trading_calendar("XSHG").preceding(day)
        return held.filter((pl.col("code") == contract.code) & (pl.col("date") == day))["open_interest"].item()

    assert held_on(near, end - timedelta(days=50)) > 3 * held_on(far, end - timedelta(days=50))
    assert held_on(far, end) > 3 * held_on(near, end)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"products": ("TX",)}, ["'TX'", "['TS', 'TF', 'T', 'TL']"]),
        ({"products": ()}, ["give one or more"]),
        ({"products": ("T", "T")}, ["each once"]),
        ({"first": date(2020, 1, 2), "last": date(2020, 1, 2)}, ["first day before the last"]),
        ({"products": ("TL",), "last": date(2022, 1, 4)}, ["TL was listed on 2023-04-21"]),
        ({"seed": -1}, ["seed -1"]),
        ({"signal": 1.0}, ["signal 1.0"]),
        ({"signal": -0.1}, ["signal -0.1"]),
        ({"seed": -1, "signal": 2.0}, ["seed -1", "signal 2.0"]),
    ],
)
def test_wrong_settings_are_all_named(settings, words):
    with pytest.raises(StudyError) as refused:
        Simulated(**settings)
    for word in words:
        assert word in str(refused.value)


def test_holidays_that_are_not_loaded_are_an_error():
    with pytest.raises(CalendarError, match="loaded"):
        Simulated(last=trading_calendar("XSHG").loaded[1]).read()


def test_the_score_uses_only_what_was_known(market):
    whole = planted(market, "TF", 0.3)
    for day in (date(2018, 2, 23), date(2019, 5, 30), date(2021, 11, 26)):
        then = planted(market.known_at(product("TF").closes_at(day)), "TF", 0.3)
        kept = whole.filter(pl.col("date") < day)
        assert_frame_equal(then.filter(pl.col("date") < day), kept, check_exact=True)


def test_a_score_of_an_unknown_product_says_what_there_is():
    with pytest.raises(MarketError, match="no quotes of 'TS'"):
        planted(SHORT.read(), "TS", 0.2)


def test_the_front_pair_of_each_row_is_the_one_of_the_next_session(market):
    rows = planted(market, "T", 0.0)
    assert rows["date"].is_unique().all()
    spread = dict(rows.select("date", "spread").iter_rows())
    # T2006 has to be given up by 2020-05-28, the last session but one before June.
    assert spread[date(2020, 5, 27)] == "T2006-T2009"
    assert spread[date(2020, 5, 28)] == "T2009-T2012"
    close = {(code, day): value for code, day, value in market.quotes.select("code", "date", "close").iter_rows()}
    later = close["T2009", date(2020, 5, 29)] - close["T2012", date(2020, 5, 29)]
    sooner = close["T2009", date(2020, 5, 28)] - close["T2012", date(2020, 5, 28)]
    found = rows.filter(pl.col("date") == date(2020, 5, 28))["next_change"].item()
    assert found == pytest.approx(later - sooner, abs=1e-9)


def test_the_signal_changes_nothing_before_it_can_act():
    quiet = Simulated(("T",), SHORT.first, SHORT.last, seed=4).read().quotes
    loud = Simulated(("T",), SHORT.first, SHORT.last, seed=4, signal=0.9).read().quotes
    first = quiet["date"].unique().sort()
    for day, same in ((first[3], True), (first[4], False)):
        before = [frame.filter(pl.col("date") == day).sort("code")["close"].to_list() for frame in (quiet, loud)]
        assert (before[0] == before[1]) is same
