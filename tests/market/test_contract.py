"""Contract dates and dated rules against explicit tables, and the order of fronts as properties."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import CalendarError, MarketError
from tenor.market.calendar import trading_calendar
from tenor.market.contract import CalendarSpread, Contract, PairSpan, front_pairs, product, products

CFFEX = ("T", "TF", "TL", "TS")
CBOT = ("US2", "US20", "US5")
T = product("T")

CONTRACTS = st.builds(
    Contract,
    st.from_regex(r"[A-Z]{1,3}[0-9]{0,2}", fullmatch=True),
    st.integers(1970, 2069),
    st.integers(1, 12),
)


def contract(code: str) -> Contract:
    return Contract.parse(code)


# Codes


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("T2503", ("T", 2025, 3)),
        ("TF1312", ("TF", 2013, 12)),
        ("US50003", ("US5", 2000, 3)),
        ("US207712", ("US20", 1977, 12)),
        ("T6912", ("T", 2069, 12)),
        ("T7001", ("T", 1970, 1)),
    ],
)
def test_codes(code: str, parts: tuple[str, int, int]) -> None:
    assert contract(code) == Contract(*parts)
    assert Contract(*parts).code == code


@given(CONTRACTS)
def test_a_code_is_read_back_as_it_was_written(given_contract: Contract) -> None:
    assert Contract.parse(given_contract.code) == given_contract


@given(CONTRACTS, st.integers(-40, 40))
def test_contracts_of_a_product_sort_by_delivery_month(near: Contract, n: int) -> None:
    year = near.year + (near.month - 1 + 3 * n) // 12
    if not 1970 <= year <= 2069:
        with pytest.raises(MarketError, match="codes hold 1970 to 2069"):
            near.quarters_on(n)
        return
    other = near.quarters_on(n)
    assert (near < other) == (n > 0) == (near.delivery_month < other.delivery_month)
    assert other.quarters_on(-n) == near


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("T25", "a code is a product and yymm"),
        ("2503", "a code is a product and yymm"),
        ("T25O3", "a code is a product and yymm"),
        ("T²503", "a code is a product and yymm"),
        ("T2500", "month 0 of a T contract; months are 1 to 12"),
        ("T2513", "month 13"),
        ("t2503", "product 't'; a product is capital letters"),
        ("T-2503", "product 'T-'"),
    ],
)
def test_a_code_that_is_none_is_refused(code: str, message: str) -> None:
    with pytest.raises(MarketError, match=message):
        contract(code)


def test_a_spread_has_a_code_and_is_read_back() -> None:
    spread = CalendarSpread(contract("T2503"), contract("T2506"))
    assert spread.code == "T2503-T2506"
    assert CalendarSpread.parse("T2503-T2506") == spread
    assert spread < CalendarSpread.parse("T2506-T2509")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("T2503-TF2506", "the legs of a calendar spread are of one product"),
        ("T2506-T2503", "the far leg must deliver after the near one"),
        ("T2506-T2506", "the far leg must deliver after the near one"),
        ("T2506", "a code is near-far"),
        ("T2503-T2506-T2509", "a code is near-far"),
    ],
)
def test_a_spread_that_is_none_is_refused(code: str, message: str) -> None:
    with pytest.raises(MarketError, match=message):
        CalendarSpread.parse(code)


# Dates of a contract


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("TF1312", date(2013, 12, 13)),
        ("T1509", date(2015, 9, 11)),
        ("T1606", date(2016, 6, 13)),  # Friday the 10th is the Dragon Boat bridge day
        ("T1903", date(2019, 3, 8)),  # 1 March is a Friday
        ("T1909", date(2019, 9, 16)),  # Friday the 13th is Mid-Autumn
        ("T2112", date(2021, 12, 10)),
        ("TS1812", date(2018, 12, 14)),
        ("TL2306", date(2023, 6, 9)),
        ("T2512", date(2025, 12, 12)),
        ("T2603", date(2026, 3, 13)),
        ("T2606", date(2026, 6, 12)),
        ("T2609", date(2026, 9, 11)),
        # ZT and ZF end with the month, ZB seven sessions before it does.
        ("US21906", date(2019, 6, 28)),
        ("US51903", date(2019, 3, 29)),
        ("US201903", date(2019, 3, 20)),
        ("US201906", date(2019, 6, 19)),
        ("US202406", date(2024, 6, 18)),  # 19 June is a holiday since 2022
    ],
)
def test_last_trading_day(code: str, day: date) -> None:
    assert product(contract(code).product).last_trading_day(contract(code)) == day


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("T1903", date(2019, 3, 12)),
        ("T1909", date(2019, 9, 18)),
        ("T2512", date(2025, 12, 16)),
        ("T2603", date(2026, 3, 17)),
        ("T2606", date(2026, 6, 16)),
        ("T2609", date(2026, 9, 15)),
        ("US51503", date(2015, 4, 6)),
        ("US201903", date(2019, 3, 29)),
    ],
)
def test_second_delivery_day(code: str, day: date) -> None:
    assert product(contract(code).product).second_delivery_day(contract(code)) == day


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("T1509", date(2015, 8, 28)),
        ("T1906", date(2019, 5, 30)),  # zero lots from Friday the 31st
        ("T1909", date(2019, 8, 29)),
        ("T2603", date(2026, 2, 26)),
        ("T2606", date(2026, 5, 28)),
        ("US51906", date(2019, 5, 30)),  # first notice on the 31st
        ("US52009", date(2020, 8, 28)),  # first notice on Monday the 31st
    ],
)
def test_flat_by(code: str, day: date) -> None:
    assert product(contract(code).product).flat_by(contract(code)) == day


@pytest.mark.parametrize(
    ("code", "listed", "first_three", "fourth", "fourth_listed"),
    [
        ("TS", date(2018, 8, 17), ["TS1812", "TS1903", "TS1906"], "TS1909", date(2018, 12, 17)),
        ("TF", date(2013, 9, 6), ["TF1312", "TF1403", "TF1406"], "TF1409", date(2013, 12, 16)),
        ("T", date(2015, 3, 20), ["T1509", "T1512", "T1603"], "T1606", date(2015, 9, 14)),
        ("TL", date(2023, 4, 21), ["TL2306", "TL2309", "TL2312"], "TL2403", date(2023, 6, 12)),
    ],
)
def test_listing_days(code: str, listed: date, first_three: list[str], fourth: str, fourth_listed: date) -> None:
    rules = product(code)
    assert rules.listed == listed
    assert [each.code for each in rules.contracts(listed, listed)] == first_three
    assert {rules.listing_day(contract(each)) for each in first_three} == {listed}
    assert rules.listing_day(contract(fourth)) == fourth_listed


@pytest.mark.parametrize(
    ("first", "last", "codes"),
    [
        (date(2019, 3, 8), date(2019, 3, 8), "T1903 T1906 T1909"),
        (date(2019, 3, 11), date(2019, 3, 11), "T1906 T1909 T1912"),
        (date(2019, 3, 8), date(2019, 3, 11), "T1903 T1906 T1909 T1912"),
        (date(2019, 3, 9), date(2019, 3, 10), ""),
        (date(2015, 3, 19), date(2015, 3, 19), ""),
        (date(2015, 1, 1), date(2015, 9, 14), "T1509 T1512 T1603 T1606"),
        # The last trading days of 2027 are not known at the time of writing, and need not be.
        (date(2026, 12, 1), date(2026, 12, 31), "T2612 T2703 T2706 T2709"),
    ],
)
def test_contracts_that_trade(first: date, last: date, codes: str) -> None:
    assert [each.code for each in T.contracts(first, last)] == codes.split()


@given(st.dates(date(2015, 3, 20), date(2026, 12, 11)))
def test_three_contracts_are_quoted_on_every_session(day: date) -> None:
    session = trading_calendar("XSHG").preceding(day)
    quoted = T.contracts(session, session)
    assert len(quoted) == 3
    assert [quoted[0].quarters_on(n) for n in range(3)] == list(quoted)
    assert T.last_trading_day(quoted[0]) >= session


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("TF1906", r"TF1906 is not a contract of T; ask product\('TF'\)"),
        ("T1905", "T delivers in months"),
        ("T1506", "T1506 is before the first contract of T, T1509"),
    ],
)
def test_a_contract_that_the_product_does_not_have_is_refused(code: str, message: str) -> None:
    for ask in (T.last_trading_day, T.second_delivery_day, T.flat_by, T.listing_day):
        with pytest.raises(MarketError, match=message):
            ask(contract(code))
    with pytest.raises(MarketError, match=message):
        T.closes_at(date(2019, 1, 2), contract(code))


def test_dates_beyond_the_loaded_holidays_are_refused() -> None:
    for ask in (T.last_trading_day, T.second_delivery_day, T.flat_by):
        with pytest.raises(CalendarError, match="XSHG is known from 1991-01-01 to"):
            ask(contract("T6003"))


# The front pair


def test_front_pairs_of_2019() -> None:
    table = [
        ("T1903-T1906", date(2018, 11, 30), date(2019, 2, 27), date(2019, 3, 8)),
        ("T1906-T1909", date(2019, 2, 28), date(2019, 5, 30), date(2019, 6, 14)),
        ("T1909-T1912", date(2019, 5, 31), date(2019, 8, 29), date(2019, 9, 16)),
        ("T1912-T2003", date(2019, 8, 30), date(2019, 11, 28), date(2019, 12, 13)),
        ("T2003-T2006", date(2019, 11, 29), date(2020, 2, 27), date(2020, 3, 13)),
    ]
    expected = tuple(PairSpan(CalendarSpread.parse(code), *days) for code, *days in table)
    assert front_pairs(T, date(2019, 1, 1), date(2019, 12, 31)) == expected
    assert front_pairs(T, date(2019, 2, 27), date(2019, 2, 27)) == expected[:1]
    assert front_pairs(T, date(2019, 2, 28), date(2019, 2, 28)) == expected[1:2]
    assert front_pairs(T, date(2019, 2, 27), date(2019, 2, 28)) == expected[:2]
    assert front_pairs(T, date(2019, 11, 29), date(2019, 12, 31)) == expected[4:]


def test_the_first_pair_starts_with_the_product() -> None:
    first = front_pairs(T, date(2015, 1, 5), date(2015, 3, 20))
    assert first == (
        PairSpan(CalendarSpread.parse("T1509-T1512"), date(2015, 3, 20), date(2015, 8, 28), date(2015, 9, 11)),
    )
    assert front_pairs(T, date(2014, 1, 2), date(2015, 3, 19)) == ()
    assert front_pairs(T, date(2019, 3, 9), date(2019, 3, 10)) == ()


def test_front_pairs_refuse_days_without_known_holidays() -> None:
    last = trading_calendar("XSHG").loaded[1]
    with pytest.raises(CalendarError, match="is known from"):
        front_pairs(T, date(2019, 1, 1), last + timedelta(days=1))
    # The pair in front at the end of the last known year is flat in a year that is not known.
    with pytest.raises(CalendarError, match="is known from"):
        front_pairs(T, last - timedelta(days=10), last)
    with pytest.raises(CalendarError, match="earlier date first"):
        front_pairs(T, date(2019, 1, 3), date(2019, 1, 2))


@pytest.mark.parametrize("code", products())
def test_spans_cover_every_session_once_and_both_legs_are_quoted(code: str) -> None:
    rules = product(code)
    calendar = trading_calendar(rules.calendar)
    spans = front_pairs(rules, rules.listed, date(2026, 6, 30))
    covered = np.concatenate([calendar.sessions(span.first, span.flat_by) for span in spans])
    np.testing.assert_array_equal(covered, calendar.sessions(rules.listed, spans[-1].flat_by))
    for span in spans:
        assert span.flat_by < span.spread.near.delivery_month <= span.last_trading_day
        assert span.spread.far == span.spread.near.quarters_on(1)
        assert rules.listing_day(span.spread.far) <= span.first
        assert len(calendar.sessions(span.flat_by, span.spread.near.delivery_month - timedelta(days=1))) == 2


@given(st.dates(date(2013, 1, 1), date(2026, 6, 30)), st.integers(0, 1500), st.sampled_from(CFFEX))
def test_a_pair_has_the_same_span_whatever_range_is_asked_for(first: date, days: int, code: str) -> None:
    rules = product(code)
    last = min(first + timedelta(days=days), date(2026, 6, 30))
    asked = trading_calendar("XSHG").sessions(first, last).astype(object).tolist()
    whole = front_pairs(rules, date(2013, 1, 1), date(2026, 6, 30))
    expected = [span for span in whole if any(span.first <= day <= span.flat_by for day in asked)]
    assert list(front_pairs(rules, first, last)) == expected


# Dated rules


@pytest.mark.parametrize(
    ("code", "on", "tick"),
    [
        ("T", date(2015, 3, 20), 0.005),
        ("TF", date(2013, 9, 6), 0.002),
        ("TF", date(2015, 3, 16), 0.002),
        ("TF", date(2015, 3, 17), 0.005),
        ("TS", date(2018, 8, 17), 0.005),
        ("TS", date(2023, 11, 6), 0.005),
        ("TS", date(2023, 11, 7), 0.002),
        ("TL", date(2023, 4, 21), 0.01),
        ("US2", date(2019, 1, 11), 1 / 128),
        ("US2", date(2019, 1, 14), 1 / 256),
        ("US5", date(2008, 2, 29), 1 / 64),
        ("US5", date(2008, 3, 3), 1 / 128),
        ("US20", date(2008, 2, 29), 1 / 32),
        ("US20", date(2008, 3, 3), 1 / 64),
        ("US20", date(2009, 8, 28), 1 / 64),
        ("US20", date(2009, 8, 31), 1 / 32),
    ],
)
def test_tick(code: str, on: date, tick: float) -> None:
    assert product(code).tick(on) == tick


@pytest.mark.parametrize(
    ("code", "on", "margin", "fee"),
    [
        ("TS", date(2020, 1, 2), 0.005, 3.0),
        ("TF", date(2015, 3, 13), 0.02, 3.0),
        ("TF", date(2015, 3, 16), 0.012, 3.0),
        ("T", date(2015, 3, 20), 0.02, 3.0),
        ("TL", date(2024, 1, 2), 0.035, 3.0),
    ],
)
def test_margin_and_fee(code: str, on: date, margin: float, fee: float) -> None:
    assert product(code).margin(on) == margin
    assert product(code).fee(on) == fee


@pytest.mark.parametrize(
    ("code", "multiplier", "face", "coupon", "deliverable_years"),
    [
        ("TS", 20_000.0, 2_000_000.0, 0.03, (1.5, 2.25)),
        ("TF", 10_000.0, 1_000_000.0, 0.03, (4.0, 5.25)),
        ("T", 10_000.0, 1_000_000.0, 0.03, (6.5, 10.0)),
        ("TL", 10_000.0, 1_000_000.0, 0.03, (25.0, 30.0)),
        ("US2", 2_000.0, 200_000.0, 0.06, (1.75, 2.0)),
        ("US5", 1_000.0, 100_000.0, 0.06, (4.1667, 5.25)),
        ("US20", 1_000.0, 100_000.0, 0.06, (15.0, 25.0)),
    ],
)
def test_terms(
    code: str, multiplier: float, face: float, coupon: float, deliverable_years: tuple[float, float]
) -> None:
    rules = product(code)
    assert (rules.multiplier, rules.face, rules.coupon) == (multiplier, face, coupon)
    assert rules.deliverable_years == deliverable_years


@pytest.mark.parametrize(
    ("codes", "session", "opens", "closes"),
    [
        ("T TF TS", date(2020, 7, 17), (1, 15), (7, 15)),
        ("T TF TS TL", date(2023, 4, 21), (1, 30), (7, 15)),
        ("T TF TS", date(2020, 7, 20), (1, 30), (7, 15)),
        ("US5", date(2019, 1, 2), (13, 20), (23, 0)),  # Chicago in winter: UTC-6
        ("US5", date(2019, 7, 1), (12, 20), (22, 0)),  # in summer: UTC-5
    ],
)
def test_opens_and_closes_in_utc(codes: str, session: date, opens: tuple[int, int], closes: tuple[int, int]) -> None:
    day = (session.year, session.month, session.day)
    for rules in map(product, codes.split()):
        assert rules.opens_at(session) == datetime(*day, *opens, tzinfo=UTC)
        assert rules.closes_at(session) == datetime(*day, *closes, tzinfo=UTC)
        assert rules.closes_at(session).utcoffset() == timedelta(0)


def test_an_expiring_contract_closes_before_noon() -> None:
    last_day = date(2019, 9, 16)
    assert T.closes_at(last_day, contract("T1909")) == datetime(2019, 9, 16, 3, 30, tzinfo=UTC)
    assert T.closes_at(last_day, contract("T1912")) == datetime(2019, 9, 16, 7, 15, tzinfo=UTC)
    assert T.closes_at(date(2019, 9, 12), contract("T1909")) == datetime(2019, 9, 12, 7, 15, tzinfo=UTC)
    # Quoted in a year whose holidays are known, expiring in one whose holidays need not be.
    assert T.closes_at(date(2026, 12, 31), contract("T2703")) == datetime(2026, 12, 31, 7, 15, tzinfo=UTC)


def test_a_day_that_is_no_session_neither_opens_nor_closes() -> None:
    for ask in (T.opens_at, T.closes_at):
        with pytest.raises(CalendarError, match="2019-09-13 is no session of T"):
            ask(date(2019, 9, 13))


def test_nothing_is_known_before_the_first_rule() -> None:
    before = date(2015, 3, 19)
    for ask in (T.tick, T.margin, T.fee, T.opens_at, T.closes_at):
        with pytest.raises(MarketError, match="of T is known on 2015-03-19; the first rule starts on 2015-03-20"):
            ask(before)


# Products


def test_products_are_listed_and_each_is_read_once() -> None:
    assert products() == (*CFFEX, *CBOT)
    assert product("T") is T
    assert {product(code).calendar for code in CFFEX} == {"XSHG"}
    assert {product(code).calendar for code in CBOT} == {"XNYS"}


@pytest.mark.parametrize("code", products())
def test_every_rule_starts_with_the_product_and_names_its_source(code: str) -> None:
    rules = product(code)
    assert rules.code == code
    assert hash(rules) == hash(replace(rules))
    for dated in (rules.ticks, rules.margins, rules.fees, rules.hours):
        assert dated[0].start == rules.listed
        assert all(len(rule.source) > 10 for rule in dated)
    fields = {name for name, _ in rules.sources}
    assert fields >= {"face", "deliverable_years", "listed", "last_trading_rule", "flat_by_sessions"}
    assert rules.multiplier == rules.face / 100.0


def test_an_unknown_product_is_refused_with_the_list() -> None:
    with pytest.raises(MarketError, match=r"no product 'US50'.*'T', 'TF', 'TL', 'TS', 'US2', 'US20', 'US5'"):
        product("US50")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_trading_rule": "third friday"}, "last trading rule 'third friday'; allowed are"),
        ({"ticks": ()}, "the rules of tick must be one or more"),
        ({"fees": T.fees * 2}, "the rules of fee must be one or more, of ascending start"),
        ({"hours": T.hours[::-1]}, "the rules of hours must be one or more, of ascending start"),
    ],
)
def test_a_rule_book_that_contradicts_itself_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(MarketError, match=message):
        replace(T, **change)


# Against the development data


@pytest.mark.real
def test_near_and_far_contract_of_ten_year_futures(real_data: Path) -> None:
    """In the file the near contract is the nearest one quoted, up to and with its last trading day."""
    file = real_data / "cgb_futures" / "T_near_far_spread_2015_2020.csv"
    rows = pl.read_csv(file, try_parse_dates=True)
    assert rows.height > 1_200
    for day, near, far in rows.select("date", "near_contract", "far_contract").iter_rows():
        quoted = [each.code for each in T.contracts(day, day)]
        assert quoted[:2] == [near, far], day
    # Its column of last trading days is the second Friday as such; on two holidays the exchange moved it on.
    stated = rows.select("near_contract", "near_last_trading_day").unique()
    differing = {
        code: (day, T.last_trading_day(contract(code)))
        for code, day in stated.iter_rows()
        if T.last_trading_day(contract(code)) != day
    }
    assert differing == {
        "T1606": (date(2016, 6, 10), date(2016, 6, 13)),
        "T1909": (date(2019, 9, 13), date(2019, 9, 16)),
    }


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("TS_main_sina_2018_2025.csv", "TS"),
        ("TF_main_xquant_2013_2017.csv", "TF"),
        ("TF_main_sina_2015_2025.csv", "TF"),
        ("T_main_sina_2015_2025.csv", "T"),
        ("TL_main_sina_2023_2025.csv", "TL"),
    ],
)
def test_every_price_is_on_the_tick_and_no_tick_is_finer_than_needed(real_data: Path, file: str, code: str) -> None:
    rules = product(code)
    rows = pl.read_csv(real_data / "cgb_futures" / file, try_parse_dates=True)
    ends = [*(rule.start for rule in rules.ticks[1:]), date.max]
    for rule, end in zip(rules.ticks, ends, strict=True):
        inside = rows.filter(pl.col("date").is_between(rule.start, end, closed="left"))
        prices = inside.select("open", "high", "low", "close").to_numpy().ravel()
        assert len(prices) > 0
        thousandths = np.round(prices * 1000.0).astype(np.int64)
        assert int(np.gcd.reduce(thousandths)) == round(rule.value * 1000.0)
