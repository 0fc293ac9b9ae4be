"""Backtest: what each model of a run earned before and after costs, its drawdown, intervals beside the rules."""

import asyncio
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import run_names
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.report.headline import leading
from tenor.report.ledger_figures import Way, equity, returns, ways
from tenor.report.text import DASH, number, p_value, percent
from tenor.trust.evaluation import RULES


async def backtest(here: Visit, name: str, at: int) -> None:
    """Draw the page for a run and one of the ways in which its forecasts were held and filled."""
    words, names = here.words, await asyncio.to_thread(run_names, here.server)
    if not names:
        parts.empty(words("runs_none"), (words("home_begin"), "/study"))
        return
    name = name if name in names else names[0]
    try:
        result, ledger = await asyncio.to_thread(_read, here, name)
    except TenorError as failure:
        _chooser(here, names, name, (), 0)
        parts.banner(name, str(failure))
        return
    held = ways(ledger) if ledger.height else ()
    at = at if 0 <= at < len(held) else 0
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
    parts.heading(words("equity"))
    drawn = await asyncio.to_thread(equity, daily, [front, *([best] if best else [])])
    parts.figure(drawn, here, label=words("equity")).classes("tall")
    parts.say(words("equity_fine"), fine=True)
    parts.heading(words("scores"))
    _scores(here, result, held[at])
    parts.heading(words("against_rules"))
    _differences(here, result)
    ui.html(
        f"<p>{parts.link(words('ledger'), f'/api/v1/runs/{quote(name)}/files/ledger.parquet')} &middot; "
        f"{parts.link(words('report'), f'/runs/{quote(name)}')}</p>",
        sanitize=False,
    )


def _read(here: Visit, name: str) -> tuple[dict[str, Any], Any]:
    from tenor.io.runs import read_frame, read_run

    place = here.server.place
    kept = read_run(place.root / place.folder_of(name))
    return dict(kept.result), read_frame(kept, "ledger.parquet")


def _chooser(here: Visit, names: list[str], name: str, held: tuple[Way, ...], at: int) -> None:
    words = here.words
    with ui.element("div").classes("row"):
        parts.choose(
            words("run"), [(each, each) for each in names], name, lambda to: ui.navigate.to(f"/backtest?run={to}")
        )
        if held:
            options = [
                (str(number_of), f"{way.rule}, {way.fill.replace('_', ' ')}") for number_of, way in enumerate(held)
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
    rows = []
    for one in _rows_of(result, way):
        scores = one["scores"]
        rows.append(
            [
                escape(one["model"]),
                percent(scores["annual_return"]["mean"]),
                parts.cell(number(scores["sharpe"]["mean"]), _interval(scores["sharpe"])),
                parts.cell(number(scores["sharpe_gross"]["mean"]), _interval(scores["sharpe_gross"])),
                percent(scores["max_drawdown"]["mean"]),
                number(scores["turnover"]["mean"], 1),
                _even(result, scores),
            ]
        )
    parts.table(words("scores"), heads, rows)


def _even(result: dict[str, Any], scores: dict[str, Any]) -> str:
    value = scores["break_even_cost"]["mean"]
    if value is None:
        return DASH
    return number(value, 2) if "earned" in result else f"{number(1e4 * value, 1)} bp"


def _interval(score: dict[str, Any]) -> str:
    seeds = f"±{number(score['sd'])} " if score["sd"] is not None else ""
    return f"{seeds}[{number(score['low'])}, {number(score['high'])}]" if score["low"] is not None else seeds.strip()


def _differences(here: Visit, result: dict[str, Any]) -> None:
    words = here.words
    heads = [words(key) for key in ("by_model", "hardest_rule", "ahead_by", "p_holm", "verdict")]
    rows = [
        [
            escape(one["model"]),
            escape(one["best_rule"]),
            f"{number(100 * one['margin'], 2)}",
            p_value(one["p_holm"]),
            escape(words("verdict_found" if one["found"] else "verdict_nothing")),
        ]
        for one in result["findings"]
    ]
    parts.table(words("against_rules"), heads, rows, numbers=2)
