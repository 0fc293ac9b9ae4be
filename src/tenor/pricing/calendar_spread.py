"""A calendar spread is a forward loan: what its two prices say about funding between the two delivery days.

Sell the far contract and buy the near one, take delivery of the near contract's bond on its delivery day, fund it,
and deliver it into the far contract three months later. The near invoice is paid, the far invoice and the coupons
in between are received, and the rate at which this breaks even is the **implied forward repo** of the pair. If
T1903's invoice for 180011 is lent at 2.78 % from March to June, the forward repo is 2.78 %.

So the spread hardly moves with the level of yields, and moves with funding. With one bond cheapest in both
contracts, ``F`` their price and ``t1``, ``t2`` the years to their delivery days, a rise ``dr`` of all repo rates
changes the fair spread near less far by about ``-F dr (t2 - t1)``: -0.13 for 50 basis points over a quarter, or 26
ticks of T. (To first order ``dF = D/CF * d(r t)`` for either, with ``D/CF`` near ``F``.)
"""

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import MarketError
from tenor.pricing.delivery import Basket, Delivery, Fair
from tenor.pricing.forward import DAYS_PER_YEAR
from tenor.units import Floats, Ints


def fair_spread(near: Fair, far: Fair) -> Floats:
    """Fair price of the near contract less that of the far one, ``(..., session)``: points."""
    return near.price - far.price


def shared(near: Basket, far: Basket) -> Ints:
    """Position in ``far`` of each bond of ``near``, ``(bond of near,)``; -1 for a bond that is not in both."""
    there = {bond: position for position, bond in enumerate(far.bonds)}
    return np.array([there.get(bond, -1) for bond in near.bonds], np.int64)


def forward_repo(
    near_invoice: ArrayLike, far_invoice: ArrayLike, coupons: ArrayLike, weighted: ArrayLike, days: ArrayLike
) -> Floats:
    """Rate at which paying one invoice and receiving the other breaks even.

    ``f = (I2 + C - I1) / (I1 (T2 - T1)/365 - W)``: the solution of
    ``f = { [I2 + C (1 + f w)] / I1 - 1 } 365/(T2 - T1)``, a coupon in between earning ``f`` too.

    Parameters
    ----------
    near_invoice, far_invoice
        ``F CF + AI`` of one bond in each contract, per 100 face.
    coupons, weighted
        Its coupons after the near and up to the far delivery day, and each times the years to the latter.
    days
        Days from the near to the far delivery day, above 0.

    Returns
    -------
    Floats of the broadcast shape: decimal, simple, actual/365.
    """
    paid, received = np.asarray(near_invoice, np.float64), np.asarray(far_invoice, np.float64)
    years = np.asarray(days, np.float64) / DAYS_PER_YEAR
    gained = received + np.asarray(coupons, np.float64) - paid
    return np.asarray(gained / (paid * years - np.asarray(weighted, np.float64)), np.float64)


def implied_forward_repo(
    near: Delivery,
    near_bond: ArrayLike,
    near_price: ArrayLike,
    far: Delivery,
    far_bond: ArrayLike,
    far_price: ArrayLike,
) -> Floats:
    """Forward repo between the two delivery days that a pair of futures prices implies.

    Parameters
    ----------
    near, far
        Deliveries seen from the same sessions.
    near_bond, far_bond
        ``(..., session)`` or a number: position, in each basket, of the bond that is carried from one into the other;
        usually the near contract's cheapest.
    near_price, far_price
        ``(..., session)``: futures prices.

    Returns
    -------
    Floats ``(..., session)``: decimal, simple, actual/365; NaN where a position is negative, or where the two
    positions are not one bond, which then cannot be carried.

    Raises
    ------
    MarketError
        If the sessions differ, or the far delivery day is not after the near one.
    """
    if not np.array_equal(near.on, far.on):
        raise MarketError(
            f"{near.basket.contract} is seen from {len(near.on)} sessions and {far.basket.contract} from {len(far.on)} "
            "others; deliver both from the same sessions"
        )
    days = int((far.second_delivery - near.second_delivery).astype(np.int64))
    if days <= 0:
        raise MarketError(
            f"{far.basket.contract} is delivered on {far.second_delivery}, not after {near.basket.contract} on "
            f"{near.second_delivery}; give the near contract first"
        )
    here, there = np.asarray(near_bond, np.int64), np.asarray(far_bond, np.int64)
    same = (here >= 0) & (there >= 0) & (shared(near.basket, far.basket)[np.maximum(here, 0)] == there)
    here, there = np.maximum(here, 0), np.maximum(there, 0)
    session = np.arange(len(near.on))
    near_coupons, near_weighted = near.coupons[session, here], near.weighted[session, here]
    coupons = far.coupons[session, there] - near_coupons
    weighted = far.weighted[session, there] - (near_weighted + near_coupons * (days / DAYS_PER_YEAR))
    near_invoice = np.asarray(near_price) * near.basket.factor[here] + near.accrued_at_delivery[here]
    far_invoice = np.asarray(far_price) * far.basket.factor[there] + far.accrued_at_delivery[there]
    return np.where(same, forward_repo(near_invoice, far_invoice, coupons, weighted, days), np.nan)
