"""A study: one file, one question, and the one place that composes an answer.

The dataclass below is the schema of the file; what a developer writes in Python, a researcher writes in
TOML. What is a judgement has no default: seeds, split and purge, costs, fills. :func:`load` reads a table
strictly (a number in quotes is no number) and reports every problem at once with its key path. What no single
key can show, the class itself refuses: a purge shorter than horizon plus execution lag, a fill at the close
of a decision in the evening, a rule without the factor it reads.

:func:`run` is pure: study and market in, report out.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Protocol, cast

import numpy as np
import polars as pl
from annotated_types import Ge, Gt, Interval, Len
from pydantic import AfterValidator, TypeAdapter, ValidationError

from tenor.decide.backtest import Fill, check_fill
from tenor.decide.costs import Costs
from tenor.decide.front import PRICES, front_legs
from tenor.decide.legs import Legs
from tenor.decide.limits import Limits
from tenor.errors import MarketError, StudyError
from tenor.factor.base import Factor
from tenor.factor.clean import Cleaning, build_windows
from tenor.factor.label import HORIZON
from tenor.factor.panel import Decision, Panel, build_panel
from tenor.factor.valuation import Valuation, is_valued
from tenor.factor.window import Split
from tenor.market.calendar import trading_calendar
from tenor.market.contract import front_pairs, product
from tenor.market.market import Market
from tenor.model.base import Settings
from tenor.model.calibrate import Calibration
from tenor.model.fit_plan import FitPlan
from tenor.model.forecast import forecast_table
from tenor.model.prepare import Prepare
from tenor.pricing.basket import STAND_IN_BASKET
from tenor.problem import problems
from tenor.progress import Progress, silent
from tenor.registry import OneOf
from tenor.report.report import DataFacts, Report
from tenor.settings import STRICT, described
from tenor.shock import Scenario
from tenor.trust.evaluate import evaluate
from tenor.trust.evaluation import Terms
from tenor.trust.walk_forward import walk_forward
from tenor.units import Dates

EXECUTION_LAG: Mapping[Fill, int] = {"same_close": 0, "next_open": 1, "next_close": 1}
"""Sessions from the decision to the fill."""


class Source(Protocol):
    """Settings of a source; ``read`` touches the world and is called by whoever calls :func:`run`."""

    @property
    def source(self) -> str:
        """Short name in the registry and in study files."""
        ...

    @property
    def products(self) -> tuple[str, ...] | None:
        """Product codes that are read."""
        ...

    def read(self) -> Market:
        """Read the market."""
        ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """What one decision looks at.

    Parameters
    ----------
    sessions
        Sessions in a window; on each of them both legs must have been quoted.
    decision
        ``close``: with what was known at the official close. ``evening``: five hours later.
    max_age_days
        A rate or curve point older than so many calendar days is missing, not stale.
    """

    __pydantic_config__: ClassVar = STRICT
    sessions: Annotated[int, Gt(0)]
    decision: Decision
    max_age_days: Annotated[int, Gt(0)] = 10


@dataclass(frozen=True, slots=True)
class Trading:
    """How positions are traded, stated and never assumed.

    Parameters
    ----------
    fills
        When orders are filled; every fill is computed, the first is the headline. ``same_close`` trades at the very
        close that it knows, an upper bound; ``next_open`` and ``next_close`` one session later.
    costs
        Slippage and fee of each leg execution; nothing is assumed.
    limits
        The largest position, in pairs, and whether lots are whole.
    sessions_per_year
        Annualises daily figures: 243 for CFFEX, 252 for New York.
    """

    __pydantic_config__: ClassVar = STRICT
    fills: Annotated[tuple[Fill, ...], Len(1)]
    costs: Costs
    limits: Limits
    sessions_per_year: Annotated[int, Interval(ge=200, le=366)]


@dataclass(frozen=True, slots=True)
class Statistics:
    """How uncertainty is stated.

    Parameters
    ----------
    level
        Coverage of the intervals, and how sure a finding must be: at 0.95 chance alone should make one in at most one
        study of 20.
    replications
        Draws of the stationary block bootstrap over sessions; more steady the ends of intervals, and take longer.
    """

    __pydantic_config__: ClassVar = STRICT
    level: Annotated[float, Interval(gt=0.5, lt=1)] = 0.95
    replications: Annotated[int, Ge(200)] = 2000


NAME = re.compile(r"[^\W_][\w.-]{0,63}")
"""A study's name begins the name of its run folder."""


def runnable_name(name: str) -> str:
    """Return ``name`` if a folder may be called so on every system."""
    if not NAME.fullmatch(name):
        raise StudyError(
            f"{name!r} cannot begin a folder's name; use up to 64 letters, digits, '-', '_' and '.',"
            " the first a letter or digit"
        )
    return name


