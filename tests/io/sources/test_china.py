"""China: how names map, what is asked, and what the answers of akshare become."""

import runpy
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from tenor.errors import DataError, PullError
from tenor.io.sources.china import China, ChinaFetch, code_and_kind
from tenor.io.sources.fetch import Request, Span

SHAPES = runpy.run_path(str(Path(__file__).with_name("recorded.py")))
bars, factors, cffex, parsed = (SHAPES[name] for name in ("bars", "factors", "cffex", "parsed"))
JUNE = Span(date(2024, 6, 17), date(2024, 6, 20))
AT = datetime(2024, 7, 20, tzinfo=UTC)
DAYS = ["2024-06-17", "2024-06-18", "2024-06-19", "2024-06-20"]


def read(item: str, answers: dict, span: Span = JUNE, at: datetime = AT):
    return parsed(China(), item, answers, span, at)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("600519", ("SH600519", "stock")),
        ("SH600519", ("SH600519", "stock")),
        ("000001", ("SZ000001", "stock")),
        ("SH000001", ("SH000001", "index")),
        ("300750", ("SZ300750", "stock")),
        ("510300", ("SH510300", "etf")),
        ("159915", ("SZ159915", "etf")),
        ("SZ399001", ("SZ399001", "index")),
        ("399006", ("SZ399006", "index")),
    ],
)
def test_digits_say_exchange_and_kind(item: str, expected: tuple[str, str]) -> None:
    assert code_and_kind(item) == expected


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("830799", "six digits of Shanghai or Shenzhen"),
        ("DR007", "of DR007 the fixing is FDR007"),
        ("SHIBORR", "did you mean 'SHIBOR'"),
        ("SZ600519", "six digits"),
    ],
)
def test_other_names_are_refused_with_what_is_allowed(item: str, said: str) -> None:
    with pytest.raises(PullError, match=said):
        China().plan(item, JUNE)


def calls(item: str, span: Span = JUNE) -> list[str]:
    return [str(request).removeprefix("china ") for request in China().plan(item, span)]


def test_what_each_name_asks() -> None:
    assert calls("600519") == [
        "stock_zh_a_hist(symbol=600519, period=daily, start_date=20240617, adjust=)",
        "stock_zh_a_daily(symbol=sh600519, adjust=hfq-factor)",
    ]
    assert calls("510300", Span(None, JUNE.last)) == [
        "fund_etf_hist_em(symbol=510300, period=daily, start_date=19900101, adjust=)",
        "fund_etf_dividend_sina(symbol=sh510300)",
    ]
    assert calls("CSI300") == ["stock_zh_index_daily(symbol=sh000300)", "index_stock_cons_csindex(symbol=000300)"]
    assert calls("T") == [f"futures_hist_daily_cffex(date={day.replace('-', '')})" for day in DAYS]
    assert calls("T", Span(date(2024, 6, 8), date(2024, 6, 10))) == [], "a weekend, and the Dragon Boat Festival"
    assert calls("CGB", Span(date(2023, 12, 1), date(2024, 2, 1))) == [
        "bond_china_yield(start_date=20230101, end_date=20231231)",
        "bond_china_yield(start_date=20240101, end_date=20241231)",
    ]
    assert calls("FR007", Span(date(2023, 12, 5), date(2024, 1, 5))) == [
        "repo_rate_hist(start_date=20231201, end_date=20231231)",
        "repo_rate_hist(start_date=20240101, end_date=20240131)",
    ]
    assert calls("GC007") == ["bond_buy_back_hist_em(symbol=204007)"]
    assert calls("T", Span(None, date(2024, 6, 20)))[0] == "futures_hist_daily_cffex(date=20230621)", "a year back"


def test_a_session_of_futures_is_settled_the_morning_after() -> None:
    assert China().plan("T", JUNE)[0].settled == datetime(2024, 6, 18, 0, tzinfo=UTC)
    assert China().plan("600519", JUNE)[0].settled is None


def test_a_stock_has_its_factor_rebased_and_its_volume_in_shares() -> None:
    answers = {
        "stock_zh_a_hist": bars([1500.0, 1520.0, 1490.0, 1495.0], DAYS),
        "stock_zh_a_daily": factors(d2024_06_19="8.2", d2023_06_30="8.0", d1900_01_01="1.0"),
    }
    found = read("600519", answers)
    assert found.tables["quotes"]["close"].to_list() == [1500.0, 1520.0, 1490.0, 1495.0]
    assert found.tables["quotes"]["volume"][0] == 2_500_000
    assert found.tables["quotes"]["known_at"][0] == datetime(2024, 6, 17, 7, tzinfo=UTC)
    (step,) = found.tables["adjustments"].select("date", "factor").rows()
    assert step == (date(2024, 6, 19), pytest.approx(8.2 / 8.0))
    assert found.tables["actions"].is_empty()
    assert "is not said" in found.notes[-1]


