"""The page of a what-if: self-contained, deterministic, escaped, complete, and marked where it is implausible."""

import json
import re
import runpy
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from tenor.report import what_if_text as words
from tenor.report.what_if_page import what_if_page
from tenor.scenario.search import Family

READING = runpy.run_path(str(Path(__file__).with_name("reading.py")))
own, balanced = READING["own"], READING["balanced"]
HAND = runpy.run_path(str(Path(__file__).with_name("what_if_by_hand.py")))
ANSWER, LIKELY, DEAR, UNUSUAL = HAND["ANSWER"], HAND["LIKELY"], HAND["DEAR"], HAND["UNUSUAL"]
NASTY = "</script><script>alert(1)</script><a href='javascript:x'>&amp;%{x}"


@pytest.fixture(scope="module")
def html():
    return what_if_page(ANSWER)


def text_of(html):
    """What a reader reads, without tags, a no-break space as a space."""
    shown = re.sub(r"<(script|style).*?</\1>", "", own(html), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\xa0", " ")


def test_equal_answers_give_equal_bytes(html):
    assert what_if_page(runpy.run_path(str(Path(__file__).with_name("what_if_by_hand.py")))["ANSWER"]) == html


def test_the_library_is_inside_once_and_nothing_is_fetched(html):
    assert html.count(get_plotlyjs()) == 1
    rest = own(html)
    assert not re.search(r"https?:|//\w+\.\w+/", rest)
    assert not re.search(r"<(link|img|iframe)\b|<script[^>]*\bsrc=|@import|url\(", rest)
    assert "default-src 'none'" in rest
    assert len(rest) < 200_000


def test_every_figure_has_its_place_and_every_link_its_section(html):
    ids = balanced(html)
    figures = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html, re.DOTALL)[1])
    assert list(figures["figures"]) == [
        "sweep",
        "grid-pnl",
        "grid-up",
        *("shifts1", "families1", "models1"),
        *("shifts2", "families2", "models2"),
    ]
    assert {f"plot-{name}" for name in figures["figures"]} <= set(ids)
    assert set(re.findall(r'href="#([\w-]+)"', own(html))) <= set(ids)


def test_what_stands_at_the_top(html):
    head = html.split("<nav")[0]
    text = text_of(head)
    assert "<h1>What if? 2 scenarios</h1>" in head
    assert "T1906–T1909 on 10 May 2019, decided at the close" in text
    assert "<strong>SIMULATED</strong>" in head
    assert "<strong>STAND-IN BASKET</strong>" in head
    assert "The spread T1906–T1909 rises by 0.0200 points (4.0 ticks) to 0.4200." in text
    assert "The 1 pair held (long near, short far) earns 200 yuan." in text
    assert "The probability of up goes from 52.00 % to 54.00 %; the position stays at +1.00 pairs." in text
    assert "goes from 52.00 % to 48.00 %, so the forecast flips; the position goes from +1.00 to −1.00 pairs" in text
    assert "which costs 112 yuan. The cheapest bond of T1909 switches from 180027.IB to 180004.IB." in text
    assert "1 factor lies more than 4 standard deviations from the mean of train, 1 outside the range of train." in text


def test_one_scenario_is_the_title_and_observed_data_have_no_banner():
    asked = replace(ANSWER.asked, simulated=False, stand_in=False, source="files", moment="2019-05-10T10:00:00+00:00")
    html = what_if_page(replace(ANSWER, asked=asked, outcomes=(LIKELY,), sweep=None, grid=None, flips=()))
    assert "<h1>What if parallel +10bp?</h1>" in html
    assert 'class="simulated"' not in html
    assert 'class="base"' not in html
    assert "with what was known by 10 May 2019, 10:00 UTC" in text_of(html)
    assert 'id="sweep"' not in html
    assert 'id="flips"' not in html
    balanced(html)


def test_what_is_implausible_is_marked_and_shown(html):
    verdicts = re.findall(r'<div class="verdict what-if.*?</div>', html, re.DOTALL)
    assert [part.count('class="mark"') for part in verdicts] == [0, 2]
    assert "IMPLAUSIBLE: none of 800 changes over 1 session since 2016-01-05" in text_of(html)
    assert "<small>IMPLAUSIBLE EXTRAPOLATION</small>" in html
    assert "beyond 4 standard deviations: spread" in text_of(html)
    assert "−4.20" in text_of(html)


def test_a_shock_that_cannot_be_judged_is_not_called_plausible():
    unjudged = replace(LIKELY.plausibility, distance=0.0, rank=1.0, unjudged=("the price of T1906",))
    html = what_if_page(replace(ANSWER, outcomes=(replace(LIKELY, plausibility=unjudged),)))
    assert "<small>not judged</small>" in html
    assert "<small>plausible</small>" not in html


