"""The figures of a report of stocks: a tear sheet, each a pure function of the report.

What did it earn beside the benchmark, and how much of that was the seed? Which months? Does a high rank mean a high
return, and every month or in one? Are intervals as wide as they say? Who was right more often than always calling the
same side?
"""

from collections.abc import Callable, Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenor.report.stock_report import StockReport
from tenor.report.style import (
    BLUE,
    GREY,
    TEXT,
    VERMILLION,
    colours,
    days,
    finished,
    label,
    legend,
    rounded,
    shade,
    symbols,
)
from tenor.report.text import MONTHS
from tenor.trust.stocks import PortfolioEquity
from tenor.units import Floats


def models_of(report: StockReport) -> list[str]:
    """Models that have scores, in the order of the study."""
    return list(dict.fromkeys(found.model for found in report.evaluation.directions))


def leading(report: StockReport) -> str:
    """The model that stands in front: the one that the study says speaks, else the last that it names."""
    held = models_of(report)
    speaks = report.study.get("speaks")
    return str(speaks) if speaks in held else held[-1]


def equity(report: StockReport) -> go.Figure:
    """Cumulative return of every model and the benchmark, drawdown, turnover and exposure of the model in front."""
    colour = colours(models_of(report))
    x = days(report.evaluation.earned_on)
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, row_heights=[0.62, 0.2, 0.18], vertical_spacing=0.05)
    front = leading(report)
    shown = {front, "random_walk", "majority"}
    for curve in report.evaluation.equities:
        visible: bool | str = True if curve.model in shown else "legendonly"
        name, hue = label(curve.model), colour[curve.model]
        net = curve.net.mean(axis=0)
        if len(curve.net) > 1:
            _band(figure, curve, x, hue, visible)
        lines = ((net, "solid", "after costs", True), (curve.gross, "dot", "before costs", False))
        for line, dash, words, listed in lines:
            figure.add_scatter(
                x=x,
                y=rounded(line),
                name=name,
                legendgroup=name,
                showlegend=listed,
                mode="lines",
                line={"color": hue, "dash": dash, "width": 2 if listed else 1.2},
                visible=visible,
                hovertemplate="%{y:.1%}" + f"<extra>{name}, {words}</extra>",
                row=1,
                col=1,
            )
        figure.add_scatter(
            x=x,
            y=rounded(-_drawdown(net)),
            name=name,
            legendgroup=name,
            showlegend=False,
            mode="lines",
            line={"color": hue, "width": 1.3},
            visible=visible,
            hovertemplate="%{y:.1%}" + f"<extra>{name}</extra>",
            row=2,
            col=1,
        )
        if curve.model == front:
            for series, dash, words in (
                (curve.exposure, "solid", "gross exposure"),
                (curve.turnover, "dot", "turnover"),
            ):
                figure.add_scatter(
                    x=x,
                    y=rounded(series),
                    name=f"{words} of {name}",
                    showlegend=False,
                    mode="lines",
                    line={"color": hue, "dash": dash, "width": 1},
                    hovertemplate="%{y:.2f}" + f"<extra>{words}</extra>",
                    row=3,
                    col=1,
                )
    figure.add_scatter(
        x=x,
        y=rounded(report.evaluation.benchmark),
        name="benchmark",
        mode="lines",
        line={"color": TEXT, "dash": "dash", "width": 1.6},
        hovertemplate="%{y:.1%}<extra>benchmark</extra>",
        row=1,
        col=1,
    )
    finished(figure, height=680, hovermode="x")
    figure.update_yaxes(title_text="return on equity", tickformat=".0%", row=1, col=1)
    figure.update_yaxes(title_text="drawdown", tickformat=".0%", row=2, col=1)
    figure.update_yaxes(title_text="exposure, turnover", row=3, col=1)
    figure.update_layout(legend=legend(y=1.02, yanchor="bottom"))
    return figure


def _band(figure: go.Figure, curve: PortfolioEquity, x: list[str], hue: str, visible: bool | str) -> None:
    """Worst to best seed."""
    low, high = curve.net.min(axis=0), curve.net.max(axis=0)
    for edge, fill in ((low, None), (high, "tonexty")):
        figure.add_scatter(
            x=x,
            y=rounded(edge),
            mode="lines",
            line={"width": 0, "color": hue},
            fill=fill,
            fillcolor=shade(hue, 0.15),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=label(curve.model),
            name=f"{label(curve.model)} seeds",
            visible=visible,
            row=1,
            col=1,
        )


