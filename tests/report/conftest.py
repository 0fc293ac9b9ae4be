"""Reports to look at: a small one of a real run on the simulated market, and changed copies of it."""

import tomllib

import pytest

from tenor.report.report import Report
from tenor.study import load, run

STUDY = """
name = "two-spreads"
question = "Is anything found where nothing was planted?"
seed = 3
seeds = 2
sampling = { sessions = 3, decision = "close" }
cleaning = { neutral_ticks = 1.5, first_sessions = 5 }
factors = [{ kind = "spread_level" }, { kind = "spread_change", days = [1, 3] }]
split = { kind = "walk_forward", train = 150, validation = 60, test = 60, purge = 2 }
models = [{ kind = "majority" }, { kind = "reversal" }, { kind = "logistic" }, { kind = "lightgbm" }]
positions = [{ kind = "sign" }, { kind = "probability", band = 1.0 }]
statistics = { replications = 200 }

[market]
source = "simulated"
products = ["T", "TF"]
first = 2017-01-03
last = 2018-12-28

[trading]
fills = ["same_close", "next_close"]
sessions_per_year = 243
costs = { slippage_ticks = 0.5, fee = "exchange" }
limits = { max_pairs = 1, lots = "fractional" }
"""


@pytest.fixture(scope="session")
def report() -> Report:
    """Two products, two seeds, two rules, two models that learn; nothing planted."""
    study = load(tomllib.loads(STUDY))
    return run(study, study.market.read())
