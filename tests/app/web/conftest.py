"""A server with two small runs, and Debian's Chromium in front of it."""

import runpy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SERVERS = runpy.run_path(str(Path(__file__).parents[1] / "server" / "conftest.py"))
start, workplace = SERVERS["start"], SERVERS["workplace"]


@pytest.fixture(scope="module")
def pages(workplace: Any) -> Iterator[Any]:
    """A server over the two runs."""
    with SERVERS["serving"](workplace[0]) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; skips where it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        opened = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
