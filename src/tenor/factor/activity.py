"""Volume and open interest: where the market is, and whether it is leaving.

Many sources publish these for the main contract only. ``Activity`` therefore reads the busier leg (the main
contract is one of the two), and a leg without an observation is left out of the comparison, not filled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.factor.base import Field
from tenor.settings import STRICT
from tenor.units import Floats


@dataclass(frozen=True, slots=True)
class Activity:
    """Logarithm of volume and of open interest of the busier leg, and the one-session change of the latter.

    A session on which neither leg has an observation, or on which the larger is zero, is NaN.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["activity"] = "activity"

    inputs: ClassVar = tuple(Field(leg, name) for name in ("volume", "open_interest") for leg in ("near", "far"))
    lookback: ClassVar = 2
    columns: ClassVar = ("log_volume", "log_open_interest", "log_open_interest_change_1")

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the three columns."""
        near_volume, far_volume, near_interest, far_interest = (past[field] for field in self.inputs)
        volume, interest = np.fmax(near_volume, far_volume), np.fmax(near_interest, far_interest)
        log_volume, log_interest = (np.log(np.where(lots > 0, lots, np.nan)) for lots in (volume, interest))
        return np.stack(
            [log_volume[..., -1], log_interest[..., -1], log_interest[..., -1] - log_interest[..., -2]],
            axis=-1,
        )
