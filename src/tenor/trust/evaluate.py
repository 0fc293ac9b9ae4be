"""From forecasts to the tables of a report: scored, traded, and compared with the rules on the same days.

Everything is stated as a distribution (:mod:`tenor.trust.evaluation`). The unit of time is the session, all products of
a day together, and every model is resampled on the *same* redrawn sessions, so that differences between models are
paired. Positions are traded in :mod:`tenor.trust.trading`, models compared in :mod:`tenor.trust.comparison`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from tenor.decide.legs import Legs
from tenor.errors import FitError, MarketError, SplitError
from tenor.factor.label import NEUTRAL
from tenor.factor.window import Windows
from tenor.progress import Progress, silent
from tenor.trust import significance
from tenor.trust.comparison import compare, findings
from tenor.trust.evaluation import ALL, Direction, Evaluation, Score, Terms, over_seeds, with_interval
from tenor.trust.score import Reliability, direction_scores, reliability, right_calls
from tenor.trust.trading import equity, score_trades, tabulate, trades
from tenor.trust.walk_forward import WalkForwardRun
from tenor.units import Bools, Dates, Floats, Ints

DIRECTION = ("accuracy", "accuracy_all", "balanced_accuracy", "mcc", "auc", "log_loss", "brier", "ece")


def evaluate(
    said: WalkForwardRun, legs: Sequence[Legs], terms: Terms, sessions: Dates, *, watch: Progress = silent
) -> Evaluation:
    """Score, trade and compare every forecast.

    Parameters
    ----------
    said
        Forecasts of all test windows.
    legs
        One per product, covering every test session of that product.
    terms
        Positions, fills, costs and statistics.
    sessions
        Every exchange session of the test ranges, shape ``(session,)``. One on which no pair could be held is a session
        without a return; leaving it out would annualise the others as if the capital had been at work all year.

    Raises
    ------
    FitError
        If no model has a forecast whose outcome is known.
    MarketError
        If a forecast falls on a session without legs.
    """
    _require_legs(said, legs)
    outcome = np.isfinite(said.test.change)
    test = said.test.take(outcome)
    known = {f.model: f.up[:, outcome] for f in said.forecasts}
    complete = {name: up for name, up in known.items() if all_spoke(up, test).any()}
    if not complete:
        reasons = {failure.reason for forecast in said.forecasts for failure in forecast.failures}
        raise FitError(f"no model has a forecast to score: {'; '.join(sorted(reasons)) or 'no outcome is known yet'}")
    notes = gaps(known, test)
    traded = trades(said, [f for f in said.forecasts if f.model in complete], legs, sessions, terms, watch)
    headline = {
        trade.forecast.model: trade.money
        for trade in traded
        if (trade.position, trade.fill) == (terms.positions[0].name, terms.fills[0])
    }
    watch("statistics", 0, 1)
    block = block_of(np.stack([money.returns.mean(axis=0) for money in headline.values()]), notes)
    days = significance.resample(len(sessions), replications=terms.replications, seed=terms.seed, block=block)
    right = {name: right_by_session(test, up, sessions) for name, up in complete.items()}
    comparisons = compare(right, headline, days, terms)
    evaluation = Evaluation(
        level=terms.level,
        replications=terms.replications,
        block=block,
        sessions=sessions,
        directions=directions(complete, test, sessions, days, terms.level),
        by_fold={name: accuracy_by_fold(up, test, said.fold[outcome]) for name, up in complete.items()},
        reliabilities={name: reliability_of(up, test) for name, up in complete.items()},
        earned=score_trades(traded, sessions, days, terms),
        equities=tuple(equity(model, money) for model, money in headline.items()),
        comparisons=comparisons,
        findings=findings(comparisons, terms.level),
        ledger=pl.concat(tabulate(trade, result) for trade in traded for result in trade.results),
        notes=tuple(notes),
    )
    watch("statistics", 1, 1)
    return evaluation


def block_of(returns: Floats, notes: list[str]) -> float:
    """Mean block of the bootstrap; where the returns do not tell it, the cube root of the sessions, and a note."""
    try:
        return significance.block_length(returns)
    except SplitError as untold:
        block = max(1.0, float(np.cbrt(returns.shape[-1])))
        notes.append(f"bootstrap blocks of {block:.1f} sessions, the cube root of their number: {untold}")
        return block


def _require_legs(said: WalkForwardRun, legs: Sequence[Legs]) -> None:
    """Refuse a test window that could not be traded."""
    for code in np.unique(said.test.product):
        held = [part.sessions for part in legs if part.product == code]
        asked = said.test.session[said.test.product == code]
        lacking = asked[~np.isin(asked, np.concatenate(held))] if held else asked
        if len(lacking):
            raise MarketError(
                f"{code}: {len(lacking)} forecasts fall on a session without legs, the first on {lacking[0]};"
                " build both from one panel"
            )


def gaps(known: Mapping[str, Floats], test: Windows) -> list[str]:
    """Say which models are not scored on every window, and why that is."""
    notes = []
    for model, up in known.items():
        scored, any_seed = all_spoke(up, test), np.isfinite(up).any(axis=0)
        if not scored.any():
            notes.append(f"{model}: no window has a forecast from every seed; it has no scores")
        elif part := int((any_seed & ~scored).sum()):
            notes.append(f"{model}: some seeds failed on {part} windows; these are traded by the others, not scored")
    return notes


def all_spoke(up: Floats, test: Windows) -> Bools:
    """Windows on which every seed has a forecast."""
    return np.asarray(np.isfinite(up).all(axis=0))


def right_by_session(test: Windows, up: Floats, sessions: Dates, mine: Bools | None = None) -> significance.Sessions:
    """Right calls outside the band by session of the study's calendar, shape ``(seed, session)``."""
    counted = (test.label != NEUTRAL) & all_spoke(up, test)
    if mine is not None:
        counted &= mine
    right = np.where(counted, right_calls(np.nan_to_num(up, nan=0.5), test.change), 0.0)
    empty = np.zeros((len(up), len(sessions)))
    return significance.by_session(
        np.concatenate([test.session, sessions]),
        np.concatenate([right, empty], axis=1),
        scored=np.concatenate([counted, np.zeros(len(sessions), dtype=bool)]),
    )


