"""The desk of a run of stocks: its frozen models over the market of now, and how they did where the run is judged.

A desk stays in memory while it is asked; what it says of an instrument is an outlook (:mod:`tenor.outlook`) with the
record of the model that is quoted beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.errors import MarketError, RunError, StudyError, suggest

if TYPE_CHECKING:
    from tenor.factor.universe import Universe
    from tenor.factor.window import Windows
    from tenor.io.runs import Run
    from tenor.market.contract import Product
    from tenor.market.exchange import Exchange
    from tenor.market.market import Market
    from tenor.model.frozen import FrozenModels
    from tenor.outlook import Outlook
    from tenor.stock_study import AnyStudy, StockStudy

Answer: TypeAlias = dict[str, Any]

RECENT = 120
"""Sessions of prices that an answer carries, for its figure."""


@dataclass(frozen=True, slots=True)
class StockDesk:
    """A run whose models are asked, and the market of now as its study reads it."""

    run: "Run"
    trained_now: bool
    study: "StockStudy"
    market: "Market"
    universe: "Universe"
    windows: "Windows"
    models: "FrozenModels"
    prices_from: str
    notes: tuple[str, ...]


def load_desk(run: Path, runs: Path, now: datetime, data: Path | None = None) -> StockDesk:
    """Read a run of stocks, over the market of its own study as that is at ``now``; ask it with :func:`ask_desk`.

    Parameters
    ----------
    run, runs
        The run, its folder or its name below ``runs``.
    now
        A moment; sessions that had not closed then are left out.
    data
        Folder to read the market from, if not the study's own.

    Raises
    ------
    StudyError
        If it is a run of pairs.
    RunError
        If it is damaged, or keeps no models.
    """
    from tenor.app.commands import located
    from tenor.io.runs import read_run

    kept = read_run(located(run, runs))
    study, market = of_run(kept, data)
    market, unclosed = closed(market, now)
    mind = [*other_code(kept, study), *unclosed]
    return make_desk(kept, False, study, market, f"run:{kept.folder.resolve()}", mind)


def make_desk(
    run: "Run", trained_now: bool, study: "StockStudy", market: "Market", prices_from: str, notes: Sequence[str]
) -> StockDesk:
    """Put a run's models before a market; ``prices_from`` finds it again, ``notes`` come before the market's own."""
    from tenor.io.runs import read_models
    from tenor.stock_study import universe_of, windows_of

    universe = universe_of(study, market)
    windows, _ = windows_of(study, universe)
    models = read_models(run, study, plain=True)
    said = (*notes, *universe.notes, *market.notes)
    return StockDesk(run, trained_now, study, market, universe, windows, models, prices_from, said)


def ask_desk(desk: StockDesk, code: str, now: datetime) -> Answer:
    """Return the outlook of one instrument of a desk, as :func:`predict` has it; nothing is kept.

    ``before`` is what the model that is quoted said after the close before, ``session`` and ``up``; ``None`` where it
    had learnt from that session, or said nothing.
    """
    from tenor.report.report import plain

    said, beside = asked_of(desk, code, now)
    return {**plain(said), **beside, "before": _before(desk, code, beside["speaks"])}


def asked_of(desk: StockDesk, code: str, now: datetime) -> "tuple[Outlook, Answer]":
    """Ask the models of a desk about one of its instruments."""
    from tenor.outlook import missed_sessions, outlook

    study, universe, run = desk.study, desk.universe, desk.run
    if code not in universe.codes:
        raise MarketError(
            f"{run.name} has no {code}{suggest(code, universe.codes)}; it speaks of {len(universe.codes)} instruments:"
            f" {', '.join(universe.codes[:12])}{' and more' if len(universe.codes) > 12 else ''}"
        )
    alone = len(universe.codes) == 1 and bool(study.portfolios)  # what is held among several depends on all of them
    said = outlook(
        universe,
        desk.windows,
        desk.models,
        code,
        today=last_close(universe.exchange, now),
        portfolio=study.portfolios[0] if alone else None,
        limits=study.trading.limits if alone and study.trading else None,
    )
    tested = date.fromisoformat(run.result["test"][1])
    since = missed_sessions(universe.exchange, tested, said.as_of)
    ago = f"{since:,} session{'' if since == 1 else 's'}"
    aged = [f"{run.name} was judged until {tested}, {ago} before this close"] if since else []
    beside = {
        "name": desk.market.instrument(code)["name"][0],
        "source": desk.market.name,
        "simulated": desk.market.simulated,
        "prices_from": desk.prices_from,
        "run": run.name,
        "trained_now": desk.trained_now,
        "speaks": _speaks(study, said),
        "recent": _recent(desk.market, code),
        "notes": [*said.notes, *aged, *desk.notes],
    }
    return said, {**beside, "record": _record(run, beside["speaks"], code)}


def _before(desk: StockDesk, code: str, model: str) -> Answer | None:
    import numpy as np

    places = np.flatnonzero(desk.windows.product == code)
    fold = len(desk.models.folds) - 1
    if len(places) < 2:
        return None
    asked = desk.windows.take(places[-2:-1])
    if asked.session[0] <= np.datetime64(desk.models.folds[fold].validation[1], "D"):
        return None
    ups = desk.models.ups(model, fold, asked)[:, 0]
    spoke = np.isfinite(ups)
    return {"session": str(asked.session[0]), "up": float(ups[spoke].mean())} if spoke.any() else None


def _speaks(study: "StockStudy", said: "Outlook") -> str:
    """The model that is quoted first."""
    spoke = [one.model for one in said.models]
    if not spoke:
        raise RunError(f"no model of the run speaks of {said.code}: {'; '.join(said.notes)}")
    if study.speaks in spoke:
        return str(study.speaks)
    return next((one.model for one in said.models if one.levels and one.model != "random_walk"), spoke[-1])


def _recent(market: "Market", code: str) -> Answer:
    """The last sessions of a ticker, as quoted."""
    columns = ["open", "high", "low", "close", "volume"]
    frame = market.quotes_of(code).tail(RECENT)
    sessions = [day.isoformat() for day in frame["date"].to_list()]
    return {"session": sessions, **{name: frame[name].to_list() for name in columns}}


def _record(run: "Run", model: str, code: str) -> Answer:
    """How what is quoted, a model's mean over seeds, did on a ticker where its run is judged, beside the usual side."""
    result = run.result
    if "together" not in result:
        raise RunError(f"{run.name} was kept before seeds were scored together: --train trains again")
    scope = "all" if list(result["names"]) == [code] else code
    scored = {one["model"]: one for one in result["together"] if one["scope"] == scope}
    if model not in scored:
        raise RunError(f"{run.name} has no record of {model} on {code}; run its study with fewer names")
    mine, usual = scored[model], scored.get("majority")
    ways = [one for one in result["quantiles"] if one["model"] == model] if scope == "all" else []
    found = any(one["found"] for one in result["findings"] if one["model"] == model) and result["judged"] == "test"
    answer = {
        "model": model,
        "judged": result["judged"],
        "first": result["test"][0],
        "last": result["test"][1],
        "n": mine["n"],
        "accuracy": mine["scores"]["accuracy"],
        "majority": usual["scores"]["accuracy"] if usual else None,
        "brier": mine["scores"]["brier"]["mean"],
        "brier_majority": usual["scores"]["brier"]["mean"] if usual else None,
        "coverage": [
            {
                "horizon": one["horizon"],
                "stated": float(stated),
                "found": score["mean"],
                "low": score["low"],
                "high": score["high"],
            }
            for one in ways
            for stated, score in sorted(one["cover"].items(), key=lambda item: -float(item[0]))[:1]
        ],
        "skill": [{"horizon": one["horizon"], **_bounded(one["skill"])} for one in ways],
        "held": _held(result, model) if scope == "all" else None,
        "found": found,
    }
    return {**answer, "sentence": _sentence(answer, code)}


