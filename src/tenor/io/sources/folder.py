"""The folder source: files on disk, read through a layout into a market.

Three instances. ``Folder("data", "layouts/shared.toml", ("T",)).read()`` gives the closes of every near and
far T contract, with SHIBOR and the ChinaBond curve. Two files may feed one quote, closes from one and
volume from the other; where both give the same number the layout says which stands. Rows that a rule of the
layout leaves out are counted in ``Market.notes``; any other row that cannot be used refuses the whole
reading, with its file and line.

A file of series is read in this order: text to rows, dates and numbers, the rules of the layout, canonical form,
contract check. Then files are combined (:mod:`tenor.io.sources.combine`). Terms of bonds and baskets, and publications,
are read in :mod:`tenor.io.sources.terms` and :mod:`tenor.io.sources.releases`, stocks in
:mod:`tenor.io.sources.stocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from tenor.errors import CalendarError, DataError, Defect, MarketError, suggest
from tenor.io.sources.check import (
    COUNTS,
    DATE_REMEDY,
    NUMBER_REMEDY,
    Checked,
    LeftOut,
    Part,
    dates,
    expired,
    jumps,
    listed,
    numbers,
    off_tick,
    order_defects,
    sessions_of,
    value_defects,
)
from tenor.io.sources.combine import Reading, combined, matched, without_gaps
from tenor.io.sources.layout import load_layout
from tenor.io.sources.layout_file import VALUES, File, LeaveOut
from tenor.io.sources.layout_stocks import Instruments, Members, Stocks
from tenor.io.sources.layout_terms import Releases, Terms
from tenor.io.sources.releases import read_releases
from tenor.io.sources.rows import Rows, read_rows
from tenor.io.sources.stated import coded, known_by_time, when_known
from tenor.io.sources.stocks import read_stocks
from tenor.io.sources.terms import Listing, read_terms, undeliverable, united
from tenor.market.contract import Contract, product
from tenor.market.market import KEYS, SCHEMAS, Market
from tenor.settings import STRICT

PER_UNIT: Mapping[str, float] = {
    "per 100": 1.0,
    "per 1": 0.01,
    "percent": 100.0,
    "decimal": 1.0,
    "basis points": 10_000.0,
}
"""What a number in each unit is divided by: prices become per 100 of face, rates decimals per year."""

LEAVE_OUT_REMEDY = "correct it, or leave those rows out by a rule of the layout"


@dataclass(frozen=True, slots=True)
class Folder:
    """A source: a folder of foreign files and the layout that reads them.

    Parameters
    ----------
    folder
        Where the files lie; a relative path is counted from the study file.
    layout
        Path of the layout file, which says what every file and column holds; counted likewise.
    products
        Read only the files that these products need; of stocks, only these codes. Absent, all; a study of pairs names
        its products here.
    source
        The word by which a study file names this kind of source.
    """

    __pydantic_config__: ClassVar = STRICT
    folder: str | Path
    layout: str | Path
    products: tuple[str, ...] | None = None
    source: Literal["folder"] = "folder"

    def located(self, base: Path) -> "Folder":
        """Return the source with relative paths counted from ``base``."""
        return replace(self, folder=base / self.folder, layout=base / self.layout)

    def read(self) -> Market:
        """Read the market.

        Raises
        ------
        StudyError
            If the layout is not valid.
        DataError
            If any row of any file fails the contract check; every defect of every file is in it.
        MarketError
            If the layout has no quotes of one of the products.
        """
        checked, tables = _read(self)
        checked.raise_if_defective()
        return Market(name=checked.source, simulated=False, notes=_notes(checked.parts), **tables)


def check(folder: str | Path, layout: str | Path, products: tuple[str, ...] | None = None) -> Checked:
    """Check every file that ``layout`` names, without stopping at defects: one part per file.

    Raises
    ------
    StudyError, MarketError
        As :meth:`Folder.read`; :class:`DataError` only where there is no such folder.
    """
    return _read(Folder(folder, layout, products))[0]


def _read(source: Folder) -> tuple[Checked, dict[str, pl.DataFrame]]:
    """Read all files, check and combine them; the tables count only where nothing is defective."""
    layout = load_layout(source.layout)
    files = layout.of(source.products)
    folder = Path(source.folder)
    if not folder.is_dir():
        there = sorted(p.name for p in folder.parent.iterdir() if p.is_dir()) if folder.parent.is_dir() else []
        reason = f"no such folder; beside it are {there}{suggest(folder.name, there)}"
        raise DataError([Defect(str(source.folder), None, "folder", reason, "give the folder that holds the files")])
    series = [file for file in files if isinstance(file, File)]
    reads = tuple(_read_file(folder, file, entry) for entry, file in enumerate(series))
    tables: dict[str, pl.DataFrame] = {}
    for table in ("quotes", "curve", "rates"):
        reads = matched(table, reads)
        reads = without_gaps(table, reads)
        reads, tables[table] = combined(table, reads)
    read = tuple(_read_listing(folder, file) for file in files if isinstance(file, Terms | Releases))
    listings, listed_tables = _listed(read)
    of_stocks = {place: file for place, file in enumerate(files) if isinstance(file, Stocks | Members | Instruments)}
    stocks = read_stocks(folder, of_stocks, source.products) if of_stocks else None
    of_series, of_listings = iter(_dated(each) for each in reads), iter(each.part for each in listings)
    parts = tuple(
        stocks.parts[place]
        if stocks is not None and place in of_stocks
        else next(of_series if isinstance(file, File) else of_listings)
        for place, file in enumerate(files)
    )
    tables |= listed_tables
    if stocks is not None:
        quotes = pl.concat([tables["quotes"], stocks.tables["quotes"]])
        tables |= {**stocks.tables, "quotes": quotes}
    return Checked(source=layout.name, parts=parts), tables


def _read_listing(folder: Path, file: Terms | Releases) -> Listing:
    return read_terms(folder, file) if isinstance(file, Terms) else read_releases(folder, file)


def _listed(listings: tuple[Listing, ...]) -> tuple[tuple[Listing, ...], dict[str, pl.DataFrame]]:
    """Put files of terms and of publications together, and hold the baskets against the bonds."""
    rows: dict[str, pl.DataFrame] = {}
    for table in ("bonds", "deliverables", "macro"):
        listings, rows[table] = united(table, listings)
    if not any(each.part.defects for each in listings):
        wrong = undeliverable(rows["bonds"], rows["deliverables"])
        listings = tuple(
            each.found([defect for defect in wrong if defect.file == each.part.name])
            if each.part.table == "deliverables"
            else each
            for each in listings
        )
    return listings, {table: frame.select(SCHEMAS[table].names()) for table, frame in rows.items()}


def _dated(read: Reading) -> Part:
    """The part of a file with the dates and counts of what was kept of it in the end."""
    days = read.kept["date"].sort()
    values = [value for value in VALUES[read.file.table] if value in read.kept.columns]
    return replace(
        read.part,
        kept=read.kept.height,
        first=None if days.is_empty() else days[0],
        last=None if days.is_empty() else days[-1],
        values=tuple((value, read.kept[value].count()) for value in values),
    )


def _notes(parts: Sequence[Part]) -> tuple[str, ...]:
    """Say for each file what was left out and what a reader must know, one sentence each."""
    said: list[str] = []
    for part in parts:
        said += [f"{part.name}: {out.rows:,} rows left out ({out.rule}): {out.why}" for out in part.left_out]
        said += [f"{part.name}: {note}" for note in part.notes]
    return tuple(dict.fromkeys(said))


def _read_file(folder: Path, file: File, entry: int) -> Reading:
    """Bring one file into canonical form and check it by itself."""
    nothing = Reading(file, Part(file.path, file.table, 0, 0, None, None), _empty(file), _empty(file))
    rows, unread = read_rows(folder, file.path, file.foreign(), encoding=file.encoding)
    if rows is None:
        return nothing.found(unread)
    wide, undated, unparsed = _parsed(rows, file)
    try:
        wide = _ruled(wide, file)
    except CalendarError as error:
        return nothing.found([*undated, Defect(file.path, None, file.date.column, str(error), LEAVE_OUT_REMEDY)])
    used = wide.filter(pl.col("rule").is_null())
    defects, notes = list(undated), [when_known(file.known), *file.notes]
    for failing in unparsed:
        defects += listed(failing.join(used, on="row", how="semi", maintain_order="left"), NUMBER_REMEDY)
    off = used.filter("off")
    if file.off_session == "keep" and off.height:
        notes.append(f"{off.height} rows are on days without a session of {file.gap.calendar}; kept")
    elif off.height:
        defects += _off_session_defects(off, file)
    usable = used if file.off_session == "keep" else used.filter(~pl.col("off"))
    defects += _series_defects(used, file)
    kept, unnamed = _long(usable, file, entry)
    seen, _ = _long(_present(wide.filter(~pl.col("outside")), file), file, entry)
    defects += unnamed
    kept, doubled = _once(kept, file)
    notes += [*doubled, *_blanks(usable, file)]
    defects += order_defects(file.table, kept, file.date.column)
    defects += _value_defects(kept, file)
    kept, unknown = _with_known_at(kept, file)
    defects += unknown
    if file.contract is not None and file.contract.form != "given" and not unknown:
        try:
            defects += expired(kept, product)
            defects += jumps(kept)
            notes += off_tick(kept, product)
        except (MarketError, CalendarError) as error:
            defects.append(Defect(file.path, None, "contract", str(error), LEAVE_OUT_REMEDY))
    if kept.is_empty() and not defects:
        remedy = "give the file with its rows, or correct the rules and columns of the layout"
        defects.append(Defect(file.path, None, "rows", f"none of {wide.height} rows stays", remedy))
    counts = wide.drop_nulls("rule").group_by("rule").len().sort("rule").iter_rows()
    left_out = tuple(LeftOut(file.leave_out[at].terms(), file.leave_out[at].why, count) for at, count in counts)
    part = replace(nothing.part, rows=rows.placed.height, left_out=left_out)
    return Reading(file, part, seen.unique(KEYS[file.table], maintain_order=True), kept).found(defects, notes)


def _parsed(rows: Rows, file: File) -> tuple[pl.DataFrame, tuple[Defect, ...], list[pl.DataFrame]]:
    """Parse dates and numbers: ``date``, ``t:<column>`` for text, ``n:<column>`` for number in our unit."""
    day, undated = dates(rows.cells[file.date.column], rows.placed, file.date.format)
    columns = {"date": day}
    unparsed: list[pl.DataFrame] = []
    for naming in file.naming():
        columns[f"t:{naming}"] = rows.cells[naming].str.strip_chars()
    for column, kind in file.valued().items():
        number, failing = numbers(rows.cells[column], rows.placed, file.blank)
        columns[f"n:{column}"] = number if kind in COUNTS else number / PER_UNIT[file.unit]
        unparsed.append(failing)
    wide = rows.placed.with_columns(**columns).drop_nulls("date")
    return wide, listed(undated, DATE_REMEDY), unparsed


def _ruled(wide: pl.DataFrame, file: File) -> pl.DataFrame:
    """Say of each row which rule leaves it out (``rule``, null: none), if it is ``outside`` and if ``off``.

    ``outside`` is True outside the stated period, ``off`` within it on days without a session of the file's
    calendar.
    """
    periods = [_meets(rule, file) for rule in file.leave_out if rule.rule == "outside"]
    wide = wide.with_columns(pl.any_horizontal(pl.lit(False), *periods).alias("outside"))
    sessions = pl.Series(sessions_of(wide.filter(~pl.col("outside")), file.gap.calendar)).cast(pl.Date)
    wide = wide.with_columns((~pl.col("date").is_in(sessions.implode()) & ~pl.col("outside")).alias("off"))
    acting = [pl.when(_meets(rule, file)).then(pl.lit(at)) for at, rule in enumerate(file.leave_out)]
    return wide.with_columns(pl.coalesce(*acting, pl.lit(None, dtype=pl.Int32)).alias("rule"))


def _present(wide: pl.DataFrame, file: File) -> pl.DataFrame:
    """Mark every value of the rows that a rule left out as there: whatever they hold, they are no gap."""
    left_out = pl.col("rule").is_not_null()
    cells = (pl.col(f"n:{column}") for column in file.valued())
    return wide.with_columns(pl.when(left_out).then(cell.fill_null(0.0)).otherwise(cell) for cell in cells)


def _meets(rule: LeaveOut, file: File) -> pl.Expr:
    """Whether a row meets a rule; ``unmatched`` needs the other file and acts later."""
    day = pl.col("date")
    match rule.rule:
        case "outside":
            return (day < (rule.first or date.min)) | (day > (rule.last or date.max))
        case "within":
            return day.is_between(rule.first or date.min, rule.last or date.max)
        case "weekend":
            return day.dt.weekday() > 5
        case "off_session":
            return pl.col("off")
        case "spread":
            near, far = (pl.col(f"n:{c}") for leg in file.legs for c, kind in leg.columns.items() if kind == "close")
            return ((near - far).abs() >= rule.beyond).fill_null(False)
        case "unnamed":
            return ~_is_named(file)
        case "unmatched":
            return pl.lit(False)


def _is_named(file: File) -> pl.Expr:
    """Whether the cell that names the series of a row in long form is one that the layout names."""
    (naming,) = file.naming()
    return pl.col(f"t:{naming}").is_in(list(file.columns or {}))


def _series_defects(used: pl.DataFrame, file: File) -> tuple[Defect, ...]:
    """In long form, refuse rows of a series that the layout does not name, and names that no row has."""
    if file.series is None:
        return ()
    column, names = file.series.column, list(file.columns or {})
    held = used[f"t:{column}"].unique().sort().to_list()
    unnamed = used.filter(~_is_named(file)).select(
        "file",
        "row",
        pl.lit(column).alias("column"),
        pl.format("series '{}' is not in 'columns' of the layout", f"t:{column}").alias("reason"),
    )
    absent = tuple(
        Defect(
            file.path,
            None,
            column,
            f"no row is of series {name!r}{suggest(name, held)}; the file has {held}",
            "correct the name in 'columns' of the layout, or give the file that has it",
        )
        for name in names
        if name not in held
    )
    remedy = "name the series under 'columns', or leave such rows out by a rule 'unnamed'"
    return listed(unnamed, remedy) + absent


def _empty(file: File) -> pl.DataFrame:
    """No rows, in the canonical form of the file's table."""
    origin = pl.Schema({"entry": pl.Int32, "file": pl.String, "row": pl.Int64, "column": pl.String})
    return pl.DataFrame(schema=pl.Schema({**SCHEMAS[file.table], **origin}))


