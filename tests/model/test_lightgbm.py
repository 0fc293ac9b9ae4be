"""Boosted trees: what the seed does, when they stop, and that both classes weigh the same."""

import numpy as np
import pytest

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.fit_plan import FitPlan
from tenor.model.lightgbm import FittedTrees, LightGBM
from tenor.model.prepare import Prepare
from tenor.units import Floats

SMALL = LightGBM(trees=40, least_in_leaf=10, learning_rate=0.1, columns=0.5, patience=10)


def windows(count: int, seed: int, strength: float = 1.5, drift: float = 0.0) -> Windows:
    """The product of two columns, which no line separates, tells where the next change goes."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, 4))
    change = strength * np.sign(rows[:, 0] * rows[:, 1]) + drift + rng.standard_normal(count)
    return Windows(
        columns=("a", "b", "c", "d"),
        rows=rows,
        row_product=np.full(count, "T"),
        ends=np.arange(count),
        length=1,
        session=np.datetime64("2020-01-01") + np.arange(count),
        resolves=np.datetime64("2020-01-01") + np.arange(count) + np.timedelta64(1, "D"),
        product=np.full(count, "T"),
        pair=np.full(count, "T2003-T2006"),
        change=change,
        label=(change > 0).astype(np.int64),
    )


def fit(settings: LightGBM, train: Windows, validation: Windows, seed: int = 1) -> FittedTrees:
    fitted = settings.recipe(Prepare(), FitPlan()).fit(train, validation, seed=seed)
    assert isinstance(fitted, FittedTrees)
    return fitted


def accuracy(up: Floats, held: Windows) -> float:
    return float(np.mean((up > 0.5) == (held.label == 1)))


def test_a_signal_that_no_line_separates_is_learnt() -> None:
    test = windows(400, 3)
    assert accuracy(fit(SMALL, windows(400, 1), windows(150, 2)).predict(test), test) > 0.8


def test_the_seed_draws_rows_and_columns_and_nothing_else_does() -> None:
    train, validation, test = windows(300, 1), windows(100, 2), windows(50, 3)
    first, again, other = (fit(SMALL, train, validation, seed).predict(test) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    whole = LightGBM(trees=20, least_in_leaf=10, rows=1.0, columns=1.0)
    one, two = (fit(whole, train, validation, seed).predict(test) for seed in (5, 6))
    np.testing.assert_array_equal(one, two)


def test_boosting_stops_where_validation_does_not_improve() -> None:
    """With nothing to find the least validation loss comes early, and the trees after it are not used."""
    patient = LightGBM(least_in_leaf=10, learning_rate=0.1, columns=1.0, patience=10)
    nothing = fit(patient, windows(200, 1, 0.0), windows(100, 2, 0.0))
    something = fit(patient, windows(400, 1), windows(150, 2))
    best = nothing.booster.best_iteration
    assert best < 12 < something.booster.best_iteration
    held = windows(30, 3)
    prepared = nothing.prepared.apply(held).reshape(30, -1)
    np.testing.assert_array_equal(nothing.predict(held), nothing.booster.predict(prepared, num_iteration=best))


def test_classes_weigh_the_same_however_rare() -> None:
    """Nine in ten go up whatever the factors say; a balanced model that knows nothing says one half."""
    train, validation = windows(600, 1, 0.0, drift=1.3), windows(300, 2, 0.0, drift=1.3)
    assert train.label.mean() > 0.85
    assert abs(fit(SMALL, train, validation).predict(windows(200, 3)).mean() - 0.5) < 0.15
    as_they_are = SMALL.recipe(Prepare(), FitPlan(class_weights="none")).fit(train, validation, seed=1)
    assert abs(as_they_are.predict(windows(200, 3)).mean() - train.label.mean()) < 0.05


def test_one_class_is_refused_by_range() -> None:
    both = windows(60, 1)
    downs = both.take(both.label == 0)
    with pytest.raises(FitError, match=f"the train range has 0 ups and {len(downs)} downs"):
        fit(SMALL, downs, both)
    with pytest.raises(FitError, match=f"the validation range has 0 ups and {len(downs)} downs"):
        fit(SMALL, both, downs)
