"""Terms of bonds and baskets: one row a bond, the frequency that its factors tell, and what is refused."""

import runpy
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.io.sources.folder import Folder, check
from tenor.pricing.conversion_factor import conversion_factor

WRITTEN = runpy.run_path(str(Path(__file__).with_name("written.py")))
write, defects_of = WRITTEN["folder_of"], WRITTEN["defects_of"]
QUOTES = """
[[file]]
path = "main.csv"
table = "quotes"
products = ["T"]
unit = "per 100"
date = { column = "day" }
known = { rule = "close" }
gap = { calendar = "XSHG", sessions = 0 }
contract = { form = "code" }
legs = [{ contract = "contract", columns = { close = "close" } }]
"""
BONDS = """
[[file]]
path = "cf.csv"
table = "bonds"
products = ["T", "TF"]
unit = "percent"
known = { rule = "listing" }
contract = { form = "code" }
columns = { bond = "code", coupon = "coupon", contract = "contract", cf = "factor" }
maturity = { column = "end" }
frequency = "fit"
"""
BASKETS = """
[[file]]
path = "cf.csv"
table = "deliverables"
products = ["T", "TF"]
unit = "per 1"
known = { rule = "listing" }
contract = { form = "code" }
columns = { contract = "contract", bond = "bond", cf = "factor" }
"""
ROWS = (
    "contract,bond,coupon,end,cf",
    "T2606,260007,1.66,2033-03-25,0.9192",
    "T2606,260005,1.75,2036-02-25,0.8958",
    "T2606,230004,2.88,2033-02-25,0.9928",
    "T2609,260007,1.66,2033-03-25,0.9219",
    "TF2606,260003,1.54,2031-01-25,0.9383",
)
"""Published factors; 230004 fits one and two coupons a year."""


def folder_of(
    tmp_path: Path, layout: str = BONDS + BASKETS, rows: Sequence[str] = ROWS, **files: Sequence[str]
) -> Folder:
    return write(
        tmp_path, QUOTES + layout, **({"main": ("day,contract,close", "2026-06-01,T2609,109.0"), "cf": rows} | files)
    )


def edited(line: int, text: str) -> list[str]:
    """The rows with a line replaced, counted as an editor does."""
    return [*ROWS[: line - 1], text, *ROWS[line:]]


def test_one_file_gives_bonds_and_baskets(tmp_path: Path):
    market = folder_of(tmp_path).read()
    assert market.bonds.select("code", "coupon", "frequency", "maturity").rows() == [
        ("230004", pytest.approx(0.0288), 2, date(2033, 2, 25)),
        ("260003", pytest.approx(0.0154), 1, date(2031, 1, 25)),
        ("260005", pytest.approx(0.0175), 2, date(2036, 2, 25)),
        ("260007", pytest.approx(0.0166), 1, date(2033, 3, 25)),
    ]
    assert market.deliverables.select("contract", "bond", "factor").rows() == [
        ("T2606", "230004", 0.9928),
        ("T2606", "260005", 0.8958),
        ("T2606", "260007", 0.9192),
        ("T2609", "260007", 0.9219),
        ("TF2606", "260003", 0.9383),
    ]
    assert market.basket("T2609").select("bond", "frequency", "factor").rows() == [("260007", 1, 0.9219)]


def test_a_basket_is_known_at_the_open_of_the_listing_day_and_a_bond_with_its_first(tmp_path: Path):
    market = folder_of(tmp_path).read()
    listed = {"T2606": datetime(2025, 9, 15, 1, 30, tzinfo=UTC), "T2609": datetime(2025, 12, 15, 1, 30, tzinfo=UTC)}
    known = dict(market.deliverables.select("contract", "known_at").rows())
    assert {code: known[code] for code in listed} == listed
    assert market.bond("260007")["known_at"].to_list() == [listed["T2606"]]
    assert market.known_at(datetime(2025, 12, 1, tzinfo=UTC)).deliverables["contract"].unique().sort().to_list() == [
        "T2606",
        "TF2606",
    ]
    assert any("what the exchange added to a list later is dated too early" in note for note in market.notes)


def test_the_note_counts_bonds_that_both_frequencies_fit(tmp_path: Path):
    (said,) = (note for note in folder_of(tmp_path).read().notes if "frequency" in note)
    assert said == (
        "cf.csv: the frequency of 4 bonds is the one that reproduces their factors: 2 pay twice a year, 2 once; "
        "1 fit both and pay twice where they ran 10 years or more at issue"
    )


def test_a_short_bond_that_both_fit_pays_once(tmp_path: Path):
    rows = [*ROWS, "TF2606,260004,2.88,2033-02-25,0.9928"]  # issued in 2026: seven years
    market = folder_of(tmp_path, rows=[row.replace("TF2606,260004", "T2606,260004") for row in rows]).read()
    assert market.bond("260004")["frequency"].to_list() == [1]


