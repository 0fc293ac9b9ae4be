"""One contract on one day against every bond that can be delivered into it: the table that a basis desk opens with.

For T1903 on 2018-12-10: each deliverable bond with its yield and price, gross basis, carry, net basis and implied repo
rate against the futures price of that day, what the contract would cost at fair value, and which bond is the cheapest,
by forward price over factor (which sets the price) and by implied repo rate (which desks quote). The two may differ
where bonds cost very different amounts of money.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.factor.align import known_as_of
from tenor.factor.panel import Decision, decision_times
from tenor.factor.valuation import Leg, PricedLeg, Valuation, known_nights, price_leg, resolve_leg, term_funding
from tenor.market.contract import Contract, Product
from tenor.market.curve import Curve
from tenor.market.market import Market
from tenor.pricing.basis import Basis, Reinvest, basis
from tenor.units import Floats, Price


@dataclass(frozen=True, slots=True, eq=False)
class ContractValue:
    """One contract on one day; arrays are ``(bond,)``, and only bonds known to be deliverable are in them.

    Parameters
    ----------
    contract, session, decision
        What, on which day, and with what was known at its close or in the evening.
    price, price_source
        Futures price, and where it comes from: ``close``, ``settle`` or ``given``.
    priced
        Leg, yields, dirty prices, funding and fair price.
    held
        Every quantity of the basis, ``(1, bond)``.
    reinvest
        What coupons on the way earn in the implied repo rate.
    curve_date
        Date of the curve that bonds are priced off.
    """

    contract: Contract
    session: date
    decision: Decision
    price: Price
    price_source: str
    priced: PricedLeg
    held: Basis
    reinvest: Reinvest
    curve_date: date

    @property
    def leg(self) -> Leg:
        """The contract's bonds and dates."""
        return self.priced.leg


def value_contract(
    market: Market,
    product: Product,
    contract: Contract,
    session: date,
    valuation: Valuation,
    *,
    decision: Decision = "evening",
    price: Price | None = None,
    reinvest: Reinvest = "self",
    max_age_days: int = 10,
) -> ContractValue:
    """Value one contract.

    Parameters
    ----------
    session
        A session of the product's exchange, not after the second delivery day.
    decision
        ``evening`` has the curve of that day, ``close`` that of the day before.
    price
        Futures price; ``None`` takes the close of ``session``, or the settlement where there is no close.

    Raises
    ------
    MarketError
        If there is no basket, price, curve or funding for that day; or the day is after the second delivery day.
    """
    days = np.array([session], "datetime64[D]")
    moments = decision_times(product, days, decision)
    if session > product.second_delivery_day(contract):
        raise MarketError(
            f"{session} is after {product.second_delivery_day(contract)}, the second delivery day of {contract.code}:"
            " negative time; ask for an earlier date"
        )
    found, source = (price, "given") if price is not None else _price(market, contract, session)
    rates, oldest = _inputs(market, valuation, moments, max_age_days, session)
    points = len(valuation.tenors)
    curve = Curve(valuation.curve, np.array(valuation.tenors), rates[:, :points])
    leg = resolve_leg(market, product, contract, days, moments, valuation, curve)
    nights = known_nights(market, days, moments)
    repo = term_funding(valuation, rates[:, points:], leg.delivery.days, nights)
    priced = price_leg(leg, curve, repo)
    held = basis(leg.delivery, priced.paid, np.array([found]), repo, reinvest=reinvest)
    return ContractValue(contract, session, decision, float(found), source, priced, held, reinvest, oldest)


def _price(market: Market, contract: Contract, session: date) -> tuple[Price, str]:
    rows = market.quotes.filter((pl.col("code") == contract.code) & (pl.col("date") == session))
    for column in ("close", "settle"):
        values = rows.drop_nulls(column)[column]
        if len(values):
            return float(values[0]), column
    held = market.quotes.filter(pl.col("code") == contract.code)["date"]
    quoted = f"it is quoted from {held.min()!s} to {held.max()!s}" if len(held) else "it is never quoted there"
    raise MarketError(f"no price of {contract.code} on {session} in {market.name!r}; {quoted}; give one with --price")


def _inputs(
    market: Market, valuation: Valuation, moments: Floats, max_age_days: int, session: date
) -> tuple[Floats, date]:
    """Curve points and funding terms as known, ``(1, input)``, and the date of the oldest point used."""
    values, oldest = [], session
    for field in valuation.inputs:
        if field.table == "curve":
            curve, _, years = field.name.rpartition(":")
            frame = market.tenor(curve, float(years))
            known = frame.filter(pl.col("known_at").dt.replace_time_zone(None) <= moments[0].item()).drop_nulls("rate")
            last = known["date"].max()
            oldest = min(oldest, last) if isinstance(last, date) else oldest
        else:
            frame = market.rate(field.name)
        value = known_as_of(frame, "rate", moments, max_age_days)
        if not np.isfinite(value).all():
            raise MarketError(
                f"{field} was not known on {session} (or was older than {max_age_days} days); it is published from"
                f" {frame['date'].min()!s} to {frame['date'].max()!s}"
            )
        values.append(value)
    return np.stack(values, axis=-1), oldest
