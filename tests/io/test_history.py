"""The history of forecasts: kept once, whole or not at all, never changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenor.errors import RunError
from tenor.io.history import keep, kept

SAID = {"code": "BRK.B", "as_of": "2026-11-24", "models": [{"model": "lstm", "up": 0.52}]}


def test_what_was_said_is_read_back(tmp_path: Path) -> None:
    path = keep(tmp_path, SAID, asked_at="2026-11-25T06:00:00Z")
    assert path.parent == tmp_path / "2026-11-24"
    assert path.name.startswith("BRK.B-")
    (entry,), unusable = kept(tmp_path)
    assert (entry.path, entry.asked_at, entry.forecast, unusable) == (path, "2026-11-25T06:00:00Z", SAID, ())


def test_asking_twice_keeps_it_once_and_saying_otherwise_keeps_both(tmp_path: Path) -> None:
    first = keep(tmp_path, SAID, asked_at="2026-11-25T06:00:00Z")
    before = first.read_bytes()
    assert keep(tmp_path, SAID, asked_at="2026-11-25T07:00:00Z") == first
    assert first.read_bytes() == before
    keep(tmp_path, {**SAID, "models": []}, asked_at="2026-11-25T08:00:00Z")
    assert len(kept(tmp_path)[0]) == 2


def test_a_code_never_leaves_its_folder(tmp_path: Path) -> None:
    root = tmp_path / "history"
    path = keep(root, {**SAID, "code": "../../^GSPC"}, asked_at="2026-11-25T06:00:00Z")
    assert path.parent == root / "2026-11-24"
    assert [entry.forecast["code"] for entry in kept(root)[0]] == ["../../^GSPC"]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(RunError, match=r"cannot be kept below .*: No space left on device; give another folder"):
        keep(tmp_path, SAID, asked_at="2026-11-25T06:00:00Z")
    assert list(tmp_path.rglob("*.json*")) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "JSONDecodeError"),
        (json.dumps({"format": 9, "asked_at": "", "forecast": SAID}), "has format 9"),
        (json.dumps({"asked_at": "", "forecast": SAID}), "KeyError"),
        (json.dumps({"format": 1, "asked_at": "", "forecast": {}}), "KeyError"),
        ("[]", "TypeError"),
    ],
)
def test_a_file_that_is_no_forecast_is_named_and_costs_the_others_nothing(tmp_path: Path, text: Any, why: str) -> None:
    keep(tmp_path, SAID, asked_at="2026-11-25T06:00:00Z")
    broken = tmp_path / "2026-11-24" / "AAPL-0000000000.json"
    broken.write_text(text, encoding="utf-8")
    entries, unusable = kept(tmp_path)
    assert len(entries) == 1
    assert len(unusable) == 1
    assert str(broken) in unusable[0]
    assert why in unusable[0]


def test_no_history_is_an_empty_one(tmp_path: Path) -> None:
    assert kept(tmp_path / "none") == ((), ())
