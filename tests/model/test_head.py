"""Heads: losses against torch and by hand, quantiles that cannot cross, probabilities read off them."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from tenor.errors import StudyError
from tenor.model.head import LEVELS, Direction, Point, Quantiles, distribution_at_zero

RNG = np.random.default_rng(4)


def test_the_loss_of_a_direction_is_cross_entropy() -> None:
    torch = pytest.importorskip("torch")
    outputs, up = RNG.normal(size=(2, 9)).astype(np.float32), RNG.integers(0, 2, 9)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(outputs.T), torch.tensor(up), reduction="none")
    ours = Direction().loss(jnp.asarray(outputs), jnp.asarray(up[None].astype(np.float32)))
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5)


def test_pinball_and_huber_by_hand() -> None:
    head = Quantiles(levels=(0.25, 0.75))
    # the middle level is the upper one: q = (0 - softplus(r), 0)
    raw = np.array([[np.log(np.expm1(1.0))], [0.0]], np.float32)
    np.testing.assert_allclose(head.quantiles(raw), [[[-1.0, 0.0]]], atol=1e-6)
    # errors of 1 and 0 to the quantiles -1 and 0: 0.25 * 1 and 0
    np.testing.assert_allclose(head.loss(jnp.asarray(raw), jnp.zeros((1, 1))), [0.125], atol=1e-6)
    point = Point()
    np.testing.assert_allclose(point.loss(jnp.array([[0.0, 0.0]]), jnp.array([[1.0, 4.0]])), [0.5, 1.5 * (4 - 0.75)])
    np.testing.assert_allclose(point.up(np.array([[0.0, 2.0]])), [0.5, 1 / (1 + np.exp(-2.0))])


@given(st.lists(st.floats(-20, 20, width=32), min_size=14, max_size=14))
def test_quantiles_never_cross(values: list[float]) -> None:
    outputs = np.array(values, np.float32).reshape(14, 1)
    found = Quantiles().quantiles(outputs)
    assert found is not None
    assert found.shape == (1, 2, 7)
    assert (np.diff(found, axis=-1) >= 0).all()
    up = Quantiles().up(outputs)
    assert ((up >= 0) & (up <= 1)).all()


@pytest.mark.parametrize("shift", [-3.0, -1.0, -0.2, 0.0, 0.4, 1.2, 4.0])
def test_the_probability_read_off_normal_quantiles_is_nearly_theirs(shift: float) -> None:
    quantiles = (norm.ppf(LEVELS) + shift)[None]
    found = float(distribution_at_zero(quantiles, LEVELS)[0])
    assert found == pytest.approx(norm.cdf(-shift), abs=0.02)


def test_the_distribution_is_continuous_and_falls() -> None:
    shifts = np.linspace(-5, 5, 2001)
    found = distribution_at_zero(norm.ppf(LEVELS)[None] + shifts[:, None], LEVELS)
    assert (np.diff(found) < 0).all()
    assert np.abs(np.diff(found)).max() < 0.003


@pytest.mark.parametrize("levels", [(0.9, 0.1), (0.5, 0.5)])
def test_levels_ascend(levels: tuple[float, ...]) -> None:
    with pytest.raises(StudyError, match="give each once, the lowest first"):
        Quantiles(levels=levels)