@dataclass(frozen=True, slots=True)
class Study:
    """One question, with everything that its answer depends on.

    Parameters
    ----------
    name
        Short name, which begins the name of the run folder: up to 64 letters, digits, ``-``, ``_`` and ``.``, the first
        a letter or digit.
    question
        One sentence that the report prints under its title.
    seed
        First seed; the bootstrap draws with it too.
    seeds
        How many seeds, consecutive from ``seed``; models that draw are trained with each. Their spread shows how much
        of a result is the luck of a draw.
    market
        The source, with the products that are read; their windows are pooled, their rows split by date.
    sampling
        What one decision looks at: how many sessions, and what was known when.
    factors
        What is computed on each session, laid side by side as columns; every model that learns reads them all.
    split
        How sessions are cut into train, validation and test.
    models
        What is trained and asked, each kind once. Name rules such as reversal beside networks: they must be beaten.
    positions
        Rules from a probability to a position. Each is traded for every model; the first is the headline.
    trading
        When orders are filled, what that costs, and how much may be held.
    cleaning
        Which decisions are left out, and which changes are too small to learn from; 0 turns a rule off.
    prepare
        How factor values are filled, scaled and selected before a model reads them.
    fit
        How networks are trained; trees and regression take its class weights. Its defaults were chosen on simulated
        markets, never on a real one.
    calibration
        How raw probabilities are set right on validation.
    statistics
        Coverage of the intervals, and the draws that they rest on.
    valuation
        How futures are priced; factors of carry and every what-if need it.
    scenarios
        What ``tenor whatif`` asks if it is asked nothing else.

    Raises
    ------
    StudyError
        With every contradiction between settings.
    """

    __pydantic_config__: ClassVar = STRICT
    name: Annotated[str, AfterValidator(runnable_name)]
    question: str
    seed: Annotated[int, Ge(0)]
    seeds: Annotated[int, Gt(0)]
    market: Annotated[Source, OneOf("tenor.sources")]
    sampling: Sampling
    factors: Annotated[tuple[Annotated[Factor, OneOf("tenor.factors")], ...], Len(1)]
    split: Annotated[Split, OneOf("tenor.splits")]
    models: Annotated[tuple[Annotated[Settings, OneOf("tenor.models")], ...], Len(1)]
    positions: Annotated[tuple[Annotated[Any, OneOf("tenor.positions")], ...], Len(1)]
    trading: Trading
    cleaning: Cleaning = field(default_factory=Cleaning)
    prepare: Prepare = field(default_factory=Prepare)
    fit: FitPlan = field(default_factory=FitPlan)
    calibration: Calibration = field(default_factory=Calibration)
    statistics: Statistics = field(default_factory=Statistics)
    valuation: Valuation | None = None
    scenarios: tuple[Scenario, ...] = ()

    def __post_init__(self) -> None:
        if problems := list(_contradictions(self)):
            raise StudyError(problems)

    @property
    def parts(self) -> tuple[Any, ...]:
        """Every setting whose class a plugin may have given."""
        shifts = (shift for scenario in self.scenarios for shift in scenario.shifts)
        return (self.market, self.split, *self.factors, *self.models, *self.positions, *shifts)

    @property
    def products(self) -> tuple[str, ...]:
        """Product codes, as the source names them."""
        return self.market.products or ()

    @property
    def identity(self) -> str:
        """SHA-256 of the resolved study, as hex: equal settings, equal identity, whatever the file's form."""
        settings = plain_settings(asdict(self), whole=True)
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, consecutive from ``seed``."""
        return tuple(range(self.seed, self.seed + self.seeds))


def resolved(study: Study) -> dict[str, Any]:
    """Return the study as plain tables with every default written out, as TOML can hold them (no nulls)."""
    table = plain_settings(asdict(study))
    assert isinstance(table, dict)
    return table


def plain_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as TOML gives it with dates as text, as JSON can hold it."""
    return {name: plain_settings(part) for name, part in table.items()}


def plain_settings(value: Any, *, whole: bool = False) -> Any:
    """Turn settings into what TOML and JSON hold; with ``whole``, 1.0 becomes 1, the same setting."""
    if isinstance(value, Mapping):
        return {str(key): plain_settings(part, whole=whole) for key, part in value.items() if part is not None}
    if isinstance(value, list | tuple):
        return [plain_settings(part, whole=whole) for part in value]
    if isinstance(value, PurePath):
        return str(value)
    if whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)


