"""The command line: flags to a request, the request to a command, the answer to a table or to JSON.

Nothing heavy is imported before a command runs, so ``tenor --help`` answers at once. The exit status is 0, or 1 where a
check found something (``rerun``: numbers that differ, ``data check``: defects, ``data pull``: an item that failed,
``predict``: a ticker that failed), 2 after an error, 130 after Ctrl-C. An error is one message on standard error; with
``--json`` it is one JSON document on standard output, as the answer would be. A mistake in the flags themselves prints
the usage and ends with 2.
"""

import json
import os
import sys
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from tenor import __version__
from tenor.errors import DataError, RunError, StudyError, TenorError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Forecasts for markets, with the evidence: what happens next, should I believe it, what should I hold, what if?"
    ),
)
data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check and show data before use.")
app.add_typer(data, name="data")
people = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Accounts of a server.")
app.add_typer(people, name="account")

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder in which runs are kept.")]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", help="Read the study's data folder here instead of where the study says."),
]
History = Annotated[Path, typer.Option("--history", help="Folder in which forecasts are kept.")]
Pulled = Annotated[Path, typer.Option("--pulled", help="Folder of what data pull keeps.")]
Layout = Annotated[Path, typer.Option("--layout", help="Layout file that maps the folder's files.")]


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="Study file (TOML).")],
    runs: Runs = Path("runs"),
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Run a study: train, test, trade on paper, and write a report."""
    from tenor.app.commands import RunStudy, run_study

    _answer(run_study, RunStudy(study, runs, data), json, "run")


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="Run folder, or its name below --runs.")],
    runs: Runs = Path("runs"),
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write it there as a PDF.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write its daily series and scores into that folder, as CSV.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the tables of a kept run."""
    from tenor.app.commands import ShowRun, show_run

    _answer(show_run, ShowRun(run, runs, pdf, csv), json, "run")


@app.command()
def rerun(
    run: Annotated[Path, typer.Argument(help="Run folder, or its name below --runs.")],
    runs: Runs = Path("runs"),
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Compute a kept run again and compare every number.

    Exit status 1 if any differs.
    """
    from tenor.app.commands import RerunRun, rerun_run

    answer = _answer(rerun_run, RerunRun(run, runs, data), json, "rerun")
    if not answer["agrees"]:
        raise typer.Exit(1)


@app.command("runs")
def list_runs(runs: Runs = Path("runs"), json: Json = False) -> None:
    """List the runs that are kept."""
    from tenor.app.commands import ListRuns
    from tenor.app.commands import list_runs as command

    _answer(command, ListRuns(runs), json, "runs")


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders, or names below --runs; 2 to 6.")],
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Compare runs: settings, scores, paired differences."""
    from tenor.app.compare import CompareRuns, compare_runs

    _answer(compare_runs, CompareRuns(tuple(names), runs), json, "compare")


@app.command()
def models(runs: Runs = Path("runs"), json: Json = False) -> None:
    """List trained models, and those a study may name."""
    from tenor.app.commands import ListModels, list_models

    _answer(list_models, ListModels(runs), json, "models")


@app.command()
def whatif(
    run: Annotated[Path, typer.Argument(help="Run folder, or its name below --runs.")],
    shift: Annotated[
        list[str] | None,
        typer.Option("--shift", help="What changes, as parallel=+10bp; repeat it to compose one scenario."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="File of scenarios (TOML); all are asked.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option("--sweep", help="One shift at many sizes, from the base: parallel=-50bp:50bp:5bp.")
    ] = None,
    grid: Annotated[
        list[str] | None, typer.Option("--grid", help="Two shifts at all pairs of sizes; give it twice, as --sweep.")
    ] = None,
    flip: Annotated[
        list[str] | None,
        typer.Option("--flip", help="Smallest shock of this family that flips the answer: parallel, or parallel=50bp."),
    ] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", "--date", formats=["%Y-%m-%d"], help="Decision (default: the last).")
    ] = None,
    product: Annotated[str | None, typer.Option("--product", help="Product, where the study has several.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Model whose position is traded.")] = None,
    position: Annotated[str | None, typer.Option("--position", help="Position rule of the study, by its name.")] = None,
    held: Annotated[
        float | None, typer.Option("--held", help="Pairs held before (default: what the forecast asks for).")
    ] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Where the page goes (default: RUNS/whatif/).")] = None,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Draws of a scenario that is an estimate.")] = 500,
    runs: Runs = Path("runs"),
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """Ask a run what a shock would do, through to P&L."""
    from tenor.app.what_if import AskWhatIf, ask_what_if

    request = AskWhatIf(
        run=run,
        runs=runs,
        shifts=tuple(shift or ()),
        scenarios=scenario,
        sweep=sweep,
        grid=tuple(grid or ()),
        flips=tuple(flip or ()),
        on=on.date() if on else None,
        product=product,
        model=model,
        position=position,
        held=held,
        data=data,
        page=page,
        draws=draws,
    )
    _answer(ask_what_if, request, json, "whatif")


