"""What was known when: hand-made tables of publications, and panels of a market of two contracts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
from tenor.factor.panel import Decision, Panel, build_panel, decision_times, known_as_of, known_on
from tenor.market.contract import CalendarSpread, PairSpan, product
from tenor.market.market import CURVE, QUOTES, RATES, Market
from tenor.units import AnyArray, Floats

T = product("T")
OVERNIGHT = Field("rate", "ON")
TEN_YEARS = Field("curve", "CGB:10")
DAYS_LEFT = Field("pair", "days_to_last_trading")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def series(*rows: tuple[str, str, float | None]) -> pl.DataFrame:
    """Rows of date, moment of publication (UTC) and value."""
    return pl.DataFrame(
        {
            "date": pl.Series([date.fromisoformat(day) for day, _, _ in rows], dtype=pl.Date),
            "known_at": pl.Series([at(moment) for _, moment, _ in rows], dtype=pl.Datetime("us", "UTC")),
            "rate": pl.Series([value for _, _, value in rows], dtype=pl.Float64),
        }
    )


def moments(*texts: str) -> AnyArray:
    return np.array(texts, dtype="datetime64[us]")


def known(frame: pl.DataFrame, *texts: str, age: int = 10) -> list[float]:
    return known_as_of(frame, "rate", moments(*texts), age).tolist()


def test_a_publication_counts_from_its_moment_on() -> None:
    frame = series(("2019-04-09", "2019-04-09T09:30", 0.031), ("2019-04-10", "2019-04-10T09:30", 0.032))
    asked = ("2019-04-09T09:29", "2019-04-09T09:30", "2019-04-10T07:15", "2019-04-10T12:15")
    np.testing.assert_array_equal(known(frame, *asked), [np.nan, 0.031, 0.031, 0.032])


def test_what_is_too_old_is_missing_and_not_stale() -> None:
    frame = series(("2019-04-01", "2019-04-01T03:00", 0.02))
    asked = ("2019-04-11T07:15", "2019-04-12T07:15")
    np.testing.assert_array_equal(known(frame, *asked, age=10), [0.02, np.nan])
    np.testing.assert_array_equal(known(frame, *asked, age=11), [0.02, 0.02])


def test_of_several_publications_at_once_the_latest_date_counts() -> None:
    """After a holiday three days came out in one file."""
    moment = "2019-05-05T09:30"
    frame = series(("2019-05-04", moment, 3.0), ("2019-05-02", moment, 1.0), ("2019-05-03", moment, 2.0))
    assert known(frame, "2019-05-05T10:00") == [3.0]


def test_an_old_date_that_comes_late_replaces_nothing() -> None:
    frame = series(
        ("2019-05-06", "2019-05-06T03:00", 6.0),
        ("2019-04-30", "2019-05-07T02:00", 4.0),
        ("2019-05-07", "2019-05-07T03:00", 7.0),
    )
    assert known(frame, "2019-05-07T02:30", "2019-05-07T07:15") == [6.0, 7.0]


def test_a_null_is_no_observation_and_nothing_is_known_before_the_first() -> None:
    frame = series(("2019-04-09", "2019-04-09T03:00", 0.02), ("2019-04-10", "2019-04-10T03:00", None))
    np.testing.assert_array_equal(known(frame, "2019-04-08T07:15", "2019-04-10T07:15"), [np.nan, 0.02])
    np.testing.assert_array_equal(known(series(), "2019-04-08T07:15"), [np.nan])


def test_a_quote_is_of_its_own_session_or_missing() -> None:
    quotes = series(("2019-04-09", "2019-04-09T07:15", 97.5), ("2019-04-10", "2019-04-10T08:00", 97.6))
    sessions = np.array(["2019-04-09", "2019-04-10", "2019-04-11"], dtype="datetime64[D]")
    closes = moments("2019-04-09T07:15", "2019-04-10T07:15", "2019-04-11T07:15")
    np.testing.assert_array_equal(known_on(quotes, "rate", sessions, closes), [97.5, np.nan, np.nan])


def test_decision_times() -> None:
    sessions = np.array(["2019-04-10"], dtype="datetime64[D]")
    assert decision_times(T, sessions, "close") == moments("2019-04-10T07:15")  # 15:15 in Shanghai
    assert decision_times(T, sessions, "evening") == moments("2019-04-10T12:15")


SESSIONS = tuple(date(2019, 4, day) for day in (1, 2, 3, 4, 8, 9, 10, 11, 12))  # the 5th was Tomb-Sweeping Day
SPAN = PairSpan(CalendarSpread.parse("T1906-T1909"), date(2019, 4, 3), date(2019, 4, 11), date(2019, 6, 14))


def quotes(code: str, closes: dict[date, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "date": list(closes),
            "code": [code] * len(closes),
            **{
                name: pl.Series(list(closes.values()), dtype=pl.Float64)
                for name in ("open", "high", "low", "close", "settle", "volume", "open_interest")
            },
            "known_at": [datetime(day.year, day.month, day.day, 7, 15, tzinfo=UTC) for day in closes],
        },
        schema=QUOTES,
    )


def market(near: dict[date, float | None], far: dict[date, float | None]) -> Market:
    """Fixings at 11:00 in Shanghai, the curve at 17:30, both numbered by the day of the month."""
    fixed = [datetime(2019, 4, day.day, 3, tzinfo=UTC) for day in SESSIONS]
    published = [datetime(2019, 4, day.day, 9, 30, tzinfo=UTC) for day in SESSIONS]
    values = [float(day.day) for day in SESSIONS]
    return Market(
        name="hand-made",
        simulated=False,
        quotes=pl.concat([quotes("T1906", near), quotes("T1909", far)]),
        curve=pl.DataFrame(
            {"date": SESSIONS, "curve": "CGB", "tenor": 10.0, "rate": values, "known_at": published},
            schema=CURVE,
        ),
        rates=pl.DataFrame({"date": SESSIONS, "name": "ON", "rate": values, "known_at": fixed}, schema=RATES),
    )


def panel(held: Market, *, decision: Decision = "close", warm_up: int = 2, needs: Sequence[Field] = ()) -> Panel:
    built = build_panel(held, T, SPAN, needs, decision=decision, warm_up=warm_up, max_age_days=10)
    assert built is not None
    return built


def on(built: Panel, field: Field) -> dict[int, float]:
    """Values by day of the month."""
    found: Floats = built.fields[field]
    return dict(zip((day.day for day in built.sessions.tolist()), found.tolist(), strict=True))


def every(level: float) -> dict[date, float | None]:
    return {day: level + day.day / 100 for day in SESSIONS}


def test_rows_are_the_sessions_in_front_after_a_warm_up() -> None:
    built = panel(market(every(97.0), every(96.5)))
    assert [day.day for day in built.sessions.tolist()] == [1, 2, 3, 4, 8, 9, 10, 11]
    assert built.front.tolist() == [False, False, True, True, True, True, True, True]
    assert on(built, NEAR_CLOSE)[1] == 97.01  # quoted in the warm-up: changes exist from the first day


def test_the_curve_of_the_day_is_known_in_the_evening_only() -> None:
    held = market(every(97.0), every(96.5))
    close = panel(held, needs=(OVERNIGHT, TEN_YEARS))
    evening = panel(held, needs=(OVERNIGHT, TEN_YEARS), decision="evening")
    assert on(close, TEN_YEARS)[10] == 9.0
    assert on(close, TEN_YEARS)[8] == 4.0  # over the holiday and the weekend
    assert on(evening, TEN_YEARS)[10] == 10.0
    assert on(close, OVERNIGHT)[10] == on(evening, OVERNIGHT)[10] == 10.0


def test_days_to_the_last_trading_day_are_calendar_days() -> None:
    left = on(panel(market(every(97.0), every(96.5)), needs=(DAYS_LEFT,)), DAYS_LEFT)
    assert left[4] == 71.0
    assert left[8] == 67.0


def test_a_leg_that_is_quoted_late_starts_the_pair_late() -> None:
    late = {day: value for day, value in every(96.5).items() if day >= date(2019, 4, 9)}
    built = panel(market(every(97.0), late), warm_up=3)
    assert [day.day for day in built.sessions.tolist()] == [3, 4, 8, 9, 10, 11]
    assert built.front.tolist() == [False, False, False, True, True, True]
    np.testing.assert_array_equal(built.fields[FAR_CLOSE][:3], [np.nan] * 3)
    np.testing.assert_array_equal(built.fields[NEAR_CLOSE][:3], [97.03, 97.04, 97.08])


def test_a_session_on_which_one_leg_has_no_close_is_no_row() -> None:
    gap = every(96.5) | {date(2019, 4, 9): None}
    built = panel(market(every(97.0), gap))
    assert [day.day for day in built.sessions.tolist()] == [1, 2, 3, 4, 8, 10, 11]


def test_a_close_that_came_after_the_decision_is_not_there() -> None:
    held = market(every(97.0), every(96.5))
    one = (pl.col("code") == "T1909") & (pl.col("date") == date(2019, 4, 9))
    later = pl.when(one).then(pl.col("known_at").dt.offset_by("2h")).otherwise(pl.col("known_at"))
    slow = Market("slow", False, held.quotes.with_columns(later.alias("known_at")), held.curve, held.rates)
    close, evening = panel(slow), panel(slow, decision="evening")
    assert np.isnan(on(close, FAR_CLOSE)[9])
    assert not close.front[close.sessions == np.datetime64("2019-04-09")].any()
    assert on(evening, FAR_CLOSE)[9] == 96.59
    assert evening.front[evening.sessions == np.datetime64("2019-04-09")].all()


def test_the_warm_up_does_not_reach_before_the_listing() -> None:
    listed = dict.fromkeys((date(2015, 3, 20), date(2015, 3, 23), date(2015, 3, 24)), 97.0)
    quoted = pl.concat([quotes("T1509", listed), quotes("T1512", listed)])
    empty = Market("listing", False, quoted, CURVE.to_frame(), RATES.to_frame())
    span = PairSpan(CalendarSpread.parse("T1509-T1512"), date(2015, 3, 20), date(2015, 8, 28), date(2015, 9, 11))
    built = build_panel(empty, T, span, (), decision="close", warm_up=5, max_age_days=10)
    assert built is not None
    assert built.sessions.tolist() == list(listed)
    assert built.front.all()


def test_a_pair_that_was_never_quoted_in_front_has_no_panel() -> None:
    before = dict.fromkeys(SESSIONS[:2], 97.0)
    built = build_panel(market(before, every(96.5)), T, SPAN, (), decision="close", warm_up=2, max_age_days=10)
    assert built is None


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field("rate", "1W"), r"no rate '1W'.*\['ON'\]"),
        (Field("curve", "CGB:30"), r"no point 30 y on curve 'CGB'; it has \[10.0\]"),
        (Field("curve", "UST:10"), r"the curves are \['CGB'\]"),
        (Field("pair", "age"), "no field pair.age; tables are near, far, rate, curve and pair"),
        (Field("macro", "cpi"), "no field macro.cpi"),
    ],
)
def test_a_series_that_does_not_exist_is_refused(field: Field, said: str) -> None:
    with pytest.raises(MarketError, match=said):
        panel(market(every(97.0), every(96.5)), needs=(field,))
