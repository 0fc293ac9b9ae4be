"""Shifts that are stated: the curve's level and shape, single points, funding, the turn of a quarter, a price, a path.

``Parallel("+10bp")`` raises every published point of the valuation curve. ``Repo("+50bp")`` raises every funding term,
and with it the price of a calendar spread, which is mostly a forward-funding position. ``QuarterEnd("+300bp")`` makes
the nights around the turn dear, and each quoted term by the average of what lies in it. Every shift is settings; what
its names mean is settled at a base (:mod:`tenor.scenario.base`), and a name that matches nothing there is an error that
lists what exists.

Shapes over the tenor are piecewise linear in years and flat beyond their ends; they act on the published points, from
which the curve is interpolated anew.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

import numpy as np
import polars as pl
from annotated_types import Gt, Interval, Len

from tenor.errors import MarketError, StudyError, suggest
from tenor.market.contract import Contract, product
from tenor.pricing.basket import STAND_IN
from tenor.scenario.amount import Amount, gap, log_multiple, rate, said
from tenor.scenario.base import Base
from tenor.scenario.moves import Moves
from tenor.settings import STRICT
from tenor.units import Floats, Price, Years

SMALLEST_PREMIUM = 0.01
"""Nights with less than this share of the turn's premium are left out."""
LONGEST_HALF_LIFE = 31
"""Days of half-life beyond which a shift is no turn of a quarter."""
FARTHEST_TURN = 366
"""Days ahead beyond which no turn is placed."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Every point of the valuation curve moves alike: ``dy(t) = amount``.

    Parameters
    ----------
    amount
        Change of every point, with its unit: ``+10bp``, or ``-0.25%`` for 25 basis points down.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    force: bool = False
    kind: Literal["parallel"] = "parallel"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return the same change for each point."""
        return on_curve(base, np.full(len(base.tenors), rate(self.amount, force=True)))

    def describe(self) -> str:
        """Name and amount."""
        return f"parallel {said(self.amount)}"


@dataclass(frozen=True, slots=True)
class Steepener:
    """The long end rises against the short end, turning about a pivot.

    ``dy(t) = amount * (s(t) - s(pivot))`` with ``s`` 0 up to ``short``, 1 from ``long``, linear between: so ``y(long)
    - y(short)`` rises by ``amount`` and the pivot stays.

    Parameters
    ----------
    amount
        By how much the long end rises against the short end, with its unit: ``+25bp``.
    short
        Years up to which the curve moves as its short end; not before the first point of the curve.
    long
        Years from which it moves as its long end; not after the last point of the curve.
    pivot
        Years at which the curve stays where it is, from ``short`` to ``long``.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    short: Annotated[float, Gt(0)] = 2.0
    long: Annotated[float, Gt(0)] = 10.0
    pivot: Annotated[float, Gt(0)] = 5.0
    force: bool = False
    kind: Literal["steepener"] = "steepener"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)
        _turning(self.short, self.pivot, self.long)

    def moves(self, base: Base) -> Moves:
        """Return the shape at each point; :class:`MarketError` if ``short`` or ``long`` lies outside the curve."""
        return on_curve(base, _tilt(base, self.amount, self.short, self.pivot, self.long))

    def describe(self) -> str:
        """Name, amount, ends and pivot."""
        return f"steepener {said(self.amount)} ({self.short:g}y to {self.long:g}y about {self.pivot:g}y)"


@dataclass(frozen=True, slots=True)
class Flattener:
    """The long end falls against the short end: a :class:`Steepener` of minus ``amount``.

    Parameters
    ----------
    amount
        By how much the long end falls against the short end, with its unit: ``+25bp``.
    short
        Years up to which the curve moves as its short end; not before the first point of the curve.
    long
        Years from which it moves as its long end; not after the last point of the curve.
    pivot
        Years at which the curve stays where it is, from ``short`` to ``long``.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    short: Annotated[float, Gt(0)] = 2.0
    long: Annotated[float, Gt(0)] = 10.0
    pivot: Annotated[float, Gt(0)] = 5.0
    force: bool = False
    kind: Literal["flattener"] = "flattener"

    def __post_init__(self) -> None:
        self._steepener()

    def moves(self, base: Base) -> Moves:
        """Return the shape at each point; :class:`MarketError` if ``short`` or ``long`` lies outside the curve."""
        return self._steepener().moves(base).scaled(-1.0)

    def describe(self) -> str:
        """Name, amount, ends and pivot."""
        return self._steepener().describe().replace("steepener", self.kind, 1)

    def _steepener(self) -> Steepener:
        return Steepener(self.amount, self.short, self.long, self.pivot, self.force)


