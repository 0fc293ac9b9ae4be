"""Boosted trees read from LightGBM's own text and walked in numpy: a kept model answers without loading LightGBM.

The text has a block for each tree: at node n the value of ``split_feature[n]`` goes to ``left_child[n]`` if it is at
most ``threshold[n]``, else to ``right_child[n]``; a child below zero is the leaf ``~child``. The probability is the
logistic function of the sum of the leaves that a window reaches.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tenor.errors import FitError
from tenor.factor.window import Windows
from tenor.model.prepare import Prepared
from tenor.model.state import State, bytes_of
from tenor.units import AnyArray, Floats, Floats32, Ints

_NAN_OR_NONE = (0, 2)
"""Kinds of missing value (bits 2 and 3 of ``decision_type``) that leave finite values alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Trees side by side, each ``(tree, node)`` and ``(tree, leaf)``; a node that a tree lacks is never reached.

    ``width`` is how many values of a window they were trained on.
    """

    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    leaf: Floats
    width: int

    def speak(self, x: Floats32) -> Floats:
        """Return P(up) for flat windows ``(window, value)``, shape ``(window,)``."""
        trees = np.arange(len(self.leaf))
        at = np.where(self.left[:, 0] == self.right[:, 0], -1, 0) * np.ones((len(x), 1), np.int64)
        while (inner := at >= 0).any():
            node = np.maximum(at, 0)
            value = np.take_along_axis(x, self.feature[trees, node], axis=1)
            below = value.astype(np.float64) <= self.threshold[trees, node]
            at = np.where(inner, np.where(below, self.left[trees, node], self.right[trees, node]), at)
        score = self.leaf[trees, ~at].sum(axis=1)
        return np.asarray(1.0 / (1.0 + np.exp(-score)))


@lru_cache(maxsize=256)
def read_trees(text: str) -> Trees:
    """Read LightGBM's text.

    Raises
    ------
    FitError
        If it is no such text, or of trees that these are not: several classes, categories, another objective.
    """
    head, *blocks = text.split("\nTree=")
    if "objective=binary sigmoid:1" not in head or "num_tree_per_iteration=1" not in head:
        raise FitError("the text of the trees is not LightGBM's for two classes (objective=binary sigmoid:1)")
    try:
        parts = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
        for number, part in enumerate(parts):
            kinds = np.array(part.get("decision_type", "").split(), np.int64)
            if part["num_cat"] != "0" or (kinds & 1).any() or not np.isin(kinds >> 2 & 3, _NAN_OR_NONE).all():
                raise FitError(f"tree {number} splits by categories or treats zero as missing; ask it through LightGBM")
        nodes = max((int(part["num_leaves"]) - 1 for part in parts), default=0) or 1
        return Trees(
            feature=_laid(parts, "split_feature", nodes, np.int64),
            threshold=_laid(parts, "threshold", nodes, np.float64),
            left=_laid(parts, "left_child", nodes, np.int64),
            right=_laid(parts, "right_child", nodes, np.int64),
            leaf=_laid(parts, "leaf_value", nodes + 1, np.float64),
            width=int(re.findall(r"^max_feature_idx=(\d+)$", head, re.MULTILINE)[0]) + 1,
        )
    except (LookupError, ValueError) as broken:
        raise FitError(f"the text of the trees is not LightGBM's: {broken!r}") from broken


def _laid(parts: list[dict[str, str]], name: str, width: int, kind: type) -> AnyArray:
    laid: AnyArray = np.zeros((len(parts), width), kind)
    for row, part in zip(laid, parts, strict=True):
        found = part.get(name, "").split()
        if len(found) != int(part["num_leaves"]) - (name != "leaf_value"):
            raise ValueError(f"{len(found)} numbers under {name!r} for {part['num_leaves']} leaves")
        row[: len(found)] = found
    return laid


@dataclass(frozen=True, slots=True)
class PlainTrees:
    """Boosted trees behind their preparation, as text until they are asked."""

    prepared: Prepared
    text: str

    def predict(self, windows: Windows) -> Floats:
        """Return P(up), shape ``(window,)``."""
        return self.speak(self.prepared.apply(windows))

    def speak(self, values: Floats32) -> Floats:
        """Return P(up) for prepared values; of longer windows the last sessions are read."""
        trees = read_trees(self.text)
        values = values[:, -(trees.width // values.shape[2]) :]
        return trees.speak(values.reshape(len(values), trees.width))

    def state(self) -> State:
        """Return the text and the preparation."""
        return {**self.prepared.state(), "trees": bytes_of(self.text)}
