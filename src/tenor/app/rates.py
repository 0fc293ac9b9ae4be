"""Prices and bases: the commands ``price`` and ``basis``.

Both answer without a run. ``price`` needs nothing but the terms of a bond, or a market that knows the bond; ``basis``
needs a market and how futures are priced on it: the tables ``[market]`` and ``[valuation]`` of a study, or of a file
that has only these two. Without one, a simulated market is drawn, and the answer says SIMULATED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tenor.errors import CalendarError, MarketError, StudyError
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    from tenor.market.market import Market

Answer: TypeAlias = dict[str, Any]

SIMULATED_VALUATION: Mapping[str, Any] = {
    "curve": "CGB",
    "tenors": [1, 2, 3, 5, 7, 10, 30],
    "funding": {"REPO.ON": 1, "REPO.1W": 7, "REPO.1M": 30},
    "basket": "published",
    "compounding": "annual",
}
"""How futures are priced on the simulated market."""


MOST_COUPON, MOST_YIELD = 0.20, 0.50
"""Largest coupon that is taken as meant, and largest yield in size that a stated price may have."""


@dataclass(frozen=True, slots=True)
class PriceBond:
    """Price a bond from its terms, or one that a market knows.

    Parameters
    ----------
    on
        The day that is priced.
    coupon, maturity, frequency
        Terms; the coupon with its unit, such as ``3.69%``, paid twice a year unless said otherwise.
    yield_, clean
        One of them, where terms are given: ``3.3%``, or a clean price.
    bond, market, data
        Instead of terms: a bond code of the market of this file, priced off its curve or at its quote.
    into
        A contract: the answer says its conversion factor too.
    """

    on: date
    coupon: str | None = None
    maturity: date | None = None
    frequency: int | None = None
    yield_: str | None = None
    clean: float | None = None
    bond: str | None = None
    market: Path | None = None
    data: Path | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class ShowBasis:
    """Show one contract against its deliverable bonds.

    Parameters
    ----------
    contract
        Its code, such as ``T2609``.
    on
        The session.
    market, data
        A file with the tables ``[market]`` and ``[valuation]`` (a study, for instance), and the folder to read instead
        of its own; ``None`` for the simulated market.
    decision
        ``evening`` has that day's curve, ``close`` the one of the day before.
    price
        Futures price instead of the observed one.
    reinvest
        What coupons before delivery earn in the implied repo rate.
    """

    contract: str
    on: date
    market: Path | None = None
    data: Path | None = None
    decision: Literal["close", "evening"] = "evening"
    price: float | None = None
    reinvest: Literal["self", "zero", "funding"] = "self"


def price_bond(request: PriceBond, watch: Progress = silent) -> Answer:
    """Return price, yield, accrued interest and sensitivities of a bond."""
    import numpy as np

    from tenor.pricing import bond as pricing

    found = _known_bond(request) if request.bond is not None else _stated_bond(request)
    terms = (found["coupon"], found["frequency"], np.datetime64(found["maturity"], "D"), np.datetime64(request.on, "D"))
    rate = np.float64(found["yield"])
    dirty = float(pricing.dirty_from_yield(rate, *terms))
    accrued = float(pricing.accrued(*terms))
    if dirty == 0.0:
        raise MarketError(f"the bond matured on {found['maturity']}, by {request.on} nothing is left to price")
    answer: Answer = {
        **found,
        "on": request.on.isoformat(),
        "maturity": found["maturity"].isoformat(),
        "clean": dirty - accrued,
        "accrued": accrued,
        "dirty": dirty,
        "macaulay_years": float(pricing.macaulay_duration(rate, *terms)),
        "modified_duration": float(pricing.modified_duration(rate, *terms)),
        "convexity": float(pricing.convexity(rate, *terms)),
        "dv01": float(pricing.dv01(rate, *terms)),
    }
    if request.into is not None:
        answer |= _delivered(request.into, found)
    return answer


def show_basis(request: ShowBasis, watch: Progress = silent) -> Answer:
    """Return the table of deliverable bonds of one contract on one day."""
    from tenor.market.contract import Contract

    product = Contract.parse(request.contract).product
    return basis_on(request, *_priced_market(request.market, request.data, product, request.on))


def basis_on(request: ShowBasis, market: "Market", valuation: Any) -> Answer:
    """Return what :func:`show_basis` does, on a market that was read and as its futures are priced."""
    import numpy as np

    from tenor.factor.contract_value import value_contract
    from tenor.factor.valuation import beyond_funding
    from tenor.market.contract import Contract, product
    from tenor.pricing.basis import cheapest_by_irr
    from tenor.pricing.basket import STAND_IN_BASKET
    from tenor.scenario.amount import POINTS_BOUND

    contract = Contract.parse(request.contract)
    rules = product(contract.product)
    value = value_contract(
        market,
        rules,
        contract,
        request.on,
        valuation,
        decision=request.decision,
        price=request.price,
        reinvest=request.reinvest,
    )
    leg, held, fair = value.leg, value.held, value.priced.fair
    if request.price is not None and not abs(request.price - fair.price[0]) <= POINTS_BOUND:
        raise StudyError(
            f"--price {request.price:g} is more than {POINTS_BOUND:g} points from the fair price of"
            f" {fair.price[0]:.4f}; a price is per 100 of face"
        )
    there = np.flatnonzero(leg.deliverable[0])
    by_irr = int(cheapest_by_irr(held, leg.deliverable)[0])
    bonds = leg.known.bonds
    rows = [
        {
            "bond": bonds.bonds[at],
            "coupon": float(bonds.coupon[at]),
            "frequency": int(bonds.frequency[at]),
            "maturity": str(bonds.maturity[at]),
            "factor": float(bonds.factor[at]),
            "quoted": bool(leg.quoted[0, at]),
            "yield": float(value.priced.yields[0, at]),
            "clean": float(held.clean[0, at]),
            "accrued": float(held.accrued[0, at]),
            "accrued_at_delivery": float(leg.delivery.accrued_at_delivery[at]),
            "implied_futures": float(held.implied_futures[0, at]),
            "gross_basis": float(held.gross[0, at]),
            "carry": float(held.carry[0, at]),
            "net_basis": float(held.net[0, at]),
            "irr": _number(held.irr[0, at]),
            "cheapest": at == int(fair.cheapest[0]),
            "cheapest_by_irr": at == by_irr,
        }
        for at in there.tolist()
    ]
    order = np.argsort(-np.nan_to_num(held.irr[0, there], nan=-np.inf), kind="stable")
    rows = [rows[at] for at in order.tolist()]
    unquoted = sum(not row["quoted"] for row in rows)
    notes = []
    if leg.known.stand_in:
        notes.append(STAND_IN_BASKET)
    if unquoted:
        notes.append(
            f"{unquoted} of {len(rows)} bonds have no quote on {request.on}: priced off curve {valuation.curve}"
        )
    notes += beyond_funding(valuation, float(leg.delivery.days[0]), contract.code)
    return {
        "contract": contract.code,
        "on": request.on.isoformat(),
        "decision": request.decision,
        "source": market.name,
        "simulated": market.simulated,
        "stand_in": leg.known.stand_in,
        "last_trading_day": rules.last_trading_day(contract).isoformat(),
        "second_delivery_day": str(leg.delivery.second_delivery),
        "days": float(leg.delivery.days[0]),
        "price": value.price,
        "price_source": value.price_source,
        "fair": _number(fair.price[0]),
        "richness": _number(value.price - fair.price[0]),
        "switch_distance": _number(fair.switch_distance[0]),
        "funding": float(value.priced.repo[0]),
        "curve": valuation.curve,
        "curve_date": value.curve_date.isoformat(),
        "reinvest": request.reinvest,
        "bonds": rows,
        "notes": notes,
        "data_notes": list(market.notes),
    }


def _number(value: Any) -> float | None:
    """A number for JSON: ``None`` where there is none."""
    import math

    return float(value) if math.isfinite(value) else None


def _stated_bond(request: PriceBond) -> Answer:
    import numpy as np

    from tenor.pricing.bond import yield_from_clean

    if request.coupon is None or request.maturity is None:
        raise StudyError("say which bond: --coupon 3.69% --maturity 2028-05-17, or a bond code with --market FILE")
    if (request.yield_ is None) == (request.clean is None):
        raise StudyError("give one of --yield 3.3% and --clean 103.14")
    coupon = _percent(request.coupon, "--coupon")
    if not 0 <= coupon <= MOST_COUPON:
        raise StudyError(f"--coupon {request.coupon}: a coupon lies between 0 and {MOST_COUPON:.0%} a year")
    frequency = 2 if request.frequency is None else request.frequency
    if frequency not in (1, 2, 4):
        raise StudyError(f"--frequency {frequency}: a bond pays 1, 2 or 4 times a year")
    if request.market is not None or request.data is not None:
        raise StudyError("a bond from its terms needs no market; leave --market and --data out, or give its code")
    if request.yield_ is not None:
        value = _percent(request.yield_, "--yield")
        if abs(value) > MOST_YIELD:
            raise StudyError(f"--yield {request.yield_} is beyond {MOST_YIELD:.0%}; a yield is given as 3.3%, per year")
    else:
        terms = (coupon, frequency, np.datetime64(request.maturity, "D"), np.datetime64(request.on, "D"))
        value = float(yield_from_clean(np.float64(request.clean), *terms))
        if abs(value) > MOST_YIELD:
            raise StudyError(
                f"--clean {request.clean:g} is a yield of {value:.0%}; a price is per 100 of face, a yield is given as"
                " --yield 3.3%"
            )
    return {
        "bond": None,
        "coupon": coupon,
        "frequency": frequency,
        "maturity": request.maturity,
        "yield": value,
        "priced_from": "yield" if request.yield_ is not None else "clean price",
    }


def _percent(text: str, option: str) -> float:
    """A level of a rate, with its unit, as a decimal."""
    from tenor.scenario.amount import parse

    number, unit = parse(text)
    if unit not in ("%", "bp"):
        raise StudyError(f"{option} {text} has no unit; write {text}% (or {text}bp)")
    return number / (100.0 if unit == "%" else 10_000.0)


def _known_bond(request: PriceBond) -> Answer:
    import numpy as np

    from tenor.factor.align import known_on
    from tenor.factor.contract_value import MAX_AGE_DAYS, known_inputs
    from tenor.factor.valuation import read_off
    from tenor.io.studies import read_priced_market
    from tenor.market.curve import Curve
    from tenor.pricing.bond import years_left, yield_from_clean

    if request.market is None:
        raise StudyError(f"say in which market bond {request.bond!r} is known: --market FILE")
    stated = (request.coupon, request.maturity, request.frequency, request.yield_, request.clean)
    if any(each is not None for each in stated):
        raise StudyError(
            "give a bond code, or terms with a yield or price, not both: the market knows its bonds' terms"
        )
    market, valuation = read_priced_market(request.market, request.data)
    bond = market.bond(str(request.bond))
    terms = (bond["coupon"][0], bond["frequency"][0], np.datetime64(bond["maturity"][0], "D"))
    day = np.array([request.on], "datetime64[D]")
    moment = (day + 1).astype("datetime64[us]")
    quotes = market.quotes.filter(market.quotes["code"] == request.bond)
    clean = known_on(quotes, "close", day, moment)[0]
    observed = request.on
    if np.isfinite(clean):
        value, source = float(yield_from_clean(clean, *terms, day[0])), "quote"
    else:
        inputs = valuation.inputs[: len(valuation.tenors)]
        points, observed = known_inputs(market, inputs, request.on, moment, MAX_AGE_DAYS)
        curve = Curve(valuation.curve, np.array(valuation.tenors), points[0])
        annual = valuation.compounding == "annual"
        value = float(read_off(curve, years_left(terms[2], day), np.array([terms[1]]), annual=annual)[0])
        source = f"curve {valuation.curve}"
    return {
        "bond": request.bond,
        "coupon": float(terms[0]),
        "frequency": int(terms[1]),
        "maturity": terms[2].item(),
        "yield": value,
        "priced_from": source,
        "source": market.name,
        "simulated": market.simulated,
        "observed": observed.isoformat(),
    }


def _delivered(code: str, bond: Answer) -> Answer:
    """The conversion factor into a contract, and whether the bond's life fits its rule."""
    import numpy as np

    from tenor.market.contract import Contract, product
    from tenor.pricing.bond import add_months
    from tenor.pricing.conversion_factor import conversion_factor

    contract = Contract.parse(code)
    rules, month = product(contract.product), np.datetime64(contract.delivery_month, "D")
    maturity = np.datetime64(bond["maturity"], "D")
    shortest, longest = (add_months(month, round(12 * years)) for years in rules.deliverable_years)
    factor = float(conversion_factor(bond["coupon"], bond["frequency"], maturity, month, notional=rules.coupon))
    return {
        "into": code,
        "conversion_factor": _number(factor),
        "life_fits": bool(shortest <= maturity <= longest),
        "life_rule": list(rules.deliverable_years),
    }


def _priced_market(file: Path | None, data: Path | None, code: str, on: date) -> tuple["Market", Any]:
    """A market and how futures are priced on it."""
    from tenor.io.studies import read_priced_market

    if file is not None:
        return read_priced_market(file, data)
    from datetime import timedelta

    from pydantic import TypeAdapter

    from tenor.factor.valuation import Valuation
    from tenor.io.sources.simulated import Simulated

    try:
        market = Simulated(products=(code,), first=on - timedelta(days=400), last=on + timedelta(days=7)).read()
    except (CalendarError, StudyError) as why:
        raise MarketError(f"no market is given (--market FILE), and none can be SIMULATED around {on}: {why}") from None
    return market, TypeAdapter(Valuation).validate_python(SIMULATED_VALUATION)
