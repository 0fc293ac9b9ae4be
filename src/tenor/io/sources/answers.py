"""Reading the answers of providers: columns by name, and bars of one instrument to canonical tables.

Three instances. A column that a new release of a library renamed is refused by name, with the columns that are there. A
close of ``"abc"`` is refused with its row. The last row of an answer that was given at 15:40 in New York is the session
that is still going on: it is left out, with a word.

Prices of stocks are kept as they were traded, and everything that looks back over splits and dividends lies in
``adjustments``: the factor is 1 at the first session and moves on ex-dates alone. A later split then adds one row to
what was pulled before and changes none. On the ex-date of a split into ``s`` new shares per old one and a dividend of
``d`` per new share the factor is multiplied by ``s / (1 - d s / c)``, with ``c`` the close of the session before as it
was traded (the multipliers of CRSP, as Yahoo publishes its own).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from tenor.errors import DataError, Defect, PullError, suggest
from tenor.io.sources.check import gaps, listed, order_defects, value_defects
from tenor.io.sources.fetch import Asked, Found, Span
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import Exchange, exchange
from tenor.market.market import ACTIONS, ADJUSTMENTS, INSTRUMENTS, QUOTES, UTC

SETTLING = timedelta(minutes=20)
"""A row of a session is taken for finished from this long after the close: providers lag by a quarter of an hour."""

JUMP = 5.0
"""A close this many times the one before, or this fraction of it, after adjustment, is refused: a unit or a split."""

RENAMED = "a new release of the provider or its library may have renamed it; the rows are kept raw below 'cache'"
CORRECT = "the provider's row cannot be used; pull with a later --first, or from another provider"


def read_columns(asked: Asked, wanted: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """Return columns of an answer under our names.

    Parameters
    ----------
    asked
        The answer.
    wanted
        Our name of a column to the provider's and its kind: ``"date"``, ``"number"`` or ``"text"``.

    Returns
    -------
    DataFrame
        The columns, ``file`` (what was asked) and ``row`` (from 1). What is missing in the answer is null.

    Raises
    ------
    PullError
        If the answer has no rows.
    DataError
        If a column is not there, or a cell is not of its kind.
    """
    answer, name = asked.answer, str(asked.request)
    if not answer.rows:
        raise PullError(f"{name}: the answer is empty; is the name right, and does the provider have these days?")
    lacking = [foreign for foreign, _ in wanted.values() if foreign not in answer.columns]
    if lacking:
        raise DataError(
            [
                Defect(
                    name,
                    None,
                    each,
                    f"no such column{suggest(each, answer.columns)}; the columns are {', '.join(answer.columns)}",
                    RENAMED,
                )
                for each in lacking
            ]
        )
    out = {"file": [name] * len(answer.rows), "row": list(range(1, len(answer.rows) + 1))}
    frame = pl.DataFrame(out, schema={"file": pl.String, "row": pl.Int64})
    defects: list[Defect] = []
    for ours, (foreign, kind) in wanted.items():
        at = answer.columns.index(foreign)
        text = pl.Series(ours, [None if row[at] is None else str(row[at]) for row in answer.rows], dtype=pl.String)
        if kind == "text":
            frame = frame.with_columns(text)
            continue
        text = text.str.strip_chars()
        text = text.set(text == "", None)
        if kind == "date":
            day = text.str.slice(0, 10)
            value = day.str.to_date("%Y-%m-%d", strict=False)
            value = value.zip_with(value.is_not_null(), day.str.to_date("%Y%m%d", strict=False))
        else:
            value = text.str.replace_all(",", "").cast(pl.Float64, strict=False)
        wrong = text.is_not_null() & value.is_null() if kind != "date" else value.is_null()
        failing = frame.select("file", "row").with_columns(
            pl.lit(foreign).alias("column"),
            pl.format("'{}' is no {}", text.fill_null(""), pl.lit(kind)).alias("reason"),
        )
        defects += listed(failing.filter(wrong), RENAMED)
        frame = frame.with_columns(value.alias(ours))
    if defects:
        raise DataError(defects)
    return frame


@dataclass(frozen=True, slots=True)
class Terms:
    """What an instrument is."""

    code: str
    name: str
    kind: str
    exchange: str
    currency: str


def stock_tables(
    terms: Terms, bars: pl.DataFrame, events: pl.DataFrame, factors: pl.DataFrame | None, asked: Asked, span: Span
) -> Found:
    """Hold the bars of one instrument to the contract and return its canonical tables.

    Parameters
    ----------
    terms
        What it is.
    bars
        ``file``, ``row``, ``date``, ``open``, ``high``, ``low``, ``close``, ``volume`` (shares), as traded.
    events
        ``date`` (ex-date), ``action`` (``"split"``, ``"dividend"``), ``value``; empty where the provider has none.
    factors
        ``date``, ``factor``: the provider's own cumulative factor; ``None``: it is computed from ``events``.
    asked
        When the bars were answered: what was not over then is left out.
    span
        Days that are kept; the factor is 1 at the first of them.

    Raises
    ------
    DataError
        If rows fail the contract.
    PullError
        If no row stays.
    """
    at = exchange(terms.exchange)
    rows, notes = _finished(terms.code, bars.sort("date", maintain_order=True), at, asked, span)
    if rows.is_empty():
        raise PullError(f"{terms.code}: no finished session from {span.first or 'the first'} to {span.last}")
    named = rows.with_columns(pl.lit(terms.code).alias("code"))
    defects = [*order_defects("quotes", named, "date"), *value_defects("quotes", named)]
    if defects:
        raise DataError(defects)
    adjustments = (
        _from_events(terms.code, rows, events) if factors is None else _from_factors(terms.code, rows, factors)
    )
    jumped, likely = _jumps(named, adjustments)
    if jumped:
        raise DataError(jumped)
    notes += likely
    holes = gaps("quotes", named.select("code", "date", "row"), at.calendar)
    if holes.height:
        worst = holes.sort("missing", descending=True).row(0, named=True)
        notes.append(
            f"{terms.code}: {int(holes['missing'].sum())} sessions of {at.code} without a row (halts, or gaps of the"
            f" provider), at most {worst['missing']} together after {worst['after']}"
        )
    first, last = rows["date"][0], rows["date"][-1]
    shown = events.filter(pl.col("date").is_between(first, last)) if events.height else events
    instrument = {
        "code": terms.code,
        "name": terms.name,
        "kind": terms.kind,
        "exchange": terms.exchange,
        "currency": terms.currency,
        "sector": None,
        "known_at": at.opens_at(first),
    }
    known = pl.Series("known_at", at.closes(rows["date"].to_numpy().astype("datetime64[D]")))
    quotes = named.with_columns(
        known.dt.replace_time_zone("UTC").cast(UTC), settle=pl.lit(None), open_interest=pl.lit(None)
    )
    return Found(
        {
            "quotes": quotes.select(QUOTES.names()).cast(QUOTES),
            "adjustments": _at_open(at, adjustments.select("date", "code", "factor"), ADJUSTMENTS),
            "actions": _at_open(at, shown.with_columns(pl.lit(terms.code).alias("code")), ACTIONS),
            "instruments": pl.DataFrame([instrument], schema=INSTRUMENTS),
        },
        tuple(notes),
    )


def _at_open(at: Exchange, rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Events of ex-dates: known at the open of their day at the latest, as they are announced before."""
    if rows.is_empty():
        return schema.to_frame()
    known = pl.Series("known_at", [at.opens_at(day) for day in rows["date"].to_list()], dtype=UTC)
    return rows.with_columns(known).select(schema.names()).cast(schema)


