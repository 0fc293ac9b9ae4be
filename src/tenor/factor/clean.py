"""From panels to windows: which decisions a study learns from and makes, and what was left out and why.

Cleaning follows the broker study that started this work: leave out the first sessions after a product was
listed, the last sessions of quarter-end months, and the sessions before the near contract expires; filter
small changes (the neutral band). Every rule is a setting, each looks only at dates that were known beforehand
(the band aside, which only decides what is *learnt*), and each reports what it took.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from tenor.errors import SplitError
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Factor, columns_of, compute
from tenor.factor.label import NEUTRAL, direction, next_change
from tenor.factor.panel import Panel
from tenor.factor.window import Windows
from tenor.market.calendar import trading_calendar
from tenor.market.contract import PairSpan, Product
from tenor.settings import STRICT
from tenor.units import Bools, Dates, Ints


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is left out, each rule a setting; 0 turns a rule off.

    Parameters
    ----------
    first_sessions
        First sessions of a product that are left out, its listing day among them, while its market was thin.
    quarter_end_sessions
        Last sessions of March, June, September and December that are left out, when funding spikes. No position is held
        over them.
    days_before_last_trading
        Calendar days before the near contract's last trading day; the pair is flat by then (and in any case
        two sessions before the delivery month begins).
    neutral_ticks
        Changes smaller than this many ticks are neutral: not learnt from, still traded and scored.
    """

    __pydantic_config__: ClassVar = STRICT
    first_sessions: Annotated[int, Ge(0)] = 0
    quarter_end_sessions: Annotated[int, Ge(0)] = 0
    days_before_last_trading: Annotated[int, Ge(0)] = 0
    neutral_ticks: Annotated[float, Ge(0)] = 0.0

    def shorten(self, span: PairSpan, product: Product) -> PairSpan:
        """Return ``span`` with its flat-by session moved ahead by ``days_before_last_trading``."""
        latest = span.last_trading_day - timedelta(days=self.days_before_last_trading + 1)
        session = trading_calendar(product.calendar).preceding(latest)
        return replace(span, flat_by=min(span.flat_by, session))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many decisions one rule took out of one product, for the report."""

    product: str
    rule: str
    count: int


def quarter_end(product: Product, sessions: Dates, last: int) -> Bools:
    """Say which sessions are among the ``last`` of a quarter-end month, shape ``(session,)``."""
    if last == 0 or len(sessions) == 0:
        return np.zeros(len(sessions), dtype=bool)
    months = np.unique(sessions.astype("datetime64[M]"))
    ends = [month for month in months if (month.astype(int) % 12) + 1 in (3, 6, 9, 12)]
    marked = np.zeros(len(sessions), dtype=bool)
    calendar = trading_calendar(product.calendar)
    for month in ends:
        first, after = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
        days = calendar.sessions(first.item(), (after - 1).item())
        marked |= np.isin(sessions, days[-last:])
    return marked


def sessions_since_listing(product: Product, sessions: Dates) -> Ints:
    """Return how many exchange sessions passed since the product's listing day, shape ``(session,)``."""
    listed = trading_calendar(product.calendar).sessions(product.listed, sessions[-1].item())
    return np.searchsorted(listed, sessions)


def _next_session(sessions: Dates) -> Dates:
    """The session after each of a panel's; NaT after the last."""
    return np.append(sessions[1:], np.datetime64("NaT", "D")).astype("datetime64[D]")


def build_windows(
    panels: Sequence[Panel],
    factors: Sequence[Factor],
    *,
    length: Annotated[int, Gt(0)],
    cleaning: Cleaning,
) -> tuple[Windows, tuple[LeftOut, ...]]:
    """Compute the factors of every panel and collect the decisions that a study makes.

    A decision stands where the pair is in front, both legs were quoted on each of the last ``length``
    sessions, and no cleaning rule takes it. The last decision of a pair is one session before it must be
    flat; its label is known within the pair. Decisions whose next change is not known yet (the end of the
    data) are kept, with NaN.

    Returns
    -------
    windows
        Sorted by session, then product.
    left_out
        Counts by product and rule.

    Raises
    ------
    SplitError
        If nothing is left.
    """
    columns = columns_of(factors)
    rows, ends, parts = [], [], []
    taken: dict[tuple[str, str], int] = {}
    offset = 0
    for panel in panels:
        spread = panel.fields[NEAR_CLOSE] - panel.fields[FAR_CLOSE]
        quoted = np.isfinite(spread)
        run = np.array([quoted[max(i - length + 1, 0) : i + 1].sum() for i in range(len(quoted))]) == length
        change = next_change(spread)
        flat = panel.sessions >= np.datetime64(panel.span.flat_by, "D")
        age = sessions_since_listing(panel.product, panel.sessions)
        rules = {
            "incomplete window": ~run,
            "flat before delivery month": flat,
            "first sessions after listing": age < cleaning.first_sessions,
            "last sessions of a quarter": quarter_end(panel.product, panel.sessions, cleaning.quarter_end_sessions),
        }
        kept = panel.front.copy()
        for rule, hit in rules.items():
            key = (panel.product.code, rule)
            taken[key] = taken.get(key, 0) + int((kept & hit).sum())
            kept &= ~hit
        ticks = np.array([panel.product.tick(day) for day in panel.sessions.tolist()])
        label = direction(change, cleaning.neutral_ticks * ticks)
        where = np.flatnonzero(kept)
        rows.append(compute(factors, panel.fields))
        ends.append(where + offset)
        parts.append((panel, where, change[where], label[where]))
        offset += len(spread)
    if not parts or not sum(len(end) for end in ends):
        raise SplitError(
            f"no decision is left: {taken or 'no pair was quoted in front'}; loosen a cleaning rule or give more data"
        )
    windows = Windows(
        columns=columns,
        rows=np.concatenate(rows),
        row_product=np.concatenate(
            [np.full(len(part), p.product.code) for part, (p, *_) in zip(rows, parts, strict=True)]
        ),
        ends=np.concatenate(ends),
        length=length,
        session=np.concatenate([panel.sessions[where] for panel, where, *_ in parts]),
        product=np.concatenate([np.full(len(where), panel.product.code) for panel, where, *_ in parts]),
        pair=np.concatenate([np.full(len(where), panel.span.spread.code) for panel, where, *_ in parts]),
        resolves=np.concatenate([_next_session(panel.sessions)[where] for panel, where, *_ in parts]),
        change=np.concatenate([change for *_, change, _ in parts]),
        label=np.concatenate([label for *_, label in parts]),
    )
    order = np.lexsort((windows.product, windows.session))
    quiet = (windows.label == NEUTRAL) & np.isfinite(windows.change)
    neutral = {code: int((quiet & (windows.product == code)).sum()) for code in np.unique(windows.product)}
    counts = [LeftOut(code, rule, count) for (code, rule), count in taken.items()]
    counts += [
        LeftOut(str(code), "neutral band (kept for trading and scoring)", count) for code, count in neutral.items()
    ]
    return windows.take(order), tuple(counts)
