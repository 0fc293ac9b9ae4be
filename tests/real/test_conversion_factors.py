"""Every conversion factor in the development data, to its 4 decimals.

The lists do not say how often a bond pays. As the page of exchange facts does, a bond's frequency is the one that
reproduces all of its published factors.
"""

import csv
from collections import defaultdict

import numpy as np
import pytest

from tenor.pricing.conversion_factor import conversion_factor

pytestmark = pytest.mark.real

FILES = ("cf_formula_crosscheck.csv", "cf_table_2606_2609.csv")


def listed(folder):
    for file in FILES:
        with (folder / "deliverables" / file).open(encoding="utf-8") as rows:
            yield from csv.DictReader(rows)


def factors(rows, frequency):
    months = [f"20{row['contract_id'][-4:-2]}-{row['contract_id'][-2:]}" for row in rows]
    return conversion_factor(
        np.array([float(row["coupon_rate"]) for row in rows]),
        frequency,
        np.array([row["maturity_date"] for row in rows], "datetime64[D]"),
        np.array(months, "datetime64[M]"),
    )


def test_one_frequency_per_bond_reproduces_all_its_factors(real_data):
    bonds = defaultdict(list)
    for row in listed(real_data):
        bonds[row["bond_code"]].append(row)
    rows = sum(map(len, bonds.values()))
    assert (len(bonds), rows) == (49, 2 * 86)  # both files list the same 86 factors of the contracts 2606 and 2609
    fits = defaultdict(int)
    for bond, of in bonds.items():
        published = np.array([float(row["cf"]) for row in of])
        fit = tuple(f for f in (1, 2) if np.abs(factors(of, f) - published).max() < 1e-9)
        assert fit, f"no frequency gives every factor of {bond}"
        fits[fit] += 1
    assert dict(fits) == {(2,): 28, (1,): 18, (1, 2): 3}


def test_the_inferred_frequency_of_the_cross_check_is_ours(real_data):
    with (real_data / "deliverables" / FILES[0]).open(encoding="utf-8") as rows:
        table = list(csv.DictReader(rows))
    for frequency in (1, 2):
        theirs = np.array([float(row[f"cf_calc_f{frequency}"]) for row in table])
        assert factors(table, frequency) == pytest.approx(theirs, abs=1e-9)
