"""The words and numbers of an outlook, the same on a terminal, a page and a sheet of paper.

``P(up) 52.1 % [50.8, 53.4] over 5 seeds``; ``264.10 to 278.90 USD on 25 Nov 2026``; ``Data end 20 Nov 2026, 2 sessions
ago: STALE``. All take an outlook as the answer to ``predict`` has it: the fields of
:class:`tenor.outlook.Outlook` as JSON, and beside them ``name``, ``source``, ``simulated``, ``run``, ``trained_now``,
``speaks``, ``recent``, ``record`` and ``notes``.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tenor.report.text import DASH, FILL_WORDS, day, listed, number, percent, said

NAIVE = "tomorrow = today"
"""The row that every model has to beat: the last close, whatever the horizon."""

SHOWN_DIGITS = 4
"""Significant digits of a price below one."""


def decimals(price: float) -> int:
    """Return how many decimals prices of this size are written with.

    742,500 has none, 271.49 two, 3.456 three, 0.01230 as many as give four significant digits.
    """
    size = abs(price)
    if size == 0 or not math.isfinite(size):
        return 2
    if size >= 100_000:
        return 0
    if size >= 10:
        return 2
    return 3 if size >= 1 else SHOWN_DIGITS - 1 - math.floor(math.log10(size))


def price(outlook: Mapping[str, Any], value: float | None) -> str:
    """Write a price without its currency, with the decimals of the last close."""
    return number(value, decimals(outlook["close"]))


def close(outlook: Mapping[str, Any]) -> str:
    """Write the last close with its currency."""
    return f"{price(outlook, outlook['close'])} {outlook['currency']}"


def signed(value: float | None, digits: int = 2) -> str:
    """Write a return in per cent, with its sign."""
    text = percent(value, digits)
    return f"+{text}" if value is not None and value > 0 and any(one in text for one in "123456789") else text


def title(outlook: Mapping[str, Any]) -> str:
    """Name the instrument: its code, and its name where that says more."""
    code, name = str(outlook["code"]), str(outlook["name"] or "")
    return code if name in ("", code) else f"{code} {name}"


def heading(answer: Mapping[str, Any]) -> str:
    """Name the answer."""
    told = answer["outlooks"]
    return f"Outlook: {title(told[0])}" if len(told) == 1 else f"Outlook: {len(told)} tickers"


def sessions(count: int) -> str:
    """Count sessions."""
    return f"{count:,} session{'' if count == 1 else 's'}"


def horizon_name(horizon: int) -> str:
    """Name a horizon."""
    return "next session" if horizon == 1 else f"in {sessions(horizon)}"


def due(outlook: Mapping[str, Any], place: int) -> str:
    """Say when the outcome of a horizon is due; a dash beyond the holidays that are known."""
    when = outlook["due"][place]
    return DASH if when is None else day(date.fromisoformat(when))


def speaker(outlook: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the model says that is quoted first."""
    found: Mapping[str, Any] = next(one for one in outlook["models"] if one["model"] == outlook["speaks"])
    return found


