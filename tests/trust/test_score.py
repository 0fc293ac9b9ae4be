"""Scores against scikit-learn and skfolio, tables worked by hand, and what must hold for any input."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skfolio.measures import get_drawdowns, max_drawdown
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    log_loss,
    matthews_corrcoef,
    roc_auc_score,
)

from tenor.errors import SplitError, StudyError
from tenor.trust.score import (
    direction_scores,
    reliability,
    return_scores,
    right_calls,
    sharpe_ratio,
)

YEAR = 243


@pytest.fixture(autouse=True)
def _strict_numerics() -> Iterator[None]:
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


def _drawn(seed: int, seeds: int = 4, n: int = 200, up: float = 0.5):
    rng = np.random.default_rng(seed)
    change = np.where(rng.random(n) < up, 1.0, -1.0) * rng.uniform(0.005, 0.1, n)
    p_up = np.clip(0.5 + 0.1 * np.sign(change) + rng.normal(0, 0.25, (seeds, n)), 0.01, 0.99)
    return p_up, change, np.abs(change) < 0.02


# ---------------------------------------------------------------- directions, against scikit-learn


@pytest.mark.parametrize("up", [0.5, 0.8, 0.1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_score_is_scikit_learns(seed, up):
    p_up, change, neutral = _drawn(seed, up=up)
    got = direction_scores(p_up, change, neutral)
    days, y = ~neutral, change[~neutral] > 0
    for s, p in enumerate(p_up):
        call = p[days] > 0.5
        assert got.accuracy[s] == pytest.approx(accuracy_score(y, call), rel=1e-14)
        assert got.balanced_accuracy[s] == pytest.approx(balanced_accuracy_score(y, call), rel=1e-14)
        assert got.mcc[s] == pytest.approx(matthews_corrcoef(y, call), rel=1e-12)
        assert got.auc[s] == pytest.approx(roc_auc_score(y, p[days]), rel=1e-14)
        assert got.log_loss[s] == pytest.approx(log_loss(y, p[days]), rel=1e-13)
        assert got.brier[s] == pytest.approx(brier_score_loss(y, p[days]), rel=1e-13)
        assert got.accuracy_neutral[s] == pytest.approx(accuracy_score(change[neutral] > 0, p[neutral] > 0.5))
        assert got.accuracy_all[s] == pytest.approx(accuracy_score(change > 0, p > 0.5))
    assert got.undefined == {}


def test_auc_with_ties_is_scikit_learns():
    p_up, change, neutral = _drawn(3)
    coarse = np.round(p_up, 1)
    got = direction_scores(coarse, change, neutral).auc
    want = [roc_auc_score(change[~neutral] > 0, p[~neutral]) for p in coarse]
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_a_certain_miss_costs_what_scikit_learn_says_and_is_counted():
    got = direction_scores([[1.0, 0.0, 0.6]], [-1.0, -1.0, 1.0], [False] * 3)
    assert got.log_loss[0] == pytest.approx(log_loss([0, 0, 1], [1.0, 0.0, 0.6]))
    assert got.n_certain.tolist() == [2]


def test_calibration_error_is_the_mean_gap_over_tenths():
    p_up, change, _ = _drawn(4, n=200)
    got = direction_scores(p_up, change, np.zeros(200, bool)).ece
    for s, p in enumerate(p_up):
        tenths = np.array_split(np.argsort(p), 10)
        want = np.mean([abs(np.mean(change[t] > 0) - p[t].mean()) for t in tenths])
        assert got[s] == pytest.approx(want, rel=1e-12)


# ---------------------------------------------------------------- directions, by hand


def test_one_week_by_hand():
    """Six days outside the band (3 up, 3 down), two inside, one without a change."""
    change = [0.03, 0.03, 0.03, -0.03, -0.03, -0.03, 0.005, -0.005, 0.0]
    neutral = [False] * 6 + [True] * 3
    p_up = [[0.9, 0.7, 0.4, 0.2, 0.3, 0.6, 0.8, 0.8, 0.8]]
    got = direction_scores(p_up, change, neutral)
    assert (got.n, got.n_neutral, got.n_zero) == (6, 2, 1)
    assert got.accuracy.tolist() == [4 / 6]
    assert got.accuracy_neutral.tolist() == [0.5]
    assert got.accuracy_all.tolist() == [5 / 8]
    assert got.balanced_accuracy == pytest.approx([2 / 3])
    assert got.mcc == pytest.approx([1 / 3])  # (2*2 - 1*1) / sqrt(3*3*3*3)
    assert got.auc == pytest.approx([8 / 9])  # only 0.4 (up) lies below 0.6 (down)
    assert got.brier == pytest.approx([(0.01 + 0.09 + 0.36 + 0.04 + 0.09 + 0.36) / 6])


def test_a_day_without_a_change_is_never_scored_even_outside_the_band():
    got = direction_scores([[0.9, 0.9]], [1.0, 0.0], [False, False])
    assert (got.n, got.n_neutral, got.n_zero) == (1, 0, 1)
    assert got.accuracy.tolist() == [1.0]


def test_exactly_one_half_is_half_right_and_counted():
    got = direction_scores([[0.5, 0.5, 0.9, 0.9]], [1.0, -1.0, 1.0, -1.0], [False] * 4)
    assert got.accuracy.tolist() == [0.5]
    assert got.n_no_call.tolist() == [2]
    lone = direction_scores([[0.5, 0.9, 0.9]], [1.0, 1.0, -1.0], [False] * 3)
    assert lone.accuracy.tolist() == [0.5]  # (1/2 + 1 + 0) / 3
    assert lone.balanced_accuracy.tolist() == [(0.75 + 0.0) / 2]


@pytest.mark.parametrize("p", [0.5, 0.7, 0.2])
def test_a_constant_forecast_knows_nothing(p):
    _, change, neutral = _drawn(5, up=0.6)
    constant = np.full((2, len(change)), p)
    got = direction_scores(constant, change, neutral)
    assert got.auc.tolist() == [0.5, 0.5]
    assert got.mcc.tolist() == [0.0, 0.0]
    assert got.balanced_accuracy == pytest.approx([0.5, 0.5])
    share = np.mean(change[~neutral] > 0)
    assert got.ece == pytest.approx([abs(share - p)] * 2)
    bins = reliability(constant, change, neutral)
    assert (bins.count > 0).sum(axis=1).tolist() == [1, 1]
    assert np.nanmax(bins.count) == got.n


@pytest.mark.parametrize(("sign", "word"), [(1.0, "rose"), (-1.0, "fell")])
def test_one_class_only_is_nan_with_the_reason(sign, word):
    got = direction_scores([[0.9, 0.2, 0.6]], sign * np.ones(3), [False] * 3)
    assert np.isnan([got.auc[0], got.mcc[0], got.balanced_accuracy[0]]).all()
    assert set(got.undefined) == {"auc", "mcc", "balanced_accuracy", "accuracy_neutral"}
    assert word in got.undefined["auc"]
    assert np.isfinite([got.accuracy[0], got.log_loss[0], got.brier[0], got.ece[0], got.accuracy_all[0]]).all()


def test_nothing_outside_the_band_is_nan_with_the_reason():
    got = direction_scores([[0.9, 0.2]], [0.01, -0.01], [True, True])
    for name in ("accuracy", "balanced_accuracy", "mcc", "auc", "log_loss", "brier", "ece"):
        assert np.isnan(getattr(got, name)).all()
        assert "outside" in got.undefined[name]
    assert got.accuracy_neutral.tolist() == got.accuracy_all.tolist() == [1.0]


def test_a_market_that_never_moved():
    got = direction_scores([[0.9, 0.2]], [0.0, 0.0], [True, False])
    assert np.isnan(got.accuracy_all).all()
    assert got.undefined["accuracy_all"] == "no day had a change"
    assert got.n_zero == 2


def test_reliability_counts_add_up_and_forecasts_rise():
    p_up, change, neutral = _drawn(6, n=333)
    bins = reliability(p_up, change, neutral, bins=7)
    outside = (~neutral).sum()
    assert bins.count.sum(axis=1).tolist() == [outside] * 4
    assert np.ptp(bins.count) <= 1
    assert (np.diff(bins.forecast, axis=1) > 0).all()
    weighted = (bins.share_up * bins.count).sum(axis=1) / outside
    np.testing.assert_allclose(weighted, np.mean(change[~neutral] > 0), rtol=1e-12)


def test_equal_forecasts_share_a_bin_wherever_the_cut_would_fall():
    p = np.array([[0.1] * 7 + [0.4] * 6 + [0.9] * 7])
    bins = reliability(p, np.tile([1.0, -1.0], 10), np.zeros(20, bool), bins=10)
    kept = bins.count[0] > 0
    assert bins.count[0][kept].tolist() == [7, 6, 7]
    np.testing.assert_allclose(bins.forecast[0][kept], [0.1, 0.4, 0.9])
    assert np.isnan(bins.share_up[0][~kept]).all()


def test_right_calls_table():
    got = right_calls([[0.9, 0.1, 0.5, 0.9]], [1.0, 1.0, -1.0, 0.0])
    np.testing.assert_array_equal(got, [[1.0, 0.0, 0.5, np.nan]])


# ---------------------------------------------------------------- directions, properties

sixty_fourths = st.lists(
    st.tuples(st.integers(0, 64), st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])), min_size=1, max_size=60
)


@given(sixty_fourths, st.floats(0.3, 3.0))
@settings(max_examples=80, deadline=None)
def test_only_the_side_of_one_half_counts_for_accuracy(days, power):
    p, change = np.array([k for k, _ in days]) / 64.0, np.array([c for _, c in days])
    bent = 0.5 + 0.5 * np.sign(p - 0.5) * np.abs(2 * p - 1) ** power
    neutral = np.abs(change) < 1.5
    one, other = (direction_scores(q[None], change, neutral) for q in (p, bent))
    for name in ("accuracy", "balanced_accuracy", "mcc", "auc", "accuracy_neutral", "accuracy_all"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@given(sixty_fourths)
@settings(max_examples=80, deadline=None)
def test_betting_against_the_forecast_mirrors_every_score(days):
    p, change = np.array([[k for k, _ in days]]) / 64.0, np.array([c for _, c in days])
    neutral = np.abs(change) < 1.5
    one, other = direction_scores(p, change, neutral), direction_scores(1.0 - p, change, neutral)
    np.testing.assert_allclose(one.mcc, -other.mcc, atol=1e-14)
    for name in ("accuracy", "balanced_accuracy", "auc", "accuracy_neutral", "accuracy_all"):
        np.testing.assert_allclose(getattr(one, name), 1.0 - getattr(other, name), atol=1e-14)


@given(sixty_fourths)
@settings(max_examples=80, deadline=None)
def test_scores_stay_in_range_and_groups_add_up(days):
    p, change = np.array([[k for k, _ in days]]) / 64.0, np.array([c for _, c in days])
    got = direction_scores(p, change, np.abs(change) < 1.5)
    assert got.n + got.n_neutral + got.n_zero == len(days)
    for name, low in (("accuracy", 0), ("auc", 0), ("ece", 0), ("brier", 0), ("mcc", -1 - 1e-12)):
        value = getattr(got, name)[0]
        assert (name in got.undefined) == bool(np.isnan(value))
        assert np.isnan(value) or low <= value <= 1 + 1e-12


# ---------------------------------------------------------------- directions, refusals


@pytest.mark.parametrize(
    ("p_up", "change", "neutral", "error", "words"),
    [
        ([0.5, 0.5], [1.0, 1.0], [False] * 2, ValueError, r"\(seed, n\)"),
        ([[0.5]], [1.0, 1.0], [False] * 2, ValueError, "same days"),
        ([[0.5, np.nan]], [1.0, 1.0], [False] * 2, ValueError, "not finite"),
        ([[0.5, 0.5]], [1.0, np.nan], [False] * 2, ValueError, "outcome is known"),
        ([[0.5, 1.5]], [1.0, 1.0], [False] * 2, ValueError, r"\[0, 1\]"),
        ([[0.5, 0.5]], [1.0, 1.0], [0, 1], ValueError, "must be bool"),
        ([[0.5, 0.5]], [1.0, 1.0], [False], ValueError, "must be bool"),
        (np.empty((2, 0)), [], np.empty(0, bool), SplitError, "no day to score"),
    ],
)
def test_malformed_forecasts_are_refused(p_up, change, neutral, error, words):
    with pytest.raises(error, match=words):
        direction_scores(p_up, change, neutral)


def test_no_bins_is_refused():
    with pytest.raises(StudyError, match="at least 1 bin"):
        reliability([[0.5, 0.6]], [1.0, -1.0], [False] * 2, bins=0)


# ---------------------------------------------------------------- returns


def _traded(seed: int, seeds: int = 3, n: int = 300):
    rng = np.random.default_rng(seed)
    gross = rng.normal(20.0, 400.0, (seeds, n))
    legs = rng.integers(0, 5, (seeds, n)).astype(float)
    return gross - 3.0 * legs, gross, rng.uniform(18_000.0, 22_000.0, n), legs, np.ones((seeds, n), bool)


def test_four_days_by_hand():
    """Margin 100: down 10, up 30, down 15, up 5; two legs in on the first day and two out on the last."""
    net, legs = [[-10.0, 30.0, -15.0, 5.0]], [[2.0, 0.0, 0.0, 2.0]]
    gross = [[-9.0, 30.0, -15.0, 6.0]]
    got = return_scores(net, gross, [100.0] * 4, legs, [[True] * 4], sessions_per_year=200)
    assert got.total.tolist() == [10.0]
    assert got.total_gross.tolist() == [12.0]
    assert got.annual.tolist() == [500.0]  # 4 sessions are a fiftieth of a year
    assert got.annual_return == pytest.approx([5.0])
    assert got.annual_return_gross == pytest.approx([6.0])
    assert got.volatility == pytest.approx([np.std([-0.1, 0.3, -0.15, 0.05], ddof=1) * np.sqrt(200)])
    assert got.sharpe == pytest.approx(got.annual_return / got.volatility)
    assert got.max_drawdown == pytest.approx([0.15])
    assert got.calmar == pytest.approx([5.0 / 0.15])
    assert got.hit_rate.tolist() == [0.5]
    assert got.turnover.tolist() == [50.0]  # one round trip of four legs in a fiftieth of a year
    assert got.break_even_cost.tolist() == [3.0]
    assert (got.n_held.tolist(), got.n, got.undefined) == ([4], 4, {})


def test_a_loss_on_the_first_day_is_a_drawdown():
    got = return_scores(
        [[-10.0, 1.0]], [[-10.0, 1.0]], [100.0] * 2, [[0.0, 0.0]], [[True, True]], sessions_per_year=YEAR
    )
    assert got.max_drawdown.tolist() == [0.1]


def test_returns_are_on_the_margin_of_their_own_day():
    got = return_scores(
        [[10.0, 10.0]], [[10.0, 10.0]], [100.0, 50.0], [[4.0, 0.0]], [[True, True]], sessions_per_year=2
    )
    assert got.annual_return == pytest.approx([0.1 + 0.2])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drawdown_and_sharpe_are_skfolios(seed):
    net, gross, capital, legs, held = _traded(seed)
    got = return_scores(net, gross, capital, legs, held, sessions_per_year=YEAR)
    returns = (net / capital).T
    np.testing.assert_allclose(got.max_drawdown, max_drawdown(get_drawdowns(returns)), rtol=1e-12)
    want = returns.mean(axis=0) / returns.std(axis=0, ddof=1) * np.sqrt(YEAR)
    np.testing.assert_allclose(got.sharpe, want, rtol=1e-13)


def test_charging_the_break_even_cost_leaves_nothing():
    _, gross, capital, legs, held = _traded(7)
    cost = return_scores(gross, gross, capital, legs, held, sessions_per_year=YEAR).break_even_cost
    np.testing.assert_allclose((gross - cost[:, None] * legs).sum(axis=1), 0.0, atol=1e-8)


def test_a_seed_that_never_traded_has_sharpe_zero_and_says_so():
    net, gross, capital, legs, held = _traded(8, seeds=2)
    for array in (net, gross, legs, held):
        array[1] = 0
    got = return_scores(net, gross, capital, legs, held, sessions_per_year=YEAR)
    assert got.sharpe[1] == got.sharpe_gross[1] == got.max_drawdown[1] == got.annual[1] == 0.0
    assert np.isnan([got.calmar[1], got.hit_rate[1], got.break_even_cost[1]]).all()
    assert np.isfinite([got.calmar[0], got.hit_rate[0], got.break_even_cost[0], got.sharpe[0]]).all()
    assert "0 by convention for 1 of 2" in got.undefined["sharpe"]
    assert got.undefined["break_even_cost"] == "NaN for 1 of 2 seeds: nothing was traded"
    assert "never held" in got.undefined["sharpe_gross"]


def test_a_return_that_never_varies_has_no_sharpe():
    one = np.full((1, 7), 0.1)
    got = return_scores(one, one, np.ones(7), 0 * one, one > 0, sessions_per_year=YEAR)
    assert np.isnan(got.sharpe[0])
    assert "never varied" in got.undefined["sharpe"]
    assert "no drawdown" in got.undefined["calmar"]


def test_days_without_a_position_do_not_count_as_misses():
    net = [[5.0, 0.0, 0.0, -1.0]]
    got = return_scores(net, net, [100.0] * 4, [[0.0] * 4], [[True, False, False, True]], sessions_per_year=YEAR)
    assert got.hit_rate.tolist() == [0.5]
    assert got.n_held.tolist() == [2]


money = st.lists(st.integers(-1000, 1000), min_size=2, max_size=50)


@given(money, st.integers(1, 1000))
@settings(max_examples=80, deadline=None)
def test_drawdown_is_never_negative_and_scores_scale_with_capital(days, margin):
    net = np.array([days], float)
    flat, held = np.zeros_like(net), np.ones(net.shape, bool)
    one = return_scores(net, net, np.ones(len(days)), flat, held, sessions_per_year=YEAR)
    other = return_scores(net, net, np.full(len(days), float(margin)), flat, held, sessions_per_year=YEAR)
    assert one.max_drawdown[0] >= max(0.0, -min(days))
    np.testing.assert_allclose(other.max_drawdown * margin, one.max_drawdown, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(other.sharpe, one.sharpe, rtol=1e-8, atol=1e-8)
    np.testing.assert_array_equal(other.total, one.total)
    assert (one.max_drawdown[0] == 0) == (min(days) >= 0)


def test_sharpe_ratio_per_session():
    values = np.random.default_rng(9).normal(0.1, 1.0, (2, 3, 50))
    np.testing.assert_allclose(sharpe_ratio(values), values.mean(-1) / values.std(-1, ddof=1), rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"gross": np.zeros((1, 2))}, ValueError, "gross has shape"),
        ({"held": np.zeros(3, bool)}, ValueError, "held has shape"),
        ({"capital": np.ones(2)}, ValueError, "one margin per session"),
        ({"capital": np.array([1.0, 0.0, 1.0])}, ValueError, "capital must be positive"),
        ({"legs": -np.ones((1, 3))}, ValueError, "legs not negative"),
        ({"net": np.array([[1.0, np.nan, 1.0]])}, ValueError, "net has 1 values that are not finite"),
        ({"sessions_per_year": 0}, StudyError, "sessions_per_year"),
        ({"legs_per_round_trip": 0}, StudyError, "legs_per_round_trip"),
    ],
)
def test_malformed_money_is_refused(change, error, words):
    zeros = np.zeros((1, 3))
    sound = {"net": zeros, "gross": zeros, "capital": np.ones(3), "legs": zeros, "held": zeros > 0}
    with pytest.raises(error, match=words):
        return_scores(**(sound | {"sessions_per_year": YEAR} | change))


def test_one_session_has_no_volatility():
    one = np.ones((1, 1))
    with pytest.raises(SplitError, match="at least 2"):
        return_scores(one, one, np.ones(1), one, one > 0, sessions_per_year=YEAR)


def test_importing_the_scores_stays_light():
    code = (
        "import sys, tenor.trust.score, tenor.trust.significance;"
        "print(sorted({'arch', 'scipy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
