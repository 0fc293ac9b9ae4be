"""A file or folder of prices as it was given: recognised, read, and said what was taken for what.

Three instances. A download of yfinance with its header of three rows (``Price,Close,High..``, ``Ticker,AAPL,..``,
``Date,,..``), or of two, as it is. A CSV of Eastmoney with the columns 日期, 开盘, 收盘. A folder with ``AAPL.csv`` and
``MSFT.parquet``. What cannot be seen is assumed and said in the market's notes: the exchange (New York, unless the code
says otherwise), and whether prices are adjusted. What cannot be read is refused with what was seen and what is allowed.

For anything else there are layouts (:mod:`tenor.io.sources.layout`): they say everything and assume nothing.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import polars as pl

from tenor.errors import DataError, Defect, MarketError, suggest
from tenor.io.sources.yfinance_header import WideHeader, wide_header
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import ADJUSTMENTS, CURVE, INSTRUMENTS, QUOTES, RATES, Market
from tenor.settings import STRICT

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "datetime", "time", "timestamp", "日期", "trade_date", "交易日期"),
    "open": ("open", "开盘", "开盘价"),
    "high": ("high", "最高", "最高价"),
    "low": ("low", "最低", "最低价"),
    "close": ("close", "收盘", "收盘价", "price"),
    "volume": ("volume", "vol", "成交量"),
    "adj_close": ("adj close", "adj_close", "adjclose", "adjusted close", "adjusted_close"),
    "code": ("ticker", "symbol", "code", "股票代码", "ts_code"),
}
"""How columns are spelt, in lower case."""

LIKELY = 0.75
"""A close that changes by more than this from one session to the next is refused: a unit, an error, or a split."""

SPLIT = 3 / 7
"""A fall of more than this, with nothing to adjust it, is said: a split of two for one looks so."""

NEAR_SPLIT = 0.05
"""Open and close this near to a whole part of the close before, with nothing to adjust it, are refused as a split."""

MOST_DEFECTS = 5
"""Defects of one rule and file that are listed."""


@dataclass(frozen=True, slots=True)
class Given:
    """Settings of a source that reads a file or folder as it was given.

    Parameters
    ----------
    path
        A CSV or Parquet file, or a folder of them; a relative path is counted from the study file.
    products
        Instruments that are read; absent, all.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str | Path
    products: tuple[str, ...] | None = None
    source: Literal["given"] = "given"

    def located(self, base: Path) -> "Given":
        """Return the source with a relative path counted from ``base``."""
        return replace(self, path=base / self.path)

    def read(self) -> Market:
        """Read the market; errors as :func:`read_given`."""
        return read_given(Path(self.path), self.products)


def read_given(path: Path, products: Sequence[str] | None = None) -> Market:
    """Read a file, or every file of a folder, into a market of stocks.

    Raises
    ------
    DataError
        If there is nothing to read, a file cannot be recognised, or rows fail the contract: each with file, row and
        reason.
    MarketError
        If an instrument that is asked is not there.
    """
    files = _files(path)
    tables: dict[str, pl.DataFrame] = {}
    notes: list[str] = []
    for file in files:
        for code, table, said in _tables(file):
            if products is not None and code not in products:
                continue
            if code in tables:
                raise _refused(file, None, "file", f"{code} is in two files", "keep one file for each instrument")
            tables[code], found = _checked(file, code, table)
            notes += [*said, *found, *_doubts(code, tables[code])]
    lacking = [code for code in products or () if code not in tables]
    if lacking:
        held = sorted({code for file in files for code, _, _ in _tables(file)})
        raise MarketError(f"no prices of {', '.join(lacking)} in {path}; it has {held}{suggest(lacking[0], held)}")
    parts = [_canonical(code, table) for code, table in tables.items()]
    for code in tables:
        notes.append(f"{code}: taken to trade on {exchange_of(code)}, and to be known at its close")
    return Market(
        name=path.name,
        simulated=False,
        quotes=pl.concat([part[0] for part in parts]),
        curve=CURVE.to_frame(),
        rates=RATES.to_frame(),
        notes=tuple(dict.fromkeys(notes)),
        instruments=pl.concat([part[1] for part in parts]),
        adjustments=pl.concat([part[2] for part in parts]),
    )


