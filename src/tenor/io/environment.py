"""Environment variables: every one that Tenor reads, here and nowhere else. They hold secrets and paths only."""

import os

FRED_KEY = "FRED_API_KEY"
"""A key for FRED's API, which tells when each publication came out; without it a rule says so."""


def fred_key() -> str | None:
    """Return the key for FRED's API, ``None`` if there is none."""
    return os.environ.get(FRED_KEY, "").strip() or None
