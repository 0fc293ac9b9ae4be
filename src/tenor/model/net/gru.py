"""The GRU in training; long windows have a backward pass of their own, for the reasons that the LSTM's has.

Short windows (``UNROLLED_SESSIONS``) are unrolled and differentiated as they stand.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch, computed_once, dropout, glorot_uniform
from tenor.model.net.sequence import UNROLLED_SESSIONS, Sequences, Sessions, affine, logistic, summed, unrolled


class GRULayer(eqx.Module):
    """The weights of one layer, gates stacked as reset, update, new."""

    weight_input: Float[Array, "gates inputs"]  # noqa: F722
    weight_state: Float[Array, "gates hidden"]  # noqa: F722
    bias_input: Float[Array, "gates"]  # noqa: F821
    bias_state: Float[Array, "gates"]  # noqa: F821

    @property
    def weights(self) -> tuple[Array, Array, Array, Array]:
        """Return the four arrays."""
        return self.weight_input, self.weight_state, self.bias_input, self.bias_state


class GRUNet(eqx.Module):
    """A stack of layers and a linear last layer on the state of the last session."""

    layers: tuple[GRULayer, ...]
    head: Float[Array, "output hidden"]  # noqa: F722
    head_bias: Float[Array, "output"]  # noqa: F821
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        short = x.shape[0] <= UNROLLED_SESSIONS
        states = jnp.moveaxis(x, 0, 1) if short else x
        for at, layer in enumerate(self.layers):
            if at > 0 and not inference:
                states = dropout(states, self.dropout, key=key, site=at)
            states = short_layer(*layer.weights, states) if short else long_layer(*layer.weights, states)
        return self.head @ (states[:, -1] if short else states[-1]) + self.head_bias[:, None]


def short_layer(
    weight_input: Array, weight_state: Array, bias_input: Array, bias_state: Array, x: Sequences
) -> Sequences:
    """Run one layer from a zero state over a short window, (channel, time, batch) to (hidden, time, batch)."""
    hidden = weight_state.shape[1]

    def cell(h: Array, drive: Array) -> tuple[Array, Array]:
        held = weight_state @ h + bias_state[:, None]
        reset = logistic(drive[:hidden] + held[:hidden])
        update = logistic(drive[hidden : 2 * hidden] + held[hidden : 2 * hidden])
        new = jnp.tanh(drive[2 * hidden :] + reset * held[2 * hidden :])
        after = new + update * (h - new)
        return after, after

    driven = affine(weight_input, bias_input, x)
    states: Sequences = unrolled(cell, jnp.zeros((hidden, x.shape[2]), x.dtype), driven)
    return states


@jax.custom_vjp
def long_layer(weight_input: Array, weight_state: Array, bias_input: Array, bias_state: Array, x: Sessions) -> Sessions:
    """Run one layer from a zero state over a long window, (time, channel, batch) to (time, hidden, batch)."""
    return _forward(weight_input, weight_state, bias_input, bias_state, x)[0]


def _forward(
    weight_input: Array, weight_state: Array, bias_input: Array, bias_state: Array, x: Sessions
) -> tuple[Sessions, tuple[Any, ...]]:
    hidden = weight_state.shape[1]

    def cell(h: Array, session: Array) -> tuple[Array, tuple[Array, ...]]:
        drive = weight_input @ session + bias_input[:, None]
        held = weight_state @ h + bias_state[:, None]
        reset = logistic(drive[:hidden] + held[:hidden])
        update = logistic(drive[hidden : 2 * hidden] + held[hidden : 2 * hidden])
        of_state = held[2 * hidden :]
        new = jnp.tanh(drive[2 * hidden :] + reset * of_state)
        after, *kept = computed_once((new + update * (h - new), reset, update, new, of_state))
        return after, (after, *kept)

    start = jnp.zeros((hidden, x.shape[2]), x.dtype)
    h, *kept = jax.lax.scan(cell, start, x)[1]
    return h, (weight_input, weight_state, x, h, tuple(kept))


def _backward(residuals: tuple[Any, ...], cotangent: Sessions) -> tuple[Array, Array, Array, Array, Sessions]:
    weight_input, weight_state, x, h, kept = residuals
    time, inputs, batch = x.shape
    hidden = weight_state.shape[1]
    of_gate = [np.s_[at * hidden : (at + 1) * hidden] for at in range(3)]
    to_state = computed_once([weight_state[rows].T for rows in of_gate])
    to_input = computed_once([weight_input[rows].T for rows in of_gate])

    def cell(later: Array, at: tuple[Any, ...]) -> tuple[Array, tuple[Array, ...]]:
        above, before, (reset, update, new, of_state) = at
        dh = later + above
        dnew = dh * (1.0 - update) * (1.0 - new * new)
        dreset, dupdate, dnew, dheld = computed_once(
            (
                dnew * of_state * reset * (1.0 - reset),
                dh * (before - new) * update * (1.0 - update),
                dnew,
                dnew * reset,
            )
        )
        return summed(to_state, (dreset, dupdate, dheld)) + dh * update, (dreset, dupdate, dnew, dheld)

    start = jnp.zeros((hidden, batch), x.dtype)
    before = jnp.concatenate([start[None], h[:-1]])
    found = jax.lax.scan(cell, start, (cotangent, before, kept), reverse=True)[1]
    reset, update, new, held = computed_once([jnp.moveaxis(gate, 1, 0).reshape(hidden, time * batch) for gate in found])
    x_rows, h_rows = computed_once([jnp.moveaxis(each, 1, 2).reshape(time * batch, -1) for each in (x, before)])
    to_new, to_held = (reset, update, new), (reset, update, held)
    return (
        jnp.concatenate([gate @ x_rows for gate in to_new]),
        jnp.concatenate([gate @ h_rows for gate in to_held]),
        jnp.concatenate([gate.sum(axis=1) for gate in to_new]),
        jnp.concatenate([gate.sum(axis=1) for gate in to_held]),
        jnp.moveaxis(summed(to_input, to_new).reshape(inputs, time, batch), 0, 1),
    )


long_layer.defvjp(_forward, _backward)


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
