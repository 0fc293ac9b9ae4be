"""The backtest as a table: one row per session, everything that happened on it, ready for Parquet.

The columns add up. ``net`` is ``gross - cost`` on every row, and over a whole ledger it is what the round
trips earned, ``sum of (exit spread - entry spread) * pairs * multiplier``, less their costs.
"""

import numpy as np
import polars as pl

from tenor.decide.backtest import Backtest
from tenor.decide.limits import margin_per_pair
from tenor.errors import MarketError

LEDGER = pl.Schema(
    {
        "session": pl.Date,
        "product": pl.String,
        "pair": pl.String,
        "fill": pl.String,
        "p_up": pl.Float64,
        "target": pl.Float64,
        "position": pl.Float64,
        "traded": pl.Float64,
        "must_be_flat": pl.Boolean,
        "points": pl.Float64,
        "gross": pl.Float64,
        "cost": pl.Float64,
        "net": pl.Float64,
        "margin": pl.Float64,
        "capital": pl.Float64,
    }
)
"""Columns of a ledger. ``p_up`` is null without a forecast; ``position`` and ``traded`` are in pairs;
``points`` is ``gross`` in points of spread times pairs; ``capital`` is null until a close was quoted."""


def ledger(result: Backtest, strategy: tuple[int, ...] = ()) -> pl.DataFrame:
    """Tabulate one strategy of a backtest, session by session.

    Parameters
    ----------
    result
        The backtest.
    strategy
        Index into the leading axes, ``(model, seed)`` for forecasts ``(models, seeds, n)``; empty for a
        single one. The caller adds its own key columns (which model, which seed) and stacks ledgers.

    Returns
    -------
    polars.DataFrame
        ``n`` rows in the schema ``LEDGER``.

    Raises
    ------
    MarketError
        If ``strategy`` does not pick exactly one strategy of the backtest.
    """
    lead = result.position.shape[:-1]
    if len(strategy) != len(lead) or any(not 0 <= i < size for i, size in zip(strategy, lead, strict=True)):
        raise MarketError(f"strategy {strategy} does not pick one of {lead}; give an index for each leading axis")
    legs = result.legs
    held, gross, cost = result.position[strategy], result.gross[strategy], result.cost[strategy]
    columns = {
        "session": legs.sessions,
        "product": [legs.product] * len(legs),
        "pair": legs.pair,
        "fill": [result.fill] * len(legs),
        "p_up": result.p_up[strategy],
        "target": result.target[strategy],
        "position": held,
        "traded": np.diff(held, prepend=0.0),
        "must_be_flat": legs.must_be_flat,
        "points": gross / legs.multiplier,
        "gross": gross,
        "cost": cost,
        "net": gross - cost,
        "margin": np.where(held == 0, 0.0, np.abs(held) * margin_per_pair(legs)),
        "capital": result.capital,
    }
    return pl.DataFrame(columns, schema=LEDGER, nan_to_null=True)
