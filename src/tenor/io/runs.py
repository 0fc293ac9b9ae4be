"""Run folders: a result that is either complete or not there.

A run is written into a folder whose name begins with ``.partial`` and renamed into place as the very last
act, so a kill, a full disk or a power cut leaves nothing that could be taken for a result; the next run
clears away what a killed one left, and says so. Its name is its content: study name and the first digits of a
hash over the resolved study, the data's fingerprint and the code's version. Running the same thing again
finds it done. ::

    runs/cgb-spread-t-3f9c01ab52/
        study.toml          the resolved study, every default written out; runs as it stands
        run.json            fingerprints, code version, where the study's paths start, when and how long
        result.json         every number of the report
        forecasts.parquet   probability of up by model, seed and session
        ledger.parquet      every session of every backtest
        spreads.parquet     the traded series (a study of stocks has prices.parquet)
        models.safetensors  the models that spoke: preparation, weights, calibrators, sizes of full conviction
        report.html         one self-contained page

One process at a time writes below a folder of runs: it holds a lock on the folder, which the system takes
back when the process ends, however it ends. Writing takes a second; who computes holds nothing.
"""

import hashlib
import json
import os
import secrets
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import polars as pl

import tenor
from tenor.errors import FitError, MissingError, RunError, suggest
from tenor.model.frozen import FrozenModels, arrays_of, from_arrays
from tenor.report.report import DataFacts

if TYPE_CHECKING:
    from tenor.stock_study import AnyStudy

T = TypeVar("T")

FORMAT = 2
BEFORE: Mapping[Any, str] = {1: "written before models were kept"}
"""Formats of earlier versions, and what they lack."""
PARTIAL = ".partial-"
DAMAGED = ".damaged-"
"""Stands in the name of a folder that was moved aside: it had the name of a run and was none."""
SPREAD_FRAMES = ("forecasts.parquet", "ledger.parquet", "spreads.parquet")
"""Daily series of a run whose ``run.json`` does not list them."""
MODELS = "models.safetensors"
FILES = ("study.toml", "run.json", "result.json", MODELS, "report.html")
"""Files of every run, beside its daily series."""
FACTS = ("format", "code", "models", "base", "data", "seconds", "finished")
"""Keys of ``run.json``; ``models`` is the SHA-256 of the file of models."""


@dataclass(frozen=True, slots=True)
class Run:
    """A complete run on disk."""

    folder: Path
    study: Mapping[str, Any]
    facts: Mapping[str, Any]
    result: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def frames(self) -> tuple[str, ...]:
        """Files of its daily series."""
        return tuple(self.facts.get("frames", SPREAD_FRAMES))


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies below a folder of runs: complete runs by name, and why each other one cannot be used."""

    runs: tuple[Run, ...]
    unusable: tuple[str, ...]


@cache
def code_version() -> str:
    """Version and first digits of a SHA-256 over the package's own files: an edit is another version."""
    digest = hashlib.sha256()
    root = Path(str(resources.files("tenor")))
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml", ".css", ".js"):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{tenor.__version__}+{digest.hexdigest()[:12]}"


def code_of(study: "AnyStudy") -> str:
    """Version of everything that answers ``study``: Tenor, then each package whose classes the study names.

    A plugin is named with the first digits of a SHA-256 over its Python files, so that an edit is another version.
    """
    packages = sorted({type(part).__module__.partition(".")[0] for part in study.parts} - {"tenor"})
    return "; ".join([code_version(), *(f"{name}+{_files_of(name)}" for name in packages)])


def _files_of(package: str) -> str:
    file = sys.modules[package].__file__
    if file is None:
        raise RunError(f"package {package!r} has no file to tell its version by; give it an __init__.py")
    path, digest = Path(file), hashlib.sha256()
    for source in sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]


def run_name(study_name: str, identity: str, fingerprint: str, code: str) -> str:
    """Name of the run of a study on data under ``code`` (:func:`code_of`)."""
    content = hashlib.sha256(f"{identity} {fingerprint} {code}".encode()).hexdigest()
    return f"{study_name}-{content[:10]}"


