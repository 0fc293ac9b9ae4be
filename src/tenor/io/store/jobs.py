"""Jobs: what takes long, kept so that a kill at any moment loses nothing that was accepted.

A job is a command and its request. It is *queued*, *running* under a lease that its worker renews, and ends *done*,
*failed* or *cancelled*; only the worker that holds the lease may end it. A worker that dies lets its lease run out, and
the next claim takes the job over; commands keep their results by content, so what was finished before the kill is found
and not computed twice. A job whose worker died ``MOST_ATTEMPTS`` times has failed.

Why no library of queues: huey takes a message off its queue before it is done, so a kill loses it, carries pickles, and
does not stop what runs; procrastinate needs PostgreSQL. Here one table in the store's own database is enough: an open
job is unique by what it asks, so a second start of the same run is the first one.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import Row, and_, func, insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError

from tenor.errors import MissingError, RunError
from tenor.io.store.database import Store
from tenor.io.store.tables import jobs

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled"]

LEASE = timedelta(seconds=30)
"""How long a worker may be silent before its job is taken over."""

MOST_ATTEMPTS = 3
"""How often a job is begun before it has failed: what kills three workers would kill the next."""

MOST_OPEN = 200
"""Most jobs that wait or run at a time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it stands.

    Parameters
    ----------
    id, number
        Its name, and its place in the order of all jobs.
    command, request, owner
        What is asked, and by whom.
    state
        ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
    stage, done, total
        How far it is.
    attempts
        How often it was begun.
    cancel_asked
        Whether somebody wants it stopped.
    answer
        JSON text of the answer; ``None`` until it is done, and in a list of jobs, for an answer may be large.
    run
        Name of the run that it led to, if it computes one.
    error
        The error as every face shows it; ``None`` unless it failed.
    created, started, finished
        Moments, UTC.
    """

    id: str
    number: int
    command: str
    request: Mapping[str, Any]
    owner: str
    state: State
    stage: str
    done: int
    total: int
    attempts: int
    cancel_asked: bool
    answer: str | None
    run: str | None
    error: Mapping[str, Any] | None
    created: datetime
    started: datetime | None
    finished: datetime | None

    @property
    def open(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in ("queued", "running")


_FIELDS = [jobs.c[name] for name in Job.__slots__]
_LISTED = [null().label("answer") if name == "answer" else jobs.c[name] for name in Job.__slots__]


def _job(row: Row[Any]) -> Job:
    return Job(**row._mapping)


def key_of(command: str, request: Mapping[str, Any], content: str = "") -> str:
    """Return what makes two jobs the same: the command, everything that is asked, and what the files it names hold."""
    asked = [command, request, content] if content else [command, request]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def enqueue(
    store: Store, command: str, request: Mapping[str, Any], *, owner: str, content: str = ""
) -> tuple[Job, bool]:
    """Queue a job, or return the open one that asks the same; with it, whether it is new.

    Parameters
    ----------
    store
        The database.
    command, request, owner
        What is asked, and by whom.
    content
        Digest of the study that the request names, where it names one: under another content it asks something else.

    Raises
    ------
    RunError
        If too many jobs are open.
    """
    key = key_of(command, request, content)
    for _ in range(3):
        if (held := _open_of(store, key)) is not None:
            return held, False
        try:
            with store.writing() as connection:
                waiting = connection.execute(select(func.count()).where(_is_open())).scalar_one()
                if waiting >= MOST_OPEN:
                    raise RunError(f"{waiting} jobs wait or run; cancel some, or ask again when they are done")
                row = connection.execute(
                    insert(jobs)
                    .values(
                        id=secrets.token_hex(8),
                        command=command,
                        request=dict(request),
                        key=key,
                        owner=owner,
                        state="queued",
                        created=store.now(),
                    )
                    .returning(*_FIELDS)
                ).one()
            return _job(row), True
        except IntegrityError:
            continue  # somebody asked the same in this moment
    raise RunError("the job could not be queued: the same one is begun and ended again and again; ask once more")


def _is_open() -> Any:
    return jobs.c.state.in_(("queued", "running"))


def _open_of(store: Store, key: str) -> Job | None:
    with store.reading() as connection:
        row = connection.execute(select(*_FIELDS).where(jobs.c.key == key, _is_open())).one_or_none()
    return None if row is None else _job(row)


def claim(store: Store, worker: str) -> Job | None:
    """Take the oldest job that waits, or whose worker is silent beyond its lease; ``None`` where there is none."""
    now = store.now()
    silent = and_(jobs.c.state == "running", jobs.c.lease_until < now)
    with store.writing() as connection:
        connection.execute(
            update(jobs)
            .where(silent, jobs.c.cancel_asked)
            .values(state="cancelled", finished=now, worker=None, lease_until=None)
        )
        why = {
            "error": {
                "type": "RunError",
                "message": f"the process that computed it died {MOST_ATTEMPTS} times: see the server's log and memory",
                "problems": [],
            }
        }
        connection.execute(
            update(jobs)
            .where(silent, jobs.c.attempts >= MOST_ATTEMPTS)
            .values(state="failed", finished=now, error=why, worker=None, lease_until=None)
        )
        oldest = (
            select(jobs.c.number)
            .where(or_(jobs.c.state == "queued", silent))
            .order_by(jobs.c.number)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        row = connection.execute(
            update(jobs)
            .where(jobs.c.number == oldest)
            .values(
                state="running",
                worker=worker,
                lease_until=now + LEASE,
                attempts=jobs.c.attempts + 1,
                started=func.coalesce(jobs.c.started, now),
                stage="",
                done=0,
                total=0,
            )
            .returning(*_FIELDS)
        ).one_or_none()
    return None if row is None else _job(row)


def renew(store: Store, job: str, worker: str, progress: tuple[str, int, int] | None = None) -> bool:
    """Renew a lease and say how far the job is; ``False`` where it is to be stopped or is no longer this worker's."""
    values: dict[str, Any] = {"lease_until": store.now() + LEASE}
    if progress is not None:
        stage, done, total = progress
        values |= {"stage": stage[:80], "done": done, "total": total}
    with store.writing() as connection:
        row = connection.execute(
            update(jobs).where(_held(job, worker)).values(**values).returning(jobs.c.cancel_asked)
        ).one_or_none()
    return row is not None and not row.cancel_asked


