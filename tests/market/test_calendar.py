"""Sessions against explicit tables of holidays, and the edges of what is known."""

import warnings
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import CalendarError
from tenor.market.calendar import NAMES, Calendar, trading_calendar

XSHG = trading_calendar("XSHG")
XNYS = trading_calendar("XNYS")

DAYS = st.dates(date(1991, 1, 1), date(2026, 12, 31))


def weekdays(first: date, last: date) -> set[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return {day for day in days if day.weekday() < 5}


@pytest.mark.parametrize(
    ("calendar", "first", "last", "closed"),
    [
        # 2019: New Year, Spring Festival, Qingming, Labour Day (prolonged in March), Dragon Boat, Mid-Autumn,
        # National Day.
        (
            XSHG,
            date(2019, 1, 1),
            date(2019, 12, 31),
            "01-01 02-04 02-05 02-06 02-07 02-08 04-05 05-01 05-02 05-03 06-07 09-13 10-01 10-02 10-03 10-04 10-07",
        ),
        # 2020: the Spring Festival was prolonged to 2 February.
        (XSHG, date(2020, 1, 20), date(2020, 2, 7), "01-24 01-27 01-28 01-29 01-30 01-31"),
        # New York 2019.
        (
            XNYS,
            date(2019, 1, 1),
            date(2019, 12, 31),
            "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
        ),
        # Unscheduled: September 2001, and the storm of October 2012.
        (XNYS, date(2001, 9, 10), date(2001, 9, 17), "09-11 09-12 09-13 09-14"),
        (XNYS, date(2012, 10, 26), date(2012, 10, 31), "10-29 10-30"),
    ],
)
def test_sessions_are_the_weekdays_that_are_no_holiday(
    calendar: Calendar, first: date, last: date, closed: str
) -> None:
    holidays = {date.fromisoformat(f"{first.year}-{day}") for day in closed.split()}
    assert set(calendar.sessions(first, last).astype(object)) == weekdays(first, last) - holidays


def test_sessions_include_both_ends_and_cannot_be_written() -> None:
    days = XSHG.sessions(date(2026, 2, 12), date(2026, 2, 24))
    np.testing.assert_array_equal(days, np.array(["2026-02-12", "2026-02-13", "2026-02-24"], "datetime64[D]"))
    assert days.dtype == np.dtype("datetime64[D]")
    with pytest.raises(ValueError, match="read-only"):
        days[0] = np.datetime64("2026-02-14")


def test_a_range_without_sessions_is_empty() -> None:
    assert len(XSHG.sessions(date(2026, 2, 14), date(2026, 2, 23))) == 0


def test_the_loaded_range_is_whole_years_and_named_when_it_is_left() -> None:
    first, last = XSHG.loaded
    assert first == date(1991, 1, 1)
    assert last >= date(2026, 12, 31)
    assert (last.month, last.day) == (12, 31)
    assert XNYS.loaded == (date(1970, 1, 1), date(2028, 12, 31))


@pytest.mark.parametrize("calendar", [XSHG, XNYS])
def test_days_beyond_the_loaded_holidays_are_refused(calendar: Calendar) -> None:
    first, last = calendar.loaded
    named = f"{calendar.name} is known from {first} to {last}"
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    for day in (before, after):
        with pytest.raises(CalendarError, match=named):
            calendar.is_session(day)
        with pytest.raises(CalendarError, match=named):
            calendar.following(day)
        with pytest.raises(CalendarError, match=named):
            calendar.preceding(day)
        with pytest.raises(CalendarError, match=named):
            calendar.offset(day, 0)
    with pytest.raises(CalendarError, match=named):
        calendar.sessions(before, last)
    with pytest.raises(CalendarError, match=named):
        calendar.sessions(first, after)
    # A year begins with a holiday, which nothing loaded precedes; the last session has no next one.
    with pytest.raises(CalendarError, match=named):
        calendar.preceding(first)
    with pytest.raises(CalendarError, match=named):
        calendar.offset(calendar.preceding(last), 1)
    with pytest.raises(CalendarError, match=named):
        calendar.offset(calendar.following(first), -1)
    assert calendar.offset(calendar.following(first), len(calendar.days) - 1) == calendar.preceding(last)


def test_following_at_the_end_is_refused_where_the_year_ends_with_a_holiday() -> None:
    days = XSHG.sessions(date(2019, 1, 1), date(2019, 9, 30))
    short = Calendar("XSHG", (date(2019, 1, 1), date(2019, 10, 6)), days)
    with pytest.raises(CalendarError, match="known from 2019-01-01 to 2019-10-06"):
        short.following(date(2019, 10, 1))


def test_a_reversed_range_is_refused() -> None:
    with pytest.raises(CalendarError, match="earlier date first"):
        XSHG.sessions(date(2019, 2, 1), date(2019, 1, 1))


@pytest.mark.parametrize(
    ("day", "n", "there"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 24)),
        (date(2026, 2, 24), -1, date(2026, 2, 13)),
        (date(2026, 2, 24), 0, date(2026, 2, 24)),
        (date(2019, 9, 30), 2, date(2019, 10, 9)),
    ],
)
def test_offset_counts_sessions(day: date, n: int, there: date) -> None:
    assert XSHG.offset(day, n) == there


