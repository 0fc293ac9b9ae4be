"""When series that are not prices become known, as rules: what a provider does not say must be stated.

Three instances. Consumer prices of February come out between the 9th and the 15th of March; taken as known on the 15th
they are never early. A rate for overnight money of Friday 2025-10-10 is published on the next business day of New York,
which is Tuesday: the Monday is Columbus Day. A ChinaBond curve is known at 18:00 in Shanghai on its day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from tenor.errors import DataError, Defect
from tenor.io.sources.check import order_defects, value_defects
from tenor.market.calendar import trading_calendar
from tenor.market.market import CURVE, MACRO, RATES, UTC


@dataclass(frozen=True, slots=True)
class Publication:
    """When a value is known: ``days`` after its date or the end of its period, at a local time.

    Parameters
    ----------
    at, zone
        Local time of the publication.
    days
        Calendar days after it; 0 for the same day.
    next_business_day
        The next day on which money is paid in New York, instead of a number of days.
    """

    at: time
    zone: str
    days: int = 0
    next_business_day: bool = False

    def of(self, day: date) -> datetime:
        """Return the moment at which the value of ``day`` is known."""
        published = next_business_day(day) if self.next_business_day else day + timedelta(days=self.days)
        return datetime.combine(published, self.at, ZoneInfo(self.zone))


def next_business_day(day: date) -> date:
    """Return the first day after ``day`` that is a session of New York and no holiday of the Federal Reserve."""
    sessions = trading_calendar("XNYS")
    following = sessions.following(day + timedelta(days=1))
    while _bank_holiday(following):
        following = sessions.following(following + timedelta(days=1))
    return following


def _bank_holiday(day: date) -> bool:
    """Columbus Day and Veterans Day: the banks are closed and the stock exchange is not."""
    columbus = day.month == 10 and day.weekday() == 0 and 8 <= day.day <= 14
    veterans = day.month == 11 and (day.day == 11 or (day.day == 12 and day.weekday() == 0))
    return columbus or veterans


def month_end(day: date) -> date:
    """Return the last day of the month of ``day``."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _stamped(days: Sequence[date], rule: Publication) -> pl.Series:
    moments = {day: rule.of(day) for day in set(days)}
    return pl.Series("known_at", [moments[day] for day in days], dtype=UTC)


Published: TypeAlias = tuple[pl.DataFrame, tuple[str, ...]]
"""A canonical table, and what was left out of it."""


def rate_table(name: str, rows: pl.DataFrame, rule: Publication, asked: datetime) -> Published:
    """Return a table of ``RATES`` from ``file``, ``row``, ``date``, ``rate`` (decimal), held to the contract.

    Values that the rule says were not published by ``asked`` are left out, with a note.
    """
    return _series("rates", rows.with_columns(pl.lit(name).alias("name")), RATES, rule, asked)


def curve_table(curve: str, rows: pl.DataFrame, rule: Publication, asked: datetime) -> Published:
    """Return a table of ``CURVE`` from ``file``, ``row``, ``date``, ``tenor`` (years), ``rate``, likewise."""
    return _series("curve", rows.with_columns(pl.lit(curve).alias("curve")), CURVE, rule, asked)


def _series(table: str, rows: pl.DataFrame, schema: pl.Schema, rule: Publication, asked: datetime) -> Published:
    held = rows.drop_nulls("rate").sort("date", maintain_order=True)
    keys = [name for name in ("curve", "tenor", "name") if name in held.columns]
    held = held.with_columns(pl.int_range(1, pl.len() + 1).alias("row"))
    defects = [*order_defects(table, held.sort(*keys, "date"), "date"), *value_defects(table, held, near_zero=True)]
    if defects:
        raise DataError(defects)
    known = held.with_columns(_stamped(held["date"].to_list(), rule))
    return _by(known, asked, schema)


def _by(known: pl.DataFrame, asked: datetime, schema: pl.Schema) -> Published:
    """Leave out what the rule says was not published when asked."""
    out = known.filter(pl.col("known_at") > asked)
    said = f"{out.height} rows left out: by the stated rule they come later than the answer" if out.height else ""
    table = known.filter(pl.col("known_at") <= asked).select(schema.names()).cast(schema)
    return table, (said,) if said else ()


def macro_table(name: str, rows: pl.DataFrame, rule: Publication, asked: datetime) -> Published:
    """Return a table of ``MACRO`` from ``period`` (its last day), ``value`` and, where known, ``published``.

    A publication without a date is taken as known by ``rule``, counted from the end of its period.
    """
    held = rows.drop_nulls("value").sort("period")
    doubled = held.filter(pl.col("period").is_duplicated())
    if doubled.height:
        raise DataError([Defect(name, None, "period", f"{doubled['period'][0]} appears twice", "pull with --refresh")])
    zone = ZoneInfo(rule.zone)
    stated = held["published"].to_list() if "published" in held.columns else [None] * held.height
    moments = [
        rule.of(period) if day is None else datetime.combine(day, rule.at, zone)
        for period, day in zip(held["period"].to_list(), stated, strict=True)
    ]
    known = held.with_columns(
        pl.lit(name).alias("name"),
        pl.Series("released", [moment.date() for moment in moments], dtype=pl.Date),
        pl.Series("known_at", moments, dtype=UTC),
    )
    return _by(known, asked, MACRO)
