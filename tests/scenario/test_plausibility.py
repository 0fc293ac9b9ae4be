"""Plausibility: distances against scikit-learn, ranks by counting, and words that mark what has not been seen."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from tenor.errors import MarketError, StudyError
from tenor.market.market import Market
from tenor.scenario.base import Base
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.plausibility import History, history, inputs, ledoit_wolf, whitening
from tenor.scenario.replay import Replay
from tenor.scenario.shift import KeyRate, OneRate, Parallel, PriceGap, Repo, Volatility
from tenor.units import Floats


def correlated(n: int, columns: int) -> Floats:
    rng = np.random.default_rng(8)
    return rng.normal(size=(n, columns)) @ rng.normal(size=(columns, columns)) * np.geomspace(1e-4, 1.0, columns)


@pytest.fixture(scope="module")
def past(base: Base) -> History:
    return history(base)


@pytest.mark.parametrize(("n", "columns"), [(60, 10), (500, 9), (12, 20)])
def test_shrinkage_against_scikit_learn(n: int, columns: int) -> None:
    rows = correlated(n, columns)
    assert ledoit_wolf(rows) == pytest.approx(LedoitWolf(assume_centered=True).fit(rows).covariance_, rel=1e-9)


def test_distance_against_scikit_learn_on_one_scale() -> None:
    rows = correlated(300, 8)
    scale = np.sqrt((rows**2).mean(axis=0))
    reference = LedoitWolf(assume_centered=True).fit(rows / scale)
    lengths = ((rows @ whitening(rows)) ** 2).sum(axis=1)
    assert lengths == pytest.approx(reference.mahalanobis(rows / scale), rel=1e-8)


def test_units_do_not_matter() -> None:
    rows = correlated(200, 5)
    units = np.array([1.0, 100.0, 1e4, 1e-3, 7.0])
    assert (rows * units) @ whitening(rows * units) == pytest.approx(rows @ whitening(rows), rel=1e-7)


def test_the_rank_is_the_share_at_least_as_far(base: Base, past: History) -> None:
    dates, _, values = base.levels()
    changes = np.diff(values, axis=0)
    changes = changes[np.isfinite(changes).all(axis=1)]
    (judged,) = past.judge([Parallel("+3bp").moves(base)])
    lengths = past.clouds[0].distance(changes)
    assert judged.rank == pytest.approx(np.mean(lengths >= judged.distance))
    assert judged.n == len(changes)
    assert judged.first == dates[1].item()


def test_a_day_that_has_been_is_most_like_itself_and_has_its_own_rank(base: Base, past: History) -> None:
    (judged,) = past.judge([Replay(date(2019, 3, 7), date(2019, 3, 8)).moves(base)])
    assert judged.similar == date(2019, 3, 8)
    assert judged.rank > 0


def test_no_change_is_plausible_and_a_wild_one_is_marked(base: Base) -> None:
    usual, wild = history(base).judge([NOTHING, Repo("+500bp").moves(base) + Parallel("-300bp").moves(base)])
    assert (usual.distance, usual.rank, usual.plausible) == (0.0, 1.0, True)
    assert usual.sentence.startswith("plausible: 100 % of")
    assert (wild.rank, wild.plausible) == (0.0, False)
    assert wild.sentence.startswith("IMPLAUSIBLE: none of")
    assert list(wild.also) == [5, 20]


def test_longer_horizons_find_more_of_the_same_move(base: Base, past: History) -> None:
    (judged,) = past.judge([Parallel("+6bp").moves(base)])
    assert judged.rank < judged.also[5] < judged.also[20]


def test_one_point_alone_is_farther_than_the_whole_curve(base: Base, past: History) -> None:
    all_points, one = past.judge([Parallel("+6bp").moves(base), KeyRate(5.0, "+6bp").moves(base)])
    assert one.distance > all_points.distance


def test_farther_the_same_way_is_less_plausible(base: Base, past: History) -> None:
    up = Parallel("+10bp").moves(base)
    judged = past.judge([up.scaled(by) for by in np.linspace(0, 3, 13)])
    assert [each.distance for each in judged] == sorted(each.distance for each in judged)
    assert [each.rank for each in judged] == sorted((each.rank for each in judged), reverse=True)


def test_a_night_beyond_every_quoted_term_is_not_judged(base: Base) -> None:
    """A premium in no quoted rate moves no series, which is no sign that it is usual."""
    longest = max(base.funding.values())
    far, near = (base.session + timedelta(days=days) for days in (longest, longest - 1))
    past = history(base)
    beyond, within = past.judge([Moves(nights={far: 0.2}), Moves(nights={near: 0.2}, rates={"REPO.1M": 0.2 / 30})])
    assert beyond.plausible is None
    assert beyond.sentence == f"not judged: history says nothing about the night of {far}"
    assert within.plausible is False
    assert past.plausible([Moves(nights={far: 0.2}), Moves(prices={"T2003": -9.0}), NOTHING]) == (None, None, True)


def test_what_is_not_judged_is_said(base: Base, past: History) -> None:
    moves = PriceGap("T2003", "-0.5").moves(base) + Volatility("T2006", "x2").moves(base)
    moves += OneRate("REPO.ON", "+5bp").moves(base) + Moves(curves={"UST": {10.0: 0.001}})
    (judged,) = past.judge([moves])
    assert judged.unjudged == ("REPO.ON", "UST", "the price of T2003", "the volatility of T2006")
    assert judged.sentence.endswith(
        "not judged: history says nothing about REPO.ON, UST, the price of T2003, the volatility of T2006"
    )


def test_many_scenarios_at_once_are_each_as_alone(base: Base, past: History) -> None:
    rng = np.random.default_rng(1)
    many = [Moves(curves={"CGB": dict(zip(base.tenors, rng.normal(0, 5e-4, 7), strict=True))}) for _ in range(50)]
    for together, one in zip(past.judge(many), many, strict=True):
        (alone,) = past.judge([one])
        assert (together.rank, together.similar, together.also) == (alone.rank, alone.similar, alone.also)
        assert together.distance == pytest.approx(alone.distance, rel=1e-12)
    assert past.judge([]) == ()


def test_what_comes_after_the_decision_does_not_count(whole: Market, base_on: Callable[..., Base], base: Base) -> None:
    later = base_on(whole, date(2020, 3, 20))
    assert len(history(later).clouds[0].days) > len(history(base).clouds[0].days)
    again = base_on(whole.known_at(later.moment), base.session)
    move = Parallel("+5bp").moves(base)
    assert history(again).judge([move]) == history(base).judge([move])


def test_too_little_history(whole: Market, base_on: Callable[..., Base]) -> None:
    with pytest.raises(MarketError, match=r"\d+ changes of curve and funding over 1 sessions, where 100 are needed"):
        history(base_on(whole, date(2018, 3, 20)))
    with pytest.raises(StudyError, match="horizon is 0 sessions"):
        history(base_on(whole, date(2019, 12, 20)), horizon=0)


COLUMNS = ("near", "far", "flat", "never")


def train_rows() -> Floats:
    rows = np.full((400, 4), np.nan)
    rows[:, :2] = np.random.default_rng(6).normal(size=(400, 2)) @ [[1.0, 0.9], [0.0, 0.4]]
    rows[:, 2] = 3.0
    rows[7, 1] = np.nan
    return rows


def test_a_usual_row_has_been_seen() -> None:
    (usual,) = inputs(train_rows(), COLUMNS).judge(np.array([[0.2, 0.1, 3.0, np.nan]]))
    assert usual.plausible
    assert usual.rank > 0.8
    assert (usual.far, usual.outside, usual.unjudged) == ((), (), ("never",))
    assert usual.sentence.startswith("inputs seen in train: ")
    assert usual.sentence.endswith("; not judged: never")


@pytest.mark.parametrize(
    ("row", "far", "outside"),
    [
        ([6.0, 0.0, 3.0, 1.0], ("near",), ("near",)),
        ([3.0, -3.0, 3.0, 1.0], (), ()),  # each alone usual, together never
        ([6.0, -6.0, 3.1, 1.0], ("near", "far"), ("near", "far", "flat")),
    ],
)
def test_rows_that_train_has_not_seen(row: list[float], far: tuple[str, ...], outside: tuple[str, ...]) -> None:
    (strange,) = inputs(train_rows(), COLUMNS).judge(np.array([row]))
    assert not strange.plausible
    assert strange.sentence.startswith("EXTRAPOLATION: none of")
    assert strange.far == far
    assert set(strange.outside) >= set(outside)
    assert strange.beyond == pytest.approx(len(far) / 3)


def test_scaling_a_column_changes_no_verdict() -> None:
    rows, units = train_rows(), np.array([1.0, 1e4, 1.0, 1.0])
    asked = np.array([[1.5, -1.0, 3.0, np.nan], [0.0, 4.0, 3.0, np.nan]])
    plain, scaled = inputs(rows, COLUMNS).judge(asked), inputs(rows * units, COLUMNS).judge(asked * units)
    for one, other in zip(plain, scaled, strict=True):
        assert one.rank == other.rank
        assert one.far == other.far
    assert plain[0].unjudged == (COLUMNS[3],)


def test_names_must_fit() -> None:
    with pytest.raises(MarketError, match=r"train rows of shape \(400, 4\) with 2 column names"):
        inputs(train_rows(), ("near", "far"))
