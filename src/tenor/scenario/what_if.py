"""What if: a scenario carried from the shock to profit and loss, one number after the other.

Scaler, models and calibrators are frozen; the position follows the study's rule. For each scenario the answer holds the
**chain** (curve, funding, bonds, prices, factors, probability, position, profit and loss), each link before and after,
and two waterfalls: over the scenario's own steps, shift by shift, and over families of factors, which says what of the
shock the model listened to. A shift that is an estimate (a macro surprise) is drawn many times, and every link has an
interval.

Profit and loss is that of the instant: ``pairs * multiplier * (S' - S)``. What was held earns it. What the new forecast
asks for is held from then on; its own figure says what it would have earned had it been held through the shock, and
moving to it costs both legs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from tenor.errors import MarketError
from tenor.factor.base import Factor
from tenor.factor.valuation import LegValue, beyond_funding
from tenor.pricing.basket import STAND_IN_BASKET
from tenor.scenario.base import Base
from tenor.scenario.desk import Desk
from tenor.scenario.moves import Moves
from tenor.scenario.plausibility import LEAST_SHARE, Plausibility, Seen
from tenor.scenario.world import Worlds, worlds
from tenor.units import Floats, Money, Price

DRAWS = 500
"""Draws of a scenario that is an estimate."""
LEVEL = 0.95
"""Coverage of the intervals over draws."""
_EDGES = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
LEGS = ("near", "far")


class Question(Protocol):
    """A scenario as it is asked: :class:`tenor.shock.Scenario`."""

    @property
    def name(self) -> str:
        """What tables print."""
        ...

    def moves(self, base: Base) -> Moves:
        """Return everything that changes."""
        ...

    def steps(self, base: Base) -> Sequence[tuple[str, Moves]]:
        """Return the shifts one by one, each with its words."""
        ...

    def horizon(self, base: Base) -> int:
        """Return over how many sessions it happens."""
        ...

    def given(self) -> tuple[tuple[str, float], ...]:
        """Return what each shift that is an estimate is the effect of, and its size in its own unit."""
        ...

    def remarks(self, base: Base) -> tuple[str, ...]:
        """Return what a reader must know of each shift that is an estimate."""
        ...

    def draws(self, base: Base, count: int, seed: int) -> tuple[Moves, ...]:
        """Return draws of everything that changes; none where no shift is an estimate."""
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """One number of the chain before and after; ``low`` to ``high`` where it is an estimate, else ``None``.

    ``unit`` is ``decimal``, ``points``, ``probability``, ``pairs``, ``money``, ``years``, or ``own`` for a surprise in
    the unit of its publication.
    """

    stage: str
    name: str
    unit: str
    base: float
    shocked: float
    low: float | None = None
    high: float | None = None

    @property
    def change(self) -> float:
        """Shocked less base."""
        return self.shocked - self.base


@dataclass(frozen=True, slots=True)
class CheapestBond:
    """Which bond is the cheapest to deliver into a leg, before and after, and how near another was."""

    contract: str
    base: str
    shocked: str
    switched: bool
    switch_base: Price
    switch_shocked: Price


@dataclass(frozen=True, slots=True)
class FactorMove:
    """A factor column before and after, with its z-score on the fold's train range (``None`` for a constant column).

    ``low`` to ``high`` where the scenario is an estimate, else ``None``.
    """

    column: str
    base: float | None
    shocked: float | None
    z_base: float | None
    z_shocked: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class ModelSays:
    """One model before and after: mean probability over seeds, their standard deviation and range, and its position."""

    model: str
    seeds: int
    up_base: float
    up_shocked: float
    sd_base: float | None
    sd_shocked: float | None
    low_shocked: float
    high_shocked: float
    pairs_base: float
    pairs_shocked: float


@dataclass(frozen=True, slots=True)
class Step:
    """One shift of a waterfall: the probability of up after it, and the profit and loss of what was held up to it."""

    name: str
    up: float
    pnl: Money


@dataclass(frozen=True, slots=True)
class FamilyStep:
    """One family of factors of a waterfall: the probability of up once it has taken its shocked values too."""

    name: str
    up: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario does.

    Parameters
    ----------
    name, shifts
        As the scenario is called, and what it consists of.
    chain
        Every link, in order.
    cheapest
        Of near and far.
    factors
        Every column.
    models
        Every model; the headline model's is in the chain too.
    steps, families
        Waterfalls: over the shifts in their order, and over the study's factors in theirs.
    held, wanted
        Pairs before, and what the new forecast asks for, seen from there.
    pnl_held, pnl_wanted, switch_cost
        Money: of what was held; what ``wanted`` would have made through the shock; what moving to it costs.
    plausibility, inputs, extrapolates
        How far the shock lies from history; whether the models have seen such inputs; and whether it is the shock that
        takes them where they have not been, and not the base already.
    draws
        Draws behind the intervals; 0 without.
    notes
        Whatever a reader must know of this answer.
    """

    name: str
    shifts: tuple[str, ...]
    chain: tuple[Link, ...]
    cheapest: tuple[CheapestBond, CheapestBond]
    factors: tuple[FactorMove, ...]
    models: tuple[ModelSays, ...]
    steps: tuple[Step, ...]
    families: tuple[FamilyStep, ...]
    held: float
    wanted: float
    pnl_held: Money
    pnl_wanted: Money
    switch_cost: Money
    plausibility: Plausibility
    inputs: Seen
    extrapolates: bool
    draws: int
    notes: tuple[str, ...]

    def link(self, name: str) -> Link:
        """Return one link; :class:`MarketError` listing them if there is none of that name."""
        found = next((link for link in self.chain if link.name == name), None)
        if found is None:
            raise MarketError(f"no link {name!r}; the chain has {[link.name for link in self.chain]}")
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Worlds with what the desk makes of them; world 0 is the base.

    Parameters
    ----------
    worlds
        The stack.
    ups
        Calibrated probability by model, ``(seed, s)``; of other models perhaps for the first worlds only.
    held
        Pairs held before.
    wanted
        Pairs that the headline model asks for, ``(s,)``.
    up
        The headline model's mean probability over seeds, ``(s,)``.
    pnl
        Money of what was held, ``(s,)``.
    """

    desk: Desk
    worlds: Worlds
    ups: Mapping[str, Floats]
    held: float
    wanted: Floats
    up: Floats
    pnl: Floats


def answered(desk: Desk, moves: Sequence[Moves], *, models: Sequence[str] | None = None) -> Answered:
    """Carry scenarios to profit and loss, all side by side: world ``k`` is ``moves[k - 1]``.

    ``models`` are asked, every model of the desk by default, the headline model always.
    """
    stack = worlds(desk.scene, moves)
    asked = None if models is None else dict.fromkeys((*models, desk.headline))
    return _answered(desk, stack, desk.ask(stack.rows, asked))


def _answered(desk: Desk, stack: Worlds, ups: Mapping[str, Floats]) -> Answered:
    up = np.asarray(ups[desk.headline].mean(axis=0))
    held = desk.start(up)
    pnl = held * desk.multiplier * (stack.spread - stack.spread[0])
    return Answered(desk, stack, ups, held, desk.pairs(desk.headline, up, held), up, np.asarray(pnl))


def what_if(desk: Desk, scenarios: Sequence[Question], *, draws: int = DRAWS, seed: int = 1) -> tuple[Outcome, ...]:
    """Answer every scenario.

    Parameters
    ----------
    desk
        Frozen models at one decision.
    scenarios
        What changes.
    draws, seed
        Draws of a scenario that is an estimate, and where they begin.

    Raises
    ------
    MarketError
        If a scenario names what the market does not have.
    """
    base, count = desk.scene.base, len(scenarios)
    steps = [scenario.steps(base) for scenario in scenarios]
    cumulative = [_cumulative([moves for _, moves in each]) for each in steps]
    totals = [moves[-1] for moves in cumulative]
    drawn = [scenario.draws(base, draws, seed) for scenario in scenarios]
    # The base, every scenario, its steps, its draws; and behind these worlds the rows that mix two of them.
    stack = worlds(desk.scene, [*totals, *chain.from_iterable(cumulative), *chain.from_iterable(drawn)])
    kinds, mixed = _mixed(desk.scene.factors, stack.rows[: 1 + count])
    said = desk.ask(np.concatenate([stack.rows, mixed]), [desk.headline])[desk.headline]
    others = desk.ask(stack.rows[: 1 + count], [name for name in desk.names if name != desk.headline])
    ups = {desk.headline: said[:, : len(stack)], **others}
    found = _answered(desk, stack, {name: ups[name] for name in desk.names})
    listened = said[:, len(stack) :].mean(axis=0).reshape(count, len(kinds))
    links = _links(found)
    judged = desk.history.judge(totals, [scenario.horizon(base) for scenario in scenarios])
    before, *inputs = desk.seen(stack.rows[: 1 + count, -1])
    notes = _notes(desk)
    outcomes, step, draw = [], 1 + count, 1 + count + sum(map(len, cumulative))
    for number, scenario in enumerate(scenarios):
        names = [name for name, _ in steps[number]]
        of_steps, of_draws = slice(step, step + len(names)), slice(draw, draw + len(drawn[number]))
        step, draw = of_steps.stop, of_draws.stop
        part = _Part(
            name=scenario.name,
            given=scenario.given(),
            shifts=tuple(names),
            world=1 + number,
            steps=of_steps,
            draws=of_draws,
            families=tuple(map(FamilyStep, kinds, listened[number].tolist())),
            plausibility=judged[number],
            inputs=inputs[number],
            extrapolates=_beyond(before, inputs[number]),
            notes=(*scenario.remarks(base), *notes),
        )
        outcomes.append(_outcome(found, links, part))
    return tuple(outcomes)


@dataclass(frozen=True, slots=True)
class _Part:
    """One scenario of a stack: where its worlds lie, and what is known of it beside them."""

    name: str
    given: tuple[tuple[str, float], ...]
    shifts: tuple[str, ...]
    world: int
    steps: slice
    draws: slice
    families: tuple[FamilyStep, ...]
    plausibility: Plausibility
    inputs: Seen
    extrapolates: bool
    notes: tuple[str, ...]


def _cumulative(moves: Sequence[Moves]) -> list[Moves]:
    """The first, the first two, and so on."""
    found: list[Moves] = []
    for each in moves:
        found.append(found[-1] + each if found else each)
    return found


Series = tuple[str, str, str, Floats]
"""Stage, name, unit, and the number in each world, ``(s,)``."""


def _links(found: Answered) -> list[Series]:
    """Every link of the chain, in its order."""
    stack, scene = found.worlds, found.worlds.scene
    curve, valuation = stack.curve, scene.valuation
    links: list[Series] = [
        ("curve", f"{valuation.curve} {years:g}y", "decimal", curve[:, at]) for at, years in enumerate(valuation.tenors)
    ]
    links += [
        ("curve", "curve level", "decimal", curve.mean(axis=1)),
        ("curve", "curve slope", "decimal", curve[:, -1] - curve[:, 0]),
    ]
    links += [("funding", name, "decimal", stack.funding[:, at]) for at, (name, _) in enumerate(valuation.terms)]
    legs = dict(zip(LEGS, (stack.value.near, stack.value.far), strict=True))
    codes = dict(zip(LEGS, (scene.base.near, scene.base.far), strict=True))
    for leg, value in legs.items():
        links.append(("funding", f"{codes[leg]} funding to delivery", "decimal", value.priced.repo[:, 0]))
    for leg, value in legs.items():
        links.append(("bond", *_before(codes[leg], value)))
    for leg, value in legs.items():
        links.append(("price", f"{codes[leg]} fair", "points", value.priced.fair.price[:, 0]))
    links += [
        ("price", codes["near"], "points", stack.near),
        ("price", codes["far"], "points", stack.far),
        ("price", "spread", "points", stack.spread),
    ]
    for leg, value in legs.items():
        links += [
            ("basis", f"{codes[leg]} gross basis", "points", value.gross[:, 0]),
            ("basis", f"{codes[leg]} carry", "points", value.carry[:, 0]),
            ("basis", f"{codes[leg]} net basis", "points", value.net[:, 0]),
            ("basis", f"{codes[leg]} implied repo rate", "decimal", value.irr[:, 0]),
        ]
    links.append(("basis", "implied forward repo", "decimal", stack.value.forward_repo[:, 0]))
    links += [
        ("forecast", f"probability of up, {found.desk.headline}", "probability", found.up),
        ("position", "pairs wanted", "pairs", found.wanted),
        ("result", "profit and loss of what was held", "money", found.pnl),
    ]
    return links


def _before(contract: str, value: LegValue) -> tuple[str, str, Floats]:
    """The clean price of the bond that is the cheapest in the base, in every world: one bond, not each world's own."""
    leg, at = value.priced.leg, int(value.priced.fair.cheapest[0, 0])
    clean = value.priced.paid[:, 0, at] - leg.delivery.accrued[0, at]
    return f"{leg.bonds[at]}, cheapest into {contract}", "points", clean


