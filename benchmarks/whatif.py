"""How long a what-if takes: pricing whole baskets, one question, many worlds, and the command as a user types it.

    python benchmarks/whatif.py [--worlds 1000] [--repeats 7] [--models lstm,reversal] [--run RUN]

Targets on 2 cores: every bond of every delivery list of four products revalued in 1,000 scenarios under 1 s; the whole
chain (reprice, factors, 20-seed LSTM ensemble, position, profit and loss) over 1,000 scenarios under 2 s; one what-if
from a loaded run under 50 ms.

The baskets are the published ones of contracts 2606 and 2609, read from ``shared/data`` beside the repository, or
without that folder those of the simulated market. Beside them the same bonds go through QuantLib one at a time; its
bonds are built before the clock starts, and both must agree to 1e-8.

The run is ``cgb-spread-t`` on the simulated market with its published baskets: the study's own factors, folds, 20 seeds
and LSTM (3 layers of 8), trained for 3 epochs, as the speed of asking does not depend on training. It is computed in a
process of its own, so what is called cold below is: nothing of the models is compiled yet. ``--models all`` keeps every
model of the study, ``--run`` asks a run that is there instead.

On 2 cores that others used too, medians of four runs: the baskets 8 to 12 ms, QuantLib 1.7 to 3.1 s; the chain 60 to
160 ms, and 0.7 to 1.3 s where the networks are compiled first; one what-if 23 to 46 ms (44 ms with all seven models of
the study, one run); the command 5 to 9 s.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import QuantLib as ql  # noqa: N813
import tomli_w
from scipy.interpolate import PchipInterpolator

from tenor.app.what_if import Loaded, load_run
from tenor.errors import TenorError
from tenor.factor.contract_value import value_contract
from tenor.factor.valuation import Leg, Valuation, funding_curve, price_leg
from tenor.io.sources.folder import Folder
from tenor.io.sources.simulated import Simulated
from tenor.market.contract import Contract, product
from tenor.market.curve import Curve
from tenor.model.program import forward
from tenor.open_desk import open_desk
from tenor.pricing.basis import basis
from tenor.scenario.desk import Desk
from tenor.scenario.moves import Moves
from tenor.scenario.search import flip, sweep
from tenor.scenario.what_if import answered, what_if
from tenor.scenario.world import worlds
from tenor.shock import Scenario, parse_shift
from tenor.units import Floats

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
TENOR = Path(sys.executable).with_name("tenor")
PRODUCTS, MONTHS, ON = ("TS", "TF", "T", "TL"), ("2606", "2609"), date(2026, 6, 8)
REAL = Valuation("CGB", (1, 2, 5, 10, 30), {"DR001": 1, "DR007": 7}, "published")
DRAWN = Valuation(
    "CGB", (1, 2, 3, 5, 7, 10, 30), {"REPO.ON": 1, "REPO.1W": 7, "REPO.1M": 30}, "published", compounding="annual"
)
"""How the simulated market is priced; its curve is one of par yields of bonds that pay once a year."""
SAMPLE, AGREES = 10, 1e-8
QUESTIONS = 50
WORDS = ("parallel={}bp", "steepener={}bp", "repo={}bp", "10y={}bp", "quarter_end={}bp")
GRID = tuple(range(-50, 51, 5))


def spent(run: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def several(run: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each of ``repeats`` calls, ascending."""
    return sorted(spent(run) for _ in range(repeats))


def line(what: str, seconds: float, said: str = "", target: float | None = None) -> None:
    """Print one row; with a target, whether it is met."""
    number = f"{seconds:8.3f} s " if seconds >= 1 else f"{seconds * 1e3:8.1f} ms"
    limit = ""
    if target is not None:
        shown = f"{target:g} s" if target >= 1 else f"{target * 1e3:g} ms"
        limit = f"target {shown}: {'met' if seconds < target else 'MISSED'}"
    print(f"  {what:<46}{number}  {said:<54}{limit}".rstrip(), flush=True)


