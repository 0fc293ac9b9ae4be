"""The words of a what-if: numbers as people write them, and the sentences of the verdict.

A yield is printed in per cent and its change in basis points, a price with four decimals, a probability in per cent and
its change in percentage points (pp), money with thousands apart. Page and terminal say the same sentences.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from tenor.errors import MarketError
from tenor.market.contract import product
from tenor.report.text import DASH, day, number
from tenor.report.what_if import Asked, WhatIf
from tenor.scenario.plausibility import FAR_SD, LEAST_SHARE, Plausibility, Seen
from tenor.scenario.search import Family, Flip, Sweep
from tenor.scenario.what_if import LEVEL, CheapestBond, FactorMove, FamilyStep, Link, ModelSays, Outcome, Step
from tenor.units import Money, Price

HALF = 0.5
"""Probability at which a forecast changes its mind."""
EDGE = 1e-4
"""A probability that crosses one half by less than this is on the edge: it has not changed its mind."""

FROM_THE_BASE = "Sweep, grid and counterfactuals start from the base, without the scenarios above."

STAND_IN = (
    "No list of deliverable bonds is in the data. The bonds behind these prices were never issued: one each quarter for"
    " each usual term, at the par coupon of the day. They tell how the spread responds to curve and funding; they"
    " cannot tell which real bond is the cheapest."
)

_CURRENCY = {"CNY": "yuan", "USD": "dollars"}
_SAME = 1e-9


def money_word(asked: Asked) -> str:
    """Return what a sentence calls the money: ``yuan`` for CNY."""
    return _CURRENCY.get(asked.currency, asked.currency)


def signed(value: float | None, digits: int = 2) -> str:
    """Format a change: with its sign, unless it rounds to nothing; a dash where it is undefined."""
    text = number(value, digits)
    return f"+{text}" if text[0].isdigit() and any(digit in text for digit in "123456789") else text


def _percent(value: float | None, digits: int) -> str:
    text = number(None if value is None else 100.0 * value, digits)
    return text if text == DASH else f"{text} %"


def chance(value: float | None) -> str:
    """Format a probability so that one sees on which side of one half it lies."""
    away = 1.0 if value is None or value == HALF else value - HALF
    digits = next((digits for digits in (2, 4) if 100 * abs(away) >= 0.5 * 10.0**-digits), None)
    if digits is None:
        return f"just {'above' if away > 0 else 'below'} 50 %"
    return _percent(value, digits)


_WRITTEN: Mapping[str, Callable[[float], str]] = {
    "decimal": lambda value: _percent(value, 3),
    "points": lambda value: number(value, 4),
    "probability": chance,
    "pairs": lambda value: signed(value, 2),
    "money": lambda value: number(value, 0),
    "years": lambda value: number(value, 2),
    "own": lambda value: number(value, 2),
}
_CHANGE: Mapping[str, Callable[[float], str]] = {
    "decimal": lambda value: f"{signed(10_000 * value, 1)} bp",
    "points": lambda value: signed(value, 4),
    "probability": lambda value: f"{signed(100 * value, 2)} pp",
    "pairs": lambda value: signed(value, 2),
    "money": lambda value: signed(value, 0),
    "years": lambda value: signed(value, 2),
    "own": lambda value: signed(value, 2),
}


def written(value: float | None, unit: str) -> str:
    """Format a number of a chain by its unit (:class:`~tenor.scenario.what_if.Link`); a dash for ``None``."""
    return DASH if value is None else _WRITTEN[unit](value)


def change(value: float | None, unit: str) -> str:
    """Format a difference of two numbers of a chain: basis points for rates, pp for probabilities."""
    return DASH if value is None or math.isnan(value) else _CHANGE[unit](value)


def interval(link: Link) -> str:
    """Return the interval over draws, or nothing where the scenario is no estimate."""
    if link.low is None or link.high is None:
        return ""
    low, high = (written(edge, link.unit) for edge in (link.low, link.high))
    return f"{low.removesuffix(' %')} to {high}"


def level() -> str:
    """Return the coverage of the intervals."""
    return f"{100 * LEVEL:g} %"


def moved(link: Link) -> bool:
    """Whether a link changes by more than rounding, or might, where the scenario is an estimate."""
    edges = [edge for edge in (link.shocked, link.low, link.high) if edge is not None]
    return any(abs(edge - link.base) > _SAME * max(1.0, abs(link.base)) for edge in edges)


def share(rank: float) -> str:
    """Format the share of the past that was as far out."""
    return "none" if rank == 0 else _percent(rank, 2 if rank < LEAST_SHARE else 0)


def standing(found: Plausibility) -> str:
    """Say in a word or two how far a shock lies from history; nothing is said where nothing of it could be judged."""
    return {True: "plausible", False: "IMPLAUSIBLE", None: "not judged"}[found.plausible]


def marks(outcome: Outcome) -> tuple[str, ...]:
    """Return the warnings of an answer: ``IMPLAUSIBLE``, ``EXTRAPOLATION``, both or none."""
    far = ("IMPLAUSIBLE",) if outcome.plausibility.plausible is False else ()
    return (*far, "EXTRAPOLATION") if outcome.extrapolates else far


def base_sentence(asked: Asked) -> str:
    """Say that the models had not seen such inputs even before any shock; nothing is said where they had."""
    return "" if asked.base_inputs.plausible else f"The base itself is unusual: {asked.base_inputs.sentence}."


def varies(answer: WhatIf) -> bool:
    """Whether something is varied or searched beside scenarios, so that :data:`FROM_THE_BASE` has to be said."""
    return bool(answer.outcomes and (answer.sweep or answer.grid or answer.flips))


def heading(answer: WhatIf) -> str:
    """Return the title: the one scenario, or how many, or what is varied."""
    if len(answer.outcomes) == 1:
        return f"What if {answer.outcomes[0].name}?"
    if answer.outcomes:
        return f"What if? {len(answer.outcomes)} scenarios"
    varied = answer.sweep or answer.grid
    if varied is not None:
        return f"What if {' and '.join(family.name for family in varied.families)}, at {len(varied.points)} sizes?"
    return "What flips the answer?"


def question(asked: Asked) -> str:
    """Say what was asked about, and when it was decided."""
    when = datetime.fromisoformat(asked.moment)
    session = datetime.fromisoformat(asked.session).date()
    try:
        at_close = product(asked.product).closes_at(session) == when
    except MarketError:  # a product without a rule book
        at_close = False
    decided = "at the close" if at_close else f"with what was known by {day(when.date())}, {when:%H:%M} UTC"
    return f"{asked.near}–{asked.far} on {day(session)}, decided {decided}"


def side(pairs: float) -> str:
    """Say which way pairs lie."""
    return "long near, short far" if pairs > 0 else "short near, long far" if pairs < 0 else "flat"


def _pairs(pairs: float) -> str:
    size = f"{abs(pairs):,.2f}".rstrip("0").rstrip(".")
    return f"{size} pair{'' if size == '1' else 's'}"


def spread_sentence(outcome: Outcome, asked: Asked) -> str:
    """Say what the spread does."""
    spread = outcome.link("spread")
    if not moved(spread):
        return f"The spread stays at {number(spread.base, 4)} points."
    verb = "rises" if spread.change > 0 else "falls"
    return (
        f"The spread {asked.near}–{asked.far} {verb} by {number(abs(spread.change), 4)} points"
        f" ({number(ticks(abs(spread.change), asked), 1)} ticks) to {number(spread.shocked, 4)}."
    )


def ticks(points: Price, asked: Asked) -> float:
    """Return points as price steps."""
    return points / asked.tick


def earned_sentence(outcome: Outcome, asked: Asked) -> str:
    """Say what was held, and what it earns or loses."""
    if outcome.held == 0:
        return "Nothing is held, so nothing is earned or lost."
    does = "earn" if outcome.pnl_held >= 0 else "lose"
    one = _pairs(outcome.held).endswith("pair")
    return (
        f"The {_pairs(outcome.held)} held ({side(outcome.held)}) {does}{'s' if one else ''}"
        f" {amount(abs(outcome.pnl_held), asked)}."
    )


def amount(value: Money, asked: Asked) -> str:
    """Format money with its currency."""
    return f"{number(value, 0)} {money_word(asked)}"


def forecast_sentence(outcome: Outcome, asked: Asked) -> str:
    """Say what the forecast does, and what the desk would hold then."""
    up = outcome.link(f"probability of up, {asked.headline}")
    same = outcome.wanted == outcome.held
    position = (
        f"the position stays at {signed(outcome.held, 2)} pairs"
        if same
        else f"the position goes from {signed(outcome.held, 2)} to {signed(outcome.wanted, 2)} pairs, which costs"
        f" {amount(outcome.switch_cost, asked)}"
    )
    mind = ""
    if flipped(up.base, up.shocked):
        mind = ", so the forecast flips"
    elif on_the_edge(up.base, up.shocked):
        mind = ", on the edge of one half"
    return f"The probability of up {goes(up.base, up.shocked)}{mind}; {position}."


def goes(before: float, after: float) -> str:
    """Say that a probability goes from one to another, or stays where both print the same."""
    first, last = chance(before), chance(after)
    return f"stays at {first}" if first == last else f"goes from {first} to {last}"


def cheapest_sentence(bond: CheapestBond) -> str:
    """Say whether another bond becomes the cheapest to deliver."""
    if bond.switched:
        return f"The cheapest bond of {bond.contract} switches from {bond.base} to {bond.shocked}."
    return f"The cheapest bond of {bond.contract} stays {bond.base}."


def inputs_sentence(outcome: Outcome, base: Seen) -> str:
    """Say in short whether the models have seen such factors; ``base`` is what was seen of them before the shock."""
    inputs = outcome.inputs
    rows = f"{share(inputs.rank)} of the train rows were as far out"
    if inputs.plausible:
        return f"Inputs seen in train: {rows}."
    if not outcome.extrapolates:
        return f"{_like_the_base(inputs, base)}: {rows}."
    far = f"{len(inputs.far)} factor{' lies' if len(inputs.far) == 1 else 's lie'}"
    return (
        f"EXTRAPOLATION: {rows}; {far} more than {FAR_SD:g} standard deviations from the mean of train,"
        f" {len(inputs.outside)} outside the range of train."
    )


def inputs_in_full(outcome: Outcome, base: Seen) -> str:
    """Say the same with the names of the columns, where they are not those of the base."""
    if outcome.inputs.plausible or outcome.extrapolates:
        return f"{outcome.inputs.sentence}."
    return inputs_sentence(outcome, base)


def _like_the_base(inputs: Seen, base: Seen) -> str:
    if inputs.rank >= base.rank:
        return "Inputs no further out than the base"
    return f"Inputs unusual like those of the base ({share(base.rank)}), and further out"


def verdict_sentences(outcome: Outcome, asked: Asked) -> tuple[str, ...]:
    """Return what a trader reads first: spread and money, forecast and position, and the cheapest bonds."""
    switched = [cheapest_sentence(bond) for bond in outcome.cheapest if bond.switched]
    return (
        f"{spread_sentence(outcome, asked)} {earned_sentence(outcome, asked)}",
        f"{forecast_sentence(outcome, asked)} {' '.join(switched) or 'No cheapest bond switches.'}",
    )


def flipped(before: float, after: float) -> bool:
    """Whether the probability crosses one half, and moves by :data:`EDGE` or more in doing so."""
    return _crosses(before, after) and abs(after - before) >= EDGE


def on_the_edge(before: float, after: float) -> bool:
    """Whether the probability crosses one half by so little that it means nothing."""
    return _crosses(before, after) and abs(after - before) < EDGE


def _crosses(before: float, after: float) -> bool:
    return (before - HALF) * (after - HALF) < 0


def mind(says: ModelSays) -> str:
    """Say whether a model changes its mind: ``flips``, ``on the edge``, or nothing."""
    if flipped(says.up_base, says.up_shocked):
        return "flips"
    return "on the edge" if on_the_edge(says.up_base, says.up_shocked) else ""


def seed_range(says: ModelSays) -> str:
    """Format the lowest and the highest seed after the shock."""
    if says.seeds == 1:
        return "one seed"
    return f"{chance(says.low_shocked).removesuffix(' %')} to {chance(says.high_shocked)}"


def rank(found: Plausibility) -> str:
    """Format how much of the past was as far out; a dash where nothing of the shock could be judged."""
    return DASH if standing(found) == "not judged" else share(found.rank)


def general(value: float | None) -> str:
    """Format a factor value, whose unit this page does not know, with five significant digits."""
    if value is None or not math.isfinite(value):
        return DASH
    digits = 4 if value == 0 else min(max(4 - math.floor(math.log10(abs(value))), 0), 8)
    return number(value, digits)


def factor_moved(each: FactorMove) -> bool:
    """Whether a factor changes by more than rounding, or might, or becomes known or unknown."""
    if each.base is None or each.shocked is None:
        return each.base is not each.shocked
    edges = [edge for edge in (each.shocked, each.low, each.high) if edge is not None]
    return any(abs(edge - each.base) > _SAME * max(1.0, abs(each.base)) for edge in edges)


def size(value: float) -> str:
    """Format a size with its sign and as many digits as it has, three at most."""
    digits = next((digits for digits in range(4) if abs(round(value, digits) - value) < _SAME), 3)
    return signed(value, digits)


def sized(value: float, family: Family) -> str:
    """Return a family at one size: ``parallel +23.1bp``."""
    return f"{family.name} {size(value)}{family.unit}"


def flip_sentence(flip: Flip) -> str:
    """Say how small a shock flips the forecast or the position, or within what bounds none does."""
    what, unit = ("probability of up", "probability") if flip.of == "forecast" else ("pairs wanted", "pairs")
    if flip.size is None:
        low, high = written(flip.lowest, unit), written(flip.highest, unit)
        stays = f"{'stay' if unit == 'pairs' else 'stays'} {f'at {low}' if low == high else f'within {low} to {high}'}"
        return (
            f"No {flip.family.name} shock between {size(-flip.bound)}{flip.family.unit} and"
            f" {size(flip.bound)}{flip.family.unit} flips the {flip.of}: the {what} {stays}."
        )
    judged = {True: "a plausible size", False: "an IMPLAUSIBLE size", None: "a size that was not judged"}
    within = f", found to within {flip.resolution:.2g}{flip.family.unit}" if flip.resolution >= 0.0005 else ""
    return (
        f"{sized(flip.size, flip.family)} flips the {flip.of} ({what} {written(flip.base, unit)} →"
        f" {written(flip.flipped, unit)}): {judged[flip.plausible]}{within}."
    )


def switches(sweep: Sweep) -> tuple[tuple[float, float, str], ...]:
    """Return where along a sweep a cheapest bond changes: the sizes before and after, and which becomes which."""
    found = []
    ordered = sorted(sweep.points, key=lambda point: point.sizes[0])
    for before, after in pairwise(ordered):
        changed = [
            f"{leg}: {one} → {other}"
            for leg, one, other in (
                ("near", before.near_cheapest, after.near_cheapest),
                ("far", before.far_cheapest, after.far_cheapest),
            )
            if one != other
        ]
        if changed:
            found.append((before.sizes[0], after.sizes[0], "; ".join(changed)))
    return tuple(found)


def between(low: float, high: float, family: Family) -> str:
    """Return two neighbouring sizes of a family: ``Between parallel +5bp and +10bp``."""
    return f"Between {sized(low, family)} and {size(high)}{family.unit}"


def steps_sentence(outcome: Outcome, asked: Asked) -> str:
    """Say over the waterfall of shifts what they do together, and which of several does most."""
    first, last = outcome.steps[0], outcome.steps[-1]
    whole = (
        f"What was held makes {change(last.pnl, 'money')} {money_word(asked)}, and the probability of up"
        f" {goes(first.up, last.up)}"
    )
    if len(outcome.steps) <= 2:
        return f"{whole}."
    pnl = _largest(outcome.steps, "pnl")
    up = _largest(outcome.steps, "up")
    return (
        f"{whole}, shift by shift in the order given. Most money: {pnl[0]}, {change(pnl[1], 'money')}; most"
        f" probability: {up[0]}, {change(up[1], 'probability')}."
    )


def families_sentence(outcome: Outcome, asked: Asked) -> str:
    """Say over the waterfall of families what of the shock the model listened to."""
    steps = outcome.families
    total = steps[-1].up - steps[0].up
    heard = [(step.name, step.up - before.up) for before, step in pairwise(steps)]
    if not any(abs(move) > _SAME for _, move in heard):
        return f"No family of factors moves the probability of {asked.headline}."
    name, most = _largest(steps, "up")
    return (
        f"Of all families of factors {name} moves the probability most, {change(most, 'probability')}; all together"
        f" move it {change(total, 'probability')}. One family of factors after the other takes its shocked values."
    )


def _largest(steps: Sequence[Step | FamilyStep], what: str) -> tuple[str, float]:
    """The step that changes ``what`` most, and by how much."""
    moves = [(after.name, float(getattr(after, what) - getattr(before, what))) for before, after in pairwise(steps)]
    return max(moves, key=lambda move: abs(move[1]))


def models_sentence(outcome: Outcome) -> str:
    """Say over the figure of models how many change their mind, and how to read it."""
    changed, edge = ([each.model for each in outcome.models if mind(each) == what] for what in ("flips", "on the edge"))
    count = f"{len(changed)} of {len(outcome.models)} models change their mind"
    named = f": {', '.join(changed)}" if changed else ""
    near = f"; on the edge of one half, before and after: {', '.join(edge)}" if edge else ""
    return (
        f"{count}{named}{near}. Hollow before, filled after; bars are one standard"
        " deviation over seeds, the pale line after the shock reaches from the lowest to the highest seed."
    )


def reach(varied: Sweep, asked: Asked) -> str:
    """Say within what bounds probability and money stay over all sizes."""
    ups, pnls = [point.up for point in varied.points], [point.pnl for point in varied.points]
    far = sum(point.plausible is False for point in varied.points)
    names = " and ".join(family.name for family in varied.families)
    return (
        f"Over {len(varied.points)} sizes of {names} the probability of up lies between"
        f" {chance(min(ups))} and {chance(max(ups))}, and what was held makes between {change(min(pnls), 'money')} and"
        f" {change(max(pnls), 'money')} {money_word(asked)}; {far or 'none'} of the sizes"
        f" {'is' if far <= 1 else 'are'} IMPLAUSIBLE."
    )


def sweep_caption(sweep: Sweep, asked: Asked) -> str:
    """Say over the figure of a sweep what it found and how to read it."""
    lines = (
        " Dotted lines, half-way between two sizes: another bond becomes the cheapest."
        if switches(sweep)
        else " No cheapest bond switches."
    )
    return f"{reach(sweep, asked)} Implausible sizes are hollow on grey; the dashed line is one half.{lines}"


def grid_caption(grid: Sweep, asked: Asked, what: str) -> str:
    """Say over a heat map what it shows and how to read it."""
    values = [point.pnl if what == "pnl" else point.up for point in grid.points]
    shown = (
        f"Profit and loss of what was held ({signed(asked.held)} pairs), {asked.currency}. {reach(grid, asked)}"
        f" {_earns(values)}"
        if what == "pnl"
        else f"Probability of up, {asked.headline}. {_leans(values)}"
    )
    crossed = " Crosses: IMPLAUSIBLE." if any(point.plausible is False for point in grid.points) else ""
    return f"{shown}{crossed}"


def _earns(pnls: Sequence[Money]) -> str:
    """How to read the colours of a heat map of money, which span what occurs."""
    if min(pnls) < 0 < max(pnls):
        return "Blue earns, orange loses."
    if min(pnls) == max(pnls):
        return "All cells are the same."
    if min(pnls) >= 0:
        return "No cell loses; the deeper the blue, the more it earns."
    return "No cell earns; the deeper the orange, the more it loses."


def _leans(ups: Sequence[float]) -> str:
    """How to read the colours of a heat map of probability, which span what occurs."""
    if min(ups) < HALF < max(ups):
        return "Blue is up, orange is down; a black line runs where the forecast flips."
    if min(ups) >= HALF:
        return "No cell crosses one half: all are up, the deeper the blue, the surer."
    return "No cell crosses one half: all are down, the deeper the orange, the surer."


def method(answer: WhatIf) -> tuple[tuple[str, str], ...]:
    """Return how the numbers came about: heading and words."""
    asked = answer.asked
    draws = max((outcome.draws for outcome in answer.outcomes), default=0)
    held = "as given" if asked.held_given else f"what {asked.headline} asks for before the shock, from nothing"
    parts = [
        (
            "What is shocked",
            f"Curve {asked.curve}, the funding terms {', '.join(asked.funding)}, and whatever else a scenario names, at"
            " once. Bonds are priced anew, contracts from the bonds, factors from the contracts; then the models are"
            " asked again.",
        ),
        (
            "Richness is kept",
            "Each contract moves by as much as its fair price does: what it was dear or cheap before, it is after."
            " Bonds keep their spread to the curve.",
        ),
        (
            "Frozen models",
            f"Fold {asked.fold + 1} of the run {asked.run} answers, trained on {asked.train} and tested on"
            f" {asked.test}. Scaling, weights and calibration are those of the run; nothing is learnt from the shock."
            " The probability of a model is the mean over its seeds.",
        ),
        (
            "Position",
            f"Rule {asked.rule}, on {asked.headline}; {signed(asked.held, 2)} pairs held, {held}. One pair and point"
            f" are {amount(asked.multiplier, asked)}; changing by one pair costs {amount(asked.cost, asked)}.",
        ),
        (
            "Profit and loss",
            "Of the instant: pairs times money per point times the change of the spread. No carry, no margin, no time"
            " passes. That of the new position says what it would have made had it been held through the shock.",
        ),
        (
            "Waterfalls",
            "Shifts are added in the order in which they are written, families of factors in the order of the study."
            " Another order shares out what several do together in another way; beginning and end stay.",
        ),
        (
            "Plausibility",
            "Mahalanobis distance of the moves of curve and funding among the changes of the past; its rank is the"
            " share of past changes at least as far out. A second look asks whether the models were trained on such"
            " factors. What is IMPLAUSIBLE or an EXTRAPOLATION is marked and still shown.",
        ),
    ]
    if draws:
        parts.append(
            (
                "Intervals",
                f"A shift that is an estimate is drawn {draws:,} times, and each draw goes through the whole chain; an"
                f" interval holds the middle {level()} of them.",
            )
        )
    return tuple(parts)
