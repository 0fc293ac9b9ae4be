"""Approvals over HTTP: what was decided on a run, and a decision."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from tenor.app.server import approving
from tenor.app.server.serving import ERRORS, Server, Spoken
from tenor.io.store.accounts import Person
from tenor.io.store.approvals import MOST_COMMENT, Verdict


class NewDecision(Spoken):
    """A decision on a run."""

    verdict: Verdict
    comment: str = Field("", max_length=MOST_COMMENT)
    digest: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the result.json that was read: refused if the run's content is another by now.",
    )


def add_approvals(api: APIRouter, server: Server) -> None:
    """Add the routes of approvals."""
    may_read = Annotated[Person, Depends(server.needs("read"))]
    may_approve = Annotated[Person, Depends(server.needs("approve"))]

    @api.get("/runs/{run}/approvals", tags=["approvals"], responses=ERRORS)
    def list_approvals(person: may_read, run: str) -> dict[str, Any]:
        """Return what was decided on a run, the newest first, and who may not decide because they started it."""
        return approving.review(server, run).shown()

    @api.post("/runs/{run}/approvals", tags=["approvals"], status_code=201, responses=ERRORS)
    def decide(person: may_approve, run: str, body: NewDecision) -> dict[str, Any]:
        """Approve or refuse a run as it is now; whoever started it may not."""
        made = approving.decide(server, person, run, body.verdict, body.comment, read=body.digest)
        now = approving.review(server, run)
        return {**approving.shown(made, changed=False), "four_eyes": now.four_eyes, "note": now.shown()["note"]}
