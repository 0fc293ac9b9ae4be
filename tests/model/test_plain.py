"""What answers in numpy: networks of any head and scope, trees from a text, and nothing that has to be loaded first."""

import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from tenor.errors import FitError
from tenor.model.alstm import ALSTM
from tenor.model.architecture import Plain
from tenor.model.dnn import DNN
from tenor.model.embedding import Embedded
from tenor.model.gru import GRU
from tenor.model.head import DIRECTION
from tenor.model.lstm import LSTM
from tenor.model.plain import PlainGrid
from tenor.model.plain_trees import read_trees
from tenor.model.program import blueprint
from tenor.model.trained import TrainedGrid
from tenor.model.transformer import Transformer

TIME, FEATURES = 11, 4
NETS = [
    LSTM(layers=2, hidden=5),
    GRU(layers=2, hidden=5),
    ALSTM(hidden=6, attention=3),
    Transformer(layers=2, hidden=6, heads=3),
    DNN(hidden=(7, 5)),
]


def grid_of(architecture: Plain) -> TrainedGrid:
    """A network as it was drawn, every parameter moved a little so that none is zero."""
    plans = blueprint(architecture, FEATURES, TIME)
    theta = plans.draw(np.array([1, 2], np.uint32)) + 0.05 * np.random.default_rng(3).normal(size=plans.size)
    none = np.ones((1, 1), np.int64)
    loss = np.zeros((1, 1, 1), np.float32)
    whole = theta.astype(np.float32)[None, None]
    return TrainedGrid(architecture, FEATURES, TIME, (1,), whole, none, none, loss, loss, ((None,),))


@pytest.mark.parametrize("net", [*NETS, Embedded(NETS[0], 2, 3)], ids=str)
def test_outputs_equal_those_of_the_compiled_program(net: Plain) -> None:
    trained = grid_of(net)
    x = np.random.default_rng(5).normal(size=(9, TIME, FEATURES)).astype(np.float32)
    x[:, :, -1] = np.arange(9)[:, None] % 4  # numbers of instruments, where they are read as such
    plain = PlainGrid(net, DIRECTION, trained.state())
    np.testing.assert_allclose(plain.outputs(0, 0, x), trained.outputs(0, 0, x), rtol=1e-4, atol=2e-6)
    assert plain.outputs(0, 0, x[:0]).shape == (2, 0)


def test_arrays_of_another_network_are_refused() -> None:
    state = grid_of(NETS[0]).state()
    x = np.zeros((2, TIME, FEATURES), np.float32)
    for other in (GRU(layers=2, hidden=5), LSTM(layers=3, hidden=5), LSTM(layers=1, hidden=5)):
        with pytest.raises(FitError, match="are not those of"):
            PlainGrid(other, DIRECTION, state).outputs(0, 0, x)
    with pytest.raises(FitError, match="this network reads"):
        PlainGrid(NETS[0], DIRECTION, state).outputs(0, 0, x[:, :3])


def boosted(rounds: int, **settings: object) -> lightgbm.Booster:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 6)).astype(np.float32)
    up = (x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=400) > 0).astype(int)
    given = {"objective": "binary", "num_leaves": 9, "verbosity": -1, "num_threads": 1, **settings}
    return lightgbm.train(given, lightgbm.Dataset(x, up), rounds)


@pytest.mark.parametrize("rounds", [1, 40])
def test_trees_equal_those_of_lightgbm(rounds: int) -> None:
    booster = boosted(rounds)
    asked = np.random.default_rng(2).normal(size=(200, 6)).astype(np.float32)
    np.testing.assert_allclose(read_trees(booster.model_to_string()).speak(asked), booster.predict(asked), rtol=1e-12)


def test_trees_that_never_split_say_the_same_of_everything() -> None:
    booster = boosted(3, min_data_in_leaf=400)
    asked = np.random.default_rng(2).normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_allclose(read_trees(booster.model_to_string()).speak(asked), booster.predict(asked), rtol=1e-12)


def test_another_text_is_refused() -> None:
    text = boosted(2).model_to_string()
    for wrong in ("", "trees", text.replace("threshold=", "threshold=9 "), text.replace("binary", "regression")):
        with pytest.raises(FitError, match="not LightGBM's"):
            read_trees(wrong)
    with pytest.raises(FitError, match="ask it through LightGBM"):
        read_trees(text.replace("num_cat=0", "num_cat=1"))


def test_settings_and_answers_load_no_trainer() -> None:
    """Every registered model is named and a network answers in a process that never loads what trains."""
    program = """
import sys
import numpy as np
from tenor.model.head import DIRECTION
from tenor.model.lstm import LSTM
from tenor.model.plain import PlainGrid
from tenor.registry import registered

registered("tenor.models")
rng = np.random.default_rng(1)
shapes = {"layers.0.weight_input": (8, 3), "layers.0.weight_state": (8, 2), "layers.0.bias": (8,),
          "head": (2, 2), "head_bias": (2,)}
kept = {f"parameter/{name}": rng.normal(size=(1, 1, *shape)).astype(np.float32) for name, shape in shapes.items()}
kept["window"] = np.array([4, 3, 1])
PlainGrid(LSTM(layers=1, hidden=2), DIRECTION, kept).outputs(0, 0, np.ones((1, 4, 3), np.float32))
print(sorted({"jax", "equinox", "optax", "lightgbm", "sklearn"} & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
