"""Who may do what on a server with accounts: a matrix by role, tokens, sessions, and attempts to guess."""

import http.client
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

SECRET = "a secret for tests that is long enough"
WORD = "a long enough password"
ROLES = ("viewer", "researcher", "approver", "admin")

ROUTES: dict[tuple[str, str], tuple[Any, str]] = {
    ("GET", "/api/v1/me"): (None, "viewer"),
    ("GET", "/api/v1/runs"): (None, "viewer"),
    ("GET", "/api/v1/runs/none/report.pdf"): (None, "viewer"),
    ("GET", "/api/v1/runs/none/files/scores.csv"): (None, "viewer"),
    ("GET", "/api/v1/jobs"): (None, "viewer"),
    ("GET", "/api/v1/watch"): (None, "viewer"),
    ("PUT", "/api/v1/watch"): ({"codes": []}, "viewer"),
    ("GET", "/api/v1/tokens"): (None, "viewer"),
    ("POST", "/api/v1/models"): ({}, "viewer"),
    ("POST", "/api/v1/runs"): ({}, "viewer"),
    ("POST", "/api/v1/whatif"): ({"run": "x"}, "viewer"),
    ("POST", "/api/v1/run"): ({"study": "none"}, "researcher"),
    ("POST", "/api/v1/rerun"): ({"run": "a/b"}, "researcher"),
    ("POST", "/api/v1/predict"): ({"tickers": ["a/b"]}, "researcher"),
    ("POST", "/api/v1/data/pull"): ({"items": ["a/b"], "provider": "yahoo"}, "researcher"),
    ("DELETE", "/api/v1/jobs/none"): (None, "researcher"),
    ("GET", "/api/v1/runs/none/approvals"): (None, "viewer"),
    ("POST", "/api/v1/runs/none/approvals"): ({"verdict": "approved"}, "approver"),
    ("POST", "/api/v1/runs/none/shares"): ({"days": 1}, "researcher"),
    ("GET", "/api/v1/runs/none/shares"): (None, "researcher"),
    ("DELETE", "/api/v1/shares/none"): (None, "researcher"),
    ("GET", "/api/v1/accounts"): (None, "admin"),
    ("POST", "/api/v1/accounts"): ({"name": "a b", "password": WORD, "role": "viewer"}, "admin"),
    ("PATCH", "/api/v1/accounts/none"): ({"role": "viewer"}, "admin"),
    ("GET", "/api/v1/audit"): (None, "admin"),
}
"""What is asked, with a body that changes nothing, and the least role that may."""