def test_offset_refuses_to_count_from_a_day_that_is_no_session() -> None:
    with pytest.raises(CalendarError, match="2026-02-14 is no session of XSHG"):
        XSHG.offset(date(2026, 2, 14), 1)


@given(DAYS)
def test_following_and_preceding_are_the_nearest_sessions(day: date) -> None:
    if XSHG.is_session(day):
        assert XSHG.following(day) == XSHG.preceding(day) == day
        return
    if XSHG.loaded[0] + timedelta(days=40) < day < XSHG.loaded[1] - timedelta(days=40):
        before, after = XSHG.preceding(day), XSHG.following(day)
        assert before < day < after
        assert XSHG.offset(before, 1) == after
        assert XSHG.sessions(before, after).astype(object).tolist() == [before, after]


@given(DAYS, st.integers(-500, 500))
def test_offset_undoes_itself_and_agrees_with_sessions(day: date, n: int) -> None:
    start = XSHG.preceding(max(day, date(1991, 1, 2)))
    try:
        end = XSHG.offset(start, n)
    except CalendarError:
        assert not 0 <= int(np.searchsorted(XSHG.days, np.datetime64(start))) + n < len(XSHG.days)
        return
    assert XSHG.offset(end, -n) == start
    assert len(XSHG.sessions(min(start, end), max(start, end))) == abs(n) + 1


def test_an_unknown_calendar_is_refused_with_a_suggestion() -> None:
    with pytest.raises(CalendarError, match=r"no calendar 'XSGH'.*XNYS.*XSHG.*did you mean 'XSHG'"):
        trading_calendar("XSGH")


@pytest.mark.parametrize("name", NAMES)
def test_a_calendar_is_built_once(name: str) -> None:
    assert trading_calendar(name) is trading_calendar(name)


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("TF_main_xquant_2013_2017.csv", "date"),
        ("T_main_daily_2015_2026.csv", "trade_date"),
        ("TS_main_sina_2018_2025.csv", "date"),
    ],
)
def test_treasury_futures_have_a_price_on_every_session_and_on_no_other_day(
    real_data: Path, file: str, column: str
) -> None:
    found = pl.read_csv(real_data / "cgb_futures" / file)[column].str.slice(0, 10).str.to_date()
    days = found.unique().sort().to_list()
    assert days == XSHG.sessions(days[0], days[-1]).astype(object).tolist()


def by_library(name: str) -> tuple[date, date, set[date]]:
    """First and last day of the whole years that ``exchange_calendars`` knows, and the weekdays without a session."""
    import exchange_calendars
    from exchange_calendars.exchange_calendar_xshg import XSHGExchangeCalendar

    if name == "XSHG":
        # The first year on the list is that of the opening in December 1990, which is not a whole one.
        years = (XSHGExchangeCalendar.bound_min().year + 1, XSHGExchangeCalendar.bound_max().year)
    else:
        years = {"XNYS": (1970, 2028), "XHKG": (1990, 2028)}[name]
    first, last = date(years[0], 1, 1), date(years[1], 12, 31)
    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads Series.values of zoned times, which pandas 3 deprecates: not ours.
        warnings.filterwarnings("ignore", message=r"Series\.values", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=r"DatetimeIndex\.weekday", category=DeprecationWarning)
        held = exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())
    sessions = set(held.sessions.to_numpy().astype("datetime64[D]").astype(object))
    assert all(day.weekday() < 5 for day in sessions)
    return first, last, weekdays(first, last) - sessions


def written(name: str) -> str:
    """The file of closures that the library gives."""
    import exchange_calendars

    first, last, closed = by_library(name)
    lines = [
        f"# Weekdays on which {name} has no session, month and day by year; every other weekday has one.",
        "# Written by `python tests/market/test_calendar.py`, which says which days the library below knows.",
        f'source = "exchange_calendars {exchange_calendars.__version__}"',
        f"first = {first}",
        f"last = {last}",
        "",
        "[closed]",
    ]
    for year in range(first.year, last.year + 1):
        days = " ".join(f"{day:%m-%d}" for day in sorted(closed) if day.year == year)
        lines.append(f'{year} = "{days}"')
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_closures_are_those_of_the_library(name: str) -> None:
    """Also where a newer release knows another year: write the files again, as the first line of each says."""
    first, last, closed = by_library(name)
    mine = trading_calendar(name)
    assert mine.loaded == (first, last)
    assert weekdays(first, last) - set(mine.days.astype(object)) == closed


if __name__ == "__main__":
    for code in ("XHKG", "XNYS", "XSHG"):
        place = Path(__file__).parents[2] / "src/tenor/market/closures" / f"{code}.toml"
        place.write_text(written(code), encoding="utf-8")
