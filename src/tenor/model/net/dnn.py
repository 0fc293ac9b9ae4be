"""The dense network in training."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch, dropout, glorot_uniform


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


def build(*, inputs: int, outputs: int, hidden: tuple[int, ...], rate: float, key: PRNGKeyArray) -> DNNNet:
    """Return the network, its weights Glorot-uniform and its biases zero (the defaults of Keras)."""
    sizes = (inputs, *hidden, outputs)
    keys = jax.random.split(key, len(sizes) - 1)
    layers = tuple(
        Dense(
            weight=glorot_uniform(keys[at], sizes[at + 1], sizes[at]),
            bias=jnp.zeros(sizes[at + 1], jnp.float32),
        )
        for at in range(len(sizes) - 1)
    )
    return DNNNet(layers=layers, dropout=rate)
