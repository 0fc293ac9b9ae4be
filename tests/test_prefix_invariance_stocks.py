"""Nothing of a stock looks ahead: what is said at a close from the whole market is said from the market of then.

Generated for every registered factor that is not one of pairs, on drawn prices with a split, a halt, and members that
come and go; the same check is then given factors that do look ahead, and must catch each of them.
"""

import runpy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tenor.errors import StudyError
from tenor.factor.base import Field
from tenor.factor.compute_universe import compute_universe
from tenor.factor.cross_section import CrossFactor
from tenor.factor.label import Target
from tenor.factor.stock_windows import stock_windows
from tenor.factor.technical import Return
from tenor.factor.universe import CLOSE, Universe, build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import exchange
from tenor.market.market import Market
from tenor.registry import registered
from tenor.units import Bools, Floats, Ints

HERE = Path(__file__).parent
stocks: Callable[..., Market] = runpy.run_path(str(HERE / "factor" / "stock_market.py"))["stocks"]
OF_PAIRS: Sequence[str] = runpy.run_path(str(HERE / "test_prefix_invariance.py"))["OF_PAIRS"]

DAYS = trading_calendar("XNYS").sessions(date(2023, 1, 3), date(2024, 1, 31)).tolist()
NAMES = ("AAA", "BBB", "CCC", "DDD")
OF_STOCKS = [name for name in registered("tenor.factors") if name not in OF_PAIRS]


@cache
def market() -> Market:
    rng = np.random.default_rng(11)
    closes = {}
    for number, name in enumerate(NAMES):
        walk = 50.0 * np.exp(np.cumsum(rng.normal(0, 0.02, len(DAYS))))
        mine = dict(zip(DAYS, np.round(walk, 2).tolist(), strict=True))
        closes[name] = {
            day: close for day, close in mine.items() if not (number == 1 and DAYS[100] <= day <= DAYS[108])
        }
    return stocks(
        closes,
        adjustments=[("AAA", DAYS[150], 2.0)],
        members=[("IDX", name, DAYS[20 * number], True) for number, name in enumerate(NAMES)]
        + [("IDX", "AAA", DAYS[200], False)],
        sectors={"AAA": "Energy", "BBB": "Energy", "CCC": "Utilities"},
    )


def factors(name: str) -> list[Any]:
    factor = registered("tenor.factors")[name]()
    return [Return(), factor] if isinstance(factor, CrossFactor) else [factor]


def universe(held: Market, needs: Sequence[Field]) -> Universe:
    return build_universe(held, NAMES, needs, members="IDX")


def said(chosen: Sequence[Any], held: Market) -> Mapping[str, tuple[Any, Any]]:
    needs = [field for factor in chosen for field in getattr(factor, "inputs", ())]
    of = universe(held, needs)
    _, rows = compute_universe(chosen, of)
    return {name: (of.sessions[of.rows(name)], rows[of.rows(name)]) for name in of.codes}


def assert_prefix_invariant(speak: Callable[[Market], Mapping[str, tuple[Any, Any]]], known_after: int = 0) -> None:
    whole = speak(market())
    cuts = [DAYS[at] for at in (170, 199, 205, 250)]
    for cut in cuts:
        part = speak(market().known_at(exchange("XNYS").closes_at(cut)))
        for name, (sessions, values) in whole.items():
            known = int((sessions <= np.datetime64(cut)).sum()) - known_after
            np.testing.assert_array_equal(part[name][0][:known], sessions[:known])
            np.testing.assert_array_equal(part[name][1][:known], values[:known], err_msg=f"{name} {cut}")


@pytest.mark.parametrize("name", OF_STOCKS)
def test_factor(name: str) -> None:
    chosen = factors(name)
    assert chosen[-1].kind == name
    assert_prefix_invariant(lambda held: said(chosen, held))


@pytest.mark.parametrize("name", OF_STOCKS)
def test_factor_values_are_known_by_the_time_they_are_said(name: str) -> None:
    values = np.concatenate([each[120:] for _, each in said(factors(name), market()).values()])
    assert np.isfinite(values).mean() > 0.5


def test_label() -> None:
    def labels(held: Market) -> Mapping[str, tuple[Any, Any]]:
        of = universe(held, ())
        columns, rows = compute_universe([Return()], of)
        made, _ = stock_windows(of, columns, rows, length=3, target=Target(horizons=(1, 5)))
        mine = {name: made.take(made.product == name) for name in NAMES}
        return {name: (each.session, np.column_stack([each.ahead, each.label])) for name, each in mine.items()}

    assert_prefix_invariant(labels, known_after=5)


@dataclass(frozen=True)
class WholeSampleMean:
    """Reads every window that it is handed: the mean over all sessions."""

    kind: ClassVar = "whole_sample_mean"
    inputs: ClassVar = (CLOSE,)
    lookback: ClassVar = 1
    columns: ClassVar = ("cheat",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        return (past[CLOSE] - np.nanmean(past[CLOSE]))[..., :]


def test_a_factor_that_reads_across_windows_is_refused() -> None:
    with pytest.raises(StudyError, match="handed one window alone it gives"):
        said([WholeSampleMean()], market())


@dataclass(frozen=True)
class AcrossSessions:
    """Compares with rows of other sessions."""

    of: ClassVar = ("return_1",)
    columns: ClassVar = ("cheat",)

    def over(self, held: tuple[str, ...]) -> "AcrossSessions":
        return self

    def compare(self, values: Floats, session: Ints, sector: Ints, counted: Bools) -> Floats:
        return values - np.nanmean(values)


def test_the_check_catches_a_comparison_across_sessions() -> None:
    with pytest.raises(AssertionError):
        assert_prefix_invariant(lambda held: said([Return(), AcrossSessions()], held))
