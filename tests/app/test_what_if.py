"""``whatif``: from words to an answer and a page, and words for what cannot be asked."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tenor.app.what_if import MENU, AskWhatIf, ask_what_if
from tenor.errors import FitError, MarketError, RunError, StudyError

DAY = date(2020, 1, 10)


def ask(kept: Path, tmp_path: Path, **given):
    return ask_what_if(AskWhatIf(kept, Path("runs"), page=tmp_path / "page.html", on=DAY, **given))


def test_shifts_of_one_command_are_one_scenario(kept_small: Path, tmp_path: Path) -> None:
    found = ask(kept_small, tmp_path, shifts=("parallel=+10bp", "repo=+50bp"))
    (outcome,) = found["outcomes"]
    assert outcome["shifts"] == ["parallel +10bp", "repo +50bp"]
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert "parallel +10bp" in page
    assert "SIMULATED" in page
    assert json.loads(json.dumps(found, allow_nan=False))["asked"]["near"] == "T2003"


def test_without_a_question_the_menu_is_asked(kept_small: Path, tmp_path: Path) -> None:
    found = ask(kept_small, tmp_path)
    assert [outcome["name"] for outcome in found["outcomes"]] == [name for name, _ in MENU]


def test_scenarios_come_from_a_file_too(kept_small: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        """
        [[scenarios]]
        name = "dear money"
        shifts = [{ kind = "repo", amount = "+50bp" }, { kind = "parallel", amount = "+5bp" }]
        [[scenarios]]
        name = "regulator"
        shifts = [{ kind = "irrbb", name = "parallel_up" }]
        """
    )
    found = ask(kept_small, tmp_path, scenarios=file)
    assert [outcome["name"] for outcome in found["outcomes"]] == ["dear money", "regulator"]
    assert found["outcomes"][1]["plausibility"]["rank"] == 0.0


def test_a_sweep_is_in_the_unit_that_was_written(kept_small: Path, tmp_path: Path) -> None:
    found = ask(kept_small, tmp_path, sweep="steepener=-10bp:10bp:5bp,pivot=7")
    assert found["outcomes"] == []
    assert found["sweep"]["families"] == [{"name": "steepener,pivot=7", "unit": "bp"}]
    assert found["sweep"]["axes"] == [[-10.0, -5.0, 0.0, 5.0, 10.0]]
    alone = ask(kept_small, tmp_path, shifts=("steepener=10bp,pivot=7",))["outcomes"][0]
    assert found["sweep"]["points"][-1]["pnl"] == pytest.approx(alone["pnl_held"], abs=1e-9)


def test_a_grid_and_counterfactuals(kept_small: Path, tmp_path: Path) -> None:
    found = ask(
        kept_small,
        tmp_path,
        grid=("parallel=-10bp:10bp:10bp", "repo=0bp:10bp:5bp"),
        flips=("repo=50bp", "pca.1"),
        held=-2.0,
    )
    assert len(found["grid"]["points"]) == 9
    assert [(flip["family"]["name"], flip["of"], flip["bound"]) for flip in found["flips"]] == [
        ("repo", "forecast", 50.0),
        ("repo", "position", 50.0),
        ("pca.1", "forecast", 4.0),
        ("pca.1", "position", 4.0),
    ]
    assert found["asked"]["held"] == -2.0
    assert found["asked"]["held_given"] is True


def test_more_than_the_limit_held_is_said(kept_small: Path, tmp_path: Path) -> None:
    (outcome,) = ask(kept_small, tmp_path, shifts=("repo=+1bp",), held=12.0)["outcomes"]
    assert "12 pairs are held, more than the study's limit of 10" in outcome["notes"]


def test_a_shock_that_reaches_no_price_says_so(kept_small: Path, tmp_path: Path) -> None:
    """The deliveries lie beyond a month: the overnight rate funds neither."""
    (outcome,) = ask(kept_small, tmp_path, shifts=("REPO.ON=+50bp",))["outcomes"]
    assert outcome["notes"][0].startswith("it reaches no price")
    (outcome,) = ask(kept_small, tmp_path, shifts=("repo=+50bp",))["outcomes"]
    assert not outcome["notes"][0].startswith("it reaches no price")


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"shifts": ("paralel=+10bp",)}, StudyError, "did you mean 'parallel'"),
        ({"shifts": ("parallel=50",)}, StudyError, "50 has no unit: write 50bp or 0.5%"),
        ({"shifts": ("parallel=50%",)}, StudyError, "beyond the bound of 500 bp"),
        ({"shifts": ("9y=+5bp",)}, MarketError, "no point 9y; its points are 1y, 2y"),
        ({"shifts": ("SHIBOR.1W=+5bp",)}, MarketError, "no rate 'SHIBOR.1W'"),
        ({"shifts": ("macro.GDP=+1",)}, MarketError, "GDP"),
        ({"sweep": "parallel"}, StudyError, "is no axis; write what=from:to:step"),
        ({"sweep": "parallel=0bp:10bp:6bp"}, StudyError, "steps of 6 from 0 do not end at 10"),
        ({"sweep": "parallel=0bp:10bp:1%"}, StudyError, "must have one unit"),
        ({"sweep": "parallel=10bp:0bp:1bp"}, StudyError, "an end above the beginning"),
        ({"sweep": "parallel=0bp:600bp:100bp"}, StudyError, "beyond the bound"),
        ({"sweep": "parallel=0bp:100bp:0.01bp"}, StudyError, "10001 sizes are asked, at most 2000"),
        ({"sweep": "irrbb.parallel_up=1:2:1"}, StudyError, "has no single amount"),
        ({"grid": ("parallel=0bp:10bp:5bp",)}, StudyError, "give --grid twice"),
        ({"flips": ("volatility.T",)}, StudyError, "has no single amount"),
        ({"flips": ("=50bp",)}, StudyError, "is no family of shifts"),
        ({"product": "TL"}, StudyError, "no product 'TL'"),
        ({"model": "gru"}, StudyError, "no model 'gru'"),
    ],
)
def test_what_cannot_be_asked_is_told_and_leaves_no_page(kept_small, tmp_path, given, kind, said: str) -> None:
    with pytest.raises(kind, match=said):
        ask(kept_small, tmp_path, **given)
    assert list(tmp_path.iterdir()) == []


def test_a_session_before_every_test_range_has_no_model(kept_small: Path) -> None:
    with pytest.raises(FitError, match="no model of the run spoke on 2018-06-01"):
        ask_what_if(AskWhatIf(kept_small, Path("runs"), on=date(2018, 6, 1)))


def test_a_run_without_frozen_models_is_refused(kept_small: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(kept_small, old)
    (old / "models.safetensors").unlink()
    with pytest.raises(RunError, match="models"):
        ask_what_if(AskWhatIf(old, Path("runs")))
    facts = json.loads((old / "run.json").read_text())
    (old / "run.json").write_text(json.dumps(facts | {"format": 1}))
    with pytest.raises(RunError, match="run the study again"):
        ask_what_if(AskWhatIf(old, Path("runs")))


def test_data_that_changed_are_refused(kept_small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(kept_small, other)
    result = json.loads((other / "result.json").read_text())
    result["data"]["fingerprint"] = "0" * 64
    (other / "result.json").write_text(json.dumps(result))
    with pytest.raises(RunError, match="changed since the run"):
        ask_what_if(AskWhatIf(other, Path("runs")))


def test_the_page_lies_beside_the_runs_where_no_place_is_named(kept_small: Path, tmp_path: Path) -> None:
    request = AskWhatIf(kept_small, tmp_path / "runs", ("repo=+1bp",), on=DAY)
    found = ask_what_if(request)
    page = Path(found["page"])
    assert page.parent == tmp_path / "runs" / "whatif"
    assert page.name.startswith(f"{kept_small.name}-T-2020-01-10-")
    assert ask_what_if(request)["page"] == found["page"]
    other = Path(ask_what_if(replace(request, shifts=("repo=+2bp",)))["page"])
    assert other != page
    assert "repo +2bp" in other.read_text(encoding="utf-8")
    assert "repo +1bp" in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        ask_what_if(AskWhatIf(Path("no-such-run"), Path("runs"), page=tmp_path / "nowhere" / "page.html"))


def test_what_was_held_must_be_a_number(kept_small: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="nan pairs held; give a number of pairs"):
        ask(kept_small, tmp_path, shifts=("repo=+1bp",), held=float("nan"))


def test_a_replay_is_held_against_changes_as_long_as_it_was(kept_small: Path, tmp_path: Path) -> None:
    (week,) = ask(kept_small, tmp_path, shifts=("replay=2019-11-01..2019-11-08",))["outcomes"]
    (day,) = ask(kept_small, tmp_path, shifts=("repo=+1bp",))["outcomes"]
    assert week["plausibility"]["horizon"] == 5
    assert day["plausibility"]["horizon"] == 1
    assert set(week["plausibility"]["also"]) == {"1", "20"}


def test_key_rates_asked_one_by_one_add_up_to_parallel(kept_small: Path, tmp_path: Path) -> None:
    def change(words: str) -> float:
        (outcome,) = ask(kept_small, tmp_path, shifts=(words,))["outcomes"]
        near = next(link for link in outcome["chain"] if link["name"] == "T2003 fair")
        return float(near["shocked"] - near["base"])

    keys = [change(f"{years}y=+0.5bp") for years in (1, 2, 3, 5, 7, 10, 30)]
    assert sum(keys) == pytest.approx(change("parallel=+0.5bp"), rel=1e-3)
    assert all(key <= 1e-12 for key in keys)
