"""Significance against arch, skfolio, statsmodels and scipy, and on simulated series of known truth."""

from collections.abc import Iterator

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm
from skfolio.measures import (
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    probabilistic_sharpe_ratio,
)
from statsmodels.stats.multitest import multipletests

from tenor.errors import SplitError, StudyError
from tenor.trust.score import right_calls
from tenor.trust.significance import (
    accuracy_difference,
    accuracy_interval,
    binomial_p_value,
    block_length,
    by_session,
    days_to_confirm,
    deflated_sharpe,
    expected_max_sharpe,
    holm,
    mean_difference,
    mean_interval,
    probabilistic_sharpe,
    resample,
    resampled_accuracy,
    resampled_mean,
    resampled_sharpe,
    sharpe_difference,
    sharpe_interval,
)

YEAR = 243


@pytest.fixture(autouse=True)
def _strict_numerics() -> Iterator[None]:
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


def _ar1(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    """Draw a stationary series of variance 1 and mean 0."""
    shocks = rng.normal(size=n) * np.sqrt(1 - phi**2)
    series = np.empty(n)
    series[0] = rng.normal()
    for t in range(1, n):
        series[t] = phi * series[t - 1] + shocks[t]
    return series


# ---------------------------------------------------------------- days


def test_days_are_archs_and_the_same_every_time():
    days = resample(50, replications=20, seed=3, block=4.0)
    reference = StationaryBootstrap(4, np.arange(50), seed=3)
    np.testing.assert_array_equal(days, [pos[0] for pos, _ in reference.bootstrap(20)])
    np.testing.assert_array_equal(days, resample(50, replications=20, seed=3, block=4.0))
    assert (days != resample(50, replications=20, seed=4, block=4.0)).any()


@pytest.mark.parametrize("block", [1.0, 2.5, 10.0])
def test_blocks_have_the_mean_length_asked_for(block):
    days = resample(1000, replications=200, seed=1, block=block)
    runs_on = np.diff(days, axis=1) % 1000 == 1
    assert runs_on.mean() == pytest.approx(1 - 1 / block, abs=0.005)
    assert 0 <= days.min() <= days.max() <= 999


def test_block_length_is_the_longest_of_archs():
    rng = np.random.default_rng(5)
    series = np.stack([_ar1(rng, 400, phi) for phi in (0.0, 0.4, 0.8)])
    want = optimal_block_length(series.T)["stationary"].to_numpy()
    assert block_length(series) == pytest.approx(want.max())
    assert block_length(series[0]) == pytest.approx(max(1.0, want[0]))
    assert block_length(np.vstack([series, np.zeros(400)])) == block_length(series)
    assert block_length(np.ones(400)) == 1.0


def test_block_length_is_at_least_one():
    alternating = np.random.default_rng(0).normal(size=200)
    lengths = [block_length(alternating[k : k + 100]) for k in range(0, 100, 10)]
    raw = [optimal_block_length(alternating[k : k + 100])["stationary"][0] for k in range(0, 100, 10)]
    assert min(lengths) >= 1.0
    np.testing.assert_allclose(lengths, np.maximum(raw, 1.0))


def test_too_little_to_resample_is_refused():
    with pytest.raises(SplitError, match="at least 2"):
        resample(1, replications=10, seed=1, block=1)
    with pytest.raises(SplitError, match="at least 8"):
        block_length(np.arange(7.0))
    for settings_ in ({"replications": 0, "block": 2.0}, {"replications": 9, "block": 0.5}):
        with pytest.raises(StudyError, match="at least 1"):
            resample(10, seed=1, **settings_)


@pytest.mark.parametrize("session", [0, 10, 99])
def test_a_series_that_moved_once_has_a_block_length_without_a_warning(session):
    once = np.zeros(100)
    once[session] = 1.0
    assert block_length(once) == 1.0


def test_a_series_too_small_to_measure_is_refused_and_not_guessed():
    with pytest.raises(SplitError, match="1 of 2 series"):
        block_length(np.random.default_rng(1).normal(size=(2, 100)) * [[1.0], [1e-170]])


# ---------------------------------------------------------------- sessions


def test_products_of_one_session_are_added_up():
    session = np.array(["2025-01-03", "2025-01-02", "2025-01-03", "2025-01-06"], "datetime64[D]")
    right = np.array([[1.0, 0.0, 0.5, np.nan], [0.0, 1.0, 1.0, np.nan]])
    got = by_session(session, right, scored=[True, True, True, False])
    assert got.session.tolist() == sorted(set(session.tolist()))
    np.testing.assert_array_equal(got.total, [[0.0, 1.5, 0.0], [1.0, 1.0, 0.0]])
    assert got.count.tolist() == [1, 2, 0]


def test_accuracy_from_sessions_is_accuracy_over_samples():
    rng = np.random.default_rng(1)
    session = rng.integers(0, 60, 200)
    change, p_up = rng.normal(size=200), rng.random((3, 200))
    right = right_calls(p_up, change)
    sums = by_session(session, right)
    days = resample(len(sums.session), replications=50, seed=2, block=3.0)
    interval = accuracy_interval(sums.total, sums.count, days)
    np.testing.assert_allclose(interval.estimate, right.mean(axis=1), rtol=1e-14)
    got = resampled_accuracy(sums.total, sums.count, days)
    for r in range(50):
        redrawn = np.concatenate([np.flatnonzero(session == sums.session[d]) for d in days[r]])
        np.testing.assert_allclose(got[:, r], right[:, redrawn].mean(axis=1), rtol=1e-13)


def test_money_of_one_series_keeps_its_shape():
    got = by_session([2, 1, 2], [1.0, 10.0, 5.0])
    assert got.total.tolist() == [10.0, 6.0]
    assert got.count.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("session", "values", "words"),
    [([1, 2], [1.0], "last axis"), ([1, 2], [1.0, np.nan], "scored value is not finite")],
)
def test_malformed_sessions_are_refused(session, values, words):
    with pytest.raises(ValueError, match=words):
        by_session(session, values)


