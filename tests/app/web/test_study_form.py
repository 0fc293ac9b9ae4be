"""The form of a study: every study can be typed into it and comes out as it went in; what is wrong has a place."""

import tomllib
from html import unescape
from html.parser import HTMLParser

import pytest

from tenor.app.server.drafts import schema_of, subject_of
from tenor.app.web import study_form
from tenor.app.web.words import Words
from tenor.io.studies import list_published, load_any, published
from tenor.study import plain_table

WORDS = Words("en")


class _Inputs(HTMLParser):
    """Inputs of a form with what stands in them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self._select: tuple[dict[str, str], str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag == "input" and held.get("data-path"):
            self.found[str(held["data-path"])] = held.get("value") or ""
        if tag == "select":
            into = self.kinds if held.get("data-do") == "switch" else self.found
            self._select = None if held.get("data-do") == "add" else (into, str(held.get("data-path") or ""))
        if tag == "option" and self._select is not None and "selected" in held:
            self._select[0][self._select[1]] = held.get("value") or ""


def draft(name: str) -> dict:
    return plain_table(tomllib.loads(published(name).read_text(encoding="utf-8")))


def inputs(table: dict) -> _Inputs:
    parser = _Inputs()
    parser.feed(study_form.form_html(schema_of(subject_of(table)), table, WORDS))
    return parser


@pytest.mark.parametrize("name", list_published())
def test_what_stands_in_the_form_typed_again_is_the_same_study(name: str) -> None:
    table = draft(name)
    schema = schema_of(subject_of(table))
    again = table
    for path, text in inputs(table).found.items():
        if text:
            again = study_form.typed(schema, again, path, text)
    assert load_any(again, where="again").identity == load_any(table, where="first").identity


def test_every_setting_of_a_study_is_in_the_form() -> None:
    table = draft("cgb-spread")
    form = inputs(table)
    found = form.found
    assert found["seeds"] == "5"
    assert found["market.products"] == "TS, TF, T, TL"
    assert found["valuation.funding"] == "REPO.ON = 1, REPO.1W = 7, REPO.1M = 30"
    assert found["models[6].hidden"] == "8"
    assert found["models[4].trees"] == ""  # its default holds
    assert found["trading.fills"] == "same_close, next_open, next_close"
    assert form.kinds["split"] == "walk_forward"


def test_what_is_typed_is_of_the_kind_that_the_key_has() -> None:
    table, schema = draft("cgb-spread"), schema_of("pairs")
    for path, text, value in (
        ("seeds", " 7 ", 7),
        ("seeds", "seven", "seven"),
        ("market.signal", "0.5", 0.5),
        ("split.expanding", "false", False),
        ("split.folds", "3", 3),
        ("factors[1].days", "1, 2,", [1, 2]),
        ("valuation.funding", "REPO.1W = 7", {"REPO.1W": 7}),
        ("trading.costs.fee", "exchange", "exchange"),
        ("trading.costs.fee", "3", 3),
        ("market.last", "2024-12-31", "2024-12-31"),
    ):
        made = study_form.typed(schema, table, path, text)
        place = made
        for step in study_form.steps(path):
            place = place[step]
        assert place == value, path
    assert table == draft("cgb-spread")  # what was given is left as it was
    assert "seed" not in study_form.typed(schema, table, "seed", "  ")


def test_entries_and_tables_come_and_go() -> None:
    table, schema = draft("cgb-spread"), schema_of("pairs")
    more, path = study_form.added(schema, table, "models", "gru")
    assert (more["models"][-1], path) == ({"kind": "gru"}, "models[7]")
    assert study_form.removed(more, "models[7]") == table
    scenario, path = study_form.added(schema, table, "scenarios", "")
    shift, at = study_form.added(schema, scenario, f"{path}.shifts", "parallel")
    assert (shift["scenarios"], at) == ([{"shifts": [{"kind": "parallel"}]}], "scenarios[0].shifts[0]")
    assert study_form.opened(study_form.removed(table, "valuation"), "valuation")["valuation"] == {}
    other = study_form.switched(schema, table, "split", "dates")
    assert other["split"] == {"kind": "dates", "purge": 2}  # what both kinds have is kept
    assert "split" not in study_form.switched(schema, table, "split", "")
    head = study_form.switched(schema, table, "models[6].head", "direction")
    assert head["models"][6]["head"] == {"kind": "direction"}


@pytest.mark.parametrize("path", ["nowhere", "models[99].hidden", "models[0].hidden", "seeds.deeper", "models.kind"])
def test_a_key_that_is_not_there_is_refused(path: str) -> None:
    with pytest.raises((KeyError, IndexError, TypeError)):
        study_form.typed(schema_of("pairs"), draft("cgb-spread"), path, "1")


def test_problems_find_the_key_that_they_name_or_the_nearest_above() -> None:
    html = study_form.form_html(schema_of("pairs"), draft("cgb-spread"), WORDS)
    places = study_form.problem_places(html)
    found = study_form.by_key(
        ("seeds: too few", "models[6].hidden: no number", "models[6].hiden: unexpected key", "no such thing at all"),
        places,
    )
    assert found == {
        "seeds": ["too few"],
        "models[6].hidden": ["no number"],
        "models[6]": ["models[6].hiden: unexpected key"],
        "": ["no such thing at all"],
    }


def test_texts_of_a_draft_cannot_leave_their_place_in_the_page() -> None:
    evil = '"><script>alert(1)</script>'
    table = {**draft("cgb-spread"), "question": evil, "name": evil}
    html = study_form.form_html(schema_of("pairs"), table, WORDS)
    assert "<script>" not in html
    assert evil in unescape(html)
    assert "</script>" not in study_form.as_json(evil)
