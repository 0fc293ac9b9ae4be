"""The compiled program: one epoch of several networks side by side, each in its own lane.

A lane is a place for one network: its parameters as one flat vector, its Adam moments, its own rows, learning
rate and dropout key. The program knows nothing of folds. All windows of all folds lie in one table, and a
lane names its rows by number; the last row of the table is all zeros with weight zero, and that is what fills
a short batch. A lane whose steps are done, or that is empty, keeps its state bit for bit while the others go
on. So what a network becomes depends on its rows, its seed and the plan, and neither on its neighbours nor on
how many there are.

On a CPU a few lanes are enough to spread the cost of starting each operation, and few enough to stay in the
cache.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from jaxtyping import Array, Float, PyTree

from tenor.errors import FitError
from tenor.model.architecture import Architecture
from tenor.model.head import DIRECTION, Head
from tenor.model.net.base import Net, OwnLoss, computed_once
from tenor.units import AnyArray, Floats32

VALIDATION_ROWS = 256
"""Windows that are evaluated at once, for validation and for forecasts."""

Flat: TypeAlias = Float[Array, " parameter"]  # noqa: F722
Values: TypeAlias = Any
"""An array: numpy's on the host, JAX's inside the program."""


class Blueprint:
    """The shape of a network of one architecture, and the way between it and one flat vector of parameters.

    ``names`` and ``shapes`` list its parameters in the order in which they lie in the vector; ``size`` is its
    length.

    Raises
    ------
    FitError
        If ``build`` does not return a network that the engine can train; the message says what is wrong.
    """

    def __init__(
        self, architecture: Architecture, features: int, time: int, head: Head = DIRECTION, horizons: int = 1
    ) -> None:
        self.architecture, self.features, self.time = architecture, features, time
        self.head, self.horizons, self.outputs = head, horizons, head.outputs(horizons)
        shape = eqx.filter_eval_shape(self._build, _spec(2, dtype=jnp.uint32))
        arrays, self._rest = eqx.partition(shape, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
        leaves, self._tree = jax.tree_util.tree_flatten_with_path(arrays)
        self.names = tuple(jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves)
        self.shapes = tuple(tuple(leaf.shape) for _, leaf in leaves)
        for name, (_, leaf) in zip(self.names, leaves, strict=True):
            if leaf.dtype != jnp.float32:
                raise FitError(
                    f"{architecture}: parameter {name!r} is {leaf.dtype}; every array of a network must be"
                    " float32, make a constant a static field"
                )
        self._sizes = [math.prod(shape) for shape in self.shapes]
        self.size = sum(self._sizes)
        x = _spec(time, features, 3)
        given = eqx.filter_eval_shape(lambda net, x: net(x, key=None, inference=True), shape, x)
        if getattr(given, "shape", None) != (self.outputs, 3):
            raise FitError(
                f"{architecture}: 3 windows of (time, feature) = ({time}, {features}) give outputs of shape"
                f" {getattr(given, 'shape', None)}; under the head {head.kind!r} a network must return"
                f" ({self.outputs}, batch) = ({self.outputs}, 3)"
            )
        # Weights are drawn once per seed; code that is not optimised compiles in half the time.
        self._draw = jax.jit(self._drawn, compiler_options={"xla_backend_optimization_level": 0})

    def net(self, theta: Any) -> Net:
        """Return the network whose parameters are the vector ``theta``, shape ``(size,)``."""
        parts, start = [], 0
        for shape, size in zip(self.shapes, self._sizes, strict=True):
            parts.append(theta[start : start + size].reshape(shape))
            start += size
        net: Net = eqx.combine(jax.tree_util.tree_unflatten(self._tree, parts), self._rest)
        return net

    def draw(self, words: AnyArray) -> Floats32:
        """Return the parameters drawn from a key of two 32-bit ``words``."""
        return np.asarray(self._draw(words))

    def _build(self, words: Any) -> Any:
        key = jax.random.wrap_key_data(words, impl="threefry2x32")
        return self.architecture.build(features=self.features, time=self.time, outputs=self.outputs, key=key)

    def _drawn(self, words: Array) -> Flat:
        leaves = jax.tree_util.tree_leaves(eqx.filter(self._build(words), eqx.is_array))
        return jnp.concatenate([leaf.ravel() for leaf in leaves])


@lru_cache(maxsize=64)
def blueprint(
    architecture: Architecture, features: int, time: int, head: Head = DIRECTION, horizons: int = 1
) -> Blueprint:
    """Return the blueprint of ``architecture`` for windows of ``time`` by ``features``, made once."""
    return Blueprint(architecture, features, time, head, horizons)


class Table(NamedTuple):
    """Every window of every fold, one row each; the last row has weight 0."""

    x: Values
    """Laid out: ``(row, feature * time)``, the sessions of a feature side by side. Gathered: ``(session, feature)``,
    each session once; float32."""
    target: Values
    """``(row, horizon)``, what the head is asked: 1 where the price rose, or scaled returns; float32."""
    weight: Values
    """``(row,)``, what the row counts in a loss; float32."""
    ends: Values
    """Gathered: ``(row,)``, the session at which each window ends. Laid out: one zero that nobody reads."""


class Lanes(NamedTuple):
    """What changes during training, the lane first."""

    theta: Values
    """``(lane, parameter)``."""
    adam: PyTree[Values]
    """Optax's state, each leaf ``(lane, ...)``."""


