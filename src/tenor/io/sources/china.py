"""China through akshare: stocks, ETFs, indices and their members, treasury futures, ChinaBond, money rates, macro data.

Three instances. ``600519`` is the stock ``SH600519``, as traded, with Sina's back-adjustment factor; ``510300`` is an
ETF and ``SH000300``, or ``CSI300`` with its members, an index. ``T`` is every contract of the ten-year treasury
future, one request for each session. ``CPI`` is the change of consumer prices on the year, taken as known by a stated
rule.

===================================  =================================================================================
``600519`` ``SH600519`` ``000001``   stock; bare digits say the exchange (6 Shanghai; 0 and 3 Shenzhen)
``510300`` ``159915``                ETF (5 Shanghai; 15 and 16 Shenzhen)
``SH000300`` ``SZ399001``            index; the prefix must be there, as 000001 is a bank and an index
``CSI300`` ``CSI500`` ``SSE50`` ...  index with its members of today; they are known from the moment of asking on
``T`` ``TF`` ``TS`` ``TL``           treasury futures, all contracts of each session
``CGB``                              ChinaBond treasury curve
``SHIBOR``                           ``SHIBOR.ON`` to ``SHIBOR.1Y``
``FR001`` ... ``FDR014``             fixings of interbank repo; FDR007 is the fixing of DR007
``GC001`` ``GC007`` ...              repo of the Shanghai exchange, its close
``CPI`` ``PPI`` ``PMI`` ``M2``       publications ``CPI.YOY``, ``PPI.YOY``, ``PMI``, ``M2.YOY``
===================================  =================================================================================
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from tenor.errors import CalendarError, DataError, PullError, suggest
from tenor.io.sources.answers import SETTLING, Terms, read_columns, stock_tables
from tenor.io.sources.check import expired, jumps, order_defects, value_defects
from tenor.io.sources.fetch import Answer, Asked, Fetch, Found, Request, Span, answer_of, called
from tenor.io.sources.publications import Publication, curve_table, macro_table, month_end, rate_table
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Contract, product
from tenor.market.market import MEMBERS, QUOTES
from tenor.market.market import UTC as STAMP

SHANGHAI = "Asia/Shanghai"
FUTURES = ("T", "TF", "TS", "TL")
INDICES = {
    "CSI300": "SH000300",
    "CSI500": "SH000905",
    "CSI1000": "SH000852",
    "SSE50": "SH000016",
    "CSIALL": "SH000985",
}
"""Indices whose members can be pulled; the universe has the word in lower case."""

TENORS = {"3月": 0.25, "6月": 0.5, "1年": 1.0, "3年": 3.0, "5年": 5.0, "7年": 7.0, "10年": 10.0, "30年": 30.0}
TREASURY = "中债国债收益率曲线"
SHIBOR = {
    "O/N-定价": "SHIBOR.ON",
    "1W-定价": "SHIBOR.1W",
    "2W-定价": "SHIBOR.2W",
    "1M-定价": "SHIBOR.1M",
    "3M-定价": "SHIBOR.3M",
    "6M-定价": "SHIBOR.6M",
    "9M-定价": "SHIBOR.9M",
    "1Y-定价": "SHIBOR.1Y",
}
FIXINGS = ("FR001", "FR007", "FR014", "FDR001", "FDR007", "FDR014")
EXCHANGE_REPO = {"GC001": "204001", "GC002": "204002", "GC007": "204007", "GC014": "204014", "GC028": "204028"}
MACRO: Mapping[str, tuple[str, str, str, Publication]] = {
    "CPI": ("macro_china_cpi", "全国-同比增长", "CPI.YOY", Publication(time(9, 30), SHANGHAI, days=15)),
    "PPI": ("macro_china_ppi", "当月同比增长", "PPI.YOY", Publication(time(9, 30), SHANGHAI, days=15)),
    "PMI": ("macro_china_pmi", "制造业-指数", "PMI", Publication(time(9, 30), SHANGHAI, days=1)),
    "M2": ("macro_china_money_supply", "货币和准货币(M2)-同比增长", "M2.YOY", Publication(time(18), SHANGHAI, days=15)),
}
"""Call, column, our name, and when it is taken as known, as in the layouts of the files."""

CURVE_RULE = Publication(time(18), SHANGHAI)
SHIBOR_RULE = Publication(time(11, 30), SHANGHAI)
FIXING_RULE = Publication(time(11, 30), SHANGHAI)
CLOSE_RULE = Publication(time(15, 30), SHANGHAI)
CURVE_FIRST = date(2006, 3, 1)
"""First day of the ChinaBond curve on its public page."""
DEFAULT = timedelta(days=365)
"""How far back futures and fixings go where no first day is asked: each session or month is a request of its own."""

BARS = {
    "date": ("日期", "date"),
    "open": ("开盘", "number"),
    "high": ("最高", "number"),
    "low": ("最低", "number"),
    "close": ("收盘", "number"),
    "volume": ("成交量", "number"),
}
PLAIN_BARS = {name: (name, kind) for name, (_, kind) in BARS.items()}
LOT = 100.0
"""Shares of a lot, in which Eastmoney counts volume."""


@dataclass(frozen=True, slots=True)
class ChinaFetch:
    """Asks through a module with akshare's functions: the request's call with its arguments."""

    library: Any

    def __call__(self, request: Request) -> Answer:
        """Return the frame that the function gives."""
        return called(request, lambda: answer_of(getattr(self.library, request.call)(**dict(request.arguments))))


@dataclass(frozen=True, slots=True)
class China:
    """The connector ``china``."""

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return "china"

    def plan(self, item: str, span: Span) -> tuple[Request, ...]:
        """Return the requests that ``item`` needs: one, two, or one for each session, month or year."""
        if item in FUTURES:
            first = span.first or span.last - DEFAULT
            days = trading_calendar("XSHG").sessions(first, span.last).tolist()
            return tuple(
                _asked("futures_hist_daily_cffex", settled=_morning_after(day), date=f"{day:%Y%m%d}") for day in days
            )
        if item == "CGB":
            first = max(span.first or CURVE_FIRST, CURVE_FIRST)
            return tuple(
                _asked(
                    "bond_china_yield",
                    settled=_morning_after(date(year, 12, 31)),
                    start_date=f"{year}0101",
                    end_date=f"{year}1231",
                )
                for year in range(first.year, span.last.year + 1)
            )
        if item == "SHIBOR":
            return (_asked("macro_china_shibor_all"),)
        if item in FIXINGS:
            return tuple(
                _asked(
                    "repo_rate_hist",
                    settled=_morning_after(month_end(month)),
                    start_date=f"{month:%Y%m%d}",
                    end_date=f"{month_end(month):%Y%m%d}",
                )
                for month in _months(span.first or span.last - DEFAULT, span.last)
            )
        if item in EXCHANGE_REPO:
            return (_asked("bond_buy_back_hist_em", symbol=EXCHANGE_REPO[item]),)
        if item in MACRO:
            return (_asked(MACRO[item][0]),)
        if item in INDICES:
            members = _asked("index_stock_cons_csindex", symbol=INDICES[item][2:])
            return (_asked("stock_zh_index_daily", symbol=INDICES[item].lower()), members)
        code, kind = code_and_kind(item)
        first_day = f"{span.first:%Y%m%d}" if span.first else "19900101"
        if kind == "index":
            return (_asked("stock_zh_index_daily", symbol=code.lower()),)
        call = "fund_etf_hist_em" if kind == "etf" else "stock_zh_a_hist"
        bars = _asked(call, symbol=code[2:], period="daily", start_date=first_day, adjust="")
        if kind == "etf":
            return (bars, _asked("fund_etf_dividend_sina", symbol=code.lower()))
        return (
            bars,
            _asked("stock_zh_a_daily", symbol=code.lower(), adjust="hfq-factor"),
        )

    def parse(self, item: str, answers: Sequence[Asked], span: Span, now: datetime) -> Found:
        """Return what the answers say of ``item``."""
        if item in FUTURES:
            return _futures(item, answers, span)
        if item == "CGB":
            return _curve(answers, span)
        if item == "SHIBOR":
            return _rates(item, answers, "日期", SHIBOR, SHIBOR_RULE, span)
        if item in FIXINGS:
            return _rates(item, answers, "date", {item: item}, FIXING_RULE, span)
        if item in EXCHANGE_REPO:
            return _rates(item, answers, "日期", {"收盘": item}, CLOSE_RULE, span)
        if item in MACRO:
            return _publication(item, answers[0], span)
        by_call = {asked.request.call: asked for asked in answers}
        if item in INDICES:
            index = _index(INDICES[item], item, by_call["stock_zh_index_daily"], span)
            members, said = _members(item, by_call["index_stock_cons_csindex"])
            return Found({**index.tables, "members": members}, (*index.notes, said))
        code, kind = code_and_kind(item)
        if kind == "index":
            return _index(code, code, answers[0], span)
        if len(by_call) < 2:
            raise PullError(f"{item} needs its bars and its factor; only {', '.join(by_call)} is there")
        return _stock(code, kind, by_call, span)

    def opened(self) -> Fetch:
        """Return what asks; PullError if akshare is not installed."""
        try:
            import akshare
        except ModuleNotFoundError as missing:
            raise PullError(f"pulling from china needs akshare ({missing}): pip install 'tenor[china]'") from None
        return ChinaFetch(akshare)


def code_and_kind(item: str) -> tuple[str, str]:
    """Return code and kind of a stock, ETF or index; PullError if it is none that is known.

    ``600519`` is ``("SH600519", "stock")``, ``159915`` is ``("SZ159915", "etf")``, ``SH000300`` is an index.
    """
    found = re.fullmatch(r"(SH|SZ)?(\d{6})", item)
    if found:
        given, digits = found.groups()
        places = {"6": "SH", "5": "SH", "0": "SZ", "1": "SZ", "3": "SZ"}
        place = given or places.get(digits[0])
        if (place == "SH" and digits[:3] == "000") or (place == "SZ" and digits[:3] == "399"):
            return f"{place}{digits}", "index"
        if (place, digits[0]) == ("SH", "5") or (place == "SZ" and digits[:2] in ("15", "16")):
            return f"{place}{digits}", "etf"
        if (place, digits[0]) in (("SH", "6"), ("SZ", "0"), ("SZ", "3")):
            return f"{place}{digits}", "stock"
    words = (*FUTURES, "CGB", "SHIBOR", *FIXINGS, *EXCHANGE_REPO, *MACRO, *INDICES)
    also = "; of DR007 the fixing is FDR007" if item.startswith("DR0") else suggest(item, words)
    raise PullError(
        f"{item!r} is not pulled from china{also}; give six digits of Shanghai or Shenzhen (600519, 510300, SH000300),"
        f" or one of {', '.join(words)}"
    )


def _asked(call: str, *, settled: datetime | None = None, **arguments: str) -> Request:
    return Request("china", call, tuple(arguments.items()), settled)


def _morning_after(day: date) -> datetime:
    """From when an answer about ``day`` does not change any more."""
    return datetime.combine(day + timedelta(days=1), time(8), ZoneInfo(SHANGHAI)).astimezone(UTC)


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]


def _bounded(rows: pl.DataFrame, column: str, span: Span) -> pl.DataFrame:
    return rows.filter(pl.col(column).is_between(span.first or date.min, span.last))


def _futures(item: str, answers: Sequence[Asked], span: Span) -> Found:
    """Quotes of every contract of a product; a session that was not over when it was asked for is left out."""
    wanted = {name: (name, "number") for name in QUOTES.names() if QUOTES[name] == pl.Float64}
    rules, parts, notes = product(item), [], []
    for asked in answers:
        named = {"code": ("symbol", "text"), "date": ("date", "date"), "variety": ("variety", "text")}
        rows = read_columns(asked, named | wanted).filter(pl.col("variety") == item)
        going = [day for day in rows["date"].unique().to_list() if rules.closes_at(day) + SETTLING > asked.at]
        if going:
            notes.append(f"{item}: {going[0]} was not over when asked: left out")
        parts.append(rows.filter(~pl.col("date").is_in(going)))
    rows = _bounded(pl.concat(parts), "date", span).sort("code", "date")
    if rows.is_empty():
        raise PullError(f"{item}: no quotes from {span.first or span.last - DEFAULT} to {span.last}")
    idle = rows.filter((pl.col("volume") == 0) & (pl.col("open").is_null() | (pl.col("open") == 0)))
    if idle.height:
        notes.append(f"{item}: {idle.height} rows of contracts that did not trade have a settlement price alone")
    prices = ("open", "high", "low", "close")
    traded = ~((pl.col("volume") == 0) & (pl.col("open").is_null() | (pl.col("open") == 0)))
    rows = rows.with_columns(pl.when(traded).then(pl.col(name)).alias(name) for name in prices)
    held = rows.with_columns(pl.int_range(1, pl.len() + 1).alias("row"))
    try:
        late = expired(held, product)
    except CalendarError as unknown:
        late = ()
        notes.append(f"{item}: last trading days were not checked: {unknown}")
    defects = [*order_defects("quotes", held, "date"), *value_defects("quotes", held), *jumps(held), *late]
    if defects:
        raise DataError(defects)
    moments = [rules.closes_at(day, Contract.parse(code)) for code, day in held.select("code", "date").iter_rows()]
    quotes = held.with_columns(pl.Series("known_at", moments, dtype=STAMP))
    return Found({"quotes": quotes.select(QUOTES.names()).cast(QUOTES)}, tuple(notes))


def _curve(answers: Sequence[Asked], span: Span) -> Found:
    tables: list[pl.DataFrame] = []
    notes = ["CGB: taken as known at 18:00 in Shanghai of its date"]
    for asked in answers:
        wanted = {years: (years, "number") for years in TENORS}
        rows = read_columns(asked, {"curve": ("曲线名称", "text"), "date": ("日期", "date")} | wanted)
        rows = _bounded(rows.filter(pl.col("curve") == TREASURY), "date", span)
        long = rows.unpivot(index=["file", "row", "date"], on=list(TENORS), variable_name="name", value_name="rate")
        long = long.with_columns(
            pl.col("name").replace_strict(TENORS, return_dtype=pl.Float64).alias("tenor"), pl.col("rate") / 100
        )
        table, said = curve_table("CGB", long.drop("name"), CURVE_RULE, asked.at)
        tables.append(table)
        notes += [f"CGB: {each}" for each in said]
    found = pl.concat(tables)
    if found.is_empty():
        raise PullError(f"CGB: no row of {TREASURY} from {span.first or CURVE_FIRST} to {span.last}")
    return Found({"curve": found}, tuple(notes))


def _rates(
    item: str, answers: Sequence[Asked], day: str, columns: Mapping[str, str], rule: Publication, span: Span
) -> Found:
    tables: list[pl.DataFrame] = []
    notes = [f"{item}: taken as known at {rule.at:%H:%M} in Shanghai of its date"]
    for asked in answers:
        rows = read_columns(asked, {"date": (day, "date")} | {name: (name, "number") for name in columns})
        rows = _bounded(rows, "date", span)
        for column, name in columns.items():
            of = rows.select("file", "row", "date", (pl.col(column) / 100).alias("rate"))
            table, said = rate_table(name, of, rule, asked.at)
            tables.append(table)
            notes += [f"{name}: {each}" for each in said]
    found = pl.concat(tables)
    if found.is_empty():
        raise PullError(f"{item}: no value from {span.first or 'the first'} to {span.last}")
    return Found({"rates": found}, tuple(notes))


def _publication(item: str, asked: Asked, span: Span) -> Found:
    _, column, name, rule = MACRO[item]
    rows = read_columns(asked, {"month": ("月份", "text"), "value": (column, "number")})
    starts = rows["month"].str.strip_chars().str.to_date("%Y年%m月份", strict=False)
    if starts.null_count():
        raise PullError(f"{asked.request}: {rows['month'].filter(starts.is_null())[0]!r} is no month as 2026年06月份")
    rows = rows.with_columns(starts.dt.month_end().alias("period"))
    table, said = macro_table(name, _bounded(rows, "period", span), rule, asked.at)
    if table.is_empty():
        raise PullError(f"{item}: no publication from {span.first or 'the first'} to {span.last}")
    note = (
        f"{name}: values as they stand today, not first prints, taken as known at {rule.at:%H:%M} in Shanghai,"
        f" {rule.days} day{'' if rule.days == 1 else 's'} after the month"
    )
    return Found({"macro": table}, (note, *(f"{name}: {each}" for each in said)))


def _index(code: str, name: str, asked: Asked, span: Span) -> Found:
    rows = read_columns(asked, PLAIN_BARS)
    terms = Terms(code, name, "index", "XSHG", "CNY")
    none = pl.DataFrame(schema={"date": pl.Date, "action": pl.String, "value": pl.Float64})
    return stock_tables(terms, rows, none, None, asked, span)


def _stock(code: str, kind: str, answers: Mapping[str, Asked], span: Span) -> Found:
    """Quotes as traded; a stock with Sina's factor, an ETF with what its payments make of one."""
    events = pl.DataFrame(schema={"date": pl.Date, "action": pl.String, "value": pl.Float64})
    terms = Terms(code, code, kind, "XSHG", "CNY")
    asked = answers["fund_etf_hist_em" if kind == "etf" else "stock_zh_a_hist"]
    bars = read_columns(asked, BARS).with_columns(pl.col("volume") * LOT)
    if kind == "etf":
        paid = answers["fund_etf_dividend_sina"]
        if paid.answer.rows:
            total = read_columns(paid, {"date": ("日期", "date"), "total": ("累计分红", "number")}).sort("date")
            step = (pl.col("total") - pl.col("total").shift(1, fill_value=0.0)).round(6)
            events = total.select("date", pl.lit("dividend").alias("action"), step.alias("value"))
            events = events.filter(pl.col("value") > 0)
        return stock_tables(terms, bars, events, None, asked, span)
    factor = read_columns(
        answers["stock_zh_a_daily"], {"date": ("date", "date"), "factor": ("hfq_factor", "number")}
    ).select("date", "factor")
    found = stock_tables(terms, bars, events, factor, asked, span)
    said = f"{code}: the factor is Sina's; which of its steps are splits and which are dividends is not said"
    return Found(found.tables, (*found.notes, said))


