"""From forecasts to the tables of a report: scored, traded, and compared with the rules on the same days.

Everything is stated as a distribution. Over seeds: mean and standard deviation. Over time: a block-bootstrap
interval of the seed average, with sessions (all products of a day together) as the unit and the *same*
redrawn sessions for every model, so that differences between models are paired.

The finding is deliberately hard to make. A model is said to have found something only if its accuracy beats
*every* rule on the same days: the largest of its p-values against the rules, halved for the direction, then
corrected by Holm over the models that learn. Under no signal that happens at most as often as the stated
level allows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tenor.decide.backtest import Backtest, Fill, backtest
from tenor.decide.costs import Costs
from tenor.decide.ledger import ledger
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.decide.position import Probability, Sign
from tenor.decide.sizer import Learned
from tenor.errors import FitError, MarketError
from tenor.factor.label import NEUTRAL
from tenor.factor.window import Windows
from tenor.model.forecast import Forecast
from tenor.progress import Progress, silent
from tenor.trust import significance
from tenor.trust.score import Reliability, direction_scores, reliability, return_scores, right_calls
from tenor.trust.walk_forward import WalkForwardRun
from tenor.units import Bools, Dates, Floats, Ints

RULES = ("majority", "reversal", "momentum")
"""Models that every other model is compared with."""

ALL = "all"
"""Name of the scope that pools every product."""

DIRECTION = ("accuracy", "accuracy_all", "balanced_accuracy", "mcc", "auc", "log_loss", "brier", "ece")
MONEY = (
    "sharpe_gross",
    "sharpe",
    "annual_return_gross",
    "annual_return",
    "volatility",
    "max_drawdown",
    "calmar",
    "hit_rate",
    "total_gross",
    "total",
    "annual",
    "turnover",
    "break_even_cost",
)


@dataclass(frozen=True, slots=True)
class Score:
    """One number as a distribution: over seeds, and of the seed average over time.

    ``mean`` and ``sd`` are over seeds, ``low`` to ``high`` the interval over time.     ``sd`` is ``None`` for
    a model with one seed; ``low`` and ``high`` are ``None`` for scores without an interval. NaN where the
    score is undefined.
    """

    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Direction:
    """How good one model's calls were in one scope (a product, or all)."""

    model: str
    scope: str
    seeds: int
    scores: Mapping[str, Score]
    n: int
    n_neutral: int
    n_zero: int
    binomial_p: float
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Earned:
    """What one model's positions earned under one position rule and one fill in one scope."""

    model: str
    position: str
    fill: Fill
    scope: str
    seeds: int
    scores: Mapping[str, Score]
    no_forecast: int
    undefined: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """First model minus second on the same sessions; ``measure`` is ``accuracy`` or ``sharpe``."""

    first: str
    second: str
    measure: str
    estimate: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a model that learns beats every rule in accuracy; ``p_holm`` is corrected over such models."""

    model: str
    best_rule: str
    margin: float
    p_holm: float
    found: bool


@dataclass(frozen=True, slots=True, eq=False)
class Equity:
    """Cumulative return on margin of one model (headline position and fill), additive on constant capital.

    ``net`` has shape ``(seed, session)``, ``gross`` is the seed mean, shape ``(session,)``.
    """

    model: str
    net: Floats
    gross: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All that a report shows of a study's test ranges."""

    level: float
    replications: int
    block: float
    sessions: Dates
    directions: tuple[Direction, ...]
    by_fold: Mapping[str, tuple[Score, ...]]
    reliabilities: Mapping[str, Reliability]
    earned: tuple[Earned, ...]
    equities: tuple[Equity, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]
    ledger: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How positions are traded and uncertainty is stated; the first position and fill are the headline."""

    positions: Sequence[Sign | Probability]
    fills: Sequence[Fill]
    costs: Costs
    limits: Limits
    sessions_per_year: int
    level: float
    replications: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class _Money:
    """Daily money of one model, position and fill, all products together.

    ``net``, ``gross``, ``legs`` and ``held`` are ``(seed, session)``, ``capital`` is ``(session,)``.
    """

    net: Floats
    gross: Floats
    capital: Floats
    legs: Floats
    held: Bools

    @property
    def returns(self) -> Floats:
        """Net money on capital, ``(seed, session)``."""
        return self.net / self.capital

    @property
    def returns_gross(self) -> Floats:
        """Money before costs on capital, ``(seed, session)``."""
        return self.gross / self.capital


@dataclass(frozen=True, slots=True, eq=False)
class _Trade:
    """One model under one position rule and fill: a backtest per product, and their sum."""

    forecast: Forecast
    position: str
    fill: Fill
    results: tuple[Backtest, ...]
    money: _Money


def evaluate(
    said: WalkForwardRun, legs: Sequence[Legs], terms: Terms, *, watch: Progress = silent
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

    Raises
    ------
    FitError
        If no model has a forecast whose outcome is known.
    MarketError
        If a forecast falls on a session without legs.
    """
    _require_legs(said, legs)
    sessions = np.unique(np.concatenate([part.sessions for part in legs]))
    outcome = np.isfinite(said.test.change)
    test = said.test.take(outcome)
    known = {f.model: f.up[:, outcome] for f in said.forecasts}
    complete = {name: up for name, up in known.items() if _scored(up, test).any()}
    if not complete:
        reasons = {failure.reason for forecast in said.forecasts for failure in forecast.failures}
        raise FitError(
            f"no model has a forecast to score: {'; '.join(sorted(reasons)) or 'no outcome is known yet'}"
        )
    notes = _gaps(known, test)
    trades = _trades(said, [f for f in said.forecasts if f.model in complete], legs, sessions, terms, watch)
    headline = {
        trade.forecast.model: trade.money
        for trade in trades
        if (trade.position, trade.fill) == (terms.positions[0].name, terms.fills[0])
    }
    watch("statistics", 0, 1)
    block = significance.block_length(np.stack([money.returns.mean(axis=0) for money in headline.values()]))
    days = significance.resample(len(sessions), replications=terms.replications, seed=terms.seed, block=block)
    right = {name: _right_by_session(test, up, sessions) for name, up in complete.items()}
    comparisons = _compare(right, headline, days, terms)
    evaluation = Evaluation(
        level=terms.level,
        replications=terms.replications,
        block=block,
        sessions=sessions,
        directions=_directions(complete, test, sessions, days, terms),
        by_fold={name: _by_fold(up, test, said.fold[outcome]) for name, up in complete.items()},
        reliabilities={name: _reliability(up, test) for name, up in complete.items()},
        earned=_earned(trades, days, terms),
        equities=tuple(_equity(model, money) for model, money in headline.items()),
        comparisons=comparisons,
        findings=_findings(comparisons, terms.level),
        ledger=pl.concat(_tabulate(trade, result) for trade in trades for result in trade.results),
        notes=tuple(notes),
    )
    watch("statistics", 1, 1)
    return evaluation


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


