"""The table of one strategy: what it says, what it refuses, and that Parquet keeps it."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.decide.backtest import Backtest, backtest
from tenor.decide.costs import Costs
from tenor.decide.ledger import LEDGER, ledger
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.decide.sizer import SignSizer
from tenor.errors import MarketError


@pytest.fixture(scope="module")
def result() -> Backtest:
    days = np.array(["2019-03-04", "2019-03-05", "2019-03-06"], dtype="datetime64[D]")
    legs = Legs(
        product="T",
        sessions=days,
        pair=np.array(["T1906-T1909"] * 3),
        near_close=np.array([97.0, 97.25, 97.0]),
        far_close=np.array([97.0, 97.0, 97.0]),
        near_open=np.full(3, np.nan),
        far_open=np.full(3, np.nan),
        flat_by=days[[2, 2, 2]],
        tick=0.005,
        multiplier=10_000.0,
        margin_rate=0.02,
        fee=3.0,
    )
    p_up = np.array([[0.9, np.nan, 0.2], [0.2, 0.1, 0.2]])
    costs, limits = Costs(slippage_ticks=0.5, fee="exchange"), Limits(max_pairs=2, lots="nearest")
    return backtest(p_up, legs, SignSizer(), fill="same_close", costs=costs, limits=limits)


def test_every_column_of_a_hand_worked_strategy(result: Backtest) -> None:
    expected = {
        "session": [date(2019, 3, 4), date(2019, 3, 5), date(2019, 3, 6)],
        "product": ["T"] * 3,
        "pair": ["T1906-T1909"] * 3,
        "fill": ["same_close"] * 3,
        "p_up": [0.9, None, 0.2],
        "target": [1.0, 0.0, -1.0],
        "position": [2.0, 0.0, 0.0],
        "traded": [2.0, -2.0, 0.0],
        "must_be_flat": [False, False, True],
        "points": [0.0, 0.5, 0.0],
        "gross": [0.0, 5000.0, 0.0],
        "cost": [112.0, 112.0, 0.0],
        "net": [-112.0, 4888.0, 0.0],
        "margin": [38_800.0, 0.0, 0.0],
        "capital": [38_800.0, 38_800.0, 38_900.0],
    }
    rows = ledger(result, (0,))
    assert rows.schema == LEDGER
    found = rows.to_dict(as_series=False)
    for column, values in expected.items():
        assert found[column] == pytest.approx(values), column


def test_strategies_are_picked_by_index(result: Backtest) -> None:
    assert ledger(result, (1,))["position"].to_list() == [-2.0, -2.0, 0.0]
    for wrong in ((), (2,), (-1,), (0, 0)):
        with pytest.raises(MarketError, match="give an index for each leading axis"):
            ledger(result, wrong)


def test_parquet_keeps_it(result: Backtest, tmp_path: Path) -> None:
    rows = ledger(result, (0,))
    rows.write_parquet(tmp_path / "ledger.parquet")
    kept = pl.read_parquet(tmp_path / "ledger.parquet")
    assert kept.schema == LEDGER
    assert kept.equals(rows)
