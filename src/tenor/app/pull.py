"""Pull: from names to canonical tables in a folder, and a row for each name of what came or why not."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from tenor.errors import StudyError, TenorError, suggest
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    from tenor.io.sources.fetch import Cache, Connector, Fetch, Span
    from tenor.io.sources.pull import Outcome
    from tenor.market.market import Market

Answer: TypeAlias = dict[str, Any]

EASTERNMOST = ZoneInfo("Asia/Shanghai")
"""Where the day begins first of all exchanges that are pulled: its date is the last day there can be."""


@dataclass(frozen=True, slots=True)
class PullData:
    """Pull series from a provider into a folder.

    Parameters
    ----------
    items
        Tickers or series, in the provider's words.
    provider
        ``yahoo``, ``china`` or ``fred``.
    folder
        Where what is pulled is kept.
    first, last
        Days, both inclusive; absent, from the provider's first (a year back where each day is a request) to today.
    refresh
        Ask again, whatever is kept of raw answers.
    offline
        Ask nobody: read raw answers that are kept.
    max_age
        Hours for which a raw answer is used again.
    against
        A second source to compare with: a provider, a file or folder of prices, or a folder of ``tenor data pull``.
    tolerance
        A fraction; closes and returns further apart than this are counted.
    """

    items: tuple[str, ...]
    provider: str
    folder: Path = Path("data")
    first: date | None = None
    last: date | None = None
    refresh: bool = False
    offline: bool = False
    max_age: float = 1.0
    against: str | None = None
    tolerance: float = 0.001


@dataclass(frozen=True, slots=True)
class World:
    """What a pull has of the world outside: the clock (UTC), how to wait (seconds), and who is asked.

    ``fetches`` stands for providers by name; one that is not there is opened with its own library.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], object] = time.sleep
    fetches: "dict[str, Fetch]" = field(default_factory=dict)


def pull_data(request: PullData, watch: Progress = silent, *, world: World | None = None) -> Answer:
    """Pull, keep, and say of each item what came: rows, extent, what was revised, or the reason why nothing did.

    Raises
    ------
    StudyError
        If the request contradicts itself or names no provider.
    PullError
        If the provider's library is not installed.
    DataError
        If the folder that is there is damaged.
    """
    from tenor.io.sources.fetch import Cache, Span
    from tenor.io.sources.pull import CONNECTORS
    from tenor.io.sources.pulled import add

    world = world or World()
    now = world.now()
    if request.provider not in CONNECTORS:
        raise StudyError(
            f"no provider {request.provider!r}; they are {', '.join(CONNECTORS)}{suggest(request.provider, CONNECTORS)}"
        )
    last = request.last or now.astimezone(EASTERNMOST).date()
    if request.first is not None and request.first > last:
        raise StudyError(f"first {request.first} is after last {last}; give the earlier day first")
    if not request.max_age >= 0:
        raise StudyError(f"max age {request.max_age} hours; it is 0 or more")
    span = Span(request.first, last)
    cache = Cache(
        request.folder / "cache", timedelta(hours=request.max_age), refresh=request.refresh, offline=request.offline
    )
    connector = CONNECTORS[request.provider]()
    outcomes = _asked(connector, request.items, span, cache, world, watch)
    found = {outcome.item: outcome.found for outcome in outcomes if outcome.found is not None}
    added = add(request.folder, found, provider=request.provider, at=now) if found else None
    rows = [_row(outcome, added.new if added else {}, added.revised if added else {}) for outcome in outcomes]
    answer: Answer = {
        "from": request.provider,
        "folder": str(request.folder),
        "items": rows,
        "failed": len(outcomes) - len(found),
        "notes": list(added.notes) if added else [],
        "against": None,
    }
    if request.against is not None and found:
        answer["against"] = _against(request, outcomes, span, cache, world, watch)
    return answer


def _asked(
    connector: "Connector", items: Sequence[str], span: "Span", cache: "Cache", world: World, watch: Progress
) -> "tuple[Outcome, ...]":
    from tenor.io.sources.pull import pull

    fetch = world.fetches.get(connector.provider)
    return pull(connector, items, span, cache, now=world.now, sleep=world.sleep, fetch=fetch, watch=watch)


def _row(outcome: "Outcome", new: Any, revised: Any) -> Answer:
    """One item: its rows of series, their extent, and how they came."""
    counted = {"item": outcome.item, "rows": 0, "first": None, "last": None, "new": 0, "revised": 0}
    counted |= {"requests": outcome.asked, "cached": outcome.cached, "reason": outcome.reason}
    if outcome.found is None:
        return counted
    series = {name: "period" if name == "macro" else "date" for name in ("quotes", "curve", "rates", "macro")}
    held = [(frame, series[name]) for name, frame in outcome.found.tables.items() if name in series and frame.height]
    ends = sorted(str(end) for frame, day in held for end in (frame[day].min(), frame[day].max()))
    counted |= {"rows": sum(frame.height for frame, _ in held), "first": ends[0], "last": ends[-1]}
    return counted | {"new": new[outcome.item], "revised": revised[outcome.item]}


def _against(
    request: PullData, outcomes: "Sequence[Outcome]", span: "Span", cache: "Cache", world: World, watch: Progress
) -> Answer:
    """Compare what was found with a second source."""
    from tenor.io.sources.given import read_given
    from tenor.io.sources.pull import CONNECTORS
    from tenor.io.sources.pulled import Pulled, is_store
    from tenor.io.sources.reconcile import SCHEMA, reconcile

    assert request.against is not None
    path = Path(request.against)
    failed: list[str] = []
    table = SCHEMA.to_frame()
    try:
        if request.against in CONNECTORS:
            items = [spelt(each.item, request.against) for each in outcomes if each.found is not None]
            others = _asked(CONNECTORS[request.against](), items, span, cache, world, watch)
            failed = [f"{each.item}: {each.reason}" for each in others if each.found is None]
            second = _market(request.against, others)
        else:
            second = Pulled(path).read() if is_store(path) else read_given(path)
        if second.codes() or not failed:
            table = reconcile(_market(request.provider, outcomes), second, tolerance=request.tolerance)
    except TenorError as error:  # what was pulled is kept already, and its answer is worth having
        failed.append(str(error))
    rows = [
        {name: str(value) if isinstance(value, date) else value for name, value in row.items()}
        for row in table.iter_rows(named=True)
    ]
    return {"name": request.against, "tolerance": request.tolerance, "codes": rows, "failed": failed}


def _market(name: str, outcomes: "Sequence[Outcome]") -> "Market":
    import polars as pl

    from tenor.io.sources.pulled import market_of

    tables: dict[str, list[pl.DataFrame]] = {}
    for outcome in outcomes:
        for table, frame in (outcome.found.tables if outcome.found else {}).items():
            tables.setdefault(table, []).append(frame)
    return market_of(name, {table: pl.concat(frames) for table, frames in tables.items()})


def spelt(item: str, provider: str) -> str:
    """Return an item of another provider in the words of ``provider``: 600519.SS is SH600519 in china."""
    if provider == "yahoo" and item[:2] in ("SH", "SZ") and item[2:].isdigit():
        return f"{item[2:]}.{'SS' if item[:2] == 'SH' else 'SZ'}"
    if provider == "yahoo" and len(item) == 6 and item.isdigit():
        return f"{item}.{'SS' if item[0] in '56' else 'SZ'}"
    if provider == "china" and item.endswith((".SS", ".SZ")):
        return ("SH" if item.endswith(".SS") else "SZ") + item[:-3]
    return item
