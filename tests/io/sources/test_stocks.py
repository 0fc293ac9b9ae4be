"""Files of stocks: cells that become a market written out by hand, and rows that are refused with their place."""

import runpy
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.errors import Defect, MarketError, StudyError
from tenor.io.sources.folder import Folder, check

WRITTEN = runpy.run_path(str(Path(__file__).with_name("written.py")))
folder_of, defects_of = WRITTEN["folder_of"], WRITTEN["defects_of"]

STOCKS = """
[[file]]
path = "prices.csv"
table = "stocks"
exchange = "XSHG"
date = { column = "day", format = "%Y%m%d" }
code = "id"
columns = { open = "o", high = "h", low = "l", close = "c", volume = "lots", factor = "f" }
price = 100
shares = 100
"""
HEAD = "day,id,o,h,l,c,lots,f"
ROWS = (
    HEAD,
    "20240103,SH600000,660,670,655,665,20,3.0",
    "20240102,SH600000,650,660,640,655,10,3.0",
    "20240104,SH600000,330,340,325,335,30,6.0",
    "20240104,SZ000001,900,910,890,905,5,2.5",
)
YAHOO = """
[[file]]
path = "prices.csv"
table = "stocks"
exchange = "XNYS"
date = { column = "date" }
code = "ticker"
columns = { open = ["quoted", "open"], close = "close", adj_close = "adj" }
"""
YAHOO_HEAD = "date,ticker,quoted,open,close,adj"
YAHOO_ROWS = (
    YAHOO_HEAD,
    "2024-01-02,KO,,59,60,48",
    "2024-01-03,KO,61,99,62,49.6",
    "2024-01-04,KO,,60,60,",
    "2024-01-05,KO,,59,50,50",
)
MEMBERS = """
[[file]]
path = "members.csv"
table = "members"
universe = "U"
exchange = "XSHG"
code = "id"
start = { column = "from" }
end = { column = "to" }
"""
BLANK = """
[[file.leave_out]]
rule = "blank"
why = "nothing was published"
"""


def said(defects: Sequence[Defect]) -> list[str]:
    return [f"{one.row} {one.column}: {one.reason}" for one in defects]


def test_hundredths_lots_and_a_factor_become_prices_shares_and_steps(tmp_path: Path) -> None:
    market = folder_of(tmp_path, STOCKS, prices=ROWS).read()
    columns = ("date", "code", "open", "high", "low", "close", "settle", "volume")
    assert market.quotes.select(columns).rows() == [
        (date(2024, 1, 2), "SH600000", 6.5, 6.6, 6.4, 6.55, None, 1000.0),
        (date(2024, 1, 3), "SH600000", 6.6, 6.7, 6.55, 6.65, None, 2000.0),
        (date(2024, 1, 4), "SH600000", 3.3, 3.4, 3.25, 3.35, None, 3000.0),
        (date(2024, 1, 4), "SZ000001", 9.0, 9.1, 8.9, 9.05, None, 500.0),
    ]
    # 15:00 and 09:30 in Shanghai
    assert market.quotes["known_at"][0] == datetime(2024, 1, 2, 7, 0, tzinfo=UTC)
    assert market.adjustments.rows() == [(date(2024, 1, 4), "SH600000", 2.0, datetime(2024, 1, 4, 1, 30, tzinfo=UTC))]
    first = datetime(2024, 1, 4, 1, 30, tzinfo=UTC)
    assert market.instrument("SZ000001").row(0) == ("SZ000001", "SZ000001", "stock", "XSHG", "CNY", None, first)


def test_an_adjusted_close_is_a_factor_that_looks_back(tmp_path: Path) -> None:
    """48 of 60 is four fifths, 50 of 50 all: the factor becomes 1.25. Where there is none, the one before counts."""
    market = folder_of(tmp_path, YAHOO, prices=YAHOO_ROWS).read()
    assert market.adjustments.select("date", "factor").rows() == [(date(2024, 1, 5), 1.25)]
    assert market.quotes["open"].to_list() == [59.0, 61.0, 60.0, 59.0]  # the first column that has a value
    assert market.quotes["high"].null_count() == 4
    assert any("1 rows of 1 of the instruments have no factor" in note for note in market.notes)
    assert any("left missing: high 4, low 4, volume 4" in note for note in market.notes)


def test_only_what_is_asked_is_read(tmp_path: Path) -> None:
    source = folder_of(tmp_path, STOCKS, prices=ROWS)
    one = Folder(source.folder, source.layout, ("SZ000001",)).read()
    assert one.codes() == ("SZ000001",)
    assert one.quotes.equals(source.read().quotes.filter(pl.col("code") == "SZ000001"))
    with pytest.raises(MarketError, match=r"no quotes of 'SH600001' .* did you mean 'SH600000'.*; it has 2"):
        Folder(source.folder, source.layout, ("SH600001",)).read()


