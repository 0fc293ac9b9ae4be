"""The words and numbers of an outlook on a calendar spread: ``T2603-T2606 (10-year treasury bond future)``, ``0.855``.

All take the outlook as the answer has it: the fields of :class:`tenor.pair_outlook.PairOutlook` as JSON, and beside
them ``code``, ``name``, ``source``, ``simulated``, ``run``, ``speaks``, ``record`` and ``notes``. What models say is
said in the words of :mod:`tenor.report.outlook_text`.
"""

import math
from collections.abc import Mapping
from typing import Any

from tenor.report.text import number

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