def test_a_tie_that_the_code_does_not_settle_is_refused(tmp_path: Path):
    (defect,) = defects_of(folder_of(tmp_path, BONDS, edited(4, "T2606,CGB-A,2.88,2033-02-25,0.9928")))
    assert (defect.file, defect.row, defect.column) == ("cf.csv", 4, "bond")
    assert "its code does not tell the year of issue" in defect.reason


def test_a_factor_that_no_frequency_gives_is_refused_with_what_it_would_be(tmp_path: Path):
    (defect,) = defects_of(folder_of(tmp_path, rows=edited(5, "T2609,260007,1.66,2033-03-25,0.9319")))
    assert (defect.file, defect.row, defect.column) == ("cf.csv", 5, "cf")
    assert defect.reason == (
        "no frequency gives the 2 factors of bond 260007: 0.9319 in T2609, where one coupon a year gives 0.9219 and "
        "two give 0.9214"
    )
    assert "take a column as 'frequency'" in defect.remedy


def test_factors_of_which_each_fits_another_frequency_are_refused(tmp_path: Path):
    twice = float(conversion_factor(0.0166, 2, "2033-03-25", "2026-09-01"))
    defects = defects_of(folder_of(tmp_path, rows=edited(5, f"T2609,260007,1.66,2033-03-25,{twice}")))
    assert [(d.row, d.column) for d in defects] == [(2, "cf")]
    assert "no frequency gives the 2 factors of bond 260007" in defects[0].reason


@pytest.mark.parametrize(
    ("line", "text", "row", "column", "reason"),
    [
        (2, "T2606,260007,1.66,2033-03-25,", 2, "cf", "'' is not a number"),
        (2, "T2606,260007,1.66,2033-03-25,-0.9", 2, "cf", "-0.9 is not between 0.2 and 3.0"),
        (2, "T2606,260007,1.66,2033-03-25,91.92", 2, "cf", "91.92 is not between 0.2 and 3.0"),
        (2, "T2606,260007,150,2033-03-25,0.9192", 2, "coupon", "1.5 is not between 0 and 0.2 a year"),
        (2, "T2606,260007,0,2033-03-25,0.9192", 2, "coupon", "0.0 is not between 0 and 0.2 a year"),
        (2, "T2606,260007,x,2033-03-25,0.9192", 2, "coupon", "'x' is not a number"),
        (2, "T2606,260007,1.66,25.03.2033,0.9192", 2, "end", "'25.03.2033' is not a date"),
        (2, "TS2606,260007,1.66,2033-03-25,0.9192", 2, "contract", "TS2606 is of product 'TS'"),
        (2, "T26,260007,1.66,2033-03-25,0.9192", 2, "contract", "T26"),
        (2, "T2606,,1.66,2033-03-25,0.9192", 2, "bond", "no bond is named"),
        (3, "T2606,260007,1.66,2033-03-25,0.9192", 3, "bond", "260007 appears before in the basket of T2606"),
        (5, "T2609,260007,1.67,2033-03-25,0.9219", 5, "coupon", "of bond 260007, 0.0166 in row 2"),
        (5, "T2609,260007,1.66,2033-04-25,0.9219", 5, "end", "maturity 2033-04-25 of bond 260007, 2033-03-25 in row 2"),
        (2, "T2812,260007,1.66,2033-03-25,0.9192", 2, "contract", "2028"),
    ],
)  # fmt: skip
def test_bad_terms_are_refused_with_file_row_and_column(
    tmp_path: Path, line: int, text: str, row: int, column: str, reason: str
):
    found = [d for d in defects_of(folder_of(tmp_path, rows=edited(line, text))) if (d.row, d.column) == (row, column)]
    assert found
    assert all(reason in d.reason for d in found), found


def test_a_bond_that_matures_before_delivery_is_refused(tmp_path: Path):
    stated = BONDS.replace('"fit"', "1").replace(', contract = "contract", cf = "factor"', "")
    stated = stated.replace('contract = { form = "code" }\n', "").replace(
        'known = { rule = "listing" }',
        'known = { rule = "time", at = 09:00:00, zone = "Asia/Shanghai" }\ndate = { column = "issued" }',
    )
    bonds = ("bond,coupon,end,issued", "260007,1.66,2026-06-15,2026-03-25")
    layout = stated.replace("cf.csv", "bonds.csv") + BASKETS
    (defect,) = defects_of(folder_of(tmp_path, layout, ROWS[:2], bonds=bonds))
    assert (defect.file, defect.row) == ("cf.csv", 2)
    assert defect.reason == "bond 260007 matures on 2026-06-15, not after the delivery month of T2606"
    good = ("bond,coupon,end,issued", "260007,1.66,2033-03-25,2026-03-25")
    market = folder_of(tmp_path, layout, ROWS[:2], bonds=good).read()
    assert market.bond("260007").row(0)[1:] == (0.0166, 1, date(2033, 3, 25), datetime(2026, 3, 25, 1, tzinfo=UTC))
    assert market.basket("T2606")["known_at"].to_list() == [datetime(2026, 3, 25, 1, tzinfo=UTC)]