def _gaps(known: Mapping[str, Floats], test: Windows) -> list[str]:
    """Say which models are not scored on every window, and why that is."""
    notes = []
    for model, up in known.items():
        scored, any_seed = _scored(up, test), np.isfinite(up).any(axis=0)
        if not scored.any():
            notes.append(f"{model}: no window has a forecast from every seed; it has no scores")
        elif part := int((any_seed & ~scored).sum()):
            notes.append(
                f"{model}: some seeds failed on {part} windows; these are traded by the others, not scored"
            )
    return notes


def _trades(
    said: WalkForwardRun,
    forecasts: Sequence[Forecast],
    legs: Sequence[Legs],
    sessions: Dates,
    terms: Terms,
    watch: Progress,
) -> list[_Trade]:
    """Backtest every position rule and fill, all models and seeds of a product side by side."""
    cells = [(position, fill) for position in terms.positions for fill in terms.fills]
    stops = np.cumsum([len(forecast.seeds) for forecast in forecasts])
    by_model: dict[str, list[_Trade]] = {forecast.model: [] for forecast in forecasts}
    for number, (position, fill) in enumerate(cells):
        every = [_trade(said, forecasts, part, position, fill, terms) for part in legs]
        for forecast, stop in zip(forecasts, stops, strict=True):
            results = tuple(result.strategies(slice(stop - len(forecast.seeds), stop)) for result in every)
            trade = _Trade(forecast, position.name, fill, results, _pool(results, sessions))
            by_model[forecast.model].append(trade)
        watch("backtest", number + 1, len(cells))
    return [trade for trades in by_model.values() for trade in trades]


def _trade(
    said: WalkForwardRun,
    forecasts: Sequence[Forecast],
    legs: Legs,
    position: Sign | Probability,
    fill: Fill,
    terms: Terms,
) -> Backtest:
    """Backtest every model and seed on one product; sessions without a decision have no forecast."""
    mine = said.test.product == legs.product
    place = np.searchsorted(legs.sessions, said.test.session[mine])
    shape = (sum(len(forecast.seeds) for forecast in forecasts), len(legs))
    up, scale, move = np.full(shape, np.nan), np.full(shape, np.nan), np.full(len(legs), np.nan)
    up[:, place] = np.concatenate([forecast.up[:, mine] for forecast in forecasts])
    full = np.concatenate([forecast.scale[:, mine] for forecast in forecasts])
    scale[:, place] = np.maximum(full, max(position.least_scale, np.finfo(float).tiny))
    move[place] = said.expected_move[mine]
    return backtest(
        up,
        legs,
        position.sizer(),
        fill=fill,
        costs=terms.costs,
        limits=terms.limits,
        learned=Learned(scale, move),
    )


