"""Cells of a file of stocks, text or Parquet, as columns that remember their row.

Three instances. ``2024-01-02 00:00:00`` of Parquet is the day that it shows. ``n/a`` among volumes is no number, and is
refused with its line unless the layout lists it as a blank. A NaN of Parquet says that there is nothing.

A row of text is a line of the file, a row of Parquet a place from 1.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tenor.errors import Defect, suggest
from tenor.io.sources.check import missing_columns, numbers
from tenor.io.sources.rows import read_rows, read_wide_rows


def read_cells(
    folder: Path, name: str, columns: Sequence[str], *, header: str = "one row", encoding: str = "utf-8"
) -> tuple[pl.DataFrame | None, tuple[Defect, ...]]:
    """Read columns of one file, text as text; ``None`` and why where it cannot be read."""
    columns = tuple(dict.fromkeys(columns))
    if not name.endswith(".parquet"):
        read = read_wide_rows if header == "yfinance" else read_rows
        rows, wrong = read(folder, name, columns, encoding=encoding)
        if rows is None:
            return None, wrong
        return rows.placed.with_columns(rows.cells[column].alias(f"n:{column}") for column in columns), ()
    path = folder / name
    if not path.is_file():
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        reason = f"no such file; its folder holds {there}{suggest(path.name, there)}"
        return None, (Defect(name, None, "file", reason, "put the file there, or correct the path in the layout"),)
    try:
        if wrong := missing_columns(name, columns, list(pl.read_parquet_schema(path))):
            return None, wrong
        frame = pl.read_parquet(path, columns=list(columns)).select(pl.col(c).alias(f"n:{c}") for c in columns)
    except (OSError, pl.exceptions.PolarsError) as broken:
        return None, (Defect(name, None, "file", f"cannot be read: {broken}", "fetch the file again"),)
    place = pl.int_range(1, frame.height + 1, eager=True).alias("row")
    return frame.select(pl.lit(name).alias("file"), place, pl.all()), ()


def day_of(column: str, form: str, frame: pl.DataFrame) -> pl.Expr:
    """The date of a cell: text and numbers as ``form`` says, a moment as the day that it shows."""
    cell = pl.col(f"n:{column}")
    if frame.schema[f"n:{column}"].is_temporal():
        return cell.cast(pl.Date)
    return cell.cast(pl.String).str.strip_chars().str.to_date(form, strict=False)


def number_of(column: str, frame: pl.DataFrame, blank: Sequence[str]) -> tuple[pl.Series, pl.DataFrame]:
    """The numbers of a column, and rows whose cells are none; a blank and a NaN say that there is nothing."""
    cell = frame[f"n:{column}"]
    if cell.dtype == pl.String:
        return numbers(cell.alias(column), frame.select("file", "row"), blank)
    value = cell.cast(pl.Float64).fill_nan(None)
    endless = frame.select(
        "file", "row", pl.lit(column).alias("column"), pl.format("{} is not a number", value).alias("reason")
    ).filter(value.is_infinite().fill_null(False))
    return value, endless
