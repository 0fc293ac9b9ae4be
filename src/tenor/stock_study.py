"""A study of stocks, ETFs or indices: one name or a whole market, one file, one question.

Three instances. ``stock-next-day`` asks for one ticker what its price does over 1, 5 and 20 sessions. ``csi300`` asks
which members of an index do better than others tomorrow, and what a portfolio of the best ones earns after costs.
``stocknet`` runs a published protocol to its sample counts.

It differs from a study of pairs (:mod:`tenor.study`) in what it trades and in what it asks: instruments of one exchange
by date of membership, returns over several horizons with quantiles, portfolios across names. Windows, folds, models,
calibration and statistics are the same; so is the file, with ``subject = "stocks"`` at its top.

:func:`run_stocks` is pure: study and market in, report out.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
import polars as pl
from annotated_types import Ge, Gt, Interval, Len
from pydantic import AfterValidator, TypeAdapter, ValidationError

from tenor.decide.backtest import Fill
from tenor.decide.book import build_book
from tenor.decide.portfolio import PortfolioLimits, StockCosts
from tenor.errors import MarketError, StudyError, suggest
from tenor.factor.clean import LeftOut
from tenor.factor.compute_universe import compute_universe
from tenor.factor.label import Target
from tenor.factor.stock_windows import Complete, Decisions, stock_windows
from tenor.factor.universe import CLOSE, Universe, build_universe
from tenor.factor.window import Fold, OutcomeDates, Split, Windows
from tenor.market.market import Market
from tenor.model.base import Settings
from tenor.model.calibrate import Calibration
from tenor.model.fit_plan import FitPlan
from tenor.model.prepare import Prepare
from tenor.problem import problems
from tenor.progress import Progress, silent
from tenor.registry import OneOf
from tenor.report.report import DataFacts
from tenor.report.stock_report import StockReport
from tenor.settings import STRICT, described
from tenor.study import EXECUTION_LAG, Source, Statistics, Study, plain_settings, plain_table, runnable_name
from tenor.trust.stocks import StockTerms, evaluate_stocks
from tenor.trust.walk_forward import WalkForwardRun, walk_forward


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose next days are asked.

    Parameters
    ----------
    codes
        Instruments; absent, every stock and ETF that the source holds, or every one that was ever a member.
    members
        A universe of the source: a decision stands only while the instrument is a member, as known that day.
    benchmark
        An instrument of the source that portfolios are measured against; absent, the equal-weight universe.
    first
        First session of a decision; absent, as early as the data go.
    last
        Last session of a decision; absent, as late as the data go.
    """

    __pydantic_config__: ClassVar = STRICT
    codes: Annotated[tuple[str, ...], Len(1)] | None = None
    members: str | None = None
    benchmark: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class StockSampling:
    """What one decision looks at; it is made at the close.

    Parameters
    ----------
    sessions
        Sessions of the instrument in a window.
    complete
        ``every``: all factors of all its sessions are known; ``any``: some are, the rest is filled with train's median.
    max_age_days
        A rate or curve point older than so many calendar days is missing, not stale.
    """

    __pydantic_config__: ClassVar = STRICT
    sessions: Annotated[int, Gt(0)]
    complete: Complete = "any"
    max_age_days: Annotated[int, Gt(0)] = 10


