"""The page of a study of stocks: verdict, numbers, tear sheet, and everything that a careful reader asks for."""

from html import escape

import tomli_w

from tenor.report import tables
from tenor.report.shell import Section, drawn, shell, unbroken
from tenor.report.stock_figures import FIGURES, drawable, leading
from tenor.report.stock_report import StockReport
from tenor.report.stock_text import facts, method, order, verdict
from tenor.report.tables import Cell, Column, Grid, score_cell, table
from tenor.report.text import DASH, FILL_WORDS, SIMULATED, number, p_value, percent, said
from tenor.trust.evaluation import RULES, Score

CAPTIONS = {
    "equity": (
        "Cumulative return as part of equity: solid after costs, dotted before, the band from the worst to the best"
        " seed; the benchmark dashed. Below, drawdown, and exposure and turnover of the model in front."
    ),
    "months": "Net return of the model in front by month, per cent of equity, mean over seeds.",
    "accuracy": (
        "Share of calls outside the band that were right, with the interval over days. The dotted line is a coin."
    ),
    "calibration": (
        "Tenths of the forecasts: what was said against what came. On the dashed line 60 % comes true 60 % of the time."
    ),
    "cover": (
        "How many outcomes lay inside each central interval. On the dashed line an interval covers what it states."
    ),
    "ranks": (
        "Rank information coefficients added up: a steady slope is a ranking that works all the time, a step is one"
        " month."
    ),
    "fifths": "Names sorted by forecast on each session: what each fifth earned next, before costs.",
}


PAIR = "of this pair alone, on both sides, not corrected for how many there are"
"""What the p-value of a difference is."""


def stock_page(report: StockReport) -> str:
    """Render a report as one self-contained HTML file; equal reports give equal bytes."""
    names = drawable(report)
    plots = drawn({name: FIGURES[name](report) for name in names})

    def figures(*wanted: str) -> str:
        return "".join(plots.figure(name, escape(CAPTIONS[name])) for name in wanted if name in names)

    sections = (
        Section("Numbers", "numbers", tables.html(numbers(report)) + figures("accuracy")),
        Section("Portfolios", "portfolios", figures("equity", "months") + _portfolios(report)),
        Section("Ranking", "ranking", _ranking(report) + figures("ranks", "fifths")),
        Section("Price quantiles", "quantiles", _quantiles(report) + figures("cover")),
        Section("Calibration", "calibration", figures("calibration")),
        Section("By name", "names", _by_name(report)),
        Section("Differences", "differences", _differences(report)),
        Section("Folds and samples", "folds", tables.html(folds(report))),
        Section("Data, and what was left out", "data", _data(report)),
        Section("Method", "method", _method(report)),
        Section("The study", "study", _study(report)),
    )
    return shell(str(report.study["name"]), _header(report), sections, plots)


def _header(report: StockReport) -> str:
    found = verdict(report)
    banner = ""
    if report.data.simulated:
        banner += f'<div class="simulated" role="note"><strong>SIMULATED</strong>{escape(SIMULATED)}</div>'
    if report.judged == "validation":
        banner += (
            '<div class="simulated" role="note"><strong>VALIDATION</strong>The data end before the test range.'
            " Nothing on this page is out of sample.</div>"
        )
    style = "verdict found" if found.word == "found" else "verdict"
    said_of = "".join(f"<p>{unbroken(sentence)}</p>" for sentence in found.sentences)
    return (
        f"<header><h1>{escape(str(report.study['name']))}</h1>"
        f'<p class="question">{escape(str(report.study["question"]))}</p>{banner}'
        f'<div class="{style}"><span class="badge">{escape(found.word[:1].upper() + found.word[1:])}</span>'
        f"{said_of}</div>{tables.facts({name: escape(text) for name, text in facts(report).items()})}</header>"
    )


def _cell(score: Score | None, *, as_percent: bool = False, digits: int = 2) -> Cell:
    return Cell(DASH) if score is None else score_cell(score, as_percent=as_percent, digits=digits)


