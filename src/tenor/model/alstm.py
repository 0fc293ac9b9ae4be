"""Attentive LSTM: an LSTM whose sessions are weighed before they are read.

As in Feng et al. (2019, section 3.1), after Qin et al. (2017): the features of a session pass a mapping layer, an LSTM
runs over the mapped sessions, and what is read is the attended mean of its states beside the last of them::

    m_s = tanh(W_m x_s + b_m)              h_s = LSTM(m)_s
    w_s = softmax_s(u . tanh(W_a h_s + b_a))
    y   = W_o [sum_s w_s h_s ; h_T] + b_o

Sessions differ in what they tell; the weights say which ones were listened to.

With ``adversarial`` above 0 it is trained as in their section 3.2 to be as right where what is read, ``e = [sum_s w_s
h_s ; h_T]``, is moved a little to where its loss grows fastest (equations 6 to 8)::

    e' = e + perturbation * g / |g|        g = d loss(e) / d e
    loss = (loss(e) + adversarial * loss(e')) / (1 + adversarial)

Prices are draws; a network that is right at the draw alone has learnt the draw. The mean, where they have the sum,
keeps the loss on the scale of validation's; Adam's steps are the same but for the norm at which they are clipped.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt

from tenor.model.architecture import Weights, check_count, check_rate
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.plain import affine, lstm_states, softmax
from tenor.model.prepare import Prepare
from tenor.settings import STRICT
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.alstm import ALSTMNet


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
    adversarial
        Weight of the loss where what is read is moved against the network, beside the plain loss; 0 trains without it.
    perturbation
        How far it is moved for that, as a Euclidean norm; without effect where ``adversarial`` is 0.
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
    hidden: int = 16
    attention: int = 16
    dropout: float = 0.0
    adversarial: Annotated[float, Ge(0)] = 0.0
    perturbation: Annotated[float, Gt(0)] = 0.01
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

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "ALSTMNet":
        """Return the network; its shape does not depend on ``time``."""
        from tenor.model.net.alstm import build

        return build(
            features=features,
            outputs=outputs,
            hidden=self.hidden,
            attention=self.attention,
            rate=self.dropout,
            adversarial=self.adversarial,
            perturbation=self.perturbation,
            key=key,
        )

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        states = lstm_states(weights, "layer.", np.tanh(affine(weights, "mapping", "mapping_bias", x)))
        compared = np.tanh(affine(weights, "attention", "attention_bias", states))
        listened = softmax(compared @ weights["score"].T, axis=1)
        read = np.concatenate([(listened * states).sum(axis=1), states[:, -1]], axis=1)
        return np.ascontiguousarray(affine(weights, "head", "head_bias", read).T)
