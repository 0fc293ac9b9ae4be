"""The engine: one form of each factor, the same numbers from one window and from all sessions at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.factor.activity import Activity
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Factor, Field, columns_of, compute
from tenor.factor.curve import CurveShape
from tenor.factor.funding import Funding
from tenor.factor.spread import LegChange, SpreadChange, SpreadLevel, TimeToExpiry
from tenor.units import Floats

FACTORS: tuple[Factor, ...] = (
    SpreadLevel(),
    SpreadChange(days=(1, 3)),
    LegChange(days=(2,)),
    TimeToExpiry(),
    Funding(rates=("ON", "1W"), days=(1, 4)),
    CurveShape(curve="CGB", days=(1,)),
    Activity(),
)


def drawn(sessions: int) -> dict[Field, Floats]:
    """Positive series with a few unknown values."""
    rng = np.random.default_rng(8)
    fields = {}
    for field in dict.fromkeys(field for factor in FACTORS for field in factor.inputs):
        fields[field] = rng.uniform(1.0, 2.0, sessions)
        fields[field][rng.integers(sessions)] = np.nan
    return fields


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.kind)
def test_all_sessions_at_once_equal_each_window_alone(factor: Factor) -> None:
    fields = drawn(20)
    fast = compute((factor,), fields)
    assert fast.shape == (20, len(factor.columns))
    for session in range(20):
        first = session + 1 - factor.lookback
        if first < 0:
            assert np.isnan(fast[session]).all()
            continue
        past = {field: fields[field][first : session + 1] for field in factor.inputs}
        np.testing.assert_array_equal(fast[session], factor.compute(past))


def test_factors_stand_side_by_side_in_order() -> None:
    fields = drawn(12)
    table = compute(FACTORS, fields)
    names = columns_of(FACTORS)
    assert table.shape == (12, len(names))
    place = names.index("days_to_last_trading")
    np.testing.assert_array_equal(table[:, place], fields[Field("pair", "days_to_last_trading")])
    assert names[:3] == ("spread", "spread_change_1", "spread_change_3")


def test_fewer_sessions_than_the_lookback_are_unknown() -> None:
    closes = {NEAR_CLOSE: np.array([1.0, 2.0]), FAR_CLOSE: np.array([0.5, 0.5])}
    assert np.isnan(compute((SpreadChange(days=(2,)),), closes)).all()
    np.testing.assert_array_equal(compute((SpreadChange(days=(1,)),), closes), [[np.nan], [1.0]])


@dataclass(frozen=True, slots=True)
class WindowLength:
    """Says how many sessions it was handed."""

    kind: Literal["window_length"] = "window_length"
    inputs: ClassVar = (NEAR_CLOSE,)
    lookback: ClassVar = 4
    columns: ClassVar = ("sessions",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        return np.full((*past[NEAR_CLOSE].shape[:-1], 1), float(past[NEAR_CLOSE].shape[-1]))


def test_a_factor_is_handed_its_lookback_and_no_more() -> None:
    table = compute((WindowLength(),), {NEAR_CLOSE: np.ones(6)})
    np.testing.assert_array_equal(table[:, 0], [np.nan, np.nan, np.nan, 4.0, 4.0, 4.0])


def test_a_column_that_two_factors_name_is_refused() -> None:
    with pytest.raises(StudyError, match=r"columns \['spread_change_1'\] appear twice"):
        columns_of((SpreadChange(days=(1,)), SpreadChange(days=(1, 2))))


def test_a_field_prints_as_table_and_name() -> None:
    assert str(Field("curve", "CGB:10")) == "curve.CGB:10"


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """The next session's close, by a shift along the sessions."""

    kind: Literal["tomorrow"] = "tomorrow"
    inputs: ClassVar = (NEAR_CLOSE,)
    lookback: ClassVar = 1
    columns: ClassVar = ("tomorrow",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        return np.roll(past[NEAR_CLOSE], -1, axis=0)


def test_a_factor_that_reads_across_windows_is_refused() -> None:
    with pytest.raises(
        StudyError, match=r"factors.tomorrow: handed one window alone .* compute along the last axis only"
    ):
        compute((Tomorrow(),), {NEAR_CLOSE: np.arange(6.0)})
