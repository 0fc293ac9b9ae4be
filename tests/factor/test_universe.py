"""Instruments laid end to end: adjusted as of each date, members by date, halts that are named."""

import runpy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.factor.base import Field
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, VOLUME, build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.market import RATES, Market

stocks: Callable[..., Market] = runpy.run_path(str(Path(__file__).with_name("stock_market.py")))["stocks"]

DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 1, 31)).tolist()


def series(count: int, first: float = 100.0, start: int = 0) -> dict[date, float]:
    return {day: first + number for number, day in enumerate(DAYS[start : start + count])}


def test_rows_lie_instrument_by_instrument_in_the_order_asked() -> None:
    universe = build_universe(stocks({"AAA": series(3), "BBB": series(2, 50.0, start=1)}), ("BBB", "AAA"))
    assert universe.codes == ("BBB", "AAA")
    assert universe.bounds.tolist() == [0, 2, 5]
    assert universe.sessions.tolist() == [*DAYS[1:3], *DAYS[:3]]
    assert universe.fields[CLOSE].tolist() == [50.0, 51.0, 100.0, 101.0, 102.0]
    assert universe.code.tolist() == [0, 0, 1, 1, 1]
    assert universe.rows("AAA") == slice(2, 5)
    assert universe.member.all()
    assert universe.sectors == ("", "")
    assert universe.notes == ()


def test_prices_are_adjusted_by_the_factor_of_their_own_date_and_volume_the_other_way() -> None:
    """A split two for one on the third session: prices halve, the factor doubles, returns do not see it."""
    closes = {DAYS[0]: 100.0, DAYS[1]: 102.0, DAYS[2]: 51.0, DAYS[3]: 52.0}
    universe = build_universe(stocks({"AAA": closes}, adjustments=[("AAA", DAYS[2], 2.0)]), ("AAA",))
    assert universe.fields[CLOSE].tolist() == [100.0, 102.0, 102.0, 104.0]
    assert universe.factor.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert universe.fields[OPEN].tolist() == [99.75, 101.75, 101.5, 103.5]
    assert (universe.fields[HIGH] - universe.fields[LOW]).tolist() == [1.0, 1.0, 2.0, 2.0]
    assert universe.fields[VOLUME].tolist() == [1_000.0, 1_000.0, 500.0, 500.0]


def test_a_factor_is_in_force_from_its_date_on_and_not_before_it_is_known() -> None:
    market = stocks({"AAA": series(4)}, adjustments=[("AAA", DAYS[1], 2.0)])
    late = replace(
        market,
        adjustments=market.adjustments.with_columns(
            pl.lit(datetime(2024, 1, 5, 12, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")).alias("known_at")
        ),
    )
    assert build_universe(market, ("AAA",)).factor.tolist() == [1.0, 2.0, 2.0, 2.0]
    assert DAYS[3] == date(2024, 1, 5)
    assert build_universe(late, ("AAA",)).factor.tolist() == [1.0, 1.0, 1.0, 2.0]


def test_an_event_that_is_learnt_late_does_not_undo_a_later_one() -> None:
    """The factor of the second session is known on the fourth, after that of the third: it is in force on none."""
    market = stocks({"AAA": series(5)}, adjustments=[("AAA", DAYS[1], 2.0), ("AAA", DAYS[2], 4.0)])
    known = [datetime(2024, 1, 5, 12, tzinfo=UTC), market.adjustments["known_at"][1]]
    late = market.adjustments.with_columns(pl.Series("known_at", known, market.adjustments.schema["known_at"]))
    assert DAYS[2:4] == [date(2024, 1, 4), date(2024, 1, 5)]
    universe = build_universe(replace(market, adjustments=late), ("AAA",))
    assert universe.factor.tolist() == [1.0, 1.0, 4.0, 4.0, 4.0]


def test_membership_begins_and_ends_by_date_and_the_rows_stay() -> None:
    members = [("IDX", "AAA", DAYS[1], True), ("IDX", "AAA", DAYS[3], False), ("IDX", "BBB", DAYS[0], True)]
    market = stocks({"AAA": series(5), "BBB": series(2)}, members=members)
    universe = build_universe(market, ("AAA", "BBB"), members="IDX")
    assert universe.member.tolist() == [False, True, True, False, False, True, True]
    with pytest.raises(MarketError, match=r"no universe 'IDY' in 'by hand'; it has \['IDX'\].*'IDX'"):
        build_universe(market, ("AAA",), members="IDY")


def test_a_halt_is_no_row_and_is_named() -> None:
    closes = {day: close for day, close in series(6).items() if day not in DAYS[2:4]}
    universe = build_universe(stocks({"AAA": closes, "BBB": series(6)}), ("AAA", "BBB"))
    assert universe.bounds.tolist() == [0, 4, 10]
    assert universe.notes == (
        "1 of 2 instruments were not quoted on 2 sessions between their first and last (halts), AAA on 2: a window goes"
        " on across them",
    )


def test_a_quote_that_comes_after_its_own_close_is_left_out_with_a_word() -> None:
    late = {("AAA", DAYS[1]): datetime(2024, 1, 4, 2, tzinfo=UTC)}
    universe = build_universe(stocks({"AAA": series(3)}, known_at=late), ("AAA",))
    assert universe.sessions.tolist() == [DAYS[0], DAYS[2]]
    assert universe.notes[-1] == "1 quotes became known after their own close: left out"


def test_other_series_are_those_known_at_each_close() -> None:
    fixings = [
        {"date": DAYS[0], "name": "SOFR", "rate": 0.05, "known_at": datetime(2024, 1, 3, 13, tzinfo=UTC)},
        {"date": DAYS[1], "name": "SOFR", "rate": 0.06, "known_at": datetime(2024, 1, 4, 13, tzinfo=UTC)},
    ]
    market = replace(stocks({"AAA": series(3)}), rates=pl.DataFrame(fixings, schema=RATES))
    universe = build_universe(market, ("AAA",), (Field("rate", "SOFR"), CLOSE))
    np.testing.assert_array_equal(universe.fields[Field("rate", "SOFR")], [np.nan, 0.05, 0.06])
    with pytest.raises(MarketError, match=r"a study of stocks has no series near\.close; it has quote\.open"):
        build_universe(market, ("AAA",), (Field("near", "close"),))


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (("AAB",), r"AAB asked; 'by hand' has 2 instruments, such as AAA and BBB; did you mean 'AAA'\?"),
        ((), "no instrument asked"),
        (("AAA", "AAA"), "asked twice"),
    ],
)
def test_what_cannot_be_asked_is_refused(codes: tuple[str, ...], said: str) -> None:
    with pytest.raises(MarketError, match=said):
        build_universe(stocks({"AAA": series(3), "BBB": series(3)}), codes)


