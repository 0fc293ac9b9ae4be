"""The study on real T spreads, with the plain models: what is known about this market is seen in it."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tenor.io.studies import read_study
from tenor.report.report import Report
from tenor.study import run
from tenor.trust.evaluation import RULES, Earned

pytestmark = pytest.mark.real

STUDY = Path(__file__).parents[2] / "studies" / "cgb-spread-t.toml"


@cache
def report(data: Path) -> Report:
    study = read_study(STUDY)
    plain = tuple(model for model in study.models if model.kind in (*RULES, "logistic"))
    source = replace(study.market.located(STUDY.parent), folder=data)
    return run(replace(study, models=plain, seeds=1), source.read())


def earned(found: Report, model: str, fill: str) -> Earned:
    (one,) = [
        e for e in found.evaluation.earned if (e.model, e.fill, e.position, e.scope) == (model, fill, "sign", "all")
    ]
    return one


def test_closing_prices_bounce(real_data: Path) -> None:
    """Betting against the last change pays at the very close that shows it, before costs, and nowhere else."""
    found = report(real_data)
    same, later = (earned(found, "reversal", fill).scores for fill in ("same_close", "next_close"))
    assert same["sharpe_gross"].mean == pytest.approx(2.30, abs=0.05)
    assert same["sharpe_gross"].low > 1
    assert same["sharpe"].mean == pytest.approx(0.21, abs=0.05)
    assert same["sharpe"].low < 0 < same["sharpe"].high
    assert later["sharpe_gross"].mean < -0.5


def test_reversal_is_right_more_often_than_a_coin(real_data: Path) -> None:
    (direction,) = [d for d in report(real_data).evaluation.directions if d.model == "reversal"]
    assert direction.n == 460
    assert direction.scores["accuracy"].mean == pytest.approx(0.583, abs=0.002)
    assert direction.scores["accuracy"].low > 0.5


def test_no_model_beats_the_rule(real_data: Path) -> None:
    assert not any(finding.found for finding in report(real_data).evaluation.findings)


def test_what_was_left_out_is_said(real_data: Path) -> None:
    found = report(real_data)
    rules = {left.rule: left.count for left in found.left_out}
    assert rules["flat before delivery month"] == 20
    assert rules["first sessions after listing"] > 0
    assert any("thin" in note for note in found.data.notes)