def open_runs(root: Path) -> tuple[str, ...]:
    """Make sure that runs can be kept below ``root``, before anything is computed for it.

    Returns
    -------
    tuple
        Names of the folders that interrupted runs left, which are now removed.

    Raises
    ------
    RunError
        If ``root`` is no folder, cannot be made, or nothing may be written there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root) as alone:
            left = sorted(path for path in root.glob(f"{PARTIAL}*") if path.is_dir()) if alone else []
            for path in left:
                shutil.rmtree(path)
    except OSError as refused:
        raise RunError(
            f"runs cannot be kept in {root}: {refused.strerror or refused}; give another folder with --runs"
        ) from refused
    if not os.access(root, os.W_OK | os.X_OK):
        raise RunError(f"runs cannot be kept in {root}: not writable; give another folder with --runs")
    return tuple(path.name for path in left)


class Result(Protocol):
    """What a study answers, whatever it is a study of."""

    @property
    def study(self) -> Mapping[str, Any]:
        """The resolved study as plain tables."""
        ...

    @property
    def identity(self) -> str:
        """Its SHA-256."""
        ...

    @property
    def data(self) -> DataFacts:
        """What it was fed."""
        ...

    @property
    def frozen(self) -> FrozenModels | None:
        """The models that spoke."""
        ...

    def answer(self) -> dict[str, Any]:
        """Return every number, JSON-ready."""
        ...

    def frames(self) -> Mapping[str, pl.DataFrame]:
        """Return the daily series by name."""
        ...


def write_run(root: Path, report: Result, html: str, facts: Mapping[str, Any], *, code: str) -> Path:
    """Write a complete run below ``root`` and return its folder.

    A complete run of that name is the same result and stays as it is. Anything else of that name is moved
    aside: ``DAMAGED`` and a few random digits are added to its name.

    Parameters
    ----------
    root
        The folder of runs.
    report, html
        The answer, and the page that shows it.
    facts
        What is true of this run and not of its answer: ``FACTS`` from ``base`` on, and more.
    code
        What computed it (:func:`code_of`).

    Raises
    ------
    RunError
        If the disk refuses; nothing half-written stays.
    """
    import tomli_w

    name, token = (
        run_name(report.study["name"], report.identity, report.data.fingerprint, code),
        secrets.token_hex(4),
    )
    final, partial = root / name, root / f"{PARTIAL}{name}-{token}"
    models = _models(report.frozen)
    said = {"format": FORMAT, "code": code, "models": hashlib.sha256(models).hexdigest(), **facts}
    texts = {
        "run.json": _json(said),
        "study.toml": tomli_w.dumps(dict(report.study)),
        "result.json": _json(report.answer()),
        "report.html": html,
    }
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            partial.mkdir()
            frames = frames_of(report)
            texts["run.json"] = _json({**said, "frames": list(frames)})
            for file, text in texts.items():
                (partial / file).write_text(text, encoding="utf-8")
            for file, frame in frames.items():
                frame.write_parquet(partial / file)
            (partial / MODELS).write_bytes(models)
            for file in (*FILES, *frames, "."):
                _flush(partial / file)
            if _complete(final):
                shutil.rmtree(partial)
                return final
            if os.path.lexists(final):
                final.rename(root / f"{name}{DAMAGED}{token}")
            partial.rename(final)
    except (OSError, pl.exceptions.PolarsError) as refused:
        shutil.rmtree(partial, ignore_errors=True)
        reason = (refused.strerror if isinstance(refused, OSError) else None) or refused
        raise RunError(
            f"cannot write run {name} below {root}: {reason}; nothing was kept."
            " Free some space or give another folder with --runs"
        ) from refused
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    try:
        _flush(root)
    except OSError as refused:
        raise RunError(f"{final} is complete, but the disk does not confirm its name: {refused}") from refused
    return final


def frames_of(report: Result) -> dict[str, pl.DataFrame]:
    """Return the daily series of a report by the file that keeps them."""
    return {f"{name}.parquet": frame for name, frame in report.frames().items()}


def read_run(folder: Path) -> Run:
    """Read a run; :class:`RunError` if it is missing, partial, damaged, or of another format."""
    if folder.name.startswith(PARTIAL):
        raise RunError(f"{folder} is what an interrupted run left, no result; run the study again")
    if not folder.is_dir():
        raise MissingError(f"no run {folder}{_near(folder)}")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if len(missing) == len(FILES):
        raise RunError(f"{folder} is a folder but no run: it holds none of a run's files{_near(folder / '?')}")
    facts = {} if "run.json" in missing else _table(folder, "run.json")
    given = facts.get("format")
    if facts and given != FORMAT:
        lacks = f" ({BEFORE[given]})" if given in BEFORE else ""
        raise RunError(f"{folder} has run format {given!r}{lacks}, this Tenor reads {FORMAT}; run the study again")
    missing += [file for file in facts.get("frames", SPREAD_FRAMES) if not (folder / file).is_file()]
    if missing:
        raise RunError(f"{folder} is not a complete run: it lacks {', '.join(missing)}; run the study again")
    if lacking := [key for key in FACTS if key not in facts]:
        raise RunError(f"{folder} is damaged: run.json does not say {', '.join(lacking)}; run the study again")
    return Run(folder, _table(folder, "study.toml"), facts, _table(folder, "result.json"))


def content_of(folder: Path) -> str:
    """Return the SHA-256 of a run's ``result.json``: what a decision on the run is bound to."""
    try:
        return hashlib.sha256((folder / "result.json").read_bytes()).hexdigest()
    except OSError as gone:
        raise RunError(f"{folder} is damaged: result.json: {gone.strerror or gone}; run the study again") from gone


