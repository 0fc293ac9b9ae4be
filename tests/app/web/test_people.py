"""Several people at the pages: a run is approved, shared and read by a stranger; a page that outlives its sign-out."""

import json
import os
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from tenor.io.store.database import open_store
from tenor.io.store.tables import jobs

ACCESS = runpy.run_path(str(Path(__file__).parents[1] / "server" / "test_access.py"))
SECRET, WORD = ACCESS["SECRET"], ACCESS["WORD"]
LOOKS = (("light", 1280, "en"), ("dark", 390, "zh"))


@pytest.fixture(scope="module")
def desk(workplace: Any, tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> Iterator[Any]:
    """A server with accounts over the two runs."""
    root = tmp_path_factory.mktemp("desk")
    for name in ("runs", "studies"):
        (root / name).symlink_to(workplace[0] / name)
    ACCESS["account"](root, "root", "admin")
    with start(root, "--accounts", TENOR_SECRET=SECRET) as server:
        boss = ACCESS["signed_in"](server.url, "root")
        for role in ("viewer", "researcher", "approver"):
            boss.post("/api/v1/accounts", json={"name": role, "password": WORD, "role": role})
        server.people = {"admin": boss}
        yield server
        boss.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page in a browser of its own, with a look."""
    held: list[Any] = []

    def page(url: str, look: tuple[str, int, str] = LOOKS[0]) -> Any:
        theme, width, language = look
        context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
        kept = {"tenor_theme": theme, "tenor_language": language}
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in kept.items()])
        held.append(context)
        return context.new_page()

    yield page
    for context in held:
        context.close()


def sign_in(page: Any, url: str, name: str, place: str = "/") -> None:
    page.goto(f"{url}/sign-in?to={place}", wait_until="networkidle")
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(WORD)
    page.locator("button.first").click()
    page.wait_for_url(url + place)
    page.wait_for_load_state("networkidle")


def is_accessible(page: Any, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [
        (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found if one["impact"] != "minor"
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    if folder := os.environ.get("TENOR_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_run_is_decided_on_with_the_keyboard_and_it_shows(
    desk: Any, workplace: Any, opened: Callable[..., Any]
) -> None:
    run, page = workplace[1], opened(desk.url)
    sign_in(page, desk.url, "approver", f"/runs/{run}")
    assert page.get_by_text("Nobody has decided on this run.").count() == 1
    page.get_by_label("Comment, at most").focus()
    page.keyboard.type("Enough sessions, costs are stated.")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Approve"
    page.keyboard.press("Enter")
    page.wait_for_selector("#main table >> text=Enough sessions, costs are stated.", timeout=10_000)
    page.get_by_label("Comment, at most").fill("<b>Second</b> thoughts.")
    page.get_by_role("button", name="Refuse").click()
    page.wait_for_selector("#main table >> text=<b>Second</b> thoughts.", timeout=10_000)
    is_accessible(page, "run-decided-light-1280-en")
    page.goto(f"{desk.url}/runs", wait_until="networkidle")
    assert "refused" in page.locator("tr", has_text=run).inner_text()
    found = desk.people["admin"].get(f"/api/v1/runs/{run}/approvals").json()["decisions"]
    assert [(one["account"], one["verdict"]) for one in found] == [("approver", "refused"), ("approver", "approved")]


def test_whoever_started_a_run_is_told_that_somebody_else_decides(
    desk: Any, workplace: Any, opened: Callable[..., Any]
) -> None:
    run, page = workplace[2], opened(desk.url)
    store = open_store(f"sqlite:///{desk.root / '.tenor' / 'tenor.db'}")
    job = {"id": "x", "command": "run", "request": {"study": "quick"}, "key": "x", "owner": "approver", "state": "done"}
    answer = json.dumps({"run": f"runs/{run}", "computed": True})
    with store.writing() as connection:
        connection.execute(insert(jobs).values(**job, answer=answer, created=store.now()))
    store.engine.dispose()
    sign_in(page, desk.url, "approver", f"/runs/{run}")
    assert page.get_by_text("You started this run, so somebody else decides on it.").count() == 1
    assert page.get_by_role("button", name="Approve", exact=True).count() == 0


def test_who_may_not_sees_the_decisions_and_no_form(desk: Any, workplace: Any, opened: Callable[..., Any]) -> None:
    page = opened(desk.url)
    sign_in(page, desk.url, "viewer", f"/runs/{workplace[2]}")
    assert page.get_by_role("heading", name="Decisions").count() == 1
    for button in ("Approve", "Refuse", "Make a link"):
        assert page.get_by_role("button", name=button).count() == 0


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look)))
def test_a_link_is_made_read_by_a_stranger_and_ended(
    desk: Any, workplace: Any, opened: Callable[..., Any], look: tuple[str, int, str]
) -> None:
    from tenor.app.web.words import Words

    run, words = workplace[2], Words(look[2])  # type: ignore[arg-type]
    name = "-".join(map(str, look))
    page = opened(desk.url, look)
    sign_in(page, desk.url, "root", f"/runs/{run}")
    page.get_by_label(words("share_holds")).select_option("7")
    page.get_by_role("button", name=words("share_make")).click()
    field = page.locator("#share-link")
    field.wait_for(timeout=10_000)
    address = field.input_value()
    assert address.startswith(f"{desk.url}/shared/")
    assert field.get_attribute("readonly") is not None
    page.get_by_role("button", name=words("copy"), exact=True).click()
    page.get_by_role("button", name=words("copied")).wait_for(timeout=5_000)
    is_accessible(page, f"run-shared-{name}")
    stranger = opened(desk.url, look)
    asked: list[Any] = []
    stranger.on("request", lambda one: asked.append(one))
    assert stranger.goto(address, wait_until="networkidle").status == 200
    assert stranger.frame_locator("iframe.report").locator("h1").first.inner_text(timeout=20_000)
    assert run in stranger.locator("main").inner_text()
    assert words("simulated") in stranger.locator("[role=note]").inner_text()
    assert stranger.locator("nav, form, button").count() == 0
    assert stranger.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[look[2]]
    assert stranger.evaluate("document.body.classList.contains('body--dark')") == (look[0] == "dark")
    assert not [one.url for one in asked if not one.url.startswith((desk.url, "data:", "blob:"))]
    assert [one.url for one in asked if "referer" in one.all_headers()] == []
    assert [cookie["name"] for cookie in stranger.context.cookies()] == ["tenor_theme", "tenor_language"]
    is_accessible(stranger, f"shared-{name}")
    page.reload(wait_until="networkidle")
    assert page.locator("#share-link").count() == 0
    page.locator("button", has_text=words("share_end", id="")).first.click()
    page.get_by_text(words("share_none")).wait_for(timeout=10_000)
    assert stranger.goto(address, wait_until="networkidle").status == 404
    assert stranger.locator("h1").inner_text() == words("shared_ended")
    assert run not in stranger.content()
    is_accessible(stranger, f"shared-ended-{name}")


def test_a_page_that_outlives_its_sign_out_does_nothing_more(
    desk: Any, workplace: Any, opened: Callable[..., Any]
) -> None:
    run, page = workplace[2], opened(desk.url)
    boss = desk.people["admin"]
    sign_in(page, desk.url, "root", f"/runs/{run}")
    study, home = page.context.new_page(), page.context.new_page()
    study.goto(f"{desk.url}/study?study=quick", wait_until="networkidle")
    home.goto(desk.url, wait_until="networkidle")
    assert page.request.delete(f"{desk.url}/api/v1/session").ok
    before = boss.get("/api/v1/audit", params={"limit": 200}).json()["lines"]
    decided = boss.get(f"/api/v1/runs/{run}/approvals").json()["decisions"]
    for where, button in (
        (page, "Approve"),
        (page, "Make a link"),
        (study, "Run"),
        (home, "Watch KO"),
    ):
        where.bring_to_front()
        where.get_by_role("button", name=button, exact=True).click()
        where.locator(".q-notification", has_text="You are no longer signed in").first.wait_for(timeout=10_000)
    assert boss.get("/api/v1/audit", params={"limit": 200}).json()["lines"] == before
    assert boss.get(f"/api/v1/runs/{run}/approvals").json()["decisions"] == decided
    assert boss.get(f"/api/v1/runs/{run}/shares").json()["shares"] == []
    assert boss.get("/api/v1/watch").json()["codes"] == []
    assert page.locator("#share-link").count() == 0


def test_a_server_without_accounts_says_how_far_a_link_reaches(
    pages: Any, workplace: Any, opened: Callable[..., Any]
) -> None:
    page = opened(pages.url)
    page.goto(f"{pages.url}/runs/{workplace[1]}", wait_until="networkidle")
    assert "this machine alone" in page.locator(".banner", has_text="THIS MACHINE ONLY").inner_text()
