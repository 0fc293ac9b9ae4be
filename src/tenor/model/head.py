"""Heads: what a network is asked, and how its answer is scored in training.

Any network ends in a linear layer; a head says how many numbers it gives and what they mean. ``Direction`` asks which
way the next session goes (two logits, cross-entropy). ``Quantiles`` asks for quantiles of the return over every horizon
(pinball loss; they cannot cross) and reads the probability of up off them. ``Point`` asks for the return itself (Huber
loss).

Returns differ in size by instrument and horizon, so a head learns ``z = return / (volatility * sqrt(horizon))``, with
the root mean square of the instrument's one-session changes in train as its volatility.

``loss`` runs inside the compiled program; ``up`` and ``quantiles`` are plain numpy, so that a kept model can answer
without a compiler.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from annotated_types import Interval, Len
from pydantic import Field

from tenor.errors import StudyError
from tenor.model.probability import expit
from tenor.settings import STRICT
from tenor.units import AnyArray, Floats

Levels: TypeAlias = Annotated[tuple[Annotated[float, Interval(gt=0, lt=1)], ...], Len(2)]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantile levels where a study names none: the median, and the ends of central intervals of 50, 80 and 90 %."""

HUBER = 1.5
"""Beyond so many volatilities an error counts by its size, no longer by its square (Huber, 1964)."""


class Head(Hashable, Protocol):
    """What a network's last layer gives. Settings, hashable."""

    @property
    def kind(self) -> str:
        """Short name in study files."""
        ...

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that it gives; empty for none."""
        ...

    @property
    def of_classes(self) -> bool:
        """Whether the target is a class, 1 for up and 0 for down, rather than scaled returns."""
        ...

    def outputs(self, horizons: int) -> int:
        """How many numbers the network gives for each window."""
        ...

    def loss(self, outputs: Any, target: Any) -> Any:
        """Loss of each window, JAX arrays: ``(output, batch)`` and ``(horizon, batch)`` to ``(batch,)``."""
        ...

    def up(self, outputs: AnyArray) -> Floats:
        """Probability of up over the first horizon, ``(output, window)`` to ``(window,)``."""
        ...

    def quantiles(self, outputs: AnyArray) -> Floats | None:
        """Quantiles of scaled returns, ``(output, window)`` to ``(window, horizon, level)``; ``None`` for none."""
        ...


@dataclass(frozen=True, slots=True)
class Direction:
    """Two logits, down and up; cross-entropy."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["direction"] = "direction"
    levels: ClassVar[tuple[float, ...]] = ()
    of_classes: ClassVar = True

    def outputs(self, horizons: int) -> int:
        """Two, whatever the horizons: the direction is that of the first."""
        return 2

    def loss(self, outputs: Any, target: Any) -> Any:
        """Softplus of the wrong logit less the right one."""
        import jax
        import jax.numpy as jnp

        margin = outputs[1] - outputs[0]
        return jax.nn.softplus(jnp.where(target[0] > 0.5, -margin, margin))

    def up(self, outputs: AnyArray) -> Floats:
        """Softmax of the two logits."""
        return np.asarray(expit(outputs[1].astype(np.float64) - outputs[0]))

    def quantiles(self, outputs: AnyArray) -> Floats | None:
        """Return none."""
        return None


