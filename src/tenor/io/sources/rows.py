"""Text files as cells that remember their line, so that a defect found later can name it.

Three instances that a lenient reader lets pass and this one refuses: a line with a cell too few, of which
the last columns would be empty; a header that names a column twice; bytes that are not text in the stated
encoding.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from tenor.errors import Defect, suggest
from tenor.io.sources.check import listed, missing_columns
from tenor.io.sources.yfinance_header import wide_header

CODE = "Ticker"
"""What the column of tickers is called that a header of yfinance spells out in a row."""

DAY = "Date"
"""What the column of dates is called there."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The wanted columns of a file, as text.

    Parameters
    ----------
    placed
        ``file`` and ``row``, the line in the file with the header as 1: one row per row of the file.
    cells
        Text of each column, by its name in the header, in the order of ``placed``.
    """

    placed: pl.DataFrame
    cells: Mapping[str, pl.Series]


def read_rows(
    folder: Path, name: str, columns: Sequence[str], *, encoding: str
) -> tuple[Rows | None, tuple[Defect, ...]]:
    """Read ``columns`` of the CSV file ``name`` in ``folder``, unpacked where the name ends in ``.gz``.

    Empty lines are no rows. Returns ``None`` and the reasons where the file as a whole cannot be used.
    """
    lines, wrong = _lines(folder, name, encoding)
    if not lines:
        return None, wrong
    header = [cell.strip() for cell in lines[0][1]]
    wrong = (*_header_defects(name, columns, header), *_ragged(name, header, lines[1:]))
    if wrong:
        return None, wrong
    turned = list(zip(*(cells for _, cells in lines[1:]), strict=True))
    placed = pl.DataFrame({"row": [line for line, _ in lines[1:]]}, schema={"row": pl.Int64})
    cells_of = {c: pl.Series(c, turned[header.index(c)], dtype=pl.String) for c in columns}
    return Rows(placed.select(pl.lit(name).alias("file"), "row"), cells_of), ()


def read_wide_rows(
    folder: Path, name: str, columns: Sequence[str], *, encoding: str
) -> tuple[Rows | None, tuple[Defect, ...]]:
    """Read a CSV file with a header of yfinance as if each row were of one ticker.

    ``columns`` are out of ``Date``, ``Ticker`` and the fields of the header, such as ``Close``. Returns as
    :func:`read_rows`.
    """
    lines, wrong = _lines(folder, name, encoding)
    if not lines:
        return None, wrong
    header = wide_header([cells for _, cells in lines[:3]])
    if header is None:
        seen = f"the first rows are {', '.join(lines[0][1][:4])} and {', '.join(lines[1][1][:4])}"
        remedy = "give a download of yfinance, or leave 'header' out of the layout"
        return None, (Defect(name, 1, "header", f"no header of yfinance: {seen}", remedy),)
    body = lines[header.rows :]
    if not body:
        return None, (Defect(name, None, "file", "empty: no row below a header", "give the file with its rows"),)
    wrong = _ragged(name, header.fields, body)
    for code in header.codes():
        fields = [column for column in columns if column not in (DAY, CODE)]
        wrong += missing_columns(name, fields, list(header.places(code)))
    if wrong:
        return None, wrong
    turned = list(zip(*(cells for _, cells in body), strict=True))
    numbered = [line for line, _ in body]
    parts: list[dict[str, Sequence[str | int]]] = []
    for code in header.codes():
        places = {DAY: 0, **header.places(code)}
        cells = {column: [code] * len(body) if column == CODE else turned[places[column]] for column in columns}
        parts.append({"": numbered, **cells})
    frame = pl.concat(
        [pl.DataFrame(part, schema={"": pl.Int64, **dict.fromkeys(columns, pl.String)}) for part in parts]
    )
    placed = frame.select(pl.lit(name).alias("file"), pl.col("").alias("row"))
    return Rows(placed, {column: frame[column] for column in columns}), ()


def _lines(folder: Path, name: str, encoding: str) -> tuple[list[tuple[int, list[str]]], tuple[Defect, ...]]:
    """Lines of a file with their numbers; none, and the reasons, where it cannot be used."""
    whole = partial(Defect, name, None, "file")
    path = folder / name
    if not path.is_file():
        there = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        reason = f"no such file; its folder holds {there}{suggest(path.name, there)}"
        return [], (whole(reason, "put the file there, or correct the path in the layout"),)
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        text = content.decode(encoding).removeprefix("\ufeff")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        lines = [(reader.line_num, cells) for cells in reader if cells]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        return [], (whole(f"not a whole gzip file: {error}", "fetch the file again"),)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        reason = f"not text in {encoding}: {error.reason}"
        return [], (Defect(name, line, "file", reason, "state the 'encoding' in the layout, such as gb18030"),)
    except csv.Error as error:
        return [], (whole(f"not CSV: {error}", "quote the cells that hold commas, quotes or line ends"),)
    if len(lines) < 2:
        return [], (whole("empty: no row below a header", "give the file with its rows"),)
    return lines, ()


def _header_defects(name: str, columns: Sequence[str], header: Sequence[str]) -> tuple[Defect, ...]:
    doubled = tuple(
        Defect(name, 1, column, "the header has this column twice", "rename one of the two")
        for column in columns
        if header.count(column) > 1
    )
    return (*missing_columns(name, columns, header), *doubled)


def _ragged(name: str, header: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> tuple[Defect, ...]:
    """Refuse lines that have not as many cells as the header."""
    odd = [(line, len(cells)) for line, cells in lines if len(cells) != len(header)]
    failing = pl.DataFrame(
        {
            "row": [line for line, _ in odd],
            "reason": [f"{count} cells under a header of {len(header)} columns" for _, count in odd],
        },
        schema={"row": pl.Int64, "reason": pl.String},
    ).with_columns(file=pl.lit(name), column=pl.lit("row"))
    return listed(failing, "complete the row: a comma is missing or too many")