def code_of_file(path: Path) -> str:
    """Return the one instrument of a file; :class:`DataError` if it has several or none."""
    codes = [code for code, _, _ in _tables(path)]
    if len(codes) != 1:
        raise _refused(path, None, "file", f"it has {len(codes)} instruments {codes[:8]}", "name one with its code")
    return codes[0]


def exchange_of(code: str) -> str:
    """Return the exchange that a code says: Shanghai and Shenzhen, Hong Kong, else New York."""
    if re.fullmatch(r"(SH|SZ|sh|sz)\d{6}|\d{6}(\.(SS|SH|SZ))?", code):
        return "XSHG"
    return "XHKG" if re.fullmatch(r"\d{4,5}\.HK", code) else "XNYS"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        beside = sorted(file.name for file in path.parent.iterdir()) if path.parent.is_dir() else []
        raise _refused(
            path, None, "file", f"no such file or folder{suggest(path.name, beside)}", "give one that is there"
        )
    files = sorted(file for file in path.iterdir() if file.suffix in (".csv", ".parquet"))
    if not files:
        raise _refused(path, None, "folder", "it has no .csv and no .parquet file", "give a folder of files of prices")
    return files


def _refused(file: Path, row: int | None, column: str, reason: str, remedy: str) -> DataError:
    return DataError([Defect(file.name, row, column, reason, remedy)])


def _tables(file: Path) -> Iterator[tuple[str, pl.DataFrame, list[str]]]:
    """Code, rows as text or numbers with ``row``, and what was assumed, of each instrument of a file."""
    if file.suffix == ".parquet":
        try:
            frame = pl.read_parquet(file)
        except (OSError, pl.exceptions.PolarsError) as broken:
            raise _refused(file, None, "file", f"not Parquet: {broken}", "give a CSV or Parquet file") from broken
        yield from _long(file, frame.with_row_index("row", 1), ())
        return
    try:
        text = file.read_text(encoding="utf-8-sig").splitlines()
        lines = list(csv.reader(text, delimiter=_separator(text[0] if text else "")))
    except (OSError, UnicodeDecodeError) as broken:
        raise _refused(file, None, "file", f"not text in UTF-8: {broken}", "save it as CSV in UTF-8") from broken
    if len(lines) < 2:
        raise _refused(file, None, "file", "it has no rows", "give a file with a header and prices")
    head = [cell.strip() for cell in lines[0]]
    wide = wide_header(lines)
    if wide is not None:
        said = f"a header of {'two' if wide.rows == 2 else 'three'} rows, as yfinance writes it"
        yield from _wide(file, wide, lines[wide.rows :], said)
        return
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        raise _refused(file, 1, "header", f"the columns {twice} appear twice", "rename one of each")
    short = next((number for number, line in enumerate(lines[1:], 2) if line and len(line) != len(head)), None)
    if short is not None:
        reason = f"{len(lines[short - 1])} cells under {len(head)} columns"
        raise _refused(file, short, "row", reason, "mend the row")
    numbered = [(number, line) for number, line in enumerate(lines[1:], 2) if line]
    frame = pl.DataFrame([line for _, line in numbered], schema=_once(head), orient="row")
    yield from _long(file, frame.with_columns(pl.Series("row", [number for number, _ in numbered])), ())


def _separator(head: str) -> str:
    """What stands between the columns: a comma, or, in a header without any, a semicolon or a tab."""
    return next((mark for mark in (",", ";", "\t") if mark in head), ",")


def _once(head: Sequence[str]) -> dict[str, type[pl.String]]:
    return {name or f"column {at}": pl.String for at, name in enumerate(head, 1)}


