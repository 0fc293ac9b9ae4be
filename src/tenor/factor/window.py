"""How time is cut: windows of consecutive sessions, and folds that never overlap.

A window is the last ``length`` sessions of one pair, up to the decision. Windows are kept as row numbers into
one table of factor rows, so a study of thousands of windows holds each row once; ``steps`` gives the numbers
and whoever trains gathers what it needs.

A fold is three ranges of sessions in this order::

    train ........ | purge | validation .. | purge | test .......

All products share the same dates: a row is in train or in test by its session alone, so nothing about a test
day is learnt from another product on that day. ``purge`` sessions between the ranges belong to nobody. The
label of a decision at *t* is known one session later, and a fill may come a session after that; with
``purge`` smaller than horizon plus execution lag the last training labels would be outcomes that were still
open when the next range began. A study refuses that.

``DateSplit`` is one fold by calendar dates (what broker studies print); ``WalkForward`` is the same question
asked again and again, each time with a model that has seen only what lay before.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt

from tenor.errors import SplitError
from tenor.factor.label import NEUTRAL
from tenor.settings import STRICT
from tenor.units import AnyArray, Bools, Dates, Floats, Ints, Names


@dataclass(frozen=True, slots=True)
class Windows:
    """Samples: each a window of factor rows, where it stands, and what came next.

    Parameters
    ----------
    columns
        Names of the factor columns.
    rows
        Shape ``(row, column)``: factor values, NaN where unknown.
    row_product
        Shape ``(row,)``: product code of each row.
    ends
        Shape ``(window,)``: the row at which each window ends (its decision).
    length
        Sessions in a window; window ``i`` is rows ``ends[i] - length + 1 .. ends[i]``, all of one pair.
    session, product, pair
        Shape ``(window,)``: the decision's session, product code and pair code.
    resolves
        Shape ``(window,)``: the session at which everything in ``ahead`` is known, NaT while it is not. Usually the
        next one; later where the pair was not quoted for a while, or where a horizon is longer.
    change
        Shape ``(window,)``: next change of the pair's spread in points, NaN while unknown.
    label
        Shape ``(window,)``: 1 up, 0 down, -1 neutral (:mod:`tenor.factor.label`).
    horizons
        Sessions ahead of each column of ``ahead``; the first is that of ``change`` and ``label``.
    ahead
        Shape ``(window, horizon)``: the change over each horizon, NaN while unknown; ``change`` alone by default.

    Where a window is one of a stock, an ETF or an index, product and pair are both its code, and a change is a return
    (a decimal).
    """

    columns: tuple[str, ...]
    rows: Floats
    row_product: Names
    ends: Ints
    length: int
    session: Dates
    product: Names
    pair: Names
    resolves: Dates
    change: Floats
    label: Ints
    horizons: tuple[int, ...] = (1,)
    ahead: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        if not self.ahead.size and len(self.ends):
            object.__setattr__(self, "ahead", self.change[:, None])

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, chosen: AnyArray) -> "Windows":
        """Return the windows at ``chosen`` (a mask or positions); the rows are shared, not copied."""
        per_window = ("ends", "session", "product", "pair", "resolves", "change", "label", "ahead")
        return replace(self, **{name: getattr(self, name)[chosen] for name in per_window})

    def alone(self) -> "Windows":
        """Return the windows with the rows that they touch and no others: what a model is handed."""
        used = self.touched
        return replace(
            self, rows=self.rows[used], row_product=self.row_product[used], ends=np.searchsorted(used, self.ends)
        )

    def blind(self) -> "Windows":
        """Return the windows without their outcomes: what a model is handed to forecast."""
        unknown = np.full(len(self), np.nan)
        never = np.full(len(self), np.datetime64("NaT", "D"))
        later = np.full(self.ahead.shape, np.nan)
        return replace(self, change=unknown, label=np.full(len(self), NEUTRAL), resolves=never, ahead=later)

    @property
    def touched(self) -> Ints:
        """Row numbers that some window holds, ascending, shape ``(touched,)``."""
        count = len(self.rows) + 1
        opened = np.bincount(self.ends + 1 - self.length, minlength=count)
        closed = np.bincount(self.ends + 1, minlength=count)
        return np.flatnonzero(np.cumsum(opened - closed) > 0)

    def latest(self, sessions: int | None) -> "Windows":
        """Return the windows cut to their last ``sessions``; as they are for ``None`` or where they have fewer."""
        return self if sessions is None or sessions >= self.length else replace(self, length=sessions)

    @property
    def steps(self) -> Ints:
        """Row numbers of every window, oldest first, shape ``(window, length)``."""
        return self.ends[:, None] + np.arange(1 - self.length, 1)

    @property
    def decided(self) -> Bools:
        """Windows whose next change is known and outside the neutral band, shape ``(window,)``."""
        return np.asarray((self.label != NEUTRAL) & np.isfinite(self.change))

    def last(self, column: str) -> Floats:
        """Return ``column`` on each window's decision session; :class:`SplitError` if it is not computed."""
        if column not in self.columns:
            raise SplitError(f"no factor column {column!r}; this study computes {list(self.columns)}")
        return np.asarray(self.rows[self.ends, self.columns.index(column)])


