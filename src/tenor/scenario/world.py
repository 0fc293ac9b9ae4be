"""Worlds: what every scenario makes of curve, funding, prices and factors, all scenarios side by side.

A scenario is news at the decision. What was known stays known; each series that it moves gets a new value at the
decision's session, and everything that rests on it follows:

1. curve points and funding terms move by what the scenario says (:mod:`tenor.scenario.moves`), the curve linearly
   between its points (:class:`tenor.market.curve.Curve`);
2. every deliverable bond is priced again at its shifted yield, its own spread to the curve kept;
3. each contract has a new fair price, the smallest forward over factor; another bond may be the cheapest now;
4. the observed price keeps its **richness**: ``F' = F + (fair' - fair)``, then the scenario's own gap on top. Richness
   held is a choice: a market in distress may pay more or less for the contract than for its bonds;
5. carry, net basis and implied repo, then all factors, by the functions that the study used.

The first world of every stack is the base, with nothing moved; its numbers are those of the study, bit for bit.
:func:`shocked_market` gives one scenario as a whole market instead: a panel built from it has the same numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Any

import numpy as np
import polars as pl

from tenor.errors import MarketError
from tenor.factor.align import known_as_of
from tenor.factor.base import FAR_CLOSE, NEAR_CLOSE, Factor, Field, computed
from tenor.factor.panel import Panel
from tenor.factor.valuation import (
    NIGHT,
    SHIFT,
    Leg,
    Pair,
    PairValue,
    Valuation,
    Valued,
    funding_curve,
    is_valued,
    night_premiums,
    pair_value,
    price_leg,
    scenario_curves,
)
from tenor.factor.window import Windows
from tenor.market.curve import Curve
from tenor.market.market import KEYS, Market
from tenor.scenario.base import Base
from tenor.scenario.moves import NOTHING, Moves
from tenor.scenario.remember import remembered
from tenor.units import Bools, Dates, Floats


@dataclass(frozen=True, slots=True, eq=False, repr=False, weakref_slot=True)
class Scene:
    """What a study sees of one pair at one decision: where every world begins.

    Parameters
    ----------
    base
        The market as known at the decision, and what names mean.
    panel
        The pair's aligned series, the decision's session last.
    factors, length
        The study's factors, and sessions in a window.
    valuation
        How its futures are priced.
    """

    base: Base
    panel: Panel
    factors: tuple[Factor, ...]
    length: int
    valuation: Valuation

    def __post_init__(self) -> None:
        if self.panel.sessions[-1] != np.datetime64(self.base.session, "D"):
            raise MarketError(
                f"the panel ends on {self.panel.sessions[-1]}, the decision is on {self.base.session}; build it from"
                " what was known then"
            )
        if scenario_curves(self.base.market) or not night_premiums(self.base.market).is_empty():
            raise MarketError("this market is a scenario already (it has shifts or dear nights); ask of the original")
        for leg in (self.valued.pair.near, self.valued.pair.far):
            leg.require(self.base.market)
        for series in (NEAR_CLOSE, FAR_CLOSE, *self.valuation.inputs):
            if not np.isfinite(self.panel.fields[series][-1]):
                raise MarketError(
                    f"{series} is not known at the decision on {self.base.session}, so nothing can be priced from it;"
                    " choose another session"
                )

    def __repr__(self) -> str:
        """Say which pair and when."""
        return f"Scene({self.panel.span.spread.code} on {self.base.session})"

    @property
    def valued(self) -> Valued:
        """The legs as the study values them."""
        assert self.panel.valued is not None
        return self.panel.valued

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the factor columns."""
        return tuple(column for factor in self.factors for column in factor.columns)


@dataclass(frozen=True, slots=True, eq=False)
class Worlds:
    """A stack of scenarios, the base first; ``s`` counts worlds.

    Parameters
    ----------
    scene
        Where they begin.
    curve
        Yields at the valuation's points, ``(s, tenor)``.
    funding
        Quotes of the valuation's terms, ``(s, node)``.
    value
        Both legs at the decision: shapes ``(s, 1)`` and ``(s, 1, bond)``.
    near, far
        Prices, ``(s,)``.
    rows
        Factor rows of each world's window, oldest first: ``(s, length, column)``.
    """

    scene: Scene
    curve: Floats
    funding: Floats
    value: PairValue
    near: Floats
    far: Floats
    rows: Floats

    def __len__(self) -> int:
        return len(self.near)

    @property
    def spread(self) -> Floats:
        """Near less far, points, ``(s,)``."""
        return self.near - self.far

    def windows(self) -> Windows:
        """Return each world's window as a model is handed it, without an outcome."""
        return windows_of(self.scene, self.rows)


