"""Delivering the bonds of a basket into one contract: what dates decide, worked out once, and then prices, fast.

T1903 could be delivered with 180011, 170018, 160010 and others, each at its conversion factor. On 2018-12-10 the
second delivery day, 2019-03-12, was 92 days ahead; 170018 had 18 payments left and would pay one of them, 1.795 on
2019-02-03, on the way. None of that depends on any price. :func:`deliver` works it out for every session and bond;
:func:`dirty`, :func:`forward` and :func:`fair` are then plain arithmetic, so a thousand shocked yield curves over
the whole basket are one call. What each bond costs against the future is in :mod:`tenor.pricing.basis`.

Axes, in this order: ``(..., session, bond)``. Whatever stands before ``session`` is the caller's, usually scenarios.
Prices are per 100 face.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import MarketError
from tenor.pricing.bond import accrued, discounted, elapsed_part, payments_left, years_left
from tenor.pricing.forward import carried, cheapest_to_deliver, coupons_between
from tenor.units import Bools, Dates, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Basket:
    """The bonds that may be delivered into a contract, with their terms.

    Parameters
    ----------
    contract
        Code, ``"T1903"``.
    bonds
        Codes, shape ``(bond,)``.
    coupon
        ``(bond,)``, decimal per year.
    frequency
        ``(bond,)``, coupons per year.
    maturity
        ``(bond,)``, ``datetime64[D]``.
    factor
        ``(bond,)``, conversion factors into this contract.

    Raises
    ------
    MarketError
        If there is no bond, or terms are missing, not numbers, or not one per bond.
    """

    contract: str
    bonds: tuple[str, ...]
    coupon: Floats
    frequency: Ints
    maturity: Dates
    factor: Floats

    def __post_init__(self) -> None:
        for name, kind in (("coupon", "f8"), ("frequency", "i8"), ("maturity", "M8[D]"), ("factor", "f8")):
            object.__setattr__(self, name, np.asarray(getattr(self, name), kind))
        if not self.bonds:
            raise MarketError(
                f"no bond is deliverable into {self.contract}; give its list in `deliverables` and the terms in `bonds`"
            )
        for name in ("coupon", "frequency", "maturity", "factor"):
            values = getattr(self, name)
            if values.shape != (len(self.bonds),):
                raise MarketError(
                    f"{name} of shape {values.shape} for the {len(self.bonds)} bonds of {self.contract}; give one each"
                )
        wrong = (
            ~(self.coupon >= 0.0) | ~np.isin(self.frequency, (1, 2, 4)) | np.isnat(self.maturity) | ~(self.factor > 0.0)
        )
        if wrong.any():
            k = int(np.argmax(wrong))
            raise MarketError(
                f"bond {self.bonds[k]} of {self.contract}: coupon {self.coupon[k]:g}, {self.frequency[k]} a year, "
                f"maturity {self.maturity[k]}, factor {self.factor[k]:g}; a coupon is 0 or more, paid 1, 2 or 4 times "
                "a year, and a factor is above 0"
            )

    def __len__(self) -> int:
        return len(self.bonds)


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Everything about delivering each bond of a basket that dates alone decide.

    Parameters
    ----------
    basket
        The bonds.
    on
        Sessions, ``(session,)``.
    second_delivery
        Day to which the invoice's accrued interest runs.
    days
        ``(session,)``: calendar days from the session to it.
    life
        ``(session, bond)``: years to maturity (:func:`tenor.pricing.bond.years_left`).
    left, elapsed
        ``(session, bond)``: payments left, and the part of the running coupon period that has passed.
    accrued
        ``(session, bond)``: accrued interest on the session, not rounded.
    accrued_at_delivery
        ``(bond,)``: accrued interest in the invoice, rounded to 7 decimals as CFFEX does (notice of 2013-09-03).
    coupons
        ``(session, bond)``: coupons paid after the session and up to the second delivery day.
    weighted
        ``(session, bond)``: each of them times the years from its payment to the second delivery day, act/365.
    """

    basket: Basket
    on: Dates
    second_delivery: np.datetime64
    days: Floats
    life: Floats
    left: Ints
    elapsed: Floats
    accrued: Floats
    accrued_at_delivery: Floats
    coupons: Floats
    weighted: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Fair:
    """What a contract should cost, and by which bond.

    Parameters
    ----------
    price
        ``(..., session)``: smallest forward price over factor of the basket. NaN for an empty basket, and where a
        bond of the basket has no known price.
    cheapest
        ``(..., session)``: position of that bond in the basket; -1 where ``price`` is NaN.
    switch_distance
        ``(..., session)``: how far the second cheapest implied futures price lies above, in points: what the
        cheapest may lose before another takes its place. Infinite with one bond; NaN where ``price`` is NaN.
    """

    price: Floats
    cheapest: Ints
    switch_distance: Floats


