"""The history of forecasts: what was said, kept until the outcome says how good it was.

One JSON file for each forecast, below a folder for the session it was made after::

    forecasts/2025-11-24/AAPL-3f9c01ab52.json

The digits are those of a hash over what was said (instrument, session, run, numbers; not how old the data were when it
was asked), so that asking twice keeps it once, and a later run that says something else is kept beside it. A file is
written aside and renamed: it is whole or it is not there. Nothing in it is ever changed; scores are computed from it
and from prices (:mod:`tenor.trust.kept`).
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor.errors import RunError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One forecast that was kept: its file, when it was asked, and what was said."""

    path: Path
    asked_at: str
    forecast: Mapping[str, Any]


def keep(root: Path, forecast: Mapping[str, Any], *, asked_at: str) -> Path:
    """Keep a forecast and return its file; one that says the same is already there stays as it is.

    Parameters
    ----------
    root
        Folder of the history.
    forecast
        JSON-ready; ``code`` and ``as_of`` name its file.
    asked_at
        When it was asked, UTC.

    Raises
    ------
    RunError
        If the disk refuses.
    """
    what = {name: value for name, value in forecast.items() if name != "missed"}
    said = json.dumps(what, sort_keys=True, ensure_ascii=False, allow_nan=False)
    digits = hashlib.sha256(said.encode()).hexdigest()[:10]
    safe = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in str(forecast["code"]))
    path = root / str(forecast["as_of"]) / f"{safe}-{digits}.json"
    if path.is_file():
        return path
    document = {"format": FORMAT, "asked_at": asked_at, "forecast": forecast}
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except OSError as refused:
        aside.unlink(missing_ok=True)
        raise RunError(
            f"the forecast cannot be kept below {root}: {refused.strerror or refused};"
            " give another folder with --history"
        ) from refused
    return path


def kept(root: Path) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return every forecast of a history in the order of asking, and why each unreadable file is not one."""
    if not root.is_dir():
        return (), ()
    entries: list[Entry] = []
    unusable: list[str] = []
    for path in sorted(root.glob("*/*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                unusable.append(f"{path} has format {document['format']!r}, this Tenor reads {FORMAT}")
                continue
            forecast = document["forecast"]
            entries.append(Entry(path, str(document["asked_at"]), {**forecast, "code": forecast["code"]}))
        except (OSError, ValueError, KeyError, TypeError) as broken:
            unusable.append(f"{path} is no kept forecast: {type(broken).__name__}: {broken}")
    return tuple(sorted(entries, key=lambda entry: (entry.asked_at, entry.path))), tuple(unusable)
