"""The simulated market can fool nobody: nothing is found where nothing was planted, and what was planted is found.

The whole path is used, from the drawn tables to the finding: a leak anywhere on it (a factor, a scaler, a label, a
fold, a calibrator) shows as accuracy above a coin over many markets, long before it shows in a single study.
"""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tenor.io.sources.simulated import Simulated
from tenor.io.studies import read_study
from tenor.report.report import Report
from tenor.study import Study, run
from tenor.trust.evaluation import RULES, Direction

pytestmark = pytest.mark.slow

MARKETS = 24
LEVEL = 0.95


@cache
def small() -> Study:
    """The demo's study on one product, with fewer folds, seeds and draws."""
    study = read_study(Path(__file__).parents[1] / "studies" / "cgb-spread.toml")
    chosen = tuple(model for model in study.models if model.kind in (*RULES, "logistic", "lstm"))
    return replace(
        study,
        seeds=2,
        models=chosen,
        positions=study.positions[:1],
        split=replace(study.split, train=500, validation=120, test=300),
        fit=replace(study.fit, epochs=30),
        statistics=replace(study.statistics, level=LEVEL, replications=400),
        trading=replace(study.trading, fills=("same_close",)),
    )


@cache
def report(seed: int, signal: float) -> Report:
    market = Simulated(products=("T",), first=date(2016, 1, 4), last=date(2023, 12, 29), seed=seed, signal=signal)
    return run(replace(small(), market=market), market.read())


def accuracy(seed: int, signal: float, model: str) -> Direction:
    (found,) = [d for d in report(seed, signal).evaluation.directions if d.model == model]
    return found


def test_nothing_is_found_where_nothing_was_planted() -> None:
    found = sum(any(f.found for f in report(seed, 0.0).evaluation.findings) for seed in range(MARKETS))
    # a study finds something at most once in twenty: five or more of 24 would happen once in 150 such tests
    assert found <= 4


@pytest.mark.parametrize("model", ["logistic", "lstm", "reversal"])
def test_no_model_is_better_than_a_coin_where_nothing_was_planted(model: str) -> None:
    said = [accuracy(seed, 0.0, model) for seed in range(MARKETS)]
    right = sum(d.scores["accuracy"].mean * d.n for d in said)
    n = sum(d.n for d in said)
    # the majority of a test range is not known beforehand, so a coin is right half of the time
    assert abs(right / n - 0.5) < 3.5 * 0.5 / np.sqrt(n)


def test_a_planted_signal_is_recovered() -> None:
    best = 0.5 + np.arcsin(0.4) / np.pi
    for seed in range(3):
        findings = {f.model: f for f in report(seed, 0.4).evaluation.findings}
        assert findings["logistic"].found
        assert accuracy(seed, 0.4, "logistic").scores["accuracy"].mean == pytest.approx(best, abs=0.05)
        assert accuracy(seed, 0.4, "lstm").scores["accuracy"].low > 0.5


def test_a_planted_signal_is_worth_money_before_costs() -> None:
    for seed in range(3):
        (earned,) = [e for e in report(seed, 0.4).evaluation.earned if e.model == "logistic"]
        assert earned.scores["sharpe_gross"].low > 0
