"""Jobs on both databases: accepted once, done by one worker at a time, taken over from the dead, never lost."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tenor.errors import MissingError, RunError
from tenor.io.store import jobs
from tenor.io.store.database import Store


def asked(store: Store, study: str = "a", **more: Any) -> tuple[jobs.Job, bool]:
    return jobs.enqueue(store, "run", {"study": study, **more}, owner="local")


def test_a_job_waits_runs_and_ends_with_its_answer(store: Store, clock: Any) -> None:
    job, new = asked(store)
    assert new
    assert (job.state, job.attempts, job.created) == ("queued", 0, clock.at)
    clock.passes(seconds=2)
    taken = jobs.claim(store, "w")
    assert taken is not None
    assert (taken.id, taken.state, taken.attempts, taken.started) == (job.id, "running", 1, clock.at)
    assert jobs.claim(store, "other") is None
    assert jobs.renew(store, job.id, "w", ("lstm", 3, 20))
    held = jobs.read(store, job.id)
    assert (held.stage, held.done, held.total, held.open) == ("lstm", 3, 20, True)
    clock.passes(seconds=5)
    assert jobs.finish(store, job.id, "w", answer='{"run": "x"}')
    done = jobs.read(store, job.id)
    assert (done.state, done.answer, done.error, done.finished, done.open) == (
        "done",
        '{"run": "x"}',
        None,
        clock.at,
        False,
    )
    assert jobs.counts(store) == {"done": 1}


def test_the_same_is_asked_once_while_it_is_open(store: Store) -> None:
    job, _ = asked(store, data=None)
    again, new = jobs.enqueue(store, "run", {"data": None, "study": "a"}, owner="other")
    assert (again.id, new) == (job.id, False)
    assert asked(store, data="b")[1]
    assert jobs.claim(store, "w") is not None
    assert not asked(store, data=None)[1]
    jobs.finish(store, job.id, "w", error={"error": {}})
    assert asked(store, data=None)[1]


def test_another_content_of_a_study_is_another_job(store: Store) -> None:
    held = [jobs.enqueue(store, "run", {"study": "a"}, owner="local", content=each) for each in ("", "x", "y", "x")]
    assert [new for _, new in held] == [True, True, True, False]
    assert held[1][0].id == held[3][0].id
    assert [job.id for job in jobs.still_open(store)] == [job.id for job, new in held if new]
    jobs.cancel(store, held[0][0].id)
    assert len(jobs.still_open(store)) == 2


def test_many_who_ask_the_same_at_once_start_one_job(opened: Callable[[], Store]) -> None:
    stores = [opened() for _ in range(6)]
    gate = threading.Barrier(len(stores))

    def start(store: Store) -> str:
        gate.wait()
        return asked(store)[0].id

    with ThreadPoolExecutor(len(stores)) as pool:
        assert len(set(pool.map(start, stores))) == 1
    assert jobs.counts(stores[0]) == {"queued": 1}


def test_many_workers_share_jobs_without_taking_one_twice(opened: Callable[[], Store]) -> None:
    stores = [opened() for _ in range(4)]
    made = [asked(stores[0], study=str(number))[0].id for number in range(20)]
    gate = threading.Barrier(len(stores))

    def work(number: int) -> list[str]:
        gate.wait()
        taken = []
        while (job := jobs.claim(stores[number], f"w{number}")) is not None:
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(len(stores)) as pool:
        taken = [job for each in pool.map(work, range(len(stores))) for job in each]
    assert sorted(taken) == sorted(made)


def test_the_oldest_goes_first(store: Store) -> None:
    first, second = asked(store, "a")[0], asked(store, "b")[0]
    assert [getattr(jobs.claim(store, "w"), "id", None) for _ in range(3)] == [first.id, second.id, None]


def test_a_silent_worker_loses_its_job_and_cannot_end_it(store: Store, clock: Any) -> None:
    job, _ = asked(store)
    jobs.claim(store, "dead")
    clock.passes(seconds=29)
    assert jobs.claim(store, "next") is None
    assert jobs.renew(store, job.id, "dead")
    clock.passes(seconds=31)
    taken = jobs.claim(store, "next")
    assert taken is not None
    assert (taken.id, taken.attempts) == (job.id, 2)
    assert not jobs.renew(store, job.id, "dead")
    assert not jobs.finish(store, job.id, "dead", answer="late")
    assert jobs.read(store, job.id).answer is None
    assert jobs.finish(store, job.id, "next", answer="in time")


def test_what_kills_three_workers_has_failed(store: Store, clock: Any) -> None:
    job, _ = asked(store)
    for number in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(store, f"w{number}") is not None
        jobs.abandon(store, job.id, f"w{number}")
    assert jobs.claim(store, "last") is None
    held = jobs.read(store, job.id)
    assert held.state == "failed"
    assert held.error is not None
    assert "died 3 times" in held.error["error"]["message"]


def test_a_job_that_waits_is_cancelled_at_once_and_one_that_runs_by_its_worker(store: Store) -> None:
    waits, runs = asked(store, "b")[0], None
    assert jobs.cancel(store, waits.id).state == "cancelled"
    runs, _ = asked(store, "a")
    jobs.claim(store, "w")
    held = jobs.cancel(store, runs.id)
    assert (held.state, held.cancel_asked) == ("running", True)
    assert not jobs.renew(store, runs.id, "w")
    assert jobs.finish(store, runs.id, "w")
    assert jobs.cancel(store, runs.id).state == "cancelled"
    with pytest.raises(MissingError, match="no job 'nope'"):
        jobs.cancel(store, "nope")


def test_a_cancelled_job_whose_worker_died_is_not_begun_again(store: Store, clock: Any) -> None:
    job, _ = asked(store)
    jobs.claim(store, "dead")
    jobs.cancel(store, job.id)
    clock.passes(seconds=31)
    assert jobs.claim(store, "next") is None
    assert jobs.read(store, job.id).state == "cancelled"


def test_a_server_that_goes_down_in_good_order_gives_its_job_back(store: Store) -> None:
    job, _ = asked(store)
    jobs.claim(store, "w")
    jobs.give_back(store, job.id, "w")
    held = jobs.read(store, job.id)
    assert (held.state, held.attempts) == ("queued", 0)


def test_pages_go_back_in_time(store: Store) -> None:
    made = [asked(store, str(number))[0] for number in range(5)]
    first = jobs.page(store, limit=2)
    assert [job.id for job in first] == [made[4].id, made[3].id]
    assert [job.id for job in jobs.page(store, before=first[-1].number, limit=2)] == [made[2].id, made[1].id]
    assert jobs.page(store, state="done") == []
    jobs.claim(store, "w")
    jobs.finish(store, made[0].id, "w", answer="{}", run="x-1")
    (done,) = jobs.page(store, state="done")
    assert (done.id, done.run, done.answer) == (made[0].id, "x-1", None)  # an answer may be large: it is read apart
    assert jobs.read(store, done.id).answer == "{}"


def test_too_many_open_jobs_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_OPEN", 2)
    asked(store, "a")
    asked(store, "b")
    with pytest.raises(RunError, match="2 jobs wait or run"):
        asked(store, "c")


def test_jobs_outlive_the_process(opened: Callable[[], Store]) -> None:
    first = opened()
    job, _ = asked(first)
    first.engine.dispose()
    assert jobs.read(opened(), job.id) == job
