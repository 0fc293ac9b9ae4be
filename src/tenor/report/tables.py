"""The tables of a report, as HTML: numbers to the right in figures of one width, every dash with its reason.

A number that is undefined is a dash that carries a letter; the letter is explained under the table, since
neither paper nor a phone has a tooltip. Everything that comes from a study file or from data is escaped here,
where it enters HTML.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from string import ascii_lowercase

import polars as pl

from tenor.report.headline import Headline, headline
from tenor.report.report import Report
from tenor.report.text import DASH, FILL_WORDS, currency, day, never_traded, number, p_value, percent
from tenor.trust.evaluation import ALL, Direction, Earned, Score


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, what the heading means, and whether it holds numbers."""

    name: str
    meaning: str = ""
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: a figure, a finer line under it, and a remark explained below the table."""

    text: str
    fine: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table before it is laid out, on a page or on paper.

    Parameters
    ----------
    caption
        What it shows, plain text.
    columns
        One per cell of a row; the first is the row's heading.
    rows
        Cells; a plain string is a cell without remark.
    marked
        Numbers of the rows that stand in front.
    notes
        What is said below it.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    marked: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def without(self, *names: str) -> "Grid":
        """Return the table without these columns, named as they are headed or by what stands before a comma."""
        kept = [
            place
            for place, column in enumerate(self.columns)
            if not {column.name, column.name.rpartition(", ")[0]} & set(names)
        ]
        return replace(
            self,
            columns=tuple(self.columns[place] for place in kept),
            rows=tuple(tuple(row[place] for place in kept) for row in self.rows),
        )


def html(grid: Grid) -> str:
    """Lay a table out as HTML, its notes below it; nothing where it has no row."""
    if not grid.rows:
        return ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in grid.notes)
    return table(grid.caption, grid.columns, grid.rows, marked=grid.marked) + notes


@dataclass(slots=True)
class Remarks:
    """Letters of one table's remarks, in order of appearance; the same remark has one letter."""

    said: list[str] = field(default_factory=list)

    def letter(self, remark: str) -> str:
        """Return the letter of a remark, a number beyond the alphabet."""
        if remark not in self.said:
            self.said.append(remark)
        place = self.said.index(remark)
        return ascii_lowercase[place] if place < 26 else str(place - 25)


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell | str]],
    *,
    marked: Sequence[int] = (),
) -> str:
    """Lay out a table in its own scrolling container.

    Parameters
    ----------
    caption
        What the table shows, plain text.
    columns
        One per cell of a row; the first is the row's heading.
    rows
        Cells; a plain string is a cell without remark.
    marked
        Numbers of the rows that stand in front.
    """
    remarks = Remarks()
    head = "".join(
        f'<th scope="col"{_side(column)}{_title(column.meaning)}>{escape(column.name)}</th>' for column in columns
    )
    body = []
    for place, row in enumerate(rows):
        cells = []
        for number_of, (column, given) in enumerate(zip(columns, row, strict=True)):
            cell = given if isinstance(given, Cell) else Cell(given)
            tag = 'th scope="row"' if number_of == 0 else "td"
            cells.append(f"<{tag}{_side(column)}{_title(cell.remark)}>{_inside(cell, remarks)}</{tag.split()[0]}>")
        body.append(f"<tr{' class=front' if place in marked else ''}>{''.join(cells)}</tr>")
    notes = "".join(f"<li><sup>{remarks.letter(remark)}</sup> {escape(remark)}</li>" for remark in tuple(remarks.said))
    return (
        f'<div class="table"><h3>{escape(caption)}</h3><div class="scroll" tabindex="0" role="region"'
        f' aria-label="{escape(caption)}"><table aria-label="{escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
        + (f'<ul class="remarks">{notes}</ul></div>' if notes else "</div>")
    )


def _side(column: Column) -> str:
    return "" if column.numeric else ' class="text"'


def _title(words: str) -> str:
    return f' title="{escape(words)}"' if words else ""


def _inside(cell: Cell, remarks: Remarks) -> str:
    mark = f"<sup>{remarks.letter(cell.remark)}</sup>" if cell.remark else ""
    fine = f"<small>{escape(cell.fine)}</small>" if cell.fine else ""
    return f"{escape(cell.text)}{mark}{fine}"


