"""What holding a bond against a future earns: carry, net basis, implied repo, and which bond it is.

All are of the bond that is the cheapest to deliver into a leg (:mod:`tenor.factor.valuation`), in points per 100 of
face or as decimals per year. ``near_`` and ``far_`` are the legs, ``pair_`` is near less far: what both legs share,
such as a curve that is a day older than the closes, is not in it. The formulas are those of :mod:`tenor.pricing.basis`.

A study that uses one of these says in ``[valuation]`` how its futures are priced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tenor.factor.base import Field
from tenor.settings import STRICT
from tenor.units import Floats


def _of_legs(*names: str) -> tuple[Field, ...]:
    return tuple(Field(leg, name) for name in names for leg in ("near", "far"))


def _with_pairs(past: Mapping[Field, Floats], names: tuple[str, ...]) -> list[Floats]:
    """Near, far and near less far of each name, today."""
    parts = []
    for name in names:
        near, far = past[Field("near", name)][..., -1], past[Field("far", name)][..., -1]
        parts += [near, far, near - far]
    return parts


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{leg}_{name}" for name in names for leg in ("near", "far", "pair"))


@dataclass(frozen=True, slots=True)
class Carry:
    """Carry to delivery and net basis of each leg's cheapest bond, and near less far, in points."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["carry"] = "carry"

    names: ClassVar = ("carry", "net_basis")
    inputs: ClassVar = _of_legs(*names)
    lookback: ClassVar = 1
    columns: ClassVar = _named(names)

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the six columns."""
        return np.stack(_with_pairs(past, self.names), axis=-1)


@dataclass(frozen=True, slots=True)
class ImpliedRepo:
    """Implied repo rate of each leg, that rate less term funding, and the forward repo that the pair implies.

    ``forward_repo`` is what carrying one bond from the near to the far delivery earns at the two prices;
    ``forward_repo_less_funding`` is that less what the funding curve asks between the same days. Decimals per year.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["implied_repo"] = "implied_repo"

    names: ClassVar = ("irr", "irr_less_funding")
    of_pair: ClassVar = (Field("pair", "forward_repo"), Field("pair", "forward_repo_less_funding"))
    inputs: ClassVar = (*_of_legs(*names), *of_pair)
    lookback: ClassVar = 1
    columns: ClassVar = (*_named(names), "forward_repo", "forward_repo_less_funding")

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the eight columns."""
        return np.stack([*_with_pairs(past, self.names), *(past[field][..., -1] for field in self.of_pair)], axis=-1)


@dataclass(frozen=True, slots=True)
class CheapestToDeliver:
    """Which bond is the cheapest, told by its life in years, and how far the next one is from taking its place.

    The distance is that of the two smallest implied futures prices, in points; ``same_ctd`` is 1 where one bond is the
    cheapest of both legs, so that the pair is a forward repo in it, else 0.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["cheapest_to_deliver"] = "cheapest_to_deliver"

    names: ClassVar = ("ctd_life", "switch_distance")
    of_pair: ClassVar = (Field("pair", "same_ctd"),)
    inputs: ClassVar = (*_of_legs(*names), *of_pair)
    lookback: ClassVar = 1
    columns: ClassVar = (*_named(names), "same_ctd")

    def compute(self, past: Mapping[Field, Floats]) -> Floats:
        """Return the seven columns."""
        return np.stack([*_with_pairs(past, self.names), *(past[field][..., -1] for field in self.of_pair)], axis=-1)
