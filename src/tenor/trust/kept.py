"""Kept forecasts against what came: each scored once its outcome is known, and never before.

A forecast of AAPL made after the close of 2025-11-24 for one session is scored by the close of 2025-11-25; its five
session quantiles wait until 2025-12-02. The return is that of the adjusted price over so many sessions *of the
instrument*, which is what the models were trained on. Beside every model stands the naive row: tomorrow = today.

A forecast that was asked after its outcome was known (of data that end long ago, say) is none: it is scored apart, and
so are forecasts of simulated prices.

Counts are small for a long while: the interval of the share of right calls is exact (Clopper and Pearson, 1934), and
forecasts of several instruments on one day are not independent, which it does not know; the number of days is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from tenor.factor.universe import CLOSE, Universe
from tenor.units import Floats

LEVEL = 0.95
"""Coverage of the interval of a share."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one model's forecast over one horizon.

    Parameters
    ----------
    code, as_of, model, horizon
        Which forecast.
    simulated
        Whether its prices were drawn.
    late
        Whether it was asked after its outcome was known.
    known
        Session at which the outcome was known; ``None`` while it is not, and everything below is then ``None`` too.
    change
        Return of the adjusted price, a decimal.
    up, right
        Probability of up, and whether its side came; ``None`` beyond the first horizon, and for a price that did not
        move.
    error, naive_error
        Absolute error of the median return, and of no change; ``error`` is ``None`` for a model without quantiles.
    pinball
        Mean quantile loss over the levels.
    inside
        Whether the outcome lay between the outermost quantiles, which cover ``stated``.
    """

    code: str
    as_of: date
    model: str
    horizon: int
    simulated: bool
    late: bool
    known: date | None
    change: float | None = None
    up: float | None = None
    right: bool | None = None
    error: float | None = None
    naive_error: float | None = None
    pinball: float | None = None
    inside: bool | None = None
    stated: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """How one model did over one horizon, on observed or ``simulated`` prices, ``late`` or in time.

    ``low`` and ``high`` bound the share of right calls; ``error_skill`` is one less the ratio of its absolute error to
    that of no change. ``None`` where nothing speaks to it.
    """

    model: str
    horizon: int
    simulated: bool
    late: bool
    scored: int
    pending: int
    days: int
    right: float | None
    low: float | None
    high: float | None
    brier: float | None
    inside: float | None
    stated: float | None
    error_skill: float | None


def outcomes(forecasts: Sequence[Mapping[str, Any]], universe: Universe) -> tuple[Outcome, ...]:
    """Return what came of each forecast, model and horizon.

    Parameters
    ----------
    forecasts
        As :class:`tenor.outlook.Outlook` is kept: ``code``, ``as_of``, ``horizons`` and ``models``, with ``asked_at``
        (UTC, as ``2025-11-25T06:10:00Z``) and ``simulated``.
    universe
        Prices of their instruments; one whose instrument or session it lacks is still open.
    """
    found: list[Outcome] = []
    for said in forecasts:
        as_of, asked = date.fromisoformat(said["as_of"]), datetime.fromisoformat(said["asked_at"])
        paths = _path(universe, said["code"], as_of)
        for model in said["models"]:
            for place, horizon in enumerate(said["horizons"]):
                if place and not model.get("returns"):
                    continue  # it said nothing of a longer horizon
                key = (said["code"], as_of, model["model"], horizon, bool(said["simulated"]))
                if paths is None or horizon >= len(paths[0]):
                    found.append(Outcome(*key, late=False, known=None))
                    continue
                sessions, closes = paths
                late = asked >= universe.exchange.closes_at(sessions[horizon])
                change = float(closes[horizon] / closes[0] - 1.0)
                found.append(_scored((*key, late), sessions[horizon], change, model, place))
    return tuple(found)


def _path(universe: Universe, code: str, as_of: date) -> tuple[list[date], Floats] | None:
    """Sessions and adjusted closes of ``code`` from ``as_of`` on."""
    if code not in universe.codes:
        return None
    rows = universe.rows(code)
    sessions = universe.sessions[rows]
    first = int(np.searchsorted(sessions, np.datetime64(as_of, "D")))
    if first == len(sessions) or sessions[first] != np.datetime64(as_of, "D"):
        return None
    return sessions[first:].tolist(), universe.fields[CLOSE][rows][first:]


def _scored(
    key: tuple[str, date, str, int, bool, bool], known: date, change: float, model: Mapping[str, Any], place: int
) -> Outcome:
    levels, returns = model.get("levels") or (), model.get("returns") or ()
    error = pinball = inside = stated = None
    if returns:
        values, at = np.array(returns[place]), np.array(levels)
        error = abs(change - float(np.interp(0.5, at, values)))
        pinball = float(np.mean(np.maximum(at * (change - values), (at - 1.0) * (change - values))))
        if len(levels) > 1:
            inside, stated = bool(values[0] <= change <= values[-1]), float(at[-1] - at[0])
    first = place == 0
    up = float(model["up"]) if first else None
    right = None if up is None or change == 0.0 or up == 0.5 else (up > 0.5) == (change > 0.0)
    return Outcome(
        *key,
        known=known,
        change=change,
        up=up,
        right=right,
        error=error,
        naive_error=abs(change),
        pinball=pinball,
        inside=inside,
        stated=stated,
    )


def records(found: Sequence[Outcome]) -> tuple[Record, ...]:
    """Sum outcomes up by model and horizon, in the order in which they first appear; see :class:`Record`."""
    groups: dict[tuple[str, int, bool, bool], list[Outcome]] = {}
    for one in found:
        groups.setdefault((one.model, one.horizon, one.simulated, one.late), []).append(one)
    return tuple(_record(key, each) for key, each in groups.items())


def _record(key: tuple[str, int, bool, bool], each: Sequence[Outcome]) -> Record:
    known = [one for one in each if one.known is not None]
    calls = [bool(one.right) for one in known if one.right is not None]
    low, high = _share(sum(calls), len(calls))
    briers = [
        (one.up - (one.change > 0)) ** 2
        for one in known
        if one.up is not None and one.change is not None and one.change != 0.0
    ]
    inside = [one.inside for one in known if one.inside is not None]
    errors = [(one.error, one.naive_error) for one in known if one.error is not None and one.naive_error is not None]
    usual = sum(naive for _, naive in errors)
    return Record(
        *key,
        scored=len(known),
        pending=len(each) - len(known),
        days=len({one.as_of for one in known}),
        right=sum(calls) / len(calls) if calls else None,
        low=low,
        high=high,
        brier=float(np.mean(briers)) if briers else None,
        inside=float(np.mean(inside)) if inside else None,
        stated=next((one.stated for one in known if one.stated is not None), None),
        error_skill=1.0 - sum(mine for mine, _ in errors) / usual if usual > 0 else None,
    )


def _share(right: int, calls: int) -> tuple[float | None, float | None]:
    """Exact interval of a share: quantiles of two beta distributions (Clopper and Pearson, 1934)."""
    from scipy.stats import beta  # most of a second: only for those who score

    if not calls:
        return None, None
    tail = (1.0 - LEVEL) / 2.0
    low = float(beta.ppf(tail, right, calls - right + 1)) if right else 0.0
    high = float(beta.ppf(1.0 - tail, right + 1, calls - right)) if right < calls else 1.0
    return low, high