def _outcome(found: Answered, links: Sequence[Series], part: _Part) -> Outcome:
    desk, stack, at = found.desk, found.worlds, part.world
    count = part.draws.stop - part.draws.start
    chain_of = [Link("surprise", words, "own", 0.0, size) for words, size in part.given]
    for stage, name, unit, values in links:
        low, high = np.quantile(values[part.draws], _EDGES).tolist() if count else (None, None)
        chain_of.append(Link(stage, name, unit, float(values[0]), float(values[at]), low, high))
    wanted, base_up = float(found.wanted[at]), float(found.up[0])
    steps = zip(part.shifts, found.up[part.steps].tolist(), found.pnl[part.steps].tolist(), strict=True)
    return Outcome(
        name=part.name,
        shifts=part.shifts,
        chain=tuple(chain_of),
        cheapest=(_cheapest(stack, "near", at), _cheapest(stack, "far", at)),
        factors=_factors(desk, stack, at, part.draws),
        models=tuple(_says(desk, name, up, at, found.held) for name, up in found.ups.items()),
        steps=(Step("base", base_up, 0.0), *(Step(*step) for step in steps)),
        families=(FamilyStep("base", base_up), *part.families),
        held=found.held,
        wanted=wanted,
        pnl_held=float(found.pnl[at]),
        pnl_wanted=wanted * desk.multiplier * float(stack.spread[at] - stack.spread[0]),
        switch_cost=abs(wanted - found.held) * desk.cost,
        plausibility=part.plausibility,
        inputs=part.inputs,
        extrapolates=part.extrapolates,
        draws=count,
        notes=(*_unreached(stack, at), *_other_bonds(stack, at), *part.notes),
    )


