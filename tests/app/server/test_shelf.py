"""What is remembered of runs is what reading them anew would say, whatever happens to their folders."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenor.app.commands import ListRuns, list_runs
from tenor.app.server.desks import Desks
from tenor.app.server.measures import Measures
from tenor.app.server.serving import Server
from tenor.app.server.settings import ServerSettings
from tenor.app.server.shelf import Shelf
from tenor.app.server.workplace import Workplace
from tenor.app.web.holdings import holdings, run_names
from tenor.io import runs
from tenor.io.store.database import open_store


def rewritten(file: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    table = json.loads(file.read_text(encoding="utf-8"))
    edit(table)
    file.write_text(json.dumps(table), encoding="utf-8")


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "nothing": lambda pairs, stocks: None,
    "another appears": lambda pairs, stocks: shutil.copytree(stocks, stocks.with_name("later-00")),
    "one disappears": lambda pairs, stocks: shutil.rmtree(pairs),
    "one is damaged": lambda pairs, stocks: (pairs / "result.json").write_text("{"),
    "one says too little": lambda pairs, stocks: rewritten(pairs / "result.json", lambda table: table.pop("data")),
    "one loses a file": lambda pairs, stocks: (stocks / "models.safetensors").unlink(),
    "one is cut": lambda pairs, stocks: (stocks / "study.toml").write_text(""),
    "one is written again": lambda pairs, stocks: rewritten(
        stocks / "run.json", lambda table: table.update(finished="2027-01-01T00:00:00Z")
    ),
    "one is of another format": lambda pairs, stocks: rewritten(
        stocks / "run.json", lambda table: table.update(format=1)
    ),
    "one is moved aside": lambda pairs, stocks: pairs.rename(pairs.with_name(f"{pairs.name}.damaged-00")),
    "one is a copy under the same name": lambda pairs, stocks: (
        shutil.copytree(stocks, stocks.with_name(".aside")),
        shutil.rmtree(stocks),
        stocks.with_name(".aside").rename(stocks),
    ),
    "all are gone": lambda pairs, stocks: shutil.rmtree(pairs.parent),
}


@pytest.fixture
def folders(tmp_path: Path, workplace: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    for name in workplace[1:]:
        shutil.copytree(workplace[0] / "runs" / name, tmp_path / "runs" / name)
    (tmp_path / "runs" / ".partial-x").mkdir()
    (tmp_path / "runs" / "no run").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / workplace[1], tmp_path / "runs" / workplace[2]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_remembered_is_what_is_there(folders: tuple[Path, Path], change: str) -> None:
    shelf, asked = Shelf(Workplace(Path.cwd())), ListRuns(Path("runs"))
    for turn in range(3):
        if turn == 1:
            CHANGES[change](*folders)
        held, unusable = shelf.listed()
        fresh = list_runs(asked)
        assert ([dict(card.row) for card in held], list(unusable)) == (fresh["runs"], fresh["unusable"])


def test_what_did_not_change_is_not_read_again(folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = [], runs.read_run
    monkeypatch.setattr(runs, "read_run", lambda folder: (read.append(folder.name), real(folder))[1])
    shelf = Shelf(Workplace(Path.cwd()))
    first = shelf.listed()
    assert sorted(read) == sorted([".partial-x", *(folder.name for folder in folders)])
    assert shelf.listed() == first
    assert len(read) == 3
    (folders[0] / "report.html").write_text("edited")
    shelf.listed()
    assert read[3:] == [folders[0].name]


def test_pages_choose_among_the_same_runs(folders: tuple[Path, Path]) -> None:
    settings, place = ServerSettings(Path.cwd()), Workplace(Path.cwd())
    store = open_store(settings.url)
    server = Server(settings, place, store, Measures(), Desks(place))
    pairs, stocks = (folder.name for folder in folders)
    assert holdings(server).pairs == {pairs: ("T",)}
    assert holdings(server).stocks["KO"] == stocks
    newer = folders[1].with_name("newer-00")
    shutil.copytree(folders[1], newer)
    rewritten(newer / "run.json", lambda table: table.update(finished="2027-01-01T00:00:00Z"))
    assert holdings(server).stocks["KO"] == "newer-00"
    assert run_names(server)[0] == "newer-00"
    shutil.rmtree(newer)
    assert holdings(server).stocks["KO"] == stocks
    store.engine.dispose()
