"""Nothing looks ahead: whatever is said at *t* from the whole market is said from ``market.known_at(t)`` too.

Generated for every registered factor and model, and for the label, preparation and calibration that go with
them; a name that is registered tomorrow is held to it. The same checks are then given things that do look
ahead, and must catch each of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import ClassVar, Literal

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from tenor.errors import StudyError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Factor, Field, compute
from tenor.factor.clean import Cleaning, build_windows
from tenor.factor.curve import CurveShape
from tenor.factor.funding import Funding
from tenor.factor.panel import EVENING, Decision, Panel, build_panel
from tenor.factor.spread import LegChange, SpreadChange
from tenor.factor.valuation import Valuation
from tenor.factor.window import Fold, WalkForward, Windows
from tenor.io.sources.simulated import Simulated
from tenor.market.contract import front_pairs, product
from tenor.market.market import Market
from tenor.model.base import Fitted, FoldWindows, Recipe, fit_grid
from tenor.model.calibrate import Calibration
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare
from tenor.registry import registered
from tenor.trust.walk_forward import walk_forward
from tenor.units import AnyArray, Floats

PRODUCTS = ("TS", "T")
SEEDS = (1, 2)
PLAN = FitPlan(epochs=2, batch_size=32)
SMALLER = {"layers": 1, "hidden": 4, "trees": 20, "least_in_leaf": 10}

FACTORS: dict[str, Factor] = {
    "funding": Funding(rates=("REPO.ON", "REPO.1W")),
    "curve_shape": CurveShape(curve="CGB"),
}
"""Settings of the factors that cannot do without; every other one is tested as it comes."""

STOCK_MODULES = ("tenor.factor.technical", "tenor.factor.alpha158", "tenor.factor.cross_section")
OF_PAIRS = [name for name, kind in registered("tenor.factors").items() if kind.__module__ not in STOCK_MODULES]
"""Factors of stocks are held to it in test_prefix_invariance_stocks.py."""

VALUATION = Valuation(
    curve="CGB",
    tenors=(1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 30.0),
    funding={"REPO.ON": 1, "REPO.1W": 7, "REPO.1M": 30},
    basket="published",
    compounding="annual",
)

WINDOWS_FROM: tuple[Factor, ...] = (SpreadChange(days=(1, 3)), LegChange(days=(1,)), *FACTORS.values())


@cache
def market() -> Market:
    return Simulated(products=PRODUCTS, first=date(2019, 1, 2), last=date(2020, 1, 20), seed=4, signal=0.2).read()


@cache
def cuts(count: int, first: date = date(2019, 2, 1)) -> tuple[date, ...]:
    """Sessions drawn from ``first`` on."""
    days = np.unique(market().quotes.filter(market().quotes["date"] >= first)["date"].to_numpy())
    drawn = np.random.default_rng(0).choice(days[:-1], count, replace=False)
    return tuple(np.sort(drawn).astype("datetime64[D]").tolist())


def moment(day: date, decision: Decision) -> datetime:
    """When the decision of ``day`` is made."""
    return product("T").closes_at(day) + (EVENING if decision == "evening" else timedelta(0))


def panels(
    held: Market,
    needs: Sequence[Field],
    decision: Decision,
    warm_up: int = 12,
    valuation: Valuation = VALUATION,
) -> list[Panel]:
    """Every front pair that the market quotes, as a study aligns them."""
    found = []
    for code in PRODUCTS:
        days = held.quotes.filter(held.quotes["code"].str.starts_with(code + "1"))["date"]
        for span in front_pairs(product(code), days.min(), days.max()):
            built = build_panel(
                held,
                product(code),
                span,
                needs,
                decision=decision,
                warm_up=warm_up,
                max_age_days=10,
                valuation=valuation,
            )
            found += [built] if built is not None else []
    return found


Said = Mapping[str, tuple[AnyArray, AnyArray]]
"""By pair: sessions, and what was said at each (numbers, one row for each session)."""


def factor_values(factor: Factor, held: Market, decision: Decision, valuation: Valuation = VALUATION) -> Said:
    """Values from the first session on which the pair is in front; nobody decides during the warm-up."""
    found = {}
    for panel in panels(held, factor.inputs, decision, valuation=valuation):
        values = compute((factor,), panel.fields)
        front = panel.sessions >= np.datetime64(panel.span.first)
        found[panel.span.spread.code] = (panel.sessions[front], values[front])
    return found


def assert_prefix_invariant(
    said: Callable[[Market], Said],
    decision: Decision,
    days: Sequence[date],
    *,
    known_after: int = 0,
    held: Market | None = None,
) -> None:
    """Hold ``said`` to it at every cut, on all sessions up to the cut.

    ``known_after`` counts sessions: what is said of one becomes known so many later (a label: 1).
    """
    held = market() if held is None else held
    whole = said(held)
    compared = 0
    for cut in days:
        part = said(held.known_at(moment(cut, decision)))
        for pair, (sessions, values) in whole.items():
            past = sessions <= np.datetime64(cut)
            if not past.any():
                continue
            assert pair in part, f"{pair} is not there on {cut}"
            known = np.flatnonzero(past)[: past.sum() - known_after]
            np.testing.assert_array_equal(part[pair][0][: len(known)], sessions[known], err_msg=f"{pair} {cut}")
            np.testing.assert_array_equal(part[pair][1][: len(known)], values[known], err_msg=f"{pair} {cut}")
            assert len(part[pair][0]) == past.sum()
            compared += len(known)
    assert compared > 20 * len(days)


@pytest.mark.parametrize("decision", ["close", "evening"])
@pytest.mark.parametrize("name", OF_PAIRS)
def test_factor(name: str, decision: Decision) -> None:
    factor: Factor = FACTORS.get(name) or registered("tenor.factors")[name]()
    assert factor.kind == name
    assert_prefix_invariant(lambda held: factor_values(factor, held, decision), decision, cuts(8))


@pytest.mark.parametrize("name", OF_PAIRS)
def test_factor_values_are_known_by_the_time_they_are_said(name: str) -> None:
    """The check above would pass for a factor that never says anything."""
    factor: Factor = FACTORS.get(name) or registered("tenor.factors")[name]()
    values = np.concatenate([said for _, said in factor_values(factor, market(), "close").values()])
    assert np.isfinite(values).mean() > 0.5


VALUED = ("carry", "implied_repo", "cheapest_to_deliver")


@cache
def with_an_older_curve() -> Market:
    """The market with its curve carried back over the issues of stand-in bonds, published as late as ever."""
    first = market().curve["date"].min()
    days = [first - timedelta(days=back) for back in range(1, 4100)]
    rows = market().curve.filter(market().curve["date"] == first)
    older = pl.concat(
        rows.with_columns(date=pl.lit(day), known_at=pl.col("known_at") - timedelta(days=back))
        for back, day in enumerate(days, start=1)
    )
    return replace(market(), curve=pl.concat([older, market().curve]))


@pytest.mark.parametrize("name", VALUED)
def test_values_off_stand_in_baskets(name: str) -> None:
    valuation = replace(VALUATION, basket="stand_in")
    assert_prefix_invariant(
        lambda held: factor_values(registered("tenor.factors")[name](), held, "close", valuation),
        "close",
        cuts(4),
        held=with_an_older_curve(),
    )


@pytest.mark.parametrize("name", VALUED)
def test_values_where_lists_come_late_and_some_bonds_are_quoted(name: str) -> None:
    """Each list comes 40 days after the listing, and one bond in three is quoted, 3 bp above the curve's yield."""
    known = pl.col("known_at") + timedelta(days=40)
    quoted = market().bonds["code"].to_list()[::3]
    days = market().quotes["date"].unique().sort()
    quotes = pl.DataFrame(
        {
            "date": [day for day in days for _ in quoted],
            "code": quoted * len(days),
            "close": np.random.default_rng(1).normal(101.0, 0.5, len(days) * len(quoted)),
            "known_at": [moment(day, "close") for day in days for _ in quoted],
        }
    ).with_columns(pl.col("known_at").cast(market().quotes.schema["known_at"]))
    held = replace(
        market(),
        deliverables=market().deliverables.with_columns(known),
        quotes=pl.concat([market().quotes, quotes], how="diagonal"),
    )
    assert_prefix_invariant(
        lambda held: factor_values(registered("tenor.factors")[name](), held, "evening"), "evening", cuts(4), held=held
    )


