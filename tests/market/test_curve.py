"""Curves against scipy and by hand, as properties; funding and its nights; Nelson-Siegel-Svensson against QuantLib."""

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.interpolate import PchipInterpolator

from tenor.errors import MarketError
from tenor.market.curve import Curve, FundingCurve, fit_nelson_siegel_svensson, nelson_siegel_svensson

TENORS = np.array([0.25, 0.5, 1.0, 3.0, 5.0, 7.0, 10.0, 30.0])
rates = arrays(np.float64, (8,), elements=st.floats(-0.01, 0.08).map(lambda r: round(r, 6)))
years = st.floats(0.25, 30.0)


def curve(values):
    return Curve("CGB", TENORS, np.asarray(values))


@given(rates, arrays(np.float64, (5,), elements=years))
def test_it_is_the_monotone_hermite_curve_of_scipy(values, at):
    assert curve(values).at(at) == pytest.approx(PchipInterpolator(TENORS, values)(at), abs=1e-15)


@given(st.floats(0.0, 0.05), st.floats(0.0, 0.05), years.filter(lambda t: t < 10))
def test_two_points_are_a_straight_line(left, right, at):
    line = Curve("short", np.array([0.25, 10.0]), np.array([left, right]))
    assert line.at(at) == pytest.approx(np.interp(at, [0.25, 10.0], [left, right]), abs=1e-16)


@given(rates)
def test_a_published_point_is_read_back_exactly(values):
    assert np.array_equal(curve(values).at(TENORS), values)


@given(rates, years)
def test_it_never_overshoots_the_two_points_around_it(values, at):
    k = min(int(np.searchsorted(TENORS, at, side="right")) - 1, 6)
    low, high = sorted(values[k : k + 2])
    assert low - 1e-15 <= curve(values).at(at) <= high + 1e-15


@given(rates, years)
def test_no_move_gives_the_same_bits(values, at):
    base = curve(values)
    for same in (base.moved(0.0), base.moved(np.zeros(8)), base.parallel(0.0), base.key_rate(5.0, 0.0)):
        assert same.at(at).tobytes() == base.at(at).tobytes()


@given(rates, st.floats(-0.01, 0.01))
def test_all_key_rates_together_are_the_parallel_move(values, change):
    moved = curve(values)
    for tenor in TENORS:
        moved = moved.key_rate(float(tenor), change)
    assert moved.points.tolist() == curve(values).parallel(change).points.tolist()
    at = np.linspace(TENORS[0], TENORS[-1], 97)
    np.testing.assert_allclose(moved.at(at), curve(values).parallel(change).at(at), rtol=0, atol=1e-15)


@given(rates, st.floats(-0.01, 0.01), years)
def test_a_parallel_move_moves_every_maturity_by_as_much(values, change, at):
    assert curve(values).parallel(change).at(at) - curve(values).at(at) == pytest.approx(change, abs=1e-14)


def test_a_key_rate_is_a_tent_between_its_neighbours():
    base = curve(np.linspace(0.02, 0.03, 8))
    moved = base.key_rate(5.0, 0.001)
    change = moved.at([0.4, 0.75, 4.0, 5.0, 6.0, 20.0]) - base.at([0.4, 0.75, 4.0, 5.0, 6.0, 20.0])
    assert change[3] == pytest.approx(0.001, abs=1e-16)
    assert 0 < change[2] < 0.001
    assert 0 < change[4] < 0.001
    assert change[[0, 1, 5]].tolist() == [0.0, 0.0, 0.0]
    assert moved.at(4.0) - base.at(4.0) == pytest.approx(0.0005, abs=1e-16)  # half-way from the point at three years
    assert moved.name == "CGB"


