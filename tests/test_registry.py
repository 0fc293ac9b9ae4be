"""Short names: found through entry points, tagged as they are registered, and refused with a suggestion."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tenor.decide.position import Probability, Sign
from tenor.errors import StudyError
from tenor.registry import GROUPS, OneOf, registered
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
        ("tenor.splits", {"dates", "outcome_dates", "walk_forward"}),
        (
            "tenor.shifts",
            {
                "butterfly",
                "flattener",
                "irrbb",
                "key_rate",
                "macro",
                "parallel",
                "pca",
                "points",
                "price",
                "quarter_end",
                "rate",
                "replay",
                "repo",
                "steepener",
                "volatility",
            },
        ),
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


def test_a_field_takes_any_class_of_its_group_by_the_tag() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Any, OneOf("tenor.positions")])
    assert adapter.validate_python({"kind": "sign", "band": 1.0}) == Sign(band=1.0)
    assert adapter.validate_python({"kind": "probability", "cap": 0.5}) == Probability(cap=0.5)
    for wrong in ({"kind": "kelly"}, {"band": 1.0}, {"kind": "sign", "cap": 0.5}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


THEIRS = """
from dataclasses import dataclass
from typing import ClassVar, Literal

@dataclass(frozen=True, slots=True)
class Theirs:
    __pydantic_config__: ClassVar = {"extra": "forbid"}
    units: int = 8
    kind: Literal["theirs"] = "theirs"
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Install a user's package that registers its model under a name."""

    def put(name: str) -> None:
        (tmp_path / "their_package.py").write_text(THEIRS)
        about = tmp_path / "their_package-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their_package\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[tenor.models]\n{name} = their_package:Theirs\n")
        monkeypatch.syspath_prepend(tmp_path)
        registered.cache_clear()

    yield put
    sys.modules.pop("their_package", None)
    registered.cache_clear()


def test_another_package_registers_as_ours_do(install: Callable[[str], None]) -> None:
    install("theirs")
    assert {"theirs", "lstm"} <= set(registered("tenor.models"))
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Any, OneOf("tenor.models")])
    made = adapter.validate_python({"kind": "theirs", "units": 3})
    assert (type(made).__name__, made.units) == ("Theirs", 3)


def test_a_class_that_is_tagged_otherwise_is_refused(install: Callable[[str], None]) -> None:
    install("ours")
    with pytest.raises(StudyError, match=r"registered in tenor\.models as 'ours' but its 'kind' is 'theirs'"):
        registered("tenor.models")
