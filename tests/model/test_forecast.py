"""Forecasts as distributions over seeds, and as rows."""

import numpy as np

from tenor.factor.window import Windows
from tenor.model.forecast import Forecast, forecast_table

NAN = np.nan
RAW = np.array([[0.6, 0.7, NAN], [0.4, NAN, NAN]])
UP = np.array([[0.55, 0.6, NAN], [0.45, NAN, NAN]])
SAID = Forecast("lstm", (3, 4), RAW, UP, np.where(np.isfinite(UP), 0.1, NAN))


def windows() -> Windows:
    return Windows(
        columns=("x",),
        rows=np.zeros((3, 1)),
        row_product=np.full(3, "T"),
        ends=np.arange(3),
        length=1,
        session=np.datetime64("2020-01-01") + np.arange(3),
        resolves=np.datetime64("2020-01-01") + np.arange(3) + np.timedelta64(1, "D"),
        product=np.array(["T", "TF", "T"]),
        pair=np.array(["T2003-T2006", "TF2003-TF2006", "T2003-T2006"]),
        change=np.array([0.01, -0.02, NAN]),
        label=np.array([1, 0, -1]),
    )


def test_the_ensemble_is_the_mean_over_the_seeds_that_spoke() -> None:
    np.testing.assert_allclose(SAID.ensemble(), [0.5, 0.6, NAN], rtol=1e-15)


def test_the_table_has_a_row_for_every_model_seed_and_window() -> None:
    rule = Forecast("majority", (3,), *[np.array([[0.5, 0.5, 0.5]])] * 3)
    table = forecast_table((SAID, rule), windows(), np.array([0, 0, 1]))
    assert table.columns == [
        "model",
        "seed",
        "fold",
        "session",
        "product",
        "pair",
        "raw",
        "up",
        "change",
        "label",
    ]
    keys = table.select("model", "seed", "product", "fold").rows()
    assert keys == [
        (model, seed, code, fold)
        for model, seed in (("lstm", 3), ("lstm", 4), ("majority", 3))
        for code, fold in (("T", 0), ("TF", 0), ("T", 1))
    ]
    assert table["raw"].to_list() == [0.6, 0.7, None, 0.4, None, None, 0.5, 0.5, 0.5]
    assert table["up"].to_list()[:3] == [0.55, 0.6, None]
    assert table["change"].to_list()[:3] == [0.01, -0.02, None]
    assert table["label"].to_list()[:3] == [1, 0, -1]
    assert table["session"][1].isoformat() == "2020-01-02"