@app.command()
def price(
    bond: Annotated[str | None, typer.Argument(help="Bond code of the market of --market; or give terms.")] = None,
    on: Annotated[datetime, typer.Option("--on", "--date", formats=["%Y-%m-%d"], help="The day that is priced.")] = ...,  # type: ignore[assignment]
    coupon: Annotated[str | None, typer.Option("--coupon", help="Coupon a year, as 3.69%.")] = None,
    maturity: Annotated[datetime | None, typer.Option("--maturity", formats=["%Y-%m-%d"], help="Maturity.")] = None,
    frequency: Annotated[
        int | None, typer.Option("--frequency", help="Coupons a year: 1, 2 or 4 (default: 2).")
    ] = None,
    yield_: Annotated[str | None, typer.Option("--yield", help="Yield to maturity, as 3.3%.")] = None,
    clean: Annotated[float | None, typer.Option("--clean", help="Clean price instead of a yield.")] = None,
    market: Annotated[
        Path | None, typer.Option("--market", help="File with [market] and [valuation], as a study.")
    ] = None,
    data: DataFolder = None,
    into: Annotated[
        str | None, typer.Option("--into", help="Contract whose conversion factor is asked, as T2609.")
    ] = None,
    json: Json = False,
) -> None:
    """Price a bond, with its sensitivities."""
    from tenor.app.rates import PriceBond, price_bond

    end = maturity.date() if maturity else None
    request = PriceBond(on.date(), coupon, end, frequency, yield_, clean, bond, market, data, into)
    _answer(price_bond, request, json, "price")


@app.command()
def basis(
    contract: Annotated[str, typer.Argument(help="Contract, as T2609.")],
    on: Annotated[datetime, typer.Option("--date", "--on", formats=["%Y-%m-%d"], help="The session.")],
    market: Annotated[
        Path | None,
        typer.Option("--market", help="File with [market] and [valuation], as a study (default: a SIMULATED market)."),
    ] = None,
    data: DataFolder = None,
    decision: Annotated[
        str, typer.Option("--at", help="evening (with that day's curve) or close (with the one of the day before).")
    ] = "evening",
    price: Annotated[float | None, typer.Option("--price", help="Futures price instead of the observed one.")] = None,
    reinvest: Annotated[
        str, typer.Option("--reinvest", help="What coupons before delivery earn: self (the IRR), zero or funding.")
    ] = "self",
    json: Json = False,
) -> None:
    """Show basis, carry and IRR of a contract's bonds."""
    from tenor.app.rates import ShowBasis, show_basis

    for given, allowed in ((decision, ("evening", "close")), (reinvest, ("self", "zero", "funding"))):
        if given not in allowed:
            raise StudyError(f"{given!r} given; allowed are {', '.join(allowed)}")
    request = ShowBasis(contract, on.date(), market, data, decision, price, reinvest)  # type: ignore[arg-type]
    _answer(show_basis, request, json, "basis")


