"""Scenarios as people write them: in a study file, in a file of their own, or on the command line.

A scenario is a name and one or more shifts. In TOML::

    [[scenarios]]
    name = "dear quarter end"

    [[scenarios.shifts]]
    kind = "quarter_end"
    amount = "+300bp"

On the command line one shift is one word, ``what=amount``, with further settings after commas::

    parallel=+10bp              steepener=+10bp,pivot=7       10y=+5bp            repo=+50bp
    SHIBOR.1W=+50bp             quarter_end=+300bp,half_life_days=2               price.T1906=-0.5
    volatility.T=x2             irrbb=parallel_up             pca.1=+2sd          macro.CPI.YOY=+0.5
    replay=2020-03-06..2020-03-13

The word before the first dot or ``=`` is a kind of the registry: a name after the dot is its first setting, what
follows ``=`` the next, ``first..last`` the next two. A tenor stands for ``key_rate``, and any other name for the rate
so called (``rate.NAME=`` says it outright).
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache, reduce
from operator import add
from typing import Annotated, Any, ClassVar, cast

import numpy as np
from annotated_types import Len
from pydantic import TypeAdapter, ValidationError

from tenor.errors import StudyError, suggest
from tenor.problem import problems
from tenor.registry import OneOf, registered
from tenor.scenario.base import Base, Shift, Spanning, Uncertain
from tenor.scenario.moves import NOTHING, Moves
from tenor.settings import STRICT

GROUP = "tenor.shifts"

_TENOR = re.compile(r"(\d+\.?\d*|\.\d+)y", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What changes together, under a name.

    Parameters
    ----------
    name
        What tables and figures call it; another for each scenario.
    shifts
        Their moves add up, so their order says only in which order a chain of steps is told.
    """

    __pydantic_config__: ClassVar = STRICT
    name: Annotated[str, Len(1)]
    shifts: Annotated[tuple[Annotated[Shift, OneOf(GROUP)], ...], Len(1)]

    def moves(self, base: Base) -> Moves:
        """Return all shifts together; a shift that matches nothing is an error that lists what exists."""
        return sum((moves for _, moves in self.steps(base)), NOTHING)

    def steps(self, base: Base) -> list[tuple[str, Moves]]:
        """Return each shift's description and moves, in the order in which they were written."""
        return [(shift.describe(), shift.moves(base)) for shift in self.shifts]

    @property
    def uncertain(self) -> bool:
        """Whether one of the shifts is an estimate, with draws."""
        return any(isinstance(shift, Uncertain) for shift in self.shifts)

    def horizon(self, base: Base) -> int:
        """Return over how many sessions it happens: 1, or as long as a replay in it took."""
        return max((shift.spans(base) for shift in self.shifts if isinstance(shift, Spanning)), default=1)

    def given(self) -> tuple[tuple[str, float], ...]:
        """Return what each shift that is an estimate is the effect of."""
        return tuple(shift.given() for shift in self.shifts if isinstance(shift, Uncertain))

    def remarks(self, base: Base) -> tuple[str, ...]:
        """Return what a reader must know of each shift that is an estimate."""
        return tuple(shift.remark(base) for shift in self.shifts if isinstance(shift, Uncertain))

    def draws(self, base: Base, count: int, seed: int) -> tuple[Moves, ...]:
        """Return ``count`` draws of all shifts together, none where no shift is an estimate.

        Shifts that are stated are the same in each draw; different estimates are drawn independently of each other.
        """
        if not self.uncertain:
            return ()
        stated = [shift.moves(base) for shift in self.shifts if not isinstance(shift, Uncertain)]
        same = [sum(stated, NOTHING)] if stated else []
        seeds = np.random.SeedSequence(seed).generate_state(len(self.shifts)).tolist()
        drawn = [
            cast(Uncertain, shift).draws(base, count, own)
            for shift, own in zip(self.shifts, seeds, strict=True)
            if isinstance(shift, Uncertain)
        ]
        return tuple(reduce(add, (*same, *each)) for each in zip(*drawn, strict=True))


@dataclass(frozen=True, slots=True)
class Scenarios:
    """A file of scenarios."""

    __pydantic_config__: ClassVar = STRICT
    scenarios: Annotated[tuple[Scenario, ...], Len(1)]

    def __post_init__(self) -> None:
        if repeated := repeated_names(self.scenarios):
            raise StudyError(f"scenarios {repeated} are named more than once; name each once")


