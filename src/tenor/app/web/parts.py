"""Parts that every page is made of: its frame, headings, tables, banners, figures, empty states."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, TypeVar
from urllib.parse import quote

import plotly.graph_objects as go
from fastapi import Request
from nicegui import ui
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tenor.app.server.serving import Server
from tenor.app.web.words import LANGUAGES, Words, spoken
from tenor.errors import AccessError, StoreError, TenorError
from tenor.io.store.accounts import Person
from tenor.report.style import CONFIG

THEME, LANGUAGE = "tenor_theme", "tenor_language"
"""Cookies of what a reader chose: how pages look and which language they speak."""

PAGES = (
    ("home", "/"),
    ("market", "/market"),
    ("forecast", "/forecast"),
    ("what_if", "/what-if"),
    ("study", "/study"),
    ("backtest", "/backtest"),
    ("runs", "/runs"),
)
"""Pages of the main navigation, in order: key of the text, and place."""

YEAR = 31_536_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One page that is drawn for one reader.

    Parameters
    ----------
    server
        The server.
    person
        Who reads.
    words
        The texts in the reader's language.
    dark
        Whether the reader chose dark.
    request
        What the page was asked with.
    """

    server: Server
    person: Person
    words: Words
    dark: bool
    request: Request

    def again(self) -> Person:
        """Return who reads at this moment: an open page outlives a sign-out.

        Raises
        ------
        AccessError
            If the session has ended since the page was drawn.
        """
        return self.server.person(self.request)


