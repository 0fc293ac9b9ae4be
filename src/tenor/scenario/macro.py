"""A surprise in a statistic, carried to curve and funding by what such surprises did before.

``Macro("CPI.YOY", "+0.5")`` says that consumer prices come out half a point above what their own past led to expect.
The effect on every point of the valuation curve and every funding rate is estimated jointly
(:mod:`tenor.scenario.local_projection`) on the releases and rates known at the decision. It is an estimate: its draws
give the interval of every number further down the chain, and where it cannot be told from zero, its sentence says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

import numpy as np
from annotated_types import Interval

from tenor.errors import MarketError
from tenor.market.contract import Product, product
from tenor.scenario.amount import Amount, plain, said
from tenor.scenario.base import Base
from tenor.scenario.local_projection import LocalProjection, project, surprises
from tenor.scenario.moves import Moves
from tenor.scenario.remember import remembered
from tenor.settings import STRICT
from tenor.units import Dates, Floats, Ints

TIMES_LARGEST = 1.5
"""Largest surprise without force, in multiples of the largest in size that the releases hold."""


@dataclass(frozen=True, slots=True)
class Macro:
    """A release differs from its expectation by ``surprise``, in the unit of the publication.

    Parameters
    ----------
    name
        The statistic, as the market names it, such as ``CPI.YOY``.
    surprise
        How far the release lies from its expectation: ``+0.5`` for half a percentage point above.
    horizon
        Sessions after which the effect is measured: 1 is the first close after the release.
    lead
        Sessions before the last close before the release at which the measurement begins. 0 where days of release are
        known; where a rule dates them late (a statistic that comes between the 9th and the 15th, taken as known on the
        15th), enough to reach back before the earliest day.
    order
        Order of the autoregression that says what was expected.
    force
        Allow more than 1.5 times the largest surprise so far, which is otherwise refused as a likely slip of the unit.
    """

    __pydantic_config__: ClassVar = STRICT
    name: str
    surprise: Amount
    horizon: Annotated[int, Interval(ge=1, le=60)] = 1
    lead: Annotated[int, Interval(ge=0, le=20)] = 0
    order: Annotated[int, Interval(ge=1, le=12)] = 2
    force: bool = False
    kind: Literal["macro"] = "macro"

    def __post_init__(self) -> None:
        plain(self.surprise)

    def moves(self, base: Base) -> Moves:
        """Return the estimated effect.

        Raises
        ------
        MarketError
            If the market has no such statistic (the message lists those it has) or too few releases of it; if the
            surprise is more than ``TIMES_LARGEST`` times the largest so far, unless forced.
        """
        return self._moved(base, self._checked(base).beta[None])[0]

    def draws(self, base: Base, count: int, seed: int) -> tuple[Moves, ...]:
        """Return ``count`` draws of the effect, joint over curve and funding."""
        return self._moved(base, self._checked(base).draws(count, seed))

    def estimate(self, base: Base) -> LocalProjection:
        """Return the effect of a surprise of one unit, as known at the decision."""
        return _estimate(base, self.name, self.horizon, self.lead, self.order)

    def given(self) -> tuple[str, float]:
        """Return the statistic and the surprise."""
        return f"{self.name} against expectation", plain(self.surprise)

    def remark(self, base: Base) -> str:
        """Return how large the surprise is, what its effect is estimated from, and what is not told from zero."""
        found = self.estimate(base)
        size = abs(plain(self.surprise))
        return (
            f"a surprise of {size / found.surprise_sd:.1f} standard deviations (the largest so far"
            f" {found.largest / found.surprise_sd:.1f}); {found.sentence}"
        )

    def describe(self) -> str:
        """Statistic and surprise."""
        return f"{self.name} {said(self.surprise)} against expectation"

    def _checked(self, base: Base) -> LocalProjection:
        found = self.estimate(base)
        bound = TIMES_LARGEST * found.largest
        if abs(plain(self.surprise)) > bound and not self.force:
            raise MarketError(
                f"{self.surprise} is beyond the bound of {bound:.3g} for {self.name}, {TIMES_LARGEST:g} times its"
                " largest surprise so far; check its unit, or say force = true if it is meant"
            )
        return found

    def _moved(self, base: Base, betas: Floats) -> tuple[Moves, ...]:
        """Moves of each row of ``betas``, shape (draw, column)."""
        changes, points = plain(self.surprise) * betas, len(base.tenors)
        return tuple(
            Moves(
                curves={base.curve: dict(zip(base.tenors, row[:points], strict=True))},
                rates=dict(zip(base.funding, row[points:], strict=True)),
            )
            for row in changes.tolist()
        )


@remembered
def _estimate(base: Base, name: str, horizon: int, lead: int, order: int) -> LocalProjection:
    """The effect at a base, which never changes: moves and draws of one scenario share it."""
    releases = base.market.release(name).drop_nulls("value")
    known = releases["known_at"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    periods: Sequence[date] = releases["period"].to_list()
    months = np.array([day.year * 12 + day.month for day in periods], dtype=np.int64)
    surprise = surprises(releases["value"].to_numpy(), known, months, order)
    sessions, columns, values = base.levels()
    before = sessions_before(product(base.product), sessions, known)
    responses = _changes(values, before - lead, before + horizon)
    released = releases["released"].to_numpy().astype("datetime64[D]")
    return project(
        name,
        columns,
        surprise,
        responses,
        released,
        horizon=horizon,
        lead=lead,
        order=order,
    )


def sessions_before(rules: Product, sessions: Dates, known: Dates) -> Ints:
    """Return the position of the last session that closed before each moment, -1 for none: shape (moment,).

    A session before the product was listed is taken to close at the hour of its first day.
    """
    zone = ZoneInfo(rules.zone)
    positions = []
    for moment in known.astype("datetime64[us]").tolist():
        aware = moment.replace(tzinfo=UTC)
        day = np.datetime64(aware.astimezone(zone).date(), "D")
        at = int(np.searchsorted(sessions, day))
        closed = at < len(sessions) and sessions[at] == day and _close(rules, sessions[at].item()) < aware
        positions.append(at if closed else at - 1)
    return np.array(positions, dtype=np.int64)


def _close(rules: Product, day: date) -> datetime:
    """When ``day`` closed."""
    if day >= rules.listed:
        return rules.closes_at(day)
    first = rules.closes_at(rules.listed)
    zone = ZoneInfo(rules.zone)
    return datetime.combine(day, first.astimezone(zone).time(), zone)


def _changes(values: Floats, first: Ints, last: Ints) -> Floats:
    """From the session at ``first`` to that at ``last``, NaN where either is not there: shape (release, column)."""
    inside = (first >= 0) & (last < len(values))
    start, end = np.where(inside, first, 0), np.where(inside, last, 0)
    return np.where(inside[:, None], values[end] - values[start], np.nan)
