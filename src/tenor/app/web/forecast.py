"""Forecast: probability with its spread over seeds and models, price quantiles, the naive row, the record."""

import asyncio
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import Holdings, Speaker, holdings, outlook_of
from tenor.app.web.home import verdict
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.report import outlook_text, pair_outlook_text
from tenor.report.outlook_figures import fan, probabilities
from tenor.report.pair_outlook_figures import spread_ahead
from tenor.report.pair_outlook_text import is_pair
from tenor.report.text import DASH, number, p_value, percent

MOST = 6
"""Most instruments side by side."""


async def forecast(here: Visit, codes: str) -> None:
    """Draw the page for instruments that are named with commas between them; the first of them all where none is."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    fronts = held.fronts
    if not fronts:
        parts.empty(words("forecast_none"), (words("home_begin"), "/study"))
        return
    wanted = [word for word in dict.fromkeys(codes.split(",")) if word][:MOST] or list(fronts)[:1]
    _chooser(here, held, wanted)
    asked = {}
    for word in wanted:
        if (speaker := held.speaker(word)) is None:
            parts.banner(word[:80], words("not_held", code=word[:80]))
        else:
            asked[word] = speaker
    answers = await parts.read(here, ", ".join(asked), lambda: _answers(here, asked)) or {}
    for word, answer in answers.items():
        if isinstance(answer, str):
            parts.banner(word, words("cannot", code=word, why=answer))
    found = {word: answer for word, answer in answers.items() if not isinstance(answer, str)}
    _warnings(here, found)
    with ui.element("div").classes("cards"):
        for word, one in found.items():
            _card(here, one, _pair_facts(here, one) if is_pair(one) else _stock_facts(here, one), asked[word])
    for one in found.values():
        if is_pair(one):
            _pair(here, one)
        else:
            _stock(here, one)
        parts.notes(here, one["notes"])


def _answers(here: Visit, asked: dict[str, Speaker]) -> dict[str, dict[str, Any] | str]:
    """What the runs say by word of the address, or why one cannot."""
    answers: dict[str, dict[str, Any] | str] = {}
    for word, speaker in asked.items():
        try:
            answers[word] = outlook_of(here.server, speaker.run, speaker.code)
        except TenorError as failure:
            answers[word] = str(failure)
    return answers


def _warnings(here: Visit, found: dict[str, dict[str, Any]]) -> None:
    words = here.words
    drawn = [word for word, one in found.items() if one["simulated"]]
    if drawn:
        parts.simulated(here, () if len(drawn) == len(found) else drawn)
    for word, one in found.items():
        if is_pair(one) and one["known"]:
            parts.banner(
                words("known"), f"{word}: {words('known_why', day=one['as_of'], last=one['last'], due=one['due'])}"
            )
        if one["missed"]:
            why = words("stale_why", day=one["last"] if is_pair(one) else one["as_of"], count=one["missed"])
            parts.banner(words("stale"), f"{word}: {why}")
        if one["record"]["judged"] != "test":
            parts.banner(words("validation"), f"{word}: {words('validation_why')}")


def _chooser(here: Visit, held: Holdings, wanted: list[str]) -> None:
    """Which instruments, and by which run where several speak of one."""
    words = here.words

    def go(to: list[str]) -> None:
        ui.navigate.to(f"/forecast?codes={quote(','.join(to[-MOST:]))}")

    def by(word: str, run: str) -> None:
        name = word.partition("@")[0]
        go([f"{name}@{run}" if each == word else each for each in wanted])

    with ui.element("div").classes("row"):
        names = {word.partition("@")[0] for word in wanted}
        rest = [("", "+"), *((name, name) for name in held.fronts if name not in names)]
        parts.choose(words("forecast_choose"), rest, "", lambda name: go([*wanted, name]) if name else None)
        for word in wanted if len(wanted) > 1 else ():
            name = word.partition("@")[0]
            parts.press(f"{name} ×", partial(go, [each for each in wanted if each != word]))
    with ui.element("div").classes("row"):
        for word in wanted:
            name = word.partition("@")[0]
            runs, speaks = held.fronts.get(name, ()), held.speaker(word)
            if len(runs) > 1 and speaks is not None:
                options = [(one.run, f"{one.run} {decided(here, one)}".strip()) for one in runs]
                parts.choose(words("by_run", name=name), options, speaks.run, partial(by, word))


def decided(here: Visit, speaker: Speaker) -> str:
    """Say what was decided on a run, in brackets; nothing where nobody did."""
    return f"({here.words(speaker.verdict)})" if speaker.verdict else ""


def _title(one: dict[str, Any]) -> str:
    return pair_outlook_text.title(one) if is_pair(one) else outlook_text.title(one)


def _stock_facts(here: Visit, one: dict[str, Any]) -> list[tuple[str, str, str]]:
    said, record, words = outlook_text.speaker(one), one["record"], here.words
    rows = []
    filled = partial(_filled, here)
    if len(said["levels"]) > 1:
        ahead = f"{words('range', stated=outlook_text.stated(said))}, {outlook_text.due(one, 0)}"
        rows.append((ahead, f"{outlook_text.width(one, said, 0)} {one['currency']}", ""))
    rows.append((words("close"), outlook_text.close(one), f"{one['as_of']}, {outlook_text.signed(one['change'])}"))
    rows += _right(here, record)
    if record["majority"]:
        rows.append((words("usual_side"), outlook_text.share(record["majority"]), ""))
    past = record["held"]
    if said["weight"] is not None and past is not None:
        low, high = (outlook_text.signed(said[edge], 0).removesuffix(" %") for edge in ("weight_low", "weight_high"))
        spread = f"[{low}, {high}]" if said["seeds"] > 1 else ""
        rows.append((f"{words('holds')}: {past['portfolio']}", outlook_text.signed(said["weight"], 0), spread))
        before = f"{words('sharpe_gross')} {_ratio(past['sharpe_gross'])}"
        rows.append((filled(past), _ratio(past["sharpe"]), before))
        rows.append((words("information_ratio"), _ratio(past["information_ratio"]), ""))
    return rows


def _pair_facts(here: Visit, one: dict[str, Any]) -> list[tuple[str, str, str]]:
    said, record, words = outlook_text.speaker(one), one["record"], here.words
    points, filled = partial(pair_outlook_text.points, one), partial(_filled, here)
    change = "" if one["change"] is None else f", {points(one['change'], signed=True)}"
    low, high = (number(said[edge], 2) for edge in ("pairs_low", "pairs_high"))
    rows = [
        (words("due"), one["due"] or DASH, ""),
        (words("spread_points"), points(one["spread"]), f"{one['as_of']}{change}"),
        (words("usual_move"), f"± {points(one['expected_move'])}", ""),
        *_right(here, record),
    ]
    if record["best_rule"]:
        rows.append(
            (f"{words('hardest_rule')}: {record['best_rule']}", outlook_text.share(record["best_accuracy"]), "")
        )
    if (ahead := record["ahead"]) is not None:
        lead, *edges = (number(100 * ahead[name], 1) for name in ("estimate", "low", "high"))
        rows.append((words("ahead_of", rule=ahead["rule"]), f"{lead} [{edges[0]}, {edges[1]}]", ""))
    if record["p_holm"] is not None:
        rows.append((words("p_all_products"), p_value(record["p_holm"]), ""))
    spread = words("by_seed", low=low, high=high) if said["seeds"] > 1 else ""
    rows.append((f"{words('holds')}: {one['rule']}", f"{number(said['pairs'], 2)} {words('pairs_unit')}", spread))
    for way in sorted(record["earned"], key=lambda way: way["fill"] == "same_close"):
        net = way["sharpe"]
        before = f"{words('sharpe_gross')} {number(way['sharpe_gross']['mean'])}"
        spread = f" ± {number(net['sd'])}" if net["sd"] is not None else ""
        rows.append((filled(way), f"{number(net['mean'])}{spread}", before))
    rows.append((words("no_interval"), "", ""))
    return rows


def _right(here: Visit, record: dict[str, Any]) -> list[tuple[str, str, str]]:
    """How often the model that is quoted was right, on how many calls of which days."""
    days = f"{here.words('calls', count=record['n'])}, {record['first']} – {record['last']}"
    return [(f"{here.words('right')}: {record['model']}", outlook_text.share(record["accuracy"]), days)]


def _filled(here: Visit, way: dict[str, Any]) -> str:
    fill = way["fill"]
    return f"{here.words('sharpe')}, {here.words(f'fill_{fill}')}"


def _ratio(score: dict[str, Any]) -> str:
    interval = f" [{number(score['low'])}, {number(score['high'])}]" if score["low"] is not None else ""
    return f"{number(score['value'])}{interval}"


def _card(here: Visit, one: dict[str, Any], facts: list[tuple[str, str, str]], speaker: Speaker) -> None:
    said, words = outlook_text.speaker(one), here.words
    agree = "one_seed"
    if said["seeds"] > 1:
        agree = "seeds_disagree" if said["low"] < 0.5 < said["high"] else "seeds_agree"
    seeds = f"{outlook_text.over_seeds(said)} {words(agree, count=said['seeds'])}".strip()
    mark = f'<span class="badge">{escape(words("simulated"))}</span>' if one["simulated"] else ""
    run = parts.link(one["run"], f"/runs/{quote(one['run'])}")
    ui.html(
        f'<section class="card" aria-label="{escape(one["code"])}">'
        f'<h2 style="margin:0">{escape(_title(one))} {mark}</h2>'
        f'<div class="fine">{escape(words("run"))} {run} {escape(decided(here, speaker))}</div>'
        f'<div class="fine">{escape(words("up_now"))}</div><div class="up">{escape(percent(said["up"]))}</div>'
        f'<div class="fine">{escape(seeds)}</div><p><strong>{escape(verdict(here, one))}</strong></p>'
        f"{parts.facts_html(facts)}</section>",
        sanitize=False,
    )


def _stock(here: Visit, one: dict[str, Any]) -> None:
    words = here.words
    parts.heading(_title(one))
    parts.say(words("ranges"), fine=True)
    parts.figure(fan(one), here, label=f"{_title(one)}: {words('ranges')}").classes("tall")
    _horizons(here, one)
    parts.say(words("each_model"), fine=True)
    parts.figure(probabilities(one), here, label=f"{_title(one)}: {words('each_model')}")


def _pair(here: Visit, one: dict[str, Any]) -> None:
    words = here.words
    parts.heading(_title(one))
    parts.figure(spread_ahead(one), here, label=f"{_title(one)}: {words('spread')}")
    parts.say(words("each_model"), fine=True)
    parts.figure(probabilities(one), here, label=f"{_title(one)}: {words('each_model')}")
    before = one["before"]
    heads = [words(key) for key in ("by_model", "up_now", "over_seeds", "up_before", "would_hold")]
    rows = [
        [
            escape(said["model"]),
            escape(percent(said["up"])),
            escape(outlook_text.over_seeds(said)),
            escape(percent(before["up"].get(said["model"]))) if before else "",
            escape(number(said["pairs"], 2)),
        ]
        for said in outlook_text.in_order(one)
    ]
    rows.append([escape(words("naive_pair")), escape(percent(0.5)), "", "", escape(number(0.0, 2))])
    parts.table(_title(one), heads, rows)


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
    parts.table(_title(one), heads, rows)
