"""Scenarios as people write them: the command line's grammar, files, and what a wrong word is told."""

import tomllib
from dataclasses import asdict
from datetime import date

import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.io.sources.simulated import Simulated
from tenor.market.contract import product
from tenor.registry import registered
from tenor.scenario.base import Base, Shift
from tenor.scenario.irrbb import IRRBB
from tenor.scenario.macro import Macro
from tenor.scenario.moves import NOTHING
from tenor.scenario.pca import PCA
from tenor.scenario.replay import Replay
from tenor.scenario.shift import (
    Butterfly,
    Flattener,
    KeyRate,
    OneRate,
    Parallel,
    Points,
    PriceGap,
    QuarterEnd,
    Repo,
    Steepener,
    Volatility,
)
from tenor.shock import GROUP, Scenario, parse_shift, scenarios_from

WRITTEN: list[tuple[str, Shift]] = [
    ("parallel=+10bp", Parallel("+10bp")),
    ("parallel=800bp,force=true", Parallel("800bp", force=True)),
    ("steepener=+10bp,pivot=7", Steepener("+10bp", pivot=7.0)),
    ("flattener=+10bp", Flattener("+10bp")),
    ("butterfly=-5bp,short=1,long=30", Butterfly("-5bp", short=1.0, long=30.0)),
    ("10y=+5bp", KeyRate(10.0, "+5bp")),
    ("key_rate.10=+5bp", KeyRate(10.0, "+5bp")),
    ("repo=+50bp", Repo("+50bp")),
    ("SHIBOR.1W=+50bp", OneRate("SHIBOR.1W", "+50bp")),
    ("rate.DR007=+50bp", OneRate("DR007", "+50bp")),
    ("quarter_end=+300bp,half_life_days=2", QuarterEnd("+300bp", half_life_days=2.0)),
    ("quarter_end=+300bp,turn=2020-01-23", QuarterEnd("+300bp", turn=date(2020, 1, 23))),
    ("price.T1906=-0.5", PriceGap("T1906", "-0.5")),
    ("volatility.T=x2,sessions=60", Volatility("T", "x2", sessions=60)),
    ("irrbb=parallel_up", IRRBB("parallel_up")),
    ("irrbb=steepener,currency=USD", IRRBB("steepener", currency="USD")),
    ("pca.1=+2sd", PCA(1, "+2sd")),
    ("replay=2020-03-06..2020-03-13", Replay(date(2020, 3, 6), date(2020, 3, 13))),
    ("macro.CPI.YOY=+0.5", Macro("CPI.YOY", "+0.5")),
    (" macro.CPI.YOY = +0.5 , horizon = 5 ", Macro("CPI.YOY", "+0.5", horizon=5)),
]

ZERO: dict[str, Shift] = {
    "parallel": Parallel("0bp"),
    "steepener": Steepener("0bp"),
    "flattener": Flattener("0bp"),
    "butterfly": Butterfly("0bp"),
    "key_rate": KeyRate(10.0, "0bp"),
    "points": Points({"10y": "0bp", "2y": "0%"}),
    "repo": Repo("0bp"),
    "rate": OneRate("REPO.1W", "0bp"),
    "quarter_end": QuarterEnd("0bp"),
    "price": PriceGap("T", "0%"),
    "volatility": Volatility("T", "x1"),
    "irrbb": IRRBB("parallel_up", times=0.0),
    "pca": PCA(1, "0sd"),
    "replay": Replay(date(2019, 3, 4), date(2019, 3, 4)),
    "macro": Macro("CPI.YOY", "0"),
}
"""A shift of each kind that changes nothing."""


SOME: dict[str, Shift] = {
    "parallel": Parallel("10bp"),
    "steepener": Steepener("10bp"),
    "flattener": Flattener("10bp"),
    "butterfly": Butterfly("10bp"),
    "key_rate": KeyRate(10.0, "10bp"),
    "points": Points({"10y": "10bp", "2y": "0.05%"}),
    "repo": Repo("50bp"),
    "rate": OneRate("REPO.ON", "50bp"),
    "quarter_end": QuarterEnd("300bp"),
    "price": PriceGap("T", "-1%"),
    "volatility": Volatility("T", "x2"),
    "irrbb": IRRBB("steepener"),
    "pca": PCA(2, "2sd"),
    "replay": Replay(date(2019, 3, 4), date(2019, 3, 15)),
    "macro": Macro("CPI.YOY", "0.5"),
}
"""A shift of each kind that changes something."""


