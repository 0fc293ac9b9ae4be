"""The form of a study, made from its JSON schema: what may be set, with help, default and place for what is wrong.

Pure: a schema and a draft's table go in, HTML and new tables come out. A key of the form is the key path that problems
have, such as ``models[2].hidden``; a key that is left empty is not in the table, so its default holds.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
Table: TypeAlias = dict[str, Any]

_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Node:
    """What a schema allows at one place.

    Parameters
    ----------
    held
        The schema there, its reference followed and ``null`` taken out.
    told, default
        Words and default of the key.
    optional
        Whether the key may be absent.
    """

    held: Schema
    told: str = ""
    default: Any = None
    optional: bool = True


def steps(path: str) -> list[str | int]:
    """Return the steps of a key path: ``models[2].hidden`` is ``["models", 2, "hidden"]``."""
    return [name or int(number) for name, number in _PART.findall(path)]


def typed(schema: Schema, table: Table, path: str, text: str) -> Table:
    """Return the table with what was typed at a key; an empty text takes the key out.

    A text that is not of the key's kind is kept as text: the check of the study says what is wrong with it.
    """
    node, made = _at(schema, table, steps(path)), copy.deepcopy(table)
    *above, last = steps(path)
    owner = _owner(made, above)
    if text.strip() == "" and isinstance(owner, dict):
        owner.pop(last, None)
    else:
        owner[last] = _read(schema, node.held, text)
    return made


def added(schema: Schema, table: Table, path: str, kind: str) -> tuple[Table, str]:
    """Return the table with one more entry in a list of tables, of a kind where there are several; and its key."""
    node, made = _at(schema, table, steps(path)), copy.deepcopy(table)
    *above, last = steps(path)
    owner = _owner(made, above)
    before = owner.get(last, [])
    owner[last] = [*before, _fresh(schema, _resolved(schema, node.held["items"]), kind)]
    return made, f"{path}[{len(before)}]"


def removed(table: Table, path: str) -> Table:
    """Return the table without one entry of a list, or one table."""
    made = copy.deepcopy(table)
    *above, last = steps(path)
    owner = _owner(made, above)
    del owner[last]
    return made


def opened(table: Table, path: str) -> Table:
    """Return the table with an empty table at a key that was absent."""
    made = copy.deepcopy(table)
    *above, last = steps(path)
    _owner(made, above).setdefault(last, {})
    return made


def switched(schema: Schema, table: Table, path: str, kind: str) -> Table:
    """Return the table with another kind at a place, keys that it has too are kept; with no kind, without the place."""
    if not kind:
        return removed(table, path)
    node, made = _at(schema, table, steps(path)), copy.deepcopy(table)
    *above, last = steps(path)
    owner = _owner(made, above)
    before = owner[last] if isinstance(last, int) else owner.get(last, {})
    fresh = _fresh(schema, node.held, kind)
    allowed = _variant(schema, node.held, kind)["properties"]
    owner[last] = {**{key: value for key, value in before.items() if key in allowed}, **fresh}
    return made


def form_html(schema: Schema, table: Table, words: Callable[..., str]) -> str:
    """Return the form as HTML; its inputs carry ``data-path``, its buttons ``data-do``."""
    return _Form(schema, words).table(schema, table, "", top=True)


class _Form:
    """Writes the form: one method for each shape of a schema."""

    def __init__(self, schema: Schema, words: Callable[..., str]) -> None:
        self._schema, self._words = schema, words

    def table(self, held: Schema, table: Mapping[str, Any], path: str, *, top: bool = False) -> str:
        """Every key of a table: what is short first, then what has a frame of its own."""
        required = held.get("required", ())
        short, framed = [], []
        for key, stated in held["properties"].items():
            if "const" in stated:
                continue
            node = Node(
                _resolved(self._schema, stated),
                str(stated.get("description", "")),
                stated.get("default"),
                key not in required,
            )
            place = f"{path}.{key}" if path else key
            if _is_framed(self._schema, node.held):
                framed.append(self._frame(key, node, table.get(key), place))
            else:
                short.append(self._field(key, node, table.get(key), place))
        fields = f'<div class="fields">{"".join(short)}</div>' if short else ""
        return fields + "".join(framed)

    def _frame(self, key: str, node: Node, value: Any, path: str) -> str:
        held = node.held
        inside = self._list(node, value, path) if held.get("type") == "array" else self._one(node, value, path)
        return (
            f'<details class="frame" data-frame="{escape(path)}"><summary>{escape(_named(key))}'
            f' <span class="fine">{escape(self._digest(node.held, value))}</span></summary>'
            f"{_fine(node.told or str(held.get('description', '')))}{_problem(path)}{inside}</details>"
        )

    def _digest(self, held: Schema, value: Any) -> str:
        """What a closed frame says: the kinds in a list, or the kind and the keys that are set."""
        if isinstance(value, list):
            tag = _tag(_resolved(self._schema, held["items"]))
            return ", ".join(
                _named(str(each.get(tag) or each.get("name") or at + 1)) if isinstance(each, Mapping) else str(at + 1)
                for at, each in enumerate(value)
            )
        if not isinstance(value, Mapping):
            return self._words("form_absent") if held.get("type") != "array" else ""
        kind = [_named(str(value[_tag(held)]))] if _tag(held) in value else []
        flat = (
            f"{_named(key)} {_shown(each)}"
            for key, each in value.items()
            if key != _tag(held) and not isinstance(each, Mapping)
        )
        return "; ".join([*kind, *flat])

    def _list(self, node: Node, value: Any, path: str) -> str:
        items = _resolved(self._schema, node.held["items"])
        entries = value if isinstance(value, list) else []
        cards = "".join(self._entry(items, entry, f"{path}[{at}]", at) for at, entry in enumerate(entries))
        kinds = list(_kinds(items))
        if kinds:
            options = "".join(f'<option value="{escape(kind)}">{escape(_named(kind))}</option>' for kind in kinds)
            add = (
                f'<label class="field"><span>{escape(self._words("form_add"))}</span><select data-do="add"'
                f' data-path="{escape(path)}"><option value="">+</option>{options}</select></label>'
            )
        else:
            add = (
                f'<button type="button" class="plain" data-do="add" data-path="{escape(path)}">'
                f"{escape(self._words('form_add'))}</button>"
            )
        return f"{cards}<div class=row>{add}</div>"

    def _entry(self, items: Schema, entry: Any, path: str, at: int) -> str:
        kind = entry.get(_tag(items), "") if isinstance(entry, Mapping) and _tag(items) else ""
        name = _named(str(kind)) if kind else str(entry.get("name", at + 1) if isinstance(entry, Mapping) else at + 1)
        remove = (
            f'<button type="button" class="plain" data-do="remove" data-path="{escape(path)}"'
            f' aria-label="{escape(self._words("form_remove", what=name))}">×</button>'
        )
        inside = self._variant_fields(items, entry, path)
        label = f"{escape(name)}"
        return f'<fieldset class="entry"><legend>{label} {remove}</legend>{_problem(path)}{inside}</fieldset>'

    def _variant_fields(self, held: Schema, entry: Any, path: str) -> str:
        table = entry if isinstance(entry, Mapping) else {}
        if not _kinds(held):
            return self.table(held, table, path)
        kind = str(table.get(_tag(held), ""))
        if kind not in _kinds(held):
            return ""
        chosen = _variant(self._schema, held, kind)
        return _fine(str(chosen.get("description", ""))) + self.table(chosen, table, path)

    def _one(self, node: Node, value: Any, path: str) -> str:
        """A table of its own: with a choice of its kind where there are several, or none where it may be absent."""
        kinds = _kinds(node.held)
        if kinds:
            kind = str(value.get(_tag(node.held), "")) if isinstance(value, Mapping) else ""
            options = ([""] if node.optional or not kind else []) + list(kinds)
            chooser = self._select(_tag(node.held), path, options, kind, do="switch")
            return f'<div class="fields">{chooser}</div>' + self._variant_fields(node.held, value, path)
        if value is None and node.optional and node.default is None:
            return (
                f'<button type="button" class="plain" data-do="open" data-path="{escape(path)}">'
                f"{escape(self._words('form_add'))}</button>"
            )
        drawn = self.table(node.held, value if isinstance(value, Mapping) else {}, path)
        if value is None or not node.optional:
            return drawn
        remove = escape(self._words("form_remove", what=_named(path)))
        return (
            f'{drawn}<button type="button" class="plain" data-do="remove" data-path="{escape(path)}">{remove}</button>'
        )

    def _select(self, key: str, path: str, options: list[str], value: str, *, do: str = "") -> str:
        drawn = "".join(
            f'<option value="{escape(each)}"{" selected" if each == value else ""}>{escape(each) or "-"}</option>'
            for each in options
        )
        action = f' data-do="{do}"' if do else ""
        return (
            f'<label class="field"><span>{escape(_named(key))}</span><select data-path="{escape(path)}"{action}>'
            f"{drawn}</select></label>"
        )

    def _field(self, key: str, node: Node, value: Any, path: str) -> str:
        held, ident = node.held, f"key-{path}"
        default = "" if node.default is None else _shown(node.default)
        empty = self._words("form_default", value=default) if default else ""
        attributes = f'id="{escape(ident)}" data-path="{escape(path)}" aria-describedby="{escape(ident)}-told"'
        options = [str(each) for each in held["enum"]] if "enum" in held else None
        if held.get("type") == "boolean":
            options = ["true", "false"]
        if options is not None:
            blank = [("", empty or "-")] if node.optional or value is None else []
            drawn = "".join(
                f'<option value="{escape(each)}"{" selected" if each == _shown(value) else ""}>{escape(name)}</option>'
                for each, name in [*blank, *((each, each) for each in options)]
            )
            control = f"<select {attributes}>{drawn}</select>"
        else:
            hint = f' placeholder="{escape(empty)}"' if empty else ""
            mode = ' inputmode="decimal"' if held.get("type") in ("integer", "number") else ""
            control = f'<input type="text" {attributes} value="{escape(_shown(value))}"{hint}{mode} spellcheck="false">'
        told = " ".join(part for part in (node.told, self._allowed(held)) if part)
        need = "" if node.optional else f' <b title="{escape(self._words("form_required"))}">*</b>'
        return (
            f'<div class="field"><label for="{escape(ident)}">{escape(_named(key))}{need}</label>{control}'
            f'<div class="fine" id="{escape(ident)}-told">{escape(told)}</div>{_problem(path)}</div>'
        )

    def _allowed(self, held: Schema) -> str:
        """What may be given, as far as the schema says."""
        if held.get("type") == "array":
            items = _resolved(self._schema, held["items"])
            each = ", ".join(map(str, items["enum"])) if "enum" in items else self._allowed(items)
            return self._words("form_list") + (f" {each}" if each else "")
        if "additionalProperties" in held and held.get("type") == "object":
            return self._words("form_map")
        if held.get("format") == "date":
            return "2025-12-31"
        bounds = [
            f"{sign} {held[name]:g}"
            for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
            if name in held
        ]
        return ", ".join(bounds)


def _named(key: str) -> str:
    return key.replace("_", " ")


def _fine(text: str) -> str:
    return f'<p class="fine">{escape(text)}</p>' if text else ""


def _problem(path: str) -> str:
    return f'<p class="problem" data-problem="{escape(path)}" hidden></p>'


def _shown(value: Any) -> str:
    """A value as a person types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_shown(each)}" for key, each in value.items())
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _read(schema: Schema, held: Schema, text: str) -> Any:
    """What a text says, as far as it is of the kind that the schema allows."""
    held, text = _resolved(schema, held), text.strip()
    if "anyOf" in held:
        readings = [_read(schema, each, text) for each in held["anyOf"]]
        return next((value for value in readings if not isinstance(value, str)), text)
    kind = held.get("type")
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number":
        try:
            return int(text) if _INTEGER.fullmatch(text) else float(text)
        except ValueError:
            return text
    if kind == "array":
        return [_read(schema, held["items"], each) for each in text.split(",") if each.strip()]
    if kind == "object":
        pairs = [each.partition("=") for each in text.split(",") if each.strip()]
        return {key.strip(): _read(schema, held["additionalProperties"], value) for key, _, value in pairs}
    return text


