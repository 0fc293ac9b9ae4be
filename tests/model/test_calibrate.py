"""Calibration against an independent optimiser and scikit-learn, with little data and with much."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from tenor.model.calibrate import IDENTITY, Calibration, Calibrator, widened, widening
from tenor.units import Floats, Ints


def drawn(count: int, slope: float, intercept: float, seed: int = 0) -> tuple[Floats, Ints]:
    """Raw probabilities, and labels whose true logit is ``slope * logit(raw) + intercept``."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0.2, 1.0, count)
    return expit(z), (rng.random(count) < expit(slope * z + intercept)).astype(np.int64)


def negative_posterior(theta: Floats, raw: Floats, label: Ints, intercept: bool) -> float:
    """Written out anew from the module's docstring: Platt's targets, a standard normal around (1, 0)."""
    a, b = theta if intercept else (theta[0], 0.0)
    ups, downs = (label == 1).sum(), (label == 0).sum()
    target = np.where(label == 1, (ups + 1) / (ups + 2), 1 / (downs + 2))
    p = np.clip(expit(a * logit(raw) + b), 1e-300, 1 - 1e-16)
    likelihood = np.sum(target * np.log(p) + (1 - target) * np.log(1 - p))
    return float(-likelihood + 0.5 * (a - 1) ** 2 + 0.5 * b**2)


@pytest.mark.parametrize("kind", ["platt", "temperature"])
@pytest.mark.parametrize("count", [3, 40, 400])
@pytest.mark.parametrize(("slope", "intercept"), [(0.3, -0.5), (1.0, 0.0), (2.5, 0.7), (-1.0, 0.2)])
def test_against_an_independent_optimiser(
    kind: Literal["platt", "temperature"], count: int, slope: float, intercept: float
) -> None:
    raw, label = drawn(count, slope, intercept)
    both = kind == "platt"
    best = minimize(
        negative_posterior,
        x0=[0.5, 0.0][: 1 + both],
        args=(raw, label, both),
        bounds=[(0, None), (None, None)][: 1 + both],
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-9},
    )
    learnt = Calibration(kind).learn(raw, label)
    found = [learnt.slope, learnt.intercept][: 1 + both]
    np.testing.assert_allclose(found, best.x, atol=2e-4)
    # nothing that a step away is better, and the bound is where it must be
    assert negative_posterior(np.array(found), raw, label, both) <= best.fun + 1e-9
    assert both or learnt.intercept == 0.0


