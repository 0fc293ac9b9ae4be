"""Study files: read, validated, and with their paths counted from where the file lies."""

import tomllib
from pathlib import Path
from typing import Any

from tenor.errors import StudyError, suggest
from tenor.market.market import Market
from tenor.study import Study, load


def read_table(path: Path) -> dict[str, Any]:
    """Return a TOML file as tables; :class:`StudyError` naming the file if it is missing or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        folder = path.parent
        beside = sorted(other.name for other in folder.glob("*.toml"))
        near = suggest(path.name, beside) or (f"; {folder} holds {', '.join(beside)}" if beside else "")
        raise StudyError(f"no study file {path}{near}") from None
    except IsADirectoryError:
        inside = sorted(str(other) for other in path.glob("*.toml"))
        near = f", such as {inside[0]}" if inside else ""
        raise StudyError(f"{path} is a folder; give a study file{near}") from None
    except OSError as refused:
        raise StudyError(f"{path}: cannot be read: {refused.strerror or refused}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise StudyError(f"{path}: not a TOML file in UTF-8: {broken}") from None


def read_study(path: Path) -> Study:
    """Read and validate a study file; :class:`StudyError` with every problem found."""
    return load(read_table(path), where=path.name)


def read_market(study: Study, base: Path) -> Market:
    """Read the study's market; relative paths of its source count from ``base``, the study file's folder."""
    located = getattr(study.market, "located", None)
    source = located(base) if located else study.market
    market: Market = source.read()
    return market


def layout_text(study: Study, base: Path) -> str | None:
    """Return the text of the layout that the study's source reads through; ``None`` for a source without one.

    A run keeps it: what was known when is said there, and nowhere else.
    """
    located = getattr(study.market, "located", None)
    layout = getattr(located(base) if located else study.market, "layout", None)
    return Path(layout).read_text(encoding="utf-8") if layout is not None else None
