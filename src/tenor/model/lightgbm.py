"""Gradient-boosted trees (LightGBM) on the flattened window, stopped early on validation windows."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Interval

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.base import Recipe, class_weights, require_both_classes
from tenor.model.fit_plan import FitPlan
from tenor.model.logistic import flatten, in_chunks
from tenor.model.plain_trees import PlainTrees
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import State, bytes_of, require, text_of
from tenor.settings import STRICT
from tenor.units import Floats, Floats32

Fraction = Annotated[float, Interval(gt=0, le=1)]


@dataclass(frozen=True, slots=True)
class LightGBM:
    """Small trees and heavy subsampling, for a few thousand noisy days; the seed draws rows and columns.

    Parameters
    ----------
    sessions
        Latest sessions of a window that are read; absent, all. Fewer leave fewer values to split on.
    trees
        Most trees; ``patience`` stops earlier.
    leaves
        Most leaves of a tree: more fit finer patterns, and noise.
    least_in_leaf
        Least train windows in a leaf; more keeps a leaf from resting on a few days.
    learning_rate
        Part of each tree that is added; smaller needs more trees.
    rows
        Part of the train windows that a tree is grown on, drawn anew for each; 1 takes all.
    columns
        Part of a window's values (each column on each session) that a tree may split on, drawn anew for each.
    penalty
        L2 penalty on the values of leaves; higher draws them towards zero.
    patience
        Stop after so many trees without a lower log loss on validation; the best number of trees is kept.
    """

    __pydantic_config__: ClassVar = STRICT
    sessions: Annotated[int, Gt(0)] | None = None
    trees: Annotated[int, Gt(0)] = 300
    leaves: Annotated[int, Gt(1)] = 7
    least_in_leaf: Annotated[int, Gt(0)] = 40
    learning_rate: Annotated[float, Gt(0)] = 0.03
    rows: Fraction = 0.7
    columns: Fraction = 0.3
    penalty: Annotated[float, Gt(0)] = 5.0
    patience: Annotated[int, Gt(0)] = 30
    kind: Literal["lightgbm"] = "lightgbm"
    reads: ClassVar = ()

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe; of the fit plan, which is for networks, it takes the class weights."""
        return LightGBMRecipe(self, prepare, plan.class_weights == "balanced")


@dataclass(frozen=True, slots=True)
class FittedTrees:
    """Boosted trees behind their preparation."""

    prepared: Prepared
    booster: Any

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return in_chunks(self.prepared.rows(windows), self.speak)

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values; of longer windows the last sessions are read."""
        values = values[:, -(self.booster.num_feature() // values.shape[2]) :]
        return np.asarray(self.booster.predict(flatten(values), num_threads=1), dtype=np.float64)

    def state(self) -> State:
        """Return the trees up to the best one as LightGBM's own text, and the preparation."""
        return {**self.prepared.state(), "trees": bytes_of(self.booster.model_to_string())}


@dataclass(frozen=True, slots=True)
class LightGBMRecipe:
    """Boosting with early stopping."""

    settings: LightGBM
    prepare: Prepare
    balanced: bool = True
    name: str = "lightgbm"
    seeded: ClassVar = True
    calibrated: ClassVar = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedTrees:
        """Boost until validation log loss has not improved for ``patience`` trees."""
        lightgbm = _lightgbm()
        train, validation = train.latest(self.settings.sessions), validation.latest(self.settings.sessions)
        require_both_classes(train, "train")
        require_both_classes(validation, "validation")
        prepared = self.prepare.learn(train)
        settings = self.settings
        parameters = {
            "objective": "binary",
            "num_leaves": settings.leaves,
            "min_data_in_leaf": settings.least_in_leaf,
            "learning_rate": settings.learning_rate,
            "bagging_fraction": settings.rows,
            "bagging_freq": 1,
            "feature_fraction": settings.columns,
            "lambda_l2": settings.penalty,
            "seed": seed,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(
            flatten(prepared.apply(train)),
            label=train.label,
            weight=class_weights(train, train, balanced=self.balanced),
        )
        held = lightgbm.Dataset(
            flatten(prepared.apply(validation)),
            label=validation.label,
            weight=class_weights(train, validation, balanced=self.balanced),
            reference=data,
        )
        booster = lightgbm.train(
            parameters,
            data,
            num_boost_round=settings.trees,
            valid_sets=[held],
            callbacks=[lightgbm.early_stopping(settings.patience, verbose=False)],
        )
        return FittedTrees(prepared, booster)

    def restore(self, state: State) -> FittedTrees:
        """Return the trees that gave ``state``."""
        lightgbm = _lightgbm()
        prepared = Prepared.from_state(state)
        require(state, {"trees": 1}, self.name)
        try:
            booster = lightgbm.Booster(model_str=text_of(state["trees"]))
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as broken:
            raise FitError(f"{self.name}: the text of the trees is not LightGBM's: {broken}") from broken
        return FittedTrees(prepared, booster)

    def restore_plain(self, state: State) -> PlainTrees:
        """Return the trees that gave ``state``, walked in numpy: equal to rounding, and LightGBM is not loaded."""
        require(state, {"trees": 1}, self.name)
        return PlainTrees(Prepared.from_state(state), text_of(state["trees"]))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except OSError as missing:
        raise FitError(
            f"LightGBM cannot load the OpenMP runtime ({missing}); install it (Debian: libgomp1)"
            " or leave lightgbm out of the study's models"
        ) from missing
    return lightgbm
