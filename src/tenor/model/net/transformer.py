"""The causal Transformer encoder in training."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Outputs, WindowBatch, dropout, glorot_uniform
from tenor.model.net.sequence import Sequences, affine
from tenor.model.transformer import EPSILON, positions

WIDER = 4
"""How much wider the second half of a block is inside."""


class Block(eqx.Module):
    """The weights of one block; query, key and value stacked."""

    norm_first: Float[Array, "hidden"]  # noqa: F821
    norm_first_bias: Float[Array, "hidden"]  # noqa: F821
    projection: Float[Array, "three hidden"]  # noqa: F722
    projection_bias: Float[Array, "three"]  # noqa: F821
    out: Float[Array, "hidden hidden"]  # noqa: F722
    out_bias: Float[Array, "hidden"]  # noqa: F821
    norm_second: Float[Array, "hidden"]  # noqa: F821
    norm_second_bias: Float[Array, "hidden"]  # noqa: F821
    wide: Float[Array, "wide hidden"]  # noqa: F722
    wide_bias: Float[Array, "wide"]  # noqa: F821
    narrow: Float[Array, "hidden wide"]  # noqa: F722
    narrow_bias: Float[Array, "hidden"]  # noqa: F821

    def attend(self, h: Sequences, heads: int) -> Sequences:
        """Return what attention adds."""
        hidden, time, batch = h.shape
        normed = normalised(h, self.norm_first, self.norm_first_bias)
        size = hidden // heads
        query, key, value = affine(self.projection, self.projection_bias, normed).reshape(3, heads, size, time, batch)
        scores = jnp.einsum("hdtb,hdsb->htsb", query, key) / math.sqrt(size)
        later = np.triu(np.ones((time, time), bool), 1)
        weights = jax.nn.softmax(jnp.where(later[None, :, :, None], -jnp.inf, scores), axis=2)
        read = jnp.einsum("htsb,hdsb->hdtb", weights, value).reshape(hidden, time, batch)
        return affine(self.out, self.out_bias, read)

    def widen(self, h: Sequences) -> Sequences:
        """Return what the second half adds."""
        normed = normalised(h, self.norm_second, self.norm_second_bias)
        inside = jax.nn.gelu(affine(self.wide, self.wide_bias, normed), approximate=False)
        return affine(self.narrow, self.narrow_bias, inside)


class TransformerNet(eqx.Module):
    """Mapping, positions, blocks, a last normalisation and a linear last layer on the last session."""

    mapping: Float[Array, "hidden features"]  # noqa: F722
    mapping_bias: Float[Array, "hidden"]  # noqa: F821
    blocks: tuple[Block, ...]
    norm: Float[Array, "hidden"]  # noqa: F821
    norm_bias: Float[Array, "hidden"]  # noqa: F821
    head: Float[Array, "output hidden"]  # noqa: F722
    head_bias: Float[Array, "output"]  # noqa: F821
    heads: int = eqx.field(static=True)
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        h = self.states(x, key=key, inference=inference)
        last = normalised(h[:, -1:], self.norm, self.norm_bias)[:, 0]
        return self.head @ last + self.head_bias[:, None]

    def states(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Sequences:
        """Return the channels of every session behind the last block; no session knows a later one."""
        h = affine(self.mapping, self.mapping_bias, jnp.moveaxis(x, 0, 1))
        h = h + jnp.asarray(positions(x.shape[0], h.shape[0]))[:, :, None]
        for at, block in enumerate(self.blocks):
            for half in (0, 1):
                more = block.widen(h) if half else block.attend(h, self.heads)
                if not inference:
                    more = dropout(more, self.dropout, key=key, site=2 * at + half)
                h = h + more
        return h


def normalised(h: Sequences, scale: Array, shift: Array) -> Sequences:
    """Return ``h`` with mean 0 and variance 1 over its channels, scaled and shifted."""
    mean = h.mean(axis=0, keepdims=True)
    variance = ((h - mean) ** 2).mean(axis=0, keepdims=True)
    return (h - mean) / jnp.sqrt(variance + EPSILON) * scale[:, None, None] + shift[:, None, None]


def _drawn(key: PRNGKeyArray, hidden: int) -> Block:
    keys = jax.random.split(key, 4)
    ones, zeros = jnp.ones(hidden, jnp.float32), jnp.zeros(hidden, jnp.float32)
    return Block(
        norm_first=ones,
        norm_first_bias=zeros,
        projection=glorot_uniform(keys[0], 3 * hidden, hidden),
        projection_bias=jnp.zeros(3 * hidden, jnp.float32),
        out=glorot_uniform(keys[1], hidden, hidden),
        out_bias=zeros,
        norm_second=ones,
        norm_second_bias=zeros,
        wide=glorot_uniform(keys[2], WIDER * hidden, hidden),
        wide_bias=jnp.zeros(WIDER * hidden, jnp.float32),
        narrow=glorot_uniform(keys[3], hidden, WIDER * hidden),
        narrow_bias=zeros,
    )


def build(
    *, features: int, outputs: int, layers: int, hidden: int, heads: int, rate: float, key: PRNGKeyArray
) -> TransformerNet:
    """Return the network: Glorot-uniform, biases zero, normalisations the identity."""
    keys = jax.random.split(key, layers + 2)
    return TransformerNet(
        mapping=glorot_uniform(keys[0], hidden, features),
        mapping_bias=jnp.zeros(hidden, jnp.float32),
        blocks=tuple(_drawn(key, hidden) for key in keys[1:-1]),
        norm=jnp.ones(hidden, jnp.float32),
        norm_bias=jnp.zeros(hidden, jnp.float32),
        head=glorot_uniform(keys[-1], outputs, hidden),
        head_bias=jnp.zeros(outputs, jnp.float32),
        heads=heads,
        dropout=rate,
    )
