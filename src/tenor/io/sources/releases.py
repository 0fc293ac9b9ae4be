"""Reading monthly publications: the month that a number is of, and the day on which it came out.

Three instances. Consumer prices of 2026年06月份 are of the period that ends on 30 June 2026, and known on 15 July where
the layout says 15 days. A file that starts with the newest month is as good as one that starts with the oldest; one
that goes back and forth is refused. A year without its February is a gap of one month, refused unless it is allowed.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from tenor.errors import Defect
from tenor.io.sources.check import (
    DATE_REMEDY,
    NUMBER_REMEDY,
    SHOWN,
    Gap,
    LeftOut,
    Part,
    dates,
    listed,
    numbers,
)
from tenor.io.sources.layout_file import LeaveOut
from tenor.io.sources.layout_terms import Releases
from tenor.io.sources.rows import Rows, read_rows
from tenor.io.sources.stated import known_by_time, when_known
from tenor.io.sources.terms import Listing, no_rows
from tenor.market.market import SCHEMAS

PERCENT_BOUND = 60.0
"""A change of more than 60 per cent a year is taken for a wrong unit."""

NEAR_ZERO = 0.05
"""Where half of the percentages are within 0.05 of zero, decimals were probably taken for per cent."""

EARLY_DAYS = 7
"""A survey may come out before its month ends, ahead of long holidays, but not more than a week before."""


def read_releases(folder: Path, file: Releases) -> Listing:
    """Bring one file of publications into canonical form and check it by itself."""
    nothing = Listing(Part(file.path, file.table, 0, 0, None, None), no_rows("macro"))
    rows, unread = read_rows(folder, file.path, file.foreign(), encoding=file.encoding)
    if rows is None:
        return nothing.found(unread)
    wide, defects = _parsed(rows, file)
    wide = wide.with_columns(_rule(file))
    used = wide.filter(pl.col("rule").is_null())
    for column in file.columns:
        failing = used.filter(pl.col(f"bad:{column}")).select(
            "file",
            "row",
            pl.lit(column).alias("column"),
            pl.format("'{}' is not a number", f"t:{column}").alias("reason"),
        )
        defects += listed(failing, NUMBER_REMEDY)
    defects += _order_defects(used, file)
    stamped, unknown = known_by_time(used, "since", file.known)
    stamped = stamped.with_columns((pl.col("since") + pl.duration(days=file.known.days)).alias("released"))
    defects += unknown + _early(stamped, file)
    kept = _long(stamped, file)
    defects += _value_defects(kept, file)
    gaps = _gaps(kept)
    defects += _gap_defects(gaps, file)
    if kept.is_empty() and not defects:
        remedy = "give the file with its rows, or correct the rules and columns of the layout"
        defects += (Defect(file.path, None, "rows", f"none of {wide.height} rows stays", remedy),)
    counts = wide.drop_nulls("rule").group_by("rule").len().sort("rule").iter_rows()
    days = kept["period"].sort()
    part = replace(
        nothing.part,
        rows=rows.placed.height,
        kept=kept.height,
        first=None if days.is_empty() else days[0],
        last=None if days.is_empty() else days[-1],
        values=(("value", kept["value"].count()),),
        left_out=tuple(LeftOut(file.leave_out[at].terms(), file.leave_out[at].why, count) for at, count in counts),
        gaps=tuple(Gap(*row) for row in gaps.head(SHOWN).select("name", "after", "period", "missing").iter_rows()),
        missing=int(gaps["missing"].sum()),
    )
    since = "the day in column " + repr(file.released.column) if file.released else "the last day of its month"
    notes = [when_known(file.known, since), *file.notes, *_blanks(used, file), *_missing(gaps)]
    return Listing(part, kept.select(nothing.kept.columns)).found(defects, notes)


def _parsed(rows: Rows, file: Releases) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Parse months, days of publication and numbers; ``n:<column>`` holds the numbers, ``bad:`` those that are none."""
    day, undated = _months(rows.cells[file.date.column], rows.placed, file.date.format)
    defects = listed(undated, DATE_REMEDY)
    columns: dict[str, pl.Series] = {"period": day, "since": day}
    if file.released is not None:
        columns["since"], unreleased = dates(rows.cells[file.released.column], rows.placed, file.released.format)
        defects += listed(unreleased, DATE_REMEDY)
    for column in file.columns:
        number, failing = numbers(rows.cells[column], rows.placed, file.blank)
        columns[f"n:{column}"], columns[f"t:{column}"] = number, rows.cells[column].str.strip_chars()
        columns[f"bad:{column}"] = rows.placed["row"].is_in(failing["row"].implode())
    return rows.placed.with_columns(**columns).drop_nulls(["period", "since"]), defects


