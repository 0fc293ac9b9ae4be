"""The yield curve in three numbers: level, slope and curvature, and their changes.

With short, belly and long points y_s, y_b, y_l of a published curve: level = (y_s + y_b + y_l) / 3, slope =
y_l - y_s, curvature = 2 y_b - y_s - y_l, the usual empirical proxies of Litterman and Scheinkman (1991). A
curve that is published after the close enters a study that decides at the close one session late;
``known_at`` sees to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.factor.base import Field, changes
from tenor.factor.spread import Days
from tenor.settings import STRICT
from tenor.units import Floats


@dataclass(frozen=True, slots=True)
class CurveShape:
    """Level, slope, curvature of ``curve`` from its ``short``, ``belly`` and ``long`` points (years).

    Parameters
    ----------
    curve
        A published curve, as the market names it, such as ``CGB``.
    short
        Years of the short point. It must be published: nothing is interpolated here.
    belly
        Years of the middle point, published too; curvature is how far it lies above the mean of the ends, doubled.
    long
        Years of the long point, published too; slope is how far it lies above the short one.
    days
        Sessions over which the changes of each shape are taken, one column each.
    """

    __pydantic_config__: ClassVar = STRICT
    curve: str
    short: float = 1.0
    belly: float = 5.0
    long: float = 10.0
    days: Days = (1, 5)
    kind: Literal["curve_shape"] = "curve_shape"

    @property
    def inputs(self) -> tuple[Field, ...]:
        """The three published points."""
        return tuple(Field("curve", f"{self.curve}:{years:g}") for years in (self.short, self.belly, self.long))

    @property
    def lookback(self) -> int:
        """The longest change, and today."""
        return max(self.days) + 1

    @property
    def columns(self) -> tuple[str, ...]:
        """The three shapes, each followed by its changes."""
        return tuple(
            f"{self.curve}_{shape}{suffix}"
            for shape in ("level", "slope", "curvature")
            for suffix in ("", *(f"_change_{day}" for day in self.days))
        )

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return shapes and changes, as decimals."""
        short, belly, long = (past[field] for field in self.inputs)
        shapes = ((short + belly + long) / 3, long - short, 2 * belly - short - long)
        parts = [part for shape in shapes for part in (shape[..., -1:], changes(shape, self.days))]
        return np.concatenate(parts, axis=-1)