def load(table: Mapping[str, Any], *, where: str = "study") -> Study:
    """Validate a study table.

    Parameters
    ----------
    table
        As ``tomllib`` returns it.
    where
        What error messages call it: the file's name.

    Raises
    ------
    StudyError
        With every problem found: key path, what was given, what is allowed, and a suggestion for a mistyped
        key. Contradictions between settings are found once each setting by itself is right.
    """
    # Strict validation of plain Python refuses a list for a tuple; that of JSON only what is of another kind.
    text = json.dumps(plain_table(table), default=repr)
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as invalid:
        raise StudyError([f"{where}: {problem}" for problem in problems(Study, invalid)]) from None


def schema() -> dict[str, Any]:
    """Return the JSON schema of a study file, with what the docstrings say put to each key."""
    return described(_adapter().json_schema())


def run(study: Study, market: Market, *, watch: Progress = silent) -> Report:
    """Answer ``study`` from ``market``.

    Raises
    ------
    MarketError
        If the market lacks a product, a rate or a curve point that the study names.
    SplitError
        If cleaning leaves no decision, or a range of a fold is empty.
    """
    panels = [panel for code in study.products for panel in panels_of(study, market, code)]
    windows, left_out = build_windows(panels, study.factors, length=study.sampling.sessions, cleaning=study.cleaning)
    folds = study.split.split(np.unique(windows.session))
    legs, notes = _legs(panels, folds[0].test[0], folds[-1].test[1])
    sessions, idle = _sessions(legs)
    for fill, part in itertools.product(study.trading.fills, legs):
        check_fill(part, fill)  # before training, which is what takes long
    said = walk_forward(
        [model.recipe(study.prepare, study.fit) for model in study.models],
        windows,
        folds,
        seeds=study.seed_list,
        calibration=study.calibration,
        watch=watch,
    )
    terms = Terms(
        positions=study.positions,
        fills=study.trading.fills,
        costs=study.trading.costs,
        limits=study.trading.limits,
        sessions_per_year=study.trading.sessions_per_year,
        level=study.statistics.level,
        replications=study.statistics.replications,
        seed=study.seed,
    )
    evaluation = evaluate(said, legs, terms, sessions, watch=watch)
    missing = np.mean(~np.isfinite(windows.rows[windows.touched]), axis=0)
    return Report(
        study=resolved(study),
        identity=study.identity,
        data=DataFacts(
            source=market.name,
            simulated=market.simulated,
            fingerprint=market.fingerprint(),
            first=str(windows.session[0]),
            last=str(windows.session[-1]),
            notes=(*market.notes, *_stand_ins(panels), *_unlisted(panels), *notes, *idle),
        ),
        left_out=left_out,
        missing=dict(zip(windows.columns, missing.tolist(), strict=True)),
        folds=said.folds,
        failures=tuple(failure for forecast in said.forecasts for failure in forecast.failures),
        evaluation=evaluation,
        forecasts=forecast_table(said.forecasts, said.test, said.fold),
        spreads=pl.concat(
            pl.DataFrame({"session": part.sessions, "pair": part.pair, "spread": part.spread_close}).with_columns(
                pl.lit(part.product).alias("product")
            )
            for part in legs
        ),
        frozen=said.frozen,
    )


def panels_of(study: Study, market: Market, code: str) -> list[Panel]:
    """Align every front pair of one product that the market quotes."""
    traded = product(code)
    quoted = market.quotes.filter(pl.col("code").str.replace(r"\d{4}$", "") == code)["date"]
    if quoted.is_empty():
        held = sorted({name[:-4] for name in market.codes()})
        raise MarketError(f"no quotes of product {code} in {market.name!r}; it quotes {held}")
    needs = [*PRICES, *(field for factor in study.factors for field in factor.inputs)]
    warm_up = max(factor.lookback for factor in study.factors) + study.sampling.sessions
    spans = front_pairs(traded, cast(date, quoted.min()), cast(date, quoted.max()))
    panels = (
        build_panel(
            market,
            traded,
            study.cleaning.shorten(span, traded),
            needs,
            decision=study.sampling.decision,
            warm_up=warm_up,
            max_age_days=study.sampling.max_age_days,
            valuation=study.valuation,
        )
        for span in spans
    )
    found = [panel for panel in panels if panel is not None]
    valued = [panel.valued for panel in found if panel.valued is not None]
    if valued and not any(leg.deliverable.any() for each in valued for leg in (each.pair.near, each.pair.far)):
        held = market.deliverables["contract"].unique().sort().to_list()
        raise MarketError(
            f"no list of deliverable bonds of {code} is known on any session of the study; the market has those of"
            f" {held or 'no contract'}. Give them, or set valuation.basket = 'stand_in'"
        )
    return found


