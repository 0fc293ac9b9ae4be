"""Trading calendars: on which days an exchange has a session, and how far that is known.

Four instances. XSHG, whose holidays CFFEX shares, has no session from 2026-02-14 to 2026-02-23 (Spring
Festival). XNYS stands in for CBOT. XHKG is Hong Kong. Nobody knows the Chinese holidays of the year after next: the
State Council announces them each autumn, so a question about 2030 is refused, not answered with weekdays.

The closures are data, a file for each calendar in ``closures/``, written from the library ``exchange_calendars`` and
held to it by a test: reading them takes a thousandth of the second that the library takes to load. Those of XSHG end
with a certain year; the loaded range ends with it. Those of XNYS follow rules plus a list of unscheduled closures (a
storm, a funeral); ahead of today that list is empty, so a future XNYS session is a plan.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources

import numpy as np

from tenor.errors import CalendarError, suggest
from tenor.units import Dates

NAMES = ("XHKG", "XNYS", "XSHG")
"""Calendars that :func:`trading_calendar` offers."""


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The sessions of one exchange between two dates.

    Parameters
    ----------
    name
        Market identifier code (ISO 10383), for example ``"XSHG"``.
    loaded
        First and last day for which the holidays are known, both inclusive: whole years.
    days : Dates, shape (session,)
        Every session in that range, ascending, read-only.

    Notes
    -----
    Every method raises :class:`~tenor.errors.CalendarError` for a day outside ``loaded``; the message names
    the range.
    """

    name: str
    loaded: tuple[date, date]
    days: Dates = field(repr=False)

    def sessions(self, first: date, last: date) -> Dates:
        """Return the sessions from ``first`` to ``last``, both inclusive: shape (session,), read-only."""
        if first > last:
            raise CalendarError(f"sessions of {self.name} from {first} to {last}: give the earlier date first")
        start = np.searchsorted(self.days, self._known(first), side="left")
        stop = np.searchsorted(self.days, self._known(last), side="right")
        return self.days[start:stop]

    def is_session(self, day: date) -> bool:
        """Say whether the exchange opens on ``day``."""
        known = self._known(day)
        at = int(np.searchsorted(self.days, known))
        return at < len(self.days) and bool(self.days[at] == known)

    def offset(self, day: date, n: int) -> date:
        """Return the session ``n`` sessions after the session ``day`` (before it where ``n`` is negative)."""
        if not self.is_session(day):
            raise CalendarError(
                f"{day} is no session of {self.name}, so no sessions can be counted from it; "
                "take following(day) or preceding(day) first"
            )
        at = int(np.searchsorted(self.days, np.datetime64(day, "D"))) + n
        if not 0 <= at < len(self.days):
            raise CalendarError(f"{n:+d} sessions from {day} leaves the loaded holidays: {self._range()}")
        return _date(self.days[at])

    def count_after(self, day: date, until: date) -> int:
        """Count the sessions after ``day`` up to and including ``until``, as far as they are loaded; 0 for none."""
        first, stop = np.searchsorted(self.days, np.array([day, until], dtype="datetime64[D]"), side="right")
        return max(int(stop - first), 0)

    def following(self, day: date) -> date:
        """Return ``day`` if it is a session, else the next one (the convention "following")."""
        at = int(np.searchsorted(self.days, self._known(day), side="left"))
        if at == len(self.days):
            raise CalendarError(f"the session following {day} leaves the loaded holidays: {self._range()}")
        return _date(self.days[at])

    def preceding(self, day: date) -> date:
        """Return ``day`` if it is a session, else the last one before (the convention "preceding")."""
        at = int(np.searchsorted(self.days, self._known(day), side="right")) - 1
        if at < 0:
            raise CalendarError(f"the session preceding {day} leaves the loaded holidays: {self._range()}")
        return _date(self.days[at])

    def _known(self, day: date) -> np.datetime64:
        if not self.loaded[0] <= day <= self.loaded[1]:
            raise CalendarError(f"{day} is outside the loaded holidays: {self._range()}")
        return np.datetime64(day, "D")

    def _range(self) -> str:
        return (
            f"{self.name} is known from {self.loaded[0]} to {self.loaded[1]}; ask within that range, "
            "or install a release of Tenor that has the year"
        )


@cache
def trading_calendar(name: str) -> Calendar:
    """Return the calendar ``name``: ``"XSHG"`` for CFFEX, ``"XNYS"`` for CBOT and New York, ``"XHKG"`` for Hong Kong.

    Raises
    ------
    CalendarError
        If ``name`` is not in :data:`NAMES`.

    Notes
    -----
    CFFEX keeps the holidays of the Shanghai exchange: every session of XSHG from 2013-09-06 to 2026-07-13 has
    a price of a treasury future in the development data, and no price falls between sessions. CBOT does not
    keep those of the New York exchange exactly (it opens for a shortened day on some of its holidays, as on a
    Good Friday with a jobs report), so the calendar of a CBOT product is an approximation.
    """
    if name not in NAMES:
        raise CalendarError(f"no calendar {name!r}; the calendars are {list(NAMES)}{suggest(name, NAMES)}")
    text = (resources.files("tenor.market") / "closures" / f"{name}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    first, last = table["first"], table["last"]
    closed = [f"{year}-{day}" for year, listed in table["closed"].items() for day in listed.split()]
    every = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    days = every[np.is_busday(every, holidays=np.array(closed, "datetime64[D]"))]
    days.flags.writeable = False
    return Calendar(name=name, loaded=(first, last), days=days)


def _date(day: np.datetime64) -> date:
    found = day.astype(object)
    assert isinstance(found, date)
    return found
