"""The figure of a comparison: how often each model was right in each run, with its interval."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from tenor.report.style import BLUE, GREEN, ORANGE, PURPLE, SKY, TEXT, VERMILLION, finished, label, legend, rounded
from tenor.report.text import percent

_LOOKS = (
    (BLUE, "circle"),
    (VERMILLION, "square"),
    (GREEN, "diamond"),
    (PURPLE, "x"),
    (ORANGE, "triangle-up"),
    (SKY, "star"),
)


def right_by_run(answer: Mapping[str, Any]) -> go.Figure:
    """Draw accuracies with intervals: a row for each model, a colour and a mark for each run."""
    models = list(dict.fromkeys(one["model"] for one in answer["scores"]))[::-1]
    names = [run["run"] for run in answer["runs"]]
    figure = go.Figure()
    for at, name in enumerate(names):
        mine = {one["model"]: one["accuracy"] for one in answer["scores"] if one["run"] == name}
        held = [model for model in models if model in mine and mine[model]["mean"] is not None]
        means = [100 * mine[model]["mean"] for model in held]
        low, high = ([100 * (mine[model][edge] or mine[model]["mean"]) for model in held] for edge in ("low", "high"))
        colour, symbol = _LOOKS[at % len(_LOOKS)]
        figure.add_scatter(
            x=rounded(means),
            y=[models.index(model) + 0.18 * ((len(names) - 1) / 2 - at) for model in held],
            mode="markers",
            name=label(name),
            marker={"color": colour, "symbol": symbol, "size": 9},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rounded([edge - mean for edge, mean in zip(high, means, strict=True)]),
                "arrayminus": rounded([mean - edge for edge, mean in zip(low, means, strict=True)]),
                "color": colour,
                "thickness": 1.8,
                "width": 4,
            },
            text=[f"{label(model)}: {percent(mean / 100)}" for model, mean in zip(held, means, strict=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    figure.add_vline(x=50, line={"color": TEXT, "width": 1.2, "dash": "dash"})
    finished(figure, height=110 + 46 * len(models), legend=legend(yanchor="bottom", y=1.02))
    figure.update_xaxes(title_text="right calls, %", tickangle=0)
    figure.update_yaxes(tickvals=list(range(len(models))), ticktext=[label(model) for model in models])
    return figure
