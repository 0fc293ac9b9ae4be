"""A kept run on paper: equal bytes, the sentences of the page, the numbers of the run, pages that are counted."""

import json
import re
import runpy
import sys
from pathlib import Path

import pytest

from tenor.errors import RunError
from tenor.report import stock_text
from tenor.report import text as words
from tenor.report.run_pdf import MOST, run_pdf
from tenor.report.sheet import EDGE, INNER, Sheet, width_of, written
from tenor.report.tables import Cell, Column, Grid
from tenor.report.text import number, p_value, percent

READ = runpy.run_path(str(Path(__file__).with_name("test_outlook_pdf.py")))
pages_of, text_of = READ["pages_of"], READ["text_of"]

FACTS = {
    "code": "0.1.0+abc",
    "models": "f" * 64,
    "finished": "2026-01-01T10:00:00Z",
    "seconds": 12.3,
    "python": "3.11.7",
    "cores": 2,
}


def result_of(report, **changed):
    return json.loads(json.dumps(report.answer(), allow_nan=False)) | changed


def drawn(report, name="a-run-0123456789", facts=FACTS, **changed):
    return run_pdf(name, facts, result_of(report, **changed), report.frames())


def read(pdf):
    """The whole text, lines joined, minus signs as the sheet writes them."""
    return " ".join(text_of(page) for page in pages_of(pdf))


def is_said(sentence, text):
    return sentence.replace("−", "–") in text


@pytest.fixture(scope="module")
def pairs(report):
    return drawn(report)


@pytest.fixture(scope="module")
def stocks(small_stocks):
    return drawn(small_stocks.report)


def test_equal_runs_give_equal_bytes(report, pairs, small_stocks, stocks):
    assert pairs.startswith(b"%PDF-")
    assert drawn(report) == pairs
    assert drawn(small_stocks.report) == stocks
    assert drawn(report, facts={**FACTS, "finished": "2026-01-02T10:00:00Z"}) != pairs


def test_pages_are_few_and_counted_with_the_name_of_the_run_at_the_foot(pairs, stocks):
    for pdf in (pairs, stocks):
        pages = pages_of(pdf)
        assert 2 <= len(pages) <= 5
        for place, page in enumerate(pages):
            foot = text_of(page)
            assert f"Page {place + 1} of {len(pages)}" in foot
            assert "a-run-0123456789, SIMULATED" in foot


def test_the_banner_comes_before_the_verdict_and_the_verdict_is_that_of_the_page(report, pairs, small_stocks, stocks):
    for text, found in (
        (read(pairs), words.verdict(report)),
        (read(stocks), stock_text.verdict(small_stocks.report)),
    ):
        assert found.sentences
        for sentence in found.sentences:
            assert is_said(sentence, text)
        first = found.sentences[0].replace("−", "–")
        assert text.index("SIMULATED: Every price") < text.index(first)
        assert text.index(str(FACTS["code"])) > text.index(first)


def test_lineage_is_there_to_the_last_digit(report, pairs):
    text = read(pairs)
    for part in (report.identity, report.data.fingerprint, "f" * 64, "0.1.0+abc", "2026-01-01 10:00:00 UTC", "12.3 s"):
        assert part in text
    assert f"{report.data.first} to {report.data.last}" in text
    assert str(report.study["question"]) in text


def test_numbers_are_those_of_the_result(report, pairs):
    text, result = read(pairs), result_of(report)
    for one in (one for one in result["directions"] if one["scope"] == "all"):
        scores = one["scores"]
        line = [one["model"], percent(scores["accuracy"]["mean"]), number(scores["brier"]["mean"], 4)]
        interval = [number(100 * scores["accuracy"][edge], 1) for edge in ("low", "high")]
        for part in (*line, f"[{', '.join(interval)}]", number(one["n"], 0)):
            assert is_said(part, text), (one["model"], part)
    first = result["earned"][0]
    for one in result["earned"]:
        if (one["position"], one["fill"], one["scope"]) == (first["position"], first["fill"], "all"):
            scores = one["scores"]
            for part in (
                number(scores["sharpe"]["mean"]),
                number(scores["sharpe_gross"]["mean"]),
                percent(scores["max_drawdown"]["mean"]),
                number(scores["turnover"]["mean"], 0),
                number(scores["break_even_cost"]["mean"], 1),
            ):
                assert is_said(part, text), (one["model"], part)
    for one in result["findings"]:
        assert is_said(p_value(one["p_holm"]), text)
        assert is_said(number(100 * one["margin"], 1), text)
    for left in result["left_out"]:
        assert left["rule"] in text
        assert number(left["count"], 0) in text


