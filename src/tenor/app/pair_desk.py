"""The desk of a run of calendar spreads: its frozen models over the market of now, and how they did in its test.

What it says of a product is a :class:`tenor.pair_outlook.PairOutlook` with the record of the model that is quoted
beside it: on that product, next to the rule that was hardest to beat there, and what holding it so earned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.app.stock_desk import closed, last_close, other_code
from tenor.errors import MarketError, StudyError, suggest

if TYPE_CHECKING:
    from tenor.io.runs import Run
    from tenor.market.market import Market
    from tenor.model.frozen import FrozenModels
    from tenor.study import Study

Answer: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PairDesk:
    """A run whose models are asked, and the market of now as its study reads it."""

    run: "Run"
    study: "Study"
    market: "Market"
    models: "FrozenModels"
    notes: tuple[str, ...]


def load_pair_desk(run: Path, runs: Path, now: datetime) -> PairDesk:
    """Read a run of calendar spreads, over the market of its own study as that is at ``now``.

    Raises
    ------
    StudyError
        If it is a run of stocks.
    RunError
        If it is damaged, or keeps no models.
    """
    from tenor.app.commands import located, with_data
    from tenor.io.runs import read_models, read_run
    from tenor.io.studies import load_any, read_market
    from tenor.study import Study

    kept = read_run(located(run, runs))
    study = load_any(kept.study, where=f"{kept.name}/study.toml")
    if not isinstance(study, Study):
        raise StudyError(f"{kept.name} is a run of stocks; ask it about one of its instruments")
    folder = Path(kept.facts["data"]) if kept.facts.get("data") else None
    market = read_market(with_data(study, folder), Path(kept.facts["base"]))
    notes = other_code(kept, study)
    if market.fingerprint() != kept.result["data"]["fingerprint"]:
        notes.append("the data changed since the run was made: its models speak of them as they are now")
    known, unclosed = closed(market, now)
    return PairDesk(kept, study, known, read_models(kept, study, plain=True), (*notes, *unclosed))


def ask_pair_desk(desk: PairDesk, code: str, now: datetime) -> Answer:
    """Return what a desk says of one of its products after its last decision; nothing is kept.

    Raises
    ------
    MarketError, FitError
        As :func:`tenor.pair_outlook.pair_outlook`; and for a product that the study does not have.
    """
    from tenor.market.contract import product
    from tenor.pair_outlook import pair_outlook
    from tenor.report.headline import leading
    from tenor.report.report import plain

    if code not in desk.study.products:
        held = ", ".join(desk.study.products)
        raise MarketError(f"{desk.run.name} has no {code}{suggest(code, desk.study.products)}; it speaks of {held}")
    said = pair_outlook(desk.study, desk.market, desk.models, code, today=last_close(product(code), now))
    if not said.models:
        raise MarketError(f"no model of {desk.run.name} speaks of {code}: {'; '.join(said.notes)}")
    speaks = leading([one.model for one in said.models])
    answer: Answer = plain(said)
    return {
        **answer,
        "code": code,
        "name": product(code).name,
        "source": desk.market.name,
        "simulated": desk.market.simulated,
        "run": desk.run.name,
        "speaks": speaks,
        "record": {
            **record_of(desk.run.result, speaks, code, said.rule),
            "ahead": _ahead(desk.run, speaks, code),
        },
        "notes": [*said.notes, *desk.notes, *desk.market.notes],
    }


def record_of(result: Mapping[str, Any], model: str, code: str, rule: str) -> Answer:
    """Return how a model did on a product where its run is judged, beside the rules, and what it earned.

    Parameters
    ----------
    result
        The run's ``result.json``.
    model, code
        Which model, on which product.
    rule
        The position rule; the fill is the first of the study.
    """
    from tenor.trust.evaluation import RULES

    scope = code if len(result["study"]["market"]["products"]) > 1 else "all"
    scored = {one["model"]: one for one in result["directions"] if one["scope"] == scope}
    mine = scored[model]["scores"]
    rules = [name for name in scored if name in RULES and scored[name]["scores"]["accuracy"]["mean"] is not None]
    best = max(rules, key=lambda name: float(scored[name]["scores"]["accuracy"]["mean"]), default=None)
    finding = next((one for one in result["findings"] if one["model"] == model), None)
    ways = [one for one in result["earned"] if (one["model"], one["scope"], one["position"]) == (model, scope, rule)]
    return {
        "model": model,
        "judged": result.get("judged", "test"),
        "first": result["test"][0],
        "last": result["test"][1],
        "n": scored[model]["n"],
        "seeds": scored[model]["seeds"],
        "accuracy": mine["accuracy"],
        "brier": mine["brier"],
        "best_rule": best,
        "best_accuracy": scored[best]["scores"]["accuracy"] if best else None,
        "found": bool(finding and finding["found"]),
        "p_holm": finding["p_holm"] if finding else None,
        "earned": [
            {"fill": one["fill"], **{name: one["scores"][name] for name in ("sharpe", "sharpe_gross")}} for one in ways
        ],
    }


def _ahead(run: "Run", model: str, code: str) -> Answer | None:
    """How far a model is ahead of each rule on one product, on the same days: the rule that it is least ahead of."""
    import polars as pl

    from tenor.errors import SplitError
    from tenor.io.runs import read_frame
    from tenor.trust.across import Calls, accuracy_across, calls
    from tenor.trust.evaluation import RULES

    frame = read_frame(run, "forecasts.parquet").filter(pl.col("product") == code)
    statistics = run.study["statistics"]
    stated = {name: statistics[name] for name in ("level", "replications")}

    def calls_of(name: str) -> Calls:
        return calls(frame.filter(pl.col("model") == name).with_columns(pl.lit("one").alias("model")))

    found: list[Answer] = []
    spoke = set(frame["model"].unique().to_list())
    for rule in RULES if model in spoke else ():
        if rule not in spoke:
            continue
        try:
            (gap,) = accuracy_across(calls_of(rule), calls_of(model), seed=run.study["seed"], **stated)
        except SplitError:
            continue  # too few days in common to say
        found.append({"rule": rule, "estimate": gap.estimate, "low": gap.low, "high": gap.high, "p": gap.p_holm})
    return min(found, key=lambda one: float(one["estimate"]), default=None)
