"""FRED: the US treasury curve, overnight rates and publications.

Three instances. ``DGS10`` is the ten-year point of curve ``UST``, and ``UST`` is all its points. ``SOFR`` is a rate.
``CPIAUCSL`` is a publication: with a key in FRED_API_KEY its vintages (ALFRED) say when each month came out and what
was said first; without one the values are those of today, taken as known by a stated rule, and a note says so.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from tenor.errors import PullError, suggest
from tenor.io.environment import fred_key
from tenor.io.sources.answers import read_columns
from tenor.io.sources.fetch import Answer, Asked, Fetch, Found, Request, Span, called
from tenor.io.sources.publications import Publication, curve_table, macro_table, month_end, rate_table

NEW_YORK = "America/New_York"
TENORS = {
    "DGS1MO": 1 / 12,
    "DGS3MO": 0.25,
    "DGS6MO": 0.5,
    "DGS1": 1.0,
    "DGS2": 2.0,
    "DGS3": 3.0,
    "DGS5": 5.0,
    "DGS7": 7.0,
    "DGS10": 10.0,
    "DGS20": 20.0,
    "DGS30": 30.0,
}
"""Points of the curve ``UST``, in years, by the series that has them."""

CURVE_RULE = Publication(time(18), NEW_YORK, next_business_day=True)
RATE_RULE = Publication(time(10), NEW_YORK, next_business_day=True)
RATES = ("DFF", "EFFR", "SOFR", "OBFR")
MACRO = {
    "CPIAUCSL": Publication(time(10), NEW_YORK, days=20),
    "CPILFESL": Publication(time(10), NEW_YORK, days=20),
    "PPIACO": Publication(time(10), NEW_YORK, days=20),
    "PAYEMS": Publication(time(10), NEW_YORK, days=15),
    "UNRATE": Publication(time(10), NEW_YORK, days=15),
    "M2SL": Publication(time(14), NEW_YORK, days=35),
    "INDPRO": Publication(time(10), NEW_YORK, days=20),
    "PCEPI": Publication(time(10), NEW_YORK, days=40),
}
"""Monthly publications, and when each is taken as known where no vintage says it: later than the usual day."""

FIRST = date(1970, 1, 2)
"""Before it no calendar says when a value was published."""

LATEST = timedelta(days=120)
"""A vintage this long after its period is the first that FRED kept, not the day on which the number came out."""

CSV = "https://fred.stlouisfed.org/graph/fredgraph.csv"
API = "https://api.stlouisfed.org/fred/series/observations"


@dataclass(frozen=True, slots=True)
class FredFetch:
    """Asks FRED through a client with httpx's ``get``; the key goes into the call and is never written down."""

    client: Any
    key: str | None = None

    def __call__(self, request: Request) -> Answer:
        """Return the values of one series, or every vintage of them."""
        asked = dict(request.arguments)

        def series() -> Answer:
            reply = self.client.get(CSV, params={"id": asked["series"]})
            reply.raise_for_status()
            head, *rows = list(csv.reader(io.StringIO(reply.text)))
            return Answer(tuple(head), tuple(tuple(row) for row in rows if row))

        def vintages() -> Answer:
            extent = {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31", "file_type": "json"}
            reply = self.client.get(API, params={"series_id": asked["series"], "api_key": self.key, **extent})
            reply.raise_for_status()
            columns = ("realtime_start", "realtime_end", "date", "value")
            return Answer(columns, tuple(tuple(row[name] for name in columns) for row in reply.json()["observations"]))

        if request.call == "vintages" and self.key is None:
            raise PullError(f"{request} needs a key in FRED_API_KEY")
        try:
            return called(request, vintages if request.call == "vintages" else series)
        except PullError as failed:
            if self.key is None or self.key not in str(failed):
                raise
            raise PullError(str(failed).replace(self.key, "(key)"), passing=failed.passing) from None


@dataclass(frozen=True, slots=True)
class Fred:
    """The connector ``fred``.

    Parameters
    ----------
    key
        Key of FRED's API; without it publications are taken as known by a rule.
    """

    key: str | None = None

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return "fred"

    def plan(self, item: str, span: Span) -> tuple[Request, ...]:
        """Return one request for each series of ``item``."""
        if item == "UST":
            return tuple(Request("fred", "series", (("series", series),)) for series in TENORS)
        known = ("UST", *TENORS, *RATES, *MACRO)
        if item not in known:
            raise PullError(f"{item!r} is not pulled from fred{suggest(item, known)}; pulled are {', '.join(known)}")
        call = "vintages" if item in MACRO and self.key else "series"
        return (Request("fred", call, (("series", item),)),)

    def parse(self, item: str, answers: Sequence[Asked], span: Span, now: datetime) -> Found:
        """Return the points of a curve, a rate or a publication."""
        if item in MACRO:
            return _publication(item, answers[0], span)
        tables: list[pl.DataFrame] = []
        notes: list[str] = []
        for asked in answers:
            series = dict(asked.request.arguments)["series"]
            rows = _values(asked, series)
            early = rows.filter(pl.col("date") < FIRST).height
            notes += [f"{series}: {early} rows before {FIRST} left out: no calendar says when they were published"] * (
                early > 0
            )
            rows = rows.filter(pl.col("date").is_between(max(span.first or FIRST, FIRST), span.last))
            rows = rows.with_columns((pl.col("value") / 100).alias("rate"))
            if series in TENORS:
                rows = rows.with_columns(pl.lit(TENORS[series]).alias("tenor"))
                table, said = curve_table("UST", rows, CURVE_RULE, asked.at)
            else:
                table, said = rate_table(series, rows, RATE_RULE, asked.at)
            tables.append(table)
            notes += [f"{series}: {each}" for each in said]
        rule = "18:00" if item in TENORS or item == "UST" else "10:00"
        notes.append(f"{item}: taken as known at {rule} in New York on the next business day")
        found = pl.concat(tables)
        if found.is_empty():
            raise PullError(f"{item}: no value from {span.first or FIRST} to {span.last}")
        return Found({"curve" if "curve" in found.columns else "rates": found}, tuple(notes))

    def opened(self) -> Fetch:
        """Return what asks FRED; PullError if httpx is not installed."""
        try:
            import httpx
        except ModuleNotFoundError as missing:
            raise PullError(f"pulling from fred needs httpx ({missing}): pip install 'tenor[fred]'") from None
        return FredFetch(httpx.Client(timeout=30.0, follow_redirects=True), self.key)


def fred() -> Fred:
    """Return the connector with the key that the environment holds, if any."""
    return Fred(fred_key())


def _values(asked: Asked, series: str) -> pl.DataFrame:
    """``file``, ``row``, ``date``, ``value`` of a CSV; a point stands for nothing observed."""
    answer = asked.answer
    blank = tuple(tuple(None if cell == "." else cell for cell in row) for row in answer.rows)
    plain = Asked(asked.request, Answer(answer.columns, blank, answer.facts), asked.at, asked.cached)
    return read_columns(plain, {"date": ("observation_date", "date"), "value": (series, "number")}).drop_nulls("value")


def _publication(item: str, asked: Asked, span: Span) -> Found:
    rule = MACRO[item]
    if asked.request.call == "series":
        rows = _values(asked, item)
        note = (
            f"{item}: values as they stand today, not first prints, taken as known {rule.days} days after the month;"
            " with a key in FRED_API_KEY the vintages say both"
        )
    else:
        answer = asked.answer
        blank = tuple(tuple(None if cell == "." else cell for cell in row) for row in answer.rows)
        plain = Asked(asked.request, Answer(answer.columns, blank), asked.at, asked.cached)
        wanted = {"date": ("date", "date"), "value": ("value", "number"), "published": ("realtime_start", "date")}
        rows = read_columns(plain, wanted).drop_nulls("value").sort("date", "published")
        rows = rows.unique("date", keep="first", maintain_order=True)
        late = pl.col("published") - pl.col("date").dt.month_end() > LATEST
        old = rows.filter(late).height
        rows = rows.with_columns(pl.when(~late).then(pl.col("published")).alias("published"))
        note = f"{item}: first prints, known on the day they came out" + (
            f"; {old} older months, of which no first vintage is kept, {rule.days} days after the month" if old else ""
        )
    ends = [month_end(day) for day in rows["date"].to_list()]
    rows = rows.with_columns(pl.Series("period", ends, dtype=pl.Date))
    rows = rows.filter(pl.col("period").is_between(span.first or date.min, span.last))
    table, said = macro_table(item, rows, rule, asked.at)
    if table.is_empty():
        raise PullError(f"{item}: no publication from {span.first or 'the first'} to {span.last}")
    return Found({"macro": table}, (note, *(f"{item}: {each}" for each in said)))
