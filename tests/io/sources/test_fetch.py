"""Asking: the cache, its age, what passes and what does not, and files that are whole or not there."""

import gzip
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from tenor.errors import PullError
from tenor.io.sources.fetch import Answer, Asked, Cache, Request, answer_of, ask, called, written_aside

Library = runpy.run_path(str(Path(__file__).with_name("recorded.py")))["Library"]
REQUEST = Request("yahoo", "history", (("symbol", "AAPL"),))
ANSWER = Answer(("Date", "Close"), (("2020-09-01", 134.18), ("2020-09-02", None)), {"currency": "USD"})
NOON = datetime(2020, 9, 2, 12, tzinfo=UTC)
BUSY = PullError("too many requests", passing=True)


class World:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.at, self.slept = NOON, []

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def world() -> World:
    return World()


def asking(library, cache: Cache, world: World, request: Request = REQUEST):
    return ask(request, library, cache, now=world.now, sleep=world.sleep)


def test_an_answer_is_kept_and_used_within_its_age(tmp_path: Path, world: World) -> None:
    library, cache = Library({"AAPL": ANSWER}), Cache(tmp_path, timedelta(hours=1))
    first, _ = asking(library, cache, world)
    assert (first.answer, first.at, first.cached) == (ANSWER, NOON, False)
    world.at += timedelta(minutes=59)
    again, _ = asking(library, cache, world)
    assert (again.answer, again.at, again.cached) == (ANSWER, NOON, True)
    world.at += timedelta(minutes=1)
    assert not asking(library, cache, world)[0].cached
    assert not asking(library, Cache(tmp_path, refresh=True), world)[0].cached
    assert len(library.asked) == 3


def test_what_was_asked_in_the_future_is_not_used(tmp_path: Path, world: World) -> None:
    library, cache = Library({"AAPL": ANSWER}), Cache(tmp_path)
    asking(library, cache, world)
    world.at -= timedelta(days=1)
    assert not asking(library, cache, world)[0].cached


def test_a_settled_answer_is_used_however_old(tmp_path: Path, world: World) -> None:
    library, cache = Library({"AAPL": ANSWER}), Cache(tmp_path)
    settled = Request(REQUEST.provider, REQUEST.call, REQUEST.arguments, NOON + timedelta(hours=8))
    asking(library, cache, world, settled)
    world.at += timedelta(days=2)
    assert not asking(library, cache, world, settled)[0].cached, "it was asked before it was settled"
    world.at += timedelta(days=200)
    assert asking(library, cache, world, settled)[0].cached
    assert settled.identity == REQUEST.identity


def test_too_many_requests_twice_then_an_answer(tmp_path: Path, world: World) -> None:
    library = Library({"AAPL": [BUSY, BUSY, ANSWER]})
    asked, _ = asking(library, Cache(tmp_path), world)
    assert asked.answer == ANSWER
    assert world.slept == [2.0, 4.0]
    assert asked.at == NOON + timedelta(seconds=6)


def test_no_network_is_said_after_the_last_attempt_and_nothing_is_kept(tmp_path: Path, world: World) -> None:
    with pytest.raises(PullError, match="too many requests; asked 4 times, try again later") as failed:
        asking(Library({"AAPL": [BUSY] * 4}), Cache(tmp_path), world)
    assert failed.value.passing
    assert world.slept == [2.0, 4.0, 8.0]
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_pass_is_not_asked_again(tmp_path: Path, world: World) -> None:
    library = Library({})
    with pytest.raises(PullError, match="AAPL is not there"):
        asking(library, Cache(tmp_path), world)
    assert (len(library.asked), world.slept) == (1, [])


def test_offline_replays_however_old_and_names_what_was_never_asked(tmp_path: Path, world: World) -> None:
    asking(Library({"AAPL": ANSWER}), Cache(tmp_path), world)
    world.at += timedelta(days=999)
    offline, nobody = Cache(tmp_path, offline=True), Library({})
    assert asking(nobody, offline, world)[0].answer == ANSWER
    with pytest.raises(PullError, match=r"no kept answer to yahoo history\(symbol=MSFT\)"):
        asking(nobody, offline, world, Request("yahoo", "history", (("symbol", "MSFT"),)))
    assert nobody.asked == []
    with pytest.raises(PullError, match="give one of the two"):
        Cache(tmp_path, refresh=True, offline=True)


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b'{"format": 9}'), gzip.compress(b'{"format": 1}')],
    ids=["empty", "no gzip", "half", "later format", "no rows"],
)
def test_a_damaged_answer_is_asked_again_with_a_word_and_refused_offline(tmp_path, world, content) -> None:
    cache = Cache(tmp_path)
    asking(Library({"AAPL": ANSWER}), cache, world)
    cache.file(REQUEST).write_bytes(content)
    with pytest.raises(PullError, match="is damaged"):
        asking(Library({}), Cache(tmp_path, offline=True), world)
    asked, notes = asking(Library({"AAPL": ANSWER}), cache, world)
    assert asked.answer == ANSWER
    assert "is damaged" in notes[0]
    assert cache.read(REQUEST).answer == ANSWER


def test_a_kill_between_write_and_rename_leaves_what_was_there(tmp_path, world, monkeypatch) -> None:
    cache = Cache(tmp_path)
    cache.keep(Asked(REQUEST, ANSWER, NOON, cached=False))
    before = cache.file(REQUEST).read_bytes()
    monkeypatch.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        cache.keep(Asked(REQUEST, Answer(("Date",), (("2021-01-04",),)), NOON, cached=False))
    assert cache.file(REQUEST).read_bytes() == before
    assert [path.name for path in cache.file(REQUEST).parent.iterdir()] == [cache.file(REQUEST).name]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        written_aside(tmp_path / "deep" / "file", fails)
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_frame_becomes_plain_cells() -> None:
    index = pd.DatetimeIndex(pd.to_datetime(["2020-09-01", None]), name="Date")
    frame = pd.DataFrame({"n": [1, 2], "x": [1.5, float("nan")], "t": ["a", None]}, index=index)
    assert answer_of(frame) == Answer(
        ("Date", "n", "x", "t"), (("2020-09-01T00:00:00", 1, 1.5, "a"), (None, 2, None, None))
    )
    assert answer_of(frame.reset_index(drop=True)).columns == ("n", "x", "t")
    assert answer_of(pd.DataFrame()) == Answer((), ())


class YFRateLimitError(Exception):
    pass


class HTTPError(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (OSError("no network"), True),
        (TimeoutError("slow"), True),
        (YFRateLimitError("Too Many Requests"), True),
        (HTTPError(429), True),
        (HTTPError(503), True),
        (HTTPError(404), False),
        (KeyError("data"), False),
    ],
    ids=str,
)
def test_what_a_library_raises_says_if_asking_again_may_help(error: Exception, passing: bool) -> None:
    def call() -> Answer:
        raise error

    with pytest.raises(PullError, match=type(error).__name__) as failed:
        called(REQUEST, call)
    assert failed.value.passing is passing
