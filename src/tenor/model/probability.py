"""Between scores and probabilities: the logistic function and its inverse.

``scipy.special`` has both, and takes longer to load than a kept run takes to answer.
"""

import numpy as np

from tenor.units import AnyArray, Floats


def expit(score: AnyArray) -> Floats:
    """Return ``1 / (1 + exp(-score))``, same shape; no score overflows."""
    small = np.exp(-np.abs(np.asarray(score, np.float64)))
    return np.asarray(np.where(score >= 0, 1.0, small) / (1.0 + small))


def logit(probability: AnyArray) -> Floats:
    """Return ``log(p / (1 - p))``, same shape; infinite at 0 and 1."""
    given = np.asarray(probability, np.float64)
    return np.asarray(np.log(given) - np.log1p(-given))
