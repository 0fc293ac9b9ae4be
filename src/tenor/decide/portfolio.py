"""Portfolios across names: from probabilities to weights, trades and returns.

A session in order of events, with fill ``same_close`` (``next_close`` is the same one session later, ``next_open``
trades at the next session's open, between what the night and what the day brought):

1. **Mark.** What is held earns the return of its names; shorts pay for what they borrow. Weights drift with prices.
2. **Close what is gone.** A name that is never quoted again leaves at its last price less the haircut.
3. **Forecast.** The probability of up of every member, known at this close.
4. **Target.** The rule turns probabilities and what is held into weights; a name without a forecast has target 0.
5. **Limit.** Gross exposure and weight of a name are cut to their limits; what cannot be traded keeps its weight, and
   the others make room for it.
6. **Trade.** All trades are scaled down together where turnover would pass its limit, and pay commission, slippage and
   tax.

Weights are parts of the equity of the day; returns compound into equity by addition, as everywhere in Tenor: gains are
taken out and losses made good each day, so a Sharpe ratio does not depend on the order of days. Within a session night
and day compound: what is traded at the open is traded with the equity of the open.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Interval

from tenor.decide.backtest import Fill
from tenor.decide.book import Book
from tenor.errors import StudyError
from tenor.settings import STRICT
from tenor.units import Bools, Floats, Ints

# Stamp duty on sales of stocks in Shanghai and Shenzhen: 0.1 %, halved from 2023-08-28 (announcement No. 39 of 2023 of
# the Ministry of Finance and the State Taxation Administration).
STAMP_DUTY: tuple[tuple[date, float], ...] = ((date(2008, 9, 19), 0.001), (date(2023, 8, 28), 0.0005))
"""First day and rate of the tax on sales that ``sell_tax = "XSHG"`` charges."""


@dataclass(frozen=True, slots=True)
class StockCosts:
    """The price of trading stocks, decimals of the money traded: nothing has a default.

    Parameters
    ----------
    commission
        On every trade, as a part of the money traded: 0.0003 is 3 basis points.
    slippage
        Lost on every trade against the price at which the backtest fills, as a part of the money traded.
    sell_tax
        On sales, as a part of the money; ``XSHG`` for the dated stamp duty of Shanghai and Shenzhen.
    borrow
        Of what is held short, a part of its value per year: 0.03 is 3 %.
    """

    __pydantic_config__: ClassVar = STRICT
    commission: Annotated[float, Interval(ge=0, lt=0.1)]
    slippage: Annotated[float, Interval(ge=0, lt=0.1)]
    sell_tax: Annotated[float, Interval(ge=0, lt=0.1)] | Literal["XSHG"]
    borrow: Annotated[float, Interval(ge=0, lt=1)]

    def taxes(self, book: Book) -> Floats:
        """Return the tax on sales of each session, ``(session,)``."""
        if self.sell_tax != "XSHG":
            return np.full(len(book), self.sell_tax)
        rates = np.zeros(len(book))
        for first, rate in STAMP_DUTY:
            rates[book.sessions >= np.datetime64(first, "D")] = rate
        return rates


@dataclass(frozen=True, slots=True)
class PortfolioLimits:
    """How much may be held and traded, as parts of equity.

    Parameters
    ----------
    gross
        Most of long and short positions together, as a part of equity; 1 is all of it. Rules fill it.
    name
        Most of one name, long or short, as a part of equity.
    turnover
        Most bought and sold in a session, as a part of equity; all trades are scaled down together to keep it. Absent,
        no limit.
    """

    __pydantic_config__: ClassVar = STRICT
    gross: Annotated[float, Interval(gt=0, le=10)]
    name: Annotated[float, Interval(gt=0, le=10)]
    turnover: Annotated[float, Gt(0)] | None = None


class Portfolio(Protocol):
    """A rule across names. Settings."""

    @property
    def name(self) -> str:
        """What tables print."""
        ...

    def targets(self, up: Floats, scale: Floats, held: Floats, gross: float) -> Floats:
        """Return target weights ``(seed, name)``, before limits.

        Parameters
        ----------
        up
            Probability of up, ``(seed, name)``; NaN for a name that may not be held.
        scale
            ``|up - 1/2|`` of full conviction, ``(seed, name)``.
        held
            Weights held, ``(seed, name)``.
        gross
            The limit of gross exposure, which a rule fills.
        """
        ...


@dataclass(frozen=True, slots=True)
class LongShort:
    """Long the names with the highest probability, short those with the lowest, each side equally weighted.

    Each side holds ``share`` of the names that have a forecast, at least one, and half of the gross exposure. Names
    that are told the same share the places that are left to them; where all are told the same, both sides cancel and
    nothing is held.

    Parameters
    ----------
    share
        Part of the names that is held on each side: 0.1 is the highest tenth long and the lowest tenth short.
    """

    __pydantic_config__: ClassVar = STRICT
    share: Annotated[float, Interval(gt=0, le=0.5)] = 0.1
    kind: Literal["long_short"] = "long_short"

    @property
    def name(self) -> str:
        """``long-short`` and the share of a side."""
        return f"long-short {100 * self.share:g} %"

    def targets(self, up: Floats, scale: Floats, held: Floats, gross: float) -> Floats:
        """Return equal weights on both ends of the ranking."""
        out = np.zeros(up.shape)
        for seed, row in enumerate(up):
            count = int(np.isfinite(row).sum())
            if count >= 2:
                side = max(1, round(self.share * count))
                out[seed] = (_highest(row, side) - _highest(-row, side)) * 0.5 * gross / side
        return out


@dataclass(frozen=True, slots=True)
class TopK:
    """Long the ``names`` with the highest probability, at most ``drop`` of them exchanged in a session.

    What is held stays while it is among the best; the lowest of the held leave for the highest of the others where
    these are higher. Newcomers share what the leavers leave; what stays is not traded, so it drifts. What could not be
    sold in time makes the held more than ``names``: then the lowest leave beside the drop. Less than a tenth of an
    equal share counts as not held. Names that are told the same stand in an order drawn once, which no alphabet tilts;
    where all are told the same there is no best, and nothing is traded.

    Parameters
    ----------
    names
        How many names are held.
    drop
        Most names that leave for better ones in a session: fewer trade less, and follow the forecasts later.
    """

    __pydantic_config__: ClassVar = STRICT
    names: Annotated[int, Gt(0)] = 50
    drop: Annotated[int, Gt(0)] = 5
    kind: Literal["top_k"] = "top_k"

    @property
    def name(self) -> str:
        """``top`` with names and drop."""
        return f"top {self.names} drop {self.drop}"

    def targets(self, up: Floats, scale: Floats, held: Floats, gross: float) -> Floats:
        """Return the weights of what stays, and equal ones of what comes."""
        out = np.zeros(up.shape)
        for seed, order in enumerate(ranking(up)):
            known = np.isfinite(up[seed])
            if not known.any() or np.ptp(up[seed][known]) == 0:
                out[seed] = np.where(known, held[seed], 0.0)
                continue
            order = order[: int(known.sum())]
            inside = held[seed] > 0.1 * gross / self.names
            stays = [name for name in order.tolist() if inside[name]][: self.names]
            others = [name for name in order.tolist() if not inside[name]]
            room = self.names - len(stays)
            comes, others = others[:room], others[room:]
            for _ in range(self.drop):
                if not stays or not others or up[seed, others[0]] <= up[seed, stays[-1]]:
                    break
                stays.pop()
                comes.append(others.pop(0))
            out[seed, stays] = held[seed, stays]
            if comes:
                out[seed, comes] = max(gross - float(out[seed].sum()), 0.0) / len(comes)
        return out


@dataclass(frozen=True, slots=True)
class ByProbability:
    """Every name by its own probability: ``clip((p - 1/2) / scale, -1, 1)`` of its equal share of the gross exposure.

    ``scale`` is the size of a full conviction on validation, at least ``least_scale``.

    Parameters
    ----------
    side
        ``both``: short below one half; ``long``: what would be short is left out.
    least_scale
        A distance from one half below this never makes a full share, however small the model's convictions were on
        validation.
    """

    __pydantic_config__: ClassVar = STRICT
    side: Literal["long", "both"] = "both"
    least_scale: Annotated[float, Interval(gt=0, le=0.5)] = 0.01
    kind: Literal["by_probability"] = "by_probability"

    @property
    def name(self) -> str:
        """``by probability``, and the side if it is one."""
        return "by probability" + (", long" if self.side == "long" else "")

    def targets(self, up: Floats, scale: Floats, held: Floats, gross: float) -> Floats:
        """Return weights by conviction."""
        full = np.maximum(np.nan_to_num(scale, nan=self.least_scale), self.least_scale)
        conviction = np.clip((up - 0.5) / full, -1.0 if self.side == "both" else 0.0, 1.0)
        return _shared(conviction, gross)


@dataclass(frozen=True, slots=True)
class BySign:
    """Every name long or short its equal share of the gross exposure, by the side of one half; or long or out.

    Parameters
    ----------
    side
        ``both``: short below one half; ``long``: not held below it, so that less than the gross exposure is used.
    """

    __pydantic_config__: ClassVar = STRICT
    side: Literal["long", "both"] = "both"
    kind: Literal["by_sign"] = "by_sign"

    @property
    def name(self) -> str:
        """``by sign``, and the side if it is one."""
        return "by sign" + (", long" if self.side == "long" else "")

    def targets(self, up: Floats, scale: Floats, held: Floats, gross: float) -> Floats:
        """Return equal weights by side."""
        side = np.sign(up - 0.5)
        return _shared(side if self.side == "both" else np.maximum(side, 0.0), gross)


def _shared(part: Floats, gross: float) -> Floats:
    """Give each name with a forecast an equal share of the gross exposure, times its part of it."""
    known = np.isfinite(part)
    return np.asarray(np.where(known, part, 0.0) * gross / np.maximum(known.sum(axis=1, keepdims=True), 1))


def ranking(up: Floats) -> Ints:
    """Names by descending probability, ``(seed, name)``; ties in an order drawn once, names without one last."""
    drawn = np.random.default_rng(0).permutation(up.shape[1])
    order = np.argsort(np.where(np.isfinite(up), -up, np.inf)[:, drawn], axis=1, kind="stable")
    return np.asarray(drawn[order])


def _highest(row: Floats, count: int) -> Floats:
    """Part of each name in the ``count`` highest, ``(name,)``: 1 above the last of them, what is left to its ties."""
    last = np.sort(row[np.isfinite(row)])[-count]
    above, tied = row > last, row == last
    return np.asarray(above + tied * ((count - above.sum()) / tied.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioResult:
    """What one rule earned under one fill, all ``(seed, session)``, as parts of equity.

    Parameters
    ----------
    gross, net
        Return of the session before and after costs.
    turnover
        Bought and sold.
    exposure, net_exposure
        Long plus short, and long less short, after the session's trades.
    names
        How many names were held.
    refused
        Part of equity that could not be traded to its target.
    """

    gross: Floats
    net: Floats
    turnover: Floats
    exposure: Floats
    net_exposure: Floats
    names: Floats
    refused: Floats


def trade(
    up: Floats,
    scale: Floats,
    book: Book,
    rule: Portfolio,
    *,
    fill: Fill,
    costs: StockCosts,
    limits: PortfolioLimits,
    haircut: Annotated[float, Ge(0)],
    sessions_per_year: float,
) -> PortfolioResult:
    """Trade a rule over the sessions of a book.

    Parameters
    ----------
    up, scale
        ``(seed, session, name)``: what was said at each close; NaN where nothing was.
    book
        Prices.
    rule, fill, costs, limits
        What is held, when it is traded, at what price and how much of it.
    haircut
        Part of its value that a position in a name loses when the name is never quoted again.
    sessions_per_year
        Spreads the cost of borrowing.

    Raises
    ------
    StudyError
        If the shapes do not fit the book.
    """
    seeds, count, names = up.shape
    if (count, names) != (len(book), len(book.codes)) or scale.shape != up.shape:
        raise StudyError(
            f"forecasts have shape {up.shape} and {scale.shape}; the book has {len(book)} sessions of"
            f" {len(book.codes)} names"
        )
    out = {name: np.zeros((seeds, count)) for name in PortfolioResult.__slots__}
    weights = np.zeros((seeds, names))
    order: _Order | None = None
    taxes, fee = costs.taxes(book), costs.commission + costs.slippage
    earned = np.zeros((count, names))
    with np.errstate(invalid="ignore"):
        earned[1:] = np.nan_to_num(book.close[1:] / book.close[:-1] - 1.0)
        night = np.zeros((count, names))
        night[1:] = np.nan_to_num(book.open[1:] / book.close[:-1] - 1.0)
    gone = {int(at): np.flatnonzero(book.last == at) for at in np.unique(book.last) if at < count}
    per_session = costs.borrow / sessions_per_year
    for t in range(count):
        gross = np.zeros(seeds)
        cost = per_session * np.maximum(-weights, 0.0).sum(axis=1)
        # what is quoted for the last time is not bought at that close: nobody could sell it again
        can_buy, can_sell = book.can_buy[t] & (book.last > t), book.can_sell[t] & (book.last > t)
        at_open = fill == "next_open" and order is not None
        first = night[t] if at_open else earned[t]
        gross += weights @ first
        opened = 1.0 + gross  # the equity that trades at the open and earns the rest of the day
        weights = _drifted(weights, first)
        if at_open and order is not None:
            can_trade = np.isfinite(book.open[t])
            weights, spent = _traded(
                weights, order, book.can_buy_open[t], book.can_sell_open[t], limits, fee, taxes[t], out, t
            )
            cost += opened * spent
            rest = np.where(can_trade, (1.0 + earned[t]) / (1.0 + night[t]) - 1.0, earned[t])
            gross += opened * (weights @ rest)
            weights = _drifted(weights, rest)
        elif fill == "next_close" and order is not None:
            weights, spent = _traded(weights, order, can_buy, can_sell, limits, fee, taxes[t], out, t)
            cost += spent
        if t in gone:
            cost += haircut * np.abs(weights[:, gone[t]]).sum(axis=1)
            weights[:, gone[t]] = 0.0
        order = (up[:, t], scale[:, t], rule)
        if fill == "same_close":
            weights, spent = _traded(weights, order, can_buy, can_sell, limits, fee, taxes[t], out, t)
            cost += spent
        out["gross"][:, t], out["net"][:, t] = gross, gross - cost
        out["exposure"][:, t], out["net_exposure"][:, t] = np.abs(weights).sum(axis=1), weights.sum(axis=1)
        out["names"][:, t] = (weights != 0).sum(axis=1)
    return PortfolioResult(**out)


_Order: TypeAlias = tuple[Floats, Floats, Portfolio]
"""What was said at a close, ``(seed, name)`` each, and the rule that turns it into weights."""


def _drifted(weights: Floats, earned: Floats) -> Floats:
    """Weights after prices moved: each grows with its name, all shrink with the equity that grew."""
    grown = weights * (1.0 + earned)
    equity = 1.0 + weights @ earned
    return grown / np.where(equity > 0, equity, 1.0)[:, None]


def _traded(
    weights: Floats,
    order: "_Order",
    can_buy: Bools,
    can_sell: Bools,
    limits: PortfolioLimits,
    fee: float,
    tax: float,
    out: dict[str, Floats],
    t: int,
) -> tuple[Floats, Floats]:
    """Move to the target as far as limits and the market allow; return the weights and what it cost."""
    up, scale, rule = order
    target = np.clip(rule.targets(up, scale, weights, limits.gross), -limits.name, limits.name)
    wanted = target - weights
    stuck = ((wanted > 0) & ~can_buy) | ((wanted < 0) & ~can_sell)
    locked = np.where(stuck, np.abs(weights), 0.0).sum(axis=1)
    free = np.where(stuck, 0.0, target)
    room = np.maximum(limits.gross - locked, 0.0)
    size = np.abs(free).sum(axis=1)
    free = free * np.minimum(1.0, room / np.where(size > 0, size, 1.0))[:, None]
    move = np.where(stuck, 0.0, free - weights)
    turnover = np.abs(move).sum(axis=1)
    if limits.turnover is not None:
        move = move * np.minimum(1.0, limits.turnover / np.where(turnover > 0, turnover, 1.0))[:, None]
        turnover = np.abs(move).sum(axis=1)
    out["turnover"][:, t] = turnover
    out["refused"][:, t] = np.where(stuck, np.abs(wanted), 0.0).sum(axis=1)
    return weights + move, fee * turnover + tax * np.maximum(-move, 0.0).sum(axis=1)
