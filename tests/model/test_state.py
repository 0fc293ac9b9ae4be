"""State: numbers under names, and what cannot be stored is called by its name."""

from typing import Any

import numpy as np
import pytest

from tenor.errors import FitError
from tenor.model.prepare import Prepare, Prepared
from tenor.model.state import bytes_of, fault, require, text_of


@pytest.mark.parametrize("text", ["", "tree\nversion=v4\n", "涨还是跌?", "a\0b"])
def test_a_text_comes_back(text: str) -> None:
    assert text_of(bytes_of(text)) == text
    assert bytes_of(text).dtype == np.uint8


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"a": np.zeros(2), "b": np.array([True]), "c": np.zeros((1, 2), np.uint8)}, None),
        ({}, None),
        ([1.0], "state() returned list; return arrays by name"),
        ({"a": 1.0}, "state() holds 'a': float; return numpy arrays by name"),
        ({1: np.zeros(2)}, "state() holds 1: ndarray; return numpy arrays by name"),
        ({"a": np.array(["x"])}, "state()['a'] is <U1"),
        ({"a": np.array([object()])}, "state()['a'] is object"),
        ({"a": np.zeros(2, np.longdouble)}, f"state()['a'] is {np.dtype(np.longdouble)}"),
    ],
)
def test_what_cannot_be_stored_is_named(state: Any, why: str | None) -> None:
    found = fault(state)
    assert (found is None) if why is None else (found or "").startswith(why)


def test_what_is_required_is_named() -> None:
    state = {"a": np.zeros(2), "b": np.zeros((2, 2)), "c": np.zeros(0)}
    require(state, {"a": 1, "b": 2}, "a model")
    with pytest.raises(FitError, match=r"a model needs the array 'd'; the state holds \['a', 'b', 'c'\]"):
        require(state, {"a": 1, "d": 1}, "a model")
    with pytest.raises(FitError, match=r"a model: 'b' has shape \(2, 2\); it must have 1 axes and not be empty"):
        require(state, {"b": 1}, "a model")
    with pytest.raises(FitError, match=r"a model: 'c' has shape \(0,\)"):
        require(state, {"c": 1}, "a model")


def test_a_preparation_whose_arrays_do_not_fit_together_is_refused() -> None:
    known = Prepared(("a", "b"), {"T": (np.zeros(2), np.ones(2), np.ones(2))}, np.array([True, False]), Prepare().clip)
    assert known.same_as(Prepared.from_state(known.state()))
    for name, array in (("prepared.scaling", np.ones((2, 3, 2))), ("prepared.chosen", np.array([True]))):
        with pytest.raises(FitError, match=r"a preparation of 1 groups and 2 columns has scaling of shape .* must be"):
            Prepared.from_state({**known.state(), name: array})


def test_preparations_that_differ_in_one_number_are_not_the_same() -> None:
    def made(clip: float = 5.0, scale: float = 1.0, column: str = "b", group: str = "T") -> Prepared:
        numbers = (np.zeros(2), np.ones(2), np.array([1.0, scale]))
        return Prepared(("a", column), {group: numbers}, np.array([True, True]), clip)

    assert made().same_as(made())
    for other in (made(clip=4.0), made(scale=1.0 + 1e-15), made(column="c"), made(group="TF")):
        assert not made().same_as(other)
