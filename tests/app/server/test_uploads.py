"""Uploads: whole or not there, within limits, under names that are names, and read by a study."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenor.app.server.uploads import place_of
from tenor.app.server.workplace import Workplace
from tenor.errors import StudyError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, start: Any) -> Iterator[Any]:
    """A server that takes a megabyte a file."""
    with start(tmp_path_factory.mktemp("uploads"), "--upload-limit", "1") as server:
        yield server


def test_a_file_is_kept_whole_replaced_listed_and_deleted(small: Any) -> None:
    first = small.client.put("/api/v1/uploads/mine/quotes.csv", content=b"date,close\n")
    assert (first.status_code, first.json()) == (
        201,
        {"folder": "mine", "name": "quotes.csv", "bytes": 11, "replaced": False},
    )
    again = small.client.put("/api/v1/uploads/mine/quotes.csv", content=b"date,close,volume\n")
    assert again.json()["replaced"] is True
    assert (small.root / "uploads" / "mine" / "quotes.csv").read_bytes() == b"date,close,volume\n"
    listed = small.client.get("/api/v1/uploads").json()
    assert listed["files"] == [{"folder": "mine", "name": "quotes.csv", "bytes": 18}]
    assert small.client.delete("/api/v1/uploads/mine/quotes.csv").status_code == 200
    assert small.client.get("/api/v1/uploads").json()["files"] == []
    assert small.client.delete("/api/v1/uploads/mine/quotes.csv").status_code == 404


def test_what_is_too_large_leaves_nothing_behind(small: Any) -> None:
    announced = small.client.put("/api/v1/uploads/mine/big.csv", content=b"x" * 1_000_001)
    assert announced.status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * 100_000

    came = small.client.put("/api/v1/uploads/mine/big.csv", content=pieces())
    assert came.status_code == 413
    assert "error" in came.json()
    assert small.client.put("/api/v1/uploads/mine/empty.csv", content=b"").status_code == 422
    folder = small.root / "uploads" / "mine"
    assert not folder.exists() or not list(folder.iterdir())


def test_other_requests_stay_small(small: Any) -> None:
    """The larger limit is of uploads alone."""
    assert small.client.post("/api/v1/price", content=b"x" * 1_000_001).status_code == 413


@pytest.mark.parametrize(
    "name",
    ["%2e%2e/x.csv", "mine/..%2fx.csv", "mine/.hidden.csv", "mine/x.exe", "mine/x", "mi%20ne/x.csv", "mine/%00.csv"],
)
def test_names_that_are_none(small: Any, name: str) -> None:
    assert small.client.put(f"/api/v1/uploads/{name}", content=b"x").status_code in (404, 405, 422)
    assert not [path for path in small.root.rglob("*") if path.suffix in (".csv", ".exe")]


def test_a_place_lies_below_the_uploads(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    assert place_of(place, "mine", "600000.SH.csv") == tmp_path / "uploads" / "mine" / "600000.SH.csv"
    for folder, file in (("..", "x.csv"), ("a/b", "x.csv"), ("a", "../x.csv"), ("a", "..csv"), ("", "x.csv")):
        with pytest.raises(StudyError):
            place_of(place, folder, file)


def test_a_study_of_uploaded_prices_is_run(small: Any) -> None:
    import numpy as np

    rng = np.random.default_rng(3)
    sessions = [day for day in np.arange("2018-01-01", "2021-01-01", dtype="datetime64[D]") if np.is_busday(day)]
    price = 50 * np.exp(np.cumsum(0.01 * rng.standard_normal(len(sessions))))
    rows = "".join(
        f"{day},{p:.4f},{1.01 * p:.4f},{0.99 * p:.4f},{p:.4f},1000\n" for day, p in zip(sessions, price, strict=True)
    )
    text = "date,open,high,low,close,volume\n" + rows
    assert small.client.put("/api/v1/uploads/mine/ABC.csv", content=text.encode()).status_code == 201
    table = small.client.get("/api/v1/studies/stock-next-day").json()["table"]
    table = {**table, "name": "abc", "market": {"source": "given", "path": "../uploads/mine", "products": ["ABC"]}}
    checked = small.client.post("/api/v1/studies/check", json={"table": table}).json()
    assert checked["problems"] == []
