"""The server under load: forecasts at 50 requests a second, 20 users at once on the pages, memory over 10,000 requests.

A server of its own, on loopback, over a folder in which a small study of simulated stocks was run first. Client and
server share the machine, so the latencies hold the client's share too.

    python benchmarks/serve.py [seconds] [requests]
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

RATE, USERS = 50, 20
PAGES = ("/", "/forecast?codes=KO", "/study", "/runs")
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


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "quick.toml").write_text(STUDY)
        tenor = [sys.executable, "-m", "tenor"]
        subprocess.run([*tenor, "run", "quick.toml"], cwd=root, check=True, capture_output=True)
        run = next((root / "runs").glob("quick-*")).name
        words = [*tenor, "serve", "--root", str(root), "--port", "0", "--per-minute", "1000000"]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            asyncio.run(loaded(found[0], run, process.pid, seconds, requests))
        finally:
            process.terminate()
            process.wait()


async def loaded(url: str, run: str, pid: int, seconds: int, requests: int) -> None:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=30.0, limits=limits) as client:
        forecast = f"/api/v1/runs/{run}/forecast/KO"
        print(f"load before: {', '.join(f'{one:.1f}' for one in os.getloadavg())}; cores {os.cpu_count()}")
        first = await timed(client, forecast)
        print(f"first forecast, the run read: {1e3 * first:.0f} ms")
        gap, jobs = 1 / RATE, []
        began = time.perf_counter()
        for number in range(RATE * seconds):
            await asyncio.sleep(max(0.0, began + number * gap - time.perf_counter()))
            jobs.append(asyncio.create_task(timed(client, forecast)))
        told("forecasts at 50 a second", await asyncio.gather(*jobs))

        async def user() -> list[float]:
            return [await timed(client, page) for _ in range(3) for page in PAGES]

        each = await asyncio.gather(*(user() for _ in range(USERS)))
        told(f"{USERS} users at once, pages", [one for taken in each for one in taken])
        before, most = memory(pid), 0.0
        done = 0
        while done < requests:
            await asyncio.gather(*(timed(client, forecast) for _ in range(20)))
            done += 20
            most = max(most, memory(pid))
        print(f"memory: {before:.0f} MiB, after {done:,} requests {memory(pid):.0f} MiB, most {most:.0f} MiB")


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
