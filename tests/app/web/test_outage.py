"""What a reader sees while the server or its database is away, and that the page finds its way back by itself."""

import re
import runpy
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

GONE = runpy.run_path(str(Path(__file__).parents[1] / "server" / "test_database_gone.py"))


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    held = context.new_page()
    held.failed = []
    held.on("pageerror", lambda error: held.failed.append(str(error)))
    yield held
    context.close()


@pytest.fixture
def root(tmp_path: Path, workplace: Any) -> Path:
    prepared: Path = GONE["prepared"](tmp_path, workplace)
    return prepared


@pytest.mark.slow
def test_a_page_outlives_a_server_that_is_killed_in_a_run(page: Any, root: Path, start: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with start(root, "--port", port) as server:
        page.goto(f"{server.url}/study?study=quick", wait_until="networkidle")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#main [role=progressbar]").wait_for(timeout=30_000)
        page.evaluate("window.before = true")
        job = server.client.get("/api/v1/jobs").json()["jobs"][0]["id"]
        server.kill()
    with start(root, "--port", port) as server:
        page.wait_for_function("window.before === undefined", timeout=30_000)  # it was drawn again, by itself
        table = page.locator("#main table", has_text="quick")
        table.wait_for(timeout=15_000)
        assert re.search("running|done", table.inner_text())
        page.locator("#main table a", has_text="quick-").first.wait_for(timeout=90_000)
        held = server.client.get(f"/api/v1/jobs/{job}").json()
        assert (held["state"], held["attempts"]) == ("done", 1)  # its process went on without the server
        again = server.client.get(f"/api/v1/jobs/{job}/answer").json()["run"]
        assert (root / again / "result.json").is_file()
    assert page.failed == []


@pytest.mark.slow
def test_pages_say_what_to_do_while_the_database_is_away(page: Any, root: Path, workplace: Any, start: Any) -> None:
    shutil.copytree(workplace[0] / "runs" / workplace[2], root / "runs" / workplace[2])
    file, aside = root / ".tenor" / "tenor.db", root / "aside.db"
    with start(root) as server:
        page.goto(f"{server.url}/study?study=quick", wait_until="networkidle")
        file.rename(aside)
        page.locator("#main .banner", has_text="the database does not answer").wait_for(timeout=10_000)
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator(".q-notification", has_text="the database does not answer").wait_for(timeout=10_000)
        for place in ("/", "/market", "/forecast", "/what-if", "/study", "/backtest", "/runs", "/sign-in"):
            answer = page.goto(server.url + place, wait_until="networkidle")
            text = page.locator("body").inner_text()
            assert answer.status in (200, 503), place
            assert "Traceback" not in text, place
            assert "Server error" not in text, place
            assert page.locator("h1").count() == 1, place
        page.goto(server.url, wait_until="networkidle")
        page.locator("[role=alert]", has_text="appears by itself").wait_for(timeout=10_000)
        aside.rename(file)
        page.get_by_role("button", name="Watch KO").wait_for(timeout=20_000)
        page.goto(f"{server.url}/study?study=quick", wait_until="networkidle")
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#main table a", has_text="quick-").first.wait_for(timeout=90_000)
    assert page.failed == []
