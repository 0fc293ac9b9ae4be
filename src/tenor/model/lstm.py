"""Long short-term memory: recurrent layers read a window session by session, the last state gives the outputs.

The cell is that of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000), as in
``torch.nn.LSTM``: for the input x and the state (h, c) of one session, with the gates stacked as input,
forget, cell, output (torch's order) and s the logistic function::

    i, f, g, o = W x + U h + b
    c'         = s(f) c + s(i) tanh(g)
    h'         = s(o) tanh(c')

Dropout acts on what one layer hands to the next, not on the recurrence nor on the last state.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tenor.model.architecture import CPU_LANES, WIDE, Weights, check_count, check_rate
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.plain import affine, lstm_states
from tenor.model.prepare import Prepare
from tenor.settings import STRICT
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.lstm import LSTMNet


@dataclass(frozen=True, slots=True)
class LSTM:
    """Settings of an LSTM.

    Parameters
    ----------
    layers
        Recurrent layers, one on the other.
    hidden
        Units of each layer.
    dropout
        Probability of dropping a unit between two layers; it has no effect with one layer.
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
    layers: int = 3
    hidden: int = 8
    dropout: float = 0.3
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["lstm"] = "lstm"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        check_count("LSTM.layers", self.layers)
        check_count("LSTM.hidden", self.hidden)
        check_rate("LSTM.dropout", self.dropout)

    @property
    def lanes(self) -> int:
        """Networks that a core trains side by side."""
        return 1 if self.hidden >= WIDE else CPU_LANES

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "LSTMNet":
        """Return the network; its shape does not depend on ``time``."""
        from tenor.model.net.lstm import build

        return build(
            features=features, outputs=outputs, layers=self.layers, hidden=self.hidden, rate=self.dropout, key=key
        )

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        states = x
        for at in range(self.layers):
            states = lstm_states(weights, f"layers.{at}.", states)
        return np.ascontiguousarray(affine(weights, "head", "head_bias", states[:, -1]).T)