@dataclass(frozen=True, slots=True)
class StockTrading:
    """How portfolios are traded, stated and never assumed.

    Parameters
    ----------
    fills
        When orders are filled; every fill is computed, the first is the headline. ``same_close`` trades at the very
        close that it knows, an upper bound; ``next_open`` and ``next_close`` one session later.
    costs
        Commission, slippage, tax and borrowing; nothing is assumed.
    limits
        How much may be held of all and of one name, and traded in a session.
    haircut
        Part of its value that a position loses, long or short, when its name is never quoted again; 1 is all of it.
    """

    __pydantic_config__: ClassVar = STRICT
    fills: Annotated[tuple[Fill, ...], Len(1)]
    costs: StockCosts
    limits: PortfolioLimits
    haircut: Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class StockStudy:
    """One question about stocks, with everything that its answer depends on.

    Parameters
    ----------
    subject
        ``"stocks"``: tells the file from one of pairs.
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
        The source; ``products`` are the instruments that are read.
    sampling
        What one decision looks at, made at the close: how many sessions, and how complete their factors must be.
    target
        What is asked: the return over each horizon, and from where on one counts as up or down.
    factors
        What is computed on each session, laid side by side as columns. Factors across instruments read columns of
        others.
    split
        How sessions are cut into train, validation and test.
    models
        What is trained and asked, each kind once. Name rules such as reversal beside networks: they must be beaten.
    universe
        Whose next days are asked: instruments by code, or by date of membership.
    portfolios
        Rules across names; the first is the headline. Give them with ``trading``, or neither where only forecasts are
        asked.
    trading
        When portfolios are traded, what that costs, and how much may be held; it comes with ``portfolios``.
    prepare
        How factor values are filled, scaled and selected before a model reads them.
    fit
        How networks are trained; trees and regression take its class weights. Its defaults were chosen on simulated
        markets, never on a real one.
    calibration
        How raw probabilities are set right on validation.
    statistics
        Coverage of the intervals, and the draws that they rest on.
    speaks
        The model that ``tenor predict`` quotes first; absent, the first that gives quantiles.

    Raises
    ------
    StudyError
        With every contradiction between settings.
    """

    __pydantic_config__: ClassVar = STRICT
    subject: Literal["stocks"]
    name: Annotated[str, AfterValidator(runnable_name)]
    question: str
    seed: Annotated[int, Ge(0)]
    seeds: Annotated[int, Gt(0)]
    market: Annotated[Source, OneOf("tenor.sources")]
    sampling: StockSampling
    target: Target
    factors: Annotated[tuple[Annotated[Any, OneOf("tenor.factors")], ...], Len(1)]
    split: Annotated[Split, OneOf("tenor.splits")]
    models: Annotated[tuple[Annotated[Settings, OneOf("tenor.models")], ...], Len(1)]
    universe: Selection = field(default_factory=Selection)
    portfolios: tuple[Annotated[Any, OneOf("tenor.portfolios")], ...] = ()
    trading: StockTrading | None = None
    prepare: Prepare = field(default_factory=Prepare)
    fit: FitPlan = field(default_factory=FitPlan)
    calibration: Calibration = field(default_factory=Calibration)
    statistics: Statistics = field(default_factory=Statistics)
    speaks: str | None = None

    def __post_init__(self) -> None:
        if found := list(_contradictions(self)):
            raise StudyError(found)

    @property
    def parts(self) -> tuple[Any, ...]:
        """Every setting whose class a plugin may have given."""
        return (self.market, self.split, *self.factors, *self.models, *self.portfolios)

    @property
    def identity(self) -> str:
        """SHA-256 of the resolved study, as hex: equal settings, equal identity, whatever the file's form."""
        settings = plain_settings(asdict(self), whole=True)
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, consecutive from ``seed``."""
        return tuple(range(self.seed, self.seed + self.seeds))


AnyStudy: TypeAlias = Study | StockStudy


@cache
def _adapter() -> TypeAdapter[StockStudy]:
    return TypeAdapter(StockStudy)


def schema_of_stocks() -> dict[str, Any]:
    """Return the JSON schema of the file of a study of stocks, with what the docstrings say put to each key."""
    return described(_adapter().json_schema())


def load_stocks(table: Mapping[str, Any], *, where: str = "study") -> StockStudy:
    """Validate the table of a study of stocks; :class:`StudyError` with every problem, as :func:`tenor.study.load`."""
    text = json.dumps(plain_table(table), default=repr)
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as invalid:
        raise StudyError([f"{where}: {problem}" for problem in problems(StockStudy, invalid)]) from None


def resolved_stocks(study: StockStudy) -> dict[str, Any]:
    """Return the study as plain tables with every default written out, as TOML can hold them (no nulls)."""
    table = plain_settings(asdict(study))
    assert isinstance(table, dict)
    return table


def codes_of(study: StockStudy, market: Market) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the instruments that a study asks about, and sentences on those that it cannot.

    Raises
    ------
    MarketError
        If there is none.
    """
    chosen = study.universe
    quoted = set(market.codes())
    if chosen.codes is not None:
        return chosen.codes, ()
    if chosen.members is not None:
        listed = market.members.filter((pl.col("universe") == chosen.members) & pl.col("member"))["code"]
        wanted = listed.unique().sort().to_list()
    else:
        wanted = market.instruments.filter(pl.col("kind") != "index")["code"].to_list()
    wanted = [code for code in wanted if code != chosen.benchmark]
    held = tuple(code for code in wanted if code in quoted)
    if not held:
        raise MarketError(
            f"{market.name!r} quotes none of the {len(wanted)} instruments"
            + (f" of universe {chosen.members!r}" if chosen.members else "")
            + f"; it quotes {len(quoted)}, name some in universe.codes"
        )
    lacking = [code for code in wanted if code not in quoted]
    said = (
        (
            f"{len(lacking)} of {len(wanted)} members of {chosen.members} have no prices here, {lacking[0]} among them:"
            " what was delisted or merged is missing, and the others look better for it (survivorship)",
        )
        if lacking
        else ()
    )
    return held, said


