"""Study files: every problem at once with its key path, and one identity for one set of settings."""

import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from tenor.decide.limits import Limits
from tenor.errors import MarketError, StudyError
from tenor.io.sources.folder import Folder
from tenor.io.sources.simulated import Simulated
from tenor.study import EXECUTION_LAG, Study, load, resolved, run, schema

STUDIES = Path(__file__).parents[1] / "studies"

TABLE: Mapping[str, Any] = tomllib.loads(
    """
name = "small"
question = "Is there anything?"
seed = 1
seeds = 2
market = { source = "simulated", products = ["T"], first = 2016-01-04, last = 2017-12-29, seed = 7 }
sampling = { sessions = 3, decision = "close" }
factors = [{ kind = "spread_change", days = [1, 2] }, { kind = "time_to_expiry" }]
split = { kind = "walk_forward", train = 200, validation = 60, test = 120, purge = 2 }
models = [{ kind = "majority" }, { kind = "reversal" }, { kind = "lstm", layers = 1 }]
positions = [{ kind = "sign" }, { kind = "probability", band = 1 }]
fit = { epochs = 5 }

[trading]
fills = ["same_close", "next_close"]
sessions_per_year = 243
costs = { slippage_ticks = 0.5, fee = "exchange" }
limits = { max_pairs = 1, lots = "fractional" }
"""
)


def place(table: Any, path: str) -> tuple[Any, Any]:
    """The table that holds the key at ``path``, and the key."""
    *outer, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in outer:
        table = table[part]
    return table, last


