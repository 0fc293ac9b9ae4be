"""Networks of several instruments: pooled, with a vector for each, and one each; quantiles that a run keeps."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from tenor.errors import FitError
from tenor.factor.window import Fold, Windows
from tenor.model.base import FoldWindows
from tenor.model.calibrate import Calibration
from tenor.model.dnn import DNN
from tenor.model.fit_plan import FitPlan
from tenor.model.forecast import Forecast
from tenor.model.frozen import FrozenModels, arrays_of, from_arrays
from tenor.model.head import Point, Quantiles
from tenor.model.network import FittedByName, FittedNetwork, NetworkRecipe, volatility_of
from tenor.model.prepare import Prepare
from tenor.progress import silent
from tenor.trust.walk_forward import walk_forward

PLAN = FitPlan(epochs=12, batch_size=32, learning_rate=0.02, weight_decay=0.0)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
COUNT = 150
NAMES = ("A", "B", "C")
SIZE = {"A": 0.01, "B": 0.02, "C": 0.04}


def windows(names: Sequence[str] = NAMES, seed: int = 1, neutral: float = 0.0) -> Windows:
    """Windows of one session of two factors; the next return goes with the first factor for A and against it for B."""
    rng = np.random.default_rng(seed)
    parts, ends, ahead, days = [], [], [], []
    for name in names:
        rows = rng.normal(size=(COUNT, 2))
        sign = -1.0 if name == "B" else 1.0
        moves = SIZE[name] * (sign * rows[:, 0] + 0.5 * rng.normal(size=COUNT))
        parts.append(rows)
        ends.append(np.arange(COUNT) + sum(map(len, parts[:-1])))
        ahead.append(np.stack([moves, moves + SIZE[name] * rng.normal(size=COUNT)], axis=1))
        days.append(np.datetime64("2020-01-01") + np.arange(COUNT))
    order = np.argsort(np.concatenate(days), kind="stable")
    who, day, after = np.repeat(names, COUNT), np.concatenate(days), np.concatenate(ahead)
    label = np.where(np.abs(after[:, 0]) < neutral, -1, after[:, 0] > 0).astype(np.int64)
    return Windows(
        columns=("signal", "noise"),
        rows=np.concatenate(parts),
        row_product=who,
        ends=np.concatenate(ends)[order],
        length=1,
        session=day[order],
        resolves=(day + 2)[order],
        product=who[order],
        pair=who[order],
        change=after[order, 0],
        label=label[order],
        horizons=(1, 2),
        ahead=after[order],
    )


def fold(*cuts: tuple[int, int]) -> Fold:
    first = np.datetime64("2020-01-01")
    return Fold(0, *(((first + low).item(), (first + high).item()) for low, high in cuts))


FOLD = fold((0, 89), (92, 117), (120, 149))
BOTH = [
    pytest.param({"scope": "pooled", "embedding": 2}, id="vectors"),
    pytest.param({"scope": "per_name"}, id="each"),
    pytest.param({"scope": "per_name", "embedding": 1}, id="each with a vector"),
]


def recipe(**settings: object) -> NetworkRecipe:
    made = DNN(hidden=(12,), dropout=0.0, **settings).recipe(Prepare(by_product=False), PLAN)  # type: ignore[arg-type]
    assert isinstance(made, NetworkRecipe)
    return made


def said(made: NetworkRecipe, held: Windows, judged: Fold = FOLD) -> tuple[Forecast, FrozenModels, Windows]:
    run = walk_forward([made], held, [judged], seeds=(1, 2), calibration=Calibration())
    assert run.frozen is not None
    arrays, index = arrays_of(run.frozen)
    kept = from_arrays(load(save(arrays)), json.loads(json.dumps(index)), [made])
    return run.forecasts[0], kept, run.test


def right(forecast: Forecast, test: Windows) -> dict[str, float]:
    hit = ((forecast.up > 0.5) == (test.label == 1)).mean(axis=0)
    return {name: float(hit[test.product == name].mean()) for name in NAMES}


def test_one_network_that_cannot_tell_names_apart_is_wrong_of_one() -> None:
    """What holds of two of three names is learnt of all: the vectors and separate networks are for that."""
    forecast, _, test = said(recipe(), windows())
    found = right(forecast, test)
    assert min(found["A"], found["C"]) > 0.7
    assert found["B"] < 0.4


@pytest.mark.parametrize("settings", BOTH)
def test_names_are_told_apart(settings: dict) -> None:
    forecast, _, test = said(recipe(**settings), windows())
    assert min(right(forecast, test).values()) > 0.7
    assert not forecast.failures


@pytest.mark.parametrize("settings", [{}, *BOTH])
def test_quantiles_cover_and_a_kept_run_repeats_them(settings: dict) -> None:
    made = recipe(head=Quantiles(LEVELS), **settings)
    forecast, kept, test = said(made, windows())
    assert forecast.levels == LEVELS
    assert forecast.horizons == (1, 2)
    assert forecast.quantiles is not None
    assert forecast.quantiles.shape == (2, len(test), 2, 5)
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    for horizon in (0, 1):
        low, high = forecast.quantiles[:, :, horizon, 0], forecast.quantiles[:, :, horizon, 4]
        assert ((test.ahead[:, horizon] >= low) & (test.ahead[:, horizon] <= high)).mean() > 0.75
    width = {name: (high - low)[:, test.product == name].mean() for name in NAMES}
    assert 1.4 < width["B"] / width["A"] < 2.8  # B moves twice as much, C four times
    assert 2.8 < width["C"] / width["A"] < 5.6
    again = kept.quantiles("dnn", 0, test)
    assert again is not None
    np.testing.assert_array_equal(again.values.astype(np.float32), forecast.quantiles)
    np.testing.assert_array_equal(kept.ups("dnn", 0, test), forecast.up)
    arrays, index = arrays_of(kept)
    plain = from_arrays(arrays, index, [made], plain=True)
    np.testing.assert_allclose(plain.quantiles("dnn", 0, test).values, again.values, atol=1e-6)  # type: ignore[union-attr]
    np.testing.assert_allclose(plain.ups("dnn", 0, test), forecast.up, atol=1e-5)


def test_a_point_says_what_comes() -> None:
    forecast, _, test = said(recipe(head=Point(), scope="per_name"), windows())
    assert forecast.quantiles is not None
    point = forecast.quantiles.mean(axis=0)[:, :, 0]
    for horizon, least in ((0, 0.7), (1, 0.4)):
        assert np.corrcoef(point[:, horizon], test.ahead[:, horizon])[0, 1] > least
    assert min(right(forecast, test).values()) > 0.7


def test_a_name_that_cannot_be_trained_is_a_reason_and_the_others_go_on() -> None:
    held = windows()
    always = replace(held, label=np.where(held.product == "B", 1, held.label))
    forecast, kept, test = said(recipe(scope="per_name"), always)
    assert [(one.fold, one.seed) for one in forecast.failures] == [(0, None)]
    assert forecast.failures[0].reason.startswith("B: the train windows hold 90 ups and 0 downs")
    assert np.isnan(forecast.up[:, test.product == "B"]).all()
    assert np.isfinite(forecast.up[:, test.product != "B"]).all()
    np.testing.assert_array_equal(kept.ups("dnn", 0, test), forecast.up)
    whole, _, _ = said(recipe(scope="per_name"), windows())
    # the networks are the same; the calibrator is one for all names that spoke on validation
    np.testing.assert_array_equal(forecast.raw[:, test.product != "B"], whole.raw[:, test.product != "B"])


def test_where_no_name_can_be_trained_the_first_reason_is_given() -> None:
    held = windows()
    ((outcome,),) = recipe(scope="per_name").fit_grid(
        [FoldWindows(held.take(held.label == 1), held)], (1,), watch=silent
    )
    assert isinstance(outcome, FitError)
    assert "none of 3 names could be trained; A: " in str(outcome)


@pytest.mark.parametrize("settings", [{"embedding": 2}, {"embedding": 2, "head": Quantiles(LEVELS)}])
def test_a_name_that_train_did_not_hold_speaks_without_a_vector(settings: dict) -> None:
    held = windows()
    known = held.take(held.product != "C")
    fitted = recipe(**settings).fit(known, known, seed=1)
    assert isinstance(fitted, FittedNetwork)
    strange = held.take(held.product == "C")
    renamed = np.where(strange.row_product == "C", "Z", strange.row_product)
    other = replace(strange, row_product=renamed, product=np.full(len(strange), "Z"))
    np.testing.assert_array_equal(fitted.predict(strange), fitted.predict(other))
    as_known = replace(strange, row_product=np.full(len(renamed), "A"), product=np.full(len(strange), "A"))
    assert (fitted.predict(strange) != fitted.predict(as_known)).all()


def test_a_name_without_a_network_is_not_spoken_of() -> None:
    held = windows()
    known = held.take(held.product != "C")
    fitted = recipe(scope="per_name", head=Quantiles(LEVELS)).fit(known, known, seed=1)
    assert isinstance(fitted, FittedByName)
    quantiles = fitted.quantiles(held)
    assert quantiles is not None
    for spoke in (np.isfinite(fitted.predict(held)), np.isfinite(quantiles).all(axis=(1, 2))):
        np.testing.assert_array_equal(spoke, held.product != "C")


def test_returns_inside_the_band_teach_a_distribution_and_no_direction() -> None:
    """With a band that holds half of the days the middle of the distribution is still where it was."""
    whole, banded = windows(), windows(neutral=0.02)
    assert (banded.label == -1).mean() > 0.4
    one, other = (said(recipe(head=Quantiles(LEVELS)), held)[0].quantiles for held in (whole, banded))
    np.testing.assert_array_equal(one, other)
    first, second = (said(recipe(), held)[0].up for held in (whole, banded))
    assert (first != second).any()


def test_scale_is_the_root_mean_square_of_train_and_the_median_for_others() -> None:
    held = windows()
    found = volatility_of(held)
    for name in NAMES:
        moves = held.change[held.product == name]
        assert found[name] == pytest.approx(np.sqrt(np.mean(moves**2)))
    assert found[""] == found["B"]
    with pytest.raises(FitError, match="no price of the train range ever moved"):
        volatility_of(replace(held, change=np.zeros(len(held))))
