import gzip
import runpy
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.errors import DataError, Defect, MarketError
from tenor.io.sources.folder import Folder, check
from tenor.market.market import Market

WRITTEN = runpy.run_path(str(Path(__file__).with_name("written.py")))
folder_of, defects_of = WRITTEN["folder_of"], WRITTEN["defects_of"]
PAIRS = """
[[file]]
path = "pairs.csv"
table = "quotes"
products = ["T"]
unit = "per 100"
date = { column = "date" }
known = { rule = "close" }
gap = { calendar = "XSHG", sessions = 0 }
contract = { form = "code" }
legs = [
    { contract = "near", columns = { near_close = "close" } },
    { contract = "far", columns = { far_close = "close" } },
]
"""
MAIN = """
[[file]]
path = "main.csv"
table = "quotes"
products = ["T"]
unit = "per 100"
date = { column = "day", format = "%Y%m%d" }
known = { rule = "close" }
gap = { calendar = "XSHG", sessions = 0 }
contract = { form = "code", strip = ".CFE" }
legs = [{ contract = "contract", columns = { settle = "settle", vol = "volume" } }]
"""
RATES = """
[[file]]
path = "rates.csv"
table = "rates"
unit = "percent"
date = { column = "day" }
known = { rule = "time", at = 11:30:00, zone = "Asia/Shanghai" }
gap = { calendar = "XSHG", sessions = 0 }
columns = { ON = "SHIBOR.ON", 1W = "SHIBOR.1W" }
"""
LONG = """
[[file]]
path = "long.csv"
table = "rates"
unit = "percent"
date = { column = "day" }
known = { rule = "time", at = 18:00:00, zone = "Asia/Shanghai" }
gap = { calendar = "XSHG", sessions = 0 }
series = { column = "name", value = "value" }
columns = { DR007 = "DR007", ON = "SHIBOR.ON" }
"""
PAIR_ROWS = (
    "date,near,far,near_close,far_close",
    "2019-03-04,T1903,T1906,97.0,96.5",
    "2019-03-05,T1903,T1906,97.105,96.6",
    "2019-03-06,T1903,T1906,97.2,96.655",
    "2019-03-07,T1903,T1906,97.1,96.5",
    "2019-03-08,T1903,T1906,97.0,96.4",
)
MAIN_ROWS = (
    "day,contract,settle,vol",
    "20190304,T1906.CFE,96.51,100",
    "20190305,T1906.CFE,96.61,120",
    "20190306,T1906.CFE,96.65,130",
)
RATE_ROWS = ("day,ON,1W", "2019-03-04,2.5,2.6", "2019-03-05,2.4,2.7", "2019-03-06,2.3,")

LONG_ROWS = (
    "day,name,value",
    "2019-03-04,DR007,2.5",
    "2019-03-04,ON,2.1",
    "2019-03-05,DR007,2.6",
    "2019-03-05,ON,",
    "2019-03-06,DR007,2.4",
    "2019-03-06,ON,2.2",
)


def others(market: Market) -> tuple[str, ...]:
    """The notes beside those that say when each file's rows were known."""
    return tuple(note for note in market.notes if "taken as known at" not in note)


def the_defect(source: Folder) -> Defect:
    (defect,) = defects_of(source)
    assert defect.remedy
    return defect


def edited(rows: Sequence[str], line: int, text: str) -> list[str]:
    """Replace a line, counted as an editor does."""
    return [*rows[: line - 1], text, *rows[line:]]


def test_a_row_of_a_pair_becomes_two_quotes_known_at_the_close(tmp_path: Path):
    market = folder_of(tmp_path, PAIRS, pairs=PAIR_ROWS).read()
    assert market.name == "test"
    assert not market.simulated
    assert market.quotes.select("date", "code", "close").rows()[:6] == [
        (date(2019, 3, 4), "T1903", 97.0),
        (date(2019, 3, 5), "T1903", 97.105),
        (date(2019, 3, 6), "T1903", 97.2),
        (date(2019, 3, 7), "T1903", 97.1),
        (date(2019, 3, 8), "T1903", 97.0),
        (date(2019, 3, 4), "T1906", 96.5),
    ]
    assert market.quotes["known_at"][0] == datetime(2019, 3, 4, 7, 15, tzinfo=UTC)
    assert others(market) == ()


