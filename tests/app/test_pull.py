"""The command: from words to a folder, a row for each item, and a second source beside it."""

import io
import json
import runpy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tenor.app import cli
from tenor.app.commands import ShowData, show_data
from tenor.app.pull import PullData, World, pull_data, spelt
from tenor.app.pull_tables import printed_pull
from tenor.errors import PullError, StudyError

SHAPES = runpy.run_path(str(Path(__file__).parents[1] / "io" / "sources" / "recorded.py"))
Library, frame, bars, factors = (SHAPES[name] for name in ("Library", "yahoo", "bars", "factors"))
NOON = datetime(2020, 9, 2, 12, tzinfo=UTC)


def world(**answers) -> World:
    china = {name: answer for name, answer in answers.items() if "_" in name}
    yahoo = {name.replace("SS600519", "600519.SS"): answer for name, answer in answers.items() if "_" not in name}
    return World(lambda: NOON, lambda seconds: None, {"yahoo": Library(yahoo), "china": Library(china)})


def test_a_pull_says_what_came_and_why_not(tmp_path: Path) -> None:
    request = PullData(("AAPL", "APPL"), "yahoo", tmp_path / "data")
    answer = pull_data(request, world=world(AAPL=frame()))
    counts = {
        "rows": 4,
        "first": "2020-08-27",
        "last": "2020-09-01",
        "new": 9,
        "revised": 0,
        "requests": 1,
        "cached": 0,
    }
    assert answer["items"][0] == {"item": "AAPL", **counts, "reason": ""}
    assert answer["items"][1]["reason"] == "APPL is not there"
    assert (answer["failed"], answer["from"], answer["folder"]) == (1, "yahoo", str(tmp_path / "data"))
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    shown = show_data(ShowData(tmp_path / "data", None))
    assert [part["name"] for part in shown["series"]] == ["AAPL", "all", "all", "dividend", "split"]
    assert (shown["source"], shown["simulated"]) == ("pulled", False)


def test_where_everything_fails_nothing_is_written(tmp_path: Path) -> None:
    answer = pull_data(PullData(("APPL",), "yahoo", tmp_path / "data"), world=world())
    assert answer["failed"] == 1
    assert not (tmp_path / "data").exists()


def test_offline_replays_what_was_answered_on_another_day(tmp_path: Path) -> None:
    pull_data(PullData(("AAPL",), "yahoo", tmp_path), world=world(AAPL=frame()))
    later = World(lambda: NOON + timedelta(days=30), lambda seconds: None, {"yahoo": Library({})})
    answer = pull_data(PullData(("AAPL",), "yahoo", tmp_path, offline=True), world=later)
    assert (answer["items"][0]["cached"], answer["items"][0]["new"]) == (1, 0)


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"provider": "yahooo"}, StudyError, "no provider 'yahooo'; they are china, fred, yahoo; did you mean 'yahoo'"),
        (
            {"first": date(2021, 1, 4), "last": date(2020, 1, 3)},
            StudyError,
            "first 2021-01-04 is after last 2020-01-03",
        ),
        ({"max_age": float("nan")}, StudyError, "max age nan hours"),
        ({"refresh": True, "offline": True}, PullError, "give one of the two"),
    ],
)
def test_a_request_that_cannot_be_is_refused(tmp_path: Path, how, error, said: str) -> None:
    with pytest.raises(error, match=said):
        pull_data(PullData(**{"items": ("AAPL",), "provider": "yahoo", "folder": tmp_path, **how}), world=world())


