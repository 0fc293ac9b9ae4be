"""The API on a server that runs: the bytes of the command line, errors of one shape, jobs that end or are stopped."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

QUICK = {"study": "quick"}


def told(root: Path, *words: str) -> bytes:
    """What the command line prints in the same folder."""
    done = subprocess.run(
        [sys.executable, "-m", "tenor", *words, "--json"], cwd=root, capture_output=True, check=False, timeout=120
    )
    return done.stdout


def ended(client: httpx.Client, job: str, *, within: float = 90.0) -> dict[str, Any]:
    """A job once it has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        held: dict[str, Any] = client.get(f"/api/v1/jobs/{job}").json()
        if held["state"] not in ("queued", "running"):
            return held
        time.sleep(0.1)
    raise AssertionError(f"job {job} has not ended: {held}")


def is_error(answer: httpx.Response, status: int, kind: str, said: str) -> None:
    body = answer.json()
    assert answer.status_code == status, body
    assert list(body) == ["error"]
    assert list(body["error"]) == ["type", "message", "problems"]
    assert body["error"]["type"] == kind
    assert said in body["error"]["message"]


def test_it_is_well_and_says_what_it_counts(served: Any) -> None:
    assert served.client.get("/health").json()["status"] == "ok"
    served.client.get("/api/v1/runs/nope")
    text = served.client.get("/metrics").text
    assert 'tenor_requests_total{method="GET",route="/health",status="200"}' in text
    assert 'route="/api/v1/runs/{run}",status="404"' in text
    assert 'tenor_jobs{state="queued"} 0.0' in text
    assert "nope" not in text


def test_pages_of_runs_and_their_files(served: Any, workplace: Any) -> None:
    root, pairs, stocks = workplace
    both = served.client.get("/api/v1/runs").json()
    assert {row["run"] for row in both["runs"]} >= {pairs, stocks}
    first = served.client.get("/api/v1/runs", params={"limit": 1}).json()
    second = served.client.get("/api/v1/runs", params={"limit": 1, "after": first["next"]}).json()
    assert first["runs"] + second["runs"] == both["runs"][:2]
    assert served.client.get(f"/api/v1/runs/{pairs}").content == told(root, "show", pairs)
    names = {file["name"] for file in served.client.get(f"/api/v1/runs/{stocks}/files").json()["files"]}
    assert {"report.html", "result.json", "forecasts.parquet", "models.safetensors"} <= names
    report = served.client.get(f"/api/v1/runs/{stocks}/files/report.html")
    assert report.content == (root / "runs" / stocks / "report.html").read_bytes()
    assert "sandbox allow-scripts" in report.headers["content-security-policy"]
    parquet = served.client.get(f"/api/v1/runs/{stocks}/files/forecasts.parquet")
    assert parquet.content == (root / "runs" / stocks / "forecasts.parquet").read_bytes()
    for name in ("..%2frun.json", "secret.txt", "..%2f..%2fsecret.txt"):
        answer = served.client.get(f"/api/v1/runs/{stocks}/files/{name}")
        assert answer.status_code == 404


def test_a_loaded_run_speaks(served: Any, workplace: Any) -> None:
    root, _, stocks = workplace
    answer = served.client.get(f"/api/v1/runs/{stocks}/forecast/KO")
    said = json.loads(told(root, "predict", "KO", "--run", stocks, "--no-keep"))["outlooks"][0]
    found = answer.json()
    before = found.pop("before")
    assert found == said
    assert before["session"] == "2020-12-30"
    assert served.client.get(f"/api/v1/runs/{stocks}/forecast/KO").content == answer.content
    is_error(served.client.get(f"/api/v1/runs/{stocks}/forecast/KOO"), 422, "MarketError", "did you mean 'KO'")
    is_error(served.client.get("/api/v1/runs/none/forecast/KO"), 404, "MissingError", "no run 'none'")


def test_a_run_of_pairs_speaks_of_its_products(served: Any, workplace: Any) -> None:
    root, pairs, _ = workplace
    said = served.client.get(f"/api/v1/runs/{pairs}/forecast/T").json()
    with_models = json.loads((root / "runs" / pairs / "result.json").read_text(encoding="utf-8"))["study"]["models"]
    assert [one["model"] for one in said["models"]] == [one["kind"] for one in with_models]
    assert said["pair"] == f"{said['near']}-{said['far']}"
    is_error(served.client.get(f"/api/v1/runs/{pairs}/forecast/KO"), 422, "MarketError", "it speaks of T")


