"""People over HTTP: sign in and out, accounts, tokens, watch lists, and the log of who did what."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from tenor.app.server.serving import ERRORS, ConflictError, Server, Spoken, forget, remember
from tenor.errors import AccessError
from tenor.io.store import accounts
from tenor.io.store.accounts import Person, Role, Scope


class SignIn(Spoken):
    """Name and password."""

    name: str = Field(max_length=80)
    password: str = Field(max_length=1000)


class NewAccount(Spoken):
    """An account to make."""

    name: str = Field(max_length=80)
    password: str = Field(max_length=1000)
    role: Role


class ChangedAccount(Spoken):
    """What is to change of an account."""

    role: Role | None = None
    password: str | None = Field(None, max_length=1000)
    active: bool | None = None


class NewToken(Spoken):
    """A token to make."""

    label: str = Field(max_length=80)
    scopes: list[Scope] = Field(min_length=1, max_length=4)
    days: int | None = Field(90, ge=1, le=3650, description="How long it lasts; null for ever.")


class Watched(Spoken):
    """Instruments to watch, in order."""

    codes: list[str] = Field(max_length=50)


def add_people(api: APIRouter, server: Server) -> None:
    """Add the routes of people."""
    known = Annotated[Person, Depends(server.person)]
    admin = Annotated[Person, Depends(server.needs("admin"))]
    may_read = Annotated[Person, Depends(server.needs("read"))]

    @api.get("/me", tags=["people"], responses=ERRORS)
    def me(person: known) -> dict[str, Any]:
        """Say who asks, and what they may do."""
        return {"name": person.name, "role": person.role, "scopes": list(person.scopes)}

    @api.post("/session", tags=["people"], responses=ERRORS)
    def sign_in(body: SignIn, request: Request, response: Response) -> dict[str, Any]:
        """Sign in: the answer sets a cookie that no script can read."""
        if not server.settings.accounts:
            raise ConflictError("this server has no accounts: whoever reaches it is 'local'")
        found = server.sign_in(body.name, body.password)
        if found is None:
            raise AccessError("name and password do not belong together", known=False)
        person, secret = found
        remember(response, request, secret)
        return {"name": person.name, "role": person.role, "scopes": list(person.scopes)}

    @api.delete("/session", tags=["people"], responses=ERRORS)
    def sign_out(request: Request, response: Response) -> dict[str, Any]:
        """Sign out."""
        forget(server, response, request)
        return {"signed": "out"}

    @api.get("/accounts", tags=["people"], responses=ERRORS)
    def list_accounts(person: admin) -> dict[str, Any]:
        """List the accounts."""
        return {"accounts": accounts.list_accounts(server.store)}

    @api.post("/accounts", tags=["people"], status_code=201, responses=ERRORS)
    def add_account(person: admin, body: NewAccount) -> dict[str, Any]:
        """Make an account."""
        accounts.add_account(server.store, body.name, body.password, body.role)
        accounts.log(server.store, person.name, "add account", f"{body.name} ({body.role})")
        return {"name": body.name, "role": body.role}

    @api.patch("/accounts/{name}", tags=["people"], responses=ERRORS)
    def change_account(person: admin, name: str, body: ChangedAccount) -> dict[str, Any]:
        """Change role or password of an account, or close it."""
        accounts.change_account(server.store, name, role=body.role, password=body.password, active=body.active)
        changed = [key for key, value in body.model_dump().items() if value is not None]
        accounts.log(server.store, person.name, "change account", f"{name}: {', '.join(changed)}")
        return {"name": name, "changed": changed}

    @api.get("/tokens", tags=["people"], responses=ERRORS)
    def list_tokens(person: known) -> dict[str, Any]:
        """List the tokens of whoever asks."""
        return {"tokens": [asdict(token) for token in accounts.list_tokens(server.store, person.name)]}

    @api.post("/tokens", tags=["people"], status_code=201, responses=ERRORS)
    def add_token(person: known, body: NewToken) -> dict[str, Any]:
        """Make a token; it is shown this once."""
        if not server.settings.accounts:
            raise ConflictError("this server has no accounts, so it takes no tokens either")
        beyond = [scope for scope in body.scopes if not person.may(scope)]
        if beyond:
            raise AccessError(f"this request may not {', '.join(beyond)}, so it gives no token that may", known=True)
        lasts = None if body.days is None else timedelta(days=body.days)
        token, secret = accounts.add_token(server.store, person.name, body.label, body.scopes, lasts=lasts)
        accounts.log(server.store, person.name, "add token", token.id)
        return {**asdict(token), "token": secret}

    @api.delete("/tokens/{token}", tags=["people"], responses=ERRORS)
    def revoke_token(person: known, token: str) -> dict[str, Any]:
        """End a token."""
        accounts.revoke_token(server.store, person.name, token)
        accounts.log(server.store, person.name, "revoke token", token)
        return {"revoked": token}

    @api.get("/audit", tags=["people"], responses=ERRORS)
    def audit(
        person: admin,
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Return who did what, the newest first."""
        found = accounts.logged(server.store, before=before, limit=limit)
        return {"lines": [asdict(line) for line in found], "next": found[-1].number if len(found) == limit else None}

    @api.get("/watch", tags=["people"], responses=ERRORS)
    def watch_list(person: may_read) -> dict[str, Any]:
        """Return what whoever asks watches."""
        return {"codes": accounts.watch_list(server.store, person.name)}

    @api.put("/watch", tags=["people"], responses=ERRORS)
    def set_watch_list(person: may_read, body: Watched) -> dict[str, Any]:
        """Keep what whoever asks watches."""
        codes = [server.place.ticker(code) for code in body.codes]
        accounts.set_watch_list(server.store, person.name, codes)
        return {"codes": accounts.watch_list(server.store, person.name)}
