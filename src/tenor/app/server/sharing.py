"""Links to one run, as API and pages ask for them: made, listed, ended, and opened by somebody without an account."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tenor.app.server.serving import Server
from tenor.errors import AccessError, MissingError, RunError
from tenor.io.runs import Run, read_run
from tenor.io.store import accounts, shares
from tenor.io.store.accounts import Person
from tenor.io.store.shares import LONGEST, USUAL, Share

SHARED_FILES = ("report.html", "result.json")
"""Files of a run that a link shows."""

ENDED = "this link has ended, or there never was one: ask whoever gave it to you for another"
"""The one thing that is said of a link that does not hold, whatever the reason."""

USUAL_DAYS, MOST_DAYS = USUAL.days, LONGEST.days
"""How long a link holds where nothing is said, and at most."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that holds, and the run that it shows."""

    share: Share
    run: Run


def place_of(secret: str) -> str:
    """Return the place of a link's page on this server."""
    return f"/shared/{secret}"


def shown(share: Share) -> dict[str, Any]:
    """Return a link as JSON, without its secret."""
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(share).items()}


def share(server: Server, person: Person, run: str, days: int = USUAL_DAYS) -> tuple[Share, str]:
    """Make a link to a run for somebody who may, and log it; with it the secret, which is shown this once."""
    server.allowed(person, "run")
    read_run(server.place.root / server.place.folder_of(run))
    made, secret = shares.share(server.store, run, person.name, lasts=timedelta(days=days))
    accounts.log(server.store, person.name, "share run", f"{run} ({made.id}, {days} days)")
    return made, secret


def listed(server: Server, person: Person, run: str) -> list[Share]:
    """Return the links to a run that hold: those of whoever asks, or all for an admin."""
    server.allowed(person, "run")
    server.place.folder_of(run)
    return shares.list_shares(server.store, run, account=None if person.may("admin") else person.name)


def revoke(server: Server, person: Person, link: str) -> Share:
    """End a link for whoever made it, or an admin, and log it; errors as :func:`tenor.io.store.shares.revoke`."""
    server.allowed(person, "run")
    held = shares.read_share(server.store, link)
    if held.account != person.name and not person.may("admin"):
        accounts.log(server.store, person.name, "end link", f"{held.run} ({held.id})", "refused")
        raise AccessError(f"link {held.id} is somebody else's: whoever made it or an admin may end it", known=True)
    ended = shares.revoke(server.store, held.id)
    accounts.log(server.store, person.name, "end link", f"{held.run} ({held.id})")
    return ended


def opened(server: Server, secret: str) -> Opened:
    """Return what a link shows; :class:`MissingError`, always in the same words, where it does not hold."""
    found = shares.of_secret(server.store, secret)
    if found is None:
        raise MissingError(ENDED)
    try:
        return Opened(found, read_run(server.place.root / server.place.folder_of(found.run)))
    except RunError as gone:  # the run was deleted or damaged since
        raise MissingError(ENDED) from gone
