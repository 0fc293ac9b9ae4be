"""Calibration of a kept run: as the report drew it from what it held in memory."""

import numpy as np
import polars as pl

from tenor.report.figures import calibration, over_seeds
from tenor.report.forecast_figures import calibration_of_run, reliabilities
from tenor.report.headline import headline


def test_a_kept_run_is_calibrated_as_its_report(small_run) -> None:
    report = small_run.report
    found = reliabilities(report.forecasts)
    for name, held in report.evaluation.reliabilities.items():
        np.testing.assert_allclose(np.concatenate(over_seeds(found[name])), np.concatenate(over_seeds(held)))
    drawn, kept = calibration(report), calibration_of_run(report.forecasts, headline(report).shown)
    assert kept.to_dict() == drawn.to_dict()


def test_of_stocks_the_mean_over_seeds_is_drawn(small_stocks) -> None:
    frame = small_stocks.report.forecasts
    found = reliabilities(frame)
    known = frame.filter(
        pl.col("change").is_finite(), pl.col("up").is_finite(), pl.col("label") != -1, pl.col("change") != 0
    )
    for name, said in found.items():
        mine = known.filter(pl.col("model") == name)
        assert said.count.sum() == mine.height
        assert np.nansum(said.share_up * said.count) == (mine["change"] > 0).sum()


def test_a_model_that_hardly_spoke_is_left_out() -> None:
    few = pl.DataFrame(
        {"session": [1, 2], "code": "A", "model": "lstm", "up": [0.4, 0.6], "change": [0.1, 0.1], "label": [1, 1]}
    )
    assert reliabilities(few) == {}
