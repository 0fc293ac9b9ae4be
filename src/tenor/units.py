"""The numbers that markets quote, each under the name of its unit.

A bare ``float`` in a signature says nothing; these names do. They are plain aliases (arithmetic stays plain numpy),
so the discipline is in the reading: a rate is decimal per year, a shift in basis points ends in ``_bp``, a price is
per 100 of face and clean unless the name says dirty.

>>> rate_of(basis_points(25.0))
0.0025
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rate: TypeAlias = float
"""Decimal per year: 2.5 % is 0.025."""
Bp: TypeAlias = float
"""Basis points: 25 is a quarter of one per cent."""
Price: TypeAlias = float
"""Per 100 of face value, clean unless named dirty."""
Years: TypeAlias = float
Money: TypeAlias = float
"""In the product's currency (yuan for CFFEX, dollars for CBOT)."""

Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Dates: TypeAlias = NDArray[np.datetime64]
"""Sessions, as ``datetime64[D]``."""
Names: TypeAlias = NDArray[np.str_]
AnyArray: TypeAlias = NDArray[Any]

SESSIONS_PER_YEAR = 243
"""CFFEX sessions in a usual year (242 to 244 since 2015); annualises daily means and volatilities."""


def basis_points(value: float) -> Bp:
    """Say that ``value`` is in basis points."""
    return value


def rate_of(shift_bp: Bp) -> Rate:
    """Turn basis points into a decimal rate."""
    return shift_bp / 10_000.0
