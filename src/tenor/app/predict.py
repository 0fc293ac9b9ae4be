"""Predict and score: from a ticker to an outlook that can be defended, and later to how good it was.

``tenor predict AAPL`` finds the prices (a file that was given, what was pulled, or the simulated tickers), finds the
run whose models speak of AAPL or trains it, asks the models about the last close, and keeps what they said.
``tenor score`` reads what was kept, and prices as they are now.

Unless a run is named, a run speaks for a ticker while it was made by the same study, from the same place, and its data
end no more than one test range of the study before the last close: for so long its models were tested, and after that
they are trained again.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.app.stock_desk import (
    StockDesk,
    asked_of,
    closed,
    last_close,
    load_desk,
    make_desk,
    of_run,
    other_code,
    stamp,
)
from tenor.errors import MarketError, RunError, SplitError, StudyError, TenorError, suggest
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    from tenor.factor.universe import Universe
    from tenor.io.runs import Run
    from tenor.market.market import Market
    from tenor.stock_study import StockStudy
    from tenor.trust.kept import Outcome

Answer: TypeAlias = dict[str, Any]

STUDY = "stock-next-day"
"""The published study that is asked where no other is named."""


@dataclass(frozen=True, slots=True)
class AskPredict:
    """Ask what the next sessions of one or several tickers bring.

    Parameters
    ----------
    tickers
        Instruments, or files of prices, one instrument each.
    runs, history
        Folders of runs, and of forecasts that are kept.
    data
        A file or folder of prices as they come (:mod:`tenor.io.sources.given`); absent, what was pulled into
        ``pulled``, and for tickers that were not, the simulated ones.
    pulled
        Folder of what ``tenor data pull`` keeps.
    study
        A study of stocks; absent, the published one for the next day of a stock.
    run
        A kept run of stocks, its folder or its name below ``runs``, whose models are asked about instruments that it
        holds, on the market of its own study as that is now; nothing is trained.
    train
        Train on the prices of now, also where a kept run would still speak; one of the same study, prices and code is
        not computed twice.
    keep
        Keep the forecasts in the history.
    page, pdf, csv
        Files to write the answer to, beside printing it.
    """

    tickers: tuple[str, ...]
    runs: Path
    history: Path
    data: Path | None = None
    pulled: Path = Path("data")
    study: Path | None = None
    train: bool = False
    keep: bool = True
    page: Path | None = None
    pdf: Path | None = None
    csv: Path | None = None
    run: Path | None = None


@dataclass(frozen=True, slots=True)
class AskScore:
    """Ask how good the kept forecasts were.

    Parameters
    ----------
    history
        Folder of the forecasts.
    tickers
        Only those of these instruments; none: all.
    data, pulled
        Prices of now, as for a prediction; absent, from where each forecast had them.
    """

    history: Path
    tickers: tuple[str, ...] = ()
    data: Path | None = None
    pulled: Path = Path("data")


def predict(request: AskPredict, watch: Progress = silent) -> Answer:
    """Return the outlook of every ticker; one that fails is reported with its reason and costs the others nothing.

    Raises
    ------
    TenorError
        The first failure, if every ticker failed.
    """
    from tenor.io.history import keep
    from tenor.io.pages import check_place
    from tenor.report.report import plain

    for place in (request.page, request.pdf, request.csv):
        if place is not None:
            check_place(place)
    if request.pdf is not None:
        from tenor.report.sheet import check_reportlab

        check_reportlab()
    now = datetime.now(UTC)
    outlooks: list[Answer] = []
    failures: list[tuple[str, TenorError]] = []
    if len(set(request.tickers)) != len(request.tickers):
        raise StudyError("a ticker is given twice; name each once")
    of_run = _desk_of_run(request, now) if request.run is not None else None
    for ticker in request.tickers:
        try:
            code, desk = (ticker, of_run) if of_run else _desk_of_ticker(ticker, request, now, watch)
            said, beside = asked_of(desk, code, now)
        except TenorError as failure:
            failures.append((ticker, failure))
            continue
        forecast = plain(said)
        one = {**forecast, **beside}
        if request.keep:
            told = {name: beside[name] for name in ("source", "simulated", "run", "speaks", "prices_from")}
            one["kept"] = str(keep(request.history, {**forecast, **told}, asked_at=stamp(now)))
        outlooks.append(one)
    if not outlooks:
        raise failures[0][1]
    answer = {
        "asked_at": stamp(now),
        "outlooks": outlooks,
        "failed": [{"code": code, "reason": str(why)} for code, why in failures],
        "notes": [],
    }
    _export(request, answer)
    return answer


def score(request: AskScore, watch: Progress = silent) -> Answer:
    """Return what came of each kept forecast, and the record of each model."""
    from tenor.io.history import kept
    from tenor.report.report import plain
    from tenor.trust.kept import outcomes, records

    entries, unusable = kept(request.history)
    # asked again after one close, of a run of the same study, a forecast counts once: as it was said first
    first: dict[tuple[str, ...], Any] = {}
    for entry in entries:
        said = {**entry.forecast, "asked_at": entry.asked_at}
        if not request.tickers or said["code"] in request.tickers:
            first.setdefault((said["code"], said["as_of"], str(said["run"]).rpartition("-")[0]), said)
    wanted = list(first.values())
    if not wanted:
        whose = f" of {', '.join(request.tickers)}" if request.tickers else ""
        raise RunError(f"no forecast{whose} is kept in {request.history}; ask for one with tenor predict")
    found: list[Outcome] = []
    notes: list[str] = []
    codes = list(dict.fromkeys(str(said["code"]) for said in wanted))
    for number, code in enumerate(codes):
        mine = [said for said in wanted if said["code"] == code]
        for place in dict.fromkeys(str(said["prices_from"]) for said in mine):
            those = [said for said in mine if str(said["prices_from"]) == place]
            try:
                universe, said_of_prices = _prices(code, place, request)
            except TenorError as failure:
                notes.append(f"{code}: its prices cannot be read, so its {len(those)} forecasts stay open: {failure}")
                continue
            notes += [note for note in said_of_prices if note not in notes]
            found += outcomes(those, universe)
        watch("scoring", number + 1, len(codes))
    return {
        "records": plain(records(found)),
        "outcomes": plain(found),
        "pending": sum(one.known is None for one in found),
        "unusable": list(unusable),
        "notes": notes,
    }


@dataclass(frozen=True, slots=True)
class _Prices:
    """Where the prices of a ticker are: its code, the source's settings, and a word that finds them again."""

    code: str
    source: Any
    found: str


