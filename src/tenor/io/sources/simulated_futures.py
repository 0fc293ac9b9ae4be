"""The futures of the simulated market: fair values, closes with a planted signal, and bars around them.

A close is fair value, plus a richness that all contracts of a product share, plus the contract's own random
walk. Fair value is the cheapest bond carried to delivery at term repo. The richness comes back to zero and
cancels in a spread. The own walk does neither: the difference of two walks, the *pair component*, is most of
what a calendar spread does from one day to the next, and it is where the signal is planted.

A close lies on the tick. What rounding adds stays in the own walk; undone on the next day, it would be a
reversal that anybody could forecast (for TF an autocorrelation of -0.007).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from tenor.io.sources.simulated_economy import (
    Economy,
    discount_factors,
    expected_nights,
    fixings,
    par_coupon,
    reverting,
    stream,
    without_news,
)
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, Product, front_pairs
from tenor.market.market import BONDS, DELIVERABLES, QUOTES
from tenor.pricing.bond import add_months, dirty_from_curve
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.forward import cheapest_to_deliver, forward_price
from tenor.units import Bools, Dates, Floats, Ints, Price, Rate


@dataclass(frozen=True, slots=True)
class Sizes:
    """How a product moves, in points, and what it delivers.

    Parameters
    ----------
    pair
        Standard deviation of a session's change of a pair component.
    spread
        The same of the spread, with funding, curve and rounding in it, as measured.
    richness
        Standard deviation of the level of the common richness.
    outright
        Standard deviation of a session's change of one contract, as measured.
    lots
        Open interest of a contract while most trade is in it.
    terms
        Lives at issue, in years, of the bonds that are deliverable.
    """

    pair: Price
    spread: Price
    richness: Price
    outright: Price
    lots: float
    terms: tuple[int, ...]


SIZES: Mapping[str, Sizes] = MappingProxyType(
    {
        "TS": Sizes(0.015, 0.0174, 0.03, 0.073, 40_000.0, (3, 5)),
        "TF": Sizes(0.022, 0.0236, 0.08, 0.153, 80_000.0, (5, 7)),
        "T": Sizes(0.036, 0.0366, 0.12, 0.234, 150_000.0, (10,)),
        "TL": Sizes(0.073, 0.0740, 0.25, 0.478, 90_000.0, (30,)),
    }
)
"""Products that can be simulated. The pair of T moves as T's did in 2015-2020; the others by their life."""

SCORE_SESSIONS = 3
"""Sessions over which the planted score looks back."""
SPREAD_WEIGHT, FUNDING_WEIGHT = 0.8, 0.6
"""Weights of the two parts of the score; their squares sum to 1."""
FUNDING_CHANGE: Rate = 0.00145
"""A three-session change of ``REPO.1W`` in units of this, cut at ``CUT``, has variance 1, as measured."""
CUT = 2.5

RICHNESS_KEEP = 0.5 ** (1 / 15)
OPEN_SHARE = 0.15
"""Share of a day's variance that falls before the open."""
_SLOTS = 4  # at most three contracts are quoted at once, so those four quarters apart share random numbers


def score(spread_change: ArrayLike, funding_change: ArrayLike, sizes: Sizes, signal: float) -> Floats:
    """Planted score ``z``, of mean 0 and variance 1 (nearly: see below).

    ``z = -0.8 cut(dS / s) + 0.6 cut(dR / FUNDING_CHANGE)``, where ``cut`` limits to +-``CUT`` and ``s`` is
    the standard deviation of the spread's change over three sessions. The signal itself makes the spread
    revert: it follows an autoregression with three coefficients ``-a/s``, ``a = 0.8 signal``, whose
    three-session variance ``v`` in units of the daily one solves ``v + 2 a sqrt(v) - 3 = 0`` (Yule-Walker),
    hence ``s = sizes.spread (sqrt(a^2 + 3) - a)``. What the formula leaves out is that the funding part, once
    it has moved the spread, is in the spread part too, with the other sign: the measured variance of ``z`` is
    1.01 without a signal, 0.97 at 0.2 and 0.88 at 0.5.

    Parameters
    ----------
    spread_change
        Change of the spread over the last three sessions, in points.
    funding_change
        Change of ``REPO.1W`` over the same sessions, decimal per year.
    sizes
        Of the product.
    signal
        ``rho``, 0 to 1.

    Returns
    -------
    Floats of the broadcast shape; NaN where an input is.
    """
    a = SPREAD_WEIGHT * signal * sizes.pair / sizes.spread
    width = sizes.spread * (math.sqrt(a * a + 3.0) - a)
    spread_part = np.clip(np.asarray(spread_change) / width, -CUT, CUT)
    funding_part = np.clip(np.asarray(funding_change) / FUNDING_CHANGE, -CUT, CUT)
    return np.asarray(FUNDING_WEIGHT * funding_part - SPREAD_WEIGHT * spread_part, np.float64)


