"""Figures of a market: what is drawn is what the tables hold, the last sessions of them, and gaps stay gaps."""

from datetime import date, timedelta

import polars as pl
import pytest

from tenor.report.market_figures import SHOWN, candles, curves, spread_over_legs, term_structure

DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(SHOWN + 10)]


def test_candles_show_the_last_sessions_as_quoted():
    closes = [100.0 + number for number in range(len(DAYS))]
    quotes = pl.DataFrame(
        {"date": DAYS, "open": closes, "high": closes, "low": closes, "close": closes, "volume": [None, *closes[1:]]}
    )
    drawn = candles(quotes, "USD")
    prices, volume = drawn.data
    assert len(prices.x) == SHOWN
    assert prices.x[-1] == DAYS[-1].isoformat()
    assert list(prices.close) == closes[-SHOWN:]
    assert list(volume.y) == closes[-SHOWN:]
    assert candles(quotes.head(3), "USD").data[1].y[0] is None


def test_lines_of_two_pairs_are_not_joined_and_the_legs_are_those_of_the_last():
    spread = pl.DataFrame({"session": DAYS[:4], "pair": ["A-B", "A-B", "B-C", "B-C"], "spread": [0.1, 0.2, 0.5, 0.4]})
    legs = [
        pl.DataFrame({"date": DAYS[:4], "close": values}) for values in ([9.0, 8.0, 7.0, 6.0], [5.0, 5.0, 5.0, 5.0])
    ]
    traces = spread_over_legs(spread, *legs).data
    assert [trace.name for trace in traces] == ["A-B", "B-C", "near leg", "far leg"]
    assert list(traces[0].y) == [0.1, 0.2]
    assert list(traces[1].x) == [day.isoformat() for day in DAYS[2:4]]
    assert list(traces[2].y) == [9.0, 8.0, 7.0, 6.0]


def test_curves_by_day_in_per_cent():
    curve = pl.DataFrame(
        {"date": [DAYS[0]] * 2 + [DAYS[1]] * 2, "tenor": [10.0, 1.0, 1.0, 10.0], "rate": [0.03, 0.01, 0.02, 0.04]}
    )
    now, then = curves(curve, [DAYS[1], DAYS[0]]).data
    assert (now.name, list(now.x), list(now.y)) == (DAYS[1].isoformat(), [1.0, 10.0], pytest.approx([2.0, 4.0]))
    assert list(then.y) == pytest.approx([1.0, 3.0])


def test_a_term_structure_has_its_contracts_in_order():
    (line,) = term_structure(pl.DataFrame({"code": ["T2403", "T2406"], "close": [100.0, 99.5]})).data
    assert (list(line.x), list(line.y)) == (["T2403", "T2406"], [100.0, 99.5])
