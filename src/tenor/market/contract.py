"""Futures contracts: what trades, by which rules, and until when.

Three instances that fix the idea. ``Contract("T", 2025, 3)``, written T2503, is the ten-year CFFEX treasury
future for delivery in March 2025. ``CalendarSpread(T2503, T2506)`` is long the first against the second.
``product("T")`` is the rule book: how much a point is worth, which tick held on a given day, when T2503 stops
trading.

A rule book changes, so everything that has changed is looked up by date, and a look-up before the first known
rule is refused. The rules lie beside this file in ``contracts/``, one TOML file per product, each rule with
who says so; where sources disagree the file says that too.

Two dates rule a calendar spread. The **last trading day** ends the near contract. Well before it, a client
who may not deliver has to be out: by the close of ``flat_by``, the last session but one before the delivery
month. From the next session on, the following pair is in front (:func:`front_pairs`). All of this is known
beforehand.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from tenor.errors import CalendarError, MarketError, suggest
from tenor.market.calendar import Calendar, trading_calendar
from tenor.units import Money, Rate, Years

QUARTER_MONTHS = (3, 6, 9, 12)

LAST_TRADING_DAYS = ("second friday", "last business day", "seventh business day before the last")
"""Rules of the last trading day that a product file may name.

``"second friday"``: the second Friday of the delivery month, or the next session where that is a holiday
(CFFEX). ``"last business day"``: the last session of the delivery month (CBOT two- and five-year notes).
``"seventh business day before the last"``: seven sessions before that (CBOT bonds).
"""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, order=True)
class Contract:
    """A futures contract: a product and its delivery month. Contracts of one product sort by delivery.

    >>> Contract("T", 2025, 3).code, Contract.parse("US50003")
    ('T2503', Contract(product='US5', year=2000, month=3))

    Raises
    ------
    MarketError
        If the month is not 1 to 12, or the year does not fit the two digits of a code (1970 to 2069).
    """

    product: str
    year: int
    month: int

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z]+[0-9]*", self.product):
            raise MarketError(
                f"product {self.product!r}; a product is capital letters, then perhaps digits, as in 'US5'"
            )
        if not 1 <= self.month <= 12:
            raise MarketError(f"month {self.month} of a {self.product} contract; months are 1 to 12")
        if not 1970 <= self.year <= 2069:
            raise MarketError(f"year {self.year} of a {self.product} contract; codes hold 1970 to 2069")

    @classmethod
    def parse(cls, code: str) -> "Contract":
        """Read a code: the product, two digits of the year (70 and later are 19yy), two of the month."""
        product, digits = code[:-4], code[-4:]
        if not product or not (digits.isascii() and digits.isdigit()):
            raise MarketError(f"contract code {code!r}; a code is a product and yymm, as in 'T2503' or 'US50003'")
        short = int(digits[:2])
        return cls(product, short + (1900 if short >= 70 else 2000), int(digits[2:]))

    @property
    def code(self) -> str:
        """Product and yymm: ``"T2503"``."""
        return f"{self.product}{self.year % 100:02d}{self.month:02d}"

    @property
    def delivery_month(self) -> date:
        """First calendar day of the delivery month."""
        return date(self.year, self.month, 1)

    def quarters_on(self, n: int) -> "Contract":
        """Return the contract that delivers ``n`` quarters later (earlier if negative)."""
        months = self.year * 12 + self.month - 1 + 3 * n
        return Contract(self.product, months // 12, months % 12 + 1)


@dataclass(frozen=True, slots=True, order=True)
class CalendarSpread:
    """Long one ``near`` against short one ``far`` contract of the same product; quoted near minus far.

    Raises
    ------
    MarketError
        If the two are of different products, or ``far`` does not deliver after ``near``.
    """

    near: Contract
    far: Contract

    def __post_init__(self) -> None:
        if self.near.product != self.far.product:
            raise MarketError(f"{self.code}: the legs of a calendar spread are of one product")
        if not self.near < self.far:
            raise MarketError(f"{self.code}: the far leg must deliver after the near one")

    @classmethod
    def parse(cls, code: str) -> "CalendarSpread":
        """Read a code as in ``"T2503-T2506"``."""
        legs = code.split("-")
        if len(legs) != 2:
            raise MarketError(f"spread code {code!r}; a code is near-far, as in 'T2503-T2506'")
        return cls(Contract.parse(legs[0]), Contract.parse(legs[1]))

    @property
    def code(self) -> str:
        """Near and far code: ``"T2503-T2506"``."""
        return f"{self.near.code}-{self.far.code}"


@dataclass(frozen=True, slots=True)
class Rule(Generic[Value]):
    """A value in force from the session ``start`` until the next rule starts, and who says so."""

    start: date
    value: Value
    source: str


@dataclass(frozen=True, slots=True)
class Hours:
    """A trading day in the exchange's zone: its open, its close, and the close of a contract that expires."""

    open: time
    close: time
    last_day_close: time