def windows_of(scene: Scene, rows: Floats) -> Windows:
    """Return windows of factor rows ``(s, length, column)``, all decided at the scene's session."""
    count, length, columns = rows.shape
    at = np.full(count, np.datetime64(scene.base.session, "D"))
    unknown = np.full(count, np.nan)
    return Windows(
        columns=scene.columns,
        rows=rows.reshape(count * length, columns),
        row_product=np.full(count * length, scene.base.product),
        ends=np.arange(count, dtype=np.int64) * length + length - 1,
        length=length,
        session=at,
        product=np.full(count, scene.base.product),
        pair=np.full(count, scene.panel.span.spread.code),
        resolves=np.full(count, np.datetime64("NaT", "D")),
        change=unknown,
        label=np.full(count, -1, np.int64),
    )


def worlds(scene: Scene, moves: Sequence[Moves]) -> Worlds:
    """Carry every scenario through the chain; world 0 is the base, world ``k`` is ``moves[k - 1]``.

    Raises
    ------
    MarketError
        If a scenario moves a curve point, rate or contract that the scene does not have; the message lists what it has.
    """
    stack = (NOTHING, *moves)
    _check_names(scene, stack)
    valued, valuation = scene.valued, scene.valuation
    points = valuation.tenors
    by_curve = [each.curves.get(valuation.curve, {}) for each in stack]
    shift = _stacked(by_curve, points)
    terms = [name for name, _ in valuation.terms]
    funding = valued.funding[-1] + _stacked([each.rates for each in stack], terms)
    pair = _decision(scene)
    near_repo, far_repo = (_term(scene, funding, stack, leg.delivery.days) for leg in (pair.near, pair.far))
    published = valued.curve.rates[-1]
    shifted = Curve(valuation.curve, np.array(points), published, shift[:, None, :])
    near_now, far_now = (scene.panel.fields[leg][-1:] for leg in (NEAR_CLOSE, FAR_CLOSE))
    legs = (
        price_leg(pair.near, shifted, near_repo, _bond_gaps(pair.near, stack)),
        price_leg(pair.far, shifted, far_repo, _bond_gaps(pair.far, stack)),
    )
    near, far = (
        now + (leg.fair.price[:, 0] - leg.fair.price[0, 0]) + np.array([each.prices.get(code, 0.0) for each in stack])
        for now, leg, code in ((near_now, legs[0], scene.base.near), (far_now, legs[1], scene.base.far))
    )
    lost = ~(np.isfinite(near) & np.isfinite(far))
    if lost.any():
        at = int(np.argmax(lost))
        raise MarketError(
            f"{'the base' if at == 0 else f'scenario {at}'} has no fair price of {scene.base.near} or {scene.base.far}:"
            " a bond has no price at such a yield; take a smaller shock"
        )
    value = pair_value(*legs, near[:, None], far[:, None], pair.shared)
    rows = _rows(scene, stack, near, far, value)
    return Worlds(scene, published + shift, funding, value, near, far, rows)


