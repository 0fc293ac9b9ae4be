"""Regularised logistic regression on the flattened window: the linear challenger.

The strength of the L2 penalty is chosen on the fold's validation windows by log loss, from a short list; ties
go to the stronger penalty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Len

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.base import Recipe, class_weights, require_both_classes
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare, Prepared
from tenor.model.probability import expit
from tenor.model.state import State, require
from tenor.model.window_rows import WindowRows
from tenor.settings import STRICT
from tenor.units import Floats, Floats32


def flatten(values: Floats32) -> Floats32:
    """Lay sessions side by side: ``(window, time, feature)`` to ``(window, time * feature)``."""
    return values.reshape(len(values), -1)


CHUNK = 4096
"""Windows that are laid out at a time to be forecast."""


def in_chunks(rows: WindowRows, speak: Callable[[Floats32], Floats]) -> Floats:
    """Return what ``speak`` says of prepared windows, laid out a few at a time."""
    parts = [
        speak(WindowRows(rows.rows, rows.ends[start : start + CHUNK], rows.time).laid())
        for start in range(0, len(rows), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


@dataclass(frozen=True, slots=True)
class FittedLogistic:
    """``P(up) = expit(weights . x + intercept)`` behind its preparation; ``inverse_penalty`` is the C that was chosen.

    Each window's score is summed by itself: a matrix product may sum in another order where more windows are asked,
    and a window would then be told another last digit beside others than alone.
    """

    prepared: Prepared
    weights: Floats
    intercept: float
    inverse_penalty: float

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return in_chunks(self.prepared.rows(windows), self.speak)

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values; of longer windows the last sessions are read."""
        values = values[:, -(len(self.weights) // values.shape[2]) :]
        return np.asarray(expit((flatten(values) * self.weights).sum(axis=1) + self.intercept))

    def state(self) -> State:
        """Return weights, intercept, the chosen C, and the preparation."""
        rest = np.array([self.intercept, self.inverse_penalty])
        return {**self.prepared.state(), "weights": self.weights, "intercept_and_inverse_penalty": rest}


@dataclass(frozen=True, slots=True)
class LogisticRecipe:
    """Logistic regression with its penalty chosen on validation."""

    settings: "Logistic"
    prepare: Prepare
    balanced: bool = True
    name: str = "logistic"
    seeded: ClassVar = False
    calibrated: ClassVar = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> FittedLogistic:
        """Fit one regression per penalty, keep the one with the least validation log loss."""
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits

        train, validation = train.latest(self.settings.sessions), validation.latest(self.settings.sessions)
        require_both_classes(train, "train")
        require_both_classes(validation, "validation")
        prepared = self.prepare.learn(train)
        x, held = flatten(prepared.apply(train)).astype(np.float64), prepared.apply(validation)
        best: tuple[float, FittedLogistic] | None = None
        for strength in sorted(self.settings.inverse_penalties):
            weights = "balanced" if self.balanced else None
            model = LogisticRegression(C=strength, class_weight=weights, solver="newton-cholesky")
            # one thread: sums in one order, so the same numbers on any machine, and faster at this size
            with threadpool_limits(1, user_api="blas"):
                model.fit(x, train.label)
            fitted = FittedLogistic(prepared, model.coef_[0], float(model.intercept_[0]), strength)
            up = np.clip(fitted.speak(held), 1e-9, 1 - 1e-9)
            losses = -np.where(validation.label == 1, np.log(up), np.log1p(-up))
            loss = float(np.average(losses, weights=class_weights(train, validation, balanced=self.balanced)))
            if best is None or loss < best[0]:
                best = (loss, fitted)
        assert best is not None
        return best[1]

    def restore(self, state: State) -> FittedLogistic:
        """Return the regression that gave ``state``."""
        prepared = Prepared.from_state(state)
        require(state, {"weights": 1, "intercept_and_inverse_penalty": 1}, self.name)
        weights, rest = state["weights"], state["intercept_and_inverse_penalty"]
        if len(weights) % len(prepared.columns) or len(rest) != 2:
            raise FitError(
                f"{self.name}: {len(weights)} weights and {len(rest)} further numbers for {len(prepared.columns)}"
                " columns; there must be a weight for each session and column, and 2 further numbers"
            )
        return FittedLogistic(prepared, weights, float(rest[0]), float(rest[1]))


@dataclass(frozen=True, slots=True)
class Logistic:
    """L2-regularised logistic regression, its penalty chosen on validation.

    Parameters
    ----------
    sessions
        Latest sessions of a window that are read; absent, all. Fewer leave fewer weights to learn.
    inverse_penalties
        Values of C, the inverse strength of the penalty, to choose from: smaller holds the weights nearer zero.
    """

    __pydantic_config__: ClassVar = STRICT
    sessions: Annotated[int, Gt(0)] | None = None
    inverse_penalties: Annotated[tuple[Annotated[float, Gt(0)], ...], Len(1)] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    kind: Literal["logistic"] = "logistic"
    reads: ClassVar = ()

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe; of the fit plan, which is for networks, it takes the class weights."""
        return LogisticRecipe(self, prepare, plan.class_weights == "balanced")