@dataclass(frozen=True, slots=True)
class Product:
    """The rule book of one future. Build it with :func:`product`.

    Parameters
    ----------
    code, name, exchange
        ``"T"``, ``"10-year treasury bond future"``, ``"CFFEX"``.
    calendar
        Name of the trading calendar, for :func:`~tenor.market.calendar.trading_calendar`.
    currency, zone
        ``"CNY"`` and ``"Asia/Shanghai"``, the currency of ``multiplier`` and the clock of ``hours``.
    multiplier
        Money per 1.00 point of price and per lot.
    face
        Face value of the bonds behind one lot, in money.
    coupon
        Coupon of the notional bond, decimal per year.
    deliverable_years
        Shortest and longest remaining life of a deliverable bond on the first day of the delivery month, by
        the present rule. For simulation; the basket of a real contract is its published list.
    listed
        First session of the product.
    first_contract
        Nearest delivery month on that day; every quarter month after it follows.
    quoted_months
        How many quarter months are quoted at once.
    last_trading_rule
        One of :data:`LAST_TRADING_DAYS`.
    flat_by_sessions
        ``flat_by`` is this many sessions before the delivery month begins (1 would be the last one before
        it).
    delivery_sessions
        Sessions from the last trading day to the day up to which the invoice accrues interest.
    ticks, margins, fees, hours
        Dated rules, ascending; the methods ``tick``, ``margin``, ``fee``, ``opens_at`` and ``closes_at`` read
        them.
    sources
        Who says so, for the fields without a date: pairs of field and source.
    """

    code: str
    name: str
    exchange: str
    calendar: str
    currency: str
    zone: str
    multiplier: Money
    face: Money
    coupon: Rate
    deliverable_years: tuple[Years, Years]
    listed: date
    first_contract: Contract
    quoted_months: int
    last_trading_rule: str
    flat_by_sessions: int
    delivery_sessions: int
    ticks: tuple[Rule[float], ...]
    margins: tuple[Rule[float], ...]
    fees: tuple[Rule[float], ...]
    hours: tuple[Rule[Hours], ...]
    sources: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        if self.last_trading_rule not in LAST_TRADING_DAYS:
            raise MarketError(
                f"{self.code}: last trading rule {self.last_trading_rule!r}; allowed are {list(LAST_TRADING_DAYS)}"
            )
        dated: dict[str, Sequence[Rule[Any]]] = {
            "tick": self.ticks,
            "margin": self.margins,
            "fee": self.fees,
            "hours": self.hours,
        }
        for what, rules in dated.items():
            starts = [rule.start for rule in rules]
            if not starts or starts != sorted(set(starts)):
                raise MarketError(f"{self.code}: the rules of {what} must be one or more, of ascending start: {starts}")

    def tick(self, on: date) -> float:
        """Return the smallest price step on ``on``, in points (per 100 of face)."""
        return self._in_force(self.ticks, on, "tick")

    def margin(self, on: date) -> float:
        """Return the margin on ``on`` as a fraction of contract value, before any rise near delivery."""
        return self._in_force(self.margins, on, "margin")

    def fee(self, on: date) -> Money:
        """Return the fee on ``on``: money per lot and side."""
        return self._in_force(self.fees, on, "fee")

    def opens_at(self, session: date) -> datetime:
        """Return the moment (UTC) at which ``session`` opens; CalendarError if that day is no session."""
        return self._moment(session, self._in_force(self.hours, session, "hours").open)

    def closes_at(self, session: date, contract: Contract | None = None) -> datetime:
        """Return the moment (UTC) at which ``session`` closes; CalendarError if that day is no session.

        With ``contract``, the close of that contract, which is earlier on its last trading day (11:30 in
        Shanghai).
        """
        hours = self._in_force(self.hours, session, "hours")
        # Before its delivery month no contract expires, and the holidays of that month may not be known.
        expires = (
            contract is not None
            and self._of_this(contract).delivery_month <= session
            and self.last_trading_day(contract) == session
        )
        return self._moment(session, hours.last_day_close if expires else hours.close)

    def last_trading_day(self, contract: Contract) -> date:
        """Return the last session on which ``contract`` trades, by :attr:`last_trading_rule`."""
        month, calendar = self._of_this(contract).delivery_month, self._calendar()
        if self.last_trading_rule == "second friday":
            return calendar.following(month + timedelta(days=(4 - month.weekday()) % 7 + 7))
        last = calendar.preceding((month + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        return last if self.last_trading_rule == "last business day" else calendar.offset(last, -7)

    def second_delivery_day(self, contract: Contract) -> date:
        """Return the day up to which the invoice of ``contract`` accrues interest.

        At CFFEX the second delivery day, two sessions after the last trading day. At CBOT, where the short
        picks a day of the delivery month, the last delivery day.
        """
        return self._calendar().offset(self.last_trading_day(contract), self.delivery_sessions)

    def flat_by(self, contract: Contract) -> date:
        """Return the session by whose close a client who may not deliver must hold nothing of ``contract``.

        CFFEX wants such a client at zero lots *from* the last session before the delivery month, so this is
        the session before that one. At CBOT that last session is the first notice day and the one before it
        the first day on which a long can be assigned; the same count keeps clear of both.
        """
        calendar = self._calendar()
        eve = calendar.preceding(self._of_this(contract).delivery_month - timedelta(days=1))
        return calendar.offset(eve, 1 - self.flat_by_sessions)

    def listing_day(self, contract: Contract) -> date:
        """Return the first session on which ``contract`` is quoted.

        The first ``quoted_months`` contracts start with the product; a later one on the session after the
        last trading day of the contract whose place it takes.
        """
        self._of_this(contract)
        if contract < self.first_contract.quarters_on(self.quoted_months):
            return self.listed
        return self._calendar().offset(self.last_trading_day(contract.quarters_on(-self.quoted_months)), 1)

    def contracts(self, first: date, last: date) -> tuple[Contract, ...]:
        """Return every contract that is quoted on some session from ``first`` to ``last``, nearest first."""
        if len(self._calendar().sessions(first, last)) == 0:
            return ()
        return tuple(
            contract
            for contract in self._quoted_until(first, last)
            if contract.delivery_month > first or self.last_trading_day(contract) >= first
        )

    def _quoted_until(self, first: date, last: date) -> Iterator[Contract]:
        """Every contract listed by ``last``, from the first to deliver in the month of ``first`` or later.

        Asks for no date after ``last``, whose holidays may not be loaded.
        """
        contract = max(_nearest_quarter(self.code, first), self.first_contract)
        if self.listed > last:
            return
        while (
            contract < self.first_contract.quarters_on(self.quoted_months)
            or contract.quarters_on(-self.quoted_months).delivery_month <= last
        ) and self.listing_day(contract) <= last:
            yield contract
            contract = contract.quarters_on(1)

    def _of_this(self, contract: Contract) -> Contract:
        if contract.product != self.code:
            raise MarketError(f"{contract.code} is not a contract of {self.code}; ask product({contract.product!r})")
        if contract.month not in QUARTER_MONTHS:
            raise MarketError(f"{contract.code}: {self.code} delivers in months {list(QUARTER_MONTHS)} only")
        if contract < self.first_contract:
            raise MarketError(
                f"{contract.code} is before the first contract of {self.code}, {self.first_contract.code}; "
                "ask for that one or a later one"
            )
        return contract

    def _calendar(self) -> Calendar:
        return trading_calendar(self.calendar)

    def _moment(self, session: date, at: time) -> datetime:
        if not self._calendar().is_session(session):
            raise CalendarError(f"{session} is no session of {self.code}; ask for a session of {self.calendar}")
        return datetime.combine(session, at, ZoneInfo(self.zone)).astimezone(UTC)

    def _in_force(self, rules: tuple[Rule[Value], ...], on: date, what: str) -> Value:
        at = bisect_right([rule.start for rule in rules], on)
        if at == 0:
            raise MarketError(
                f"no {what} of {self.code} is known on {on}; the first rule starts on {rules[0].start}, "
                "so ask from that day on"
            )
        return rules[at - 1].value


@dataclass(frozen=True, slots=True)
class PairSpan:
    """The sessions, ``first`` to ``flat_by`` inclusive, for which ``spread`` is the pair in front."""

    spread: CalendarSpread
    first: date
    flat_by: date
    last_trading_day: date
    """Of the near contract."""


def front_pairs(product: Product, first: date, last: date) -> tuple[PairSpan, ...]:
    """Return the front pairs of ``product`` from ``first`` to ``last``: consecutive, without overlap or gap.

    A pair is in front from the session after the ``flat_by`` of the previous near contract up to and
    including the ``flat_by`` of its own; the far leg is the next quarter month. Prices play no part, so the
    roll is known beforehand.

    Parameters
    ----------
    product
        The rule book.
    first, last
        Range of days; every span that has a session in it is returned, with its own whole dates, so the same
        pair has the same span whatever range is asked for. Empty where the range ends before the product is
        listed.

    Raises
    ------
    CalendarError
        If a date of a returned span lies outside the loaded holidays (the last pair before they end is such a
        case).
    """
    calendar = trading_calendar(product.calendar)
    asked = calendar.sessions(first, last)
    if product.listed > last or len(asked) == 0:
        return ()
    start = max(calendar.following(first), product.listed)
    near = max(product.first_contract, _nearest_quarter(product.code, start))
    while product.flat_by(near) < start:
        near = near.quarters_on(1)
    spans: list[PairSpan] = []
    while (front := _front_from(product, near)) <= last:
        spread = CalendarSpread(near, near.quarters_on(1))
        spans.append(PairSpan(spread, front, product.flat_by(near), product.last_trading_day(near)))
        near = near.quarters_on(1)
    return tuple(spans)


def products() -> tuple[str, ...]:
    """Codes of every product that has a file of rules, sorted."""
    files = (resources.files("tenor.market") / "contracts").iterdir()
    return tuple(sorted(file.name[:-5].upper() for file in files if file.name.endswith(".toml")))


@cache
def product(code: str) -> Product:
    """Return the rule book of ``code``, as in ``product("T")``; MarketError if there is none, listing all."""
    held = products()
    if code not in held:
        raise MarketError(f"no product {code!r}; the products are {list(held)}{suggest(code, held)}")
    file = resources.files("tenor.market") / "contracts" / f"{code.lower()}.toml"
    terms = tomllib.loads(file.read_text(encoding="utf-8"))
    shortest, longest = terms.pop("deliverable_years")
    return Product(
        first_contract=Contract.parse(terms.pop("first_contract")),
        deliverable_years=(shortest, longest),
        ticks=_dated(terms.pop("tick")),
        margins=_dated(terms.pop("margin")),
        fees=_dated(terms.pop("fee")),
        hours=tuple(
            Rule(each["from"], Hours(each["open"], each["close"], each["last_day_close"]), each["source"])
            for each in terms.pop("hours")
        ),
        sources=tuple(terms.pop("sources").items()),
        **terms,
    )


def _dated(entries: Sequence[Mapping[str, Any]]) -> tuple[Rule[float], ...]:
    return tuple(Rule(each["from"], float(each["value"]), each["source"]) for each in entries)


def _nearest_quarter(code: str, day: date) -> Contract:
    """The contract that delivers in the month of ``day``, or in the next quarter month."""
    return Contract(code, day.year, -(-day.month // 3) * 3)


def _front_from(product: Product, near: Contract) -> date:
    """First session on which the pair of ``near`` is in front."""
    if near == product.first_contract:
        return product.listed
    return trading_calendar(product.calendar).offset(product.flat_by(near.quarters_on(-1)), 1)
