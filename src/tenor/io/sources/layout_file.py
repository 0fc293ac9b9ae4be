"""Settings of a file of series, and the words that every file of a layout shares.

Three instances of a series. Closes and volumes of the contract that a cell names are ``quotes``. Columns headed y1, y2
and y5 are points of a ``curve``. Rows of date, ``rate_name`` and ``rate_value`` are ``rates`` in long form: there a
cell, and not a header, says which series it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import PurePosixPath
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tenor.errors import MarketError, suggest
from tenor.market.calendar import NAMES
from tenor.market.contract import product
from tenor.market.market import KEYS, SCHEMAS
from tenor.settings import STRICT

VALUES = {
    table: tuple(c for c in schema.names() if c not in (*KEYS[table], "known_at")) for table, schema in SCHEMAS.items()
}
"""The columns of each canonical table that hold observations."""

UNITS: Mapping[str, tuple[str, ...]] = {
    "quotes": ("per 100", "per 1"),
    "curve": ("percent", "decimal", "basis points"),
    "rates": ("percent", "decimal", "basis points"),
    "bonds": ("percent", "decimal"),
    "deliverables": ("per 1",),
    "macro": ("percent", "points"),
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
class LongForm:
    """Of a file with one row for each date and series: the column that names the series, and that of its number."""

    __pydantic_config__: ClassVar = STRICT
    column: str
    value: str


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
        calendar days after the row's date. ``listing``: at the open of the day on which the contract was
        listed, for bonds and deliverables.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["close", "time", "listing"]
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
        ``other`` does not give. ``unnamed``: in long form, rows of a series that ``columns`` does not name.
    why
        The reason, for people.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["outside", "within", "weekend", "off_session", "spread", "unmatched", "unnamed"]
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
            "unnamed": "of a series that columns does not name",
        }[self.rule]


@dataclass(frozen=True, slots=True)
class File:
    """How one foreign file of series feeds ``quotes``, ``curve`` or ``rates``.

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
        Of ``curve``: column to tenor in years. Of ``rates``: column to name. In long form it is not a column
        but the cell of ``series.column`` that stands before the sign of equality.
    series
        Of ``curve`` and ``rates`` in long form: which cell names the series, and which is its number.
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
    series: LongForm | None = None
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
        if self.series is not None:
            return {self.series.value: "rate"}
        of_legs = {column: kind for leg in self.legs for column, kind in leg.columns.items()}
        return of_legs | dict.fromkeys(self.columns or {}, "rate")

    def naming(self) -> tuple[str, ...]:
        """Foreign columns whose cells name what a row is of: contracts, or the series of a long form."""
        return tuple(leg.contract for leg in self.legs) if self.series is None else (self.series.column,)

    def tellings(self) -> tuple[str, ...]:
        """What ``known_gaps`` may name: the columns that are read, or the series of a long form."""
        return self.foreign() if self.series is None else tuple(self.columns or {})

    def foreign(self) -> tuple[str, ...]:
        """Every column of the foreign file that is read."""
        return tuple(dict.fromkeys([self.date.column, *self.naming(), *self.valued()]))


