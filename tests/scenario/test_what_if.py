"""What if: the chain adds up, its steps end where it ends, and estimates have intervals."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tenor.errors import MarketError
from tenor.open_desk import open_desk
from tenor.scenario.desk import Desk
from tenor.scenario.what_if import Outcome, answered, what_if
from tenor.shock import Scenario, parse_shift


@pytest.fixture(scope="module")
def desk(small_run) -> Desk:
    return open_desk(small_run.study, small_run.market, small_run.report.frozen, session=date(2020, 1, 10))


def ask(desk: Desk, *words: str, draws: int = 100) -> Outcome:
    shifts = tuple(parse_shift(word) for word in words)
    return what_if(desk, [Scenario(" and ".join(words), shifts)], draws=draws)[0]


def test_profit_and_loss_is_pairs_times_multiplier_times_the_change_of_the_spread(desk: Desk) -> None:
    held = replace(desk, held=-3.0)
    found = ask(held, "repo=+50bp")
    spread = found.link("spread")
    assert found.pnl_held == pytest.approx(-3.0 * 10_000 * spread.change, rel=1e-12)
    assert found.pnl_wanted == pytest.approx(found.wanted * 10_000 * spread.change, rel=1e-12)
    assert found.switch_cost == pytest.approx(abs(found.wanted + 3.0) * desk.cost)
    assert desk.cost == pytest.approx(2 * (3 + 0.5 * 0.005 * 10_000))
    assert spread.change == pytest.approx(found.link("T2003").change - found.link("T2006").change)


def test_steps_are_cumulative_and_end_where_the_scenario_ends(desk: Desk) -> None:
    found = ask(desk, "parallel=+10bp", "repo=+30bp", "price.T=-0.1")
    assert [step.name for step in found.steps] == ["base", *found.shifts]
    alone = ask(desk, "parallel=+10bp")
    assert found.steps[1].pnl == alone.pnl_held
    assert found.steps[-1].pnl == found.pnl_held
    assert found.steps[-1].up == found.link("probability of up, lstm").shocked


def test_families_begin_at_the_base_and_end_at_the_shocked_forecast(desk: Desk) -> None:
    found = ask(desk, "parallel=+10bp")
    up = found.link("probability of up, lstm")
    assert found.families[0].up == up.base
    assert found.families[-1].up == up.shocked
    assert [step.name for step in found.families[1:]] == [factor.kind for factor in desk.scene.factors]


def test_a_family_whose_factors_do_not_move_changes_nothing(desk: Desk) -> None:
    found = ask(desk, "REPO.ON=+20bp")
    names = [step.name for step in found.families]
    at = names.index("curve_shape")
    assert found.families[at].up == found.families[at - 1].up


def test_every_model_answers_and_the_headline_model_is_in_the_chain(desk: Desk) -> None:
    found = ask(desk, "repo=+50bp")
    by_name = {says.model: says for says in found.models}
    assert set(by_name) == {"reversal", "logistic", "lightgbm", "lstm"}
    assert by_name["lstm"].seeds == 2
    assert by_name["logistic"].sd_base is None
    assert by_name["lstm"].up_shocked == found.link("probability of up, lstm").shocked
    assert by_name["lstm"].low_shocked <= by_name["lstm"].up_shocked <= by_name["lstm"].high_shocked


def test_the_reversal_rule_bets_against_a_shock_that_lowers_the_spread(desk: Desk) -> None:
    """Funding 50 bp dearer lowers the spread: the rule, frozen, then says up."""
    found = ask(desk, "repo=+50bp")
    assert found.link("spread").change < 0
    assert next(says for says in found.models if says.model == "reversal").up_shocked > 0.5


def test_factors_are_told_before_and_after_with_their_z_scores(desk: Desk) -> None:
    found = {each.column: each for each in ask(desk, "repo=+50bp").factors}
    assert list(found) == list(desk.scene.columns)
    weekly = found["REPO.1W"]
    assert weekly.shocked - weekly.base == pytest.approx(0.005, abs=1e-15)
    assert weekly.z_shocked - weekly.z_base == pytest.approx(
        0.005 / desk.inputs.sd[desk.scene.columns.index("REPO.1W")]
    )
    assert found["CGB_level"].base == found["CGB_level"].shocked


def test_the_cheapest_bond_and_its_switch_are_told(desk: Desk) -> None:
    near, far = ask(desk, "parallel=-400bp").cheapest
    assert (near.contract, far.contract) == ("T2003", "T2006")
    assert near.switched == (near.base != near.shocked)
    assert near.switch_base > 0
    still = ask(desk, "REPO.ON=+1bp").cheapest[0]
    assert not still.switched


def test_the_bond_of_the_chain_is_one_bond(desk: Desk) -> None:
    """The cheapest before: were it each world's own cheapest, a switch would look like a jump of its price."""
    found = ask(desk, "parallel=+400bp")
    name = next(link.name for link in found.chain if link.stage == "bond")
    assert name.startswith(found.cheapest[0].base)
    assert found.link(name).change < 0


