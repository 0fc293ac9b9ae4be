"""What every route works with: the server's parts, who asks, how answers and errors look."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from tenor.app.server.desks import Desks
from tenor.app.server.measures import Measures
from tenor.app.server.settings import ServerSettings
from tenor.app.server.worker import body_of, rendered
from tenor.app.server.workplace import Workplace
from tenor.errors import AccessError, MissingError, RunError, StoreError, StudyError, TenorError
from tenor.io.store import accounts, jobs
from tenor.io.store.accounts import Person, Scope
from tenor.io.store.database import Store

COOKIE = "tenor_session"
"""Cookie of a person who signed in."""

LOCAL = Person("local", "admin", accounts.scopes_of("admin"))
"""Who asks a server without accounts."""


class Spoken(BaseModel):
    """A body: unknown fields and other types than stated are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Server:
    """What every route works with.

    Parameters
    ----------
    settings, place, store, measures, desks
        Its parts.
    studies
        Held while a study is written, and while a job is queued: none is written between the look at it and its job.
    """

    settings: ServerSettings
    place: Workplace
    store: Store
    measures: Measures
    desks: Desks
    studies: AbstractContextManager[Any] = field(default_factory=threading.RLock)

    def person(self, request: Request) -> Person:
        """Return who asks; :class:`AccessError` where nobody known does."""
        if not self.settings.accounts:
            return LOCAL
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and secret:
            found = accounts.of_token(self.store, secret.strip())
        else:
            held = request.cookies.get(COOKIE)
            found = accounts.of_session(self.store, held) if held else None
        if found is None:
            raise AccessError("sign in first, or send a token: Authorization: Bearer tenor_...", known=False)
        return found

    def allowed(self, person: Person, scope: Scope) -> None:
        """Raise :class:`AccessError` unless a person may do what ``scope`` names."""
        if not person.may(scope):
            raise AccessError(f"{person.name} may not do this: it needs the scope {scope!r}", known=True)

    def start(self, person: Person, command: str, words: Mapping[str, Any]) -> tuple[jobs.Job, bool]:
        """Queue a job for somebody who may, and log it; with it, whether it is new or one that is open already.

        Errors are those of :func:`tenor.io.store.jobs.enqueue`, and of :meth:`Workplace.study`. A study whose file
        holds something else by now is another job.
        """
        self.allowed(person, "run")
        with self.studies:
            content = " ".join(self.place.digest(file) for file in self.place.studies_of(words))
            job, new = jobs.enqueue(self.store, command, words, owner=person.name, content=content)
        accounts.log(self.store, person.name, f"start {command}", job.id, "ok" if new else "already open")
        return job, new

    def cancel(self, person: Person, job: str) -> jobs.Job:
        """Cancel a job for somebody who may, and log it; errors as :func:`tenor.io.store.jobs.cancel`."""
        self.allowed(person, "run")
        held = jobs.cancel(self.store, job)
        accounts.log(self.store, person.name, "cancel", job)
        return held

    def sign_in(self, name: str, password: str, place: str = "") -> tuple[Person, str] | None:
        """Sign somebody in, and log it, refused or not; ``None`` where name and password do not belong together."""
        found = accounts.sign_in(self.store, name, password)
        accounts.log(self.store, name, "sign in", place, "refused" if found is None else "ok")
        return found

    def needs(self, scope: Scope) -> Callable[[Request], Person]:
        """Return a dependency that lets those through who may do what ``scope`` names."""

        def allowed(request: Request) -> Person:
            person = self.person(request)
            self.allowed(person, scope)
            return person

        return allowed


def remember(answer: Response, request: Request, secret: str) -> None:
    """Give a browser the secret of a session, in a cookie that no script and no other site can read."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(accounts.SESSION.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def forget(server: Server, answer: Response, request: Request) -> None:
    """End the session of a browser, and take its cookie back."""
    if secret := request.cookies.get(COOKIE):
        accounts.sign_out(server.store, secret)
    answer.delete_cookie(COOKIE, path="/")


def answered(text: str, status: int = 200) -> Response:
    """Return JSON text as it is, with a line's end as the command line prints."""
    return Response(content=text.encode() + b"\n", status_code=status, media_type="application/json")


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": words,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["type", "message", "problems"],
                            "properties": {
                                "type": {"type": "string"},
                                "message": {"type": "string"},
                                "problems": {"type": "array", "items": {"type": "string"}},
                            },
                        }
                    },
                }
            }
        },
    }
    for status, words in {
        400: "Not a request that can be read",
        401: "Nobody known asks",
        403: "Who asks may not",
        404: "There is no such thing",
        409: "It cannot be as things stand",
        413: "Too large",
        422: "What is asked is not valid",
        429: "Too many requests",
        503: "The database does not answer",
    }.items()
}
"""How errors are described in the OpenAPI document: all have one shape."""


class ConflictError(RunError):
    """What is asked cannot be as things stand."""


def add_errors(app: FastAPI) -> None:
    """Give every error its one shape."""

    @app.exception_handler(TenorError)
    async def ours(request: Request, error: TenorError) -> Response:
        return answered(rendered(body_of(error)), status_of(error))

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        problems = [f"{_field(one['loc'])}: {one['msg']}" for one in error.errors()]
        return answered(rendered(body_of(StudyError(problems))), 422)

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> Response:
        words = f"a defect of Tenor: {type(error).__name__}; the server's log has the traceback"
        return answered(rendered({"error": {"type": "Defect", "message": words, "problems": []}}), 500)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        table = {"error": {"type": "RequestError", "message": str(error.detail), "problems": []}}
        found = answered(rendered(table), error.status_code)
        found.headers.update(error.headers or {})
        return found


def _field(place: Sequence[int | str]) -> str:
    """What of a request is wrong: a field, or the body where it is no JSON."""
    names = [str(part) for part in place[1:]]
    return ".".join(names) if names and not names[0].isdigit() else "body"


def status_of(error: TenorError) -> int:
    """Return the status of an error."""
    if isinstance(error, AccessError):
        return 403 if error.known else 401
    if isinstance(error, StoreError):
        return 503
    if isinstance(error, MissingError):
        return 404
    return 409 if isinstance(error, RunError) else 422
