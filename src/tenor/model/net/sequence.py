"""Running a cell over the sessions of a window: what every recurrent network shares.

Sequences are (channel, time, batch): the batch is the last axis, as everywhere in the engine.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Sequences: TypeAlias = Float[Array, "channel time batch"]  # noqa: F722

Sessions: TypeAlias = Float[Array, "time channel batch"]  # noqa: F722
"""Sequences as a loop over sessions takes them: each session lies together."""

UNROLLED_SESSIONS = 8
"""Windows up to this long are unrolled: five sessions run 1.7 times as fast, and compile half as fast."""


def unrolled(cell: Any, start: Any, over: Any, *, reverse: bool = False) -> Any:
    """Run ``cell`` along axis 1 of (channel, time, batch) as ``jax.lax.scan`` would, without loop and last state."""
    time = jax.tree.leaves(over)[0].shape[1]
    state, taken = start, []
    for session in range(time)[:: -1 if reverse else 1]:
        state, kept = cell(state, jax.tree.map(lambda array, at=session: array[:, at], over))
        taken.append(kept)
    return jax.tree.map(lambda *arrays: jnp.stack(arrays, axis=1), *(taken[::-1] if reverse else taken))


def summed(matrices: Sequence[Array], columns: Sequence[Array]) -> Array:
    """Return the sum of each matrix times its columns."""
    total, *others = (matrix @ column for matrix, column in zip(matrices, columns, strict=True))
    for other in others:
        total = total + other
    return total


def affine(weight: Array, bias: Array, x: Sequences) -> Sequences:
    """Return ``W x + b`` for every session and window, one matrix product."""
    inputs, time, batch = x.shape
    return (weight @ x.reshape(inputs, time * batch) + bias[:, None]).reshape(weight.shape[0], time, batch)


def logistic(x: Array) -> Array:
    """Return the logistic function, through tanh: faster on a CPU, and it does not overflow."""
    return 0.5 + 0.5 * jnp.tanh(0.5 * x)
