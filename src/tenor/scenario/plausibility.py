"""Plausibility: how far a scenario lies from what has happened, and whether the model has seen such inputs.

Two questions. *Has the market done this?* The moves of curve and funding are one point among the changes of the past:
their Mahalanobis distance says how unusual the combination is (10 bp on the whole curve is a large day; 10 bp at 5
years with nothing beside it has not happened), the **rank** is the share of past changes at least as far, and the most
similar day gives the scenario a date. *Has the model seen this?* The same distance for the shocked factor row among the
rows of train, with the columns that leave their range.

Covariances are shrunk (Ledoit and Wolf 2004), as ten or more correlated series leave the small directions ill
determined. What is implausible is marked, never hidden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from tenor.errors import MarketError, StudyError
from tenor.scenario.base import Base
from tenor.scenario.moves import Moves, in_words
from tenor.units import Bools, Dates, Floats, Years

LEAST_SHARE = 0.01
"""A scenario, or a row of inputs, is plausible if at least this share of the past was as far out."""
FAR_SD = 4.0
"""A factor this many standard deviations from its train mean is beyond what the model was fitted on."""
LEAST_CHANGES = 100
"""Past changes of curve and funding below which nothing is said."""

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Plausibility:
    """How far one scenario lies from history.

    Parameters
    ----------
    distance
        Mahalanobis distance of the scenario from no change, in units of the ``horizon``'s changes.
    rank
        Share of past changes at least as far: 0 is farther than any.
    horizon
        Sessions over which the past changed.
    similar
        Last day of the past change nearest to the scenario.
    also
        The rank among changes over other numbers of sessions.
    n, first
        How many past changes, and the last day of the earliest.
    unjudged
        What the scenario moves beside curve and funding; this says nothing about it.
    """

    distance: float
    rank: float
    horizon: int
    similar: date
    also: Mapping[int, float]
    n: int
    first: date
    unjudged: tuple[str, ...]

    @property
    def plausible(self) -> bool | None:
        """Whether at least ``LEAST_SHARE`` of the past changes were as far; ``None`` if all it moves is not judged."""
        return _verdict(self.distance, self.rank, bool(self.unjudged))

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        if self.plausible is None:
            return f"not judged: history says nothing about {in_words(self.unjudged)}"
        verdict = "plausible" if self.plausible else "IMPLAUSIBLE"
        over = f"{self.horizon} session{'s' if self.horizon > 1 else ''}"
        others = ", ".join(f"{_share(rank)} over {sessions}" for sessions, rank in self.also.items())
        unjudged = f"; not judged: {in_words(self.unjudged)}" if self.unjudged else ""
        return (
            f"{verdict}: {_share(self.rank)} of {self.n} changes over {over} since {self.first} were as far out"
            f"{f' ({others})' if others else ''}; the most similar ended on {self.similar}{unjudged}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Past changes over one horizon.

    Parameters
    ----------
    horizon
        Sessions.
    days : Dates, shape (change,)
        The last day of each.
    white : Floats, shape (change, column)
        Changes times ``whiten``: their length is the Mahalanobis distance.
    whiten : Floats, shape (column, column)
        ``W`` with ``W W' = S^-1``, ``S`` the shrunk covariance about zero.
    lengths : Floats, shape (change,)
        Distance of each change, ascending.
    """

    horizon: int
    days: Dates
    white: Floats
    whiten: Floats
    lengths: Floats

    def distance(self, vectors: Floats) -> Floats:
        """Mahalanobis distance from no change of ``vectors`` (..., column): shape (...)."""
        return _length(vectors @ self.whiten)

    def rank(self, distances: Floats) -> Floats:
        """Share of past changes at least as far, of the same shape."""
        return _rank(self.lengths, distances)

    def similar(self, vectors: Floats) -> Dates:
        """Last day of the nearest past change to each of ``vectors`` (scenario, column): shape (scenario,)."""
        near = (self.white**2).sum(axis=1) - 2 * (vectors @ self.whiten) @ self.white.T
        return np.asarray(self.days[near.argmin(axis=-1)])


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What curve and funding have done by the decision, learnt once and asked about any number of scenarios.

    Parameters
    ----------
    curve, tenors, funding
        The valuation curve, its published points in years, and the names of the funding rates.
    session, longest
        The decision's session, and the days of the longest funding term: a night beyond is in no quoted rate.
    clouds
        Past changes by horizon, the one that is judged on first.
    """

    curve: str
    tenors: tuple[Years, ...]
    funding: tuple[str, ...]
    session: date
    longest: int
    clouds: tuple[Cloud, ...]

    def vectors(self, moves: Sequence[Moves]) -> Floats:
        """Return what each scenario does to curve and funding, decimals: shape (scenario, column)."""
        names: list[Years | str] = [*self.tenors, *self.funding]
        at = {name: index for index, name in enumerate(names)}
        out = np.zeros((len(moves), len(at)))
        for row, move in enumerate(moves):
            for name, change in (*move.curves.get(self.curve, {}).items(), *move.rates.items()):
                if name in at:
                    out[row, at[name]] = change
        return out

    def judge(self, moves: Sequence[Moves], horizons: Sequence[int] | None = None) -> tuple[Plausibility, ...]:
        """Say of each scenario how far it lies from what has happened.

        Parameters
        ----------
        moves
            The scenarios.
        horizons
            Over how many sessions each happens; by default as the first cloud. Each is held against the shortest cloud
            that is at least as long, the longest if none is.
        """
        asked = [self.clouds[0].horizon] * len(moves) if horizons is None else horizons
        vectors = self.vectors(moves)
        by_length = sorted(self.clouds, key=lambda cloud: cloud.horizon)
        ranks = {cloud.horizon: cloud.rank(cloud.distance(vectors)) for cloud in self.clouds}
        found = []
        for row, (move, horizon) in enumerate(zip(moves, asked, strict=True)):
            cloud = next((each for each in by_length if each.horizon >= horizon), by_length[-1])
            found.append(
                Plausibility(
                    distance=float(cloud.distance(vectors[row])),
                    rank=float(ranks[cloud.horizon][row]),
                    horizon=cloud.horizon,
                    similar=cloud.similar(vectors[row : row + 1])[0].item(),
                    also={other: float(rank[row]) for other, rank in ranks.items() if other != cloud.horizon},
                    n=len(cloud.days),
                    first=cloud.days[0].item(),
                    unjudged=self._unjudged(move),
                )
            )
        return tuple(found)

    def plausible(self, moves: Sequence[Moves]) -> tuple[bool | None, ...]:
        """Say of each scenario whether it is plausible, as :meth:`judge` does, and nothing else."""
        first = self.clouds[0]
        distances = first.distance(self.vectors(moves))
        ranks = first.rank(distances)
        return tuple(
            _verdict(distance, rank, bool(self._unjudged(move)))
            for distance, rank, move in zip(distances.tolist(), ranks.tolist(), moves, strict=True)
        )

    def _unjudged(self, move: Moves) -> tuple[str, ...]:
        reached = self.session + timedelta(days=self.longest)
        nights = [f"the night of {night}" for night, premium in move.nights.items() if premium and night >= reached]
        other = [name for name, change in move.rates.items() if change and name not in self.funding]
        curves = [name for name, points in move.curves.items() if name != self.curve and any(points.values())]
        prices = [f"the price of {code}" for code, change in move.prices.items() if change]
        paths = [f"the volatility of {code}" for code, change in move.volatility.items() if change]
        return (*other, *curves, *nights, *prices, *paths)


def history(base: Base, *, horizon: int = 1, also: Sequence[int] = (5, 20)) -> History:
    """Learn from all changes of curve and funding from the first day of train to what was known at the decision.

    Parameters
    ----------
    horizon
        Sessions over which the past changed, for the verdict. A what-if happens at once: 1 is the strictest.
    also
        Other numbers of sessions whose rank is told. Changes over more than one session overlap.

    Raises
    ------
    MarketError
        If fewer than ``LEAST_CHANGES`` changes have every series.
    """
    dates, columns, values = base.levels()
    since = dates >= np.datetime64(base.train[0], "D")
    horizons = dict.fromkeys((horizon, *also))
    clouds = tuple(_cloud(dates[since], columns, values[since], each) for each in horizons)
    longest = max(base.funding.values(), default=0)
    return History(base.curve, base.tenors, tuple(base.funding), base.session, longest, clouds)


def _cloud(dates: Dates, columns: tuple[str, ...], values: Floats, horizon: int) -> Cloud:
    if horizon < 1:
        raise StudyError(f"horizon is {horizon} sessions; give 1 or more")
    changes = values[horizon:] - values[:-horizon]
    whole = np.isfinite(changes).all(axis=1)
    changes, days = changes[whole], dates[horizon:][whole]
    if len(changes) < LEAST_CHANGES:
        known = dict(zip(columns, np.isfinite(values).sum(axis=0).tolist(), strict=True))
        raise MarketError(
            f"{len(changes)} changes of curve and funding over {horizon} sessions, where {LEAST_CHANGES} are needed"
            f" (sessions with each series: {known}); decide later, or name series with a longer history"
        )
    whiten = whitening(changes)
    white = changes @ whiten
    return Cloud(horizon, days, white, whiten, np.sort(_length(white)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether a model has seen such a row of factors.

    Parameters
    ----------
    beyond
        Share of the judged columns more than ``FAR_SD`` standard deviations from their train mean.
    far, outside
        Names of those columns, and of those outside the range that they had in train.
    distance, rank
        Mahalanobis distance of the row from the train mean, and the share of train rows at least as far.
    unjudged
        Columns that are unknown in this row or were never known in train: nothing is said of them.
    """

    beyond: float
    far: tuple[str, ...]
    outside: tuple[str, ...]
    distance: float
    rank: float
    unjudged: tuple[str, ...]

    @property
    def plausible(self) -> bool:
        """Whether no column is far, and at least ``LEAST_SHARE`` of the train rows were as far."""
        return not self.far and self.rank >= LEAST_SHARE

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        verdict = "inputs seen in train" if self.plausible else "EXTRAPOLATION"
        parts = (
            (f"more than {FAR_SD:g} sd from the mean of train", self.far),
            ("outside the range of train", self.outside),
            ("not judged", self.unjudged),
        )
        named = "".join(f"; {what}: {', '.join(columns)}" for what, columns in parts if columns)
        return f"{verdict}: {_share(self.rank)} of the train rows were as far out{named}"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The factor rows that a model was fitted on, learnt once and asked about any number of shocked rows.

    Parameters
    ----------
    columns
        Names of the factor columns.
    mean, sd, low, high : Floats, shape (column,)
        Of train, NaN for a column that was never known. One that does not vary there has ``sd`` 0 and counts only as
        outside its range.
    whiten, lengths
        As in :class:`Cloud`, of the standardised rows.
    """

    columns: tuple[str, ...]
    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    whiten: Floats
    lengths: Floats

    def judge(self, rows: Floats) -> tuple[Seen, ...]:
        """Say of each row, shape (scenario, column), whether the model has seen such inputs.

        Rows are in the unit of the train rows and not clipped. What is unknown (NaN) adds nothing to a distance.
        """
        z = _standard(rows, self.mean, self.sd)
        judged = np.isfinite(rows) & np.isfinite(self.mean)
        far, outside = np.abs(z) > FAR_SD, (rows < self.low) | (rows > self.high)
        beyond = far.sum(axis=-1) / np.maximum(judged.sum(axis=-1), 1)
        distances = _length(z @ self.whiten)
        ranks = _rank(self.lengths, distances)
        return tuple(
            Seen(
                beyond=float(beyond[row]),
                far=self._named(far[row]),
                outside=self._named(outside[row]),
                distance=float(distances[row]),
                rank=float(ranks[row]),
                unjudged=self._named(~judged[row]),
            )
            for row in range(len(rows))
        )

    def _named(self, chosen: Bools) -> tuple[str, ...]:
        return tuple(self.columns[at] for at in np.flatnonzero(chosen)) if chosen.any() else ()


def inputs(train: Floats, columns: Sequence[str]) -> Inputs:
    """Learn from the rows of train, shape (row, column), NaN where unknown.

    Raises
    ------
    MarketError
        If there are fewer than two rows, or not one name for each column.
    """
    if len(train) < 2 or train.shape[1] != len(columns):
        raise MarketError(
            f"train rows of shape {train.shape} with {len(columns)} column names; give two rows or more, all named"
        )
    known = np.isfinite(train)
    count = np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    mean = np.where(known, train, 0.0).sum(axis=0) / count
    sd = np.sqrt(np.where(known, (train - mean) ** 2, 0.0).sum(axis=0) / count)
    sd = np.where(sd > _TINY * np.maximum(np.abs(mean), 1.0), sd, 0.0)
    z = _standard(train, mean, sd)
    whiten = whitening(z)
    return Inputs(
        columns=tuple(columns),
        mean=mean,
        sd=sd,
        low=np.where(known, train, np.inf).min(axis=0),
        high=np.where(known, train, -np.inf).max(axis=0),
        whiten=whiten,
        lengths=np.sort(_length(z @ whiten)),
    )


def _standard(rows: Floats, mean: Floats, sd: Floats) -> Floats:
    """Rows in train standard deviations; 0 where unknown or where train did not vary."""
    known = np.isfinite(rows) & (sd > 0)
    return np.where(known, (rows - mean) / np.where(sd > 0, sd, 1.0), 0.0)


def whitening(rows: Floats) -> Floats:
    """Return ``W`` with ``W W' = S^-1`` for the shrunk second moments ``S`` of ``rows``, shape (column, column).

    Columns are first put on one scale, as shrinkage pulls towards equal variances; one that is always zero gets none.
    """
    scale = np.sqrt((rows**2).mean(axis=0))
    inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1.0), 0.0)
    values, vectors = np.linalg.eigh(ledoit_wolf(rows * inverse))
    return np.asarray(inverse[:, None] * vectors / np.sqrt(np.maximum(values, _TINY)))


def ledoit_wolf(rows: Floats) -> Floats:
    """Return the second moments of ``rows`` about zero, shrunk towards their mean variance times the identity.

    Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", section 3.3.
    """
    n, p = rows.shape
    sample = rows.T @ rows / n
    level = np.trace(sample) / p
    dispersion = ((sample - level * np.eye(p)) ** 2).sum() / p
    error = ((rows**2).T @ (rows**2) / n - sample**2).sum() / (n * p)
    weight = min(error, dispersion) / dispersion if dispersion > 0 else 0.0
    return np.asarray((1 - weight) * sample + weight * level * np.eye(p))


def _verdict(distance: float, rank: float, unjudged: bool) -> bool | None:
    return None if distance == 0 and unjudged else rank >= LEAST_SHARE


def _length(white: Floats) -> Floats:
    return np.asarray(np.sqrt((white**2).sum(axis=-1)))


def _rank(lengths: Floats, distances: Floats) -> Floats:
    """Share of the ascending ``lengths`` that is at least each distance (to rounding)."""
    return np.asarray(1 - np.searchsorted(lengths, distances * (1 - 1e-9), side="left") / len(lengths))


def _share(rank: float) -> str:
    return "none" if rank == 0 else f"{rank * 100:.2f} %" if rank < LEAST_SHARE else f"{rank * 100:.0f} %"
