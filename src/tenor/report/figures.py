"""The figures of a report, each a pure function of it: the page draws them, and so does the web application.

A figure answers one question. What did it earn, and how much of that was luck of the seed? Was it right in
every fold, or in one? Does 60 % mean 60 %? What was held? Is one model really ahead of another? What if
trading costs more?
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenor.factor.label import NEUTRAL
from tenor.factor.window import Fold
from tenor.report.headline import headline
from tenor.report.report import Report
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
from tenor.report.text import month, p_value
from tenor.report.traded import cost_sensitivity, positions
from tenor.trust.evaluation import Comparison, Equity, Finding
from tenor.trust.score import Reliability
from tenor.units import Floats

Z = 1.96
"""Standard errors on either side of 95 %."""

PHONE = 36
"""Characters of a figure's title that a telephone shows on one line."""


def equity(report: Report) -> go.Figure:
    """Draw cumulative return on margin and its drawdown, after costs solid and before costs dotted.

    A model with several seeds has a light band from its worst to its best seed on each session, a darker one
    between the quartiles, and the mean as a line. The drawdowns are those of the lines above them. Headline
    position and fill; models that do not stand in front wait in the legend.
    """
    front = headline(report)
    colour = colours(front.models)
    x = days(report.evaluation.sessions)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.05)
    curves = {curve.model: curve for curve in report.evaluation.equities}
    drawn = [curves[name] for name in front.models if name in curves]
    for curve in drawn:
        if len(curve.net) > 1:
            _add_bands(figure, curve, x, colour[curve.model], _visible(curve.model, front.shown))
    for curve in drawn:
        for words, line, dash, where in (
            ("before costs", curve.gross, "dot", "legend2"),
            ("after costs", curve.net.mean(axis=0), "solid", "legend"),
        ):
            shared = {
                "x": x,
                "mode": "lines",
                "name": label(curve.model),
                "legend": where,
                "legendgroup": f"{label(curve.model)} {words}",
                "visible": _visible(curve.model, front.shown),
                "line": {"color": colour[curve.model], "dash": dash, "width": 2 if dash == "solid" else 1.3},
            }
            said = f"<extra>{label(curve.model)}, {words}</extra>"
            figure.add_scatter(y=rounded(line), hovertemplate="%{y:.1%}" + said, row=1, col=1, **shared)
            figure.add_scatter(
                y=rounded(-drawdown(line)),
                hovertemplate="%{y:.1%}" + said,
                showlegend=False,
                row=2,
                col=1,
                **shared,
            )
    for fold in report.folds[1:]:
        figure.add_vline(x=fold.test[0].isoformat(), line={"color": TEXT, "width": 0.5, "dash": "dot"}, opacity=0.6)
    finished(figure, height=600, hovermode="x")
    figure.update_layout(
        legend=legend("after costs ", y=1.02, yanchor="bottom"),
        legend2=legend("before costs ", y=-0.1, yanchor="top"),
        margin_b=70,
    )
    figure.update_yaxes(title_text="return on margin", tickformat=".0%", row=1, col=1)
    figure.update_yaxes(title_text="drawdown", tickformat=".0%", row=2, col=1)
    return figure


def _add_bands(figure: go.Figure, curve: Equity, x: list[str], colour: str, visible: bool | str) -> None:
    """Worst to best seed light, quartiles darker; they follow the model's line after costs in the legend."""
    low, lower, upper, high = np.quantile(curve.net, [0.0, 0.25, 0.75, 1.0], axis=0)
    for bottom, top, opacity in ((low, high, 0.12), (lower, upper, 0.22)):
        for edge, fill in ((bottom, None), (top, "tonexty")):
            figure.add_scatter(
                x=x,
                y=rounded(edge),
                mode="lines",
                name=f"{label(curve.model)} seeds",
                line={"width": 0, "color": colour},
                fill=fill,
                fillcolor=shade(colour, opacity),
                hoverinfo="skip",
                showlegend=False,
                legendgroup=f"{label(curve.model)} after costs",
                visible=visible,
                row=1,
                col=1,
            )


def drawdown(line: Floats) -> Floats:
    """Return how far ``line`` ``(session,)`` stands below its highest point so far, the start (0) too."""
    highest: Floats = np.maximum(np.maximum.accumulate(line), 0.0)
    return highest - line


