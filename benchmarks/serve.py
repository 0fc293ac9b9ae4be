"""The server under load: forecasts at 50 requests a second, 20 users at once on the pages, memory over 10,000 requests.

A server of its own, on loopback, over a folder in which small studies of simulated stocks and pairs were run first.
Client and server share the machine, so the latencies hold the client's share too. Then the first paint of every page in
Chromium, and pages over 1 and over 200 kept runs (copies).

    python benchmarks/serve.py [seconds] [requests]
"""

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import httpx

RATE, USERS, RUNS, MANY, REPEATS = 50, 20, 4, 200, 7
PAGES = ("/", "/market", "/forecast?codes=KO", "/what-if", "/study", "/backtest", "/runs", "/runs/{run}")
PLAIN = ("/", "/forecast?codes=KO", "/study", "/runs")
"""Pages whose HTML is whole when it comes; the others read a run first and say so."""
STUDY = """
subject = "stocks"
name = "quick"
question = "Is it quick?"
seed = 1
seeds = 5

[market]
source = "simulated_stocks"
products = ["AAPL", "JPM", "KO", "MSFT", "XOM"]
first = 2018-01-02
last = 2020-12-31

[sampling]
sessions = 20

[target]
horizons = [1, 5, 20]

[[factors]]
kind = "return"
days = [1, 5]

[[factors]]
kind = "realised_volatility"

[split]
kind = "walk_forward"
train = 400
validation = 100
test = 60
purge = 21

[[models]]
kind = "random_walk"
[[models]]
kind = "logistic"
[[models]]
kind = "lstm"
layers = 1
hidden = 8
dropout = 0.0
head = { kind = "quantiles" }

[fit]
epochs = 5

[statistics]
replications = 200
"""


PAIRS = """
name = "pairs"
question = "Is it quick?"
seed = 1
seeds = 2

[market]
source = "simulated"
products = ["T"]
first = 2016-06-01
last = 2020-03-20
seed = 4
signal = 0.3

[sampling]
sessions = 3
decision = "close"

[cleaning]
days_before_last_trading = 14

[[factors]]
kind = "spread_level"
[[factors]]
kind = "spread_change"
days = [1, 2]
[[factors]]
kind = "leg_change"
days = [1]
[[factors]]
kind = "funding"
rates = ["REPO.1W"]
days = [1]
[[factors]]
kind = "curve_shape"
curve = "CGB"
days = [1]
[[factors]]
kind = "activity"
[[factors]]
kind = "carry"
[[factors]]
kind = "implied_repo"
[[factors]]
kind = "cheapest_to_deliver"

[valuation]
curve = "CGB"
tenors = [1, 2, 3, 5, 7, 10, 30]
funding = { "REPO.ON" = 1, "REPO.1W" = 7, "REPO.1M" = 30 }
basket = "published"
compounding = "annual"

[split]
kind = "walk_forward"
train = 200
validation = 60
test = 80
purge = 2
folds = 2

[[models]]
kind = "reversal"
[[models]]
kind = "logistic"
[[models]]
kind = "lightgbm"
trees = 20
[[models]]
kind = "lstm"
layers = 1
hidden = 4

[fit]
epochs = 10

[[positions]]
kind = "sign"
[[positions]]
kind = "probability"
band = 1.0

[trading]
fills = ["same_close"]
sessions_per_year = 243
costs = { slippage_ticks = 0.5, fee = "exchange" }
limits = { max_pairs = 10, lots = "fractional" }

[statistics]
replications = 200
"""


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        runs = prepared(root)
        with serving(root) as (url, pid):
            asyncio.run(loaded(url, runs, pid, seconds, requests))
            painted(url, runs[0])
        for count in (1, MANY):
            keep(root, runs[0], count)
            with serving(root) as (url, _):
                asyncio.run(listed(url, count))


