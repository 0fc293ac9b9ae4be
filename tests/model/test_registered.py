"""What every registered model must do, ours no differently from a user's."""

import json
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from safetensors.numpy import load, save

from tenor.errors import FitError
from tenor.factor.window import Fold, Windows
from tenor.model.base import PlainRecipe, Recipe, Settings
from tenor.model.calibrate import Calibration
from tenor.model.fit_plan import FitPlan
from tenor.model.forecast import Forecast
from tenor.model.frozen import Frozen, FrozenModels, arrays_of, from_arrays
from tenor.model.prepare import Prepare
from tenor.registry import registered
from tenor.trust.walk_forward import WalkForwardRun, walk_forward
from tenor.units import Floats

MODELS = tuple(registered("tenor.models"))
RULES = ("majority", "momentum", "random_walk", "reversal")
LENGTH, COUNT = 2, 330
SEEDS = (3, 4)
PLAN = FitPlan(epochs=10, batch_size=16, learning_rate=0.02)
SMALLER = {"layers": 1, "hidden": 4, "dropout": 0.0, "trees": 60, "least_in_leaf": 10}
"""What makes a model of any kind quick on a tiny data set, by the name of the setting."""


def settings(name: str) -> Settings:
    """The registered settings, smaller where they can be."""
    made = registered("tenor.models")[name]()
    smaller = {
        field.name: SMALLER[field.name]
        for field in fields(made)
        if field.name in SMALLER and isinstance(getattr(made, field.name), int | float)
    }
    small: Settings = replace(made, **smaller)
    return small


def recipe(name: str) -> Recipe:
    return settings(name).recipe(Prepare(), PLAN)


def windows() -> Windows:
    """One product on consecutive days; what comes next mostly goes against the last change.

    In the second fifth of the days it only ever rises, so a fold that trains there has one class.
    """
    rng = np.random.default_rng(12)
    rows = rng.standard_normal((COUNT + LENGTH - 1, 3))
    ends = np.arange(LENGTH - 1, COUNT + LENGTH - 1)
    change = -rows[ends, 0] + 0.25 * rng.standard_normal(COUNT)
    change[60:120] = np.abs(change[60:120])
    return Windows(
        columns=("spread_change_1", "noise", "more_noise"),
        rows=rows,
        row_product=np.full(len(rows), "T"),
        ends=ends,
        length=LENGTH,
        session=np.datetime64("2020-01-01") + np.arange(COUNT),
        resolves=np.datetime64("2020-01-01") + np.arange(COUNT) + np.timedelta64(1, "D"),
        product=np.full(COUNT, "T"),
        pair=np.full(COUNT, "T2012-T2103"),
        change=change,
        label=(change > 0).astype(np.int64),
    )


def fold(index: int, *cuts: tuple[int, int]) -> Fold:
    """A fold from the first and last position of each range."""
    days = windows().session.tolist()
    return Fold(index, *((days[first], days[last]) for first, last in cuts))


ONE_CLASS = fold(0, (62, 110), (121, 135), (138, 160))
FOLDS = (
    ONE_CLASS,
    fold(1, (120, 210), (213, 240), (243, 280)),
    fold(2, (120, 220), (223, 250), (281, 329)),
)


@cache
def run(name: str) -> tuple[WalkForwardRun, Forecast]:
    said = walk_forward([recipe(name)], windows(), FOLDS, seeds=SEEDS, calibration=Calibration("platt"))
    return said, said.forecasts[0]


@cache
def kept(name: str) -> FrozenModels:
    """The models of the run, through the bytes of a file."""
    frozen = run(name)[0].frozen
    assert frozen is not None
    arrays, index = arrays_of(frozen)
    return from_arrays(load(save(arrays)), json.loads(json.dumps(index)), [recipe(name)])


def learning_parts() -> tuple[Windows, Windows]:
    return FOLDS[2].part(windows(), "train"), FOLDS[2].part(windows(), "validation")


