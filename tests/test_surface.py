"""The surface, counted: a name that comes or goes is a visible difference here and in the changelog."""

import inspect

import tenor.errors
from tenor.app.cli import app
from tenor.app.commands import COMMANDS
from tenor.registry import GROUPS, registered

NAMES = {
    "tenor.sources": ["folder", "given", "pulled", "simulated", "simulated_stocks"],
    "tenor.factors": [
        "activity",
        "alpha158",
        "atr",
        "bollinger",
        "calendar",
        "carry",
        "cheapest_to_deliver",
        "cross_rank",
        "cross_zscore",
        "curve_shape",
        "funding",
        "gap",
        "implied_repo",
        "leg_change",
        "macd",
        "market_context",
        "price_ratios",
        "realised_volatility",
        "return",
        "rsi",
        "sector_context",
        "spread_change",
        "spread_level",
        "time_to_expiry",
        "volume",
    ],
    "tenor.models": [
        "alstm",
        "dnn",
        "gru",
        "lightgbm",
        "logistic",
        "lstm",
        "majority",
        "momentum",
        "random_walk",
        "reversal",
        "transformer",
    ],
    "tenor.positions": ["probability", "sign"],
    "tenor.portfolios": ["by_probability", "by_sign", "long_short", "top_k"],
    "tenor.splits": ["dates", "outcome_dates", "walk_forward"],
    "tenor.shifts": [
        "butterfly",
        "flattener",
        "irrbb",
        "key_rate",
        "macro",
        "parallel",
        "pca",
        "points",
        "price",
        "quarter_end",
        "rate",
        "replay",
        "repo",
        "steepener",
        "volatility",
    ],
}

ERRORS = {
    "TenorError": "Exception",
    "StudyError": "TenorError",
    "DataError": "TenorError",
    "MarketError": "TenorError",
    "CalendarError": "TenorError",
    "SplitError": "TenorError",
    "FitError": "TenorError",
    "PullError": "TenorError",
    "RunError": "TenorError",
    "MissingError": "RunError",
    "StoreError": "TenorError",
    "AccessError": "TenorError",
}

REQUESTS = {
    "run": ["study", "runs", "data"],
    "show": ["run", "runs", "pdf", "csv"],
    "rerun": ["run", "runs", "data"],
    "runs": ["runs"],
    "models": ["runs"],
    "predict": [
        *("tickers", "runs", "history", "data", "pulled", "study", "train", "keep"),
        *("page", "pdf", "csv", "run"),
    ],
    "score": ["history", "tickers", "data", "pulled"],
    "compare": ["names", "runs"],
    "whatif": [
        "run",
        "runs",
        "shifts",
        "scenarios",
        "sweep",
        "grid",
        "flips",
        "on",
        "product",
        "model",
        "position",
        "held",
        "data",
        "page",
        "draws",
    ],
    "price": ["on", "coupon", "maturity", "frequency", "yield_", "clean", "bond", "market", "data", "into"],
    "basis": ["contract", "on", "market", "data", "decision", "price", "reinvest"],
    "data check": ["folder", "layout"],
    "data show": ["folder", "layout", "study"],
    "data pull": [
        "items",
        "provider",
        "folder",
        "first",
        "last",
        "refresh",
        "offline",
        "max_age",
        "against",
        "tolerance",
    ],
}


OF_SERVERS = ["serve", "account add"]
"""What the command line alone has: it starts a server, and makes the first account of one."""


def test_registered_names() -> None:
    assert {group: list(registered(group)) for group in GROUPS} == NAMES


def test_commands_and_what_they_are_asked() -> None:
    assert {command.name: list(inspect.signature(command.request).parameters) for command in COMMANDS} == REQUESTS


def test_the_command_line_has_the_commands_of_the_table_and_no_others() -> None:
    def names(typer_app: object, before: str = "") -> list[str]:
        own = [before + (c.name or c.callback.__name__) for c in typer_app.registered_commands]
        below = [names(g.typer_instance, f"{before}{g.name} ") for g in typer_app.registered_groups]
        return own + [name for group in below for name in group]

    assert sorted(names(app)) == sorted([*REQUESTS, *OF_SERVERS])


def test_error_classes_and_their_tree() -> None:
    found = {
        name: kind.__mro__[1].__name__
        for name, kind in inspect.getmembers(tenor.errors, inspect.isclass)
        if issubclass(kind, Exception)
    }
    assert found == ERRORS
    for name in ERRORS:
        assert name in (tenor.errors.__doc__ or "")
