"""Worlds: a scenario is a market, a zero shock is the base bit for bit, and prices move as theory says."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.errors import MarketError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, compute
from tenor.factor.panel import build_panel
from tenor.market.curve import Curve
from tenor.open_desk import open_desk
from tenor.pricing.bond import dv01
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.world import Scene, Worlds, shocked_market, worlds
from tenor.shock import parse_shift

TURN = date(2020, 3, 31)

WORDS = {
    "parallel": ("parallel=+10bp",),
    "key rate": ("7y=-4bp",),
    "funding": ("repo=+50bp",),
    "one rate": ("REPO.1M=+20bp",),
    "quarter end": ("quarter_end=+300bp",),
    "gap": ("price.T=-0.5",),
    "one leg gaps": ("price.T2006=+1%",),
    "volatility": ("volatility.T=x2",),
    "a bond gaps": ("price.SIM.10Y.2019-05=-0.4",),
    "everything": ("steepener=-8bp", "repo=-30bp", "quarter_end=+150bp", "price.T2003=0.2", "volatility.T2006=x1.5"),
}


@pytest.fixture(scope="module")
def scene(small_run) -> Scene:
    return open_desk(small_run.study, small_run.market, small_run.report.frozen, session=date(2020, 1, 10)).scene


def moves_of(scene: Scene, words: tuple[str, ...]) -> Moves:
    rates = tuple(scene.base.market.rates["name"].unique())
    return sum((parse_shift(word, rates=rates).moves(scene.base) for word in words), NOTHING)


def with_quoted_bonds(scene: Scene) -> Scene:
    """The scene in a market that quotes every second bond of the near basket, 5 bp above the curve."""
    base, leg = scene.base, scene.valued.pair.near
    bonds = leg.bonds[::2]
    clean = (scene.valued.value.near.priced.paid - leg.delivery.accrued)[-1, ::2] - 0.4
    rows = pl.DataFrame(
        {
            "date": [base.session] * len(bonds),
            "code": list(bonds),
            **{name: [None] * len(bonds) for name in ("open", "high", "low")},
            "close": clean,
            **{name: [None] * len(bonds) for name in ("settle", "volume", "open_interest")},
            "known_at": [base.moment] * len(bonds),
        },
        schema=base.market.quotes.schema,
    )
    market = replace(base.market, quotes=pl.concat([base.market.quotes, rows]))
    return replace(scene, base=replace(base, market=market), panel=panel_of(scene, market))


def panel_of(scene: Scene, market):
    panel = build_panel(
        market,
        scene.panel.product,
        scene.panel.span,
        [field for factor in scene.factors for field in factor.inputs],
        decision="close",
        warm_up=max(factor.lookback for factor in scene.factors) + scene.length,
        max_age_days=scene.base.max_age_days,
        valuation=scene.valuation,
    )
    assert panel is not None
    return panel


def assert_market_is_world(scene: Scene, moves: Moves) -> None:
    world = worlds(scene, (moves,))
    panel = panel_of(scene, shocked_market(scene, moves))
    assert panel.sessions[-1] == np.datetime64(scene.base.session)
    np.testing.assert_allclose(panel.fields[NEAR_CLOSE][-1], world.near[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(panel.fields[FAR_CLOSE][-1], world.far[1], rtol=0, atol=1e-12)
    rows = compute(scene.factors, panel.fields)[-scene.length :]
    np.testing.assert_allclose(world.rows[1], rows, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", WORDS)
def test_a_scenario_is_a_market(scene: Scene, name: str) -> None:
    assert_market_is_world(scene, moves_of(scene, WORDS[name]))


@pytest.mark.parametrize("name", ["parallel", "everything", "a bond gaps"])
def test_a_scenario_is_a_market_where_bonds_are_quoted_too(scene: Scene, name: str) -> None:
    quoted = with_quoted_bonds(scene)
    leg = quoted.valued.pair.near
    assert leg.quoted[-1, ::2].all()
    assert (leg.own_spread[-1, ::2] > 0.0003).all()
    assert_market_is_world(quoted, moves_of(quoted, WORDS[name]))


def test_a_path_with_a_missing_close_is_stretched_alike(small_run, scene: Scene) -> None:
    """On one day the near leg has no close, on another nothing at all: the panel counts neither."""
    gap, gone = date(2020, 1, 6), date(2020, 1, 8)
    near = (pl.col("code") == scene.base.near) & (pl.col("date") == gap)
    quotes = scene.base.market.quotes.with_columns(pl.when(~near).then(pl.col("close")).alias("close"))
    quotes = quotes.filter(~((pl.col("code") == scene.base.near) & (pl.col("date") == gone)))
    market = replace(scene.base.market, quotes=quotes)
    holed = replace(scene, base=replace(scene.base, market=market), panel=panel_of(scene, market))
    assert_market_is_world(holed, moves_of(holed, ("volatility.T=x2,sessions=5",)))


def test_a_shock_without_a_price_is_refused(scene: Scene) -> None:
    with pytest.raises(MarketError, match="scenario 1 has no fair price of T2003 or T2006"):
        worlds(scene, [Moves(curves={"CGB": dict.fromkeys(scene.base.tenors, -3.0)})])


def test_every_scenario_moves_a_factor(scene: Scene) -> None:
    """The comparison above would hold for scenarios that do nothing."""
    stack = worlds(scene, [moves_of(scene, words) for words in WORDS.values()])
    for at in range(1, len(stack)):
        assert not np.array_equal(stack.rows[at], stack.rows[0], equal_nan=True)


def test_nothing_returns_the_market_itself(scene: Scene) -> None:
    assert shocked_market(scene, NOTHING) is scene.base.market


def assert_same(stack: Worlds, at: int) -> None:
    for values in (stack.curve, stack.funding, stack.near, stack.far, stack.rows, stack.value.near.priced.paid):
        np.testing.assert_array_equal(values[at], values[0])
    for name in ("gross", "carry", "net", "irr"):
        for leg in (stack.value.near, stack.value.far):
            np.testing.assert_array_equal(getattr(leg, name)[at], getattr(leg, name)[0])


@given(count=st.integers(0, 40), place=st.integers(0, 40), seed=st.integers(0, 2**32 - 1))
def test_a_zero_shock_is_the_base_bit_for_bit_wherever_it_stands(
    scene: Scene, count: int, place: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    moves = [
        Moves(
            curves={"CGB": dict(zip(scene.base.tenors, rng.normal(0, 0.002, 7).tolist(), strict=True))},
            rates={name: float(rng.normal(0, 0.003)) for name in scene.base.funding},
            nights={TURN: float(rng.uniform(0, 0.05))},
            prices={"T2003": float(rng.normal())},
            volatility={"T2003": float(rng.normal(0, 0.3))},
            sessions={"T2003": 5},
        )
        for _ in range(count)
    ]
    zero = Moves(curves={"CGB": {10.0: 0.0}}, rates={"REPO.1W": 0.0})
    place = min(place, count)
    moves.insert(place, zero)
    assert_same(worlds(scene, moves), place + 1)


def test_the_base_is_what_the_study_saw(scene: Scene) -> None:
    stack = worlds(scene, ())
    rows = compute(scene.factors, scene.panel.fields)[-scene.length :]
    np.testing.assert_array_equal(stack.rows[0], rows)
    assert stack.near[0] == scene.panel.fields[NEAR_CLOSE][-1]


def test_key_rates_add_up_to_the_parallel_move(scene: Scene) -> None:
    keys = [moves_of(scene, (f"{years:g}y=+10bp",)) for years in scene.base.tenors]
    stack = worlds(scene, [*keys, moves_of(scene, ("parallel=+10bp",))])
    for leg in (stack.value.near, stack.value.far):
        change = leg.priced.leg.off(Curve("CGB", np.array(scene.valuation.tenors), stack.curve[:, None, :]))
        there = np.isfinite(change[0, 0])
        yields = leg.priced.yields - leg.priced.yields[:1]
        np.testing.assert_allclose(yields[1:-1, 0, there].sum(axis=0), yields[-1, 0, there], rtol=2e-4)
        assert (yields[1:-1, 0, there] >= 0).all()


def test_richness_is_kept(scene: Scene) -> None:
    stack = worlds(scene, [moves_of(scene, WORDS["everything"][:3])])
    for price, leg in ((stack.near, stack.value.near), (stack.far, stack.value.far)):
        rich = price - leg.priced.fair.price[:, 0]
        assert rich[1] == pytest.approx(rich[0], abs=1e-12)


def test_a_small_parallel_shift_earns_the_forward_dv01_over_the_factor(scene: Scene) -> None:
    stack = worlds(scene, [moves_of(scene, ("parallel=+0.1bp",))])
    for price, leg in ((stack.near, stack.value.near), (stack.far, stack.value.far)):
        priced, at = leg.priced, int(leg.priced.fair.cheapest[0, 0])
        delivery = priced.leg.delivery
        terms = delivery.basket
        of_bond = dv01(
            priced.yields[0, 0, at], terms.coupon[at], terms.frequency[at], terms.maturity[at], delivery.on[0]
        )
        # the curve moves in annual yields, the bond pays twice a year: d(y2) = (1 + y1)**(1/2 - 1) d(y1)
        of_bond *= (1 + priced.yields[0, 0, at] / terms.frequency[at]) ** (1 - terms.frequency[at])
        growth = 1 + priced.repo[0, 0] * delivery.days[0] / 365
        assert price[1] - price[0] == pytest.approx(-0.1 * of_bond * growth / terms.factor[at], rel=2e-4)


def test_dear_funding_lifts_both_prices_and_lowers_the_spread_by_price_times_rate_times_time(scene: Scene) -> None:
    stack = worlds(scene, [moves_of(scene, ("repo=+10bp",))])
    near, far = (leg.priced.leg.delivery.days[0] for leg in (stack.value.near, stack.value.far))
    assert stack.near[1] > stack.near[0]
    assert stack.spread[1] - stack.spread[0] == pytest.approx(-stack.near[0] * 0.001 * (far - near) / 365, rel=0.05)


def test_a_turn_after_the_near_delivery_is_paid_by_the_far_leg_alone(scene: Scene) -> None:
    """T2003 is delivered on 17 March, before the night of 31 March."""
    stack = worlds(scene, [moves_of(scene, ("quarter_end=+300bp,half_life_days=0",))])
    assert stack.near[1] == pytest.approx(stack.near[0], abs=1e-12)
    days = stack.value.far.priced.leg.delivery.days[0]
    assert stack.value.far.priced.repo[1, 0] - stack.value.far.priced.repo[0, 0] == pytest.approx(0.03 / days, rel=1e-9)


@given(first=st.floats(-60, 60), second=st.floats(-60, 60))
def test_prices_fall_as_yields_rise(scene: Scene, first: float, second: float) -> None:
    low, high = sorted((round(first, 2), round(second, 2)))
    if low == high:
        return
    stack = worlds(scene, [moves_of(scene, (f"parallel={low}bp",)), moves_of(scene, (f"parallel={high}bp",))])
    assert stack.near[1] > stack.near[2]
    assert stack.far[1] > stack.far[2]


def test_small_shocks_add_up_and_their_order_does_not_matter(scene: Scene) -> None:
    one, two = moves_of(scene, ("parallel=+0.2bp",)), moves_of(scene, ("repo=+1bp",))
    stack = worlds(scene, [one, two, one + two, two + one])
    change = stack.spread - stack.spread[0]
    assert change[3] == pytest.approx(change[1] + change[2], rel=1e-3)
    np.testing.assert_array_equal(stack.rows[3], stack.rows[4])


def test_low_yields_make_a_short_bond_the_cheapest_and_high_yields_a_long_one(scene: Scene) -> None:
    stack = worlds(scene, [moves_of(scene, (f"parallel={size}bp",)) for size in (-400, 400)])
    life = stack.value.near.life[:, 0]
    lives = stack.value.near.priced.leg.delivery.life[0][stack.value.near.priced.leg.deliverable[0]]
    assert life[1] == lives.min()
    assert life[2] == lives.max()
    assert stack.value.near.priced.fair.cheapest[1, 0] != stack.value.near.priced.fair.cheapest[2, 0]


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        (Moves(curves={"CGB": {9.0: 0.001}}), r"no points \[9.0\] to move; it has \[1.0"),
        (Moves(curves={"UST": {10.0: 0.001}}), "the curves are"),
        (Moves(rates={"LIBOR": 0.001}), r"no rates \['LIBOR'\] to move; the market has"),
        (Moves(prices={"T2012": 1.0}), "the pair is T2003 against T2006, and their deliverable bonds"),
        (Moves(nights={date(2019, 12, 31): 0.01}), "is over on 2020-01-10"),
    ],
)
def test_a_move_of_what_is_not_there_is_refused(scene: Scene, moves: Moves, said: str) -> None:
    with pytest.raises(MarketError, match=said):
        worlds(scene, [moves])


def test_a_scenario_is_no_place_to_start_from(scene: Scene) -> None:
    shocked = shocked_market(scene, moves_of(scene, WORDS["quarter end"]))
    with pytest.raises(MarketError, match="scenario already"):
        replace(scene, base=replace(scene.base, market=shocked))
