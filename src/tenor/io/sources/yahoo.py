"""Yahoo through yfinance: daily bars, splits and dividends of stocks, ETFs and indices.

Three instances. ``AAPL`` trades in New York. ``600519.SS`` is kept as ``SH600519`` and ``000001.SZ`` as ``SZ000001``,
as another provider names them; ``0700.HK`` stays. ``^GSPC`` is an index: the time zone of the answer tells where.

Yahoo gives prices and volumes as if every split up to today had always been, and dividends likewise. Here that is
undone with the splits of the same answer (:mod:`tenor.io.sources.answers` says why): a close of 125 before a split of 4
for 1 is 500, as it was traded. So an answer always runs to today, and days after ``--last`` are cut off afterwards.
Yahoo's adjusted close is the check of the factor computed here, not its source: where the two differ on an ex-date
(capital gains of funds, dividends in another currency) a note says by how much.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from tenor.errors import DataError, Defect, PullError
from tenor.io.sources.answers import CORRECT, Terms, read_columns, stock_tables
from tenor.io.sources.fetch import Answer, Asked, Fetch, Found, Request, Span, answer_of, called
from tenor.market.exchange import exchange, exchanges

COLUMNS = {
    "date": ("Date", "date"),
    "open": ("Open", "number"),
    "high": ("High", "number"),
    "low": ("Low", "number"),
    "close": ("Close", "number"),
    "adjusted": ("Adj Close", "number"),
    "volume": ("Volume", "number"),
    "dividend": ("Dividends", "number"),
    "split": ("Stock Splits", "number"),
}
KINDS = {"EQUITY": "stock", "ETF": "etf", "INDEX": "index"}
AGREES = 5e-4
"""The step of our factor and of Yahoo's adjusted close on one ex-date may differ by this fraction."""


def code_and_exchange(symbol: str) -> tuple[str, str | None]:
    """Return our code of a Yahoo ticker and its exchange, ``None`` where only the answer says it (indices).

    Raises
    ------
    PullError
        If the ticker is of an exchange whose rules are not known here.
    """
    if symbol.startswith("^"):
        return symbol, None
    mainland = re.fullmatch(r"(\d{6})\.(SS|SZ)", symbol)
    if mainland:
        return {"SS": "SH", "SZ": "SZ"}[mainland[2]] + mainland[1], "XSHG"
    if re.fullmatch(r"\d{4,5}\.HK", symbol):
        return symbol, "XHKG"
    if re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)?", symbol):
        return symbol, "XNYS"
    raise PullError(
        f"{symbol!r} is no ticker that can be pulled from yahoo: give one as AAPL or BRK-B (New York), 600519.SS and"
        " 000001.SZ (mainland), 0700.HK (Hong Kong) or ^GSPC (index); other exchanges have no calendar here"
    )


@dataclass(frozen=True, slots=True)
class YahooFetch:
    """Asks Yahoo through a module with yfinance's ``Ticker``."""

    library: Any

    def __call__(self, request: Request) -> Answer:
        """Return the daily bars of one symbol, with what Yahoo says of it as facts."""
        asked = dict(request.arguments)
        extent = {"start": asked["start"]} if "start" in asked else {"period": "max"}

        def history() -> Answer:
            ticker = self.library.Ticker(asked["symbol"])
            frame = ticker.history(interval="1d", auto_adjust=False, actions=True, **extent)
            meta = ticker.get_history_metadata()
            facts = {
                "name": meta.get("longName") or meta.get("shortName"),
                "kind": meta.get("instrumentType"),
                "currency": meta.get("currency"),
                "zone": meta.get("exchangeTimezoneName"),
            }
            return answer_of(frame, {name: str(value) for name, value in facts.items() if value})

        return called(request, history)


