"""Outlooks and scores on a terminal: what is said, how wide it is, and how far to believe it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from tenor.app.tables import number, percent, plural, table


def printed_predict(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer of ``predict``: a line for each ticker, then each in full."""
    outlooks = answer["outlooks"]
    if len(outlooks) > 1:
        rows = [
            [
                one["code"],
                price(one["close"], one["currency"]),
                one["as_of"],
                percent(spoken(one)["up"]),
                between(one, 0),
                percent(one["record"]["accuracy"]["mean"]),
                percent(one["record"]["majority"]["mean"]) if one["record"]["majority"] else "-",
            ]
            for one in outlooks
        ]
        heads = ["ticker", "close", "of", "P(up) next", "range next", "was right", "always one side"]
        console.print(table("Side by side", heads, rows))
    for one in outlooks:
        _outlook(one, console)
    for failed in answer["failed"]:
        console.print(f"{failed['code']}: {failed['reason']}", style="red", soft_wrap=True)


def spoken(outlook: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the model says that is quoted first."""
    found: Mapping[str, Any] = next(one for one in outlook["models"] if one["model"] == outlook["speaks"])
    return found


def price(value: float | None, currency: str) -> str:
    """A price with as many digits as its size asks for."""
    if value is None:
        return "-"
    digits = 2 if abs(value) >= 1 else 4
    return f"{number(value, digits)} {currency}"


def between(outlook: Mapping[str, Any], place: int, model: Mapping[str, Any] | None = None) -> str:
    """The outermost interval of a model over one horizon, in prices."""
    said = model or spoken(outlook)
    if not said["prices"]:
        return "-"
    low, high = said["prices"][place][0], said["prices"][place][-1]
    digits = 2 if outlook["close"] >= 1 else 4
    return f"{number(low, digits)} to {number(high, digits)}"


def stale(outlook: Mapping[str, Any]) -> str | None:
    """A sentence where data are old."""
    missed = outlook["missed"]
    return (
        f"STALE: {plural(missed, 'session')} closed since {outlook['as_of']} without a price here" if missed else None
    )


def _outlook(one: Mapping[str, Any], console: Console) -> None:
    said = spoken(one)
    name = f" {one['name']}" if one["name"] and one["name"] != one["code"] else ""
    console.print()
    console.print(f"{one['code']}{name}", style="bold", highlight=False)
    if one["simulated"]:
        console.print("SIMULATED: drawn by a random generator, no price was observed", style="bold yellow")
    if warning := stale(one):
        console.print(warning, style="bold red")
    seeds = f" [{percent(said['low'])}, {percent(said['high'])}] over {plural(said['seeds'], 'seed')}"
    console.print(
        f"close {price(one['close'], one['currency'])} on {one['as_of']} ({percent(one['change'])}); P(up) next session"
        f" {percent(said['up'])}{seeds}, by {one['speaks']}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(one["record"]["sentence"], soft_wrap=True, highlight=False)
    rows = []
    for model in one["models"]:
        row = [model["model"], percent(model["up"]), f"{percent(model['low'])} to {percent(model['high'])}"]
        row += [between(one, place, model) for place in range(len(one["horizons"]))]
        rows.append(row)
    heads = ["model", "P(up)", "over seeds"]
    for horizon, due in zip(one["horizons"], one["due"], strict=True):
        heads.append(f"{plural(horizon, 'session')}{f', {due}' if due else ''}")
    widest = next((model["levels"] for model in one["models"] if model["levels"]), ())
    inside = f", {percent(widest[-1] - widest[0], 0)} of outcomes inside" if widest else ""
    console.print(table(f"Every model{inside}", heads, rows))
    if said["prices"]:
        _quantiles(one, said, console)
    _cover(one["record"], console)
    trained = "trained now" if one["trained_now"] else "kept"
    where = f"; kept as {one['kept']}" if one.get("kept") else ""
    console.print(
        f"run {one['run']} ({trained}, learnt until {one['learnt_until']}), data: {one['source']}{where}",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    for note in one["notes"]:
        console.print(f"  {note}", style="dim", highlight=False, soft_wrap=True)


def _quantiles(one: Mapping[str, Any], said: Mapping[str, Any], console: Console) -> None:
    digits = 2 if one["close"] >= 1 else 4
    rows = [
        [plural(horizon, "session"), *(number(value, digits) for value in prices)]
        for horizon, prices in zip(one["horizons"], said["prices"], strict=True)
    ]
    rows.append(["no change (naive)", *([number(one["naive"], digits)] * len(said["levels"]))])
    heads = ["price after", *(percent(level, 0) for level in said["levels"])]
    console.print(table(f"Price quantiles by {said['model']}, {one['currency']}", heads, rows))


def _cover(record: Mapping[str, Any], console: Console) -> None:
    parts = [
        f"{plural(one['horizon'], 'session')} {percent(one['found'])} (states {percent(one['stated'], 0)})"
        for one in record["coverage"]
    ]
    if parts:
        console.print(f"its intervals held: {', '.join(parts)}", highlight=False, soft_wrap=True)
    skills = [f"{plural(one['horizon'], 'session')} {percent(one['value'], 2)}" for one in record["skill"]]
    if skills:
        console.print(f"better than the random walk by: {', '.join(skills)}", highlight=False, soft_wrap=True)


def printed_score(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer of ``score``."""
    rows = [
        [
            one["model"],
            plural(one["horizon"], "session"),
            str(one["scored"]),
            str(one["pending"]),
            str(one["days"]),
            _share(one),
            number(one["brier"], 3) if one["brier"] is not None else "-",
            f"{percent(one['inside'])} of {percent(one['stated'], 0)}" if one["inside"] is not None else "-",
            percent(one["skill"], 2) if one["skill"] is not None else "-",
        ]
        for one in answer["records"]
    ]
    heads = [
        "model",
        "over",
        "scored",
        "open",
        "days",
        "right",
        "Brier",
        "inside, stated",
        "error, less than no change",
    ]
    console.print(table("Kept forecasts against what came", heads, rows))
    if not any(one["scored"] for one in answer["records"]):
        console.print("No outcome has come yet: ask again after the next close.")
    for note in (*answer["notes"], *answer["unusable"]):
        console.print(note, style="yellow", soft_wrap=True)


def _share(one: Mapping[str, Any]) -> str:
    if one["right"] is None:
        return "-"
    return f"{percent(one['right'])} [{percent(one['low'])}, {percent(one['high'])}]"