def _where(ticker: str, data: Path | None, pulled: Path, now: datetime) -> _Prices:
    """Find the prices of a ticker, in the order that :class:`AskPredict` states."""
    from tenor.io.sources.given import Given, code_of_file
    from tenor.io.sources.simulated_stocks import TICKERS, SimulatedStocks
    from tenor.market.exchange import exchange

    if data is None and Path(ticker).is_file():
        path = Path(ticker).resolve()
        code = code_of_file(path)
        return _Prices(code, Given(str(path), (code,)), f"given:{path}")
    if data is not None:
        path = data.resolve()
        return _Prices(ticker, Given(str(path), (ticker,)), f"given:{path}")
    if pulled.is_dir() and _holds(pulled, ticker):
        from tenor.io.sources.pulled import Pulled

        return _Prices(ticker, Pulled(str(pulled.resolve()), (ticker,)), f"pulled:{pulled.resolve()}")
    if "/" in ticker or ticker.endswith((".csv", ".parquet")):
        if Path(ticker).is_dir():
            raise MarketError(f"{ticker} is a folder: name a ticker in it, and give the folder with --data {ticker}")
        raise MarketError(f"no such file {ticker}: give one that is there, or a ticker")
    if ticker in TICKERS:
        return _Prices(ticker, SimulatedStocks(products=(ticker,), last=last_close(exchange("XNYS"), now)), "simulated")
    raise MarketError(
        f"no prices of {ticker!r}: it is no file, was not pulled into {pulled} (tenor data pull {ticker} --from yahoo),"
        f" and is none of the simulated tickers {', '.join(TICKERS)}{suggest(ticker.upper(), TICKERS)}; or give a file"
        " or folder with --data"
    )


def _holds(pulled: Path, ticker: str) -> bool:
    from tenor.io.sources.pulled import holds

    return holds(pulled, ticker)


def _desk_of_ticker(ticker: str, request: AskPredict, now: datetime, watch: Progress) -> tuple[str, StockDesk]:
    """Find or train the run that speaks of a ticker alone."""
    at = _where(ticker, request.data, request.pulled, now)
    study, base = _study_of(at, request.study)
    market, unclosed = closed(at.source.read(), now)
    run = None if request.train else _speaking(request.runs, study, market, at.code)
    trained_now, mind = False, [] if run is None else other_code(run, study)
    if run is None:
        run, trained_now, mind = _train(study, market, request.runs, base, at.code, watch)
    return at.code, make_desk(run, trained_now, study, market, at.found, [*mind, *unclosed])


def _desk_of_run(request: AskPredict, now: datetime) -> StockDesk:
    assert request.run is not None
    if request.study is not None or request.train:
        raise StudyError("--run names the models that are asked; leave --study and --train out")
    return load_desk(request.run, request.runs, now, request.data)


