import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tenor.errors import MarketError, StudyError
from tenor.io.sources.layout import layout_of, load_layout
from tenor.io.sources.layout_file import File
from tenor.io.sources.layout_stocks import Stocks
from tenor.io.sources.layout_terms import Releases, Terms
from tenor.market.market import SCHEMAS

PAIRS: dict[str, Any] = {
    "path": "pairs.csv",
    "table": "quotes",
    "products": ["T"],
    "unit": "per 100",
    "date": {"column": "date"},
    "known": {"rule": "close"},
    "gap": {"calendar": "XSHG", "sessions": 0},
    "contract": {"form": "code"},
    "legs": [
        {"contract": "near", "columns": {"near_close": "close"}},
        {"contract": "far", "columns": {"far_close": "close"}},
    ],
}
RATES: dict[str, Any] = {
    "path": "rates.csv",
    "table": "rates",
    "unit": "percent",
    "date": {"column": "day"},
    "known": {"rule": "time", "at": "11:30", "zone": "Asia/Shanghai"},
    "gap": {"calendar": "XSHG", "sessions": 0},
    "columns": {"ON": "SHIBOR.ON"},
}
LONG: dict[str, Any] = RATES | {
    "path": "long.csv",
    "series": {"column": "name", "value": "rate"},
    "columns": {"DR007": "DR007"},
}
BONDS: dict[str, Any] = {
    "path": "cf.csv",
    "table": "bonds",
    "products": ["T"],
    "unit": "decimal",
    "known": {"rule": "listing"},
    "contract": {"form": "code"},
    "columns": {"bond": "code", "c": "coupon", "contract": "contract", "cf": "factor"},
    "maturity": {"column": "end"},
    "frequency": "fit",
}
BASKETS: dict[str, Any] = {
    "path": "cf.csv",
    "table": "deliverables",
    "products": ["T"],
    "unit": "per 1",
    "known": {"rule": "listing"},
    "contract": {"form": "code"},
    "columns": {"contract": "contract", "bond": "bond", "cf": "factor"},
}
CPI: dict[str, Any] = {
    "path": "cpi.csv",
    "table": "macro",
    "products": ["T"],
    "unit": "percent",
    "date": {"column": "month", "format": "%Y-%m"},
    "known": {"rule": "time", "at": "09:30", "zone": "Asia/Shanghai", "days": 15},
    "gap": {"months": 0},
    "columns": {"yoy": "CPI.YOY"},
}
HOLE: dict[str, Any] = {"first": "2020-02-01", "last": "2020-03-01", "why": "x"}


