"""Open the database of a server: SQLite in a file, or PostgreSQL by URL; its tables are brought up to date first.

One transaction for each thing that is done. SQLite is opened in WAL mode and each transaction that writes takes the
write lock at its beginning, so a claim or a finish is whole on both databases, and a kill loses nothing that was
reported as done.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tenor.errors import StoreError, StudyError

PATIENCE = 10.0
"""Seconds after which a PostgreSQL server that says nothing is taken for gone."""

AWAY = ("08", "53", "57P", "58", "25006")
"""How SQLSTATEs begin by which PostgreSQL says that it cannot answer now: connection, resources, shutdown, disk,
standby."""

NO_TEXT = ("22021", "22P05")
"""SQLSTATEs by which PostgreSQL refuses a character."""

_UNTEXT = "a word with a character that cannot be kept: NUL, or half of a pair of surrogates"


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
        """Yield a connection in a transaction; :class:`StoreError` if the database is gone.

        What it cannot keep as text is a :class:`StudyError`.
        """
        with _told("what was reported as done is kept: ask again when it is back"), self.engine.begin() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to read from; :class:`StoreError` if the database is gone."""
        with _told("ask again when it is back"), self.engine.connect() as connection:
            yield connection


@contextmanager
def _told(then: str) -> Iterator[None]:
    """Turn what says that the database is gone into a sentence that ends with what to do."""
    try:
        yield
    except DBAPIError as gone:
        if _is_away(gone):
            raise StoreError(f"the database does not answer ({_reason(gone)}); {then}") from gone
        if _state(gone.orig) in NO_TEXT:
            raise StudyError(_UNTEXT) from gone
        raise
    except UnicodeEncodeError as wrong:
        raise StudyError(_UNTEXT) from wrong
    except PoolTimeoutError as busy:
        raise StoreError(f"the database does not answer (every connection to it is taken); {then}") from busy


def open_store(url: str, *, now: Callable[[], datetime] | None = None, make: bool = True) -> Store:
    """Open a database and bring its tables up to date.

    Parameters
    ----------
    url
        ``sqlite:////folder/tenor.db``, or ``postgresql://user:password@host/name`` (read by pg8000).
    now
        The clock; the system's by default.
    make
        Whether to make the file of an SQLite database that is not there.

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
    try:
        engine = _postgres(address) if address.get_backend_name() == "postgresql" else _sqlite(address, make=make)
    except (ImportError, NoSuchModuleError) as missing:
        raise StoreError("PostgreSQL needs pg8000: pip install 'tenor[postgres]'") from missing
    except OSError as refused:
        raise StoreError(f"cannot open the database {address.database}: {refused.strerror or refused}") from refused
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


def _postgres(address: URL) -> Engine:
    engine = create_engine(address, pool_pre_ping=True, connect_args={"timeout": PATIENCE})
    event.listen(engine, "handle_error", _lost)
    return engine


def _lost(context: ExceptionContext) -> None:
    """Let go of connections to a server that goes down, so that the next one is to the server that came up again."""
    if _state(context.original_exception).startswith(AWAY):
        context.is_disconnect = True


def _sqlite(address: URL, *, make: bool) -> Engine:
    """Open a file, and never another one under its name by accident.

    A file that is deleted stays open for who has it open, who would write to what nobody finds again; and who opened
    it next would begin an empty one. So each use looks whether the file is still the one, and only ``make`` makes one.
    """
    if not address.database or address.database == ":memory:":
        engine = create_engine(address)
        event.listen(engine, "connect", lambda connection, record: _set_up_sqlite(connection))
        return engine
    path = Path(address.database).absolute()
    if make:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def opened() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, check_same_thread=False)

    def connected(connection: Any, record: Any) -> None:
        _set_up_sqlite(connection)
        record.info["file"] = _identity(path)

    def taken(connection: Any, record: Any, proxy: object) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError

    engine = create_engine(address, creator=opened)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", taken)
    return engine


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        held = path.stat()
    except OSError:
        return None
    return held.st_dev, held.st_ino


def _set_up_sqlite(connection: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin is ours to word
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _is_away(gone: DBAPIError) -> bool:
    """Whether the database cannot answer, rather than refusing what was asked."""
    if gone.connection_invalidated or type(gone).__name__ in ("OperationalError", "InterfaceError"):
        return True
    if state := _state(gone.orig):
        return state.startswith(AWAY)
    return type(gone) is DatabaseError  # SQLite: the file is damaged, or no database


def _state(error: BaseException | None) -> str:
    """The SQLSTATE that PostgreSQL gave; empty where an error does not come from there."""
    told = error.args[0] if error is not None and error.args else None
    return str(told.get("C", "")) if isinstance(told, dict) else ""


def _reason(gone: DBAPIError) -> str:
    told = gone.orig.args[0] if gone.orig is not None and gone.orig.args else None
    if isinstance(told, dict):
        return str(told.get("M", told))
    return str(gone.orig).splitlines()[0] if gone.orig and str(gone.orig) else type(gone.orig).__name__