@dataclass(frozen=True, slots=True)
class Yahoo:
    """The connector ``yahoo``."""

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return "yahoo"

    def plan(self, item: str, span: Span) -> tuple[Request, ...]:
        """Return the one request that a ticker needs."""
        code_and_exchange(item)
        start = (("start", span.first.isoformat()),) if span.first else ()
        return (Request("yahoo", "history", (("symbol", item), *start)),)

    def parse(self, item: str, answers: Sequence[Asked], span: Span, now: datetime) -> Found:
        """Return quotes as traded, adjustments, actions and terms of one ticker."""
        (asked,) = answers
        rows = read_columns(asked, COLUMNS).sort("date", maintain_order=True)
        terms = _terms(item, asked)
        rows = rows.with_columns(
            pl.when(pl.col(event) != 0).then(pl.col(event)).alias(event) for event in ("split", "dividend")
        )
        wrong = rows.filter((pl.col("split") <= 0) | (pl.col("dividend") < 0))
        if wrong.height:
            bad = wrong.row(0, named=True)
            reason = f"split {bad['split']} and dividend {bad['dividend']} on {bad['date']}"
            raise DataError([Defect(str(asked.request), bad["row"], "events", reason, CORRECT)])
        later = pl.col("split").fill_null(1.0).cum_prod(reverse=True) / pl.col("split").fill_null(1.0)
        traded = rows.with_columns(
            *(_cents(pl.col(price) * later).alias(price) for price in ("open", "high", "low", "close")),
            (pl.col("volume") / later).round(0).alias("volume"),
            (pl.col("dividend") * later).alias("dividend"),
        )
        events = pl.concat(
            traded.drop_nulls(event).select("date", pl.lit(event).alias("action"), pl.col(event).alias("value"))
            for event in ("split", "dividend")
        ).sort("date", "action")
        found = stock_tables(terms, traded, events, None, asked, span)
        return Found(found.tables, (*found.notes, *_against_adjusted(terms.code, rows, found)))

    def opened(self) -> Fetch:
        """Return what asks Yahoo; PullError if yfinance is not installed."""
        try:
            import yfinance
        except ModuleNotFoundError as missing:
            raise PullError(f"pulling from yahoo needs yfinance ({missing}): pip install 'tenor[yahoo]'") from None
        yfinance.config.debug.hide_exceptions = False
        return YahooFetch(yfinance)


def _cents(price: pl.Expr) -> pl.Expr:
    """Round away what is left of Yahoo's single precision: four decimals of a price of 1 or more, six below."""
    return pl.when(price >= 1).then(price.round(4)).otherwise(price.round(6))


def _terms(item: str, asked: Asked) -> Terms:
    facts = asked.answer.facts
    code, place = code_and_exchange(item)
    lacking = [name for name in ("kind", "currency", "zone") if name not in facts]
    if lacking:
        raise PullError(f"{item}: the answer does not say its {', '.join(lacking)}; pull it again with --refresh")
    of_zone = [name for name in exchanges() if exchange(name).zone == facts["zone"]]
    if not of_zone or (place is not None and place not in of_zone):
        zones = ", ".join(exchange(name).zone for name in exchanges())
        raise PullError(
            f"{item} trades in time zone {facts['zone']}; known are {zones}"
            + (f", and its ticker says {exchange(place).zone}" if place else "")
        )
    if facts["kind"] not in KINDS:
        raise PullError(f"{item} is of kind {facts['kind']!r}; pulled are {', '.join(KINDS)}")
    return Terms(code, facts.get("name", code), KINDS[facts["kind"]], place or of_zone[0], facts["currency"])


def _against_adjusted(code: str, rows: pl.DataFrame, found: Found) -> tuple[str, ...]:
    """Compare the factor's step on each session with that of Yahoo's adjusted close."""
    kept = rows.join(found.tables["quotes"].select("date"), on="date", how="semi").sort("date").drop_nulls("adjusted")
    # their close is adjusted for splits already, so that their step holds the dividends alone
    theirs = (pl.col("adjusted") / pl.col("close")).log().diff() + pl.col("split").fill_null(1.0).log()
    steps = found.tables["adjustments"].sort("date").select("date", pl.col("factor").log().diff(null_behavior="ignore"))
    first = found.tables["adjustments"].sort("date")["factor"].log().head(1)
    ours = steps.with_columns(pl.col("factor").fill_null(first[0] if first.len() else 0.0))
    both = kept.with_columns(theirs.alias("theirs")).join(ours, on="date", how="left").drop_nulls("theirs")
    off = both.with_columns(
        (pl.col("theirs") - pl.col("factor").fill_null(0.0)).abs().alias("apart"),
    ).filter(pl.col("apart") > AGREES)
    if off.is_empty():
        return ()
    worst = off.sort("apart", descending=True).row(0, named=True)
    return (
        f"{code}: Yahoo's adjusted close steps otherwise than splits and dividends say on {off.height} sessions, at"
        f" most by {worst['apart']:.2%} on {worst['date']}; the factor is of the splits and dividends",
    )