def in_order(outlook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what each model says, the one that is quoted first in front."""
    front = speaker(outlook)
    return [front, *(one for one in outlook["models"] if one is not front)]


def over_seeds(one: Mapping[str, Any]) -> str:
    """Write the range of a probability over the seeds; nothing where one seed spoke."""
    if one["seeds"] == 1:
        return ""
    low, high = (percent(one[edge]).removesuffix(" %") for edge in ("low", "high"))
    return f"[{low}, {high}]"


def probability(one: Mapping[str, Any]) -> str:
    """Write a probability of up, its range over seeds, and how many they are."""
    if one["seeds"] == 1:
        return f"P(up) {percent(one['up'])} (1 seed)"
    return f"P(up) {percent(one['up'])} {over_seeds(one)} over {one['seeds']} seeds"


def lean(one: Mapping[str, Any]) -> str:
    """Say on which side a model stands, and whether all of its seeds stand there."""
    if one["low"] < 0.5 < one["high"]:
        return "its seeds do not agree on a side"
    if one["up"] == 0.5:
        return "it takes no side"
    side = "up" if one["up"] > 0.5 else "down"
    return f"every seed says {side}" if one["seeds"] > 1 else f"it says {side}"


def stated(one: Mapping[str, Any], pair: tuple[int, int] = (0, -1)) -> str:
    """Write how much two quantiles of a model cover, the outermost by default; a dash where it gives none."""
    levels = one["levels"]
    return f"{100 * (levels[pair[1]] - levels[pair[0]]):.3g} %" if len(levels) > 1 else DASH


def width(outlook: Mapping[str, Any], one: Mapping[str, Any], place: int, pair: tuple[int, int] = (0, -1)) -> str:
    """Write the range between two quantiles of a horizon, the outermost by default; a dash where a model gives none."""
    if len(one["levels"]) < 2:
        return DASH
    row = one["prices"][place]
    return f"{price(outlook, row[pair[0]])} to {price(outlook, row[pair[1]])}"


def median(one: Mapping[str, Any], place: int, what: str = "prices") -> float | None:
    """Return the median of a horizon, between two levels where none is a half; ``None`` where a model gives none."""
    levels: Sequence[float] = one["levels"]
    if not levels or not levels[0] <= 0.5 <= levels[-1]:
        return None
    values: Sequence[float] = one[what][place]
    above = next(at for at, level in enumerate(levels) if level >= 0.5)
    if levels[above] == 0.5:
        return values[above]
    share = (0.5 - levels[above - 1]) / (levels[above] - levels[above - 1])
    return values[above - 1] + share * (values[above] - values[above - 1])


def pairs(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Return the places of the two quantiles of each range, the widest first."""
    return [(at, len(levels) - 1 - at) for at in range(len(levels) // 2)]


def expected_range(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence between which prices the first horizon is expected to end."""
    one = speaker(outlook)
    if len(one["levels"]) < 2:
        name = said(outlook["speaks"])
        return f"{name[:1].upper()}{name[1:]} gives no price quantiles."
    when = due(outlook, 0)
    on = "" if when == DASH else f", {when}"
    return (
        f"Expected range {horizon_name(outlook['horizons'][0])}{on} ({stated(one)}):"
        f" {width(outlook, one, 0)} {outlook['currency']}."
    )


def held(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence what would be held, and what holding it so earned; nothing where the study holds nothing."""
    one, past = speaker(outlook), outlook["record"]["held"]
    if one["weight"] is None or past is None:
        return ""
    side = _side(one["weight"])
    if one["seeds"] > 1:
        side += f", the mean of {one['seeds']} seeds from {_side(one['weight_low'])} to {_side(one['weight_high'])}"
    sharpe, ratio = (_ratio(past[name]) for name in ("sharpe", "information_ratio"))
    return (
        f"Held {past['portfolio']}: {side}. Held so over the record, filled {FILL_WORDS[past['fill']]}, it earned"
        f" {signed(past['annual_return']['value'], 1)} a year after costs (days added up), a Sharpe ratio of {sharpe}"
        f" (before costs {_ratio(past['sharpe_gross'])}); against holding it throughout, an information ratio of"
        f" {ratio}."
    )


def _side(weight: float) -> str:
    if abs(weight) < 0.005:
        return "nothing"
    return f"{percent(abs(weight), 0)} {'long' if weight > 0 else 'short'}"


def _ratio(score: Mapping[str, Any]) -> str:
    if score["value"] is None:
        return DASH
    interval = f" [{number(score['low'], 2)}, {number(score['high'], 2)}]" if score["low"] is not None else ""
    return f"{number(score['value'], 2)}{interval}"


def headline(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence how probable up is, and to whom."""
    one = speaker(outlook)
    return f"{probability(one)} for the {_first(outlook)} by {said(outlook['speaks'])}; {lean(one)}."


def by(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence which model is quoted, and on which side it stands."""
    return f"By {said(outlook['speaks'])}: {lean(speaker(outlook))}."


def _first(outlook: Mapping[str, Any]) -> str:
    first = outlook["horizons"][0]
    return "next session" if first == 1 else f"next {sessions(first)}"


def last_close(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence what the last close was."""
    return f"Last close {close(outlook)} on {day(date.fromisoformat(outlook['as_of']))}, {_change(outlook)}."


def _change(outlook: Mapping[str, Any]) -> str:
    change = outlook["change"]
    return "the first that is held" if change is None else f"{signed(change)} on the session before"


def staleness(outlook: Mapping[str, Any]) -> str:
    """Warn of sessions that closed since the data end; nothing where there is none."""
    missed = outlook["missed"]
    if not missed:
        return ""
    past = [str(horizon) for horizon in outlook["horizons"] if horizon <= missed]
    over = ""
    if len(past) == 1:
        over = f" The outcome {sessions(int(past[0]))} ahead is known by now."
    elif past:
        over = f" The outcomes {listed(past)} sessions ahead are known by now."
    return f"Data end {day(date.fromisoformat(outlook['as_of']))}, {sessions(missed)} ago: STALE.{over}"


def validation(outlook: Mapping[str, Any]) -> str:
    """Warn of a record that is not out of sample; nothing where it is."""
    if outlook["record"]["judged"] == "test":
        return ""
    return (
        "the record is of the validation range, on which training was stopped: it flatters, and nothing is judged yet."
    )


def simulated(outlook: Mapping[str, Any]) -> str:
    """Warn that prices were drawn; nothing where they were observed."""
    return "SIMULATED: every price was drawn, none was observed." if outlook["simulated"] else ""


def flags(outlook: Mapping[str, Any]) -> list[str]:
    """Return the words of warning that belong beside every mention of an outlook."""
    return [
        word
        for word, there in (
            ("SIMULATED", outlook["simulated"]),
            ("STALE", outlook["missed"] > 0),
            ("VALIDATION", outlook["record"]["judged"] != "test"),
        )
        if there
    ]


def share(score: Mapping[str, Any] | None) -> str:
    """Write a share in per cent with its interval as far as there is one."""
    if score is None:
        return DASH
    if score["low"] is None or score["high"] is None:
        return percent(score["mean"])
    low, high = (percent(score[edge]).removesuffix(" %") for edge in ("low", "high"))
    return f"{percent(score['mean'])} [{low}, {high}]"


def verdict(outlook: Mapping[str, Any]) -> str:
    """Say in a few words whether the record holds a finding; of validation it can hold none."""
    if outlook["record"]["judged"] != "test":
        return "not judged yet"
    return "found" if outlook["record"]["found"] else "nothing found"


def by_horizon(rows: Sequence[Mapping[str, Any]], horizon: int) -> Mapping[str, Any] | None:
    """Return the row of a horizon, if there is one."""
    return next((row for row in rows if row["horizon"] == horizon), None)


def coverage(record: Mapping[str, Any], horizon: int) -> str:
    """Write how much a range covered, beside what it states; a dash where there is no record of it."""
    row = by_horizon(record["coverage"], horizon)
    if row is None:
        return DASH
    interval = ""
    if row["low"] is not None and row["high"] is not None:
        interval = " [{}, {}]".format(*(percent(row[edge]).removesuffix(" %") for edge in ("low", "high")))
    return f"{percent(row['found'])}{interval} of {100 * row['stated']:.3g} %"


def skill_at(record: Mapping[str, Any], horizon: int) -> str:
    """Write the skill over a horizon with its interval; a dash where there is no record of it."""
    row = by_horizon(record["skill"], horizon)
    if row is None or row["value"] is None:
        return DASH
    low, high = (signed(row[edge], 1).removesuffix(" %") for edge in ("low", "high"))
    return f"{signed(row['value'], 1)} [{low}, {high}]"


def brier(record: Mapping[str, Any]) -> str:
    """Write the Brier score beside that of always calling the usual side."""
    beside = record["brier_majority"]
    return number(record["brier"], 4) + ("" if beside is None else f" (usual side {number(beside, 4)})")


def provenance(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence which run speaks, how old it is, and what it read."""
    made = "trained just now" if outlook["trained_now"] else "kept"
    learnt = day(date.fromisoformat(outlook["learnt_until"]))
    return f"Run {outlook['run']} ({made}) on {outlook['source']}; its models learnt until {learnt}."
