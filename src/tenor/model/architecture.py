"""What a network is to the rest: settings that build it for training, and that answer in numpy once it is trained.

An architecture is settings, a frozen dataclass such as ``LSTM(layers=3, hidden=8, dropout=0.3)``. ``build`` turns them
into a network with drawn weights, an Equinox module that the engine trains (:mod:`tenor.model.net`). ``plain`` reads
the trained weights by name and gives the same outputs to rounding with numpy alone, so that a kept model answers
without loading a compiler; an architecture may do without it, and is then always asked through the compiled program.
"""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from tenor.errors import StudyError
from tenor.units import Floats32

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from tenor.model.net.base import Net

Weights: TypeAlias = Mapping[str, Floats32]
"""Parameters by their place in the network, such as ``layers.0.weight_input``; each in its own shape."""


@runtime_checkable
class Architecture(Hashable, Protocol):
    """The settings of a network: hashable, and equal where the networks have equal shapes."""

    def build(self, *, features: int, time: int, outputs: int, key: "PRNGKeyArray") -> "Net":
        """Return a network of ``outputs`` for windows of ``time`` sessions by ``features``, drawn from ``key``."""
        ...


@runtime_checkable
class Plain(Architecture, Protocol):
    """An architecture that also answers in numpy."""

    def plain(self, weights: Weights, x: Floats32) -> Floats32:
        """Return outputs ``(output, window)`` for windows ``(window, time, feature)``, as the trained network does."""
        ...


CPU_LANES = 4
"""Networks that a core trains side by side, where the architecture does not say otherwise."""

WIDE = 48
"""Units of a recurrent layer from which one network fills a core: side by side they only fall out of its cache."""


def lanes_of(architecture: Architecture) -> int:
    """Return how many networks of an architecture a core trains side by side: its ``lanes``, or ``CPU_LANES``.

    The number follows from the settings alone, never from the grid: another number is another program, whose last
    digits may differ.
    """
    lanes: int = getattr(architecture, "lanes", CPU_LANES)
    return lanes


def check_rate(name: str, rate: float) -> None:
    """Raise :class:`StudyError` unless ``rate`` is a dropout probability in [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise StudyError(f"{name} is {rate}; a dropout rate lies in [0, 1), 0.3 drops three units of ten")


def check_count(name: str, count: int) -> None:
    """Raise :class:`StudyError` unless ``count`` is a whole number of at least 1."""
    if not isinstance(count, int) or count < 1:
        raise StudyError(f"{name} is {count!r}; it must be a whole number, 1 or more")
