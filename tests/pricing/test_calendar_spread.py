"""A pair of contracts as a forward loan: by hand, as identities, and against a shock of funding."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.pricing.bond import accrued
from tenor.pricing.calendar_spread import fair_spread, forward_repo, implied_forward_repo, shared
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.delivery import Basket, deliver, dirty, fair

COUPON, MATURITY = np.array([0.0369, 0.0359, 0.0290]), np.array(["2028-05-17", "2027-08-03", "2026-05-05"], "M8[D]")
NAMES = ("180011", "170018", "160010")
SESSIONS = np.arange("2018-12-10", "2019-02-20", 7, dtype="datetime64[D]")


def leg(contract, month, end, order=(0, 1, 2)):
    pick = list(order)
    factor = conversion_factor(COUPON, 2, MATURITY, np.datetime64(month))
    basket = Basket(
        contract, tuple(NAMES[k] for k in pick), COUPON[pick], [2] * len(pick), MATURITY[pick], factor[pick]
    )
    return deliver(basket, SESSIONS, end)


NEAR, FAR = leg("T1903", "2019-03", date(2019, 3, 12)), leg("T1906", "2019-06", date(2019, 6, 18), (2, 0, 1))


def test_bonds_are_matched_by_name():
    assert shared(NEAR.basket, FAR.basket).tolist() == [1, 2, 0]
    assert shared(FAR.basket, leg("T1906", "2019-06", date(2019, 6, 18), (0,)).basket).tolist() == [-1, 0, -1]


def test_by_hand_with_a_coupon_between_the_deliveries():
    """180011 pays 1.845 on 2019-05-17, 32 days before the far delivery; 98 days lie between the two."""
    near_price, far_price = 97.1, 97.0
    paid = near_price * 1.0549 + round(float(accrued(0.0369, 2, MATURITY[0], np.datetime64("2019-03-12"))), 7)
    received = far_price * 1.0536 + round(float(accrued(0.0369, 2, MATURITY[0], np.datetime64("2019-06-18"))), 7)
    found = implied_forward_repo(NEAR, 0, np.full(len(SESSIONS), near_price), FAR, 1, far_price)
    by_hand = (received + 1.845 - paid) / (paid * 98 / 365 - 1.845 * 32 / 365)
    assert found == pytest.approx(by_hand, abs=1e-12)  # whichever session sees it, coupons before it do not matter


def test_a_coupon_before_the_near_delivery_is_none_of_its_business():
    """170018 pays on 2019-02-03 and next on 2019-08-03: nothing between the deliveries."""
    found = implied_forward_repo(NEAR, 1, np.full(len(SESSIONS), 97.1), FAR, 2, np.full(len(SESSIONS), 97.0))
    assert np.ptp(found) < 1e-12
    assert found[0] == pytest.approx(
        float(
            forward_repo(
                97.1 * NEAR.basket.factor[1] + NEAR.accrued_at_delivery[1],
                97.0 * FAR.basket.factor[2] + FAR.accrued_at_delivery[2], 0.0, 0.0, 98,
            )
        ),
        abs=1e-12,
    )  # fmt: skip


@given(st.floats(0.005, 0.05), st.floats(0.005, 0.05), st.floats(0.031, 0.045))
def test_fair_prices_imply_the_forward_of_the_two_repo_rates(near_repo, far_repo, rate):
    """With 170018 alone, which pays nothing between the deliveries, to the rounding of the invoices' accrued."""
    only = leg("T1903", "2019-03", date(2019, 3, 12), (1,)), leg("T1906", "2019-06", date(2019, 6, 18), (1,))
    after = np.datetime64("2019-02-03") < SESSIONS  # a coupon before earns each leg its own repo rate
    near, far = (fair(d, dirty(d, [rate]), r) for d, r in zip(only, (near_repo, far_repo), strict=True))
    found = implied_forward_repo(only[0], near.cheapest, near.price, only[1], far.cheapest, far.price)
    t1, t2 = only[0].days / 365, only[1].days / 365
    known = ((1 + far_repo * t2) / (1 + near_repo * t1) - 1) / (t2 - t1)
    assert found[after] == pytest.approx(known[after], abs=1e-8)


@given(st.floats(-0.01, 0.01), st.floats(0.034, 0.045))
def test_a_funding_shock_moves_the_spread_by_minus_price_times_shock_times_time_between(shock, rate):
    near, far = (fair(d, dirty(d, np.full(3, rate)), r) for d, r in ((NEAR, 0.026), (FAR, 0.027)))
    near_shocked, far_shocked = (
        fair(d, dirty(d, np.full(3, rate)), r + shock) for d, r in ((NEAR, 0.026), (FAR, 0.027))
    )
    moved = fair_spread(near_shocked, far_shocked) - fair_spread(near, far)
    between = (FAR.days - NEAR.days) / 365
    # D/CF is F + AI/CF less carry: within 2 % of F
    assert moved == pytest.approx(-far.price * shock * between, rel=0.02, abs=1e-12)


def test_a_level_shock_hardly_moves_the_spread():
    base, moved = (fair_spread(*(fair(d, dirty(d, np.full(3, y)), 0.026) for d in (NEAR, FAR))) for y in (0.036, 0.037))
    near, near_moved = (fair(NEAR, dirty(NEAR, np.full(3, y)), 0.026).price for y in (0.036, 0.037))
    assert (np.abs(moved - base) < 0.02 * np.abs(near_moved - near)).all()


def test_positions_that_are_not_one_bond_have_no_rate():
    flat = np.full(len(SESSIONS), 97.0)
    for here, there in ((0, 0), (-1, 1), (0, -1), (-1, -1)):
        assert np.isnan(implied_forward_repo(NEAR, here, flat, FAR, there, flat)).all()
    lone = leg("T1906", "2019-06", date(2019, 6, 18), (2,))
    assert np.isnan(implied_forward_repo(NEAR, 0, flat, lone, -1, flat)).all()


def test_scenarios_line_up_in_front_of_sessions():
    draw = np.random.default_rng(1)
    price = 97.0 + draw.normal(0.0, 0.3, (5, len(SESSIONS)))
    bond = draw.integers(0, 3, (5, len(SESSIONS)))
    there = shared(NEAR.basket, FAR.basket)[bond]
    table = implied_forward_repo(NEAR, bond, price, FAR, there, price - 0.1)
    assert table.shape == (5, len(SESSIONS))
    for k in range(5):
        alone = implied_forward_repo(NEAR, bond[k], price[k], FAR, there[k], price[k] - 0.1)
        assert alone.tobytes() == table[k].tobytes()


def test_legs_in_the_wrong_order_or_from_other_sessions_are_refused():
    with pytest.raises(MarketError, match=r"T1903 is delivered on 2019-03-12, not after T1906"):
        implied_forward_repo(FAR, 1, 97.0, NEAR, 0, 97.1)
    other = deliver(FAR.basket, SESSIONS[:2], date(2019, 6, 18))
    with pytest.raises(MarketError, match=r"deliver both from the same sessions"):
        implied_forward_repo(NEAR, 0, 97.1, other, 1, 97.0)
