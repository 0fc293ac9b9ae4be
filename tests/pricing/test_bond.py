"""Bond arithmetic against QuantLib, hand-counted dates, and identities."""

from datetime import date

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.pricing.bond import (
    accrued,
    add_months,
    clean_from_curve,
    clean_from_yield,
    convexity,
    coupon_day,
    dirty_from_curve,
    dirty_from_yield,
    discounted,
    dv01,
    macaulay_duration,
    modified_duration,
    payments_left,
    yield_from_clean,
    yield_from_dirty,
)


def day(text):
    return np.datetime64(text, "D")


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2023-01-31", 1, "2023-02-28"),
        ("2024-03-31", -1, "2024-02-29"),
        ("2024-08-31", -6, "2024-02-29"),
        ("2024-05-15", 120, "2034-05-15"),
        ("2024-12-15", 1, "2025-01-15"),
        ("2024-01-15", -1, "2023-12-15"),
    ],
)
def test_months_are_added_to_the_same_day_or_the_last_of_the_month(start, months, expected):
    assert add_months(day(start), months) == day(expected)


@pytest.mark.parametrize(
    ("maturity", "frequency", "on", "left", "following", "last"),
    [
        # 170018: 3.59 %, twice a year, 2027-08-03
        ("2027-08-03", 2, "2018-12-10", 18, "2019-02-03", "2018-08-03"),
        ("2027-08-03", 2, "2019-02-02", 18, "2019-02-03", "2018-08-03"),
        (
            "2027-08-03",
            2,
            "2019-02-03",
            17,
            "2019-08-03",
            "2019-02-03",
        ),  # paid that day: belongs to the seller
        ("2027-04-15", 1, "2022-06-14", 5, "2023-04-15", "2022-04-15"),
        ("2027-04-15", 1, "2027-04-14", 1, "2027-04-15", "2026-04-15"),
        ("2024-08-31", 2, "2024-02-28", 2, "2024-02-29", "2023-08-31"),
    ],
)
def test_coupon_days_are_counted_back_from_maturity(maturity, frequency, on, left, following, last):
    assert payments_left(day(maturity), frequency, day(on)) == left
    assert coupon_day(day(maturity), frequency, left) == day(following)
    assert coupon_day(day(maturity), frequency, left + 1) == day(last)


@pytest.mark.parametrize("on", ["2027-04-15", "2030-01-01"])
def test_nothing_is_left_from_maturity_on(on):
    bond = (0.0248, 1, day("2027-04-15"), day(on))
    assert payments_left(bond[2], 1, bond[3]) == 0
    assert accrued(*bond) == 0.0
    assert dirty_from_yield(0.03, *bond) == 0.0
    assert dirty_from_curve(lambda days: np.ones(days.shape), *bond) == 0.0


@pytest.mark.parametrize(
    ("coupon", "maturity", "on", "clean", "interest"),
    [
        # reference/rates.md A2, worked value 6: trade 2018-12-10, yield 3.30 % twice a year
        (0.0369, "2028-05-17", "2018-12-10", 103.138633, 0.234448),
        (0.0359, "2027-08-03", "2018-12-10", 102.163638, 1.258451),
        (0.0290, "2026-05-05", "2018-12-10", 97.389769, 0.280387),
    ],
)
def test_worked_values_of_three_real_bonds(coupon, maturity, on, clean, interest):
    bond = (coupon, 2, day(maturity), day(on))
    assert clean_from_yield(0.033, *bond) == pytest.approx(clean, abs=5e-7)
    assert accrued(*bond) == pytest.approx(interest, abs=5e-7)


