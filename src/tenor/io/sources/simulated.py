"""The simulated market: treasury futures with real dates, drawn prices, and a signal of known strength.

It is there to check the rest against. With ``signal = 0`` nothing that is known at a close tells where the
calendar spread in front goes next, so a study that finds something there has a leak. With ``signal = 0.2``
exactly that much is there, and it lies in the tables.

**The planted signal.** For the pair in front (:func:`tenor.market.contract.front_pairs`) the pair component
of the spread changes in the next session by ``sigma (sqrt(1 - rho^2) eps + rho z)``. ``rho`` is the setting
``signal``, ``sigma`` the product's ``pair`` size, ``eps`` is standard normal, and ``z``, of mean 0 and
variance nearly 1, is :func:`~tenor.io.sources.simulated_futures.score`: the spread's change over the last
three sessions, with a negative sign, and that of ``REPO.1W``. So ``rho`` is the correlation of what was known
with what comes, and the best accuracy that anybody can have on the direction of that component is ``1/2 +
asin(rho)/pi`` (Sheppard 1899). Funding, curve and rounding move the spread as well, which leaves its
correlation a little below ``rho``. The drift is put on the near contract and ends with its ``flat_by``, as
the next pair is in front then.

**What the contracts deliver.** ``bonds`` and ``deliverables`` hold the baskets behind the prices. ``macro`` holds one
publication, ``CPI.YOY``, drawn by itself: it moves nothing, and nothing moves it.

**What is not real.** A basket is fixed when its contract is listed. The market knows the curve at the futures
close, before it is published. A contract's own walk does not die out at delivery: that could be seen coming,
and would be a second signal. There are no price limits, and spot settles on the same day.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from tenor.errors import MarketError, StudyError, suggest
from tenor.io.sources.simulated_economy import Economy, economy, fixings, par_coupon, reverting, stream
from tenor.io.sources.simulated_futures import SCORE_SESSIONS, SIZES, bonds, change, deliverables, quotes, score
from tenor.market.calendar import trading_calendar
from tenor.market.contract import front_pairs, product
from tenor.market.market import CURVE, MACRO, RATES, Market
from tenor.settings import STRICT
from tenor.units import Dates

TENORS = (1, 2, 3, 5, 7, 10, 30)
"""Published points of the curve ``CGB``, in years."""

CPI_MEAN, CPI_KEEP, CPI_STEP = 2.0, 0.92, 0.35
"""Of the change of consumer prices on the year, in per cent: mean, what is left of a deviation after a month, and
standard deviation of a month's news."""
CPI_DAY = 15
"""Day of the next month on which it is published."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Settings of a simulated market; :meth:`read` draws it.

    Equal settings give equal tables. A later ``last`` appends sessions and leaves the earlier ones as they
    were. A product has the same prices whatever other products are there.

    Parameters
    ----------
    products
        Any of TS, TF, T and TL. One that was listed after ``first`` starts at its listing.
    first
        First day, inclusive. Holidays must be loaded from six years before it (old bonds).
    last
        Last day, inclusive. Holidays must be loaded to the end of the quarter in which the contracts deliver that are
        quoted by then (nine months and a half ahead at most).
    seed
        Seed of every draw, 0 or more.
    signal
        ``rho``, the correlation of what is known at a close with the next change of the pair component of the spread:
        0, nothing to find, to below 1.

    Raises
    ------
    StudyError
        With every setting that is wrong.
    """

    __pydantic_config__: ClassVar = STRICT

    products: tuple[str, ...] = ("T",)
    first: date = date(2015, 3, 20)
    last: date = date(2025, 12, 31)
    seed: int = 0
    signal: float = 0.0
    source: Literal["simulated"] = "simulated"

    def __post_init__(self) -> None:
        allowed = list(SIZES)
        problems = [
            f"products: {code!r} cannot be simulated; allowed are {allowed}{suggest(code, allowed)}"
            for code in self.products
            if code not in SIZES
        ]
        if not self.products or len(set(self.products)) < len(self.products):
            problems.append(f"products: {list(self.products)}; give one or more out of {allowed}, each once")
        if not self.first < self.last:
            problems.append(f"first {self.first}, last {self.last}: give a first day before the last")
        problems += [
            f"last {self.last}: {code} was listed on {product(code).listed}; end later or leave {code} out"
            for code in self.products
            if code in SIZES and product(code).listed > self.last
        ]
        if self.seed < 0:
            problems.append(f"seed {self.seed}: give 0 or more")
        if not 0.0 <= self.signal < 1.0:
            problems.append(f"signal {self.signal}: a correlation, from 0 to below 1")
        if problems:
            raise StudyError(problems)

    def read(self) -> Market:
        """Draw the market; no file, clock or network is touched.

        Raises
        ------
        CalendarError
            If a holiday is needed that is not loaded; the message names the loaded range.
        """
        rules = [product(code) for code in self.products]
        deliveries_end = max(each.second_delivery_day(each.contracts(self.first, self.last)[-1]) for each in rules)
        world = economy(self.seed, trading_calendar(rules[0].calendar), self.first, self.last, deliveries_end)
        return Market(
            name="simulated",
            simulated=True,
            quotes=pl.concat([quotes(self.seed, self.signal, world, each) for each in rules]),
            curve=_curve_table(world),
            rates=_rates_table(world),
            bonds=bonds(world, rules),
            deliverables=pl.concat([deliverables(world, each) for each in rules]),
            macro=_macro_table(self.seed, world, self.last),
            notes=(
                f"SIMULATED: drawn, not observed (seed {self.seed}, planted signal {self.signal:g})",
                "The rates of curve CGB are par yields of bonds that pay once a year.",
                "CPI.YOY is drawn by itself: no price follows it.",
            ),
        )


