"""One command, three faces: the library, the command line and the API say the same bytes, whatever is asked.

Every command has a case; a new one without fails here. What is the moment of asking differs by nature and is masked, by
name. A pull asks nobody: it replays a raw answer that a library of the tests gave before.
"""

import json
import re
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tenor.app.commands import (
    COMMANDS,
    CheckData,
    ListModels,
    ListRuns,
    RerunRun,
    RunStudy,
    ShowData,
    ShowRun,
    run_study,
)
from tenor.app.compare import CompareRuns
from tenor.app.predict import AskPredict, AskScore, predict
from tenor.app.pull import PullData, World, pull_data
from tenor.app.rates import PriceBond, ShowBasis
from tenor.app.server.bodies import LONG
from tenor.app.server.worker import body_of, rendered
from tenor.app.what_if import AskWhatIf
from tenor.errors import TenorError
from tenor.progress import silent

RUNS, HISTORY, PULLED = Path("runs"), Path("forecasts"), Path("data")
QUICK = Path("studies/quick.toml")
DAYS = (date(2020, 8, 27), date(2020, 9, 1))


@dataclass(frozen=True)
class Case:
    """One question in the words of each face; PAIRS and STOCKS stand for the names of the two runs."""

    command: str
    words: tuple[str, ...]
    body: dict[str, Any]
    request: Any
    moment: tuple[str, ...] = ()


