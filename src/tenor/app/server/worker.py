"""The process that computes one job, and the thread of the server that starts such processes.

A job runs in a process of its own: a kill of it costs the server nothing, a cancel is a signal, and what it needed of
memory goes back when it ends. The process renews the lease of its job while it lives; when the server dies it goes on
and ends the job in the store, and when it dies itself the next claim begins the job again.

    TENOR_DATABASE=URL python -m tenor.app.server.worker ROOT JOB WORKER
"""

import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tenor.errors import MissingError, StoreError, TenorError
from tenor.io.store import jobs
from tenor.io.store.database import Store, open_store

LOG = logging.getLogger("tenor.server")

DATABASE = "TENOR_DATABASE"
"""Variable of the environment that says where the database is."""

RENEW = 5.0
"""Seconds between two renewals of a lease."""

SHOWN = 0.4
"""Seconds between two reports of progress."""

PATIENCE = 10.0
"""Seconds that a process has to stop by itself before it is killed."""

ENDURED = 86_400.0
"""Seconds for which a process waits for a database that is away, with what it computed."""

GRACE = 2 * RENEW
"""Seconds that leases have to be renewed in after the database was away, before silent ones are taken over."""

T = TypeVar("T")


def compute(database: str, root: Path, job: str, worker: str) -> int:
    """Compute one job that ``worker`` holds, and end it; return the exit status."""
    from tenor.app.server.bodies import routes
    from tenor.app.server.workplace import Workplace

    store, place = patiently(lambda: open_store(database, make=False)), Workplace(root)
    place.enter()
    held = patiently(lambda: jobs.read(store, job))
    watch = _Watch(store, job, worker)
    watch.start()
    answer = run = error = None
    try:
        route = next(each for each in routes() if each.command.name == held.command)
        request = route.request_of(dict(held.request), place)
        found = route.command.run(request, watch)
        answer = rendered(found)
        run = Path(found["run"]).name if isinstance(found.get("run"), str) else None
    except KeyboardInterrupt:
        if not watch.stopped:
            with contextlib.suppress(StoreError):
                jobs.give_back(store, job, worker)
            return 130
    except TenorError as failure:
        error = body_of(failure)
    except OSError as refused:
        error = body_of(StoreError(f"{refused.filename or 'the disk'}: {refused.strerror or refused}"))
    except Exception as defect:  # a defect of ours: kept with the job, so that it does not wait for ever
        LOG.exception("job %s", job)
        words = f"a defect of Tenor: {type(defect).__name__}: {defect}; the server's log has the traceback"
        error = {"error": {"type": "Defect", "message": words, "problems": []}}
    finally:
        watch.end()
    patiently(lambda: jobs.finish(store, job, worker, answer=answer, run=run, error=error))
    return 0


def patiently(ask: Callable[[], T], *, pause: float = 1.0, endured: float = ENDURED) -> T:
    """Ask the database, and ask again while it is away: what took an hour to compute is not lost for a minute of that.

    Raises
    ------
    StoreError
        If it is away for longer than ``endured`` seconds.
    """
    until = time.monotonic() + endured
    while True:
        try:
            return ask()
        except StoreError as gone:
            if time.monotonic() > until:
                raise
            LOG.warning("%s", gone)
            time.sleep(pause)


def rendered(answer: dict[str, Any]) -> str:
    """Return an answer as the command line prints it with ``--json``."""
    return json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False)


def body_of(error: TenorError) -> dict[str, Any]:
    """Return an error as every face shows it."""
    from tenor.app.cli import error_body

    return error_body(error)


