"""What a workplace can forecast: which run speaks of which instrument, as the pages show it."""

import json
from dataclasses import dataclass
from typing import Any

from tenor.app.server import approving
from tenor.app.server.serving import Server

SPREAD = "-spread"
"""Ends the name of a product's calendar spread."""

RANK = {"approved": 0, "": 1, "refused": 2}
"""Who speaks first."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A run that can be asked about an instrument: its code there, and what was decided on the run.

    ``verdict`` is ``approved``, ``refused``, or empty where nobody decided or the run's content changed since.
    """

    run: str
    code: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """The runs of a workplace by what they can be asked.

    Parameters
    ----------
    stocks
        Instrument to the newest run of stocks that holds it.
    pairs
        Runs of calendar spreads, the newest first, each with its products.
    fronts
        Every run that speaks of an instrument, under the name that pages and watch lists have for it: approved runs
        first, then those nobody decided on, then refused ones, the newest first in each. A stock is called by its code,
        the calendar spread of product T is ``T-spread``: T alone is a stock too.
    """

    stocks: dict[str, str]
    pairs: dict[str, tuple[str, ...]]
    fronts: dict[str, tuple[Speaker, ...]]

    def speaker(self, word: str) -> Speaker | None:
        """Return who speaks of ``NAME``, or which run is named in ``NAME@RUN``; ``None`` where there is none."""
        name, _, run = word.partition("@")
        return next((one for one in self.fronts.get(name, ()) if run in ("", one.run)), None)


def holdings(server: Server) -> Holdings:
    """Read which runs there are."""
    stocks: dict[str, str] = {}
    pairs: dict[str, tuple[str, ...]] = {}
    fronts: dict[str, list[Speaker]] = {}
    cards = server.desks.shelf.newest()
    stands = approving.standing(server, [card.name for card in cards])
    for card in cards:
        decision, changed = stands.get(card.name, (None, False))
        verdict = decision.verdict if decision is not None and not changed else ""
        if card.names is None:
            pairs[card.name] = card.products
        else:
            stocks = {**dict.fromkeys(card.names, card.name), **stocks}
        codes = {f"{code}{SPREAD}": code for code in card.products} | {code: code for code in card.names or ()}
        for name, code in codes.items():
            fronts.setdefault(name, []).append(Speaker(card.name, code, verdict))
    ranked = {name: tuple(sorted(held, key=lambda one: RANK[one.verdict])) for name, held in fronts.items()}
    in_order = sorted(ranked.items(), key=lambda item: (not item[0].endswith(SPREAD), item[0]))
    return Holdings(dict(sorted(stocks.items())), pairs, dict(in_order))


def run_names(server: Server) -> list[str]:
    """Return the names of the runs, the newest first."""
    return [run.name for run in server.desks.shelf.newest()]


def outlook_of(server: Server, run: str, code: str) -> dict[str, Any]:
    """Return what a run says of an instrument or product, as the API has it; errors of Tenor where it cannot."""
    answer: dict[str, Any] = json.loads(server.desks.forecast(run, code))
    return answer
