"""Short names: found through entry points, tagged as they are registered, and refused with a suggestion."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from importlib.metadata import EntryPoint, EntryPoints
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from tenor import registry
from tenor.decide.position import Probability, Sign
from tenor.errors import StudyError
from tenor.registry import GROUPS, OneOf, look_up, registered
from tenor.settings import STRICT


@pytest.mark.parametrize(
    ("group", "least"),
    [
        ("tenor.sources", {"folder", "simulated"}),
        (
            "tenor.factors",
            {
                "activity",
                "curve_shape",
                "funding",
                "leg_change",
                "spread_change",
                "spread_level",
                "time_to_expiry",
            },
        ),
        (
            "tenor.models",
            {"dnn", "lightgbm", "logistic", "lstm", "majority", "momentum", "reversal"},
        ),
        ("tenor.positions", {"probability", "sign"}),
        ("tenor.splits", {"dates", "walk_forward"}),
    ],
)
def test_every_published_name_is_registered(group: str, least: set[str]) -> None:
    """A study file that names one of these must stay readable."""
    known = registered(group)
    assert least <= set(known)
    assert list(known) == sorted(known)


@pytest.mark.parametrize("group", GROUPS)
def test_every_class_is_frozen_settings_tagged_with_its_name(group: str) -> None:
    for name, settings in registered(group).items():
        assert is_dataclass(settings)
        assert settings.__dataclass_params__.frozen
        (tag,) = [field for field in fields(settings) if field.name == GROUPS[group]]
        assert tag.default == name
        assert settings.__pydantic_config__ == STRICT


def test_a_name_that_is_not_known_is_refused_with_a_suggestion() -> None:
    assert look_up("tenor.positions", "sign") is Sign
    with pytest.raises(
        StudyError, match=r"tenor.models: no 'lgistic'; did you mean 'logistic'\?; known are dnn"
    ):
        look_up("tenor.models", "lgistic")


def test_a_field_takes_any_class_of_its_group_by_the_tag() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Any, OneOf("tenor.positions")])
    assert adapter.validate_python({"kind": "sign", "band": 1.0}) == Sign(band=1.0)
    assert adapter.validate_python({"kind": "probability", "cap": 0.5}) == Probability(cap=0.5)
    for wrong in ({"kind": "kelly"}, {"band": 1.0}, {"kind": "sign", "cap": 0.5}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@dataclass(frozen=True, slots=True)
class Theirs:
    """A user's model."""

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["theirs"] = "theirs"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """Entry points as if other packages were installed."""
    found: list[EntryPoint] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(found).select(group=group))
    registered.cache_clear()
    yield found
    registered.cache_clear()


def entry(name: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:Theirs", "tenor.models")


def test_another_package_registers_as_ours_do(
    installed: list[EntryPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: Theirs)
    installed.append(entry("theirs"))
    assert registered("tenor.models") == {"theirs": Theirs}
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Any, OneOf("tenor.models")])
    assert adapter.validate_python({"kind": "theirs"}) == Theirs()


def test_a_class_that_is_tagged_otherwise_is_refused(
    installed: list[EntryPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: Theirs)
    installed.append(entry("ours"))
    with pytest.raises(StudyError, match="registered in tenor.models as 'ours' but its 'kind' is 'theirs'"):
        registered("tenor.models")
