"""What a study file says of positions: the rule it names, what it is called, and what it refuses."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from tenor.decide.position import Probability, Sign
from tenor.decide.sizer import NoTradeBand, ProbabilitySizer, Risk, SignSizer

RISK = Risk(scale=np.array([0.1]), expected_move=np.array([0.01]), cost=56.0, multiplier=10_000.0)


@pytest.mark.parametrize(
    ("position", "name", "sizer"),
    [
        (Sign(), "sign", NoTradeBand(SignSizer(), 0.0)),
        (Sign(band=1.0), "sign, band 1", NoTradeBand(SignSizer(), 1.0)),
        (Sign(band=0.5), "sign, band 0.5", NoTradeBand(SignSizer(), 0.5)),
        (Probability(), "probability", NoTradeBand(ProbabilitySizer(1.0), 0.0)),
        (Probability(cap=0.5, band=2.0), "probability, band 2", NoTradeBand(ProbabilitySizer(0.5), 2.0)),
    ],
)
def test_names_and_rules(position: Sign | Probability, name: str, sizer: NoTradeBand) -> None:
    assert position.name == name
    assert position.sizer() == sizer


def test_targets_follow_from_the_settings() -> None:
    up, held = np.array([0.56, 0.44, 0.9]), np.zeros(3)
    assert Sign().sizer().target(up, held, RISK).tolist() == [1, -1, 1]
    np.testing.assert_allclose(Probability(cap=0.8).sizer().target(up, held, RISK), [0.6, -0.6, 0.8])
    # the edge is 0.12 x 0.01 x 10,000 = 12 and 80 yuan a pair, the cost 56
    assert Sign(band=1.0).sizer().target(up, held, RISK).tolist() == [0, 0, 1]


def test_a_floor_of_conviction_keeps_a_model_that_knows_nothing_small() -> None:
    assert Probability().least_scale == 0.02
    assert Sign().least_scale == 0.0  # the sign needs no scale


@pytest.mark.parametrize(
    ("kind", "settings", "key"),
    [
        (Sign, {"band": -1.0}, "band"),
        (Probability, {"cap": 0.0}, "cap"),
        (Probability, {"cap": 1.5}, "cap"),
        (Probability, {"least_scale": 0.0}, "least_scale"),
        (Probability, {"band": -0.5}, "band"),
        (Sign, {"cap": 0.5}, "cap"),
    ],
)
def test_settings_out_of_range_are_refused(kind: type, settings: dict[str, float], key: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(settings)
    assert [error["loc"][-1] for error in refused.value.errors()] == [key]
