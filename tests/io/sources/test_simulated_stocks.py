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
    gone, day = DELISTED
    assert whole().quotes_of(gone)["date"].max() == day
    members = whole().members.filter(pl.col("code") == gone).select("universe", "date", "member").rows()
    assert members[-1] == (UNIVERSE, day, False)


@pytest.mark.parametrize(("signal", "low", "high"), [(0.0, -0.08, 0.08), (0.4, -0.45, -0.15)])
def test_the_signal_is_as_strong_as_is_said(signal: float, low: float, high: float) -> None:
    """What is left of a stock once the market is out goes against what was left the day before."""
    market = SimulatedStocks(products=("KO", "JPM", "MSFT", "SPX"), signal=signal).read()
    universe = build_universe(market, ("KO", "JPM", "MSFT", "SPX"))
    moves = [np.diff(np.log(universe.fields[CLOSE][universe.rows(code)])) for code in universe.codes]
    for own in moves[:3]:
        beta = np.cov(own, moves[3])[0, 1] / moves[3].var()
        left = own - beta * moves[3]
        found = float(np.corrcoef(left[1:], left[:-1])[0, 1])
        assert low <= found <= high


def test_volatility_clusters() -> None:
    universe = build_universe(whole(), ("SPX",))
    size = np.abs(np.diff(np.log(universe.fields[CLOSE])))
    assert np.corrcoef(size[5:], size[:-5])[0, 1] > 0.05


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(MarketError, match="no simulated instrument 'APPL'; did you mean 'AAPL'"):
        SimulatedStocks(products=("APPL",)).read()
    with pytest.raises(StudyError, match="they ascend, from 2004-01-02 on"):
        SimulatedStocks(first=date(2003, 1, 2))
