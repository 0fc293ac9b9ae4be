"""Share links: one run that somebody without an account may read until the link ends.

The secret in a link is drawn at random, shown once and kept as a SHA-256 digest: a copy of the database opens nothing.
A link ends when it expires, when it is revoked, or when the account that made it is closed.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from tenor.errors import MissingError, StudyError
from tenor.io.store.accounts import digest_of
from tenor.io.store.database import Store
from tenor.io.store.tables import shares

USUAL = timedelta(days=30)
"""How long a link holds where nothing is said."""

LONGEST = timedelta(days=365)
"""How long a link may hold."""

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Share:
    """A link as it is seen afterwards: never its secret.

    Parameters
    ----------
    id
        Its name, by which it is revoked.
    run
        The one run that it shows.
    account
        Who made it.
    created, expires, revoked
        Moments, UTC.
    """

    id: str
    run: str
    account: str
    created: datetime
    expires: datetime
    revoked: datetime | None


_FIELDS = [shares.c[name] for name in Share.__slots__]


def _share(row: Row[Any]) -> Share:
    return Share(**row._mapping)


def share(store: Store, run: str, account: str, *, lasts: timedelta = USUAL) -> tuple[Share, str]:
    """Make a link to a run: what is kept of it, and its secret, which is shown this once."""
    if not timedelta(0) < lasts <= LONGEST:
        raise StudyError(f"a link of {lasts.days} days; take 1 to {LONGEST.days}")
    secret, now = secrets.token_urlsafe(32), store.now()
    values = {"id": secrets.token_hex(8), "run": run, "digest": digest_of(secret), "account": account}
    made = insert(shares).values(**values, created=now, expires=now + lasts).returning(*_FIELDS)
    with store.writing() as connection:
        return _share(connection.execute(made).one()), secret


def of_secret(store: Store, secret: str) -> Share | None:
    """Return the link that a secret opens; ``None`` where it is unknown, revoked or has expired."""
    holds = (shares.c.digest == digest_of(secret), shares.c.revoked.is_(None), shares.c.expires > store.now())
    with store.reading() as connection:
        row = connection.execute(select(*_FIELDS).where(*holds)).one_or_none()
    return None if row is None else _share(row)


def list_shares(store: Store, run: str, *, account: str | None = None) -> list[Share]:
    """Return the links to a run that hold, the newest first; those of one account, or all."""
    asked = select(*_FIELDS).where(shares.c.run == run, shares.c.revoked.is_(None), shares.c.expires > store.now())
    if account is not None:
        asked = asked.where(shares.c.account == account)
    with store.reading() as connection:
        return [_share(row) for row in connection.execute(asked.order_by(shares.c.created.desc(), shares.c.id))]


def read_share(store: Store, share: str) -> Share:
    """Return a link by its name, whether it holds or not; :class:`MissingError` if there is none."""
    row = None
    if _ID.fullmatch(share):
        with store.reading() as connection:
            row = connection.execute(select(*_FIELDS).where(shares.c.id == share)).one_or_none()
    if row is None:
        raise MissingError(f"no link {share[:80]!r}")
    return _share(row)


def revoke(store: Store, share: str) -> Share:
    """End a link; one that was revoked before stays as it is. :class:`MissingError` if there is none of that name."""
    held = read_share(store, share)
    with store.writing() as connection:
        live = update(shares).where(shares.c.id == held.id, shares.c.revoked.is_(None))
        connection.execute(live.values(revoked=store.now()))
    return read_share(store, held.id)
