"""What a deliverable bond costs forward, and the futures price that it implies.

To have a bond on the delivery day, buy it now at its dirty price and fund it at the term repo rate; coupons
paid on the way come back with interest; at delivery the invoice pays the accrued. The clean forward price of
the bond is what is left, and divided by its conversion factor it is the futures price at which delivering it
just breaks even. The seller chooses the bond, so the fair futures price is the smallest of these over the
basket, and the bond that gives it is the cheapest to deliver.

The seller's right to change his mind until delivery (the switch option) is worth something above zero and is
not subtracted.
"""

import numpy as np
from numpy.typing import ArrayLike

from tenor.pricing.bond import accrued, coupon_day, payments_left
from tenor.units import Bools, Floats, Ints

DAYS_PER_YEAR = 365.0
"""Day count of repo in China, actual/365."""


def carried(
    dirty: ArrayLike,
    repo: ArrayLike,
    days: ArrayLike,
    coupons: ArrayLike,
    weighted: ArrayLike,
    accrued_at_delivery: ArrayLike,
) -> Floats:
    """Clean forward price per 100 face, from what dates alone decide.

    ``D (1 + r d/365) - (C + r W) - AI_T`` (Xu Liang 2020, as cited by tea-bond; a coupon paid on day ``t_k`` earns
    the same repo to delivery).

    Parameters
    ----------
    dirty
        Dirty price now, per 100 face.
    repo
        Term repo to delivery: decimal per year, simple, actual/365.
    days
        Days to delivery.
    coupons, weighted
        ``C`` and ``W`` of :func:`coupons_between`.
    accrued_at_delivery
        Accrued interest that the invoice pays.

    Returns
    -------
    Floats of the broadcast shape.
    """
    rate = np.asarray(repo, np.float64)
    grown = np.asarray(dirty, np.float64) * (1.0 + rate * (np.asarray(days, np.float64) / DAYS_PER_YEAR))
    received = np.asarray(coupons, np.float64) + rate * np.asarray(weighted, np.float64)
    return np.asarray(grown - received - np.asarray(accrued_at_delivery, np.float64), np.float64)


def coupons_between(
    coupon: ArrayLike, frequency: ArrayLike, maturity: ArrayLike, on: ArrayLike, delivery: ArrayLike
) -> tuple[Floats, Floats]:
    """Coupons that the holder collects after ``on`` and up to ``delivery``, both per 100 face.

    Returns
    -------
    coupons
        ``C``, their sum.
    weighted
        ``W = sum C_k (T - t_k) / 365``: each times the years from its payment to delivery.
    """
    start, end = np.asarray(on, "datetime64[D]"), np.asarray(delivery, "datetime64[D]")
    payment = 100.0 * np.asarray(coupon, np.float64) / np.asarray(frequency, np.float64)
    left = payments_left(maturity, frequency, start)
    paid = left - payments_left(maturity, frequency, end)
    weighted = np.zeros(np.broadcast_shapes(paid.shape, payment.shape))
    for k in range(int(paid.max(initial=0))):
        held = (end - coupon_day(maturity, frequency, left - k)).astype(np.float64)
        weighted = weighted + np.where(k < paid, payment * held / DAYS_PER_YEAR, 0.0)
    return np.asarray(payment * np.maximum(paid, 0), np.float64), weighted


def forward_price(
    dirty: ArrayLike,
    repo: ArrayLike,
    coupon: ArrayLike,
    frequency: ArrayLike,
    maturity: ArrayLike,
    on: ArrayLike,
    delivery: ArrayLike,
) -> Floats:
    """Clean price per 100 face at which a bond bought on ``on`` breaks even on ``delivery``.

    :func:`carried`, with the coupons paid after ``on`` and up to ``delivery``. For CFFEX ``delivery`` is the second
    delivery day, to which the accrued of the invoice runs. The difference to the clean price now is minus the
    carry, and to ``F * CF`` it is the net basis.

    Parameters
    ----------
    dirty
        Dirty price now, per 100 face.
    repo
        Term repo from ``on`` to ``delivery``: decimal per year, simple, actual/365.
    coupon, frequency, maturity
        Terms of the bond, as in :func:`tenor.pricing.bond.accrued`.
    on, delivery
        ``datetime64[D]``.

    Returns
    -------
    Floats of the broadcast shape.
    """
    start, end = np.asarray(on, "datetime64[D]"), np.asarray(delivery, "datetime64[D]")
    coupons, weighted = coupons_between(coupon, frequency, maturity, start, end)
    days = (end - start).astype(np.float64)
    return carried(dirty, repo, days, coupons, weighted, accrued(coupon, frequency, maturity, end))


def cheapest_to_deliver(forwards: Floats, factors: Floats, deliverable: Bools | None = None) -> tuple[Floats, Ints]:
    """Fair futures price of each basket, and the position of the bond that sets it.

    Parameters
    ----------
    forwards
        Clean forward prices, shape ``(..., bond)``.
    factors
        Conversion factors, broadcast against ``forwards``.
    deliverable
        False where a bond is not in the basket; ``None`` when all are.

    Returns
    -------
    price
        ``min forward / factor`` over the basket, shape ``(...)``; NaN for an empty basket, and where the forward
        price of a bond in the basket is not known (NaN).
    cheapest
        Position of that bond along the last axis; -1 where there is no price.
    """
    implied = forwards / factors
    if deliverable is not None:
        implied = np.where(deliverable, implied, np.inf)
    cheapest = np.argmin(implied, axis=-1)  # a NaN counts as the smallest, so it is seen
    price = np.take_along_axis(implied, cheapest[..., None], axis=-1)[..., 0]
    known = np.isfinite(price)
    return np.where(known, price, np.nan), np.where(known, cheapest, -1)
