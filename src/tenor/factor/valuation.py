"""What the legs of a pair are worth: from curve, funding and basket to carry, net basis and implied repo, by session.

A study says once how its futures are priced (:class:`Valuation`): which curve at which points, which quoted funding
terms, which basket. For T1906-T1909 on 2019-04-10, decided at the close, that is every bond deliverable into each leg
at the yield that the ChinaBond curve of the day *before* has at its life (that day's curve came out after the close)
plus, where the bond itself was quoted that day, its own spread to the curve; carried to each second delivery day at the
term repo between the SHIBOR fixings of that morning; and compared with both closes of that day.

Two things to know. A bond without a quote is priced off the curve, and whoever reads a number is told how many were.
And at the close curve and futures are not of the same moment, so an implied repo rate of one leg holds a day's move of
the curve; the difference of two legs does not. A study that decides in the evening has both of the same day.

Pricing is arithmetic alone (:func:`price_leg`, :func:`pair_value`). It is called with the sessions of a panel for
factors, and with a leading axis of scenarios for a what-if: one formula.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import polars as pl
from annotated_types import Gt, Len

from tenor.errors import MarketError, StudyError
from tenor.factor.align import known_on
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
from tenor.market.contract import CalendarSpread, Contract, Product
from tenor.market.curve import Curve, FundingCurve
from tenor.market.market import Market
from tenor.pricing.basis import basis
from tenor.pricing.basket import KnownBasket, published_basket, stand_in_basket
from tenor.pricing.bond import yield_from_clean
from tenor.pricing.calendar_spread import implied_forward_repo, shared
from tenor.pricing.delivery import Delivery, Fair, deliver, dirty, fair
from tenor.pricing.forward import DAYS_PER_YEAR
from tenor.settings import STRICT
from tenor.units import AnyArray, Bools, Dates, Floats, Ints

LEG_VALUES = ("carry", "net_basis", "irr", "irr_less_funding", "ctd_life", "switch_distance")
"""Of each leg's cheapest bond: carry and net basis (points), implied repo rate and that less term funding (decimal per
year), life (years), and how far above it the second cheapest bond lies (points of futures price; NaN with one bond)."""
PAIR_VALUES = ("forward_repo", "forward_repo_less_funding", "same_ctd")
"""Of the pair: implied forward repo between the deliveries and that less what funding implies (decimal per year), and 1
where one bond is the cheapest of both legs, else 0."""

SHIFT = ".SHIFT"
"""Ends the name of a curve that holds what a scenario added to another: ``CGB.SHIFT``, rows of the decision alone."""

NIGHT = "NIGHT."
"""A rate so named, ``NIGHT.2019-06-30``, is that one night's premium over the funding curve; scenarios write it."""


