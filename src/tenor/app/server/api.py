"""The API: every command as a typed route, and with them jobs, runs, people, and what a monitor asks.

A command that answers at once is ``POST /api/v1/NAME`` and answers the bytes that ``tenor NAME --json`` prints in the
same folder. One that takes long answers 202 with a job: its progress is a stream of events, its answer the same bytes
when it is done. Every error has one shape, ``{"error": {"type", "message", "problems"}}``.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from tenor import __version__
from tenor.app.server.approval_routes import add_approvals
from tenor.app.server.bodies import Route, routes
from tenor.app.server.job_routes import add_jobs, shown
from tenor.app.server.people_routes import add_people
from tenor.app.server.run_routes import add_runs
from tenor.app.server.serving import ERRORS, Server, add_errors, answered
from tenor.app.server.share_routes import add_shares
from tenor.app.server.study_routes import add_studies
from tenor.app.server.uploads import add_uploads
from tenor.app.server.worker import rendered
from tenor.io.store import jobs
from tenor.io.store.accounts import Person


def add_routes(app: FastAPI, server: Server) -> None:
    """Add everything to an application."""
    api = APIRouter(prefix="/api/v1")
    for route in routes():
        _add_command(api, server, route)
    add_jobs(api, server)
    add_runs(api, server)
    add_studies(api, server)
    add_uploads(api, server)
    add_approvals(api, server)
    add_shares(api, server)
    add_people(api, server)
    _add_health(app, server)
    app.include_router(api)
    _add_rest(app)
    add_errors(app)


def _add_command(api: APIRouter, server: Server, route: Route) -> None:
    name = route.command.name
    allowed = server.needs("run" if route.long else "read")

    def at_once(body: BaseModel, person: Person) -> Response:
        request = route.request(body, server.place)
        return answered(rendered(route.command.run(request, lambda stage, done, total: None)))

    def as_job(body: BaseModel, person: Person) -> Response:
        route.request(body, server.place)  # refused now, not in a minute
        words = json.loads(body.model_dump_json(by_alias=True))
        job, new = server.start(person, name, words)
        return answered(rendered({**shown(job), "new": new}), 202)

    endpoint = as_job if route.long else at_once
    endpoint.__annotations__ = {"body": route.body, "person": Annotated[Person, Depends(allowed)], "return": Response}
    told = " ".join((route.command.run.__doc__ or "").strip().split("\n\n")[0].split()).replace("``", "'")
    api.add_api_route(
        f"/{route.path}",
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=f"command_{name.replace(' ', '_')}",
        summary=told[:200],
        tags=["commands"],
        status_code=202 if route.long else 200,
        response_class=Response,
        responses=ERRORS,
    )


def _add_health(app: FastAPI, server: Server) -> None:
    @app.get("/health", tags=["health"], responses=ERRORS)
    def health() -> dict[str, Any]:
        """Say whether the server works: its database answers."""
        jobs.counts(server.store)
        return {"status": "ok", "version": __version__}

    @app.get("/metrics", tags=["health"], response_class=Response, responses=ERRORS)
    def metrics() -> Response:
        """Return counts for Prometheus."""
        return Response(server.measures.text(server.store), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_rest(app: FastAPI) -> None:
    """Answer what is no route in the shape of the API, before the pages would."""

    @app.api_route("/api", methods=METHODS, include_in_schema=False)
    @app.api_route("/api/{rest:path}", methods=METHODS, include_in_schema=False)
    def nothing(request: Request) -> Response:
        scope = {**request.scope, "path": request.url.path}
        if any(route.matches(scope)[0] is Match.PARTIAL for route in app.router.routes):
            raise HTTPException(405, "Method Not Allowed")
        raise HTTPException(404, "Not Found")


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
"""Every method, for what is no route."""