def change(values: Floats, sessions: int) -> Floats:
    """Change over the last ``sessions``, NaN where there is no such past."""
    changed = np.full(len(values), np.nan)
    changed[sessions:] = values[sessions:] - values[:-sessions]
    return changed


def quotes(seed: int, signal: float, world: Economy, rules: Product) -> pl.DataFrame:
    """Draw the quotes of every contract of a product from its own named streams, in the schema ``QUOTES``."""
    skip = int(np.searchsorted(world.shown, np.datetime64(rules.listed, "D")))
    sessions = world.shown[skip:]
    contracts = rules.contracts(sessions[0].item(), sessions[-1].item())
    listed = np.array([rules.listing_day(each) for each in contracts], "datetime64[D]")
    ends = np.array([rules.last_trading_day(each) for each in contracts], "datetime64[D]")
    fair, foreseen = np.full((2, len(sessions), len(contracts)), np.nan)
    no_news = without_news(world)
    for j, contract in enumerate(contracts):
        rows = np.flatnonzero((sessions >= listed[j]) & (sessions <= ends[j]))
        at, basket = world.start + skip + rows, _basket(world, rules, contract, listed[j])
        fair[rows, j] = _fair_value(world, rules, contract, basket, at)
        foreseen[rows, j] = _fair_value(no_news, rules, contract, basket, at)
    ticks = [rules.tick(day) for day in sessions.tolist()]
    funding = fixings(world)["REPO.1W"][skip:]
    closes = _closes(seed, signal, rules, contracts, sessions, fair, foreseen, funding, ticks)
    return _bars(seed, rules, contracts, sessions, closes, np.array(ticks))


def bonds(world: Economy, rules: Sequence[Product]) -> pl.DataFrame:
    """Terms of every bond that the treasury has issued for the baskets of ``rules``, in the schema ``BONDS``.

    Known at 17:30 in Shanghai on the day of issue; a bond that no quoted contract delivers is there too, so that a
    later last session only appends.
    """
    issues = [_issues(world, term, world.shown[-1]) for term in sorted({t for r in rules for t in SIZES[r.code].terms})]
    every = _Bonds.joined(issues)
    local = pl.Series("known_at", every.issued).cast(pl.Datetime("us")).dt.offset_by("17h30m")
    return pl.DataFrame(
        {
            "code": every.codes(),
            "coupon": every.coupon,
            "frequency": every.frequency,
            "maturity": every.maturity,
            "known_at": local.dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC"),
        },
        schema=BONDS,
    )


def deliverables(world: Economy, rules: Product) -> pl.DataFrame:
    """Basket and factors of every contract that is quoted, known at the open of its listing day.

    In the schema ``DELIVERABLES``.
    """
    tables = [DELIVERABLES.to_frame()]
    for contract in _quoted(world, rules):
        listed = rules.listing_day(contract)
        basket = _basket(world, rules, contract, np.datetime64(listed, "D"))
        factor = _factor(rules, contract, basket)
        known_at = [rules.opens_at(listed)] * len(factor)
        columns = {"contract": [contract.code] * len(factor), "bond": basket.codes(), "factor": factor}
        tables.append(pl.DataFrame({**columns, "known_at": known_at}, schema=DELIVERABLES))
    return pl.concat(tables)


