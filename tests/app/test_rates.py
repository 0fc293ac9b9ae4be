"""``price`` and ``basis``: the worked values, and words for what cannot be priced."""

from datetime import date
from pathlib import Path

import pytest

from tenor.app.rates import PriceBond, ShowBasis, price_bond, show_basis
from tenor.errors import MarketError, StudyError

DAY = date(2018, 12, 10)
TERMS = PriceBond(DAY, "3.69%", date(2028, 5, 17), yield_="3.3%")


def test_a_bond_from_its_terms_is_the_worked_value() -> None:
    found = price_bond(TERMS)
    assert found["clean"] == pytest.approx(103.138633, abs=5e-7)
    assert found["accrued"] == pytest.approx(0.234448, abs=5e-7)
    assert found["dirty"] == pytest.approx(found["clean"] + found["accrued"], abs=1e-12)
    assert found["dv01"] == pytest.approx(found["dirty"] * found["modified_duration"] / 10_000, rel=1e-9)


def test_a_yield_from_a_clean_price_and_back() -> None:
    found = price_bond(PriceBond(DAY, "3.69%", date(2028, 5, 17), clean=103.138633))
    assert found["yield"] == pytest.approx(0.033, abs=1e-8)


@pytest.mark.parametrize(("into", "fits", "factor"), [("T1903", True, 1.0549), ("TF1903", False, 1.0549)])
def test_a_conversion_factor_says_whether_the_life_fits(into: str, fits: bool, factor: float) -> None:
    found = price_bond(PriceBond(DAY, "3.69%", date(2028, 5, 17), yield_="3.3%", into=into))
    assert found["life_fits"] is fits
    assert found["conversion_factor"] == factor


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (PriceBond(DAY, "3.69", date(2028, 5, 17), yield_="3.3%"), "--coupon 3.69 has no unit; write 3.69%"),
        (PriceBond(DAY, "3.69%", date(2028, 5, 17), yield_="3.3"), "--yield 3.3 has no unit"),
        (PriceBond(DAY, "-1%", date(2028, 5, 17), yield_="3.3%"), "a coupon lies between 0 and 20%"),
        (PriceBond(DAY, "3.69%", date(2028, 5, 17), 3, yield_="3.3%"), "--frequency 3: a bond pays 1, 2 or 4 times"),
        (PriceBond(DAY, "3.69%", date(2028, 5, 17)), "give one of --yield 3.3% and --clean 103.14"),
        (PriceBond(DAY, "3.69%", date(2028, 5, 17), clean=3.3), "a yield of 111%"),
        (PriceBond(DAY, yield_="3.3%"), "say which bond: --coupon"),
        (PriceBond(DAY, bond="180011"), "say in which market bond '180011' is known: --market FILE"),
        (PriceBond(DAY, "3.69%", date(2018, 5, 17), yield_="3.3%"), "the bond matured on 2018-05-17"),
    ],
)
def test_what_cannot_be_priced_is_told(asked: PriceBond, said: str) -> None:
    with pytest.raises((StudyError, MarketError), match=said):
        price_bond(asked)


MARKET = """
[market]
source = "simulated"
products = ["T"]
first = 2018-06-01
last = 2019-03-29
seed = 3

[valuation]
curve = "CGB"
tenors = [1, 2, 3, 5, 7, 10, 30]
funding = { "REPO.1W" = 7, "REPO.1M" = 30 }
basket = "published"
compounding = "annual"
"""


@pytest.fixture
def market(tmp_path: Path) -> Path:
    file = tmp_path / "market.toml"
    file.write_text(MARKET)
    return file


