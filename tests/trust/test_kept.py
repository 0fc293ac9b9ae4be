"""Kept forecasts against what came: scored when the outcome is known, against a table by hand."""

import runpy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binomtest

from tenor.factor.universe import Universe, build_universe
from tenor.market.calendar import trading_calendar
from tenor.market.market import Market
from tenor.trust.kept import outcomes, records

HERE = Path(__file__).parents[1]
stocks: Callable[..., Market] = runpy.run_path(str(HERE / "factor" / "stock_market.py"))["stocks"]

DAYS = trading_calendar("XNYS").sessions(date(2024, 1, 2), date(2024, 1, 31)).tolist()


def prices() -> Universe:
    """AAA: 100, 102, 51 after a split two for one (so unchanged), 50, and 50 again."""
    closes = dict(zip(DAYS[:5], (100.0, 102.0, 51.0, 50.0, 50.0), strict=True))
    return build_universe(stocks({"AAA": closes}, adjustments=[("AAA", DAYS[2], 2.0)]), ("AAA",))


def forecast(as_of: date, up: float = 0.6, **more: Any) -> dict[str, Any]:
    model = {"model": "lstm", "up": up, "levels": [0.05, 0.5, 0.95], **more}
    model.setdefault("returns", [[-0.01, 0.001, 0.01], [-0.03, 0.002, 0.03]])
    said = {"code": "AAA", "as_of": as_of.isoformat(), "horizons": [1, 3], "models": [model], "simulated": False}
    return said | {"asked_at": f"{as_of.isoformat()}T23:30:00Z"}


def test_each_horizon_is_scored_by_its_own_session() -> None:
    one, three = outcomes([forecast(DAYS[0])], prices())
    assert (one.horizon, one.known, one.up, one.right) == (1, DAYS[1], 0.6, True)
    assert one.change == pytest.approx(0.02)
    assert one.error == pytest.approx(0.019)
    assert one.naive_error == pytest.approx(0.02)
    assert (one.inside, one.stated) == (False, pytest.approx(0.9))
    losses = (0.05 * 0.03, 0.5 * 0.019, 0.95 * 0.01)
    assert one.pinball == pytest.approx(sum(losses) / 3)
    # the third session is at 50 after the split: 100 of before
    assert (three.known, three.up, three.right) == (DAYS[3], None, None)
    assert three.change == pytest.approx(0.0)
    assert three.inside is True


@pytest.mark.parametrize(("at", "known"), [(1, True), (3, True), (4, False)])
def test_an_outcome_that_has_not_come_is_open(at: int, known: bool) -> None:
    one, three = outcomes([forecast(DAYS[at])], prices())
    assert (one.known is not None) is known
    assert three.known == (DAYS[4] if at == 1 else None)
    if not known:
        assert (one.change, one.up, one.right, one.inside) == (None, None, None, None)


def test_a_session_or_an_instrument_without_prices_is_open() -> None:
    elsewhere = {**forecast(DAYS[0]), "code": "BBB"}
    found = outcomes([forecast(DAYS[6]), elsewhere], prices())
    assert [one.known for one in found] == [None] * 4


@pytest.mark.parametrize(
    ("at", "up", "right"), [(0, 0.4, False), (1, 0.6, None), (2, 0.4, True), (0, 0.5, None)]
)  # after the second session the adjusted price does not move
def test_no_move_and_no_opinion_are_no_call(at: int, up: float, right: bool | None) -> None:
    one, _ = outcomes([forecast(DAYS[at], up)], prices())
    assert one.right is right


def test_records_count_calls_days_and_errors() -> None:
    said = [forecast(DAYS[0], 0.6), forecast(DAYS[2], 0.7), forecast(DAYS[4], 0.6)]
    one, three = records(outcomes(said, prices()))
    assert (one.model, one.horizon, one.scored, one.pending, one.days) == ("lstm", 1, 2, 1, 2)
    assert one.right == 0.5
    exact = binomtest(1, 2).proportion_ci(0.95, method="exact")
    assert (one.low, one.high) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert one.brier == pytest.approx(((0.6 - 1) ** 2 + 0.7**2) / 2)
    moves = (0.02, 50 / 51 - 1)
    mine = sum(abs(move - 0.001) for move in moves)
    assert one.error_skill == pytest.approx(1 - mine / sum(abs(move) for move in moves))
    assert (three.scored, three.pending, three.right) == (1, 2, None)
    assert three.error_skill is None  # nothing moved: no error to compare with


def test_a_model_without_quantiles_has_calls_alone() -> None:
    (one,) = outcomes([forecast(DAYS[0], returns=[], levels=[])], prices())
    assert (one.horizon, one.right, one.error, one.pinball, one.inside) == (1, True, None, None, None)
    (record,) = records([one])
    assert (record.right, record.low, record.high) == (1.0, pytest.approx(0.025), 1.0)
    assert record.error_skill is record.inside is record.stated is None


def test_what_was_asked_after_its_outcome_is_scored_apart() -> None:
    """At 23:30 UTC of the session New York has closed: one session ahead is known then, three are not."""
    late = forecast(DAYS[0]) | {"asked_at": f"{DAYS[1].isoformat()}T23:30:00Z"}
    found = outcomes([forecast(DAYS[0]), late], prices())
    assert [(one.horizon, one.late) for one in found] == [(1, False), (3, False), (1, True), (3, False)]
    summed = {(one.horizon, one.late): one.scored for one in records(found)}
    assert summed == {(1, False): 1, (3, False): 2, (1, True): 1}


def test_drawn_and_observed_prices_are_scored_apart() -> None:
    drawn = forecast(DAYS[0]) | {"simulated": True}
    summed = records(outcomes([forecast(DAYS[0]), drawn], prices()))
    assert {(one.horizon, one.simulated): one.scored for one in summed} == {
        (horizon, simulated): 1 for horizon in (1, 3) for simulated in (False, True)
    }


def test_a_point_has_no_interval() -> None:
    one, _ = outcomes([forecast(DAYS[0], levels=[0.5], returns=[[0.001], [0.002]])], prices())
    assert (one.inside, one.stated) == (None, None)
    assert one.error == pytest.approx(0.019)
