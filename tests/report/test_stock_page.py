"""The page of a study of stocks: self-contained, deterministic, escaped, complete, and true to the numbers."""

import json
import re
import runpy
import tomllib
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from tenor.model.forecast import Failure
from tenor.report.stock_figures import FIGURES
from tenor.report.stock_page import stock_page

READING = runpy.run_path(str(Path(__file__).with_name("reading.py")))
own, balanced = READING["own"], READING["balanced"]
NASTY = "</script><script>alert(1)</script><a href='javascript:x'>&amp;"


@pytest.fixture(scope="module")
def html(small_stocks):
    return stock_page(small_stocks.report)


def test_equal_reports_give_equal_bytes(small_stocks, html):
    assert stock_page(small_stocks.report) == html


def test_the_library_is_inside_once_and_nothing_is_fetched(html):
    assert html.count(get_plotlyjs()) == 1
    rest = own(html)
    assert not re.search(r"https?://", rest)
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]*\bsrc=|@import|url\(", rest)
    assert "default-src 'none'" in rest


def test_every_figure_is_drawn_and_every_link_has_its_section(html):
    ids = balanced(html)
    assert {f"plot-{name}" for name in FIGURES} <= set(ids)
    for name in re.findall(r'href="#([\w-]+)"', html):
        assert name in ids


def test_figures_come_back_from_the_page(small_stocks, html):
    held = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)[1])
    for name, draw in FIGURES.items():
        wanted = json.loads(draw(small_stocks.report).to_json())["data"]
        for trace in held["figures"][name]["data"]:
            if isinstance(trace.get("x"), dict):
                trace["x"] = held["shared"][trace["x"]["same"]]
        assert held["figures"][name]["data"] == wanted, name


def test_what_stands_at_the_top(small_stocks, html):
    head = html.split("<nav")[0]
    assert "<h1>small-stocks</h1>" in head
    assert "Who does better tomorrow?" in head
    assert ">Nothing found</span>" in head
    assert "<strong>SIMULATED</strong>" in head
    assert "<strong>VALIDATION</strong>" not in head
    assert "5: AAPL, JPM, KO, MSFT, XOM" in head
    assert "2 (1 to 2)" in head


def test_every_score_of_every_model_is_in_the_tables(small_stocks, html):
    text = unescape(re.sub(r"<[^>]+>", " ", own(html)).replace("\N{NO-BREAK SPACE}", " "))
    found = small_stocks.report.evaluation
    for one in found.directions:
        digits = 2 if one.scope == "all" else 1
        assert f"{100 * one.scores['accuracy'].mean:.{digits}f}" in text, (one.model, one.scope)
    for one in found.portfolios:
        for score in ("sharpe", "sharpe_gross", "information_ratio"):
            assert f"{one.scores[score].mean:z.2f}".replace("-", "−") in text, (one.model, one.portfolio, one.fill)
    for one in found.quantiles:
        assert f"{one.pinball.mean:.4f}" in text
    for one in found.cross_sections:
        assert f"{one.scores['rank_ic'].mean:z.4f}".replace("-", "−") in text


def test_the_resolved_study_reads_back(small_stocks, html):
    text = unescape(re.search(r"<pre>(.*?)</pre>", html, re.DOTALL)[1])
    assert tomllib.loads(text) == small_stocks.report.study


def test_validation_and_failures_are_said(small_stocks):
    report = small_stocks.report
    html = stock_page(replace(report, judged="validation", failures=(Failure("lstm", 0, 1, "the loss is no number"),)))
    head = html.split("<nav")[0]
    assert "<strong>VALIDATION</strong>" in head
    assert ">Not judged yet</span>" in head
    assert "the loss is no number" in html


def test_hostile_strings_stay_text(small_stocks):
    report = small_stocks.report
    hostile = replace(
        report,
        study={**report.study, "name": NASTY, "question": NASTY},
        names=(NASTY, *report.names),
        data=replace(report.data, source=NASTY, notes=(NASTY,)),
        failures=(Failure("lstm", 0, None, NASTY),),
        missing={NASTY: 0.5},
        evaluation=replace(report.evaluation, notes=(NASTY,)),
    )
    html = own(stock_page(hostile))
    balanced(html)
    assert "<script>alert" not in html
    assert "<a href='javascript" not in html