def test_what_is_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    layout = (
        YAHOO.replace('code = "ticker"', 'code = "ticker"\ncodes = ["KO", "PG"]')
        + """
[[file.leave_out]]
rule = "rows"
codes = ["PG"]
first = 2024-01-03
last = 2024-01-03
why = "a print"

[[file.leave_out]]
rule = "off_session"
why = "a Sunday"

[[file.leave_out]]
rule = "no_factor"
why = "unadjusted"
"""
        + BLANK
    )
    rows = (
        *YAHOO_ROWS,
        "2024-01-03,PG,1,1,1,1",
        "2024-01-04,PG,1,1,1,1",
        "2024-01-07,PG,1,1,1,1",
        "2024-01-08,PG,1,1,,1",
        "2024-01-08,XX,1,1,1,1",
    )
    market = folder_of(tmp_path, layout, prices=rows).read()
    assert market.quotes.height == 4
    assert [note for note in market.notes if "left out" in note or "not read" in note] == [
        "prices.csv: 1 rows left out (of PG from 2024-01-03 to 2024-01-03): a print",
        "prices.csv: 1 rows left out (on a day without a session): a Sunday",
        "prices.csv: 2 rows left out (without a factor, which their instrument has on other days): unadjusted",
        "prices.csv: 1 rows are of instruments that 'codes' does not name; not read",
    ]


def test_a_halt_that_a_source_fills_is_left_out_and_a_day_at_the_limit_stays(tmp_path: Path) -> None:
    """Without volume and at one price is a halt; at one price with volume is a limit; without volume, odd but kept."""
    rule = '\n[[file.leave_out]]\nrule = "no_trade"\nwhy = "a halt"\n'
    rows = (
        *ROWS,
        "20240105,SH600000,335,335,335,335,0,6",
        "20240108,SH600000,335,335,335,335,7,6",
        "20240109,SH600000,335,336,335,336,0,6",
    )
    market = folder_of(tmp_path, STOCKS + rule, prices=rows).read()
    days = market.quotes.filter(pl.col("code") == "SH600000")["date"].to_list()
    assert days == [date(2024, 1, day) for day in (2, 3, 4, 8, 9)]
    assert "prices.csv: 1 rows left out (without volume and at one price): a halt" in market.notes
    bare = STOCKS.replace('low = "l", ', "")
    with pytest.raises(StudyError, match="'no_trade' needs volume, high and low among the columns"):
        folder_of(tmp_path, bare + rule, prices=rows).read()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("20240105,SH600000,0,10,9,9.5,1,6", "6 open: SH600000 on 2024-01-05: 0.0 is not positive"),
        ("20240105,SH600000,-9,10,-9,-9,1,6", "6 close: SH600000 on 2024-01-05: -9.0 is not positive"),
        ("20240105,SH600000,320,340,330,335,1,6", "6 high, low: SH600000 on 2024-01-05: high 340.0 and low 330.0"),
        ("20240104,SZ000001,900,910,890,905,5,2.5", "5 day: SZ000001 on 2024-01-04 appears twice"),
        ("20240106,SH600000,330,340,325,335,1,6", "6 day: SH600000 on 2024-01-06: no session of XSHG"),
        ("20240105,SH600000,330,340,325,,1,6", "6 close: SH600000 on 2024-01-05: there is none"),
        ("2024-01-05,SH600000,330,340,325,335,1,6", "6 day: no date"),
        ("20240105,,330,340,325,335,1,6", "6 id: no code"),
        ("20240105,SH600000,330,340,325,335,many,6", "6 lots: 'many' is not a number"),
        ("20240105,SH600000,330,340,325,335,-1,6", "6 volume: SH600000 on 2024-01-05: -1.0 is negative"),
        ("20240105,SH600000,330,340,325,335,1,0", "6 factor: SH600000 on 2024-01-05: 0.0 is not positive"),
        ("20240105,SH600000,330,340,325,335,1,12", "6 close: SH600000 on 2024-01-05: 100 % from the session before"),
        ("20240105,SH600000,330,340", "6 row: 4 cells under a header of 8 columns"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, row: str, expected: str) -> None:
    found = said(defects_of(folder_of(tmp_path, STOCKS, prices=(*ROWS, row))))
    assert any(line.startswith(expected) for line in found), found


def test_prices_adjusted_by_subtraction_are_refused_and_say_why(tmp_path: Path) -> None:
    """Front-adjusted by subtraction, a price of early years is negative or near zero: what is a return of that?"""
    days = ("20240102", "20240103", "20240104", "20240105", "20240108", "20240109", "20240110", "20240111")
    rows = [f"{day},SH600519,{at - 6},{at - 5},{at - 7},{at - 6},100,1" for at, day in enumerate(days)]
    defects = defects_of(folder_of(tmp_path, STOCKS, prices=(HEAD, *rows)))
    closes = [one for one in defects if one.column == "close" and "not positive" in one.reason]
    assert [one.row for one in closes] == [2, 3, 4, 5, 6]
    assert "adjusted by subtraction" in closes[0].remedy
    assert any(one.reason == "and 2 more rows like these" for one in defects)


