"""The dense network against PyTorch's layers, and the order in which it reads a window."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.dnn import DNN
from tenor.model.net.dnn import DNNNet

TIME, FEATURES, BATCH = 5, 3, 9


def built(hidden: tuple[int, ...], rate: float = 0.0) -> DNNNet:
    return DNN(hidden=hidden, dropout=rate).build(features=FEATURES, time=TIME, outputs=2, key=jax.random.key(3))


@pytest.mark.parametrize("hidden", [(4,), (8, 5), (6, 5, 4)])
def test_values_and_gradients_equal_torch(hidden: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    net = built(hidden)
    x = np.random.default_rng(1).normal(size=(TIME, FEATURES, BATCH)).astype(np.float32)
    weight = np.random.default_rng(2).normal(size=(2, BATCH)).astype(np.float32)

    linears = [torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0]) for layer in net.layers]
    with torch.no_grad():
        for linear, layer in zip(linears, net.layers, strict=True):
            linear.weight.copy_(torch.tensor(np.array(layer.weight)))
            linear.bias.copy_(torch.tensor(np.array(layer.bias)))
    their_x = torch.tensor(np.moveaxis(x, 2, 0).copy(), requires_grad=True)
    values = torch.flatten(their_x, 1)
    for linear in linears[:-1]:
        values = torch.relu(linear(values))
    their_logits = linears[-1](values).T
    (their_logits * torch.tensor(weight)).sum().backward()

    logits = net(jnp.asarray(x), key=None, inference=True)
    of_net, of_x = jax.grad(lambda net, x: jnp.sum(net(x, key=None, inference=True) * weight), argnums=(0, 1))(
        net, jnp.asarray(x)
    )
    close = {"rtol": 1e-4, "atol": 1e-6}
    np.testing.assert_allclose(logits, their_logits.detach().numpy(), **close)
    np.testing.assert_allclose(of_x, np.moveaxis(their_x.grad.numpy(), 0, 2), **close)
    for layer, linear in zip(of_net.layers, linears, strict=True):
        np.testing.assert_allclose(layer.weight, linear.weight.grad.numpy(), **close)
        np.testing.assert_allclose(layer.bias, linear.bias.grad.numpy(), **close)


def test_dropout_is_off_in_inference_and_on_in_training() -> None:
    net, x, key = built((8,), rate=0.5), jnp.ones((TIME, FEATURES, BATCH)), jax.random.key(0)
    quiet = net(x, key=key, inference=True)
    np.testing.assert_array_equal(quiet, built((8,))(x, key=None, inference=False))
    assert bool(jnp.any(net(x, key=key, inference=False) != quiet))


def test_hidden_may_be_a_list_as_in_a_study_file() -> None:
    assert DNN(hidden=[32, 16]) == DNN(hidden=(32, 16))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ()}, "DNN.hidden is empty"),
        ({"hidden": (8, 0)}, r"DNN.hidden\[1\] is 0"),
        ({"dropout": -0.5}, "DNN.dropout is -0.5"),
    ],
)
def test_impossible_settings_are_refused_by_name(settings: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        DNN(**settings)  # type: ignore[arg-type]
