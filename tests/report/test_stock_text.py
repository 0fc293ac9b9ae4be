"""The sentences of a report of stocks: they follow the numbers, the ill ones too."""

from dataclasses import replace

from tenor.report.stock_text import bracket, facts, method, order, verdict
from tenor.trust.evaluation import Finding, Score

NAMED = ["Intervals", "Right", "In front", "Finding", "Rank IC", "Quantiles", "Money"]


def words(report):
    return " ".join(verdict(report).sentences)


def test_a_bracket_writes_what_there_is():
    assert bracket(Score(0.5331, 0.015, 0.51, 0.55), as_percent=True) == "53.31 % ±1.50 [51.00, 55.00]"
    assert bracket(Score(0.5, None, None, None), digits=1) == "0.5"
    assert bracket(Score(-0.25, None, -0.5, 0.125)) == "−0.25 [−0.50, 0.12]"


def test_nothing_found_names_the_nearest(small_stocks):
    report = small_stocks.report
    findings = (
        Finding(model="logistic", best_rule="reversal", margin=-0.01, p_holm=0.6, found=False),
        Finding(model="lstm", best_rule="reversal", margin=-0.02, p_holm=0.9, found=False),
    )
    said = verdict(replace(report, evaluation=replace(report.evaluation, findings=findings)))
    assert said.word == "nothing found"
    nearest = "the nearest is the logistic regression, 1.00 points behind reversal (p = 0.600 after Holm)."
    assert said.sentences[0].endswith(nearest)
    even = (replace(findings[0], p_holm=1.0), replace(findings[1], p_holm=1.0, margin=0.002))
    said = verdict(replace(report, evaluation=replace(report.evaluation, findings=even)))
    assert said.sentences[0].endswith("the nearest is the LSTM, 0.20 points ahead of reversal (p = 1.000 after Holm).")


def test_a_finding_is_said_with_what_it_beats(small_stocks):
    report = small_stocks.report
    findings = (Finding(model="lstm", best_rule="reversal", margin=0.021, p_holm=0.004, found=True),)
    said = verdict(replace(report, evaluation=replace(report.evaluation, findings=findings)))
    assert said.word == "found"
    assert "by 2.10 points ahead of reversal (p = 0.004 after Holm)." in said.sentences[0]
    findings += (Finding(model="logistic", best_rule="reversal", margin=0.03, p_holm=0.01, found=True),)
    said = verdict(replace(report, evaluation=replace(report.evaluation, findings=findings)))
    assert said.sentences[0].startswith("The logistic regression was right more often than every rule")
    assert said.sentences[0].endswith("(p = 0.010 after Holm); so was the LSTM, by 2.10 (p = 0.004).")


def test_validation_is_never_a_verdict(small_stocks):
    said = verdict(replace(small_stocks.report, judged="validation"))
    assert said.word == "not judged yet"
    assert said.sentences[0].startswith("The data end before the test range")


def test_quantiles_that_lose_to_the_random_walk_are_said_to(small_stocks):
    report = small_stocks.report

    def skilled(value):
        quantiles = tuple(
            replace(one, skill=Score(value, None, None, None)) if one.model == "lstm" else one
            for one in report.evaluation.quantiles
        )
        return words(replace(report, evaluation=replace(report.evaluation, quantiles=quantiles)))

    assert "the loss of its quantiles is 3.00 % more than the random walk's" in skilled(-0.03)
    assert "the loss of its quantiles is 3.00 % less than the random walk's" in skilled(0.03)


def test_what_the_model_in_front_earned_is_after_costs(small_stocks):
    report = small_stocks.report
    front = next(one for one in report.evaluation.portfolios if one.model == "lstm")
    assert (front.portfolio, front.fill) == ("by probability", "next_open")
    assert f"Sharpe {bracket(front.scores['sharpe'])}, before costs" in words(report)


def test_facts_count_what_was_used(small_stocks):
    told = facts(small_stocks.report)
    assert told["Source"] == "simulated stocks, SIMULATED"
    assert told["Names"] == "5: AAPL, JPM, KO, MSFT, XOM"
    assert told["Judged on test"].startswith("160 sessions, ")
    assert told["Judged on test"].endswith("2 folds")


def test_method_speaks_of_what_the_report_has(small_stocks):
    report = small_stocks.report
    assert [name for name, _ in method(report)] == NAMED
    bare = replace(report.evaluation, cross_sections=(), quantiles=(), portfolios=())
    assert [name for name, _ in method(replace(report, evaluation=bare))] == NAMED[:4]


def test_the_model_that_speaks_comes_first_and_rules_last(small_stocks):
    assert order(small_stocks.report) == ["lstm", "logistic", "majority", "reversal", "random_walk"]