def test_units_are_those_that_people_write(html):
    text = re.sub(r"\s+", " ", text_of(html))
    assert "CGB 10y 3.300 % 3.400 % +10.0 bp curve" in text
    assert "spread 0.4000 0.4200 +0.0200 price" in text
    assert "probability of up, lstm 52.00 % 54.00 % +2.00 pp forecast" in text
    assert "profit and loss of what was held 0 200 +200 result" in text
    assert "95 % interval" in text
    assert "over 200 draws" in html
    assert "spread 0.40000 0.35000 0.33000 to 0.37000 +0.50 −4.20" in text
    assert "2 of 9 links do not change" not in text
    assert "3 of 9 links do not change" in text  # funding, pairs, and a net basis that differs by rounding


def test_counterfactuals_are_sentences(html):
    text = text_of(html)
    assert "repo +23.125bp flips the forecast (probability of up 52.00 % → 49.99 %): an IMPLAUSIBLE size." in text
    assert "No parallel shock between −100bp and +100bp flips the position: the pairs wanted stay at" in text


def test_sweep_and_grid_are_in_numbers_too(html):
    text = re.sub(r"\s+", " ", text_of(html))
    assert "Between parallel −20bp and −10bp — far: C → B" in text
    assert "2 of the sizes are IMPLAUSIBLE" in text
    assert "+10 0.4200 54.00 % +1.00 +200 A B" in text
    assert "parallel, bp ↓, repo, bp →" in text


def test_a_base_that_is_out_is_said_once_and_marks_no_scenario():
    asked = replace(ANSWER.asked, base_inputs=UNUSUAL)
    html = what_if_page(replace(ANSWER, asked=asked, outcomes=(replace(LIKELY, inputs=UNUSUAL),)))
    text = text_of(html)
    assert text.count("The base itself is unusual: EXTRAPOLATION: 0.20 % of the train rows were as far out") == 1
    assert "Inputs no further out than the base: 0.20 % of the train rows were as far out." in text
    assert 'class="mark"' not in html


def test_a_shock_that_goes_further_than_an_unusual_base_says_so():
    further = replace(LIKELY, inputs=replace(UNUSUAL, rank=0.0))
    assert words.inputs_in_full(further, UNUSUAL) == (
        "Inputs unusual like those of the base (0.20 %), and further out: none of the train rows were as far out."
    )
    assert words.marks(further) == ()


def test_several_scenarios_are_compared_before_they_are_told(html):
    assert html.index('id="scenarios"') < html.index('class="verdict') < html.index("<nav")
    one = what_if_page(replace(ANSWER, outcomes=(LIKELY,)))
    assert one.index('class="verdict') < one.index("<nav") < one.index('id="scenarios"')


def test_what_is_varied_starts_from_the_base(html):
    assert text_of(html).count(words.FROM_THE_BASE) == 3  # over the counterfactuals, the sweep and the grid
    assert words.FROM_THE_BASE not in text_of(what_if_page(replace(ANSWER, outcomes=())))
    assert words.FROM_THE_BASE not in text_of(what_if_page(replace(ANSWER, sweep=None, grid=None, flips=())))


def test_a_probability_that_prints_the_same_stays():
    up = replace(LIKELY.chain[6], base=0.56010, shocked=0.56011)
    outcome = replace(
        LIKELY,
        chain=(*LIKELY.chain[:6], up, *LIKELY.chain[7:]),
        steps=(replace(LIKELY.steps[0], up=0.56010), replace(LIKELY.steps[1], up=0.56011)),
    )
    assert words.forecast_sentence(outcome, ANSWER.asked).startswith("The probability of up stays at 56.01 %;")
    assert words.steps_sentence(outcome, ANSWER.asked).endswith("and the probability of up stays at 56.01 %.")


def test_a_model_that_crosses_by_next_to_nothing_is_on_the_edge():
    near = replace(DEAR.models[0], up_base=0.500001, up_shocked=0.499999)
    sentence = words.models_sentence(replace(DEAR, models=(near, DEAR.models[1])))
    assert sentence.startswith(
        "1 of 2 models change their mind: lstm; on the edge of one half, before and after: reversal."
    )
    assert words.mind(near) == "on the edge"
    up = replace(DEAR.chain[6], base=0.500001, shocked=0.499999)
    said = words.forecast_sentence(replace(DEAR, chain=(*DEAR.chain[:6], up, *DEAR.chain[7:])), ANSWER.asked)
    assert "goes from 50.0001 % to 49.9999 %, on the edge of one half; the position goes" in said


