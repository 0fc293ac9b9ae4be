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
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tenor.errors import StudyError
from tenor.model.architecture import Weights, check_count, check_rate
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.plain import affine, softmax
from tenor.model.prepare import Prepare
from tenor.settings import STRICT
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.transformer import TransformerNet

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
        Channels that each session is mapped to; a multiple of ``heads``.
    heads
        Heads of attention, which weigh sessions apart from each other and share the channels.
    dropout
        Probability of dropping a channel of what a half block adds.
    head
        What it is asked: the ``direction`` over the first horizon, ``quantiles`` of the move over each horizon, or that
        move as a ``point``.
    scope
        ``pooled``: one network for all instruments; ``per_name``: one for each, from its own windows alone.
    embedding
        Length of the vector that is learnt for each instrument and read beside its factors, so that one network tells
        them apart; 0 for none.
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

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "TransformerNet":
        """Return the network; its shape does not depend on ``time``."""
        from tenor.model.net.transformer import build

        return build(
            features=features,
            outputs=outputs,
            layers=self.layers,
            hidden=self.hidden,
            heads=self.heads,
            rate=self.dropout,
            key=key,
        )

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        h = affine(weights, "mapping", "mapping_bias", x) + positions(x.shape[1], self.hidden).T
        for at in range(self.layers):
            block = f"blocks.{at}."
            h = h + _attended(weights, block, h, self.heads)
            normed = _normalised(h, weights[f"{block}norm_second"], weights[f"{block}norm_second_bias"])
            inside = _gelu(affine(weights, f"{block}wide", f"{block}wide_bias", normed))
            h = h + affine(weights, f"{block}narrow", f"{block}narrow_bias", inside)
        last = _normalised(h[:, -1], weights["norm"], weights["norm_bias"])
        return np.ascontiguousarray(affine(weights, "head", "head_bias", last).T)


def positions(time: int, hidden: int) -> Floats32:
    """Sines and cosines of the session's place, ``(hidden, time)`` (Vaswani et al., 2017, section 3.5)."""
    place = np.arange(time)[None, :]
    rate = 10_000.0 ** (-2.0 * (np.arange(hidden) // 2) / hidden)[:, None]
    even = (np.arange(hidden) % 2 == 0)[:, None]
    return np.where(even, np.sin(place * rate), np.cos(place * rate)).astype(np.float32)


def _attended(weights: Weights, block: str, h: Floats32, heads: int) -> Floats32:
    """Return what attention adds to ``(window, time, channel)``."""
    windows, time, hidden = h.shape
    normed = _normalised(h, weights[f"{block}norm_first"], weights[f"{block}norm_first_bias"])
    projected = affine(weights, f"{block}projection", f"{block}projection_bias", normed)
    split = projected.reshape(windows, time, 3, heads, hidden // heads)
    query, key, value = (split[:, :, at].swapaxes(1, 2) for at in range(3))
    scores = query @ key.swapaxes(2, 3) / np.float32(math.sqrt(hidden // heads))
    later = np.triu(np.ones((time, time), bool), 1)
    read = softmax(np.where(later, np.float32(-np.inf), scores), axis=3) @ value
    return affine(weights, f"{block}out", f"{block}out_bias", read.swapaxes(1, 2).reshape(windows, time, hidden))


def _normalised(h: Floats32, scale: Floats32, shift: Floats32) -> Floats32:
    """Return ``h`` with mean 0 and variance 1 over its channels, scaled and shifted."""
    centred = h - h.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(variance + np.float32(EPSILON)) * scale + shift)


def _gelu(x: Floats32) -> Floats32:
    """Return ``x`` times the normal distribution at it (Hendrycks and Gimpel, 2016)."""
    normal = np.frompyfunc(math.erf, 1, 1)(x / np.float32(math.sqrt(2.0))).astype(np.float32)
    half = np.float32(0.5)
    return np.asarray(half * x * (1 + normal))
