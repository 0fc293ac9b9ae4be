"""Attentive LSTM: an LSTM whose sessions are weighed before they are read.

As in Feng et al. (2019, section 3.1), after Qin et al. (2017): the features of a session pass a mapping layer, an LSTM
runs over the mapped sessions, and what is read is the attended mean of its states beside the last of them::

    m_s = tanh(W_m x_s + b_m)              h_s = LSTM(m)_s
    w_s = softmax_s(u . tanh(W_a h_s + b_a))
    y   = W_o [sum_s w_s h_s ; h_T] + b_o

Sessions differ in what they tell; the weights say which ones were listened to.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.architecture import Outputs, WindowBatch, check_count, check_rate, dropout, glorot_uniform
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.lstm import LSTMLayer, drawn_layer, lstm_layer
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.prepare import Prepare
from tenor.model.sequence import affine
from tenor.settings import STRICT


@dataclass(frozen=True, slots=True)
class ALSTM:
    """Settings of an attentive LSTM.

    Parameters
    ----------
    hidden
        Units of the mapping layer and of the LSTM.
    attention
        Units in which the attention compares sessions.
    dropout
        Probability of dropping a unit of what is read.
    head, scope, embedding
        What it is asked, of all instruments or each, and the size of an instrument's vector
        (:mod:`tenor.model.network`).
    """

    __pydantic_config__: ClassVar = STRICT
    hidden: int = 16
    attention: int = 16
    dropout: float = 0.0
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["alstm"] = "alstm"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        check_count("ALSTM.hidden", self.hidden)
        check_count("ALSTM.attention", self.attention)
        check_rate("ALSTM.dropout", self.dropout)

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: PRNGKeyArray) -> "ALSTMNet":
        """Return the network, drawn as the LSTM is; the attention begins Glorot-uniform."""
        of_map, of_lstm, of_attention, of_score, of_head = jax.random.split(key, 5)
        return ALSTMNet(
            mapping=glorot_uniform(of_map, self.hidden, features),
            mapping_bias=jnp.zeros(self.hidden, jnp.float32),
            layer=drawn_layer(of_lstm, self.hidden, self.hidden),
            attention=glorot_uniform(of_attention, self.attention, self.hidden),
            attention_bias=jnp.zeros(self.attention, jnp.float32),
            score=glorot_uniform(of_score, 1, self.attention),
            head=glorot_uniform(of_head, outputs, 2 * self.hidden),
            head_bias=jnp.zeros(outputs, jnp.float32),
            dropout=self.dropout,
        )


class ALSTMNet(eqx.Module):
    """Mapping, LSTM, attention over its states, and a linear last layer."""

    mapping: Float[Array, "hidden features"]  # noqa: F722
    mapping_bias: Float[Array, "hidden"]  # noqa: F821
    layer: LSTMLayer
    attention: Float[Array, "attention hidden"]  # noqa: F722
    attention_bias: Float[Array, "attention"]  # noqa: F821
    score: Float[Array, "1 attention"]  # noqa: F722
    head: Float[Array, "output both"]  # noqa: F722
    head_bias: Float[Array, "output"]  # noqa: F821
    dropout: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        mapped = jnp.tanh(affine(self.mapping, self.mapping_bias, jnp.moveaxis(x, 0, 1)))
        states = lstm_layer(self.layer.weight_input, self.layer.weight_state, self.layer.bias, mapped)
        scores = affine(
            self.score, jnp.zeros(1, x.dtype), jnp.tanh(affine(self.attention, self.attention_bias, states))
        )
        weights = jax.nn.softmax(scores, axis=1)
        read = jnp.concatenate([(weights * states).sum(axis=1), states[:, -1]])
        if not inference:
            read = dropout(read, self.dropout, key=key, site=0)
        return self.head @ read + self.head_bias[:, None]
