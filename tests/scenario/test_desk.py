"""The desk: it repeats the run, holds what the study's rule says, and knows what is unusual."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tenor.open_desk import open_desk
from tenor.scenario.desk import Desk
from tenor.scenario.moves import NOTHING
from tenor.scenario.what_if import answered
from tenor.scenario.world import worlds


def desk_on(small_run, session: date | None = None, **given) -> Desk:
    return open_desk(small_run.study, small_run.market, small_run.report.frozen, session=session, **given)


@pytest.mark.parametrize("session", [date(2019, 8, 30), date(2020, 1, 10), None])
def test_the_base_says_what_the_run_said(small_run, session: date | None) -> None:
    desk = desk_on(small_run, session)
    found = answered(desk, ())
    said = small_run.report.forecasts.filter(pl.col("session") == desk.scene.base.session)
    compared = 0
    for model in desk.names:
        run = said.filter(pl.col("model") == model).sort("seed")["up"].to_numpy()
        if len(run):
            np.testing.assert_array_equal(found.ups[model][:, 0], run)
            compared += 1
    assert compared == (4 if session else compared)


def test_nothing_beside_other_scenarios_is_the_base_for_every_model(small_run) -> None:
    desk = desk_on(small_run, date(2020, 1, 10))
    from tenor.scenario.moves import Moves

    rng = np.random.default_rng(3)
    others = [Moves(rates={"REPO.1W": float(rng.normal(0, 0.002))}) for _ in range(300)]
    found = answered(desk, [*others[:123], NOTHING, *others[123:]])
    for ups in found.ups.values():
        np.testing.assert_array_equal(ups[:, 124], ups[:, 0])
    assert found.pnl[124] == 0.0
    assert len(np.unique(found.up)) > 50


def test_the_position_is_the_rule_s_at_the_mean_probability(small_run) -> None:
    desk = desk_on(small_run, date(2020, 1, 10))
    assert desk.rule.name == "sign"
    np.testing.assert_array_equal(desk.pairs("lstm", np.array([0.4, 0.5, 0.7]), 0.0), [-10.0, 0.0, 10.0])


def test_probability_sizes_by_the_conviction_of_validation_and_holds_what_does_not_pay(small_run) -> None:
    desk = desk_on(small_run, date(2020, 1, 10), position="probability, band 1")
    scale = float(np.mean(desk.models.scales("lstm", desk.fold)))
    full = max(scale, desk.rule.least_scale)
    certain = replace(desk, expected_move=1e9)
    wanted = certain.pairs("lstm", np.array([0.5 + full / 2, 0.5 + 2 * full]), 0.0)
    np.testing.assert_allclose(wanted, [5.0, 10.0], rtol=1e-12)
    hopeless = replace(desk, expected_move=1e-9)
    np.testing.assert_array_equal(hopeless.pairs("lstm", np.array([0.2, 0.9]), 3.0), [3.0, 3.0])


def test_what_is_held_is_given_or_asked_for(small_run) -> None:
    desk = desk_on(small_run, date(2020, 1, 10))
    up = np.array([0.7, 0.2])
    assert desk.start(up) == 10.0
    assert replace(desk, held=-2.5).start(up) == -2.5


def test_z_scores_are_those_of_the_train_rows(small_run) -> None:
    desk = desk_on(small_run, date(2020, 1, 10))
    rows = worlds(desk.scene, ()).rows[0]
    z = desk.z(rows)
    column = desk.scene.columns.index("spread")
    assert z[-1, column] == (rows[-1, column] - desk.inputs.mean[column]) / desk.inputs.sd[column]
    far = rows[-1:].copy()
    far[0, column] = desk.inputs.mean[column] + 5 * desk.inputs.sd[column]
    assert "spread" in desk.seen(far)[0].far
