"""The direction of the next change against a table, edges and zeros included."""

import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.factor.label import DOWN, NEUTRAL, UP, Target, direction, next_change


def test_the_next_change_is_known_one_session_later() -> None:
    np.testing.assert_allclose(next_change(np.array([0.30, 0.35, 0.31])), [0.05, -0.04, np.nan], atol=1e-15)
    np.testing.assert_array_equal(next_change(np.array([0.3])), [np.nan])
    np.testing.assert_array_equal(next_change(np.array([0.3, np.nan, 0.5])), [np.nan] * 3)


@pytest.mark.parametrize(
    ("change", "band", "label"),
    [
        (0.010, 0.0075, UP),
        (-0.010, 0.0075, DOWN),
        (0.005, 0.0075, NEUTRAL),
        (-0.005, 0.0075, NEUTRAL),
        (0.0075, 0.0075, UP),  # the edge counts as outside
        (-0.0075, 0.0075, DOWN),
        (100.115 - 100.11, 0.005, UP),  # also where rounding leaves the change a hair short of it
        (0.0, 0.0, NEUTRAL),  # no change is no direction, band or none
        (100.115 - 100.105 - 0.01, 0.0, NEUTRAL),
        (0.005, 0.0, UP),
        (-0.002, 0.0, DOWN),
        (np.nan, 0.0, NEUTRAL),
    ],
)
def test_direction_against_a_table(change: float, band: float, label: int) -> None:
    assert direction(np.array([change]), band).tolist() == [label]


def test_each_session_has_its_own_band() -> None:
    """The tick of TS was 0.005 until 2023-11-06 and is 0.002 since: a band in ticks follows it."""
    labels = direction(np.array([0.006, 0.006]), np.array([0.0075, 0.003]))
    assert labels.tolist() == [NEUTRAL, UP]


def test_returns_ahead_are_known_when_their_horizon_is_over() -> None:
    close = np.array([100.0, 110.0, 99.0, 99.0])
    ahead = Target(horizons=(1, 2, 5)).ahead(close)
    np.testing.assert_allclose(ahead[:, 0], [0.1, -0.1, 0.0, np.nan], atol=1e-15)
    np.testing.assert_allclose(ahead[:, 1], [-0.01, -0.1, np.nan, np.nan], atol=1e-15)
    assert np.isnan(ahead[:, 2]).all()


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (0.0055, UP),  # the edges count as outside
        (0.00549, NEUTRAL),
        (-0.005, DOWN),
        (-0.0049, NEUTRAL),
        (0.0, NEUTRAL),
        (np.nan, NEUTRAL),
    ],
)
def test_the_band_of_a_return_need_not_be_even(change: float, label: int) -> None:
    assert Target(up=0.0055, down=-0.005).direction(np.array([change])).tolist() == [label]


def test_without_a_band_only_no_move_is_neutral() -> None:
    assert Target().direction(np.array([1e-9, -1e-9, 0.0])).tolist() == [UP, DOWN, NEUTRAL]


@pytest.mark.parametrize("horizons", [(5, 1), (1, 1)])
def test_horizons_ascend(horizons: tuple[int, ...]) -> None:
    with pytest.raises(StudyError, match="give each once, the shortest first"):
        Target(horizons=horizons)
