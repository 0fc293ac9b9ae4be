"""Scores: how often a forecast was right, how honest its probabilities were, and what the positions earned.

Three rules keep the numbers from flattering.

- **Every day is scored.** Days inside the neutral band (small moves, dropped from training) cannot be
  recognised before the close, so whoever leaves them out conditions on the outcome. The headline scores are
  on the days outside the band, as the field prints them, and ``accuracy_neutral`` and ``accuracy_all`` stand
  beside them.
- **No call is half right.** A probability of exactly 0.5 says neither up nor down; it counts one half as a
  hit, one half as a miss, and in a table of calls as half a call for either side. How many there were is in
  ``n_no_call``.
- **Undefined is NaN with a reason.** A test year with only rises has no AUC; the score is NaN and
  ``undefined`` says why. Nothing is put in its place.

Axes are ``(seed, session)``, or ``(seed, sample)`` where several products share a session; results have one
entry per seed. One lucky seed is no result: read their spread.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import SplitError, StudyError
from tenor.units import Bools, Floats, Ints

LOG_LOSS_FLOOR = float(np.finfo(np.float64).eps)
"""Nearest that log loss lets a probability come to 0 or 1, 2.2e-16: a sure miss costs 36, not infinity."""

LEGS_PER_SPREAD_ROUND_TRIP = 4
"""Two legs in, two legs out."""


@dataclass(frozen=True, slots=True)
class DirectionScores:
    """How good the called directions and their probabilities were, one entry per seed.

    All arrays have shape ``(seed,)``. The days fall into three groups: ``n`` outside the band with a change,
    ``n_neutral`` inside the band with a change, ``n_zero`` without any change (no direction to be right
    about).

    Parameters
    ----------
    accuracy, balanced_accuracy, mcc, auc, log_loss, brier, ece
        On the ``n`` days outside the band. ``balanced_accuracy`` is the mean of the hit rates on rises and on
        falls; ``mcc`` the Matthews correlation, 0 by convention where every day got the same call; ``auc``
        counts ties as one half, so a constant forecast has 0.5; ``log_loss`` in nats (a coin: 0.693);
        ``brier`` the mean squared error of the probability of up (a coin: 0.25); ``ece`` the expected
        calibration error over equal-mass bins.
    accuracy_neutral, accuracy_all
        On the ``n_neutral`` days inside the band, and on all ``n + n_neutral`` days that had a direction.
    n, n_neutral, n_zero
        Numbers of days; the three add up to the length of the test set.
    n_no_call
        Probabilities of exactly 0.5 among the ``n`` days.
    n_certain
        Probabilities within ``LOG_LOSS_FLOOR`` of 0 or 1 among the ``n`` days, which the log loss counts as
        that.
    undefined
        Name of a score -> why it is NaN; empty where every score is defined.
    """

    accuracy: Floats
    balanced_accuracy: Floats
    mcc: Floats
    auc: Floats
    log_loss: Floats
    brier: Floats
    ece: Floats
    accuracy_neutral: Floats
    accuracy_all: Floats
    n: int
    n_neutral: int
    n_zero: int
    n_no_call: Ints
    n_certain: Ints
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reliability:
    """The calibration figure: what was said against what happened, in equal-mass bins of the forecast.

    All arrays have shape ``(seed, bin)``. An empty bin (ties kept together leave some) has ``count`` 0 and
    NaN.
    """

    forecast: Floats
    """Mean probability of up in the bin."""
    share_up: Floats
    """Share of the bin's days that rose."""
    count: Ints

    @property
    def ece(self) -> Floats:
        """Expected calibration error ``(seed,)``: mean of ``|share_up - forecast|``, weighted by count.

        Naeini, Cooper and Hauskrecht (2015), with bins of equal mass. It is biased upwards in small samples:
        a perfectly calibrated forecast over 243 days in ten bins shows about 0.08.
        """
        total = self.count.sum(axis=1)
        gap = np.where(self.count > 0, np.abs(self.share_up - self.forecast), 0.0)
        return _ratio((gap * self.count).sum(axis=1), total)


