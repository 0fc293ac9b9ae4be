"""The economy behind the simulated market: one yield curve and one funding market, shared by every product.

The curve is Nelson and Siegel's (1987) on zero rates: level, slope and curvature, each an autoregression of
order 1 that comes back over years. Funding is the rate of each night: a mean, a slow part (policy), a fast
part (the liquidity of the week) and a spike over the turn of each quarter, whose size is known beforehand. A
term rate is the average of its nights as expected today. So ``REPO.1W`` of 25 March holds the spike of 31
March; and the expected sum of a *fixed* set of nights moves by news only: it is a martingale, and so is what
funding does to a calendar spread.
"""

import math
import zlib
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from tenor.market.calendar import Calendar
from tenor.pricing.bond import Discount
from tenor.units import SESSIONS_PER_YEAR, Dates, Floats, Ints, Rate, Years

HISTORY_YEARS = 6
"""Years of curve before the first session shown: what is deliverable on it was issued within them."""

DECAY: Years = 2.5
CURVE_MEAN = np.array([0.036, -0.014, -0.010])
CURVE_REVERSION = np.array([0.3, 0.6, 1.0])
"""Per year."""
CURVE_VOLATILITY = np.array([0.0042, 0.0035, 0.0050])
"""Decimal per year and square root of a year."""

NIGHT_MEAN: Rate = 0.021
SLOW_KEEP, SLOW_STEP = math.exp(-0.35 / SESSIONS_PER_YEAR), 0.00012
FAST_KEEP, FAST_STEP = 0.8, 0.0010
"""Share of a deviation that is left after a session, and standard deviation of a session's news."""
LEVEL_AND_SLOW = 0.3
"""Correlation of the news of the curve's level and of slow funding."""
SPIKE, SPIKE_LOG_SD = 0.0080, 0.4
"""Median size of a quarter-end spike, and standard deviation of the log of its size."""
SPIKE_SHAPE = (1.0, 0.5, 0.2)
"""Share of the spike in the night over the turn of the quarter and in the two nights before, going back."""
FIXINGS = (("REPO.1W", 7, 0.0010), ("REPO.1M", 30, 0.0025))
"""Term rates: name, days, and premium over the expected average of the nights."""


