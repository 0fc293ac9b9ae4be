"""Figures of the forecasts that a run keeps: what was said against what came.

They need the daily series alone, so they can be drawn of any run at any time.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import polars as pl

from tenor.factor.label import NEUTRAL
from tenor.report.figures import calibration_of
from tenor.trust.score import Reliability, reliability

LEAST = 20
"""Fewest known days of a model that is drawn."""


def reliabilities(forecasts: pl.DataFrame) -> dict[str, Reliability]:
    """Return what each model said against what came, in tenths of its forecasts, on days outside the neutral band.

    Parameters
    ----------
    forecasts
        ``session``, ``model``, ``up``, ``change``, ``label``, and ``pair`` or ``code``; with ``seed`` where a run keeps
        each seed, without where it keeps their mean. A day on which a seed is silent is left out for all seeds.
    """
    code = "pair" if "pair" in forecasts.columns else "code"
    known = forecasts.filter(pl.col("change").is_finite())
    if "seed" not in known.columns:
        known = known.with_columns(pl.lit(0).alias("seed"))
    found = {}
    for (model,), mine in known.group_by(["model"], maintain_order=True):
        wide = mine.pivot("seed", index=["session", code, "change", "label"], values="up")
        up = wide.drop("session", code, "change", "label").to_numpy().T
        spoke = np.isfinite(up).all(axis=0)
        if spoke.sum() >= LEAST:
            change, neutral = wide["change"].to_numpy()[spoke], wide["label"].to_numpy()[spoke] == NEUTRAL
            found[str(model)] = reliability(up[:, spoke], change, neutral)
    return found


def calibration_of_run(forecasts: pl.DataFrame, shown: Sequence[str]) -> go.Figure:
    """Draw the calibration of every model of a run; those that are not ``shown`` wait in the legend."""
    return calibration_of(reliabilities(forecasts), shown)