def test_instruments_of_two_exchanges_and_those_without_quotes_are_refused() -> None:
    market = stocks({"AAA": series(3), "BBB": series(3)})
    two = market.instruments.with_columns(
        pl.when(pl.col("code") == "BBB").then(pl.lit("XSHG")).otherwise("exchange").alias("exchange")
    )
    with pytest.raises(MarketError, match=r"exchanges \['XNYS', 'XSHG'\] together"):
        build_universe(replace(market, instruments=two), ("AAA", "BBB"))
    bare = replace(market, quotes=market.quotes.filter(pl.col("code") != "BBB"))
    with pytest.raises(MarketError, match=r"no quotes of BBB in 'by hand' \(1 of 2\)"):
        build_universe(bare, ("AAA", "BBB"))
    with pytest.raises(MarketError, match="no instrument 'CCC' among 2"):
        build_universe(market, ("AAA", "BBB")).rows("CCC")


@given(
    cut=st.integers(1, 9),
    split=st.integers(0, 9),
    joins=st.integers(0, 9),
)
def test_what_was_known_at_a_close_does_not_depend_on_what_came_after(cut: int, split: int, joins: int) -> None:
    """Prefix invariance of everything aligned: rows up to a close are those of the market of then."""
    market = stocks(
        {"AAA": series(10), "BBB": series(8, 40.0, start=1)},
        adjustments=[("AAA", DAYS[split], 3.0)],
        members=[("IDX", "AAA", DAYS[joins], True), ("IDX", "BBB", DAYS[0], True)],
    )
    moment = datetime(2024, 1, 1, 21, tzinfo=UTC) + (DAYS[cut] - date(2024, 1, 1)) + timedelta(0)
    whole = build_universe(market, ("AAA", "BBB"), members="IDX")
    then = build_universe(market.known_at(moment), ("AAA", "BBB"), members="IDX")
    kept = whole.sessions <= np.datetime64(DAYS[cut], "D")
    assert then.sessions.tolist() == whole.sessions[kept].tolist()
    for field in (OPEN, HIGH, LOW, CLOSE, VOLUME):
        np.testing.assert_array_equal(then.fields[field], whole.fields[field][kept])
    np.testing.assert_array_equal(then.member, whole.member[kept])
    np.testing.assert_array_equal(then.factor, whole.factor[kept])
