"""Conversion factors against published lists."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.pricing.bond import clean_from_yield
from tenor.pricing.conversion_factor import conversion_factor

PUBLISHED = [
    # contract month, coupon, coupons a year, maturity, published factor
    ("2026-06", 0.0175, 2, "2036-02-25", 0.8958),
    ("2026-06", 0.0166, 1, "2033-03-25", 0.9192),
    ("2026-09", 0.0166, 1, "2033-03-25", 0.9219),
    ("2026-06", 0.0154, 1, "2031-01-25", 0.9383),
    ("2026-12", 0.0154, 1, "2031-01-25", 0.9446),
    ("2026-12", 0.0132, 1, "2029-02-25", 0.9652),
    ("2018-03", 0.0416, 2, "2023-02-28", 1.0526),
    ("2024-03", 0.0267, 2, "2033-11-25", 0.9725),
    # 220007 into TF2206, TF2209 and TF2212; 140003 into TF1403, TF1406 and TF1409
    ("2022-06", 0.0248, 1, "2027-04-15", 0.9769),
    ("2022-09", 0.0248, 1, "2027-04-15", 0.9779),
    ("2022-12", 0.0248, 1, "2027-04-15", 0.9791),
    ("2014-03", 0.0444, 1, "2021-01-16", 1.0877),
    ("2014-06", 0.0444, 1, "2021-01-16", 1.0847),
    ("2014-09", 0.0444, 1, "2021-01-16", 1.0818),
    # T1903: 160010, 170018, 180011
    ("2019-03", 0.0290, 2, "2026-05-05", 0.9936),
    ("2019-03", 0.0359, 2, "2027-08-03", 1.0436),
    ("2019-03", 0.0369, 2, "2028-05-17", 1.0549),
]


@pytest.mark.parametrize(("month", "coupon", "frequency", "maturity", "factor"), PUBLISHED)
def test_published_factors(month, coupon, frequency, maturity, factor):
    ours = conversion_factor(coupon, frequency, np.datetime64(maturity), np.datetime64(month))
    assert ours == pytest.approx(factor, abs=1e-12)


def test_all_at_once_gives_the_same():
    month, coupon, frequency, maturity, factor = zip(*PUBLISHED, strict=True)
    ours = conversion_factor(coupon, frequency, np.array(maturity, "datetime64[D]"), np.array(month, "datetime64[M]"))
    assert ours.tolist() == pytest.approx(factor, abs=1e-12)


@given(st.sampled_from([1, 2]), st.integers(1, 400), st.integers(0, 11))
def test_a_bond_with_the_notional_coupon_is_near_1(frequency, months, start):
    delivery = np.datetime64("2020-01") + start
    factor = conversion_factor(0.03, frequency, (delivery + months).astype("datetime64[D]"), delivery)
    # Between coupon months the accrued is straight and the discounting is not.
    assert factor == pytest.approx(1.0, abs=2e-4)
    if months % (12 // frequency) == 0:
        assert factor == 1.0


@given(st.floats(0.005, 0.06), st.sampled_from([1, 2]), st.integers(1, 60))
def test_on_a_coupon_day_it_is_the_clean_price_at_the_notional_yield(coupon, frequency, periods):
    delivery = np.datetime64("2024-03")
    maturity = (delivery + periods * 12 // frequency).astype("datetime64[D]") + 14
    price = clean_from_yield(0.03, coupon, frequency, maturity, np.datetime64("2024-03-15"))
    assert conversion_factor(coupon, frequency, maturity, delivery) == pytest.approx(price / 100, abs=5.1e-5)


def test_halves_are_rounded_up():
    # One payment after the delivery month, a whole period on: CF = (1 + c) / 1.03.
    for quarter_point in (0.95005, 1.00015, 1.04005):
        coupon = quarter_point * 1.03 - 1.0
        ours = conversion_factor(coupon, 1, np.datetime64("2025-03-15"), np.datetime64("2024-03"))
        assert ours == pytest.approx(quarter_point + 0.00005, abs=1e-12)


@pytest.mark.parametrize("maturity", ["2024-03-20", "2020-01-01"])
def test_a_bond_that_pays_no_more_after_the_delivery_month_has_none(maturity):
    assert np.isnan(conversion_factor(0.03, 1, np.datetime64(maturity), np.datetime64("2024-03")))


@pytest.mark.real
def test_every_factor_published_for_the_contracts_of_2026(real_data):
    with (real_data / "deliverables" / "cf_formula_crosscheck.csv").open(encoding="utf-8") as rows:
        listed = list(csv.DictReader(rows))
    with (real_data / "deliverables" / "cf_table_2606_2609.csv").open(encoding="utf-8") as rows:
        listed += [row | {"coupon_freq_inferred": "0"} for row in csv.DictReader(rows)]
    assert len(listed) > 100
    for row in listed:
        month = np.datetime64(f"20{row['contract_id'][-4:-2]}-{row['contract_id'][-2:]}")
        allowed = {"0": (1, 2), "1": (1,), "2": (2,)}[row["coupon_freq_inferred"]]
        ours = [
            float(conversion_factor(float(row["coupon_rate"]), f, np.datetime64(row["maturity_date"]), month))
            for f in allowed
        ]
        assert any(abs(each - float(row["cf"])) < 1e-9 for each in ours), row
