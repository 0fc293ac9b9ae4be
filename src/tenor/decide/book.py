"""A book of prices: what a portfolio of stocks can be traded at, session by session, names side by side.

A session belongs to the exchange, not to a name: one that was not quoted is marked at its last price and cannot be
traded, nor one without volume. Where prices are limited (Shanghai and Shenzhen), nobody sells at the upper limit to a
buyer who comes late: a name is not bought at an open or close that stands there, and not sold at one that stands at the
lower limit; one that stood at a single price all session away from the close before is taken to be at a limit too,
which no code says of stocks under special treatment. A name that is never quoted again is closed at its last price less
a haircut.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tenor.errors import MarketError
from tenor.factor.base import Field
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, VOLUME, Universe
from tenor.market.calendar import trading_calendar
from tenor.units import Bools, Dates, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Prices of names by session.

    Parameters
    ----------
    codes
        The names, ``N`` of them.
    sessions
        Shape ``(session,)``: every session of the exchange.
    open, close
        ``(session, name)``, adjusted; ``close`` is the last one where a name was not quoted, NaN before its first.
        ``open`` is NaN where there is none.
    can_buy, can_sell
        ``(session, name)``: whether a name can be bought or sold at the close of a session.
    can_buy_open, can_sell_open
        The same at its open.
    last
        ``(name,)``: position of the last session on which a name was quoted; the number of sessions while it still is.
    benchmark
        ``(session,)``: close-to-close return of what portfolios are measured against, 0 on the first session.
    """

    codes: tuple[str, ...]
    sessions: Dates
    open: Floats
    close: Floats
    can_buy: Bools
    can_sell: Bools
    can_buy_open: Bools
    can_sell_open: Bools
    last: Floats
    benchmark: Floats

    def __len__(self) -> int:
        return len(self.sessions)


def build_book(
    universe: Universe, first: date, last: date, *, benchmark: Universe | None = None
) -> tuple[Book, tuple[str, ...]]:
    """Lay a universe out by session.

    Parameters
    ----------
    universe
        The names.
    first, last
        First and last session.
    benchmark
        A universe of one instrument, on the same exchange; absent, the members' mean return of the day.

    Returns
    -------
    Book, and sentences on what a reader must know.

    Raises
    ------
    MarketError
        If the exchange has no session in between.
    """
    sessions = trading_calendar(universe.exchange.calendar).sessions(first, last)
    if not len(sessions):
        raise MarketError(f"{universe.exchange.code} has no session from {first} to {last}")
    shape = (len(sessions), len(universe.codes))
    at = np.searchsorted(sessions, universe.sessions)
    held = (at < len(sessions)) & (sessions[np.minimum(at, len(sessions) - 1)] == universe.sessions)
    place = (at[held], universe.code[held])
    opened, close = np.full(shape, np.nan), np.full(shape, np.nan)
    opened[place], close[place] = universe.fields[OPEN][held], universe.fields[CLOSE][held]
    quoted, member = np.isfinite(close), np.zeros(shape, dtype=bool)
    member[place] = universe.member[held]
    before = _before(universe, sessions)
    marked = _filled(close, before)
    notes: list[str] = []
    volume = np.full(shape, np.nan)
    volume[place] = universe.fields[VOLUME][held]
    still = quoted & (volume == 0) & (volume > 0).any(axis=0)  # what has no volume on any session does not tell it
    if voiceless := int((quoted.any(axis=0) & ~(volume > 0).any(axis=0)).sum()):
        names = f"{voiceless:,} names have" if voiceless > 1 else "1 name has"
        notes.append(f"{names} no volume on any session: taken to be tradable whenever there is a price")
    if still.any():
        notes.append(f"{int(still.sum()):,} times a name had a price and no volume: it is not traded then")
    earlier = np.vstack([before[None], marked[:-1]])
    at_close, at_open = (_at_limit(universe, sessions, place, held, price, earlier) for price in (CLOSE, OPEN))
    for limited, what in ((at_close, "closed"), (at_open, "opened")):
        if count := int(sum(side.sum() for side in limited)):
            notes.append(
                f"{count:,} times a name {what} at its price limit: it is not bought there at the upper one nor sold at"
                " the lower one"
            )
    tail = universe.sessions[np.asarray(universe.bounds[1:]) - 1]
    gone = tail < sessions[-1] - np.timedelta64(30, "D")
    ends = np.where(gone, np.searchsorted(sessions, tail), len(sessions)).astype(np.float64)
    if benchmark is None:
        earned = np.zeros(shape)
        earned[1:] = np.where(np.isfinite(marked[:-1]), marked[1:] / marked[:-1] - 1.0, np.nan)
        counted = member & np.isfinite(earned)
        counted[1:] &= member[:-1]
        total = np.where(counted, earned, 0.0).sum(axis=1)
        market = np.where(counted.any(axis=1), total / np.maximum(counted.sum(axis=1), 1), 0.0)
        notes.append("the benchmark is the mean return of the members of the day, equally weighted, without costs")
    else:
        market = _returns(benchmark, sessions)
        notes.append(f"the benchmark is {benchmark.codes[0]}, without costs")
    market[0] = 0.0
    book = Book(
        codes=universe.codes,
        sessions=sessions,
        open=opened,
        close=marked,
        can_buy=quoted & ~still & ~at_close[0],
        can_sell=quoted & ~still & ~at_close[1],
        can_buy_open=np.isfinite(opened) & ~still & ~at_open[0],
        can_sell_open=np.isfinite(opened) & ~still & ~at_open[1],
        last=ends,
        benchmark=market,
    )
    return book, tuple(notes)


