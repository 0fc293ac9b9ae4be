"""The sentences of a report: written from its numbers, each time anew.

The verdict says how often the front models were right, whether anything was found, what is left after costs,
and how much a test of this length can show at all. It names the rule that is hardest to beat beside every
model, and the fill that could not have been had beside the one that could.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tenor.decide.backtest import FILLS, Fill
from tenor.errors import MarketError
from tenor.market.contract import product
from tenor.report.headline import Headline, direction_of, earned_by, headline
from tenor.report.report import Report
from tenor.trust.evaluation import Comparison, Earned, Finding, Score
from tenor.trust.significance import days_to_confirm

DASH = "–"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

FILL_WORDS: Mapping[str, str] = {
    "same_close": "at the same close",
    "next_open": "at the next open",
    "next_close": "at the next close",
}
WHO: Mapping[str, str] = {
    "same_close": "only someone who knows the close before it is over: an upper bound. Closing prices"
    " bounce, and a"
    " signal made of the same close earns that bounce here and nowhere else",
    "next_open": "someone who decides in the evening and sends both legs into the next session's opening",
    "next_close": "someone who decides in the evening and trades at the next session's close",
}
"""Who could have traded each fill (:mod:`tenor.decide.backtest`)."""

_SAID = {
    "lstm": "the LSTM",
    "dnn": "the DNN",
    "gru": "the GRU",
    "alstm": "the attentive LSTM",
    "transformer": "the Transformer",
    "random_walk": "the random walk",
    "lightgbm": "LightGBM",
    "logistic": "the logistic regression",
    "majority": "the majority rule",
    "reversal": "reversal",
    "momentum": "momentum",
}

SIMULATED = (
    "Every price behind this page was drawn by a random generator; none was observed. It shows what the"
    " method does, and says nothing about a market."
)


def said(model: str) -> str:
    """Return how a sentence names a model."""
    return _SAID.get(model, model)


def number(value: float | None, digits: int = 2) -> str:
    """Format a number with a true minus and thousands apart; a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{value:,.{digits}f}"
    negative = text.startswith("-") and any(digit in text for digit in "123456789")
    return ("−" if negative else "") + text.removeprefix("-")


def percent(value: float | None, digits: int = 1) -> str:
    """Format a decimal as per cent; a dash where it is undefined."""
    text = number(None if value is None else 100.0 * value, digits)
    return text if text == DASH else f"{text} %"


def p_value(value: float) -> str:
    """Format a p-value; below a thousandth only that is said."""
    return "< 0.001" if value < 0.001 else number(value, 3)


def day(when: date) -> str:
    """Format a date as 1 Jun 2019, whatever the locale."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def short_day(iso: str) -> str:
    """Format an ISO date as 1 Jun, for an axis."""
    when = date.fromisoformat(iso)
    return f"{when.day} {MONTHS[when.month - 1]}"


def month(when: date) -> str:
    """Format a date as Jun 2019, whatever the locale."""
    return f"{MONTHS[when.month - 1]} {when.year}"


def listed(parts: Sequence[str]) -> str:
    """Join as a sentence does."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def currency(report: Report) -> str:
    """Return the currency of the products; ``money`` where they differ or have no rule book."""
    codes = report.spreads["product"].unique(maintain_order=True).to_list()
    try:
        held = {product(code).currency for code in codes}
    except MarketError:
        return "money"
    return held.pop() if len(held) == 1 else "money"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a study found: a word (``found``, ``nothing found`` or ``no comparison``), and sentences."""

    word: str
    sentences: tuple[str, ...]


def verdict(report: Report) -> Verdict:
    """Write the verdict of a report from its numbers."""
    front = headline(report)
    findings = report.evaluation.findings
    if not findings:
        word = "no comparison"
    else:
        word = "found" if any(finding.found for finding in findings) else "nothing found"
    sentences = (
        _accuracy(report, front),
        _finding(report, front),
        _networks(report),
        _earned(report, front),
        _earned_by_others(report, front),
        _bound(report, front),
        _certain_money(report, front),
    )
    return Verdict(word, tuple(sentence for sentence in sentences if sentence))


def facts(report: Report) -> dict[str, str]:
    """What stands under the verdict, plain text by name."""
    sessions, study = report.evaluation.sessions, report.study
    seeds, first = int(study["seeds"]), int(study["seed"])
    folds = len(report.folds)
    return {
        "Source": f"{report.data.source}, SIMULATED" if report.data.simulated else report.data.source,
        "Products": ", ".join(report.spreads["product"].unique(maintain_order=True).to_list()),
        "Decisions from, to": f"{report.data.first} to {report.data.last}",
        "Tested on": (
            f"{number(len(sessions), 0)} sessions, {day(sessions[0].item())} to {day(sessions[-1].item())},"
            f" {folds} fold{'' if folds == 1 else 's'}"
        ),
        "Seeds": f"{seeds} ({first} to {first + seeds - 1})" if seeds > 1 else f"1 ({first})",
    }


def counted_days(report: Report, n: int) -> str:
    """Say which days the headline accuracy is over."""
    band = float(report.study.get("cleaning", {}).get("neutral_ticks", 0.0))
    days = unit(report)
    if not band:
        return f"{number(n, 0)} {days} with a change"
    return (
        f"{number(n, 0)} {days} with a move of {number(band, 1).removesuffix('.0')}"
        f" tick{'' if band == 1 else 's'} or more"
    )


def unit(report: Report) -> str:
    """What one call is about: a day, or one product's day where products are pooled."""
    return "days" if report.spreads["product"].n_unique() == 1 else "product-days"


