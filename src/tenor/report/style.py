"""How figures look: one colour per model on every figure, mid-grey axes, nothing behind them.

The colours are those of Okabe and Ito (2008), told apart with any of the common colour blindnesses; symbols
and dashes say the same again. Backgrounds are transparent and text is a grey that can be read on white and on
near-black, so a figure is legible wherever it is put; the page's script sharpens the greys once it knows
which it is.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, VERMILLION, PURPLE, GREY = "#E69F00", "#D55E00", "#CC79A7", "#8C8C8C"
TEXT, GRID = "#7a8088", "rgba(128,128,128,0.22)"
CLEAR = "rgba(0,0,0,0)"

CONFIG = {
    "displaylogo": False,
    "responsive": True,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
"""How every face shows a figure. Plotly's own default has a button that sends charts to a public server."""

_KNOWN = {
    "lstm": BLUE,
    "dnn": VERMILLION,
    "reversal": GREEN,
    "momentum": PURPLE,
    "majority": GREY,
    "logistic": ORANGE,
    "lightgbm": SKY,
    "random_walk": "#5b5b5b",
    "gru": "#7b61c9",
    "alstm": "#b2912f",
    "transformer": "#c2385f",
}
_OTHERS = ("#b2912f", "#7b61c9", "#c2385f", "#3f8f8b", "#8a6d5b")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon", "triangle-down")


def colours(models: Sequence[str]) -> dict[str, str]:
    """Give every model its colour; a model without one of its own takes the next free one."""
    others = [name for name in models if name not in _KNOWN]
    free = {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)}
    return {name: _KNOWN.get(name) or free[name] for name in models}


def symbols(models: Sequence[str]) -> dict[str, str]:
    """Give every model its marker."""
    return {name: _SYMBOLS[place % len(_SYMBOLS)] for place, name in enumerate(models)}


def shade(colour: str, opacity: float) -> str:
    """Return ``colour`` (``#rrggbb``) as ``rgba`` with ``opacity``."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def label(text: str) -> str:
    """Return ``text`` for a figure: plotly reads tags in every text, so a name must not contain one."""
    return escape(text)


def rounded(values: ArrayLike, digits: int = 4) -> list[float | None]:
    """Round to what a figure can show; a number that is not finite is a gap."""
    array = np.round(np.asarray(values, dtype=np.float64), digits) + 0.0
    return [value if finite else None for value, finite in zip(array.tolist(), np.isfinite(array), strict=True)]


def days(sessions: ArrayLike) -> list[str]:
    """Return sessions as ISO dates."""
    return [str(day) for day in np.asarray(sessions, dtype="datetime64[D]")]


def finished(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """Set what all figures share, then what is particular to this one."""
    figure.update_layout(
        template=None,
        height=height,
        autosize=True,
        margin={"l": 56, "r": 12, "t": 24, "b": 44},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        font={
            "family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
            "size": 12.5,
            "color": TEXT,
        },
        legend=legend(yanchor="bottom", y=1.02),
        hoverlabel={"align": "left"},
        modebar={"bgcolor": CLEAR, "color": TEXT, "activecolor": BLUE},
    )
    grid: dict[str, Any] = {
        "gridcolor": GRID,
        "zerolinecolor": TEXT,
        "zerolinewidth": 1,
        "linecolor": GRID,
        "automargin": True,
    }
    grid["title"] = {"font": {"size": 12.5}, "standoff": 8}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    figure.update_layout(**layout)
    return figure


def legend(title: str = "", **place: Any) -> dict[str, Any]:
    """Return a legend that lies flat; a click shows or hides a model with everything that belongs to it."""
    return {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "groupclick": "togglegroup",
        "bgcolor": CLEAR,
        "title": {"text": title, "font": {"size": 12.5}},
        **place,
    }