# ---------------------------------------------------------------- statistics and intervals, against arch


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_intervals_are_archs_percentile_intervals_on_the_same_days(level):
    rng = np.random.default_rng(11)
    x, n, reps = _ar1(rng, 243, 0.2) + 0.1, 243, 600
    right, count = rng.integers(0, 4, n).astype(float), rng.integers(3, 5, n).astype(float)
    days = resample(n, replications=reps, seed=8, block=5.0)

    def sharpe(s):
        return np.atleast_1d(s.mean() / s.std(ddof=1) * np.sqrt(YEAR))

    cases = (
        (mean_interval(x, days, level=level), lambda s: np.atleast_1d(s.mean()), (x,)),
        (sharpe_interval(x, days, sessions_per_year=YEAR, level=level), sharpe, (x,)),
        (
            accuracy_interval(right, count, days, level=level),
            lambda a, b: np.atleast_1d(a.sum() / b.sum()),
            (right, count),
        ),
    )
    for got, statistic, arrays in cases:
        bootstrap = StationaryBootstrap(5, *arrays, seed=8)
        want = bootstrap.conf_int(statistic, reps, method="percentile", size=level)[:, 0]
        np.testing.assert_allclose([got.low, got.high], want, rtol=1e-9)
        np.testing.assert_allclose(got.estimate, statistic(*arrays)[0], rtol=1e-12)
        assert (got.level, got.replications, int(got.undefined)) == (level, reps, 0)


def test_many_replications_are_counted_in_chunks_without_a_seam():
    rng = np.random.default_rng(2)
    series = rng.normal(size=(3, 60))
    days = resample(60, replications=1100, seed=1, block=3.0)
    np.testing.assert_allclose(resampled_mean(series, days), series[:, days].mean(-1), atol=1e-15)
    want = series[:, days].mean(-1) / series[:, days].std(-1, ddof=1)
    np.testing.assert_allclose(resampled_sharpe(series, days, sessions_per_year=1), want, rtol=1e-10)