@app.command()
def predict(
    tickers: Annotated[list[str], typer.Argument(help="Tickers, or files of prices, as AAPL MSFT or AAPL.csv.")],
    runs: Runs = Path("runs"),
    history: History = Path("forecasts"),
    data: Annotated[Path | None, typer.Option("--data", help="File or folder of prices as they come.")] = None,
    pulled: Pulled = Path("data"),
    study: Annotated[
        Path | None, typer.Option("--study", help="A study of stocks instead of the published one.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Ask the models of this kept run, which holds the tickers.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train", help="Train on the prices of now, though a kept run still speaks.")
    ] = False,
    keep: Annotated[bool, typer.Option(help="Keep the forecasts in the history.")] = True,
    page: Annotated[Path | None, typer.Option("--page", help="Write a page (HTML) there.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write a PDF there.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the numbers there, as CSV.")] = None,
    json: Json = False,
) -> None:
    """Say what the next sessions of a stock bring.

    Exit status 1 if any ticker failed; the others are answered all the same.
    """
    from tenor.app.predict import AskPredict
    from tenor.app.predict import predict as command

    request = AskPredict(tuple(tickers), runs, history, data, pulled, study, train, keep, page, pdf, csv, run)
    if _answer(command, request, json, "predict")["failed"]:
        raise typer.Exit(1)


@app.command()
def score(
    tickers: Annotated[list[str] | None, typer.Argument(help="Only forecasts of these.")] = None,
    history: History = Path("forecasts"),
    data: Annotated[Path | None, typer.Option("--data", help="File or folder of prices of now.")] = None,
    pulled: Pulled = Path("data"),
    json: Json = False,
) -> None:
    """Score kept forecasts by what came."""
    from tenor.app.predict import AskScore
    from tenor.app.predict import score as command

    _answer(command, AskScore(history, tuple(tickers or ()), data, pulled), json, "score")


@data.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="Folder with the files.")], layout: Layout, json: Json = False
) -> None:
    """Check every file of a layout: defects and rows left out.

    Exit status 1 if there are defects.
    """
    from tenor.app.commands import CheckData, check_data

    answer = _answer(check_data, CheckData(folder, layout), json, "data check")
    if answer["defects"]:
        raise typer.Exit(1)


@data.command("show")
def data_show(
    what: Annotated[Path, typer.Argument(help="A study file, a folder of data pull, or any folder with --layout.")],
    layout: Annotated[Path | None, typer.Option("--layout", help="Layout file that maps the folder's files.")] = None,
    json: Json = False,
) -> None:
    """Show every series of a market, with first and last date."""
    from tenor.app.commands import ShowData, show_data

    request = ShowData(None, layout, what) if what.suffix == ".toml" else ShowData(what, layout)
    _answer(show_data, request, json, "data show")


@data.command("pull")
def data_pull(
    items: Annotated[
        list[str], typer.Argument(help="Tickers or series: AAPL MSFT; 600519 T CGB SHIBOR CPI; UST SOFR CPIAUCSL.")
    ],
    provider: Annotated[str, typer.Option("--from", help="yahoo, china or fred.")],
    folder: Annotated[Path, typer.Option("--folder", help="Folder in which it is kept.")] = Path("data"),
    first: Annotated[
        datetime | None, typer.Option("--first", formats=["%Y-%m-%d"], help="First day (default: all that there are).")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--last", formats=["%Y-%m-%d"], help="Last day (default: today).")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask again, whatever answers are kept.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody: replay the answers that are kept.")] = False,
    max_age: Annotated[float, typer.Option("--max-age", min=0, help="Hours for which an answer is used again.")] = 1.0,
    against: Annotated[
        str | None, typer.Option("--against", help="Compare with a provider, or a file or folder of prices.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="Count differences beyond this fraction.")
    ] = 0.001,
    json: Json = False,
) -> None:
    """Pull series from a provider into a folder.

    Exit status 1 if any item failed, or the comparison did.
    """
    from tenor.app.pull import PullData, pull_data

    days = (first.date() if first else None, last.date() if last else None)
    request = PullData(tuple(items), provider, folder, *days, refresh, offline, max_age, against, tolerance)
    answer = _answer(pull_data, request, json, "data pull")
    if answer["failed"] or (answer["against"] or {}).get("failed"):
        raise typer.Exit(1)


