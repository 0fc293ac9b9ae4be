"""Runs are complete or not there, whatever happens while they are written."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
import tomli_w

from tenor.errors import RunError
from tenor.factor.window import DateSplit, Fold, Windows
from tenor.io import runs
from tenor.io.runs import (
    FILES,
    MODELS,
    SPREAD_FRAMES,
    code_of,
    list_runs,
    open_runs,
    read_frame,
    read_models,
    read_run,
    run_name,
    write_run,
)
from tenor.model.calibrate import Calibrator
from tenor.model.fit_plan import FitPlan
from tenor.model.frozen import Frozen, FrozenModel, FrozenModels
from tenor.model.logistic import FittedLogistic, Logistic
from tenor.model.prepare import Prepare, Prepared
from tenor.model.rule import FittedMajority, Majority, Momentum
from tenor.report.report import Report
from tenor.study import Study

CODE = "0.1.0+abc"
FACTS = {"base": "/studies", "data": None, "seconds": 1.5, "finished": "2026-01-01T00:00:00Z"}
PAGE = "<html>利差</html>"
DAY = date(2020, 1, 1)


def frozen(up: float = 0.57) -> FrozenModels:
    """A rule, and a regression that failed on one of two folds."""
    prepared = Prepared(("涨", "b"), {"*": (np.zeros(2), np.ones(2), np.full(2, 3.0))}, np.array([True, True]), 5.0)
    fitted = FittedLogistic(prepared, np.array([0.1, -0.2]), 0.3, 1e-4)
    folds = tuple(Fold(at, *(((DAY, DAY),) * 3)) for at in range(2))
    rule = Frozen(FittedMajority(up), Calibrator(1.0, 0.0), 0.07)
    models = (
        FrozenModel("majority", (1,), ((rule,), (rule,))),
        FrozenModel("logistic", (1,), ((Frozen(fitted, Calibrator(0.4, 0.1), 0.02),), ("one class",))),
    )
    return FrozenModels(models, folds, (("T",), ("T",)), ({"T": 0.1}, {"T": 0.2}), ("theirs: not kept",))


def asking(*models: Any) -> Study:
    """What ``read_models`` reads of a study."""
    made = models or (Majority(), Logistic())
    return cast(Study, SimpleNamespace(name="small", models=made, prepare=Prepare(), fit=FitPlan()))


def windows() -> Windows:
    day = np.array([np.datetime64(DAY)])
    text = np.array(["T"])
    values = np.array([[0.5, 1.5]])
    number = np.array([np.nan])
    return Windows(("涨", "b"), values, text, np.array([0]), 1, day, text, text, day, number, np.array([-1]))


@dataclass(frozen=True)
class Fingerprint:
    fingerprint: str


@dataclass(frozen=True)
class Ledger:
    ledger: pl.DataFrame


@dataclass(frozen=True)
class Small:
    """What ``write_run`` reads of a report."""

    identity: str = "identity"
    study: dict[str, Any] = field(default_factory=lambda: {"name": "small", "seed": 1})
    data: Fingerprint = Fingerprint("data")
    rows: int = 50
    frozen: FrozenModels | None = field(default_factory=frozen)

    @property
    def forecasts(self) -> pl.DataFrame:
        return pl.DataFrame({"up": [0.6180339887498949 * i % 1 for i in range(self.rows)]})

    @property
    def spreads(self) -> pl.DataFrame:
        return self.forecasts.rename({"up": "spread"})

    @property
    def evaluation(self) -> Ledger:
        return Ledger(self.forecasts.rename({"up": "net"}))

    def frames(self) -> dict[str, pl.DataFrame]:
        return {"forecasts": self.forecasts, "ledger": self.evaluation.ledger, "spreads": self.spreads}

    def answer(self) -> dict[str, Any]:
        return {"study": self.study, "identity": self.identity, "numbers": [0.1, None, -0.0, 1e-300]}


def small(**changes: Any) -> Report:
    return cast(Report, Small(**changes))


def write(root: Path, **changes: Any) -> Path:
    return write_run(root, small(**changes), PAGE, FACTS, code=CODE)


def below(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "new" / "runs")
    assert sorted(path.name for path in folder.iterdir()) == sorted((*FILES, *SPREAD_FRAMES))
    assert folder.name == run_name("small", "identity", "data", CODE)
    kept = read_run(folder)
    assert kept.name == folder.name
    assert kept.study == {"name": "small", "seed": 1}
    assert kept.result == Small().answer()
    assert str(kept.result["numbers"]) == "[0.1, None, -0.0, 1e-300]"
    said = {"format": runs.FORMAT, "code": CODE, "models": "", "frames": list(SPREAD_FRAMES), **FACTS}
    assert {**kept.facts, "models": ""} == said
    assert (folder / "report.html").read_text(encoding="utf-8") == PAGE
    for file, frame in zip(SPREAD_FRAMES, (Small().forecasts, Small().evaluation.ledger, Small().spreads), strict=True):
        assert read_frame(kept, file).equals(frame)
    assert below(folder.parent) == [folder.name]
    assert [run.name for run in list_runs(folder.parent).runs] == [folder.name]


def test_the_name_follows_study_data_and_code_and_nothing_else() -> None:
    names = {run_name("small", i, f, c) for i in ("a", "b") for f in ("c", "d") for c in ("0.1", "0.1; mine+1")}
    assert len(names) == 8
    assert run_name("small", "a", "c", "0.1") in names
    assert all(name.startswith("small-") and len(name) == len("small-") + 10 for name in names)


def test_the_same_run_stays_as_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_run(tmp_path, small(), "another page", {**FACTS, "seconds": 9.0}, code=CODE) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert below(tmp_path) == [folder.name]


def test_a_number_that_is_none_is_never_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_run(tmp_path / "runs", small(), PAGE, {**FACTS, "seconds": float("nan")}, code=CODE)
    assert not (tmp_path / "runs").exists()


# --- damage -----------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGE: list[tuple[str, Callable[[Path], object], str]] = [
    ("run.json", cut, "run.json"),
    ("result.json", cut, "result.json"),
    ("study.toml", lambda path: path.write_text("a = = 1"), "study.toml"),
    ("result.json", lambda path: path.write_bytes(b"\xff\xff"), "result.json"),
    ("result.json", lambda path: path.write_text("[]"), "result.json holds no table"),
    (
        "run.json",
        lambda path: path.write_text('{"format": 2, "code": "x"}'),
        "does not say models, base, data, seconds",
    ),
    ("run.json", lambda path: path.write_text('{"format": 99}'), "run format 99, this Tenor reads 2"),
    (
        "run.json",
        lambda path: (path.write_text('{"format": 1}'), (path.parent / MODELS).unlink()),
        "run format 1 (written before models were kept), this Tenor reads 2",
    ),
    ("run.json", lambda path: path.write_text("{}"), "does not say format, code, models"),
    *((file, Path.unlink, f"lacks {file}") for file in (*FILES, *SPREAD_FRAMES)),
]


@pytest.mark.parametrize(("file", "damage", "said"), DAMAGE, ids=[f"{row[0]}: {row[2]}" for row in DAMAGE])
def test_a_damaged_run_is_no_run_and_says_which_file(
    tmp_path: Path, file: str, damage: Callable[[Path], object], said: str
) -> None:
    other = write(tmp_path, identity="other")
    folder = write(tmp_path)
    damage(folder / file)
    with pytest.raises(RunError) as refused:
        read_run(folder)
    assert said in str(refused.value)
    assert "run the study again" in str(refused.value)
    listing = list_runs(tmp_path)
    assert [run.name for run in listing.runs] == [other.name]
    assert listing.unusable == (str(refused.value),)
    # written again, it takes its name back; what was there is kept aside and called what it is
    assert write(tmp_path) == folder
    assert read_run(folder).result == Small().answer()
    (aside,) = [name for name in below(tmp_path) if name not in (folder.name, other.name)]
    assert aside.startswith(f"{folder.name}.damaged-")
    assert list_runs(tmp_path).unusable == (f"{tmp_path / aside} was damaged and was moved aside; delete it",)


@pytest.mark.parametrize("file", SPREAD_FRAMES)
def test_a_daily_series_that_is_cut_is_refused_when_it_is_read(tmp_path: Path, file: str) -> None:
    folder = write(tmp_path)
    cut(folder / file)
    with pytest.raises(RunError, match=f"is damaged: {file}: "):
        read_frame(read_run(folder), file)


def flip(path: Path) -> None:
    """Change one bit of the last number."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_the_models_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = read_models(read_run(write(tmp_path)), asking())
    wanted = frozen()
    for name in ("folds", "products", "expected_move", "left_out"):
        assert getattr(found, name) == getattr(wanted, name)
    for model in ("majority", "logistic"):
        for place in range(2):
            np.testing.assert_array_equal(found.ups(model, place, windows()), wanted.ups(model, place, windows()))
            np.testing.assert_array_equal(found.scales(model, place), wanted.scales(model, place))
    assert found.model("logistic").folds[1] == ("one class",)


