"""A panel: everything a factor may read about one fixed pair, on the sessions on which one could decide.

For ``CalendarSpread("T1906", "T1909")`` and a study that decides at the close, the panel's row of 2019-04-10
holds both closes of that day, the SHIBOR fixing of that morning and the ChinaBond curve of the day *before*,
since that day's curve came out after the close. Every value is the last one whose ``known_at`` is not after
the decision time; one older than ``max_age_days`` is missing rather than stale.

A panel's axis is the sessions on which both legs were quoted while the pair was in front, preceded by
``warm_up`` exchange sessions so that changes of rates and curves (and of the pair itself, where it was
already quoted) exist from the first day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.factor.align import known_as_of, known_on
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
from tenor.factor.valuation import Valuation, Valued, is_valued, value_pair
from tenor.market.calendar import trading_calendar
from tenor.market.contract import PairSpan, Product
from tenor.market.market import Market
from tenor.units import AnyArray, Bools, Dates, Floats

Decision: TypeAlias = Literal["close", "evening"]
"""``close``: at the official close, with what was known then. ``evening``: five hours later."""

EVENING = timedelta(hours=5)


@dataclass(frozen=True, slots=True)
class Panel:
    """Aligned series of one pair.

    Parameters
    ----------
    product, span
        What is traded, and while it is in front.
    sessions
        Shape ``(session,)``, ascending.
    front
        Shape ``(session,)``: the pair is in front and both legs were quoted (False during warm-up).
    fields
        Each series, shape ``(session,)``; NaN where nothing recent enough was known.
    valued
        What the legs are worth, where the study says how they are priced.
    """

    product: Product
    span: PairSpan
    sessions: Dates
    front: Bools
    fields: Mapping[Field, Floats]
    valued: Valued | None = None


def decision_times(product: Product, sessions: Dates, decision: Decision) -> AnyArray:
    """Return the moment of decision of each session, ``datetime64[us]`` in UTC, shape ``(session,)``."""
    late = EVENING if decision == "evening" else timedelta(0)
    times = [product.closes_at(day) + late for day in sessions.astype("datetime64[D]").tolist()]
    return np.array([moment.replace(tzinfo=None) for moment in times], dtype="datetime64[us]")


def build_panel(
    market: Market,
    product: Product,
    span: PairSpan,
    needs: Sequence[Field],
    *,
    decision: Decision,
    warm_up: int,
    max_age_days: int,
    valuation: Valuation | None = None,
) -> Panel | None:
    """Align ``needs`` (and both closes) for one pair; ``None`` if the pair was never quoted while in front.

    Raises
    ------
    MarketError
        If a needed series does not exist in the market at all; the message lists those that do. If values of a leg are
        needed and there is no ``valuation``.
    """
    legs = {
        leg: market.quotes.filter(pl.col("code") == contract.code)
        for leg, contract in (("near", span.spread.near), ("far", span.spread.far))
    }
    quoted = [frame.drop_nulls("close").filter(pl.col("date") <= span.flat_by)["date"] for frame in legs.values()]
    both = sorted(set(quoted[0].to_list()) & set(quoted[1].to_list()))
    in_front = [day for day in both if day >= span.first]
    if not in_front:
        return None
    sessions = np.array([*_warm_up(product, in_front[0], warm_up), *in_front], dtype="datetime64[D]")
    moments = decision_times(product, sessions, decision)
    fields: dict[Field, Floats] = {}
    priced_from = valuation.inputs if valuation is not None else ()
    for field in dict.fromkeys((NEAR_CLOSE, FAR_CLOSE, *priced_from, *needs)):
        if is_valued(field):
            if valuation is None:
                raise MarketError(f"{field} needs to know how futures are priced; add a table [valuation] to the study")
        elif field.table in legs:
            fields[field] = known_on(legs[field.table], field.name, sessions, moments)
        elif field.table == "rate":
            fields[field] = known_as_of(market.rate(field.name), "rate", moments, max_age_days)
        elif field.table == "curve":
            curve, _, years = field.name.rpartition(":")
            fields[field] = known_as_of(market.tenor(curve, float(years)), "rate", moments, max_age_days)
        elif field == Field("pair", "days_to_last_trading"):
            left = np.datetime64(span.last_trading_day, "D") - sessions
            fields[field] = left.astype(np.float64)
        else:
            raise MarketError(
                f"no field {field}; tables are near, far, rate, curve and pair (days_to_last_trading, values)"
            )
    valued = None
    if valuation is not None:
        valued = value_pair(market, product, span.spread, sessions, moments, fields, valuation)
        fields |= valued.fields
    front = np.isin(sessions, np.array(in_front, dtype="datetime64[D]"))
    front &= np.isfinite(fields[NEAR_CLOSE]) & np.isfinite(fields[FAR_CLOSE])
    return Panel(product, span, sessions, front, fields, valued)


def _warm_up(product: Product, first: date, count: int) -> list[date]:
    """The ``count`` exchange sessions before ``first``, fewer where the product was not listed yet."""
    if count == 0:
        return []
    earliest = max(first - timedelta(days=2 * count + 30), product.listed)
    before = trading_calendar(product.calendar).sessions(earliest, first)
    return [day for day in before.astype("datetime64[D]").tolist() if day < first][-count:]
