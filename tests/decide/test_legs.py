"""What a sequence of pairs must be before anything is traded on it."""

from dataclasses import replace

import numpy as np
import pytest

from tenor.decide.legs import Legs
from tenor.errors import MarketError

DAYS = np.array(["2019-03-04", "2019-03-05", "2019-03-06", "2019-03-07"], dtype="datetime64[D]")
LEGS = Legs(
    product="T",
    sessions=DAYS,
    pair=np.array(["T1903-T1906", "T1903-T1906", "T1906-T1909", "T1906-T1909"]),
    near_close=np.array([97.5, 97.6, 97.1, np.nan]),
    far_close=np.array([97.0, 97.2, 96.9, 96.8]),
    near_open=np.array([97.4, 97.5, 97.0, 97.2]),
    far_open=np.array([97.1, 97.1, np.nan, 96.8]),
    flat_by=DAYS[[1, 1, 3, 3]],
    tick=0.005,
    multiplier=10_000.0,
    margin_rate=np.array([0.02, 0.02, 0.03, 0.03]),
    fee=0.0,
)


def test_spreads_are_near_minus_far_and_never_cross_a_pair() -> None:
    np.testing.assert_allclose(LEGS.spread_close, [0.5, 0.4, 0.2, np.nan], rtol=1e-12)
    np.testing.assert_allclose(LEGS.spread_open, [0.3, 0.4, np.nan, 0.4], rtol=1e-12)
    np.testing.assert_array_equal(LEGS.first, [True, False, True, False])
    np.testing.assert_array_equal(LEGS.must_be_flat, [False, True, False, True])
    np.testing.assert_array_equal(LEGS.tick, np.full(4, 0.005))
    assert len(LEGS) == 4


def test_given_arrays_are_copied() -> None:
    closes = np.array([97.5, 97.6, 97.1, 97.0])
    legs = replace(LEGS, near_close=closes)
    closes[0] = 1.0
    assert legs.near_close[0] == 97.5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"far_close": np.ones(3)}, r"far_close has shape \(3,\)"),
        ({"near_open": np.array([97.0, -1.0, 97.0, 97.0])}, "2019-03-05: near_open is not positive"),
        ({"near_close": np.array([97.0, np.inf, 97.0, 97.0])}, "near_close is not positive and finite"),
        ({"tick": 0.0}, "tick is 0; it must be above zero"),
        ({"margin_rate": np.nan}, "margin_rate is nan"),
        ({"fee": -1.0}, "fee is -1; it must be zero or more"),
        ({"sessions": DAYS[[0, 1, 1, 2]]}, "must strictly increase"),
        ({"pair": np.array(["A", "B", "A", "B"]), "flat_by": DAYS}, "contiguous"),
        ({"flat_by": DAYS[[1, 2, 3, 3]]}, "flat_by changes within the pair"),
        ({"flat_by": DAYS[[2, 2, 3, 3]]}, "2019-03-05 is the pair's last row, before its flat_by 2019-03-06"),
        ({"flat_by": np.array(["NaT"] * 4, dtype="datetime64[D]")}, "flat_by"),
    ],
)  # fmt: skip
def test_what_could_not_be_traded_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(MarketError, match=says):
        replace(LEGS, **change)  # type: ignore[arg-type]


def test_no_sessions_are_refused() -> None:
    empty = {name: getattr(LEGS, name)[:0] for name in Legs.__slots__ if name != "product"}
    with pytest.raises(MarketError, match="no sessions"):
        replace(LEGS, **empty)
