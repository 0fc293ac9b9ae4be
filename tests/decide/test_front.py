"""Panels stacked into legs: which rows are there, which terms hold, and pairs that the data leave early."""

from datetime import date

import numpy as np
import pytest

from tenor.decide.front import PRICES, front_legs
from tenor.errors import MarketError
from tenor.factor.panel import Panel
from tenor.market.calendar import trading_calendar
from tenor.market.contract import PairSpan, front_pairs, product

TS = product("TS")
PAIRS = front_pairs(TS, date(2023, 9, 4), date(2024, 2, 20))


def panel(span: PairSpan, *, quoted_until: date | None = None, warm_up: int = 3) -> Panel:
    """Every session of the span at prices that say the field and the day of the year."""
    calendar = trading_calendar("XSHG")
    days = calendar.sessions(calendar.offset(span.first, -warm_up), quoted_until or span.flat_by)
    count = (days - days[0]).astype(int)
    fields = {field: 100.0 + number + count / 1000 for number, field in enumerate(PRICES)}
    return Panel(TS, span, days, days >= np.datetime64(span.first), fields)


def test_the_pairs_of_this_file() -> None:
    assert [(span.spread.code, span.first, span.flat_by) for span in PAIRS[:2]] == [
        ("TS2312-TS2403", date(2023, 8, 31), date(2023, 11, 29)),
        ("TS2403-TS2406", date(2023, 11, 30), date(2024, 2, 28)),
    ]


def test_rows_are_the_sessions_in_front_within_the_range() -> None:
    legs, notes = front_legs([panel(span) for span in PAIRS[:2]], date(2023, 11, 27), date(2023, 12, 4))
    assert legs.sessions.astype(str).tolist() == [
        "2023-11-27", "2023-11-28", "2023-11-29", "2023-11-30", "2023-12-01", "2023-12-04",
    ]  # fmt: skip
    assert legs.pair.tolist() == ["TS2312-TS2403"] * 3 + ["TS2403-TS2406"] * 3
    assert legs.flat_by.astype(str).tolist() == ["2023-11-29"] * 3 + ["2024-02-28"] * 3
    assert legs.product == "TS"
    assert notes == ()
    second = legs.sessions[3:] - (np.datetime64("2023-11-27"))  # the warm-up began three sessions before
    for number, name in enumerate(("near_close", "far_close", "near_open", "far_open")):
        wanted = 100 + number + second.astype(int) / 1000
        np.testing.assert_allclose(getattr(legs, name)[3:], wanted, rtol=1e-12)


def test_terms_are_those_in_force_on_each_day() -> None:
    """The tick of TS went from 0.005 to 0.002 on 2023-11-07."""
    legs, _ = front_legs([panel(PAIRS[0])], date(2023, 11, 3), date(2023, 11, 8))
    assert legs.tick.tolist() == [0.005, 0.005, 0.002, 0.002]
    days = legs.sessions.tolist()
    assert legs.margin_rate.tolist() == [TS.margin(day) for day in days]
    assert legs.fee.tolist() == [TS.fee(day) for day in days]
    assert set(legs.multiplier.tolist()) == {20_000.0}


def test_a_pair_that_the_data_leave_early_is_closed_at_its_last_quote_and_said() -> None:
    panels = [panel(PAIRS[0], quoted_until=date(2023, 11, 27)), panel(PAIRS[1])]
    legs, notes = front_legs(panels, date(2023, 11, 1), date(2023, 12, 4))
    first = legs.pair == "TS2312-TS2403"
    assert set(legs.flat_by[first].astype(str)) == {"2023-11-27"}
    assert set(legs.flat_by[~first].astype(str)) == {"2024-02-28"}
    assert notes == (
        "TS: 1 pairs were last quoted before their flat-by session, and positions are closed there:"
        " TS2312-TS2403 on 2023-11-27 before 2023-11-29",
    )


def test_the_last_pair_may_end_with_the_data() -> None:
    """Its position stays open: the end of the data decides nothing."""
    panels = [panel(PAIRS[0]), panel(PAIRS[1], quoted_until=date(2024, 1, 5))]
    legs, notes = front_legs(panels, date(2023, 9, 1), date(2024, 3, 1))
    assert legs.flat_by[-1] == np.datetime64("2024-02-28")
    assert not legs.must_be_flat[-1]
    assert notes == ()


def test_a_range_without_a_row_is_refused() -> None:
    with pytest.raises(MarketError, match="TS: no pair was quoted in front from 2025-01-02 to 2025-02-03"):
        front_legs([panel(PAIRS[0])], date(2025, 1, 2), date(2025, 2, 3))
