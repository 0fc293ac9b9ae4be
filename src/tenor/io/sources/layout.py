"""Layouts: how a folder of foreign files becomes the canonical tables, as data.

Three instances. A vendor's ``near_close`` and ``far_close`` beside two contract names are two quotes. A
column headed 隔夜, in percent, is the rate ``SHIBOR.ON``, in decimals, known at 11:30 in Shanghai. The rows
of 2017-04-14 hold zeros where nothing was published; a rule leaves them out, says why, and every report
repeats how many rows that was.

A layout is a TOML file with one ``[[file]]`` table per foreign file. Nothing is guessed: what it does not
say is refused. Every problem of a layout is reported at once, with its key.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter, ValidationError

from tenor.errors import MarketError, StudyError, suggest
from tenor.market.calendar import NAMES
from tenor.market.contract import product
from tenor.market.market import KEYS, SCHEMAS
from tenor.problem import problems as settings_problems
from tenor.settings import STRICT

VALUES = {
    table: tuple(c for c in schema.names() if c not in (*KEYS[table], "known_at")) for table, schema in SCHEMAS.items()
}
"""The columns of each canonical table that hold observations."""

UNITS: Mapping[str, tuple[str, ...]] = {
    "quotes": ("per 100", "per 1"),
    "curve": ("percent", "decimal", "basis points"),
    "rates": ("percent", "decimal", "basis points"),
}
"""Units a file of each table may state."""

SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class DateColumn:
    """The column that holds the date of observation, and how it is written (``strftime`` codes)."""

    __pydantic_config__: ClassVar = STRICT
    column: str
    format: str = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class Codes:
    """How a cell names what was quoted.

    Parameters
    ----------
    form
        ``code``: a contract code such as T2503, after ``strip`` is taken from its end. ``yyyymm``: the
        delivery month of a contract of ``product``. ``given``: a ticker, kept as it is.
    """

    __pydantic_config__: ClassVar = STRICT
    form: Literal["code", "yyyymm", "given"]
    product: str | None = None
    strip: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One quote in each row: the column that names it, and which column is its open, close, volume, ..."""

    __pydantic_config__: ClassVar = STRICT
    contract: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """When an observation became known.

    Parameters
    ----------
    rule
        ``close``: at the close of the product on the row's date. ``time``: at ``at`` in ``zone``, ``days``
        calendar days after the row's date.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["close", "time"]
    at: time | None = None
    zone: str | None = None
    days: int = 0


@dataclass(frozen=True, slots=True)
class GapBound:
    """The most sessions of ``calendar`` that may be missing between two rows of one series."""

    __pydantic_config__: ClassVar = STRICT
    calendar: str
    sessions: int


@dataclass(frozen=True, slots=True)
class KnownGap:
    """A longer hole that is understood: its first and last missing day, why, in which columns (none: all)."""

    __pydantic_config__: ClassVar = STRICT
    first: date
    last: date
    why: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """A rule that leaves rows out, counted and said.

    Parameters
    ----------
    rule
        ``outside``: dates before ``first`` or after ``last``. ``within``: dates from ``first`` to ``last``.
        ``weekend``: Saturdays and Sundays. ``off_session``: days without a session of the file's calendar.
        ``spread``: near minus far close at or beyond ``beyond`` in size. ``unmatched``: keys that the file
        ``other`` does not give.
    why
        The reason, for people.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["outside", "within", "weekend", "off_session", "spread", "unmatched"]
    why: str
    first: date | None = None
    last: date | None = None
    beyond: float | None = None
    other: str | None = None

    def terms(self) -> str:
        """The rule in words."""
        return {
            "outside": f"outside {self.first or 'the beginning'} to {self.last or 'the end'}",
            "within": f"from {self.first} to {self.last}",
            "weekend": "on a weekend",
            "off_session": "on a day without a session",
            "spread": f"near minus far of {self.beyond} or more in size",
            "unmatched": f"without a row in {self.other}",
        }[self.rule]


