"""The outlook on a pair: the frozen models' own words, on what was known, beside what they said before."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tenor.decide.position import Probability, Sign, pairs_wanted
from tenor.errors import MarketError
from tenor.factor.panel import decision_times
from tenor.market.contract import product
from tenor.open_desk import open_desk
from tenor.pair_outlook import pair_outlook
from tenor.scenario.what_if import answered


def asked(small_run, market=None, **changed):
    frozen = changed.pop("frozen", small_run.report.frozen)
    study = replace(small_run.study, **changed) if changed else small_run.study
    return pair_outlook(study, market or small_run.market, frozen, "T", today=date(2020, 3, 27))


def test_it_is_what_the_open_desk_says_of_the_same_decision(small_run) -> None:
    said, desk = asked(small_run), open_desk(small_run.study, small_run.market, small_run.report.frozen)
    assert (said.as_of, said.near, said.far) == (desk.scene.base.session, desk.scene.base.near, desk.scene.base.far)
    ups = desk.ask(answered(desk, ()).worlds.rows[:1])
    for one in said.models:
        np.testing.assert_allclose(
            [one.up, one.low, one.high], [ups[one.model].mean(), ups[one.model].min(), ups[one.model].max()], rtol=1e-12
        )
    lstm = next(one for one in said.models if one.model == "lstm")
    assert lstm.pairs == desk.pairs("lstm", ups["lstm"].mean(axis=0), 0.0)[0] == desk.start(ups["lstm"].mean(axis=0))
    wanted = [float(desk.pairs("lstm", up, 0.0)[0]) for up in ups["lstm"]]
    assert (lstm.pairs_low, lstm.pairs_high) == (min(wanted), max(wanted))
    assert said.expected_move == desk.expected_move


def test_before_is_what_is_said_when_the_last_session_had_not_been(small_run) -> None:
    said = asked(small_run)
    moment = decision_times(product("T"), np.array([said.before.session], "datetime64[D]"), "close")[0].item()
    earlier = asked(
        small_run, small_run.market.known_at(moment.replace(tzinfo=small_run.market.quotes["known_at"][0].tzinfo))
    )
    assert earlier.as_of == said.before.session
    assert {one.model: one.up for one in earlier.models} == pytest.approx(said.before.up)
    assert earlier.recent.session == tuple(day for day in said.recent.session if day <= earlier.as_of)


def test_the_spread_and_its_change_are_those_of_the_quotes(small_run) -> None:
    said = asked(small_run)
    near, far = (small_run.market.quotes_of(leg) for leg in (said.near, said.far))
    closes = [dict(zip(frame["date"], frame["close"], strict=True)) for frame in (near, far)]
    days = said.recent.session
    assert days[-1] == said.as_of
    assert said.spread == pytest.approx(closes[0][said.as_of] - closes[1][said.as_of])
    before = closes[0][days[-2]] - closes[1][days[-2]]
    assert said.change == pytest.approx(said.spread - before)
    assert said.due > said.as_of == said.last
    assert not said.known
    assert said.missed == 5


def test_a_last_session_that_is_left_out_is_named(small_run) -> None:
    said = asked(small_run, cleaning=replace(small_run.study.cleaning, quarter_end_sessions=20))
    assert said.as_of < said.last == date(2020, 3, 20)
    assert said.known == (said.due <= said.last)
    assert any(note.startswith("quotes go on until 2020-03-20") for note in said.notes)


def test_of_what_they_learnt_from_the_models_say_nothing(small_run) -> None:
    frozen = small_run.report.frozen
    far = date(2020, 3, 20) + timedelta(days=1)
    late = replace(frozen, folds=(*frozen.folds[:-1], replace(frozen.folds[-1], validation=(far, far))))
    with pytest.raises(MarketError, match="what they say of it is no forecast"):
        asked(small_run, frozen=late)


def test_a_rule_asks_for_the_side_up_to_its_limit(small_run) -> None:
    limits = replace(small_run.study.trading.limits, max_pairs=4.0)
    stated = {"scale": 0.1, "expected_move": 0.03, "cost": 0.0, "multiplier": 10_000.0}
    up = np.array([0.4, 0.5, 0.55, 0.9])
    np.testing.assert_allclose(pairs_wanted(Sign(), limits, up, 0.0, **stated), [-4, 0, 4, 4])
    np.testing.assert_allclose(pairs_wanted(Probability(), limits, up, 0.0, **stated), [-4, 0, 2, 4])