def quantlib_bond(coupon, frequency, maturity, on):
    ql.Settings.instance().evaluationDate = ql.Date(on.day, on.month, on.year)
    end = ql.Date(maturity.day, maturity.month, maturity.year)
    period = ql.Period(12 // frequency, ql.Months)
    schedule = ql.Schedule(
        end - ql.Period(40, ql.Years), end, period, ql.NullCalendar(),
        ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False,
    )  # fmt: skip
    return ql.FixedRateBond(0, 100.0, schedule, [coupon], ql.ActualActual(ql.ActualActual.ISMA, schedule))


@given(
    coupon=st.floats(0.005, 0.06),
    frequency=st.sampled_from([1, 2]),
    rate=st.floats(0.002, 0.08),
    maturity=st.dates(date(2026, 1, 1), date(2055, 12, 28)).filter(lambda d: d.day <= 28),
    on=st.dates(date(2016, 1, 1), date(2025, 6, 30)),
)
def test_price_and_accrued_are_those_of_quantlib(coupon, frequency, rate, maturity, on):
    bond = quantlib_bond(coupon, frequency, maturity, on)
    settled = ql.Date(on.day, on.month, on.year)
    compounding = ql.Annual if frequency == 1 else ql.Semiannual
    day_count = bond.dayCounter()
    clean = ql.BondFunctions.cleanPrice(bond, rate, day_count, ql.Compounded, compounding, settled)
    ours = (coupon, frequency, np.datetime64(maturity), np.datetime64(on))
    assert accrued(*ours) == pytest.approx(bond.accruedAmount(settled), abs=1e-9)
    assert clean_from_yield(rate, *ours) == pytest.approx(clean, rel=1e-9)


@given(coupon=st.floats(0.0, 0.06), rate=st.floats(0.0, 0.08), years=st.integers(1, 30))
def test_a_curve_price_is_the_sum_of_discounted_payments_of_quantlib(coupon, rate, years):
    on, maturity = date(2024, 2, 15), date(2024 + years, 8, 15)
    bond = quantlib_bond(coupon, 2, maturity, on)
    settled = ql.Date(on.day, on.month, on.year)
    flat = ql.YieldTermStructureHandle(ql.FlatForward(settled, rate, ql.Actual365Fixed(), ql.Continuous, ql.Annual))
    bond.setPricingEngine(ql.DiscountingBondEngine(flat))
    ours = dirty_from_curve(
        lambda days: np.exp(-rate * days / 365.0), coupon, 2, np.datetime64(maturity), np.datetime64(on)
    )
    # QuantLib's schedule starts with a coupon on the pricing day, which neither of us counts.
    assert ours == pytest.approx(bond.NPV(), rel=1e-10)


def test_a_bond_at_par_coupon_costs_100_on_a_coupon_day():
    for frequency in (1, 2):
        price = dirty_from_yield(0.0275, 0.0275, frequency, day("2034-05-15"), day("2024-05-15"))
        assert price == pytest.approx(100.0, abs=1e-11)


def test_a_zero_yield_gives_the_sum_of_the_payments():
    assert dirty_from_yield(0.0, 0.03, 2, day("2034-05-15"), day("2024-07-01")) == pytest.approx(130.0)


def test_arrays_broadcast_over_dates_and_bonds_and_a_curve_per_date_lines_up():
    on = np.array(["2024-01-02", "2024-05-15", "2024-11-29"], "datetime64[D]")[:, None]
    maturity = np.array(["2026-05-15", "2034-05-15"], "datetime64[D]")
    coupon, frequency, level = np.array([0.02, 0.03]), np.array([1, 2]), np.array([0.01, 0.02, 0.03])

    def discount(days):
        assert days.shape == (3, 2, 21)  # the ten-year bond has 21 payments left on the first date
        return np.exp(-level[:, None, None] * days / 365.0)

    table = clean_from_curve(discount, coupon, frequency, maturity, on)
    assert table.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            alone = clean_from_curve(
                lambda days, i=i: np.exp(-level[i] * days / 365.0),
                coupon[j], frequency[j], maturity[j], on[i, 0],
            )  # fmt: skip
            assert table[i, j] == pytest.approx(float(alone), abs=1e-12)


bonds = st.tuples(
    st.floats(0.005, 0.06),
    st.sampled_from([1, 2]),
    st.dates(date(2026, 1, 1), date(2055, 12, 28)).filter(lambda d: d.day <= 28),
    st.dates(date(2016, 1, 1), date(2025, 6, 30)),
)
yields = st.floats(-0.005, 0.12)


def ours(bond):
    coupon, frequency, maturity, on = bond
    return coupon, frequency, np.datetime64(maturity), np.datetime64(on)


@given(bonds, yields)
def test_a_price_gives_its_yield_back(bond, rate):
    assert yield_from_dirty(dirty_from_yield(rate, *ours(bond)), *ours(bond)) == pytest.approx(rate, abs=1e-13)
    assert yield_from_clean(clean_from_yield(rate, *ours(bond)), *ours(bond)) == pytest.approx(rate, abs=1e-12)


@given(bonds, st.floats(1.0, 400.0))
def test_a_yield_gives_its_price_back_however_odd_the_price(bond, price):
    rate = yield_from_dirty(price, *ours(bond))
    assert dirty_from_yield(rate, *ours(bond)) == pytest.approx(price, rel=1e-12)


@given(bonds, yields, st.floats(1e-6, 0.05))
def test_a_higher_yield_is_a_lower_price(bond, rate, more):
    assert dirty_from_yield(rate + more, *ours(bond)) < dirty_from_yield(rate, *ours(bond))


@given(bonds, st.floats(0.002, 0.08))
def test_yield_duration_convexity_and_dv01_are_those_of_quantlib(bond, rate):
    coupon, frequency, maturity, on = bond
    theirs = quantlib_bond(coupon, frequency, maturity, on)
    settled = ql.Date(on.day, on.month, on.year)
    # its own day counter counts by the schedule, so that a year is a whole number of periods as ours is
    terms = theirs.dayCounter(), ql.Compounded, ql.Annual if frequency == 1 else ql.Semiannual
    clean = float(clean_from_yield(rate, *ours(bond)))
    price = ql.BondPrice(clean, ql.BondPrice.Clean)
    functions = ql.BondFunctions
    found = functions.bondYield(theirs, price, *terms, settled, 1e-14, 200, 0.03)
    assert yield_from_clean(clean, *ours(bond)) == pytest.approx(found, abs=1e-11)
    for mine, kind in ((macaulay_duration, ql.Duration.Macaulay), (modified_duration, ql.Duration.Modified)):
        assert mine(rate, *ours(bond)) == pytest.approx(
            functions.duration(theirs, rate, *terms, kind, settled), rel=1e-9
        )
    assert convexity(rate, *ours(bond)) == pytest.approx(functions.convexity(theirs, rate, *terms, settled), rel=1e-9)
    slope = functions.basisPointValue(theirs, rate, *terms, settled)
    # theirs is the change over the basis point, to second order
    bent = 0.5e-8 * convexity(rate, *ours(bond)) * dirty_from_yield(rate, *ours(bond))
    assert dv01(rate, *ours(bond)) - bent == pytest.approx(-slope, rel=1e-6)


@given(bonds, yields)
def test_risk_is_the_derivative_of_the_price(bond, rate):
    h = 1e-5
    up, here, down = (float(dirty_from_yield(rate + d, *ours(bond))) for d in (h, 0.0, -h))
    assert dv01(rate, *ours(bond)) == pytest.approx((down - up) / (2 * h) / 1e4, rel=1e-6)
    assert modified_duration(rate, *ours(bond)) * here / 1e4 == pytest.approx(float(dv01(rate, *ours(bond))), rel=1e-12)
    assert convexity(rate, *ours(bond)) == pytest.approx((up - 2 * here + down) / h**2 / here, rel=1e-3, abs=1e-2)


@given(bonds, st.floats(0.0, 0.08), st.floats(-0.0025, 0.0025).filter(lambda d: abs(d) > 1e-5))
def test_a_small_move_costs_dv01_times_the_move_and_convexity_improves_it(bond, rate, move):
    price = float(dirty_from_yield(rate, *ours(bond)))
    lost = float(dirty_from_yield(rate + move, *ours(bond))) - price
    line = -float(dv01(rate, *ours(bond))) * move * 1e4
    bent = line + 0.5 * float(convexity(rate, *ours(bond))) * move**2 * price
    assert abs(lost - line) <= 0.6 * float(convexity(rate - abs(move), *ours(bond))) * move**2 * 1.2 * price
    assert abs(lost - bent) < abs(lost - line) + 1e-12


@given(bonds, yields)
def test_a_bond_lasts_no_longer_than_its_life_and_a_zero_just_as_long(bond, rate):
    years = (np.datetime64(bond[2]) - np.datetime64(bond[3])).astype(float) / 365.25
    assert 0 < macaulay_duration(rate, *ours(bond)) <= years + 0.02
    zero = (0.0, *ours(bond)[1:])
    assert macaulay_duration(rate, *zero) == pytest.approx(years, abs=0.02)


def test_a_yield_at_or_near_zero_loses_no_digits():
    terms = (0.03, 2, day("2049-05-15"), day("2019-07-01"))
    exact = float(dirty_from_yield(0.0, *terms))
    assert exact == pytest.approx(100 + 60 * 1.5, abs=1e-12)
    slope = float(dv01(0.0, *terms)) * 1e4
    for tiny in (1e-15, 1e-12, 1e-9):
        assert dirty_from_yield(tiny, *terms) == pytest.approx(exact - slope * tiny, abs=1e-12)


def test_prices_from_dates_worked_out_before_broadcast():
    rate = np.linspace(0.01, 0.05, 7)[:, None]
    table = discounted(rate, [0.03, 0.02], [2, 1], [20, 7], [0.25, 0.5])
    assert table.shape == (7, 2)
    v = 1 / (1 + 0.01)
    by_hand = sum(2.0 * v ** (k + 0.5) for k in range(7)) + 100 * v**6.5
    assert table[0, 1] == pytest.approx(by_hand, rel=1e-14)
    assert np.isnan(discounted(-1.5, 0.03, 1, 5, 0.0))
    assert np.isnan(discounted(np.nan, 0.03, 1, 5, 0.0))


def test_yields_of_many_bonds_on_many_dates_at_once():
    on = np.array(["2024-01-02", "2024-05-15", "2024-11-29"], "datetime64[D]")[:, None]
    terms = np.array([0.02, 0.03]), np.array([1, 2]), np.array(["2026-05-15", "2034-05-15"], "datetime64[D]"), on
    rate = np.array([[0.01, 0.02], [0.015, 0.025], [0.03, 0.04]])
    assert yield_from_dirty(dirty_from_yield(rate, *terms), *terms).ravel() == pytest.approx(rate.ravel(), abs=1e-14)


def test_a_price_that_is_not_known_has_a_yield_that_is_not_known():
    terms = 0.03, 2, day("2034-05-15"), day("2024-07-01")
    found = yield_from_dirty([100.0, np.nan], *terms)
    assert np.isfinite(found[0])
    assert np.isnan(found[1])
    assert np.isnan(yield_from_dirty(np.nan, *terms))


@pytest.mark.parametrize(
    ("price", "on", "message"),
    [
        (0.0, "2024-07-01", "no yield gives a dirty price of 0; a bond costs more than 0"),
        ([100.0, -2.0], "2024-07-01", "no yield gives a dirty price of -2"),
        (np.inf, "2024-07-01", "no yield gives a dirty price of inf"),
        (100.0, "2034-05-15", "a bond that has matured has no yield"),
    ],
)
def test_prices_that_no_yield_gives_are_refused(price, on, message):
    with pytest.raises(MarketError, match=message):
        yield_from_dirty(price, 0.03, 2, day("2034-05-15"), day(on))


def test_a_matured_bond_has_no_risk_to_speak_of():
    matured = 0.03, 2, day("2024-05-15"), day("2024-05-15")
    for of in (macaulay_duration, modified_duration, convexity, dv01):
        assert np.isnan(of(0.03, *matured))