def _resolved(schema: Schema, held: Schema) -> Schema:
    """A schema with its reference followed and ``null`` taken out of its alternatives; a path is a text."""
    if "$ref" in held:
        found: Schema = schema["$defs"][held["$ref"].rpartition("/")[2]]
        return found
    if "anyOf" in held:
        real = [each for each in held["anyOf"] if each.get("type") != "null" and each.get("format") != "path"]
        if len(real) == 1:
            return _resolved(schema, real[0])
        return {**held, "anyOf": real}
    return held


def _tag(held: Schema) -> str:
    return str(held.get("discriminator", {}).get("propertyName", ""))


def _kinds(held: Schema) -> Mapping[str, str]:
    found: Mapping[str, str] = held.get("discriminator", {}).get("mapping", {})
    return found


def _variant(schema: Schema, held: Schema, kind: str) -> Schema:
    if not _kinds(held):
        return held
    found: Schema = schema["$defs"][_kinds(held)[kind].rpartition("/")[2]]
    return found


def _is_framed(schema: Schema, held: Schema) -> bool:
    """Whether a key is a table, a choice among tables, or a list of tables."""
    if "discriminator" in held or "properties" in held:
        return True
    return held.get("type") == "array" and _is_framed(schema, _resolved(schema, held["items"]))