def median_line(what: str, taken: list[float], target: float | None = None, per: str = "") -> None:
    said = f"median of {len(taken)}; {taken[0] * 1e3:.1f} to {taken[-1] * 1e3:.1f} ms{per}"
    line(what, statistics.median(taken), said, target)


# --- baskets ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Baskets:
    """Every contract's bonds and dates on one day, with the curve and the funding of that day."""

    source: str
    valuation: Valuation
    legs: tuple[Leg, ...]
    futures: tuple[float, ...]
    rates: Floats
    funding: Floats


def read_baskets() -> Baskets:
    if DATA.is_dir():
        market, valuation = Folder(DATA, ROOT / "studies" / "layouts" / "cffex-2026.toml").read(), REAL
        source = "published lists of 2606 and 2609"
    else:
        market = Simulated(products=PRODUCTS, first=date(2025, 3, 3), last=ON).read()
        valuation, source = DRAWN, f"no {DATA}: SIMULATED baskets of 2606 and 2609"
    legs, futures = [], []
    for code in (f"{name}{month}" for name in PRODUCTS for month in MONTHS):
        contract = Contract.parse(code)
        # Most of them are quoted in no file, so each is held against its own fair price of that day.
        value = value_contract(market, product(contract.product), contract, ON, valuation, price=100.0)
        legs.append(value.leg)
        futures.append(float(value.priced.fair.price[0]))
    points = [known(market.tenor(valuation.curve, years)) for years in valuation.tenors]
    terms = [known(market.rate(name)) for name, _ in valuation.terms]
    return Baskets(source, valuation, tuple(legs), tuple(futures), np.array(points), np.array(terms))


def known(frame: Any) -> float:
    """The last rate of ``ON`` or before."""
    before = frame.filter(frame["date"] <= ON).drop_nulls("rate").sort("date")
    return float(before["rate"][-1])


def revalued(baskets: Baskets, rates: Floats, funding: Floats) -> list[tuple[Floats, Floats, Floats, Floats]]:
    """Dirty, forward, fair and gross basis of each contract under curves and funding ``(s, node)``."""
    valuation = baskets.valuation
    curve = Curve(valuation.curve, np.array(valuation.tenors, float), rates[:, None, :])
    repo = funding_curve(valuation, funding[:, None, :])
    found = []
    for leg, price in zip(baskets.legs, baskets.futures, strict=True):
        term = repo.term(leg.delivery.days[:, None])[..., 0]
        priced = price_leg(leg, curve, term)
        held = basis(leg.delivery, priced.paid, np.array([price]), term, reinvest="self")
        found.append((priced.paid[:, 0], held.forward[:, 0], priced.fair.price[:, 0], held.gross[:, 0]))
    return found


@dataclass(frozen=True)
class QuantLibBond:
    """A bond as QuantLib has it, with all that does not depend on a scenario."""

    bond: Any
    counted: Any
    frequency: int
    compounding: Any
    factor: float
    own_spread: float
    accrued: float
    invoiced: float
    coupons: tuple[tuple[float, float], ...]
    """Amount of each coupon up to delivery, and years from then to delivery."""


