"""How a settings class becomes a table of a study file.

A settings class is a plain frozen dataclass; the class that a developer writes in Python *is* the schema of
the file. ``STRICT`` as its ``__pydantic_config__`` makes pydantic refuse keys that the class does not have.
"""

from typing import Any

STRICT: dict[str, Any] = {"extra": "forbid"}
