"""The logistic function and its inverse against scipy, at the ends too."""

import numpy as np
from scipy import special

from tenor.model.probability import expit, logit


def test_the_logistic_function_equals_that_of_scipy() -> None:
    scores = np.concatenate([np.linspace(-40, 40, 4001), [-745.0, 745.0, -1e9, 1e9, -np.inf, np.inf, 0.0]])
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(expit(scores), special.expit(scores), rtol=1e-15, atol=1e-300)
    assert np.isnan(expit(np.array([np.nan])))[0]
    assert expit(np.zeros((2, 3), np.float32)).shape == (2, 3)


def test_its_inverse_equals_that_of_scipy() -> None:
    given = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 4001), [1e-300, 0.5]])
    np.testing.assert_allclose(logit(given), special.logit(given), rtol=1e-12, atol=1e-15)


def test_a_score_is_answered_the_same_alone_and_among_others() -> None:
    scores = np.random.default_rng(1).normal(size=1001)
    whole = expit(scores)
    for chosen in (slice(0, 1), slice(3, 10), slice(None, None, 7)):
        np.testing.assert_array_equal(expit(scores[chosen]), whole[chosen])
        np.testing.assert_array_equal(logit(whole[chosen]), logit(whole)[chosen])
