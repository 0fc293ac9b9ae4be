"""The command line says what the commands answer, and nothing else; its statuses mean what they say."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from tenor.app import cli, commands
from tenor.app.commands import COMMANDS
from tenor.app.rates import PriceBond, ShowBasis
from tenor.app.what_if import AskWhatIf
from tenor.errors import DataError, Defect, RunError, StudyError, TenorError

PROGRAM = [sys.executable, "-c", "from tenor.app.cli import main; main()"]

HEAVY = ("numpy", "polars", "pandas", "scipy", "jax", "pydantic", "plotly", "sklearn", "lightgbm", "arch")


def requests(world, kept_small) -> dict[str, tuple[list[str], object]]:
    """For each command, words of the command line and the request that they mean."""
    run, runs, data, layout = world.kept()[0], world.runs, world.data, world.layout
    return {
        "run": (["run", world.study, "--runs", runs], commands.RunStudy(world.study, runs)),
        "run --data": (
            ["run", world.study, "--runs", runs, "--data", data],
            commands.RunStudy(world.study, runs, data),
        ),
        "show": (["show", run, "--runs", runs], commands.ShowRun(Path(run), runs)),
        "rerun": (["rerun", run, "--runs", runs], commands.RerunRun(Path(run), runs)),
        "runs": (["runs", "--runs", runs], commands.ListRuns(runs)),
        "models": (["models", "--runs", runs], commands.ListModels(runs)),
        "whatif": (
            ["whatif", kept_small, "--shift", "repo=+50bp", "--on", "2020-01-10"],
            AskWhatIf(kept_small, Path("runs"), ("repo=+50bp",), on=date(2020, 1, 10)),
        ),
        "whatif --sweep": (
            ["whatif", kept_small, "--sweep", "repo=-10bp:10bp:5bp", "--flip", "parallel=20bp", "--held", "-2"],
            AskWhatIf(kept_small, Path("runs"), sweep="repo=-10bp:10bp:5bp", flips=("parallel=20bp",), held=-2.0),
        ),
        "price": (
            ["price", "--on", "2018-12-10", "--coupon", "3.69%", "--maturity", "2028-05-17", "--yield", "3.3%"],
            PriceBond(date(2018, 12, 10), "3.69%", date(2028, 5, 17), yield_="3.3%"),
        ),
        "basis": (
            ["basis", "T1903", "--date", "2018-12-10", "--at", "close"],
            ShowBasis("T1903", date(2018, 12, 10), decision="close"),
        ),
        "data check": (["data", "check", data, "--layout", layout], commands.CheckData(data, layout)),
        "data show": (["data", "show", world.study], commands.ShowData(None, None, world.study)),
        "data show --layout": (
            ["data", "show", data, "--layout", layout],
            commands.ShowData(data, layout),
        ),
    }


WORDS = (
    "run",
    "run --data",
    "show",
    "rerun",
    "runs",
    "models",
    "whatif",
    "whatif --sweep",
    "price",
    "basis",
    "data check",
    "data show",
    "data show --layout",
)


def test_every_command_of_the_table_is_asked_below() -> None:
    # whose answers hold the clock, or which needs two runs: test_predict.py, test_pull.py, test_compare.py
    elsewhere = {"predict", "score", "data pull", "compare"}
    assert {words.split(" --")[0] for words in WORDS} | elsewhere == {command.name for command in COMMANDS}


@pytest.mark.parametrize("words", WORDS)
def test_json_is_the_answer_of_the_command_and_nothing_else(settled, kept_small, words: str) -> None:
    given, request = requests(settled, kept_small)[words]
    (command,) = [command for command in COMMANDS if command.name == words.split(" --")[0]]
    assert isinstance(request, command.request)
    told: list[str] = []
    answer = command.run(request, lambda stage, done, total: told.append(stage))
    result = CliRunner().invoke(cli.app, [*map(str, given), "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout, parse_constant=pytest.fail) == json.loads(json.dumps(answer, allow_nan=False))
    assert json.dumps(answer, indent=1, ensure_ascii=False) + "\n" == result.stdout


@pytest.mark.parametrize("words", WORDS)
def test_without_json_a_person_reads_tables(settled, kept_small, words: str) -> None:
    given, _ = requests(settled, kept_small)[words]
    result = CliRunner().invoke(cli.app, [*map(str, given)])
    assert result.exit_code == 0
    assert result.stdout
    assert "nan" not in re.findall(r"[a-z]+", result.stdout.lower())
    assert bool(result.stderr) == words.startswith(("rerun", "whatif")), "only what computes has progress"
    if words in ("run", "show"):
        assert "Does anything [here] tell what comes next?" in result.stdout
        assert f"{settled.runs / settled.kept()[0]}/report.html" in result.stdout


# --- statuses ---------------------------------------------------------------------------------------------


def test_a_new_run_is_computed_once(world, tenor) -> None:
    first, second = (tenor("run", world.study, "--runs", world.runs, "--json") for _ in range(2))
    assert (first.status, second.status) == (0, 0)
    one, two = json.loads(first.out), json.loads(second.out)
    assert (one["computed"], two["computed"]) == (True, False)
    assert (one["run"], one["result"]) == (two["run"], two["result"])
    assert one["notes"] == two["notes"] == []
    assert world.kept() == [Path(one["run"]).name]


def test_progress_goes_to_standard_error_and_stays_away_with_json(world, tenor) -> None:
    said = tenor("run", world.study, "--runs", world.runs)
    assert "majority: 3 of 3\n" in said.err
    assert "3 of 3" not in said.out
    world.ask("seeds = 1", "seeds = 2")
    assert tenor("run", world.study, "--runs", world.runs, "--json").err == ""


def test_rerun_ends_with_1_and_says_where_numbers_differ(world, tenor) -> None:
    tenor("run", world.study, "--runs", world.runs)
    (name,) = world.kept()
    agreed = tenor("rerun", name, "--runs", world.runs)
    assert (agreed.status, "every number agrees to the last digit" in agreed.out) == (0, True)
    result = world.runs / name / "result.json"
    told = json.loads(result.read_text(encoding="utf-8"))
    told["directions"][0]["scores"]["brier"]["mean"] += 1e-15
    result.write_text(json.dumps(told), encoding="utf-8")
    facts = world.runs / name / "run.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "code": "0.0+other"}))
    said = tenor("rerun", world.runs / name)
    assert said.status == 1
    assert "1 number differs:" in said.out
    assert "directions[0].scores.brier.mean: " in said.out
    assert "Other code: the run was made by 0.0+other" in said.out
    answer = json.loads(tenor("rerun", name, "--runs", world.runs, "--json").out)
    assert (answer["agrees"], answer["same_code"], answer["differing"]) == (False, False, 1)


def test_a_check_with_defects_ends_with_1(world, tenor) -> None:
    check = ("data", "check", world.data, "--layout", world.layout)
    assert tenor(*check).status == 0
    world.line("quotes.csv", 30, lambda line: line.rsplit(",", 1)[0] + ",0")
    assert tenor(*check).status == 1
    said = tenor(*check, "--json")
    assert said.status == 1
    assert len(json.loads(said.out)["defects"]) >= 1


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("run",),
        ("run", "a.toml", "--seeds", "3"),
        ("data", "check", "folder"),
        ("show", "a", "b"),
    ],
)
def test_a_mistake_in_the_flags_prints_the_usage_and_ends_with_2(tenor, words) -> None:
    said = tenor(*words)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("Usage: tenor")


def test_what_is_asked_for_and_cannot_be_is_an_error_of_ours(tmp_path, settled, tenor) -> None:
    asked = {
        ("show", "nothing", "--runs", settled.runs): ("MissingError", f"holds {settled.kept()[0]}"),
        ("show", settled.data): ("RunError", "is a folder but no run"),
        ("rerun", "nothing", "--runs", tmp_path): ("MissingError", "no run"),
        ("data", "show", settled.data): ("StudyError", "give a study file (.toml), a folder and --layout"),
        ("data", "show", settled.study, "--layout", "x"): ("StudyError", "leave --layout out"),
        ("run", tmp_path / "no.toml"): ("StudyError", "no study file"),
        ("run", settled.study, "--data", tmp_path / "no", "--runs", tmp_path): (
            "DataError",
            "no such folder",
        ),
    }
    for words, (kind, part) in asked.items():
        said = tenor(*words)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith(f"{kind}: ")
        assert part in said.err
        error = json.loads(tenor(*words, "--json").out)["error"]
        assert (error["type"], error["message"]) == (kind, said.err.removeprefix(f"{kind}: ").rstrip("\n"))


def test_data_of_a_simulated_study_cannot_be_replaced(world, tenor) -> None:
    text = world.study.read_text()
    start, stop = text.index("[market]"), text.index("[sampling]")
    world.study.write_text(text[:start] + '[market]\nsource = "simulated"\nproducts = ["T"]\n\n' + text[stop:])
    said = tenor("run", world.study, "--runs", world.runs, "--data", world.data)
    assert (said.status, said.out) == (2, "")
    assert "market.source = 'simulated' reads no folder; leave --data out" in said.err


@pytest.mark.parametrize(
    ("error", "problems"),
    [
        (StudyError(["a: wrong", "b: wrong"]), ["a: wrong", "b: wrong"]),
        (DataError([Defect("q.csv", 3, "close", "0", "correct it")]), ["q.csv:3 close: 0; correct it"]),
        (RunError("no run"), []),
    ],
)
def test_every_error_has_one_shape(error: TenorError, problems: list[str]) -> None:
    assert cli.error_body(error) == {
        "error": {"type": type(error).__name__, "message": str(error), "problems": problems}
    }


# --- leftovers and damage ---------------------------------------------------------------------------------


def test_what_an_interrupted_run_left_is_cleared_away_and_the_user_told(world, tenor) -> None:
    (world.runs / ".partial-tiny-0-1").mkdir(parents=True)
    listed = tenor("runs", "--runs", world.runs)
    assert "No run is kept in" in listed.out
    assert ".partial-tiny-0-1 is what an interrupted run left" in listed.out
    said = tenor("run", world.study, "--runs", world.runs)
    assert ".partial-tiny-0-1, left by an interrupted run, was cleared away" in said.out
    assert len(world.kept()) == 1


def test_a_damaged_run_is_computed_again_and_the_user_told(world, tenor) -> None:
    tenor("run", world.study, "--runs", world.runs)
    (name,) = world.kept()
    (world.runs / name / "result.json").write_text('{"cut')
    said = tenor("show", name, "--runs", world.runs)
    assert said.status == 2
    assert "result.json" in said.err
    again = json.loads(tenor("run", world.study, "--runs", world.runs, "--json").out)
    assert again["computed"]
    (note,) = again["notes"]
    assert note.startswith("computed again, and what was there is moved aside: ")
    assert "result.json" in note
    assert tenor("show", name, "--runs", world.runs).status == 0
    listed = json.loads(tenor("runs", "--runs", world.runs, "--json").out)
    assert [run["run"] for run in listed["runs"]] == [name]
    assert "was damaged and was moved aside; delete it" in listed["unusable"][0]


def test_a_daily_series_that_changed_is_a_difference(world, tenor) -> None:
    tenor("run", world.study, "--runs", world.runs)
    (name,) = world.kept()
    file = world.runs / name / "forecasts.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(pl.when(pl.int_range(pl.len()) == 5).then(0.0).otherwise("up").alias("up")).write_parquet(file)
    said = tenor("rerun", name, "--runs", world.runs)
    assert said.status == 1
    assert f"forecasts.parquet: 1 of {frame.height} rows differ, the first is row 5" in said.out
    frame.head(7).write_parquet(file)
    assert "forecasts.parquet: (7, 10) then" in tenor("rerun", name, "--runs", world.runs).out


# --- help, streams and start ------------------------------------------------------------------------------


def test_help_lists_every_command_and_every_command_has_help(tenor) -> None:
    top = tenor("--help")
    assert top.status == 0
    for command in COMMANDS:
        first, *rest = command.name.split()
        assert re.search(rf"^  {first} ", top.out, re.MULTILINE), command.name
        below = tenor(*command.name.split(), "--help")
        assert below.status == 0
        assert f"Usage: tenor {command.name}" in below.out
        if rest:
            assert re.search(rf"^  {rest[0]} ", tenor(first, "--help").out, re.MULTILINE)
    assert "..." not in top.out.replace("[ARGS]...", ""), "a line of help is cut"


def test_version_is_that_of_the_package(tenor) -> None:
    from tenor import __version__

    assert tenor("--version").out == f"{__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tenor.app.cli import main\nsys.argv = ['tenor', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    sys.stderr.write(' '.join(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "tenor.app.cli" in loaded
    assert loaded.isdisjoint(HEAVY)


def outside(words: list[object], *, out: object = subprocess.PIPE, **environment: str) -> tuple[int, str, str]:
    """Run the command line in a process of its own."""
    command = [*PROGRAM, *map(str, words)]
    process = subprocess.Popen(
        command, stdout=out, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    said, err = process.communicate(timeout=60)
    return process.returncode, said or "", err


def test_a_process_ends_with_the_statuses_of_the_table(settled) -> None:
    name = settled.kept()[0]
    status, out, err = outside(["show", name, "--runs", settled.runs, "--json"])
    assert (status, err) == (0, "")
    assert json.loads(out)["run"] == str(settled.runs / name)
    status, out, err = outside(["show", "nothing", "--runs", settled.runs, "--json"])
    assert (status, err) == (2, "")
    assert json.loads(out)["error"]["type"] == "MissingError"


def test_a_reader_that_went_away_is_met_with_silence(settled) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        status, _, err = outside(["show", settled.kept()[0], "--runs", settled.runs], out=writer)
        assert (status, err) == (1, "")
        status, _, err = outside(["show", "nothing", "--runs", settled.runs, "--json"], out=writer)
        assert (status, err) == (2, "")
    finally:
        os.close(writer)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_output_that_cannot_be_written_is_an_error_in_words(settled, json_too: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        status, _, err = outside(["runs", "--runs", settled.runs, *json_too], out=full)
    assert status == 2
    assert "Traceback" not in err
    assert bool(err) == (not json_too), "with --json the message would go where nothing can be written"


def test_a_terminal_without_the_characters_gets_the_answer_all_the_same(settled) -> None:
    name = settled.kept()[0]
    status, out, err = outside(["show", name, "--runs", settled.runs], PYTHONIOENCODING="ascii")
    assert (status, err) == (0, "")
    assert "What happens next" in out
    status, out, err = outside(["show", name, "--runs", settled.runs, "--json"], PYTHONIOENCODING="ascii")
    assert (status, err) == (0, "")
    assert json.loads(out)["run"].endswith(name)