def score_cell(score: Score, reason: str = "", *, as_percent: bool = False, digits: int = 2) -> Cell:
    """Return one score as a cell: mean, then ± over seeds and [interval] as far as they exist."""
    form = percent if as_percent else number
    text = form(score.mean, digits)
    if text == DASH:
        return Cell(DASH, remark=reason or "undefined, and no reason was recorded")
    parts = []
    if score.sd is not None and number(score.sd) != DASH:
        parts.append("±" + form(score.sd, digits).removesuffix(" %"))
    if score.low is not None and score.high is not None and number(score.low) != DASH:
        low, high = (form(end, digits).removesuffix(" %") for end in (score.low, score.high))
        parts.append(f"[{low}, {high}]")
    return Cell(text, " ".join(parts), reason)


def points_cell(gap: Score, reason: str = "") -> Cell:
    """Return a difference of shares in percentage points, without a sign for per cent."""
    scaled = (None if part is None else 100.0 * part for part in (gap.mean, gap.sd, gap.low, gap.high))
    return score_cell(Score(*scaled), reason, digits=1)  # type: ignore[arg-type]


_DIRECTION = (
    ("accuracy", "right", "share of days on which the called direction was right", True, 1),
    (
        "accuracy_all",
        "right, all days",
        "the same over every day with a change, quiet days included",
        True,
        1,
    ),
    ("mcc", "MCC", "Matthews correlation of calls and outcomes; 0 is a coin", False, 3),
    ("auc", "AUC", "area under the ROC curve; 0.5 is a coin", False, 3),
    ("log_loss", "log loss", "nats; a coin has 0.693; lower is better", False, 4),
    ("brier", "Brier", "mean squared error of the probability; a coin has 0.25; lower is better", False, 4),
    ("ece", "ECE", "expected calibration error over ten bins; biased upwards in small samples", False, 3),
)
_MONEY = (
    ("sharpe_gross", "Sharpe before", "Sharpe ratio before costs, per year", False, 2),
    ("sharpe", "Sharpe after", "Sharpe ratio after costs, per year", False, 2),
    ("annual_return", "return", "per year on the margin of the full position, after costs", True, 1),
    ("volatility", "volatility", "of the return after costs, per year", True, 1),
    ("max_drawdown", "drawdown", "deepest fall of equity from its highest point, share of margin", True, 1),
    ("calmar", "Calmar", "return over drawdown", False, 2),
    ("hit_rate", "hit rate", "share of the days with a position that earned after costs", True, 1),
    ("turnover", "turnover", "round trips per year", False, 0),
    ("total", "money", "earned over the whole test after costs", False, 0),
    ("break_even_cost", "break-even", "money per leg execution that would bring the mean to zero", False, 1),
)

_RATIOS = ("sharpe_gross", "sharpe", "calmar", "hit_rate", "break_even_cost")
"""Scores that say nothing of a strategy that never traded; its money is a plain 0."""

NEVER = "never traded"
LEAST_HELD = 0.01
SLIVER = "held less than 1 % of a full position on average: its ratios say little"
ADDITIVE = (
    "Equity is additive on constant capital: a loss beyond the margin is topped up, so a drawdown can pass 100 % of it."
)


def directions(report: Report) -> Grid:
    """Return how good every model's calls were, all products together."""
    pooled = [d for d in report.evaluation.directions if d.scope == ALL]
    return _direction_table("What happens next: the direction of the next session's change", pooled, headline(report))


def _direction_table(caption: str, directions: Sequence[Direction], front: Headline, *, scoped: bool = False) -> Grid:
    columns = [
        Column("model", numeric=False),
        *([Column("product", numeric=False)] if scoped else []),
        *(Column(name, meaning) for _, name, meaning, _, _ in _DIRECTION),
        Column("p, coin", "chance that a coin is right at least as often; one-sided binomial"),
        Column("days", "days outside the neutral band; below them days inside it and days without a change"),
        Column("seeds"),
    ]
    rows: list[tuple[Cell | str, ...]] = [
        (
            _model(d.model, front),
            *([d.scope] if scoped else []),
            *(
                score_cell(d.scores[key], d.undefined.get(key, ""), as_percent=share, digits=digits)
                for key, _, _, share, digits in _DIRECTION
            ),
            Cell(p_value(d.binomial_p)) if d.n else Cell(DASH, remark="no day to count"),
            Cell(number(d.n, 0), f"+{d.n_neutral} quiet, {d.n_zero} flat"),
            str(d.seeds),
        )
        for d in directions
    ]
    marked = tuple(place for place, d in enumerate(directions) if d.model in front.shown)
    return Grid(caption, tuple(columns), tuple(rows), marked)


