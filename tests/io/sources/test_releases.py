"""Publications of a month: which month, when it came out, and what is refused."""

import runpy
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tenor.io.sources.folder import Folder, check

WRITTEN = runpy.run_path(str(Path(__file__).with_name("written.py")))
write, defects_of = WRITTEN["folder_of"], WRITTEN["defects_of"]
CPI = """
[[file]]
path = "cpi.csv"
table = "macro"
unit = "percent"
date = { column = "月份", format = "%Y年%m月份" }
known = { rule = "time", at = 09:30:00, zone = "Asia/Shanghai", days = 15 }
gap = { months = 0 }
columns = { "同比" = "CPI.YOY" }
"""
ROWS = ("月份,同比", "2026年03月份,1.0", "2026年02月份,0.8", "2026年01月份,-0.3", "2025年12月份,0.1")
PMI = """
[[file]]
path = "cpi.csv"
table = "macro"
unit = "points"
date = { column = "month", format = "%Y-%m" }
known = { rule = "time", at = 09:30:00, zone = "Asia/Shanghai", days = 1 }
gap = { months = 0 }
columns = { pmi = "PMI", services = "PMI.SERVICES" }
"""
PMI_ROWS = ("month,pmi,services", "2026-01,49.3,", "2026-02,50.1,50.4", "2026-03,50.3,50.2")


def folder_of(tmp_path: Path, rows: Sequence[str] = ROWS, layout: str = CPI, **files: Sequence[str]) -> Folder:
    return write(tmp_path, layout, **({"cpi": rows} | files))


def edited(line: int, text: str) -> list[str]:
    return [*ROWS[: line - 1], text, *ROWS[line:]]


def test_a_month_is_known_when_it_was_published(tmp_path: Path):
    market = folder_of(tmp_path).read()
    assert market.release("CPI.YOY").rows()[-2:] == [
        ("CPI.YOY", date(2026, 2, 28), date(2026, 3, 15), 0.8, datetime(2026, 3, 15, 1, 30, tzinfo=UTC)),
        ("CPI.YOY", date(2026, 3, 31), date(2026, 4, 15), 1.0, datetime(2026, 4, 15, 1, 30, tzinfo=UTC)),
    ]
    assert market.known_at(datetime(2026, 4, 14, tzinfo=UTC)).macro.height == 3
    assert market.notes == ("cpi.csv: taken as known at 09:30 Asia/Shanghai, 15 days after the last day of its month",)


def test_a_file_may_run_either_way_and_hold_several_publications(tmp_path: Path):
    oldest = [ROWS[0], *reversed(ROWS[1:])]
    assert folder_of(tmp_path, oldest).read().fingerprint() == folder_of(tmp_path).read().fingerprint()
    market = folder_of(tmp_path, PMI_ROWS, PMI).read()
    assert market.release("PMI")["value"].to_list() == [49.3, 50.1, 50.3]
    assert market.release("PMI.SERVICES")["period"].to_list() == [date(2026, 2, 28), date(2026, 3, 31)]
    assert market.release("PMI")["released"].to_list()[0] == date(2026, 2, 1)
    assert "cpi.csv: blank cells of 3 rows, left missing: services 1" in market.notes


def test_a_form_with_a_day_is_read_to_the_end_of_its_month(tmp_path: Path):
    layout = PMI.replace('"%Y-%m"', '"%Y-%m-%d"').replace(', services = "PMI.SERVICES"', "")
    market = folder_of(tmp_path, ["month,pmi", "2024-01-31,49.2", "2024-02-01,49.1"], layout).read()
    assert market.release("PMI")["period"].to_list() == [date(2024, 1, 31), date(2024, 2, 29)]


def test_a_file_that_knows_its_releases_is_believed(tmp_path: Path):
    layout = CPI.replace(", days = 15", "") + 'released = { column = "out" }\n'
    rows = ["月份,同比,out", "2026年01月份,0.2,2026-02-11", "2026年02月份,1.3,2026-03-09"]
    market = folder_of(tmp_path, rows, layout).read()
    assert market.release("CPI.YOY").select("period", "released").rows()[1] == (date(2026, 2, 28), date(2026, 3, 9))
    assert market.release("CPI.YOY")["known_at"][1] == datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
    rows[2] = "2026年02月份,1.3,2026-02-09"
    (defect,) = defects_of(folder_of(tmp_path, rows, layout))
    assert (defect.row, defect.column) == (3, "out")
    assert defect.reason == "released on 2026-02-09, before the period ends on 2026-02-28"


