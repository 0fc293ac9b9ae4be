"""Open a desk: put the frozen models of a run before the market as it was known at one decision.

The decision is one of the study's own: a session on which the study decides about the pair in front. The fold whose
test range holds it answers; after the last test range the last fold does, as it would in use. The market is cut to what
was known at that moment before anything is built from it.
"""

import math
from datetime import UTC, date

import numpy as np

from tenor.decide.front import PRICES, front_legs
from tenor.errors import FitError, MarketError, StudyError, suggest
from tenor.factor.base import Factor
from tenor.factor.clean import build_windows
from tenor.factor.panel import Panel, build_panel, decision_times
from tenor.factor.valuation import Valuation
from tenor.factor.window import Windows
from tenor.market.market import Market
from tenor.model.frozen import FrozenModels
from tenor.report.headline import leading
from tenor.scenario.base import Base
from tenor.scenario.desk import Desk
from tenor.scenario.plausibility import history, inputs
from tenor.scenario.world import Scene
from tenor.study import Study, panels_of


def open_desk(
    study: Study,
    market: Market,
    frozen: FrozenModels,
    *,
    product: str | None = None,
    session: date | None = None,
    model: str | None = None,
    position: str | None = None,
    held: float | None = None,
) -> Desk:
    """Open the desk of one product at one decision.

    Parameters
    ----------
    study, market, frozen
        Of one run.
    product
        One of the study's; may be left out where there is one.
    session
        A session on which the study decides; ``None`` for the last.
    model
        The model whose position is traded; ``None`` for the last network of the study, or without one its last model.
    position
        One of the study's positions, by the name that tables print; ``None`` for the first.
    held
        Pairs held before; ``None`` for what the forecast asks for.

    Raises
    ------
    StudyError
        If the study does not say how its futures are priced, or names no such product, model or position.
    MarketError
        If no decision is made on ``session``; the message names the nearest.
    FitError
        If no model spoke of that product then.
    """
    if study.valuation is None:
        raise StudyError(
            f"study {study.name!r} does not say how its futures are priced, so no shock can reach them; add a table"
            " [valuation] and run it again"
        )
    if held is not None and not math.isfinite(held):
        raise StudyError(f"{held} pairs held; give a number of pairs")
    code = _chosen(product, study.products, "product", default=study.products[0] if len(study.products) == 1 else None)
    rule = _chosen(position, [each.name for each in study.positions], "position", default=study.positions[0].name)
    panels = panels_of(study, market, code)
    windows, _ = build_windows(panels, study.factors, length=study.sampling.sessions, cleaning=study.cleaning)
    day = _decision(windows, session, code)
    fold = _fold(frozen, day)
    headline = _headline(frozen, fold, model)
    if code not in frozen.expected_move[fold]:
        raise FitError(f"fold {fold} never saw {code} in train; choose a later session")
    scene = _scene(study, study.valuation, market, panels, windows, day, frozen.folds[fold].train)
    legs, _ = front_legs([scene.panel], day, day)
    learnt = frozen.folds[fold].learnable(windows, "train")
    return Desk(
        scene=scene,
        models=frozen,
        fold=fold,
        headline=headline,
        rule=next(each for each in study.positions if each.name == rule),
        limits=study.trading.limits,
        cost=float(study.trading.costs.per_pair(legs)[0]),
        multiplier=float(np.asarray(legs.multiplier)[0]),
        tick=float(np.asarray(legs.tick)[0]),
        expected_move=frozen.expected_move[fold][code],
        history=history(scene.base),
        inputs=inputs(learnt.rows[learnt.ends], learnt.columns),
        held=held,
    )


def _scene(
    study: Study,
    valuation: Valuation,
    market: Market,
    panels: list[Panel],
    windows: Windows,
    day: date,
    train: tuple[date, date],
) -> Scene:
    """Cut the market to the decision and align the pair in front again from what is left."""
    pair = windows.pair[windows.session == np.datetime64(day, "D")][0]
    whole = next(panel for panel in panels if panel.span.spread.code == pair)
    stamp = decision_times(whole.product, np.array([day], "datetime64[D]"), study.sampling.decision)[0]
    moment = stamp.item().replace(tzinfo=UTC)
    known = market.known_at(moment)
    panel = build_panel(
        known,
        whole.product,
        whole.span,
        [*PRICES, *(field for factor in study.factors for field in factor.inputs)],
        decision=study.sampling.decision,
        warm_up=max(factor.lookback for factor in study.factors) + study.sampling.sessions,
        max_age_days=study.sampling.max_age_days,
        valuation=valuation,
    )
    assert panel is not None  # the decision stands on a session of this pair
    base = Base(
        market=known,
        session=day,
        moment=moment,
        train=train,
        product=whole.product.code,
        near=whole.span.spread.near.code,
        far=whole.span.spread.far.code,
        curve=valuation.curve,
        tenors=_points(valuation, study.factors),
        funding=dict(valuation.terms),
        max_age_days=study.sampling.max_age_days,
    )
    return Scene(base, panel, study.factors, study.sampling.sessions, valuation)


def _points(valuation: Valuation, factors: tuple[Factor, ...]) -> tuple[float, ...]:
    """Every point of the valuation's curve that prices or factors read, ascending."""
    read = {field.name.rpartition(":") for factor in factors for field in factor.inputs if field.table == "curve"}
    return tuple(sorted({*valuation.tenors, *(float(years) for name, _, years in read if name == valuation.curve)}))


def _headline(frozen: FrozenModels, fold: int, asked: str | None) -> str:
    """The model whose position is traded: one that speaks in this fold."""
    names = [each.name for each in frozen.models]
    if not names:
        raise FitError(f"the run keeps no model: {'; '.join(frozen.left_out)}")
    silent = {
        each.name: str(each.folds[fold][0])
        for each in frozen.models
        if all(isinstance(one, str) for one in each.folds[fold])
    }
    if asked in silent:
        raise FitError(f"{asked} has no fitted seed in fold {fold}: {silent[asked]}")
    speaking = [name for name in names if name not in silent]
    if not speaking:
        raise FitError(f"no model has a fitted seed in fold {fold}: {'; '.join(sorted(set(silent.values())))}")
    return _chosen(asked, speaking, "model", default=leading(speaking))


def _chosen(given: str | None, allowed: list[str] | tuple[str, ...], what: str, *, default: str | None) -> str:
    if given is None:
        if default is None:
            raise StudyError(f"the study has several {what}s, {_quoted(allowed)}; say which with --{what}")
        return default
    if given not in allowed:
        raise StudyError(f"no {what} {given!r}{suggest(given, allowed)}; there are {_quoted(allowed)}")
    return given


def _quoted(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _decision(windows: Windows, session: date | None, code: str) -> date:
    """The asked session, if the study decides on it."""
    days = np.unique(windows.session)
    if session is None:
        last: date = days[-1].item()
        return last
    asked = np.datetime64(session, "D")
    if asked not in days:
        before, after = days[days < asked], days[days > asked]
        near = [f"the last before is {before[-1]}"] if len(before) else []
        near += [f"the next is {after[0]}"] if len(after) else []
        raise MarketError(
            f"no decision about {code} is made on {session} (no session, not quoted, or left out by a cleaning rule);"
            f" {', '.join(near)}"
        )
    return session


def _fold(frozen: FrozenModels, day: date) -> int:
    """The fold that answers: the one that was tested on ``day``, the last one after all."""
    if day > frozen.folds[-1].test[1]:
        return len(frozen.folds) - 1
    return frozen.fold_on(day)