def _model(name: str, front: Headline, remark: str = "") -> Cell:
    return Cell(name, "rule" if name in front.rules else "", remark)


def way(position: str, fill: str) -> str:
    """Say how positions were made and filled."""
    return f"position {position}, filled {FILL_WORDS.get(fill, fill)}"


def ways(report: Report) -> list[tuple[str, str]]:
    """Return every pair of position rule and fill, the headline first."""
    return list(dict.fromkeys((e.position, e.fill) for e in report.evaluation.earned))


def earnings(report: Report, position: str, fill: str) -> Grid:
    """Return what every model earned under one position rule and fill, all products together."""
    chosen = [e for e in report.evaluation.earned if (e.position, e.fill, e.scope) == (position, fill, ALL)]
    return _earned_table(f"What it earned: {way(position, fill)}", chosen, report)


def _earned_table(caption: str, chosen: Sequence[Earned], report: Report, *, scoped: bool = False) -> Grid:
    front, unit = headline(report), currency(report)
    sessions = "product-session" if not scoped and report.spreads["product"].n_unique() > 1 else "session"
    missed = {e.no_forecast for e in chosen}
    uneven = any(missed) and (scoped or len(missed) > 1)
    notes = []
    if any(missed) and not uneven:
        count = chosen[0].no_forecast
        notes.append(
            f"On {number(count, 0)} {sessions}{'' if count == 1 else 's'} no model had a forecast (the decision was"
            " left out, or its fold failed), and no position was asked for."
        )
    if any(e.scores["max_drawdown"].mean > 1 for e in chosen):
        notes.append(ADDITIVE)
    held = _held(report, chosen)
    columns = [
        Column("model", numeric=False),
        *([Column("product", numeric=False)] if scoped else []),
        *(
            Column(f"{name}, {unit}" if key in ("total", "break_even_cost") else name, meaning)
            for key, name, meaning, _, _ in _MONEY
        ),
        *(
            [Column("no forecast", f"{sessions}s without a forecast, on which no position was asked for")]
            if uneven
            else []
        ),
    ]
    rows: list[tuple[Cell | str, ...]] = [
        (
            _model(e.model, front, SLIVER if 0 < held[e.model, e.scope] < LEAST_HELD else ""),
            *([e.scope] if scoped else []),
            *(
                Cell(DASH, remark=NEVER)
                if key in _RATIOS and never_traded(e)
                else score_cell(e.scores[key], e.undefined.get(key, ""), as_percent=share, digits=digits)
                for key, _, _, share, digits in _MONEY
            ),
            *([number(e.no_forecast, 0)] if uneven else []),
        )
        for e in chosen
    ]
    marked = tuple(place for place, e in enumerate(chosen) if e.model in front.shown)
    return Grid(caption, tuple(columns), tuple(rows), marked, tuple(notes))


def _held(report: Report, chosen: Sequence[Earned]) -> dict[tuple[str, str], float]:
    """Mean absolute position by model and scope, over seeds and sessions, as a share of a full one."""
    full = float(report.study["trading"]["limits"]["max_pairs"])
    size = (pl.col("position").abs().mean() / full).alias("size")
    mine = report.evaluation.ledger.filter(
        (pl.col("position_rule") == chosen[0].position) & (pl.col("fill") == chosen[0].fill)
    )
    by_product = {(model, code): held for model, code, held in mine.group_by("model", "product").agg(size).iter_rows()}
    return by_product | {(model, ALL): held for model, held in mine.group_by("model").agg(size).iter_rows()}


def by_product(report: Report) -> str:
    """Return calls and earnings of each product, headline position and fill; empty with one product."""
    front = headline(report)
    called = [d for d in report.evaluation.directions if d.scope != ALL]
    made = [
        e for e in report.evaluation.earned if e.scope != ALL and (e.position, e.fill) == (front.position, front.fill)
    ]
    parts = []
    if called:
        called.sort(key=lambda d: d.scope)
        parts.append(html(_direction_table("Calls by product", called, front, scoped=True)))
    if made:
        made.sort(key=lambda e: e.scope)
        caption = f"Earnings by product: {way(front.position, front.fill)}"
        parts.append(html(_earned_table(caption, made, report, scoped=True)))
    return "".join(parts)