def deliver(basket: Basket, on: ArrayLike, second_delivery: date | np.datetime64) -> Delivery:
    """Work out every date of delivering ``basket``, seen from each session.

    Parameters
    ----------
    basket
        The bonds.
    on
        ``(session,)`` of ``datetime64[D]``, or one day. A coupon paid on the session itself is not counted: it
        belongs to the seller.
    second_delivery
        Second delivery day of the contract.

    Raises
    ------
    MarketError
        If a session comes after the second delivery day, or a bond matures on or before it.
    """
    sessions, end = np.atleast_1d(np.asarray(on, "datetime64[D]")), _day(second_delivery)
    if sessions.ndim != 1:
        raise MarketError(f"sessions of shape {sessions.shape}; give one axis of days")
    if np.any(sessions > end):
        raise MarketError(
            f"{sessions.max()} comes after {end}, the second delivery day of {basket.contract}: negative time. "
            "Leave out sessions after it"
        )
    if np.any(basket.maturity <= end):
        k = int(np.argmin(basket.maturity))
        raise MarketError(
            f"bond {basket.bonds[k]} matures on {basket.maturity[k]}, not after {end}, the second delivery day of "
            f"{basket.contract}; it cannot be delivered. Check the list of deliverables"
        )
    terms, each = (basket.coupon, basket.frequency, basket.maturity), sessions[:, None]
    left = payments_left(basket.maturity, basket.frequency, each)
    coupons, weighted = coupons_between(*terms, each, end)
    return Delivery(
        basket=basket,
        on=sessions,
        second_delivery=end,
        days=(end - sessions).astype(np.float64),
        life=years_left(basket.maturity, each),
        left=left,
        elapsed=elapsed_part(basket.maturity, basket.frequency, each, left),
        accrued=accrued(*terms, each),
        accrued_at_delivery=np.round(accrued(*terms, end), 7),
        coupons=coupons,
        weighted=weighted,
    )


def dirty(delivery: Delivery, yields: ArrayLike) -> Floats:
    """Dirty price of each bond from its yield, compounded at the bond's own frequency.

    Parameters
    ----------
    delivery
        Of :func:`deliver`.
    yields
        ``(..., session, bond)``, decimal.

    Returns
    -------
    Floats ``(..., session, bond)``; NaN for a NaN yield.
    """
    basket = delivery.basket
    return discounted(yields, basket.coupon, basket.frequency, delivery.left, delivery.elapsed)


def forward(delivery: Delivery, dirty: ArrayLike, repo: ArrayLike) -> Floats:
    """Clean forward price of each bond for the second delivery day.

    Parameters
    ----------
    delivery
        Of :func:`deliver`.
    dirty
        ``(..., session, bond)``, per 100 face.
    repo
        ``(..., session)``, or a number: term repo to the second delivery day, decimal, simple, act/365.

    Returns
    -------
    Floats ``(..., session, bond)``: ``D (1 + r d/365) - sum C_k (1 + r (T - t_k)/365) - AI_T``.
    """
    return carried(
        dirty,
        np.asarray(repo, np.float64)[..., None],
        delivery.days[:, None],
        delivery.coupons,
        delivery.weighted,
        delivery.accrued_at_delivery,
    )


def fair(delivery: Delivery, dirty: ArrayLike, repo: ArrayLike, deliverable: Bools | None = None) -> Fair:
    """Fair futures price: the cheapest of the basket, forward, over its factor. The switch option is not subtracted.

    Parameters
    ----------
    delivery, dirty, repo
        As :func:`forward`.
    deliverable
        ``(session, bond)``: False where a bond is not in the basket on that session; ``None`` when all are.
    """
    return cheapest_of(forward(delivery, dirty, repo), delivery.basket.factor, deliverable)


def cheapest_of(forwards: Floats, factors: Floats, deliverable: Bools | None = None) -> Fair:
    """Fair price, cheapest bond and switch distance from forward prices ``(..., session, bond)``.

    Parameters
    ----------
    forwards
        Clean forward prices ``(..., session, bond)``.
    factors
        Conversion factors, ``(bond,)``.
    deliverable
        As :func:`fair`.
    """
    price, cheapest = cheapest_to_deliver(forwards, factors, deliverable)
    implied = forwards / factors
    if deliverable is not None:
        implied = np.where(deliverable, implied, np.inf)
    alone = implied.shape[-1] == 1
    second = np.full(price.shape, np.inf) if alone else np.partition(implied, 1, axis=-1)[..., 1]
    return Fair(price, cheapest, second - price)


def _day(of: date | np.datetime64) -> np.datetime64:
    return of.astype("datetime64[D]") if isinstance(of, np.datetime64) else np.datetime64(of, "D")