def _notes(desk: Desk) -> tuple[str, ...]:
    """What every answer of this desk rests on."""
    scene = desk.scene
    pair = scene.valued.pair
    notes = ["observed richness is kept: each contract moves by as much as its fair price"]
    if pair.near.known.stand_in:
        notes.append(STAND_IN_BASKET)
    for leg in (pair.near, pair.far):
        there = leg.deliverable[-1]
        quoted = int((leg.quoted[-1] & there).sum())
        if quoted < there.sum():
            notes.append(
                f"{leg.contract.code}: {int(there.sum()) - quoted} of {int(there.sum())} bonds have no quote and are"
                f" priced off curve {scene.valuation.curve}"
            )
        notes += beyond_funding(scene.valuation, float(leg.delivery.days[-1]), leg.contract.code)
    if desk.held is not None and abs(desk.held) > desk.limits.max_pairs:
        notes.append(f"{desk.held:g} pairs are held, more than the study's limit of {desk.limits.max_pairs:g}")
    rates = {field.name for factor in scene.factors for field in factor.inputs if field.table == "rate"}
    if unmoved := sorted(rates - set(scene.valuation.funding)):
        notes.append(
            f"factors read {', '.join(unmoved)}, which is no funding term of the valuation: a repo shift leaves it"
        )
    notes += desk.models.left_out
    return tuple(notes)