def _drawdown(line: Floats) -> Floats:
    return np.maximum.accumulate(np.maximum(line, 0.0)) - line


def months(report: StockReport) -> go.Figure:
    """Net return of the model in front by month, after costs, with the year's sum."""
    curve = next(one for one in report.evaluation.equities if one.model == leading(report))
    net = np.diff(curve.net.mean(axis=0), prepend=0.0)
    month = report.evaluation.earned_on.astype("datetime64[M]")
    years = sorted({int(str(each)[:4]) for each in month})
    grid = np.full((len(years), 13), np.nan)
    for each in np.unique(month):
        year, number = int(str(each)[:4]), int(str(each)[5:])
        grid[years.index(year), number - 1] = net[month == each].sum()
    grid[:, 12] = np.nansum(grid[:, :12], axis=1)
    most = float(np.nanmax(np.abs(grid[:, :12]))) or 1.0
    text = [["" if not np.isfinite(value) else f"{100 * value:.1f}" for value in row] for row in grid]
    figure = go.Figure(
        go.Heatmap(
            z=[rounded(row) for row in grid],
            x=[*MONTHS, "year"],
            y=[str(year) for year in years],
            text=text,
            texttemplate="%{text}",
            colorscale=[[0, VERMILLION], [0.5, "#f3f3f3"], [1, BLUE]],
            zmin=-most,
            zmax=most,
            showscale=False,
            hovertemplate="%{y} %{x}: %{text} %<extra></extra>",
            textfont={"color": "#222"},
            xgap=2,
            ygap=2,
        )
    )
    finished(figure, height=90 + 34 * len(years))
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def accuracy(report: StockReport) -> go.Figure:
    """Share of right calls of every model with its interval over sessions."""
    held = models_of(report)
    found = {one.model: one for one in report.evaluation.directions if one.scope == "all"}
    colour, symbol = colours(held), symbols(held)
    figure = go.Figure()
    for name in reversed(held):
        score = found[name].scores["accuracy"]
        low, high = score.low, score.high
        figure.add_scatter(
            x=[100 * score.mean],
            y=[label(name)],
            mode="markers",
            marker={"color": colour[name], "symbol": symbol[name], "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * (high - score.mean) if high is not None else 0],
                "arrayminus": [100 * (score.mean - low) if low is not None else 0],
                "color": colour[name],
                "thickness": 1.4,
            },
            showlegend=False,
            hovertemplate="%{x:.2f} %<extra>" + label(name) + "</extra>",
        )
    figure.add_vline(x=50, line={"color": TEXT, "width": 1, "dash": "dot"})
    finished(figure, height=70 + 30 * len(held))
    figure.update_xaxes(title_text="right, % of calls", ticksuffix=" %")
    return figure


