"""Rankings, quantiles and correlation coefficients of stocks: against scipy, scikit-learn and tables by hand."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import matthews_corrcoef, mean_pinball_loss

from tenor.factor.window import Windows
from tenor.model.forecast import Forecast
from tenor.trust import significance
from tenor.trust.cross_section import LEAST, correlation, cross_section
from tenor.trust.quantiles import quantile_scores
from tenor.trust.stocks import _groups, _matthews, _mcc, _unranked
from tenor.units import Floats

RNG = np.random.default_rng(9)
SESSIONS, NAMES = 30, 8
DAYS = np.datetime64("2024-01-01", "D") + np.arange(SESSIONS)


def windows(change: Floats) -> Windows:
    """One window for each session and name, sorted by session."""
    count = change.size
    codes = np.tile([f"N{at}" for at in range(NAMES)], SESSIONS)[:count]
    session = np.repeat(DAYS, NAMES)[:count]
    moves = change.ravel()
    return Windows(
        columns=("a",),
        rows=np.zeros((count, 1)),
        row_product=codes,
        ends=np.arange(count),
        length=1,
        session=session,
        product=codes,
        pair=codes,
        resolves=session + np.timedelta64(1, "D"),
        change=moves,
        label=(moves > 0).astype(np.int64),
        horizons=(1, 5),
        ahead=np.column_stack([moves, 2.0 * moves]),
    )


TEST = windows(RNG.standard_normal((SESSIONS, NAMES)))
DRAWS = significance.resample(SESSIONS, replications=400, seed=1, block=2.0)


def test_information_coefficients_are_those_of_scipy_by_session() -> None:
    said = TEST.change + RNG.standard_normal(len(TEST))
    at = np.repeat(np.arange(SESSIONS), NAMES)
    for ranked, theirs in ((False, pearsonr), (True, spearmanr)):
        found = correlation(said, TEST.change, at, SESSIONS, ranked=ranked)
        expected = [theirs(said[at == day], TEST.change[at == day]).statistic for day in range(SESSIONS)]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_days_with_few_names_or_one_opinion_say_nothing() -> None:
    at = np.repeat([0, 1], [LEAST - 1, LEAST])
    said = np.concatenate([np.arange(LEAST - 1.0), np.ones(LEAST)])
    assert np.isnan(correlation(said, np.arange(len(at), dtype=float), at, 2, ranked=True)).all()


def test_a_ranking_is_scored_over_seeds_and_sessions() -> None:
    up = 0.5 + 0.01 * np.stack([TEST.change, TEST.change + 3.0 * RNG.standard_normal(len(TEST))])
    found = cross_section("seer", up, TEST, DAYS, DRAWS, level=0.95)
    assert found is not None
    assert found.sessions == SESSIONS
    by_seed = []
    for row in up:
        days = [spearmanr(row[TEST.session == day], TEST.change[TEST.session == day]).statistic for day in DAYS]
        by_seed.append((np.mean(days), np.mean(days) / np.std(days, ddof=1) if np.std(days) > 1e-12 else np.nan))
    mean = found.scores["rank_ic"]
    assert mean.mean == pytest.approx(np.mean([each[0] for each in by_seed]))
    assert mean.sd == pytest.approx(np.std([each[0] for each in by_seed], ddof=1))
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < mean.mean < mean.high
    assert cross_section("flat", np.full((1, len(TEST)), 0.5), TEST, DAYS, DRAWS, level=0.95) is None


def test_a_seed_that_never_tells_names_apart_is_left_out_and_counted() -> None:
    noisy = TEST.change + np.random.default_rng(4).standard_normal(len(TEST))
    up = 0.5 + 0.01 * np.stack([noisy, np.zeros(len(TEST))])
    alone, beside = (cross_section("seer", rows, TEST, DAYS, DRAWS, level=0.95) for rows in (up[:1], up))
    assert alone is not None
    assert beside is not None
    assert (beside.seeds, beside.sessions) == (1, SESSIONS)
    assert beside.scores == alone.scores
    spoken = {"seer": up, "flat": up[1:]}
    assert _unranked({"seer": beside, "flat": None}, spoken) == [
        "flat: no session on which names are told apart, so no ranking is scored",
        "seer: 1 of 2 seeds never tell names apart; the ranking is scored without them",
    ]
    assert _unranked({"flat": None}, spoken) == []


@pytest.mark.parametrize("bias", [0.0, 0.8, 9.0])
def test_matthews_is_that_of_scikit_learn(bias: float) -> None:
    called = RNG.standard_normal(500) + bias > 0
    rose = RNG.standard_normal(500) > 0
    table = np.array([[(called & rose).sum(), (~called & ~rose).sum(), (called & ~rose).sum(), (~called & rose).sum()]])
    assert _matthews(table)[0] == pytest.approx(matthews_corrcoef(rose, called))


def test_its_interval_holds_it() -> None:
    up = 0.5 + 0.1 * np.stack([TEST.change + RNG.standard_normal(len(TEST)) for _ in range(3)])
    score = _mcc(up, TEST, DAYS, DRAWS, 0.95)
    each = [matthews_corrcoef(TEST.label, row > 0.5) for row in up]
    assert score.mean == pytest.approx(np.mean(each))
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.mean < score.high


def said_quantiles(model: str, width: float, seeds: int = 1) -> Forecast:
    levels = (0.05, 0.5, 0.95)
    size = np.array([1.0, 2.0])[None, None, :, None]
    values = np.array([-width, 0.0, width])[None, None, None, :] * size * np.ones((seeds, len(TEST), 1, 1))
    up = np.full((seeds, len(TEST)), 0.5)
    return Forecast(model, tuple(range(seeds)), up, up, up, (), levels, (1, 5), values.astype(np.float32))


def test_quantiles_are_scored_by_horizon_beside_the_random_walk() -> None:
    forecasts = [said_quantiles("random_walk", 1.0), said_quantiles("lstm", 1.645, seeds=2)]
    terms = {"replications": 200, "seed": 1, "block": 1.0, "level": 0.95}
    found = {(one.model, one.horizon): one for one in quantile_scores(forecasts, TEST, DAYS, **terms)}
    assert set(found) == {("random_walk", 1), ("random_walk", 5), ("lstm", 1), ("lstm", 5)}
    moves = TEST.ahead[:, 0]
    loss = {
        width: np.mean(
            [
                mean_pinball_loss(moves, np.full(len(moves), q), alpha=a)
                for q, a in ((-width, 0.05), (0.0, 0.5), (width, 0.95))
            ]
        )
        for width in (1.0, 1.645)
    }
    lstm = found["lstm", 1]
    assert lstm.pinball.mean == pytest.approx(100 * loss[1.645], rel=1e-5)
    assert lstm.skill is not None
    assert lstm.skill.mean == pytest.approx(1 - loss[1.645] / loss[1.0], rel=1e-4)
    assert found["random_walk", 1].skill is None
    inside = np.mean(np.abs(moves) <= np.float32(1.645))
    assert lstm.cover["0.9"].mean == pytest.approx(inside)
    low, high = lstm.cover["0.9"].low, lstm.cover["0.9"].high
    assert low is not None
    assert high is not None
    assert low < inside < high
    assert lstm.error_skill is not None
    assert lstm.error_skill.mean == pytest.approx(0.0)
    assert lstm.width["0.9"].mean == pytest.approx(329.0, rel=1e-5)
    backwards = {(one.model, one.horizon): one for one in quantile_scores(forecasts[::-1], TEST, DAYS, **terms)}
    assert backwards == found  # whatever the order of the study, the skill is against the random walk
    # both the move and what is said of it are twice as large over the longer horizon
    assert found["lstm", 5].cover["0.9"].mean == pytest.approx(inside)


def test_fifths_of_a_seers_ranking_ascend() -> None:
    means = _groups(0.5 + 0.01 * TEST.change[None], TEST)
    assert means is not None
    assert (np.diff(means) > 0).all()
    assert _groups(np.full((1, 3), 0.5), TEST.take(np.arange(3))) is None
