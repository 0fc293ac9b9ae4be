"""Answers to predict and score made by hand; read by the tests through runpy.

Up, down, stale, simulated, without quantiles, one that failed, a Chinese name, a price of 0.0123 and one of 742,500.
"""

from datetime import date, timedelta

LEVELS = [0.05, 0.25, 0.5, 0.75, 0.95]
STEPS = [-1.645, -0.674, 0.0, 0.674, 1.645]


def recent(close, sessions=120):
    """A path that ends at ``close``, on weekdays up to 24 Nov 2026."""
    days, day = [], date(2026, 11, 24)
    while len(days) < sessions:
        if day.weekday() < 5:
            days.append(day.isoformat())
        day -= timedelta(days=1)
    moves = [((place * 7919) % 101 - 50) / 2500 for place in range(sessions)]
    closes = [close]
    for move in moves[:-1]:
        closes.append(closes[-1] / (1 + move))
    closes.reverse()
    opens = [closes[0], *closes[:-1]]
    return {
        "session": days[::-1],
        "open": opens,
        "high": [1.006 * max(pair) for pair in zip(opens, closes, strict=True)],
        "low": [0.995 * min(pair) for pair in zip(opens, closes, strict=True)],
        "close": closes,
        "volume": [1000.0] * sessions,
    }


def said(model, up, close, *, spread=0.0, seeds=5, drift=0.0, volatility=None):
    """What one model says; quantiles where a volatility of one session is given."""
    found = {"model": model, "up": up, "low": up - spread, "high": up + spread, "seeds": seeds}
    found |= {"levels": [], "returns": [], "prices": [], "weight": None, "weight_low": None, "weight_high": None}
    if volatility is not None:
        returns = [[drift * h + volatility * h**0.5 * step for step in STEPS] for h in (1, 5, 20)]
        prices = [[close * (1 + value) for value in row] for row in returns]
        found |= {"levels": LEVELS, "returns": returns, "prices": prices}
    return found


def score(mean, low=None, high=None, sd=None):
    """A score as a run keeps it."""
    return {"mean": mean, "sd": sd, "low": low, "high": high}


def outlook(code, name, close, models, **changes):
    """An outlook of one instrument, with a record in which nothing is found."""
    record = {
        "model": "lstm",
        "judged": "test",
        "first": "2024-11-01",
        "last": "2026-10-16",
        "n": 480,
        "accuracy": score(0.514, 0.469, 0.558, 0.008),
        "majority": score(0.529, 0.484, 0.574),
        "brier": 0.2512,
        "brier_majority": 0.2496,
        "coverage": [
            {"horizon": h, "stated": 0.9, "found": f, "low": f - 0.03, "high": f + 0.03}
            for h, f in ((1, 0.887), (5, 0.861), (20, 0.802))
        ],
        "skill": [
            {"horizon": 1, "value": 0.003, "low": -0.004, "high": 0.011},
            {"horizon": 5, "value": -0.012, "low": -0.031, "high": 0.006},
            {"horizon": 20, "value": None, "low": None, "high": None},
        ],
        "held": {
            "portfolio": "by probability",
            "fill": "next_open",
            "annual_return": {"value": -0.012, "low": None, "high": None},
            "sharpe": {"value": -0.11, "low": -1.38, "high": 1.21},
            "sharpe_gross": {"value": 0.34, "low": -0.95, "high": 1.66},
            "information_ratio": {"value": -0.52, "low": -1.77, "high": 0.7},
        },
        "found": False,
        "sentence": f"From 2024-11-01 to 2026-10-16 lstm was right on 51.4 % [46.9, 55.8] of 480 calls on {code},"
        " always the usual side on 52.9 %: nothing found.",
    }
    whole = {
        "code": code,
        "exchange": "XNYS",
        "currency": "USD",
        "as_of": "2026-11-24",
        "close": close,
        "change": 0.0083,
        "horizons": [1, 5, 20],
        "due": ["2026-11-25", "2026-12-02", "2026-12-23"],
        "models": models,
        "naive": close,
        "missed": 0,
        "learnt_until": "2026-05-29",
        "notes": [],
        "name": name,
        "source": "yahoo, AAPL.csv",
        "simulated": False,
        "prices_from": "given:/prices/AAPL.csv",
        "run": "stock-next-day-AAPL-3f9c01ab52",
        "trained_now": False,
        "speaks": "lstm",
        "recent": recent(close),
        "record": record,
        "kept": f"forecasts/2026-11-24/{code}-20261125T061000Z.json",
    }
    return whole | changes