def calibration(report: StockReport) -> go.Figure:
    """What was said against what came, in tenths of the forecasts of the model in front and the first rule."""
    held = models_of(report)
    colour, symbol = colours(held), symbols(held)
    figure = go.Figure()
    span = [1.0, 0.0]
    for name in held:
        curve = report.evaluation.reliabilities[name]
        said, came = (_mean_known(values) for values in (curve.forecast, curve.share_up))
        known = np.isfinite(said) & np.isfinite(came)
        if not known.any():
            continue
        span = [min(span[0], float(said[known].min())), max(span[1], float(said[known].max()))]
        figure.add_scatter(
            x=rounded(said[known]),
            y=rounded(came[known]),
            name=label(name),
            mode="lines+markers",
            line={"color": colour[name], "width": 1.3},
            marker={"symbol": symbol[name], "size": 7},
            visible=True if name == leading(report) else "legendonly",
            hovertemplate="said %{x:.1%}, came %{y:.1%}<extra>" + label(name) + "</extra>",
        )
    figure.add_scatter(
        x=span,
        y=span,
        mode="lines",
        line={"color": TEXT, "dash": "dash", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    finished(figure, height=420)
    figure.update_xaxes(title_text="probability of up that was said", tickformat=".0%")
    figure.update_yaxes(title_text="share that rose", tickformat=".0%")
    return figure


def _mean_known(values: Floats) -> Floats:
    """Mean over seeds of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def cover(report: StockReport) -> go.Figure:
    """Share of outcomes inside each central interval against what it states, by horizon."""
    held = list(dict.fromkeys(one.model for one in report.evaluation.quantiles))
    colour, symbol = colours(held), symbols(held)
    figure = go.Figure()
    horizons = list(dict.fromkeys(one.horizon for one in report.evaluation.quantiles))
    for one in report.evaluation.quantiles:
        stated = sorted(one.cover, key=float)
        shift = (horizons.index(one.horizon) - (len(horizons) - 1) / 2) * 0.6
        scores = [one.cover[key] for key in stated]
        figure.add_scatter(
            x=[100 * float(key) + shift for key in stated],
            y=[100 * score.mean for score in scores],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * ((score.high or score.mean) - score.mean) for score in scores],
                "arrayminus": [100 * (score.mean - (score.low or score.mean)) for score in scores],
                "color": colour[one.model],
                "thickness": 1.2,
            },
            name=f"{label(one.model)}, {one.horizon} session{'s' if one.horizon > 1 else ''}",
            mode="markers",
            marker={
                "color": colour[one.model],
                "symbol": symbol[one.model],
                "size": 8,
                "opacity": 1 - 0.3 * horizons.index(one.horizon) / max(len(horizons) - 1, 1),
            },
            hovertemplate="%{y:.1f} % inside<extra>%{fullData.name}</extra>",
        )
    figure.add_scatter(
        x=[40, 100], y=[40, 100], mode="lines", line={"color": TEXT, "dash": "dash", "width": 1}, showlegend=False
    )
    finished(figure, height=430)
    figure.update_xaxes(title_text="stated, %", range=[40, 100])
    figure.update_yaxes(title_text="found, %")
    return figure


def ranks(report: StockReport) -> go.Figure:
    """Cumulative rank information coefficient of every model."""
    held = [one.model for one in report.evaluation.cross_sections]
    colour = colours(models_of(report))
    x = days(report.evaluation.sessions)
    figure = go.Figure()
    for one in report.evaluation.cross_sections:
        figure.add_scatter(
            x=x,
            y=rounded(np.cumsum(np.nan_to_num(one.by_session)), 3),
            name=label(one.model),
            mode="lines",
            line={"color": colour[one.model], "width": 1.6},
            hovertemplate="%{y:.2f}<extra>" + label(one.model) + "</extra>",
        )
    finished(figure, height=380, hovermode="x")
    figure.update_yaxes(title_text=f"sum of rank IC of {len(held)} models" if len(held) > 1 else "sum of rank IC")
    return figure


def fifths(report: StockReport) -> go.Figure:
    """Mean next return of names by fifth of their forecast, lowest first, in basis points."""
    held = list(report.evaluation.groups)
    colour = colours(models_of(report))
    figure = go.Figure()
    names = ["lowest fifth", "2nd", "3rd", "4th", "highest fifth"]
    for name in held:
        figure.add_bar(
            x=names,
            y=rounded(1e4 * np.asarray(report.evaluation.groups[name]), 2),
            name=label(name),
            marker={"color": colour[name]},
            visible=True if name == leading(report) else "legendonly",
            hovertemplate="%{y:.1f} bp<extra>" + label(name) + "</extra>",
        )
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    finished(figure, height=340)
    figure.update_yaxes(title_text="mean next return, bp")
    return figure


FIGURES: Mapping[str, Callable[[StockReport], go.Figure]] = {
    "equity": equity,
    "months": months,
    "accuracy": accuracy,
    "calibration": calibration,
    "cover": cover,
    "ranks": ranks,
    "fifths": fifths,
}
"""Figures by short name."""


def drawable(report: StockReport) -> tuple[str, ...]:
    """Figures that the report has something for."""
    found = report.evaluation
    has = {
        "equity": bool(found.equities),
        "months": any(one.model == leading(report) for one in found.equities),
        "cover": bool(found.quantiles),
        "ranks": bool(found.cross_sections),
        "fifths": bool(found.groups),
    }
    return tuple(name for name in FIGURES if has.get(name, True))
