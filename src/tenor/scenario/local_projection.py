"""Local projections: what a surprise in a statistic did to curve and funding, with joint uncertainty.

The chain of one estimate, for consumer prices: the *forecast* of each release is that of an autoregression fitted to
the releases known before it; the *surprise* is the release less that forecast; the *response* is each rate's change
from the last close before the release to ``horizon`` sessions after; and Jordà's (2005) local projection is the
regression of the responses on the surprise, one equation for each rate with the same right-hand side::

    y[i, c] = a[c] + b[c] * surprise[i] + e[i, c]

The covariance of all ``b`` together is that of Newey and West (1987), so that a draw moves the whole curve and funding
at once. No survey of forecasters is in the data: what counts as expected is what a plain autoregression expects. It
misses what the market knew beyond that, and a surprise that is part noise makes effects look smaller than they are.
"""

import math
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from tenor.errors import MarketError
from tenor.units import Dates, Floats, Ints

LEAST_RELEASES = 36
"""Surprises with responses below which no effect is estimated: three years of a monthly statistic."""
LEAST_KNOWN = 24
"""Releases that must be known before the first forecast is made."""
DISTINGUISHABLE = 2.0
"""Size of a t statistic from which an effect is called distinguishable from zero."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalProjection:
    """The estimated effect of a surprise of one unit on every rate.

    Parameters
    ----------
    name
        The statistic.
    columns
        The responses: curve points such as ``CGB:10``, then funding rates.
    beta : Floats, shape (column,)
        Change of each, decimal for a surprise of one unit of the publication (mostly one percentage point).
    covariance : Floats, shape (column, column)
        HAC covariance of ``beta``.
    r2 : Floats, shape (column,)
        Share of the responses' variance that the surprise explains.
    n, first, last
        Releases used, and the days on which the first and the last of them came out.
    left_out
        Releases known but not used: too early to be forecast, or without every response.
    surprise_sd, largest
        Standard deviation of the surprises used, and the largest in size, in the unit of the publication.
    horizon, lead, order, lag
        Sessions of the response after the release, and before the last close before it; order of the autoregression;
        lags of the HAC covariance.
    """

    name: str
    columns: tuple[str, ...]
    beta: Floats
    covariance: Floats = field(repr=False)
    r2: Floats
    n: int
    first: date
    last: date
    left_out: int
    surprise_sd: float
    largest: float
    horizon: int
    lead: int
    order: int
    lag: int

    @property
    def se(self) -> Floats:
        """Standard errors, shape (column,)."""
        return np.sqrt(np.diagonal(self.covariance))

    @property
    def t(self) -> Floats:
        """``beta / se``, shape (column,); 0 for a response that never varied."""
        return np.asarray(self.beta / np.where(self.se > 0, self.se, np.inf))

    @property
    def sentence(self) -> str:
        """What was found, and what cannot be told from zero."""
        weak = [column for column, t in zip(self.columns, self.t, strict=True) if abs(t) < DISTINGUISHABLE]
        found = (
            "every effect is distinguishable from zero"
            if not weak
            else f"not distinguishable from zero (|t| < {DISTINGUISHABLE:g}): {', '.join(weak)}"
        )
        begins = f" (measured from {self.lead} sessions before)" if self.lead else ""
        return (
            f"effect of {self.name} over {self.horizon} sessions{begins}, {self.n} releases from {self.first} to"
            f" {self.last}, surprise against an AR({self.order}), HAC with {self.lag} lags: {found}"
        )

    def draws(self, count: int, seed: int) -> Floats:
        """Draw ``beta`` jointly from the normal with its covariance: shape (count, column)."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = np.random.default_rng(seed).standard_normal((count, len(self.beta)))
        return np.asarray(self.beta + normal @ root.T)


