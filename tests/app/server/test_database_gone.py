"""The database goes away under a server that runs: it says so, loses nothing, and goes on when the database is back."""

import json
import runpy
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CLUSTERS = runpy.run_path(str(Path(__file__).parents[2] / "io" / "store" / "conftest.py"))
NEED_IT = ("/health", "/metrics", "/api/v1/jobs", "/api/v1/jobs/none", "/api/v1/watch", "/api/v1/audit")
"""What cannot be answered without a database."""

LONGER = """
[[models]]
kind = "lstm"
layers = 1
hidden = 8
dropout = 0.0

[fit]
epochs = 150
patience = 150
"""
"""Makes a study long enough to pull the database from under it."""


@pytest.fixture(scope="module")
def one_cluster() -> Iterator[Any]:
    with CLUSTERS["cluster"]() as held:
        yield held


@pytest.fixture
def cluster(one_cluster: Any) -> Iterator[Any]:
    yield one_cluster
    one_cluster.stop(check=False)
    one_cluster.start()


def until(what: Callable[[], bool], *, within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.1)


def is_away(server: Any) -> None:
    """Everything that needs the database says that it is away, in the one shape, and asks to come again."""
    asked = [("GET", place, None) for place in NEED_IT] + [("POST", "/api/v1/run", {"study": "quick"})]
    for method, place, body in asked:
        answer = server.client.request(method, place, json=body)
        error = answer.json().get("error", {"type": "none"})
        assert (answer.status_code, error["type"]) == (503, "StoreError"), (place, answer.text)
        assert error["message"].startswith("the database does not answer ("), error
        assert "when it is back" in error["message"]
        assert "{'S'" not in error["message"]


def prepared(root: Path, workplace: Any) -> Path:
    (root / "studies").mkdir()
    quick = (workplace[0] / "studies" / "quick.toml").read_text(encoding="utf-8")
    (root / "studies" / "quick.toml").write_text(quick + LONGER, encoding="utf-8")
    return root


def begun(server: Any) -> str:
    job: str = server.client.post("/api/v1/run", json={"study": "quick"}).json()["id"]
    until(lambda: server.client.get(f"/api/v1/jobs/{job}").json()["stage"] != "", within=30)
    return job


def kept(root: Path) -> list[Path]:
    return [each for each in (root / "runs").glob("quick-*") if (each / "result.json").is_file()]


def state(server: Any, job: str) -> str | None:
    answer = server.client.get(f"/api/v1/jobs/{job}")
    return str(answer.json()["state"]) if answer.status_code == 200 else None


@pytest.mark.slow
def test_postgres_stops_under_a_job(tmp_path: Path, workplace: Any, start: Any, cluster: Any) -> None:
    root = prepared(tmp_path, workplace)
    with start(root, "--database", cluster.database()) as server:
        job = begun(server)
        cluster.stop("immediate")
        is_away(server)
        assert server.client.get("/api/v1/runs").status_code == 200  # what needs no database goes on
        until(lambda: bool(kept(root)))  # the job's process carries on
        time.sleep(2.0)
        is_away(server)
        cluster.start()
        until(lambda: server.client.get("/health").status_code == 200, within=15)
        until(lambda: state(server, job) == "done", within=30)
        held = server.client.get(f"/api/v1/jobs/{job}").json()
        assert held["attempts"] == 1  # nothing was computed a second time
        answer = server.client.get(f"/api/v1/jobs/{job}/answer").json()
        assert (root / answer["run"] / "result.json").is_file()
        again = server.client.post("/api/v1/run", json={"study": "quick"}).json()["id"]
        until(lambda: state(server, again) == "done")  # the foreman is there for the next one


@pytest.mark.slow
def test_who_follows_a_job_goes_on_following(tmp_path: Path, workplace: Any, start: Any, cluster: Any) -> None:
    root = prepared(tmp_path, workplace)
    with start(root, "--database", cluster.database()) as server:
        job = begun(server)
        cluster.stop()
        with pytest.raises(AssertionError, match="it has not"):
            until(lambda: server.client.get("/health").status_code == 200, within=0.5)
        cluster.start()
        with server.client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
            events = []
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    events.append(json.loads(line[5:])["state"])
                    if len(events) == 1:
                        cluster.stop()
                        time.sleep(1.0)
                        cluster.start()
        assert events[-1] == "done"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["removed", "damaged"])
def test_the_file_of_sqlite_goes_away(tmp_path: Path, workplace: Any, start: Any, how: str) -> None:
    root = prepared(tmp_path, workplace)
    file, aside = root / ".tenor" / "tenor.db", tmp_path / "aside"
    aside.mkdir()
    with start(root) as server:
        server.client.put("/api/v1/watch", json={"codes": ["KO"]})
        job = begun(server)
        for held in file.parent.glob("tenor.db*"):  # with what SQLite keeps beside it
            held.rename(aside / held.name)
        if how == "damaged":
            file.write_bytes(b"no database at all, " * 500)
        is_away(server)
        until(lambda: bool(kept(root)))
        assert file.exists() == (how == "damaged")  # nobody began an empty one in its place
        for held in file.parent.glob("tenor.db*"):
            held.unlink()
        for held in aside.iterdir():
            held.rename(file.parent / held.name)
        until(lambda: state(server, job) == "done", within=30)
        assert server.client.get("/api/v1/watch").json() == {"codes": ["KO"]}
        with sqlite3.connect(file) as read:
            assert read.execute("select count(*) from jobs where state = 'done'").fetchone() == (1,)
        read.close()


@pytest.mark.slow
def test_sessions_and_signing_in_without_a_database(tmp_path: Path, workplace: Any, start: Any, cluster: Any) -> None:
    import subprocess
    import sys

    import httpx

    url, word = cluster.database(), "a long enough password"
    words = [sys.executable, "-m", "tenor", "account", "add", "root", "--role", "admin", "--root", str(tmp_path)]
    subprocess.run([*words, "--database", url], input=word, text=True, check=True, capture_output=True, timeout=60)
    with start(tmp_path, "--accounts", "--database", url, TENOR_SECRET="s" * 40) as server:
        form = {"name": "root", "password": word, "to": "/"}
        with httpx.Client(base_url=server.url, timeout=30.0) as person:
            assert person.post("/sign-in", data=form).status_code == 303
            assert person.get("/").status_code == 200
            cluster.stop()
            try:
                for answer in (person.get("/"), person.get("/study"), person.post("/sign-in", data=form)):
                    assert answer.status_code == 503
                    assert answer.headers["content-type"].startswith("text/html")
                    assert "appears by itself" in answer.text
                    assert "Traceback" not in answer.text
                is_away_for = person.get("/api/v1/runs")
                assert (is_away_for.status_code, is_away_for.json()["error"]["type"]) == (503, "StoreError")
                assert person.post("/api/v1/session", json={"name": "root", "password": word}).status_code == 503
            finally:
                cluster.start()
            until(lambda: person.get("/").status_code == 200, within=15)
