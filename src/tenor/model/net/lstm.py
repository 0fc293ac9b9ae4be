"""The LSTM in training, with backward passes of its own.

Reverse-mode differentiation of the loop keeps and rebuilds more than is needed; written by hand, one pass backward in
time gives the gradient of every gate, and each weight's gradient is then a matrix product over all sessions and all
windows. It makes an epoch about twice as fast. It does not offer forward-mode derivatives (``jax.jvp``).

A layer has two forms that agree to rounding. Short windows (``UNROLLED_SESSIONS``) are unrolled, (channel, time,
batch): one product gives the drive of all sessions, and gates stay together. Long ones are a loop, (time, channel,
batch): what a step reads lies together, and each gate is an array of its own, since laying four together costs more
than four products. Five sessions of 8 units take a third of the time in the first form, sixty of 50 two thirds in the
second.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch, computed_once, dropout, glorot_uniform
from tenor.model.net.sequence import UNROLLED_SESSIONS, Sequences, Sessions, logistic, summed, unrolled


class LSTMLayer(eqx.Module):
    """The weights of one layer, gates stacked as input, forget, cell, output."""

    weight_input: Float[Array, "gates inputs"]  # noqa: F722
    weight_state: Float[Array, "gates hidden"]  # noqa: F722
    bias: Float[Array, "gates"]  # noqa: F821


class LSTMNet(eqx.Module):
    """A stack of layers and a linear head on the last state of the uppermost."""

    layers: tuple[LSTMLayer, ...]
    head: Float[Array, "output hidden"]  # noqa: F722
    head_bias: Float[Array, "output"]  # noqa: F821
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        short = x.shape[0] <= UNROLLED_SESSIONS
        run = short_layer if short else long_layer
        states = jnp.moveaxis(x, 0, 1) if short else x
        for at, layer in enumerate(self.layers):
            if at > 0 and not inference:
                states = dropout(states, self.dropout, key=key, site=at)
            states = run(layer.weight_input, layer.weight_state, layer.bias, states)
        return self.head @ (states[:, -1] if short else states[-1]) + self.head_bias[:, None]


def lstm_layer(layer: LSTMLayer, x: Sequences) -> Sequences:
    """Run one layer from a zero state; return the state of each session, (hidden, time, batch)."""
    weights = (layer.weight_input, layer.weight_state, layer.bias)
    if x.shape[1] <= UNROLLED_SESSIONS:
        return short_layer(*weights, x)
    return jnp.moveaxis(long_layer(*weights, jnp.moveaxis(x, 1, 0)), 0, 1)


@jax.custom_vjp
def short_layer(weight_input: Array, weight_state: Array, bias: Array, x: Sequences) -> Sequences:
    """Run one layer over a short window, (channel, time, batch) to (hidden, time, batch)."""
    return _short_forward(weight_input, weight_state, bias, x)[0]


def _short_forward(
    weight_input: Array, weight_state: Array, bias: Array, x: Sequences
) -> tuple[Sequences, tuple[Array, ...]]:
    inputs, time, batch = x.shape
    hidden = weight_state.shape[1]
    projected = weight_input @ x.reshape(inputs, time * batch) + bias[:, None]
    projected = projected.reshape(4 * hidden, time, batch)

    def cell(state: tuple[Array, Array], drive: Array) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        h, c = state
        gates = drive + weight_state @ h
        i, f, o = (logistic(gates[at * hidden : (at + 1) * hidden]) for at in (0, 1, 3))
        g = jnp.tanh(gates[2 * hidden : 3 * hidden])
        c_next = f * c + i * g
        squashed = jnp.tanh(c_next)
        h_next = o * squashed
        h_next, c_next, *kept = computed_once((h_next, c_next, i, f, g, o, squashed))
        return (h_next, c_next), (h_next, h, c, *kept)

    start = jnp.zeros((hidden, batch), x.dtype)
    states, *kept = unrolled(cell, (start, start), projected)
    return states, (weight_input, weight_state, x, *kept)


def _short_backward(residuals: tuple[Array, ...], cotangent: Sequences) -> tuple[Array, Array, Array, Sequences]:
    weight_input, weight_state, x, h_before, c_before, *kept = residuals
    inputs, time, batch = x.shape
    hidden = weight_state.shape[1]
    # Transposed once per step: a product that transposes as it reads takes three times as long.
    state_weight, input_weight = computed_once((weight_state.T, weight_input.T))

    def cell(later: tuple[Array, Array], at: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        dh, dc = later
        above, c, i, f, g, o, squashed = at
        dh = dh + above
        dc = dc + dh * o * (1.0 - squashed * squashed)
        dgates = jnp.concatenate(
            [
                dc * g * i * (1.0 - i),
                dc * c * f * (1.0 - f),
                dc * i * (1.0 - g * g),
                dh * squashed * o * (1.0 - o),
            ]
        )
        dgates = computed_once(dgates)
        return (state_weight @ dgates, dc * f), dgates

    start = jnp.zeros((hidden, batch), x.dtype)
    dgates = unrolled(cell, (start, start), (cotangent, c_before, *kept), reverse=True)
    columns = dgates.reshape(4 * hidden, time * batch)
    return (
        columns @ x.reshape(inputs, time * batch).T,
        columns @ h_before.reshape(hidden, time * batch).T,
        columns.sum(axis=1),
        (input_weight @ columns).reshape(inputs, time, batch),
    )


short_layer.defvjp(_short_forward, _short_backward)


@jax.custom_vjp
def long_layer(weight_input: Array, weight_state: Array, bias: Array, x: Sessions) -> Sessions:
    """Run one layer over a long window, (time, channel, batch) to (time, hidden, batch)."""
    return _long_forward(weight_input, weight_state, bias, x)[0]


def _long_forward(
    weight_input: Array, weight_state: Array, bias: Array, x: Sessions
) -> tuple[Sessions, tuple[Array | tuple[Array, ...], ...]]:
    hidden = weight_state.shape[1]

    def cell(state: tuple[Array, Array], session: Array) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        h, c = state
        gates = weight_input @ session + bias[:, None] + weight_state @ h
        i, f, o = (logistic(gates[at * hidden : (at + 1) * hidden]) for at in (0, 1, 3))
        g = jnp.tanh(gates[2 * hidden : 3 * hidden])
        c_next = f * c + i * g
        h_next = o * jnp.tanh(c_next)
        h_next, c_next, *kept = computed_once((h_next, c_next, i, f, g, o))
        return (h_next, c_next), (h_next, c_next, *kept)

    start = jnp.zeros((hidden, x.shape[2]), x.dtype)
    h, c, *gates = jax.lax.scan(cell, (start, start), x)[1]
    return h, (weight_input, weight_state, x, h, c, tuple(gates))


def _long_backward(residuals: tuple[Any, ...], cotangent: Sessions) -> tuple[Array, Array, Array, Sessions]:
    """Go backward over the sessions; each gate stays an array of its own, for laying them together takes longer."""
    weight_input, weight_state, x, h, c, gates = residuals
    time, inputs, batch = x.shape
    hidden = weight_state.shape[1]
    of_gate = [np.s_[at * hidden : (at + 1) * hidden] for at in range(4)]
    # Transposed once per step: a product that transposes as it reads takes three times as long.
    to_state = computed_once([weight_state[rows].T for rows in of_gate])
    to_input = computed_once([weight_input[rows].T for rows in of_gate])

    def cell(later: tuple[Array, Array], at: tuple[Any, ...]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
        dh, dc = later
        above, c_before, c_now, (i, f, g, o) = at
        squashed = jnp.tanh(c_now)
        dh = dh + above
        dc = dc + dh * o * (1.0 - squashed * squashed)
        dgates = computed_once(
            (
                dc * g * i * (1.0 - i),
                dc * c_before * f * (1.0 - f),
                dc * i * (1.0 - g * g),
                dh * squashed * o * (1.0 - o),
            )
        )
        return (summed(to_state, dgates), dc * f), dgates

    start = jnp.zeros((hidden, batch), x.dtype)
    none = start[None]
    before = jnp.concatenate([none, c[:-1]])
    dgates = jax.lax.scan(cell, (start, start), (cotangent, before, c, gates), reverse=True)[1]
    columns = computed_once([jnp.moveaxis(gate, 1, 0).reshape(hidden, time * batch) for gate in dgates])
    read = jnp.concatenate([x, jnp.concatenate([none, h[:-1]])], axis=1)
    rows = computed_once(jnp.moveaxis(read, 1, 2).reshape(time * batch, inputs + hidden))
    of_weights = jnp.concatenate([gate @ rows for gate in columns])
    of_x = jnp.moveaxis(summed(to_input, columns).reshape(inputs, time, batch), 0, 1)
    of_bias = jnp.concatenate([gate.sum(axis=1) for gate in columns])
    return of_weights[:, :inputs], of_weights[:, inputs:], of_bias, of_x


long_layer.defvjp(_long_forward, _long_backward)


def drawn_layer(key: PRNGKeyArray, inputs: int, hidden: int) -> LSTMLayer:
    """Draw a layer: Glorot-uniform and orthogonal weights, biases zero but for the forget gate's 1."""
    of_input, of_state = jax.random.split(key)
    gate = jnp.arange(4 * hidden) // hidden
    return LSTMLayer(
        weight_input=glorot_uniform(of_input, 4 * hidden, inputs),
        weight_state=jax.nn.initializers.orthogonal()(of_state, (4 * hidden, hidden), jnp.float32),
        bias=jnp.where(gate == 1, 1.0, 0.0).astype(jnp.float32),
    )


def build(*, features: int, outputs: int, layers: int, hidden: int, rate: float, key: PRNGKeyArray) -> LSTMNet:
    """Return the network; its shape does not depend on ``time``.

    Input weights and the head are Glorot-uniform, recurrent weights orthogonal, biases zero but for the
    forget gate, which starts at 1 so that the memory is kept (Jozefowicz et al., 2015): the defaults of
    Keras.
    """
    keys = jax.random.split(key, layers + 1)
    inputs = [features] + [hidden] * (layers - 1)
    return LSTMNet(
        layers=tuple(drawn_layer(keys[at], inputs[at], hidden) for at in range(layers)),
        head=glorot_uniform(keys[-1], outputs, hidden),
        head_bias=jnp.zeros(outputs, jnp.float32),
        dropout=rate,
    )