def _wide(
    file: Path, header: WideHeader, lines: Sequence[Sequence[str]], said: str
) -> Iterator[tuple[str, pl.DataFrame, list[str]]]:
    """One table for each ticker of a header of yfinance."""
    rows = [(number, line) for number, line in enumerate(lines, header.rows + 1) if line and line[0]]
    short = next((number for number, line in rows if len(line) != len(header.fields)), None)
    if short is not None:
        raise _refused(file, short, "row", f"not the {len(header.fields)} cells of the header", "mend the row")
    for code in header.codes():
        columns = {name: [line[at] for _, line in rows] for name, at in header.places(code).items()}
        frame = pl.DataFrame({"row": [number for number, _ in rows], "Date": [line[0] for _, line in rows], **columns})
        for _, table, more in _long(file, frame, (f"{file.name}: {said}",), code):
            yield code, table, more


def _long(
    file: Path, frame: pl.DataFrame, said: Sequence[str], code: str | None = None
) -> Iterator[tuple[str, pl.DataFrame, list[str]]]:
    """Tables of a file with one row for each session, or session and instrument."""
    spelt = {name.strip().lower(): name for name in frame.columns}
    found = {meant: next((spelt[each] for each in ways if each in spelt), None) for meant, ways in SPELLINGS.items()}
    lacking = [meant for meant in ("date", "close") if found[meant] is None]
    if lacking:
        raise _refused(
            file,
            1,
            "header",
            f"no column for {' and '.join(lacking)} among {[name for name in frame.columns if name != 'row']}",
            f"name them as in {', '.join(SPELLINGS['date'][:3])} and {', '.join(SPELLINGS['close'][:3])}",
        )
    table = frame.select("row", *(pl.col(str(name)).alias(meant) for meant, name in found.items() if name is not None))
    for meant in ("open", "high", "low", "volume"):
        if found[meant] is None:
            table = table.with_columns(pl.lit(None, dtype=pl.Float64).alias(meant))
    notes = [*said, f"{file.name}: {', '.join(f'{meant} is {name!r}' for meant, name in found.items() if name)}"]
    if lacking := [meant for meant in ("open", "high", "low", "volume") if found[meant] is None]:
        notes.append(f"{file.name}: no {', '.join(lacking)}; what needs them is unknown")
    if found["adj_close"] is None:
        notes.append(f"{file.name}: no adjusted close; prices count as they stand, taken to be free of splits")
    else:
        notes.append(f"{file.name}: prices are adjusted by the adjusted close over the close, 1 on the first session")
    if code is None and found["code"] is not None:
        unnamed = table.filter(pl.col("code").is_null() | (pl.col("code").cast(pl.String).str.strip_chars() == ""))
        if not unnamed.is_empty():
            reason = f"{unnamed.height} rows name no instrument"
            raise _refused(file, unnamed["row"][0], str(found["code"]), reason, "fill the cells, or leave the rows out")
        for (each,), part in table.group_by("code", maintain_order=True):
            yield str(each), part.drop("code"), notes
        return
    yield code or file.stem, table.drop("code", strict=False), notes