def named(value: Any, names: dict[str, str]) -> Any:
    """A word, a path, or all of a request or body, with the names of the runs in it."""
    if isinstance(value, (str, Path)):
        return type(value)(names.get(str(value), value))
    if isinstance(value, (list, tuple)):
        return type(value)(named(each, names) for each in value)
    if isinstance(value, dict):
        return {key: named(each, names) for key, each in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return type(value)(**{key: named(getattr(value, key), names) for key in value.__dataclass_fields__})
    return value


CASES = (
    Case("run", ("run", str(QUICK)), {"study": "quick"}, RunStudy(QUICK, RUNS)),
    Case("run", ("run", "studies/bad.toml"), {"study": "bad"}, RunStudy(Path("studies/bad.toml"), RUNS)),
    Case("show", ("show", "PAIRS"), {"run": "PAIRS"}, ShowRun(Path("PAIRS"), RUNS)),
    Case("show", ("show", "STOCKS"), {"run": "STOCKS"}, ShowRun(Path("STOCKS"), RUNS)),
    Case("show", ("show", "none-00"), {"run": "none-00"}, ShowRun(Path("none-00"), RUNS)),
    Case("rerun", ("rerun", "QUICK"), {"run": "QUICK"}, RerunRun(Path("QUICK"), RUNS)),
    Case("rerun", ("rerun", "none-00"), {"run": "none-00"}, RerunRun(Path("none-00"), RUNS)),
    Case("runs", ("runs",), {}, ListRuns(RUNS)),
    Case("models", ("models",), {}, ListModels(RUNS)),
    Case(
        "compare",
        ("compare", "PAIRS", "STOCKS"),
        {"names": ["PAIRS", "STOCKS"]},
        CompareRuns(("PAIRS", "STOCKS"), RUNS),
    ),
    Case("compare", ("compare", "PAIRS"), {"names": ["PAIRS"]}, CompareRuns(("PAIRS",), RUNS)),
    Case(
        "whatif",
        ("whatif", "PAIRS", "--shift", "parallel=+10bp", "--shift", "repo=+50bp", "--flip", "parallel=20bp"),
        {"run": "PAIRS", "shifts": ["parallel=+10bp", "repo=+50bp"], "flips": ["parallel=20bp"]},
        AskWhatIf(Path("PAIRS"), RUNS, ("parallel=+10bp", "repo=+50bp"), flips=("parallel=20bp",)),
    ),
    Case(
        "whatif",
        ("whatif", "PAIRS", "--shift", "parallell=+10bp"),
        {"run": "PAIRS", "shifts": ["parallell=+10bp"]},
        AskWhatIf(Path("PAIRS"), RUNS, ("parallell=+10bp",)),
    ),
    Case(
        "price",
        ("price", "--on", "2024-01-03", "--coupon", "3%", "--maturity", "2034-01-03", "--yield", "3.1%"),
        {"on": "2024-01-03", "coupon": "3%", "maturity": "2034-01-03", "yield": "3.1%"},
        PriceBond(date(2024, 1, 3), "3%", date(2034, 1, 3), yield_="3.1%"),
    ),
    Case(
        "price",
        ("price", "--on", "2024-01-03", "--coupon", "3"),
        {"on": "2024-01-03", "coupon": "3"},
        PriceBond(date(2024, 1, 3), "3"),
    ),
    Case(
        "basis",
        ("basis", "T1903", "--date", "2018-12-10", "--at", "close"),
        {"contract": "T1903", "on": "2018-12-10", "decision": "close"},
        ShowBasis("T1903", date(2018, 12, 10), decision="close"),
    ),
    Case(
        "basis",
        ("basis", "T19", "--date", "2018-12-10"),
        {"contract": "T19", "on": "2018-12-10"},
        ShowBasis("T19", date(2018, 12, 10)),
    ),
    Case(
        "predict",
        ("predict", "KO", "XOM", "--run", "STOCKS", "--no-keep"),
        {"tickers": ["KO", "XOM"], "run": "STOCKS", "keep": False},
        AskPredict(("KO", "XOM"), RUNS, HISTORY, run=Path("STOCKS"), keep=False),
        moment=("asked_at",),
    ),
    Case(
        "predict",
        ("predict", "KOO", "--run", "STOCKS"),
        {"tickers": ["KOO"], "run": "STOCKS"},
        AskPredict(("KOO",), RUNS, HISTORY, run=Path("STOCKS")),
    ),
    Case("score", ("score",), {}, AskScore(HISTORY)),
    Case("score", ("score", "KO"), {"tickers": ["KO"]}, AskScore(HISTORY, ("KO",))),
    Case("score", ("score", "JPM"), {"tickers": ["JPM"]}, AskScore(HISTORY, ("JPM",))),
    Case(
        "data check",
        ("data", "check", "tiny", "--layout", "tiny/layout.toml"),
        {"folder": "tiny", "layout": "tiny/layout.toml"},
        CheckData(Path("tiny"), Path("tiny/layout.toml")),
    ),
    Case(
        "data check",
        ("data", "check", "gone", "--layout", "tiny/layout.toml"),
        {"folder": "gone", "layout": "tiny/layout.toml"},
        CheckData(Path("gone"), Path("tiny/layout.toml")),
    ),
    Case("data show", ("data", "show", str(QUICK)), {"study": str(QUICK)}, ShowData(None, None, QUICK)),
    Case(
        "data show",
        ("data", "show", "tiny", "--layout", "tiny/layout.toml"),
        {"folder": "tiny", "layout": "tiny/layout.toml"},
        ShowData(Path("tiny"), Path("tiny/layout.toml")),
    ),
    Case("data show", ("data", "show", "data"), {"folder": "data"}, ShowData(PULLED, None)),
    Case(
        "data pull",
        (
            "data",
            "pull",
            "AAPL",
            "MSFT",
            "--from",
            "yahoo",
            "--offline",
            "--first",
            str(DAYS[0]),
            "--last",
            str(DAYS[1]),
        ),
        {
            "items": ["AAPL", "MSFT"],
            "provider": "yahoo",
            "offline": True,
            "first": str(DAYS[0]),
            "last": str(DAYS[1]),
        },
        PullData(("AAPL", "MSFT"), "yahoo", PULLED, *DAYS, offline=True),
    ),
    Case(
        "data pull",
        ("data", "pull", "AAPL", "--from", "yahooo"),
        {"items": ["AAPL"], "provider": "yahooo"},
        PullData(("AAPL",), "yahooo", PULLED),
    ),
)


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, workplace: Any, tables: Any, start: Any
) -> Iterator[tuple[Any, dict[str, str]]]:
    """A server over a folder that holds something for every command, and the names of its runs."""
    root = tmp_path_factory.mktemp("parity") / "served"
    shutil.copytree(workplace[0], root, ignore=shutil.ignore_patterns(".tenor", "quick-*"))
    tiny = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))
    (root / "tiny").mkdir()
    (root / "tiny" / "layout.toml").write_text(tiny["LAYOUT"], encoding="utf-8")
    for name, lines in zip(("quotes", "rates"), tables, strict=True):
        (root / "tiny" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    quick = (root / QUICK).read_text(encoding="utf-8")
    (root / "studies" / "bad.toml").write_text(quick.replace('"logistic"', '"logistik"'), encoding="utf-8")
    recorded = runpy.run_path(str(Path(__file__).parents[2] / "io" / "sources" / "recorded.py"))
    library = recorded["Library"]({"AAPL": recorded["yahoo"]()})
    answered = World(lambda: datetime(2020, 9, 2, 12, tzinfo=UTC), lambda seconds: None, {"yahoo": library})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        names = {"PAIRS": workplace[1], "STOCKS": workplace[2]}
        names["QUICK"] = Path(run_study(RunStudy(QUICK, RUNS))["run"]).name
        predict(AskPredict(("KO",), RUNS, HISTORY, run=Path(names["STOCKS"])))
        pull_data(PullData(("AAPL",), "yahoo", PULLED, *DAYS), world=answered)
        with start(root) as server:
            yield server, names


def by_library(case: Case) -> str:
    run = next(command.run for command in COMMANDS if command.name == case.command)
    try:
        return rendered(run(case.request, silent)) + "\n"
    except TenorError as failure:
        return rendered(body_of(failure)) + "\n"


def by_command_line(root: Path, case: Case) -> str:
    words = [sys.executable, "-m", "tenor", *case.words, "--json"]
    return subprocess.run(words, cwd=root, capture_output=True, check=False, timeout=120).stdout.decode()


def by_api(server: Any, case: Case) -> str:
    answer = server.client.post(f"/api/v1/{case.command.replace(' ', '/')}", json=case.body)
    if case.command in LONG and answer.status_code == 202:
        job, until = answer.json()["id"], time.monotonic() + 120
        while server.client.get(f"/api/v1/jobs/{job}").json()["state"] in ("queued", "running"):
            assert time.monotonic() < until
            time.sleep(0.1)
        answer = server.client.get(f"/api/v1/jobs/{job}/answer")
    assert answer.headers["content-type"] == "application/json"
    return str(answer.text)


def without(text: str, moment: tuple[str, ...]) -> str:
    """A text with the moments in it masked; each that is named must be there."""
    for key in moment:
        text, found = re.subn(rf'"{key}": "[0-9TZ:.+-]+"', f'"{key}": "then"', text)
        assert found == 1, key
    return text


def test_every_command_has_a_case() -> None:
    assert {case.command for case in CASES} == {command.name for command in COMMANDS}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.words[:4]))
def test_library_command_line_and_api_say_the_same_bytes(
    desk: Any, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, names = desk
    monkeypatch.chdir(server.root)
    case = named(case, names)
    said = without(by_library(case), case.moment)
    assert "error" in json.loads(said) or json.loads(said)
    assert without(by_command_line(server.root, case), case.moment) == said
    assert without(by_api(server, case), case.moment) == said
