"""Reading files of stocks into quotes, instruments, adjustments and members.

Three instances. 944 in ``open_fen`` with ``price = 100`` is an open of 9.44 yuan; its factor of 5.6046 on the first
session becomes 1, and what follows is relative to that. A close of 0 is refused with its row: no return can be made of
it. A price that is four times that of the session before is refused too, unless the layout knows why.

Tables of millions of rows are read column-wise (:mod:`tenor.io.sources.stock_cells`); universes and names are read in
:mod:`tenor.io.sources.members`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tenor.errors import Defect, MarketError, suggest
from tenor.io.sources.check import NUMBER_REMEDY, LeftOut, Part, listed
from tenor.io.sources.layout_stocks import AnyStocks, Instruments, LeaveStock, Members, Stocks
from tenor.io.sources.members import read_members, read_names
from tenor.io.sources.stock_cells import day_of, number_of, read_cells
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import ADJUSTMENTS, INSTRUMENTS, MEMBERS, QUOTES

LIKELY_JUMP = 0.75
"""An adjusted close that changes by more than this in a session is refused, unless the layout knows why."""

LIKELY_SPLIT = 3 / 7
"""So is a fall by more than this (a rise by 75 %, backwards) where nothing adjusts: a split of two for one looks so."""

HOLD = 1e-6
"""How far, of a price, high and low may miss open and close by rounding."""

EXACT = 1e-12
"""Factors that differ by less than this, of one, are the same; returns near the edge of a band ask for no less."""

JUMP_REMEDY = "correct the price or factor, or say under known_jumps why it is right"

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class StockTables:
    """What the files of stocks of a layout gave: a part for each file, and the canonical tables."""

    parts: Mapping[int, Part]
    tables: Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _Priced:
    """What one file of prices gave."""

    part: Part
    quotes: pl.DataFrame
    instruments: pl.DataFrame
    adjustments: pl.DataFrame

    @classmethod
    def nothing(cls, part: Part) -> "_Priced":
        return cls(part, QUOTES.to_frame(), INSTRUMENTS.to_frame(), ADJUSTMENTS.to_frame())


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
    priced: list[_Priced] = []
    members: list[pl.DataFrame] = []
    named: pl.DataFrame | None = None
    held: set[str] = set()
    universes: dict[int, set[str]] = {}
    for place, file in files.items():
        match file:
            case Stocks():
                read = _prices(folder, file, wanted)
                twice = sorted(held & set(read.instruments["code"]))
                held |= set(read.instruments["code"])
                parts[place] = _read_twice(read.part, file, twice) if twice else read.part
                priced.append(read)
            case Members():
                parts[place], events = read_members(folder, file, wanted)
                members.append(events)
                universes[place] = set(events["code"])
            case Instruments():
                parts[place], named = read_names(folder, file)
    instruments = pl.concat([INSTRUMENTS.to_frame(), *(read.instruments for read in priced)])
    if named is not None:
        instruments = (
            instruments.join(named, on="code", how="left", maintain_order="left", suffix=" said")
            .with_columns(
                pl.coalesce("name said", "name").alias("name"), pl.coalesce("sector said", "sector").alias("sector")
            )
            .select(INSTRUMENTS.names())
        )
    for place, codes in universes.items():
        if unpriced := codes - held:
            note = f"{len(unpriced)} of {len(codes)} codes have no prices in this layout: the universe lacks them"
            parts[place] = replace(parts[place], notes=(*parts[place].notes, note))
    broken = any(part.defects for part in parts.values())
    lacking = sorted(set(wanted or ()) - set(instruments["code"].to_list()))
    if lacking and not broken:
        there = _every(folder, files)
        raise MarketError(
            f"the layout has no quotes of {lacking[0]!r} ({len(lacking)} of {len(wanted or ())} asked)"
            f"{suggest(lacking[0], there)}; it has {len(there)}" + (f", such as {there[0]}" if there else "")
        )
    return StockTables(
        parts,
        {
            "quotes": pl.concat([QUOTES.to_frame(), *(read.quotes for read in priced)]),
            "instruments": instruments,
            "adjustments": pl.concat([ADJUSTMENTS.to_frame(), *(read.adjustments for read in priced)]),
            "members": pl.concat([MEMBERS.to_frame(), *members]),
        },
    )


def _read_twice(part: Part, file: Stocks, codes: Sequence[str]) -> Part:
    reason = f"{len(codes)} instruments are read by an entry before this one, {codes[0]} among them"
    remedy = "name under 'codes' those of each entry, so that an instrument has one series and one factor"
    return replace(part, defects=(*part.defects, Defect(file.path, None, file.code or "file", reason, remedy)))


def _every(folder: Path, files: Mapping[int, AnyStocks]) -> list[str]:
    """Codes of every file, for a message."""
    found: set[str] = set()
    for file in files.values():
        if isinstance(file, Stocks):
            frame, _ = _table(folder, file, None)
            if frame is not None:
                found |= set(file.codes or frame["code"].drop_nulls().unique())
    return sorted(found)


def _table(folder: Path, file: Stocks, wanted: Sequence[str] | None) -> tuple[pl.DataFrame | None, tuple[Defect, ...]]:
    """Read the columns of every file of an entry, and name the instrument of each row.

    Returns ``None`` and why where one cannot be read. Columns: ``file``, ``row``, ``code`` and the foreign ones under
    ``n:`` and their name.
    """
    names = [file.path]
    if "*" in file.path:
        names = sorted(str(found.relative_to(folder).as_posix()) for found in folder.glob(file.path))
        if not names:
            reason = "no file has such a name"
            return None, (Defect(file.path, None, "file", reason, "put the files there, or correct the path"),)
    if file.code is None and wanted is not None:
        names = [name for name in names if _stem(name) in wanted] or names[:1]
    frames: list[pl.DataFrame] = []
    defects: tuple[Defect, ...] = ()
    for name in names:
        frame, wrong = read_cells(folder, name, file.foreign(), header=file.header, encoding=file.encoding)
        defects += wrong
        if frame is None:
            continue
        code = pl.lit(_stem(name)) if file.code is None else pl.col(f"n:{file.code}").cast(pl.String).str.strip_chars()
        frames.append(frame.with_columns(code.alias("code")))
    if defects:
        return None, defects
    return pl.concat(frames, how="vertical_relaxed"), ()


def _stem(name: str) -> str:
    """The name of a file without folder and ending."""
    return Path(name).name.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")


def _prices(folder: Path, file: Stocks, wanted: Sequence[str] | None) -> _Priced:
    frame, unread = _table(folder, file, wanted)
    if frame is None:
        return _Priced.nothing(Part(file.path, "stocks", 0, 0, None, None, defects=unread, notes=file.notes))
    total = frame.height
    notes = [f"taken as known at the close of {file.exchange} of its date", *file.notes]
    if file.codes:
        frame = frame.filter(pl.col("code").is_in(file.codes) | pl.col("code").is_null())
        if total > frame.height:
            notes.append(f"{total - frame.height} rows are of instruments that 'codes' does not name; not read")
    if wanted is not None:
        frame = frame.filter(pl.col("code").is_in(list(wanted)))
    at = exchange(file.exchange)
    sessions = pl.Series("date", trading_calendar(at.calendar).days).cast(pl.Date)
    rows, unparsed = _parsed(frame, file)
    rows, left_out = _left_out(rows, file.leave_out, sessions)
    defects = tuple(
        defect
        for failing in unparsed
        for defect in listed(failing.join(rows, on=("file", "row"), how="semi", maintain_order="left"), NUMBER_REMEDY)
    )
    rows = rows.sort("code", "date", maintain_order=True).with_columns(_factor(rows).alias("held factor"))
    defects += _defects(rows, file, sessions)
    notes += _remarks(rows, file)
    days = rows["date"].drop_nulls().sort()
    part = Part(
        file.path,
        "stocks",
        total,
        rows.height,
        days[0] if len(days) else None,
        days[-1] if len(days) else None,
        values=tuple((name, rows[name].count()) for name in (*PRICES, "volume")),
        defects=defects,
        left_out=left_out,
        notes=tuple(notes),
    )
    if defects or rows.is_empty():
        return _Priced.nothing(part)
    if file.price != 1.0:
        rows = rows.with_columns(_divided(rows[name], file.price) for name in PRICES)
    rows = rows.with_columns((pl.col("volume") * file.shares).alias("volume"))
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
        *("date", "code", *PRICES), blank.alias("settle"), "volume", blank.alias("open_interest"), "known_at"
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
    before = pl.col("held factor").shift(1).over("code").fill_null(1.0)
    moved = rows.filter((pl.col("held factor") / before - 1.0).abs() > EXACT)
    factors = moved.select("date", "code", pl.col("held factor").alias("factor"), pl.col("opens").alias("known_at"))
    return _Priced(part, quotes, terms, factors)


def _divided(values: pl.Series, by: float) -> pl.Series:
    """Divide to the last digit, 660 / 100 as 6.6: Polars multiplies by the inverse, which gives 6.6000000000000005."""
    return pl.Series(values.name, values.to_numpy() / by).fill_nan(None)


def _parsed(frame: pl.DataFrame, file: Stocks) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Bring cells into values: ``file``, ``row``, ``date``, ``code`` and the values, and rows whose cells are none."""
    day = day_of(file.date.column, file.date.format, frame).alias("date")
    parsed: dict[str, pl.Series] = {}
    failing: list[pl.DataFrame] = []
    sources = file.sources()
    for column in dict.fromkeys(column for group in sources.values() for column in group):
        parsed[column], wrong = number_of(column, frame, file.blank)
        failing.append(wrong)
    values = frame.select("file", "row", day, "code").with_columns(
        *(pl.coalesce(*(parsed[column] for column in group)).alias(name) for name, group in sources.items()),
        *(pl.lit(None, dtype=pl.Float64).alias(name) for name in (*PRICES, "volume") if name not in sources),
    )
    return values.with_columns(
        *(pl.when(pl.col(name) == 0).then(None).otherwise(pl.col(name)).alias(name) for name in file.zero_is_missing)
    ), failing