def test_numbers_of_stocks_are_those_of_the_result(small_stocks, stocks):
    text, result = read(stocks), result_of(small_stocks.report)
    for one in (one for one in result["directions"] if one["scope"] == "all"):
        assert percent(one["scores"]["accuracy"]["mean"], 2) in text
        assert number(one["scores"]["brier"]["mean"], 4) in text
    first = result["portfolios"][0]
    for one in result["portfolios"]:
        if (one["portfolio"], one["fill"]) == (first["portfolio"], first["fill"]):
            assert is_said(number(one["scores"]["sharpe"]["mean"]), text)
            assert is_said(number(one["scores"]["turnover"]["mean"]), text)
    for one in result["findings"]:
        assert is_said(f"{number(100 * one['margin'], 2)} points", text)


def test_what_ended_before_the_test_range_says_so_first(small_stocks):
    text = read(drawn(small_stocks.report, judged="validation"))
    assert text.index("VALIDATION: The data end before") < text.index("Not judged yet")
    assert "VALIDATION: " not in read(drawn(small_stocks.report))


def test_the_chart_is_drawn_as_vectors_with_the_band_of_the_seeds(report, pairs, stocks):
    assert b"/Subtype /Image" not in pairs
    (page,) = [page for page in pages_of(pairs) if "Cumulative return" in text_of(page)]
    sessions = len(report.evaluation.sessions)
    assert page.count(b" l\n") + page.count(b" l ") > 4 * (sessions - 5)
    assert "The band holds all 2 seeds of LightGBM." in read(pairs)
    assert "keeps the mean over seeds of every session, so no band is drawn" in read(stocks)


def test_a_run_that_traded_nothing_has_no_chart(small_stocks):
    report = small_stocks.report
    frames = report.frames() | {"ledger": report.evaluation.ledger.clear()}
    text = read(run_pdf("a", FACTS, result_of(report, portfolios=[]), frames))
    assert "Nothing was traded" in text
    assert "Cumulative return" not in text


def test_models_that_failed_alike_are_told_together_and_many_notes_are_counted(report):
    failures = [
        {"model": model, "fold": fold, "seed": seed, "reason": "it did not converge"}
        for model, fold, seed in (("lightgbm", 0, 1), ("lightgbm", 0, 2), ("logistic", 1, None), ("majority", 1, None))
    ]
    notes = [f"note number {place}" for place in range(MOST + 25)]
    data = result_of(report)["data"] | {"notes": notes}
    text = read(drawn(report, failures=failures, data=data))
    assert "lightgbm, fold 1 (seed 1 and 2): it did not converge" in text
    assert "logistic, majority, fold 2: it did not converge" in text
    assert f"note number {MOST - 1}" in text
    assert f"note number {MOST} " not in text
    assert "more; result.json and report.html have all" in text


def test_names_in_other_scripts_are_set_in_fonts_that_have_them(report):
    study = result_of(report)["study"] | {"question": "国债期货 会 涨 吗?"}
    pdf = drawn(report, study=study)
    assert b"/BaseFont /STSong-Light" in pdf
    raw = re.sub(
        rb"\\(\d{3}|.)",
        lambda found: bytes([int(found[1], 8)]) if len(found[1]) == 3 else found[1],
        b"".join(pages_of(pdf)),
    )
    assert "国债期货".encode("utf-16-be") in raw


def test_without_reportlab_the_error_says_what_to_install(monkeypatch, report):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(RunError, match=r"pip install 'tenor\[pdf\]'"):
        drawn(report)


def edges_of(page):
    """Where every piece of text begins."""
    return [float(found[1]) for found in re.finditer(rb"1 0 0 1 (-?[\d.]+) (-?[\d.]+) Tm", page)]


def test_a_table_that_is_too_wide_is_folded_and_not_clipped():
    long = "a name of which nobody thought that it would have to fit"
    columns = tuple(Column(f"column {place} of many", numeric=place % 2 == 1) for place in range(12))
    rows = tuple(tuple(Cell(long, "and a finer line", "a remark") for _ in columns) for _ in range(40))
    pdf = written("t", "f", lambda sheet: sheet.grid(Grid("wide", columns, rows, (0,), ("a note",))))
    pages = pages_of(pdf)
    assert len(pages) > 1
    assert all("column" in text_of(page) for page in pages), "heads are repeated"
    assert all(EDGE - 0.1 <= x <= EDGE + INNER for page in pages for x in edges_of(page))
    assert "a: a remark" in text_of(pages[-1])


def test_a_foot_that_is_too_long_leaves_room_for_the_number_of_the_page():
    foot = text_of(pages_of(written("t", "x" * 400, lambda sheet: sheet.say("one line")))[0])
    assert "Page 1 of 1" in foot
    shown = re.search("x+", foot)
    assert shown is not None
    assert width_of(shown[0], 7.5) < INNER - 60


def test_a_paragraph_is_not_cut_by_the_page():
    def draw(sheet: Sheet) -> None:
        sheet.y = EDGE + 20
        sheet.say("a sentence of some length " * 10)

    first, second = pages_of(written("t", "f", draw))
    assert "sentence" not in text_of(first)
    assert "sentence" in text_of(second)
