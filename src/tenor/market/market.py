"""A market: tables of observations, each with the moment at which it became known.

Three instances that fix the idea. A treasury-futures close of 2019-03-01 became known at 15:15 in Shanghai that day.
The ChinaBond curve of the same date came after 17:30, so whoever trades the close does not have it. An overnight
SHIBOR fixing came at 11:00 (11:30 in older years), so he does. And the consumer prices of February 2019 came on
9 March: their ``period`` is over on 28 February, and nobody has them then.

``Market`` is a value. ``known_at(t)`` returns the smaller market that somebody had at ``t``; whatever is computed
must give the same answer at ``t`` from either (prefix invariance), and the tests hold every registered name to it.

Tables are long Polars frames in the schemas below: dates are sessions, ``known_at`` is UTC, rates are decimals per
year, prices are clean per 100 of face, volumes and open interest are in lots. A missing observation is a missing row
or a null, never a filled value.

What a future delivers is two tables. ``bonds`` holds the terms of a bond, once; ``deliverables`` says into which
contract it can be delivered, and at which conversion factor. A bond that is quoted has rows of ``quotes`` under its
own code, with the clean price as close. ``macro`` holds publications of a month, in the unit of the publication
(per cent, or points of an index), each with the day on which it was released.

Stocks, ETFs and indices are quoted under their own code (``AAPL``, ``SH600519``) in their own currency, volumes in
shares; an index has its level as close. What surrounds them is four tables. ``instruments`` says what a code is (a kind
out of ``INSTRUMENT_KINDS``) and where it trades. ``adjustments`` holds, from each date on, the cumulative factor by
which its prices are multiplied to be comparable with those of its first session, where the factor is 1: a factor that
looks back over splits and dividends, never ahead; without rows a code's prices count as they stand. ``actions`` are the
events themselves (``ACTION_KINDS``): new shares per old share of a split, cash per share of a dividend, the last
session of a delisted name. ``members`` says from which date on a code belongs, or no longer belongs, to a universe.
"""

import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

import polars as pl

from tenor.errors import MarketError, suggest

UTC: pl.DataType = pl.Datetime("us", "UTC")


def _schema(columns: dict[str, pl.DataType | type[pl.DataType]]) -> pl.Schema:
    return pl.Schema(columns)


QUOTES = _schema(
    {
        "date": pl.Date,
        "code": pl.String,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "settle": pl.Float64,
        "volume": pl.Float64,
        "open_interest": pl.Float64,
        "known_at": UTC,
    }
)
CURVE = _schema({"date": pl.Date, "curve": pl.String, "tenor": pl.Float64, "rate": pl.Float64, "known_at": UTC})
RATES = _schema({"date": pl.Date, "name": pl.String, "rate": pl.Float64, "known_at": UTC})
BONDS = _schema({"code": pl.String, "coupon": pl.Float64, "frequency": pl.Int64, "maturity": pl.Date, "known_at": UTC})
DELIVERABLES = _schema({"contract": pl.String, "bond": pl.String, "factor": pl.Float64, "known_at": UTC})
MACRO = _schema({"name": pl.String, "period": pl.Date, "released": pl.Date, "value": pl.Float64, "known_at": UTC})
INSTRUMENTS = _schema(
    {
        "code": pl.String,
        "name": pl.String,
        "kind": pl.String,
        "exchange": pl.String,
        "currency": pl.String,
        "sector": pl.String,
        "known_at": UTC,
    }
)
ADJUSTMENTS = _schema({"date": pl.Date, "code": pl.String, "factor": pl.Float64, "known_at": UTC})
ACTIONS = _schema({"date": pl.Date, "code": pl.String, "action": pl.String, "value": pl.Float64, "known_at": UTC})
MEMBERS = _schema({"date": pl.Date, "universe": pl.String, "code": pl.String, "member": pl.Boolean, "known_at": UTC})

INSTRUMENT_KINDS = ("stock", "etf", "index")
ACTION_KINDS = ("split", "dividend", "halt", "delisting")

KEYS = {
    "quotes": ("code", "date"),
    "curve": ("curve", "tenor", "date"),
    "rates": ("name", "date"),
    "bonds": ("code",),
    "deliverables": ("contract", "bond"),
    "macro": ("name", "period"),
    "instruments": ("code",),
    "adjustments": ("code", "date"),
    "actions": ("code", "date", "action"),
    "members": ("universe", "code", "date"),
}
"""What identifies a row of each table, in the order in which the tables are kept sorted."""

