"""Files and a layout written for a test, and the defects by which they are refused; read by the tests through runpy."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tenor.errors import DataError, Defect
from tenor.io.sources.folder import Folder, check


def folder_of(tmp_path: Path, layout: str, **files: Sequence[str]) -> Folder:
    """Write files (``name=lines``) and a layout, and give the source that reads them."""
    data = tmp_path / "data"
    data.mkdir(exist_ok=True)
    for name, lines in files.items():
        (data / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "layout.toml").write_text('name = "test"\n' + layout, encoding="utf-8")
    return Folder(data, tmp_path / "layout.toml")


def defects_of(source: Folder) -> tuple[Defect, ...]:
    """The defects by which the source is refused, which a check reports as well."""
    with pytest.raises(DataError) as refused:
        source.read()
    assert check(source.folder, source.layout).defects == refused.value.defects
    assert all(defect.remedy for defect in refused.value.defects)
    return refused.value.defects
