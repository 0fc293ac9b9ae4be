"""Every bad input that we know of, from the command line: what is said, with which status, and what stays on disk."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import Said, Tenor, World, built, quotes, rates, walk  # type: ignore[import-not-found]