def _beyond(base: Seen, shocked: Seen) -> bool:
    """Whether a shock takes the inputs where the base was not: a new far column, or a rank below the bound."""
    lost = shocked.rank < LEAST_SHARE <= base.rank
    return bool(lost or set(shocked.far) - set(base.far))


def _other_bonds(stack: Worlds, at: int) -> tuple[str, ...]:
    """Say where basis, carry and implied repo rate before and after are those of two bonds."""
    switched = [each for each in (_cheapest(stack, leg, at) for leg in LEGS) if each.switched]
    return tuple(
        f"the basis of {each.contract} is that of {each.base} before and of {each.shocked} after: its cheapest bond"
        for each in switched
    )


def _unreached(stack: Worlds, at: int) -> tuple[str, ...]:
    """Say where a scenario moves neither price: its curve points and terms are none that the legs are priced off."""
    if (stack.near[at], stack.far[at]) == (stack.near[0], stack.far[0]):
        return ("it reaches no price: nothing that the two legs are priced off moves",)
    return ()


def _cheapest(stack: Worlds, leg: str, at: int) -> CheapestBond:
    value = stack.value.near if leg == "near" else stack.value.far
    fair, bonds = value.priced.fair, value.priced.leg.bonds
    before, after = (bonds[int(fair.cheapest[world, 0])] for world in (0, at))
    return CheapestBond(
        contract=value.priced.leg.contract.code,
        base=before,
        shocked=after,
        switched=before != after,
        switch_base=float(fair.switch_distance[0, 0]),
        switch_shocked=float(fair.switch_distance[at, 0]),
    )


