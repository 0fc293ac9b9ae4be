"""Basis: what each deliverable bond costs against the futures price, and what holding it to delivery earns.

The **basis** of a bond is what its clean price exceeds the futures price times its factor by. Holding the bond
against the future also earns the **carry**, coupons less funding; basis less carry is the **net basis**, what is
paid for the seller's choices. The **implied repo rate** (IRR) says the same as a rate: what is earned by buying the
bond, selling the future and delivering. On 2018-12-10, with T1903 at 97.500 and repo at 2.60 %, 180011 had a basis
of 0.2859, a carry of 0.2603, a net basis of 0.0255 and an IRR of 2.502 %, the highest: it was cheapest to deliver.

The bond with the highest IRR (:func:`cheapest_by_irr`) is the one to show; the one with the lowest forward price over
factor (:func:`tenor.pricing.delivery.fair`) is the one that prices the contract. At the fair futures price they are
the same bond; away from it, they may differ where dirty prices over factors do.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import MarketError, suggest
from tenor.pricing.delivery import Delivery, forward
from tenor.pricing.forward import DAYS_PER_YEAR
from tenor.units import Bools, Floats, Ints

Reinvest: TypeAlias = Literal["self", "zero", "funding"]
"""What a coupon paid before delivery earns until then, in an implied repo rate.

``"self"``: the implied repo rate itself, ``(I + C - D) / (D d/365 - W)``, the usual one in China. ``"zero"``: nothing,
``(I + C - D) / D * 365/d``. ``"funding"``: the repo rate given, ``(I + C + r W - D) / D * 365/d``. The three are one
where no coupon falls in between. For 170018 in T1903, seen on 2018-12-10: 1.896 %, 1.883 % and 1.901 %.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """A bond against the future: all of shape ``(..., session, bond)``, per 100 face but for ``irr``.

    Parameters
    ----------
    reinvest
        Convention of ``irr``.
    clean, accrued, dirty
        Price of the bond now, and its parts.
    forward
        Clean price at which it breaks even at delivery.
    implied_futures
        ``forward`` over factor: futures price at which delivering this bond breaks even.
    invoice
        What the future pays for it at delivery: ``F CF + AI_T``.
    gross
        Basis: ``clean - F CF``.
    carry
        ``clean - forward = (AI_T - AI_0 + C) + r (W - D d/365)``.
    net
        Net basis: ``gross - carry``.
    irr
        Implied repo rate, decimal per year, actual/365; NaN on the delivery day itself, where no time is left.
    """

    reinvest: Reinvest
    clean: Floats
    accrued: Floats
    dirty: Floats
    forward: Floats
    implied_futures: Floats
    invoice: Floats
    gross: Floats
    carry: Floats
    net: Floats
    irr: Floats


def basis(
    delivery: Delivery, dirty: ArrayLike, futures: ArrayLike, repo: ArrayLike, *, reinvest: Reinvest = "self"
) -> Basis:
    """Set every bond of the basket against the future.

    Basis, carry and net basis follow Burghardt and Belton, The Treasury Bond Basis, with the conventions of China:
    actual/365, accrued interest at delivery to the second delivery day. Coupons in between earn the repo rate in the
    carry and the net basis; in the implied repo rate they earn what ``reinvest`` says.

    Parameters
    ----------
    delivery
        Of :func:`tenor.pricing.delivery.deliver`.
    dirty
        ``(..., session, bond)``.
    futures
        ``(..., session)``: futures price.
    repo
        ``(..., session)``, or a number: term repo to the second delivery day, decimal.
    reinvest
        See :data:`Reinvest`.

    Raises
    ------
    MarketError
        If ``reinvest`` is no such convention.
    """
    if reinvest not in get_args(Reinvest):
        raise MarketError(
            f"reinvest={reinvest!r}; coupons in between earn one of {', '.join(get_args(Reinvest))}"
            f"{suggest(str(reinvest), get_args(Reinvest))}"
        )
    paid = np.asarray(dirty, np.float64)
    rate = np.asarray(repo, np.float64)[..., None]
    invoice = np.asarray(futures, np.float64)[..., None] * delivery.basket.factor + delivery.accrued_at_delivery
    ahead = forward(delivery, paid, repo)
    clean = paid - delivery.accrued
    gross = clean - (invoice - delivery.accrued_at_delivery)
    carry = clean - ahead
    parts = (
        clean,
        delivery.accrued,
        paid,
        ahead,
        ahead / delivery.basket.factor,
        invoice,
        gross,
        carry,
        gross - carry,
        _implied_repo(delivery, paid, invoice, rate, reinvest),
    )
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    return Basis(reinvest, *(np.broadcast_to(part, shape) for part in parts))


def cheapest_by_irr(basis: Basis, deliverable: Bools | None = None) -> Ints:
    """Position of the bond with the highest implied repo rate, ``(..., session)``.

    The bond that screens call cheapest to deliver. A contract is priced by :func:`tenor.pricing.delivery.fair`, which
    may pick another.

    Parameters
    ----------
    basis
        Of :func:`basis`.
    deliverable
        As :func:`tenor.pricing.delivery.fair`.

    Returns
    -------
    Ints: -1 for an empty basket, and where a rate in the basket is not known (a missing price, the delivery day).
    """
    rates = basis.irr if deliverable is None else np.where(deliverable, basis.irr, -np.inf)
    cheapest = np.argmax(rates, axis=-1)  # a NaN counts as the largest, so it is seen
    best = np.take_along_axis(rates, cheapest[..., None], axis=-1)[..., 0]
    return np.where(np.isfinite(best), cheapest, -1)


def _implied_repo(delivery: Delivery, paid: Floats, invoice: Floats, rate: Floats, reinvest: Reinvest) -> Floats:
    years = np.where(delivery.days > 0.0, delivery.days / DAYS_PER_YEAR, np.nan)[:, None]
    gained = invoice + delivery.coupons - paid
    if reinvest == "self":
        return np.asarray(gained / (paid * years - delivery.weighted), np.float64)
    if reinvest == "funding":
        gained = gained + rate * delivery.weighted
    return np.asarray(gained / (paid * years), np.float64)