Nights: TypeAlias = Mapping[int, tuple[Ints, Floats]]
"""By position of a session: how many nights ahead, and the premium of each; only sessions that know of any."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """How the futures of a study are priced.

    Parameters
    ----------
    curve
        The published curve of yields to maturity that bonds are priced off, as the market names it, such as ``CGB``.
    tenors
        Points of the curve that are used, in years, ascending. The yield at a bond's life is read between them by a
        monotone Hermite spline, and not beyond them: they span the lives of the bonds.
    funding
        Quoted term rates and the days of each, such as ``{"SHIBOR.1W" = 7, "SHIBOR.3M" = 91}``; simple, actual/365.
        Before the first and after the last the rate is that one.
    basket
        ``published``: the market's list of deliverable bonds. ``stand_in``: bonds that were never issued, for contracts
        without a list; every output that rests on them says so (:mod:`tenor.pricing.basket`).
    compounding
        How often the curve's yields are compounded: as often as the ``bond`` pays that is read off it (how yields are
        quoted in China), or ``annual``.
    """

    __pydantic_config__: ClassVar = STRICT
    curve: str
    tenors: Annotated[tuple[Annotated[float, Gt(0)], ...], Len(2)]
    funding: Annotated[Mapping[str, Annotated[int, Gt(0)]], Len(1)]
    basket: Literal["published", "stand_in"]
    compounding: Literal["bond", "annual"] = "bond"

    def __post_init__(self) -> None:
        if list(self.tenors) != sorted(set(self.tenors)):
            raise StudyError(f"tenors: {list(self.tenors)} must ascend, each once")
        terms = list(self.funding.values())
        if len(set(terms)) < len(terms):
            raise StudyError(f"funding: two rates of the same term in {dict(self.funding)}; keep one")

    @property
    def terms(self) -> tuple[tuple[str, int], ...]:
        """Funding rates, shortest first."""
        return tuple(sorted(self.funding.items(), key=lambda term: term[1]))

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The aligned series that values rest on: curve points, then funding terms."""
        points = (Field("curve", f"{self.curve}:{years:g}") for years in self.tenors)
        return (*points, *(Field("rate", name) for name, _ in self.terms))


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One contract over some sessions: everything about its basket that does not depend on the curve or on funding.

    Parameters
    ----------
    contract
        What is delivered into.
    known
        Its bonds.
    delivery
        Dates, accrued interest and coupons of each, shapes ``(session, bond)``.
    deliverable
        ``(session, bond)``: known to be deliverable at the decision.
    own_spread
        ``(session, bond)``: quoted yield less curve yield; 0 where the bond was not quoted that session.
    quoted
        ``(session, bond)``: the bond was quoted that session.
    annual
        Whether the curve's yields are compounded once a year, whatever the bond pays.
    """

    contract: Contract
    known: KnownBasket
    delivery: Delivery
    deliverable: Bools
    own_spread: Floats
    quoted: Bools
    annual: bool = False

    def off(self, curve: Curve) -> Floats:
        """Yield of each bond on ``curve``, compounded as often as it pays: ``(..., session, bond)``.

        NaN where it is not deliverable: a bond that is not issued yet may be longer than any curve.
        """
        life = np.where(self.deliverable, self.delivery.life, np.nan)
        return read_off(curve, life, self.known.bonds.frequency, annual=self.annual)

    @property
    def bonds(self) -> tuple[str, ...]:
        """Codes of the bonds, by position."""
        return self.known.bonds.bonds

    def require(self, market: Market) -> None:
        """Raise :class:`MarketError` unless a bond is known to be deliverable on the last session."""
        if self.deliverable[-1].any():
            return
        table = market.basket(self.contract.code)  # refuses, with the contracts that have a list, if there is none
        raise MarketError(
            f"the basket of {self.contract.code} is empty on {self.delivery.on[-1]}: its bonds are known from"
            f" {str(table['known_at'].min())[:10]} on; ask for a later date, or give the deliverables of that time"
        )

    def last(self) -> "Leg":
        """Return the leg on its last session alone."""
        delivery = deliver(self.known.bonds, self.delivery.on[-1:], self.delivery.second_delivery)
        now = slice(-1, None)
        return replace(
            self,
            delivery=delivery,
            deliverable=self.deliverable[now],
            own_spread=self.own_spread[now],
            quoted=self.quoted[now],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Both legs of one pair over the same sessions."""

    near: Leg
    far: Leg
    shared: Ints
    """``(bond of near,)``: position of each bond of the near basket in the far one, -1 where it is not in it."""

    def last(self) -> "Pair":
        """Return the pair on its last session alone."""
        return Pair(self.near.last(), self.far.last(), self.shared)


