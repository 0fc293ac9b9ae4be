"""The pages' addresses: who may see them, and which function draws each.

NiceGUI keeps one set of pages for a process, so a process serves one workplace.
"""

import asyncio
from collections.abc import Awaitable, Callable
from html import escape
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from nicegui import ui
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tenor.app.server.api import METHODS
from tenor.app.server.serving import Server, forget, remember
from tenor.app.web import backtest, compare, forecast, home, market, parts, runs, shared, study, what_if
from tenor.app.web.parts import LANGUAGE, THEME, Visit, frame, visit
from tenor.app.web.words import Words, spoken
from tenor.errors import StoreError, TenorError

SLOW = 30.0
"""Seconds within which a page must be drawn; each may have to read runs first, on a machine that is busy."""


def add_pages(app: FastAPI, server: Server, *, secret: str) -> None:
    """Add the pages to an application, behind its API."""
    assets = resources.files(__package__).joinpath("assets")
    app.mount("/assets", StaticFiles(directory=str(assets)), name="assets")
    _add_sign_in(app, server)
    _add_shared(app, server)

    async def drawn(
        request: Request, key: str, title: str, draw: Callable[[Visit], Awaitable[None]]
    ) -> Response | None:
        """Draw one page for whoever reads, or lead who is not known to the sign-in."""
        here = await asyncio.to_thread(visit, server, request)
        if isinstance(here, Response):
            return here
        with frame(here, key, here.words(title) if title else str(request.path_params["name"])):
            try:
                await draw(here)
            except TenorError as failure:  # the database, or the disk: nothing that a page could do about it
                parts.unwell(here.words, failure)
        return None

    @ui.page("/", response_timeout=SLOW)
    async def _home(request: Request) -> Response | None:
        return await drawn(request, "home", "home_title", home.home)

    @ui.page("/market", response_timeout=SLOW)
    async def _market(request: Request, code: str = "", run: str = "", contract: str = "") -> Response | None:
        return await drawn(request, "market", "market_title", lambda here: market.market(here, code, run, contract))

    @ui.page("/forecast", response_timeout=SLOW)
    async def _forecast(request: Request, codes: str = "") -> Response | None:
        return await drawn(request, "forecast", "forecast_title", lambda here: forecast.forecast(here, codes))

    @ui.page("/what-if", response_timeout=SLOW)
    async def _what_if(request: Request, run: str = "", product: str = "") -> Response | None:
        return await drawn(request, "what_if", "what_if_title", lambda here: what_if.what_if(here, run, product))

    @ui.page("/study", response_timeout=SLOW)
    async def _study(request: Request) -> Response | None:
        chosen = request.query_params.get("study", "")
        return await drawn(request, "study", "study_title", lambda here: study.study(here, chosen))

    @ui.page("/backtest", response_timeout=SLOW)
    async def _backtest(request: Request, run: str = "", way: str = "") -> Response | None:
        return await drawn(
            request, "backtest", "backtest_title", lambda here: backtest.backtest(here, run, _number(way))
        )

    @ui.page("/runs", response_timeout=SLOW)
    async def _runs(request: Request) -> Response | None:
        return await drawn(request, "runs", "runs_title", runs.runs)

    @ui.page("/compare", response_timeout=SLOW)
    async def _compare(request: Request) -> Response | None:
        named = [name for each in request.query_params.getlist("runs") for name in each.split(",")]
        return await drawn(request, "runs", "compare_title", lambda here: compare.compare(here, named))

    @ui.page("/runs/{name}", response_timeout=SLOW)
    async def _run(request: Request, name: str) -> Response | None:
        return await drawn(request, "runs", "", lambda here: runs.one_run(here, name))

    @ui.page("/{rest:path}")
    def _nothing(request: Request, rest: str) -> Response:
        return parts.missing_page(_spoken(request))

    ui.run_with(app, title="Tenor", storage_secret=secret, tailwind=False, show_welcome_message=False, favicon="📈")


def _add_sign_in(app: FastAPI, server: Server) -> None:
    @ui.page("/sign-in")
    def _sign_in(request: Request, to: str = "/", wrong: str = "") -> None:
        words = _spoken(request)
        parts.head(words, words("sign_in"), dark=request.cookies.get(THEME) == "dark")
        with ui.element("div").props('id="main"'):
            ui.html(_form(words, _inside(to), wrong=bool(wrong)), sanitize=False)

    @app.post("/sign-in", include_in_schema=False)
    def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=80)],
        password: Annotated[str, Form(max_length=1000)],
        to: Annotated[str, Form(max_length=400)] = "/",
    ) -> Response:
        if not server.settings.accounts:
            return RedirectResponse("/", status_code=303)
        try:
            found = server.sign_in(name, password, "page")
        except StoreError as failure:
            return parts.unwell_page(_spoken(request), failure)
        if found is None:
            return RedirectResponse(f"/sign-in?wrong=1&to={_inside(to)}", status_code=303)
        answer = RedirectResponse(_inside(to), status_code=303)
        remember(answer, request, found[1])
        return answer

    @app.post("/sign-out", include_in_schema=False)
    def sign_out(request: Request) -> Response:
        answer = RedirectResponse("/sign-in", status_code=303)
        try:
            forget(server, answer, request)
        except StoreError as failure:
            return parts.unwell_page(_spoken(request), failure)
        return answer


def _add_shared(app: FastAPI, server: Server) -> None:
    # every path and method below it, so that none with a secret in it reaches NiceGUI, which logs what it does not know
    @app.api_route("/shared/{secret:path}", methods=METHODS, include_in_schema=False)
    def _shared(request: Request, secret: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, "Method Not Allowed")
        return shared.answer(server, request, secret)


def _number(word: str) -> int:
    """A number of an address; -1 for what is none, which every page takes for its first choice."""
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else -1


def _spoken(request: Request) -> Words:
    return spoken(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))


def _inside(place: str) -> str:
    """A place on this server; the first page for anything else, so that a link cannot lead a reader away."""
    return place if place.startswith("/") and not place.startswith(("//", "/\\")) else "/"


def _form(words: Any, to: str, *, wrong: bool) -> str:
    told = f'<p role="alert" class="banner">{escape(words("sign_in_refused"))}</p>' if wrong else ""
    return (
        f'<h1>Tenor</h1>{told}<form method="post" action="/sign-in" style="display:grid;gap:1rem;max-width:24rem">'
        f'<input type="hidden" name="to" value="{escape(to)}">'
        f'<label class="field">{escape(words("name"))}<input name="name" autocomplete="username" required></label>'
        f'<label class="field">{escape(words("password"))}<input name="password" type="password"'
        f' autocomplete="current-password" required></label>'
        f'<button class="plain first">{escape(words("sign_in"))}</button></form>'
    )
