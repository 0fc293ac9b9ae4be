"""Answers as tables on a terminal."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PAGE = 150
"""Columns where there is no terminal: wide enough that nothing is cut."""

SLIVER = 0.001
"""Volatility per year below which a position was less than about 1 % of a full one."""

_LEFT = {
    "model",
    "position",
    "fill",
    "scope",
    "product",
    "rule",
    "name",
    "table",
    "kind",
    "idea",
    "run",
    "study",
    "file",
}


def printed(name: str, answer: Mapping[str, Any]) -> None:
    """Print the answer of command ``name``."""
    console = Console(width=None if sys.stdout.isatty() else PAGE, markup=False, emoji=False)
    {
        "run": _run,
        "rerun": _rerun,
        "runs": _runs,
        "models": _models,
        "compare": _compare,
        "whatif": _whatif,
        "price": _price,
        "basis": _basis,
        "predict": _predict,
        "score": _score,
        "data check": _check,
        "data show": _show,
        "data pull": _pull,
    }[name](console, answer)


def _whatif(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.what_if_tables import printed_what_if

    printed_what_if(answer, console)


def _compare(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.compare_tables import printed_compare

    printed_compare(answer, console)


def _price(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.what_if_tables import printed_price

    printed_price(answer, console)


def _basis(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.what_if_tables import printed_basis

    printed_basis(answer, console)


def _pull(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.pull_tables import printed_pull

    printed_pull(answer, console)


def _predict(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.predict_tables import printed_predict

    printed_predict(answer, console)


def _score(console: Console, answer: Mapping[str, Any]) -> None:
    from tenor.app.predict_tables import printed_score

    printed_score(answer, console)


def table(title: str, columns: list[str], rows: list[list[str]]) -> Table:
    """Lay rows out; text columns to the left, numbers to the right."""
    out = Table(title=title, title_justify="left", title_style="bold", header_style="bold", pad_edge=False)
    for column in columns:
        out.add_column(column, justify="left" if column in _LEFT else "right", overflow="fold")
    for row in rows:
        out.add_row(*row)
    return out


def percent(value: float | None, digits: int = 1) -> str:
    """Format a decimal as per cent; a dash where it is undefined."""
    return "-" if value is None else f"{number(100 * value, digits)} %"


def bracket(low: float, high: float) -> str:
    """Format an interval of shares whose unit stands before it: ``[46.9, 55.8]`` per cent."""
    return f"[{number(100 * low, 1)}, {number(100 * high, 1)}]"


def number(value: float | None, digits: int = 2) -> str:
    """Format a number; a dash where it is undefined."""
    return "-" if value is None else f"{value:z.{digits}f}"


def money(value: float | None) -> str:
    """Format an amount; a dash where it is undefined."""
    return "-" if value is None else f"{value:z,.0f}"


def plural(count: int, one: str) -> str:
    """Count things: ``1 fold``, ``2 folds``."""
    return f"{count} {one}{'' if count == 1 else 's'}"


def spread(score: Mapping[str, Any], form: Any, digits: int) -> str:
    """Mean, its spread over seeds and its interval, as far as they exist."""
    text: str = form(score["mean"], digits)
    if score["sd"] is not None and score["mean"] is not None:
        text += f" ±{100 * score['sd']:.{digits}f}" if form is percent else f" ±{score['sd']:.{digits}f}"
    return text if score["low"] is None else f"{text} {interval(score, form, digits)}"


def interval(score: Mapping[str, Any], form: Any, digits: int) -> str:
    """Format the interval of a score, its unit left to what stands before it."""
    low, high = (form(score[edge], digits).removesuffix(" %") for edge in ("low", "high"))
    return f"[{low}, {high}]"


def _run(console: Console, answer: Mapping[str, Any]) -> None:
    result = answer["result"]
    for note in answer.get("notes", ()):
        console.print(note, style="yellow", soft_wrap=True)
    if result["data"]["simulated"]:
        console.print("SIMULATED: every price below was drawn, none was observed.", style="bold yellow")
    if "judged" in result:
        from tenor.app.stock_tables import printed_stocks

        printed_stocks(result, console)
    else:
        _pairs(console, result)
    _unforecast(console, result)
    for note in result["notes"]:
        console.print(note, style="yellow", soft_wrap=True)
    _findings(console, result)
    console.print(f"\nReport: {answer['run']}/report.html", soft_wrap=True)
    for place in answer.get("written", ()):
        console.print(f"Written: {place}", soft_wrap=True)


def opening(console: Console, result: Mapping[str, Any], of: str = "") -> None:
    """Print what was asked, on what, and how to read spreads and intervals."""
    first, last, sessions = result["test"]
    console.print(f"{result['study']['question']}\n", style="italic")
    console.print(
        f"Tested on {of}{sessions} sessions from {first} to {last} in {plural(len(result['folds']), 'fold')};"
        f" ± is the standard deviation over seeds, [ ] the {100 * result['level']:g} % interval"
        f" ({result['replications']} block-bootstrap draws, blocks of {result['block_sessions']:.1f}"
        " sessions).\n"
    )


def _pairs(console: Console, result: Mapping[str, Any]) -> None:
    """Print a study of pairs."""
    opening(console, result)
    pooled = [d for d in result["directions"] if d["scope"] == "all"]
    console.print(
        table(
            "What happens next: direction of the next session's change",
            ["model", "seeds", "right", "right, all days", "MCC", "AUC", "log loss", "Brier", "ECE", "n"],
            [
                [
                    d["model"],
                    str(d["seeds"]),
                    spread(d["scores"]["accuracy"], percent, 1),
                    percent(d["scores"]["accuracy_all"]["mean"]),
                    number(d["scores"]["mcc"]["mean"], 3),
                    number(d["scores"]["auc"]["mean"], 3),
                    number(d["scores"]["log_loss"]["mean"], 4),
                    number(d["scores"]["brier"]["mean"], 4),
                    number(d["scores"]["ece"]["mean"], 3),
                    str(d["n"]),
                ]
                for d in pooled
            ],
        )
    )
    for position, fill in dict.fromkeys((e["position"], e["fill"]) for e in result["earned"]):
        wanted = (position, fill, "all")
        _earned(console, [e for e in result["earned"] if (e["position"], e["fill"], e["scope"]) == wanted])
    if any((e["scores"]["max_drawdown"]["mean"] or 0.0) > 1 for e in result["earned"] if e["scope"] == "all"):
        console.print(
            "Equity is additive on constant capital: a loss beyond the margin is topped up, so a drawdown can pass"
            " 100 % of it.",
            style="dim",
        )
    if result["comparisons"]:
        _comparisons(console, result)


def _unforecast(console: Console, result: Mapping[str, Any]) -> None:
    """Print what could not be trained, and why."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for failure in result["failures"]:
        seed = "" if failure["seed"] is None else f" seed {failure['seed']}"
        reasons.setdefault(failure["reason"], {}).setdefault(failure["model"], []).append(
            f"{failure['fold'] + 1}{seed}"
        )
    for reason, models in reasons.items():
        console.print(f"No forecast: {reason}", style="yellow")
        for folds, named in _by_value(models).items():
            console.print(
                f"    {', '.join(named)}: fold{'' if len(folds) == 1 else 's'} {', '.join(folds)}", style="yellow"
            )


