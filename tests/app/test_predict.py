"""Predict and score: trained once, asked again, kept, and scored when the outcome has come."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tenor.app.predict import AskPredict, AskScore, predict, score
from tenor.errors import DataError, MarketError, RunError, SplitError, StudyError
from tenor.io.sources.simulated_stocks import SimulatedStocks
from tenor.market.calendar import trading_calendar

STUDY = """
subject = "stocks"
name = "next"
question = "What comes?"
seed = 1
seeds = 2

[market]
source = "simulated_stocks"

[sampling]
sessions = 3

[target]
horizons = [1, 5]

[[factors]]
kind = "return"
days = [1, 5]

[[factors]]
kind = "realised_volatility"

[split]
kind = "walk_forward"
train = 150
validation = 60
test = 40
purge = 6
folds = 1

[[models]]
kind = "majority"

[[models]]
kind = "random_walk"

[[models]]
kind = "lstm"
layers = 1
hidden = 3
dropout = 0.0
head = { kind = "quantiles" }

[fit]
epochs = 2

[statistics]
replications = 200
"""


@cache
def prices(code: str) -> pl.DataFrame:
    market = SimulatedStocks(products=(code,), first=date(2019, 1, 2), last=date(2021, 3, 31)).read()
    return market.quotes_of(code).select("date", "open", "high", "low", "close", "volume")


def written(folder: Path, code: str, rows: int | None = None) -> Path:
    """A file of prices of ``code``, cut to its first ``rows``."""
    path = folder / f"{code}.csv"
    frame = prices(code) if rows is None else prices(code).head(rows)
    frame.rename({name: name.title() for name in frame.columns}).write_csv(path)
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "next.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "prices").mkdir()
    return tmp_path


def ask(desk: Path, *tickers: str, **more: Any) -> dict[str, Any]:
    settings = {"data": desk / "prices", "study": desk / "next.toml", "pulled": desk / "none", **more}
    return predict(AskPredict(tickers, desk / "runs", desk / "forecasts", **settings))


def test_the_first_question_trains_and_the_second_asks_what_is_kept(desk: Path) -> None:
    written(desk / "prices", "KO")
    first = ask(desk, "KO")
    again = ask(desk, "KO")
    (one,), (other,) = first["outlooks"], again["outlooks"]
    assert (one["trained_now"], other["trained_now"]) == (True, False)
    assert {**one, "trained_now": None} == {**other, "trained_now": None}
    assert json.loads(json.dumps(first, allow_nan=False)) == first
    assert len(list((desk / "runs").glob("next-KO-*"))) == 1
    assert [Path(one["kept"])] == sorted((desk / "forecasts").rglob("*.json"))
    (same,) = ask(desk, "KO", train=True)["outlooks"]
    assert same["trained_now"] is False  # the same study on the same data by the same code: the same run


def test_a_study_with_a_portfolio_says_what_it_would_hold_and_what_that_earned(desk: Path) -> None:
    held = """
[[portfolios]]
kind = "by_sign"

