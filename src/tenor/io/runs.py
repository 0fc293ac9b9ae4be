"""Run folders: a result that is either complete or not there.

A run is written into a folder whose name begins with ``.partial`` and renamed into place as the very last act, so a
kill, a full disk or a power cut leaves nothing that could be taken for a result. Its name is its content: study name
and the first digits of a hash over the resolved study, the data's fingerprint and the code's version. Running the
same thing again finds it done. ::

    runs/cgb-spread-t-3f9c01ab52/
        study.toml          the resolved study, every default written out; runs as it stands
        run.json            fingerprints, code version, where the study's paths start, when and how long
        result.json         every number of the report
        forecasts.parquet   probability of up by model, seed and session
        ledger.parquet      every session of every backtest
        spreads.parquet     the traded series
        report.html         one self-contained page
"""

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import tenor
from tenor.errors import RunError, suggest
from tenor.report.report import Report

FORMAT = 1
PARTIAL = ".partial-"
FILES = ("study.toml", "run.json", "result.json", "forecasts.parquet", "ledger.parquet", "spreads.parquet", "report.html")


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


@cache
def code_version() -> str:
    """Version and the first digits of a SHA-256 over the package's own files, so that an edit is another version."""
    digest = hashlib.sha256()
    root = Path(str(resources.files("tenor")))
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{tenor.__version__}+{digest.hexdigest()[:12]}"


def run_name(study_name: str, identity: str, fingerprint: str) -> str:
    """Name of the run of a study on data under the present code."""
    content = hashlib.sha256(f"{identity} {fingerprint} {code_version()}".encode()).hexdigest()
    return f"{study_name}-{content[:10]}"


def write_run(root: Path, report: Report, html: str, facts: Mapping[str, Any]) -> Path:
    """Write a complete run below ``root`` and return its folder.

    A complete run of that name is the same result and stays as it is; a damaged one is moved aside.

    Raises
    ------
    RunError
        If the disk refuses; nothing half-written stays.
    """
    import tomli_w

    name = run_name(report.study["name"], report.identity, report.data.fingerprint)
    final, partial = root / name, root / f"{PARTIAL}{name}-{os.getpid()}"
    texts = {
        "study.toml": tomli_w.dumps(dict(report.study)),
        "run.json": _json({"format": FORMAT, "code": code_version(), **facts}),
        "result.json": _json(report.answer()),
        "report.html": html,
    }
    frames = {
        "forecasts.parquet": report.forecasts,
        "ledger.parquet": report.evaluation.ledger,
        "spreads.parquet": report.spreads,
    }
    try:
        partial.mkdir(parents=True)
        for file, text in texts.items():
            (partial / file).write_text(text, encoding="utf-8")
        for file, frame in frames.items():
            frame.write_parquet(partial / file)
        for file in FILES:
            _flush(partial / file)
        if _complete(final):
            shutil.rmtree(partial)
            return final
        if final.exists():
            final.rename(root / f"{PARTIAL}{name}-damaged-{os.getpid()}")
        partial.rename(final)
        _flush(root)
    except OSError as refused:
        shutil.rmtree(partial, ignore_errors=True)
        raise RunError(
            f"cannot write run {name} below {root}: {refused.strerror or refused}; nothing was kept."
            " Free some space or give another folder with --runs"
        ) from refused
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return final


def read_run(folder: Path) -> Run:
    """Read a run; :class:`RunError` if it is missing, partial, or of another format."""
    if folder.name.startswith(PARTIAL):
        raise RunError(f"{folder} is what an interrupted run left; it is not a result. Delete it and run again")
    if not folder.is_dir():
        raise RunError(f"no run {folder}{_near(folder)}")
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        raise RunError(f"{folder} is not a complete run: it lacks {', '.join(missing)}. Run the study again")
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        study = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise RunError(f"{folder} is damaged: {broken}. Run the study again") from broken
    if facts.get("format") != FORMAT:
        raise RunError(
            f"{folder} has run format {facts.get('format')!r}, this Tenor reads {FORMAT}; run the study again"
        )
    return Run(folder, study, facts, result)


def _complete(folder: Path) -> bool:
    try:
        read_run(folder)
    except RunError:
        return False
    return True


def list_runs(root: Path) -> tuple[Run, ...]:
    """Return every complete run below ``root``, by name; partial folders are left out."""
    if not root.is_dir():
        return ()
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(PARTIAL))
    return tuple(read_run(path) for path in folders if (path / "run.json").is_file())


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _flush(path: Path) -> None:
    """Make sure that what was written has reached the disk before the rename says so."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _near(folder: Path) -> str:
    if not folder.parent.is_dir():
        return ""
    names = [path.name for path in folder.parent.iterdir() if path.is_dir() and not path.name.startswith(PARTIAL)]
    return suggest(folder.name, names) or (f"; {folder.parent} holds {', '.join(sorted(names))}" if names else "")
