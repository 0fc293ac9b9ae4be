"""Commands on a study of stocks: printed whole, the same from the shell, and refused where they do not apply."""

import json
import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from tenor.errors import MarketError
from tenor.io.runs import code_of, read_models, read_run, write_run
from tenor.io.sources.simulated_stocks import SimulatedStocks
from tenor.outlook import outlook
from tenor.report.stock_page import stock_page
from tenor.stock_study import load_stocks, universe_of, windows_of

FACTS = {"base": ".", "data": None, "seconds": 1.0, "finished": "2026-01-01T00:00:00Z", "layout": None}

STUDY = """
subject = "stocks"
name = "quick"
question = "Does [this] print?"
seed = 1
seeds = 1

[market]
source = "simulated_stocks"
products = ["KO", "XOM"]
first = 2018-01-02
last = 2020-12-31

[sampling]
sessions = 2

[target]
horizons = [1]

[[factors]]
kind = "return"
days = [1, 5]

[split]
kind = "outcome_dates"
train_first = 2018-02-01
train_last = 2019-12-31
validation_last = 2020-12-31
test_last = 2021-12-31

[[models]]
kind = "reversal"
[[models]]
kind = "logistic"

[statistics]
replications = 200
"""


@pytest.fixture(scope="module")
def kept(small_stocks, tmp_path_factory):
    """A folder of runs with one of stocks, and the run."""
    runs = tmp_path_factory.mktemp("runs")
    return runs, write_run(
        runs, small_stocks.report, stock_page(small_stocks.report), FACTS, code=code_of(small_stocks.study)
    )


def test_a_run_is_printed_whole(kept, tenor, small_stocks) -> None:
    runs, run = kept
    text = tenor("show", run.name, "--runs", runs).out
    assert "SIMULATED: every price below was drawn" in text
    assert "Who does better tomorrow?" in text
    assert "Tested on AAPL, JPM, KO, MSFT, XOM over 160 sessions" in text
    for title in (
        "What happens next: direction over the first horizon",
        "How well the names of a session are ranked",
        "Price quantiles: loss, skill against the random walk, and cover",
        "What it earned: by probability, filled next open",
        "What it earned: long-short 20 %, filled same close",
        "Paired differences on the same sessions",
    ):
        assert title in text, title
    for model in ("majority", "reversal", "random_walk", "logistic", "lstm"):
        assert re.search(rf"│{model} +│", text), model
    assert len(re.findall(r"^(logistic|lstm): (FOUND|nothing found): ", text, re.MULTILINE)) == 2
    assert text.endswith(f"Report: {run}/report.html\n")
    right = next(one for one in small_stocks.report.evaluation.directions if one.model == "logistic")
    assert f"{100 * right.scores['accuracy'].mean:.1f} %" in text


def test_json_is_the_result_that_was_kept(kept, tenor) -> None:
    runs, run = kept
    answer = json.loads(tenor("show", run.name, "--runs", runs, "--json").out)
    assert answer["result"] == json.loads((run / "result.json").read_text(encoding="utf-8"))


def test_it_is_listed_among_runs_and_trained_models(kept, tenor) -> None:
    runs, run = kept
    assert run.name in tenor("runs", "--runs", runs).out
    trained = json.loads(tenor("models", "--runs", runs, "--json").out)["trained"]
    assert [one["model"] for one in trained] == ["majority", "reversal", "random_walk", "logistic", "lstm"]
    assert {(one["run"], one["judged"], one["data_last"]) for one in trained} == {(run.name, "test", "2020-12-31")}


def test_what_if_is_refused_with_what_to_ask_instead(kept, tenor) -> None:
    runs, run = kept
    said = tenor("whatif", run.name, "--runs", runs, "--shift", "repo=+5bp")
    assert said.status == 2
    assert f"{run.name} is a run of stocks; what if is asked of runs of pairs" in said.err


def test_from_the_shell_a_study_is_run_kept_and_computed_again(tmp_path: Path, tenor) -> None:
    (tmp_path / "quick.toml").write_text(STUDY, encoding="utf-8")
    text = tenor("run", tmp_path / "quick.toml", "--runs", tmp_path / "runs").out
    assert "VALIDATION: the data end before the test range" in text
    assert "Does [this] print?" in text
    (run,) = (tmp_path / "runs").iterdir()
    assert "every number agrees to the last digit" in tenor("rerun", run.name, "--runs", tmp_path / "runs").out
    assert "of validation" in tenor("models", "--runs", tmp_path / "runs").out