def test_sharpe_draws_survive_a_large_mean():
    series = 1e6 + np.random.default_rng(3).normal(size=80)
    days = resample(80, replications=30, seed=1, block=2.0)
    want = series[days].mean(-1) / series[days].std(-1, ddof=1)
    np.testing.assert_allclose(resampled_sharpe(series, days, sessions_per_year=1), want, rtol=1e-6)


def test_a_model_that_never_traded_has_sharpe_zero_throughout():
    days = resample(30, replications=40, seed=1, block=2.0)
    got = sharpe_interval(np.zeros(30), days, sessions_per_year=YEAR)
    assert (got.estimate, got.low, got.high, got.undefined) == (0.0, 0.0, 0.0, 0)


def test_a_published_sharpe_of_one_year_says_little():
    """Sharpe 1.70 over 243 days reaches from about -0.3 to 3.7 (targets of the project)."""
    noise = np.random.default_rng(0).normal(size=243)
    returns = (noise - noise.mean()) / noise.std(ddof=1) + 1.70 / np.sqrt(YEAR)
    days = resample(243, replications=2000, seed=1, block=block_length(returns))
    got = sharpe_interval(returns, days, sessions_per_year=YEAR)
    np.testing.assert_allclose([got.low, got.estimate, got.high], [-0.3, 1.70, 3.7], atol=0.15)


def test_a_constant_gain_has_no_sharpe_and_every_replication_is_counted_as_such():
    days = resample(30, replications=40, seed=1, block=2.0)
    got = sharpe_interval(np.full(30, 0.1), days, sessions_per_year=YEAR)
    assert np.isnan([got.estimate, got.low, got.high]).all()
    assert got.undefined == 40


def test_replications_without_a_call_are_left_out_and_counted():
    total, count = np.zeros(20), np.zeros(20)
    total[3], count[3] = 1.0, 1.0
    days = resample(20, replications=300, seed=1, block=1.0)
    empty = (days != 3).all(axis=1)
    got = accuracy_interval(total, count, days)
    assert 0 < empty.sum() < 300
    assert (got.undefined, got.low, got.high) == (empty.sum(), 1.0, 1.0)
    nobody = accuracy_interval(np.zeros(20), np.zeros(20), days)
    assert np.isnan(nobody.estimate)
    assert nobody.undefined == 300


def test_a_level_outside_zero_and_one_is_refused():
    days = resample(20, replications=10, seed=1, block=1.0)
    with pytest.raises(StudyError, match=r"level is 95"):
        mean_interval(np.arange(20.0), days, level=95)


def test_series_and_days_must_belong_together():
    days = resample(20, replications=10, seed=1, block=1.0)
    with pytest.raises(ValueError, match=r"resample\(21"):
        mean_interval(np.arange(21.0), days)
    with pytest.raises(ValueError, match="not finite"):
        mean_interval(np.full(20, np.nan), days)
    with pytest.raises(ValueError, match="model, n"):
        mean_interval(np.zeros((1, 2, 20)), days)


# ---------------------------------------------------------------- differences


def _pair(seed: int, edge: float, n: int = 300):
    """Two models that ride the same market; the first earns ``edge`` more a day."""
    rng = np.random.default_rng(seed)
    market = rng.normal(size=n)
    return market + edge + 0.2 * rng.normal(size=n), market + 0.2 * rng.normal(size=n)


def test_differences_are_paired():
    first, second = _pair(1, 0.1)
    days = resample(300, replications=999, seed=4, block=2.0)
    got = mean_difference(first, second, days)
    alone = mean_interval(first, days)
    assert got.high - got.low < 0.5 * (alone.high - alone.low)
    assert got.p_value == pytest.approx(2 / 1000)
    assert 0 < got.low < got.estimate < got.high
    want = np.quantile((first - second)[days].mean(-1), [0.025, 0.975])
    np.testing.assert_allclose([got.low, got.high], want, rtol=1e-10)


