"""Progress on standard error, and a Ctrl-C that cannot be lost."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from tenor.app.progress import interruptible, shown


@pytest.fixture(autouse=True)
def default_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_elsewhere_than_on_a_terminal_each_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(quiet=False) as watch:
        for done in range(4):
            watch("train", done, 3)
        watch("train", 3, 3)
        watch("report", 0, 1)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "train: 3 of 3\n")


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(quiet=True) as watch:
        watch("train", 3, 3)
    assert capsys.readouterr() == ("", "")


def test_an_interrupt_that_a_callback_swallows_is_raised_by_the_next_progress() -> None:
    told: list[str] = []
    with interruptible(lambda stage, done, total: told.append(stage)) as watch:
        watch("before", 1, 2)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            watch("after", 2, 2)
    assert told == ["before"]


def test_an_interrupt_lost_in_a_destructor_is_not_printed_and_other_losses_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deaf:
        def __init__(self, error: type[BaseException]) -> None:
            self.error = error

        def __del__(self) -> None:
            raise self.error

    lost: list[type[BaseException] | None] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: lost.append(what.exc_type))
    with interruptible(lambda stage, done, total: None):
        Deaf(KeyboardInterrupt)
        Deaf(ValueError)
    Deaf(KeyError)
    assert lost == [ValueError, KeyError]


def test_handlers_are_given_back_and_others_are_left_alone() -> None:
    hook = sys.unraisablehook
    with interruptible(lambda stage, done, total: None):
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sys.unraisablehook is hook
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as under nohup
    with interruptible(lambda stage, done, total: None):
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_progress_is_as_it_was() -> None:
    def watch(stage: str, done: int, total: int) -> None:
        pass

    same: list[bool] = []

    def work() -> None:
        with interruptible(watch) as watched:
            same.append(watched is watch)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert same == [True]
