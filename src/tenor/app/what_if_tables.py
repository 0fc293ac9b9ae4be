"""Rates and what-if on a terminal: the commands ``whatif``, ``basis`` and ``price``.

Each takes the answer as JSON has it. The sentences of a what-if are those of its page: the answer is read back into the
value that the page is written from, so that both faces say the same of the same numbers.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from tenor.app.tables import PAGE, number, percent, plural, table
from tenor.report import what_if_text as words
from tenor.report.text import DASH
from tenor.report.what_if import Asked, WhatIf
from tenor.scenario.search import Sweep
from tenor.scenario.what_if import Link, Outcome

MOST_COLUMNS = 11
"""Sizes across, beyond which a grid is told in a sentence."""
_MARK = " !"
"""Behind a size that is implausible."""
_SIMULATED = "SIMULATED: every price behind this answer was drawn, none was observed."
_STAND_IN = f"STAND-IN BASKET: {words.STAND_IN}"


def printed_what_if(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the answer to ``whatif``: :meth:`~tenor.report.what_if.WhatIf.answer` and ``page``, a path or ``None``."""
    out = _console(console)
    found = read_back(answer)
    asked = found.asked
    _alarms(out, simulated=asked.simulated, stand_in=asked.stand_in)
    out.print(_ascii(f"{words.heading(found)} {words.question(asked)}"), style="bold", soft_wrap=True)
    held = "given" if asked.held_given else "asked for by the forecast"
    _say(
        out,
        f"{asked.run}, study {asked.study}, fold {asked.fold + 1} (trained {asked.train}); traded on {asked.headline},"
        f" rule {asked.rule}; held {words.signed(asked.held)} pairs ({held}).",
    )
    unusual = words.base_sentence(asked)
    if unusual:
        _say(out, unusual, style="yellow")
    out.print()
    if len(found.outcomes) > 1:
        _side_by_side(out, found.outcomes, asked)
    for outcome in found.outcomes:
        _outcome(out, outcome, asked)
    if words.varies(found):
        _say(out, f"{words.FROM_THE_BASE}\n", style="dim")
    if found.sweep is not None:
        _sweep(out, found.sweep, asked)
    if found.grid is not None:
        _grid(out, found.grid, asked)
    for flip in found.flips:
        _say(out, words.flip_sentence(flip), style="" if flip.plausible is not False else "yellow")
    for note in dict.fromkeys(note for outcome in found.outcomes for note in outcome.notes):
        _say(out, note, style="dim")
    if answer.get("page"):
        out.print(f"\nPage: {answer['page']}", soft_wrap=True)


def read_back(answer: Mapping[str, Any]) -> WhatIf:
    """Return the value whose :meth:`~tenor.report.what_if.WhatIf.answer` this is; ``page`` is left aside.

    A number that JSON writes as null is NaN again.
    """
    outcomes = [
        {
            **outcome,
            "cheapest": [
                {**bond, **{name: _number(bond[name]) for name in ("switch_base", "switch_shocked")}}
                for bond in outcome["cheapest"]
            ],
            "chain": [
                {**link, **{name: _number(link[name]) for name in ("base", "shocked")}} for link in outcome["chain"]
            ],
        }
        for outcome in answer["outcomes"]
    ]
    whole = {name: part for name, part in answer.items() if name != "page"} | {"outcomes": outcomes}
    return TypeAdapter(WhatIf).validate_python(whole)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _console(console: Console | None) -> Console:
    return console or Console(width=None if sys.stdout.isatty() else PAGE, markup=False, emoji=False)


def _ascii(text: str) -> str:
    """A minus and a dash that can be copied into other programs."""
    return text.replace("−", "-").replace(DASH, "-")


def _say(out: Console, text: str, *, style: str = "") -> None:
    out.print(_ascii(text), style=style or None, soft_wrap=True, highlight=False)


def _alarms(out: Console, *, simulated: bool, stand_in: bool) -> None:
    for there, text in ((simulated, _SIMULATED), (stand_in, _STAND_IN)):
        if there:
            out.print(text, style="bold yellow", soft_wrap=True)


