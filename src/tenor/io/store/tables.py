"""The tables of the store, in SQLAlchemy's words. Migrations (:mod:`tenor.io.store.migrations`) make them.

Moments are kept in UTC without a zone, which both databases can, and come back with it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How constraints are called, so that a migration can name them on either database."""


class Moment(TypeDecorator[datetime]):
    """A moment in UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Take the zone off; a moment without one is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone; give moments in UTC")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Put it back."""
        return None if value is None else value.replace(tzinfo=UTC)


tables = MetaData(naming_convention=NAMES)

OPEN = "state in ('queued', 'running')"
"""Jobs that are still to be finished."""

jobs = Table(
    "jobs",
    tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("command", String(40), nullable=False),
    Column("request", JSON, nullable=False),
    Column("key", String(64), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("state", String(12), nullable=False),
    Column("stage", String(80), nullable=False, default=""),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker", String(64)),
    Column("lease_until", Moment),
    Column("cancel_asked", Boolean, nullable=False, default=False),
    Column("answer", Text),
    Column("run", String(200)),
    Column("error", JSON),
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("finished", Moment),
    Index("ix_jobs_state_number", "state", "number"),
    # one open job for each thing that is asked: a second start of the same run finds the first
    Index("uq_jobs_open_key", "key", unique=True, sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
)

accounts = Table(
    "accounts",
    tables,
    Column("name", String(80), primary_key=True),
    Column("role", String(12), nullable=False),
    Column("password", String(200), nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    Column("created", Moment, nullable=False),
)

tokens = Table(
    "tokens",
    tables,
    Column("id", String(16), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name"), nullable=False),
    Column("label", String(80), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
)

sessions = Table(
    "sessions",
    tables,
    Column("digest", String(64), primary_key=True),
    Column("account", String(80), ForeignKey("accounts.name"), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
)

watched = Table(
    "watched",
    tables,
    Column("account", String(80), primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("place", Integer, nullable=False),
)

audit = Table(
    "audit",
    tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False, index=True),
    Column("account", String(80), nullable=False),
    Column("action", String(80), nullable=False),
    Column("target", String(200), nullable=False),
    Column("outcome", String(20), nullable=False),
)

approvals = Table(
    "approvals",
    tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run", String(200), nullable=False, index=True),
    Column("digest", String(64), nullable=False),
    Column("account", String(80), nullable=False),
    Column("verdict", String(12), nullable=False),
    Column("comment", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

shares = Table(
    "shares",
    tables,
    Column("id", String(16), primary_key=True),
    Column("run", String(200), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account", String(80), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("revoked", Moment),
)