def test_sharpe_difference_is_the_difference_of_sharpes_on_the_same_days():
    first, second = _pair(2, 0.05)
    days = resample(300, replications=400, seed=4, block=2.0)
    got = sharpe_difference(first, second, days, sessions_per_year=YEAR)

    def sharpe(s):
        return s[days].mean(-1) / s[days].std(-1, ddof=1) * np.sqrt(YEAR)

    gap = sharpe(first) - sharpe(second)
    np.testing.assert_allclose([got.low, got.high], np.quantile(gap, [0.025, 0.975]), rtol=1e-9)
    side = min((gap <= 0).sum(), (gap >= 0).sum())
    assert got.p_value == pytest.approx(min(1, 2 * (side + 1) / 401))


def test_accuracy_difference_of_two_models():
    rng = np.random.default_rng(3)
    count = np.full(200, 4)
    base = rng.binomial(4, 0.5, 200).astype(float)
    better = np.minimum(base + rng.binomial(1, 0.3, 200), 4.0)
    days = resample(200, replications=500, seed=1, block=2.0)
    got = accuracy_difference(better, base, count, days)
    assert got.estimate == pytest.approx((better.sum() - base.sum()) / 800)
    want = np.quantile((better - base)[days].sum(-1) / 800, [0.025, 0.975])
    np.testing.assert_allclose([got.low, got.high], want, rtol=1e-12)
    assert got.p_value == pytest.approx(2 / 501)


def test_a_model_does_not_differ_from_itself():
    first, _ = _pair(5, 0.1)
    stack = np.stack([first, first * 2, first + 1])
    days = resample(300, replications=200, seed=1, block=2.0)
    np.testing.assert_array_equal(sharpe_difference(stack, first, days, sessions_per_year=YEAR).p_value[:2], [1, 1])
    np.testing.assert_array_equal(mean_difference(stack, stack, days).p_value, [1.0, 1.0, 1.0])
    calls = (first > 0).astype(float)
    same = accuracy_difference(calls, calls, np.ones(300), days)
    assert (same.estimate, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_one_benchmark_serves_all_models():
    first, second = _pair(6, 0.02)
    days = resample(300, replications=200, seed=1, block=2.0)
    stack = np.stack([first, second + 0.01])
    for compare in (
        mean_difference,
        lambda a, b, d: sharpe_difference(a, b, d, sessions_per_year=YEAR),
        lambda a, b, d: accuracy_difference(a > 0, b > 0, np.ones(300), d),
    ):
        together = compare(stack, second, days)
        for m, model in enumerate(stack):
            alone = compare(model, second, days)
            for name in ("estimate", "low", "high", "p_value"):
                np.testing.assert_allclose(getattr(together, name)[m], getattr(alone, name), atol=1e-10)


@given(st.integers(0, 10_000), st.floats(-0.15, 0.15))
@settings(max_examples=30, deadline=None)
def test_swapping_the_models_mirrors_the_interval_and_keeps_the_p_value(seed, edge):
    first, second = _pair(seed, edge, n=60)
    days = resample(60, replications=99, seed=seed, block=2.0)
    one, other = mean_difference(first, second, days), mean_difference(second, first, days)
    np.testing.assert_allclose([one.low, one.high], [-other.high, -other.low], atol=1e-12)
    assert one.p_value == other.p_value
    excludes_zero = one.low > 0 or one.high < 0
    assert not (excludes_zero and one.p_value > 0.08)  # 0.05 give or take two of 99 replications, both sides
    assert not (one.p_value <= 0.04 and not excludes_zero)


# ---------------------------------------------------------------- coverage


def test_the_p_value_rejects_a_true_null_about_as_often_as_it_says():
    rng, rejected, trials = np.random.default_rng(21), 0, 200
    for trial in range(trials):
        gap = np.stack([_ar1(rng, 120, 0.0), np.zeros(120)])
        days = resample(120, replications=199, seed=trial, block=1.5)
        rejected += mean_difference(gap[0], gap[1], days).p_value <= 0.05
    assert 0.02 <= rejected / trials <= 0.10


@pytest.mark.slow
@pytest.mark.parametrize("phi", [0.0, 0.25])
def test_intervals_cover_the_truth(phi):
    """Mean and Sharpe of an AR(1) return, share of its rises, paired difference of two that share it."""
    rng, series, n, mean = np.random.default_rng(31), 300, 400, 0.1
    covered = np.zeros(5)
    for trial in range(series):
        first = mean + _ar1(rng, n, phi)
        second = 0.5 * (first - mean) + np.sqrt(0.75) * _ar1(rng, n, phi)
        days = resample(n, replications=400, seed=trial, block=block_length(np.stack([first, second])))
        truth = (
            (mean_interval(first, days), mean),
            (sharpe_interval(first, days, sessions_per_year=1), mean),
            (accuracy_interval(first > 0, np.ones(n), days), norm.cdf(mean)),
            (mean_difference(first, second, days), mean),
            (sharpe_difference(first, second, days, sessions_per_year=1), mean),
        )
        covered += [got.low <= value <= got.high for got, value in truth]
    assert (covered / series >= 0.90).all(), covered / series
    assert (covered / series <= 0.98).all(), covered / series


@pytest.mark.slow
def test_sessions_keep_products_that_move_together_honest():
    """Four products with one outcome: session intervals cover, an interval over samples would not."""
    rng, trials, n = np.random.default_rng(41), 200, 200
    by_day = by_sample = 0
    for trial in range(trials):
        right = np.repeat(rng.binomial(1, 0.53, n).astype(float), 4)
        sums = by_session(np.repeat(np.arange(n), 4), right)
        days = resample(n, replications=300, seed=trial, block=1.0)
        honest = accuracy_interval(sums.total, sums.count, days)
        by_day += honest.low <= 0.53 <= honest.high
        half = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / len(right))
        by_sample += abs(right.mean() - 0.53) <= half
    assert 0.90 <= by_day / trials <= 0.98
    assert by_sample / trials < 0.80


