"""The point-in-time market: what it refuses, what was known when, and when two are the same data."""

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
from tenor.market.market import CURVE, KEYS, QUOTES, RATES, SCHEMAS, Market

NOON = datetime(2019, 3, 1, 4, 0, tzinfo=UTC)


def quote(day: date, code: str, close: float | None, known_at: datetime) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close", "settle"), close)
    return {"date": day, "code": code, **prices, "volume": 10.0, "open_interest": 20.0, "known_at": known_at}


def table(rows: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def small() -> Market:
    """Two sessions of two contracts, a curve after 17:30 and a fixing at 11:00, Shanghai time, in UTC."""
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
    return Market(
        "by hand",
        False,
        table(quotes, QUOTES),
        table(curve, CURVE),
        table(rates, RATES),
        ("made for a test",),
    )


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


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_table_with_another_schema_is_refused(name: str) -> None:
    held: pl.DataFrame = getattr(small(), name)
    for wrong in (
        held.drop("known_at"),
        held.with_columns(pl.lit(1.0).alias("extra")),
        held.with_columns(pl.col("date").cast(pl.Datetime("us"))),
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
    return Market("drawn", True, table(quotes, QUOTES), table(curve, CURVE), table(rates, RATES))


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
        assert known.rows(named=True) == expected
        assert known.select(keys).equals(known.select(keys).sort(keys))


@given(markets())
def test_all_is_known_once_the_last_row_is_out(market: Market) -> None:
    end = datetime(2019, 2, 1, tzinfo=UTC)
    assert market.known_at(end).fingerprint() == market.fingerprint()
    nothing = market.known_at(datetime(2018, 12, 31, tzinfo=UTC))
    assert nothing.codes() == ()
    assert all(getattr(nothing, name).is_empty() for name in SCHEMAS)
