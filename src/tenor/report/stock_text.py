"""The sentences of a report of stocks: written from its numbers, the verdict first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenor.report.stock_figures import leading, models_of
from tenor.report.stock_report import StockReport
from tenor.report.text import FILL_WORDS, day, number, p_value, percent, said
from tenor.trust.evaluation import RULES, Score
from tenor.trust.quantiles import NAIVE
from tenor.trust.significance import days_to_confirm
from tenor.trust.stocks import PortfolioScores


@dataclass(frozen=True, slots=True)
class StockVerdict:
    """One word, and the sentences that defend it."""

    word: str
    sentences: tuple[str, ...]


def bracket(score: Score, *, as_percent: bool = False, digits: int = 2) -> str:
    """Return a score with its spread over seeds and interval over time, as far as they exist."""
    form = percent if as_percent else number
    sd = ""
    if score.sd is not None:
        sd = f" ±{number(100 * score.sd if as_percent else score.sd, digits)}"
    interval = ""
    if score.low is not None and score.high is not None:
        unit = 100 if as_percent else 1
        interval = f" [{number(unit * score.low, digits)}, {number(unit * score.high, digits)}]"
    return f"{form(score.mean, digits)}{sd}{interval}"


def verdict(report: StockReport) -> StockVerdict:
    """Say whether anything was found, how often the model in front was right, and what is left after costs."""
    found = [one for one in report.evaluation.findings if one.found]
    sentences = []
    if report.judged == "validation":
        calibrated = "" if report.study["calibration"]["kind"] == "none" else " and probabilities were calibrated"
        sentences.append(
            "The data end before the test range: these are scores of the validation range, on which training was"
            f" stopped{calibrated}. They flatter whatever learns."
        )
    if found:
        best, *others = sorted(found, key=lambda one: -one.margin)
        also = "".join(
            f"; so was {said(one.model)}, by {number(100 * one.margin, 2)} (p = {p_value(one.p_holm)})"
            for one in others
        )
        sentences.append(
            f"{_begin(said(best.model))} was right more often than every rule on the same days, by"
            f" {number(100 * best.margin, 2)} points ahead of {said(best.best_rule)}"
            f" (p = {p_value(best.p_holm)} after Holm){also}."
        )
    elif report.evaluation.findings:
        least = min(report.evaluation.findings, key=lambda one: (one.p_holm, -one.margin))
        sentences.append(
            "No model is found to be right more often than every rule on the same days; the nearest is"
            f" {said(least.model)}, {number(100 * abs(least.margin), 2)} points"
            f" {'ahead of' if least.margin > 0 else 'behind'} {said(least.best_rule)}"
            f" (p = {p_value(least.p_holm)} after Holm)."
        )
    sentences.append(_right(report))
    sentences += _earned(report)
    sentences += _ranked(report)
    sentences += _priced(report)
    if report.judged == "validation":
        return StockVerdict("not judged yet", tuple(sentences))
    return StockVerdict("found" if found else "nothing found", tuple(sentences))


def _begin(words: str) -> str:
    return words[:1].upper() + words[1:]


def _right(report: StockReport) -> str:
    directions = {one.model: one for one in report.evaluation.directions if one.scope == "all"}
    front = directions[leading(report)]
    hardest = best_rule(report)
    best = None if hardest is None else directions[hardest]
    beside = f", {said(best.model)} on {percent(best.scores['accuracy'].mean, 2)}" if best is not None else ""
    sessions = len(report.evaluation.sessions)
    return (
        f"{_begin(said(front.model))} was right on {bracket(front.scores['accuracy'], as_percent=True)} of"
        f" {front.n:,} calls over {sessions:,} sessions{beside}; with calls as independent as the days, an edge of"
        f" two points would need {days_to_confirm(0.52):,} days to show (at 5 % on one side, four times in five)."
    )


def best_rule(report: StockReport) -> str | None:
    """The rule with the highest accuracy, beside the model in front; ``None`` if no other rule has one."""
    directions = {one.model: one for one in report.evaluation.directions if one.scope == "all"}
    rules = [directions[name] for name in RULES if name in directions and name != leading(report)]
    best = max(rules, key=lambda one: one.scores["accuracy"].mean, default=None)
    return None if best is None else best.model


def _earned(report: StockReport) -> list[str]:
    front = headline(report)
    if front is None:
        return []
    scores = front.scores
    return [
        f"Traded {front.portfolio} {FILL_WORDS[front.fill]} it earned {percent(scores['annual_return'].mean)} a year"
        f" after costs (Sharpe {bracket(scores['sharpe'])}, before costs {number(scores['sharpe_gross'].mean)}),"
        f" against the benchmark an information ratio of {bracket(scores['information_ratio'])}."
    ]


def headline(report: StockReport) -> PortfolioScores | None:
    """The headline portfolio of the model in front."""
    return next((one for one in report.evaluation.portfolios if one.model == leading(report)), None)


def _ranked(report: StockReport) -> list[str]:
    mine = next((one for one in report.evaluation.cross_sections if one.model == leading(report)), None)
    if mine is None:
        return []
    return [
        f"Its ranking of names has a mean rank IC of {bracket(mine.scores['rank_ic'], digits=4)} over"
        f" {mine.sessions:,} sessions."
    ]


def _priced(report: StockReport) -> list[str]:
    mine = [one for one in report.evaluation.quantiles if one.model == leading(report)]
    if not mine:
        return []
    first = mine[0]
    widest = max(first.cover, key=float, default=None)
    parts = []
    if widest is not None:
        parts.append(
            f"its {number(100 * float(widest), 0)} % interval for the next session held"
            f" {bracket(first.cover[widest], as_percent=True, digits=1)} of outcomes"
        )
    if first.skill is not None:
        way = "less" if first.skill.mean > 0 else "more"
        parts.append(f"the loss of its quantiles is {percent(abs(first.skill.mean), 2)} {way} than the random walk's")
    return [_begin(" and ".join(parts)) + "."] if parts else []


def facts(report: StockReport) -> dict[str, str]:
    """What stands under the verdict, plain text by name."""
    sessions, study = report.evaluation.sessions, report.study
    names = list(report.names)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    seeds, first = int(study["seeds"]), int(study["seed"])
    folds = len(report.folds)
    return {
        "Source": f"{report.data.source}, SIMULATED" if report.data.simulated else report.data.source,
        "Names": f"{len(names):,}: {shown}",
        "Decisions from, to": f"{report.data.first} to {report.data.last}",
        f"Judged on {report.judged}": (
            f"{len(sessions):,} sessions, {day(sessions[0].item())} to {day(sessions[-1].item())}, {folds}"
            f" fold{'' if folds == 1 else 's'}"
        ),
        "Samples": ", ".join(f"{name} {sum(counts):,}" for name, counts in report.samples.items()),
        "Seeds": f"{seeds} ({first} to {first + seeds - 1})" if seeds > 1 else f"1 ({first})",
    }


def method(report: StockReport) -> Sequence[tuple[str, str]]:
    """How the numbers were made, a name and a sentence each."""
    found, study = report.evaluation, report.study
    level = f"{100 * found.level:g} %"
    lines = [
        (
            "Intervals",
            f"[ ] is the {level} interval of the mean over seeds, from {found.replications:,} draws of a stationary"
            f" bootstrap over sessions with blocks of {found.block:.1f} on average: all names of a day are drawn"
            " together, because they share most of their move. ± is the standard deviation over seeds.",
        ),
        (
            "Right",
            f"of moves outside the band (up from {100 * study['target']['up']:g} %, down from"
            f" {100 * study['target']['down']:g} %); days inside it are never learnt from and are traded all the same.",
        ),
        (
            "In front",
            "stands the model that the study names (speaks), else the last that it lists; never the best after the"
            " fact. Its scores are means over seeds; together is the score of one forecast, the mean of what the seeds"
            " say.",
        ),
        (
            "Finding",
            "a model that learns is ahead of every rule on the same days: the weakest of its one-sided p-values,"
            " Holm over models.",
        ),
    ]
    if found.cross_sections:
        lines.append(("Rank IC", "correlation over names of a session's forecast ranks with those of the next return."))
    if found.quantiles:
        lines.append(
            (
                "Quantiles",
                "of the return over each horizon, moved outward or inward on validation until central intervals"
                f" cover what they state (conformal); skill is against {said(NAIVE)} on the same windows.",
            )
        )
    if found.portfolios:
        lines.append(
            (
                "Money",
                "returns are parts of the day's equity, gains taken out and losses made good each day; costs, tax on"
                " sales, borrowing, price limits and halts as the study and the notes say. Filled at the same close"
                " only by someone who knows it before it is over.",
            )
        )
    return lines


def order(report: StockReport) -> list[str]:
    """Models as tables list them: the one in front first, then those that learn, then the rules."""
    held = models_of(report)
    front = leading(report)
    learners = [name for name in held if name not in RULES and name != front]
    return [front, *learners, *(name for name in held if name in RULES and name != front)]
