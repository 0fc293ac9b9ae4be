"""Curves: a rate for every term, from the few terms that are published.

Two curves rule a treasury-bond future. The **yield curve** of the bonds, published at tenors such as 1, 2, 5, 7
and 10 years, says what each deliverable yields. The **funding curve**, repo quoted for 1, 7, 14 days and so on,
says what holding it to delivery costs. Both carry leading axes, so a thousand shocked curves over ten sessions are
one value, and every shift returns a new curve.

Between tenors a yield follows the monotone cubic Hermite curve of Fritsch and Carlson (SIAM J. Numer. Anal. 17,
1980) with the slopes of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984), which is what
``scipy.interpolate.PchipInterpolator`` does: it meets every published point and never overshoots. ChinaBond also
publishes Hermite curves, with slopes of its own. Nothing is read beyond the first or the last tenor.

A **shift** lies on top of the published curve and is linear between its tenors: a tent at one tenor, a straight line
for a parallel move. The monotone curve is no linear function of its points (where two neighbours are almost equal, a
bump of one basis point changes slopes on their far side), so a bump of one point, interpolated anew, would make a bond
between two other points move the other way. With tents the key rates add up to the parallel shift, and shifts add in
any order.

In the funding market a single night, above all the one over the end of a quarter, may cost several per cent more
than its neighbours. A quoted term that spans such a night contains it, on average over its days. The funding curve
therefore takes the premiums out of the quotes, interpolates what is left, and puts each premium back where its
night is: a two-month term quoted at 2.06 % that contains one night at 4 % over the rest is 2 % without it.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from tenor.errors import MarketError
from tenor.units import Floats, Ints, Rate, Years

_STARTS = 8
"""Pairs of the grid from which the fit of Nelson-Siegel-Svensson is refined."""


def _no_floats() -> Floats:
    return np.zeros(0)


def _no_ints() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Yields of one curve at its published tenors; leading axes (scenario, session, ...) are carried along.

    >>> cgb = Curve("CGB", np.array([1.0, 5.0, 10.0]), np.array([0.015, 0.017, 0.019]))
    >>> cgb.parallel(0.001).at([1.0, 10.0])
    array([0.016, 0.02 ])

    Parameters
    ----------
    name
        What messages call it.
    tenors
        Shape ``(tenor,)``, years, strictly ascending, two or more, none negative.
    rates
        Shape ``(..., tenor)``, decimal per year, as published. NaN is a rate that is not known: between two tenors the
        curve is then NaN wherever its value depends on that rate.
    shift
        Decimals on top, of a shape that broadcasts against ``rates``; nothing by default.

    Raises
    ------
    MarketError
        If the tenors are not such, or the last axis of ``rates`` does not match them.
    """

    name: str
    tenors: Floats
    rates: Floats
    shift: Floats = field(default_factory=lambda: np.zeros(1))
    slopes: Floats = field(init=False, repr=False)
    """Shape ``(..., tenor)``: change of the rate per year at each tenor."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tenors", np.asarray(self.tenors, np.float64))
        # a copy, and no minus zero: adding a move of nothing would turn it into zero, other bits
        object.__setattr__(self, "rates", np.asarray(self.rates, np.float64) + 0.0)
        _check_ascending(self.tenors, f"tenors of curve {self.name!r}", at_least=2)
        _check_last_axis(self.rates, self.tenors.size, f"curve {self.name!r}", "tenors")
        shift = np.asarray(self.shift, np.float64)
        try:
            shift = np.broadcast_to(shift, np.broadcast_shapes(shift.shape, (self.tenors.size,)))
            np.broadcast_shapes(shift.shape, self.rates.shape)
        except ValueError as error:
            raise MarketError(self._misfit(shift)) from error
        object.__setattr__(self, "shift", shift)
        object.__setattr__(self, "slopes", _monotone_slopes(self.tenors, self.rates))

    def at(self, years: ArrayLike) -> Floats:
        """Read the same maturities off every curve of the leading axes.

        Parameters
        ----------
        years
            Shape ``(n,)`` or a single number. NaN gives NaN.

        Returns
        -------
        Floats of shape ``(..., n)``, decimal; ``(...)`` for a single number.

        Raises
        ------
        MarketError
            If a maturity is negative, or outside the tenors.
        """
        asked = np.asarray(years, np.float64)
        if asked.ndim > 1:
            raise MarketError(
                f"maturities of shape {asked.shape} for every curve of {self.name!r}; "
                "give one axis, or use along() where maturities differ by session"
            )
        read = self.along(np.atleast_1d(asked))
        return read[..., 0] if asked.ndim == 0 else read

    def along(self, years: ArrayLike) -> Floats:
        """Read maturities that differ along the leading axes, such as those of bonds as sessions pass.

        Parameters
        ----------
        years
            Shape ``(*lead, n)``, where ``lead`` broadcasts against the leading axes of ``rates``: curves
            ``(scenario, session, tenor)`` and maturities ``(session, bond)`` give ``(scenario, session, bond)``.

        Returns
        -------
        Floats of the broadcast leading shape, then ``n``.

        Raises
        ------
        MarketError
            As :meth:`at`; or if the leading shapes do not broadcast.
        """
        asked = np.asarray(years, np.float64)
        if asked.ndim == 0:
            raise MarketError(f"along() of curve {self.name!r} needs maturities with an axis; use at() for one number")
        self._check_inside(asked)
        left = np.clip(np.searchsorted(self.tenors, asked, side="right") - 1, 0, self.tenors.size - 2)
        width = self.tenors[left + 1] - self.tenors[left]
        t = (asked - self.tenors[left]) / width
        risen = t * t * (3.0 - 2.0 * t)  # the Hermite basis: weights of the rise and of the two slopes
        rising, falling = width * t * (1.0 - t) ** 2, width * t * t * (t - 1.0)
        rates, slopes = (_gather(values, left, self.name) for values in (self.rates, self.slopes))
        between = rates[0] + risen * (rates[1] - rates[0]) + rising * slopes[0] + falling * slopes[1]
        # at a point its own rate and nothing else, so that it is exact and an unknown neighbour does not reach it
        published = np.where(t == 0.0, rates[0], np.where(t == 1.0, rates[1], between))
        tent = _gather(self.shift, left, self.name)
        return np.asarray(published + ((1.0 - t) * tent[0] + t * tent[1]), np.float64)

    @property
    def points(self) -> Floats:
        """The rate at each tenor with the shift in it: ``(..., tenor)``."""
        return self.rates + self.shift

    def moved(self, change: ArrayLike) -> "Curve":
        """Add any shift: ``change`` is decimal, of a shape that broadcasts against ``(..., tenor)``.

        A shift of zero gives the same rates bit for bit; a shift with a leading scenario axis gives one curve each.
        """
        shift = np.asarray(change, np.float64)
        try:
            return replace(self, shift=self.shift + shift)
        except ValueError as error:
            raise MarketError(self._misfit(shift)) from error

    def parallel(self, change: Rate) -> "Curve":
        """Add one number, decimal, to every rate."""
        return self.moved(change)

    def key_rate(self, tenor: Years, change: Rate) -> "Curve":
        """Add ``change``, decimal, to the rate at one published tenor; the others stay.

        Raises
        ------
        MarketError
            If the curve has no point at ``tenor``; the message lists those it has.
        """
        here = self.tenors == tenor
        if not here.any():
            raise MarketError(
                f"curve {self.name!r} has no point at {tenor:g} y; it has {_listed(self.tenors)}. "
                "Move one of these, or add a whole shift with moved()"
            )
        return self.moved(np.where(here, change, 0.0))

    def _misfit(self, shift: Floats) -> str:
        return (
            f"a shift of shape {shift.shape} does not fit curve {self.name!r} of shape {self.rates.shape}; "
            f"its last axis is {self.tenors.size} tenors, or 1"
        )

    def _check_inside(self, years: Floats) -> None:
        """Refuse maturities that the curve does not reach."""
        low, high = self.tenors[0], self.tenors[-1]
        if np.any(years < 0.0):
            raise MarketError(
                f"curve {self.name!r} asked at {np.nanmin(years):g} y; a maturity is 0 or more. Check the dates"
            )
        if np.any(years > high):
            raise MarketError(
                f"curve {self.name!r} ends at {high:g} y; {np.nanmax(years):g} y asked. "
                "Give a longer curve, or leave that bond out: nothing is extrapolated"
            )
        if np.any(years < low):
            raise MarketError(
                f"curve {self.name!r} starts at {low:g} y; {np.nanmin(years):g} y asked. "
                "Give a curve with a shorter tenor: nothing is extrapolated"
            )


@dataclass(frozen=True, slots=True, eq=False)
class FundingCurve:
    """Term repo to any day from quoted terms, with single nights (a quarter's turn) kept apart.

    >>> repo = FundingCurve(("R007", "R1M"), np.array([7.0, 30.0]), np.array([0.018, 0.020]))
    >>> float(repo.term(7))
    0.018

    Parameters
    ----------
    names
        Name of each quoted term, ``(node,)``.
    days
        Days of each quoted term, ``(node,)``, strictly ascending, above 0.
    rates
        Shape ``(..., node)``: decimal, simple, actual/365, as quoted, thus with the nights below in them.
    nights
        Shape ``(night,)``, ascending: 0 is tonight, ``k`` the night that begins ``k`` days from now.
    premium
        Shape ``(..., night)``: what that night costs over its neighbours, decimal per year.

    Raises
    ------
    MarketError
        If the terms or nights are not such, or the shapes do not match.
    """

    names: tuple[str, ...]
    days: Floats
    rates: Floats
    nights: Ints = field(default_factory=_no_ints)
    premium: Floats = field(default_factory=_no_floats)

    def __post_init__(self) -> None:
        for floats in ("days", "rates", "premium"):
            object.__setattr__(self, floats, np.asarray(getattr(self, floats), np.float64))
        object.__setattr__(self, "nights", np.asarray(self.nights, np.int64))
        _check_ascending(self.days, "days of the funding curve", at_least=1)
        if self.days[0] <= 0.0:
            raise MarketError(f"a funding term of {self.days[0]:g} days; the shortest term is a night, 1 day")
        if len(self.names) != self.days.size:
            raise MarketError(f"{len(self.names)} names for {self.days.size} funding terms; give one name each")
        _check_last_axis(self.rates, self.days.size, "the funding curve", "terms")
        _check_ascending(self.nights.astype(np.float64), "nights of the funding curve", at_least=0)
        _check_last_axis(self.premium, self.nights.size, "the premium of the funding curve", "nights")

    def term(self, days: ArrayLike) -> Floats:
        """Return the average rate from now over ``days``.

        Without its nights, what a term accrues (rate times days) is linear between 0 and the quoted terms, so the
        rate is flat before the first and between two terms each day costs the same; beyond the last term its rate
        stays. Every night that lies within ``days`` is then added back. At a quoted term this is the quote.

        Parameters
        ----------
        days
            Days ahead: a number, ``(n,)`` for the same terms on every leading axis, or ``(*lead, n)`` with
            ``lead`` broadcasting against the leading axes of ``rates``, such as ``(session, 1)``.

        Returns
        -------
        Floats of the broadcast leading shape, then ``n`` (none for a number): decimal, simple, actual/365. Over 0
        days it is the first term's rate without its nights.

        Raises
        ------
        MarketError
            If a number of days is negative.
        """
        asked = np.asarray(days, np.float64)
        d = np.atleast_1d(asked)
        if np.any(d < 0.0):
            raise MarketError(
                f"funding asked over {np.nanmin(d):g} days; a term is 0 days or more. Check that the session comes "
                "before the delivery day"
            )
        calm = self.rates - self._average_premium(self.days)
        right = np.searchsorted(self.days, d)
        first, last = np.clip(right - 1, 0, None), np.clip(right, None, self.days.size - 1)
        inside = first != last
        width = np.where(inside, self.days[last] - self.days[first], 1.0)
        share = np.where(inside, (d - self.days[first]) / width, 1.0)
        over = np.where(inside, d, 1.0)
        before = np.where(inside, (1.0 - share) * self.days[first] / over, 0.0)
        after = np.where(inside, share * self.days[last] / over, 1.0)
        rates = _gather_pair(calm, first, last, "funding")
        parts = [np.where(w == 0.0, 0.0, w * r) for w, r in zip((before, after), rates, strict=True)]
        found = np.asarray(parts[0] + parts[1] + self._average_premium(d), np.float64)
        return found[..., 0] if asked.ndim == 0 else found

    def _average_premium(self, days: Floats) -> Floats:
        """Premium of the nights within ``days`` (*lead, n), averaged over them: (..., n)."""
        if not self.nights.size:
            return np.zeros(days.shape)
        within = self.nights < days[..., None]
        total = np.sum(np.where(within, self.premium[..., None, :], 0.0), axis=-1)
        return np.asarray(total / np.where(days > 0.0, days, 1.0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class NelsonSiegelSvensson:
    """A fitted curve of six numbers: level, slope, two humps, and the two terms at which the humps lie.

    Good for factors and shocks, poor for a delivery basis: its fit error is about the size of one.

    Parameters
    ----------
    beta
        Shape ``(4,)``, decimal: level, slope, first and second hump.
    tau
        Shape ``(2,)``, years.
    residuals
        Shape ``(tenor,)``: given rate less fitted rate at each given tenor, decimal.
    """

    beta: Floats
    tau: Floats
    residuals: Floats

    def at(self, years: ArrayLike) -> Floats:
        """Rates at ``years``, decimal, of the same shape."""
        return nelson_siegel_svensson(years, self.beta, self.tau)


def nelson_siegel_svensson(years: ArrayLike, beta: ArrayLike, tau: ArrayLike) -> Floats:
    """Rate of the Nelson-Siegel-Svensson curve.

    ``z(t) = b0 + b1 s(t/l1) + b2 [s(t/l1) - exp(-t/l1)] + b3 [s(t/l2) - exp(-t/l2)]`` with
    ``s(x) = (1 - exp(-x)) / x`` and ``s(0) = 1`` (Svensson, NBER working paper 4871, 1994). With ``b3 = 0`` it is
    the curve of Nelson and Siegel (Journal of Business 60, 1987).

    Parameters
    ----------
    years
        Shape ``(n,)`` or a number, 0 or more.
    beta
        Shape ``(..., 4)``, decimal.
    tau
        Shape ``(..., 2)``, years, above 0.

    Returns
    -------
    Floats of shape ``(..., n)``; ``(...)`` for a number.
    """
    t, b = np.asarray(years, np.float64), np.asarray(beta, np.float64)
    return np.asarray(np.einsum("...nk,...k->...n" if t.ndim else "...k,...k->...", _loadings(t, tau), b), np.float64)


def fit_nelson_siegel_svensson(years: ArrayLike, rates: ArrayLike) -> NelsonSiegelSvensson:
    """Fit the six numbers to one curve by least squares.

    Given the two terms the curve is linear in the rest. Every pair of a grid of terms is solved so, and the best
    few are then refined by a trust-region search over the two terms alone (variable projection, Golub and Pereyra,
    SIAM J. Numer. Anal. 10, 1973). No draw is made: the same rates give the same fit.

    Parameters
    ----------
    years
        Shape ``(tenor,)``, distinct, 0 or more; six or more of them.
    rates
        Shape ``(tenor,)``, decimal, no NaN.

    Raises
    ------
    MarketError
        If there are fewer than six points, their number differs, or one is not a number.
    """
    from scipy.optimize import least_squares

    t, z = np.asarray(years, np.float64), np.asarray(rates, np.float64)
    if t.ndim != 1 or t.shape != z.shape or t.size < 6:
        raise MarketError(
            f"{t.size} tenors and {z.size} rates for a Nelson-Siegel-Svensson curve; it has six numbers to fit, so "
            "give six points or more, a rate each"
        )
    if not (np.isfinite(t).all() and np.isfinite(z).all() and (t >= 0.0).all()):
        raise MarketError("a tenor or rate that is negative or not a number; leave out points that are not known")
    longest = max(float(t.max()), 1.0)
    terms = np.geomspace(0.1, 2.0 * longest, 24)
    pairs = np.stack([a[np.triu_indices(24, 1)] for a in np.meshgrid(terms, terms, indexing="ij")], axis=-1)
    basis = _loadings(t, pairs)
    beta = np.linalg.pinv(basis, rcond=1e-10) @ z

    def solved(log_terms: Floats) -> tuple[Floats, Floats]:
        loadings = _loadings(t, np.exp(log_terms))
        weights = np.linalg.pinv(loadings, rcond=1e-10) @ z
        return weights, z - loadings @ weights

    def misses(log_terms: Floats) -> Floats:
        return solved(log_terms)[1] * 1e4

    within = tuple(np.log([0.05, 4.0 * longest]))
    starts = pairs[np.argsort(np.sum((np.einsum("pnk,pk->pn", basis, beta) - z) ** 2, axis=-1))[:_STARTS]]
    found = [least_squares(misses, np.log(s), bounds=within, xtol=1e-12, ftol=1e-12, gtol=1e-12) for s in starts]
    best = min(found, key=lambda each: float(each.cost))
    weights, residuals = solved(best.x)
    return NelsonSiegelSvensson(weights, np.exp(best.x), residuals)


def _loadings(years: Floats, tau: ArrayLike) -> Floats:
    """Weights of the four betas: (..., n, 4), or (..., 4) where ``years`` is a number."""
    terms = np.asarray(tau, np.float64)
    one, two = terms[..., 0], terms[..., 1]
    if years.ndim:
        one, two = one[..., None], two[..., None]
    first, second = years / one, years / two
    slope, slope_two = (np.where(x > 0.0, -np.expm1(-x) / np.where(x > 0.0, x, 1.0), 1.0) for x in (first, second))
    return np.stack([np.ones_like(slope), slope, slope - np.exp(-first), slope_two - np.exp(-second)], axis=-1)


def _monotone_slopes(tenors: Floats, rates: Floats) -> Floats:
    """Slopes that keep the Hermite curve monotone between points: (..., tenor)."""
    width = np.diff(tenors)
    chord = np.diff(rates, axis=-1) / width
    if width.size == 1:
        return np.repeat(chord, 2, axis=-1)
    slopes = np.empty_like(rates)
    left, right = chord[..., :-1], chord[..., 1:]
    one, two = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
    turns = (np.sign(left) != np.sign(right)) | (left == 0.0) | (right == 0.0)
    mean = (one + two) * left * right / np.where(turns, 1.0, one * right + two * left)
    unknown = np.isnan(left) | np.isnan(right)
    slopes[..., 1:-1] = np.where(unknown, np.nan, np.where(turns, 0.0, mean))
    slopes[..., 0] = _end_slope(width[0], width[1], chord[..., 0], chord[..., 1])
    slopes[..., -1] = _end_slope(width[-1], width[-2], chord[..., -1], chord[..., -2])
    return slopes


def _end_slope(near: float, far: float, chord: Floats, following: Floats) -> Floats:
    """Three-point slope at an end, cut back so that the shape of the first interval is kept."""
    slope = ((2.0 * near + far) * chord - near * following) / (near + far)
    slope = np.where(np.sign(slope) == np.sign(chord), slope, np.where(np.isnan(slope), np.nan, 0.0))
    bends = (np.sign(chord) != np.sign(following)) & (np.abs(slope) > 3.0 * np.abs(chord))
    return np.where(bends & ~np.isnan(slope), 3.0 * chord, slope)


def _gather(values: Floats, left: Ints, name: str) -> tuple[Floats, Floats]:
    return _gather_pair(values, left, left + 1, name)


def _gather_pair(values: Floats, left: Ints, right: Ints, name: str) -> tuple[Floats, Floats]:
    """Pick two nodes (*lead, n) from ``values`` (..., node), leading axes broadcast: twice (..., n)."""
    if left.ndim == 1:
        return values[..., left], values[..., right]
    try:
        lead = np.broadcast_shapes(values.shape[:-1], left.shape[:-1])
    except ValueError as error:
        raise MarketError(
            f"curve {name!r} has leading shape {values.shape[:-1]}, what is asked of it {left.shape[:-1]}; "
            "they must broadcast, as (scenario, session) and (session,) do"
        ) from error
    spread = np.broadcast_to(values, (*lead, values.shape[-1]))
    where = [index.reshape((1,) * (len(lead) + 1 - index.ndim) + index.shape) for index in (left, right)]
    first, second = (np.take_along_axis(spread, index, axis=-1) for index in where)
    return first, second


def _check_ascending(values: Floats, what: str, *, at_least: int) -> None:
    if values.ndim != 1 or values.size < at_least:
        raise MarketError(f"{what} of shape {values.shape}; give one axis with {at_least} or more")
    if not np.isfinite(values).all() or np.any(values < 0.0) or np.any(np.diff(values) <= 0.0):
        raise MarketError(f"{what} are {_listed(values)}; they must be ascending, distinct and not negative")


def _check_last_axis(values: Floats, size: int, what: str, axis: str) -> None:
    if values.ndim == 0 or values.shape[-1] != size:
        raise MarketError(f"{what} has values of shape {values.shape} for {size} {axis}; the last axis is {axis}")


def _listed(values: Floats) -> str:
    return ", ".join(f"{value:g}" for value in values)
