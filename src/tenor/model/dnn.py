"""The deep neural network of the literature: dense layers on the flattened window, rectified.

The window's sessions are laid end to end (oldest first), each followed by the next, so a window of 5 sessions
and 20 factors is a column of 100 numbers. Each hidden layer is ``relu(W x + b)`` with dropout after it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tenor.errors import StudyError
from tenor.model.architecture import Weights, check_count, check_rate
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.plain import affine
from tenor.model.prepare import Prepare
from tenor.settings import STRICT
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.dnn import DNNNet


@dataclass(frozen=True, slots=True)
class DNN:
    """Settings of a dense network.

    Parameters
    ----------
    hidden
        Units of each hidden layer, from the input upward; not empty.
    dropout
        Probability of dropping a unit of a hidden layer.
    head
        What it is asked: the ``direction`` over the first horizon, ``quantiles`` of the move over each horizon, or that
        move as a ``point``.
    scope
        ``pooled``: one network for all instruments; ``per_name``: one for each, from its own windows alone.
    embedding
        Length of the vector that is learnt for each instrument and read beside its factors, so that one network tells
        them apart; 0 for none.
    """

    __pydantic_config__: ClassVar = STRICT
    hidden: tuple[int, ...] = (32, 16)
    dropout: float = 0.3
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["dnn"] = "dnn"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if not self.hidden:
            raise StudyError("DNN.hidden is empty; name the units of at least one hidden layer, such as (32, 16)")
        for at, units in enumerate(self.hidden):
            check_count(f"DNN.hidden[{at}]", units)
        check_rate("DNN.dropout", self.dropout)

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "DNNNet":
        """Return the network."""
        from tenor.model.net.dnn import build

        return build(inputs=time * features, outputs=outputs, hidden=self.hidden, rate=self.dropout, key=key)

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        values = x.reshape(len(x), x.shape[1] * x.shape[2])
        for at in range(len(self.hidden)):
            values = np.maximum(affine(weights, f"layers.{at}.weight", f"layers.{at}.bias", values), 0)
        last = f"layers.{len(self.hidden)}."
        return np.ascontiguousarray(affine(weights, f"{last}weight", f"{last}bias", values).T)