def test_equal_runs_have_equal_files_of_models(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name) for name in ("one", "other"))
    assert (one / MODELS).read_bytes() == (other / MODELS).read_bytes()
    changed = write(tmp_path / "changed", frozen=frozen(np.nextafter(0.57, 1)))
    assert (changed / MODELS).read_bytes() != (one / MODELS).read_bytes()


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_file_of_models_is_refused_when_it_is_read(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    kept = read_run(write(tmp_path))
    damage(kept.folder / MODELS)
    with pytest.raises(RunError, match=rf"is damaged: {MODELS}.*; run the study again"):
        read_models(kept, asking())


def test_a_run_without_models_says_so_when_they_are_asked(tmp_path: Path) -> None:
    kept = read_run(write(tmp_path, frozen=None))
    with pytest.raises(RunError, match="keeps no models: its report was put together without any; run the study again"):
        read_models(kept, asking())


def test_models_of_another_study_are_refused(tmp_path: Path) -> None:
    kept = read_run(write(tmp_path))
    with pytest.raises(RunError, match=r"does not hold the models of study 'small': .* 'logistic', the recipes are"):
        read_models(kept, asking(Majority(), Momentum()))


def test_what_is_no_run_is_called_what_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("")
    cases = {
        folder.name[:-1]: f"no run {tmp_path / folder.name[:-1]}; did you mean '{folder.name}'?",
        "zzz": f"no run {tmp_path / 'zzz'}; {tmp_path} holds {folder.name}",
        "file": f"no run {tmp_path / 'file'}; {tmp_path} holds {folder.name}",
        "notes": "is a folder but no run: it holds none of a run's files",
        f".partial-{folder.name}-1": "is what an interrupted run left, no result; run the study again",
    }
    for name, said in cases.items():
        with pytest.raises(RunError) as refused:
            read_run(tmp_path / name)
        assert said in str(refused.value)
    with pytest.raises(RunError, match=f"holds {folder.name}"):
        read_run(tmp_path)
    listing = list_runs(tmp_path)
    assert ([run.name for run in listing.runs], listing.unusable) == ([folder.name], ())
    assert list_runs(tmp_path / "nowhere") == runs.Listing((), ())
    with pytest.raises(RunError, match="is no folder"):
        list_runs(tmp_path / "file")


# --- interruptions and full disks -------------------------------------------------------------------------

CHILD = """
import errno, json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import test_runs
from tenor.errors import RunError
from tenor.factor.window import DateSplit
from tenor.io.runs import list_runs, open_runs

mode, root = sys.argv[1], Path(sys.argv[2])
fate = {"point": 0, "seen": 0}

def hook(event, args):
    # every mkdir, open and rename below the folder of runs counts; the one numbered `point` meets its fate
    if fate["point"] and event in ("os.mkdir", "open", "os.rename") and str(args[0]).startswith(str(root)):
        fate["seen"] += 1
        if fate["seen"] == fate["point"]:
            if mode == "kill":
                os.kill(os.getpid(), 9)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

def attempt(home, point):
    fate.update(point=point, seen=0)
    try:
        test_runs.write(home)
    except RunError as error:
        return 2, str(error)
    finally:
        fate.update(point=0)
    return 0, ""

sys.addaudithook(hook)
told = []
for point in range(1, 100):
    home, said, earlier = root / str(point), "", ""
    home.mkdir()
    if mode == "kill":  # this process itself writes nothing: a fork must not inherit the threads of Polars
        child = os.fork()
        if not child:
            os._exit(attempt(home, point)[0])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    else:
        earlier = test_runs.write(home, identity="earlier").name
        status, said = attempt(home, point)
    listing = list_runs(home)
    left = test_runs.below(home)
    told.append(dict(
        status=status, runs=[run.name for run in listing.runs], unusable=listing.unusable, left=left,
        earlier=earlier, said=said, cleared=open_runs(home), after=test_runs.below(home),
    ))
    if status == 0 and (mode == "kill" or fate["seen"] < point):
        break
print(json.dumps(told))
"""


def at_every_point(mode: str, root: Path) -> list[dict[str, Any]]:
    """Write a run again and again, and let the first, second, ... act on the disk meet a fate."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, mode, str(root), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    assert told[-1]["status"] == 0
    assert len(told) > 2 * len((*FILES, *SPREAD_FRAMES)), "too few points: each file is opened to write and to flush"
    return told


def test_a_kill_at_any_point_leaves_a_complete_run_or_none(tmp_path: Path) -> None:
    name = run_name("small", "identity", "data", CODE)
    told = at_every_point("kill", tmp_path)
    complete = [bool(each["runs"]) for each in told]
    assert complete == sorted(complete), "once it is there, it is there"
    assert not complete[-3], "the rename into place is among the last acts"
    for each in told[:-1]:
        assert each["status"] == -9
        assert each["runs"] in ([], [name])
        partial = [folder for folder in each["left"] if folder != name]
        assert all(folder.startswith(".partial-small-") for folder in partial)
        assert len(each["unusable"]) == len(partial) == len(each["cleared"]) <= 1
        assert all("is what an interrupted run left" in why for why in each["unusable"])
        assert each["after"] == each["runs"]
    assert any(each["cleared"] for each in told)


def test_a_disk_that_is_full_at_any_point_keeps_nothing_half_written(tmp_path: Path) -> None:
    name = run_name("small", "identity", "data", CODE)
    first, *told, _ = at_every_point("full", tmp_path)
    assert first["status"] == 0, "a folder that is there need not be made"
    for each in told:
        assert each["status"] == 2
        assert each["left"] == each["runs"], "whatever is there is complete"
        assert each["earlier"] in each["runs"]
        assert not each["cleared"]
        assert "No space left on device" in each["said"]
        if name in each["runs"]:
            assert "is complete, but the disk does not confirm its name" in each["said"]
        else:
            assert "nothing was kept. Free some space or give another folder with --runs" in each["said"]


@pytest.mark.parametrize("room", [0, 100, 3_000, 60_000])
def test_a_file_that_does_not_fit_is_an_error_of_ours_wherever_it_is_written(tmp_path: Path, room: int) -> None:
    # 40,000 numbers take about 350 kB as Parquet, which is written by other code than the texts are
    code = (
        f"import resource, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_runs\n"
        "from pathlib import Path\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        "try:\n    test_runs.write(Path(sys.argv[1]), rows=40_000)\n"
        "except test_runs.RunError as error:\n    sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "File too large" in done.stdout, done.stderr
    assert "nothing was kept" in done.stdout
    assert below(tmp_path) == []


def test_ctrl_c_while_writing_leaves_nothing(tmp_path: Path) -> None:
    class Interrupted(Small):
        @property
        def spreads(self) -> pl.DataFrame:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path, cast(Report, Interrupted()), PAGE, FACTS, code=CODE)
    assert below(tmp_path) == []


# --- several writers --------------------------------------------------------------------------------------


def test_writers_of_the_same_run_at_once_agree_on_one_complete_run(tmp_path: Path) -> None:
    together = Barrier(6)

    def writer(number: int) -> Path:
        together.wait()
        if number % 2:
            open_runs(tmp_path)  # clears what dead processes left, and must spare what living ones write
        return write(tmp_path)

    with ThreadPoolExecutor(6) as pool:
        folders = set(pool.map(writer, range(6)))
    assert len(folders) == 1
    assert below(tmp_path) == [folders.pop().name]
    assert list_runs(tmp_path).unusable == ()


def test_what_a_living_writer_has_begun_is_not_cleared_away(tmp_path: Path) -> None:
    cleared: list[tuple[str, ...]] = []
    other = Thread(target=lambda: cleared.append(open_runs(tmp_path)))

    class Slow(Small):
        @property
        def forecasts(self) -> pl.DataFrame:
            if not other.ident:  # in the middle of writing, somebody else begins a run
                assert any(name.startswith(".partial-") for name in below(tmp_path))
                other.start()
                other.join(timeout=0.5)
                assert other.is_alive(), "it must wait until this is written"
            return super().forecasts

    folder = write_run(tmp_path, cast(Report, Slow()), PAGE, FACTS, code=CODE)
    other.join()
    assert cleared == [()]
    assert below(tmp_path) == [folder.name]


def test_two_processes_that_write_the_same_run_at_once_both_find_it(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_runs\n"
        "from pathlib import Path\n"
        "sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.readline()\n"
        "for _ in range(6):\n    folder = test_runs.write(Path(sys.argv[1]))\n"
        "sys.stdout.write(folder.name)\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], **pipes) for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    names = {process.communicate(timeout=60)[0] for process in both}
    assert all(process.returncode == 0 for process in both)
    assert names == set(below(tmp_path)) == {run_name("small", "identity", "data", CODE)}


# --- the folder of runs -----------------------------------------------------------------------------------


def test_what_interrupted_runs_left_is_cleared_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path)
    left = tmp_path / ".partial-small-0123456789-abcdef01"
    left.mkdir()
    (left / "result.json").write_text("{")
    (tmp_path / ".partial-note").write_text("a file of somebody else")
    assert open_runs(tmp_path) == (left.name,)
    assert below(tmp_path) == [".partial-note", folder.name]
    assert open_runs(tmp_path) == ()


def test_a_folder_that_cannot_hold_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "below", "Not a directory")):
        with pytest.raises(RunError, match=f"runs cannot be kept in {path}: {why}; give another folder with --runs"):
            open_runs(path)
        with pytest.raises(RunError, match="nothing was kept"):
            write(path)
    assert open_runs(tmp_path / "a" / "b") == ()
    assert (tmp_path / "a" / "b").is_dir()


def test_the_resolved_study_is_toml_that_reads_back(tmp_path: Path) -> None:
    study = {
        "name": "small",
        "question": '涨还是跌?\n"quoted"',
        "split": {"purge": 2},
        "models": [{"kind": "x"}],
    }
    assert read_run(write(tmp_path, study=study)).study == study
    assert (tmp_path / run_name("small", "identity", "data", CODE) / "study.toml").read_text(
        encoding="utf-8"
    ) == tomli_w.dumps(study)


def test_a_plugin_is_part_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "their_factors"
    package.mkdir()
    (package / "__init__.py").write_text("class Theirs:\n    kind = 'theirs'\n")
    monkeypatch.syspath_prepend(tmp_path)
    theirs = importlib.import_module("their_factors").Theirs()
    ours = DateSplit(date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1), purge=2)
    study = cast(Study, SimpleNamespace(parts=(ours, theirs)))
    before = code_of(study)
    assert before.startswith(f"{runs.code_version()}; their_factors+")
    (package / "more.py").write_text("# an edit\n")
    assert code_of(study) != before
