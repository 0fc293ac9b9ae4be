"""What a terminal prints of a what-if, a basis and a price: the sentences of the page, marks, and no number lost."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tenor.app.what_if_tables import printed_basis, printed_price, printed_what_if, read_back

HAND = runpy.run_path(str(Path(__file__).parents[1] / "report" / "what_if_by_hand.py"))
ANSWER, LIKELY, UNUSUAL = HAND["ANSWER"], HAND["LIKELY"], HAND["UNUSUAL"]

BOND = {
    "bond": "180027.IB",
    "coupon": 0.0325,
    "frequency": 2,
    "maturity": "2028-11-22",
    "factor": 1.0196,
    "quoted": True,
    "yield": 0.0331,
    "clean": 99.5,
    "accrued": 1.5,
    "accrued_at_delivery": 0.9,
    "implied_futures": 97.1,
    "gross_basis": 0.42,
    "carry": 0.3,
    "net_basis": 0.12,
    "irr": 0.0211,
    "cheapest": True,
    "cheapest_by_irr": True,
}
BASIS = {
    "contract": "T1909",
    "on": "2019-05-10",
    "decision": "evening",
    "source": "files",
    "simulated": False,
    "stand_in": False,
    "last_trading_day": "2019-09-16",
    "second_delivery_day": "2019-09-18",
    "days": 131.0,
    "price": 97.0,
    "price_source": "close",
    "fair": 97.1,
    "richness": -0.1,
    "switch_distance": None,
    "funding": 0.025,
    "curve": "CGB",
    "curve_date": "2019-05-10",
    "reinvest": "self",
    "bonds": [
        BOND,
        BOND | {"bond": "180019.IB", "quoted": False, "irr": None, "cheapest": False, "cheapest_by_irr": False},
    ],
    "notes": ["1 of 2 bonds have no quote"],
    "data_notes": ["a note", "another"],
}
PRICE = {
    "bond": None,
    "coupon": 0.0369,
    "frequency": 2,
    "maturity": "2028-05-17",
    "yield": 0.033,
    "priced_from": "yield",
    "on": "2019-05-10",
    "clean": 103.0205,
    "accrued": 1.7736,
    "dirty": 104.7941,
    "macaulay_years": 7.6448,
    "modified_duration": 7.5207,
    "convexity": 66.8365,
    "dv01": 0.0788125,
}


def over_the_wire(answer, page="whatif/x.html"):
    """What a program would read: the answer through JSON."""
    return json.loads(json.dumps({**answer.answer(), "page": page}, allow_nan=False))


@pytest.fixture
def shown(capsys):
    """Print with ``face`` and return what stands on the terminal."""

    def show(face, answer, width=150):
        capsys.readouterr()
        face(answer, Console(width=width, markup=False, emoji=False))
        return capsys.readouterr().out

    return show


def flat(text):
    """Cells and words, one space apart."""
    return " ".join(text.replace("│", " ").split())


def test_json_reads_back_into_the_answer():
    found = read_back(over_the_wire(ANSWER))
    assert found.answer() == ANSWER.answer()
    assert found.outcomes[0].plausibility == LIKELY.plausibility


def test_reading_back_leaves_the_answer_as_it_was():
    answer = over_the_wire(ANSWER)
    copy = json.loads(json.dumps(answer))
    read_back(answer)
    assert answer == copy


def test_a_what_if_says_who_when_and_what(shown):
    text = flat(shown(printed_what_if, over_the_wire(ANSWER)))
    assert text.startswith("SIMULATED")
    assert "STAND-IN BASKET" in text
    assert "What if? 2 scenarios T1906-T1909 on 10 May 2019, decided at the close" in text
    assert "The spread T1906-T1909 rises by 0.0200 points (4.0 ticks) to 0.4200." in text
    assert "dear quarter end IMPLAUSIBLE EXTRAPOLATION" in text
    assert "IMPLAUSIBLE: none of 800 changes over 1 session" in text
    assert text.endswith("Page: whatif/x.html")


def test_only_what_changes_is_in_the_chain(shown):
    text = flat(shown(printed_what_if, over_the_wire(replace(ANSWER, outcomes=(LIKELY,), sweep=None, grid=None))))
    assert "curve CGB 10y 3.300 % 3.400 % +10.0 bp" in text
    assert "REPO.1W 2.500 %" not in text
    assert "3 links of 9 do not change." in text
    assert "Side by side" not in text
    assert "Shift by shift" not in text  # there is one shift, and the chain has said what it does


def test_several_shifts_families_and_models_are_told(shown):
    text = flat(shown(printed_what_if, over_the_wire(ANSWER)))
    assert "repo +50bp 48.00 % -4.50 pp -500 -550" in text
    assert "spread_level 50.00 % -2.00 pp" in text
    assert "reversal 1 51.00 % 51.00 % 0.00 pp one seed" in text
    assert "lstm 3 52.00 % ±1.00 48.00 % ±1.20 -4.00 pp 46.50 to 49.40 % +1.00 -1.00 flips" in text
    assert "intervals over 200 draws" in text
    assert "dear quarter end -0.0500 -10.0 far 52.00 → 48.00 % +1.00 → -1.00 -500 +500 112 none IMPLAUSIBLE" in text


def test_sweep_grid_and_counterfactuals_are_told(shown):
    text = flat(shown(printed_what_if, over_the_wire(ANSWER)))
    assert "-20 0.3600 48.00 % -1.00 -400 A C IMPLAUSIBLE" in text
    assert "Between parallel -20bp and -10bp another bond becomes the cheapest: far: C → B" in text
    assert "-10 +300 ! -200 -700 !" in text
    assert "! marks sizes that are IMPLAUSIBLE." in text
    assert "repo +23.125bp flips the forecast (probability of up 52.00 % → 49.99 %)" in text
    assert "No parallel shock between -100bp and +100bp flips the position" in text


def test_several_scenarios_are_compared_before_they_are_told(shown):
    text = flat(shown(printed_what_if, over_the_wire(ANSWER)))
    places = [text.index(part) for part in ("Side by side", "From curve to money", "start from the base", "Sweep of")]
    assert places == sorted(places)
    alone = shown(printed_what_if, over_the_wire(replace(ANSWER, outcomes=())))
    assert "start from the base" not in alone


def test_a_base_that_is_out_is_said_once_and_marks_no_scenario(shown):
    asked = replace(ANSWER.asked, base_inputs=UNUSUAL)
    answer = replace(ANSWER, asked=asked, outcomes=(replace(LIKELY, inputs=UNUSUAL),), sweep=None)
    text = flat(shown(printed_what_if, over_the_wire(answer)))
    assert text.count("The base itself is unusual: EXTRAPOLATION: 0.20 % of the train rows") == 1
    assert "Inputs no further out than the base: 0.20 % of the train rows were as far out." in text
    assert "parallel +10bp EXTRAPOLATION" not in text


def test_a_shock_that_changes_nothing_draws_no_empty_table(shown):
    still = replace(LIKELY, chain=tuple(replace(link, shocked=link.base) for link in LIKELY.chain))
    text = flat(shown(printed_what_if, over_the_wire(replace(ANSWER, outcomes=(still,)))))
    assert "From curve to money" not in text
    assert "9 links of 9 do not change." in text


def test_observed_data_raise_no_alarm_and_no_page_is_said(shown):
    asked = replace(ANSWER.asked, simulated=False, stand_in=False)
    text = shown(printed_what_if, over_the_wire(replace(ANSWER, asked=asked), page=None))
    assert "SIMULATED" not in text
    assert "STAND-IN" not in text
    assert "Page" not in text


def test_names_are_not_markup(shown):
    named = replace(LIKELY, name="[red]x[/red]", notes=("[bold]n",))
    text = shown(printed_what_if, over_the_wire(replace(ANSWER, outcomes=(named,))))
    assert "[red]x[/red]" in text
    assert "[bold]n" in text


def test_a_basis_marks_the_cheapest_and_what_has_no_quote(shown):
    text = flat(shown(printed_basis, BASIS))
    assert "Price 97.0000 (close), fair 97.1000, richness -0.1000; no other bond can be delivered." in text
    assert "180027.IB 3.25 % 2028-11-22 1.0196 3.310 % 99.5000 97.1000 0.4200 0.3000 0.1200 2.110 % CHEAPEST" in text
    assert "0.1200 - off the curve" in text
    assert "1 of 2 bonds have no quote" in text
    assert "SIMULATED" not in text


def test_a_basis_of_a_stand_in_basket_says_so_once(shown):
    notes = ["STAND-IN BASKET: no list of deliverable bonds is in the data", "another note"]
    unquoted = [bond | {"quoted": False} for bond in BASIS["bonds"]]
    text = shown(printed_basis, BASIS | {"simulated": True, "stand_in": True, "notes": notes, "bonds": unquoted})
    assert text.count("STAND-IN BASKET") == 1
    assert "SIMULATED" in text
    assert "another note" in text
    assert "off the curve" not in text


def test_a_price_tells_every_sensitivity(shown):
    text = flat(
        shown(
            printed_price,
            PRICE | {"into": "T1906", "conversion_factor": 1.0536, "life_fits": True, "life_rule": [6.5, 10.0]},
        )
    )
    assert text.startswith("Bond on 2019-05-10, priced from its yield")
    assert "Source" not in text
    assert "coupon 3.690 %, 2 a year" in text
    assert "clean price 103.0205" in text
    assert "DV01, points per bp 0.078813" in text or "DV01, points per bp 0.078812" in text
    assert "conversion factor into T1906 1.0536" in text
    known = PRICE | {"bond": "180019.IB", "priced_from": "curve CGB", "source": "simulated", "simulated": True}
    lines = shown(printed_price, known | {"observed": "2019-05-09"}).splitlines()
    assert lines[0].startswith("SIMULATED")
    assert lines[1:3] == ["180019.IB on 2019-05-10, priced from curve CGB", "Source: simulated, of 2019-05-09"]
    text = flat("\n".join(lines))
    assert "conversion factor" not in text