def _held(job: str, worker: str) -> Any:
    return and_(jobs.c.id == job, jobs.c.worker == worker, jobs.c.state == "running")


def finish(
    store: Store,
    job: str,
    worker: str,
    *,
    answer: str | None = None,
    run: str | None = None,
    error: Mapping[str, Any] | None = None,
) -> bool:
    """End a job with its answer, its error, or neither: then it was cancelled. ``False`` if it is not this worker's.

    ``run`` is the name of the run that it led to.
    """
    state = "done" if answer is not None else "failed" if error is not None else "cancelled"
    said = {"answer": answer, "run": run, "error": error}
    ended = {"state": state, "finished": store.now(), "lease_until": None, "worker": None}
    with store.writing() as connection:
        found = connection.execute(update(jobs).where(_held(job, worker)).values(**said, **ended).returning(jobs.c.id))
        return found.one_or_none() is not None


def give_back(store: Store, job: str, worker: str) -> None:
    """Put a job back in the queue, as it was: its server goes down in good order."""
    with store.writing() as connection:
        connection.execute(
            update(jobs)
            .where(_held(job, worker))
            .values(state="queued", worker=None, lease_until=None, attempts=jobs.c.attempts - 1)
        )


def abandon(store: Store, job: str, worker: str) -> None:
    """Let a lease run out now: its worker is known to be dead, and the next claim may begin the job again."""
    with store.writing() as connection:
        ran_out = store.now() - timedelta(seconds=1)
        connection.execute(update(jobs).where(_held(job, worker)).values(lease_until=ran_out))


def cancel(store: Store, job: str) -> Job:
    """Ask that a job be stopped: at once where it waits, by its worker where it runs; one that has ended stays.

    Raises
    ------
    MissingError
        If there is no such job.
    """
    now = store.now()
    with store.writing() as connection:
        connection.execute(
            update(jobs).where(jobs.c.id == job, jobs.c.state == "queued").values(state="cancelled", finished=now)
        )
        connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.state == "running").values(cancel_asked=True))
    return read(store, job)


def read(store: Store, job: str) -> Job:
    """Return a job; :class:`MissingError` if there is none of that name."""
    with store.reading() as connection:
        row = connection.execute(select(*_FIELDS).where(jobs.c.id == job)).one_or_none()
    if row is None:
        raise MissingError(f"no job {job!r}")
    return _job(row)


def page(store: Store, *, before: int | None = None, limit: int = 50, state: State | None = None) -> list[Job]:
    """Return jobs without their answers, the newest first.

    Parameters
    ----------
    store
        The database.
    before
        Only jobs with a smaller ``number``: the last of the page before.
    limit
        Most that are returned.
    state
        Only these.
    """
    asked = select(*_LISTED).order_by(jobs.c.number.desc()).limit(limit)
    if before is not None:
        asked = asked.where(jobs.c.number < before)
    if state is not None:
        asked = asked.where(jobs.c.state == state)
    with store.reading() as connection:
        return [_job(row) for row in connection.execute(asked)]


def still_open(store: Store) -> list[Job]:
    """Return the jobs that wait or run, without their answers, the oldest first."""
    with store.reading() as connection:
        return [_job(row) for row in connection.execute(select(*_LISTED).where(_is_open()).order_by(jobs.c.number))]


def counts(store: Store) -> dict[str, int]:
    """Return how many jobs there are in each state."""
    with store.reading() as connection:
        rows = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state))
        return {str(state): int(count) for state, count in rows}
