"""Pages beside the runs: written aside and put in place as the last act, so that a page is whole or not there."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tenor.errors import RunError


def write_page(place: Path, html: str) -> Path:
    """Write ``html`` to ``place``, in place of what is there, and return where it is.

    Raises
    ------
    RunError
        If the disk refuses; what was there stays.
    """
    aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(html, encoding="utf-8")
        os.replace(aside, place)
    except OSError as refused:
        with suppress(OSError):
            aside.unlink()
        raise RunError(
            f"cannot write the page {place}: {refused.strerror or refused}; give another place with --page"
        ) from refused
    return place