def test_a_basis_holds_every_bond_and_adds_up(market: Path) -> None:
    found = show_basis(ShowBasis("T1903", DAY, market))
    assert found["simulated"] is True
    assert found["richness"] == pytest.approx(found["price"] - found["fair"], abs=1e-12)
    assert found["curve_date"] == "2018-12-10"
    assert [bond["cheapest"] for bond in found["bonds"]].count(True) == 1
    for bond in found["bonds"]:
        assert bond["gross_basis"] == pytest.approx(bond["clean"] - found["price"] * bond["factor"], abs=1e-9)
        assert bond["net_basis"] == pytest.approx(bond["gross_basis"] - bond["carry"], abs=1e-9)
        assert bond["quoted"] is False
    fairest = next(bond for bond in found["bonds"] if bond["cheapest"])
    assert fairest["implied_futures"] == found["fair"] == min(bond["implied_futures"] for bond in found["bonds"])
    irr = [bond["irr"] for bond in found["bonds"]]
    assert irr == sorted(irr, reverse=True)
    assert "have no quote on 2018-12-10: priced off curve CGB" in " ".join(found["notes"])
    assert "funding beyond REPO.1M (30 days) is taken as flat" in " ".join(found["notes"])


def test_at_the_close_the_curve_is_the_one_of_the_day_before(market: Path) -> None:
    found = show_basis(ShowBasis("T1903", DAY, market, decision="close"))
    assert found["curve_date"] == "2018-12-07"


def test_a_price_may_be_given_and_moves_the_implied_repo_rate(market: Path) -> None:
    low, high = (show_basis(ShowBasis("T1903", DAY, market, price=price)) for price in (97.0, 98.0))
    assert low["price_source"] == "given"
    assert high["bonds"][0]["irr"] > low["bonds"][0]["irr"]
    assert high["fair"] == low["fair"]


def test_reinvestment_is_a_stated_convention(market: Path) -> None:
    """A coupon before delivery is worth more the higher it is reinvested."""
    by = {
        how: {bond["bond"]: bond["irr"] for bond in show_basis(ShowBasis("T1903", DAY, market, reinvest=how))["bonds"]}
        for how in ("self", "zero", "funding")
    }
    differ = [bond for bond in by["zero"] if by["zero"][bond] != by["funding"][bond]]
    assert differ
    for bond in differ:
        assert by["funding"][bond] > by["zero"][bond]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ShowBasis("T1903", date(2019, 3, 20)), "2019-03-20 is after 2019-03-12, the second delivery day of T1903"),
        (ShowBasis("T1903", date(2018, 12, 9)), "2018-12-09 is no session"),
        (ShowBasis("T2003", DAY), "T2003"),
        (ShowBasis("T1902", DAY), "delivers in months"),
    ],
)
def test_a_basis_that_cannot_be_is_told(market: Path, asked: ShowBasis, said: str) -> None:
    with pytest.raises(Exception, match=said) as refused:
        show_basis(ShowBasis(asked.contract, asked.on, market))
    assert type(refused.value).__module__ == "tenor.errors"


def test_without_a_market_one_is_simulated_and_says_so() -> None:
    assert show_basis(ShowBasis("T1903", DAY))["simulated"] is True
    with pytest.raises(MarketError, match=r"no market is given \(--market FILE\), and none can be SIMULATED"):
        show_basis(ShowBasis("T2703", date(2026, 12, 10)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[valuation]", "[valuaton]"), r"no table \[valuation\]"),
        (('basket = "published"', 'basket = "publishd"'), "valuation.basket"),
        (("tenors = [1, 2, 3, 5, 7, 10, 30]", "tenors = [1, 2, 3, 5]"), "ends at 5 y"),
        (('curve = "CGB"', 'curve = "CGBX"'), "CGBX"),
        (('"REPO.1M" = 30', '"REPO.2M" = 60'), "no rate 'REPO.2M'"),
        (('source = "simulated"', 'source = "simulatd"'), "did you mean 'simulated'"),
    ],
)
def test_a_market_file_with_a_mistake_is_told_where(market: Path, change: tuple[str, str], said: str) -> None:
    market.write_text(MARKET.replace(*change))
    with pytest.raises((StudyError, MarketError), match=said):
        show_basis(ShowBasis("T1903", DAY, market))