def test_a_split_that_nothing_adjusts_is_refused_and_a_crash_of_an_adjusted_price_is_not(tmp_path: Path) -> None:
    rows = ("2024-01-02,KO,,60,60,30", "2024-01-03,KO,,30,30,15")
    assert folder_of(tmp_path, YAHOO, prices=(YAHOO_HEAD, *rows)).read().quotes.height == 2
    bare = YAHOO.replace(', adj_close = "adj"', "")
    source = folder_of(tmp_path, bare, prices=(YAHOO_HEAD, *rows))
    assert said(defects_of(source)) == ["3 close: KO on 2024-01-03: -50 % from the session before"]
    known = '\n[[file.known_jumps]]\ncode = "KO"\ndate = 2024-01-03\nwhy = "a crash"\n'
    assert folder_of(tmp_path, bare + known, prices=(YAHOO_HEAD, *rows)).read().quotes.height == 2


def test_a_zero_that_says_nothing_is_stated(tmp_path: Path) -> None:
    rows = (YAHOO_HEAD, "2024-01-02,KO,,0,60,60")
    assert said(defects_of(folder_of(tmp_path, YAHOO, prices=rows))) == [
        "2 open: KO on 2024-01-02: 0.0 is not positive, and no return can be made of it"
    ]
    stated = YAHOO.replace('code = "ticker"', 'code = "ticker"\nzero_is_missing = ["open"]')
    assert folder_of(tmp_path, stated, prices=rows).read().quotes["open"].to_list() == [None]


def test_an_instrument_has_one_series(tmp_path: Path) -> None:
    rows = (YAHOO_HEAD, "2024-01-02,KO,,59,60,60")
    assert said(defects_of(folder_of(tmp_path, YAHOO + YAHOO, prices=rows))) == [
        "None ticker: 1 instruments are read by an entry before this one, KO among them"
    ]


WIDE = """
[[file]]
path = "*.csv"
table = "stocks"
exchange = "XNYS"
header = "yfinance"
date = { column = "Date" }
code = "Ticker"
columns = { close = "Close" }
"""


def test_a_folder_of_downloads_of_yfinance(tmp_path: Path) -> None:
    one = ("Price,Close,Open", "Ticker,KO,KO", "Date,,", "2024-01-02,60,59", "2024-01-03,61,60")
    two = ("Date,Close,Close", ",AAPL,PG", "2024-01-02,185,147", "2024-01-03,184,")
    source = folder_of(tmp_path, WIDE + BLANK, one=one, two=two)
    market = source.read()
    assert market.quotes.select("code", "date", "close").rows() == [
        ("AAPL", date(2024, 1, 2), 185.0),
        ("AAPL", date(2024, 1, 3), 184.0),
        ("KO", date(2024, 1, 2), 60.0),
        ("KO", date(2024, 1, 3), 61.0),
        ("PG", date(2024, 1, 2), 147.0),
    ]
    assert check(source.folder, source.layout).parts[0].rows == 6
    (defect,) = defects_of(folder_of(tmp_path, WIDE, one=one, two=two))
    assert (defect.file, defect.row) == ("two.csv", 4)
    plain = folder_of(tmp_path, WIDE, one=one, two=("Date,Close", "2024-01-02,60"))
    (defect,) = defects_of(plain)
    assert defect.reason == "no header of yfinance: the first rows are Date, Close and 2024-01-02, 60"


def test_the_name_of_a_file_is_a_code(tmp_path: Path) -> None:
    layout = WIDE.replace('code = "Ticker"\n', "").replace('header = "yfinance"\n', "")
    rows = {"KO": ("Date,Close", "2024-01-02,60"), "PG": ("Date,Close", "2024-01-02,147")}
    source = folder_of(tmp_path, layout, **rows)
    assert source.read().codes() == ("KO", "PG")
    assert Folder(source.folder, source.layout, ("PG",)).read().codes() == ("PG",)
    with pytest.raises(MarketError, match=r"no quotes of 'PGG' .* did you mean 'PG'"):
        Folder(source.folder, source.layout, ("PGG",)).read()
    (defect,) = defects_of(folder_of(tmp_path, layout.replace("*.csv", "p/*.csv"), **rows))
    assert defect.reason == "no file has such a name"


