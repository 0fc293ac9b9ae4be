"""Exchanges of stocks: hours and currencies as data."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tenor.errors import MarketError
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange, exchanges


@pytest.mark.parametrize(
    ("code", "day", "opens", "closes"),
    [
        ("XNYS", date(2025, 1, 6), (14, 30), (21, 0)),  # Eastern standard time
        ("XNYS", date(2025, 7, 1), (13, 30), (20, 0)),  # daylight saving time
        ("XSHG", date(2025, 7, 1), (1, 30), (7, 0)),
        ("XHKG", date(2025, 7, 2), (1, 30), (8, 10)),
    ],
)
def test_a_session_opens_and_closes_on_the_clock_of_its_exchange(
    code: str, day: date, opens: tuple[int, int], closes: tuple[int, int]
) -> None:
    at = exchange(code)
    assert at.opens_at(day) == datetime(day.year, day.month, day.day, *opens, tzinfo=UTC)
    assert at.closes_at(day) == datetime(day.year, day.month, day.day, *closes, tzinfo=UTC)


def test_closes_of_many_sessions_are_those_of_each() -> None:
    at = exchange("XNYS")
    days = np.array(["2025-07-01", "2025-01-06", "2025-07-01"], dtype="datetime64[D]")
    expected = [at.closes_at(day).replace(tzinfo=None) for day in days.tolist()]
    assert at.closes(days).tolist() == expected


def test_every_exchange_has_a_calendar_and_a_plausible_year() -> None:
    assert exchanges() == ("XHKG", "XNYS", "XSHG")
    for code in exchanges():
        at = exchange(code)
        sessions = len(trading_calendar(at.calendar).sessions(date(2024, 1, 1), date(2024, 12, 31)))
        assert abs(sessions - at.sessions_per_year) <= 3, code
        assert len(at.currency) == 3


def test_an_unknown_exchange_is_refused_with_those_that_exist() -> None:
    with pytest.raises(MarketError, match=r"no exchange 'XNYC'; known are \['XHKG', 'XNYS', 'XSHG'\].*'XNYS'"):
        exchange("XNYC")
