"""The header of yfinance: fields in one row and tickers in another, above prices in wide form.

Three instances, as ``yfinance.download(...).to_csv()`` and its users write them::

    Price,Close,Open     Date,Close,Open     Ticker,AAPL,AAPL,MSFT,MSFT
    Ticker,AAPL,AAPL     ,AAPL,AAPL          Price,Open,Close,Open,Close
    Date,,               2020-01-02,..       Date,,,,

The first has three rows, the second two; the third is of several tickers, grouped by ticker.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FIELDS = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "adj close",
    "dividends",
    "stock splits",
    "capital gains",
    "repaired?",
)
"""What yfinance calls its columns, in lower case."""


@dataclass(frozen=True, slots=True)
class WideHeader:
    """What the columns of a file are.

    Parameters
    ----------
    fields, tickers
        Of each column; the first column, of dates, has neither name.
    rows
        Rows of the header: 2 or 3.
    """

    fields: tuple[str, ...]
    tickers: tuple[str, ...]
    rows: int

    def codes(self) -> tuple[str, ...]:
        """Return the tickers in the order of the file."""
        return tuple(dict.fromkeys(ticker for ticker in self.tickers[1:] if ticker))

    def places(self, code: str) -> dict[str, int]:
        """Return the column of each field of ``code``."""
        return {self.fields[at]: at for at in range(1, len(self.fields)) if self.tickers[at] == code}


def wide_header(lines: Sequence[Sequence[str]]) -> WideHeader | None:
    """Recognise the header at the top of ``lines``; ``None`` where it is another."""
    if len(lines) < 2:
        return None
    first, second = ([cell.strip() for cell in line] for line in lines[:2])
    if len(first) != len(second) or len(first) < 2 or not all(second[1:]) or not all(first[1:]):
        return None
    named = {cell.lower() for cell in first[1:]} <= set(FIELDS)
    turned = {cell.lower() for cell in second[1:]} <= set(FIELDS)
    fields, tickers = (first, second) if named else (second, first)
    if named == turned or first[0] not in ("Price", "Date", "Datetime", "Ticker", "") or _is_number(tickers[1]):
        return None
    third = lines[2] if len(lines) > 2 else ()
    closing = bool(third) and third[0].strip() in ("Date", "Datetime") and not any(cell.strip() for cell in third[1:])
    return WideHeader(("", *fields[1:]), ("", *tickers[1:]), 3 if closing else 2)


def _is_number(cell: str) -> bool:
    """Say whether a cell is a number, also one with a decimal comma: no ticker is."""
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True
