"""Technical factors of a stock: returns, gaps, oscillators, ranges, volatility and volume, all free of scale.

A price adjusted for splits and dividends has a level that means nothing, so every factor here is a ratio: multiply all
prices by a constant and all volumes by another, and no value changes. ``Return(days=(1, 5))`` gives ``return_1`` and
``return_5``; the rules reversal and momentum read ``return_1``.

Averages that reach back without end (Wilder's, exponential ones) are cut where what lies beyond weighs little, as each
class says, and their weights made to sum to one: a factor sees its window and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Len
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from tenor.errors import StudyError
from tenor.factor.base import Field
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, RAW_CLOSE, VOLUME
from tenor.settings import STRICT
from tenor.units import Floats

Days = Annotated[tuple[Annotated[int, Gt(0)], ...], Len(1)]

MEMORY = 6
"""An exponential average is cut after so many times its span."""


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Return ``top / bottom``, NaN where ``bottom`` is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom != 0, top / np.where(bottom != 0, bottom, 1.0), np.nan)


def each(function: Callable[..., Floats], *windows: Floats) -> Floats:
    """Return ``function(*windows)`` of an elementwise function, computed once a session, not once for every window.

    Sliding windows lie over one series: element j of window i is element i + j of it, and the strides say so. Such
    windows give windows over the function of the series; any others are handed to the function as they are.
    """
    first = windows[0]
    sliding = first.ndim > 1 and all(window.strides[-2] == window.strides[-1] for window in windows)
    if not sliding or any(other.shape != first.shape for other in windows):
        return function(*windows)
    count, length = first.shape[-2:]
    series = [
        as_strided(
            window,
            (*window.shape[:-2], count + length - 1),
            (*window.strides[:-2], window.strides[-1]),
            writeable=False,
        )
        for window in windows
    ]
    return sliding_window_view(function(*series), length, axis=-1)


def weighted(series: Floats, weights: Floats) -> Floats:
    """Return ``sum_k weights[k] * series[..., -1 - k]``, one shifted array at a time."""
    total = np.zeros(series.shape[:-1])
    for back, weight in enumerate(weights):
        total = total + weight * series[..., -1 - back]
    return total


def exponential(share: float, count: int) -> Floats:
    """Weights ``share * (1 - share)**k`` of ``count`` sessions, the present one first, made to sum to one."""
    weights = share * (1.0 - share) ** np.arange(count)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True, slots=True)
class Return:
    """C_t / C_{t-d} - 1 for each d in ``days``, decimals.

    Parameters
    ----------
    days
        Sessions back, one column each. Keep 1 where reversal or momentum is asked: they read ``return_1``.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Days = (1, 5, 20)
    kind: Literal["return"] = "return"

    inputs: ClassVar = (CLOSE,)

    @property
    def lookback(self) -> int:
        """The longest return, and today."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """``return_d`` for each d."""
        return tuple(f"return_{day}" for day in self.days)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the returns up to today."""
        close = past[CLOSE]
        return np.stack([ratio(close[..., -1], close[..., -1 - day]) - 1.0 for day in self.days], axis=-1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Open over the close before, less one: what the night brought; and close over open, what the day did."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["gap"] = "gap"

    inputs: ClassVar = (OPEN, CLOSE)
    lookback: ClassVar = 2
    columns: ClassVar = ("gap", "intraday")

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the overnight and the intraday return."""
        opened, close = past[OPEN], past[CLOSE]
        gap = ratio(opened[..., -1], close[..., -2]) - 1.0
        return np.stack([gap, ratio(close[..., -1], opened[..., -1]) - 1.0], axis=-1)


@dataclass(frozen=True, slots=True)
class RSI:
    """Relative strength index of Wilder (1978), in -1 to 1: (up - down) / (up + down), which is 2 RSI / 100 - 1.

    Up and down are Wilder's averages (weight ``1 / days`` for the present change) of rises and falls relative to
    today's close, cut after ``MEMORY * days`` changes. Without any move it is 0.

    Parameters
    ----------
    days
        Span of Wilder's averages, in sessions; a longer one moves more slowly. Six times as many sessions are read.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Annotated[int, Gt(1)] = 14
    kind: Literal["rsi"] = "rsi"

    inputs: ClassVar = (CLOSE,)

    @property
    def lookback(self) -> int:
        """The changes that are averaged, and the close before the first."""
        return MEMORY * self.days + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """``rsi_days``."""
        return (f"rsi_{self.days}",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the index, centred."""
        close = past[CLOSE]
        net = gross = np.zeros(close.shape[:-1])
        for back, weight in enumerate(exponential(1.0 / self.days, MEMORY * self.days)):
            change = close[..., -1 - back] - close[..., -2 - back]
            net, gross = net + weight * change, gross + weight * np.abs(change)
        return np.where(gross == 0, 0.0, ratio(net, gross))[..., None]


@dataclass(frozen=True, slots=True)
class MACD:
    """Appel's moving average convergence and divergence, over the close: line, signal and their difference.

    The line is the exponential average of ``fast`` sessions less that of ``slow``; the signal averages the line over
    ``signal`` sessions. Averages of span n weigh the present by 2 / (n + 1) and are cut after ``MEMORY * slow / 2``
    sessions.

    Parameters
    ----------
    fast
        Span of the fast average, in sessions; shorter than ``slow``.
    slow
        Span of the slow average, in sessions. Three times as many are read, and three times ``signal`` before them.
    signal
        Span of the average of the line, in sessions.
    """

    __pydantic_config__: ClassVar = STRICT
    fast: Annotated[int, Gt(0)] = 12
    slow: Annotated[int, Gt(1)] = 26
    signal: Annotated[int, Gt(0)] = 9
    kind: Literal["macd"] = "macd"

    inputs: ClassVar = (CLOSE,)
    columns: ClassVar = ("macd", "macd_signal", "macd_difference")

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise StudyError(f"fast is {self.fast} and slow {self.slow}; the fast average is the shorter one")

    @property
    def _span(self) -> int:
        return MEMORY * self.slow // 2

    @property
    def lookback(self) -> int:
        """The sessions of the slow average, and those of the signal before them."""
        return self._span + self.signal * MEMORY // 2

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the three, divided by today's close."""
        close, span = past[CLOSE], self._span
        line = exponential(2.0 / (self.fast + 1), span) - exponential(2.0 / (self.slow + 1), span)
        # the signal is an average of lines, so it is one set of weights on closes too
        signal = np.convolve(line, exponential(2.0 / (self.signal + 1), self.signal * MEMORY // 2 + 1))
        now = close[..., -1]
        of_line, of_signal = ratio(weighted(close, line), now), ratio(weighted(close, signal[: self.lookback]), now)
        return np.stack([of_line, of_signal, of_line - of_signal], axis=-1)


@dataclass(frozen=True, slots=True)
class Bollinger:
    """Where the close lies in its band: (C - mean) / (width * sd), and how wide that is: 2 * width * sd / mean.

    Mean and standard deviation (over n) of the last ``days`` closes (Bollinger, 2001); without any move the place is 0.

    Parameters
    ----------
    days
        Closes in the mean and the standard deviation, today's among them.
    width
        Standard deviations from the mean to an edge of the band, where the place is 1 or -1.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Annotated[int, Gt(1)] = 20
    width: Annotated[float, Gt(0)] = 2.0
    kind: Literal["bollinger"] = "bollinger"

    inputs: ClassVar = (CLOSE,)
    columns: ClassVar = ("bollinger_place", "bollinger_width")

    @property
    def lookback(self) -> int:
        """The sessions of the mean."""
        return self.days

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return place and width."""
        close = past[CLOSE]
        now = close[..., -1]
        total, squares = np.zeros(now.shape), np.zeros(now.shape)
        for back in range(self.days):
            away = ratio(close[..., -1 - back], now) - 1.0  # about today's close: nothing cancels
            total, squares = total + away, squares + away * away
        mean = total / self.days
        sd = np.sqrt(np.maximum(squares / self.days - mean * mean, 0.0))
        sd = np.where(sd < 1e-9, 0.0, sd)
        place = np.where(sd == 0, 0.0 * mean, ratio(-mean, self.width * sd))
        return np.stack([place, 2.0 * self.width * sd / (1.0 + mean)], axis=-1)


def true_range(past: Mapping[Field, Floats], back: int) -> Floats:
    """Wilder's true range ``back`` sessions ago: the day's range, stretched to the close before."""
    before = past[CLOSE][..., -2 - back]
    return np.maximum(past[HIGH][..., -1 - back], before) - np.minimum(past[LOW][..., -1 - back], before)


@dataclass(frozen=True, slots=True)
class ATR:
    """Mean true range (Wilder, 1978) of the last ``days`` sessions over the close, and today's over that mean.

    Parameters
    ----------
    days
        Sessions in the mean of the true range, today among them.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Annotated[int, Gt(0)] = 14
    kind: Literal["atr"] = "atr"

    inputs: ClassVar = (HIGH, LOW, CLOSE)
    columns: ClassVar = ("atr", "range_today")

    @property
    def lookback(self) -> int:
        """The ranges, and the close before the first."""
        return self.days + 1

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return both."""
        today = true_range(past, 0)
        total = today
        for back in range(1, self.days):
            total = total + true_range(past, back)
        mean = total / self.days
        return np.stack([ratio(mean, past[CLOSE][..., -1]), np.where(mean == 0, 1.0, ratio(today, mean))], axis=-1)


def _squared_log(top: Floats, bottom: Floats) -> Floats:
    return np.asarray(np.log(top / bottom) ** 2)


@dataclass(frozen=True, slots=True)
class RealisedVolatility:
    """Volatility per session over each of ``days``: from closes, from ranges, from all four prices.

    ``close``: root mean square of log returns. ``parkinson``: root of mean ln(H/L)^2 / (4 ln 2) (Parkinson, 1980).
    ``garman_klass``: root of mean 0.5 ln(H/L)^2 - (2 ln 2 - 1) ln(C/O)^2 (Garman and Klass, 1980), at least 0.

    Parameters
    ----------
    days
        Sessions over which it is measured, three columns each. With 20 among them the model random_walk reads
        ``volatility_20``.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Days = (5, 20)
    kind: Literal["realised_volatility"] = "realised_volatility"

    inputs: ClassVar = (OPEN, HIGH, LOW, CLOSE)

    @property
    def lookback(self) -> int:
        """The longest, and the close before it."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """``volatility_d``, ``parkinson_d`` and ``garman_klass_d`` for each d."""
        return tuple(f"{name}_{day}" for day in self.days for name in ("volatility", "parkinson", "garman_klass"))

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the three of each length."""
        opened, high, low, close = (past[field] for field in (OPEN, HIGH, LOW, CLOSE))
        with np.errstate(divide="ignore", invalid="ignore"):
            moves = each(_squared_log, close[..., 1:], close[..., :-1])
            spans, bodies = each(_squared_log, high, low), each(_squared_log, close, opened)
        closes = ranges = four = np.zeros(close.shape[:-1])
        found: dict[int, list[Floats]] = {}
        for back in range(max(self.days)):
            at = -1 - back
            span = spans[..., at]
            closes, ranges = closes + moves[..., at], ranges + span
            four = four + 0.5 * span - (2.0 * np.log(2.0) - 1.0) * bodies[..., at]
            if back + 1 in self.days:
                count = back + 1
                means = (closes / count, ranges / (4.0 * np.log(2.0) * count), np.maximum(four / count, 0.0))
                found[count] = [np.sqrt(mean) for mean in means]
        return np.stack([values for day in self.days for values in found[day]], axis=-1)


@dataclass(frozen=True, slots=True)
class Volume:
    """Log of today's volume over its mean of ``days`` sessions, and of the mean of ``short`` over that of ``days``.

    The third column is the volume of rising sessions less that of falling ones over all of it, ``days`` back. A session
    without volume makes what needs its logarithm unknown.

    Parameters
    ----------
    days
        Sessions of the long mean and of the balance, today among them.
    short
        Sessions of the short mean; fewer than ``days``.
    """

    __pydantic_config__: ClassVar = STRICT
    days: Annotated[int, Gt(1)] = 20
    short: Annotated[int, Gt(0)] = 5
    kind: Literal["volume"] = "volume"

    inputs: ClassVar = (CLOSE, VOLUME)
    columns: ClassVar = ("volume_today", "volume_trend", "volume_balance")

    def __post_init__(self) -> None:
        if self.short >= self.days:
            raise StudyError(f"short is {self.short} and days {self.days}; the short mean is the shorter one")

    @property
    def lookback(self) -> int:
        """The sessions of the mean, and the close before."""
        return self.days + 1

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the three."""
        close, volume = past[CLOSE], past[VOLUME]
        total = signed = np.zeros(close.shape[:-1])
        short = total
        for back in range(self.days):
            at = -1 - back
            total = total + volume[..., at]
            signed = signed + volume[..., at] * np.sign(close[..., at] - close[..., at - 1])
            if back + 1 == self.short:
                short = total / self.short
        mean = total / self.days
        with np.errstate(divide="ignore", invalid="ignore"):
            today, trend = np.log(ratio(volume[..., -1], mean)), np.log(ratio(short, mean))
        return np.stack(
            [
                np.where(np.isfinite(today), today, np.nan),
                np.where(np.isfinite(trend), trend, np.nan),
                ratio(signed, total),
            ],
            axis=-1,
        )


WEEKDAY, FROM_MONTH_START, TO_MONTH_END = (
    Field("session", name) for name in ("weekday", "from_month_start", "to_month_end")
)


@dataclass(frozen=True, slots=True)
class SessionCalendar:
    """Day of the week (0 or 1 each, Monday to Thursday), and whether the session is one of the turn of the month.

    The turn is the last session of a month and the first three (Ariel, 1987; Lakonishok and Smidt, 1988). Sessions are
    those of the exchange's calendar, which is known beforehand.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["calendar"] = "calendar"

    inputs: ClassVar = (WEEKDAY, FROM_MONTH_START, TO_MONTH_END)
    lookback: ClassVar = 1
    columns: ClassVar = ("monday", "tuesday", "wednesday", "thursday", "turn_of_month")

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return five columns of 0 and 1."""
        weekday = past[WEEKDAY][..., -1]
        turn = (past[TO_MONTH_END][..., -1] == 0) | (past[FROM_MONTH_START][..., -1] < 3)
        return np.stack([*(1.0 * (weekday == day) for day in range(4)), 1.0 * turn], axis=-1)


@dataclass(frozen=True, slots=True)
class PriceRatios:
    """The eleven features of a published stock protocol, in per cent (Feng et al., 2019, table 1).

    Open, high and low over the close, less one; the return of the quoted and of the adjusted close; and the mean of the
    last k adjusted closes over the present one, less one, for k = 5, 10, 15, 20, 25 and 30.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["price_ratios"] = "price_ratios"

    inputs: ClassVar = (OPEN, HIGH, LOW, CLOSE, RAW_CLOSE)
    lookback: ClassVar = 30
    columns: ClassVar = (
        *("c_open", "c_high", "c_low", "n_close", "n_adj_close"),
        *("d5", "d10", "d15", "d20", "d25", "d30"),
    )

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the eleven."""
        close, raw = past[CLOSE], past[RAW_CLOSE]
        now = close[..., -1]
        out = [ratio(past[field][..., -1], now) for field in (OPEN, HIGH, LOW)]
        out += [ratio(raw[..., -1], raw[..., -2]), ratio(now, close[..., -2])]
        total = np.zeros(now.shape)
        for back in range(30):
            total = total + close[..., -1 - back]
            if (back + 1) % 5 == 0:
                out.append(ratio(total / (back + 1), now))
        return 100.0 * (np.stack(out, axis=-1) - 1.0)
