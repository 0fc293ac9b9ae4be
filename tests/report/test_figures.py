"""Figures hold the numbers of the report, and nothing that a reader would misread."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tenor.factor.label import NEUTRAL
from tenor.report.figures import (
    FIGURES,
    accuracy_by_fold,
    calibration,
    differences,
    drawdown,
    equity,
    over_seeds,
    scored_folds,
)
from tenor.report.headline import headline
from tenor.report.style import CONFIG, colours
from tenor.report.text import month
from tenor.trust.evaluation import Finding, Score
from tenor.trust.score import Reliability


def traces(figure, name, **wanted):
    return [t for t in figure.data if t.name == name and all(t[key] == value for key, value in wanted.items())]


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_report_gives_the_same_figure(report, name):
    assert FIGURES[name](report).to_json() == FIGURES[name](report).to_json()


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_transparent_and_hold_no_long_numbers(report, name):
    figure = json.loads(FIGURES[name](report).to_json())
    assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    for trace in figure["data"]:
        for value in trace["y"]:
            assert value is None or round(value, 4) == value


def test_equity_draws_seed_means_after_costs_and_gross_before(report):
    figure = equity(report)
    for curve in report.evaluation.equities:
        net, net_below = traces(figure, curve.model, legend="legend")
        gross, gross_below = traces(figure, curve.model, legend="legend2")
        assert net.x[0] == str(report.evaluation.sessions[0])
        assert net.line.dash == "solid"
        assert gross.line.dash == "dot"
        np.testing.assert_allclose(net.y, curve.net.mean(axis=0), atol=6e-5)
        np.testing.assert_allclose(gross.y, curve.gross, atol=6e-5)
        np.testing.assert_allclose(net_below.y, -drawdown(curve.net.mean(axis=0)), atol=6e-5)
        assert max(gross_below.y) <= 0
        assert net_below.xaxis == "x2"


def test_equity_bands_are_quantiles_over_seeds_and_only_where_there_are_seeds(report):
    figure = equity(report)
    assert not traces(figure, "reversal seeds")
    low, high, lower, upper = traces(figure, "lightgbm seeds")
    net = next(c for c in report.evaluation.equities if c.model == "lightgbm").net
    for trace, share in ((low, 0.0), (lower, 0.25), (upper, 0.75), (high, 1.0)):
        np.testing.assert_allclose(trace.y, np.quantile(net, share, axis=0), atol=6e-5)
    assert (low.fill, high.fill) == (None, "tonexty")
    assert low.legendgroup == traces(figure, "lightgbm", legend="legend")[0].legendgroup


def test_equity_leaves_other_models_to_the_legend(report):
    visible = {t.name for t in equity(report).data if t.visible is True and t.legend}
    assert visible == set(headline(report).shown)


def test_drawdown_counts_the_start_as_a_high():
    assert drawdown(np.array([-1.0, 2.0, 1.5, 3.0])).tolist() == [1.0, 0.0, 0.5, 0.0]


def test_accuracy_by_fold_has_a_point_for_each_fold_and_its_test_range(report):
    figure = accuracy_by_fold(report)
    folds, counts = scored_folds(report)
    assert [fold.index for fold in folds] == list(range(len(report.folds)))
    for name, scores in report.evaluation.by_fold.items():
        (trace,) = traces(figure, name)
        np.testing.assert_allclose(trace.y, [score.mean for score in scores], atol=6e-5)
        if name == "lightgbm":
            np.testing.assert_allclose(trace.error_y.array, [score.sd for score in scores], atol=6e-5)
        else:
            assert trace.error_y.visible is False
    assert figure.layout.xaxis.ticktext[0].endswith(f"n = {counts[0]}")
    assert figure.layout.xaxis.ticktext[0].startswith(f"{month(folds[0].test[0])} –<br>{month(folds[0].test[1])}")
    blocks = [s for s in figure.layout.shapes if s.type == "rect"]
    assert blocks[0].y1 == pytest.approx(0.5 + 1.96 * 0.5 / counts[0] ** 0.5)


def test_days_of_a_fold_are_those_outside_the_band(report):
    one = report.forecasts.filter((pl.col("model") == "reversal") & (pl.col("fold") == 1))
    expected = one.filter(pl.col("change").is_not_null() & (pl.col("label") != NEUTRAL)).height
    assert scored_folds(report)[1][1] == expected
    direction = next(d for d in report.evaluation.directions if (d.model, d.scope) == ("reversal", "all"))
    assert sum(scored_folds(report)[1]) == direction.n


def test_a_window_that_no_model_or_not_every_seed_could_forecast_is_not_counted(report):
    """TF is silent in fold 0 for all models; in fold 1 one seed of one model fails, which the other models survive."""
    silent = (pl.col("product") == "TF") & (pl.col("fold") == 0)
    failed = (pl.col("model") == "lightgbm") & (pl.col("seed") == 4) & (pl.col("fold") == 1)
    gaps = report.forecasts.with_columns(up=pl.when(silent | failed).then(None).otherwise("up"))
    _, counts = scored_folds(replace(report, forecasts=gaps))
    one = report.forecasts.filter((pl.col("model") == "reversal") & pl.col("change").is_not_null())
    outside = one.filter(pl.col("label") != NEUTRAL)
    assert counts[0] == outside.filter((pl.col("fold") == 0) & (pl.col("product") == "T")).height
    assert 0 < counts[0] < scored_folds(report)[1][0]
    assert counts[1:] == scored_folds(report)[1][1:]
    alone = gaps.filter(pl.col("model") == "lightgbm")
    assert scored_folds(replace(report, forecasts=alone))[1][1] == 0
    blocks = [s for s in accuracy_by_fold(replace(report, forecasts=gaps)).layout.shapes if s.type == "rect"]
    assert blocks[0].y1 == pytest.approx(0.5 + 1.96 * 0.5 / counts[0] ** 0.5)


def test_a_long_finding_breaks_into_lines_that_a_telephone_holds(report):
    names = ("logistic", "lightgbm", "transformer", "a<b", "lstm", "gru")
    found = tuple(Finding(name, "reversal", 0.05, 0.01, True) for name in names)
    figure = differences(replace(report, evaluation=replace(report.evaluation, findings=found)))
    lines = figure.layout.title.text.split("<br>")
    assert len(lines) == 2
    assert all(len(line.removeprefix("<b>").removesuffix("</b>")) <= 40 for line in lines)
    plain = " ".join(line.removeprefix("<b>").removesuffix("</b>") for line in lines)
    assert plain == "found: logistic, lightgbm, transformer, a&lt;b, lstm, gru"
    assert figure.layout.margin.t == differences(report).layout.margin.t + 20


def test_a_fold_without_a_score_is_a_gap(report):
    by_fold = dict(report.evaluation.by_fold)
    by_fold["logistic"] = (Score(float("nan")), *by_fold["logistic"][1:])
    figure = accuracy_by_fold(replace(report, evaluation=replace(report.evaluation, by_fold=by_fold)))
    assert traces(figure, "logistic")[0].y[0] is None


def test_reliability_over_seeds_is_weighted_by_days():
    nan = float("nan")
    said = Reliability(
        forecast=np.array([[0.2, 0.4, nan], [0.3, nan, nan]]),
        share_up=np.array([[0.0, 1.0, nan], [0.5, nan, nan]]),
        count=np.array([[10, 6, 0], [30, 0, 0]]),
    )
    forecast, share, count = over_seeds(said)
    np.testing.assert_allclose(forecast, [(0.2 * 10 + 0.3 * 30) / 40, 0.4])
    np.testing.assert_allclose(share, [15 / 40, 1.0])
    np.testing.assert_allclose(count, [20.0, 3.0])


def test_calibration_draws_every_model_and_the_diagonal(report):
    figure = calibration(report)
    for name, said in report.evaluation.reliabilities.items():
        (trace,) = traces(figure, name)
        forecast, share, count = over_seeds(said)
        np.testing.assert_allclose(trace.x, forecast, atol=6e-5)
        np.testing.assert_allclose(trace.y, share, atol=6e-5)
        np.testing.assert_allclose(trace.customdata, count, atol=0.06)
    diagonal = figure.data[-1]
    assert list(diagonal.x) == list(diagonal.y)


def test_differences_have_their_intervals_and_say_that_nothing_was_found(report):
    figure = differences(report)
    accuracy = [c for c in report.evaluation.comparisons if c.measure == "accuracy"]
    (trace,) = traces(figure, "accuracy")
    np.testing.assert_allclose(trace.x, [100 * c.estimate for c in accuracy], atol=6e-4)
    np.testing.assert_allclose(trace.x + np.array(trace.error_x.array), [100 * c.high for c in accuracy], atol=2e-3)
    np.testing.assert_allclose(trace.x - np.array(trace.error_x.arrayminus), [100 * c.low for c in accuracy], atol=2e-3)
    labels = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert [labels[y] for y in trace.y] == [f"{c.first} − {c.second}" for c in accuracy]
    assert not any(f.found for f in report.evaluation.findings)
    assert figure.layout.title.text == "<b>nothing found</b>"


def test_differences_name_what_was_found_and_colour_by_the_interval(report):
    evaluation = report.evaluation
    gaps = tuple(
        replace(c, low=0.01, high=0.2) if c.first == "logistic" else replace(c, low=-0.1, high=0.1)
        for c in evaluation.comparisons
    )
    found = (
        Finding("logistic", "reversal", 0.05, 0.01, True),
        Finding("lightgbm", "reversal", 0.0, 0.9, False),
    )
    figure = differences(replace(report, evaluation=replace(evaluation, comparisons=gaps, findings=found)))
    assert figure.layout.title.text == "<b>found: logistic</b>"
    (trace,) = traces(figure, "accuracy")
    tone = dict(zip(trace.text, trace.marker.symbol, strict=True))
    assert {mark for text, mark in tone.items() if text.startswith("logistic")} == {"triangle-right"}
    assert {mark for text, mark in tone.items() if text.startswith("lightgbm")} == {"circle"}


def test_every_model_has_its_own_colour():
    names = ("majority", "reversal", "momentum", "logistic", "lightgbm", "dnn", "lstm", "gru", "transformer")
    assert len(set(colours(names).values())) == len(names)


def test_no_face_offers_to_send_a_chart_away():
    assert CONFIG["showSendToCloud"] is False
    assert CONFIG["plotlyServerURL"] == ""
