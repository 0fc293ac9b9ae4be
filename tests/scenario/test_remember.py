"""What was worked out is kept as long as its subject, and no longer."""

import gc
import weakref
from dataclasses import dataclass

from tenor.scenario.remember import remembered


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Subject:
    size: int


def test_a_subject_is_asked_once_for_each_question() -> None:
    asked = []

    @remembered
    def area(subject: Subject, by: int = 1) -> int:
        asked.append((subject.size, by))
        return subject.size * by

    one, same = Subject(3), Subject(3)
    assert [area(one), area(one), area(one, 2), area(one, by=2), area(same)] == [3, 3, 6, 6, 3]
    assert asked == [(3, 1), (3, 2), (3, 2), (3, 1)]


def test_what_is_remembered_goes_with_its_subject() -> None:
    @remembered
    def text(subject: Subject) -> list[int]:
        return [subject.size]

    one = Subject(3)
    gone = weakref.ref(one)
    text(one)
    del one
    gc.collect()
    assert gone() is None
