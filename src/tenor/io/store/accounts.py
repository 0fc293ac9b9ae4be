"""Who may do what: accounts with a role, passwords by Argon2, tokens with scopes, sessions, and a log of what was done.

Roles hold each other: whoever is an *admin* may do what an *approver* may, and so on down to the *viewer*. A token acts
for its account with the scopes that it was given, and never beyond the account's role. Tokens and sessions are drawn at
random and kept as SHA-256 digests: a copy of the database opens nothing.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeAlias

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tenor.errors import MissingError, RunError, StudyError
from tenor.io.store.database import Store
from tenor.io.store.tables import accounts, audit, sessions, shares, tokens, watched

Role: TypeAlias = Literal["viewer", "researcher", "approver", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "researcher", "approver", "admin")
"""From the least to the most that may be done."""

Scope: TypeAlias = Literal["read", "run", "approve", "admin"]
SCOPES: dict[Scope, Role] = {"read": "viewer", "run": "researcher", "approve": "approver", "admin": "admin"}
"""What a token may be allowed, and the least role that has it."""

SESSION = timedelta(hours=12)
"""How long a person stays signed in."""

LEAST_PASSWORD = 12
"""Fewest characters of a password."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks.

    Parameters
    ----------
    name, role
        The account.
    scopes
        What the request may do: all of its role for a person, those of the token for a program.
    """

    name: str
    role: Role
    scopes: tuple[Scope, ...]

    def may(self, scope: Scope) -> bool:
        """Say whether this request may do what ``scope`` names."""
        return scope in self.scopes and ROLES.index(self.role) >= ROLES.index(SCOPES[scope])


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it afterwards: never the token itself."""

    id: str
    account: str
    label: str
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None
    revoked: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """One line of the log."""

    number: int
    at: datetime
    account: str
    action: str
    target: str
    outcome: str


def scopes_of(role: Role) -> tuple[Scope, ...]:
    """Return what a role may do."""
    return tuple(scope for scope, least in SCOPES.items() if ROLES.index(role) >= ROLES.index(least))


def add_account(store: Store, name: str, password: str, role: Role) -> None:
    """Make an account; :class:`StudyError` if the name is taken, or name, password or role are none."""
    if not _NAME.fullmatch(name):
        raise StudyError(f"{name!r} is no account name; take letters, digits and . _ @ -, at most 80")
    if role not in ROLES:
        raise StudyError(f"{role!r} is no role; they are {', '.join(ROLES)}")
    hashed = _hashed(password)
    try:
        with store.writing() as connection:
            values = {"name": name, "role": role, "password": hashed, "active": True, "created": store.now()}
            connection.execute(insert(accounts).values(**values))
    except IntegrityError as taken:
        raise StudyError(f"there is an account {name!r} already") from taken


def change_account(
    store: Store, name: str, *, role: Role | None = None, password: str | None = None, active: bool | None = None
) -> None:
    """Change a role or password, or close and open an account; what it was signed in with ends.

    With an account that is closed end the links that it made.

    Raises
    ------
    MissingError
        If there is no such account.
    RunError
        If nobody would be left who may change accounts.
    """
    values: dict[str, Any] = {}
    if role is not None:
        if role not in ROLES:
            raise StudyError(f"{role!r} is no role; they are {', '.join(ROLES)}")
        values["role"] = role
    if password is not None:
        values["password"] = _hashed(password)
    if active is not None:
        values["active"] = active
    if not values:
        raise StudyError("nothing to change: give a role, a password, or whether the account is active")
    with store.writing() as connection:
        if connection.execute(update(accounts).where(accounts.c.name == name).values(**values)).rowcount == 0:
            raise MissingError(f"no account {name!r}")
        left = select(func.count()).where(accounts.c.role == "admin", accounts.c.active)
        if connection.execute(left).scalar_one() == 0:
            raise RunError("that would leave no active admin; make another one first")
        connection.execute(delete(sessions).where(sessions.c.account == name))
        if active is False:
            made = update(shares).where(shares.c.account == name, shares.c.revoked.is_(None))
            connection.execute(made.values(revoked=store.now()))


def list_accounts(store: Store) -> list[dict[str, Any]]:
    """Return name, role and whether it is active of each account."""
    asked = select(accounts.c.name, accounts.c.role, accounts.c.active, accounts.c.created).order_by(accounts.c.name)
    with store.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(asked)]


def _hashed(password: str) -> str:
    if len(password) < LEAST_PASSWORD:
        raise StudyError(f"a password of {len(password)} characters; take at least {LEAST_PASSWORD}")
    if len(password) > 1000:
        raise StudyError("a password of more than 1,000 characters")
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def sign_in(store: Store, name: str, password: str) -> tuple[Person, str] | None:
    """Return who it is and a session's secret; ``None`` where name and password do not belong together.

    An unknown name takes as long as a wrong password.
    """
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    with store.reading() as connection:
        row = connection.execute(select(accounts).where(accounts.c.name == name)).one_or_none()
    held = row.password if row is not None else _nobody()
    try:
        PasswordHasher().verify(held, password[:1000])
    except VerificationError:
        return None
    if row is None or not row.active:
        return None
    secret, now = secrets.token_urlsafe(32), store.now()
    with store.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.expires < now))
        values = {"digest": digest_of(secret), "account": name, "created": now, "expires": now + SESSION}
        connection.execute(insert(sessions).values(**values))
    return Person(name, row.role, scopes_of(row.role)), secret


