"""Open the database of a server: SQLite in a file, or PostgreSQL by URL; its tables are brought up to date first.

One transaction for each thing that is done. SQLite is opened in WAL mode and each transaction that writes takes the
write lock at its beginning, so a claim or a finish is whole on both databases, and a kill loses nothing that was
reported as done.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from tenor.errors import StoreError


@dataclass(frozen=True, slots=True)
class Store:
    """A database that is open.

    Parameters
    ----------
    engine
        SQLAlchemy's.
    now
        The clock, UTC.
    """

    engine: Engine
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a transaction; :class:`StoreError` if the database is gone."""
        try:
            with self.engine.begin() as connection:
                if self.engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
        except DBAPIError as gone:
            if gone.connection_invalidated or _is_operational(gone):
                raise StoreError(
                    f"the database does not answer ({_reason(gone)}); what was reported as done is kept: ask again when"
                    " it is back"
                ) from gone
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to read from; :class:`StoreError` if the database is gone."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as gone:
            if gone.connection_invalidated or _is_operational(gone):
                raise StoreError(f"the database does not answer ({_reason(gone)}); ask again when it is back") from gone
            raise


def open_store(url: str, *, now: Callable[[], datetime] | None = None) -> Store:
    """Open a database and bring its tables up to date.

    Parameters
    ----------
    url
        ``sqlite:////folder/tenor.db``, or ``postgresql://user:password@host/name`` (read by pg8000).
    now
        The clock; the system's by default.

    Raises
    ------
    StoreError
        If the URL is none, the database cannot be reached, or it was made by a later Tenor.
    """
    try:
        address = make_url(url)
    except ArgumentError as wrong:
        raise StoreError(
            f"{url!r} is no database URL; write sqlite:////folder/tenor.db or postgresql://user@host/name"
        ) from wrong
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{address.get_backend_name()!r} databases are not supported; they are sqlite and postgresql")
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+pg8000")
    elif address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        engine = create_engine(address, pool_pre_ping=address.get_backend_name() == "postgresql")
    except (ImportError, NoSuchModuleError) as missing:
        raise StoreError("PostgreSQL needs pg8000: pip install 'tenor[postgres]'") from missing
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
    store = Store(engine) if now is None else Store(engine, now)
    try:
        _migrate(engine)
    except DBAPIError as gone:
        engine.dispose()
        shown = address.render_as_string(hide_password=True)
        raise StoreError(f"cannot open the database {shown}: {_reason(gone)}") from gone
    except StoreError:
        engine.dispose()
        raise
    return store


_MIGRATING = threading.Lock()
"""Alembic keeps what it works on in one place for the process."""


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script.revision import ResolutionError
    from alembic.util import CommandError

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["engine"] = engine
    try:
        with _MIGRATING:
            command.upgrade(config, "head")
    except (CommandError, ResolutionError) as unknown:
        raise StoreError(
            f"the database was made by another version of Tenor ({unknown}); open it with that one, or give another"
        ) from unknown


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin is ours to word
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _is_operational(gone: DBAPIError) -> bool:
    return type(gone).__name__ in ("OperationalError", "InterfaceError")


def _reason(gone: DBAPIError) -> str:
    return str(gone.orig).splitlines()[0] if gone.orig and str(gone.orig) else type(gone.orig).__name__
