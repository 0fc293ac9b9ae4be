"""Simulated stocks: later days change nothing, others change nothing, and the planted signal is there or is not."""

from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError, StudyError
from tenor.factor.universe import CLOSE, build_universe
from tenor.io.sources.simulated_stocks import DELISTED, HALT, TICKERS, UNIVERSE, SimulatedStocks
from tenor.market.market import Market


@cache
def whole() -> Market:
    return SimulatedStocks().read()


def test_a_later_last_adds_sessions_and_changes_none() -> None:
    part = SimulatedStocks(last=date(2023, 6, 30)).read()
    for table in ("quotes", "adjustments", "actions", "members"):
        before = getattr(whole(), table).filter(pl.col("date") <= date(2023, 6, 30))
        assert getattr(part, table).equals(before), table


def test_what_is_drawn_depends_on_nobody_else() -> None:
    alone = SimulatedStocks(products=("NVDA",)).read()
    assert alone.quotes.equals(whole().quotes.filter(pl.col("code") == "NVDA"))


def test_an_earlier_first_shows_more_of_the_same_path() -> None:
    longer = SimulatedStocks(products=("KO",), first=date(2010, 1, 4)).read()
    both = longer.quotes.filter(pl.col("date") >= date(2015, 1, 2))
    assert both.equals(whole().quotes.filter(pl.col("code") == "KO"))


def test_every_row_could_be_a_session() -> None:
    quotes = whole().quotes
    assert whole().simulated
    assert sorted(whole().codes()) == sorted(TICKERS)
    assert quotes.filter(pl.col("low") <= 0).is_empty()
    assert quotes.filter(pl.col("high") < pl.max_horizontal("open", "close")).is_empty()
    assert quotes.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()


def test_splits_and_dividends_are_no_moves_of_the_adjusted_price() -> None:
    universe = build_universe(whole(), ("ENRN", "KO", "JPM"))
    actions = whole().actions
    assert actions.filter(pl.col("action") == "split").height >= 1
    assert actions.filter((pl.col("action") == "dividend") & (pl.col("code") == "KO")).height >= 40
    for code in universe.codes:
        close = universe.fields[CLOSE][universe.rows(code)]
        assert np.abs(np.diff(np.log(close))).max() < 0.4


def test_one_is_halted_and_one_is_gone() -> None:
    code, first, last = HALT
    held = whole().quotes_of(code)
    assert held.filter(pl.col("date").is_between(first, last)).is_empty()
    halts = whole().actions.filter(pl.col("action") == "halt").select("code", "date").rows()
    assert halts == [(code, first)]
    gone, day = DELISTED
    assert whole().actions.filter(pl.col("code") == gone).sort("date").select("action", "date").rows()[-1] == (
        "delisting",
        day,
    )
    assert whole().quotes_of(gone)["date"].max() == day
    members = whole().members.filter(pl.col("code") == gone).select("universe", "date", "member").rows()
    assert members[-1] == (UNIVERSE, day, False)


def own_moves(signal: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of every stock since 2004: its moves, and what is left of them once the market is out."""
    market = SimulatedStocks(signal=signal, first=date(2004, 1, 5), last=date(2019, 12, 31)).read()
    codes = [code for code in TICKERS if code not in ("SPX", "SPY", HALT[0])]
    universe = build_universe(market, ("SPX", *codes))
    moves = {code: np.diff(np.log(universe.fields[CLOSE][universe.rows(code)])) for code in universe.codes}
    whole = moves.pop("SPX")
    return [(move, move - np.cov(move, whole)[0, 1] / whole.var(ddof=1) * whole) for move in moves.values()]


@pytest.mark.parametrize("signal", [0.0, 0.25, 0.4])
def test_the_signal_is_as_strong_as_is_said(signal: float) -> None:
    """What is left of a stock goes against what was left the day before, by ``signal``: nine stocks, 4,000 sessions."""
    found = [np.corrcoef(left[1:], left[:-1])[0, 1] for _, left in own_moves(signal)]
    assert np.mean(found) == pytest.approx(-signal, abs=0.035)
    assert max(found) < -signal + 0.08


@pytest.mark.parametrize(("signal", "share"), [(0.0, 0.5), (0.25, 0.556), (0.4, 0.591)])
def test_whoever_sees_the_own_move_is_right_as_often_as_is_said(signal: float, share: float) -> None:
    """``1/2 + asin(signal * sqrt(1/2)) / pi`` for normal moves; fat tails leave a little more."""
    right = [np.mean(np.sign(-left[:-1]) == np.sign(move[1:])) for move, left in own_moves(signal)]
    assert np.mean(right) == pytest.approx(share, abs=0.012)


def test_volatility_clusters() -> None:
    universe = build_universe(whole(), ("SPX",))
    size = np.abs(np.diff(np.log(universe.fields[CLOSE])))
    assert np.corrcoef(size[5:], size[:-5])[0, 1] > 0.05


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(MarketError, match="no simulated instrument 'APPL'; did you mean 'AAPL'"):
        SimulatedStocks(products=("APPL",)).read()
    with pytest.raises(StudyError, match="they ascend, from 2004-01-02 on"):
        SimulatedStocks(first=date(2003, 1, 2))
