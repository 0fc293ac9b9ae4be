"""Yahoo: prices as they were traded, one factor that looks back, and every answer that cannot be used."""

import runpy
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.errors import DataError, PullError
from tenor.io.sources.fetch import Asked, Span, answer_of
from tenor.io.sources.yahoo import Yahoo, YahooFetch, code_and_exchange

SHAPES = runpy.run_path(str(Path(__file__).with_name("recorded.py")))
frame, parsed, FACTS = SHAPES["yahoo"], SHAPES["parsed"], SHAPES["FACTS"]
ALL = Span(None, date(2020, 9, 30))
DAYS = [date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)]


def read(span: Span = ALL, at: datetime = SHAPES["LATER"], **columns):
    return parsed(Yahoo(), "AAPL", {"AAPL": frame(**columns)}, span, at)


def test_prices_volumes_and_payments_are_as_they_were_traded() -> None:
    found = read()
    quotes = found.tables["quotes"]
    assert quotes["date"].to_list() == DAYS
    assert quotes["close"].to_list() == [500.04, 499.23, 129.04, 134.18]
    assert quotes["open"].to_list() == [508.56, 504.04, 127.58, 132.76]
    assert quotes["volume"].to_list() == [38888100, 46907500, 225702700, 151948100]
    assert quotes["known_at"][0] == datetime(2020, 8, 27, 20, tzinfo=UTC)
    assert found.tables["actions"].drop("known_at").rows() == [
        (DAYS[1], "AAPL", "dividend", pytest.approx(0.82)),
        (DAYS[2], "AAPL", "split", 4.0),
    ]
    assert found.tables["instruments"].rows() == [
        ("AAPL", "Apple Inc.", "stock", "XNYS", "USD", None, datetime(2020, 8, 27, 13, 30, tzinfo=UTC))
    ]
    assert found.notes == ()


def test_the_factor_is_1_at_first_and_makes_the_returns_of_the_adjusted_close() -> None:
    found = read()
    steps = dict(found.tables["adjustments"].select("date", "factor").iter_rows())
    paid = 1 / (1 - 0.82 / 500.04)
    assert steps == {DAYS[1]: pytest.approx(paid), DAYS[2]: pytest.approx(4 * paid)}
    factor = np.array([1.0, steps[DAYS[1]], steps[DAYS[2]], steps[DAYS[2]]])
    ours = found.tables["quotes"]["close"].to_numpy() * factor
    theirs = frame()["Adj Close"].to_numpy()
    np.testing.assert_allclose(ours[1:] / ours[:-1], theirs[1:] / theirs[:-1], rtol=1e-4)


def test_a_later_split_changes_no_row_of_before() -> None:
    before = read()
    halved = {name: [price / 2 for price in frame()[name]] for name in ("Open", "High", "Low", "Close", "Adj Close")}
    doubled = [volume * 2 for volume in frame()["Volume"]]
    split = [0.0, 0.0, 4.0, 2.0]
    dividends = [0.0, 0.205 / 2, 0.0, 0.0]
    # the last close is 134.18 still, so that it is after the split what it was before
    after = read(**{**halved, "Volume": doubled, "Stock Splits": split, "Dividends": dividends})
    for table in ("quotes", "adjustments", "actions"):
        old = before.tables[table].filter(pl.col("date") < DAYS[3])
        new = after.tables[table].filter(pl.col("date") < DAYS[3])
        assert old.drop("known_at").rows() == [pytest.approx(row) for row in new.drop("known_at").rows()]


def test_days_before_first_and_after_last_are_cut_but_later_splits_still_count() -> None:
    found = read(Span(DAYS[1], DAYS[1]))
    assert found.tables["quotes"]["close"].to_list() == [499.23]
    assert found.tables["adjustments"].is_empty(), "the dividend of the first session has no session before it"


@pytest.mark.parametrize(
    ("at", "last"),
    [
        (datetime(2020, 9, 1, 19, 40, tzinfo=UTC), DAYS[2]),
        (datetime(2020, 9, 1, 20, 19, tzinfo=UTC), DAYS[2]),
        (datetime(2020, 9, 1, 20, 20, tzinfo=UTC), DAYS[3]),
    ],
)
def test_a_session_that_goes_on_is_left_out_until_it_has_settled(at: datetime, last: date) -> None:
    found = read(at=at)
    assert found.tables["quotes"]["date"].max() == last
    assert any("were not over when asked (2020-09-01)" in note for note in found.notes) is (last == DAYS[2])


def test_rows_without_a_close_and_zeros_are_said() -> None:
    nan = float("nan")
    found = read(Close=[125.0, nan, 129.0, 134.0], Open=[0.0, 126.0, 127.5, 132.7])
    assert found.tables["quotes"]["date"].to_list() == [DAYS[0], DAYS[2], DAYS[3]]
    assert found.tables["quotes"]["open"].to_list() == [None, 127.5, 132.7]
    said = " ".join(found.notes)
    for part in ("1 rows left out: they have no close", "a 0 for open", "1 sessions of XNYS without a row"):
        assert part in said


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"Close": [125.0, -1.0, 129.0, 134.0]}, "-4.0 is not above 0"),
        ({"High": [127.0, 100.0, 131.0, 135.0]}, "high 400.0 is below low 498.32"),
        ({"Close": [125.0, 124.8, 129.0, 1341.8], "High": [128.0, 127.0, 131.0, 1400.0]}, "10.402 times it"),
        ({"Close": [125.0, "abc", 129.0, 134.0]}, "'abc' is no number"),
        ({"Dividends": [0.0, 200.0, 0.0, 0.0]}, "a dividend of 800"),
        ({"Stock Splits": [0.0, 0.0, -4.0, 0.0]}, "split -4.0"),
    ],
    ids=["price", "high", "jump", "text", "dividend", "split"],
)
def test_what_cannot_be_is_refused_with_row_and_reason(columns, reason: str) -> None:
    with pytest.raises(DataError) as refused:
        read(**columns)
    assert reason in str(refused.value)