def planted(market: Market, code: str, signal: float) -> pl.DataFrame:
    """Recompute the planted score of product ``code``, from the tables alone, for each front pair.

    It is the best that a model can know, so a study on a simulated market can be held against it.

    Parameters
    ----------
    market
        From :meth:`Simulated.read`.
    code
        A product in it.
    signal
        Strength with which it was drawn.

    Returns
    -------
    DataFrame
        ``date`` of the close at which the row is known; ``spread``, the pair in front on the *next* session;
        ``score``, null where the past is too short; ``next_change`` of the pair's close, in points.

    Raises
    ------
    MarketError
        If the market has no quotes of the product.
    """
    of_product = market.quotes.filter(pl.col("code").str.replace(r"\d{4}$", "") == code)
    if of_product.is_empty():
        raise MarketError(f"no quotes of {code!r} in {market.name!r}; it has {list(market.codes())}")
    wide = of_product.pivot("code", index="date", values="close").sort("date")
    dates = wide["date"]
    funding = wide.select("date").join(market.rate("REPO.1W"), on="date", how="left")["rate"].to_numpy()
    frames = []
    for span in front_pairs(product(code), dates[0], dates[-1]):
        value = (wide[span.spread.near.code] - wide[span.spread.far.code]).to_numpy()
        known = score(change(value, SCORE_SESSIONS), change(funding, SCORE_SESSIONS), SIZES[code], signal)
        frame = pl.DataFrame(
            {
                "date": dates,
                "spread": [span.spread.code] * len(dates),
                "score": known,
                "next_change": np.append(change(value, 1)[1:], np.nan),
            }
        )
        frames.append(frame.filter(dates.shift(-1).is_between(span.first, span.flat_by)))
    return pl.concat(frames).with_columns(pl.col("score", "next_change").fill_nan(None))


def _curve_table(world: Economy) -> pl.DataFrame:
    """Par yields, known at 17:30 in Shanghai."""
    known_at = _known_at(world.shown, 17, 30)
    factors = world.factors[world.start :]
    points = [
        pl.DataFrame(
            {
                "date": world.shown,
                "curve": ["CGB"] * len(factors),
                "tenor": [float(tenor)] * len(factors),
                "rate": np.round(par_coupon(factors, tenor, 1), 6),
                "known_at": known_at,
            },
            schema=CURVE,
        )
        for tenor in TENORS
    ]
    return pl.concat(points)


def _rates_table(world: Economy) -> pl.DataFrame:
    """Funding fixings, known at 11:00 in Shanghai."""
    known_at = _known_at(world.shown, 11, 0)
    series = [
        pl.DataFrame(
            {"date": world.shown, "name": [name] * len(rate), "rate": rate, "known_at": known_at},
            schema=RATES,
        )
        for name, rate in fixings(world).items()
    ]
    return pl.concat(series)


def _macro_table(seed: int, world: Economy, last: date) -> pl.DataFrame:
    """Consumer prices on the year from the beginning of the history, known at 09:30 in Shanghai on their release."""
    first, end = world.days[0].astype("datetime64[M]"), np.datetime64(last, "M")
    if last.day < CPI_DAY:
        end = end - 1
    months = np.arange(first, end)
    released = (months + 1).astype("datetime64[D]") + (CPI_DAY - 1)
    path = reverting(stream(seed, "consumer prices").standard_normal(len(months) + 1), CPI_KEEP, CPI_STEP)
    return pl.DataFrame(
        {
            "name": ["CPI.YOY"] * len(months),
            "period": (months + 1).astype("datetime64[D]") - 1,
            "released": released,
            "value": np.round(CPI_MEAN + path, 1),
            "known_at": _known_at(released, 9, 30),
        },
        schema=MACRO,
    )


def _known_at(days: Dates, hour: int, minute: int) -> pl.Series:
    """The moment of ``hour:minute`` in Shanghai on each of ``days``, in UTC."""
    local = pl.Series(days.astype("datetime64[us]") + np.timedelta64(60 * hour + minute, "m"))
    return local.dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
