"""The training engine: all folds and seeds of one architecture in one compiled program, a few at a time.

A study trains hundreds of small networks: 6 folds by 20 seeds of a 3-layer LSTM with 8 units, say. One alone
leaves a core mostly idle between operations. Here each core runs the same compiled epoch
(:mod:`tenor.model.program`) on a few lanes, a network in each; when one stops, early or at the last epoch,
the next of the grid takes its lane.

The loss is two-class cross-entropy with each window weighted by its class, the mean over a batch being
``sum(w l) / sum(w)``. Adam (Kingma and Ba, 2015) follows the gradient, shortened to the plan's norm; the step
size falls by a factor each epoch. A network stops after ``patience`` epochs without a lower validation loss
and keeps the weights of its lowest. A loss that is not a number ends that network, with the reason in its
place.

The first weights, the order of the rows and the dropout of a network come from its seed alone, so it is the
same network whatever else is in the grid, and however many cores there are: bit for bit on a CPU; up to rounding
on an accelerator, where the number of lanes follows the grid, and where a grid is so large (``LAID_BYTES``) that its
windows are gathered batch by batch.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from tenor.errors import FitError
from tenor.model.architecture import Architecture, lanes_of
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, Head
from tenor.model.program import VALIDATION_ROWS, Blueprint, Lanes, Rule, Table, Work, blueprint, compiled
from tenor.model.trained import TrainedGrid
from tenor.model.window_rows import WindowRows
from tenor.units import AnyArray, Floats32

__all__ = ["Architecture", "FitPlan", "FoldArrays", "TrainedGrid", "Watch", "silent", "train_grid"]

ACCELERATOR_LANES = 256
"""Most lanes of the program on an accelerator, where as many are used as there are networks."""

_Shape: TypeAlias = tuple[tuple[int, int, int], tuple[int, int, int]]

Watch = Callable[[int, int, int], None]
"""Called with the epochs that are done, those that there can be, and the networks still to finish.

