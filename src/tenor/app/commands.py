"""Every command, once: a typed request, a function, an answer that is plain JSON.

The command line (and later the API and the pages) turn their input into a request, call the function, and
print the answer. A face knows nothing about markets; what it prints is what is here.
"""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tenor.app.compare import CompareRuns, compare_runs
from tenor.app.predict import AskPredict, AskScore, predict, score
from tenor.app.pull import PullData, pull_data
from tenor.app.rates import PriceBond, ShowBasis, price_bond, show_basis
from tenor.app.what_if import AskWhatIf, ask_what_if
from tenor.errors import RunError, StudyError
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    import polars as pl

    from tenor.io.runs import Run
    from tenor.market.market import Market
    from tenor.stock_study import AnyStudy

Request = TypeVar("Request")
Answer = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunStudy:
    """Run a study and keep the result.

    Parameters
    ----------
    study
        The study file.
    runs
        Folder in which runs are kept.
    data
        Read the market's folder here instead of where the study says; the rows' fingerprint decides what is
        the same.
    """

    study: Path
    runs: Path
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class ShowRun:
    """Show a run that is kept.

    Parameters
    ----------
    run
        Its folder, or its name below ``runs``.
    runs
        Folder in which runs are kept.
    pdf
        File to write it to as a PDF.
    csv
        Folder to write its daily series and its scores to, as CSV.
    """

    run: Path
    runs: Path
    pdf: Path | None = None
    csv: Path | None = None


@dataclass(frozen=True, slots=True)
class RerunRun:
    """Compute a kept run again and compare every number."""

    run: Path
    runs: Path
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class ListRuns:
    """List the complete runs below ``runs``."""

    runs: Path


@dataclass(frozen=True, slots=True)
class ListModels:
    """List the models that are trained below ``runs``, and those that a study may name, with their settings."""

    runs: Path


@dataclass(frozen=True, slots=True)
class CheckData:
    """Check a folder of files against a layout: every defect, every row left out."""

    folder: Path
    layout: Path


@dataclass(frozen=True, slots=True)
class ShowData:
    """Show what a folder holds through a layout, what was pulled into it, or what a study's market holds."""

    folder: Path | None
    layout: Path | None
    study: Path | None = None


@dataclass(frozen=True, slots=True)
class Command(Generic[Request]):
    """One verb: its name on every face, its request type and its function."""

    name: str
    request: type[Request]
    run: Callable[[Request, Progress], Answer]


def run_study(request: RunStudy, watch: Progress = silent) -> Answer:
    """Run the study; a run of the same study, data and code that is already complete is returned as it is.

    The answer's ``notes`` say what interrupted runs left and was cleared away, and what was damaged.
    """
    from tenor.io.runs import open_runs
    from tenor.io.studies import read_market, read_study

    study = read_study(request.study)
    base = request.study.resolve().parent
    notes = [f"{name}, left by an interrupted run, was cleared away" for name in open_runs(request.runs)]
    market = read_market(with_data(study, request.data), base)
    kept, computed, damaged = run_and_keep(study, market, base, request.runs, data=request.data, watch=watch)
    return {"run": str(kept.folder), "computed": computed, "notes": [*notes, *damaged], "result": kept.result}


def run_and_keep(
    study: "AnyStudy",
    market: "Market",
    base: Path,
    runs: Path,
    *,
    data: Path | None = None,
    watch: Progress = silent,
) -> "tuple[Run, bool, list[str]]":
    """Return the run of a study on a market, whether it was computed now, and what was damaged before.

    Parameters
    ----------
    study, market
        What is asked of what.
    base
        Folder from which the study's paths count.
    runs
        Folder in which runs are kept.
    data
        Folder that the market was read from, if not the study's own.
    """
    from tenor.io.runs import code_of, read_run, run_name, write_run
    from tenor.io.studies import layout_text
    from tenor.study import Study

    started = time.monotonic()
    notes = []
    code, layout = code_of(study), layout_text(study, base)
    folder = runs / run_name(study.name, study.identity, market.fingerprint(), code)
    if folder.is_dir():
        try:
            return read_run(folder), False, []
        except RunError as damaged:
            notes.append(f"computed again, and what was there is moved aside: {damaged}")
    report = _answered(study, market, watch)
    watch("report", 0, 1)
    page: Callable[[Any], str]
    if isinstance(study, Study):
        from tenor.report.html import page
    else:
        from tenor.report.stock_page import stock_page as page
    facts = {
        "base": str(base),
        "data": str(data.resolve()) if data else None,
        "seconds": round(time.monotonic() - started, 1),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "layout": layout,
    }
    written = write_run(runs, report, page(report), facts, code=code)
    watch("report", 1, 1)
    return read_run(written), True, notes


