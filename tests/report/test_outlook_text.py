"""The words of an outlook: digits by the size of the price, ranges over seeds, and warnings that say what is known."""

import runpy
from pathlib import Path

import pytest

from tenor.report import outlook_text as words

HAND = runpy.run_path(str(Path(__file__).with_name("outlooks_by_hand.py")))
UP, DOWN, STALE, SIMULATED, DEAR, PLAIN = (HAND[name] for name in ("UP", "DOWN", "STALE", "SIMULATED", "DEAR", "PLAIN"))


@pytest.mark.parametrize(
    ("value", "digits"),
    [(742_500.0, 0), (99_999.0, 2), (271.49, 2), (10.0, 2), (9.99, 3), (1.0, 3), (0.5, 4), (0.0123, 5), (0.0, 2)],
)
def test_decimals_follow_the_size_of_the_price(value, digits):
    assert words.decimals(value) == digits


def test_prices_are_written_as_the_last_close_is():
    assert words.close(UP) == "271.49 USD"
    assert words.close(DEAR) == "742,500 USD"
    assert words.close(SIMULATED) == "0.01230 USD"
    assert words.width(UP, words.speaker(UP), 0) == "265.41 to 277.92"
    assert words.width(UP, words.speaker(UP), 0, (1, 3)) == "269.10 to 274.23"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0083, "+0.83 %"), (-0.0132, "−1.32 %"), (0.0, "0.00 %"), (0.00001, "0.00 %"), (None, "–")]
)
def test_returns_carry_a_sign_unless_they_round_to_nothing(value, text):
    assert words.signed(value) == text


def test_the_headline_holds_the_range_over_seeds():
    assert words.headline(UP) == (
        "P(up) 53.2 % [51.9, 54.5] over 5 seeds for the next session by the LSTM; every seed says up."
    )
    assert "its seeds do not agree on a side" in words.headline(STALE)
    assert words.headline(PLAIN).startswith("P(up) 55.0 % (1 seed) for the next session by the logistic regression")
    assert words.lean({"low": 0.4, "up": 0.44, "high": 0.5, "seeds": 3}) == "every seed says down"
    assert words.lean({"low": 0.5, "up": 0.5, "high": 0.5, "seeds": 1}) == "it takes no side"


def test_the_expected_range_or_that_there_is_none():
    assert words.expected_range(UP) == "Expected range next session, 25 Nov 2026 (90 %): 265.41 to 277.92 USD."
    assert words.expected_range(PLAIN) == "The logistic regression gives no price quantiles."
    assert "in 5 sessions (90 %)" in words.expected_range(UP | {"horizons": [5, 20, 60], "due": [None] * 3})


@pytest.mark.parametrize(
    ("missed", "text"),
    [
        (0, ""),
        (1, "Data end 20 Nov 2026, 1 session ago: STALE. The outcome 1 session ahead is known by now."),
        (6, "Data end 20 Nov 2026, 6 sessions ago: STALE. The outcomes 1 and 5 sessions ahead are known by now."),
    ],
)
def test_stale_data_are_named_with_what_is_past(missed, text):
    assert words.staleness(STALE | {"missed": missed}) == text


def test_flags():
    assert [words.flags(HAND[name]) for name in ("UP", "STALE", "SIMULATED", "PLAIN")] == [
        [],
        ["STALE"],
        ["SIMULATED"],
        ["VALIDATION"],
    ]


def test_the_median_lies_between_two_levels_where_none_is_a_half():
    one = {"levels": [0.1, 0.4, 0.8], "prices": [[90.0, 100.0, 108.0]]}
    assert words.median(one, 0) == pytest.approx(102.0)
    assert words.median({"levels": [0.6, 0.9], "prices": [[1.0, 2.0]]}, 0) is None
    assert words.median({"levels": [], "prices": []}, 0) is None


def test_pairs_go_from_the_widest_inwards_and_leave_the_median():
    assert words.pairs([0.05, 0.25, 0.5, 0.75, 0.95]) == [(0, 4), (1, 3)]
    assert words.pairs([0.5]) == []


def test_what_would_be_held_comes_with_what_that_earned():
    said = words.held(UP)
    assert said.startswith(
        "Held by probability: 32 % long, the mean of 5 seeds from 19 % long to 45 % long. Held so over the record,"
        " filled at the next open, it earned"
    )
    assert "−1.2 % a year after costs (days added up), a Sharpe ratio of −0.11 [−1.38, 1.21] (before costs 0.34" in said
    assert said.endswith("an information ratio of −0.52 [−1.77, 0.70].")
    assert words.held(DOWN).startswith("Held by probability: 59 % short, the mean of ")
    assert words.held(PLAIN) == ""
    flat = [one | {"weight": 0.001} if one["model"] == "lstm" else one for one in UP["models"]]
    assert words.held(UP | {"models": flat}).startswith("Held by probability: nothing, the mean of 5 seeds")


def test_the_record_says_what_there_is():
    record = UP["record"]
    assert words.share(record["accuracy"]) == "51.4 % [46.9, 55.8]"
    assert words.share(None) == "–"
    assert words.coverage(record, 20) == "80.2 % [77.2, 83.2] of 90 %"
    assert words.coverage(PLAIN["record"], 20) == "–"
    assert [words.skill_at(record, horizon) for horizon in (1, 5, 20)] == [
        "+0.3 % [−0.4, +1.1]",
        "−1.2 % [−3.1, +0.6]",
        "–",
    ]
    assert words.brier(record) == "0.2512 (usual side 0.2496)"
    assert words.brier(PLAIN["record"]) == "0.2512"
