"""What a terminal prints of outlooks and scores: warnings, side by side as far as it is wide, and no ticker lost."""

import io
import re
import runpy
from pathlib import Path

import pytest
from rich.console import Console

from tenor.app.predict_tables import LATEST, printed_predict, printed_score

HAND = runpy.run_path(str(Path(__file__).parents[1] / "report" / "outlooks_by_hand.py"))
ALL, ONE, SCORED = HAND["ALL"], HAND["ONE"], HAND["SCORED"]


def said(show, answer, width=150):
    out = io.StringIO()
    show(answer, Console(width=width, markup=False, emoji=False, file=out))
    return out.getvalue()


def test_one_ticker():
    out = said(printed_predict, ONE)
    assert "AAPL Apple" in out
    assert "P(up) next session 53.2 % [51.9, 54.5] over 5 seeds, by lstm" in out
    assert "Expected range next session, 25 Nov 2026 (90 %): 265.41 to 277.92 USD." in out
    assert HAND["UP"]["record"]["sentence"] in out
    assert "Side by side" not in out
    assert "SIMULATED" not in out
    assert "STALE" not in out


def test_warnings_failures_and_notes():
    out = said(printed_predict, ALL)
    assert "Data end 20 Nov 2026, 2 sessions ago: STALE." in out
    assert "SIMULATED: drawn" in out
    assert f"XYZ: {HAND['FAILED']['reason']}" in out
    assert ALL["notes"][0] in out
    assert "S&P 500 <index>" in out
    assert "贵州茅台" in out


def test_digits_follow_the_price():
    out = said(printed_predict, ALL)
    assert "742,500 USD" in out
    assert "0.01230 USD" in out
    assert "0.01129 to 0.01332" in out


@pytest.mark.parametrize(("width", "least", "most"), [(400, 1, 1), (100, 2, 3), (60, 3, 4), (30, 6, 6)])
def test_as_many_stand_side_by_side_as_fit(width, least, most):
    out = said(printed_predict, ALL, width)
    tables = out.split("Side by side")[1:]
    assert least <= len(tables) <= most
    heads = [next(line for line in each.splitlines() if "┃" in line) for each in tables]
    assert re.findall(r"[A-Z^0-9][A-Z0-9-]+", " ".join(heads)) == [one["code"] for one in ALL["outlooks"]]
    if width > 30:
        assert all("1,437.41 to 1,505.17" in each or "600519 " not in each.split("┡")[0] for each in tables)


def test_scores_and_outcomes():
    out = said(printed_score, SCORED)
    assert "66.7 % [9.4, 99.2]" in out
    assert "100.0 % of 90 %" in out
    assert "-1.23 %" in out
    assert all(note in out for note in (*SCORED["notes"], *SCORED["unusable"]))


def test_nothing_known_yet():
    records = [one | {"scored": 0, "right": None} for one in SCORED["records"]]
    out = said(printed_score, SCORED | {"records": records, "outcomes": SCORED["outcomes"][1:]})
    assert "No outcome has come yet" in out
    assert "Outcomes" not in out


def test_only_the_latest_outcomes_are_listed():
    many = [SCORED["outcomes"][0] | {"known": f"2026-{1 + at // 28:02}-{1 + at % 28:02}"} for at in range(50)]
    out = said(printed_score, SCORED | {"outcomes": many[::-1]})
    assert f"The latest {LATEST} of 50 outcomes" in out
    assert "2026-02-22" in out
    assert "2026-01-02" not in out
