"""Backtest: what each model of a run earned before and after costs, its drawdown, intervals beside the rules."""

import asyncio
from datetime import date
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl
from nicegui import ui

from tenor.app.tables import SLIVER
from tenor.app.web import parts
from tenor.app.web.holdings import run_names
from tenor.app.web.parts import Visit
from tenor.report.figures import differences_of
from tenor.report.forecast_figures import calibration_of_run
from tenor.report.headline import leading
from tenor.report.ledger_figures import Way, equity, of_way, returns, ways
from tenor.report.text import DASH, number, p_value, percent
from tenor.trust.evaluation import RULES, Comparison, Finding

SHOWN = 20
"""Rows of the ledger that are listed."""


async def backtest(here: Visit, name: str, at: int) -> None:
    """Draw the page for a run and one of the ways in which its forecasts were held and filled."""
    words, names = here.words, await asyncio.to_thread(run_names, here.server)
    if not names:
        parts.empty(words("runs_none"), (words("home_begin"), "/study"))
        return
    if name and name not in names:
        _chooser(here, names, "", (), 0)
        parts.no_run(here, name)
        return
    name = name or names[0]
    chooser = ui.element("div").style("width: 100%; min-height: 5rem")
    found = await parts.read(here, name, lambda: _read(here, name))
    if found is None:
        with chooser:
            _chooser(here, names, name, (), 0)
        return
    result, ledger, forecasts = found
    held = ways(ledger) if ledger.height else ()
    at = at if 0 <= at < len(held) else _had(held)
    with chooser:
        _chooser(here, names, name, held, at)
    if result["data"]["simulated"]:
        parts.simulated(here)
    if result.get("judged", "test") != "test":
        parts.banner(words("validation"), words("validation_why"))
    if not held:
        parts.empty(words("nothing_traded"))
        return
    daily = await asyncio.to_thread(returns, ledger, held[at])
    models = daily["model"].unique(maintain_order=True).to_list()
    speaks = result["study"].get("speaks")
    front = speaks if speaks in models else leading(models)
    best = _best_rule(result, held[at])
    parts.say(words(f"who_{held[at].fill}"))
    parts.say(_costs(here, result), fine=True)
    parts.heading(words("equity"))
    drawn = await asyncio.to_thread(equity, daily, [front, *([best] if best else [])])
    parts.figure(drawn, here, label=words("equity")).classes("tall")
    parts.say(words("equity_fine" if daily["seed"].n_unique() > 1 else "equity_fine_mean"), fine=True)
    parts.heading(words("scores"))
    _scores(here, result, held[at])
    parts.heading(words("against_rules"))
    _against_rules(here, result)
    parts.heading(words("calibration"))
    shown = [front, *([best] if best else [])]
    drawn = await asyncio.to_thread(calibration_of_run, forecasts, shown)
    parts.figure(drawn, here, label=words("calibration")).classes("tall")
    parts.say(words("calibration_fine"), fine=True)
    parts.heading(words("ledger"))
    judged = ledger.filter(pl.col("session") <= date.fromisoformat(result["test"][1]))
    _ledger(here, judged, held[at], front)
    below = f"/api/v1/runs/{quote(name)}/files"
    ui.html(
        f"<p>{parts.link(words('ledger_csv'), f'{below}/ledger.csv')} &middot; "
        f"{parts.link(words('ledger_parquet'), f'{below}/ledger.parquet')} &middot; "
        f"{parts.link(words('report'), f'/runs/{quote(name)}')}</p>",
        sanitize=False,
    )


def _had(held: tuple[Way, ...]) -> int:
    """The first way whose fill somebody could have had: not the close that a decision is made of."""
    return next((at for at, way in enumerate(held) if way.fill != "same_close"), 0)


def _read(here: Visit, name: str) -> tuple[dict[str, Any], pl.DataFrame, pl.DataFrame]:
    from tenor.io.runs import read_frame, read_run

    place = here.server.place
    kept = read_run(place.root / place.folder_of(name))
    ledger = read_frame(kept, "ledger.parquet")
    columns = ("session", "model", "up", "change", "label")
    extra = ("pair", "seed") if "capital" in ledger.columns else ("code",)
    return dict(kept.result), ledger, read_frame(kept, "forecasts.parquet", (*columns, *extra))


def _chooser(here: Visit, names: list[str], name: str, held: tuple[Way, ...], at: int) -> None:
    words = here.words
    with ui.element("div").classes("row"):
        options = [*([] if name else [("", DASH)]), *((each, each) for each in names)]
        parts.choose(words("run"), options, name, lambda to: ui.navigate.to(f"/backtest?run={quote(to)}"))
        if held:
            options = [
                (str(number_of), f"{way.rule}, {words(f'fill_{way.fill}')}") for number_of, way in enumerate(held)
            ]
            parts.choose(words("way"), options, str(at), lambda to: ui.navigate.to(f"/backtest?run={name}&way={to}"))


def _rows_of(result: dict[str, Any], way: Way) -> list[dict[str, Any]]:
    held = result.get("earned") or result.get("portfolios") or []
    rule = "position" if "earned" in result else "portfolio"
    return [
        one for one in held if (one[rule], one["fill"]) == (way.rule, way.fill) and one.get("scope", "all") == "all"
    ]


