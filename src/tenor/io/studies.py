"""Study files: read, validated, and with their paths counted from where the file lies."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import TypeAdapter, ValidationError

import tenor
from tenor.errors import StudyError, suggest
from tenor.factor.valuation import Valuation
from tenor.market.market import Market
from tenor.problem import problems
from tenor.registry import OneOf
from tenor.settings import STRICT
from tenor.study import load, plain_table

if TYPE_CHECKING:
    from tenor.stock_study import AnyStudy


def read_table(path: Path, what: str = "study file") -> dict[str, Any]:
    """Return a TOML file as tables; :class:`StudyError` naming the file, a ``what``, if it is missing or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        folder = path.parent
        beside = sorted(other.name for other in folder.glob("*.toml"))
        near = suggest(path.name, beside) or (f"; {folder} holds {', '.join(beside)}" if beside else "")
        raise StudyError(f"no {what} {path}{near}") from None
    except IsADirectoryError:
        inside = sorted(str(other) for other in path.glob("*.toml"))
        near = f", such as {inside[0]}" if inside else ""
        raise StudyError(f"{path} is a folder; give a {what}{near}") from None
    except OSError as refused:
        raise StudyError(f"{path}: cannot be read: {refused.strerror or refused}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise StudyError(f"{path}: not a TOML file in UTF-8: {broken}") from None


def read_study(path: Path) -> "AnyStudy":
    """Read and validate a study file; :class:`StudyError` with every problem found."""
    return load_any(read_table(path), where=path.name)


def load_any(table: Mapping[str, Any], *, where: str) -> "AnyStudy":
    """Validate the table of a study: of stocks where it has ``subject = "stocks"``, else of pairs."""
    if "subject" not in table:
        return load(table, where=where)
    if table["subject"] != "stocks":
        raise StudyError(
            f"{where}: subject: {table['subject']!r} given; it is 'stocks', or the key is absent in a study of pairs"
        )
    from tenor.stock_study import load_stocks

    return load_stocks(table, where=where)


def _published() -> Path:
    # An installed package carries them inside; a checkout has them beside the sources.
    inside = Path(tenor.__file__).parent / "studies"
    return inside if inside.is_dir() else Path(tenor.__file__).parents[2] / "studies"


def list_published() -> list[str]:
    """Return the names of the studies that are published with Tenor."""
    return sorted(file.stem for file in _published().glob("*.toml"))


def published(name: str) -> Path:
    """Return the file of a study that is published with Tenor; :class:`StudyError` listing them if there is none."""
    path = _published() / f"{name}.toml"
    if not path.is_file():
        held = list_published()
        raise StudyError(f"no published study {name!r}{suggest(name, held)}; they are {held}")
    return path


def read_market(study: "AnyStudy", base: Path) -> Market:
    """Read the study's market; relative paths of its source count from ``base``, the study file's folder."""
    return _read(study.market, base)


def read_priced_market(path: Path, data: Path | None) -> tuple[Market, Valuation]:
    """Read a market and how futures are priced on it, from the tables ``[market]`` and ``[valuation]`` of a file.

    Parameters
    ----------
    path
        A study, or a file that has only these two tables.
    data
        Read the market's folder here instead of where the file says.

    Raises
    ------
    StudyError
        With every problem of the two tables.
    """
    table = read_table(path, "market file")
    two: dict[str, Any] = {name: table[name] for name in ("market", "valuation") if name in table}
    if lacking := [name for name in ("market", "valuation") if name not in table]:
        raise StudyError(
            f"{path.name}: no table [{lacking[0]}]; say where the market is and how its futures are priced"
        )
    try:
        priced = TypeAdapter(_PricedMarket).validate_json(json.dumps(plain_table(two), default=repr), strict=True)
    except ValidationError as invalid:
        raise StudyError([f"{path.name}: {problem}" for problem in problems(_PricedMarket, invalid)]) from None
    return _read(with_folder(priced.market, data), path.resolve().parent), priced.valuation


def with_folder(source: Any, data: Path | None) -> Any:
    """Return ``source`` with its folder replaced by ``data``, if one is given; StudyError if it reads no folder."""
    if data is None:
        return source
    if not hasattr(source, "folder"):
        raise StudyError(f"market.source = {source.source!r} reads no folder; leave --data out")
    return replace(source, folder=str(data.resolve()))


def _read(source: Any, base: Path) -> Market:
    located = getattr(source, "located", None)
    market: Market = (located(base) if located else source).read()
    return market


@dataclass(frozen=True, slots=True)
class _PricedMarket:
    """The two tables that pricing needs."""

    __pydantic_config__: ClassVar = STRICT
    market: Annotated[Any, OneOf("tenor.sources")]
    valuation: Valuation


def layout_text(study: "AnyStudy", base: Path) -> str | None:
    """Return the text of the layout that the study's source reads through; ``None`` for a source without one.

    A run keeps it: what was known when is said there, and nowhere else.
    """
    located = getattr(study.market, "located", None)
    layout = getattr(located(base) if located else study.market, "layout", None)
    return Path(layout).read_text(encoding="utf-8") if layout is not None else None