# ---------------------------------------------------------------- families, exact tests, power


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(holm([0.9, 0.8]), [1.0, 1.0])
    assert holm([]).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=15))
@settings(max_examples=15, deadline=None)
def test_holm_is_statsmodels(p_values):
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], rtol=1e-12)
    assert (holm(p_values) >= np.array(p_values)).all()


@pytest.mark.parametrize("bad", [[np.nan, 0.1], [1.1], [-0.1], 0.5])
def test_holm_refuses_what_is_no_probability(bad):
    with pytest.raises(ValueError, match="p_values"):
        holm(bad)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (133, 245), (5, 9), (1, 1)])
@pytest.mark.parametrize("chance", [0.5, 0.55])
def test_binomial_p_value_is_scipys(right, n, chance):
    want = binomtest(right, n, chance, alternative="greater").pvalue
    assert binomial_p_value(right, n, chance=chance) == pytest.approx(want, rel=1e-10)


def test_published_accuracies_are_weak_evidence():
    """54.11, 53.67 and 56.28 % of at most 245 days: p about .12, .15 and .03 (targets of the project)."""
    n = 243
    right = np.round(np.array([0.5411, 0.5367, 0.5628]) * n)
    p = binomial_p_value(right, n)
    np.testing.assert_allclose(p, [0.12, 0.15, 0.03], atol=0.02)


def test_half_a_hit_counts_against_the_model():
    assert binomial_p_value([7.5], 10)[0] == binomial_p_value([7.0], 10)[0]


@pytest.mark.parametrize(("right", "n"), [(11, 10), (-1, 10), (1, 0), (1, 2.5), (np.nan, 10)])
def test_impossible_counts_are_refused(right, n):
    with pytest.raises(ValueError, match=r"0\.\.n"):
        binomial_p_value(right, n)


def test_impossible_chance_is_refused():
    with pytest.raises(StudyError, match="chance"):
        binomial_p_value(1, 2, chance=1.0)


@pytest.mark.parametrize(("hit_rate", "days"), [(0.53, 1716), (0.54, 964), (0.55, 617), (0.56, 428)])
def test_days_to_confirm_a_hit_rate(hit_rate, days):
    """At 54 % the formula gives 963.93; quantiles rounded to 1.645 and 0.8416 make it 964.03, hence 965."""
    assert days_to_confirm(hit_rate) == days