def _ratio(columns: Sequence[str]) -> pl.Expr:
    """What a price of a row is multiplied by, as the file has it; null where it says nothing."""
    if "factor" in columns:
        return pl.col("factor")
    return pl.col("adj_close") / pl.col("close") if "adj_close" in columns else pl.lit(None, dtype=pl.Float64)


def _factor(rows: pl.DataFrame) -> pl.Expr:
    """The cumulative factor of rows in order: 1 until the first known one, which becomes 1; then the latest known."""
    ratio = _ratio(rows.columns)
    rebased = ratio / ratio.drop_nulls().first().over("code")
    return rebased.forward_fill().over("code").fill_null(1.0)


def _remarks(rows: pl.DataFrame, file: Stocks) -> list[str]:
    """What is missing in rows that stay, what stands in for what, and what looks odd."""
    said = []
    sources = file.sources()
    blank = ", ".join(f"{name} {count}" for name in (*PRICES, "volume") if (count := rows[name].null_count()))
    if blank:
        said.append(f"missing values of {rows.height} rows, left missing: {blank}")
    if {"factor", "adj_close"} & set(sources):
        ratio = _ratio(rows.columns).count().alias("factors")
        counts = rows.group_by("code", maintain_order=True).agg(ratio, pl.len())
        without = counts.filter(pl.col("factors") == 0)["code"].to_list()
        some = counts.filter((pl.col("factors") > 0) & (pl.col("factors") < pl.col("len")))
        if without:
            said.append(f"no factor for {', '.join(map(str, without))}; their prices count as they stand")
        if some.height:
            lacking = int((some["len"] - some["factors"]).sum())
            said.append(
                f"{lacking} rows of {some.height} of the instruments have no factor; the one before counts, else 1"
            )
    elif file.kind != "index":
        said.append("no factor: prices count as they stand, whether that is as quoted or adjusted")
    return said


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
            case "no_factor":
                ratio = _ratio(rows.columns)
                meets = ratio.is_null() & (ratio.count().over("code") > 0)
            case "no_trade":
                meets = (pl.col("volume") == 0) & (pl.col("high") == pl.col("low"))
            case "rows":
                meets = pl.lit(True)
                if rule.codes:
                    meets &= pl.col("code").is_in(rule.codes)
                if rule.first is not None:
                    meets &= pl.col("date") >= rule.first
                if rule.last is not None:
                    meets &= pl.col("date") <= rule.last
        kept = rows.filter(~meets.fill_null(False))
        if kept.height < rows.height:
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
    refuse(
        rows.filter(pl.col("code").is_null() | (pl.col("code") == "")),
        file.code or "file",
        pl.lit("no code"),
        "say in the cell of which instrument the row is",
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
    found += _jumps(rows, file)
    return tuple(found)


def _jumps(rows: pl.DataFrame, file: Stocks) -> tuple[Defect, ...]:
    """Refuse changes of the adjusted close that only an error or a split explains, except those that are known."""
    adjusted = pl.col("close") * pl.col("held factor")
    adjusts = _ratio(rows.columns).count().over("code") > 0
    bound = pl.when(adjusts | pl.lit(file.kind == "index")).then(-LIKELY_JUMP).otherwise(-LIKELY_SPLIT)
    positive = rows.filter((pl.col("close") > 0) & (pl.col("held factor") > 0))
    change = (adjusted / adjusted.shift(1).over("code") - 1.0).alias("change")
    jumps = positive.with_columns(change, bound.alias("bound"))
    jumps = jumps.filter((pl.col("change") > LIKELY_JUMP) | (pl.col("change") < pl.col("bound")))
    if file.known_jumps:
        known = pl.DataFrame(
            {"code": [one.code for one in file.known_jumps], "date": [one.date for one in file.known_jumps]}
        )
        jumps = jumps.join(known, on=["code", "date"], how="anti", maintain_order="left")
    return listed(
        jumps.select(
            "file",
            "row",
            pl.lit("close").alias("column"),
            pl.format(
                "{} on {}: {} % from the session before",
                "code",
                "date",
                (100 * pl.col("change")).round(0).cast(pl.Int64),
            ).alias("reason"),
        ),
        JUMP_REMEDY,
    )