def _quoted(world: Economy, rules: Product) -> tuple[Contract, ...]:
    """Every contract that is quoted on a session shown."""
    first = max(world.shown[0].item(), rules.listed)
    return rules.contracts(first, world.shown[-1].item())


def _factor(rules: Product, contract: Contract, basket: "_Bonds") -> Floats:
    month = np.datetime64(contract.delivery_month)
    return conversion_factor(basket.coupon, basket.frequency, basket.maturity, month, notional=rules.coupon)


def _fair_value(world: Economy, rules: Product, contract: Contract, basket: "_Bonds", at: Ints) -> Floats:
    """Fair price of ``contract`` at the sessions ``at``: the cheapest bond, carried at term repo."""
    coupon, frequency, maturity = basket.coupon, basket.frequency, basket.maturity
    on = world.days[at]
    delivery = np.array([rules.second_delivery_day(contract)], "datetime64[D]")
    repo = expected_nights(world, at, delivery) / (delivery - on).astype(np.float64)
    dirty = dirty_from_curve(discount_factors(world.factors[at]), coupon, frequency, maturity, on[:, None])
    forward = forward_price(dirty, repo[:, None], coupon, frequency, maturity, on[:, None], delivery)
    price, _ = cheapest_to_deliver(forward, _factor(rules, contract, basket))
    return price


@dataclass(frozen=True, slots=True, eq=False)
class _Bonds:
    """Bonds by columns, each of shape (bond,): day of issue, life at issue in years, and terms."""

    issued: Dates
    term: Ints
    coupon: Floats
    frequency: Ints
    maturity: Dates

    def codes(self) -> list[str]:
        """Names such as ``SIM.10Y.2016-05``."""
        months = self.issued.astype("datetime64[M]")
        return [f"SIM.{term}Y.{month}" for term, month in zip(self.term.tolist(), months.astype(str), strict=True)]

    def chosen(self, kept: Bools) -> "_Bonds":
        """The bonds for which ``kept`` is True."""
        return _Bonds(*(getattr(self, each.name)[kept] for each in fields(self)))

    @staticmethod
    def joined(parts: Sequence["_Bonds"]) -> "_Bonds":
        """The bonds of ``parts``, one after the other."""
        return _Bonds(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(_Bonds)))


def _issues(world: Economy, term: int, last: np.datetime64) -> _Bonds:
    """The bonds of one life that were issued by ``last``.

    One is issued on the 15th of the second month of each quarter (30 years: of the third), at its par coupon on the
    curve of that day, to a hundredth of a per cent; it pays twice a year from ten years up, else once.
    """
    months = np.arange(world.days[0].astype("datetime64[M]") + 1, last.astype("datetime64[M]") + 1)
    issued = months[months.astype(np.int64) % 3 == (2 if term == 30 else 1)].astype("datetime64[D]") + 14
    issued = issued[issued <= last]
    frequency = 2 if term >= 10 else 1
    at = np.searchsorted(world.days, issued, side="right") - 1
    return _Bonds(
        issued,
        np.full(len(at), term, np.int64),
        np.round(par_coupon(world.factors[at], term, frequency), 4),
        np.full(len(at), frequency, np.int64),
        add_months(issued, 12 * term),
    )


def _basket(world: Economy, rules: Product, contract: Contract, listed: np.datetime64) -> _Bonds:
    """The bonds that can be delivered, by life on the first of the month.

    Only what was issued before the contract was listed is in the basket: a bond that joined later could but lower
    the price, a move that one could see coming.
    """
    month = np.datetime64(contract.delivery_month, "D")
    shortest, longest = (round(12 * years) for years in rules.deliverable_years)
    every = _Bonds.joined([_issues(world, term, listed) for term in SIZES[rules.code].terms])
    lives = (every.maturity >= add_months(month, shortest)) & (every.maturity <= add_months(month, longest))
    return every.chosen(lives & (every.issued < listed))


