"""A kept run on paper: what was asked, what was found, on which data, by which code, and the tables behind it.

For a file that outlives the machine: the sentences are those of the HTML report, the numbers those of ``result.json``,
and nothing is drawn that the run does not keep. Equal runs give equal bytes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from tenor.report import stock_page, stock_text, tables, text
from tenor.report.headline import headline
from tenor.report.ledger_figures import Way, curve_of, returns, ways
from tenor.report.report import Report
from tenor.report.restore import report_of
from tenor.report.sheet import BOLD, EDGE, INK, LINE, SOFT, WIDE, Sheet, path, ticks, width_of, written
from tenor.report.stock_figures import leading
from tenor.report.stock_report import StockReport
from tenor.report.style import BLUE, colours
from tenor.report.tables import Grid
from tenor.report.text import FILL_WORDS, SIMULATED, month, number, percent, said

MOST = 60
"""Most notes, and most failures, that are printed; more are counted."""
SHOWN = 8
"""Most factors with unknown values that are named."""
_FINE = 7.5


def run_pdf(
    name: str, facts: Mapping[str, Any], result: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]
) -> bytes:
    """Draw a kept run as a PDF of a few A4 pages.

    Parameters
    ----------
    name
        Name of the run; it stands at the foot of every page.
    facts
        What ``run.json`` says: which code, when it was finished.
    result
        Its numbers, as ``result.json`` has them.
    frames
        Its daily series by name, those of :data:`tenor.report.restore.SERIES`.

    Raises
    ------
    RunError
        If reportlab is not installed, or the numbers are not such as this version writes.
    """
    report = report_of(result, frames)
    curves = _curves(report)

    def draw(sheet: Sheet) -> None:
        _opening(sheet, report)
        _lineage(sheet, name, facts, report)
        sheet.heading("Numbers", 120)
        if isinstance(report, Report):
            _numbers_of_pairs(sheet, report)
        else:
            _numbers_of_stocks(sheet, report)
        _earned(sheet, report, curves)
        _rules(sheet, report)
        _left_out(sheet, report)
        _method(sheet, report)

    foot = f"{name}{', SIMULATED' if report.data.simulated else ''}"
    return written(f"{report.study['name']} ({name})", foot, draw)


def _opening(sheet: Sheet, report: Report | StockReport) -> None:
    """Title, question, banners, verdict."""
    sheet.say(str(report.study["name"]), 18, latin=BOLD, after=1)
    sheet.say(str(report.study["question"]), 11, SOFT, after=6)
    if report.data.simulated:
        sheet.alarm("SIMULATED", SIMULATED)
    judged = "test" if isinstance(report, Report) else report.judged
    if judged != "test":
        sheet.alarm(judged.upper(), "The data end before the test range. Nothing in this document is out of sample.")
    found = text.verdict(report) if isinstance(report, Report) else stock_text.verdict(report)
    sheet.say(found.word[:1].upper() + found.word[1:], 12, BLUE if found.word == "found" else INK, latin=BOLD)
    for sentence in found.sentences:
        sheet.say(sentence)


def _lineage(sheet: Sheet, name: str, facts: Mapping[str, Any], report: Report | StockReport) -> None:
    """Where the numbers come from, to the last digit of every fingerprint."""
    sheet.heading("Data and lineage")
    told = text.facts(report) if isinstance(report, Report) else stock_text.facts(report)
    computed = [f"in {number(facts['seconds'], 1)} s"]
    if facts.get("python"):
        computed.append(f"Python {facts['python']}")
    if facts.get("cores"):
        computed.append(f"{facts['cores']} cores")
    sheet.facts(
        {
            **told,
            "Data fingerprint": report.data.fingerprint,
            "Study identity": report.identity,
            "Code": str(facts["code"]),
            "Models kept": str(facts["models"]),
            "Finished": f"{str(facts['finished']).replace('T', ' ').replace('Z', ' UTC')}, {', '.join(computed)}",
            "Run": name,
        }
    )


def _explained(sheet: Sheet, grid: Grid) -> None:
    """A table, and below it what its heads mean: on paper nothing can be pointed at."""
    sheet.grid(grid)
    meanings = "; ".join(f"{column.name}: {column.meaning}" for column in grid.columns if column.meaning)
    if meanings:
        sheet.say(f"{meanings}.", 7, SOFT, after=2)


def _numbers_of_pairs(sheet: Sheet, report: Report) -> None:
    _explained(sheet, tables.directions(report).without("right, all days", "AUC", "log loss", "ECE"))
    sheet.say(f"{text.power(report)} ± is the standard deviation over seeds, [ ] the interval over time.", _FINE, SOFT)


def _numbers_of_stocks(sheet: Sheet, report: StockReport) -> None:
    _explained(sheet, stock_page.numbers(report).without("balanced", "AUC", "log loss"))
    level = number(100 * report.evaluation.level, 1).removesuffix(".0")
    sheet.say(f"± is the standard deviation over seeds, [ ] the {level} % interval over time.", _FINE, SOFT)


def _earned(sheet: Sheet, report: Report | StockReport, curves: "_Curves | None") -> None:
    """What was left before and after costs, as a table and as a line."""
    sheet.heading("Before and after costs", 120)
    if isinstance(report, Report):
        front = headline(report)
        grid = tables.earnings(report, front.position, front.fill)
        _explained(sheet, grid.without("volatility", "Calmar", "hit rate", "money"))
        sheet.say(f"Who could have had this fill: {text.WHO[front.fill]}. Returns are on margin.", _FINE, SOFT, after=0)
        others = len(tables.ways(report)) - 1
    else:
        grids = stock_page.portfolios(report)
        if not grids:
            sheet.say("Nothing was traded: the study names no portfolio.")
            return
        _explained(sheet, grids[0])
        others = len(grids) - 1
    if others:
        more = "one other way" if others == 1 else f"{others} other ways"
        sheet.say(f"The forecasts were held and filled in {more}; report.html and scores.csv have those.", _FINE, SOFT)
    if curves is not None:
        _chart(sheet, curves)


class _Curves:
    """Running sums of what the model in front and the hardest rule earned, in per cent."""

    def __init__(self, report: Report | StockReport) -> None:
        """Add up the ledger once; it is drawn twice."""
        if isinstance(report, Report):
            front = headline(report)
            self.front, best, way = front.leading, front.best_rule, Way(front.position, front.fill)
            self.told = tables.way(way.rule, way.fill)
        else:
            way = ways(report.evaluation.ledger)[0]
            self.front, best = leading(report), stock_text.best_rule(report)
            self.told = f"{way.rule}, filled {FILL_WORDS.get(way.fill, way.fill)}"
        wanted = [self.front, *([best] if best is not None and best != self.front else [])]
        ledger = report.evaluation.ledger.filter(pl.col("model").is_in(wanted))
        daily = returns(ledger, way)
        held = {name: daily.filter(pl.col("model") == name) for name in wanted}
        self.seeds = {name: part["seed"].n_unique() for name, part in held.items() if part.height}
        self.lines = {name: curve_of(part) for name, part in held.items() if part.height}
        self.over_seeds = isinstance(report, StockReport)


def _curves(report: Report | StockReport) -> _Curves | None:
    return _Curves(report) if report.evaluation.ledger.height else None


def _chart(sheet: Sheet, curves: _Curves, height: float = 190.0) -> None:
    """Cumulative return: solid after costs with the band of the seeds, dotted before."""
    if not curves.lines:
        return
    sheet.room(height + 60)
    sheet.y -= 16
    sheet.put("Cumulative return, per cent", EDGE, sheet.y, 9.5, latin=BOLD)
    colour = colours(list(curves.lines))
    canvas, x = sheet.canvas, EDGE + 160.0
    for name in curves.lines:
        for dash, words in (((), name), ((1, 2), f"{name} before costs")):
            canvas.setStrokeColor(colour[name])
            canvas.setLineWidth(1.6 if not dash else 1.0)
            canvas.setDash(*dash)
            canvas.line(x, sheet.y + 2.5, x + 16, sheet.y + 2.5)
            canvas.setDash()
            x = sheet.put(words, x + 20, sheet.y, 7.5, SOFT) + 12
    sheet.y -= 8
    days: list[date] = [day for line in curves.lines.values() for day in line["session"].to_list()]
    first, last = min(days), max(days)
    values: list[float] = [
        100.0 * value
        for line in curves.lines.values()
        for column in ("mean", "low", "high", "gross")
        for value in line[column].to_list()
        if value is not None and math.isfinite(value)
    ]
    bottom, top = min(0.0, *values), max(0.0, *values)
    pad = 0.04 * (top - bottom) or 1.0
    bottom, top = bottom - pad, top + pad
    left, right, low = EDGE + 36, WIDE - EDGE, sheet.y - height + 14
    span = max((last - first).days, 1)

    def across(day: date) -> float:
        return left + (day - first).days / span * (right - left)

    def up(value: float) -> float:
        return low + (value - bottom) / (top - bottom) * (height - 14)

    marks = ticks(bottom, top)
    digits = 0 if marks[-1] - marks[0] >= 5 else 1
    for value in marks:
        canvas.setStrokeColor(INK if value == 0 else LINE)
        canvas.setLineWidth(0.7 if value == 0 else 0.4)
        canvas.line(left, up(value), right, up(value))
        sheet.put(number(value, digits), left - 5, up(value) - 2.5, 7, SOFT, right=True)
    for day in _months(first, last):
        canvas.setStrokeColor(LINE)
        canvas.line(across(day), low, across(day), low - 3)
        words = str(day.year) if day.month == 1 and span > 1200 else month(day)
        middle = across(day) + width_of(words, 7) / 2
        if left <= middle <= right:
            sheet.put(words, middle, low - 10, 7, SOFT, right=True)
    for name, line in reversed(list(curves.lines.items())):
        across_of = [across(day) for day in line["session"].to_list()]
        if name == curves.front and curves.seeds[name] > 1:
            _band(
                canvas, across_of, [[up(100.0 * v) for v in line[edge].to_list()] for edge in ("low", "high")], colour
            )
        for column, dash, wide in (("gross", (1, 2), 0.9), ("mean", (), 1.4)):
            canvas.setStrokeColor(colour[name])
            canvas.setLineWidth(wide)
            canvas.setDash(*dash)
            path(canvas, list(zip(across_of, (up(100.0 * v) for v in line[column].to_list()), strict=True)), fill=False)
    canvas.setDash()
    sheet.y = low - 16
    band = ""
    if curves.seeds.get(curves.front, 1) > 1:
        band = f" The band holds all {curves.seeds[curves.front]} seeds of {said(curves.front)}."
    elif curves.over_seeds:
        band = " A run of stocks keeps the mean over seeds of every session, so no band is drawn."
    sheet.say(
        f"From the ledger, {curves.told}: solid after costs, dotted before, means over seeds, additive.{band}",
        _FINE,
        SOFT,
    )


def _band(canvas: Any, across: Sequence[float], edges: Sequence[Sequence[float]], colour: Mapping[str, str]) -> None:
    low, high = edges
    canvas.setFillColor(next(iter(colour.values())), alpha=0.15)
    outline = [*zip(across, low, strict=True), *list(zip(across, high, strict=True))[::-1]]
    path(canvas, outline, fill=True)
    canvas.setFillAlpha(1)


def _months(first: date, last: date) -> Iterator[date]:
    """First days of months between two days, at most nine, the same number of months apart."""
    count = 12 * (last.year - first.year) + last.month - first.month
    step = next(each for each in (1, 2, 3, 6, 12, 24, 60, 120, 1200) if count / each <= 8)
    for each in range(12 * first.year + first.month - 1, 12 * last.year + last.month):
        day = date(each // 12, each % 12 + 1, 1)
        if each % step == 0 and day >= first:
            yield day


def _rules(sheet: Sheet, report: Report | StockReport) -> None:
    sheet.heading("Against the rules", 50)
    grid = tables.findings(report) if isinstance(report, Report) else stock_page.findings(report)
    if grid.rows:
        _explained(sheet, grid)
    else:
        sheet.say("Nothing is compared: a model that learns and a rule are needed, both with scores.")


def _left_out(sheet: Sheet, report: Report | StockReport) -> None:
    """Cuts of time, decisions left out, folds without a forecast, unknown values, notes."""
    sheet.heading("Time, and what was left out", 50)
    stocks = isinstance(report, StockReport)
    sheet.grid(stock_page.folds(report) if isinstance(report, StockReport) else tables.folds(report))
    grid = stock_page.left_out(report) if isinstance(report, StockReport) else tables.left_out(report)
    if grid.rows:
        sheet.grid(grid)
    else:
        sheet.say("No decision was left out.")
    sheet.y -= 4
    failures = _failures(report, first=0 if stocks else 1)
    if failures:
        sheet.say("Without a forecast", latin=BOLD, after=0)
    _listed(sheet, failures or ["Every model has a forecast for every fold and seed."])
    _listed(sheet, [_unknown(report.missing)])
    notes = (*report.data.notes, *report.evaluation.notes)
    sheet.heading("Notes", 20)
    _listed(sheet, notes or ["Reading the data left no note."])


def _listed(sheet: Sheet, lines: Sequence[str]) -> None:
    for line in lines[:MOST]:
        sheet.say(line, 8, after=1.5)
    if len(lines) > MOST:
        sheet.say(f"And {len(lines) - MOST:,} more; result.json and report.html have all {len(lines):,}.", 8)


def _failures(report: Report | StockReport, *, first: int) -> list[str]:
    """Folds and seeds without a forecast, models of one reason together; folds counted as the table of folds does."""
    reasons: dict[str, dict[str, dict[int, list[str]]]] = {}
    for failure in report.failures:
        seeds = reasons.setdefault(failure.reason, {}).setdefault(failure.model, {}).setdefault(failure.fold, [])
        seeds += [] if failure.seed is None else [str(failure.seed)]
    lines = []
    for reason, models in reasons.items():
        alike: dict[str, list[str]] = {}
        for model, folds in models.items():
            where = ", ".join(
                f"{fold + first}" + (f" (seed {' and '.join(seeds)})" if seeds else "") for fold, seeds in folds.items()
            )
            alike.setdefault(f"fold{'' if len(folds) == 1 else 's'} {where}", []).append(model)
        lines += [f"{', '.join(named)}, {where}: {reason}" for where, named in alike.items()]
    return lines


def _unknown(missing: Mapping[str, float]) -> str:
    known = {name: share for name, share in missing.items() if share > 0}
    if not known:
        return "No factor value was unknown."
    most = sorted(known.items(), key=lambda each: -each[1])
    named = ", ".join(f"{name} {percent(share, 2)}" for name, share in most[:SHOWN])
    more = f" and {len(most) - SHOWN} others, none with more" if len(most) > SHOWN else ""
    return f"Unknown factor values, filled with the train median of each fold, as a share of all rows: {named}{more}."


def _method(sheet: Sheet, report: Report | StockReport) -> None:
    sheet.heading("Method", 40)
    lines = text.method(report) if isinstance(report, Report) else stock_text.method(report)
    for name, words in lines:
        sheet.say(f"{name}: {words}", _FINE, SOFT, after=2)
    sheet.say(
        "This document was made from the run's own files: result.json holds every number unrounded, study.toml the"
        " study with every default written out. tenor rerun computes it again and compares every number.",
        _FINE,
        SOFT,
    )
