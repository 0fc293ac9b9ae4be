from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import DataError, Defect
from tenor.io.sources.check import (
    SHOWN,
    Checked,
    Part,
    dates,
    expired,
    gaps,
    listed,
    missing_columns,
    numbers,
    off_tick,
    order_defects,
    summary,
    value_defects,
)
from tenor.market.calendar import trading_calendar
from tenor.market.contract import product
from tenor.market.market import BONDS, CURVE, DELIVERABLES, MACRO, QUOTES, RATES, SCHEMAS, Market

WEEK = [date(2019, 3, 4 + i) for i in range(5)]


def placed(count: int) -> pl.DataFrame:
    return pl.DataFrame({"file": ["a.csv"] * count, "row": range(2, 2 + count)})


def quotes(**columns: list[float | None]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    days = pl.Series("date", WEEK[:count])
    frame = placed(count).with_columns(days, pl.lit("T1906").alias("code"))
    return frame.with_columns(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items())


def rates(*values: float) -> pl.DataFrame:
    frame = placed(len(values)).with_columns(pl.Series("date", WEEK[: len(values)]), pl.lit("R").alias("name"))
    return frame.with_columns(pl.Series("rate", values, dtype=pl.Float64), pl.lit("ON").alias("column"))


def test_a_missing_column_names_the_nearest_and_lists_all():
    (defect,) = missing_columns("a.csv", ["date", "close"], ["date", "cloze", "open"])
    assert str(defect).startswith("a.csv:1 close: no such column; did you mean 'cloze'?; the columns are date, cloze")


@pytest.mark.parametrize("text", ["x", "1,234", "12.3.4", "nan", "inf", "-inf", "--", "1 2"])
def test_text_in_a_number_is_told_with_its_row(text: str):
    value, failing = numbers(pl.Series("close", ["1.5", text, " ", "2e-1"]), placed(4), [""])
    assert value.to_list() == [1.5, None, None, 0.2]
    (defect,) = listed(failing, "fix it")
    assert (defect.file, defect.row, defect.column) == ("a.csv", 3, "close")
    assert defect.reason == f"'{text}' is not a number"


def test_a_stated_mark_is_blank():
    value, failing = numbers(pl.Series("close", ["--", "", "1"]), placed(3), ["--", ""])
    assert value.to_list() == [None, None, 1.0]
    assert failing.is_empty()


def test_an_unparsable_date_is_told_with_its_row():
    value, failing = dates(pl.Series("day", ["2019-03-04", "04/03/2019", ""]), placed(3), "%Y-%m-%d")
    assert value.to_list() == [date(2019, 3, 4), None, None]
    assert [(d.row, d.reason) for d in listed(failing, "")] == [
        (3, "'04/03/2019' is not a date written as %Y-%m-%d"),
        (4, "'' is not a date written as %Y-%m-%d"),
    ]


def test_at_most_a_few_rows_are_listed_and_the_rest_counted():
    failing = placed(SHOWN + 3).with_columns(column=pl.lit("close"), reason=pl.lit("bad"))
    found = listed(failing, "fix it")
    assert [d.row for d in found] == [2, 3, 4, 5, 6, None]
    assert found[-1].reason == "and 3 more rows like these"
    assert found[-1].remedy == "fix it"


@pytest.mark.parametrize(
    ("columns", "row", "column", "reason"),
    [
        ({"close": [97.0, 0.0]}, 3, "close", "0.0 is not above 0 (T1906 on 2019-03-05)"),
        ({"settle": [-1.0]}, 2, "settle", "-1.0 is not above 0"),
        ({"close": [float("nan")]}, 2, "close", "NaN is not above 0"),
        ({"open": [float("inf")]}, 2, "open", "inf is not above 0"),
        ({"volume": [-5.0]}, 2, "volume", "-5.0 is below 0"),
        ({"high": [97.0], "low": [97.5]}, 2, "high", "high 97.0 is below low 97.5"),
        ({"high": [98.0], "low": [97.0], "open": [96.5]}, 2, "open", "open 96.5 is below low 97.0 (T1906"),
        ({"high": [98.0], "low": [97.0], "close": [98.5]}, 2, "close", "close 98.5 is above high 98.0"),
    ],
)  # fmt: skip
def test_impossible_quotes_are_refused(columns: dict[str, list[float | None]], row: int, column: str, reason: str):
    (defect,) = value_defects("quotes", quotes(**columns))
    assert (defect.file, defect.row, defect.column) == ("a.csv", row, column)
    assert defect.reason.startswith(reason)
    assert defect.remedy


def test_quotes_at_the_edges_are_accepted():
    frame = quotes(open=[97.0, None], high=[97.0, 98.0], low=[97.0, None], close=[97.0, 98.0], volume=[0.0, None])
    assert value_defects("quotes", frame) == ()


def test_a_foreign_name_stands_in_the_message():
    (defect,) = value_defects("quotes", quotes(close=[0.0]), {"close": "near_close"})
    assert defect.column == "near_close"


def test_percent_taken_for_decimals_is_refused():
    (defect,) = value_defects("rates", rates(0.02, 2.5))
    assert (defect.row, defect.column) == (3, "ON")
    assert defect.reason == "2.5 is beyond 0.5 a year, as a decimal, on 2019-03-05"
    assert defect.remedy.startswith("check the unit")


def test_decimals_taken_for_percent_are_refused_unless_stated():
    (defect,) = value_defects("rates", rates(0.00025, 0.0003, 0.02))
    assert defect.row is None
    assert "half of the rates are within 0.0003 of zero" in defect.reason
    assert "near_zero" in defect.remedy
    assert value_defects("rates", rates(0.00025, 0.0003, 0.02), near_zero=True) == ()


@pytest.mark.parametrize("rate", [0.5, -0.5, 0.1344, -0.009])
def test_plausible_rates_are_accepted(rate: float):
    assert value_defects("rates", rates(rate, rate)) == ()


def series(*days: date, name: str = "R") -> pl.DataFrame:
    return placed(len(days)).with_columns(pl.Series("date", days, dtype=pl.Date), pl.lit(name).alias("name"))


def test_a_date_that_goes_back_is_unsorted():
    found = order_defects("rates", series(WEEK[1], WEEK[0], WEEK[2]), "day")
    assert [(d.row, d.column, d.reason) for d in found] == [
        (3, "day", "2019-03-04 comes after a later date in series R")
    ]
    assert "sort the file by date" in found[0].remedy


def test_a_date_that_repeats_is_doubled_wherever_it_stands():
    found = order_defects("rates", series(WEEK[0], WEEK[0], WEEK[1]), "day")
    assert [(d.row, d.reason) for d in found] == [(3, "2019-03-04 appears before in series R")]
    later = order_defects("rates", series(WEEK[0], WEEK[1], WEEK[0]), "day")
    assert [(d.row, d.reason) for d in later] == [(4, "2019-03-04 appears before in series R")]


def test_series_do_not_disturb_each_other():
    both = pl.concat([series(*WEEK, name="A"), series(*WEEK, name="B")])
    assert order_defects("rates", both, "day") == ()


@given(st.permutations(range(5)))
def test_exactly_the_sorted_order_passes(order: list[int]):
    found = order_defects("rates", series(*(WEEK[i] for i in order)), "day")
    assert (found == ()) == (order == sorted(order))


@given(st.sets(st.integers(0, 60), min_size=2))
def test_gaps_agree_with_counting_sessions_one_by_one(held: set[int]):
    days = trading_calendar("XSHG").sessions(date(2019, 1, 2), date(2019, 6, 28)).astype(object)
    kept = [days[i] for i in sorted(held)]
    found = gaps("rates", series(*kept), "XSHG")
    expected = [(a, b, j - i - 1) for i, j, a, b in _steps(sorted(held), days) if j - i > 1]
    assert found.select("after", "date", "missing").rows() == expected


def _steps(held: list[int], days: np.ndarray) -> list[tuple[int, int, date, date]]:
    return [(i, j, days[i], days[j]) for i, j in pairwise(held)]


def test_a_holiday_is_no_gap():
    spring = series(date(2019, 2, 1), date(2019, 2, 11))
    assert gaps("rates", spring, "XSHG").is_empty()


def test_prices_off_the_tick_are_counted_not_refused():
    frame = quotes(close=[97.005, 97.003, 97.0], settle=[97.001, None, 97.01])
    assert off_tick(frame, product) == ("2 of 5 prices of T are no multiple of the tick of their day",)
    assert off_tick(quotes(close=[97.005, 97.01]), product) == ()


def test_a_quote_after_the_last_trading_day_is_refused():
    frame = quotes(close=[97.0, 97.0]).with_columns(
        date=pl.Series([date(2019, 6, 14), date(2019, 6, 17)]), code=pl.lit("T1906")
    )
    (defect,) = expired(frame, product)
    assert defect.row == 3
    assert "T1906 on 2019-06-17, after its last trading day 2019-06-14" in defect.reason


def test_checked_collects_defects_and_raises_them_together():
    first = Part("a.csv", "rates", 1, 1, None, None, defects=(Defect("a.csv", 2, "c", "r", "m"),))
    second = Part("b.csv", "rates", 1, 1, None, None, defects=(Defect("b.csv", 3, "c", "r", "m"),))
    both = Checked("test", (first, second))
    with pytest.raises(DataError) as refused:
        both.raise_if_defective()
    assert [d.file for d in refused.value.defects] == ["a.csv", "b.csv"]
    Checked("test", ()).raise_if_defective()


def test_a_summary_has_one_part_per_series():
    close = {"date": WEEK[:2], "code": ["T1906"] * 2, "close": [97.0, None], "settle": [97.0, 97.1]}
    known = pl.lit(date(2019, 3, 9)).cast(QUOTES["known_at"]).alias("known_at")
    one = pl.DataFrame(close).with_columns(known)
    missing = [pl.lit(None, dtype=QUOTES[c]).alias(c) for c in QUOTES.names() if c not in one.columns]
    curve = pl.DataFrame({"date": WEEK[:1], "curve": "CGB", "tenor": 10.0, "rate": 0.03}).with_columns(known)
    rate = pl.DataFrame({"date": WEEK[:3], "name": "SHIBOR.ON", "rate": [0.02] * 3}).with_columns(known)
    market = Market(
        name="test",
        simulated=False,
        quotes=one.with_columns(missing).select(QUOTES.names()),
        curve=curve.select(CURVE.names()),
        rates=rate.select(RATES.names()),
        bonds=pl.DataFrame({"code": ["a", "b"], "coupon": 0.03, "frequency": 2, "maturity": date(2030, 1, 1)})
        .with_columns(known)
        .cast(dict(BONDS)),
        deliverables=pl.DataFrame({"contract": ["T1906"] * 2, "bond": ["a", "b"], "factor": 1.0})
        .with_columns(known)
        .cast(dict(DELIVERABLES)),
        macro=pl.DataFrame({"name": "PMI", "period": date(2019, 1, 31), "released": date(2019, 2, 1), "value": 49.5})
        .with_columns(known)
        .cast(dict(MACRO)),
    )
    found = summary(market)
    assert [(p.name, p.table, p.rows, p.first, p.last) for p in found.parts] == [
        ("T1906", "quotes", 2, WEEK[0], WEEK[1]),
        ("CGB:10", "curve", 1, WEEK[0], WEEK[0]),
        ("SHIBOR.ON", "rates", 3, WEEK[0], WEEK[2]),
        ("all", "bonds", 2, date(2019, 3, 9), date(2019, 3, 9)),
        ("T1906", "deliverables", 2, date(2019, 3, 9), date(2019, 3, 9)),
        ("PMI", "macro", 1, date(2019, 1, 31), date(2019, 1, 31)),
    ]
    assert [p.values for p in found.parts[3:]] == [
        (("coupon", 2), ("frequency", 2), ("maturity", 2)),
        (("factor", 2),),
        (("value", 1),),
    ]
    assert dict(found.parts[0].values) | {"close": 1, "settle": 2, "volume": 0} == dict(found.parts[0].values)


def test_a_summary_takes_instruments_together_and_actions_and_members_apart():
    known = pl.lit(date(2019, 3, 9)).cast(QUOTES["known_at"]).alias("known_at")
    of = {
        "instruments": {
            "code": ["A", "B"],
            "name": "",
            "kind": "stock",
            "exchange": "",
            "currency": "",
            "sector": None,
        },
        "adjustments": {"date": WEEK[:2], "code": ["A", "B"], "factor": 1.0},
        "actions": {"date": WEEK[:2], "code": ["A", "A"], "action": ["split", "dividend"], "value": 2.0},
        "members": {"date": WEEK[:2], "universe": "csi300", "code": ["A", "B"], "member": True},
    }
    tables = {
        name: pl.DataFrame(rows).with_columns(known).cast(dict(SCHEMAS[name])).select(SCHEMAS[name].names())
        for name, rows in of.items()
    }
    empty = {"quotes": QUOTES.to_frame(), "curve": CURVE.to_frame(), "rates": RATES.to_frame()}
    found = summary(Market(name="test", simulated=False, **empty, **tables))
    assert [(p.name, p.table, p.rows) for p in found.parts] == [
        ("all", "instruments", 2),
        ("all", "adjustments", 2),
        ("split", "actions", 1),
        ("dividend", "actions", 1),
        ("csi300", "members", 2),
    ]
