"""A report again, from what a run keeps: the same sentences, facts and tables, and a clear error for other numbers."""

import json
import math
from datetime import date

import polars as pl
import pytest

from tenor.errors import RunError
from tenor.report import stock_page, stock_text, tables, text
from tenor.report.restore import SERIES, report_of, restored
from tenor.trust.evaluation import Finding, Score


def kept(report):
    """What a run keeps of a report, numbers through JSON."""
    frames = {
        name: frame if SERIES[name] is None else frame.select(SERIES[name])
        for name, frame in report.frames().items()
        if name in SERIES
    }
    return json.loads(json.dumps(report.answer(), allow_nan=False)), frames


def test_a_report_of_pairs_says_the_same_again(report, small_run):
    for one in (report, small_run.report):
        again = report_of(*kept(one))
        assert text.verdict(again) == text.verdict(one)
        assert text.facts(again) == text.facts(one)
        assert text.method(again) == text.method(one)
        assert again.evaluation.sessions.tolist() == one.evaluation.sessions.tolist()
        for way in tables.ways(one):
            assert tables.earnings(again, *way) == tables.earnings(one, *way)
        for grid in (tables.directions, tables.findings, tables.folds, tables.left_out):
            assert grid(again) == grid(one)
        assert again.answer() == one.answer()


def test_a_report_of_stocks_says_the_same_again(small_stocks):
    again = report_of(*kept(small_stocks.report))
    assert stock_text.verdict(again) == stock_text.verdict(small_stocks.report)
    assert stock_text.facts(again) == stock_text.facts(small_stocks.report)
    assert stock_text.method(again) == stock_text.method(small_stocks.report)
    assert again.evaluation.sessions.tolist() == small_stocks.report.evaluation.sessions.tolist()
    for grid in (stock_page.numbers, stock_page.portfolios, stock_page.findings, stock_page.folds, stock_page.left_out):
        assert grid(again) == grid(small_stocks.report)
    assert again.answer() == small_stocks.report.answer()


def test_a_number_that_is_null_is_undefined_and_a_spread_that_is_null_is_absent():
    score = restored(Score, {"mean": None, "sd": None, "low": 0, "high": 1.5})
    assert math.isnan(score.mean)
    assert (score.sd, score.low, score.high) == (None, 0.0, 1.5)
    finding = {"model": "lstm", "best_rule": "reversal", "margin": None, "p_holm": 1.0, "found": False}
    assert math.isnan(restored(Finding, finding).margin)
    assert restored(tuple[date, date], ["2020-01-02", "2021-03-04"]) == (date(2020, 1, 2), date(2021, 3, 4))


def test_numbers_that_are_not_those_of_a_run_are_refused(report):
    result, frames = kept(report)
    without = {name: value for name, value in result.items() if name != "earned"}
    with pytest.raises(RunError, match=r"not such as this Tenor writes \(KeyError: 'earned'\); run the study again"):
        report_of(without, frames)
    other = frames | {"spreads": frames["spreads"].filter(pl.col("session") < date(2018, 6, 1))}
    with pytest.raises(RunError, match=r"sessions from .* were judged, and its series hold"):
        report_of(result, other)