def comparisons(report: Report) -> str:
    """Return the paired differences with intervals and p-values."""
    pairs = list(dict.fromkeys((c.first, c.second) for c in report.evaluation.comparisons))
    known = {(c.first, c.second, c.measure): c for c in report.evaluation.comparisons}
    rows = []
    for first, second in pairs:
        row: list[Cell | str] = [first, second]
        for measure, form in (("accuracy", points_cell), ("sharpe", score_cell)):
            gap = known.get((first, second, measure))
            if gap is None:
                row += [Cell(DASH, remark=f"{measure} was not compared"), DASH]
                continue
            why = "" if math.isfinite(gap.p_value) else "no session in common, or a score that is undefined"
            row.append(form(Score(gap.estimate, None, gap.low, gap.high), why))
            row.append(Cell(DASH, remark=why) if why else p_value(gap.p_value))
        rows.append(row)
    columns = [
        Column("model", numeric=False),
        Column("minus", numeric=False),
        Column("accuracy, points", "difference in accuracy on the same days"),
        Column("p", "two-sided, before any correction"),
        Column("Sharpe after costs", "difference, headline position and fill"),
        Column("p", "two-sided, before any correction"),
    ]
    return table("Paired differences on the same sessions", columns, rows)


def findings(report: Report) -> Grid:
    """Return, for each model that learns, the hardest rule, the margin and whether it is a finding."""
    rows = [
        (
            f.model,
            f.best_rule,
            points_cell(Score(f.margin), "" if math.isfinite(f.margin) else "no day in common with the rule"),
            p_value(f.p_holm),
            "found" if f.found else "nothing found",
        )
        for f in report.evaluation.findings
    ]
    columns = (
        Column("model", numeric=False),
        Column("hardest rule", numeric=False),
        Column("ahead by, points"),
        Column("p after Holm", "largest one-sided p-value against the rules, corrected over the models"),
        Column("finding", numeric=False),
    )
    return Grid("Does it beat every rule?", columns, tuple(rows))


def folds(report: Report) -> Grid:
    """Return the cuts of time."""
    columns = (
        Column("fold"),
        *(Column(part, numeric=False) for part in ("train", "validation", "test")),
    )
    rows = [
        (
            str(fold.index + 1),
            *(f"{day(part[0])} to {day(part[1])}" for part in (fold.train, fold.validation, fold.test)),
        )
        for fold in report.folds
    ]
    return Grid("Folds: first and last session of each range", columns, tuple(rows))


def left_out(report: Report) -> Grid:
    """Return how many decisions each cleaning rule took, by product."""
    codes = list(dict.fromkeys(out.product for out in report.left_out))
    rules = list(dict.fromkeys(out.rule for out in report.left_out))
    count = {(out.rule, out.product): out.count for out in report.left_out}
    rows = [
        (
            rule,
            *(
                number(count[rule, code], 0) if (rule, code) in count else Cell(DASH, remark="the rule was not applied")
                for code in codes
            ),
        )
        for rule in rules
    ]
    return Grid("Decisions left out, by product", (Column("rule", numeric=False), *map(Column, codes)), tuple(rows))


def missing(report: Report) -> str:
    """Return the share of unknown values of each factor that has any."""
    rows = [[name, percent(share, 2)] for name, share in report.missing.items() if share > 0]
    columns = [Column("factor", numeric=False), Column("unknown", "share of all rows of all windows")]
    return table("Unknown factor values, filled with the train median of each fold", columns, rows) if rows else ""


def failures(report: Report) -> str:
    """Return folds and seeds without a forecast, seeds of one reason together."""
    together: dict[tuple[str, int, str], list[str]] = {}
    for failure in report.failures:
        seed = "every seed" if failure.seed is None else str(failure.seed)
        together.setdefault((failure.model, failure.fold, failure.reason), []).append(seed)
    rows = [[model, str(fold + 1), ", ".join(seeds), reason] for (model, fold, reason), seeds in together.items()]
    columns = [
        Column("model", numeric=False),
        Column("fold"),
        Column("seeds", numeric=False),
        Column("why", numeric=False),
    ]
    return table("Without a forecast", columns, rows) if rows else ""


def plain_list(words: Sequence[str]) -> str:
    """Return sentences as a list."""
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in words)}</ul>" if words else ""


def facts(pairs: Mapping[str, str]) -> str:
    """Return a definition list; values are HTML already."""
    return (
        "<dl>"
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in pairs.items())
        + "</dl>"
    )
