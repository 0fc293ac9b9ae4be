"""What docstrings say of settings, put to each key of a schema."""

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
