"""The words and numbers of an outlook on a calendar spread: ``0.855 points, +0.030 on the session before``.

All take the outlook as the answer has it: the fields of :class:`tenor.pair_outlook.PairOutlook` as JSON, and beside
them ``code``, ``name``, ``source``, ``simulated``, ``run``, ``speaks``, ``record`` and ``notes``. What is said of
models alone is said in the words of :mod:`tenor.report.outlook_text`.
"""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from tenor.report.outlook_text import sessions, share, speaker
from tenor.report.text import FILL_WORDS, day, number, p_value, said

NAIVE = "next close = this close"
"""The row that every model has to beat."""


def is_pair(outlook: Mapping[str, Any]) -> bool:
    """Say whether an outlook is one on a calendar spread."""
    return "pair" in outlook


def title(outlook: Mapping[str, Any]) -> str:
    """Name the pair and its product."""
    return f"{outlook['pair']} ({outlook['name']})"


def points(outlook: Mapping[str, Any], value: float | None, *, signed: bool = False) -> str:
    """Write points with as many decimals as the tick has."""
    text = number(value, max(0, math.ceil(-math.log10(outlook["tick"]) - 1e-9)))
    return f"+{text}" if signed and value is not None and value > 0 else text


def last_spread(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence what the spread was, and how far it goes in a session."""
    change = outlook["change"]
    since = "" if change is None else f", {points(outlook, change, signed=True)} on the session before"
    return (
        f"Spread {points(outlook, outlook['spread'])} points at the close of"
        f" {day(date.fromisoformat(outlook['as_of']))}{since}; an average session moves it by"
        f" {points(outlook, outlook['expected_move'])}."
    )


def record(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence how the model that is quoted did on this product, beside the hardest rule."""
    held = outlook["record"]
    first, last = (day(date.fromisoformat(held[edge])) for edge in ("first", "last"))
    beside = ""
    if held["best_rule"]:
        beside = f"; {said(held['best_rule'])}, the hardest rule there, on {share(held['best_accuracy'])}"
    verdict = "no rule was run beside it"
    if held["p_holm"] is not None:
        verdict = f"{'a finding' if held['found'] else 'nothing found'} (p {_p(held['p_holm'])} after Holm)"
    return (
        f"From {first} to {last} {said(held['model'])} was right on {share(held['accuracy'])} of {held['n']:,} calls on"
        f" {outlook['code']}{beside}. Over all products of the run: {verdict}."
    )


def _p(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def position(outlook: Mapping[str, Any]) -> str:
    """Say in a sentence what would be held, and what holding it so earned at each fill."""
    one = speaker(outlook)
    side = _side(one["pairs"])
    if one["seeds"] > 1 and one["pairs_low"] != one["pairs_high"]:
        side += f" (its seeds from {_side(one['pairs_low'])} to {_side(one['pairs_high'])})"
    earned = "; ".join(
        f"filled {FILL_WORDS[each['fill']]} {number(each['sharpe']['mean'])} (before costs"
        f" {number(each['sharpe_gross']['mean'])})"
        for each in outlook["record"]["earned"]
    )
    return f"The rule {outlook['rule']} holds {side}. Sharpe ratio of holding so, after costs: {earned}."


def _side(pairs: float) -> str:
    if abs(pairs) < 0.005:
        return "nothing"
    size = number(abs(pairs), 2).removesuffix(".00")
    return f"{size} pair{'' if size == '1' else 's'} {'long' if pairs > 0 else 'short'}"


def staleness(outlook: Mapping[str, Any]) -> str:
    """Warn of sessions that closed since the data end; nothing where there is none."""
    if not outlook["missed"]:
        return ""
    return f"{sessions(outlook['missed'])} closed since the last quote that is held"
