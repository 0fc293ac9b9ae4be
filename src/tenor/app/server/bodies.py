"""What a request over HTTP may say, made from the request of each command: the same fields, less those of the server.

A body has the fields of the command's dataclass with their types and defaults. Folders in which the server keeps things
are its own and are not in it; files to write are not either, for what is written is fetched; names of runs, studies and
files are words that :class:`tenor.app.server.workplace.Workplace` turns into paths.
"""

import datetime
import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, create_model

from tenor.app.commands import COMMANDS, Command
from tenor.app.server.workplace import STUDIES, Workplace
from tenor.settings import parameters

OWN: dict[str, dict[str, Callable[[Workplace], Path | None]]] = {
    "": {
        "runs": lambda place: place.runs,
        "history": lambda place: place.history,
        "pulled": lambda place: place.pulled,
        "pdf": lambda place: None,
        "csv": lambda place: None,
    },
    "predict": {"page": lambda place: None},
    "whatif": {"page": lambda place: None},
    "data pull": {"folder": lambda place: place.pulled},
}
"""Fields that the server fills, by command; those of ``""`` everywhere."""

SPELT = {"yield_": "yield"}
"""Fields whose name is a word of Python."""

LONG = ("run", "rerun", "predict", "data pull")
"""Commands that are jobs: they train, or ask others over the network."""

MOST_WORDS = 500
"""Most items of a list in a body."""


@dataclass(frozen=True, slots=True)
class Route:
    """One command over HTTP.

    Parameters
    ----------
    command
        The command.
    body
        What a request may say, a pydantic model.
    long
        Whether it is a job.
    """

    command: Command[Any]
    body: type[BaseModel]
    long: bool

    @property
    def path(self) -> str:
        """Where it is asked, below the API's root."""
        return self.command.name.replace(" ", "/")

    def request(self, body: BaseModel, place: Workplace) -> Any:
        """Return the command's request; errors of :class:`Workplace` for words that are no path here."""
        made: dict[str, Any] = {}
        for field in fields(self.command.request):
            own = _own(self.command.name, field.name)
            made[field.name] = own(place) if own else _placed(field.name, getattr(body, field.name), place)
        return self.command.request(**made)

    def request_of(self, words: dict[str, Any], place: Workplace) -> Any:
        """Return the command's request for a body as it was kept with a job."""
        return self.request(self.body.model_validate_json(json.dumps(words)), place)


def _own(command: str, name: str) -> Callable[[Workplace], Path | None] | None:
    """What the server fills a field with; ``None`` for one that a body says."""
    return OWN.get(command, {}).get(name) or OWN[""].get(name)


def _placed(name: str, value: Any, place: Workplace) -> Any:
    """A word as the path that it stands for, other values as they are."""
    if value is None:
        return None
    if name == "run":
        return place.run(value)
    if name in STUDIES:
        return place.study(value)
    if name in ("data", "folder", "layout", "scenarios"):
        return place.inside(value)
    if name == "against" and ("/" in value or "." in value):
        return str(place.inside(value))
    if name == "names":
        return tuple(str(place.run(each)) for each in value)
    if name in ("tickers", "items"):
        return tuple(place.ticker(each) for each in value)
    return value


def routes() -> tuple[Route, ...]:
    """Return every command as a route."""
    return tuple(Route(command, _body(command), command.name in LONG) for command in COMMANDS)


def _body(command: Command[Any]) -> type[BaseModel]:
    told = parameters(command.request.__doc__ or "")
    hints = get_type_hints(command.request, localns={"date": datetime.date})
    made: dict[str, Any] = {}
    for field in fields(command.request):
        if _own(command.name, field.name):
            continue
        kind = _kind(hints[field.name])
        default = ... if field.default is MISSING and field.default_factory is MISSING else field.default
        if default is ... and type(None) in get_args(kind):
            default = None
        if isinstance(default, Path):
            default = str(default)
        extra: dict[str, Any] = {"description": told.get(field.name, "")}
        if field.name in SPELT:
            extra["alias"] = SPELT[field.name]
        if "tuple" in str(kind):
            extra["max_length"] = MOST_WORDS
        made[field.name] = (kind, Field(default, **extra))
    name = "".join(part.title() for part in command.name.split()) + "Body"
    return create_model(
        name,
        __config__=ConfigDict(extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False),
        **made,
    )


def _only_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("write a day as text, 2026-11-24")
    return value


_DAY = Annotated[datetime.date, BeforeValidator(_only_text)]


def _kind(hint: Any) -> Any:
    """The type of a field in a body: words in place of paths, days as text, and nothing taken for another type."""
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(_kind(part) for part in get_args(hint))]  # noqa: UP007
    if get_origin(hint) is tuple:
        return tuple[_kind(get_args(hint)[0]), ...]  # type: ignore[misc]
    if hint is datetime.date:
        return _DAY
    if hint is Path:
        hint = str
    if hint is str:
        return Annotated[str, Strict(), AfterValidator(_can_be_kept)]
    return Annotated[hint, Strict()] if hint in (int, float, bool) else hint


def _can_be_kept(text: str) -> str:
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError("a character that is none: NUL, or half of a pair of surrogates")
    return text