def _closes(
    seed: int,
    signal: float,
    rules: Product,
    contracts: Sequence[Contract],
    sessions: Dates,
    fair: Floats,
    foreseen: Floats,
    funding: Floats,
    ticks: Sequence[float],
) -> Floats:
    """Closing prices, shape (session, contract), NaN where a contract is not quoted.

    Session by session, as the score looks at the closes that were drawn before.
    """
    sizes = SIZES[rules.code]
    step = sizes.pair / math.sqrt(2.0)
    shocks = step * stream(seed, rules.code, "walk").standard_normal((len(sessions), _SLOTS))
    news = stream(seed, rules.code, "richness").standard_normal(len(sessions) + 1)
    richness = reverting(news, RICHNESS_KEEP, sizes.richness * math.sqrt(1.0 - RICHNESS_KEEP**2))
    base, drift = fair + richness[:, None], _relative_drift(fair, foreseen)
    walk = [_walk_before(seed, rules, contract, sessions, step) for contract in contracts]
    slots = [_slot(contract) for contract in contracts]
    front = _front(rules, contracts, sessions)
    funding_change = change(funding, SCORE_SESSIONS).tolist()
    quiet = math.sqrt(1.0 - signal**2)

    levels, drifts, news_of = base.tolist(), drift.tolist(), shocks.tolist()
    closes: list[list[float]] = []
    for i, now in enumerate([np.flatnonzero(row).tolist() for row in np.isfinite(fair)]):
        moves = {j: news_of[i][slots[j]] - drifts[i][j] for j in now}
        if signal > 0.0 and i > SCORE_SESSIONS:
            near, far = front[i]
            late, early = closes[i - 1], closes[i - 1 - SCORE_SESSIONS]
            past = (late[near] - late[far]) - (early[near] - early[far])
            for j in (near, far):
                moves[j] -= (1.0 - quiet) * news_of[i][slots[j]]
            moves[near] += signal * sizes.pair * float(score(past, funding_change[i - 1], sizes, signal))
        row = [math.nan] * len(contracts)
        for j in now:
            row[j] = round(round((levels[i][j] + walk[j] + moves[j]) / ticks[i]) * ticks[i], 6)
            walk[j] = row[j] - levels[i][j]
        closes.append(row)
    return np.array(closes)