class Logits(ClassifierMixin, BaseEstimator):
    """What scikit-learn calibrates: a classifier whose decision function is its input."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 1

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, x: Floats, y: Ints) -> "Logits":
        return self

    def decision_function(self, x: Floats) -> Floats:
        return x[:, 0]

    def predict(self, x: Floats) -> Ints:
        return (x[:, 0] > 0).astype(np.int64)


def test_against_scikit_learn_where_data_are_many() -> None:
    raw, label = drawn(20_000, 0.6, -0.3)
    z = logit(raw)[:, None]
    reference = CalibratedClassifierCV(FrozenEstimator(Logits()), method="sigmoid").fit(z, label)
    learnt = Calibration("platt").learn(raw, label)
    np.testing.assert_allclose(learnt.apply(raw), reference.predict_proba(z)[:, 1], atol=1e-3)


def test_much_data_recovers_the_truth() -> None:
    raw, label = drawn(200_000, 0.4, 0.25, seed=3)
    learnt = Calibration("platt").learn(raw, label)
    np.testing.assert_allclose([learnt.slope, learnt.intercept], [0.4, 0.25], atol=0.02)
    tempered = Calibration("temperature").learn(*drawn(200_000, 0.4, 0.0, seed=4))
    assert tempered.slope == pytest.approx(0.4, abs=0.02)


def test_little_data_stay_near_the_identity() -> None:
    """Four days that all went as said move the slope by little, where the likelihood alone knows no end."""
    raw = np.array([0.51, 0.52, 0.48, 0.49])
    learnt = Calibration("platt").learn(raw, np.array([1, 1, 0, 0]))
    assert 1.0 < learnt.slope < 1.1
    assert abs(learnt.intercept) < 0.05


def test_logits_that_hardly_move_are_not_stretched() -> None:
    """Sixty days whose forecasts stay within a hair of one half cannot earn large convictions."""
    rng = np.random.default_rng(6)
    raw = 0.5 + 1e-3 * rng.standard_normal(60)
    label = (raw > 0.5).astype(np.int64)
    learnt = Calibration("platt").learn(raw, label)
    assert np.ptp(learnt.apply(raw)) < 2 * np.ptp(raw)


probabilities = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


@given(probabilities, st.integers(0, 2**32 - 1), st.sampled_from(["platt", "temperature"]))
def test_a_forecast_is_never_turned_upside_down(
    raw: list[float], seed: int, kind: Literal["platt", "temperature"]
) -> None:
    given_raw = np.array(raw)
    label = np.random.default_rng(seed).integers(0, 2, len(raw))
    learnt = Calibration(kind).learn(given_raw, label)
    assert learnt.slope >= 0
    assert np.isfinite(learnt.intercept)
    said = learnt.apply(np.sort(given_raw))
    assert (np.diff(said) >= 0).all()
    assert ((said >= 0) & (said <= 1)).all()


def test_a_model_that_is_always_wrong_is_said_to_know_nothing() -> None:
    raw, label = drawn(500, -1.5, 0.0)
    learnt = Calibration("platt").learn(raw, label)
    assert learnt.slope == 0.0
    said = learnt.apply(raw)
    assert np.ptp(said) == 0
    assert said[0] == pytest.approx(label.mean(), abs=0.01)


def test_none_and_an_empty_set_are_the_identity() -> None:
    raw, label = drawn(50, 0.3, 0.4)
    assert Calibration("none").learn(raw, label) is IDENTITY
    assert Calibration("platt").learn(raw[:0], label[:0]) is IDENTITY
    np.testing.assert_allclose(IDENTITY.apply(raw), raw, rtol=1e-12)


def test_certainty_stays_a_probability() -> None:
    np.testing.assert_allclose(IDENTITY.apply(np.array([0.0, 1.0])), [1e-6, 1 - 1e-6])
    assert Calibrator(0.0, 0.0).apply(np.array([0.0, 0.3, 1.0])).tolist() == [0.5, 0.5, 0.5]


def test_intervals_move_by_the_score_that_validation_gives() -> None:
    """Nine outcomes, an interval of 80 %: the move is the eighth of the scores, ceil(10 x 0.8)."""
    outcome = np.array([0.0, 0.1, -0.2, 0.3, -0.4, 0.5, -1.6, 1.8, 3.0])[:, None]
    quantiles = np.tile([-1.0, 0.0, 1.0], (9, 1, 1))
    move = widening(quantiles, (0.1, 0.5, 0.9), outcome)
    # scores: how far outside [-1, 1], negative inside; sorted the eighth is 1.8 - 1
    np.testing.assert_allclose(move, [[-0.8, 0.0, 0.8]])
    np.testing.assert_allclose(widened(quantiles[:1], move), [[[-1.8, 0.0, 1.8]]])


def test_intervals_that_are_too_wide_become_narrower_and_never_cross() -> None:
    rng = np.random.default_rng(1)
    outcome = rng.normal(size=(2000, 2)) * [0.1, 1.0]
    quantiles = np.tile([-5.0, -4.0, 0.0, 4.0, 5.0], (2000, 2, 1))
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    moved = widened(quantiles, widening(quantiles, levels, outcome))
    assert (np.diff(moved, axis=-1) >= 0).all()
    for horizon, size in enumerate((0.1, 1.0)):
        np.testing.assert_allclose(moved[0, horizon, [0, 1, 3, 4]], size * norm.ppf(levels)[[0, 1, 3, 4]], atol=0.1)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_cover_is_met_on_new_windows(scale: float) -> None:
    """Whatever the model's own width was: quantiles of a normal distribution that is ``scale`` times too wide."""
    rng = np.random.default_rng(2)
    size = np.exp(0.5 * rng.normal(size=4000))
    outcome = (size * rng.normal(size=4000))[:, None]
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = scale * np.tile(norm.ppf(levels), (4000, 1, 1))  # in units of size
    move = widening(quantiles[:2000], levels, outcome[:2000] / size[:2000, None])
    later = widened(quantiles[2000:], move) * size[2000:, None, None]
    for low, high in ((0, 4), (1, 3)):
        inside = (outcome[2000:, 0] >= later[:, 0, low]) & (outcome[2000:, 0] <= later[:, 0, high])
        assert inside.mean() == pytest.approx(levels[high] - levels[low], abs=0.03)


def test_a_level_without_a_mirror_stays_and_so_does_everything_without_outcomes() -> None:
    quantiles, outcome = np.tile([-1.0, 0.0], (5, 1, 1)), np.full((5, 1), 3.0)
    np.testing.assert_array_equal(widening(quantiles, (0.1, 0.5), outcome), np.zeros((1, 2)))
    np.testing.assert_array_equal(widening(quantiles, (0.1, 0.9), np.full((5, 1), np.nan)), np.zeros((1, 2)))
