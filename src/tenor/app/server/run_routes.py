"""Runs over HTTP: which there are, their numbers and files, and what their models say now."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse

from tenor.app.server.serving import ERRORS, Server, answered
from tenor.app.server.worker import rendered
from tenor.errors import MissingError
from tenor.io.store.accounts import Person

SHOWN_FILES = ("report.html", "study.toml", "run.json", "result.json", "models.safetensors")
"""Files of a run that are served, beside its daily series."""


def add_runs(api: APIRouter, server: Server) -> None:
    """Add the routes of runs."""
    may_read = Annotated[Person, Depends(server.needs("read"))]

    @api.get("/runs", tags=["runs"], responses=ERRORS)
    def page_runs(
        person: may_read,
        after: Annotated[str | None, Query(max_length=200, description="The last run of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """List the runs that are kept by name; ``next`` is the ``after`` of the following page."""
        held, unusable = server.desks.shelf.listed()
        rows = [dict(card.row) for card in held if after is None or card.name > after]
        more = len(rows) > limit
        return {
            "runs": rows[:limit],
            "unusable": list(unusable),
            "next": rows[limit - 1]["run"] if more else None,
        }

    @api.get("/runs/{run}", tags=["runs"], response_class=Response, responses=ERRORS)
    def one_run(person: may_read, run: str) -> Response:
        """Return the numbers of a run: the bytes of ``tenor show RUN --json``."""
        from tenor.app.commands import ShowRun, show_run

        server.place.folder_of(run)
        return answered(rendered(show_run(ShowRun(server.place.run(run), server.place.runs))))

    @api.get("/runs/{run}/files", tags=["runs"], responses=ERRORS)
    def list_files(person: may_read, run: str) -> dict[str, Any]:
        """List the files of a run."""
        folder = server.place.root / server.place.folder_of(run)
        held = [file for file in sorted(folder.iterdir()) if _is_served(file)]
        return {"files": [{"name": file.name, "bytes": file.stat().st_size} for file in held]}

    @api.get("/runs/{run}/files/{name}", tags=["runs"], response_class=Response, responses=ERRORS)
    def one_file(person: may_read, run: str, name: str) -> Response:
        """Return a file of a run: its page, its study, its numbers, its daily series (Parquet) or its models."""
        folder = server.place.root / server.place.folder_of(run)
        for file in folder.iterdir():
            if file.name == name and _is_served(file):
                kind = {".html": "text/html", ".json": "application/json", ".toml": "text/plain"}.get(file.suffix)
                attached = None if file.suffix == ".html" else f"{run}-{file.name}"
                return FileResponse(file, media_type=kind or "application/octet-stream", filename=attached)
        raise MissingError(f"run {run} has no file {name[:80]!r} that is served")

    @api.get("/runs/{run}/forecast/{code}", tags=["runs"], response_class=Response, responses=ERRORS)
    def forecast(person: may_read, run: str, code: str) -> Response:
        """Ask the models of a kept run of stocks about an instrument that it holds; nothing is trained or kept.

        The run stays loaded, so the next question is answered in milliseconds.
        """
        server.place.folder_of(run)
        return answered(server.desks.forecast(run, server.place.ticker(code)))


def _is_served(file: Path) -> bool:
    return file.is_file() and not file.is_symlink() and (file.name in SHOWN_FILES or file.suffix == ".parquet")