@dataclass(frozen=True, slots=True)
class ReturnScores:
    """What the positions earned, one entry per seed; arrays of shape ``(seed,)``.

    Returns are per day on the margin of the full position. Equity is additive on constant capital: profits
    are taken out and losses made good each day, so equity is the running sum of daily returns, and a drawdown
    is a part of that margin and may pass 1.

    Parameters
    ----------
    annual_return, annual_return_gross, volatility
        Decimals per year on margin, after and before costs; volatility of the net return (``n - 1`` in the
        divisor).
    sharpe, sharpe_gross
        Mean over standard deviation, annualised by the root of ``sessions_per_year``; no rate is subtracted,
        since profit and loss on margin is already in excess of funding. 0 for a seed that never held a
        position (it took no risk and earned nothing); NaN where positions were held and the return never
        varied.
    max_drawdown
        Deepest fall of equity from its highest point so far, starting equity included; decimal of margin, >=
        0.
    calmar
        ``annual_return / max_drawdown``; NaN where there was no drawdown.
    hit_rate
        Share of the days with a position that earned money after costs.
    total, annual, total_gross
        Money over the whole test, per year, and before costs.
    turnover
        Round trips per year.
    break_even_cost
        Money per leg execution at which the mean net is zero: gross money over legs traded. Negative where
        the gross was a loss; NaN where nothing was traded.
    n_held, n
        Days with a position, per seed; sessions.
    undefined
        Name of a score -> why it is NaN, or 0 by convention; empty where every score is plain.
    """

    annual_return: Floats
    annual_return_gross: Floats
    volatility: Floats
    sharpe: Floats
    sharpe_gross: Floats
    max_drawdown: Floats
    calmar: Floats
    hit_rate: Floats
    total: Floats
    annual: Floats
    total_gross: Floats
    turnover: Floats
    break_even_cost: Floats
    n_held: Ints
    n: int
    undefined: Mapping[str, str]


def right_calls(p_up: ArrayLike, change: ArrayLike) -> Floats:
    """Whether each call was right: 1, 0, or 0.5 for a probability of exactly 0.5.

    Parameters
    ----------
    p_up
        Probability of up, shape ``(seed, n)``.
    change
        Realised next change in price points, shape ``(n,)``.

    Returns
    -------
    Floats
        Shape ``(seed, n)``; NaN on days without a change, where no call can be right or wrong.
    """
    p, moved = _forecasts(p_up, change)
    return _right(p, moved)


def direction_scores(p_up: ArrayLike, change: ArrayLike, neutral: ArrayLike, *, bins: int = 10) -> DirectionScores:
    """Score probabilities of up against what happened.

    Parameters
    ----------
    p_up
        Probability of up, shape ``(seed, n)``, in [0, 1].
    change
        Realised next change of the spread (or return of the stock), shape ``(n,)``, price points.
    neutral
        True inside the neutral band, shape ``(n,)``.
    bins
        Equal-mass bins of the calibration error.

    Raises
    ------
    SplitError
        If there is no day to score.
    ValueError
        If shapes disagree, or a number is NaN or no probability.
    """
    p, moved = _forecasts(p_up, change)
    band = _band(neutral, moved)
    outside, inside = ~band & (moved != 0), band & (moved != 0)
    right = _right(p, moved)
    scored, rose = p[:, outside], moved[outside] > 0
    n, ups = int(outside.sum()), int(rose.sum())
    downs = n - ups

    call = np.where(scored > 0.5, 1.0, np.where(scored < 0.5, 0.0, 0.5))
    hits_up, hits_down = call[:, rose].sum(axis=1), (1.0 - call[:, ~rose]).sum(axis=1)
    called_up = call.sum(axis=1)
    # Matthews (1975) from hits and margins: (TP TN - FP FN) / sqrt(called up * called down * ups * downs).
    covariance = hits_up * hits_down - (downs - hits_down) * (ups - hits_up)
    spread = np.sqrt(called_up * (n - called_up) * ups * downs)
    mcc = np.where(spread > 0, _ratio(covariance, spread), 0.0 if ups and downs else np.nan)
    said = np.clip(scored, LOG_LOSS_FLOOR, 1.0 - LOG_LOSS_FLOOR)

    undefined: dict[str, str] = {}
    if not n:
        reason = "no day outside the neutral band had a change"
        names = ("accuracy", "balanced_accuracy", "mcc", "auc", "log_loss", "brier", "ece")
        undefined |= dict.fromkeys(names, reason)
    elif not (ups and downs):
        reason = f"all {n} days outside the neutral band {'rose' if ups else 'fell'}; two classes are needed"
        undefined |= dict.fromkeys(("balanced_accuracy", "mcc", "auc"), reason)
    if not inside.any():
        undefined["accuracy_neutral"] = "no day inside the neutral band had a change"
    if not n and not inside.any():
        undefined["accuracy_all"] = "no day had a change"

    return DirectionScores(
        accuracy=_mean(right[:, outside]),
        balanced_accuracy=(_ratio(hits_up, ups) + _ratio(hits_down, downs)) / 2.0,
        mcc=mcc,
        auc=_auc(scored, rose),
        log_loss=_mean(-np.log(np.where(rose, said, 1.0 - said))),
        brier=_mean((scored - rose) ** 2),
        ece=_bins(scored, rose, bins).ece,
        accuracy_neutral=_mean(right[:, inside]),
        accuracy_all=_mean(right[:, outside | inside]),
        n=n,
        n_neutral=int(inside.sum()),
        n_zero=int((moved == 0).sum()),
        n_no_call=(scored == 0.5).sum(axis=1),
        n_certain=(said != scored).sum(axis=1),
        undefined=undefined,
    )


