"""Bond arithmetic against QuantLib, hand-counted dates, and identities."""

from datetime import date

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st

from tenor.pricing.bond import (
    accrued,
    add_months,
    clean_from_curve,
    clean_from_yield,
    coupon_day,
    dirty_from_curve,
    dirty_from_yield,
    payments_left,
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
