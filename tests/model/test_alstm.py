"""The attentive LSTM against the same thing written in PyTorch, and against its own limits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.alstm import ALSTM
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION
from tenor.model.net.alstm import ALSTMNet
from tenor.model.train import FoldArrays, train_grid

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


def test_the_adversarial_loss_and_its_gradient_equal_torch() -> None:
    """Feng et al. (2019), equations 6 to 8, by autograd of another library: the step itself is held constant."""
    torch = pytest.importorskip("torch")
    weight, step = 0.7, 0.4
    settings = ALSTM(hidden=8, attention=3, adversarial=weight, perturbation=step)
    net = settings.build(features=FEATURES, time=TIME, outputs=2, key=jax.random.key(1))
    x, up = windows(), np.array([1, 0, 0, 1, 1])

    def trained(net: ALSTMNet) -> jax.Array:
        target = jnp.asarray(up, jnp.float32)[None]
        return net.training_loss(jnp.asarray(x), lambda out: DIRECTION.loss(out, target), key=jax.random.key(0)).mean()

    loss, of_net = jax.value_and_grad(trained)(net)
    head = torch.tensor(np.array(net.head), requires_grad=True)
    bias = torch.tensor(np.array(net.head_bias), requires_grad=True)
    read = torch.tensor(np.array(net._read(jnp.asarray(x), key=None, inference=True)).T, requires_grad=True)
    entropy = torch.nn.CrossEntropyLoss(reduction="none")
    plain = entropy(read @ head.T + bias, torch.tensor(up))
    (slope,) = torch.autograd.grad(plain.sum(), read, retain_graph=True)
    moved = read + step * torch.nn.functional.normalize(slope, dim=1)
    theirs = (plain + weight * entropy(moved @ head.T + bias, torch.tensor(up))).mean() / (1 + weight)
    theirs.backward()
    assert float(loss) == pytest.approx(theirs.item(), rel=1e-5)
    np.testing.assert_allclose(of_net.head, head.grad.numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(of_net.head_bias, bias.grad.numpy(), rtol=1e-4, atol=1e-6)
    # what lies before what is read is moved by the gradient of both losses in it
    through = jax.grad(lambda net: (net._read(jnp.asarray(x), key=None, inference=True) * read.grad.numpy().T).sum())(
        net
    )
    np.testing.assert_allclose(of_net.mapping, through.mapping, rtol=1e-4, atol=1e-6)


def test_the_adversarial_loss_is_the_larger_and_zero_weight_is_the_plain_one() -> None:
    x, target = jnp.asarray(windows()), jnp.ones((1, BATCH), jnp.float32)

    def losses(adversarial: float) -> np.ndarray:
        settings = ALSTM(hidden=8, attention=3, adversarial=adversarial, perturbation=0.5)
        net = settings.build(features=FEATURES, time=TIME, outputs=2, key=jax.random.key(1))
        return np.asarray(net.training_loss(x, lambda out: DIRECTION.loss(out, target), key=jax.random.key(0)))

    plain = DIRECTION.loss(built()(x, key=None, inference=True), target)
    np.testing.assert_array_equal(losses(0.0), plain)
    assert (losses(1.0) > losses(0.0)).all()


def test_a_network_is_trained_by_its_own_loss() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, TIME, FEATURES)).astype(np.float32)
    fold = FoldArrays(x, (x[:, -1, 0] > 0).astype(np.int64), x, (x[:, -1, 0] > 0).astype(np.int64))
    plan = FitPlan(epochs=3, patience=3, batch_size=16)
    grids = [
        train_grid(ALSTM(hidden=4, adversarial=weight, perturbation=0.5), [fold], [1, 2], plan) for weight in (0, 1)
    ]
    assert (grids[0].theta != grids[1].theta).any(axis=2).all()
    assert (grids[1].train_loss > grids[0].train_loss).all()


@pytest.mark.parametrize("wrong", [{"attention": 0}, {"hidden": 0}, {"dropout": -0.1}])
def test_settings_that_are_no_network_are_refused(wrong: dict) -> None:
    with pytest.raises(StudyError, match=f"ALSTM.{next(iter(wrong))}"):
        ALSTM(**wrong)