def visit(server: Server, request: Request) -> Visit | Response:
    """Return who reads and how; where nobody known does a way to the sign-in page, or why that cannot be told."""
    words = spoken(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
    try:
        person = server.person(request)
    except AccessError:
        asked = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/sign-in?to={quote(request.url.path + asked)}", status_code=303)
    except StoreError as failure:
        return unwell_page(words, failure)
    return Visit(server, person, words, request.cookies.get(THEME) == "dark", request)


@contextmanager
def frame(here: Visit, key: str, title: str) -> Iterator[None]:
    """Draw what every page has, and open its main part."""
    words = here.words
    head(words, title, dark=here.dark)
    ui.html(f'<a class="skip" href="#main">{escape(words("skip"))}</a>', sanitize=False)
    with ui.element("header").classes("bar"):
        ui.html('<a class="mark" href="/">Tenor</a>', sanitize=False)
        links = "".join(
            f'<a href="{place}"{" aria-current=page" if each == key else ""}>{escape(words(each))}</a>'
            for each, place in PAGES
        )
        ui.html(f'<nav aria-label="{escape(words("main"))}">{links}</nav>', sanitize=False).style(
            "flex: 1 1 auto; min-width: 0"
        )
        _choices(here)
    with ui.element("div").props('id="main" tabindex="-1"'):
        ui.html(f"<h1>{escape(title)}</h1>", sanitize=False)
        yield


def head(words: Words, title: str, *, dark: bool) -> None:
    """Set title, language, style and theme of a page."""
    ui.page_title(f"{title} - Tenor")
    ui.add_head_html('<link rel="stylesheet" href="/assets/tenor.css"><script src="/assets/tenor.js"></script>')
    ui.add_head_html(f'<script>document.documentElement.lang="{"zh-CN" if words.language == "zh" else "en"}"</script>')
    ui.dark_mode(value=dark)


def _choices(here: Visit) -> None:
    other = "light" if here.dark else "dark"
    kept = f"path=/;max-age={YEAR};samesite=strict"
    ui.html(
        f'<button type="button" aria-label="{escape(here.words("theme"))}"'
        f" onclick=\"document.cookie='{THEME}={other};{kept}';location.reload()\">◐</button>",
        sanitize=False,
    )
    for code, name in LANGUAGES.items():
        if code != here.words.language:
            ui.html(
                f'<button type="button" lang="{code}"'
                f" onclick=\"document.cookie='{LANGUAGE}={code};{kept}';location.reload()\">{name}</button>",
                sanitize=False,
            )
    if here.server.settings.accounts:
        ui.html(
            f'<form method="post" action="/sign-out"><button>{escape(here.words("sign_out"))}'
            f" ({escape(here.person.name)})</button></form>",
            sanitize=False,
        )


def heading(text: str) -> None:
    """Draw a heading of a section."""
    ui.html(f"<h2>{escape(text)}</h2>", sanitize=False)


def say(text: str, *, fine: bool = False) -> None:
    """Draw a paragraph."""
    ui.html(f"<p{' class=fine' if fine else ''}>{escape(text)}</p>", sanitize=False)


def banner(word: str, text: str) -> None:
    """Draw a warning that stands before any number."""
    ui.html(f'<div class="banner" role="note"><strong>{escape(word)}</strong>{escape(text)}</div>', sanitize=False)


async def read(here: Visit, name: str, reading: Callable[[], T]) -> T | None:
    """Show the page at once, then return what takes seconds to read; a banner and ``None`` where it cannot be read.

    ``None`` too where the reader has left meanwhile: there is nobody to draw for.
    """
    client = ui.context.client
    waiting = ui.element("div").classes("waiting").props('role="status"')
    with waiting:
        say(here.words("loading", run=name))
    await client.connected()
    found, failed = None, None
    try:
        found = await asyncio.to_thread(reading)
    except TenorError as failure:
        failed = str(failure)
    if client.is_deleted:  # its elements went with it: to take one of them away, or to draw more, is an error
        return None
    waiting.delete()
    if failed is not None:
        banner(name, failed)
    return found


async def act(here: Visit, done: Callable[[Person], T]) -> T | None:
    """Do something for whoever is signed in at this moment; a message and ``None`` where nobody is, or it is refused.

    Everything on a page that changes something goes through here.
    """
    client = ui.context.client  # what was pressed may have been drawn anew by the time there is an answer
    try:
        return await asyncio.to_thread(lambda: done(here.again()))
    except AccessError as refused:
        said = str(refused) if refused.known else here.words("signed_out")
    except TenorError as failure:
        said = str(failure)
    with client:
        ui.notify(said, type="negative", multi_line=True, timeout=15_000)
    return None


def simulated(here: Visit, of: Sequence[str] = ()) -> None:
    """Say before any number that prices were drawn: all of them, or those of what is named."""
    words = here.words
    banner(words("simulated"), words("simulated_of", names=", ".join(of)) if of else words("simulated_why"))


def notes(here: Visit, sentences: Sequence[str]) -> None:
    """Draw what a reader must know, folded."""
    listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    ui.html(f"<details><summary>{escape(here.words('notes'))}</summary><ul>{listed}</ul></details>", sanitize=False)


def no_run(here: Visit, name: str) -> None:
    """Draw what stands where an address names a run that is not there, or cannot be read."""
    try:
        here.server.place.folder_of(name)
        text = here.words("no_run")
    except TenorError as why:
        text = str(why)
    empty(f"{name[:80]}: {text}", (here.words("back"), "/runs"))


def empty(text: str, link: tuple[str, str] | None = None) -> None:
    """Draw what stands where there is nothing: why, and what to do next."""
    more = f' <a href="{escape(link[1])}">{escape(link[0])}</a>' if link else ""
    ui.html(f'<div class="empty">{escape(text)}{more}</div>', sanitize=False)


_WELL_AGAIN = (
    "const again = setInterval(async () => { try { if ((await fetch('/health')).ok)"
    " { clearInterval(again); location.reload(); } } catch { } }, 3000)"
)
"""Draws a page again once the server is well."""


def unwell(words: Words, failure: TenorError) -> None:
    """Draw what stands where a page cannot be drawn now: why, what to do, and the page itself once it can be."""
    ui.html(_unwell(words, failure), sanitize=False)
    if isinstance(failure, StoreError):
        ui.run_javascript(_WELL_AGAIN)


def unwell_page(words: Words, failure: StoreError) -> Response:
    """Return the same as a page of its own, for who cannot be known now."""
    return HTMLResponse(_bare(words, f"{_unwell(words, failure)}<script>{_WELL_AGAIN}</script>"), status_code=503)


def missing_page(words: Words) -> Response:
    """Return what stands at an address that is no page."""
    back = f'<p><a href="/">{escape(words("home"))}</a></p>'
    return HTMLResponse(_bare(words, f"<p>{escape(words('no_page'))}</p>{back}"), status_code=404)


def _bare(words: Words, body: str) -> str:
    return (
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8"><title>Tenor</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/assets/tenor.css"></head>'
        f'<body><main id="main"><h1>Tenor</h1>{body}</main></body></html>'
    )


def _unwell(words: Words, failure: TenorError) -> str:
    return (
        f'<div class="empty" role="alert"><p>{escape(words("unwell"))}</p><p class="fine">{escape(str(failure))}</p>'
        f'<a href="">{escape(words("again"))}</a></div>'
    )


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 1) -> None:
    """Draw a table; cells are HTML, made by :func:`cell` or :func:`link`; columns from ``numbers`` on are set right."""
    ui.html(table_html(caption, heads, rows, numbers=numbers), sanitize=False)


