"""What the pages say is there, is there; what is there, the pages say."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor.app.commands import COMMANDS
from tenor.registry import registered

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize(
    ("group", "page"), [("tenor.factors", "factors.md"), ("tenor.models", "models.md"), ("tenor.sources", "data.md")]
)
def test_every_registered_name_has_a_place_on_its_page(group: str, page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [name for name in registered(group) if f"`{name}`" not in text] == []


def test_every_command_is_in_the_readme_or_a_page() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *PAGES))
    assert [command.name for command in COMMANDS if f"tenor {command.name}" not in text] == []


def test_every_study_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.stem for path in (ROOT / "studies").glob("*.toml") if f"`{path.stem}`" not in text] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda path: path.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def blocks(language: str) -> list[tuple[str, str]]:
    """Every fenced block of a language, with the page that it stands on."""
    found: list[tuple[str, str]] = []
    for page in (ROOT / "README.md", *PAGES):
        fenced = re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        found += [(page.name, block) for block in fenced]
    return found


@pytest.mark.parametrize(("page", "block"), blocks("python"))
def test_python_on_the_pages_runs(page: str, block: str) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(block, page, "exec"), names)
    factor = names["SpreadRange"]()
    near, far = np.array([100.0, 101.0, 103.0, 102.0, 100.0]), np.full(5, 99.0)
    past = dict(zip(factor.inputs, (near, far), strict=True))
    assert factor.compute(past).tolist() == [3.0]
    assert len(near) == factor.lookback


@pytest.mark.parametrize(("page", "block"), blocks("toml"))
def test_toml_on_the_pages_is_toml(page: str, block: str) -> None:
    assert tomllib.loads(block)


def test_the_changelog_names_the_version() -> None:
    from tenor import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_setting_of_the_fit_plan_fills_and_splits_is_explained() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    for word in (
        "same_close",
        "next_open",
        "next_close",
        "walk_forward",
        "dates",
        "platt",
        "temperature",
        "sign",
        "probability",
    ):
        assert f"`{word}`" in text, word