def test_parquet_with_moments_and_nan(tmp_path: Path) -> None:
    source = folder_of(tmp_path, YAHOO.replace(".csv", ".parquet") + BLANK, other=("x", "1"))
    frame = pl.DataFrame(
        {
            "date": [datetime(2024, 1, 2), datetime(2024, 1, 3)],
            "ticker": ["KO", "KO"],
            "quoted": [None, None],
            "open": [59.0, 60.0],
            "close": [60.0, float("nan")],
            "adj": [60.0, 60.0],
        }
    )
    frame.write_parquet(Path(source.folder) / "prices.parquet")
    market = source.read()
    assert market.quotes.select("date", "close").rows() == [(date(2024, 1, 2), 60.0)]
    assert any("1 rows left out (without a close): nothing was published" in note for note in market.notes)
    frame.drop("adj").write_parquet(Path(source.folder) / "prices.parquet")
    assert said(defects_of(source))[0].startswith("1 adj: no such column")
    (Path(source.folder) / "prices.parquet").write_bytes(b"no")
    assert said(defects_of(source))[0].startswith("None file: cannot be read")


def test_membership_begins_on_its_day_and_ends_on_the_session_after(tmp_path: Path) -> None:
    """1 January is no session; SZ000002 leaves on a Friday and is back on Monday; the list was made on 12 January."""
    rows = (
        "id,from,to",
        "SH600000,2024-01-01,2024-01-12",
        "SZ000001,2024-01-02,2024-01-05",
        "SZ000002,2024-01-02,2024-01-05",
        "SZ000002,2024-01-08,2024-01-12",
    )
    market = folder_of(tmp_path, STOCKS + MEMBERS, prices=ROWS, members=rows).read()
    assert market.members.select("code", "date", "member").rows() == [
        ("SH600000", date(2024, 1, 2), True),
        ("SZ000001", date(2024, 1, 2), True),
        ("SZ000001", date(2024, 1, 8), False),
        ("SZ000002", date(2024, 1, 2), True),
        ("SZ000002", date(2024, 1, 8), True),
    ]
    assert market.members["known_at"].max() == datetime(2024, 1, 8, 1, 30, tzinfo=UTC)
    assert set(market.members["universe"]) == {"U"}
    assert any("1 of 3 codes have no prices in this layout: the universe lacks them" in note for note in market.notes)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("SH600000,2024-01-09,2024-01-08", "3 from, to: SH600000: 2024-01-09 to 2024-01-08 is no interval"),
        ("SH600000,,2024-01-08", "3 from, to: SH600000: (no date) to 2024-01-08 is no interval"),
        ("SH600000,2024-01-04,2024-01-08", "3 from: SH600000: begins on 2024-01-04, before an earlier interval of it"),
    ],
)
def test_intervals_that_cannot_be_are_refused(tmp_path: Path, row: str, expected: str) -> None:
    rows = ("id,from,to", "SH600000,2024-01-02,2024-01-05", row)
    found = said(defects_of(folder_of(tmp_path, STOCKS + MEMBERS, prices=ROWS, members=rows)))
    assert found[0].startswith(expected), found


NAMES = '\n[[file]]\npath = "names.csv"\ntable = "instruments"\ncode = "id"\nname = "n"\nsector = "s"\n'


def test_names_and_sectors(tmp_path: Path) -> None:
    rows = ("s,id,n", "Banks,SH600000,Pudong", "Banks,XX,Other")
    market = folder_of(tmp_path, STOCKS + NAMES, prices=ROWS, names=rows).read()
    assert market.instruments.select("code", "name", "sector").rows() == [
        ("SH600000", "Pudong", "Banks"),
        ("SZ000001", "SZ000001", None),
    ]
    twice = folder_of(tmp_path, STOCKS + NAMES, prices=ROWS, names=(*rows, "Steel,XX,Third"))
    assert said(defects_of(twice)) == ["3 id: the code appears twice", "4 id: the code appears twice"]


@settings(max_examples=25, deadline=None)
@given(factors=st.lists(st.sampled_from([0.5, 1.0, 1.25]), min_size=2, max_size=8), cut=st.integers(1, 8))
def test_later_rows_change_no_earlier_ones(
    tmp_path_factory: pytest.TempPathFactory, factors: list[float], cut: int
) -> None:
    """A market of the first sessions is what a market of all of them knew then: nothing depends on where data end."""
    folder = tmp_path_factory.mktemp("prefix")
    days = ("02", "03", "04", "05", "08", "09", "10", "11")
    held, rows = 1.0, [YAHOO_HEAD]
    for at, step in enumerate(factors):
        held *= step if at else 1.0
        rows.append(f"2024-01-{days[at]},KO,,60,{64 / held},{64 * 0.3}")
    cut = min(cut, len(factors))
    whole = folder_of(folder, YAHOO, prices=rows).read()
    part = folder_of(folder, YAHOO, prices=rows[: cut + 1]).read()
    then = part.quotes["known_at"].max()
    assert isinstance(then, datetime)
    assert whole.known_at(then).fingerprint() == part.fingerprint()
