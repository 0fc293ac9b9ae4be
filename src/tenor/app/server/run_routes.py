"""Runs over HTTP: which there are, their numbers and files, these as a PDF and CSV, and what their models say now."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import FileResponse, StreamingResponse

from tenor.app.server.serving import ERRORS, Server, answered
from tenor.app.server.worker import rendered
from tenor.errors import MissingError, RunError
from tenor.io.store.accounts import Person

SHOWN_FILES = ("report.html", "study.toml", "run.json", "result.json", "models.safetensors")
"""Files of a run that are served, beside its daily series."""

PIECE = 1 << 18
"""Bytes of a table that are sent at a time."""


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
        """List the files of a run; what is made of them when asked for (CSV, ``report.pdf``) is not among them."""
        folder = server.place.root / server.place.folder_of(run)
        held = [file for file in sorted(folder.iterdir()) if _is_served(file)]
        return {"files": [{"name": file.name, "bytes": file.stat().st_size} for file in held]}

    @api.get("/runs/{run}/files/{name}", tags=["runs"], response_class=Response, responses=ERRORS)
    def one_file(person: may_read, run: str, name: str) -> Response:
        """Return a file of a run: its page, its study, its numbers, its daily series (Parquet) or its models.

        Each daily series is there as CSV too (``ledger.csv`` of ``ledger.parquet``: ISO dates, numbers unrounded, an
        empty field for null), and every score as ``scores.csv``, a row for each model, scope and score.
        """
        folder = server.place.root / server.place.folder_of(run)
        for file in folder.iterdir():
            if file.name == name and _is_served(file):
                kind = {".html": "text/html", ".json": "application/json", ".toml": "text/plain"}.get(file.suffix)
                attached = None if file.suffix == ".html" else f"{run}-{file.name}"
                return FileResponse(file, media_type=kind or "application/octet-stream", filename=attached)
        if name.endswith(".csv"):
            return _as_csv(folder, run, name)
        raise MissingError(f"run {run} has no file {name[:80]!r} that is served")

    @api.get("/runs/{run}/report.pdf", tags=["runs"], response_class=Response, responses=ERRORS)
    def one_pdf(person: may_read, run: str) -> Response:
        """Return a run as a PDF of a few pages: verdict, lineage, scores, earnings, findings, what was left out."""
        from tenor.app.export import pdf_of
        from tenor.io.runs import read_run

        kept = read_run(server.place.root / server.place.folder_of(run))
        return Response(pdf_of(kept), media_type="application/pdf", headers=_attached(f"{run}.pdf"))

    @api.get("/runs/{run}/forecast/{code}", tags=["runs"], response_class=Response, responses=ERRORS)
    def forecast(person: may_read, run: str, code: str) -> Response:
        """Ask the models of a kept run about an instrument that it holds, or about the pair in front of a product.

        Nothing is trained or kept.

        The run stays loaded, so the next question is answered in milliseconds.
        """
        server.place.folder_of(run)
        return answered(server.desks.forecast(run, server.place.ticker(code)))


def _as_csv(folder: Path, run: str, name: str) -> Response:
    """A table of a run that is made when it is asked for."""
    from tenor.app.export import SCORES
    from tenor.io.runs import read_run
    from tenor.io.series import write_csv
    from tenor.report.scores_csv import scores_csv

    headers = _attached(f"{run}-{name}")
    if name == SCORES:
        return Response(scores_csv(read_run(folder).result), media_type="text/csv", headers=headers)
    for file in folder.iterdir():
        if file.name == f"{name.removesuffix('.csv')}.parquet" and _is_served(file):
            try:
                held = TemporaryFile()  # noqa: SIM115
            except OSError as refused:
                raise RunError(
                    f"{file.name} cannot be turned into CSV here: {refused.strerror or refused}"
                ) from refused
            try:
                write_csv(file, held)
                size = held.seek(0, 2)
            except BaseException:
                held.close()
                raise
            return StreamingResponse(
                _pieces(held), media_type="text/csv", headers={**headers, "content-length": str(size)}
            )
    raise MissingError(f"run {run} has no daily series {name.removesuffix('.csv')[:80]!r}")


def _pieces(held: IO[bytes]) -> Iterator[bytes]:
    """Send a file that nobody else sees, and let it go."""
    with held:
        held.seek(0)
        while piece := held.read(PIECE):
            yield piece


def _attached(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def _is_served(file: Path) -> bool:
    return file.is_file() and not file.is_symlink() and (file.name in SHOWN_FILES or file.suffix == ".parquet")