def universe_of(study: StockStudy, market: Market) -> Universe:
    """Align the instruments of a study; errors as :func:`tenor.factor.universe.build_universe`."""
    codes, _ = codes_of(study, market)
    needs = tuple(dict.fromkeys(field for factor in study.factors for field in getattr(factor, "inputs", ())))
    return build_universe(
        market, codes, needs, members=study.universe.members, max_age_days=study.sampling.max_age_days
    )


def windows_of(study: StockStudy, universe: Universe, watch: Progress = silent) -> tuple[Windows, tuple[LeftOut, ...]]:
    """Compute the factors of a universe and collect the decisions of a study."""
    columns, rows = compute_universe(study.factors, universe, watch=watch)
    return stock_windows(
        universe,
        columns,
        rows,
        length=study.sampling.sessions,
        target=study.target,
        complete=study.sampling.complete,
        between=Decisions(study.universe.first, study.universe.last),
    )


def judged_on(
    folds: Sequence[Fold], windows: Windows, *, calibrated: bool
) -> tuple[Literal["test", "validation"], str | None]:
    """Say which range a study can be judged on: test, or validation while the data end before the test range."""
    for fold in folds:
        if np.isfinite(fold.part(windows, "test").change).any():
            return "test", None
    last = windows.session.max()
    on = "training was stopped" + (" and probabilities were calibrated" if calibrated else "")
    return "validation", (
        f"VALIDATION, not test: the data end on {last}, before an outcome of the test range"
        f" ({folds[0].test[0]} to {folds[-1].test[1]}) is known. Every score below is of the validation range, on which"
        f" {on}: it flatters whatever learns"
    )


