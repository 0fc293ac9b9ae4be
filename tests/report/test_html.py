"""The page: self-contained, deterministic, escaped, and complete."""

import json
import re
import runpy
import tomllib
from dataclasses import replace
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from plotly.offline import get_plotlyjs

from tenor.factor.clean import LeftOut
from tenor.model.forecast import Failure
from tenor.report.figures import FIGURES
from tenor.report.html import page
from tenor.trust.evaluation import Score

READING = runpy.run_path(str(Path(__file__).with_name("reading.py")))
own, balanced = READING["own"], READING["balanced"]
NASTY = "</script><script>alert(1)</script><a href='javascript:x'>&amp;"
NAN = float("nan")


@pytest.fixture(scope="module")
def html(report):
    return page(report)


def figures_of(html):
    return json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)[1])


def test_equal_reports_give_equal_bytes(report, html):
    assert page(report) == html


def test_the_library_is_inside_once_and_nothing_is_fetched(html):
    assert html.count(get_plotlyjs()) == 1
    rest = own(html)
    assert not re.search(r"https?://", rest)
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]*\bsrc=|@import|url\(", rest)
    assert "default-src 'none'" in rest
    assert "connect-src" not in rest


def test_data_of_the_figures_are_lean(html):
    assert len(own(html)) < 600_000


def test_the_page_is_balanced_and_ids_are_unique(html):
    assert {f"plot-{name}" for name in FIGURES} <= set(balanced(html))


def test_every_link_has_its_section(html):
    for name in re.findall(r'href="#(\w+)"', html):
        assert f'id="{name}"' in html


def test_figures_come_back_from_the_page(report, html):
    data = figures_of(html)
    assert list(data["figures"]) == list(FIGURES)
    assert data["config"]["showSendToCloud"] is False
    for name, draw in FIGURES.items():
        wanted = json.loads(draw(report).to_json())["data"]
        for trace in data["figures"][name]["data"]:
            if isinstance(trace.get("x"), dict):
                trace["x"] = data["shared"][trace["x"]["same"]]
        assert data["figures"][name]["data"] == wanted


def test_what_stands_at_the_top(report, html):
    head = html.split("<nav")[0]
    assert "<h1>two-spreads</h1>" in head
    assert "Is anything found where nothing was planted?" in head
    assert ">Nothing found</span>" in head
    assert "95&nbsp;% interval" in head
    assert "<strong>SIMULATED</strong>" in head
    assert f'title="{report.identity}">{report.identity[:12]}<' in head
    assert f'title="{report.data.fingerprint}">{report.data.fingerprint[:12]}<' in head
    assert "2 (3 to 4)" in head


def test_observed_data_have_no_banner(report):
    html = page(replace(report, data=replace(report.data, simulated=False, source="files", notes=())))
    assert "<strong>SIMULATED</strong>" not in html
    assert "Reading the data left no note." in html


def test_the_resolved_study_reads_back(report, html):
    text = unescape(re.search(r"<pre>(.*?)</pre>", html, re.DOTALL)[1])
    assert tomllib.loads(text) == report.study


def test_hostile_strings_stay_text(report):
    study = {**report.study, "name": NASTY, "question": NASTY}
    renamed = {"lightgbm": NASTY}

    def name(one):
        return replace(one, model=renamed.get(one.model, one.model))

    evaluation = report.evaluation
    evaluation = replace(
        evaluation,
        directions=tuple(map(name, evaluation.directions)),
        earned=tuple(map(name, evaluation.earned)),
        equities=tuple(map(name, evaluation.equities)),
        by_fold={renamed.get(key, key): value for key, value in evaluation.by_fold.items()},
        reliabilities={renamed.get(key, key): value for key, value in evaluation.reliabilities.items()},
        comparisons=tuple(
            replace(c, first=renamed.get(c.first, c.first), second=renamed.get(c.second, c.second))
            for c in evaluation.comparisons
        ),
        findings=tuple(map(name, evaluation.findings)),
        ledger=evaluation.ledger.with_columns(pl.col("model").replace(renamed)),
        notes=(NASTY,),
    )
    hostile = replace(
        report,
        study=study,
        identity=NASTY,
        data=replace(report.data, source=NASTY, fingerprint=NASTY, notes=(NASTY,)),
        left_out=(LeftOut("T", NASTY, 1),),
        missing={NASTY: 0.5},
        failures=(Failure(NASTY, 0, None, NASTY),),
        spreads=report.spreads.with_columns(pair=pl.lit(NASTY)),
        evaluation=evaluation,
    )
    html = page(hostile)
    balanced(html)
    rest = own(html)
    assert "alert(1)</script>" not in rest
    assert "<a href='" not in rest
    for figure in figures_of(html)["figures"].values():
        for trace in figure["data"]:
            assert "<script" not in json.dumps(trace)
            assert "<a " not in json.dumps(trace)


def test_one_seed_has_no_spread_and_no_band(report):
    evaluation = report.evaluation

    def alone(scores):
        return {key: replace(score, sd=None) for key, score in scores.items()}

    changed = replace(
        evaluation,
        directions=tuple(replace(d, seeds=1, scores=alone(d.scores)) for d in evaluation.directions),
        earned=tuple(replace(e, seeds=1, scores=alone(e.scores)) for e in evaluation.earned),
        equities=tuple(replace(e, net=e.net[:1]) for e in evaluation.equities),
        ledger=evaluation.ledger.filter(pl.col("seed") == 3),
        by_fold={key: tuple(replace(s, sd=None) for s in value) for key, value in evaluation.by_fold.items()},
    )
    html = page(replace(report, study={**report.study, "seeds": 1}, evaluation=changed))
    assert "<dd>1 (3)</dd>" in html
    assert not re.search(r"<small>±", html)
    assert "tonexty" not in json.dumps(figures_of(html))


def test_undefined_scores_are_dashes_with_reasons_and_never_nan(report):
    evaluation = report.evaluation
    changed = replace(
        evaluation,
        directions=tuple(
            replace(
                d,
                scores=dict.fromkeys(d.scores, Score(NAN, NAN, NAN, NAN)),
                n=0,
                binomial_p=NAN,
                undefined=dict.fromkeys(d.scores, "all days were flat"),
            )
            for d in evaluation.directions
        ),
        earned=tuple(
            replace(e, scores=dict.fromkeys(e.scores, Score(NAN)), undefined={"calmar": "there was no drawdown"})
            for e in evaluation.earned
        ),
        by_fold={key: tuple(Score(NAN) for _ in value) for key, value in evaluation.by_fold.items()},
        comparisons=tuple(replace(c, estimate=NAN, low=NAN, high=NAN, p_value=NAN) for c in evaluation.comparisons),
        findings=tuple(replace(f, margin=NAN, p_holm=1.0, found=False) for f in evaluation.findings),
    )
    html = page(replace(report, evaluation=changed))
    assert not re.search(r"\bnan\b", own(html), re.IGNORECASE)
    assert "all days were flat" in html
    assert "there was no drawdown" in html
    assert "too short to confirm any accuracy" in html


def test_failures_and_notes_are_on_the_page(report):
    failed = replace(
        report,
        failures=(Failure("lightgbm", 1, 4, "the trees did not grow"),),
        evaluation=replace(report.evaluation, notes=("dnn: no fold could be fitted; it has no scores",)),
    )
    html = page(failed)
    assert "the trees did not grow" in html
    assert "dnn: no fold could be fitted" in html
    assert "Every model has a forecast for every fold and seed." in page(report)


def test_without_comparisons_the_figure_is_left_out_with_a_word(report):
    changed = replace(report.evaluation, comparisons=(), findings=())
    html = page(replace(report, evaluation=changed))
    assert "plot-differences" not in html
    assert "nothing is compared" in html
    assert ">No comparison</span>" in html
