"""Studies over HTTP: which can be run, what they say, what may be said, and those that are written here."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from tenor.app.server import authoring, drafts
from tenor.app.server.drafts import Subject
from tenor.app.server.serving import ERRORS, Server, Spoken
from tenor.io.store.accounts import Person


class Draft(Spoken):
    """A study as JSON has its file."""

    table: dict[str, Any] = Field(max_length=200)


class NewStudy(Draft):
    """A study to keep."""

    replaces: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="Digest of the study of that name that was read: refused if it is another by now.",
    )


def add_studies(api: APIRouter, server: Server) -> None:
    """Add the routes of studies."""
    may_read = Annotated[Person, Depends(server.needs("read"))]
    may_run = Annotated[Person, Depends(server.needs("run"))]

    @api.get("/studies", tags=["studies"], responses=ERRORS)
    def list_studies(person: may_read) -> dict[str, Any]:
        """List the studies that can be run by name; ``made`` are those that were written here."""
        held = drafts.studies(server.place)
        return {"studies": [{"name": one.name, "mine": one.mine, "made": one.made} for one in held]}

    @api.get("/studies/{name}", tags=["studies"], responses=ERRORS)
    def read_study(person: may_read, name: str) -> dict[str, Any]:
        """Return a study as a draft: its table, with paths that count from ``studies/`` here; and its digest."""
        table, digest = drafts.read_with_digest(server.place, name)
        return {"name": name, "subject": drafts.subject_of(table), "digest": digest, "table": table}

    @api.post("/studies", tags=["studies"], status_code=201, responses=ERRORS)
    def write_study(person: may_run, body: NewStudy) -> dict[str, Any]:
        """Keep a study under its own name, so that it can be run; refused with every problem that it has.

        One that was written here is written over where ``replaces`` is its digest and no job of it is open.
        """
        name, digest = authoring.write(server, person, body.table, replaces=body.replaces)
        return {"study": name, "digest": digest}

    @api.post("/studies/check", tags=["studies"], responses=ERRORS)
    def check_study(person: may_read, body: Draft) -> dict[str, Any]:
        """Return everything that is wrong with a draft, each with its key path; nothing is kept."""
        return {"problems": list(drafts.problems_of(server.place, body.table))}

    @api.get("/schemas/{subject}", tags=["studies"], responses=ERRORS)
    def schema(person: may_read, subject: Subject) -> dict[str, Any]:
        """Return the JSON schema of a study of pairs or of stocks, with what each key means."""
        return drafts.schema_of(subject)
