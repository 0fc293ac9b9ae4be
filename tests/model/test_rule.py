"""The rules against explicit tables."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from tenor.errors import SplitError
from tenor.factor.window import Windows
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare
from tenor.model.rule import Majority, Momentum, RandomWalk, Reversal, trailing_volatility

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


def moving(returns: list[float], volatility: list[float] | None = None) -> Windows:
    """Windows of two sessions over a row of returns; the outcomes are the next return and the next two together."""
    values = np.array(returns)
    ends = np.arange(1, len(values) - 2)
    ahead = np.stack([values[ends + 1], values[ends + 1] + values[ends + 2]], axis=1)
    named: dict[str, list[float]] = {"return_1": returns}
    if volatility is not None:
        named["volatility_20"] = volatility
    return Windows(
        columns=tuple(named),
        rows=np.array(list(named.values())).T,
        row_product=np.full(len(values), "A"),
        ends=ends,
        length=2,
        session=np.datetime64("2020-01-01") + ends,
        resolves=np.datetime64("2020-01-03") + ends,
        product=np.full(len(ends), "A"),
        pair=np.full(len(ends), "A"),
        change=ahead[:, 0],
        label=(ahead[:, 0] > 0).astype(np.int64),
        horizons=(1, 2),
        ahead=ahead,
    )


def test_volatility_is_read_off_the_window_or_off_its_column() -> None:
    given = moving([0.01, -0.02, 0.03, np.nan, 0.01, 0.02], [0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    np.testing.assert_array_equal(trailing_volatility(given), [0.4, 0.3, 0.2])
    bare = replace(given, columns=("return_1",), rows=given.rows[:, :1])
    squares = [(1.0 + 4.0) / 2, (4.0 + 9.0) / 2, 9.0]  # of the third window one return is unknown
    np.testing.assert_allclose(trailing_volatility(bare), 0.01 * np.sqrt(squares))
    with pytest.raises(SplitError, match="random_walk reads"):
        trailing_volatility(replace(bare, columns=("other",)))


def test_the_random_walk_is_symmetric_about_no_change_and_as_wide_as_train_moved() -> None:
    rng = np.random.default_rng(3)
    size = np.exp(0.5 * rng.normal(size=6000))
    train = moving((size * rng.normal(size=6000)).tolist(), np.roll(size, -1).tolist())
    walk = RandomWalk(levels=(0.05, 0.25, 0.5, 0.75, 0.95)).recipe(Prepare(), FitPlan()).fit(train, train, seed=1)
    found = walk.quantiles(train)
    assert found.shape == (len(train), 2, 5)
    np.testing.assert_allclose(found, -found[..., ::-1], rtol=1e-12)
    np.testing.assert_allclose(
        found[:, 0] / trailing_volatility(train)[:, None], [norm.ppf(walk.levels)] * len(train), atol=0.08
    )
    for horizon in (0, 1):
        inside = np.abs(train.ahead[:, horizon]) <= found[:, horizon, 4]
        assert inside.mean() == pytest.approx(0.9, abs=0.01)
    ups = (train.label == 1).sum()
    np.testing.assert_allclose(walk.predict(train), (ups + 1) / (len(train) + 2))
    quiet = replace(train, rows=np.zeros_like(train.rows))
    usual = np.median(trailing_volatility(train))
    np.testing.assert_allclose(walk.unit(quiet), np.tile(usual * np.sqrt([1.0, 2.0]), (len(train), 1)))
    kept = RandomWalk().recipe(Prepare(), FitPlan()).restore(walk.state())  # type: ignore[attr-defined]
    np.testing.assert_array_equal(kept.quantiles(train), found)
