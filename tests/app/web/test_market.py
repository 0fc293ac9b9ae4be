"""Which market a page shows: what was asked if it is there, else something that is."""

import pytest

from tenor.app.web.holdings import Holdings, Speaker
from tenor.app.web.market import _chosen

HELD = Holdings({"KO": "stocks-1", "XOM": "stocks-1"}, {"pairs-2": ("TS", "T"), "pairs-1": ("TL",)}, {})


@pytest.mark.parametrize(
    ("code", "run", "found"),
    [
        ("KO", "", ("KO", "")),
        ("T", "", ("T", "pairs-2")),
        ("TL", "", ("TL", "pairs-1")),
        ("T", "pairs-2", ("T", "pairs-2")),
        ("T", "pairs-1", ("TL", "pairs-1")),
        ("nonsense", "", ("TS", "pairs-2")),
        ("", "", ("TS", "pairs-2")),
    ],
)
def test_what_is_shown(code: str, run: str, found: tuple[str, str]) -> None:
    assert _chosen(HELD, code, run) == found


def test_without_pairs_the_first_stock_is_shown() -> None:
    assert _chosen(Holdings({"KO": "stocks-1"}, {}, {}), "T", "x") == ("KO", "")


def test_who_speaks_of_an_instrument_first_and_who_is_named() -> None:
    front = (Speaker("b", "T", "approved"), Speaker("c", "T", ""), Speaker("a", "T", "refused"))
    held = Holdings({}, {"c": ("T",), "b": ("T",), "a": ("T",)}, {"T-spread": front})
    assert held.speaker("T-spread") == front[0]
    assert held.speaker("T-spread@a") == front[2]
    assert held.speaker("T-spread@none") is None
    assert held.speaker("TF-spread") is None
