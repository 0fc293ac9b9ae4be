"""Asking a provider, through one seam: a request, an answer, and a cache between them.

Three instances. ``Request("yahoo", "history", ("symbol", "AAPL"))`` is answered by a table of prices as the library
gave it, and kept on disk before anything reads it. A second pull within the hour reads the disk. The provider says
"too many requests" twice: it is asked again after 2 and after 4 seconds, and a third refusal too much is an error that
says so.

What a provider answers is kept raw (:class:`Answer`), one file for each request, named by a hash of the request::

    data/cache/yahoo/3f9c01ab52.json.gz

A file is written aside and renamed: it is whole or it is not there. Connectors (:class:`Connector`) plan requests and
read answers; they are pure, and the clock, the sleep and the provider are passed in.
"""

import gzip
import hashlib
import json
import math
import os
import secrets
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import polars as pl

from tenor.errors import PullError

FORMAT = 1
WAITS = (2.0, 4.0, 8.0)
"""Seconds before each further attempt after a failure that may pass."""

Cell: TypeAlias = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a provider.

    Parameters
    ----------
    provider
        ``"yahoo"``, ``"china"`` or ``"fred"``.
    call
        What is asked: the provider's word for it.
    arguments
        Pairs of names and values. No secret is among them: they are written to disk.
    settled
        An answer given after this moment never changes, and is used however old it is; ``None`` where every answer may
        change. It is no part of the identity.
    """

    provider: str
    call: str
    arguments: tuple[tuple[str, str], ...] = ()
    settled: datetime | None = None

    @property
    def identity(self) -> str:
        """Twenty hex digits of a hash of the request."""
        return hashlib.sha256(self._text().encode()).hexdigest()[:20]

    def __str__(self) -> str:
        """Print it as a call: ``yahoo history(symbol=AAPL)``."""
        return f"{self.provider} {self.call}({', '.join(f'{name}={value}' for name, value in self.arguments)})"

    def _text(self) -> str:
        return json.dumps([self.provider, self.call, self.arguments], ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A table as a provider gave it: names of columns, rows of plain cells, and facts beside it.

    Dates and times are ISO text, and what was not a number is ``None``.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer, when it was given (UTC), and whether it came from the cache."""

    request: Request
    answer: Answer
    at: datetime
    cached: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are asked for, both inclusive; ``first`` is ``None`` for all that there are."""

    first: date | None
    last: date


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer says, as canonical tables of :mod:`tenor.market.market`, and what a reader must know."""

    tables: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...] = ()


class Fetch(Protocol):
    """Asks a provider: the real one calls its library, the one of the tests replays what was recorded."""

    def __call__(self, request: Request) -> Answer:
        """Return the answer; :class:`~tenor.errors.PullError`, which says if asking again may help."""
        ...


class Connector(Protocol):
    """A provider: which requests an item needs, and what their answers say. Pure, but for ``opened``."""

    @property
    def provider(self) -> str:
        """Name of the provider, as ``--from`` takes it."""
        ...

    def plan(self, item: str, span: Span) -> tuple[Request, ...]:
        """Return the requests that ``item`` needs; PullError if the provider has no such item."""
        ...

    def parse(self, item: str, answers: Sequence[Asked], span: Span, now: datetime) -> Found:
        """Return what the answers say; DataError or PullError if they cannot be used."""
        ...

    def opened(self) -> Fetch:
        """Return what asks the provider; PullError that says what to install if its library is not there."""
        ...


