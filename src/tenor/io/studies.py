"""Study files: read, validated, and with their paths counted from where the file lies."""

import tomllib
from pathlib import Path
from typing import Any

from tenor.errors import StudyError
from tenor.market.market import Market
from tenor.study import Study, load


def read_table(path: Path) -> dict[str, Any]:
    """Return a TOML file as tables; :class:`StudyError` naming file and line if it is missing or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        beside = sorted(other.name for other in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        raise StudyError(f"no study file {path}" + (f"; {path.parent} holds {', '.join(beside)}" if beside else "")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as broken:
        raise StudyError(f"{path}: not a TOML file: {broken}") from broken


def read_study(path: Path) -> Study:
    """Read and validate a study file; :class:`StudyError` with every problem found."""
    return load(read_table(path), where=path.name)


def read_market(study: Study, base: Path) -> Market:
    """Read the study's market; relative paths of its source count from ``base``, the study file's folder."""
    located = getattr(study.market, "located", None)
    source = located(base) if located else study.market
    market: Market = source.read()
    return market
