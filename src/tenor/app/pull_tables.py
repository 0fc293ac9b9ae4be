"""What a pull answers, as tables on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tenor.app.tables import percent, plural


def printed_pull(answer: Mapping[str, Any], console: Console) -> None:
    """Print one row for each item, then the comparison, then what a reader must know."""
    items = answer["items"]
    came = Table(title=f"{answer['from']} into {answer['folder']}", title_justify="left", title_style="bold")
    for name in ("item", "rows", "first", "last", "new", "revised", "asked", "cached"):
        came.add_column(name, justify="left" if name in ("item", "first", "last") else "right")
    for row in items:
        if not row["reason"]:
            counts = (f"{row[name]:,}" for name in ("new", "revised", "requests", "cached"))
            came.add_row(row["item"], f"{row['rows']:,}", row["first"], row["last"], *counts)
    if came.row_count:
        console.print(came)
    for row in items:
        if row["reason"]:
            console.print(Text(f"{row['item']} failed: {row['reason']}", style="red"))
    if answer["against"]:
        _compared(answer["against"], console)
    for note in answer["notes"]:
        console.print(Text(f"- {note}"))
    if answer["failed"]:
        console.print(f"{plural(answer['failed'], 'item')} of {len(items)} failed.")


def _compared(against: Mapping[str, Any], console: Console) -> None:
    """Print where two sources of the same prices differ."""
    title = f"against {against['name']}, over {percent(against['tolerance'], 2)}"
    table = Table(title=title, title_justify="left", title_style="bold")
    heads = (
        "code",
        "days",
        "only here",
        "only there",
        "close worst",
        "on",
        "days over",
        "return worst",
        "on",
        "days over",
    )
    for head in heads:
        table.add_column(head, justify="left" if head in ("code", "on") else "right")
    for row in against["codes"]:
        sides = [
            cell
            for name in ("close", "return")
            for cell in (
                percent(row[f"{name}_worst"], 3),
                row[f"{name}_worst_on"] or "-",
                f"{row[f'{name}_over']:,}",
            )
        ]
        table.add_row(row["code"], f"{row['days']:,}", f"{row['only_first']:,}", f"{row['only_second']:,}", *sides)
    if table.row_count:
        console.print(table)
    for reason in against["failed"]:
        console.print(Text(f"{against['name']} failed: {reason}", style="red"))
