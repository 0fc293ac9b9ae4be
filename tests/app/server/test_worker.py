"""The foreman and its processes while the database comes and goes: nothing is begun twice, and no thread ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tenor.app.server import worker
from tenor.app.server.worker import Foreman, patiently
from tenor.errors import StoreError
from tenor.io.store import jobs
from tenor.io.store.database import Store, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tenor.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    held = open_store(url)
    yield held
    held.engine.dispose()


def test_the_database_is_asked_until_it_is_back() -> None:
    answers: list[Any] = [StoreError("gone"), StoreError("gone"), "here"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return str(answer)

    assert patiently(ask, pause=0.0) == "here"
    answers[:] = [StoreError("gone")] * 3
    with pytest.raises(StoreError):
        patiently(ask, pause=0.0, endured=-1.0)


class Idle:
    """Stands for a process, and does nothing."""

    begun: list[str] = []  # noqa: RUF012

    def __init__(self, database: str, root: Path, job: str, worker: str) -> None:
        self.job, self.worker, self.status = job, worker, None
        self.begun.append(worker)

    def hurry(self) -> None:
        pass

    def end(self) -> None:
        self.status = 0


@contextmanager
def working(foreman: Foreman) -> Iterator[None]:
    foreman.start()
    try:
        yield
    finally:
        foreman.stop()


def until(what: Any) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_after_an_outage_leases_are_renewed_before_silent_ones_are_taken(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_Process", Idle)
    monkeypatch.setattr(worker, "GRACE", 1.5)
    monkeypatch.setattr(Idle, "begun", [])
    real, away = jobs.claim, [True]

    def claim(held: Store, name: str) -> jobs.Job | None:
        if away[0]:
            raise StoreError("gone")
        return real(held, name)

    job, _ = jobs.enqueue(store, "run", {"study": "a"}, owner="local")
    assert real(store, "another server's") is not None
    monkeypatch.setattr(worker.jobs, "claim", claim)
    foreman = Foreman(store, url, tmp_path, idle=0.02)
    with working(foreman):
        time.sleep(0.3)
        with store.writing() as connection:  # silent for longer than its lease, as after a long outage
            connection.execute(jobs.jobs.update().values(lease_until=store.now() - jobs.LEASE))
        away[0] = False
        time.sleep(1.2)
        assert jobs.renew(store, job.id, "another server's")  # its heart beats again
        time.sleep(1.5)
        assert Idle.begun == []
        jobs.abandon(store, job.id, "another server's")
        until(lambda: len(Idle.begun) == 1)  # and what is silent still is taken over


def test_a_job_that_is_no_longer_there_ends_no_thread(
    store: Store, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_Process", Idle)
    monkeypatch.setattr(Idle, "begun", [])
    foreman = Foreman(store, url, tmp_path, idle=0.02)
    jobs.enqueue(store, "run", {"study": "a"}, owner="local")
    with working(foreman):
        until(lambda: len(Idle.begun) == 1)
        with store.writing() as connection:  # an older copy of the database was put in place
            connection.execute(jobs.jobs.delete())
        jobs.enqueue(store, "run", {"study": "b"}, owner="local")
        until(lambda: len(Idle.begun) == 2)