def _pool(results: Sequence[Backtest], sessions: Dates) -> _Money:
    """Add products up by session; a product's capital stays committed between its first and last session."""
    seeds = results[0].net.shape[0]
    net, gross, legs = (np.zeros((seeds, len(sessions))) for _ in range(3))
    held = np.zeros((seeds, len(sessions)), dtype=bool)
    capital = np.zeros(len(sessions))
    for result in results:
        at = np.searchsorted(sessions, result.legs.sessions)
        net[:, at] += result.net
        gross[:, at] += result.gross
        legs[:, at] += 2 * np.abs(result.traded) / result.limits.max_pairs
        before = np.concatenate([np.zeros((seeds, 1)), result.position[:, :-1]], axis=1)
        held[:, at] |= (before != 0) | (result.position != 0)
        between = np.arange(at[0], at[-1] + 1)
        capital[between] += result.capital[np.searchsorted(at, between, side="right") - 1]
    return _Money(net, gross, capital, legs, held)


def _equity(model: str, money: _Money) -> Equity:
    return Equity(
        model,
        np.cumsum(money.returns, axis=1),
        np.cumsum(money.returns_gross.mean(axis=0)),
    )


def _tabulate(trade: _Trade, result: Backtest) -> pl.DataFrame:
    keys = [pl.lit(trade.forecast.model).alias("model"), pl.lit(trade.position).alias("position_rule")]
    return pl.concat(
        ledger(result, (number,)).with_columns(*keys, pl.lit(seed, dtype=pl.Int64).alias("seed"))
        for number, seed in enumerate(trade.forecast.seeds)
    )


def _over_seeds(values: Floats) -> Score:
    values = np.asarray(values, dtype=np.float64)
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return Score(float(values.mean()), sd)


def _with_interval(score: Score, interval: significance.Interval, number: int) -> Score:
    return Score(score.mean, score.sd, float(interval.low[number]), float(interval.high[number]))


def _scored(up: Floats, test: Windows) -> Bools:
    """Windows on which every seed has a forecast."""
    return np.asarray(np.isfinite(up).all(axis=0))


def _right_by_session(
    test: Windows, up: Floats, sessions: Dates, mine: Bools | None = None
) -> significance.Sessions:
    """Right calls outside the band by session of the study's calendar, shape ``(seed, session)``."""
    counted = (test.label != NEUTRAL) & _scored(up, test)
    if mine is not None:
        counted &= mine
    right = np.where(counted, right_calls(np.nan_to_num(up, nan=0.5), test.change), 0.0)
    empty = np.zeros((len(up), len(sessions)))
    return significance.by_session(
        np.concatenate([test.session, sessions]),
        np.concatenate([right, empty], axis=1),
        scored=np.concatenate([counted, np.zeros(len(sessions), dtype=bool)]),
    )


def _directions(
    complete: Mapping[str, Floats], test: Windows, sessions: Dates, days: Ints, terms: Terms
) -> tuple[Direction, ...]:
    products = [str(code) for code in np.unique(test.product)]
    out = []
    for scope in (ALL, *products) if len(products) > 1 else (ALL,):
        mine = np.full(len(test), True) if scope == ALL else test.product == scope
        for model, up in complete.items():
            scored = mine & _scored(up, test)
            if not scored.any():
                continue
            result = direction_scores(up[:, scored], test.change[scored], test.label[scored] == NEUTRAL)
            scores = {name: _over_seeds(getattr(result, name)) for name in DIRECTION}
            right = _right_by_session(test, up, sessions, mine)
            interval = significance.accuracy_interval(
                right.total.mean(axis=0, keepdims=True), right.count, days, level=terms.level
            )
            scores["accuracy"] = _with_interval(scores["accuracy"], interval, 0)
            p_value = float("nan")
            if result.n:
                p_value = float(
                    significance.binomial_p_value(
                        np.floor(scores["accuracy"].mean * result.n + 1e-9), result.n
                    )
                )
            counts = (result.n, result.n_neutral, result.n_zero)
            out.append(Direction(model, scope, len(up), scores, *counts, p_value, dict(result.undefined)))
    return tuple(out)


def _by_fold(up: Floats, test: Windows, fold: Ints) -> tuple[Score, ...]:
    out = []
    for index in np.unique(fold):
        mine = (fold == index) & _scored(up, test) & (test.label != NEUTRAL)
        out.append(
            _over_seeds(right_calls(up[:, mine], test.change[mine]).mean(axis=1))
            if mine.any()
            else Score(float("nan"))
        )
    return tuple(out)


