"""Studies that are written and run: nobody's work is written over unseen, none is run unseen, whoever is first."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tenor.app.server import authoring, drafts
from tenor.app.server.desks import Desks
from tenor.app.server.measures import Measures
from tenor.app.server.serving import Server
from tenor.app.server.settings import ServerSettings
from tenor.app.server.workplace import Workplace
from tenor.errors import AccessError, RunError
from tenor.io.store import accounts, jobs
from tenor.io.store.accounts import Person
from tenor.io.store.database import open_store

ADA = Person("ada", "researcher", accounts.scopes_of("researcher"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    settings, place = ServerSettings(tmp_path), Workplace(tmp_path)
    store = open_store(settings.url)
    yield Server(settings, place, store, Measures(), Desks(place))
    store.engine.dispose()


def table(server: Server, **changed: Any) -> dict[str, Any]:
    return {**drafts.read_draft(server.place, "cgb-spread"), "name": "mine", **changed}


def test_a_study_that_was_changed_is_another_job(server: Server) -> None:
    _, first = authoring.write(server, ADA, table(server))
    job, new = authoring.run_as_read(server, ADA, "mine", first)
    assert (new, authoring.run_as_read(server, ADA, "mine", first)) == (True, (job, False))
    path = server.place.root / "studies" / "mine.toml"
    path.write_text(path.read_text(encoding="utf-8") + "# by hand\n", encoding="utf-8")
    with pytest.raises(RunError, match="somebody changed study 'mine' since this page was drawn"):
        authoring.run_as_read(server, ADA, "mine", first)
    other, new = server.start(ADA, "run", {"study": "mine", "data": None})
    assert new
    assert other.id != job.id


@pytest.mark.parametrize("word", ["mine", "studies/mine.toml", "./studies/../studies/mine.toml"])
def test_what_an_open_job_names_is_not_written_over(server: Server, word: str) -> None:
    _, digest = authoring.write(server, ADA, table(server))
    job, _ = server.start(ADA, "run", {"study": word, "data": None})
    server.start(ADA, "rerun", {"run": "other-0"})
    server.start(ADA, "run", {"study": "cgb-spread", "data": None})
    with pytest.raises(RunError, match="a job of study 'mine' is open"):
        authoring.write(server, ADA, table(server, seeds=3), replaces=digest)
    assert authoring.write(server, ADA, table(server), replaces=digest)[1] == digest  # as it stands: nothing changes
    jobs.claim(server.store, "w")
    with pytest.raises(RunError, match="a job of study 'mine' is open"):
        authoring.write(server, ADA, table(server, seeds=3), replaces=digest)
    jobs.finish(server.store, job.id, "w", answer="{}")
    authoring.write(server, ADA, table(server, seeds=3), replaces=digest)
    assert drafts.read_draft(server.place, "mine")["seeds"] == 3


def test_a_job_whose_study_was_taken_away_hinders_nobody(server: Server) -> None:
    _, digest = authoring.write(server, ADA, table(server))
    authoring.write(server, ADA, table(server, name="gone"))
    server.start(ADA, "run", {"study": "gone", "data": None})
    (server.place.root / "studies" / "gone.toml").unlink()
    authoring.write(server, ADA, table(server, seeds=3), replaces=digest)


def test_of_many_who_change_a_study_at_once_one_does(server: Server) -> None:
    _, digest = authoring.write(server, ADA, table(server))
    gate = threading.Barrier(6)

    def change(seeds: int) -> bool:
        gate.wait()
        try:
            with server.studies:
                name, now = authoring.write(server, ADA, table(server, seeds=seeds), replaces=digest)
                authoring.run_as_read(server, ADA, name, now)
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(change, range(2, 8)))
    assert done.count(True) == 1
    assert drafts.read_draft(server.place, "mine")["seeds"] == 2 + done.index(True)
    assert jobs.counts(server.store) == {"queued": 1}


def test_a_viewer_writes_and_runs_nothing(server: Server) -> None:
    viewer = Person("bob", "viewer", accounts.scopes_of("viewer"))
    with pytest.raises(AccessError):
        authoring.write(server, viewer, table(server))
    with pytest.raises(AccessError):
        authoring.run_as_read(server, viewer, "cgb-spread", "")
    assert not (server.place.root / "studies").exists()