@app.command()
def serve(
    root: Annotated[
        Path, typer.Option("--root", help="Folder that is served: runs, forecasts, data, studies.")
    ] = Path(),
    host: Annotated[str, typer.Option("--host", help="Address to listen on; others than loopback need --accounts.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on.")] = 8765,
    database: Annotated[
        str | None, typer.Option("--database", envvar="TENOR_DATABASE", help="Database URL (default: SQLite in ROOT).")
    ] = None,
    people: Annotated[
        bool, typer.Option("--accounts", help="Let people sign in; needs a secret in TENOR_SECRET.")
    ] = False,
    allow: Annotated[
        list[str] | None, typer.Option("--allow-host", help="A name under which the server may be asked.")
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--proxy", help="Address of the proxy in front, whose X-Forwarded-For and X-Forwarded-Proto are believed."
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Jobs that are computed at a time.")] = 1,
    upload_limit: Annotated[
        int, typer.Option("--upload-limit", min=1, help="Most megabytes of one uploaded file.")
    ] = 200,
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=10, help="Most requests from one address in a minute.")
    ] = 6_000,
) -> None:
    """Serve the pages and the API.

    Serves until Ctrl-C.
    """
    from tenor.app.server.settings import ServerSettings

    settings = ServerSettings(
        root=root,
        host=host,
        port=port,
        database=database,
        accounts=people,
        secret=os.environ.get("TENOR_SECRET"),
        hosts=tuple(allow or ()),
        proxies=tuple(word.strip() for each in proxy or () for word in each.split(",")),
        workers=workers,
        upload_limit=1_000_000 * upload_limit,
        per_minute=per_minute,
    )
    try:
        from tenor.app.server.serve import serve as start
    except ModuleNotFoundError as missing:
        raise StudyError(
            f"serving needs {missing.name}, which is not installed: pip install 'tenor[serve]'"
        ) from missing
    start(settings, began=lambda place: print(f"Serving {root.resolve()} on {place} (Ctrl-C ends it)", flush=True))


@people.command("add")
def account_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option("--role", help="viewer, researcher, approver or admin.")] = "viewer",
    root: Annotated[Path, typer.Option("--root", help="Folder that is served.")] = Path(),
    database: Annotated[
        str | None, typer.Option("--database", envvar="TENOR_DATABASE", help="Database URL (default: SQLite in ROOT).")
    ] = None,
) -> None:
    """Make an account for tenor serve --accounts.

    Asks for the password on a terminal, and reads it from standard input elsewhere.
    """
    from getpass import getpass

    from tenor.app.server.settings import ServerSettings
    from tenor.io.store.accounts import add_account
    from tenor.io.store.database import open_store

    if sys.stdin.isatty():
        password = getpass("Password: ")
        if getpass("Once more: ") != password:
            raise StudyError("the two passwords differ; nothing was made")
    else:
        password = sys.stdin.readline().rstrip("\n")
    store = open_store(ServerSettings(root=root, database=database).url)
    add_account(store, name, password, role)  # type: ignore[arg-type]
    print(f"{name} may sign in as {role}")


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of every command."""


def _answer(command: Any, request: Any, as_json: bool, name: str) -> dict[str, Any]:
    """Run a command with progress and print its answer."""
    from tenor.app.progress import interruptible, shown

    try:
        with shown(quiet=as_json) as watch, interruptible(watch) as watched:
            answer: dict[str, Any] = command(request, watched)
        if as_json:
            _print_json(answer)
        else:
            from tenor.app.tables import printed

            printed(name, answer)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        raise
    except BrokenPipeError:
        raise
    except OSError as refused:
        place = refused.filename or "standard output"
        raise RunError(
            f"{place}: {refused.strerror or refused}; see that it is there, may be used and has room"
        ) from refused
    return answer


def _print_json(document: dict[str, Any]) -> None:
    """Print one JSON document, in characters that the stream can carry."""
    narrow = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(json.dumps(document, indent=1, ensure_ascii=narrow, allow_nan=False))


def error_body(error: TenorError) -> dict[str, Any]:
    """The one JSON shape of every error: its type, its message, and each problem where there are several."""
    problems: tuple[str, ...] = ()
    if isinstance(error, StudyError):
        problems = error.problems
    elif isinstance(error, DataError):
        problems = tuple(str(defect) for defect in error.defects)
    return {"error": {"type": type(error).__name__, "message": str(error), "problems": list(problems)}}


def main() -> None:
    """Entry point: run the application and turn an error of ours into a message."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="tenor")
    except TenorError as error:
        try:
            if "--json" in sys.argv:
                _print_json(error_body(error))
                sys.stdout.flush()
            else:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
        except OSError:  # nobody reads, or nothing can be written: the exit status says it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(2) from None
