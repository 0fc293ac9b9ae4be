"""The six shocks by which bank supervisors measure interest rate risk in the banking book (IRRBB).

The Basel Committee's standard (BCBS d368, annex 2) gives each currency three sizes: parallel, short and long; for CNY
250, 300 and 150 bp. With ``t`` in years, ``S(t) = short * exp(-t / 4)`` and ``L(t) = long * (1 - exp(-t / 4))``::

    parallel_up, parallel_down    +parallel, -parallel
    short_up, short_down          +S(t), -S(t)
    steepener                     -0.65 * S(t) + 0.9 * L(t)
    flattener                     +0.8 * S(t) - 0.6 * L(t)

They are sized for a bank's capital, far beyond a usual day; every description says *stress*. The sizes are data
(``irrbb.toml``) with their calibration named. The standard lets supervisors floor shocked rates; none is applied here.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from annotated_types import Ge
from numpy.typing import ArrayLike

from tenor.errors import StudyError, suggest
from tenor.scenario.base import Base
from tenor.scenario.moves import Moves
from tenor.scenario.shift import on_curve
from tenor.settings import STRICT
from tenor.units import Floats, rate_of

Name: TypeAlias = Literal["parallel_up", "parallel_down", "steepener", "flattener", "short_up", "short_down"]

DECAY_YEARS = 4.0


@dataclass(frozen=True, slots=True)
class IRRBB:
    """One of the six shocks.

    Parameters
    ----------
    name
        Which of the six.
    currency
        Whose sizes: CNY, EUR, GBP, JPY or USD.
    times
        Multiple of the shock: 1 is all of it, 0.5 half.

    Raises
    ------
    StudyError
        If the currency has no sizes here; the message lists those that have.
    """

    __pydantic_config__: ClassVar = STRICT
    name: Name
    currency: str = "CNY"
    times: Annotated[float, Ge(0)] = 1.0
    kind: Literal["irrbb"] = "irrbb"

    def __post_init__(self) -> None:
        sizes(self.currency)

    def moves(self, base: Base) -> Moves:
        """Return the shock at each published point."""
        return on_curve(base, self.times * shock(self.name, self.currency, base.tenors))

    def describe(self) -> str:
        """Name, currency and calibration."""
        part = "" if self.times == 1 else f" x{self.times:g}"
        return f"stress: IRRBB {self.name}{part} ({self.currency}, {calibration()})"


def shock(name: Name, currency: str, years: ArrayLike) -> Floats:
    """Return the shock at ``years``, shape (tenor,), as decimals: BCBS d368, annex 2."""
    t = np.asarray(years, dtype=np.float64)
    size = sizes(currency)
    fade = np.exp(-t / DECAY_YEARS)
    parallel = np.full(t.shape, rate_of(size["parallel"]))
    short, long = rate_of(size["short"]) * fade, rate_of(size["long"]) * (1 - fade)
    shocks: dict[Name, Floats] = {
        "parallel_up": parallel,
        "parallel_down": -parallel,
        "steepener": -0.65 * short + 0.9 * long,
        "flattener": 0.8 * short - 0.6 * long,
        "short_up": short,
        "short_down": -short,
    }
    return shocks[name]


def sizes(currency: str) -> Mapping[str, float]:
    """Return ``parallel``, ``short`` and ``long`` in basis points; :class:`StudyError` listing the currencies."""
    table = _table()
    currencies = [name for name, value in table.items() if isinstance(value, dict)]
    if currency not in currencies:
        raise StudyError(f"no IRRBB shocks for {currency!r}{suggest(currency, currencies)}; there are {currencies}")
    found: Mapping[str, float] = table[currency]
    return found


def calibration() -> str:
    """Return which calibration the sizes are of."""
    return str(_table()["calibration"])


@cache
def _table() -> dict[str, Any]:
    file = resources.files("tenor.scenario") / "irrbb.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
