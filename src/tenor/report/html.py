"""The page: one HTML file that needs nothing else, for a reader with one minute and for one with ten.

The verdict comes first, then the table that it was written from, then the figures, then everything that a
careful reader asks for: every position and fill, the folds, what was left out, what failed, the study itself,
the method. The figures' library is inside, once; a content policy in the page's head forbids it to fetch
anything. Equal reports give equal bytes.
"""

from collections.abc import Callable
from html import escape

import tomli_w

from tenor.report import tables
from tenor.report.figures import FIGURES, scored_folds
from tenor.report.headline import direction_of, headline
from tenor.report.report import Report
from tenor.report.shell import Section, drawn, shell, unbroken
from tenor.report.text import (
    SIMULATED,
    WHO,
    facts,
    method,
    never_traded,
    number,
    power,
    said,
    unit,
    verdict,
)

SHORT = 12
"""Digits of a fingerprint that are printed; the whole is one hover away, and under the method."""


def page(report: Report) -> str:
    """Render a report as one self-contained HTML file.

    Parameters
    ----------
    report
        The report of a study.

    Returns
    -------
    str
        UTF-8 text of about 5 MB, of which 4.8 are the library that draws the figures. The same for equal
        reports.
    """
    front = headline(report)
    figures = {name: draw(report) for name, draw in FIGURES.items()}
    if not report.evaluation.comparisons:
        del figures["differences"]
    plots = drawn(figures)
    captions = _captions(report)

    def figure(name: str) -> str:
        return plots.figure(name, captions[name])

    sections = (
        Section("Numbers", "numbers", _numbers(report)),
        Section("Equity", "equity", figure("equity")),
        Section("Costs", "costs", figure("costs")),
        Section("Differences", "differences", _differences(report, figure)),
        Section("Folds", "folds", figure("folds") + tables.html(tables.folds(report))),
        Section("Calibration", "calibration", figure("calibration")),
        Section(f"Positions of {said(front.leading)}", "positions", figure("positions")),
        Section("By product", "products", tables.by_product(report)),
        Section("Every position and fill", "ways", _ways(report)),
        Section("Data, and what was left out", "data", _data(report)),
        Section("Method", "method", _method(report)),
        Section("The study", "study", _study(report)),
    )
    title = str(report.study["name"])
    return shell(title, _header(report, escape(title)), sections, plots)


def _header(report: Report, title: str) -> str:
    found = verdict(report)
    banner = ""
    if report.data.simulated:
        banner = f'<div class="simulated" role="note"><strong>SIMULATED</strong>{escape(SIMULATED)}</div>'
    style = "verdict found" if found.word == "found" else "verdict"
    return (
        f'<header><h1>{title}</h1><p class="question">{escape(str(report.study["question"]))}</p>{banner}'
        f'<div class="{style}"><span class="badge">{escape(found.word[:1].upper() + found.word[1:])}</span>'
        f"{''.join(f'<p>{unbroken(sentence)}</p>' for sentence in found.sentences)}</div>{_facts(report)}</header>"
    )


def _facts(report: Report) -> str:
    return tables.facts(
        {
            **{name: escape(text) for name, text in facts(report).items()},
            "Data fingerprint": _hash(report.data.fingerprint),
            "Study identity": _hash(report.identity),
        }
    )


def _hash(text: str) -> str:
    return f'<code title="{escape(text)}">{escape(text[:SHORT])}</code>'


def _numbers(report: Report) -> str:
    front = headline(report)
    return (
        tables.html(tables.directions(report))
        + f'<p class="note">{escape(power(report))} ± is the standard deviation over seeds,'
        " [ ] the interval over time.</p>"
        + tables.html(tables.earnings(report, front.position, front.fill))
        + f'<p class="note">Who could have had this fill: {escape(WHO[front.fill])}.'
        " Returns are on margin.</p>"
    )


