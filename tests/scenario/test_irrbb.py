"""The six supervisory shocks, against the values of the standard's formulas for CNY."""

from typing import get_args

import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.scenario.base import Base
from tenor.scenario.irrbb import IRRBB, Name, calibration, shock, sizes

YEARS = (2.0, 5.0, 10.0, 30.0)


@pytest.mark.parametrize(
    ("name", "bp"),
    [
        ("parallel_up", [250, 250, 250, 250]),
        ("parallel_down", [-250, -250, -250, -250]),
        ("short_up", [182, 86, 25, 0]),
        ("short_down", [-182, -86, -25, 0]),
        ("steepener", [-65, 40, 108, 135]),  # at five years -0.65 * 85.951 + 0.9 * 107.024 = 40.453
        ("flattener", [110, 5, -63, -90]),
    ],
)
def test_cny_to_the_basis_point(name: Name, bp: list[int]) -> None:
    assert np.round(shock(name, "CNY", YEARS) * 1e4).tolist() == bp


@pytest.mark.parametrize(
    ("currency", "parallel", "short", "long"),
    [
        ("CNY", 250, 300, 150),
        ("EUR", 200, 250, 100),
        ("GBP", 250, 300, 150),
        ("JPY", 100, 100, 100),
        ("USD", 200, 300, 150),
    ],
)
def test_sizes(currency: str, parallel: int, short: int, long: int) -> None:
    assert sizes(currency) == {"parallel": parallel, "short": short, "long": long}


@pytest.mark.parametrize("name", get_args(Name))
def test_moves_act_on_the_published_points_and_say_stress(base: Base, name: Name) -> None:
    shift = IRRBB(name)
    assert list(shift.moves(base).curves["CGB"].values()) == pytest.approx(shock(name, "CNY", base.tenors))
    assert shift.describe() == f"stress: IRRBB {name} (CNY, 2016 calibration)"
    assert calibration() == "2016 calibration"


def test_a_share_of_a_shock(base: Base) -> None:
    assert not IRRBB("short_up", times=0.0).moves(base)
    half = IRRBB("short_up", times=0.5)
    assert half.moves(base) == IRRBB("short_up").moves(base).scaled(0.5)
    assert half.describe() == "stress: IRRBB short_up x0.5 (CNY, 2016 calibration)"


def test_a_currency_without_sizes() -> None:
    with pytest.raises(StudyError, match=r"no IRRBB shocks for 'CNH'; did you mean 'CNY'\?; there are \['CNY', 'EUR'"):
        IRRBB("parallel_up", currency="CNH")
