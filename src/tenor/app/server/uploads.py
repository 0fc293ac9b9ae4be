"""Files that are uploaded: data and layouts, in folders of one level, for studies that are written over HTTP.

A file is written aside while it comes and put in place whole; one that is too large, or more than the folder may hold,
leaves nothing behind. Nothing that comes is opened here: it is read by the sources, which check every row.
"""

import os
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from tenor.app.server.serving import ERRORS, Server
from tenor.app.server.workplace import Workplace
from tenor.errors import MissingError, RunError, StudyError
from tenor.io.store import accounts
from tenor.io.store.accounts import Person

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".toml", ".txt")
"""What may be uploaded: tables, and the layouts that read them."""

FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""What a folder of uploads may be called; the page checks it too, for a name that leads elsewhere reaches no route."""

_FILE = re.compile(r"[A-Za-z0-9^][A-Za-z0-9^._=-]{0,119}")


def place_of(place: Workplace, folder: str, file: str) -> Path:
    """Return where an uploaded file lies; :class:`StudyError` for names that are none."""
    if not FOLDER.fullmatch(folder):
        raise StudyError(f"{folder[:80]!r} is no folder of uploads; take letters, digits, '-' and '_'")
    if not _FILE.fullmatch(file) or ".." in file or not file.endswith(SUFFIXES):
        raise StudyError(
            f"{file[:80]!r} cannot be uploaded; take letters, digits and . _ - = ^, ending with {', '.join(SUFFIXES)}"
        )
    return place.root / place.uploads / folder / file


def listed(place: Workplace) -> list[dict[str, Any]]:
    """Return the files that were uploaded: folder, name, bytes."""
    held = sorted((place.root / place.uploads).glob("*/*"))
    return [
        {"folder": file.parent.name, "name": file.name, "bytes": file.stat().st_size}
        for file in held
        if file.is_file() and not file.is_symlink() and not file.name.startswith(".")
    ]


async def keep(
    place: Workplace, folder: str, file: str, chunks: AsyncIterator[bytes], *, most: int, quota: int
) -> dict[str, Any]:
    """Write a file as it comes, and say how large it is and whether it stands in another's place.

    Raises
    ------
    StudyError
        For names that are none, an empty file, or one of more than ``most`` bytes.
    RunError
        If all uploads would pass ``quota`` bytes, or the disk refuses.
    """
    target = place_of(place, folder, file)
    held = sum(one["bytes"] for one in listed(place) if (one["folder"], one["name"]) != (folder, file))
    aside = target.with_name(f".{secrets.token_hex(8)}")
    taken = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as out:
            async for chunk in chunks:
                taken += len(chunk)
                if taken > most:
                    raise StudyError(f"{file}: more than {most:,} bytes; at most so many are taken (--upload-limit)")
                if held + taken > quota:
                    raise RunError(
                        f"{file}: uploads would be more than {quota:,} bytes; {held:,} are held: delete some first"
                    )
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if not taken:
            raise StudyError(f"{file}: nothing came")
        replaced = target.exists()
        aside.replace(target)
    except OSError as refused:
        raise RunError(f"{file}: the disk refuses it: {refused.strerror or refused}") from refused
    finally:
        with suppress(OSError):
            aside.unlink()
    return {"folder": folder, "name": file, "bytes": taken, "replaced": replaced}


def remove(place: Workplace, folder: str, file: str) -> None:
    """Delete an uploaded file, and its folder where that is empty then; :class:`MissingError` where there is none."""
    target = place_of(place, folder, file)
    if not target.is_file():
        raise MissingError(f"no upload {folder}/{file}")
    target.unlink()
    with suppress(OSError):
        target.parent.rmdir()


def add_uploads(api: APIRouter, server: Server) -> None:
    """Add the routes of uploads."""
    may_read = Annotated[Person, Depends(server.needs("read"))]
    may_run = Annotated[Person, Depends(server.needs("run"))]
    limits = server.settings

    @api.get("/uploads", tags=["uploads"], responses=ERRORS)
    def list_uploads(person: may_read) -> dict[str, Any]:
        """List the files that were uploaded, and how much more may come."""
        held = listed(server.place)
        return {"files": held, "left": max(limits.upload_quota - sum(one["bytes"] for one in held), 0)}

    @api.put("/uploads/{folder}/{file}", tags=["uploads"], status_code=201, responses=ERRORS)
    async def upload(person: may_run, folder: str, file: str, request: Request) -> dict[str, Any]:
        """Upload a file: its bytes are the body. A study reads it as ``../uploads/FOLDER``."""
        kept = await keep(
            server.place, folder, file, request.stream(), most=limits.upload_limit, quota=limits.upload_quota
        )
        accounts.log(server.store, person.name, "upload", f"{folder}/{file}", f"{kept['bytes']} bytes")
        return kept

    @api.delete("/uploads/{folder}/{file}", tags=["uploads"], responses=ERRORS)
    def delete_upload(person: may_run, folder: str, file: str) -> dict[str, Any]:
        """Delete an uploaded file."""
        remove(server.place, folder, file)
        accounts.log(server.store, person.name, "delete upload", f"{folder}/{file}")
        return {"deleted": f"{folder}/{file}"}
