"""One contract on one day against every bond that can be delivered into it: the table that a basis desk opens with.

For T1903 on 2018-12-10: each deliverable bond with its yield and price, gross basis, carry, net basis and implied repo
rate against the futures price of that day, what the contract would cost at fair value, and which bond is the cheapest,
by forward price over factor (which sets the price) and by implied repo rate (which desks quote). The two may differ
where bonds cost very different amounts of money.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.factor.align import known_as_of
from tenor.factor.base import Field
from tenor.factor.panel import Decision, decision_times
from tenor.factor.valuation import Leg, PricedLeg, Valuation, known_nights, price_leg, resolve_leg, term_funding
from tenor.market.contract import Contract, Product
from tenor.market.curve import Curve
from tenor.market.market import Market
from tenor.pricing.basis import Basis, Reinvest, basis
from tenor.units import AnyArray, Floats, Price

MAX_AGE_DAYS = 10
"""A curve point or rate older than this is not used, as in a study by default."""


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
    max_age_days: int = MAX_AGE_DAYS,
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
    found, source = (price, "given") if price is not None else _price(market, contract, session, moments[0].item())
    points = len(valuation.tenors)
    of_curve, oldest = known_inputs(market, valuation.inputs[:points], session, moments, max_age_days)
    of_funding, _ = known_inputs(market, valuation.inputs[points:], session, moments, max_age_days)
    curve = Curve(valuation.curve, np.array(valuation.tenors), of_curve)
    leg = resolve_leg(market, product, contract, days, moments, valuation, curve)
    leg.require(market)
    nights = known_nights(market, days, moments)
    repo = term_funding(valuation, of_funding, leg.delivery.days, nights)
    priced = price_leg(leg, curve, repo)
    held = basis(leg.delivery, priced.paid, np.array([found]), repo, reinvest=reinvest)
    return ContractValue(contract, session, decision, float(found), source, priced, held, reinvest, oldest)


def _price(market: Market, contract: Contract, session: date, moment: datetime) -> tuple[Price, str]:
    """The close of the session, or its settlement, as known at ``moment`` (UTC without its name)."""
    mine = (pl.col("code") == contract.code) & (pl.col("date") == session)
    rows = market.quotes.filter(mine & (pl.col("known_at").dt.replace_time_zone(None) <= moment))
    for column in ("close", "settle"):
        values = rows.drop_nulls(column)[column]
        if len(values):
            return float(values[0]), column
    held = market.quotes.filter(pl.col("code") == contract.code)["date"]
    quoted = f"it is quoted from {held.min()!s} to {held.max()!s}" if len(held) else "it is never quoted there"
    raise MarketError(f"no price of {contract.code} on {session} in {market.name!r}; {quoted}; give one with --price")


def known_inputs(
    market: Market, inputs: Sequence[Field], session: date, moment: AnyArray, max_age_days: int
) -> tuple[Floats, date]:
    """Return curve points and rates as last known at ``moment``, ``(1, input)``, and the date of the oldest of them.

    Raises
    ------
    MarketError
        If one of them was not known then, or is older than ``max_age_days``.
    """
    values, oldest = [], session
    for field in inputs:
        curve, _, years = field.name.rpartition(":")
        frame = market.tenor(curve, float(years)) if field.table == "curve" else market.rate(field.name)
        value = known_as_of(frame, "rate", moment, max_age_days)
        if not np.isfinite(value).all():
            raise MarketError(
                f"{field} was not known on {session} (or was older than {max_age_days} days); it is published from"
                f" {frame['date'].min()!s} to {frame['date'].max()!s}"
            )
        known = pl.col("known_at").dt.replace_time_zone(None) <= moment[0].item()
        last = frame.filter(known).drop_nulls("rate")["date"].max()
        oldest = min(oldest, last) if isinstance(last, date) else oldest
        values.append(value)
    return np.stack(values, axis=-1), oldest
