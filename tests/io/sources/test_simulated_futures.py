"""That the next change of a front spread holds what was planted, and nothing else."""

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tenor.io.sources.simulated import Simulated, planted
from tenor.io.sources.simulated_futures import CUT, FUNDING_CHANGE, SIZES, change, score
from tenor.market.contract import front_pairs, product

SEEDS = range(20)


def rows_of(market, code):
    """What somebody knows at each close of a front pair, and the next change: columns as arrays."""
    quotes = market.quotes.filter(pl.col("code").str.replace(r"\d{4}$", "") == code)
    wide = {
        name: quotes.pivot("code", index="date", values=name).sort("date")
        for name in ("close", "settle", "open", "open_interest")
    }
    dates = wide["close"]["date"]
    sessions = dates.to_numpy().astype("datetime64[D]")

    def series(frame, lag):
        joined = dates.to_frame().join(frame, on="date", how="left")["rate"].to_numpy()
        return np.concatenate([np.full(lag, np.nan), joined[: len(joined) - lag]])

    # The curve is published after the close, so the last one known is that of the session before.
    slope = series(market.tenor("CGB", 10), 1) - series(market.tenor("CGB", 2), 1)
    week, night = series(market.rate("REPO.1W"), 0), series(market.rate("REPO.ON"), 0)
    parts = []
    for span in front_pairs(product(code), dates[0], dates[-1]):
        legs = span.spread.near.code, span.spread.far.code
        near, far = ({name: frame[leg].to_numpy() for name, frame in wide.items()} for leg in legs)
        value = near["close"] - far["close"]
        inside = (sessions >= np.datetime64(span.first)) & (sessions < np.datetime64(span.flat_by))
        at = np.flatnonzero(inside[:-1])
        scale = SIZES[code].spread
        columns = {
            "drift": np.ones(len(value)),
            "last change": change(value, 1) / scale,
            "three-day change": change(value, 3) / scale,
            "ten-day change": change(value, 10) / scale,
            "level": (value - value[at[0]]) / scale,
            "funding change": change(week, 3) / FUNDING_CHANGE,
            "night over week": (night - week) / FUNDING_CHANGE,
            "slope": (slope - 0.007) / 0.005,
            "days to go": (np.datetime64(span.flat_by) - sessions).astype(float) / 45.0 - 1.0,
            "outright change": change(far["close"], 1) / SIZES[code].outright,
            "settlement off close": (near["settle"] - far["settle"] - value) / scale,
            "close off open": (value - near["open"] + far["open"]) / scale,
            "open interest": np.log(near["open_interest"] + 1) - np.log(far["open_interest"] + 1),
        }
        following = np.append(change(value, 1)[1:], np.nan) / scale
        parts.append(np.column_stack([*(column[at] for column in columns.values()), following[at]]))
    table = np.concatenate(parts)
    return list(columns), table[np.isfinite(table).all(axis=1)]


def martingale_statistic(known, following):
    """Sum of x(t) dS(t+1) over its own deviation."""
    moved = known * following
    return moved.sum() / math.sqrt((moved**2).sum())


@pytest.fixture(scope="module")
def quiet():
    """Rows of every product over many seeds, without a signal."""
    found = {code: [] for code in SIZES}
    for seed in SEEDS:
        market = Simulated(tuple(SIZES), seed=seed).read()
        for code in SIZES:
            names, table = rows_of(market, code)
            found[code].append(table)
    return names, found


@pytest.mark.slow
def test_without_a_signal_nothing_known_moves_with_the_next_change(quiet):
    """The statistic is standard normal if dS is a martingale difference.

    4 products, 13 regressors: Bonferroni at 1 in 1,000 overall.
    """
    names, found = quiet
    limit = stats.norm.ppf(1 - 0.001 / (2 * len(names) * len(found)))
    statistics = []
    for code, tables in found.items():
        table = np.concatenate(tables)
        assert len(table) > 10_000
        following = table[:, -1]
        for k, name in enumerate(names):
            t = martingale_statistic(table[:, k], following)
            statistics.append(t)
            assert abs(t) < limit, (code, name, t)
    # and together they are no wider than normal ones, which these correlated regressors can be at most
    assert np.mean(np.square(statistics)) < 2.0


def test_the_same_statistic_sees_a_small_signal():
    tables = [rows_of(Simulated(("T",), seed=seed, signal=0.1).read(), "T") for seed in range(4)]
    names, table = tables[0][0], np.concatenate([each for _, each in tables])
    known = {name: martingale_statistic(table[:, k], table[:, -1]) for k, name in enumerate(names)}
    assert known["three-day change"] < -5.0
    assert known["funding change"] > 3.0


@pytest.mark.slow
def test_without_a_signal_momentum_and_reversal_are_right_half_of_the_time(quiet):
    names, found = quiet
    for code, tables in found.items():
        table = np.concatenate(tables)
        for name in ("last change", "three-day change", "funding change"):
            known, following = table[:, names.index(name)], table[:, -1]
            said = (known != 0) & (following != 0)
            hits = np.mean(np.sign(known[said]) == np.sign(following[said]))
            assert abs(hits - 0.5) < 3.5 * 0.5 / math.sqrt(said.sum()), (code, name, hits)


