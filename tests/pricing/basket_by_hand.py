"""Five bonds delivered into T1903 over some sessions, and draws of their prices; read by the tests through runpy."""

from datetime import date

import numpy as np

from tenor.pricing.conversion_factor import conversion_factor
from tenor.pricing.delivery import Basket, deliver

COUPON = np.array([0.0369, 0.0359, 0.0290, 0.0299, 0.0166])
FREQUENCY = np.array([2, 2, 2, 2, 1])
MATURITY = np.array(["2028-05-17", "2027-08-03", "2026-05-05", "2025-10-15", "2026-01-25"], "datetime64[D]")
TERMS = COUPON, FREQUENCY, MATURITY
END = np.datetime64("2019-03-12")
SESSIONS = np.arange("2018-12-10", "2019-03-11", 9, dtype="datetime64[D]")
BASKET = Basket("T1903", ("a", "b", "c", "d", "e"), *TERMS, conversion_factor(*TERMS, END))
DELIVERY = deliver(BASKET, SESSIONS, date(2019, 3, 12))


def prices(count=7, seed=0):
    draw = np.random.default_rng(seed)
    yields = 0.033 + draw.normal(0.0, 0.004, (count, len(SESSIONS), len(BASKET)))
    return (
        yields,
        95.0 + draw.normal(0.0, 1.0, (count, len(SESSIONS))),
        draw.uniform(0.01, 0.04, (count, len(SESSIONS))),
    )
