"""Forward prices against worked values of real bonds, a lecture, and a replication by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.pricing.bond import accrued, clean_from_yield, dirty_from_yield
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.forward import cheapest_to_deliver, forward_price

ON, DELIVERY = np.datetime64("2018-12-10"), np.datetime64("2019-03-12")
COUPON = np.array([0.0369, 0.0359, 0.0290])
MATURITY = np.array(["2028-05-17", "2027-08-03", "2026-05-05"], "datetime64[D]")
FACTOR = np.array([1.0549, 1.0436, 0.9936])


def test_worked_values_of_t1903():
    """reference/rates.md A2, worked value 6: F 97.500, yield 3.30 %, repo 2.60 %; the second pays between."""
    dirty = dirty_from_yield(0.033, COUPON, 2, MATURITY, ON)
    clean = clean_from_yield(0.033, COUPON, 2, MATURITY, ON)
    forward = forward_price(dirty, 0.026, COUPON, 2, MATURITY, ON, DELIVERY)
    assert accrued(COUPON, 2, MATURITY, DELIVERY) == pytest.approx([1.1722376, 0.3669337, 1.0174033], abs=6e-8)
    assert (clean - forward).tolist() == pytest.approx([0.260342, 0.230445, 0.096943], abs=1e-6)  # carry
    assert (forward - 97.5 * FACTOR).tolist() == pytest.approx([0.025540, 0.182193, 0.416826], abs=1e-6)
    price, cheapest = cheapest_to_deliver(forward, FACTOR)
    assert cheapest == 0  # 180011
    assert price == pytest.approx(97.5 + 0.025540 / 1.0549, abs=1e-6)


def test_a_lecture_of_guotai_junan():
    """[(100.8352 + 0.4587)(1 + 0.035 * 107/365) - 1.5258] / 1.0381 = 97.1076; the bond is not named."""
    on = np.datetime64("2013-11-25")
    delivery = on + 107
    maturity = np.datetime64("2018-10-10")
    dirty = 100.8352 + 0.4587
    coupon = 0.0365
    bare = forward_price(dirty, 0.035, coupon, 1, maturity, on, delivery)
    interest = accrued(coupon, 1, maturity, delivery)
    assert (bare + interest - 1.5258) / 1.0381 == pytest.approx(97.1076, abs=5e-5)


@given(
    repo=st.floats(0.0, 0.08),
    rate=st.floats(0.01, 0.06),
    frequency=st.sampled_from([1, 2]),
    start=st.integers(0, 400),
    days=st.integers(0, 800),
)
def test_buying_funding_and_delivering_breaks_even(repo, rate, frequency, start, days):
    """Carry the loan day by day, paying each coupon into a deposit at the same simple rate to delivery."""
    coupon, maturity = 0.031, np.datetime64("2031-07-31")
    on = np.datetime64("2022-01-03") + start
    delivery = on + days
    dirty = float(dirty_from_yield(rate, coupon, frequency, maturity, on))
    received = 0.0
    for year in range(2020, 2032):
        for paid in ("01-31", "07-31")[2 - frequency :]:
            when = np.datetime64(f"{year}-{paid}")
            if on < when <= delivery:
                received += 100 * coupon / frequency * (1 + repo * int((delivery - when).astype(int)) / 365)
    owed = dirty * (1 + repo * days / 365)
    invoice = float(forward_price(dirty, repo, coupon, frequency, maturity, on, delivery)) + float(
        accrued(coupon, frequency, maturity, delivery)
    )
    assert invoice + received == pytest.approx(owed, abs=1e-9)


def test_it_broadcasts_over_dates_and_bonds():
    on = ON + np.arange(0, 90, 7)[:, None]
    repo = np.linspace(0.02, 0.03, 13)[:, None]
    dirty = dirty_from_yield(0.033, COUPON, 2, MATURITY, on)
    table = forward_price(dirty, repo, COUPON, 2, MATURITY, on, DELIVERY)
    assert table.shape == (13, 3)
    for i in (0, 8, 12):
        for j in range(3):
            alone = forward_price(dirty[i, j], repo[i, 0], COUPON[j], 2, MATURITY[j], on[i, 0], DELIVERY)
            assert table[i, j] == pytest.approx(float(alone), abs=1e-12)


def test_yields_below_the_notional_coupon_favour_the_short_bond_and_above_it_the_long():
    terms = np.array([0.03, 0.03]), 2, np.array(["2031-01-15", "2034-01-15"], "datetime64[D]")
    on, delivery = np.datetime64("2024-01-15"), np.datetime64("2024-03-12")
    factor = conversion_factor(*terms, delivery)
    for rate, expected in ((0.02, 0), (0.04, 1)):
        forward = forward_price(dirty_from_yield(rate, *terms, on), rate, *terms, on, delivery)
        assert cheapest_to_deliver(forward, factor)[1] == expected


def test_bonds_outside_the_basket_do_not_count_and_an_empty_basket_has_no_price():
    forwards = np.array([[99.0, 98.0, 97.0], [99.0, 98.0, 97.0], [1.0, 2.0, 3.0]])
    deliverable = np.array([[True, True, True], [True, True, False], [False, False, False]])
    price, cheapest = cheapest_to_deliver(forwards, np.array([1.0, 1.0, 1.0]), deliverable)
    assert price[:2].tolist() == [97.0, 98.0]
    assert np.isnan(price[2])
    assert cheapest.tolist() == [2, 1, -1]
