"""What a reader sees first: the headline position and fill, the models that stand in front, the hardest rule.

A study computes every model under every position rule and every fill. A page that shows them all at once
shows nothing, so a few are drawn first and the rest wait one click away. Which ones is decided here, by where
they stand in the study and never by how well they did: the networks (or, without any, every model that
learns) and one rule, the most accurate of them, because that is the one to beat.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tenor.decide.backtest import Fill
from tenor.report.report import Report
from tenor.trust.evaluation import ALL, RULES, Direction, Earned

PLAIN = ("logistic", "lightgbm")
"""Models that learn without being networks; they run in every study as challengers."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands in front.

    Parameters
    ----------
    position, fill
        The first of the study.
    models
        Every model with scores, in the order of the study.
    learners, rules
        Those that learn, and the rules that they must beat.
    leading
        The last network that the study names; without a network the last model that learns; without any the
        last model.
    best_rule
        The rule with the highest accuracy; ``None`` if no rule was run.
    shown
        Models that figures draw at first, in the order of the study.
    """

    position: str
    fill: Fill
    models: tuple[str, ...]
    learners: tuple[str, ...]
    rules: tuple[str, ...]
    leading: str
    best_rule: str | None
    shown: tuple[str, ...]


def leading(models: Sequence[str]) -> str:
    """Return the model that stands in front: the last network; without one the last that learns; else the last."""
    learners = [name for name in models if name not in RULES]
    networks = [name for name in learners if name not in PLAIN]
    return (networks or learners or list(models))[-1]


def headline(report: Report) -> Headline:
    """Choose what a report shows first; nothing in it looks at how well a model that learns did."""
    pooled = [direction for direction in report.evaluation.directions if direction.scope == ALL]
    models = tuple(direction.model for direction in pooled)
    learners = tuple(name for name in models if name not in RULES)
    rules = tuple(name for name in models if name in RULES)
    networks = tuple(name for name in learners if name not in PLAIN)
    accuracy = {direction.model: direction.scores["accuracy"].mean for direction in pooled}
    best_rule = max(rules, key=lambda name: -math.inf if math.isnan(accuracy[name]) else accuracy[name], default=None)
    front = networks or learners or models
    first = report.evaluation.earned[0]
    return Headline(
        position=first.position,
        fill=first.fill,
        models=models,
        learners=learners,
        rules=rules,
        leading=leading(models),
        best_rule=best_rule,
        shown=tuple(name for name in models if name in front or name == best_rule),
    )


def direction_of(report: Report, model: str, scope: str = ALL) -> Direction:
    """Return how good the calls of ``model`` were in ``scope``."""
    return next(d for d in report.evaluation.directions if (d.model, d.scope) == (model, scope))


def earned_by(report: Report, model: str, position: str, fill: str, scope: str = ALL) -> Earned:
    """Return what ``model`` earned under one position rule and one fill in ``scope``."""
    wanted = (model, position, fill, scope)
    return next(e for e in report.evaluation.earned if (e.model, e.position, e.fill, e.scope) == wanted)
