"""An answer to a what-if, made by hand: two scenarios, a sweep, a grid and two counterfactuals of a pair of T.

One pair is held long. A parallel shift widens the spread by 0.02 points and earns 200 yuan; a surprise with dear
funding, an estimate that is implausible and beyond what the models saw, narrows it by 0.05, loses 500 and flips the
forecast and with it the position, and the cheapest bond of the far leg.
"""

from datetime import date

from tenor.report.what_if import Asked, WhatIf
from tenor.scenario.plausibility import Plausibility, Seen
from tenor.scenario.search import Family, Flip, Point, Sweep
from tenor.scenario.what_if import CheapestBond, FactorMove, FamilyStep, Link, ModelSays, Outcome, Step

NAN = float("nan")

ASKED = Asked(
    run="by-hand-0123456789",
    study="by-hand",
    source="simulated",
    simulated=True,
    product="T",
    near="T1906",
    far="T1909",
    session="2019-05-10",
    moment="2019-05-10T07:15:00+00:00",
    fold=1,
    train="2016-01-04 to 2018-06-29",
    test="2019-01-02 to 2019-05-10",
    headline="lstm",
    models=("reversal", "lstm"),
    rule="sign",
    held=1.0,
    held_given=False,
    cost=56.0,
    multiplier=10_000.0,
    tick=0.005,
    currency="CNY",
    curve="CGB",
    funding=("REPO.1W", "REPO.1M"),
    stand_in=True,
    base_inputs=Seen(0.0, (), (), 1.0, 0.5, ("unknown",)),
)


def links(curve, spread, up, pairs, pnl, *, drawn=False):
    """A short chain: each number before and after, with an interval around the change where it is drawn."""
    rows = [
        ("curve", "CGB 10y", "decimal", 0.0330, 0.0330 + curve),
        ("funding", "REPO.1W", "decimal", 0.0250, 0.0250),
        ("price", "T1906", "points", 97.25, 97.25 - 800 * curve),
        ("price", "T1909", "points", 96.85, 96.85 - 800 * curve - spread),
        ("price", "spread", "points", 0.40, 0.40 + spread),
        ("basis", "T1906 net basis", "points", 0.12032611351742162, 0.12032611351743583),
        ("forecast", "probability of up, lstm", "probability", 0.52, up),
        ("position", "pairs wanted", "pairs", 1.0, pairs),
        ("result", "profit and loss of what was held", "money", 0.0, pnl),
    ]
    return tuple(
        Link(*row, *((min(row[3:]) - 0.01, max(row[3:]) + 0.01) if drawn and row[3] != row[4] else (None, None)))
        for row in rows
    )


def says(model, before, after, *, seeds=3):
    several = seeds > 1
    return ModelSays(
        model=model,
        seeds=seeds,
        up_base=before,
        up_shocked=after,
        sd_base=0.010 if several else None,
        sd_shocked=0.012 if several else None,
        low_shocked=after - 0.015 * several,
        high_shocked=after + 0.014 * several,
        pairs_base=1.0 if before > 0.5 else -1.0,
        pairs_shocked=1.0 if after > 0.5 else -1.0,
    )


UNUSUAL = Seen(0.33, ("quiet",), (), 6.0, 0.002, ("unknown",))
"""Inputs of a base that the models had not seen before any shock."""

