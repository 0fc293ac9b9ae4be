"""What nobody should send: odd words in every place of every route, on both databases. Nothing of it is a failure.

The description of the API says which places there are, so a new route is asked too.
"""

import json
import runpy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

CLUSTERS = runpy.run_path(str(Path(__file__).parents[2] / "io" / "store" / "conftest.py"))
JSON = {"content-type": "application/json"}

PARTS = (
    "..",
    "%2e%2e",
    "..%2f..%2fsecret.txt",
    "%2fetc%2fpasswd",
    "a%5cb",
    "%00",
    "a%00b",
    "%ff",
    "x" * 3000,
    ".tenor",
)
QUERIES = ("", "-1", "x", "9" * 30, "%00", "%ff", "null")
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**400,
    "",
    "x" * 5000,
    "a\x00b",
    "\ud800",
    "../secret.txt",
    "/etc/passwd",
    "runs/../../x",
    [],
    ["../x"],
    [["x"]],
    {"a": 1},
    "--help",
)
FILLED: dict[str, Any] = {
    "run": "none-00",
    "study": "none",
    "tickers": ["KO"],
    "items": ["AAPL"],
    "provider": "none",
    "on": "2024-01-03",
    "contract": "T1903",
    "coupon": "3",
    "folder": "studies",
    "layout": "studies/quick.toml",
    "codes": ["KO"],
}
"""Values with which a body would be refused for nothing but what is put in beside them."""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workplace: Any, start: Any
) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("odd")
    (root / "studies").mkdir()
    (root / "studies" / "quick.toml").write_text((workplace[0] / "studies" / "quick.toml").read_text())
    (root / "secret.txt").write_text("a secret")
    words = ("--per-minute", "1000000", "--workers", "1")
    if request.param == "sqlite":
        with start(root, *words) as server:
            yield server
        return
    with CLUSTERS["cluster"]() as cluster, start(root, *words, "--database", cluster.database()) as server:
        yield server


def is_well_refused(answer: httpx.Response, what: Any) -> None:
    assert answer.status_code < 500, (what, answer.text[:200])
    assert "a secret" not in answer.text, what
    if answer.status_code >= 400:
        assert list(answer.json()) == ["error"], (what, answer.text[:200])
    if answer.status_code == 202:
        raise AssertionError((what, "was started as a job"))


@pytest.mark.slow
def test_every_place_of_a_path_and_of_a_query(asked: Any) -> None:
    paths = asked.client.get("/api/v1/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            body = {} if method in ("post", "put", "patch") else None
            held = operation.get("parameters", [])
            for word in PARTS if "{" in path else ():
                place = path
                for each in held:
                    place = place.replace("{" + each["name"] + "}", word)
                is_well_refused(asked.client.request(method.upper(), place, json=body), (method, path, word))
            plain = path.replace("{", "").replace("}", "")
            for name in [each["name"] for each in held if each["in"] == "query"]:
                for word in QUERIES:
                    answer = asked.client.request(method.upper(), f"{plain}?{name}={word}", json=body)
                    is_well_refused(answer, (method, path, name, word))


@pytest.mark.slow
def test_every_field_of_every_body(asked: Any) -> None:
    described = asked.client.get("/api/v1/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or path.endswith(("/session", "/accounts")):  # these count attempts and make people
                continue
            schema = described["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            good = {name: FILLED.get(name, "x") for name in schema.get("required", [])}
            bodies: list[Any] = [None, [], "x", 3]
            bodies += [{**good, name: value} for name in schema["properties"] for value in VALUES]
            bodies += [{**good, name: [value]} for name in schema["properties"] for value in VALUES]
            plain = path.replace("{", "").replace("}", "")
            for body in bodies:
                answer = asked.client.request(method.upper(), plain, content=json.dumps(body), headers=JSON)
                if answer.status_code == 202:  # a field that the command itself refuses, in the job
                    asked.client.delete(f"/api/v1/jobs/{answer.json()['id']}")
                    continue
                is_well_refused(answer, (path, json.dumps(body)[:200]))


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"run":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"run": "\xff\xfe"}',
        b'{"run": "x", "draws": ' + b"9" * 5000 + b"}",
        b"\x1f\x8b",
        b"",
    ],
    ids=["deep", "deep in a field", "no UTF-8", "a number of 5000 digits", "gzip", "nothing"],
)
def test_what_is_no_json(asked: Any, content: bytes) -> None:
    answer = asked.client.post("/api/v1/whatif", content=content, headers=JSON)
    assert answer.status_code in (400, 422)
    assert list(answer.json()) == ["error"]


def test_a_body_beyond_the_limit_wherever_it_is_sent(asked: Any) -> None:
    def dripping() -> Iterator[bytes]:
        yield from (b" " * 100_000 for _ in range(12))

    for place in ("/api/v1/show", "/api/v1/run", "/api/v1/nothing", "/sign-in", "/api/v1/session"):
        for content in (b" " * 1_200_000, dripping()):
            answer = asked.client.post(place, content=content, headers=JSON)
            assert answer.status_code in (404, 413, 422), place  # refused too where nobody reads it
            assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(
    "place", ["", "/files", "/files/report.html", "/forecast/KO", "/files/..%2f..%2fsecret.txt", "/forecast/..%2fx"]
)
def test_an_unknown_run(asked: Any, place: str) -> None:
    answer = asked.client.get(f"/api/v1/runs/none-0000000000{place}")
    assert answer.status_code == 404
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("place", ["", "/answer", "/events", "/outlook.csv"])
def test_an_unknown_job(asked: Any, place: str) -> None:
    answer = asked.client.get(f"/api/v1/jobs/none{place}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "MissingError")


def test_many_who_start_the_same_run_at_once_start_one_job_and_a_cancelled_one_has_no_answer(asked: Any) -> None:
    def begun(_: int) -> str:
        return str(asked.client.post("/api/v1/run", json={"study": "quick"}).json()["id"])

    with ThreadPoolExecutor(12) as pool:
        (job,) = set(pool.map(begun, range(24)))
    asked.client.delete(f"/api/v1/jobs/{job}")
    with asked.client.stream("GET", f"/api/v1/jobs/{job}/events") as stream:
        last = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")][-1]
    assert last["state"] == "cancelled"
    answer = asked.client.get(f"/api/v1/jobs/{job}/answer")
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "ConflictError")


@pytest.mark.parametrize(
    "place",
    [
        "/backtest?way=abc",
        "/backtest?way=-1",
        "/backtest?way=99999999999999999999",
        "/backtest?run=..%2f..",
        "/market?code=%00&run=%2e%2e",
        "/forecast?codes=%00,../x",
        "/what-if?run=%00&product=..",
        "/study?study=..%2f..%2fsecret",
        "/runs/%00",
        "/sign-in?wrong=abc&to=javascript:alert(1)",
        "/sign-in?to=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)
def test_a_page_under_an_odd_address(asked: Any, place: str) -> None:
    answer = asked.client.get(place)
    assert answer.status_code == 200
    assert "<!doctype html>" in answer.text
    assert "a secret" not in answer.text
    assert "<script>alert" not in answer.text
