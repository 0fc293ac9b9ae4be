"""The answer to a what-if, as data: everything that its page, its tables and its JSON show.

It says of which run it is, at which decision it was asked, which models answered and who traded; then one outcome for
each scenario, and the sweep, the grid and the counterfactuals that were asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tenor.report.report import plain
from tenor.scenario.desk import Desk
from tenor.scenario.plausibility import Seen
from tenor.scenario.search import Flip, Sweep
from tenor.scenario.what_if import Outcome
from tenor.scenario.world import worlds
from tenor.units import Money, Price


@dataclass(frozen=True, slots=True)
class Asked:
    """Of whom, about what and when.

    Parameters
    ----------
    run, study
        Name of the run and of its study.
    source, simulated
        Where the market comes from; True where it was drawn.
    product, near, far
        Product and legs.
    session, moment
        The decision's session, and its moment in UTC (ISO).
    fold, train, test
        The fold that answers, and its ranges as ``first to last``.
    headline, models
        The model whose position is traded, and all that answer.
    rule
        The position rule, as tables print it.
    held, held_given
        Pairs held before, and whether they were given or are what the forecast asks for.
    cost, multiplier, tick
        Money for changing the position by one pair, money per point and pair, and the price step in points.
    currency
        Of all money.
    curve, funding
        The valuation's curve and its funding terms.
    stand_in
        True where the deliverable bonds are none that were issued.
    base_inputs
        Whether the models had seen inputs such as those of the base, before any shock.
    """

    run: str
    study: str
    source: str
    simulated: bool
    product: str
    near: str
    far: str
    session: str
    moment: str
    fold: int
    train: str
    test: str
    headline: str
    models: tuple[str, ...]
    rule: str
    held: float
    held_given: bool
    cost: Money
    multiplier: Money
    tick: Price
    currency: str
    curve: str
    funding: tuple[str, ...]
    stand_in: bool
    base_inputs: Seen


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One answer.

    Parameters
    ----------
    asked
        Of whom and when.
    outcomes
        One for each scenario, in the order asked.
    sweep, grid
        One shift, or two, at many sizes; ``None`` where not asked.
    flips
        Counterfactuals.
    """

    asked: Asked
    outcomes: tuple[Outcome, ...]
    sweep: Sweep | None
    grid: Sweep | None
    flips: tuple[Flip, ...]

    def answer(self) -> dict[str, Any]:
        """Return everything as JSON-ready tables."""
        return dict(plain(self))


def asked(desk: Desk, held: float, *, run: str, study: str) -> Asked:
    """Say who is asked and when."""
    scene, fold = desk.scene, desk.models.folds[desk.fold]
    base = scene.base
    return Asked(
        run=run,
        study=study,
        source=base.market.name,
        simulated=base.market.simulated,
        product=base.product,
        near=base.near,
        far=base.far,
        session=base.session.isoformat(),
        moment=base.moment.isoformat(),
        fold=desk.fold,
        train=_range(fold.train),
        test=_range(fold.test),
        headline=desk.headline,
        models=desk.names,
        rule=desk.rule.name,
        held=held,
        held_given=desk.held is not None,
        cost=desk.cost,
        multiplier=desk.multiplier,
        tick=desk.tick,
        currency=scene.panel.product.currency,
        curve=base.curve,
        funding=tuple(base.funding),
        stand_in=scene.valued.pair.near.known.stand_in,
        base_inputs=desk.seen(worlds(scene, ()).rows[:, -1])[0],
    )


def _range(days: Sequence[Any]) -> str:
    return f"{days[0]} to {days[1]}"
