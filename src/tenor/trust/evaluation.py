"""What an evaluation holds: each number as a distribution over seeds and over time.

Over seeds: mean and standard deviation. Over time: a block-bootstrap interval of the seed average. These are values
alone; :mod:`tenor.trust.evaluate` fills them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tenor.decide.backtest import Fill
from tenor.decide.costs import Costs
from tenor.decide.limits import Limits
from tenor.decide.position import Probability, Sign
from tenor.trust.score import Reliability
from tenor.trust.significance import Interval
from tenor.units import Dates, Floats

RULES = ("majority", "reversal", "momentum", "random_walk")
"""Models that every other model is compared with."""

ALL = "all"
"""Name of the scope that pools every product."""


@dataclass(frozen=True, slots=True)
class Score:
    """One number as a distribution: over seeds, and of the seed average over time.

    ``mean`` and ``sd`` are over seeds, ``low`` to ``high`` the interval over time. ``sd`` is ``None`` for
    a model with one seed; ``low`` and ``high`` are ``None`` for scores without an interval. NaN where the
    score is undefined.
    """

    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Direction:
    """How good one model's calls were in one scope (a product, or all)."""

    model: str
    scope: str
    seeds: int
    scores: Mapping[str, Score]
    n: int
    n_neutral: int
    n_zero: int
    binomial_p: float
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Earned:
    """What one model's positions earned under one position rule and one fill in one scope."""

    model: str
    position: str
    fill: Fill
    scope: str
    seeds: int
    scores: Mapping[str, Score]
    no_forecast: int
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """First model minus second on the same sessions; ``measure`` is ``accuracy`` or ``sharpe``."""

    first: str
    second: str
    measure: str
    estimate: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a model that learns beats every rule in accuracy; ``p_holm`` is corrected over such models."""

    model: str
    best_rule: str
    margin: float
    p_holm: float
    found: bool


@dataclass(frozen=True, slots=True, eq=False)
class Equity:
    """Cumulative return on margin of one model (headline position and fill), additive on constant capital.

    ``net`` has shape ``(seed, session)``, ``gross`` is the seed mean, shape ``(session,)``.
    """

    model: str
    net: Floats
    gross: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All that a report shows of a study's test ranges."""

    level: float
    replications: int
    block: float
    sessions: Dates
    directions: tuple[Direction, ...]
    by_fold: Mapping[str, tuple[Score, ...]]
    reliabilities: Mapping[str, Reliability]
    earned: tuple[Earned, ...]
    equities: tuple[Equity, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    ledger: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How positions are traded and uncertainty is stated; the first position and fill are the headline."""

    positions: Sequence[Sign | Probability]
    fills: Sequence[Fill]
    costs: Costs
    limits: Limits
    sessions_per_year: int
    level: float
    replications: int
    seed: int


def over_seeds(values: Floats) -> Score:
    """Mean and standard deviation over seeds, ``(seed,)``; one seed has no standard deviation."""
    values = np.asarray(values, dtype=np.float64)
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return Score(float(values.mean()), sd)


def with_interval(score: Score, interval: Interval, number: int) -> Score:
    """Add the interval of series ``number``."""
    return Score(score.mean, score.sd, float(interval.low[number]), float(interval.high[number]))
