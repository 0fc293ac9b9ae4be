"""Local projections: the regression and its covariance against statsmodels, and surprises without look-ahead."""

import numpy as np
import pytest
from statsmodels.api import OLS, add_constant

from tenor.errors import MarketError
from tenor.scenario.local_projection import LEAST_KNOWN, hac_lag, project, regress, surprises
from tenor.units import Dates, Floats, Ints

N = 90


def example(n: int = N, columns: int = 3) -> tuple[Floats, Floats]:
    """Surprises and responses whose errors are correlated over time and across columns."""
    rng = np.random.default_rng(5)
    surprise = rng.normal(0.1, 0.3, n)
    noise = rng.normal(size=(n + 1, columns)) @ np.array([[1, 0.5, 0], [0, 1, 0.3], [0, 0, 1]])
    return surprise, surprise[:, None] * [0.5, 0.0, -1.0] + noise[1:] + 0.6 * noise[:-1]


def released(n: int) -> tuple[Dates, Ints]:
    months = np.arange(n) + 12 * 2010
    return np.datetime64("2010-02-09") + 30 * np.arange(n), months


@pytest.mark.parametrize("lag", [0, 1, 3, 12])
def test_each_equation_against_statsmodels(lag: int) -> None:
    surprise, responses = example()
    beta, covariance, r2 = regress(surprise, responses, lag)
    for column in range(responses.shape[1]):
        fit = OLS(responses[:, column], add_constant(surprise)).fit(
            cov_type="HAC", cov_kwds={"maxlags": lag, "use_correction": True}
        )
        assert beta[column] == pytest.approx(fit.params[1], rel=1e-10)
        assert np.sqrt(covariance[column, column]) == pytest.approx(fit.bse[1], rel=1e-10)
        assert r2[column] == pytest.approx(fit.rsquared, rel=1e-9)


def test_the_covariance_between_equations_is_that_of_any_combination() -> None:
    """The variance of ``w . beta`` is what the regression of ``w . y`` gives."""
    surprise, responses = example()
    weights = np.array([1.0, -2.0, 0.5])
    _, covariance, _ = regress(surprise, responses, 4)
    _, alone, _ = regress(surprise, (responses @ weights)[:, None], 4)
    assert weights @ covariance @ weights == pytest.approx(alone[0, 0], rel=1e-10)


def test_the_lag_is_the_rule_of_newey_and_west() -> None:
    assert [hac_lag(n) for n in (36, 100, 150, 300)] == [3, 4, 4, 5]


@pytest.mark.parametrize("order", [1, 2, 4])
def test_surprises_are_residuals_of_a_fit_to_what_came_before(order: int) -> None:
    rng = np.random.default_rng(2)
    values = np.cumsum(rng.normal(size=60))
    known, months = released(60)
    found = surprises(values, known, months, order)
    for at in (40, 59):
        past = values[:at]
        lagged = np.column_stack([past[order - 1 - lag : at - 1 - lag] for lag in range(order)])
        fit = OLS(past[order:], add_constant(lagged)).fit()
        expected = fit.params[0] + fit.params[1:] @ values[at - 1 : at - 1 - order : -1]
        assert found[at] == pytest.approx(values[at] - expected, rel=1e-8)
    assert np.isnan(found[:LEAST_KNOWN]).all()
    assert np.isfinite(found[LEAST_KNOWN + order :]).all()


def test_later_releases_change_no_surprise() -> None:
    values = np.random.default_rng(4).normal(size=70)
    known, months = released(70)
    whole = surprises(values, known, months, 2)
    part = surprises(values[:50], known[:50], months[:50], 2)
    assert np.array_equal(whole[:50], part, equal_nan=True)


def test_what_was_not_known_before_a_release_does_not_forecast_it() -> None:
    """Two periods that came out together: the second has no forecast; a missing period leaves the next without."""
    values = np.random.default_rng(4).normal(size=60)
    known, months = released(60)
    known[50] = known[51]
    found = surprises(values, known, months, 1)
    assert np.isfinite(found[[50, 52]]).all()
    assert np.isnan(found[51])
    gone = np.delete(np.arange(60), 40)
    without = surprises(values[gone], released(60)[0][gone], months[gone], 1)
    assert np.isnan(without[40])
    assert np.isfinite(without[41])


def test_draws_have_the_mean_and_covariance_of_the_estimate() -> None:
    surprise, responses = example()
    days, _ = released(N)
    found = project("CPI.YOY", ("a", "b", "c"), surprise, responses, days, horizon=1, order=2)
    drawn = found.draws(20_000, seed=3)
    assert drawn.mean(axis=0) == pytest.approx(found.beta, abs=4 * found.se.max() / np.sqrt(20_000))
    assert np.cov(drawn, rowvar=False) == pytest.approx(found.covariance, abs=0.03 * found.covariance.max())
    assert np.array_equal(drawn, found.draws(20_000, seed=3))


def test_what_cannot_be_told_from_zero_is_said() -> None:
    surprise, responses = example()
    days, _ = released(N)
    responses[:5, 1] = np.nan
    found = project("CPI.YOY", ("a", "b", "c"), surprise, responses, days, horizon=1, order=2)
    weak = [name for name, t in zip("abc", found.t, strict=True) if abs(t) < 2]
    assert weak
    assert found.sentence.endswith(f"not distinguishable from zero (|t| < 2): {', '.join(weak)}")
    assert (found.n, found.left_out) == (N - 5, 5)
    assert found.first == days[5].item()


def test_a_response_that_never_varies_has_no_effect() -> None:
    surprise, responses = example()
    responses[:, 2] = 0.0
    found = project("CPI.YOY", ("a", "b", "c"), surprise, responses, released(N)[0], horizon=1, order=2)
    assert (found.beta[2], found.t[2], found.r2[2]) == (0.0, 0.0, 0.0)


def test_too_few_releases() -> None:
    surprise, responses = example(40)
    days, _ = released(40)
    surprise[:10] = np.nan
    with pytest.raises(
        MarketError, match=r"PPI has 30 releases with a forecast and every response, of 40 known; .* 36"
    ):
        project("PPI", ("a", "b", "c"), surprise, responses, days, horizon=1, order=2)
