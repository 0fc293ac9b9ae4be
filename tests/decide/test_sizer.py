"""Targets against tables, and the no-trade band against the gain and the cost written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.decide.sizer import NoTradeBand, ProbabilitySizer, Risk, SignSizer
from tenor.errors import StudyError

RISK = Risk(scale=np.array([0.1]), expected_move=np.array([0.03]), cost=56.0, multiplier=10_000.0)
FLAT = np.zeros(5)


def test_sign_holds_nothing_at_exactly_one_half() -> None:
    target = SignSizer().target(np.array([0.0, 0.49, 0.5, 0.51, 1.0]), FLAT, RISK)
    np.testing.assert_array_equal(target, [-1, -1, 0, 1, 1])


def test_probability_is_scaled_and_capped() -> None:
    p_up = np.array([0.0, 0.45, 0.5, 0.56, 0.9])
    np.testing.assert_allclose(ProbabilitySizer(cap=1.0).target(p_up, FLAT, RISK), [-1, -0.5, 0, 0.6, 1], atol=1e-12)
    np.testing.assert_allclose(
        ProbabilitySizer(cap=0.4).target(p_up, FLAT, RISK), [-0.4, -0.4, 0, 0.4, 0.4], atol=1e-12
    )


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([-1.0, -0.25, 0.0, 0.5, 1.0])), min_size=1),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_the_band_moves_where_the_gain_exceeds_the_cost(drawn: list[tuple[float, float]], multiple: float) -> None:
    p_up, held = (np.array(column) for column in zip(*drawn, strict=True))
    inner = ProbabilitySizer(cap=1.0)
    wanted = inner.target(p_up, held, RISK)
    target = NoTradeBand(inner, multiple).target(p_up, held, RISK)
    for p, h, w, moved in zip(p_up, held, wanted, target, strict=True):
        gain, cost = (w - h) * (2 * p - 1) * 0.03 * 10_000.0, abs(w - h) * 56.0
        if abs(gain - multiple * cost) > 1e-9:
            assert moved == (w if gain > multiple * cost else h)


def test_a_band_of_zero_is_no_band() -> None:
    p_up, held = np.array([0.2, 0.5, 0.501, 0.9]), np.array([1.0, 1.0, 1.0, -1.0])
    band = NoTradeBand(SignSizer(), multiple=0)
    np.testing.assert_array_equal(band.target(p_up, held, RISK), [-1, 0, 1, 1])
    assert band.uses == ()


def test_what_a_rule_reads_is_said() -> None:
    assert NoTradeBand(ProbabilitySizer(cap=1.0), multiple=1).uses == ("scale", "expected_move")
    assert NoTradeBand(NoTradeBand(SignSizer(), 1), 2).uses == ("expected_move",)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(StudyError, match="cap is 0"):
        ProbabilitySizer(cap=0)
    with pytest.raises(StudyError, match="multiple is -1"):
        NoTradeBand(SignSizer(), multiple=-1)
    with pytest.raises(StudyError, match="multiple is nan"):
        NoTradeBand(SignSizer(), multiple=float("nan"))
