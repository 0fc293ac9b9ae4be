"""The figures of a what-if, each a pure function of the answer.

Which step made the money, and which moved the probability? Which family of factors did the model listen to? Do the
models agree? How do spread, probability, position and money go with the size of the shock, and where two shocks meet?
Where a shock is implausible a figure says so by hollow marks, shades or crosses; it never leaves it out.
"""

import math
import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenor.report.style import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    TEXT,
    VERMILLION,
    colours,
    finished,
    label,
    rounded,
    shade,
    symbols,
)
from tenor.report.what_if import Asked
from tenor.report.what_if_text import HALF, chance, change, switches, written
from tenor.scenario.search import Family, Sweep
from tenor.scenario.what_if import FamilyStep, Outcome, Step
from tenor.units import Floats

NAME = 17
"""Characters of a name beside a bar before it is broken; a telephone shows as many."""
TITLE = 34
"""Characters of an axis' title before it is broken."""
ROW, LINE = 40, 17
"""Height of one bar with its air, and of one line of its name, pixels."""
BAR = 24
"""Thickness of a bar, pixels."""
Colours = list[list[float | str]]
"""Places from 0 to 1 of a scale, and the colour at each."""
DIVERGING: Colours = [[0.0, ORANGE], [0.5, "#efefef"], [1.0, SKY]]
"""Colours of a heat map whose middle lies inside what occurs, all light enough for dark numbers upon them."""
ABOVE: Colours = [[0.0, "#eaf4fb"], [1.0, SKY]]
BELOW: Colours = [[0.0, ORANGE], [1.0, "#fbf1dd"]]
"""Colours where all lies on one side of the middle: paler is nearer to it."""
INK = "#1b1f24"
"""Of what stands on the colours of a heat map."""
WRITTEN_OUT = 13
"""Sizes of either shift up to which the cells of a heat map have their numbers in them."""
MANY = 60
"""Sizes of a sweep from which its marks are small."""


def shift_waterfall(outcome: Outcome, asked: Asked) -> go.Figure:
    """Draw profit and loss of what was held, and below it the probability of up, shift by shift.

    Money begins at nothing and its bar ``all`` is the sum. A probability has no bar of its own, as its axis does not
    begin at zero: marks say where it began and ended, and floating bars what each shift did.
    """
    first, *steps = outcome.steps
    names = [step.name for step in steps]
    money, up = _places([*names, "all"]), _places(["before", *names, "after"])
    tall = sum(money) + sum(up)
    figure = make_subplots(
        rows=2,
        cols=1,
        row_heights=[sum(money), sum(up)],
        vertical_spacing=_BETWEEN / (tall + _BETWEEN),
        subplot_titles=(
            f"profit and loss, {label(asked.currency)}",
            f"probability of up, {label(asked.headline)}",
        ),
    )
    gains = np.diff([step.pnl for step in outcome.steps])
    total = steps[-1].pnl if steps else first.pnl
    figure.add_waterfall(
        orientation="h",
        y=_middles(money),
        x=rounded([*gains, 0.0], 2),
        measure=["relative"] * len(names) + ["total"],
        text=[*(change(float(gain), "money") for gain in gains), written(total, "money")],
        hovertext=[label(name) for name in (*names, "all")],
        **_BARS,
        row=1,
        col=1,
    )
    _named(figure, [*names, "all"], row=1)
    _reaching(figure, [0.0, *(step.pnl for step in steps)], 1.0, row=1)
    figure.update_xaxes(tickformat=",.0f", row=1, col=1)
    _probability(figure, outcome.steps, row=2)
    return _laid(figure, tall + _BETWEEN)


def family_waterfall(outcome: Outcome, asked: Asked) -> go.Figure:
    """Draw the probability of up as one family of factors after the other takes its shocked values."""
    figure = make_subplots(rows=1, cols=1, subplot_titles=(f"probability of up, {label(asked.headline)}",))
    _probability(figure, outcome.families, row=1)
    return _laid(figure, sum(_places(["before", *(step.name for step in outcome.families[1:]), "after"])))