def test_a_factor_that_is_not_above_0_is_refused() -> None:
    answers = {"stock_zh_a_hist": bars([1500.0] * 4, DAYS), "stock_zh_a_daily": factors(d2024_06_19="0")}
    with pytest.raises(DataError, match=r"0\.0 on 2024-06-19"):
        read("600519", answers)


def test_an_etf_has_its_payments_from_their_total() -> None:
    paid = pd.DataFrame({"日期": [date(2024, 1, 19), date(2024, 6, 19)], "累计分红": [0.069, 0.13]})
    answers = {"fund_etf_hist_em": bars([3.5, 3.55, 3.5, 3.52], DAYS, 最低=[3.4] * 4), "fund_etf_dividend_sina": paid}
    found = read("510300", answers)
    assert found.tables["actions"].select("date", "action", "value").rows() == [
        (date(2024, 6, 19), "dividend", pytest.approx(0.061))
    ]
    assert found.tables["adjustments"]["factor"].to_list() == [pytest.approx(1 / (1 - 0.061 / 3.55))]
    never = read("510300", {**answers, "fund_etf_dividend_sina": pd.DataFrame()})
    assert never.tables["adjustments"].is_empty()


def test_an_index_and_its_members_of_the_day_of_asking() -> None:
    index = pd.DataFrame(
        {"date": [date.fromisoformat(day) for day in DAYS], "open": 3500.0, "high": 3550.0, "low": 3450.0}
        | {"close": 3520.0, "volume": 10**10}
    )
    members = pd.DataFrame(
        {
            "日期": [date(2024, 7, 19)] * 3,
            "成分券代码": ["600519", "000001", "430047"],
            "交易所": ["上海证券交易所", "深圳证券交易所", "北京证券交易所"],
        }
    )
    at = datetime(2024, 7, 19, 20, tzinfo=UTC)  # the 20th in Shanghai
    found = read("CSI300", {"stock_zh_index_daily": index, "index_stock_cons_csindex": members}, at=at)
    assert found.tables["instruments"].select("code", "name", "kind").row(0) == ("SH000300", "CSI300", "index")
    assert found.tables["members"].rows() == [
        (date(2024, 7, 20), "csi300", "SH600519", True, at),
        (date(2024, 7, 20), "csi300", "SZ000001", True, at),
    ]
    assert "known from 2024-07-20 on and not before; 1 of 北京证券交易所 left out" in found.notes[-1]


def sessions(answer):
    return lambda told: answer(told["date"])


def test_every_contract_of_a_session_and_one_that_did_not_trade() -> None:
    found = read("T", {"futures_hist_daily_cffex": sessions(cffex)})
    quotes = found.tables["quotes"]
    assert quotes.select("code", "date").rows() == [
        (code, date.fromisoformat(day)) for code in ("T2409", "T2412") for day in DAYS
    ]
    assert quotes.row(0, named=True)["known_at"] == datetime(2024, 6, 17, 7, 15, tzinfo=UTC)
    assert quotes.select("open", "close", "settle", "open_interest").row(4) == (None, None, 104.66, 10.0)
    assert "4 rows of contracts that did not trade" in found.notes[0]


def test_a_session_of_futures_that_goes_on_is_left_out() -> None:
    at = datetime(2024, 6, 20, 7, 0, tzinfo=UTC)
    found = read("T", {"futures_hist_daily_cffex": sessions(cffex)}, at=at)
    assert found.tables["quotes"]["date"].max() == date(2024, 6, 19)
    assert "2024-06-20 was not over when asked" in found.notes[0]


def test_a_contract_after_its_last_trading_day_and_a_jump_are_refused() -> None:
    with pytest.raises(DataError, match="after its last trading day 2024-06-14"):
        read("T", {"futures_hist_daily_cffex": sessions(lambda day: cffex(day).replace("T2409", "T2406"))})
    far = sessions(lambda day: cffex(day).assign(low=50.0, close=52.0) if day == "20240618" else cffex(day))
    with pytest.raises(DataError, match=r"close 52\.0 after 104\.85 the row before"):
        read("T", {"futures_hist_daily_cffex": far})


