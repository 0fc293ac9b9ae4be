"""Figures of a market as it is: candles with volume, a spread over its legs, the term structure, curves now and then.

They take tables of a :class:`tenor.market.market.Market` and leave gaps where nothing is known.
"""

from collections.abc import Sequence
from datetime import date

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenor.report.style import BLUE, CLEAR, GREY, SKY, VERMILLION, finished, label, legend, rounded

SHOWN = 250
"""Sessions that a figure shows."""


def candles(quotes: pl.DataFrame, currency: str) -> go.Figure:
    """Candles over volume: up hollow and blue, down filled and red.

    Parameters
    ----------
    quotes
        ``date``, ``open``, ``high``, ``low``, ``close``, ``volume``, sorted by date; the last ``SHOWN`` are drawn.
    currency
        What prices are in.
    """
    shown = quotes.tail(SHOWN)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.04)
    x = _days(shown["date"])
    figure.add_candlestick(
        x=x,
        **{name: rounded(shown[name].to_numpy(), 6) for name in ("open", "high", "low", "close")},
        name="quoted",
        increasing={"line": {"color": BLUE, "width": 1}, "fillcolor": CLEAR},
        decreasing={"line": {"color": VERMILLION, "width": 1}, "fillcolor": VERMILLION},
        showlegend=False,
        row=1,
        col=1,
    )
    figure.add_bar(
        x=x,
        y=rounded(shown["volume"].to_numpy(), 6),
        name="volume",
        marker={"color": GREY},
        showlegend=False,
        row=2,
        col=1,
    )
    finished(figure, height=460)
    figure.update_xaxes(rangeslider={"visible": False}, type="category", nticks=6, tickangle=0)
    figure.update_yaxes(title_text=label(currency), row=1, col=1)
    figure.update_yaxes(title_text="volume", row=2, col=1)
    return figure


def spread_over_legs(spread: pl.DataFrame, near: pl.DataFrame, far: pl.DataFrame) -> go.Figure:
    """A calendar spread above the closes of its two legs; lines of different pairs are not joined.

    Parameters
    ----------
    spread
        ``session``, ``pair``, ``spread``; the last ``SHOWN`` sessions are drawn.
    near, far
        ``date`` and ``close`` of the legs of the last pair.
    """
    shown = spread.tail(SHOWN)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.5, 0.5], vertical_spacing=0.06)
    pairs = shown["pair"].unique(maintain_order=True).to_list()
    for place, pair in enumerate(pairs):
        mine = shown.filter(pl.col("pair") == pair)
        colour = BLUE if (len(pairs) - place) % 2 else SKY
        figure.add_scatter(
            x=_days(mine["session"]),
            y=rounded(mine["spread"].to_numpy(), 6),
            mode="lines",
            name=label(pair),
            line={"color": colour, "width": 1.6},
            row=1,
            col=1,
        )
    first = shown["session"][0] if shown.height else date.max
    for frame, name, colour, dash in ((near, "near leg", BLUE, "solid"), (far, "far leg", VERMILLION, "dash")):
        mine = frame.filter(pl.col("date") >= first)
        figure.add_scatter(
            x=_days(mine["date"]),
            y=rounded(mine["close"].to_numpy(), 6),
            mode="lines",
            name=name,
            line={"color": colour, "width": 1.6, "dash": dash},
            row=2,
            col=1,
        )
    finished(figure, height=460, legend=legend(yanchor="bottom", y=1.02))
    figure.update_yaxes(title_text="spread, points", row=1, col=1)
    figure.update_yaxes(title_text="close, points", row=2, col=1)
    return figure


def term_structure(quotes: pl.DataFrame) -> go.Figure:
    """Closes of one session by contract, ``code`` and ``close``, nearest first."""
    figure = go.Figure()
    figure.add_scatter(
        x=[label(code) for code in quotes["code"].to_list()],
        y=rounded(quotes["close"].to_numpy(), 6),
        mode="lines+markers",
        line={"color": BLUE},
        marker={"size": 9},
        showlegend=False,
        name="close",
    )
    finished(figure, height=300)
    figure.update_yaxes(title_text="close, points")
    figure.update_xaxes(type="category", tickangle=0)
    return figure


def curves(curve: pl.DataFrame, days: Sequence[date]) -> go.Figure:
    """A yield curve on several days: ``date``, ``tenor`` in years, ``rate`` as a decimal; the first day stands out."""
    figure = go.Figure()
    for place, day in enumerate(days):
        mine = curve.filter(pl.col("date") == day).sort("tenor")
        figure.add_scatter(
            x=mine["tenor"].to_list(),
            y=rounded(100.0 * mine["rate"].to_numpy(), 6),
            mode="lines+markers",
            name=day.isoformat(),
            line={"color": (BLUE, VERMILLION, GREY)[place % 3], "width": 2.4 if place == 0 else 1.4},
            marker={"symbol": ("circle", "square", "diamond")[place % 3]},
        )
    finished(figure, height=340, legend=legend(yanchor="bottom", y=1.02))
    figure.update_xaxes(title_text="years")
    figure.update_yaxes(title_text="yield, %")
    return figure


def _days(column: pl.Series) -> list[str]:
    return [day.isoformat() for day in column.to_list()]