def _finished(code: str, bars: pl.DataFrame, at: Exchange, asked: Asked, span: Span) -> tuple[pl.DataFrame, list[str]]:
    """Leave out what was not over when asked, has no close, or is on no session; say so."""
    notes: list[str] = []
    loaded = trading_calendar(at.calendar).loaded
    inside = bars.filter(pl.col("date").is_between(span.first or date.min, span.last))
    going = [day for day in inside["date"].tail(3).to_list() if at.closes_at(day) + SETTLING > asked.at]
    rules = (
        (pl.col("date").is_in(going), f"were not over when asked ({', '.join(map(str, going))})"),
        (pl.col("close").is_null(), "have no close"),
        (~pl.col("date").is_between(*loaded), f"are outside the holidays that are loaded ({loaded[0]} to {loaded[1]})"),
        (
            ~pl.col("date").is_in(pl.Series(trading_calendar(at.calendar).days).cast(pl.Date).implode()),
            f"are on no session of {at.code}",
        ),
    )
    for failing, why in rules:
        out = inside.filter(failing)
        if out.height:
            notes.append(f"{code}: {out.height} rows left out: they {why}")
        inside = inside.filter(~failing)
    blank = [name for name in ("open", "high", "low") if (inside[name] == 0).any()]
    if blank:
        count = inside.filter(pl.any_horizontal(pl.col(name) == 0 for name in blank)).height
        notes.append(f"{code}: a 0 for {', '.join(blank)} is taken as missing on {count} sessions")
        inside = inside.with_columns(pl.when(pl.col(name) != 0).then(pl.col(name)).alias(name) for name in blank)
    return inside, notes


