"""Decisions on runs on both databases: they stay, the newest stands, and nobody decides on what they started."""

import json
from typing import Any

import pytest

from tenor.errors import RunError, StudyError
from tenor.io.store import approvals, jobs
from tenor.io.store.database import Store

ONE, TWO = "a" * 64, "b" * 64


def done(store: Store, owner: str, answer: dict[str, Any], *, command: str = "run", study: str = "a") -> None:
    """A job of ``owner`` that has this answer."""
    job, _ = jobs.enqueue(store, command, {"study": study}, owner=owner)
    assert jobs.claim(store, "w") is not None
    assert jobs.finish(store, job.id, "w", answer=json.dumps(answer))


def test_a_later_decision_stands_and_both_stay(store: Store, clock: Any) -> None:
    first = approvals.decide(store, "x-1", ONE, account="ada", verdict="approved", comment=" Sound. \n")
    assert (first.comment, first.digest, first.at) == ("Sound.", ONE, clock.at)
    clock.passes(days=1)
    second = approvals.decide(store, "x-1", TWO, account="bob", verdict="refused", comment="意见")
    assert approvals.of_run(store, "x-1") == [second, first]
    assert approvals.of_run(store, "x-2") == []
    assert second.number > first.number


def test_what_stands_on_many_runs_is_one_question(store: Store) -> None:
    approvals.decide(store, "x-1", ONE, account="ada", verdict="refused")
    newest = approvals.decide(store, "x-1", ONE, account="ada", verdict="approved")
    other = approvals.decide(store, "x-2", TWO, account="bob", verdict="refused")
    approvals.decide(store, "x-3", TWO, account="bob", verdict="refused")
    assert approvals.latest(store, ["x-1", "x-2", "none"]) == {"x-1": newest, "x-2": other}
    assert approvals.latest(store, []) == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"verdict": "perhaps"}, "they are approved, refused"),
        ({"comment": "x" * 2001}, "2,001 characters; at most 2,000"),
        ({"comment": "a\0b"}, "NUL"),
    ],
)
def test_what_is_no_decision_is_refused(store: Store, more: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        approvals.decide(store, "x-1", ONE, **{"account": "ada", "verdict": "approved", **more})
    assert approvals.of_run(store, "x-1") == []


def test_whoever_started_a_run_does_not_decide_on_it(store: Store) -> None:
    done(store, "ada", {"run": "runs/x-1", "computed": True})
    done(store, "bob", {"run": "runs/x-1", "computed": False})  # found it done
    assert approvals.started_by(store, "x-1") == ("ada",)
    with pytest.raises(RunError, match="ada started run x-1: somebody else must decide"):
        approvals.decide(store, "x-1", ONE, account="ada", verdict="approved")
    approvals.decide(store, "x-1", ONE, account="bob", verdict="approved")
    approvals.decide(store, "x-1", ONE, account="ada", verdict="refused", four_eyes=False)
    assert [one.account for one in approvals.of_run(store, "x-1")] == ["ada", "bob"]


def test_a_run_is_known_by_its_whole_name(store: Store) -> None:
    done(store, "ada", {"run": "runs/x-1", "computed": True, "notes": ["x-10 and x_1 were there"]})
    assert [approvals.started_by(store, run) for run in ("x-1", "x-10", "x_1", "x", "%")] == [("ada",), (), (), (), ()]


def test_a_prediction_that_trained_a_run_started_it(store: Store) -> None:
    said = [{"run": "ko-1", "trained_now": True}, {"run": "xom-1", "trained_now": False}]
    done(store, "ada", {"outlooks": said}, command="predict")
    done(store, "bob", {"run": "runs/ko-1", "agrees": True}, command="rerun")
    assert approvals.started_by(store, "ko-1") == ("ada",)
    assert approvals.started_by(store, "xom-1") == ()


def test_a_job_that_was_begun_again_may_find_what_it_computed(store: Store, clock: Any) -> None:
    job, _ = jobs.enqueue(store, "run", {"study": "a"}, owner="ada")
    jobs.claim(store, "died once the run was written")
    clock.passes(seconds=31)
    jobs.claim(store, "w")
    jobs.finish(store, job.id, "w", answer=json.dumps({"run": "runs/x-1", "computed": False}))
    assert approvals.started_by(store, "x-1") == ("ada",)
