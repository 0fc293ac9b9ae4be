"""The report of a study of stocks, as data: everything that page, tables and JSON show.

Like :class:`tenor.report.report.Report` it holds no clock and no path: equal studies on equal data by equal code give
equal reports, and ``tenor rerun`` holds them to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from tenor.factor.clean import LeftOut
from tenor.factor.window import Fold
from tenor.model.forecast import Failure
from tenor.model.frozen import FrozenModels
from tenor.report.report import DataFacts, plain
from tenor.trust.stocks import StockEvaluation


@dataclass(frozen=True, slots=True, eq=False)
class StockReport:
    """One answer.

    Parameters
    ----------
    study, identity, data, left_out, missing, folds, failures, frozen
        As of a report of pairs.
    judged
        The range that every score is of: ``test``, or ``validation`` while the data end before the test range.
    names
        The instruments.
    exchange, currency
        Where they trade.
    samples
        Decided windows by range (``train``, ``validation``, ``judged``) and fold.
    evaluation
        Scores, portfolios and comparisons.
    forecasts
        One row per model and judged window: mean and standard deviation over seeds, quantiles by horizon and level.
    prices
        Closes over the judged sessions, as quoted and adjusted.
    """

    study: Mapping[str, Any]
    identity: str
    data: DataFacts
    judged: Literal["test", "validation"]
    names: tuple[str, ...]
    exchange: str
    currency: str
    samples: Mapping[str, tuple[int, ...]]
    left_out: tuple[LeftOut, ...]
    missing: Mapping[str, float]
    folds: tuple[Fold, ...]
    failures: tuple[Failure, ...]
    evaluation: StockEvaluation
    forecasts: pl.DataFrame
    prices: pl.DataFrame
    frozen: FrozenModels | None = None

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the daily series by name."""
        return {"forecasts": self.forecasts, "ledger": self.evaluation.ledger, "prices": self.prices}

    def answer(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready tables, without the daily series (those are Parquet)."""
        found = self.evaluation
        return {
            "study": plain(self.study),
            "identity": self.identity,
            "data": plain(self.data),
            "judged": self.judged,
            "names": list(self.names),
            "exchange": self.exchange,
            "currency": self.currency,
            "samples": plain(self.samples),
            "folds": plain(self.folds),
            "left_out": plain(self.left_out),
            "missing": {name: share for name, share in self.missing.items() if share > 0},
            "failures": plain(self.failures),
            "level": found.level,
            "replications": found.replications,
            "block_sessions": found.block,
            "test": [str(found.sessions[0]), str(found.sessions[-1]), len(found.sessions)],
            "findings": plain(found.findings),
            "directions": plain(found.directions),
            "mcc": plain(found.mcc),
            "together": plain(found.together),
            "mcc_together": plain(found.mcc_together),
            "by_fold": plain(found.by_fold),
            "cross_sections": [
                {
                    "model": one.model,
                    "seeds": one.seeds,
                    "scores": plain(one.scores),
                    "sessions": one.sessions,
                }
                for one in found.cross_sections
            ],
            "fifths": {model: plain(np.asarray(means).tolist()) for model, means in found.groups.items()},
            "quantiles": plain(found.quantiles),
            "portfolios": plain(found.portfolios),
            "comparisons": plain(found.comparisons),
            "notes": list(found.notes),
        }
