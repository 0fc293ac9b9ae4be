"""Calibration: make a probability mean what it says, from the fold's validation windows.

Platt (1999), eq. 1, on the logit of the raw probability: ``p = 1 / (1 + exp(-(a z + b)))`` with ``z =
logit(raw)``, fitted by maximum likelihood on Platt's smoothed targets ``(n_up + 1) / (n_up + 2)`` and ``1 /
(n_down + 2)``. The slope is held at ``a >= 0``: a calibrator may say "this model knows nothing" (a = 0), but
it may not turn a forecast upside down because sixty validation days went the other way. Two things keep so
few days from being overfitted: a standard normal prior around the identity (slope 1, intercept 0), without
which a network whose logits hardly move would be stretched to whatever convictions its validation days
happened to reward; and no isotonic regression.

The validation windows have already chosen the stopping epoch; calibration on them is therefore a little
optimistic. The reliability curve of the report, on test days, shows by how much.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.model.probability import expit, logit
from tenor.settings import STRICT
from tenor.units import Floats, Ints

_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Calibrator:
    """``p = expit(slope * logit(raw) + intercept)``; the identity is slope 1, intercept 0."""

    slope: float
    intercept: float

    def apply(self, raw: Floats) -> Floats:
        """Return calibrated probabilities, same shape as ``raw``."""
        return np.asarray(expit(self.slope * _logit(raw) + self.intercept))


IDENTITY = Calibrator(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Which calibrator a study fits on the validation windows of each fold.

    Parameters
    ----------
    kind
        ``platt`` fits slope and intercept to the logit, ``temperature`` the slope alone; ``none`` leaves probabilities
        as the model says them.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["platt", "temperature", "none"] = "platt"

    def learn(self, raw: Floats, label: Ints) -> Calibrator:
        """Fit on validation: ``raw`` probabilities and 0/1 labels, shape ``(window,)``, decided windows only.

        ``none``, and an empty validation set, return the identity; a walk-forward refuses an empty set.
        """
        if self.kind == "none" or not len(raw):
            return IDENTITY
        z = _logit(raw)
        ups = int((label == 1).sum())
        target = np.where(label == 1, (ups + 1) / (ups + 2), 1 / (len(label) - ups + 2))
        columns = np.stack([z, np.ones_like(z)] if self.kind == "platt" else [z])
        slope, *intercept = _most_likely(columns, target, fixed=False)
        if slope < 0:
            # the posterior is log-concave, so the best slope that is not negative is 0
            slope, *intercept = _most_likely(columns, target, fixed=True)
        return Calibrator(float(slope), float(intercept[0]) if intercept else 0.0)


def _most_likely(columns: Floats, target: Floats, *, fixed: bool) -> Floats:
    """Maximise likelihood times prior of ``expit(theta @ columns)`` by damped Newton steps.

    Lin, Lin and Weng (2007).     ``columns`` has shape ``(parameter, window)``, the slope first; ``fixed``
    holds the slope at 0.
    """
    prior = np.array([1.0, 0.0])[: len(columns)]
    theta = prior.copy()
    free = np.ones(len(columns))
    if fixed:
        theta[0] = free[0] = 0.0

    def loss(at: Floats) -> float:
        score = at @ columns
        return float(np.sum(np.logaddexp(0.0, score) - target * score) + 0.5 * np.sum((at - prior) ** 2))

    for _ in range(100):
        p = expit(theta @ columns)
        gradient = free * (columns @ (p - target) + theta - prior)
        if np.abs(gradient).max() < 1e-9 * columns.shape[1]:
            break
        curvature = (columns * (p * (1 - p))) @ columns.T + np.eye(len(columns))
        step = free * np.linalg.solve(curvature * np.outer(free, free) + np.diag(1 - free), gradient)
        size = 1.0
        while size > 1e-9 and loss(theta - size * step) > loss(theta) - 1e-4 * size * float(gradient @ step):
            size /= 2
        theta = theta - size * step
    return theta


def _logit(raw: Floats) -> Floats:
    return np.asarray(logit(np.clip(raw, _EDGE, 1 - _EDGE)))


def widening(quantiles: Floats, levels: tuple[float, ...], outcome: Floats) -> Floats:
    """Return how far each quantile is moved outward so that central intervals cover what they state on validation.

    Conformalised quantile regression (Romano, Patterson and Candes, 2019, eq. 8), for each horizon and each pair of
    levels that mirror each other: the score of a window is how far its outcome lies outside the interval (less than 0
    inside), and the move is the score that ``(n + 1)(1 - alpha)`` of n do not exceed; it may narrow an interval too. A
    level without a mirror stays. Windows of neighbouring days overlap over longer horizons, so there the cover is
    approximate.

    Parameters
    ----------
    quantiles
        ``(window, horizon, level)``, of validation, in the unit in which they are to be moved.
    levels
        Ascending.
    outcome
        ``(window, horizon)`` in the same unit.

    Returns
    -------
    Floats
        ``(horizon, level)``, to be added; zeros where there is no window.
    """
    move = np.zeros(quantiles.shape[1:])
    known = np.isfinite(quantiles).all(axis=(1, 2)) & np.isfinite(outcome).all(axis=1)
    count = int(known.sum())
    if not count:
        return move
    for low, level in enumerate(levels):
        high = next((at for at, other in enumerate(levels) if abs(other - (1.0 - level)) < 1e-9), None)
        if high is None or high <= low:
            continue
        below, above = quantiles[known, :, low] - outcome[known], outcome[known] - quantiles[known, :, high]
        score = np.sort(np.maximum(below, above), axis=0)
        rank = min(int(np.ceil((count + 1) * (levels[high] - level))), count)
        move[:, low], move[:, high] = -score[rank - 1], score[rank - 1]
    return move


def widened(quantiles: Floats, move: Floats) -> Floats:
    """Return ``quantiles + move`` in ascending order, ``(window, horizon, level)``: intervals that narrow may cross."""
    return np.sort(quantiles + move, axis=-1)