CLEANING = Cleaning(first_sessions=5, quarter_end_sessions=1, days_before_last_trading=14, neutral_ticks=1.0)


def windows(held: Market) -> Windows:
    needs = [field for factor in WINDOWS_FROM for field in factor.inputs]
    return build_windows(panels(held, needs, "close"), WINDOWS_FROM, length=3, cleaning=CLEANING)[0]


def by_product(found: Windows, values: AnyArray) -> Said:
    """Sessions and values of the decisions of each product."""
    return {code: (found.session[found.product == code], values[found.product == code]) for code in PRODUCTS}


def test_which_decisions_are_made_and_on_what() -> None:
    def rows(held: Market) -> Said:
        found = windows(held)
        return by_product(found, found.rows[found.steps])

    assert_prefix_invariant(rows, "close", cuts(8))


def test_labels_are_known_one_session_later() -> None:
    def labels(held: Market) -> Said:
        found = windows(held)
        return by_product(found, np.stack([found.change, found.label], axis=1))

    assert_prefix_invariant(labels, "close", cuts(8), known_after=1)
    for cut in cuts(8):
        known = windows(market().known_at(moment(cut, "close")))
        assert np.isnan(known.change[known.session == np.datetime64(cut)]).all()


@pytest.mark.parametrize(
    "prepare",
    [Prepare(), Prepare(scale="robust", by_product=False), Prepare(select=4)],
    ids=["standard", "robust", "selected"],
)
def test_preparation(prepare: Prepare) -> None:
    """Learnt from decisions up to June whose change was known, and applied to what came after."""
    june = np.datetime64("2019-06-28")

    def prepared(held: Market) -> Said:
        found = windows(held)
        learnt = prepare.learn(found.take(found.decided & (found.session <= june)))
        return by_product(found, learnt.apply(found))

    assert_prefix_invariant(prepared, "close", cuts(4, date(2019, 7, 2)))


