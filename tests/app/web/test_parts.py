"""Parts of pages where no page of Tenor gets to by itself: a reading that takes longer than its reader stays."""

import re
import subprocess
import sys
import time
from typing import Any

import pytest

SLOW = """
import logging, sys, time
from types import SimpleNamespace
import uvicorn
from fastapi import FastAPI
from nicegui import ui
from tenor.app.web import parts
from tenor.app.web.words import Words
from tenor.errors import RunError

logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
app = FastAPI()

def reading(fails):
    time.sleep(6.0)  # the framework waits three seconds for a reader to come back
    print("read", flush=True)
    if fails:
        raise RunError("it cannot be read")
    return 1

@ui.page("/{fails}")
async def page(fails: int) -> None:
    found = "nothing"
    try:
        found = await parts.read(SimpleNamespace(words=Words("en")), "it", lambda: reading(fails))
    finally:
        print("found", found, flush=True)

ui.run_with(app)
config = uvicorn.Config(app, port=0, log_level="info", access_log=False)
uvicorn.Server(config).run()
"""


@pytest.mark.parametrize("fails", [0, 1])
def test_who_leaves_while_something_is_read_leaves_no_error_behind(browser: Any, fails: int) -> None:
    words = [sys.executable, "-c", SLOW]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            found = None
            while found is None:
                line = process.stderr.readline()
                assert line, "it ended before it listened"
                found = re.search(r"http://\S+", line)
            page = browser.new_page()
            page.goto(f"{found[0]}/{fails}")
            page.wait_for_selector(".waiting", timeout=20_000)
            page.close()
            assert process.stdout.readline() == "read\n"
            told = process.stdout.readline()
            time.sleep(0.5)
        finally:
            process.terminate()
            _, complained = process.communicate(timeout=30)
    assert told == "found None\n"
    assert "ERROR" not in complained, complained
    assert "Traceback" not in complained, complained
