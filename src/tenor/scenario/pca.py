"""Level, slope and curvature as the curve itself moves: principal components of its daily changes.

Litterman and Scheinkman (1991) found that three components explain nearly all of how a curve moves. They are fitted
here on the daily changes of the published points in the fold's train range, unweighted, with the mean taken off:
component ``j`` has the variance ``lambda_j`` and the loadings ``v_j`` of length 1, and a shift of ``k`` standard
deviations is ``k * sqrt(lambda_j) * v_j``. A component's sign is arbitrary; here the first raises the curve on average,
the second raises the long end against the short end, the third raises what lies between against both ends.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from tenor.errors import MarketError
from tenor.scenario.amount import Amount, deviations, said
from tenor.scenario.base import Base
from tenor.scenario.moves import Moves
from tenor.scenario.shift import on_curve
from tenor.settings import STRICT
from tenor.units import Floats

COMPONENTS = 3
NAMES = ("level", "slope", "curvature")
LEAST_CHANGES = 60
"""Daily changes of the whole curve below which nothing is fitted: about a quarter of a year."""


@dataclass(frozen=True, slots=True)
class PCA:
    """One component of the curve's daily changes, some standard deviations up.

    Parameters
    ----------
    component
        1, 2 or 3: level, slope or curvature.
    sd
        How many standard deviations of a day: ``+2sd``. Minus turns the move round.
    force
        Allow more than 10 standard deviations, which is otherwise refused.
    """

    __pydantic_config__: ClassVar = STRICT
    component: Annotated[int, Interval(ge=1, le=COMPONENTS)]
    sd: Amount
    force: bool = False
    kind: Literal["pca"] = "pca"

    def __post_init__(self) -> None:
        deviations(self.sd, force=self.force)

    def moves(self, base: Base) -> Moves:
        """Return ``k sqrt(lambda) v``; :class:`MarketError` if train has too few changes of the whole curve."""
        size = deviations(self.sd, force=True)
        found = components(base)
        if self.component > len(found.variances):
            raise MarketError(
                f"component {self.component} of a curve of {len(base.tenors)} points; it has {len(found.variances)}"
            )
        return on_curve(base, size * found.daily[self.component - 1])

    def describe(self) -> str:
        """Component, its usual name and the size."""
        return f"pca {self.component} ({NAMES[self.component - 1]}) {said(self.sd)}"


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of the curve's daily changes.

    Parameters
    ----------
    variances : Floats, shape (component,)
        ``lambda_j``, decimals squared, descending.
    loadings : Floats, shape (component, tenor)
        ``v_j``, rows of length 1.
    explained : Floats, shape (component,)
        Share of the total variance.
    n
        Daily changes used.
    """

    variances: Floats
    loadings: Floats
    explained: Floats
    n: int

    @property
    def daily(self) -> Floats:
        """One standard deviation of a day, ``sqrt(lambda_j) v_j``, decimals: shape (component, tenor)."""
        return np.sqrt(self.variances)[:, None] * self.loadings


def components(base: Base) -> Components:
    """Fit the components on the train range of ``base``: changes between consecutive sessions, both in train.

    Raises
    ------
    MarketError
        If fewer than ``LEAST_CHANGES`` changes have every point.
    """
    dates, _, values = base.levels()
    train = (dates >= np.datetime64(base.train[0], "D")) & (dates <= np.datetime64(base.train[1], "D"))
    curve = values[train, : len(base.tenors)]
    changes = np.diff(curve, axis=0)
    changes = changes[np.isfinite(changes).all(axis=1)]
    if len(changes) < LEAST_CHANGES:
        known = dict(
            zip((f"{years:g}y" for years in base.tenors), np.isfinite(curve).sum(axis=0).tolist(), strict=True)
        )
        raise MarketError(
            f"{len(changes)} daily changes of the whole curve {base.curve!r} from {base.train[0]} to {base.train[1]};"
            f" components need {LEAST_CHANGES} (sessions with each point: {known})"
        )
    return fitted(changes)


def fitted(changes: Floats) -> Components:
    """Return the components of ``changes``, shape (change, tenor), signed as the module says."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(changes, rowvar=False)))
    order = np.argsort(values)[::-1][:COMPONENTS]
    variances = np.maximum(values[order], 0.0)
    loadings = np.array([_signed(index, vectors[:, at]) for index, at in enumerate(order)])
    return Components(variances, loadings, variances / values.sum(), len(changes))


def _signed(index: int, loading: Floats) -> Floats:
    """A loading with the sign of its kind: level, slope, curvature."""
    ends, between = loading[[0, -1]], loading[1:-1]
    up = (loading.sum(), ends[1] - ends[0], between.mean() - ends.mean() if len(between) else -ends.mean())[index]
    return np.asarray(loading if up >= 0 else -loading)
