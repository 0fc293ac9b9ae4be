"""Splits against explicit tables of dates and as properties; windows against hand-made rows."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import SplitError
from tenor.factor.window import DateSplit, Fold, OutcomeDates, WalkForward, Windows
from tenor.units import Dates


def days(count: int, first: str = "2024-01-01") -> Dates:
    """``count`` consecutive calendar days; a split only counts."""
    return np.datetime64(first, "D") + np.arange(count)


def january(first: int, last: int) -> tuple[date, date]:
    return date(2024, 1, first), date(2024, 1, last)


def test_an_expanding_walk_against_a_table() -> None:
    split = WalkForward(train=10, validation=4, test=5, purge=1)
    assert split.split(days(26)) == (
        Fold(0, january(1, 10), january(12, 15), january(17, 21)),
        Fold(1, january(1, 15), january(17, 20), january(22, 26)),
    )


def test_a_rolling_walk_against_a_table() -> None:
    split = WalkForward(train=10, validation=4, test=5, purge=1, expanding=False)
    assert split.split(days(26)) == (
        Fold(0, january(1, 10), january(12, 15), january(17, 21)),
        Fold(1, january(6, 15), january(17, 20), january(22, 26)),
    )


def test_a_date_split_against_a_table() -> None:
    split = DateSplit(
        train_last=date(2024, 1, 10), validation_last=date(2024, 1, 15), test_last=date(2024, 1, 25), purge=2
    )
    assert split.split(days(31)) == (Fold(0, january(1, 10), january(13, 15), january(18, 25)),)


def test_a_date_split_counts_the_sessions_that_exist() -> None:
    """Ends on weekends fall back to the last session; purge counts sessions, not calendar days."""
    sessions = np.array(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11"])
    split = DateSplit(
        train_last=date(2024, 1, 7), validation_last=date(2024, 1, 9), test_last=date(2024, 12, 31), purge=1
    )
    (fold,) = split.split(sessions.astype("datetime64[D]"))
    assert fold == Fold(0, january(4, 5), january(9, 9), january(11, 11))


@pytest.mark.parametrize(
    ("count", "lengths"),
    [
        (16 + 2, None),
        (16 + 3, [3]),
        (16 + 5, [5]),
        (16 + 7, [5]),
        (16 + 8, [5, 3]),
        (16 + 10, [5, 5]),
    ],
)
def test_a_last_range_of_half_is_kept_and_of_less_is_not(count: int, lengths: list[int] | None) -> None:
    split = WalkForward(train=10, validation=4, test=5, purge=1)
    if lengths is None:
        with pytest.raises(SplitError, match=r"18 sessions are too few: train 10 .* purge 1 need 19;"):
            split.split(days(count))
    else:
        folds = split.split(days(count))
        assert [(fold.test[1] - fold.test[0]).days + 1 for fold in folds] == lengths


def test_the_last_folds_keep_their_numbers() -> None:
    every = WalkForward(train=10, validation=4, test=5, purge=1).split(days(40))
    last = WalkForward(train=10, validation=4, test=5, purge=1, folds=2).split(days(40))
    assert last == every[-2:]
    assert [fold.index for fold in last] == [3, 4]


def test_an_empty_range_is_named_with_what_the_data_hold() -> None:
    def split(train: int, validation: int, test: int, purge: int) -> DateSplit:
        last = [date(2024, 1, day) for day in (train, validation, test)]
        return DateSplit(train_last=last[0], validation_last=last[1], test_last=last[2], purge=purge)

    with pytest.raises(SplitError, match=r"validation range is empty.*the data hold 2024-01-01 to 2024-01-31"):
        split(10, 12, 20, 2).split(days(31))
    with pytest.raises(SplitError, match="test range is empty"):
        split(10, 15, 15, 0).split(days(31))
    with pytest.raises(SplitError, match="train range is empty"):
        split(10, 15, 20, 0).split(days(31, "2024-02-01"))
    with pytest.raises(SplitError, match="the data hold no session"):
        split(10, 15, 20, 0).split(days(0))


def places(fold: Fold, sessions: Dates) -> list[tuple[int, int]]:
    """First and last position of each range, in order of time."""
    return [
        (
            int(np.searchsorted(sessions, np.datetime64(first))),
            int(np.searchsorted(sessions, np.datetime64(last))),
        )
        for first, last in (fold.train, fold.validation, fold.test)
    ]


def check(folds: tuple[Fold, ...], sessions: Dates, purge: int) -> None:
    for fold in folds:
        (train_first, train), (validation_first, validation), (test_first, test) = places(fold, sessions)
        assert train_first <= train < validation_first <= validation < test_first <= test
        assert validation_first - train - 1 == purge
        assert test_first - validation - 1 == purge


@st.composite
def sessions_with_gaps(draw: st.DrawFn) -> Dates:
    steps = draw(st.lists(st.integers(1, 4), min_size=1, max_size=80))
    return np.datetime64("2020-01-01", "D") + np.cumsum(steps)


sizes = st.integers(1, 12)


@given(sessions_with_gaps(), sizes, sizes, sizes, st.integers(0, 3), st.booleans())
def test_ranges_of_a_walk_never_overlap_and_tests_join(
    sessions: Dates, train: int, validation: int, test: int, purge: int, expanding: bool
) -> None:
    split = WalkForward(train=train, validation=validation, test=test, purge=purge, expanding=expanding)
    least = train + validation + 2 * purge + (test + 1) // 2
    if len(sessions) < least:
        with pytest.raises(SplitError, match=f"{len(sessions)} sessions .* need {least};"):
            split.split(sessions)
        return
    folds = split.split(sessions)
    check(folds, sessions, purge)
    at = [places(fold, sessions) for fold in folds]
    for before, after in pairwise(at):
        assert after[2][0] == before[2][1] + 1
    assert len(sessions) - 1 - at[-1][2][1] < (test + 1) // 2
    for (first, last), (validation_first, validation_last), _ in at:
        assert validation_last - validation_first + 1 == validation
        assert last - first + 1 >= train if expanding else last - first + 1 == train
        assert not expanding or first == 0


@given(sessions_with_gaps(), st.integers(0, 3), st.data())
def test_ranges_of_a_date_split_never_overlap(sessions: Dates, purge: int, data: st.DataObject) -> None:
    first = sessions[0].item()
    last = [first + timedelta(days=n) for n in sorted(data.draw(st.tuples(*[st.integers(0, 250)] * 3)))]
    split = DateSplit(train_last=last[0], validation_last=last[1], test_last=last[2], purge=purge)
    counts = [int((sessions <= np.datetime64(day)).sum()) for day in last]
    if counts[1] - counts[0] <= purge or counts[2] - counts[1] <= purge:
        with pytest.raises(SplitError, match="range is empty"):
            split.split(sessions)
        return
    folds = split.split(sessions)
    check(folds, sessions, purge)
    assert [place for _, place in places(folds[0], sessions)] == [count - 1 for count in counts]


def windows() -> Windows:
    """Two products; rows 0-4 are of A, rows 5-8 of B; windows of two sessions."""
    return Windows(
        columns=("x", "y"),
        rows=np.arange(18.0).reshape(9, 2),
        row_product=np.array(["A"] * 5 + ["B"] * 4),
        ends=np.array([1, 6, 2, 7, 3]),
        length=2,
        session=days(3)[[0, 0, 1, 1, 2]],
        resolves=days(3)[[0, 0, 1, 1, 2]] + np.timedelta64(1, "D"),
        product=np.array(["A", "B", "A", "B", "A"]),
        pair=np.array(["A1-A2", "B1-B2", "A1-A2", "B1-B2", "A1-A2"]),
        change=np.array([0.1, -0.1, 0.0, np.nan, np.nan]),
        label=np.array([1, 0, -1, -1, 1]),
    )


def test_windows_are_row_numbers_into_one_table() -> None:
    held = windows()
    np.testing.assert_array_equal(held.steps, [[0, 1], [5, 6], [1, 2], [6, 7], [2, 3]])
    np.testing.assert_array_equal(held.last("y"), [3, 13, 5, 15, 7])
    np.testing.assert_array_equal(held.decided, [True, True, False, False, False])
    with pytest.raises(SplitError, match=r"no factor column 'z'; this study computes \['x', 'y'\]"):
        held.last("z")


def test_taking_windows_shares_the_rows() -> None:
    held = windows()
    some = held.take(held.product == "B")
    assert some.rows is held.rows
    np.testing.assert_array_equal(some.ends, [6, 7])
    np.testing.assert_array_equal(some.pair, ["B1-B2", "B1-B2"])
    np.testing.assert_array_equal(held.take(np.array([4, 0])).session, days(3)[[2, 0]])


def test_a_fold_takes_both_ends_of_a_range_and_every_product() -> None:
    fold = Fold(0, january(1, 1), january(2, 2), january(2, 3))
    assert [len(fold.part(windows(), part)) for part in ("train", "validation", "test")] == [2, 2, 3]


def test_a_label_that_resolves_inside_the_next_range_is_not_learnt_from() -> None:
    sessions = np.datetime64("2024-01-01") + np.arange(12)
    count = 9
    ends = np.arange(count)
    resolves = sessions[ends + 1].copy()
    resolves[3] = sessions[7]  # not quoted for three sessions: its outcome is known inside validation
    windows = Windows(
        columns=("a",),
        rows=np.zeros((count, 1)),
        row_product=np.full(count, "T"),
        ends=ends,
        length=1,
        session=sessions[:count],
        product=np.full(count, "T"),
        pair=np.full(count, "T2403-T2406"),
        resolves=resolves,
        change=np.ones(count),
        label=np.ones(count, dtype=np.int64),
    )
    first, last = (sessions.astype(object)[at] for at in (0, 3))
    fold = Fold(
        0,
        (first, last),
        (sessions.astype(object)[6], sessions.astype(object)[7]),
        (sessions.astype(object)[8], sessions.astype(object)[8]),
    )
    assert fold.learnable(windows, "train").session.tolist() == sessions[:3].tolist()
    # the outcome of the last validation session is known in the first test session: purge must cover it
    assert fold.learnable(windows, "validation").session.tolist() == [sessions[6].item()]
    assert len(fold.part(windows, "train")) == 4


def test_outcome_dates_put_a_decision_into_the_range_of_its_outcome() -> None:
    """Outcomes 5 to 10 January train: decisions 4 to 9. The decision of the 10th belongs to validation."""
    split = OutcomeDates(*(date(2024, 1, day) for day in (5, 10, 15, 20)))
    assert split.split(days(20)) == (Fold(0, january(4, 9), january(10, 14), january(15, 19), touching=True),)


def test_a_test_range_that_the_data_do_not_reach_yet_stays_in_the_fold() -> None:
    split = OutcomeDates(*(date(2024, 1, day) for day in (5, 10, 15, 20)))
    (fold,) = split.split(days(15))
    assert (fold.train, fold.validation) == (january(4, 9), january(10, 14))
    assert fold.test == january(15, 19)


def test_the_last_label_before_a_touching_range_is_learnt_from() -> None:
    sessions = days(16)
    count = 15
    windows = Windows(
        columns=("a",),
        rows=np.zeros((count, 1)),
        row_product=np.full(count, "A"),
        ends=np.arange(count),
        length=1,
        session=sessions[:count],
        product=np.full(count, "A"),
        pair=np.full(count, "A"),
        resolves=sessions[1 : count + 1],
        change=np.ones(count),
        label=np.ones(count, dtype=np.int64),
    )
    (fold,) = OutcomeDates(*(date(2024, 1, day) for day in (5, 10, 15, 20))).split(sessions)
    assert fold.learnable(windows, "train").session.tolist() == sessions[3:9].tolist()
    assert fold.learnable(windows, "validation").session.tolist() == sessions[9:14].tolist()


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ((5, 10, 9, 20), "must ascend"),
        ((5, 10, 15, 15), "must ascend"),
        ((22, 23, 24, 25), "the train range is empty.*the data hold 2024-01-01 to 2024-01-20"),
        ((5, 20, 21, 22), "the validation range is empty"),
    ],
)
def test_outcome_dates_that_cannot_be_are_refused(dates: tuple[int, ...], said: str) -> None:
    with pytest.raises(SplitError, match=said):
        OutcomeDates(*(date(2024, 1, day) for day in dates)).split(days(20))
