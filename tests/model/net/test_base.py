"""Dropout: how often, how much, and how independent the draws are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from tenor.model.net.base import dropout


def mask(seed: int, site: int = 0, rate: float = 0.3, shape: tuple[int, ...] = (64, 512), first: int = 0) -> np.ndarray:
    key = jax.random.wrap_key_data(jnp.array([first, seed], jnp.uint32))
    return np.asarray(dropout(jnp.ones(shape), rate, key=key, site=site))


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_units_are_dropped_at_the_rate_and_the_rest_scaled_up(rate: float) -> None:
    drawn = np.stack([mask(seed, rate=rate) for seed in range(8)])
    assert set(np.unique(drawn)) == {np.float32(0.0), np.float32(1.0 / (1.0 - rate))}
    dropped = int((drawn == 0.0).sum())
    assert stats.binomtest(dropped, drawn.size, rate).pvalue > 1e-3


@pytest.mark.parametrize("other", [{"seed": 1}, {"first": 1}, {"site": 1}])
def test_masks_of_other_keys_and_sites_are_uncorrelated(other: dict[str, int]) -> None:
    one, two = mask(0) == 0.0, mask(**{"seed": 0, **other}) == 0.0
    table = [[(a & b).sum() for b in (two, ~two)] for a in (one, ~one)]
    assert stats.chi2_contingency(table).pvalue > 1e-3


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbouring_units_are_uncorrelated(axis: int) -> None:
    drawn = np.moveaxis(np.stack([mask(seed) for seed in range(4)]) == 0.0, axis + 1, 0)
    one, two = drawn[:-1], drawn[1:]
    table = [[(a & b).sum() for b in (two, ~two)] for a in (one, ~one)]
    assert stats.chi2_contingency(table).pvalue > 1e-3


def test_steps_of_one_network_are_uncorrelated() -> None:
    """The engine counts a key's second word up: neighbouring words must not give related masks."""
    keys = [jax.random.wrap_key_data(jnp.array([7, step], jnp.uint32)) for step in range(200)]
    drawn = np.stack([np.asarray(dropout(jnp.ones(501), 0.3, key=key, site=1)) == 0.0 for key in keys])
    counts = drawn.sum(axis=0)
    dispersion = ((counts - 60.0) ** 2 / (200 * 0.3 * 0.7)).sum()
    assert stats.chi2.sf(dispersion, 501) > 1e-3
    assert stats.chi2.cdf(dispersion, 501) > 1e-3


def test_an_odd_number_of_units_and_none() -> None:
    assert mask(0, shape=(3, 5)).shape == (3, 5)
    np.testing.assert_array_equal(mask(0, rate=0.0), 1.0)


def test_the_same_key_gives_the_same_mask_beside_others() -> None:
    keys = jax.random.split(jax.random.key(3), 5)
    draw = jax.vmap(lambda key: dropout(jnp.ones((4, 6)), 0.3, key=key, site=2))
    np.testing.assert_array_equal(draw(keys)[3], dropout(jnp.ones((4, 6)), 0.3, key=keys[3], site=2))


def test_training_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        dropout(jnp.ones(3), 0.3, key=None, site=0)
