"""An outlook: what a kept run says of one instrument after its last close, and how far to believe it.

For AAPL after the close of 2025-11-24 it holds the probability of up of every model, seed by seed; the quantiles of the
price after 1, 5 and 20 sessions; the naive row beside them (tomorrow = today, with the usual size of moves); and the
record of the same models on the same name. Nothing is trained here: the frozen models of the run's last fold speak, the
very ones whose record is shown, and they speak for no longer than a test range of their study.

Prices ahead are the last quoted price times one plus the return of the *adjusted* price: a dividend that goes ex on the
way makes the quoted price that much lower.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tenor.decide.portfolio import Portfolio, PortfolioLimits
from tenor.errors import CalendarError, MarketError
from tenor.factor.universe import CLOSE, Universe
from tenor.factor.window import Windows
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import Exchange
from tenor.model.frozen import FrozenModels
from tenor.units import Floats


@dataclass(frozen=True, slots=True)
class Said:
    """What one model says of one instrument.

    Parameters
    ----------
    model
        Its name.
    up, low, high
        Probability of up over the first horizon: mean over the seeds, least and greatest.
    seeds
        How many seeds spoke.
    returns, prices
        Quantiles by horizon and level, ``[horizon][level]``, mean over the seeds: decimals, and in the currency of the
        quote; empty where the model gives none.
    levels
        Levels of the quantiles.
    weight
        What the study's first portfolio would hold of a book of this instrument alone, long above 0, as a part of
        equity and the mean over the seeds; ``None`` for a study without portfolios.
    weight_low, weight_high
        The least and the greatest over the seeds.
    """

    model: str
    up: float
    low: float
    high: float
    seeds: int
    levels: tuple[float, ...] = ()
    returns: tuple[tuple[float, ...], ...] = ()
    prices: tuple[tuple[float, ...], ...] = ()
    weight: float | None = None
    weight_low: float | None = None
    weight_high: float | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is said of one instrument.

    Parameters
    ----------
    code, exchange, currency
        The instrument.
    as_of
        Session of its last close, after which the forecast was made.
    close, change
        That close as quoted, and the return since the one before.
    horizons
        Sessions ahead.
    due
        Session of each outcome on the exchange's calendar; ``None`` beyond the holidays that are known.
    models
        What each model says, in the order of the study.
    naive
        Tomorrow = today: the last close, whatever the horizon.
    missed
        Sessions of the exchange that closed since ``as_of`` without a quote here.
    learnt_until
        Last session that the models' train range holds.
    notes
        What a reader must know, one sentence each.
    """

    code: str
    exchange: str
    currency: str
    as_of: date
    close: float
    change: float
    horizons: tuple[int, ...]
    due: tuple[date | None, ...]
    models: tuple[Said, ...]
    naive: float
    missed: int
    learnt_until: date
    notes: tuple[str, ...] = ()


def outlook(
    universe: Universe,
    windows: Windows,
    frozen: FrozenModels,
    code: str,
    *,
    today: date,
    portfolio: Portfolio | None = None,
    limits: PortfolioLimits | None = None,
) -> Outlook:
    """Ask the models of a run about the last close of ``code``.

    Parameters
    ----------
    universe, windows
        As the run's study makes them from the market of now.
    frozen
        The models of the run.
    code
        The instrument.
    today
        The day of the exchange on which this is asked; a session of today counts as closed.
    portfolio, limits
        The rule by which the instrument would be held, and what it may not pass; both or neither.

    Raises
    ------
    MarketError
        If the last session of ``code`` has no window (too short a history, or not a member), or is one that the models
        learnt from, were stopped by or calibrated on: of that they say nothing new.
    FitError
        If the models do not speak of ``code``.
    """
    rows = universe.rows(code)
    asked = windows.take(np.asarray(windows.product == code))
    last = universe.sessions[rows][-1]
    if not len(asked) or asked.session[-1] != last:
        held = f"{rows.stop - rows.start} sessions are held"
        have = f"its last window ends on {asked.session[-1]}" if len(asked) else held
        raise MarketError(
            f"{code}: no window ends on its last session {last}, {have}; a window needs {windows.length} sessions with"
            " factors, on a day of membership"
        )
    asked = asked.take(np.array([len(asked) - 1]))
    fold = len(frozen.folds) - 1
    learnt = frozen.folds[fold].validation[1]
    if last <= np.datetime64(learnt, "D"):
        raise MarketError(
            f"{code}: its last session is {last}, and the models learnt from sessions until {learnt} (validation"
            " included): what they say of it is no forecast; give later prices, or train on these"
        )
    price = universe.fields[CLOSE][rows] / universe.factor[rows]
    adjusted = universe.fields[CLOSE][rows]
    as_of = last.item()
    close = float(price[-1])
    said = []
    notes = []
    for model in frozen.models:
        ups = frozen.ups(model.name, fold, asked)[:, 0]
        spoke = np.isfinite(ups)
        if not spoke.any():
            notes.append(f"{model.name}: none of its seeds speaks of {code}")
            continue
        found = frozen.quantiles(model.name, fold, asked)
        levels, returns = ((), ()) if found is None else (found.levels, _mean(found.values[:, 0]))
        weight = low = high = None
        if portfolio is not None and limits is not None:
            weights = _weights(portfolio, limits, ups[spoke], frozen.scales(model.name, fold)[spoke])
            weight, low, high = float(weights.mean()), float(weights.min()), float(weights.max())
        said.append(
            Said(
                model=model.name,
                up=float(ups[spoke].mean()),
                low=float(ups[spoke].min()),
                high=float(ups[spoke].max()),
                seeds=int(spoke.sum()),
                levels=levels,
                returns=returns,
                prices=tuple(tuple(close * (1.0 + value) for value in row) for row in returns),
                weight=weight,
                weight_low=low,
                weight_high=high,
            )
        )
    return Outlook(
        code=code,
        exchange=universe.exchange.code,
        currency=universe.exchange.currency,
        as_of=as_of,
        close=close,
        change=float(adjusted[-1] / adjusted[-2] - 1.0) if len(adjusted) > 1 else float("nan"),
        horizons=windows.horizons,
        due=tuple(_due(universe.exchange, as_of, horizon) for horizon in windows.horizons),
        models=tuple(said),
        naive=close,
        missed=missed_sessions(universe.exchange, as_of, today),
        learnt_until=frozen.folds[fold].train[1],
        notes=tuple(notes),
    )


def _weights(portfolio: Portfolio, limits: PortfolioLimits, ups: Floats, scales: Floats) -> Floats:
    """What each seed would hold, from nothing, of a book of one name, ``(seed,)``."""
    targets = portfolio.targets(ups[:, None], scales[:, None], np.zeros((len(ups), 1)), limits.gross)
    return np.clip(targets, -limits.name, limits.name)[:, 0]


def _mean(values: Floats) -> tuple[tuple[float, ...], ...]:
    """Mean over the seeds that have one of ``(seed, horizon, level)``."""
    spoke = np.isfinite(values).all(axis=(1, 2))
    return tuple(tuple(row) for row in values[spoke].mean(axis=0).tolist())


def _due(at: Exchange, as_of: date, horizon: int) -> date | None:
    try:
        return trading_calendar(at.calendar).offset(as_of, horizon)
    except CalendarError:
        return None


def missed_sessions(at: Exchange, as_of: date, today: date) -> int:
    """Count the sessions after ``as_of`` up to and including ``today``."""
    return trading_calendar(at.calendar).count_after(as_of, today)
