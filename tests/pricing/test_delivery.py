"""Delivering a basket: dates worked out once, prices as the bond file gives them, and the cheapest bond."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.market.curve import Curve
from tenor.pricing.basis import basis
from tenor.pricing.bond import accrued, dirty_from_yield, dv01
from tenor.pricing.delivery import Basket, cheapest_of, deliver, dirty, fair, forward
from tenor.pricing.forward import forward_price

HAND = runpy.run_path(str(Path(__file__).with_name("basket_by_hand.py")))
COUPON, FREQUENCY, MATURITY, TERMS, END, SESSIONS, BASKET, DELIVERY, prices = (
    HAND[name]
    for name in ("COUPON", "FREQUENCY", "MATURITY", "TERMS", "END", "SESSIONS", "BASKET", "DELIVERY", "prices")
)


def test_what_dates_decide():
    assert DELIVERY.days.tolist() == (END - SESSIONS).astype(float).tolist()
    assert DELIVERY.life.shape == DELIVERY.accrued.shape == DELIVERY.coupons.shape == (len(SESSIONS), 5)
    assert DELIVERY.accrued_at_delivery.tolist() == np.round(accrued(*TERMS, END), 7).tolist()
    # b pays on 3 February and e on 25 January
    before = np.datetime64("2019-02-03") > SESSIONS
    assert DELIVERY.coupons[:, 1] == pytest.approx(np.where(before, 1.795, 0.0), abs=1e-15)
    assert DELIVERY.weighted[:, 1] == pytest.approx(np.where(before, 1.795 * 37 / 365, 0.0), abs=1e-15)
    assert DELIVERY.coupons[0] == pytest.approx(np.array([0.0, 1.795, 0.0, 0.0, 1.66]), abs=1e-15)


def test_a_coupon_on_the_session_is_the_sellers_and_one_on_the_delivery_day_is_the_holders():
    terms = [0.03], [2], ["2027-03-12"], [1.0]
    paid_then = deliver(Basket("T1903", ("x",), *terms), ["2018-09-12", "2018-09-11"], END)
    assert paid_then.coupons.ravel().tolist() == [1.5, 3.0]
    assert paid_then.accrued_at_delivery.tolist() == [0.0]


@given(st.integers(0, 1000))
def test_prices_are_those_of_the_bond_file(seed):
    yields, _, _ = prices(3, seed)
    assert dirty(DELIVERY, yields) == pytest.approx(dirty_from_yield(yields, *TERMS, SESSIONS[:, None]), abs=1e-10)


@given(st.integers(0, 1000))
def test_forwards_are_those_of_the_forward_file(seed):
    yields, _, repo = prices(3, seed)
    paid = dirty(DELIVERY, yields)
    alone = forward_price(paid, repo[..., None], *TERMS, SESSIONS[:, None], END)
    assert forward(DELIVERY, paid, repo) == pytest.approx(alone, abs=6e-8)  # the invoice's accrued is rounded


def test_one_scenario_among_many_is_bit_for_bit_the_one_alone():
    yields, futures, repo = prices(50)
    paid = dirty(DELIVERY, yields)
    found, held = fair(DELIVERY, paid, repo), basis(DELIVERY, paid, futures, repo)
    for k in (0, 17, 49):
        alone = dirty(DELIVERY, yields[k])
        assert alone.tobytes() == paid[k].tobytes()
        one, bond = fair(DELIVERY, alone, repo[k]), basis(DELIVERY, alone, futures[k], repo[k])
        assert one.price.tobytes() == found.price[k].tobytes()
        assert one.switch_distance.tobytes() == found.switch_distance[k].tobytes()
        assert bond.irr.tobytes() == held.irr[k].tobytes()
        assert bond.net.tobytes() == held.net[k].tobytes()


def test_a_move_of_nothing_gives_the_same_bits():
    curve = Curve("CGB", np.array([1.0, 5.0, 10.0]), np.array([0.028, 0.031, 0.033]))
    base = fair(DELIVERY, dirty(DELIVERY, curve.along(DELIVERY.life)), 0.026)
    moved = curve.moved(np.zeros((4, 1, 3)))
    again = fair(DELIVERY, dirty(DELIVERY, moved.along(DELIVERY.life)), np.full((4, 1), 0.026) + 0.0)
    for scenario in range(4):
        assert again.price[scenario].tobytes() == base.price.tobytes()


def test_switch_distance_is_to_the_second_cheapest():
    found = cheapest_of(np.array([[99.0, 97.5, 98.0], [90.0, 97.5, 98.0]]), np.array([1.0, 1.0, 1.0]))
    assert found.price.tolist() == [97.5, 90.0]
    assert found.cheapest.tolist() == [1, 0]
    assert found.switch_distance.tolist() == [0.5, 7.5]


def test_one_bond_has_nothing_to_switch_to_and_an_empty_basket_no_price():
    forwards = np.array([[99.0, 97.5], [99.0, 97.5], [99.0, 97.5]])
    found = cheapest_of(forwards, np.ones(2), np.array([[True, True], [True, False], [False, False]]))
    assert found.price[:2].tolist() == [97.5, 99.0]
    assert found.cheapest.tolist() == [1, 0, -1]
    assert found.switch_distance[:2].tolist() == [1.5, np.inf]
    assert np.isnan([found.price[2], found.switch_distance[2]]).all()
    alone = cheapest_of(np.array([[99.0]]), np.ones(1))
    assert alone.switch_distance.tolist() == [np.inf]


def test_a_bond_of_the_basket_without_a_price_leaves_the_contract_without_one():
    forwards = np.array([[99.0, np.nan, 98.0]])
    found = cheapest_of(forwards, np.ones(3))
    assert np.isnan(found.price).all()
    assert np.isnan(found.switch_distance).all()
    assert found.cheapest.tolist() == [-1]
    without = cheapest_of(forwards, np.ones(3), np.array([[True, False, True]]))
    assert without.cheapest.tolist() == [2]
    assert without.switch_distance.tolist() == [1.0]


@given(st.floats(-0.001, 0.001))
def test_a_small_parallel_move_costs_the_dv01_of_the_cheapest_over_its_factor(move):
    one = deliver(BASKET, SESSIONS[:1], END)
    paid, moved = (dirty(one, np.full(5, 0.034 + each)) for each in (0.0, move))
    before, after = fair(one, paid, 0.026), fair(one, moved, 0.026)
    bond = before.cheapest.item()
    risk = dv01(0.034, COUPON[bond], FREQUENCY[bond], MATURITY[bond], SESSIONS[0]) / BASKET.factor[bond]
    line = -risk * move * 1e4 * (1 + 0.026 * one.days.item() / 365)
    assert (after.price - before.price).item() == pytest.approx(float(line), abs=45.0 * 100 * move**2 + 1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: deliver(BASKET, "2019-03-13", END), r"2019-03-13 comes after 2019-03-12.*negative time"),
        (lambda: deliver(BASKET, "2018-12-10", np.datetime64("2025-10-15")), r"bond d matures on 2025-10-15"),
        (lambda: deliver(BASKET, [["2018-12-10"]], END), r"sessions of shape \(1, 1\)"),
        (lambda: Basket("T1903", (), [], [], [], []), r"no bond is deliverable into T1903"),
        (lambda: Basket("T1903", ("a",), [0.03], [2], ["2027-01-01"], [1.0, 1.0]), r"factor of shape \(2,\)"),
        (
            lambda: Basket("T1903", ("a",), [0.03], [3], ["2027-01-01"], [1.0]),
            r"bond a of T1903: coupon 0.03, 3 a year",
        ),
        (lambda: Basket("T1903", ("a",), [np.nan], [2], ["2027-01-01"], [1.0]), r"coupon nan"),
    ],
)
def test_what_cannot_be_delivered_is_refused(make, message):
    with pytest.raises(MarketError, match=message):
        make()
