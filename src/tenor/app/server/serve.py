"""Put a server together and run it: the API, the pages, the foreman of jobs, behind the guard."""

import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from tenor import __version__
from tenor.app.server.api import add_routes
from tenor.app.server.desks import Desks
from tenor.app.server.guard import Guard
from tenor.app.server.measures import Measures
from tenor.app.server.serving import Server
from tenor.app.server.settings import ServerSettings
from tenor.app.server.worker import Foreman
from tenor.app.server.workplace import Workplace
from tenor.errors import StudyError
from tenor.io.store import accounts
from tenor.io.store.database import open_store

ABOUT = (
    "Forecasts for markets, with the evidence: what happens next, should I believe it, what should I hold, what if?"
    " Every command of the command line is here, with the same answer."
)


def make_app(settings: ServerSettings, *, pages: bool = True, foreman: bool = True) -> tuple[FastAPI, Server]:
    """Put the application together; it works in the folder that is served.

    Parameters
    ----------
    settings
        How the server is set up.
    pages
        Whether it has pages beside the API.
    foreman
        Whether it computes jobs, or leaves them to another server on the same database.

    Raises
    ------
    StoreError
        If the database cannot be opened.
    StudyError
        If people are to sign in and there is nobody who could.
    """
    place = Workplace(settings.root.resolve())
    place.enter()
    store = open_store(settings.url)
    if settings.accounts and not any(row["role"] == "admin" and row["active"] for row in accounts.list_accounts(store)):
        raise StudyError("nobody could sign in: make an admin first, with: tenor account add NAME --role admin")
    server = Server(settings, place, store, Measures(), Desks(place))
    hands = Foreman(store, settings.url, place.root, settings.workers)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if foreman:
            hands.start()
        try:
            yield
        finally:
            hands.stop()
            store.engine.dispose()

    app = FastAPI(
        title="Tenor",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    add_routes(app, server)
    if pages:
        from tenor.app.web.pages import add_pages

        add_pages(app, server, secret=settings.secret or secrets.token_urlsafe(32))
    guarded: Any = Guard(app, settings, server.measures)
    app.state.guarded = guarded
    return app, server


def serve(settings: ServerSettings, *, began: Callable[[str], None] = lambda place: None) -> None:
    """Serve until Ctrl-C; jobs that run go back into the queue. ``began`` is told where, once it listens."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    app, _ = make_app(settings)
    config = uvicorn.Config(
        app.state.guarded,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),  # said always: unsaid, a variable of the environment would count
        ws_max_size=settings.body_limit,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,  # longer than clients keep theirs, so that none is closed as a request comes
    )
    _Server(config, began).run()


class _Server(uvicorn.Server):
    """Uvicorn, which says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, began: Callable[[str], None]) -> None:
        super().__init__(config)
        self._began = began

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        for server in self.servers:
            host, port = server.sockets[0].getsockname()[:2]
            self._began(f"http://{f'[{host}]' if ':' in host else host}:{port}")
