"""Sentences are written from the numbers, and change with them."""

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.report.headline import direction_of, earned_by, headline
from tenor.report.text import (
    currency,
    day,
    least_confirmable,
    listed,
    method,
    number,
    p_value,
    percent,
    power,
    verdict,
)
from tenor.report.text import said as name_of
from tenor.trust.evaluation import Comparison, Finding, Score
from tenor.trust.significance import days_to_confirm

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (1234.567, 1, "1,234.6"),
        (-0.5, 2, "−0.50"),
        (-0.001, 2, "0.00"),
        (0.0, 0, "0"),
        (float("nan"), 2, "–"),
        (float("inf"), 2, "–"),
        (None, 2, "–"),
        (-10.0, 0, "−10"),
    ],
)
def test_numbers(value, digits, expected):
    assert number(value, digits) == expected


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9), st.integers(0, 4))
def test_a_printed_number_reads_back(value, digits):
    read = float(number(value, digits).replace("−", "-").replace(",", ""))
    assert read == float(f"{value:.{digits}f}")
    assert math.copysign(1.0, read) == 1.0 or read < 0


def test_small_forms():
    assert percent(0.5123) == "51.2 %"
    assert percent(None) == "–"
    assert p_value(0.0004) == "< 0.001"
    assert p_value(0.0312) == "0.031"
    assert day(date(2019, 6, 1)) == "1 Jun 2019"
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_least_confirmable_is_the_edge_of_days_to_confirm():
    for days in (50, 460, 964, 5000):
        least = least_confirmable(days)
        assert least is not None
        assert days_to_confirm(least) <= days < days_to_confirm(least - 0.001)
    assert least_confirmable(964) == 0.54
    assert least_confirmable(1) is None


def with_findings(report, *findings):
    return replace(report, evaluation=replace(report.evaluation, findings=findings))


def test_verdict_states_the_numbers_of_the_report(report):
    front, said = headline(report), verdict(report)
    text = " ".join(said.sentences)
    accuracy = direction_of(report, front.leading).scores["accuracy"]
    best = direction_of(report, front.best_rule).scores["accuracy"]
    assert said.word == "nothing found"
    assert f"LightGBM was right on {percent(accuracy.mean)} of the" in text
    assert f"95 % interval {number(100 * accuracy.low, 1)} to {number(100 * accuracy.high, 1)}" in text
    assert f"on {percent(best.mean)}." in text
    headline_money = earned_by(report, front.leading, "sign", "same_close").scores
    (traded,) = [sentence for sentence in said.sentences if sentence.startswith("Traded")]
    now, later = (
        earned_by(report, front.leading, "sign", fill).scores["sharpe"] for fill in ("same_close", "next_close")
    )
    assert traded == (
        "Traded with a full position on the likelier side, LightGBM has a Sharpe ratio after costs of"
        f" {number(now.mean)} ({number(now.low)} to {number(now.high)}) at the same close and {number(later.mean)}"
        f" ({number(later.low)} to {number(later.high)}) at the next close (before costs"
        f" {number(headline_money['sharpe_gross'].mean)} at the same close)."
    )
    rule = [
        earned_by(report, front.best_rule, "sign", fill).scores["sharpe"].mean for fill in ("same_close", "next_close")
    ]
    assert f"{name_of(front.best_rule)} {number(rule[0])} and {number(rule[1])}" in text
    assert said.sentences.index(traded) < next(i for i, s in enumerate(said.sentences) if "upper bound" in s)
    assert "upper bound" in text
    assert "product-days with a move of 1.5 ticks or more" in text


@pytest.mark.parametrize(
    ("margin", "p", "expected"),
    [
        (-0.046, 1.0, "the closest, LightGBM, is 4.6 points behind reversal (p = 1.000 after Holm"),
        (
            0.012,
            0.21,
            "is 1.2 points ahead of reversal, the hardest to beat, which chance explains: p = 0.210",
        ),
        (0.0, 0.6, "is level with reversal"),
    ],
)
def test_nothing_found_says_how_near_it_came(report, margin, p, expected):
    findings = (
        Finding("lightgbm", "reversal", margin, p, False),
        Finding("logistic", "reversal", -0.2, 1.0, False),
    )
    said = verdict(with_findings(report, *findings))
    assert said.word == "nothing found"
    assert said.sentences[1].startswith("Nothing found: no model that learns beats every rule;")
    assert expected in said.sentences[1]


def test_found_names_the_model_the_margin_and_who_found_nothing(report):
    findings = (
        Finding("lightgbm", "reversal", 0.031, 0.0002, True),
        Finding("logistic", "majority", 0.0, 0.6, False),
    )
    said = verdict(with_findings(report, *findings))
    assert said.word == "found"
    assert said.sentences[1] == (
        "Found: LightGBM (3.1 points ahead of reversal, the hardest to beat; p < 0.001) is right more often"
        " than every rule (p after Holm's correction over 2 models), but not the logistic regression."
    )


def test_a_single_model_needs_no_correction(report):
    said = verdict(with_findings(report, Finding("logistic", "reversal", -0.01, 0.7, False)))
    assert "the one model that learns does not beat every rule; it is 1.0 points behind" in said.sentences[1]
    assert "Holm" not in said.sentences[1]


