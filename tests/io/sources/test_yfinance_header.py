"""Headers of yfinance: which rows name fields, which tickers, and what is none of them."""

import pytest

from tenor.io.sources.yfinance_header import wide_header


def lines(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.split()]


@pytest.mark.parametrize(
    ("text", "rows", "places"),
    [
        ("Price,Close,Open Ticker,AAPL,AAPL Date,, 2020-01-02,1,2", 3, {"AAPL": {"Close": 1, "Open": 2}}),
        ("Date,Close,Open ,AAPL,AAPL 2020-01-02,1,2", 2, {"AAPL": {"Close": 1, "Open": 2}}),
        ("Price,Close,Close Ticker,KO,PG Date,, 2020-01-02,1,2", 3, {"KO": {"Close": 1}, "PG": {"Close": 2}}),
        ("Ticker,KO,KO,PG Price,Open,Close,Close Date,,,", 3, {"KO": {"Open": 1, "Close": 2}, "PG": {"Close": 3}}),
    ],
)
def test_fields_and_tickers_are_told_apart(text: str, rows: int, places: dict[str, dict[str, int]]) -> None:
    header = wide_header(lines(text))
    assert header is not None
    assert header.rows == rows
    assert {code: header.places(code) for code in header.codes()} == places


@pytest.mark.parametrize(
    "text",
    [
        "Date,Open,Close 2020-01-02,1,2",  # one row, then prices
        "Date,Open,Close ,Open,Close",  # no tickers
        "Date,Open,Close ,AAPL",  # ragged
        "Date,Open,Close ,AAPL,",  # a column without a ticker
        "day,Open,Close ,AAPL,AAPL",
        "Date,Open",
    ],
)
def test_what_is_no_header_of_yfinance(text: str) -> None:
    assert wide_header(lines(text)) is None