def models(close, up, spread, volatility=0.014):
    """The models of the published study."""
    return [
        said("majority", 0.529, close, seeds=1),
        said("random_walk", 0.5, close, seeds=1, volatility=volatility),
        said("lightgbm", 0.487, close, spread=0.021),
        said("lstm", up, close, spread=spread, drift=(up - 0.5) / 50, volatility=volatility)
        | dict(
            zip(
                ("weight", "weight_low", "weight_high"),
                (max(-1.0, min(1.0, 10 * (at - 0.5))) for at in (up, up - spread, up + spread)),
                strict=True,
            )
        ),
    ]


UP = outlook("AAPL", "Apple", 271.49, models(271.49, 0.532, 0.013), trained_now=True)
DOWN = outlook(
    "MSFT",
    "Microsoft",
    474.0,
    models(474.0, 0.441, 0.02),
    change=-0.0132,
    record=UP["record"] | {"found": True, "sentence": "lstm was right on 56.4 %: a finding."},
)
STALE = outlook(
    "600519",
    "贵州茅台",
    1471.2,
    models(1471.2, 0.503, 0.013),
    currency="CNY",
    exchange="XSHG",
    as_of="2026-11-20",
    missed=2,
    due=["2026-11-23", "2026-11-27", "2026-12-18"],
)
SIMULATED = outlook(
    "NVDA",
    "NVDA",
    0.0123,
    models(0.0123, 0.52, 0.01, 0.05),
    simulated=True,
    source="simulated stocks, seed 1",
    change=None,
)
DEAR = outlook(
    "BRK-A",
    "Berkshire Hathaway Inc. Class A Common Stock",
    742_500.0,
    models(742_500.0, 0.51, 0.004, 0.009),
    due=["2026-11-25", "2026-12-02", None],
)
PLAIN = outlook(
    "^GSPC",
    "S&P 500 <index>",
    6705.12,
    [said("majority", 0.54, 6705.12, seeds=1), said("logistic", 0.55, 6705.12, seeds=1)],
    speaks="logistic",
    notes=["lstm: none of its seeds speaks of ^GSPC"],
    kept=None,
    record=UP["record"]
    | {
        "model": "logistic",
        "judged": "validation",
        "majority": None,
        "brier_majority": None,
        "accuracy": score(0.53),
        "coverage": [],
        "skill": [],
        "held": None,
    },
)
FAILED = {"code": "XYZ", "reason": "no prices of 'XYZ': it is no file, and was not pulled into data"}


def answer(*outlooks, failed=(), notes=()):
    """The answer to predict."""
    return {
        "asked_at": "2026-11-25T06:10:00Z",
        "outlooks": list(outlooks),
        "failed": list(failed),
        "notes": list(notes),
    }


ONE = answer(UP)
ALL = answer(UP, DOWN, STALE, SIMULATED, DEAR, PLAIN, failed=[FAILED], notes=["MSFT is older than AAPL"])


def came(code, horizon, known, **changes):
    """What came of one forecast; still open where ``known`` is ``None``."""
    names = ("change", "up", "right", "error", "naive_error", "pinball", "inside", "stated")
    found = {"code": code, "as_of": "2026-11-20", "model": "lstm", "horizon": horizon, "known": known}
    found |= {"simulated": False, "late": False}
    return found | dict.fromkeys(names) | changes


SCORED = {
    "records": [
        {
            "model": "lstm",
            "horizon": 1,
            "simulated": False,
            "late": False,
            "scored": 3,
            "pending": 1,
            "days": 2,
            "right": 2 / 3,
            "low": 0.094,
            "high": 0.992,
            "brier": 0.2481,
            "inside": 1.0,
            "stated": 0.9,
            "error_skill": -0.021,
        },
        {"model": "lstm", "horizon": 5, "simulated": False, "late": False, "scored": 0, "pending": 4, "days": 0}
        | dict.fromkeys(("right", "low", "high", "brier", "inside", "stated", "error_skill")),
    ],
    "outcomes": [
        came("AAPL", 1, "2026-11-23", change=-0.0123, up=0.532, right=False, error=0.0129, naive_error=0.0123)
        | {"inside": True, "stated": 0.9, "pinball": 0.004},
        came("AAPL", 5, None),
    ],
    "pending": 5,
    "unusable": ["forecasts/2026-11-20/broken.json: not JSON"],
    "notes": ["XYZ: its prices cannot be read, so its 2 forecasts stay open: no file"],
}