@cache
def _nobody() -> str:
    """A hash that no password has, which an unknown name is checked against."""
    return _hashed(secrets.token_urlsafe(32))


def sign_out(store: Store, secret: str) -> None:
    """End a session."""
    with store.writing() as connection:
        connection.execute(delete(sessions).where(sessions.c.digest == digest_of(secret)))


def of_session(store: Store, secret: str) -> Person | None:
    """Return who a session belongs to; ``None`` where it has ended."""
    asked = (
        select(accounts.c.name, accounts.c.role)
        .join(sessions, sessions.c.account == accounts.c.name)
        .where(sessions.c.digest == digest_of(secret), sessions.c.expires > store.now(), accounts.c.active)
    )
    with store.reading() as connection:
        row = connection.execute(asked).one_or_none()
    return None if row is None else Person(row.name, row.role, scopes_of(row.role))


def add_token(
    store: Store, account: str, label: str, scopes: Sequence[Scope], *, lasts: timedelta | None = None
) -> tuple[Token, str]:
    """Make a token: what is kept of it, and the token itself, which is shown this once."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise StudyError(f"scopes {unknown or list(scopes)}; they are {', '.join(SCOPES)}")
    with store.reading() as connection:
        role = connection.execute(select(accounts.c.role).where(accounts.c.name == account)).scalar_one_or_none()
    if role is None:
        raise MissingError(f"no account {account!r}")
    beyond = sorted(set(scopes) - set(scopes_of(role)))
    if beyond:
        raise StudyError(f"{account} is {role}, which may not {', '.join(beyond)}")
    secret, now = f"tenor_{secrets.token_urlsafe(32)}", store.now()
    made = Token(
        secrets.token_hex(8),
        account,
        label[:80],
        tuple(dict.fromkeys(scopes)),
        now,
        None if lasts is None else now + lasts,
        None,
    )
    with store.writing() as connection:
        connection.execute(
            insert(tokens).values(
                id=made.id,
                account=account,
                label=made.label,
                digest=digest_of(secret),
                scopes=list(made.scopes),
                created=now,
                expires=made.expires,
            )
        )
    return made, secret


def list_tokens(store: Store, account: str) -> list[Token]:
    """Return the tokens of an account."""
    fields = [tokens.c[name] for name in Token.__slots__]
    with store.reading() as connection:
        rows = connection.execute(select(*fields).where(tokens.c.account == account).order_by(tokens.c.created))
        return [Token(row.id, row.account, row.label, tuple(row.scopes), *row[4:]) for row in rows]


def revoke_token(store: Store, account: str, token: str) -> None:
    """End a token of an account; :class:`MissingError` if it has none of that name."""
    with store.writing() as connection:
        found = connection.execute(
            update(tokens).where(tokens.c.id == token, tokens.c.account == account).values(revoked=store.now())
        )
        if found.rowcount == 0:
            raise MissingError(f"{account} has no token {token!r}")


def of_token(store: Store, secret: str) -> Person | None:
    """Return who a token acts for; ``None`` where it is unknown, revoked or has expired."""
    asked = (
        select(accounts.c.name, accounts.c.role, tokens.c.scopes, tokens.c.expires)
        .join(tokens, tokens.c.account == accounts.c.name)
        .where(tokens.c.digest == digest_of(secret), tokens.c.revoked.is_(None), accounts.c.active)
    )
    with store.reading() as connection:
        row = connection.execute(asked).one_or_none()
    if row is None or (row.expires is not None and row.expires <= store.now()):
        return None
    return Person(row.name, row.role, tuple(row.scopes))


def digest_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def log(store: Store, account: str, action: str, target: str = "", outcome: str = "ok") -> None:
    """Add a line to the log."""
    values = {"account": account[:80], "action": action[:80], "target": target[:200], "outcome": outcome[:20]}
    with store.writing() as connection:
        connection.execute(insert(audit).values(at=store.now(), **values))


def logged(store: Store, *, before: int | None = None, limit: int = 50) -> list[Done]:
    """Return the log, the newest line first."""
    asked = select(*(audit.c[name] for name in Done.__slots__)).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        asked = asked.where(audit.c.number < before)
    with store.reading() as connection:
        return [Done(**row._mapping) for row in connection.execute(asked)]


def watch_list(store: Store, account: str) -> list[str]:
    """Return what an account watches, in its order."""
    with store.reading() as connection:
        return list(
            connection.execute(
                select(watched.c.code).where(watched.c.account == account).order_by(watched.c.place)
            ).scalars()
        )


def set_watch_list(store: Store, account: str, codes: Sequence[str]) -> None:
    """Keep what an account watches; at most 50 instruments."""
    chosen = list(dict.fromkeys(codes))
    if len(chosen) > 50:
        raise StudyError(f"{len(chosen)} instruments to watch; at most 50")
    with store.writing() as connection:
        connection.execute(delete(watched).where(watched.c.account == account))
        if chosen:
            rows = [{"account": account, "code": code, "place": place} for place, code in enumerate(chosen)]
            connection.execute(insert(watched), rows)
