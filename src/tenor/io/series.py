"""Daily series as CSV: a Parquet file of a run turned into text as it is read, so a long ledger is never held whole.

Dates are ISO, numbers unrounded, an empty field stands for null. A column of structures becomes one column per field,
``forecast.up`` of ``forecast``; one of lists has no place in a table and is refused.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import polars as pl

from tenor.errors import RunError


def write_csv(file: Path, target: Path | IO[bytes]) -> None:
    """Write a Parquet file as CSV.

    Parameters
    ----------
    file
        The daily series.
    target
        A path, or a file that is open for bytes.

    Raises
    ------
    RunError
        If the file is damaged or has a column of lists, or the disk refuses.
    """
    try:
        frame = pl.scan_parquet(file)
        told = [column for name, kind in frame.collect_schema().items() for column in _flat(pl.col(name), name, kind)]
        frame.select(told).sink_csv(target)
    except OSError as refused:
        raise RunError(
            f"cannot write {file.stem} as CSV: {refused.strerror or refused}; make room, or give another place"
        ) from refused
    except pl.exceptions.PolarsError as broken:
        raise RunError(f"{file.parent} is damaged: {file.name}: {broken}; run the study again") from broken


def _flat(value: pl.Expr, name: str, kind: pl.DataType) -> Iterator[pl.Expr]:
    """The columns of a table that a column becomes."""
    if isinstance(kind, pl.Struct):
        for field in kind.fields:
            inner = field.dtype if isinstance(field.dtype, pl.DataType) else field.dtype()
            yield from _flat(value.struct.field(field.name), f"{name}.{field.name}", inner)
    elif kind.is_nested() or isinstance(kind, pl.Binary | pl.Object):
        raise RunError(f"column {name!r} holds {kind}, which CSV has no place for; take the Parquet file instead")
    else:
        yield value.alias(name)
