"""The curve and the funding market behind the simulation."""

from datetime import date

import numpy as np
import pytest

from tenor.io.sources.simulated_economy import (
    CURVE_MEAN,
    FIXINGS,
    SPIKE_SHAPE,
    discount_factors,
    economy,
    expected_nights,
    fixings,
    par_coupon,
    reverting,
    stream,
    without_news,
)
from tenor.market.calendar import trading_calendar
from tenor.pricing.bond import dirty_from_curve

FIRST, LAST = date(2016, 1, 4), date(2023, 12, 29)


def drawn(seed, last=LAST):
    return economy(seed, trading_calendar("XSHG"), FIRST, last, date(last.year + 1, 9, 13))


def test_streams_depend_on_seed_and_name_only():
    one = stream(3, "T", "walk").standard_normal(4)
    assert stream(3, "T", "walk").standard_normal(4).tolist() == one.tolist()
    for other in (stream(4, "T", "walk"), stream(3, "TF", "walk"), stream(3, "T"), stream(3, "walk", "T")):
        assert not np.any(other.standard_normal(4) == one)


def test_an_autoregression_starts_in_its_stationary_law_and_keeps_its_share():
    normals = np.zeros(4)
    normals[0] = 2.0
    assert reverting(normals, 0.6, 0.8).tolist() == pytest.approx([1.2, 0.72, 0.432])
    path = reverting(np.random.default_rng(0).standard_normal(100_001), 0.6, 0.8)
    assert path.std() == pytest.approx(1.0, abs=0.02)  # 0.8 / sqrt(1 - 0.36)


@pytest.mark.parametrize(("years", "frequency"), [(1, 1), (5, 1), (10, 2), (30, 2)])
def test_a_bond_at_its_par_coupon_costs_100(years, frequency):
    factors = np.array([[0.036, -0.014, -0.010], [0.02, 0.005, 0.004]])
    on = np.full((2, 1), np.datetime64("2023-06-15"))
    maturity = np.array([f"{2023 + years}-06-15"], "datetime64[D]")
    coupon = par_coupon(factors, years, frequency)[:, None]
    price = dirty_from_curve(discount_factors(factors), coupon, frequency, maturity, on)
    # Calendar days over 365 against whole periods: leap days shift the last payments by up to a week.
    assert price[:, 0].tolist() == pytest.approx([100.0, 100.0], abs=0.08)


def test_the_zero_curve_is_nelson_siegel():
    level, slope, curvature = 0.03, -0.012, 0.006
    for days in (30, 365, 1826, 3652, 10957):
        t, scaled = days / 365.0, days / 365.0 / 2.5
        hump = (1 - np.exp(-scaled)) / scaled
        rate = level + slope * hump + curvature * (hump - np.exp(-scaled))
        factor = discount_factors(np.array([[level, slope, curvature]]))(np.array([[days]]))
        assert factor[0, 0] == pytest.approx(np.exp(-rate * t), abs=1e-12)


def test_the_night_over_a_quarter_end_and_the_two_before_carry_a_spike():
    world = drawn(1)
    quarter = world.days.astype("datetime64[M]").astype(int) // 3
    for one in np.unique(quarter):
        inside = world.spikes[quarter == one]
        assert (inside[:-3] == 0.0).all()
        assert inside[-1] > 0.0015
        assert (inside[-3:] / inside[-1]).tolist() == pytest.approx(SPIKE_SHAPE[::-1])


def test_a_later_end_leaves_the_past_as_it_was():
    short, long = drawn(2, date(2019, 11, 18)), drawn(2)
    n = len(short.factors)
    for name in ("factors", "slow", "fast"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:n])
    m = len(short.days)
    np.testing.assert_array_equal(short.days, long.days[:m])
    np.testing.assert_array_equal(short.spikes, long.spikes[:m])
    assert short.shown[0] == np.datetime64(FIRST)
    assert short.shown[-1] == np.datetime64("2019-11-18")


def test_expected_nights_agree_with_a_sum_over_calendar_days():
    world = drawn(5)
    for at in (world.start, world.start + 55, world.start + 700):
        end = world.days[at] + 37
        total = 0.0
        for night in np.arange(world.days[at], end):
            session = int(np.searchsorted(world.days, night, side="right")) - 1
            ahead = session - at
            slow = world.slow[at] * np.exp(-0.35 / 243 * ahead)
            total += 0.021 + slow + world.fast[at] * 0.8**ahead + world.spikes[session]
        assert expected_nights(world, np.array([at]), np.array([end]))[0] == pytest.approx(total, abs=1e-12)


def test_without_news_the_state_is_what_was_expected():
    world = drawn(6)
    calm = without_news(world)
    gap, before = calm.factors[1:] - CURVE_MEAN, world.factors[:-1] - CURVE_MEAN
    assert (gap / before - np.exp(np.array([-0.3, -0.6, -1.0]) / 243)).max() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(calm.fast[1:], 0.8 * world.fast[:-1])
    # The sum of fixed nights that was expected yesterday is what one finds today if there is no news.
    at = np.arange(world.start + 1, world.start + 40)
    end = np.array(["2016-06-15"], "datetime64[D]")
    last_night = (world.days[at] - world.days[at - 1]).astype(float) * (
        0.021 + world.slow[at - 1] + world.fast[at - 1] + world.spikes[at - 1]
    )
    expected = expected_nights(world, at - 1, end) - last_night
    np.testing.assert_allclose(expected_nights(calm, at, end), expected, atol=1e-12)


@pytest.mark.parametrize("near_turn", [True, False])
def test_term_rates_anticipate_the_nights_that_come_spikes_included(near_turn):
    """The realised average of the nights, less the term rate without premium, has mean 0."""
    for name, term, premium in FIXINGS:
        means = []
        for seed in range(30):
            world = drawn(seed)
            rates = fixings(world)
            night = rates["REPO.ON"]
            n = len(night) - 30
            wide = np.repeat(night, np.diff(np.append(world.shown, world.shown[-1] + 1)).astype(int))
            offset = (world.shown[:n] - world.shown[0]).astype(int)
            sums = np.concatenate([[0.0], np.cumsum(wide)])
            realised = (sums[offset + term] - sums[offset]) / term
            day = world.shown[:n]
            turn = (day + term).astype("datetime64[M]").astype(int) // 3 != day.astype("datetime64[M]").astype(int) // 3
            error = realised - (rates[name][:n] - premium)
            means.append(error[turn == near_turn].mean())
            if near_turn:  # the spike shows in the term rate before it comes
                assert rates[name][:n][turn].mean() > rates[name][:n][~turn].mean() + 0.0003
        deviation = np.std(means, ddof=1) / np.sqrt(len(means))
        assert abs(np.mean(means)) < 4 * deviation
        assert deviation < 1e-4
