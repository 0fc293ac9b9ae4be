"""The scores of a run as CSV: one row per model, scope and score, so that a pivot or a join needs no cleaning.

``table`` says which of the tables of ``result.json`` a row is of: ``direction`` (the calls of each seed), ``together``
(of one forecast, the mean of what the seeds say), ``fold`` (accuracy by fold), ``earned`` or ``portfolio`` (before and
after costs), ``ranking`` or ``quantiles``.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = (
    "table",
    "model",
    "scope",
    "position",
    "fill",
    "fold",
    "horizon",
    "score",
    "mean",
    "sd",
    "low",
    "high",
    "seeds",
    "n",
    "undefined",
)
"""Columns of the file: ``mean`` and ``sd`` are over seeds, ``low`` to ``high`` is the interval over time.

``scope`` is a product, a name or ``all``; ``fold`` counts from 0, as the daily series do; ``undefined`` is why there is
no number.
"""


def scores_csv(result: Mapping[str, Any]) -> str:
    """Write the scores of a run as CSV.

    Parameters
    ----------
    result
        Its numbers, as ``result.json`` has them.

    Returns
    -------
    str
        A header (:data:`COLUMNS`) and the rows, each ended by a line feed; numbers as they are, unrounded, and an empty
        field for what there is not.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(result))
    return out.getvalue()


def _rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for table, key, apart in (("direction", "directions", "mcc"), ("together", "together", "mcc_together")):
        for one in result.get(key, ()):
            same = {"table": table, **_of(one), "scope": one["scope"], "n": one["n"]}
            scores = one["scores"]
            if one["scope"] == "all" and one["model"] in result.get(apart, {}):
                scores = {**scores, "mcc": result[apart][one["model"]]}
            yield from _scores(same, scores, one["undefined"])
    for model, folds in result["by_fold"].items():
        for fold, score in enumerate(folds):
            yield from _scores({"table": "fold", "model": model, "scope": "all", "fold": fold}, {"accuracy": score})
    for one in result.get("earned", ()):
        same = {"table": "earned", **_of(one), **{key: one[key] for key in ("scope", "position", "fill")}}
        yield from _scores(same, one["scores"], one["undefined"])
    for one in result.get("portfolios", ()):
        same = {"table": "portfolio", **_of(one), "scope": "all", "position": one["portfolio"], "fill": one["fill"]}
        yield from _scores(same, one["scores"], one["undefined"])
    for one in result.get("cross_sections", ()):
        yield from _scores({"table": "ranking", **_of(one), "scope": "all", "n": one["sessions"]}, one["scores"])
    for one in result.get("quantiles", ()):
        same = {"table": "quantiles", "model": one["model"], "scope": "all", "horizon": one["horizon"], "n": one["n"]}
        scores = {name: one[name] for name in ("pinball", "skill", "error", "error_skill") if one[name] is not None}
        for name in ("cover", "width"):
            scores |= {f"{name}_{level}": score for level, score in one[name].items()}
        yield from _scores(same, scores)


def _of(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": one["model"], "seeds": one["seeds"]}


def _scores(
    same: Mapping[str, Any], scores: Mapping[str, Any], undefined: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    for name, score in scores.items():
        held = {key: score[key] for key in ("mean", "sd", "low", "high")}
        yield {**same, "score": name, **held, "undefined": (undefined or {}).get(name, "")}
