"""Conversion factor: the price of one bond, per 1 of face, if it yielded the notional coupon of the contract.

It turns the futures price into what the seller of the contract receives for this bond: invoice = F * CF +
accrued. A bond with a 3 % coupon has a factor near 1, 2030's 1.54 % bond in TF2606 has 0.9383. CFFEX counts
time in whole months from the delivery month, ignores the day of the month, and rounds half up to 4 decimals;
a factor never changes while its contract lives.
"""

import numpy as np
from numpy.typing import ArrayLike

from tenor.units import Floats, Rate


def conversion_factor(
    coupon: ArrayLike,
    frequency: ArrayLike,
    maturity: ArrayLike,
    delivery_month: ArrayLike,
    *,
    notional: Rate = 0.03,
) -> Floats:
    """Conversion factor of each bond into each contract, as CFFEX publishes it.

    ``CF = [ c/f + c/r + (1 - c/r) / (1 + r/f)^(n-1) ] / (1 + r/f)^(x f/12) - c/f (1 - x f/12)``, rounded half
    up to 4 decimals, where ``r`` is the notional coupon, ``x`` the months from the delivery month to the next
    coupon month strictly after it, and ``n`` the payments after the delivery month (CFFEX notice of
    2013-09-03; it reproduces every factor published for the contracts 2606 to 2612).

    Parameters
    ----------
    coupon
        Decimal per year.
    frequency
        Coupons per year, 1 or 2.
    maturity
        ``datetime64[D]``.
    delivery_month
        Any day of the delivery month.
    notional
        Coupon of the notional bond; 3 % for TS, TF, T and TL.

    Returns
    -------
    Floats of the broadcast shape; NaN for a bond that has no payment after the delivery month.
    """
    c, f = np.asarray(coupon, np.float64), np.asarray(frequency, np.int64)
    period = 12 // f
    life = (np.asarray(maturity, "datetime64[M]") - np.asarray(delivery_month, "datetime64[M]")).astype(np.int64)
    n = np.floor_divide(life - 1, period) + 1
    share = (life - (n - 1) * period) / period
    growth = 1.0 + notional / f
    after = c / f + c / notional + (1.0 - c / notional) * growth ** (1.0 - n)
    exact = after * growth**-share - c / f * (1.0 - share)
    # 1e-9 keeps a decimal half, which binary stores a hair below, from being rounded down.
    rounded: Floats = np.floor(exact * 1e4 + 0.5 + 1e-9) / 1e4
    return np.where(n > 0, rounded, np.nan)
