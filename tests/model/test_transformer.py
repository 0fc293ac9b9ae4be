"""The causal Transformer against ``torch.nn.TransformerEncoderLayer``, and that no session sees a later one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.model.net.transformer import TransformerNet
from tenor.model.transformer import Transformer, positions

FEATURES, TIME, BATCH, HIDDEN, HEADS = 4, 6, 5, 8, 2


def built(layers: int = 2, rate: float = 0.0) -> TransformerNet:
    settings = Transformer(layers=layers, hidden=HIDDEN, heads=HEADS, dropout=rate)
    return settings.build(features=FEATURES, time=TIME, outputs=3, key=jax.random.key(1))


def windows() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(TIME, FEATURES, BATCH)).astype(np.float32)


def test_values_equal_torch() -> None:
    torch = pytest.importorskip("torch")
    net, x = built(), windows()
    given = {
        name: torch.tensor(np.array(getattr(net, name))) for name in ("mapping", "mapping_bias", "head", "head_bias")
    }
    h = torch.tensor(np.moveaxis(x, 2, 1).copy()) @ given["mapping"].T + given["mapping_bias"]
    h = h + torch.tensor(np.array(positions(TIME, HIDDEN)).T[:, None])
    mask = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1)
    names = {
        "self_attn.in_proj_weight": "projection",
        "self_attn.in_proj_bias": "projection_bias",
        "self_attn.out_proj.weight": "out",
        "self_attn.out_proj.bias": "out_bias",
        "norm1.weight": "norm_first",
        "norm1.bias": "norm_first_bias",
        "norm2.weight": "norm_second",
        "norm2.bias": "norm_second_bias",
        "linear1.weight": "wide",
        "linear1.bias": "wide_bias",
        "linear2.weight": "narrow",
        "linear2.bias": "narrow_bias",
    }
    for block in net.blocks:
        layer = torch.nn.TransformerEncoderLayer(
            HIDDEN, HEADS, dim_feedforward=4 * HIDDEN, dropout=0.0, activation="gelu", norm_first=True
        )
        layer.load_state_dict({theirs: torch.tensor(np.array(getattr(block, ours))) for theirs, ours in names.items()})
        layer.train()  # without the fused inference path
        h = layer(h, src_mask=mask)
    last = torch.nn.functional.layer_norm(h[-1], (HIDDEN,))
    said = (last @ given["head"].T + given["head_bias"]).T.detach().numpy()
    np.testing.assert_allclose(net(jnp.asarray(x), key=None, inference=True), said, rtol=1e-4, atol=3e-6)


def test_no_session_knows_a_later_one() -> None:
    net, x = built(), jnp.asarray(windows())
    whole = net.states(x, key=None, inference=True)
    for upto in range(1, TIME):
        changed = x.at[upto:].set(99.0)
        then = net.states(changed, key=None, inference=True)
        np.testing.assert_array_equal(then[:, :upto], whole[:, :upto])
        assert not np.allclose(then[:, upto:], whole[:, upto:])


def test_places_are_told_apart() -> None:
    found = np.asarray(positions(10, 8))
    assert found.shape == (8, 10)
    assert found[0, 0] == 0.0
    assert found[1, 0] == 1.0
    assert len(np.unique(np.round(found.T, 6), axis=0)) == 10


def test_dropout_acts_in_training_only() -> None:
    x, key = jnp.asarray(windows()), jax.random.key(2)
    net = built(rate=0.5)
    assert bool(jnp.any(net(x, key=key, inference=False) != net(x, key=key, inference=True)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"hidden": 9}, "a multiple of heads"), ({"layers": 0}, "Transformer.layers"), ({"dropout": 1.0}, "dropout")],
)
def test_settings_that_are_no_network_are_refused(wrong: dict, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        Transformer(**wrong)