def account(root: Path, name: str, role: str) -> None:
    words = [sys.executable, "-m", "tenor", "account", "add", name, "--role", role, "--root", str(root)]
    subprocess.run(words, input=WORD + "\n", text=True, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("guarded")
    account(root, "root", "admin")
    with start(root, "--accounts", TENOR_SECRET=SECRET) as server:
        boss = signed_in(server.url, "root")
        for role in ROLES[:3]:
            made = boss.post("/api/v1/accounts", json={"name": role, "password": WORD, "role": role})
            assert made.status_code == 201
        server.people = {role: signed_in(server.url, role) for role in ROLES[:3]} | {"admin": boss}
        yield server
        for client in server.people.values():
            client.close()


def signed_in(url: str, name: str) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=30.0)
    answer = client.post("/api/v1/session", json={"name": name, "password": WORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    return client


def asked(client: httpx.Client, route: tuple[str, str], **more: Any) -> int:
    return client.request(*route, json=ROUTES[route][0], **more).status_code


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_route_by_role(guarded: Any, route: tuple[str, str]) -> None:
    assert asked(guarded.client, route) == 401
    least = ROUTES[route][1]
    for role, client in guarded.people.items():
        status = asked(client, route)
        if ROLES.index(role) >= ROLES.index(least):
            assert status not in (401, 403), (role, status)
        else:
            assert status == 403, (role, status)


def test_every_route_of_the_api_needs_somebody(guarded: Any) -> None:
    """No route was forgotten: each that the description lists refuses who is not known, but for these four."""
    open_to_all = {"/health", "/metrics", "/api/v1/session", "/api/v1/shared/{secret}/files/{name}"}
    paths = guarded.people["admin"].get("/api/v1/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method in methods:
            place = path.replace("{form}", "csv").replace("{", "").replace("}", "")
            status = guarded.client.request(method.upper(), place, json={}).status_code
            assert (status == 401) == (path not in open_to_all), (method, path, status)


@pytest.fixture(scope="module")
def run(guarded: Any) -> str:
    """A run that the researcher started."""
    (guarded.root / "studies").mkdir()
    quick = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["QUICK"]
    (guarded.root / "studies" / "quick.toml").write_text(quick, encoding="utf-8")
    mine = guarded.people["researcher"]
    job = mine.post("/api/v1/run", json={"study": "quick"}).json()["id"]
    until = time.monotonic() + 90
    while mine.get(f"/api/v1/jobs/{job}").json()["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.1)
    return Path(mine.get(f"/api/v1/jobs/{job}/answer").json()["run"]).name


def test_a_run_is_decided_on_by_somebody_else_than_who_started_it(guarded: Any, run: str) -> None:
    people, place = guarded.people, f"/api/v1/runs/{run}/approvals"
    before = people["viewer"].get(place).json()
    assert (before["started_by"], before["four_eyes"], before["standing"]) == (["researcher"], "checked", None)
    boss = people["admin"]
    assert boss.patch("/api/v1/accounts/researcher", json={"role": "approver"}).status_code == 200
    own = signed_in(guarded.url, "researcher")
    refused = own.post(place, json={"verdict": "approved"})
    assert refused.status_code == 409
    assert refused.json()["error"]["message"] == f"researcher started run {run}: somebody else must decide on it"
    own.close()
    boss.patch("/api/v1/accounts/researcher", json={"role": "researcher"})
    people["researcher"].close()
    people["researcher"] = signed_in(guarded.url, "researcher")
    stale = people["approver"].post(place, json={"verdict": "approved", "digest": "0" * 64})
    assert (stale.status_code, stale.json()["error"]["type"]) == (409, "ConflictError")
    for body in ({"verdict": "perhaps"}, {"verdict": "approved", "comment": "x" * 2001}, {}):
        assert people["approver"].post(place, json=body).status_code == 422
    made = people["approver"].post(place, json={"verdict": "approved", "comment": "Read.", "digest": before["digest"]})
    assert (made.status_code, made.json()["account"], made.json()["changed"]) == (201, "approver", False)
    people["admin"].post(place, json={"verdict": "refused"})
    after = people["viewer"].get(place).json()
    assert [(one["account"], one["verdict"]) for one in after["decisions"]] == [
        ("root", "refused"),
        ("approver", "approved"),
    ]
    assert after["standing"] == after["decisions"][0]


def test_a_link_is_open_to_whoever_has_it_and_ended_by_whoever_made_it(guarded: Any, run: str) -> None:
    people, nobody = guarded.people, guarded.client
    made = people["researcher"].post(f"/api/v1/runs/{run}/shares", json={"days": 3})
    assert made.status_code == 201
    secret, link = made.json()["secret"], made.json()["id"]
    page = nobody.get(made.json()["place"])
    assert page.status_code == 200
    assert run in page.text
    assert "researcher" not in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "script" not in page.headers["content-security-policy"]
    assert "set-cookie" not in page.headers
    listed = people["researcher"].get(f"/api/v1/runs/{run}/shares").json()["shares"]
    assert [one["id"] for one in listed] == [link]
    assert secret not in str(listed)
    assert people["approver"].get(f"/api/v1/runs/{run}/shares").json()["shares"] == []
    assert len(people["admin"].get(f"/api/v1/runs/{run}/shares").json()["shares"]) == 1
    assert people["approver"].delete(f"/api/v1/shares/{link}").status_code == 403
    for days in (0, 366, "7", None):
        assert people["researcher"].post(f"/api/v1/runs/{run}/shares", json={"days": days}).status_code == 422
    assert people["researcher"].delete(f"/api/v1/shares/{link}").json()["revoked"] is not None
    ended = nobody.get(f"/shared/{secret}")
    assert ended.status_code == 404
    assert nobody.get("/shared/unknown").content == ended.content
    assert nobody.get(f"/shared/{secret}/more").content == ended.content
    assert nobody.post(f"/shared/{secret}").status_code == 405
    assert nobody.get(f"/api/v1/shared/{secret}/files/report.html").status_code == 404
    assert secret not in nobody.get("/metrics").text
    lines = people["admin"].get("/api/v1/audit", params={"limit": 200}).json()["lines"]
    assert secret not in str(lines)
    assert {"share run", "end link", "approve run", "refuse run"} <= {line["action"] for line in lines}


def test_a_secret_is_in_no_log(tmp_path: Path, start: Callable[..., Any]) -> None:
    secret = "S" * 43
    with start(tmp_path) as server:
        for place in (f"/shared/{secret}", f"/shared/{secret}/x", f"/shared/{secret}/", f"/api/v1/shared/{secret}/x"):
            for method in ("GET", "HEAD", "POST", "PUT"):
                assert server.client.request(method, place).status_code in (404, 405)
        server.process.send_signal(signal.SIGINT)
        said, complained = server.process.communicate(timeout=20)
    assert secret not in said + complained


def test_a_token_does_what_it_was_given_for(guarded: Any) -> None:
    mine = guarded.people["researcher"]
    made = mine.post("/api/v1/tokens", json={"label": "desk", "scopes": ["read"]})
    assert made.status_code == 201
    header = {"authorization": f"Bearer {made.json()['token']}"}
    assert asked(guarded.client, ("GET", "/api/v1/runs"), headers=header) == 200
    assert asked(guarded.client, ("POST", "/api/v1/run"), headers=header) == 403
    beyond = mine.post("/api/v1/tokens", json={"label": "x", "scopes": ["admin"]})
    assert beyond.status_code == 403
    grown = guarded.client.post("/api/v1/tokens", json={"label": "x", "scopes": ["run"]}, headers=header)
    assert grown.status_code == 403  # a token makes no token that may more
    assert mine.delete(f"/api/v1/tokens/{made.json()['id']}").status_code == 200
    assert asked(guarded.client, ("GET", "/api/v1/runs"), headers=header) == 401
    assert asked(guarded.client, ("GET", "/api/v1/runs"), headers={"authorization": "Bearer nonsense"}) == 401


def test_a_page_leads_who_is_not_known_to_the_sign_in(tmp_path: Path, start: Callable[..., Any]) -> None:
    account(tmp_path, "root", "admin")
    with start(tmp_path, "--accounts", TENOR_SECRET=SECRET) as server:
        answer = server.client.get("/runs")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=/runs")
        assert server.client.get("/sign-in").status_code == 200
        for to in ("//evil.example", "https://evil.example", "/\\evil.example"):
            form = {"name": "root", "password": WORD, "to": to}
            with httpx.Client(base_url=server.url) as fresh:
                assert fresh.post("/sign-in", data=form).headers["location"] == "/"
        with httpx.Client(base_url=server.url) as fresh:
            wrong = fresh.post("/sign-in", data={"name": "root", "password": "no", "to": "/runs"})
            assert wrong.headers["location"] == "/sign-in?wrong=1&to=/runs"


def test_what_was_done_is_in_the_log(guarded: Any) -> None:
    lines = guarded.people["admin"].get("/api/v1/audit", params={"limit": 200}).json()["lines"]
    assert ("root", "add account", "viewer (viewer)", "ok") in [
        (line["account"], line["action"], line["target"], line["outcome"]) for line in lines
    ]
    assert WORD not in str(lines)


def test_guessing_is_slowed(tmp_path: Path, start: Callable[..., Any]) -> None:
    account(tmp_path, "root", "admin")
    with start(tmp_path, "--accounts", TENOR_SECRET=SECRET) as server:
        body = {"name": "root", "password": "wrong"}
        found = [server.client.post("/api/v1/session", json=body).status_code for _ in range(6)]
        found += [server.client.post("/sign-in", data=body).status_code for _ in range(6)]  # they count together
        assert found == [401] * 6 + [303] * 4 + [429] * 2
        assert server.client.post("/api/v1/session", json=body).json()["error"]["type"] == "AccessError"
        page = server.client.post("/sign-in", data=body, headers={"accept": "text/html,*/*"})
        assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
        assert "<p>Too many attempts to sign in; wait a minute.</p>" in page.text


def test_tokens_that_are_made_up_evade_no_limit(tmp_path: Path, start: Callable[..., Any]) -> None:
    with start(tmp_path, "--per-minute", "10") as server:
        made_up = [{"authorization": f"Bearer tenor_{number:043}"} for number in range(12)]
        found = [server.client.get("/api/v1/me", headers=headers).status_code for headers in made_up]
        assert found == [200] * 10 + [429] * 2


FORGED = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7", "host": "desk.example"}
"""What a proxy says of a request, or somebody who would like to be taken for one."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("desk")
    account(root, "root", "admin")
    return root


def upgraded(url: str, headers: dict[str, str]) -> int:
    """Status of an attempt to open the websocket of the pages."""
    asked = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    place = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    connection.request("GET", place, headers={**asked, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def behind(start: Callable[..., Any], root: Path, *words: str) -> Any:
    return start(root, "--accounts", "--allow-host", "desk.example", *words, TENOR_SECRET=SECRET)


def test_a_proxy_that_is_named_is_believed(desk: Path, start: Callable[..., Any]) -> None:
    with behind(start, desk, "--proxy", "10.9.9.9, 127.0.0.1", "--per-minute", "30") as server:
        same = {**FORGED, "origin": "https://desk.example", "sec-fetch-site": "same-origin"}
        form = {"name": "root", "password": WORD}
        for host in ("desk.example", "desk.example:443"):  # not every proxy leaves the port out
            page = server.client.post("/sign-in", data=form, headers={**same, "host": host})
            assert page.status_code == 303
            assert "Secure" in page.headers["set-cookie"]
            assert page.headers["strict-transport-security"] == "max-age=31536000"
        for origin in ("http://desk.example", "https://desk.example:8443", "https://evil.example"):
            refused = server.client.post("/sign-in", data=form, headers={**same, "origin": origin})
            assert (refused.status_code, "another site" in refused.text) == (403, True), origin
        assert [upgraded(server.url, {**same, "origin": each}) for each in (same["origin"], "http://desk.example")] == [
            101,
            403,
        ]
        wrong = {"name": "root", "password": "wrong"}
        found = [server.client.post("/sign-in", data=wrong, headers=same).status_code for _ in range(9)]
        assert found == [303] * 8 + [429]
        others = {**same, "x-forwarded-for": "203.0.113.7, 203.0.113.8"}  # who asks the proxy is the last it names
        assert server.client.post("/sign-in", data=wrong, headers=others).status_code == 303
        plain = server.client.post("/sign-in", data=form, headers={"x-forwarded-for": "203.0.113.9"})
        assert "Secure" not in plain.headers["set-cookie"]
        assert "strict-transport-security" not in plain.headers


@pytest.mark.parametrize("words", [(), ("--proxy", "10.9.9.9")])
def test_nobody_else_is_believed(desk: Path, start: Callable[..., Any], words: tuple[str, ...]) -> None:
    with behind(start, desk, *words) as server:
        page = server.client.post("/sign-in", data={"name": "root", "password": WORD}, headers=FORGED)
        assert page.status_code == 303
        assert "Secure" not in page.headers["set-cookie"]
        assert "strict-transport-security" not in page.headers
        found = []
        for number in range(11):
            forged = {**FORGED, "x-forwarded-for": f"203.0.113.{number}"}
            wrong = {"name": "root", "password": "wrong"}
            found.append(server.client.post("/api/v1/session", json=wrong, headers=forged).status_code)
        assert found == [401] * 9 + [429] * 2


def test_nobody_who_could_sign_in_is_said(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tenor", "serve", "--root", str(tmp_path), "--accounts", "--port", "0"]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "TENOR_SECRET": SECRET}
    )
    assert done.returncode == 2
    assert "make an admin first" in done.stderr
    bare = subprocess.run([*words[:-3], "--host", "0.0.0.0"], capture_output=True, text=True, timeout=60, check=False)
    assert bare.returncode == 2
    assert "nobody signs in" in bare.stderr