def accuracy_by_fold(report: Report) -> go.Figure:
    """Draw each model's accuracy in each test range, with the standard deviation over seeds.

    The grey block of a fold holds 95 % of what a coin would score on as many days.
    """
    front = headline(report)
    colour, symbol = colours(front.models), symbols(front.models)
    folds, counts = scored_folds(report)
    figure = go.Figure()
    step = 0.7 / max(len(front.models), 1)
    for place, name in enumerate(front.models):
        scores = report.evaluation.by_fold[name]
        shift = (place - (len(front.models) - 1) / 2) * step
        spread = [score.sd or 0.0 for score in scores]
        figure.add_scatter(
            x=rounded(np.arange(len(scores)) + shift, 3),
            y=rounded([score.mean for score in scores]),
            error_y={
                "type": "data",
                "array": rounded(spread),
                "visible": max(spread, default=0.0) > 0,
                "width": 3,
            },
            mode="markers",
            name=label(name),
            marker={"color": colour[name], "symbol": symbol[name], "size": 10},
            visible=_visible(name, front.shown),
            hovertemplate="%{y:.1%}<extra>" + label(name) + "</extra>",
        )
    reaches = [Z * 0.5 / count**0.5 if count else 0.0 for count in counts]
    for place, reach in enumerate(reaches):
        if reach:
            figure.add_shape(
                type="rect",
                x0=place - 0.42,
                x1=place + 0.42,
                y0=0.5 - reach,
                y1=0.5 + reach,
                fillcolor=shade(GREY, 0.15),
                line={"width": 0},
                layer="below",
            )
    figure.add_hline(y=0.5, line={"color": TEXT, "width": 1})
    finished(figure, height=400)
    figure.update_xaxes(
        tickvals=list(range(len(folds))),
        ticktext=[
            f"{month(fold.test[0])} –<br>{month(fold.test[1])}<br>n = {count}"
            for fold, count in zip(folds, counts, strict=True)
        ],
        showgrid=False,
        zeroline=False,
        range=[-0.5, len(folds) - 0.5],
    )
    ends = [score.mean for scores in report.evaluation.by_fold.values() for score in scores]
    ends += [0.5 - reach for reach in reaches] + [0.5 + reach for reach in reaches]
    low, high = np.nanmin(ends), np.nanmax(ends)
    figure.update_yaxes(title_text="right", tickformat=".0%", range=[round(low - 0.03, 3), round(high + 0.03, 3)])
    return figure


def scored_folds(report: Report) -> tuple[list[Fold], list[int]]:
    """Return the folds with a known outcome, and on how many windows of each a model was scored.

    A window is scored where it moved out of the neutral band and every seed has a forecast, so that the counts add up
    to the days of the tables. Where models differ (a fold failed for one of them) it is the most of any.
    """
    known = report.forecasts.filter(pl.col("change").is_not_null())
    moved = (pl.col("label") != NEUTRAL) & (pl.col("change") != 0)
    scored = (
        known.group_by("model", "fold", "session", "product")
        .agg((moved & pl.col("up").is_not_null()).all().alias("scored"))
        .group_by("model", "fold")
        .agg(pl.col("scored").sum())
        .group_by("fold")
        .agg(pl.col("scored").max())
    )
    counts = dict(scored.iter_rows())
    folds = [fold for fold in report.folds if fold.index in counts]
    return folds, [counts[fold.index] for fold in folds]


def calibration(report: Report) -> go.Figure:
    """Draw what was forecast against what happened, per tenth of the forecasts, averaged over seeds."""
    front = headline(report)
    return calibration_of({name: report.evaluation.reliabilities[name] for name in front.models}, front.shown)


def calibration_of(reliabilities: Mapping[str, Reliability], shown: Sequence[str]) -> go.Figure:
    """Draw the same of any models; those that are not ``shown`` wait in the legend."""
    models = tuple(reliabilities)
    colour, symbol = colours(models), symbols(models)
    figure = go.Figure()
    ends = [0.5]
    for name in models:
        forecast, share, count = over_seeds(reliabilities[name])
        ends += forecast.tolist()
        figure.add_scatter(
            x=rounded(forecast),
            y=rounded(share),
            customdata=rounded(count, 1),
            mode="lines+markers",
            name=label(name),
            line={"color": colour[name], "width": 1.4},
            marker={"symbol": symbol[name], "size": rounded(3 + 0.7 * np.sqrt(count), 1)},
            visible=_visible(name, shown),
            hovertemplate="said %{x:.1%}, rose %{y:.1%} of %{customdata:.0f} days<extra>" + label(name) + "</extra>",
        )
    low, high = max(min(ends) - 0.02, 0.0), min(max(ends) + 0.02, 1.0)
    diagonal = rounded([low, high])
    figure.add_scatter(
        x=diagonal,
        y=diagonal,
        mode="lines",
        name="perfect",
        line={"color": TEXT, "width": 1, "dash": "dash"},
        hoverinfo="skip",
    )
    finished(figure, height=420)
    figure.update_xaxes(title_text="mean forecast of up", tickformat=".0%", zeroline=False)
    figure.update_yaxes(title_text="share that rose", tickformat=".0%", zeroline=False)
    return figure


