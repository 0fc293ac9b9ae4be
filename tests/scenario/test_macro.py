"""A macro surprise: the planted effect is found, from nothing that came later, at the right sessions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError, StudyError
from tenor.market.contract import product
from tenor.market.market import Market
from tenor.scenario.base import Base
from tenor.scenario.macro import Macro, sessions_before

PLANTED = np.array([0.0002, 0.0006, 0.0010])


def test_the_planted_effect_lies_within_its_interval(on_releases: Callable[..., Base]) -> None:
    found = Macro("CPI.YOY", "+0.5").estimate(on_releases())
    assert found.columns == ("CGB:2", "CGB:10", "SHIBOR.1W")
    assert np.abs(found.beta - PLANTED).max() < 3 * found.se.max()
    assert found.t[1:].min() > 4
    assert found.n >= 60
    assert found.surprise_sd == pytest.approx(0.3, abs=0.06)


def test_moves_are_the_effect_times_the_surprise(on_releases: Callable[..., Base]) -> None:
    base = on_releases()
    shift = Macro("CPI.YOY", "-0.5")
    beta, moves = shift.estimate(base).beta, shift.moves(base)
    assert moves.curves["CGB"] == pytest.approx({2.0: -0.5 * beta[0], 10.0: -0.5 * beta[1]})
    assert moves.rates == pytest.approx({"SHIBOR.1W": -0.5 * beta[2]})
    assert not Macro("CPI.YOY", "0").moves(base)
    assert shift.describe() == "CPI.YOY -0.5 against expectation"


def test_draws_are_joint_and_seeded(on_releases: Callable[..., Base]) -> None:
    base, shift = on_releases(), Macro("CPI.YOY", "+0.5")
    drawn = shift.draws(base, 400, seed=1)
    ten = np.array([moves.curves["CGB"][10.0] for moves in drawn])
    found = shift.estimate(base)
    assert ten.mean() == pytest.approx(0.5 * found.beta[1], abs=0.2 * found.se[1])
    assert ten.std() == pytest.approx(0.5 * found.se[1], rel=0.1)
    assert drawn == shift.draws(base, 400, seed=1)
    assert drawn != shift.draws(base, 400, seed=2)


def test_nothing_that_came_later_matters(released: Market, on_releases: Callable[..., Base]) -> None:
    early = on_releases(date(2018, 3, 9))
    later = early.market.macro.with_columns(pl.col("value") + 100.0).clear()
    assert later.is_empty()
    spoilt = replace(
        released,
        macro=released.macro.with_columns(
            value=pl.when(pl.col("known_at") > early.moment).then(99.0).otherwise(pl.col("value"))
        ),
        curve=released.curve.with_columns(
            rate=pl.when(pl.col("known_at") > early.moment).then(9.0).otherwise(pl.col("rate"))
        ),
    )
    again = replace(early, market=spoilt.known_at(early.moment))
    assert Macro("CPI.YOY", "+0.5").moves(again) == Macro("CPI.YOY", "+0.5").moves(early)


def test_the_response_starts_at_the_last_close_before_the_release() -> None:
    sessions = np.array(["2019-03-07", "2019-03-08", "2019-03-11", "2019-03-12"], dtype="datetime64[D]")
    moments = [
        datetime(2019, 3, 7, 1, 30, tzinfo=UTC),  # before the first close
        datetime(2019, 3, 8, 1, 30, tzinfo=UTC),  # 09:30 in Shanghai: the close before is that of the 7th
        datetime(2019, 3, 8, 8, 0, tzinfo=UTC),  # 16:00: the close of the day came before
        datetime(2019, 3, 9, 1, 30, tzinfo=UTC),  # a Saturday
        datetime(2019, 3, 12, 1, 30, tzinfo=UTC),
        datetime(2019, 3, 12, 8, 0, tzinfo=UTC),
    ]
    known = np.array([moment.replace(tzinfo=None) for moment in moments], dtype="datetime64[us]")
    assert sessions_before(product("T"), sessions, known).tolist() == [-1, 0, 1, 1, 2, 3]
    old = np.array(["2010-03-11T01:30", "2010-03-11T08:00"], dtype="datetime64[us]")
    days = np.array(["2010-03-10", "2010-03-11"], dtype="datetime64[D]")
    assert sessions_before(product("T"), days, old).tolist() == [0, 1]


def test_too_few_releases(on_releases: Callable[..., Base]) -> None:
    with pytest.raises(
        MarketError, match=r"CPI\.YOY has \d+ releases with a forecast and every response, of \d+ known"
    ):
        Macro("CPI.YOY", "+0.5").moves(on_releases(date(2015, 6, 12)))


def test_a_statistic_that_is_not_there(on_releases: Callable[..., Base]) -> None:
    with pytest.raises(MarketError, match=r"no publication 'CPI\.MOM' in 'by hand'; it has \['CPI\.YOY'\]"):
        Macro("CPI.MOM", "+0.5").moves(on_releases())


def test_a_surprise_out_of_scale(on_releases: Callable[..., Base]) -> None:
    base = on_releases()
    with pytest.raises(
        MarketError, match=r"\+50 is beyond the bound of \d\.\d+ for CPI\.YOY, 1\.5 times its largest surprise"
    ):
        Macro("CPI.YOY", "+50").moves(base)
    forced = Macro("CPI.YOY", "+50", force=True).moves(base)
    assert forced.rates["SHIBOR.1W"] == pytest.approx(100 * Macro("CPI.YOY", "+0.5").moves(base).rates["SHIBOR.1W"])
    with pytest.raises(StudyError, match=r"write 0\.5"):
        Macro("CPI.YOY", "+0.5%")
