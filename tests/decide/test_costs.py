"""Costs per pair against worked figures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tenor.decide.costs import Costs
from tenor.decide.legs import Legs
from tenor.errors import StudyError

DAYS = np.array(["2019-03-04", "2019-03-05"], dtype="datetime64[D]")
T = Legs(
    product="T",
    sessions=DAYS,
    pair=np.array(["T1906-T1909"] * 2),
    near_close=np.array([97.0, 97.0]),
    far_close=np.array([97.0, 97.0]),
    near_open=np.array([97.0, 97.0]),
    far_open=np.array([97.0, 97.0]),
    flat_by=DAYS[[1, 1]],
    tick=0.005,
    multiplier=10_000.0,
    margin_rate=0.02,
    fee=3.0,
)
TL = replace(T, product="TL", tick=0.01)
TS = replace(T, product="TS", multiplier=20_000.0)


@pytest.mark.parametrize(("legs", "round_trip"), [(T, 0.0112), (TL, 0.0212), (TS, 0.0106)])
def test_round_trip_in_points_with_three_yuan_and_half_a_tick(legs: Legs, round_trip: float) -> None:
    per_pair = Costs(slippage_ticks=0.5, fee="exchange").per_pair(legs)
    np.testing.assert_allclose(2 * per_pair / legs.multiplier, round_trip, rtol=1e-12)


def test_a_brokers_fee_replaces_the_exchanges() -> None:
    dated = replace(T, fee=np.array([3.0, 5.0]))
    np.testing.assert_allclose(Costs(0.0, "exchange").per_pair(dated), [6.0, 10.0])
    np.testing.assert_allclose(Costs(0.0, 4).per_pair(dated), [8.0, 8.0])


@pytest.mark.parametrize(
    ("slippage", "fee", "says"),
    [
        (-0.5, 3.0, "slippage_ticks is -0.5"),
        (0.5, -1.0, "fee is -1"),
        (0.5, None, "fee is None"),
        (0.5, "free", "'free'"),
    ],
)
def test_costs_are_stated_or_refused(slippage: float, fee: Any, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        Costs(slippage_ticks=slippage, fee=fee)
