"""The page of a what-if: one HTML file for a trader with five seconds and for a reader with ten minutes.

The verdict on each scenario comes first, below a table of all of them where there are several, then what was varied and
what flips the answer; then for each scenario the chain of numbers from curve to money, the waterfalls, the models and
the factors; the method last. What is implausible is marked, never hidden. Equal answers give equal bytes.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape

import plotly.graph_objects as go

from tenor.report import what_if_text as words
from tenor.report.shell import Drawn, Section, drawn, shell, unbroken
from tenor.report.tables import Cell, Column, facts, plain_list, table
from tenor.report.text import DASH, SIMULATED, number
from tenor.report.what_if import Asked, WhatIf
from tenor.report.what_if_figures import (
    family_waterfall,
    grid_pnl,
    grid_up,
    models_before_and_after,
    shift_waterfall,
    sweep_figure,
    table_of,
)
from tenor.scenario.plausibility import FAR_SD
from tenor.scenario.search import Point, Sweep
from tenor.scenario.what_if import FactorMove, FamilyStep, Link, Outcome, Step

_FAR = f"more than {FAR_SD:g} standard deviations from the mean of train"
_ON_A_TELEPHONE = 7
"""Columns of a heat map beyond which a telephone shows its colours and crosses without the numbers."""
_IMPLAUSIBLE = "IMPLAUSIBLE: fewer than one in a hundred past changes were as far out"


def what_if_page(answer: WhatIf) -> str:
    """Render the answer to a what-if as one self-contained HTML file.

    Parameters
    ----------
    answer
        Everything that was asked and found.

    Returns
    -------
    str
        UTF-8 text of about 5 MB, of which 4.8 are the library that draws the figures. The same for equal answers.
    """
    plots = drawn(_figures(answer))
    asked = answer.asked
    varied = [
        Section("What flips the answer", "flips", _flips(answer)),
        Section("Sweep", "sweep", _sweep(answer.sweep, asked, plots) if answer.sweep else ""),
        Section("Grid", "grid", _grid(answer.grid, asked, plots) if answer.grid else ""),
    ]
    apart = f'<p class="note">{words.FROM_THE_BASE}</p>' if words.varies(answer) else ""
    sections = [
        Section("In numbers", "scenarios", _side_by_side(answer) if len(answer.outcomes) == 1 else ""),
        *(replace(section, body=apart + section.body) for section in varied if section.body),
        *(
            Section(outcome.name, f"scenario{at}", _scenario(outcome, at, asked, plots))
            for at, outcome in enumerate(answer.outcomes, start=1)
        ),
        Section("Method and notes", "method", _method(answer)),
    ]
    return shell(words.heading(answer), _header(answer), sections, plots, styles=("what_if.css",))


def _figures(answer: WhatIf) -> dict[str, go.Figure]:
    """Every figure under the name of its place."""
    found: dict[str, go.Figure] = {}
    if answer.sweep:
        found["sweep"] = sweep_figure(answer.sweep, answer.asked)
    if answer.grid:
        found["grid-pnl"] = grid_pnl(answer.grid, answer.asked)
        found["grid-up"] = grid_up(answer.grid)
    for at, outcome in enumerate(answer.outcomes, start=1):
        found[f"shifts{at}"] = shift_waterfall(outcome, answer.asked)
        found[f"families{at}"] = family_waterfall(outcome, answer.asked)
        found[f"models{at}"] = models_before_and_after(outcome)
    return found


def _header(answer: WhatIf) -> str:
    asked = answer.asked
    banners = [("SIMULATED", SIMULATED)] if asked.simulated else []
    if asked.stand_in:
        banners.append(("STAND-IN BASKET", words.STAND_IN))
    alarms = "".join(
        f'<div class="simulated" role="note"><strong>{name}</strong>{escape(text)}</div>' for name, text in banners
    )
    unusual = words.base_sentence(asked)
    base = f'<p class="base" role="note">{_said(unusual)}</p>' if unusual else ""
    several = f'<div id="scenarios">{_side_by_side(answer)}</div>' if len(answer.outcomes) > 1 else ""
    verdicts = "".join(_verdict(outcome, asked) for outcome in answer.outcomes)
    return (
        f'<header><h1>{escape(words.heading(answer))}</h1><p class="question">{escape(words.question(asked))}</p>'
        f"{alarms}{base}{several}{verdicts or _varied(answer)}{_facts(asked)}</header>"
    )


_UNITS = re.compile(r"(?<=\d) (?=(pp|bp|ticks|points|pairs?|yuan|dollars)\b)")


def _said(sentence: str) -> str:
    """Escape a sentence; no line ends between a number and its unit."""
    return _UNITS.sub("&nbsp;", unbroken(sentence))


def _verdict(outcome: Outcome, asked: Asked) -> str:
    """What a trader reads in five seconds, and how far to trust it."""
    badges = words.marks(outcome)
    marked = "".join(f'<span class="mark">{badge}</span>' for badge in badges)
    sentences = "".join(f"<p>{_said(sentence)}</p>" for sentence in words.verdict_sentences(outcome, asked))
    trust = f"{outcome.plausibility.sentence}. {words.inputs_sentence(outcome, asked.base_inputs)}"
    return (
        f'<div class="verdict what-if{" marked" if badges else ""}"><strong>{escape(outcome.name)}</strong>{marked}'
        f'{sentences}<p class="note">{_said(trust)}</p></div>'
    )


def _varied(answer: WhatIf) -> str:
    """The verdict where no scenario was asked: what the sweep, the grid and the search found."""
    found = [words.flip_sentence(flip) for flip in answer.flips]
    found += [words.reach(varied, answer.asked) for varied in (answer.sweep, answer.grid) if varied is not None]
    return f'<div class="verdict what-if">{"".join(f"<p>{_said(sentence)}</p>" for sentence in found)}</div>'


def _facts(asked: Asked) -> str:
    held = f"{words.signed(asked.held)} pairs ({words.side(asked.held)})"
    return facts(
        {
            "Run": escape(asked.run),
            "Study": escape(asked.study),
            "Source": escape(f"{asked.source}, SIMULATED" if asked.simulated else asked.source),
            "Pair": escape(f"{asked.near}–{asked.far}"),
            "Traded on": escape(f"{asked.headline}, rule {asked.rule}"),
            "Held before": escape(f"{held}, {'given' if asked.held_given else 'asked for by the forecast'}"),
            "Fold": escape(f"{asked.fold + 1}: trained {asked.train}"),
            "Curve and funding": escape(f"{asked.curve}; {', '.join(asked.funding)}"),
        }
    )


def _side_by_side(answer: WhatIf) -> str:
    asked = answer.asked
    columns = (
        Column("scenario", numeric=False),
        Column("spread", "change in points, and in ticks below"),
        Column(f"near {asked.near}", "change of its price, points"),
        Column(f"far {asked.far}", "change of its price, points"),
        Column("cheapest switches", "leg whose cheapest bond to deliver becomes another", numeric=False),
        Column("up before", f"probability of up, {asked.headline}"),
        Column("up after", "the same after the shock; its change below, in percentage points"),
        Column("pairs before"),
        Column("pairs after", "what the new forecast asks for"),
        Column("P&L held", f"of what was held, {asked.currency}"),
        Column("P&L new", f"what the new position would have made, held through the shock, {asked.currency}"),
        Column("switching", f"what moving from the held to the new position costs, {asked.currency}"),
        Column("as far", "share of past changes of curve and funding at least as far out"),
    )
    rows = [_across(outcome, asked) for outcome in answer.outcomes]
    return table("Every scenario, before and after", columns, rows) + (
        '<p class="note">Changes are those of the instant. “As far” is the share of past changes that were at least as'
        " far out; what lies below 1&nbsp;% is marked IMPLAUSIBLE and still shown.</p>"
    )


def _across(outcome: Outcome, asked: Asked) -> list[Cell | str]:
    spread, near, far = (outcome.link(name) for name in ("spread", asked.near, asked.far))
    up = outcome.link(f"probability of up, {asked.headline}")
    switched = [leg for leg, bond in zip(("near", "far"), outcome.cheapest, strict=True) if bond.switched]
    return [
        Cell(outcome.name, " ".join(words.marks(outcome))),
        Cell(words.change(spread.change, "points"), f"{words.signed(words.ticks(spread.change, asked), 1)} ticks"),
        words.change(near.change, "points"),
        words.change(far.change, "points"),
        " and ".join(switched) or "no",
        words.chance(up.base),
        Cell(words.chance(up.shocked), words.change(up.change, "probability")),
        words.signed(outcome.held),
        words.signed(outcome.wanted),
        words.change(outcome.pnl_held, "money"),
        words.change(outcome.pnl_wanted, "money"),
        words.written(outcome.switch_cost, "money"),
        Cell(words.rank(outcome.plausibility), words.standing(outcome.plausibility)),
    ]


def _flips(answer: WhatIf) -> str:
    sentences = "".join(f"<li>{_said(words.flip_sentence(flip))}</li>" for flip in answer.flips)
    note = (
        '<p class="note">The smallest size, in either direction, at which the probability crosses one half or the'
        " position changes its side.</p>"
    )
    return f'<ul class="flips">{sentences}</ul>{note}' if sentences else ""


def _scenario(outcome: Outcome, at: int, asked: Asked, plots: Drawn) -> str:
    marks = "".join(f'<span class="mark">{badge}</span>' for badge in words.marks(outcome))
    trust = f"{outcome.plausibility.sentence}. {words.inputs_in_full(outcome, asked.base_inputs)}"
    return (
        f"<p>Consists of: {escape('; '.join(outcome.shifts))}.{marks}</p>"
        f'<p class="note">{_said(trust)}</p>'
        + _chain(outcome)
        + _cheapest(outcome)
        + "<h3>Waterfall: which shift does what</h3>"
        + plots.figure(f"shifts{at}", _said(words.steps_sentence(outcome, asked)))
        + f"<h3>Waterfall: what of the shock {escape(asked.headline)} listens to</h3>"
        + plots.figure(f"families{at}", _said(words.families_sentence(outcome, asked)))
        + _steps(outcome)
        + "<h3>The models before and after</h3>"
        + plots.figure(f"models{at}", _said(words.models_sentence(outcome)))
        + _models(outcome)
        + _factors(outcome)
    )


def _chain(outcome: Outcome) -> str:
    """Every link that changes; those that stay are folded away below."""
    moving = [link for link in outcome.chain if words.moved(link)]
    still = [link for link in outcome.chain if not words.moved(link)]
    shown = (
        _links("The chain, from curve to money", moving, outcome.draws)
        if moving
        else "<p>Nothing in the chain changes.</p>"
    )
    if not still:
        return shown
    count = f"{len(still)} of {len(outcome.chain)} links do not change"
    return f"{shown}<details><summary>{count}</summary>{_links(count, still, 0)}</details>"


def _links(caption: str, links: Sequence[Link], draws: int) -> str:
    columns = [
        Column("quantity", numeric=False),
        Column("before"),
        Column("after"),
        Column("change", "basis points for rates, pp for percentage points of a probability"),
        *([Column(f"{words.level()} interval", f"of the number after the shock, over {draws} draws")] if draws else []),
        Column("stage", numeric=False),
    ]
    rows: list[list[Cell | str]] = [
        [
            link.name,
            words.written(link.base, link.unit),
            words.written(link.shocked, link.unit),
            words.change(link.change, link.unit),
            *([words.interval(link) or DASH] if draws else []),
            link.stage,
        ]
        for link in links
    ]
    return table(caption, columns, rows)


def _cheapest(outcome: Outcome) -> str:
    columns = (
        Column("contract", numeric=False),
        Column("before", numeric=False),
        Column("after", numeric=False),
        Column("switches", numeric=False),
        Column("distance before", "by how much the next bond was dearer, points of the futures price"),
        Column("distance after"),
    )
    rows = [
        [
            bond.contract,
            bond.base,
            bond.shocked,
            "YES" if bond.switched else "no",
            words.written(_finite(bond.switch_base), "points"),
            words.written(_finite(bond.switch_shocked), "points"),
        ]
        for bond in outcome.cheapest
    ]
    chosen = [at for at, bond in enumerate(outcome.cheapest) if bond.switched]
    return table("The cheapest bond to deliver, and how near the next one is", columns, rows, marked=chosen)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _steps(outcome: Outcome) -> str:
    """Both waterfalls in numbers."""
    columns = (
        Column("step", numeric=False),
        Column("up after it"),
        Column("change", "percentage points"),
        Column("P&L after it"),
        Column("change of P&L"),
    )

    def chances(steps: Sequence[Step | FamilyStep]) -> list[list[Cell | str]]:
        before = [steps[0], *steps[:-1]]
        return [
            [step.name, words.chance(step.up), words.change(step.up - one.up, "probability")]
            for one, step in zip(before, steps, strict=True)
        ]

    before = (outcome.steps[0], *outcome.steps[:-1])
    money: list[list[Cell | str]] = [
        [words.written(step.pnl, "money"), words.change(step.pnl - one.pnl, "money")]
        for one, step in zip(before, outcome.steps, strict=True)
    ]
    shifts = [said + earned for said, earned in zip(chances(outcome.steps), money, strict=True)]
    by_shift = table("Shift by shift", columns, shifts)
    by_family = table("Family by family", columns[:3], chances(outcome.families))
    return f"<details><summary>Both waterfalls in numbers</summary>{by_shift}{by_family}</details>"


def _models(outcome: Outcome) -> str:
    columns = (
        Column("model", numeric=False),
        Column("seeds"),
        Column("up before", "mean over seeds; ± is their standard deviation"),
        Column("up after", "mean over seeds; ± is their standard deviation"),
        Column("change"),
        Column("seeds after", "lowest and highest seed"),
        Column("pairs before"),
        Column("pairs after"),
        Column("forecast flips", numeric=False),
    )
    rows: list[list[Cell | str]] = [
        [
            each.model,
            str(each.seeds),
            Cell(words.chance(each.up_base), _sd(each.sd_base)),
            Cell(words.chance(each.up_shocked), _sd(each.sd_shocked)),
            words.change(each.up_shocked - each.up_base, "probability"),
            words.seed_range(each),
            words.signed(each.pairs_base),
            words.signed(each.pairs_shocked),
            {"flips": "YES", "": "no"}.get(words.mind(each), words.mind(each)),
        ]
        for each in outcome.models
    ]
    return table("What each model says", columns, rows)


def _sd(value: float | None) -> str:
    return "" if value is None else f"±{number(100 * value, 2)} pp"


def _factors(outcome: Outcome) -> str:
    columns = (
        Column("factor", numeric=False),
        Column("before"),
        Column("after"),
        *(
            [Column(f"{words.level()} interval", f"of the value after the shock, over {outcome.draws} draws")]
            if outcome.draws
            else []
        ),
        Column("z before", "standard deviations from the mean of train"),
        Column("z after", f"the same after the shock; beyond {FAR_SD:g} it is marked"),
    )
    moving = [each for each in outcome.factors if words.factor_moved(each)]
    still = [each for each in outcome.factors if not words.factor_moved(each)]
    ordered = [*moving, *still]
    rows: list[list[Cell | str]] = [
        [
            each.column,
            words.general(each.base),
            words.general(each.shocked),
            *([_range(each)] if outcome.draws else []),
            _z(each.z_base, each.base, ""),
            _z(each.z_shocked, each.shocked, _FAR if _is_far(each) else ""),
        ]
        for each in ordered
    ]
    far = [each.column for each in ordered if _is_far(each)]
    beyond = f"; beyond {FAR_SD:g} standard deviations: {', '.join(far)}" if far else ""
    summary = f"{len(moving)} of {len(ordered)} factor columns change{beyond}"
    inside = table(
        "Factors before and after, those that change first",
        columns,
        rows,
        marked=[at for at, each in enumerate(ordered) if _is_far(each)],
    )
    return f"<details><summary>{escape(summary)}</summary>{inside}</details>" if rows else ""


def _range(each: FactorMove) -> str:
    known = each.low is not None and each.high is not None
    return f"{words.general(each.low)} to {words.general(each.high)}" if known else DASH


def _is_far(each: FactorMove) -> bool:
    return each.z_shocked is not None and abs(each.z_shocked) > FAR_SD


def _z(value: float | None, known: float | None, remark: str) -> Cell:
    if value is None:
        return Cell(DASH, remark="unknown at the decision" if known is None else "did not vary in train")
    return Cell(words.signed(value), remark=remark)


def _sweep(sweep: Sweep, asked: Asked, plots: Drawn) -> str:
    columns = (
        Column(str(sweep.families[0]), "size of the shift", numeric=False),
        Column("spread"),
        Column("up"),
        Column("pairs wanted"),
        Column("P&L held", asked.currency),
        Column("cheapest, near", numeric=False),
        Column("cheapest, far", numeric=False),
    )
    rows: list[list[Cell | str]] = [
        [
            Cell(words.size(point.sizes[0]), remark="" if point.plausible is not False else _IMPLAUSIBLE),
            *_numbers(point),
            point.near_cheapest,
            point.far_cheapest,
        ]
        for point in sweep.points
    ]
    switched = words.switches(sweep)
    said = plain_list([f"{words.between(low, high, sweep.families[0])} — {what}" for low, high, what in switched])
    return (
        plots.figure("sweep", _said(words.sweep_caption(sweep, asked)))
        + (f"<h3>Where another bond becomes the cheapest</h3>{said}" if said else "")
        + f"<details><summary>The sweep in numbers</summary>{table('Size by size', columns, rows)}</details>"
    )


def _numbers(point: Point) -> tuple[str, ...]:
    return (
        words.written(point.spread, "points"),
        words.chance(point.up),
        words.written(point.pairs, "pairs"),
        words.change(point.pnl, "money"),
    )


def _grid(grid: Sweep, asked: Asked, plots: Drawn) -> str:
    maps = "".join(plots.figure(f"grid-{what}", _said(words.grid_caption(grid, asked, what))) for what in ("pnl", "up"))
    return (
        (f'<div class="narrow-cells">{maps}</div>' if len(grid.axes[1]) > _ON_A_TELEPHONE else maps)
        + "<details><summary>The grid in numbers</summary>"
        + _matrix(grid, f"Profit and loss of what was held, {asked.currency}", "pnl")
        + _matrix(grid, f"Probability of up, {asked.headline}", "up")
        + "</details>"
    )


def _matrix(grid: Sweep, caption: str, what: str) -> str:
    first, second = grid.families
    columns = [
        Column(f"{first} ↓, {second} →", "sizes of the two shifts", numeric=False),
        *(Column(words.size(size)) for size in grid.axes[1]),
    ]
    cells = [
        Cell(
            words.change(point.pnl, "money") if what == "pnl" else words.chance(point.up),
            remark="" if point.plausible is not False else _IMPLAUSIBLE,
        )
        for point in grid.points
    ]
    places = table_of(grid, range(len(cells))).astype(int).tolist()
    rows: list[list[Cell | str]] = [
        [words.size(size), *(cells[place] for place in row)] for size, row in zip(grid.axes[0], places, strict=True)
    ]
    return table(caption, columns, rows)


def _method(answer: WhatIf) -> str:
    pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{_said(text)}</dd></div>" for name, text in words.method(answer))
    notes = list(dict.fromkeys(note for outcome in answer.outcomes for note in outcome.notes))
    return f'<dl class="method">{pairs}</dl>' + (f"<h3>Notes of this answer</h3>{plain_list(notes)}" if notes else "")
