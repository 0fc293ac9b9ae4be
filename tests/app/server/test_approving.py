"""Decisions and links as API and pages ask for them: who may not, what is logged, what stands, with a moved clock."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tenor.app.server import approving, sharing
from tenor.app.server.api import add_routes
from tenor.app.server.desks import Desks
from tenor.app.server.guard import Guard
from tenor.app.server.measures import Measures
from tenor.app.server.serving import LOCAL, Server
from tenor.app.server.settings import ServerSettings
from tenor.app.server.workplace import Workplace
from tenor.errors import AccessError, MissingError, RunError
from tenor.io.store import accounts, approvals, jobs, shares
from tenor.io.store.accounts import Person
from tenor.io.store.database import open_store


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(tmp_path: Path, workplace: Any, clock: Clock) -> Iterator[Server]:
    """A server with accounts over the two runs, as its routes see it; its clock can be moved."""
    (tmp_path / "runs").symlink_to(workplace[0] / "runs")
    settings = ServerSettings(tmp_path, accounts=True, secret="x" * 32)
    place = Workplace(tmp_path)
    store = open_store(settings.url, now=clock)
    yield Server(settings, place, store, Measures(), Desks(place))
    store.engine.dispose()


def person(role: Any, name: str = "") -> Person:
    return Person(name or role, role, accounts.scopes_of(role))


def lines(server: Server) -> list[tuple[str, str, str, str]]:
    return [(one.account, one.action, one.target, one.outcome) for one in reversed(accounts.logged(server.store))]


def computed(server: Server, owner: str, run: str) -> None:
    job, _ = jobs.enqueue(server.store, "run", {"study": "quick"}, owner=owner)
    jobs.claim(server.store, "w")
    jobs.finish(server.store, job.id, "w", answer=json.dumps({"run": f"runs/{run}", "computed": True}))


def test_only_an_approver_decides_and_it_is_logged(here: Server, workplace: Any) -> None:
    run = workplace[1]
    for role in ("viewer", "researcher"):
        with pytest.raises(AccessError, match="needs the scope 'approve'"):
            approving.decide(here, person(role), run, "approved")
    assert approving.review(here, run).standing is None
    approving.decide(here, person("approver"), run, "refused", "Too few days.")
    review = approving.review(here, run)
    assert review.standing is not None
    assert (review.standing.account, review.standing.verdict, review.standing.comment) == (
        "approver",
        "refused",
        "Too few days.",
    )
    assert (review.four_eyes, review.changed(review.standing)) == ("unknown", False)
    assert lines(here) == [("approver", "refuse run", run, "ok")]


def test_whoever_started_it_is_refused_and_that_is_logged(here: Server, workplace: Any) -> None:
    run = workplace[1]
    computed(here, "ada", run)
    assert approving.review(here, run).started_by == ("ada",)
    with pytest.raises(RunError, match="somebody else must decide"):
        approving.decide(here, person("admin", "ada"), run, "approved")
    assert lines(here) == [("ada", "approve run", run, "refused")]
    approving.decide(here, person("approver"), run, "approved")
    assert approving.review(here, run).shown()["four_eyes"] == "checked"


def test_a_job_from_before_there_were_accounts_says_nothing_about_who(here: Server, workplace: Any) -> None:
    computed(here, LOCAL.name, workplace[1])
    review = approving.review(here, workplace[1])
    assert (review.started_by, review.four_eyes) == ((), "unknown")


def test_without_accounts_local_decides_on_its_own(tmp_path: Path, workplace: Any) -> None:
    (tmp_path / "runs").symlink_to(workplace[0] / "runs")
    settings, place = ServerSettings(tmp_path), Workplace(tmp_path)
    server = Server(settings, place, open_store(settings.url), Measures(), Desks(place))
    computed(server, LOCAL.name, workplace[1])
    assert approving.decide(server, LOCAL, workplace[1], "approved").account == "local"
    assert approving.review(server, workplace[1]).four_eyes == "no_accounts"
    server.store.engine.dispose()


def test_a_decision_stays_with_the_content_that_was_read(here: Server, workplace: Any, tmp_path: Path) -> None:
    root, run, other = workplace
    read = approving.review(here, run).digest
    with pytest.raises(RunError, match="another than the one that was read"):
        approving.decide(here, person("approver"), run, "approved", read="0" * 64)
    approving.decide(here, person("approver"), run, "approved", read=read)
    approving.decide(here, person("approver"), other, "refused")
    assert {name: changed for name, (_, changed) in approving.standing(here, [run, other, "x"]).items()} == {
        run: False,
        other: False,
    }
    file = root / "runs" / run / "result.json"
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"\n")
        review = approving.review(here, run)
        assert review.standing is not None
        assert review.changed(review.standing)
        assert review.shown()["standing"]["changed"] is True
        assert approving.standing(here, [run])[run][1]
    finally:
        file.write_bytes(before)
    assert not approving.standing(here, [run])[run][1]


def test_a_run_that_is_none_is_decided_on_and_shared_by_nobody(here: Server) -> None:
    for run in ("none-0000000000", "../x"):
        with pytest.raises(MissingError):
            approving.decide(here, person("approver"), run, "approved")
        with pytest.raises(MissingError):
            sharing.share(here, person("researcher"), run)
    assert lines(here) == []


def test_a_run_whose_folder_is_gone_is_shown_as_changed(here: Server) -> None:
    approvals.decide(here.store, "gone-1", "a" * 64, account="ada", verdict="approved")
    assert approving.standing(here, ["gone-1"])["gone-1"][1]


def test_links_are_made_listed_and_ended_by_who_may(here: Server, workplace: Any) -> None:
    run, ada, bob, root = (
        workplace[1],
        person("researcher", "ada"),
        person("researcher", "bob"),
        person("admin", "root"),
    )
    with pytest.raises(AccessError, match="needs the scope 'run'"):
        sharing.share(here, person("viewer"), run)
    link, secret = sharing.share(here, ada, run, 7)
    assert sharing.opened(here, secret).run.name == run
    assert sharing.listed(here, bob, run) == []
    assert sharing.listed(here, ada, run) == sharing.listed(here, root, run) == [link]
    with pytest.raises(AccessError, match="somebody else's"):
        sharing.revoke(here, bob, link.id)
    assert sharing.opened(here, secret).share == link
    sharing.revoke(here, root, link.id)
    with pytest.raises(MissingError, match="has ended"):
        sharing.opened(here, secret)
    assert lines(here) == [
        ("ada", "share run", f"{run} ({link.id}, 7 days)", "ok"),
        ("bob", "end link", f"{run} ({link.id})", "refused"),
        ("root", "end link", f"{run} ({link.id})", "ok"),
    ]
    assert secret not in str(lines(here))


class Inside:
    """The routes behind their guard in this process, so that the clock can be moved; nobody is signed in."""

    def __init__(self, server: Server) -> None:
        app = FastAPI()
        add_routes(app, server)
        self._app: Any = Guard(app, server.settings, server.measures)

    def get(self, place: str, **headers: str) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.get(place, headers=headers)

        return asyncio.run(asked())


@pytest.fixture
def client(here: Server) -> Inside:
    return Inside(here)


def test_a_link_shows_two_files_of_one_run_until_it_ends(
    here: Server, client: Inside, clock: Clock, workplace: Any
) -> None:
    root, run, other = workplace
    _, secret = sharing.share(here, person("researcher"), run, 2)
    below = f"/api/v1/shared/{secret}"
    report = client.get(f"{below}/files/report.html")
    assert report.content == (root / "runs" / run / "report.html").read_bytes()
    assert "sandbox allow-scripts" in report.headers["content-security-policy"]
    result = client.get(f"{below}/files/result.json")
    assert result.content == (root / "runs" / run / "result.json").read_bytes()
    for answer in (report, result):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
    for name in (
        "run.json",
        "study.toml",
        "forecasts.parquet",
        "models.safetensors",
        f"..%2f..%2f{other}%2fresult.json",
    ):
        assert client.get(f"{below}/files/{name}").status_code == 404
    for place in (below, f"{below}/files", f"{below}/runs", f"{below}/approvals"):
        assert client.get(place).status_code == 404
    for place in ("/runs", f"/runs/{run}", f"/runs/{run}/files/report.html", f"/runs/{other}", "/jobs", "/me"):
        bearer = client.get(f"/api/v1{place}", authorization=f"Bearer {secret}")
        assert (client.get(f"/api/v1{place}").status_code, bearer.status_code) == (401, 401)
    metrics = client.get("/metrics").text
    assert 'route="/api/v1/shared/{secret}/files/{name}",status="200"' in metrics
    assert secret not in metrics
    clock.at += timedelta(days=2)
    ended = client.get(f"{below}/files/report.html")
    assert ended.status_code == 404


def test_a_link_that_does_not_hold_says_the_same_whatever_the_reason(
    here: Server, client: Inside, clock: Clock, workplace: Any
) -> None:
    run, ada = workplace[1], person("researcher", "ada")
    _, expired = sharing.share(here, ada, run, 1)
    clock.at += timedelta(days=1)
    link, revoked = sharing.share(here, ada, run, 1)
    sharing.revoke(here, ada, link.id)
    said = [client.get(f"/api/v1/shared/{secret}/files/result.json") for secret in (expired, revoked, "unknown")]
    assert {(answer.status_code, answer.content) for answer in said} == {(404, said[0].content)}
    assert {frozenset(answer.headers.items()) for answer in said} == {frozenset(said[0].headers.items())}
    assert said[0].json()["error"]["type"] == "MissingError"
    assert "has ended" in said[0].json()["error"]["message"]
    refused = client.get(f"/api/v1/shared/{expired}/files/result.json", host="evil.example")
    assert (refused.status_code, refused.headers["referrer-policy"]) == (400, "no-referrer")


def test_a_link_whose_run_was_deleted_has_ended(here: Server) -> None:
    _, secret = shares.share(here.store, "gone-1", "ada")
    with pytest.raises(MissingError, match="has ended"):
        sharing.opened(here, secret)


def test_links_are_guessed_no_faster_than_anything_is_asked(here: Server) -> None:
    slow = Inside(replace(here, settings=replace(here.settings, per_minute=3)))
    answers = [slow.get(f"/api/v1/shared/{number}/files/result.json") for number in range(5)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert answers[-1].headers["referrer-policy"] == "no-referrer"
