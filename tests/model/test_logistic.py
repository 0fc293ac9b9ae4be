"""Logistic regression against scikit-learn fitted by hand, with the penalty that validation would choose."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.fit_plan import FitPlan
from tenor.model.logistic import FittedLogistic, Logistic, flatten
from tenor.model.prepare import Prepare
from tenor.units import Floats32

LENGTH = 2


def windows(count: int, seed: int, strength: float = 1.0) -> Windows:
    """Three columns, of which the first tells where the next change goes."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count + LENGTH - 1, 3))
    ends = np.arange(LENGTH - 1, count + LENGTH - 1)
    change = strength * rows[ends, 0] + rng.standard_normal(count)
    return Windows(
        columns=("a", "b", "c"),
        rows=rows,
        row_product=np.full(len(rows), "T"),
        ends=ends,
        length=LENGTH,
        session=np.datetime64("2020-01-01") + ends,
        resolves=np.datetime64("2020-01-01") + ends + np.timedelta64(1, "D"),
        product=np.full(count, "T"),
        pair=np.full(count, "T2003-T2006"),
        change=change,
        label=(change > 0).astype(np.int64),
    )


def fit(penalties: tuple[float, ...], train: Windows, validation: Windows, seed: int = 1) -> FittedLogistic:
    fitted = Logistic(inverse_penalties=penalties).recipe(Prepare(), FitPlan()).fit(train, validation, seed=seed)
    assert isinstance(fitted, FittedLogistic)
    return fitted


def by_hand(held: Windows, scaler: StandardScaler) -> Floats32:
    """Standardised rows side by side, oldest first."""
    rows = scaler.transform(held.rows)
    return np.concatenate([rows[held.ends - 1], rows[held.ends]], axis=1).astype(np.float32)


def test_flatten_lays_sessions_side_by_side() -> None:
    values = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    np.testing.assert_array_equal(flatten(values), [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]])


def test_against_scikit_learn() -> None:
    train, validation = windows(300, 1), windows(80, 2)
    scaler = StandardScaler().fit(train.rows)
    reference = LogisticRegression(C=0.1, class_weight="balanced").fit(by_hand(train, scaler), train.label)
    np.testing.assert_allclose(
        fit((0.1,), train, validation).predict(validation),
        reference.predict_proba(by_hand(validation, scaler))[:, 1],
        atol=1e-4,
    )


def test_classes_as_frequent_as_they_were_against_scikit_learn() -> None:
    train, validation = windows(300, 1), windows(80, 2)
    rare = train.take(np.flatnonzero((train.label == 1) | (np.arange(len(train)) % 4 == 0)))
    scaler = StandardScaler().fit(rare.rows[np.unique(rare.ends[:, None] - np.arange(LENGTH))])
    reference = LogisticRegression(C=0.1).fit(by_hand(rare, scaler), rare.label)
    recipe = Logistic(inverse_penalties=(0.1,)).recipe(Prepare(), FitPlan(class_weights="none"))
    found = recipe.fit(rare, validation, seed=1).predict(validation)
    np.testing.assert_allclose(found, reference.predict_proba(by_hand(validation, scaler))[:, 1], atol=1e-4)
    assert found.mean() > 0.65


@pytest.mark.parametrize(("strength", "train_seed"), [(2.0, 1), (0.1, 2), (0.0, 3), (0.5, 4)])
def test_validation_chooses_the_penalty(strength: float, train_seed: int) -> None:
    penalties = (1.0, 1e-4, 1e-2)
    train, validation = windows(120, train_seed, strength), windows(200, 10 + train_seed, strength)
    balanced = compute_sample_weight(
        dict(enumerate(compute_class_weight("balanced", classes=np.array([0, 1]), y=train.label))),
        validation.label,
    )
    losses = {
        penalty: log_loss(
            validation.label, fit((penalty,), train, validation).predict(validation), sample_weight=balanced
        )
        for penalty in penalties
    }
    assert min(losses, key=losses.__getitem__) == fit(penalties, train, validation).inverse_penalty


def test_the_choices_above_are_not_all_the_same() -> None:
    """With much signal validation wants little penalty, with none it wants much."""
    strong = fit((1.0, 1e-4), windows(120, 1, 2.0), windows(200, 11, 2.0))
    none = fit((1.0, 1e-4), windows(120, 3, 0.0), windows(200, 13, 0.0))
    assert (strong.inverse_penalty, none.inverse_penalty) == (1.0, 1e-4)


def test_the_seed_changes_nothing() -> None:
    train, validation = windows(100, 1), windows(50, 2)
    recipe = Logistic().recipe(Prepare(), FitPlan())
    assert (recipe.name, recipe.seeded, recipe.calibrated) == ("logistic", False, False)
    one, other = (recipe.fit(train, validation, seed=seed).predict(validation) for seed in (1, 2))
    np.testing.assert_array_equal(one, other)


def test_one_class_is_refused_by_range() -> None:
    both = windows(60, 1)
    ups = both.take(both.label == 1)
    with pytest.raises(FitError, match=f"the train range has {len(ups)} ups and 0 downs"):
        fit((1.0,), ups, both)
    with pytest.raises(FitError, match=f"the validation range has {len(ups)} ups and 0 downs"):
        fit((1.0,), both, ups)
