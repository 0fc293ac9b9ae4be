"""The GRU against ``torch.nn.GRU``: outputs and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.gru import GRU
from tenor.model.net.gru import GRUNet
from tenor.model.net.sequence import UNROLLED_SESSIONS

FEATURES, BATCH = 4, 7


def built(layers: int, hidden: int, time: int, rate: float = 0.0) -> GRUNet:
    settings = GRU(layers=layers, hidden=hidden, dropout=rate)
    return settings.build(features=FEATURES, time=time, outputs=3, key=jax.random.key(11))


def windows(time: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(time, FEATURES, BATCH)).astype(np.float32)


@pytest.mark.parametrize("time", [1, 5, UNROLLED_SESSIONS + 4], ids=["one", "unrolled", "loop"])
@pytest.mark.parametrize(("layers", "hidden"), [(1, 3), (2, 8)])
def test_values_and_gradients_equal_torch(layers: int, hidden: int, time: int) -> None:
    torch = pytest.importorskip("torch")
    net, x = built(layers, hidden, time), windows(time)
    weight = np.random.default_rng(6).normal(size=(3, BATCH)).astype(np.float32)
    theirs, head = torch.nn.GRU(FEATURES, hidden, layers), torch.nn.Linear(hidden, 3)
    names = {"weight_input": "weight_ih", "weight_state": "weight_hh", "bias_input": "bias_ih", "bias_state": "bias_hh"}
    with torch.no_grad():
        for at, layer in enumerate(net.layers):
            for ours, name in names.items():
                getattr(theirs, f"{name}_l{at}").copy_(torch.tensor(np.array(getattr(layer, ours))))
        head.weight.copy_(torch.tensor(np.array(net.head)))
        head.bias.copy_(torch.tensor(np.array(net.head_bias)))
    said = head(theirs(torch.tensor(np.moveaxis(x, 2, 1).copy()))[0][-1]).T
    (said * torch.tensor(weight)).sum().backward()

    def weighed(net: GRUNet) -> jax.Array:
        return jnp.sum(net(jnp.asarray(x), key=None, inference=True) * weight)

    close = {"rtol": 1e-4, "atol": 2e-6}
    np.testing.assert_allclose(net(jnp.asarray(x), key=None, inference=True), said.detach().numpy(), **close)
    of_net = jax.grad(weighed)(net)
    np.testing.assert_allclose(of_net.head, head.weight.grad.numpy(), **close)
    for at, layer in enumerate(of_net.layers):
        for ours, name in names.items():
            gradient = getattr(theirs, f"{name}_l{at}").grad.numpy()
            np.testing.assert_allclose(getattr(layer, ours), gradient, err_msg=f"{name}_l{at}", **close)


def test_dropout_acts_between_layers_only() -> None:
    x, key = jnp.asarray(windows(5)), jax.random.key(2)
    for layers, changes in ((1, False), (2, True)):
        net = built(layers, 8, 5, rate=0.5)
        training, inference = (net(x, key=key, inference=quiet) for quiet in (False, True))
        assert bool(jnp.any(training != inference)) is changes


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"hidden": 0}, {"dropout": 1.0}])
def test_settings_that_are_no_network_are_refused(wrong: dict) -> None:
    with pytest.raises(StudyError, match=f"GRU.{next(iter(wrong))}"):
        GRU(**wrong)
