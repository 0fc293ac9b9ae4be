"""The page of an outlook: self-contained, deterministic, escaped, its warnings first, and every number on it."""

import json
import re
import runpy
from html import unescape
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from tenor.report.outlook_figures import SHOWN, fan, probabilities
from tenor.report.outlook_page import outlook_page

READING = runpy.run_path(str(Path(__file__).with_name("reading.py")))
own, balanced = READING["own"], READING["balanced"]
HAND = runpy.run_path(str(Path(__file__).with_name("outlooks_by_hand.py")))
NASTY = "</script><script>alert(1)</script><a href='javascript:x'>&amp;%{x}"


@pytest.fixture(scope="module")
def html():
    return outlook_page(HAND["ALL"])


def text_of(html):
    shown = re.sub(r"<(script|style).*?</\1>", "", own(html), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\xa0", " "))


def test_equal_answers_give_equal_bytes(html):
    again = runpy.run_path(str(Path(__file__).with_name("outlooks_by_hand.py")))
    assert outlook_page(again["ALL"]) == html


def test_nothing_is_fetched(html):
    assert html.count(get_plotlyjs()) == 1
    assert not re.search(r"https?:|//\w+\.\w+/", own(html))
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]*\bsrc=|@import|url\(", own(html))


def test_every_figure_has_its_place_and_every_link_its_section(html):
    ids = balanced(html)
    figures = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)[1])
    assert list(figures["figures"]) == [f"{kind}{at}" for at in range(1, 7) for kind in ("fan", "models")]
    assert {f"plot-{name}" for name in figures["figures"]} <= set(ids)
    assert set(re.findall(r'href="#([\w-]+)"', own(html))) <= set(ids)


def test_warnings_stand_before_any_number(html):
    head = html.split("<nav")[0]
    assert re.findall(r'role="note"><strong>(\w+)<', head) == ["SIMULATED", "STALE", "VALIDATION", "FAILED"]
    text = text_of(head)
    assert "600519: Data end 20 Nov 2026, 2 sessions ago: STALE." in text
    assert f"XYZ: {HAND['FAILED']['reason']}" in text
    assert text.index("SIMULATED") < text.index("P(up)")
    assert "Side by side" in text


def test_one_ticker_without_a_warning():
    html = outlook_page(HAND["ONE"])
    balanced(html)
    head = html.split("<nav")[0]
    assert "<h1>Outlook: AAPL Apple</h1>" in head
    assert 'class="simulated"' not in head
    assert "Side by side" not in head
    text = text_of(head)
    assert "P(up) 53.2 % [51.9, 54.5] over 5 seeds" in text
    assert "Expected range next session, 25 Nov 2026 (90 %): 265.41 to 277.92 USD." in text
    assert HAND["UP"]["record"]["sentence"] in text
    assert "Nothing found" in text
    assert "left:53.20%" in head


def test_a_dash_has_its_reason(html):
    text = text_of(html)
    assert "beyond the holidays of the exchange that are known" in text
    assert "this model gives no quantiles" in text
    assert "the run has no rule that always calls the usual side" in text


def test_words_from_data_are_escaped():
    nasty = HAND["UP"] | {"name": NASTY, "source": NASTY, "run": NASTY, "currency": NASTY, "notes": [NASTY]}
    html = outlook_page(HAND["answer"](nasty, HAND["DOWN"], failed=[{"code": NASTY, "reason": NASTY}], notes=[NASTY]))
    balanced(html)
    assert "alert(1)</script>" not in own(html)
    assert "<a href='javascript" not in own(html)


def test_the_fan_passes_through_the_quantiles_and_ends_at_the_last_close():
    figure = fan(HAND["UP"])
    quoted = next(trace for trace in figure.data if trace.type == "candlestick")
    assert len(quoted.close) == SHOWN
    assert (quoted.x[-1], quoted.close[-1]) == (0, HAND["UP"]["close"])
    bands = [trace for trace in figure.data if trace.type == "scatter" and trace.fill]
    assert [band.name for band in bands] == ["90 % range", "50 % range"]
    said = HAND["UP"]["models"][-1]["prices"]
    close = HAND["UP"]["close"]
    assert list(bands[0].x) == [0, 1, 5, 20, 20, 5, 1, 0]
    lows, highs = [row[0] for row in said], [row[-1] for row in said]
    assert list(bands[0].y) == [close, *lows, *highs[::-1], close]
    naive = next(trace for trace in figure.data if trace.name == "tomorrow = today")
    assert set(naive.y) == {close}


def test_a_model_without_quantiles_has_no_fan():
    figure = fan(HAND["PLAIN"])
    assert not [trace for trace in figure.data if trace.type == "scatter" and trace.fill]
    assert [trace.name for trace in figure.data if trace.type == "scatter"] == ["tomorrow = today"]


def test_every_model_has_its_mark_and_the_range_of_its_seeds():
    figure = probabilities(HAND["UP"])
    marks = {trace.y[0]: trace for trace in figure.data}
    assert list(marks) == ["lightgbm", "random_walk", "majority", "lstm"]
    assert marks["lstm"].x[0] == pytest.approx(53.2)
    assert marks["lstm"].error_x.array[0] == pytest.approx(1.3)
    low, high = figure.layout.xaxis.range
    assert low <= 44.5
    assert high >= 55.5
