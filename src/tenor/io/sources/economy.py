"""The simulated economy: one yield curve and one funding market, behind every simulated product.

The curve is Nelson and Siegel's (1987) on zero rates: level, slope and curvature, each an autoregression of order 1 that
comes back over years. Funding is the rate of each night: a mean, a slow part (policy), a fast part (the liquidity of
the week) and a spike over the turn of each quarter, whose size is known beforehand. A rate for a term is the average
of its nights as expected today. So ``REPO.1W`` of 25 March holds the spike of 31 March, and the expected sum of a *fixed*
set of nights only moves by news: it is a martingale, which is what makes a calendar spread hard to forecast.
"""

import math
import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tenor.market.calendar import Calendar
from tenor.pricing.bond import Discount
from tenor.units import SESSIONS_PER_YEAR, Dates, Floats, Ints, Rate, Years

_HISTORY_YEARS = 6  # bonds that were issued before the first session need the curve of then
_DECAY: Years = 2.5
_CURVE_MEAN = np.array([0.036, -0.014, -0.010])
_CURVE_REVERSION = np.array([0.3, 0.6, 1.0])
_CURVE_VOLATILITY = np.array([0.0045, 0.0050, 0.0070])
_NIGHT_MEAN: Rate = 0.021
_SLOW, _SLOW_STEP = math.exp(-0.35 / SESSIONS_PER_YEAR), 0.00012
_FAST, _FAST_STEP = 0.8, 0.0010
_LEVEL_IN_SLOW = 0.3  # correlation of the steps of the level and of slow funding
_SPIKE: Rate = 0.0080
_SPIKE_SHAPE = (1.0, 0.5, 0.2)  # the night over the turn of the quarter, the one before, the one before that


