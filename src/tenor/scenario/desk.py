"""The desk: frozen models that are asked about worlds, and what it would hold in each.

Preparation, weights and calibrator of the fold are those of the run; nothing is learnt. The desk acts on one number for
each model, the mean probability over its seeds; the seeds' spread stands beside it. A probability becomes a position by
the study's own rule, seen from what is held, with the study's limits and costs.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tenor.decide.limits import Limits
from tenor.decide.position import Probability, Sign, pairs_wanted
from tenor.model.frozen import FrozenModels
from tenor.scenario.plausibility import History, Inputs, Seen
from tenor.scenario.world import Scene, windows_of
from tenor.units import Floats, Money, Price


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """Who answers a what-if.

    Parameters
    ----------
    scene
        Where worlds begin.
    models, fold
        The run's models, and the position of the fold that answers.
    headline
        The model whose position is traded.
    rule
        From probability to position.
    limits
        The largest position.
    cost, multiplier
        Money for changing the position by one pair, and money per point and pair.
    tick
        Smallest price step, points.
    expected_move
        Mean absolute change of the spread over a session of train, points.
    history
        What curve and funding have done by the decision.
    inputs
        The product's factor rows in the fold's train range.
    held
        Pairs held before the scenario; ``None``: what the base forecast asks for.
    """

    scene: Scene
    models: FrozenModels
    fold: int
    headline: str
    rule: Sign | Probability
    limits: Limits
    cost: Money
    multiplier: Money
    tick: Price
    expected_move: Price
    history: History
    inputs: Inputs
    held: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Models that answer: those with at least one seed in this fold."""
        return tuple(
            model.name
            for model in self.models.models
            if any(not isinstance(one, str) for one in model.folds[self.fold])
        )

    def ask(self, rows: Floats, models: Iterable[str] | None = None) -> dict[str, Floats]:
        """Ask models about factor rows ``(s, length, column)``: calibrated probabilities ``(seed, s)`` by name.

        All of them by default. Seeds without a model are left out.
        """
        windows = windows_of(self.scene, rows)
        found = {}
        for name in self.names if models is None else models:
            ups = self.models.ups(name, self.fold, windows)
            there = [not isinstance(one, str) for one in self.models.model(name).folds[self.fold]]
            found[name] = ups[there]
        return found

    def pairs(self, model: str, up: Floats, held: float) -> Floats:
        """Pairs that the rule asks for at mean probabilities ``up`` ``(s,)``, seen from ``held`` pairs."""
        return pairs_wanted(
            self.rule,
            self.limits,
            up,
            held,
            scale=float(np.nanmean(self.models.scales(model, self.fold))),
            expected_move=self.expected_move,
            cost=self.cost,
            multiplier=self.multiplier,
        )

    def start(self, up: Floats) -> float:
        """Pairs held before the scenario: given, or what the headline model asks for from nothing at ``up[0]``."""
        if self.held is not None:
            return self.held
        return float(self.pairs(self.headline, up[:1], 0.0)[0])

    def z(self, rows: Floats) -> Floats:
        """How many standard deviations of train each factor value lies from its train mean: ``(..., column)``.

        NaN where the value is unknown, or the column did not vary in train.
        """
        return (rows - self.inputs.mean) / np.where(self.inputs.sd > 0, self.inputs.sd, np.nan)

    def seen(self, rows: Floats) -> tuple[Seen, ...]:
        """Say of each factor row, ``(s, column)``, whether the models have seen such inputs."""
        return self.inputs.judge(rows)
