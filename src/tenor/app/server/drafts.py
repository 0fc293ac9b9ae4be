"""Studies of a workplace: which there are, what they say, and those that are written over HTTP or in a browser.

A draft is the table of a study file. It is checked by what checks the file, every problem with its key path, and its
paths must stay in the folder that is served: data are read from there, or from where a study on this machine reads
them already. A file that a person wrote is never written over; one that was written here is, by who has seen what it
holds: they say its digest, the SHA-256 of its bytes.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tenor.app.server.workplace import Workplace
from tenor.errors import RunError, StudyError

if TYPE_CHECKING:
    from tenor.stock_study import AnyStudy

Table: TypeAlias = dict[str, Any]
Subject: TypeAlias = Literal["pairs", "stocks"]

MADE = "# Written by `tenor serve`, which may write it again. Comments are lost then: copy it to keep your own.\n"
"""First line of a study that was written here."""

PATHS = ("folder", "layout", "path")
"""Keys of a source that name a place on disk."""


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study that can be run by its name: whether it is of this folder, and whether it may be written again."""

    name: str
    mine: bool
    made: bool


def studies(place: Workplace) -> list[StudyFile]:
    """Return the studies that can be run by name: those of this folder, then those that are published with Tenor."""
    from tenor.io.studies import list_published

    mine = {file.stem: file for file in sorted((place.root / place.studies).glob("*.toml"))}
    own = [StudyFile(name, True, _is_made(file)) for name, file in mine.items() if place.is_study_name(name)]
    return [*own, *(StudyFile(name, False, False) for name in list_published() if name not in mine)]


def read_draft(place: Workplace, name: str) -> Table:
    """Return the table of a study as it would stand in this folder's ``studies/``; errors as of its file."""
    from tenor.io.studies import read_table
    from tenor.study import plain_table

    path = place.root / place.study(name)
    table = plain_table(read_table(path))
    return _moved(table, path.resolve().parent, (place.root / place.studies).resolve())


def read_with_digest(place: Workplace, name: str) -> tuple[Table, str]:
    """Return the table of a study, and the digest of the file that it is of."""
    digest = place.digest(place.study(name))  # first: a file that changes in between is known by an older digest
    return read_draft(place, name), digest


def subject_of(table: Mapping[str, Any]) -> Subject:
    """Say what a study is of."""
    return "stocks" if "subject" in table else "pairs"


def schema_of(subject: Subject) -> dict[str, Any]:
    """Return the JSON schema of a study file."""
    from tenor.stock_study import schema_of_stocks
    from tenor.study import schema

    return schema_of_stocks() if subject == "stocks" else schema()


def problems_of(place: Workplace, table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return everything that is wrong with a draft, each with its key path; nothing where it can be run."""
    try:
        checked(place, table)
    except StudyError as wrong:
        return wrong.problems
    return ()


def checked(place: Workplace, table: Mapping[str, Any]) -> "AnyStudy":
    """Return the study of a draft; :class:`StudyError` with every problem."""
    from tenor.io.studies import load_any

    outside = list(_outside(place, table))
    try:
        study = load_any(table, where=WHERE)
    except StudyError as wrong:
        raise StudyError([*(problem.removeprefix(f"{WHERE}: ") for problem in wrong.problems), *outside]) from None
    if outside:
        raise StudyError(outside)
    return study


WHERE = "study"
"""What problems call a draft."""


def write_draft(
    place: Workplace,
    table: Mapping[str, Any],
    *,
    replaces: str | None = None,
    in_use: Callable[[Path], bool] = lambda file: False,
) -> tuple[str, str]:
    """Write a draft into ``studies/`` under its own name, and return that name and the digest of what stands there now.

    Parameters
    ----------
    place, table
        Where, and what.
    replaces
        Digest of the study of that name that the draft stands in the place of; ``None`` for a new study.
    in_use
        Whether a job is open that reads a file.

    Raises
    ------
    StudyError
        With every problem of the draft.
    RunError
        If there is a study of that name that was not written here, one that ``replaces`` is not the digest of, or one
        that is in use; or the disk refuses.
    """
    import tomli_w

    from tenor.io.pages import write_page

    study = checked(place, table)
    if not place.is_study_name(study.name):
        raise StudyError(f"name: {study.name!r} given; a study that is kept here is called by a-z, 0-9 and '-'")
    if taken := taken_name(place, study.name, replaces):
        raise RunError(taken)
    path, text = place.root / place.studies / f"{study.name}.toml", MADE + tomli_w.dumps(dict(table))
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest == place.digest(path):
        return study.name, digest
    if in_use(path):
        raise RunError(
            f"a job of study {study.name!r} is open, and reads its file when it begins: wait for it, cancel it, or give"
            " this one another name"
        )
    write_page(path, text)
    return study.name, digest


def taken_name(place: Workplace, name: str, replaces: str | None = None) -> str:
    """Say why a draft that stands in the place of ``replaces`` cannot be kept under a name; nothing where it can."""
    held = next((each for each in studies(place) if each.name == name), None)
    if held is None:
        return ""
    if not held.made:
        return f"there is a study {name!r}, which is not written over; give this one another name"
    if replaces is None:
        return (
            f"there is a study {name!r} already: change that one (over HTTP, with its digest as 'replaces'), or give"
            " this one another name"
        )
    if replaces != place.digest(place.study(name)):
        return (
            f"somebody changed study {name!r} since this draft of it began: read it again (on its page: load the page"
            " again, then undo all changes), or give this one another name"
        )
    return ""


def _is_made(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline() == MADE
    except (OSError, UnicodeDecodeError):
        return False


def _moved(table: Table, base: Path, to: Path) -> Table:
    """A table whose relative paths count from another folder."""
    if base == to or not isinstance(table.get("market"), dict):
        return table
    market = {
        key: os.path.relpath(base / value, to) if key in PATHS and isinstance(value, str) else value
        for key, value in table["market"].items()
    }
    return {**table, "market": market}


def _outside(place: Workplace, table: Mapping[str, Any]) -> Iterator[str]:
    """Say which paths lead out of the folder, and are not those that a study on this machine reads."""
    market = table.get("market")
    if not isinstance(market, Mapping):
        return
    base = place.root / place.studies
    given = {key: market[key] for key in PATHS if isinstance(market.get(key), str)}
    if not given:
        return
    known: set[Path] | None = None
    for key, value in given.items():
        try:
            place.inside(os.path.relpath(os.path.join(base.resolve(), value), place.root.resolve()))
        except StudyError:
            known = _known(place) if known is None else known
            if "\0" in value or (base / value).resolve() not in known:
                yield (
                    f"market.{key}: {value!r} leads out of the folder that is served; give a path below it (it counts"
                    f" from {place.studies}/, and what is uploaded is ../{place.uploads}/NAME)"
                )


def _known(place: Workplace) -> set[Path]:
    """Places that studies on this machine read: those of persons in this folder, and the published ones."""
    from tenor.io.studies import read_table

    known = set()
    for held in studies(place):
        if held.made:
            continue
        path = place.root / place.study(held.name)
        try:
            market = read_table(path).get("market", {})
        except StudyError:
            continue  # not a study: its own page says why
        known |= {(path.parent / market[key]).resolve() for key in PATHS if isinstance(market.get(key), str)}
    return known
