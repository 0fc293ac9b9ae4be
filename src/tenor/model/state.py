"""State: what a fitted model is once it lies still, numbers under names and nothing that could run.

A network's weights are arrays already; a text (the trees of LightGBM, the names of columns) becomes the bytes of its
UTF-8. ``{"frequency": array([0.57])}`` is a whole rule. What is stored this way holds no code, so a run that comes from
somebody else can be opened.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from tenor.errors import FitError
from tenor.units import AnyArray

State: TypeAlias = Mapping[str, AnyArray]
"""Arrays of numbers or truth values by name; any shape."""

KINDS = "biuf"
"""Kinds of number that can be stored (numpy's letters): truth values, whole numbers, floating point."""


def bytes_of(text: str) -> AnyArray:
    """Return the UTF-8 bytes of ``text``, shape ``(byte,)``, uint8."""
    return np.frombuffer(text.encode(), np.uint8).copy()


def text_of(array: AnyArray) -> str:
    """Return the text whose bytes :func:`bytes_of` gave."""
    return np.asarray(array, np.uint8).tobytes().decode()


def require(state: State, names: Mapping[str, int], what: str) -> None:
    """Raise :class:`FitError` unless ``state`` has an array of the stated number of axes under each name.

    Parameters
    ----------
    state
        What is to be restored.
    names
        Axes by name.
    what
        What messages call it, such as ``"a logistic regression"``.
    """
    for name, axes in names.items():
        if name not in state:
            raise FitError(f"{what} needs the array {name!r}; the state holds {sorted(state)}")
        if state[name].ndim != axes or not state[name].size:
            raise FitError(f"{what}: {name!r} has shape {state[name].shape}; it must have {axes} axes and not be empty")


def fault(state: object) -> str | None:
    """Say why ``state`` cannot be stored, or ``None``."""
    if not isinstance(state, Mapping):
        return f"state() returned {type(state).__name__}; return arrays by name"
    for name, array in state.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            return f"state() holds {name!r}: {type(array).__name__}; return numpy arrays by name"
        if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
            return (
                f"state()[{name!r}] is {array.dtype}; store numbers or truth values of at most 64 bits, a text as its"
                " bytes (tenor.model.state.bytes_of)"
            )
    return None