def _study_of(at: _Prices, path: Path | None) -> "tuple[StockStudy, Path]":
    """The study that is asked, of this ticker alone."""
    from tenor.io.studies import published, read_study
    from tenor.stock_study import StockStudy

    file = path or published(STUDY)
    study = read_study(file)
    if not isinstance(study, StockStudy):
        raise StudyError(f"{file} is no study of stocks (subject = 'stocks')")
    safe = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in at.code)
    name = f"{study.name}-{safe}"
    return replace(study, name=name, market=at.source, universe=replace(study.universe, codes=(at.code,))), file.parent


def _speaking(runs: Path, study: "StockStudy", market: "Market", code: str) -> "Run | None":
    """The newest run that still speaks for a study and market, if there is one."""
    import numpy as np

    from tenor.io.runs import read_run
    from tenor.market.calendar import trading_calendar
    from tenor.market.exchange import exchange
    from tenor.stock_study import resolved_stocks

    mine = _asked(resolved_stocks(study))
    calendar = trading_calendar(exchange(market.instrument(code)["exchange"][0]).calendar)
    last = market.quotes_of(code)["date"].max()
    found: list[Run] = []
    for folder in runs.glob(f"{study.name}-*"):
        try:
            kept = read_run(folder)
        except RunError:
            continue  # `tenor runs` says why; it cannot speak
        if _asked(kept.study) != mine or kept.result["data"]["source"] != market.name:
            continue
        then = date.fromisoformat(kept.result["data"]["last"])
        since = np.searchsorted(calendar.days, np.array([then, last], dtype="datetime64[D]"), side="right")
        if 0 <= since[1] - since[0] <= getattr(study.split, "test", 0):
            found.append(kept)
    return max(found, key=lambda kept: str(kept.facts["finished"]), default=None)


def _asked(study: Any) -> dict[str, Any]:
    """A study's table without how far its source was read."""
    market = {key: value for key, value in study["market"].items() if key != "last"}
    return {**study, "market": market}


def _train(
    study: "StockStudy", market: "Market", runs: Path, base: Path, code: str, watch: Progress
) -> "tuple[Run, bool, list[str]]":
    """Train a ticker's models: the run, whether it was computed now, and what was damaged before."""
    from tenor.app.commands import run_and_keep
    from tenor.io.runs import open_runs

    open_runs(runs)
    try:
        return run_and_keep(study, market, base, runs, watch=watch)
    except SplitError as short:
        sessions = len(market.quotes_of(code))
        raise SplitError(
            f"{code}: {market.name} holds {sessions:,} sessions, and each decision reads {study.sampling.sessions} with"
            f" their factors; what is left cannot be cut: {short}"
        ) from short


def _prices(code: str, place: str, request: AskScore) -> "tuple[Universe, list[str]]":
    """Prices of now, from where a forecast had them, and what a reader must know of them."""
    from tenor.io.runs import read_run
    from tenor.io.sources.given import Given
    from tenor.io.sources.simulated_stocks import SimulatedStocks
    from tenor.market.exchange import exchange

    kind, _, path = place.partition(":")
    source: Any
    if kind == "run":
        return _universe(of_run(read_run(Path(path)), request.data)[1], code)
    if request.data is not None:
        source = Given(str(request.data.resolve()), (code,))
    elif kind == "given":
        source = Given(path, (code,))
    elif kind == "pulled":
        from tenor.io.sources.pulled import Pulled

        source = Pulled(path, (code,))
    else:
        source = SimulatedStocks(products=(code,), last=last_close(exchange("XNYS"), datetime.now(UTC)))
    return _universe(source.read(), code)


def _universe(market: "Market", code: str) -> "tuple[Universe, list[str]]":
    """One instrument of a market as it is known now."""
    from tenor.factor.universe import build_universe

    known, unclosed = closed(market, datetime.now(UTC))
    universe = build_universe(known, (code,))
    return universe, [*unclosed, *universe.notes, *market.notes]


def _export(request: AskPredict, answer: Answer) -> None:
    """Write the answer to the files that were asked for."""
    from tenor.io.pages import write_page

    if request.page is not None:
        from tenor.report.outlook_page import outlook_page

        write_page(request.page, outlook_page(answer))
    if request.csv is not None:
        from tenor.report.outlook_csv import outlook_csv

        write_page(request.csv, outlook_csv(answer))
    if request.pdf is not None:
        from tenor.report.outlook_pdf import outlook_pdf

        write_page(request.pdf, outlook_pdf(answer))
