"""Settings of a file of terms and of a file of publications.

Three instances. A row of contract, bond, coupon, maturity and factor feeds ``bonds`` and ``deliverables``, in two
entries of the layout. It does not say how often the bond pays: ``frequency = "fit"`` takes what reproduces the factors
that the exchange published. A row of June 2026 in a table of consumer prices is a *reference* month: ``known`` says how
many days after its end, and at what time, it was published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tenor.errors import MarketError, suggest
from tenor.io.sources.layout_file import (
    Codes,
    DateColumn,
    Known,
    KnownGap,
    LeaveOut,
    hole_problems,
    span_problems,
    text_problems,
    time_problems,
)
from tenor.market.contract import product
from tenor.settings import STRICT

TAKEN: Mapping[str, tuple[str, ...]] = {
    "bonds": ("code", "coupon", "frequency", "contract", "factor"),
    "deliverables": ("contract", "bond", "factor"),
}
"""What a column of terms may be taken as, for each table."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "bonds": ("code", "coupon"),
    "deliverables": ("contract", "bond", "factor"),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """How one foreign file feeds ``bonds`` or ``deliverables``: one row for each bond, or bond and contract.

    Parameters
    ----------
    path, encoding, notes
        As of a file of series.
    table
        ``bonds`` or ``deliverables``.
    unit
        Of the coupon of ``bonds``, ``percent`` or ``decimal``; of the factor of ``deliverables``, ``per 1`` of face.
    columns
        Foreign column to what it is: see :data:`TAKEN`.
    known
        ``listing``: at the open of the listing day of the contract (of the first one, for a bond in several).
        ``time``: at ``at`` in ``zone``, ``days`` after the day in the column ``date``.
    products
        Whose baskets these are: contracts of others are refused.
    contract
        How cells name contracts.
    maturity
        Of ``bonds``: column and form of the day of maturity.
    frequency
        Of ``bonds``, where no column says it: 1 or 2 for all, or ``fit``, the one that reproduces every factor of the
        bond in the file. Where both do, a bond that ran ten years or more when it was issued pays twice; the year of
        issue is the first two digits of a code such as 230004.
    date
        With ``known.rule = "time"``: the day on which the row was announced.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["bonds", "deliverables"]
    unit: str
    columns: Mapping[str, str]
    known: Known
    products: tuple[str, ...] = ()
    contract: Codes | None = None
    maturity: DateColumn | None = None
    frequency: Literal["fit", 1, 2] | None = None
    date: DateColumn | None = None
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    def column(self, taken: str) -> str | None:
        """The foreign column that is taken as ``taken``, if one is."""
        return next((foreign for foreign, kind in self.columns.items() if kind == taken), None)

    def foreign(self) -> tuple[str, ...]:
        """Every column of the foreign file that is read."""
        days = [each.column for each in (self.maturity, self.date) if each is not None]
        return tuple(dict.fromkeys([*self.columns, *days]))


@dataclass(frozen=True, slots=True)
class MonthsMissing:
    """The most months that may be missing between two periods of one publication."""

    __pydantic_config__: ClassVar = STRICT
    months: int


@dataclass(frozen=True, slots=True)
class Releases:
    """How one foreign file of monthly publications feeds ``macro``.

    Parameters
    ----------
    path, encoding, blank, near_zero, products, notes
        As of a file of series. ``near_zero`` accepts percentages of which half are within 0.05 of zero.
    table
        ``macro``.
    unit
        ``percent``, or ``points`` of an index between 0 and 100. Values stay as they are in the file.
    date
        Column and form of the reference month; a form without a day, such as ``%Y-%m``, is a month.
    known
        ``time``: published at ``at`` in ``zone``, ``days`` after the last day of the reference month; or after the day
        in the column ``released``, where the file has one.
    gap, known_gaps
        Missing months that are allowed, and longer holes that are understood.
    columns
        Foreign column to name, such as ``CPI.YOY``.
    released
        Column and form of the day of publication, where the file knows it.
    leave_out
        Rules ``outside`` and ``within``, on the last day of the reference month.
    """

    __pydantic_config__: ClassVar = STRICT
    path: str
    table: Literal["macro"]
    unit: str
    date: DateColumn
    known: Known
    gap: MonthsMissing
    columns: Mapping[str, str]
    known_gaps: tuple[KnownGap, ...] = ()
    products: tuple[str, ...] = ()
    released: DateColumn | None = None
    leave_out: tuple[LeaveOut, ...] = ()
    encoding: str = "utf-8"
    blank: tuple[str, ...] = ("",)
    near_zero: bool = False
    notes: tuple[str, ...] = ()

    def foreign(self) -> tuple[str, ...]:
        """Every column of the foreign file that is read."""
        released = () if self.released is None else (self.released.column,)
        return tuple(dict.fromkeys([self.date.column, *released, *self.columns]))


def terms_problems(file: Terms) -> Iterator[str]:
    """What a file of terms says that cannot be, by key."""
    yield from text_problems(file.path, file.table, file.unit, file.encoding)
    taken, kinds = TAKEN[file.table], tuple(file.columns.values())
    for column, kind in file.columns.items():
        if kind not in taken:
            yield f"columns.{column}: no {kind!r}{suggest(kind, taken)}; {file.table} take {', '.join(taken)}"
    if len(set(kinds)) < len(kinds):
        yield "columns: two columns for one kind; keep one"
    for kind in NEEDED[file.table]:
        if kind not in kinds:
            yield f"columns: none is taken as {kind!r}; state foreign = {kind!r}"
    yield from _bond_problems(file) if file.table == "bonds" else _basket_problems(file)
    yield from _contract_problems(file)
    yield from _announcement_problems(file)


def _bond_problems(file: Terms) -> Iterator[str]:
    kinds = file.columns.values()
    if file.maturity is None:
        yield "maturity: missing; state the column and form of the day of maturity"
    if file.frequency is None and "frequency" not in kinds:
        yield "frequency: missing; take a column as 'frequency', or state 1, 2 or 'fit'"
    if file.frequency is not None and "frequency" in kinds:
        yield "frequency: a column is taken as 'frequency' too; keep one of the two"
    if file.frequency == "fit" and not {"contract", "factor"} <= set(kinds):
        yield "frequency: 'fit' needs columns taken as 'contract' and 'factor', whose factors it reproduces"
    if file.frequency != "fit" and "factor" in kinds:
        yield "columns: bonds take a 'factor' only for frequency = 'fit'; remove it"


def _basket_problems(file: Terms) -> Iterator[str]:
    if file.maturity is not None:
        yield "maturity: only bonds have one; remove it"
    if file.frequency is not None:
        yield "frequency: only bonds have one; remove it"


def _contract_problems(file: Terms) -> Iterator[str]:
    if "contract" not in file.columns.values():
        if file.contract is not None:
            yield "contract: no column is taken as 'contract'; remove it"
        return
    if file.contract is None:
        yield "contract: missing; state how codes are written (form = 'code' or 'yyyymm')"
    elif file.contract.form == "given":
        yield "contract.form: 'given' names no contract of a product; state 'code' or 'yyyymm'"
    elif file.contract.form == "yyyymm" and file.contract.product not in file.products:
        yield f"contract.product: {file.contract.product!r} given; 'yyyymm' needs one of products"
    elif file.contract.form == "code" and file.contract.product is not None:
        yield "contract.product: only form 'yyyymm' takes it, the form is 'code'; remove it"
    if not file.products:
        yield "products: missing; say whose baskets these are"
    for name in file.products:
        try:
            product(name)
        except MarketError as error:
            yield f"products: {error}"


def _announcement_problems(file: Terms) -> Iterator[str]:
    known = file.known
    match known.rule:
        case "close":
            yield "known.rule: 'close' is of quotes; state 'listing', or 'time' with the column of the day in 'date'"
        case "listing":
            if known.at is not None or known.zone is not None or known.days:
                yield "known: 'listing' takes no at, zone or days; remove them"
            if file.date is not None:
                yield "date: rule 'listing' takes none; remove it, or state rule 'time'"
            if "contract" not in file.columns.values():
                yield "known.rule: 'listing' needs a column taken as 'contract'"
        case "time":
            yield from time_problems(known)
            if file.date is None:
                yield "date: missing; rule 'time' counts from the day in this column"


def releases_problems(file: Releases) -> Iterator[str]:
    """What a file of publications says that cannot be, by key."""
    yield from text_problems(file.path, file.table, file.unit, file.encoding)
    if file.known.rule != "time":
        yield f"known.rule: {file.known.rule!r} given; a publication states 'time', with at, zone and days"
    else:
        yield from time_problems(file.known)
    if file.gap.months < 0:
        yield f"gap.months: {file.gap.months} given; 0 or more months may be missing"
    if not file.columns:
        yield "columns: missing; state foreign = 'NAME', such as 'CPI.YOY'"
    if len(set(file.columns.values())) < len(file.columns):
        yield "columns: two columns for one publication; keep one"
    yield from hole_problems(file.known_gaps, tuple(file.columns))
    for at, rule in enumerate(file.leave_out):
        if rule.rule not in ("outside", "within"):
            yield f"leave_out[{at}].rule: {rule.rule!r} given; publications take 'outside' and 'within'"
        yield from (f"leave_out[{at}].{line}" for line in span_problems(rule))
