"""Reading terms of bonds and baskets: which bonds a contract delivers, at which factor, and what those bonds pay.

Three instances. Bond 260007 in T2606 and T2609 is one row of ``bonds``; were its coupon another in the second row, both
would be refused. Its factors 0.9192 and 0.9219 come out with one coupon a year and not with two, so it pays once. Bond
230004 fits both; as a bond of ten years it pays twice, and a note counts such bonds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from tenor.errors import CalendarError, Defect, MarketError
from tenor.io.sources.check import DATE_REMEDY, NUMBER_REMEDY, Part, dates, listed, numbers
from tenor.io.sources.layout_terms import Terms
from tenor.io.sources.rows import Rows, read_rows
from tenor.io.sources.stated import coded, known_by_time, when_known
from tenor.market.contract import Contract, product
from tenor.market.market import KEYS, SCHEMAS, UTC
from tenor.pricing.conversion_factor import conversion_factor
from tenor.units import Bools, Rate

COUPON_BOUND: Rate = 0.2
"""A coupon of 20 % or more is taken for a wrong unit."""

FACTOR_BOUNDS = (0.2, 3.0)
"""Factors lie near 1; one beyond these bounds is taken for a wrong unit."""

FACTOR_TOLERANCE = 5e-5
"""Factors are published to four decimals."""

LONG_TERM = 10
"""Years from issue to maturity from which a Chinese treasury bond pays twice a year."""

FACTOR_REMEDY = (
    "correct the coupon, the maturity or the factor, or take a column as 'frequency' instead of frequency = 'fit'"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One file of terms or publications in canonical form: what was found, and its rows with ``file`` and ``row``."""

    part: Part
    kept: pl.DataFrame

    def found(self, defects: Sequence[Defect] = (), notes: Sequence[str] = ()) -> "Listing":
        """Add what a later step found."""
        part = self.part
        return replace(self, part=replace(part, defects=(*part.defects, *defects), notes=(*part.notes, *notes)))


def read_terms(folder: Path, file: Terms) -> Listing:
    """Bring one file of terms into canonical form and check it by itself."""
    nothing = Listing(Part(file.path, file.table, 0, 0, None, None), no_rows(file.table))
    rows, unread = read_rows(folder, file.path, file.foreign(), encoding=file.encoding)
    if rows is None:
        return nothing.found(unread)
    parsed, defects = _parsed(rows, file)
    stamped, unknown = _with_known_at(parsed, file)
    if file.table == "bonds":
        kept, wrong, notes = _bonds(stamped, file)
    else:
        kept, wrong, notes = *_baskets(stamped, file), ()
    days = kept["known_at"].dt.date().sort()
    part = replace(
        nothing.part,
        rows=rows.placed.height,
        kept=kept.height,
        first=None if days.is_empty() else days[0],
        last=None if days.is_empty() else days[-1],
        values=tuple((c, kept[c].count()) for c in kept.columns if c in ("coupon", "frequency", "maturity", "factor")),
    )
    listing = Listing(part, kept.select(nothing.kept.columns))
    return listing.found([*defects, *unknown, *wrong], [when_known(file.known), *file.notes, *notes])


def no_rows(table: str) -> pl.DataFrame:
    """No rows, in the canonical form of ``table`` with ``file`` and ``row``."""
    origin = pl.Schema({"file": pl.String, "row": pl.Int64})
    return pl.DataFrame(schema=pl.Schema({**SCHEMAS[table], **origin}))


