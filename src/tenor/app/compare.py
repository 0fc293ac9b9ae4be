"""Compare runs: what was asked differently, what each scored, and whether one is better on what both were asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tenor.errors import SplitError, StudyError
from tenor.progress import Progress, silent

if TYPE_CHECKING:
    from tenor.io.runs import Run

Answer: TypeAlias = dict[str, Any]

MOST = 6
"""Most runs that are compared at once."""


@dataclass(frozen=True, slots=True)
class CompareRuns:
    """Compare kept runs with the first of them.

    Parameters
    ----------
    names
        Two runs or more: folders, or names below ``runs``.
    runs
        Folder of runs.
    """

    names: tuple[str, ...]
    runs: Path


def compare_runs(request: CompareRuns, watch: Progress = silent) -> Answer:
    """Return the settings in which runs differ, their scores side by side, and paired differences from the first.

    Raises
    ------
    StudyError
        If fewer than two runs are named, more than six, or one twice.
    RunError
        If one is damaged, or not there.
    """
    from tenor.app.commands import located
    from tenor.io.runs import read_run

    if not 2 <= len(request.names) <= MOST or len(set(request.names)) != len(request.names):
        raise StudyError(
            f"{len(request.names)} runs to compare, {', '.join(request.names)}; name 2 to {MOST}, each once"
        )
    held = [read_run(located(Path(name), request.runs)) for name in request.names]
    across, notes = [], []
    for number, other in enumerate(held[1:]):
        watch("comparing", number, len(held) - 1)
        found, said = _across(held[0], other)
        across += [{"run": other.name, **one} for one in found]
        notes += said
    watch("comparing", len(held) - 1, len(held) - 1)
    return {
        "first": held[0].name,
        "runs": [_facts(run) for run in held],
        "settings": _settings(held),
        "scores": [row for run in held for row in _scores(run)],
        "across": across,
        "notes": [*(_days(held) if across else ()), *notes],
    }


def _facts(run: "Run") -> Answer:
    data = run.result["data"]
    return {
        "run": run.name,
        "study": run.study["name"],
        "subject": run.study.get("subject", "pairs"),
        "finished": run.facts["finished"],
        "code": run.facts["code"],
        "source": data["source"],
        "simulated": data["simulated"],
        "fingerprint": data["fingerprint"],
        "judged": run.result.get("judged", "test"),
        "test": list(run.result["test"][:2]),
    }


def _settings(held: "list[Run]") -> list[Answer]:
    """Key paths at which the studies differ, with the value of each run; ``None`` where it has none."""
    flat = [dict(_flat(run.study)) for run in held]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    return [
        {"key": key, "values": [each.get(key) for each in flat]}
        for key in keys
        if any(each.get(key) != flat[0].get(key) for each in flat)
    ]


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every setting by its key path; entries of a list of tables by their kind, so that their order says nothing."""
    if isinstance(value, Mapping):
        below = f"{path}." if path else ""
        return [pair for key, each in value.items() if key != "question" for pair in _flat(each, f"{below}{key}")]
    if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        found: list[tuple[str, Any]] = []
        seen: dict[str, int] = {}
        for each in value:
            kind = str(each.get("kind") or each.get("name") or "")
            seen[kind] = seen.get(kind, 0) + 1
            found += _flat(each, f"{path}[{kind if seen[kind] == 1 else f'{kind} {seen[kind]}'}]")
        return found
    return [(path, value)]


def _scores(run: "Run") -> list[Answer]:
    """One row for each model: calls over all instruments, and what its first way of holding earned.

    A fill at the close that the decision is made of counts where there is no other.
    """
    result = run.result
    earned, rule = (result["earned"], "position") if "earned" in result else (result["portfolios"], "portfolio")
    earned = sorted(earned, key=lambda one: one["fill"] == "same_close")  # stable: the study's order otherwise
    rows = []
    for said in result["directions"]:
        if said["scope"] != "all":
            continue
        model = said["model"]
        money = next((one for one in earned if one["model"] == model and one.get("scope", "all") == "all"), None)
        finding = next((one for one in result["findings"] if one["model"] == model), None)
        rows.append(
            {
                "run": run.name,
                "model": model,
                "seeds": said["seeds"],
                "n": said["n"],
                "accuracy": said["scores"]["accuracy"],
                "brier": said["scores"]["brier"],
                "way": f"{money[rule]}, {money['fill']}" if money else None,
                "sharpe": money["scores"]["sharpe"] if money else None,
                "sharpe_gross": money["scores"]["sharpe_gross"] if money else None,
                "found": finding["found"] if finding else None,
                "p_holm": finding["p_holm"] if finding else None,
            }
        )
    return rows


def _days(held: "list[Run]") -> list[str]:
    """Say where the runs are not judged on the same range of days."""
    ranges = {f"{run.result['test'][0]} to {run.result['test'][1]}": run.name for run in held}
    if len(ranges) == 1:
        return []
    listed = "; ".join(f"{run.name} {run.result['test'][0]} to {run.result['test'][1]}" for run in held)
    return [f"the runs are judged on different days ({listed}): compare their scores by the paired differences alone"]


def _across(first: "Run", other: "Run") -> tuple[list[Answer], list[str]]:
    """Paired differences of two runs, and a word where there are none."""
    from tenor.io.runs import read_frame
    from tenor.report.report import plain
    from tenor.trust.across import accuracy_across, calls, sharpe_across

    if first.study.get("subject") != other.study.get("subject"):
        return [], [f"{other.name} is of other instruments than {first.name}: nothing is paired"]
    statistics = first.study["statistics"]
    stated: dict[str, Any] = {
        "level": statistics["level"],
        "replications": statistics["replications"],
        "seed": first.study["seed"],
    }
    found: list[Any] = []
    notes = []
    try:
        one, two = (calls(read_frame(run, "forecasts.parquet")) for run in (first, other))
        found += accuracy_across(one, two, **stated)
    except SplitError as few:
        notes.append(f"{other.name}: {few}")
    money = [_returns(run) for run in (first, other)]
    if all(money):
        (way, net), (other_way, other_net) = (each for each in money if each is not None)
        if way != other_way:
            notes.append(f"{other.name}: held {other_way}, {first.name} {way}: what they earned is not paired")
        else:
            year = first.study["trading"]["sessions_per_year"]
            try:
                found += sharpe_across(net, other_net, sessions_per_year=year, **stated)
            except SplitError as few:
                notes.append(f"{other.name}: {few}")
    answer: list[Answer] = plain(found)
    return answer, notes


def _returns(run: "Run") -> tuple[str, Any] | None:
    """What the first way of holding earned, day by day, and its name; ``None`` where nothing was traded."""
    from tenor.io.runs import read_frame
    from tenor.report.ledger_figures import returns, ways

    if "ledger.parquet" not in run.frames:
        return None
    ledger = read_frame(run, "ledger.parquet")
    held = sorted(ways(ledger) if ledger.height else (), key=lambda way: way.fill == "same_close")
    return (f"{held[0].rule}, {held[0].fill}", returns(ledger, held[0])) if held else None