def _days(dates: pl.Series) -> tuple[pl.Series, str]:
    """Parse a column of dates, a null where a cell is none, and say how ones that can be read in two ways were read."""
    text = dates.cast(pl.String).str.strip_chars().str.slice(0, 10)
    plain = pl.select(
        pl.coalesce(*(text.str.to_date(form, strict=False) for form in ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y")))
    ).to_series()
    slashed = text.filter(plain.is_null() & text.str.contains(r"^\d{1,2}/\d{1,2}/\d{4}$"))
    if slashed.is_empty():
        return plain, ""
    ways = {"%m/%d/%Y": "month/day/year", "%d/%m/%Y": "day/month/year"}
    form = next((form for form in ways if not slashed.str.to_date(form, strict=False).null_count()), "%m/%d/%Y")
    return plain.fill_null(text.str.to_date(form, strict=False)), f"dates are read as {ways[form]}"


def _checked(file: Path, code: str, table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Parse the cells of one instrument, hold its rows to the contract, and say what a reader must know of them."""
    day, way = _days(table["date"])
    text = table.with_columns(pl.col("date").cast(pl.String))
    parsed = text.with_columns(
        day.alias("day"),
        *(
            _number(pl.col(name).cast(pl.String)).alias(f"{name} read")
            for name in ("open", "high", "low", "close", "volume", "adj_close")
            if name in text.columns
        ),
    )
    defects: list[Defect] = []

    def refuse(rows: pl.DataFrame, column: str, reason: pl.Expr, remedy: str) -> None:
        shown = rows.head(MOST_DEFECTS).select("row", reason.alias("why")).rows()
        more = rows.height - len(shown)
        defects.extend(Defect(file.name, row, f"{code} {column}", why, remedy) for row, why in shown)
        if more > 0:
            defects.append(Defect(file.name, None, f"{code} {column}", f"and {more:,} more rows like these", remedy))

    refuse(
        parsed.filter(pl.col("day").is_null()),
        "date",
        pl.format("{} is no date", pl.col("date").fill_null("(empty)")),
        "write dates as 2025-11-24",
    )
    for name in ("open", "high", "low", "close", "volume", "adj_close"):
        if name not in parsed.columns:
            continue
        cell = pl.col(name).cast(pl.String)
        wrong = pl.col(f"{name} read").is_null() & cell.is_not_null() & (cell.str.strip_chars() != "")
        refuse(
            parsed.filter(wrong),
            name,
            pl.format("{} is no number", cell),
            "write it as 1234.5, with a point and not a comma",
        )
    kept = parsed.drop_nulls("day").select(
        "row",
        pl.col("day").alias("date"),
        *(pl.col(f"{name} read").alias(name) for name in ("open", "high", "low", "close", "volume")),
        (pl.col("adj_close read") if "adj_close read" in parsed.columns else pl.lit(None, dtype=pl.Float64)).alias(
            "adj_close"
        ),
    )
    for name in ("open", "high", "low", "close", "adj_close"):
        refuse(
            kept.filter(pl.col(name) <= 0),
            name,
            pl.format("{} is not positive: no return can be made of it", pl.col(name)),
            "prices adjusted by subtraction fall below zero in early years: give prices adjusted by a factor, or as"
            " quoted; a zero for a price that is not known: leave the cell empty",
        )
    highest, lowest = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    room = 1e-6 * pl.col("close")
    refuse(
        kept.filter((pl.col("high") < highest - room) | (pl.col("low") > lowest + room)),
        "high, low",
        pl.format("high {} and low {} do not hold open and close", "high", "low"),
        "correct the row",
    )
    refuse(
        kept.filter(pl.col("date").is_duplicated()),
        "date",
        pl.format("{} appears twice", "date"),
        "keep one row for each session",
    )
    calendar = trading_calendar(exchange(exchange_of(code)).calendar)
    known = pl.Series("date", calendar.days).cast(pl.Date)
    inside = kept.filter(pl.col("date") >= date.fromisoformat(str(calendar.days[0])))
    off = inside.join(known.to_frame(), on="date", how="anti")
    refuse(
        off,
        "date",
        pl.format("{} is no session of " + exchange_of(code), "date"),
        "leave the row out, or give a code that says its exchange (600519.SS, 0700.HK)",
    )
    said = [f"{file.name}: {way}"] if way else []
    if not kept["date"].is_sorted():
        said.append(f"{code}: rows are not in the order of time; they were sorted by date")
    if blank := kept["close"].null_count():
        said.append(f"{code}: {blank:,} rows without a close are left out")
    kept = kept.drop_nulls("close").sort("date")
    jumps = kept.filter(_change(kept).abs() > LIKELY)
    refuse(
        jumps,
        "close",
        pl.format("{} after another price: a change of more than " + f"{100 * LIKELY:.0f} %", "close"),
        "a split in unadjusted prices needs an adjusted close beside them; correct anything else",
    )
    refuse(
        _splits(kept),
        "close",
        pl.format("{} is a simple part of the close before, from the open on, and nothing adjusts it", "close"),
        "give an adjusted close beside a split; if the price did fall so, read the file by a layout with known_jumps",
    )
    if kept.is_empty() and not defects:
        defects.append(Defect(file.name, None, code, "no row has a close", "give a file with prices"))
    if defects:
        raise DataError(defects)
    held = known.filter(known.is_between(kept["date"][0], kept["date"][-1]))
    if missing := len(held.filter(~held.is_in(kept["date"].implode()))):
        said.append(
            f"{code}: {missing:,} of the {len(held):,} sessions of {exchange_of(code)} from {kept['date'][0]} to"
            f" {kept['date'][-1]} have no row; a return over them runs from one quote to the next"
        )
    return kept, said


def _number(cell: pl.Expr) -> pl.Expr:
    """Parse a cell; commas may part thousands (1,234.5), and nothing else: 43,2 is no number."""
    thousands = cell.str.contains(r"^\s*-?\d{1,3}(,\d{3})+(\.\d*)?\s*$")
    plain = pl.when(thousands).then(cell.str.replace_all(",", "", literal=True)).otherwise(cell)
    return plain.str.strip_chars().cast(pl.Float64, strict=False)


def _change(table: pl.DataFrame) -> pl.Expr:
    """The change of the adjusted close where every row has one, else of the close."""
    price = pl.col("close") if table["adj_close"].null_count() else pl.col("adj_close")
    return price / price.shift(1) - 1.0


def _splits(table: pl.DataFrame) -> pl.DataFrame:
    """Rows that look like a split that nothing adjusts: open and close near a half, a third ... of the close before."""
    if not table["adj_close"].null_count():
        return table.clear()
    before = pl.col("close").shift(1)
    parts = (before / pl.col("close")).round()
    of_open, of_close = (((before / pl.col(name)) / parts - 1.0).abs() < NEAR_SPLIT for name in ("open", "close"))
    return table.filter((parts >= 2) & of_close & of_open.fill_null(True))


def _doubts(code: str, table: pl.DataFrame) -> list[str]:
    """Falls that may be splits, of prices that nothing adjusts."""
    if not table["adj_close"].null_count():
        return []
    falls = table.filter(_change(table) < -SPLIT)["date"].to_list()
    if not falls:
        return []
    more = f", and on {len(falls) - 1} more sessions" if len(falls) > 1 else ""
    return [f"{code}: falls by more than 43 % on {falls[0]}{more}; if that is a split, give adjusted prices"]


def _canonical(code: str, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Quotes, terms and adjustments of one instrument; the factor is 1 on its first session."""
    at = exchange(exchange_of(code))
    days = table["date"].to_numpy().astype("datetime64[D]")
    quotes = table.select(
        "date",
        pl.lit(code).alias("code"),
        "open",
        "high",
        "low",
        "close",
        pl.lit(None, dtype=pl.Float64).alias("settle"),
        "volume",
        pl.lit(None, dtype=pl.Float64).alias("open_interest"),
        pl.Series("known_at", at.closes(days)).dt.replace_time_zone("UTC"),
    )
    first = at.opens_at(table["date"][0])
    named = {"code": code, "name": code, "kind": "index" if code.startswith("^") else "stock"}
    terms = {**named, "exchange": at.code, "currency": at.currency, "sector": None, "known_at": first}
    adjusted = table.drop_nulls("adj_close").with_columns((pl.col("adj_close") / pl.col("close")).alias("ratio"))
    factors = ADJUSTMENTS.to_frame()
    if not adjusted.is_empty():
        steps = adjusted.with_columns(factor=pl.col("ratio") / pl.col("ratio").first())
        moved = (pl.col("factor") / pl.col("factor").shift(1) - 1.0).abs() > 1e-12
        rows = [
            {"date": day, "code": code, "factor": factor, "known_at": at.opens_at(day)}
            for day, factor in steps.filter(moved).select("date", "factor").iter_rows()
        ]
        factors = pl.DataFrame(rows, schema=ADJUSTMENTS)
    return pl.DataFrame(quotes, schema=QUOTES), pl.DataFrame([terms], schema=INSTRUMENTS), factors
