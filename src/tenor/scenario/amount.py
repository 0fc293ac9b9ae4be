"""Amounts: text with a unit, as people write a shock and as a study file keeps it.

``"+10bp"`` and ``"-0.25%"`` change a rate, ``"-0.5"`` is points of price or units of a statistic, ``"2sd"`` counts
standard deviations and ``"x2"`` multiplies. The mistake to catch is 50 where 50 basis points were meant: a rate without
a unit is refused, and so is an amount beyond what anybody means by accident, unless the shift says ``force``.

>>> rate("+10bp"), rate("-0.25%"), said("10bp")
(0.001, -0.0025, '+10bp')
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator

from tenor.errors import StudyError
from tenor.units import Bp, Price, Rate, rate_of

Unit: TypeAlias = Literal["bp", "%", "sd", "x", ""]

RATE_BOUND_BP: Bp = 500.0
"""Largest change of a yield or funding rate without force, in basis points."""
POINTS_BOUND: Price = 20.0
"""Largest price gap without force, in points; as a share of the last close it is ``SHARE_BOUND``."""
SHARE_BOUND = 0.20
SD_BOUND = 10.0
"""Largest number of standard deviations without force."""
MULTIPLE_BOUND = 10.0
"""Largest multiple of a volatility without force, and the reciprocal of the smallest."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_AFTER = re.compile(rf"({_NUMBER})\s*(bp|bps|%|sd|)", re.IGNORECASE)
_UNITS: Mapping[str, Unit] = {"bp": "bp", "bps": "bp", "%": "%", "sd": "sd", "": ""}
_TIMES = re.compile(rf"x\s*({_NUMBER})", re.IGNORECASE)


def _text(given: Any) -> Any:
    """A bare number of a file as text, so that what is said of it is said by the shift, which knows the unit."""
    return repr(given) if isinstance(given, int | float) and not isinstance(given, bool) else given


Amount: TypeAlias = Annotated[str, BeforeValidator(_text)]
"""The field of a shift that holds an amount: text, checked by the shift, kept as it was written."""


def parse(text: str) -> tuple[float, Unit]:
    """Return number and unit; :class:`StudyError` with examples if ``text`` is no amount."""
    given = str(text).strip().replace("\N{MINUS SIGN}", "-")
    if times := _TIMES.fullmatch(given):
        return float(times[1]), "x"
    if after := _AFTER.fullmatch(given):
        return float(after[1]), _UNITS[after[2].lower()]
    raise StudyError(f"{text!r} is no amount; write one such as 10bp, -0.25%, 0.5, 2sd or x2")


def said(text: str) -> str:
    """Return the amount as people print a change: with its sign, or as a multiple."""
    number, unit = parse(text)
    return f"x{number:g}" if unit == "x" else f"{number:+g}{unit}"


def rate(text: str, *, force: bool = False) -> Rate:
    """Read a change of a yield or funding rate, ``bp`` or ``%``, as a decimal.

    Raises
    ------
    StudyError
        Without one of the two units; beyond ``RATE_BOUND_BP`` without ``force``.
    """
    number, unit = parse(text)
    if unit == "":
        raise StudyError(f"{text} has no unit: write {abs(number):g}bp or {abs(number) / 100:g}%")
    _only(text, unit, ("bp", "%"), "a change of a rate", "10bp or 0.1%")
    bp = number if unit == "bp" else number * 100
    _within(text, abs(bp) <= RATE_BOUND_BP, f"{RATE_BOUND_BP:g} bp", force)
    return rate_of(bp)


def gap(text: str, *, force: bool = False) -> tuple[float, Literal["points", "share"]]:
    """Read a gap of a price: points (no unit), or a share of the last close (``%``, returned as a decimal).

    Raises
    ------
    StudyError
        With another unit; beyond ``POINTS_BOUND`` or ``SHARE_BOUND`` without ``force``.
    """
    number, unit = parse(text)
    _only(text, unit, ("", "%"), "a gap of a price", "-0.5 (points) or -1%")
    if unit == "%":
        _within(text, abs(number) <= SHARE_BOUND * 100, f"{SHARE_BOUND:.0%} of the last close", force)
        return number / 100, "share"
    _within(text, abs(number) <= POINTS_BOUND, f"{POINTS_BOUND:g} points", force)
    return number, "points"


def deviations(text: str, *, force: bool = False) -> float:
    """Read a number of standard deviations; :class:`StudyError` without ``sd``, or beyond ``SD_BOUND``."""
    number, unit = parse(text)
    _only(text, unit, ("sd",), "a number of standard deviations", "2sd")
    _within(text, abs(number) <= SD_BOUND, f"{SD_BOUND:g} sd", force)
    return number


def log_multiple(text: str, *, force: bool = False) -> float:
    """Read a multiple such as ``x2`` as its natural log.

    Raises
    ------
    StudyError
        Without the ``x``, at or below zero, or beyond ``MULTIPLE_BOUND`` either way without ``force``.
    """
    number, unit = parse(text)
    _only(text, unit, ("x",), "a multiple", "x2 or x0.5")
    if number <= 0:
        raise StudyError(f"{text} multiplies by {number:g}; a multiple is above zero, and x1 changes nothing")
    _within(text, abs(math.log(number)) <= math.log(MULTIPLE_BOUND), f"x{MULTIPLE_BOUND:g} or its inverse", force)
    return math.log(number)


def plain(text: str) -> float:
    """Read a number in the unit of a statistic's publication; :class:`StudyError` if it has a unit of its own."""
    number, unit = parse(text)
    _only(text, unit, ("",), "a number in the statistic's own unit", "0.5")
    return number


def _only(text: str, unit: Unit, allowed: Sequence[Unit], what: str, such_as: str) -> None:
    if unit not in allowed:
        has = f"has the unit {unit!r}" if unit else "has no unit"
        raise StudyError(f"{text} {has}, but here it must be {what}: write {such_as}")


def _within(text: str, inside: bool, bound: str, force: bool) -> None:
    if not inside and not force:
        raise StudyError(f"{text} is beyond the bound of {bound}; check its unit, or say force = true if it is meant")