def text_problems(path: str, table: str, unit: str, encoding: str) -> Iterator[str]:
    """What cannot be of the path, unit or encoding of a file, by key."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        yield "path: must stay inside the folder; give it relative to the folder, without '..'"
    if not path.endswith(SUFFIXES):
        yield f"path: suffix not read; the suffixes are {', '.join(SUFFIXES)}"
    if unit not in UNITS[table]:
        yield f"unit: {unit!r} given; {table} are in one of {', '.join(UNITS[table])}"
    try:
        "".encode(encoding)
    except LookupError:
        yield f"encoding: {encoding!r} is not known to Python; utf-8 and gb18030 are"


def contradictions(file: File) -> Iterator[str]:
    """What a file of series says that cannot be, by key."""
    yield from text_problems(file.path, file.table, file.unit, file.encoding)
    if file.gap.calendar not in NAMES:
        yield (
            f"gap.calendar: no calendar {file.gap.calendar!r}{suggest(file.gap.calendar, NAMES)}; "
            f"the calendars are {', '.join(NAMES)}"
        )
    if file.gap.sessions < 0:
        yield f"gap.sessions: {file.gap.sessions} given; 0 or more sessions may be missing"
    yield from hole_problems(file.known_gaps, file.tellings())
    yield from _known_problems(file)
    for at, rule in enumerate(file.leave_out):
        yield from (f"leave_out[{at}].{line}" for line in _rule_problems(rule, file))
    yield from _quote_problems(file) if file.table == "quotes" else _column_problems(file)


def hole_problems(holes: tuple[KnownGap, ...], read: tuple[str, ...]) -> Iterator[str]:
    """What cannot be of the longer holes that are understood, by key; ``read`` are the columns there are."""
    for at, hole in enumerate(holes):
        if hole.last < hole.first:
            yield f"known_gaps[{at}].last: {hole.last} is before first; give the later day"
        for column in hole.columns:
            if column not in read:
                yield f"known_gaps[{at}].columns: {column!r} is not read{suggest(column, read)}"


def _known_problems(file: File) -> Iterator[str]:
    known = file.known
    if known.rule == "listing":
        yield f"known.rule: 'listing' is of bonds and deliverables; {file.table} are known by 'close' or 'time'"
        return
    if known.rule == "close":
        if file.table != "quotes" or file.contract is None or file.contract.form == "given":
            yield "known.rule: 'close' needs a product with a close; for others state at and zone"
        if known.at is not None or known.zone is not None or known.days:
            yield "known: 'close' takes no at, zone or days; remove them"
        return
    yield from time_problems(known)


def time_problems(known: Known) -> Iterator[str]:
    """What cannot be of a rule ``time``, by key."""
    if known.at is None or known.zone is None:
        yield "known: 'time' needs at (as 18:00:00) and zone (as 'Asia/Shanghai')"
    if known.days < 0:
        yield f"known.days: {known.days} given; nothing is known before its date"
    try:
        ZoneInfo(known.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        yield f"known.zone: no time zone {known.zone!r}; give an IANA name such as 'Asia/Shanghai'"


def _rule_problems(rule: LeaveOut, file: File) -> Iterator[str]:
    yield from span_problems(rule)
    if rule.rule == "unnamed" and file.series is None:
        yield "rule: 'unnamed' is of the long form; state 'series', or take the rule out"
    if rule.rule == "spread":
        closes = [sum(kind == "close" for kind in leg.columns.values()) for leg in file.legs]
        if closes != [1, 1]:
            yield "rule: 'spread' needs exactly two legs (near, then far), each with a close"
        if rule.beyond is not None and not rule.beyond > 0:
            yield f"beyond: {rule.beyond} given; give a price difference above 0"


def span_problems(rule: LeaveOut) -> Iterator[str]:
    """What cannot be of a rule by itself, whatever the file, by key."""
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


def _quote_problems(file: File) -> Iterator[str]:
    if file.curve is not None or file.columns is not None:
        yield "columns: quotes state their columns in legs, and no curve"
    if file.series is not None:
        yield "series: quotes have no long form; remove it (legs name the contract of each row)"
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
    if file.series is not None and len({file.date.column, file.series.column, file.series.value}) < 3:
        yield "series: date, column and value must be three columns; correct the one that is doubled"
    for column, target in file.columns.items():
        if file.table == "curve" and not (isinstance(target, (int, float)) and 0 < target <= 100):
            yield f"columns.{column}: {target!r} given; give the tenor in years, such as 10 or 0.25"
        if file.table == "rates" and not isinstance(target, str):
            yield f"columns.{column}: {target!r} given; give the name of the rate, such as 'SHIBOR.ON'"
    if len(set(file.columns.values())) < len(file.columns):
        yield "columns: two columns for one series; keep one"
