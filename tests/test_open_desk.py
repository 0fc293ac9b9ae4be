"""Opening a desk: on a decision of the study, with what was known then, and with words where it cannot."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tenor.errors import FitError, MarketError, StudyError
from tenor.open_desk import open_desk
from tenor.scenario.moves import Moves
from tenor.scenario.what_if import answered


def opened(small_run, **given):
    return open_desk(small_run.study, small_run.market, small_run.report.frozen, **given)


def test_the_last_decision_is_taken_where_none_is_named(small_run) -> None:
    desk = opened(small_run)
    assert desk.scene.base.session == date(2020, 3, 20)
    assert desk.headline == "lstm"
    assert desk.rule.name == "sign"
    assert desk.scene.base.market.quotes["date"].max() == date(2020, 3, 20)


def test_the_fold_is_the_one_that_was_tested_on_that_day_and_the_last_one_after_all(small_run) -> None:
    folds = small_run.report.frozen.folds
    assert opened(small_run, session=folds[0].test[0]).fold == 0
    assert opened(small_run, session=folds[1].test[1]).fold == 1
    early = replace(small_run.report.frozen, folds=(folds[0], replace(folds[1], test=(folds[1].test[0],) * 2)))
    assert open_desk(small_run.study, small_run.market, early).fold == 1


def test_nothing_after_the_decision_is_in_the_answer(small_run) -> None:
    session = date(2019, 12, 20)
    desk = opened(small_run, session=session)
    cut = open_desk(
        small_run.study,
        small_run.market.known_at(desk.scene.base.moment),
        small_run.report.frozen,
        session=session,
    )
    moves = [Moves(rates={"REPO.1M": 0.001}), Moves(curves={"CGB": {10.0: -0.001}})]
    one, two = answered(desk, moves), answered(cut, moves)
    np.testing.assert_array_equal(one.worlds.rows, two.worlds.rows)
    np.testing.assert_array_equal(one.up, two.up)
    assert desk.history.judge(moves) == cut.history.judge(moves)


def test_every_point_of_the_curve_that_a_factor_reads_can_be_moved(small_run) -> None:
    study = replace(small_run.study, valuation=replace(small_run.study.valuation, tenors=(3.0, 7.0, 10.0, 30.0)))
    desk = open_desk(study, small_run.market, small_run.report.frozen)
    assert desk.scene.base.tenors == (1.0, 3.0, 5.0, 7.0, 10.0, 30.0)  # the factor reads 1, 5 and 10


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"product": "TF"}, StudyError, "no product 'TF'; did you mean 'T'"),
        ({"model": "lstn"}, StudyError, "no model 'lstn'; did you mean 'lstm'"),
        ({"position": "kelly"}, StudyError, "no position 'kelly'; there are 'sign', 'probability, band 1'"),
        ({"session": date(2020, 1, 25)}, MarketError, "the last before is 2020-01-23, the next is 2020-02-03"),
        ({"session": date(2018, 6, 1)}, FitError, "no model of the run spoke on 2018-06-01; the test ranges are"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(small_run, given, kind, said: str) -> None:
    with pytest.raises(kind, match=said):
        opened(small_run, **given)


def test_a_study_that_does_not_price_its_futures_has_no_desk(small_run) -> None:
    plain = tuple(factor for factor in small_run.study.factors if factor.kind == "spread_level")
    study = replace(small_run.study, valuation=None, factors=plain, models=small_run.study.models[1:])
    with pytest.raises(StudyError, match=r"does not say how its futures are priced.*add a table \[valuation\]"):
        open_desk(study, small_run.market, small_run.report.frozen)


def test_a_model_without_a_fitted_seed_does_not_trade(small_run) -> None:
    frozen = small_run.report.frozen
    broken = tuple(
        replace(model, folds=(*model.folds[:-1], tuple("it broke" for _ in model.folds[-1])))
        if model.name == "lstm"
        else model
        for model in frozen.models
    )
    desk = open_desk(small_run.study, small_run.market, replace(frozen, models=broken))
    assert desk.headline == "lightgbm"
    assert "lstm" not in answered(desk, ()).ups
    with pytest.raises(FitError, match="lstm has no fitted seed in fold 1: it broke"):
        open_desk(small_run.study, small_run.market, replace(frozen, models=broken), model="lstm")
    silent = tuple(replace(model, folds=(("no",),) * 2) for model in frozen.models)
    with pytest.raises(FitError, match="no model has a fitted seed in fold 1: no"):
        open_desk(small_run.study, small_run.market, replace(frozen, models=silent))


def test_a_run_that_keeps_no_model_has_no_desk(small_run) -> None:
    bare = replace(small_run.report.frozen, models=(), left_out=("mine: keeps no state",))
    with pytest.raises(FitError, match="the run keeps no model: mine: keeps no state"):
        open_desk(small_run.study, small_run.market, bare)
