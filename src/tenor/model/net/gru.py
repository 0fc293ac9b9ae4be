"""The GRU in training."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch, dropout, glorot_uniform
from tenor.model.net.sequence import Sequences, affine, logistic, over_time


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


def build(*, features: int, outputs: int, layers: int, hidden: int, rate: float, key: PRNGKeyArray) -> GRUNet:
    """Return the network: input weights and last layer Glorot-uniform, recurrent orthogonal, biases zero."""
    keys = jax.random.split(key, layers + 1)
    sizes = [features] + [hidden] * (layers - 1)
    return GRUNet(
        layers=tuple(_drawn(keys[at], sizes[at], hidden) for at in range(layers)),
        head=glorot_uniform(keys[-1], outputs, hidden),
        head_bias=jnp.zeros(outputs, jnp.float32),
        dropout=rate,
    )