def _long(wide: pl.DataFrame, file: File, entry: int) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Bring rows into the canonical form, without ``known_at`` yet; a row without any value is none."""
    origin = [pl.lit(entry, dtype=pl.Int32).alias("entry"), pl.col("file"), pl.col("row")]
    parts: list[pl.DataFrame] = []
    defects: tuple[Defect, ...] = ()
    if file.table == "quotes":
        named, defects = _named(wide, file)
        for leg in file.legs:
            values = [pl.col(f"n:{column}").alias(kind) for column, kind in leg.columns.items()]
            part = named.select(
                "date",
                pl.col(f"t:{leg.contract}").alias("code"),
                *values,
                *origin,
                pl.lit(leg.contract).alias("column"),
            )
            parts.append(part.filter(pl.any_horizontal(pl.col(*leg.columns.values()).is_not_null())))
    else:
        series = KEYS[file.table][-2]  # tenor, name
        for column, target in (file.columns or {}).items():
            keys = [pl.lit(target, dtype=SCHEMAS[file.table][series]).alias(series), pl.col("date")]
            if file.table == "curve":
                keys.append(pl.lit(file.curve, dtype=pl.String).alias("curve"))
            cell = column if file.series is None else file.series.value
            number = pl.col(f"n:{cell}").alias("rate")
            rows = wide if file.series is None else wide.filter(pl.col(f"t:{file.series.column}") == column)
            parts.append(rows.select(*keys, number, *origin, pl.lit(column).alias("column")).drop_nulls("rate"))
    return pl.concat([_empty(file), *parts], how="diagonal"), defects


def _named(wide: pl.DataFrame, file: File) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Turn the cells that name contracts into codes; rows whose cell names none are defects and go."""
    assert file.contract is not None
    defects: tuple[Defect, ...] = ()
    for leg in file.legs:
        wide, unnamed = coded(wide, f"t:{leg.contract}", leg.contract, file.contract, file.products)
        defects += unnamed
    return wide, defects


