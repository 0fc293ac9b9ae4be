"""A report again, from what a run keeps of it: its numbers (``result.json``) and its daily series.

The sentences, facts and tables of a restored report are those of the report that was kept. What a run does not keep is
empty: reliabilities, equities by seed, rank coefficients by session and the series that was not handed in. Figures of
those cannot be drawn of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl

from tenor.decide.backtest import Fill
from tenor.errors import RunError
from tenor.factor.clean import LeftOut
from tenor.factor.window import Fold
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.model.forecast import Failure
from tenor.report.report import DataFacts, Report
from tenor.report.stock_report import StockReport
from tenor.trust.cross_section import CrossSection
from tenor.trust.evaluation import Comparison, Direction, Earned, Evaluation, Finding, Score
from tenor.trust.quantiles import QuantileScores
from tenor.trust.stocks import PortfolioScores, StockEvaluation
from tenor.units import Dates

SERIES: Mapping[str, Sequence[str] | None] = {
    "ledger": None,
    "spreads": ("session", "product"),
    "forecasts": ("session", "change"),
}
"""Daily series that a report is restored from, and the columns that are looked at (``None``: all)."""


def report_of(result: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> Report | StockReport:
    """Return the report that a run keeps.

    Parameters
    ----------
    result
        Its numbers, as :meth:`Report.answer` or :meth:`StockReport.answer` gave them and JSON holds them.
    frames
        Its daily series by name: those of :data:`SERIES` that the run has.

    Raises
    ------
    RunError
        If these are not the numbers and series of one run that this version wrote.
    """
    try:
        return _stocks(result, frames) if "judged" in result else _pairs(result, frames)
    except (LookupError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as other:
        raise RunError(
            f"the numbers of the run are not such as this Tenor writes ({type(other).__name__}: {other}); run the"
            " study again"
        ) from other


def restored(kind: Any, value: Any) -> Any:
    """Return what :func:`tenor.report.report.plain` was given: ``kind`` of plain ``value``; a null number is NaN."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is float:
        return float("nan") if value is None else float(value)
    if kind is date:
        return date.fromisoformat(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, localns={"Fill": Fill})
        return kind(**{field.name: restored(hints[field.name], value[field.name]) for field in fields(kind)})
    if origin in (Union, UnionType):
        (inner,) = (part for part in parts if part is not type(None))
        return None if value is None else restored(inner, value)
    if origin is tuple:
        kinds = parts[:1] * len(value) if parts[-1] is ... else parts
        return tuple(restored(one, each) for one, each in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {key: restored(parts[1], each) for key, each in value.items()}
    return value


def _common(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "study": result["study"],
        "identity": result["identity"],
        "data": restored(DataFacts, result["data"]),
        "left_out": restored(tuple[LeftOut, ...], result["left_out"]),
        "missing": dict(result["missing"]),
        "folds": restored(tuple[Fold, ...], result["folds"]),
        "failures": restored(tuple[Failure, ...], result["failures"]),
    }


def _evaluated(result: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "level": float(result["level"]),
        "replications": int(result["replications"]),
        "block": float(result["block_sessions"]),
        "directions": restored(tuple[Direction, ...], result["directions"]),
        "by_fold": restored(Mapping[str, tuple[Score, ...]], result["by_fold"]),
        "reliabilities": {},
        "equities": (),
        "comparisons": restored(tuple[Comparison, ...], result["comparisons"]),
        "findings": restored(tuple[Finding, ...], result["findings"]),
        "notes": tuple(result["notes"]),
    }


def _checked(sessions: Dates, result: Mapping[str, Any]) -> Dates:
    first, last, count = result["test"]
    if [str(sessions[0]), str(sessions[-1]), len(sessions)] != [first, last, count]:
        raise ValueError(
            f"{count} sessions from {first} to {last} were judged, and its series hold {len(sessions)} from"
            f" {sessions[0]} to {sessions[-1]}"
        )
    return sessions


def _pairs(result: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> Report:
    spreads = frames["spreads"]
    return Report(
        **_common(result),
        evaluation=Evaluation(
            **_evaluated(result),
            sessions=_checked(_exchange_sessions(spreads), result),
            earned=restored(tuple[Earned, ...], result["earned"]),
            ledger=frames["ledger"],
        ),
        forecasts=frames.get("forecasts", pl.DataFrame()),
        spreads=spreads,
    )


def _exchange_sessions(spreads: pl.DataFrame) -> Dates:
    """Every exchange session of the test ranges, those on which no pair could be held too."""
    every = []
    for (code,), part in spreads.group_by("product", maintain_order=True):
        held = part["session"].sort()
        days = trading_calendar(product(str(code)).calendar).sessions(held[0], held[-1])
        every += [days, held.to_numpy().astype("datetime64[D]")]
    return np.unique(np.concatenate(every))


def _stocks(result: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> StockReport:
    forecasts = frames["forecasts"]
    known = forecasts.filter(pl.col("change").is_not_null() & pl.col("change").is_not_nan())["session"]
    nothing = np.empty(0)
    return StockReport(
        **_common(result),
        judged=result["judged"],
        names=tuple(result["names"]),
        exchange=result["exchange"],
        currency=result["currency"],
        samples=restored(Mapping[str, tuple[int, ...]], result["samples"]),
        evaluation=StockEvaluation(
            **_evaluated(result),
            sessions=_checked(known.unique().sort().to_numpy().astype("datetime64[D]"), result),
            mcc=restored(Mapping[str, Score], result["mcc"]),
            together=restored(tuple[Direction, ...], result["together"]),
            mcc_together=restored(Mapping[str, Score], result["mcc_together"]),
            cross_sections=tuple(
                CrossSection(**{**one, "scores": restored(Mapping[str, Score], one["scores"])}, by_session=nothing)
                for one in result["cross_sections"]
            ),
            groups={model: np.asarray(means, dtype=float) for model, means in result["fifths"].items()},
            quantiles=restored(tuple[QuantileScores, ...], result["quantiles"]),
            portfolios=restored(tuple[PortfolioScores, ...], result["portfolios"]),
            earned_on=np.empty(0, dtype="datetime64[D]"),
            benchmark=nothing,
            ledger=frames["ledger"],
        ),
        forecasts=forecasts,
        prices=frames.get("prices", pl.DataFrame()),
    )
