"""Settings of files of stocks: prices in long form, membership of a universe, and what instruments are.

Four instances. A Parquet table with ``close_fen`` in hundredths of a yuan, volumes in lots of 100 and a cumulative
``factor``. A table of Yahoo's with ``adj_close`` beside ``close``, of which the quotient is the factor. A folder of
downloads of yfinance, one for each ticker, with their headers of three rows. A CSV of intervals during which a code was
in the CSI 300.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from tenor.errors import suggest
from tenor.io.sources.layout_file import DateColumn
from tenor.market.exchange import exchanges
from tenor.settings import STRICT

VALUES_OF_STOCKS = ("open", "high", "low", "close", "volume", "adj_close", "factor")
"""What a column of prices may be taken as."""

SUFFIXES_OF_STOCKS = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True, slots=True)
class LeaveStock:
    """A rule that leaves rows of stocks out, counted and said.

    Parameters
    ----------
    rule
        ``rows``: of ``codes`` (absent: all) from ``first`` to ``last`` (absent: the ends). ``blank``: without a close.
        ``off_session``: on days without a session of the exchange. ``no_factor``: without a factor, of an instrument
        that has one on other days. ``no_trade``: without volume and at one price: how sources fill a halt.
    why
        The reason, for people.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["rows", "blank", "off_session", "no_factor", "no_trade"]
    why: str
    codes: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    def terms(self) -> str:
        """The rule in words."""
        if self.rule != "rows":
            return {
                "blank": "without a close",
                "off_session": "on a day without a session",
                "no_factor": "without a factor, which their instrument has on other days",
                "no_trade": "without volume and at one price",
            }[self.rule]
        of = f"of {', '.join(self.codes)} " if self.codes else ""
        return f"{of}from {self.first or 'the beginning'} to {self.last or 'the end'}"


@dataclass(frozen=True, slots=True)
class KnownJump:
    """A change of price that is understood, on one day of one instrument."""

    __pydantic_config__: ClassVar = STRICT
    code: str
    date: date
    why: str