@pytest.mark.slow
def test_without_a_signal_least_squares_on_everything_learns_nothing(quiet):
    _, found = quiet
    for code, tables in found.items():
        train, test = np.concatenate(tables[::2]), np.concatenate(tables[1::2])
        weights, *_ = np.linalg.lstsq(train[:, :-1], train[:, -1], rcond=None)
        forecast = test[:, :-1] @ weights
        said = test[:, -1] != 0
        hits = np.mean(np.sign(forecast[said]) == np.sign(test[said, -1]))
        assert abs(hits - 0.5) < 3.5 * 0.5 / math.sqrt(said.sum()), (code, hits)


@pytest.mark.slow
def test_sizes_are_those_that_are_documented(quiet):
    _, found = quiet
    for code, tables in found.items():
        following = np.concatenate(tables)[:, -1]  # in units of SIZES.spread
        assert following.std() == pytest.approx(1.0, abs=0.05)
        assert SIZES[code].pair / SIZES[code].spread > 0.85
    t = np.abs(np.concatenate(found["T"])[:, -1]) * SIZES["T"].spread
    assert np.median(t) == pytest.approx(0.025, abs=0.0025)  # half a tick either way


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "code", "variance"), [(0.2, "T", 0.97), (0.2, "TS", 0.97), (0.5, "TF", 0.88)])
def test_with_a_signal_what_was_planted_is_found(signal, code, variance):
    tables, scores, following = [], [], []
    for seed in SEEDS[:10]:
        market = Simulated((code,), seed=seed, signal=signal).read()
        names, table = rows_of(market, code)
        tables.append(table)
        rows = planted(market, code, signal).drop_nulls()
        scores.append(rows["score"].to_numpy())
        following.append(rows["next_change"].to_numpy())
    z, d = np.concatenate(scores), np.concatenate(following)
    assert z.var() == pytest.approx(variance, abs=0.04)
    # The correlation is rho times the share of the pair component in the spread.
    expected = signal * z.std() * SIZES[code].pair / d.std()
    assert np.corrcoef(z, d)[0, 1] == pytest.approx(expected, abs=4.0 / math.sqrt(len(z)))
    moved = d != 0
    best = 0.5 + math.asin(expected) / math.pi
    error = 0.5 / math.sqrt(moved.sum())
    assert np.mean(np.sign(z[moved]) == np.sign(d[moved])) == pytest.approx(best, abs=3.5 * error + 0.004)

    # Least squares on what is known, fitted on half the seeds, gets there without being told the score.
    train, test = np.concatenate(tables[::2]), np.concatenate(tables[1::2])
    used = [names.index("three-day change"), names.index("funding change")]
    weights, *_ = np.linalg.lstsq(train[:, used], train[:, -1], rcond=None)
    said = test[:, -1] != 0
    hits = np.mean(np.sign(test[said][:, used] @ weights) == np.sign(test[said, -1]))
    assert hits == pytest.approx(best, abs=3.5 * 0.5 / math.sqrt(said.sum()) + 0.004)
    assert weights[0] < 0 < weights[1]


def test_the_score_of_given_changes():
    sizes = SIZES["T"]
    width = sizes.spread * math.sqrt(3.0)
    assert score(width, 0.0, sizes, 0.0) == pytest.approx(-0.8)
    assert score(0.0, FUNDING_CHANGE, sizes, 0.0) == pytest.approx(0.6)
    assert score(100.0, -1.0, sizes, 0.0) == pytest.approx(-1.4 * CUT)
    assert np.isnan(score(np.nan, 0.0, sizes, 0.0))
    # With a signal the spread reverts, so the same change is further out.
    assert score(width, 0.0, sizes, 0.5) < -0.8


def test_the_width_of_the_score_is_that_of_the_autoregression():
    """d(t) = -(a/s)(d(t-1) + d(t-2) + d(t-3)) + noise, of variance 1: its three-sum has deviation s."""
    for a in (0.1, 0.4, 0.8):
        s = math.sqrt(a * a + 3.0) - a
        noise = np.random.default_rng(7).standard_normal(300_000) * math.sqrt(1.0 - a * a)
        path = [0.0, 0.0, 0.0]
        for shock in noise.tolist():
            path.append(-(a / s) * (path[-1] + path[-2] + path[-3]) + shock)
        d = np.array(path)
        assert d.std() == pytest.approx(1.0, abs=0.01)
        assert (d[2:] + d[1:-1] + d[:-2]).std() == pytest.approx(s, rel=0.01)


def test_a_change_has_no_value_where_there_is_no_past():
    assert np.isnan(change(np.array([1.0, 2.0, 4.0]), 2)).tolist() == [True, True, False]
    assert change(np.array([1.0, 2.0, 4.0]), 2)[2] == 3.0