def with_(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The study's table with values put at paths such as ``models.2.layers``."""
    table = copy.deepcopy(dict(TABLE))
    for path, value in changes:
        holder, key = place(table, path)
        holder[key] = value
    return table


def without(path: str) -> dict[str, Any]:
    table = copy.deepcopy(dict(TABLE))
    holder, key = place(table, path)
    del holder[key]
    return table


def problems(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with a study, each line without the file's name."""
    with pytest.raises(StudyError) as refused:
        load(table, where="small.toml")
    found = refused.value.problems
    assert str(refused.value) == "\n".join(found)
    assert all(line.startswith("small.toml: ") for line in found)
    return [line.removeprefix("small.toml: ") for line in found]


# --- one problem each ---------------------------------------------------------------------------------------

WRONG = [
    ("fit.learning_rat", 0.1, "fit.learning_rat: unexpected key; did you mean 'learning_rate'?"),
    ("models.2.hiden", 8, "models[2].hiden: unexpected key; did you mean 'hidden'?"),
    ("factors.0.dayz", [1], "factors[0].dayz: unexpected key; did you mean 'days'?"),
    ("trading.costs.slippage", 1, "trading.costs.slippage: unexpected key; did you mean 'slippage_ticks'?"),
    ("market.sed", 1, "market.sed: unexpected key; did you mean 'seed'?"),
    (
        "split.xyz",
        1,
        "split.xyz: unexpected key; allowed are train, validation, test, purge, expanding, folds, kind",
    ),
    ("sampler", 1, "sampler: unexpected key; did you mean 'sampling'?"),
    ("models.1.kind", "revrsal", "models[1]: no kind 'revrsal'; did you mean 'reversal'? (known are alstm, dnn, "),
    (
        "market.source",
        "simulatd",
        "market: no source 'simulatd'; did you mean 'simulated'? (known are folder, ",
    ),
    ("split.kind", "kfold", "split: no kind 'kfold' (known are dates, outcome_dates, walk_forward)"),
    ("positions.0", {}, "positions[0]: say which with the key 'kind' (known are "),
    ("models", [], "models: "),
    ("models", {"kind": "lstm"}, "models: it must be a list; given {'kind': 'lstm'}"),
    ("split", 3, "split: it must be a table; given 3"),
    ("seed", "1", "seed: Input should be a valid integer; given '1'"),
    ("seeds", True, "seeds: Input should be a valid integer; given True"),
    ("seeds", 0, "seeds: Input should be greater than 0; given 0"),
    ("split.purge", 2.0, "split.purge: Input should be a valid integer; given 2.0"),
    ("trading.limits.max_pairs", "1", "trading.limits.max_pairs: Input should be a valid number; given '1'"),
    (
        "trading.fills",
        ["close"],
        "trading.fills[0]: Input should be 'same_close', 'next_open' or 'next_close'",
    ),
    ("market.first", 20160104, "market.first: Input should be a valid date; given 20160104"),
    ("sampling.sessions", 0, "sampling.sessions: Input should be greater than 0; given 0"),
    ("cleaning", {"neutral_ticks": float("nan")}, "cleaning.neutral_ticks: "),
    (
        "trading.costs.slippage_ticks",
        -1,
        "trading.costs: slippage_ticks is -1.0; give ticks per leg execution",
    ),
    ("trading.limits.max_pairs", 0, "trading.limits: max_pairs is 0.0; give the pairs of a full position"),
    ("models.2.layers", 0, "models[2]: LSTM.layers is 0; it must be a whole number, 1 or more"),
    ("models.2.dropout", 1.0, "models[2]: LSTM.dropout is 1.0; a dropout rate lies in [0, 1)"),
    ("market.signal", 1.5, "market: signal 1.5: a correlation, from 0 to below 1"),
    ("market.products", ["X"], "market: products: 'X' cannot be simulated; allowed are "),
    ("market.products", [], "market: products: []; give one or more out of "),
]


@pytest.mark.parametrize(("path", "value", "said"), WRONG, ids=[f"{path}={value}" for path, value, _ in WRONG])
def test_one_wrong_setting_is_one_problem(path: str, value: Any, said: str) -> None:
    (only,) = problems(with_((path, value)))
    assert only.startswith(said)


JUDGEMENTS = [
    "name",
    "question",
    "seed",
    "seeds",
    "market",
    "sampling",
    "sampling.sessions",
    "sampling.decision",
    "factors",
    "split",
    "split.purge",
    "split.train",
    "models",
    "positions",
    "trading",
    "trading.fills",
    "trading.costs",
    "trading.costs.slippage_ticks",
    "trading.costs.fee",
    "trading.limits",
    "trading.limits.max_pairs",
    "trading.limits.lots",
    "trading.sessions_per_year",
]


@pytest.mark.parametrize("path", JUDGEMENTS)
def test_a_judgement_has_no_default(path: str) -> None:
    assert problems(without(path)) == [f"{path}: missing; it has no default on purpose: state it"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x", ".partial-x", "two words", "n" * 65, "a\nb"])
def test_a_name_that_is_no_folders_name_is_refused(name: str) -> None:
    (only,) = problems(with_(("name", name)))
    assert only.startswith("name: ")
    with pytest.raises(StudyError, match="cannot begin a folder's name"):
        replace(load(TABLE), name=name)


@pytest.mark.parametrize("name", ["a", "cgb-spread_2.1", "国债-价差"])
def test_a_plain_name_is_taken(name: str) -> None:
    assert load(with_(("name", name))).name == name


# --- all of them at once ------------------------------------------------------------------------------------


def test_every_problem_comes_at_once_each_in_its_place() -> None:
    table = with_(
        ("seed", "one"),
        ("fit.learning_rat", 1),
        ("models.0.kind", "majorty"),
        ("models.2.layers", 0),
        ("market.seed", -1),
        ("market.signal", 2.0),
        ("trading.costs.slippage_ticks", -1),
        ("trading.costs.fee", True),
        ("positions", [5]),
    )
    del table["split"]["purge"]
    assert [line.split(": ")[0] for line in problems(table)] == [
        "seed",
        "market",
        "market",
        "split.purge",
        "models[0]",
        "models[2]",
        "positions[0]",
        "trading.costs.fee",
        "trading.costs.fee",
        "fit.learning_rat",
    ]
    # a class is asked for contradictions of its own once each of its keys is right
    assert problems(with_(("trading.costs.slippage_ticks", -1), ("seed", "one")))[1].startswith("trading.costs: ")


def test_an_empty_file_lacks_every_judgement() -> None:
    top = [path for path in JUDGEMENTS if "." not in path]
    assert [line.split(": ")[0] for line in problems({})] == top


KEYS = st.sampled_from([*TABLE, "kind", "source", "x"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from([*TABLE, "models.0", "market.products", "trading.costs", "split.purge"])


@given(VALUES, PLACES)
def test_whatever_stands_in_a_study_the_answer_is_a_study_or_problems(value: Any, path: str) -> None:
    try:
        study = load(with_((path, value)))
    except StudyError as problem:
        said = problem.problems
    else:
        said = ()
        assert load(resolved(study)) == study
    assert all(line.startswith("study: ") for line in said)


# --- what no single key can show ----------------------------------------------------------------------------


@pytest.mark.parametrize("fill", EXECUTION_LAG)
def test_purge_covers_horizon_and_execution_lag(fill: str) -> None:
    least = {"same_close": 1, "next_open": 2, "next_close": 2}[fill]
    load(with_(("trading.fills", [fill]), ("split.purge", least)))
    (only,) = problems(with_(("trading.fills", [fill]), ("split.purge", least - 1)))
    assert only == (
        f"split.purge: {least - 1} is shorter than label horizon 1 plus execution lag {least - 1} of fill"
        f" {fill!r}; use purge >= {least}"
    )


CONTRADICTIONS = [
    (
        [("sampling.decision", "evening")],
        "trading.fills: 'same_close' trades the close, but sampling.decision = 'evening'",
    ),
    (
        [("factors.0.days", [2, 3])],
        "models.reversal: reads 'spread_change_1', which no factor computes; add it",
    ),
    ([("models.0.kind", "reversal")], "models: ['reversal'] named more than once; name each once"),
    ([("positions.1", {"kind": "sign"})], "positions: ['sign'] named more than once; name each once"),
    ([("trading.fills", ["same_close"] * 2)], "trading.fills: ['same_close'] named more than once"),
    (
        [("factors.1", {"kind": "spread_change"})],
        "factor columns: ['spread_change_1', 'spread_change_2'] named",
    ),
    (
        [("market", {"source": "folder", "folder": "d", "layout": "l.toml"})],
        "market.products: missing; name the products that the study pools, such as ['T']",
    ),
    (
        [("market", {"source": "folder", "folder": "d", "layout": "l.toml", "products": ["T", "T"]})],
        "products: ['T'] named more than once; name each once",
    ),
]


@pytest.mark.parametrize(("changes", "said"), CONTRADICTIONS, ids=[said[:30] for _, said in CONTRADICTIONS])
def test_settings_that_contradict_each_other_are_refused(changes: list[tuple[str, Any]], said: str) -> None:
    (only,) = problems(with_(*changes))
    assert only.startswith(said)


def test_contradictions_are_refused_in_python_too() -> None:
    study = load(TABLE)
    with pytest.raises(StudyError, match="use purge >= 2"):
        replace(study, split=replace(study.split, purge=1))


# --- one set of settings, one identity ----------------------------------------------------------------------


def shuffled(value: Any) -> Any:
    """The same tables with their keys in the opposite order."""
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(part) for part in value] if isinstance(value, list) else value


PUBLISHED = sorted(STUDIES.glob("*.toml"))


def test_the_published_studies_are_all_here() -> None:
    names = {path.stem for path in PUBLISHED}
    assert {"cgb-spread", "cgb-spread-t", "us-spread", "broker-2025"} <= names


OF_PAIRS = [path for path in PUBLISHED if "subject" not in tomllib.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", OF_PAIRS, ids=lambda path: path.stem)
def test_a_published_study_loads_and_survives_being_written(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    study = load(table, where=path.name)
    assert study.name == path.stem
    assert {"majority", "reversal", "momentum"} <= {model.kind for model in study.models}
    again = load(tomllib.loads(tomli_w.dumps(resolved(study))))
    assert again == study
    assert again.identity == study.identity
    assert load(shuffled(table)).identity == study.identity


def test_identity_is_that_of_the_settings_not_of_the_file() -> None:
    study = load(TABLE)
    assert load(shuffled(dict(TABLE))).identity == study.identity
    assert load(resolved(study)).identity == study.identity  # every default written out
    assert load(with_(("fit.patience", study.fit.patience))).identity == study.identity
    assert load(with_(("trading.limits.max_pairs", 1.0))).identity == study.identity
    assert replace(study, trading=replace(study.trading, limits=Limits(1, "fractional"))).identity == study.identity
    assert len(study.identity) == 64
    assert int(study.identity, 16) > 0


CHANGES = [
    ("name", "other"), ("question", "?"), ("seed", 2), ("seeds", 3), ("market.seed", 8),
    ("market.signal", 0.1),
    ("sampling.sessions", 4), ("factors.0.days", [1, 3]), ("split.purge", 3), ("split.expanding", False),
    ("models.2.hidden", 9), ("positions.1.band", 2), ("fit.epochs", 6), ("trading.costs.fee", 3.0),
    ("trading.fills", ["next_close", "same_close"]), ("prepare", {"select": 2}),
    ("statistics", {"level": 0.9}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=[path for path, _ in CHANGES])
def test_another_setting_is_another_identity(path: str, value: Any) -> None:
    assert load(with_((path, value))).identity != load(TABLE).identity


def test_a_study_made_in_python_with_paths_has_the_identity_of_its_file() -> None:
    table = with_(("market", {"source": "folder", "folder": "data", "layout": "l.toml", "products": ["T"]}))
    made = replace(load(TABLE), market=Folder(Path("data"), Path("l.toml"), ("T",)))
    assert made.identity == load(table).identity
    assert resolved(made) == resolved(load(table))


def test_seeds_are_consecutive_from_the_first() -> None:
    assert load(with_(("seed", 5), ("seeds", 3))).seed_list == (5, 6, 7)


# --- schema and run -----------------------------------------------------------------------------------------


def test_a_factor_of_carry_needs_to_know_how_futures_are_priced() -> None:
    table = tomllib.loads((STUDIES / "cgb-spread-t.toml").read_text(encoding="utf-8"))
    del table["valuation"], table["scenarios"]
    with pytest.raises(StudyError) as refused:
        load(table, where="t.toml")
    said = [f"factors.{kind}: needs to know how" for kind in ("carry", "implied_repo", "cheapest_to_deliver")]
    assert [
        line.removeprefix("t.toml: ")[: len(start)] for line, start in zip(refused.value.problems, said, strict=True)
    ] == said


def test_scenarios_need_to_know_how_futures_are_priced() -> None:
    table = tomllib.loads((STUDIES / "cgb-spread-t.toml").read_text(encoding="utf-8"))
    del table["valuation"]
    table["factors"] = [each for each in table["factors"] if each["kind"] == "spread_change"]
    with pytest.raises(StudyError, match=r"scenarios: no shock can be priced .* add a table \[valuation\]"):
        load(table)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"valuation": {"curve": "CGB"}}, "valuation.tenors: missing"),
        ({"valuation": {"courve": "CGB"}}, "valuation.courve: unexpected key; did you mean 'curve'"),
        (
            {"scenarios": [{"name": "a", "shifts": [{"kind": "paralel", "amount": "1bp"}]}]},
            "no kind 'paralel'; did you mean 'parallel'",
        ),
        (
            {"scenarios": [{"name": "a", "shifts": [{"kind": "parallel", "amount": 50}]}]},
            "50 has no unit: write 50bp or 0.5%",
        ),
        ({"scenarios": [{"name": "a", "shifts": []}]}, "scenarios"),
    ],
)
def test_valuation_and_scenarios_are_read_strictly(change: dict[str, Any], said: str) -> None:
    table = tomllib.loads((STUDIES / "cgb-spread-t.toml").read_text(encoding="utf-8")) | change
    with pytest.raises(StudyError, match=re.escape(said)):
        load(table)


def test_scenarios_of_one_name_are_refused() -> None:
    table = tomllib.loads((STUDIES / "cgb-spread-t.toml").read_text(encoding="utf-8"))
    table["scenarios"].append(table["scenarios"][0])
    with pytest.raises(StudyError, match=r"scenarios: \['funding \+50bp'\] named more than once"):
        load(table)


def test_the_schema_names_every_section_and_requires_the_judgements() -> None:
    described = schema()
    sections = [
        "name",
        "question",
        "seed",
        "seeds",
        "market",
        "sampling",
        "factors",
        "split",
        "models",
        "positions",
        "trading",
        "cleaning",
        "prepare",
        "fit",
        "calibration",
        "statistics",
        "valuation",
        "scenarios",
    ]
    assert list(described["properties"]) == sections
    assert described["required"] == sections[:11]
    assert described["additionalProperties"] is False
    tags = set(described["properties"]["models"]["items"]["discriminator"]["mapping"])
    assert {"majority", "reversal", "momentum", "logistic", "lightgbm", "dnn", "lstm"} <= tags
    pointers = list(_pointers(described))
    assert pointers
    for pointer in pointers:
        assert pointer.removeprefix("#/$defs/") in described["$defs"]


def _pointers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from _pointers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _pointers(part)


def rules_only() -> Study:
    return load(with_(("models", [{"kind": "majority"}, {"kind": "reversal"}]), ("statistics", {"replications": 200})))


def test_run_is_a_function_of_study_and_market() -> None:
    study = rules_only()
    market = study.market.read()
    first, second = run(study, market), run(study, market)
    assert first.answer() == second.answer()
    assert first.forecasts.equals(second.forecasts)
    assert first.evaluation.ledger.equals(second.evaluation.ledger)
    assert first.identity == study.identity
    assert first.data.fingerprint == market.fingerprint()
    assert first.data.simulated
    assert load(first.study) == study


def test_run_reports_progress_to_the_end_of_every_stage() -> None:
    study, told = rules_only(), []
    run(study, study.market.read(), watch=lambda stage, done, total: told.append((stage, done, total)))
    last = {stage: (done, total) for stage, done, total in told}
    assert {"majority", "reversal"} <= set(last)
    assert all(done == total for done, total in last.values())


def test_a_market_without_the_product_is_refused_by_name() -> None:
    market = Simulated(products=("TF",), first=date(2016, 1, 4), last=date(2016, 12, 30)).read()
    with pytest.raises(MarketError, match=r"no quotes of product T in 'simulated'; it quotes \['TF'\]"):
        run(rules_only(), market)
