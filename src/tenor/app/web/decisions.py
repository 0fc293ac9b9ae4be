"""What was decided on a run: who, when, on which content; and the form of whoever may decide."""

import asyncio
from html import escape

from nicegui import ui

from tenor.app.server import approving
from tenor.app.server.approving import Review
from tenor.app.web import parts
from tenor.app.web.parts import Visit
from tenor.app.web.words import Words
from tenor.errors import TenorError
from tenor.io.store.approvals import MOST_COMMENT, Decision, Verdict
from tenor.report.text import DASH

COMMENT = "decision-comment"
"""Name of the field of the comment in the page."""


async def decisions(here: Visit, run: str) -> None:
    """Draw the section."""
    parts.heading(here.words("decisions"))
    await _Decisions(here, run).draw()


def standing(words: Words, decision: Decision | None, changed: bool) -> str:
    """Return the cell of the decision that stands."""
    if decision is None:
        return DASH
    return parts.cell(_verdict(words, decision), words("changed_since") if changed else decision.account)


def _verdict(words: Words, decision: Decision) -> str:
    return words("approved") if decision.verdict == "approved" else words("refused")


class _Decisions:
    """The decisions and the form, drawn again when one was made."""

    def __init__(self, here: Visit, run: str) -> None:
        self._here, self._run = here, run

    async def draw(self) -> None:
        self._place = ui.element("div").style("width: 100%")
        await self._again()

    async def _again(self) -> None:
        try:
            review = await asyncio.to_thread(approving.review, self._here.server, self._run)
        except TenorError as failure:
            self._place.clear()
            with self._place:
                parts.banner("!", str(failure))
            return
        self._place.clear()
        with self._place:
            self._table(review)
            if self._here.person.may("approve"):
                self._form(review)

    def _table(self, review: Review) -> None:
        words = self._here.words
        if not review.decisions:
            parts.empty(words("decisions_none"))
            return
        rows = [
            [
                escape(parts.moment(one.at)),
                escape(one.account),
                parts.cell(_verdict(words, one), words("changed_since") if review.changed(one) else ""),
                f'<div style="white-space: pre-wrap; overflow-wrap: anywhere; min-width: 14rem">'
                f"{escape(one.comment)}</div>",
            ]
            for one in review.decisions
        ]
        heads = [words(key) for key in ("when", "who", "decision", "comment")]
        parts.table(words("decisions"), heads, rows, numbers=9)

    def _form(self, review: Review) -> None:
        here, words = self._here, self._here.words
        if review.four_eyes == "checked" and here.person.name in review.started_by:
            parts.say(words("started_yourself"))
            return
        if review.four_eyes == "unknown":
            parts.say(words("started_unknown"), fine=True)
        if review.four_eyes == "no_accounts":
            parts.say(words("no_four_eyes"), fine=True)
        with ui.element("label").classes("field"):
            ui.html(escape(words("comment_field", most=f"{MOST_COMMENT:,}")), tag="span", sanitize=False)
            ui.element("textarea").props(f'id="{COMMENT}" maxlength="{MOST_COMMENT}" rows="3"')
        with ui.element("div").classes("row"):
            self._button(words("approve"), "approved", review.digest)
            self._button(words("refuse"), "refused", review.digest)

    def _button(self, text: str, verdict: Verdict, read: str) -> None:
        button = ui.element("button").classes("plain").props('type="button"')
        with button:
            ui.html(escape(text), tag="span", sanitize=False)

        async def pressed(comment: str) -> None:
            here = self._here
            made = await parts.act(
                here, lambda person: approving.decide(here.server, person, self._run, verdict, comment, read=read)
            )
            if made is not None:
                await self._again()

        button.on(
            "click",
            lambda event: pressed(str(event.args)),
            js_handler=f"() => emit(document.getElementById('{COMMENT}').value)",
        )