def _best_rule(result: dict[str, Any], way: Way) -> str | None:
    rules = [one for one in _rows_of(result, way) if one["model"] in RULES]
    return max(rules, key=lambda one: one["scores"]["sharpe"]["mean"] or 0.0)["model"] if rules else None


def _scores(here: Visit, result: dict[str, Any], way: Way) -> None:
    words = here.words
    heads = [
        words(key) for key in ("by_model", "a_year", "sharpe", "sharpe_gross", "drawdown", "turnover", "break_even")
    ]
    rows, slivers = [], False
    for one in _rows_of(result, way):
        scores = one["scores"]
        idle, volatility = scores["turnover"]["mean"] == 0, scores["volatility"]["mean"]
        little = volatility is not None and volatility < SLIVER
        slivers |= little and not idle
        rows.append(
            [
                f"{escape(one['model'])}{' *' if little and not idle else ''}",
                percent(scores["annual_return"]["mean"]),
                *(
                    words("never_traded") if idle else parts.cell(number(score["mean"]), _interval(score))
                    for score in (scores["sharpe"], scores["sharpe_gross"])
                ),
                percent(scores["max_drawdown"]["mean"]),
                number(scores["turnover"]["mean"], 1),
                _even(result, scores),
            ]
        )
    parts.table(words("scores"), heads, rows)
    parts.say(words("scores_fine_pairs" if "earned" in result else "scores_fine_stocks"), fine=True)
    if slivers:
        parts.say(words("sliver", least=f"{100 * SLIVER:g}"), fine=True)
    if any((one["scores"]["max_drawdown"]["mean"] or 0.0) > 1 for one in _rows_of(result, way)):
        parts.say(words("topped_up"), fine=True)


def _costs(here: Visit, result: dict[str, Any]) -> str:
    """What trading costs in this study, by its own keys."""
    costs = result["study"]["trading"]["costs"]
    listed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in costs.items())
    return here.words("costs_are", listed=listed)


def _even(result: dict[str, Any], scores: dict[str, Any]) -> str:
    value = scores["break_even_cost"]["mean"]
    if value is None:
        return DASH
    return number(value, 1) if "earned" in result else f"{number(1e4 * value, 1)} bp"


def _interval(score: dict[str, Any]) -> str:
    seeds = f"±{number(score['sd'])} " if score["sd"] is not None else ""
    return f"{seeds}[{number(score['low'])}, {number(score['high'])}]" if score["low"] is not None else seeds.strip()


def _against_rules(here: Visit, result: dict[str, Any]) -> None:
    """Each model that learns less each rule, with its interval, and what was found over all of them."""
    words = here.words
    comparisons = [Comparison(**one) for one in result["comparisons"] if one["second"] in RULES]
    if comparisons:
        drawn = differences_of(comparisons, [Finding(**one) for one in result["findings"]])
        parts.figure(drawn, here, label=words("against_rules")).classes("tall")
    heads = [words(key) for key in ("by_model", "hardest_rule", "ahead_by", "interval", "p_holm", "verdict")]
    intervals = {(one.first, one.second): one for one in comparisons if one.measure == "accuracy"}
    rows = []
    for one in result["findings"]:
        gap = intervals[one["model"], one["best_rule"]]
        rows.append(
            [
                escape(one["model"]),
                escape(one["best_rule"]),
                number(100 * one["margin"], 2),
                f"[{number(100 * gap.low, 2)}, {number(100 * gap.high, 2)}]",
                p_value(one["p_holm"]),
                escape(words("verdict_found" if one["found"] else "verdict_nothing")),
            ]
        )
    parts.table(words("against_rules"), heads, rows, numbers=2)


def _ledger(here: Visit, ledger: pl.DataFrame, way: Way, model: str) -> None:
    """The last sessions of the model in front: of its first seed, where each seed has its own."""
    words = here.words
    mine = of_way(ledger, way).filter(pl.col("model") == model)
    names = [
        name
        for name in (
            "session",
            "pair",
            "p_up",
            "position",
            "traded",
            "points",
            "exposure",
            "turnover",
            "gross",
            "cost",
            "net",
        )
        if name in mine.columns
    ]
    told = words("ledger_of", model=model)
    if "seed" in mine.columns:
        seed = int(mine["seed"][0])
        mine, told = mine.filter(pl.col("seed") == seed), words("ledger_of_seed", model=model, seed=seed)
    parts.say(told, fine=True)
    last = mine.sort("session", descending=True, maintain_order=True).head(SHOWN)
    money = {"gross", "cost", "net"} if "pair" in names else set()
    rows = [
        [number(value, 0) if name in money else _written(name, value) for name, value in row.items()]
        for row in last.select(names).iter_rows(named=True)
    ]
    parts.table(words("ledger"), [words(f"ledger_{name}") for name in names], rows, numbers=2 if "pair" in names else 1)


def _written(name: str, value: Any) -> str:
    if value is None:
        return DASH
    if not isinstance(value, float):
        return escape(str(value))
    if name == "p_up":
        return percent(value)
    return number(value, {"position": 2, "traded": 2, "points": 4}.get(name, 4))
