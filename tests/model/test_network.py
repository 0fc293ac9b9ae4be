"""Networks behind preparation: folds keep their places whatever fails, and logits become probabilities."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import softmax

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.base import Fitted, FoldWindows, Outcome
from tenor.model.dnn import DNN
from tenor.model.fit_plan import FitPlan
from tenor.model.network import FittedNetwork, NetworkRecipe
from tenor.model.prepare import Prepare
from tenor.progress import silent
from tenor.units import Floats, Floats32

PLAN = FitPlan(epochs=2, batch_size=16)
RECIPE = DNN(hidden=(3,), dropout=0.0).recipe(Prepare(), PLAN)


def windows(count: int, seed: int, product: str = "T") -> Windows:
    rng = np.random.default_rng(seed)
    change = rng.standard_normal(count)
    return Windows(
        columns=("a", "b"),
        rows=rng.standard_normal((count + 1, 2)),
        row_product=np.full(count + 1, product),
        ends=np.arange(1, count + 1),
        length=2,
        session=np.datetime64("2020-01-01") + np.arange(count),
        resolves=np.datetime64("2020-01-01") + np.arange(count) + np.timedelta64(1, "D"),
        product=np.full(count, product),
        pair=np.full(count, "T2003-T2006"),
        change=change,
        label=(change > 0).astype(np.int64),
    )


FIRST = FoldWindows(windows(48, 1), windows(16, 2))
UNKNOWN = FoldWindows(windows(48, 3), windows(16, 4, "TS"))  # validation on a product that train did not hold
UPS = FoldWindows(windows(48, 5).take(windows(48, 5).label == 1), windows(16, 6))
LAST = FoldWindows(windows(40, 7), windows(16, 8))


def grid(*folds: FoldWindows, seeds: tuple[int, ...] = (1, 2)) -> tuple[tuple[Outcome, ...], ...]:
    assert isinstance(RECIPE, NetworkRecipe)
    return RECIPE.fit_grid(folds, seeds, watch=silent)


def said(outcome: Outcome) -> Floats:
    assert isinstance(outcome, FittedNetwork)
    return outcome.predict(windows(9, 9))


def test_folds_that_fail_leave_the_others_in_their_places() -> None:
    found = grid(UNKNOWN, FIRST, UPS, LAST)
    for outcome in found[0]:
        assert isinstance(outcome, FitError)
        assert "product TS was not in the train range" in str(outcome)
    for outcome in found[2]:
        assert isinstance(outcome, FitError)
        assert "0 downs" in str(outcome) or "one class" in str(outcome)
    for place, fold in ((1, FIRST), (3, LAST)):
        for number, seed in enumerate((1, 2)):
            alone: Fitted = RECIPE.fit(fold.train, fold.validation, seed=seed)
            np.testing.assert_array_equal(said(found[place][number]), alone.predict(windows(9, 9)))


def test_where_every_fold_fails_there_is_a_reason_for_each() -> None:
    found = grid(UNKNOWN, UNKNOWN)
    assert [len(row) for row in found] == [2, 2]
    assert all(isinstance(outcome, FitError) for row in found for outcome in row)
    with pytest.raises(FitError, match="product TS"):
        RECIPE.fit(UNKNOWN.train, UNKNOWN.validation, seed=1)


def test_progress_says_what_is_trained() -> None:
    told: list[tuple[str, int, int]] = []
    assert isinstance(RECIPE, NetworkRecipe)
    RECIPE.fit_grid((FIRST,), (1, 2), watch=lambda *news: told.append(news))
    assert {stage for stage, *_ in told} == {"dnn: 1 folds x 2 seeds, epochs"}
    assert told[-1][1:] == (4, 4)


@dataclass(frozen=True, slots=True)
class Logits:
    """A trained grid that says the same logits of every window."""

    down: float
    up: float

    def outputs(self, fold: int, seed: int, x: Floats32) -> Floats32:
        return np.array([[self.down], [self.up]], np.float32) * np.ones(len(x), np.float32)


@pytest.mark.parametrize(("down", "up"), [(0.0, 0.0), (1.5, -0.5), (-2.0, 3.0), (200.0, -200.0), (-200.0, 200.0)])
def test_the_probability_is_the_softmax_of_the_logits(down: float, up: float) -> None:
    """Also where the exponential alone would overflow."""
    prepared = Prepare().learn(FIRST.train)
    trained: object = Logits(down, up)
    fitted = FittedNetwork(prepared, trained, 0, 0)  # type: ignore[arg-type]
    with np.errstate(over="raise", invalid="raise"):
        found = fitted.predict(windows(3, 9))
    np.testing.assert_allclose(found, softmax([down, up])[1], rtol=1e-6, atol=1e-300)