def test_complementary_columns_of_two_files_meet_in_one_quote(tmp_path: Path):
    market = folder_of(tmp_path, PAIRS + MAIN, pairs=PAIR_ROWS, main=MAIN_ROWS).read()
    far = market.quotes_of("T1906").select("close", "settle", "volume").rows()
    assert far[0] == (96.5, 96.51, 100.0)
    assert far[3] == (96.5, None, None)
    assert market.quotes.height == 10


def test_percent_becomes_decimal_and_a_blank_cell_no_row(tmp_path: Path):
    market = folder_of(tmp_path, RATES, rates=RATE_ROWS).read()
    assert market.rate("SHIBOR.ON")["rate"].to_list() == [0.025, 0.024, 0.023]
    assert market.rate("SHIBOR.1W")["rate"].to_list() == [2.6 / 100, 2.7 / 100]
    assert market.rates["known_at"][0] == datetime(2019, 3, 4, 3, 30, tzinfo=UTC)
    assert others(market) == ("rates.csv: blank cells of 3 rows, left missing: 1W 1",)


def test_a_curve_is_turned_from_wide_to_long(tmp_path: Path):
    layout = RATES.replace('table = "rates"', 'table = "curve"\ncurve = "CGB"')
    layout = layout.replace('ON = "SHIBOR.ON", 1W = "SHIBOR.1W"', "ON = 0.25, 1W = 10").replace("11:30:00", "18:00:00")
    market = folder_of(tmp_path, layout, rates=RATE_ROWS).read()
    assert market.tenor("CGB", 10)["rate"].to_list() == [2.6 / 100, 2.7 / 100]
    assert market.tenor("CGB", 0.25)["known_at"][0] == datetime(2019, 3, 4, 10, tzinfo=UTC)


def test_long_form_names_the_series_in_a_cell(tmp_path: Path):
    one_missing = LONG.replace("sessions = 0", "sessions = 1")
    market = folder_of(tmp_path, one_missing, long=LONG_ROWS).read()
    assert market.rate("DR007")["rate"].to_list() == [0.025, 2.6 / 100, 0.024]
    assert market.rate("SHIBOR.ON")["date"].to_list() == [date(2019, 3, 4), date(2019, 3, 6)]
    assert market.rates["known_at"][0] == datetime(2019, 3, 4, 10, tzinfo=UTC)
    assert others(market)[0] == "long.csv: blank cells of 6 rows, left missing: value 1"
    curve = one_missing.replace('table = "rates"', 'table = "curve"\ncurve = "CGB"')
    curve = curve.replace('DR007 = "DR007", ON = "SHIBOR.ON"', "DR007 = 10, ON = 0.25")
    assert folder_of(tmp_path, curve, long=LONG_ROWS).read().tenor("CGB", 10)["rate"].to_list()[0] == 0.025


def test_long_form_is_checked_series_by_series(tmp_path: Path):
    defect = the_defect(folder_of(tmp_path, LONG, long=LONG_ROWS))
    assert (defect.row, defect.column) == (7, "day")
    assert defect.reason == "1 sessions of XSHG have no row in series SHIBOR.ON after 2019-03-04; 0 may be missing"
    hole = '[[file.known_gaps]]\nfirst = 2019-03-05\nlast = 2019-03-05\ncolumns = ["ON"]\nwhy = "none"\n'
    assert folder_of(tmp_path, LONG + hole, long=LONG_ROWS).read().rates.height == 5
    doubled = [*LONG_ROWS[:4], "2019-03-05,DR007,2.7", "2019-03-05,ON,2.1", *LONG_ROWS[5:]]
    found = defects_of(folder_of(tmp_path, LONG, long=doubled))
    assert [(d.row, d.reason) for d in found] == [(5, "2019-03-05 appears before in series DR007")]
    text = edited(LONG_ROWS, 5, "2019-03-05,ON,x")
    assert (5, "'x' is not a number") in [(d.row, d.reason) for d in defects_of(folder_of(tmp_path, LONG, long=text))]


def test_a_series_that_long_form_does_not_name_is_refused_or_left_out_as_stated(tmp_path: Path):
    rows = [*edited(LONG_ROWS, 5, "2019-03-05,ON,2.15"), "2019-03-06,R007,2.9"]
    defect = the_defect(folder_of(tmp_path, LONG, long=rows))
    assert (defect.row, defect.column, defect.reason) == (8, "name", "series 'R007' is not in 'columns' of the layout")
    assert "rule 'unnamed'" in defect.remedy
    rule = '[[file.leave_out]]\nrule = "unnamed"\nwhy = "not needed"\n'
    market = folder_of(tmp_path, LONG + rule, long=rows).read()
    assert market.rates.height == 6
    assert others(market) == ("long.csv: 1 rows left out (of a series that columns does not name): not needed",)


