"""An outlook as CSV: one row per ticker, model, horizon and level, and no number lost."""

import csv
import io
import runpy
from pathlib import Path

import pytest

from tenor.report.outlook_csv import COLUMNS, outlook_csv
from tenor.report.outlook_text import NAIVE

HAND = runpy.run_path(str(Path(__file__).with_name("outlooks_by_hand.py")))


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(outlook_csv(answer))))


@pytest.fixture(scope="module")
def rows():
    return rows_of(HAND["ALL"])


def test_the_rows_of_one_ticker(rows):
    mine = [row for row in rows if row["code"] == "AAPL"]
    keys = [(row["model"], row["horizon"], row["level"]) for row in mine]
    assert len(set(keys)) == len(keys)
    count = {name: sum(row["model"] == name for row in mine) for name in dict.fromkeys(row["model"] for row in mine)}
    assert count == {"majority": 1, "random_walk": 15, "lightgbm": 1, "lstm": 15, NAIVE: 3}


def test_numbers_are_whole(rows):
    one = HAND["UP"]["models"][-1]
    row = next(r for r in rows if (r["code"], r["model"], r["horizon"], r["level"]) == ("AAPL", "lstm", "5", "0.95"))
    assert float(row["price"]) == one["prices"][1][4]
    assert float(row["return"]) == one["returns"][1][4]
    assert row["due"] == "2026-12-02"
    assert (row["up"], row["speaks"]) == ("", "true")
    first = next(r for r in rows if (r["code"], r["model"], r["horizon"]) == ("AAPL", "lstm", "1"))
    assert tuple(float(first[name]) for name in ("up", "up_low", "up_high")) == (one["up"], one["low"], one["high"])


def test_what_there_is_not_is_empty_and_a_failure_has_its_row(rows):
    assert {row["due"] for row in rows if row["code"] == "BRK-A" and row["horizon"] == "20"} == {""}
    failed = [row for row in rows if row["failure"]]
    assert [(row["code"], row["failure"]) for row in failed] == [("XYZ", HAND["FAILED"]["reason"])]
    assert {name for name in COLUMNS if failed[0][name]} == {"code", "asked_at", "failure"}


def test_names_of_any_script_and_with_commas_survive(rows):
    assert {row["name"] for row in rows if row["code"] == "600519"} == {"贵州茅台"}
    odd = HAND["answer"](HAND["UP"] | {"name": 'A, "B"\nC'})
    assert {row["name"] for row in rows_of(odd)} == {'A, "B"\nC'}
