"""One loop over sessions: what a forecast would have earned, after costs and limits.

The order of events on session ``t``:

1. **Roll.** On the first session of a pair nothing is held: no position and no order crosses from one pair to
   the next.
2. **Decide** (``same_close`` only). The sizer sees ``p_up[t]``, what is held, and what was learned before.
3. **Exit.** From ``flat_by`` on, the order is zero whatever the sizer says. The date is known beforehand, so
   a trader whose fills come late places this order one session early; the exit is charged like any trade.
4. **Fill.** The position moves to the order at the fill price; ``|change| * costs.per_pair`` is charged: two
   legs.
5. **Mark.** ``gross[t] = held before * (close - previous close) + change * (close - fill price)``, in money.
   A fill at the close therefore earns from that close on.
6. **Decide** (delayed fills). As 2, but the order waits for the next session's fill, step 4 there.

Who could have traded each ``fill``:

* ``same_close``: only who knows the close before it is over; an upper bound. Closing prices bounce, and a
  signal made of the same close earns that bounce here and nowhere else.
* ``next_open``: who decides in the evening and sends both legs into the next session's opening.
* ``next_close``: who decides in the evening and trades at the next session's close.

A session without a forecast (NaN: a failed fold, an incomplete window) asks for no position, and is counted
in ``Backtest.no_forecast``. A position that cannot be marked, or an order without a price, is refused. The
position that is open when the arrays end stays open at its last mark: closing it would let the end of the
data decide something.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from tenor.decide.costs import Costs
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits, capital_per_pair, margin_per_pair
from tenor.decide.sizer import Learned, Risk, Sizer
from tenor.errors import MarketError, StudyError, suggest
from tenor.units import Floats, Ints

Fill = Literal["same_close", "next_open", "next_close"]
FILLS: tuple[Fill, ...] = get_args(Fill)
_BLOCK = 64
"""Sessions copied at once when the time axis is brought first: a few cache lines of every strategy."""


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """What was held and earned on each of ``n`` sessions, for every strategy of the forecast's leading axes.

    Parameters
    ----------
    legs, fill, costs, limits
        What was asked.
    p_up
        ``(..., n)`` the forecast, NaN where there was none.
    target
        ``(..., n)`` fraction of the full position that the sizer named at each session; 0 without a forecast.
        The order made of it is filled as ``fill`` says, unless the scheduled exit stands above it.
    position
        ``(..., n)`` pairs held after the session's fills; positive is long near, short far.
    gross
        ``(..., n)`` money earned from the previous close to this one, before costs.
    cost
        ``(..., n)`` money paid for the session's trades, zero or more.
    no_forecast
        ``(...)`` number of sessions before ``flat_by`` that had no forecast.
    """

    legs: Legs
    fill: Fill
    costs: Costs
    limits: Limits
    p_up: Floats
    target: Floats
    position: Floats
    gross: Floats
    cost: Floats
    no_forecast: Ints

    def strategies(self, rows: slice) -> "Backtest":
        """Return the backtest of some strategies: ``rows`` of the first leading axis."""
        names = ("p_up", "target", "position", "gross", "cost", "no_forecast")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def traded(self) -> Floats:
        """``(..., n)`` signed change of the position in each session, in pairs."""
        return np.diff(self.position, axis=-1, prepend=0.0)

    @property
    def net(self) -> Floats:
        """``(..., n)`` money after costs."""
        return self.gross - self.cost

    @property
    def margin(self) -> Floats:
        """``(..., n)`` money that the position ties up at each close; 0 where nothing is held."""
        return np.where(self.position == 0, 0.0, np.abs(self.position) * margin_per_pair(self.legs))

    @property
    def capital(self) -> Floats:
        """``(n,)`` margin of the *full* position at the last quoted close before each session.

        Returns are on this and not on the margin in use, so that holding less lowers the return and idle
        money counts.
        """
        return self.limits.max_pairs * capital_per_pair(self.legs)

    @property
    def returns(self) -> Floats:
        """``(..., n)`` net money as a fraction of the capital, per session."""
        return self.net / self.capital

    @property
    def open_at_end(self) -> Floats:
        """``(...)`` pairs still held after the last session, marked there and not closed."""
        return self.position[..., -1]


def backtest(
    p_up: Floats,
    legs: Legs,
    sizer: Sizer,
    *,
    fill: Fill,
    costs: Costs,
    limits: Limits,
    learned: Learned | None = None,
) -> Backtest:
    """Trade forecasts of the next change of one product's spread, session by session.

    Parameters
    ----------
    p_up
        ``(..., n)`` probability that the pair's spread at the next session's close is above this session's;
        NaN for no forecast. The leading axes are any set of strategies (models, seeds, folds).
    legs
        The product's pairs, ``n`` sessions.
    sizer
        From probability to target.
    fill
        When an order is filled; the head of this file says who could have done it.
    costs, limits
        What trading costs and how much may be held.
    learned
        What the sizer reads beside the forecast, from training data only.

    Returns
    -------
    Backtest
        Nothing in it at session ``t`` depends on anything later than ``t``.

    Raises
    ------
    MarketError
        If the forecast does not fit the legs, a price that a fill or a mark needs was never observed, or
        ``next_open`` is asked of legs without opens.
    StudyError
        If ``fill`` is unknown, a probability is outside [0, 1], or the sizer needs a learned value that is
        not given.
    """
    if fill not in FILLS:
        raise StudyError(f"fill is {fill!r}; allowed are {', '.join(FILLS)}{suggest(str(fill), FILLS)}")
    p_up = np.asarray(p_up, dtype=np.float64)
    n, lead = len(legs), p_up.shape[:-1]
    if p_up.shape != (*lead, n) or p_up.size == 0:
        raise MarketError(
            f"forecasts {p_up.shape} for {n} sessions of {legs.product}; give one per session on the last axis"
        )
    _check_opens(legs, fill)
    forecast = _time_first(p_up)
    m = forecast.shape[1]
    if np.fmin.reduce(forecast, axis=None) < 0 or np.fmax.reduce(forecast, axis=None) > 1:
        raise StudyError("a forecast is outside [0, 1]; give probabilities that the spread rises, or NaN for none")
    known = _learned(sizer, learned if learned is not None else Learned(), p_up.shape)

    spread, first, must_be_flat = legs.spread_close, legs.first, legs.must_be_flat
    price = legs.spread_open if fill == "next_open" else spread
    unmarked, unfilled = np.isnan(spread), np.isnan(price)
    money, per_pair = np.asarray(legs.multiplier), costs.per_pair(legs)
    # zero stands for a price never observed; a position or an order that would use it is refused below
    change = np.where(first, 0.0, np.nan_to_num(np.diff(spread, prepend=np.nan))) * money
    after_fill = np.nan_to_num(spread - price) * money

    target, position, gross, cost = (np.empty((n, m)) for _ in range(4))
    no_forecast = np.zeros(m, dtype=np.int64)
    nothing = np.zeros(m)

    def decide(t: int, held: Floats) -> Floats:
        """Pairs to hold after the next fill; sees row ``t`` and nothing later."""
        p, missing = forecast[t], np.isnan(forecast[t])
        scale, move = known["scale"][t], known["expected_move"][t]
        for name in sizer.uses:
            if (np.isnan(known[name][t]) & ~missing).any():
                raise StudyError(f"{_at(legs, t)}: a forecast but no {name} to size it by; learn it on that fold")
        share = held / limits.max_pairs
        wanted = sizer.target(p, share, Risk(scale, move, float(per_pair[t]), float(money[t])))
        if missing.any():
            wanted = np.where(missing, 0.0, wanted)
            if not must_be_flat[t]:
                np.add(no_forecast, missing, out=no_forecast)
        if np.isnan(wanted).any():
            raise StudyError(f"{_at(legs, t)}: {sizer} named a target that is not a number; every forecast needs one")
        target[t] = wanted
        return np.where(wanted == share, held, limits.pairs(wanted))  # holding on is exact, not rounded again

    held, order = nothing, nothing
    for t in range(n):
        if first[t]:
            held, order = nothing, nothing
        if fill == "same_close":
            order = decide(t, held)
        if must_be_flat[t]:
            order = nothing
        if unmarked[t] and (held.any() or order.any()):
            raise MarketError(
                f"{_at(legs, t)}: a position is held but {_unquoted(legs, t, 'close')} has no close to "
                "mark it; leave the session out of the legs, so that the change spans both sessions, or give "
                "no forecast around it"
            )
        if unfilled[t] and (order != held).any():
            raise MarketError(
                f"{_at(legs, t)}: an order waits but {_unquoted(legs, t, 'open')} has no open to "
                "fill it; use fill='next_close', or leave the session out of the legs"
            )
        step = order - held
        np.multiply(held, change[t], out=gross[t])
        if fill == "next_open":
            gross[t] += step * after_fill[t]
        np.multiply(np.abs(step), per_pair[t], out=cost[t])
        position[t] = held = order
        if fill != "same_close":
            order = decide(t, held)

    return Backtest(
        legs=legs,
        fill=fill,
        costs=costs,
        limits=limits,
        p_up=_strategies_first(forecast, lead),
        target=_strategies_first(target, lead),
        position=_strategies_first(position, lead),
        gross=_strategies_first(gross, lead),
        cost=_strategies_first(cost, lead),
        no_forecast=no_forecast.reshape(lead),
    )


def check_fill(legs: Legs, fill: Fill) -> None:
    """Raise :class:`~tenor.errors.MarketError` if ``fill`` needs a price that was not observed on some session.

    Whether an order will wait there is not known before the models are trained; whoever trains first asks this first.
    """
    if fill != "next_open":
        return
    lacking = ~legs.first & np.isnan(legs.spread_open)
    if lacking.any():
        t = int(np.flatnonzero(lacking)[0])
        raise MarketError(
            f"{legs.product}: {int(lacking.sum())} of {len(legs)} sessions have no open on both legs, the first is"
            f" {_at(legs, t)} ({_unquoted(legs, t, 'open')}), so fill='next_open' has no price there; these legs can"
            " be filled at 'same_close' or 'next_close'"
        )


def _check_opens(legs: Legs, fill: Fill) -> None:
    if fill != "next_open":
        return
    lacking = [leg for leg in ("near", "far") if np.isnan(getattr(legs, f"{leg}_open")).all()]
    if lacking:
        raise MarketError(
            f"{legs.product}: no opens on the {' and '.join(lacking)} leg, so fill='next_open' has no price; "
            "these legs can be filled at 'same_close' or 'next_close'"
        )


def _learned(sizer: Sizer, learned: Learned, shape: tuple[int, ...]) -> dict[str, Floats]:
    """Rows ``(n, strategies)`` or ``(n, 1)`` of each learned value; NaN throughout where nobody needs it."""
    n = shape[-1]
    rows = {"scale": np.full((n, 1), np.nan), "expected_move": np.full((n, 1), np.nan)}
    for name in sizer.uses:
        given = getattr(learned, name)
        if given is None:
            raise StudyError(
                f"{sizer} reads {name}, which is not given; learn it on training data and pass it in learned"
            )
        value = np.asarray(given, dtype=np.float64)
        try:
            value = np.broadcast_to(value, (n,) if value.ndim < 2 else shape)
        except ValueError:
            raise StudyError(f"learned {name} has shape {value.shape}; it must broadcast to {shape}") from None
        if (value <= 0).any() or np.isinf(value).any():
            raise StudyError(
                f"learned {name} must be above zero and finite, or NaN where no fold tests; check its fold"
            )
        rows[name] = value[:, None] if value.ndim == 1 else _time_first(value)
    return rows


def _time_first(values: Floats) -> Floats:
    """Copy ``(..., n)`` to contiguous ``(n, strategies)``, in blocks that stay in the cache."""
    n = values.shape[-1]
    flat = values.reshape(-1, n)
    out = np.empty((n, flat.shape[0]))
    for start in range(0, n, _BLOCK):
        out[start : start + _BLOCK] = flat[:, start : start + _BLOCK].T
    return out


def _strategies_first(rows: Floats, lead: tuple[int, ...]) -> Floats:
    """View ``(n, strategies)`` as read-only ``(..., n)``."""
    rows.setflags(write=False)
    return rows.T.reshape(*lead, rows.shape[0])


def _at(legs: Legs, t: int) -> str:
    return f"{legs.pair[t]} on {legs.sessions[t]}"


def _unquoted(legs: Legs, t: int, moment: str) -> str:
    lacking = [leg for leg in ("near", "far") if np.isnan(getattr(legs, f"{leg}_{moment}")[t])]
    return f"the {' and '.join(lacking)} leg"
