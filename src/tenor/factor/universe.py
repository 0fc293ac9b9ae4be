"""A universe: every instrument's own sessions laid end to end, with what was known at each close.

For ``("AAPL", "MSFT")`` the rows are all sessions of AAPL, then all of MSFT: open, high, low and close multiplied by
the adjustment factor *of that date* (it looks back over splits and dividends, so nothing of a later dividend is in it),
and volume divided by it. A session on which an instrument was not quoted is no row, so a window is the last so many
sessions *of the instrument*, across a halt; the notes say how many sessions each lacked.

A member of a point-in-time universe (an index) stays in the rows before it joins and after it leaves, because its
history is what factors are computed from; ``member`` says on which rows a decision may stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tenor.errors import MarketError, suggest
from tenor.factor.align import known_as_of
from tenor.factor.base import Field
from tenor.market.calendar import trading_calendar
from tenor.market.exchange import Exchange, exchange
from tenor.market.market import Market
from tenor.units import AnyArray, Bools, Dates, Floats, Ints

OPEN, HIGH, LOW, CLOSE = (Field("quote", name) for name in ("open", "high", "low", "close"))
VOLUME = Field("quote", "volume")
RAW_CLOSE = Field("quote", "raw_close")
"""The close as it was quoted on the day, without adjustment."""
QUOTE = (OPEN, HIGH, LOW, CLOSE, VOLUME)


@dataclass(frozen=True, slots=True, eq=False)
class Universe:
    """Aligned series of several instruments of one exchange.

    Parameters
    ----------
    exchange
        Where they trade; its close is the moment of decision.
    codes
        The instruments, in order.
    bounds
        Shape ``(code + 1,)``: the rows of instrument ``i`` are ``bounds[i] : bounds[i + 1]``.
    sessions
        Shape ``(row,)``, ascending within an instrument.
    member
        Shape ``(row,)``: the instrument was in the universe, as known at that close.
    fields
        Each series, shape ``(row,)``; NaN where unknown.
    factor
        Shape ``(row,)``: the adjustment factor; ``fields[CLOSE] / factor`` is the price as it was quoted.
    sectors
        Sector of each instrument, ``""`` where none is stated.
    notes
        What a reader must know of the rows, one sentence each.
    """

    exchange: Exchange
    codes: tuple[str, ...]
    bounds: Ints
    sessions: Dates
    member: Bools
    fields: Mapping[Field, Floats]
    factor: Floats
    sectors: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def code(self) -> Ints:
        """Position in ``codes`` of each row, shape ``(row,)``."""
        return np.repeat(np.arange(len(self.codes)), np.diff(self.bounds))

    def rows(self, code: str) -> slice:
        """Return the rows of one instrument; :class:`MarketError` if it is not there."""
        if code not in self.codes:
            raise MarketError(f"no instrument {code!r} among {len(self.codes)}{suggest(code, self.codes)}")
        at = self.codes.index(code)
        return slice(int(self.bounds[at]), int(self.bounds[at + 1]))


def build_universe(
    market: Market,
    codes: Sequence[str],
    needs: Sequence[Field] = (),
    *,
    members: str | None = None,
    max_age_days: int = 10,
) -> Universe:
    """Align the quotes of ``codes``, and every other series of ``needs``, at the closes of their exchange.

    Parameters
    ----------
    market
        Quotes, adjustments, instruments, and members where ``members`` is named.
    codes
        Instruments; all must trade on one exchange.
    needs
        Series beside the quotes: of tables ``rate`` and ``curve``, as they were known at each close.
    members
        Name of the universe whose membership by date counts; ``None``: every row is a member.
    max_age_days
        A rate or curve point older than this is missing, not stale.

    Raises
    ------
    MarketError
        If an instrument has no quote, no row of ``instruments``, or another exchange than the first; if the universe
        has no members.
    """
    unknown = sorted(set(codes) - set(market.instruments["code"].to_list()))
    if not codes or unknown:
        held = market.instruments["code"].to_list()
        raise MarketError(
            f"{', '.join(unknown[:5]) or 'no instrument'} asked; {market.name!r} has {len(held)} instruments"
            + (f", such as {held[0]} and {held[-1]}" if held else "")
            + (f"{suggest(unknown[0], held)}" if unknown else "")
        )
    if len(set(codes)) != len(codes):
        raise MarketError("an instrument is asked twice; name each once")
    terms = pl.DataFrame({"code": list(codes)}).join(market.instruments, on="code", how="left", maintain_order="left")
    places = terms["exchange"].unique(maintain_order=True).to_list()
    if len(places) > 1:
        raise MarketError(
            f"instruments of exchanges {places} together; their closes are not at one moment: ask for those of one"
        )
    at = exchange(places[0])
    order = pl.DataFrame({"code": list(codes), "place": np.arange(len(codes))})
    columns = [field.name for field in QUOTE]
    quotes = (
        market.quotes.join(order, on="code", how="inner")
        .filter(pl.col("close").is_not_null())
        .sort("place", "date")
        .select("place", "code", "date", "known_at", *columns)
    )
    moments = at.closes(quotes["date"].to_numpy())
    known = quotes["known_at"].dt.replace_time_zone(None).to_numpy() <= moments
    late = int((~known).sum())
    quotes, moments = quotes.filter(pl.Series(known)), moments[known]
    counts = np.bincount(quotes["place"].to_numpy(), minlength=len(codes))
    if (counts == 0).any():
        lacking = [code for code, count in zip(codes, counts.tolist(), strict=True) if not count]
        raise MarketError(f"no quotes of {', '.join(lacking[:5])} in {market.name!r} ({len(lacking)} of {len(codes)})")
    factor = _as_of(quotes, moments, market.adjustments, "factor", 1.0)
    fields: dict[Field, Floats] = {}
    for field in QUOTE:
        values = quotes[field.name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        fields[field] = values / factor if field is VOLUME else values * factor
    fields[RAW_CLOSE] = quotes["close"].to_numpy()
    fields |= _sessions(at, quotes["date"].to_numpy().astype("datetime64[D]"), needs)
    fields |= _beside(market, needs, quotes, moments, max_age_days)
    notes = [
        *_halts(at, codes, quotes),
        *([f"{late} quotes became known after their own close: left out"] if late else []),
    ]
    return Universe(
        exchange=at,
        codes=tuple(codes),
        bounds=np.concatenate([[0], np.cumsum(counts)]),
        sessions=quotes["date"].to_numpy().astype("datetime64[D]"),
        member=_members(market, members, quotes, moments),
        fields=fields,
        factor=factor,
        sectors=tuple(terms["sector"].fill_null("").to_list()),
        notes=tuple(notes),
    )


def _as_of(quotes: pl.DataFrame, moments: AnyArray, events: pl.DataFrame, value: str, before: float) -> Floats:
    """Return the last ``value`` of each code dated no later than the row and known by its close."""
    if events.is_empty():
        return np.full(quotes.height, before)
    asked = quotes.select("code", "date").with_columns(pl.Series("moment", moments), row=pl.int_range(pl.len()))
    dated = events.select("code", "date", pl.col("known_at").dt.replace_time_zone(None), pl.col(value).cast(pl.Float64))
    # an event is in force from its date on, once it is known; of those that are, the latest by date
    dated = dated.with_columns(
        pl.max_horizontal(pl.col("known_at"), pl.col("date").cast(pl.Datetime("us"))).alias("moment")
    ).sort("moment", "date")
    dated = dated.filter(pl.col("date") == pl.col("date").cum_max().over("code"))
    found = (
        asked.sort("moment")
        .join_asof(dated.select("code", "moment", value), on="moment", by="code", check_sortedness=False)
        .sort("row")
    )
    return found[value].fill_null(before).to_numpy()


def _members(market: Market, name: str | None, quotes: pl.DataFrame, moments: AnyArray) -> Bools:
    if name is None:
        return np.full(quotes.height, True)
    events = market.members.filter(pl.col("universe") == name)
    if events.is_empty():
        held = sorted(market.members["universe"].unique().to_list())
        raise MarketError(f"no universe {name!r} in {market.name!r}; it has {held}{suggest(name, held)}")
    return np.asarray(_as_of(quotes, moments, events, "member", 0.0) > 0.5)


def _beside(
    market: Market, needs: Sequence[Field], quotes: pl.DataFrame, moments: AnyArray, max_age_days: int
) -> dict[Field, Floats]:
    """Return the series of other tables as they were known at each close."""
    found: dict[Field, Floats] = {}
    once, place = np.unique(moments, return_inverse=True)
    for field in needs:
        if field in (*QUOTE, RAW_CLOSE) or field.table == "session":
            continue
        if field.table == "rate":
            frame = market.rate(field.name)
        elif field.table == "curve":
            curve, years = field.name.split(":")
            frame = market.tenor(curve, float(years))
        else:
            raise MarketError(
                f"a study of stocks has no series {field}; it has {', '.join(map(str, QUOTE))}, rate.NAME and"
                " curve.NAME:YEARS"
            )
        found[field] = known_as_of(frame, "rate", once, max_age_days)[place]
    return found


def _sessions(at: Exchange, days: Dates, needs: Sequence[Field]) -> dict[Field, Floats]:
    """Return what the exchange's calendar says of each session, where a factor asks."""
    asked = [field for field in needs if field.table == "session"]
    if not asked:
        return {}
    calendar = trading_calendar(at.calendar)
    once, place = np.unique(days, return_inverse=True)
    month = once.astype("datetime64[M]")
    first, after = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
    here, begins, ends = (np.searchsorted(calendar.days, each) for each in (once, first, after))
    known: dict[str, AnyArray] = {
        "weekday": (once.astype(int) + 3) % 7,  # 1970-01-01 was a Thursday
        "from_month_start": here - begins,
        "to_month_end": ends - 1 - here,
    }
    for field in asked:
        if field.name not in known:
            raise MarketError(f"a session has no {field.name!r}; it has {', '.join(known)}{suggest(field.name, known)}")
    return {field: known[field.name][place].astype(np.float64) for field in asked}


def _halts(at: Exchange, codes: Sequence[str], quotes: pl.DataFrame) -> list[str]:
    """Say how many sessions of the exchange instruments lacked between their first and last."""
    calendar = trading_calendar(at.calendar)
    spans = quotes.group_by("code").agg(
        pl.col("date").min().alias("first"), pl.col("date").max().alias("last"), pl.len().alias("held")
    )
    first, last = spans["first"].to_numpy(), spans["last"].to_numpy()
    through = np.searchsorted(calendar.days, last, side="right") - np.searchsorted(calendar.days, first, side="left")
    lacking = np.maximum(through - spans["held"].to_numpy(), 0)
    if not lacking.any():
        return []
    worst = int(np.argmax(lacking))
    return [
        f"{int((lacking > 0).sum())} of {len(codes)} instruments were not quoted on {int(lacking.sum()):,} sessions"
        f" between their first and last (halts), {spans['code'][worst]} on {int(lacking[worst]):,}: a window goes on"
        " across them"
    ]
