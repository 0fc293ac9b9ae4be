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


@cache
def _of_figures() -> dict[str, dict[str, str]]:
    """The texts of figures, by what the figure functions write."""
    return {held["en"]: held for key, held in catalogue().items() if key.startswith("figure_")}


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its values filled in; KeyError for a key that is not in the catalogue."""
        return catalogue()[key][self.language].format(**values)

    def of_figure(self, text: str) -> str:
        """Return a text of a figure in this language: as it is where the catalogue's ``figure_`` texts lack it.

        A number or name after the words, as in ``probability of up, lstm``, stays.
        """
        held = _of_figures()
        if self.language == "en":
            return text
        if text in held:
            return held[text][self.language]
        head, comma, rest = text.partition(", ")
        return f"{held[head][self.language]}{comma}{rest}" if head in held else text


def spoken(language: str | None, accepts: str = "") -> Words:
    """Return the texts in the language that was chosen, else in what the browser asks for first, else in English."""
    if language in LANGUAGES:
        return Words(language)
    first = accepts.split(",")[0].strip().lower()
    return Words("zh" if first.startswith("zh") else "en")
