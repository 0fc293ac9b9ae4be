"""The page of a link: one run, for somebody without an account.

Plain HTML without a script, apart from the report's own in its sandbox: a stranger opens no connection that stays, and
the page has nothing of the server in it but this run. Look and language are words of its address.
"""

from html import escape
from urllib.parse import quote

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from tenor.app.server import approving, sharing
from tenor.app.server.serving import Server
from tenor.app.server.sharing import SHARED_FILES, Opened
from tenor.app.web import parts
from tenor.app.web.parts import LANGUAGE, THEME
from tenor.app.web.words import LANGUAGES, Words, spoken
from tenor.errors import MissingError
from tenor.io.store.approvals import Decision

ICON = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><text y='8' font-size='8'>📈</text>"
    "</svg>"
)
"""In the page itself: a browser that asks for one would be given a cookie with it."""


def answer(server: Server, request: Request, secret: str) -> Response:
    """Return the page that a secret opens; one that says that the link has ended, where it does not hold."""
    asked = request.query_params
    words = spoken(asked.get("language") or request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
    dark = (asked.get("theme") or request.cookies.get(THEME)) == "dark"
    try:
        found = sharing.opened(server, secret)
    except MissingError:
        body = f"<h1>{escape(words('shared_ended'))}</h1><p>{escape(words('shared_ended_why'))}</p>"
        return HTMLResponse(_page(words, words("shared_ended"), body, dark=dark), 404)
    stands = approving.standing(server, [found.share.run]).get(found.share.run)
    return HTMLResponse(_page(words, found.run.name, _body(words, found, secret, stands), dark=dark))


def _body(words: Words, found: Opened, secret: str, stands: tuple[Decision, bool] | None) -> str:
    study, name, warned = found.run.study, found.run.name, ""
    if found.run.result["data"]["simulated"]:
        why = escape(words("simulated_why"))
        warned = f'<div class="banner" role="note"><strong>{escape(words("simulated"))}</strong>{why}</div>'
    rows = [
        (words("run"), f"<code>{escape(name)}</code>"),
        (words("decision"), _decision(words, stands)),
        (words("shared_until"), escape(parts.moment(found.share.expires))),
    ]
    files = f"/api/v1/shared/{quote(secret)}/files"
    links = " &middot; ".join(
        f'<a download="{escape(name)}-{file}" aria-label="{escape(words("download", file=file))}"'
        f' href="{files}/{file}">{file}</a>'
        for file in SHARED_FILES
    )
    return (
        f"<h1>{escape(str(study['name']))}</h1>{warned}<p>{escape(str(study['question']))}</p>"
        f"{parts.table_html(words('lineage'), ['', ''], [[escape(key), value] for key, value in rows], numbers=9)}"
        f"<h2>{escape(words('files'))}</h2><p>{links}</p><h2>{escape(words('report'))}</h2>"
        f'<iframe class="report" title="{escape(words("report"))} {escape(name)}"'
        f' sandbox="allow-scripts allow-downloads" src="{files}/report.html"></iframe>'
    )


def _decision(words: Words, stands: tuple[Decision, bool] | None) -> str:
    """What stands, and when it was decided; who, and why, stays with those who have accounts."""
    if stands is None:
        return escape(words("decisions_none"))
    decision, changed = stands
    verdict = words("approved") if decision.verdict == "approved" else words("refused")
    return parts.cell(f"{verdict}, {parts.moment(decision.at)}", words("changed_since") if changed else "")


def _page(words: Words, title: str, body: str, *, dark: bool) -> str:
    theme = "dark" if dark else "light"
    language = "zh-CN" if words.language == "zh" else "en"
    look = f"?theme={'light' if dark else 'dark'}&amp;language={words.language}"
    others = "".join(
        f'<a lang="{code}" href="?theme={theme}&amp;language={code}">{name}</a>'
        for code, name in LANGUAGES.items()
        if code != words.language
    )
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{escape(title)} - Tenor</title>'
        f'<link rel="icon" href="{escape(ICON)}">'
        f'<link rel="stylesheet" href="/assets/tenor.css"></head><body class="bare body--{theme}">'
        f'<header class="bar"><span class="mark">Tenor</span>'
        f'<a href="{look}">{escape(words("theme"))}</a>{others}</header>'
        f'<main id="main">{body}</main></body></html>'
    )
