"""Regularised logistic regression on the flattened window: the linear challenger.

The strength of the L2 penalty is chosen on the fold's validation windows by log loss, from a short list; ties
go to the stronger penalty.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Len

from tenor.factor.window import Windows
from tenor.model.base import Recipe, class_weights, require_both_classes
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare, Prepared
from tenor.settings import STRICT
from tenor.units import Floats, Floats32


def flatten(values: Floats32) -> Floats32:
    """Lay sessions side by side: ``(window, time, feature)`` to ``(window, time * feature)``."""
    return values.reshape(len(values), -1)


@dataclass(frozen=True, slots=True)
class FittedTabular:
    """A scikit-learn style classifier behind its preparation."""

    prepared: Prepared
    classifier: Any

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return np.asarray(self.classifier.predict_proba(flatten(self.prepared.apply(windows)))[:, 1], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LogisticRecipe:
    """Logistic regression with its penalty chosen on validation."""

    settings: "Logistic"
    prepare: Prepare
    name: str = "logistic"
    seeded: ClassVar = False
    calibrated: ClassVar = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedTabular:
        """Fit one regression per penalty, keep the one with the least validation log loss."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        require_both_classes(train, "train")
        require_both_classes(validation, "validation")
        prepared = self.prepare.learn(train)
        x, x_validation = (flatten(prepared.apply(part)).astype(np.float64) for part in (train, validation))
        best: tuple[float, Any] | None = None
        for strength in sorted(self.settings.inverse_penalties):
            model = LogisticRegression(C=strength, class_weight="balanced", solver="newton-cholesky")
            # one thread: sums in one order, so the same numbers on any machine, and faster at this size
            with threadpool_limits(1, user_api="blas"):
                model.fit(x, train.label)
            up = np.clip(model.predict_proba(x_validation)[:, 1], 1e-9, 1 - 1e-9)
            losses = -np.where(validation.label == 1, np.log(up), np.log1p(-up))
            loss = float(np.average(losses, weights=class_weights(train, validation)))
            if best is None or loss < best[0]:
                best = (loss, model)
        assert best is not None
        return FittedTabular(prepared, best[1])


@dataclass(frozen=True, slots=True)
class Logistic:
    """L2-regularised logistic regression; ``inverse_penalties`` are the values of C to choose from."""

    __pydantic_config__: ClassVar = STRICT
    inverse_penalties: Annotated[tuple[Annotated[float, Gt(0)], ...], Len(1)] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    kind: Literal["logistic"] = "logistic"
    reads: ClassVar = ()

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe; the fit plan is for networks."""
        return LogisticRecipe(self, prepare)
