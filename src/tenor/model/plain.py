"""Networks in numpy: the pieces that the architectures answer with, and a kept network that is asked through them.

Sequences are ``(window, time, channel)``. Sums run in another order than in the compiled program, so an answer differs
from the run's in the last digits of single precision, and may do so from one number of windows to another.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tenor.errors import FitError
from tenor.model.architecture import Plain, Weights
from tenor.model.head import Head
from tenor.model.state import State
from tenor.units import AnyArray, Floats32


def affine(weights: Weights, name: str, bias: str, x: Floats32) -> Floats32:
    """Return ``x W' + b`` along the last axis."""
    found: Floats32 = x @ weights[name].T + weights[bias]
    return found


def logistic(x: AnyArray) -> Floats32:
    """Return the logistic function, through tanh as in training."""
    half = np.float32(0.5)
    return np.asarray(half + half * np.tanh(half * x))


def softmax(x: AnyArray, axis: int) -> Floats32:
    """Return exponentials that add up to one along ``axis``."""
    raised = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis=axis, keepdims=True))


def lstm_states(weights: Weights, layer: str, x: Floats32) -> Floats32:
    """Run one LSTM layer, whose weights begin with ``layer``, from a zero state; return the state of each session."""
    driven = affine(weights, f"{layer}weight_input", f"{layer}bias", x)
    hidden = driven.shape[-1] // 4
    of_state = weights[f"{layer}weight_state"].T
    h: Floats32 = np.zeros((len(x), hidden), np.float32)
    c: Floats32 = h
    states = []
    for session in range(x.shape[1]):
        i, f, g, o = np.split(driven[:, session] + h @ of_state, 4, axis=1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


class Within(Mapping[str, Floats32]):
    """Those of some arrays whose names begin in one way, by the rest of their names."""

    def __init__(self, arrays: Weights, under: str) -> None:
        self._arrays, self._under = arrays, under

    def __getitem__(self, name: str) -> Floats32:
        """Return one."""
        return self._arrays[self._under + name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return (name.removeprefix(self._under) for name in self._arrays if name.startswith(self._under))

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)


class Parameters(dict[str, Floats32]):
    """Arrays by name, and which of them were read: one that was not belongs to another network."""

    def __init__(self, arrays: Weights) -> None:
        super().__init__(arrays)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Floats32:
        """Return one, and remember it."""
        self.read.add(name)
        return super().__getitem__(name)


@dataclass(frozen=True, slots=True, eq=False)
class PlainGrid:
    """A grid of one network as it was kept, asked in numpy.

    Parameters
    ----------
    architecture, head
        What the network is and what it was asked.
    kept
        The arrays of :meth:`tenor.model.trained.TrainedGrid.state`, and perhaps others.
    """

    architecture: Plain
    head: Head
    kept: State

    def outputs(self, fold: int, seed: int, x: Floats32) -> Floats32:
        """Return what the network gives for windows ``(window, time, feature)``, shape ``(output, window)``.

        Raises
        ------
        FitError
            If the arrays are not those of the architecture, or the windows have another shape.
        """
        mine = Parameters({name: array[fold, seed] for name, array in self.kept.items() if name.startswith(PARAMETER)})
        time, features, horizons = (int(size) for size in self.kept["window"])
        if x.shape[1:] != (time, features):
            raise FitError(
                f"x has shape {x.shape}; this network reads (window, time, feature) = (any, {time}, {features})"
            )
        try:
            found = self.architecture.plain(Within(mine, PARAMETER), x)
        except (KeyError, ValueError, IndexError) as wrong:
            raise FitError(f"the arrays {sorted(mine)} are not those of {self.architecture}: {wrong}") from wrong
        if unread := sorted(set(mine) - mine.read):
            raise FitError(f"the arrays {unread} are not those of {self.architecture}: it does not read them")
        if found.shape != (self.head.outputs(horizons), len(x)):
            raise FitError(
                f"{self.architecture} gives {found.shape}; under the head {self.head.kind!r} it must be"
                f" {(self.head.outputs(horizons), len(x))}"
            )
        return found

    def alone(self, fold: int, seed: int) -> "PlainGrid":
        """Return the grid, which is one network."""
        return self

    def state(self) -> Mapping[str, AnyArray]:
        """Return the arrays as they were kept."""
        return {name: array for name, array in self.kept.items() if name.startswith(PARAMETER) or name in BESIDE}


PARAMETER = "parameter/"
"""What the names of a network's parameters begin with among the arrays of a grid."""

BESIDE: Any = ("best_epoch", "epochs_run", "train_loss", "valid_loss", "window", "seeds", "failures")
"""What a grid keeps beside parameters."""
