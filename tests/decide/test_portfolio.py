"""Portfolios across names: tables by hand, a slow reference, and what must hold whatever is drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenor.decide.book import Book
from tenor.decide.portfolio import (
    ByProbability,
    BySign,
    LongShort,
    PortfolioLimits,
    PortfolioResult,
    StockCosts,
    TopK,
    trade,
)
from tenor.errors import StudyError
from tenor.units import Floats

FREE = StockCosts(commission=0.0, slippage=0.0, sell_tax=0.0, borrow=0.0)
WIDE = PortfolioLimits(gross=1.0, name=1.0)


def book(close: Any, opened: Any = None, **more: Any) -> Book:
    """A book of closes ``(session, name)``; opens halfway from the close before where none are given."""
    close = np.asarray(close, np.float64)
    count, names = close.shape
    if opened is None:
        before = np.vstack([close[:1], close[:-1]])
        opened = (before + close) / 2.0
    quoted = np.isfinite(np.asarray(opened, np.float64))
    settled = {
        "codes": tuple(f"N{at}" for at in range(names)),
        "sessions": np.datetime64("2023-08-21", "D") + np.arange(count),
        "open": np.asarray(opened, np.float64),
        "close": close,
        "can_buy": quoted,
        "can_sell": quoted,
        "can_buy_open": quoted,
        "can_sell_open": quoted,
        "last": np.full(names, float(count)),
        "benchmark": np.zeros(count),
        **more,
    }
    return Book(**settled)


def traded(up: Any, held: Book, rule: Any, **more: Any) -> PortfolioResult:
    said = np.asarray(up, np.float64)
    said = said[None] if said.ndim == 2 else said
    given_ = {"fill": "same_close", "costs": FREE, "limits": WIDE, "haircut": 0.0, "sessions_per_year": 252, **more}
    return trade(said, np.full(said.shape, 0.1), held, rule, **given_)


def test_one_name_by_sign_earns_its_return_with_the_fill_that_was_asked() -> None:
    """Long after the first close. Closes 100, 110, 99; opens 100, 104, 108."""
    held = book([[100.0], [110.0], [99.0]], [[100.0], [104.0], [108.0]])
    up = [[0.6], [0.6], [0.6]]
    at_close = traded(up, held, BySign(), fill="same_close").gross[0]
    np.testing.assert_allclose(at_close, [0.0, 0.1, -0.1])
    at_open = traded(up, held, BySign(), fill="next_open").gross[0]
    # night and day compound: a whole session that nothing was traded in earns the same whatever the fill
    np.testing.assert_allclose(at_open, [0.0, 110 / 104 - 1, -0.1])
    later = traded(up, held, BySign(), fill="next_close").gross[0]
    np.testing.assert_allclose(later, [0.0, 0.0, -0.1])


def test_costs_are_charged_on_what_is_traded_and_tax_on_what_is_sold() -> None:
    held = book([[100.0], [100.0], [100.0]])
    costs = StockCosts(commission=0.001, slippage=0.002, sell_tax=0.01, borrow=0.0)
    result = traded([[0.6], [0.4], [np.nan]], held, BySign(), costs=costs)
    # buys one, sells two, buys one back
    np.testing.assert_allclose(result.turnover[0], [1.0, 2.0, 1.0])
    np.testing.assert_allclose(-result.net[0], [0.003, 2 * 0.003 + 2 * 0.01, 0.003])


def test_the_stamp_duty_of_shanghai_was_halved_on_its_day() -> None:
    held = book(np.full((8, 1), 100.0))
    assert held.sessions[7] == np.datetime64("2023-08-28")
    rates = StockCosts(commission=0.0, slippage=0.0, sell_tax="XSHG", borrow=0.0).taxes(held)
    np.testing.assert_array_equal(rates, [0.001] * 7 + [0.0005])


def test_shorts_pay_for_what_they_borrow() -> None:
    held = book(np.full((3, 1), 100.0))
    result = traded(np.full((3, 1), 0.4), held, BySign(), costs=replace(FREE, borrow=0.0252))
    np.testing.assert_allclose(result.net[0], [0.0, -0.0001, -0.0001])


def test_what_is_traded_at_the_open_is_a_part_of_the_equity_of_the_open() -> None:
    """Long over a night that gains a tenth, then short over a day that loses a tenth: 0.1 + 1.1 * 0.1, less fees."""
    held = book([[100.0], [100.0], [99.0]], [[100.0], [100.0], [110.0]])
    result = traded([[0.6], [0.4], [np.nan]], held, BySign(), fill="next_open", costs=replace(FREE, commission=0.01))
    np.testing.assert_allclose(result.gross[0], [0.0, 0.0, 0.1 + 1.1 * 0.1])
    np.testing.assert_allclose(result.gross[0] - result.net[0], [0.0, 0.01, 1.1 * 0.02])


def test_names_that_are_told_the_same_share_the_places_that_are_left() -> None:
    up = np.array([[0.9, 0.6, 0.6, 0.6, 0.5, 0.5, 0.5, 0.2]])
    weights = LongShort(share=0.25).targets(up, up, np.zeros_like(up), 1.0)
    third = 0.25 / 3
    np.testing.assert_allclose(weights, [[0.25, third, third, third, -third, -third, -third, -0.25]])
    same = np.full((1, 6), 0.507)
    assert not LongShort(share=0.25).targets(same, same, np.zeros_like(same), 1.0).any()


def test_where_all_are_told_the_same_the_best_are_nobody_and_what_is_held_stays() -> None:
    same, held = np.array([[0.5, 0.5, 0.5, np.nan]]), np.array([[0.4, 0.0, 0.0, 0.6]])
    np.testing.assert_array_equal(TopK(names=2, drop=1).targets(same, same, held, 1.0), [[0.4, 0.0, 0.0, 0.0]])
    assert not TopK(names=2, drop=1).targets(same, same, np.zeros_like(held), 1.0).any()


def test_ties_are_not_broken_by_the_alphabet() -> None:
    up = np.where(np.arange(40) % 2, 0.6, 0.4)[None]
    chosen = np.flatnonzero(TopK(names=10, drop=1).targets(up, up, np.zeros_like(up), 1.0)[0])
    assert len(chosen) == 10
    assert (up[0, chosen] == 0.6).all()
    assert chosen.tolist() != list(range(1, 20, 2))


def test_both_ends_of_a_ranking_share_the_exposure() -> None:
    up = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, np.nan, 0.2]])
    weights = LongShort(share=0.25).targets(up, up, np.zeros_like(up), 1.0)
    np.testing.assert_allclose(weights, [[0.25, 0.25, 0, 0, 0, -0.25, 0, -0.25]])
    alone = LongShort().targets(np.array([[0.9, np.nan]]), up[:, :2], np.zeros((1, 2)), 1.0)
    assert not alone.any()


def test_the_best_are_held_and_only_so_many_leave() -> None:
    rule = TopK(names=3, drop=1)
    first = rule.targets(np.array([[0.9, 0.8, 0.7, 0.1, 0.2]]), np.zeros((1, 5)), np.zeros((1, 5)), 1.0)
    np.testing.assert_allclose(first, [[1 / 3, 1 / 3, 1 / 3, 0, 0]])
    turned = np.array([[0.1, 0.2, 0.7, 0.9, 0.8]])
    second = rule.targets(turned, np.zeros((1, 5)), first, 1.0)
    np.testing.assert_allclose(second, [[0, 1 / 3, 1 / 3, 1 / 3, 0]])  # the lowest leaves for the highest
    gone = rule.targets(np.array([[np.nan, 0.2, 0.7, 0.1, 0.0]]), np.zeros((1, 5)), first, 1.0)
    np.testing.assert_allclose(gone, [[0, 1 / 3, 1 / 3, 1 / 3, 0]])  # who may not be held leaves beside the drop


def test_who_was_held_up_does_not_stay_beside_the_others() -> None:
    """Four are held where three may be, as after a halt: the lowest leaves; a crumb is not held at all."""
    rule = TopK(names=3, drop=1)
    up = np.array([[0.9, 0.8, 0.7, 0.6, 0.1]])
    four = np.array([[0.3, 0.3, 0.2, 0.2, 0.0]])
    np.testing.assert_allclose(rule.targets(up, np.zeros((1, 5)), four, 1.0), [[0.3, 0.3, 0.2, 0.0, 0.0]])
    crumb = np.array([[0.5, 0.48, 0.0, 0.0, 0.02]])
    np.testing.assert_allclose(rule.targets(up, np.zeros((1, 5)), crumb, 1.0), [[0.5, 0.48, 0.02, 0.0, 0.0]])


@pytest.mark.parametrize("fill", ["same_close", "next_open", "next_close"])
def test_nothing_is_bought_at_the_last_close_of_a_name(fill: str) -> None:
    opened = np.where(np.arange(12).reshape(6, 2) % 2 * np.arange(6)[:, None] > 2, np.nan, 100.0)
    held = book(np.full((6, 2), 100.0), opened, last=np.array([6.0, 2.0]))
    up = [[0.6, 0.6]] * 3 + [[0.6, np.nan]] * 3
    result = traded(up, held, BySign(), fill=fill, haircut=0.3)
    np.testing.assert_allclose(result.names[0, 2:], 1.0)
    np.testing.assert_allclose(result.net[0].sum(), -0.15)  # half of it was in the name, once


def test_conviction_is_measured_on_the_scale_and_cut_at_one() -> None:
    up, scale = np.array([[0.55, 0.7, 0.45, np.nan]]), np.full((1, 4), 0.1)
    both = ByProbability().targets(up, scale, np.zeros((1, 4)), 1.0)
    np.testing.assert_allclose(both, [[0.5 / 3, 1 / 3, -0.5 / 3, 0]])
    long = ByProbability(side="long").targets(up, scale, np.zeros((1, 4)), 1.0)
    np.testing.assert_allclose(long, [[0.5 / 3, 1 / 3, 0, 0]])


def test_what_cannot_be_traded_keeps_its_weight_and_is_counted() -> None:
    """The second name is halted on the second session, when everything should be sold."""
    opened = [[100.0, 100.0], [100.0, np.nan], [100.0, 100.0]]
    held = book(np.full((3, 2), 100.0), opened)
    up = [[0.6, 0.6], [0.4, 0.4], [0.4, 0.4]]
    result = traded(up, held, BySign(side="long"))
    np.testing.assert_allclose(result.exposure[0], [1.0, 0.5, 0.0])
    np.testing.assert_allclose(result.refused[0], [0.0, 0.5, 0.0])
    np.testing.assert_allclose(result.turnover[0], [1.0, 0.5, 0.5])


def test_nobody_buys_at_the_upper_limit_nor_sells_at_the_lower() -> None:
    can_buy = np.array([[True, True], [False, True], [True, True]])
    up = [[0.4, 0.4], [0.6, 0.6], [0.6, 0.6]]
    held = book(np.full((3, 2), 100.0), can_buy=can_buy)
    result = traded(up, held, BySign(side="long"))
    np.testing.assert_allclose(result.exposure[0], [0.0, 0.5, 1.0])
    at_open = book(np.full((3, 2), 100.0), can_buy_open=can_buy)
    np.testing.assert_allclose(traded(up, at_open, BySign(side="long")).exposure[0], [0.0, 1.0, 1.0])
    late = traded([[0.6, 0.6]] * 3, at_open, BySign(side="long"), fill="next_open")
    np.testing.assert_allclose(late.exposure[0], [0.0, 0.5, 1.0])


def test_a_name_that_is_gone_leaves_with_a_haircut() -> None:
    held = book(np.full((4, 2), 100.0), last=np.array([4.0, 2.0]))
    result = traded([[0.6, 0.6], [0.6, 0.6], [0.6, np.nan], [0.6, np.nan]], held, BySign(), haircut=0.3)
    np.testing.assert_allclose(result.net[0], [0.0, 0.0, -0.15, 0.0])


def test_limits_bind_names_gross_and_turnover() -> None:
    held = book(np.full((3, 4), 100.0))
    up = np.full((3, 4), 0.6)
    narrow = traded(up, held, BySign(), limits=PortfolioLimits(gross=1.0, name=0.1))
    np.testing.assert_allclose(narrow.exposure[0], 0.4)
    slow = traded(up, held, BySign(), limits=PortfolioLimits(gross=1.0, name=1.0, turnover=0.4))
    np.testing.assert_allclose(slow.turnover[0], [0.4, 0.4, 0.2])
    np.testing.assert_allclose(slow.exposure[0], [0.4, 0.8, 1.0])


def test_forecasts_of_another_shape_are_refused() -> None:
    with pytest.raises(StudyError, match=r"shape \(1, 2, 1\).*the book has 3 sessions of 1 names"):
        traded(np.full((2, 1), 0.6), book(np.full((3, 1), 100.0)), BySign())


RULES = (LongShort(share=0.3), TopK(names=2, drop=1), ByProbability(), BySign(), BySign(side="long"))


def drawn(seed: int, names: int = 5, sessions: int = 12) -> tuple[Floats, Book]:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.03, (sessions, names)), axis=0))
    opened = close * np.exp(rng.normal(0, 0.01, close.shape))
    up = rng.uniform(0.3, 0.7, (2, sessions, names))
    up[rng.uniform(size=up.shape) < 0.1] = np.nan
    return up, book(close, opened)


def slowly(up: Floats, held: Book, rule: Any, costs: StockCosts, gross: float) -> tuple[list[float], list[float]]:
    """The same-close backtest of one seed in money: shares are held, marked, and exchanged for the target's."""
    money_before, money_after, shares = [], [], np.zeros(up.shape[1])
    for t in range(len(up)):
        earned = 0.0
        if t:
            earned = float(shares @ (held.close[t] - held.close[t - 1]))
        equity = 1.0 + earned
        weights = shares * held.close[t] / equity
        target = rule.targets(up[None, t], np.full((1, up.shape[1]), 0.1), weights[None], gross)[0]
        size = np.abs(target).sum()
        target = target * min(1.0, gross / size) if size else target
        move = target - weights
        fee = (costs.commission + costs.slippage) * np.abs(move).sum() + costs.sell_tax * np.maximum(-move, 0).sum()
        money_before.append(earned)
        money_after.append(earned - fee)
        shares = target / held.close[t]  # gains are taken out: equity is 1 again
    return money_before, money_after


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), rule=st.sampled_from(RULES))
def test_it_is_what_a_slow_bookkeeper_finds(seed: int, rule: Any) -> None:
    up, held = drawn(seed)
    costs = StockCosts(commission=0.001, slippage=0.001, sell_tax=0.002, borrow=0.0)
    result = traded(up, held, rule, costs=costs)
    for number in range(2):
        before, after = slowly(up[number], held, rule, costs, 1.0)
        np.testing.assert_allclose(result.gross[number], before, atol=1e-12)
        np.testing.assert_allclose(result.net[number], after, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), rule=st.sampled_from(RULES), fill=st.sampled_from(["same_close", "next_open"]))
