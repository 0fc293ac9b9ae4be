"""Home: what can be forecast, and what a reader watches, with today's probability beside yesterday's."""

import asyncio
from html import escape
from typing import Any

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import Speaker, holdings, outlook_of
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.io.store import accounts
from tenor.io.store.accounts import Person
from tenor.report import outlook_text, pair_outlook_text
from tenor.report.text import DASH, percent

MOST = 60
"""Most instruments that are listed at once; the forecast page finds the others."""


async def home(here: Visit) -> None:
    """Draw the page."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    if not held.stocks and not held.pairs:
        parts.empty(words("home_none"), (words("home_begin"), "/study"))
        return
    fronts = held.fronts
    watched = [name for name in accounts.watch_list(here.server.store, here.person.name) if name in fronts]
    parts.heading(words("watched"))
    place = ui.element("div").style(f"width: 100%; min-height: {6 + 4 * len(watched)}rem")
    if not watched:
        with place:
            parts.empty(words("watched_none"))
    parts.heading(words("instruments"))
    with ui.element("div").classes("row"):
        for name in list(fronts)[:MOST]:
            _instrument(here, name, watched)
    if len(fronts) > MOST:
        parts.say(words("more_instruments", count=len(fronts) - MOST), fine=True)
    if held.pairs:
        parts.heading(words("pairs"))
        rows = [
            [
                parts.link(name, f"/runs/{name}"),
                escape(", ".join(products)),
                parts.link(words("what_if"), f"/what-if?run={name}"),
                parts.link(words("backtest"), f"/backtest?run={name}"),
            ]
            for name, products in held.pairs.items()
        ]
        parts.table(words("pairs"), [words("run"), words("product"), "", ""], rows, numbers=9)
    if watched:
        with place:
            drawn = await parts.read(
                here, ", ".join(watched), lambda: [_row(here, name, fronts[name][0]) for name in watched]
            )
            heads = ("instrument", "up_now", "up_before", "close", "last_data", "by_model", "verdict")
            parts.table(words("watched"), [words(key) for key in heads], drawn or [])


def _instrument(here: Visit, code: str, watched: list[str]) -> None:
    words, on = here.words, code in watched
    with (
        ui.element("div")
        .classes("card")
        .style("padding: .25rem .5rem; display: flex; align-items: center; gap: .25rem")
    ):
        ui.html(parts.link(code, f"/forecast?codes={code}"), sanitize=False)
        star = ui.element("button").classes("plain").style("border: 0")
        label = words("unwatch" if on else "watch", code=code)
        star.props(f'type="button" aria-pressed="{str(on).lower()}" aria-label="{label}" data-star="{code}"')
        with star:
            ui.html("★" if on else "☆", tag="span", sanitize=False)

        def turn(person: Person) -> list[str]:
            now = accounts.watch_list(here.server.store, person.name)
            now = [each for each in now if each != code] if code in now else [*now, code]
            accounts.set_watch_list(here.server.store, person.name, now)
            return now

        async def turned() -> None:
            if await parts.act(here, turn) is not None:
                ui.run_javascript(f"sessionStorage.setItem('tenor-focus', '[data-star=\"{code}\"]')")
                ui.navigate.reload()

        star.on("click", parts.attempt(turned))


def _row(here: Visit, name: str, speaker: Speaker) -> list[str]:
    link = parts.link(name, f"/forecast?codes={name}")
    try:
        one = outlook_of(here.server, speaker.run, speaker.code)
    except TenorError as failure:
        return [link, parts.cell(DASH, str(failure)[:160]), "", "", "", "", ""]
    said = outlook_text.speaker(one)
    flags = ", ".join(outlook_text.flags(one))
    if pair_outlook_text.is_pair(one):
        before = one["before"]
        return [
            parts.html_cell(link, one["pair"]),
            parts.cell(percent(said["up"]), outlook_text.over_seeds(said)),
            DASH if before is None else escape(percent(before["up"].get(one["speaks"]))),
            escape(f"{pair_outlook_text.points(one, one['spread'])} points"),
            parts.cell(one["as_of"], flags),
            parts.html_cell(escape(one["speaks"]), one["run"]),
            escape(verdict(here, one)),
        ]
    return [
        link,
        parts.cell(percent(said["up"]), outlook_text.over_seeds(said)),
        escape(_before(one)),
        escape(outlook_text.close(one)),
        parts.cell(one["as_of"], flags),
        parts.html_cell(escape(one["speaks"]), one["run"]),
        escape(verdict(here, one)),
    ]


def _before(one: dict[str, Any]) -> str:
    return percent(one["before"]["up"]) if one.get("before") else DASH


def verdict(here: Visit, one: dict[str, Any]) -> str:
    """Say in the reader's language whether the record holds a finding."""
    if one["record"]["judged"] != "test":
        return here.words("verdict_open")
    found = here.words("verdict_found" if one["record"]["found"] else "verdict_nothing")
    if not pair_outlook_text.is_pair(one):
        return found
    ahead = one["record"]["ahead"]
    alone = "" if ahead is None else here.words(_alone(ahead), rule=ahead["rule"], code=one["code"])
    return f"{here.words('over_products', what=found)}{alone}"


def _alone(ahead: dict[str, Any]) -> str:
    """What the interval of the lead over the hardest rule says of one product by itself."""
    return "alone_ahead" if ahead["low"] > 0 else "alone_behind" if ahead["high"] < 0 else "alone_open"
