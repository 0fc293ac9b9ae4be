"""What a market holds, in one table: each series with its extent and count."""

from dataclasses import dataclass

import polars as pl

from tenor.market.market import Market


@dataclass(frozen=True, slots=True)
class Series:
    """One series: table, name, observations, first and last date."""

    table: str
    name: str
    rows: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Every series of a market, and what its source said while reading."""

    source: str
    simulated: bool
    fingerprint: str
    series: tuple[Series, ...]
    notes: tuple[str, ...]


def summary(market: Market) -> Summary:
    """List the series of ``market``: contracts by code, curve points, rates."""
    named = {
        "quotes": market.quotes.select("date", name=pl.col("code")),
        "curve": market.curve.select(
            "date", name=pl.format("{} {} y", "curve", pl.col("tenor").round(4).cast(pl.String).str.strip_suffix(".0"))
        ),
        "rates": market.rates.select("date", "name"),
    }
    series = []
    for table, frame in named.items():
        extents = frame.group_by("name").agg(rows=pl.len(), first=pl.min("date"), last=pl.max("date")).sort("name")
        series += [
            Series(table, row["name"], row["rows"], str(row["first"]), str(row["last"]))
            for row in extents.iter_rows(named=True)
        ]
    return Summary(market.name, market.simulated, market.fingerprint(), tuple(series), market.notes)