class Work(NamedTuple):
    """What the lanes do in one epoch."""

    rows: Values
    """``(step, lane, batch)``, row numbers in the table."""
    steps: Values
    """``(lane,)``, how many of the steps the lane takes; 0 for an empty lane."""
    words: Values
    """``(lane, 2)``, the dropout key of the lane's first step; the second word goes up by one each step."""
    rate: Values
    """``(lane,)``, learning rates of this epoch."""
    valid_rows: Values
    """``(chunk, lane, VALIDATION_ROWS)``, row numbers in the table."""
    valid_chunks: Values
    """``(lane,)``, how many of the chunks the lane evaluates."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The part of a fit plan that is compiled in."""

    clip_norm: float
    weight_decay: float

    def optimiser(self) -> optax.GradientTransformation:
        """Gradient to direction; the step size is left to the epoch."""
        return optax.chain(
            optax.clip_by_global_norm(self.clip_norm),
            optax.scale_by_adam(),
            optax.add_decayed_weights(self.weight_decay) if self.weight_decay else optax.identity(),
        )


@lru_cache(maxsize=64)
def compiled(
    plans: Blueprint, rule: Rule, table: int, work: tuple[tuple[int, ...], tuple[int, ...]], sessions: int | None = None
) -> Any:
    """Compile an epoch for a table of ``table`` rows and ``work = (rows.shape, valid_rows.shape)``.

    ``sessions`` is how many a table holds whose windows are gathered; ``None`` where they are laid out.

    The program maps ``(Table, Lanes, Work)`` to ``(Lanes, train loss, validation loss)``, the losses per
    lane; the train loss is the mean over the epoch's steps as they were taken, dropout included.
    """
    (_, lanes, _), _ = work
    start = jax.eval_shape(lambda theta: jax.vmap(rule.optimiser().init)(theta), _spec(lanes, plans.size))
    arguments = (
        Table(
            _spec(table, plans.features * plans.time) if sessions is None else _spec(sessions, plans.features),
            _spec(table, plans.horizons),
            _spec(table),
            _spec(1 if sessions is None else table, dtype=jnp.int32),
        ),
        Lanes(_spec(lanes, plans.size), start),
        Work(
            _spec(*work[0], dtype=jnp.int32),
            _spec(lanes, dtype=jnp.int32),
            _spec(lanes, 2, dtype=jnp.uint32),
            _spec(lanes),
            _spec(*work[1], dtype=jnp.int32),
            _spec(lanes, dtype=jnp.int32),
        ),
    )
    return jax.jit(_epoch(plans, rule, gathered=sessions is not None)).lower(*arguments).compile()


