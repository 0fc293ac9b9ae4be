"""Every text of the pages in one catalogue, ``words.toml``: a key, and what it is in each language."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: dict[Language, str] = {"en": "English", "zh": "中文"}
"""What each language calls itself."""


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return the texts: key to language to text."""
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = tomllib.loads(text)
    return table


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its values filled in; KeyError for a key that is not in the catalogue."""
        return catalogue()[key][self.language].format(**values)


def spoken(language: str | None, accepts: str = "") -> Words:
    """Return the texts in the language that was chosen, else in what the browser asks for first, else in English."""
    if language in LANGUAGES:
        return Words(language)
    first = accepts.split(",")[0].strip().lower()
    return Words("zh" if first.startswith("zh") else "en")
