"""The catalogue: every key in every language, with the same places for values, and each used."""

import re
from pathlib import Path
from string import Formatter

import pytest

from tenor import report
from tenor.app import web
from tenor.app.web.words import LANGUAGES, Words, catalogue, spoken


def test_every_text_is_in_every_language_with_the_same_values() -> None:
    for key, texts in catalogue().items():
        assert set(texts) == set(LANGUAGES), key
        values = {
            language: {name for _, name, _, _ in Formatter().parse(text) if name} for language, text in texts.items()
        }
        assert len(set(map(frozenset, values.values()))) == 1, key
        assert all(text.strip() == text and text for text in texts.values()), key


def test_every_text_is_used_and_every_use_has_a_text() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in Path(str(web.__file__)).parent.glob("*.py"))
    made = tuple(re.findall(r"""f['"]([a-z]+_)\{""", code))  # keys that are put together, such as state_ with a state
    made += ("figure_",)
    unused = [key for key in catalogue() if not re.search(rf"""['"]{key}['"]""", code) and not key.startswith(made)]
    assert unused == []
    said = set(re.findall(r"""words\(['"](\w+)['"]""", code))
    assert said <= set(catalogue())


@pytest.mark.parametrize(
    ("chosen", "accepts", "language"),
    [("zh", "en", "zh"), (None, "zh-CN,zh;q=0.9", "zh"), (None, "de,zh", "en"), ("xx", "", "en"), ("en", "zh", "en")],
)
def test_the_language_is_the_one_chosen_else_the_browsers(chosen: str | None, accepts: str, language: str) -> None:
    assert spoken(chosen, accepts).language == language


def test_texts_of_figures_are_those_that_figures_have() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in Path(str(report.__file__)).parent.glob("*.py"))
    held = {key: text["en"] for key, text in catalogue().items() if key.startswith("figure_")}
    assert len(set(held.values())) == len(held)
    assert [text for text in held.values() if f'"{text}"' not in code and f'"{text}, ' not in code] == []


def test_a_text_of_a_figure_that_is_not_in_the_catalogue_stays() -> None:
    assert Words("zh").of_figure("probability of up, lstm") == "上涨概率, lstm"
    assert Words("zh").of_figure("lstm") == "lstm"
    assert Words("en").of_figure("probability of up, %") == "probability of up, %"