def _fresh(schema: Schema, held: Schema, kind: str) -> Table:
    """A new table: its tag alone, so that what has no default has to be stated."""
    if _kinds(held):
        return {_tag(held): kind} if kind in _kinds(held) else {}
    return {key: value["const"] for key, value in held.get("properties", {}).items() if "const" in value}


def _owner(table: Table, above: list[str | int]) -> Any:
    """The table or list that holds a key, made on the way where it was absent."""
    here: Any = table
    for step in above:
        here = here[step] if isinstance(step, int) else here.setdefault(step, {})
    return here


def _at(schema: Schema, table: Table, path: list[str | int]) -> Node:
    """What the schema allows at a key path; KeyError for a path that it does not have."""
    held: Schema = schema
    value: Any = table
    for step in path:
        if isinstance(step, int):
            held = _resolved(schema, held["items"])
            value = value[step]
        else:
            if _kinds(held):
                held = _variant(schema, held, str(value[_tag(held)]))
            held = _resolved(schema, held["properties"][step])
            value = value.get(step, {}) if isinstance(value, Mapping) else {}
    return Node(held)


def by_key(problems: tuple[str, ...], paths: set[str]) -> dict[str, list[str]]:
    """Sort problems to the keys of a form that they name; those that name none, or a key it has not, are under ``""``.

    ``models[2].hidden: ...`` belongs to ``models[2].hidden``, or to ``models[2]`` where the form has no such key.
    """
    found: dict[str, list[str]] = {}
    for problem in problems:
        key, colon, told = problem.partition(": ")
        place = key if colon else ""
        while place and place not in paths:
            place = re.sub(r"(\.[^.\[]+|\[\d+\]|^[^.\[]+)$", "", place)
        found.setdefault(place, []).append(told if place == key and place else problem)
    return found


def problem_places(html: str) -> set[str]:
    """Return the keys of a form that have a place for what is wrong."""
    return set(re.findall(r'data-problem="([^"]*)"', html))


def as_json(value: Any) -> str:
    """Write a value for a script in the page."""
    return json.dumps(value).replace("<", "\\u003c")
