"""Baskets: the published list as it was known, and stand-ins that say so."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tenor.errors import MarketError
from tenor.io.sources.simulated import Simulated
from tenor.market.contract import Contract, product
from tenor.market.market import CURVE, QUOTES, RATES, Market
from tenor.pricing.basket import published_basket, stand_in_basket
from tenor.pricing.conversion_factor import conversion_factor

T = product("T")


def curve_of(first: date, last: date, rate=lambda day, tenor: 0.03) -> Market:
    """A market with nothing but curve CGB, published at 10:00 UTC each day."""
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1).astype(object)
    rows = [
        (day, "CGB", tenor, rate(day, tenor), datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
        for day in days
        for tenor in (7.0, 10.0)
    ]
    return Market(
        name="curve alone",
        simulated=False,
        quotes=QUOTES.to_frame(),
        curve=pl.DataFrame(rows, schema=CURVE, orient="row"),
        rates=RATES.to_frame(),
    )


LONG = curve_of(date(2008, 1, 1), date(2019, 3, 31), lambda day, tenor: 0.02 + day.year % 10 / 1000 + tenor / 10_000)


def test_the_published_basket_is_the_market_s_list() -> None:
    market = Simulated(products=("T",), first=date(2019, 1, 2), last=date(2019, 6, 28)).read()
    found = published_basket(market, T, Contract.parse("T1909"))
    table = market.basket("T1909")
    assert not found.stand_in
    assert found.bonds.bonds == tuple(table["bond"].to_list())
    np.testing.assert_array_equal(found.bonds.factor, table["factor"].to_numpy())
    before = np.array([table["known_at"].min().replace(tzinfo=None)], "datetime64[us]") - np.timedelta64(1, "s")
    assert not found.deliverable(before).any()
    assert found.deliverable(before + np.timedelta64(1, "s")).all()


def test_a_contract_without_a_list_has_a_basket_of_which_nothing_is_known() -> None:
    found = published_basket(LONG, T, Contract.parse("T1909"))
    assert not found.deliverable(np.array(["2030-01-01"], "datetime64[us]")).any()
    assert len(found.bonds) == 1


def test_a_stand_in_waits_for_the_curve_that_its_coupon_is_read_from() -> None:
    """A curve that is published two days late makes a bond known two days after its issue, not before."""
    late = replace(LONG, curve=LONG.curve.with_columns(pl.col("known_at") + timedelta(days=3)))
    found = stand_in_basket(late, T, Contract.parse("T1906"), "CGB")
    at = found.bonds.bonds.index("STAND-IN.10Y.2016-05")
    assert str(found.known[at]) == "2016-05-17T10:00:00.000000"


def test_stand_ins_are_issued_each_quarter_at_the_yield_before() -> None:
    found = stand_in_basket(LONG, T, Contract.parse("T1906"), "CGB")
    assert found.stand_in
    bonds = found.bonds
    at = bonds.bonds.index("STAND-IN.10Y.2016-05")
    assert str(bonds.maturity[at]) == "2026-05-15"
    assert bonds.frequency[at] == 2
    assert bonds.coupon[at] == 0.027  # 2.6 % in 2016, and 0.1 % at ten years
    assert bonds.factor[at] == conversion_factor(0.027, 2, np.datetime64("2026-05-15"), np.datetime64("2019-06-01"))
    assert str(found.known[at])[:10] == "2016-05-15"


def test_stand_ins_live_as_long_as_the_contract_asks() -> None:
    bonds = stand_in_basket(LONG, T, Contract.parse("T1906"), "CGB").bonds
    months = (bonds.maturity.astype("datetime64[M]") - np.datetime64("2019-06", "M")).astype(int)
    assert months.min() >= 78
    assert months.max() <= 120
    sevens = [bond for bond in bonds.bonds if ".7Y." in bond]
    assert sevens == ["STAND-IN.7Y.2019-02", "STAND-IN.7Y.2019-05"]
    assert all(bonds.frequency[bonds.bonds.index(bond)] == 1 for bond in sevens)


def test_a_stand_in_is_the_same_whatever_is_known_after_its_issue() -> None:
    whole = stand_in_basket(LONG, T, Contract.parse("T1906"), "CGB")
    cut = datetime(2019, 2, 20, tzinfo=UTC)
    part = stand_in_basket(LONG.known_at(cut), T, Contract.parse("T1906"), "CGB")
    moment = np.array([cut.replace(tzinfo=None)], "datetime64[us]")
    there = whole.deliverable(moment)[0]
    assert whole.bonds.bonds == part.bonds.bonds
    np.testing.assert_array_equal(there, part.deliverable(moment)[0])
    assert not there.all()
    np.testing.assert_array_equal(whole.bonds.coupon[there], part.bonds.coupon[there])


def test_a_curve_that_begins_too_late_is_refused() -> None:
    late = curve_of(date(2018, 1, 1), date(2019, 3, 31))
    with pytest.raises(
        MarketError, match=r"stand-in basket of T1906 needs the 10-year point .* it begins on 2018-01-01"
    ):
        stand_in_basket(late, T, Contract.parse("T1906"), "CGB")


def test_a_product_without_usual_terms_is_refused() -> None:
    with pytest.raises(MarketError, match=r"no stand-in basket for US5: .*'TS', 'TF', 'T', 'TL'"):
        stand_in_basket(LONG, product("US5"), Contract.parse("US51906"), "CGB")