LIKELY = Outcome(
    name="parallel +10bp",
    shifts=("parallel +10bp",),
    chain=links(0.0010, 0.02, 0.54, 1.0, 200.0),
    cheapest=(
        CheapestBond("T1906", "180019.IB", "180019.IB", False, 0.15, 0.12),
        CheapestBond("T1909", "180027.IB", "180027.IB", False, 0.20, NAN),
    ),
    factors=(
        FactorMove("spread", 0.40, 0.42, 0.5, 0.7),
        FactorMove("quiet", 1.0, 1.0, None, None),
        FactorMove("unknown", None, None, None, None),
    ),
    models=(says("reversal", 0.51, 0.51, seeds=1), says("lstm", 0.52, 0.54)),
    steps=(Step("base", 0.52, 0.0), Step("parallel +10bp", 0.54, 200.0)),
    families=(FamilyStep("base", 0.52), FamilyStep("spread_level", 0.53), FamilyStep("carry", 0.54)),
    held=1.0,
    wanted=1.0,
    pnl_held=200.0,
    pnl_wanted=200.0,
    switch_cost=0.0,
    plausibility=Plausibility(1.2, 0.06, 1, date(2018, 4, 18), {5: 0.4, 20: 0.9}, 800, date(2016, 1, 5), ()),
    inputs=Seen(0.0, (), (), 1.0, 0.5, ()),
    extrapolates=False,
    draws=0,
    notes=("observed richness is kept: each contract moves by as much as its fair price",),
)

DEAR = Outcome(
    name="dear quarter end",
    shifts=("macro CPI.YOY +0.5", "repo +50bp"),
    chain=links(0.0002, -0.05, 0.48, -1.0, -500.0, drawn=True),
    cheapest=(
        CheapestBond("T1906", "180019.IB", "180019.IB", False, 0.15, 0.14),
        CheapestBond("T1909", "180027.IB", "180004.IB", True, 0.20, 0.01),
    ),
    factors=(
        FactorMove("spread", 0.40, 0.35, 0.5, -4.2, 0.33, 0.37),
        FactorMove("quiet", 1.0, 1.0, None, None),
        FactorMove("unknown", None, None, None, None),
    ),
    models=(says("reversal", 0.51, 0.51, seeds=1), says("lstm", 0.52, 0.48)),
    steps=(Step("base", 0.52, 0.0), Step("macro CPI.YOY +0.5", 0.525, 50.0), Step("repo +50bp", 0.48, -500.0)),
    families=(FamilyStep("base", 0.52), FamilyStep("spread_level", 0.50), FamilyStep("carry", 0.48)),
    held=1.0,
    wanted=-1.0,
    pnl_held=-500.0,
    pnl_wanted=500.0,
    switch_cost=112.0,
    plausibility=Plausibility(9.0, 0.0, 1, date(2017, 3, 31), {5: 0.005}, 800, date(2016, 1, 5), ("CPI.YOY",)),
    inputs=Seen(0.33, ("spread",), ("spread",), 7.0, 0.0, ("unknown",)),
    extrapolates=True,
    draws=200,
    notes=("observed richness is kept: each contract moves by as much as its fair price", "REPO.1W <is> stale & old"),
)

SWEEP = Sweep(
    families=(Family("parallel", "bp"),),
    axes=((-20.0, -10.0, 0.0, 10.0, 20.0),),
    points=tuple(
        Point(
            (size,), 0.40 + 0.002 * size, 0.52 + 0.002 * size, 1.0 if size > -15 else -1.0, 20.0 * size, "A", far, fine
        )
        for size, far, fine in (
            (-20.0, "C", False),
            (-10.0, "B", True),
            (0.0, "B", True),
            (10.0, "B", True),
            (20.0, "B", False),
        )
    ),
)

GRID = Sweep(
    families=(Family("parallel", "bp"), Family("repo", "bp")),
    axes=((-10.0, 10.0), (-50.0, 0.0, 50.0)),
    points=tuple(
        Point((one, two), 0.40, 0.52 + 0.001 * one - 0.002 * two, 1.0, 20.0 * one - 10.0 * two, "A", "B", two == 0.0)
        for one in (-10.0, 10.0)
        for two in (-50.0, 0.0, 50.0)
    ),
)

FOUND = Flip(Family("repo", "bp"), "forecast", 100.0, 23.125, 6.25e-5, 0.52, 0.4999, 0.41, 0.56, False)
NONE = Flip(Family("parallel", "bp"), "position", 100.0, None, 0.5, 1.0, None, 1.0, 1.0, None)

ANSWER = WhatIf(ASKED, (LIKELY, DEAR), SWEEP, GRID, (FOUND, NONE))