@dataclass(frozen=True, slots=True, eq=False)
class PricedLeg:
    """A leg priced off a curve and funding, whatever it trades at; leading axes are scenarios.

    Parameters
    ----------
    leg
        Its bonds and dates.
    yields, paid
        ``(..., session, bond)``: yield (decimal) and dirty price (points) of each bond.
    repo
        ``(..., session)``: term funding to the second delivery day.
    fair
        Fair futures price, the bond that sets it, and how far the next one is: each ``(..., session)``.
    """

    leg: Leg
    yields: Floats
    paid: Floats
    repo: Floats
    fair: Fair

    def of_cheapest(self, values: Floats) -> Floats:
        """Take the cheapest bond's of ``values`` ``(..., session, bond)``; NaN for an empty basket."""
        lead = np.broadcast_shapes(self.fair.cheapest.shape, values.shape[:-1])
        cheapest = np.broadcast_to(self.fair.cheapest, lead)
        shaped = np.broadcast_to(values, (*lead, values.shape[-1]))
        taken = np.take_along_axis(shaped, np.maximum(cheapest, 0)[..., None], axis=-1)[..., 0]
        return np.where(cheapest >= 0, taken, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class LegValue:
    """A priced leg against what it trades at: of the cheapest bond, each ``(..., session)``; NaN for an empty basket.

    Parameters
    ----------
    priced
        The leg without its price.
    clean, gross, carry, net
        Clean price, gross basis, carry and net basis, points.
    irr
        Implied repo rate, coupons reinvested at itself, decimal per year.
    life
        Years.
    """

    priced: PricedLeg
    clean: Floats
    gross: Floats
    carry: Floats
    net: Floats
    irr: Floats
    life: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PairValue:
    """What both legs are worth, and the forward funding between their deliveries; leading axes are scenarios.

    ``forward_repo`` (that the two prices imply, NaN where no bond is deliverable into both) and ``forward_funding``
    (that the funding curve implies) have shape ``(..., session)``, decimal per year, simple, actual/365.
    """

    near: LegValue
    far: LegValue
    forward_repo: Floats
    forward_funding: Floats
    same: Floats
    """``(..., session)``: 1 where one bond is the cheapest of both legs, else 0; NaN where either has none."""

    @property
    def fields(self) -> dict[Field, Floats]:
        """The values as series that factors may read."""
        found: dict[Field, Floats] = {}
        for table, leg in (("near", self.near), ("far", self.far)):
            of_leg = (
                leg.carry,
                leg.net,
                leg.irr,
                leg.irr - leg.priced.repo,
                leg.life,
                _finite(leg.priced.fair.switch_distance),
            )
            found |= {Field(table, name): value for name, value in zip(LEG_VALUES, of_leg, strict=True)}
        of_pair = (self.forward_repo, self.forward_repo - self.forward_funding, self.same)
        return found | {Field("pair", name): value for name, value in zip(PAIR_VALUES, of_pair, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """The legs of a panel with what they were valued from: curve ``(session, tenor)``, funding ``(session, node)``."""

    pair: Pair
    curve: Curve
    funding: Floats
    value: PairValue

    @property
    def fields(self) -> dict[Field, Floats]:
        """The values as series, each of shape ``(session,)``."""
        return self.value.fields


def is_valued(field: Field) -> bool:
    """Say whether a series is a value of a leg or of the pair, which only a valuation gives."""
    return field.name in (
        LEG_VALUES if field.table in ("near", "far") else PAIR_VALUES if field.table == "pair" else ()
    )


def value_pair(
    market: Market,
    product: Product,
    spread: CalendarSpread,
    sessions: Dates,
    moments: AnyArray,
    fields: Mapping[Field, Floats],
    valuation: Valuation,
) -> Valued:
    """Value both legs of a pair on each session; NaN while a basket is not known.

    Parameters
    ----------
    sessions, moments
        Shape ``(session,)``: days, and when one decides on each (``datetime64[us]``, UTC).
    fields
        Both closes and ``valuation.inputs``, aligned, each of shape ``(session,)``.

    Raises
    ------
    MarketError
        If a deliverable bond is longer or shorter than the curve.
    """
    points = len(valuation.tenors)
    rates = np.stack([fields[field] for field in valuation.inputs], axis=-1)
    shift = _shifts(market, valuation, sessions, moments)
    curve = Curve(valuation.curve, np.array(valuation.tenors), rates[:, :points] - shift, shift)
    near, far = (
        resolve_leg(market, product, contract, sessions, moments, valuation, curve)
        for contract in (spread.near, spread.far)
    )
    pair = Pair(near, far, shared(near.known.bonds, far.known.bonds))
    funding = rates[:, points:]
    nights = known_nights(market, sessions, moments)
    near_repo, far_repo = (term_funding(valuation, funding, leg.delivery.days, nights) for leg in (near, far))
    legs = price_leg(near, curve, near_repo), price_leg(far, curve, far_repo)
    value = pair_value(*legs, fields[NEAR_CLOSE], fields[FAR_CLOSE], pair.shared)
    return Valued(pair, curve, funding, value)


def read_off(curve: Curve, life: Floats, frequency: Ints, *, annual: bool) -> Floats:
    """Read bonds' yields off a curve, compounded as often as they pay.

    Parameters
    ----------
    life, frequency
        Years to maturity ``(..., bond)``, and coupons per year ``(bond,)``.
    annual
        Whether the curve's own yields are compounded once a year; else they are taken as they are.
    """
    read = curve.along(life)
    if not annual:
        return read
    grown = np.where(read > -1.0, 1.0 + read, np.nan)
    return np.asarray(frequency * (grown ** (1.0 / frequency) - 1.0), np.float64)


def basket_of(market: Market, product: Product, contract: Contract, valuation: Valuation) -> KnownBasket:
    """Return the basket of ``contract`` as the valuation says; one that is never known where it is not published."""
    if valuation.basket == "stand_in":
        return stand_in_basket(market, product, contract, valuation.curve)
    return published_basket(market, product, contract)


def price_leg(leg: Leg, curve: Curve, repo: Floats, gap: Floats | float = 0.0) -> PricedLeg:
    """Price a leg's bonds and the leg itself.

    Parameters
    ----------
    curve
        Yields, ``(..., session, tenor)``; a bond keeps its own spread to them.
    repo
        Term funding to the second delivery day, ``(..., session)``.
    gap
        Points on top of what the curve makes of each bond, ``(..., session, bond)``; yields are those without it.
    """
    yields = leg.off(curve) + leg.own_spread
    paid = dirty(leg.delivery, yields) + gap
    return PricedLeg(leg, yields, paid, repo, fair(leg.delivery, paid, repo, leg.deliverable))


def pair_value(near: PricedLeg, far: PricedLeg, near_price: Floats, far_price: Floats, place: Ints) -> PairValue:
    """Hold two priced legs against their prices, ``(..., session)``: arithmetic alone, for panels and for scenarios.

    ``place`` is the position of each near bond in the far basket: :attr:`Pair.shared`.
    """
    days, days_far = near.leg.delivery.days, far.leg.delivery.days
    growth = (1.0 + far.repo * days_far / DAYS_PER_YEAR) / (1.0 + near.repo * days / DAYS_PER_YEAR)
    both = near.leg.deliverable & (place >= 0) & far.leg.deliverable[:, np.maximum(place, 0)]
    carried = fair(near.leg.delivery, near.paid, near.repo, both).cheapest
    into_far = np.where(carried >= 0, place[np.maximum(carried, 0)], -1)
    known = (near.fair.cheapest >= 0) & (far.fair.cheapest >= 0)
    same = np.where(known, place[np.maximum(near.fair.cheapest, 0)] == far.fair.cheapest, np.nan)
    return PairValue(
        near=_leg_value(near, near_price),
        far=_leg_value(far, far_price),
        forward_repo=implied_forward_repo(
            near.leg.delivery, carried, near_price, far.leg.delivery, into_far, far_price
        ),
        forward_funding=(growth - 1.0) * DAYS_PER_YEAR / (days_far - days),
        same=same,
    )


def term_funding(valuation: Valuation, rates: Floats, days: Floats, nights: Nights) -> Floats:
    """Term funding from each session to the day ``days`` (``(session,)``) ahead: ``(..., session)``.

    ``rates`` has shape ``(..., session, node)``: the quotes of ``valuation.terms``.
    """
    found = funding_curve(valuation, rates).term(days[:, None])[..., 0]
    for at, (ahead, premium) in nights.items():
        found[..., at] = funding_curve(valuation, rates[..., at, :], ahead, premium).term(days[at])
    return found


def beyond_funding(valuation: Valuation, days: float, contract: str) -> list[str]:
    """Say, in a list of one sentence or none, where a delivery lies beyond the last quoted funding term."""
    name, last = valuation.terms[-1]
    if days <= last:
        return []
    return [f"{contract}: funding beyond {name} ({last} days) is taken as flat to its delivery in {days:g} days"]


def funding_curve(
    valuation: Valuation, rates: Floats, nights: Ints | None = None, premium: Floats | None = None
) -> FundingCurve:
    """Return the funding curve of quotes ``(..., node)``, with the nights that stand above it."""
    names, terms = zip(*valuation.terms, strict=True)
    if nights is None or premium is None:
        return FundingCurve(names, np.array(terms, np.float64), rates)
    return FundingCurve(names, np.array(terms, np.float64), rates, nights, premium)


def resolve_leg(
    market: Market,
    product: Product,
    contract: Contract,
    sessions: Dates,
    moments: AnyArray,
    valuation: Valuation,
    curve: Curve,
) -> Leg:
    """Look up basket, dates and bond quotes of one leg; a basket that is not known yet has no deliverable bond."""
    known = basket_of(market, product, contract, valuation)
    deliverable = known.deliverable(moments)
    delivery = deliver(known.bonds, sessions, product.second_delivery_day(contract))
    observed = _quoted_yields(market, known, sessions, moments)
    quoted = np.isfinite(observed)
    leg = Leg(contract, known, delivery, deliverable, np.zeros(quoted.shape), quoted, valuation.compounding == "annual")
    return replace(leg, own_spread=np.where(quoted, observed - leg.off(curve), 0.0))


def _quoted_yields(market: Market, known: KnownBasket, sessions: Dates, moments: AnyArray) -> Floats:
    """Yield of each bond's close on exactly each session, ``(session, bond)``; NaN where it was not quoted."""
    bonds = known.bonds
    found = np.full((len(sessions), len(bonds.bonds)), np.nan)
    there = set(market.codes())
    for at, code in enumerate(bonds.bonds):
        if code in there:
            clean = known_on(market.quotes.filter(pl.col("code") == code), "close", sessions, moments)
            seen = np.isfinite(clean)
            terms = (bonds.coupon[at], bonds.frequency[at], bonds.maturity[at])
            found[seen, at] = yield_from_clean(clean[seen], *terms, sessions[seen])
    return found


def _leg_value(priced: PricedLeg, price: Floats) -> LegValue:
    held = basis(priced.leg.delivery, priced.paid, price, priced.repo, reinvest="self")
    return LegValue(
        priced=priced,
        clean=priced.of_cheapest(held.clean),
        gross=priced.of_cheapest(held.gross),
        carry=priced.of_cheapest(held.carry),
        net=priced.of_cheapest(held.net),
        irr=priced.of_cheapest(held.irr),
        life=priced.of_cheapest(priced.leg.delivery.life),
    )


def scenario_curves(market: Market) -> tuple[str, ...]:
    """Return the names of curves that scenarios wrote."""
    return tuple(sorted(name for name in market.curve["curve"].unique().to_list() if name.endswith(SHIFT)))


def _shifts(market: Market, valuation: Valuation, sessions: Dates, moments: AnyArray) -> Floats:
    """What a scenario added to the valuation's points, ``(session, tenor)``: 0 but in its own market."""
    name = valuation.curve + SHIFT
    added = np.zeros((len(sessions), len(valuation.tenors)))
    if name in scenario_curves(market):
        for at, years in enumerate(valuation.tenors):
            rows = market.curve.filter((pl.col("curve") == name) & (pl.col("tenor") == years))
            added[:, at] = np.nan_to_num(known_on(rows, "rate", sessions, moments))
    return added


def night_premiums(market: Market) -> pl.DataFrame:
    """Return the rows of ``rates`` that are premiums of single nights, with the ``night`` that each belongs to."""
    rows = market.rates.filter(pl.col("name").str.starts_with(NIGHT))
    return rows.with_columns(pl.col("name").str.strip_prefix(NIGHT).str.to_date().alias("night"))


def _finite(values: Floats) -> Floats:
    """Infinity as unknown: with one bond there is no second that could take its place."""
    return np.where(np.isfinite(values), values, np.nan)


def known_nights(market: Market, sessions: Dates, moments: AnyArray) -> Nights:
    """Return, for each session that knows of any, the nights ahead and their premiums."""
    rows = night_premiums(market)
    found: dict[int, tuple[Ints, Floats]] = {}
    if rows.is_empty():
        return found
    for at, (session, moment) in enumerate(zip(sessions, moments, strict=True)):
        known = rows.filter(pl.col("known_at").dt.replace_time_zone(None) <= moment.item()).sort("date")
        known = known.unique("night", keep="last").sort("night").drop_nulls("rate")
        ahead = (known["night"].to_numpy().astype("datetime64[D]") - session).astype(np.int64)
        if (ahead >= 0).any():
            found[at] = (ahead[ahead >= 0], known["rate"].to_numpy()[ahead >= 0])
    return found
