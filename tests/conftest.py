"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Every draw is seeded, and no test depends on how fast the machine is.
settings.register_profile("tenor", derandomize=True, deadline=None)
settings.load_profile("tenor")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The development data: ``TENOR_DATA``, or ``shared/data`` beside the repository; skips without."""
    named = os.environ.get("TENOR_DATA")
    if named is not None:
        folder = Path(named)
        if not folder.is_dir():
            pytest.fail(f"TENOR_DATA names {named!r}, which is no folder; correct it, or unset it to skip")
        return folder
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the development data: set TENOR_DATA to their folder")
    return folder