def answer_of(frame: Any, facts: Mapping[str, str] | None = None) -> Answer:
    """Turn a pandas frame, its index without names left out, into an :class:`Answer`."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    columns = [[_cell(value) for value in frame.iloc[:, at].tolist()] for at in range(frame.shape[1])]
    return Answer(tuple(str(name) for name in frame.columns), tuple(zip(*columns, strict=True)), dict(facts or {}))


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return None if text == "NaT" else text
    return None if value != value else str(value)


PASSING = frozenset({"YFRateLimitError", "CurlError", "TransportError"})
"""Names of errors of the libraries that pass, beside those of the operating system and of HTTP."""


def called(request: Request, call: Callable[[], Answer]) -> Answer:
    """Call a provider's library, and turn whatever it raises into a PullError that says if asking again may help.

    No network, a time-out, HTTP 429 and 5xx pass; a ticker that is not there and an answer that the library cannot
    read do not.
    """
    try:
        return call()
    except PullError:
        raise
    except Exception as error:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None) or getattr(error, "code", None)
        names = {each.__name__ for each in type(error).__mro__}
        if isinstance(status, int) and 400 <= status < 600:
            passing = status == 429 or status >= 500
        else:
            passing = isinstance(error, OSError) or bool(names & PASSING)
        said = " ".join(str(error).split())[:200]
        raise PullError(f"{request}: {type(error).__name__}: {said}", passing=passing) from error


@dataclass(frozen=True, slots=True)
class Cache:
    """Answers on disk.

    Parameters
    ----------
    folder
        Where they lie.
    age
        An answer younger than this is used again.
    refresh
        Ask again, whatever is kept.
    offline
        Never ask: use what is kept, however old.
    """

    folder: Path
    age: timedelta = timedelta(hours=1)
    refresh: bool = False
    offline: bool = False

    def __post_init__(self) -> None:
        if self.refresh and self.offline:
            raise PullError("refresh asks again and offline never asks; give one of the two")

    def file(self, request: Request) -> Path:
        """Return where the answer to ``request`` lies or would lie."""
        return self.folder / request.provider / f"{request.identity}.json.gz"

    def read(self, request: Request) -> Asked | None:
        """Return the kept answer, ``None`` if there is none; PullError if its file is damaged."""
        path = self.file(request)
        if not path.is_file():
            return None
        try:
            kept = json.loads(gzip.decompress(path.read_bytes()))
            if kept["format"] != FORMAT:
                raise ValueError(f"format {kept['format']!r}, this Tenor reads {FORMAT}")
            answer = Answer(tuple(kept["columns"]), tuple(tuple(row) for row in kept["rows"]), kept["facts"])
            return Asked(request, answer, datetime.fromisoformat(kept["asked_at"]), cached=True)
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as damaged:
            raise PullError(f"the kept answer {path} is damaged ({damaged}); ask again without --offline") from None

    def keep(self, asked: Asked) -> None:
        """Write an answer, whole or not at all."""
        document = {
            "format": FORMAT,
            "request": str(asked.request),
            "asked_at": asked.at.isoformat(),
            "columns": asked.answer.columns,
            "rows": asked.answer.rows,
            "facts": dict(asked.answer.facts),
        }
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        written_aside(self.file(asked.request), lambda path: path.write_bytes(gzip.compress(text.encode(), 3, mtime=0)))


def written_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside ``path`` and rename it: whoever is killed meanwhile leaves what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def ask(
    request: Request,
    fetch: Fetch,
    cache: Cache,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], object],
    waits: Sequence[float] = WAITS,
) -> tuple[Asked, tuple[str, ...]]:
    """Answer a request, from the cache where it may, and again after a failure that may pass.

    Parameters
    ----------
    request, fetch, cache
        What is asked, of whom, and where answers lie.
    now, sleep
        The clock, in UTC, and how to wait, in seconds.
    waits
        Seconds before each further attempt.

    Returns
    -------
    tuple
        The answer, and what a reader must know of how it came.

    Raises
    ------
    PullError
        If the provider gives none: after the last attempt, or at once where asking again cannot help.
    """
    notes: list[str] = []
    kept: Asked | None = None
    if not cache.refresh:
        try:
            kept = cache.read(request)
        except PullError as damaged:
            if cache.offline:
                raise
            notes.append(f"{damaged}: asked again")
    if cache.offline:
        if kept is None:
            raise PullError(f"no kept answer to {request}; pull it once without --offline")
        return kept, ()
    if kept is not None:
        settled = request.settled is not None and kept.at >= request.settled
        if settled or timedelta(0) <= now() - kept.at < cache.age:
            return kept, ()
    for wait in (*waits, None):
        try:
            asked = Asked(request, fetch(request), now().astimezone(UTC), cached=False)
            break
        except PullError as failed:
            if not failed.passing:
                raise
            if wait is None:
                count = len(waits) + 1
                times = "once, after others had failed" if count == 1 else f"{count} times"
                raise PullError(f"{failed}; asked {times}, try again later", passing=True) from failed
            sleep(wait)
    cache.keep(asked)
    return asked, tuple(notes)