def test_a_second_provider_is_asked_in_its_own_words(tmp_path: Path) -> None:
    days = ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"]
    answers = {
        "stock_zh_a_hist": bars([1700.0, 1710.0, 1720.0, 1730.0], days),
        "stock_zh_a_daily": factors(d1900_01_01="1.0"),
    }
    facts = {"name": "Moutai", "kind": "EQUITY", "currency": "CNY", "zone": "Asia/Shanghai"}
    closes = [1700.0, 1710.0, 1722.0, 1730.0]
    plain = {"Dividends": [0.0] * 4, "Stock Splits": [0.0] * 4, "Open": closes, "High": closes, "Low": closes}
    told = SHAPES["answer_of"](frame(Close=closes, **{**plain, "Adj Close": closes}), facts)
    request = PullData(("600519",), "china", tmp_path, against="yahoo", tolerance=0.001)
    answer = pull_data(request, world=world(SS600519=told, **answers))
    (row,) = answer["against"]["codes"]
    assert (row["code"], row["days"], row["close_over"], row["return_over"]) == ("SH600519", 4, 1, 2)
    assert row["close_worst"] == pytest.approx(1 - 1720 / 1722)
    assert row["close_worst_on"] == "2020-08-31"
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    nobody = pull_data(replace(request, refresh=True), world=world(**answers))["against"]
    assert (nobody["codes"], nobody["failed"]) == ([], ["600519.SS: 600519.SS is not there"])


@pytest.mark.parametrize("what", ["file", "folder of pulls"])
def test_a_second_source_on_disk(tmp_path: Path, what: str) -> None:
    if what == "file":
        against = tmp_path / "AAPL.csv"
        against.write_text("Date,Close,Adj Close\n2020-08-31,129.04,129.04\n2020-09-01,134.18,134.18\n")
    else:
        against = tmp_path / "other"
        pull_data(PullData(("AAPL",), "yahoo", against, first=date(2020, 8, 31)), world=world(AAPL=frame().tail(2)))
    request = PullData(("AAPL",), "yahoo", tmp_path / "data", against=str(against))
    (row,) = pull_data(request, world=world(AAPL=frame()))["against"]["codes"]
    assert (row["code"], row["days"], row["close_over"], row["return_over"]) == ("AAPL", 2, 0, 0)


def test_a_second_source_that_cannot_be_read_costs_nothing_of_the_pull(tmp_path: Path) -> None:
    request = PullData(("AAPL",), "yahoo", tmp_path / "data", against=str(tmp_path / "nowhere.csv"))
    answer = pull_data(request, world=world(AAPL=frame()))
    assert (answer["failed"], answer["against"]["codes"]) == (0, [])
    assert "no such file or folder" in answer["against"]["failed"][0]


@pytest.mark.parametrize(
    ("item", "provider", "expected"),
    [
        ("SH600519", "yahoo", "600519.SS"),
        ("SZ000001", "yahoo", "000001.SZ"),
        ("600519", "yahoo", "600519.SS"),
        ("000001", "yahoo", "000001.SZ"),
        ("510300", "yahoo", "510300.SS"),
        ("600519.SS", "china", "SH600519"),
        ("AAPL", "yahoo", "AAPL"),
        ("T", "china", "T"),
    ],
)
def test_items_in_the_words_of_another_provider(item: str, provider: str, expected: str) -> None:
    assert spelt(item, provider) == expected


def test_the_table_has_rows_reasons_notes_and_the_comparison(tmp_path: Path) -> None:
    file = tmp_path / "AAPL.csv"
    file.write_text("Date,Close,Adj Close\n2020-08-31,129.04,129.04\n2020-09-01,130,130\n")
    request = PullData(("AAPL", "APPL"), "yahoo", tmp_path / "data", against=str(file))
    nan = float("nan")
    answer = pull_data(request, world=world(AAPL=frame(Close=[125.0, nan, 129.04, 134.18])))
    console = Console(width=150, record=True, file=io.StringIO())
    printed_pull(answer, console)
    text = console.export_text()
    for part in (
        "AAPL",
        "2020-08-27",
        "APPL failed: APPL is not there",
        "- AAPL: 1 rows left out: they have no close",
        "1 item of 2 failed.",
        "close worst",
        "3.215 %",
    ):
        assert part in text


def test_the_command_line_prints_json_and_fails_where_an_item_did(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        "sys.argv", ["tenor", "data", "pull", "VOD.L", "--from", "yahoo", "--folder", str(tmp_path), "--json"]
    )
    with pytest.raises(SystemExit) as left:
        cli.main()
    answer = json.loads(capsys.readouterr().out)
    assert (left.value.code, answer["failed"]) == (1, 1)
    assert "is no ticker that can be pulled from yahoo" in answer["items"][0]["reason"]
    monkeypatch.setattr("sys.argv", ["tenor", "data", "pull", "X", "--from", "bloomberg", "--json"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "StudyError"
