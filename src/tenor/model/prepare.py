"""Filling, scaling and selection, learnt from the train windows of a fold and from nothing else.

``Prepare`` is settings; ``learn(train)`` returns a ``Prepared`` that holds the numbers (a frozen model keeps
them) and turns any windows into an array. A value that is unknown is filled with the train median, and how
often that happened is part of the result. Products differ in scale by a factor of ten (a TS spread moves less
than a TL spread), so by default each product has its own median, centre and scale.

A column that is constant or never known in train says nothing; selection may also keep only the columns whose
rank correlation with the next change is strongest in train. A column that is not selected becomes zero
everywhere, so all folds of a network keep one shape.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.state import State, bytes_of, require, text_of
from tenor.model.window_rows import WindowRows
from tenor.settings import STRICT
from tenor.units import Bools, Floats, Floats32

_TINY = 1e-12

_CHUNK = 65_536
"""Rows that are scaled at a time: a market in double precision would not fit."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Settings of what happens to factor values before a model sees them.

    Parameters
    ----------
    by_product
        Learn median, centre and scale for each product (of stocks, each instrument) apart; what train does not hold
        then gets no forecast.
    scale
        ``standard``: mean and standard deviation; ``robust``: median and interquartile range over 1.349.
    clip
        Values further than this from the centre, in units of the scale, are set to it.
    select
        Keep the so many columns with the strongest absolute Spearman correlation to the next change in train; absent,
        all that vary.
    """

    __pydantic_config__: ClassVar = STRICT
    by_product: bool = True
    scale: Literal["standard", "robust"] = "standard"
    clip: Annotated[float, Gt(0)] = 5.0
    select: Annotated[int, Gt(0)] | None = None

    def learn(self, train: Windows) -> "Prepared":
        """Learn from ``train``: every factor row that one of its windows touches counts once.

        Raises
        ------
        FitError
            If train is empty, or no column varies in it.
        """
        if not len(train):
            raise FitError("the train range has no decided window; lengthen it or loosen a cleaning rule")
        touched = train.touched
        groups = {}
        for name in self._groups(train):
            mine = touched if name == ALL else touched[train.row_product[touched] == name]
            groups[name] = self._centre_and_scale(train.rows[mine])
        varies = np.any([scale > 0 for _, _, scale in groups.values()], axis=0)
        if not varies.any():
            raise FitError("no factor column varies in the train range; add factors or lengthen the range")
        chosen = varies if self.select is None else varies & self._strongest(train, varies)
        return Prepared(train.columns, groups, chosen, self.clip)

    def _groups(self, train: Windows) -> tuple[str, ...]:
        return tuple(str(name) for name in np.unique(train.product)) if self.by_product else (ALL,)

    def _centre_and_scale(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Fill value, centre and scale per column; scale 0 marks a column that says nothing."""
        known = np.isfinite(rows)
        fill, centre, scale = (np.zeros(rows.shape[1]) for _ in range(3))
        for column in np.flatnonzero(known.any(axis=0)):
            values = rows[known[:, column], column]
            fill[column] = np.median(values)
            if self.scale == "standard":
                centre[column], spread = values.mean(), values.std()
            else:
                low, centre[column], high = np.quantile(values, (0.25, 0.5, 0.75))
                spread = (high - low) / 1.349
            scale[column] = spread if spread > _TINY * max(abs(centre[column]), 1.0) else 0.0
        return fill, centre, scale

    def _strongest(self, train: Windows, varies: Bools) -> Bools:
        from scipy.stats import rankdata  # most of a second: only for those who select

        strength = np.zeros(len(varies))
        for column in np.flatnonzero(varies):
            values = train.rows[train.ends, column]
            known = np.isfinite(values)
            change = train.change[known]
            if known.sum() > 2 and np.ptp(values[known]) > 0 and np.ptp(change) > 0:
                strength[column] = abs(np.corrcoef(rankdata(values[known]), rankdata(change))[0, 1])
        kept = np.zeros(len(varies), dtype=bool)
        kept[np.argsort(-strength, kind="stable")[: self.select]] = True
        return kept


ALL = "*"
"""Group name where all products share their numbers."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What preparation learnt: per group the fill value, centre and scale of each column, and which are kept.

    A product that train did not hold cannot be prepared by product; ``apply`` refuses it.
    """

    columns: tuple[str, ...]
    groups: Mapping[str, tuple[Floats, Floats, Floats]]
    chosen: Bools
    clip: float

    def apply(self, windows: Windows) -> Floats32:
        """Return scaled values, oldest session first, shape ``(window, time, feature)``.

        Raises
        ------
        FitError
            If a window's product was not in train.
        """
        return self.rows(windows).laid()

    def rows(self, windows: Windows) -> WindowRows:
        """Return scaled values with each session once; errors as :meth:`apply`."""
        if windows.columns != self.columns:
            raise FitError(f"windows have columns {list(windows.columns)}, the model learnt {list(self.columns)}")
        used = windows.touched
        products = windows.row_product[used]
        out = np.zeros((len(used), len(self.columns)), np.float32)
        for name in (ALL,) if ALL in self.groups else np.unique(products):
            if name not in self.groups:
                raise FitError(
                    f"product {name} was not in the train range ({sorted(self.groups)} were);"
                    " start the test later or set prepare.by_product = false"
                )
            fill, centre, scale = self.groups[str(name)]
            mine = np.arange(len(used)) if name == ALL else np.flatnonzero(products == name)
            for start in range(0, len(mine), _CHUNK):
                part = mine[start : start + _CHUNK]
                found = windows.rows[used[part]].astype(np.float64)
                found = np.where(np.isfinite(found), found, fill)
                scaled = np.where(scale > 0, (found - centre) / np.where(scale > 0, scale, 1.0), 0.0)
                out[part] = np.clip(scaled, -self.clip, self.clip) * self.chosen
        return WindowRows(out, np.searchsorted(used, windows.ends), windows.length)

    def state(self) -> State:
        """Return what was learnt as named arrays: ``prepared.scaling`` has shape ``(group, 3, column)``."""
        return {
            "prepared.names": bytes_of(json.dumps([self.columns, list(self.groups)])),
            "prepared.scaling": np.stack([np.stack(numbers) for numbers in self.groups.values()]),
            "prepared.chosen": self.chosen,
            "prepared.clip": np.array([self.clip], np.float64),
        }

    @classmethod
    def from_state(cls, state: State) -> "Prepared":
        """Return what gave ``state``, which may hold other arrays too; FitError if the arrays do not fit together."""
        axes = {"prepared.names": 1, "prepared.scaling": 3, "prepared.chosen": 1, "prepared.clip": 1}
        require(state, axes, "a preparation")
        columns, names = json.loads(text_of(state["prepared.names"]))
        scaling, chosen = state["prepared.scaling"], state["prepared.chosen"]
        if scaling.shape != (len(names), 3, len(columns)) or chosen.shape != (len(columns),):
            raise FitError(
                f"a preparation of {len(names)} groups and {len(columns)} columns has scaling of shape {scaling.shape}"
                f" and chosen of shape {chosen.shape}; they must be {(len(names), 3, len(columns))} and"
                f" {(len(columns),)}"
            )
        groups = {name: (fill, centre, scale) for name, (fill, centre, scale) in zip(names, scaling, strict=True)}
        return cls(tuple(columns), groups, chosen.astype(np.bool_), float(state["prepared.clip"][0]))

    def same_as(self, other: "Prepared") -> bool:
        """Return whether both do the same to any windows, to the last bit."""
        mine, theirs = self.state(), other.state()
        return all(np.array_equal(mine[name], theirs[name]) for name in mine)
