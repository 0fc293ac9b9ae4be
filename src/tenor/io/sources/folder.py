"""The folder source: files on disk, read through a layout into a market.

Three instances. ``Folder("data", "layouts/shared.toml", ("T",)).read()`` gives the closes of every near and far T
contract, with SHIBOR and the ChinaBond curve. Two files may feed one quote, closes from one and volume from the
other; where both give the same number the layout says which stands. Rows that a rule of the layout leaves out are
counted in ``Market.notes``; any other row that cannot be used refuses the whole reading, with its file and line.

A file is read in this order: text to rows, dates, the rules of the layout, numbers, long form, contract check. Then
files are combined, and gaps are looked for in the combined series, so a hole that a second file fills is none. A row
that a rule left out is no gap either: its absence has been said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from tenor.errors import CalendarError, DataError, Defect, MarketError, suggest
from tenor.io.sources.check import (
    DATE_REMEDY,
    NUMBER_REMEDY,
    SHOWN,
    Checked,
    Gap,
    LeftOut,
    Part,
    dates,
    expired,
    gaps,
    listed,
    numbers,
    off_tick,
    order_defects,
    session_days,
    value_defects,
)
from tenor.io.sources.layout import VALUES, File, KnownGap, LeaveOut, load_layout
from tenor.io.sources.rows import Rows, read_rows
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, product
from tenor.market.market import KEYS, SCHEMAS, Market

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
        Where the files lie.
    layout
        Path of the layout file.
    products
        Read only the files that these products need; ``None`` for all.
    """

    folder: str | Path
    layout: str | Path
    products: tuple[str, ...] | None = None

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


@dataclass(frozen=True, slots=True)
class _Read:
    """One file in canonical form: key and value columns of its table, and where each row came from.

    ``seen`` holds every row within the period of the file, for gaps; ``kept`` those that no rule left out, with
    ``known_at``. Both have ``entry`` (which file of the layout), ``file``, ``row`` and ``column``.
    """

    file: File
    part: Part
    seen: pl.DataFrame
    kept: pl.DataFrame

    def found(self, defects: Sequence[Defect] = (), notes: Sequence[str] = ()) -> "_Read":
        """Add what a later step found."""
        part = replace(
            self.part, defects=(*self.part.defects, *defects), notes=(*self.part.notes, *notes)
        )
        return replace(self, part=part)


def _read(source: Folder) -> tuple[Checked, dict[str, pl.DataFrame]]:
    """Read all files, check and combine them; the tables count only where nothing is defective."""
    layout = load_layout(source.layout)
    files = layout.of(source.products)
    folder = Path(source.folder)
    if not folder.is_dir():
        there = sorted(p.name for p in folder.parent.iterdir() if p.is_dir()) if folder.parent.is_dir() else []
        reason = f"no such folder; beside it are {there}{suggest(folder.name, there)}"
        raise DataError([Defect(str(source.folder), None, "folder", reason, "give the folder that holds the files")])
    reads = tuple(_read_file(folder, file, entry) for entry, file in enumerate(files))
    tables: dict[str, pl.DataFrame] = {}
    for table in SCHEMAS:
        reads = _matched(table, reads)
        reads = _gaps_checked(table, reads)
        reads, tables[table] = _combined(table, reads)
    return Checked(source=layout.name, parts=tuple(_dated(read) for read in reads)), tables


def _dated(read: _Read) -> Part:
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
        said += [f"{part.name}: {out.rows} rows left out ({out.rule}): {out.why}" for out in part.left_out]
        said += [f"{part.name}: {note}" for note in part.notes]
    return tuple(dict.fromkeys(said))


def _read_file(folder: Path, file: File, entry: int) -> _Read:
    """Bring one file into canonical form and check it by itself."""
    rows, unread = read_rows(folder, file.path, file.foreign(), encoding=file.encoding)
    empty = _long(None, {}, file, entry)
    nothing = _Read(file, Part(file.path, file.table, 0, 0, None, None), empty, _with_known(empty))
    if rows is None:
        return nothing.found(unread)
    day, undated = dates(rows.cells[file.date.column], rows.placed, file.date.format)
    parsed = {c: numbers(rows.cells[c], rows.placed, file.blank) for c in _value_columns(file)}
    wide = rows.placed.with_columns(day.alias("date"))
    try:
        wide = _ruled(wide, {c: number for c, (number, _) in parsed.items()}, file)
        stop = ()
    except CalendarError as error:
        stop = (Defect(file.path, None, file.date.column, str(error), LEAVE_OUT_REMEDY),)
        return nothing.found((*listed(undated, DATE_REMEDY), *stop))
    used = wide.filter(pl.col("rule").is_null() & pl.col("date").is_not_null()).select("row")
    defects = list(listed(undated, DATE_REMEDY))
    for _, failing in parsed.values():
        defects += listed(failing.join(used, on="row", how="semi", maintain_order="left"), NUMBER_REMEDY)
    ...


def _value_columns(file: File) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(c for leg in file.legs for c in leg.columns), *(file.columns or {})]))
