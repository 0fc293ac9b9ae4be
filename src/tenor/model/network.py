"""Networks as recipes: preparation in front, one engine behind, every fold, seed and instrument in one program.

A network's own file (:mod:`tenor.model.lstm`, :mod:`tenor.model.dnn`) holds its settings and its module; this
file joins any of them to the study's preparation and fit plan, to a head, and to a scope:

* ``pooled``: one network learns from the windows of all instruments. With ``embedding`` above 0 it also learns a vector
  for each instrument of train, which stands beside the factors of every session; an instrument that train did not hold
  gets the zero vector and is still spoken of.
* ``per_name``: one network for each instrument, all of them trained in one grid. One that cannot be trained is a reason
  under its name, and the others go on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from annotated_types import Ge

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model import base
from tenor.model.architecture import Architecture, Plain
from tenor.model.base import FoldWindows, Outcome
from tenor.model.embedding import Embedded
from tenor.model.fit_plan import FitPlan
from tenor.model.head import DIRECTION, AnyHead, Head
from tenor.model.plain import PlainGrid
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import State, bytes_of, require, text_of
from tenor.model.trained import TrainedGrid
from tenor.model.window_rows import WindowRows
from tenor.progress import Progress, silent
from tenor.units import AnyArray, Floats, Floats32

if TYPE_CHECKING:
    pass

Scope: TypeAlias = Literal["pooled", "per_name"]
Size: TypeAlias = Annotated[int, Ge(0)]

ASKED_AT_ONCE = 4096
"""Windows that are laid out at a time to be forecast."""


class NetworkSettings(Protocol):
    """Settings of an architecture, with what every network may be asked beside them."""

    @property
    def kind(self) -> str:
        """Short name in the registry."""
        ...

    @property
    def head(self) -> AnyHead:
        """What it is asked."""
        ...

    @property
    def scope(self) -> Scope:
        """One network for all instruments, or one for each."""
        ...

    @property
    def embedding(self) -> int:
        """Size of the vector that is learnt for each instrument; 0 for none."""
        ...


def recipe_of(settings: Any, prepare: Prepare, plan: FitPlan) -> "NetworkRecipe":
    """Return the recipe of a network's settings (:class:`NetworkSettings`, an architecture too)."""
    return NetworkRecipe(
        settings.kind, settings, prepare, plan, head=settings.head, scope=settings.scope, embedding=settings.embedding
    )


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """One trained network of a grid, behind its preparation.

    Parameters
    ----------
    prepared
        What happens to factor values first.
    trained, fold, seed
        The grid, and its place in it.
    volatility
        By instrument of train (and ``""`` for others), the root mean square of its one-session changes: what turns a
        scaled return into a return. Empty for a direction.
    known
        Instruments that have a vector, in order; empty without an embedding.
    """

    prepared: Prepared
    trained: TrainedGrid | PlainGrid
    fold: int
    seed: int
    volatility: Mapping[str, float] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that it gives."""
        return getattr(self.trained, "head", DIRECTION).levels

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return self._head.up(self._outputs(windows))

    def quantiles(self, windows: Windows) -> Floats | None:
        """Return quantiles of the return over each horizon, ``(window, horizon, level)``; ``None`` for a direction."""
        scaled = self._head.quantiles(self._outputs(windows))
        return None if scaled is None else scaled * scale_of(self.volatility, windows)

    def unit(self, windows: Windows) -> Floats:
        """Return the volatility of each window's instrument over each horizon, ``(window, horizon)``."""
        return scale_of(self.volatility, windows)[:, :, 0]

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values; of a network without an embedding."""
        return self._head.up(self.trained.outputs(self.fold, self.seed, values))

    @property
    def _head(self) -> Head:
        return getattr(self.trained, "head", DIRECTION)

    def _outputs(self, windows: Windows) -> Floats32:
        rows = with_places(self.prepared.rows(windows), windows, self.known)
        parts = [
            self.trained.outputs(self.fold, self.seed, _some(rows, start))
            for start in range(0, len(rows), ASKED_AT_ONCE)
        ]
        return np.concatenate(parts, axis=1) if parts else self.trained.outputs(self.fold, self.seed, rows.laid())

    def state(self) -> State:
        """Return the network as a grid of one, with the history of its training, and the preparation."""
        arrays = {**self.prepared.state(), **self.trained.alone(self.fold, self.seed).state()}
        if self.known:
            arrays["known"] = bytes_of(json.dumps(self.known))
        return {**arrays, **volatility_state(self.volatility)}


def volatility_state(volatility: Mapping[str, float]) -> dict[str, AnyArray]:
    """Return volatilities as named arrays; none for none."""
    if not volatility:
        return {}
    return {
        "volatility.names": bytes_of(json.dumps(list(volatility))),
        "volatility": np.array(list(volatility.values()), np.float64),
    }


def volatility_from(state: State) -> dict[str, float]:
    """Return the volatilities that :func:`volatility_state` gave."""
    if "volatility" not in state:
        return {}
    names = json.loads(text_of(state["volatility.names"]))
    return dict(zip(names, state["volatility"].tolist(), strict=True))


def _some(rows: WindowRows, start: int) -> Floats32:
    return WindowRows(rows.rows, rows.ends[start : start + ASKED_AT_ONCE], rows.time).laid()


def with_places(rows: WindowRows, windows: Windows, known: tuple[str, ...]) -> WindowRows:
    """Add a feature that numbers the instrument of each row from 1, 0 where it is not ``known``."""
    if not known:
        return rows
    number = {name: float(at) for at, name in enumerate(known, start=1)}
    names, place = np.unique(windows.row_product[windows.touched], return_inverse=True)
    of_name = np.array([number.get(name, 0.0) for name in names.tolist()], np.float32)
    return WindowRows(np.concatenate([rows.rows, of_name[place][:, None]], axis=1), rows.ends, rows.time)


def volatility_of(train: Windows) -> dict[str, float]:
    """Root mean square change of each instrument of train, and under ``""`` the median of them for any other."""
    found: dict[str, float] = {}
    for name in np.unique(train.product).tolist():
        mine = train.change[train.product == name]
        size = float(np.sqrt(np.mean(mine[np.isfinite(mine)] ** 2))) if np.isfinite(mine).any() else 0.0
        if size > 0:
            found[name] = size
    if not found:
        raise FitError("no price of the train range ever moved; lengthen it")
    return {**found, "": float(np.median(list(found.values())))}


def scale_of(volatility: Mapping[str, float], windows: Windows) -> Floats:
    """What a scaled return of each window and horizon is multiplied by, ``(window, horizon, 1)``."""
    names, place = np.unique(windows.product, return_inverse=True)
    size = np.array([volatility.get(name, volatility[""]) for name in names.tolist()])[place]
    return size[:, None, None] * np.sqrt(np.array(windows.horizons, np.float64))[None, :, None]


@dataclass(frozen=True, slots=True)
class FittedByName:
    """One fitted model for each instrument, and why there is none for some."""

    models: Mapping[str, FittedNetwork]
    failures: Mapping[str, str]

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that its models give."""
        return next(iter(self.models.values())).levels

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), ``(window,)``; not a number for an instrument without a model."""
        out = np.full(len(windows), np.nan)
        for name, mine in self._asked(windows):
            out[mine] = self.models[name].predict(windows.take(mine))
        return out

    def quantiles(self, windows: Windows) -> Floats | None:
        """Return quantiles, ``(window, horizon, level)``, as :meth:`FittedNetwork.quantiles`."""
        if not self.levels:
            return None
        out = np.full((len(windows), len(windows.horizons), len(self.levels)), np.nan)
        for name, mine in self._asked(windows):
            out[mine] = self.models[name].quantiles(windows.take(mine))
        return out

    def unit(self, windows: Windows) -> Floats:
        """Return the volatility of each window's instrument over each horizon, ``(window, horizon)``."""
        out = np.full((len(windows), len(windows.horizons)), np.nan)
        for name, mine in self._asked(windows):
            out[mine] = self.models[name].unit(windows.take(mine))
        return out

    def _asked(self, windows: Windows) -> list[tuple[str, AnyArray]]:
        names = [name for name in np.unique(windows.product).tolist() if name in self.models]
        return [(name, np.flatnonzero(windows.product == name)) for name in names]

    def state(self) -> State:
        """Return every model's arrays under its number, and names and reasons."""
        arrays: dict[str, AnyArray] = {
            "by_name.names": bytes_of(json.dumps(list(self.models))),
            "by_name.failures": bytes_of(json.dumps(dict(self.failures))),
        }
        for number, model in enumerate(self.models.values()):
            arrays |= {f"{number}/{name}": array for name, array in model.state().items()}
        return arrays


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """An architecture with a preparation and a plan, a head and a scope."""

    name: str
    architecture: Architecture
    prepare: Prepare
    plan: FitPlan
    head: AnyHead = DIRECTION
    scope: Scope = "pooled"
    embedding: int = 0
    seeded: ClassVar = True
    calibrated: ClassVar = False

    @property
    def of_returns(self) -> bool:
        """Whether it learns returns: windows inside the neutral band teach it too."""
        return not self.head.of_classes

    def fit(self, train: Windows, validation: Windows, *, seed: int) -> base.Fitted:
        """Train one network; the same numbers as inside a grid."""
        ((outcome,),) = self.fit_grid((FoldWindows(train, validation),), (seed,), watch=silent)
        if isinstance(outcome, FitError):
            raise outcome
        return outcome

    def fit_grid(self, folds: Sequence[FoldWindows], seeds: Sequence[int], *, watch: Progress) -> base.Grid:
        """Train every fold and seed together; a fold that cannot be trained is a row of failures."""
        if self.scope == "pooled":
            return self._trained(folds, seeds, f"{len(folds)} folds x {len(seeds)} seeds", watch)
        names = [np.unique(fold.train.product).tolist() for fold in folds]
        units = [_of_name(fold, name) for fold, mine in zip(folds, names, strict=True) for name in mine]
        most = max((len(mine) for mine in names), default=0)
        told = f"{most} names x {len(folds)} folds x {len(seeds)} seeds"
        every = iter(self._trained(units, seeds, told, watch))
        return tuple(_by_name(mine, [next(every) for _ in mine], len(seeds)) for mine in names)

    def _trained(
        self, folds: Sequence[FoldWindows], seeds: Sequence[int], told: str, watch: Progress
    ) -> tuple[tuple[Outcome, ...], ...]:
        from tenor.model.train import FoldArrays, train_grid

        learnt: list[tuple[Prepared, dict[str, float], tuple[str, ...]] | FitError] = []
        arrays: list[FoldArrays] = []
        most = max((len(np.unique(fold.train.product)) for fold in folds), default=0) if self.embedding else 0
        for fold in folds:
            try:
                prepared = self.prepare.learn(fold.train)
                known = tuple(np.unique(fold.train.product).tolist()) if self.embedding else ()
                volatility = {} if self.head.of_classes else volatility_of(fold.train)
                x_train, x_valid = (
                    with_places(prepared.rows(part), part, known) for part in (fold.train, fold.validation)
                )
                y_train, y_valid = (self._targets(part, volatility) for part in (fold.train, fold.validation))
                arrays.append(FoldArrays(x_train, y_train, x_valid, y_valid))
                learnt.append((prepared, volatility, known))
            except FitError as failure:
                learnt.append(failure)
        if not arrays:
            return tuple(tuple(failure for _ in seeds) for failure in learnt if isinstance(failure, FitError))
        architecture = Embedded(self.architecture, self.embedding, most) if self.embedding else self.architecture
        trained = train_grid(
            architecture,
            arrays,
            seeds,
            self.plan,
            head=self.head,
            watch=lambda done, total, left: watch(f"{self.name}: {told}, epochs", done, total),
        )
        grid: list[tuple[Outcome, ...]] = []
        place = 0
        for one in learnt:
            if isinstance(one, FitError):
                grid.append(tuple(one for _ in seeds))
                continue
            row: list[Outcome] = []
            for position in range(len(seeds)):
                reason = trained.failure(place, position)
                row.append(FitError(reason) if reason else FittedNetwork(one[0], trained, place, position, *one[1:]))
            grid.append(tuple(row))
            place += 1
        return tuple(grid)

    def _targets(self, windows: Windows, volatility: Mapping[str, float]) -> AnyArray:
        if self.head.of_classes:
            return windows.label
        scaled = windows.ahead / scale_of(volatility, windows)[:, :, 0]
        return scaled.astype(np.float32)

    def restore(self, state: State) -> FittedNetwork | FittedByName:
        """Return the network that gave ``state``, asked through the compiled program of the run.

        Raises
        ------
        FitError
            If it is of another architecture.
        """
        return self._of(state, plain=False)

    def restore_plain(self, state: State) -> FittedNetwork | FittedByName:
        """Return the network that gave ``state``, asked in numpy where its architecture can.

        Answers equal those of :meth:`restore` to the rounding of single precision; nothing is compiled or loaded for
        them. An architecture without ``plain`` is asked through its compiled program.
        """
        return self._of(state, plain=isinstance(self.architecture, Plain))

    def _of(self, state: State, *, plain: bool) -> FittedNetwork | FittedByName:
        if self.scope == "pooled":
            return self._restored(state, plain)
        require(state, {"by_name.names": 1, "by_name.failures": 1}, self.name)
        names = json.loads(text_of(state["by_name.names"]))
        parts: list[dict[str, AnyArray]] = [{} for _ in names]
        for name, array in state.items():
            number, _, rest = name.partition("/")
            if number.isdigit() and int(number) < len(parts):
                parts[int(number)][rest] = array
        models = {name: self._restored(part, plain) for name, part in zip(names, parts, strict=True)}
        return FittedByName(models, json.loads(text_of(state["by_name.failures"])))

    def _restored(self, state: State, plain: bool) -> FittedNetwork:
        known = tuple(json.loads(text_of(state["known"]))) if "known" in state else ()
        architecture = self.architecture
        if self.embedding:
            require(state, {"parameter/table": 4}, self.name)
            architecture = Embedded(architecture, self.embedding, state["parameter/table"].shape[-1])
        require(state, {"best_epoch": 2, "window": 1}, self.name)
        if (grid := state["best_epoch"].shape) != (1, 1):
            raise FitError(f"{self.name}: a grid of {grid} networks; one fitted model is a grid of one")
        trained: TrainedGrid | PlainGrid
        if plain and isinstance(architecture, Plain):
            trained = PlainGrid(architecture, self.head, state)
        else:
            trained = TrainedGrid.from_state(architecture, state, self.head)
        return FittedNetwork(Prepared.from_state(state), trained, 0, 0, volatility_from(state), known)


def _of_name(fold: FoldWindows, name: str) -> FoldWindows:
    parts = (windows.take(windows.product == name).alone() for windows in (fold.train, fold.validation))
    return FoldWindows(*parts)


def _by_name(names: Sequence[str], rows: Sequence[Sequence[Outcome]], seeds: int) -> tuple[Outcome, ...]:
    """Gather the models of a fold by seed; a seed without any is a failure that gives the first reason."""
    found: list[Outcome] = []
    for seed in range(seeds):
        models: dict[str, FittedNetwork] = {}
        failures: dict[str, str] = {}
        for name, row in zip(names, rows, strict=True):
            outcome = row[seed]
            if isinstance(outcome, FittedNetwork):
                models[name] = outcome
            else:
                failures[name] = str(outcome)
        if models:
            found.append(FittedByName(models, failures))
        else:
            first = next(iter(failures.items()), ("", "train holds no instrument"))
            found.append(FitError(f"none of {len(names)} names could be trained; {first[0]}: {first[1]}"))
    return tuple(found)