def over_seeds(said: Reliability) -> tuple[Floats, Floats, Floats]:
    """Average over seeds, weighted by days: forecast, share up and mean count of each bin with days.

    Each of shape ``(bin with days,)``.
    """
    total = said.count.sum(axis=0)
    kept = total > 0
    weight = said.count[:, kept] / total[kept]
    forecast, share = (
        (np.where(weight > 0, values[:, kept], 0.0) * weight).sum(axis=0) for values in (said.forecast, said.share_up)
    )
    return forecast, share, said.count[:, kept].mean(axis=0)


def differences(report: Report) -> go.Figure:
    """Draw the paired differences with their intervals: accuracy on the left, Sharpe ratio on the right.

    A difference whose interval holds zero is grey. The line above says what was found, in the sense of the
    report: in accuracy, against every rule, corrected for the number of models.
    """
    return differences_of(report.evaluation.comparisons, report.evaluation.findings)


def differences_of(comparisons: Sequence[Comparison], findings: Sequence[Finding]) -> go.Figure:
    """Draw the same of any comparisons and what was found."""
    pairs = list(dict.fromkeys((c.first, c.second) for c in comparisons))
    titles = ("accuracy,<br>points", "Sharpe ratio<br>after costs")
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06, subplot_titles=titles)
    for column, (measure, scale) in enumerate((("accuracy", 100.0), ("sharpe", 1.0)), start=1):
        mine = {(c.first, c.second): c for c in comparisons if c.measure == measure}
        chosen = [mine[pair] for pair in pairs if pair in mine]
        rows = [len(pairs) - 1 - pairs.index((c.first, c.second)) for c in chosen]
        shown = [_clear(c) for c in chosen]
        figure.add_scatter(
            x=rounded([scale * c.estimate for c in chosen], 3),
            y=rows,
            error_x={
                "type": "data",
                "symmetric": False,
                "array": rounded([scale * (c.high - c.estimate) for c in chosen], 3),
                "arrayminus": rounded([scale * (c.estimate - c.low) for c in chosen], 3),
                "color": GREY,
                "thickness": 1.4,
                "width": 3,
            },
            mode="markers",
            marker={
                "size": 9,
                "color": [_TONE[tone] for tone in shown],
                "symbol": [_MARK[tone] for tone in shown],
            },
            text=[f"{label(c.first)} − {label(c.second)}, p = {p_value(c.p_value)}" for c in chosen],
            hovertemplate="%{x:.2f}<br>%{text}<extra></extra>",
            showlegend=False,
            name=measure,
            row=1,
            col=column,
        )
        figure.add_vline(x=0, line={"color": TEXT, "width": 1}, row=1, col=column)
    found = [finding.model for finding in findings if finding.found]
    said = textwrap.wrap("found: " + ", ".join(found) if found else "nothing found", PHONE)
    title = "<br>".join(f"<b>{label(line)}</b>" for line in said)
    figure.update_annotations(font_size=13)
    top = 60 + 20 * len(said)
    finished(
        figure,
        height=66 + top + 24 * max(len(pairs), 2),
        margin_t=top,
        title={
            "text": title,
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 6, "l": 4},
            "font": {"size": 15},
        },
    )
    figure.update_xaxes(zeroline=False)
    figure.update_yaxes(
        tickvals=list(range(len(pairs))),
        ticktext=[f"{label(first)} − {label(second)}" for first, second in reversed(pairs)],
        range=[-0.7, max(len(pairs), 1) - 0.3],
        showgrid=False,
        zeroline=False,
    )
    return figure


_TONE = {"ahead": BLUE, "behind": VERMILLION, "open": GREY}
_MARK = {"ahead": "triangle-right", "behind": "triangle-left", "open": "circle"}


def _clear(gap: Comparison) -> str:
    """Say on which side of zero the interval lies; ``open`` where it holds zero or is undefined."""
    return "ahead" if gap.low > 0 else "behind" if gap.high < 0 else "open"


def _visible(model: str, shown: Sequence[str]) -> bool | str:
    return True if model in shown else "legendonly"


FIGURES: Mapping[str, Callable[[Report], go.Figure]] = {
    "equity": equity,
    "costs": cost_sensitivity,
    "differences": differences,
    "folds": accuracy_by_fold,
    "calibration": calibration,
    "positions": positions,
}
"""Every figure under its short name, in the order of the page."""
