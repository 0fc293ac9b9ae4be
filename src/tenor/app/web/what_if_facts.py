"""What a scenario does, as facts in the reader's language: before and after, how far from history, what flips it."""

from tenor.app.web.parts import Visit
from tenor.report.text import number, percent
from tenor.report.what_if import Asked
from tenor.report.what_if_text import (
    chance,
    flipped,
    moved,
    on_the_edge,
    signed,
    size,
    sized,
    ticks,
    written,
)
from tenor.scenario.moves import in_words
from tenor.scenario.search import Flip
from tenor.scenario.what_if import Outcome

Fact = tuple[str, str, str]


def chain_facts(here: Visit, outcome: Outcome, asked: Asked) -> list[Fact]:
    """Return spread, profit and loss, probability and position, each before and after."""
    words = here.words
    spread, up = outcome.link("spread"), outcome.link(f"probability of up, {asked.headline}")
    change = f"{signed(spread.change, 4)}, {words('ticks', count=number(ticks(spread.change, asked), 1))}"
    mind = ""
    if flipped(up.base, up.shocked):
        mind = words("forecast_flips")
    elif on_the_edge(up.base, up.shocked):
        mind = words("on_the_edge")
    same = outcome.wanted == outcome.held
    rows = [
        (
            f"{words('spread_points')} {asked.near}–{asked.far}",
            _goes(number(spread.base, 4), number(spread.shocked, 4)),
            change if moved(spread) else "",
        ),
        (words("pnl_held"), _money(outcome.pnl_held, asked), f"{signed(outcome.held, 2)} {words('pairs_unit')}"),
        (f"{words('up_now')}: {asked.headline}", _goes(chance(up.base), chance(up.shocked)), mind),
        (
            words("position"),
            _goes(signed(outcome.held, 2), signed(outcome.wanted, 2)),
            "" if same else words("move_costs", cost=_money(outcome.switch_cost, asked)),
        ),
    ]
    switched = [
        (f"{words('cheapest')} {bond.contract}", _goes(bond.base, bond.shocked), "")
        for bond in outcome.cheapest
        if bond.switched
    ]
    return [*rows, *switched]


def distance_facts(here: Visit, outcome: Outcome) -> list[Fact]:
    """Return how far the shock lies from history, and the factors from what the models have seen."""
    words, found, inputs = here.words, outcome.plausibility, outcome.inputs
    told = ""
    if found.plausible is not None:
        told = words(
            "as_far_out", share=percent(found.rank, 2), count=f"{found.n:,}", sessions=found.horizon, day=found.similar
        )
    if found.unjudged:
        told = f"{told} {words('unjudged', what=in_words(found.unjudged))}".strip()
    seen = "inputs_seen" if inputs.plausible else "inputs_far" if outcome.extrapolates else "inputs_like_base"
    rows = words("rows_as_far_out", share=percent(inputs.rank, 2), far=len(inputs.far), outside=len(inputs.outside))
    return [(words("plausible"), _judged(here, found.plausible), told), (words("inputs"), words(seen), rows)]


def base_facts(here: Visit, asked: Asked) -> list[Fact]:
    """Return whether the models had seen such inputs before any shock; nothing where they had."""
    words, inputs = here.words, asked.base_inputs
    if inputs.plausible:
        return []
    rows = words("rows_as_far_out", share=percent(inputs.rank, 2), far=len(inputs.far), outside=len(inputs.outside))
    return [(words("base_inputs"), words("inputs_far"), f"{rows}: {', '.join((*inputs.far, *inputs.outside))}")]


def flip_row(here: Visit, flip: Flip) -> list[str]:
    """Return one row of what would flip forecast or position, cells as HTML."""
    words, unit = here.words, "probability" if flip.of == "forecast" else "pairs"
    what = words(f"flips_{flip.of}")
    if flip.size is None:
        bound = f"± {size(flip.bound).removeprefix('+')}{flip.family.unit}"
        within = f"{written(flip.lowest, unit)} – {written(flip.highest, unit)}"
        return [what, flip.family.name, words("flips_never", bound=bound), within, ""]
    goes = _goes(written(flip.base, unit), written(flip.flipped, unit))
    return [what, flip.family.name, sized(flip.size, flip.family), goes, _judged(here, flip.plausible)]


def _money(value: float, asked: Asked) -> str:
    return f"{number(value, 0)} {asked.currency}"


def _judged(here: Visit, plausible: bool | None) -> str:
    return here.words({True: "is_plausible", False: "is_implausible", None: "is_not_judged"}[plausible])


def _goes(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
