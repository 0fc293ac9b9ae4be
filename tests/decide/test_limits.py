"""Whole lots, the cap, and the money that a position ties up."""

from dataclasses import replace

import numpy as np
import pytest

from tenor.decide.legs import Legs
from tenor.decide.limits import Limits, Lots, capital_per_pair, margin_per_pair
from tenor.errors import StudyError

DAYS = np.arange(np.datetime64("2015-03-20"), np.datetime64("2015-03-25"))
LEGS = Legs(
    product="T",
    sessions=DAYS,
    pair=np.full(5, "T1509-T1512"),
    near_close=np.array([np.nan, 97.0, np.nan, 98.0, 96.0]),
    far_close=np.array([97.4, 97.5, 97.5, 97.0, 97.0]),
    near_open=np.full(5, np.nan),
    far_open=np.full(5, np.nan),
    flat_by=np.full(5, DAYS[-1]),
    tick=0.005,
    multiplier=10_000.0,
    margin_rate=np.array([0.03, 0.03, 0.03, 0.02, 0.02]),
    fee=3.0,
)


@pytest.mark.parametrize(
    ("lots", "pairs"),
    [
        ("fractional", [-5.0, -2.5, -0.4, 0.0, 0.6, 1.5, 2.55, 5.0]),
        ("nearest", [-5.0, -2.0, 0.0, 0.0, 1.0, 1.0, 3.0, 5.0]),
        ("toward_zero", [-5.0, -2.0, 0.0, 0.0, 0.0, 1.0, 2.0, 5.0]),
    ],
)
def test_lots(lots: Lots, pairs: list[float]) -> None:
    target = np.array([-1.7, -0.5, -0.08, 0.0, 0.12, 0.3, 0.51, 1.0])
    found = Limits(max_pairs=5, lots=lots).pairs(target)
    np.testing.assert_allclose(found, pairs, rtol=1e-12)
    assert not np.signbit(found[found == 0]).any()


@pytest.mark.parametrize(
    ("max_pairs", "lots", "says"),
    [(0, "nearest", "max_pairs is 0"), (1.5, "nearest", "whole number"), (1, "up", "'toward_zero'")],
)
def test_limits_that_cannot_be_are_refused(max_pairs: float, lots: Lots, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        Limits(max_pairs=max_pairs, lots=lots)


def test_margin_is_on_the_larger_leg() -> None:
    np.testing.assert_allclose(margin_per_pair(LEGS), [np.nan, 29250, np.nan, 19600, 19400], rtol=1e-12)


def test_capital_is_known_before_the_session() -> None:
    # nothing quoted yet; its own close; then always the last quoted close before the session
    np.testing.assert_allclose(capital_per_pair(LEGS), [np.nan, 29250, 29250, 29250, 19600], rtol=1e-12)
    never = replace(LEGS, near_close=np.full(5, np.nan))
    assert np.isnan(capital_per_pair(never)).all()
