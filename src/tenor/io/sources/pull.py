"""Pulling: every item asked of its provider, read, and handed back with its reason where it failed.

Three instances. Of AAPL, MSFT and APPL the last is not there: the other two are found, and APPL has its reason. The
network goes away at the third of 250 sessions of ``T``: what was answered is kept, and the next pull goes on from
there. Offline, a session that was never asked for is named.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tenor.errors import PullError, TenorError
from tenor.io.sources.china import China
from tenor.io.sources.fetch import WAITS, Answer, Asked, Cache, Connector, Fetch, Found, Request, Span, ask
from tenor.io.sources.fred import fred
from tenor.io.sources.yahoo import Yahoo
from tenor.progress import Progress, silent

CONNECTORS: Mapping[str, Callable[[], Connector]] = {"china": China, "fred": fred, "yahoo": Yahoo}
"""Providers by the name that ``--from`` takes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item: what was found, or why nothing was.

    Parameters
    ----------
    item
        As it was asked.
    found
        Its tables; ``None`` where it failed.
    reason
        Why it failed; empty where it did not.
    asked, cached
        How many answers were used, and how many of them came from the cache.
    """

    item: str
    found: Found | None
    reason: str
    asked: int
    cached: int


def pull(
    connector: Connector,
    items: Sequence[str],
    span: Span,
    cache: Cache,
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], object],
    fetch: Fetch | None = None,
    watch: Progress = silent,
) -> tuple[Outcome, ...]:
    """Ask for every item; one that fails costs the others nothing.

    Parameters
    ----------
    connector
        The provider.
    items
        What is asked, in its words; each once.
    span
        Which days.
    cache
        Where answers are kept, and when they are used again.
    now, sleep
        The clock, in UTC, and how to wait, in seconds.
    fetch
        Asks the provider; absent, the connector's own, which is opened when the first answer is needed.
    watch
        Progress over requests.

    Raises
    ------
    PullError
        If the provider's library is not installed and something must be asked of it.
    """
    asker = _Opening(connector, fetch)
    plans: dict[str, tuple[Request, ...] | str] = {}
    for item in dict.fromkeys(items):
        try:
            plans[item] = connector.plan(item, span)
        except TenorError as error:
            plans[item] = str(error)
    total = sum(len(plan) for plan in plans.values() if not isinstance(plan, str))
    begun = 0
    waits: Sequence[float] = WAITS
    outcomes: list[Outcome] = []
    for item, plan in plans.items():
        if isinstance(plan, str):
            outcomes.append(Outcome(item, None, plan, 0, 0))
            continue
        answers: list[Asked] = []
        notes: list[str] = []
        try:
            lacking: list[str] = []
            for at, request in enumerate(plan, 1):
                try:
                    answer, said = ask(request, asker, cache, now=now, sleep=sleep, waits=waits)
                    answers.append(answer)
                    notes += said
                    waits = waits if answer.cached else WAITS
                except PullError as error:
                    if error.passing:
                        waits = ()  # who waited in vain once asks the others a single time
                        raise
                    if len(plan) == 1 or asker.missing is not None:
                        raise
                    lacking.append(str(error))
                watch(connector.provider, begun + at, total)
            if not answers:
                raise PullError(
                    lacking[0] if lacking else f"{item}: no day from {span.first} to {span.last} to ask for"
                )
            if lacking:
                notes.append(f"{item}: {len(lacking)} of {len(plan)} requests have no answer, first: {lacking[0]}")
            found = connector.parse(item, answers, span, now())
            found = Found(found.tables, (*notes, *found.notes))
            outcomes.append(Outcome(item, found, "", len(answers), sum(each.cached for each in answers)))
        except TenorError as error:
            if asker.missing is not None:
                raise asker.missing from None
            outcomes.append(Outcome(item, None, str(error), len(answers), sum(each.cached for each in answers)))
        begun += len(plan)
        watch(connector.provider, begun, total)
    return tuple(outcomes)


class _Opening:
    """A fetch that opens the provider's library when it is first asked; ``missing`` says that it is not there."""

    def __init__(self, connector: Connector, fetch: Fetch | None) -> None:
        self.connector, self.fetch = connector, fetch
        self.missing: PullError | None = None

    def __call__(self, request: Request) -> Answer:
        if self.fetch is None:
            try:
                self.fetch = self.connector.opened()
            except PullError as missing:
                self.missing = missing
                raise
        return self.fetch(request)