def _answered(study: "AnyStudy", market: "Market", watch: Progress) -> Any:
    """Answer a study of either kind."""
    from tenor.study import Study, run

    if isinstance(study, Study):
        return run(study, market, watch=watch)
    from tenor.stock_study import run_stocks

    return run_stocks(study, market, watch=watch)


def show_run(request: ShowRun, watch: Progress = silent) -> Answer:
    """Return a kept run; where files were asked for, ``written`` says which were."""
    from tenor.app.export import check_folder, pdf_of, write_tables
    from tenor.io.pages import check_place, write_page
    from tenor.io.runs import read_run

    if request.pdf is not None:
        from tenor.report.sheet import check_reportlab

        check_place(request.pdf)
        check_reportlab()
    if request.csv is not None:
        check_folder(request.csv)
    kept = read_run(located(request.run, request.runs))
    answer = {"run": str(kept.folder), "facts": dict(kept.facts), "result": kept.result}
    if request.pdf is None and request.csv is None:
        return answer
    written = [] if request.pdf is None else [write_page(request.pdf, pdf_of(kept))]
    written += [] if request.csv is None else write_tables(kept, request.csv)
    return {**answer, "written": [str(place) for place in written]}


def rerun_run(request: RerunRun, watch: Progress = silent) -> Answer:
    """Compute a run again from its own study file and compare every number, those of each session too.

    Raises
    ------
    RunError
        If the data are no longer those of the run, or the run is damaged.
    """
    from tenor.io.runs import code_of, frames_of, read_frame, read_run
    from tenor.io.studies import layout_text, load_any, read_market

    kept = read_run(located(request.run, request.runs))
    study = load_any(kept.study, where=f"{kept.name}/study.toml")
    data = request.data or (Path(kept.facts["data"]) if kept.facts.get("data") else None)
    market = read_market(with_data(study, data), Path(kept.facts["base"]))
    then, now = kept.result["data"]["fingerprint"], market.fingerprint()
    if then != now:
        edited = layout_text(study, Path(kept.facts["base"])) != kept.facts.get("layout")
        raise RunError(
            f"the data of {kept.name} changed since the run: fingerprint {then[:12]} then, {now[:12]} now."
            + (" Its layout was edited since: the run's own is in run.json." if edited else "")
            + " Run the study again for a new result, or point --data at the data as they were"
        )
    daily = {file: read_frame(kept, file) for file in kept.frames}
    report = _answered(study, market, watch)
    differences = _differences(kept.result, report.answer())
    for file, frame in frames_of(report).items():
        differences += _rows_that_differ(file, daily[file], frame)
    return {
        "run": str(kept.folder),
        "agrees": not differences,
        "same_code": kept.facts["code"] == code_of(study),
        "code": {"then": kept.facts["code"], "now": code_of(study)},
        "differences": differences[:50],
        "differing": len(differences),
    }


def list_runs(request: ListRuns, watch: Progress = silent) -> Answer:
    """Return name, study, data and finishing time of each complete run, and what lies there and is none."""
    from tenor.io.runs import each_run

    rows, unusable = each_run(request.runs, lambda folder: told_of(folder, row_of))
    return {
        "folder": str(request.runs),
        "runs": list(rows),
        "unusable": list(unusable),
    }


def told_of(folder: Path, tell: "Callable[[Run], T]") -> "T":
    """Read a run and return what ``tell`` makes of it; :class:`RunError` if its files do not say what that needs."""
    from tenor.io.runs import read_run

    kept = read_run(folder)
    try:
        return tell(kept)
    except (KeyError, TypeError, AttributeError) as lacking:
        raise RunError(f"{folder} is damaged: its files do not say {lacking}; run the study again") from lacking


def row_of(kept: "Run") -> Answer:
    """Return what a list of runs says of one."""
    return {
        "run": kept.name,
        "study": kept.study["name"],
        "finished": kept.facts["finished"],
        "seconds": kept.facts["seconds"],
        "simulated": kept.result["data"]["simulated"],
        "source": kept.result["data"]["source"],
    }


def list_models(request: ListModels, watch: Progress = silent) -> Answer:
    """Return every trained model, when it was trained, on what data and how well it did; and every registered one.

    A registered model comes with what it says of itself and its settings' defaults; a trained one with its accuracy
    over all products on the sessions it was judged on, and the interval of that. ``judged`` is ``validation`` while
    the data end before the test range.
    """
    from tenor.io.runs import each_run
    from tenor.registry import registered
    from tenor.report.report import plain

    models = []
    for name, settings in registered("tenor.models").items():
        defaults = {
            f.name: f.default if f.default_factory is MISSING else f.default_factory()
            for f in fields(settings)
            if f.name != "kind"
        }
        stated = {key: "(state it)" if value is MISSING else value for key, value in defaults.items()}
        idea = " ".join((settings.__doc__ or "").strip().split("\n\n")[0].split())
        models.append({"kind": name, "idea": idea, "settings": plain(stated)})
    held, unusable = each_run(request.runs, lambda folder: told_of(folder, _trained))
    trained = [row for rows in held for row in rows]
    return {"models": models, "trained": trained, "unusable": list(unusable)}


