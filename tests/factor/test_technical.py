"""Technical factors: tables by hand, pandas, and no dependence on the unit of price."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tenor.errors import StudyError
from tenor.factor.base import Field, compute
from tenor.factor.technical import (
    ATR,
    FROM_MONTH_START,
    MACD,
    RSI,
    TO_MONTH_END,
    WEEKDAY,
    Bollinger,
    Gap,
    PriceRatios,
    RealisedVolatility,
    Return,
    SessionCalendar,
    Volume,
    each,
)
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, RAW_CLOSE, VOLUME
from tenor.units import Floats

COUNT = 400


def drawn(seed: int = 2) -> dict[Field, Floats]:
    rng = np.random.default_rng(seed)
    close = 30.0 * np.exp(np.cumsum(rng.normal(0, 0.015, COUNT)))
    opened = close * np.exp(rng.normal(0, 0.005, COUNT))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0, 0.004, COUNT)))
    low = np.minimum(opened, close) * np.exp(-np.abs(rng.normal(0, 0.004, COUNT)))
    volume = rng.lognormal(10, 0.5, COUNT)
    return {OPEN: opened, HIGH: high, LOW: low, CLOSE: close, RAW_CLOSE: close.copy(), VOLUME: volume}


def series(fields: Mapping[Field, Floats]) -> tuple[pd.Series, ...]:
    return tuple(pd.Series(fields[field]) for field in (OPEN, HIGH, LOW, CLOSE, VOLUME))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_an_elementwise_function_of_sliding_windows_sees_each_session_once(length: int) -> None:
    series, asked = np.random.default_rng(6).random((3, 9)), []

    def root(one: Floats, two: Floats) -> Floats:
        asked.append(one.size)
        return np.sqrt(one) + two

    sliding = sliding_window_view(series, length, axis=-1)
    np.testing.assert_array_equal(each(root, sliding, sliding[..., ::1]), np.sqrt(sliding) + sliding)
    later, before = sliding_window_view(series, length + 1, axis=-1)[..., 1:], sliding[:, :-1]
    np.testing.assert_array_equal(each(root, later, before), np.sqrt(later) + before)
    assert asked == [27, 24]
    # windows that are laid out, one alone, or reversed are what they are
    for laid in (sliding.copy(), sliding[0, 0], sliding[..., ::-1], sliding[:, ::2]):
        np.testing.assert_array_equal(each(root, laid, laid), np.sqrt(laid) + laid)


def test_returns_and_gaps_by_hand() -> None:
    close, opened = np.array([100.0, 110.0, 99.0]), np.array([100.0, 105.0, 110.0])
    np.testing.assert_allclose(compute([Return(days=(1, 2))], {CLOSE: close})[-1], [-0.1, -0.01])
    np.testing.assert_allclose(compute([Gap()], {OPEN: opened, CLOSE: close})[-1], [0.0, -0.1])


def test_rsi_by_hand_at_its_ends() -> None:
    rising = 100.0 + np.arange(120.0)
    assert compute([RSI()], {CLOSE: rising})[-1] == pytest.approx(1.0)
    assert compute([RSI()], {CLOSE: rising[::-1].copy()})[-1] == pytest.approx(-1.0)
    assert compute([RSI()], {CLOSE: np.full(120, 7.0)})[-1] == 0.0


def test_rsi_is_wilders_smoothing() -> None:
    fields = drawn()
    change = pd.Series(fields[CLOSE]).diff()
    smooth = {"alpha": 1 / 14, "adjust": False}
    up, down = change.clip(lower=0).ewm(**smooth).mean(), (-change).clip(lower=0).ewm(**smooth).mean()
    index = 2.0 * up / (up + down) - 1.0
    # what is cut off weighs (1 - 1/14)**84, two in a thousand
    np.testing.assert_allclose(compute([RSI()], fields)[200:, 0], index[200:], atol=4e-3)


def test_macd_is_the_difference_of_exponential_averages() -> None:
    fields = drawn()
    close = pd.Series(fields[CLOSE])
    line = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    signal = line.ewm(span=9, adjust=False).mean()
    found = compute([MACD()], fields)[250:]
    np.testing.assert_allclose(found[:, 0], (line / close)[250:], atol=2e-3)
    np.testing.assert_allclose(found[:, 1], (signal / close)[250:], atol=2e-3)
    np.testing.assert_allclose(found[:, 2], found[:, 0] - found[:, 1], atol=1e-15)


def test_bollinger_is_that_of_pandas() -> None:
    fields = drawn()
    close = pd.Series(fields[CLOSE])
    mean, sd = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    found = compute([Bollinger()], fields)[20:]
    np.testing.assert_allclose(found[:, 0], ((close - mean) / (2 * sd))[20:], rtol=1e-8)
    np.testing.assert_allclose(found[:, 1], (4 * sd / mean)[20:], rtol=1e-8)
    assert compute([Bollinger()], {CLOSE: np.full(20, 3.0)})[-1].tolist() == [0.0, 0.0]


def test_true_ranges_stretch_to_the_close_before() -> None:
    high, low = np.array([10.0, 12.0, 9.5]), np.array([9.0, 11.0, 9.0])
    close = np.array([9.5, 11.5, 9.0])
    # ranges: max(12, 9.5) - min(11, 9.5) = 2.5; max(9.5, 11.5) - min(9, 11.5) = 2.5
    fields = {HIGH: high, LOW: low, CLOSE: close}
    np.testing.assert_allclose(compute([ATR(days=2)], fields)[-1], [2.5 / 9.0, 1.0])


def test_volatilities_against_pandas() -> None:
    fields = drawn()
    o, h, l, c, _ = series(fields)  # noqa: E741
    span, body = np.log(h / l) ** 2, np.log(c / o) ** 2
    expected = pd.DataFrame(
        {
            "close": (np.log(c / c.shift(1)) ** 2).rolling(20).mean() ** 0.5,
            "parkinson": (span.rolling(20).mean() / (4 * np.log(2))) ** 0.5,
            "garman_klass": (0.5 * span - (2 * np.log(2) - 1) * body).rolling(20).mean() ** 0.5,
        }
    )
    np.testing.assert_allclose(compute([RealisedVolatility(days=(5, 20))], fields)[25:, 3:], expected[25:], rtol=1e-9)


def test_volume_against_pandas() -> None:
    fields = drawn()
    _, _, _, c, v = series(fields)
    mean = v.rolling(20).mean()
    balance = (v * np.sign(c.diff())).rolling(20).sum() / v.rolling(20).sum()
    expected = pd.DataFrame({"today": np.log(v / mean), "trend": np.log(v.rolling(5).mean() / mean), "b": balance})
    np.testing.assert_allclose(compute([Volume()], fields)[25:], expected[25:], rtol=1e-9, atol=1e-12)


def test_the_calendar_against_a_table() -> None:
    fields = {
        WEEKDAY: np.array([0.0, 3.0, 4.0, 2.0]),
        FROM_MONTH_START: np.array([0.0, 3.0, 20.0, 10.0]),
        TO_MONTH_END: np.array([20.0, 17.0, 0.0, 10.0]),
    }
    assert compute([SessionCalendar()], fields).tolist() == [
        [1.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
        [0.0, 0.0, 1.0, 0.0, 0.0],
    ]


def test_price_ratios_by_hand() -> None:
    close = np.full(30, 10.0)
    close[-1], close[-2] = 11.0, 10.0
    fields = {
        CLOSE: close,
        RAW_CLOSE: close / 2.0,
        OPEN: np.full(30, 11.0),
        HIGH: np.full(30, 12.1),
        LOW: np.full(30, 9.9),
    }
    found = dict(zip(PriceRatios.columns, compute([PriceRatios()], fields)[-1], strict=True))
    expected = {"c_open": 0.0, "c_high": 10.0, "c_low": -10.0, "n_close": 10.0, "n_adj_close": 10.0}
    expected |= {"d5": 100 * (51 / 55 - 1), "d30": 100 * (301 / 330 - 1)}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize(
    "factor", [Return(), Gap(), RSI(), MACD(), Bollinger(), ATR(), RealisedVolatility(), Volume(), PriceRatios()]
)
def test_no_value_depends_on_the_unit_of_price_or_volume(factor: object) -> None:
    fields = drawn()
    other = {field: values * (1e-3 if field is VOLUME else 211.0) for field, values in fields.items()}
    np.testing.assert_allclose(compute([factor], other), compute([factor], fields), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("build", "said"), [(lambda: MACD(fast=26, slow=12), "fast"), (lambda: Volume(short=20, days=20), "short")]
)
def test_lengths_that_contradict_each_other_are_refused(build: object, said: str) -> None:
    with pytest.raises(StudyError, match=f"{said} is .* the {said} (average|mean) is the shorter one"):
        build()
