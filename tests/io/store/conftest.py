"""A store on each database: SQLite in a file, and a PostgreSQL server of its own that these tests start on loopback."""

import glob
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
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


class Cluster:
    """A PostgreSQL server of our own on loopback, which can be stopped and started."""

    def __init__(self, tools: Path) -> None:
        self._tools = tools
        self._as_whom = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._folder = Path(tempfile.mkdtemp(prefix="tenor-postgres-", dir="/tmp"))
        if self._as_whom:
            shutil.chown(self._folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://tenor@127.0.0.1:{self.port}"
        self._told("initdb", "-U", "tenor", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.start()

    def _told(self, tool: str, *words: str, check: bool = True) -> None:
        told = [*self._as_whom, str(self._tools / tool), "-D", str(self._folder / "data"), *words]
        subprocess.run(told, check=check, capture_output=True, cwd=self._folder, timeout=60)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        self._told("pg_ctl", "-o", options, "-l", str(self._folder / "log"), "-w", "start")

    def stop(self, mode: str = "fast", *, check: bool = True) -> None:
        """``fast`` says good-bye to whoever is connected; ``immediate`` is a crash."""
        self._told("pg_ctl", "-m", mode, "stop", check=check)

    def database(self) -> str:
        """URL of a new, empty database."""
        import pg8000.dbapi

        name = f"test_{secrets.token_hex(6)}"
        with closing(
            pg8000.dbapi.connect(user="tenor", host="127.0.0.1", port=self.port, database="postgres")
        ) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def remove(self) -> None:
        self.stop("immediate", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server; skips where PostgreSQL is not installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    path = shutil.which("pg_ctl")
    if not found and path is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    held = Cluster(Path(found[-1]) if found else Path(str(path)).parent)
    try:
        yield held
    finally:
        held.remove()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as held:
        yield held


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tenor.db'}"
    held: Cluster = request.getfixturevalue("postgres")
    return held.database()


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
