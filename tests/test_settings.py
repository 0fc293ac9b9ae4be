"""What docstrings say of settings, put to each key of a schema."""

from typing import Any

import pytest

from tenor.factor.cross_section import NORMAL
from tenor.io.sources.simulated_stocks import EPOCH, TICKERS
from tenor.scenario import amount
from tenor.scenario.macro import TIMES_LARGEST
from tenor.settings import described, parameters
from tenor.stock_study import schema_of_stocks
from tenor.study import schema

TOLD = """Do something.

    Parameters
    ----------
    one, two
        Two of a kind: ``x`` of :class:`tenor.study.Study`,
        over two lines.
    three
        A third.

    Raises
    ------
    StudyError
        If it cannot be.
    """


def test_parameters_of_a_docstring() -> None:
    both = "Two of a kind: 'x' of tenor.study.Study, over two lines."
    assert parameters(TOLD) == {"one": both, "two": both, "three": "A third."}
    assert parameters("Nothing is said.") == {}


def test_a_schema_says_what_each_key_means() -> None:
    held = {"description": TOLD, "properties": {"one": {"type": "integer"}, "four": {"type": "string"}}}
    found = described({"$defs": {"A": held}, "description": "Top."})
    assert found["$defs"]["A"]["description"] == "Do something."
    assert found["$defs"]["A"]["properties"]["one"]["description"].startswith("Two of a kind")
    assert "description" not in found["$defs"]["A"]["properties"]["four"]
    assert held["properties"]["one"] == {"type": "integer"}  # what was given is left as it was


def test_both_kinds_of_study_are_described() -> None:
    assert schema()["$defs"]["LSTM"]["properties"]["hidden"]["description"] == "Units of each layer."
    assert "absent" in schema_of_stocks()["properties"]["speaks"]["description"]


CLASSES: dict[str, dict[str, Any]] = {
    "Study": schema(),
    "StockStudy": schema_of_stocks(),
    **schema()["$defs"],
    **schema_of_stocks()["$defs"],
}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_key_has_words_of_its_own(name: str) -> None:
    keys = {key: held for key, held in CLASSES[name].get("properties", {}).items() if "const" not in held}
    told = [held.get("description", "") for held in keys.values()]
    assert [key for key, held in keys.items() if not held.get("description")] == []
    assert sorted({words for words in told if told.count(words) > 1}) == []


def test_words_that_name_a_number_of_the_code_name_it_right() -> None:
    def told(name: str, key: str) -> str:
        return str(CLASSES[name]["properties"][key]["description"])

    for name in (
        "Parallel",
        "Steepener",
        "Flattener",
        "Butterfly",
        "KeyRate",
        "Points",
        "Repo",
        "OneRate",
        "QuarterEnd",
    ):
        assert f" {amount.RATE_BOUND_BP:g} basis points" in told(name, "force")
    assert f" {amount.POINTS_BOUND:g} points or {100 * amount.SHARE_BOUND:g} % " in told("PriceGap", "force")
    for bound in (amount.MULTIPLE_BOUND, 1 / amount.MULTIPLE_BOUND):
        assert f"'x{bound:g}'" in told("Volatility", "force")
    assert f" {amount.SD_BOUND:g} standard deviations" in told("PCA", "force")
    assert f" {TIMES_LARGEST:g} times " in told("Macro", "force")
    assert f" {NORMAL:g} times " in told("CrossZScore", "robust")
    assert f" {EPOCH} on" in told("SimulatedStocks", "first")
    assert len(TICKERS) == 12
    assert "all twelve" in told("SimulatedStocks", "products")
