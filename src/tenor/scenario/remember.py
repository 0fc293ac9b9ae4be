"""Remember an answer about a value for as long as the value lives, and not longer.

A base and a scene never change, and several shifts of one scenario ask them the same. What was worked out is kept
beside the value, and goes when nobody holds the value any more.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

Subject = TypeVar("Subject")
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def remembered(
    function: Callable[Concatenate[Subject, Given], Answer],
) -> Callable[Concatenate[Subject, Given], Answer]:
    """Return ``function`` asked once for each subject and further arguments, all of which must be hashable.

    The subject must allow weak references, and the answer must not hold it.
    """
    kept: WeakKeyDictionary[Any, dict[Any, Answer]] = WeakKeyDictionary()

    @wraps(function)
    def once(subject: Subject, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        answers = kept.setdefault(subject, {})
        key = (given, tuple(sorted(named.items())))
        if key not in answers:
            answers[key] = function(subject, *given, **named)
        return answers[key]

    return once