def shocked_market(scene: Scene, moves: Moves) -> Market:
    """Return the market in which ``moves`` came as news at the decision of ``scene``.

    Every series that moves gets one new row at the decision's session, known at its moment, in place of one of that
    date. Both contracts of the pair trade at the prices of :func:`worlds`; highs and lows widen where they must, opens,
    volume and open interest stay. A stretched path has its earlier closes moved too. ``NOTHING`` returns the market.
    """
    if not moves:
        return scene.base.market
    base, market = scene.base, scene.base.market
    world = worlds(scene, (moves,))
    added = [(name, years, change) for name, points in moves.curves.items() for years, change in points.items()]
    curve = [(name, years, _last(scene, Field("curve", f"{name}:{years:g}")) + change) for name, years, change in added]
    curve += [(name + SHIFT, years, change) for name, years, change in added]
    rates = [(name, _last(scene, Field("rate", name)) + change) for name, change in moves.rates.items()]
    rates += [(f"{NIGHT}{night.isoformat()}", premium) for night, premium in moves.nights.items()]
    new_curve = pl.DataFrame(
        {
            "date": [base.session] * len(curve),
            "curve": [name for name, *_ in curve],
            "tenor": [float(years) for _, years, _ in curve],
            "rate": [rate for *_, rate in curve],
            "known_at": [base.moment] * len(curve),
        },
        schema=market.curve.schema,
    )
    new_rates = pl.DataFrame(
        {
            "date": [base.session] * len(rates),
            "name": [name for name, _ in rates],
            "rate": [rate for _, rate in rates],
            "known_at": [base.moment] * len(rates),
        },
        schema=market.rates.schema,
    )
    quotes = market.quotes
    for code, price in ((base.near, world.near[1]), (base.far, world.far[1])):
        days = scene.panel.sessions[_path(scene, moves.sessions.get(code, 0))]
        quotes = _requoted(quotes, base, code, float(price), moves, days)
    for priced in (world.value.near.priced, world.value.far.priced):
        quotes = _bonds_requoted(quotes, base, priced.leg, priced.paid[1, 0], moves)
    return replace(
        market,
        quotes=quotes,
        curve=_replaced(market.curve, new_curve, KEYS["curve"]),
        rates=_replaced(market.rates, new_rates, KEYS["rates"]),
    )


def _requoted(quotes: pl.DataFrame, base: Base, code: str, price: float, moves: Moves, days: Dates) -> pl.DataFrame:
    """Give one contract its price of the scenario at the decision's session, and stretch its path on ``days``."""
    mine, today = pl.col("code") == code, pl.col("date") == base.session
    now = quotes.filter(mine & today)["close"].item()
    step = price - now
    quotes = quotes.with_columns(
        [
            pl.when(mine & today).then(pl.lit(price)).otherwise(pl.col("close")).alias("close"),
            pl.when(mine & today).then(pl.col("settle") + step).otherwise(pl.col("settle")).alias("settle"),
            pl.when(mine & today & pl.col("high").is_not_null())
            .then(pl.max_horizontal("high", pl.lit(price)))
            .otherwise(pl.col("high"))
            .alias("high"),
            pl.when(mine & today).then(pl.min_horizontal("low", pl.lit(price))).otherwise(pl.col("low")).alias("low"),
        ]
    )
    if not moves.volatility.get(code):
        return quotes
    multiple = math.exp(moves.volatility[code])
    stretched = mine & pl.col("date").is_in(days.astype(object).tolist())
    return quotes.with_columns(
        pl.when(stretched).then(now + multiple * (pl.col(name) - now)).otherwise(pl.col(name)).alias(name)
        for name in PRICES
    )


def _bonds_requoted(quotes: pl.DataFrame, base: Base, leg: Leg, paid: Floats, moves: Moves) -> pl.DataFrame:
    """Give every bond that was quoted at the decision's session, or gaps, its clean price of the scenario."""
    clean = paid - leg.delivery.accrued[-1]
    today = {
        bond: float(clean[at])
        for at, bond in enumerate(leg.bonds)
        if leg.quoted[-1, at] or moves.prices.get(bond, 0.0) != 0.0
    }
    rows = pl.DataFrame(
        {
            "date": [base.session] * len(today),
            "code": list(today),
            "close": list(today.values()),
            "known_at": [base.moment] * len(today),
        },
        schema={name: kind for name, kind in quotes.schema.items() if name in ("date", "code", "close", "known_at")},
    )
    kept = quotes.join(rows, on=["code", "date"], how="anti")
    return pl.concat([kept, rows], how="diagonal")


def _bond_gaps(leg: Leg, stack: Sequence[Moves]) -> Floats:
    """Points by which each world lifts each bond of a leg on its own: ``(s, 1, bond)``."""
    return _stacked([each.prices for each in stack], leg.bonds)[:, None, :]


