"""An outlook as CSV: one row per ticker, model, horizon and level, so that a pivot or a join needs no cleaning.

A model without quantiles, and the naive row, have one row per horizon and no level. ``up`` is the probability over the
first horizon and stands in its rows alone, as does ``weight``, what the study's portfolio would hold. A ticker that
failed has one row: its code and the reason.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from tenor.report.outlook_text import NAIVE

COLUMNS = (
    "code",
    "name",
    "exchange",
    "currency",
    "simulated",
    "source",
    "run",
    "asked_at",
    "as_of",
    "missed",
    "close",
    "model",
    "speaks",
    "seeds",
    "horizon",
    "due",
    "up",
    "up_low",
    "up_high",
    "weight",
    "level",
    "return",
    "price",
    "failure",
)
"""Columns of the file: returns and probabilities are decimals, prices are in ``currency``."""


def outlook_csv(answer: Mapping[str, Any]) -> str:
    """Write the answer to ``predict`` as CSV.

    Parameters
    ----------
    answer
        As JSON has it.

    Returns
    -------
    str
        A header (:data:`COLUMNS`) and the rows, each ended by a line feed; numbers as they are, unrounded, and an empty
        field for what there is not.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for outlook in answer["outlooks"]:
        same = {
            **{name: outlook[name] for name in ("code", "name", "exchange", "currency", "source", "run")},
            **{name: outlook[name] for name in ("as_of", "missed", "close")},
            "simulated": _word(outlook["simulated"]),
            "asked_at": answer["asked_at"],
        }
        writer.writerows({**same, **row} for row in _rows(outlook))
    for failed in answer["failed"]:
        writer.writerow({"code": failed["code"], "asked_at": answer["asked_at"], "failure": failed["reason"]})
    return out.getvalue()


def _word(there: bool) -> str:
    return "true" if there else "false"


def _rows(outlook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    horizons = list(zip(outlook["horizons"], outlook["due"], strict=True))
    for one in outlook["models"]:
        for place, (horizon, due) in enumerate(horizons):
            row = {
                "model": one["model"],
                "speaks": _word(one["model"] == outlook["speaks"]),
                "seeds": one["seeds"],
                "horizon": horizon,
                "due": due,
            }
            if place == 0:
                row |= {"up": one["up"], "up_low": one["low"], "up_high": one["high"], "weight": one["weight"]}
            if one["levels"]:
                for at, level in enumerate(one["levels"]):
                    yield row | {
                        "level": level,
                        "return": one["returns"][place][at],
                        "price": one["prices"][place][at],
                    }
            elif place == 0:
                yield row
    for horizon, due in horizons:
        yield {
            "model": NAIVE,
            "speaks": "false",
            "horizon": horizon,
            "due": due,
            "return": 0.0,
            "price": outlook["naive"],
        }
