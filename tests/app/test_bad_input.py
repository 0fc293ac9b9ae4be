"""Every bad input that we know of, from the command line: what is said, the status, and what stays."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def refused(said, kind: str, *parts: str) -> None:
    """One message of an error of ours: status 2, nothing on standard output, no traceback."""
    assert said.status == 2, said.err
    assert said.out == ""
    assert said.err.startswith(f"{kind}: ")
    assert "Traceback" not in said.err
    for part in parts:
        assert part in said.err


# --- the study ----------------------------------------------------------------------------------------------

STUDIES = [
    ("seed = 1\n", "sed = 1\n", ("study.toml: sed: unexpected key; did you mean 'seed'?", "seed: missing")),
    ("train = 120", "train = 120\ntrian = 5", ("split.trian: unexpected key; did you mean 'train'?",)),
    ("purge = 2", "purge = 0", ("split.purge: 0 is shorter than label horizon 1", "use purge >= 1", ">= 2")),
    ("purge = 2\n", "", ("split.purge: missing",)),
    ("seeds = 1", 'seeds = "one"', ("seeds: ", "valid integer", "'one'")),
    (
        'kind = "logistic"',
        'kind = "logistics"',
        ("models[2]: no kind 'logistics'; did you mean 'logistic'?",),
    ),
    ('name = "tiny"', 'name = "../tiny"', ("name: '../tiny' cannot begin a folder's name",)),
    ("seed = 1\n", "seed = \n", ("study.toml: not a TOML file", "line 4")),
]


@pytest.mark.parametrize(("old", "new", "parts"), STUDIES, ids=[new or "no purge" for _, new, _ in STUDIES])
def test_a_bad_study_is_refused_before_anything_is_read(world, tenor, old, new, parts) -> None:
    world.ask(old, new)
    refused(tenor("run", world.study, "--runs", world.runs), "StudyError", *parts)
    assert world.kept() == []


def test_all_problems_of_a_study_come_in_one_answer_of_one_shape(world, tenor) -> None:
    world.ask("purge = 2", "purg = 2")
    world.ask("slippage_ticks = 0.5", "slippage_ticks = -1")
    said = tenor("run", world.study, "--runs", world.runs, "--json")
    assert (said.status, said.err) == (2, "")
    error = json.loads(said.out)["error"]
    assert set(error) == {"type", "message", "problems"}
    assert error["type"] == "StudyError"
    assert sorted(line.split(": ")[1] for line in error["problems"]) == [
        "split.purg",
        "split.purge",
        "trading.costs",
    ]


# --- the files ----------------------------------------------------------------------------------------------


def cell(column: int, text: str):
    """Put ``text`` into a column of a line."""

    def edit(line: str) -> str:
        cells = line.split(",")
        cells[column] = text
        return ",".join(cells)

    return edit


DATA = [
    ("a missing column", 1, lambda line: line.replace("close", "klose"), ("quotes.csv:1 close", "klose")),
    ("unsorted dates", 40, cell(0, "2016-01-04"), ("quotes.csv:40",)),
    ("a doubled date", 41, "as three lines before", ("quotes.csv:41 ", "2016-01-")),
    ("a price of zero", 30, cell(5, "0"), ("quotes.csv:30 close", "0")),
    ("a price below zero", 30, cell(5, "-98.5"), ("quotes.csv:30 close", "-98.5")),
    ("a high below the low", 30, cell(3, "90"), ("quotes.csv:30 high", "90")),
    ("text in a number", 30, cell(5, "n/a"), ("quotes.csv:30 close", "'n/a'")),
    ("a date that is none", 30, cell(0, "2016-02-30"), ("quotes.csv:30 date", "2016-02-30")),
    ("a contract that is none", 30, cell(1, "T16"), ("quotes.csv:30 contract", "T16")),
    (
        "a gap longer than allowed",
        400,
        "without its day",
        ("quotes.csv:", "1 sessions of XSHG have no row", "0 may be missing"),
    ),
]


@pytest.mark.parametrize(("line", "edit", "parts"), [row[1:] for row in DATA], ids=[row[0] for row in DATA])
def test_bad_rows_are_named_by_file_and_line_with_a_remedy(world, tenor, line, edit, parts) -> None:
    lines = (world.data / "quotes.csv").read_text().splitlines()
    if edit == "as three lines before":
        world.line("quotes.csv", line, lambda row: lines[line - 4])
    elif edit == "without its day":
        before, day = (lines[line - back].split(",")[0] for back in (4, 1))
        (world.data / "quotes.csv").write_text("\n".join(row for row in lines if not row.startswith(day)) + "\n")
        parts = (*parts, f"after {before}")
    else:
        world.line("quotes.csv", line, edit)
    checked = tenor("data", "check", world.data, "--layout", world.layout)
    assert checked.status == 1
    ran = tenor("run", world.study, "--runs", world.runs)
    refused(ran, "DataError", *parts)
    for part in parts:
        assert part in checked.out
    assert all("; " in problem for problem in ran.err.removeprefix("DataError: ").splitlines()), "no remedy"
    assert world.kept() == []


def test_a_missing_file_is_a_defect_and_a_missing_folder_an_error(world, tenor) -> None:
    (world.data / "rates.csv").unlink()
    checked = tenor("data", "check", world.data, "--layout", world.layout)
    assert checked.status == 1
    assert "rates.csv file: no such file" in checked.out
    refused(tenor("run", world.study, "--runs", world.runs), "DataError", "rates.csv", "put the file there")
    refused(
        tenor("data", "check", world.root / "dat", "--layout", world.layout),
        "DataError",
        "did you mean 'data'?",
    )
    refused(tenor("data", "check", world.data, "--layout", world.root), "StudyError", "no layout")
    assert world.kept() == []


# --- what only the run can find -----------------------------------------------------------------------------


def test_an_empty_split_names_the_range_and_what_the_data_hold(world, tenor) -> None:
    text = world.study.read_text()
    start, stop = text.index("[split]"), text.index("[[models]]")
    dates = "[split]\nkind = 'dates'\ntrain_last = 2016-10-31\nvalidation_last = 2016-12-31\npurge = 2\n"
    world.study.write_text(text[:start] + dates + "test_last = 2016-12-31\n\n" + text[stop:])
    refused(
        tenor("run", world.study, "--runs", world.runs),
        "SplitError",
        "the test range is empty",
        "test_last 2016-12-31",
        "to 2017-06-30",
    )
    world.study.write_text(text.replace("train = 120", "train = 1200"))
    refused(
        tenor("run", world.study, "--runs", world.runs),
        "SplitError",
        "too few",
        "train 1200",
        "give more data",
    )
    world.study.write_text(text.replace("[statistics]", "[cleaning]\nfirst_sessions = 5000\n\n[statistics]"))
    refused(tenor("run", world.study, "--runs", world.runs), "SplitError", "no decision is left", "loosen")
    assert world.kept() == []


def test_a_series_that_the_market_lacks_is_named_with_those_that_it_has(world, tenor) -> None:
    world.ask('rates = ["SHIBOR.ON"]', 'rates = ["SHIBOR.1W"]')
    refused(tenor("run", world.study, "--runs", world.runs), "MarketError", "SHIBOR.1W", "SHIBOR.ON")
    world.ask('products = ["T"]', 'products = ["TS"]')
    refused(tenor("run", world.study, "--runs", world.runs), "MarketError", "no quotes of 'TS'", "['T']")
    assert world.kept() == []


def test_a_fold_with_one_class_fails_in_words_and_the_others_stand(world_of, wandering, tenor) -> None:
    world = world_of(lambda number: 100 + number if number < 150 else 250 + wandering(number) - wandering(150))
    said = tenor("run", world.study, "--runs", world.runs, "--json")
    assert said.status == 0, said.out + said.err
    result = json.loads(said.out)["result"]
    assert len(result["folds"]) == 3
    failures = {(failure["model"], failure["fold"]) for failure in result["failures"]}
    assert failures == {("logistic", 0)}
    assert "0 downs" in result["failures"][0]["reason"]
    (logistic,) = [d for d in result["directions"] if d["model"] == "logistic" and d["scope"] == "all"]
    (majority,) = [d for d in result["directions"] if d["model"] == "majority" and d["scope"] == "all"]
    assert 0 < logistic["n"] < majority["n"]
    shown = tenor("show", world.kept()[0], "--runs", world.runs)
    assert "No forecast: the train range has 120 ups and 0 downs" in shown.out
    assert "    logistic: fold 1" in shown.out


def test_a_model_that_fails_in_every_fold_has_its_reasons_and_no_number(world_of, tenor) -> None:
    world = world_of(lambda number: 100 + number)  # the spread only ever rises
    said = tenor("run", world.study, "--runs", world.runs)
    assert said.status == 0, said.err
    assert [said.out.count(f"    logistic: fold {fold}") for fold in (1, 2, 3)] == [1, 1, 1]
    assert "logistic: no window has a forecast from every seed; it has no scores" in said.out
    assert not [line for line in said.out.splitlines() if "│" in line and "logistic" in line]
    assert "nan" not in said.out.lower()
    assert "NaN" not in (world.runs / world.kept()[0] / "result.json").read_text()
    assert (world.runs / world.kept()[0] / "report.html").stat().st_size > 0


def test_a_loss_that_is_no_number_is_the_failure_of_its_seeds(world, tenor) -> None:
    world.ask('kind = "logistic"', 'kind = "dnn"\nhidden = [4]')
    world.ask("[statistics]", "[fit]\nepochs = 3\nlearning_rate = 1e38\n\n[statistics]")
    said = tenor("run", world.study, "--runs", world.runs, "--json")
    assert said.status == 0, said.out + said.err
    failures = json.loads(said.out)["result"]["failures"]
    assert {failure["model"] for failure in failures} == {"dnn"}
    assert all("lower learning_rate (now 1e+38)" in failure["reason"] for failure in failures)


# --- interruptions ------------------------------------------------------------------------------------------


def started(study: Path, runs: Path, *, before: str = "") -> subprocess.Popen[str]:
    """Run a study in a process of its own, after the statements ``before``."""
    code = f"{before}\nfrom tenor.app.cli import main\nmain()"
    command = [sys.executable, "-c", code, "run", str(study), "--runs", str(runs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def busy(process: subprocess.Popen[str]) -> None:
    """Wait until the process says that a first model is done: it computes."""
    assert process.stderr is not None
    assert process.stderr.readline().startswith("majority")


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_from_outside_leaves_nothing(settled, tenor, tmp_path: Path, sent, status: int) -> None:
    before = settled.kept()
    other = tmp_path / "study.toml"
    text = settled.study.read_text().replace("replications = 200", "replications = 20000")
    for name in ("data", "layout.toml"):
        text = text.replace(f'"{name}"', f'"{settled.root / name}"')
    other.write_text(text)
    process = started(other, settled.runs)
    busy(process)
    os.kill(process.pid, sent)
    out, err = process.communicate()
    assert (process.returncode, out) == (status, "")
    assert "Traceback" not in err
    assert err.endswith("Interrupted.\n") == (sent == signal.SIGINT)
    assert settled.kept() == before
    assert tenor("show", before[0], "--runs", settled.runs).status == 0


def test_a_disk_that_is_full_keeps_the_earlier_run_and_nothing_half_written(world, tenor) -> None:
    assert tenor("run", world.study, "--runs", world.runs).status == 0
    before = world.kept()
    world.ask("seeds = 1", "seeds = 2")
    # the page alone needs millions of bytes
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    process = started(world.study, world.runs, before=full)
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "RunError: cannot write run tiny-" in err
    assert "File too large; nothing was kept. Free some space or give another folder with --runs" in err
    assert "Traceback" not in err
    assert world.kept() == before


def test_a_folder_of_runs_that_cannot_be_is_refused_before_the_run(world, tenor) -> None:
    taken = world.root / "taken"
    taken.write_text("a file")
    for runs in (taken, taken / "below"):
        refused(tenor("run", world.study, "--runs", runs), "RunError", "runs cannot be kept in", "--runs")
    refused(tenor("runs", "--runs", taken), "RunError", "is no folder")
    assert taken.read_text() == "a file"


# --- data and code that changed -----------------------------------------------------------------------------


def test_data_that_changed_since_a_run_are_refused_by_both_fingerprints(world, tenor) -> None:
    first = json.loads(tenor("run", world.study, "--runs", world.runs, "--json").out)
    then = first["result"]["data"]["fingerprint"]
    name = Path(first["run"]).name
    world.line("rates.csv", 200, cell(1, "9.999"))
    said = tenor("rerun", name, "--runs", world.runs, "--json")
    assert said.status == 2
    error = json.loads(said.out)["error"]
    assert error["type"] == "RunError"
    now = json.loads(tenor("data", "show", world.study, "--json").out)["fingerprint"]
    assert then != now
    assert then[:12] in error["message"]
    assert now[:12] in error["message"]
    again = json.loads(tenor("run", world.study, "--runs", world.runs, "--json").out)
    assert again["computed"]
    assert len(world.kept()) == 2
