"""What a model says: for every test window and every seed a probability of up, raw and calibrated.

Seeds are the first axis everywhere: a result is a distribution over seeds, and the mean over seeds (the
ensemble) is one more way to read it, never a replacement.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from tenor.factor.window import Windows
from tenor.units import Floats, Floats32, Ints


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one fold (and seed; ``None`` for all) of one model has no forecast."""

    model: str
    fold: int
    seed: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """One model's forecasts of all test windows of a study.

    Parameters
    ----------
    model
        Name as tables print it.
    seeds
        One per row below; a model without chance has one.
    raw, up
        Shape ``(seed, window)``: probability of up before and after calibration; NaN where the fold failed.
    scale
        Shape ``(seed, window)``: the size of ``|up - 1/2|`` that counts as full conviction (0.9 quantile over
        the fold's validation windows), for sizing by probability; NaN where the fold failed.
    failures
        Folds and seeds without a forecast, each with its reason.
    levels, horizons
        Levels of the quantiles, and sessions ahead; empty where the model gives none.
    quantiles
        Shape ``(seed, window, horizon, level)``, float32: quantiles of the return over each horizon, decimals, widened
        on validation to what they state; NaN where the fold failed. ``None`` where the model gives none.
    """

    model: str
    seeds: tuple[int, ...]
    raw: Floats
    up: Floats
    scale: Floats
    failures: tuple[Failure, ...] = ()
    levels: tuple[float, ...] = ()
    horizons: tuple[int, ...] = ()
    quantiles: Floats32 | None = None

    def ensemble(self) -> Floats:
        """Return the mean of ``up`` over the seeds that have one, shape ``(window,)``; NaN where none has."""
        known = np.isfinite(self.up)
        count = known.sum(axis=0)
        total = np.where(known, self.up, 0.0).sum(axis=0)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def forecast_table(forecasts: tuple[Forecast, ...], test: Windows, fold: Ints) -> pl.DataFrame:
    """Lay all forecasts out as rows: model, seed, fold, session, product, pair, raw, up, change, label."""
    parts = []
    for forecast in forecasts:
        for number, seed in enumerate(forecast.seeds):
            parts.append(
                pl.DataFrame(
                    {
                        "session": test.session.astype("datetime64[D]"),
                        "product": test.product,
                        "pair": test.pair,
                        "fold": fold.astype(np.int32),
                        "raw": forecast.raw[number],
                        "up": forecast.up[number],
                        "change": test.change,
                        "label": test.label.astype(np.int8),
                    }
                ).with_columns(pl.lit(forecast.model).alias("model"), pl.lit(seed, dtype=pl.Int64).alias("seed"))
            )
    order = ["model", "seed", "fold", "session", "product", "pair", "raw", "up", "change", "label"]
    return pl.concat(parts).select(order).with_columns(pl.col("raw", "up", "change").fill_nan(None))
