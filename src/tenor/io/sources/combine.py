"""How files become one table: what is left out for want of a partner, holes over all files, and who prevails.

Three instances. Volumes of the main contract from one file and closes of both legs from another meet in one
quote. A two-year yield that one export lacks for three years comes from another, so the series has no hole.
Where two files give the same close and neither yields to the other, both are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tenor.errors import Defect
from tenor.io.sources.check import SHOWN, Gap, LeftOut, Part, gaps, listed, value_defects
from tenor.io.sources.layout_file import VALUES, File, KnownGap, LeaveOut
from tenor.market.calendar import trading_calendar
from tenor.market.market import KEYS, SCHEMAS


@dataclass(frozen=True, slots=True)
class Reading:
    """One file in canonical form.

    Parameters
    ----------
    file
        What the layout says of it.
    part
        What was found so far.
    seen
        Every row within the period of the file, each key once, for gaps: columns of the table, ``entry``
        (which file of the layout), ``file``, ``row`` and ``column``.
    kept
        The rows that no rule left out, with ``known_at``.
    """

    file: File
    part: Part
    seen: pl.DataFrame
    kept: pl.DataFrame

    def found(self, defects: Sequence[Defect] = (), notes: Sequence[str] = ()) -> "Reading":
        """Add what a later step found."""
        part = self.part
        return replace(self, part=replace(part, defects=(*part.defects, *defects), notes=(*part.notes, *notes)))


def matched(table: str, readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Apply the rules ``unmatched`` of ``table``: keys that the other file does not give go, counted."""
    done: list[Reading] = []
    for reading in readings:
        matching = reading
        for rule in reading.file.leave_out if reading.file.table == table else ():
            if rule.rule == "unmatched":
                others = [r.kept for r in readings if r.file.path == rule.other and r.file.table == table]
                matching = _partnered(matching, rule, pl.concat(others).select(KEYS[table]).unique())
        done.append(matching)
    return tuple(done)


def _partnered(reading: Reading, rule: LeaveOut, partner: pl.DataFrame) -> Reading:
    """Keep of a file the keys of ``partner``, and count the rest under ``rule``."""
    keys = partner.columns
    kept = reading.kept.join(partner, on=keys, how="semi", maintain_order="left")
    seen = reading.seen.join(partner, on=keys, how="semi", maintain_order="left")
    gone = reading.kept["row"].n_unique() - kept["row"].n_unique()
    left_out = (LeftOut(rule.terms(), rule.why, gone),) if gone else ()
    part = replace(reading.part, left_out=(*reading.part.left_out, *left_out))
    return replace(reading, part=part, kept=kept, seen=seen)


