"""Moves add up entry by entry: order does not matter, nothing is nothing, scaling is multiplication."""

import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.scenario.moves import NOTHING, Moves, in_words

CHANGE = st.floats(-0.05, 0.05)
MOVES = st.builds(
    Moves,
    curves=st.dictionaries(st.sampled_from(["CGB", "UST"]), st.dictionaries(st.sampled_from([2.0, 10.0]), CHANGE)),
    rates=st.dictionaries(st.sampled_from(["REPO.1W", "REPO.1M"]), CHANGE),
    nights=st.dictionaries(st.sampled_from([date(2019, 12, 31), date(2020, 1, 1)]), CHANGE),
    prices=st.dictionaries(st.sampled_from(["T2003", "T2006"]), CHANGE),
    volatility=st.dictionaries(st.sampled_from(["T2003", "T2006"]), CHANGE),
)


def flat(moves: Moves) -> dict[object, float]:
    """Every addition that is not zero."""
    curves = {(name, tenor): change for name, points in moves.curves.items() for tenor, change in points.items()}
    entries = {**curves, **moves.rates, **moves.nights}
    entries |= {("price", code): change for code, change in moves.prices.items()}
    entries |= {("volatility", code): change for code, change in moves.volatility.items()}
    return {name: change for name, change in entries.items() if change}


@given(MOVES, MOVES)
def test_the_order_of_two_shifts_does_not_matter(one: Moves, other: Moves) -> None:
    assert flat(one + other) == flat(other + one)


@given(MOVES, MOVES, MOVES)
def test_the_order_of_three_shifts_matters_by_rounding_only(one: Moves, two: Moves, three: Moves) -> None:
    left, right = flat((one + two) + three), flat(three + (two + one))
    for name in left.keys() | right.keys():
        assert math.isclose(left.get(name, 0.0), right.get(name, 0.0), abs_tol=1e-15)


@given(MOVES)
def test_nothing_added_changes_nothing_bit_for_bit(moves: Moves) -> None:
    assert flat(moves + NOTHING) == flat(NOTHING + moves) == flat(moves)
    assert bool(moves) == bool(flat(moves))


@given(MOVES, st.floats(-3, 3))
def test_scaling_multiplies_every_entry(moves: Moves, by: float) -> None:
    assert flat(moves.scaled(by)) == {name: change * by for name, change in flat(moves).items() if change * by}
    assert not moves.scaled(0.0)
    assert flat(moves.scaled(1.0)) == flat(moves)


def test_an_example() -> None:
    both = Moves(curves={"CGB": {2.0: 0.001, 10.0: 0.001}}) + Moves(
        curves={"CGB": {10.0: -0.0005}}, rates={"REPO.1W": 0.005}, prices={"T2003": -0.5}
    )
    assert both == Moves(curves={"CGB": {2.0: 0.001, 10.0: 0.0005}}, rates={"REPO.1W": 0.005}, prices={"T2003": -0.5})


def test_two_stretches_of_one_path_must_reach_equally_far() -> None:
    one = Moves(volatility={"T2003": math.log(2)}, sessions={"T2003": 20})
    assert (one + one).volatility["T2003"] == pytest.approx(math.log(4))
    assert (one + one).sessions == {"T2003": 20}
    with pytest.raises(MarketError, match="20 sessions by one shift and 60"):
        one + Moves(volatility={"T2003": 0.1}, sessions={"T2003": 60})


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(MarketError, match="the move of CGB 10 y is not a finite number"):
        Moves(curves={"CGB": {10.0: bad}})


def test_nights_that_follow_each_other_are_told_as_a_range() -> None:
    nights = {date(2020, 3, 30) + timedelta(days=step): 0.001 for step in (0, 1, 2, 5)}
    told = in_words(("REPO.1W", *(f"the night of {night}" for night in nights)))
    assert told == "REPO.1W, the nights of 2020-03-30 to 2020-04-01, the night of 2020-04-04"