_BETWEEN = 74
"""Pixels between two panels: the axis of the upper and the title of the lower."""
_BARS = {
    "increasing": {"marker": {"color": BLUE}},
    "decreasing": {"marker": {"color": VERMILLION}},
    "totals": {"marker": {"color": GREY}},
    "connector": {"line": {"color": TEXT, "width": 0.7, "dash": "dot"}},
    "textposition": "outside",
    "cliponaxis": False,
    "showlegend": False,
    "hovertemplate": "%{hovertext}: %{text}<extra></extra>",
    "width": BAR,
}


def broken(name: str, width: int = NAME) -> list[str]:
    """Break a name into lines at its spaces and behind its underscores; only a longer word is broken inside.

    >>> broken("cheapest_to_deliver")
    ['cheapest_to_', 'deliver']
    """
    pieces = [
        part
        for piece in re.split(r"(?<=[\s_])(?=[^\s_])", name)
        for part in ([piece] if len(piece.rstrip()) <= width else textwrap.wrap(piece, width))
    ]
    lines = [""]
    for piece in pieces:
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _places(names: Sequence[str]) -> list[int]:
    """Return the height of each bar's row, pixels: as many lines as its name has."""
    return [max(ROW, LINE * len(broken(name)) + 10) for name in names]


def _middles(heights: Sequence[int]) -> list[float]:
    """Return where the middle of each row lies below the top, pixels."""
    middles: list[float] = (np.cumsum(heights) - np.array(heights) / 2).tolist()
    return middles


def _probability(figure: go.Figure, steps: Sequence[Step | FamilyStep], *, row: int) -> None:
    """Floating bars between a mark before and a mark after."""
    ups = np.array([step.up for step in steps])
    names = [step.name for step in steps[1:]]
    first, *between, last = _middles(_places(["before", *names, "after"]))
    moves = np.diff(ups)
    figure.add_waterfall(
        orientation="h",
        y=between,
        x=rounded(moves, 6),
        base=round(float(ups[0]), 6),
        measure=["relative"] * len(names),
        text=[change(float(move), "probability") for move in moves],
        hovertext=[label(name) for name in names],
        **_BARS,
        row=row,
        col=1,
    )
    for place, up, hollow in ((first, ups[0], True), (last, ups[-1], False)):
        figure.add_scatter(
            x=rounded([up], 6),
            y=[place],
            mode="markers+text",
            text=[chance(float(up))],
            textposition="middle right",
            cliponaxis=False,
            marker={"symbol": "diamond-open" if hollow else "diamond", "size": 12, "color": GREY, "line": {"width": 2}},
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            row=row,
            col=1,
        )
    _named(figure, ["before", *names, "after"], row=row)
    low, high = _reaching(figure, ups.tolist(), 0.004, row=row)
    if low < HALF < high:
        figure.add_vline(x=HALF, line={"color": TEXT, "width": 1, "dash": "dash"}, row=row, col=1)
    figure.update_xaxes(tickformat=".1%", row=row, col=1)


def _reaching(figure: go.Figure, values: Sequence[float], least: float, *, row: int) -> tuple[float, float]:
    """Set the range of ``row`` so that its values and the words beside them fit, and return it."""
    low, high = min(values), max(values)
    wide = max(high - low, least)
    edges = (low - 0.6 * wide, high + 0.55 * wide)
    figure.update_xaxes(range=rounded(edges, 6), row=row, col=1)
    return edges


def _named(figure: go.Figure, names: Sequence[str], *, row: int) -> None:
    """Name the bars of ``row``, the first on top; its axis counts pixels."""
    heights = _places(names)
    figure.update_yaxes(
        tickvals=_middles(heights),
        ticktext=[_lines(name, NAME) for name in names],
        range=[sum(heights), 0],
        showgrid=False,
        zeroline=False,
        row=row,
        col=1,
    )


