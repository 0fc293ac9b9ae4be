"""The eleven features of the published protocol, from prices through the shipped layouts, beside its tables."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenor.factor.compute_universe import compute_universe
from tenor.factor.technical import PriceRatios
from tenor.factor.universe import build_universe
from tenor.io.sources.folder import Folder

pytestmark = pytest.mark.real

LAYOUTS = Path(__file__).parents[2] / "studies" / "layouts"
UNKNOWN = -123321.0
"""What the published tables hold where a feature is missing."""


@pytest.mark.parametrize(
    ("layout", "table", "last", "rows"),
    [
        ("stocknet.toml", "advalstm_acl18_ourpped.parquet", date(2015, 9, 30), 51_156 - 758),
        ("kdd17.toml", "advalstm_kdd17_ourpped.parquet", date(2015, 12, 31), 113_300 - 1_450),
    ],
)
def test_every_published_feature_is_found_again(
    real_data: Path, layout: str, table: str, last: date, rows: int
) -> None:
    """Up to the end of the validation range; what comes later is not looked at."""
    path = real_data / "stocknet" / table
    if not path.exists():
        pytest.skip(f"the published table {path.name} is not there")
    market = Folder(real_data, LAYOUTS / layout).read()
    published = (
        pl.read_parquet(path)
        .with_columns(pl.col("date").cast(pl.Date))
        .filter(pl.col("date") <= last, pl.col("c_open") != UNKNOWN)
    )
    assert published.height == rows
    codes = tuple(sorted(published["ticker"].unique()))
    universe = build_universe(market, codes)
    columns, values = compute_universe([PriceRatios()], universe)
    ours = pl.DataFrame(
        {"ticker": np.array(universe.codes)[universe.code], "date": universe.sessions}
        | {name: values[:, at] for at, name in enumerate(columns)}
    )
    both = published.join(ours, on=["ticker", "date"], how="left", suffix="_ours", maintain_order="left")
    for name in columns:
        theirs, found = both[name].to_numpy().astype(np.float64), both[f"{name}_ours"].to_numpy()
        # per cent, kept as float32
        np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=1e-4, err_msg=name)