def table_html(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 1) -> str:
    """Return a table as HTML."""

    def of(at: int) -> str:
        return " class=n" if at >= numbers else ""

    top = "".join(f"<th scope=col{of(at)}>{escape(text)}</th>" for at, text in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{of(at)}>{text}</td>" for at, text in enumerate(row)) + "</tr>" for row in rows
    )
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts_html(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a list of facts as HTML: what it is, what it comes to, and finer words below."""
    told = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}"
        f"{f'<span class=fine>{escape(fine)}</span>' if fine else ''}</dd></div>"
        for name, value, fine in rows
    )
    return f'<dl class="facts">{told}</dl>'


def cell(text: str, fine: str = "") -> str:
    """Return a cell's HTML: a text, and finer words below it."""
    return html_cell(escape(text), fine)


def html_cell(html: str, fine: str) -> str:
    """Return a cell's HTML from HTML, with finer words below it if there are any."""
    return html + (f'<div class="fine">{escape(fine)}</div>' if fine else "")


def link(text: str, place: str) -> str:
    """Return a link's HTML."""
    return f'<a href="{escape(place)}">{escape(text)}</a>'


def figure(drawn: go.Figure, here: Visit, *, label: str) -> Any:
    """Draw a figure of a report in the reader's theme and language; the element has ``update_figure``."""
    element = ui.plotly(themed(drawn, here)).classes("figure")
    element.props(f'role="group" aria-label="{escape(label)}"')
    return element


def themed(drawn: go.Figure, here: Visit) -> dict[str, Any]:
    """Return a figure for Plotly in the browser, with the colours of a theme and the words of a language."""
    ink, line = ("#e6edf3", "#3a434d") if here.dark else ("#1b1f24", "#d0d7de")
    table: dict[str, Any] = drawn.to_dict()
    layout = table["layout"]
    layout |= {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "autosize": True}
    layout["font"] = {**layout.get("font", {}), "color": ink}
    for name in [key for key in layout if key.startswith(("xaxis", "yaxis"))]:
        axis = {**layout[name], "gridcolor": line, "linecolor": line, "zerolinecolor": line}
        if text := axis.get("title", {}).get("text"):
            axis["title"] = {**axis["title"], "text": here.words.of_figure(text)}
        layout[name] = axis
    for note in layout.get("annotations", ()):
        note["text"] = here.words.of_figure(str(note.get("text", "")))
    layout.pop("template", None)
    for trace in table["data"]:
        if isinstance(trace.get("name"), str):
            trace["name"] = here.words.of_figure(trace["name"])
        held = trace.get("line", {})
        if here.dark and isinstance(held, dict) and held.get("color") in ("#222", "#1b1f24", "#000", "black"):
            trace["line"] = {**held, "color": ink}
    return {"data": table["data"], "layout": layout, "config": CONFIG}


def choose(label: str, options: Sequence[tuple[str, str]], value: str, changed: Callable[[str], Any]) -> None:
    """Draw a choice of one among several, the browser's own: it works with a keyboard and on a phone."""
    with ui.element("label").classes("field"):
        ui.html(escape(label), tag="span", sanitize=False)
        picked = ui.element("select").props(f'aria-label="{escape(label)}"')
        with picked:
            for key, text in options:
                option = ui.element("option").props(f'value="{escape(key)}"')
                if key == value:
                    option.props("selected")
                with option:
                    ui.html(escape(text), tag="span", sanitize=False)
        picked.on("change", lambda event: changed(str(event.args)), js_handler="(e) => emit(e.target.value)")


def moment(at: datetime) -> str:
    """Return a moment as pages write it."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def press(text: str, done: Callable[[], Any], *, first: bool = False, disabled: bool = False) -> Any:
    """Draw a button."""
    button = ui.element("button").classes("plain first" if first else "plain").props('type="button"')
    with button:
        ui.html(escape(text), tag="span", sanitize=False)
    if disabled:
        button.props("disabled")
    button.on("click", attempt(done))
    return button


def attempt(done: Callable[[], Any]) -> Callable[[Any], Awaitable[None]]:
    """Return what a click does: ``done``, and where it cannot be, why, for whoever clicked."""

    async def tried(_: Any) -> None:
        try:
            result = done()
            if isinstance(result, Awaitable):
                await result
        except TenorError as failure:
            ui.notify(str(failure), type="negative", multi_line=True)

    return tried
