"""Settings of files of stocks: prices in long form, membership of a universe, and what instruments are.

Three instances. A Parquet table with ``close_fen`` in hundredths of a yuan, volumes in lots of 100 and a cumulative
``factor``. A table of Yahoo's with ``adj_close`` beside ``close``, of which the quotient is the factor. A CSV of
intervals during which a code was in the CSI 300.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from tenor.errors import suggest
from tenor.io.sources.layout_file import DateColumn
from tenor.market.exchange import exchanges
from tenor.settings import STRICT

VALUES_OF_STOCKS = ("open", "high", "low", "close", "volume", "adj_close", "factor")
"""What a column of prices may be taken as."""


@dataclass(frozen=True, slots=True)
class LeaveStock:
    """A rule that leaves rows of stocks out, counted and said.

    Parameters
    ----------
    rule
        ``rows``: of ``codes`` (absent: all) from ``first`` to ``last`` (absent: the ends). ``blank``: without a close.
        ``off_session``: on days without a session of the exchange.
    why
        The reason, for people.
    """

    __pydantic_config__: ClassVar = STRICT
    rule: Literal["rows", "blank", "off_session"]
    why: str
    codes: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None

    def terms(self) -> str:
        """The rule in words."""
        if self.rule != "rows":
            return {"blank": "without a close", "off_session": "on a day without a session"}[self.rule]
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
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    table
        ``stocks``.
    exchange
        Where they trade; sessions, currency and the close at which a row became known are those of it.
    kind
        ``stock``, ``etf`` or ``index``.
    date, code
        Column and form of the session; column of the instrument's code.
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
    code: str
    columns: Mapping[str, str | tuple[str, ...]]
    kind: Literal["stock", "etf", "index"] = "stock"
    price: Annotated[float, Gt(0)] = 1.0
    shares: Annotated[float, Gt(0)] = 1.0
    zero_is_missing: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    leave_out: tuple[LeaveStock, ...] = ()
    known_jumps: tuple[KnownJump, ...] = ()
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Members:
    """How one CSV of intervals says when a code belonged to a universe.

    A row is a code, the first day on which it is a member, and the last. A last day that is the latest of the file is
    no end: the list was made then. Membership is known at the open of the day on which it begins, and of the session
    after the one on which it ends.

    Parameters
    ----------
    path, notes
        As of a file of stocks.
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
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Instruments:
    """How one CSV says what instruments are called and which sector they are of.

    Parameters
    ----------
    path, notes
        As of a file of stocks.
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
    notes: tuple[str, ...] = ()
    products: ClassVar[tuple[str, ...]] = ()


AnyStocks = Stocks | Members | Instruments


def stocks_problems(file: AnyStocks) -> Iterator[str]:
    """What no single key can show."""
    if isinstance(file, Instruments):
        if file.name is None and file.sector is None:
            yield "name, sector: neither is given; take a column as one of them"
        return
    if file.exchange not in exchanges():
        yield f"exchange: {file.exchange!r} given{suggest(file.exchange, exchanges())}; known are {list(exchanges())}"
    if isinstance(file, Members):
        return
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