[trading]
fills = ["next_open"]
haircut = 0.3
costs = { commission = 0.001, slippage = 0.0, sell_tax = 0.0, borrow = 0.0 }
limits = { gross = 1.0, name = 0.25 }
"""
    (desk / "next.toml").write_text(STUDY + held, encoding="utf-8")
    written(desk / "prices", "KO")
    (one,) = ask(desk, "KO", page=desk / "x.html", csv=desk / "x.csv")["outlooks"]
    for model in one["models"]:
        side = (model["low"] > 0.5) - (model["high"] < 0.5)
        if model["low"] > 0.5 or model["high"] < 0.5:  # its seeds agree
            assert model["weight"] == 0.25 * side
        assert abs(model["weight"]) <= 0.25
    past = one["record"]["held"]
    assert (past["portfolio"], past["fill"]) == ("by sign", "next_open")
    assert past["sharpe"]["low"] <= past["sharpe"]["value"] <= past["sharpe"]["high"]
    assert past["sharpe_gross"]["value"] > past["sharpe"]["value"]
    assert "Held by sign: " in (desk / "x.html").read_text(encoding="utf-8")
    assert pl.read_csv(desk / "x.csv").filter(model="lstm")["weight"][0] == one["models"][2]["weight"]


def test_a_kept_run_of_other_code_speaks_with_a_word(desk: Path) -> None:
    written(desk / "prices", "KO")
    ask(desk, "KO")
    (facts,) = (desk / "runs").glob("next-KO-*/run.json")
    told = json.loads(facts.read_text(encoding="utf-8"))
    facts.write_text(json.dumps({**told, "code": "another"}), encoding="utf-8")
    (one,) = ask(desk, "KO")["outlooks"]
    assert one["trained_now"] is False
    assert any("was trained by another version of Tenor" in note for note in one["notes"])


def test_too_short_a_history_is_refused_with_what_is_held(desk: Path) -> None:
    written(desk / "prices", "KO", 200)
    with pytest.raises(SplitError, match=r"KO: .* holds 200 sessions, and each decision reads 3 .* need 242"):
        ask(desk, "KO")


def test_an_outlook_says_what_it_rests_on(desk: Path) -> None:
    written(desk / "prices", "KO", 500)
    (one,) = ask(desk, "KO", keep=False)["outlooks"]
    held = prices("KO").head(500)
    assert one["as_of"] == held["date"][-1].isoformat()
    assert one["close"] == one["naive"] == held["close"][-1]
    assert one["change"] == pytest.approx(held["close"][-1] / held["close"][-2] - 1)
    following = prices("KO")["date"]
    assert one["due"] == [following[500].isoformat(), following[504].isoformat()]
    assert one["missed"] > 100  # years have passed since
    assert one["simulated"] is False
    assert [model["model"] for model in one["models"]] == ["majority", "random_walk", "lstm"]
    assert one["speaks"] == "lstm"
    walk, lstm = one["models"][1:]
    for model in (walk, lstm):
        for row, prices_ahead in zip(model["returns"], model["prices"], strict=True):
            assert row == sorted(row)
            assert prices_ahead == pytest.approx([one["close"] * (1 + value) for value in row])
    assert walk["returns"][0][3] == 0.0
    assert lstm["low"] <= lstm["up"] <= lstm["high"]
    assert lstm["seeds"] == 2
    record = one["record"]
    assert record["model"] == "lstm"
    assert record["n"] <= 40
    assert record["sentence"].endswith("nothing found.")
    assert len(one["recent"]["close"]) == 120
    assert "kept" not in one


def test_a_model_speaks_for_as_long_as_it_was_tested_and_is_then_trained_again(desk: Path) -> None:
    written(desk / "prices", "KO", 400)
    first = ask(desk, "KO")["outlooks"][0]
    written(desk / "prices", "KO", 440)
    later = ask(desk, "KO")["outlooks"][0]
    assert (later["run"], later["trained_now"]) == (first["run"], False)
    assert later["as_of"] > first["as_of"]
    written(desk / "prices", "KO", 442)
    last = ask(desk, "KO")["outlooks"][0]
    assert last["trained_now"]
    assert last["run"] != first["run"]


def test_what_was_said_is_scored_when_the_outcome_has_come(desk: Path) -> None:
    written(desk / "prices", "KO", 400)
    one = ask(desk, "KO")["outlooks"][0]
    request = AskScore(desk / "forecasts", pulled=desk / "none")
    waiting = score(request)
    assert waiting["pending"] == 5  # one of majority, two of each that gives quantiles
    assert all(record["scored"] == 0 for record in waiting["records"])
    written(desk / "prices", "KO", 402)
    found = score(request)
    assert found["pending"] == 2
    scored = {(each["model"], each["horizon"]): each for each in found["outcomes"]}
    change = prices("KO")["close"][400] / prices("KO")["close"][399] - 1
    mine = scored["lstm", 1]
    assert mine["change"] == pytest.approx(change)
    said = next(model for model in one["models"] if model["model"] == "lstm")
    assert mine["right"] == ((said["up"] > 0.5) == (change > 0))
    assert mine["inside"] == (said["returns"][0][0] <= change <= said["returns"][0][-1])
    assert mine["known"] == prices("KO")["date"][400].isoformat()
    assert all(each["late"] for each in found["outcomes"] if each["known"])  # the prices are years old
    assert any(note.startswith("KO.csv: no adjusted close") for note in found["notes"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_that_fails_costs_the_others_nothing(desk: Path) -> None:
    written(desk / "prices", "KO")
    short = desk / "prices" / "NEW.csv"
    prices("KO").head(30).write_csv(short)
    answer = ask(desk, "NEW", "KO", "GONE")
    assert [one["code"] for one in answer["outlooks"]] == ["KO"]
    reasons = {one["code"]: one["reason"] for one in answer["failed"]}
    assert "sessions are too few" in reasons["NEW"]
    assert "no prices of GONE" in reasons["GONE"]
    with pytest.raises(MarketError, match="no prices of GONE"):
        ask(desk, "GONE", "GONE2")


def test_asked_again_a_forecast_counts_once_as_it_was_said_first(desk: Path) -> None:
    """Two runs of one study speak after the same close, the second trained on another code's numbers."""
    written(desk / "prices", "KO", 400)
    first = Path(ask(desk, "KO")["outlooks"][0]["kept"])
    told = json.loads(first.read_text(encoding="utf-8"))
    said = json.loads(first.read_text(encoding="utf-8"))["forecast"]
    said["run"] = said["run"][:-10] + "0123456789"
    for model in said["models"]:
        model["up"] = 1.0 - model["up"]
    again = told | {"asked_at": "2099-01-01T00:00:00Z", "forecast": said}
    (first.parent / "KO-0000000000.json").write_text(json.dumps(again), encoding="utf-8")
    written(desk / "prices", "KO", 402)
    found = score(AskScore(desk / "forecasts", pulled=desk / "none"))
    (mine,) = [one for one in found["outcomes"] if (one["model"], one["horizon"]) == ("lstm", 1)]
    assert mine["up"] == next(one["up"] for one in told["forecast"]["models"] if one["model"] == "lstm")
    assert {one["scored"] for one in found["records"] if one["horizon"] == 1} == {1}


