"""A study of stocks as tables on a terminal: directions, rankings, quantiles, portfolios and differences."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from tenor.app.tables import interval, number, opening, percent, plural, spread, table

NAMED = 6
"""Names that are written out; the rest are counted."""


def printed_stocks(result: Mapping[str, Any], console: Console) -> None:
    """Print what the models of a study of stocks said, and what it was worth."""
    if result["judged"] == "validation":
        calibrated = "" if result["study"]["calibration"]["kind"] == "none" else " and probabilities were calibrated"
        console.print(
            f"VALIDATION: the data end before the test range; training was stopped{calibrated} on the sessions below,"
            " so nothing is out of sample.",
            style="bold yellow",
            soft_wrap=True,
        )
    opening(console, result, of=f"{_names(result['names'])} over ")
    _directions(console, result)
    if result["cross_sections"]:
        _rankings(console, result["cross_sections"])
    if result["quantiles"]:
        _quantiles(console, result["quantiles"])
    for portfolio, fill in dict.fromkeys((one["portfolio"], one["fill"]) for one in result["portfolios"]):
        held = [one for one in result["portfolios"] if (one["portfolio"], one["fill"]) == (portfolio, fill)]
        _portfolio(console, held)
    if result["comparisons"]:
        _differences(console, result["comparisons"])


def _names(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:NAMED])} and {more} more names"


def _directions(console: Console, result: Mapping[str, Any]) -> None:
    together = {one["model"]: one for one in result["together"] if one["scope"] == "all"}
    rows = [
        [
            one["model"],
            str(one["seeds"]),
            spread(one["scores"]["accuracy"], percent, 1),
            percent(together[one["model"]]["scores"]["accuracy"]["mean"], 1),
            spread(result["mcc"][one["model"]], number, 3),
            number(one["scores"]["auc"]["mean"], 3),
            number(one["scores"]["log_loss"]["mean"], 4),
            number(one["scores"]["brier"]["mean"], 4),
            f"{one['n']:,}",
        ]
        for one in result["directions"]
        if one["scope"] == "all"
    ]
    heads = ["model", "seeds", "right", "together", "MCC", "AUC", "log loss", "Brier", "calls"]
    console.print(table("What happens next: direction over the first horizon", heads, rows))


def _rankings(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    keys = ("ic", "icir", "rank_ic", "rank_icir")
    rows = [
        [one["model"], *(spread(one["scores"][key], number, 4) for key in keys), f"{one['sessions']:,}"]
        for one in found
    ]
    heads = ["model", "IC", "ICIR", "rank IC", "rank ICIR", "sessions"]
    console.print(table("How well the names of a session are ranked", heads, rows))


def _quantiles(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    stated = sorted({key for one in found for key in one["cover"]}, key=float)
    rows = [
        [
            one["model"],
            plural(one["horizon"], "session"),
            spread(one["pinball"], number, 3),
            _or_dash(one["skill"]),
            _or_dash(one["error_skill"]),
            *(_cover(one["cover"].get(key)) for key in stated),
        ]
        for one in found
    ]
    heads = ["model", "over", "loss, %", "skill", "median's skill", *(f"in {percent(float(key), 0)}" for key in stated)]
    console.print(table("Price quantiles: loss, skill against the random walk, and cover", heads, rows))


def _or_dash(score: Mapping[str, Any] | None) -> str:
    return "-" if score is None else spread(score, percent, 1)


def _cover(score: Mapping[str, Any] | None) -> str:
    return "-" if score is None else f"{percent(score['mean'])} {interval(score, percent, 1)}"


def _portfolio(console: Console, held: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        [
            one["model"],
            spread(one["scores"]["sharpe_gross"], number, 2),
            spread(one["scores"]["sharpe"], number, 2),
            spread(one["scores"]["information_ratio"], number, 2),
            percent(one["scores"]["annual_return"]["mean"]),
            percent(one["scores"]["max_drawdown"]["mean"]),
            number(one["scores"]["turnover"]["mean"], 1),
            number(_basis_points(one["scores"]["break_even_cost"]["mean"]), 1),
            number(one["scores"]["names"]["mean"], 1),
        ]
        for one in held
    ]
    heads = [
        "model",
        "Sharpe before costs",
        "Sharpe after",
        "information ratio",
        "a year",
        "drawdown",
        "turnover",
        "break-even, bp",
        "names",
    ]
    title = f"What it earned: {held[0]['portfolio']}, filled {held[0]['fill'].replace('_', ' ')}"
    console.print(table(title, heads, rows))


def _basis_points(cost: float | None) -> float | None:
    return None if cost is None else 1e4 * cost


def _differences(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    rows = []
    for one in found:
        form, digits = (percent, 1) if one["measure"] == "accuracy" else (number, 2)
        gap = f"{form(one['estimate'], digits)} {interval(one, form, digits)}"
        rows.append([one["first"], one["second"], one["measure"].replace("_", " "), gap, number(one["p_value"], 3)])
    heads = ["model", "minus", "in", "difference", "p"]
    console.print(table("Paired differences on the same sessions, each p of its pair alone", heads, rows))
