"""Evaluation against a study worked out by hand, and what happens where forecasts are missing."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tenor.decide.costs import Costs
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.decide.position import Probability, Sign
from tenor.errors import FitError, MarketError
from tenor.factor.window import Fold, Windows
from tenor.model.forecast import Failure, Forecast
from tenor.trust.comparison import findings
from tenor.trust.evaluate import evaluate
from tenor.trust.evaluation import ALL, Comparison, Direction, Earned, Evaluation, Terms
from tenor.trust.walk_forward import WalkForwardRun
from tenor.units import Floats

NAN = np.nan
DAYS = np.datetime64("2024-01-01") + np.arange(12)
SPREAD = np.array([0.50, 0.52, 0.51, 0.51, 0.55, 0.53, 0.54, 0.50, 0.52, 0.53, 0.51, 0.52])
CHANGE = np.array([0.02, -0.01, 0.0, 0.04, -0.02, 0.01, -0.04, 0.02, 0.01, -0.02, 0.01])
LABEL = np.array([1, -1, -1, 1, 0, -1, 0, 1, -1, 0, -1])  # changes below 0.015 are neutral
FIRST_SEED = [0.6, 0.6, 0.4, 0.7, 0.3, 0.5, 0.4, 0.4, 0.6, 0.4, 0.6]
SECOND_SEED = [0.4, 0.4, 0.6, 0.7, 0.3, 0.6, 0.4, 0.6, 0.4, 0.6, 0.4]
ALWAYS_UP = [0.55] * 11
FOLDS = tuple(
    Fold(index, *[(date(2024, 1, 1), date(2024, 1, 2))] * 3)
    for index in range(2)  # only their number counts
)
TERMS = Terms(
    positions=(Sign(),),
    fills=("same_close",),
    costs=Costs(slippage_ticks=0.5, fee=3.0),
    limits=Limits(max_pairs=1.0, lots="fractional"),
    sessions_per_year=243,
    level=0.95,
    replications=400,
    seed=5,
)
PER_PAIR = 2 * (3 + 0.5 * 0.005 * 10_000)  # 56 yuan
MARGIN = 100 * 10_000 * 0.02  # 20,000 yuan, whatever the spread: the dearer leg stands at 100


def evaluated(run: WalkForwardRun, held: list[Legs], terms: Terms) -> Evaluation:
    """Evaluate on a calendar of the sessions that the legs have."""
    return evaluate(run, held, terms, np.unique(np.concatenate([part.sessions for part in held])))


def legs(product: str = "T", first: int = 0) -> Legs:
    days = DAYS[first:]
    return Legs(
        product=product,
        sessions=days,
        pair=np.full(len(days), f"{product}2403-{product}2406"),
        near_close=np.full(len(days), 100.0),
        far_close=100.0 - SPREAD[first:],
        near_open=np.full(len(days), NAN),
        far_open=np.full(len(days), NAN),
        flat_by=np.full(len(days), DAYS[-1]),
        tick=0.005,
        multiplier=10_000.0,
        margin_rate=0.02,
        fee=3.0,
    )


def forecast(name: str, *up: list[float]) -> Forecast:
    said = np.array(up)
    return Forecast(name, tuple(range(len(up))), said, said, np.where(np.isfinite(said), 0.1, NAN))


def said(*forecasts: Forecast, products: tuple[str, ...] = ("T",), late: int = 0) -> WalkForwardRun:
    """A run over the first eleven sessions of each product; the second product joins on ``late``."""
    at = np.array([(day, n) for day in range(11) for n in range(len(products)) if not n or day >= late])
    code = np.array(products)[at[:, 1]]
    count = len(at)
    test = Windows(
        columns=("x",),
        rows=np.zeros((count, 1)),
        row_product=code,
        ends=np.arange(count),
        length=1,
        session=DAYS[at[:, 0]],
        resolves=DAYS[at[:, 0]] + np.timedelta64(1, "D"),
        product=code,
        pair=code,
        change=CHANGE[at[:, 0]],
        label=LABEL[at[:, 0]],
    )
    return WalkForwardRun(FOLDS, test, (at[:, 0] > 5).astype(np.int64), np.full(count, 0.02), forecasts)


def direction(found: Evaluation, model: str, scope: str = ALL) -> Direction:
    (one,) = [each for each in found.directions if (each.model, each.scope) == (model, scope)]
    return one


def earned(found: Evaluation, model: str, scope: str = ALL) -> Earned:
    (one,) = [each for each in found.earned if (each.model, each.scope) == (model, scope)]
    return one


def compared(found: Evaluation, first: str, second: str, measure: str) -> Comparison:
    asked = (first, second, measure)
    (one,) = [each for each in found.comparisons if (each.first, each.second, each.measure) == asked]
    return one


def sharpe(money: list[float] | Floats) -> float:
    daily = np.array(money) / MARGIN
    return float(daily.mean() / daily.std(ddof=1) * np.sqrt(243))


LSTM = forecast("lstm", FIRST_SEED, SECOND_SEED)
MAJORITY = forecast("majority", ALWAYS_UP)

# the first seed holds 1, 1, -1, 1, -1, 0, -1, -1, 1, -1, 1 and must be flat on the twelfth session
GROSS = [0, 200, -100, 0, 400, 200, 0, 400, -200, 100, 200, 100]
TRADED = [1, 0, 2, 2, 2, 1, 1, 0, 2, 2, 2, 1]
# the second seed holds -1, -1, 1, 1, -1, 1, -1, 1, -1, 1, -1
SECOND_GROSS = [0, -200, 100, 0, 400, 200, 100, 400, 200, -100, -200, -100]
SECOND_TRADED = [1, 0, 2, 0, 2, 2, 2, 2, 2, 2, 2, 1]
UP_GROSS = [0, *(10_000 * CHANGE)]
UP_TRADED = [1, *[0] * 10, 1]


def net(gross: list[float], traded: list[int]) -> Floats:
    return np.array(gross) - PER_PAIR * np.array(traded)


@pytest.fixture(scope="module")
def small() -> Evaluation:
    return evaluated(said(MAJORITY, LSTM), [legs()], TERMS)


def test_accuracy_by_hand(small: Evaluation) -> None:
    """Six days are outside the band; the first seed is right on five of them and the second on four."""
    lstm = direction(small, "lstm")
    assert (lstm.n, lstm.n_neutral, lstm.n_zero) == (6, 4, 1)
    assert lstm.scores["accuracy"].mean == pytest.approx((5 / 6 + 4 / 6) / 2)
    assert lstm.scores["accuracy"].sd == pytest.approx(np.std([5 / 6, 4 / 6], ddof=1))
    assert lstm.binomial_p == pytest.approx(22 / 64)  # at least 4 of 6: the half call is rounded down
    majority = direction(small, "majority")
    assert majority.scores["accuracy"].mean == 0.5
    assert majority.scores["accuracy"].sd is None
    assert majority.seeds == 1


def test_neutral_days_are_scored_beside_them(small: Evaluation) -> None:
    """Of four small moves the first seed calls two, misses one and halves one; the second calls two."""
    assert direction(small, "lstm").scores["accuracy_all"].mean == pytest.approx((7.5 / 10 + 6 / 10) / 2)


def test_an_interval_holds_its_estimate(small: Evaluation) -> None:
    for score in (direction(small, "lstm").scores["accuracy"], earned(small, "lstm").scores["sharpe"]):
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.mean < score.high


def test_money_by_hand(small: Evaluation) -> None:
    scores = earned(small, "lstm").scores
    nets = [net(GROSS, TRADED), net(SECOND_GROSS, SECOND_TRADED)]
    assert [part.sum() for part in nets] == [1300 - 16 * 56, 800 - 18 * 56]
    assert scores["total_gross"].mean == pytest.approx((1300 + 800) / 2)
    assert scores["total"].mean == pytest.approx((404 - 208) / 2)
    assert scores["sharpe_gross"].mean == pytest.approx((sharpe(GROSS) + sharpe(SECOND_GROSS)) / 2)
    assert scores["sharpe"].mean == pytest.approx((sharpe(nets[0]) + sharpe(nets[1])) / 2)
    assert scores["sharpe"].sd == pytest.approx(np.std([sharpe(part) for part in nets], ddof=1))
    assert scores["annual_return"].mean == pytest.approx((404 - 208) / 2 / MARGIN / 12 * 243)
    assert scores["turnover"].mean == pytest.approx(2 * (16 + 18) / 2 / 4 / 12 * 243)
    assert scores["break_even_cost"].mean == pytest.approx((1300 / 32 + 800 / 36) / 2)
    assert earned(small, "lstm").no_forecast == 0
    assert earned(small, "majority").scores["total"].mean == pytest.approx(sum(UP_GROSS) - 2 * 56)


def test_the_equity_is_the_running_sum_of_daily_returns(small: Evaluation) -> None:
    (mine,) = [each for each in small.equities if each.model == "lstm"]
    np.testing.assert_allclose(mine.net[0], np.cumsum(net(GROSS, TRADED)) / MARGIN, atol=1e-12)
    np.testing.assert_allclose(mine.gross, np.cumsum(np.add(GROSS, SECOND_GROSS) / 2) / MARGIN, atol=1e-12)


def test_comparisons_by_hand(small: Evaluation) -> None:
    accuracy = compared(small, "lstm", "majority", "accuracy")
    assert accuracy.estimate == pytest.approx(0.75 - 0.5)
    assert accuracy.low < accuracy.estimate < accuracy.high
    money = compared(small, "lstm", "majority", "sharpe")
    seeds = [sharpe(net(GROSS, TRADED)), sharpe(net(SECOND_GROSS, SECOND_TRADED))]
    assert money.estimate == pytest.approx(np.mean(seeds) - sharpe(net(UP_GROSS, UP_TRADED)))
    assert len(small.comparisons) == 2


def test_the_ledger_adds_up_to_the_scores(small: Evaluation) -> None:
    table = small.ledger
    assert len(table) == 12 * 3
    first = table.filter(model="lstm", seed=0)
    assert first["gross"].round(6).to_list() == GROSS
    assert first["traded"].abs().to_list() == TRADED
    assert first["net"].sum() == pytest.approx(404)
    assert set(table["position_rule"]) == {"sign"}


def test_scores_by_fold(small: Evaluation) -> None:
    """Days 0, 3, 4 are of the first fold and 6, 7, 9 of the second."""
    first, second = small.by_fold["lstm"]
    assert first.mean == pytest.approx((3 / 3 + 2 / 3) / 2)
    assert second.mean == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_a_model_that_is_perfect_over_many_days_is_found_and_a_coin_is_not() -> None:
    rng = np.random.default_rng(3)
    up = np.where(CHANGE > 0, 0.9, 0.1).tolist()
    coin = rng.uniform(0.4, 0.6, 11).tolist()
    found = evaluated(
        said(MAJORITY, forecast("seer", up), forecast("coin", coin)),
        [legs()],
        replace(TERMS, replications=2000),
    )
    by_model = {each.model: each for each in found.findings}
    assert by_model["seer"].margin == pytest.approx(0.5)
    assert by_model["seer"].best_rule == "majority"
    assert by_model["seer"].found
    assert not by_model["coin"].found
    assert by_model["coin"].p_holm > 0.05
    seer_against_coin = compared(found, "coin", "seer", "accuracy")
    assert seer_against_coin.estimate < 0


def test_a_count_of_hits_is_not_rounded_down_by_its_own_division() -> None:
    """29 hits in 100 are 28.999999999999996 once divided and multiplied back."""
    assert 29 / 100 * 100 < 29
    days = np.datetime64("2024-01-01") + np.arange(101)
    spread = 0.5 + 0.01 * (np.arange(101) % 2)
    change = np.diff(spread)
    up = np.where(np.arange(100) < 29, change > 0, change < 0).astype(float) * 0.2 + 0.4
    held = said(MAJORITY)
    test = replace(
        held.test,
        rows=np.zeros((100, 1)),
        ends=np.arange(100),
        session=days[:100],
        resolves=days[:100] + np.timedelta64(1, "D"),
        product=np.full(100, "T"),
        pair=np.full(100, "T"),
        change=change,
        label=(change > 0).astype(np.int64),
        ahead=change[:, None],
    )
    long = replace(
        legs(),
        sessions=days,
        pair=np.full(101, "T2403-T2406"),
        near_close=np.full(101, 100.0),
        far_close=100 - spread,
        near_open=np.full(101, NAN),
        far_open=np.full(101, NAN),
        flat_by=np.full(101, days[-1]),
        tick=0.005,
        multiplier=10_000.0,
        margin_rate=0.02,
        fee=3.0,
    )
    run = WalkForwardRun(
        FOLDS, test, np.zeros(100, dtype=np.int64), np.full(100, 0.01), (forecast("lstm", up.tolist()),)
    )
    lstm = direction(evaluated(run, [long], TERMS), "lstm")
    assert lstm.scores["accuracy"].mean == pytest.approx(0.29)
    from scipy.stats import binomtest

    assert lstm.binomial_p == pytest.approx(binomtest(29, 100, alternative="greater").pvalue, rel=1e-9)


def pooled(values: list[float], late: int = 0) -> list[float]:
    """The same forecasts for T and TF, interleaved as windows are."""
    return [value for day, value in enumerate(values) for _ in range(2 if day >= late else 1)]


def test_products_are_pooled_by_session() -> None:
    """Two products with the same prices: every sum doubles, and no ratio moves."""
    one = evaluated(said(MAJORITY, LSTM), [legs()], TERMS)
    both = evaluated(
        said(
            forecast("majority", pooled(ALWAYS_UP)),
            forecast("lstm", pooled(FIRST_SEED), pooled(SECOND_SEED)),
            products=("T", "TF"),
        ),
        [legs(), legs("TF")],
        TERMS,
    )
    assert {each.scope for each in both.directions} == {ALL, "T", "TF"}
    assert direction(both, "lstm").n == 12
    alone, together = direction(one, "lstm").scores["accuracy"], direction(both, "lstm").scores["accuracy"]
    assert (together.mean, together.low, together.high) == pytest.approx((alone.mean, alone.low, alone.high))
    alone, together = earned(one, "lstm").scores["sharpe"], earned(both, "lstm").scores["sharpe"]
    assert (together.mean, together.low, together.high) == pytest.approx((alone.mean, alone.low, alone.high))
    assert earned(both, "lstm").scores["total"].mean == pytest.approx(2 * (404 - 208) / 2)
    for scope in ("T", "TF"):
        assert direction(both, "lstm", scope).scores["accuracy"].mean == pytest.approx(0.75)
        assert earned(both, "lstm", scope).scores["total"].mean == pytest.approx((404 - 208) / 2)


def test_a_product_that_joins_late_adds_its_capital_from_then_on() -> None:
    run = said(forecast("lstm", pooled(FIRST_SEED, 4)), products=("T", "TF"), late=4)
    found = evaluated(run, [legs(), legs("TF", 4)], TERMS)
    (equity,) = found.equities
    second = np.array([0, 0, 0, 0, 0, *GROSS[5:]])  # TF enters on the fifth session
    second_traded = [0, 0, 0, 0, 1, *TRADED[5:]]
    money = net(GROSS, TRADED) + net(second.tolist(), second_traded)
    capital = np.where(np.arange(12) < 4, MARGIN, 2 * MARGIN)
    np.testing.assert_allclose(equity.net[0], np.cumsum(money / capital), atol=1e-12)
    assert earned(found, "lstm", "TF").scores["total"].mean == pytest.approx(sum(GROSS[5:]) - 56 * sum(second_traded))


def test_a_product_without_a_forecast_is_neither_scored_nor_held() -> None:
    """TF joined after train: no model speaks of it, and the report's counts say so."""
    mute = [value if n % 2 == 0 else NAN for n, value in enumerate(pooled(FIRST_SEED))]
    found = evaluated(said(forecast("lstm", mute), products=("T", "TF")), [legs(), legs("TF")], TERMS)
    assert [each.scope for each in found.directions] == [ALL, "T"]
    assert direction(found, "lstm").n == 6
    assert earned(found, "lstm", "TF").scores["total"].mean == 0.0
    assert earned(found, "lstm", "TF").no_forecast == 11
    assert earned(found, "lstm").scores["total"].mean == pytest.approx(404)


