"""The runs that are kept, read once: a page over two hundred of them costs a look at each folder, not its numbers.

What is remembered of a folder goes with the identity of its files, so a run that appears, is written again, is damaged
or disappears is seen at the next look, as if everything had been read anew.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.app.server.workplace import Workplace
from tenor.errors import RunError

if TYPE_CHECKING:
    from tenor.io.runs import Run

Identity: TypeAlias = tuple[tuple[str, int, int, int], ...]
"""Name, file number, moment of change and size of each file of a folder."""


@dataclass(frozen=True, slots=True)
class Card:
    """What lists and choices show of a run.

    Parameters
    ----------
    row
        As ``tenor runs`` has it.
    names
        Instruments of a run of stocks; ``None`` for one of calendar spreads.
    products
        Products of a run of calendar spreads.
    """

    row: Mapping[str, Any]
    names: tuple[str, ...] | None
    products: tuple[str, ...]

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.row["run"])


class Shelf:
    """The runs of a workplace as lists show them."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._held: dict[Path, tuple[Identity, Card | RunError]] = {}
        self._lock = threading.Lock()

    def listed(self) -> tuple[tuple[Card, ...], tuple[str, ...]]:
        """Return the complete runs by name, and why each other folder cannot be used; errors as of the list of runs."""
        from tenor.io.runs import each_run

        with self._lock:
            seen: dict[Path, tuple[Identity, Card | RunError]] = {}
            found = each_run(self._place.runs, lambda folder: self._card(folder, seen))
            self._held = seen
        return found

    def newest(self) -> list[Card]:
        """Return the complete runs, the newest first."""
        return sorted(self.listed()[0], key=lambda card: str(card.row["finished"]), reverse=True)

    def _card(self, folder: Path, seen: dict[Path, tuple[Identity, Card | RunError]]) -> Card:
        now = _identity(folder)
        held = self._held.get(folder)
        if now is None or held is None or held[0] != now:
            held = (now or (), _read(folder))
        if now is not None:
            seen[folder] = held
        if isinstance(held[1], RunError):
            raise held[1].with_traceback(None)
        return held[1]


def _read(folder: Path) -> Card | RunError:
    from tenor.app.commands import told_of

    try:
        return told_of(folder, _card_of)
    except RunError as why:
        return why.with_traceback(None)


def _card_of(kept: "Run") -> Card:
    from tenor.app.commands import row_of

    if "subject" in kept.study:
        return Card(row_of(kept), tuple(str(code) for code in kept.result["names"]), ())
    return Card(row_of(kept), None, tuple(kept.study["market"]["products"] or ()))


def _identity(folder: Path) -> Identity | None:
    """What a folder holds now; ``None`` where that cannot be told."""
    try:
        files = [(file.name, file.stat()) for file in folder.iterdir()]
    except OSError:
        return None
    return tuple(sorted((name, held.st_ino, held.st_mtime_ns, held.st_size) for name, held in files))
