"""The point-in-time market: what it refuses, what was known when, and when two are the same data."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.market.market import (
    ACTIONS,
    ADJUSTMENTS,
    BONDS,
    CURVE,
    DELIVERABLES,
    INSTRUMENTS,
    KEYS,
    MACRO,
    MEMBERS,
    OPTIONAL,
    QUOTES,
    RATES,
    SCHEMAS,
    Market,
)

NOON = datetime(2019, 3, 1, 4, 0, tzinfo=UTC)


def quote(day: date, code: str, close: float | None, known_at: datetime) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close", "settle"), close)
    return {"date": day, "code": code, **prices, "volume": 10.0, "open_interest": 20.0, "known_at": known_at}


def table(rows: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def small() -> Market:
    """Two sessions of two contracts, a curve after 17:30 and a fixing at 11:00, Shanghai time, in UTC.

    The basket of T1906 was listed in September, with a bond that was announced only on 2019-03-02; consumer prices of
    February came on 2019-03-09.
    """
    first, second = date(2019, 3, 1), date(2019, 3, 4)
    quotes = [
        quote(day, code, close, datetime(day.year, day.month, day.day, 7, 15, tzinfo=UTC))
        for day, code, close in [
            (second, "T1906", 97.5),
            (first, "T1906", 97.25),
            (second, "T1903", 97.75),
            (first, "T1903", None),
        ]
    ]
    curve = [
        {
            "date": first,
            "curve": "cgb",
            "tenor": tenor,
            "rate": rate,
            "known_at": datetime(2019, 3, 1, 9, 30, tzinfo=UTC),
        }
        for tenor, rate in [(10.0, 0.0318), (5.0, 0.0305)]
    ]
    rates = [
        {
            "date": first,
            "name": "shibor_on",
            "rate": 0.0254,
            "known_at": datetime(2019, 3, 1, 3, 0, tzinfo=UTC),
        }
    ]
    listed, later = datetime(2018, 9, 17, 1, 30, tzinfo=UTC), datetime(2019, 3, 2, 9, 30, tzinfo=UTC)
    bonds = [
        bond("180027", 0.0325, 2, date(2028, 11, 22), listed),
        bond("190006", 0.0329, 2, date(2029, 5, 23), later),
    ]
    deliverables = [deliverable("T1906", "190006", 1.0245, listed), deliverable("T1906", "180027", 1.0204, listed)]
    stock = {
        "code": "AAPL",
        "name": "Apple",
        "kind": "stock",
        "exchange": "XNYS",
        "currency": "USD",
        "sector": "Technology",
        "known_at": listed,
    }
    dividend = {"date": first, "code": "AAPL", "action": "dividend", "value": 0.73, "known_at": listed}
    member = {"date": first, "universe": "SPX", "code": "AAPL", "member": True, "known_at": listed}
    macro = [
        release("CPI.YOY", date(2019, 2, 28), date(2019, 3, 9), 1.5),
        release("CPI.YOY", date(2019, 1, 31), date(2019, 2, 15), 1.7),
    ]
    return Market(
        "by hand",
        False,
        table(quotes, QUOTES),
        table(curve, CURVE),
        table(rates, RATES),
        ("made for a test",),
        bonds=table(bonds, BONDS),
        deliverables=table(deliverables, DELIVERABLES),
        macro=table(macro, MACRO),
        instruments=table([stock], INSTRUMENTS),
        adjustments=table([{"date": first, "code": "AAPL", "factor": 1.0, "known_at": listed}], ADJUSTMENTS),
        actions=table([dividend], ACTIONS),
        members=table([member], MEMBERS),
    )


def bond(code: str, coupon: float, frequency: int, maturity: date, known_at: datetime) -> dict[str, Any]:
    return {"code": code, "coupon": coupon, "frequency": frequency, "maturity": maturity, "known_at": known_at}


def deliverable(contract: str, code: str, factor: float, known_at: datetime) -> dict[str, Any]:
    return {"contract": contract, "bond": code, "factor": factor, "known_at": known_at}


def release(name: str, period: date, released: date, value: float) -> dict[str, Any]:
    known_at = datetime(released.year, released.month, released.day, 1, 30, tzinfo=UTC)
    return {"name": name, "period": period, "released": released, "value": value, "known_at": known_at}


def test_tables_are_kept_sorted_by_their_keys() -> None:
    market = small()
    assert market.quotes.select("code", "date").rows() == [
        ("T1903", date(2019, 3, 1)),
        ("T1903", date(2019, 3, 4)),
        ("T1906", date(2019, 3, 1)),
        ("T1906", date(2019, 3, 4)),
    ]
    assert market.curve["tenor"].to_list() == [5.0, 10.0]
    assert market.codes() == ("T1903", "T1906")
    assert market.rate_names() == tuple(sorted(set(market.rates["name"])))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_table_with_another_schema_is_refused(name: str) -> None:
    held: pl.DataFrame = getattr(small(), name)
    for wrong in (
        held.drop("known_at"),
        held.with_columns(pl.lit(1.0).alias("extra")),
        held.with_columns(pl.col(pl.String).cast(pl.Binary))
        if name == "instruments"
        else held.with_columns(pl.col(pl.Date, pl.Float64).cast(pl.String)),
        held.with_columns(pl.col("known_at").dt.convert_time_zone("Asia/Shanghai")),
        held.select(reversed(held.columns)),
    ):
        with pytest.raises(MarketError, match=f"table '{name}' has schema .* it must be "):
            replace(small(), **{name: wrong})


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_row_that_nobody_can_date_is_refused(name: str) -> None:
    held: pl.DataFrame = getattr(small(), name)
    undated = held.with_columns(pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("known_at"))
    with pytest.raises(MarketError, match=f"table '{name}' has rows without known_at"):
        replace(small(), **{name: undated})


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_repeated_key_is_refused_even_where_the_values_differ(name: str) -> None:
    held: pl.DataFrame = getattr(small(), name)
    later = held.head(1).with_columns(pl.col("known_at") + timedelta(days=1))
    with pytest.raises(MarketError, match=f"table '{name}' repeats a key"):
        replace(small(), **{name: pl.concat([held, later])})


@pytest.mark.parametrize(
    ("moment", "quotes", "curve", "rates"),
    [
        (datetime(2019, 3, 1, 2, 59, 59, 999_999, tzinfo=UTC), 0, 0, 0),
        (datetime(2019, 3, 1, 3, 0, tzinfo=UTC), 0, 0, 1),  # the fixing of 11:00
        (datetime(2019, 3, 1, 7, 14, 59, tzinfo=UTC), 0, 0, 1),
        (datetime(2019, 3, 1, 7, 15, tzinfo=UTC), 2, 0, 1),  # the close of 15:15, without the curve
        (datetime(2019, 3, 1, 9, 30, tzinfo=UTC), 2, 2, 1),
        (datetime(2019, 3, 4, 7, 15, tzinfo=UTC), 4, 2, 1),
        # The same moments on the clock of Shanghai.
        (datetime(2019, 3, 1, 11, 0, tzinfo=timezone(timedelta(hours=8))), 0, 0, 1),
        (datetime(2019, 3, 1, 15, 15, tzinfo=timezone(timedelta(hours=8))), 2, 0, 1),
    ],
)
def test_known_at_keeps_what_was_known_then(moment: datetime, quotes: int, curve: int, rates: int) -> None:
    known = small().known_at(moment)
    assert (known.quotes.height, known.curve.height, known.rates.height) == (quotes, curve, rates)
    assert (known.name, known.simulated, known.notes) == ("by hand", False, ("made for a test",))


def test_known_at_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(MarketError, match="has no time zone; give an aware datetime"):
        small().known_at(datetime(2019, 3, 1, 15, 15))


def test_series_by_name() -> None:
    market = small()
    assert market.quotes_of("T1906").select("date", "close").rows() == [
        (date(2019, 3, 1), 97.25),
        (date(2019, 3, 4), 97.5),
    ]
    assert market.quotes_of("T1903")["close"].to_list() == [None, 97.75]
    assert market.rate("shibor_on")["rate"].to_list() == [0.0254]
    assert market.tenor("cgb", 10.0)["rate"].to_list() == [0.0318]


def test_names_that_the_market_does_not_hold_are_refused_with_those_that_it_does() -> None:
    market = small()
    with pytest.raises(MarketError, match=r"no quotes of 'T1960' in 'by hand'; did you mean 'T190[36]'\?"):
        market.quotes_of("T1960")
    with pytest.raises(MarketError, match=r"no rate 'libor' in 'by hand'; it has \['shibor_on'\]"):
        market.rate("libor")
    with pytest.raises(MarketError, match=r"no point 7 y on curve 'cgb'; it has \[5.0, 10.0\]"):
        market.tenor("cgb", 7.0)
    with pytest.raises(MarketError, match=r"no point 10 y on curve 'ust'.*the curves are \['cgb'\]"):
        market.tenor("ust", 10.0)
    with pytest.raises(MarketError, match="no quotes of 'T1906'"):
        market.known_at(NOON).quotes_of("T1906")


def test_the_terms_of_a_bond_are_one_row() -> None:
    assert small().bond("180027").rows() == [
        ("180027", 0.0325, 2, date(2028, 11, 22), datetime(2018, 9, 17, 1, 30, tzinfo=UTC))
    ]
    with pytest.raises(
        MarketError, match=r"no terms of bond '180028' in 'by hand', which has those of 2; did you mean"
    ):
        small().bond("180028")


def test_a_basket_joins_factors_with_terms_and_is_known_when_the_later_of_the_two_is() -> None:
    listed, later = datetime(2018, 9, 17, 1, 30, tzinfo=UTC), datetime(2019, 3, 2, 9, 30, tzinfo=UTC)
    basket = small().basket("T1906")
    assert basket.columns == ["bond", "coupon", "frequency", "maturity", "factor", "known_at"]
    assert basket.rows() == [
        ("180027", 0.0325, 2, date(2028, 11, 22), 1.0204, listed),
        ("190006", 0.0329, 2, date(2029, 5, 23), 1.0245, later),
    ]


@pytest.mark.parametrize("day", [1, 2, 3])
def test_the_basket_that_was_known_is_a_part_of_the_basket(day: int) -> None:
    moment = datetime(2019, 3, day, 9, 30, tzinfo=UTC)
    known = small().known_at(moment).basket("T1906")
    assert known.equals(small().basket("T1906").filter(pl.col("known_at") <= moment))
    assert known.height == (1 if day == 1 else 2)


def test_a_basket_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(MarketError, match=r"no basket of 'T1909' in 'by hand'; it has those of \['T1906'\]"):
        small().basket("T1909")
    with pytest.raises(MarketError, match=r"no basket of 'T1906' in 'by hand'; it has those of \[\]"):
        small().known_at(datetime(2018, 1, 1, tzinfo=UTC)).basket("T1906")


def test_a_deliverable_bond_without_terms_is_refused() -> None:
    market = small()
    with pytest.raises(MarketError, match=r"1 deliverable bonds have no terms, '190006' among them; give each a row"):
        replace(market, bonds=market.bonds.head(1))


def test_a_publication_is_known_on_its_release_and_not_at_the_end_of_its_month() -> None:
    market = small()
    assert market.release("CPI.YOY").select("period", "value").rows() == [
        (date(2019, 1, 31), 1.7),
        (date(2019, 2, 28), 1.5),
    ]
    assert market.known_at(NOON).release("CPI.YOY")["value"].to_list() == [1.7]
    with pytest.raises(MarketError, match=r"no publication 'PPI.YOY' in 'by hand'; it has \['CPI.YOY'\]"):
        market.release("PPI.YOY")


def test_a_market_without_the_optional_tables_has_the_fingerprint_that_it_always_had() -> None:
    market = small()
    bare = Market(market.name, market.simulated, market.quotes, market.curve, market.rates)
    assert all(getattr(bare, name).is_empty() and getattr(bare, name).schema == SCHEMAS[name] for name in OPTIONAL)
    digest = hashlib.sha256()
    for name in ("quotes", "curve", "rates"):
        digest.update(name.encode())
        digest.update(getattr(bare, name).write_csv(float_precision=None).encode())
    assert bare.fingerprint() == digest.hexdigest()
    for name in ("bonds", "macro"):
        assert replace(bare, **{name: getattr(market, name)}).fingerprint() != bare.fingerprint()


def test_a_fingerprint_is_of_the_observations_alone() -> None:
    market = small()
    assert len(market.fingerprint()) == 64
    shuffled = replace(market, quotes=market.quotes.sample(fraction=1.0, shuffle=True, seed=7))
    renamed = replace(market, name="another", notes=())
    assert market.fingerprint() == shuffled.fingerprint() == renamed.fingerprint()


CHANGES: Mapping[str, tuple[str, pl.Expr]] = {
    "the last bit of a price": ("quotes", pl.col("close") + math.ulp(97.5)),
    "a price that is missing": (
        "quotes",
        pl.when(pl.col("close") > 97.6).then(None).otherwise(pl.col("close")).alias("close"),
    ),
    "a price that is no number": (
        "quotes",
        pl.when(pl.col("close").is_null()).then(math.nan).otherwise(pl.col("close")).alias("close"),
    ),
    "a microsecond of publication": ("rates", pl.col("known_at") + timedelta(microseconds=1)),
    "a name": ("curve", pl.lit("ust").alias("curve")),
    "a rate's last bit": ("curve", pl.col("rate") + math.ulp(0.03)),
    "a coupon": ("bonds", pl.col("coupon") + math.ulp(0.0329)),
    "a factor": ("deliverables", pl.col("factor") + math.ulp(1.0)),
    "a revision": ("macro", pl.col("value") + 0.1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_fingerprint_changes_with(change: str) -> None:
    market = small()
    name, expression = CHANGES[change]
    changed: pl.DataFrame = getattr(market, name).with_columns(expression)
    assert not changed.equals(getattr(market, name))
    assert replace(market, **{name: changed}).fingerprint() != market.fingerprint()


MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2019, 1, 31), timezones=st.just(UTC))


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Small markets whose rows became known in any order, also before or long after their date."""
    days = st.dates(date(2019, 1, 1), date(2019, 1, 28))
    numbers = st.one_of(st.none(), st.floats(0.01, 200.0))
    quotes = draw(
        st.lists(
            st.builds(quote, days, st.sampled_from(["T1903", "T1906", "TF1903"]), numbers, MOMENTS),
            unique_by=lambda row: (row["code"], row["date"]),
            max_size=8,
        )
    )
    curve = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "date": days,
                    "curve": st.sampled_from(["cgb", "cdb"]),
                    "tenor": st.sampled_from([1.0, 10.0]),
                    "rate": numbers,
                    "known_at": MOMENTS,
                }
            ),
            unique_by=lambda row: (row["curve"], row["tenor"], row["date"]),
            max_size=6,
        )
    )
    rates = draw(
        st.lists(
            st.fixed_dictionaries(
                {"date": days, "name": st.sampled_from(["on", "1w"]), "rate": numbers, "known_at": MOMENTS}
            ),
            unique_by=lambda row: (row["name"], row["date"]),
            max_size=6,
        )
    )
    codes = draw(st.lists(st.sampled_from(["a", "b", "c"]), unique=True))
    bonds = [bond(code, 0.03, 2, date(2030, 1, 1), draw(MOMENTS)) for code in codes]
    contracts = st.sampled_from(["T1903", "T1906"])
    delivered = draw(st.sets(st.tuples(contracts, st.sampled_from(codes)))) if codes else ()
    deliverables = [deliverable(contract, code, 1.0, draw(MOMENTS)) for contract, code in sorted(delivered)]
    periods = draw(st.sets(st.sampled_from([date(2018, 11, 30), date(2018, 12, 31)])))
    macro = [release("CPI.YOY", day, draw(st.dates(date(2019, 1, 1), date(2019, 1, 30))), 2.0) for day in periods]
    return Market(
        "drawn",
        True,
        table(quotes, QUOTES),
        table(curve, CURVE),
        table(rates, RATES),
        bonds=table(bonds, BONDS),
        deliverables=table(deliverables, DELIVERABLES),
        macro=table(macro, MACRO),
    )


