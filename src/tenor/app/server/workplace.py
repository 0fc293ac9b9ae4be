"""The one folder that a server may touch, and how words of a request become paths in it.

Nothing that comes with a request reaches the file system as it is: a run is a name below ``runs``, a study is a
published one or a file below the folder, and any other path must, after links are followed, still lie inside. Paths are
given on as relative ones, so that an answer says what the command line says when it is started in the same folder.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenor.errors import MissingError, StudyError

STUDIES = ("study", "market")
"""Fields of a request that name a study."""

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_STUDY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder with runs, forecasts, pulled data, uploads and studies.

    Parameters
    ----------
    root
        The folder; the process that serves works in it.
    """

    root: Path

    runs = Path("runs")
    history = Path("forecasts")
    pulled = Path("data")
    uploads = Path("uploads")
    studies = Path("studies")

    def enter(self) -> None:
        """Make this the working folder of the process."""
        os.chdir(self.root)

    def run(self, name: str) -> Path:
        """Return a run by its name; :class:`MissingError` where it is none."""
        if not _RUN.fullmatch(name) or ".." in name:
            raise MissingError(f"{name[:80]!r} is no name of a run; ask for the runs that are kept")
        return Path(name)

    def folder_of(self, name: str) -> Path:
        """Return the folder of a run that is there; :class:`MissingError` where there is none."""
        folder = self.runs / self.run(name)
        if not (self.root / folder).is_dir():
            raise MissingError(f"no run {name!r}")
        return folder

    def ticker(self, code: str) -> str:
        """Return a ticker; :class:`StudyError` where it is none, a path among others."""
        if not _TICKER.fullmatch(code):
            raise StudyError(f"{code[:80]!r} is no ticker; take letters, digits and . ^ = _ -")
        return code

    def is_study_name(self, word: str) -> bool:
        """Say whether a study can be called so and be run by that name."""
        return _STUDY.fullmatch(word) is not None

    def study(self, word: str) -> Path:
        """Return the file of a study: a published one by its name, or one below this folder."""
        from tenor.io.studies import published

        if self.is_study_name(word):
            mine = self.studies / f"{word}.toml"
            return mine if (self.root / mine).is_file() else published(word)
        path = self.inside(word)
        if path.suffix != ".toml":
            raise StudyError(f"{word[:80]!r} is no study; give the name of one, or a .toml file of this folder")
        return path

    def studies_of(self, words: Mapping[str, Any]) -> tuple[Path, ...]:
        """Return the files of the studies that a request names; errors as of :meth:`study`."""
        return tuple(self.root / self.study(words[name]) for name in STUDIES if isinstance(words.get(name), str))

    def digest(self, file: Path) -> str:
        """Return the SHA-256 of a file's bytes; empty where there is none that can be read."""
        try:
            return hashlib.sha256((self.root / file).read_bytes()).hexdigest()
        except OSError:
            return ""

    def inside(self, word: str) -> Path:
        """Return a path below this folder; :class:`StudyError` where it leads out of it, be it through a link."""
        if not word or len(word) > 400 or "\0" in word:
            raise StudyError("an empty path, or no path at all")
        path = Path(word)
        base = self.root.resolve()
        try:
            target = (base / path).resolve()
        except (OSError, RuntimeError, ValueError) as wrong:
            raise StudyError(f"{word[:80]!r} is no path: {wrong}") from wrong
        if path.is_absolute() or not target.is_relative_to(base):
            raise StudyError(f"{word[:80]!r} leads out of the folder that is served; give a path below it")
        first = target.relative_to(base).parts[:1]
        if first and first[0].startswith("."):
            raise StudyError(f"{word[:80]!r} is none of the files that are served")
        return target.relative_to(base)
