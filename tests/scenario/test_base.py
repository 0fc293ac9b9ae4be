"""The base: exactly what was known at the decision, and nothing else."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tenor.errors import MarketError
from tenor.market.market import Market
from tenor.scenario.base import Base


def test_levels_are_the_published_values_of_each_session(base: Base) -> None:
    dates, columns, values = base.levels()
    assert columns == ("CGB:1", "CGB:2", "CGB:3", "CGB:5", "CGB:7", "CGB:10", "CGB:30", "REPO.1W", "REPO.1M")
    assert dates[0] == np.datetime64("2018-01-02")
    assert dates[-1] == np.datetime64("2019-12-20")
    ten = base.market.tenor("CGB", 10.0)
    assert values[:-1, 5].tolist() == ten["rate"].to_list()


def test_at_the_close_the_fixing_of_the_day_is_known_and_its_curve_is_not(base: Base) -> None:
    _, _, values = base.levels()
    assert np.isnan(values[-1, :7]).all()
    assert np.isfinite(values[-1, 7:]).all()


def test_a_market_that_holds_the_future_is_refused(whole: Market, base: Base) -> None:
    with pytest.raises(MarketError, match=r"table 'quotes' has rows known at 2020-03-20 .* after the decision"):
        replace(base, market=whole)


def test_a_base_that_cannot_be(base: Base) -> None:
    with pytest.raises(MarketError, match="has no time zone"):
        replace(base, moment=base.moment.replace(tzinfo=None))
    with pytest.raises(MarketError, match="give two or more, ascending"):
        replace(base, tenors=(10.0, 2.0))


def test_names_that_the_market_does_not_have(base: Base) -> None:
    with pytest.raises(MarketError, match="no point 8 y on curve 'CGB'; it has"):
        replace(base, tenors=(2.0, 8.0)).levels()
    with pytest.raises(MarketError, match="no rate 'DR007'"):
        replace(base, funding={"DR007": 7}).levels()
    with pytest.raises(MarketError, match="has a value by 2000-01-04"):
        replace(base, session=date(2000, 1, 4), moment=base.moment + timedelta(days=0)).levels()