def _relative_drift(fair: Floats, foreseen: Floats) -> Floats:
    """What a fair value would do without news, less the average of that over the contracts quoted.

    Contracts differ in it a little, as their bonds roll down other parts of the curve. Taken out of the own
    walks, it leaves a spread without drift, and the price of the product as a whole as it was.
    """
    drift = foreseen.copy()
    drift[0] = np.nan
    drift[1:] -= fair[:-1]
    counted = np.isfinite(drift)
    average = np.where(counted, drift, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return np.where(counted, drift - average[:, None], 0.0)


def _slot(contract: Contract) -> int:
    return (contract.year * 4 + contract.month // 3) % _SLOTS


def _walk_before(seed: int, rules: Product, contract: Contract, sessions: Dates, step: Price) -> float:
    """Where the own walk of a contract stands before the first session: 0, or a draw if listed earlier."""
    listed, first = rules.listing_day(contract), sessions[0].item()
    if listed >= first:
        return 0.0
    elapsed = len(trading_calendar(rules.calendar).sessions(listed, first)) - 1
    draw = stream(seed, rules.code, "walk before", contract.code).standard_normal()
    return float(step * math.sqrt(elapsed) * draw)


def _front(rules: Product, contracts: Sequence[Contract], sessions: Dates) -> list[tuple[int, int]]:
    """Positions of the near and far contract in front on each session."""
    at = {contract: j for j, contract in enumerate(contracts)}
    front = [(-1, -1)] * len(sessions)
    for span in front_pairs(rules, sessions[0].item(), sessions[-1].item()):
        inside = (sessions >= np.datetime64(span.first)) & (sessions <= np.datetime64(span.flat_by))
        for i in np.flatnonzero(inside):
            front[i] = (at[span.spread.near], at[span.spread.far])
    return front


def _bars(
    seed: int, rules: Product, contracts: Sequence[Contract], sessions: Dates, closes: Floats, ticks: Floats
) -> pl.DataFrame:
    """Open, high, low, settlement, volume and open interest around given closes; none knows the next session.

    The day is a Brownian path from the last close to this one: the open is drawn from the bridge at
    ``OPEN_SHARE``, and high and low from the law of a bridge's extremes between open and close. What all
    contracts share of it is drawn once. Open interest follows the age of the contract: trade moves to the
    next one in the two weeks before ``flat_by``.
    """
    sizes = SIZES[rules.code]
    own_step = sizes.pair / math.sqrt(2.0)
    common_step = math.sqrt(sizes.outright**2 - own_step**2)
    row, column = np.nonzero(np.isfinite(closes))
    slot = np.array([_slot(contract) for contract in contracts])[column]
    normals = stream(seed, rules.code, "bars").standard_normal((len(sessions), _SLOTS + 1, 4))
    uniforms = 1.0 - stream(seed, rules.code, "range").random((len(sessions), 2))  # in (0, 1]
    common, own = normals[:, _SLOTS, :][row], normals[row, slot]

    close, tick = closes[row, column], ticks[row]
    last = np.vstack([np.full(len(contracts), np.nan), closes[:-1]])[row, column]
    gap = math.sqrt(OPEN_SHARE * (1.0 - OPEN_SHARE)) * (common_step * common[:, 0] + own_step * own[:, 0])
    move = np.where(np.isnan(last), 0.0, close - last)
    open_ = _on_tick(close - (1.0 - OPEN_SHARE) * move + gap, tick)
    variance = sizes.outright**2 * (1.0 - OPEN_SHARE)
    half_range = [np.sqrt((close - open_) ** 2 - 2.0 * variance * np.log(uniforms[row, side])) / 2.0 for side in (0, 1)]
    middle = (open_ + close) / 2.0
    high = np.maximum(_on_tick(middle + half_range[0], tick), np.maximum(open_, close))
    low = np.minimum(_on_tick(middle - half_range[1], tick), np.minimum(open_, close))
    # The average of the last hour, which settles, lies about 0.28 of a day's deviation away from the close.
    settle = _on_tick(close + 0.28 * (common_step * common[:, 1] + own_step * own[:, 1]), tick)

    flat_by = np.array([rules.flat_by(contract) for contract in contracts], "datetime64[D]")
    ahead = (flat_by[column] - sessions[row]).astype(np.float64)
    weight = _logistic((ahead - 14.0) / 4.0) * _logistic((91.0 + 14.0 - ahead) / 4.0) + 0.02
    open_interest = sizes.lots * weight * np.exp(0.1 * own[:, 2])
    busy = 0.5 + np.abs(move) / sizes.outright
    volume = 0.4 * open_interest * busy * np.exp(0.3 * common[:, 3] + 0.2 * own[:, 3])

    codes = np.array([contract.code for contract in contracts])
    return pl.DataFrame(
        {
            "date": sessions[row],
            "code": codes[column],
            "open": open_,
            "high": high,
            "low": low,
            "close": close,
            "settle": np.clip(settle, low, high),
            "volume": np.round(volume),
            "open_interest": np.round(open_interest),
            "known_at": _known_at(rules, contracts, sessions, row, column),
        },
        schema=QUOTES,
    )


def _known_at(rules: Product, contracts: Sequence[Contract], sessions: Dates, row: Ints, column: Ints) -> Dates:
    """When each quote became known, in UTC: at the close, which is earlier for a contract on its last day."""
    days = sessions.tolist()
    moments = [rules.closes_at(day) for day in days]
    ends = [rules.last_trading_day(contract) for contract in contracts]
    known = [
        rules.closes_at(days[i], contracts[j]) if days[i] == ends[j] else moments[i]
        for i, j in zip(row.tolist(), column.tolist(), strict=True)
    ]
    return np.array([moment.replace(tzinfo=None) for moment in known], "datetime64[us]")


def _on_tick(price: Floats, tick: Floats) -> Floats:
    return np.round(np.round(price / tick) * tick, 6)


def _logistic(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-x)), np.float64)
