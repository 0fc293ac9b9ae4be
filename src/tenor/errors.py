"""Every exception that Tenor raises on purpose.

::

    TenorError
    ├── StudyError        a study file: unknown key, bad value, settings that contradict each other
    ├── DataError         a source: rows that fail the contract check, each with file, row and reason
    ├── MarketError       something was asked of a market that it does not hold
    ├── CalendarError     a date outside the holidays that are loaded
    ├── SplitError        a fold that cannot be: an empty split, too few sessions
    ├── FitError          a model that could not be trained: one class only, a loss that is not a number
    ├── PullError         an answer that a provider did not give: no network, no such ticker, a library not installed
    ├── RunError          a run folder: missing, incomplete, written by other code, or its data changed since
    │   └── MissingError  there is no such run, job, account or file
    ├── StoreError        the database of a server that cannot be opened or does not answer
    └── AccessError       who may not, or is not known

Every message says what was given, what is allowed and what to do. ``except TenorError`` is the only catch-all that a
face needs: anything else that escapes is a defect of ours and should be seen with its traceback.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class TenorError(Exception):
    """Root of the tree; never raised itself."""


class StudyError(TenorError, ValueError):
    """A study is not valid. ``problems`` holds every problem found, one line each.

    It is a ``ValueError`` too, so that a settings class may raise it while pydantic validates a study file, and the
    problem is reported with its key path beside all others.
    """

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Defect:
    """One failure of a data contract: where it is, what is wrong, what to do.

    ``file`` is as the layout names it, ``row`` counts from 1 with the header as row 1 (what an editor shows), or is
    ``None`` for a defect of the whole file.
    """

    file: str
    row: int | None
    column: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """Print ``file:row column: reason; remedy``."""
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return f"{place} {self.column}: {self.reason}; {self.remedy}"


class DataError(TenorError):
    """A source was refused. ``defects`` holds each failing row, at most a few per file and rule."""

    def __init__(self, defects: Sequence[Defect]) -> None:
        self.defects = tuple(defects)
        super().__init__("\n".join(str(defect) for defect in self.defects))


class MarketError(TenorError):
    """A market does not hold what was asked; the message lists what it holds."""


class CalendarError(TenorError):
    """A date lies outside the holidays that are loaded."""


class SplitError(TenorError):
    """The data cannot be split as asked."""


class FitError(TenorError):
    """A model could not be trained on the rows it was given."""


class PullError(TenorError):
    """A provider did not give what was asked; ``passing`` is True where asking again may help."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        self.passing = passing
        super().__init__(message)


class StoreError(TenorError):
    """The database of a server cannot be opened, or does not answer."""


class AccessError(TenorError):
    """Somebody is not known, or may not do what was asked.

    ``known`` says whether who asked is known: then the role or the scopes do not reach.
    """

    def __init__(self, message: str, *, known: bool) -> None:
        self.known = known
        super().__init__(message)


class RunError(TenorError):
    """A run folder cannot be used as asked."""


class MissingError(RunError):
    """There is no such run, job, account or file."""


def suggest(given: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the allowed name nearest to ``given``, or ``""`` if none is near."""
    near = get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
