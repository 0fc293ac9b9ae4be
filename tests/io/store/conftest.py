"""A store on each database: SQLite in a file, and a PostgreSQL server of its own that these tests start on loopback."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tenor.io.store.database import Store, open_store


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server without databases but its own; skips where PostgreSQL is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    tools = Path(found[-1]) if found else None
    if tools is None:
        path = shutil.which("pg_ctl")
        if path is None:
            pytest.skip("needs PostgreSQL: apt-get install postgresql")
        tools = Path(path).parent
    as_whom = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="tenor-postgres-", dir="/tmp"))
    if as_whom:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"

    def told(*words: str) -> None:
        subprocess.run([*as_whom, *words], check=True, capture_output=True, cwd=folder, timeout=60)

    try:
        told(str(tools / "initdb"), "-D", str(data), "-U", "tenor", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        told(str(tools / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        yield f"postgresql://tenor@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*as_whom, str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"],
            check=False,
            capture_output=True,
            cwd=folder,
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tenor.db'}"
    import secrets

    import pg8000.dbapi

    server: str = request.getfixturevalue("postgres")
    name = f"test_{secrets.token_hex(6)}"
    port = int(server.rpartition(":")[2])
    with closing(pg8000.dbapi.connect(user="tenor", host="127.0.0.1", port=port, database="postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@pytest.fixture
def opened(url: str, clock: Clock) -> Iterator[Callable[[], Store]]:
    """Open the database once more, as another server would."""
    held: list[Store] = []

    def again() -> Store:
        held.append(open_store(url, now=clock))
        return held[-1]

    yield again
    for store in held:
        store.engine.dispose()


@pytest.fixture
def store(opened: Callable[[], Store]) -> Store:
    return opened()