def test_a_basket_of_a_bond_without_terms_is_refused(tmp_path: Path):
    layout = BONDS.replace("cf.csv", "bonds.csv") + BASKETS
    found = defects_of(folder_of(tmp_path, layout, bonds=ROWS[:3]))
    assert [(d.file, d.row, d.column) for d in found] == [("cf.csv", 4, "bond"), ("cf.csv", 6, "bond")]
    assert found[0].reason == "bond 230004 in the basket of T2606 has no terms in 'bonds'"


def test_two_files_may_give_the_same_terms_and_not_others(tmp_path: Path):
    layout = BONDS + BONDS.replace("cf.csv", "bonds.csv") + BASKETS
    same = folder_of(tmp_path, layout, bonds=ROWS[:3]).read()
    assert same.bonds.equals(folder_of(tmp_path).read().bonds)
    other = [ROWS[0], "T2606,260005,1.75,2036-02-26,0.8958"]
    (defect,) = defects_of(folder_of(tmp_path, layout, bonds=other))
    assert (defect.file, defect.row, defect.column) == ("bonds.csv", 2, "code")
    assert defect.reason == "260005 is also given by cf.csv:3, with other values"


def test_a_column_may_say_the_frequency(tmp_path: Path):
    stated = BONDS.replace('frequency = "fit"\n', "").replace('cf = "factor"', 'f = "frequency"')
    rows = ["contract,bond,coupon,end,f", "T2606,260007,1.66,2033-03-25,1", "T2606,260005,1.75,2036-02-25,2"]
    assert folder_of(tmp_path, stated, rows).read().bonds["frequency"].to_list() == [2, 1]
    (defect,) = defects_of(folder_of(tmp_path, stated, [*rows, "T2606,230004,2.88,2033-02-25,3"]))
    assert (defect.row, defect.column, defect.reason) == (4, "f", "3.0 coupons a year")


def test_delivery_months_become_codes(tmp_path: Path):
    form = 'contract = { form = "yyyymm", product = "T" }'
    layout = (BONDS + BASKETS).replace('contract = { form = "code" }', form)
    rows = [ROWS[0], ROWS[1].replace("T2606", "202606")]
    assert folder_of(tmp_path, layout, rows).read().basket("T2606").height == 1


def test_a_check_says_what_each_entry_gave(tmp_path: Path):
    source = folder_of(tmp_path)
    _, bonds, baskets = check(source.folder, source.layout).parts
    assert (bonds.table, bonds.rows, bonds.kept, dict(bonds.values)["frequency"]) == ("bonds", 5, 4, 4)
    assert (baskets.table, baskets.rows, baskets.kept, dict(baskets.values)) == ("deliverables", 5, 5, {"factor": 5})
    assert (baskets.first, baskets.last) == (date(2025, 9, 15), date(2025, 12, 15))


@settings(max_examples=15)
@given(st.data())
def test_any_frequency_comes_back_from_its_factors(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    """Factors by the formula; where only one frequency gives them it is found, and never another."""
    rows, drawn = [ROWS[0]], {}
    for at in range(4):
        code, coupon = f"2600{at:02d}", data.draw(st.integers(100, 500)) / 100
        frequency, months = data.draw(st.sampled_from([1, 2])), data.draw(st.integers(80, 117))
        maturity = np.datetime64("2026-06", "M") + months
        for contract, month in (("T2606", "2026-06-01"), ("T2609", "2026-09-01")):
            factor = float(conversion_factor(coupon / 100, frequency, maturity, month))
            rows.append(f"{contract},{code},{coupon},{maturity}-25,{factor}")
        drawn[code] = frequency
    market = folder_of(tmp_path_factory.mktemp("fit"), rows=rows).read()
    for code, coupon, frequency, maturity in market.bonds.select("code", "coupon", "frequency", "maturity").rows():
        given = conversion_factor(coupon, frequency, maturity, ["2026-06-01", "2026-09-01"])
        held = market.deliverables.filter(bond=code).sort("contract")["factor"].to_numpy()
        np.testing.assert_allclose(given, held, atol=1e-9)
        other = conversion_factor(coupon, 3 - frequency, maturity, ["2026-06-01", "2026-09-01"])
        assert frequency == drawn[code] or np.allclose(other, held, atol=1e-9)