def _lines(name: str, width: int) -> str:
    return "<br>".join(label(line) for line in broken(name, width))


def _laid(figure: go.Figure, tall: int) -> go.Figure:
    figure.update_annotations(x=0, xref="paper", xanchor="left", font_size=13)
    finished(figure, height=tall + 32 + 36, margin={"l": 12, "r": 12, "t": 32, "b": 36})
    figure.update_xaxes(nticks=5)
    return figure


def models_before_and_after(outcome: Outcome) -> go.Figure:
    """Draw each model's probability of up: hollow before, filled after.

    The bar is one standard deviation over seeds to either side, the thin line reaches from the lowest to the highest
    seed after the shock.
    """
    says = outcome.models
    names = [each.model for each in says]
    colour, symbol = colours(names), symbols(names)
    figure = go.Figure()
    for place, each in enumerate(says):
        figure.add_scatter(
            x=rounded([each.low_shocked, each.high_shocked], 6),
            y=[place + 0.17] * 2,
            mode="lines",
            line={"color": shade(colour[each.model], 0.45), "width": 1.5},
            hoverinfo="skip",
            showlegend=False,
        )
        for up, sd, lower, hollow in (
            (each.up_base, each.sd_base, -0.17, True),
            (each.up_shocked, each.sd_shocked, 0.17, False),
        ):
            figure.add_scatter(
                x=rounded([up], 6),
                y=[place + lower],
                error_x={"type": "data", "array": rounded([sd or 0.0], 6), "visible": bool(sd), "width": 4},
                mode="markers",
                marker={
                    "color": colour[each.model],
                    "symbol": symbol[each.model] + ("-open" if hollow else ""),
                    "size": 10,
                    "line": {"width": 2 if hollow else 0},
                },
                hovertemplate=f"{'before' if hollow else 'after'} {chance(up)}<extra>{label(each.model)}</extra>",
                showlegend=False,
            )
    figure.add_vline(x=HALF, line={"color": TEXT, "width": 1, "dash": "dash"})
    finished(figure, height=max(46 * len(says), 60) + 70, margin={"l": 12, "r": 16, "t": 12, "b": 44})
    figure.update_xaxes(title_text="probability of up", tickformat=".1%", zeroline=False, nticks=6)
    figure.update_yaxes(
        tickvals=list(range(len(says))),
        ticktext=[_lines(name, NAME) for name in names],
        range=[len(says) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    return figure


def sweep_figure(sweep: Sweep, asked: Asked) -> go.Figure:
    """Draw spread, probability, position and money against the size of one shift.

    Sizes that are implausible have hollow marks on a shade; dotted lines mark where another bond becomes the cheapest.
    """
    points = sorted(sweep.points, key=lambda point: point.sizes[0])
    x = rounded([point.sizes[0] for point in points], 6)
    rows = (
        ("spread, points", [point.spread for point in points], "%{y:.4f}", ",.3f"),
        (f"probability of up, {asked.headline}", [point.up for point in points], "%{y:.2%}", ".1%"),
        ("pairs wanted", [point.pairs for point in points], "%{y:+.2f}", None),
        (f"profit and loss of what was held, {asked.currency}", [p.pnl for p in points], "%{y:,.0f}", ",.0f"),
    )
    figure = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.07,
        subplot_titles=[label(title) for title, *_ in rows],
    )
    size = 7 if len(points) <= MANY else 4
    open_or_filled = ["circle" if point.plausible is not False else "circle-open" for point in points]
    for at, (title, values, hover, form) in enumerate(rows, start=1):
        figure.add_scatter(
            x=x,
            y=rounded(values, 6),
            mode="lines+markers",
            line={"color": BLUE, "width": 1.4, "shape": "hvh" if title == "pairs wanted" else "linear"},
            marker={"color": BLUE, "size": size, "symbol": open_or_filled},
            hovertemplate="× %{x:.6~g}: " + hover + "<extra></extra>",
            showlegend=False,
            row=at,
            col=1,
        )
        figure.update_yaxes(tickformat=form, zeroline=title.startswith("p") and "up" not in title, row=at, col=1)
    ups = rows[1][1]
    if min(ups) < HALF < max(ups) or min(abs(up - HALF) for up in ups) < 0.02:
        figure.add_hline(y=HALF, line={"color": TEXT, "width": 1, "dash": "dash"}, row=2, col=1)
    for low, high in implausible_ranges(sweep):
        for at in range(1, len(rows) + 1):
            figure.add_vrect(
                x0=low, x1=high, fillcolor=shade(GREY, 0.16), line={"width": 0}, layer="below", row=at, col=1
            )
    for low, high, _ in switches(sweep):
        for at in range(1, len(rows) + 1):
            figure.add_vline(x=(low + high) / 2, line={"color": ORANGE, "width": 1.5, "dash": "dot"}, row=at, col=1)
    figure.update_annotations(x=0, xref="paper", xanchor="left", font_size=13)
    finished(figure, height=760, hovermode="x", margin={"l": 56, "r": 12, "t": 32, "b": 48})
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(title_text=axis_title(sweep.families[0]), row=len(rows), col=1)
    return figure


def axis_title(family: Family) -> str:
    """Return the title of an axis of sizes: a family and its unit."""
    return _lines(str(family), TITLE)


def implausible_ranges(sweep: Sweep) -> tuple[tuple[float, float], ...]:
    """Return the stretches of implausible sizes of a sweep, each reaching half-way to its plausible neighbour."""
    points = sorted(sweep.points, key=lambda point: point.sizes[0])
    sizes = [point.sizes[0] for point in points]
    middles = [(one + other) / 2 for one, other in pairwise(sizes)]
    lows, highs = [sizes[0], *middles], [*middles, sizes[-1]]
    found: list[tuple[float, float]] = []
    for point, low, high in zip(points, lows, highs, strict=True):
        if point.plausible is not False:
            continue
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return tuple(found)


def grid_pnl(grid: Sweep, asked: Asked) -> go.Figure:
    """Draw the profit and loss of what was held over two shifts as a heat map; orange loses, blue earns."""
    values = table_of(grid, [point.pnl for point in grid.points])
    cells = [written(point.pnl, "money") for point in grid.points]
    figure = _heat_map(grid, values, middle=0.0, digits=2, hover="%{z:,.0f}", title=asked.currency)
    figure.update_traces(colorbar_tickformat=",.0f", selector={"type": "heatmap"})
    return _numbered(figure, grid, cells)


def grid_up(grid: Sweep) -> go.Figure:
    """Draw the probability of up over two shifts as a heat map; a line marks where the forecast flips."""
    values = table_of(grid, [point.up for point in grid.points])
    cells = [chance(point.up).removesuffix(" %") for point in grid.points]
    figure = _heat_map(grid, values, middle=HALF, digits=6, hover="%{z:.2%}", title="up")
    bar = figure.data[0]
    wide = 100 * (bar.zmax - bar.zmin)
    digits = max(0, math.ceil(math.log10(4 / wide)))
    figure.update_traces(colorbar_tickformat=f".{digits}%", selector={"type": "heatmap"})
    _numbered(figure, grid, cells)
    if values.min() < HALF < values.max():
        rows, columns = grid.axes
        figure.add_contour(
            x=rounded(columns, 6),
            y=rounded(rows, 6),
            z=[rounded(row, 6) for row in values],
            contours={"start": HALF, "end": HALF, "size": 1, "coloring": "none"},
            line={"color": INK, "width": 2},
            hoverinfo="skip",
            showscale=False,
            name="one half",
            showlegend=False,
        )
    return figure


def table_of(grid: Sweep, values: Sequence[float]) -> Floats:
    """Lay out one number of each point: a row for each size of the first shift, a column for each of the second."""
    return np.array(values).reshape(len(grid.axes[0]), len(grid.axes[1]))


def heat_scale(values: Floats, middle: float) -> tuple[float, float, Colours]:
    """Return lowest and highest number of a heat map and its colours, which span what occurs.

    Both sides of ``middle`` have a hue of their own and reach as far where it lies inside; else there is one hue.
    """
    low, high = float(values.min()), float(values.max())
    least = max(1e-6, 1e-9 * abs(middle))
    if low < middle < high:
        away = max(high - middle, middle - low, least)
        return middle - away, middle + away, DIVERGING
    if low >= middle:
        return low, max(high, low + least), ABOVE
    return min(low, high - least), high, BELOW


def written_out(grid: Sweep) -> bool:
    """Whether a heat map has room for the numbers of its cells."""
    return max(map(len, grid.axes)) <= WRITTEN_OUT


def cell_edges(sizes: Sequence[float]) -> list[float]:
    """Return where the cells of a heat map begin and end: half-way between sizes, and as far beyond the outer ones."""
    if len(sizes) == 1:
        return [sizes[0] - 0.5, sizes[0] + 0.5]
    middles = [(one + other) / 2 for one, other in pairwise(sizes)]
    return [2 * sizes[0] - middles[0], *middles, 2 * sizes[-1] - middles[-1]]


def _above(sizes: Sequence[float]) -> dict[float, float]:
    """Return where the cross of each cell is, upwards, so that a number has room below it."""
    ends = cell_edges(sizes)[1:]
    return {size: size + 0.72 * abs(end - size) for size, end in zip(sizes, ends, strict=True)}


def _numbered(figure: go.Figure, grid: Sweep, cells: Sequence[str]) -> go.Figure:
    """Write the numbers into the cells, if there is room."""
    if written_out(grid):
        width = len(grid.axes[1])
        rows = [list(cells[at : at + width]) for at in range(0, len(cells), width)]
        figure.update_traces(text=rows, texttemplate="%{text}", textfont_color=INK, selector={"type": "heatmap"})
    return figure


def _heat_map(grid: Sweep, values: Floats, *, middle: float, digits: int, hover: str, title: str) -> go.Figure:
    first, second = grid.families
    rows, columns = grid.axes
    low, high, scale = heat_scale(values, middle)
    across, up = (label(str(family)).replace("%{", "% {") for family in (second, first))
    figure = go.Figure()
    figure.add_heatmap(
        x=rounded(columns, 6),
        y=rounded(rows, 6),
        z=[rounded(row, digits) for row in values],
        zmin=low,
        zmax=high,
        colorscale=scale,
        colorbar={
            "title": {"text": label(title), "font": {"size": 12.5}},
            "thickness": 12,
            "outlinewidth": 0,
        },
        hovertemplate=f"{up} × %{{y:.6~g}}<br>{across} × %{{x:.6~g}}<br>{hover}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    far = [point.sizes for point in grid.points if point.plausible is False]
    upwards = _above(rows) if written_out(grid) else {size: size for size in rows}
    figure.add_scatter(
        x=rounded([sizes[1] for sizes in far], 6),
        y=rounded([upwards[sizes[0]] for sizes in far], 6),
        mode="markers",
        marker={"symbol": "x-thin", "size": 7, "line": {"color": INK, "width": 1.3}},
        name="IMPLAUSIBLE",
        hoverinfo="skip",
        showlegend=False,
    )
    finished(
        figure,
        height=max(min(34 * len(rows), 520), 240) + 120,
        margin={"l": 56, "r": 12, "t": 16, "b": 60},
    )
    for update, family, axis in ((figure.update_xaxes, second, columns), (figure.update_yaxes, first, rows)):
        edges = cell_edges(axis)
        ends = rounded([min(edges), max(edges)], 6)
        update(title_text=axis_title(family), showgrid=False, zeroline=False, range=ends)
    return figure
