"""A vector for each instrument, beside the factors of every session: what one network of many names knows of each.

The engine knows no instruments; their numbers come as one more feature, the last, which this wrapper turns into the
learnt vector (Guo and Berkhahn, 2016, entity embeddings). Number 0 is an instrument that train did not hold, and its
vector is zero.
"""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.architecture import Architecture, Outputs, WindowBatch

SPREAD = 0.1
"""Standard deviation of the first draw: small beside standardised factors."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """An architecture whose last feature numbers the instrument, from 1 to ``instruments``."""

    inner: Architecture
    size: int
    instruments: int

    def build(self, *, features: int, time: int, outputs: int, key: PRNGKeyArray) -> "EmbeddedNet":
        """Return the network: the inner one reads the other features and the vector."""
        of_inner, of_table = jax.random.split(key)
        inner = self.inner.build(features=features - 1 + self.size, time=time, outputs=outputs, key=of_inner)
        return EmbeddedNet(inner, SPREAD * jax.random.normal(of_table, (self.size, self.instruments), jnp.float32))


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