def test_a_session_that_has_not_closed_is_left_out_with_a_word(desk: Path) -> None:
    path = written(desk / "prices", "KO", 400)
    (before,) = ask(desk, "KO")["outlooks"]
    ahead = trading_calendar("XNYS").following(datetime.now(UTC).date() + timedelta(days=2))
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    path.write_text(path.read_text(encoding="utf-8") + f"{ahead}{last[10:]}\n", encoding="utf-8")
    (one,) = ask(desk, "KO")["outlooks"]
    assert one["as_of"] == before["as_of"]
    assert one["models"] == before["models"]
    assert any(note.startswith("1 row is of a session that had not closed by ") for note in one["notes"])
    scored = score(AskScore(desk / "forecasts", pulled=desk / "none"))
    assert all(record["scored"] == 0 for record in scored["records"])


def test_a_file_is_a_ticker(desk: Path) -> None:
    path = written(desk, "KO")
    (one,) = ask(desk, str(path), data=None)["outlooks"]
    assert (one["code"], one["source"]) == ("KO", "KO.csv")


@pytest.mark.parametrize(
    ("tickers", "more", "said"),
    [
        (("ZZZ",), {"data": None}, "no prices of 'ZZZ': it is no file, was not pulled"),
        (("KO", "KO"), {}, "a ticker is given twice"),
        (("KO",), {"data": Path("nowhere")}, "no such file or folder"),
        (("KO",), {"page": Path("/nowhere/x.html")}, "there is no folder"),
    ],
)
def test_what_cannot_be_asked_is_refused(desk: Path, tickers: Sequence[str], more: dict[str, Any], said: str) -> None:
    written(desk / "prices", "KO")
    with pytest.raises((DataError, MarketError, RunError, StudyError), match=said):
        ask(desk, *tickers, **more)


def test_a_study_of_pairs_does_not_speak_of_a_stock(desk: Path) -> None:
    from tenor.io.studies import published

    written(desk / "prices", "KO")
    with pytest.raises(StudyError, match="is no study of stocks"):
        ask(desk, "KO", study=published("cgb-spread"))


def test_no_history_cannot_be_scored(desk: Path) -> None:
    with pytest.raises(RunError, match="no forecast is kept in"):
        score(AskScore(desk / "forecasts"))
