"""Trained networks, fold by seed: forecasts, histories, and their arrays for storage.

The compiler is loaded by whoever asks one, not by whoever reads this.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tenor.errors import FitError
from tenor.model.architecture import Architecture
from tenor.model.head import DIRECTION, Head
from tenor.units import AnyArray, Floats32, Ints

if TYPE_CHECKING:
    from tenor.model.net.base import Net
    from tenor.model.program import Blueprint


@dataclass(frozen=True, slots=True, eq=False)
class TrainedGrid:
    """Networks of one architecture, one for each fold and seed.

    Parameters
    ----------
    architecture, features, time
        What the networks are, and the windows that they read: ``(time, feature)``.
    seeds
        The seeds, by position on the seed axis.
    theta
        ``(fold, seed, parameter)``: each network's best weights as a flat vector; not a number where it
        failed.
    best_epoch, epochs_run
        ``(fold, seed)``, counted from 1: the epoch of the lowest validation loss, and the last one; 0 for
        none.
    train_loss, valid_loss
        ``(fold, seed, epoch)``: weighted cross-entropy, in nats; not a number after the last epoch run. The
        train loss is that of the steps as they were taken, dropout included; the validation loss has the
        fold's train weights.
    failures
        ``failures[fold][seed]``: why there is no network, or ``None``.
    head, horizons
        What they were asked, and over how many horizons.
    """

    architecture: Architecture
    features: int
    time: int
    seeds: tuple[int, ...]
    theta: Floats32
    best_epoch: Ints
    epochs_run: Ints
    train_loss: Floats32
    valid_loss: Floats32
    failures: tuple[tuple[str | None, ...], ...]
    head: Head = DIRECTION
    horizons: int = 1

    def failure(self, fold: int, seed: int) -> str | None:
        """Return why the network of ``fold`` and seed position ``seed`` failed, or ``None``."""
        return self.failures[fold][seed]

    def model(self, fold: int, seed: int) -> "Net":
        """Return one network, an Equinox module; :class:`FitError` with the reason if it failed."""
        return self._blueprint().net(self._weights(fold, seed))

    def outputs(self, fold: int, seed: int, x: Floats32) -> Floats32:
        """Return what one network gives for windows ``x``, the logits of a direction for one.

        Parameters
        ----------
        fold, seed
            Positions on the axes.
        x
            ``(window, time, feature)``, prepared as the fold's train windows were.

        Returns
        -------
        Floats32
            ``(output, window)``; of a direction, row 0 is down and row 1 is up. What is given for a window does not
            depend on the others.

        Raises
        ------
        FitError
            If the network failed, or the windows have another shape.
        """
        from tenor.model.program import VALIDATION_ROWS, forward

        theta = self._weights(fold, seed)
        x = np.asarray(x, dtype=np.float32)
        if x.ndim != 3 or x.shape[1:] != (self.time, self.features):
            raise FitError(
                f"x has shape {x.shape}; these networks read (window, time, feature) ="
                f" (any, {self.time}, {self.features})"
            )
        plans = self._blueprint()
        program = forward(plans)
        found = np.empty((plans.outputs, len(x)), np.float32)
        for start in range(0, len(x), VALIDATION_ROWS):
            part = x[start : start + VALIDATION_ROWS]
            chunk = np.zeros((VALIDATION_ROWS, self.time, self.features), np.float32)
            chunk[: len(part)] = part
            found[:, start : start + len(part)] = np.asarray(program(theta, chunk))[:, : len(part)]
        return found

    def fold_outputs(self, fold: int, x: Floats32) -> Floats32:
        """Return :meth:`outputs` under every seed, ``(seed, output, window)``; not a number where one failed."""
        found = np.full((len(self.seeds), self._blueprint().outputs, len(x)), np.nan, np.float32)
        for seed in range(len(self.seeds)):
            if self.failures[fold][seed] is None:
                found[seed] = self.outputs(fold, seed, x)
        return found

    def alone(self, fold: int, seed: int) -> "TrainedGrid":
        """Return the grid of one network, its arrays shared."""
        at = np.s_[fold : fold + 1, seed : seed + 1]
        arrays = ("theta", "best_epoch", "epochs_run", "train_loss", "valid_loss")
        return replace(
            self,
            seeds=(self.seeds[seed],),
            failures=((self.failures[fold][seed],),),
            **{name: getattr(self, name)[at] for name in arrays},
        )

    def state(self) -> dict[str, AnyArray]:
        """Return everything but architecture and head as named arrays, ready for safetensors.

        Parameters come under their path in the network, such as ``parameter/layers.0.bias``, with fold and
        seed as the first two axes; texts (the failures) as the bytes of their JSON.
        """
        plans = self._blueprint()
        arrays: dict[str, AnyArray] = {}
        start = 0
        for name, shape in zip(plans.names, plans.shapes, strict=True):
            stop = start + int(np.prod(shape, dtype=int))
            part = self.theta[..., start:stop]
            arrays[f"parameter/{name}"] = np.ascontiguousarray(part.reshape(*part.shape[:2], *shape))
            start = stop
        for name in ("best_epoch", "epochs_run", "train_loss", "valid_loss"):
            arrays[name] = np.ascontiguousarray(getattr(self, name))
        arrays["window"] = np.array([self.time, self.features, self.horizons], np.int64)
        arrays["seeds"] = np.array(self.seeds, np.int64)
        arrays["failures"] = np.frombuffer(json.dumps(self.failures).encode(), np.uint8).copy()
        return arrays

    @classmethod
    def from_state(
        cls, architecture: Architecture, state: Mapping[str, AnyArray], head: Head = DIRECTION
    ) -> "TrainedGrid":
        """Return the grid that :meth:`state` gave; :class:`FitError` if it is of another architecture or head."""
        from tenor.model.program import blueprint

        needed = {"window", "seeds", "failures", "best_epoch", "epochs_run", "train_loss", "valid_loss"}
        missing = sorted(needed - set(state))
        if missing:
            raise FitError(f"the arrays lack {missing}; give what TrainedGrid.state returned")
        time, features, horizons = (int(size) for size in state["window"])
        plans = blueprint(architecture, features, time, head, horizons)
        wanted = {f"parameter/{name}": shape for name, shape in zip(plans.names, plans.shapes, strict=True)}
        given = {name: array.shape[2:] for name, array in state.items() if name.startswith("parameter/")}
        for name in sorted(wanted.keys() | given.keys()):
            if wanted.get(name) != given.get(name):
                raise FitError(
                    f"{name!r} has shape {given.get(name)} in the arrays and {wanted.get(name)} in"
                    f" {architecture}; load them with the architecture that was trained"
                )
        grid = state["best_epoch"].shape
        theta = [state[name].reshape(*grid, -1) for name in wanted]
        return cls(
            architecture=architecture,
            features=features,
            time=time,
            seeds=tuple(int(seed) for seed in state["seeds"]),
            theta=np.concatenate(theta, axis=-1),
            best_epoch=state["best_epoch"],
            epochs_run=state["epochs_run"],
            train_loss=state["train_loss"],
            valid_loss=state["valid_loss"],
            failures=tuple(tuple(row) for row in json.loads(state["failures"].tobytes())),
            head=head,
            horizons=horizons,
        )

    def _blueprint(self) -> "Blueprint":
        from tenor.model.program import blueprint

        return blueprint(self.architecture, self.features, self.time, self.head, self.horizons)

    def _weights(self, fold: int, seed: int) -> Floats32:
        reason = self.failures[fold][seed]
        if reason is not None:
            raise FitError(f"fold {fold} has no network for seed {self.seeds[seed]}: {reason}")
        weights: Floats32 = self.theta[fold, seed]
        return weights
