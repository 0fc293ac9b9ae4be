"""Study: a form that says what is wrong as one types, a run of it, and the jobs with their progress."""

import asyncio
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

from nicegui import ui

from tenor.app.server import drafts
from tenor.app.web import parts
from tenor.app.web.parts import Visit
from tenor.app.web.study_editor import StudyEditor
from tenor.errors import TenorError
from tenor.io.store import jobs
from tenor.io.store.jobs import Job

SHOWN = 8
"""Jobs that are listed."""


FIRST = "cgb-spread"
"""The study that is shown where none is chosen: it needs no data."""


async def study(here: Visit, chosen: str) -> None:
    """Draw the page."""
    words, place = here.words, here.server.place
    names = [held.name for held in await asyncio.to_thread(drafts.studies, place)]
    chosen = chosen if chosen in names else FIRST
    with ui.element("div").classes("row"):
        parts.choose(
            words("study_choose"),
            [(name, name) for name in names],
            chosen,
            lambda to: ui.navigate.to(f"/study?study={quote(to)}"),
        )
    if not here.person.may("run"):
        parts.say(words("may_not"))
    editor = None
    try:
        editor = StudyEditor(here, chosen, *await asyncio.to_thread(drafts.read_with_digest, place, chosen))
    except TenorError as failure:
        parts.banner(chosen, str(failure))
    if editor is not None:
        editor.draw_state()
    parts.heading(words("jobs"))
    await _Jobs(here).draw()
    if editor is not None:
        parts.heading(words("study_settings"))
        editor.draw_form()
    parts.heading(words("uploads"))
    _uploads(here)
    if editor is not None:
        await ui.context.client.connected()
        await editor.begin()


def _uploads(here: Visit) -> None:
    from tenor.app.server.uploads import FOLDER, SUFFIXES, listed

    words = here.words
    held = listed(here.server.place)
    if held:
        rows = [[escape(f"../uploads/{one['folder']}"), escape(one["name"]), f"{one['bytes']:,}"] for one in held]
        parts.table(words("uploads"), [words("folder"), words("file"), words("bytes")], rows, numbers=2)
    else:
        parts.empty(words("uploads_none"))
    if not here.person.may("run"):
        return
    ui.html(
        f'<div class="row"><label class="field"><span>{escape(words("folder"))}</span>'
        f'<input type="text" id="upload-folder" value="mine" spellcheck="false"></label>'
        f'<label class="field"><span>{escape(words("files"))}</span>'
        f'<input type="file" id="upload-files" multiple accept="{",".join(SUFFIXES)}"></label>'
        f'<button type="button" class="plain" onclick="tenorUpload(this)" data-folder="{escape(FOLDER.pattern)}"'
        f' data-rule="{escape(words("upload_rule"))}" data-none="{escape(words("upload_no_file"))}">'
        f"{escape(words('upload'))}</button></div>"
        '<p id="upload-state" role="status" class="fine"></p>',
        sanitize=False,
    )


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
        await parts.act(self._here, lambda person: self._here.server.cancel(person, job))
        await self._again()

    def _row(self, job: Job) -> list[str]:
        began = "" if job.started is None else job.started.strftime("%Y-%m-%d %H:%M:%S UTC")
        state = escape(self._here.words(f"state_{job.state}"))
        return [escape(_what(job)), state, self._progress(job), escape(began)]

    def _progress(self, job: Job) -> str:
        if job.state == "done" and job.run is not None:
            return parts.link(job.run, f"/runs/{quote(job.run)}")
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
