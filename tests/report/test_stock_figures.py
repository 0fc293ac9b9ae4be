"""Figures of stocks: what is drawn is what was computed."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tenor.report.stock_figures import FIGURES, drawable, leading


def test_every_figure_of_a_full_report_is_drawable(small_stocks):
    assert drawable(small_stocks.report) == tuple(FIGURES)


def test_what_a_report_lacks_is_not_drawn(small_stocks):
    report = small_stocks.report
    bare = replace(report.evaluation, equities=(), quantiles=(), cross_sections=(), groups={})
    assert drawable(replace(report, evaluation=bare)) == ("accuracy", "calibration")


def test_the_model_in_front_is_the_last_of_the_study_unless_it_says_who_speaks(small_stocks):
    report = small_stocks.report
    assert leading(report) == "lstm"
    assert leading(replace(report, study={**report.study, "speaks": "logistic"})) == "logistic"


def test_equity_ends_where_the_returns_add_up(small_stocks):
    report = small_stocks.report
    drawn = {trace.name: trace for trace in FIGURES["equity"](report).data if trace.showlegend}
    ledger = report.evaluation.ledger
    for curve in report.evaluation.equities:
        total = curve.net.mean(axis=0)[-1]
        assert drawn[curve.model].y[-1] == pytest.approx(total, abs=1e-4)
        mine = ledger.filter(
            pl.col("session").is_in(report.evaluation.earned_on.tolist()),
            model=curve.model,
            portfolio="by probability",
            fill="next_open",
        )
        assert mine["net"].sum() == pytest.approx(total, abs=1e-9)
        assert mine["benchmark"].sum() == pytest.approx(report.evaluation.benchmark[-1], abs=1e-9)


def test_months_add_up_to_the_year_and_years_to_all(small_stocks):
    report = small_stocks.report
    grid = np.array(
        [[np.nan if value is None else value for value in row] for row in FIGURES["months"](report).data[0].z]
    )
    assert np.nansum(grid[:, :12], axis=1) == pytest.approx(grid[:, 12], abs=1e-3)  # each is rounded
    front = next(one for one in report.evaluation.equities if one.model == "lstm")
    assert grid[:, 12].sum() == pytest.approx(front.net.mean(axis=0)[-1], abs=1e-4)


def test_accuracy_has_every_model_with_its_interval(small_stocks):
    report = small_stocks.report
    drawn = {trace.y[0]: trace for trace in FIGURES["accuracy"](report).data}
    every = [one for one in report.evaluation.directions if one.scope == "all"]
    assert len(drawn) == len(every)
    for one in every:
        score = one.scores["accuracy"]
        trace = drawn[one.model]
        assert trace.x[0] == pytest.approx(100 * score.mean)
        assert trace.x[0] + trace.error_x.array[0] == pytest.approx(100 * score.high)
        assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(100 * score.low)


def test_ranks_add_the_coefficients_up(small_stocks):
    report = small_stocks.report
    drawn = {trace.name: trace for trace in FIGURES["ranks"](report).data}
    for one in report.evaluation.cross_sections:
        assert drawn[one.model].y[-1] == pytest.approx(np.nansum(one.by_session), abs=2e-3)


def test_cover_has_a_point_for_every_interval(small_stocks):
    report = small_stocks.report
    points = [trace for trace in FIGURES["cover"](report).data if trace.mode == "markers"]
    assert len(points) == len(report.evaluation.quantiles) == 4
    for trace, one in zip(points, report.evaluation.quantiles, strict=True):
        assert list(trace.y) == pytest.approx([100 * one.cover[key].mean for key in sorted(one.cover, key=float)])
