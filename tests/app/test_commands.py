"""Commands: what one function of the table answers that the command line does not show."""

import json
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from tenor.app.commands import (
    COMMANDS,
    CheckData,
    ListModels,
    ListRuns,
    RerunRun,
    RunStudy,
    ShowRun,
    check_data,
    list_models,
    list_runs,
    rerun_run,
    run_study,
    show_run,
)
from tenor.errors import DataError, RunError
from tenor.registry import registered


def test_a_request_is_a_frozen_value_and_its_function_takes_it() -> None:
    for command in COMMANDS:
        assert is_dataclass(command.request)
        assert command.request.__dataclass_params__.frozen
        assert command.run.__annotations__["request"] is command.request
        assert command.request.__doc__


def test_a_run_says_how_it_came_about(settled) -> None:
    shown = show_run(ShowRun(Path(settled.kept()[0]), settled.runs))
    facts = shown["facts"]
    assert facts["base"] == str(settled.root)
    assert facts["data"] is None
    assert facts["seconds"] >= 0
    assert facts["finished"].endswith("Z")
    assert facts["code"].startswith("0.")
    listed = list_runs(ListRuns(settled.runs))
    assert listed["folder"] == str(settled.runs)
    assert listed["unusable"] == []
    (one,) = listed["runs"]
    assert (one["run"], one["study"], one["simulated"], one["source"]) == (
        settled.kept()[0],
        "tiny",
        False,
        "tiny",
    )


def test_a_run_is_found_by_folder_and_by_name(settled, monkeypatch: pytest.MonkeyPatch) -> None:
    name, folder = settled.kept()[0], settled.runs / settled.kept()[0]
    answers = [show_run(ShowRun(run, settled.runs)) for run in (Path(name), folder)]
    assert answers[0] == answers[1]
    monkeypatch.chdir(settled.root)
    assert show_run(ShowRun(Path(f"runs/{name}"), Path("elsewhere")))["result"] == answers[0]["result"]
    with pytest.raises(RunError, match="no run"):
        show_run(ShowRun(Path(name), Path("elsewhere")))


def test_rerun_agrees_from_the_kept_study_alone(world) -> None:
    kept = run_study(RunStudy(world.study, world.runs))
    world.study.unlink()  # the run holds its own
    told: list[str] = []
    answer = rerun_run(RerunRun(Path(kept["run"]), world.runs), lambda stage, done, total: told.append(stage))
    assert answer["agrees"]
    assert answer["same_code"]
    assert answer["differences"] == []
    assert answer["code"]["then"] == answer["code"]["now"]
    assert "majority" in told


def test_data_that_moved_are_given_by_hand_and_are_the_same_data(world) -> None:
    first = run_study(RunStudy(world.study, world.runs))
    moved = world.root / "elsewhere"
    world.data.rename(moved)
    with pytest.raises(DataError, match="no such folder"):
        rerun_run(RerunRun(Path(first["run"]), world.runs))
    assert rerun_run(RerunRun(Path(first["run"]), world.runs, moved))["agrees"]
    again = run_study(RunStudy(world.study, world.runs, moved))
    assert (again["run"], again["computed"]) == (first["run"], False)
    other = run_study(RunStudy(world.study, world.root / "other", moved))
    assert other["computed"]
    assert rerun_run(RerunRun(Path(other["run"]), world.runs))["agrees"], "a run remembers where its data were"


def test_the_same_study_under_another_form_is_the_same_run(world) -> None:
    first = run_study(RunStudy(world.study, world.runs))
    world.ask("seed = 1\nseeds = 1\n", "# a comment\nseeds = 1\nseed = 1\n")
    world.ask("[statistics]\n", "[fit]\n\n[statistics]\nlevel = 0.95\n")
    again = run_study(RunStudy(world.study, world.runs))
    assert (again["run"], again["computed"]) == (first["run"], False)


def test_defects_are_an_answer_and_an_answer_is_plain(world) -> None:
    checked = check_data(CheckData(world.data, world.layout))
    assert checked["defects"] == []
    assert {part["name"] for part in checked["parts"]} == {"quotes.csv", "rates.csv"}
    world.line("rates.csv", 3, lambda line: line.split(",")[0] + ",high")
    checked = check_data(CheckData(world.data, world.layout))
    text, hole = checked["defects"]
    assert "rates.csv:3 overnight: 'high' is not a number" in text
    assert "have no row in series SHIBOR.ON" in hole
    assert json.loads(json.dumps(checked, allow_nan=False)) == checked


def test_trained_models_are_listed_with_when_on_what_and_how_well(world) -> None:
    answer = run_study(RunStudy(world.study, world.runs))
    trained = list_models(ListModels(world.runs))["trained"]
    mine = [row for row in trained if row["run"] == Path(answer["run"]).name]
    scored = {d["model"]: d for d in answer["result"]["directions"] if d["scope"] == "all"}
    assert [row["model"] for row in mine] == list(scored)
    for row in mine:
        right = scored[row["model"]]["scores"]["accuracy"]
        assert (row["accuracy"], row["low"], row["high"]) == (right["mean"], right["low"], right["high"])
        assert row["n"] == scored[row["model"]]["n"]
        assert row["data_last"] == answer["result"]["data"]["last"]
        assert row["finished"] == show_run(ShowRun(Path(row["run"]), world.runs))["facts"]["finished"]


def test_models_are_listed_with_every_setting_and_its_default(tmp_path: Path) -> None:
    answer = list_models(ListModels(tmp_path / "none"))
    assert answer["trained"] == []
    listed = answer["models"]
    assert [model["kind"] for model in listed] == list(registered("tenor.models"))
    assert json.loads(json.dumps(listed, allow_nan=False)) == listed
    for model in listed:
        settings = registered("tenor.models")[model["kind"]]
        assert list(model["settings"]) == [f.name for f in fields(settings) if f.name != "kind"]
        assert model["idea"]
