"""The rules against explicit tables."""

import numpy as np
import pytest

from tenor.errors import SplitError
from tenor.factor.window import Windows
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare
from tenor.model.rule import Majority, Momentum, Reversal

HAIR = 0.5 + 1e-6


def windows(last_change: list[float], label: list[int], column: str = "spread_change_1") -> Windows:
    count = len(label)
    return Windows(
        columns=("spread", column),
        rows=np.stack([np.full(count, 9.0), np.array(last_change)], axis=1).reshape(count, 2),
        row_product=np.full(count, "T"),
        ends=np.arange(count),
        length=1,
        session=np.datetime64("2020-01-01") + np.arange(count),
        resolves=np.datetime64("2020-01-01") + np.arange(count) + np.timedelta64(1, "D"),
        product=np.full(count, "T"),
        pair=np.full(count, "T2003-T2006"),
        change=np.array([0.01 if up else -0.01 for up in label]),
        label=np.array(label),
    )


def recipe(settings: Majority | Reversal | Momentum) -> Recipe:
    return settings.recipe(Prepare(), FitPlan())


# last change and what came next: seven times the other way, three times the same, once after no change
CHANGES = [1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 0]
LABELS = [0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1]
ASKED = [0.5, -0.5, 0.0, np.nan]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        # 7 right and 3 wrong: (7 + 1) / (10 + 2)
        (Reversal(), [1 - 8 / 12, 8 / 12, 0.5, 0.5]),
        # 3 right and 7 wrong would be 4 / 12: the opinion stays, worth a hair
        (Momentum(), [HAIR, 1 - HAIR, 0.5, 0.5]),
        # 5 ups and 6 downs: (6 + 1) / (11 + 2) for down, whatever was the last change
        (Majority(), [1 - 7 / 13] * 4),
    ],
)
def test_frequencies_against_a_table(settings: Majority | Reversal | Momentum, said: list[float]) -> None:
    fitted = recipe(settings).fit(windows(CHANGES, LABELS), windows([1.0], [0]), seed=1)
    found = fitted.predict(windows(ASKED, [1] * 4))
    np.testing.assert_allclose(found, said, rtol=1e-12)


@pytest.mark.parametrize(
    ("label", "up"), [([1, 1, 1], 4 / 5), ([0, 0], 1 / 4), ([1, 0], HAIR), ([1, 1, 0, 0, 1], 4 / 7)]
)
def test_majority_by_the_rule_of_succession(label: list[int], up: float) -> None:
    fitted = recipe(Majority()).fit(windows([1.0] * len(label), label), windows([1.0], [0]), seed=1)
    np.testing.assert_allclose(fitted.predict(windows([1.0, -1.0], [1, 1])), [up, up], rtol=1e-12)


def test_a_rule_is_fitted_once_and_needs_no_calibration() -> None:
    for settings in (Majority(), Reversal(), Momentum()):
        made = recipe(settings)
        assert (made.name, made.seeded, made.calibrated) == (settings.kind, False, True)


def test_a_rule_learns_from_train_alone() -> None:
    train = windows(CHANGES, LABELS)
    for settings in (Majority(), Reversal(), Momentum()):
        one, other = (
            recipe(settings).fit(train, windows([1.0, 1.0], label), seed=seed).predict(train)
            for label, seed in (([0, 0], 1), ([1, 1], 2))
        )
        np.testing.assert_array_equal(one, other)


def test_the_column_that_is_read_must_be_computed() -> None:
    assert Reversal.reads == Momentum.reads == ("spread_change_1",)
    with pytest.raises(SplitError, match=r"a rule reads 'spread_change_1' or 'return_1'.*\['spread', 'other'\]"):
        recipe(Reversal()).fit(windows([1.0], [1], "other"), windows([1.0], [1], "other"), seed=1)
