"""What was pulled, kept: one folder of canonical tables, to which each pull adds and from which studies read.

::

    data/manifest.json                which file holds each table, what was pulled from where and when, fingerprints
    data/tables/quotes-3f9c01ab52.parquet
    data/cache/                       raw answers of providers (tenor.io.sources.fetch)

Three instances. AAPL is pulled again: new sessions are added, and closes that Yahoo has changed since are counted as
revised, with a note, while the later ones stand. A pull is killed half way: the manifest still names the tables of the
pull before. CSI300 is asked in June and in July: who is gone in July has a row that says so, dated to the asking.

The notes of an item are those of its latest pull; what every pull revised is counted in the manifest.

A table is written to a new file, named by a hash of its bytes, and the manifest is replaced last, by a rename; that
rename is the whole of the change.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import polars as pl

from tenor.errors import DataError, Defect, MarketError, PullError, suggest
from tenor.io.sources.fetch import Found, written_aside
from tenor.market.contract import Contract
from tenor.market.market import ADJUSTMENTS, KEYS, SCHEMAS, Market
from tenor.settings import STRICT

FORMAT = 1
SAME = 1e-6
"""Numbers that differ by less than this fraction are the same: providers keep single precision."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A source: what ``tenor data pull`` keeps.

    Parameters
    ----------
    folder
        Folder that ``tenor data pull`` writes; a relative path is counted from the study file.
    products
        Codes of stocks, products of futures, and universes, of which rows are read; absent, all; a study of pairs names
        its products here. Curves, rates and publications are always read.
    """

    __pydantic_config__: ClassVar = STRICT
    folder: str | Path = "data"
    products: tuple[str, ...] | None = None
    source: Literal["pulled"] = "pulled"

    def located(self, base: Path) -> "Pulled":
        """Return the source with a relative folder counted from ``base``."""
        return replace(self, folder=base / self.folder)

    def read(self) -> Market:
        """Read the market.

        Raises
        ------
        DataError
            If nothing was pulled into the folder, or its files are damaged.
        MarketError
            If one of the products was not pulled.
        """
        folder = Path(self.folder)
        manifest = read_manifest(folder)
        if manifest is None:
            reason = "nothing was pulled into it: it has no manifest.json"
            raise DataError([Defect(str(folder), None, "folder", reason, "run tenor data pull AAPL --from yahoo")])
        tables = _tables(folder, manifest)
        if self.products is not None:
            tables = _of(tables, self.products, str(folder))
        notes = dict.fromkeys(note for of_item in manifest["notes"].values() for note in of_item)
        return replace(market_of("pulled", tables), notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class Added:
    """What a pull did to the store: rows by item that are new, and that were there with another value."""

    new: Mapping[str, int]
    revised: Mapping[str, int]
    notes: tuple[str, ...]


def is_store(folder: Path) -> bool:
    """Say whether something was pulled into ``folder``."""
    return (folder / "manifest.json").is_file()


def holds(folder: Path, code: str) -> bool:
    """Say whether quotes of ``code`` were pulled into ``folder``."""
    manifest = read_manifest(folder)
    return manifest is not None and code in manifest["codes"]


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a store, ``None`` if there is none; DataError if it is damaged."""
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"format {manifest['format']!r}, this Tenor reads {FORMAT}")
        if not {"tables", "before", "codes", "pulls", "notes"} <= manifest.keys():
            raise ValueError("it lacks entries")
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        remedy = "move it away and pull again with --offline: the raw answers are kept"
        raise DataError([Defect(str(path), None, "manifest", f"damaged: {damaged}", remedy)]) from None
    return manifest


