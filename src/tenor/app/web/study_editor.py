"""The editor of a study: its form, what is wrong with the draft as one types, and the draft kept until it is run."""

import asyncio
import json
from html import escape
from typing import Any
from urllib.parse import quote

import tomli_w
from nicegui import ui

from tenor.app.server import authoring, drafts
from tenor.app.web import parts, study_form
from tenor.app.web.parts import Visit
from tenor.io.store.accounts import Person

WAIT = 0.25
"""Seconds of quiet after a key before the draft is checked."""

_TYPED = (
    "(e) => { const t = e.target;"
    " if (t.dataset.path && !t.dataset.do) emit(JSON.stringify([t.dataset.path, t.value])) }"
)
_CHOSEN = (
    "(e) => { const t = e.target; if (t.tagName === 'SELECT' && t.dataset.do)"
    " emit(JSON.stringify([t.dataset.do, t.dataset.path, t.value])) }"
)
_PRESSED = (
    "(e) => { const t = e.target.closest('button[data-do]');"
    " if (t) emit(JSON.stringify([t.dataset.do, t.dataset.path, ''])) }"
)
"""What the browser tells of: a text that changed, a kind that was chosen, a button that was pressed."""


class StudyEditor:
    """A draft of a study, its form, and what is wrong with it.

    ``digest`` is that of the file which ``table`` is of. A draft that this tab had kept may have begun from another.
    """

    def __init__(self, here: Visit, name: str, table: dict[str, Any], digest: str) -> None:
        self._here, self._name, self._first, self._table = here, name, table, table
        self._digest, self._began = digest, {name: digest}
        self._schema = drafts.schema_of(drafts.subject_of(table))
        self._changes = self._drawn = 0
        self._key = f"tenor-draft-{name}"

    @property
    def _changed(self) -> bool:
        return self._table != self._first

    def draw_state(self) -> None:
        """Draw whether the draft can be run, and the buttons."""
        words = self._here.words
        self._state = ui.html("", sanitize=False).props('role="status" aria-live="polite"').classes("state")
        with ui.element("div").classes("row"):
            self._run = parts.press(
                words("study_run"), self._start, first=True, disabled=not self._here.person.may("run")
            )
            parts.press(words("form_undo"), self._undo)

    def draw_form(self) -> None:
        """Draw the form, and the draft as a file."""
        words = self._here.words
        parts.say(words("form_paths"), fine=True)
        self._place = ui.html(self._html(), sanitize=False).classes("study")
        self._place.on("input", self._typed, js_handler=_TYPED)
        self._place.on("change", self._done, js_handler=_CHOSEN)
        self._place.on("click", self._done, js_handler=_PRESSED)
        with ui.element("details"):
            ui.html(escape(words("study_file")), tag="summary", sanitize=False)
            self._text = ui.html("", sanitize=False)

    async def begin(self) -> None:
        """Take up what this browser tab had not yet run, and check it."""
        kept = await ui.run_javascript(f"sessionStorage.getItem({study_form.as_json(self._key)})", timeout=5.0)
        if isinstance(kept, str):
            try:
                held = json.loads(kept)
                table, began = held["table"], str(held["began"])
            except (ValueError, TypeError, KeyError):
                table = None
            if isinstance(table, dict) and drafts.subject_of(table) == drafts.subject_of(self._first):
                self._table = table
                self._began[self._name] = began
                self._redraw()
        await self._check()

    def _html(self) -> str:
        # the number, since what is typed changes the browser's page alone: HTML that is the same to the server as the
        # last would not be sent, and the typed text would stay
        return f"{study_form.form_html(self._schema, self._table, self._here.words)}<!-- {self._drawn} -->"

    def _redraw(self) -> None:
        self._drawn += 1
        self._place.set_content(self._html())

    async def _typed(self, event: Any) -> None:
        path, text = json.loads(event.args)
        try:
            self._table = study_form.typed(self._schema, self._table, str(path), str(text))
        except (KeyError, IndexError, TypeError):
            return  # a key that was there when it was typed at, and has been taken away since
        self._changes += 1
        mine = self._changes
        await asyncio.sleep(WAIT)
        if mine == self._changes:
            await self._check()

    async def _done(self, event: Any) -> None:
        what, path, value = (str(each) for each in json.loads(event.args))
        try:
            if what == "add":
                self._table, path = study_form.added(self._schema, self._table, path, value)
            elif what == "switch":
                self._table = study_form.switched(self._schema, self._table, path, value)
            elif what == "open":
                self._table = study_form.opened(self._table, path)
            elif what == "remove":
                self._table = study_form.removed(self._table, path)
        except (KeyError, IndexError, TypeError):
            return  # as above
        self._changes += 1
        self._redraw()
        await self._check()
        ui.run_javascript(f"tenorFocus({study_form.as_json(path)})")

    async def _undo(self) -> None:
        self._table = self._first
        self._began[self._name] = self._digest
        self._changes += 1
        self._redraw()
        await self._check()

    async def _check(self) -> None:
        """Say what is wrong, each at its key, and what the draft is as a file."""
        mine, table, words = self._changes, self._table, self._here.words
        problems = await asyncio.to_thread(self._problems, table)
        if mine != self._changes:
            return
        places = study_form.problem_places(self._place.content)
        sorted_out = study_form.by_key(problems, places)
        ui.run_javascript(f"tenorProblems({study_form.as_json(sorted_out)})")
        draft = json.dumps({"began": self._began[self._name], "table": table})
        kept = study_form.as_json(draft) if self._changed else "null"
        ui.run_javascript(f"tenorKeep({study_form.as_json(self._key)}, {kept})")
        if problems:
            listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:8])
            more = f"<li>{escape(words('form_more', count=len(problems) - 8))}</li>" if len(problems) > 8 else ""
            told = f"<strong>{escape(words('form_wrong', count=len(problems)))}</strong><ul>{listed}{more}</ul>"
            self._state.set_content(f'<div class="banner">{told}</div>')
        else:
            self._state.set_content(f"<p>{escape(words('form_changed' if self._changed else 'form_ready'))}</p>")
        text = tomli_w.dumps(table)
        self._text.set_content(
            f'<pre class="settings" tabindex="0" aria-label="{escape(words("study_file"))}">{escape(text)}</pre>'
        )

    def _problems(self, table: dict[str, Any]) -> tuple[str, ...]:
        found = drafts.problems_of(self._here.server.place, table)
        if table == self._first:
            return found
        name = str(table.get("name", ""))
        taken = drafts.taken_name(self._here.server.place, name, self._began.get(name))
        return (f"name: {taken}", *found) if taken else found

    async def _start(self) -> None:
        table, changed, words = self._table, self._changed, self._here.words

        def started(person: Person) -> tuple[str, bool]:
            server, name, digest = self._here.server, self._name, self._digest
            with server.studies:
                if changed:
                    replaces = self._began.get(str(table.get("name", "")))
                    name, digest = authoring.write(server, person, table, replaces=replaces)
                    self._began[name] = digest  # where it cannot be started now, it is written over later
                return name, authoring.run_as_read(server, person, name, digest)[1]

        if (found := await parts.act(self._here, started)) is None:
            await self._check()  # beside the message, which goes away
            return
        name, new = found
        ui.notify(words("study_started") if new else words("study_already"))
        if changed:
            ui.run_javascript(f"tenorKeep({study_form.as_json(self._key)}, null)")
            ui.navigate.to(f"/study?study={quote(name)}")