def _held(result: Mapping[str, Any], model: str) -> Answer | None:
    """What holding a ticker as a model says would have earned, by the study's first portfolio at its first fill."""
    first = next((one for one in result["portfolios"] if one["model"] == model), None)
    if first is None:
        return None
    names = ("annual_return", "sharpe", "sharpe_gross", "information_ratio")
    return {
        "portfolio": first["portfolio"],
        "fill": first["fill"],
        **{name: _bounded(first["scores"][name]) for name in names},
    }


def _bounded(score: Answer | None) -> Answer:
    """A score with its interval, or nothing."""
    if score is None:
        return {"value": None, "low": None, "high": None}
    return {"value": score["mean"], "low": score["low"], "high": score["high"]}


def _sentence(record: Answer, code: str) -> str:
    """What the record says, in words."""
    from tenor.app.tables import bracket, percent

    right = record["accuracy"]
    interval = f" {bracket(right['low'], right['high'])}" if right["low"] is not None else ""
    beside = f", always the usual side on {percent(record['majority']['mean'])}" if record["majority"] else ""
    tested = record["judged"] == "test"
    verdict = ("a finding" if record["found"] else "nothing found") if tested else "not judged yet"
    where = "" if tested else " (validation, not out of sample)"
    return (
        f"From {record['first']} to {record['last']} {record['model']} was right on {percent(right['mean'])}{interval}"
        f" of {record['n']:,} calls on {code}{where}{beside}: {verdict}."
    )


def of_run(run: "Run", data: Path | None) -> "tuple[StockStudy, Market]":
    """The study of a run of stocks, and its market as its source holds it now."""
    from tenor.app.commands import with_data
    from tenor.io.studies import load_any, read_market
    from tenor.stock_study import StockStudy

    study = load_any(run.study, where=f"{run.name}/study.toml")
    if not isinstance(study, StockStudy):
        raise StudyError(f"{run.name} is a run of pairs of futures; `tenor whatif` asks it")
    return study, read_market(with_data(study, data), Path(run.facts["base"]))


def other_code(run: "Run", study: "AnyStudy") -> list[str]:
    """A word where a kept run was computed by other code than is asked now."""
    from tenor.io.runs import code_of

    if run.facts["code"] == code_of(study):
        return []
    return [
        f"{run.name} was trained by another version of Tenor or of its plugins: `tenor rerun {run.name}` says whether"
        " this one computes the same, and --train trains again"
    ]


def closed(market: "Market", now: datetime) -> "tuple[Market, list[str]]":
    """The market as it was known at ``now``, and a word on rows of sessions that had not closed."""
    known = market.known_at(now)
    if not (later := len(market.quotes) - len(known.quotes)):
        return known, []
    rows = f"{later:,} row{'s are of sessions that had' if later > 1 else ' is of a session that had'}"
    return known, [f"{rows} not closed by {stamp(now)}, and left out"]


def last_close(at: "Exchange | Product", now: datetime) -> date:
    """The last session of an exchange, or of a product on its own, that has closed by ``now``."""
    from zoneinfo import ZoneInfo

    from tenor.market.calendar import trading_calendar

    calendar = trading_calendar(at.calendar)
    last = calendar.preceding(now.astimezone(ZoneInfo(at.zone)).date())
    return last if at.closes_at(last) <= now else calendar.offset(last, -1)


def stamp(moment: datetime) -> str:
    """Write a moment in UTC as answers have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