def numbers(report: StockReport) -> Grid:
    """Return how good every model's calls were, all names together."""
    found = {one.model: one for one in report.evaluation.directions if one.scope == "all"}
    together = {one.model: one for one in report.evaluation.together if one.scope == "all"}
    ranked = {one.model: one for one in report.evaluation.cross_sections}
    columns = [
        Column("model", numeric=False),
        Column("right", "share of calls outside the band that were right, mean over seeds"),
        Column("together", "the same of one forecast, the mean of what the seeds say: what an outlook quotes"),
        Column("MCC", "Matthews correlation coefficient"),
        Column("balanced", "mean of the shares right among ups and among downs"),
        Column("AUC"),
        Column("log loss", "0.693 is a coin"),
        Column("Brier", "0.25 is a coin"),
        *([Column("rank IC", "mean correlation of ranks over sessions")] if ranked else []),
        Column("calls"),
        Column("seeds"),
    ]
    rows: list[tuple[Cell | str, ...]] = []
    for name in order(report):
        one = found[name]
        scores = one.scores
        rank = _cell(ranked[name].scores["rank_ic"] if name in ranked else None, digits=4)
        rows.append(
            (
                _model(name),
                score_cell(scores["accuracy"], as_percent=True),
                score_cell(together[name].scores["accuracy"], as_percent=True),
                score_cell(report.evaluation.mcc[name], digits=3),
                score_cell(scores["balanced_accuracy"], as_percent=True),
                score_cell(scores["auc"], digits=3),
                score_cell(scores["log_loss"], digits=4),
                score_cell(scores["brier"], digits=4),
                *([rank] if ranked else []),
                f"{one.n:,}",
                str(one.seeds),
            )
        )
    return Grid(f"Every model on the {report.judged} range", tuple(columns), tuple(rows), (0,))


def _model(name: str) -> Cell:
    return Cell(name, "rule" if name in RULES else "")


def _portfolios(report: StockReport) -> str:
    parts = []
    for number_of, grid in enumerate(portfolios(report)):
        held = tables.html(grid)
        summary = f"<details><summary>{escape(grid.caption)}</summary>{held}</details>"
        parts.append(held if number_of == 0 else summary)
    return "".join(parts)


def portfolios(report: StockReport) -> tuple[Grid, ...]:
    """Return what every model earned, one table for each portfolio and fill, the headline first."""
    found = report.evaluation.portfolios
    columns = (
        Column("model", numeric=False),
        Column("a year", "net return on equity, days added up"),
        Column("Sharpe", "after costs"),
        Column("before costs"),
        Column("IR", "information ratio: net return less the benchmark's, over its standard deviation"),
        Column("drawdown", "largest fall of the sum of daily returns"),
        Column("turnover", "round trips of the whole equity a year"),
        Column("break-even", "cost per unit traded at which nothing is left, basis points"),
        Column("names", "held on average"),
    )
    grids = []
    ways = list(dict.fromkeys((one.portfolio, one.fill) for one in found))
    for portfolio, fill in ways:
        rows: list[tuple[Cell | str, ...]] = []
        mine = {one.model: one for one in found if (one.portfolio, one.fill) == (portfolio, fill)}
        for name in order(report):
            if name not in mine:
                continue
            scores = mine[name].scores
            even = scores["break_even_cost"]
            rows.append(
                (
                    _model(name),
                    score_cell(scores["annual_return"], as_percent=True),
                    score_cell(scores["sharpe"]),
                    score_cell(scores["sharpe_gross"]),
                    score_cell(scores["information_ratio"]),
                    score_cell(scores["max_drawdown"], as_percent=True),
                    score_cell(scores["turnover"]),
                    number(1e4 * even.mean, 1),
                    number(scores["names"].mean, 1),
                )
            )
        grids.append(Grid(f"{portfolio}, filled {FILL_WORDS[fill]}", columns, tuple(rows), (0,)))
    return tuple(grids)


def _ranking(report: StockReport) -> str:
    found = {one.model: one for one in report.evaluation.cross_sections}
    if not found:
        return ""
    named = {"ic": "IC", "icir": "ICIR", "rank_ic": "rank IC", "rank_icir": "rank ICIR"}
    columns = [Column("model", numeric=False), *map(Column, named.values()), Column("sessions")]
    rows: list[list[Cell | str]] = [
        [name, *(score_cell(found[name].scores[key], digits=4) for key in named), f"{found[name].sessions:,}"]
        for name in order(report)
        if name in found
    ]
    return table("Information coefficients by session", columns, rows, marked=[0])


def _quantiles(report: StockReport) -> str:
    found = report.evaluation.quantiles
    if not found:
        return ""
    stated = sorted({key for one in found for key in one.cover}, key=float)
    columns = [
        Column("model, horizon", numeric=False),
        Column("pinball", "mean quantile loss, per cent of price"),
        Column("skill", "one less the ratio to the random walk's loss"),
        Column("median error", "mean absolute, per cent of price"),
        Column("against no change", "one less the ratio to the error of tomorrow = today"),
        *(Column(f"{number(100 * float(key), 0)} % holds", "share of outcomes inside") for key in stated),
    ]
    rows: list[list[Cell | str]] = [
        [
            f"{one.model}, {one.horizon}",
            score_cell(one.pinball, digits=4),
            _cell(one.skill, as_percent=True),
            _cell(one.error, digits=3),
            _cell(one.error_skill, as_percent=True),
            *(_cell(one.cover.get(key), as_percent=True, digits=1) for key in stated),
        ]
        for one in found
    ]
    return table("Quantiles of the return over each horizon, in sessions", columns, rows)