def _lines(title: str, columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose columns say themselves whether they hold numbers."""
    out = table(_ascii(title), [], [])
    for name, numeric in columns:
        # a column without a name holds marks, which are not broken
        out.add_column(_ascii(name), justify="right" if numeric else "left", overflow="fold", no_wrap=not name)
    for row in rows:
        out.add_row(*(_ascii(cell) for cell in row))
    return out


def _outcome(out: Console, outcome: Outcome, asked: Asked) -> None:
    marks = " ".join(words.marks(outcome))
    out.print(
        f"{outcome.name}{'  ' + marks if marks else ''}", style="bold yellow" if marks else "bold", soft_wrap=True
    )
    for sentence in words.verdict_sentences(outcome, asked):
        _say(out, f"  {sentence}")
    for sentence, fine in (
        (f"{outcome.plausibility.sentence}.", outcome.plausibility.plausible is not False),
        (words.inputs_in_full(outcome, asked.base_inputs), not outcome.extrapolates),
    ):
        _say(out, f"  {sentence}", style="dim" if fine else "yellow")
    if any(map(words.moved, outcome.chain)):
        out.print(_chain(outcome))
    still = sum(not words.moved(link) for link in outcome.chain)
    if still:
        _say(
            out,
            f"{plural(still, 'link')} of {len(outcome.chain)} do{'es' if still == 1 else ''} not change.",
            style="dim",
        )
    if len(outcome.steps) > 2:
        out.print(_steps(outcome))
    out.print(_families(outcome))
    out.print(_models(outcome))
    out.print()


def _chain(outcome: Outcome) -> Table:
    drawn = outcome.draws > 0
    columns = [("stage", False), ("quantity", False), ("before", True), ("after", True), ("change", True)]
    if drawn:
        columns.append((f"{words.level()} interval", True))

    def row(link: Link) -> list[str]:
        cells = [
            link.stage,
            link.name,
            words.written(link.base, link.unit),
            words.written(link.shocked, link.unit),
            words.change(link.change, link.unit),
        ]
        return [*cells, words.interval(link)] if drawn else cells

    return _lines(
        "From curve to money" + (f" (intervals over {outcome.draws} draws)" if drawn else ""),
        columns,
        [row(link) for link in outcome.chain if words.moved(link)],
    )


def _steps(outcome: Outcome) -> Table:
    columns = [
        ("shift", False),
        ("up after it", True),
        ("change", True),
        ("P&L after it", True),
        ("change of P&L", True),
    ]
    rows = [
        [
            step.name,
            words.chance(step.up),
            words.change(step.up - before.up, "probability"),
            words.written(step.pnl, "money"),
            words.change(step.pnl - before.pnl, "money"),
        ]
        for before, step in zip((outcome.steps[0], *outcome.steps[:-1]), outcome.steps, strict=True)
    ]
    return _lines("Shift by shift", columns, rows)


def _families(outcome: Outcome) -> Table:
    steps = outcome.families
    rows = [
        [step.name, words.chance(step.up), words.change(step.up - before.up, "probability")]
        for before, step in zip((steps[0], *steps[:-1]), steps, strict=True)
    ]
    return _lines(
        "Family by family",
        [("factors", False), ("up", True), ("change", True)],
        rows,
    )


def _models(outcome: Outcome) -> Table:
    columns = [
        ("model", False),
        ("seeds", True),
        ("up before", True),
        ("up after", True),
        ("change", True),
        ("seeds after", True),
        ("pairs before", True),
        ("pairs after", True),
        ("", False),
    ]
    rows = [
        [
            each.model,
            str(each.seeds),
            words.chance(each.up_base) + _sd(each.sd_base),
            words.chance(each.up_shocked) + _sd(each.sd_shocked),
            words.change(each.up_shocked - each.up_base, "probability"),
            words.seed_range(each),
            words.signed(each.pairs_base),
            words.signed(each.pairs_shocked),
            words.mind(each),
        ]
        for each in outcome.models
    ]
    return _lines("What each model says (± standard deviation over seeds)", columns, rows)


def _sd(value: float | None) -> str:
    return "" if value is None else f" ±{100 * value:.2f}"


def _side_by_side(out: Console, outcomes: Sequence[Outcome], asked: Asked) -> None:
    columns = [
        ("scenario", False),
        ("spread", True),
        ("ticks", True),
        ("switch", False),
        ("up", True),
        ("pairs", True),
        ("P&L held", True),
        ("P&L new", True),
        ("cost", True),
        ("as far", True),
        ("", False),
    ]
    rows = []
    for outcome in outcomes:
        spread = outcome.link("spread")
        up = outcome.link(f"probability of up, {asked.headline}")
        legs = [leg for leg, bond in zip(("near", "far"), outcome.cheapest, strict=True) if bond.switched]
        rows.append(
            [
                outcome.name,
                words.change(spread.change, "points"),
                words.signed(words.ticks(spread.change, asked), 1),
                " and ".join(legs) or "no",
                f"{words.chance(up.base).removesuffix(' %')} → {words.chance(up.shocked)}",
                f"{words.signed(outcome.held)} → {words.signed(outcome.wanted)}",
                words.change(outcome.pnl_held, "money"),
                words.change(outcome.pnl_wanted, "money"),
                words.written(outcome.switch_cost, "money"),
                words.rank(outcome.plausibility),
                "\n".join(words.marks(outcome)),
            ]
        )
    out.print(_lines(f"Side by side: changes in points, money in {asked.currency}", columns, rows))
    _say(
        out, '"As far" is the share of past changes of curve and funding that were at least as far out.\n', style="dim"
    )


def _sweep(out: Console, sweep: Sweep, asked: Asked) -> None:
    columns = [
        (str(sweep.families[0]), True),
        ("spread", True),
        ("up", True),
        ("pairs", True),
        ("P&L held", True),
        ("cheapest, near", False),
        ("cheapest, far", False),
        ("", False),
    ]
    rows = [
        [
            words.size(point.sizes[0]),
            words.written(point.spread, "points"),
            words.chance(point.up),
            words.written(point.pairs, "pairs"),
            words.change(point.pnl, "money"),
            point.near_cheapest,
            point.far_cheapest,
            "" if point.plausible is not False else "IMPLAUSIBLE",
        ]
        for point in sweep.points
    ]
    out.print(_lines(f"Sweep of {sweep.families[0].name}, money in {asked.currency}", columns, rows))
    for low, high, what in words.switches(sweep):
        where = words.between(low, high, sweep.families[0])
        _say(out, f"{where} another bond becomes the cheapest: {what}")
    out.print()


def _grid(out: Console, grid: Sweep, asked: Asked) -> None:
    first, second = grid.families
    width = len(grid.axes[1])
    if width > MOST_COLUMNS:
        _say(out, f"Grid. {words.reach(grid, asked)} Its {len(grid.points)} cells are on the page and in --json.\n")
        return
    columns = [(str(first), True), *((words.size(size), True) for size in grid.axes[1])]
    for title, cells in (
        (f"Profit and loss of what was held, {asked.currency}", [words.change(p.pnl, "money") for p in grid.points]),
        (f"Probability of up, {asked.headline}", [words.chance(p.up) for p in grid.points]),
    ):
        marked = [
            cell if point.plausible is not False else cell + _MARK
            for cell, point in zip(cells, grid.points, strict=True)
        ]
        rows = [[words.size(size), *marked[at * width : (at + 1) * width]] for at, size in enumerate(grid.axes[0])]
        out.print(_lines(f"{title}; across: {second}", columns, rows))
    if any(point.plausible is False for point in grid.points):
        _say(out, f"{_MARK.strip()} marks sizes that are IMPLAUSIBLE.\n", style="dim")


def printed_basis(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the answer to ``basis`` (:func:`tenor.app.rates.show_basis`)."""
    out = _console(console)
    _alarms(out, simulated=answer["simulated"], stand_in=answer["stand_in"])
    away = answer["switch_distance"]
    alone = (
        "no other bond can be delivered" if answer["fair"] is not None else "which bond is the cheapest is not known"
    )
    nearest = alone if away is None else f"the next bond is {number(away, 4)} dearer"
    out.print(f"{answer['contract']} on {answer['on']}, {answer['decision']}, {answer['source']}", style="bold")
    _say(
        out,
        f"Price {number(answer['price'], 4)} ({answer['price_source']}), fair {number(answer['fair'], 4)}, richness"
        f" {number(answer['richness'], 4)}; {nearest}.",
    )
    _say(
        out,
        f"Last trading day {answer['last_trading_day']}, delivery {answer['second_delivery_day']}, {answer['days']:g}"
        f" days away, funded at {percent(answer['funding'], 3)}. Curve {answer['curve']} of {answer['curve_date']};"
        f" coupons before delivery earn: {answer['reinvest']}.",
    )
    columns = [
        ("bond", False),
        ("coupon", True),
        ("maturity", False),
        ("factor", True),
        ("yield", True),
        ("clean", True),
        ("implied price", True),
        ("basis", True),
        ("carry", True),
        ("net basis", True),
        ("IRR", True),
        ("remark", False),
    ]
    none_quoted = not any(bond["quoted"] for bond in answer["bonds"])
    rows = [
        [
            bond["bond"],
            percent(bond["coupon"], 2),
            bond["maturity"],
            number(bond["factor"], 4),
            percent(bond["yield"], 3),
            number(bond["clean"], 4),
            number(bond["implied_futures"], 4),
            number(bond["gross_basis"], 4),
            number(bond["carry"], 4),
            number(bond["net_basis"], 4),
            percent(bond["irr"], 3),
            ", ".join(_remarks(bond, told=none_quoted)),
        ]
        for bond in answer["bonds"]
    ]
    out.print(_lines(f"{plural(len(rows), 'deliverable bond')}, highest implied repo rate first", columns, rows))
    held = len(answer["data_notes"])
    for note in (*answer["notes"], *([f"{plural(held, 'note')} on the data: see --json"] if held else [])):
        if answer["stand_in"] and note.startswith("STAND-IN BASKET"):
            continue
        _say(out, note, style="dim")


def _remarks(bond: Mapping[str, Any], *, told: bool) -> list[str]:
    """What stands behind a bond; that it has no quote only where that is not ``told`` of all."""
    found = []
    if bond["cheapest"]:
        found.append("CHEAPEST")
    if bond["cheapest_by_irr"] and not bond["cheapest"]:
        found.append("cheapest by IRR")
    return found if told or bond["quoted"] else [*found, "off the curve"]


def printed_price(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the answer to ``price`` (:func:`tenor.app.rates.price_bond`)."""
    out = _console(console)
    if answer.get("simulated"):
        _alarms(out, simulated=True, stand_in=False)
    who = answer["bond"] or "Bond"
    rows = [
        ["coupon", f"{percent(answer['coupon'], 3)}, {answer['frequency']} a year"],
        ["maturity", answer["maturity"]],
        ["yield", percent(answer["yield"], 4)],
        ["clean price", number(answer["clean"], 4)],
        ["accrued interest", number(answer["accrued"], 4)],
        ["dirty price", number(answer["dirty"], 4)],
        ["Macaulay duration, years", number(answer["macaulay_years"], 4)],
        ["modified duration", number(answer["modified_duration"], 4)],
        ["convexity", number(answer["convexity"], 4)],
        ["DV01, points per bp", number(answer["dv01"], 6)],
    ]
    if answer.get("into"):
        rows.append([f"conversion factor into {answer['into']}", number(answer["conversion_factor"], 4)])
        fits = "fits" if answer["life_fits"] else "does NOT fit"
        rule = " to ".join(f"{years:g}" for years in answer["life_rule"])
        rows.append([f"its life {fits} the rule", f"{rule} years"])
    title = f"{who} on {answer['on']}, priced from its {answer['priced_from']}".replace("its curve", "curve")
    out.print(title, style="bold", soft_wrap=True)
    if answer.get("source"):
        observed = f", of {answer['observed']}" if answer.get("observed") else ""
        _say(out, f"Source: {answer['source']}{observed}")
    out.print(_lines("", [("per 100 of face", False), ("", True)], rows))