@cache
def whole() -> Windows:
    return windows(market())


@cache
def folds() -> tuple[Fold, ...]:
    split = WalkForward(train=90, validation=30, test=30, purge=2)
    return split.split(np.unique(whole().session))[-2:]


def recipe(name: str) -> Recipe:
    made = registered("tenor.models")[name]()
    smaller = {
        field.name: SMALLER[field.name]
        for field in fields(made)
        if field.name in SMALLER and isinstance(getattr(made, field.name), int)
    }
    settings = replace(made, **smaller)
    found: Recipe = settings.recipe(Prepare(), PLAN)
    return found


def forecasts(made: Recipe, found: Windows) -> dict[str, Floats]:
    """Everything that is learnt, said of the test windows: (value, window)."""
    held = [fold for fold in folds() if len(fold.part(found, "test"))]
    run = walk_forward([made], found, held, seeds=SEEDS, calibration=Calibration("platt"))
    (forecast,) = run.forecasts
    values = np.concatenate([forecast.raw, forecast.up, forecast.scale, run.expected_move[None]])
    keys = [f"{code} {day}" for code, day in zip(run.test.product, run.test.session, strict=True)]
    assert not forecast.failures
    return dict(zip(keys, values.T, strict=True))


def assert_forecasts_know_the_past_only(made: Recipe) -> None:
    """Cut the market within the last test range: forecasts up to the cut, its own included, are the same."""
    first, last = folds()[-1].test
    inside = np.unique(whole().session[whole().session >= np.datetime64(first)])
    cut = inside[len(inside) // 2].item()
    assert first < cut < last
    every = forecasts(made, whole())
    known = forecasts(made, windows(market().known_at(moment(cut, "close"))))
    assert len(known) < len(every)
    assert any(key.endswith(str(cut)) for key in known)
    for key, values in known.items():
        np.testing.assert_array_equal(values, every[key], err_msg=key)


def tampered(fold: Fold, probes: int) -> tuple[Windows, Windows]:
    """Everything that came after validation is garbage, but for the rows that the first test windows read.

    Returns
    -------
    windows, probe
        All windows, and those first test windows (with changes and labels that are garbage as well).
    """
    found = whole()
    after = found.session > np.datetime64(fold.validation[1])
    chosen = np.flatnonzero(found.session >= np.datetime64(fold.test[0]))[:probes]
    kept = np.zeros(len(found.rows), dtype=bool)
    kept[found.take(~after).steps] = True
    kept[found.take(chosen).steps] = True
    rng = np.random.default_rng(9)
    rows = np.where(kept[:, None], found.rows, rng.normal(1e3, 1e4, found.rows.shape))
    change = np.where(after, rng.normal(0, 1e4, len(found)), found.change)
    label = np.where(after, rng.integers(-1, 2, len(found)), found.label)
    garbage = replace(found, rows=rows, change=change, label=label)
    return garbage, garbage.take(chosen)


def assert_fit_knows_train_and_validation_only(made: Recipe) -> None:
    fold = folds()[-1]

    def learnt(found: Windows) -> list[Fitted]:
        parts = (fold.part(found, "train"), fold.part(found, "validation"))
        ((*fitted,),) = fit_grid(made, [FoldWindows(*(part.take(part.decided) for part in parts))], SEEDS)
        assert not any(isinstance(each, Exception) for each in fitted)
        return fitted

    garbage, probe = tampered(fold, probes=9)
    honest = whole().take(np.isin(whole().ends, probe.ends))
    assert not np.array_equal(honest.change, probe.change)
    removed = whole().take(whole().session <= np.datetime64(fold.validation[1]))
    for one, other, without in zip(learnt(whole()), learnt(garbage), learnt(removed), strict=True):
        said = one.predict(honest)
        np.testing.assert_array_equal(other.predict(probe), said)
        np.testing.assert_array_equal(without.predict(honest), said)


@pytest.mark.parametrize("name", registered("tenor.models"))
def test_model_forecasts(name: str) -> None:
    assert_forecasts_know_the_past_only(recipe(name))


@pytest.mark.parametrize("name", registered("tenor.models"))
def test_model_fit(name: str) -> None:
    assert_fit_knows_train_and_validation_only(recipe(name))


# What looks ahead, and must be caught.


@dataclass(frozen=True, slots=True)
class Centred:
    """The spread less its mean, over sessions that had not come yet too."""

    kind: Literal["centred"] = "centred"
    inputs: ClassVar = (NEAR_CLOSE, FAR_CLOSE)
    lookback: ClassVar = 1
    columns: ClassVar = ("centred",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        spread = past[NEAR_CLOSE] - past[FAR_CLOSE]
        known = spread[np.isfinite(spread)]
        return spread - (known.mean() if len(known) else 0.0)


@dataclass(frozen=True, slots=True)
class Tomorrow:
    """The spread of the next session, shifted back by one row."""

    kind: Literal["tomorrow"] = "tomorrow"
    inputs: ClassVar = (NEAR_CLOSE, FAR_CLOSE)
    lookback: ClassVar = 1
    columns: ClassVar = ("tomorrow",)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        return np.roll(past[NEAR_CLOSE] - past[FAR_CLOSE], -1, axis=0)


@pytest.mark.parametrize("factor", [Centred(), Tomorrow()], ids=lambda factor: factor.kind)
def test_a_factor_that_looks_ahead_is_caught(factor: Factor) -> None:
    """By the engine itself: handed one window alone, it says something else."""
    with pytest.raises(StudyError, match=rf"factors.{factor.kind}: .* it sees other sessions"):
        assert_prefix_invariant(lambda held: factor_values(factor, held, "close"), "close", cuts(8))


def test_a_curve_that_is_used_before_it_is_published_is_caught() -> None:
    """Values of the evening, said at the close."""
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_prefix_invariant(lambda held: factor_values(FACTORS["curve_shape"], held, "evening"), "close", cuts(8))


def test_a_label_that_is_said_at_its_decision_is_caught() -> None:
    def labels(held: Market) -> Said:
        found = windows(held)
        return by_product(found, found.change)

    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_prefix_invariant(labels, "close", cuts(8))


@dataclass(frozen=True, slots=True)
class Standardised:
    """Says the first factor column in units of its own deviation, as a probability."""

    centre: float
    deviation: float

    def predict(self, windows: Windows) -> Floats:
        return np.asarray(expit((windows.rows[windows.ends, 0] - self.centre) / self.deviation))


@dataclass(frozen=True, slots=True)
class Scaler:
    """Learns centre and deviation from the rows that ``learns_from`` picks."""

    learns_from: Callable[[Windows], Floats]
    name: str = "scaler"
    seeded: bool = False
    calibrated: bool = False

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> Standardised:
        column = self.learns_from(train)[:, 0]
        return Standardised(float(np.nanmean(column)), float(np.nanstd(column)))


@dataclass(frozen=True, slots=True)
class Peeks:
    """Says which way the day went."""

    name: str = "peeks"
    seeded: bool = False
    calibrated: bool = True

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> "Peeks":
        return self

    def predict(self, windows: Windows) -> Floats:
        return np.where(windows.change > 0, 0.9, 0.1)


LEAKS = {
    "scaled on everything": Scaler(lambda train: train.rows),
    "peeks at the outcome": Peeks(),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_model_that_would_look_ahead_finds_nothing_to_look_at(leak: Recipe) -> None:
    """The walk-forward hands a model the rows of its own windows, and test windows without their outcomes."""
    assert_forecasts_know_the_past_only(leak)


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_model_that_looks_ahead_is_caught_by_garbage(leak: Recipe) -> None:
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        assert_fit_knows_train_and_validation_only(leak)


def test_the_same_scaler_passes_on_the_rows_of_train() -> None:
    """What is caught above is the leak and nothing else."""
    honest = Scaler(lambda train: train.rows[np.unique(train.steps)])
    assert_forecasts_know_the_past_only(honest)
    assert_fit_knows_train_and_validation_only(honest)
