"""Who is better than whom, on the same sessions, and whether anything was found.

The finding is deliberately hard to make. A model is said to have found something only if its accuracy beats *every*
rule on the same days: the largest of its p-values against the rules, halved for the direction, then corrected by Holm
over the models that learn. Under no signal that happens at most as often as the stated level allows.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from tenor.trust import significance
from tenor.trust.evaluation import RULES, Comparison, Finding
from tenor.units import Floats, Ints


class Statistics(Protocol):
    """How uncertainty is stated."""

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        ...

    @property
    def sessions_per_year(self) -> int:
        """Annualises daily figures."""
        ...


class Returns(Protocol):
    """What was earned: ``returns`` per session, ``(seed, session)``."""

    @property
    def returns(self) -> Floats:
        """Net returns of each session."""
        ...


def compare(
    right: Mapping[str, significance.Sessions], headline: Mapping[str, Returns], days: Ints, terms: Statistics
) -> tuple[Comparison, ...]:
    """Every model that learns minus every rule, and minus every model that learns before it in the study."""
    learners = [name for name in right if name not in RULES]
    pairs = [(first, rule) for first in learners for rule in RULES if rule in right]
    pairs += [(first, second) for i, first in enumerate(learners) for second in learners[:i]]
    if not pairs:
        return ()
    out = []
    for first, second in pairs:
        # a fold that failed for one of the two models leaves both
        same = right[first].count == right[second].count
        gap = significance.accuracy_difference(
            np.where(same, right[first].total.mean(axis=0), 0.0),
            np.where(same, right[second].total.mean(axis=0), 0.0),
            np.where(same, right[first].count, 0),
            days,
            level=terms.level,
        )
        out.append(_comparison(first, second, "accuracy", gap, None))
    if not headline:
        return tuple(out)
    estimate, draws = significance.seed_sharpe(
        [money.returns for money in headline.values()], days, sessions_per_year=terms.sessions_per_year
    )
    place = {name: number for number, name in enumerate(headline)}
    one, other = ([place[pair[side]] for pair in pairs] for side in (0, 1))
    gaps = significance.difference_of(estimate[one] - estimate[other], draws[one] - draws[other], terms.level)
    out += [_comparison(*pair, "sharpe", gaps, number) for number, pair in enumerate(pairs)]
    return tuple(out)


def _comparison(first: str, second: str, measure: str, gap: significance.Difference, number: int | None) -> Comparison:
    found = (gap.estimate, gap.low, gap.high, gap.p_value)
    return Comparison(first, second, measure, *(float(value if number is None else value[number]) for value in found))


def _one_sided(found: Comparison) -> float:
    """P-value of "first is better"; 1 where the two have no session in common."""
    if np.isnan(found.p_value):
        return 1.0
    return found.p_value / 2 if found.estimate > 0 else 1 - found.p_value / 2


def findings(comparisons: Sequence[Comparison], level: float) -> tuple[Finding, ...]:
    """Test for each model that learns that it beats every rule: intersection-union, Holm over models.

    A comparison without a common session says nothing, so its p-value counts as 1.
    """
    against = [c for c in comparisons if c.measure == "accuracy" and c.second in RULES]
    models = list(dict.fromkeys(c.first for c in against))
    weakest = []
    for model in models:
        mine = [c for c in against if c.first == model]
        one_sided = max(_one_sided(c) for c in mine)
        weakest.append((min(mine, key=lambda c: c.estimate), one_sided))
    corrected = significance.holm([p for _, p in weakest])
    return tuple(
        Finding(model, worst.second, worst.estimate, float(p), bool(p < round(1 - level, 12)))
        for model, (worst, _), p in zip(models, weakest, corrected, strict=True)
    )
