"""Replay: the changes between two dates, from what was published by then, within what was known."""

from datetime import date

import numpy as np
import pytest

from tenor.errors import MarketError, StudyError
from tenor.scenario.base import Base
from tenor.scenario.replay import Replay, weeks_that_stand_out


def test_changes_between_two_sessions(base: Base) -> None:
    moves = Replay(date(2019, 3, 4), date(2019, 3, 8)).moves(base)
    ten, week = base.market.tenor("CGB", 10.0), base.market.rate("REPO.1W")
    by_day = dict(zip(ten["date"], ten["rate"], strict=True)), dict(zip(week["date"], week["rate"], strict=True))
    first, last = date(2019, 3, 4), date(2019, 3, 8)
    assert moves.curves["CGB"][10.0] == by_day[0][last] - by_day[0][first]
    assert moves.rates["REPO.1W"] == by_day[1][last] - by_day[1][first]
    assert list(moves.curves["CGB"]) == list(base.tenors)
    assert list(moves.rates) == list(base.funding)


def test_a_date_without_a_session_means_the_last_one_before(base: Base) -> None:
    weekend = Replay(date(2019, 3, 3), date(2019, 3, 9)).moves(base)
    assert weekend == Replay(date(2019, 3, 1), date(2019, 3, 8)).moves(base)


def test_no_time_is_no_change(base: Base) -> None:
    assert not Replay(date(2019, 3, 4), date(2019, 3, 4)).moves(base)


def test_two_replays_make_one(base: Base) -> None:
    days = date(2019, 3, 4), date(2019, 3, 8), date(2019, 3, 15)
    both = Replay(days[0], days[1]).moves(base) + Replay(days[1], days[2]).moves(base)
    whole = Replay(days[0], days[2]).moves(base)
    assert both.curves["CGB"] == pytest.approx(whole.curves["CGB"], abs=1e-15)


@pytest.mark.parametrize("day", [date(2017, 12, 29), date(2019, 12, 23)])
def test_outside_what_was_known(base: Base, day: date) -> None:
    first, last = sorted((day, date(2019, 3, 4)))
    with pytest.raises(
        MarketError, match=f"{day} is outside the history known at the decision of 2019-12-20: 2018-01-02"
    ):
        Replay(first, last).moves(base)


def test_dates_the_wrong_way_round() -> None:
    with pytest.raises(StudyError, match="give the earlier date first"):
        Replay(date(2019, 3, 8), date(2019, 3, 4))


def test_in_words() -> None:
    assert Replay(date(2019, 3, 4), date(2019, 3, 8)).describe() == "replay of 2019-03-04 to 2019-03-08"


def test_weeks_that_stand_out_are_the_extremes_of_what_was_known(base: Base) -> None:
    found = weeks_that_stand_out(base)
    assert len({(week.first, week.last) for week in found}) == len(found)
    assert all(week.last <= base.session for week in found)
    dates, _, values = base.levels()
    yields = values[:, : len(base.tenors)].mean(axis=1)
    change = yields[5:] - yields[:-5]
    highest = next(week for week in found if week.what == "yields")
    assert highest.change == np.nanmax(change)
    moves = Replay(highest.first, highest.last).moves(base)
    assert np.mean(list(moves.curves[base.curve].values())) == pytest.approx(highest.change)
    place = int(np.flatnonzero(dates == np.datetime64(highest.last))[0])
    assert highest.change == pytest.approx(yields[place] - yields[place - 5])