def run_stocks(study: StockStudy, market: Market, *, watch: Progress = silent) -> StockReport:
    """Answer ``study`` from ``market``.

    Raises
    ------
    MarketError
        If the market lacks an instrument, a universe, a rate or a curve point that the study names.
    SplitError
        If no decision is left, or a range of a fold is empty.
    FitError
        If no model has a forecast to score.
    """
    _, lacking = codes_of(study, market)
    universe = universe_of(study, market)
    benchmark = None if study.universe.benchmark is None else build_universe(market, (study.universe.benchmark,))
    windows, left_out = windows_of(study, universe, watch)
    folds = study.split.split(np.unique(windows.session))
    judged, why = judged_on(folds, windows, calibrated=study.calibration.kind != "none")
    said = walk_forward(
        [model.recipe(study.prepare, study.fit) for model in study.models],
        windows,
        folds,
        seeds=study.seed_list,
        calibration=study.calibration,
        judged=judged,
        strangers=not study.prepare.by_product,
        watch=watch,
    )
    first, last = said.test.session.min().item(), universe.sessions.max().item()
    book, of_book = build_book(universe, first, last, benchmark=benchmark)
    of_book += _dividends(market, study.universe.benchmark)
    trading = study.trading
    terms = StockTerms(
        portfolios=study.portfolios,
        fills=trading.fills if trading else (),
        costs=trading.costs if trading else None,
        limits=trading.limits if trading else None,
        haircut=trading.haircut if trading else 0.0,
        sessions_per_year=universe.exchange.sessions_per_year,
        level=study.statistics.level,
        replications=study.statistics.replications,
        seed=study.seed,
    )
    evaluation = evaluate_stocks(said, book, terms, watch=watch)
    said_of_data = ((why,) if why else (), lacking, universe.notes, market.notes, of_book if study.portfolios else ())
    return StockReport(
        study=resolved_stocks(study),
        identity=study.identity,
        data=DataFacts(
            source=market.name,
            simulated=market.simulated,
            fingerprint=market.fingerprint(),
            first=str(windows.session[0]),
            last=str(windows.session[-1]),
            notes=tuple(sentence for part in said_of_data for sentence in part),
        ),
        judged=judged,
        names=universe.codes,
        exchange=universe.exchange.code,
        currency=universe.exchange.currency,
        samples=_samples(folds, windows, judged),
        left_out=left_out,
        missing=_missing(windows),
        folds=said.folds,
        failures=tuple(failure for forecast in said.forecasts for failure in forecast.failures),
        evaluation=evaluation,
        forecasts=_forecasts(said),
        prices=_quoted(universe, said),
        frozen=said.frozen,
    )


_LEARNT: tuple[Literal["train", "validation"], ...] = ("train", "validation")


def _dividends(market: Market, benchmark: str | None) -> tuple[str, ...]:
    """A word where portfolios, which are paid dividends, stand against an index that may not be."""
    if benchmark is None or market.instrument(benchmark)["kind"][0] != "index":
        return ()
    return (
        f"{benchmark} is an index: unless it counts dividends, information ratios against it flatter by the yield of"
        " the names, whose returns hold theirs",
    )


def _samples(
    folds: Sequence[Fold], windows: Windows, judged: Literal["test", "validation"]
) -> dict[str, tuple[int, ...]]:
    """Decided windows of each range by fold: what is learnt from, and what is scored outside the band."""
    counts: dict[str, tuple[int, ...]] = {}
    for name in _LEARNT:
        counts[name] = tuple(len(fold.learnable(windows, name)) for fold in folds)
    counts["judged"] = tuple(int(fold.part(windows, judged).decided.sum()) for fold in folds)
    return counts


def _missing(windows: Windows) -> dict[str, float]:
    """Share of unknown values by column, over the sessions that some window holds."""
    held = windows.rows[windows.touched]
    return dict(zip(windows.columns, np.mean(~np.isfinite(held), axis=0).tolist(), strict=True))


def _forecasts(said: WalkForwardRun) -> pl.DataFrame:
    """What every model said of every judged window: mean and standard deviation over the seeds that spoke."""
    frames = []
    test = said.test
    for forecast in said.forecasts:
        spoke = np.isfinite(forecast.up)
        count = spoke.sum(axis=0)
        mean = forecast.ensemble()
        off = np.where(spoke, forecast.up - mean, 0.0)
        sd = np.sqrt((off * off).sum(axis=0) / np.maximum(count - 1, 1))
        frames.append(
            pl.DataFrame(
                {
                    "session": test.session.astype("datetime64[D]"),
                    "code": test.product,
                    "fold": said.fold.astype(np.int32),
                    "seeds": count.astype(np.int32),
                    "up": mean,
                    "up_sd": np.where(count > 1, sd, np.nan),
                    "change": test.change,
                    "label": test.label.astype(np.int8),
                    **_quantile_columns(forecast.quantiles, forecast.horizons, forecast.levels),
                }
            ).with_columns(model=pl.lit(forecast.model))
        )
    return pl.concat(frames, how="diagonal").with_columns(pl.col(pl.Float64, pl.Float32).fill_nan(None))


