"""What is wrong with a table of settings, in a person's words: key path, problem, remedy.

A settings class (:mod:`tenor.settings`) is validated by pydantic; its errors are precise and hard to read. Here each
becomes one line that names the key as the file has it, such as ``models[2].hidden``, and for a mistyped key the nearest
one that exists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tenor.errors import StudyError, suggest
from tenor.registry import GROUPS, OneOf, registered


def problems(root: type, invalid: ValidationError) -> tuple[str, ...]:
    """Return one line for each problem that pydantic found while it validated the settings class ``root``."""
    found = invalid.errors(include_url=False)
    deeper = {error["loc"][:depth] for error in found for depth in range(len(error["loc"]))}
    lines = (
        line
        for error in found
        if not (error["type"] == "too_short" and error["loc"] in deeper)  # short only for want of what is wrong
        for line in _explain(root, error)
    )
    return tuple(dict.fromkeys(lines))


def _explain(root: type, error: ErrorDetails) -> Iterator[str]:
    path, kind = error["loc"], error["type"]
    place = _place(root, path)
    before = f"{place}: " if place else ""
    said = error["msg"]
    if kind == "value_error":
        wrong = error["ctx"]["error"]
        problems = wrong.problems if isinstance(wrong, StudyError) else (str(wrong),)
        yield from (before + problem for problem in problems)
    elif kind in ("unexpected_keyword_argument", "extra_forbidden"):
        allowed = _allowed(root, path[:-1])
        hint = suggest(str(path[-1]), allowed) or f"; allowed are {', '.join(allowed)}"
        yield f"{before}unexpected key{hint}"
    elif kind in ("missing", "missing_argument"):
        yield f"{before}missing; it has no default on purpose: state it"
    elif kind.startswith("union_tag"):
        group, tag = _group(root, path), str(error["ctx"].get("tag", ""))
        expected = str(error["ctx"].get("expected_tags", "")).replace("'", "").split(", ")
        names, key = (tuple(registered(group)), GROUPS[group]) if group else (tuple(expected), "kind")
        given = f"no {key} {tag!r}{suggest(tag, names)}" if tag else f"say which with the key {key!r}"
        yield f"{before}{given} (known are {', '.join(names)})"
    else:
        said = _IN_TOML.get(kind, said)
        yield f"{before}{said}; given {_short(error['input'])}"


_IN_TOML = {
    "dict_type": "it must be a table",
    "dataclass_type": "it must be a table",
    "tuple_type": "it must be a list",
}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _place(root: type, path: Sequence[str | int]) -> str:
    """The key path as the file has it, such as ``models[2].hidden``: without the tags that chose a class."""
    place, current = "", cast(Any, root)
    for part in path:
        if isinstance(part, int):
            place += f"[{part}]"
        elif is_dataclass(current):
            place += f".{part}" if place else part
        current = _step(current, part)
    return place


def _step(current: Any, part: str | int) -> Any:
    """The annotation below ``current`` at one part of an error's path."""
    if get_origin(current) is Annotated:
        inner, *marks = get_args(current)
        groups = [mark.group for mark in marks if isinstance(mark, OneOf)]
        if groups:
            return registered(groups[0]).get(str(part))
        return _step(inner, part)
    if get_origin(current) is tuple:
        return get_args(current)[0]
    if is_dataclass(current) and isinstance(current, type):
        return _given(get_type_hints(current, include_extras=True).get(str(part)))
    return None


def _given(annotation: Any) -> Any:
    """What may be given where ``None`` is the default: ``Codes`` for ``Codes | None``."""
    if get_origin(annotation) is not UnionType:
        return annotation
    return next(part for part in get_args(annotation) if part is not type(None))


def _follow(root: type, path: Sequence[str | int]) -> Any:
    current: Any = root
    for part in path:
        current = _step(current, part)
    return current


def _allowed(root: type, path: Sequence[str | int]) -> tuple[str, ...]:
    settings = _follow(root, path)
    return tuple(f.name for f in fields_of(settings)) if is_dataclass(settings) else ()


def _group(root: type, path: Sequence[str | int]) -> str:
    marks = get_args(_follow(root, path))[1:]
    return next((mark.group for mark in marks if isinstance(mark, OneOf)), "")
