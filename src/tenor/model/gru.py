"""Gated recurrent unit: a recurrent layer with two gates and one state.

The cell is that of Cho et al. (2014) with the reset gate behind the matrix, as in ``torch.nn.GRU``: for the input x and
the state h of one session, gates stacked as reset, update, new (torch's order), s the logistic function::

    r, z = s(W x + b + U h + c)            rows of reset and update
    n    = tanh(W x + b + r * (U h + c))   rows of new
    h'   = (1 - z) * n + z * h

Dropout acts on what one layer hands to the next, as in the LSTM.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.architecture import Outputs, WindowBatch, check_count, check_rate, dropout, glorot_uniform
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.prepare import Prepare
from tenor.model.sequence import Sequences, affine, logistic, over_time
from tenor.settings import STRICT


@dataclass(frozen=True, slots=True)
class GRU:
    """Settings of a GRU.

    Parameters
    ----------
    layers
        Recurrent layers, one on the other.
    hidden
        Units of each layer.
    dropout
        Probability of dropping a unit between two layers; it has no effect with one layer.
    head, scope, embedding
        What it is asked, of all instruments or each, and the size of an instrument's vector
        (:mod:`tenor.model.network`).
    """

    __pydantic_config__: ClassVar = STRICT
    layers: int = 1
    hidden: int = 16
    dropout: float = 0.0
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["gru"] = "gru"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        check_count("GRU.layers", self.layers)
        check_count("GRU.hidden", self.hidden)
        check_rate("GRU.dropout", self.dropout)

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: PRNGKeyArray) -> "GRUNet":
        """Return the network: input weights and last layer Glorot-uniform, recurrent orthogonal, biases zero."""
        keys = jax.random.split(key, self.layers + 1)
        sizes = [features] + [self.hidden] * (self.layers - 1)
        return GRUNet(
            layers=tuple(_drawn(keys[at], sizes[at], self.hidden) for at in range(self.layers)),
            head=glorot_uniform(keys[-1], outputs, self.hidden),
            head_bias=jnp.zeros(outputs, jnp.float32),
            dropout=self.dropout,
        )


class GRULayer(eqx.Module):
    """The weights of one layer, gates stacked as reset, update, new."""

    weight_input: Float[Array, "gates inputs"]  # noqa: F722
    weight_state: Float[Array, "gates hidden"]  # noqa: F722
    bias_input: Float[Array, "gates"]  # noqa: F821
    bias_state: Float[Array, "gates"]  # noqa: F821

    def __call__(self, x: Sequences) -> Sequences:
        """Run the layer from a zero state; return the state of each session."""
        hidden = self.weight_state.shape[1]
        driven = affine(self.weight_input, self.bias_input, x)

        def cell(h: Array, drive: Array) -> tuple[Array, Array]:
            held = self.weight_state @ h + self.bias_state[:, None]
            reset = logistic(drive[:hidden] + held[:hidden])
            update = logistic(drive[hidden : 2 * hidden] + held[hidden : 2 * hidden])
            new = jnp.tanh(drive[2 * hidden :] + reset * held[2 * hidden :])
            after = new + update * (h - new)
            return after, after

        states: Sequences = over_time(cell, jnp.zeros((hidden, x.shape[2]), x.dtype), driven)
        return states


class GRUNet(eqx.Module):
    """A stack of layers and a linear last layer on the state of the last session."""

    layers: tuple[GRULayer, ...]
    head: Float[Array, "output hidden"]  # noqa: F722
    head_bias: Float[Array, "output"]  # noqa: F821
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        sequences = jnp.moveaxis(x, 0, 1)
        for at, layer in enumerate(self.layers):
            if at > 0 and not inference:
                sequences = dropout(sequences, self.dropout, key=key, site=at)
            sequences = layer(sequences)
        return self.head @ sequences[:, -1] + self.head_bias[:, None]


def _drawn(key: PRNGKeyArray, inputs: int, hidden: int) -> GRULayer:
    of_input, of_state = jax.random.split(key)
    return GRULayer(
        weight_input=glorot_uniform(of_input, 3 * hidden, inputs),
        weight_state=jax.nn.initializers.orthogonal()(of_state, (3 * hidden, hidden), jnp.float32),
        bias_input=jnp.zeros(3 * hidden, jnp.float32),
        bias_state=jnp.zeros(3 * hidden, jnp.float32),
    )
