"""Layouts: how a folder of foreign files becomes the canonical tables, as data.

Three instances. A vendor's ``near_close`` and ``far_close`` beside two contract names are two quotes. A
column headed 隔夜, in percent, is the rate ``SHIBOR.ON``, in decimals, known at 11:30 in Shanghai. The rows
of 2017-04-14 hold zeros where nothing was published; a rule leaves them out, says why, and every report
repeats how many rows that was.

There are four kinds of file, told apart by ``table``: series of a date (:mod:`~tenor.io.sources.layout_file`), terms
of bonds and baskets, publications of a month (both :mod:`~tenor.io.sources.layout_terms`), and stocks with what
surrounds them (:mod:`~tenor.io.sources.layout_stocks`).

A layout is a TOML file with one ``[[file]]`` table per foreign file. Nothing is guessed: what it does not
say is refused. Every problem of a layout is reported at once, with its key.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tenor.errors import MarketError, StudyError, suggest
from tenor.io.sources.layout_file import File, contradictions
from tenor.io.sources.layout_stocks import AnyStocks, Instruments, Members, Stocks, stocks_problems
from tenor.io.sources.layout_terms import Releases, Terms, releases_problems, terms_problems
from tenor.problem import problems as settings_problems

AnyFile = File | Terms | Releases | AnyStocks

KINDS: Mapping[str, type[AnyFile]] = {
    "quotes": File,
    "curve": File,
    "rates": File,
    "bonds": Terms,
    "deliverables": Terms,
    "macro": Releases,
    "stocks": Stocks,
    "members": Members,
    "instruments": Instruments,
}
"""Which settings a file of each table has."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A named set of files."""

    name: str
    files: tuple[AnyFile, ...]

    def of(self, products: Sequence[str] | None) -> tuple[AnyFile, ...]:
        """Return the files that studies of ``products`` need; all of them for ``None``.

        Raises
        ------
        MarketError
            If the layout holds no quotes of one of them.
        """
        if products is None or any(isinstance(file, Stocks) for file in self.files):
            return self.files  # of stocks, products are codes that stand in the rows
        held = sorted({name for file in self.files if file.table == "quotes" for name in file.products})
        for name in products:
            if name not in held:
                raise MarketError(f"layout {self.name!r} has no quotes of {name!r}; it has {held}{suggest(name, held)}")
        return tuple(f for f in self.files if not f.products or set(f.products) & set(products))


def load_layout(path: str | Path) -> Layout:
    """Read and validate a layout file.

    Raises
    ------
    StudyError
        With every problem, each as ``file: key: what is wrong``.
    """
    path = Path(path)
    if not path.is_file():
        there = sorted(p.name for p in path.parent.glob("*.toml"))
        raise StudyError(f"no layout {path}; {path.parent} holds {there}{suggest(path.name, there)}")
    try:
        return layout_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path.name}: not TOML in UTF-8: {error}") from error
    except StudyError as error:
        raise StudyError([f"{path.name}: {problem}" for problem in error.problems]) from None


def layout_of(document: Mapping[str, Any]) -> Layout:
    """Validate a parsed layout; :class:`StudyError` with every problem, each as ``key: what is wrong``."""
    problems = [
        f"{key}: unknown key{suggest(key, ('name', 'file'))}; the keys are name and file"
        for key in document
        if key not in ("name", "file")
    ]
    name, entries = document.get("name"), document.get("file")
    if not isinstance(name, str) or not name:
        problems.append(f"name: {name!r} given; give the layout a name for people")
    if not isinstance(entries, list) or not entries:
        problems.append("file: none given; state one [[file]] table for each foreign file")
        entries = []
    files: list[AnyFile] = []
    for at, entry in enumerate(entries):
        where = f"file[{at}]"
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            where += f" ({entry['path']})"
        table = entry.get("table") if isinstance(entry, dict) else None
        if table is not None and table not in KINDS:
            near = suggest(str(table), KINDS)
            problems.append(f"{where}.table: {table!r} given{near}; the tables are {', '.join(KINDS)}")
            continue
        kind = KINDS.get(str(table), File)
        try:
            file = TypeAdapter(kind).validate_python(entry)
        except ValidationError as error:
            problems += [f"{where}.{line}" for line in settings_problems(kind, error)]
            continue
        problems += [f"{where}.{line}" for line in _contradictions(file)]
        files.append(file)
    problems += _dangling(files) if len(files) == len(entries) else []
    if problems:
        raise StudyError(problems)
    return Layout(name=str(name), files=tuple(files))


def _contradictions(file: AnyFile) -> Iterator[str]:
    match file:
        case File():
            return contradictions(file)
        case Terms():
            return terms_problems(file)
        case Releases():
            return releases_problems(file)
        case Stocks() | Members() | Instruments():
            return stocks_problems(file)


def _dangling(given: Sequence[AnyFile]) -> Iterator[str]:
    """References to other files of series that do not exist, by key."""
    files = [file for file in given if isinstance(file, File)]
    for at, file in ((at, file) for at, file in enumerate(given) if isinstance(file, File)):
        where = f"file[{at}] ({file.path})"
        others = sorted({f.path for f in files if f.table == file.table} - {file.path})
        matched = tuple(rule.other for rule in file.leave_out if rule.other is not None)
        for key, named in (("yields_to", file.yields_to), ("leave_out", matched)):
            for path in named:
                if path not in others:
                    yield (
                        f"{where}.{key}: {path!r} is no other file of table {file.table!r}"
                        f"{suggest(path, others)}; they are {others}"
                    )
        for path in matched:
            if any(f.path == path and not set(file.products) <= set(f.products) for f in files):
                yield f"{where}.leave_out: {path!r} is not read for all of {list(file.products)}"
        for path in file.yields_to:
            if any(f.path == path and file.path in f.yields_to for f in files):
                yield f"{where}.yields_to: {path!r} yields to this file too; keep one of the two"
