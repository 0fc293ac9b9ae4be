"""Studies that are written and run, as API and pages ask for it: nothing is written over unseen, or run unseen.

A job reads the file of its study when it begins, which may be long after it was started; so no file is written over
while a job is open that names it. Look and act happen under one lock, which holds for one server: of two that share a
folder, each sees the jobs of both in the database, but one may write in the moment in which the other starts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tenor.app.server import drafts
from tenor.app.server.serving import ConflictError, Server
from tenor.errors import StudyError
from tenor.io.store import accounts, jobs
from tenor.io.store.accounts import Person
from tenor.io.store.jobs import Job


def write(server: Server, person: Person, table: Mapping[str, Any], *, replaces: str | None = None) -> tuple[str, str]:
    """Write a draft for somebody who may, and log it; its name and digest. Errors as of :func:`drafts.write_draft`."""
    server.allowed(person, "run")
    with server.studies:
        name, digest = drafts.write_draft(
            server.place, table, replaces=replaces, in_use=lambda file: _in_use(server, file)
        )
    accounts.log(server.store, person.name, "write study", name)
    return name, digest


def run_as_read(server: Server, person: Person, name: str, digest: str) -> tuple[Job, bool]:
    """Start a study whose file is still the one that was read; with the job, whether it is new.

    Raises
    ------
    RunError
        If the file holds something else by now, or as :meth:`Server.start`.
    """
    server.allowed(person, "run")
    with server.studies:
        if server.place.digest(server.place.study(name)) != digest:
            raise ConflictError(f"somebody changed study {name!r} since this page was drawn: load the page again")
        return server.start(person, "run", {"study": name, "data": None})


def _in_use(server: Server, file: Path) -> bool:
    """Whether a job is open that names the study in a file."""
    target = file.resolve()
    return any(target in _files(server, job) for job in jobs.still_open(server.store))


def _files(server: Server, job: Job) -> tuple[Path, ...]:
    try:
        return tuple(file.resolve() for file in server.place.studies_of(job.request))
    except StudyError:
        return ()  # its study was taken away since: its process will say so
