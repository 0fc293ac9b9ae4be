"""A server in a process of its own, on loopback, over a folder with two small runs; and one whose people sign in."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tenor.io.runs import code_of, write_run
from tenor.report.html import page
from tenor.report.stock_page import stock_page

FACTS = {"base": ".", "data": None, "seconds": 1.0, "finished": "2026-01-01T00:00:00Z", "layout": None}
SECRET = "a secret for tests that is long enough"
WORD = "a long enough password"

QUICK = """
subject = "stocks"
name = "quick"
question = "Is it quick?"
seed = 1
seeds = 1

[market]
source = "simulated_stocks"
products = ["KO", "XOM"]
first = 2018-01-02
last = 2020-12-31

[sampling]
sessions = 2

[target]
horizons = [1]

[[factors]]
kind = "return"
days = [1, 5]

[split]
kind = "outcome_dates"
train_first = 2018-02-01
train_last = 2019-12-31
validation_last = 2020-12-31
test_last = 2021-12-31

[[models]]
kind = "reversal"
[[models]]
kind = "logistic"

[statistics]
replications = 200
"""


@dataclass
class Served:
    """A server that runs: its folder, its process, and a client for it."""

    root: Path
    process: subprocess.Popen[str]
    url: str
    client: httpx.Client
    people: dict[str, httpx.Client] = field(default_factory=dict)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(root: Path, *words: str, **environment: str) -> Iterator[Served]:
    """Start ``tenor serve`` over a folder; end it with Ctrl-C."""
    told = [sys.executable, "-m", "tenor", "serve", "--root", str(root), "--port", "0", *words]
    process = subprocess.Popen(
        told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, line + (process.stderr.read() if process.stderr else "")
        with httpx.Client(base_url=found[0], timeout=60.0) as client:
            yield Served(root, process, found[0], client)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


@pytest.fixture(scope="session")
def start() -> Callable[..., Any]:
    """Start a server over a folder: a context manager."""
    return serving


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory, small_run: Any, small_stocks: Any) -> tuple[Path, str, str]:
    """A folder with a run of pairs and one of stocks, and a study; the names of the two runs."""
    root = tmp_path_factory.mktemp("served")
    runs = root / "runs"
    pairs = write_run(runs, small_run.report, page(small_run.report), FACTS, code=code_of(small_run.study))
    told = stock_page(small_stocks.report)
    stocks = write_run(runs, small_stocks.report, told, FACTS, code=code_of(small_stocks.study))
    (root / "studies").mkdir()
    (root / "studies" / "quick.toml").write_text(QUICK, encoding="utf-8")
    (root / "secret.txt").write_text("below the folder, and no study", encoding="utf-8")
    return root, pairs.name, stocks.name


@pytest.fixture(scope="module")
def served(workplace: tuple[Path, str, str]) -> Iterator[Served]:
    with serving(workplace[0]) as server:
        yield server