class _Watch:
    """Progress that goes to the store, and a heart that beats while the process lives."""

    def __init__(self, store: Store, job: str, worker: str) -> None:
        self._store, self._job, self._worker = store, job, worker
        self._last = 0.0
        self._news: tuple[str, int, int] | None = None
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="tenor-heart", daemon=True)
        self.stopped = False

    def start(self) -> None:
        self._heart.start()

    def end(self) -> None:
        self._over.set()
        self._heart.join(timeout=RENEW)

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._news = (stage, done, total)
        if self.stopped:
            raise KeyboardInterrupt
        if time.monotonic() - self._last >= SHOWN or done >= total:
            self._last = time.monotonic()
            self._tell()
            if self.stopped:
                raise KeyboardInterrupt

    def _tell(self) -> None:
        try:
            if not jobs.renew(self._store, self._job, self._worker, self._news):
                self.stopped = True
        except StoreError as gone:  # the database may be back before the job is done; its end will say
            LOG.warning("%s", gone)

    def _beat(self) -> None:
        while not self._over.wait(RENEW if not self.stopped else 1.0):
            self._tell()
            if self.stopped and not self._over.is_set():
                os.kill(os.getpid(), signal.SIGINT)  # whatever it is in: training looks at progress only between epochs


@dataclass(slots=True)
class Foreman:
    """The thread that claims jobs and starts a process for each, at most ``hands`` at a time."""

    store: Store
    database: str
    root: Path
    hands: int = 1
    name: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")
    idle: float = 0.5
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _running: dict[str, "_Process"] = field(default_factory=dict)
    _begun: int = 0

    def start(self) -> None:
        """Begin to look for jobs."""
        self._thread = threading.Thread(target=self._work, name="tenor-foreman", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop: what runs is put back in the queue, and its processes end."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=PATIENCE)
        for process in self._running.values():
            process.end()
            with contextlib.suppress(StoreError):
                jobs.give_back(self.store, process.job, process.worker)
        self._running.clear()

    def _work(self) -> None:
        away = False
        while not self._over.is_set():
            pause = self.idle
            try:
                if away:
                    jobs.counts(self.store)
                    away = self._over.wait(GRACE)  # whose process lives shows it now, and is not begun a second time
                if self._hand_on():
                    continue
            except StoreError as gone:
                LOG.warning("%s", gone)
                away, pause = True, 1.0
            except Exception:  # a defect of ours, which must not end the thread: nobody would compute any more
                LOG.exception("the foreman goes on")
                pause = 5.0
            self._over.wait(pause)

    def _hand_on(self) -> bool:
        """Clear away what has ended, and begin a job if a hand is free and one waits; whether one was begun."""
        for name in [name for name, process in self._running.items() if self._ended(process)]:
            del self._running[name]
        if len(self._running) >= self.hands:
            return False
        self._begun += 1
        worker = f"{self.name}-{self._begun}"
        if (job := jobs.claim(self.store, worker)) is None:
            return False
        self._running[job.id] = _Process(self.database, self.root, job.id, worker)
        return True

    def _ended(self, process: "_Process") -> bool:
        """Whether a process is over; what it left unfinished is given up, and one that ignores a cancel is killed."""
        try:
            held = jobs.read(self.store, process.job)
        except MissingError:  # the database is another one, or an older copy
            process.end()
            return True
        if process.status is None:
            if held.cancel_asked:
                process.hurry()
            return False
        if held.state == "running":
            if held.cancel_asked:
                jobs.finish(self.store, process.job, process.worker)
            else:
                jobs.abandon(self.store, process.job, process.worker)
        return True


class _Process:
    """One process that computes one job."""

    def __init__(self, database: str, root: Path, job: str, worker: str) -> None:
        self.job, self.worker = job, worker
        self._asked: float | None = None
        words = [sys.executable, "-m", "tenor.app.server.worker", str(root), job, worker]
        # in a group of its own, for Ctrl-C on the server's terminal is the server's to handle; and what opens the
        # database is told where no list of processes shows it
        self._process = subprocess.Popen(
            words, cwd=root, env={**os.environ, DATABASE: database}, start_new_session=True, stdin=subprocess.DEVNULL
        )

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def hurry(self) -> None:
        """Ask it to stop; kill it where it has been asked long ago."""
        now = time.monotonic()
        if self._asked is None:
            self._asked = now
        elif now - self._asked > PATIENCE:
            self._process.kill()

    def end(self) -> None:
        """End it now."""
        self._process.terminate()
        try:
            self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main(words: list[str], *, ended: Callable[[int], None] = sys.exit) -> None:
    """Entry point of the process."""
    root, job, worker = words
    ended(compute(os.environ[DATABASE], Path(root), job, worker))


if __name__ == "__main__":
    main(sys.argv[1:])