def _factors(desk: Desk, stack: Worlds, at: int, of_draws: slice) -> tuple[FactorMove, ...]:
    before, after = stack.rows[0, -1], stack.rows[at, -1]
    values = [before, after, desk.z(before), desk.z(after)]
    if of_draws.stop > of_draws.start:
        values += [*np.quantile(stack.rows[of_draws, -1], _EDGES, axis=0)]
    rows = np.stack(values, axis=1)
    known = [[value if np.isfinite(value) else None for value in row] for row in rows.tolist()]
    return tuple(FactorMove(column, *row) for column, row in zip(desk.scene.columns, known, strict=True))


def _says(desk: Desk, model: str, up: Floats, at: int, held: float) -> ModelSays:
    mean = up.mean(axis=0)
    pairs = desk.pairs(model, mean[[0, at]], held)
    several = len(up) > 1
    return ModelSays(
        model=model,
        seeds=len(up),
        up_base=float(mean[0]),
        up_shocked=float(mean[at]),
        sd_base=float(up[:, 0].std(ddof=1)) if several else None,
        sd_shocked=float(up[:, at].std(ddof=1)) if several else None,
        low_shocked=float(up[:, at].min()),
        high_shocked=float(up[:, at].max()),
        pairs_base=float(pairs[0]),
        pairs_shocked=float(pairs[1]),
    )


def _mixed(factors: Sequence[Factor], rows: Floats) -> tuple[tuple[str, ...], Floats]:
    """Factor rows in which one family after the other has taken its shocked values, scenario by scenario.

    In the order of the study; another order would share out what families do together in another way. ``rows`` are
    those of the base and of each scenario; returns the families, and ``(scenario * family, length, column)``.
    """
    kinds: dict[str, list[int]] = {}
    column = 0
    for factor in factors:
        width = len(factor.columns)
        kinds.setdefault(factor.kind, []).extend(range(column, column + width))
        column += width
    found = []
    for shocked in rows[1:]:
        mixed = rows[0]
        for columns in kinds.values():
            mixed = mixed.copy()
            mixed[:, columns] = shocked[:, columns]
            found.append(mixed)
    return tuple(kinds), np.array(found).reshape(-1, *rows.shape[1:])
