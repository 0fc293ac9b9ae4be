"""The same model in two runs, compared on what both were asked.

Two runs are seldom judged on the same days, and a difference of their printed scores is then one of days as much as of
models. Here only what both forecast is compared: the same instrument on the same session with the same outcome,
resampled together (stationary bootstrap over sessions, as everywhere), Holm's correction over the models that differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tenor.errors import SplitError
from tenor.factor.label import NEUTRAL
from tenor.trust import significance
from tenor.trust.score import right_calls
from tenor.units import Floats, Ints

LEAST = 30
"""Fewest common sessions that are compared."""

SAME = 1e-9
"""Largest difference of two outcomes that are the same but for rounding."""


@dataclass(frozen=True, slots=True)
class Across:
    """One model in a second run less the same model in a first.

    Parameters
    ----------
    model, measure
        Which, and of what: ``accuracy`` (a share) or ``sharpe`` (annual, after costs).
    sessions, n
        Common sessions, and calls that count among them.
    estimate, low, high
        The difference, and its interval.
    p_holm
        Two-sided p-value, corrected over the models of this measure.
    """

    model: str
    measure: str
    sessions: int
    n: int
    estimate: float
    low: float
    high: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a run: ``session``, ``code``, ``model``, ``right`` (mean over seeds), ``change``, ``label``.

    ``right`` is 1, 0, or one half for a probability of one half; null where no outcome is known.
    """

    table: pl.DataFrame


def calls(forecasts: pl.DataFrame) -> Calls:
    """Read the forecasts that a run keeps.

    Forecasts of pairs are kept seed by seed, and ``right`` is the mean over seeds; those of stocks are kept as the mean
    over seeds, and ``right`` is of that.
    """
    code = pl.col("pair") if "pair" in forecasts.columns else pl.col("code")
    known = forecasts.filter(pl.col("change").is_finite() & pl.col("up").is_finite())
    right = right_calls(known["up"].to_numpy()[None, :], known["change"].to_numpy())[0]
    return Calls(
        known.with_columns(pl.Series("right", right), code.alias("code"))
        .group_by("session", "code", "model", maintain_order=True)
        .agg(pl.col("right").mean(), pl.col("change").first(), pl.col("label").first())
    )


def accuracy_across(first: Calls, second: Calls, *, level: float, replications: int, seed: int) -> list[Across]:
    """Compare the accuracy of each model that both runs have, outside the neutral bands of both.

    Raises
    ------
    SplitError
        If the runs have fewer than ``LEAST`` sessions in common.
    """
    keys = ["session", "code", "model"]
    both = first.table.join(second.table, on=keys, suffix="_second").filter(
        (pl.col("change") - pl.col("change_second")).abs() <= SAME,
        pl.col("label") != NEUTRAL,
        pl.col("label_second") != NEUTRAL,
        pl.col("right").is_finite(),
        pl.col("right_second").is_finite(),
    )
    found = []
    for model in both["model"].unique(maintain_order=True).to_list():
        mine = both.filter(pl.col("model") == model).sort("session")
        session = mine["session"].to_numpy()
        one, two = (significance.by_session(session, mine[name].to_numpy()) for name in ("right", "right_second"))
        if len(one.count) < LEAST:
            continue
        gap = two.total - one.total
        days = _days(gap, replications=replications, seed=seed)
        said = significance.accuracy_difference(two.total, one.total, one.count, days, level=level)
        found.append(_across(model, "accuracy", said, len(one.count), int(one.count.sum())))
    if not found:
        raise SplitError(f"the two runs have fewer than {LEAST} sessions of the same instruments in common")
    return _corrected(found)


def sharpe_across(
    first: pl.DataFrame, second: pl.DataFrame, *, sessions_per_year: float, level: float, replications: int, seed: int
) -> list[Across]:
    """Compare what each model that both runs have earned after costs, on the sessions that both traded.

    Parameters
    ----------
    first, second
        ``session``, ``model``, ``seed``, ``net``: daily returns after costs.

    Raises
    ------
    SplitError
        As :func:`accuracy_across`.
    """
    found = []
    for model in first["model"].unique(maintain_order=True).to_list():
        one, two = (
            frame.filter(pl.col("model") == model).pivot("seed", index="session", values="net").sort("session")
            for frame in (first, second)
        )
        common = one.join(two, on="session", how="semi").drop_nulls()
        other = two.join(common, on="session", how="semi").drop_nulls()
        common = common.join(other, on="session", how="semi")
        if common.height < LEAST or not other.width > 1:
            continue
        ours, theirs = (frame.drop("session").to_numpy().T for frame in (common, other))
        gap = theirs.mean(axis=0) - ours.mean(axis=0)
        days = _days(gap, replications=replications, seed=seed)
        estimate, draws = significance.seed_sharpe([ours, theirs], days, sessions_per_year=sessions_per_year)
        said = significance.difference_of(estimate[1] - estimate[0], draws[1] - draws[0], level)
        found.append(_across(model, "sharpe", said, common.height, common.height))
    if not found:
        raise SplitError(f"the two runs traded fewer than {LEAST} sessions in common")
    return _corrected(found)


def _days(gap: Floats, *, replications: int, seed: int) -> Ints:
    """Redrawn sessions, in blocks as long as the difference asks for."""
    try:
        block = significance.block_length(gap)
    except SplitError:
        block = 1.0  # the two never differ: any block redraws nothing but zeros
    return significance.resample(gap.shape[-1], replications=replications, seed=seed, block=block)


def _across(model: str, measure: str, said: significance.Difference, sessions: int, n: int) -> Across:
    numbers = (said.estimate, said.low, said.high, said.p_value)
    return Across(model, measure, sessions, n, *(float(np.asarray(number)) for number in numbers))


def _corrected(found: Sequence[Across]) -> list[Across]:
    """Holm over the models that differ: a rule that says the same in both runs is no test."""
    tests = [one for one in found if one.low < one.high and np.isfinite(one.p_holm)]
    corrected = dict(zip((one.model for one in tests), significance.holm([one.p_holm for one in tests]), strict=True))
    return [replace(one, p_holm=float(corrected.get(one.model, 1.0))) for one in found]
