"""Components of the curve: equal to scikit-learn's, signed as stated, learnt on train alone."""

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from sklearn import decomposition

from tenor.errors import MarketError, StudyError
from tenor.market.market import Market
from tenor.scenario.base import Base
from tenor.scenario.pca import PCA, components, fitted


def train_changes(base: Base) -> np.ndarray:
    dates, _, values = base.levels()
    inside = (dates >= np.datetime64(base.train[0])) & (dates <= np.datetime64(base.train[1]))
    return np.diff(values[inside, :7], axis=0)


def test_against_scikit_learn(base: Base) -> None:
    found, reference = components(base), decomposition.PCA(n_components=3).fit(train_changes(base))
    assert found.variances == pytest.approx(reference.explained_variance_, rel=1e-9)
    assert found.explained == pytest.approx(reference.explained_variance_ratio_, rel=1e-9)
    for mine, theirs in zip(found.loadings, reference.components_, strict=True):
        assert mine == pytest.approx(theirs * np.sign(mine @ theirs), abs=1e-8)
    assert found.n == len(train_changes(base))


def test_signs(base: Base) -> None:
    level, slope, curvature = components(base).loadings
    assert level.sum() > 0
    assert slope[-1] > slope[0]
    assert curvature[1:-1].mean() > curvature[[0, -1]].mean()


def test_signs_do_not_depend_on_those_of_the_data() -> None:
    changes = np.random.default_rng(3).normal(size=(200, 5)) * [5, 4, 3, 2, 1]
    assert fitted(changes).loadings == pytest.approx(fitted(-changes).loadings)


def test_a_shift_is_so_many_standard_deviations(base: Base) -> None:
    found = components(base)
    moved = list(PCA(2, "-1.5sd").moves(base).curves["CGB"].values())
    assert moved == pytest.approx(-1.5 * np.sqrt(found.variances[1]) * found.loadings[1])
    assert PCA(1, "2sd").describe() == "pca 1 (level) +2sd"


def test_what_comes_after_train_does_not_count(whole: Market, base_on: Callable[..., Base], base: Base) -> None:
    assert PCA(1, "1sd").moves(base) == PCA(1, "1sd").moves(base_on(whole, date(2020, 3, 20)))


def test_too_little_history(whole: Market, base_on: Callable[..., Base]) -> None:
    short = base_on(whole, date(2019, 12, 20), train=(date(2019, 5, 6), date(2019, 6, 28)))
    with pytest.raises(MarketError, match=r"\d+ daily changes of the whole curve 'CGB' .* need 60 .*'10y'"):
        PCA(1, "1sd").moves(short)


def test_bad_size() -> None:
    with pytest.raises(StudyError, match="write 2sd"):
        PCA(1, "2bp")
