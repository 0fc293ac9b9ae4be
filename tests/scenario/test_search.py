"""Sweeps, grids and the smallest shock that flips the answer."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tenor.errors import MarketError
from tenor.open_desk import open_desk
from tenor.scenario.desk import Desk
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.search import Family, flip, sweep
from tenor.scenario.what_if import answered
from tenor.shock import parse_shift


@pytest.fixture(scope="module")
def desk(small_run) -> Desk:
    return open_desk(small_run.study, small_run.market, small_run.report.frozen, session=date(2020, 1, 10))


def unit(desk: Desk, word: str) -> tuple[Family, Moves]:
    return Family(word.partition("=")[0], "bp"), parse_shift(word).moves(desk.scene.base)


def test_each_point_of_a_sweep_is_the_scenario_of_that_size(desk: Desk) -> None:
    name, moves = unit(desk, "repo=+1bp")
    found = sweep(desk, [(name, moves)], [[-50.0, 0.0, 20.0]])
    assert found.families == (Family("repo", "bp"),)
    assert [point.sizes for point in found.points] == [(-50.0,), (0.0,), (20.0,)]
    alone = answered(desk, [moves.scaled(20.0)])
    assert found.points[2].spread == alone.worlds.spread[1]
    assert found.points[2].up == alone.up[1]
    assert found.points[1].pnl == 0.0
    assert found.points[1].up == alone.up[0]


def test_a_grid_has_every_pair_of_sizes_in_rows(desk: Desk) -> None:
    shifts = [unit(desk, "parallel=+1bp"), unit(desk, "repo=+1bp")]
    found = sweep(desk, shifts, [[-10.0, 10.0], [0.0, 5.0, 10.0]])
    assert [point.sizes for point in found.points] == [(x, y) for x in (-10.0, 10.0) for y in (0.0, 5.0, 10.0)]
    both = answered(desk, [shifts[0][1].scaled(10.0) + shifts[1][1].scaled(5.0)])
    assert found.points[4].spread == both.worlds.spread[1]


def test_three_axes_are_refused(desk: Desk) -> None:
    one = unit(desk, "repo=+1bp")
    with pytest.raises(MarketError, match="3 shifts to vary"):
        sweep(desk, [one] * 3, [[1.0]] * 3)


def at_size(desk: Desk, moves: Moves, size: float) -> float:
    return float(answered(desk, [moves.scaled(size)]).up[1])


def test_a_flip_is_the_smallest_size_that_crosses_one_half(desk: Desk) -> None:
    against = replace(desk, headline="reversal")
    name, moves = unit(desk, "repo=+1bp")
    found = flip(against, name, moves, of="forecast", bound=100.0)
    assert found.size is not None
    base = np.sign(found.base - 0.5)
    assert np.sign(at_size(against, moves, found.size) - 0.5) != base
    assert np.sign(at_size(against, moves, found.size - np.sign(found.size) * 2 * found.resolution) - 0.5) == base
    assert found.resolution == pytest.approx(100.0 / 200 / 20**3)
    for smaller in np.linspace(-1, 1, 9) * (abs(found.size) - found.resolution):
        assert np.sign(at_size(against, moves, float(smaller)) - 0.5) == base
    assert found.plausible is not None


def test_a_position_flips_when_it_changes_sides(desk: Desk) -> None:
    against = replace(desk, headline="reversal")
    name, moves = unit(desk, "repo=+1bp")
    found = flip(against, name, moves, of="position", bound=100.0)
    assert found.size is not None
    assert np.sign(found.flipped) != np.sign(found.base)


def test_where_nothing_flips_the_answer_says_how_far_was_looked(desk: Desk) -> None:
    name, moves = unit(desk, "parallel=+1bp")
    found = flip(desk, name, moves.scaled(1e-6), of="forecast", bound=1.0)
    assert (found.size, found.flipped, found.plausible) == (None, None, None)
    assert found.lowest <= found.base <= found.highest
    assert (found.lowest - 0.5) * (found.highest - 0.5) > 0


def test_a_shift_that_changes_nothing_flips_nothing(desk: Desk) -> None:
    with pytest.raises(MarketError, match="changes nothing"):
        flip(desk, Family("nothing", ""), NOTHING, of="forecast", bound=1.0)
    with pytest.raises(MarketError, match="above 0"):
        flip(desk, *unit(desk, "repo=+1bp"), of="forecast", bound=0.0)