def directions(
    complete: Mapping[str, Floats],
    test: Windows,
    sessions: Dates,
    days: Ints,
    level: float,
    *,
    by_product: bool = True,
) -> tuple[Direction, ...]:
    """Score the calls of every model, over all products and, with ``by_product``, of each."""
    products = [str(code) for code in np.unique(test.product)]
    out = []
    for scope in (ALL, *products) if len(products) > 1 and by_product else (ALL,):
        mine = np.full(len(test), True) if scope == ALL else test.product == scope
        for model, up in complete.items():
            scored = mine & all_spoke(up, test)
            if not scored.any():
                continue
            result = direction_scores(up[:, scored], test.change[scored], test.label[scored] == NEUTRAL)
            scores = {name: over_seeds(getattr(result, name)) for name in DIRECTION}
            right = right_by_session(test, up, sessions, mine)
            interval = significance.accuracy_interval(
                right.total.mean(axis=0, keepdims=True), right.count, days, level=level
            )
            scores["accuracy"] = with_interval(scores["accuracy"], interval, 0)
            p_value = float("nan")
            if result.n:
                p_value = float(
                    significance.binomial_p_value(np.floor(scores["accuracy"].mean * result.n + 1e-9), result.n)
                )
            counts = (result.n, result.n_neutral, result.n_zero)
            out.append(Direction(model, scope, len(up), scores, *counts, p_value, dict(result.undefined)))
    return tuple(out)


def accuracy_by_fold(up: Floats, test: Windows, fold: Ints) -> tuple[Score, ...]:
    """Share of right calls in each fold."""
    out = []
    for index in np.unique(fold):
        mine = (fold == index) & all_spoke(up, test) & (test.label != NEUTRAL)
        out.append(
            over_seeds(right_calls(up[:, mine], test.change[mine]).mean(axis=1)) if mine.any() else Score(float("nan"))
        )
    return tuple(out)


def reliability_of(up: Floats, test: Windows) -> Reliability:
    """Return how often what was said came, over the windows on which every seed spoke."""
    scored = all_spoke(up, test)
    return reliability(up[:, scored], test.change[scored], test.label[scored] == NEUTRAL)
