"""Instruments compared on one session: against scipy, tables by hand, and with what is not counted."""

import runpy
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation, rankdata, zscore

from tenor.errors import StudyError
from tenor.factor.compute_universe import WIDE, compute_universe
from tenor.factor.cross_section import (
    CrossRank,
    CrossZScore,
    MarketContext,
    SectorContext,
    group_mean,
    group_median,
    group_rank,
)
from tenor.factor.technical import Return
from tenor.factor.universe import build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.market import Market

stocks: Callable[..., Market] = runpy.run_path(str(Path(__file__).with_name("stock_market.py")))["stocks"]
DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 1, 31)).tolist()
NAN = float("nan")


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([-1.0, 0.0, 0.5, 2.0, NAN]), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_ranks_are_those_of_scipy_among_the_counted(rows: list[tuple[int, float, bool]]) -> None:
    group, values, counted = (np.array(column) for column in zip(*rows, strict=True))
    found = group_rank(values, group, counted)
    for number in np.unique(group):
        mine = (group == number) & counted & np.isfinite(values)
        np.testing.assert_allclose(found[mine], (rankdata(values[mine]) - 0.5) / max(mine.sum(), 1) - 0.5)
        beside = (group == number) & ~counted & np.isfinite(values)
        for at in np.flatnonzero(beside):
            below, equal = (values[mine] < values[at]).sum(), (values[mine] == values[at]).sum()
            expected = (below + equal / 2) / mine.sum() - 0.5 if mine.any() else NAN
            np.testing.assert_allclose(found[at], expected)
    assert np.isnan(found[~np.isfinite(values)]).all()


def test_means_leave_out_what_is_unknown_or_not_counted() -> None:
    values = np.array([1.0, 3.0, NAN, 10.0, 5.0])
    group, counted = np.array([0, 0, 0, 1, 1]), np.array([True, True, True, False, False])
    np.testing.assert_array_equal(group_mean(values, group, counted), [2.0, 2.0, 2.0, NAN, NAN])


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([-1.0, 0.0, 0.5, 2.0, NAN]), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_medians_are_those_of_the_counted(rows: list[tuple[int, float, bool]]) -> None:
    group, values, counted = (np.array(column) for column in zip(*rows, strict=True))
    found = group_median(values, group, counted)
    for number in np.unique(group):
        mine = values[(group == number) & counted & np.isfinite(values)]
        np.testing.assert_array_equal(found[group == number], np.median(mine) if len(mine) else NAN)


@pytest.mark.parametrize("robust", [False, True])
def test_standing_is_that_of_scipy_and_needs_members_that_differ(robust: bool) -> None:
    rng = np.random.default_rng(4)
    values = rng.standard_t(3, (60, 2))
    session, counted = np.repeat([0, 1, 2], 20), rng.random(60) < 0.8
    values[40:] = 0.1  # nobody differs in the last session
    values[7, 1] = NAN
    found = CrossZScore(of=("one", "two"), robust=robust).compare(values, session, np.full(60, -1), counted)
    for number, column in ((0, 0), (1, 0), (0, 1), (1, 1)):
        mine = (session == number) & counted & np.isfinite(values[:, column])
        if robust:
            away = values[mine, column] - np.median(values[mine, column])
            expected = away / (1.4826 * median_abs_deviation(values[mine, column]))
        else:
            expected = zscore(values[mine, column])
        np.testing.assert_allclose(found[mine, column], expected, rtol=1e-9)
    assert np.isfinite(found[:40][np.isfinite(values[:40])]).all()  # who is no member is placed among them too
    assert np.isnan(found[40:]).all()
    assert np.isnan(found[7, 1])


def test_standing_does_not_depend_on_the_unit() -> None:
    rng = np.random.default_rng(5)
    values, session, none = rng.normal(1.0, 2.0, (40, 1)), np.repeat([0, 1], 20), np.full(40, -1)
    for factor in (CrossRank(of=("one",)), CrossZScore(of=("one",)), CrossZScore(of=("one",), robust=True)):
        found = factor.compare(values, session, none, np.full(40, True))
        np.testing.assert_allclose(factor.compare(1e-6 * values, session, none, np.full(40, True)), found, rtol=1e-9)


def market() -> Market:
    first = {"AAA": (100.0, 110.0), "BBB": (100.0, 90.0), "CCC": (100.0, 102.0), "DDD": (100.0, 150.0)}
    closes = {name: dict(zip(DAYS[:2], pair, strict=True)) for name, pair in first.items()}
    members = [("IDX", name, DAYS[0], True) for name in ("AAA", "BBB", "CCC")]
    return stocks(closes, members=members, sectors={"AAA": "Energy", "BBB": "Energy", "CCC": "Utilities"})


def test_context_and_ranks_by_hand() -> None:
    """Members moved +10, -10 and +2 per cent; the fourth is no member and only looks on."""
    universe = build_universe(market(), ("AAA", "BBB", "CCC", "DDD"), members="IDX")
    factors = [Return(days=(1,)), CrossRank(), MarketContext(), SectorContext()]
    columns, rows = compute_universe(factors, universe)
    assert columns == (
        *("return_1", "rank_return_1", "market_return_1", "market_return_1_sd", "market_return_1_up"),
        *("sector_return_1", "beyond_sector_return_1"),
    )
    assert np.isnan(rows[0::2]).all()  # nobody has a return on the first session
    today = rows[1::2]
    np.testing.assert_allclose(today[:, 0], [0.1, -0.1, 0.02, 0.5])
    np.testing.assert_allclose(today[:, 1], [1 / 3, -1 / 3, 0.0, 0.5], atol=1e-12)
    spread = np.std([0.1, -0.1, 0.02])
    np.testing.assert_allclose(today[:, 2:5], [[0.02 / 3, spread, 2 / 3]] * 4)
    np.testing.assert_allclose(today[:, 5], [0.0, 0.0, 0.02, NAN], atol=1e-12)
    np.testing.assert_allclose(today[:, 6], [0.1, -0.1, 0.0, NAN], atol=1e-12)


def test_a_column_must_stand_before_what_reads_it() -> None:
    universe = build_universe(market(), ("AAA", "BBB"))
    with pytest.raises(
        StudyError, match="'return_5' is read, which no factor before it gives; did you mean 'return_1'"
    ):
        compute_universe([Return(days=(1,)), MarketContext(of=("return_5",))], universe)
    with pytest.raises(StudyError, match="none is of an instrument by itself"):
        compute_universe([MarketContext()], universe)


def test_a_wide_set_is_kept_in_single_precision() -> None:
    universe = build_universe(market(), ("AAA", "BBB"))
    narrow, wide = (Return(days=tuple(range(1, count + 1))) for count in (WIDE, WIDE + 1))
    assert compute_universe([narrow], universe)[1].dtype == np.float64
    assert compute_universe([wide], universe)[1].dtype == np.float32