def _differences(report: Report, figure: Callable[[str], str]) -> str:
    if not report.evaluation.comparisons:
        return "<p>No model that learns has scores beside another model, so nothing is compared.</p>"
    return (
        figure("differences")
        + tables.html(tables.findings(report))
        + "<details><summary>Every difference in numbers</summary>"
        + tables.comparisons(report)
        + "</details>"
    )


def _ways(report: Report) -> str:
    front = headline(report)
    parts = []
    for position, fill in tables.ways(report):
        ratios = [
            f"{earned.model} {tables.NEVER if never_traded(earned) else number(earned.scores['sharpe'].mean)}"
            for earned in report.evaluation.earned
            if (earned.position, earned.fill, earned.scope) == (position, fill, "all") and earned.model in front.shown
        ]
        words = tables.way(position, fill)
        parts.append(
            f"<details><summary>{escape(words[:1].upper() + words[1:])}"
            f' <span class="aside">Sharpe after costs: {escape(", ".join(ratios))}</span></summary>'
            f"{tables.html(tables.earnings(report, position, fill))}</details>"
        )
    return "".join(parts)


def _data(report: Report) -> str:
    notes = (*report.data.notes, *report.evaluation.notes)
    none = "<p>Every model has a forecast for every fold and seed.</p>"
    known = "<p>No factor value was unknown.</p>"
    listed = f"<details><summary>Notes on the data ({len(notes)})</summary>{tables.plain_list(notes)}</details>"
    unknown = tables.missing(report)
    return (
        (tables.failures(report) or none)
        + (tables.html(tables.left_out(report)) or "<p>No decision was left out.</p>")
        + (f"<details><summary>Unknown factor values</summary>{unknown}</details>" if unknown else known)
        + (listed if notes else "<p>Reading the data left no note.</p>")
    )


def _method(report: Report) -> str:
    pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(words)}</dd></div>" for name, words in method(report))
    return f'<dl class="method">{pairs}</dl>'


def _study(report: Report) -> str:
    return (
        f"<p>Identity <code>{escape(report.identity)}</code>, data"
        f" <code>{escape(report.data.fingerprint)}</code>.</p><details><summary>The resolved study, every default"
        f" written out</summary><pre>{escape(tomli_w.dumps(dict(report.study)))}</pre></details>"
    )


def _captions(report: Report) -> dict[str, str]:
    """One or two sentences over each figure: what is drawn, and what to look for."""
    front = headline(report)
    _, counts = scored_folds(report)
    uneven = len({direction_of(report, model).n for model in front.models}) > 1
    held = escape(tables.way(front.position, front.fill))
    bins = max(sum(counts) // 10, 1)
    return {
        "equity": (
            f"Cumulative return on margin, {held}. Solid after costs, dotted before; the light band holds all seeds,"
            " the darker one half of them. Below, how far each line stands under its highest point. Thin lines mark"
            " where a fold begins."
        ),
        "costs": (
            "The same trades, charged otherwise: Sharpe ratio after costs if each leg lost that many ticks."
            + (
                " A rule with a no-trade band would have traded less at a higher cost."
                if "band" in front.position
                else ""
            )
        ),
        "differences": (
            "First model minus second, same sessions, same redrawn blocks. Grey intervals hold zero. A finding asks"
            " more: accuracy ahead of every rule, corrected for the number of models."
        ),
        "folds": (
            "Share of days called right in each test range; whiskers are one standard deviation over seeds."
            f" n counts the scored {unit(report)} of the range; a coin falls into the grey block 95 times in 100."
            + (" Where a fold failed for some models, n is the most that any was scored on." if uneven else "")
        ),
        "calibration": (
            "Tenths of the forecasts: what was said against what happened. On the dashed line a forecast of 60 %"
            f" comes true 60 % of the time. Among ten, a point stands for about {bins} {unit(report)}, and chance"
            f" alone moves it by ±{number(98 / bins**0.5, 0)} points (two standard errors)."
        ),
        "positions": (
            f"The traded spread, broken wherever the pair changes, and the pairs that {escape(said(front.leading))}"
            f" held below it, averaged over seeds; {held}."
        ),
    }
