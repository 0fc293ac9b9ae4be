"""What one product's calendar spread traded at, session by session.

A calendar spread is two contracts: buying one pair of T2503-T2506 buys one T2503 and sells one T2506, and its
spread is the near price minus the far price. ``Legs`` stacks a product's pairs in time, each pair fixed and
in front for its own stretch of sessions: T2503-T2506 up to the session by whose close its near leg must be
gone, T2506-T2509 from the next session on. The rows of one pair are contiguous, so a change of the spread is
never taken across a roll.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from tenor.errors import MarketError
from tenor.units import Bools, Dates, Floats, Names

_PRICES = ("near_close", "far_close", "near_open", "far_open")
_TERMS = ("tick", "multiplier", "margin_rate", "fee")


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """The two legs of one product's front pair, on each of ``n`` sessions.

    Parameters
    ----------
    product
        Its code, ``"T"``.
    sessions
        ``(n,)`` trading days, strictly increasing.
    pair
        ``(n,)`` the pair in front, ``"T2503-T2506"``; the rows of one pair are contiguous.
    near_close, far_close, near_open, far_open
        ``(n,)`` prices per 100 of face, NaN where nothing was observed. Opens may be NaN throughout.
    flat_by
        ``(n,)`` the session by whose close the pair of that row must be flat, known beforehand; one value per
        pair.
    tick
        Smallest price step in points, ``(n,)`` or one number.
    multiplier
        Money per 1.00 point of price and per lot, ``(n,)`` or one number.
    margin_rate
        Fraction of contract value that the exchange asks, ``(n,)`` or one number.
    fee
        Exchange fee in money per lot and side, ``(n,)`` or one number.

    Raises
    ------
    MarketError
        If there is no session, shapes differ, sessions do not increase, a pair's rows are not contiguous, a
        pair that another one follows ends before its ``flat_by`` (its exit could not be priced), or a price
        or term is out of range.

    Notes
    -----
    Arrays are copied and read-only; numbers are spread over the sessions.
    """

    product: str
    sessions: Dates
    pair: Names
    near_close: Floats
    far_close: Floats
    near_open: Floats
    far_open: Floats
    flat_by: Dates
    tick: Floats | float
    multiplier: Floats | float
    margin_rate: Floats | float
    fee: Floats | float

    def __post_init__(self) -> None:
        n = len(self.sessions)
        if n == 0:
            raise MarketError(f"{self.product}: no sessions; give at least one")
        kinds: dict[str, DTypeLike] = {
            "sessions": "datetime64[D]",
            "flat_by": "datetime64[D]",
            "pair": np.str_,
        }
        for name in (*kinds, *_PRICES, *_TERMS):
            given = np.asarray(getattr(self, name), dtype=kinds.get(name, np.float64))
            if name in _TERMS and given.ndim == 0:
                given = np.broadcast_to(given, (n,))
            if given.shape != (n,):
                raise MarketError(f"{self.product}: {name} has shape {given.shape}; give one value per session, ({n},)")
            own = np.array(given)
            own.setflags(write=False)
            object.__setattr__(self, name, own)
        self._check_prices()
        self._check_time()

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def first(self) -> Bools:
        """``(n,)`` True on the first session of each pair."""
        return np.concatenate([[True], self.pair[1:] != self.pair[:-1]])

    @property
    def must_be_flat(self) -> Bools:
        """``(n,)`` True from the session by whose close the pair must be flat."""
        return np.asarray(self.sessions >= self.flat_by)

    @property
    def spread_close(self) -> Floats:
        """``(n,)`` near minus far at the close, in points; NaN unless both legs were quoted."""
        return self.near_close - self.far_close

    @property
    def spread_open(self) -> Floats:
        """``(n,)`` near minus far at the open, in points; NaN unless both legs were quoted."""
        return self.near_open - self.far_open

    def _check_prices(self) -> None:
        for name in _PRICES:
            price = getattr(self, name)
            bad = np.flatnonzero(~(np.isnan(price) | (np.isfinite(price) & (price > 0))))
            if bad.size:
                raise MarketError(
                    f"{self._at(int(bad[0]))}: {name} is not positive and finite; "
                    "give a price, or NaN where there was none"
                )
        for name in _TERMS:
            term = getattr(self, name)
            bad = np.flatnonzero(~(np.isfinite(term) & ((term >= 0) if name == "fee" else (term > 0))))
            if bad.size:
                floor = "zero or more" if name == "fee" else "above zero"
                raise MarketError(f"{self._at(int(bad[0]))}: {name} is {term[bad[0]]:g}; it must be {floor}")

    def _check_time(self) -> None:
        late = np.flatnonzero(~(np.diff(self.sessions) > np.timedelta64(0, "D")))
        if late.size:
            raise MarketError(f"{self._at(int(late[0]) + 1)}: sessions must strictly increase; sort them, one row each")
        starts = np.flatnonzero(self.first)
        if len(set(self.pair[starts].tolist())) != starts.size:
            raise MarketError(f"{self.product}: the rows of one pair must be contiguous; stack the pairs in time")
        for start, stop in zip(starts, [*starts[1:], len(self)], strict=True):
            if (self.flat_by[start:stop] != self.flat_by[start]).any():
                raise MarketError(f"{self._at(int(start))}: flat_by changes within the pair; give one session per pair")
            if stop < len(self) and not self.sessions[stop - 1] >= self.flat_by[start]:
                raise MarketError(
                    f"{self._at(int(stop) - 1)} is the pair's last row, before its flat_by "
                    f"{self.flat_by[start]}: an exit could not be priced; add the rows up to flat_by, or "
                    "move flat_by to that last row"
                )

    def _at(self, t: int) -> str:
        return f"{self.pair[t]} on {self.sessions[t]}"
