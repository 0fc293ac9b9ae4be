"""Share a run: make a link that somebody without an account may open, see those that hold, and end them."""

import asyncio
from functools import partial
from html import escape

from nicegui import ui

from tenor.app.server import sharing
from tenor.app.web import parts
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.io.store.shares import Share

DAYS = (1, 7, 30, 90, sharing.MOST_DAYS)
"""How long a link may hold, to choose from."""

COPY = (
    "const field = document.getElementById('share-link'); field.select();"
    " const done = () => {{ this.textContent = {copied}; }};"
    " const old = () => {{ document.execCommand('copy'); done(); }};"
    " navigator.clipboard ? navigator.clipboard.writeText(field.value).then(done, old) : old()"
)
"""Copies the link; the old way where the browser has no clipboard, as on a server without TLS."""


async def share(here: Visit, run: str) -> None:
    """Draw the section, for those who may run."""
    if not here.person.may("run"):
        return
    words = here.words
    parts.heading(words("share"))
    parts.say(words("share_why"))
    if not here.server.settings.accounts:
        parts.banner(words("share_local"), words("share_local_why"))
    await _Links(here, run).draw()


class _Links:
    """The form, the new link, and the links that hold."""

    def __init__(self, here: Visit, run: str) -> None:
        self._here, self._run, self._days = here, run, sharing.USUAL_DAYS
        self._newest = ""

    async def draw(self) -> None:
        words = self._here.words
        with ui.element("div").classes("row"):
            options = [(str(days), str(days)) for days in DAYS]
            parts.choose(words("share_holds"), options, str(self._days), self._chosen)
            parts.press(words("share_make"), self._make)
        self._new = ui.element("div").style("width: 100%").props('role="status"')
        self._held = ui.element("div").style("width: 100%")
        await self._again()

    def _chosen(self, days: str) -> None:
        self._days = int(days)

    async def _make(self) -> None:
        here, days = self._here, self._days
        made = await parts.act(here, lambda person: sharing.share(here.server, person, self._run, days))
        if made is None:
            return
        link, secret = made
        origin = await ui.run_javascript("location.origin", timeout=10.0)
        self._newest = link.id
        self._new.clear()
        with self._new:
            self._show(f"{origin}{sharing.place_of(secret)}", link)
        await self._again()

    def _show(self, address: str, link: Share) -> None:
        words = self._here.words
        copied = escape(f"'{words('copied')}'")
        with ui.element("div").classes("row"):
            ui.html(
                f'<label class="field" style="flex: 1 1 20rem">{escape(words("share_link"))}'
                f'<input id="share-link" readonly value="{escape(address)}" onfocus="this.select()"></label>',
                sanitize=False,
            ).style("display: flex; flex: 1 1 20rem; min-width: 0")
            ui.html(
                f'<button type="button" class="plain" onclick="{COPY.format(copied=copied)}">'
                f"{escape(words('copy'))}</button>",
                sanitize=False,
            )
        parts.say(words("share_once", until=parts.moment(link.expires)))

    async def _again(self) -> None:
        here = self._here
        try:
            held = await asyncio.to_thread(sharing.listed, here.server, here.person, self._run)
        except TenorError as failure:
            self._held.clear()
            with self._held:
                parts.banner("!", str(failure))
            return
        self._held.clear()
        with self._held:
            self._list(held)

    def _list(self, held: list[Share]) -> None:
        words = self._here.words
        if not held:
            parts.say(words("share_none"), fine=True)
            return
        rows = [
            [escape(one.id), escape(one.account), escape(parts.moment(one.created)), escape(parts.moment(one.expires))]
            for one in held
        ]
        heads = [words(key) for key in ("share_id", "share_by", "share_made", "share_until")]
        parts.table(words("share_held"), heads, rows, numbers=9)
        with ui.element("div").classes("row"):
            for one in held:
                parts.press(words("share_end", id=one.id), partial(self._end, one.id))

    async def _end(self, link: str) -> None:
        here = self._here
        if await parts.act(here, lambda person: sharing.revoke(here.server, person, link)) is not None:
            if link == self._newest:
                self._new.clear()
            await self._again()
