"""The simulated market: treasury futures with real dates and rules, drawn prices, and a signal of known strength.

It is there to be checked against. With ``signal = 0`` nothing known at a close tells where the calendar spread in
front goes next, so a study that finds something has a leak. With ``signal = 0.2`` exactly that much is there.

How a price is made, from the outside in:

- *Curve.* Zero rates are Nelson-Siegel (1987): level, slope and curvature, each slowly mean-reverting.
- *Funding.* A night's rate is a slow part, a fast part and a quarter-end spike whose size is known beforehand. Term
  rates are the average of the nights ahead as expected today, so the spikes are in them before they come, and what a
  rate for a fixed period does next cannot be known.
- *Fair value.* Each contract has a basket of bonds of an invented issue calendar, picked by the real delivery rule.
  Its fair price is the cheapest bond's, carried to the second delivery day at the term rate of that day.
- *Richness.* One mean-reverting amount for all contracts of a product. It cancels in a spread.
- *Own walk.* Each contract has a random walk of its own, independent of the others, from its listing on. In a spread
  it is the pair component, and it is most of what a spread does from day to day. Rounding to the tick goes into this
  walk instead of being undone on the next day, which would be a reversal that anybody could forecast.

**The planted signal.** For the pair in front, the pair component changes in the next session by
``sigma (sqrt(1 - rho^2) eps + rho z)``, where ``rho`` is the setting ``signal``, ``eps`` is standard normal and ``z``,
of mean 0 and variance 1 (nearly: rates are not quite normal), is :func:`score`: what the spread lost and what
``REPO.1W`` gained over three sessions, both in the tables. So ``rho`` is the correlation of what was known with what
comes, and the best accuracy that anybody can have on the direction of that component is ``1/2 + asin(rho)/pi``
(Sheppard 1899). Curve, funding and rounding move the spread too: see ``PRODUCTS`` for how much. The drift is put on
the near contract. It stops with ``flat_by``: then the next pair is in front.

What is not real: baskets are fixed when a contract is listed; yields are bonds' prices at the futures close, known to
the market before the curve is published; the own walk does not die out at delivery (a forecastable convergence
would be a second signal); there are no price limits.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import polars as pl

from tenor.errors import StudyError, suggest
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, Product, front_pairs, product
from tenor.market.market import CURVE, QUOTES, RATES, Market
from tenor.pricing.bond import Discount, add_months, dirty_from_curve
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.forward import cheapest_to_deliver, forward_price
from tenor.settings import STRICT
from tenor.units import SESSIONS_PER_YEAR, Bools, Dates, Floats, Ints, Price, Rate, Years


@dataclass(frozen=True, slots=True)
class Sizes:
    """How a product moves, in points per session unless said otherwise, and the bonds it delivers.

    ``pair`` is the standard deviation of the next change of a pair component; ``spread`` that of the spread itself
    with funding, curve and rounding in it, as measured; ``richness`` that of the level of the common richness;
    ``outright`` that of a contract. ``lots`` is open interest while in front, ``terms`` original lives in years.
    """

    pair: Price
    spread: Price
    richness: Price
    outright: Price
    lots: float
    terms: tuple[int, ...]


PRODUCTS: Mapping[str, Sizes] = MappingProxyType(
    {
        "TS": Sizes(0.011, 0.0120, 0.03, 0.07, 40_000, (2, 3, 5)),
        "TF": Sizes(0.022, 0.0230, 0.08, 0.16, 80_000, (5, 7)),
        "T": Sizes(0.036, 0.0370, 0.12, 0.25, 150_000, (7, 10)),
        "TL": Sizes(0.075, 0.0800, 0.25, 0.60, 90_000, (30,)),
    }
)
"""The products that can be simulated. Pair sizes are those of T in 2015-2020, and less or more by life."""

TENORS: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 30)
"""Published points of the curve ``CGB``, in years."""

SCORE_SESSIONS = 3
"""Sessions over which the planted score looks back."""
SPREAD_WEIGHT, FUNDING_WEIGHT = 0.8, 0.6
"""Weights of the two parts of the score; their squares sum to 1."""
FUNDING_CHANGE: Rate = 0.0013
"""Scale of a three-session change of ``REPO.1W``: its parts, cut at ``CUT``, then have variance 1, as measured."""
CUT = 2.5

_RICHNESS = 0.5 ** (1 / 15)
_OPEN_SHARE = 0.15  # of a day's variance that falls before the open
_SLOTS = 4  # at most three contracts are quoted at once


@dataclass(frozen=True, slots=True)
class Simulated:
    """Settings of a simulated market; :meth:`read` draws it.

    Equal settings give equal tables. A later ``last`` appends sessions and leaves the earlier ones as they were, and
    a product draws the same prices whatever other products are there.

    Parameters
    ----------
    products
        Codes out of :data:`PRODUCTS`. A product that was listed after ``first`` starts at its listing.
    first, last
        Range of sessions, both inclusive. The holidays of the nine months after ``last`` must be loaded too, as
        the contracts that are quoted by then deliver within them.
    seed
        Not negative.
    signal
        ``rho``, from 0 (nothing to find) to below 1: see the top of this file.

    Raises
    ------
    StudyError
        With every setting that is wrong.
    """

    __pydantic_config__ = STRICT

    products: tuple[str, ...] = ("T",)
    first: date = date(2015, 3, 20)
    last: date = date(2025, 12, 31)
    seed: int = 0
    signal: float = 0.0

    def __post_init__(self) -> None:
        problems = [
            f"products: {code!r} cannot be simulated; allowed are {list(PRODUCTS)}{suggest(code, PRODUCTS)}"
            for code in self.products
            if code not in PRODUCTS
        ]
        if not self.products or len(set(self.products)) < len(self.products):
            problems.append(f"products: {list(self.products)}; give one or more, each once")
        if not self.first < self.last:
            problems.append(f"first {self.first}, last {self.last}: first must be before last")
        problems += [
            f"last {self.last}: {code} was listed on {product(code).listed}; end later or leave {code} out"
            for code in self.products
            if code in PRODUCTS and product(code).listed > self.last
        ]
        if self.seed < 0:
            problems.append(f"seed {self.seed}: give 0 or more")
        if not 0.0 <= self.signal < 1.0:
            problems.append(f"signal {self.signal}: a correlation from 0 to below 1")
        if problems:
            raise StudyError(problems)

    def read(self) -> Market:
        """Draw the market. Pure: no file, clock or network is touched.

        Raises
        ------
        CalendarError
            If holidays are needed that are not loaded; the message names the loaded range.
        """
        economy = _economy(self)
        return Market(
            name="simulated",
            simulated=True,
            quotes=pl.concat([_quotes(self, economy, product(code)) for code in self.products]),
            curve=_curve_table(self, economy),
            rates=_rates_table(self, economy),
            notes=(
                f"SIMULATED: drawn, not observed (seed {self.seed}, planted signal {self.signal:g})",
                "Rates of curve CGB are par yields, paid once a year.",
            ),
        )


def score(spread_change: Floats, funding_change: Floats, sizes: Sizes, signal: float) -> Floats:
    """Planted score ``z``: mean 0 and variance 1, nearly.

    ``z = -0.8 cut(dS / s) + 0.6 cut(dR / FUNDING_CHANGE)``, ``cut`` limiting to +-2.5. ``s`` is the standard deviation
    of the spread's change over three sessions. As the signal itself makes the spread revert, it is an autoregression
    of three equal coefficients ``-a / s``, ``a = 0.8 signal``; its three-session variance in units of the daily one
    solves ``v + 2 a sqrt(v) - 3 = 0``, hence ``s = sizes.spread (sqrt(a^2 + 3) - a)``.

    Parameters
    ----------
    spread_change
        Change of the spread over the last three sessions, in points.
    funding_change
        Change of ``REPO.1W`` over the same sessions, decimal per year.
    sizes
        Of the product.
    signal
        ``rho``.
    """
    a = SPREAD_WEIGHT * signal * sizes.pair / sizes.spread
    scale = sizes.spread * (math.sqrt(a * a + 3.0) - a)
    spread_part = np.clip(spread_change / scale, -CUT, CUT)
    funding_part = np.clip(funding_change / FUNDING_CHANGE, -CUT, CUT)
    return np.asarray(FUNDING_WEIGHT * funding_part - SPREAD_WEIGHT * spread_part, np.float64)


def planted(market: Market, code: str, signal: float) -> pl.DataFrame:
    """Recompute the score of product ``code`` from the tables alone, for every session of every front pair.

    Returns
    -------
    DataFrame with ``date`` (of the close at which it is known), ``spread`` (the pair that is in front on the *next*
    session), ``score`` (null where the past is too short), ``next_change`` of the spread's close (null at the end).
    """
    close = market.quotes.filter(pl.col("code").str.replace(r"\d+$", "") == code)
    sessions = close["date"].unique().sort()
    wide = close.pivot("code", index="date", values="close").sort("date")
    funding = market.rate("REPO.1W").filter(pl.col("date").is_in(sessions.implode()))["rate"].to_numpy()
    funding_change = _change(funding, SCORE_SESSIONS)
    parts = []
    for span in front_pairs(product(code), sessions[0], sessions[-1]):
        value = (wide[span.spread.near.code] - wide[span.spread.far.code]).to_numpy()
        known = score(_change(value, SCORE_SESSIONS), funding_change, PRODUCTS[code], signal)
        frame = pl.DataFrame(
            {
                "date": sessions,
                "next": sessions.shift(-1),
                "score": known,
                "next_change": np.append(_change(value, 1)[1:], np.nan),
            }
        )
        inside = pl.col("next").is_between(span.first, span.flat_by)
        parts.append(frame.filter(inside).with_columns(spread=pl.lit(span.spread.code)))
    joined = pl.concat(parts).with_columns(pl.col("score", "next_change").fill_nan(None))
    return joined.select("date", "spread", "score", "next_change")


def _known(days: Dates, hour: int, minute: int) -> pl.Expr:
    """The moment of ``hour:minute`` in Shanghai on each of ``days``, in UTC."""
    local = days.astype("datetime64[us]") + np.timedelta64(60 * hour + minute, "m")
    column = pl.Series("known_at", local).dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    return pl.lit(column)


def _curve_table(settings: Simulated, economy: Economy) -> pl.DataFrame:
    known_at = _known(economy.shown, 17, 30)
    shown = economy.factors[economy.start :]
    points = [
        pl.DataFrame({"date": economy.shown, "rate": np.round(par_coupon(shown, tenor, 1), 6)}).select(
            "date", pl.lit("CGB").alias("curve"), pl.lit(float(tenor)).alias("tenor"), "rate", known_at
        )
        for tenor in TENORS
    ]
    return pl.concat(points).cast(dict(CURVE))  # type: ignore[arg-type]


def _rates_table(settings: Simulated, economy: Economy) -> pl.DataFrame:
    known_at = _known(economy.shown, 11, 0)
    parts = [
        pl.DataFrame({"date": economy.shown, "rate": rate}).select(
            "date", pl.lit(name).alias("name"), "rate", known_at
        )
        for name, rate in fixings(economy).items()
    ]
    return pl.concat(parts).cast(dict(RATES))  # type: ignore[arg-type]




# --- One product ----------------------------------------------------------------------------------------------------


def _quotes(settings: Simulated, economy: Economy, rules: Product) -> pl.DataFrame:
    """Draw the quotes of one product, from its own named streams."""
    skip = int(np.searchsorted(economy.shown, np.datetime64(rules.listed)))
    sessions = economy.shown[skip:]
    contracts = rules.contracts(sessions[0].item(), settings.last)
    listed = np.array([rules.listing_day(each) for each in contracts], "datetime64[D]")
    ends = np.array([rules.last_trading_day(each) for each in contracts], "datetime64[D]")
    alive = (sessions[:, None] >= listed) & (sessions[:, None] <= ends)
    fair = np.full(alive.shape, np.nan)
    for j, contract in enumerate(contracts):
        rows = np.flatnonzero(alive[:, j])
        at = economy.start + skip + rows
        fair[rows, j] = _fair_value(economy, rules, contract, listed[j], at)
    funding = fixings(economy)["REPO.1W"][skip:]
    ticks = np.array([rules.tick(day) for day in sessions.tolist()])
    close = _closes(settings, rules, sessions, contracts, listed, fair, funding, ticks)
    return _bars(settings, rules, sessions, contracts, close, ticks)


def _fair_value(
    economy: Economy, rules: Product, contract: Contract, listed: np.datetime64, at: Ints
) -> Floats:
    """Fair price of ``contract`` on the sessions at positions ``at``: the cheapest bond, carried at term repo."""
    terms, issued = issues(PRODUCTS[rules.code].terms, economy.days[0], listed)
    maturity = add_months(issued, 12 * terms)
    shortest, longest = (round(12 * years) for years in rules.deliverable_years)
    month = np.datetime64(contract.delivery_month, "D")
    kept = (maturity >= add_months(month, shortest)) & (maturity <= add_months(month, longest))
    terms, issued, maturity = terms[kept], issued[kept], maturity[kept]
    frequency = coupons_per_year(terms)
    coupon = issue_coupons(economy, terms, issued)

    on = economy.days[at]
    delivery = np.datetime64(rules.second_delivery_day(contract), "D")
    days = (delivery - on).astype(np.float64)
    repo = expected_nights(economy, at, np.full(len(at), delivery)) / days
    dirty = dirty_from_curve(discount_factors(economy.factors[at]), coupon, frequency, maturity, on[:, None])
    forward = forward_price(dirty, repo[:, None], coupon, frequency, maturity, on[:, None], delivery)
    factor = conversion_factor(coupon, frequency, maturity, month, notional=rules.coupon)
    price, _ = cheapest_to_deliver(forward, factor)
    return price


def _closes(
    settings: Simulated,
    rules: Product,
    sessions: Dates,
    contracts: tuple[Contract, ...],
    listed: Dates,
    fair: Floats,
    funding: Floats,
    ticks: Floats,
) -> Floats:
    """Closing prices on the tick, shape (session, contract), NaN where a contract is not quoted.

    One session after another, as the planted score looks at closes that were drawn before. What rounding adds to a
    close stays in the contract's own walk.
    """
    sizes, code = PRODUCTS[rules.code], rules.code
    step = sizes.pair / math.sqrt(2.0)
    normals = stream(settings.seed, code, "walk").standard_normal((len(sessions), _SLOTS))
    common = stream(settings.seed, code, "richness").standard_normal(len(sessions) + 1)
    richness = reverting(common, _RICHNESS, sizes.richness * math.sqrt(1.0 - _RICHNESS**2))
    base = (fair + richness[:, None]).tolist()
    slot = [_slot(contract) for contract in contracts]
    quoted = [np.flatnonzero(row).tolist() for row in np.isfinite(fair)]
    front = _front(rules, sessions, contracts)
    funding_change = change(funding, SCORE_SESSIONS)
    quiet = math.sqrt(1.0 - settings.signal**2)

    walk = [_walk_so_far(settings, rules, each, day, sessions[0], step) for each, day in zip(contracts, listed, strict=True)]
    shocks = (step * normals).tolist()
    close: list[list[float]] = []
    for i, now in enumerate(quoted):
        moves = {j: shocks[i][slot[j]] for j in now}
        near, far = front[i]
        if i > SCORE_SESSIONS and near >= 0:
            past = close[i - 1][near] - close[i - 1][far] - (close[i - 1 - SCORE_SESSIONS][near] - close[i - 1 - SCORE_SESSIONS][far])
            z = _score(past, float(funding_change[i - 1]), sizes, settings.signal)
            moves[near] = quiet * moves[near] + settings.signal * sizes.pair * z
            moves[far] = quiet * moves[far]
        row = [math.nan] * len(contracts)
        for j in now:
            wanted = base[i][j] + walk[j] + moves[j]
            row[j] = round(round(wanted / ticks[i]) * ticks[i], 6)
            walk[j] = row[j] - base[i][j]
        close.append(row)
    return np.array(close)
