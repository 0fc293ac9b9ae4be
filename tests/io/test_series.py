"""Daily series as CSV: what is read back is what was kept; lists are refused, a full disk is an error of ours."""

from datetime import date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tenor.errors import RunError
from tenor.io.series import write_csv


@pytest.fixture
def series(tmp_path):
    """Write a frame as a run keeps it."""

    def write(frame):
        file = tmp_path / "series.parquet"
        frame.write_parquet(file)
        return file

    return write


def test_what_is_read_back_is_what_was_kept(series, tmp_path):
    frame = pl.DataFrame(
        {
            "session": [date(2020, 1, 2), date(2020, 1, 3), None],
            "name": ["贵州茅台", 'a "quoted", name', None],
            "value": [0.1 + 0.2, -1e-300, None],
            "small": pl.Series([0.1, 3.25, None], dtype=pl.Float32),
            "flat": [True, False, None],
            "seed": [1, 2**62, None],
        }
    )
    place = tmp_path / "series.csv"
    write_csv(series(frame), place)
    assert_frame_equal(pl.read_csv(place, schema=frame.schema), frame, check_exact=True)
    lines = place.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "session,name,value,small,flat,seed"
    assert lines[1].startswith("2020-01-02,贵州茅台,0.30000000000000004,0.1,true,1")
    assert lines[3] == ",,,,,"


def test_the_ledgers_of_both_kinds_of_study(series, tmp_path, small_run, small_stocks):
    for report in (small_run.report, small_stocks.report):
        for frame in report.frames().values():
            with (tmp_path / "series.csv").open("wb") as target:
                write_csv(series(frame), target)
            back = pl.read_csv(tmp_path / "series.csv", schema=frame.schema)
            assert_frame_equal(back, frame, check_exact=True)


def test_structures_become_columns_and_lists_are_refused(series, tmp_path):
    place = tmp_path / "series.csv"
    inner = {"up": 0.5, "at": {"day": datetime(2020, 1, 2, 15, 15), "fold": 1}}
    write_csv(series(pl.DataFrame({"model": ["lstm", "dnn"], "said": [inner, None]})), place)
    assert place.read_text().splitlines()[:2] == [
        "model,said.up,said.at.day,said.at.fold",
        "lstm,0.5,2020-01-02T15:15:00.000000,1",
    ]
    for lists in ({"many": [[1, 2]]}, {"said": [{"many": [1, 2]}]}, {"raw": [b"bytes"]}):
        with pytest.raises(RunError, match="which CSV has no place for; take the Parquet file instead"):
            write_csv(series(pl.DataFrame(lists)), place)


def test_a_damaged_file_and_a_bad_place_are_errors_of_ours(series, tmp_path):
    file = series(pl.DataFrame({"a": [1]}))
    with pytest.raises(RunError, match=r"cannot write series as CSV: .*give another place"):
        write_csv(file, tmp_path / "nowhere" / "series.csv")
    file.write_bytes(b"no parquet")
    with pytest.raises(RunError, match=r"is damaged: series\.parquet"):
        write_csv(file, tmp_path / "series.csv")
