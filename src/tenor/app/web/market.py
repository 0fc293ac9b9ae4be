"""Market: candles, a spread over its legs, term structure, curve now and then, bases, and how sound the data are."""

import asyncio
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl
from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import Holdings, holdings
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.report.market_figures import candles, curves, spread_over_legs, term_structure
from tenor.report.text import DASH, number, percent

BACK = (0, 21, 250)
"""Sessions before the last one on which the curve is drawn."""


async def market(here: Visit, code: str, name: str, contract: str) -> None:
    """Draw the page for an instrument, or for a product of a run of calendar spreads and one of its contracts."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    if not held.stocks and not held.pairs:
        parts.empty(words("home_none"), (words("home_begin"), "/study"))
        return
    if (name and name not in held.pairs) or (code and not name and not _is_held(held, code)):
        _chooser(here, held, "", "")
        if name:
            parts.no_run(here, name)
        else:
            parts.banner(code[:80], words("not_held", code=code[:80]))
        return
    code, name = _chosen(held, code, name)
    _chooser(here, held, code, name)
    desks = here.server.desks
    if name:
        if (opened := await parts.read(here, code, partial(desks.open_pair, name, code))) is not None:
            await _pair(here, *opened, code, contract)
            _health(here, opened[0].market)
    elif (drawn := await parts.read(here, code, partial(desks.market_of, held.stocks[code]))) is not None:
        _stock(here, drawn, code)
        _health(here, drawn)


def _is_held(held: Holdings, code: str) -> bool:
    return code in held.stocks or any(code in products for products in held.pairs.values())


def _chosen(held: Holdings, code: str, name: str) -> tuple[str, str]:
    """An instrument, and the run of pairs whose product it is; no run for a stock."""
    if name in held.pairs:
        return code if code in held.pairs[name] else held.pairs[name][0], name
    if code in held.stocks:
        return code, ""
    runs = [each for each, products in held.pairs.items() if code in products] or list(held.pairs)
    if runs:
        return code if code in held.pairs[runs[0]] else held.pairs[runs[0]][0], runs[0]
    return next(iter(held.stocks)), ""


def _chooser(here: Visit, held: Holdings, code: str, name: str) -> None:
    options = [(f"/market?code={each}", each) for each in held.stocks]
    at = f"/market?code={code}"
    for run_name, products in held.pairs.items():
        options += [(f"/market?run={run_name}&code={each}", f"{each} ({run_name})") for each in products]
    if name:
        at = f"/market?run={name}&code={code}"
    if not code:
        options, at = [("", DASH), *options], ""
    with ui.element("div").classes("row"):
        parts.choose(here.words("instrument"), options, at, ui.navigate.to)


def _stock(here: Visit, drawn: Any, code: str) -> None:
    if drawn.simulated:
        parts.simulated(here)
    quotes, terms = drawn.quotes_of(code), drawn.instrument(code)
    parts.heading(f"{code} {terms['name'][0] or ''}".strip())
    parts.figure(candles(quotes, str(terms["currency"][0])), here, label=here.words("candles")).classes("tall")
    parts.say(here.words("as_quoted", day=quotes["date"][-1]), fine=True)


async def _pair(here: Visit, loaded: Any, desk: Any, product: str, contract: str) -> None:
    words, base = here.words, desk.scene.base
    if loaded.market.simulated:
        parts.simulated(here)
    near, far = (loaded.market.quotes_of(leg) for leg in (base.near, base.far))
    spreads = await asyncio.to_thread(here.server.desks.spreads, loaded.name, product)
    parts.heading(f"{base.near} - {base.far}")
    parts.figure(spread_over_legs(spreads, near, far), here, label=words("spread_and_legs")).classes("tall")
    last = near["date"][-1]
    _contract(here, loaded, product, contract or base.near, last)
    of_day = loaded.market.quotes.filter((pl.col("date") == last) & pl.col("code").str.contains(f"^{product}[0-9]"))
    parts.heading(words("term_structure"))
    parts.figure(term_structure(of_day.sort("code")), here, label=words("term_structure"))
    curve = loaded.market.curve.filter(pl.col("curve") == base.curve)
    days = curve["date"].unique().sort(descending=True).to_list()
    if days:
        parts.heading(words("curve_now_and_then"))
        shown = [days[back] for back in BACK if back < len(days)]
        parts.figure(curves(curve, shown), here, label=words("curve_now_and_then"))
    parts.heading(words("basis"))
    for leg in (base.near, base.far):
        answer = await asyncio.to_thread(_basis, loaded, leg, base.session)
        if isinstance(answer, str):
            parts.say(answer)
        else:
            _basis_table(here, answer)


def _contract(here: Visit, loaded: Any, product: str, contract: str, last: Any) -> None:
    """Candles of one contract of a product, with a choice of those that are quoted on the last day."""
    words = here.words
    quoted = loaded.market.quotes.filter(pl.col("code").str.contains(f"^{product}[0-9]"))
    codes = quoted.filter(pl.col("date") == last)["code"].unique().sort().to_list()
    contract = contract if contract in codes else codes[0]
    parts.heading(words("candles_of"))
    with ui.element("div").classes("row"):
        parts.choose(
            words("contract"),
            [(each, each) for each in codes],
            contract,
            lambda to: ui.navigate.to(f"/market?run={quote(loaded.name)}&code={quote(product)}&contract={quote(to)}"),
        )
    drawn = candles(quoted.filter(pl.col("code") == contract).sort("date"), "points")
    parts.figure(drawn, here, label=f"{words('candles')} {contract}").classes("tall")


def _basis(loaded: Any, contract: str, on: Any) -> dict[str, Any] | str:
    from tenor.app.rates import ShowBasis, basis_on

    try:
        return basis_on(ShowBasis(contract, on), loaded.market, loaded.study.valuation)
    except TenorError as failure:
        return f"{contract}: {failure}"


def _basis_table(here: Visit, answer: dict[str, Any]) -> None:
    words = here.words
    heads = [words(key) for key in ("bond", "factor", "yield", "clean", "gross_basis", "carry", "net_basis", "irr")]
    rows = [
        [
            parts.cell(row["bond"], words("cheapest") if row["cheapest"] else ""),
            number(row["factor"], 4),
            percent(row["yield"], 3),
            number(row["clean"], 4),
            number(row["gross_basis"], 4),
            number(row["carry"], 4),
            number(row["net_basis"], 4),
            DASH if row["irr"] is None else percent(row["irr"], 2),
        ]
        for row in answer["bonds"][:8]
    ]
    parts.say(f"{answer['contract']}, {answer['on']}", fine=True)
    parts.table(f"{words('basis')} {answer['contract']}", heads, rows)
    for note in answer["notes"]:
        parts.say(note, fine=True)


def _health(here: Visit, drawn: Any) -> None:
    from tenor.io.sources.check import summary

    words = here.words
    parts.heading(words("health"))
    found = sorted(summary(drawn).parts, key=lambda part: str(part.last or ""), reverse=True)
    rows = [
        [escape(part.name), escape(part.table), f"{part.kept:,}", str(part.first or DASH), str(part.last or DASH)]
        for part in found[:40]
    ]
    heads = [words(key) for key in ("series", "table", "rows", "first_day", "last_day")]
    parts.table(words("health"), heads, rows, numbers=2)
    if len(found) > 40:
        parts.say(words("more_series", count=len(found) - 40), fine=True)
    parts.notes(here, drawn.notes)