def add(folder: Path, found: Mapping[str, Found], *, provider: str, at: datetime) -> Added:
    """Add what was found of each item to the store, all of it or, if killed, nothing.

    Parameters
    ----------
    folder
        The store; made where there is none.
    found
        Tables by item.
    provider, at
        From where, and when it was asked (UTC).

    Raises
    ------
    DataError
        If the store that is there is damaged.
    PullError
        If another pull wrote meanwhile.
    """
    before = read_manifest(folder)
    tables = _tables(folder, before) if before else {name: schema.to_frame() for name, schema in SCHEMAS.items()}
    notes: dict[str, list[str]] = {item: [] for item in found}
    coming: dict[str, list[pl.DataFrame]] = {}
    new, revised = dict.fromkeys(found, 0), dict.fromkeys(found, 0)
    extents = _extents(tables["quotes"])
    for item, of in found.items():
        rows = {name: table for name, table in of.tables.items() if not table.is_empty()}
        if "adjustments" in of.tables:
            (mine,) = _extents(of.tables["quotes"]).values()
            held = extents.get(mine.code)
            if held is not None:
                notes[item] += _apart(item, held, mine)
                tables["adjustments"], rows = _rebased(tables["adjustments"], rows, held, mine)
                for name in ("adjustments", "actions"):
                    tables[name], gone = _without_withdrawn(name, tables[name], rows, mine)
                    if not gone.is_empty():
                        revised[item] += gone.height
                        notes[item].append(
                            f"{item}: {gone.height} rows of {name} are no longer in the answer and were taken out,"
                            f" first {gone.sort('date')['date'][0]}"
                        )
            both = (mine, held or mine)
            extents[mine.code] = Extent(mine.code, min(each.first for each in both), max(each.last for each in both))
        for name, table in rows.items():
            changes = _left(tables[name], table) if name == "members" else table
            coming.setdefault(name, []).append(changes.with_columns(pl.lit(item).alias("item")))
    for name, parts in coming.items():
        tables[name], added, changed = _merged(name, tables[name], pl.concat(parts))
        for item, count in added.items():
            new[item] += count
        for item, (count, first) in changed.items():
            revised[item] += count
            notes[item].append(f"{item}: {count} rows of {name} were revised since the pull before, first {first}")
    for item, of in found.items():
        notes[item] += of.notes
    market_of("pulled", tables)  # holds the schemas, or says what is wrong
    files = {name: _written(folder, name, table) for name, table in tables.items() if not table.is_empty()}
    pull = {"from": provider, "items": list(found), "at": at.isoformat(), "new": new, "revised": revised}
    manifest = {
        "format": FORMAT,
        "tables": files,
        "before": before["tables"] if before else {},
        "codes": tables["quotes"]["code"].unique().sort().to_list(),
        "pulls": [*(before["pulls"] if before else []), pull],
        "notes": {**(before["notes"] if before else {}), **notes},
    }
    if read_manifest(folder) != before:
        raise PullError(f"another pull wrote to {folder} meanwhile; pull again: the answers are kept")
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    written_aside(folder / "manifest.json", lambda path: path.write_text(text, encoding="utf-8"))
    _cleared(folder, manifest)
    return Added(new, revised, tuple(note for of_item in notes.values() for note in of_item))


def market_of(name: str, tables: Mapping[str, pl.DataFrame]) -> Market:
    """Return a market of tables by name; those that are not given are empty."""
    whole: dict[str, Any] = {table: schema.to_frame() for table, schema in SCHEMAS.items()} | dict(tables)
    return Market(name=name, simulated=False, **whole)