def test_a_series_that_long_form_names_and_no_row_has_is_refused(tmp_path: Path):
    rows = edited(LONG_ROWS, 5, "2019-03-05,ON,2.15")
    absent = LONG.replace('DR007 = "DR007"', 'DR007 = "DR007", DR001 = "DR001"')
    defect = the_defect(folder_of(tmp_path, absent, long=rows))
    assert (defect.row, defect.column) == (None, "name")
    assert defect.reason == "no row is of series 'DR001'; did you mean 'DR007'?; the file has ['DR007', 'ON']"


def test_basis_points_and_prices_per_one_are_converted(tmp_path: Path):
    bp = RATES.replace('"percent"', '"basis points"')
    market = folder_of(tmp_path, bp, rates=["day,ON,1W", "2019-03-04,250,260"]).read()
    assert market.rate("SHIBOR.ON")["rate"].to_list() == [0.025]
    per_one = PAIRS.replace('"per 100"', '"per 1"')
    pairs = ["date,near,far,near_close,far_close", "2019-03-04,T1903,T1906,0.97,0.965"]
    market = folder_of(tmp_path, per_one, pairs=pairs).read()
    assert market.quotes["close"].to_list() == pytest.approx([97.0, 96.5], abs=1e-12)


def test_a_lag_in_days_moves_what_is_known(tmp_path: Path):
    late = RATES.replace('zone = "Asia/Shanghai"', 'zone = "Asia/Shanghai", days = 2')
    market = folder_of(tmp_path, late, rates=RATE_ROWS).read()
    assert market.rates["known_at"][0] == datetime(2019, 3, 6, 3, 30, tzinfo=UTC)


def test_summer_time_is_the_zone_s(tmp_path: Path):
    eastern = RATES.replace("Asia/Shanghai", "America/New_York").replace("XSHG", "XNYS")
    market = folder_of(tmp_path, eastern, rates=["day,ON,1W", "2019-03-08,2,2", "2019-03-11,2,2"]).read()
    assert [t.hour for t in market.rate("SHIBOR.ON")["known_at"]] == [16, 15]


def test_an_hour_that_does_not_exist_is_refused(tmp_path: Path):
    skipped = RATES.replace("Asia/Shanghai", "America/New_York").replace("11:30:00", "02:30:00")
    skipped = skipped.replace("columns =", 'off_session = "keep"\ncolumns =')
    found = defects_of(folder_of(tmp_path, skipped, rates=["day,ON,1W", "2019-03-10,2,2"]))
    assert {(d.row, d.column) for d in found} == {(2, "known")}
    assert "02:30:00 does not exist on 2019-03-10" in found[0].reason


def test_delivery_months_become_codes(tmp_path: Path):
    us = PAIRS.replace('"T"', '"US5"').replace('form = "code"', 'form = "yyyymm", product = "US5"')
    us = us.replace("XSHG", "XNYS")
    rows = ["date,near,far,near_close,far_close", "1999-12-01,199912,200003,100.5,100.25"]
    market = folder_of(tmp_path, us, pairs=rows).read()
    assert market.codes() == ("US50003", "US59912")


def test_tickers_are_kept_as_given(tmp_path: Path):
    layout = MAIN.replace('form = "code", strip = ".CFE"', 'form = "given"').replace(
        'products = ["T"]', 'products = ["US"]'
    )
    layout = layout.replace('rule = "close"', 'rule = "time", at = 16:00:00, zone = "America/New_York"')
    rows = ["day,contract,settle,vol", "20190304,BRK.B,200.5,100"]
    market = folder_of(tmp_path, layout.replace("XSHG", "XNYS"), main=rows).read()
    assert market.codes() == ("BRK.B",)
    assert market.quotes["known_at"][0] == datetime(2019, 3, 4, 21, tzinfo=UTC)


def test_compressed_and_chinese_files_are_read(tmp_path: Path):
    layout = RATES.replace("rates.csv", "rates.csv.gz").replace("ON =", '"隔夜" =')
    source = folder_of(tmp_path, layout.replace("columns =", 'encoding = "gb18030"\ncolumns ='))
    text = "\n".join(RATE_ROWS).replace("ON", "隔夜")
    (Path(source.folder) / "rates.csv.gz").write_bytes(gzip.compress(text.encode("gb18030")))
    assert source.read().rate("SHIBOR.ON").height == 3


