"""How well a ranking of names is, session by session: information coefficients.

The information coefficient (IC) of a session is the correlation, over names, of what was said with the return that
followed; the rank IC correlates their ranks (Spearman). Names of one day share most of their move, so the session is
the unit: the mean over sessions, its ratio to their standard deviation (ICIR), and a block-bootstrap interval of the
mean. A session with fewer than ``LEAST`` names, or on which every name is told the same, says nothing; and a seed that
never tells names apart is no ranking and is left out of the mean over seeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tenor.factor.cross_section import group_mean, group_rank
from tenor.factor.window import Windows
from tenor.trust import significance
from tenor.trust.evaluation import Score, over_seeds, with_interval
from tenor.units import Dates, Floats, Ints

LEAST = 5
"""Fewest names of a session whose correlation counts."""


@dataclass(frozen=True, slots=True, eq=False)
class CrossSection:
    """Information coefficients of one model.

    Parameters
    ----------
    model, seeds
        Which, and how many of its seeds rank names.
    scores
        ``ic``, ``icir``, ``rank_ic`` and ``rank_icir``; the means have intervals.
    sessions
        How many sessions count.
    by_session
        Rank IC of each session of the study, mean over seeds, ``(session,)``; NaN where it does not count.
    """

    model: str
    seeds: int
    scores: Mapping[str, Score]
    sessions: int
    by_session: Floats


def cross_section(
    model: str, up: Floats, test: Windows, sessions: Dates, days: Ints, *, level: float
) -> CrossSection | None:
    """Score a model's ranking; ``None`` where no session has enough names, or none is told another thing.

    Parameters
    ----------
    model
        Its name.
    up
        ``(seed, window)``.
    test
        The windows, with known changes.
    sessions
        Every session of the study.
    days
        Redrawn sessions, ``(replication, session)``.
    level
        Coverage of the intervals.
    """
    at = np.searchsorted(sessions, test.session)
    ic, rank_ic = (
        np.stack([correlation(row, test.change, at, len(sessions), ranked=ranked) for row in up])
        for ranked in (False, True)
    )
    said = np.isfinite(ic) & np.isfinite(rank_ic)
    ranking = said.any(axis=1)
    if not ranking.any():
        return None
    ic, rank_ic, counted = ic[ranking], rank_ic[ranking], said[ranking].all(axis=0)
    if not counted.any():
        return None
    scores: dict[str, Score] = {}
    for name, series in (("ic", ic), ("rank_ic", rank_ic)):
        values = series[:, counted]
        mean = over_seeds(values.mean(axis=1))
        total = np.where(counted, np.where(counted, series, 0.0).mean(axis=0), 0.0)[None]
        interval = significance.accuracy_interval(total, counted.astype(np.int64), days, level=level)
        scores[name] = with_interval(mean, interval, 0)
        spread = values.std(axis=1, ddof=1) if counted.sum() > 1 else np.full(len(values), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores[f"{name}ir"] = over_seeds(np.where(spread > 0, values.mean(axis=1) / spread, np.nan))
    by_session = np.where(counted, np.where(counted, rank_ic, 0.0).mean(axis=0), np.nan)
    return CrossSection(model, len(ic), scores, int(counted.sum()), by_session)


def correlation(said: Floats, came: Floats, session: Ints, count: int, *, ranked: bool) -> Floats:
    """Correlation over the names of each session, ``(count,)``; NaN with few names or where either side is constant."""
    known = np.isfinite(said) & np.isfinite(came)
    out = np.full(count, np.nan)
    if not known.any():
        return out
    group = session[known]
    x, y = said[known].astype(np.float64), came[known].astype(np.float64)
    every = np.full(len(group), True)
    if ranked:
        x, y = group_rank(x, group, every), group_rank(y, group, every)
    x, y = x - group_mean(x, group, every), y - group_mean(y, group, every)
    together, of_x, of_y = (np.bincount(group, values, count) for values in (x * y, x * x, y * y))
    enough = (np.bincount(group, minlength=count) >= LEAST) & (of_x > 1e-18) & (of_y > 1e-18)
    out[enough] = together[enough] / np.sqrt(of_x[enough] * of_y[enough])
    return out
