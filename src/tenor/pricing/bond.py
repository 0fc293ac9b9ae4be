"""Fixed-coupon bonds: coupon days, accrued interest, and price from a yield or from a curve.

A treasury bond pays ``100 c / f`` on each coupon day, ``f`` times a year (once or twice in China), and 100 at
maturity. Coupon days are counted back from maturity in whole months; the 31st becomes the last day of a
shorter month.

Three prices that are often mixed up. *Dirty* is what is paid. *Accrued* is the share of the running coupon
that belongs to the seller: days since the last coupon over actual days in the period (act/act per period).
*Clean*, what screens and futures quote, is dirty minus accrued.

Every argument may be an array; they broadcast against one another, so one call prices many bonds on many
dates. A payment that falls on the pricing date itself belongs to the seller and is not in the price.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from tenor.units import Dates, Floats, Ints

Discount = Callable[[Ints], Floats]
"""Days from the pricing date to a payment -> discount factor of the same shape."""


def add_months(days: ArrayLike, months: ArrayLike) -> Dates:
    """Move each day by whole months, to the last day of the month where the month is too short.

    Parameters
    ----------
    days
        ``datetime64[D]``.
    months
        Whole months, negative for earlier.

    Returns
    -------
    Dates of the broadcast shape.
    """
    start = np.asarray(days, "datetime64[D]")
    month = start.astype("datetime64[M]")
    target = month + np.asarray(months, "timedelta64[M]")
    length = (target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")
    within = np.minimum(start - month.astype("datetime64[D]"), length - np.timedelta64(1, "D"))
    moved: Dates = target.astype("datetime64[D]") + within
    return moved


def payments_left(maturity: ArrayLike, frequency: ArrayLike, on: ArrayLike) -> Ints:
    """Count the coupon days strictly after ``on``; 0 from maturity onwards."""
    end, day = np.asarray(maturity, "datetime64[D]"), np.asarray(on, "datetime64[D]")
    period = 12 // np.asarray(frequency, np.int64)
    apart = (end.astype("datetime64[M]") - day.astype("datetime64[M]")).astype(np.int64)
    back = np.floor_divide(apart, period)
    reached = add_months(end, -back * period) > day
    left: Ints = np.maximum(back + reached, 0)
    return left


def coupon_day(maturity: ArrayLike, frequency: ArrayLike, left: ArrayLike) -> Dates:
    """Return the coupon day at which ``left`` payments remain, that one included: 1 is maturity itself."""
    period = 12 // np.asarray(frequency, np.int64)
    return add_months(maturity, -(np.asarray(left, np.int64) - 1) * period)


def accrued(coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike) -> Floats:
    """Accrued interest per 100 face, act/act per period.

    ``AI = 100 c / f * (on - last coupon) / (next coupon - last coupon)``. CFFEX rounds it to 7 decimals in a
    delivery invoice (notice of 2013-09-03); here it is not rounded.

    Parameters
    ----------
    coupon
        Decimal per year.
    frequency
        Coupons per year.
    maturity, on
        ``datetime64[D]``; ``on`` before ``maturity``, as nothing accrues after it (then 0).

    Returns
    -------
    Floats of the broadcast shape.
    """
    left = payments_left(maturity, frequency, on)
    fraction = _elapsed(maturity, frequency, on, left)
    return np.where(left > 0, 100.0 * np.asarray(coupon) / np.asarray(frequency) * fraction, 0.0)


def dirty_from_yield(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Dirty price per 100 face from a yield to maturity compounded ``frequency`` times a year.

    With ``v = 1 / (1 + y/f)``, ``w`` the part of the running period still to come and ``n`` payments left,
    ``D = v^w [ 100 c/f (1 + v + ... + v^(n-1)) + 100 v^(n-1) ]`` (ISMA). The same formula is used in the last
    period, where Chinese practice discounts with simple interest instead: no deliverable bond is that short.

    Returns
    -------
    Floats of the broadcast shape; 0 from maturity onwards.
    """
    f = np.asarray(frequency, np.float64)
    left = payments_left(maturity, frequency, on)
    fraction = _elapsed(maturity, frequency, on, left)
    per_period = np.asarray(rate, np.float64) / f
    v = 1.0 / (1.0 + per_period)
    flat = per_period == 0.0
    annuity = np.where(flat, left, (1.0 - v**left) / np.where(flat, 1.0, 1.0 - v))
    value = v ** (1.0 - fraction) * 100.0 * (np.asarray(coupon) / f * annuity + v ** (left - 1.0))
    return np.where(left > 0, value, 0.0)


def clean_from_yield(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Clean price per 100 face from a yield: :func:`dirty_from_yield` less :func:`accrued`."""
    return dirty_from_yield(rate, coupon, frequency, maturity, on) - accrued(coupon, frequency, maturity, on)


def dirty_from_curve(
    discount: Discount, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Dirty price per 100 face: every payment left times its discount factor.

    Parameters
    ----------
    discount
        Called once with the days to each payment, shape ``(..., payment)`` where ``...`` is the broadcast
        shape of the other arguments; must return discount factors of that shape. A curve that differs by
        pricing date therefore lines up with the leading axes. Entries of 0 days are padding and are ignored.
    coupon, frequency, maturity, on
        As in :func:`accrued`.

    Returns
    -------
    Floats of the broadcast shape; 0 from maturity onwards.
    """
    left = payments_left(maturity, frequency, on)
    day = np.asarray(on, "datetime64[D]")
    ahead = np.arange(1, int(left.max(initial=0)) + 1)
    on_day = coupon_day(np.asarray(maturity)[..., None], np.asarray(frequency)[..., None], ahead)
    paid = ahead <= left[..., None]
    days = np.where(paid, (on_day - day[..., None]).astype(np.int64), 0)
    amount = (100.0 * np.asarray(coupon) / np.asarray(frequency))[..., None] + np.where(ahead == 1, 100.0, 0.0)
    total: Floats = np.sum(np.where(paid, amount, 0.0) * discount(days), axis=-1)
    return total


def clean_from_curve(
    discount: Discount, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Clean price per 100 face from a curve: :func:`dirty_from_curve` less :func:`accrued`."""
    return dirty_from_curve(discount, coupon, frequency, maturity, on) - accrued(coupon, frequency, maturity, on)


def _elapsed(maturity: ArrayLike, frequency: ArrayLike, on: ArrayLike, left: Ints) -> Floats:
    """Part of the running coupon period that has passed on ``on``, actual days over actual days."""
    start, end = coupon_day(maturity, frequency, left + 1), coupon_day(maturity, frequency, left)
    passed = (np.asarray(on, "datetime64[D]") - start).astype(np.float64)
    return np.asarray(passed / (end - start).astype(np.float64), np.float64)
