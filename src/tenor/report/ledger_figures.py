"""Figures of a kept ledger: what each model earned, before and after costs, with the band of its seeds, and its fall.

A run keeps every session of every backtest (``ledger.parquet``); these figures need nothing else, so they can be drawn
of any run at any time. Returns are parts of the day's capital and are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenor.report.style import GREY, colours, finished, label, legend, rounded, shade


@dataclass(frozen=True, slots=True)
class Way:
    """How forecasts were held and filled: a position rule or a portfolio, and a fill."""

    rule: str
    fill: str


def ways(ledger: pl.DataFrame) -> tuple[Way, ...]:
    """Return the ways that a ledger holds, in its order; none of a run in which nothing is traded."""
    if "fill" not in ledger.columns:
        return ()
    rule = _rule(ledger)
    held = ledger.select(rule, "fill").unique(maintain_order=True)
    return tuple(Way(*row) for row in held.iter_rows())


def of_way(ledger: pl.DataFrame, way: Way) -> pl.DataFrame:
    """Return the rows of one way."""
    return ledger.filter((pl.col(_rule(ledger)) == way.rule) & (pl.col("fill") == way.fill))


def returns(ledger: pl.DataFrame, way: Way) -> pl.DataFrame:
    """Return daily returns of one way: ``session``, ``model``, ``seed``, ``net``, ``gross``, sorted by session.

    A ledger of pairs has money by product and seed, which is pooled over products as the scores are: the capital of a
    product stays committed between its first and last session. One of stocks has the mean over seeds already, and its
    ``seed`` is 0.
    """
    mine = of_way(ledger, way)
    if "capital" not in ledger.columns:
        return mine.select("session", "model", pl.lit(0, dtype=pl.Int64).alias("seed"), "net", "gross").sort("session")
    pooled = mine.group_by("session", "model", "seed", maintain_order=True).agg(pl.col("net", "gross").sum())
    return (
        pooled.join(_capital(mine), on="session", how="left", maintain_order="left")
        .select("session", "model", "seed", pl.col("net") / pl.col("capital"), pl.col("gross") / pl.col("capital"))
        .sort("session")
    )


def _capital(mine: pl.DataFrame) -> pl.DataFrame:
    """Add up the capital of every product by session, the last that was known where a product has no row."""
    known = mine.group_by("session", "product").agg(pl.col("capital").first())
    sessions, products = (known.select(pl.col(name).unique()) for name in ("session", "product"))
    every = sessions.join(products, how="cross").join(known, on=["session", "product"], how="left")
    held = every.sort("product", "session").with_columns(
        pl.col("capital").forward_fill().over("product"),
        pl.col("capital").backward_fill().over("product").is_not_null().alias("open"),
    )
    return held.filter("open").group_by("session").agg(pl.col("capital").sum())


def curve_of(daily: pl.DataFrame) -> pl.DataFrame:
    """Add up the returns of one model: ``session``, ``mean`` over seeds after costs, ``low``, ``high``, ``gross``."""
    return (
        daily.with_columns(pl.col("net", "gross").cum_sum().over("seed", order_by="session"))
        .group_by("session")
        .agg(
            pl.col("net").mean().alias("mean"),
            pl.col("net").min().alias("low"),
            pl.col("net").max().alias("high"),
            pl.col("gross").mean(),
        )
        .sort("session")
    )


def equity(daily: pl.DataFrame, shown: Sequence[str]) -> go.Figure:
    """Cumulative return of every model: solid after costs with the band of its seeds, dotted before; below, drawdown.

    Parameters
    ----------
    daily
        As :func:`returns` gives it.
    shown
        Models that are drawn at first; the legend brings the others.
    """
    models = daily["model"].unique(maintain_order=True).to_list()
    colour = colours(models)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.05)
    for model in models:
        mine = daily.filter(pl.col("model") == model)
        curve = curve_of(mine)
        x = [day.isoformat() for day in curve["session"].to_list()]
        seen: bool | str = True if model in shown else "legendonly"
        common = {"x": x, "legendgroup": model, "visible": seen}
        if mine["seed"].n_unique() > 1:
            for edge, fill in (("low", None), ("high", "tonexty")):
                figure.add_scatter(
                    **common,
                    y=rounded(100.0 * curve[edge].to_numpy()),
                    mode="lines",
                    line={"width": 0},
                    fill=fill,
                    fillcolor=shade(colour[model], 0.15),
                    hoverinfo="skip",
                    showlegend=False,
                    row=1,
                    col=1,
                )
        net = 100.0 * curve["mean"].to_numpy()
        figure.add_scatter(
            **common,
            y=rounded(net),
            mode="lines",
            name=label(model),
            line={"color": colour[model], "width": 2},
            row=1,
            col=1,
        )
        figure.add_scatter(
            **common,
            y=rounded(100.0 * curve["gross"].to_numpy()),
            mode="lines",
            name=f"{label(model)} before costs",
            line={"color": colour[model], "width": 1.2, "dash": "dot"},
            showlegend=False,
            row=1,
            col=1,
        )
        fall = 100.0 * (curve["mean"] - curve["mean"].cum_max().clip(lower_bound=0.0)).to_numpy()
        figure.add_scatter(
            **common,
            y=rounded(fall),
            mode="lines",
            line={"color": colour[model], "width": 1.2},
            showlegend=False,
            name=f"{label(model)} drawdown",
            row=2,
            col=1,
        )
    finished(figure, height=520, legend=legend(yanchor="bottom", y=1.02))
    figure.add_hline(y=0, line={"color": GREY, "width": 1}, row=1, col=1)
    figure.update_yaxes(title_text="sum of returns, %", row=1, col=1)
    figure.update_yaxes(title_text="drawdown, %", row=2, col=1)
    return figure


def _rule(ledger: pl.DataFrame) -> str:
    return "position_rule" if "position_rule" in ledger.columns else "portfolio"