def changed(file: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A copy in which a key is set, or taken out where the value is ``None``."""
    out = copy.deepcopy(file) | keys
    return {key: value for key, value in out.items() if value is not None}


def problems(*files: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(StudyError) as refused:
        layout_of({"name": "test", "file": list(files)})
    return refused.value.problems


def test_a_valid_layout_is_read_as_stated():
    layout = layout_of({"name": "test", "file": [PAIRS, RATES]})
    assert layout.name == "test"
    assert [file.path for file in layout.files] == ["pairs.csv", "rates.csv"]
    assert layout.files[0].foreign() == ("date", "near", "far", "near_close", "far_close")
    assert layout.files[1].valued() == {"ON": "rate"}


def test_the_table_says_which_settings_a_file_has():
    layout = layout_of({"name": "test", "file": [PAIRS, LONG, BONDS, BASKETS, CPI]})
    assert [type(file) for file in layout.files] == [File, File, Terms, Terms, Releases]
    assert layout.files[1].foreign() == ("day", "name", "rate")
    assert layout.files[2].foreign() == ("bond", "c", "contract", "cf", "end")
    assert layout.files[4].foreign() == ("month", "yoy")
    assert [file.path for file in layout.of(("T",))] == ["pairs.csv", "long.csv", "cf.csv", "cf.csv", "cpi.csv"]


def test_only_the_files_of_the_products_are_asked_for():
    other = changed(PAIRS, path="tf.csv", products=["TF"])
    curve = changed(RATES, path="tf_rates.csv", products=["TF"])
    layout = layout_of({"name": "test", "file": [PAIRS, other, RATES, curve]})
    assert [f.path for f in layout.of(("T",))] == ["pairs.csv", "rates.csv"]
    assert [f.path for f in layout.of(None)] == ["pairs.csv", "tf.csv", "rates.csv", "tf_rates.csv"]
    with pytest.raises(MarketError, match=r"no quotes of 'TL'; it has \['T', 'TF'\]"):
        layout.of(("TL",))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (changed(PAIRS, tabel="quotes"), "file[0] (pairs.csv).tabel: unexpected key; did you mean"),
        (changed(PAIRS, gap={"calendar": "XSHG", "session": 1}), "gap.session: unexpected key; did you mean"),
        (changed(PAIRS, unit=None), "file[0] (pairs.csv).unit: missing"),
        (changed(PAIRS, unit="percent"), "unit: 'percent' given; quotes are in one of per 100, per 1"),
        (changed(RATES, unit="per 100"), "unit: 'per 100' given; rates are in one of percent"),
        (changed(PAIRS, table="quote"), "table: 'quote' given; did you mean 'quotes'?; the tables are quotes, curve"),
        (changed(PAIRS, path="../pairs.csv"), "path: must stay inside the folder"),
        (changed(PAIRS, path="/pairs.csv"), "path: must stay inside the folder"),
        (changed(PAIRS, path="pairs.xlsx"), "path: suffix not read; the suffixes are .csv, .csv.gz"),
        (changed(PAIRS, gap={"calendar": "XSHE", "sessions": 0}), "gap.calendar: no calendar 'XSHE'"),
        (changed(PAIRS, gap={"calendar": "XSHG", "sessions": -1}), "gap.sessions: -1 given"),
        (changed(PAIRS, encoding="gbk9"), "encoding: 'gbk9' is not known"),
        (changed(PAIRS, products=["T9"]), "products: no product 'T9'"),
        (changed(PAIRS, products=None), "products: missing"),
        (changed(PAIRS, contract=None), "contract: missing"),
        (changed(PAIRS, contract={"form": "yyyymm"}), "contract.product: None given; 'yyyymm' needs one of"),
        (changed(PAIRS, contract={"form": "code", "product": "T"}), "only form 'yyyymm' takes it"),
        (changed(PAIRS, contract={"form": "given"}), "known.rule: 'close' needs a product with a close"),
        (changed(PAIRS, known={"rule": "close", "days": 1}), "known: 'close' takes no at, zone or days"),
        (changed(PAIRS, legs=None), "legs: missing"),
        (changed(PAIRS, legs=[{"contract": "c", "columns": {}}]), "legs[0].columns: empty"),
        (changed(PAIRS, legs=[{"contract": "c", "columns": {"p": "clos"}}]), "no 'clos'; did you mean"),
        (
            changed(PAIRS, legs=[{"contract": "c", "columns": {"p": "close", "q": "close"}}]),
            "legs[0].columns: two columns for one kind",
        ),
        (changed(PAIRS, columns={"p": "close"}), "columns: quotes state their columns in legs"),
        (changed(RATES, legs=PAIRS["legs"]), "legs: only quotes have legs"),
        (changed(RATES, columns=None), "columns: missing"),
        (changed(RATES, columns={"ON": 1.0}), "columns.ON: 1.0 given; give the name of the rate"),
        (changed(RATES, columns={"ON": "A", "1W": "A"}), "columns: two columns for one series"),
        (changed(RATES, curve="CGB"), "curve: name it for table 'curve'"),
        (changed(RATES, table="curve", curve="CGB"), "columns.ON: 'SHIBOR.ON' given; give the tenor"),
        (changed(RATES, table="curve", columns={"10y": 10}), "curve: name it for table 'curve'"),
        (changed(RATES, known={"rule": "close"}), "known.rule: 'close' needs a product"),
        (changed(RATES, known={"rule": "time"}), "known: 'time' needs at"),
        (changed(RATES, known=RATES["known"] | {"zone": "Asia/Shangai"}), "known.zone: no time zone"),
        (changed(RATES, known=RATES["known"] | {"days": -1}), "known.days: -1 given"),
        (
            changed(RATES, known_gaps=[HOLE | {"last": "2020-01-01"}]),
            "known_gaps[0].last: 2020-01-01 is before first",
        ),
        (
            changed(RATES, known_gaps=[HOLE | {"columns": ["O"]}]),
            "known_gaps[0].columns: 'O' is not read",
        ),
        (changed(RATES, yields_to=["x.csv"]), "yields_to: 'x.csv' is no other file of table 'rates'"),
        (changed(RATES, known={"rule": "listing"}), "known.rule: 'listing' is of bonds and deliverables"),
        (changed(RATES, leave_out=[{"rule": "unnamed", "why": "x"}]), "rule: 'unnamed' is of the long form"),
        (changed(PAIRS, series=LONG["series"]), "series: quotes have no long form"),
        (changed(LONG, series={"column": "name", "valu": "rate"}), "series.valu: unexpected key; did you mean"),
        (changed(LONG, series={"column": "day", "value": "rate"}), "series: date, column and value must be three"),
        (changed(LONG, known_gaps=[HOLE | {"columns": ["rate"]}]), "known_gaps[0].columns: 'rate' is not read"),
        (changed(BONDS, frequncy=1), "file[0] (cf.csv).frequncy: unexpected key; did you mean 'frequency'"),
        (changed(BONDS, frequency="fits"), "file[0] (cf.csv).frequency: Input should be 'fit', 1 or 2; given 'fits'"),
        (changed(BONDS, gap={"calendar": "XSHG", "sessions": 0}), "file[0] (cf.csv).gap: unexpected key"),
        (changed(BONDS, frequency=None), "frequency: missing; take a column as 'frequency'"),
        (
            changed(BONDS, columns=BONDS["columns"] | {"f": "frequency"}),
            "frequency: a column is taken as 'frequency' too",
        ),
        (
            changed(BONDS, columns={"bond": "code", "c": "coupon", "contract": "contract"}),
            "frequency: 'fit' needs columns taken as 'contract' and 'factor'",
        ),
        (changed(BONDS, frequency=2), "columns: bonds take a 'factor' only for frequency = 'fit'"),
        (changed(BONDS, maturity=None), "maturity: missing"),
        (changed(BONDS, unit="per 1"), "unit: 'per 1' given; bonds are in one of percent, decimal"),
        (changed(BONDS, contract=None), "contract: missing"),
        (changed(BONDS, contract={"form": "given"}), "contract.form: 'given' names no contract"),
        (changed(BONDS, contract={"form": "code", "product": "T"}), "contract.product: only form 'yyyymm'"),
        (changed(BONDS, contract={"form": "yyyymm", "product": "TF"}), "'yyyymm' needs one of products"),
        (changed(BONDS, products=None), "products: missing; say whose baskets"),
        (changed(BONDS, products=["T9"]), "products: no product 'T9'"),
        (changed(BONDS, path="../cf.csv"), "path: must stay inside the folder"),
        (changed(BONDS, known={"rule": "close"}), "known.rule: 'close' is of quotes"),
        (changed(BONDS, known={"rule": "listing", "days": 1}), "known: 'listing' takes no at, zone or days"),
        (changed(BONDS, date={"column": "announced"}), "date: rule 'listing' takes none"),
        (changed(BASKETS, known=RATES["known"]), "date: missing; rule 'time' counts from the day in this column"),
        (changed(BASKETS, known={"rule": "time"}, date={"column": "d"}), "known: 'time' needs at"),
        (changed(BASKETS, frequency=1), "frequency: only bonds have one"),
        (changed(BASKETS, maturity={"column": "end"}), "maturity: only bonds have one"),
        (changed(BASKETS, unit="percent"), "unit: 'percent' given; deliverables are in one of per 1"),
        (
            changed(BASKETS, columns={"contract": "contract", "bond": "bond"}),
            "columns: none is taken as 'factor'; state foreign = 'factor'",
        ),
        (
            changed(BASKETS, columns=BASKETS["columns"] | {"x": "facto"}),
            "columns.x: no 'facto'; did you mean 'factor'?; deliverables take contract, bond, factor",
        ),
        (changed(BASKETS, columns=BASKETS["columns"] | {"x": "bond"}), "columns: two columns for one kind"),
        (
            changed(BONDS, columns={"bond": "code", "c": "coupon"}, frequency=1),
            "contract: no column is taken as 'contract'; remove it",
        ),
        (
            changed(BONDS, columns={"bond": "code", "c": "coupon"}, frequency=1, contract=None),
            "known.rule: 'listing' needs a column taken as 'contract'",
        ),
        (changed(CPI, gap={"months": -1}), "gap.months: -1 given"),
        (changed(CPI, gap={"calendar": "XSHG", "sessions": 0}), "gap.calendar: unexpected key"),
        (changed(CPI, known={"rule": "listing"}), "known.rule: 'listing' given; a publication states 'time'"),
        (changed(CPI, known=CPI["known"] | {"days": -1}), "known.days: -1 given; nothing is known before its date"),
        (changed(CPI, unit="decimal"), "unit: 'decimal' given; macro are in one of percent, points"),
        (changed(CPI, columns={}), "columns: missing; state foreign = 'NAME'"),
        (changed(CPI, columns={"a": "CPI.YOY", "b": "CPI.YOY"}), "columns: two columns for one publication"),
        (changed(CPI, leave_out=[{"rule": "weekend", "why": "x"}]), "leave_out[0].rule: 'weekend' given"),
        (changed(CPI, leave_out=[{"rule": "outside", "why": "x"}]), "leave_out[0].first: missing"),
        (changed(CPI, known_gaps=[HOLE | {"columns": ["y"]}]), "known_gaps[0].columns: 'y' is not read"),
        (changed(CPI, relased={"column": "r"}), "relased: unexpected key; did you mean 'released'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_key(file: dict[str, Any], said: str):
    assert any(said in problem for problem in problems(file)), problems(file)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "weekend", "why": " "}, "leave_out[0].why: empty"),
        (
            {"rule": "outside", "why": "x"},
            "leave_out[0].first: missing; rule 'outside' needs first, last or both",
        ),
        ({"rule": "within", "why": "x", "first": "2020-01-01"}, "leave_out[0].last: missing"),
        ({"rule": "weekend", "why": "x", "beyond": 3}, "leave_out[0].beyond: rule 'weekend' takes none"),
        ({"rule": "spread", "why": "x"}, "leave_out[0].beyond: missing"),
        ({"rule": "spread", "why": "x", "beyond": 0}, "leave_out[0].beyond: 0.0 given"),
        ({"rule": "unmatched", "why": "x", "other": "x.csv"}, "'x.csv' is no other file of table 'quotes'"),
        (
            {"rule": "within", "why": "x", "first": "2020-01-02", "last": "2020-01-01"},
            "leave_out[0].last: 2020-01-01 is before first",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(rule: dict[str, Any], said: str):
    found = problems(changed(PAIRS, leave_out=[rule]))
    assert any(said in problem for problem in found), found


def test_a_spread_rule_needs_two_closes():
    one = changed(PAIRS, legs=PAIRS["legs"][:1], leave_out=[{"rule": "spread", "why": "x", "beyond": 3}])
    assert any("needs exactly two legs" in problem for problem in problems(one))


def test_two_files_cannot_yield_to_each_other():
    first = changed(PAIRS, yields_to=["b.csv"])
    second = changed(PAIRS, path="b.csv", yields_to=["pairs.csv"])
    assert any("yields to this file too" in problem for problem in problems(first, second))


def test_the_partner_of_a_file_is_read_whenever_the_file_is():
    rule = {"rule": "unmatched", "why": "x", "other": "pairs.csv"}
    both = changed(PAIRS, path="b.csv", products=["T", "TF"], leave_out=[rule])
    assert any("'pairs.csv' is not read for all of ['T', 'TF']" in problem for problem in problems(PAIRS, both))


def test_every_problem_of_every_file_is_told_at_once():
    found = problems(changed(PAIRS, unit="percent"), changed(RATES, knwn=1, unit="per 1", gap=None))
    assert len(found) == 3
    assert [problem.split(":")[0] for problem in found] == [
        "file[0] (pairs.csv).unit",
        "file[1] (rates.csv).gap",
        "file[1] (rates.csv).knwn",
    ]


def test_the_document_itself_is_checked():
    with pytest.raises(StudyError) as refused:
        layout_of({"nam": "x", "file": []})
    assert [problem.split(":")[0] for problem in refused.value.problems] == ["nam", "name", "file"]


def test_a_missing_layout_lists_those_beside_it(tmp_path: Path):
    (tmp_path / "shared.toml").write_text('name = "x"\n')
    with pytest.raises(StudyError, match=r"holds \['shared.toml'\]; did you mean 'shared.toml'\?"):
        load_layout(tmp_path / "shred.toml")


def test_a_layout_that_is_no_toml_is_named(tmp_path: Path):
    (tmp_path / "bad.toml").write_text("name = \n")
    with pytest.raises(StudyError, match=r"^bad.toml: not TOML in UTF-8"):
        load_layout(tmp_path / "bad.toml")


def test_problems_of_a_layout_on_disk_name_the_file(tmp_path: Path):
    (tmp_path / "bad.toml").write_text('name = "x"\n[[file]]\npath = "a.csv"\n')
    with pytest.raises(StudyError) as refused:
        load_layout(tmp_path / "bad.toml")
    assert all(problem.startswith("bad.toml: file[0] (a.csv).") for problem in refused.value.problems)
    assert len(refused.value.problems) == 5


STOCKS: dict[str, Any] = {
    "path": "prices.parquet",
    "table": "stocks",
    "exchange": "XNYS",
    "date": {"column": "date"},
    "code": "ticker",
    "columns": {"open": ["quoted", "open"], "close": "close", "adj_close": "adj"},
}
MEMBERS: dict[str, Any] = {
    "path": "members.csv",
    "table": "members",
    "universe": "U",
    "exchange": "XNYS",
    "code": "id",
    "start": {"column": "from"},
    "end": {"column": "to"},
}
RULE: dict[str, Any] = {"rule": "rows", "why": "x"}


def test_files_of_stocks_are_read_as_stated():
    layout = layout_of({"name": "test", "file": [STOCKS, MEMBERS]})
    stocks = layout.files[0]
    assert isinstance(stocks, Stocks)
    assert stocks.foreign() == ("date", "ticker", "quoted", "open", "close", "adj")
    assert layout.of(("KO",)) == layout.files  # products are codes, which stand in the rows


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (changed(STOCKS, exchange="XNAS"), "exchange: 'XNAS' given"),
        (changed(STOCKS, path="/prices.parquet"), "path: must stay inside the folder"),
        (changed(STOCKS, path="prices.xlsx"), "path: suffix not read; the suffixes are .csv, .csv.gz, .parquet"),
        (changed(MEMBERS, path="*.csv"), "path: members are read from one file"),
        (changed(STOCKS, encoding="utf9"), "encoding: 'utf9' is not known to Python"),
        (changed(STOCKS, columns={"open": "open"}), "columns: no close is taken"),
        (changed(STOCKS, columns={"close": "c", "clsoe": "d"}), "columns.clsoe: takes no such value"),
        (
            changed(STOCKS, columns={"close": "c", "factor": "f", "adj_close": "a"}),
            "columns: factor and adj_close both",
        ),
        (changed(STOCKS, zero_is_missing=["low"]), "zero_is_missing: 'low' is not taken"),
        (changed(STOCKS, price=0), "price: "),
        (changed(STOCKS, header="yfinance"), "header: Parquet has no rows of a header"),
        (changed(STOCKS, path="a.csv", header="yfinance"), "header: of yfinance; the date is called 'Date' there"),
        (changed(STOCKS, leave_out=[RULE]), "leave_out[0]: 'rows' leaves out everything"),
        (
            changed(STOCKS, leave_out=[RULE | {"rule": "blank", "codes": ["KO"]}]),
            "leave_out[0]: 'blank' takes no codes",
        ),
        (
            changed(STOCKS, columns={"close": "c"}, leave_out=[RULE | {"rule": "no_factor"}]),
            "leave_out[0]: 'no_factor' needs a factor or adj_close",
        ),
        (
            changed(STOCKS, leave_out=[RULE | {"first": "2024-01-03", "last": "2024-01-02"}]),
            "leave_out[0]: first 2024-01-03 is after last 2024-01-02",
        ),
        ({"path": "n.csv", "table": "instruments", "code": "id"}, "name, sector: neither is given"),
    ],
)
def test_a_wrong_file_of_stocks_is_refused_with_its_key(file: dict[str, Any], said: str):
    assert any(said in problem for problem in problems(file)), problems(file)


def test_the_layouts_on_the_page_are_valid():
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    blocks = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    tables = [file.table for block in blocks for file in layout_of(block).files]
    # a file of stocks feeds quotes, instruments and adjustments; actions come from providers alone
    assert set(tables) == (set(SCHEMAS) - {"adjustments", "actions"}) | {"stocks"}


def test_the_shipped_layouts_are_valid():
    folder = Path(__file__).parents[3] / "studies" / "layouts"
    shipped = sorted(folder.glob("*.toml"))
    assert {"shared.toml", "cffex-2026.toml"} <= {path.name for path in shipped}
    for path in shipped:
        assert load_layout(path).files