def _months(text: pl.Series, placed: pl.DataFrame, form: str) -> tuple[pl.Series, pl.DataFrame]:
    """Parse reference months to their last day; a form without a day of the month is read as of the first."""
    if any(code in form for code in ("%d", "%e", "%F", "%D", "%x", "%j")):
        day, failing = dates(text, placed, form)
    else:
        day, failing = dates((text.str.strip_chars() + " 1").alias(text.name), placed, f"{form} %d")
        written = placed.select("row", text.str.strip_chars().alias("text"))
        said = pl.format("'{}' is not a month written as {}", "text", pl.lit(form)).alias("reason")
        failing = failing.join(written, on="row", maintain_order="left").select("file", "row", "column", said)
    return day.dt.month_end(), failing


def _rule(file: Releases) -> pl.Expr:
    """Which rule leaves a row out, by its place in the layout; null: none."""
    acting = [pl.when(_meets(rule)).then(pl.lit(at)) for at, rule in enumerate(file.leave_out)]
    return pl.coalesce(*acting, pl.lit(None, dtype=pl.Int32)).alias("rule")


def _meets(rule: LeaveOut) -> pl.Expr:
    first, last = rule.first or date.min, rule.last or date.max
    inside = pl.col("period").is_between(first, last)
    return inside if rule.rule == "within" else ~inside


def _order_defects(used: pl.DataFrame, file: Releases) -> tuple[Defect, ...]:
    """Refuse months that repeat, and rows that leave the order of the file, which may run either way."""
    way = -1 if used.height > 1 and used["period"][0] > used["period"][-1] else 1
    months = pl.col("period").dt.year().cast(pl.Int64) * 12 + pl.col("period").dt.month()
    stepped = used.with_columns(
        doubled=~pl.col("period").is_first_distinct(), before=(way * months).cum_max().shift(1), at=way * months
    )
    place = pl.lit(file.date.column).alias("column")
    month = pl.col("period").dt.strftime("%Y-%m")
    doubled = stepped.filter("doubled").select(
        "file", "row", place, pl.format("the month {} appears before", month).alias("reason")
    )
    back = stepped.filter(~pl.col("doubled") & (pl.col("at") < pl.col("before"))).select(
        "file", "row", place, pl.format("the month {} is out of order", month).alias("reason")
    )
    return listed(doubled, "keep one row for each month") + listed(
        back, "sort the file by month, either oldest or newest first"
    )


def _early(stamped: pl.DataFrame, file: Releases) -> tuple[Defect, ...]:
    """Refuse publications more than a week before their month ends."""
    early = stamped.filter(pl.col("released") < pl.col("period") - pl.duration(days=EARLY_DAYS))
    reason = pl.format("released on {}, before the period ends on {}", "released", "period")
    column = file.date.column if file.released is None else file.released.column
    return listed(
        early.select("file", "row", pl.lit(column).alias("column"), reason.alias("reason")),
        "correct the day of release, or the month that the row is of",
    )