def reliability(p_up: ArrayLike, change: ArrayLike, neutral: ArrayLike, *, bins: int = 10) -> Reliability:
    """Bin the forecasts of the days outside the band for the calibration figure.

    Bins hold equal numbers of days; equal forecasts share one bin, so a constant forecast is one bin.
    Arguments and errors as for :func:`direction_scores`.
    """
    p, moved = _forecasts(p_up, change)
    outside = ~_band(neutral, moved) & (moved != 0)
    return _bins(p[:, outside], moved[outside] > 0, bins)


def return_scores(
    net: ArrayLike,
    gross: ArrayLike,
    capital: ArrayLike,
    legs: ArrayLike,
    held: ArrayLike,
    *,
    sessions_per_year: float,
    legs_per_round_trip: int = LEGS_PER_SPREAD_ROUND_TRIP,
) -> ReturnScores:
    """Score daily profit and loss.

    Parameters
    ----------
    net, gross
        Money per session after and before costs, shape ``(seed, n)``.
    capital
        Margin for the full position on each session, money, shape ``(n,)``, positive.
    legs
        Leg executions on each session in units of the full position (half a position in: 1.0), shape ``(seed,
        n)``.
    held
        True where a position was carried into the session's result, shape ``(seed, n)``.
    sessions_per_year
        243 for CFFEX, 252 for New York.
    legs_per_round_trip
        4 for a calendar spread, 2 for an outright.

    Raises
    ------
    SplitError
        If there are fewer than two sessions.
    StudyError
        If ``sessions_per_year`` or ``legs_per_round_trip`` is not positive.
    ValueError
        If shapes disagree, a number is not finite, capital is not positive or legs are negative.
    """
    if not (sessions_per_year > 0 and legs_per_round_trip > 0):
        raise StudyError(
            f"sessions_per_year is {sessions_per_year} and legs_per_round_trip {legs_per_round_trip}; "
            "both must be positive, such as 243 and 4 for a CFFEX calendar spread"
        )
    after, before = _finite("net", net, 2), _finite("gross", gross, 2)
    margin, traded, carried = _finite("capital", capital, 1), _finite("legs", legs, 2), np.asarray(held, bool)
    shapes = {"gross": before.shape, "legs": traded.shape, "held": carried.shape}
    for name, shape in shapes.items():
        if shape != after.shape:
            raise ValueError(f"{name} has shape {shape}; net has {after.shape} (seed, n) and they must agree")
    n = after.shape[1]
    if margin.shape != (n,):
        raise ValueError(f"capital has shape {margin.shape}; it must be ({n},), one margin per session of net")
    if (margin <= 0).any() or (traded < 0).any():
        raise ValueError("capital must be positive and legs not negative on every session")
    if n < 2:
        raise SplitError(f"{n} sessions of profit and loss; a volatility needs at least 2: lengthen the test")

    earned, years = after / margin, n / sessions_per_year
    annual_return = earned.mean(axis=1) * sessions_per_year
    fall = _max_drawdown(earned)
    n_held = carried.sum(axis=1)
    idle = n_held == 0
    sharpe = sharpe_ratio(earned, sessions_per_year=sessions_per_year)
    sharpe_gross = sharpe_ratio(before / margin, sessions_per_year=sessions_per_year)
    sharpe, sharpe_gross = (np.where(idle & np.isnan(s), 0.0, s) for s in (sharpe, sharpe_gross))
    calmar, hits = _ratio(annual_return, fall), _ratio((carried & (after > 0)).sum(axis=1), n_held)
    break_even = _ratio(before.sum(axis=1), traded.sum(axis=1))

    undefined: dict[str, str] = {}
    for name, score, why in (
        ("sharpe", sharpe, "the net return never varied although positions were held"),
        ("sharpe_gross", sharpe_gross, "the gross return never varied although positions were held"),
        ("calmar", calmar, "there was no drawdown"),
        ("hit_rate", hits, "no position was ever held"),
        ("break_even_cost", break_even, "nothing was traded"),
    ):
        if seeds := int(np.isnan(score).sum()):
            undefined[name] = f"NaN for {seeds} of {len(score)} seeds: {why}"
    if idle.any():
        words = f"0 by convention for {int(idle.sum())} of {len(idle)} seeds that never held a position"
        for name in ("sharpe", "sharpe_gross"):
            undefined[name] = f"{undefined[name]}; {words}" if name in undefined else words

    return ReturnScores(
        annual_return=annual_return,
        annual_return_gross=(before / margin).mean(axis=1) * sessions_per_year,
        volatility=earned.std(axis=1, ddof=1) * np.sqrt(sessions_per_year),
        sharpe=sharpe,
        sharpe_gross=sharpe_gross,
        max_drawdown=fall,
        calmar=calmar,
        hit_rate=hits,
        total=after.sum(axis=1),
        annual=after.sum(axis=1) / years,
        total_gross=before.sum(axis=1),
        turnover=traded.sum(axis=1) / legs_per_round_trip / years,
        break_even_cost=break_even,
        n_held=n_held,
        n=n,
        undefined=undefined,
    )


