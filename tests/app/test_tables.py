"""What a terminal prints of a result: dashes with their reason, folds from 1, and words that agree in number."""

import json

import pytest

from tenor.app.tables import money, number, percent, plural, printed


@pytest.fixture(scope="module")
def result(settled):
    """The result of a small run: two rules and one model that learns, three folds."""
    return json.loads((settled.runs / settled.kept()[0] / "result.json").read_text(encoding="utf-8"))


@pytest.fixture
def shown(result, capsys):
    """Print the result after ``change``, and return the lines."""

    def show(change=lambda result: None):
        copy = json.loads(json.dumps(result))
        change(copy)
        capsys.readouterr()
        printed("run", {"run": "r", "result": copy})
        return capsys.readouterr().out.splitlines()

    return show


def row(lines, title, model):
    """Cells of ``model`` in the table below ``title``."""
    start = next(place for place, line in enumerate(lines) if line.startswith(title))
    line = next(line for line in lines[start:] if model in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def earned(result, model, **scores):
    """Set scores of what ``model`` earned, under every position and fill."""
    for each in result["earned"]:
        if each["model"] == model:
            for name, mean in scores.items():
                each["scores"][name] |= {"mean": mean}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(-0.0004), "0.0 %"),
        (percent(-0.0123), "-1.2 %"),
        (number(-0.001), "0.00"),
        (money(-0.2), "0"),
        (percent(None), "-"),
        (plural(1, "fold"), "1 fold"),
        (plural(0, "defect"), "0 defects"),
    ],
)
def test_small_forms(text, expected):
    assert text == expected


def test_a_model_that_never_traded_has_dashes_and_the_reason(shown):
    def idle(result):
        earned(result, "reversal", turnover=0.0, sharpe=0.0, sharpe_gross=0.0, total=0.0)

    title = "What it earned: position sign, filled same close"
    cells = row(shown(idle), title, "reversal")
    assert cells[1:3] == ["-", "- (never traded)"]
    assert cells[5:] == ["0", "0", "-"]
    assert "never traded" not in " ".join(row(shown(idle), title, "majority"))
    assert not any("never traded" in line for line in shown())


@pytest.mark.parametrize(("volatility", "marked"), [(0.0009, True), (0.0011, False)])
def test_a_sliver_of_a_position_is_marked(shown, volatility, marked):
    lines = shown(lambda result: earned(result, "logistic", volatility=volatility))
    cells = row(lines, "What it earned: position sign, filled next close", "logistic")
    assert cells[0] == ("logistic *" if marked else "logistic")
    assert any(line.startswith("* held less than about 1 % of a full position") for line in lines) == marked


@pytest.mark.parametrize(("drawdown", "said"), [(1.3, 1), (0.9, 0)])
def test_a_drawdown_beyond_the_margin_is_explained_once(shown, drawdown, said):
    def fallen(result):
        for model in ("majority", "reversal", "logistic"):
            earned(result, model, max_drawdown=drawdown)

    assert sum("Equity is additive on constant capital" in line for line in shown(fallen)) == said


def test_folds_are_counted_from_1(shown):
    failures = [
        {"model": "logistic", "fold": 0, "seed": None, "reason": "one class"},
        {"model": "logistic", "fold": 2, "seed": None, "reason": "one class"},
        {"model": "reversal", "fold": 1, "seed": 7, "reason": "no day"},
    ]
    lines = shown(lambda result: result.update(failures=failures))
    assert "    logistic: folds 1, 3" in lines
    assert "    reversal: fold 2 seed 7" in lines


def test_a_study_of_one_fold_says_fold(shown):
    assert any("in 3 folds;" in line for line in shown())
    assert any("in 1 fold;" in line for line in shown(lambda result: result.update(folds=result["folds"][:1])))


@pytest.mark.parametrize(
    ("kept", "lacking"),
    [(("logistic",), "rule"), (("majority", "reversal"), "model that learns")],
)
def test_without_a_comparison_the_terminal_says_why(shown, kept, lacking):
    def alone(result):
        result.update(findings=[], comparisons=[])
        for part in ("directions", "earned"):
            result[part] = [each for each in result[part] if each["model"] in kept]

    said = f"No comparison: no {lacking} has scores in this study, so nothing can be found."
    assert said in shown(alone)
    assert not any("No comparison" in line for line in shown())


@pytest.mark.parametrize(("count", "said"), [(1, "1 defect"), (2, "2 defects"), (0, "No defect.")])
def test_defects_agree_in_number(capsys, count, said):
    printed("data check", {"source": "s", "parts": [], "defects": ["q.csv: wrong"] * count})
    assert capsys.readouterr().out.splitlines()[-1] == said
