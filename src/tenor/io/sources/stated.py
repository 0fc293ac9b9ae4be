"""What a layout states of a row: which contract a cell names, and when the row became known.

Three instances. ``T2609.CFE``, of which ``.CFE`` is stripped, is T2609. A curve of 2019-03-01 is known at 18:00 in
Shanghai that day. A basket is known at the open of the day on which its contract was listed.
"""

from collections.abc import Sequence

import polars as pl

from tenor.errors import Defect, MarketError
from tenor.io.sources.check import listed
from tenor.io.sources.layout_file import Codes, Known
from tenor.market.contract import Contract
from tenor.market.market import UTC

CODE_REMEDY = "correct the cell, or how the layout reads codes ('contract' of the file)"


def code_of(text: str, how: Codes, products: Sequence[str]) -> str:
    """Return the code that a cell names; MarketError if it names none of ``products``."""
    if not text:
        raise MarketError("no contract is named")
    if how.form == "given":
        return text
    if how.form == "yyyymm":
        if len(text) != 6 or not (text.isascii() and text.isdigit()):
            raise MarketError(f"{text!r} is not a delivery month written yyyymm")
        contract = Contract(str(how.product), int(text[:4]), int(text[4:]))
    else:
        if not text.endswith(how.strip):
            raise MarketError(f"{text!r} does not end in {how.strip!r}")
        contract = Contract.parse(text.removesuffix(how.strip))
    if contract.product not in products:
        raise MarketError(f"{contract.code} is of product {contract.product!r}, the file is of {list(products)}")
    return contract.code


def coded(
    rows: pl.DataFrame, cell: str, column: str, how: Codes, products: Sequence[str]
) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Turn the texts in ``cell`` into codes; rows that name none go, as defects of the foreign ``column``."""
    codes: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for text in rows[cell].unique().sort().to_list():
        try:
            codes[text] = code_of(text, how, products)
        except MarketError as error:
            reasons[text] = str(error)
    unnamed = pl.col(cell).is_in(list(reasons))
    why = pl.col(cell).replace_strict(reasons, return_dtype=pl.String, default=None).alias("reason")
    failing = rows.filter(unnamed).select("file", "row", pl.lit(column).alias("column"), why)
    named = rows.filter(~unnamed)
    named = named.with_columns(pl.col(cell).replace_strict(codes, return_dtype=pl.String, default=None))
    return named, listed(failing, CODE_REMEDY)


def known_by_time(rows: pl.DataFrame, day: str, known: Known) -> tuple[pl.DataFrame, tuple[Defect, ...]]:
    """Set ``known_at`` of each row by a rule ``time``, counted from its column ``day``."""
    assert known.at is not None
    assert known.zone is not None
    local = (pl.col(day) + pl.duration(days=known.days)).dt.combine(known.at)
    # An hour that the clocks repeat is taken the second time: never known too early.
    zoned = local.dt.replace_time_zone(known.zone, ambiguous="latest", non_existent="null")
    stamped = rows.with_columns(zoned.dt.convert_time_zone("UTC").cast(UTC).alias("known_at"))
    reason = pl.format("{} does not exist on {}: the clocks go forward", pl.lit(str(known.at)), pl.col(day))
    skipped = stamped.filter(pl.col("known_at").is_null() & pl.col(day).is_not_null()).select(
        "file", "row", pl.lit("known").alias("column"), reason.alias("reason")
    )
    return stamped, listed(skipped, "state another 'at' in the layout")


def when_known(known: Known, since: str = "its date") -> str:
    """Say when each row is taken as known: whoever believes a result must believe this first."""
    if known.rule == "close":
        return "taken as known at the product's close of its date"
    if known.rule == "listing":
        return (
            "taken as known at the open of the day on which the contract was listed; "
            "what the exchange added to a list later is dated too early"
        )
    if since != "its date":
        later = "on" if not known.days else f"{known.days} day{'' if known.days == 1 else 's'} after"
        return f"taken as known at {known.at:%H:%M} {known.zone}, {later} {since}"
    later = f", {known.days} days later" if known.days else " of its date"
    return f"taken as known at {known.at:%H:%M} {known.zone}{later}"
