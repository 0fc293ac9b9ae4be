"""An outlook: sessions that are missed, outcomes that are due, and a last close without a window."""

import runpy
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tenor.errors import MarketError
from tenor.factor.compute_universe import compute_universe
from tenor.factor.label import Target
from tenor.factor.stock_windows import stock_windows
from tenor.factor.technical import Return
from tenor.factor.universe import build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import Market
from tenor.model.frozen import FrozenModels
from tenor.outlook import missed_sessions, outlook

stocks: Callable[..., Market] = runpy.run_path(str(Path(__file__).parent / "factor" / "stock_market.py"))["stocks"]
DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 3, 28)).tolist()


@pytest.mark.parametrize(
    ("as_of", "today", "missed"),
    [
        (date(2024, 1, 5), date(2024, 1, 5), 0),
        (date(2024, 1, 5), date(2024, 1, 7), 0),  # a weekend
        (date(2024, 1, 5), date(2024, 1, 8), 1),
        (date(2024, 1, 12), date(2024, 1, 16), 1),  # Martin Luther King day between
        (date(2024, 1, 8), date(2024, 1, 5), 0),
    ],
)
def test_missed_sessions_are_those_of_the_exchange(as_of: date, today: date, missed: int) -> None:
    assert missed_sessions(exchange("XNYS"), as_of, today) == missed


def test_a_last_close_without_a_window_is_refused_with_what_is_there() -> None:
    closes = {day: 100.0 + number % 7 for number, day in enumerate(DAYS)}
    members = [("IDX", "AAA", DAYS[0], True), ("IDX", "AAA", DAYS[-1], False)]
    universe = build_universe(stocks({"AAA": closes}, members=members), ("AAA",), members="IDX")
    columns, rows = compute_universe([Return()], universe)
    windows, _ = stock_windows(universe, columns, rows, length=3, target=Target())
    nobody = FrozenModels((), (), (), (), ())
    with pytest.raises(MarketError, match=f"no window ends on its last session {DAYS[-1]}, its last window ends on"):
        outlook(universe, windows, nobody, "AAA", today=DAYS[-1])
    none = windows.take(np.zeros(len(windows), dtype=bool))
    with pytest.raises(MarketError, match=f"{len(DAYS)} sessions are held"):
        outlook(universe, none, nobody, "AAA", today=DAYS[-1])
