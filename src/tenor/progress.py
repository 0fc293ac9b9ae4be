"""Progress: a protocol that is passed in, silent by default.

Whatever takes long calls ``watch(stage, done, total)``; the face that called decides what a person sees.
"""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done and how much there is; ``done == total`` ends the stage."""


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
