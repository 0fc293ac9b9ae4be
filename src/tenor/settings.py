"""How a settings class becomes a table of a study file.

A settings class is a plain frozen dataclass; the class that a developer writes in Python *is* the schema of
the file. ``STRICT`` as its ``__pydantic_config__`` makes pydantic refuse keys that the class does not have.
"""

import inspect
import re
from collections.abc import Mapping
from typing import Any

STRICT: dict[str, Any] = {"extra": "forbid"}


def parameters(docstring: str) -> dict[str, str]:
    """Return what the numpydoc section *Parameters* of a docstring says of each name, on one line, without markup."""
    section = re.split(r"^Parameters\n-+\n", inspect.cleandoc(docstring), flags=re.M)
    if len(section) < 2:
        return {}
    text = re.split(r"^\w[\w ]*\n-+$", section[1], flags=re.M)[0]
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", text.strip("\n")):
        names, _, told = block.partition("\n")
        for name in names.split(", "):
            found[name.strip()] = _plain(" ".join(told.split()))
    return found


def _plain(text: str) -> str:
    """Sphinx markup as words: ``x`` is 'x', a role is what it names."""
    return re.sub(r":\w+:`~?([^`]*)`", r"\1", text).replace("``", "'")


def described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema of settings classes with what their docstrings say put to each key.

    Pydantic gives each class its whole docstring; here a class keeps what stands before its sections, and each key gets
    its own words as ``description``.
    """
    classes = {name: _described(held) for name, held in schema.get("$defs", {}).items()}
    return {**_described(schema), "$defs": classes} if classes else _described(schema)


def _described(held: Mapping[str, Any]) -> dict[str, Any]:
    docstring = inspect.cleandoc(str(held.get("description", "")))
    told = parameters(docstring)
    keys = {
        key: {**value, "description": told[key]} if key in told else dict(value)
        for key, value in held.get("properties", {}).items()
    }
    idea = " ".join(_plain(re.split(r"\n\w+\n-+\n", docstring)[0]).split())
    return {**held, **({"description": idea} if idea else {}), **({"properties": keys} if keys else {})}