def repeated_names(scenarios: Sequence[Scenario]) -> list[str]:
    """Return the names that more than one scenario has, sorted."""
    names = [scenario.name for scenario in scenarios]
    return sorted({name for name in names if names.count(name) > 1})


def scenarios_from(table: Mapping[str, Any], *, where: str = "scenarios") -> tuple[Scenario, ...]:
    """Validate a table ``{scenarios = [{name, shifts = [...]}]}``, as ``tomllib`` returns it.

    Raises
    ------
    StudyError
        With every problem: key path, what was given, what is allowed, and a suggestion for a mistyped key. ``where`` is
        what the messages call the table: the file's name.
    """
    # Strict validation of plain Python refuses a table for a class and a list for a tuple; that of JSON does not.
    text = json.dumps(table, default=lambda value: value.isoformat() if hasattr(value, "isoformat") else repr(value))
    try:
        return _scenarios().validate_json(text, strict=True).scenarios
    except ValidationError as invalid:
        raise StudyError([f"{where}: {problem}" for problem in problems(Scenarios, invalid)]) from None


def parse_shift(text: str, *, rates: Collection[str] = ()) -> Shift:
    """Read one shift of the command line.

    Parameters
    ----------
    text
        Such as ``parallel=+10bp``; see the module.
    rates
        Names of rates that may stand without ``rate.`` although they have no dot, such as ``DR007``.

    Raises
    ------
    StudyError
        If it is no such word, or the kind refuses its settings; the message says what exists.
    """
    head, equals, rest = text.strip().partition("=")
    first, *options = rest.split(",")
    if not equals or not head or not first:
        raise StudyError(f"{text!r} is no shift; write what=amount, such as parallel=+10bp or 10y=+5bp")
    kind, given = _settings(head.strip(), first.strip(), rates)
    for option in options:
        name, equals, value = (part.strip() for part in option.partition("="))
        if not equals or not name or not value:
            raise StudyError(f"{text}: {option!r} is no setting; write name=value after the comma, such as pivot=7")
        if name in given:
            raise StudyError(f"{text}: {name} is given twice; give it once")
        given[name] = value
    try:
        shift: Shift = _one(kind).validate_python(given)
    except ValidationError as invalid:
        raise StudyError([f"{text}: {problem}" for problem in problems(registered(GROUP)[kind], invalid)]) from None
    return shift


def _settings(head: str, value: str, rates: Collection[str]) -> tuple[str, dict[str, str]]:
    """The kind that ``head`` means, and its settings as text."""
    kinds = registered(GROUP)
    if head in rates:
        return "rate", {"name": head, "amount": value}
    if tenor := _TENOR.fullmatch(head):
        return "key_rate", {"tenor": tenor[1], "amount": value}
    kind, dot, named = head.partition(".")
    if kind in kinds:
        names = [field.name for field in fields(kinds[kind]) if field.name != "kind"]
        values = [*([named] if dot else []), *value.split("..")]
        if kind == "points":
            raise StudyError("write points one by one, each a shift of its own: 2y=+5bp and 10y=-3bp")
        if len(values) > len(names):
            raise StudyError(f"{head}={value}: {kind} has no place for all of {values}; it has {names}")
        needed = [field.name for field in fields(kinds[kind]) if field.default is MISSING and field.name != "kind"]
        if not dot and len(values) < len(needed) == 2:
            first, second = (name.upper() for name in needed)
            form = f"{kind}={first}..{second}" if "LAST" in (first, second) else f"{kind}.{first}={value}"
            raise StudyError(f"{head}={value}: {kind} needs {needed[0]} and {needed[1]}; write {form}")
        return kind, dict(zip(names, values, strict=False))
    if dot and not suggest(kind, kinds):
        return "rate", {"name": head, "amount": value}
    raise StudyError(
        f"no shift {head!r}{suggest(kind, [*kinds, *rates])}; shifts are {', '.join(kinds)}, a tenor such as 10y,"
        f" or a rate ({', '.join(sorted(rates)) or 'rate.NAME'})"
    )


@cache
def _scenarios() -> TypeAdapter[Scenarios]:
    return TypeAdapter(Scenarios)


@cache
def _one(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(registered(GROUP)[kind])
