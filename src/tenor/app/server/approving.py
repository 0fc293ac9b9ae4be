"""Decisions on runs, as API and pages ask for them: what stands, who may not decide, and a decision that is logged."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tenor.app.server.serving import LOCAL, ConflictError, Server
from tenor.errors import RunError
from tenor.io.runs import content_of, read_run
from tenor.io.store import accounts, approvals
from tenor.io.store.accounts import Person
from tenor.io.store.approvals import Decision, Verdict

FourEyes: TypeAlias = Literal["checked", "unknown", "no_accounts"]
FOUR_EYES: Mapping[FourEyes, str] = {
    "checked": "whoever started this run may not decide on it",
    "unknown": "nobody is known to have started this run (it came from the command line): whoever may decide, may",
    "no_accounts": "this server has no accounts: nobody is told apart, so whoever started the run may decide too",
}
"""Whether two pairs of eyes can be held to, in words."""

ACTIONS: Mapping[Verdict, str] = {"approved": "approve run", "refused": "refuse run"}
"""What the log calls a decision."""


@dataclass(frozen=True, slots=True)
class Review:
    """A run and what was decided on it.

    Parameters
    ----------
    run, digest
        The run, and the SHA-256 of its ``result.json`` now.
    decisions
        All of them, the newest, which stands, first.
    started_by
        Accounts whose jobs computed the run.
    four_eyes
        Whether whoever started it can be kept from deciding.
    """

    run: str
    digest: str
    decisions: tuple[Decision, ...]
    started_by: tuple[str, ...]
    four_eyes: FourEyes

    @property
    def standing(self) -> Decision | None:
        """The newest decision; whether it still holds, :meth:`changed` says."""
        return self.decisions[0] if self.decisions else None

    def changed(self, decision: Decision) -> bool:
        """Say whether the run's content has changed since a decision."""
        return decision.digest != self.digest

    def shown(self) -> dict[str, Any]:
        """Return it as JSON."""
        rows = [shown(decision, changed=self.changed(decision)) for decision in self.decisions]
        return {
            "run": self.run,
            "digest": self.digest,
            "standing": rows[0] if rows else None,
            "decisions": rows,
            "started_by": list(self.started_by),
            "four_eyes": self.four_eyes,
            "note": FOUR_EYES[self.four_eyes],
        }


def shown(decision: Decision, *, changed: bool) -> dict[str, Any]:
    """Return a decision as JSON; ``changed`` says whether the run's content is another since."""
    return {**asdict(decision), "at": decision.at.isoformat(), "changed": changed}


def review(server: Server, run: str) -> Review:
    """Return what was decided on a run; :class:`RunError` where there is no complete run of that name."""
    folder = _folder(server, run)
    # without accounts everybody is LOCAL, so a job of LOCAL says nothing about who started it
    known = tuple(name for name in approvals.started_by(server.store, run) if name != LOCAL.name)
    four_eyes: FourEyes = "no_accounts" if not server.settings.accounts else "checked" if known else "unknown"
    decisions = tuple(approvals.of_run(server.store, run))
    return Review(run, content_of(folder), decisions, known, four_eyes)


def decide(
    server: Server, person: Person, run: str, verdict: Verdict, comment: str = "", *, read: str | None = None
) -> Decision:
    """Decide on a run for somebody who may, and log it, refused or not.

    Parameters
    ----------
    server, person
        Where, and who.
    run, verdict, comment
        What is decided, and why.
    read
        Digest of the content that ``person`` has read; ``None`` for what is there now.

    Raises
    ------
    AccessError
        If ``person`` may not approve.
    RunError
        If there is no complete run of that name, its content is another than was read, or ``person`` started it.
    """
    server.allowed(person, "approve")
    folder = _folder(server, run)
    read_run(folder)
    digest = content_of(folder)
    try:
        if read is not None and read != digest:
            raise ConflictError(f"the content of run {run} is another than the one that was read; read it again first")
        made = approvals.decide(
            server.store,
            run,
            digest,
            account=person.name,
            verdict=verdict,
            comment=comment,
            four_eyes=server.settings.accounts,
        )
    except RunError:
        accounts.log(server.store, person.name, ACTIONS[verdict], run, "refused")
        raise
    accounts.log(server.store, person.name, ACTIONS[verdict], run)
    return made


def standing(server: Server, runs: Sequence[str]) -> dict[str, tuple[Decision, bool]]:
    """Return the decision that stands on each of many runs that has one, and whether the content changed since."""
    found = approvals.latest(server.store, runs)
    return {run: (one, _changed(server, one)) for run, one in found.items()}


def _changed(server: Server, decision: Decision) -> bool:
    try:
        return content_of(_folder(server, decision.run)) != decision.digest
    except RunError:
        return True


def _folder(server: Server, run: str) -> Path:
    return server.place.root / server.place.folder_of(run)