def _parsed(rows: Rows, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Parse every cell; a row with a cell that cannot be read goes, as a defect. Terms have no blanks."""
    columns: dict[str, pl.Series] = {}
    defects: tuple[Defect, ...] = ()
    for foreign, kind in file.columns.items():
        if kind in ("coupon", "factor", "frequency"):
            number, failing = numbers(rows.cells[foreign], rows.placed, ())
            columns[kind] = number / 100.0 if kind == "coupon" and file.unit == "percent" else number
            defects += listed(failing, NUMBER_REMEDY)
        else:
            columns[kind] = rows.cells[foreign].str.strip_chars()
    for name, day in (("maturity", file.maturity), ("announced", file.date)):
        if day is not None:
            columns[name], failing = dates(rows.cells[day.column], rows.placed, day.format)
            defects += listed(failing, DATE_REMEDY)
    parsed = rows.placed.with_columns(**columns).drop_nulls(list(columns))
    for kind in {"code", "bond"} & set(columns):
        nameless = parsed.filter(pl.col(kind) == "").select(
            "file", "row", pl.lit(file.column(kind)).alias("column"), pl.lit("no bond is named").alias("reason")
        )
        defects += listed(nameless, "write the code of the bond in the cell")
        parsed = parsed.filter(pl.col(kind) != "")
    if file.contract is not None:
        parsed, unnamed = coded(parsed, "contract", str(file.column("contract")), file.contract, file.products)
        defects += unnamed
    for kind in ("coupon", "factor", "frequency"):
        if kind in columns:
            parsed, beyond = _plausible(parsed, kind, file)
            defects += beyond
    return parsed, defects


def _plausible(parsed: pl.DataFrame, kind: str, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Refuse numbers that cannot be a coupon, factor or frequency."""
    value, (least, most) = pl.col(kind), FACTOR_BOUNDS
    good, said, remedy = {
        "coupon": (
            (value > 0) & (value < COUPON_BOUND),
            f"{{}} is not between 0 and {COUPON_BOUND} a year, as a decimal",
            "check the unit: 2.88 per cent is 2.88 in percent and 0.0288 in decimal",
        ),
        "factor": (
            (value > least) & (value < most),
            f"{{}} is not between {least} and {most}",
            "check the unit: a conversion factor is per 1 of face, such as 0.9928",
        ),
        "frequency": (value.is_in([1.0, 2.0]), "{} coupons a year", "give 1 or 2"),
    }[kind]
    failing = parsed.filter(~good).select(
        "file", "row", pl.lit(file.column(kind)).alias("column"), pl.format(said, value).alias("reason")
    )
    return parsed.filter(good), listed(failing, remedy)


def _with_known_at(parsed: pl.DataFrame, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Say when each row became known, by the rule of the file."""
    if file.known.rule == "time":
        return known_by_time(parsed, "announced", file.known)
    moments, reasons = {}, {}
    for code in parsed["contract"].unique().sort().to_list():
        contract = Contract.parse(code)
        rules = product(contract.product)
        try:
            moments[code] = rules.opens_at(rules.listing_day(contract))
        except (MarketError, CalendarError) as error:
            reasons[code] = str(error)
    failing = parsed.filter(pl.col("contract").is_in(list(reasons))).select(
        "file",
        "row",
        pl.lit(file.column("contract")).alias("column"),
        pl.col("contract").replace_strict(reasons, return_dtype=pl.String, default=None).alias("reason"),
    )
    known = pl.col("contract").replace_strict(moments, return_dtype=UTC, default=None).alias("known_at")
    stamped = parsed.with_columns(known).drop_nulls("known_at")
    return stamped, listed(failing, "leave the contract's rows out of the file, or state known.rule = 'time'")


def _baskets(stamped: pl.DataFrame, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Keep each bond of a contract once; refuse repetitions."""
    doubled = stamped.filter(~pl.struct("contract", "bond").is_first_distinct())
    reason = pl.format("{} appears before in the basket of {}", "bond", "contract").alias("reason")
    failing = doubled.select("file", "row", pl.lit(file.column("bond")).alias("column"), reason)
    kept = stamped.unique(["contract", "bond"], keep="first", maintain_order=True)
    return kept, listed(failing, "keep one row for each bond of a contract")


def _bonds(stamped: pl.DataFrame, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...], tuple[str, ...]]:
    """Bring the rows of a bond together, one row each; terms must be the same in all of them."""
    terms = ["coupon", "maturity", *(["frequency"] if "frequency" in stamped.columns else [])]
    defects = _contradicted(stamped, terms, file)
    notes: tuple[str, ...] = ()
    once = stamped.group_by("code", maintain_order=True).agg(
        *(pl.col(c).first() for c in (*terms, "file", "row")), pl.col("known_at").min()
    )
    if file.frequency == "fit":
        fitted, misfits, notes = _fitted(
            stamped.join(once.select("code", *terms), on=["code", *terms], how="semi"), file
        )
        defects += misfits
        once = once.join(fitted, on="code", how="inner", maintain_order="left")
    elif file.frequency is not None:
        once = once.with_columns(pl.lit(file.frequency).alias("frequency"))
    return once.with_columns(pl.col("frequency").cast(pl.Int64)), defects, notes


def _contradicted(stamped: pl.DataFrame, terms: Sequence[str], file: Terms) -> tuple[Defect, ...]:
    """Refuse rows that give a bond other terms than its first row does."""
    defects: tuple[Defect, ...] = ()
    firsts = stamped.with_columns(*(pl.col(c).first().over("code").alias(f"{c}:first") for c in (*terms, "row")))
    for kind in terms:
        column = file.maturity.column if kind == "maturity" and file.maturity is not None else file.column(kind)
        reason = pl.format(f"{kind} {{}} of bond {{}}, {{}} in row {{}}", kind, "code", f"{kind}:first", "row:first")
        failing = firsts.filter(pl.col(kind) != pl.col(f"{kind}:first")).select(
            "file", "row", pl.lit(column).alias("column"), reason.alias("reason")
        )
        defects += listed(failing, "give a bond the same terms in every row")
    return defects


def _fitted(stamped: pl.DataFrame, file: Terms) -> tuple[pl.DataFrame, tuple[Defect, ...], tuple[str, ...]]:
    """Find for each bond the frequency that reproduces all its factors: ``code`` and ``frequency``.

    Where both do, the term at issue decides: the first two digits of a six-digit code are the year of issue.
    """
    each = stamped.with_columns(_reproduced(stamped, 1), _reproduced(stamped, 2))
    fits = {f"f{f}": ((pl.col(f"cf{f}") - pl.col("factor")).abs() < FACTOR_TOLERANCE) for f in (1, 2)}
    by_code = pl.col("code").str.extract(r"^(\d{2})\d{4}$", 1).cast(pl.Int32) + 2000
    of_bond = (
        each.with_columns(**fits)
        .group_by("code", maintain_order=True)
        .agg(
            pl.col("f1").all(), pl.col("f2").all(), pl.col("maturity").first(), pl.len().alias("factors"),
            pl.col("file").first(),
            # The first row that neither reproduces, or else the first of the bond.
            *(pl.col(c).sort_by(pl.col("f1") | pl.col("f2"), maintain_order=True).first()
              for c in ("row", "contract", "factor", "cf1", "cf2")),
        )
        .with_columns((pl.col("maturity").dt.year() - by_code).alias("term"))
    )  # fmt: skip
    tie = pl.col("f1") & pl.col("f2")
    neither = of_bond.filter(~pl.col("f1") & ~pl.col("f2"))
    reason = pl.format(
        "no frequency gives the {} factors of bond {}: {} in {}, where one coupon a year gives {} and two give {}",
        "factors", "code", "factor", "contract", "cf1", "cf2",
    )  # fmt: skip
    column = pl.lit(file.column("factor")).alias("column")
    defects = listed(neither.select("file", "row", column, reason.alias("reason")), FACTOR_REMEDY)
    undated = of_bond.filter(tie & pl.col("term").is_null())
    said = pl.format("bond {} fits one and two coupons a year, and its code does not tell the year of issue", "code")
    code = pl.lit(file.column("code")).alias("column")
    defects += listed(undated.select("file", "row", code, said.alias("reason")), FACTOR_REMEDY)
    by_term = pl.when(pl.col("term") >= LONG_TERM).then(2).otherwise(1)
    frequency = pl.when(tie).then(by_term).when("f2").then(2).otherwise(1).alias("frequency")
    fitted = of_bond.join(neither, on="code", how="anti", maintain_order="left").join(
        undated, on="code", how="anti", maintain_order="left"
    )
    told = fitted.with_columns(frequency)
    twice, ties = told.filter(pl.col("frequency") == 2).height, told.filter(tie).height
    note = (
        f"the frequency of {told.height} bonds is the one that reproduces their factors: {twice} pay twice a year, "
        f"{told.height - twice} once; {ties} fit both and pay twice where they ran {LONG_TERM} years or more at issue"
    )
    return told.select("code", "frequency"), defects, (note,)


def _reproduced(stamped: pl.DataFrame, frequency: int) -> pl.Series:
    """The factor of each row with ``frequency`` coupons a year, by the rule of its contract's product."""
    contracts = {code: Contract.parse(code) for code in stamped["contract"].unique().to_list()}
    factors = np.full(stamped.height, np.nan)
    for name in sorted({contract.product for contract in contracts.values()}):
        mine: Bools = np.array([contracts[code].product == name for code in stamped["contract"]], bool)
        rows = stamped.filter(pl.Series(mine))
        months = [contracts[code].delivery_month for code in rows["contract"]]
        factors[mine] = conversion_factor(
            rows["coupon"].to_numpy(),
            frequency,
            rows["maturity"].to_numpy().astype("datetime64[D]"),
            np.array(months, "datetime64[D]"),
            notional=product(name).coupon,
        )
    return pl.Series(f"cf{frequency}", factors)


def united(table: str, listings: Sequence[Listing]) -> tuple[tuple[Listing, ...], pl.DataFrame]:
    """Put the files of ``table`` together; what two of them give must be the same.

    Returns
    -------
    tuple
        The files with what was found, and the rows with ``file`` and ``row``; these count only where nothing is
        defective.
    """
    done, keys = list(listings), list(KEYS[table])
    values = [c for c in SCHEMAS[table].names() if c not in (*keys, "known_at")]
    rows = no_rows(table)
    for at, listing in enumerate(listings):
        if listing.part.table != table:
            continue
        both = listing.kept.join(rows, on=keys, suffix=":other", maintain_order="left")
        differ = pl.any_horizontal(pl.col(v).ne_missing(pl.col(f"{v}:other")) for v in values)
        reason = pl.format(
            "{} is also given by {}:{}, with other values",
            pl.concat_str([pl.col(key).cast(pl.String) for key in keys], separator=" "), "file:other", "row:other",
        )  # fmt: skip
        failing = both.filter(differ).select("file", "row", pl.lit(keys[-1]).alias("column"), reason.alias("reason"))
        done[at] = listing.found(listed(failing, "correct one of the two, or read it from one file only"))
        rows = pl.concat([rows, listing.kept]).sort("known_at", maintain_order=True)
        rows = rows.unique(keys, keep="first", maintain_order=True)
    return tuple(done), rows


def undeliverable(bonds: pl.DataFrame, deliverables: pl.DataFrame) -> tuple[Defect, ...]:
    """Refuse baskets with a bond without terms, or with one that matures by the end of the delivery month.

    Parameters
    ----------
    bonds, deliverables
        From :func:`united`.
    """
    unknown = deliverables.join(bonds, left_on="bond", right_on="code", how="anti", maintain_order="left")
    reason = pl.format("bond {} in the basket of {} has no terms in 'bonds'", "bond", "contract").alias("reason")
    named = pl.lit("bond").alias("column")
    defects = listed(
        unknown.select("file", "row", named, reason), "give the bond a row of table 'bonds', or correct its code"
    )
    months = {code: Contract.parse(code).delivery_month for code in deliverables["contract"].unique().to_list()}
    delivered = deliverables.join(
        bonds.select("code", "maturity"), left_on="bond", right_on="code", maintain_order="left"
    ).with_columns(pl.col("contract").replace_strict(months, return_dtype=pl.Date, default=None).alias("month"))
    early = delivered.filter(pl.col("maturity") <= pl.col("month").dt.month_end())
    over = pl.format("bond {} matures on {}, not after the delivery month of {}", "bond", "maturity", "contract")
    return defects + listed(
        early.select("file", "row", named, over.alias("reason")), "correct the maturity, the bond or the contract"
    )