@dataclass(frozen=True, slots=True)
class Economy:
    """State by session.

    Parameters
    ----------
    days : Dates, shape (day,)
        Sessions from the history before the first one shown to past the last delivery of a contract.
    start
        Position of the first session shown.
    factors : Floats, shape (session, 3)
        Level, slope and curvature, up to the last session shown.
    slow, fast : Floats, shape (session,)
        The two parts of a night's rate, as deviations from their mean.
    spikes : Floats, shape (day,)
        What the turn of a quarter adds to a night; known beforehand.
    """

    days: Dates
    start: int
    factors: Floats
    slow: Floats
    fast: Floats
    spikes: Floats

    @property
    def shown(self) -> Dates:
        """The sessions of the market."""
        return self.days[self.start : len(self.factors)]


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random numbers of one named part of the simulation, independent of others."""
    key = tuple(zlib.crc32(name.encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def reverting(normals: Floats, keep: float, step: float) -> Floats:
    """Run an autoregression of order 1 and mean 0 from its stationary law; drops one of ``normals``."""
    state = step / math.sqrt(1.0 - keep * keep) * float(normals[0])
    path = np.empty(len(normals) - 1)
    for i, news in enumerate((step * normals[1:]).tolist()):
        state = keep * state + news
        path[i] = state
    return path


def economy(seed: int, calendar: Calendar, first: date, last: date, deliveries_end: date) -> Economy:
    """Draw the economy from ``first`` to ``last``, and the days until contracts and term rates have run out.

    A later ``last`` leaves what came before as it was.
    """
    # To the end of a quarter, so that each night knows how far it is from the turn.
    end = _quarter_end(max(deliveries_end, last + timedelta(days=max(term for _, term, _ in FIXINGS))))
    days = calendar.sessions(first - timedelta(days=round(365.25 * HISTORY_YEARS)), end)
    start, stop = np.searchsorted(days, np.array([first, last + timedelta(days=1)], "datetime64[D]")).tolist()

    news = stream(seed, "curve").standard_normal((stop + 1, 3))
    keep = np.exp(-CURVE_REVERSION / SESSIONS_PER_YEAR)
    step = CURVE_VOLATILITY / math.sqrt(SESSIONS_PER_YEAR)
    factors = CURVE_MEAN + np.stack([reverting(news[:, k], keep[k], step[k]) for k in range(3)], axis=1)

    own = stream(seed, "funding").standard_normal((stop + 1, 2))
    slow_news = LEVEL_AND_SLOW * news[:, 0] + math.sqrt(1.0 - LEVEL_AND_SLOW**2) * own[:, 0]
    return Economy(
        days=days,
        start=start,
        factors=factors,
        slow=reverting(slow_news, SLOW_KEEP, SLOW_STEP),
        fast=reverting(own[:, 1], FAST_KEEP, FAST_STEP),
        spikes=_spikes(seed, days),
    )


def without_news(world: Economy) -> Economy:
    """Return the economy in which each session finds the state that was expected on the session before."""
    return replace(
        world,
        factors=CURVE_MEAN + np.exp(-CURVE_REVERSION / SESSIONS_PER_YEAR) * (_before(world.factors) - CURVE_MEAN),
        slow=SLOW_KEEP * _before(world.slow),
        fast=FAST_KEEP * _before(world.fast),
    )


def _before(states: Floats) -> Floats:
    return np.concatenate([states[:1], states[:-1]])


def expected_nights(world: Economy, at: Ints, end: Dates) -> Floats:
    """Sum, in rate times days, of the nightly rates from session ``at`` to ``end``, as expected at ``at``.

    The rate of a session is paid for each night until the next session.

    Parameters
    ----------
    at
        Positions in ``world.days``, shape (n,).
    end
        Last morning of each, shape (n,) or one for all; not past the last of ``world.days``.
    """
    day, stop = world.days.astype(np.float64), end.astype(np.float64)
    until = np.append(day[1:], day[-1] + 1.0)
    slow, fast = world.slow[at], world.fast[at]
    total = np.zeros(len(at))
    ahead_most = int(np.max(np.searchsorted(world.days, end) - at, initial=0))
    for ahead in range(ahead_most):
        session = np.minimum(at + ahead, len(day) - 1)
        nights = np.maximum(np.minimum(until[session], stop) - day[session], 0.0)
        rate = NIGHT_MEAN + slow * SLOW_KEEP**ahead + fast * FAST_KEEP**ahead + world.spikes[session]
        total += nights * rate
    return total


def fixings(world: Economy) -> dict[str, Floats]:
    """Funding rates of the sessions shown, by name, rounded to a hundredth of a basis point."""
    at = np.arange(world.start, len(world.factors))
    night = NIGHT_MEAN + world.slow[at] + world.fast[at] + world.spikes[at]
    rates = {"REPO.ON": np.round(night, 6)}
    for name, days, premium in FIXINGS:
        average = expected_nights(world, at, world.days[at] + np.timedelta64(days, "D")) / days
        rates[name] = np.round(average + premium, 6)
    return rates


def discount_factors(factors: Floats) -> Discount:
    """Discount factors of the curves ``factors`` (date, 3), for days to payment of shape (date, ...)."""

    def discount(days: Ints) -> Floats:
        by_date = (len(factors),) + (1,) * (days.ndim - 1)
        exponent = np.zeros(days.shape)
        for k in range(3):
            exponent -= factors[:, k].reshape(by_date) * _BY_DAY[k][days]
        return np.asarray(np.exp(exponent), np.float64)

    return discount


def par_coupon(factors: Floats, years: int, frequency: int) -> Floats:
    """Coupon at which a bond of ``years`` costs 100, by date, on the curves ``factors`` (date, 3)."""
    loadings = _log_loadings(np.arange(1, years * frequency + 1) / frequency)
    discounts = np.exp(-(factors @ loadings))
    return np.asarray(frequency * (1.0 - discounts[:, -1]) / discounts.sum(axis=1), np.float64)


def _log_loadings(years: Floats) -> Floats:
    """Loadings of minus the log discount factor on level, slope and curvature: shape (3, year)."""
    fall = np.exp(-years / DECAY)
    slope = DECAY * (1.0 - fall)
    return np.stack([years, slope, slope - years * fall])


_BY_DAY = _log_loadings(np.arange(31 * 366) / 365.0)


def _quarter_end(day: date) -> date:
    last_month = date(day.year, 3 * ((day.month - 1) // 3) + 3, 1)
    return (last_month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _spikes(seed: int, days: Dates) -> Floats:
    """What the turn of a quarter adds to each night: lognormal in size, one draw for each quarter."""
    quarter = days.astype("datetime64[M]").astype(np.int64) // 3
    quarter -= quarter[0]
    normals = stream(seed, "quarter end").standard_normal(int(quarter[-1]) + 1)
    to_go = np.searchsorted(quarter, quarter, side="right") - 1 - np.arange(len(days))
    share = np.append(SPIKE_SHAPE, 0.0)[np.minimum(to_go, len(SPIKE_SHAPE))]
    return np.asarray(share * SPIKE * np.exp(SPIKE_LOG_SD * normals[quarter]), np.float64)
