"""What stands in front depends on where it stands in the study, not on how well it did."""

from dataclasses import replace

from tenor.report.headline import direction_of, earned_by, headline
from tenor.report.report import Report
from tenor.trust.evaluation import Score


def renamed(report: Report, names: dict[str, str]) -> Report:
    """The same report with other model names in its scores."""
    directions = tuple(replace(d, model=names.get(d.model, d.model)) for d in report.evaluation.directions)
    return replace(report, evaluation=replace(report.evaluation, directions=directions))


def test_without_networks_every_model_that_learns_is_shown(report):
    front = headline(report)
    assert front.models == ("majority", "reversal", "logistic", "lightgbm")
    assert front.learners == ("logistic", "lightgbm")
    assert front.rules == ("majority", "reversal")
    assert front.leading == "lightgbm"
    assert (front.position, front.fill) == ("sign", "same_close")
    assert set(front.shown) == {"logistic", "lightgbm", front.best_rule}


def test_networks_stand_before_other_models(report):
    front = headline(renamed(report, {"logistic": "lstm"}))
    assert front.leading == "lstm"
    assert "lightgbm" not in front.shown


def test_without_a_model_that_learns_the_rules_are_shown(report):
    kept = tuple(d for d in report.evaluation.directions if d.model in ("majority", "reversal"))
    front = headline(replace(report, evaluation=replace(report.evaluation, directions=kept)))
    assert front.learners == ()
    assert front.shown == ("majority", "reversal")


def test_best_rule_is_the_most_accurate_and_never_an_undefined_one(report):
    for other, expected in ((0.9, "majority"), (0.1, "reversal"), (float("nan"), "reversal")):
        changed = tuple(
            replace(d, scores={**d.scores, "accuracy": Score(other if d.model == "majority" else 0.5)})
            for d in report.evaluation.directions
        )
        assert (
            headline(replace(report, evaluation=replace(report.evaluation, directions=changed))).best_rule == expected
        )


def test_lookups_find_the_scope(report):
    assert direction_of(report, "logistic", "TF").scope == "TF"
    found = earned_by(report, "lightgbm", "probability, band 1", "next_close", "T")
    assert (found.model, found.position, found.fill, found.scope) == (
        "lightgbm",
        "probability, band 1",
        "next_close",
        "T",
    )
