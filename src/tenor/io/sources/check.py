"""The contract check: what every source's rows must satisfy before they are called a market.

Three instances. A close of 0 is refused, with its file and row. A SHIBOR of 2.5 where decimals were
promised is refused: check the unit. A contract that trades on Monday and Thursday but has no row between is
a gap of two sessions, refused unless the source said that this many may be missing.

The functions take frames in the columns of :mod:`tenor.market.market` plus ``file`` and ``row`` (1 is the
header), and return :class:`~tenor.errors.Defect` values; nothing is repaired. Sources collect the defects
of all their files and raise them together, so one reading shows everything. At most :data:`SHOWN` rows are
listed per rule and file; a last line counts the rest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from tenor.errors import DataError, Defect, suggest
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, Product
from tenor.market.market import KEYS, SCHEMAS, Market
from tenor.units import Dates, Price, Rate

SHOWN = 5
"""Rows listed for one rule in one file."""

RATE_BOUND: Rate = 0.5
"""A rate beyond 50 % a year is taken for a wrong unit: the highest of the Chinese and US series is 13.6 %."""

NEAR_ZERO: Rate = 0.0005
"""Where half of a file's rates are within 5 bp of zero, percents were probably divided by 100 twice."""

TICK_TOLERANCE: Price = 1e-4
"""Prices are compared with ticks to the fourth decimal, to which vendors round 1/128 of a point."""

PRICES = ("open", "high", "low", "close", "settle")
COUNTS = ("volume", "open_interest")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of the file that a stated rule left out."""

    rule: str
    why: str
    rows: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Sessions without a row between two consecutive rows of one series."""

    series: str
    after: date
    before: date
    sessions: int