def test_without_comparison_the_verdict_says_so(report):
    said = verdict(with_findings(report))
    assert said.word == "no comparison"
    assert said.sentences[1].startswith("Nothing can be found: no rule has scores")


def test_an_undefined_accuracy_is_said_with_its_reason(report):
    directions = tuple(
        replace(d, scores={**d.scores, "accuracy": Score(float("nan"))}, undefined={"accuracy": "no day moved"})
        if d.model == "lightgbm"
        else d
        for d in report.evaluation.directions
    )
    text = verdict(replace(report, evaluation=replace(report.evaluation, directions=directions))).sentences[0]
    assert "LightGBM has no accuracy (no day moved); the logistic regression was right on" in text


def test_money_above_zero_is_named(report):
    earned = tuple(
        replace(e, scores={**e.scores, "sharpe": Score(2.0, None, 0.4, 3.0)}) if e.model == "logistic" else e
        for e in report.evaluation.earned
    )
    text = verdict(replace(report, evaluation=replace(report.evaluation, earned=earned))).sentences[-1]
    assert "lies above zero at the same close for the logistic regression; at the next close for the" in text
    now = tuple(
        replace(e, scores={**e.scores, "sharpe": Score(2.0, None, -0.4, 3.0)}) if e.fill == "next_close" else e
        for e in earned
    )
    text = verdict(replace(report, evaluation=replace(report.evaluation, earned=now))).sentences[-1]
    assert "at the same close for the logistic regression; at the next close for no model: before" in text
    nobody = tuple(replace(e, scores={**e.scores, "sharpe": Score(2.0, None, -0.4, 3.0)}) for e in earned)
    text = verdict(replace(report, evaluation=replace(report.evaluation, earned=nobody))).sentences[-1]
    assert text.startswith("After costs no model's Sharpe ratio is clearly above zero")


def networks(report, first, second, accuracy, sharpe):
    """The report with one pair of networks compared: estimate, low, high and p of each measure."""
    gaps = (Comparison(first, second, "accuracy", *accuracy), Comparison(first, second, "sharpe", *sharpe))
    said = verdict(replace(report, evaluation=replace(report.evaluation, comparisons=gaps))).sentences
    return [sentence for sentence in said if sentence.startswith("LSTM minus DNN")]


def test_lstm_and_dnn_are_compared_in_one_sentence(report):
    (said,) = networks(report, "lstm", "dnn", (0.003, -0.008, 0.014, 0.566), (0.84, 0.34, 1.37, 0.0004))
    assert said == (
        "LSTM minus DNN on the same days: +0.3 points of accuracy (95 % interval −0.8 to 1.4, p = 0.566),"
        " no difference can be told; +0.84 of Sharpe ratio after costs, filled at the same close (0.34 to 1.37,"
        " p < 0.001), the LSTM is ahead."
    )


def test_the_order_of_the_study_does_not_turn_the_comparison_round(report):
    accuracy, sharpe = (0.02, 0.01, 0.03, 0.01), (-0.4, -0.9, 0.1, 0.2)
    (said,) = networks(report, "dnn", "lstm", accuracy, sharpe)
    assert "−2.0 points of accuracy (95 % interval −3.0 to −1.0, p = 0.010), the DNN is ahead" in said
    assert "+0.40 of Sharpe ratio after costs, filled at the same close (−0.10 to 0.90" in said


def test_networks_without_a_common_day_and_studies_without_both(report):
    (said,) = networks(report, "lstm", "dnn", (NAN,) * 4, (0.1, -0.2, 0.3, 0.5))
    assert "– points of accuracy (no session in common" in said
    assert "nan" not in said
    assert networks(report, "lstm", "gru", (0.1,) * 4, (0.1,) * 4) == []


def test_a_leading_model_that_never_traded_has_no_sharpe_ratio_in_the_verdict(report):
    def idle(models):
        earned = tuple(
            replace(e, scores={**e.scores, "turnover": Score(0.0), "sharpe": Score(0.0, None, 0.0, 0.0)})
            if e.model in models
            else e
            for e in report.evaluation.earned
        )
        return " ".join(verdict(replace(report, evaluation=replace(report.evaluation, earned=earned))).sentences)

    assert "LightGBM never took a position." in idle(["lightgbm"])
    rule = headline(report).best_rule
    assert f"{name_of(rule)} never traded" in idle([rule])


def test_method_explains_only_the_fills_that_were_computed(report):
    notes = dict(method(report))
    assert "Same close: only someone who knows the close" in notes["Who could have traded"]
    assert "Next open" not in notes["Who could have traded"]
    assert "200 draws" in notes["± and [ ]"]
    assert "54 % takes 964 days" in notes["How many days it takes"]
    assert "0.5 ticks of slippage" in notes["Costs and returns"]
    assert "must be below 0.05." in notes["A finding"]


def test_power_counts_the_days_of_this_test(report):
    n = direction_of(report, "lightgbm").n
    assert f"this test has {number(n, 0)} product-days" in power(report)
    assert percent(least_confirmable(n)) in power(report)


def test_currency_is_that_of_the_products(report):
    assert currency(report) == "CNY"
    unknown = report.spreads.with_columns(product=report.spreads["product"] + "?")
    assert currency(replace(report, spreads=unknown)) == "money"