def _findings(console: Console, result: Mapping[str, Any]) -> None:
    """Print whether any model beats every rule."""
    for finding in result["findings"]:
        verdict = "FOUND" if finding["found"] else "nothing found"
        margin = finding["margin"]
        gap = "-" if margin is None else f"{abs(100 * margin):.1f} points {'ahead of' if margin >= 0 else 'behind'}"
        console.print(
            f"{finding['model']}: {verdict}: {gap} {finding['best_rule']},"
            f" the hardest rule to beat (p = {number(finding['p_holm'], 3)} after Holm)"
        )
    if not result["findings"]:
        _no_comparison(console, [d["model"] for d in result["directions"] if d["scope"] == "all"])


def _earned(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what one position rule earned at one fill; a dash for the ratios of a model that never traded."""
    position, fill = rows[0]["position"], rows[0]["fill"]
    columns = ["Sharpe before costs", "Sharpe after", "return on margin", "drawdown", "money", "turnover", "break-even"]
    printed_rows, sliver = [], False
    for e in rows:
        scores = e["scores"]
        idle, volatility = scores["turnover"]["mean"] == 0, scores["volatility"]["mean"]
        small = not idle and volatility is not None and volatility < SLIVER
        sliver |= small
        printed_rows.append(
            [
                f"{e['model']} *" if small else e["model"],
                "-" if idle else spread(scores["sharpe_gross"], number, 2),
                "- (never traded)" if idle else spread(scores["sharpe"], number, 2),
                percent(scores["annual_return"]["mean"]),
                percent(scores["max_drawdown"]["mean"]),
                money(scores["total"]["mean"]),
                number(scores["turnover"]["mean"], 0),
                "-" if idle else number(scores["break_even_cost"]["mean"], 1),
            ]
        )
    title = f"What it earned: position {position}, filled {fill.replace('_', ' ')}"
    console.print(table(title, ["model", *columns], printed_rows))
    if sliver:
        console.print(
            f"* held less than about 1 % of a full position (volatility below {100 * SLIVER:g} % a year): its ratios"
            " say little",
            style="dim",
        )


def _no_comparison(console: Console, models: Sequence[str]) -> None:
    """Say why nothing can be found, as the report's page does."""
    from tenor.trust.evaluation import RULES

    lacking = "rule" if any(name not in RULES for name in models) else "model that learns"
    console.print(f"No comparison: no {lacking} has scores in this study, so nothing can be found.")


def _by_value(models: Mapping[str, list[str]]) -> dict[tuple[str, ...], list[str]]:
    """Group models that share the same folds."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for model, folds in models.items():
        grouped.setdefault(tuple(folds), []).append(model)
    return grouped


def _comparisons(console: Console, result: Mapping[str, Any]) -> None:
    console.print(
        table(
            "Paired differences on the same sessions (headline position and fill)",
            ["model", "minus", "accuracy", "p", "Sharpe after costs", "p "],
            [
                [
                    a["first"],
                    a["second"],
                    f"{percent(a['estimate'])} {interval(a, percent, 1)}",
                    number(a["p_value"], 3),
                    f"{number(s['estimate'])} {interval(s, number, 2)}",
                    number(s["p_value"], 3),
                ]
                for a, s in zip(
                    [c for c in result["comparisons"] if c["measure"] == "accuracy"],
                    [c for c in result["comparisons"] if c["measure"] == "sharpe"],
                    strict=True,
                )
            ],
        )
    )


def _rerun(console: Console, answer: Mapping[str, Any]) -> None:
    if not answer["same_code"]:
        code = answer["code"]
        console.print(f"Other code: the run was made by {code['then']}, this is {code['now']}.", style="yellow")
    if answer["agrees"]:
        console.print(f"{answer['run']}: every number agrees to the last digit.")
    else:
        console.print(f"{answer['run']}: {_differing(answer['differing'])}:", style="red")
        for line in answer["differences"]:
            console.print(f"  {line}")


def _differing(count: int) -> str:
    return f"{plural(count, 'number')} differ{'s' if count == 1 else ''}"


def _runs(console: Console, answer: Mapping[str, Any]) -> None:
    rows = [
        [
            r["run"],
            r["study"],
            "SIMULATED" if r["simulated"] else r["source"],
            r["finished"],
            f"{r['seconds']:.0f} s",
        ]
        for r in answer["runs"]
    ]
    if rows:
        console.print(table("Runs", ["run", "study", "data", "finished", "took"], rows))
    else:
        console.print(f"No run is kept in {answer['folder']} yet.")
    for why in answer["unusable"]:
        console.print(why, style="yellow", soft_wrap=True)


def _models(console: Console, answer: Mapping[str, Any]) -> None:
    rows = [
        [
            r["model"],
            r["run"],
            "SIMULATED" if r["simulated"] else r["source"],
            r["data_last"],
            r["finished"],
            str(r["seeds"]),
            percent(r["accuracy"]) + (f" {bracket(r['low'], r['high'])}" if r["low"] is not None else ""),
            f"{r['n']:,}" + (" of validation" if r["judged"] == "validation" else ""),
        ]
        for r in answer["trained"]
    ]
    if rows:
        heads = ["model", "run", "data", "data end", "trained", "seeds", "right", "of calls"]
        console.print(table("Trained models", heads, rows))
    else:
        console.print("No model is trained yet below this folder of runs.")
    for why in answer["unusable"]:
        console.print(why, style="yellow", soft_wrap=True)
    console.print("\nModels that a study may name", style="bold")
    for model in answer["models"]:
        settings = ", ".join(f"{name} = {value}" for name, value in model["settings"].items())
        console.print(Text.assemble((model["kind"], "bold"), f"  {model['idea']}"))
        if settings:
            console.print(f"    {settings}", style="dim", highlight=False)


def _check(console: Console, answer: Mapping[str, Any]) -> None:
    parts = answer["parts"]
    rows = [
        [
            p["name"],
            p["table"],
            str(p["rows"]),
            str(p["kept"]),
            p["first"] or "-",
            p["last"] or "-",
            str(len(p["gaps"])),
        ]
        for p in parts
    ]
    console.print(table(answer["source"], ["file", "table", "rows", "kept", "first", "last", "gaps"], rows))
    for part in parts:
        for left in part["left_out"]:
            console.print(
                f"{part['name']}: {plural(left['rows'], 'row')} left out ({left['rule']}): {left['why']}", style="dim"
            )
        for note in part["notes"]:
            console.print(f"{part['name']}: {note}", style="dim")
    for defect in answer["defects"]:
        console.print(defect, style="red", soft_wrap=True)
    console.print(plural(len(answer["defects"]), "defect") if answer["defects"] else "No defect.")


def _show(console: Console, answer: Mapping[str, Any]) -> None:
    if answer["simulated"]:
        console.print("SIMULATED: every number was drawn, none was observed.", style="bold yellow")
    rows = [[s["table"], s["name"], str(s["kept"]), s["first"] or "-", s["last"] or "-"] for s in answer["series"]]
    title = f"{answer['source']}, fingerprint {answer['fingerprint'][:12]}"
    console.print(table(title, ["table", "name", "rows", "first", "last"], rows))
    for note in answer["notes"]:
        console.print(note, style="dim")
