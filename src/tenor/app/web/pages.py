"""The pages' addresses: who may see them, and which function draws each.

NiceGUI keeps one set of pages for a process, so a process serves one workplace.
"""

from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from nicegui import ui
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from tenor.app.server.serving import COOKIE, Server
from tenor.app.web import backtest, forecast, home, market, parts, runs, study, what_if
from tenor.app.web.parts import LANGUAGE, THEME, frame, visit
from tenor.app.web.words import spoken
from tenor.io.store import accounts


def add_pages(app: FastAPI, server: Server, *, secret: str) -> None:
    """Add the pages to an application, behind its API."""
    assets = resources.files(__package__).joinpath("assets")
    app.mount("/assets", StaticFiles(directory=str(assets)), name="assets")
    _add_sign_in(app, server)

    @ui.page("/")
    async def _home(request: Request) -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "home", here.words("home_title")):
            await home.home(here)
        return None

    @ui.page("/market", response_timeout=30.0)
    async def _market(request: Request, code: str = "", run: str = "") -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "market", here.words("market_title")):
            await market.market(here, code, run)
        return None

    @ui.page("/forecast")
    async def _forecast(request: Request, codes: str = "") -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "forecast", here.words("forecast_title")):
            await forecast.forecast(here, codes)
        return None

    @ui.page("/what-if", response_timeout=30.0)
    async def _what_if(request: Request, run: str = "", product: str = "") -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "what_if", here.words("what_if_title")):
            await what_if.what_if(here, run, product)
        return None

    @ui.page("/study")
    async def _study(request: Request, study: str = "") -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "study", here.words("study_title")):
            await _drawn_study(here, study)
        return None

    @ui.page("/backtest", response_timeout=30.0)
    async def _backtest(request: Request, run: str = "", way: int = 0) -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "backtest", here.words("backtest_title")):
            await backtest.backtest(here, run, way)
        return None

    @ui.page("/runs")
    async def _runs(request: Request) -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "runs", here.words("runs_title")):
            await runs.runs(here)
        return None

    @ui.page("/runs/{name}")
    async def _run(request: Request, name: str) -> Response | None:
        here = visit(server, request)
        if isinstance(here, Response):
            return here
        with frame(here, "runs", name):
            await runs.one_run(here, name)
        return None

    ui.run_with(app, title="Tenor", storage_secret=secret, tailwind=False, show_welcome_message=False, favicon="📈")


async def _drawn_study(here: Any, chosen: str) -> None:
    await study.study(here, chosen)


def _add_sign_in(app: FastAPI, server: Server) -> None:
    @ui.page("/sign-in")
    def _sign_in(request: Request, to: str = "/", wrong: int = 0) -> None:
        words = spoken(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
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
        found = accounts.sign_in(server.store, name, password)
        accounts.log(server.store, name, "sign in", "page", "refused" if found is None else "ok")
        if found is None:
            return RedirectResponse(f"/sign-in?wrong=1&to={_inside(to)}", status_code=303)
        answer = RedirectResponse(_inside(to), status_code=303)
        answer.set_cookie(
            COOKIE,
            found[1],
            max_age=int(accounts.SESSION.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return answer

    @app.post("/sign-out", include_in_schema=False)
    def sign_out(request: Request) -> Response:
        if secret := request.cookies.get(COOKIE):
            accounts.sign_out(server.store, secret)
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(COOKIE, path="/")
        return answer


def _inside(place: str) -> str:
    """A place on this server; the first page for anything else, so that a link cannot lead a reader away."""
    return place if place.startswith("/") and not place.startswith(("//", "/\\")) else "/"


def _form(words: Any, to: str, *, wrong: bool) -> str:
    from html import escape

    told = f'<p role="alert" class="banner">{escape(words("sign_in_refused"))}</p>' if wrong else ""
    return (
        f'<h1>Tenor</h1>{told}<form method="post" action="/sign-in" style="display:grid;gap:1rem;max-width:24rem">'
        f'<input type="hidden" name="to" value="{escape(to)}">'
        f'<label class="field">{escape(words("name"))}<input name="name" autocomplete="username" required></label>'
        f'<label class="field">{escape(words("password"))}<input name="password" type="password"'
        f' autocomplete="current-password" required></label>'
        f'<button class="plain first">{escape(words("sign_in"))}</button></form>'
    )