Epochs are counted over all networks; a network that stops early takes its remaining epochs off the second
number.
"""


def silent(done: int, total: int, left: int) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldArrays:
    """The windows of one fold, prepared, and what the head is asked of each.

    Windows are float32 ``(window, time, feature)``, laid out or as rows (:class:`WindowRows`). Targets are 1 for up and
    0 for down, ``(window,)``, or scaled returns, ``(window, horizon)``.
    """

    x_train: Floats32 | WindowRows
    y_train: AnyArray
    x_valid: Floats32 | WindowRows
    y_valid: AnyArray


LAID_BYTES = 256 * 2**20
"""Windows of a grid that take more than this are not laid out, but gathered from their rows batch by batch."""


def train_grid(
    architecture: Architecture,
    folds: Sequence[FoldArrays],
    seeds: Sequence[int],
    plan: FitPlan,
    *,
    head: Head = DIRECTION,
    watch: Watch = silent,
    workers: int | None = None,
) -> TrainedGrid:
    """Train a network of ``architecture`` for every fold and seed.

    Parameters
    ----------
    architecture
        Settings that build a network.
    folds
        Train and validation windows; folds may differ in how many they have.
    seeds
        Whole numbers from 0, each once.
    plan
        How they are trained.
    head
        What they are asked.
    watch
        Told of the progress in the calling thread; what it raises ends the training.
    workers
        Threads, each with its own lanes; by default one for each core that the process may use, or one on an
        accelerator. The networks do not depend on it.

    Returns
    -------
    TrainedGrid
        A fold with one class only, with windows that are not finite, or without windows, and a network whose
        loss stopped being a number, have a reason there in place of weights.

    Raises
    ------
    FitError
        If the arrays do not fit together: the first mismatch by its name, before anything is trained.
    """
    time, features, horizons = _agreed_shape(folds, head)
    _check_seeds(seeds)
    plans = blueprint(architecture, features, time, head, horizons)
    unfit = [_unfit(fold, head) for fold in folds]
    table, places = _table(folds, unfit, plan, head, time, features, horizons)
    drawn = {seed: plans.draw(_words(seed, 0)) for seed in seeds}
    runs = [
        _Run(fold, at, seed, places[fold], drawn[seed])
        for fold in range(len(folds))
        if unfit[fold] is None
        for at, seed in enumerate(seeds)
    ]
    # Lanes advance together, so neighbours should have equally many steps; the longest first, to end evenly.
    runs.sort(key=lambda run: -run.rows.train)
    if runs:
        _train(plans, runs, table, plan, watch, workers)

    grid = (len(folds), len(seeds))
    theta = np.full((*grid, plans.size), np.nan, np.float32)
    train_loss, valid_loss = (np.full((*grid, plan.epochs), np.nan, np.float32) for _ in range(2))
    best_epoch, epochs_run = (np.zeros(grid, np.int64) for _ in range(2))
    failures: list[list[str | None]] = [[reason] * len(seeds) for reason in unfit]
    for run in runs:
        at = (run.fold, run.at)
        failures[run.fold][run.at] = run.failure
        if run.failure is None:
            theta[at] = run.best
        best_epoch[at], epochs_run[at] = run.best_epoch, run.epoch
        train_loss[at][: run.epoch], valid_loss[at][: run.epoch] = run.train_loss, run.valid_loss
    return TrainedGrid(
        architecture=architecture,
        features=features,
        time=time,
        seeds=tuple(seeds),
        theta=theta,
        best_epoch=best_epoch,
        epochs_run=epochs_run,
        train_loss=train_loss,
        valid_loss=valid_loss,
        failures=tuple(tuple(row) for row in failures),
        head=head,
        horizons=horizons,
    )


def _words(seed: int, stream: int) -> AnyArray:
    """Two 32-bit words for one purpose: stream 0 draws weights, 1 orders rows, 2 drops units."""
    return np.random.SeedSequence([seed, stream]).generate_state(2)


@dataclass(slots=True)
class _Run:
    """One network while it is trained: the only mutable state of the engine, owned by one worker."""

    fold: int
    at: int
    seed: int
    rows: "_Rows"
    theta: Floats32
    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = np.inf
    best: Floats32 | None = None
    failure: str | None = None
    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    order: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.order = np.random.default_rng(_words(self.seed, 1))

    def record(self, theta: Floats32, train_loss: float, valid_loss: float, plan: FitPlan) -> bool:
        """Take in an epoch; return whether it was the last."""
        self.epoch += 1
        self.train_loss.append(train_loss)
        self.valid_loss.append(valid_loss)
        if not (np.isfinite(train_loss) and np.isfinite(valid_loss)):
            self.failure = (
                f"the loss was not a finite number in epoch {self.epoch} (train {train_loss}, validation"
                f" {valid_loss}); lower learning_rate (now {plan.learning_rate:g}) or clip_norm"
                f" (now {plan.clip_norm:g}), and check that the factors are standardised"
            )
            return True
        if valid_loss < self.best_loss:
            self.best_loss, self.best_epoch, self.best = valid_loss, self.epoch, theta.copy()
        return self.epoch >= plan.epochs or self.epoch - self.best_epoch >= plan.patience


@dataclass(frozen=True, slots=True)
class _Rows:
    """Where a fold lies in the table: train rows from ``first``, validation rows after them."""

    first: int
    train: int
    valid: int


def _train(plans: Blueprint, runs: list[_Run], host: Table, plan: FitPlan, watch: Watch, workers: int | None) -> None:
    """Share the runs among the workers and tell ``watch`` how they get on."""
    on_cpu = jax.default_backend() == "cpu"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    crews = min(workers or (cores if on_cpu else 1), len(runs))
    share = -(-len(runs) // crews)
    gathered = len(host.ends) == len(host.weight)
    beside = 1 if gathered else lanes_of(plans.architecture)  # a step on so much data fills a core by itself
    lanes = beside if on_cpu else min(ACCELERATOR_LANES, 2 ** (share - 1).bit_length())

    steps = _roomy(max(-(-run.rows.train // plan.batch_size) for run in runs))
    chunks = _roomy(max(-(-run.rows.valid // VALIDATION_ROWS) for run in runs))
    shape = ((steps, lanes, plan.batch_size), (chunks, lanes, VALIDATION_ROWS))
    rule = Rule(clip_norm=plan.clip_norm, weight_decay=plan.weight_decay)
    start = jax.tree.map(np.asarray, rule.optimiser().init(jnp.zeros(plans.size, jnp.float32)))
    program = compiled(plans, rule, len(host.weight), shape, len(host.x) if gathered else None)
    table: Table = jax.device_put(host)

    news: queue.SimpleQueue[tuple[int, int, int] | None] = queue.SimpleQueue()
    stop = threading.Event()

    def crew(number: int) -> None:
        try:
            for report in _epochs(program, start, table, deque(runs[number::crews]), plan, shape):
                news.put(report)
                if stop.is_set():
                    return
        except BaseException:
            stop.set()
            raise
        finally:
            news.put(None)

    with ThreadPoolExecutor(crews, thread_name_prefix="tenor-train") as pool:
        try:
            futures: list[Future[None]] = [pool.submit(crew, number) for number in range(crews)]
            done, total, left, working = 0, len(runs) * plan.epochs, len(runs), crews
            while working:
                report = news.get()
                if report is None:
                    working -= 1
                    continue
                done, total, left = done + report[0], total - report[1], left - report[2]
                watch(done, total, left)
        finally:
            stop.set()
    for future in futures:
        future.result()


def _epochs(
    program: Any, start: Any, table: Table, waiting: deque[_Run], plan: FitPlan, shape: _Shape
) -> Iterator[tuple[int, int, int]]:
    """Train the runs of one worker, as many at a time as there are lanes.

    Yields after each epoch of the program the epochs that were run, those that will not be, and the runs that
    ended.
    """
    (steps, lanes, batch), (chunks, _, _) = shape
    blank = len(table.weight) - 1
    theta = np.zeros((lanes, waiting[0].theta.size), np.float32)
    adam = jax.tree.map(lambda leaf: np.stack([leaf] * lanes), start)
    dropping = np.zeros((lanes, 2), np.uint32)
    valid_rows = np.full((chunks, lanes, VALIDATION_ROWS), blank, np.int32)
    valid_chunks = np.zeros(lanes, np.int32)
    running: list[_Run | None] = [None] * lanes

    while True:
        for lane, run in enumerate(running):
            if run is None and waiting:
                run = running[lane] = waiting.popleft()
                theta[lane] = run.theta
                jax.tree.map(lambda rows, one, lane=lane: rows.__setitem__(lane, one), adam, start)
                dropping[lane] = _words(run.seed, 2)
                held = np.arange(run.rows.valid) + run.rows.first + run.rows.train
                valid_chunks[lane] = _deal(held, valid_rows[:, lane], blank)
        if not any(running):
            return
        rows = np.full((steps, lanes, batch), blank, np.int32)
        taken, rate = np.zeros(lanes, np.int32), np.zeros(lanes, np.float32)
        for lane, run in enumerate(running):
            if run is not None:
                order = run.rows.first + run.order.permutation(run.rows.train)
                taken[lane] = _deal(order, rows[:, lane], blank)
                rate[lane] = plan.learning_rate * plan.decay**run.epoch
        work = Work(rows, taken, dropping, rate, valid_rows, np.where(taken, valid_chunks, 0).astype(np.int32))
        state, train_loss, valid_loss = program(table, Lanes(theta, adam), work)
        theta, adam = jax.tree.map(np.array, tuple(state))
        dropping[:, 1] += taken.astype(np.uint32)
        train_loss, valid_loss = np.asarray(train_loss), np.asarray(valid_loss)
        done = saved = finished = 0
        for lane, run in enumerate(running):
            if run is None:
                continue
            done += 1
            if run.record(theta[lane], float(train_loss[lane]), float(valid_loss[lane]), plan):
                saved, finished = saved + plan.epochs - run.epoch, finished + 1
                running[lane] = None
        yield done, saved, finished


def _deal(rows: AnyArray, places: AnyArray, blank: int) -> int:
    """Lay ``rows`` into ``places`` (step, batch), ``blank`` behind them; return how many steps that takes."""
    batch = places.shape[1]
    steps: int = -(-len(rows) // batch)
    padded = np.full(places.size, blank, np.int32)
    padded[: len(rows)] = rows
    places[:] = padded.reshape(places.shape)
    return steps


def _roomy(count: int) -> int:
    """Round up to one of eight sizes per doubling: studies of nearly equal length share a program."""
    grain = 1 << max(0, count.bit_length() - 4)
    return -(-count // grain) * grain


def _table(
    folds: Sequence[FoldArrays],
    unfit: Sequence[str | None],
    plan: FitPlan,
    head: Head,
    time: int,
    features: int,
    horizons: int,
) -> tuple[Table, list[_Rows]]:
    """Lay the windows of the folds that can be trained one after another, with target and weight of each.

    They are laid out while that takes little; beyond ``LAID_BYTES`` the table holds the sessions that they share.
    """
    parts: list[tuple[Floats32 | WindowRows, AnyArray, AnyArray]] = []
    places, first = [], 0
    for fold, reason in zip(folds, unfit, strict=True):
        if reason is not None:
            places.append(_Rows(first, 0, 0))
            continue
        weights = np.ones(2, np.float32)
        if head.of_classes and plan.class_weights == "balanced":
            counts = np.bincount(fold.y_train.astype(np.int64), minlength=2)
            weights = (len(fold.y_train) / (2.0 * counts)).astype(np.float32)
        for x, y in ((fold.x_train, fold.y_train), (fold.x_valid, fold.y_valid)):
            weight = weights[y.astype(np.int64)] if head.of_classes else np.ones(len(y), np.float32)
            parts.append((x, y.reshape(len(y), horizons), weight))
        places.append(_Rows(first, len(fold.x_train), len(fold.x_valid)))
        first += len(fold.x_train) + len(fold.x_valid)
    rows = _roomy(first + 1)
    target, weighed = np.zeros((rows, horizons), np.float32), np.zeros(rows, np.float32)
    start = 0
    for x, y, weight in parts:
        target[start : start + len(x)], weighed[start : start + len(x)] = y, weight
        start += len(x)
    if rows * time * features * 4 <= LAID_BYTES or any(isinstance(x, np.ndarray) for x, _, _ in parts):
        laid, start = np.zeros((rows, time * features), np.float32), 0
        for x, _, _ in parts:
            windows = x.laid() if isinstance(x, WindowRows) else x
            laid[start : start + len(x)] = np.swapaxes(windows, 1, 2).reshape(len(x), -1)
            start += len(x)
        return Table(laid, target, weighed, np.zeros(1, np.int32)), places
    sessions, ends = _shared(parts, rows, time)
    return Table(sessions, target, weighed, ends), places


def _shared(
    parts: Sequence[tuple[Floats32 | WindowRows, AnyArray, AnyArray]], rows: int, time: int
) -> tuple[Floats32, AnyArray]:
    """Lay the sessions of windows one part after another, and say where each window ends; blanks end at the first."""
    held = [x for x, _, _ in parts if isinstance(x, WindowRows)]
    sessions = np.concatenate([x.rows for x in held])
    ends, start, before = np.full(rows, time - 1, np.int32), 0, 0
    for x in held:
        ends[start : start + len(x)] = x.ends + before
        start, before = start + len(x), before + len(x.rows)
    return sessions, ends


def _agreed_shape(folds: Sequence[FoldArrays], head: Head) -> tuple[int, int, int]:
    """Return (time, feature, horizon), or raise :class:`FitError` naming the first array that does not fit."""
    if not folds:
        raise FitError("there are no folds; give at least one")
    agreed: tuple[int, ...] | None = None
    asked: tuple[int, ...] | None = None
    for number, fold in enumerate(folds):
        for part in ("train", "valid"):
            x, y = getattr(fold, f"x_{part}"), getattr(fold, f"y_{part}")
            name = f"folds[{number}].x_{part}"
            if x.ndim != 3 or x.dtype != np.float32 or 0 in x.shape[1:]:
                raise FitError(
                    f"{name} is {x.dtype} of shape {x.shape}; it must be float32 of shape (window, time, feature)"
                )
            agreed = agreed or x.shape[1:]
            if x.shape[1:] != agreed:
                raise FitError(
                    f"{name} has (time, feature) = {x.shape[1:]}, folds[0].x_train has {agreed};"
                    " all windows of a grid must have one shape"
                )
            _check_targets(f"folds[{number}].y_{part}", y, name, len(x), head)
            asked = asked or y.shape[1:]
            if y.shape[1:] != asked:
                raise FitError(
                    f"folds[{number}].y_{part} has {y.shape[1:]} horizons, folds[0].y_train {asked}; they must agree"
                )
    assert agreed is not None
    assert asked is not None
    return agreed[0], agreed[1], asked[0] if asked else 1


def _check_targets(name: str, y: AnyArray, windows: str, count: int, head: Head) -> None:
    if head.of_classes:
        if y.shape != (count,):
            raise FitError(f"{name} has shape {y.shape}, {windows} has {count} windows; it must be ({count},)")
        wrong = y[(y != 0) & (y != 1)]
        if len(wrong):
            raise FitError(f"{name} holds {wrong[0]!r}; a label is 0 (down) or 1 (up)")
    elif y.ndim != 2 or len(y) != count or not y.shape[1]:
        raise FitError(
            f"{name} has shape {y.shape}, {windows} has {count} windows; under the head {head.kind!r} it must be"
            f" ({count}, horizon)"
        )


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise FitError(f"seeds are {list(seeds)}; give one or more whole numbers from 0, each once")


def _unfit(fold: FoldArrays, head: Head) -> str | None:
    """Return why ``fold`` cannot be trained, or ``None``."""
    for part, x, y in (("train", fold.x_train, fold.y_train), ("validation", fold.x_valid, fold.y_valid)):
        if head.of_classes:
            ups = int((y == 1).sum())
            if ups in (0, len(y)):
                return (
                    f"the {part} windows hold {ups} ups and {len(y) - ups} downs; a direction needs both:"
                    " lengthen the range or narrow the neutral band"
                )
        elif not len(y):
            return f"the {part} range has no window with a known outcome; lengthen it"
        elif not np.isfinite(y).all():
            return f"the {part} windows hold {int((~np.isfinite(y)).sum())} outcomes that are not known; leave them out"
        if isinstance(x, WindowRows):
            bad = np.argwhere(~np.isfinite(x.rows))
            if len(bad):
                row, feature = (int(place) for place in bad[0])
                return (
                    f"the {part} rows hold {x.rows[row, feature]} (row {row}, feature {feature}) and"
                    f" {len(bad) - 1} more that are not finite; fill or leave out what is missing first"
                )
            continue
        bad = np.argwhere(~np.isfinite(x))
        if len(bad):
            window, session, feature = (int(place) for place in bad[0])
            return (
                f"the {part} windows hold {x[window, session, feature]} (window {window}, session {session},"
                f" feature {feature}) and {len(bad) - 1} more that are not finite; fill or leave out what is"
                " missing first"
            )
    return None
