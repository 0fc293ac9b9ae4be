"""Reading files of stocks into quotes, instruments, adjustments and members.

Three instances. 944 in ``open_fen`` with ``price = 100`` is an open of 9.44 yuan; its factor of 5.6046 on the first
session becomes 1, and what follows is relative to that. A close of 0 is refused with its row: no return can be made of
it. A price that is four times that of the session before is refused too, unless the layout knows why.

Tables of millions of rows are read column-wise; rows are counted from 1 below the header.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tenor.errors import Defect, MarketError, suggest
from tenor.io.sources.check import LeftOut, Part, listed, missing_columns
from tenor.io.sources.layout_stocks import AnyStocks, Instruments, LeaveStock, Members, Stocks
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import ADJUSTMENTS, INSTRUMENTS, MEMBERS, QUOTES

LIKELY_JUMP = 0.75
"""An adjusted close that changes by more than this in a session is refused, unless the layout knows why."""

HOLD = 1e-6
"""How far, of a price, high and low may miss open and close by rounding."""

EXACT = 1e-12
"""Factors that differ by less than this, of one, are the same; returns near the edge of a band ask for no less."""

JUMP_REMEDY = "correct the price or factor, or say under known_jumps why it is right"


@dataclass(frozen=True, slots=True)
class StockTables:
    """What the files of stocks of a layout gave: a part for each file, and the canonical tables."""

    parts: Mapping[int, Part]
    tables: Mapping[str, pl.DataFrame]


def read_stocks(folder: Path, files: Mapping[int, AnyStocks], wanted: Sequence[str] | None) -> StockTables:
    """Read every file of stocks of a layout.

    Parameters
    ----------
    folder
        Where the files lie.
    files
        Their settings by place in the layout.
    wanted
        Only these instruments; ``None``: all.

    Raises
    ------
    MarketError
        If an instrument that is wanted is in no file.
    """
    parts: dict[int, Part] = {}
    quotes, terms, factors, members = [], [], [], []
    named: pl.DataFrame | None = None
    for place, file in files.items():
        if isinstance(file, Stocks):
            part, tables = _prices(folder, file, wanted)
            if tables:
                quotes.append(tables[0])
                terms.append(tables[1])
                factors.append(tables[2])
        elif isinstance(file, Members):
            part, events = _members(folder, file, wanted)
            members.append(events)
        else:
            part, named = _named(folder, file)
        parts[place] = part
    instruments = pl.concat([INSTRUMENTS.to_frame(), *terms])
    if named is not None:
        instruments = (
            instruments.join(named, on="code", how="left", maintain_order="left", suffix=" said")
            .with_columns(
                pl.coalesce("name said", "name").alias("name"), pl.coalesce("sector said", "sector").alias("sector")
            )
            .select(INSTRUMENTS.names())
        )
    broken = any(part.defects for part in parts.values())
    lacking = sorted(set(wanted or ()) - set(instruments["code"].to_list()))
    if lacking and not broken:
        held = instruments["code"].to_list() or _every(folder, files)
        raise MarketError(
            f"the layout has no quotes of {lacking[0]!r} ({len(lacking)} of {len(wanted or ())} asked)"
            f"{suggest(lacking[0], held)}; it has {len(held)}" + (f", such as {held[0]}" if held else "")
        )
    return StockTables(
        parts,
        {
            "quotes": pl.concat([QUOTES.to_frame(), *quotes]),
            "instruments": instruments,
            "adjustments": pl.concat([ADJUSTMENTS.to_frame(), *factors]),
            "members": pl.concat([MEMBERS.to_frame(), *members]),
        },
    )


def _every(folder: Path, files: Mapping[int, AnyStocks]) -> list[str]:
    """Codes of every file, for a message."""
    found: set[str] = set()
    for file in files.values():
        if isinstance(file, Stocks):
            frame, _ = _table(folder, file.path, (file.code,))
            if frame is not None:
                found |= set(frame[file.code].cast(pl.String).unique().to_list())
    return sorted(found)


def _table(folder: Path, name: str, columns: Sequence[str]) -> tuple[pl.DataFrame | None, tuple[Defect, ...]]:
    """Read columns of a file, text as text; ``None`` and why where it cannot be read."""
    path = folder / name
    if not path.is_file():
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        reason = f"no such file; its folder holds {there}{suggest(path.name, there)}"
        return None, (Defect(name, None, "file", reason, "put the file there, or correct the path in the layout"),)
    try:
        if path.suffix == ".parquet":
            held = list(pl.read_parquet_schema(path))
            if wrong := missing_columns(name, columns, held):
                return None, wrong
            frame = pl.read_parquet(path, columns=list(dict.fromkeys(columns)))
        else:
            frame = pl.read_csv(path, infer_schema=False)
            if wrong := missing_columns(name, columns, frame.columns):
                return None, wrong
            frame = frame.select(list(dict.fromkeys(columns)))
    except (OSError, pl.exceptions.PolarsError) as broken:
        return None, (Defect(name, None, "file", f"cannot be read: {broken}", "fetch the file again"),)
    return frame.with_row_index("row", 1).with_columns(pl.lit(name).alias("file"), pl.col("row").cast(pl.Int64)), ()


def _day(column: str, form: str, frame: pl.DataFrame) -> pl.Expr:
    kind = frame.schema[column]
    return pl.col(column).cast(pl.Date) if kind.is_temporal() else pl.col(column).str.to_date(form, strict=False)


def _prices(
    folder: Path, file: Stocks, wanted: Sequence[str] | None
) -> tuple[Part, tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame] | None]:
    taken = {name: (one,) if isinstance(one, str) else tuple(one) for name, one in file.columns.items()}
    foreign = [file.date.column, file.code, *(column for group in taken.values() for column in group)]
    frame, unread = _table(folder, file.path, foreign)
    nothing = Part(file.path, "stocks", 0, 0, None, None, defects=unread, notes=file.notes)
    if frame is None:
        return nothing, None
    total = frame.height
    rows = frame.select(
        "file",
        "row",
        _day(file.date.column, file.date.format, frame).alias("date"),
        pl.col(file.code).cast(pl.String).str.strip_chars().alias("code"),
        *(
            pl.coalesce(*(pl.col(column).cast(pl.Float64, strict=False).fill_nan(None) for column in group)).alias(name)
            for name, group in taken.items()
        ),
    )
    rows = rows.with_columns(
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in ("open", "high", "low", "volume") if name not in taken)
    )
    rows = rows.with_columns(
        *(pl.when(pl.col(name) == 0).then(None).otherwise(pl.col(name)).alias(name) for name in file.zero_is_missing)
    )
    if file.codes:
        rows = rows.filter(pl.col("code").is_in(file.codes))
    if wanted is not None:
        rows = rows.filter(pl.col("code").is_in(list(wanted)))
    at = exchange(file.exchange)
    sessions = pl.Series("date", trading_calendar(at.calendar).days).cast(pl.Date)
    rows, left_out = _left_out(rows, file.leave_out, sessions)
    defects = _defects(rows, file, sessions)
    days = rows["date"].drop_nulls().sort()
    part = Part(
        file.path,
        "stocks",
        total,
        rows.height,
        days[0] if len(days) else None,
        days[-1] if len(days) else None,
        values=tuple((name, rows[name].count()) for name in ("open", "high", "low", "close", "volume")),
        defects=defects,
        left_out=left_out,
        notes=(f"taken as known at the close of {file.exchange} of its date", *file.notes),
    )
    if defects or rows.is_empty():
        return part, None
    rows = rows.sort("code", "date").with_columns(
        *((pl.col(name) / file.price).alias(name) for name in ("open", "high", "low", "close")),
        (pl.col("volume") * file.shares).alias("volume"),
    )
    once = rows["date"].unique().sort()
    moments = pl.DataFrame(
        {
            "date": once,
            "known_at": [at.closes_at(day) for day in once.to_list()],
            "opens": [at.opens_at(day) for day in once.to_list()],
        },
        schema={"date": pl.Date, "known_at": QUOTES["known_at"], "opens": QUOTES["known_at"]},
    )
    rows = rows.join(moments, on="date", how="left", maintain_order="left")
    blank = pl.lit(None, dtype=pl.Float64)
    quotes = rows.select(
        *("date", "code", "open", "high", "low", "close"),
        blank.alias("settle"),
        "volume",
        blank.alias("open_interest"),
        "known_at",
    )
    terms = (
        rows.group_by("code", maintain_order=True)
        .agg(pl.col("opens").min().alias("known_at"))
        .select(
            "code",
            pl.col("code").alias("name"),
            pl.lit(file.kind).alias("kind"),
            pl.lit(at.code).alias("exchange"),
            pl.lit(at.currency).alias("currency"),
            pl.lit(None, dtype=pl.String).alias("sector"),
            "known_at",
        )
    )
    return part, (quotes, terms, _factors(rows, taken))


def _factors(rows: pl.DataFrame, taken: Mapping[str, Any]) -> pl.DataFrame:
    """Cumulative factors, 1 on the first session of each instrument, where they change."""
    if "factor" in taken:
        ratio = pl.col("factor")
    elif "adj_close" in taken:
        ratio = pl.col("adj_close") / pl.col("close")
    else:
        return ADJUSTMENTS.to_frame()
    known = rows.drop_nulls("factor" if "factor" in taken else "adj_close").with_columns(ratio.alias("ratio"))
    known = known.with_columns((pl.col("ratio") / pl.col("ratio").first().over("code")).alias("factor"))
    before = pl.col("factor").shift(1).over("code")
    moved = known.filter(((pl.col("factor") / before.fill_null(1.0)) - 1.0).abs() > EXACT)
    return moved.select("date", "code", "factor", pl.col("opens").alias("known_at"))


def _left_out(
    rows: pl.DataFrame, rules: Sequence[LeaveStock], sessions: pl.Series
) -> tuple[pl.DataFrame, tuple[LeftOut, ...]]:
    counts = []
    for rule in rules:
        match rule.rule:
            case "blank":
                meets = pl.col("close").is_null()
            case "off_session":
                meets = ~pl.col("date").is_in(sessions.implode())
            case "rows":
                meets = pl.lit(True)
                if rule.codes:
                    meets &= pl.col("code").is_in(rule.codes)
                if rule.first is not None:
                    meets &= pl.col("date") >= rule.first
                if rule.last is not None:
                    meets &= pl.col("date") <= rule.last
        kept = rows.filter(~meets.fill_null(False))
        counts.append(LeftOut(rule.terms(), rule.why, rows.height - kept.height))
        rows = kept
    return rows, tuple(counts)


def _defects(rows: pl.DataFrame, file: Stocks, sessions: pl.Series) -> tuple[Defect, ...]:
    """Hold every row to the contract."""
    found: list[Defect] = []

    def refuse(failing: pl.DataFrame, column: str, reason: pl.Expr, remedy: str) -> None:
        shown = failing.select("file", "row", pl.lit(column).alias("column"), reason.alias("reason"))
        found.extend(listed(shown, remedy))

    said = pl.format("{} on {}", "code", "date")
    refuse(
        rows.filter(pl.col("date").is_null()), file.date.column, pl.lit("no date"), "correct the cell or 'date.format'"
    )
    rows = rows.drop_nulls("date")
    refuse(
        rows.filter(pl.col("close").is_null()),
        "close",
        pl.format("{}: there is none", said),
        "give it, or leave such rows out by a rule 'blank'",
    )
    for name in ("open", "high", "low", "close", "adj_close", "factor"):
        if name in rows.columns:
            refuse(
                rows.filter(pl.col(name) <= 0),
                name,
                pl.format("{}: {} is not positive, and no return can be made of it", said, pl.col(name)),
                "prices adjusted by subtraction fall below zero in early years: give prices adjusted by a factor, or as"
                " quoted; where a 0 says that there is none, name the value under zero_is_missing",
            )
    refuse(
        rows.filter(pl.col("volume") < 0), "volume", pl.format("{}: {} is negative", said, "volume"), "correct the row"
    )
    room = HOLD * pl.col("close")
    refuse(
        rows.filter(
            (pl.col("high") < pl.max_horizontal("open", "close") - room)
            | (pl.col("low") > pl.min_horizontal("open", "close") + room)
        ),
        "high, low",
        pl.format("{}: high {} and low {} do not hold open {} and close {}", said, "high", "low", "open", "close"),
        "correct the row, or leave it out by a rule 'rows'",
    )
    refuse(
        rows.filter(pl.struct("code", "date").is_duplicated()),
        file.date.column,
        pl.format("{} appears twice", said),
        "keep one row for each instrument and session",
    )
    refuse(
        rows.filter(~pl.col("date").is_in(sessions.implode())),
        file.date.column,
        pl.format(f"{{}}: no session of {file.exchange}", said),
        "correct the date or the exchange, or leave such days out by a rule 'off_session'",
    )
    adjusted = pl.col("adj_close") if "adj_close" in rows.columns else pl.col("close")
    if "factor" in rows.columns:
        adjusted = pl.col("close") * pl.col("factor")
    change = (adjusted / adjusted.shift(1).over("code") - 1.0).abs()
    jumps = rows.drop_nulls("close").sort("code", "date").with_columns(change.alias("change"))
    jumps = jumps.filter(pl.col("change") > LIKELY_JUMP)
    if file.known_jumps:
        known = pl.DataFrame(
            {"code": [one.code for one in file.known_jumps], "date": [one.date for one in file.known_jumps]}
        )
        jumps = jumps.join(known, on=["code", "date"], how="anti")
    refuse(
        jumps,
        "close",
        pl.format("{}: {} % from the session before", said, (100 * pl.col("change")).round(0).cast(pl.Int64)),
        JUMP_REMEDY,
    )
    return tuple(found)


def _members(folder: Path, file: Members, wanted: Sequence[str] | None) -> tuple[Part, pl.DataFrame]:
    frame, unread = _table(folder, file.path, (file.code, file.start.column, file.end.column))
    if frame is None:
        return Part(file.path, "members", 0, 0, None, None, defects=unread, notes=file.notes), MEMBERS.to_frame()
    rows = frame.select(
        "file",
        "row",
        pl.col(file.code).cast(pl.String).str.strip_chars().alias("code"),
        _day(file.start.column, file.start.format, frame).alias("start"),
        _day(file.end.column, file.end.format, frame).alias("end"),
    )
    bad = rows.filter(pl.col("start").is_null() | pl.col("end").is_null() | (pl.col("start") > pl.col("end")))
    defects = listed(
        bad.select(
            "file",
            "row",
            pl.lit(f"{file.start.column}, {file.end.column}").alias("column"),
            pl.format("{}: {} to {} is no interval", "code", "start", "end").alias("reason"),
        ),
        "give the first day and the last, the earlier first",
    )
    rows = rows.filter(pl.col("start") <= pl.col("end"))
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


def _named(folder: Path, file: Instruments) -> tuple[Part, pl.DataFrame | None]:
    columns = [column for column in (file.code, file.name, file.sector) if column is not None]
    frame, unread = _table(folder, file.path, columns)
    if frame is None:
        return Part(file.path, "instruments", 0, 0, None, None, defects=unread, notes=file.notes), None
    blank = pl.lit(None, dtype=pl.String)
    table = frame.select(
        pl.col(file.code).cast(pl.String).str.strip_chars().alias("code"),
        (pl.col(file.name).cast(pl.String) if file.name else blank).alias("name"),
        (pl.col(file.sector).cast(pl.String) if file.sector else blank).alias("sector"),
    )
    doubled = frame.filter(table["code"].is_duplicated()).select(
        "file", "row", pl.lit(file.code).alias("column"), pl.lit("the code appears twice").alias("reason")
    )
    defects = listed(doubled, "keep one row for each instrument")
    return (
        Part(file.path, "instruments", frame.height, table.height, None, None, defects=defects, notes=file.notes),
        None if defects else table,
    )