@dataclass(frozen=True, slots=True)
class Part:
    """What was found in one file, or of one series.

    Parameters
    ----------
    name, table
        The file as the layout names it (or the code, curve point or rate), and the canonical table.
    rows
        Rows of the file below its header, before any rule; of a series, its observations.
    kept
        Observations in canonical form that stay.
    first, last
        Dates of the first and last observation that stays; ``None`` where none does. Of publications, the
        periods; of bonds and baskets, the days on which the first and the last row became known (in UTC).
    values
        How many observations each value column has.
    defects, left_out, notes
        What is wrong, what a rule left out, and what a reader must know.
    gaps
        The longest gaps, at most :data:`SHOWN`; ``missing`` is the sum of sessions over all gaps.
    """

    name: str
    table: str
    rows: int
    kept: int
    first: date | None
    last: date | None
    values: tuple[tuple[str, int], ...] = ()
    defects: tuple[Defect, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    gaps: tuple[Gap, ...] = ()
    missing: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """The parts of a source: one per file after a check, one per series in a summary."""

    source: str
    parts: tuple[Part, ...]

    @property
    def defects(self) -> tuple[Defect, ...]:
        """Every defect, in the order of the parts."""
        return tuple(defect for part in self.parts for defect in part.defects)

    def raise_if_defective(self) -> None:
        """Raise :class:`~tenor.errors.DataError` with every defect, if there is one."""
        if self.defects:
            raise DataError(self.defects)


def listed(failing: pl.DataFrame, remedy: str) -> tuple[Defect, ...]:
    """Turn failing rows into defects: the first :data:`SHOWN` by file and column, then a count of the rest.

    Parameters
    ----------
    failing
        Columns ``file``, ``row`` (null: not of one row), ``column``, ``reason``.
    remedy
        What to do, the same for all of them.
    """
    defects: list[Defect] = []
    for (file, column), rows in failing.group_by("file", "column", maintain_order=True):
        shown = rows.sort("row", maintain_order=True).head(SHOWN)
        defects += [
            Defect(str(file), row, str(column), reason, remedy)
            for row, reason in shown.select("row", "reason").iter_rows()
        ]
        if rows.height > SHOWN:
            rest = f"and {rows.height - SHOWN} more rows like these"
            defects.append(Defect(str(file), None, str(column), rest, remedy))
    return tuple(defects)


def missing_columns(file: str, needed: Sequence[str], there: Sequence[str]) -> tuple[Defect, ...]:
    """Return one defect for each needed column that the header does not have."""
    return tuple(
        Defect(
            file,
            1,
            column,
            f"no such column{suggest(column, there)}; the columns are {', '.join(there)}",
            "correct the name in the layout, or give the file that has it",
        )
        for column in needed
        if column not in there
    )


def numbers(text: pl.Series, placed: pl.DataFrame, blank: Sequence[str]) -> tuple[pl.Series, pl.DataFrame]:
    """Parse a column of text; blanks become nulls.

    Parameters
    ----------
    text
        Shape (row,), under the name of its column.
    placed
        ``file`` and ``row`` of each.
    blank
        Marks that mean that nothing was observed.

    Returns
    -------
    tuple
        The numbers, and the rows that are no finite number, as :func:`listed` takes them.
    """
    stripped = text.str.strip_chars()
    empty = stripped.is_in(list(blank))
    value = stripped.cast(pl.Float64, strict=False)
    bad = ~empty & ~value.is_finite().fill_null(False)
    return value.set(empty | bad, None), _said(placed, stripped, bad, "is not a number")


NUMBER_REMEDY = (
    "write a plain number such as 101.235, leave the cell empty, or list the mark under 'blank' in the layout"
)


def dates(text: pl.Series, placed: pl.DataFrame, form: str) -> tuple[pl.Series, pl.DataFrame]:
    """Parse a column of dates written as ``form``; the second value holds the rows that are none."""
    stripped = text.str.strip_chars()
    value = stripped.str.to_date(form, strict=False)
    return value, _said(placed, stripped, value.is_null(), f"is not a date written as {form}")


DATE_REMEDY = "correct the date, or the 'format' of the layout's date"


def _said(placed: pl.DataFrame, text: pl.Series, bad: pl.Series, what: str) -> pl.DataFrame:
    reason = pl.format("'{}' {}", text.alias("text"), pl.lit(what)).alias("reason")
    return placed.select("file", "row", pl.lit(text.name).alias("column"), reason).filter(bad)


def order_defects(table: str, frame: pl.DataFrame, column: str) -> tuple[Defect, ...]:
    """Refuse dates that go back or repeat within a series, in the order of the rows.

    Parameters
    ----------
    table
        Which canonical table.
    frame
        Key columns of the table, ``file``, ``row``; one file.
    column
        What the file calls its date.
    """
    series = [key for key in KEYS[table] if key != "date"]
    stepped = frame.sort("row", maintain_order=True).with_columns(
        pl.col("date").cum_max().shift(1).over(series).alias("before"),
        (pl.col("date").cum_count().over([*series, "date"]) > 1).alias("doubled"),
    )
    rules: tuple[tuple[pl.Expr, str, str], ...] = (
        (
            pl.col("doubled"),
            "{} appears before",
            "keep one row for each date of a series, or state 'duplicates' in the layout",
        ),
        (
            ~pl.col("doubled") & (pl.col("date") < pl.col("before")),
            "{} comes after a later date",
            "sort the file by date, oldest first",
        ),
    )
    found: list[Defect] = []
    for failing, reason, remedy in rules:
        rows = stepped.filter(failing).unique("row", keep="first", maintain_order=True)
        found += listed(
            rows.select(
                "file",
                "row",
                pl.lit(column).alias("column"),
                pl.format(reason + " in series {}", pl.col("date"), _series_name(table)).alias("reason"),
            ),
            remedy,
        )
    return tuple(found)


def value_defects(
    table: str, frame: pl.DataFrame, names: Mapping[str, str] | None = None, *, near_zero: bool = False
) -> tuple[Defect, ...]:
    """Refuse values that cannot be: prices at or below 0, a high below the low, rates beyond the bound.

    Parameters
    ----------
    table
        Which canonical table.
    frame
        Key and value columns of the table (value columns may be absent), ``file``, ``row``; ``column`` with
        the foreign name of a rate, where there is one.
    names
        Canonical to foreign names of the value columns of quotes, for the message.
    near_zero
        Accept rates that are nearly all zero.
    """
    if table == "quotes":
        return _quote_defects(frame, names or {})
    named = frame if "column" in frame.columns else frame.with_columns(column=pl.lit("rate"))
    beyond = ~(pl.col("rate").abs() <= RATE_BOUND) | ~pl.col("rate").is_finite()
    reason = pl.format(
        "{} is beyond {} a year, as a decimal, on {}", pl.col("rate"), pl.lit(RATE_BOUND), pl.col("date")
    )
    found = listed(
        named.filter(beyond).select("file", "row", "column", reason.alias("reason")),
        "check the unit: 2.5 per cent is 2.5 in percent, 0.025 in decimal and 250 in basis points",
    )
    for (file,), rows in named.group_by("file", maintain_order=True):
        half = rows["rate"].abs().median()
        if not near_zero and rows.height > 1 and isinstance(half, float) and half < NEAR_ZERO:
            remedy = "check the unit; if the rates were this low, state near_zero = true in the layout"
            reason_all = f"half of the rates are within {half:.2g} of zero, as decimals"
            found += (Defect(str(file), None, "rate", reason_all, remedy),)
    return found


def _quote_defects(frame: pl.DataFrame, names: Mapping[str, str]) -> tuple[Defect, ...]:
    there = set(frame.columns)
    col = pl.col
    no_price = "correct the price, leave the cell empty, or leave the row out by a rule of the layout"
    no_count = "correct the number of lots, or leave the cell empty"
    crossed = "correct the row; open, high, low and close must be of one contract and one session"
    finite = {value: col(value).is_finite() for value in (*PRICES, *COUNTS)}
    traded = ("open", "close")
    rules: list[tuple[str, pl.Expr, str, Sequence[str], str]] = [
        *((p, ~(col(p) > 0) | ~finite[p], "{} is not above 0", (p,), no_price) for p in PRICES),
        *((c, ~(col(c) >= 0) | ~finite[c], "{} is below 0", (c,), no_count) for c in COUNTS),
        ("high", col("high") < col("low"), "high {} is below low {}", ("high", "low"), crossed),
        *((p, col(p) > col("high"), f"{p} {{}} is above high {{}}", (p, "high"), crossed) for p in traded),
        *((p, col(p) < col("low"), f"{p} {{}} is below low {{}}", (p, "low"), crossed) for p in traded),
    ]
    found: list[Defect] = []
    for column, failing, said, shown, remedy in rules:
        if not set(shown) <= there:
            continue
        reason = pl.format(said + " ({} on {})", *(col(c) for c in shown), col("code"), col("date"))
        rows = frame.filter(failing.fill_null(False))
        found += listed(
            rows.select("file", "row", pl.lit(names.get(column, column)).alias("column"), reason.alias("reason")),
            remedy,
        )
    return tuple(found)


JUMP = 0.2
"""Largest change of a future's close from one row to the next, as a fraction: ten daily limits of the ten-year future.

No treasury future has moved so much in a day; a decimal point that slipped, or two contracts in one series, has."""


def jumps(quotes: pl.DataFrame) -> tuple[Defect, ...]:
    """Refuse a close that is ``JUMP`` away from the same contract's close on the row before."""
    if "close" not in quotes.columns:
        return ()
    before = pl.col("close").shift(1).over("code")
    far = (
        quotes.drop_nulls("close")
        .with_columns(before=before)
        .filter((pl.col("close") / pl.col("before") - 1).abs() > JUMP)
    )
    reason = pl.format("close {} after {} the row before ({} on {})", "close", "before", "code", "date")
    return listed(
        far.select("file", "row", pl.lit("close").alias("column"), reason.alias("reason")),
        "correct the price, or leave the row out by a rule of the layout",
    )


def sessions_of(frame: pl.DataFrame, calendar: str) -> Dates:
    """Return the sessions of ``calendar`` from the first to the last ``date`` of ``frame``: shape (session,).

    Raises
    ------
    CalendarError
        If a date is outside the loaded holidays.
    """
    first, last = frame["date"].min(), frame["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return np.array([], dtype="datetime64[D]")
    return trading_calendar(calendar).sessions(first, last)


def gaps(table: str, frame: pl.DataFrame, calendar: str) -> pl.DataFrame:
    """Find the sessions of ``calendar`` that are missing between consecutive rows of each series.

    Parameters
    ----------
    table
        Which canonical table.
    frame
        Key columns of the table and ``row``; any further columns are kept. Each key at most once.
    calendar
        Whose sessions count.

    Returns
    -------
    DataFrame
        One row per gap: the row after it, with ``series``, ``after`` (the date before the gap) and
        ``missing``.
    """
    stepped = (
        frame.sort(list(KEYS[table]))
        .with_columns(
            _series_name(table).alias("series"),
            pl.col("date").shift(1).over([key for key in KEYS[table] if key != "date"]).alias("after"),
        )
        .drop_nulls("after")
    )
    if stepped.is_empty():
        return stepped.with_columns(missing=pl.lit(0, dtype=pl.Int64))
    sessions = sessions_of(frame, calendar)
    until = np.searchsorted(sessions, stepped["date"].to_numpy().astype("datetime64[D]"), side="left")
    since = np.searchsorted(sessions, stepped["after"].to_numpy().astype("datetime64[D]"), side="right")
    return stepped.with_columns(missing=pl.Series(until - since, dtype=pl.Int64)).filter(pl.col("missing") > 0)


def expired(quotes: pl.DataFrame, product_of: Callable[[str], Product]) -> tuple[Defect, ...]:
    """Refuse quotes of a contract after its last trading day: a sign of a misread delivery month.

    Parameters
    ----------
    quotes
        ``code``, ``date``, ``file``, ``row``.
    product_of
        Rule book by product code, as :func:`tenor.market.contract.product`.

    Raises
    ------
    MarketError, CalendarError
        If a code is no contract, or its last trading day is not known.
    """
    contracts = [Contract.parse(code) for code in quotes["code"].unique().sort().to_list()]
    ends = {c.code: product_of(c.product).last_trading_day(c) for c in contracts}
    late = quotes.with_columns(pl.col("code").replace_strict(ends, return_dtype=pl.Date).alias("end")).filter(
        pl.col("date") > pl.col("end")
    )
    reason = pl.format("{} on {}, after its last trading day {}", "code", "date", "end")
    return listed(
        late.select("file", "row", pl.lit("contract").alias("column"), reason.alias("reason")),
        "correct the date or the contract, or how the layout reads codes",
    )


def off_tick(quotes: pl.DataFrame, product_of: Callable[[str], Product]) -> tuple[str, ...]:
    """Count the prices that are no multiple of the tick of their day, in a sentence per product that has any.

    Ticks change over time and some vendors average or round, so this is said and not refused.
    """
    columns = [price for price in PRICES if price in quotes.columns]
    days = quotes.select("code", "date").unique()
    of = {code: Contract.parse(code).product for code in days["code"].unique().to_list()}
    ticks = days.with_columns(pl.col("code").replace_strict(of, return_dtype=pl.String).alias("product"))
    found: list[str] = []
    for (name,), rows in ticks.group_by("product", maintain_order=True):
        product = product_of(str(name))
        by_day = {day: product.tick(day) for day in rows["date"].unique().sort().to_list()}
        prices = (
            quotes.join(rows, on=["code", "date"])
            .select("date", *columns)
            .unpivot(index="date", on=columns, value_name="price")
            .drop_nulls("price")
        )
        steps = prices["date"].replace_strict(by_day, return_dtype=pl.Float64).to_numpy()
        price = prices["price"].to_numpy()
        off = int(np.sum(np.abs(price - np.round(price / steps) * steps) > TICK_TOLERANCE))
        if off:
            found.append(f"{off} of {len(price)} prices of {name} are no multiple of the tick of their day")
    return tuple(found)


def summary(market: Market) -> Checked:
    """Describe a market: one part per code, curve point, rate, basket and publication, in the order of its tables.

    The bonds are one part, however many there are, and so are the instruments and their adjustments; actions are one
    part for each kind, members one for each universe.
    """
    parts: list[Part] = []
    for table, keys in KEYS.items():
        frame: pl.DataFrame = getattr(market, table)
        if frame.is_empty():
            continue
        values = [c for c in SCHEMAS[table].names() if c not in (*keys, "known_at", "released")]
        day = {"macro": pl.col("period")}.get(table, pl.col("known_at").dt.date())
        day = pl.col("date") if "date" in frame.columns else day
        series = (
            frame.group_by(_series_name(table).alias("series"), maintain_order=True)
            .agg(
                pl.len().alias("rows"),
                day.min().alias("first"),
                day.max().alias("last"),
                *(pl.col(value).count() for value in values),
            )
            .iter_rows(named=True)
        )
        parts += [
            Part(
                name=found["series"],
                table=table,
                rows=found["rows"],
                kept=found["rows"],
                first=found["first"],
                last=found["last"],
                values=tuple((value, found[value]) for value in values),
            )
            for found in series
        ]
    return Checked(source=market.name, parts=tuple(parts))


def _series_name(table: str) -> pl.Expr:
    """What people call a series: ``T2503``, ``CGB:10``, ``SHIBOR.ON``, basket ``T2609``, a universe's members."""
    if table == "curve":
        years = pl.col("tenor").map_elements(lambda tenor: f"{tenor:g}", return_dtype=pl.String)
        return pl.format("{}:{}", pl.col("curve"), years)
    if table in ("bonds", "instruments", "adjustments"):
        return pl.lit("all")
    return pl.col(
        {"quotes": "code", "deliverables": "contract", "actions": "action", "members": "universe"}.get(table, "name")
    )
