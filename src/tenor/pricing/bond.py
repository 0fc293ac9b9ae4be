"""Fixed-coupon bonds: coupon days, accrued interest, price from a yield or a curve and back, and its risk.

A treasury bond pays ``100 c / f`` on each coupon day, ``f`` times a year (once or twice in China), and 100 at
maturity. Coupon days are counted back from maturity in whole months; the 31st becomes the last day of a
shorter month.

Three prices that are often mixed up. *Dirty* is what is paid. *Accrued* is the share of the running coupon
that belongs to the seller: days since the last coupon over actual days in the period (act/act per period).
*Clean*, what screens and futures quote, is dirty minus accrued.

Four numbers say how a price moves with its yield. *Macaulay duration* is the mean time to the payments, each
weighted by its present value, in years. *Modified duration* is the per cent lost per per cent of yield. *DV01* is
the price lost per basis point. *Convexity* is what the straight line of duration leaves out:
``dD / D = -modified dy + convexity dy^2 / 2``. (F. J. Fabozzi, Fixed Income Mathematics, chapters on price
volatility; the same definitions as QuantLib's ``BondFunctions``.)

Every argument may be an array; they broadcast against one another, so one call prices many bonds on many
dates. A payment that falls on the pricing date itself belongs to the seller and is not in the price.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import MarketError
from tenor.units import Dates, Floats, Ints

_MOST_STEPS, _SMALLEST_STEP = 60, 1e-14

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


def years_left(maturity: ArrayLike, on: ArrayLike) -> Floats:
    """Life of a bond in years: whole years back from maturity, and the part of a year before them in days.

    A bond of thirty years has exactly 30 on the day of its issue, so that a curve that ends at 30 years reaches it.
    Below 0 after maturity; broadcasts.
    """
    end, day = np.asarray(maturity, "datetime64[D]"), np.asarray(on, "datetime64[D]")
    apart = (end.astype("datetime64[M]") - day.astype("datetime64[M]")).astype(np.int64)
    whole = np.floor_divide(apart, 12)
    whole = whole - (add_months(end, -12 * whole) < day)
    start, before = add_months(end, -12 * whole), add_months(end, -12 * (whole + 1))
    part = (start - day).astype(np.float64) / (start - before).astype(np.float64)
    return np.asarray(whole + part, np.float64)


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
    fraction = elapsed_part(maturity, frequency, on, left)
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
    left = payments_left(maturity, frequency, on)
    return discounted(rate, coupon, frequency, left, elapsed_part(maturity, frequency, on, left))


def discounted(rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, left: ArrayLike, elapsed: ArrayLike) -> Floats:
    """Dirty price per 100 face from what dates alone decide: the formula of :func:`dirty_from_yield`.

    A what-if prices the same bonds on the same days a thousand times; the dates are worked out once and this is
    all that is left. It is written so that a yield of zero, or one close to it, loses no digits.

    Parameters
    ----------
    rate
        Yield, decimal, compounded ``frequency`` times a year.
    coupon
        Decimal per year.
    frequency
        Coupons per year.
    left
        Payments left, as :func:`payments_left`.
    elapsed
        Part of the running period that has passed, 0 to 1.

    Returns
    -------
    Floats of the broadcast shape; 0 where nothing is left; NaN where a yield is -100 % a period or less.
    """
    f, n = np.asarray(frequency, np.float64), np.asarray(left, np.float64)
    i = np.asarray(rate, np.float64) / f
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.log1p(i)
        # (1 - v^n) / (1 - v) = (1 + i) (1 - v^n) / i, and v^(n-1) = (1 + i) v^n
        annuity = -np.expm1(-n * u) / np.where(i == 0.0, 1.0, i)
        annuity = np.where(i == 0.0, n, annuity)
        payment = 100.0 * np.asarray(coupon, np.float64) / f
        value = np.exp(np.asarray(elapsed, np.float64) * u) * (payment * annuity + 100.0 * np.exp(-n * u))
    return np.where(n > 0, np.where(i > -1.0, value, np.nan), 0.0)


def clean_from_yield(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Clean price per 100 face from a yield: :func:`dirty_from_yield` less :func:`accrued`."""
    return dirty_from_yield(rate, coupon, frequency, maturity, on) - accrued(coupon, frequency, maturity, on)


