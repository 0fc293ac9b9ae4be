"""Export over HTTP: the bytes of the command line, and errors of one shape; test_access.py says who may."""

from typing import Any

import httpx
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tenor.app.export import pdf_of
from tenor.io.runs import read_frame, read_run
from tenor.report.scores_csv import scores_csv


def is_missing(answer: httpx.Response, said: str) -> None:
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["type"] == "MissingError"
    assert said in error["message"]
    assert error["problems"] == []


@pytest.mark.parametrize("kind", [1, 2])
def test_a_run_as_a_pdf(served: Any, workplace: Any, kind: int) -> None:
    name = workplace[kind]
    answer = served.client.get(f"/api/v1/runs/{name}/report.pdf")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.pdf"'
    assert answer.content == pdf_of(read_run(workplace[0] / "runs" / name))


@pytest.mark.parametrize("kind", [1, 2])
def test_every_series_and_the_scores_as_csv(served: Any, workplace: Any, kind: int) -> None:
    name = workplace[kind]
    run = read_run(workplace[0] / "runs" / name)
    for file in run.frames:
        stem = file.removesuffix(".parquet")
        answer = served.client.get(f"/api/v1/runs/{name}/files/{stem}.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == f'attachment; filename="{name}-{stem}.csv"'
        assert answer.headers["content-length"] == str(len(answer.content))
        frame = read_frame(run, file)
        assert_frame_equal(pl.read_csv(answer.content, schema=frame.schema), frame, check_exact=True)
    assert served.client.get(f"/api/v1/runs/{name}/files/scores.csv").text == scores_csv(run.result)
    listed = served.client.get(f"/api/v1/runs/{name}/files").json()["files"]
    assert not [file for file in listed if file["name"].endswith((".csv", ".pdf"))]


def test_what_is_not_there_is_refused_in_the_one_shape(served: Any, workplace: Any) -> None:
    pairs = workplace[1]
    is_missing(served.client.get("/api/v1/runs/none/report.pdf"), "no run 'none'")
    is_missing(served.client.get("/api/v1/runs/none/files/ledger.csv"), "no run 'none'")
    is_missing(served.client.get(f"/api/v1/runs/{pairs}/files/prices.csv"), "no daily series 'prices'")
    for name in ("run.csv", "..%2fledger.csv", "models.csv", ".csv"):
        assert served.client.get(f"/api/v1/runs/{pairs}/files/{name}").status_code == 404


def test_a_damaged_series_is_a_conflict(served: Any, workplace: Any) -> None:
    root, pairs, _ = workplace
    file = root / "runs" / pairs / "spreads.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    try:
        for path in ("files/spreads.csv", "report.pdf"):
            answer = served.client.get(f"/api/v1/runs/{pairs}/{path}")
            assert answer.status_code == 409
            assert "is damaged: spreads.parquet" in answer.json()["error"]["message"]
    finally:
        file.write_bytes(whole)