@dataclass(frozen=True, slots=True)
class Economy:
    """State by session. ``days`` runs from the history before ``first`` to past the last delivery.

    ``factors`` (session, 3), ``slow`` and ``fast`` (session,) end with ``last``; ``spikes`` is known beforehand and
    has the shape of ``days``. ``start`` is the position of the first session that is shown.
    """

    days: Dates
    start: int
    factors: Floats
    slow: Floats
    fast: Floats
    spikes: Floats

    @property
    def shown(self) -> Dates:
        return self.days[self.start : len(self.factors)]


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of one named part of the simulation: independent of every other name."""
    key = tuple(zlib.crc32(name.encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _economy(settings: Simulated) -> Economy:
    rules = [product(code) for code in settings.products]
    calendar = trading_calendar(rules[0].calendar)
    ends = [each.second_delivery_day(each.contracts(settings.first, settings.last)[-1]) for each in rules]
    # To the end of a quarter, so that each night knows how far it is from the turn.
    end = _quarter_end(max(*ends, settings.last + timedelta(days=40)))
    days = calendar.sessions(settings.first - timedelta(days=round(365.25 * _HISTORY_YEARS)), end)
    start, stop = np.searchsorted(days, [np.datetime64(settings.first), np.datetime64(settings.last) + 1])

    steps = stream(settings.seed, "curve").standard_normal((stop + 1, 3))
    keep = np.exp(-_CURVE_REVERSION / SESSIONS_PER_YEAR)
    spread = _CURVE_VOLATILITY / np.sqrt(SESSIONS_PER_YEAR)
    factors = _CURVE_MEAN + np.stack([reverting(steps[:, k], keep[k], spread[k]) for k in range(3)], axis=1)

    own = stream(settings.seed, "funding").standard_normal((stop + 1, 2))
    slow_steps = _LEVEL_IN_SLOW * steps[:, 0] + math.sqrt(1 - _LEVEL_IN_SLOW**2) * own[:, 0]
    return Economy(
        days=days,
        start=int(start),
        factors=factors,
        slow=reverting(slow_steps, _SLOW, _SLOW_STEP),
        fast=reverting(own[:, 1], _FAST, _FAST_STEP),
        spikes=_spikes(settings.seed, days),
    )


def _quarter_end(day: date) -> date:
    following = (date(day.year, 3 * ((day.month - 1) // 3) + 3, 1) + timedelta(days=31)).replace(day=1)
    return following - timedelta(days=1)


def reverting(normals: Floats, keep: float, step: float) -> Floats:
    """Return an autoregression of order 1 and mean 0 from its stationary start: one value less than ``normals``."""
    state = step / math.sqrt(1.0 - keep * keep) * float(normals[0])
    path = np.empty(len(normals) - 1)
    for i, shock in enumerate((step * normals[1:]).tolist()):
        state = keep * state + shock
        path[i] = state
    return path


def _spikes(seed: int, days: Dates) -> Floats:
    """Extra rate of each night near a quarter end: lognormal in size, one draw a quarter."""
    month = days.astype("datetime64[M]").astype(np.int64)
    quarter = month // 3 - month[0] // 3
    size = _SPIKE * np.exp(0.4 * stream(seed, "quarter end").standard_normal(int(quarter[-1]) + 1))
    last_of_quarter = np.searchsorted(quarter, quarter, side="right") - 1
    distance = last_of_quarter - np.arange(len(days))
    shape = np.append(_SPIKE_SHAPE, 0.0)[np.minimum(distance, len(_SPIKE_SHAPE))]
    return np.asarray(shape * size[quarter], np.float64)


def expected_nights(economy: Economy, at: Ints, end: Dates) -> Floats:
    """Sum, in rate times days, of the nightly rates from session ``at`` to the day ``end``, as expected at ``at``.

    A session's rate is paid for every night until the next session. Expected values of the two autoregressions decay
    geometrically; the spikes are known. As a sum of expected values of fixed nights, the part of it between two
    fixed days is a martingale.
    """
    until = np.append(economy.days[1:], economy.days[-1] + 1)
    slow, fast = economy.slow[at], economy.fast[at]
    total = np.zeros(len(at))
    zero = np.timedelta64(0, "D")
    for ahead in range(int(np.max(np.searchsorted(economy.days, end) - at))):
        session = np.minimum(at + ahead, len(economy.days) - 1)
        nights = np.maximum(np.minimum(until[session], end) - economy.days[session], zero).astype(np.float64)
        expected = _NIGHT_MEAN + slow * _SLOW**ahead + fast * _FAST**ahead + economy.spikes[session]
        total += nights * expected
    return total


def _log_loadings(years: Floats) -> Floats:
    """Loadings of minus the log discount factor on level, slope and curvature: shape (..., 3)."""
    fall = np.exp(-years / _DECAY)
    slope = _DECAY * (1.0 - fall)
    return np.stack([years, slope, slope - years * fall], axis=-1)


_BY_DAY = _log_loadings(np.arange(31 * 366) / 365.0)


def discount_factors(factors: Floats) -> Discount:
    """Return discount factors of the Nelson-Siegel curves ``factors`` (date, 3), for days of shape (date, ...)."""

    def discount(days: Ints) -> Floats:
        by_date = (len(factors),) + (1,) * (days.ndim - 1)
        exponent = np.zeros(days.shape)
        for k in range(3):
            exponent -= factors[:, k].reshape(by_date) * _BY_DAY[:, k][days]
        return np.asarray(np.exp(exponent), np.float64)

    return discount


def par_coupon(factors: Floats, years: int, frequency: int) -> Floats:
    """Coupon at which a bond of ``years`` costs 100: shape (date,)."""
    times = np.arange(1, years * frequency + 1) / frequency
    discounts = np.exp(-factors @ _log_loadings(times).T)
    return np.asarray(frequency * (1.0 - discounts[:, -1]) / discounts.sum(axis=1), np.float64)


def fixings(economy: Economy) -> dict[str, Floats]:
    """Funding fixings of the sessions shown: the expected average over the term, plus a fixed premium."""
    at = np.arange(economy.start, len(economy.factors))
    night = _NIGHT_MEAN + economy.slow + economy.fast + economy.spikes[: len(economy.factors)]
    rates = {"REPO.ON": np.round(night[economy.start :], 6)}
    for name, term, premium in (("REPO.1W", 7, 0.0010), ("REPO.1M", 30, 0.0025)):
        rates[name] = np.round(expected_nights(economy, at, economy.days[at] + term) / term + premium, 6)
    return rates
