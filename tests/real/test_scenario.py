"""Shifts that are learnt from history, on the real curve and funding of June 2020."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tenor.io.sources.folder import Folder
from tenor.market.contract import product
from tenor.scenario.base import Base
from tenor.scenario.macro import Macro
from tenor.scenario.pca import components
from tenor.scenario.plausibility import history
from tenor.scenario.shift import Parallel, Repo

pytestmark = pytest.mark.real

LAYOUT = Path(__file__).parents[2] / "studies" / "layouts" / "shared.toml"
SESSION = date(2020, 6, 30)


@cache
def base(data: Path) -> Base:
    moment = product("T").closes_at(SESSION)
    market = Folder(folder=data, layout=LAYOUT, products=("T",)).read()
    return Base(
        market=market.known_at(moment),
        session=SESSION,
        moment=moment,
        train=(date(2015, 6, 30), date(2019, 12, 31)),
        product="T",
        near="T2009",
        far="T2012",
        curve="CGB",
        tenors=(1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 30.0),
        funding={"SHIBOR.ON": 1, "SHIBOR.1W": 7, "SHIBOR.2W": 14, "SHIBOR.1M": 30, "SHIBOR.3M": 91},
        max_age_days=10,
    )


def test_prices_above_expectation_lift_the_curve_where_the_window_holds_the_release(real_data: Path) -> None:
    """The files date every release to the 15th; it came between the 9th and then, six sessions earlier at most."""
    after = Macro("CPI.YOY", "+0.5").estimate(base(real_data))
    around = replace(Macro("CPI.YOY", "+0.5"), lead=6).estimate(base(real_data))
    assert (after.n, around.n) == (125, 125)
    curve = [column.startswith("CGB") for column in after.columns]
    assert np.abs(after.t[curve]).max() < 2
    ten = around.columns.index("CGB:10")
    assert around.beta[ten] == pytest.approx(2.7e-4, abs=0.3e-4)
    assert around.t[ten] > 2
    assert "SHIBOR.1W" in around.sentence.split("not distinguishable")[1]


def test_three_components_hold_most_of_the_curve(real_data: Path) -> None:
    found = components(base(real_data))
    assert found.n > 1000
    assert found.explained.sum() == pytest.approx(0.873, abs=0.01)
    assert (found.loadings[0] > 0).all()


def test_a_usual_day_and_a_jump_of_funding(real_data: Path) -> None:
    here = base(real_data)
    usual, jump = history(here).judge([Parallel("+5bp").moves(here), Repo("+50bp").moves(here)])
    assert usual.plausible
    assert not jump.plausible
    assert jump.similar == date(2017, 1, 6)
