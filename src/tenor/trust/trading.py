"""What the positions earned: every forecast traded under every position rule and fill, and scored.

Products are added up by session: their money, and the margin that stays committed to each between its first and its
last session.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tenor.decide.backtest import Backtest, Fill, backtest
from tenor.decide.ledger import ledger
from tenor.decide.legs import Legs
from tenor.decide.position import Probability, Sign
from tenor.decide.sizer import Learned
from tenor.model.forecast import Forecast
from tenor.progress import Progress
from tenor.trust import significance
from tenor.trust.evaluation import ALL, Earned, Equity, Terms, over_seeds, with_interval
from tenor.trust.score import return_scores
from tenor.trust.walk_forward import WalkForwardRun
from tenor.units import Bools, Dates, Floats, Ints

MONEY = (
    "sharpe_gross",
    "sharpe",
    "annual_return_gross",
    "annual_return",
    "volatility",
    "max_drawdown",
    "calmar",
    "hit_rate",
    "total_gross",
    "total",
    "annual",
    "turnover",
    "break_even_cost",
)


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """Daily money of one model, position and fill, all products together.

    ``net``, ``gross``, ``legs`` and ``held`` are ``(seed, session)``, ``capital`` is ``(session,)``.
    """

    net: Floats
    gross: Floats
    capital: Floats
    legs: Floats
    held: Bools

    @property
    def returns(self) -> Floats:
        """Net money on capital, ``(seed, session)``."""
        return self.net / self.capital

    @property
    def returns_gross(self) -> Floats:
        """Money before costs on capital, ``(seed, session)``."""
        return self.gross / self.capital


@dataclass(frozen=True, slots=True, eq=False)
class Trade:
    """One model under one position rule and fill: a backtest per product, and their sum."""

    forecast: Forecast
    position: str
    fill: Fill
    results: tuple[Backtest, ...]
    money: Money


def trades(
    said: WalkForwardRun,
    forecasts: Sequence[Forecast],
    legs: Sequence[Legs],
    sessions: Dates,
    terms: Terms,
    watch: Progress,
) -> list[Trade]:
    """Backtest every position rule and fill, all models and seeds of a product side by side."""
    cells = [(position, fill) for position in terms.positions for fill in terms.fills]
    stops = np.cumsum([len(forecast.seeds) for forecast in forecasts])
    by_model: dict[str, list[Trade]] = {forecast.model: [] for forecast in forecasts}
    for number, (position, fill) in enumerate(cells):
        every = [_trade(said, forecasts, part, position, fill, terms) for part in legs]
        for forecast, stop in zip(forecasts, stops, strict=True):
            results = tuple(result.strategies(slice(stop - len(forecast.seeds), stop)) for result in every)
            trade = Trade(forecast, position.name, fill, results, pool(results, sessions))
            by_model[forecast.model].append(trade)
        watch("backtest", number + 1, len(cells))
    return [trade for trades in by_model.values() for trade in trades]


def _trade(
    said: WalkForwardRun,
    forecasts: Sequence[Forecast],
    legs: Legs,
    position: Sign | Probability,
    fill: Fill,
    terms: Terms,
) -> Backtest:
    """Backtest every model and seed on one product; sessions without a decision have no forecast."""
    mine = said.test.product == legs.product
    place = np.searchsorted(legs.sessions, said.test.session[mine])
    shape = (sum(len(forecast.seeds) for forecast in forecasts), len(legs))
    up, scale, move = np.full(shape, np.nan), np.full(shape, np.nan), np.full(len(legs), np.nan)
    up[:, place] = np.concatenate([forecast.up[:, mine] for forecast in forecasts])
    full = np.concatenate([forecast.scale[:, mine] for forecast in forecasts])
    scale[:, place] = np.maximum(full, max(position.least_scale, np.finfo(float).tiny))
    move[place] = said.expected_move[mine]
    return backtest(
        up,
        legs,
        position.sizer(),
        fill=fill,
        costs=terms.costs,
        limits=terms.limits,
        learned=Learned(scale, move),
    )


def pool(results: Sequence[Backtest], sessions: Dates) -> Money:
    """Add products up by session; a product's capital stays committed between its first and last session."""
    seeds = results[0].net.shape[0]
    net, gross, legs = (np.zeros((seeds, len(sessions))) for _ in range(3))
    held = np.zeros((seeds, len(sessions)), dtype=bool)
    capital = np.zeros(len(sessions))
    for result in results:
        at = np.searchsorted(sessions, result.legs.sessions)
        net[:, at] += result.net
        gross[:, at] += result.gross
        legs[:, at] += 2 * np.abs(result.traded) / result.limits.max_pairs
        before = np.concatenate([np.zeros((seeds, 1)), result.position[:, :-1]], axis=1)
        held[:, at] |= (before != 0) | (result.position != 0)
        between = np.arange(at[0], at[-1] + 1)
        capital[between] += result.capital[np.searchsorted(at, between, side="right") - 1]
    return Money(net, gross, capital, legs, held)


def _while_quoted(result: Backtest, sessions: Dates) -> Dates:
    """The study's sessions from a product's first to its last."""
    first, last = np.searchsorted(sessions, result.legs.sessions[[0, -1]])
    return sessions[first : last + 1]


def equity(model: str, money: Money) -> Equity:
    """Cumulate daily returns on margin."""
    return Equity(
        model,
        np.cumsum(money.returns, axis=1),
        np.cumsum(money.returns_gross.mean(axis=0)),
    )


def tabulate(trade: Trade, result: Backtest) -> pl.DataFrame:
    """One product of a trade as ledger rows, one strategy for each seed."""
    keys = [pl.lit(trade.forecast.model).alias("model"), pl.lit(trade.position).alias("position_rule")]
    return pl.concat(
        ledger(result, (number,)).with_columns(*keys, pl.lit(seed, dtype=pl.Int64).alias("seed"))
        for number, seed in enumerate(trade.forecast.seeds)
    )


def score_trades(trades: Sequence[Trade], sessions: Dates, days: Ints, terms: Terms) -> tuple[Earned, ...]:
    """Score every trade, pooled (with intervals) and by product."""
    intervals = {}
    for name in ("returns", "returns_gross"):
        estimate, draws = significance.seed_sharpe(
            [getattr(trade.money, name) for trade in trades], days, sessions_per_year=terms.sessions_per_year
        )
        intervals[name.replace("returns", "sharpe")] = significance.interval_of(estimate, draws, terms.level)
    out = []
    for number, trade in enumerate(trades):
        scopes = {ALL: trade.money}
        if len(trade.results) > 1:
            scopes |= {r.legs.product: pool([r], _while_quoted(r, sessions)) for r in trade.results}
        for scope, money in scopes.items():
            scored = return_scores(
                money.net,
                money.gross,
                money.capital,
                money.legs,
                money.held,
                sessions_per_year=terms.sessions_per_year,
            )
            scores = {name: over_seeds(getattr(scored, name)) for name in MONEY}
            if scope == ALL:
                scores |= {name: with_interval(scores[name], found, number) for name, found in intervals.items()}
            missing = sum(int(r.no_forecast.max()) for r in trade.results if scope in (ALL, r.legs.product))
            seeds = len(trade.forecast.seeds)
            keys = (trade.forecast.model, trade.position, trade.fill, scope, seeds)
            out.append(Earned(*keys, scores, missing, dict(scored.undefined)))
    return tuple(out)
