"""Figures of a kept ledger: they add up to the scores of the run, for pairs and for stocks."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from tenor.report.ledger_figures import Way, equity, returns, ways


@pytest.mark.parametrize("products", ["one", "several"])
def test_returns_of_pairs_are_those_that_were_scored(small_run, report, products):
    kept = small_run.report if products == "one" else report
    evaluation, ledger = kept.evaluation, kept.frames()["ledger"]
    held = ways(ledger)
    assert {(way.rule, way.fill) for way in held} == {(one.position, one.fill) for one in evaluation.earned}
    sessions = len(evaluation.sessions)
    for one in (one for one in evaluation.earned if one.scope == "all"):
        daily = returns(ledger, Way(one.position, one.fill)).filter(pl.col("model") == one.model)
        by_seed = daily.group_by("seed").agg(pl.col("net", "gross").sum())
        for column, score in (("net", "annual_return"), ("gross", "annual_return_gross")):
            yearly = by_seed[column].mean() / sessions * 243
            assert one.scores[score].mean == pytest.approx(yearly, rel=1e-9, abs=1e-12), (one.model, score)


def test_equity_is_the_running_sum_with_the_band_of_the_seeds(small_run):
    ledger = small_run.report.frames()["ledger"]
    daily = returns(ledger, ways(ledger)[0])
    drawn = equity(daily, ["lstm"])
    by_name = {trace.name: trace for trace in drawn.data if trace.name and trace.showlegend is not False}
    sums = daily.filter(pl.col("model") == "lstm").group_by("seed").agg(pl.col("net").sum())["net"].to_numpy()
    assert by_name["lstm"].y[-1] == pytest.approx(100 * sums.mean(), abs=0.01)
    assert by_name["lstm"].visible is True
    assert by_name["reversal"].visible == "legendonly"
    band = [trace for trace in drawn.data if trace.legendgroup == "lstm" and trace.hoverinfo == "skip"]
    assert [trace.y[-1] for trace in band] == pytest.approx([100 * sums.min(), 100 * sums.max()], abs=0.01)
    falls = [trace for trace in drawn.data if trace.name == "lstm drawdown"]
    assert max(falls[0].y) <= 0.0


def test_returns_of_stocks_are_the_means_over_seeds_that_were_kept(small_stocks):
    ledger = small_stocks.report.frames()["ledger"]
    way = ways(ledger)[0]
    mine = ledger.filter((pl.col("portfolio") == way.rule) & (pl.col("fill") == way.fill) & (pl.col("model") == "lstm"))
    daily = returns(ledger, way).filter(pl.col("model") == "lstm")
    assert np.allclose(daily["net"].to_numpy(), mine["net"].to_numpy())
    assert daily["seed"].unique().to_list() == [0]
    assert len([trace for trace in equity(daily, ["lstm"]).data if trace.hoverinfo == "skip"]) == 0


def test_capital_stays_committed_on_a_session_without_a_pair_and_is_free_before_the_first():
    days = pl.date_range(date(2020, 1, 6), date(2020, 1, 9), eager=True)
    held = [("T", 0, 10.0), ("T", 2, 20.0), ("T", 3, 20.0), ("TL", 1, 100.0), ("TL", 2, 100.0)]
    ledger = pl.DataFrame(
        {
            "session": [days[at] for _, at, _ in held],
            "product": [code for code, _, _ in held],
            "capital": [capital for _, _, capital in held],
            "model": "lstm",
            "seed": 1,
            "position_rule": "sign",
            "fill": "same_close",
            "net": 1.0,
            "gross": 2.0,
        }
    )
    daily = returns(ledger, Way("sign", "same_close"))
    assert daily["session"].to_list() == days.to_list()
    assert daily["net"].to_list() == [1 / 10, 1 / 110, 2 / 120, 1 / 20]
    assert daily["gross"].to_list() == [2 / 10, 2 / 110, 4 / 120, 2 / 20]