@dataclass(frozen=True, slots=True)
class Stocks:
    """How one file in long form feeds quotes, instruments and adjustments.

    Parameters
    ----------
    path
        ``.csv``, ``.csv.gz`` or ``.parquet``; a ``*`` stands for any name, so that one entry reads a folder of files.
    table
        ``stocks``.
    exchange
        Where they trade; sessions, currency and the close at which a row became known are those of it.
    kind
        ``stock``, ``etf`` or ``index``.
    date, code
        Column and form of the session; column of the instrument's code, without which the name of the file is the code.
    header
        ``yfinance``: fields and tickers in the first two rows, in either order, with a third row for ``Date`` or
        without. There the date is called ``Date`` and the code ``Ticker``.
    columns
        What is taken from which column: names out of ``VALUES_OF_STOCKS`` to a foreign column, or to several, of which
        the first that has a value counts. ``factor`` is a cumulative factor as the file has it, ``adj_close`` a close
        adjusted for splits and dividends; either is rebased to 1 on the first session of an instrument.
    price
        A price of the file is divided by this: 100 for hundredths.
    shares
        Shares of one unit of volume: 100 for lots.
    zero_is_missing
        Of these values a 0 says that there is none.
    codes
        Only these instruments; absent, all.
    encoding, blank
        Of text: as of a file of series.
    leave_out, known_jumps
        Rows that are left out, and changes of price that are understood, each with its reason.
    notes
        What a reader must know.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["stocks"]
    exchange: str
    date: DateColumn
    columns: Mapping[str, str | tuple[str, ...]]
    code: str | None = None
    header: Literal["one row", "yfinance"] = "one row"
    kind: Literal["stock", "etf", "index"] = "stock"
    price: Annotated[float, Gt(0)] = 1.0
    shares: Annotated[float, Gt(0)] = 1.0
    zero_is_missing: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    encoding: str = "utf-8"
    blank: tuple[str, ...] = ("",)
    leave_out: tuple[LeaveStock, ...] = ()
    known_jumps: tuple[KnownJump, ...] = ()
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()

    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """Foreign columns of each value, in the order in which they count."""
        return {name: (one,) if isinstance(one, str) else tuple(one) for name, one in self.columns.items()}

    def foreign(self) -> tuple[str, ...]:
        """Every column of the foreign file that is read."""
        named = () if self.code is None else (self.code,)
        return tuple(
            dict.fromkeys([self.date.column, *named, *(c for group in self.sources().values() for c in group)])
        )


@dataclass(frozen=True, slots=True)
class Members:
    """How one CSV of intervals says when a code belonged to a universe.

    A row is a code, the first day on which it is a member, and the last. A last day that is the latest of the file is
    no end: the list was made then. Membership is known at the open of the day on which it begins, and of the session
    after the one on which it ends.

    Parameters
    ----------
    path, encoding, notes
        As of a file of stocks; one file.
    table
        ``members``.
    universe
        Its name.
    exchange
        Whose sessions and opens count.
    code, start, end
        Column of the code, and columns and forms of the two days.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["members"]
    universe: str
    exchange: str
    code: str
    start: DateColumn
    end: DateColumn
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Instruments:
    """How one CSV says what instruments are called and which sector they are of.

    Parameters
    ----------
    path, encoding, notes
        As of a file of stocks; one file.
    table
        ``instruments``.
    code, name, sector
        Columns; absent where the file has none.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["instruments"]
    code: str
    name: str | None = None
    sector: str | None = None
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()


AnyStocks = Stocks | Members | Instruments


def stocks_problems(file: AnyStocks) -> Iterator[str]:
    """What no single key can show."""
    yield from _path_problems(file)
    if isinstance(file, Instruments):
        if file.name is None and file.sector is None:
            yield "name, sector: neither is given; take a column as one of them"
        return
    if file.exchange not in exchanges():
        yield f"exchange: {file.exchange!r} given{suggest(file.exchange, exchanges())}; known are {list(exchanges())}"
    if isinstance(file, Stocks):
        yield from _column_problems(file)
        for at, rule in enumerate(file.leave_out):
            yield from (f"leave_out[{at}]{line}" for line in _rule_problems(rule, file))


def _path_problems(file: AnyStocks) -> Iterator[str]:
    pure = PurePosixPath(file.path)
    if pure.is_absolute() or ".." in pure.parts:
        yield "path: must stay inside the folder; give it relative to the folder, without '..'"
    if not file.path.endswith(SUFFIXES_OF_STOCKS):
        yield f"path: suffix not read; the suffixes are {', '.join(SUFFIXES_OF_STOCKS)}"
    if "*" in file.path and not isinstance(file, Stocks):
        yield f"path: {file.table} are read from one file; give it without '*'"
    try:
        "".encode(file.encoding)
    except LookupError:
        yield f"encoding: {file.encoding!r} is not known to Python; utf-8 and gb18030 are"


def _column_problems(file: Stocks) -> Iterator[str]:
    for name in file.columns:
        if name not in VALUES_OF_STOCKS:
            yield f"columns.{name}: takes no such value{suggest(name, VALUES_OF_STOCKS)}; they are {VALUES_OF_STOCKS}"
    if "close" not in file.columns:
        yield "columns: no close is taken; name its column"
    if "factor" in file.columns and "adj_close" in file.columns:
        yield "columns: factor and adj_close both say how prices are adjusted; take one"
    for name in file.zero_is_missing:
        if name not in file.columns:
            yield f"zero_is_missing: {name!r} is not taken from any column"
    if file.header == "yfinance":
        if file.path.endswith(".parquet"):
            yield "header: Parquet has no rows of a header; leave it out"
        if (file.date.column, file.code) != ("Date", "Ticker"):
            yield "header: of yfinance; the date is called 'Date' there, and the code 'Ticker'"


def _rule_problems(rule: LeaveStock, file: Stocks) -> Iterator[str]:
    stated = bool(rule.codes) or rule.first is not None or rule.last is not None
    if rule.rule == "rows" and not stated:
        yield ": 'rows' leaves out everything; give codes, first or last"
    if rule.rule != "rows" and stated:
        yield f": {rule.rule!r} takes no codes, first or last; leave them out, or take the rule 'rows'"
    if rule.rule == "no_factor" and not {"factor", "adj_close"} & set(file.columns):
        yield ": 'no_factor' needs a factor or adj_close among the columns"
    if rule.rule == "no_trade" and not {"volume", "high", "low"} <= set(file.columns):
        yield ": 'no_trade' needs volume, high and low among the columns"
    if rule.first is not None and rule.last is not None and rule.first > rule.last:
        yield f": first {rule.first} is after last {rule.last}; give the earlier first"
