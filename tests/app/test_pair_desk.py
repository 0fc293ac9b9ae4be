"""The desk of a run of pairs: what it says, and the record that stands beside it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tenor.app.commands import RunStudy, run_study
from tenor.app.pair_desk import ask_pair_desk, load_pair_desk, record_of
from tenor.errors import MarketError, StudyError
from tenor.io.runs import code_of, read_run, write_run
from tenor.report import outlook_text, pair_outlook_text
from tenor.report.pair_outlook_figures import spread_ahead
from tenor.trust.evaluation import RULES

NOW = datetime(2020, 3, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def said(kept_small: Path) -> dict:
    return ask_pair_desk(load_pair_desk(kept_small, Path("runs"), NOW), "T", NOW)


def test_the_record_is_that_of_the_product_and_the_first_rule(said: dict, kept_small: Path) -> None:
    result = read_run(kept_small).result
    mine = next(one for one in result["directions"] if (one["model"], one["scope"]) == ("lstm", "all"))
    assert said["speaks"] == "lstm"
    assert said["record"]["accuracy"] == mine["scores"]["accuracy"]
    assert said["record"]["n"] == mine["n"]
    rules = {
        one["model"]: one["scores"]["accuracy"]["mean"]
        for one in result["directions"]
        if one["scope"] == "all" and one["model"] in ("majority", "reversal", "momentum")
    }
    assert said["record"]["best_accuracy"]["mean"] == max(rules.values())
    fills = result["study"]["trading"]["fills"]
    assert [one["fill"] for one in said["record"]["earned"]] == fills
    assert said["simulated"]
    assert said["missed"] == 2


def test_how_far_it_is_ahead_of_the_hardest_rule_on_its_product(said: dict, kept_small: Path) -> None:
    ahead = said["record"]["ahead"]
    right = {
        one["model"]: one["scores"]["accuracy"]["mean"]
        for one in read_run(kept_small).result["directions"]
        if one["scope"] == "all"
    }
    rules = [name for name in right if name in RULES]
    assert ahead["estimate"] == pytest.approx(min(right["lstm"] - right[rule] for rule in rules))
    assert right["lstm"] - right[ahead["rule"]] == pytest.approx(ahead["estimate"])
    assert ahead["low"] <= ahead["estimate"] <= ahead["high"]


def test_of_several_products_the_record_is_of_the_one_that_is_asked(kept_small: Path) -> None:
    result = dict(read_run(kept_small).result)
    result["study"] = {**result["study"], "market": {**result["study"]["market"], "products": ["T", "TF"]}}
    apart = [{**one, "scope": "T", "n": 7} for one in result["directions"] if one["scope"] == "all"]
    result["directions"] = [*result["directions"], *apart]
    assert record_of(result, "lstm", "T", "sign")["n"] == 7


def test_its_words(said: dict) -> None:
    assert pair_outlook_text.title(said) == f"{said['pair']} (10-year treasury bond future)"
    assert pair_outlook_text.points(said, 0.03, signed=True) == "+0.030"
    assert pair_outlook_text.points(said, -0.03) == "−0.030"
    assert "P(up)" in outlook_text.probability(outlook_text.speaker(said))


def test_its_figure_ends_with_the_naive_line_and_the_size_of_a_move(said: dict) -> None:
    past, naive, move = spread_ahead(said).data
    assert (past.x[-1], past.text[-1]) == (0, said["as_of"])
    assert list(naive.x) == [0, 1]
    assert naive.y[0] == naive.y[1] == move.y[0] == round(said["spread"], 4)
    assert move.error_y.array[0] == round(said["expected_move"], 4)


def test_what_it_cannot_be_asked(kept_small: Path, small_stocks, tmp_path: Path) -> None:
    desk = load_pair_desk(kept_small, Path("runs"), NOW)
    with pytest.raises(MarketError, match="has no TF; did you mean 'T'"):
        ask_pair_desk(desk, "TF", NOW)
    facts = {"base": str(tmp_path), "data": None, "seconds": 1.0, "finished": "2020-01-01T00:00:00Z"}
    stocks = write_run(tmp_path, small_stocks.report, "page", facts, code=code_of(small_stocks.study))
    with pytest.raises(StudyError, match="is a run of stocks"):
        load_pair_desk(stocks, Path("runs"), NOW)


def test_later_prices_are_spoken_of_by_the_models_of_the_run(world, tmp_path: Path) -> None:
    kept = Path(run_study(RunStudy(world.study, tmp_path / "runs"))["run"])
    now = datetime(2017, 6, 30, 12, tzinfo=UTC)
    then = ask_pair_desk(load_pair_desk(kept, Path("runs"), now), "T", now)
    assert not any("changed since the run" in note for note in then["notes"])
    earlier = ask_pair_desk(load_pair_desk(kept, Path("runs"), datetime(2017, 6, 15, 12, tzinfo=UTC)), "T", now)
    assert earlier["as_of"] == "2017-06-15"  # nothing later is in the market that is asked
    quotes = world.data / "quotes.csv"
    lines = quotes.read_text(encoding="utf-8").splitlines()
    kept_lines = [line for line in lines if not line.startswith("2017-06-30")]
    quotes.write_text("\n".join(kept_lines) + "\n", encoding="utf-8")
    after = ask_pair_desk(load_pair_desk(kept, Path("runs"), now), "T", now)
    assert any("the data changed since the run was made" in note for note in after["notes"])
    assert after["as_of"] == "2017-06-29"
