"""The 158 factors, every one, against pandas."""

import numpy as np
import pandas as pd
import pytest

from tenor.factor.alpha158 import WINDOWS, Alpha158
from tenor.factor.base import compute
from tenor.factor.universe import CLOSE, HIGH, LOW, OPEN, VOLUME
from tenor.units import Floats

FIELDS = (OPEN, HIGH, LOW, CLOSE, VOLUME)


def drawn(seed: int, count: int = 150) -> dict:
    """A walk on a grid of cents, so that prices repeat, with some sessions that do not move."""
    rng = np.random.default_rng(seed)
    close = np.round(20.0 + np.cumsum(rng.choice([0.0, 0.05, -0.05, 0.3, -0.3], count)), 2)
    opened = np.round(close + rng.choice([0.0, 0.1, -0.1], count), 2)
    high = np.maximum(opened, close) + np.round(rng.choice([0.0, 0.2], count), 2)
    low = np.minimum(opened, close) - np.round(rng.choice([0.0, 0.2], count), 2)
    return dict(zip(FIELDS, (opened, high, low, close, rng.integers(1, 50, count) * 100.0), strict=True))


def by_pandas(fields: dict) -> pd.DataFrame:
    """The definitions, in their own words: rolling windows of pandas and straight lines of numpy."""
    o, h, l, c, v = (pd.Series(fields[field]) for field in FIELDS)  # noqa: E741
    span = (h - l).replace(0.0, np.nan)
    top, bottom = np.maximum(o, c), np.minimum(o, c)
    out = {
        "KMID": (c - o) / o,
        "KLEN": (h - l) / o,
        "KMID2": ((c - o) / span).fillna(0.0),
        "KUP": (h - top) / o,
        "KUP2": ((h - top) / span).fillna(0.0),
        "KLOW": (bottom - l) / o,
        "KLOW2": ((bottom - l) / span).fillna(0.0),
        "KSFT": (2 * c - h - l) / o,
        "KSFT2": ((2 * c - h - l) / span).fillna(0.0),
        "OPEN0": o / c,
        "HIGH0": h / c,
        "LOW0": l / c,
        "TYPICAL0": (h + l + c) / 3 / c,
    }
    dc, dv = c.diff(), v.diff()
    move = np.abs(c / c.shift(1) - 1) * v
    for d in WINDOWS:
        at = np.arange(d)

        def line(y: Floats, at: Floats = at) -> tuple[float, float, float]:
            slope, level = np.polyfit(at, y, 1)
            fitted = level + slope * at
            whole = ((y - y.mean()) ** 2).sum()
            return slope, (((fitted - y.mean()) ** 2).sum() / whole if whole > 1e-15 else 0.0), y[-1] - fitted[-1]

        fits = [line(c.to_numpy()[end - d : end]) if end >= d else (np.nan,) * 3 for end in range(1, len(c) + 1)]
        fits = pd.DataFrame(fits, columns=["slope", "explained", "rest"])
        high, low = h.rolling(d).max(), l.rolling(d).min()
        i_max, i_min = h.rolling(d).apply(np.argmax, raw=True) + 1, l.rolling(d).apply(np.argmin, raw=True) + 1
        total, flow = dc.abs().rolling(d).sum(), dv.abs().rolling(d).sum()
        out |= {
            f"ROC{d}": c.shift(d) / c,
            f"MA{d}": c.rolling(d).mean() / c,
            f"STD{d}": c.rolling(d).std() / c,
            f"BETA{d}": fits["slope"] / c,
            f"RSQR{d}": fits["explained"],
            f"RESI{d}": fits["rest"] / c,
            f"MAX{d}": high / c,
            f"MIN{d}": low / c,
            f"QTLU{d}": c.rolling(d).quantile(0.8) / c,
            f"QTLD{d}": c.rolling(d).quantile(0.2) / c,
            f"RANK{d}": c.rolling(d).rank(pct=True),
            f"RSV{d}": (c - low) / (high - low),
            f"IMAX{d}": i_max / d,
            f"IMIN{d}": i_min / d,
            f"IMXD{d}": (i_max - i_min) / d,
            f"CORR{d}": c.rolling(d).corr(np.log(v)),
            f"CORD{d}": (c / c.shift(1)).rolling(d).corr(np.log(v / v.shift(1) + 1)),
            f"CNTP{d}": (dc > 0).where(dc.notna()).astype(float).rolling(d).mean(),
            f"CNTN{d}": (dc < 0).where(dc.notna()).astype(float).rolling(d).mean(),
            f"SUMP{d}": dc.clip(lower=0).rolling(d).sum() / total,
            f"SUMN{d}": (-dc).clip(lower=0).rolling(d).sum() / total,
            f"VMA{d}": v.rolling(d).mean() / v,
            f"VSTD{d}": v.rolling(d).std() / v,
            f"WVMA{d}": move.rolling(d).std() / move.rolling(d).mean(),
            f"VSUMP{d}": dv.clip(lower=0).rolling(d).sum() / flow,
            f"VSUMN{d}": (-dv).clip(lower=0).rolling(d).sum() / flow,
        }
        for one, two, both in (("CNTP", "CNTN", "CNTD"), ("SUMP", "SUMN", "SUMD"), ("VSUMP", "VSUMN", "VSUMD")):
            out[f"{both}{d}"] = out[f"{one}{d}"] - out[f"{two}{d}"]
    return pd.DataFrame(out)


@pytest.fixture(scope="module")
def both() -> tuple[pd.DataFrame, pd.DataFrame]:
    fields = drawn(3)
    mine = pd.DataFrame(compute([Alpha158()], fields), columns=list(Alpha158.columns))
    return mine.iloc[60:], by_pandas(fields).iloc[60:]


def test_there_are_158_each_named_once() -> None:
    assert len(Alpha158.columns) == len(set(Alpha158.columns)) == 158


@pytest.mark.parametrize("name", Alpha158.columns)
def test_each_factor_is_that_of_pandas(both: tuple[pd.DataFrame, pd.DataFrame], name: str) -> None:
    mine, theirs = (frame[name].to_numpy() for frame in both)
    assert np.isfinite(mine).all()
    # pandas accumulates rolling moments, which costs it digits
    np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=2e-7)


def test_nothing_depends_on_the_unit_of_price_or_volume() -> None:
    fields = drawn(5)
    other = {field: values * (0.01 if field is VOLUME else 37.5) for field, values in fields.items()}
    np.testing.assert_allclose(compute([Alpha158()], other), compute([Alpha158()], fields), rtol=1e-7, atol=1e-9)


def test_a_stock_that_never_moves_has_no_spread_and_no_correlation() -> None:
    still = {field: np.full(61, 10.0) for field in FIELDS}
    values = dict(zip(Alpha158.columns, compute([Alpha158()], still)[-1], strict=True))
    assert values["STD5"] == values["RSV20"] == values["SUMP60"] == values["KMID2"] == values["RSQR30"] == 0.0
    assert np.isnan([values["CORR5"], values["CORD60"]]).all()
    assert values["RANK10"] == 0.55  # ten equal values: the middle of their ranks


def test_a_session_without_volume_leaves_what_needs_it_unknown() -> None:
    fields = drawn(7)
    fields[VOLUME][-1] = 0.0
    values = dict(zip(Alpha158.columns, compute([Alpha158()], fields)[-1], strict=True))
    assert np.isnan([values[name] for name in ("VMA5", "VSTD5", "WVMA5", "VSUMP5", "CORR5")]).all()
    assert np.isfinite([values[name] for name in ("ROC5", "MA60", "RANK20", "QTLU30", "CNTD10")]).all()
