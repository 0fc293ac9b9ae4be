"""Each cleaning rule against small tables, alone and in order, with what it says it took."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tenor.errors import SplitError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE
from tenor.factor.clean import Cleaning, LeftOut, build_windows, quarter_end, sessions_since_listing
from tenor.factor.panel import Panel
from tenor.factor.spread import SpreadChange, SpreadLevel
from tenor.factor.window import Windows
from tenor.market.calendar import trading_calendar
from tenor.market.contract import CalendarSpread, PairSpan, front_pairs, product
from tenor.units import Dates

T, TL = product("T"), product("TL")
FACTORS = (SpreadLevel(), SpreadChange(days=(1,)))
NEUTRAL_RULE = "neutral band (kept for trading and scoring)"


def sessions(first: str, last: str) -> Dates:
    return trading_calendar("XSHG").sessions(date.fromisoformat(first), date.fromisoformat(last))


def panel(days: Dates, spread: list[float], *, warm_up: int = 0, flat_by: str = "2019-05-30") -> Panel:
    """A pair of T whose far leg stands at 96; ``spread`` is near minus far."""
    span = PairSpan(
        CalendarSpread.parse("T1906-T1909"),
        days[warm_up].item(),
        date.fromisoformat(flat_by),
        date(2019, 6, 14),
    )
    far = np.full(len(days), 96.0)
    fields = {NEAR_CLOSE: far + np.array(spread), FAR_CLOSE: far}
    front = (np.arange(len(days)) >= warm_up) & np.isfinite(spread)
    return Panel(T, span, days, front, fields)


def build(given: Panel, cleaning: Cleaning, length: int = 2) -> tuple[Windows, dict[str, int]]:
    windows, left_out = build_windows([given], FACTORS, length=length, cleaning=cleaning)
    assert {each.product for each in left_out} == {"T"}
    return windows, {each.rule: each.count for each in left_out if each.count}


MARCH = sessions("2019-03-25", "2019-04-04")  # nine sessions; the last of the quarter was Friday the 29th
WALK = [0.30, 0.32, 0.31, 0.31, 0.315, 0.33, 0.29, 0.30, 0.34]


def test_windows_without_any_rule() -> None:
    windows, left_out = build(panel(MARCH, WALK), Cleaning())
    np.testing.assert_array_equal(windows.session, MARCH[1:])
    np.testing.assert_array_equal(windows.ends, np.arange(1, 9))
    np.testing.assert_allclose(windows.last("spread"), WALK[1:])
    np.testing.assert_allclose(windows.change[:-1], np.diff(WALK)[1:], atol=1e-12)
    assert np.isnan(windows.change[-1])
    assert windows.label.tolist() == [0, -1, 1, 1, 0, 1, 1, -1]
    assert set(windows.pair.tolist()) == {"T1906-T1909"}
    # the change of exactly zero is neutral; the last change, unknown, is not counted as if it were quiet
    assert left_out == {"incomplete window": 1, NEUTRAL_RULE: 1}


def test_the_neutral_band_is_in_ticks_and_only_labels() -> None:
    """A tick of T is 0.005; changes of exactly two ticks lie on the edge of a band of two, and count."""
    windows, left_out = build(panel(MARCH, WALK), Cleaning(neutral_ticks=2))
    assert windows.label.tolist() == [0, -1, -1, 1, 0, 1, 1, -1]
    assert len(windows) == 8
    assert left_out[NEUTRAL_RULE] == 2


def test_the_last_sessions_of_a_quarter_are_left_out() -> None:
    windows, left_out = build(panel(MARCH, WALK), Cleaning(quarter_end_sessions=2))
    gone = {"2019-03-28", "2019-03-29"}
    assert set(MARCH[1:].astype(str)) - set(windows.session.astype(str)) == gone
    assert left_out["last sessions of a quarter"] == 2
    # the decision before the quarter's end keeps its label: only decisions are taken, not prices
    assert windows.change[0] == pytest.approx(-0.01)


def test_no_decision_on_or_after_the_session_to_be_flat_by() -> None:
    windows, left_out = build(panel(MARCH, WALK, flat_by="2019-04-02"), Cleaning())
    assert windows.session[-1] == np.datetime64("2019-04-01")
    assert np.isfinite(windows.change).all()
    assert left_out["flat before delivery month"] == 3


def test_a_missing_quote_breaks_every_window_that_needs_it() -> None:
    spread = [*WALK[:4], np.nan, *WALK[5:]]
    windows, left_out = build(panel(MARCH, spread), Cleaning(), length=3)
    kept = [2, 3, 7, 8]
    np.testing.assert_array_equal(windows.session, MARCH[kept])
    assert np.isnan(windows.change[1])  # the next session has no quote
    assert left_out["incomplete window"] == 4  # two at the start, two after the gap; the gap is no decision


def test_a_warm_up_that_was_quoted_counts_into_the_window() -> None:
    windows, left_out = build(panel(MARCH, WALK, warm_up=2), Cleaning(), length=3)
    np.testing.assert_array_equal(windows.session, MARCH[2:])
    assert "incomplete window" not in left_out


def test_a_rule_counts_only_what_the_rules_before_it_left() -> None:
    cleaning = Cleaning(quarter_end_sessions=5)
    windows, left_out = build(panel(MARCH, WALK, flat_by="2019-04-02"), cleaning)
    assert left_out["incomplete window"] == 1  # the 25th, which is among the last five of March too
    assert left_out["last sessions of a quarter"] == 4
    assert left_out["flat before delivery month"] == 3
    assert windows.session.astype(str).tolist() == ["2019-04-01"]


def test_first_sessions_after_listing() -> None:
    days = sessions("2023-04-21", "2023-05-09")  # TL was listed on the 21st
    assert sessions_since_listing(TL, days).tolist() == list(range(10))
    assert sessions_since_listing(TL, days[4:6]).tolist() == [4, 5]
    span = PairSpan(CalendarSpread.parse("TL2309-TL2312"), days[0].item(), date(2023, 8, 30), date(2023, 9, 8))
    closes = {NEAR_CLOSE: 97.0 + 0.01 * np.arange(10), FAR_CLOSE: np.full(10, 96.5)}
    given = Panel(TL, span, days, np.full(10, True), closes)
    windows, left_out = build_windows([given], FACTORS, length=2, cleaning=Cleaning(first_sessions=6))
    np.testing.assert_array_equal(windows.session, days[6:])
    assert LeftOut("TL", "incomplete window", 1) in left_out
    assert LeftOut("TL", "first sessions after listing", 5) in left_out


@pytest.mark.parametrize(
    ("first", "last", "count", "expected"),
    [
        ("2019-03-25", "2019-04-04", 1, ["2019-03-29"]),
        ("2019-03-25", "2019-04-04", 2, ["2019-03-28", "2019-03-29"]),
        ("2019-03-25", "2019-04-04", 0, []),
        ("2019-04-24", "2019-05-10", 3, []),  # April does not end a quarter
        ("2018-12-26", "2019-01-03", 1, ["2018-12-28"]),  # the 31st was a holiday
        ("2020-09-28", "2020-10-12", 2, ["2020-09-29", "2020-09-30"]),  # Golden Week follows
        # a table that stops within the month: which sessions are its last is known from the calendar
        ("2019-03-20", "2019-03-28", 2, ["2019-03-28"]),
        ("2019-06-03", "2019-06-20", 1, []),
    ],
)
def test_quarter_end_against_a_table(first: str, last: str, count: int, expected: list[str]) -> None:
    days = sessions(first, last)
    assert days[quarter_end(T, days, count)].astype(str).tolist() == expected


def test_days_before_the_last_trading_day_move_the_exit_ahead() -> None:
    """T2403 expires on 2024-03-08, and a client must be flat by 2024-02-28 in any case."""
    (span, *_) = front_pairs(T, date(2024, 1, 15), date(2024, 1, 31))
    assert (span.last_trading_day, span.flat_by) == (date(2024, 3, 8), date(2024, 2, 28))
    exits = {days: Cleaning(days_before_last_trading=days).shorten(span, T).flat_by for days in (0, 8, 9, 14, 20)}
    assert exits == {
        0: date(2024, 2, 28),
        8: date(2024, 2, 28),  # nine days before is the 28th itself
        9: date(2024, 2, 27),
        14: date(2024, 2, 22),
        20: date(2024, 2, 8),  # the 9th to the 17th were the Spring Festival
    }
    assert Cleaning(days_before_last_trading=14).shorten(span, T) == replace(span, flat_by=date(2024, 2, 22))


def test_no_change_is_taken_across_a_roll() -> None:
    """Two pairs, one after the other: the first pair's last decision has its own next change or none."""
    first = panel(MARCH[:4], [0.30, 0.31, 0.32, 0.33], flat_by="2019-03-28")
    second = replace(
        panel(MARCH[4:], [5.0, 5.1, 5.2, 5.3, 5.4]),
        span=replace(first.span, spread=CalendarSpread.parse("T1909-T1912"), flat_by=date(2019, 8, 29)),
    )
    windows, _ = build_windows([first, second], FACTORS, length=2, cleaning=Cleaning())
    np.testing.assert_allclose(windows.change[:-1], [0.01, 0.01, 0.1, 0.1, 0.1], atol=1e-9)
    np.testing.assert_allclose(windows.last("spread_change_1"), [0.01, 0.01, 0.1, 0.1, 0.1, 0.1], atol=1e-9)
    assert windows.pair.tolist() == ["T1906-T1909"] * 2 + ["T1909-T1912"] * 4


def test_products_are_sorted_by_session_then_code() -> None:
    tf = replace(panel(MARCH[:3], [0.1, 0.2, 0.4]), product=product("TF"))
    windows, _ = build_windows([panel(MARCH[:3], [0.3, 0.4, 0.4]), tf], FACTORS, length=2, cleaning=Cleaning())
    assert windows.product.tolist() == ["T", "TF", "T", "TF"]
    assert windows.row_product.tolist() == ["T"] * 3 + ["TF"] * 3
    np.testing.assert_allclose(windows.last("spread"), [0.4, 0.2, 0.4, 0.4], atol=1e-9)
    assert windows.session.tolist() == sorted(windows.session.tolist())


def test_nothing_left_is_refused_with_the_counts() -> None:
    with pytest.raises(SplitError, match=r"no decision is left.*'last sessions of a quarter'\): 4"):
        build(panel(MARCH[:5], WALK[:5]), Cleaning(quarter_end_sessions=20))
    with pytest.raises(SplitError, match="no pair was quoted in front"):
        build_windows([], FACTORS, length=2, cleaning=Cleaning())
