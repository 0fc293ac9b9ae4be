"""Scores as CSV: every score of a run once, unrounded, an empty field for what there is not."""

import csv
import io
import json

from tenor.report.scores_csv import COLUMNS, scores_csv


def rows_of(result):
    reader = csv.DictReader(io.StringIO(scores_csv(result)))
    assert tuple(reader.fieldnames) == COLUMNS
    return list(reader)


def counted(value):
    """How many scores a result holds."""
    if isinstance(value, dict):
        if set(value) == {"mean", "sd", "low", "high"}:
            return 1
        return sum(counted(part) for part in value.values())
    return sum(counted(part) for part in value) if isinstance(value, list) else 0


def test_every_score_of_either_kind_of_study_is_a_row(report, small_stocks):
    for one in (report, small_stocks.report):
        result = json.loads(json.dumps(one.answer()))
        rows = rows_of(result)
        with_intervals = [result[key] for key in ("mcc", "mcc_together") if key in result]
        assert len(rows) == counted(result) - counted(with_intervals)
        keys = [tuple(row[name] for name in COLUMNS[:8]) for row in rows]
        assert len(set(keys)) == len(keys), "a key names one row"


def test_a_correlation_that_has_an_interval_comes_with_it(small_stocks):
    result = json.loads(json.dumps(small_stocks.report.answer()))
    rows = {tuple(row[name] for name in COLUMNS[:8]): row for row in rows_of(result)}
    for table, key, apart in (("direction", "directions", "mcc"), ("together", "together", "mcc_together")):
        for one in (one for one in result[key] if one["scope"] == "all"):
            row = rows[table, one["model"], "all", "", "", "", "", "mcc"]
            score = result[apart][one["model"]]
            assert [row[part] for part in score] == ["" if value is None else repr(value) for value in score.values()]
            assert abs(score["mean"] - one["scores"]["mcc"]["mean"]) < 1e-12


def test_numbers_are_as_they_are(report):
    result = report.answer()
    rows = {tuple(row[name] for name in COLUMNS[:8]): row for row in rows_of(result)}
    for one in result["earned"]:
        for name, score in one["scores"].items():
            row = rows["earned", one["model"], one["scope"], one["position"], one["fill"], "", "", name]
            for part, value in score.items():
                assert row[part] == ("" if value is None else repr(value))
            assert row["undefined"] == one["undefined"].get(name, "")
    for one in result["directions"]:
        row = rows["direction", one["model"], one["scope"], "", "", "", "", "brier"]
        assert float(row["mean"]) == one["scores"]["brier"]["mean"]
        assert (row["seeds"], row["n"]) == (str(one["seeds"]), str(one["n"]))
