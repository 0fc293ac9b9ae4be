"""Short name to class: what a study file may name.

Sources, factors, models, positions, splits and shifts are found through entry points, our own no differently from a
user's: a package that declares ::

    [project.entry-points."tenor.models"]
    my_gru = "my_package.gru:MyGRU"

can be named in a study file as ``kind = "my_gru"``. The class is a frozen dataclass of settings whose tag
field (``kind``, or ``source`` for sources) is a ``Literal`` of the same name; it is validated like ours.
"""

from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import entry_points
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from tenor.errors import StudyError

GROUPS = {
    "tenor.sources": "source",
    "tenor.factors": "kind",
    "tenor.models": "kind",
    "tenor.positions": "kind",
    "tenor.portfolios": "kind",
    "tenor.splits": "kind",
    "tenor.shifts": "kind",
}
"""Each group of names with the field that tags its classes."""


@cache
def registered(group: str) -> dict[str, type[Any]]:
    """Return the classes of ``group`` by sorted short name; StudyError if one is tagged otherwise."""
    found: dict[str, type[Any]] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        settings = entry.load()
        tag = next((field.default for field in fields(settings) if field.name == GROUPS[group]), None)
        if tag != entry.name:
            raise StudyError(
                f"{entry.value} is registered in {group} as {entry.name!r} but its {GROUPS[group]!r} is"
                f" {tag!r}; the two must agree"
            )
        found[entry.name] = settings
    return found


@dataclass(frozen=True, slots=True)
class OneOf:
    """Annotation of a settings field: a table whose tag names one class of ``group``."""

    group: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Resolve to the tagged union of the registered classes."""
        classes = tuple(registered(self.group).values())
        union: Any = Annotated[Union[classes], Field(discriminator=GROUPS[self.group])]  # noqa: UP007
        return handler.generate_schema(union if len(classes) > 1 else classes[0])
