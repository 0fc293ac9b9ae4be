"""A vector for each instrument, beside the factors of every session: what one network of many names knows of each.

The engine knows no instruments; their numbers come as one more feature, the last, which this wrapper turns into the
learnt vector (Guo and Berkhahn, 2016, entity embeddings). Number 0 is an instrument that train did not hold, and its
vector is zero.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tenor.model.architecture import Architecture, Plain, Weights, lanes_of
from tenor.model.plain import Within
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.embedding import EmbeddedNet


@dataclass(frozen=True, slots=True)
class Embedded:
    """An architecture whose last feature numbers the instrument, from 1 to ``instruments``."""

    inner: Architecture
    size: int
    instruments: int

    @property
    def lanes(self) -> int:
        """Networks that a core trains side by side: as many as of the inner one."""
        return lanes_of(self.inner)

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "EmbeddedNet":
        """Return the network: the inner one reads the other features and the vector."""
        import jax

        from tenor.model.net.embedding import build

        of_inner, of_table = jax.random.split(key)
        inner = self.inner.build(features=features - 1 + self.size, time=time, outputs=outputs, key=of_inner)
        return build(inner, size=self.size, instruments=self.instruments, key=of_table)

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        assert isinstance(self.inner, Plain)
        who = x[:, -1, -1].astype(np.int64)
        vector = np.where(who[:, None] > 0, weights["table"].T[np.maximum(who - 1, 0)], np.float32(0.0))
        beside = np.broadcast_to(vector[:, None], (*x.shape[:2], self.size))
        return self.inner.plain(Within(weights, "inner."), np.concatenate([x[:, :, :-1], beside], axis=2))
