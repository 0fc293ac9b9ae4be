"""No word of a request becomes a path outside the folder that is served."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.app.server.workplace import Workplace
from tenor.errors import MissingError, StudyError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    root = tmp_path_factory.mktemp("place")
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.toml").write_text("x = 1")
    (root / "runs" / "good-1a2b").mkdir(parents=True)
    (root / "studies").mkdir()
    (root / "studies" / "mine.toml").write_text("x = 1")
    (root / ".tenor").mkdir()
    (root / "link").symlink_to(outside)
    (root / "studies" / "out.toml").symlink_to(outside / "secret.toml")
    return Workplace(root)


@pytest.mark.parametrize("word", ["studies/mine.toml", "./studies/mine.toml", "studies/../studies/mine.toml"])
def test_a_path_below_the_folder_is_one(place: Workplace, word: str) -> None:
    assert place.inside(word) == Path("studies/mine.toml")


@pytest.mark.parametrize(
    "word",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "link/secret.toml",
        "studies/out.toml",
        "",
        "x\0y",
        "a" * 401,
        ".tenor/tenor.db",
    ],
)
def test_a_path_that_leads_out_is_refused(place: Workplace, word: str) -> None:
    with pytest.raises(StudyError):
        place.inside(word)


@given(st.text(max_size=60))
def test_whatever_is_said_stays_inside(place: Workplace, word: str) -> None:
    try:
        found = place.inside(word)
    except StudyError:
        return
    assert not found.is_absolute()
    assert (place.root / found).resolve().is_relative_to(place.root.resolve())
    assert ".tenor" not in found.parts[:1]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../x", "", "/x", "a\\b", "x" * 201, "a..b"])
def test_what_is_no_name_of_a_run_is_refused(place: Workplace, name: str) -> None:
    with pytest.raises(MissingError):
        place.folder_of(name)


def test_runs_studies_and_tickers(place: Workplace) -> None:
    assert place.folder_of("good-1a2b") == Path("runs/good-1a2b")
    with pytest.raises(MissingError, match="no run 'good-ffff'"):
        place.folder_of("good-ffff")
    assert place.study("mine") == Path("studies/mine.toml")
    assert place.study("cgb-spread").name == "cgb-spread.toml"
    with pytest.raises(StudyError, match="did you mean 'cgb-spread'"):
        place.study("cgb-spraed")
    with pytest.raises(StudyError, match="no study"):
        place.study("runs/good-1a2b")
    assert [place.ticker(code) for code in ("AAPL", "600519.SS", "^GSPC", "BRK-B")] == [
        "AAPL",
        "600519.SS",
        "^GSPC",
        "BRK-B",
    ]
    for code in ("../x", "a/b.csv", "", "x" * 41, "-x"):
        with pytest.raises(StudyError, match="no ticker"):
            place.ticker(code)
