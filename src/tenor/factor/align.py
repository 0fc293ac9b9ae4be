"""Series as they were known: the last observation at each moment, or the one of exactly that session.

Whoever decides at 15:15 on a Wednesday has the SHIBOR fixing of that morning, the futures' closes of that minute and
the ChinaBond curve of Tuesday evening.
"""

import numpy as np
import polars as pl

from tenor.units import AnyArray, Dates, Floats


def known_as_of(frame: pl.DataFrame, value: str, moments: AnyArray, max_age_days: int) -> Floats:
    """Return the last observation known at each moment: the one of the latest date, not the latest to arrive.

    Parameters
    ----------
    frame
        One series with ``date``, ``known_at`` and ``value``, one row per date.
    moments
        Shape ``(moment,)``, ``datetime64[us]`` in UTC.
    max_age_days
        Calendar days between the observation's date and the moment's date beyond which the value is missing.
    """
    observed = frame.drop_nulls(value).sort("known_at", "date")
    # an old observation that arrives after a newer one replaces nothing
    observed = observed.filter(pl.col("date") == pl.col("date").cum_max())
    known = observed["known_at"].dt.replace_time_zone(None).to_numpy()
    values, dates = observed[value].to_numpy(), observed["date"].to_numpy()
    last = np.searchsorted(known, moments, side="right") - 1
    found = last >= 0
    out = np.full(len(moments), np.nan)
    if found.any():
        age = moments[found].astype("datetime64[D]") - dates[last[found]].astype("datetime64[D]")
        out[found] = np.where(age <= np.timedelta64(max_age_days, "D"), values[last[found]], np.nan)
    return out


def known_on(quotes: pl.DataFrame, column: str, sessions: Dates, moments: AnyArray) -> Floats:
    """Return ``column`` on exactly each session, if known by then; NaN otherwise. Shape ``(session,)``."""
    asked = pl.DataFrame({"date": sessions, "moment": moments}).with_columns(
        pl.col("date").cast(pl.Date), pl.col("moment").dt.replace_time_zone("UTC")
    )
    joined = asked.join(quotes, on="date", how="left", maintain_order="left")
    value = pl.when(pl.col("known_at") <= pl.col("moment")).then(pl.col(column))
    return joined.select(value.fill_null(np.nan).alias("value"))["value"].to_numpy()