def prepared(root: Path) -> list[str]:
    """Run the studies, and return the names of the runs of stocks."""
    for seed in range(1, RUNS + 1):
        (root / f"quick{seed}.toml").write_text(STUDY.replace("seed = 1\n", f"seed = {seed}\n"))
    (root / "pairs.toml").write_text(PAIRS)
    for study in sorted(root.glob("*.toml")):
        subprocess.run(
            [sys.executable, "-m", "tenor", "run", study.name], cwd=root, check=True, stdout=subprocess.DEVNULL
        )
    return sorted(each.name for each in (root / "runs").glob("quick-*"))


def keep(root: Path, run: str, count: int) -> None:
    """Leave ``count`` runs below ``root``: the run, and copies of it under other names."""
    for each in (root / "runs").iterdir():
        if each.name != run:
            shutil.rmtree(each)
    for number in range(1, count):
        shutil.copytree(root / "runs" / run, root / "runs" / f"quick-copy{number:06d}")


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-m", "tenor", "serve", "--root", str(root), "--port", "0", "--per-minute", "1000000"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait()


async def loaded(url: str, runs: list[str], pid: int, seconds: int, requests: int) -> None:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=30.0, limits=limits) as client:
        asked = [f"/api/v1/runs/{run}/forecast/{code}" for code in ("KO", "XOM", "AAPL") for run in runs]
        print(f"load before: {', '.join(f'{one:.1f}' for one in os.getloadavg())}; cores {os.cpu_count()}")
        first = [await timed(client, path) for path in asked[: len(runs)]]
        told(f"first forecast of each of {len(runs)} runs, the run read", first)
        second = [await timed(client, path) for path in asked[len(runs) :]]
        told("first forecast of each further instrument", second)
        gap, jobs = 1 / RATE, []
        began, turn = time.perf_counter(), cycle(asked)
        for number in range(RATE * seconds):
            await asyncio.sleep(max(0.0, began + number * gap - time.perf_counter()))
            jobs.append(asyncio.create_task(timed(client, next(turn))))
        told(f"forecasts at {RATE} a second, {len(asked)} instruments of {len(runs)} runs", await asyncio.gather(*jobs))

        async def user() -> list[float]:
            return [await timed(client, page) for _ in range(3) for page in PLAIN]

        each = await asyncio.gather(*(user() for _ in range(USERS)))
        told(f"{USERS} users at once, pages", [one for taken in each for one in taken])
        before, most, done = memory(pid), 0.0, 0
        while done < requests:
            await asyncio.gather(*(timed(client, next(turn)) for _ in range(20)))
            done += 20
            most = max(most, memory(pid))
        print(f"memory: {before:.0f} MiB, after {done:,} requests {memory(pid):.0f} MiB, most {most:.0f} MiB")


def painted(url: str, run: str) -> None:
    """Print when each page first shows something in Chromium, its cache empty; the median of several visits."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("first paint: not measured, for Chromium is not installed")
        return
    from playwright.sync_api import sync_playwright

    asked = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for place in PAGES:
            taken = []
            for _ in range(REPEATS):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = context.new_page()
                page.goto(url + place.format(run=run), wait_until="load")
                taken.append(page.wait_for_function(asked).json_value())
                context.close()
            print(f"first paint of {place}: median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms")
        browser.close()


async def listed(url: str, count: int) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60.0) as client:
        for page in (*PLAIN, "/backtest", "/api/v1/runs"):
            first = await timed(client, page)
            taken = [await timed(client, page) for _ in range(REPEATS)]
            print(
                f"{count} kept runs, {page}: first {1e3 * first:.0f} ms, then median"
                f" {1e3 * statistics.median(taken):.0f} ms"
            )


async def timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:200])
    return time.perf_counter() - began


def told(what: str, taken: list[float]) -> None:
    ordered = sorted(1e3 * one for one in taken)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    print(f"{what}: {len(ordered):,} requests, p50 {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, no error")


def memory(pid: int) -> float:
    """Resident memory in MiB."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