def _quantile_columns(values: Any, horizons: tuple[int, ...], levels: tuple[float, ...]) -> dict[str, Any]:
    """Mean quantiles over the seeds that gave some, named as ``q5_0.9`` for five sessions and level 0.9."""
    if values is None:
        return {}
    known = np.isfinite(values).all(axis=(2, 3))
    total = np.where(known[:, :, None, None], values, 0.0).sum(axis=0)
    mean = total / np.maximum(known.sum(axis=0), 1)[:, None, None]
    mean[~known.any(axis=0)] = np.nan
    return {
        f"q{horizon}_{level:g}": mean[:, at, place].astype(np.float32)
        for at, horizon in enumerate(horizons)
        for place, level in enumerate(levels)
    }


def _quoted(universe: Universe, said: WalkForwardRun) -> pl.DataFrame:
    """Closes over the judged sessions and a quarter before, as quoted and adjusted."""
    shown = universe.sessions >= said.test.session.min() - np.timedelta64(90, "D")
    close = universe.fields[CLOSE][shown]
    return pl.DataFrame(
        {
            "session": universe.sessions[shown],
            "code": np.array(universe.codes)[universe.code[shown]],
            "close": close / universe.factor[shown],
            "adjusted": close,
        }
    )


def _contradictions(study: StockStudy) -> Iterator[str]:
    """What no single key can show."""
    longest = study.target.horizons[-1]
    fills: tuple[Fill, ...] = study.trading.fills if study.trading else ("same_close",)
    if isinstance(study.split, OutcomeDates):
        if study.target.horizons != (1,):
            yield (
                f"target.horizons: {list(study.target.horizons)} under a split by outcome dates, whose ranges touch"
                " after one session; use horizons = [1], or another split"
            )
    else:
        for fill in fills:
            least = longest + EXECUTION_LAG[fill]
            if study.split.purge < least:
                yield (
                    f"split.purge: {study.split.purge} is shorter than the longest horizon {longest} plus execution"
                    f" lag {EXECUTION_LAG[fill]} of fill {fill!r}; use purge >= {least}"
                )
    if bool(study.portfolios) != (study.trading is not None):
        yield "portfolios, trading: give both, or neither where only forecasts are asked"
    columns = [column for factor in study.factors for column in factor.columns]
    for model in study.models:
        if getattr(model, "reads", ()) and "return_1" not in columns:
            yield f"models.{model.kind}: reads 'return_1', which no factor computes; add the factor return with day 1"
    banded = study.target.up > 0 or study.target.down < 0
    for model in study.models:
        if banded and (model.kind == "random_walk" or not getattr(getattr(model, "head", None), "of_classes", True)):
            yield (
                f"models.{model.kind}: gives prices, but days inside the band ({study.target.down:g} to"
                f" {study.target.up:g}) are not learnt from, so its distribution would lack them; set target.up ="
                " target.down = 0, or ask for a direction"
            )
    kinds = [model.kind for model in study.models]
    if study.speaks is not None and study.speaks not in kinds:
        yield f"speaks: no model {study.speaks!r} in the study{suggest(study.speaks, kinds)}; it has {kinds}"
    uniques: tuple[tuple[str, list[str]], ...] = (
        ("trading.fills", list(fills)),
        ("models", kinds),
        ("portfolios", [rule.name for rule in study.portfolios]),
        ("universe.codes", list(study.universe.codes or ())),
        ("factor columns", columns),
    )
    for what, named in uniques:
        repeated = sorted({name for name in named if named.count(name) > 1})
        if repeated:
            yield f"{what}: {repeated} named more than once; name each once"