def read_frame(run: Run, file: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read one daily series of a run, a file out of ``run.frames``; :class:`RunError` if the file is damaged.

    ``columns`` names those that are wanted; ``None``: all.
    """
    try:
        return pl.read_parquet(run.folder / file, columns=None if columns is None else list(columns))
    except (OSError, pl.exceptions.PolarsError) as broken:
        raise RunError(f"{run.folder} is damaged: {file}: {broken}; run the study again") from broken


def read_models(run: Run, study: "AnyStudy", *, plain: bool = False) -> FrozenModels:
    """Return the models of a run, each as it spoke in it.

    Parameters
    ----------
    run
        A run that :func:`read_run` read.
    study
        The study of the run (:func:`tenor.study.load` of ``run.study``): its recipes restore the models.
    plain
        Ask networks and trees in numpy: the answers of the run to rounding, at once, without loading what trained them.

    Raises
    ------
    RunError
        If the file is not the one that was written, the run has no models, or they are not those of ``study``.
    """
    from safetensors import SafetensorError, safe_open

    path = run.folder / MODELS
    again = "run the study again"
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != run.facts["models"]:
            raise RunError(f"{run.folder} is damaged: {MODELS} is not the file that was written; {again}")
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        index = json.loads(metadata[_INDEX])
    except (OSError, SafetensorError, KeyError, ValueError) as broken:
        raise RunError(f"{run.folder} is damaged: {MODELS}: {broken}; {again}") from broken
    if index is None:
        raise RunError(f"{run.folder} keeps no models: its report was put together without any; {again}")
    recipes = [model.recipe(study.prepare, study.fit) for model in study.models]
    try:
        return from_arrays(arrays, index, recipes, plain=plain)
    except (FitError, LookupError, ValueError, TypeError) as other:
        raise RunError(
            f"{run.folder}: {MODELS} does not hold the models of study {study.name!r}: {other}; {again}"
        ) from other


_INDEX = "tenor"
"""Key of the index in the file's metadata: one, because safetensors does not write several in a fixed order."""


def _models(frozen: FrozenModels | None) -> bytes:
    """Return the file of models; equal models, equal bytes."""
    from safetensors.numpy import save

    arrays, index = arrays_of(frozen) if frozen is not None else ({}, None)
    content: bytes = save(arrays, {_INDEX: json.dumps(index, ensure_ascii=False, allow_nan=False)})
    return content


def list_runs(root: Path) -> Listing:
    """Return every complete run below ``root``, and what else lies there that looks like one."""
    return Listing(*each_run(root, read_run))


def each_run(root: Path, read: Callable[[Path], T]) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Return what ``read`` makes of each folder below ``root`` that looks like a run, and why the others are none."""
    if not root.exists():
        return (), ()
    if not root.is_dir():
        raise RunError(f"{root} is no folder; give the folder of the runs with --runs")
    runs: list[T] = []
    unusable: list[str] = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if DAMAGED in folder.name:
            unusable.append(f"{folder} was damaged and was moved aside; delete it")
        elif folder.name.startswith(PARTIAL) or any((folder / file).exists() for file in FILES):
            try:
                runs.append(read(folder))
            except RunError as why:
                unusable.append(str(why))
    return tuple(runs), tuple(unusable)


def _complete(folder: Path) -> bool:
    try:
        read_run(folder)
    except RunError:
        return False
    return True


def _table(folder: Path, file: str) -> dict[str, Any]:
    """Read one JSON or TOML file of a run."""
    try:
        text = (folder / file).read_text(encoding="utf-8")
        table = tomllib.loads(text) if file.endswith(".toml") else json.loads(text)
    except (OSError, ValueError) as broken:
        raise RunError(f"{folder} is damaged: {file}: {broken}; run the study again") from broken
    if not isinstance(table, dict):
        raise RunError(f"{folder} is damaged: {file} holds no table; run the study again")
    return table


@contextmanager
def _alone(root: Path) -> Iterator[bool]:
    """Hold ``root`` against other processes; False where the system or the file system has no such lock."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            held = True
        except OSError:
            held = False
        yield held
    finally:
        os.close(handle)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _flush(path: Path) -> None:
    """Make sure that what was written has reached the disk before the rename says so."""
    if sys.platform == "win32" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _near(folder: Path) -> str:
    if not folder.parent.is_dir():
        return ""
    names = sorted(path.name for path in folder.parent.iterdir() if (path / "run.json").is_file())
    held = f"{', '.join(names[:8])}{' and more' if len(names) > 8 else ''}"
    return suggest(folder.name, names) or (f"; {folder.parent} holds {held}" if names else "")
