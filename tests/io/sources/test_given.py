"""Prices as they are given: what is recognised, what is assumed, and what is refused with file, row and reason."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tenor.errors import DataError, MarketError
from tenor.io.sources.given import Given, code_of_file, exchange_of, read_given
from tenor.market.exchange import exchange

THREE = """Price,Close,High,Low,Open,Volume
Ticker,AAPL,AAPL,AAPL,AAPL,AAPL
Date,,,,,
2024-01-02,185.5,188.25,183.75,187.0,82488700
2024-01-03,184.25,185.75,183.5,184.25,58414500
"""

TWO = """Date,Close,High,Low,Open,Volume
,AAPL,AAPL,AAPL,AAPL,AAPL
2024-01-02,185.5,188.25,183.75,187.0,82488700
2024-01-03,184.25,185.75,183.5,184.25,58414500
"""

SEVERAL = """Price,Adj Close,Adj Close,Close,Close,Volume,Volume
Ticker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT
Date,,,,,,
2024-01-02,92.75,370.0,185.5,370.0,10,20
2024-01-03,92.125,371.0,184.25,371.0,11,21
2024-01-04,92.0,,92.0,,12,
"""

PLAIN = """日期,开盘,收盘,最高,最低,成交量
2024-01-02,1715.0,1685.0,1718.2,1678.1,32156
2024-01-03,1681.1,1694.0,1695.2,1676.3,20229
"""


def written(folder: Path, text: str, name: str = "AAPL.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "rows"), [(THREE, "three"), (TWO, "two")])
def test_downloads_of_yfinance_are_read_as_they_are(tmp_path: Path, text: str, rows: str) -> None:
    market = read_given(written(tmp_path, text, "download.csv"))
    assert market.codes() == ("AAPL",)
    quotes = market.quotes_of("AAPL")
    assert quotes["close"].to_list() == [185.5, 184.25]
    assert quotes.row(0, named=True)["high"] == 188.25
    assert quotes["volume"].to_list() == [82488700.0, 58414500.0]
    assert quotes["known_at"][0] == exchange("XNYS").closes_at(date(2024, 1, 2))
    assert any(f"a header of {rows} rows" in note for note in market.notes)
    assert market.instrument("AAPL")["currency"][0] == "USD"


def test_several_tickers_in_one_download_are_several_instruments(tmp_path: Path) -> None:
    market = read_given(written(tmp_path, SEVERAL))
    assert market.codes() == ("AAPL", "MSFT")
    assert market.quotes_of("MSFT").height == 2  # a blank close is no row
    # 185.5 is 92.75 adjusted, half; from the third session on nothing is: the factor doubles
    assert market.adjustments.select("date", "code", "factor").rows() == [(date(2024, 1, 4), "AAPL", 2.0)]


GROUPED = """Ticker,AAPL,AAPL,KO,KO
Price,Open,Close,Open,Close
Date,,,,
2024-01-02,187.0,185.5,59.0,60.0
"""


def test_a_download_that_is_grouped_by_ticker(tmp_path: Path) -> None:
    market = read_given(written(tmp_path, GROUPED))
    assert market.quotes.select("code", "open", "close").rows() == [("AAPL", 187.0, 185.5), ("KO", 59.0, 60.0)]


def test_what_is_taken_for_what_is_said(tmp_path: Path) -> None:
    rows = "day,date,close,adj close\nx,2024-01-02,60,30\nx,2024-01-03,30,30\n"
    assert read_given(written(tmp_path, rows)).notes == (
        "AAPL.csv: date is 'date', close is 'close', adj_close is 'adj close'",
        "AAPL.csv: no open, high, low, volume; what needs them is unknown",
        "AAPL.csv: prices are adjusted by the adjusted close over the close, 1 on the first session",
        "AAPL: taken to trade on XNYS, and to be known at its close",
    )
    bare = rows.replace(",adj close", "").replace(",30\n", "\n")
    fell = bare.replace("-03,30", "-03,33")
    assert "AAPL: falls by more than 43 % on 2024-01-03; if that is a split, give adjusted prices" in (
        read_given(written(tmp_path, fell)).notes
    )


@pytest.mark.parametrize(
    ("opened", "close", "split"),
    [("30", "30", True), ("", "30.9", True), ("20.2", "19.5", True), ("58", "30", False), ("33", "33", False)],
)
def test_a_split_that_nothing_adjusts_is_refused(tmp_path: Path, opened: str, close: str, split: bool) -> None:
    """Open and close near a whole part of the close before; a fall in the session, or to no such part, is none."""
    rows = f"date,open,close\n2024-01-02,60,60\n2024-01-03,{opened},{close}\n"
    path = written(tmp_path, rows)
    if not split:
        assert read_given(path).quotes.height == 2
        return
    with pytest.raises(DataError, match="is a simple part of the close before, from the open on, and nothing adjusts"):
        read_given(path)
    adjusted = f"date,open,close,adj close\n2024-01-02,60,60,30\n2024-01-03,{opened},{close},30\n"
    assert read_given(written(tmp_path, adjusted)).quotes.height == 2


def test_a_file_with_decimal_commas_is_refused_by_its_cells(tmp_path: Path) -> None:
    rows = "Date;Open;High;Low;Close;Volume\n02.01.2024;213,67;214,00;213,00;213,50;1000\n"
    with pytest.raises(DataError, match=r"213,50 is no number.*with a point and not a comma"):
        read_given(written(tmp_path, rows))


def test_spellings_of_the_east_and_the_code_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, PLAIN, "600519.SS.csv")
    market = read_given(path)
    assert market.codes() == ("600519.SS",)
    assert market.instrument("600519.SS")["exchange"][0] == "XSHG"
    assert market.quotes["open"].to_list() == [1715.0, 1681.1]
    assert code_of_file(path) == "600519.SS"


def test_a_folder_holds_one_file_for_each(tmp_path: Path) -> None:
    written(tmp_path, THREE)
    frame = pl.DataFrame({"date": [date(2024, 1, 2)], "ticker": ["KO"], "close": [60.0]})
    frame.write_parquet(tmp_path / "more.parquet")
    assert read_given(tmp_path).codes() == ("AAPL", "KO")
    assert Given(tmp_path, ("KO",)).read().codes() == ("KO",)
    written(tmp_path, TWO, "again.csv")
    with pytest.raises(DataError, match="AAPL is in two files"):
        read_given(tmp_path)


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("AAPL", "XNYS"),
        ("BRK.B", "XNYS"),
        ("600519", "XSHG"),
        ("SH600519", "XSHG"),
        ("000001.SZ", "XSHG"),
        ("0700.HK", "XHKG"),
    ],
)
def test_a_code_says_its_exchange(code: str, place: str) -> None:
    assert exchange_of(code) == place


HEAD = "date,open,high,low,close,volume\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("2024-01-02,1,2,1,0,5\n", "AAPL.csv:2 AAPL close: 0.0 is not positive: no return can be made of it"),
        ("2024-01-02,-3,2,-4,1,5\n", "AAPL open: -3.0 is not positive"),
        ("2024-01-02,1,1.5,0.5,2,5\n", "AAPL.csv:2 AAPL high, low: high 1.5 and low 0.5 do not hold open and close"),
        ("2024-01-02,1,1,1,1,5\n2024-01-02,1,1,1,1,5\n", "AAPL.csv:2 AAPL date: 2024-01-02 appears twice"),
        ("2024-01-06,1,1,1,1,5\n", "2024-01-06 is no session of XNYS"),
        ("yesterday,1,1,1,1,5\n", "yesterday is no date"),
        ("2024-01-02,1,1,1,n/a,5\n", "n/a is no number"),
        ("2024-01-02,1,1,1,1,5\n2024-01-03,4,4,4,4,5\n", "4.0 after another price: a change of more than 75 %"),
        ("2024-01-02,1,1,1\n", "4 cells under 6 columns"),
        ("2024-01-02,1,1,1,,5\n", "no row has a close"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        read_given(written(tmp_path, HEAD + rows))
    assert said in str(refused.value)


def test_prices_adjusted_by_subtraction_are_refused_with_the_reason(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02d}" for day in (2, 3, 4, 5, 8, 9, 10, 11)]
    rows = "".join(f"{day},{n - 6},{n - 5},{n - 7},{n - 6},100\n" for n, day in enumerate(days))
    with pytest.raises(DataError) as refused:
        read_given(written(tmp_path, HEAD + rows))
    assert "prices adjusted by subtraction fall below zero in early years" in str(refused.value)
    assert "more rows like these" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,close,close\n2024-01-02,1,1\n", "the columns ['close'] appear twice"),
        ("date,ticker,close\n2024-01-02,,1\n", "AAPL.csv:2 ticker: 1 rows name no instrument"),
        ("Date,Close,Open\n,KO,KO\n2024-01-02,1\n", "AAPL.csv:3 row: not the 3 cells of the header"),
        ("a,b\n1,2\n", "no column for date and close among ['a', 'b']"),
        ("", "it has no rows"),
    ],
)
def test_a_file_that_is_no_prices_says_what_it_has(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as refused:
        read_given(written(tmp_path, text))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("dates", "way"),
    [
        (("01/12/2024", "01/16/2024"), "month/day/year"),
        (("12/01/2024", "16/01/2024"), "day/month/year"),
        (("20240112", "20240116"), ""),
        (("2024/01/12", "2024/01/16"), ""),
        (("2024-01-12 00:00:00-05:00", "2024-01-16 00:00:00-05:00"), ""),
    ],
)
def test_a_column_of_dates_is_read_in_one_way_and_that_is_said(
    tmp_path: Path, dates: tuple[str, str], way: str
) -> None:
    rows = "date,close\n" + "".join(f"{day},{60 + n}\n" for n, day in enumerate(dates))
    market = read_given(written(tmp_path, rows))
    assert market.quotes["date"].to_list() == [date(2024, 1, 12), date(2024, 1, 16)]
    assert [note for note in market.notes if "dates are read as" in note] == (
        [f"AAPL.csv: dates are read as {way}"] * bool(way)
    )


def test_semicolons_and_tabs_part_columns_and_commas_part_thousands(tmp_path: Path) -> None:
    rows = "date;close;volume\n2024-01-02;1,234.5;12,000\n2024-01-03;1240;1e4\n"
    for text in (rows, rows.replace(";", "\t")):
        market = read_given(written(tmp_path, text))
        assert market.quotes["close"].to_list() == [1234.5, 1240.0]
        assert market.quotes["volume"].to_list() == [12000.0, 10000.0]
    with pytest.raises(DataError, match=r"43,2 is no number; write it as 1234\.5"):
        read_given(written(tmp_path, "date;close\n2024-01-02;43,2\n"))


def test_order_blanks_and_sessions_without_a_row_are_said(tmp_path: Path) -> None:
    rows = "date,close\n2024-01-08,63\n2024-01-02,60\n2024-01-03,\n2024-01-04,61\n"
    market = read_given(written(tmp_path, rows))
    assert market.quotes["date"].to_list() == [date(2024, 1, 2), date(2024, 1, 4), date(2024, 1, 8)]
    assert "AAPL: rows are not in the order of time; they were sorted by date" in market.notes
    assert "AAPL: 1 rows without a close are left out" in market.notes
    missing = "AAPL: 2 of the 5 sessions of XNYS from 2024-01-02 to 2024-01-08 have no row"
    assert any(note.startswith(missing) for note in market.notes)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    written(tmp_path, THREE)
    with pytest.raises(MarketError, match=r"no prices of APPL in .*; it has \['AAPL'\]; did you mean 'AAPL'"):
        read_given(tmp_path, ("APPL",))
    with pytest.raises(DataError, match=r"no such file or folder; did you mean 'AAPL\.csv'"):
        read_given(tmp_path / "APL.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"it has no \.csv and no \.parquet file"):
        read_given(tmp_path / "empty")
    (tmp_path / "broken.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="not Parquet"):
        read_given(tmp_path / "broken.parquet")


def test_other_files_do_not_stand_in_the_way_of_the_one_that_is_asked(tmp_path: Path) -> None:
    frame: Mapping[str, list] = {
        "date": [date(2024, 1, 2), date(2024, 1, 2)],
        "ticker": ["KO", "BAD"],
        "close": [60.0, -1.0],
    }
    pl.DataFrame(frame).write_parquet(tmp_path / "two.parquet")
    assert read_given(tmp_path / "two.parquet", ("KO",)).codes() == ("KO",)
    with pytest.raises(DataError, match="BAD close"):
        read_given(tmp_path / "two.parquet")
