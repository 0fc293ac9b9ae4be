"""From forecasts of stocks to the tables of a report: scored, ranked, traded, and compared with the rules.

The unit of time is the session, all names of a day together: what a market does in common is one observation, however
many names there are. Every model is resampled on the same redrawn sessions, so differences between models are paired.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tenor.decide.backtest import Fill
from tenor.decide.book import Book
from tenor.decide.portfolio import PortfolioLimits, PortfolioResult, StockCosts, trade
from tenor.errors import FitError
from tenor.factor.cross_section import group_rank
from tenor.factor.label import NEUTRAL
from tenor.factor.window import Windows
from tenor.model.forecast import Forecast
from tenor.progress import Progress, silent
from tenor.trust import significance
from tenor.trust.comparison import compare, findings
from tenor.trust.cross_section import CrossSection, cross_section
from tenor.trust.evaluate import (
    accuracy_by_fold,
    all_spoke,
    block_of,
    directions,
    gaps,
    reliability_of,
    right_by_session,
)
from tenor.trust.evaluation import ALL, Comparison, Direction, Finding, Score, over_seeds, with_interval
from tenor.trust.quantiles import QuantileScores, quantile_scores
from tenor.trust.score import Reliability, return_scores
from tenor.trust.walk_forward import WalkForwardRun
from tenor.units import Bools, Dates, Floats, Ints

MOST_NAMES = 100
"""Most names that are also scored one by one."""

MONEY = (
    *("sharpe_gross", "sharpe", "annual_return_gross", "annual_return", "volatility", "max_drawdown", "calmar"),
    *("hit_rate", "turnover", "break_even_cost"),
)


@dataclass(frozen=True, slots=True)
class StockTerms:
    """How portfolios are traded and uncertainty is stated; the first portfolio and fill are the headline."""

    portfolios: Sequence[Any]
    fills: Sequence[Fill]
    costs: StockCosts | None
    limits: PortfolioLimits | None
    haircut: float
    sessions_per_year: int
    level: float
    replications: int
    seed: int


@dataclass(frozen=True, slots=True)
class PortfolioScores:
    """What one model earned under one rule and fill: scores as distributions over seeds, Sharpe ratios with intervals.

    Beside those of :class:`tenor.trust.score.ReturnScores` (returns on equity, ``turnover`` in round trips of the whole
    equity a year), ``information_ratio`` is the annualised mean over standard deviation of the net return less the
    benchmark's; ``excess`` its annual mean; ``exposure`` and ``names`` are means over sessions.
    """

    model: str
    portfolio: str
    fill: Fill
    seeds: int
    scores: Mapping[str, Score]
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioEquity:
    """Cumulative returns of one model, headline rule and fill: ``net (seed, session)``, the others ``(session,)``."""

    model: str
    net: Floats
    gross: Floats
    turnover: Floats
    exposure: Floats


@dataclass(frozen=True, slots=True, eq=False)
class StockEvaluation:
    """All that a report shows of the sessions that a study of stocks is judged on.

    ``sessions`` are those of the decisions; what a decision earns falls on the session after it, ``earned_on``: of
    these are the scores of portfolios, ``equities`` and ``benchmark``. ``directions`` and ``mcc`` are of each seed, as
    means over seeds; ``together`` and ``mcc_together`` are of one forecast, the mean of what the seeds say, which is
    what an outlook quotes. ``groups`` holds for each model the mean next return of names by fifth of its forecast, per
    session, ``(fifth,)``.
    """

    level: float
    replications: int
    block: float
    sessions: Dates
    directions: tuple[Direction, ...]
    mcc: Mapping[str, Score]
    together: tuple[Direction, ...]
    mcc_together: Mapping[str, Score]
    by_fold: Mapping[str, tuple[Score, ...]]
    reliabilities: Mapping[str, Reliability]
    cross_sections: tuple[CrossSection, ...]
    groups: Mapping[str, Floats]
    quantiles: tuple[QuantileScores, ...]
    portfolios: tuple[PortfolioScores, ...]
    earned_on: Dates
    equities: tuple[PortfolioEquity, ...]
    benchmark: Floats
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    ledger: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Traded:
    """One model under one rule and fill."""

    model: str
    portfolio: str
    fill: Fill
    result: PortfolioResult

    @property
    def returns(self) -> Floats:
        """Net returns, ``(seed, session)``."""
        return self.result.net

    @property
    def returns_gross(self) -> Floats:
        """Returns before costs."""
        return self.result.gross


def evaluate_stocks(
    said: WalkForwardRun, book: Book, terms: StockTerms, *, watch: Progress = silent
) -> StockEvaluation:
    """Score, rank, trade and compare every forecast of a walk forward.

    Parameters
    ----------
    said
        Forecasts of all judged windows.
    book
        Prices on every session that they cover and one more, on which the last position is marked.
    terms
        Portfolios, costs and statistics.
    watch
        Told of every portfolio.

    Raises
    ------
    FitError
        If no model has a forecast whose outcome is known.
    """
    outcome = np.isfinite(said.test.change)
    test = said.test.take(outcome)
    complete = {f.model: f.up[:, outcome] for f in said.forecasts if all_spoke(f.up[:, outcome], test).any()}
    if not complete:
        reasons = {failure.reason for forecast in said.forecasts for failure in forecast.failures}
        raise FitError(f"no model has a forecast to score: {'; '.join(sorted(reasons)) or 'no outcome is known yet'}")
    sessions = np.unique(test.session)
    notes = gaps({f.model: f.up[:, outcome] for f in said.forecasts}, test)
    terms, unfilled = _fillable(terms, book)
    notes += unfilled
    held = [_held(forecast, complete, outcome) for forecast in said.forecasts if forecast.model in complete]
    traded = list(_trades(said, [f for f in said.forecasts if f.model in complete], book, terms, watch))
    watch("statistics", 0, 1)
    headline = {
        one.model: one for one in traded if (one.portfolio, one.fill) == (terms.portfolios[0].name, terms.fills[0])
    }
    together_up = {f.model: f.ensemble()[None, outcome] for f in said.forecasts if f.model in complete}
    # a decision on the close of one session earns on the next; its outcome is known, so there is one
    shown = np.searchsorted(book.sessions, sessions) + 1
    if (idle := int(shown[-1] - shown[0] + 1 - len(shown))) and traded:
        notes.append(
            f"on {idle} sessions after the first decision nothing was decided; what portfolios earned on the sessions"
            " after them is in the ledger and in no score"
        )
    notes_of_block: list[str] = []
    if headline:
        series = np.stack([_cut(one.result, shown).net.mean(axis=0) for one in headline.values()])
    else:
        series = np.stack([_shares(right_by_session(test, up, sessions)) for up in complete.values()])
    # outcomes of neighbouring days share all but a day of a longer horizon
    overlap = 2.0 * test.horizons[0] if test.horizons[0] > 1 else 1.0
    block = max(block_of(series, notes_of_block), overlap)
    days = significance.resample(len(sessions), replications=terms.replications, seed=terms.seed, block=block)
    together = np.all([all_spoke(up, test) for up in complete.values()], axis=0)
    if not together.all():
        notes.append(
            f"models are compared on the {int(together.sum()):,} of {len(test):,} decisions of which every one of"
            f" them spoke"
        )
    right = {name: right_by_session(test, up, sessions, together) for name, up in complete.items()}
    in_sessions = {name: replace(one, result=_cut(one.result, shown)) for name, one in headline.items()}
    comparisons = compare(right, in_sessions, days, terms)
    ranked = {name: cross_section(name, up, test, sessions, days, level=terms.level) for name, up in complete.items()}
    notes += _unranked(ranked, complete)
    names = np.unique(test.product)
    if len(names) > MOST_NAMES:
        notes.append(f"{len(names)} names: scores by name are not shown beyond {MOST_NAMES}")
    evaluation = StockEvaluation(
        level=terms.level,
        replications=terms.replications,
        block=block,
        sessions=sessions,
        directions=tuple(
            # names of a day are not independent, and a binomial p over all of them would say they are
            replace(one, binomial_p=float("nan")) if one.scope == ALL and len(names) > 1 else one
            for one in directions(complete, test, sessions, days, terms.level, by_product=len(names) <= MOST_NAMES)
        ),
        mcc={name: _mcc(up, test, sessions, days, terms.level) for name, up in complete.items()},
        together=tuple(
            replace(one, binomial_p=float("nan")) if one.scope == ALL and len(names) > 1 else one
            for one in directions(together_up, test, sessions, days, terms.level, by_product=len(names) <= MOST_NAMES)
        ),
        mcc_together={name: _mcc(up, test, sessions, days, terms.level) for name, up in together_up.items()},
        by_fold={name: accuracy_by_fold(up, test, said.fold[outcome]) for name, up in complete.items()},
        reliabilities={name: reliability_of(up, test) for name, up in complete.items()},
        cross_sections=tuple(found for found in ranked.values() if found is not None),
        groups={name: fifths for name, up in complete.items() if (fifths := _groups(up, test)) is not None},
        quantiles=quantile_scores(
            held, test, sessions, replications=terms.replications, seed=terms.seed, block=block, level=terms.level
        ),
        portfolios=_scored(traded, shown, book, days, terms),
        earned_on=book.sessions[shown],
        equities=tuple(_equity(one, shown) for one in headline.values()),
        benchmark=np.cumsum(book.benchmark[shown]),
        comparisons=comparisons,
        findings=findings(comparisons, terms.level),
        ledger=_ledger(traded, book),
        notes=(*notes, *notes_of_block),
    )
    watch("statistics", 1, 1)
    return evaluation


def _fillable(terms: StockTerms, book: Book) -> tuple[StockTerms, list[str]]:
    """Leave out what no name can be filled at, and say so; say which names have no open price."""
    if "next_open" not in terms.fills or not terms.portfolios:
        return terms, []
    there = np.asarray(np.isfinite(book.open).any(axis=0))
    without = [code for code, opens in zip(book.codes, there.tolist(), strict=True) if not opens]
    if not without:
        return terms, []
    if len(without) < len(book.codes):
        one = f"1 name has no open price, {without[0]}: at the next open it is not traded"
        more = f"{len(without)} names have no open price, {without[0]} among them: at the next open they are not traded"
        return terms, [one if len(without) == 1 else more]
    left = tuple(fill for fill in terms.fills if fill != "next_open")
    instead = f"filled at the {left[0].replace('_', ' ')}" if left else "not traded"
    return replace(terms, fills=left, portfolios=terms.portfolios if left else ()), [
        f"there are no open prices, so nothing can be filled at the next open: portfolios are {instead}"
    ]


def _unranked(ranked: Mapping[str, CrossSection | None], complete: Mapping[str, Floats]) -> list[str]:
    """Say which models, or how many of their seeds, have no information coefficient, where others have one."""
    if not any(ranked.values()):
        return []
    none = [name for name, found in ranked.items() if found is None]
    notes = [f"{', '.join(none)}: no session on which names are told apart, so no ranking is scored"] if none else []
    for name, found in ranked.items():
        if found is not None and found.seeds < len(complete[name]):
            lost = len(complete[name]) - found.seeds
            notes.append(
                f"{name}: {lost} of {len(complete[name])} seeds never tell names apart; the ranking is scored without"
                " them"
            )
    return notes


def _held(forecast: Forecast, complete: Mapping[str, Floats], outcome: Any) -> Forecast:
    """A forecast of the windows whose outcome is known."""
    quantiles = None if forecast.quantiles is None else forecast.quantiles[:, outcome]
    return replace(forecast, up=complete[forecast.model], quantiles=quantiles)


def _shares(right: significance.Sessions) -> Floats:
    """Share of right calls of each session, mean over seeds; one half where there was no call."""
    total = right.total.mean(axis=0)
    return np.where(right.count > 0, total / np.maximum(right.count, 1), 0.5)


def _trades(said: WalkForwardRun, forecasts: Sequence[Forecast], book: Book, terms: StockTerms, watch: Progress) -> Any:
    """Trade every model under every rule and fill."""
    if not terms.portfolios or terms.costs is None or terms.limits is None:
        return
    at = np.searchsorted(book.sessions, said.test.session)
    place = {code: number for number, code in enumerate(book.codes)}
    name = np.array([place[code] for code in said.test.product.tolist()])
    total = len(forecasts) * len(terms.portfolios) * len(terms.fills)
    for number, (forecast, rule, fill) in enumerate(itertools.product(forecasts, terms.portfolios, terms.fills)):
        up, scale = (np.full((len(forecast.seeds), len(book), len(book.codes)), np.nan) for _ in range(2))
        up[:, at, name], scale[:, at, name] = forecast.up, forecast.scale
        result = trade(
            up,
            scale,
            book,
            rule,
            fill=fill,
            costs=terms.costs,
            limits=terms.limits,
            haircut=terms.haircut,
            sessions_per_year=terms.sessions_per_year,
        )
        watch("portfolios", number + 1, total)
        yield _Traded(forecast.model, rule.name, fill, result)


def _cut(result: PortfolioResult, shown: Ints) -> PortfolioResult:
    """The sessions that are scored; what the first decision cost at its own close counts on the first of them."""
    cut = {name: getattr(result, name)[:, shown] for name in PortfolioResult.__slots__}
    for name in ("net", "gross", "turnover"):
        cut[name][:, 0] += getattr(result, name)[:, shown[0] - 1]
    return PortfolioResult(**cut)


def _scored(
    traded: Sequence[_Traded], shown: Ints, book: Book, days: Ints, terms: StockTerms
) -> tuple[PortfolioScores, ...]:
    if not traded:
        return ()
    cut = [replace(one, result=_cut(one.result, shown)) for one in traded]
    benchmark = book.benchmark[shown]
    intervals = {}
    for name, groups in (
        ("sharpe", [one.returns for one in cut]),
        ("sharpe_gross", [one.returns_gross for one in cut]),
        ("information_ratio", [one.returns - benchmark for one in cut]),
    ):
        estimate, draws = significance.seed_sharpe(groups, days, sessions_per_year=terms.sessions_per_year)
        intervals[name] = (estimate, significance.interval_of(estimate, draws, terms.level))
    out = []
    for number, one in enumerate(cut):
        result = one.result
        scored = return_scores(
            result.net,
            result.gross,
            np.ones(result.net.shape[1]),
            result.turnover,
            _carried(result.names),
            sessions_per_year=terms.sessions_per_year,
            legs_per_round_trip=2,
        )
        scores = {name: over_seeds(getattr(scored, name)) for name in MONEY}
        estimate, _ = intervals["information_ratio"]
        scores["information_ratio"] = Score(float(estimate[number]))
        excess = (result.net - benchmark).mean(axis=1) * terms.sessions_per_year
        scores |= {"excess": over_seeds(excess), "exposure": over_seeds(result.exposure.mean(axis=1))}
        scores["names"] = over_seeds(result.names.mean(axis=1))
        scores |= {name: with_interval(scores[name], found, number) for name, (_, found) in intervals.items()}
        out.append(PortfolioScores(one.model, one.portfolio, one.fill, len(result.net), scores, dict(scored.undefined)))
    return tuple(out)


def _carried(names: Floats) -> Bools:
    """Whether anything was held into each session: what was held after the trades of the one before."""
    return np.hstack([np.zeros((len(names), 1), dtype=bool), names[:, :-1] > 0])


def _equity(one: _Traded, shown: Ints) -> PortfolioEquity:
    result = _cut(one.result, shown)
    return PortfolioEquity(
        one.model,
        np.cumsum(result.net, axis=1),
        np.cumsum(result.gross.mean(axis=0)),
        result.turnover.mean(axis=0),
        result.exposure.mean(axis=0),
    )


def _mcc(up: Floats, test: Windows, sessions: Dates, days: Ints, level: float) -> Score:
    """Matthews correlation coefficient (1975) with its interval over sessions, all names of a day together."""
    counted = (test.label != NEUTRAL) & all_spoke(up, test)
    at = np.searchsorted(sessions, test.session[counted])
    rose, called = test.label[counted] == 1, up[:, counted] > 0.5
    table = np.stack(
        [
            np.stack(
                [
                    np.bincount(at, (row == side) & (rose == came), len(sessions))
                    for side, came in ((True, True), (False, False), (True, False), (False, True))
                ]
            )
            for row in called
        ]
    )
    estimate = over_seeds(_matthews(table.sum(axis=2)))
    drawn = np.stack([significance.resampled_mean(seed, days) for seed in table])  # (seed, cell, replication)
    draws = np.nanmean(np.stack([_matthews(seed.T) for seed in drawn]), axis=0)
    interval = significance.interval_of(np.array([estimate.mean]), draws[None], level)
    return with_interval(estimate, interval, 0)


def _matthews(table: Floats) -> Floats:
    """``(..., 4)`` counts of right ups, right downs, wrong ups and wrong downs; 0 where one side is never called."""
    up, down, wrong_up, wrong_down = np.moveaxis(np.asarray(table, np.float64), -1, 0)
    under = np.sqrt((up + wrong_up) * (up + wrong_down) * (down + wrong_up) * (down + wrong_down))
    return np.where(under > 0, (up * down - wrong_up * wrong_down) / np.where(under > 0, under, 1.0), 0.0)


FIFTHS = 5
"""Groups of names by forecast."""


def _groups(up: Floats, test: Windows) -> Floats | None:
    """Mean next return by fifth of the forecast (mean over seeds), lowest first; sessions of few names are left out."""
    said = up.mean(axis=0)
    known = np.isfinite(said) & np.isfinite(test.change)
    _, session = np.unique(test.session[known], return_inverse=True)
    if not known.any():
        return None
    enough = np.bincount(session)[session] >= FIFTHS
    if not enough.any():
        return None
    rank = group_rank(said[known], session, np.full(len(session), True)) + 0.5
    fifth = np.clip((rank * FIFTHS).astype(int), 0, FIFTHS - 1)
    change = test.change[known]
    return np.array(
        [
            change[enough & (fifth == number)].mean() if (enough & (fifth == number)).any() else np.nan
            for number in range(FIFTHS)
        ]
    )


def _ledger(traded: Sequence[_Traded], book: Book) -> pl.DataFrame:
    """Every session of every portfolio: means over seeds, and the standard deviation of the net return."""
    frames = [
        pl.DataFrame(
            {
                "session": book.sessions,
                "net": one.result.net.mean(axis=0),
                "net_sd": one.result.net.std(axis=0),
                "gross": one.result.gross.mean(axis=0),
                "turnover": one.result.turnover.mean(axis=0),
                "exposure": one.result.exposure.mean(axis=0),
                "net_exposure": one.result.net_exposure.mean(axis=0),
                "names": one.result.names.mean(axis=0),
                "refused": one.result.refused.mean(axis=0),
            }
        ).with_columns(model=pl.lit(one.model), portfolio=pl.lit(one.portfolio), fill=pl.lit(one.fill))
        for one in traded
    ]
    if not frames:
        return pl.DataFrame({"session": book.sessions, "benchmark": book.benchmark})
    ledger = pl.concat(frames)
    return ledger.join(
        pl.DataFrame({"session": book.sessions, "benchmark": book.benchmark}), on="session", maintain_order="left"
    )
