"""What the pages say is there, is there; what is there, the pages say."""

import contextlib
import io
import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from tenor.app.commands import COMMANDS
from tenor.factor.valuation import Valuation
from tenor.registry import registered
from tenor.shock import parse_shift, scenarios_from

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize(
    ("group", "page"),
    [
        ("tenor.factors", "factors.md"),
        ("tenor.models", "models.md"),
        ("tenor.sources", "data.md"),
        ("tenor.shifts", "what_if.md"),
    ],
)
def test_every_registered_name_has_a_place_on_its_page(group: str, page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [name for name in registered(group) if f"`{name}`" not in text] == []


def test_every_command_is_in_the_readme_or_a_page() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *PAGES))
    assert [command.name for command in COMMANDS if f"tenor {command.name}" not in text] == []


def test_every_command_is_in_the_readme_and_the_changelog() -> None:
    readme, changelog = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CHANGELOG.md"))
    assert [command.name for command in COMMANDS if f"tenor {command.name}" not in readme] == []
    assert [command.name for command in COMMANDS if f"`{command.name}`" not in changelog.replace("tenor ", "")] == []


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
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(block, page, "exec"), names)
    expected = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert printed.getvalue().splitlines() == expected
    if "SpreadRange" not in names:
        assert expected, "a block that is not checked: print what it says"
        return
    factor = names["SpreadRange"]()
    near, far = np.array([100.0, 101.0, 103.0, 102.0, 100.0]), np.full(5, 99.0)
    past = dict(zip(factor.inputs, (near, far), strict=True))
    assert factor.compute(past).tolist() == [3.0]
    assert len(near) == factor.lookback


@pytest.mark.parametrize(("page", "block"), blocks("toml"))
def test_toml_on_the_pages_is_toml(page: str, block: str) -> None:
    table = tomllib.loads(block)
    assert table
    if "valuation" in table:
        assert TypeAdapter(Valuation).validate_json(json.dumps(table["valuation"]), strict=True)
    if "scenarios" in table:
        assert scenarios_from(table)


def shifts_on_the_page() -> list[tuple[str, str, str]]:
    """Each row of the table of shifts: kind, its table in a file, and its words on the command line."""
    text = (ROOT / "docs" / "what_if.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\w+)` \| .* \| `(\{ kind = .*\})` \| (.*) \|$", text, re.MULTILINE)


def test_every_shift_has_a_row_of_its_own() -> None:
    assert sorted(kind for kind, *_ in shifts_on_the_page()) == sorted(registered("tenor.shifts"))


@pytest.mark.parametrize(("kind", "given", "words"), shifts_on_the_page(), ids=lambda value: value.split()[0])
def test_shifts_on_the_page_are_shifts_with_every_setting(kind: str, given: str, words: str) -> None:
    settings = tomllib.loads(f"shift = {given}")["shift"]
    (shift,) = scenarios_from({"scenarios": [{"name": kind, "shifts": [settings]}]})[0].shifts
    assert shift.kind == kind
    assert settings.keys() | {"force"} == {field.name for field in fields(registered("tenor.shifts")[kind])} | {"force"}
    for word in re.findall(r"`([^`]+)`", words):
        expected = {"points": "key_rate"}.get(kind, kind)
        assert parse_shift(word).kind == expected


def test_defaults_of_shifts_on_the_page_are_theirs() -> None:
    by_rule = {"lead", "force"}  # the page says that lead is 0
    for kind, given, _ in shifts_on_the_page():
        settings = tomllib.loads(f"shift = {given}")["shift"]
        defaults = {field.name: field.default for field in fields(registered("tenor.shifts")[kind])}
        stated = {name: value for name, value in defaults.items() if isinstance(value, int | float | str)}
        assert {name: settings[name] for name in stated.keys() - by_rule} == {
            name: stated[name] for name in stated.keys() - by_rule
        }


def test_every_key_of_the_valuation_is_on_its_page() -> None:
    text = (ROOT / "docs" / "rates.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(Valuation) if f"| `{field.name}` |" not in text] == []


def test_every_column_of_the_valued_factors_is_on_the_page() -> None:
    text = (ROOT / "docs" / "factors.md").read_text(encoding="utf-8")
    kinds = registered("tenor.factors")
    columns = [name for kind in ("carry", "implied_repo", "cheapest_to_deliver") for name in kinds[kind].columns]
    assert [name for name in columns if f"`{name}`" not in text] == []


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