@lru_cache(maxsize=64)
def forward(plans: Blueprint) -> Any:
    """Compile ``(theta, windows (VALIDATION_ROWS, time, feature)) -> outputs (output, VALIDATION_ROWS)``."""

    def logits(theta: Array, windows: Array) -> Array:
        return plans.net(theta)(jnp.moveaxis(windows, 0, 2), key=None, inference=True)

    theta = _spec(plans.size)
    windows = _spec(VALIDATION_ROWS, plans.time, plans.features)
    return jax.jit(logits).lower(theta, windows).compile()


def _spec(*shape: int, dtype: Any = jnp.float32) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


def _epoch(plans: Blueprint, rule: Rule, *, gathered: bool) -> Any:
    optimiser = rule.optimiser()

    def windows_of(table: Table, rows: Array) -> Array:
        if gathered:
            steps = jnp.asarray(table.ends)[rows] + jnp.arange(1 - plans.time, 1)[:, None]
            return jnp.swapaxes(computed_once(jnp.asarray(table.x)[steps]), 1, 2)
        # One plain transposition of the rows, and before anything else: the gather is then a copy of whole
        # rows.
        taken = computed_once(jnp.asarray(table.x)[rows])
        columns = computed_once(taken.T).reshape(plans.features, plans.time, len(rows))
        return jnp.moveaxis(columns, 0, 1)

    def batch_of(table: Table, rows: Array) -> tuple[Array, Array, Array]:
        return windows_of(table, rows), jnp.asarray(table.target)[rows].T, jnp.asarray(table.weight)[rows]

    def trained_loss(net: Net, x: Array, target: Array, key: Array) -> Array:
        if isinstance(net, OwnLoss):
            return net.training_loss(x, lambda outputs: plans.head.loss(outputs, target), key=key)
        plain: Array = plans.head.loss(net(x, key=key, inference=False), target)
        return plain

    def step(
        theta: Array, adam: Any, total: Array, table: Table, rows: Array, words: Array, rate: Array, on: Array
    ) -> tuple[Array, Any, Array]:
        x, target, weight = batch_of(table, rows)
        counted = jnp.sum(weight)
        key = jax.random.wrap_key_data(words, impl="threefry2x32")

        def mean_loss(theta: Array) -> Array:
            losses = weight * trained_loss(plans.net(theta), x, target, key)
            return jnp.sum(losses) / jnp.where(counted > 0, counted, 1.0)

        loss, gradient = jax.value_and_grad(mean_loss)(theta)
        gradient = computed_once(gradient)
        direction, moved = optimiser.update(gradient, adam, theta)
        new = (theta - rate * direction, moved, total + jnp.stack([loss * counted, counted]))
        chosen: tuple[Array, Any, Array] = jax.tree.map(
            lambda after, before: jnp.where(on, after, before), new, (theta, adam, total)
        )
        return chosen

    def evaluate(theta: Array, total: Array, table: Table, rows: Array) -> Array:
        x, target, weight = batch_of(table, rows)
        logits = plans.net(theta)(x, key=None, inference=True)
        return total + jnp.stack([jnp.sum(weight * plans.head.loss(logits, target)), jnp.sum(weight)])

    def epoch(table: Table, lanes: Lanes, work: Work) -> tuple[Lanes, Array, Array]:
        nothing = jnp.zeros((len(lanes.theta), 2), jnp.float32)

        def take(at: Array, state: tuple[Array, Any, Array]) -> tuple[Array, Any, Array]:
            words = jnp.stack([work.words[:, 0], work.words[:, 1] + at.astype(jnp.uint32)], axis=1)
            stepped: tuple[Array, Any, Array] = jax.vmap(step, in_axes=(0, 0, 0, None, 0, 0, 0, 0))(
                *state, table, work.rows[at], words, work.rate, at < work.steps
            )
            return stepped

        def check(at: Array, total: Array) -> Array:
            return jax.vmap(evaluate, in_axes=(0, 0, None, 0))(theta, total, table, work.valid_rows[at])

        begun = (lanes.theta, lanes.adam, nothing)
        theta, adam, trained = jax.lax.fori_loop(0, jnp.max(work.steps), take, begun)
        valid = jax.lax.fori_loop(0, jnp.max(work.valid_chunks), check, nothing)
        return Lanes(theta, adam), trained[:, 0] / trained[:, 1], valid[:, 0] / valid[:, 1]

    return epoch