@pytest.mark.parametrize("name", MODELS)
def test_a_forecast_is_a_probability_for_every_seed_and_window(name: str) -> None:
    said, forecast = run(name)
    made = recipe(name)
    assert forecast.model == made.name == name
    assert forecast.seeds == (SEEDS if made.seeded else SEEDS[:1])
    shape = (len(forecast.seeds), 23 + 38 + 49)
    later = said.fold > 0
    for values, high in ((forecast.raw, 1.0), (forecast.up, 1.0), (forecast.scale, 0.5)):
        assert values.shape == shape
        assert ((values[:, later] >= 0) & (values[:, later] <= high)).all()


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(RULES)))
def test_one_class_fails_as_a_value_and_the_other_folds_stand(name: str) -> None:
    said, forecast = run(name)
    assert [(each.model, each.fold) for each in forecast.failures] == [(name, 0)]
    assert forecast.failures[0].seed is None or len(forecast.seeds) == 1
    assert "49 ups" in forecast.failures[0].reason or "one class" in forecast.failures[0].reason
    for values in (forecast.raw, forecast.up, forecast.scale):
        assert np.isnan(values[:, said.fold == 0]).all()
        assert np.isfinite(values[:, said.fold > 0]).all()
    alone = walk_forward([recipe(name)], windows(), FOLDS[1:], seeds=SEEDS, calibration=Calibration("platt"))
    np.testing.assert_array_equal(alone.forecasts[0].up, forecast.up[:, said.fold > 0])
    with pytest.raises(FitError):
        recipe(name).fit(ONE_CLASS.part(windows(), "train"), ONE_CLASS.part(windows(), "validation"), seed=SEEDS[0])


@pytest.mark.parametrize("name", RULES)
def test_a_rule_needs_no_second_class(name: str) -> None:
    _, forecast = run(name)
    assert not forecast.failures
    assert np.isfinite(forecast.up).all()


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"majority", "momentum", "random_walk"}))
def test_a_planted_signal_is_learnt(name: str) -> None:
    said, forecast = run(name)
    later = said.fold > 0
    right = (forecast.up[:, later] > 0.5) == (said.test.label[later] == 1)
    assert (right.mean(axis=1) > 0.75).all()


def test_the_other_rules_cannot_learn_it() -> None:
    for name in ("majority", "momentum", "random_walk"):
        said, forecast = run(name)
        later = said.fold > 0
        assert ((forecast.up[0, later] > 0.5) == (said.test.label[later] == 1)).mean() < 0.6


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_gives_the_same_numbers_alone_and_in_a_grid(name: str) -> None:
    """Fitting one fold and seed by itself repeats what the walk-forward said of it."""
    said, forecast = run(name)
    train, validation = learning_parts()
    test = said.test.take(said.fold == 2)
    raw: list[Floats] = [recipe(name).fit(train, validation, seed=seed).predict(test) for seed in forecast.seeds]
    np.testing.assert_array_equal(np.stack(raw), forecast.raw[:, said.fold == 2])


@pytest.mark.parametrize("name", [name for name in MODELS if recipe(name).seeded])
def test_another_seed_gives_other_numbers(name: str) -> None:
    said, forecast = run(name)
    assert np.abs(np.diff(forecast.raw[:, said.fold > 0], axis=0)).max() > 0


