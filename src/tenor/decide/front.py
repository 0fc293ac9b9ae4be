"""From panels to legs: the sessions on which a product's front pair could be held, in order.

A pair's rows end with the session by whose close it must be flat. Where the data stop quoting a pair a little
earlier, the last quoted session takes that part (nobody can trade a price that was never made), and a note
says so.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from tenor.decide.legs import Legs
from tenor.errors import MarketError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
from tenor.factor.panel import Panel

NEAR_OPEN = Field("near", "open")
FAR_OPEN = Field("far", "open")
PRICES = (NEAR_CLOSE, FAR_CLOSE, NEAR_OPEN, FAR_OPEN)
"""Fields that a panel must hold for its pair to be traded."""


def front_legs(panels: Sequence[Panel], first: date, last: date) -> tuple[Legs, tuple[str, ...]]:
    """Stack one product's panels from session ``first`` to session ``last``.

    Parameters
    ----------
    panels
        Panels of one product in order of time, with the fields ``PRICES``.

    Returns
    -------
    legs
        Rows where the pair was in front and both legs were quoted.
    notes
        One sentence if the data left any pair before its flat-by session.

    Raises
    ------
    MarketError
        If no panel has a row in that range.
    """
    early, chosen = [], []
    for number, panel in enumerate(panels):
        inside = (
            panel.front & (panel.sessions >= np.datetime64(first, "D")) & (panel.sessions <= np.datetime64(last, "D"))
        )
        if not inside.any():
            continue
        flat_by = np.datetime64(panel.span.flat_by, "D")
        last_quoted = panel.sessions[panel.front][-1]
        if last_quoted < flat_by and number + 1 < len(panels):
            early.append(f"{panel.span.spread.code} on {last_quoted} before {flat_by}")
            flat_by = last_quoted
        chosen.append((panel, inside, flat_by))
    product = panels[0].product
    if not chosen:
        raise MarketError(f"{product.code}: no pair was quoted in front from {first} to {last}; widen the range")
    sessions = np.concatenate([panel.sessions[inside] for panel, inside, _ in chosen])
    days = sessions.astype("datetime64[D]").tolist()
    columns = {
        name: np.concatenate([panel.fields[field][inside] for panel, inside, _ in chosen])
        for name, field in zip(("near_close", "far_close", "near_open", "far_open"), PRICES, strict=True)
    }
    legs = Legs(
        product=product.code,
        sessions=sessions,
        pair=np.concatenate([np.full(inside.sum(), panel.span.spread.code) for panel, inside, _ in chosen]),
        flat_by=np.concatenate([np.full(inside.sum(), flat_by) for _, inside, flat_by in chosen]),
        tick=np.array([product.tick(day) for day in days]),
        multiplier=product.multiplier,
        margin_rate=np.array([product.margin(day) for day in days]),
        fee=np.array([product.fee(day) for day in days]),
        **columns,
    )
    notes = (
        f"{product.code}: {len(early)} pairs were last quoted before their flat-by session, and positions are"
        f" closed there: {'; '.join(early[:3])}{'; and so on' if len(early) > 3 else ''}",
    )
    return legs, notes if early else ()
