"""Figures read from the ledger: the positions on the spread, and what other costs would leave."""

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenor.decide.costs import LEGS_PER_PAIR
from tenor.market.contract import product
from tenor.report.headline import headline
from tenor.report.report import Report
from tenor.report.style import BLUE, GREY, TEXT, VERMILLION, colours, days, finished, label, rounded, symbols
from tenor.trust.score import sharpe_ratio
from tenor.units import Dates, Floats

SLIPPAGES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
"""Ticks lost per leg execution at which the Sharpe ratio is computed again."""


def positions(report: Report, model: str | None = None) -> go.Figure:
    """Draw the traded spread and, below it, the position that ``model`` held.

    Parameters
    ----------
    report
        The report.
    model
        Whose position; the leading model of :func:`~tenor.report.headline.headline` if ``None``.

    Returns
    -------
    Figure
        Per product three traces: spread (points; a gap at every change of pair), pairs held long and pairs
        held short, each averaged over seeds, under the headline position and fill. Several products: one at a
        time, chosen from a menu.
    """
    front = headline(report)
    chosen = front.leading if model is None else model
    held = (
        report.evaluation.ledger.filter(
            (pl.col("model") == chosen) & (pl.col("position_rule") == front.position) & (pl.col("fill") == front.fill)
        )
        .group_by("product", "session")
        .agg(pl.col("position").mean())
        .sort("product", "session")
    )
    codes = report.spreads["product"].unique(maintain_order=True).to_list()
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.04)
    for place, code in enumerate(codes):
        spread = report.spreads.filter(pl.col("product") == code).sort("session")
        x, y, text = _with_gaps(spread)
        figure.add_scatter(
            x=x,
            y=y,
            text=text,
            mode="lines",
            name=f"{label(code)} spread",
            line={"color": GREY, "width": 1.4},
            hovertemplate="%{y:.3f} (%{text})<extra>spread</extra>",
            visible=place == 0,
            showlegend=False,
            row=1,
            col=1,
        )
        mine = held.filter(pl.col("product") == code)
        when, pairs = days(mine["session"].to_numpy()), mine["position"].to_numpy()
        for side, colour, part in (
            ("long near, short far", BLUE, np.maximum(pairs, 0.0)),
            ("short near, long far", VERMILLION, np.minimum(pairs, 0.0)),
        ):
            figure.add_scatter(
                x=when,
                y=rounded(part, 3),
                mode="lines",
                name=side,
                line={"color": colour, "width": 0.6, "shape": "hv"},
                fill="tozeroy",
                hovertemplate="%{y:.2f} pairs<extra>" + side + "</extra>",
                visible=place == 0,
                row=2,
                col=1,
            )
    finished(figure, height=460, hovermode="x")
    figure.update_yaxes(title_text="spread, points", zeroline=False, row=1, col=1)
    figure.update_yaxes(title_text="pairs held", row=2, col=1)
    if len(codes) > 1:
        figure.update_layout(updatemenus=[_menu(codes)], margin_t=84)
    return figure


def _with_gaps(spread: pl.DataFrame) -> tuple[list[str | None], list[float | None], list[str | None]]:
    """Dates, spreads and pairs, with an empty point between two pairs: no line crosses a roll."""
    points: list[tuple[str | None, float | None, str | None]] = []
    values = rounded(spread["spread"].cast(pl.Float64).fill_null(float("nan")).to_numpy())
    pairs = spread["pair"].to_list()
    dates = days(spread["session"].to_numpy())
    for place, (day, value, pair) in enumerate(zip(dates, values, pairs, strict=True)):
        if place and pair != pairs[place - 1]:
            points.append((None, None, None))
        points.append((day, value, label(pair)))
    x, y, text = ([point[part] for point in points] for part in range(3))
    return x, y, text  # type: ignore[return-value]


def _menu(codes: list[str]) -> dict[str, object]:
    """Choose the product: three traces each."""
    return {
        "type": "dropdown",
        "x": 1,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "showactive": True,
        "bgcolor": "rgba(128,128,128,0.15)",
        "font": {"color": TEXT},
        "buttons": [
            {
                "label": label(code),
                "method": "restyle",
                "args": ["visible", [place == number for place in range(len(codes)) for _ in range(3)]],
            }
            for number, code in enumerate(codes)
        ],
    }