def yield_from_dirty(
    dirty: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Yield to maturity at which :func:`dirty_from_yield` gives ``dirty``; every price above 0 has exactly one.

    Newton's method on ``log D`` as a function of ``u = log(1 + y/f)``. That function falls and is convex for any
    bond (a log of a sum of exponentials), so the first step lands on the low side of the root and all others climb
    to it: it converges from any start, in four to six steps for a price one meets.

    Parameters
    ----------
    dirty
        Dirty price per 100 face, above 0. NaN, a price that is not known, gives NaN.
    coupon, frequency, maturity, on
        As in :func:`accrued`.

    Returns
    -------
    Floats of the broadcast shape: decimal, compounded ``frequency`` times a year.

    Raises
    ------
    MarketError
        If a price is 0, below 0 or infinite, or a bond has no payment left: no yield gives such a price.
    """
    price, f = np.asarray(dirty, np.float64), np.asarray(frequency, np.float64)
    left = payments_left(maturity, frequency, on)
    bad = (price <= 0.0) | np.isinf(price)
    if bad.any():
        raise MarketError(
            f"no yield gives a dirty price of {price[bad].flat[0]:g}; a bond costs more than 0 per 100 face. "
            "Check the quote, and that its accrued interest was added"
        )
    if np.any(left == 0):
        raise MarketError("a bond that has matured has no yield; leave it out from its maturity on")
    elapsed = elapsed_part(maturity, frequency, on, left)
    target = np.log(price)
    u = np.log1p(np.asarray(coupon, np.float64) / f)
    for _ in range(_MOST_STEPS):
        value, first, _ = _moments(f * np.expm1(u), coupon, frequency, left, elapsed)
        step = (np.log(value) - target) * value / first
        u = u + step
        if not np.any(np.abs(step) > _SMALLEST_STEP):
            return np.asarray(f * np.expm1(u), np.float64)
    worst = np.nanargmax(np.abs(step))
    raise MarketError(
        f"no yield found for a dirty price of {np.broadcast_to(price, step.shape).flat[worst]:g} in {_MOST_STEPS} "
        "steps; such a price is far from any quote, so check it"
    )


def yield_from_clean(
    clean: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Yield to maturity from a clean price: :func:`yield_from_dirty` of it plus :func:`accrued`."""
    dirty = np.asarray(clean, np.float64) + accrued(coupon, frequency, maturity, on)
    return yield_from_dirty(dirty, coupon, frequency, maturity, on)


def macaulay_duration(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """Mean time to the payments, weighted by present value: ``sum t_k P_k v^(f t_k) / D``, in years.

    Arguments as :func:`dirty_from_yield`; times are counted in coupon periods, the running one by actual days.

    Returns
    -------
    Floats of the broadcast shape; NaN from maturity onwards.
    """
    value, first, _ = _moments_on(rate, coupon, frequency, maturity, on)
    return first / value / np.asarray(frequency, np.float64)


def modified_duration(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> Floats:
    """``-dD/dy / D``: :func:`macaulay_duration` over ``1 + y/f``; in years. NaN from maturity onwards."""
    growth = 1.0 + np.asarray(rate, np.float64) / np.asarray(frequency, np.float64)
    return np.asarray(macaulay_duration(rate, coupon, frequency, maturity, on) / growth, np.float64)


def convexity(rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike) -> Floats:
    """``d2D/dy2 / D = sum t (t + 1/f) P v^(f t) / [D (1 + y/f)^2]``, in years squared. NaN from maturity onwards."""
    f = np.asarray(frequency, np.float64)
    value, _, second = _moments_on(rate, coupon, frequency, maturity, on)
    return np.asarray(second / value / (f + np.asarray(rate, np.float64)) ** 2, np.float64)


def dv01(rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike) -> Floats:
    """Price per 100 face lost when the yield rises by a basis point: ``-dD/dy / 10000``, above 0.

    Arguments as :func:`dirty_from_yield`. It is the slope, not a difference of two prices.

    Returns
    -------
    Floats of the broadcast shape; NaN from maturity onwards.
    """
    _, first, _ = _moments_on(rate, coupon, frequency, maturity, on)
    return np.asarray(first / (np.asarray(frequency, np.float64) + np.asarray(rate, np.float64)) / 10_000.0, np.float64)


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


def elapsed_part(maturity: ArrayLike, frequency: ArrayLike, on: ArrayLike, left: Ints) -> Floats:
    """Part of the running coupon period that has passed on ``on``, actual days over actual days."""
    start, end = coupon_day(maturity, frequency, left + 1), coupon_day(maturity, frequency, left)
    passed = (np.asarray(on, "datetime64[D]") - start).astype(np.float64)
    return np.asarray(passed / (end - start).astype(np.float64), np.float64)


def _moments_on(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    left = payments_left(maturity, frequency, on)
    moments = _moments(rate, coupon, frequency, left, elapsed_part(maturity, frequency, on, left))
    value, first, second = (np.where(left > 0, each, np.nan) for each in moments)
    return value, first, second


def _moments(
    rate: ArrayLike, coupon: ArrayLike, frequency: ArrayLike, left: Ints, elapsed: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Sum over payments of ``P v^t``, ``t P v^t`` and ``t (t+1) P v^t``, with ``t`` in coupon periods.

    Summed payment by payment: the closed forms lose all digits near a yield of zero.
    """
    f = np.asarray(frequency, np.float64)
    v = 1.0 / (1.0 + np.asarray(rate, np.float64) / f)
    payment = 100.0 * np.asarray(coupon, np.float64) / f
    first_time = 1.0 - np.asarray(elapsed, np.float64)
    shape = np.broadcast_shapes(v.shape, payment.shape, np.shape(left), first_time.shape)
    value, first, second = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for k in range(int(np.max(left, initial=0)) - 1, -1, -1):
        # Horner: what is due later counts one period less from here, so three running sums are moved by one period.
        due = np.where(k < left, payment + np.where(k == left - 1, 100.0, 0.0), 0.0)
        value, first, second = (
            value * v + due,
            (first + value) * v,
            (second + 2.0 * (first + value)) * v,
        )
    head = v**first_time
    # From t = j to t = j + w: sum (j+w) = first + w value; sum (j+w)(j+w+1) = second + 2 w first + w (w+1) value.
    return (
        np.asarray(head * value, np.float64),
        np.asarray(head * (first + first_time * value), np.float64),
        np.asarray(head * (second + 2.0 * first_time * first + first_time * (first_time + 1.0) * value), np.float64),
    )