def _accuracy(report: Report, front: Headline) -> str:
    """How often the front models and the best rule were right."""
    parts: list[str] = []
    told = False
    for model in _in_order(report, front):
        direction = direction_of(report, model)
        score = direction.scores["accuracy"]
        if not math.isfinite(score.mean):
            why = direction.undefined.get("accuracy", "no seed has a complete forecast")
            parts.append(f"{said(model)} has no accuracy ({why})")
        elif not told:
            told = True
            where = f" of the {counted_days(report, direction.n)}"
            parts.append(f"{said(model)} was right on {percent(score.mean)}{where}{_interval(report, score)}")
        else:
            name = f"the best rule, {said(model)}," if model == front.best_rule else said(model)
            parts.append(f"{name} on {percent(score.mean)}")
    return _sentence("; ".join(parts))


def _interval(report: Report, score: Score) -> str:
    if score.low is None or score.high is None or not math.isfinite(score.low):
        return ""
    return (
        f" ({number(100 * report.evaluation.level, 0)} % interval {number(100 * score.low, 1)} to"
        f" {number(100 * score.high, 1)})"
    )


def _in_order(report: Report, front: Headline) -> tuple[str, ...]:
    """The leading model, the other models in front and those that found something, then the rule to beat."""
    found = {finding.model for finding in report.evaluation.findings if finding.found}
    told = [name for name in reversed(front.models) if name in front.shown or name in found]
    rest = [name for name in told if name not in (front.leading, front.best_rule)]
    rule = [front.best_rule] if front.best_rule and front.best_rule != front.leading else []
    return (front.leading, *rest, *rule)


def _finding(report: Report, front: Headline) -> str:
    """Whether a model that learns beats every rule."""
    findings = report.evaluation.findings
    if not findings:
        lacking = "model that learns" if not front.learners else "rule"
        return f"Nothing can be found: no {lacking} has scores in this study, so there is no comparison to make."
    after = f" after Holm's correction over {len(findings)} models" if len(findings) > 1 else ""
    found = [finding for finding in findings if finding.found]
    if found:
        parts, named = [], set[str]()
        for each in found:
            ahead = "" if each.best_rule in named else f" ahead of {said(each.best_rule)}, the hardest to beat"
            parts.append(f"{said(each.model)} ({_points(each)}{ahead}; p {_equals(each.p_holm)})")
            named.add(each.best_rule)
        others = [said(finding.model) for finding in findings if not finding.found]
        tail = f", but not {listed(others)}" if others else ""
        verb = "is" if len(found) == 1 else "are"
        corrected = f" (p{after})" if after else ""
        return f"Found: {listed(parts)} {verb} right more often than every rule{corrected}{tail}."
    known = [finding for finding in findings if math.isfinite(finding.margin)]
    if not known:
        return "Nothing found: no model that learns has a day in common with the rules."
    closest = max(known, key=lambda finding: finding.margin)
    one = "the one model that learns does not beat" if len(findings) == 1 else "no model that learns beats"
    if closest.margin > 0:
        line = number(1 - report.evaluation.level, 2)
        where = (
            f"is {_points(closest)} ahead of {said(closest.best_rule)}, the hardest to beat, which chance"
            f" explains: p {_equals(closest.p_holm)}{after}, and the line is {line}"
        )
    else:
        where = f"is {_points(closest)} behind {said(closest.best_rule)} (p {_equals(closest.p_holm)}{after})"
        if closest.margin == 0:
            where = f"is level with {said(closest.best_rule)}"
    return (
        f"Nothing found: {one} every rule;"
        f" {'it' if len(findings) == 1 else f'the closest, {said(closest.model)},'} {where}."
    )


