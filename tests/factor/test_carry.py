"""Factors of carry: which number stands in which column."""

import numpy as np
import pytest

from tenor.factor.base import Field
from tenor.factor.carry import Carry, CheapestToDeliver, ImpliedRepo


def past(names: dict[Field, float]) -> dict[Field, np.ndarray]:
    return {field: np.array([value]) for field, value in names.items()}


@pytest.mark.parametrize("factor", [Carry(), ImpliedRepo(), CheapestToDeliver()])
def test_columns_are_the_legs_their_difference_and_the_pair(factor) -> None:
    given = {field: float(number) for number, field in enumerate(factor.inputs, start=1)}
    found = dict(zip(factor.columns, factor.compute(past(given)).tolist(), strict=True))
    assert len(found) == len(factor.columns)
    for field, value in given.items():
        if field.table == "pair":
            assert found[field.name] == value
        else:
            assert found[f"{field.table}_{field.name}"] == value
    for name in factor.names:
        assert found[f"pair_{name}"] == given[Field("near", name)] - given[Field("far", name)]


def test_an_unknown_value_stays_unknown() -> None:
    given = dict.fromkeys(Carry().inputs, 1.0) | {Field("far", "net_basis"): float("nan")}
    found = dict(zip(Carry().columns, Carry().compute(past(given)).tolist(), strict=True))
    assert np.isnan(found["far_net_basis"])
    assert np.isnan(found["pair_net_basis"])
    assert found["near_net_basis"] == 1.0