def _members(item: str, asked: Asked) -> tuple[pl.DataFrame, str]:
    """Who belongs to an index today: known from the moment of asking on, as the answer has no earlier lists."""
    rows = read_columns(
        asked, {"listed": ("日期", "date"), "digits": ("成分券代码", "text"), "place": ("交易所", "text")}
    )
    places = {"上海证券交易所": "SH", "深圳证券交易所": "SZ"}
    other = sorted(set(rows["place"].unique().to_list()) - set(places))
    day = asked.at.astimezone(ZoneInfo(SHANGHAI)).date()
    held = rows.filter(pl.col("place").is_in(list(places)))
    members = held.select(
        pl.lit(day).alias("date"),
        pl.lit(item.lower()).alias("universe"),
        (pl.col("place").replace_strict(places, return_dtype=pl.String) + pl.col("digits").str.zfill(6)).alias("code"),
        pl.lit(True).alias("member"),
        pl.lit(asked.at).cast(STAMP).alias("known_at"),
    )
    note = f"{item}: {members.height} members, known from {day} on and not before"
    if other:
        count = rows.filter(pl.col("place").is_in(other)).height
        note += f"; {count} of {', '.join(other)} left out: that exchange has no rules here"
    return members.select(MEMBERS.names()).cast(MEMBERS), note
