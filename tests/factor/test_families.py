"""The formulas of every family against Polars expressions on random series, and against small tables."""

import numpy as np
import polars as pl
import pytest

from tenor.factor.activity import Activity
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Factor, Field, compute
from tenor.factor.curve import CurveShape
from tenor.factor.funding import Funding
from tenor.factor.spread import LegChange, SpreadChange, SpreadLevel, TimeToExpiry
from tenor.units import Floats

N = 30
RNG = np.random.default_rng(20)
SERIES: dict[Field, Floats] = {
    field: RNG.uniform(1.0, 3.0, N)
    for field in (
        NEAR_CLOSE,
        FAR_CLOSE,
        *(Field("rate", name) for name in ("REPO.ON", "REPO.1W")),
        *(Field("curve", f"CGB:{years}") for years in (1, 5, 10)),
        *(Field(leg, name) for leg in ("near", "far") for name in ("volume", "open_interest")),
        Field("pair", "days_to_last_trading"),
    )
}
FRAME = pl.DataFrame({str(field): values for field, values in SERIES.items()})

SPREAD = pl.col("near.close") - pl.col("far.close")
SHORT, BELLY, LONG = (pl.col(f"curve.CGB:{years}") for years in (1, 5, 10))
VOLUME, INTEREST = (pl.max_horizontal(f"near.{name}", f"far.{name}").log() for name in ("volume", "open_interest"))

TABLE: list[tuple[Factor, dict[str, pl.Expr]]] = [
    (SpreadLevel(), {"spread": SPREAD}),
    (
        SpreadChange(days=(1, 5)),
        {"spread_change_1": SPREAD.diff(1), "spread_change_5": SPREAD.diff(5)},
    ),
    (
        LegChange(days=(1, 2)),
        {
            "near_change_1": pl.col("near.close").diff(1),
            "near_change_2": pl.col("near.close").diff(2),
            "far_change_1": pl.col("far.close").diff(1),
            "far_change_2": pl.col("far.close").diff(2),
        },
    ),
    (TimeToExpiry(), {"days_to_last_trading": pl.col("pair.days_to_last_trading")}),
    (
        Funding(rates=("REPO.ON", "REPO.1W"), days=(3,)),
        {
            "REPO.ON": pl.col("rate.REPO.ON"),
            "REPO.ON_change_3": pl.col("rate.REPO.ON").diff(3),
            "REPO.1W": pl.col("rate.REPO.1W"),
            "REPO.1W_change_3": pl.col("rate.REPO.1W").diff(3),
        },
    ),
    (
        CurveShape(curve="CGB", days=(2,)),
        {
            "CGB_level": pl.mean_horizontal(SHORT, BELLY, LONG),
            "CGB_level_change_2": pl.mean_horizontal(SHORT, BELLY, LONG).diff(2),
            "CGB_slope": LONG - SHORT,
            "CGB_slope_change_2": (LONG - SHORT).diff(2),
            "CGB_curvature": 2 * BELLY - SHORT - LONG,
            "CGB_curvature_change_2": (2 * BELLY - SHORT - LONG).diff(2),
        },
    ),
    (
        Activity(),
        {
            "log_volume": VOLUME,
            "log_open_interest": INTEREST,
            "log_open_interest_change_1": INTEREST.diff(1),
        },
    ),
]


@pytest.mark.parametrize(("factor", "expressions"), TABLE, ids=[factor.kind for factor, _ in TABLE])
def test_formulas_against_polars(factor: Factor, expressions: dict[str, pl.Expr]) -> None:
    assert factor.columns == tuple(expressions)
    wanted = FRAME.select(**expressions).to_numpy()[factor.lookback - 1 :]
    np.testing.assert_allclose(compute((factor,), SERIES)[factor.lookback - 1 :], wanted, rtol=1e-12, atol=1e-12)


def activity(near: tuple[float, float], far: tuple[float, float]) -> list[float]:
    """Activity of two sessions' open interest; the volumes are alike."""
    values = {"volume": (near, far), "open_interest": (near, far)}
    past = {field: np.array(values[field.name][0 if field.table == "near" else 1]) for field in Activity().inputs}
    return Activity().compute(past).tolist()


def test_activity_reads_the_busier_leg() -> None:
    log = np.log
    assert activity((100, 80), (20, 50)) == pytest.approx([log(80), log(80), log(80 / 100)])
    assert activity((100, 50), (20, 80)) == pytest.approx([log(80), log(80), log(80 / 100)])


def test_a_leg_without_an_observation_is_left_out_and_not_filled() -> None:
    nan = float("nan")
    assert activity((100, nan), (20, 50)) == pytest.approx([np.log(50), np.log(50), np.log(50 / 100)])
    np.testing.assert_array_equal(activity((100, nan), (20, nan)), [nan] * 3)
    np.testing.assert_array_equal(activity((100, 0), (20, 0)), [nan] * 3)


def test_an_unknown_value_makes_only_what_reads_it_unknown() -> None:
    rate = Field("rate", "ON")
    table = compute((Funding(rates=("ON",), days=(1,)),), {rate: np.array([1.0, np.nan, 3.0, 4.0])})
    np.testing.assert_array_equal(table[:, 0], [np.nan, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(table[:, 1], [np.nan, np.nan, np.nan, 1.0])