def test_an_estimate_has_an_interval_on_every_link(desk: Desk) -> None:
    found = ask(desk, "macro.CPI.YOY=+0.5", draws=200)
    assert found.draws == 200
    surprise, *rest = found.chain
    assert (surprise.name, surprise.change, surprise.low) == ("CPI.YOY against expectation", 0.5, None)  # it is given
    for link in rest:
        assert link.low is not None
        assert link.low <= link.high
    spread = found.link("spread")
    assert spread.low < spread.high
    assert spread.low <= spread.shocked <= spread.high
    stated = ask(desk, "repo=+10bp")
    assert stated.draws == 0
    assert all(link.low is None for link in stated.chain)


def test_draws_are_seeded(desk: Desk) -> None:
    scenario = Scenario("cpi", (parse_shift("macro.CPI.YOY=+0.5"),))
    one, same = (what_if(desk, [scenario], draws=50, seed=4)[0] for _ in range(2))
    other = what_if(desk, [scenario], draws=50, seed=5)[0]
    assert one.link("spread").low == same.link("spread").low
    assert one.link("spread").low != other.link("spread").low


def test_scenarios_asked_together_answer_as_if_alone(desk: Desk) -> None:
    questions = [
        Scenario("a", (parse_shift("parallel=+10bp"), parse_shift("repo=-5bp"))),
        Scenario("b", (parse_shift("macro.CPI.YOY=+0.5"),)),
        Scenario("c", (parse_shift("quarter_end=+300bp"),)),
    ]
    together = what_if(desk, questions, draws=40)
    for number, question in enumerate(questions):
        (alone,) = what_if(desk, [question], draws=40)
        assert together[number].chain == alone.chain
        assert [step.up for step in together[number].steps] == [step.up for step in alone.steps]
        assert together[number].models == alone.models


def test_implausible_answers_are_marked_and_given_all_the_same(desk: Desk) -> None:
    found = ask(desk, "parallel=+400bp")
    assert not found.plausibility.plausible
    assert "IMPLAUSIBLE" in found.plausibility.sentence
    assert not found.inputs.plausible
    assert np.isfinite(found.pnl_held)
    assert ask(desk, "parallel=+1bp").plausibility.plausible


def test_notes_say_what_the_answer_rests_on(desk: Desk) -> None:
    notes = " | ".join(ask(desk, "parallel=+1bp").notes)
    assert "richness is kept" in notes
    assert "bonds have no quote and are priced off curve CGB" in notes


def test_an_unknown_link_lists_those_that_there_are(desk: Desk) -> None:
    with pytest.raises(MarketError, match="no link 'spred'; the chain has"):
        ask(desk, "parallel=+1bp").link("spred")


def test_asking_twice_gives_the_same_numbers(desk: Desk) -> None:
    moves = [parse_shift("parallel=+7bp").moves(desk.scene.base)]
    one, two = answered(desk, moves), answered(desk, moves)
    np.testing.assert_array_equal(one.up, two.up)
    np.testing.assert_array_equal(one.worlds.rows, two.worlds.rows)
