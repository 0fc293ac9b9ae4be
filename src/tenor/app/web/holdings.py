"""What a workplace can forecast: which run speaks of which instrument, as the pages show it."""

import json
from dataclasses import dataclass
from typing import Any

from tenor.app.server.serving import Server

SPREAD = "-spread"
"""Ends the name of a product's calendar spread."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """The runs of a workplace by what they can be asked.

    Parameters
    ----------
    stocks
        Instrument to the newest run of stocks that holds it.
    pairs
        Runs of calendar spreads, the newest first, each with its products.
    """

    stocks: dict[str, str]
    pairs: dict[str, tuple[str, ...]]

    @property
    def fronts(self) -> dict[str, tuple[str, str]]:
        """What is asked by which run, under the name that pages and watch lists have for it: run and code.

        A stock is called by its code, the calendar spread of product T is ``T-spread``: T alone is a stock too.
        """
        found = {f"{code}{SPREAD}": (run, code) for run, codes in reversed(self.pairs.items()) for code in codes}
        return {**dict(sorted(found.items())), **{code: (run, code) for code, run in self.stocks.items()}}


def holdings(server: Server) -> Holdings:
    """Read which runs there are."""
    stocks: dict[str, str] = {}
    pairs: dict[str, tuple[str, ...]] = {}
    for run in server.desks.shelf.newest():
        if run.names is None:
            pairs[run.name] = run.products
        else:
            stocks = {**dict.fromkeys(run.names, run.name), **stocks}
    return Holdings(dict(sorted(stocks.items())), pairs)


def run_names(server: Server) -> list[str]:
    """Return the names of the runs, the newest first."""
    return [run.name for run in server.desks.shelf.newest()]


def outlook_of(server: Server, run: str, code: str) -> dict[str, Any]:
    """Return what a run says of an instrument or product, as the API has it; errors of Tenor where it cannot."""
    answer: dict[str, Any] = json.loads(server.desks.forecast(run, code))
    return answer