def _once(kept: pl.DataFrame, file: File) -> tuple[pl.DataFrame, list[str]]:
    """Act on dates that a series repeats as the layout says, in a sentence."""
    if file.duplicates == "refuse":
        return kept, []
    once = kept.unique(KEYS[file.table], keep=file.duplicates, maintain_order=True)
    gone = kept.height - once.height
    return once, [f"{gone} repeated observations left out, the {file.duplicates} kept"] if gone else []


def _blanks(used: pl.DataFrame, file: File) -> list[str]:
    """Say how many cells of each column were blank."""
    counts = {column: used[f"n:{column}"].null_count() for column in file.valued()}
    blank = ", ".join(f"{column} {count}" for column, count in counts.items() if count)
    return [f"blank cells of {used.height} rows, left missing: {blank}"] if blank else []


def _off_session_defects(off: pl.DataFrame, file: File) -> tuple[Defect, ...]:
    reason = pl.format("{} is no session of {}", pl.col("date"), pl.lit(file.gap.calendar))
    rows = off.select("file", "row", pl.lit(file.date.column).alias("column"), reason.alias("reason"))
    return listed(rows, "correct the date, leave such days out by a rule 'off_session', or state off_session = 'keep'")


def _value_defects(kept: pl.DataFrame, file: File) -> tuple[Defect, ...]:
    if file.table != "quotes":
        return value_defects(file.table, kept, near_zero=file.near_zero)
    return tuple(
        defect
        for leg in file.legs
        for defect in value_defects(
            "quotes",
            kept.filter(pl.col("column") == leg.contract),
            {kind: column for column, kind in leg.columns.items()},
        )
    )


def _with_known_at(kept: pl.DataFrame, file: File) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Say when each row became known, by the rule of the file."""
    utc = SCHEMAS[file.table]["known_at"]
    if file.known.rule == "close":
        of = {code: Contract.parse(code).product for code in kept["code"].unique().to_list()}
        traded = kept.with_columns(pl.col("code").replace_strict(of, return_dtype=pl.String, default=None).alias("of"))
        days = traded.select("of", "date").unique().sort("of", "date")
        try:
            closes = [product(name).closes_at(day) for name, day in days.iter_rows()]
        except (MarketError, CalendarError) as error:
            return kept, (Defect(file.path, None, file.date.column, str(error), LEAVE_OUT_REMEDY),)
        known = days.with_columns(pl.Series("known_at", closes, dtype=utc))
        joined = traded.drop("known_at").join(known, on=["of", "date"], how="left", maintain_order="left")
        return joined.select(kept.columns), ()
    return known_by_time(kept, "date", file.known)
