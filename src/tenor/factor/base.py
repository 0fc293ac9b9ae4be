"""A factor: declared inputs, a lookback, and a function of the trailing window alone.

``SpreadChange(days=(1, 5))`` needs the closes of both legs and six sessions of them; ``compute`` is handed
those six sessions and cannot see a seventh, so it cannot look ahead. The window is the *last* axis of every
input, and whatever stands before it is carried along: the engine calls ``compute`` once with all sessions of
a pair stacked in front (zero-copy sliding windows), a test calls it with a single window, and both give the
same numbers because there is only one form of each factor.

Inputs are aligned beforehand (:mod:`tenor.factor.panel`): all sessions belong to one fixed pair of contracts,
so no change ever crosses a roll.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tenor.errors import StudyError
from tenor.units import Floats


@dataclass(frozen=True, slots=True, order=True)
class Field:
    """One aligned series, such as ``Field("near", "close")`` or ``Field("curve", "CGB:10")``.

    Tables are ``near`` and ``far`` (columns of the quotes of each leg), ``rate`` (a funding rate by name),
    ``curve`` (a published point, ``curve:years``) and ``pair`` (facts of the contract, such as
    ``days_to_last_trading``). Where a study says how futures are priced, ``near``, ``far`` and ``pair`` have values
    too, such as ``near.irr`` (:mod:`tenor.factor.valuation`).
    """

    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


NEAR_CLOSE = Field("near", "close")
FAR_CLOSE = Field("far", "close")


class Factor(Protocol):
    """A family of columns computed from the same inputs.

    ``inputs`` names the series, ``lookback`` the sessions (at least 1) that ``compute`` is handed,
    ``columns`` the names of what it returns.
    """

    @property
    def kind(self) -> str:
        """Short name in the registry and in study files."""
        ...

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The aligned series that ``compute`` reads."""
        ...

    @property
    def lookback(self) -> int:
        """Sessions in the trailing window, the present one included."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the last axis of what ``compute`` returns."""
        ...

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Map inputs of shape ``(..., lookback)`` to ``(..., len(columns))``; NaN in, NaN out."""
        ...


def changes(series: Floats, days: tuple[int, ...]) -> Floats:
    """Return the change over each of ``days`` up to the last session: ``(..., lookback)`` to ``(..., day)``."""
    return np.stack([series[..., -1] - series[..., -1 - day] for day in days], axis=-1)


class Named(Protocol):
    """What gives columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what it gives."""
        ...


def columns_of(factors: Sequence[Named]) -> tuple[str, ...]:
    """Return the columns of ``factors`` in order; :class:`StudyError` if two factors name the same column."""
    names = [column for factor in factors for column in factor.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise StudyError(f"factors: columns {repeated} appear twice; list each factor once")
    return tuple(names)


def compute(factors: Sequence[Factor], fields: Mapping[Field, Floats]) -> Floats:
    """Compute every factor at every session.

    Parameters
    ----------
    factors
        The factors, whose columns are laid side by side.
    fields
        Aligned series of one pair, each of shape ``(session,)``.

    Returns
    -------
    Floats
        Shape ``(session, column)``. A session with fewer than ``lookback`` sessions before it is NaN.

    Raises
    ------
    StudyError
        If a factor gives another value when it is handed a session's window alone: then it reads across windows, and
        may know tomorrow. Asked of ``ASKED_ALONE`` sessions of each pair.
    """
    values, checks = _computed(factors, fields)
    for factor, past, together in checks:
        _same_alone(factor, past, together)
    return values


def computed(factors: Sequence[Factor], fields: Mapping[Field, Floats]) -> Floats:
    """Compute factors that :func:`compute` has accepted, any scenarios in front.

    Series of shape ``(..., session)`` give ``(..., session, column)``.
    """
    return _computed(factors, fields)[0]


_Check: TypeAlias = tuple[Factor, Mapping[Field, Floats], Floats]


def _computed(factors: Sequence[Factor], fields: Mapping[Field, Floats]) -> tuple[Floats, list[_Check]]:
    """Values of every factor, and of each that has any: its windows and what it made of them."""
    shape = np.broadcast_shapes(*(series.shape for series in fields.values()))
    parts: list[Floats] = []
    checks: list[_Check] = []
    for factor in factors:
        out = np.full((*shape, len(factor.columns)), np.nan)
        if shape[-1] >= factor.lookback:
            past = {field: sliding_window_view(fields[field], factor.lookback, axis=-1) for field in factor.inputs}
            out[..., factor.lookback - 1 :, :] = factor.compute(past)
            checks.append((factor, past, out[factor.lookback - 1 :]))
        parts.append(out)
    return np.concatenate(parts, axis=-1), checks


ASKED_ALONE = 24
"""Sessions of each pair on which a factor is computed a second time, from its window alone."""


def _same_alone(factor: Factor, past: Mapping[Field, Floats], together: Floats) -> None:
    for at in np.unique(np.linspace(0, len(together) - 1, ASKED_ALONE).astype(int)):
        alone = factor.compute({field: windows[at] for field, windows in past.items()})
        if not np.allclose(alone, together[at], rtol=1e-9, atol=1e-12, equal_nan=True):
            raise StudyError(
                f"factors.{factor.kind}: handed one window alone it gives {np.asarray(alone).tolist()}, beside other"
                f" windows {together[at].tolist()}; compute along the last axis only, or it sees other sessions"
            )