def sharpe_by_cost(report: Report, slippages: tuple[float, ...] = SLIPPAGES) -> dict[str, Floats]:
    """Return each model's Sharpe ratio after costs, had a leg cost other numbers of ticks.

    The trades are those of the headline position and fill, charged otherwise: to the ledger's cost of a
    session is added ``|pairs traded| * legs * (ticks - ticks of the study) * tick * multiplier``. The fee
    stays. A position rule with a no-trade band would have traded differently at another cost; here it is held
    to the same trades.

    Parameters
    ----------
    report
        The report.
    slippages
        Ticks lost per leg execution.

    Returns
    -------
    dict
        Model -> mean over seeds, shape ``(len(slippages),)``; NaN where a seed's return never varied although
        it traded, 0 for one that never traded. At the study's own slippage it is the ratio of the tables.
    """
    front, trading = headline(report), report.study["trading"]
    stated, per_year = float(trading["costs"]["slippage_ticks"]), float(trading["sessions_per_year"])
    sessions, ticks = report.evaluation.sessions, np.asarray(slippages, dtype=np.float64)
    mine = report.evaluation.ledger.filter(
        (pl.col("position_rule") == front.position) & (pl.col("fill") == front.fill)
    ).sort("model", "product", "seed", "session")
    out = {}
    for model in front.models:
        rows = mine.filter(pl.col("model") == model)
        seeds = rows["seed"].n_unique()
        net, extra = (np.zeros((seeds, len(sessions))) for _ in range(2))
        capital = np.zeros(len(sessions))
        for code in rows["product"].unique(maintain_order=True).to_list():
            part = rows.filter(pl.col("product") == code)
            days_of = part.head(len(part) // seeds)
            at = np.searchsorted(sessions, days_of["session"].to_numpy().astype("datetime64[D]"))
            net[:, at] += part["net"].to_numpy().reshape(seeds, -1)
            per_tick = LEGS_PER_PAIR * _tick_money(code, sessions[at])
            extra[:, at] += np.abs(part["traded"].to_numpy().reshape(seeds, -1)) * per_tick
            between = np.arange(at[0], at[-1] + 1)
            last = np.searchsorted(at, between, side="right") - 1
            capital[between] += days_of["capital"].to_numpy()[last]
        returns = (net[None] - (ticks - stated)[:, None, None] * extra) / capital
        idle = (net == 0).all(axis=1) & (extra == 0).all(axis=1)
        out[model] = np.where(idle, 0.0, sharpe_ratio(returns, sessions_per_year=per_year)).mean(axis=1)
    return out


def _tick_money(code: str, sessions: Dates) -> Floats:
    """Money of one tick and lot on each session."""
    rules = product(code)
    return np.array([rules.tick(day) for day in sessions.astype("datetime64[D]").tolist()]) * rules.multiplier


def cost_sensitivity(report: Report) -> go.Figure:
    """Draw the Sharpe ratio after costs against the ticks that a leg costs: one line per model.

    The numbers are those of :func:`sharpe_by_cost`; a vertical line marks the study's own slippage.
    """
    front = headline(report)
    colour, symbol = colours(front.models), symbols(front.models)
    figure = go.Figure()
    for model, values in sharpe_by_cost(report).items():
        figure.add_scatter(
            x=list(SLIPPAGES),
            y=rounded(values, 3),
            mode="lines+markers",
            name=label(model),
            line={"color": colour[model], "width": 2},
            marker={"symbol": symbol[model], "size": 7},
            visible=True if model in front.shown else "legendonly",
            hovertemplate="%{x} ticks: %{y:.2f}<extra>" + label(model) + "</extra>",
        )
    stated = float(report.study["trading"]["costs"]["slippage_ticks"])
    figure.add_vline(
        x=stated,
        line={"color": TEXT, "width": 1, "dash": "dot"},
        annotation={"text": "this study", "font": {"color": TEXT, "size": 11}},
    )
    finished(figure, height=340)
    figure.update_xaxes(title_text="slippage, ticks per leg execution (the fee stays)", zeroline=False)
    figure.update_yaxes(title_text="Sharpe ratio after costs")
    return figure