def test_a_failed_fold_leaves_the_days_of_the_others() -> None:
    """The comparison is on the days of which both speak: 6, 7 and 9, where always-up is right once."""
    half = forecast("lstm", [NAN] * 6 + FIRST_SEED[6:])
    found = evaluated(said(MAJORITY, half), [legs()], TERMS)
    assert direction(found, "lstm").n == 3
    assert direction(found, "majority").n == 6
    assert compared(found, "lstm", "majority", "accuracy").estimate == pytest.approx(2 / 3 - 1 / 3)
    assert len(found.by_fold["lstm"]) == 2
    assert np.isnan(found.by_fold["lstm"][0].mean)
    assert earned(found, "lstm").no_forecast == 6
    assert found.notes == ()


def test_seeds_that_failed_alone_are_said() -> None:
    one_failed = forecast("lstm", FIRST_SEED, [NAN] * 6 + SECOND_SEED[6:])
    found = evaluated(said(MAJORITY, one_failed), [legs()], TERMS)
    assert direction(found, "lstm").n == 3
    assert found.notes == ("lstm: some seeds failed on 6 windows; these are traded by the others, not scored",)


def test_a_model_that_never_speaks_is_noted_and_the_others_stand() -> None:
    for mute in (forecast("lstm", [NAN] * 11), forecast("lstm", [NAN] * 11, SECOND_SEED)):
        found = evaluated(said(MAJORITY, mute), [legs()], TERMS)
        assert [each.model for each in found.directions] == ["majority"]
        assert found.comparisons == ()
        assert found.findings == ()
        assert found.notes == ("lstm: no window has a forecast from every seed; it has no scores",)


