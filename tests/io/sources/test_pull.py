"""The loop over items: one that fails costs the others nothing, and what was answered is not asked twice."""

import importlib.util
import runpy
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tenor.errors import PullError
from tenor.io.sources.china import China
from tenor.io.sources.fetch import Cache, Span
from tenor.io.sources.pull import CONNECTORS, pull
from tenor.io.sources.yahoo import Yahoo

SHAPES = runpy.run_path(str(Path(__file__).with_name("recorded.py")))
Library, frame, cffex = (SHAPES[name] for name in ("Library", "yahoo", "cffex"))
SPAN = Span(None, date(2020, 9, 30))
JUNE = Span(date(2024, 6, 17), date(2024, 6, 20))
BUSY = PullError("no network", passing=True)


class World:
    def __init__(self, at: datetime = datetime(2020, 10, 2, tzinfo=UTC)) -> None:
        self.at, self.slept = at, []

    def __call__(self, connector, items, span, folder: Path, library, **how):
        cache = Cache(folder, **how)
        return pull(connector, items, span, cache, now=lambda: self.at, sleep=self.slept.append, fetch=library)


def test_one_that_fails_costs_the_others_nothing(tmp_path: Path) -> None:
    library = Library({"AAPL": frame(), "MSFT": frame(Close=[1.0, -1.0, 1.0, 1.0]), "NVDA": frame()})
    found = World()(Yahoo(), ("AAPL", "MSFT", "APPL", "VOD.L", "NVDA", "AAPL"), SPAN, tmp_path, library)
    assert [each.item for each in found] == ["AAPL", "MSFT", "APPL", "VOD.L", "NVDA"]
    assert [each.found is None for each in found] == [False, True, True, True, False]
    assert "-4.0 is not above 0" in found[1].reason
    assert "APPL is not there" in found[2].reason
    assert "is no ticker" in found[3].reason
    assert [(each.asked, each.cached) for each in found] == [(1, 0), (1, 0), (0, 0), (0, 0), (1, 0)]


def test_too_many_requests_twice_then_success(tmp_path: Path) -> None:
    world = World()
    (found,) = world(Yahoo(), ("AAPL",), SPAN, tmp_path, Library({"AAPL": [BUSY, BUSY, frame()]}))
    assert found.reason == ""
    assert world.slept == [2.0, 4.0]


def test_without_a_network_only_the_first_item_waits(tmp_path: Path) -> None:
    world = World()
    library = Library({name: [BUSY] * 9 for name in ("AAPL", "MSFT", "NVDA")})
    found = world(Yahoo(), ("AAPL", "MSFT", "NVDA"), SPAN, tmp_path, library)
    assert ["asked 4 times" in each.reason for each in found] == [True, False, False]
    assert "asked once, after others had failed" in found[2].reason
    assert world.slept == [2.0, 4.0, 8.0]


def test_a_pull_that_broke_off_goes_on_from_what_was_answered(tmp_path: Path) -> None:
    days = {"20240617": cffex("20240617"), "20240618": BUSY}
    world = World(datetime(2024, 7, 1, tzinfo=UTC))
    library = Library({"futures_hist_daily_cffex": lambda told: days[told["date"]]})
    (broken,) = world(China(), ("T",), JUNE, tmp_path, library)
    assert "no network" in broken.reason
    assert broken.asked == 1
    world.at += timedelta(days=30)
    library = Library({"futures_hist_daily_cffex": lambda told: cffex(told["date"])})
    (whole,) = world(China(), ("T",), JUNE, tmp_path, library)
    assert (whole.asked, whole.cached, len(library.asked)) == (4, 1, 3)
    assert whole.found.tables["quotes"].height == 8


def test_one_request_serves_two_products(tmp_path: Path) -> None:
    library = Library({"futures_hist_daily_cffex": lambda told: cffex(told["date"])})
    found = World(datetime(2024, 7, 1, tzinfo=UTC))(China(), ("T", "TF"), JUNE, tmp_path, library)
    assert [each.found.tables["quotes"].height for each in found] == [8, 4]
    assert len(library.asked) == 4


