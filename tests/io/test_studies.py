"""Study files on disk: found, read, refused with what would help, and their paths counted from the file."""

import os
from pathlib import Path

import pytest

from tenor.errors import StudyError
from tenor.io.sources.folder import Folder
from tenor.io.studies import read_market, read_study, read_table
from tenor.stock_study import StockStudy
from tenor.study import Study

PUBLISHED = Path(__file__).parents[2] / "studies"


def refused(path: Path) -> str:
    with pytest.raises(StudyError) as error:
        read_table(path)
    return str(error.value)


def test_a_table_is_what_the_file_says_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    plain, marked = tmp_path / "plain.toml", tmp_path / "marked.toml"
    plain.write_bytes('name = "价差"\n'.encode())
    marked.write_bytes('name = "价差"\n'.encode("utf-8-sig"))
    assert read_table(plain) == read_table(marked) == {"name": "价差"}


def test_a_missing_file_suggests_what_lies_beside_it(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.toml") == f"no study file {tmp_path / 'a.toml'}"
    for name in ("spread.toml", "other.toml"):
        (tmp_path / name).write_text("")
    assert refused(tmp_path / "spred.toml").endswith("; did you mean 'spread.toml'?")
    assert refused(tmp_path / "zzz.toml").endswith(f"; {tmp_path} holds other.toml, spread.toml")
    assert "no study file" in refused(tmp_path / "nowhere" / "a.toml")


def test_what_is_no_file_is_called_what_it_is(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} is a folder; give a study file"
    (tmp_path / "a.toml").write_text("")
    assert refused(tmp_path).endswith(f"such as {tmp_path / 'a.toml'}")
    assert "cannot be read: Not a directory" in refused(tmp_path / "a.toml" / "b.toml")
    assert "cannot be read: File name too long" in refused(tmp_path / ("n" * 300))
    os.symlink("loop.toml", tmp_path / "loop.toml")
    assert "cannot be read: Too many levels of symbolic links" in refused(tmp_path / "loop.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"seed = \n", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff\xfe", "codec can't decode"),
        (b"\x00", "not a TOML file in UTF-8"),
        (b"PK\x03\x04", "not a TOML file in UTF-8"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    assert refused(tmp_path / "a.toml").startswith(f"{tmp_path / 'a.toml'}: not a TOML file in UTF-8: ")
    assert said in refused(tmp_path / "a.toml")


def test_problems_of_a_study_begin_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("sed = 1\n")
    with pytest.raises(StudyError) as error:
        read_study(tmp_path / "mine.toml")
    assert "mine.toml: sed: unexpected key; did you mean 'seed'?" in error.value.problems
    assert all(problem.startswith("mine.toml: ") for problem in error.value.problems)


@pytest.mark.parametrize("path", sorted(PUBLISHED.glob("*.toml")), ids=lambda path: path.stem)
def test_published_studies_are_valid(path: Path) -> None:
    study = read_study(path)
    assert study.name == path.stem
    assert isinstance(study, StockStudy if "subject" in read_table(path) else Study)


def test_paths_of_a_study_count_from_where_its_file_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (PUBLISHED / "cgb-spread-t.toml").read_text(encoding="utf-8")
    home = tmp_path / "studies"
    (home / "layouts").mkdir(parents=True)
    (home / "cgb-spread-t.toml").write_text(text, encoding="utf-8")
    study = read_study(home / "cgb-spread-t.toml")
    assert isinstance(study.market, Folder)
    located = study.market.located(home)
    assert located.folder == home / "../../shared/data"
    assert located.layout == home / "layouts/shared.toml"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError) as error:
        read_market(study, home)
    assert str(home / "layouts" / "shared.toml") in str(error.value)


def test_a_source_without_paths_is_read_as_it_is(tmp_path: Path) -> None:
    study = read_study(PUBLISHED / "cgb-spread.toml")
    assert read_market(study, tmp_path).fingerprint() == study.market.read().fingerprint()