def quantlib_bonds(leg: Leg) -> list[QuantLibBond]:
    today, end = ql_day(ON), ql_day(leg.delivery.second_delivery.item())
    ql.Settings.instance().evaluationDate = today
    bonds, built = leg.known.bonds, []
    for at in range(len(bonds)):
        last, frequency = ql_day(bonds.maturity[at].item()), int(bonds.frequency[at])
        since = last - ql.Period(int(leg.delivery.left[0, at]) * 12 // frequency, ql.Months)
        schedule = ql.Schedule(
            since, last, ql.Period(12 // frequency, ql.Months), ql.NullCalendar(),
            ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False,
        )  # fmt: skip
        counted = ql.ActualActual(ql.ActualActual.ISMA, schedule)
        bond = ql.FixedRateBond(0, 100.0, schedule, [float(bonds.coupon[at])], counted)
        flows = [flow for flow in bond.cashflows() if today < flow.date() <= end]
        built.append(
            QuantLibBond(
                bond=bond,
                counted=counted,
                frequency=frequency,
                compounding=ql.Annual if frequency == 1 else ql.Semiannual,
                factor=float(bonds.factor[at]),
                own_spread=float(leg.own_spread[0, at]),
                accrued=bond.accruedAmount(today),
                invoiced=round(bond.accruedAmount(end), 7),
                coupons=tuple((flow.amount(), (end - flow.date()) / 365) for flow in flows),
            )
        )
    return built


def ql_day(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


def in_quantlib(
    baskets: Baskets, built: list[list[QuantLibBond]], rates: Floats, funding: Floats
) -> list[list[tuple[list[float], list[float], float, list[float]]]]:
    """:func:`revalued`, one scenario, one contract and one bond at a time."""
    today, annual = ql_day(ON), baskets.valuation.compounding == "annual"
    nodes = [0, *(days for _, days in baskets.valuation.terms)]
    found = []
    for points, terms in zip(rates, funding, strict=True):
        curve = PchipInterpolator(baskets.valuation.tenors, points)
        growths = [0.0, *(rate * days for rate, days in zip(terms, nodes[1:], strict=True))]
        of_contracts = []
        for leg, price, bonds in zip(baskets.legs, baskets.futures, built, strict=True):
            days = float(leg.delivery.days[0])
            repo = float(terms[-1]) if days > nodes[-1] else float(np.interp(days, nodes, growths)) / days
            grown, paid, ahead, gross = 1 + repo * days / 365, [], [], []
            for each, read in zip(bonds, curve(leg.delivery.life[0]).tolist(), strict=True):
                f = each.frequency
                rate = (f * ((1 + read) ** (1 / f) - 1) if annual else read) + each.own_spread
                clean = ql.BondFunctions.cleanPrice(
                    each.bond, rate, each.counted, ql.Compounded, each.compounding, today
                )
                earned = sum(amount * (1 + repo * years) for amount, years in each.coupons)
                paid.append(clean + each.accrued)
                ahead.append((clean + each.accrued) * grown - earned - each.invoiced)
                gross.append(clean - price * each.factor)
            fair = min(forward / each.factor for forward, each in zip(ahead, bonds, strict=True))
            of_contracts.append((paid, ahead, fair, gross))
        found.append(of_contracts)
    return found


def time_baskets(count: int, repeats: int, rng: np.random.Generator) -> None:
    baskets = read_baskets()
    bonds = sum(len(leg.bonds) for leg in baskets.legs)
    print(f"\n{baskets.source}, {ON}: {len(baskets.legs)} contracts, {bonds} bonds, {count} curves and repos")
    rates = baskets.rates + 5e-4 * rng.standard_normal((count, len(baskets.rates)))
    funding = baskets.funding + 2e-3 * rng.standard_normal((count, len(baskets.funding)))
    taken = several(lambda: revalued(baskets, rates, funding), repeats)
    median_line("tenor: dirty, forward, fair, basis", taken, target=1.0)
    built = [quantlib_bonds(leg) for leg in baskets.legs]
    sample = slice(0, min(SAMPLE, count))
    start = time.perf_counter()
    theirs = in_quantlib(baskets, built, rates[sample], funding[sample])
    long = (time.perf_counter() - start) / len(theirs) * count
    ratio = long / statistics.median(taken)
    line("QuantLib, bond by bond", long, f"extrapolated from {len(theirs)} scenarios; {ratio:.0f} times as long")
    ours = revalued(baskets, rates[sample], funding[sample])
    apart = max(
        float(np.abs(mine[part][world] - np.asarray(theirs[world][at][part])).max())
        for world in range(len(theirs))
        for at, mine in enumerate(ours)
        for part in range(4)
    )
    print(f"  largest difference {apart:.1e}: {'agrees' if apart < AGREES else 'DISAGREES'} to {AGREES:.0e}")


# --- a run ------------------------------------------------------------------------------------------------


@contextmanager
def a_run(models: str, given: Path | None) -> Iterator[tuple[Path, Path]]:
    """The folder of a run and the folder of runs, in which a page may be written; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        if given is not None:
            yield given.resolve(), runs
            return
        study = runs / "study.toml"
        study.write_bytes(tomli_w.dumps(drawn_study(models)).encode())
        seconds = spent(lambda: tenor_process("run", str(study), "--runs", str(runs)))
        (made,) = (path.parent for path in runs.glob("*/run.json"))
        print(f"\ncgb-spread-t on the SIMULATED market, 3 epochs (models: {models}), trained in {seconds:.0f} s")
        yield made, runs


def drawn_study(models: str) -> dict[str, Any]:
    """The study on the simulated market."""
    table = tomllib.loads((ROOT / "studies" / "cgb-spread-t.toml").read_text(encoding="utf-8"))
    table["market"] = {
        "source": "simulated", "products": ["T"], "first": date(2015, 3, 20), "last": date(2020, 6, 30),
        "seed": 7, "signal": 0.25,
    }  # fmt: skip
    for factor in table["factors"]:
        if factor["kind"] == "funding":
            factor["rates"] = [rate.replace("SHIBOR", "REPO") for rate in factor["rates"]]
    table["valuation"] = {
        "curve": DRAWN.curve, "tenors": list(DRAWN.tenors), "funding": dict(DRAWN.funding),
        "basket": DRAWN.basket, "compounding": DRAWN.compounding,
    }  # fmt: skip
    table["fit"] = {"epochs": 3}
    table["statistics"] = {"level": 0.95, "replications": 200}
    if models != "all":
        table["models"] = [model for model in table["models"] if model["kind"] in models.split(",")]
    return table


def tenor_process(*arguments: str) -> None:
    done = subprocess.run([str(TENOR), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tenor {' '.join(arguments)}\n{done.stderr.strip()}")


def drawn_moves(desk: Desk, count: int, rng: np.random.Generator) -> list[Moves]:
    """Curves and funding at random: 5 bp a point, 20 bp a fixing."""
    base = desk.scene.base
    curves = 5e-4 * rng.standard_normal((count, len(base.tenors)))
    rates = 2e-3 * rng.standard_normal((count, len(base.funding)))
    return [
        Moves(
            curves={base.curve: dict(zip(base.tenors, curve, strict=True))},
            rates=dict(zip(base.funding, fixings, strict=True)),
        )
        for curve, fixings in zip(curves.tolist(), rates.tolist(), strict=True)
    ]


def ask_one(desk: Desk, at: int) -> None:
    """One what-if from its words to its outcome; no two are the same."""
    shift = parse_shift(WORDS[at % len(WORDS)].format(f"{5 + at / 4:+g}"))
    what_if(desk, [Scenario(shift.describe(), (shift,))])


def time_questions(desk: Desk, repeats: int) -> None:
    print("\none question on the open desk")
    forward.cache_clear()
    line("one what-if, the first of a process", spent(lambda: ask_one(desk, QUESTIONS)), "compiles the networks")
    median_line("one what-if", sorted(spent(lambda at=at: ask_one(desk, at)) for at in range(QUESTIONS)), 0.05)
    for words in ("irrbb=parallel_up", "pca.1=+2sd", "macro.CPI.YOY=+0.5"):
        shift = parse_shift(words)
        scenario = Scenario(words, (shift,))
        first = spent(lambda scenario=scenario: what_if(desk, [scenario]))
        again = several(lambda scenario=scenario: what_if(desk, [scenario]), repeats)
        said = f"median of {repeats}; {again[0] * 1e3:.1f} to {again[-1] * 1e3:.1f} ms; {first * 1e3:.1f} ms at first"
        line(f"one what-if, {words}", statistics.median(again), said)
    base = desk.scene.base
    up, repo = (parse_shift(words).moves(base) for words in ("parallel=+1bp", "repo=+1bp"))
    for of in ("forecast", "position"):
        taken = several(lambda of=of: flip(desk, "parallel +1bp", up, of=of, bound=100.0), repeats)
        found = flip(desk, "parallel +1bp", up, of=of, bound=100.0)
        median_line(f"flip of the {of}{'' if found.size is not None else ' (none)'}", taken)
    # The rule flips for certain: it bets against the last change, which the price of the near leg makes.
    words, ruled = f"price.{base.near}=+0.01", replace(desk, headline="reversal")
    gap = parse_shift(words).moves(base)
    taken = several(lambda: flip(ruled, words, gap, of="forecast", bound=100.0), repeats)
    found = flip(ruled, words, gap, of="forecast", bound=100.0)
    median_line(f"flip of reversal by price{'' if found.size is not None else ' (none)'}", taken)
    pair = [("parallel +1bp", up), ("repo +1bp", repo)]
    median_line(f"grid of {len(GRID)} x {len(GRID)}", several(lambda: sweep(desk, pair, (GRID, GRID)), repeats))


def time_chain(desk: Desk, moves: list[Moves], repeats: int) -> None:
    """The whole chain, and its stages one by one."""
    taken = several(lambda: answered(desk, moves), repeats)
    median_line("the whole chain", taken, target=2.0)
    stages: dict[str, list[float]] = {"worlds": [], "models": [], "position": []}
    for _ in range(repeats):
        start = time.perf_counter()
        stack = worlds(desk.scene, moves)
        priced = time.perf_counter()
        ups = desk.ask(stack.rows)
        asked = time.perf_counter()
        up = ups[desk.headline].mean(axis=0)
        held = desk.start(up)
        desk.pairs(desk.headline, up, held)
        held * desk.multiplier * (stack.spread - stack.spread[0])
        for name, seconds in zip(stages, np.diff([start, priced, asked, time.perf_counter()]).tolist(), strict=True):
            stages[name].append(seconds)
    said = {"worlds": "reprice and factors", "models": ", ".join(desk.names), "position": "position and profit"}
    for name, seconds in stages.items():
        line(f"  {name}", statistics.median(seconds), said[name])


def opened(loaded: Loaded) -> Desk:
    return open_desk(loaded.study, loaded.market, loaded.models)


def time_run(run: Path, runs: Path, count: int, repeats: int, rng: np.random.Generator) -> None:
    start = time.perf_counter()
    loaded = load_run(run, runs)
    read = time.perf_counter()
    desk = opened(loaded)
    base = desk.scene.base
    line("load_run, cold", read - start, "the market drawn or read anew; modules are imported")
    line("open_desk, cold", time.perf_counter() - read, f"{base.near} and {base.far} on {base.session}")
    moves = drawn_moves(desk, count, rng)
    asked = {
        model.name: sum(not isinstance(one, str) for one in model.folds[desk.fold]) for model in loaded.models.models
    }
    print(f"\n{count} worlds through the chain; seeds: {', '.join(f'{name} {n}' for name, n in asked.items())}")
    first = spent(lambda: answered(desk, moves))
    line("the whole chain, the first of a process", first, "compiles the networks", target=2.0)
    time_chain(desk, moves, repeats)
    time_questions(opened(loaded), repeats)
    print("\nagain from the disk")
    median_line("load_run, warm", several(lambda: load_run(run, runs), 3))
    median_line("open_desk, warm", several(lambda: opened(loaded), 3))
    page = runs / "whatif.html"
    words = ("whatif", str(run), "--shift", "parallel=+10bp", "--json", "--runs", str(runs), "--page", str(page))
    try:
        median_line("tenor whatif RUN --shift parallel=+10bp --json", several(lambda: tenor_process(*words), 3))
    except RuntimeError as failed:
        print(f"  tenor whatif left out: {str(failed).splitlines()[-1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--models", default="lstm,reversal", help="kinds of the study, or all")
    parser.add_argument("--run", type=Path, help="a run that is there")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; numpy {np.__version__}, QuantLib {ql.__version__}")
    rng = np.random.default_rng(0)
    time_baskets(given.worlds, given.repeats, rng)
    try:
        with a_run(given.models, given.run) as (run, runs):
            time_run(run, runs, given.worlds, given.repeats, rng)
    except (RuntimeError, TenorError) as failed:
        print(f"\nthe run is left out: {failed}")
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
