"""Jobs over HTTP: how far they are, as a stream of events too, what came of them, and how to stop them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tenor.app.server.serving import ERRORS, ConflictError, Server, answered
from tenor.app.server.worker import rendered
from tenor.errors import StoreError
from tenor.io.store import jobs
from tenor.io.store.accounts import Person


def shown(job: jobs.Job) -> dict[str, Any]:
    """Return a job as JSON, without its answer."""
    table = asdict(job)
    del table["answer"]
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in table.items()}


def add_jobs(api: APIRouter, server: Server) -> None:
    """Add the routes of jobs."""
    may_read = Annotated[Person, Depends(server.needs("read"))]
    may_run = Annotated[Person, Depends(server.needs("run"))]

    @api.get("/jobs", tags=["jobs"], responses=ERRORS)
    def list_jobs(
        person: may_read,
        before: Annotated[
            int | None, Query(ge=1, le=2**31 - 1, description="Only jobs older than this number.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        state: jobs.State | None = None,
    ) -> dict[str, Any]:
        """List jobs, the newest first; ``next`` is the ``before`` of the following page."""
        found = jobs.page(server.store, before=before, limit=limit, state=state)
        return {"jobs": [shown(job) for job in found], "next": found[-1].number if len(found) == limit else None}

    @api.get("/jobs/{job}", tags=["jobs"], responses=ERRORS)
    def read_job(person: may_read, job: str) -> dict[str, Any]:
        """Return how far a job is, and its error if it failed."""
        return shown(jobs.read(server.store, job))

    @api.get("/jobs/{job}/answer", tags=["jobs"], response_class=Response, responses=ERRORS)
    def read_answer(person: may_read, job: str) -> Response:
        """Return the answer of a job that is done, in the bytes of ``--json``; its error if it failed."""
        held = jobs.read(server.store, job)
        if held.answer is not None:
            return answered(held.answer)
        if held.error is not None:
            return answered(rendered(dict(held.error)), 422)
        raise ConflictError(f"job {job} is {held.state}: it has no answer{' yet' if held.open else ''}")

    def named(job: str) -> jobs.Job:
        """Read a job before the stream begins: then there is still a status to say that there is none."""
        return jobs.read(server.store, job)

    @api.get("/jobs/{job}/events", tags=["jobs"], response_class=EventSourceResponse, responses=ERRORS)
    async def follow(
        person: may_read, held: Annotated[jobs.Job, Depends(named)], request: Request
    ) -> AsyncIterator[ServerSentEvent]:
        """Follow a job: an event for each change of its progress or state, the last when it has ended."""
        last = None
        while True:
            now = shown(held)
            if now != last:
                yield ServerSentEvent(data=now, event=held.state, id=str(held.done))
                last = now
            if not held.open or await request.is_disconnected():
                return
            await asyncio.sleep(0.3)
            with suppress(StoreError):  # the job goes on, and so does who follows it, once the database is back
                held = await asyncio.to_thread(jobs.read, server.store, held.id)

    @api.delete("/jobs/{job}", tags=["jobs"], responses=ERRORS)
    def cancel_job(person: may_run, job: str) -> dict[str, Any]:
        """Cancel a job; one that has ended stays as it is."""
        return shown(server.cancel(person, job))

    @api.get("/jobs/{job}/outlook.{form}", tags=["jobs"], response_class=Response, responses=ERRORS)
    def export(person: may_read, job: str, form: Literal["html", "pdf", "csv"]) -> Response:
        """Return the outlook of a prediction as a page, a PDF or a table."""
        held = jobs.read(server.store, job)
        if held.command != "predict" or held.answer is None:
            raise ConflictError(f"job {job} is no prediction that is done")
        return _outlook(json.loads(held.answer), form)


def _outlook(answer: dict[str, Any], form: str) -> Response:
    if form == "html":
        from tenor.report.outlook_page import outlook_page

        return Response(outlook_page(answer), media_type="text/html")
    if form == "csv":
        from tenor.report.outlook_csv import outlook_csv

        headers = {"content-disposition": 'attachment; filename="outlook.csv"'}
        return Response(outlook_csv(answer), media_type="text/csv", headers=headers)
    from tenor.report.outlook_pdf import outlook_pdf

    headers = {"content-disposition": 'attachment; filename="outlook.pdf"'}
    return Response(outlook_pdf(answer), media_type="application/pdf", headers=headers)
