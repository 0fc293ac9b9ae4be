"""The figures of an outlook: where the price was and may go, and how sure each model is of up.

The horizontal axis of prices counts sessions from the last close: holidays leave no hole, and an outcome beyond the
known holidays has its place. Prices are as quoted; what lies ahead are quantiles at the horizons alone, joined by
straight lines.
"""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from tenor.report import outlook_text as words
from tenor.report.style import (
    BLUE,
    CLEAR,
    GREY,
    PURPLE,
    TEXT,
    VERMILLION,
    colours,
    finished,
    label,
    legend,
    rounded,
    shade,
    symbols,
)
from tenor.report.text import percent, short_day

SHOWN = 60
"""Sessions of the past that a figure shows: as many as leave the fan room on a telephone."""
WALK = "random_walk"
"""The model whose range stands beside that of the model quoted first: the usual size of moves."""


def fan(outlook: Mapping[str, Any]) -> go.Figure:
    """Candles of the last sessions, the ranges ahead of the model that is quoted first, and the naive line."""
    figure = go.Figure()
    _candles(figure, outlook)
    one = words.speaker(outlook)
    ahead = [0, *outlook["horizons"]]
    if one["levels"]:
        _ranges(figure, outlook, one, ahead)
    for walk in outlook["models"]:
        if walk["model"] == WALK and walk is not one and len(walk["levels"]) > 1:
            _edges(figure, outlook, walk, ahead)
    figure.add_scatter(
        x=ahead,
        y=[outlook["naive"]] * len(ahead),
        mode="lines",
        name=words.NAIVE,
        line={"color": TEXT, "dash": "dash", "width": 1.6},
        hovertemplate=f"{words.price(outlook, outlook['naive'])}<extra>{words.NAIVE}</extra>",
    )
    days = outlook["recent"]["session"][-SHOWN:]
    past = [place for place in range(-(len(days) - 1), 1) if place % 20 == 0]
    ticks = [*past, ahead[-1]]
    when = outlook["due"][-1]
    last = f"+{ahead[-1]}" if when is None else short_day(when)
    finished(figure, height=430, hovermode="closest", legend=legend(yanchor="bottom", y=1.02))
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[*(short_day(days[place - 1]) for place in past), last],
        rangeslider={"visible": False},
        range=[-len(days), ahead[-1] + 1.5],
        tickangle=0,
    )
    figure.update_yaxes(title_text=label(outlook["currency"]), separatethousands=True)
    return figure


def probabilities(outlook: Mapping[str, Any]) -> go.Figure:
    """What each model says of up: a mark at the mean, and a bar over the range of its seeds."""
    models = words.in_order(outlook)[::-1]
    names = [one["model"] for one in outlook["models"]]
    colour, symbol = colours(names), symbols(names)
    figure = go.Figure()
    for one in models:
        name = one["model"]
        figure.add_scatter(
            x=rounded([100 * one["up"]]),
            y=[label(name)],
            mode="markers",
            name=label(name),
            showlegend=False,
            marker={"color": colour[name], "symbol": symbol[name], "size": 12 if name == outlook["speaks"] else 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rounded([100 * (one["high"] - one["up"])]),
                "arrayminus": rounded([100 * (one["up"] - one["low"])]),
                "color": colour[name],
                "thickness": 2.5 if name == outlook["speaks"] else 1.5,
                "width": 5,
            },
            hovertemplate=f"{words.probability(one)}<extra>{label(name)}</extra>",
        )
    far = max(5.0, *(100 * abs(edge - 0.5) for one in models for edge in (one["low"], one["high"])))
    figure.add_vline(x=50, line={"color": TEXT, "width": 1.2, "dash": "dash"})
    finished(figure, height=90 + 30 * len(models))
    figure.update_xaxes(
        title_text="probability of up, %", range=[max(50 - 1.1 * far, -1), min(50 + 1.1 * far, 101)], tickangle=0
    )
    return figure


def _candles(figure: go.Figure, outlook: Mapping[str, Any]) -> None:
    """Up hollow and blue, down filled and red: told apart without colour too."""
    recent = {name: values[-SHOWN:] for name, values in outlook["recent"].items()}
    days = recent["session"]
    told = [
        f"{day}<br>open {words.price(outlook, first)}<br>high {words.price(outlook, high)}"
        f"<br>low {words.price(outlook, low)}<br>close {words.price(outlook, last)}"
        for day, first, high, low, last in zip(
            days, recent["open"], recent["high"], recent["low"], recent["close"], strict=True
        )
    ]
    figure.add_candlestick(
        x=list(range(1 - len(days), 1)),
        **{name: recent[name] for name in ("open", "high", "low", "close")},
        name="quoted",
        increasing={"line": {"color": BLUE, "width": 1.2}, "fillcolor": CLEAR},
        decreasing={"line": {"color": VERMILLION, "width": 1.2}, "fillcolor": VERMILLION},
        hovertext=told,
        hoverinfo="text",
        showlegend=False,
    )


def _ranges(figure: go.Figure, outlook: Mapping[str, Any], one: Mapping[str, Any], ahead: list[int]) -> None:
    """Bands between each pair of quantiles, darker inwards, and the median."""
    rows = [[outlook["close"]] * len(one["levels"]), *one["prices"]]
    for place, (low, high) in enumerate(words.pairs(one["levels"])):
        covers = f"{words.stated(one, (low, high))} range"
        figure.add_scatter(
            x=[*ahead, *ahead[::-1]],
            y=[*(row[low] for row in rows), *(row[high] for row in rows[::-1])],
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=shade(PURPLE, 0.14 + 0.07 * place),
            name=covers,
            hoverinfo="skip",
        )
    middle = [outlook["close"], *(words.median(one, place) for place in range(len(ahead) - 1))]
    if None in middle:
        return
    told = [
        f"{words.horizon_name(horizon)}: median {words.price(outlook, words.median(one, place))}<br>"
        f"{words.stated(one)} range {words.width(outlook, one, place)}"
        for place, horizon in enumerate(outlook["horizons"])
    ]
    figure.add_scatter(
        x=ahead,
        y=middle,
        mode="lines+markers",
        line={"color": PURPLE, "width": 2},
        marker={"size": [0, *([7] * len(told))]},
        name=f"median of {label(one['model'])}",
        text=["last close", *told],
        hovertemplate="%{text}<extra></extra>",
    )


def _edges(figure: go.Figure, outlook: Mapping[str, Any], walk: Mapping[str, Any], ahead: list[int]) -> None:
    """The outermost quantiles of the random walk, as lines."""
    for at, listed in ((0, True), (-1, False)):
        figure.add_scatter(
            x=ahead,
            y=[outlook["close"], *(row[at] for row in walk["prices"])],
            mode="lines",
            line={"color": GREY, "width": 1.2, "dash": "dot"},
            name=f"{words.stated(walk)} range of a random walk",
            legendgroup=WALK,
            showlegend=listed,
            hovertemplate=f"%{{y}}<extra>random walk, {percent(walk['levels'][at], 0)} quantile</extra>",
        )
