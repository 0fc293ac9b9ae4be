"""What legs are worth: against the worked values, with quoted bonds, nights, and what is missing."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError, StudyError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Field
from tenor.factor.panel import build_panel
from tenor.factor.valuation import (
    LEG_VALUES,
    PAIR_VALUES,
    Leg,
    Valuation,
    is_valued,
    known_nights,
    read_off,
    value_pair,
)
from tenor.market.contract import CalendarSpread, Contract, front_pairs, product
from tenor.market.curve import Curve
from tenor.market.market import BONDS, CURVE, DELIVERABLES, QUOTES, RATES, Market
from tenor.pricing.basket import KnownBasket
from tenor.pricing.bond import clean_from_yield
from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.delivery import Basket, deliver

T = product("T")
PAIR = CalendarSpread.parse("T1903-T1906")
DAY = date(2018, 12, 10)
NOON = datetime(2018, 12, 10, 4, tzinfo=UTC)
EARLY = datetime(2018, 6, 1, tzinfo=UTC)
MOMENT = np.array(["2018-12-10T07:15"], "datetime64[us]")
SESSIONS = np.array([DAY], "datetime64[D]")
VALUATION = Valuation("CGB", (1.0, 10.0), {"REPO.1M": 30, "REPO.1Y": 365}, "published")

BONDS_LIST = {
    "180011": (0.0369, 2, date(2028, 5, 17)),
    "170018": (0.0359, 2, date(2027, 8, 3)),
    "160010": (0.0290, 2, date(2026, 5, 5)),
}


def deliverables(contract: str, known: datetime = EARLY) -> pl.DataFrame:
    month = np.datetime64(f"20{contract[1:3]}-{contract[3:]}-01")
    rows = [
        (contract, bond, float(conversion_factor(c, f, np.datetime64(m), month)), known)
        for bond, (c, f, m) in BONDS_LIST.items()
    ]
    return pl.DataFrame(rows, schema=DELIVERABLES, orient="row")


def market(**changes: pl.DataFrame) -> Market:
    """A flat curve of 3.30 %, a flat repo of 2.60 %, T1903 at 97.5 and T1906 at 97.3."""
    tables = {
        "quotes": pl.DataFrame(
            [(DAY, "T1903", 97.5, MOMENT[0].item()), (DAY, "T1906", 97.3, MOMENT[0].item())],
            schema=["date", "code", "close", "known_at"],
            orient="row",
        )
        .with_columns(pl.col("known_at").dt.replace_time_zone("UTC"))
        .select(
            pl.col(name).cast(kind) if name in ("date", "code", "close", "known_at") else pl.lit(None, kind).alias(name)
            for name, kind in QUOTES.items()
        ),
        "curve": pl.DataFrame([(DAY, "CGB", t, 0.033, NOON) for t in (1.0, 10.0)], schema=CURVE, orient="row"),
        "rates": pl.DataFrame([(DAY, n, 0.026, NOON) for n in ("REPO.1M", "REPO.1Y")], schema=RATES, orient="row"),
        "bonds": pl.DataFrame([(b, *terms, EARLY) for b, terms in BONDS_LIST.items()], schema=BONDS, orient="row"),
        "deliverables": pl.concat([deliverables("T1903"), deliverables("T1906")]),
        **changes,
    }
    return Market(name="by hand", simulated=False, **tables)


def fields(rate: float = 0.033, repo: float = 0.026) -> dict[Field, np.ndarray]:
    found = {NEAR_CLOSE: np.array([97.5]), FAR_CLOSE: np.array([97.3])}
    for field in VALUATION.inputs:
        found[field] = np.array([rate if field.table == "curve" else repo])
    return found


def value(held: Market, valuation: Valuation = VALUATION, **given: float):
    return value_pair(held, T, PAIR, SESSIONS, MOMENT, fields(**given), valuation)


def test_the_worked_values_of_t1903() -> None:
    near = value(market()).value.near
    assert near.priced.leg.bonds[near.priced.fair.cheapest[0]] == "180011"
    assert near.clean[0] == pytest.approx(103.138633, abs=5e-7)
    assert near.gross[0] == pytest.approx(0.285883, abs=5e-7)
    assert near.carry[0] == pytest.approx(0.260342, abs=5e-7)
    assert near.net[0] == pytest.approx(0.025540, abs=1e-6)
    assert near.irr[0] == pytest.approx(0.02501978, abs=5e-9)


def test_series_have_the_names_that_factors_read() -> None:
    found = value(market()).fields
    names = [Field(leg, name) for leg in ("near", "far") for name in LEG_VALUES]
    assert sorted(found) == sorted([*names, *(Field("pair", name) for name in PAIR_VALUES)])
    assert all(is_valued(field) for field in found)
    assert not is_valued(NEAR_CLOSE)
    assert not is_valued(Field("pair", "days_to_last_trading"))
    assert found[Field("near", "irr_less_funding")][0] == pytest.approx(0.02501978 - 0.026, abs=1e-8)
    assert found[Field("pair", "same_ctd")][0] == 1.0


def test_the_forward_funding_of_a_flat_repo_compounds_over_the_first_term() -> None:
    found = value(market()).value
    days = found.near.priced.leg.delivery.days[0], found.far.priced.leg.delivery.days[0]
    growth = (1 + 0.026 * days[1] / 365) / (1 + 0.026 * days[0] / 365)
    assert found.forward_funding[0] == pytest.approx((growth - 1) * 365 / (days[1] - days[0]), abs=1e-12)


def quote_of(bond: str, clean: float) -> pl.DataFrame:
    row = market().quotes[:1]
    return row.with_columns(pl.lit(bond).alias("code"), pl.lit(clean).alias("close"))


def test_a_quoted_bond_is_priced_at_its_quote_and_keeps_its_spread_to_the_curve() -> None:
    terms = BONDS_LIST["180011"]
    clean = float(clean_from_yield(0.0345, terms[0], terms[1], np.datetime64(terms[2]), np.datetime64(DAY)))
    held = market(quotes=pl.concat([market().quotes, quote_of("180011", clean)]))
    leg = value(held).pair.near
    at = leg.bonds.index("180011")
    np.testing.assert_array_equal(leg.quoted[0], [bond == "180011" for bond in leg.bonds])
    assert leg.own_spread[0, at] == pytest.approx(0.0345 - 0.033, abs=1e-10)
    assert (np.delete(leg.own_spread[0], at) == 0).all()
    shifted = value(held, rate=0.034).value.near.priced
    # the spread is learnt against the curve that is handed in, so the quoted bond stays at its quote
    assert shifted.yields[0, at] == pytest.approx(0.0345, abs=1e-10)


def test_an_annual_curve_is_read_at_the_frequency_of_the_bond() -> None:
    curve = Curve("CGB", np.array([1.0, 10.0]), np.array([0.03, 0.03]))
    read = read_off(curve, np.array([5.0, 5.0]), np.array([1, 2]), annual=True)
    assert read[0] == pytest.approx(0.03)
    assert (1 + read[1] / 2) ** 2 == pytest.approx(1.03)
    np.testing.assert_array_equal(read_off(curve, np.array([5.0]), np.array([2]), annual=False), [0.03])
    yearly = value(market(), replace(VALUATION, compounding="annual")).value.near
    assert yearly.clean[0] > value(market()).value.near.clean[0]


def test_a_bond_that_is_announced_later_is_not_in_the_basket_yet() -> None:
    late = deliverables("T1903").with_columns(
        pl.when(pl.col("bond") == "180011")
        .then(NOON + timedelta(days=1))
        .otherwise(pl.col("known_at"))
        .alias("known_at")
    )
    near = value(market(deliverables=pl.concat([late, deliverables("T1906")]))).value.near
    assert near.priced.leg.bonds[near.priced.fair.cheapest[0]] != "180011"


def test_a_basket_that_is_not_known_yet_is_unknown_and_whoever_needs_it_is_told() -> None:
    late = market(deliverables=pl.concat([deliverables("T1903", NOON + timedelta(days=1)), deliverables("T1906")]))
    found = value(late)
    assert np.isnan([values[0] for field, values in found.fields.items() if field.table != "far"]).all()
    assert np.isfinite(found.fields[Field("far", "irr")][0])
    with pytest.raises(MarketError, match=r"basket of T1903 is empty on 2018-12-10: .* known from 2018-12-11 on"):
        found.pair.near.require(late)
    found.pair.far.require(late)


def test_before_a_list_is_published_its_contract_is_as_if_it_had_none() -> None:
    """What is said of a session is the same whether the market already holds the later list or not."""
    late = market(deliverables=pl.concat([deliverables("T1903"), deliverables("T1906", NOON + timedelta(days=1))]))
    whole, part = value(late).fields, value(late.known_at(NOON)).fields
    for field in whole:
        np.testing.assert_array_equal(whole[field], part[field])
    assert np.isfinite(whole[Field("near", "irr")][0])
    with pytest.raises(MarketError, match="no basket of 'T1906' in 'by hand'; it has those of \\['T1903'\\]"):
        value(late.known_at(NOON)).pair.far.require(late.known_at(NOON))


def test_where_no_cheapest_bond_is_known_nothing_is_said_of_whether_the_legs_share_it() -> None:
    far_alone = market(deliverables=deliverables("T1906"))
    assert np.isnan(value(far_alone).fields[Field("pair", "same_ctd")][0])
    assert np.isnan(value(market(), rate=float("nan")).fields[Field("pair", "same_ctd")][0])


def test_one_bond_has_no_distance_to_a_second() -> None:
    one = deliverables("T1903").filter(pl.col("bond") == "180011")
    found = value(market(deliverables=pl.concat([one, deliverables("T1906")])))
    assert np.isinf(found.value.near.priced.fair.switch_distance[0])
    assert np.isnan(found.fields[Field("near", "switch_distance")][0])


def test_a_thirty_year_bond_is_on_a_curve_of_thirty_years_from_the_day_of_its_issue() -> None:
    curve = Curve("CGB", np.array([1.0, 30.0]), np.array([[0.02, 0.03], [0.02, 0.03]]))
    basket = Basket(
        "TL2309", ("230023",), np.array([0.03]), np.array([2]), np.array(["2053-10-15"], "M8[D]"), np.ones(1)
    )
    days = np.array(["2023-09-01", "2023-10-15"], "M8[D]")
    known = KnownBasket(basket, np.array(["2023-10-15"], "M8[us]"), stand_in=False)
    delivery = deliver(basket, days, date(2023, 12, 12))
    assert delivery.life[1, 0] == 30.0
    none = np.zeros((2, 1))
    leg = Leg(Contract.parse("TL2312"), known, delivery, known.deliverable(days.astype("M8[us]")), none, none > 0)
    np.testing.assert_array_equal(leg.off(curve), [[np.nan], [0.03]])


def test_a_curve_too_short_for_a_bond_is_refused() -> None:
    short = replace(VALUATION, tenors=(1.0, 5.0))
    given = {**fields(), Field("curve", "CGB:5"): np.array([0.033])}
    with pytest.raises(MarketError, match="ends at 5 y"):
        value_pair(market(), T, PAIR, SESSIONS, MOMENT, given, short)


def test_nights_are_those_that_are_known_and_ahead() -> None:
    rows = [
        (DAY, "NIGHT.2018-12-31", 0.02, NOON),
        (DAY, "NIGHT.2018-12-09", 0.05, NOON),
        (DAY, "NIGHT.2019-03-31", 0.01, NOON + timedelta(days=1)),
    ]
    held = market(rates=pl.concat([market().rates, pl.DataFrame(rows, schema=RATES, orient="row")]))
    found = known_nights(held, SESSIONS, MOMENT)
    assert list(found) == [0]
    np.testing.assert_array_equal(found[0][0], [21])
    np.testing.assert_array_equal(found[0][1], [0.02])


def test_a_night_within_a_term_costs_its_share_of_it() -> None:
    """The quoted terms contain the night already; what lies before it is cheaper by as much."""
    row = pl.DataFrame([(DAY, "NIGHT.2019-03-31", 0.0365, NOON)], schema=RATES, orient="row")
    held = market(rates=pl.concat([market().rates, row]))
    plain, turned = value(market()).value, value(held).value
    assert turned.near.priced.repo[0] < plain.near.priced.repo[0]  # T1903 is delivered before the turn
    days = turned.far.priced.leg.delivery.days[0]
    assert turned.far.priced.repo[0] - turned.near.priced.repo[0] == pytest.approx(0.0365 / days, rel=0.1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tenors": (10.0, 1.0)}, "must ascend"),
        ({"funding": {"A": 7, "B": 7}}, "two rates of the same term"),
    ],
)
def test_settings_that_contradict_themselves(settings: dict[str, object], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        replace(VALUATION, **settings)  # type: ignore[arg-type]


def test_a_panel_needs_to_know_how_futures_are_priced() -> None:
    (span,) = [each for each in front_pairs(T, DAY, DAY) if each.spread == PAIR]
    needs = [Field("near", "irr")]
    with pytest.raises(MarketError, match=r"near.irr needs to know how futures are priced; add a table \[valuation\]"):
        build_panel(market(), T, span, needs, decision="close", warm_up=0, max_age_days=10)
    built = build_panel(market(), T, span, needs, decision="close", warm_up=0, max_age_days=10, valuation=VALUATION)
    assert built is not None
    assert built.fields[Field("near", "irr")][0] == pytest.approx(0.02501978, abs=5e-9)