def _long(stamped: pl.DataFrame, file: Releases) -> pl.DataFrame:
    """One row for each month and publication; a blank cell is none."""
    parts = [
        stamped.select(
            pl.lit(name, dtype=pl.String).alias("name"),
            "period", "released", pl.col(f"n:{column}").alias("value"), "known_at", "file", "row",
            pl.lit(column, dtype=pl.String).alias("column"),
        ).drop_nulls("value")
        for column, name in file.columns.items()
    ]  # fmt: skip
    return pl.concat(parts).cast({"released": SCHEMAS["macro"]["released"]})


def _value_defects(kept: pl.DataFrame, file: Releases) -> tuple[Defect, ...]:
    """Refuse values that cannot be in the stated unit."""
    value = pl.col("value")
    if file.unit == "points":
        beyond, said = ~((value > 0) & (value < 100)), "{} of {} is not between 0 and 100 points"
    else:
        beyond, said = value.abs() > PERCENT_BOUND, f"{{}} of {{}} is beyond {PERCENT_BOUND:g} per cent"
    reason = pl.format(said, value, pl.col("period").dt.strftime("%Y-%m")).alias("reason")
    remedy = "check the unit of the layout and the column: a change on the year in per cent, or an index in points"
    defects = listed(kept.filter(beyond).select("file", "row", "column", reason), remedy)
    for (column,), rows in kept.group_by("column", maintain_order=True) if file.unit == "percent" else ():
        half = rows["value"].abs().median()
        if not file.near_zero and rows.height > 1 and isinstance(half, float) and half < NEAR_ZERO:
            remedy_all = "check the unit: 2.1 per cent is 2.1; if the values were this low, state near_zero = true"
            said_all = f"half of the values are within {half:.2g} of zero, as per cent"
            defects += (Defect(file.path, None, str(column), said_all, remedy_all),)
    return defects


def _gaps(kept: pl.DataFrame) -> pl.DataFrame:
    """Rows before which months are missing: with ``after``, the last period before, and ``missing`` months."""
    months = pl.col("period").dt.year().cast(pl.Int64) * 12 + pl.col("period").dt.month()
    stepped = kept.sort("name", "period").with_columns(
        pl.col("period").shift(1).over("name").alias("after"),
        (months - months.shift(1).over("name") - 1).cast(pl.Int64).alias("missing"),
    )
    return stepped.filter(pl.col("missing") > 0).sort("missing", "period", descending=[True, False])


def _gap_defects(gaps: pl.DataFrame, file: Releases) -> tuple[Defect, ...]:
    """Refuse gaps beyond the bound, unless a known hole holds every missing month."""
    understood = pl.lit(False)
    for hole in file.known_gaps:
        here = pl.col("column").is_in(list(hole.columns)) if hole.columns else pl.lit(True)
        first_missing = pl.col("after").dt.offset_by("1d").dt.month_end()
        last_missing = pl.col("period").dt.offset_by("-1mo").dt.month_end()
        understood = understood | (here & (first_missing >= hole.first) & (last_missing <= hole.last))
    beyond = gaps.filter((pl.col("missing") > file.gap.months) & ~understood)
    reason = pl.format(
        "{} months are missing from {} after {}; {} may be",
        "missing", "name", pl.col("after").dt.strftime("%Y-%m"), pl.lit(file.gap.months),
    )  # fmt: skip
    return listed(
        beyond.select("file", "row", pl.lit(file.date.column).alias("column"), reason.alias("reason")),
        "add the months, state the hole under 'known_gaps' with its reason, or raise gap.months in the layout",
    )


def _blanks(used: pl.DataFrame, file: Releases) -> list[str]:
    counts = {column: used[f"n:{column}"].null_count() for column in file.columns}
    blank = ", ".join(f"{column} {count}" for column, count in counts.items() if count)
    return [f"blank cells of {used.height} rows, left missing: {blank}"] if blank else []


def _missing(gaps: pl.DataFrame) -> list[str]:
    if gaps.is_empty():
        return []
    top = gaps.row(0, named=True)
    return [
        f"{int(gaps['missing'].sum())} months without a row inside a publication, at most {top['missing']} together "
        f"({top['name']} from {top['after']} to {top['period']})"
    ]