def _from_events(code: str, rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The factor from splits and dividends; an event of the first session or before has no effect."""
    days, closes = rows["date"].to_numpy().astype("datetime64[D]"), rows["close"].to_numpy()
    steps: list[tuple[date, str, float]] = []
    factor = 1.0
    known = events.filter(pl.col("date") <= rows["date"][-1]).sort("date") if events.height else events
    for (day,), of_day in known.group_by("date", maintain_order=True):
        before = int(np.searchsorted(days, np.datetime64(_day(day), "D"))) - 1
        if before < 0:
            continue
        split = float(of_day.filter(pl.col("action") == "split")["value"].product() or 1.0)
        paid = float(of_day.filter(pl.col("action") == "dividend")["value"].sum())
        left = 1.0 - paid * split / float(closes[before])
        if not (split > 0 and 0 < left <= 1):
            reason = f"a split of {split:g} and a dividend of {paid:g} on {day} after a close of {closes[before]:g}"
            raise DataError([Defect(code, None, "events", reason, CORRECT)])
        factor *= split / left
        steps.append((_day(day), code, factor))
    return pl.DataFrame(steps, schema={"date": pl.Date, "code": pl.String, "factor": pl.Float64}, orient="row")


def _day(value: object) -> date:
    assert isinstance(value, date)
    return value


def _from_factors(code: str, rows: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """The provider's cumulative factor, rebased to 1 at the first session; the days on which it moves."""
    bad = factors.filter(~(pl.col("factor") > 0))
    if bad.height:
        raise DataError([Defect(code, None, "factor", f"{bad['factor'][0]} on {bad['date'][0]}", CORRECT)])
    first, last = rows["date"][0], rows["date"][-1]
    ordered = factors.unique("date", keep="last").sort("date")
    before = ordered.filter(pl.col("date") <= first)["factor"]
    base = before[-1] if before.len() else 1.0
    later = ordered.filter(pl.col("date").is_between(first, last, closed="right"))
    moved = later.with_columns((pl.col("factor") / base).alias("factor"), pl.lit(code).alias("code"))
    return moved.filter(pl.col("factor") != pl.col("factor").shift(1, fill_value=1.0)).select("date", "code", "factor")


def _jumps(named: pl.DataFrame, adjustments: pl.DataFrame) -> tuple[tuple[Defect, ...], list[str]]:
    """Refuse adjusted closes that cannot be; say of those that are unusual."""
    dated = adjustments.select("date", "factor").sort("date").with_columns(pl.col("date").set_sorted())
    adjusted = named.sort("date").join_asof(dated, on="date").with_columns(pl.col("factor").fill_null(1.0))
    ratio = (pl.col("close") * pl.col("factor")).log().diff().exp().alias("ratio")
    changed = adjusted.with_columns(ratio, pl.col("close").shift(1).alias("before"))
    reason = pl.format(
        "close {} after {} the row before ({} on {}), {} times it after adjustment",
        "close", "before", "code", "date", pl.col("ratio").round(3),
    )  # fmt: skip
    far = changed.filter((pl.col("ratio") > JUMP) | (pl.col("ratio") < 1 / JUMP))
    defects = listed(far.select("file", "row", pl.lit("close").alias("column"), reason.alias("reason")), CORRECT)
    unusual = changed.filter(pl.col("ratio").log().abs() > np.log(1.5))
    if not unusual.height or defects:
        return defects, []
    most = unusual.sort(pl.col("ratio").log().abs(), descending=True).row(0, named=True)
    return (), [
        f"{most['code']}: {unusual.height} moves of more than half, the largest {most['ratio'] - 1:+.0%}"
        f" on {most['date']}"
    ]