@pytest.mark.parametrize(
    ("ups", "expected"),
    [
        ((0.48, 0.56), "Blue is up, orange is down"),
        ((0.56, 0.57), "No cell crosses one half: all are up"),
        ((0.41, 0.42), "No cell crosses one half: all are down"),
    ],
)
def test_a_heat_map_says_what_its_colours_span(ups, expected):
    grid = replace(
        ANSWER.grid, points=tuple(replace(each, up=ups[at % 2]) for at, each in enumerate(ANSWER.grid.points))
    )
    assert expected in words.grid_caption(grid, ANSWER.asked, "up")


@pytest.mark.parametrize(
    ("pnls", "expected"),
    [
        ((-5.0, 5.0), "Blue earns, orange loses"),
        ((0.0, 5.0), "No cell loses"),
        ((-5.0, -1.0), "No cell earns"),
        ((0.0, 0.0), "All cells are the same"),
    ],
)
def test_a_heat_map_of_money_says_what_its_colours_span(pnls, expected):
    grid = replace(
        ANSWER.grid, points=tuple(replace(each, pnl=pnls[at % 2]) for at, each in enumerate(ANSWER.grid.points))
    )
    assert expected in words.grid_caption(grid, ANSWER.asked, "pnl")


@pytest.mark.parametrize("outcomes", [(), (LIKELY,)])
def test_a_sweep_alone_or_a_grid_alone_makes_a_page(outcomes):
    for change in ({"sweep": None}, {"grid": None}, {"sweep": None, "grid": None}):
        html = what_if_page(replace(ANSWER, outcomes=outcomes, **change))
        balanced(html)
        if not outcomes:
            assert text_of(html).count("flips the forecast") == 2  # in the verdict and in its section


def test_names_from_files_cannot_leave_their_place():
    dear = replace(
        DEAR,
        name=NASTY,
        shifts=(NASTY, NASTY),
        steps=(DEAR.steps[0], *(replace(step, name=NASTY) for step in DEAR.steps[1:])),
        families=(DEAR.families[0], *(replace(step, name=NASTY) for step in DEAR.families[1:])),
        models=tuple(replace(each, model=NASTY) for each in DEAR.models),
        factors=(replace(DEAR.factors[0], column=NASTY),),
        notes=(NASTY,),
        cheapest=tuple(replace(bond, base=NASTY, shocked=NASTY) for bond in DEAR.cheapest),
        chain=(*DEAR.chain, replace(DEAR.chain[0], name=NASTY, stage=NASTY)),
        inputs=replace(DEAR.inputs, far=(NASTY,)),
    )
    sweep = replace(
        ANSWER.sweep,
        families=(Family(NASTY, ""),),
        points=tuple(replace(each, near_cheapest=NASTY) for each in ANSWER.sweep.points),
    )
    nasty = replace(
        ANSWER,
        asked=replace(ANSWER.asked, run=NASTY, study=NASTY, source=NASTY, funding=(NASTY,), rule=NASTY),
        outcomes=(dear,),
        sweep=sweep,
        grid=replace(ANSWER.grid, families=(Family(NASTY, ""), Family(NASTY, ""))),
        flips=(replace(ANSWER.flips[0], family=Family(NASTY, "")),),
    )
    html = what_if_page(nasty)
    balanced(html)
    assert "<script>alert" not in html
    assert "javascript:x'" not in own(html)
    assert "<a href='" not in own(html)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0325, "decimal", "3.250 %"),
        (-0.00001, "points", "0.0000"),
        (97.25, "points", "97.2500"),
        (0.49998, "probability", "49.9980 %"),
        (0.5, "probability", "50.00 %"),
        (0.49999998, "probability", "just below 50 %"),
        (-1.5, "pairs", "−1.50"),
        (-1234.4, "money", "−1,234"),
        (None, "money", "–"),
    ],
)
def test_numbers_as_people_write_them(value, unit, expected):
    assert words.written(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.001, "decimal", "+10.0 bp"),
        (-0.0213, "probability", "−2.13 pp"),
        (0.0, "points", "0.0000"),
        (0.00001, "points", "0.0000"),
        (1165.0, "money", "+1,165"),
        (float("nan"), "money", "–"),
    ],
)
def test_changes_carry_their_sign(value, unit, expected):
    assert words.change(value, unit) == expected


def test_nothing_held_earns_nothing():
    assert "Nothing is held" in words.earned_sentence(replace(LIKELY, held=0.0, pnl_held=0.0), ANSWER.asked)


@pytest.mark.parametrize(("size", "text"), [(23.125, "+23.125"), (-10.0, "−10"), (0.0, "0"), (1 / 3, "+0.333")])
def test_sizes_have_as_many_digits_as_they_need(size, text):
    assert words.size(size) == text
