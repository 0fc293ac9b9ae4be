"""Filling, scaling and selection against scikit-learn and SciPy, and what must never leak between windows."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import RobustScaler, StandardScaler

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.prepare import Prepare
from tenor.units import Floats

PRODUCTS = ("T", "TS")


def windows(rows: dict[str, Floats], length: int = 3, seed: int = 1) -> Windows:
    """Every window of ``length`` rows of each product, in order of product; changes are drawn."""
    counts = {code: len(part) for code, part in rows.items()}
    starts = dict(zip(counts, np.cumsum([0, *counts.values()]), strict=False))
    ends = np.concatenate([starts[code] + np.arange(length - 1, count) for code, count in counts.items()])
    product = np.repeat(list(counts), [count - length + 1 for count in counts.values()])
    change = np.random.default_rng(seed).standard_normal(len(ends))
    table = np.concatenate(list(rows.values()))
    return Windows(
        columns=tuple(f"x{number}" for number in range(table.shape[1])),
        rows=table,
        row_product=np.repeat(list(counts), list(counts.values())),
        ends=ends,
        length=length,
        session=np.datetime64("2020-01-01") + ends,
        resolves=np.datetime64("2020-01-01") + ends + np.timedelta64(1, "D"),
        product=product,
        pair=product,
        change=change,
        label=(change > 0).astype(np.int64),
    )


def drawn(unknown: float = 0.1, sessions: int = 60) -> dict[str, Floats]:
    """Two products of very different scale with some values unknown; five columns."""
    rng = np.random.default_rng(4)
    rows = {code: rng.normal(at, size, (sessions, 5)) for code, at, size in (("T", 1, 10), ("TS", -3, 0.1))}
    for part in rows.values():
        part[rng.random(part.shape) < unknown] = np.nan
    return rows


def gathered(held: Windows, table: Floats) -> Floats:
    return table[held.steps]


@pytest.mark.parametrize("scale", ["standard", "robust"])
@pytest.mark.parametrize("by_product", [True, False])
def test_against_scikit_learn(scale: str, by_product: bool) -> None:
    held = windows(drawn())
    prepare = Prepare(by_product=by_product, scale="standard" if scale == "standard" else "robust", clip=1e9)
    wanted = np.empty_like(held.rows)
    for code in PRODUCTS if by_product else ("both",):
        mine = held.row_product == code if by_product else np.full(len(held.rows), True)
        # both scalers leave the unknown out of what they learn; the fill is the median of what is known
        scaler = StandardScaler() if scale == "standard" else RobustScaler(unit_variance=True)
        scaler.fit(held.rows[mine])
        wanted[mine] = scaler.transform(SimpleImputer(strategy="median").fit_transform(held.rows[mine]))
    found = prepare.learn(held).apply(held)
    assert found.dtype == np.float32
    assert found.shape == (len(held), 3, 5)
    np.testing.assert_allclose(found, gathered(held, wanted), rtol=2e-5, atol=2e-5)


def test_only_rows_that_train_windows_touch_are_learnt_from() -> None:
    held = windows(drawn(unknown=0.0))
    train = held.take((held.product == "T") & (held.ends < 20))
    prepared = Prepare().learn(train)
    _, centre, scale = prepared.groups["T"]
    assert set(prepared.groups) == {"T"}
    np.testing.assert_allclose(centre, held.rows[:20].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scale, held.rows[:20].std(axis=0), rtol=1e-12)


def test_what_is_said_of_a_window_does_not_depend_on_the_others() -> None:
    held = windows(drawn())
    prepared = Prepare().learn(held.take(held.ends % 60 < 30))
    together = prepared.apply(held)
    for chosen in (np.array([3]), np.array([50, 7, 110]), np.flatnonzero(held.product == "TS")):
        np.testing.assert_array_equal(prepared.apply(held.take(chosen)), together[chosen])


def test_a_product_that_train_did_not_hold_is_refused() -> None:
    held = windows(drawn())
    prepared = Prepare().learn(held.take(held.product == "T"))
    with pytest.raises(FitError, match=r"product TS was not in the train range \(\['T'\] were\)"):
        prepared.apply(held)
    pooled = Prepare(by_product=False).learn(held.take(held.product == "T"))
    assert np.isfinite(pooled.apply(held)).all()


def test_other_columns_are_refused() -> None:
    rows = drawn()
    prepared = Prepare().learn(windows(rows))
    with pytest.raises(FitError, match=r"windows have columns \['x0', 'x1'\], the model learnt"):
        prepared.apply(windows({code: part[:, :2] for code, part in rows.items()}))


def test_a_column_that_says_nothing_is_zero_everywhere() -> None:
    rows = drawn(unknown=0.0)
    for part in rows.values():
        part[:30, 1], part[:30, 2] = 7.0, np.nan
    held = windows(rows)
    prepared = Prepare().learn(held.take(held.ends % 60 < 30))
    assert prepared.chosen.tolist() == [True, False, False, True, True]
    found = prepared.apply(held)
    assert (found[:, :, [1, 2]] == 0).all()
    assert (np.ptp(found, axis=(0, 1))[[0, 3, 4]] > 0).all()


def test_a_column_that_is_constant_for_one_product_is_zero_for_that_one() -> None:
    rows = drawn(unknown=0.0)
    rows["TS"][:, 0] = 0.1 + 0.2  # not exact in binary, and still constant
    held = windows(rows)
    prepared = Prepare().learn(held)
    assert prepared.chosen.all()
    found = prepared.apply(held)[:, :, 0]
    assert (found[held.product == "TS"] == 0).all()
    assert found[held.product == "T"].std() > 0.5


def test_scaled_values_are_clipped() -> None:
    rows = drawn(unknown=0.0)
    rows["T"][5, 0] = 1e6
    found = Prepare(clip=2.0).learn(windows(rows)).apply(windows(rows))
    assert np.abs(found).max() == 2.0


def test_nothing_to_learn_from_is_refused() -> None:
    held = windows(drawn())
    with pytest.raises(FitError, match="no decided window"):
        Prepare().learn(held.take(np.zeros(len(held), dtype=bool)))
    with pytest.raises(FitError, match="no factor column varies"):
        Prepare().learn(windows({"T": np.ones((10, 2))}))


def test_selection_keeps_the_strongest_rank_correlations() -> None:
    held = windows(drawn())
    strength = [
        abs(float(spearmanr(held.last(name), held.change, nan_policy="omit").statistic)) for name in held.columns
    ]
    for count in (1, 2, 4):
        chosen = Prepare(select=count).learn(held).chosen
        assert set(np.flatnonzero(chosen)) == set(np.argsort(strength)[-count:])


def test_selection_reads_no_other_window() -> None:
    """The third column predicts the change of train perfectly, the first that of what comes later."""
    rows = drawn(unknown=0.0)
    held = windows(rows)
    early = held.ends % 60 < 30
    held.rows[held.ends[early], 2] = held.change[early]
    held.rows[held.ends[~early], 0] = held.change[~early]
    assert np.flatnonzero(Prepare(select=1).learn(held.take(early)).chosen).tolist() == [2]
    assert np.flatnonzero(Prepare(select=1).learn(held.take(~early)).chosen).tolist() == [0]


def test_a_selected_column_that_is_left_out_is_zero_and_keeps_its_place() -> None:
    held = windows(drawn(unknown=0.0))
    every, some = Prepare().learn(held), Prepare(select=2).learn(held)
    found = some.apply(held)
    assert found.shape == (len(held), 3, 5)
    assert (found[:, :, ~some.chosen] == 0).all()
    np.testing.assert_array_equal(found[:, :, some.chosen], every.apply(held)[:, :, some.chosen])


def test_more_columns_than_there_are_means_all() -> None:
    held = windows(drawn())
    assert Prepare(select=99).learn(held).chosen.all()
