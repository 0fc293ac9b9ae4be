"""A comparison of runs on a terminal: what was asked differently, scores side by side, paired differences."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from tenor.app.tables import bracket, number, percent, table


def printed_compare(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer of ``compare``."""
    names = [run["run"] for run in answer["runs"]]
    facts = ("study", "source", "judged", "test", "fingerprint", "code")
    rows = [[fact, *(_fact(run[fact]) for run in answer["runs"])] for fact in facts]
    console.print(table("Runs", ["name", *names], rows))
    if any(run["simulated"] for run in answer["runs"]):
        console.print("SIMULATED: prices were drawn, none was observed", style="bold yellow")
    rows = [[one["key"], *(_value(value) for value in one["values"])] for one in answer["settings"]]
    console.print(table("Settings that differ", ["name", *names], rows))
    rows = [
        [
            one["model"],
            one["run"],
            f"{percent(one['accuracy']['mean'])}{_interval(one['accuracy'])}",
            number(one["brier"]["mean"], 4),
            number(one["sharpe"]["mean"]) if one["sharpe"] else "-",
            number(one["sharpe_gross"]["mean"]) if one["sharpe_gross"] else "-",
            one["way"] or "-",
            "-" if one["found"] is None else "found" if one["found"] else "nothing found",
        ]
        for one in sorted(answer["scores"], key=lambda one: _order(answer, one["model"]))
    ]
    heads = ["model", "run", "right", "Brier", "Sharpe after costs", "before", "held", "verdict"]
    console.print(table("Scores of each run", heads, rows))
    if answer["across"]:
        rows = [
            [
                one["model"],
                one["run"],
                "right, points" if one["measure"] == "accuracy" else "Sharpe after costs",
                _gap(one, one["estimate"]),
                f"[{_gap(one, one['low'])}, {_gap(one, one['high'])}]",
                number(one["p_holm"], 3),
                f"{one['sessions']:,}",
            ]
            for one in answer["across"]
        ]
        title = f"Less {answer['first']}, on what both were asked"
        console.print(table(title, ["model", "run", "of", "difference", "interval", "p, Holm", "sessions"], rows))
    for note in answer["notes"]:
        console.print(note, style="yellow", soft_wrap=True)


def _order(answer: Mapping[str, Any], model: str) -> int:
    return list(dict.fromkeys(one["model"] for one in answer["scores"])).index(model)


def _fact(value: Any) -> str:
    return " to ".join(value) if isinstance(value, list) else str(value)[:24]


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _interval(score: Mapping[str, Any]) -> str:
    return "" if score["low"] is None else f" {bracket(score['low'], score['high'])}"


def _gap(one: Mapping[str, Any], value: float) -> str:
    return number(100 * value if one["measure"] == "accuracy" else value)
