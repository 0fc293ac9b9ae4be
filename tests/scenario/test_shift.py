"""Every stated shift against explicit values, and what it says of a name that matches nothing."""

import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tenor.errors import MarketError, StudyError
from tenor.scenario.base import Base, Shift
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.shift import (
    Butterfly,
    Flattener,
    KeyRate,
    OneRate,
    Parallel,
    Points,
    PriceGap,
    QuarterEnd,
    Repo,
    Steepener,
    Volatility,
    quarter_end,
)


def in_bp(moves: Moves, curve: str = "CGB") -> list[float]:
    assert set(moves.curves) == {curve}
    return [round(change * 1e4, 9) for change in moves.curves[curve].values()]


@pytest.mark.parametrize(
    ("shift", "bp"),
    [
        # points         1       2      3     5     7      10     30
        (Parallel("+10bp"), [10, 10, 10, 10, 10, 10, 10]),
        (Steepener("+8bp"), [-3, -3, -2, 0, 2, 5, 5]),
        (Steepener("+8bp", pivot=10.0), [-8, -8, -7, -5, -3, 0, 0]),
        (Flattener("+8bp"), [3, 3, 2, 0, -2, -5, -5]),
        (Steepener("+10bp", short=5.0, long=10.0, pivot=5.0), [0, 0, 0, 0, 4, 10, 10]),
        (Butterfly("+6bp"), [-3, -3, -1, 3, 0.6, -3, -3]),
        (Butterfly("-10bp", short=1.0, belly=3.0, long=7.0), [5, 0, -5, 0, 5, 5, 5]),
    ],
)
def test_shapes_over_the_curve(base: Base, shift: Shift, bp: list[float]) -> None:
    moves = shift.moves(base)
    assert in_bp(moves) == pytest.approx(bp, abs=1e-9)
    assert list(moves.curves["CGB"]) == list(base.tenors)
    assert moves == Moves(curves=moves.curves)


def test_points_by_name(base: Base) -> None:
    assert KeyRate(10.0, "+5bp").moves(base) == Moves(curves={"CGB": {10.0: 0.0005}})
    points = Points({"2y": "+5bp", "10": "-0.03%"}).moves(base)
    assert points.curves["CGB"] == pytest.approx({2.0: 0.0005, 10.0: -0.0003})


def test_funding(base: Base) -> None:
    assert Repo("+50bp").moves(base) == Moves(rates={"REPO.1W": 0.005, "REPO.1M": 0.005})
    assert OneRate("REPO.1M", "-5bp").moves(base) == Moves(rates={"REPO.1M": -0.0005})


def test_the_turn_of_a_quarter(base: Base) -> None:
    """From 20 December the night of 31 December is night 11: not within a week, well within a month."""
    moves = QuarterEnd("+320bp", half_life_days=1.0).moves(base)
    turn = date(2019, 12, 31)
    assert moves.nights[turn] == 0.032
    assert moves.nights[turn + timedelta(days=1)] == moves.nights[turn - timedelta(days=1)] == 0.016
    assert min(moves.nights.values()) >= 0.01 * 0.032
    assert moves.nights.keys() == {turn + timedelta(days=days) for days in range(-6, 7)}
    week = sum(moves.nights[base.session + timedelta(days=night)] for night in (5, 6))
    assert moves.rates["REPO.1W"] == pytest.approx(week / 7)
    assert moves.rates["REPO.1M"] == pytest.approx(sum(moves.nights.values()) / 30)


@pytest.mark.parametrize(
    ("session", "week"), [(date(2019, 12, 31), 1), (date(2019, 12, 25), 1), (date(2019, 12, 24), 0)]
)
def test_one_night_counts_in_a_term_that_holds_it(
    whole: Any, base_on: Callable[..., Base], session: date, week: int
) -> None:
    """On the last day of the quarter its own night is still ahead."""
    moves = QuarterEnd("+70bp", half_life_days=0.0).moves(base_on(whole, session))
    assert moves.nights == {date(2019, 12, 31): pytest.approx(0.007)}
    assert moves.rates == {"REPO.1W": pytest.approx(week * 0.001), "REPO.1M": pytest.approx(0.007 / 30)}


def test_nights_that_are_over_are_left_out(base: Base) -> None:
    moves = QuarterEnd("+100bp", turn=base.session + timedelta(days=2), half_life_days=2.0).moves(base)
    assert min(moves.nights) == base.session
    assert moves.nights[base.session] == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("session", "end"),
    [
        (date(2019, 1, 2), date(2019, 3, 31)),
        (date(2019, 3, 31), date(2019, 3, 31)),
        (date(2019, 4, 1), date(2019, 6, 30)),
        (date(2019, 12, 31), date(2019, 12, 31)),
        (date(2020, 9, 30), date(2020, 9, 30)),
    ],
)
def test_last_day_of_the_quarter(session: date, end: date) -> None:
    assert quarter_end(session) == end


def test_prices(base: Base) -> None:
    assert PriceGap("T2003", "-0.5").moves(base) == Moves(prices={"T2003": -0.5})
    closes = {
        code: base.market.quotes_of(code).drop_nulls("close")["close"].to_list()[-1] for code in ("T2003", "T2006")
    }
    both = PriceGap("T", "-1%").moves(base).prices
    assert both == pytest.approx({code: -0.01 * close for code, close in closes.items()})