def sharpe_ratio(returns: Floats, *, sessions_per_year: float = 1.0) -> Floats:
    """Mean over standard deviation along the last axis (``n - 1`` in the divisor), annualised.

    Sharpe (1994), no rate subtracted. With ``sessions_per_year=1`` it is per session. NaN where the returns
    never vary.
    """
    constant = np.ptp(returns, axis=-1) == 0
    deviation = np.where(constant, 0.0, returns.std(axis=-1, ddof=1))
    return _ratio(returns.mean(axis=-1), deviation) * float(np.sqrt(sessions_per_year))


def _max_drawdown(earned: Floats) -> Floats:
    """Deepest fall of the running sum from its highest point, start included: ``(seed, n) -> (seed,)``."""
    equity = earned.cumsum(axis=1)
    peak = np.maximum(np.maximum.accumulate(equity, axis=1), 0.0)
    deepest: Floats = (peak - equity).max(axis=1)
    return deepest


def _auc(p: Floats, rose: Bools) -> Floats:
    """Area under the ROC curve as the Mann-Whitney statistic with mid-ranks; NaN with one class only."""
    from scipy.stats import rankdata

    ups, n = int(rose.sum()), len(rose)
    ranks = rankdata(p, axis=1) if n else p
    above = ranks[:, rose].sum(axis=1) - ups * (ups + 1) / 2.0
    return _ratio(above, ups * (n - ups))


def _bins(p: Floats, rose: Bools, bins: int) -> Reliability:
    """Equal-mass bins per seed: mid-rank r (from 1) of n goes to bin ``floor(bins (r - 1/2) / n)``."""
    from scipy.stats import rankdata

    if bins < 1:
        raise StudyError(f"bins is {bins}; calibration needs at least 1 bin, 10 is usual")
    seeds, n = p.shape
    if n == 0:
        empty = np.full((seeds, bins), np.nan)
        return Reliability(empty, empty.copy(), np.zeros((seeds, bins), np.int64))
    twice_rank = np.rint(2.0 * rankdata(p, axis=1)).astype(np.int64)
    place = bins * (twice_rank - 1) // (2 * n) + bins * np.arange(seeds)[:, None]

    def summed(weight: Floats) -> Floats:
        flat = np.bincount(place.ravel(), np.broadcast_to(weight, p.shape).ravel(), minlength=seeds * bins)
        return flat.reshape(seeds, bins).astype(np.float64)

    count = summed(np.ones(n))
    return Reliability(_ratio(summed(p), count), _ratio(summed(rose.astype(np.float64)), count), count.astype(np.int64))


def _right(p: Floats, moved: Floats) -> Floats:
    return np.where(moved == 0, np.nan, np.where(p == 0.5, 0.5, (p > 0.5) == (moved > 0)))


def _mean(values: Floats) -> Floats:
    return _ratio(values.sum(axis=1), values.shape[1])


def _ratio(top: ArrayLike, bottom: ArrayLike) -> Floats:
    """Divide; NaN where the divisor is 0. The caller says why."""
    above, below = np.broadcast_arrays(np.asarray(top, np.float64), np.asarray(bottom, np.float64))
    quotient: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return quotient


def _finite(name: str, values: ArrayLike, ndim: int) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != ndim:
        wanted = "(seed, n); give one seed as values[None, :]" if ndim == 2 else "(n,)"
        raise ValueError(f"{name} has shape {array.shape}; it must be {wanted}")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} has {bad} values that are not finite; score only sessions whose outcome is known")
    return array


def _forecasts(p_up: ArrayLike, change: ArrayLike) -> tuple[Floats, Floats]:
    p, moved = _finite("p_up", p_up, 2), _finite("change", change, 1)
    if p.shape[1] != len(moved):
        raise ValueError(f"p_up has {p.shape[1]} days and change {len(moved)}; they must be the same days")
    if not len(moved):
        raise SplitError("the test set is empty; there is no day to score: lengthen the test")
    if (p < 0).any() or (p > 1).any():
        raise ValueError(f"p_up runs from {p.min():g} to {p.max():g}; a probability lies in [0, 1]")
    return p, moved


def _band(neutral: ArrayLike, moved: Floats) -> Bools:
    band = np.asarray(neutral)
    if band.dtype != np.bool_ or band.shape != moved.shape:
        raise ValueError(f"neutral is {band.dtype} of shape {band.shape}; it must be bool of shape {moved.shape}")
    return band
