"""A set of 158 factors on open, high, low, close and volume, for universes.

The set is that of Qlib's ``Alpha158`` (Yang et al., 2020; definitions as its documentation gives them): nine shapes of
the day's candle, four prices over the close, and 29 rolling families over 5, 10, 20, 30 and 60 sessions. Where ours
differs, and why:

* There is no volume-weighted price in daily data. The typical price (H + L + C) / 3 stands in, and its column says so.
* Where a range is zero, the place in it is 0; a ratio to no volume is unknown. The original adds 1e-12 instead, which
  yields numbers of either kind that mean nothing.
* The correlation with volume takes the logarithm of volume, not of volume plus one: a factor must not depend on whether
  volume counts shares or lots.

One pass over 60 offsets serves all windows of a family: sums, extremes and counts of 5 sessions are on the way to those
of 60. Everything is relative to today's close, so sums of squares do not cancel, and no window is ever laid out, the
ones of quantiles excepted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.factor.base import Field
from tenor.factor.technical import each, ratio
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, VOLUME
from tenor.settings import STRICT
from tenor.units import Floats

WINDOWS = (5, 10, 20, 30, 60)

CANDLE = ("KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2")
PRICES = ("OPEN0", "HIGH0", "LOW0", "TYPICAL0")
ROLLING = (
    *("ROC", "MA", "STD", "BETA", "RSQR", "RESI", "MAX", "MIN", "QTLU", "QTLD", "RANK", "RSV", "IMAX", "IMIN", "IMXD"),
    *("CORR", "CORD", "CNTP", "CNTN", "CNTD", "SUMP", "SUMN", "SUMD", "VMA", "VSTD", "WVMA", "VSUMP", "VSUMN", "VSUMD"),
)

FLAT = 1e-9
"""A standard deviation below this share of the price is none: what is left of it is rounding."""


@dataclass(frozen=True, slots=True)
class Alpha158:
    """All 158 columns; the rolling ones are named family and window, as ``ROC5``."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["alpha158"] = "alpha158"

    inputs: ClassVar = (OPEN, HIGH, LOW, CLOSE, VOLUME)
    lookback: ClassVar = max(WINDOWS) + 1
    columns: ClassVar = (*CANDLE, *PRICES, *(f"{family}{window}" for family in ROLLING for window in WINDOWS))

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return ``(..., 158)``."""
        close = past[CLOSE]
        out = np.empty((*close.shape[:-1], len(self.columns)))
        with np.errstate(divide="ignore", invalid="ignore"):
            _candle(past, out)
            place = {name: at for at, name in enumerate(self.columns)}
            for values in (_prices(past), _levels(past), _extremes(past), _flows(past), _quantiles(close)):
                for name, value in values.items():
                    out[..., place[name]] = value
        return out


def _candle(past: Mapping[Field, Floats], out: Floats) -> None:
    opened, high, low, close = (past[field][..., -1] for field in (OPEN, HIGH, LOW, CLOSE))
    span, top, bottom = high - low, np.maximum(opened, close), np.minimum(opened, close)
    parts = (close - opened, span, high - top, bottom - low, 2.0 * close - high - low)
    body, whole, up, down, shift = parts

    def of_span(part: Floats) -> Floats:
        return np.where(span == 0, 0.0 * part, part / np.where(span == 0, 1.0, span))

    shapes = (
        *(body / opened, whole / opened, of_span(body), up / opened, of_span(up)),
        *(down / opened, of_span(down), shift / opened, of_span(shift)),
    )
    for at, shape in enumerate(shapes):
        out[..., at] = shape
    typical = (high + low + close) / 3.0
    for at, price in enumerate((opened, high, low, typical), start=len(CANDLE)):
        out[..., at] = price / close


def _prices(past: Mapping[Field, Floats]) -> dict[str, Floats]:
    """Change, mean, standard deviation and trend of the close, and its correlation with the log of volume."""
    close, volume = past[CLOSE], past[VOLUME]
    now = close[..., -1]
    busy = each(lambda traded: np.log(np.where(traded > 0, traded, np.nan)), volume)
    found: dict[str, Floats] = {}
    zero = np.zeros(now.shape)
    total = squares = trend = zero
    volumes = volume_squares = crossed = zero
    for back in range(max(WINDOWS)):
        away = close[..., -1 - back] / now - 1.0
        total, squares, trend = total + away, squares + away * away, trend + back * away
        more = busy[..., -1 - back] - busy[..., -1]
        volumes, volume_squares, crossed = volumes + more, volume_squares + more * more, crossed + away * more
        count = back + 1
        if count not in WINDOWS:
            continue
        mean = total / count
        variance = np.maximum(squares / count - mean * mean, 0.0)
        flat = variance < FLAT * FLAT
        ages = (count - 1) / 2.0  # mean of how many sessions ago
        spread = (count * count - 1) / 12.0
        slope = -(trend / count - ages * mean) / spread  # later sessions are less far back
        explained = np.where(flat, 0.0 * mean, slope * slope * spread / np.where(flat, 1.0, variance))
        busier = volumes / count
        scatter = np.maximum(volume_squares / count - busier * busier, 0.0)
        still = flat | (scatter < FLAT * FLAT)
        together = (crossed / count - mean * busier) / np.sqrt(np.where(still, 1.0, variance * scatter))
        found |= {
            f"ROC{count}": close[..., -1 - count] / now,
            f"MA{count}": 1.0 + mean,
            f"STD{count}": np.sqrt(np.where(flat, 0.0 * mean, variance) * count / (count - 1)),
            f"BETA{count}": slope,
            f"RSQR{count}": explained,
            f"RESI{count}": -mean - slope * ages,
            f"CORR{count}": np.where(still, np.nan, together),
        }
    return found


def _levels(past: Mapping[Field, Floats]) -> dict[str, Floats]:
    """Rank of the close, mean and standard deviation of volume."""
    close, volume = past[CLOSE], past[VOLUME]
    now, today = close[..., -1], volume[..., -1]
    today = np.where(today > 0, today, np.nan)
    zero = np.zeros(now.shape)
    below = equal = total = squares = zero
    found: dict[str, Floats] = {}
    for back in range(max(WINDOWS)):
        then = close[..., -1 - back]
        below, equal = below + (then < now), equal + (then == now)
        share = volume[..., -1 - back] / today
        total, squares = total + share, squares + share * share
        count = back + 1
        if count not in WINDOWS:
            continue
        mean = total / count
        variance = np.maximum(squares / count - mean * mean, 0.0)
        found |= {
            f"RANK{count}": (below + (equal + 1.0) / 2.0) / count + 0.0 * close[..., -count],
            f"VMA{count}": mean,
            f"VSTD{count}": np.sqrt(variance * count / (count - 1)),
        }
    return found


def _extremes(past: Mapping[Field, Floats]) -> dict[str, Floats]:
    """Highest high and lowest low: how far, how long ago, and where the close lies between them."""
    high, low, now = past[HIGH], past[LOW], past[CLOSE][..., -1]
    top, bottom = high[..., -1], low[..., -1]
    since_top = since_bottom = np.zeros(now.shape)
    found: dict[str, Floats] = {}
    for back in range(max(WINDOWS)):
        if back:
            then, under = high[..., -1 - back], low[..., -1 - back]
            # of equal extremes the oldest counts; what is unknown stays unknown
            since_top = np.where(then >= top, float(back), since_top)
            since_bottom = np.where(under <= bottom, float(back), since_bottom)
            top, bottom = np.maximum(top, then), np.minimum(bottom, under)
        count = back + 1
        if count not in WINDOWS:
            continue
        span = top - bottom
        unknown = 0.0 * span
        found |= {
            f"MAX{count}": top / now,
            f"MIN{count}": bottom / now,
            f"RSV{count}": np.where(span == 0, unknown, (now - bottom) / np.where(span == 0, 1.0, span)),
            f"IMAX{count}": (count - since_top) / count + unknown,
            f"IMIN{count}": (count - since_bottom) / count + unknown,
            f"IMXD{count}": (since_bottom - since_top) / count + unknown,
        }
    return found


def _flows(past: Mapping[Field, Floats]) -> dict[str, Floats]:
    """Rises against falls of price and volume, and volume weighed by moves."""
    close, volume = past[CLOSE], past[VOLUME]
    now, today = close[..., -1], volume[..., -1]
    today = np.where(today > 0, today, np.nan)
    zero = np.zeros(now.shape)
    rose = fell = up = down = busier = quieter = zero
    weighed = weighed_squares = zero
    moves = moves_squares = turns = turns_squares = crossed = zero
    rates = each(lambda now, before: now / before - 1.0, close[..., 1:], close[..., :-1])
    growth = each(_log_growth, volume[..., 1:], volume[..., :-1])
    sizes = each(lambda rate, traded: np.abs(rate) * traded, rates, volume[..., 1:])
    found: dict[str, Floats] = {}
    for back in range(max(WINDOWS)):
        at = -1 - back
        change = (close[..., at] - close[..., at - 1]) / now
        rose, fell = rose + (change > 0), fell + (change < 0)
        up, down = up + np.maximum(change, 0.0), down + np.maximum(-change, 0.0)
        traded, before = volume[..., at], volume[..., at - 1]
        turn = (traded - before) / today
        busier, quieter = busier + np.maximum(turn, 0.0), quieter + np.maximum(-turn, 0.0)
        weight = sizes[..., at] / today
        weighed, weighed_squares = weighed + weight, weighed_squares + weight * weight
        move, grown = rates[..., at], growth[..., at]
        moves, moves_squares = moves + move, moves_squares + move * move
        turns, turns_squares, crossed = turns + grown, turns_squares + grown * grown, crossed + move * grown
        count = back + 1
        if count not in WINDOWS:
            continue
        unknown = 0.0 * up
        moved, flow = up + down, busier + quieter
        mean, swing = weighed / count, weighed_squares / count
        scatter = np.sqrt(np.maximum(swing - mean * mean, 0.0) * count / (count - 1))
        first, second = moves / count, turns / count
        of_moves = np.maximum(moves_squares / count - first * first, 0.0)
        of_turns = np.maximum(turns_squares / count - second * second, 0.0)
        still = (of_moves < FLAT * FLAT) | (of_turns < FLAT * FLAT)
        together = (crossed / count - first * second) / np.sqrt(np.where(still, 1.0, of_moves * of_turns))
        found |= {
            f"CORD{count}": np.where(still, np.nan, together),
            f"CNTP{count}": rose / count + unknown,
            f"CNTN{count}": fell / count + unknown,
            f"CNTD{count}": (rose - fell) / count + unknown,
            f"SUMP{count}": _share(up, moved),
            f"SUMN{count}": _share(down, moved),
            f"SUMD{count}": _share(up - down, moved),
            f"WVMA{count}": np.where(mean == 0, 0.0 * mean, scatter / np.where(mean == 0, 1.0, mean)),
            f"VSUMP{count}": _share(busier, flow),
            f"VSUMN{count}": _share(quieter, flow),
            f"VSUMD{count}": _share(busier - quieter, flow),
        }
    return found


def _log_growth(traded: Floats, before: Floats) -> Floats:
    """Log of one plus the volume over that before, less that of no change."""
    return np.asarray(np.log1p(traded / np.where(before > 0, before, np.nan)) - np.log(2.0))


def _share(part: Floats, whole: Floats) -> Floats:
    """Part of a whole; 0 of nothing."""
    return np.where(whole == 0, 0.0 * part, ratio(part, whole))


def _quantiles(close: Floats) -> dict[str, Floats]:
    """The 0.8 and 0.2 quantiles of the close over today's, interpolated between order statistics."""
    now = close[..., -1]
    found: dict[str, Floats] = {}
    for count in WINDOWS:
        window = close[..., -count:]
        lower, part = divmod(0.2 * (count - 1), 1.0)
        first = int(lower)
        wanted = sorted({first, first + 1, count - 2 - first, count - 1 - first})
        ordered = np.partition(window, wanted, axis=-1)
        unknown = 0.0 * ordered[..., -1]  # unknown values are sorted last
        down = ordered[..., first] + part * (ordered[..., first + 1] - ordered[..., first])
        last = count - 1 - first
        up = ordered[..., last] - part * (ordered[..., last] - ordered[..., last - 1])
        found |= {f"QTLU{count}": up / now + unknown, f"QTLD{count}": down / now + unknown}
    return found
