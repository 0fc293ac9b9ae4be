"""The deep neural network of the literature: dense layers on the flattened window, rectified.

The window's sessions are laid end to end (oldest first), each followed by the next, so a window of 5 sessions
and 20 factors is a column of 100 numbers. Each hidden layer is ``relu(W x + b)`` with dropout after it.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.errors import StudyError
from tenor.model.architecture import (
    Outputs,
    WindowBatch,
    check_count,
    check_rate,
    dropout,
    glorot_uniform,
)
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.prepare import Prepare
from tenor.settings import STRICT


@dataclass(frozen=True, slots=True)
class DNN:
    """Settings of a dense network.

    Parameters
    ----------
    hidden
        Units of each hidden layer, from the input upward; not empty.
    dropout
        Probability of dropping a unit of a hidden layer.
    head, scope, embedding
        What it is asked, of all instruments or each, and the size of an instrument's vector
        (:mod:`tenor.model.network`).
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

    def build(self, *, features: int, time: int, outputs: int, key: PRNGKeyArray) -> "DNNNet":
        """Return the network, its weights Glorot-uniform and its biases zero (the defaults of Keras)."""
        sizes = (time * features, *self.hidden, outputs)
        keys = jax.random.split(key, len(sizes) - 1)
        layers = tuple(
            Dense(
                weight=glorot_uniform(keys[at], sizes[at + 1], sizes[at]),
                bias=jnp.zeros(sizes[at + 1], jnp.float32),
            )
            for at in range(len(sizes) - 1)
        )
        return DNNNet(layers=layers, dropout=self.dropout)


class Dense(eqx.Module):
    """One affine map."""

    weight: Float[Array, "outputs inputs"]  # noqa: F722
    bias: Float[Array, "outputs"]  # noqa: F821

    def __call__(self, x: Array) -> Array:
        """Return ``W x + b`` for the columns of ``x``."""
        return self.weight @ x + self.bias[:, None]


class DNNNet(eqx.Module):
    """Dense layers, rectified but for the last."""

    layers: tuple[Dense, ...]
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        time, features, batch = x.shape
        values = x.reshape(time * features, batch)
        for at, layer in enumerate(self.layers[:-1]):
            values = jax.nn.relu(layer(values))
            if not inference:
                values = dropout(values, self.dropout, key=key, site=at)
        return self.layers[-1](values)
