"""Decisions of a universe: which stand, what they are labelled, when their outcome is known."""

import runpy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor.errors import SplitError
from tenor.factor.label import Target
from tenor.factor.stock_windows import Decisions, stock_windows
from tenor.factor.universe import CLOSE, Universe, build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.market import Market

stocks: Callable[..., Market] = runpy.run_path(str(Path(__file__).with_name("stock_market.py")))["stocks"]

DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 1, 31)).tolist()


def universe(**more: Any) -> Universe:
    """AAA on six sessions, BBB on four of them from the second."""
    aaa = dict(zip(DAYS[:6], (100.0, 101.0, 99.99, 99.99, 102.0, 103.0), strict=True))
    bbb = dict(zip(DAYS[1:5], (50.0, 49.0, 50.0, 51.0), strict=True))
    return build_universe(stocks({"AAA": aaa, "BBB": bbb}, **more), ("AAA", "BBB"), members=(more and "IDX") or None)


def windows(held: Universe, rows: Any = None, **more: Any) -> Any:
    values = held.fields[CLOSE][:, None] if rows is None else rows
    settings = {"length": 2, "target": Target(horizons=(1, 2)), **more}
    columns = tuple(f"c{number}" for number in range(values.shape[1]))
    return stock_windows(held, columns, values, **settings)


def test_decisions_stand_in_order_of_session_then_instrument() -> None:
    made, left_out = windows(universe())
    assert [(day.item(), code) for day, code in zip(made.session, made.product, strict=True)] == [
        (DAYS[1], "AAA"),
        (DAYS[2], "AAA"),
        (DAYS[2], "BBB"),
        (DAYS[3], "AAA"),
        (DAYS[3], "BBB"),
        (DAYS[4], "AAA"),
        (DAYS[4], "BBB"),
        (DAYS[5], "AAA"),
    ]
    assert {each.rule: each.count for each in left_out} == {
        "outside the asked sessions": 0,
        "not a member on that day": 0,
        "incomplete window": 2,
        "neutral band (kept for trading and scoring)": 1,
    }
    assert made.length == 2
    assert made.rows[made.steps][0].ravel().tolist() == [100.0, 101.0]


def test_each_horizon_is_counted_in_sessions_of_the_instrument() -> None:
    made, _ = windows(universe())
    assert made.horizons == (1, 2)
    mine = made.take(made.product == "BBB")
    np.testing.assert_allclose(mine.ahead[:, 0], [50 / 49 - 1, 51 / 50 - 1, np.nan])
    np.testing.assert_allclose(mine.ahead[:, 1], [51 / 49 - 1, np.nan, np.nan])
    np.testing.assert_array_equal(mine.change, mine.ahead[:, 0])
    assert mine.label.tolist() == [1, 1, -1]
    # everything that the first teaches is known two sessions later, of the others never
    assert mine.resolves.tolist() == [DAYS[4], None, None]


def test_a_session_without_factors_breaks_the_windows_that_hold_it() -> None:
    held = universe()
    rows = np.column_stack([held.fields[CLOSE], held.fields[CLOSE]])
    rows[2, 0] = np.nan
    every, _ = windows(held, rows, complete="every")
    some, _ = windows(held, rows, complete="any")
    assert every.session[every.product == "AAA"].tolist() == [DAYS[1], DAYS[4], DAYS[5]]
    assert some.session[some.product == "AAA"].tolist() == DAYS[1:6]
    rows[2] = np.nan
    broken, _ = windows(held, rows, complete="any")
    assert broken.session[broken.product == "AAA"].tolist() == [DAYS[1], DAYS[4], DAYS[5]]


def test_a_window_never_reaches_into_the_instrument_before() -> None:
    made, _ = windows(universe(), length=4)
    assert made.product.tolist().count("BBB") == 1
    first = made.take(made.product == "BBB")
    assert first.rows[first.steps].ravel().tolist() == [50.0, 49.0, 50.0, 51.0]


def test_only_members_decide_and_only_between_the_asked_sessions() -> None:
    joined = universe(
        members=[("IDX", "AAA", DAYS[2], True), ("IDX", "BBB", DAYS[0], True), ("IDX", "AAA", DAYS[4], False)]
    )
    made, left_out = windows(joined)
    assert made.session[made.product == "AAA"].tolist() == [DAYS[2], DAYS[3]]
    assert {each.rule: each.count for each in left_out}["not a member on that day"] == 4
    asked, _ = windows(joined, between=Decisions(DAYS[3], DAYS[3]))
    assert asked.session.tolist() == [DAYS[3], DAYS[3]]


def test_nothing_left_is_an_error_that_counts_why() -> None:
    with pytest.raises(
        SplitError, match=r"no decision is left of 10 sessions of instruments: .*'incomplete window': 10"
    ):
        windows(universe(), length=7)