def surprises(values: Floats, known: Dates, months: Ints, order: int) -> Floats:
    """Return each release less the forecast that was possible before it.

    Parameters
    ----------
    values : Floats, shape (release,)
        As published, by period.
    known : Dates, shape (release,)
        When each became known.
    months : Ints, shape (release,)
        The period as a running number of months, ascending.
    order
        Of the autoregression, which has a constant and is fitted by least squares to all releases known before.

    Returns
    -------
    Floats, shape (release,)
        NaN where fewer than ``LEAST_KNOWN`` releases were known, or the periods just before are not all among them.
    """
    out = np.full(len(values), np.nan)
    step = int(np.median(np.diff(months))) if len(months) > 1 else 1
    back = np.arange(1, order + 1)
    lagged = np.full((len(values), order), np.nan)
    for column, lag in enumerate(back):
        lagged[lag:, column] = np.where(months[lag:] - months[:-lag] == lag * step, values[:-lag], np.nan)
    design = np.column_stack((np.ones(len(values)), lagged))
    whole = np.isfinite(design).all(axis=1)
    for at in np.flatnonzero(whole):
        before = known < known[at]
        if before.sum() < LEAST_KNOWN or not before[at - order : at].all():
            continue
        rows = before & whole
        coefficients, *_ = np.linalg.lstsq(design[rows], values[rows], rcond=None)
        out[at] = values[at] - design[at] @ coefficients
    return out


def hac_lag(n: int) -> int:
    """Return ``floor(4 (n / 100)^(2/9))``, the plug-in of Newey and West (1994) for the Bartlett kernel."""
    return math.floor(4.0 * math.pow(n / 100, 2 / 9))


def regress(surprise: Floats, responses: Floats, lag: int) -> tuple[Floats, Floats, Floats]:
    """Regress every response on a constant and the surprise.

    Parameters
    ----------
    surprise : Floats, shape (release,)
    responses : Floats, shape (release, column)
    lag
        Lags of the Bartlett kernel.

    Returns
    -------
    beta : Floats, shape (column,)
        Coefficients of the surprise.
    covariance : Floats, shape (column, column)
        Newey and West (1987) over all equations jointly, times ``n / (n - 2)`` for the two coefficients of each.
    r2 : Floats, shape (column,)
    """
    n = len(surprise)
    x = surprise - surprise.mean()
    y = responses - responses.mean(axis=0)
    power = x @ x
    beta = x @ y / power
    errors = y - x[:, None] * beta
    # with the constant taken out, the scores of beta are x * error (Frisch and Waugh 1933)
    scores = x[:, None] * errors
    spread = scores.T @ scores
    for back in range(1, lag + 1):
        across = scores[back:].T @ scores[:-back]
        spread += (1 - back / (lag + 1)) * (across + across.T)
    covariance = spread / power**2 * n / (n - 2)
    total = (y**2).sum(axis=0)
    r2 = 1 - (errors**2).sum(axis=0) / np.where(total > 0, total, 1.0)
    return beta, covariance, np.where(total > 0, r2, 0.0)


def project(
    name: str,
    columns: tuple[str, ...],
    surprise: Floats,
    responses: Floats,
    released: Dates,
    *,
    horizon: int,
    lead: int = 0,
    order: int,
) -> LocalProjection:
    """Estimate the effect of a surprise on every response.

    Parameters
    ----------
    surprise : Floats, shape (release,)
    responses : Floats, shape (release, column)
        Decimal changes; a release counts where the surprise and every response are known.
    released : Dates, shape (release,)

    Raises
    ------
    MarketError
        If fewer than ``LEAST_RELEASES`` count, or the surprises do not vary.
    """
    used = np.isfinite(surprise) & np.isfinite(responses).all(axis=1)
    n = int(used.sum())
    if n < LEAST_RELEASES:
        raise MarketError(
            f"{name} has {n} releases with a forecast and every response, of {len(surprise)} known; an effect needs"
            f" {LEAST_RELEASES}: decide later, or name series with a longer history"
        )
    if np.ptp(surprise[used]) == 0:
        raise MarketError(f"the surprises of {name} are all alike; nothing can be learnt from them")
    lag = hac_lag(n)
    beta, covariance, r2 = regress(surprise[used], responses[used], lag)
    days = released[used]
    return LocalProjection(
        name=name,
        columns=columns,
        beta=beta,
        covariance=covariance,
        r2=r2,
        n=n,
        first=days.min().item(),
        last=days.max().item(),
        left_out=len(surprise) - n,
        surprise_sd=float(surprise[used].std(ddof=1)),
        largest=float(np.abs(surprise[used]).max()),
        horizon=horizon,
        lead=lead,
        order=order,
        lag=lag,
    )