@pytest.mark.parametrize("name", MODELS)
def test_what_is_said_of_a_window_does_not_depend_on_the_others(name: str) -> None:
    said, forecast = run(name)
    train, validation = learning_parts()
    test = said.test.take(said.fold == 2)
    fitted = recipe(name).fit(train, validation, seed=SEEDS[0])
    together = forecast.raw[0, said.fold == 2]
    some = np.array([40, 3, 17])
    np.testing.assert_array_equal(fitted.predict(test.take(some)), together[some])


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_kept_says_what_the_run_said(name: str) -> None:
    """Bit for bit, raw and calibrated, each seed by itself and all together; a failure keeps its reason."""
    said, forecast = run(name)
    frozen = kept(name)
    assert not frozen.left_out
    assert (frozen.folds, frozen.model(name).seeds) == (FOLDS, forecast.seeds)
    for place in range(len(FOLDS)):
        mine = said.fold == place
        test = said.test.take(mine)
        np.testing.assert_array_equal(frozen.ups(name, place, test), forecast.up[:, mine])
        scales = np.tile(frozen.scales(name, place)[:, None], mine.sum())
        np.testing.assert_array_equal(scales, forecast.scale[:, mine])
        np.testing.assert_array_equal([frozen.expected_move[place]["T"]] * len(test), said.expected_move[mine])
        for seed, one in enumerate(frozen.model(name).folds[place]):
            if isinstance(one, Frozen):
                np.testing.assert_array_equal(one.fitted.predict(test), forecast.raw[seed, mine])
                np.testing.assert_array_equal(one.up(test), forecast.up[seed, mine])
            else:
                assert one == forecast.failures[0].reason
                assert place == 0


@pytest.mark.parametrize("name", [name for name in MODELS if isinstance(recipe(name), PlainRecipe)])
def test_what_answers_without_the_trainer_answers_the_same(name: str) -> None:
    arrays, index = arrays_of(kept(name))
    plain = from_arrays(arrays, index, [recipe(name)], plain=True)
    said, forecast = run(name)
    for place in (1, 2):
        mine = said.fold == place
        found = plain.ups(name, place, said.test.take(mine))
        np.testing.assert_allclose(found, forecast.up[:, mine], atol=1e-5)
        assert np.ptp(found) > 0.1
    kept_again, _ = arrays_of(plain)
    assert {key: array.tobytes() for key, array in kept_again.items()} == {
        key: array.tobytes() for key, array in arrays.items()
    }


@pytest.mark.parametrize("name", MODELS)
def test_what_a_kept_model_says_of_a_window_does_not_depend_on_the_others(name: str) -> None:
    """Nor on its place, nor on how many there are: a zero shock among others is the base, bit for bit."""
    said, _ = run(name)
    test = said.test.take(said.fold == 2)
    together = kept(name).ups(name, 2, test)
    for chosen in (np.array([17]), np.array([40, 3, 17]), np.resize(np.arange(len(test))[::-1], 600)):
        np.testing.assert_array_equal(kept(name).ups(name, 2, test.take(chosen)), together[:, chosen])


@pytest.mark.parametrize("name", MODELS)
def test_a_kept_model_of_other_settings_is_refused(name: str) -> None:
    arrays, index = arrays_of(kept(name))
    for lost in [key for key in arrays if not key.endswith("slope_intercept_scale")]:
        with pytest.raises((FitError, KeyError)):
            from_arrays({key: arrays[key] for key in arrays if key != lost}, index, [recipe(name)])
    other = {
        "dnn": {"hidden": (3,)},
        "lstm": {"hidden": 3},
        "gru": {"hidden": 3},
        "alstm": {"hidden": 3},
        "transformer": {"hidden": 6},
    }
    if name in other:
        changed = replace(settings(name), **other[name]).recipe(Prepare(), PLAN)  # type: ignore[type-var]
        with pytest.raises(FitError, match="load them with the architecture that was trained"):
            from_arrays(arrays, index, [changed])
    with pytest.raises(FitError, match=f"the arrays hold model '{name}', the recipes are"):
        from_arrays(arrays, index, [recipe("majority" if name != "majority" else "momentum")])


@pytest.mark.parametrize("name", MODELS)
def test_settings_name_themselves_and_what_they_read(name: str) -> None:
    made = registered("tenor.models")[name]()
    assert made.kind == name
    assert set(made.reads) <= set(windows().columns)
