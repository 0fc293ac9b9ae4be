"""Positions on the spread, and costs: held to the ledger and to the tables."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tenor.report.headline import earned_by, headline
from tenor.report.traded import cost_sensitivity, positions, sharpe_by_cost


def test_no_line_crosses_a_roll(report):
    figure = positions(report)
    spread = figure.data[0]
    assert len(set(spread.text) - {None}) > 2
    for before, after in zip(spread.text[:-1], spread.text[1:], strict=True):
        assert before == after or before is None or after is None
    gaps = [y for y, pair in zip(spread.y, spread.text, strict=True) if pair is None]
    assert gaps == [None] * (len(set(spread.text) - {None}) - 1)
    assert spread.connectgaps in (None, False)


def test_spread_is_the_traded_series(report):
    mine = report.spreads.filter(pl.col("product") == "T").sort("session")
    spread = positions(report).data[0]
    drawn = {x: y for x, y in zip(spread.x, spread.y, strict=True) if x is not None}
    assert list(drawn) == [str(day) for day in mine["session"]]
    np.testing.assert_allclose(list(drawn.values()), mine["spread"].to_numpy(), atol=6e-5)


def test_positions_are_the_seed_average_of_the_headline(report):
    figure = positions(report, "lightgbm")
    rows = report.evaluation.ledger.filter(
        (pl.col("model") == "lightgbm")
        & (pl.col("product") == "T")
        & (pl.col("position_rule") == "sign")
        & (pl.col("fill") == "same_close")
    )
    first, second = (rows.filter(pl.col("seed") == seed).sort("session")["position"].to_numpy() for seed in (3, 4))
    long, short = figure.data[1], figure.data[2]
    np.testing.assert_allclose(np.add(long.y, short.y), (first + second) / 2, atol=6e-4)
    assert min(long.y) >= 0 >= max(short.y)
    assert long.line.shape == "hv"


def test_products_are_chosen_from_a_menu(report):
    figure = positions(report)
    assert [t.visible for t in figure.data] == [True] * 3 + [False] * 3
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["T", "TF"]
    assert list(menu.buttons[1].args[1]) == [False] * 3 + [True] * 3


def test_one_product_needs_no_menu(report):
    alone = replace(report, spreads=report.spreads.filter(pl.col("product") == "T"))
    figure = positions(alone)
    assert len(figure.data) == 3
    assert not figure.layout.updatemenus


@pytest.mark.parametrize("model", ["majority", "reversal", "logistic", "lightgbm"])
def test_at_the_studys_own_slippage_the_sharpe_ratio_is_that_of_the_tables(report, model):
    front = headline(report)
    stated = earned_by(report, model, front.position, front.fill).scores["sharpe"].mean
    assert sharpe_by_cost(report, (0.5,))[model] == pytest.approx([stated], rel=1e-12)


def test_dearer_legs_never_help(report):
    for values in sharpe_by_cost(report).values():
        assert (np.diff(values) <= 0).all()


def test_without_slippage_only_the_fee_is_paid(report):
    """Independently: gross less the exchange's 3 yuan a lot and leg, two legs a pair, on pooled capital."""
    rows = report.evaluation.ledger.filter(
        (pl.col("model") == "reversal") & (pl.col("position_rule") == "sign") & (pl.col("fill") == "same_close")
    ).with_columns(kept=pl.col("gross") - pl.col("traded").abs() * 2 * 3.0)
    by_day = rows.pivot(on="product", index="session", values=["kept", "capital"]).sort("session")
    by_day = by_day.with_columns(pl.col("kept_T", "kept_TF").fill_null(0.0)).with_columns(
        pl.col("capital_T", "capital_TF").fill_null(strategy="forward")
    )
    capital = by_day["capital_T"] + by_day["capital_TF"]
    returns = ((by_day["kept_T"] + by_day["kept_TF"]) / capital).to_numpy()
    expected = returns.mean() / returns.std(ddof=1) * 243**0.5
    assert sharpe_by_cost(report, (0.0,))["reversal"] == pytest.approx([expected], rel=1e-9)


def test_a_model_that_never_traded_has_zero_at_any_cost(report):
    still = pl.when(pl.col("model") == "logistic").then(0.0)
    names = ("position", "traded", "gross", "cost", "net")
    ledger = report.evaluation.ledger.with_columns(still.otherwise(pl.col(name)).alias(name) for name in names)
    changed = replace(report, evaluation=replace(report.evaluation, ledger=ledger))
    assert sharpe_by_cost(changed, (0.0, 2.0))["logistic"].tolist() == [0.0, 0.0]


def test_cost_figure_marks_the_study(report):
    figure = cost_sensitivity(report)
    assert [t.name for t in figure.data] == list(headline(report).models)
    assert figure.layout.shapes[0].x0 == 0.5
