"""The loop against tables worked by hand, a trade-by-trade account in exact fractions, and cuts in time."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.decide.backtest import FILLS, Backtest, Fill, backtest
from tenor.decide.costs import Costs
from tenor.decide.ledger import LEDGER, ledger
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.decide.sizer import Learned, NoTradeBand, ProbabilitySizer, SignSizer, Sizer
from tenor.errors import MarketError, StudyError
from tenor.units import Floats

MULTIPLIER = 10_000.0
HALF_TICK = Costs(slippage_ticks=0.5, fee=3.0)
PER_PAIR = 2 * (3.0 + 0.5 * 0.005 * MULTIPLIER)
ONE = Limits(max_pairs=1, lots="nearest")
NAN = np.nan


def legs_of(
    spread_close: list[float],
    pairs: list[int],
    *,
    spread_open: list[float] | None = None,
    flat_by: list[int] | None = None,
) -> Legs:
    """Legs with the far price at 100, on consecutive days.

    ``flat_by`` counts days from the first; by default it is each pair's last row.
    """
    n = len(spread_close)
    days = np.datetime64("2019-01-01") + np.arange(n)
    last = [max(i for i in range(n) if pairs[i] == pair) for pair in pairs] if flat_by is None else flat_by
    opens = [NAN] * n if spread_open is None else spread_open
    return Legs(
        product="T",
        sessions=days,
        pair=np.array([f"P{pair}" for pair in pairs]),
        near_close=100.0 + np.array(spread_close),
        far_close=np.full(n, 100.0),
        near_open=100.0 + np.array(opens),
        far_open=np.full(n, 100.0 if spread_open is not None else NAN),
        flat_by=days[0] + np.array(last),
        tick=0.005,
        multiplier=MULTIPLIER,
        margin_rate=0.02,
        fee=3.0,
    )


def run(p_up: list[float] | Floats, legs: Legs, fill: Fill = "same_close", sizer: Sizer | None = None) -> Backtest:
    rule = SignSizer() if sizer is None else sizer
    return backtest(np.asarray(p_up), legs, rule, fill=fill, costs=HALF_TICK, limits=ONE)


TWO_PAIRS = legs_of(
    [0.10, 0.12, 0.11, 0.15, 0.90, 0.80, 0.85],
    [1, 1, 1, 1, 2, 2, 2],
    spread_open=[0.10, 0.11, 0.12, 0.14, 0.80, 0.88, 0.84],
)
FORECAST = [0.6, 0.4, 0.7, 0.9, 0.3, 0.2, 0.5]


@pytest.mark.parametrize(
    ("fill", "position", "points"),
    [
        # long over day 1, short over day 2, long over day 3, flat by its close; short over days 5 and 6
        ("same_close", [1, -1, 1, 0, -1, -1, 0], [0, 0.02, 0.01, 0.04, 0, 0.10, -0.05]),
        # each order one close later: nothing is filled on a pair's first session, and its last is the exit
        ("next_close", [0, 1, -1, 0, 0, -1, 0], [0, 0, -0.01, -0.04, 0, 0, -0.05]),
        # day 1: bought at 0.11, marked 0.12; day 2: turned at 0.12, marked 0.11; day 3: out at 0.14
        ("next_open", [0, 1, -1, 0, 0, -1, 0], [0, 0.01, 0.01, -0.03, 0, 0.08, -0.04]),
    ],
)
def test_every_fill_follows_the_order_of_events(fill: Fill, position: list[float], points: list[float]) -> None:
    result = run(FORECAST, TWO_PAIRS, fill)
    np.testing.assert_array_equal(result.position, position)
    np.testing.assert_allclose(result.gross, np.array(points) * MULTIPLIER, atol=1e-8)
    traded = np.diff(position, prepend=0)
    np.testing.assert_array_equal(result.traded, traded)
    np.testing.assert_allclose(result.cost, np.abs(traded) * PER_PAIR, rtol=1e-12)
    np.testing.assert_allclose(result.net, result.gross - result.cost, rtol=1e-12)


def test_a_round_trip_on_t_costs_what_the_field_says() -> None:
    result = run([0.9, NAN, NAN], legs_of([0.1, 0.1, 0.1], [1, 1, 1]))
    assert result.cost.sum() == pytest.approx(112.0)


def test_a_missing_forecast_asks_for_nothing_and_is_counted() -> None:
    result = run([[0.9, NAN, 0.9, NAN], [NAN, NAN, NAN, NAN]], legs_of([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1]))
    np.testing.assert_array_equal(result.position, [[1, 0, 1, 0], [0, 0, 0, 0]])
    # the last session is flat_by: no position could be held there, so no forecast is missed
    np.testing.assert_array_equal(result.no_forecast, [1, 3])


def test_flat_from_flat_by_on_even_where_the_pair_is_quoted_longer() -> None:
    legs = legs_of([0.1, 0.2, 0.3, 0.4, 0.5], [1] * 5, flat_by=[2] * 5)
    for fill in FILLS[::2]:
        np.testing.assert_array_equal(run([0.9] * 5, legs, fill).position[2:], 0)


def test_delayed_exit_holds_where_the_session_before_flat_by_has_no_row() -> None:
    legs = legs_of([0.1, 0.2, 0.3], [1] * 3)
    later = replace(legs, sessions=legs.sessions + np.array([0, 1, 5]), flat_by=legs.sessions[:1].repeat(3) + 7)
    np.testing.assert_array_equal(run([0.9] * 3, later, "next_close").position, [0, 1, 0])


def test_a_position_open_at_the_end_stays_open() -> None:
    result = run([0.9, 0.9], legs_of([0.1, 0.2], [1, 1], flat_by=[9, 9]))
    assert result.open_at_end == 1
    assert result.cost.sum() == pytest.approx(PER_PAIR)


def test_margin_is_the_larger_leg_and_capital_the_close_before() -> None:
    legs = legs_of([1.0, -1.0, 2.0], [1, 1, 1])
    result = backtest(
        np.array([0.9, 0.9, 0.9]),
        legs,
        SignSizer(),
        fill="same_close",
        costs=HALF_TICK,
        limits=Limits(5, "nearest"),
    )
    per_pair = np.array([101.0, 100.0, 102.0]) * MULTIPLIER * 0.02
    np.testing.assert_allclose(result.margin, 5 * per_pair * [1, 1, 0])
    np.testing.assert_allclose(result.capital, 5 * per_pair[[0, 0, 1]])
    np.testing.assert_allclose(result.returns, result.net / (5 * per_pair[[0, 0, 1]]))


def test_an_unquoted_session_is_refused_only_where_something_is_held() -> None:
    legs = legs_of([0.1, 0.2, NAN, 0.4, 0.5], [1] * 5)
    with pytest.raises(MarketError, match=r"P1 on 2019-01-03: a position is held but the near leg has no close"):
        run([0.5, 0.9, NAN, NAN, NAN], legs)
    with pytest.raises(MarketError, match="P1 on 2019-01-03"):
        run([0.5, 0.5, 0.9, NAN, NAN], legs)
    result = run([0.9, NAN, NAN, 0.9, NAN], legs)
    np.testing.assert_allclose(result.gross, [0, 1000, 0, 0, 1000], atol=1e-8)


def test_opens_are_asked_for_only_where_an_order_needs_them() -> None:
    with pytest.raises(MarketError, match=r"no opens on the near and far leg.*'same_close' or 'next_close'"):
        run([0.9, 0.9], legs_of([0.1, 0.2], [1, 1]), "next_open")
    half = replace(TWO_PAIRS, far_open=np.full(7, NAN))
    with pytest.raises(MarketError, match="no opens on the far leg"):
        run(FORECAST, half, "next_open")
    gap = legs_of([0.1, 0.2, 0.4, 0.5], [1] * 4, spread_open=[0.1, 0.1, NAN, 0.45])
    np.testing.assert_allclose(run([0.9] * 4, gap, "next_open").gross, [0, 1000, 2000, 500], atol=1e-8)
    with pytest.raises(MarketError, match=r"P1 on 2019-01-03: an order waits but the near leg has no open"):
        run([0.9, 0.1, 0.9, 0.9], gap, "next_open")


@pytest.mark.parametrize(
    ("p_up", "change", "error", "says"),
    [
        ([0.5, 0.5], {}, MarketError, "one per session"),
        ([[]] * 7, {}, MarketError, "one per session"),
        ([0.5] * 6 + [1.5], {}, StudyError, r"outside \[0, 1\]"),
        (FORECAST, {"fill": "next_opne"}, StudyError, "did you mean 'next_open'"),
        (FORECAST, {"sizer": ProbabilitySizer(cap=1.0)}, StudyError, "reads scale, which is not given"),
        (
            FORECAST,
            {"sizer": ProbabilitySizer(cap=1.0), "learned": Learned(scale=np.array([0.1] * 6 + [NAN]))},
            StudyError,
            "P2 on 2019-01-07: a forecast but no scale",
        ),
        (
            FORECAST,
            {"sizer": ProbabilitySizer(cap=1.0), "learned": Learned(scale=np.zeros(7))},
            StudyError,
            "above zero",
        ),
        (
            FORECAST,
            {"sizer": NoTradeBand(SignSizer(), 1.0), "learned": Learned(expected_move=np.ones(3))},
            StudyError,
            "must broadcast",
        ),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused_with_a_remedy(
    p_up: list[float], change: dict[str, object], error: type[Exception], says: str
) -> None:
    asked: dict[str, object] = {
        "fill": "same_close",
        "costs": HALF_TICK,
        "limits": ONE,
        "sizer": SignSizer(),
    } | change
    sizer = asked.pop("sizer")
    with pytest.raises(error, match=says):
        backtest(np.array(p_up, dtype=float), TWO_PAIRS, sizer, **asked)  # type: ignore[arg-type]


def test_a_sizer_that_names_no_number_is_refused() -> None:
    class Lost:
        uses = ()

        def target(self, p_up: Floats, held: Floats, risk: object) -> Floats:
            return p_up * np.nan

    with pytest.raises(StudyError, match="not a number"):
        run(FORECAST, TWO_PAIRS, sizer=Lost())


def test_holding_on_is_not_rounded_again() -> None:
    assert 1 / 49 * 49 < 1  # so one lot out of 49, rounded toward zero again, would be lost
    result = backtest(
        np.array([0.8, 0.5, 0.5, 0.5]),
        legs_of([0.1, 0.2, 0.3, 0.4], [1] * 4),
        NoTradeBand(ProbabilitySizer(cap=1.0), multiple=1.0),
        fill="same_close",
        costs=HALF_TICK,
        limits=Limits(max_pairs=49, lots="toward_zero"),
        learned=Learned(scale=np.full(4, 9.8), expected_move=np.ones(4)),
    )
    np.testing.assert_array_equal(result.position, [1, 1, 1, 0])


# Properties over drawn legs, forecasts, sizers and fills.

SIZERS: tuple[Sizer, ...] = (
    SignSizer(),
    ProbabilitySizer(cap=0.8),
    NoTradeBand(SignSizer(), multiple=1.0),
    NoTradeBand(ProbabilitySizer(cap=1.0), multiple=0.5),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Legs, Floats, dict[str, object]]:
    """Legs of up to four pairs, forecasts of two models by three seeds, and settings."""
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = sum(lengths)
    pairs = [number for number, length in enumerate(lengths) for _ in range(length)]
    last = [sum(lengths[: number + 1]) - 1 for number in pairs]
    if draw(st.booleans()):  # the last pair goes on after the data end
        last = [day + 30 if pair == pairs[-1] else day for day, pair in zip(last, pairs, strict=True)]
    grid = rng.integers(-40, 40, (2, n)) * 0.005
    legs = legs_of(grid[0].tolist(), pairs, spread_open=grid[1].tolist(), flat_by=last)
    legs = replace(legs, fee=rng.choice([3.0, 5.0], n), tick=rng.choice([0.002, 0.005], n))
    p_up = rng.uniform(size=(2, 3, n))
    p_up[rng.random(p_up.shape) < 0.15] = NAN
    p_up[rng.random(p_up.shape) < 0.1] = 0.5
    ticks, fee = draw(st.sampled_from([0.0, 0.5, 1.0])), draw(st.sampled_from(["exchange", 0.0, 2.0]))
    most, lots = (
        draw(st.sampled_from([1, 7])),
        draw(st.sampled_from(["fractional", "nearest", "toward_zero"])),
    )
    scale, move = rng.uniform(0.05, 0.5, (2, 1, n)), rng.uniform(0.001, 0.05, n)
    terms = {
        "sizer": draw(st.sampled_from(SIZERS)),
        "fill": draw(st.sampled_from(FILLS)),
        "costs": Costs(slippage_ticks=ticks, fee=fee),
        "limits": Limits(max_pairs=most, lots=lots),
        "learned": Learned(scale=scale, expected_move=move),
    }
    return legs, p_up, terms


def trade_by_trade(result: Backtest, one: tuple[int, ...]) -> tuple[float, float]:
    """Money of one strategy before and after costs, from its round trips alone: first in, first out.

    Exact fractions; reads only the positions and the prices at which they changed, never the daily marks,
    except the last close for what is still open.
    """
    legs = result.legs
    at_open = result.fill == "next_open"
    near, far = (legs.near_open, legs.far_open) if at_open else (legs.near_close, legs.far_close)
    gross = paid = Fraction(0)
    before = Fraction(0)
    lots: list[tuple[Fraction, Fraction]] = []  # (pairs, entry spread), all of one sign
    for t in range(len(legs)):
        now = Fraction(float(result.position[one][t]))
        step = now - before
        price = Fraction(float(near[t])) - Fraction(float(far[t]))
        fee = Fraction(float(legs.fee[t])) if result.costs.fee == "exchange" else Fraction(result.costs.fee)
        slip = Fraction(result.costs.slippage_ticks) * Fraction(float(legs.tick[t])) * Fraction(MULTIPLIER)
        paid += 2 * abs(step) * (fee + slip)
        while lots and step * lots[0][0] < 0:
            pairs, entry = lots.pop(0)
            closed = pairs if abs(pairs) <= abs(step) else -step
            gross += closed * (price - entry) * Fraction(MULTIPLIER)
            step += closed
            if closed != pairs:
                lots.insert(0, (pairs - closed, entry))
        if step:
            lots.append((step, price))
        before = now
        ends = t + 1 == len(legs) or legs.pair[t + 1] != legs.pair[t]
        if ends and t + 1 < len(legs):
            assert not lots, "a pair was carried into the next"
    mark = Fraction(float(legs.near_close[-1])) - Fraction(float(legs.far_close[-1]))
    gross += sum((pairs * (mark - entry) * Fraction(MULTIPLIER) for pairs, entry in lots), Fraction(0))
    return float(gross), float(gross - paid)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_daily_account_equals_the_round_trips(case: tuple[Legs, Floats, dict[str, object]]) -> None:
    legs, p_up, terms = case
    result = backtest(p_up, legs, **terms)  # type: ignore[arg-type]
    for one in np.ndindex(2, 3):
        gross, net = trade_by_trade(result, one)
        rows = ledger(result, one)
        assert rows.schema == LEDGER
        assert rows["gross"].sum() == pytest.approx(gross, abs=1e-6)
        assert rows["net"].sum() == pytest.approx(net, abs=1e-6)
        assert (rows["points"] * MULTIPLIER).sum() == pytest.approx(gross, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_nothing_up_to_a_session_changes_when_what_follows_is_cut(
    case: tuple[Legs, Floats, dict[str, object]], data: st.DataObject
) -> None:
    legs, p_up, terms = case
    cut = data.draw(st.integers(1, len(legs)))
    columns = {name: getattr(legs, name)[:cut] for name in Legs.__slots__ if name != "product"}
    known = terms["learned"]
    assert isinstance(known, Learned)
    assert known.scale is not None
    assert known.expected_move is not None
    short = terms | {"learned": Learned(known.scale[..., :cut], known.expected_move[:cut])}
    whole = backtest(p_up, legs, **terms)  # type: ignore[arg-type]
    past = backtest(p_up[..., :cut], replace(legs, **columns), **short)  # type: ignore[arg-type]
    for name in ("target", "position", "gross", "cost", "net", "margin", "capital", "returns", "traded"):
        np.testing.assert_array_equal(getattr(past, name), getattr(whole, name)[..., :cut], err_msg=name)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_limits_hold_and_a_strategy_alone_equals_itself_in_the_batch(
    case: tuple[Legs, Floats, dict[str, object]],
) -> None:
    legs, p_up, terms = case
    result = backtest(p_up, legs, **terms)  # type: ignore[arg-type]
    limits = terms["limits"]
    assert isinstance(limits, Limits)
    assert (np.abs(result.position) <= limits.max_pairs).all()
    assert (result.position[..., legs.must_be_flat] == 0).all()
    assert (result.cost >= 0).all()
    assert (result.gross[..., legs.first] == 0).all() or terms["fill"] == "next_open"
    if limits.lots != "fractional":
        np.testing.assert_array_equal(result.position, np.round(result.position))
    known = terms["learned"]
    assert isinstance(known, Learned)
    assert known.scale is not None
    alone = terms | {"learned": Learned(known.scale[1, 0], known.expected_move)}
    single = backtest(p_up[1, 2], legs, **alone)  # type: ignore[arg-type]
    np.testing.assert_array_equal(single.position, result.position[1, 2])
    np.testing.assert_array_equal(single.net, result.net[1, 2])
    assert single.no_forecast == result.no_forecast[1, 2]


def test_results_cannot_be_changed_in_place() -> None:
    result = run(FORECAST, TWO_PAIRS)
    for name in ("p_up", "target", "position", "gross", "cost"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(result, name)[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        TWO_PAIRS.near_close[0] = 1.0