def _stand_ins(panels: Sequence[Panel]) -> tuple[str, ...]:
    """Say what the values of legs rest on, where that is not what was published or quoted."""
    legs = [leg for p in panels if p.valued is not None for leg in (p.valued.pair.near, p.valued.pair.far)]
    if not legs:
        return ()
    notes = []
    if any(leg.known.stand_in for leg in legs):
        notes.append(STAND_IN_BASKET)
    quoted = sum(int((leg.quoted & leg.deliverable).sum()) for leg in legs)
    every = sum(int(leg.deliverable.sum()) for leg in legs)
    if quoted < every:
        notes.append(f"{every - quoted:,} of {every:,} prices of deliverable bonds (by session) are read off the curve")
    return tuple(notes)


def _unlisted(panels: Sequence[Panel]) -> tuple[str, ...]:
    """Say which contracts no basket was known of while their pair was in front."""
    codes = [
        leg.contract.code
        for panel in panels
        if panel.valued is not None
        for leg in (panel.valued.pair.near, panel.valued.pair.far)
        if not leg.deliverable[panel.front].any()
    ]
    named = ", ".join(dict.fromkeys(codes))
    return (
        (f"no list of deliverable bonds was known of {named} while in front; their values are unknown",)
        if codes
        else ()
    )


def _legs(panels: Sequence[Panel], first: date, last: date) -> tuple[list[Legs], tuple[str, ...]]:
    """Legs of each product from ``first`` to ``last`` and one more, which closes the last position."""
    legs: list[Legs] = []
    notes: list[str] = []
    for code in dict.fromkeys(panel.product.code for panel in panels):
        mine = [panel for panel in panels if panel.product.code == code]
        sessions = np.concatenate([panel.sessions[panel.front] for panel in mine])
        after = sessions[sessions > np.datetime64(last, "D")]
        close = after[0].item() if len(after) else last
        if ((sessions >= np.datetime64(first, "D")) & (sessions <= np.datetime64(close, "D"))).any():
            part, said = front_legs(mine, first, close)
            legs.append(part)
            notes += said
        else:
            notes.append(f"{code}: not quoted in the test ranges; it is not traded")
    return legs, tuple(notes)


def _sessions(legs: Sequence[Legs]) -> tuple[Dates, tuple[str, ...]]:
    """Every exchange session of the test ranges, and for each product on how many nothing could be held."""
    every, notes = [], []
    for part in legs:
        first, last = (day.item() for day in part.sessions[[0, -1]])
        days = trading_calendar(product(part.product).calendar).sessions(first, last)
        every += [days, part.sessions]
        if idle := len(days) - len(part):
            notes.append(
                f"{part.product}: on {idle} of {len(days)} exchange sessions of the test ranges no pair could be held"
                " (none was quoted in front, or the near leg had to be gone); they count as sessions without a return"
            )
    return np.unique(np.concatenate(every)), tuple(notes)


def _contradictions(study: Study) -> Iterator[str]:
    """What no single key can show."""
    if not NAME.fullmatch(study.name):
        yield f"name: {study.name!r} cannot begin a folder's name"
    if not study.market.products:
        yield "market.products: missing; name the products that the study pools, such as ['T']"
    for fill in study.trading.fills:
        least = HORIZON + EXECUTION_LAG[fill]
        if study.split.purge < least:
            yield (
                f"split.purge: {study.split.purge} is shorter than label horizon {HORIZON} plus execution lag"
                f" {EXECUTION_LAG[fill]} of fill {fill!r}; use purge >= {least}"
            )
        if fill == "same_close" and study.sampling.decision != "close":
            yield (
                "trading.fills: 'same_close' trades the close, but sampling.decision ="
                f" {study.sampling.decision!r} looks at what came after it; decide at 'close' or fill at"
                " 'next_open'"
            )
    columns = [column for factor in study.factors for column in factor.columns]
    for model in study.models:
        for column in getattr(model, "reads", ()):
            if column not in columns:
                yield f"models.{model.kind}: reads {column!r}, which no factor computes; add it to factors"
    if study.valuation is None:
        if study.scenarios:
            yield "scenarios: no shock can be priced without knowing how futures are; add a table [valuation]"
        for factor in study.factors:
            if any(is_valued(field) for field in factor.inputs):
                yield f"factors.{factor.kind}: needs to know how futures are priced; add a table [valuation]"
    uniques: tuple[tuple[str, list[str]], ...] = (
        ("trading.fills", [*study.trading.fills]),
        ("models", [model.kind for model in study.models]),
        ("positions", [position.name for position in study.positions]),
        ("products", list(study.products)),
        ("factor columns", columns),
        ("scenarios", [scenario.name for scenario in study.scenarios]),
    )
    for what, named in uniques:
        repeated = sorted({name for name in named if named.count(name) > 1})
        if repeated:
            yield f"{what}: {repeated} named more than once; name each once"