@pytest.mark.parametrize(
    ("line", "text", "row", "column", "reason"),
    [
        (3, "2026年2月,0.8", 3, "月份", "'2026年2月' is not a month written as %Y年%m月份"),
        (3, "2026年13月份,0.8", 3, "月份", "'2026年13月份' is not a month"),
        (3, "2026年03月份,0.8", 3, "月份", "the month 2026-03 appears before"),
        (3, "2025年11月份,0.8", 4, "月份", "the month 2026-01 is out of order"),
        (3, "2026年02月份,x", 3, "同比", "'x' is not a number"),
        (3, "2026年02月份,101.2", 3, "同比", "101.2 of 2026-02 is beyond 60 per cent"),
    ],
)
def test_bad_rows_are_refused_with_file_row_and_column(
    tmp_path: Path, line: int, text: str, row: int, column: str, reason: str
):
    found = [d for d in defects_of(folder_of(tmp_path, edited(line, text))) if (d.row, d.column) == (row, column)]
    assert any(reason in d.reason for d in found), found
    assert {d.file for d in found} == {"cpi.csv"}


def test_an_index_that_is_no_index_is_refused(tmp_path: Path):
    (defect,) = defects_of(folder_of(tmp_path, [*PMI_ROWS, "2026-04,103.2,50"], PMI))
    assert (defect.row, defect.column, defect.reason) == (5, "pmi", "103.2 of 2026-04 is not between 0 and 100 points")


def test_decimals_taken_for_per_cent_are_refused_unless_stated(tmp_path: Path):
    rows = ["月份,同比", "2026年01月份,0.021", "2026年02月份,0.018"]
    (defect,) = defects_of(folder_of(tmp_path, rows))
    assert (defect.row, defect.column) == (None, "同比")
    assert "within 0.019 of zero, as per cent" in defect.reason
    assert folder_of(tmp_path, rows, CPI + "near_zero = true\n").read().macro.height == 2


def test_a_missing_month_is_refused_allowed_or_understood(tmp_path: Path):
    rows = [*ROWS[:2], *ROWS[3:]]
    (defect,) = defects_of(folder_of(tmp_path, rows))
    assert (defect.file, defect.row, defect.column) == ("cpi.csv", 2, "月份")
    assert defect.reason == "1 months are missing from CPI.YOY after 2026-01; 0 may be"
    said = (
        "cpi.csv: 1 months without a row inside a publication, at most 1 together "
        "(CPI.YOY from 2026-01-31 to 2026-03-31)"
    )
    assert said in folder_of(tmp_path, rows, CPI.replace("months = 0", "months = 1")).read().notes
    hole = '[[file.known_gaps]]\nfirst = 2026-02-28\nlast = 2026-02-28\nwhy = "not published"\n'
    source = folder_of(tmp_path, rows, CPI + hole)
    assert said in source.read().notes
    assert (check(source.folder, source.layout).parts[0].missing) == 1
    assert defects_of(folder_of(tmp_path, rows, CPI + hole.replace("2026-02-28", "2026-01-31")))


def test_a_rule_leaves_months_out_and_says_so(tmp_path: Path):
    rule = '[[file.leave_out]]\nrule = "outside"\nfirst = 2026-01-01\nwhy = "another base"\n'
    market = folder_of(tmp_path, edited(5, "2025年12月份,x"), CPI + rule).read()
    assert market.macro.height == 3
    assert "cpi.csv: 1 rows left out (outside 2026-01-01 to the end): another base" in market.notes
    (defect,) = defects_of(folder_of(tmp_path, ROWS, CPI + rule.replace("2026-01-01", "2027-01-01")))
    assert defect.reason == "none of 4 rows stays"


def test_one_month_from_two_files_must_be_the_same(tmp_path: Path):
    two = CPI + CPI.replace("cpi.csv", "more.csv")
    assert folder_of(tmp_path, ROWS, two, more=ROWS[:3]).read().macro.height == 4
    (defect,) = defects_of(folder_of(tmp_path, ROWS, two, more=[ROWS[0], "2026年02月份,0.9"]))
    assert (defect.file, defect.row, defect.column) == ("more.csv", 2, "period")
    assert defect.reason == "CPI.YOY 2026-02-28 is also given by cpi.csv:3, with other values"
