"""Two sources of the same prices, side by side: where they agree, and by how much they do not.

Three instances. Two providers round to the cent: the worst difference of a close is 0.01. One is adjusted for a split
and the other is as traded: closes are apart by a factor until the split, and the returns after adjustment agree. One
lacks a Friday: a day is in the other only.
"""

import polars as pl

from tenor.errors import MarketError
from tenor.market.market import Market

SCHEMA = pl.Schema(
    {
        "code": pl.String,
        "days": pl.Int64,
        "only_first": pl.Int64,
        "only_second": pl.Int64,
        "close_worst": pl.Float64,
        "close_worst_on": pl.Date,
        "close_over": pl.Int64,
        "return_worst": pl.Float64,
        "return_worst_on": pl.Date,
        "return_over": pl.Int64,
    }
)
"""Columns of :func:`reconcile`."""


def reconcile(first: Market, second: Market, *, tolerance: float = 0.001) -> pl.DataFrame:
    """Compare the quotes that two markets have of the same codes.

    Parameters
    ----------
    first, second
        The markets.
    tolerance
        A fraction: closes and returns further apart than this are counted.

    Returns
    -------
    DataFrame
        In columns ``SCHEMA``, one row for each code of both, sorted: days that both have, days between the first and
        the last of these that one has alone, the worst relative difference of the close with its day, how many days
        are over the tolerance, and the same of the return from the day before (of both) after adjustment, as a
        difference of decimals.

    Raises
    ------
    MarketError
        If the two have no code in common, or the tolerance is negative.
    """
    if not tolerance >= 0:
        raise MarketError(f"tolerance {tolerance}; it is a fraction of 0 or more")
    common = sorted(set(first.codes()) & set(second.codes()))
    if not common:
        raise MarketError(
            f"{first.name!r} and {second.name!r} have no code in common: {list(first.codes()[:5])} and"
            f" {list(second.codes()[:5])}"
        )
    return pl.DataFrame([_compared(code, first, second, tolerance) for code in common], schema=SCHEMA)


def _compared(code: str, first: Market, second: Market, tolerance: float) -> dict[str, object]:
    one, other = _adjusted(code, first), _adjusted(code, second)
    both = one.join(other, on="date", how="inner", suffix=" other").sort("date")
    nothing = {"code": code, "days": both.height, "only_first": one.height, "only_second": other.height}
    if both.is_empty():
        return {**nothing, "close_over": 0, "return_over": 0}
    since, until = both["date"][0], both["date"][-1]
    alone = [
        side.filter(pl.col("date").is_between(since, until)).join(both, on="date", how="anti").height
        for side in (one, other)
    ]
    moves = [(pl.col(name) / pl.col(name).shift(1) - 1) for name in ("adjusted", "adjusted other")]
    apart = both.select(
        "date",
        (pl.col("close") / pl.col("close other") - 1).abs().alias("close"),
        (moves[0] - moves[1]).abs().alias("return"),
    )
    found: dict[str, object] = {**nothing, "only_first": alone[0], "only_second": alone[1]}
    for name in ("close", "return"):
        known = apart.drop_nulls(name).sort(name, "date", descending=[True, False])
        found[f"{name}_worst"] = known[name][0] if known.height else None
        found[f"{name}_worst_on"] = known["date"][0] if known.height and known[name][0] > 0 else None
        found[f"{name}_over"] = known.filter(pl.col(name) > tolerance).height
    return found


def _adjusted(code: str, market: Market) -> pl.DataFrame:
    """Date, close and close times factor of every quote with a close."""
    closes = market.quotes.filter((pl.col("code") == code) & pl.col("close").is_not_null()).select("date", "close")
    factors = market.adjustments.filter(pl.col("code") == code).select("date", "factor").sort("date")
    joined = closes.sort("date").join_asof(factors, on="date")
    return joined.with_columns((pl.col("close") * pl.col("factor").fill_null(1.0)).alias("adjusted"))
