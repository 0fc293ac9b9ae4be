"""What every test may ask for."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from tenor.market.market import Market
from tenor.report.report import Report
from tenor.report.stock_report import StockReport
from tenor.stock_study import StockStudy, load_stocks, run_stocks
from tenor.study import Study, load, run

# Every draw is seeded, and no test depends on how fast the machine is.
settings.register_profile("tenor", derandomize=True, deadline=None)
settings.load_profile("tenor")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The development data: ``TENOR_DATA``, or ``shared/data`` beside the repository; skips without."""
    named = os.environ.get("TENOR_DATA")
    if named is not None:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"TENOR_DATA names {named!r}, which is no folder; correct it, or unset it to skip")
        return folder
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the development data: set TENOR_DATA to their folder")
    return folder


@dataclass(frozen=True)
class SmallRun:
    """A study of the simulated market with every kind of model, run once for all tests that ask its frozen models."""

    study: Study
    market: Market
    report: Report


SMALL_STUDY = """
name = "small"
question = "Small enough for a test?"
seed = 1
seeds = 2

[market]
source = "simulated"
products = ["T"]
first = 2016-06-01
last = 2020-03-20
seed = 4
signal = 0.3

[sampling]
sessions = 3
decision = "close"

[cleaning]
days_before_last_trading = 14

[[factors]]
kind = "spread_level"
[[factors]]
kind = "spread_change"
days = [1, 2]
[[factors]]
kind = "leg_change"
days = [1]
[[factors]]
kind = "funding"
rates = ["REPO.1W"]
days = [1]
[[factors]]
kind = "curve_shape"
curve = "CGB"
days = [1]
[[factors]]
kind = "activity"
[[factors]]
kind = "carry"
[[factors]]
kind = "implied_repo"
[[factors]]
kind = "cheapest_to_deliver"

[valuation]
curve = "CGB"
tenors = [1, 2, 3, 5, 7, 10, 30]
funding = { "REPO.ON" = 1, "REPO.1W" = 7, "REPO.1M" = 30 }
basket = "published"
compounding = "annual"

[split]
kind = "walk_forward"
train = 200
validation = 60
test = 80
purge = 2
folds = 2

[[models]]
kind = "reversal"
[[models]]
kind = "logistic"
[[models]]
kind = "lightgbm"
trees = 20
[[models]]
kind = "lstm"
layers = 1
hidden = 4

[fit]
epochs = 10

[[positions]]
kind = "sign"
[[positions]]
kind = "probability"
band = 1.0

[trading]
fills = ["same_close"]
sessions_per_year = 243
costs = { slippage_ticks = 0.5, fee = "exchange" }
limits = { max_pairs = 10, lots = "fractional" }

[statistics]
replications = 200
"""


@pytest.fixture(scope="session")
def small_run() -> SmallRun:
    study = load(tomllib.loads(SMALL_STUDY))
    market = study.market.read()
    return SmallRun(study, market, run(study, market))


SMALL_STOCKS = """
subject = "stocks"
name = "small-stocks"
question = "Who does better tomorrow?"
seed = 1
seeds = 2

[market]
source = "simulated_stocks"
products = ["AAPL", "JPM", "KO", "MSFT", "XOM"]
first = 2018-01-02
last = 2020-12-31

[sampling]
sessions = 3

[target]
horizons = [1, 5]

[[factors]]
kind = "return"
days = [1, 5]
[[factors]]
kind = "realised_volatility"

[split]
kind = "walk_forward"
train = 300
validation = 80
test = 80
purge = 6
folds = 2

[[models]]
kind = "majority"
[[models]]
kind = "reversal"
[[models]]
kind = "random_walk"
[[models]]
kind = "logistic"
[[models]]
kind = "lstm"
layers = 1
hidden = 3
dropout = 0.0
head = { kind = "quantiles" }

[fit]
epochs = 2

[[portfolios]]
kind = "by_probability"
[[portfolios]]
kind = "long_short"
share = 0.2

[trading]
fills = ["next_open", "same_close"]
haircut = 0.3
costs = { commission = 0.0002, slippage = 0.0003, sell_tax = 0.0, borrow = 0.01 }
limits = { gross = 1.0, name = 1.0 }

[statistics]
replications = 200
"""


@dataclass(frozen=True)
class SmallStocks:
    """A study of five simulated stocks, run once for all tests that print, draw or keep its report."""

    study: StockStudy
    market: Market
    report: StockReport


@pytest.fixture(scope="session")
def small_stocks() -> SmallStocks:
    study = load_stocks(tomllib.loads(SMALL_STOCKS))
    market = study.market.read()
    return SmallStocks(study, market, run_stocks(study, market))