def test_where_no_model_speaks_the_reasons_are_raised() -> None:
    mute = replace(forecast("lstm", [NAN] * 11), failures=(Failure("lstm", 0, None, "the train range has 9 ups"),))
    with pytest.raises(FitError, match="no model has a forecast to score: the train range has 9 ups"):
        evaluated(said(mute), [legs()], TERMS)


def test_models_that_share_no_day_are_not_compared_but_not_found_either() -> None:
    early = forecast("majority", ALWAYS_UP[:6] + [NAN] * 5)
    late = forecast("lstm", [NAN] * 6 + FIRST_SEED[6:])
    found = evaluated(said(early, late), [legs()], TERMS)
    assert np.isnan(compared(found, "lstm", "majority", "accuracy").estimate)
    (finding,) = found.findings
    assert (finding.p_holm, finding.found) == (1.0, False)


def test_a_forecast_that_could_not_be_traded_is_refused() -> None:
    for held in ([legs(first=2)], [legs("TF")]):
        with pytest.raises(MarketError, match=r"T: \d+ forecasts fall on a session without legs, the first on"):
            evaluated(said(MAJORITY), held, TERMS)


def test_an_outcome_that_is_not_known_yet_is_traded_and_not_scored() -> None:
    run = said(MAJORITY, forecast("lstm", FIRST_SEED))
    unknown = np.append(CHANGE[:-1], NAN)
    open_ended = replace(run, test=replace(run.test, change=unknown))
    lstm = direction(evaluated(open_ended, [legs()], TERMS), "lstm")
    assert (lstm.n, lstm.n_neutral, lstm.n_zero) == (6, 3, 1)
    assert earned(evaluated(open_ended, [legs()], TERMS), "lstm").scores["total"].mean == pytest.approx(404)