@pytest.mark.parametrize("hit_rate", [0.53, 0.54, 0.55, 0.56])
def test_power_is_the_exact_binomials_within_three_points(hit_rate):
    n = days_to_confirm(hit_rate)
    needed = binom.isf(0.05, n, 0.5) + 1
    assert binom.sf(needed - 1, n, hit_rate) == pytest.approx(0.80, abs=0.03)


@given(st.floats(0.51, 0.9), st.floats(0.01, 0.2), st.floats(0.5, 0.95))
@settings(max_examples=60, deadline=None)
def test_a_weaker_edge_or_a_stricter_test_takes_longer(hit_rate, size, power):
    days = days_to_confirm(hit_rate, size=size, power=power)
    assert days >= 1
    assert days_to_confirm(0.5 + (hit_rate - 0.5) / 2, size=size, power=power) >= days
    assert days_to_confirm(hit_rate, size=size / 2, power=power) >= days
    assert days_to_confirm(hit_rate, size=size, power=power + 0.04) >= days


@pytest.mark.parametrize("bad", [{"hit_rate": 0.5}, {"hit_rate": 0.6, "size": 0}, {"hit_rate": 0.6, "power": 1}])
def test_power_refuses_what_cannot_be(bad):
    with pytest.raises(StudyError, match=r"0\.5, 1"):
        days_to_confirm(**bad)


# ---------------------------------------------------------------- Sharpe ratios after a search


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("benchmark", [0.0, 0.05])
def test_probabilistic_sharpe_is_skfolios(seed, benchmark):
    returns = np.random.default_rng(seed).standard_t(4, 243) * 0.01 + 0.001
    got = probabilistic_sharpe(returns, benchmark=benchmark)
    want = probabilistic_sharpe_ratio(returns, benchmark_sharpe_ratio=benchmark)
    assert got.probability == pytest.approx(want, rel=1e-10)
    assert got.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert (got.trials, got.reason) == (1, "")


@pytest.mark.parametrize("trials", [1, 2, 20, 500])
def test_deflated_sharpe_is_skfolios(trials):
    rng = np.random.default_rng(trials)
    returns = rng.gamma(2.0, 0.01, 243) - 0.018
    sharpes = rng.normal(0.0, 0.06, trials)
    got = deflated_sharpe(returns, sharpes)
    assert got.probability == pytest.approx(deflated_sharpe_ratio(returns, sharpes), rel=1e-10)
    deviation = sharpes.std(ddof=1) if trials > 1 else 0.0
    assert got.benchmark == pytest.approx(expected_max_sharpe_ratio(trials, deviation), rel=1e-12)
    assert got.trials == trials


def test_the_best_of_worthless_trials_is_as_good_as_expected():
    best = np.random.default_rng(1).normal(0.0, 0.06, (20_000, 50)).max(axis=1).mean()
    assert expected_max_sharpe(50, 0.06) == pytest.approx(best, rel=0.02)


def test_more_trials_deflate_more():
    returns = np.random.default_rng(4).normal(0.1, 1.0, 243)
    few, many = (deflated_sharpe(returns, np.resize([-0.05, 0.05], k)).probability for k in (4, 400))
    assert many < few < probabilistic_sharpe(returns).probability


@pytest.mark.parametrize(("returns", "word"), [([1.0, 1.0, 1.0], "never vary"), ([1.0, 2.0], "at least 3")])
def test_undefined_sharpe_evidence_has_a_reason(returns, word):
    got = probabilistic_sharpe(returns)
    assert np.isnan(got.probability)
    assert word in got.reason


@pytest.mark.parametrize("bad", [[], [0.1, np.nan], [[0.1]]])
def test_every_trial_must_be_there(bad):
    with pytest.raises(ValueError, match="every trial"):
        deflated_sharpe(np.arange(10.0), bad)
    with pytest.raises(ValueError, match="one strategy"):
        probabilistic_sharpe(np.zeros((2, 10)))
    with pytest.raises(ValueError, match="at least 1"):
        expected_max_sharpe(0, 1.0)