def test_only_the_files_of_the_products_are_opened(tmp_path: Path):
    missing = PAIRS.replace('"T"', '"TF"').replace("pairs.csv", "absent.csv")
    source = folder_of(tmp_path, PAIRS + missing, pairs=PAIR_ROWS)
    assert Folder(source.folder, source.layout, ("T",)).read().codes() == ("T1903", "T1906")
    with pytest.raises(MarketError, match="no quotes of 'TS'"):
        Folder(source.folder, source.layout, ("TS",)).read()


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text", "row", "column", "reason", "remedy"),
    [
        (3, "2019-03-05,T1903,T1906,97.1x,96.6", 3, "near_close", "'97.1x' is not a number", "plain number"),
        (3, "05.03.2019,T1903,T1906,97.1,96.6", 3, "date", "'05.03.2019' is not a date", "correct the date"),
        (3, "2019-03-05,T1903,T1906,97.1,0", 3, "far_close", "0.0 is not above 0", "correct the price"),
        (3, "2019-03-05,T1903,T1906,-97.1,96.6", 3, "near_close", "-97.1 is not above 0", "correct"),
        (3, "2019-03-05,T1903,T1906,97.1", 3, "row", "4 cells under a header of 5", "complete the row"),
        (3, "2019-03-05,T1903,T1906,97.1,96,6", 3, "row", "6 cells under a header of 5", "complete the row"),
        (3, "2019-03-05,TF1903,T1906,97.1,96.6", 3, "near", "TF1903 is of product 'TF'", "reads codes"),
        (3, "2019-03-05,T1913,T1906,97.1,96.6", 3, "near", "month 13", "correct the cell"),
        (3, "2019-03-05,,T1906,97.1,96.6", 3, "near", "no contract is named", "correct the cell"),
        (1, "date,near,far,near_clos,far_close", 1, "near_close", "did you mean 'near_clos'", "layout"),
        (1, "date,near,far,near_close,near_close", 1, "far_close", "no such column", "layout"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_refused_with_file_row_column_and_remedy(
    tmp_path: Path, line: int, text: str, row: int, column: str, reason: str, remedy: str
):
    found = defects_of(folder_of(tmp_path, PAIRS, pairs=edited(PAIR_ROWS, line, text)))
    named = [d for d in found if (d.file, d.row, d.column) == ("pairs.csv", row, column)]
    assert len(named) == 1, found
    assert reason in named[0].reason
    assert remedy in named[0].remedy


def test_a_doubled_column_is_refused(tmp_path: Path):
    rows = edited(PAIR_ROWS, 1, "date,near,far,far_close,far_close")
    found = defects_of(folder_of(tmp_path, PAIRS, pairs=rows))
    assert {(d.column, d.reason.split(";")[0]) for d in found} == {
        ("near_close", "no such column"),
        ("far_close", "the header has this column twice"),
    }


def test_a_doubled_date_is_refused_or_settled_as_stated(tmp_path: Path):
    rows = ["day,ON,1W", "2019-03-04,2.5,2.6", "2019-03-04,2.4,2.6"]
    defect = the_defect(folder_of(tmp_path, RATES, rates=rows))
    assert (defect.row, defect.column) == (3, "day")
    assert "2019-03-04 appears before in series SHIBOR.ON" in defect.reason
    assert "duplicates" in defect.remedy
    for policy, rate in (("first", 0.025), ("last", 0.024)):
        stated = RATES.replace("columns =", f'duplicates = "{policy}"\ncolumns =')
        market = folder_of(tmp_path, stated, rates=rows).read()
        assert market.rate("SHIBOR.ON")["rate"].to_list() == [rate]
        assert others(market) == (f"rates.csv: 2 repeated observations left out, the {policy} kept",)


def test_one_contract_in_both_legs_is_refused(tmp_path: Path):
    rows = edited(PAIR_ROWS, 2, "2019-03-04,T1903,T1903,97.0,97.0")
    found = defects_of(folder_of(tmp_path, PAIRS, pairs=rows))
    assert [d.row for d in found] == [2]
    assert "appears before in series T1903" in found[0].reason


@settings(max_examples=30)
@given(st.permutations(range(5)))
def test_permuted_rows_are_refused_as_unsorted(tmp_path_factory: pytest.TempPathFactory, order: list[int]):
    rows = [PAIR_ROWS[0], *(PAIR_ROWS[1 + i] for i in order)]
    source = folder_of(tmp_path_factory.mktemp("permuted"), PAIRS, pairs=rows)
    if order == sorted(order):
        assert source.read().quotes.height == 10
    else:
        found = defects_of(source)
        assert all("comes after a later date" in d.reason for d in found)
        first_back = next(i for i in range(1, 5) if order[i] < max(order[:i]))
        assert (found[0].row, found[0].column) == (first_back + 2, "date")
        assert "sort the file by date" in found[0].remedy


def test_a_gap_is_refused_allowed_or_understood(tmp_path: Path):
    rows = [*PAIR_ROWS[:2], *PAIR_ROWS[4:]]
    found = defects_of(folder_of(tmp_path, PAIRS, pairs=rows))
    assert [(d.file, d.row, d.column) for d in found] == [("pairs.csv", 3, "date")] * 2
    assert found[0].reason == "2 sessions of XSHG have no row in series T1903 after 2019-03-04; 0 may be missing"
    assert "known_gaps" in found[0].remedy
    said = "4 sessions of XSHG without a row inside a series, at most 2 together (T1903 from 2019-03-04 to 2019-03-07)"
    wider = PAIRS.replace("sessions = 0", "sessions = 2")
    assert others(folder_of(tmp_path, wider, pairs=rows).read()) == (f"pairs.csv: {said}",)
    hole = '[[file.known_gaps]]\nfirst = 2019-03-05\nlast = 2019-03-06\nwhy = "no data"\n'
    source = folder_of(tmp_path, PAIRS + hole, pairs=rows)
    assert others(source.read()) == (f"pairs.csv: {said}",)
    (part,) = check(source.folder, source.layout).parts
    assert part.missing == 4
    assert (part.gaps[0].series, part.gaps[0].after, part.gaps[0].sessions) == ("T1903", date(2019, 3, 4), 2)
    short = hole.replace("2019-03-06", "2019-03-05")
    assert len(defects_of(folder_of(tmp_path, PAIRS + short, pairs=rows))) == 2


def test_a_known_gap_of_one_column_excuses_no_other(tmp_path: Path):
    rows = ["day,ON,1W", "2019-03-04,2.5,2.6", "2019-03-06,2.4,2.6"]
    hole = '[[file.known_gaps]]\nfirst = 2019-03-05\nlast = 2019-03-05\ncolumns = ["1W"]\nwhy = "no data"\n'
    defect = the_defect(folder_of(tmp_path, RATES + hole, rates=rows))
    assert "in series SHIBOR.ON after 2019-03-04" in defect.reason


def test_a_hole_that_another_file_fills_is_none(tmp_path: Path):
    second = RATES.replace("rates.csv", "more.csv")
    rows = ["day,ON,1W", "2019-03-04,2.5,2.6", "2019-03-06,2.4,2.6"]
    source = folder_of(tmp_path, RATES + second, rates=rows, more=["day,ON,1W", "2019-03-05,2.45,2.6"])
    assert source.read().rate("SHIBOR.ON")["rate"].to_list() == [0.025, 0.0245, 0.024]


@pytest.mark.parametrize("rows", [[], ["date,near,far,near_close,far_close"]])
def test_an_empty_file_is_refused(tmp_path: Path, rows: list[str]):
    defect = the_defect(folder_of(tmp_path, PAIRS, pairs=rows))
    assert (defect.file, defect.row, defect.column) == ("pairs.csv", None, "file")
    assert defect.reason == "empty: no row below a header"


def test_a_file_of_which_nothing_stays_is_refused(tmp_path: Path):
    rows = ["day,ON,1W", "2019-03-04,,"]
    assert "none of 1 rows stays" in the_defect(folder_of(tmp_path, RATES, rates=rows)).reason


def test_a_missing_file_lists_what_there_is(tmp_path: Path):
    defect = the_defect(folder_of(tmp_path, PAIRS, pears=PAIR_ROWS))
    assert (defect.file, defect.column) == ("pairs.csv", "file")
    assert defect.reason == "no such file; its folder holds ['pears.csv']; did you mean 'pears.csv'?"


def test_a_missing_folder_lists_those_beside_it(tmp_path: Path):
    source = folder_of(tmp_path, PAIRS, pairs=PAIR_ROWS)
    with pytest.raises(DataError, match=r"no such folder; beside it are \['data'\]; did you mean 'data'\?"):
        Folder(tmp_path / "dat", source.layout).read()


def test_bytes_in_another_encoding_are_refused_with_their_line(tmp_path: Path):
    source = folder_of(tmp_path, RATES)
    (Path(source.folder) / "rates.csv").write_bytes(("day,ON,1W\n2019-03-04,2,2\n" + "隔夜").encode("gb18030"))
    defect = the_defect(source)
    assert (defect.row, defect.column) == (3, "file")
    assert "not text in utf-8" in defect.reason
    assert "encoding" in defect.remedy


def test_a_broken_archive_is_refused(tmp_path: Path):
    source = folder_of(tmp_path, RATES.replace("rates.csv", "rates.csv.gz"))
    whole = gzip.compress("\n".join(RATE_ROWS).encode())
    for broken in (b"day,ON,1W\n", whole[:-9]):
        (Path(source.folder) / "rates.csv.gz").write_bytes(broken)
        assert "not a whole gzip file" in the_defect(source).reason


def test_an_open_quotation_mark_is_refused(tmp_path: Path):
    assert "not CSV" in the_defect(folder_of(tmp_path, RATES, rates=["day,ON,1W", '"2019-03-04,2,2'])).reason


def test_rows_after_an_empty_line_keep_the_number_an_editor_shows(tmp_path: Path):
    rows = ["day,ON,1W", "2019-03-04,2.5,2.6", "", "2019-03-05,x,2.6"]
    assert the_defect(folder_of(tmp_path, RATES, rates=rows)).row == 4


def test_a_day_without_a_session_is_refused_kept_or_left_out(tmp_path: Path):
    rows = ["day,ON,1W", "2019-03-08,2.5,2.6", "2019-03-09,2.4,2.6", "2019-03-11,2.4,2.6"]
    defect = the_defect(folder_of(tmp_path, RATES, rates=rows))
    assert (defect.row, defect.column, defect.reason) == (3, "day", "2019-03-09 is no session of XSHG")
    kept = RATES.replace("columns =", 'off_session = "keep"\ncolumns =')
    market = folder_of(tmp_path, kept, rates=rows).read()
    assert market.rate("SHIBOR.ON").height == 3
    assert others(market) == ("rates.csv: 1 rows are on days without a session of XSHG; kept",)
    for rule, said in (("weekend", "on a weekend"), ("off_session", "on a day without a session")):
        out = f'[[file.leave_out]]\nrule = "{rule}"\nwhy = "a stray row"\n'
        market = folder_of(tmp_path, RATES + out, rates=rows).read()
        assert market.rate("SHIBOR.ON").height == 2
        assert others(market) == (f"rates.csv: 1 rows left out ({said}): a stray row",)


def test_a_year_without_loaded_holidays_is_refused(tmp_path: Path):
    defect = the_defect(folder_of(tmp_path, RATES, rates=["day,ON,1W", "2080-01-02,2,2"]))
    assert "outside the loaded holidays" in defect.reason


def test_a_quote_before_the_product_is_listed_is_refused(tmp_path: Path):
    rows = [PAIR_ROWS[0], "2014-03-04,T1403,T1406,97.0,96.5"]
    defect = the_defect(folder_of(tmp_path, PAIRS, pairs=rows))
    assert defect.column == "date"
    assert "is known on 2014-03-04" in defect.reason


def test_a_unit_that_cannot_be_is_refused(tmp_path: Path):
    found = defects_of(folder_of(tmp_path, RATES.replace('"percent"', '"decimal"'), rates=RATE_ROWS))
    assert {d.remedy.split(":")[0] for d in found} == {"check the unit"}
    assert (found[0].row, found[0].column) == (2, "ON")


def test_defects_of_all_files_are_shown_together_and_cut_short(tmp_path: Path):
    bad = [PAIR_ROWS[0], *(row.replace("T1906,9", "T1906,x9") for row in PAIR_ROWS[1:])]
    days = pl.date_range(date(2019, 3, 4), date(2019, 3, 15), eager=True)
    rates = ["day,ON,1W", *(f"{day},x,2.5" for day in days if day.weekday() < 5)]
    found = defects_of(folder_of(tmp_path, PAIRS + RATES, pairs=bad, rates=rates))
    assert [(d.file, d.row) for d in found] == [
        *(("pairs.csv", row) for row in range(2, 7)),
        *(("rates.csv", row) for row in range(2, 7)),
        ("rates.csv", None),
    ]
    assert found[-1].reason == "and 5 more rows like these"


# --- rules and precedence -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said", "rows"),
    [
        ('rule = "outside"\nfirst = 2019-03-05', "outside 2019-03-05 to the end", [2]),
        ('rule = "outside"\nlast = 2019-03-06', "outside the beginning to 2019-03-06", [5, 6]),
        ('rule = "within"\nfirst = 2019-03-05\nlast = 2019-03-06', "from 2019-03-05 to 2019-03-06", [3, 4]),
        ('rule = "spread"\nbeyond = 0.545', "near minus far of 0.545 or more in size", [4, 5, 6]),
    ],
)
def test_a_rule_leaves_rows_out_counts_them_and_makes_no_gap(tmp_path: Path, rule: str, said: str, rows: list[int]):
    source = folder_of(tmp_path, f'{PAIRS}[[file.leave_out]]\nwhy = "because"\n{rule}\n', pairs=PAIR_ROWS)
    market = source.read()
    gone = {PAIR_ROWS[row - 1].split(",")[0] for row in rows}
    assert {day.isoformat() for day in market.quotes["date"]} == {r[:10] for r in PAIR_ROWS[1:]} - gone
    assert others(market) == (f"pairs.csv: {len(rows)} rows left out ({said}): because",)
    (part,) = check(source.folder, source.layout).parts
    assert (part.rows, part.kept) == (5, 2 * (5 - len(rows)))
    assert sum(out.rows for out in part.left_out) + part.kept // 2 == part.rows


def test_a_row_is_counted_under_the_first_rule_that_meets_it(tmp_path: Path):
    rules = (
        '[[file.leave_out]]\nwhy = "a"\nrule = "outside"\nfirst = 2019-03-05\n'
        '[[file.leave_out]]\nwhy = "b"\nrule = "within"\nfirst = 2019-03-04\nlast = 2019-03-05\n'
    )
    source = folder_of(tmp_path, PAIRS + rules, pairs=PAIR_ROWS)
    (part,) = check(source.folder, source.layout).parts
    assert [(out.why, out.rows) for out in part.left_out] == [("a", 1), ("b", 1)]


def test_what_a_rule_left_out_is_not_checked(tmp_path: Path):
    rule = '[[file.leave_out]]\nrule = "within"\nwhy = "zeros"\nfirst = 2019-03-05\nlast = 2019-03-05\n'
    for text in ("2019-03-05,T1903,T1906,0,0", "2019-03-05,T1903,T1906,x,y"):
        market = folder_of(tmp_path, PAIRS + rule, pairs=edited(PAIR_ROWS, 3, text)).read()
        assert market.quotes.height == 8


def test_quotes_without_a_partner_are_left_out_where_stated(tmp_path: Path):
    rule = '[[file.leave_out]]\nrule = "unmatched"\nother = "pairs.csv"\nwhy = "no pair"\n'
    rows = [*MAIN_ROWS, "20190311,T1906.CFE,96.65,130", "20190312,T1906.CFE,96.65,130"]
    market = folder_of(tmp_path, PAIRS + MAIN + rule, pairs=PAIR_ROWS, main=rows).read()
    assert market.quotes.height == 10
    assert others(market) == ("main.csv: 2 rows left out (without a row in pairs.csv): no pair",)


def test_one_column_from_two_files_is_refused_unless_one_yields(tmp_path: Path):
    both = MAIN.replace('vol = "volume"', 'vol = "volume", close = "close"')
    rows = [
        "day,contract,settle,vol,close",
        "20190304,T1906.CFE,96.51,100,96.4",
        "20190305,T1906.CFE,96.6,90,96.6",
    ]
    found = defects_of(folder_of(tmp_path, PAIRS + both, pairs=PAIR_ROWS, main=rows))
    assert [(d.file, d.row, d.column) for d in found] == [("main.csv", 2, "close"), ("main.csv", 3, "close")]
    assert found[0].reason == "T1906 on 2019-03-04 is also given by pairs.csv:2 (96.4 against 96.5)"
    assert "yields_to" in found[0].remedy
    stated = both.replace("legs =", 'yields_to = ["pairs.csv"]\nlegs =')
    market = folder_of(tmp_path, PAIRS + stated, pairs=PAIR_ROWS, main=rows).read()
    assert market.quotes_of("T1906").select("close", "settle").rows()[:2] == [(96.5, 96.51), (96.6, 96.6)]
    assert others(market) == ("main.csv: 2 values yield to those of pairs.csv; they differ by 0.1 at most",)


def test_rates_of_two_files_follow_the_same_rule(tmp_path: Path):
    second = RATES.replace("rates.csv", "more.csv")
    more = ["day,ON,1W", "2019-03-05,2.45,2.6", "2019-03-06,2.3,2.6"]
    found = defects_of(folder_of(tmp_path, RATES + second, rates=RATE_ROWS, more=more))
    assert [(d.file, d.row) for d in found] == [("more.csv", 2), ("more.csv", 2), ("more.csv", 3)]
    stated = second.replace("columns =", 'yields_to = ["rates.csv"]\ncolumns =')
    market = folder_of(tmp_path, RATES + stated, rates=RATE_ROWS, more=more).read()
    assert market.rate("SHIBOR.ON")["rate"].to_list() == [0.025, 0.024, 0.023]
    assert market.rate("SHIBOR.1W")["rate"].to_list() == [2.6 / 100, 2.7 / 100, 2.6 / 100]


def test_prices_of_two_files_that_cross_are_refused(tmp_path: Path):
    main = MAIN.replace('vol = "volume"', 'vol = "high"')
    rows = ["day,contract,settle,vol", "20190304,T1906.CFE,96.51,96.45"]
    defect = the_defect(folder_of(tmp_path, PAIRS + main, pairs=PAIR_ROWS, main=rows))
    assert (defect.file, defect.row, defect.column) == ("main.csv + pairs.csv", None, "close")
    assert defect.reason == "close 96.5 is above high 96.45 (T1906 on 2019-03-04)"


def test_off_tick_prices_and_stated_notes_are_said(tmp_path: Path):
    rows = edited(PAIR_ROWS, 2, "2019-03-04,T1903,T1906,97.001,96.5")
    noted = PAIRS + 'notes = ["closes are of 15:15"]\n'
    assert others(folder_of(tmp_path, noted, pairs=rows).read()) == (
        "pairs.csv: closes are of 15:15",
        "pairs.csv: 1 of 10 prices of T are no multiple of the tick of their day",
    )


def test_reading_twice_gives_the_same_market(tmp_path: Path):
    source = folder_of(tmp_path, PAIRS + MAIN + RATES, pairs=PAIR_ROWS, main=MAIN_ROWS, rates=RATE_ROWS)
    first, second = source.read(), source.read()
    assert first.fingerprint() == second.fingerprint()
    assert first.notes == second.notes


def test_what_was_read_reads_the_same_again(tmp_path: Path):
    first = folder_of(tmp_path, PAIRS, pairs=PAIR_ROWS).read()
    long = first.quotes.select("date", "code", "close").sort("date", "code")
    again = MAIN.replace('"%Y%m%d"', '"%Y-%m-%d"').replace('column = "day"', 'column = "date"')
    again = again.replace('strip = ".CFE"', 'strip = ""').replace('contract = "contract"', 'contract = "code"')
    again = again.replace('settle = "settle", vol = "volume"', 'close = "close"')
    second = folder_of(tmp_path, again, main=long.write_csv().splitlines()).read()
    assert second.fingerprint() == first.fingerprint()


def test_when_rows_were_known_is_said(tmp_path: Path):
    both = folder_of(tmp_path, PAIRS + RATES, pairs=PAIR_ROWS, rates=RATE_ROWS).read().notes
    assert [note for note in both if "taken as known at" in note] == [
        "pairs.csv: taken as known at the product's close of its date",
        "rates.csv: taken as known at 11:30 Asia/Shanghai of its date",
    ]


def test_a_close_far_from_the_one_before_is_refused_with_its_row(tmp_path: Path):
    slipped = (*PAIR_ROWS[:3], "2019-03-06,T1903,T1906,972.0,96.655", *PAIR_ROWS[4:])
    first, second = defects_of(folder_of(tmp_path, PAIRS, pairs=slipped))
    assert (first.file, first.row, first.column) == ("pairs.csv", 4, "close")
    assert first.reason == "close 972.0 after 97.105 the row before (T1903 on 2019-03-06)"
    assert "leave the row out" in first.remedy
    assert second.row == 5  # the way back
