"""The same model in two runs: paired on what both were asked, and nothing else."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from tenor.errors import SplitError
from tenor.trust.across import accuracy_across, calls, sharpe_across

STATED = {"level": 0.95, "replications": 400, "seed": 3}
FIRST = date(2020, 1, 1)


def forecasts(right: np.ndarray, *, models=("lstm",), first: int = 0, seeds: int = 1, label: int = 1) -> pl.DataFrame:
    """Forecasts of a pair whose calls are right or wrong as given, shape ``(session,)``, for every model and seed."""
    change = np.where(np.arange(len(right)) % 2, 0.01, -0.01)
    up = 0.5 + 0.1 * np.where(right, 1, -1) * np.sign(change)
    days = [FIRST + timedelta(days=first + at) for at in range(len(right))]
    one = pl.DataFrame(
        {"session": days, "pair": "A-B", "up": up, "change": change, "label": np.full(len(right), label, np.int8)}
    )
    return pl.concat(
        one.with_columns(pl.lit(model).alias("model"), pl.lit(seed).alias("seed"))
        for model in models
        for seed in range(seeds)
    )


def test_the_difference_is_that_of_the_shares_on_common_days() -> None:
    rng = np.random.default_rng(1)
    one, two = rng.random(300) < 0.5, rng.random(300) < 0.6
    (found,) = accuracy_across(calls(forecasts(one)), calls(forecasts(two)), **STATED)
    assert found.estimate == pytest.approx(two.mean() - one.mean())
    assert (found.sessions, found.n) == (300, 300)
    assert found.low < found.estimate < found.high


def test_days_that_only_one_run_has_are_left_out() -> None:
    one = calls(forecasts(np.ones(200, bool)))
    two = calls(forecasts(np.r_[np.ones(100, bool), np.zeros(100, bool)], first=100))
    (found,) = accuracy_across(one, two, **STATED)
    assert (found.sessions, found.estimate) == (100, 0.0)


def test_outcomes_that_differ_and_neutral_days_are_left_out() -> None:
    one, two = forecasts(np.ones(120, bool)), forecasts(np.zeros(120, bool))
    moved = two.with_columns(
        pl.when(pl.int_range(pl.len()) < 50).then(pl.col("change") * 2).otherwise("change").alias("change")
    )
    row = pl.int_range(pl.len())
    quiet = moved.with_columns(pl.when(row >= 100).then(pl.lit(-1)).otherwise("label").cast(pl.Int8).alias("label"))
    (found,) = accuracy_across(calls(one), calls(quiet), **STATED)
    assert (found.sessions, found.estimate) == (50, -1.0)


def test_seeds_are_averaged_call_by_call() -> None:
    one = pl.concat([forecasts(np.ones(60, bool)), forecasts(np.zeros(60, bool)).with_columns(pl.lit(1).alias("seed"))])
    assert calls(one).table["right"].unique().to_list() == [0.5]


def test_models_that_say_the_same_are_no_test() -> None:
    """Holm's correction counts the models that differ: three of them here, one does not."""
    rng = np.random.default_rng(2)
    same = rng.random(400) < 0.55
    parts = {name: rng.random(400) < share for name, share in (("a", 0.5), ("b", 0.62), ("c", 0.55))}
    first = pl.concat(
        [forecasts(same, models=("rule",)), *(forecasts(rng.random(400) < 0.5, models=(n,)) for n in parts)]
    )
    second = pl.concat([forecasts(same, models=("rule",)), *(forecasts(r, models=(n,)) for n, r in parts.items())])
    found = {one.model: one for one in accuracy_across(calls(first), calls(second), **STATED)}
    assert (found["rule"].estimate, found["rule"].p_holm) == (0.0, 1.0)
    alone = accuracy_across(
        calls(first.filter(pl.col("model") == "b")), calls(second.filter(pl.col("model") == "b")), **STATED
    )[0]
    assert found["b"].p_holm == pytest.approx(min(1.0, 3 * alone.p_holm))


def test_under_no_difference_a_finding_is_rare() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(40):
        one, two = (calls(forecasts(rng.random(250) < 0.5)) for _ in range(2))
        hits += accuracy_across(one, two, level=0.95, replications=200, seed=1)[0].p_holm < 0.05
    assert hits <= 6


def test_too_little_in_common_is_refused() -> None:
    with pytest.raises(SplitError, match="fewer than 30 sessions"):
        accuracy_across(calls(forecasts(np.ones(200, bool))), calls(forecasts(np.ones(200, bool), first=180)), **STATED)


def earned(net: np.ndarray, first: int = 0) -> pl.DataFrame:
    """Daily returns, ``(seed, session)``."""
    days = [FIRST + timedelta(days=first + at) for at in range(net.shape[1])]
    return pl.concat(
        pl.DataFrame({"session": days, "net": row}).with_columns(
            pl.lit("lstm").alias("model"), pl.lit(seed).alias("seed")
        )
        for seed, row in enumerate(net)
    )


def test_sharpe_ratios_are_compared_on_common_sessions_seed_by_seed() -> None:
    rng = np.random.default_rng(4)
    one, two = 0.01 * rng.standard_normal((3, 260)), 0.01 * rng.standard_normal((2, 260)) + 0.001
    (found,) = sharpe_across(earned(one), earned(two, first=60), sessions_per_year=250, **STATED)
    late, early = one[:, 60:], two[:, :200]
    stated = [np.mean(rows.mean(axis=1) / rows.std(axis=1, ddof=1)) * np.sqrt(250) for rows in (early, late)]
    assert found.sessions == 200
    assert found.estimate == pytest.approx(stated[0] - stated[1])
    with pytest.raises(SplitError, match="fewer than 30 sessions"):
        sharpe_across(earned(one), earned(two, first=250), sessions_per_year=250, **STATED)
