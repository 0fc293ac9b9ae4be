"""The vectors of instruments in training."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch

SPREAD = 0.1
"""Standard deviation of the first draw: small beside standardised factors."""


class EmbeddedNet(eqx.Module):
    """The inner network and a column for each instrument."""

    inner: Any
    table: Float[Array, "size instrument"]  # noqa: F722

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return what the inner network gives for the factors with the instrument's vector beside them."""
        time, _, batch = x.shape
        who = x[-1, -1].astype(jnp.int32)
        vector = jnp.where(who > 0, self.table[:, jnp.maximum(who - 1, 0)], 0.0)
        beside = jnp.broadcast_to(vector[None], (time, vector.shape[0], batch))
        found: Outputs = self.inner(jnp.concatenate([x[:, :-1], beside], axis=1), key=key, inference=inference)
        return found


def build(inner: Any, *, size: int, instruments: int, key: PRNGKeyArray) -> EmbeddedNet:
    """Return ``inner`` with a vector for each instrument."""
    return EmbeddedNet(inner, SPREAD * jax.random.normal(key, (size, instruments), jnp.float32))
