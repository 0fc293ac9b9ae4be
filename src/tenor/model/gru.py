"""Gated recurrent unit: a recurrent layer with two gates and one state.

The cell is that of Cho et al. (2014) with the reset gate behind the matrix, as in ``torch.nn.GRU``: for the input x and
the state h of one session, gates stacked as reset, update, new (torch's order), s the logistic function::

    r, z = s(W x + b + U h + c)            rows of reset and update
    n    = tanh(W x + b + r * (U h + c))   rows of new
    h'   = (1 - z) * n + z * h

Dropout acts on what one layer hands to the next, as in the LSTM.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tenor.model.architecture import CPU_LANES, WIDE, Weights, check_count, check_rate
from tenor.model.base import Recipe
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead
from tenor.model.network import Scope, Size, recipe_of
from tenor.model.plain import affine, logistic
from tenor.model.prepare import Prepare
from tenor.settings import STRICT
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.gru import GRUNet


@dataclass(frozen=True, slots=True)
class GRU:
    """Settings of a GRU.

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
    layers: int = 1
    hidden: int = 16
    dropout: float = 0.0
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: Size = 0
    kind: Literal["gru"] = "gru"
    reads: ClassVar = ()

    def __post_init__(self) -> None:
        check_count("GRU.layers", self.layers)
        check_count("GRU.hidden", self.hidden)
        check_rate("GRU.dropout", self.dropout)

    @property
    def lanes(self) -> int:
        """Networks that a core trains side by side."""
        return 1 if self.hidden >= WIDE else CPU_LANES

    def recipe(self, prepare: Prepare, plan: FitPlan) -> Recipe:
        """Return the recipe under the study's preparation and fit plan."""
        return recipe_of(self, prepare, plan)

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "GRUNet":
        """Return the network; its shape does not depend on ``time``."""
        from tenor.model.net.gru import build

        return build(
            features=features, outputs=outputs, layers=self.layers, hidden=self.hidden, rate=self.dropout, key=key
        )

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)`` in numpy."""
        states = x
        for at in range(self.layers):
            states = _states(weights, f"layers.{at}.", states)
        return np.ascontiguousarray(affine(weights, "head", "head_bias", states[:, -1]).T)


def _states(weights: Weights, layer: str, x: Floats32) -> Floats32:
    """Run one layer from a zero state; return the state of each session."""
    driven = affine(weights, f"{layer}weight_input", f"{layer}bias_input", x)
    hidden = driven.shape[-1] // 3
    h = np.zeros((len(x), hidden), np.float32)
    states = []
    for session in range(x.shape[1]):
        drive = driven[:, session]
        held = affine(weights, f"{layer}weight_state", f"{layer}bias_state", h)
        reset, update = np.split(logistic(drive[:, : 2 * hidden] + held[:, : 2 * hidden]), 2, axis=1)
        new = np.tanh(drive[:, 2 * hidden :] + reset * held[:, 2 * hidden :])
        h = new + update * (h - new)
        states.append(h)
    return np.stack(states, axis=1)