def test_a_bump_of_one_point_never_moves_another_maturity_the_other_way():
    """On this curve, of June 2020, the monotone spline itself would: two of its points are almost equal."""
    june = Curve(
        "CGB", np.array([1, 3, 5, 7, 10, 30.0]), np.array([0.0211, 0.0240, 0.0259, 0.028525, 0.028504, 0.0359])
    )
    at = np.linspace(1, 30, 581)
    for tenor in june.tenors:
        change = june.key_rate(tenor, 0.001).at(at) - june.at(at)
        assert change.min() >= 0.0
        assert change.max() <= 0.001 + 1e-16
    bumped = Curve("CGB", june.tenors, june.rates + 0.001 * (june.tenors == 10.0))
    assert (bumped.at(at) - june.at(at)).min() < -1e-5


def test_curves_along_scenarios_and_sessions_are_read_at_lives_that_differ_by_session():
    draw = np.random.default_rng(3)
    values, lives = draw.uniform(0.01, 0.04, (20, 4, 8)), draw.uniform(0.25, 30.0, (4, 6))
    table = curve(values).along(lives)
    assert table.shape == (20, 4, 6)
    for i, j in ((0, 0), (7, 3), (19, 2)):
        assert table[i, j].tobytes() == curve(values[i, j]).at(lives[j]).tobytes()
    assert curve(values).at([1.0, 2.0]).shape == (20, 4, 2)
    assert curve(values).at(2.0).shape == (20, 4)
    assert curve(values[0, 0]).along(lives).shape == (4, 6)
    assert curve(values[:, :1]).along(lives).shape == (20, 4, 6)


def test_a_move_with_a_scenario_axis_gives_a_curve_each():
    moved = curve(np.full(8, 0.02)).moved(np.array([0.0, 0.001, -0.001])[:, None])
    assert moved.at([4.0, 8.0]) == pytest.approx(np.array([[0.02] * 2, [0.021] * 2, [0.019] * 2]), abs=1e-17)


def test_a_rate_that_is_not_known_is_nan_where_it_matters_and_nowhere_else():
    values = np.full((2, 8), 0.02)
    values[0, 6] = np.nan
    assert curve(values[0]).at(TENORS)[:6].tolist() == [0.02] * 6  # the points beside it are still read
    read = curve(values).at([0.3, 2.0, 9.0])
    assert read[1].tolist() == [0.02, 0.02, 0.02]
    assert read[0, :2].tolist() == [0.02, 0.02]
    assert np.isnan(read[0, 2])
    assert np.isnan(curve(np.full(8, 0.02)).at([np.nan])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.at([1.0, 31.0]), r"curve 'CGB' ends at 30 y; 31 y asked"),
        (lambda c: c.along(np.array([[0.1]])), r"curve 'CGB' starts at 0.25 y; 0.1 y asked"),
        (lambda c: c.at(-1.0), r"asked at -1 y; a maturity is 0 or more"),
        (lambda c: c.key_rate(4.0, 0.01), r"no point at 4 y; it has 0.25, 0.5, 1, 3, 5, 7, 10, 30"),
        (lambda c: c.moved(np.zeros(3)), r"a shift of shape \(3,\) does not fit curve 'CGB'"),
        (lambda c: c.at(np.zeros((2, 2))), r"use along\(\)"),
        (lambda c: c.along(1.0), r"use at\(\)"),
        (lambda c: c.moved(np.zeros((3, 1))).along(np.ones((2, 5))), r"they must broadcast"),
        (lambda c: Curve("x", np.array([1.0]), np.array([0.02])), r"give one axis with 2 or more"),
        (lambda c: Curve("x", np.array([2.0, 1.0]), np.array([0.02, 0.02])), r"are 2, 1; they must be ascending"),
        (lambda c: Curve("x", np.array([1.0, 2.0]), np.array([0.02])), r"shape \(1,\) for 2 tenors"),
    ],
)
def test_what_cannot_be_read_or_moved_is_refused(call, message):
    with pytest.raises(MarketError, match=message):
        call(curve(np.full(8, 0.02)))