def without_gaps(table: str, readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Look for gaps in the combined series of ``table``; each belongs to the file of the row after it."""
    done = list(readings)
    keys = list(KEYS[table])
    calendars = {r.file.gap.calendar for r in readings if r.file.table == table}
    for calendar in sorted(calendars):
        members = [at for at, r in enumerate(done) if r.file.table == table and r.file.gap.calendar == calendar]
        seen = pl.concat([done[at].seen for at in members]).unique(keys, keep="first", maintain_order=True)
        holes = gaps(table, seen, calendar)
        for at in members:
            mine = holes.filter(pl.col("entry") == at).sort("missing", "date", descending=[True, False])
            if mine.height:
                done[at] = _with_gaps(done[at], mine, calendar)
    return tuple(done)


def _with_gaps(reading: Reading, holes: pl.DataFrame, calendar: str) -> Reading:
    """Note the gaps before rows of one file, longest first, and refuse those beyond its bound."""
    file = reading.file
    longest = holes.head(SHOWN).select("series", "after", "date", "missing").iter_rows()
    listing = tuple(Gap(series, after, before, missing) for series, after, before, missing in longest)
    total = int(holes["missing"].sum())
    top = listing[0]
    note = (
        f"{total} sessions of {calendar} without a row inside a series, at most {top.sessions} together "
        f"({top.series} from {top.after} to {top.before})"
    )
    beyond = holes.filter(pl.col("missing") > file.gap.sessions)
    understood = [
        any(_explains(hole, row, calendar) for hole in file.known_gaps) for row in beyond.iter_rows(named=True)
    ]
    reason = pl.format(
        "{} sessions of {} have no row in series {} after {}; {} may be missing",
        "missing", pl.lit(calendar), "series", "after", pl.lit(file.gap.sessions),
    )  # fmt: skip
    failing = beyond.filter(~pl.Series(understood, dtype=pl.Boolean)).select(
        "file", "row", pl.lit(file.date.column).alias("column"), reason.alias("reason")
    )
    remedy = "add the rows, state the hole under 'known_gaps' with its reason, or raise gap.sessions in the layout"
    part = replace(reading.part, gaps=listing, missing=total)
    return replace(reading, part=part).found(listed(failing, remedy), [note])


def _explains(hole: KnownGap, row: dict[str, object], calendar: str) -> bool:
    """Whether every missing session of the gap before ``row`` lies in the known ``hole``."""
    if hole.columns and row["column"] not in hole.columns:
        return False
    after, before = np.datetime64(str(row["after"]), "D"), np.datetime64(str(row["date"]), "D")
    days = trading_calendar(calendar).days
    missing = days[(days > after) & (days < before)]
    return bool(np.all((missing >= np.datetime64(hole.first, "D")) & (missing <= np.datetime64(hole.last, "D"))))


def combined(table: str, readings: Sequence[Reading]) -> tuple[tuple[Reading, ...], pl.DataFrame]:
    """Combine the files of ``table`` column by column; where two give the same, the stated one stands.

    Returns
    -------
    tuple
        The readings with what was found, and the table; it counts only where nothing is defective.
    """
    schema, keys, values = SCHEMAS[table], list(KEYS[table]), list(VALUES[table])
    mine = [at for at, r in enumerate(readings) if r.file.table == table]
    done = list(readings)
    if not mine or any(r.part.defects for r in readings if r.file.table == table):
        return tuple(done), schema.to_frame()
    kept = pl.concat([readings[at].kept for at in mine])
    if len(mine) == 1 or not kept.select(keys).is_duplicated().any():
        return tuple(done), kept.select(schema.names())
    long = kept.unpivot(index=[*keys, "entry", "file", "row", "known_at"], on=values, variable_name="kind").drop_nulls(
        "value"
    )
    long, notes = _yielded(long, [*keys, "kind"], {at: readings[at].file for at in mine})
    for at, said in notes.items():
        done[at] = done[at].found(notes=said)
    for at, defects in _contested(long, [*keys, "kind"]).items():
        done[at] = done[at].found(defects)
    kinds = [pl.col("value").filter(pl.col("kind") == kind).first().alias(kind) for kind in values]
    origin = [pl.col("file").unique().sort().str.join(" + "), pl.lit(None, dtype=pl.Int64).alias("row")]
    table_of = long.group_by(keys, maintain_order=True).agg(*kinds, *origin, pl.col("known_at").max())
    crossed = value_defects(table, table_of.filter(pl.col("file").str.contains(" + ", literal=True)), near_zero=True)
    done[mine[0]] = done[mine[0]].found(crossed)
    return tuple(done), table_of.select(schema.names())


def _yielded(
    long: pl.DataFrame, by: Sequence[str], files: dict[int, File]
) -> tuple[pl.DataFrame, dict[int, list[str]]]:
    """Take out the values that yield to another file's, and say how many and how far apart they were."""
    notes: dict[int, list[str]] = {}
    for at, file in files.items():
        for path in file.yields_to:
            to = [other for other, f in files.items() if f.path == path]
            stands = long.filter(pl.col("entry").is_in(to)).select(*by, pl.col("value").alias("other"))
            pairs = long.filter(pl.col("entry") == at).join(stands, on=list(by))
            if pairs.height:
                apart = float(np.max(np.abs((pairs["value"] - pairs["other"]).to_numpy())))
                said = f"{pairs.height} values yield to those of {path}; they differ by {apart:.6g} at most"
                notes.setdefault(at, []).append(said)
                gone = pairs.select(*by, pl.lit(at, dtype=pl.Int32).alias("entry"))
                long = long.join(gone, on=[*by, "entry"], how="anti", maintain_order="left")
    return long, notes


def _contested(long: pl.DataFrame, by: Sequence[str]) -> dict[int, tuple[Defect, ...]]:
    """Refuse values that two files give and neither yields, each with the other's place; by file."""
    first = long.unique(list(by), keep="first", maintain_order=True).select(
        *by, pl.col("file").alias("by_file"), pl.col("row").alias("by_row"), pl.col("value").alias("by_value")
    )
    again = long.filter(~pl.struct(by).is_first_distinct()).join(first, on=list(by), maintain_order="left")
    names = [key for key in by if key not in ("kind", "date")]
    reason = pl.format(
        "{} on {} is also given by {}:{} ({} against {})",
        pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator=" "),
        "date", "by_file", "by_row", "value", "by_value",
    )  # fmt: skip
    failing = again.select("entry", "file", "row", pl.col("kind").alias("column"), reason.alias("reason"))
    remedy = "state 'yields_to' for the file whose value gives way, or read the column from one file only"
    return {
        int(str(at)): listed(rows.drop("entry"), remedy)
        for (at,), rows in failing.group_by("entry", maintain_order=True)
    }
