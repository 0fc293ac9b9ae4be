"""Answers of providers, written by hand in the shapes of their libraries, and a library that replays them.

Columns and kinds are those of yfinance 1.7 and akshare 1.19; prices are few and mostly made up.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from tenor.errors import PullError
from tenor.io.sources.fetch import Answer, Asked, Connector, Request, Span, answer_of

LATER = datetime(2020, 9, 2, 3, tzinfo=UTC)
"""After every session of the answers, and an hour of the day when nobody trades."""

FACTS = {"name": "Apple Inc.", "kind": "EQUITY", "currency": "USD", "zone": "America/New_York"}


def yahoo(**columns: list[float]) -> pd.DataFrame:
    """Four sessions of AAPL around its split of 4 for 1 on 2020-08-31, with a dividend on the Friday before."""
    days = pd.to_datetime(["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"]).tz_localize("America/New_York")
    frame = {
        "Open": [127.14, 126.01, 127.58, 132.76],
        "High": [127.49, 126.44, 131.00, 134.80],
        "Low": [123.83, 124.58, 126.00, 130.53],
        "Close": [125.0100021, 124.8075027, 129.0399933, 134.1799927],
        "Adj Close": [124.8050021, 124.8075027, 129.0399933, 134.1799927],
        "Volume": [155552400, 187630000, 225702700, 151948100],
        "Dividends": [0.0, 0.205, 0.0, 0.0],
        "Stock Splits": [0.0, 0.0, 4.0, 0.0],
    }
    return pd.DataFrame(frame | columns, index=pd.DatetimeIndex(days, name="Date"))


def bars(closes: list[float], days: list[str], **columns: list[Any]) -> pd.DataFrame:
    """Eastmoney's daily bars as akshare gives them: dates as objects, volume in lots of 100 shares."""
    frame = {
        "日期": [date.fromisoformat(day) for day in days],
        "股票代码": ["600519"] * len(days),
        "开盘": closes,
        "收盘": closes,
        "最高": [price + 1 for price in closes],
        "最低": [price - 1 for price in closes],
        "成交量": [25000 + at for at in range(len(days))],
        "成交额": [1e9] * len(days),
    }
    return pd.DataFrame(frame | columns)


def factors(**by_day: str) -> pd.DataFrame:
    """Sina's cumulative factor: newest first, text, and a first row of 1900; days as ``d2024_06_19``."""
    days = [name[1:].replace("_", "-") for name in by_day]
    return pd.DataFrame({"date": pd.to_datetime(days), "hfq_factor": list(by_day.values())})


def cffex(day: str) -> pd.DataFrame:
    """One session of CFFEX: two contracts of T, one of which did not trade, and one of TF."""
    nan = float("nan")
    return pd.DataFrame(
        {
            "symbol": ["T2409", "T2412", "TF2409"],
            "date": [day] * 3,
            "open": [104.80, nan, 103.80],
            "high": [104.90, nan, 103.90],
            "low": [104.70, nan, 103.70],
            "close": [104.85, 104.9, 103.85],
            "volume": [50000, 0, 40000],
            "open_interest": [200000, 10, 90000],
            "turnover": [5e6, 0.0, 4e6],
            "settle": [104.86, 104.66, 103.86],
            "pre_settle": [104.8, 104.6, 103.8],
            "variety": ["T", "T", "TF"],
        }
    )


class Library:
    """Replays answers by call (akshare's function, or a Yahoo symbol): a frame, an error, or a list of one by one."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = {name: list(each) if isinstance(each, list) else each for name, each in answers.items()}
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Answer:
        told = dict(request.arguments)
        name = request.call if request.provider == "china" else told.get("symbol", told.get("series", ""))
        self.asked.append(str(request))
        answer = self.answers.get(name)
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(told)
        if answer is None:
            raise PullError(f"{name} is not there")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Answer):
            return answer
        return answer_of(answer, FACTS if request.provider == "yahoo" else None)


def parsed(connector: Connector, item: str, answers: Mapping[str, Any], span: Span, at: datetime = LATER) -> Any:
    """What a connector makes of answers that were given at ``at``."""
    library = Library(answers)
    asked = [Asked(request, library(request), at, cached=False) for request in connector.plan(item, span)]
    return connector.parse(item, asked, span, at)
