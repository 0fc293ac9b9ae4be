"""Study: choose one, see its settings, run it, and follow the jobs."""

import asyncio
import json
from functools import partial
from html import escape
from pathlib import PurePath
from typing import Any

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.io.store import jobs
from tenor.io.store.jobs import Job

SHOWN = 12
"""Jobs that are listed."""


async def study(here: Visit, chosen: str) -> None:
    """Draw the page."""
    words = here.words
    names = await asyncio.to_thread(_names, here)
    chosen = chosen if chosen in names else names[0]
    may = here.person.may("run")
    with ui.element("div").classes("row"):
        parts.choose(
            words("study_choose"),
            [(name, name) for name in names],
            chosen,
            lambda to: ui.navigate.to(f"/study?study={to}"),
        )
        parts.press(words("study_run"), lambda: _start(here, chosen), first=True, disabled=not may)
    if not may:
        parts.say(words("may_not"))
    text = await asyncio.to_thread(_text, here, chosen)
    parts.heading(words("study_settings"))
    ui.html(
        f'<pre class="settings" tabindex="0" aria-label="{escape(words("study_settings"))}">{escape(text)}</pre>',
        sanitize=False,
    )
    parts.heading(words("jobs"))
    await _Jobs(here).draw()


def _names(here: Visit) -> list[str]:
    from tenor.io.studies import list_published

    mine = sorted(file.stem for file in (here.server.place.root / here.server.place.studies).glob("*.toml"))
    return list(dict.fromkeys([*mine, *list_published()]))


def _text(here: Visit, name: str) -> str:
    place = here.server.place
    path = place.study(name)
    return (place.root / path).read_text(encoding="utf-8")


def _start(here: Visit, name: str) -> None:
    try:
        here.server.start(here.person, "run", {"study": name, "data": None})
        ui.notify(here.words("study_started"))
    except TenorError as failure:
        ui.notify(str(failure), type="negative", multi_line=True)


class _Jobs:
    """The list of jobs, drawn again when something changed."""

    def __init__(self, here: Visit) -> None:
        self._here = here
        self._last: list[Any] | None = None

    async def draw(self) -> None:
        """Draw it, and look again every second."""
        self._place = ui.element("div").style("width: 100%; min-height: 8rem")
        await self._again()
        ui.timer(1.0, self._again)

    async def _again(self) -> None:
        try:
            held = await asyncio.to_thread(jobs.page, self._here.server.store, limit=SHOWN)
        except TenorError as failure:
            self._last = None
            self._place.clear()
            with self._place:
                parts.banner("!", str(failure))
            return
        seen = [(job.id, job.state, job.stage, job.done, job.total, job.cancel_asked) for job in held]
        if seen == self._last:
            return
        self._last = seen
        self._place.clear()
        with self._place:
            self._table(held)

    def _table(self, held: list[Job]) -> None:
        words = self._here.words
        if not held:
            parts.empty(words("jobs_none"))
            return
        heads = [words(key) for key in ("job_command", "job_state", "job_progress", "job_began")]
        parts.table(words("jobs"), heads, [self._row(job) for job in held], numbers=9)
        if self._here.person.may("run"):
            with ui.element("div").classes("row"):
                for job in held:
                    if job.open and not job.cancel_asked:
                        parts.press(f"{words('cancel')}: {_what(job)}", partial(self._cancel, job.id))

    async def _cancel(self, job: str) -> None:
        self._here.server.cancel(self._here.person, job)
        await self._again()

    def _row(self, job: Job) -> list[str]:
        began = "" if job.started is None else job.started.strftime("%Y-%m-%d %H:%M:%S UTC")
        state = escape(self._here.words(f"state_{job.state}"))
        return [escape(_what(job)), state, self._progress(job), escape(began)]

    def _progress(self, job: Job) -> str:
        if job.state == "done" and job.answer is not None and job.command == "run":
            name = PurePath(str(json.loads(job.answer)["run"])).name
            return parts.link(name, f"/runs/{name}")
        if job.error is not None:
            return escape(str(job.error["error"]["message"])[:400])
        if not job.total:
            return ""
        share = min(100.0, 100.0 * job.done / job.total)
        label = f"{job.stage}: {job.done} / {job.total}"
        return (
            f'<div class="meter" role="progressbar" aria-valuenow="{share:.0f}" aria-valuemin="0" aria-valuemax="100"'
            f' aria-label="{escape(label)}"><span style="width:{share:.1f}%"></span></div>'
            f'<div class="fine">{escape(label)}</div>'
        )


def _what(job: Job) -> str:
    asked = job.request.get("study") or job.request.get("run") or " ".join(job.request.get("tickers") or ())
    return f"{job.command} {asked}".strip()