def test_volatility(base: Base) -> None:
    moves = Volatility("T", "x2", sessions=30).moves(base)
    assert moves.volatility == {"T2003": math.log(2), "T2006": math.log(2)}
    assert moves.sessions == {"T2003": 30, "T2006": 30}
    assert not Volatility("T", "x1").moves(base)


def test_the_order_of_shifts_is_irrelevant(base: Base) -> None:
    shifts = (Parallel("+10bp"), Steepener("+7bp"), Repo("+50bp"), QuarterEnd("+300bp"), PriceGap("T", "-0.3"))
    moves = [shift.moves(base) for shift in shifts]
    forward, backward = sum(moves, NOTHING), sum(reversed(moves), NOTHING)
    assert forward.curves["CGB"] == pytest.approx(backward.curves["CGB"], abs=1e-16)
    assert forward.rates == pytest.approx(backward.rates, abs=1e-16)
    assert (forward.nights, forward.prices) == (backward.nights, backward.prices)


@pytest.mark.parametrize(
    ("shift", "says"),
    [
        (KeyRate(8.0, "+5bp"), r"curve 'CGB' has no point 8y; its points are 1y, 2y, 3y, 5y, 7y, 10y, 30y"),
        (Points({"4y": "+5bp"}), "no point 4y"),
        (OneRate("REPO.1X", "+5bp"), r"no rate 'REPO\.1X'; did you mean 'REPO\.1[MW]'\?; the market has \['REPO"),
        (
            PriceGap("T1912", "-0.5"),
            "no price 'T1912' here; the pair is T2003 and T2006, T names both",
        ),
        (Volatility("TF", "x2"), "no price 'TF' here"),
        (Steepener("+5bp", short=0.5), "published from 1y to 30y; 0.5y to 10y is not all within it"),
        (Butterfly("+5bp", long=40.0), "published from 1y to 30y; 2y to 40y is not all within it"),
        (QuarterEnd("+5bp", turn=date(2019, 12, 19)), "the turn of 2019-12-19 is -1 days from the session 2019-12-20"),
        (QuarterEnd("+5bp", turn=date(2021, 12, 31)), "at most 366 days"),
    ],
)
def test_a_shift_that_matches_nothing_lists_what_exists(base: Base, shift: Shift, says: str) -> None:
    with pytest.raises(MarketError, match=says):
        shift.moves(base)


def test_a_base_without_funding_cannot_have_dear_money(whole: Any, base_on: Callable[..., Base]) -> None:
    with pytest.raises(MarketError, match=r"no funding rate is named for T; .* out of \['REPO\.1M', 'REPO\.1W'"):
        Repo("+5bp").moves(base_on(whole, date(2019, 12, 20), funding={}))


def test_a_share_of_a_price_that_was_not_quoted_of_late(whole: Any, base_on: Callable[..., Base]) -> None:
    old = base_on(whole, date(2020, 3, 20), near="T1912")
    with pytest.raises(
        MarketError, match=r"no close of T1912 within 10 days of 2020-03-20: the last is of 2019-12-\d\d"
    ):
        PriceGap("T1912", "-1%").moves(old)
    assert PriceGap("T1912", "-1").moves(old).prices == {"T1912": -1.0}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Parallel("50"), "50 has no unit: write 50bp"),
        (lambda: Parallel("5000bp"), "beyond the bound of 500 bp"),
        (lambda: Repo("+2sd"), "must be a change of a rate"),
        (lambda: Points({"2y": "+5bp", "2": "+5bp"}), "name one tenor twice"),
        (lambda: Points({"two": "+5bp"}), "'two' is no tenor"),
        (lambda: Steepener("+5bp", short=10.0, long=2.0), "short must be below long"),
        (lambda: Steepener("+5bp", pivot=20.0), "the pivot between them"),
        (lambda: Butterfly("+5bp", belly=1.0), "do not ascend"),
        (lambda: QuarterEnd("+5bp", half_life_days=-1.0), "half_life_days is -1"),
        (lambda: QuarterEnd("+5bp", half_life_days=90.0), "give 0 to 31 days"),
        (lambda: PriceGap("T", "-25"), "beyond the bound of 20 points"),
        (lambda: Volatility("T", "2"), "must be a multiple"),
    ],
)
def test_settings_that_make_no_sense(make: Callable[[], Shift], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        make()


def test_force(base: Base) -> None:
    assert in_bp(Parallel("600bp", force=True).moves(base)) == [600] * 7


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (Parallel("10bp"), "parallel +10bp"),
        (Steepener("+8bp", pivot=7.0), "steepener +8bp (2y to 10y about 7y)"),
        (KeyRate(10.0, "-5bp"), "10y -5bp"),
        (Points({"2y": "5bp", "10y": "-3bp"}), "2y +5bp, 10y -3bp"),
        (QuarterEnd("300bp"), "quarter end +300bp (half-life 2 days)"),
        (PriceGap("T2003", "-0.5"), "price of T2003 -0.5"),
        (Volatility("T", "x2"), "volatility of T x2 over 20 sessions"),
    ],
)
def test_in_words(shift: Shift, words: str) -> None:
    assert shift.describe() == words
