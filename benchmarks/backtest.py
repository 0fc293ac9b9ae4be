"""How long the backtest takes: many strategies on one product, beside the arithmetic alone in plain numpy.

The baseline holds the sign of the forecast at the same close and charges each change: no band, no rolls, no
missing forecasts, no target kept. It shows what the semantics of ``tenor.decide.backtest`` cost.

On 2 shared cores (one thread), 10,000 strategies x 2,500 sessions: plain numpy 0.2 s; tenor 0.35 to 0.5 s
with the sign and the probability sizer, 0.6 to 0.7 s with a no-trade band, for every fill.

Run ``python benchmarks/backtest.py [strategies] [sessions]``; one thread, best of three, after one warm-up.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

from tenor.decide.backtest import FILLS, backtest
from tenor.decide.costs import Costs
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.decide.sizer import Learned, NoTradeBand, ProbabilitySizer, SignSizer
from tenor.units import Floats

QUARTER = 61
"""Sessions between two rolls."""
SIZERS = (SignSizer(), ProbabilitySizer(cap=1.0), NoTradeBand(ProbabilitySizer(cap=1.0), multiple=1.0))


def simulated_legs(sessions: int, rng: np.random.Generator) -> Legs:
    """Draw a random-walk spread whose pair changes every quarter."""
    days = np.datetime64("2010-01-04") + np.arange(sessions)
    pair = np.arange(sessions) // QUARTER
    near = 100 + np.cumsum(rng.normal(0, 0.1, sessions))
    far = near - 0.3 - np.cumsum(rng.normal(0, 0.03, sessions))
    last = np.minimum((pair + 1) * QUARTER, sessions) - 1
    return Legs(
        product="SIM",
        sessions=days,
        pair=np.array([f"P{k}" for k in pair]),
        near_close=near,
        far_close=far,
        near_open=near + rng.normal(0, 0.02, sessions),
        far_open=far + rng.normal(0, 0.02, sessions),
        flat_by=days[last],
        tick=0.005,
        multiplier=10_000.0,
        margin_rate=0.02,
        fee=3.0,
    )


def plain_numpy(p_up: Floats, spread: Floats, per_pair: float) -> Floats:
    """Net money per strategy and session: the whole backtest as five array expressions."""
    position = np.sign(p_up - 0.5)
    net = np.zeros_like(position)
    net[:, 1:] = position[:, :-1] * np.diff(spread) * 10_000.0
    net[:, 1:] -= np.abs(np.diff(position, axis=1)) * per_pair
    return net


def seconds(run: Callable[[], object]) -> float:
    """Best of three, after one warm-up."""
    run()
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main(strategies: int = 10_000, sessions: int = 2_500) -> None:
    """Print one line per way of running it."""
    rng = np.random.default_rng(0)
    legs = simulated_legs(sessions, rng)
    p_up = rng.uniform(0.3, 0.7, (strategies, sessions))
    costs, limits = Costs(slippage_ticks=0.5, fee="exchange"), Limits(max_pairs=10, lots="nearest")
    learned = Learned(scale=np.full(sessions, 0.1), expected_move=np.full(sessions, 0.03))
    print(f"{strategies} strategies x {sessions} sessions")
    taken = seconds(lambda: plain_numpy(p_up, legs.spread_close, 56.0))
    print(f"{'plain numpy, sign, no band':44s}{taken:8.2f} s")
    for sizer in SIZERS:
        for fill in FILLS:
            taken = seconds(
                lambda sizer=sizer, fill=fill: backtest(
                    p_up, legs, sizer, fill=fill, costs=costs, limits=limits, learned=learned
                )
            )
            print(f"{'tenor, ' + type(sizer).__name__ + ', ' + fill:44s}{taken:8.2f} s")


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:]))