def _by_name(report: StockReport) -> str:
    held = [one for one in report.evaluation.directions if one.scope != "all"]
    if not held:
        return ""
    models = order(report)
    columns = [Column("name", numeric=False), *(Column(name) for name in models), Column("calls")]
    rows: list[list[Cell | str]] = []
    for scope in dict.fromkeys(one.scope for one in held):
        mine = {one.model: one for one in held if one.scope == scope}
        cells = [
            score_cell(mine[name].scores["accuracy"], as_percent=True, digits=1) if name in mine else DASH
            for name in models
        ]
        rows.append([scope, *cells, f"{max(one.n for one in mine.values()):,}"])
    return table("Right by name", columns, rows)


def _differences(report: StockReport) -> str:
    found = report.evaluation
    if not found.findings:
        return ""
    pairs = [
        [
            f"{one.first} - {one.second}",
            one.measure,
            f"{percent(one.estimate, 2)} [{percent(one.low, 2)}, {percent(one.high, 2)}]"
            if one.measure == "accuracy"
            else f"{number(one.estimate)} [{number(one.low)}, {number(one.high)}]",
            p_value(one.p_value) if one.p_value == one.p_value else DASH,
        ]
        for one in found.comparisons
    ]
    detail = table(
        "First less second on the same days",
        [Column("models", numeric=False), Column("measure", numeric=False), Column("difference"), Column("p", PAIR)],
        pairs,
    )
    return tables.html(findings(report)) + f"<details><summary>Every difference in numbers</summary>{detail}</details>"


def findings(report: StockReport) -> Grid:
    """Return, for each model that learns, the hardest rule, the margin and whether it is a finding."""
    columns = (
        Column("model", numeric=False),
        Column("weakest against", numeric=False),
        Column("ahead by"),
        Column("p, Holm"),
        Column("found", numeric=False),
    )
    rows = [
        (
            one.model,
            said(one.best_rule),
            f"{number(100 * one.margin, 2)} points",
            p_value(one.p_holm),
            "yes" if one.found else "no",
        )
        for one in report.evaluation.findings
    ]
    return Grid("Who is right more often than every rule", columns, tuple(rows))


def folds(report: StockReport) -> Grid:
    """Return the cuts of time, and how many samples each range has."""
    columns = (
        Column("fold", numeric=False),
        *(Column(name, numeric=False) for name in ("train", "validation", "test")),
        *(Column(f"{name} samples") for name in report.samples),
        Column(f"{leading(report)} right"),
    )
    by_fold = report.evaluation.by_fold[leading(report)]
    rows: list[tuple[Cell | str, ...]] = []
    for place, fold in enumerate(report.folds):
        ranges = (f"{first} to {last}" for first, last in (fold.train, fold.validation, fold.test))
        score = by_fold[place] if place < len(by_fold) else None
        counts = (f"{counts[place]:,}" for counts in report.samples.values())
        rows.append((str(fold.index), *ranges, *counts, _cell(score, as_percent=True)))
    return Grid("How time was cut", columns, tuple(rows))


def left_out(report: StockReport) -> Grid:
    """Return how many decisions each rule took."""
    columns = (Column("rule", numeric=False), Column("decisions"))
    rows = tuple((one.rule, f"{one.count:,}") for one in report.left_out)
    return Grid("Decisions that were left out", columns, rows)


def _data(report: StockReport) -> str:
    notes = (*report.data.notes, *report.evaluation.notes)
    failures = ""
    if report.failures:
        failures = table(
            "What could not be fitted",
            [Column("model", numeric=False), Column("fold"), Column("seed"), Column("reason", numeric=False)],
            [
                [one.model, str(one.fold), "all" if one.seed is None else str(one.seed), one.reason]
                for one in report.failures
            ],
        )
    unknown = {name: share for name, share in report.missing.items() if share > 0}
    missing = ""
    if unknown:
        held = table(
            "Unknown factor values, filled with the train median",
            [Column("factor", numeric=False), Column("share")],
            [[name, percent(share, 2)] for name, share in sorted(unknown.items(), key=lambda item: -item[1])],
        )
        missing = f"<details><summary>Unknown factor values ({len(unknown)} columns)</summary>{held}</details>"
    none = "<p>Every model has a forecast for every fold and seed.</p>"
    return (failures or none) + tables.html(left_out(report)) + missing + (tables.plain_list(notes) if notes else "")


def _method(report: StockReport) -> str:
    pairs = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(words)}</dd></div>" for name, words in method(report))
    return f'<dl class="method">{pairs}</dl>'


def _study(report: StockReport) -> str:
    return (
        f"<p>Identity <code>{escape(report.identity)}</code>, data <code>{escape(report.data.fingerprint)}</code>.</p>"
        "<details><summary>The resolved study, every default written out</summary>"
        f"<pre>{escape(tomli_w.dumps(dict(report.study)))}</pre></details>"
    )
