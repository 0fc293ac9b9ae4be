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
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
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
    """

    product: Product
    span: PairSpan
    sessions: Dates
    front: Bools
    fields: Mapping[Field, Floats]


def known_as_of(frame: pl.DataFrame, value: str, moments: AnyArray, max_age_days: int) -> Floats:
    """Return the last observation known at each moment: the one of the latest date, not the latest to arrive.

    Parameters
    ----------
    frame
        One series with ``date``, ``known_at`` and ``value``, one row per date.
    moments
        Shape ``(moment,)``, ``datetime64[us]`` in UTC.
    max_age_days
        Calendar days between the observation's date and the moment's date beyond which the value is missing.
    """
    observed = frame.drop_nulls(value).sort("known_at", "date")
    # an old observation that arrives after a newer one replaces nothing
    observed = observed.filter(pl.col("date") == pl.col("date").cum_max())
    known = observed["known_at"].dt.replace_time_zone(None).to_numpy()
    values, dates = observed[value].to_numpy(), observed["date"].to_numpy()
    last = np.searchsorted(known, moments, side="right") - 1
    found = last >= 0
    out = np.full(len(moments), np.nan)
    if found.any():
        age = moments[found].astype("datetime64[D]") - dates[last[found]].astype("datetime64[D]")
        out[found] = np.where(age <= np.timedelta64(max_age_days, "D"), values[last[found]], np.nan)
    return out


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
) -> Panel | None:
    """Align ``needs`` (and both closes) for one pair; ``None`` if the pair was never quoted while in front.

    Raises
    ------
    MarketError
        If a needed series does not exist in the market at all; the message lists those that do.
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
    for field in dict.fromkeys((NEAR_CLOSE, FAR_CLOSE, *needs)):
        if field.table in legs:
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
            raise MarketError(f"no field {field}; tables are near, far, rate, curve and pair.days_to_last_trading")
    front = np.isin(sessions, np.array(in_front, dtype="datetime64[D]"))
    front &= np.isfinite(fields[NEAR_CLOSE]) & np.isfinite(fields[FAR_CLOSE])
    return Panel(product, span, sessions, front, fields)


def known_on(quotes: pl.DataFrame, column: str, sessions: Dates, moments: AnyArray) -> Floats:
    """Return ``column`` on exactly each session, if known by then; NaN otherwise. Shape ``(session,)``."""
    asked = pl.DataFrame({"date": sessions, "moment": moments}).with_columns(
        pl.col("date").cast(pl.Date), pl.col("moment").dt.replace_time_zone("UTC")
    )
    joined = asked.join(quotes, on="date", how="left", maintain_order="left")
    value = pl.when(pl.col("known_at") <= pl.col("moment")).then(pl.col(column))
    return joined.select(value.fill_null(np.nan).alias("value"))["value"].to_numpy()


def _warm_up(product: Product, first: date, count: int) -> list[date]:
    """The ``count`` exchange sessions before ``first``, fewer where the product was not listed yet."""
    if count == 0:
        return []
    earliest = max(first - timedelta(days=2 * count + 30), product.listed)
    before = trading_calendar(product.calendar).sessions(earliest, first)
    return [day for day in before.astype("datetime64[D]").tolist() if day < first][-count:]