def test_every_position_and_fill_is_traded_and_the_first_is_the_headline() -> None:
    terms = replace(TERMS, positions=(Probability(), Sign(band=1.0)), fills=("next_close", "same_close"))
    found = evaluated(said(MAJORITY, LSTM), [legs()], terms)
    cells = [(each.position, each.fill) for each in found.earned if each.model == "lstm"]
    assert cells == [
        ("probability", "next_close"),
        ("probability", "same_close"),
        ("sign, band 1", "next_close"),
        ("sign, band 1", "same_close"),
    ]
    headline = found.ledger.filter(model="lstm", position_rule="probability", fill="next_close", seed=0)
    (equity,) = [each for each in found.equities if each.model == "lstm"]
    np.testing.assert_allclose(equity.net[0, -1], headline["net"].sum() / MARGIN, rtol=1e-9)
    # a probability of 0.6 with full conviction at 0.1 is a full position, filled one close later
    np.testing.assert_allclose(headline["position"].to_list()[:5], [0, 1, 1, -1, 1], atol=1e-12)


def comparison(first: str, second: str, estimate: float, p_value: float) -> Comparison:
    return Comparison(first, second, "accuracy", estimate, NAN, NAN, p_value)


def test_findings_by_explicit_p_values() -> None:
    """A: the weakest of 0.01 and 0.02, halved; B: one rule is ahead of it; C: 0.04, halved."""
    found = findings(
        (
            comparison("a", "majority", 0.05, 0.01),
            comparison("a", "reversal", 0.03, 0.02),
            comparison("a", "b", 0.9, 0.001),  # between models that learn: no part of the finding
            comparison("b", "majority", 0.10, 0.002),
            comparison("b", "reversal", -0.02, 0.40),
            comparison("c", "majority", 0.04, 0.04),
            Comparison("c", "majority", "sharpe", 9.0, NAN, NAN, 0.0001),
        ),
        0.95,
    )
    assert [(each.model, each.best_rule, each.margin, each.found) for each in found] == [
        ("a", "reversal", 0.03, True),
        ("b", "reversal", -0.02, False),
        ("c", "majority", 0.04, True),
    ]
    # one-sided 0.01, 0.8 and 0.02; Holm: 3 x 0.01, 2 x 0.02, 1 x 0.8
    assert [each.p_holm for each in found] == pytest.approx([0.03, 0.8, 0.04])


