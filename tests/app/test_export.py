"""``tenor show --pdf --csv``: the files that were asked for, and places refused before anything is read."""

import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tenor.app.commands import ShowRun, show_run
from tenor.app.export import pdf_of
from tenor.io.runs import read_frame, read_run


def test_files_are_written_and_the_answer_names_them(settled, kept_small, tmp_path, tenor) -> None:
    for kept in (settled.runs / settled.kept()[0], kept_small):
        run = read_run(kept)
        pdf, folder = tmp_path / f"{run.name}.pdf", tmp_path / run.name
        said = tenor("show", kept, "--pdf", pdf, "--csv", folder)
        assert said.status == 0
        names = ["forecasts.csv", "ledger.csv", "spreads.csv", "scores.csv"]
        assert [line for line in said.out.splitlines() if line.startswith("Written: ")] == [
            f"Written: {pdf}",
            *(f"Written: {folder / name}" for name in names),
        ]
        assert sorted(path.name for path in folder.iterdir()) == sorted(names)
        assert pdf.read_bytes() == pdf_of(run)
        for file in run.frames:
            frame = read_frame(run, file)
            back = pl.read_csv(folder / f"{Path(file).stem}.csv", schema=frame.schema)
            assert_frame_equal(back, frame, check_exact=True)


def test_json_says_which_files_there_are_only_if_some_were_asked_for(settled, tmp_path, tenor) -> None:
    run = settled.runs / settled.kept()[0]
    alone = json.loads(tenor("show", run, "--json").out)
    assert "written" not in alone
    pdf = tmp_path / "run.pdf"
    told = json.loads(tenor("show", run, "--pdf", pdf, "--json").out)
    assert told == {**alone, "written": [str(pdf)]}
    pdf.write_bytes(b"an older one")
    assert show_run(ShowRun(run, settled.runs, pdf=pdf)) == told
    assert pdf.read_bytes().startswith(b"%PDF-")


def test_bad_places_are_refused_before_the_run_is_read(tmp_path, tenor) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    refused = {
        ("--csv", file): "is a file; give the name of a folder",
        ("--csv", tmp_path / "no" / "such"): "there is no folder",
        ("--pdf", tmp_path): "is a folder; give the name of a file",
        ("--pdf", tmp_path / "no" / "run.pdf"): "there is no folder",
    }
    for words, part in refused.items():
        said = tenor("show", "no-run", *words)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith("RunError: ")
        assert part in said.err
    assert file.read_text() == "in the way"
    assert tenor("show", "no-run", "--runs", tmp_path, "--csv", tmp_path / "out").err.startswith("MissingError: ")
    assert not (tmp_path / "out").exists()


def test_a_series_that_cannot_be_written_leaves_nothing_half_done(settled, tmp_path, monkeypatch) -> None:
    import tenor.io.series
    from tenor.errors import RunError

    def full(file, target):
        target.write_text("half of it")
        raise RunError("cannot write ledger as CSV: no space left on device")

    monkeypatch.setattr(tenor.io.series, "write_csv", full)
    folder = tmp_path / "out"
    with pytest.raises(RunError, match="no space left"):
        show_run(ShowRun(settled.runs / settled.kept()[0], settled.runs, csv=folder))
    assert list(folder.iterdir()) == []
