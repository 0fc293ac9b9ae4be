"""Comparing kept runs: what was asked differently, what each scored, and paired differences."""

from pathlib import Path

import pytest

from tenor.app.commands import RunStudy, run_study
from tenor.app.compare import CompareRuns, compare_runs
from tenor.errors import RunError, StudyError
from tenor.io.runs import code_of, read_run, write_run
from tenor.report.compare_figures import right_by_run


@pytest.fixture
def two(world) -> tuple[Path, str, str]:
    """Two runs of the tiny world: the second looks at one change and cuts its folds otherwise."""
    first = Path(run_study(RunStudy(world.study, world.runs))["run"]).name
    world.ask("days = [1, 2]", "days = [1]")
    world.ask('name = "tiny"', 'name = "other"')
    world.ask("test = 60", "test = 50")
    second = Path(run_study(RunStudy(world.study, world.runs))["run"]).name
    return world.runs, first, second


def test_settings_scores_and_differences(two: tuple[Path, str, str]) -> None:
    runs, first, second = two
    found = compare_runs(CompareRuns((first, second), runs))
    assert found["settings"] == [
        {"key": "name", "values": ["tiny", "other"]},
        {"key": "factors[spread_change].days", "values": [[1, 2], [1]]},
        {"key": "split.test", "values": [60, 50]},
    ]
    right = {(one["run"], one["model"]): one["accuracy"]["mean"] for one in found["scores"]}
    for name in (first, second):
        result = read_run(runs / name).result
        for said in result["directions"]:
            if said["scope"] == "all":
                assert right[name, said["model"]] == said["scores"]["accuracy"]["mean"]
    across = {(one["model"], one["measure"]): one for one in found["across"]}
    assert across["reversal", "accuracy"]["estimate"] == 0.0  # one rule, the same days
    assert across["reversal", "accuracy"]["p_holm"] == 1.0
    assert set(across) == {(m, k) for m in ("majority", "reversal", "logistic") for k in ("accuracy", "sharpe")}
    figure = right_by_run(found)
    assert [trace.name for trace in figure.data] == [first, second]
    assert list(figure.layout.yaxis.ticktext) == ["logistic", "reversal", "majority"]


def test_other_test_days_are_told(two: tuple[Path, str, str]) -> None:
    runs, first, second = two
    ranges = {tuple(read_run(runs / name).result["test"][:2]) for name in (first, second)}
    notes = compare_runs(CompareRuns((first, second), runs))["notes"]
    assert any("judged on different days" in note for note in notes) == (len(ranges) > 1)


def test_runs_of_other_instruments_stand_side_by_side_alone(two, small_stocks, tmp_path: Path) -> None:
    runs, first, _ = two
    facts = {"base": str(tmp_path), "data": None, "seconds": 1.0, "finished": "2020-01-01T00:00:00Z"}
    stocks = write_run(runs, small_stocks.report, "page", facts, code=code_of(small_stocks.study))
    found = compare_runs(CompareRuns((first, stocks.name), runs))
    assert found["across"] == []
    assert any("is of other instruments than" in note for note in found["notes"])
    assert {one["run"] for one in found["scores"]} == {first, stocks.name}


@pytest.mark.parametrize("names", [(), ("a",), ("a", "a"), tuple("abcdefg")])
def test_what_cannot_be_compared(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="name 2 to 6, each once"):
        compare_runs(CompareRuns(names, tmp_path))


def test_a_run_that_is_not_there(two: tuple[Path, str, str]) -> None:
    runs, first, _ = two
    with pytest.raises(RunError):
        compare_runs(CompareRuns((first, "none-0000000000"), runs))


def test_on_a_terminal(two: tuple[Path, str, str], tenor) -> None:
    runs, first, second = two
    said = tenor("compare", first, second, "--runs", runs)
    assert said.status == 0
    assert "factors[spread_change].days" in said.out
    assert f"Less {first}, on what both were asked" in said.out