def test_a_finding_needs_to_be_below_the_level() -> None:
    found = findings((comparison("a", "majority", 0.05, 0.11), comparison("b", "majority", 0.05, 0.02)), 0.95)
    assert [each.p_holm for each in found] == pytest.approx([0.055, 0.02])
    assert [each.found for each in found] == [False, True]
    tie = findings((comparison("a", "majority", 0.0, 1.0),), 0.95)
    assert tie[0].p_holm == 0.5
    assert findings((), 0.95) == ()


def test_a_session_on_which_nothing_could_be_held_counts_without_a_return() -> None:
    held = [legs()]
    traded = held[0].sessions
    gap = np.concatenate([traded[:6], traded[6:] + np.timedelta64(30, "D")])
    apart = replace(held[0], sessions=gap, flat_by=held[0].flat_by + np.timedelta64(30, "D"))
    run = said(MAJORITY)
    moved = replace(run.test, session=gap[: len(run.test)])
    run = replace(run, test=moved)
    calendar = np.arange(gap[0], gap[-1] + 1)
    dense, sparse = evaluated(run, [apart], TERMS), evaluate(run, [apart], TERMS, calendar)
    one, other = (earned(found, "majority").scores for found in (dense, sparse))
    assert one["total"].mean == other["total"].mean
    # the same money over more sessions: less a year
    assert other["annual_return"].mean == pytest.approx(one["annual_return"].mean * len(gap) / len(calendar))
    assert len(sparse.equities[0].gross) == len(calendar)


def test_returns_that_tell_no_block_length_take_the_cube_root_and_say_so() -> None:
    """A model that hardly ever trades must not cost the whole run its result."""
    from tenor.trust.evaluate import block_of

    notes: list[str] = []
    assert block_of(np.zeros((2, 125)), notes) == 1.0
    assert notes == []
    assert block_of(np.eye(1, 7), notes) == pytest.approx(7 ** (1 / 3))
    (note,) = notes
    assert "bootstrap blocks of 1.9 sessions" in note