@dataclass(frozen=True, slots=True)
class File:
    """How one foreign file feeds one canonical table.

    Parameters
    ----------
    path
        Relative to the folder; ``.csv`` or ``.csv.gz``. A path may appear twice, for two tables or two
        periods.
    table
        ``quotes``, ``curve`` or ``rates``.
    unit
        Of the prices or rates: see :data:`UNITS`.
    known
        When its rows became known.
    gap, known_gaps
        Missing sessions that are allowed, and longer holes that are understood.
    products
        Whose studies need this file; empty: everybody's.
    contract, legs
        Of ``quotes``: how codes are written, and the quotes in each row.
    curve
        Of ``curve``: its name.
    columns
        Of ``curve``: column to tenor in years. Of ``rates``: column to name.
    leave_out
        Rules in the order in which they act; a row is counted under the first that meets it.
    duplicates
        What to do with a date that a series repeats.
    yields_to
        Paths whose values stand where both give the same one.
    off_session
        Whether a row on a day without a session of the calendar is refused or kept (an interbank working
        weekend).
    blank
        Marks that mean that nothing was observed.
    near_zero
        True to accept rates of which half are below 5 bp in size, which otherwise look like a wrong unit.
    notes
        What a reader of results must know of this file; carried into every report.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["quotes", "curve", "rates"]
    unit: str
    date: DateColumn
    known: Known
    gap: GapBound
    known_gaps: tuple[KnownGap, ...] = ()
    products: tuple[str, ...] = ()
    contract: Codes | None = None
    legs: tuple[Leg, ...] = ()
    curve: str | None = None
    columns: Mapping[str, float | str] | None = None
    leave_out: tuple[LeaveOut, ...] = ()
    duplicates: Literal["refuse", "first", "last"] = "refuse"
    yields_to: tuple[str, ...] = ()
    off_session: Literal["refuse", "keep"] = "refuse"
    encoding: str = "utf-8"
    blank: tuple[str, ...] = ("",)
    near_zero: bool = False
    notes: tuple[str, ...] = ()

    def valued(self) -> Mapping[str, str]:
        """Foreign columns that hold numbers, each with the canonical column that it feeds."""
        of_legs = {column: kind for leg in self.legs for column, kind in leg.columns.items()}
        return of_legs | dict.fromkeys(self.columns or {}, "rate")

    def foreign(self) -> tuple[str, ...]:
        """Every column of the foreign file that is read."""
        named = (leg.contract for leg in self.legs)
        return tuple(dict.fromkeys([self.date.column, *named, *self.valued()]))


@dataclass(frozen=True, slots=True)
class Layout:
    """A named set of files."""

    name: str
    files: tuple[File, ...]

    def of(self, products: Sequence[str] | None) -> tuple[File, ...]:
        """Return the files that studies of ``products`` need; all of them for ``None``.

        Raises
        ------
        MarketError
            If the layout holds no quotes of one of them.
        """
        if products is None:
            return self.files
        held = sorted({name for file in self.files if file.table == "quotes" for name in file.products})
        for name in products:
            if name not in held:
                raise MarketError(f"layout {self.name!r} has no quotes of {name!r}; it has {held}{suggest(name, held)}")
        return tuple(f for f in self.files if not f.products or set(f.products) & set(products))


def load_layout(path: str | Path) -> Layout:
    """Read and validate a layout file.

    Raises
    ------
    StudyError
        With every problem, each as ``file: key: what is wrong``.
    """
    path = Path(path)
    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*.toml"))
        raise StudyError(f"no layout {path}; {path.parent} holds {there}{suggest(path.name, there)}")
    try:
        return layout_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path.name}: not TOML in UTF-8: {error}") from error
    except StudyError as error:
        raise StudyError([f"{path.name}: {problem}" for problem in error.problems]) from None


def layout_of(document: Mapping[str, Any]) -> Layout:
    """Validate a parsed layout; :class:`StudyError` with every problem, each as ``key: what is wrong``."""
    problems = [
        f"{key}: unknown key{suggest(key, ('name', 'file'))}; the keys are name and file"
        for key in document
        if key not in ("name", "file")
    ]
    name, entries = document.get("name"), document.get("file")
    if not isinstance(name, str) or not name:
        problems.append(f"name: {name!r} given; give the layout a name for people")
    if not isinstance(entries, list) or not entries:
        problems.append("file: none given; state one [[file]] table for each foreign file")
        entries = []
    adapter, files = TypeAdapter(File), []
    for at, entry in enumerate(entries):
        where = f"file[{at}]"
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            where += f" ({entry['path']})"
        try:
            file = adapter.validate_python(entry)
        except ValidationError as error:
            problems += [f"{where}.{line}" for line in settings_problems(File, error)]
            continue
        problems += [f"{where}.{line}" for line in _contradictions(file)]
        files.append(file)
    problems += _dangling(files) if len(files) == len(entries) else []
    if problems:
        raise StudyError(problems)
    return Layout(name=str(name), files=tuple(files))


def _contradictions(file: File) -> Iterator[str]:
    """What one file says that cannot be, by key."""
    pure = PurePosixPath(file.path)
    if pure.is_absolute() or ".." in pure.parts:
        yield "path: must stay inside the folder; give it relative to the folder, without '..'"
    if not file.path.endswith(SUFFIXES):
        yield f"path: suffix not read; the suffixes are {', '.join(SUFFIXES)}"
    if file.unit not in UNITS[file.table]:
        yield f"unit: {file.unit!r} given; {file.table} are in one of {', '.join(UNITS[file.table])}"
    if file.gap.calendar not in NAMES:
        yield (
            f"gap.calendar: no calendar {file.gap.calendar!r}{suggest(file.gap.calendar, NAMES)}; "
            f"the calendars are {', '.join(NAMES)}"
        )
    if file.gap.sessions < 0:
        yield f"gap.sessions: {file.gap.sessions} given; 0 or more sessions may be missing"
    try:
        "".encode(file.encoding)
    except LookupError:
        yield f"encoding: {file.encoding!r} is not known to Python; utf-8 and gb18030 are"
    for at, hole in enumerate(file.known_gaps):
        if hole.last < hole.first:
            yield f"known_gaps[{at}].last: {hole.last} is before first; give the later day"
        for column in hole.columns:
            if column not in file.foreign():
                yield f"known_gaps[{at}].columns: {column!r} is not read{suggest(column, file.foreign())}"
    yield from _known_problems(file)
    for at, rule in enumerate(file.leave_out):
        yield from (f"leave_out[{at}].{line}" for line in _rule_problems(rule, file))
    yield from _quote_problems(file) if file.table == "quotes" else _column_problems(file)


def _known_problems(file: File) -> Iterator[str]:
    known = file.known
    if known.rule == "close":
        if file.table != "quotes" or file.contract is None or file.contract.form == "given":
            yield "known.rule: 'close' needs a product with a close; for others state at and zone"
        if known.at is not None or known.zone is not None or known.days:
            yield "known: 'close' takes no at, zone or days; remove them"
        return
    if known.at is None or known.zone is None:
        yield "known: 'time' needs at (as 18:00:00) and zone (as 'Asia/Shanghai')"
    if known.days < 0:
        yield f"known.days: {known.days} given; nothing is known before its date"
    try:
        ZoneInfo(known.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        yield f"known.zone: no time zone {known.zone!r}; give an IANA name such as 'Asia/Shanghai'"


def _rule_problems(rule: LeaveOut, file: File) -> Iterator[str]:
    if not rule.why.strip():
        yield "why: empty; say why the rows are left out"
    needs = {"within": ("first", "last"), "spread": ("beyond",), "unmatched": ("other",)}.get(rule.rule, ())
    takes = ("first", "last") if rule.rule == "outside" else needs
    for key in needs:
        if getattr(rule, key) is None:
            yield f"{key}: missing; rule {rule.rule!r} needs it"
    for key in ("first", "last", "beyond", "other"):
        if key not in takes and getattr(rule, key) is not None:
            yield f"{key}: rule {rule.rule!r} takes none; remove it"
    if rule.rule == "outside" and rule.first is None and rule.last is None:
        yield "first: missing; rule 'outside' needs first, last or both"
    if rule.first is not None and rule.last is not None and rule.last < rule.first:
        yield f"last: {rule.last} is before first; give the later day"
    if rule.rule == "spread":
        closes = [sum(kind == "close" for kind in leg.columns.values()) for leg in file.legs]
        if closes != [1, 1]:
            yield "rule: 'spread' needs exactly two legs (near, then far), each with a close"
        if rule.beyond is not None and not rule.beyond > 0:
            yield f"beyond: {rule.beyond} given; give a price difference above 0"


def _quote_problems(file: File) -> Iterator[str]:
    if file.curve is not None or file.columns is not None:
        yield "columns: quotes state their columns in legs, and no curve"
    if not file.legs:
        yield "legs: missing; state at least one, with contract and columns"
    if file.contract is None:
        yield "contract: missing; state how codes are written (form = 'code', 'yyyymm' or 'given')"
        return
    for name in file.products if file.contract.form != "given" else ():
        try:
            product(name)
        except MarketError as error:
            yield f"products: {error}"
    if not file.products:
        yield "products: missing; quotes state whose they are"
    if file.contract.form == "yyyymm" and file.contract.product not in file.products:
        yield f"contract.product: {file.contract.product!r} given; 'yyyymm' needs one of products"
    if file.contract.form != "yyyymm" and file.contract.product is not None:
        yield f"contract.product: only form 'yyyymm' takes it, the form is {file.contract.form!r}; remove it"
    for at, leg in enumerate(file.legs):
        for column, kind in leg.columns.items():
            if kind not in VALUES["quotes"]:
                near, kinds = suggest(kind, VALUES["quotes"]), ", ".join(VALUES["quotes"])
                yield f"legs[{at}].columns.{column}: no {kind!r}{near}; the kinds are {kinds}"
        if not leg.columns:
            yield f"legs[{at}].columns: empty; state at least one as foreign = 'close'"
        if len(set(leg.columns.values())) < len(leg.columns):
            yield f"legs[{at}].columns: two columns for one kind; keep one"


def _column_problems(file: File) -> Iterator[str]:
    if file.legs or file.contract is not None:
        yield f"legs: only quotes have legs and contract; table is {file.table!r}"
    if (file.curve is not None) != (file.table == "curve"):
        yield "curve: name it for table 'curve', and only there"
    if not file.columns:
        yield "columns: missing; state foreign = tenor in years (curve) or foreign = 'NAME' (rates)"
        return
    for column, target in file.columns.items():
        if file.table == "curve" and not (isinstance(target, (int, float)) and 0 < target <= 100):
            yield f"columns.{column}: {target!r} given; give the tenor in years, such as 10 or 0.25"
        if file.table == "rates" and not isinstance(target, str):
            yield f"columns.{column}: {target!r} given; give the name of the rate, such as 'SHIBOR.ON'"
    if len(set(file.columns.values())) < len(file.columns):
        yield "columns: two columns for one series; keep one"


def _dangling(files: Sequence[File]) -> Iterator[str]:
    """References to other files that do not exist, by key."""
    for at, file in enumerate(files):
        where = f"file[{at}] ({file.path})"
        others = sorted({f.path for f in files if f.table == file.table} - {file.path})
        matched = tuple(rule.other for rule in file.leave_out if rule.other is not None)
        for key, named in (("yields_to", file.yields_to), ("leave_out", matched)):
            for path in named:
                if path not in others:
                    yield (
                        f"{where}.{key}: {path!r} is no other file of table {file.table!r}"
                        f"{suggest(path, others)}; they are {others}"
                    )
        for path in matched:
            if any(f.path == path and not set(file.products) <= set(f.products) for f in files):
                yield f"{where}.leave_out: {path!r} is not read for all of {list(file.products)}"
        for path in file.yields_to:
            if any(f.path == path and file.path in f.yields_to for f in files):
                yield f"{where}.yields_to: {path!r} yields to this file too; keep one of the two"
