"""Which bonds can be delivered into a contract, and since when that was known.

Two instances. The exchange published for T2609 that 260007 (1.66 %, 2033-03-25) delivers at a factor of 0.9219: that is
a **published** basket, rows of the market's tables ``deliverables`` and ``bonds``, and no rule of ours replaces it: the
rules of eligibility have changed on dates that nobody wrote down. For the T contracts of 2015 to 2020 no list is in any
free source. For such contracts, and only where a study asks for it by name, there is a **stand-in** basket: bonds that
were never issued, one each quarter for each usual term, at the par coupon that the curve had then. It has the lives and
about the coupons of the real ones, so it answers how a spread responds to the curve and to funding; it cannot say which
real bond is the cheapest, and every output that rests on it says STAND-IN.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.market.contract import Contract, Product
from tenor.market.market import Market
from tenor.pricing.bond import add_months
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.delivery import Basket
from tenor.units import AnyArray, Bools, Dates, Floats, Years

ISSUE_TERMS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"TS": (3, 5), "TF": (5, 7), "T": (7, 10), "TL": (30,)},
)
"""Usual lives at issue, in years, of what each CFFEX product delivers; the lists of 2606 to 2612 hold no others."""
TWICE_A_YEAR_FROM: Years = 10
"""Bonds of this life at issue and longer pay twice a year, shorter ones once (the lists of 2606 to 2612 agree)."""
STAND_IN = "STAND-IN."
"""Begins the code of a bond that was never issued."""
STAND_IN_BASKET = "STAND-IN BASKET: no list of deliverable bonds is in the data; the bonds are none that were issued"
"""What every output says that rests on such bonds."""
ISSUE_MONTHS, ISSUE_DAY = (2, 5, 8, 11), 15
"""When a stand-in bond is issued: the middle of each quarter."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownBasket:
    """A basket with the moment at which each of its bonds was known to be in it.

    Parameters
    ----------
    bonds
        Terms and factors.
    known
        Shape ``(bond,)``, ``datetime64[us]`` in UTC.
    stand_in
        True where the bonds are none that were issued.
    """

    bonds: Basket
    known: AnyArray
    stand_in: bool

    def deliverable(self, moments: AnyArray) -> Bools:
        """Say which bonds were known to be deliverable at each moment: ``(moment,)`` to ``(moment, bond)``."""
        return np.asarray(self.known <= np.asarray(moments)[:, None])


def published_basket(market: Market, product: Product, contract: Contract) -> KnownBasket:
    """Return the published basket of ``contract``; where the market has no list of it, one of which nothing is known.

    So a list that comes later is unknown before, whether the market already holds it or not. Whoever needs a basket
    asks :meth:`KnownBasket.deliverable`, or :meth:`tenor.market.market.Market.basket`, which refuses.
    """
    if market.deliverables.filter(pl.col("contract") == contract.code).is_empty():
        return _unlisted(product, contract)
    table = market.basket(contract.code)
    return KnownBasket(
        Basket(
            contract=contract.code,
            bonds=tuple(table["bond"].to_list()),
            coupon=table["coupon"].to_numpy(),
            frequency=table["frequency"].to_numpy(),
            maturity=table["maturity"].to_numpy().astype("datetime64[D]"),
            factor=table["factor"].to_numpy(),
        ),
        table["known_at"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]"),
        stand_in=False,
    )


def _unlisted(product: Product, contract: Contract) -> KnownBasket:
    """A basket that is never known: one bond in its place, with the notional coupon, deliverable at no moment."""
    month, longest = np.datetime64(contract.delivery_month, "D"), round(12 * product.deliverable_years[1])
    bonds = Basket(
        contract=contract.code,
        bonds=("(not listed)",),
        coupon=np.array([product.coupon]),
        frequency=np.array([1]),
        maturity=add_months(month, [longest]),
        factor=np.array([1.0]),
    )
    return KnownBasket(bonds, np.array(["NaT"], "datetime64[us]"), stand_in=False)


def stand_in_basket(market: Market, product: Product, contract: Contract, curve: str) -> KnownBasket:
    """Return bonds that stand in for an unpublished basket: see the head of this file.

    A bond of each term of :data:`ISSUE_TERMS` is issued on the 15th of the second month of each quarter. Its coupon is
    the yield of ``curve`` at its term, as last published before that day, rounded to a hundredth of a per cent. It is
    in the basket if its life on the first day of the delivery month lies within the product's limits.

    Raises
    ------
    MarketError
        If there are no usual terms for the product, the curve has no point at one of them, or no observation before a
        bond's issue.
    """
    if product.code not in ISSUE_TERMS:
        raise MarketError(
            f"no stand-in basket for {product.code}: usual issue terms are known for {list(ISSUE_TERMS)};"
            " give its deliverables in the data"
        )
    month = np.datetime64(contract.delivery_month, "D")
    shortest, longest = (round(12 * years) for years in product.deliverable_years)
    coupons, frequencies, maturities, issues, names = [], [], [], [], []
    for term in ISSUE_TERMS[product.code]:
        issued = _issue_days(contract.delivery_month, term)
        maturity = add_months(issued, 12 * term)
        kept = (maturity >= add_months(month, shortest)) & (maturity <= add_months(month, longest)) & (issued < month)
        issued, maturity = issued[kept], maturity[kept]
        coupon, since = _par_yields(market, curve, term, issued, contract)
        coupons.append(np.round(coupon, 4))
        frequencies.append(np.full(len(issued), 2 if term >= TWICE_A_YEAR_FROM else 1, np.int64))
        maturities.append(maturity)
        issues.append(np.maximum(issued.astype("datetime64[us]"), since))
        names.append([f"{STAND_IN}{term}Y.{str(day)[:7]}" for day in issued])
    coupon, frequency = np.concatenate(coupons), np.concatenate(frequencies)
    maturity = np.concatenate(maturities)
    return KnownBasket(
        Basket(
            contract=contract.code,
            bonds=tuple(name for part in names for name in part),
            coupon=coupon,
            frequency=frequency,
            maturity=maturity,
            factor=conversion_factor(coupon, frequency, maturity, month, notional=product.coupon),
        ),
        np.concatenate(issues),
        stand_in=True,
    )


def _issue_days(delivery_month: date, term: int) -> Dates:
    """Every issue day from ``term`` years before the delivery month up to it."""
    first, last = np.datetime64(delivery_month, "M") - 12 * term, np.datetime64(delivery_month, "M")
    months = np.arange(first, last)
    within = months.astype(np.int64) % 12 + 1
    days: Dates = months[np.isin(within, ISSUE_MONTHS)].astype("datetime64[D]") + (ISSUE_DAY - 1)
    return days


def _par_yields(market: Market, curve: str, term: int, issued: Dates, contract: Contract) -> tuple[Floats, AnyArray]:
    """Yield at ``term`` as last published before each issue day, and when it became known.

    A bond whose issue lies ahead of the data gets the last yield there is, and is not deliverable yet.
    """
    published = market.tenor(curve, float(term)).drop_nulls("rate").sort("date")
    days = published["date"].to_numpy().astype("datetime64[D]")
    at = np.searchsorted(days, issued, side="left") - 1
    if (at < 0).any():
        raise MarketError(
            f"the stand-in basket of {contract.code} needs the {term}-year point of curve {curve!r} before"
            f" {issued[int(np.flatnonzero(at < 0)[0])]}, and it begins on {days[0]}; give a longer curve, or the"
            " published basket"
        )
    known = published["known_at"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    return published["rate"].to_numpy()[at], known[at]
