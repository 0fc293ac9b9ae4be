"""Outlooks and scores on a terminal: what is said, how wide it is, and how far to believe it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tenor.app.tables import bracket, number, percent, plural, table
from tenor.report import outlook_text as words

LATEST = 20
"""Outcomes that are listed; the shares are over all of them."""

FEW = 5
"""Outcomes from which a ratio of errors is shown: of one or two it is any number."""


def printed_predict(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer of ``predict``: the tickers side by side as far as the terminal is wide, then each in full."""
    outlooks = answer["outlooks"]
    if len(outlooks) > 1:
        for group in _groups(outlooks, console):
            console.print(_side_by_side(group))
    for one in outlooks:
        _outlook(one, console)
    for failed in answer["failed"]:
        console.print(f"{failed['code']}: {failed['reason']}", style="red", soft_wrap=True)
    for note in answer["notes"]:
        console.print(note, style="yellow", soft_wrap=True)


def spoken(outlook: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the model says that is quoted first."""
    found: Mapping[str, Any] = next(one for one in outlook["models"] if one["model"] == outlook["speaks"])
    return found


def _groups(outlooks: Sequence[Mapping[str, Any]], console: Console) -> list[Sequence[Mapping[str, Any]]]:
    """Cut the tickers into tables, each of as many as stand side by side without a broken line."""
    groups: list[Sequence[Mapping[str, Any]]] = []
    whole = console.options.update(max_width=10_000)
    while outlooks:
        count = len(outlooks)
        while count > 1 and console.measure(_side_by_side(outlooks[:count]), options=whole).maximum > console.width:
            count -= 1
        groups.append(outlooks[:count])
        outlooks = outlooks[count:]
    return groups


def _side_by_side(outlooks: Sequence[Mapping[str, Any]]) -> Table:
    """A column for each ticker, and a row for each thing to know."""
    columns = [_known(one) for one in outlooks]
    rows = [
        [name, *(column.get(name, "-") for column in columns)] for name in dict.fromkeys(n for c in columns for n in c)
    ]
    return table("Side by side", ["name", *(one["code"] for one in outlooks)], rows)


def _known(one: Mapping[str, Any]) -> dict[str, str]:
    said, record = spoken(one), one["record"]
    found = {
        "close": price(one["close"], one),
        "of": one["as_of"],
        "P(up) next": percent(said["up"]),
        "over seeds": f"{percent(said['low'])} to {percent(said['high'])}",
    }
    for place, horizon in enumerate(one["horizons"]):
        found[f"range, {plural(horizon, 'session')}"] = between(one, place)
    found |= {
        "was right": percent(record["accuracy"]["mean"]),
        "of calls": number(record["n"], 0),
        "always one side": percent(record["majority"]["mean"]) if record["majority"] else "-",
        "verdict": words.verdict(one),
        "mind": ", ".join(words.flags(one)) or "-",
    }
    return found


def price(value: float, outlook: Mapping[str, Any]) -> str:
    """A price with its currency, and as many digits as the size of the last close asks for."""
    return f"{_plain(outlook, value)} {outlook['currency']}"


def _plain(outlook: Mapping[str, Any], value: float) -> str:
    """A price without its currency, with a minus that can be copied into other programs."""
    return words.price(outlook, value).replace("−", "-")


def between(outlook: Mapping[str, Any], place: int, model: Mapping[str, Any] | None = None) -> str:
    """The outermost interval of a model over one horizon, in prices."""
    said = model or spoken(outlook)
    if not said["prices"]:
        return "-"
    low, high = said["prices"][place][0], said["prices"][place][-1]
    return f"{_plain(outlook, low)} to {_plain(outlook, high)}"


def _outlook(one: Mapping[str, Any], console: Console) -> None:
    said = spoken(one)
    name = f" {one['name']}" if one["name"] and one["name"] != one["code"] else ""
    console.print()
    console.print(f"{one['code']}{name}", style="bold", highlight=False)
    if one["simulated"]:
        console.print("SIMULATED: drawn by a random generator, no price was observed", style="bold yellow")
    if warning := words.staleness(one):
        console.print(warning, style="bold red")
    if warning := words.validation(one):
        console.print(f"VALIDATION: {warning}", style="bold yellow", soft_wrap=True)
    ahead = words.horizon_name(one["horizons"][0])
    seeds = f" {bracket(said['low'], said['high'])} over {plural(said['seeds'], 'seed')}"
    console.print(
        f"close {price(one['close'], one)} on {one['as_of']} ({percent(one['change'], 2)}); P(up) {ahead}"
        f" {percent(said['up'])}{seeds}, by {one['speaks']}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(words.expected_range(one), soft_wrap=True, highlight=False)
    console.print(one["record"]["sentence"], soft_wrap=True, highlight=False)
    if sentence := words.held(one):
        console.print(sentence.replace("−", "-"), soft_wrap=True, highlight=False)
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
    rows = [
        [plural(horizon, "session"), *(_plain(one, value) for value in prices)]
        for horizon, prices in zip(one["horizons"], said["prices"], strict=True)
    ]
    rows.append(["no change (naive)", *([_plain(one, one["naive"])] * len(said["levels"]))])
    heads = ["price after", *(percent(level, 0) for level in said["levels"])]
    console.print(table(f"Price quantiles by {said['model']}, {one['currency']}", heads, rows))


def _cover(record: Mapping[str, Any], console: Console) -> None:
    parts = [
        f"{plural(one['horizon'], 'session')} {percent(one['found'])} {bracket(one['low'], one['high'])}"
        f" (states {percent(one['stated'], 0)})"
        for one in record["coverage"]
    ]
    if parts:
        console.print(f"its intervals held: {', '.join(parts)}", highlight=False, soft_wrap=True)
    skills = [
        f"{plural(one['horizon'], 'session')} {percent(one['value'])} {bracket(one['low'], one['high'])}"
        for one in record["skill"]
        if one["value"] is not None
    ]
    if skills:
        skilled = ", ".join(skills)
        console.print(f"its quantile loss, less than a random walk's by: {skilled}", highlight=False, soft_wrap=True)


def printed_score(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer of ``score``."""
    kinds = dict.fromkeys((one["simulated"], one["late"]) for one in answer["records"])
    for simulated, late in kinds:
        title = "Kept forecasts against what came"
        title += ", asked when the outcome was known: no track record" if late else ""
        title += ", SIMULATED" if simulated else ""
        mine = [one for one in answer["records"] if (one["simulated"], one["late"]) == (simulated, late)]
        console.print(table(title, HEADS, [_row(one) for one in mine]))
    if not any(one["scored"] for one in answer["records"]):
        console.print("No outcome has come yet: ask again with prices of a later close.")
    known = sorted((one for one in answer["outcomes"] if one["known"] is not None), key=lambda one: str(one["known"]))
    if known:
        _outcomes(known, console)
    for note in (*answer["notes"], *answer["unusable"]):
        console.print(note, style="yellow", soft_wrap=True)


HEADS = ["model", "over", "scored", "open", "days", "right", "Brier", "inside, stated", "error, less than no change"]


def _row(one: Mapping[str, Any]) -> list[str]:
    return [
        one["model"],
        plural(one["horizon"], "session"),
        str(one["scored"]),
        str(one["pending"]),
        str(one["days"]),
        _share(one),
        number(one["brier"], 3),
        f"{percent(one['inside'])} of {percent(one['stated'], 0)}" if one["inside"] is not None else "-",
        percent(one["error_skill"], 2) if one["scored"] >= FEW else "-",
    ]


def _share(one: Mapping[str, Any]) -> str:
    if one["right"] is None:
        return "-"
    return f"{percent(one['right'])} {bracket(one['low'], one['high'])}"


def _outcomes(known: Sequence[Mapping[str, Any]], console: Console) -> None:
    """The outcomes that came last."""
    latest = known[-LATEST:]
    rows = [
        [
            one["code"],
            one["as_of"],
            one["model"],
            plural(one["horizon"], "session"),
            one["known"],
            percent(one["change"], 2),
            percent(one["up"]),
            _yes(one["right"]),
            percent(one["error"], 2),
            percent(one["naive_error"], 2),
            _yes(one["inside"]),
        ]
        for one in latest
    ]
    heads = [
        "ticker",
        "said of",
        "model",
        "over",
        "came",
        "return",
        "P(up)",
        "right",
        "error",
        "of no change",
        "inside",
    ]
    title = "Outcomes" if len(latest) == len(known) else f"The latest {len(latest)} of {len(known):,} outcomes"
    console.print(table(title, heads, rows))


def _yes(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"