DIRECTION = Direction()
"""What a network is asked where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles over every horizon: the middle one, and steps outward that are positive by construction.

    With raw outputs ``r``, ``q_m = r_m`` for the middle level m, ``q_k = q_{k-1} + softplus(r_k)`` above it and ``q_k =
    q_{k+1} - softplus(r_k)`` below. The loss is the mean pinball loss over horizons and levels (Koenker and Bassett,
    1978). The probability of up is ``1 - F(0)`` with F linear between quantiles and exponential beyond the outermost,
    where its density goes on without a jump.

    Parameters
    ----------
    levels
        Which quantiles: levels between 0 and 1, ascending. Two that mirror each other, such as 0.05 and 0.95, end an
        interval, which validation widens or narrows; 0.5 is the median.
    """

    __pydantic_config__: ClassVar = STRICT
    levels: Levels = LEVELS
    kind: Literal["quantiles"] = "quantiles"
    of_classes: ClassVar = False

    def __post_init__(self) -> None:
        if list(self.levels) != sorted(set(self.levels)):
            raise StudyError(f"levels are {list(self.levels)}; give each once, the lowest first")

    def outputs(self, horizons: int) -> int:
        """One for each horizon and level."""
        return horizons * len(self.levels)

    def loss(self, outputs: Any, target: Any) -> Any:
        """Mean pinball loss."""
        import jax
        import jax.numpy as jnp

        raw = outputs.reshape(target.shape[0], len(self.levels), outputs.shape[-1])
        found = self._ordered(raw, jnp, jax.nn.softplus)
        error = target[:, None, :] - found
        levels = jnp.asarray(self.levels, outputs.dtype)[None, :, None]
        return jnp.maximum(levels * error, (levels - 1.0) * error).mean(axis=(0, 1))

    def up(self, outputs: AnyArray) -> Floats:
        """One less the distribution at no change."""
        return 1.0 - distribution_at_zero(self._of(outputs)[:, 0], self.levels)

    def quantiles(self, outputs: AnyArray) -> Floats | None:
        """Return the quantiles of scaled returns."""
        return self._of(outputs)

    def _of(self, outputs: AnyArray) -> Floats:
        raw = outputs.astype(np.float64).reshape(-1, len(self.levels), outputs.shape[-1])
        found = self._ordered(raw, np, lambda values: np.logaddexp(0.0, values))
        return np.ascontiguousarray(np.moveaxis(found, 2, 0))

    def _ordered(self, raw: Any, xp: Any, softplus: Any) -> Any:
        """Turn raw outputs ``(horizon, level, batch)`` into quantiles that ascend."""
        middle = len(self.levels) // 2
        centre = raw[:, middle : middle + 1]
        above = centre + xp.cumsum(softplus(raw[:, middle + 1 :]), axis=1)
        below = centre - xp.cumsum(softplus(raw[:, :middle][:, ::-1]), axis=1)[:, ::-1]
        return xp.concatenate([below, centre, above], axis=1)


@dataclass(frozen=True, slots=True)
class Point:
    """The scaled return over each horizon; Huber loss.

    The probability of up is the logistic function of the first, which the study's calibration then sets right.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["point"] = "point"
    levels: ClassVar = (0.5,)
    of_classes: ClassVar = False

    def outputs(self, horizons: int) -> int:
        """One for each horizon."""
        return horizons

    def loss(self, outputs: Any, target: Any) -> Any:
        """Mean Huber loss over horizons."""
        import jax.numpy as jnp

        error = jnp.abs(target - outputs)
        return jnp.where(error < HUBER, 0.5 * error * error, HUBER * (error - 0.5 * HUBER)).mean(axis=0)

    def up(self, outputs: AnyArray) -> Floats:
        """Logistic function of the return in volatilities."""
        return np.asarray(expit(outputs[0].astype(np.float64)))

    def quantiles(self, outputs: AnyArray) -> Floats | None:
        """Return the point as the one level that is given."""
        return np.ascontiguousarray(outputs.astype(np.float64).T[:, :, None])


AnyHead: TypeAlias = Annotated[Direction | Quantiles | Point, Field(discriminator="kind")]
"""A head, as a study file names it."""


def distribution_at_zero(quantiles: Floats, levels: tuple[float, ...]) -> Floats:
    """Return F(0) of distributions that are given by ascending quantiles, ``(window, level)`` to ``(window,)``.

    Linear between two quantiles; beyond the outermost exponential, with the density of the outermost segment.
    """
    at = np.asarray(levels)
    count = len(at)
    above = (quantiles <= 0.0).sum(axis=1)  # how many quantiles lie at or below zero
    low, high = np.clip(above - 1, 0, count - 2), np.clip(above, 1, count - 1)
    rows = np.arange(len(quantiles))
    first, second = quantiles[rows, low], quantiles[rows, high]
    width = np.maximum(second - first, 1e-12)
    inside = at[low] + (at[high] - at[low]) * np.clip(-first / width, 0.0, 1.0)
    density = (at[high] - at[low]) / width
    under = at[0] * np.exp(np.minimum(-quantiles[:, 0] * density / at[0], 0.0))
    over = 1.0 - (1.0 - at[-1]) * np.exp(np.minimum(quantiles[:, -1] * density / (1.0 - at[-1]), 0.0))
    return np.asarray(np.where(above == 0, under, np.where(above == count, over, inside)))