@given(markets(), MOMENTS, MOMENTS)
def test_what_was_known_earlier_is_a_part_of_what_was_known_later(
    market: Market, one: datetime, other: datetime
) -> None:
    earlier, later = min(one, other), max(one, other)
    assert (
        market.known_at(later).known_at(earlier).fingerprint()
        == market.known_at(earlier).known_at(later).fingerprint()
        == market.known_at(earlier).fingerprint()
    )
    for name, keys in KEYS.items():
        whole, known = getattr(market, name), getattr(market.known_at(earlier), name)
        # Exactly the rows of the whole that were out by then: none changed, none added, none left out.
        expected = [row for row in whole.iter_rows(named=True) if row["known_at"] <= earlier]
        if name == "deliverables":  # which need the terms of their bond
            terms = {code for code, known_at in market.bonds.select("code", "known_at").rows() if known_at <= earlier}
            expected = [row for row in expected if row["bond"] in terms]
        assert known.rows(named=True) == expected
        assert known.select(keys).equals(known.select(keys).sort(keys))


@given(markets())
def test_all_is_known_once_the_last_row_is_out(market: Market) -> None:
    end = datetime(2019, 2, 1, tzinfo=UTC)
    assert market.known_at(end).fingerprint() == market.fingerprint()
    nothing = market.known_at(datetime(2018, 12, 31, tzinfo=UTC))
    assert nothing.codes() == ()
    assert all(getattr(nothing, name).is_empty() for name in SCHEMAS)
