"""The attentive LSTM in training."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenor.model.net.base import Loss, Outputs, WindowBatch, dropout, glorot_uniform
from tenor.model.net.lstm import LSTMLayer, drawn_layer, lstm_layer
from tenor.model.net.sequence import affine


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
    adversarial: float = eqx.field(static=True)
    perturbation: float = eqx.field(static=True)

    def __call__(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Outputs:
        """Return the outputs for each window."""
        return self._speak(self._read(x, key=key, inference=inference))

    def training_loss(self, x: WindowBatch, loss: Loss, *, key: PRNGKeyArray) -> Float[Array, "batch"]:  # noqa: F821
        """Return the loss of each window, averaged with that of what is read moved to where the loss grows fastest."""
        read = self._read(x, key=key, inference=False)
        plain = loss(self._speak(read))
        if not self.adversarial:
            return plain
        fixed = jax.lax.stop_gradient(read)
        slope = jax.lax.stop_gradient(jax.grad(lambda read: loss(self._speak(read)).sum())(fixed))
        size = jnp.sqrt((slope**2).sum(axis=0) + np.float32(1e-24))
        moved = loss(self._speak(read + self.perturbation * slope / size))
        return (plain + self.adversarial * moved) / (1.0 + self.adversarial)

    def _read(self, x: WindowBatch, *, key: PRNGKeyArray | None, inference: bool) -> Float[Array, "both batch"]:  # noqa: F722
        mapped = jnp.tanh(affine(self.mapping, self.mapping_bias, jnp.moveaxis(x, 0, 1)))
        states = lstm_layer(self.layer, mapped)
        scores = affine(
            self.score, jnp.zeros(1, x.dtype), jnp.tanh(affine(self.attention, self.attention_bias, states))
        )
        weights = jax.nn.softmax(scores, axis=1)
        read = jnp.concatenate([(weights * states).sum(axis=1), states[:, -1]])
        if not inference:
            read = dropout(read, self.dropout, key=key, site=0)
        return read

    def _speak(self, read: Float[Array, "both batch"]) -> Outputs:  # noqa: F722
        return self.head @ read + self.head_bias[:, None]


def build(
    *,
    features: int,
    outputs: int,
    hidden: int,
    attention: int,
    rate: float,
    adversarial: float,
    perturbation: float,
    key: PRNGKeyArray,
) -> ALSTMNet:
    """Return the network, drawn as the LSTM is; the attention begins Glorot-uniform."""
    of_map, of_lstm, of_attention, of_score, of_head = jax.random.split(key, 5)
    return ALSTMNet(
        mapping=glorot_uniform(of_map, hidden, features),
        mapping_bias=jnp.zeros(hidden, jnp.float32),
        layer=drawn_layer(of_lstm, hidden, hidden),
        attention=glorot_uniform(of_attention, attention, hidden),
        attention_bias=jnp.zeros(attention, jnp.float32),
        score=glorot_uniform(of_score, 1, attention),
        head=glorot_uniform(of_head, outputs, 2 * hidden),
        head_bias=jnp.zeros(outputs, jnp.float32),
        dropout=rate,
        adversarial=adversarial,
        perturbation=perturbation,
    )
