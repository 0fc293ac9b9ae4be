"""Amounts: what each text means, what is refused, and how the refusal teaches."""

import math
from collections.abc import Callable

import pytest

from tenor.errors import StudyError
from tenor.scenario.amount import deviations, gap, log_multiple, parse, plain, rate, said


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("+10bp", 10.0, "bp"),
        ("-0.25%", -0.25, "%"),
        ("50 bp", 50.0, "bp"),
        ("50BPS", 50.0, "bp"),
        ("\N{MINUS SIGN}5bp", -5.0, "bp"),
        ("+0.5", 0.5, ""),
        (".5", 0.5, ""),
        ("2sd", 2.0, "sd"),
        ("x2", 2.0, "x"),
        ("x 0.5", 0.5, "x"),
    ],
)
def test_text_to_number_and_unit(text: str, number: float, unit: str) -> None:
    assert parse(text) == (number, unit)


@pytest.mark.parametrize("text", ["", "bp", "ten", "10 bp up", "1e3bp", "--5", "2x", "nan", "inf%", "10pb"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(StudyError, match="is no amount; write one such as 10bp"):
        parse(text)


@pytest.mark.parametrize(("text", "decimal"), [("10bp", 0.001), ("-0.25%", -0.0025), ("+500bp", 0.05), ("-5%", -0.05)])
def test_a_rate_is_a_decimal(text: str, decimal: float) -> None:
    assert rate(text) == pytest.approx(decimal, abs=1e-15)


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (rate, "50", r"^50 has no unit: write 50bp or 0\.5%$"),
        (rate, "2sd", "has the unit 'sd', but here it must be a change of a rate: write 10bp or 0.1%"),
        (rate, "501bp", "501bp is beyond the bound of 500 bp; check its unit, or say force = true"),
        (rate, "50%", "beyond the bound of 500 bp"),
        (gap, "10bp", "must be a gap of a price"),
        (gap, "-20.5", "beyond the bound of 20 points"),
        (gap, "21%", "beyond the bound of 20% of the last close"),
        (log_multiple, "2", "has no unit, but here it must be a multiple: write x2"),
        (log_multiple, "x0", "a multiple is above zero"),
        (log_multiple, "x11", "beyond the bound of x10 or its inverse"),
        (log_multiple, "x0.05", "beyond the bound of x10 or its inverse"),
        (deviations, "2", "must be a number of standard deviations: write 2sd"),
        (deviations, "11sd", "beyond the bound of 10 sd"),
        (plain, "0.5%", "the statistic's own unit: write 0.5"),
    ],
)
def test_the_wrong_unit_or_size_is_refused(read: Callable[[str], object], text: str, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        read(text)


def test_force_lifts_the_bound_and_nothing_else() -> None:
    assert rate("800bp", force=True) == 0.08
    assert gap("30", force=True) == (30.0, "points")
    assert log_multiple("x20", force=True) == math.log(20)
    with pytest.raises(StudyError, match="no unit"):
        rate("50", force=True)


def test_other_readings() -> None:
    assert gap("-0.5") == (-0.5, "points")
    assert gap("-1%") == (-0.01, "share")
    assert log_multiple("x2") == math.log(2)
    assert log_multiple("x1") == 0.0
    assert deviations("+2sd") == 2.0
    assert plain("+0.5") == 0.5


@pytest.mark.parametrize(
    ("text", "printed"), [("10bp", "+10bp"), ("-0.250%", "-0.25%"), ("x2.0", "x2"), ("0.5", "+0.5")]
)
def test_as_people_print_it(text: str, printed: str) -> None:
    assert said(text) == printed