@pytest.fixture(scope="module")
def simulated_base() -> Base:
    """A pair on 2019-12-20, with eight years of curve, funding and releases before it."""
    return base_of(date(2019, 12, 20))


def base_of(last: date) -> Base:
    """The same decision out of a market that was read up to ``last``."""
    session = date(2019, 12, 20)
    moment = product("T").closes_at(session)
    market = Simulated(products=("T",), first=date(2012, 1, 4), last=last, seed=4, signal=0.0).read()
    return Base(
        market=market.known_at(moment),
        session=session,
        moment=moment,
        train=(date(2015, 3, 20), date(2019, 6, 28)),
        product="T",
        near="T2003",
        far="T2006",
        curve="CGB",
        tenors=(1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 30.0),
        funding={"REPO.1W": 7, "REPO.1M": 30},
        max_age_days=10,
    )


@pytest.mark.parametrize(("text", "shift"), WRITTEN)
def test_one_word_of_the_command_line(text: str, shift: Shift) -> None:
    assert parse_shift(text) == shift


def test_a_rate_without_a_dot_is_known_by_the_market() -> None:
    assert parse_shift("DR007=+5bp", rates=("DR007", "SHIBOR.1W")) == OneRate("DR007", "+5bp")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parallel", r"'parallel' is no shift; write what=amount, such as parallel=\+10bp"),
        ("=+10bp", "is no shift"),
        ("paralel=+10bp", "no shift 'paralel'; did you mean 'parallel'.; shifts are butterfly, .*rate.NAME"),
        ("prize.T1906=-0.5", "no shift 'prize.T1906'; did you mean 'price'"),
        ("DR007=+5bp", "no shift 'DR007'; shifts are"),
        ("parallel=50", "parallel=50: 50 has no unit: write 50bp or 0.5%"),
        ("parallel=5000bp", "parallel=5000bp: 5000bp is beyond the bound of 500 bp; .* force = true"),
        ("steepener=+5bp,pivott=7", "pivott: unexpected key; did you mean 'pivot'"),
        ("steepener=+5bp,pivot", "' ?pivot' is no setting; write name=value after the comma"),
        ("steepener=+5bp,pivot=seven", "pivot: Input should be a valid number.*given 'seven'"),
        ("parallel=+5bp,amount=+6bp", "amount is given twice"),
        ("irrbb=parallel", "name: Input should be 'parallel_up'.*given 'parallel'"),
        ("irrbb=parallel_up,currency=XYZ", "no IRRBB shocks for 'XYZ'; there are"),
        ("pca.4=+2sd", "component: Input should be less than or equal to 3"),
        ("pca=+2sd", "pca needs component and sd; write pca.COMPONENT="),
        ("macro.CPI.YOY=+50bp", "must be a number in the statistic's own unit"),
        ("volatility=x2", "volatility needs code and multiple; write volatility.CODE=x2"),
        ("replay=2020-03-13..2020-03-06", "give the earlier date first"),
        ("replay=2020-03-13", "replay needs first and last; write replay=FIRST..LAST"),
        ("replay=a..b..c..d", "has no place for all of"),
        ("points=2y", "write points one by one"),
    ],
)
def test_a_word_that_means_nothing_is_told_what_exists(text: str, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        parse_shift(text)


def test_every_registered_kind_but_points_can_be_written() -> None:
    assert {shift.kind for _, shift in WRITTEN} | {"points"} == set(registered(GROUP))


@pytest.mark.parametrize("kind", registered(GROUP))
def test_each_kind_has_a_zero_that_changes_nothing(simulated_base: Base, kind: str) -> None:
    moves = ZERO[kind].moves(simulated_base)
    assert not moves
    assert not moves + NOTHING


@pytest.fixture(scope="module")
def later_base() -> Base:
    """The decision of ``simulated_base``, out of a market that goes on for a quarter of a year."""
    return base_of(date(2020, 3, 20))


@pytest.mark.parametrize("kind", registered(GROUP))
def test_later_rows_of_the_market_change_no_shift(simulated_base: Base, later_base: Base, kind: str) -> None:
    moves = SOME[kind].moves(simulated_base)
    assert moves
    assert moves == SOME[kind].moves(later_base)


FILE = """
[[scenarios]]
name = "dear quarter end"
shifts = [{ kind = "quarter_end", amount = "+300bp", turn = 2019-12-31 }, { kind = "repo", amount = "+0.1%" }]

[[scenarios]]
name = "a week of March"

[[scenarios.shifts]]
kind = "replay"
first = 2019-03-04
last = 2019-03-08

[[scenarios.shifts]]
kind = "points"
points = { 2y = "+5bp", 10y = "-3bp" }

[[scenarios.shifts]]
kind = "steepener"
amount = "5bp"
pivot = 7
"""


def test_a_file_of_scenarios() -> None:
    first, second = scenarios_from(tomllib.loads(FILE))
    assert first == Scenario("dear quarter end", (QuarterEnd("+300bp", turn=date(2019, 12, 31)), Repo("+0.1%")))
    assert second.shifts[1] == Points({"2y": "+5bp", "10y": "-3bp"})
    assert second.shifts[2] == Steepener("5bp", pivot=7.0)


def test_scenarios_survive_being_written_out() -> None:
    scenarios = scenarios_from(tomllib.loads(FILE))
    assert scenarios_from({"scenarios": [asdict(scenario) for scenario in scenarios]}) == scenarios


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("", "demo.toml: scenarios: missing"),
        ("scenario = []", "demo.toml: scenario: unexpected key; did you mean 'scenarios'"),
        ("scenarios = []", "demo.toml: scenarios: .*at least 1"),
        ("[[scenarios]]\nname = 'a'\nshifts = []", r"scenarios\[0\].shifts: .*at least 1"),
        (
            "[[scenarios]]\nname = 'a'\nshifts = [{ kind = 'paralel', amount = '5bp' }]",
            r"scenarios\[0\]\.shifts\[0\]: no kind 'paralel'; did you mean 'parallel'\? \(known are butterfly, ",
        ),
        (
            "[[scenarios]]\nname = 'a'\nshifts = [{ kind = 'parallel', amout = '5bp' }]",
            r"scenarios\[0\]\.shifts\[0\]\.amout: unexpected key; did you mean 'amount'",
        ),
        (
            "[[scenarios]]\nname = 'a'\nshifts = [{ kind = 'parallel', amount = 50 }]",
            r"scenarios\[0\]\.shifts\[0\]: 50 has no unit: write 50bp or 0\.5%",
        ),
        (
            "[[scenarios]]\nname = 'a'\nshifts = [{ kind = 'steepener', amount = '5bp', pivot = '7' }]",
            r"scenarios\[0\]\.shifts\[0\]\.pivot: Input should be a valid number; given '7'",
        ),
        (
            "[[scenarios]]\nname = 'a'\nshifts = [{ kind = 'repo', amount = '5bp' }]\n" * 2,
            r"scenarios \['a'\] are named more than once",
        ),
    ],
)
def test_a_file_with_mistakes(file: str, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        scenarios_from(tomllib.loads(file), where="demo.toml")


def test_a_scenario_is_the_sum_of_its_steps(simulated_base: Base) -> None:
    scenario = Scenario("both", (Parallel("+10bp"), Repo("+50bp"), KeyRate(10.0, "-10bp")))
    steps = scenario.steps(simulated_base)
    assert [words for words, _ in steps] == ["parallel +10bp", "repo +50bp", "10y -10bp"]
    together = scenario.moves(simulated_base)
    assert together == sum((moves for _, moves in steps), NOTHING)
    assert together.curves["CGB"][10.0] == 0.0
    turned = Scenario("both", scenario.shifts[::-1]).moves(simulated_base)
    assert turned.curves["CGB"] == pytest.approx(together.curves["CGB"], abs=1e-16)
    assert (scenario.uncertain, scenario.draws(simulated_base, 5, seed=1)) == (False, ())


def test_draws_of_an_estimate_and_something_stated(simulated_base: Base) -> None:
    base = simulated_base
    scenario = Scenario("dear money and a surprise", (Macro("CPI.YOY", "+0.5"), Parallel("+10bp")))
    drawn = scenario.draws(base, 300, seed=4)
    assert scenario.uncertain
    assert len(drawn) == 300
    ten = np.array([moves.curves["CGB"][10.0] for moves in drawn])
    assert ten.mean() == pytest.approx(scenario.moves(base).curves["CGB"][10.0], abs=1e-4)
    assert ten.std() > 0
    assert drawn == scenario.draws(base, 300, seed=4)


def test_a_zero_surprise_has_zero_draws(simulated_base: Base) -> None:
    assert not any(Scenario("none", (Macro("CPI.YOY", "0"),)).draws(simulated_base, 5, seed=1))