def test_a_session_without_an_answer_is_said_and_the_others_are_used(tmp_path: Path) -> None:
    library = Library(
        {"futures_hist_daily_cffex": lambda told: cffex(told["date"]) if told["date"] != "20240618" else None}
    )
    (found,) = World(datetime(2024, 7, 1, tzinfo=UTC))(China(), ("T",), JUNE, tmp_path, library)
    assert found.found.tables["quotes"].height == 6
    assert "T: 1 of 4 requests have no answer, first: futures_hist_daily_cffex is not there" in found.found.notes[0]


def test_offline_replays_and_names_what_is_missing(tmp_path: Path) -> None:
    world = World()
    world(Yahoo(), ("AAPL",), SPAN, tmp_path, Library({"AAPL": frame()}))
    world.at += timedelta(days=400)
    nobody = Library({})
    one, other = world(Yahoo(), ("AAPL", "MSFT"), SPAN, tmp_path, nobody, offline=True)
    assert (one.found.tables["quotes"].height, one.cached) == (4, 1)
    assert "no kept answer to yahoo history(symbol=MSFT)" in other.reason
    assert nobody.asked == []


def test_half_of_a_stock_is_no_stock(tmp_path: Path) -> None:
    library = Library({"stock_zh_a_hist": SHAPES["bars"]([1500.0], ["2024-06-18"])})
    (found,) = World(datetime(2024, 7, 1, tzinfo=UTC))(China(), ("600519",), JUNE, tmp_path, library)
    assert "600519 needs its bars and its factor; only stock_zh_a_hist is there" in found.reason


def test_a_span_without_sessions_is_said(tmp_path: Path) -> None:
    weekend = Span(date(2024, 6, 8), date(2024, 6, 10))
    (found,) = World()(China(), ("T",), weekend, tmp_path, Library({}))
    assert "no day from 2024-06-08 to 2024-06-10 to ask for" in found.reason


def test_a_damaged_answer_is_asked_again_with_a_note(tmp_path: Path) -> None:
    world, library = World(), Library({"AAPL": frame()})
    world(Yahoo(), ("AAPL",), SPAN, tmp_path, library)
    (file,) = (tmp_path / "yahoo").iterdir()
    file.write_bytes(b"half")
    (found,) = world(Yahoo(), ("AAPL",), SPAN, tmp_path, library)
    assert "is damaged" in found.found.notes[0]
    assert found.cached == 0


def test_progress_counts_requests_and_ends(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    pull(
        Yahoo(),
        ("AAPL", "VOD.L", "MSFT"),
        SPAN,
        Cache(tmp_path),
        now=lambda: datetime(2020, 10, 2, tzinfo=UTC),
        sleep=lambda seconds: None,
        fetch=Library({"AAPL": frame(), "MSFT": [BUSY] * 4}),
        watch=lambda *step: told.append(step),
    )
    assert told[0] == ("yahoo", 1, 2)
    assert told[-1] == ("yahoo", 2, 2)


class Uninstalled:
    """A connector whose library is not there."""

    provider, plan, parse = "yahoo", Yahoo().plan, Yahoo().parse

    def opened(self):
        raise PullError("pulling from yahoo needs yfinance: pip install 'tenor[yahoo]'")


def test_a_library_that_is_not_installed_ends_the_pull_unless_every_answer_is_kept(tmp_path: Path) -> None:
    world = World()
    with pytest.raises(PullError, match=r"pip install 'tenor\[yahoo\]'"):
        world(Uninstalled(), ("AAPL", "MSFT"), SPAN, tmp_path, None)
    world(Yahoo(), ("AAPL",), SPAN, tmp_path, Library({"AAPL": frame()}))
    (found,) = world(Uninstalled(), ("AAPL",), SPAN, tmp_path, None)
    assert found.found is not None


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_connector_opens_or_says_what_to_install(name: str) -> None:
    connector = CONNECTORS[name]()
    assert connector.provider == name
    library = {"china": "akshare", "fred": "httpx", "yahoo": "yfinance"}[name]
    if importlib.util.find_spec(library):
        assert callable(connector.opened())
    else:
        with pytest.raises(PullError, match=rf"needs {library} .*pip install 'tenor\[{name}\]'"):
            connector.opened()