def _reliability(up: Floats, test: Windows) -> Reliability:
    scored = _scored(up, test)
    return reliability(up[:, scored], test.change[scored], test.label[scored] == NEUTRAL)


def _earned(trades: Sequence[_Trade], days: Ints, terms: Terms) -> tuple[Earned, ...]:
    """Score every trade, pooled (with intervals) and by product."""
    intervals = {}
    for name in ("returns", "returns_gross"):
        estimate, draws = significance.seed_sharpe(
            [getattr(trade.money, name) for trade in trades], days, sessions_per_year=terms.sessions_per_year
        )
        intervals[name.replace("returns", "sharpe")] = significance.interval_of(estimate, draws, terms.level)
    out = []
    for number, trade in enumerate(trades):
        scopes = {ALL: trade.money}
        if len(trade.results) > 1:
            scopes |= {r.legs.product: _pool([r], r.legs.sessions) for r in trade.results}
        for scope, money in scopes.items():
            scored = return_scores(
                money.net,
                money.gross,
                money.capital,
                money.legs,
                money.held,
                sessions_per_year=terms.sessions_per_year,
            )
            scores = {name: _over_seeds(getattr(scored, name)) for name in MONEY}
            if scope == ALL:
                scores |= {
                    name: _with_interval(scores[name], found, number) for name, found in intervals.items()
                }
            missing = sum(int(r.no_forecast.max()) for r in trade.results if scope in (ALL, r.legs.product))
            seeds = len(trade.forecast.seeds)
            keys = (trade.forecast.model, trade.position, trade.fill, scope, seeds)
            out.append(Earned(*keys, scores, missing, dict(scored.undefined)))
    return tuple(out)


def _compare(
    right: Mapping[str, significance.Sessions], headline: Mapping[str, _Money], days: Ints, terms: Terms
) -> tuple[Comparison, ...]:
    """Every model that learns minus every rule, and minus every model that learns before it in the study."""
    learners = [name for name in right if name not in RULES]
    pairs = [(first, rule) for first in learners for rule in RULES if rule in right]
    pairs += [(first, second) for i, first in enumerate(learners) for second in learners[:i]]
    if not pairs:
        return ()
    out = []
    for first, second in pairs:
        # a fold that failed for one of the two models leaves both
        same = right[first].count == right[second].count
        gap = significance.accuracy_difference(
            np.where(same, right[first].total.mean(axis=0), 0.0),
            np.where(same, right[second].total.mean(axis=0), 0.0),
            np.where(same, right[first].count, 0),
            days,
            level=terms.level,
        )
        out.append(_comparison(first, second, "accuracy", gap, None))
    estimate, draws = significance.seed_sharpe(
        [money.returns for money in headline.values()], days, sessions_per_year=terms.sessions_per_year
    )
    place = {name: number for number, name in enumerate(headline)}
    one, other = ([place[pair[side]] for pair in pairs] for side in (0, 1))
    gaps = significance.difference_of(estimate[one] - estimate[other], draws[one] - draws[other], terms.level)
    out += [_comparison(*pair, "sharpe", gaps, number) for number, pair in enumerate(pairs)]
    return tuple(out)


def _comparison(
    first: str, second: str, measure: str, gap: significance.Difference, number: int | None
) -> Comparison:
    found = (gap.estimate, gap.low, gap.high, gap.p_value)
    return Comparison(
        first, second, measure, *(float(value if number is None else value[number]) for value in found)
    )


def _one_sided(found: Comparison) -> float:
    """P-value of "first is better"; 1 where the two have no session in common."""
    if np.isnan(found.p_value):
        return 1.0
    return found.p_value / 2 if found.estimate > 0 else 1 - found.p_value / 2


def _findings(comparisons: Sequence[Comparison], level: float) -> tuple[Finding, ...]:
    """Test for each model that learns that it beats every rule: intersection-union, Holm over models.

    A comparison without a common session says nothing, so its p-value counts as 1.
    """
    against = [c for c in comparisons if c.measure == "accuracy" and c.second in RULES]
    models = list(dict.fromkeys(c.first for c in against))
    weakest = []
    for model in models:
        mine = [c for c in against if c.first == model]
        one_sided = max(_one_sided(c) for c in mine)
        weakest.append((min(mine, key=lambda c: c.estimate), one_sided))
    corrected = significance.holm([p for _, p in weakest])
    return tuple(
        Finding(model, worst.second, worst.estimate, float(p), bool(p < round(1 - level, 12)))
        for model, (worst, _), p in zip(models, weakest, corrected, strict=True)
    )