def _at_limit(
    universe: Universe, sessions: Dates, place: tuple[Ints, Ints], held: Bools, field: Field, earlier: Floats
) -> tuple[Bools, Bools]:
    """Whether each price stands at the upper and at the lower limit, ``(session, name)`` each.

    The limit is the close before, on the basis of today's quotes, times one plus or less the limit, rounded to the
    tick. On a session whose factor changes the exchange rounds that close itself, so a tick more of room is left. A
    price beyond a limit has none: it is of the first sessions after a listing.
    """
    shape = earlier.shape
    none = np.zeros(shape, dtype=bool)
    if not universe.exchange.price_limits:
        return none, none
    rules = [universe.exchange.limit(code, sessions) for code in universe.codes]
    limit, tick = (np.stack(each, axis=1) for each in zip(*rules, strict=True))
    factor, price = np.full(shape, np.nan), np.full(shape, np.nan)
    one_price = none.copy()
    factor[place], price[place] = universe.factor[held], universe.fields[field][held]
    one_price[place] = universe.fields[HIGH][held] == universe.fields[LOW][held]
    with np.errstate(invalid="ignore"):
        quoted, reference = price / factor, earlier / factor
        carried = _filled(factor, factor[0])
        room = tick * np.where(factor == np.vstack([carried[:1], carried[:-1]]), 0.5, 1.5)
        up, down = (np.floor(reference * (1 + side * limit) / tick + 0.5 + 1e-6) * tick for side in (1, -1))
        return (
            (np.abs(quoted - up) < room) | (one_price & (price > earlier)),
            (np.abs(quoted - down) < room) | (one_price & (price < earlier)),
        )


def _before(universe: Universe, sessions: Dates) -> Floats:
    """Last close of each name before the first session, NaN where there is none."""
    out = np.full(len(universe.codes), np.nan)
    for number in range(len(universe.codes)):
        rows = slice(int(universe.bounds[number]), int(universe.bounds[number + 1]))
        past = int(np.searchsorted(universe.sessions[rows], sessions[0]))
        if past:
            out[number] = universe.fields[CLOSE][rows][past - 1]
    return out


def _filled(close: Floats, before: Floats) -> Floats:
    """Carry each name's last close forward."""
    out = np.vstack([before[None], close])
    held = np.where(np.isfinite(out), np.arange(len(out))[:, None], 0)
    return out[np.maximum.accumulate(held, axis=0), np.arange(out.shape[1])][1:]


def _returns(benchmark: Universe, sessions: Dates) -> Floats:
    """Close-to-close returns of one instrument on the sessions, 0 where it was not quoted."""
    close = np.full(len(sessions), np.nan)
    at = np.searchsorted(sessions, benchmark.sessions)
    held = (at < len(sessions)) & (sessions[np.minimum(at, len(sessions) - 1)] == benchmark.sessions)
    close[at[held]] = benchmark.fields[CLOSE][held]
    marked = _filled(close[:, None], _before(benchmark, sessions))[:, 0]
    earned = np.zeros(len(sessions))
    earned[1:] = marked[1:] / marked[:-1] - 1.0
    return np.where(np.isfinite(earned), earned, 0.0)
