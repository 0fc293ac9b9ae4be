"""Frozen models: all seeds asked at once, what seeds share kept once, and nothing that cannot be said in numbers."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

import numpy as np
import pytest
from safetensors.numpy import load, save

from tenor.errors import FitError
from tenor.factor.window import Fold, Windows
from tenor.model.base import Fitted, FoldWindows, Recipe
from tenor.model.calibrate import IDENTITY, Calibrator
from tenor.model.fit_plan import FitPlan
from tenor.model.frozen import Frozen, FrozenModel, FrozenModels, arrays_of, from_arrays, why_not_kept
from tenor.model.lstm import LSTM
from tenor.model.network import FittedNetwork, NetworkRecipe
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import State
from tenor.model.train import TrainedGrid
from tenor.progress import silent
from tenor.units import Floats, Floats32

LENGTH = 2


def windows(count: int = 40, products: tuple[str, ...] = ("T",), seed: int = 1) -> Windows:
    """A block of consecutive days for each product."""
    rng = np.random.default_rng(seed)
    row_product = np.repeat(products, count + LENGTH - 1)
    ends = np.concatenate([np.flatnonzero(row_product == code)[LENGTH - 1 :] for code in products])
    change = rng.standard_normal(len(ends))
    days = np.tile(np.datetime64("2020-01-01") + np.arange(count), len(products))
    return Windows(
        columns=("a", "b"),
        rows=rng.standard_normal((len(row_product), 2)),
        row_product=row_product,
        ends=ends,
        length=LENGTH,
        session=days,
        resolves=days + np.timedelta64(1, "D"),
        product=row_product[ends],
        pair=np.full(len(ends), "pair"),
        change=change,
        label=(change > 0).astype(np.int64),
    )


FOLDS = (
    Fold(3, (date(2020, 1, 1), date(2020, 1, 10)), (date(2020, 1, 11), date(2020, 1, 15)), (date(2020, 1, 16),) * 2),
    Fold(4, (date(2020, 1, 1), date(2020, 1, 20)), (date(2020, 1, 21), date(2020, 1, 25)), (date(2020, 1, 26),) * 2),
)


def models(*made: FrozenModel, left_out: tuple[str, ...] = (), products: tuple[str, ...] = ("T", "TF")) -> FrozenModels:
    moves = ({"T": 0.1 + 0.2, "TF": 1e-300}, {"T": 2.0})
    return FrozenModels(made, FOLDS, (products, products), moves, left_out)


ASKED: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class Sum:
    """Adds up what it was handed, times its own number; counts how often it is asked."""

    prepared: Prepared
    times: float

    def predict(self, held: Windows) -> Floats:
        return self.speak(self.prepared.apply(held))

    def speak(self, values: Floats32) -> Floats:
        ASKED[f"speak {values.ctypes.data}"] += 1
        return np.asarray(0.5 + 0.01 * self.times * values.astype(np.float64).sum(axis=(1, 2)))

    def state(self) -> State:
        return {**self.prepared.state(), "times": np.array([self.times])}


@dataclass(frozen=True, slots=True)
class SumRecipe:
    """Makes them of any state."""

    name: str = "sum"
    seeded: ClassVar = True
    calibrated: ClassVar = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Fitted:
        return Sum(Prepare().learn(train), float(seed))

    def restore(self, state: State) -> Fitted:
        return Sum(Prepared.from_state(state), float(state["times"][0]))


def sums(seeds: tuple[int, ...] = (1, 2, 3)) -> FrozenModel:
    """Each seed learnt a preparation of its own, from the same windows; the last seed of the second fold failed."""
    rows: list[tuple[Frozen | str, ...]] = []
    for place in range(2):
        row: list[Frozen | str] = [
            Frozen(
                Sum(Prepare().learn(windows(seed=9 + place)), float(seed)), Calibrator(1.0 + seed / 3, 0.1), seed / 7
            )
            for seed in seeds
        ]
        rows.append(tuple(row))
    rows[1] = (*rows[1][:-1], "it diverged")
    return FrozenModel("sum", seeds, tuple(rows))


def through_bytes(frozen: FrozenModels, *recipes: Recipe) -> FrozenModels:
    arrays, index = arrays_of(frozen)
    return from_arrays(load(save(arrays)), json.loads(json.dumps(index)), recipes)


def test_every_seed_is_asked_and_a_window_is_prepared_once() -> None:
    frozen = models(sums())
    asked = windows(7)
    ASKED.clear()
    found = frozen.ups("sum", 0, asked)
    assert list(ASKED.values()) == [3], "the three seeds read the same prepared array"
    x = Prepare().learn(windows(seed=9)).apply(asked).astype(np.float64).sum(axis=(1, 2))
    wanted = [Calibrator(1.0 + seed / 3, 0.1).apply(0.5 + 0.01 * seed * x) for seed in (1, 2, 3)]
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(frozen.scales("sum", 0), [1 / 7, 2 / 7, 3 / 7])


def test_a_seed_without_a_model_is_no_number_and_its_reason_stays() -> None:
    for frozen in (models(sums()), through_bytes(models(sums()), SumRecipe())):
        found = frozen.ups("sum", 1, windows(4))
        assert np.isfinite(found).tolist() == [[True] * 4, [True] * 4, [False] * 4]
        assert np.isfinite(frozen.scales("sum", 1)).tolist() == [True, True, False]
        assert frozen.model("sum").folds[1][2] == "it diverged"


def test_everything_comes_back_from_bytes() -> None:
    before = models(sums(), left_out=("theirs: not kept, it has no state()",))
    after = through_bytes(before, SumRecipe())
    for name in ("folds", "products", "expected_move", "left_out"):
        assert getattr(after, name) == getattr(before, name)
    assert [(model.name, model.seeds) for model in after.models] == [("sum", (1, 2, 3))]
    for place in range(2):
        np.testing.assert_array_equal(after.ups("sum", place, windows(9)), before.ups("sum", place, windows(9)))
        np.testing.assert_array_equal(after.scales("sum", place), before.scales("sum", place))


def test_equal_models_give_equal_bytes() -> None:
    first, second = (arrays_of(models(sums())) for _ in range(2))
    assert first[1] == second[1]
    assert save(first[0]) == save(second[0])


def test_what_seeds_share_is_kept_once_and_what_differs_for_each() -> None:
    arrays, index = arrays_of(models(sums()))
    shared = dict.fromkeys(("prepared.names", "prepared.scaling", "prepared.chosen", "prepared.clip"), "all")
    assert [fold["arrays"] for fold in index["models"][0]["folds"]] == [{**shared, "times": "each"}] * 2
    assert arrays["sum/0/times"].tolist() == [[1.0], [2.0], [3.0]]
    assert arrays["sum/1/times"].tolist() == [[1.0], [2.0]], "the third seed has none"
    assert arrays["sum/0/prepared.scaling"].shape == (1, 3, 2)
    assert arrays["sum/slope_intercept_scale"].shape == (2, 3, 3)


@dataclass(frozen=True, slots=True)
class Long:
    """Its state has another length, and for seed 2 another name, than that of its neighbours."""

    numbers: tuple[float, ...]
    more: tuple[float, ...] = ()

    def predict(self, held: Windows) -> Floats:
        return np.full(len(held), sum(self.numbers) + sum(self.more))

    def state(self) -> State:
        more = {"more": np.array(self.more)} if self.more else {}
        return {"numbers": np.array(self.numbers), **more}


class LongRecipe(SumRecipe):
    def restore(self, state: State) -> Fitted:
        more = tuple(state["more"].tolist()) if "more" in state else ()
        return Long(tuple(state["numbers"].tolist()), more)


def test_states_of_different_lengths_are_kept_apart() -> None:
    fitted = (Long((0.1,)), Long((0.1, 0.2), (0.3,)), Long((0.1, 0.2)))
    row: tuple[Frozen | str, ...] = ("none", *(Frozen(one, IDENTITY, 0.1) for one in fitted))
    frozen = models(FrozenModel("long", (5, 6, 7, 8), (row, row)))
    arrays, index = arrays_of(frozen)
    assert index["models"][0]["folds"][0]["arrays"] == {"numbers": "apart", "more": "apart"}
    assert sorted(name for name in arrays if name.startswith("long/0/")) == [
        "long/0/more/2",
        "long/0/numbers/1",
        "long/0/numbers/2",
        "long/0/numbers/3",
    ]
    after = through_bytes(frozen, LongRecipe("long"))
    assert [one if isinstance(one, str) else one.fitted for one in after.model("long").folds[1]] == ["none", *fitted]


def test_outcomes_and_rows_of_other_windows_are_not_shown() -> None:
    seen: list[Windows] = []

    class Curious:
        def predict(self, held: Windows) -> Floats:
            seen.append(held)
            return np.full(len(held), 0.5)

    one = Frozen(Curious(), IDENTITY, 0.1)
    frozen = models(FrozenModel("curious", (1,), ((one,), (one,))))
    asked = windows(30).take([3, 20])
    one.up(asked)
    frozen.ups("curious", 0, asked)
    for held in seen:
        assert len(held.rows) == 2 * LENGTH
        assert np.isnan(held.change).all()
        assert not held.decided.any()
    assert len(seen) == 2


def test_what_is_not_there_is_named() -> None:
    frozen = models(sums(), left_out=("theirs: not kept, its recipe has no restore(state)",))
    with pytest.raises(FitError, match=r"no model 'summ', it keeps \['sum'\]; did you mean 'sum'\?"):
        frozen.model("summ")
    with pytest.raises(FitError, match=r"no model 'theirs', .*; theirs: not kept, its recipe has no restore"):
        frozen.ups("theirs", 0, windows(3))
    for place in (-1, 2):
        with pytest.raises(FitError, match=f"no fold at position {place}; the run has 2, counted from 0"):
            frozen.scales("sum", place)
    with pytest.raises(FitError, match="fold 1 of sum does not speak of TL, TS: its train range holds T, TF"):
        frozen.ups("sum", 1, windows(3, ("T", "TL", "TS")))


def test_the_fold_that_spoke_on_a_day() -> None:
    frozen = models(sums())
    assert [frozen.fold_on(date(2020, 1, day)) for day in (16, 26)] == [0, 1]
    with pytest.raises(FitError, match="no model of the run spoke on 2020-01-17; the test ranges are 2020-01-16 to"):
        frozen.fold_on(date(2020, 1, 17))


def test_a_model_that_never_could_be_fitted_is_kept_as_its_reasons() -> None:
    never = FrozenModel("sum", (1, 2), (("one class",) * 2, ("one class",) * 2))
    assert why_not_kept(SumRecipe(), never) is None
    after = through_bytes(models(never), SumRecipe())
    assert after.model("sum").folds == never.folds
    assert np.isnan(after.ups("sum", 0, windows(3))).all()


# --- networks ---------------------------------------------------------------------------------------------

SEEDS = tuple(range(20))


@dataclass(frozen=True, slots=True)
class Weights:
    """An LSTM of the usual size with drawn weights for 6 folds and 20 seeds, 5 sessions of 35 columns."""

    folds: int = 6
    length: int = 5
    columns: int = 35
    recipe: NetworkRecipe = field(default_factory=lambda: NetworkRecipe("lstm", LSTM(), Prepare(), FitPlan()))

    def prepared(self) -> Prepared:
        rng = np.random.default_rng(0)
        scaling = {code: tuple(rng.uniform(1, 2, self.columns) for _ in range(3)) for code in ("TS", "TF", "T", "TL")}
        chosen = np.full(self.columns, True)
        return Prepared(tuple(f"x{at}" for at in range(self.columns)), scaling, chosen, 5.0)  # type: ignore[arg-type]

    def frozen(self) -> FrozenModel:
        rng = np.random.default_rng(1)
        shape = (self.folds, len(SEEDS))
        size = 4 * 8 * (self.columns + 8 + 1) + 2 * 4 * 8 * (8 + 8 + 1) + 2 * 8 + 2
        grid = TrainedGrid(
            architecture=LSTM(),
            features=self.columns,
            time=self.length,
            seeds=SEEDS,
            theta=rng.standard_normal((*shape, size)).astype(np.float32),
            best_epoch=np.ones(shape, np.int64),
            epochs_run=np.ones(shape, np.int64),
            train_loss=np.zeros((*shape, 60), np.float32),
            valid_loss=np.zeros((*shape, 60), np.float32),
            failures=((None,) * len(SEEDS),) * self.folds,
        )
        rows = []
        for fold in range(self.folds):
            known = self.prepared()
            rows.append(
                tuple(Frozen(FittedNetwork(known, grid, fold, seed), IDENTITY, 0.1) for seed in range(len(SEEDS)))
            )
        return FrozenModel("lstm", SEEDS, tuple(rows))


def test_a_run_of_six_folds_and_twenty_seeds_is_small() -> None:
    whole = Weights()
    arrays, _ = arrays_of(models(whole.frozen()))
    weights = sum(array.nbytes for name, array in arrays.items() if "/parameter/" in name)
    assert weights == 6 * 20 * 2514 * 4
    assert len(save(arrays)) < 1.1 * weights, "1.2 MB; preparation, history and names are the rest"


def test_the_networks_of_a_fold_are_those_of_the_grid() -> None:
    whole = Weights()
    before = whole.frozen()
    frozen = through_bytes(models(before), whole.recipe)
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((300 + whole.length - 1, whole.columns))
    count = 300
    asked = Windows(
        columns=whole.prepared().columns,
        rows=rows,
        row_product=np.full(len(rows), "T"),
        ends=np.arange(count) + whole.length - 1,
        length=whole.length,
        session=np.datetime64("2020-01-01") + np.arange(count),
        product=np.full(count, "T"),
        pair=np.full(count, "pair"),
        resolves=np.full(count, np.datetime64("NaT", "D")),
        change=np.full(count, np.nan),
        label=np.full(count, -1),
    )
    found = frozen.ups("lstm", 1, asked)
    for seed in (0, 7, 19):
        one = before.folds[1][seed]
        assert isinstance(one, Frozen)
        np.testing.assert_array_equal(found[seed], one.up(asked))
    assert np.unique(found[:, 0]).size == len(SEEDS)
    for chosen in ([299], [0, 299, 256]):
        np.testing.assert_array_equal(frozen.ups("lstm", 1, asked.take(chosen)), found[:, chosen])


def test_a_trained_network_keeps_its_history() -> None:
    recipe = NetworkRecipe("lstm", LSTM(layers=1, hidden=2), Prepare(), FitPlan(epochs=3, batch_size=16))
    fold = FoldWindows(windows(40, seed=3), windows(20, seed=4))
    ((first, second),) = recipe.fit_grid((fold,), (1, 2), watch=silent)
    assert isinstance(first, FittedNetwork)
    assert isinstance(second, FittedNetwork)
    restored = recipe.restore(load(save(dict(second.state()))))
    assert (restored.trained.seeds, restored.fold, restored.seed) == ((2,), 0, 0)
    np.testing.assert_array_equal(restored.trained.valid_loss[0, 0], second.trained.valid_loss[0, 1])
    np.testing.assert_array_equal(restored.predict(windows(9)), second.predict(windows(9)))
    assert (restored.predict(windows(9)) != first.predict(windows(9))).all()
    with pytest.raises(FitError, match=r"a grid of \(1, 2\) networks; one fitted model is a grid of one"):
        recipe.restore({**second.prepared.state(), **second.trained.state()})