def _points(finding: Finding) -> str:
    return f"{number(abs(100 * finding.margin), 1)} points"


def _equals(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def never_traded(earned: Earned) -> bool:
    """Whether no seed ever held a position."""
    return earned.scores["turnover"].mean == 0


def _ways_out(report: Report, front: Headline) -> list[Fill]:
    """The fills of the study: the headline first, the others as they lie in time."""
    held = {e.fill for e in report.evaluation.earned if e.position == front.position}
    return [front.fill, *(fill for fill in FILLS if fill in held and fill != front.fill)]


def _earned(report: Report, front: Headline) -> str:
    """What is left of the leading model after costs, at every fill."""
    kind = report.study["positions"][0].get("kind", "")
    how = {"sign": "with a full position on the likelier side", "probability": "in proportion to conviction"}
    way = how.get(kind, f"by the rule {front.position}") if "band" not in front.position else f"by {front.position}"
    earned = earned_by(report, front.leading, front.position, front.fill)
    if never_traded(earned):
        return f"Traded {way}, {said(front.leading)} never took a position."
    parts = []
    for fill in _ways_out(report, front):
        net = earned_by(report, front.leading, front.position, fill).scores["sharpe"]
        parts.append(f"{number(net.mean)}{_sharpe_interval(net)} {FILL_WORDS[fill]}")
    return (
        f"Traded {way}, {said(front.leading)} has a Sharpe ratio after costs of {listed(parts)}"
        f" (before costs {number(earned.scores['sharpe_gross'].mean)} {FILL_WORDS[front.fill]})."
    )


def _earned_by_others(report: Report, front: Headline) -> str:
    """The same of the other models in front."""
    fills = _ways_out(report, front)
    parts = []
    for model in _in_order(report, front)[1:]:
        every = [earned_by(report, model, front.position, fill) for fill in fills]
        ratios = [DASH if never_traded(e) else number(e.scores["sharpe"].mean) for e in every]
        parts.append(f"{said(model)} {'never traded' if all(map(never_traded, every)) else listed(ratios)}")
    if not parts:
        return ""
    order = "in that order, " if len(fills) > 1 else ""
    return f"The others, {order}after costs: {'; '.join(parts)}."


def _sharpe_interval(score: Score) -> str:
    if score.low is None or score.high is None or not math.isfinite(score.low):
        return ""
    return f" ({number(score.low)} to {number(score.high)})"


def _bound(report: Report, front: Headline) -> str:
    """Who could have had the same close."""
    if "same_close" not in _ways_out(report, front):
        return ""
    return "Only who knows a close before it is over could have traded at the same close: it is an upper bound."


def _certain_money(report: Report, front: Headline) -> str:
    """Whose Sharpe ratio after costs has an interval above zero, at each fill."""
    parts = []
    for fill in _ways_out(report, front):
        above = []
        for model in front.models:
            low = earned_by(report, model, front.position, fill).scores["sharpe"].low
            if low is not None and low > 0:
                above.append(said(model))
        parts.append((FILL_WORDS[fill], above))
    if not any(above for _, above in parts):
        return "After costs no model's Sharpe ratio is clearly above zero: every interval reaches zero or lies below."
    told = "; ".join(f"{where} for {listed(above) if above else 'no model'}" for where, above in parts)
    models = len(front.models)
    looks = f" for looking at {models} models" if models > 1 else ""
    return f"The interval of the Sharpe ratio after costs lies above zero {told}: before any correction{looks}."


def _networks(report: Report) -> str:
    """Whether the LSTM does better than the DNN: the question of the studies with both networks."""
    known = {(c.first, c.second, c.measure): c for c in report.evaluation.comparisons}
    gaps = []
    for measure in ("accuracy", "sharpe"):
        gap, mirrored = known.get(("lstm", "dnn", measure)), known.get(("dnn", "lstm", measure))
        if gap is None and mirrored is not None:
            gap = replace(mirrored, estimate=-mirrored.estimate, low=-mirrored.high, high=-mirrored.low)
        if gap is None:
            return ""
        gaps.append(gap)
    right, sharpe = gaps
    front = headline(report)
    level = number(100 * report.evaluation.level, 1).removesuffix(".0")
    return (
        f"LSTM minus DNN on the same days: {_gap(right, 100.0, 1, ' points of accuracy', f'{level} % interval ')};"
        f" {_gap(sharpe, 1.0, 2, f' of Sharpe ratio after costs, filled {FILL_WORDS[front.fill]}', '')}."
    )


def _gap(gap: Comparison, scale: float, digits: int, what: str, interval: str) -> str:
    """Say a difference, its interval, its p-value and whether it can be told from none."""
    if not math.isfinite(gap.p_value):
        return f"{DASH}{what} (no session in common, or a score that is undefined)"
    estimate, low, high = (scale * part for part in (gap.estimate, gap.low, gap.high))
    sign = "+" if estimate > 0 else ""
    told = "no difference can be told" if low <= 0 <= high else f"the {'LSTM' if low > 0 else 'DNN'} is ahead"
    return (
        f"{sign}{number(estimate, digits)}{what} ({interval}{number(low, digits)} to {number(high, digits)},"
        f" p {_equals(gap.p_value)}), {told}"
    )


def power(report: Report) -> str:
    """Say how small an edge a test of this length can show."""
    days = direction_of(report, headline(report).leading).n
    least = least_confirmable(days)
    if least is None:
        return f"With {days} scored {unit(report)} this test is too short to confirm any accuracy."
    return (
        f"To confirm an accuracy of 54 % takes {number(days_to_confirm(0.54), 0)} days; this test has"
        f" {number(days, 0)}{'' if unit(report) == 'days' else ' product-days'} and can confirm {percent(least)} or"
        " more."
    )


def least_confirmable(days: int) -> float | None:
    """Return the smallest accuracy, in steps of 0.1 %, that ``days`` days can tell from a coin.

    By :func:`~tenor.trust.significance.days_to_confirm`, one-sided at 5 % with power 80 %; ``None`` if not
    even 99 %.
    """
    return next((step / 1000 for step in range(501, 991) if days_to_confirm(step / 1000) <= days), None)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def method(report: Report) -> tuple[tuple[str, str], ...]:
    """Return the notes on method: pairs of what is explained and the explanation."""
    evaluation, front = report.evaluation, headline(report)
    level = number(100 * evaluation.level, 1).removesuffix(".0")
    trading: Mapping[str, Any] = report.study["trading"]
    costs = trading["costs"]
    fee = "the exchange's dated fee" if costs["fee"] == "exchange" else f"a fee of {costs['fee']:g} a lot and leg"
    fills = list(dict.fromkeys(e.fill for e in evaluation.earned))
    days = direction_of(report, front.leading).n
    return (
        (
            "± and [ ]",
            f"± is the standard deviation over seeds: how much is luck of the start. [ ] is the {level} % interval of"
            f" the seed average over time, from {number(evaluation.replications, 0)} draws of a stationary block"
            f" bootstrap with blocks of {number(evaluation.block, 1)} sessions on average; all models and products"
            " are redrawn on the same sessions, so differences are paired.",
        ),
        (
            "Which days count",
            f"Accuracy, MCC, AUC, log loss, Brier score and ECE are over the {counted_days(report, days)}. Quiet days"
            " cannot be recognised beforehand, so the accuracy on all days that moved stands beside it, and every"
            " day is traded. A forecast of exactly one half counts as half right.",
        ),
        (
            "A finding",
            "A model that learns has found something only if its accuracy beats every rule on the same days: the"
            " largest of its p-values against the rules, one-sided, corrected by Holm over the models that learn,"
            f" must be below {number(1 - evaluation.level, 3).rstrip('0')}. Money plays no part in it.",
        ),
        (
            "The binomial p",
            "The chance that a fair coin is right at least as often on as many independent days (one-sided; half"
            " calls are rounded against the model). It asks whether the model beats a coin, not whether it beats a"
            " rule, and takes the calls of several products on one day for independent: read the interval first.",
        ),
        (
            "How many days it takes",
            power(report)
            + " One-sided at 5 %, found with a chance of 80 %, days independent: "
            + listed([f"{100 * h:.0f} % takes {number(days_to_confirm(h), 0)} days" for h in (0.53, 0.54, 0.55, 0.56)])
            + ".",
        ),
        (
            "Who could have traded",
            " ".join(f"{fill.replace('_', ' ').capitalize()}: {WHO[fill]}." for fill in fills),
        ),
        (
            "Costs and returns",
            f"Each leg execution pays {fee} and {costs['slippage_ticks']:g} ticks of slippage; a spread has two legs,"
            " a round trip four. Returns are on the margin of the full position, additive on constant capital, with"
            f" no rate subtracted; {trading['sessions_per_year']} sessions make a year. Break-even is the money per"
            " leg execution that would bring the mean to zero. A position open when the data end stays at its last"
            " mark.",
        ),
    )
