"""Links to one run over HTTP: make, list and end them; and the files that a link shows to whoever has it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse
from pydantic import Field

from tenor.app.server import sharing
from tenor.app.server.serving import ERRORS, Server, Spoken
from tenor.app.server.sharing import ENDED, MOST_DAYS, SHARED_FILES, USUAL_DAYS
from tenor.errors import MissingError
from tenor.io.store.accounts import Person


class NewShare(Spoken):
    """A link to make."""

    days: int = Field(USUAL_DAYS, ge=1, le=MOST_DAYS, description="How long it holds.")


def add_shares(api: APIRouter, server: Server) -> None:
    """Add the routes of links."""
    may_run = Annotated[Person, Depends(server.needs("run"))]

    @api.post("/runs/{run}/shares", tags=["shares"], status_code=201, responses=ERRORS)
    def share(person: may_run, run: str, body: NewShare) -> dict[str, Any]:
        """Make a link by which this run may be read without an account; its secret is shown this once."""
        made, secret = sharing.share(server, person, run, body.days)
        return {**sharing.shown(made), "secret": secret, "place": sharing.place_of(secret)}

    @api.get("/runs/{run}/shares", tags=["shares"], responses=ERRORS)
    def list_shares(person: may_run, run: str) -> dict[str, Any]:
        """List the links to this run that hold: those of whoever asks, or all for an admin."""
        return {"shares": [sharing.shown(one) for one in sharing.listed(server, person, run)]}

    @api.delete("/shares/{share}", tags=["shares"], responses=ERRORS)
    def revoke(person: may_run, share: str) -> dict[str, Any]:
        """End a link: one's own, or any for an admin."""
        return sharing.shown(sharing.revoke(server, person, share))

    @api.get("/shared/{secret}/files/{name}", tags=["shares"], response_class=Response, responses=ERRORS)
    def shared_file(secret: str, name: str) -> Response:
        """Return ``report.html`` or ``result.json`` of the run that a link shows; nobody has to sign in."""
        found = sharing.opened(server, secret).run
        if name not in SHARED_FILES:
            raise MissingError(ENDED)
        if name.endswith(".html"):
            return FileResponse(found.folder / name, media_type="text/html")
        return FileResponse(found.folder / name, media_type="application/json", filename=f"{found.name}-{name}")
