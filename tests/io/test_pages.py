"""Pages are whole or not there."""

from pathlib import Path

import pytest

from tenor.errors import RunError
from tenor.io.pages import check_place, write_page


def test_a_page_replaces_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "new" / "page.html"
    assert write_page(place, "one") == place
    write_page(place, "two")
    assert place.read_text(encoding="utf-8") == "two"
    assert [file.name for file in place.parent.iterdir()] == ["page.html"]


def test_a_place_is_checked_before_anything_is_computed_for_it(tmp_path: Path) -> None:
    check_place(tmp_path / "page.html")
    for place, why in (
        (tmp_path, "give the name of a file"),
        (tmp_path / "nowhere" / "page.html", "there is no folder"),
    ):
        with pytest.raises(RunError, match=why):
            check_place(place)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match=r"cannot write the page .*give another place"):
        write_page(tmp_path / "file" / "page.html", "one")
    (tmp_path / "page.html").mkdir()
    with pytest.raises(RunError, match="give another place"):
        write_page(tmp_path / "page.html", "one")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "page.html"]