TERMS = np.array([1.0, 7.0, 30.0, 90.0])
QUOTES = np.array([0.0150, 0.0180, 0.0200, 0.0215])


def funding(values=QUOTES, nights=(), premium=()):
    return FundingCurve(("1D", "7D", "1M", "3M"), TERMS, np.asarray(values), np.array(nights, int), np.array(premium))


def test_a_quoted_term_is_the_quote_and_the_ends_are_flat():
    repo = funding()
    assert repo.term(TERMS).tolist() == QUOTES.tolist()
    assert repo.term([0.0, 0.5, 90.0, 200.0]).tolist() == [0.0150, 0.0150, 0.0215, 0.0215]
    assert repo.term(7) == 0.0180


def test_a_quote_that_is_not_known_leaves_the_other_terms_known():
    repo = funding(values=[np.nan, 0.018, 0.020, np.nan])
    assert repo.term([7.0, 20.0, 30.0])[[0, 2]].tolist() == [0.018, 0.020]
    assert np.isfinite(repo.term(20))
    assert np.isnan(repo.term([3.0, 60.0])).all()


@given(st.integers(8, 29))
def test_between_two_terms_every_day_costs_the_same(days):
    accrual = lambda d: funding().term(float(d)) * d  # noqa: E731
    assert accrual(days) == pytest.approx(np.interp(days, [7, 30], [0.018 * 7, 0.020 * 30]), abs=1e-15)
    assert accrual(days + 1) - accrual(days) == pytest.approx((0.020 * 30 - 0.018 * 7) / 23, abs=1e-15)


def test_a_night_is_taken_out_of_the_quotes_that_span_it_and_put_back_where_it_is():
    """One month at 2.06 % with one night at 1.8 % over the rest is 2 % without it."""
    repo = FundingCurve(
        ("7D", "1M"), np.array([7.0, 30.0]), np.array([0.02, 0.0206]), np.array([20]), np.array([0.018])
    )
    assert repo.term([7, 20, 30]).tolist() == pytest.approx([0.02, 0.02, 0.0206], abs=1e-16)
    assert repo.term(21) == pytest.approx(0.02 + 0.018 / 21, abs=1e-16)  # the first term that holds the night
    assert repo.term(60) == pytest.approx(0.02 + 0.018 / 60, abs=1e-16)


@given(
    arrays(np.float64, (2,), elements=st.floats(0.0, 0.1)),
    arrays(np.float64, (2,), elements=st.floats(-0.02, 0.1)),
    st.integers(0, 120),
)
def test_premiums_add(first, second, days):
    """Term funding is a straight line in the premiums of the nights."""
    nights = (3, 45)
    none, one, two, both = (
        funding(nights=nights, premium=p).term(days) for p in (np.zeros(2), first, second, first + second)
    )
    assert both - none == pytest.approx((one - none) + (two - none), abs=1e-15)


@given(arrays(np.float64, (3,), elements=st.floats(0.0, 0.1)))
def test_a_quoted_term_is_the_quote_whatever_its_nights_cost(premium):
    assert funding(nights=(0, 10, 80), premium=premium).term(TERMS) == pytest.approx(QUOTES, abs=1e-15)


def test_a_premium_of_nothing_gives_the_same_bits():
    days = np.arange(0.0, 200.0)
    assert funding(nights=(5, 60), premium=(0.0, 0.0)).term(days).tobytes() == funding().term(days).tobytes()


