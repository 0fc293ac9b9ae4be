"""What of a kept run goes elsewhere: a PDF to file, daily series and scores as CSV."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tenor.errors import RunError

if TYPE_CHECKING:
    from tenor.io.runs import Run

SCORES = "scores.csv"
"""The file of scores, beside one for each daily series."""


def check_folder(folder: Path) -> None:
    """Raise :class:`RunError` if files cannot be written into ``folder``, which is made where its parent is there."""
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; give the name of a folder for the CSV files")
    where = folder if folder.is_dir() else folder.absolute().parent
    if not where.is_dir():
        raise RunError(f"cannot make the folder {folder}: there is no folder {where}; make it, or give another place")
    if not os.access(where, os.W_OK | os.X_OK):
        raise RunError(f"cannot write into {folder}: {where} is not writable; give another place")


def pdf_of(kept: "Run") -> bytes:
    """Return a run as a PDF; errors of :func:`tenor.report.run_pdf.run_pdf`."""
    from tenor.io.runs import read_frame
    from tenor.report.restore import SERIES
    from tenor.report.run_pdf import run_pdf
    from tenor.report.sheet import check_reportlab

    check_reportlab()
    files = {file.removesuffix(".parquet"): file for file in kept.frames}
    frames = {name: read_frame(kept, files[name], columns) for name, columns in SERIES.items() if name in files}
    return run_pdf(kept.name, kept.facts, kept.result, frames)


def write_tables(kept: "Run", folder: Path) -> list[Path]:
    """Write every daily series of a run and its scores as CSV into ``folder``, and return the files.

    Each is written aside and put in place as the last act, so that a file is whole or not there.
    """
    from tenor.io.pages import write_page
    from tenor.io.series import write_csv
    from tenor.report.scores_csv import scores_csv

    try:
        folder.mkdir(exist_ok=True)
    except OSError as refused:
        raise RunError(
            f"cannot make the folder {folder}: {refused.strerror or refused}; give another place"
        ) from refused
    written = []
    for file in kept.frames:
        place = folder / f"{Path(file).stem}.csv"
        aside = folder / f".{place.name}.{secrets.token_hex(4)}"
        try:
            write_csv(kept.folder / file, aside)
            aside.replace(place)
        except OSError as refused:
            raise RunError(f"cannot write {place}: {refused.strerror or refused}; give another place") from refused
        finally:
            with suppress(OSError):
                aside.unlink()
        written.append(place)
    return [*written, write_page(folder / SCORES, scores_csv(kept.result))]