def _tables(folder: Path, manifest: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Read every table that a manifest names; the others are empty."""
    tables = {name: schema.to_frame() for name, schema in SCHEMAS.items()}
    for name, file in manifest["tables"].items():
        path = folder / "tables" / file
        remedy = "move manifest.json away and pull again with --offline: the raw answers are kept"
        try:
            content = path.read_bytes()
            if _hash(content) not in file:
                raise ValueError("it is not what was written")
            table = pl.read_parquet(io.BytesIO(content))
        except (OSError, ValueError, pl.exceptions.PolarsError) as damaged:
            raise DataError([Defect(str(path), None, "table", f"cannot be read: {damaged}", remedy)]) from None
        tables[name] = table
    return tables


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _written(folder: Path, name: str, table: pl.DataFrame) -> str:
    """Write a table under the hash of its file, unless it is there; return the file's name."""
    file = io.BytesIO()
    table.sort(list(KEYS[name])).write_parquet(file)
    content = file.getvalue()
    path = folder / "tables" / f"{name}-{_hash(content)}.parquet"
    if not path.is_file():
        written_aside(path, lambda aside: aside.write_bytes(content))
    return path.name


def _cleared(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Remove tables that neither this manifest nor the one before names: somebody may still read the latter."""
    named = {*manifest["tables"].values(), *manifest["before"].values()}
    for path in (folder / "tables").iterdir():
        if path.name not in named:
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Extent:
    """First and last session of one code."""

    code: str
    first: date
    last: date


def _extents(quotes: pl.DataFrame) -> dict[str, Extent]:
    ends = quotes.group_by("code").agg(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    return {code: Extent(code, first, last) for code, first, last in ends.select("code", "first", "last").iter_rows()}


def _merged(
    name: str, old: pl.DataFrame, coming: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, int], dict[str, tuple[int, str]]]:
    """Merge by key; the later pull stands where a value changed.

    Rows that are new by item, and rows that changed with the key of the first. Where two items bring one row (``UST``
    and ``DGS10``), it counts for the first.
    """
    keys = list(KEYS[name])
    values = [column for column in SCHEMAS[name].names() if column not in keys and column != "known_at"]
    coming = coming.unique(keys, keep="first", maintain_order=True)
    both = coming.join(old, on=keys, how="inner", suffix=" before")
    same = pl.all_horizontal(*(_same(value, SCHEMAS[name][value]) for value in values))
    changed = both.filter(~same).sort(keys)
    # what did not change keeps the row that was there
    stands = coming.join(both.filter(same).select(keys), on=keys, how="anti")
    kept = old.join(stands.select(keys), on=keys, how="anti")
    revised = {
        str(item): (rows.height, " ".join(str(value) for value in rows.select(keys).row(0)))
        for (item,), rows in changed.group_by("item", maintain_order=True)
    }
    added = stands.join(changed.select(keys), on=keys, how="anti")
    counts = {str(item): count for item, count in added.group_by("item").len().iter_rows()}
    if name == "instruments":  # an earlier first session moves the day from which the terms are known, and no later one
        earlier = pl.concat([old, coming.select(old.columns)]).group_by("code").agg(pl.col("known_at").min())
        kept, stands = (part.drop("known_at").join(earlier, on="code") for part in (kept, stands))
    merged = pl.concat([kept.select(old.columns), stands.select(old.columns)]).sort(keys)
    return merged, counts, revised


def _same(value: str, kind: pl.DataType) -> pl.Expr:
    now, then = pl.col(value), pl.col(f"{value} before")
    if kind == pl.Float64:
        close = (now - then).abs() <= SAME * pl.max_horizontal(now.abs(), then.abs())
        return close.fill_null(False) | (now.is_null() & then.is_null())
    return now.eq_missing(then)


def _apart(item: str, held: Extent, coming: Extent) -> list[str]:
    """Say so where a pull of one code has no session in common with what is held of it."""
    if coming.first <= held.last and held.first <= coming.last:
        return []
    then, now = (f"from {each.first} to {each.last}" for each in (held, coming))
    return [
        f"{item}: no session is in both this pull and those before ({then}, now {now}): splits and dividends between"
        " them are in no factor; pull again with an earlier --first"
    ]


def _rebased(
    factors: pl.DataFrame, rows: dict[str, pl.DataFrame], held: Extent, coming: Extent
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Bring the factors of one code, old and new, to the earlier of the two first sessions, where the factor is 1.

    The later series is multiplied by what the earlier one says of its first session.
    """
    if held.first == coming.first:
        return factors, rows
    of_code = pl.col("code") == coming.code
    old, new = factors.filter(of_code), rows.get("adjustments", ADJUSTMENTS.to_frame())
    earlier, later, since = (old, new, coming.first) if held.first < coming.first else (new, old, held.first)
    reached = earlier.filter(pl.col("date") <= since).sort("date")["factor"]
    scaled = later.with_columns(pl.col("factor") * (reached[-1] if reached.len() else 1.0))
    if held.first < coming.first:
        return factors, {**rows, "adjustments": scaled}
    return pl.concat([factors.filter(~of_code), scaled]), rows


def _without_withdrawn(
    name: str, old: pl.DataFrame, rows: Mapping[str, pl.DataFrame], coming: Extent
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the held events of one code into those that stand, and those that an answer over their day lacks.

    The first session of an answer has no event: what happened overnight before it is not asked.
    """
    inside = (pl.col("code") == coming.code) & (pl.col("date") > coming.first) & (pl.col("date") <= coming.last)
    keys = list(KEYS[name])
    gone = old.filter(inside).join(rows.get(name, SCHEMAS[name].to_frame()), on=keys, how="anti")
    return old.join(gone, on=keys, how="anti"), gone


def _left(old: pl.DataFrame, coming: pl.DataFrame) -> pl.DataFrame:
    """Turn a list of today's members into changes: who came, and who was there and is gone."""
    universe, day, known = coming["universe"][0], coming["date"][0], coming["known_at"][0]
    last = old.filter((pl.col("universe") == universe) & (pl.col("date") <= day)).sort("date")
    last = last.unique("code", keep="last")
    inside = last.filter("member")["code"]
    gone = sorted(set(inside.to_list()) - set(coming["code"].to_list()))
    out = pl.DataFrame(
        [{"date": day, "universe": universe, "code": code, "member": False, "known_at": known} for code in gone],
        schema=SCHEMAS["members"],
    )
    return pl.concat([coming.filter(~pl.col("code").is_in(inside.implode())), out])


def _of(tables: dict[str, pl.DataFrame], products: tuple[str, ...], where: str) -> dict[str, pl.DataFrame]:
    """Keep the rows of products: codes, products of futures, universes."""
    held = tables["quotes"]["code"].unique().sort().to_list()
    by_product: dict[str, list[str]] = {}
    for code in held:
        by_product.setdefault(_product(code), []).append(code)
    universes = tables["members"]["universe"].unique().to_list()
    wanted: set[str] = set()
    for name in products:
        if name in universes:
            wanted.update(tables["members"].filter(pl.col("universe") == name)["code"].to_list())
        elif name in held:
            wanted.add(name)
        elif name in by_product:
            wanted.update(by_product[name])
        else:
            names = sorted({*by_product, *universes})
            shown = f"it has {len(names)}, such as {', '.join(names[:5])}" if names else "it has no quotes"
            raise MarketError(f"{name!r} was not pulled into {where}; {shown}{suggest(name, names)}")
    kept = dict(tables)
    for name in ("quotes", "instruments", "adjustments", "actions"):
        kept[name] = tables[name].filter(pl.col("code").is_in(list(wanted)))
    kept["members"] = tables["members"].filter(pl.col("universe").is_in(list(products)))
    return kept


def _product(code: str) -> str:
    """The product of a future's code, ``T`` of ``T2503``; any other code itself."""
    try:
        found = Contract.parse(code).product
    except MarketError:
        return code
    return found if found in ("T", "TF", "TS", "TL") else code
