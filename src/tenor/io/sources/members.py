"""Reading who belongs to a universe, and what instruments are called.

Three instances. An interval from a holiday on begins at the next session's open. One that ends on a Friday ends at the
open of Monday, unless the next begins then. One that ends on the latest day of the file has not ended: the list was
made then.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenor.io.sources.check import Part, listed
from tenor.io.sources.layout_stocks import Instruments, Members
from tenor.io.sources.stock_cells import day_of, read_cells
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import MEMBERS


def read_members(folder: Path, file: Members, wanted: Sequence[str] | None) -> tuple[Part, pl.DataFrame]:
    """Read intervals of membership into rows of ``MEMBERS``, of ``wanted`` codes where it is given."""
    columns = (file.code, file.start.column, file.end.column)
    frame, unread = read_cells(folder, file.path, columns, encoding=file.encoding)
    if frame is None:
        return Part(file.path, "members", 0, 0, None, None, defects=unread, notes=file.notes), MEMBERS.to_frame()
    rows = frame.select(
        "file",
        "row",
        pl.col(f"n:{file.code}").cast(pl.String).str.strip_chars().alias("code"),
        day_of(file.start.column, file.start.format, frame).alias("start"),
        day_of(file.end.column, file.end.format, frame).alias("end"),
    )
    bad = rows.filter(pl.col("start").is_null() | pl.col("end").is_null() | (pl.col("start") > pl.col("end")))
    defects = listed(
        bad.select(
            "file",
            "row",
            pl.lit(f"{file.start.column}, {file.end.column}").alias("column"),
            pl.format(
                "{}: {} to {} is no interval",
                pl.col("code").fill_null("(no code)"),
                *(pl.col(day).cast(pl.String).fill_null("(no date)") for day in ("start", "end")),
            ).alias("reason"),
        ),
        "give the first day and the last, the earlier first",
    )
    rows = rows.filter(pl.col("start") <= pl.col("end")).sort("code", "start", maintain_order=True)
    lapped = rows.filter(pl.col("start") <= pl.col("end").shift(1).over("code"))
    defects += listed(
        lapped.select(
            "file",
            "row",
            pl.lit(file.start.column).alias("column"),
            pl.format("{}: begins on {}, before an earlier interval of it has ended", "code", "start").alias("reason"),
        ),
        "give intervals of one code that do not overlap",
    )
    latest = rows["end"].max()
    at = exchange(file.exchange)
    calendar = trading_calendar(at.calendar)

    def opening(day: Any, *, after: bool) -> Any:
        place = np.searchsorted(calendar.days, np.datetime64(day, "D"), side="right" if after else "left")
        return calendar.days[min(int(place), len(calendar.days) - 1)].item()

    events = [(code, opening(start, after=False), True) for code, start in rows.select("code", "start").iter_rows()]
    ended = rows.filter(pl.col("end") < latest).select("code", "end")
    events += [(code, opening(end, after=True), False) for code, end in ended.iter_rows()]
    table = pl.DataFrame(events, schema={"code": pl.String, "date": pl.Date, "member": pl.Boolean}, orient="row")
    # an interval that begins on the session after another ends is no leaving
    table = table.sort("member", descending=True).unique(["code", "date"], keep="first").sort("code", "date")
    if wanted is not None:
        table = table.filter(pl.col("code").is_in(list(wanted)))
    moments = {day: at.opens_at(day) for day in table["date"].unique().to_list()}
    table = table.with_columns(
        pl.lit(file.universe).alias("universe"),
        pl.col("date").replace_strict(moments, return_dtype=MEMBERS["known_at"], default=None).alias("known_at"),
    ).select(MEMBERS.names())
    part = Part(
        file.path,
        "members",
        frame.height,
        rows.height,
        rows["start"].min(),  # type: ignore[arg-type]
        latest,  # type: ignore[arg-type]
        defects=defects,
        notes=("membership is taken as known at the open of the day on which it begins or has ended", *file.notes),
    )
    return part, table


def read_names(folder: Path, file: Instruments) -> tuple[Part, pl.DataFrame | None]:
    """Read ``code``, ``name`` and ``sector``, text or null; ``None`` where a row cannot be used."""
    columns = [column for column in (file.code, file.name, file.sector) if column is not None]
    frame, unread = read_cells(folder, file.path, columns, encoding=file.encoding)
    if frame is None:
        return Part(file.path, "instruments", 0, 0, None, None, defects=unread, notes=file.notes), None
    blank = pl.lit(None, dtype=pl.String)
    table = frame.select(
        pl.col(f"n:{file.code}").cast(pl.String).str.strip_chars().alias("code"),
        (pl.col(f"n:{file.name}").cast(pl.String) if file.name else blank).alias("name"),
        (pl.col(f"n:{file.sector}").cast(pl.String) if file.sector else blank).alias("sector"),
    )
    doubled = frame.filter(table["code"].is_duplicated()).select(
        "file", "row", pl.lit(file.code).alias("column"), pl.lit("the code appears twice").alias("reason")
    )
    defects = listed(doubled, "keep one row for each instrument")
    dated = ("sectors are those of the file, taken to hold throughout",) if file.sector else ()
    notes = (*file.notes, *dated)
    return (
        Part(file.path, "instruments", frame.height, table.height, None, None, defects=defects, notes=notes),
        None if defects else table,
    )