SCHEMAS = {
    "quotes": QUOTES,
    "curve": CURVE,
    "rates": RATES,
    "bonds": BONDS,
    "deliverables": DELIVERABLES,
    "macro": MACRO,
    "instruments": INSTRUMENTS,
    "adjustments": ADJUSTMENTS,
    "actions": ACTIONS,
    "members": MEMBERS,
}

OPTIONAL = ("bonds", "deliverables", "macro", "instruments", "adjustments", "actions", "members")
"""Tables that a market may go without; an empty one does not count in the fingerprint."""


@dataclass(frozen=True, slots=True)
class Market:
    """Everything that a study may look at, as values.

    Parameters
    ----------
    name
        Where the rows come from, for people: ``"simulated"`` or the name of a layout.
    simulated
        True where the rows were drawn, not observed; every output then says SIMULATED.
    quotes, curve, rates
        Tables in the schemas ``QUOTES``, ``CURVE`` and ``RATES``, sorted by ``KEYS`` and free of repeated keys.
    notes
        What the source left out or changed while reading, one sentence each; shown in every report.
    bonds, deliverables, macro, instruments, adjustments, actions, members
        Tables in the schemas ``BONDS``, ``DELIVERABLES``, ``MACRO``, ``INSTRUMENTS``, ``ADJUSTMENTS``, ``ACTIONS`` and
        ``MEMBERS``, likewise; empty where the source has none.

    Raises
    ------
    MarketError
        If a table does not have its schema, repeats a key, or if a deliverable bond has no terms in ``bonds``.
    """

    name: str
    simulated: bool
    quotes: pl.DataFrame
    curve: pl.DataFrame
    rates: pl.DataFrame
    notes: tuple[str, ...] = ()
    bonds: pl.DataFrame = field(default_factory=BONDS.to_frame)
    deliverables: pl.DataFrame = field(default_factory=DELIVERABLES.to_frame)
    macro: pl.DataFrame = field(default_factory=MACRO.to_frame)
    instruments: pl.DataFrame = field(default_factory=INSTRUMENTS.to_frame)
    adjustments: pl.DataFrame = field(default_factory=ADJUSTMENTS.to_frame)
    actions: pl.DataFrame = field(default_factory=ACTIONS.to_frame)
    members: pl.DataFrame = field(default_factory=MEMBERS.to_frame)

    def __post_init__(self) -> None:
        for table, schema in SCHEMAS.items():
            frame: pl.DataFrame = getattr(self, table)
            if frame.schema != schema:
                raise MarketError(f"table {table!r} has schema {dict(frame.schema)}; it must be {dict(schema)}")
            keys = list(KEYS[table])
            if frame["known_at"].null_count():
                raise MarketError(f"table {table!r} has rows without known_at; say when each became known")
            if frame.select(keys).is_duplicated().any():
                raise MarketError(f"table {table!r} repeats a key {KEYS[table]}; keep one row for each")
            object.__setattr__(self, table, frame.sort(keys))
        if self.deliverables.is_empty():
            return
        without = self.deliverables.join(self.bonds, left_on="bond", right_on="code", how="anti")["bond"]
        if not without.is_empty():
            named = without.unique().sort().to_list()
            raise MarketError(
                f"{len(named)} deliverable bonds have no terms, {named[0]!r} among them; give each a row of 'bonds'"
            )

    def known_at(self, moment: datetime) -> "Market":
        """Return the market as it was known at ``moment`` (timezone-aware): later rows are not there.

        A deliverable is known once both its factor and the terms of its bond are.
        """
        if moment.tzinfo is None:
            raise MarketError(f"moment {moment} has no time zone; give an aware datetime")
        kept = {table: getattr(self, table).filter(pl.col("known_at") <= moment) for table in SCHEMAS}
        described = kept["deliverables"].join(kept["bonds"], left_on="bond", right_on="code", how="semi")
        return replace(self, **{**kept, "deliverables": described})

    def codes(self) -> tuple[str, ...]:
        """Every contract or instrument code that is quoted, sorted."""
        return tuple(self.quotes["code"].unique().sort().to_list())

    def quotes_of(self, code: str) -> pl.DataFrame:
        """Return the quotes of ``code`` by date; :class:`MarketError` if it was never quoted."""
        found = self.quotes.filter(pl.col("code") == code)
        if found.is_empty():
            raise MarketError(f"no quotes of {code!r} in {self.name!r}{suggest(code, self.codes())}")
        return found

    def rate_names(self) -> tuple[str, ...]:
        """Every rate that has a fixing, sorted."""
        return tuple(self.rates["name"].unique().sort().to_list())

    def rate(self, name: str) -> pl.DataFrame:
        """Return the series of rate ``name`` by date; :class:`MarketError` listing the names if there is none."""
        found = self.rates.filter(pl.col("name") == name)
        if found.is_empty():
            raise MarketError(f"no rate {name!r} in {self.name!r}; it has {list(self.rate_names())}")
        return found

    def tenor(self, curve: str, years: float) -> pl.DataFrame:
        """Return the published point ``years`` of ``curve`` by date; :class:`MarketError` listing what exists."""
        found = self.curve.filter((pl.col("curve") == curve) & (pl.col("tenor") == years))
        if found.is_empty():
            held = sorted(self.curve.filter(pl.col("curve") == curve)["tenor"].unique().to_list())
            curves = sorted(self.curve["curve"].unique().to_list())
            raise MarketError(f"no point {years:g} y on curve {curve!r}; it has {held}, the curves are {curves}")
        return found

    def bond(self, code: str) -> pl.DataFrame:
        """Return the terms of bond ``code``, one row of ``bonds``; :class:`MarketError` if there are none."""
        found = self.bonds.filter(pl.col("code") == code)
        if found.is_empty():
            held = self.bonds["code"].to_list()
            raise MarketError(
                f"no terms of bond {code!r} in {self.name!r}, which has those of {len(held)}"
                f"{suggest(code, held) or (f', such as {held[0]} and {held[-1]}' if held else '')}"
            )
        return found

    def basket(self, contract: str) -> pl.DataFrame:
        """Return the bonds that ``contract`` delivers, by code, with their terms.

        Returns
        -------
        DataFrame
            ``bond``, ``coupon`` (decimal per year), ``frequency`` (a year), ``maturity``, ``factor`` and
            ``known_at``, when the later of terms and factor became known.

        Raises
        ------
        MarketError
            If no basket of the contract is known; the message lists the contracts that have one.
        """
        found = self.deliverables.filter(pl.col("contract") == contract)
        if found.is_empty():
            held = self.deliverables["contract"].unique().sort().to_list()
            raise MarketError(f"no basket of {contract!r} in {self.name!r}; it has those of {held}")
        terms = self.bonds.rename({"code": "bond", "known_at": "terms_known_at"})
        later = pl.max_horizontal("known_at", "terms_known_at").alias("known_at")
        columns = ("bond", "coupon", "frequency", "maturity", "factor")
        return found.join(terms, on="bond", maintain_order="left").select(*columns, later)

    def instrument(self, code: str) -> pl.DataFrame:
        """Return what instrument ``code`` is, one row of ``instruments``; :class:`MarketError` if nothing is said."""
        found = self.instruments.filter(pl.col("code") == code)
        if found.is_empty():
            held = self.instruments["code"].to_list()
            raise MarketError(
                f"no instrument {code!r} in {self.name!r}, which has {len(held)}{suggest(code, held)}"
                + (f", such as {held[0]} and {held[-1]}" if held else "")
            )
        return found

    def release(self, name: str) -> pl.DataFrame:
        """Return the publications ``name`` by period; :class:`MarketError` listing the names if there are none."""
        found = self.macro.filter(pl.col("name") == name)
        if found.is_empty():
            held = sorted(self.macro["name"].unique().to_list())
            raise MarketError(f"no publication {name!r} in {self.name!r}; it has {held}")
        return found

    def fingerprint(self) -> str:
        """SHA-256 of every observation, as hex: equal exactly when the tables are equal.

        ``notes`` and ``name`` do not count; a renamed layout that yields the same rows is the same data.
        """
        digest = hashlib.sha256()
        for each in fields(self):
            table = getattr(self, each.name)
            if each.name in SCHEMAS and not (each.name in OPTIONAL and table.is_empty()):
                digest.update(each.name.encode())
                digest.update(table.write_csv(float_precision=None).encode())
        return digest.hexdigest()