@dataclass(frozen=True, slots=True)
class Fold:
    """One cut of time: first and last session of each range, inclusive.

    ``touching`` says that an outcome of the very session of the next range's first decision may be learnt from: it is
    known at the close at which that decision is made.
    """

    index: int
    train: tuple[date, date]
    validation: tuple[date, date]
    test: tuple[date, date]
    touching: bool = False

    def part(self, windows: Windows, name: Literal["train", "validation", "test"]) -> Windows:
        """Return the windows whose decision session lies in the range ``name``."""
        first, last = (np.datetime64(day, "D") for day in getattr(self, name))
        return windows.take((windows.session >= first) & (windows.session <= last))

    def learnable(self, windows: Windows, name: Literal["train", "validation"]) -> Windows:
        """Return the decided windows of a range whose outcome was known before the next range begins: directions."""
        known = self.known(windows, name)
        return known.take(known.decided)

    def known(self, windows: Windows, name: Literal["train", "validation"]) -> Windows:
        """Return the windows of a range whose outcome was known before the next range begins, neutral ones too.

        Purge counts sessions of the pooled calendar; a product that was not quoted for longer than the purge could
        otherwise leave a train label that is only resolved inside validation.
        """
        after = np.datetime64((self.validation if name == "train" else self.test)[0], "D")
        part = self.part(windows, name)
        known = part.resolves <= after if self.touching else part.resolves < after
        return part.take(known & np.isfinite(part.change) & np.isfinite(part.ahead).all(axis=1))


