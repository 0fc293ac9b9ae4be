"""Moves: what a scenario changes, as plain additions to what the market knew.

Three instances that fix the idea. The curve 10 bp up is ``Moves(curves={"CGB": {2.0: 0.001, 10.0: 0.001}})``. Dear
money at the turn of a quarter is a premium on one night, with the quoted terms raised by the average of it that lies
in them. A gap of T1906 half a point down is ``Moves(prices={"T1906": -0.5})``, on top of whatever curve and funding do
to its price.

Scenarios compose by adding their moves, so the order of shifts does not matter, half a scenario is
``moves.scaled(0.5)``, and nothing at all is :data:`NOTHING`.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from tenor.errors import MarketError
from tenor.units import Price, Rate, Years

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Moves:
    """What changes, as additions; adding two moves adds entry by entry.

    Parameters
    ----------
    curves
        Curve name, then published tenor in years, to a change of its yield (decimal).
    rates
        Rate name to a change of its quote (decimal). It contains the average of the ``nights`` that lie in its term.
    nights
        Day on which a night begins to that night's premium over the funding curve (decimal).
    prices
        Contract code to points, on top of what curve and funding do.
    volatility
        Contract code to the natural log of the multiple by which its recent path is stretched around its last close.
    sessions
        Contract code to how many closes back that stretch reaches; one for each code in ``volatility``.

    Raises
    ------
    MarketError
        If a number is not finite; when moves are added that stretch one code over different numbers of sessions.
    """

    curves: Mapping[str, Mapping[Years, Rate]] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    nights: Mapping[date, Rate] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    volatility: Mapping[str, float] = field(default_factory=dict)
    sessions: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if all(map(math.isfinite, self._changes())):
            return
        wrong = next(name for name, change in self._entries() if not math.isfinite(change))
        raise MarketError(f"the move of {wrong} is not a finite number; check what it was computed from")

    def __bool__(self) -> bool:
        """Say whether anything changes."""
        return any(change != 0 for change in self._changes())

    def __add__(self, other: "Moves") -> "Moves":
        """Return both together."""
        for code in self.sessions.keys() & other.sessions.keys():
            if self.sessions[code] != other.sessions[code]:
                raise MarketError(
                    f"{code} is stretched over {self.sessions[code]} sessions by one shift and {other.sessions[code]}"
                    " by another; give both the same number"
                )
        names = sorted(self.curves.keys() | other.curves.keys())
        return Moves(
            curves={name: _added(self.curves.get(name, {}), other.curves.get(name, {})) for name in names},
            rates=_added(self.rates, other.rates),
            nights=_added(self.nights, other.nights),
            prices=_added(self.prices, other.prices),
            volatility=_added(self.volatility, other.volatility),
            sessions={**self.sessions, **other.sessions},
        )

    def scaled(self, by: float) -> "Moves":
        """Return every addition times ``by``; a stretch ``x2`` scaled by 0.5 is its square root."""
        return Moves(
            curves={name: _scaled(points, by) for name, points in self.curves.items()},
            rates=_scaled(self.rates, by),
            nights=_scaled(self.nights, by),
            prices=_scaled(self.prices, by),
            volatility=_scaled(self.volatility, by),
            sessions=dict(self.sessions),
        )

    def _changes(self) -> Iterator[float]:
        """Every addition."""
        for points in self.curves.values():
            yield from points.values()
        for entries in (self.rates, self.nights, self.prices, self.volatility):
            yield from entries.values()

    def _entries(self) -> Iterator[tuple[str, float]]:
        """Every addition with the name of what it is added to."""
        for curve, points in self.curves.items():
            yield from ((f"{curve} {years:g} y", change) for years, change in points.items())
        yield from self.rates.items()
        yield from ((f"{NIGHT}{night}", change) for night, change in self.nights.items())
        yield from ((f"the price of {code}", change) for code, change in self.prices.items())
        yield from ((f"the volatility of {code}", change) for code, change in self.volatility.items())


NIGHT = "the night of "
"""Begins the name of an addition to one night."""


def in_words(names: Sequence[str]) -> str:
    """List names of additions; nights that follow each other as a range, ``the nights of 2026-03-18 to 2026-04-13``."""
    nights = [name.removeprefix(NIGHT) for name in names if name.startswith(NIGHT)]
    others = [name for name in names if not name.startswith(NIGHT)]
    runs: list[list[date]] = []
    for night in sorted(map(date.fromisoformat, nights)):
        if runs and night - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(night)
        else:
            runs.append([night])
    told = [f"the nights of {run[0]} to {run[-1]}" if len(run) > 1 else f"{NIGHT}{run[0]}" for run in runs]
    return ", ".join([*others, *told])


def _added(one: Mapping[Key, float], other: Mapping[Key, float]) -> dict[Key, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in dict.fromkeys((*one, *other))}


def _scaled(entries: Mapping[Key, float], by: float) -> dict[Key, float]:
    return {key: change * by for key, change in entries.items()}


NOTHING = Moves()
"""The scenario in which nothing changes; adding it changes nothing."""
