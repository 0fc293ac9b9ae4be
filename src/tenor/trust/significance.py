"""Significance: whether a result could have been luck.

Daily results are few and hang together, so the unit is the **session** and the tool is the stationary
bootstrap of Politis and Romano (1994): sessions are redrawn in blocks of random length, and every statistic
is computed again on the redrawn days.

    days = resample(n, replications=2000, seed=7, block=block_length(net))   # once per study
    sharpe_interval(net, days, sessions_per_year=243)                        # any number of models
    accuracy_difference(lstm.total, dnn.total, lstm.count, days)             # the same days, so paired

The redrawn days are made once and shared: two models are compared on the same luck, which is what makes their
difference sharp. Products that trade on one session rise and fall together; :func:`by_session` adds them up
first, so that 4 products over 243 days are 243 observations and not 972.

A series is ``(n,)`` or ``(model, n)`` over sessions; results have the series' shape without the last axis.
Whether seeds are averaged first or kept as models is the caller's choice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import SplitError, StudyError
from tenor.trust.score import sharpe_ratio
from tenor.units import AnyArray, Floats, Ints

CHUNK = 512
"""Replications that are counted at a time, so that 5000 of them over 3000 sessions fit in 12 MB."""

ROUNDING = 1e-10
"""A redrawn variance below this part of the series' own is zero; a Sharpe difference below it is none."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Samples added up by session: what the bootstrap may redraw.

    ``session`` has shape ``(s,)`` and is sorted; ``total`` is ``(..., s)``, ``count`` ``(s,)``. A session
    none of whose samples counts stays, with count 0, so that all series of a study keep one calendar.
    """

    session: AnyArray
    total: Floats
    count: Ints


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate on the true days and the bootstrap percentile interval around it.

    Percentile intervals of dependent series are a little short. Measured on 400 simulated series each, for
    autocorrelations from 0 to 0.3, a nominal 95 % covers 91-94 % of the time at 250 days and 93-95 % at 500.

    ``undefined`` counts the replications on which the statistic does not exist (no scored day, no variation);
    the interval is over the others. Arrays have the series' shape without the last axis.
    """

    estimate: Floats
    low: Floats
    high: Floats
    level: float
    replications: int
    undefined: Ints


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second on the same days: an :class:`Interval` with a two-sided p-value.

    ``p_value`` is twice the smaller share of replications on either side of zero (zero itself on both), with
    one added above and below, at most 1. It inverts the interval: below ``1 - level`` exactly where zero lies
    outside, up to two replications. Pass the p-values of all comparisons of a study to :func:`holm`.
    """

    estimate: Floats
    low: Floats
    high: Floats
    p_value: Floats
    level: float
    replications: int
    undefined: Ints


@dataclass(frozen=True, slots=True)
class SharpeEvidence:
    """Probability that the true Sharpe ratio exceeds ``benchmark``; ratios are per session, not annual.

    ``trials`` is how many strategies were tried (1 for the plain probabilistic ratio). ``probability`` is NaN
    where it is undefined, and ``reason`` then says why.
    """

    probability: float
    sharpe: float
    benchmark: float
    trials: int
    reason: str = ""


def by_session(session: ArrayLike, values: ArrayLike, *, scored: ArrayLike | None = None) -> Sessions:
    """Add up sample-level values by session.

    Parameters
    ----------
    session
        Session of each sample, shape ``(n,)``; repeated where products share it.
    values
        Such as :func:`tenor.trust.score.right_calls` or money, shape ``(..., n)``.
    scored
        True where the sample counts, shape ``(n,)``; all by default.

    Raises
    ------
    ValueError
        If shapes disagree or a sample that counts is not a finite number.
    """
    days, amounts = np.asarray(session), np.asarray(values, np.float64)
    counts = np.ones(days.shape, bool) if scored is None else np.asarray(scored, bool)
    if days.ndim != 1 or amounts.shape[-1:] != days.shape or counts.shape != days.shape:
        raise ValueError(
            f"session {days.shape}, values {amounts.shape} and scored {counts.shape} must share the last axis (n,)"
        )
    if not np.isfinite(amounts[..., counts]).all():
        raise ValueError("a scored value is not finite; leave days without an outcome or a change out of scored")
    unique, place = np.unique(days, return_inverse=True)
    flat = np.where(counts, amounts, 0.0).reshape(-1, len(days))
    total = np.empty((len(flat), len(unique)))
    for row, summed in zip(flat, total, strict=True):
        summed[:] = np.bincount(place, row, minlength=len(unique))
    count = np.bincount(place, counts, minlength=len(unique)).astype(np.int64)
    return Sessions(unique, total.reshape(*amounts.shape[:-1], len(unique)), count)


def block_length(series: ArrayLike) -> float:
    """Choose the mean block length: the longest that any of the series asks for, at least 1.

    Politis and White (2004) with the correction of Patton, Politis and White (2009), as ``arch`` computes it
    for the stationary bootstrap. A series that never varies asks for nothing. Use at least the label's
    horizon where labels overlap.

    Raises
    ------
    SplitError
        If there are fewer than 8 sessions, or a series varies too little for its dependence to be measured.
    """
    from arch.bootstrap import optimal_block_length

    rows = np.atleast_2d(_series("series", series))
    if rows.shape[1] < 8:
        raise SplitError(f"{rows.shape[1]} sessions; a block length needs at least 8: lengthen the test")
    varying = rows[np.ptp(rows, axis=1) > 0]
    if not len(varying):
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = optimal_block_length(varying.T)["stationary"].to_numpy()
    if not np.isfinite(lengths).all():
        bad = int((~np.isfinite(lengths)).sum())
        raise SplitError(
            f"{bad} of {len(rows)} series vary too little to measure their dependence; choose a block, such as 5"
        )
    return max(1.0, float(lengths.max()))


def resample(n: int, *, replications: int, seed: int, block: float) -> Ints:
    """Redraw sessions: indices of shape ``(replications, n)`` into the days, for every model alike.

    Drawn by ``arch.bootstrap.StationaryBootstrap``: blocks of geometric length with mean ``block``, wrapped
    around the end. Equal arguments give equal days.

    Raises
    ------
    SplitError
        If ``n`` is below 2.
    StudyError
        If ``replications`` or ``block`` is below 1.
    """
    from arch.bootstrap import StationaryBootstrap

    if n < 2:
        raise SplitError(f"{n} sessions; a bootstrap needs at least 2: lengthen the test")
    if replications < 1 or not block >= 1:
        raise StudyError(
            f"replications is {replications} and block {block}; both must be at least 1, such as 2000 and 5"
        )
    # Annotated as int there; only 1 / block, the chance that a new block starts, is ever used.
    bootstrap = StationaryBootstrap(cast(int, block), np.arange(n), seed=seed)
    return np.stack([bootstrap.update_indices() for _ in range(replications)])


def resampled_mean(series: ArrayLike, days: Ints) -> Floats:
    """Mean of the series on each set of redrawn days, shape ``(..., replications)``."""
    return _resampled_means(_matching(series, days), days)


def resampled_accuracy(total: ArrayLike, count: ArrayLike, days: Ints) -> Floats:
    """Right calls over calls on each set of redrawn days, shape ``(..., replications)``; NaN without a call.

    ``total`` ``(..., n)`` right calls per session and ``count`` ``(n,)`` calls per session, from
    :func:`by_session`.
    """
    right = _resampled_means(_matching(total, days), days)
    return _ratio(right, _resampled_means(_matching(count, days), days))


def resampled_sharpe(series: ArrayLike, days: Ints, *, sessions_per_year: float) -> Floats:
    """Annualised Sharpe ratio on each set of redrawn days, shape ``(..., replications)``.

    0 where a draw holds nothing but zeros (no position: no risk and no gain), NaN where it is otherwise
    constant.
    """
    values, n = _matching(series, days), days.shape[1]
    centre = values.mean(axis=-1, keepdims=True)
    spread = np.where(np.ptp(values, axis=-1, keepdims=True) == 0, 0.0, values - centre)
    own = np.square(spread).mean(axis=-1, keepdims=True)
    shift, square = _resampled_means(np.stack([spread, spread**2]), days)
    mean, variance = centre + shift, (square - shift**2) * (n / (n - 1))
    flat = variance <= ROUNDING * own
    idle = np.abs(mean) <= ROUNDING * np.sqrt(own)
    sharpe = mean / np.sqrt(np.where(flat, 1.0, variance)) * float(np.sqrt(sessions_per_year))
    return np.where(flat, np.where(idle, 0.0, np.nan), sharpe)


def mean_interval(series: ArrayLike, days: Ints, *, level: float = 0.95) -> Interval:
    """Interval of the mean per session, such as money a day."""
    values = _matching(series, days)
    return interval_of(values.mean(axis=-1), resampled_mean(values, days), level)


def accuracy_interval(total: ArrayLike, count: ArrayLike, days: Ints, *, level: float = 0.95) -> Interval:
    """Interval of the share of right calls; arguments as for :func:`resampled_accuracy`."""
    return interval_of(_accuracy(total, count, days), resampled_accuracy(total, count, days), level)


def sharpe_interval(series: ArrayLike, days: Ints, *, sessions_per_year: float, level: float = 0.95) -> Interval:
    """Interval of the annualised Sharpe ratio of daily returns or of daily money on constant capital."""
    draws = resampled_sharpe(series, days, sessions_per_year=sessions_per_year)
    return interval_of(_sharpe(series, days, sessions_per_year), draws, level)


def seed_sharpe(groups: Sequence[Floats], days: Ints, *, sessions_per_year: float) -> tuple[Floats, Floats]:
    """Mean over seeds of the annualised Sharpe ratio, for each group of seeds.

    That is what somebody who takes one seed may expect; the Sharpe ratio of the seeds' average position is higher,
    because the average diversifies, and is another question.

    Parameters
    ----------
    groups
        Daily returns of the seeds of each model, shapes ``(seed, n)``.

    Returns
    -------
    estimate, draws
        Shapes ``(group,)`` and ``(group, replications)``, for :func:`interval_of` and :func:`difference_of`.
    """
    rows = np.concatenate(groups)
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    sizes = np.array([len(group) for group in groups])
    draws = np.add.reduceat(resampled_sharpe(rows, days, sessions_per_year=sessions_per_year), starts, axis=0)
    estimate = np.add.reduceat(_sharpe(rows, days, sessions_per_year), starts)
    return estimate / sizes, draws / sizes[:, None]


def mean_difference(first: ArrayLike, second: ArrayLike, days: Ints, *, level: float = 0.95) -> Difference:
    """First minus second in the mean per session, paired; one benchmark may serve all models."""
    gap = _matching(first, days) - _matching(second, days)
    return difference_of(gap.mean(axis=-1), resampled_mean(gap, days), level)


def accuracy_difference(
    first_total: ArrayLike, second_total: ArrayLike, count: ArrayLike, days: Ints, *, level: float = 0.95
) -> Difference:
    """First minus second in the share of right calls on the same samples, paired."""
    gap = _matching(first_total, days) - _matching(second_total, days)
    return difference_of(_accuracy(gap, count, days), resampled_accuracy(gap, count, days), level)


def sharpe_difference(
    first: ArrayLike, second: ArrayLike, days: Ints, *, sessions_per_year: float, level: float = 0.95
) -> Difference:
    """First minus second in the annualised Sharpe ratio, paired (Ledoit and Wolf, 2008, percentile form)."""
    one, other = (resampled_sharpe(s, days, sessions_per_year=sessions_per_year) for s in (first, second))
    estimate = _sharpe(first, days, sessions_per_year) - _sharpe(second, days, sessions_per_year)
    draws = one - other
    return difference_of(estimate, np.where(np.abs(draws) < ROUNDING, 0.0, draws), level)


def holm(p_values: ArrayLike) -> Floats:
    """Adjust a family of p-values so that a single false alarm among them has at most the stated chance.

    Holm (1979), step down; shape ``(m,)`` in the order given. Valid however the comparisons hang together.
    """
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values must be one row of numbers in [0, 1]; given {p.tolist()}")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def binomial_p_value(right: ArrayLike, n: ArrayLike, *, chance: float = 0.5) -> Floats:
    """Chance of at least ``right`` hits in ``n`` independent calls of hit rate ``chance``: exact, one-sided.

    A half (a call of exactly 0.5) is rounded down, against the model. Calls on one session are not
    independent: pass one product at a time, or read :func:`accuracy_interval` instead.
    """
    from scipy.stats import binom

    hits, calls = np.floor(np.asarray(right, np.float64)), np.asarray(n, np.float64)
    if not ((calls > 0) & (hits >= 0) & (hits <= calls) & (calls == np.floor(calls))).all():
        raise ValueError(f"right must lie in 0..n with n a positive whole number; given {right!r} and {n!r}")
    if not 0 < chance < 1:
        raise StudyError(f"chance is {chance}; it must lie between 0 and 1, 0.5 for a fair coin")
    tail: Floats = np.asarray(binom.sf(hits - 1, calls, chance))
    return tail


def days_to_confirm(hit_rate: float, *, size: float = 0.05, power: float = 0.80) -> int:
    """Days needed to show, at one-sided ``size`` and with chance ``power``, that ``hit_rate`` beats a coin.

    Days are independent. Normal approximation: ``((z_size / 2 + z_power sqrt(h (1 - h))) / (h - 1/2))^2``,
    rounded up: 1716 days at 53 %, 964 at 54 %, 617 at 55 %, 428 at 56 %.

    Raises
    ------
    StudyError
        If ``hit_rate`` is not in (0.5, 1), or ``size`` or ``power`` not in (0, 1).
    """
    from scipy.special import ndtri

    if not (0.5 < hit_rate < 1 and 0 < size < 1 and 0 < power < 1):
        raise StudyError(
            f"hit_rate {hit_rate} must lie in (0.5, 1), size {size} and power {power} in (0, 1), "
            "such as 0.54, 0.05 and 0.8"
        )
    reach = -ndtri(size) * 0.5 + ndtri(power) * np.sqrt(hit_rate * (1.0 - hit_rate))
    return max(1, int(np.ceil((max(reach, 0.0) / (hit_rate - 0.5)) ** 2)))


def probabilistic_sharpe(returns: ArrayLike, *, benchmark: float = 0.0) -> SharpeEvidence:
    """Probability that the true Sharpe ratio exceeds ``benchmark``, given length, skew and fat tails.

    Bailey and Lopez de Prado (2012): ``Phi[(SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)]``,
    with SR per session (``n - 1`` in its divisor), g3 the skewness and g4 the kurtosis (3 for a normal).
    ``returns`` is ``(n,)``.
    """
    return _evidence(returns, benchmark, 1)


def expected_max_sharpe(trials: int, deviation: float) -> float:
    """Sharpe ratio that the best of ``trials`` worthless strategies is expected to show.

    Bailey and Lopez de Prado (2014): ``sd [(1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))]``, g Euler's constant,
    ``deviation`` the standard deviation of the trials' Sharpe ratios. 0 for a single trial.
    """
    from scipy.special import ndtri

    if trials < 1 or not deviation >= 0:
        raise ValueError(f"trials {trials} must be at least 1 and deviation {deviation} not negative")
    if trials == 1:
        return 0.0
    g = float(np.euler_gamma)
    return deviation * float((1 - g) * ndtri(1 - 1 / trials) + g * ndtri(1 - 1 / (trials * np.e)))


def deflated_sharpe(returns: ArrayLike, trial_sharpes: ArrayLike) -> SharpeEvidence:
    """Probability that the chosen strategy's Sharpe ratio is real, after the search that found it.

    The probabilistic ratio against :func:`expected_max_sharpe` (Bailey and Lopez de Prado, 2014).
    ``trial_sharpes`` are per session and hold **every** trial, the chosen one included; correlated trials
    make it stricter than it need be.

    Raises
    ------
    ValueError
        If a trial is not finite: a trial that never traded counts as 0, and none may be left out.
    """
    trials = np.asarray(trial_sharpes, np.float64)
    if trials.ndim != 1 or not len(trials) or not np.isfinite(trials).all():
        raise ValueError(
            f"trial_sharpes must be one row of finite numbers, every trial in it; given shape {trials.shape} "
            f"with {int((~np.isfinite(trials)).sum())} not finite (a trial that never traded counts as 0)"
        )
    deviation = float(trials.std(ddof=1)) if len(trials) > 1 else 0.0
    return _evidence(returns, expected_max_sharpe(len(trials), deviation), len(trials))


def _evidence(returns: ArrayLike, benchmark: float, trials: int) -> SharpeEvidence:
    from scipy.special import ndtr

    values = _series("returns", returns)
    if values.ndim != 1:
        raise ValueError(f"returns has shape {values.shape}; give one strategy, shape (n,)")
    n = len(values)
    if n < 3 or np.ptp(values) == 0:
        reason = f"{n} sessions, at least 3 are needed" if n < 3 else "the returns never vary"
        return SharpeEvidence(np.nan, np.nan, benchmark, trials, reason)
    sharpe, spread = float(sharpe_ratio(values)), values - values.mean()
    variance = np.mean(spread**2)
    skew, kurtosis = np.mean(spread**3) / variance**1.5, np.mean(spread**4) / variance**2
    adjusted = float(1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2)
    if not adjusted > 0:
        reason = f"its variance term is {adjusted:g}, not positive"
        return SharpeEvidence(np.nan, sharpe, benchmark, trials, reason)
    probability = float(ndtr((sharpe - benchmark) * np.sqrt((n - 1) / adjusted)))
    return SharpeEvidence(probability, sharpe, benchmark, trials)


def _accuracy(total: ArrayLike, count: ArrayLike, days: Ints) -> Floats:
    calls = _matching(count, days).sum(axis=-1)
    return _ratio(_matching(total, days).sum(axis=-1), calls)


def _ratio(right: Floats, calls: Floats) -> Floats:
    ratio: Floats = np.divide(right, calls, out=np.full(np.shape(right), np.nan), where=calls > 0)
    return ratio


def _sharpe(series: ArrayLike, days: Ints, sessions_per_year: float) -> Floats:
    values = _matching(series, days)
    plain = sharpe_ratio(values, sessions_per_year=sessions_per_year)
    return np.where((values == 0).all(axis=-1), 0.0, plain)


def _chunks(days: Ints) -> Iterator[Floats]:
    """How often each session occurs in each replication, ``(n, some replications)``, a chunk at a time."""
    n = days.shape[1]
    for start in range(0, len(days), CHUNK):
        drawn = days[start : start + CHUNK]
        flat = drawn + n * np.arange(len(drawn))[:, None]
        yield np.bincount(flat.ravel(), minlength=flat.size).reshape(drawn.shape).T.astype(np.float64)


def _resampled_means(values: Floats, days: Ints) -> Floats:
    """Mean over redrawn days for all series at once: values times how often each day was drawn, over n."""
    rows = values.reshape(-1, values.shape[-1])
    sums = np.concatenate([rows @ often for often in _chunks(days)], axis=-1)
    means: Floats = sums.reshape(*values.shape[:-1], len(days)) / values.shape[-1]
    return means


def interval_of(estimate: Floats, draws: Floats, level: float) -> Interval:
    """Percentile interval of a statistic from its values on the redrawn days, ``draws`` ``(..., replications)``."""
    if not 0 < level < 1:
        raise StudyError(f"level is {level}; it must lie between 0 and 1, 0.95 is usual")
    tail = (1.0 - level) / 2.0
    rows = draws.reshape(-1, draws.shape[-1])
    ends = np.array([_ends(row[np.isfinite(row)], tail) for row in rows]).reshape(*draws.shape[:-1], 2)
    undefined = (~np.isfinite(draws)).sum(axis=-1)
    return Interval(np.asarray(estimate), ends[..., 0], ends[..., 1], level, draws.shape[-1], np.asarray(undefined))


def _ends(defined: Floats, tail: float) -> tuple[float, float]:
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return float(low), float(high)


def difference_of(estimate: Floats, draws: Floats, level: float) -> Difference:
    """Interval and two-sided p-value of a difference from its values on the redrawn days."""
    interval = interval_of(estimate, draws, level)
    defined = draws.shape[-1] - interval.undefined
    below, above = (draws <= 0).sum(axis=-1), (draws >= 0).sum(axis=-1)
    p_value = np.minimum(1.0, 2.0 * (1.0 + np.minimum(below, above)) / (1.0 + defined))
    p_value = np.where((defined > 0) & np.isfinite(interval.estimate), p_value, np.nan)
    return Difference(
        interval.estimate,
        interval.low,
        interval.high,
        p_value,
        level,
        interval.replications,
        interval.undefined,
    )


def _series(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} has shape {array.shape}; it must be (n,) or (model, n)")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has numbers that are not finite; keep sessions with a known outcome")
    return array


def _matching(values: ArrayLike, days: Ints) -> Floats:
    array = _series("a series", values)
    if days.ndim != 2 or array.shape[-1] != days.shape[1]:
        raise ValueError(
            f"a series of shape {array.shape} and days of shape {days.shape}; both must end on the same "
            f"sessions, days = resample({array.shape[-1]}, ...)"
        )
    return array