def _trained(kept: "Run") -> list[Answer]:
    """One row for each model of a run."""
    data, result = kept.result["data"], kept.result
    of_run = {
        "run": kept.name,
        "finished": kept.facts["finished"],
        "source": data["source"],
        "simulated": data["simulated"],
    }
    rows = []
    for found in result["directions"]:
        if found["scope"] == "all":
            right = found["scores"]["accuracy"]
            score = {"accuracy": right["mean"], "low": right["low"], "high": right["high"], "n": found["n"]}
            score["judged"] = result.get("judged", "test")
            rows.append(
                {**of_run, "data_last": data["last"], "model": found["model"], "seeds": found["seeds"], **score}
            )
    return rows


def check_data(request: CheckData, watch: Progress = silent) -> Answer:
    """Return the contract check of a folder; defects are part of the answer, not an error."""
    from tenor.io.sources.folder import check
    from tenor.report.report import plain

    checked = check(request.folder, request.layout)
    return {**plain(checked), "defects": [str(defect) for defect in checked.defects]}


def show_data(request: ShowData, watch: Progress = silent) -> Answer:
    """Return the series of a market."""
    from tenor.io.sources.check import summary
    from tenor.io.sources.folder import Folder
    from tenor.io.sources.pulled import Pulled, is_store
    from tenor.io.studies import read_market, read_study
    from tenor.report.report import plain

    if request.study is not None and request.layout is not None:
        raise StudyError("a study file names its layout itself; leave --layout out")
    if request.study is not None:
        market = read_market(read_study(request.study), request.study.resolve().parent)
    elif request.folder is not None and request.layout is not None:
        market = Folder(request.folder, request.layout).read()
    elif request.folder is not None and is_store(request.folder):
        market = Pulled(request.folder).read()
    else:
        raise StudyError("nothing to show: give a study file (.toml), a folder and --layout, or a folder of data pull")
    return {
        "source": market.name,
        "simulated": market.simulated,
        "fingerprint": market.fingerprint(),
        "series": plain(summary(market).parts),
        "notes": list(market.notes),
    }


COMMANDS: tuple[Command[Any], ...] = (
    Command("run", RunStudy, run_study),
    Command("show", ShowRun, show_run),
    Command("rerun", RerunRun, rerun_run),
    Command("runs", ListRuns, list_runs),
    Command("compare", CompareRuns, compare_runs),
    Command("models", ListModels, list_models),
    Command("whatif", AskWhatIf, ask_what_if),
    Command("price", PriceBond, price_bond),
    Command("basis", ShowBasis, show_basis),
    Command("predict", AskPredict, predict),
    Command("score", AskScore, score),
    Command("data check", CheckData, check_data),
    Command("data show", ShowData, show_data),
    Command("data pull", PullData, pull_data),
)


def with_data(study: Any, data: Path | None) -> Any:
    """Return ``study`` with the folder of its market replaced, if one is given."""
    from tenor.io.studies import with_folder

    return replace(study, market=with_folder(study.market, data))


def located(run: Path, runs: Path) -> Path:
    """Return the folder that ``run`` names: itself, or the run so called below ``runs``."""
    return run if run.is_dir() or run.name != str(run) else runs / run


def _differences(then: Any, now: Any, path: str = "") -> list[str]:
    """Key paths at which two answers differ, with both values; numbers must be equal to the last digit."""
    if isinstance(then, dict) and isinstance(now, dict):
        below = f"{path}." if path else ""
        keys = sorted(then.keys() | now.keys())
        return [line for key in keys for line in _differences(then.get(key), now.get(key), f"{below}{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        pairs = enumerate(zip(then, now, strict=True))
        return [line for i, (a, b) in pairs for line in _differences(a, b, f"{path}[{i}]")]
    return [] if then == now else [f"{path}: {then!r} then, {now!r} now"]


def _rows_that_differ(file: str, then: "pl.DataFrame", now: "pl.DataFrame") -> list[str]:
    """Say how many rows of a daily series differ."""
    if then.equals(now):
        return []
    if then.schema != now.schema or then.height != now.height:
        return [f"{file}: {then.shape} then, {now.shape} now (rows, columns)"]
    rows = [number for number, (a, b) in enumerate(zip(then.rows(), now.rows(), strict=True)) if a != b]
    return [f"{file}: {len(rows)} of {then.height} rows differ, the first is row {rows[0]}"]
