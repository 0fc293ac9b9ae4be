"""Causal Transformer encoder: every session attends to itself and those before it, the last one is read.

As in Vaswani et al. (2017) with the normalisation in front (Xiong et al., 2020): features are mapped to ``hidden``
channels, sinusoidal positions are added, and each block is::

    h = h + W_o attention(norm(h))        heads of hidden / heads channels, softmax over sessions not later
    h = h + W_2 gelu(W_1 norm(h))         four times as wide inside

Dropout acts on what each half adds. A window is the past alone, so the mask changes nothing for the last session of the
last block; it keeps the states of earlier sessions what they were on their day.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.errors import StudyError
from tenor.model.architecture import Outputs, WindowBatch, check_count, check_rate, dropout, glorot_uniform
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.prepare import Prepare
from tenor.model.sequence import Sequences, affine
from tenor.settings import STRICT

WIDER = 4
"""How much wider the second half of a block is inside."""

EPSILON = 1e-5
"""Added to the variance of a normalisation."""


@dataclass(frozen=True, slots=True)
class Transformer:
    """Settings of a causal Transformer encoder.

    Parameters
    ----------
    layers
        Blocks, one on the other.
    hidden
        Channels; a multiple of ``heads``.
    heads
        Heads of attention.
    dropout
        Probability of dropping a channel of what a half block adds.
    head, scope, embedding
        What it is asked, of all instruments or each, and the size of an instrument's vector
        (:mod:`tenor.model.network`).
    """

    __pydantic_config__: ClassVar = STRICT
    layers: int = 1
    hidden: int = 16
    heads: int = 2
    dropout: float = 0.1
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["transformer"] = "transformer"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        check_count("Transformer.layers", self.layers)
        check_count("Transformer.hidden", self.hidden)
        check_count("Transformer.heads", self.heads)
        check_rate("Transformer.dropout", self.dropout)
        if self.hidden % self.heads:
            raise StudyError(f"Transformer.hidden is {self.hidden}, heads {self.heads}; hidden is a multiple of heads")

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: PRNGKeyArray) -> "TransformerNet":
        """Return the network: Glorot-uniform, biases zero, normalisations the identity."""
        keys = jax.random.split(key, self.layers + 2)
        return TransformerNet(
            mapping=glorot_uniform(keys[0], self.hidden, features),
            mapping_bias=jnp.zeros(self.hidden, jnp.float32),
            blocks=tuple(_drawn(key, self.hidden) for key in keys[1:-1]),
            norm=jnp.ones(self.hidden, jnp.float32),
            norm_bias=jnp.zeros(self.hidden, jnp.float32),
            head=glorot_uniform(keys[-1], outputs, self.hidden),
            head_bias=jnp.zeros(outputs, jnp.float32),
            heads=self.heads,
            dropout=self.dropout,
        )


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
        h = h + positions(x.shape[0], h.shape[0])[:, :, None]
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


def positions(time: int, hidden: int) -> Array:
    """Sines and cosines of the session's place, ``(hidden, time)`` (Vaswani et al., 2017, section 3.5)."""
    place = np.arange(time)[None, :]
    rate = 10_000.0 ** (-2.0 * (np.arange(hidden) // 2) / hidden)[:, None]
    even = (np.arange(hidden) % 2 == 0)[:, None]
    return jnp.asarray(np.where(even, np.sin(place * rate), np.cos(place * rate)), jnp.float32)


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
