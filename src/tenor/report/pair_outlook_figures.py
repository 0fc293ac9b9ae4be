"""The figure of an outlook on a calendar spread: where it was, and how far an average session takes it."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from tenor.report.pair_outlook_text import NAIVE, points
from tenor.report.style import BLUE, PURPLE, TEXT, finished, label, legend, rounded
from tenor.report.text import short_day

SHOWN = 60
"""Sessions of the past that a figure shows."""


def spread_ahead(outlook: Mapping[str, Any]) -> go.Figure:
    """Draw the pair's spread over its last sessions, the naive line, and the mean size of a session's move."""
    sessions = outlook["recent"]["session"][-SHOWN:]
    spread = outlook["recent"]["spread"][-SHOWN:]
    past, ahead = list(range(1 - len(sessions), 1)), 1
    move = outlook["expected_move"]
    figure = go.Figure()
    figure.add_scatter(
        x=past,
        y=rounded(spread),
        mode="lines+markers",
        name=label(outlook["pair"]),
        line={"color": BLUE, "width": 1.8},
        marker={"size": 4},
        text=sessions,
        hovertemplate="%{text}<br>%{y} points<extra></extra>",
    )
    figure.add_scatter(
        x=[0, ahead],
        y=rounded([outlook["spread"], outlook["spread"]]),
        mode="lines",
        name=NAIVE,
        line={"color": TEXT, "dash": "dash", "width": 1.6},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[ahead],
        y=rounded([outlook["spread"]]),
        mode="markers",
        name="mean size of a move",
        marker={"color": PURPLE, "size": 8, "symbol": "diamond"},
        error_y={"type": "data", "array": rounded([move]), "color": PURPLE, "thickness": 2.5, "width": 6},
        hovertemplate=f"± {points(outlook, move)} points<extra>mean size of a move in train</extra>",
    )
    finished(figure, height=340, legend=legend(yanchor="bottom", y=1.02))
    ticks = past[:: -max(len(past) // 3, 1)][::-1]
    named = [short_day(sessions[at - 1]) for at in ticks]
    figure.update_xaxes(tickvals=ticks, ticktext=named, range=[past[0] - 1, ahead + 1], tickangle=0)
    figure.update_yaxes(title_text="spread, points")
    return figure
