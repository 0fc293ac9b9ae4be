"""A tiny world on disk: two files of quotes and rates, a layout, and a study of them that takes a second.

Every contract is quoted at ``100 - k * gap``, ``k`` its place among the quarters, so that the spread of any
two neighbours is ``gap``: a series that a test chooses.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tenor.app.cli import main
from tenor.io.runs import code_of, write_run
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.report.html import page

FIRST, LAST = date(2016, 1, 4), date(2017, 6, 30)

LAYOUT = """
name = "tiny"

[[file]]
path = "quotes.csv"
table = "quotes"
products = ["T"]
unit = "per 100"
date = { column = "date" }
known = { rule = "close" }
gap = { calendar = "XSHG", sessions = 0 }
contract = { form = "code" }
legs = [{ contract = "contract", columns = { open = "open", high = "high", low = "low", close = "close" } }]

[[file]]
path = "rates.csv"
table = "rates"
unit = "percent"
date = { column = "date" }
known = { rule = "time", at = 11:30:00, zone = "Asia/Shanghai" }
gap = { calendar = "XSHG", sessions = 0 }
columns = { overnight = "SHIBOR.ON" }
"""

STUDY = """
name = "tiny"
question = "Does anything [here] tell what comes next?"
seed = 1
seeds = 1

[market]
source = "folder"
folder = "data"
layout = "layout.toml"
products = ["T"]

[sampling]
sessions = 2
decision = "close"

[[factors]]
kind = "spread_change"
days = [1, 2]

[[factors]]
kind = "funding"
rates = ["SHIBOR.ON"]
days = [1]

[split]
kind = "walk_forward"
train = 120
validation = 60
test = 60
purge = 2

[[models]]
kind = "majority"

[[models]]
kind = "reversal"

[[models]]
kind = "logistic"

[[positions]]
kind = "sign"

[trading]
fills = ["same_close", "next_close"]
sessions_per_year = 243

[trading.costs]
slippage_ticks = 0.5
fee = "exchange"

[trading.limits]
max_pairs = 1
lots = "fractional"

[statistics]
replications = 200
"""


def quotes(gap: Callable[[int], int]) -> list[str]:
    """Lines of ``quotes.csv``; ``gap`` gives the spread on each session, in ticks of 0.005."""
    rules = product("T")
    held = rules.contracts(FIRST, LAST)
    lines = ["date,contract,open,high,low,close"]
    for number, day in enumerate(trading_calendar("XSHG").sessions(FIRST, LAST).tolist()):
        for contract in rules.contracts(day, day):
            if day <= rules.last_trading_day(contract):
                close = 100 - held.index(contract) * gap(number) * 0.005
                prices = (close, close + 0.05, close - 0.05, close)
                lines.append(f"{day},{contract.code}," + ",".join(f"{price:.3f}" for price in prices))
    return lines


def walk() -> Callable[[int], int]:
    """A random walk of the spread with steps of one to three ticks."""
    rng = np.random.default_rng(11)
    steps = rng.choice([-3, -2, -1, 1, 2, 3], size=500)
    path = 100 + np.cumsum(steps)
    return lambda number: int(path[number])


def rates() -> list[str]:
    """Lines of ``rates.csv``."""
    rng = np.random.default_rng(12)
    days = trading_calendar("XSHG").sessions(FIRST, LAST).tolist()
    return ["date,overnight", *(f"{day},{2 + 0.2 * rng.standard_normal():.3f}" for day in days)]


@dataclass(frozen=True, slots=True)
class World:
    """Where the files of a test lie."""

    root: Path

    @property
    def study(self) -> Path:
        """The study file."""
        return self.root / "study.toml"

    @property
    def data(self) -> Path:
        """The folder of files."""
        return self.root / "data"

    @property
    def layout(self) -> Path:
        """The layout of the folder."""
        return self.root / "layout.toml"

    @property
    def runs(self) -> Path:
        """Where runs are kept."""
        return self.root / "runs"

    def kept(self) -> list[str]:
        """Everything that lies below the folder of runs, hidden or not."""
        return sorted(path.name for path in self.runs.iterdir()) if self.runs.is_dir() else []

    def ask(self, old: str, new: str) -> None:
        """Change the study file."""
        change(self.study, old, new)

    def line(self, file: str, number: int, edit: Callable[[str], str]) -> None:
        """Change a line of a file of the folder, counted as an editor does."""
        path = self.data / file
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[number - 1] = edit(lines[number - 1])
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def change(path: Path, old: str, new: str) -> None:
    """Replace the one place of ``old`` in a text file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def tables() -> tuple[list[str], list[str]]:
    return quotes(walk()), rates()


@pytest.fixture
def world(tmp_path: Path, tables: tuple[list[str], list[str]]) -> World:
    return built(tmp_path, *tables)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, tables: tuple[list[str], list[str]]) -> World:
    """A world with one complete run, for tests that change nothing."""
    world = built(tmp_path_factory.mktemp("settled"), *tables)
    from tenor.app.commands import RunStudy, run_study

    run_study(RunStudy(world.study, world.runs))
    return world


def built(root: Path, quoted: Sequence[str], fixed: Sequence[str]) -> World:
    """Write a world below ``root``."""
    world = World(root)
    world.data.mkdir()
    world.study.write_text(STUDY, encoding="utf-8")
    world.layout.write_text(LAYOUT, encoding="utf-8")
    (world.data / "quotes.csv").write_text("\n".join(quoted) + "\n", encoding="utf-8")
    (world.data / "rates.csv").write_text("\n".join(fixed) + "\n", encoding="utf-8")
    return world


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line answered."""

    status: int
    out: str
    err: str


Tenor = Callable[..., Said]


@pytest.fixture
def tenor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tenor:
    """The entry point of the command line, in this process."""

    def call(*words: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["tenor", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        code = end.value.code
        assert code is None or isinstance(code, int)
        return Said(code or 0, said.out, said.err)

    return call


@pytest.fixture
def world_of(tmp_path: Path) -> Callable[[Callable[[int], int]], World]:
    """Build a world whose spread is the given series, in ticks by number of the session."""
    return lambda gap: built(tmp_path, quotes(gap), rates())


@pytest.fixture
def wandering() -> Callable[[int], int]:
    """The series of the spread in ``world``, in ticks."""
    return walk()


@pytest.fixture(scope="session")
def kept_small(tmp_path_factory: pytest.TempPathFactory, small_run) -> Path:
    """The folder of the small run, kept on disk with its models."""
    root = tmp_path_factory.mktemp("small") / "runs"
    facts = {"base": str(root), "data": None, "seconds": 1.0, "finished": "2020-01-01T00:00:00Z"}
    return write_run(root, small_run.report, page(small_run.report), facts, code=code_of(small_run.study))
