"""Forecast: probability with its spread over seeds and models, price quantiles, the naive row, the record."""

import asyncio
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import holdings, outlook_of
from tenor.app.web.home import verdict
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.report import outlook_text
from tenor.report.outlook_figures import fan, probabilities
from tenor.report.text import percent

MOST = 6
"""Most instruments side by side."""


async def forecast(here: Visit, codes: str) -> None:
    """Draw the page for instruments that are named with commas between them."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    if not held.stocks:
        parts.empty(words("forecast_none"), (words("home_begin"), "/study"))
        return
    wanted = [code for code in dict.fromkeys(codes.split(",")) if code][:MOST]
    _chooser(here, list(held.stocks), wanted)
    if not wanted:
        parts.empty(words("forecast_pick"))
        return
    found: list[dict[str, Any]] = []
    for code in wanted:
        if code not in held.stocks:
            parts.banner(code[:40], words("cannot", code=code[:40], why="-"))
            continue
        try:
            found.append(await asyncio.to_thread(outlook_of, here.server, held.stocks[code], code))
        except TenorError as failure:
            parts.banner(code, words("cannot", code=code, why=str(failure)))
    if any(one["simulated"] for one in found):
        parts.simulated(here)
    for one in found:
        if one["missed"]:
            why = words("stale_why", day=one["as_of"], count=one["missed"])
            parts.banner(words("stale"), f"{one['code']}: {why}")
        if one["record"]["judged"] != "test":
            parts.banner(words("validation"), f"{one['code']}: {words('validation_why')}")
    with ui.element("div").classes("cards"):
        for one in found:
            _card(here, one)
    for one in found:
        parts.heading(outlook_text.title(one))
        parts.say(words("ranges"), fine=True)
        parts.figure(fan(one), here, label=f"{outlook_text.title(one)}: {words('ranges')}").classes("tall")
        _horizons(here, one)
        parts.say(words("each_model"), fine=True)
        parts.figure(probabilities(one), here, label=f"{outlook_text.title(one)}: {words('each_model')}")
        parts.notes(here, one["notes"])


def _chooser(here: Visit, codes: list[str], wanted: list[str]) -> None:
    def go(code: str) -> None:
        if code:
            ui.navigate.to(f"/forecast?codes={quote(','.join([*wanted, code][-MOST:]))}")

    with ui.element("div").classes("row"):
        rest = [code for code in codes if code not in wanted]
        parts.choose(here.words("forecast_choose"), [("", "+"), *((code, code) for code in rest)], "", go)
        for code in wanted:
            left = quote(",".join(each for each in wanted if each != code))
            parts.press(f"{code} ×", partial(ui.navigate.to, f"/forecast?codes={left}"))


def _card(here: Visit, one: dict[str, Any]) -> None:
    said, record = outlook_text.speaker(one), one["record"]
    lines = [
        outlook_text.expected_range(one),
        outlook_text.last_close(one),
        f"{outlook_text.by(one)} {record['sentence']}",
        outlook_text.held(one),
    ]
    seeds = f"{outlook_text.over_seeds(said)} / {said['seeds']}" if said["seeds"] > 1 else ""
    told = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    ui.html(
        f'<section class="card" aria-label="{escape(one["code"])}">'
        f'<h2 style="margin:0">{escape(outlook_text.title(one))}</h2>'
        f'<div class="fine">{escape(here.words("up_now"))}</div><div class="up">{escape(percent(said["up"]))}</div>'
        f'<div class="fine">{escape(seeds)}</div><p><strong>{escape(verdict(here, one))}</strong></p>{told}</section>',
        sanitize=False,
    )


def _horizons(here: Visit, one: dict[str, Any]) -> None:
    said, words = outlook_text.speaker(one), here.words
    if not said["levels"]:
        return
    bands = outlook_text.pairs(said["levels"])[::-1]
    heads = [
        *(words(key) for key in ("ahead", "due", "median")),
        *(words("range", stated=outlook_text.stated(said, pair)) for pair in bands),
        words("held_before"),
        words("skill"),
    ]
    rows = []
    for place, horizon in enumerate(one["horizons"]):
        rows.append(
            [
                escape(text)
                for text in (
                    outlook_text.sessions(horizon),
                    outlook_text.due(one, place),
                    outlook_text.price(one, outlook_text.median(said, place)),
                    *(outlook_text.width(one, said, place, pair) for pair in bands),
                    outlook_text.coverage(one["record"], horizon),
                    outlook_text.skill_at(one["record"], horizon),
                )
            ]
        )
    rows.append(
        [
            escape(words("naive")),
            "",
            escape(outlook_text.price(one, one["naive"])),
            *("" for _ in range(len(bands) + 2)),
        ]
    )
    parts.table(outlook_text.title(one), heads, rows)