def _ranges(days: Dates, index: int, cuts: tuple[tuple[int, int], ...]) -> Fold:
    named = []
    for first, stop in cuts:
        named.append((days[first].item(), days[stop - 1].item()))
    train, validation, test = named
    return Fold(index, train, validation, test)


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Folds of ``test`` sessions each, walking forward until the data end.

    Parameters
    ----------
    train
        Sessions of train: what models learn from. With ``expanding`` later folds have more.
    validation
        Sessions of validation, on which training is stopped and probabilities are calibrated.
    test
        Sessions of test in a fold; for the next ones models are trained anew. The last range may be shorter, but not
        shorter than half.
    purge
        Sessions between train and validation and between validation and test. Whoever sets 0 says that a
        label is known and a fill is made in the very session of the decision; the study refuses less than
        horizon plus lag.
    expanding
        True keeps every session since the first in train; False rolls a window of ``train`` sessions.
    folds
        Use only the last so many folds; absent, all.
    """

    __pydantic_config__: ClassVar = STRICT
    train: Annotated[int, Gt(0)]
    validation: Annotated[int, Gt(0)]
    test: Annotated[int, Gt(0)]
    purge: Annotated[int, Ge(0)]
    expanding: bool = True
    folds: Annotated[int, Gt(0)] | None = None
    kind: Literal["walk_forward"] = "walk_forward"

    def split(self, sessions: Dates) -> tuple[Fold, ...]:
        """Cut the sorted distinct ``sessions``; :class:`SplitError` if there are too few for one fold."""
        head = self.train + self.validation + 2 * self.purge
        count = len(sessions)
        full, rest = divmod(max(count - head, 0), self.test)
        number = full + (1 if rest >= self.test / 2 else 0)
        if number == 0:
            raise SplitError(
                f"{count} sessions are too few: train {self.train} + validation {self.validation} + at least"
                f" half of test {self.test} + 2 x purge {self.purge} need {head + -(-self.test // 2)};"
                " shorten a range or give more data"
            )
        folds = []
        for index in range(number):
            test = head + index * self.test
            validation = test - self.purge - self.validation
            stop = validation - self.purge
            cuts = (
                (0 if self.expanding else stop - self.train, stop),
                (validation, validation + self.validation),
                (test, min(test + self.test, count)),
            )
            folds.append(_ranges(sessions, index, cuts))
        return tuple(folds[-self.folds :] if self.folds else folds)


@dataclass(frozen=True, slots=True)
class DateSplit:
    """One fold by dates of decisions, each the last of its range.

    Parameters
    ----------
    train_last
        Last day of train, which begins with the data.
    validation_last
        Last day of validation, which begins after ``train_last`` and the purge.
    test_last
        Last day of test, which begins after ``validation_last`` and the purge; what comes later is not used.
    purge
        Sessions taken off the beginning of validation and of test, so that no outcome that is learnt from is still open
        in the next range. The study refuses less than horizon plus lag of the fill.
    """

    __pydantic_config__: ClassVar = STRICT
    train_last: date
    validation_last: date
    test_last: date
    purge: Annotated[int, Ge(0)]
    kind: Literal["dates"] = "dates"

    def split(self, sessions: Dates) -> tuple[Fold, ...]:
        """Cut the sorted distinct ``sessions``; :class:`SplitError` naming the range that would be empty."""
        edges = [np.datetime64(day, "D") for day in (self.train_last, self.validation_last, self.test_last)]
        train, validation, test = (int(np.searchsorted(sessions, edge, side="right")) for edge in edges)
        cuts = ((0, train), (train + self.purge, validation), (validation + self.purge, test))
        held = f"the data hold {sessions[0]} to {sessions[-1]}" if len(sessions) else "the data hold no session"
        for name, (first, stop) in zip(("train", "validation", "test"), cuts, strict=True):
            if stop <= first:
                raise SplitError(
                    f"the {name} range is empty: train_last {self.train_last}, validation_last"
                    f" {self.validation_last}, test_last {self.test_last}, purge {self.purge}; {held}"
                )
        return (_ranges(sessions, 0, cuts),)


@dataclass(frozen=True, slots=True)
class OutcomeDates:
    """One fold by the dates of *outcomes*, as published stock protocols cut it: each the last (or first) of its range.

    A decision belongs to the range in which its outcome, one session later, lies. So the last training label is known
    at the close at which the first validation decision is made, and not before: the ranges touch, nothing overlaps, and
    no session is purged. For a horizon of one session only.

    Parameters
    ----------
    train_first
        First day on which an outcome of train lies; its decision is a session earlier.
    train_last
        Last day on which an outcome of train lies; those of validation follow.
    validation_last
        Last day on which an outcome of validation lies; those of test follow.
    test_last
        Last day on which an outcome of test lies. A range that the data do not reach yet stays in the fold, without
        decisions.
    """

    __pydantic_config__: ClassVar = STRICT
    train_first: date
    train_last: date
    validation_last: date
    test_last: date
    kind: Literal["outcome_dates"] = "outcome_dates"

    purge: ClassVar = 0

    def split(self, sessions: Dates) -> tuple[Fold, ...]:
        """Cut the sorted distinct ``sessions`` of decisions.

        Raises
        ------
        SplitError
            Naming the range of train and validation that would be empty, or dates that do not ascend.
        """
        days = (self.train_first, self.train_last, self.validation_last, self.test_last)
        if list(days) != sorted(set(days)):
            raise SplitError(f"outcome dates {', '.join(map(str, days))} must ascend")
        outcomes = sessions[1:]
        edges = [np.datetime64(day, "D") for day in days]
        first = int(np.searchsorted(outcomes, edges[0], side="left"))
        stops = [int(np.searchsorted(outcomes, edge, side="right")) for edge in edges[1:]]
        held = f"the data hold {sessions[0]} to {sessions[-1]}" if len(sessions) else "the data hold no session"
        for name, start, stop in zip(("train", "validation"), (first, stops[0]), stops, strict=False):
            if stop <= start:
                raise SplitError(f"the {name} range is empty: outcomes {' / '.join(map(str, days))}; {held}")
        train, validation = ((sessions[a].item(), sessions[b - 1].item()) for a, b in ((first, stops[0]), stops[:2]))
        begins = sessions[stops[1]].item()
        return (Fold(0, train, validation, (begins, max(begins, self.test_last - timedelta(days=1))), touching=True),)


Split = WalkForward | DateSplit | OutcomeDates
