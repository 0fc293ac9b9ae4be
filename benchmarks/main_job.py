"""The main jobs, timed as a user runs them: whole processes, wall clock and peak memory.

    python benchmarks/main_job.py [--repeats 3]

Targets on 2 cores: ``cgb-spread`` (the demo, after installation) under 90 s and 2 GiB; ``cgb-spread-t`` with 20
seeds, 6 folds and up to 60 epochs under 4 minutes; ``tenor --help`` under 0.4 s. A study whose data are not there is
left out, and said to be.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TENOR = Path(sys.executable).with_name("tenor")


def timed(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak GiB of one process."""
    before = time.monotonic()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - before
    if status:
        assert process.stderr is not None
        raise SystemExit(f"{' '.join(arguments)} failed:\n{process.stderr.read().decode()}")
    return seconds, used.ru_maxrss / 2**20


def job(name: str, arguments: list[str], repeats: int, target: str) -> None:
    runs = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(timed([str(TENOR), *[part.format(runs=folder) for part in arguments]]))
    seconds = sorted(run[0] for run in runs)
    peak = max(run[1] for run in runs)
    print(
        f"{name:<14} {statistics.median(seconds):7.2f} s  ({seconds[0]:.2f} to {seconds[-1]:.2f}, {repeats} runs)"
        f"  {peak:5.2f} GiB  target {target}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    job("tenor --help", ["--help"], max(repeats, 5), "0.4 s")
    job("cgb-spread", ["run", "studies/cgb-spread.toml", "--runs", "{runs}"], repeats, "90 s, 2 GiB")
    if (ROOT.parent / "shared" / "data").is_dir():
        job("cgb-spread-t", ["run", "studies/cgb-spread-t.toml", "--runs", "{runs}"], repeats, "240 s")
    else:
        print("cgb-spread-t   left out: its data folder is not there")


if __name__ == "__main__":
    main()
