"""Basis, carry, net basis and implied repo rate: identities, conventions, and what is refused."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.pricing.basis import basis, cheapest_by_irr
from tenor.pricing.bond import clean_from_yield
from tenor.pricing.delivery import deliver, dirty, fair

HAND = runpy.run_path(str(Path(__file__).with_name("basket_by_hand.py")))
TERMS, END, SESSIONS, BASKET, DELIVERY, prices = (
    HAND[name] for name in ("TERMS", "END", "SESSIONS", "BASKET", "DELIVERY", "prices")
)


@given(st.integers(0, 1000), st.sampled_from(["self", "zero", "funding"]))
def test_identities_of_the_basis(seed, reinvest):
    yields, futures, repo = prices(2, seed)
    held = basis(DELIVERY, dirty(DELIVERY, yields), futures, repo, reinvest=reinvest)
    assert held.reinvest == reinvest
    assert held.clean == pytest.approx(clean_from_yield(yields, *TERMS, SESSIONS[:, None]), abs=1e-10)
    assert held.net == pytest.approx(held.gross - held.carry, abs=1e-12)
    assert held.net == pytest.approx(held.forward - futures[..., None] * BASKET.factor, abs=1e-10)
    r, d = repo[..., None], DELIVERY.days[:, None]
    carry = (DELIVERY.accrued_at_delivery - DELIVERY.accrued + DELIVERY.coupons) + r * (
        DELIVERY.weighted - held.dirty * d / 365
    )
    assert held.carry == pytest.approx(carry, abs=1e-10)
    assert held.implied_futures == pytest.approx(held.forward / BASKET.factor)
    assert held.invoice == pytest.approx(futures[..., None] * BASKET.factor + DELIVERY.accrued_at_delivery)


@given(st.integers(0, 1000))
def test_funding_at_the_implied_repo_rate_leaves_no_net_basis(seed):
    yields, futures, _ = prices(2, seed)
    paid = dirty(DELIVERY, yields)
    held = basis(DELIVERY, paid, futures, 0.02)
    for bond in range(len(BASKET)):
        assert basis(DELIVERY, paid, futures, held.irr[..., bond]).net[..., bond] == pytest.approx(0.0, abs=1e-9)
    # and the cheapest by either measure cannot have a rate above funding when the future is at its fair price
    fair_price = fair(DELIVERY, paid, 0.02).price
    assert (basis(DELIVERY, paid, fair_price, 0.02).irr <= 0.02 + 1e-10).all()


@given(st.integers(0, 1000))
def test_conventions_differ_only_where_a_coupon_falls_in_between(seed):
    yields, futures, repo = prices(2, seed)
    paid = dirty(DELIVERY, yields)
    by_self, by_zero, by_funding = (
        basis(DELIVERY, paid, futures, repo, reinvest=how).irr for how in ("self", "zero", "funding")
    )
    none = np.broadcast_to(DELIVERY.coupons == 0, by_self.shape)
    assert by_zero[none] == pytest.approx(by_self[none], abs=1e-12)
    assert by_funding[none] == pytest.approx(by_self[none], abs=1e-12)
    assert (by_funding[~none] > by_zero[~none]).all()


def test_at_the_fair_price_the_cheapest_earns_exactly_funding():
    yields, _, repo = prices(6)
    paid = dirty(DELIVERY, yields)
    found = fair(DELIVERY, paid, repo)
    held = basis(DELIVERY, paid, found.price, repo)
    best = np.take_along_axis(held.irr, found.cheapest[..., None], axis=-1)[..., 0]
    assert best == pytest.approx(repo, abs=1e-10)
    assert cheapest_by_irr(held).tolist() == found.cheapest.tolist()


def test_on_the_delivery_day_no_time_is_left_for_a_rate():
    now = deliver(BASKET, END, END)
    paid = dirty(now, np.full(5, 0.033))
    held = basis(now, paid, 97.0, 0.026)
    assert np.isnan(held.irr).all()
    assert cheapest_by_irr(held).tolist() == [-1]
    assert held.carry == pytest.approx(0.0, abs=6e-8)
    assert np.isfinite(fair(now, paid, 0.026).price).all()


def test_bonds_outside_the_basket_do_not_count_by_irr_either():
    held = basis(DELIVERY, dirty(DELIVERY, np.full(5, 0.033)), np.full(len(SESSIONS), 97.5), 0.026)
    best = cheapest_by_irr(held)
    allowed = np.ones((len(SESSIONS), 5), bool)
    allowed[np.arange(len(SESSIONS)), best] = False
    assert (cheapest_by_irr(held, allowed) != best).all()
    assert (cheapest_by_irr(held, np.zeros((len(SESSIONS), 5), bool)) == -1).all()


def test_a_convention_that_is_none_is_refused():
    with pytest.raises(MarketError, match=r"reinvest='fund'; .*self, zero"):
        basis(DELIVERY, np.full(5, 99.0), 97.0, 0.02, reinvest="fund")
