"""158 factors for a market, and 14 factors beside pandas, in one run.

``python benchmarks/factors.py`` draws 646 instruments of 3,000 sessions and times the set of 158 over all of them (wall
and CPU seconds, peak memory of the process), then 14 factors for 800 instruments of 3,300 sessions (the task that
targets section 4 gives: a daily market of 2007 to 2020) beside the same 14 by pandas' grouped rolling windows.
"""

import os
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from tenor.factor.alpha158 import Alpha158
from tenor.factor.compute_universe import compute_universe
from tenor.factor.technical import ATR, Bollinger, Gap, RealisedVolatility, Return, Volume
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, RAW_CLOSE, VOLUME, Universe
from tenor.market.exchange import exchange

RUNS = 3


def drawn(names: int, sessions: int) -> Universe:
    rng = np.random.default_rng(1)
    close = 20.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (names, sessions)), axis=1)).ravel()
    opened = close * np.exp(rng.normal(0, 0.005, close.size))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.004, close.size)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.004, close.size)))
    volume = rng.lognormal(10, 0.5, close.size)
    fields = {OPEN: opened, HIGH: high, LOW: low, CLOSE: close, RAW_CLOSE: close, VOLUME: volume}
    days = np.datetime64("2010-01-04", "D") + np.arange(sessions)
    return Universe(
        exchange=exchange("XSHG"),
        codes=tuple(f"N{number:04d}" for number in range(names)),
        bounds=np.arange(names + 1) * sessions,
        sessions=np.tile(days, names),
        member=np.full(close.size, True),
        fields=fields,
        factor=np.ones(close.size),
        sectors=("",) * names,
    )


def timed(work: Callable[[], object]) -> tuple[list[float], list[float]]:
    wall, cpu = [], []
    for _ in range(RUNS):
        begun, used = time.perf_counter(), os.times()
        work()
        now = os.times()
        wall.append(time.perf_counter() - begun)
        cpu.append(now.user + now.system - used.user - used.system)
    return wall, cpu


def said(what: str, wall: list[float], cpu: list[float]) -> float:
    middle = statistics.median(wall)
    print(f"{what}: {middle:.2f} s ({min(wall):.2f} to {max(wall):.2f}), CPU {statistics.median(cpu):.1f} s")
    return middle


def by_pandas(universe: Universe) -> pd.DataFrame:
    frame = pd.DataFrame({field.name: universe.fields[field] for field in (OPEN, HIGH, LOW, CLOSE, VOLUME)})
    frame["code"] = np.repeat(np.arange(len(universe.codes)), np.diff(universe.bounds))
    by = frame.groupby("code", sort=False)
    close, before = frame["close"], by["close"].shift(1)

    def rolling(series: pd.Series, days: int, what: str) -> pd.Series:
        return getattr(series.groupby(frame["code"], sort=False).rolling(days), what)().reset_index(level=0, drop=True)

    out = {f"return_{day}": close / by["close"].shift(day) - 1 for day in (1, 5, 20)}
    out |= {"gap": frame["open"] / before - 1, "intraday": close / frame["open"] - 1}
    mean = rolling(close, 20, "mean")
    sd = np.sqrt(rolling(close * close, 20, "mean") - mean * mean)
    out |= {"place": (close - mean) / (2 * sd), "width": 4 * sd / mean}
    true = np.maximum(frame["high"], before) - np.minimum(frame["low"], before)
    atr = rolling(true, 14, "mean")
    out |= {"atr": atr / close, "range_today": true / atr}
    span, body = np.log(frame["high"] / frame["low"]) ** 2, np.log(close / frame["open"]) ** 2
    out["volatility_20"] = rolling(np.log(close / before) ** 2, 20, "mean") ** 0.5
    out["parkinson_20"] = (rolling(span, 20, "mean") / (4 * np.log(2))) ** 0.5
    out["garman_klass_20"] = rolling(0.5 * span - (2 * np.log(2) - 1) * body, 20, "mean") ** 0.5
    volume = rolling(frame["volume"], 20, "mean")
    out |= {"volume_today": np.log(frame["volume"] / volume)}
    out |= {"volume_trend": np.log(rolling(frame["volume"], 5, "mean") / volume)}
    return pd.DataFrame(out)


def main() -> None:
    print(f"load before: {', '.join(f'{each:.1f}' for each in os.getloadavg())}; cores {os.cpu_count()}")
    a_market()
    beside_pandas()


def a_market() -> None:
    market = drawn(646, 3_000)
    said("158 factors, 646 instruments x 3,000 sessions", *timed(lambda: compute_universe([Alpha158()], market)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process: {peak:.2f} GiB")


def beside_pandas() -> None:
    wide = drawn(800, 3_300)
    chosen = [Return(), Gap(), Bollinger(), ATR(), RealisedVolatility(days=(20,)), Volume()]
    columns, rows = compute_universe(chosen, wide)
    kept = [column for column in columns if column != "volume_balance"]
    theirs = by_pandas(wide)
    worst = np.nanmax(np.abs(rows[:, [columns.index(column) for column in kept]] - theirs.to_numpy()))
    print(f"{len(kept)} factors, 800 instruments x 3,300 sessions; worst difference from pandas {worst:.1e}")
    mine = said("Tenor", *timed(lambda: compute_universe(chosen, wide)))
    other = said("pandas", *timed(lambda: by_pandas(wide)))
    print(f"pandas takes {other / mine:.1f} times as long")


if __name__ == "__main__":
    main()