@dataclass(frozen=True, slots=True)
class Butterfly:
    """The belly rises against the wings: ``2 y(belly) - y(short) - y(long)`` rises by twice ``amount``.

    ``dy`` is ``amount / 2`` at the belly and ``-amount / 2`` at both wings, linear between and flat beyond.

    Parameters
    ----------
    amount
        How far the belly moves away from the wings, with its unit: ``+20bp`` raises it by 10 and lowers them by 10.
    short
        Years of the short wing; shorter points move with it.
    belly
        Years of the belly, between the wings.
    long
        Years of the long wing; longer points move with it.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    short: Annotated[float, Gt(0)] = 2.0
    belly: Annotated[float, Gt(0)] = 5.0
    long: Annotated[float, Gt(0)] = 10.0
    force: bool = False
    kind: Literal["butterfly"] = "butterfly"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)
        if not self.short < self.belly < self.long:
            raise StudyError(
                f"short {self.short:g}, belly {self.belly:g} and long {self.long:g} years do not ascend; they must"
            )

    def moves(self, base: Base) -> Moves:
        """Return the shape at each point; :class:`MarketError` if a wing lies outside the curve."""
        _inside(base, self.short, self.long)
        half = rate(self.amount, force=True) / 2
        return on_curve(base, np.interp(base.tenors, (self.short, self.belly, self.long), (-half, half, -half)))

    def describe(self) -> str:
        """Name, amount and the three points."""
        return f"butterfly {said(self.amount)} ({self.short:g}y, {self.belly:g}y, {self.long:g}y)"


@dataclass(frozen=True, slots=True)
class KeyRate:
    """One published point moves; between points the curve is interpolated anew.

    Parameters
    ----------
    tenor
        Years of the point, one of the valuation's ``tenors``.
    amount
        Change of its yield, with its unit: ``+5bp``.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    tenor: float
    amount: Amount
    force: bool = False
    kind: Literal["key_rate"] = "key_rate"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return that point's change; :class:`MarketError` listing the points if it is none of them."""
        return Moves(curves={base.curve: {published(base, self.tenor): rate(self.amount, force=True)}})

    def describe(self) -> str:
        """Point and amount."""
        return f"{self.tenor:g}y {said(self.amount)}"


@dataclass(frozen=True, slots=True)
class Points:
    """Several published points move, each by its own amount.

    Parameters
    ----------
    points
        Tenor and change of each: ``{ 2y = "+5bp", 10y = "-3bp" }``. A tenor is one of the valuation's ``tenors``, named
        once.
    force
        Allow amounts beyond 500 basis points, which are otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    points: Annotated[Mapping[str, Amount], Len(1)]
    force: bool = False
    kind: Literal["points"] = "points"

    def __post_init__(self) -> None:
        named = [years_of(tenor) for tenor in self.points]
        if len(set(named)) < len(named):
            raise StudyError(f"points {list(self.points)} name one tenor twice; name each once")
        for amount in self.points.values():
            rate(amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return each point's change; :class:`MarketError` listing the points if one is none of them."""
        moved = {published(base, years_of(name)): rate(amount, force=True) for name, amount in self.points.items()}
        return Moves(curves={base.curve: moved})

    def describe(self) -> str:
        """Every point with its amount."""
        return ", ".join(f"{years_of(tenor):g}y {said(amount)}" for tenor, amount in self.points.items())


@dataclass(frozen=True, slots=True)
class Repo:
    """Every funding term moves alike: dear or cheap money over the whole time to delivery.

    Parameters
    ----------
    amount
        Change of each rate in the valuation's ``funding``, with its unit: ``+50bp``.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    force: bool = False
    kind: Literal["repo"] = "repo"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return the same change for each funding rate; :class:`MarketError` if the base is not funded."""
        return Moves(rates=dict.fromkeys(_funded(base), rate(self.amount, force=True)))

    def describe(self) -> str:
        """Name and amount."""
        return f"repo {said(self.amount)}"


@dataclass(frozen=True, slots=True)
class OneRate:
    """One rate moves, by its name in the market, whether it funds the bonds or is only read by factors.

    Parameters
    ----------
    name
        The rate, as the market names it, such as ``SHIBOR.1W``.
    amount
        Change of its quote, with its unit: ``+50bp``.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    name: str
    amount: Amount
    force: bool = False
    kind: Literal["rate"] = "rate"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return that rate's change; :class:`MarketError` listing the rates if it is none of them."""
        held = base.market.rate_names()
        if self.name not in held:
            raise MarketError(f"no rate {self.name!r}{suggest(self.name, held)}; the market has {list(held)}")
        return Moves(rates={self.name: rate(self.amount, force=True)})

    def describe(self) -> str:
        """Rate and amount."""
        return f"{self.name} {said(self.amount)}"


