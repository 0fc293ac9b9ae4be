"""Tables print the numbers of ``report.answer()``; a dash has its reason under the table."""

import re
from dataclasses import replace
from html import unescape

import polars as pl
import pytest

from tenor.factor.clean import LeftOut
from tenor.model.forecast import Failure
from tenor.report import tables
from tenor.report.tables import Cell, Column, score_cell, table
from tenor.report.text import number, percent
from tenor.trust.evaluation import Score

NAN = float("nan")


def rows_of(html):
    """Cells of the body rows as plain text, fine print apart by a blank."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr.*?>(.*?)</tr>", body)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in cells]


def test_direction_table_prints_the_answer(report):
    printed = rows_of(tables.html(tables.directions(report)))
    pooled = [d for d in report.answer()["directions"] if d["scope"] == "all"]
    assert [row[0].split()[0] for row in printed] == [d["model"] for d in pooled]
    for row, d in zip(printed, pooled, strict=True):
        accuracy = d["scores"]["accuracy"]
        assert row[1].startswith(percent(accuracy["mean"]))
        assert row[1].endswith(f"[{number(100 * accuracy['low'], 1)}, {number(100 * accuracy['high'], 1)}]")
        assert ("±" in row[1]) == (d["seeds"] > 1)
        assert row[2].startswith(percent(d["scores"]["accuracy_all"]["mean"]))
        names = ("mcc", "auc", "log_loss", "brier", "ece")
        for cell, name, digits in zip(row[3:8], names, (3, 3, 4, 4, 3), strict=True):
            assert cell.startswith(number(d["scores"][name]["mean"], digits))
        assert row[9].startswith(number(d["n"], 0))
        assert row[10] == str(d["seeds"])


@pytest.mark.parametrize("position", ["sign", "probability, band 1"])
@pytest.mark.parametrize("fill", ["same_close", "next_close"])
def test_earnings_table_prints_the_answer(report, position, fill):
    printed = rows_of(tables.html(tables.earnings(report, position, fill)))
    wanted = (position, fill, "all")
    chosen = [e for e in report.answer()["earned"] if (e["position"], e["fill"], e["scope"]) == wanted]
    assert len(printed) == len(chosen) == 4
    for row, e in zip(printed, chosen, strict=True):
        scores = {name: score["mean"] for name, score in e["scores"].items()}
        idle = scores["turnover"] == 0
        assert row[1].startswith("–" if idle else number(scores["sharpe_gross"]))
        assert row[2].startswith("–" if idle else number(scores["sharpe"]))
        assert row[3].startswith(percent(scores["annual_return"]))
        assert row[5].startswith(percent(scores["max_drawdown"]))
        assert row[8].startswith(number(scores["turnover"], 0))
        assert row[9].startswith(number(scores["total"], 0))
        assert row[10].startswith("–" if idle else number(scores["break_even_cost"], 1))


def test_ways_are_every_pair_with_the_headline_first(report):
    assert tables.ways(report) == [
        ("sign", "same_close"),
        ("sign", "next_close"),
        ("probability, band 1", "same_close"),
        ("probability, band 1", "next_close"),
    ]


def test_products_have_their_own_rows(report):
    html = tables.by_product(report)
    calls, money = html.split("<h3>Earnings by product")
    assert [row[1] for row in rows_of(calls)] == ["T"] * 4 + ["TF"] * 4
    assert [row[1] for row in rows_of(money)] == ["T"] * 4 + ["TF"] * 4


def test_one_product_has_no_table_of_products(report):
    evaluation = replace(
        report.evaluation,
        directions=tuple(d for d in report.evaluation.directions if d.scope == "all"),
        earned=tuple(e for e in report.evaluation.earned if e.scope == "all"),
    )
    assert tables.by_product(replace(report, evaluation=evaluation)) == ""


def test_a_dash_is_explained_under_the_table():
    html = table("t", [Column("a"), Column("b")], [[Cell("1"), score_cell(Score(NAN), "nothing was traded")]])
    assert 'title="nothing was traded">–<sup>a</sup>' in html
    assert "<li><sup>a</sup> nothing was traded</li>" in html


def test_equal_remarks_share_a_letter_and_others_get_the_next():
    rows = [[Cell("–", remark="one"), Cell("–", remark="two")], [Cell("–", remark="one"), "3"]]
    html = table("t", [Column("a"), Column("b")], rows)
    assert html.count("<sup>a</sup>") == 3
    assert html.count("<sup>b</sup>") == 2


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (Score(0.512, 0.013, 0.48, 0.544), Cell("51.2 %", "±1.3 [48.0, 54.4]")),
        (Score(0.512), Cell("51.2 %")),
        (Score(0.512, None, NAN, NAN), Cell("51.2 %")),
        (Score(-0.02, NAN, -0.1, 0.1), Cell("−2.0 %", "[−10.0, 10.0]")),
    ],
)
def test_score_cells(score, expected):
    assert score_cell(score, as_percent=True, digits=1) == expected


def test_strings_are_escaped():
    nasty = '<img src=x onerror="1">'
    html = table(nasty, [Column(nasty, nasty)], [[Cell(nasty, nasty, nasty)]])
    assert "<img" not in html
    assert 'onerror="' not in html
    assert html.count("&lt;img") == 9


def test_left_out_lists_every_rule_and_product(report):
    printed = rows_of(tables.html(tables.left_out(report)))
    for row in printed:
        for code, cell in zip(("T", "TF"), row[1:], strict=True):
            (count,) = [o.count for o in report.left_out if (o.rule, o.product) == (row[0], code)]
            assert cell == number(count, 0)
    some = replace(report, left_out=(LeftOut("T", "one", 3), LeftOut("TF", "two", 4)))
    assert rows_of(tables.html(tables.left_out(some))) == [["one", "3", "– a"], ["two", "– a", "4"]]


def test_missing_lists_only_what_is_missing(report):
    some = replace(report, missing={"full": 0.0, "patchy": 0.0212})
    assert rows_of(tables.missing(some)) == [["patchy", "2.12 %"]]
    assert tables.missing(replace(report, missing={"full": 0.0})) == ""


def test_failures_put_seeds_of_one_reason_together(report):
    failures = (
        Failure("lstm", 0, 3, "loss is not a number"),
        Failure("lstm", 0, 4, "loss is not a number"),
        Failure("logistic", 2, None, "one class only"),
    )
    assert rows_of(tables.failures(replace(report, failures=failures))) == [
        ["lstm", "1", "3, 4", "loss is not a number"],
        ["logistic", "3", "every seed", "one class only"],
    ]
    assert tables.failures(replace(report, failures=())) == ""


def test_comparisons_are_in_points_with_p_values(report):
    printed = rows_of(tables.comparisons(report))
    answer = report.answer()["comparisons"]
    accuracy = [c for c in answer if c["measure"] == "accuracy"]
    sharpe = [c for c in answer if c["measure"] == "sharpe"]
    for row, a, s in zip(printed, accuracy, sharpe, strict=True):
        assert row[:2] == [a["first"], a["second"]]
        assert row[2].startswith(number(100 * a["estimate"], 1))
        assert row[4].startswith(number(s["estimate"]))
        assert f"[{number(s['low'])}, {number(s['high'])}]" in row[4]


def test_an_undefined_comparison_says_why(report):
    gaps = tuple(replace(c, estimate=NAN, low=NAN, high=NAN, p_value=NAN) for c in report.evaluation.comparisons)
    html = tables.comparisons(replace(report, evaluation=replace(report.evaluation, comparisons=gaps)))
    assert "no session in common" in html
    assert "nan" not in html


def test_sessions_without_a_forecast_are_counted(report):
    front = tables.html(tables.earnings(report, "sign", "same_close"))
    count = report.evaluation.earned[0].no_forecast
    assert count > 0
    assert f"On {count} product-sessions no model had a forecast" in front
    alone = replace(report, spreads=report.spreads.filter(pl.col("product") == "T"))
    assert f"On {count} sessions no model had a forecast" in tables.html(tables.earnings(alone, "sign", "same_close"))
    single = tuple(replace(e, no_forecast=1) for e in report.evaluation.earned)
    one = replace(report, evaluation=replace(report.evaluation, earned=single))
    assert "On 1 product-session no model had" in tables.html(tables.earnings(one, "sign", "same_close"))
    uneven = tuple(replace(e, no_forecast=7) if e.model == "logistic" else e for e in report.evaluation.earned)
    changed = tables.earnings(
        replace(report, evaluation=replace(report.evaluation, earned=uneven)), "sign", "same_close"
    )
    assert [row[11] for row in rows_of(tables.html(changed))] == [str(count), str(count), "7", str(count)]


def test_a_model_that_never_traded_has_dashes_for_its_ratios_and_says_so(report):
    html = tables.html(tables.earnings(report, "probability, band 1", "same_close"))
    printed = {row[0].split()[0]: row for row in rows_of(html)}
    (idle,) = {
        e.model
        for e in report.evaluation.earned
        if (e.position, e.fill, e.scope) == ("probability, band 1", "same_close", "all")
        and e.scores["turnover"].mean == 0
        and e.model == "reversal"
    }
    row = printed[idle]
    assert [row[column][0] for column in (1, 2, 6, 7, 10)] == ["–"] * 5
    assert (row[3], row[8], row[9]) == ("0.0 %", "0", "0")
    assert "[" not in "".join(row)
    assert "</sup> never traded</li>" in html


def test_a_sliver_of_a_position_is_marked_by_its_mean_size(report):
    mark = "held less than 1 % of a full position on average"
    assert mark not in tables.html(tables.earnings(report, "sign", "same_close"))
    ledger = report.evaluation.ledger

    def scaled(share):
        small = pl.when(pl.col("model") == "lightgbm").then(share * pl.col("position").sign()).otherwise("position")
        evaluation = replace(report.evaluation, ledger=ledger.with_columns(position=small))
        return rows_of(tables.html(tables.earnings(replace(report, evaluation=evaluation), "sign", "same_close")))

    assert ["a" in row[0].split() for row in scaled(0.009)] == [False, False, False, True]
    assert not any("a" in row[0].split() for row in scaled(0.02))
    evaluation = replace(
        report.evaluation,
        ledger=ledger.with_columns(
            position=pl.when(pl.col("product") == "TF").then(0.001 * pl.col("position")).otherwise("position")
        ),
    )
    money = tables.by_product(replace(report, evaluation=evaluation)).split("<h3>Earnings by product")[1]
    assert ["a" in row[0].split() for row in rows_of(money)] == [False] * 4 + [True] * 4


def test_a_drawdown_beyond_the_margin_is_explained(report):
    def with_drawdown(value):
        earned = tuple(
            replace(e, scores={**e.scores, "max_drawdown": Score(value)}) if e.model == "logistic" else e
            for e in (replace(e, scores={**e.scores, "max_drawdown": Score(0.2)}) for e in report.evaluation.earned)
        )
        changed = replace(report, evaluation=replace(report.evaluation, earned=earned))
        return tables.html(tables.earnings(changed, "sign", "same_close"))

    assert tables.ADDITIVE in with_drawdown(1.2)
    assert tables.ADDITIVE not in with_drawdown(1.0)


def test_findings_are_printed(report):
    for row, f in zip(rows_of(tables.html(tables.findings(report))), report.evaluation.findings, strict=True):
        assert row[:3] == [f.model, f.best_rule, number(100 * f.margin, 1)]
        assert row[4] == ("found" if f.found else "nothing found")


def test_folds_have_dates(report):
    printed = rows_of(tables.html(tables.folds(report)))
    assert len(printed) == len(report.folds)
    assert str(report.folds[0].test[1].year) in printed[0][3]
