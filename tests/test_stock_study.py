"""A study of stocks end to end on simulated ones: settings, what is judged, what fails alone, one result twice."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError, StudyError
from tenor.io.sources.simulated_stocks import SimulatedStocks
from tenor.io.studies import load_any, published, read_study
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import Market
from tenor.report.stock_page import stock_page
from tenor.report.stock_report import StockReport
from tenor.stock_study import StockStudy, codes_of, load_stocks, run_stocks
from tenor.study import Study

LAST = date(2021, 6, 30)

TABLE: Mapping[str, Any] = {
    "subject": "stocks",
    "name": "small",
    "question": "Is a planted signal found?",
    "seed": 1,
    "seeds": 2,
    "market": {
        "source": "simulated_stocks",
        "products": ["AAPL", "KO", "XOM", "JPM", "MSFT", "SPY"],
        "first": "2018-01-02",
        "last": LAST.isoformat(),
    },
    "universe": {"benchmark": "SPY"},
    "sampling": {"sessions": 3},
    "target": {"horizons": [1, 5]},
    "factors": [
        {"kind": "return", "days": [1, 5]},
        {"kind": "realised_volatility"},
        {"kind": "market_context"},
    ],
    "split": {"kind": "walk_forward", "train": 300, "validation": 80, "test": 80, "purge": 6, "folds": 2},
    "models": [
        {"kind": "majority"},
        {"kind": "reversal"},
        {"kind": "random_walk"},
        {"kind": "logistic"},
        {"kind": "lstm", "layers": 1, "hidden": 4, "dropout": 0.0, "head": {"kind": "quantiles"}, "scope": "per_name"},
        {"kind": "gru", "hidden": 4, "embedding": 2},
    ],
    "portfolios": [{"kind": "by_probability"}, {"kind": "top_k", "names": 2, "drop": 1}],
    "trading": {
        "fills": ["same_close", "next_open"],
        "costs": {"commission": 0.0005, "slippage": 0.0005, "sell_tax": 0.0, "borrow": 0.01},
        "limits": {"gross": 1.0, "name": 0.5},
        "haircut": 0.3,
    },
    "fit": {"epochs": 3, "batch_size": 64},
    "statistics": {"replications": 200},
}


def table(**changes: Any) -> dict[str, Any]:
    """The table with ``a__b=value`` in place of table["a"]["b"]; a value of None takes the key out."""
    made = json.loads(json.dumps(TABLE))
    for path, value in changes.items():
        *outer, key = path.split("__")
        at = made
        for name in outer:
            at = at[int(name) if name.isdigit() else name]
        if value is None:
            del at[key]
        else:
            at[key] = value
    return made


@cache
def study() -> StockStudy:
    return load_stocks(table())


@cache
def market() -> Market:
    return study().market.read()


@cache
def report() -> StockReport:
    return run_stocks(study(), market())


def test_every_model_is_scored_on_every_day_and_the_answer_is_json() -> None:
    answer = report().answer()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["judged"] == "test"
    assert answer["names"] == ["AAPL", "JPM", "KO", "MSFT", "XOM"]
    every = {one["model"]: one for one in answer["directions"] if one["scope"] == "all"}
    assert list(every) == ["majority", "reversal", "random_walk", "logistic", "lstm", "gru"]
    sessions = answer["test"][2]
    assert sessions == 160
    for one in every.values():
        assert 5 * sessions - 10 <= one["n"] + one["n_neutral"] + one["n_zero"] <= 5 * sessions
    assert {one["scope"] for one in answer["directions"]} == {"all", *answer["names"]}
    assert {(one["model"], one["horizon"]) for one in answer["quantiles"]} == {
        (model, horizon) for model in ("random_walk", "lstm") for horizon in (1, 5)
    }
    assert len(answer["portfolios"]) == 6 * 2 * 2
    assert answer["data"]["simulated"] is True


def test_the_planted_signal_is_there_for_the_rule_that_reads_it() -> None:
    every = {one.model: one for one in report().evaluation.directions if one.scope == "all"}
    low = every["reversal"].scores["accuracy"].low
    assert low is not None
    assert low > 0.5
    assert every["majority"].scores["accuracy"].mean < every["reversal"].scores["accuracy"].mean


def test_it_runs_again_to_the_last_digit() -> None:
    again = run_stocks(load_stocks(table()), study().market.read())
    assert again.answer() == report().answer()
    for name, frame in again.frames().items():
        assert frame.equals(report().frames()[name]), name
    assert stock_page(again) == stock_page(report())


def test_the_series_hold_what_was_said_and_earned() -> None:
    frames = report().frames()
    assert list(frames) == ["forecasts", "ledger", "prices"]
    forecasts = frames["forecasts"].filter(pl.col("model") == "lstm")
    levels = [column for column in forecasts.columns if column.startswith("q5_")]
    assert len(levels) == 7
    values = forecasts.select(levels).drop_nulls().to_numpy()
    assert (np.diff(values, axis=1) >= 0).all()
    ledger = frames["ledger"]
    assert ledger["model"].n_unique() == 6
    at_close = ledger.filter(pl.col("fill") == "same_close")  # what is filled earlier drifts until the close
    assert (at_close["exposure"] <= 1.0 + 1e-9).all()
    assert (ledger["net"] <= ledger["gross"] + 1e-12).all()


def test_what_is_decided_at_a_close_is_earned_on_the_session_after() -> None:
    found = report().evaluation
    calendar = trading_calendar("XNYS")
    assert found.earned_on.tolist() == [calendar.offset(day, 1) for day in found.sessions.tolist()]
    scored = found.ledger.filter(pl.col("session").is_between(found.sessions[0].item(), found.earned_on[-1].item()))
    for fill in ("same_close", "next_open"):
        for one in (one for one in found.portfolios if one.fill == fill):
            mine = scored.filter(model=one.model, portfolio=one.portfolio, fill=fill)
            yearly = mine["net"].sum() / len(found.sessions) * exchange("XNYS").sessions_per_year
            assert one.scores["annual_return"].mean == pytest.approx(yearly, abs=1e-9)
    first = scored.filter(pl.col("session") == found.sessions[0].item())
    assert (first.filter(fill="next_open")["exposure"] == 0.0).all()
    assert (first["gross"] == 0.0).all()


def test_seeds_together_are_scored_as_one_forecast() -> None:
    found = report().evaluation
    said = report().forecasts
    for one in found.together:
        mine = said.filter(pl.col("model") == one.model, pl.col("change") != 0.0)
        mine = mine if one.scope == "all" else mine.filter(code=one.scope)
        right = ((mine["up"] > 0.5) == (mine["change"] > 0)).mean()
        assert one.scores["accuracy"].mean == pytest.approx(right, abs=1e-9), (one.model, one.scope)
    alone = {(one.model, one.scope): one for one in found.directions}
    assert {(one.model, one.scope) for one in found.together} == set(alone)
    one_seed = next(one for one in found.together if (one.model, one.scope) == ("logistic", "all"))
    assert one_seed.scores == alone["logistic", "all"].scores
    assert found.mcc_together["logistic"] == found.mcc["logistic"]


def test_without_open_prices_nothing_is_filled_at_the_next_open() -> None:
    held = market()
    small = table(models=TABLE["models"][:2], trading__fills=["next_open", "same_close"])
    shut = replace(held, quotes=held.quotes.with_columns(open=pl.lit(None, dtype=pl.Float64)))
    found = run_stocks(load_stocks(small), shut).evaluation
    assert {one.fill for one in found.portfolios} == {"same_close"}
    said = (
        "there are no open prices, so nothing can be filled at the next open: portfolios are filled at the same close"
    )
    assert said in found.notes
    alone = run_stocks(load_stocks(table(models=TABLE["models"][:2], trading__fills=["next_open"])), shut).evaluation
    assert not alone.portfolios
    assert any(note.endswith("portfolios are not traded") for note in alone.notes)
    one = pl.when(pl.col("code") == "KO").then(None).otherwise(pl.col("open")).alias("open")
    some = run_stocks(load_stocks(small), replace(held, quotes=held.quotes.with_columns(one))).evaluation
    assert some.portfolios[0].fill == "next_open"
    assert "1 name has no open price, KO: at the next open it is not traded" in some.notes


def test_a_benchmark_that_is_not_there_is_said_before_anything_is_trained() -> None:
    asked: list[str] = []
    with pytest.raises(MarketError, match="SPX asked; 'simulated stocks' has 6 instruments"):
        run_stocks(
            load_stocks(table(universe={"benchmark": "SPX"})), market(), watch=lambda name, *_: asked.append(name)
        )
    assert asked == []


def test_a_name_that_cannot_be_trained_costs_the_others_nothing() -> None:
    """NVDA with 40 sessions of train: a per-name network has no validation for it, the others speak."""
    held = SimulatedStocks(products=("AAPL", "KO", "TSLA"), first=date(2018, 1, 2), last=LAST).read()
    late = held.quotes.filter((pl.col("code") != "TSLA") | (pl.col("date") >= date(2020, 11, 2)))
    changes = {"universe__benchmark": None, "market__products": ["AAPL", "KO", "TSLA"], "split__folds": 1}
    found = run_stocks(load_stocks(table(**changes)), replace(held, quotes=late))
    reasons = [one for one in found.failures if "TSLA" in one.reason]
    assert reasons
    assert {one.model for one in reasons} >= {"lstm"}
    assert found.evaluation.directions


def test_who_shares_one_preparation_speaks_of_names_that_train_did_not_hold() -> None:
    """TSLA is quoted for the test range alone: a pooled model speaks of it, one per name has a reason."""
    held = SimulatedStocks(products=("AAPL", "KO", "TSLA"), first=date(2018, 1, 2), last=LAST).read()
    late = held.quotes.filter((pl.col("code") != "TSLA") | (pl.col("date") >= date(2021, 2, 1)))
    changes = {"universe__benchmark": None, "market__products": ["AAPL", "KO", "TSLA"], "split__folds": 1}
    found = run_stocks(load_stocks(table(**changes, prepare={"by_product": False})), replace(held, quotes=late))
    of_tesla = {one.model for one in found.evaluation.directions if one.scope == "TSLA"}
    assert of_tesla == {"majority", "reversal", "random_walk", "logistic", "gru"}
    assert any(one.model == "lstm" and one.reason.startswith("TSLA: no model was trained") for one in found.failures)
    assert any("decisions of which every one of them spoke" in note for note in found.evaluation.notes)
    assert all(np.isfinite(one.p_value) for one in found.evaluation.comparisons if one.measure == "accuracy")
    by_name = run_stocks(load_stocks(table(**changes)), replace(held, quotes=late))
    assert not any(one.scope == "TSLA" for one in by_name.evaluation.directions)
    assert any("no forecast of TSLA" in one.reason for one in by_name.failures)


def test_data_that_end_before_the_test_are_judged_on_validation_and_say_so() -> None:
    split = {
        "kind": "outcome_dates",
        "train_first": "2018-03-01",
        "train_last": "2020-12-31",
        "validation_last": "2021-06-30",
        "test_last": "2021-12-31",
    }
    found = run_stocks(load_stocks(table(split=split, target={}, models=TABLE["models"][:2])), market())
    assert found.judged == "validation"
    assert found.data.notes[0].startswith("VALIDATION, not test: the data end on 2021-06-30")
    assert "training was stopped and probabilities were calibrated" in found.data.notes[0]
    bare = table(split=split, target={}, models=TABLE["models"][:2], calibration={"kind": "none"})
    assert "calibrated" not in run_stocks(load_stocks(bare), market()).data.notes[0]
    assert "VALIDATION" in stock_page(found)
    longer = SimulatedStocks(products=market_products(), first=date(2018, 1, 2), last=date(2021, 9, 30)).read()
    later = run_stocks(load_stocks(table(split=split, target={}, models=TABLE["models"][:2])), longer)
    assert later.judged == "test"
    assert later.evaluation.sessions[0] == np.datetime64("2021-06-30")


def market_products() -> tuple[str, ...]:
    return tuple(TABLE["market"]["products"])


def test_an_index_as_benchmark_is_said_to_pay_no_dividends() -> None:
    products = [*market_products(), "SPX"]
    changes = {"market__products": products, "models": TABLE["models"][:2], "universe": {"codes": ["KO", "XOM"]}}
    held = SimulatedStocks(products=tuple(products), first=date(2018, 1, 2), last=LAST).read()
    for benchmark, said in (("SPX", True), ("SPY", False)):
        found = run_stocks(load_stocks(table(**changes, universe__benchmark=benchmark)), held)
        assert any(note.startswith("SPX is an index: unless it counts dividends") for note in found.data.notes) == said


def test_members_decide_by_date_and_those_without_prices_are_named() -> None:
    changes = {"universe": {"members": "SIM"}, "market__products": ["AAPL", "KO", "TSLA"]}
    asked = load_stocks(table(**changes))
    held = asked.market.read()
    assert codes_of(asked, held) == (("AAPL", "KO", "TSLA"), ())
    bare = replace(held, quotes=held.quotes.filter(pl.col("code") != "KO"))
    codes, said = codes_of(asked, bare)
    assert codes == ("AAPL", "TSLA")
    assert said[0].startswith("1 of 3 members of SIM have no prices here, KO among them")
    with pytest.raises(MarketError, match="quotes none of the 3 instruments of universe 'SIM'"):
        codes_of(asked, replace(held, quotes=held.quotes.clear()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"split__purge": 5}, "split.purge: 5 is shorter than the longest horizon 5 plus execution lag 1"),
        ({"trading": None}, "portfolios, trading: give both, or neither"),
        ({"portfolios": []}, "portfolios, trading: give both, or neither"),
        ({"factors__0__days": [5]}, "models.reversal: reads 'return_1', which no factor computes"),
        ({"speaks": "lstn"}, "speaks: no model 'lstn' in the study; did you mean 'lstm'"),
        ({"target__up": 0.005}, "models.random_walk: gives prices, but days inside the band"),
        ({"models__4__head": {"kind": "quantile"}}, "no kind 'quantile'"),
        ({"models__4__scope": "each"}, "models[4].scope"),
        ({"sampling__session": 3}, "sampling.session: unexpected key; did you mean 'sessions'"),
        ({"universe__code": ["AAPL"]}, "universe.code: unexpected key"),
        ({"trading__costs__borrow": None}, "trading.costs.borrow: missing; it has no default on purpose"),
        ({"target__horizons": [5, 1]}, "give each once, the shortest first"),
        ({"portfolios__1__kind": "top"}, "no kind 'top'; did you mean 'top_k'"),
        (
            {
                "split": {
                    "kind": "outcome_dates",
                    "train_first": "2018-03-01",
                    "train_last": "2019-12-31",
                    "validation_last": "2020-06-30",
                    "test_last": "2020-12-31",
                }
            },
            "target.horizons: [1, 5] under a split by outcome dates",
        ),
    ],
)
def test_a_wrong_setting_is_said_with_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError) as refused:
        load_stocks(table(**changes))
    assert any(said in problem for problem in refused.value.problems), refused.value.problems


def test_a_file_says_what_it_is_a_study_of() -> None:
    assert isinstance(load_any(table(), where="here"), StockStudy)
    assert isinstance(read_study(published("cgb-spread")), Study)
    assert isinstance(read_study(published("stock-next-day")), StockStudy)
    with pytest.raises(StudyError, match="subject: 'stock' given; it is 'stocks'"):
        load_any(table(subject="stock"), where="here")
    with pytest.raises(StudyError, match="no published study 'stock-next-days'; did you mean 'stock-next-day'"):
        published("stock-next-days")


def test_equal_settings_are_one_study() -> None:
    assert load_stocks(table()).identity == study().identity
    assert load_stocks(table(seed=2)).identity != study().identity
