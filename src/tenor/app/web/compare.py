"""Compare: settings in which runs differ, their scores side by side, and paired differences from the first."""

import json
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import run_names
from tenor.app.web.parts import Visit
from tenor.report.compare_figures import right_by_run
from tenor.report.text import DASH, number, p_value, percent


async def compare(here: Visit, named: list[str]) -> None:
    """Draw the page for runs; the others are compared with the first."""
    from tenor.app.compare import MOST, CompareRuns, compare_runs

    words, names = here.words, run_names(here.server)
    chosen = [name for name in dict.fromkeys(named) if name in names][:MOST]
    for name in dict.fromkeys(named):
        if name and name not in names:
            parts.banner(name[:80], words("no_run"))
    _chooser(here, names, chosen)
    if len(chosen) < 2:
        parts.empty(words("compare_pick"))
        return
    request = CompareRuns(tuple(chosen), here.server.place.runs)
    answer = await parts.read(here, ", ".join(chosen), lambda: compare_runs(request))
    if answer is None:
        return
    drawn = [run["run"] for run in answer["runs"] if run["simulated"]]
    if drawn:
        parts.simulated(here, () if len(drawn) == len(answer["runs"]) else drawn)
    if any(run["judged"] != "test" for run in answer["runs"]):
        parts.banner(words("validation"), words("validation_why"))
    for note in answer["notes"]:
        parts.say(note)
    _settings(here, answer)
    parts.heading(words("right_of_each"))
    parts.figure(right_by_run(answer), here, label=words("right_of_each"))
    _scores(here, answer)
    if answer["across"]:
        _across(here, answer)


def _chooser(here: Visit, names: list[str], chosen: list[str]) -> None:
    def go(to: list[str]) -> None:
        ui.navigate.to(f"/compare?runs={quote(','.join(to))}")

    with ui.element("div").classes("row"):
        rest = [("", "+"), *((name, name) for name in names if name not in chosen)]
        parts.choose(here.words("run"), rest, "", lambda name: go([*chosen, name]) if name else None)
        for name in chosen:
            parts.press(f"{name} ×", partial(go, [each for each in chosen if each != name]))


def _settings(here: Visit, answer: dict[str, Any]) -> None:
    words, runs = here.words, answer["runs"]
    parts.heading(words("settings_that_differ"))
    rows = [[escape(one["key"]), *(escape(_shown(value)) for value in one["values"])] for one in answer["settings"]]
    for key, name in (("source", "source"), ("fingerprint", "data"), ("code", "code")):
        if len({run[key] for run in runs}) > 1:
            rows.append([escape(words(name)), *(escape(str(run[key])[:16]) for run in runs)])
    if len({tuple(run["test"]) for run in runs}) > 1:
        rows.append([escape(words("judged_on")), *(escape(" – ".join(run["test"])) for run in runs)])
    if not rows:
        parts.say(words("settings_same"))
        return
    heads = [words("key"), *(run["run"] for run in runs)]
    parts.table(words("settings_that_differ"), heads, rows, numbers=len(heads))


def _shown(value: Any) -> str:
    return DASH if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scores(here: Visit, answer: dict[str, Any]) -> None:
    words = here.words
    models = list(dict.fromkeys(one["model"] for one in answer["scores"]))
    rows = []
    for model in models:
        for one in answer["scores"]:
            if one["model"] == model:
                right = one["accuracy"]
                rows.append(
                    [
                        escape(model),
                        parts.link(one["run"], f"/runs/{quote(one['run'])}"),
                        parts.cell(percent(right["mean"]), _interval(right, 100.0, 1)),
                        parts.cell(number(one["sharpe"]["mean"]), _interval(one["sharpe"])) if one["sharpe"] else DASH,
                        number(one["sharpe_gross"]["mean"]) if one["sharpe_gross"] else DASH,
                        parts.cell(_verdict(here, one["found"]), one["way"] or ""),
                    ]
                )
    heads = [words(key) for key in ("by_model", "run", "right", "sharpe", "sharpe_gross", "verdict")]
    parts.table(words("scores"), heads, rows, numbers=2)


def _verdict(here: Visit, found: bool | None) -> str:
    return DASH if found is None else here.words("verdict_found" if found else "verdict_nothing")


def _across(here: Visit, answer: dict[str, Any]) -> None:
    words = here.words
    title = words("paired", run=answer["first"])
    parts.heading(title)
    rows = [
        [
            escape(one["model"]),
            escape(one["run"]),
            escape(words(f"measure_{one['measure']}")),
            _gap(one, one["estimate"]),
            f"[{_gap(one, one['low'])}, {_gap(one, one['high'])}]",
            p_value(one["p_holm"]),
            f"{one['sessions']:,}",
        ]
        for one in answer["across"]
    ]
    heads = [words(key) for key in ("by_model", "run", "measure", "difference", "interval", "p_holm", "sessions")]
    parts.table(title, heads, rows, numbers=3)


def _gap(one: dict[str, Any], value: float) -> str:
    return number(100 * value if one["measure"] == "accuracy" else value)


def _interval(score: dict[str, Any], scale: float = 1.0, digits: int = 2) -> str:
    if score["low"] is None:
        return ""
    return f"[{number(scale * score['low'], digits)}, {number(scale * score['high'], digits)}]"
