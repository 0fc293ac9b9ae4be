"""Whether quantiles mean what they say: loss, cover and width by horizon, beside the random walk.

The cover of a central interval is compared with what it states, with an interval over sessions whose blocks are at
least as long as the horizon, since outcomes of neighbouring days overlap. Skill is one less the ratio of a loss to that
of the random walk on the same windows: 0 is no better than tomorrow = today, and less than 0 is worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tenor.factor.window import Windows
from tenor.model.forecast import Forecast
from tenor.trust import significance
from tenor.trust.evaluation import Score, over_seeds, with_interval
from tenor.units import Bools, Dates, Floats, Ints

NAIVE = "random_walk"
"""The model that skill is measured against."""


@dataclass(frozen=True, slots=True)
class QuantileScores:
    """One model's quantiles over one horizon.

    Parameters
    ----------
    model, horizon, n
        Which, and over how many windows.
    pinball
        Mean pinball loss over levels, in per cent of price.
    skill
        One less its ratio to the random walk's, with its interval over time; ``None`` without one.
    error, error_skill
        Mean absolute error of the median in per cent of price, and one less its ratio to that of no change.
    cover
        By what a central interval states, such as ``0.9``: the share of outcomes inside, with its interval over time.
    width
        By the same: mean width, in per cent of price.
    """

    model: str
    horizon: int
    n: int
    pinball: Score
    skill: Score | None
    error: Score | None
    error_skill: Score | None
    cover: Mapping[str, Score]
    width: Mapping[str, Score]


def quantile_scores(
    forecasts: Sequence[Forecast],
    test: Windows,
    sessions: Dates,
    *,
    replications: int,
    seed: int,
    block: float,
    level: float,
) -> tuple[QuantileScores, ...]:
    """Score every model that gives quantiles, over every horizon."""
    giving = [(forecast, forecast.quantiles) for forecast in forecasts if forecast.quantiles is not None]
    at = np.searchsorted(sessions, test.session).astype(np.int64)
    found = []
    for place, horizon in enumerate(test.horizons):
        if len(sessions) < 2:
            break
        # outcomes of neighbouring days share all but a day of a longer horizon
        overlap = 2.0 * horizon if horizon > 1 else 1.0
        days = significance.resample(len(sessions), replications=replications, seed=seed, block=max(block, overlap))
        outcome = test.ahead[:, place]
        said = [(forecast, quantiles[:, :, place].astype(np.float64)) for forecast, quantiles in giving]
        losses = {forecast.model: _pinball(values, forecast.levels, outcome) for forecast, values in said}
        for forecast, values in said:
            counted: Bools = np.isfinite(outcome) & np.isfinite(values).all(axis=(0, 2))
            if not counted.any():
                continue
            found.append(_scores(forecast, horizon, values, outcome, counted, losses, at, len(sessions), days, level))
    return tuple(found)


def _pinball(values: Floats, levels: tuple[float, ...], outcome: Floats) -> Floats:
    """Mean loss over levels, ``(seed, window)``."""
    at = np.array(levels)
    error = outcome[None, :, None] - values
    return np.asarray(np.maximum(at * error, (at - 1.0) * error).mean(axis=2))


def _scores(
    forecast: Forecast,
    horizon: int,
    values: Floats,
    outcome: Floats,
    counted: Bools,
    losses: Mapping[str, Floats],
    at: Ints,
    count: int,
    days: Ints,
    level: float,
) -> QuantileScores:
    levels, mine = forecast.levels, losses[forecast.model][:, counted]
    skill = None
    if NAIVE in losses and forecast.model != NAIVE:
        same = counted & np.isfinite(losses[NAIVE]).all(axis=0)
        if same.any():
            naive = losses[NAIVE][:, same].mean(axis=0)
            each = 1.0 - losses[forecast.model][:, same].mean(axis=1) / naive.mean()
            skill = _skill(each, losses[forecast.model][:, same].mean(axis=0), naive, at[same], days, level)
    error = error_skill = None
    if 0.5 in levels:
        off = np.abs(outcome[counted] - values[:, counted, levels.index(0.5)])
        error, usual = over_seeds(100.0 * off.mean(axis=1)), np.abs(outcome[counted])
        if usual.mean() > 0:
            each = 1.0 - off.mean(axis=1) / usual.mean()
            error_skill = _skill(each, off.mean(axis=0), usual, at[counted], days, level)
    cover, width = {}, {}
    for low, one in enumerate(levels):
        high = next((place for place, other in enumerate(levels) if abs(other - (1.0 - one)) < 1e-9), None)
        if high is None or high <= low:
            continue
        stated = f"{levels[high] - one:.4g}"
        inside = (values[:, :, low] <= outcome) & (outcome <= values[:, :, high])
        share = over_seeds(inside[:, counted].mean(axis=1))
        total = np.bincount(at[counted], inside[:, counted].mean(axis=0), count)[None]
        calls = np.bincount(at[counted], minlength=count).astype(np.int64)
        interval = significance.accuracy_interval(total, calls, days, level=level)
        cover[stated] = with_interval(share, interval, 0)
        width[stated] = over_seeds(100.0 * (values[:, counted, high] - values[:, counted, low]).mean(axis=1))
    return QuantileScores(
        model=forecast.model,
        horizon=horizon,
        n=int(counted.sum()),
        pinball=over_seeds(100.0 * mine.mean(axis=1)),
        skill=skill,
        error=error,
        error_skill=error_skill,
        cover=cover,
        width=width,
    )


def _skill(each: Floats, loss: Floats, naive: Floats, at: Ints, days: Ints, level: float) -> Score:
    """Skill of the seeds, with the interval over sessions of one less the ratio of the summed losses, paired."""
    gain, usual = (np.bincount(at, values, days.shape[1]) for values in (naive - loss, naive))
    return with_interval(over_seeds(each), significance.accuracy_interval(gain[None], usual, days, level=level), 0)