def test_funding_along_scenarios_and_sessions():
    draw = np.random.default_rng(5)
    values, premium = draw.uniform(0.01, 0.03, (6, 3, 4)), draw.uniform(0.0, 0.05, (6, 1, 2))
    days = np.array([[12.0], [40.0], [95.0]])
    table = FundingCurve(("1D", "7D", "1M", "3M"), TERMS, values, np.array([2, 33]), premium).term(days)
    assert table.shape == (6, 3, 1)
    for i, j in ((0, 0), (3, 1), (5, 2)):
        alone = FundingCurve(("1D", "7D", "1M", "3M"), TERMS, values[i, j], np.array([2, 33]), premium[i, 0])
        assert table[i, j, 0] == alone.term(days[j, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: funding().term(-1), r"over -1 days; a term is 0 days or more"),
        (lambda: FundingCurve(("x",), TERMS, QUOTES), r"1 names for 4 funding terms"),
        (lambda: FundingCurve(("x",), np.array([0.0]), np.array([0.02])), r"a funding term of 0 days"),
        (lambda: funding(nights=(3, 3), premium=(0.1, 0.1)), r"nights of the funding curve are 3, 3"),
        (lambda: funding(nights=(3,), premium=(0.1, 0.1)), r"shape \(2,\) for 1 nights"),
        (lambda: funding(values=QUOTES[:2]), r"shape \(2,\) for 4 terms"),
    ],
)
def test_funding_that_cannot_be_is_refused(call, message):
    with pytest.raises(MarketError, match=message):
        call()


BETA, TAU = np.array([0.032, -0.014, 0.006, 0.009]), np.array([1.4, 6.5])


def test_nelson_siegel_svensson_is_that_of_quantlib():
    """QuantLib's fifth and sixth parameters are one over the two terms; years are days over 365."""
    today = ql.Date(1, 1, 2020)
    parameters = ql.Array([*BETA.tolist(), *(1.0 / TAU).tolist()])
    fitted = ql.FittedBondDiscountCurve(
        today, ql.SvenssonFitting(), parameters, ql.Date(1, 1, 2060), ql.Actual365Fixed()
    )
    for days in (30, 365, 1000, 3652, 10957):
        theirs = fitted.zeroRate(today + days, ql.Actual365Fixed(), ql.Continuous).rate()
        assert nelson_siegel_svensson(days / 365, BETA, TAU) == pytest.approx(theirs, abs=1e-14)


def test_it_starts_at_level_plus_slope_and_ends_at_the_level():
    assert nelson_siegel_svensson(0.0, BETA, TAU) == pytest.approx(BETA[0] + BETA[1], abs=1e-16)
    assert nelson_siegel_svensson(1e9, BETA, TAU) == pytest.approx(BETA[0], abs=1e-10)
    assert nelson_siegel_svensson(TENORS, np.stack([BETA, 2 * BETA]), TAU).shape == (2, 8)


def test_a_fit_finds_the_curve_that_made_the_rates():
    made = nelson_siegel_svensson(TENORS, BETA, TAU)
    fit = fit_nelson_siegel_svensson(TENORS, made)
    assert np.abs(fit.residuals).max() < 1e-9
    assert fit.at([2.0, 8.0, 20.0]) == pytest.approx(nelson_siegel_svensson([2.0, 8.0, 20.0], BETA, TAU), abs=1e-6)


def test_a_fit_to_real_looking_rates_is_within_basis_points_and_says_what_is_left():
    values = np.array([0.0201, 0.0211, 0.0242, 0.0275, 0.0292, 0.0307, 0.0315, 0.0373])
    fit = fit_nelson_siegel_svensson(TENORS, values)
    assert fit.at(TENORS) + fit.residuals == pytest.approx(values, abs=1e-15)
    assert np.abs(fit.residuals).max() < 5e-4
    again = fit_nelson_siegel_svensson(TENORS, values)
    assert again.beta.tobytes() == fit.beta.tobytes()


@pytest.mark.parametrize(
    ("at", "values", "message"),
    [
        (TENORS[:5], np.full(5, 0.02), "six points or more"),
        (TENORS, np.full(7, 0.02), "8 tenors and 7 rates"),
        (TENORS, np.r_[np.full(7, 0.02), np.nan], "leave out points that are not known"),
    ],
)
def test_what_cannot_be_fitted_is_refused(at, values, message):
    with pytest.raises(MarketError, match=message):
        fit_nelson_siegel_svensson(at, values)