def test_dearer_is_never_better_and_costs_change_no_trade(seed: int, rule: Any, fill: str) -> None:
    up, held = drawn(seed)
    cheap = traded(up, held, rule, fill=fill, costs=replace(FREE, commission=0.001))
    dear = traded(up, held, rule, fill=fill, costs=replace(FREE, commission=0.002, borrow=0.05))
    assert (dear.net <= cheap.net + 1e-15).all()
    np.testing.assert_array_equal(dear.turnover, cheap.turnover)
    np.testing.assert_array_equal(dear.gross, cheap.gross)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), rule=st.sampled_from((LongShort(share=0.3), ByProbability(), BySign())))
def test_the_order_of_names_changes_nothing(seed: int, rule: Any) -> None:
    up, held = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(held.codes))
    arrays = {
        name: getattr(held, name)[:, order]
        for name in ("open", "close", "can_buy", "can_sell", "can_buy_open", "can_sell_open")
    }
    turned = replace(held, codes=tuple(held.codes[at] for at in order), last=held.last[order], **arrays)
    np.testing.assert_allclose(traded(up[:, :, order], turned, rule).net, traded(up, held, rule).net, atol=1e-12)


@pytest.mark.parametrize("fill", ["same_close", "next_open", "next_close"])
def test_who_says_nothing_earns_and_pays_nothing(fill: str) -> None:
    _, held = drawn(1)
    result = traded(np.full((12, 5), 0.5), held, ByProbability(), fill=fill, costs=replace(FREE, commission=0.01))
    assert not result.net.any()
    assert not result.turnover.any()


def test_everything_equally_weighted_each_day_earns_the_mean_return() -> None:
    _, held = drawn(2)
    result = traded(np.full((12, 5), 0.6), held, BySign(side="long"))
    mean = (held.close[1:] / held.close[:-1] - 1.0).mean(axis=1)
    np.testing.assert_allclose(result.gross[0, 1:], mean, atol=1e-12)


def test_rules_say_what_they_are() -> None:
    names = [rule.name for rule in (*RULES, ByProbability(side="long"))]
    assert len(set(names)) == len(names)
