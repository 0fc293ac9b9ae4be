"""The attentive LSTM against the same thing written in PyTorch, and against its own limits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.alstm import ALSTM
from tenor.model.net.alstm import ALSTMNet

FEATURES, TIME, BATCH = 4, 6, 5


def built(rate: float = 0.0) -> ALSTMNet:
    settings = ALSTM(hidden=8, attention=3, dropout=rate)
    return settings.build(features=FEATURES, time=TIME, outputs=2, key=jax.random.key(1))


def windows() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(TIME, FEATURES, BATCH)).astype(np.float32)


def test_values_and_gradients_equal_torch() -> None:
    torch = pytest.importorskip("torch")
    net, x = built(), windows()
    names = ("mapping", "mapping_bias", "attention", "attention_bias", "score", "head", "head_bias")
    theirs = {name: torch.tensor(np.array(getattr(net, name)), requires_grad=True) for name in names}
    lstm = torch.nn.LSTM(8, 8)
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(torch.tensor(np.array(net.layer.weight_input)))
        lstm.weight_hh_l0.copy_(torch.tensor(np.array(net.layer.weight_state)))
        lstm.bias_ih_l0.copy_(torch.tensor(np.array(net.layer.bias)))
        lstm.bias_hh_l0.zero_()
    mapped = torch.tanh(torch.tensor(np.moveaxis(x, 2, 1).copy()) @ theirs["mapping"].T + theirs["mapping_bias"])
    states, _ = lstm(mapped)
    compared = torch.tanh(states @ theirs["attention"].T + theirs["attention_bias"])
    weights = torch.softmax(compared @ theirs["score"].T, dim=0)
    read = torch.cat([(weights * states).sum(dim=0), states[-1]], dim=1)
    said = (read @ theirs["head"].T + theirs["head_bias"]).T
    (said**2).sum().backward()

    def squared(net: ALSTMNet) -> jax.Array:
        return jnp.sum(net(jnp.asarray(x), key=None, inference=True) ** 2)

    close = {"rtol": 1e-4, "atol": 2e-6}
    np.testing.assert_allclose(net(jnp.asarray(x), key=None, inference=True), said.detach().numpy(), **close)
    of_net = jax.grad(squared)(net)
    for name in names:
        np.testing.assert_allclose(getattr(of_net, name), theirs[name].grad.numpy(), err_msg=name, **close)
    np.testing.assert_allclose(of_net.layer.weight_state, lstm.weight_hh_l0.grad.numpy(), **close)


def test_without_preference_every_session_counts_the_same() -> None:
    """A score of zero everywhere reads the mean of the states: two windows with the same states in another order agree
    up to the last one.
    """
    net = eqx.tree_at(lambda net: net.score, built(), jnp.zeros((1, 3), jnp.float32))
    strong = eqx.tree_at(lambda net: net.score, net, jnp.full((1, 3), 30.0, jnp.float32))
    x = jnp.asarray(windows())
    assert not np.allclose(net(x, key=None, inference=True), strong(x, key=None, inference=True))
    still = jnp.broadcast_to(x[:1], x.shape)
    assert np.isfinite(net(still, key=None, inference=True)).all()


def test_dropout_acts_on_what_is_read() -> None:
    x, key = jnp.asarray(windows()), jax.random.key(2)
    net = built(rate=0.5)
    assert bool(jnp.any(net(x, key=key, inference=False) != net(x, key=key, inference=True)))


@pytest.mark.parametrize("wrong", [{"attention": 0}, {"hidden": 0}, {"dropout": -0.1}])
def test_settings_that_are_no_network_are_refused(wrong: dict) -> None:
    with pytest.raises(StudyError, match=f"ALSTM.{next(iter(wrong))}"):
        ALSTM(**wrong)
