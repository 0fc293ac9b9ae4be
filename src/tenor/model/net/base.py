"""What every network here is made with: the call that the engine makes, dropout, and how weights are drawn.

A network is an Equinox module that maps a batch of windows, with the **batch as the last axis**, to what its head asks
for. On a CPU the last axis is the one that vector instructions run along, and a batch of 64 fills them where 8 hidden
units do not.

The networks draw dropout from :func:`dropout`, which costs one integer hash for two units.
"""

import math
from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

T = TypeVar("T")

WindowBatch: TypeAlias = Float[Array, "time feature batch"]  # noqa: F722
"""Standardised windows, the oldest session first, the batch last."""
Outputs: TypeAlias = Float[Array, "output batch"]  # noqa: F722
"""What the head asks for; of a direction, row 0 is down and row 1 is up, and their softmax is the probability."""


Loss: TypeAlias = Callable[[Outputs], Float[Array, "batch"]]  # noqa: F821
"""What the head makes of outputs for the batch at hand, a number for each window."""


class Net(Protocol):
    """A network: an ``equinox.Module`` whose floating-point arrays are its parameters.

    It must treat the columns of a batch independently: no statistic over the batch (batch normalisation) and
    no state.
    """

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window; ``key`` feeds dropout and is unused in inference."""
        ...


@runtime_checkable
class OwnLoss(Protocol):
    """A network that is not trained by the plain loss of its outputs; validation and forecasts are those of any."""

    def training_loss(self, x: WindowBatch, loss: Loss, *, key: PRNGKeyArray) -> Float[Array, "batch"]:  # noqa: F821
        """Return what training lessens, for each window; on the scale of ``loss``."""
        ...


def dropout(x: Float[Array, "..."], rate: float, *, key: PRNGKeyArray | None, site: int) -> Float[Array, "..."]:
    """Set each element to zero with probability ``rate`` and scale the others by ``1 / (1 - rate)``.

    The choice is a hash of (key, site, position), so that it is the same whatever else is computed beside it.
    A 32-bit hash decides two elements with 16 bits each: the rate is met to 1/65,536, and a mask costs a
    tenth of what JAX's threefry does. The hash is the two-multiply mixer ``lowbias32`` (C. Wellons,
    "Prospecting for hash functions", 2018) with the key entering twice. It is not for cryptography.

    Parameters
    ----------
    x
        Any shape.
    rate
        In [0, 1); at 0 the array is returned as it is.
    key
        A JAX key (threefry: two words). One key per training step.
    site
        Which dropout of the network this is, counted by the network: two sites draw different masks from one
        key.
    """
    if rate == 0.0:
        return x
    if key is None:
        raise ValueError("dropout in training needs a key; pass key=, or inference=True")
    count = math.prod(x.shape)
    words = _hash(key, site, (count + 1) // 2)
    sixteen = jnp.concatenate([words & np.uint32(0xFFFF), words >> np.uint32(16)])[:count].reshape(x.shape)
    kept = sixteen >= np.uint32(round(rate * 65_536))
    scale = jnp.where(kept, np.float32(1.0 / (1.0 - rate)), np.float32(0.0))
    return x * computed_once(scale)


def computed_once(values: T) -> T:
    """Return ``values``, arrays in any tree, as a point that XLA does not fuse across.

    On a CPU, XLA would otherwise evaluate them again inside each loop that reads them, dear ones included.
    """
    held: T = jax.lax.optimization_barrier(values)  # type: ignore[no-untyped-call]
    return held


def glorot_uniform(key: PRNGKeyArray, outputs: int, inputs: int) -> Float[Array, "outputs inputs"]:  # noqa: F722
    """Draw from U(-a, a), a = sqrt(6 / (inputs + outputs)): Glorot and Bengio (2010), eq. 16."""
    limit = math.sqrt(6.0 / (inputs + outputs))
    return jax.random.uniform(key, (outputs, inputs), jnp.float32, -limit, limit)


def _mix(word: Array) -> Array:
    word = (word ^ (word >> np.uint32(16))) * np.uint32(0x7FEB352D)
    word = (word ^ (word >> np.uint32(15))) * np.uint32(0x846CA68B)
    return word ^ (word >> np.uint32(16))


def _hash(key: PRNGKeyArray, site: int, count: int) -> Array:
    """``count`` 32-bit words for one key and site."""
    data = jax.random.key_data(key)
    first = _mix(data[0] ^ _mix(data[1] + np.uint32(site * 0x9E3779B9 % 2**32)))
    second = _mix(first ^ data[1] ^ np.uint32(0x85EBCA6B))
    word = jax.lax.iota(jnp.uint32, count) * np.uint32(0x9E3779B9) + first
    word = (word ^ (word >> np.uint32(16))) * np.uint32(0x7FEB352D)
    word = (word ^ (word >> np.uint32(15)) ^ second) * np.uint32(0x846CA68B)
    return word ^ (word >> np.uint32(16))
