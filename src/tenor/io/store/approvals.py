"""Approvals: what somebody decided on a run, and on which content of it.

A decision names the run and the SHA-256 of its ``result.json``, so that it stays with what was decided on: once the
content is another, the decision still shows, and no longer holds. Nothing is ever deleted or changed; a later decision
stands before an earlier one, and both stay visible.

Two pairs of eyes: whoever started the job that computed a run may not decide on it. A run that was computed on the
command line has no job, so nobody is known to have started it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, func, insert, select

from tenor.errors import RunError, StudyError
from tenor.io.store.database import Store
from tenor.io.store.tables import approvals, jobs

Verdict: TypeAlias = Literal["approved", "refused"]

MOST_COMMENT = 2000
"""Most characters of a comment."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Parameters
    ----------
    number
        Its place in the order of all decisions.
    run, digest
        The run, and the SHA-256 of its ``result.json`` as it was decided on.
    account, verdict, comment, at
        Who decided what, why, and when (UTC).
    """

    number: int
    run: str
    digest: str
    account: str
    verdict: Verdict
    comment: str
    at: datetime


_FIELDS = [approvals.c[name] for name in Decision.__slots__]


def decide(
    store: Store,
    run: str,
    digest: str,
    *,
    account: str,
    verdict: Verdict,
    comment: str = "",
    four_eyes: bool = True,
) -> Decision:
    """Keep a decision on a run whose content has ``digest``.

    Parameters
    ----------
    store
        The database.
    run, digest
        What is decided on.
    account, verdict, comment
        Who decides what, and why.
    four_eyes
        Whether the one who started the run is refused; off where people are not told apart.

    Raises
    ------
    RunError
        If ``account`` started the job that computed the run.
    StudyError
        If the verdict is none, or the comment is too long or no text.
    """
    if verdict not in get_args(Verdict):
        raise StudyError(f"{verdict!r} is no verdict; they are {', '.join(get_args(Verdict))}")
    comment = comment.strip()
    if len(comment) > MOST_COMMENT:
        raise StudyError(f"a comment of {len(comment):,} characters; at most {MOST_COMMENT:,} are kept")
    if "\0" in comment:
        raise StudyError("a comment with a NUL in it is no text")
    with store.writing() as connection:
        if four_eyes and account in _started_by(connection, run):
            raise RunError(f"{account} started run {run}: somebody else must decide on it")
        values = {"run": run, "digest": digest, "account": account, "verdict": verdict, "comment": comment}
        row = connection.execute(insert(approvals).values(**values, at=store.now()).returning(*_FIELDS)).one()
    return Decision(**row._mapping)


def of_run(store: Store, run: str) -> list[Decision]:
    """Return the decisions on a run, the newest, which stands, first."""
    asked = select(*_FIELDS).where(approvals.c.run == run).order_by(approvals.c.number.desc())
    with store.reading() as connection:
        return [Decision(**row._mapping) for row in connection.execute(asked)]


def latest(store: Store, runs: Sequence[str]) -> dict[str, Decision]:
    """Return the newest decision on each of many runs that has one, in one query."""
    newest = select(func.max(approvals.c.number)).where(approvals.c.run.in_(runs)).group_by(approvals.c.run)
    with store.reading() as connection:
        rows = connection.execute(select(*_FIELDS).where(approvals.c.number.in_(newest)))
        return {row.run: Decision(**row._mapping) for row in rows}


def started_by(store: Store, run: str) -> tuple[str, ...]:
    """Return who started the jobs that computed a run; nobody for one that came from elsewhere."""
    with store.reading() as connection:
        return _started_by(connection, run)


def _started_by(connection: Connection, run: str) -> tuple[str, ...]:
    asked = (
        select(jobs.c.owner, jobs.c.command, jobs.c.answer, jobs.c.attempts)
        .where(jobs.c.command.in_(("run", "predict")), jobs.c.answer.contains(run, autoescape=True))
        .order_by(jobs.c.number)
    )
    rows = connection.execute(asked)
    return tuple(dict.fromkeys(row.owner for row in rows if _computed(row, run)))


def _computed(row: Any, run: str) -> bool:
    """Whether a job computed a run, and did not find it done.

    One that was begun twice may have found what its first worker had computed.
    """
    answer, again = json.loads(row.answer), row.attempts > 1
    if row.command == "run":
        return PurePath(answer["run"]).name == run and (answer["computed"] or again)
    said = answer.get("outlooks", ())
    return any(one.get("run") == run and (one.get("trained_now") or again) for one in said)