def test_the_curve_is_of_treasuries_alone_as_decimals() -> None:
    tenors = ("3月", "6月", "1年", "3年", "5年", "7年", "10年", "30年")
    curve = pd.DataFrame(
        {
            "曲线名称": ["中债国债收益率曲线", "中债商业银行普通债收益率曲线(AAA)"],
            "日期": [date(2024, 6, 18)] * 2,
            **{tenor: [1.5 + at / 10, 9.0] for at, tenor in enumerate(tenors)},
        }
    )
    curve.loc[0, "7年"] = float("nan")
    found = read("CGB", {"bond_china_yield": curve}).tables["curve"]
    assert found["tenor"].to_list() == [0.25, 0.5, 1.0, 3.0, 5.0, 10.0, 30.0]
    assert found["rate"].to_list() == pytest.approx([0.015, 0.016, 0.017, 0.018, 0.019, 0.021, 0.022])
    assert set(found["known_at"].to_list()) == {datetime(2024, 6, 18, 10, tzinfo=UTC)}
    with pytest.raises(PullError, match="no row of 中债国债收益率曲线"):
        read("CGB", {"bond_china_yield": curve.tail(1)})


def test_rates_are_known_at_their_fixing_and_not_before() -> None:
    wide = pd.DataFrame(
        {"日期": ["2024-06-18", "2024-06-19"]} | {f"{tenor}-定价": [1.7, 1.8] for tenor in
         ("O/N", "1W", "2W", "1M", "3M", "6M", "9M", "1Y")}
    )  # fmt: skip
    found = read("SHIBOR", {"macro_china_shibor_all": wide}, at=datetime(2024, 6, 19, 3, 0, tzinfo=UTC))
    rates = found.tables["rates"]
    assert rates["name"].unique().sort().to_list() == sorted(
        f"SHIBOR.{tenor}" for tenor in ("ON", "1W", "2W", "1M", "3M", "6M", "9M", "1Y")
    )
    assert rates["date"].unique().to_list() == [date(2024, 6, 18)], "11:30 of the 19th had not come"
    assert any("they come later than the answer" in note for note in found.notes)
    assert rates["known_at"][0] == datetime(2024, 6, 18, 3, 30, tzinfo=UTC)
    fixing = pd.DataFrame({"date": [date(2024, 6, 18)], "FR007": [1.9], "FDR007": [1.8]})
    assert read("FR007", {"repo_rate_hist": fixing}).tables["rates"]["rate"].to_list() == pytest.approx([0.019])
    close = pd.DataFrame({"日期": [date(2024, 6, 18)], "收盘": [1.75]})
    assert read("GC007", {"bond_buy_back_hist_em": close}).tables["rates"]["rate"].to_list() == pytest.approx([0.0175])


def test_publications_are_of_the_end_of_their_month_and_known_by_rule() -> None:
    cpi = pd.DataFrame({"月份": ["2024年06月份", "2024年05月份", "2024年02月份"], "全国-同比增长": [0.2, 0.3, 0.7]})
    found = read("CPI", {"macro_china_cpi": cpi}, Span(date(2024, 1, 1), date(2024, 6, 30)))
    assert found.tables["macro"].rows() == [
        ("CPI.YOY", date(2024, 2, 29), date(2024, 3, 15), 0.7, datetime(2024, 3, 15, 1, 30, tzinfo=UTC)),
        ("CPI.YOY", date(2024, 5, 31), date(2024, 6, 15), 0.3, datetime(2024, 6, 15, 1, 30, tzinfo=UTC)),
        ("CPI.YOY", date(2024, 6, 30), date(2024, 7, 15), 0.2, datetime(2024, 7, 15, 1, 30, tzinfo=UTC)),
    ]
    assert "not first prints" in found.notes[0]
    with pytest.raises(DataError, match="2024-06-30 appears twice"):
        read("CPI", {"macro_china_cpi": pd.concat([cpi, cpi.head(1)])}, Span(None, date(2024, 6, 30)))
    with pytest.raises(PullError, match="'June' is no month"):
        read("CPI", {"macro_china_cpi": cpi.replace("2024年06月份", "June")}, Span(None, date(2024, 6, 30)))


def test_the_library_is_called_by_name_and_its_failures_are_ours() -> None:
    library = type("akshare", (), {"macro_china_cpi": staticmethod(lambda: pd.DataFrame({"月份": ["2024年06月份"]}))})
    assert ChinaFetch(library)(Request("china", "macro_china_cpi")).columns == ("月份",)
    with pytest.raises(PullError, match="macro_china_gone") as failed:
        ChinaFetch(library)(Request("china", "macro_china_gone"))
    assert not failed.value.passing