def test_a_column_that_is_missing_is_named_with_those_that_are_there() -> None:
    answer = answer_of(frame().rename(columns={"Adj Close": "Adjusted"}), FACTS)
    (request,) = Yahoo().plan("AAPL", ALL)
    with pytest.raises(DataError, match=r"Adj Close: no such column.*Date, Open, High, Low, Close, Adjusted"):
        Yahoo().parse("AAPL", [Asked(request, answer, SHAPES["LATER"], cached=False)], ALL, SHAPES["LATER"])


def test_an_empty_answer_and_days_that_are_not_there() -> None:
    with pytest.raises(PullError, match="the answer is empty"):
        parsed(Yahoo(), "AAPL", {"AAPL": frame().head(0)}, ALL)
    with pytest.raises(PullError, match="no finished session from 2021-01-04"):
        read(Span(date(2021, 1, 4), date(2021, 2, 1)))


def test_an_adjusted_close_that_says_otherwise_is_noted() -> None:
    (note,) = read(**{"Adj Close": [120.0, 124.8075027, 129.0399933, 134.1799927]}).notes
    assert "steps otherwise than splits and dividends say on 1 sessions" in note
    assert "2020-08-28" in note


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("AAPL", ("AAPL", "XNYS")),
        ("BRK-B", ("BRK-B", "XNYS")),
        ("600519.SS", ("SH600519", "XSHG")),
        ("000001.SZ", ("SZ000001", "XSHG")),
        ("0700.HK", ("0700.HK", "XHKG")),
        ("^GSPC", ("^GSPC", None)),
    ],
)
def test_tickers_say_code_and_exchange(symbol: str, expected: tuple[str, str | None]) -> None:
    assert code_and_exchange(symbol) == expected


@pytest.mark.parametrize("symbol", ["VOD.L", "aapl", "EURUSD=X", ""])
def test_tickers_of_other_exchanges_are_refused(symbol: str) -> None:
    with pytest.raises(PullError, match="is no ticker that can be pulled from yahoo"):
        Yahoo().plan(symbol, ALL)


@pytest.mark.parametrize(
    ("item", "facts", "reason"),
    [
        ("AAPL", {"zone": "Asia/Hong_Kong"}, "its ticker says America/New_York"),
        ("^FTSE", {"zone": "Europe/London"}, "trades in time zone Europe/London"),
        ("AAPL", {"kind": "CRYPTOCURRENCY"}, "is of kind 'CRYPTOCURRENCY'"),
        ("AAPL", {"currency": ""}, "does not say its currency"),
    ],
)
def test_facts_that_do_not_fit_are_refused(item: str, facts: dict[str, str], reason: str) -> None:
    told = {name: value for name, value in {**FACTS, **facts}.items() if value}
    (request,) = Yahoo().plan(item, ALL)
    asked = Asked(request, answer_of(frame(), told), SHAPES["LATER"], cached=False)
    with pytest.raises(PullError, match=reason):
        Yahoo().parse(item, [asked], ALL, SHAPES["LATER"])


def test_an_index_is_where_its_answer_says() -> None:
    (request,) = Yahoo().plan("^GSPC", ALL)
    asked = Asked(request, answer_of(frame(), {**FACTS, "kind": "INDEX"}), SHAPES["LATER"], cached=False)
    found = Yahoo().parse("^GSPC", [asked], ALL, SHAPES["LATER"])
    assert found.tables["instruments"].select("code", "kind", "exchange").row(0) == ("^GSPC", "index", "XNYS")


def test_the_library_is_asked_for_unadjusted_prices_with_actions() -> None:
    calls: list[dict[str, object]] = []

    class Ticker:
        def __init__(self, symbol: str) -> None:
            calls.append({"symbol": symbol})

        def history(self, **how: object):
            calls.append(how)
            return frame()

        def get_history_metadata(self) -> dict[str, str]:
            return {
                "shortName": "Apple",
                "instrumentType": "EQUITY",
                "currency": "USD",
                "exchangeTimezoneName": "America/New_York",
            }

    fetch = YahooFetch(type("library", (), {"Ticker": Ticker}))
    (request,) = Yahoo().plan("AAPL", ALL)
    answer = fetch(request)
    assert answer.facts == {**FACTS, "name": "Apple"}
    fetch(Yahoo().plan("AAPL", Span(DAYS[1], DAYS[3]))[0])
    how = {"interval": "1d", "auto_adjust": False, "actions": True}
    assert calls == [{"symbol": "AAPL"}, {**how, "period": "max"}, {"symbol": "AAPL"}, {**how, "start": "2020-08-28"}]
