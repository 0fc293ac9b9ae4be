"""Calibration: make a probability mean what it says, from the fold's validation windows.

Platt (1999), eq. 1, on the logit of the raw probability: ``p = 1 / (1 + exp(-(a z + b)))`` with ``z = logit(raw)``,
fitted by maximum likelihood on Platt's smoothed targets ``(n_up + 1) / (n_up + 2)`` and ``1 / (n_down + 2)``. The
slope is held at ``a >= 0``: a calibrator may say "this model knows nothing" (a = 0), but it may not turn a forecast
upside down because sixty validation days went the other way. Isotonic regression is not offered: with far fewer than
a thousand validation days it overfits.

The validation windows have already chosen the stopping epoch; calibration on them is therefore a little optimistic.
The reliability curve of the report, on test days, shows by how much.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

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
    """Which calibrator a study fits: ``platt`` (slope and intercept), ``temperature`` (slope only) or ``none``."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["platt", "temperature", "none"] = "platt"

    def learn(self, raw: Floats, label: Ints) -> Calibrator:
        """Fit on validation: ``raw`` probabilities and 0/1 labels, shape ``(window,)``, decided windows only.

        ``none``, and an empty validation set, return the identity; the study refuses an empty set beforehand.
        """
        if self.kind == "none" or not len(raw):
            return IDENTITY
        z = _logit(raw)
        ups = int((label == 1).sum())
        target = np.where(label == 1, (ups + 1) / (ups + 2), 1 / (len(label) - ups + 2))

        def loss(theta: Floats) -> tuple[float, Floats]:
            score = theta[0] * z + (theta[1] if self.kind == "platt" else 0.0)
            slack = expit(score) - target
            value = np.mean(np.logaddexp(0.0, score) - target * score)
            return float(value), np.array([np.mean(slack * z), np.mean(slack) if self.kind == "platt" else 0.0])

        found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.0, 50.0), (-5.0, 5.0)])
        return Calibrator(float(found.x[0]), float(found.x[1]))


def _logit(raw: Floats) -> Floats:
    return np.asarray(logit(np.clip(raw, _EDGE, 1 - _EDGE)))
