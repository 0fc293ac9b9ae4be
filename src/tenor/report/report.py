"""The report of a study, as data: everything that the page, the tables and the JSON show.

A report holds no clock and no path: two runs of the same study on the same data by the same code yield equal reports,
to the last digit, and ``tenor rerun`` holds them to it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import polars as pl

from tenor.factor.clean import LeftOut
from tenor.factor.window import Fold
from tenor.model.forecast import Failure
from tenor.model.frozen import FrozenModels
from tenor.trust.evaluation import Evaluation


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What a study was fed: source, fingerprint, extent, what was left out while reading."""

    source: str
    simulated: bool
    fingerprint: str
    first: str
    last: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """One study's answer.

    Parameters
    ----------
    study
        The resolved study as plain tables, every default written out.
    identity
        Its SHA-256.
    data
        What it was fed.
    left_out
        Decisions that cleaning took, by product and rule.
    missing
        Share of unknown factor values by column, over the factor rows of all windows; each fold fills them with its
        train median.
    folds
        The cuts of time.
    failures
        Folds and seeds without a forecast.
    evaluation
        Scores, trades and comparisons on the test ranges.
    forecasts
        One row per model, seed and test window (:func:`tenor.model.forecast.forecast_table`).
    spreads
        The traded series: session, product, pair, spread, over the test ranges.
    frozen
        The models that spoke, to be asked again; no part of :meth:`answer`. ``None`` in a report that was put together
        without any.
    """

    study: Mapping[str, Any]
    identity: str
    data: DataFacts
    left_out: tuple[LeftOut, ...]
    missing: Mapping[str, float]
    folds: tuple[Fold, ...]
    failures: tuple[Failure, ...]
    evaluation: Evaluation
    forecasts: pl.DataFrame
    spreads: pl.DataFrame
    frozen: FrozenModels | None = None

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the daily series by name."""
        return {"forecasts": self.forecasts, "ledger": self.evaluation.ledger, "spreads": self.spreads}

    def answer(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON-ready tables, without the daily series (those are Parquet)."""
        evaluation = self.evaluation
        return {
            "study": plain(self.study),
            "identity": self.identity,
            "data": plain(self.data),
            "folds": plain(self.folds),
            "left_out": plain(self.left_out),
            "missing": {name: share for name, share in self.missing.items() if share > 0},
            "failures": plain(self.failures),
            "level": evaluation.level,
            "replications": evaluation.replications,
            "block_sessions": evaluation.block,
            "test": [str(evaluation.sessions[0]), str(evaluation.sessions[-1]), len(evaluation.sessions)],
            "findings": plain(evaluation.findings),
            "directions": plain(evaluation.directions),
            "by_fold": plain(evaluation.by_fold),
            "earned": plain(evaluation.earned),
            "comparisons": plain(evaluation.comparisons),
            "notes": list(evaluation.notes),
        }


def plain(value: Any) -> Any:
    """Turn dataclasses, tuples, dates and numpy numbers into what JSON holds; a NaN becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else value