def _replaced(table: pl.DataFrame, rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Put ``rows`` in, in place of what has their keys."""
    return pl.concat([table.join(rows, on=list(keys), how="anti"), rows])


PRICES = ("open", "high", "low", "close", "settle")
"""Columns of quotes that are prices."""


def _stacked(changes: Sequence[Mapping[Any, float]], keys: Sequence[Any]) -> Floats:
    """One row for each world, one column for each key; what a world does not name does not move."""
    return np.array([[each.get(key, 0.0) for key in keys] for each in changes])


def _last(scene: Scene, series: Field) -> float:
    """What the study knows of a series at the decision; from the market where the study does not read it."""
    if series in scene.panel.fields:
        return float(scene.panel.fields[series][-1])
    base = scene.base
    moment = np.array([base.moment.astimezone(UTC).replace(tzinfo=None)], dtype="datetime64[us]")
    if series.table == "rate":
        frame = base.market.rate(series.name)
    else:
        curve, _, years = series.name.rpartition(":")
        frame = base.market.tenor(curve, float(years))
    return float(known_as_of(frame, "rate", moment, base.max_age_days)[0])


def _check_names(scene: Scene, stack: Sequence[Moves]) -> None:
    """Refuse a move of something that is not there: it would do nothing."""
    base = scene.base
    held, names = _published(base)
    for curve, points in {item for each in stack for item in ((c, tuple(p)) for c, p in each.curves.items())}:
        there = held.get(curve, frozenset())
        if strange_points := set(points) - there:
            raise MarketError(
                f"curve {curve!r} has no points {sorted(strange_points)} to move; it has {sorted(there)}, the curves"
                f" are {sorted(held)}"
            )
    rates = {name for each in stack for name in each.rates}
    if not rates <= names:
        raise MarketError(f"no rates {sorted(rates - names)} to move; the market has {sorted(names)}")
    pair = scene.valued.pair
    legs, bonds = {base.near, base.far}, {*pair.near.bonds, *pair.far.bonds}
    gaps, paths = ({code for each in stack for code in getattr(each, name)} for name in ("prices", "volatility"))
    if strange := (gaps - legs - bonds) | (paths - legs):
        raise MarketError(
            f"no prices {sorted(strange)} to move here: the pair is {base.near} against {base.far}, and their"
            f" deliverable bonds are {sorted(bonds)} (whose paths are not stretched)"
        )


@remembered
def _published(base: Base) -> tuple[Mapping[str, frozenset[float]], frozenset[str]]:
    """The points of every curve and the names of all rates, looked up once for all scenarios of a base."""
    curves = base.market.curve.select("curve", "tenor").unique().rows()
    points: dict[str, set[float]] = {}
    for curve, tenor in curves:
        points.setdefault(curve, set()).add(tenor)
    names = frozenset(base.market.rate_names())
    return {curve: frozenset(tenors) for curve, tenors in points.items()}, names


@remembered
def _decision(scene: Scene) -> Pair:
    """The pair on the decision's session alone, its dates worked out once for all scenarios of a scene."""
    return scene.valued.pair.last()


def _term(scene: Scene, funding: Floats, stack: Sequence[Moves], days: Floats) -> Floats:
    """Term funding of each world to a delivery ``days`` (1,) ahead: ``(s, 1)``."""
    nights = sorted({night for each in stack for night in each.nights})
    ahead = np.array([(night - scene.base.session).days for night in nights], np.int64)
    if (ahead < 0).any():
        raise MarketError(f"the night of {nights[0]} is over on {scene.base.session}; give nights that are ahead")
    if not nights:
        return funding_curve(scene.valuation, funding[:, None, :]).term(days[:, None])[..., 0]
    premium = _stacked([each.nights for each in stack], nights)
    curve = funding_curve(scene.valuation, funding[:, None, :], ahead, premium[:, None, :])
    return curve.term(days[:, None])[..., 0]


def _rows(
    scene: Scene,
    stack: Sequence[Moves],
    near: Floats,
    far: Floats,
    value: PairValue,
) -> Floats:
    """Factor rows of each world's window, by the factors' own functions: ``(s, length, column)``."""
    fields = scene.panel.fields
    sessions = len(scene.panel.sessions)
    need = min(scene.length + max(factor.lookback for factor in scene.factors) - 1, sessions)
    needed = dict.fromkeys(field for factor in scene.factors for field in factor.inputs)
    stretched = _stretched(scene, stack)
    prices = {"near": near, "far": far}
    of_pair = value.fields if not stretched else _revalued(scene, stack, stretched, prices, value)
    shocked: dict[Field, Floats] = {}
    for field in needed:
        series = np.broadcast_to(stretched.get(field, fields[field])[..., -need:], (len(stack), need))
        new = _today(scene, stack, field, prices, of_pair)
        if new is not None:
            series = series.copy()
            kept = min(new.shape[1], need)
            series[:, need - kept :] = new[:, new.shape[1] - kept :]
        shocked[field] = series
    rows = computed(scene.factors, shocked)[:, -scene.length :]
    if rows.shape[1] < scene.length:
        raise MarketError(
            f"{sessions} sessions of {scene.panel.span.spread.code} are fewer than a window of {scene.length}"
        )
    return rows


def _today(
    scene: Scene, stack: Sequence[Moves], field: Field, prices: Mapping[str, Floats], of_pair: Mapping[Field, Floats]
) -> Floats | None:
    """New values of a series on the last sessions, ``(s, session)``; ``None`` where no scenario reaches it."""
    now = float(scene.panel.fields[field][-1])
    if is_valued(field):
        return of_pair[field]
    if field.table == "rate":
        return now + _stacked([each.rates for each in stack], [field.name])
    if field.table == "curve":
        curve, _, years = field.name.rpartition(":")
        return now + _stacked([each.curves.get(curve, {}) for each in stack], [float(years)])
    if field.table in prices and field.name in ("close", "settle", "high", "low"):
        price = prices[field.table]
        if field.name == "close":
            return price[:, None]
        if field.name == "settle":
            return np.asarray(now + (price - price[0])[:, None])
        moved: Floats = np.maximum(now, price) if field.name == "high" else np.minimum(now, price)
        return moved[:, None]
    return None


def _stretched(scene: Scene, stack: Sequence[Moves]) -> dict[Field, Floats]:
    """Price series of the legs whose path some scenario stretches, all sessions: ``(s, session)``."""
    found: dict[Field, Floats] = {}
    for table, code in (("near", scene.base.near), ("far", scene.base.far)):
        multiples = np.exp([each.volatility.get(code, 0.0) for each in stack])[:, None]
        if (multiples == 1.0).all():
            continue
        now = scene.panel.fields[Field(table, "close")][-1]
        inside = np.stack([_path(scene, each.sessions.get(code, 0)) for each in stack])
        for name in PRICES:
            field = Field(table, name)
            if field in scene.panel.fields:
                series = scene.panel.fields[field]
                found[field] = np.where(inside & (multiples != 1.0), now + multiples * (series - now), series)
    return found


def _path(scene: Scene, closes: int) -> Bools:
    """The sessions that a path of so many closes stretches, ``(session,)``: those before the last, both legs quoted."""
    fields = scene.panel.fields
    quoted = np.isfinite(fields[NEAR_CLOSE]) & np.isfinite(fields[FAR_CLOSE])
    from_last = quoted[::-1].cumsum()[::-1] - 1
    return np.asarray(quoted & (from_last >= 1) & (from_last < closes))


def _revalued(
    scene: Scene,
    stack: Sequence[Moves],
    stretched: Mapping[Field, Floats],
    prices: Mapping[str, Floats],
    value: PairValue,
) -> dict[Field, Floats]:
    """Values of the legs on every session under stretched paths, the last session as ``value`` has it."""
    valued, fields = scene.valued, scene.panel.fields
    near, far = (stretched.get(leg, fields[leg]) for leg in (NEAR_CLOSE, FAR_CLOSE))
    shape = (len(stack), len(scene.panel.sessions))
    priced = valued.value.near.priced, valued.value.far.priced
    paths = np.broadcast_to(near, shape), np.broadcast_to(far, shape)
    before = pair_value(*priced, *paths, valued.pair.shared).fields
    found = {}
    for field, today in value.fields.items():
        series = np.broadcast_to(before[field], shape).copy()
        series[:, -1:] = today
        found[field] = series
    return found