@dataclass(frozen=True, slots=True)
class QuarterEnd:
    """Nights around the turn of a quarter become dear, most of all the one over the turn.

    The night that begins ``k`` days from the turn's night costs ``amount * 0.5 ** (abs(k) / half_life_days)`` more;
    nights below 1 % of the size, and nights that are over, are left out. A quoted term of ``d`` days rises by the sum
    over the nights in it, divided by ``d``.

    Parameters
    ----------
    amount
        Premium of the turn's night, with its unit: ``+300bp``.
    half_life_days
        Days from the turn over which the premium halves; 0 is the turn's night alone.
    turn
        ``next``: the night that begins on the last calendar day of the quarter, of the session's own if that night is
        still ahead. ``between``: the first turn after the near delivery, which the far leg alone is carried over. Or
        the day on which the dear night begins, for another turn, such as that of the Spring Festival.
    force
        Allow an amount beyond 500 basis points, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    amount: Amount
    half_life_days: Annotated[float, Interval(ge=0, le=LONGEST_HALF_LIFE)] = 2.0
    turn: date | Literal["next", "between"] = "next"
    force: bool = False
    kind: Literal["quarter_end"] = "quarter_end"

    def __post_init__(self) -> None:
        rate(self.amount, force=self.force)
        if not 0 <= self.half_life_days <= LONGEST_HALF_LIFE:
            raise StudyError(f"half_life_days is {self.half_life_days}; give 0 to {LONGEST_HALF_LIFE} days")

    def moves(self, base: Base) -> Moves:
        """Return nights and funding rates; :class:`MarketError` if the turn is over or more than a year ahead."""
        turn = self.turn if isinstance(self.turn, date) else quarter_end(self._before(base))
        ahead = (turn - base.session).days
        if not 0 <= ahead <= FARTHEST_TURN:
            raise MarketError(
                f"the turn of {turn} is {ahead} days from the session {base.session}; give a night that is ahead,"
                f" at most {FARTHEST_TURN} days, or 'next'"
            )
        size = rate(self.amount, force=True)
        reach = math.floor(self.half_life_days * math.log2(1 / SMALLEST_PREMIUM))
        offsets = np.arange(max(-reach, -ahead), reach + 1)
        decay = 0.5 ** (np.abs(offsets) / self.half_life_days) if reach else np.ones(1)
        premiums = dict(zip((offsets + ahead).tolist(), (size * decay).tolist(), strict=True))
        terms = {
            name: math.fsum(premium for night, premium in premiums.items() if night < days) / days
            for name, days in _funded(base).items()
        }
        nights = {base.session + timedelta(days=night): premium for night, premium in premiums.items()}
        return Moves(rates=terms, nights=nights)

    def _before(self, base: Base) -> date:
        """The day after which the turn is looked for."""
        if self.turn == "next":
            return base.session
        return product(base.product).second_delivery_day(Contract.parse(base.near))

    def describe(self) -> str:
        """Name, amount, decay and turn."""
        when = {"next": "", "between": " between the deliveries"}.get(str(self.turn), f" of {self.turn}")
        return f"quarter end{when} {said(self.amount)} (half-life {self.half_life_days:g} days)"


@dataclass(frozen=True, slots=True)
class PriceGap:
    """A price gaps, on top of what curve and funding do to it.

    Parameters
    ----------
    code
        A leg's contract code, the product for both legs, or a deliverable bond.
    amount
        Points per 100 of face without a unit, ``-0.5``, or a share of the last known close, ``-1%``.
    force
        Allow a gap beyond 20 points or 20 % of the close, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    code: str
    amount: Amount
    force: bool = False
    kind: Literal["price"] = "price"

    def __post_init__(self) -> None:
        gap(self.amount, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return points for each leg, or the bond; :class:`MarketError` if there is none, or no recent close."""
        size, of = gap(self.amount, force=True)
        named = (self.code,) if _is_bond(base, self.code) else legs(base, self.code)
        return Moves(prices={code: size if of == "points" else size * last_close(base, code) for code in named})

    def describe(self) -> str:
        """Code and amount."""
        return f"price of {self.code} {said(self.amount)}"


@dataclass(frozen=True, slots=True)
class Volatility:
    """The recent path of a price is stretched around its last close, so that its changes grow by a multiple.

    ``F'[s] = F[last] + multiple * (F[s] - F[last])`` for the last ``sessions`` closes; the last one stays.

    Parameters
    ----------
    code
        A leg's contract code, or the product for both legs.
    multiple
        Such as ``x2``, which doubles each change of the path; ``x1`` changes nothing.
    sessions
        How many closes are stretched, the last one counted.
    force
        Allow more than ``x10`` or less than ``x0.1``, which is otherwise refused.
    """

    __pydantic_config__: ClassVar = STRICT
    code: str
    multiple: Amount
    sessions: Annotated[int, Gt(1)] = 20
    force: bool = False
    kind: Literal["volatility"] = "volatility"

    def __post_init__(self) -> None:
        log_multiple(self.multiple, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return the log of the multiple for each leg; :class:`MarketError` if ``code`` is none of them."""
        named = legs(base, self.code)
        by = log_multiple(self.multiple, force=True)
        return Moves(volatility=dict.fromkeys(named, by), sessions=dict.fromkeys(named, self.sessions))

    def describe(self) -> str:
        """Code, multiple and sessions."""
        return f"volatility of {self.code} {said(self.multiple)} over {self.sessions} sessions"


def on_curve(base: Base, changes: Floats) -> Moves:
    """Return moves of the valuation curve, one change (decimal) for each published point."""
    return Moves(curves={base.curve: dict(zip(base.tenors, changes.tolist(), strict=True))})


def published(base: Base, tenor: Years) -> Years:
    """Return ``tenor`` if it is a published point of the valuation curve; :class:`MarketError` listing them if not."""
    if tenor not in base.tenors:
        held = ", ".join(f"{years:g}y" for years in base.tenors)
        raise MarketError(f"curve {base.curve!r} has no point {tenor:g}y; its points are {held}")
    return tenor


def years_of(tenor: str) -> Years:
    """Read a tenor as people write it, ``10y`` or ``10``; :class:`StudyError` if it is none."""
    try:
        years = float(tenor.lower().removesuffix("y"))
    except ValueError:
        years = math.nan
    if not 0 < years < math.inf:
        raise StudyError(f"{tenor!r} is no tenor; write years, such as 10y or 0.25y")
    return years


def quarter_end(session: date) -> date:
    """Return the last calendar day of the quarter that ``session`` lies in."""
    month = (session.month - 1) // 3 * 3 + 3
    return date(session.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def legs(base: Base, code: str) -> tuple[str, ...]:
    """Return the legs that ``code`` names: itself, or both for the product; :class:`MarketError` if it is neither."""
    if code == base.product:
        return (base.near, base.far)
    if code not in (base.near, base.far):
        allowed = (base.near, base.far, base.product)
        raise MarketError(
            f"no price {code!r} here{suggest(code, allowed)}; the pair is {base.near} and {base.far},"
            f" {base.product} names both, and the price of a deliverable bond may gap too"
        )
    return (code,)


def _is_bond(base: Base, code: str) -> bool:
    """Whether ``code`` names a bond that the market knows, or a stand-in for one."""
    return code.startswith(STAND_IN) or code in base.market.bonds["code"].to_list()


def last_close(base: Base, code: str) -> Price:
    """Return the last known close of ``code``; :class:`MarketError` if there is none within ``max_age_days``."""
    mine = (pl.col("code") == code) & (pl.col("date") <= base.session)
    closes = base.market.quotes.filter(mine).drop_nulls("close").sort("date").tail(1)
    day = closes["date"].max()
    if not isinstance(day, date) or (base.session - day).days > base.max_age_days:
        since = f"the last is of {day}" if isinstance(day, date) else "there is none"
        raise MarketError(f"no close of {code} within {base.max_age_days} days of {base.session}: {since}; give points")
    return float(closes["close"].item())


def _tilt(base: Base, amount: str, short: Years, pivot: Years, long: Years) -> Floats:
    """The shape of a steepener at each published point, decimal."""
    _inside(base, short, long)
    rise = np.clip((np.array([*base.tenors, pivot]) - short) / (long - short), 0.0, 1.0)
    return np.asarray(rate(amount, force=True) * (rise[:-1] - rise[-1]))


def _turning(short: Years, pivot: Years, long: Years) -> None:
    if not short < long or not short <= pivot <= long:
        raise StudyError(
            f"short {short:g}, pivot {pivot:g}, long {long:g} years: short must be below long, the pivot between them"
        )


def _inside(base: Base, short: Years, long: Years) -> None:
    if short < base.tenors[0] or long > base.tenors[-1]:
        raise MarketError(
            f"curve {base.curve!r} is published from {base.tenors[0]:g}y to {base.tenors[-1]:g}y;"
            f" {short:g}y to {long:g}y is not all within it"
        )


def _funded(base: Base) -> Mapping[str, int]:
    if not base.funding:
        held = list(base.market.rate_names())
        raise MarketError(f"no funding rate is named for {base.product}; name some with their days, out of {held}")
    return base.funding