def test_from_the_shell_a_ticker_that_fails_is_said_and_the_others_are_answered(tmp_path: Path, tenor) -> None:
    (tmp_path / "next.toml").write_text(
        STUDY.replace("2018-02-01", "2016-02-01").replace('["KO", "XOM"]', '["KO"]'), encoding="utf-8"
    )
    places = ["--runs", tmp_path / "runs", "--history", tmp_path / "kept", "--pulled", tmp_path / "none"]
    said = tenor("predict", "KO", "NOPE", "--study", tmp_path / "next.toml", *places)
    assert said.status == 1
    assert "SIMULATED" in said.out
    assert "NOPE: no prices of 'NOPE': it is no file" in said.out
    answer = json.loads(tenor("predict", "KO", "NOPE", "--study", tmp_path / "next.toml", *places, "--json").out)
    assert [one["code"] for one in answer["outlooks"]] == ["KO"]
    assert [one["code"] for one in answer["failed"]] == ["NOPE"]
    scored = tenor("score", "--history", tmp_path / "kept")
    assert scored.status == 0
    assert "No outcome has come yet" in scored.out


def test_the_models_of_a_run_are_asked_about_the_names_that_it_holds(kept, tmp_path: Path, tenor) -> None:
    runs, run = kept
    places = ["--run", run.name, "--runs", runs, "--history", tmp_path / "kept"]
    answer = json.loads(tenor("predict", "KO", "XOM", *places, "--json").out)
    assert [one["code"] for one in answer["outlooks"]] == ["KO", "XOM"]
    for one in answer["outlooks"]:
        assert one["run"] == run.name
        assert one["trained_now"] is False
        assert one["as_of"] == "2020-12-31"
        assert one["record"]["held"] is None  # what is held among several names depends on all of them
        assert all(model["weight"] is None for model in one["models"])
        assert any("was judged until" in note for note in one["notes"])
        result = json.loads((run / "result.json").read_text(encoding="utf-8"))
        mine = [d for d in result["together"] if (d["scope"], d["model"]) == (one["code"], "lstm")]
        assert one["record"]["accuracy"] == mine[0]["scores"]["accuracy"]
    assert len(list(runs.iterdir())) == 1
    assert tenor("score", "--history", tmp_path / "kept").status == 0
    refused = tenor("predict", "KOO", *places)
    assert refused.status == 2
    assert f"{run.name} has no KOO; did you mean 'KO'?; it speaks of 5 instruments: AAPL, JPM, KO" in " ".join(
        refused.err.split()
    )
    early = load_stocks(tomllib.loads((run / "study.toml").read_text(encoding="utf-8")))
    assert isinstance(early.market, SimulatedStocks)
    cut = replace(early.market, last=date(2020, 3, 2)).read()
    universe = universe_of(early, cut)
    with pytest.raises(MarketError, match="what they say of it is no forecast"):
        outlook(
            universe,
            windows_of(early, universe)[0],
            read_models(read_run(run), early, plain=True),
            "KO",
            today=date(2020, 3, 2),
        )
    assert "leave --study and --train out" in tenor("predict", "KO", *places, "--train").err


def test_a_kept_run_says_of_its_last_close_what_it_said_in_the_run(kept, small_stocks) -> None:
    """The models of the last fold, asked about a session of their own test range, answer as they did there."""
    _, run = kept
    forecasts = small_stocks.report.forecasts
    last = forecasts["session"].max()
    market = small_stocks.market.known_at(datetime.combine(last, time(23), UTC))
    universe = universe_of(small_stocks.study, market)
    windows, _ = windows_of(small_stocks.study, universe)
    models = read_models(read_run(run), small_stocks.study, plain=True)
    for code in ("KO", "XOM"):
        said = outlook(universe, windows, models, code, today=last)
        assert said.as_of == last
        for model in said.models:
            then = forecasts.filter(session=last, code=code, model=model.model)["up"][0]
            assert model.up == pytest.approx(then, abs=1e-6), (code, model.model)