@pytest.mark.parametrize(
    ("route", "body", "said"),
    [
        ("show", {"run": 3}, "run: Input should be a valid string"),
        ("show", {}, "run: Field required"),
        ("show", {"run": "x", "runs": "/etc"}, "runs: Extra inputs are not permitted"),
        ("price", {"on": 20240103}, "on: Value error, write a day as text"),
        ("price", {"on": "2024-13-01"}, "on: Input should be a valid date"),
        ("predict", {"tickers": "AAPL"}, "tickers"),
        ("predict", {"tickers": ["../../etc/passwd"]}, "is no ticker"),
        ("predict", {"tickers": ["AAPL"], "data": "/etc"}, "leads out of the folder"),
        ("run", {"study": "../x.toml"}, "leads out of the folder"),
        ("run", {"study": "cgb-spraed"}, "did you mean 'cgb-spread'"),
        ("data/check", {"folder": "..", "layout": "studies/quick.toml"}, "leads out of the folder"),
        ("whatif", {"run": "x", "draws": "many"}, "draws: Input should be a valid integer"),
        ("whatif", {"run": "x", "held": float("1e999")}, "held"),
        ("predict", {"tickers": ["A"] * 501}, "at most 500"),
    ],
)
def test_a_body_that_is_none_is_refused_with_its_field(served: Any, route: str, body: Any, said: str) -> None:
    answer = served.client.post(
        f"/api/v1/{route}", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    is_error(answer, 422, "StudyError", said)
    assert served.client.get("/api/v1/jobs", params={"state": "queued"}).json()["jobs"] == []


def test_what_is_no_request_is_refused_in_the_same_shape(served: Any) -> None:
    client = served.client
    is_error(
        client.post("/api/v1/show", content=b"{", headers={"content-type": "application/json"}),
        422,
        "StudyError",
        "JSON",
    )
    is_error(client.get("/api/v1/nothing"), 404, "RequestError", "Not Found")
    is_error(client.get("/api/v1/show"), 405, "RequestError", "Method Not Allowed")
    is_error(client.get("/api/v1/jobs/nope"), 404, "MissingError", "no job 'nope'")
    is_error(client.get("/api/v1/jobs", params={"limit": 0}), 422, "StudyError", "limit")
    huge = b'{"run": "' + b"x" * 2_000_000 + b'"}'
    is_error(client.post("/api/v1/show", content=huge), 413, "AccessError", "at most 1,000,000")

    def dripping() -> Any:
        yield from (b"x" * 100_000 for _ in range(20))

    is_error(client.post("/api/v1/show", content=dripping()), 413, "AccessError", "1,000,000")


def test_other_sites_and_other_names_are_refused(served: Any) -> None:
    client, body = served.client, {"run": "x"}
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        is_error(client.post("/api/v1/show", json=body, headers=headers), 403, "AccessError", "another site")
    own = {"origin": served.url, "sec-fetch-site": "same-origin"}
    assert client.post("/api/v1/show", json=body, headers=own).status_code == 404
    is_error(client.get("/health", headers={"host": "evil.example"}), 400, "AccessError", "not asked under the name")


def test_headers_that_keep_a_browser_from_harm(served: Any) -> None:
    headers = served.client.get("/api/v1/me").headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_a_study_runs_as_a_job_with_events_and_answers_as_the_command_line(served: Any, workplace: Any) -> None:
    root = workplace[0]
    started = served.client.post("/api/v1/run", json=QUICK)
    assert started.status_code == 202
    job = started.json()
    events = []
    with served.client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    assert events[-1]["state"] == "done"
    answer = served.client.get(f"/api/v1/jobs/{job['id']}/answer")
    again = json.loads(told(root, "run", "studies/quick.toml"))
    assert answer.json() == {**again, "computed": True}
    kept = served.client.get("/api/v1/jobs", params={"limit": 1}).json()
    assert kept["jobs"][0]["id"] == job["id"]
    lines = served.client.get("/api/v1/audit").json()["lines"]
    assert any((line["action"], line["target"]) == ("start run", job["id"]) for line in lines)


def test_a_job_that_fails_keeps_its_error(served: Any, workplace: Any) -> None:
    root = workplace[0]
    bad = (
        (root / "studies" / "quick.toml").read_text(encoding="utf-8").replace('kind = "logistic"', 'kind = "logistik"')
    )
    (root / "studies" / "bad.toml").write_text(bad, encoding="utf-8")
    job = served.client.post("/api/v1/run", json={"study": "bad"}).json()["id"]
    assert ended(served.client, job)["state"] == "failed"
    is_error(served.client.get(f"/api/v1/jobs/{job}/answer"), 422, "StudyError", "logistik")


def test_a_prediction_is_exported(served: Any, workplace: Any) -> None:
    _, _, stocks = workplace
    job = served.client.post("/api/v1/predict", json={"tickers": ["KO"], "run": stocks}).json()["id"]
    assert ended(served.client, job)["state"] == "done"
    base = f"/api/v1/jobs/{job}/outlook"
    assert served.client.get(f"{base}.html").text.startswith("<!doctype html>")
    assert served.client.get(f"{base}.csv").text.splitlines()[0].startswith("code,")
    assert served.client.get(f"{base}.pdf").content.startswith(b"%PDF")
    is_error(served.client.get(f"{base}.exe"), 422, "StudyError", "form")


def test_the_watch_list_is_kept(served: Any) -> None:
    assert served.client.put("/api/v1/watch", json={"codes": ["KO", "XOM"]}).json() == {"codes": ["KO", "XOM"]}
    assert served.client.get("/api/v1/watch").json() == {"codes": ["KO", "XOM"]}
    is_error(served.client.put("/api/v1/watch", json={"codes": ["a/b"]}), 422, "StudyError", "no ticker")


def test_without_accounts_local_decides_and_shares(served: Any, workplace: Any) -> None:
    client, run = served.client, workplace[2]
    made = client.post(f"/api/v1/runs/{run}/approvals", json={"verdict": "approved", "comment": "Looks right."})
    assert (made.status_code, made.json()["account"], made.json()["four_eyes"]) == (201, "local", "no_accounts")
    found = client.get(f"/api/v1/runs/{run}/approvals").json()
    digest = hashlib.sha256((workplace[0] / "runs" / run / "result.json").read_bytes()).hexdigest()
    assert (found["digest"], found["standing"]["digest"], found["standing"]["changed"]) == (digest, digest, False)
    link = client.post(f"/api/v1/runs/{run}/shares", json={}).json()
    assert client.get(f"/api/v1/shared/{link['secret']}/files/result.json").status_code == 200
    assert client.delete(f"/api/v1/shares/{link['id']}").status_code == 200
    gone = client.get(f"/api/v1/shared/{link['secret']}/files/result.json")
    is_error(gone, 404, "MissingError", "this link has ended")
    is_error(client.post("/api/v1/runs/none/approvals", json={"verdict": "approved"}), 404, "MissingError", "no run")
    is_error(client.post(f"/api/v1/runs/{run}/shares", json={"days": 366}), 422, "StudyError", "days")
    is_error(client.delete("/api/v1/shares/none"), 404, "MissingError", "no link")


def test_the_description_has_every_command(served: Any) -> None:
    from tenor.app.commands import COMMANDS

    paths = served.client.get("/api/v1/openapi.json").json()["paths"]
    for command in COMMANDS:
        route = paths[f"/api/v1/{command.name.replace(' ', '/')}"]["post"]
        assert route["requestBody"]["required"]
        assert set(route["responses"]) >= {"401", "403", "422"}


@pytest.mark.slow
def test_a_job_is_cancelled_started_once_and_outlives_the_server(
    tmp_path: Path, workplace: Any, start: Callable[..., Any]
) -> None:
    body = {"study": "cgb-spread"}
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "quick.toml").write_text(Path(workplace[0] / "studies" / "quick.toml").read_text())
    with start(tmp_path) as server:
        job = server.client.post("/api/v1/run", json=body).json()["id"]
        assert server.client.post("/api/v1/run", json=body).json()["id"] == job
        until_running(server.client, job)
        assert server.client.delete(f"/api/v1/jobs/{job}").json()["cancel_asked"] is True
        assert ended(server.client, job, within=30)["state"] == "cancelled"
        assert not [each for each in (tmp_path / "runs").glob("*") if not each.name.startswith(".")]
        is_error(server.client.get(f"/api/v1/jobs/{job}/answer"), 409, "ConflictError", "is cancelled")
        other = server.client.post("/api/v1/run", json=QUICK).json()["id"]
        until_running(server.client, other)
        server.kill()
    with start(tmp_path) as server:
        held = ended(server.client, other, within=120)
        assert held["state"] == "done"
        run = server.client.get(f"/api/v1/jobs/{other}/answer").json()["run"]
        assert (tmp_path / run / "result.json").is_file()


def until_running(client: httpx.Client, job: str) -> None:
    until = time.monotonic() + 30
    while client.get(f"/api/v1/jobs/{job}").json()["state"] == "queued" and time.monotonic() < until:
        time.sleep(0.05)
