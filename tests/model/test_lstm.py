"""The LSTM against ``torch.nn.LSTM``: states, logits and every gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.lstm import LSTM
from tenor.model.net.lstm import LSTMNet
from tenor.model.net.sequence import UNROLLED_SESSIONS

FEATURES, BATCH = 4, 7


def built(layers: int, hidden: int, time: int, rate: float = 0.0) -> LSTMNet:
    return LSTM(layers=layers, hidden=hidden, dropout=rate).build(
        features=FEATURES, time=time, outputs=2, key=jax.random.key(11)
    )


def windows(time: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(time, FEATURES, BATCH)).astype(np.float32)


@pytest.mark.parametrize("time", [1, 5, UNROLLED_SESSIONS + 4], ids=["one", "unrolled", "loop"])
@pytest.mark.parametrize(("layers", "hidden"), [(1, 3), (3, 8)])
def test_values_and_gradients_equal_torch(layers: int, hidden: int, time: int) -> None:
    torch = pytest.importorskip("torch")
    net, x = built(layers, hidden, time), windows(time)
    weight = np.random.default_rng(6).normal(size=(2, BATCH)).astype(np.float32)

    theirs = torch.nn.LSTM(FEATURES, hidden, layers)
    head = torch.nn.Linear(hidden, 2)
    with torch.no_grad():
        for at, layer in enumerate(net.layers):
            getattr(theirs, f"weight_ih_l{at}").copy_(torch.tensor(np.array(layer.weight_input)))
            getattr(theirs, f"weight_hh_l{at}").copy_(torch.tensor(np.array(layer.weight_state)))
            getattr(theirs, f"bias_ih_l{at}").copy_(torch.tensor(np.array(layer.bias)))
            getattr(theirs, f"bias_hh_l{at}").zero_()
        head.weight.copy_(torch.tensor(np.array(net.head)))
        head.bias.copy_(torch.tensor(np.array(net.head_bias)))
    their_x = torch.tensor(np.moveaxis(x, 2, 1).copy(), requires_grad=True)
    their_logits = head(theirs(their_x)[0][-1]).T
    (their_logits * torch.tensor(weight)).sum().backward()

    def weighed(net: LSTMNet, x: jax.Array) -> jax.Array:
        return jnp.sum(net(x, key=None, inference=True) * weight)

    logits = net(jnp.asarray(x), key=None, inference=True)
    of_net, of_x = jax.grad(weighed, argnums=(0, 1))(net, jnp.asarray(x))
    close = {"rtol": 1e-4, "atol": 2e-6}
    np.testing.assert_allclose(logits, their_logits.detach().numpy(), **close)
    np.testing.assert_allclose(of_x, np.moveaxis(their_x.grad.numpy(), 1, 2), **close)
    np.testing.assert_allclose(of_net.head, head.weight.grad.numpy(), **close)
    np.testing.assert_allclose(of_net.head_bias, head.bias.grad.numpy(), **close)
    for at, layer in enumerate(of_net.layers):
        for ours, name in (("weight_input", "weight_ih"), ("weight_state", "weight_hh"), ("bias", "bias_ih")):
            their_gradient = getattr(theirs, f"{name}_l{at}").grad.numpy()
            np.testing.assert_allclose(getattr(layer, ours), their_gradient, err_msg=f"{name}_l{at}", **close)


def test_dropout_acts_between_layers_only() -> None:
    x, key = jnp.asarray(windows(5)), jax.random.key(2)
    for layers, changes in ((1, False), (2, True)):
        net = built(layers, 8, 5, rate=0.5)
        training, inference = (net(x, key=key, inference=quiet) for quiet in (False, True))
        assert bool(jnp.any(training != inference)) is changes


def test_dropout_averages_to_the_linear_response_of_the_second_layer() -> None:
    """Under tiny weights the second layer is nearly linear: the mean over masks is the value without."""
    net = built(2, 4, 3, rate=0.3)
    upper = net.layers[1]
    small = type(upper)(upper.weight_input * 1e-3, upper.weight_state, upper.bias)
    net = LSTMNet((net.layers[0], small), net.head * 1e3, net.head_bias, 0.3)
    x = jnp.asarray(windows(3))
    keys = jax.random.split(jax.random.key(4), 4_000)
    drawn = np.asarray(jax.vmap(lambda key: net(x, key=key, inference=False))(keys), np.float64)
    error = drawn.std(axis=0) / np.sqrt(len(keys))
    wanted = np.asarray(net(x, key=None, inference=True), np.float64)
    assert np.all(np.abs(drawn.mean(axis=0) - wanted) < 5.0 * error + 1e-4)


def test_first_weights_are_orthogonal_and_the_forget_gate_is_open() -> None:
    for layer in built(2, 6, 5).layers:
        np.testing.assert_allclose(layer.weight_state.T @ layer.weight_state, np.eye(6), atol=1e-5)
        np.testing.assert_array_equal(layer.bias, np.repeat([0.0, 1.0, 0.0, 0.0], 6))
        limit = np.sqrt(6.0 / sum(layer.weight_input.shape))
        assert 0.8 * limit < np.abs(layer.weight_input).max() <= limit


@pytest.mark.parametrize("settings", [{"layers": 0}, {"hidden": 0}, {"dropout": 1.0}])
def test_impossible_settings_are_refused_by_name(settings: dict[str, int]) -> None:
    (name,) = settings
    with pytest.raises(StudyError, match=f"LSTM.{name} is "):
        LSTM(**settings)
