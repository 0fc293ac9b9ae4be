"""Pages beside the runs: written aside and put in place as the last act, so that a page is whole or not there."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tenor.errors import RunError


def check_place(place: Path) -> None:
    """Raise :class:`RunError` if a page cannot be written to ``place``: its folder must be there and be writable."""
    folder = place.parent
    if place.is_dir():
        raise RunError(f"{place} is a folder; give the name of a file")
    if not folder.is_dir():
        raise RunError(f"cannot write the page {place}: there is no folder {folder}; make it, or give another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunError(f"cannot write the page {place}: {folder} is not writable; give another place")


def write_page(place: Path, page: str | bytes) -> Path:
    """Write ``page``, a text in UTF-8 or bytes, to ``place``, in place of what is there, and return where it is.

    Raises
    ------
    RunError
        If the disk refuses; what was there stays.
    """
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(page.encode() if isinstance(page, str) else page)
        os.replace(aside, place)
    except OSError as refused:
        with suppress(OSError):
            aside.unlink()
        raise RunError(f"cannot write the page {place}: {refused.strerror or refused}; give another place") from refused
    return place
