"""What the frozen models of a run say of a calendar spread after its last decision, and what they said before.

For product T after the close of 2025-12-30 it holds the pair in front, the probability of every model that its spread
rises until the next session, seed by seed, and the pairs that the study's first position rule would hold. Nothing is
trained here: the models of the run's last fold speak, the very ones whose record stands beside them.

A decision is one that the study makes: where the last quoted session is left out by a cleaning rule (the last of a
quarter, say), the one before speaks, and a note says so.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tenor.decide.front import front_legs
from tenor.decide.position import Probability, Sign, pairs_wanted
from tenor.errors import CalendarError, MarketError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE
from tenor.factor.clean import build_windows
from tenor.factor.panel import Panel
from tenor.factor.window import Windows
from tenor.market.calendar import trading_calendar
from tenor.market.contract import Product
from tenor.market.market import Market
from tenor.model.frozen import FrozenModels
from tenor.study import Study, panels_of
from tenor.units import Floats, Price

RECENT = 120
"""Sessions of the pair that an answer carries, for its figure."""


@dataclass(frozen=True, slots=True)
class SaidOfPair:
    """What one model says of a pair.

    Parameters
    ----------
    model
        Its name.
    up, low, high
        Probability that the spread rises until the next session: mean over the seeds, least and greatest.
    seeds
        How many seeds spoke.
    pairs
        Pairs that the rule asks for at the mean probability, from nothing, long the near leg above 0: what a desk would
        hold that acts on the mean of the seeds, as what-if has it.
    pairs_low, pairs_high
        The least and the greatest that it asks for at the probability of one seed.
    """

    model: str
    up: float
    low: float
    high: float
    seeds: int
    pairs: float
    pairs_low: float
    pairs_high: float


@dataclass(frozen=True, slots=True)
class Before:
    """What every model said at the decision before: ``up[model]``, of the pair that was in front then."""

    session: date
    pair: str
    up: dict[str, float]


@dataclass(frozen=True, slots=True)
class Recent:
    """The spread of the pair in front over its last sessions, points."""

    session: tuple[date, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PairOutlook:
    """What is said of one product's pair in front.

    Parameters
    ----------
    product, exchange, currency
        What is traded.
    pair, near, far
        The pair in front, and its legs.
    as_of, last
        Session of the decision, and the last that is quoted: later where a cleaning rule leaves out what follows.
    spread, change
        Near less far at that close, and the change since the session before; points, ``None`` for its first session.
    tick
        Smallest price step, points.
    expected_move
        Mean absolute change over a session of the models' train range, points.
    due, known
        The next session, at whose close the outcome is known (``None`` beyond the holidays that are known), and whether
        it has been quoted already: then nothing is forecast.
    rule, max_pairs
        The study's first position rule, and the pairs of a full position.
    models
        What each says, in the order of the study.
    before
        What they said at the decision before; ``None`` where there is none that they had not learnt from.
    recent
        The last sessions of the pair.
    missed
        Sessions of the exchange since the last close that is held here.
    learnt_until
        Last session that the models' train range holds.
    notes
        What a reader must know, one sentence each.
    """

    product: str
    exchange: str
    currency: str
    pair: str
    near: str
    far: str
    as_of: date
    last: date
    spread: Price
    change: Price | None
    tick: Price
    expected_move: Price
    due: date | None
    known: bool
    rule: str
    max_pairs: float
    models: tuple[SaidOfPair, ...]
    before: Before | None
    recent: Recent
    missed: int
    learnt_until: date
    notes: tuple[str, ...]


def pair_outlook(study: Study, market: Market, frozen: FrozenModels, code: str, *, today: date) -> PairOutlook:
    """Ask the models of a run about the last decision on ``code``.

    Parameters
    ----------
    study, frozen
        Of one run.
    market
        As it is known now.
    code
        A product of the study.
    today
        The last session of the exchange that has closed.

    Raises
    ------
    MarketError
        If the market does not quote the product, or the models learnt from the last decision, were stopped by it or
        calibrated on it: of that they say nothing new.
    FitError
        If the models do not speak of the product.
    """
    panels = panels_of(study, market, code)
    windows, _ = build_windows(panels, study.factors, length=study.sampling.sessions, cleaning=study.cleaning)
    fold = len(frozen.folds) - 1
    learnt = frozen.folds[fold].validation[1]
    asked = windows.take(np.array([len(windows) - 1]))
    as_of: date = asked.session[0].item()
    if as_of <= learnt:
        raise MarketError(
            f"{code}: its last decision is of {as_of}, and the models learnt from sessions until {learnt} (validation"
            " included): what they say of it is no forecast; give later prices, or run the study again"
        )
    panel = next(each for each in panels if each.span.spread.code == asked.pair[0])
    at = int(np.searchsorted(panel.sessions, asked.session[0]))
    spread = panel.fields[NEAR_CLOSE] - panel.fields[FAR_CLOSE]
    previous = spread[at - 1] if at else np.nan
    rule, product = study.positions[0], panel.product
    quoted = max(each.sessions[each.front][-1] for each in panels if each.front.any()).item()
    notes = [f"what {rule.name} holds is seen from nothing"]
    if quoted > as_of:
        notes.append(f"quotes go on until {quoted}; its cleaning rules let the study decide nothing after {as_of}")
    due = _next(product, as_of)
    said, silent = _said(study, frozen, fold, asked, panel, rule)
    return PairOutlook(
        product=code,
        exchange=product.exchange,
        currency=product.currency,
        pair=panel.span.spread.code,
        near=panel.span.spread.near.code,
        far=panel.span.spread.far.code,
        as_of=as_of,
        last=quoted,
        spread=float(spread[at]),
        change=float(spread[at] - previous) if np.isfinite(previous) else None,
        tick=product.tick(as_of),
        expected_move=frozen.expected_move[fold][code],
        due=due,
        known=due is not None and due <= quoted,
        rule=rule.name,
        max_pairs=study.trading.limits.max_pairs,
        models=said,
        before=_before(frozen, fold, windows),
        recent=_recent(panel, spread, at),
        missed=trading_calendar(product.calendar).count_after(quoted, today),
        learnt_until=frozen.folds[fold].train[1],
        notes=(*notes, *silent),
    )


def _said(
    study: Study, frozen: FrozenModels, fold: int, asked: Windows, panel: Panel, rule: Sign | Probability
) -> tuple[tuple[SaidOfPair, ...], list[str]]:
    """What each model says of one window, and a word on those that do not speak."""
    day = asked.session[0].item()
    legs, _ = front_legs([panel], day, day)

    def wanted(up: Floats, scale: float) -> Floats:
        return pairs_wanted(
            rule,
            study.trading.limits,
            up,
            0.0,
            scale=scale,
            expected_move=frozen.expected_move[fold][panel.product.code],
            cost=float(study.trading.costs.per_pair(legs)[0]),
            multiplier=float(np.asarray(legs.multiplier)[0]),
        )

    said, silent = [], []
    for model in frozen.models:
        ups = frozen.ups(model.name, fold, asked)[:, 0]
        spoke = np.isfinite(ups)
        if not spoke.any():
            silent.append(f"{model.name}: none of its seeds speaks of {panel.product.code}")
            continue
        scales = frozen.scales(model.name, fold)[spoke]
        at_mean = wanted(np.array([ups[spoke].mean()]), float(scales.mean()))[0]
        by_seed = [wanted(np.array([up]), float(scale))[0] for up, scale in zip(ups[spoke], scales, strict=True)]
        said.append(
            SaidOfPair(
                model=model.name,
                up=float(ups[spoke].mean()),
                low=float(ups[spoke].min()),
                high=float(ups[spoke].max()),
                seeds=int(spoke.sum()),
                pairs=float(at_mean),
                pairs_low=float(min(by_seed)),
                pairs_high=float(max(by_seed)),
            )
        )
    return tuple(said), silent


def _before(frozen: FrozenModels, fold: int, windows: Windows) -> Before | None:
    """What the models said one decision earlier."""
    if len(windows) < 2:
        return None
    asked = windows.take(np.array([len(windows) - 2]))
    session: date = asked.session[0].item()
    if session <= frozen.folds[fold].validation[1]:
        return None
    found = {}
    for model in frozen.models:
        ups = frozen.ups(model.name, fold, asked)[:, 0]
        if np.isfinite(ups).any():
            found[model.name] = float(np.nanmean(ups))
    return Before(session, str(asked.pair[0]), found)


def _recent(panel: Panel, spread: Floats, at: int) -> Recent:
    rows = [row for row in range(max(at - RECENT + 1, 0), at + 1) if np.isfinite(spread[row])]
    return Recent(tuple(panel.sessions[row].item() for row in rows), tuple(float(spread[row]) for row in rows))


def _next(product: Product, as_of: date) -> date | None:
    try:
        return trading_calendar(product.calendar).offset(as_of, 1)
    except CalendarError:
        return None
