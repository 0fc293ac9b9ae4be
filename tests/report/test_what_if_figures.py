"""The figures of a what-if: what is drawn is what was answered, and what is implausible is marked."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenor.report.what_if_figures import (
    broken,
    cell_edges,
    family_waterfall,
    grid_pnl,
    grid_up,
    heat_scale,
    implausible_ranges,
    models_before_and_after,
    shift_waterfall,
    sweep_figure,
    table_of,
)
from tenor.report.what_if_text import switches
from tenor.scenario.search import Family

HAND = runpy.run_path(str(Path(__file__).with_name("what_if_by_hand.py")))
ASKED, DEAR, SWEEP, GRID = HAND["ASKED"], HAND["DEAR"], HAND["SWEEP"], HAND["GRID"]


def waterfalls(figure):
    return [trace for trace in figure.data if trace.type == "waterfall"]


def test_the_waterfall_of_shifts_adds_up_to_the_whole():
    money, up = waterfalls(shift_waterfall(DEAR, ASKED))
    assert list(money.measure) == ["relative", "relative", "total"]
    assert list(money.x) == [50.0, -550.0, 0.0]
    assert sum(money.x) == DEAR.pnl_held
    assert list(money.text) == ["+50", "−550", "−500"]
    assert up.base == 0.52
    assert up.base + sum(up.x) == pytest.approx(DEAR.steps[-1].up)
    assert list(up.text) == ["+0.50 pp", "−4.50 pp"]


def test_a_probability_begins_and_ends_at_marks_not_at_zero():
    figure = family_waterfall(DEAR, ASKED)
    marks = [trace for trace in figure.data if trace.type == "scatter"]
    assert [trace.x[0] for trace in marks] == [0.52, 0.48]
    assert [trace.text[0] for trace in marks] == ["52.00 %", "48.00 %"]
    low, high = figure.layout.xaxis.range
    assert 0 < low < 0.48 < 0.52 < high < 1
    assert any(shape.x0 == 0.5 for shape in figure.layout.shapes)
    assert list(figure.layout.yaxis.ticktext) == ["before", "spread_level", "carry", "after"]


def test_equal_names_of_two_shifts_keep_two_bars():
    twice = replace(DEAR, steps=(DEAR.steps[0], *(replace(step, name="repo +1bp") for step in DEAR.steps[1:])))
    money, _ = waterfalls(shift_waterfall(twice, ASKED))
    assert list(money.y) == [20.0, 60.0, 100.0]


def test_a_long_name_has_the_lines_it_needs_and_its_row_the_height():
    long = "quarter end between the deliveries +300bp (half-life 2 days)"
    assert broken(long) == ["quarter end", "between the", "deliveries +300bp", "(half-life 2", "days)"]
    assert broken("cheapest_to_deliver") == ["cheapest_to_", "deliver"]
    assert broken("x" * 20) == ["x" * 17, "xxx"]
    assert broken("  a _ b") == ["  a _ b"]
    assert broken("") == [""]
    named = replace(DEAR, steps=(*DEAR.steps[:2], replace(DEAR.steps[2], name=long)))
    figure = shift_waterfall(named, ASKED)
    money, up = waterfalls(figure)
    assert list(money.y) == [22.0, 91.5, 159.0]  # "macro CPI.YOY +0.5" has two lines, the long name five
    assert list(up.y) == [62.0, 131.5]
    assert list(figure.layout.yaxis.range) == [179, 0]
    assert figure.layout.yaxis.ticktext[1].count("<br>") == 4


def test_a_scenario_that_moves_nothing_still_draws():
    still = replace(DEAR, families=tuple(replace(step, up=0.52) for step in DEAR.families))
    low, high = family_waterfall(still, ASKED).layout.xaxis.range
    assert low < 0.52 < high


def test_models_are_hollow_before_and_filled_after():
    figure = models_before_and_after(DEAR)
    marks = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.x[0] for trace in marks] == [0.51, 0.51, 0.52, 0.48]
    assert [str(trace.marker.symbol).endswith("-open") for trace in marks] == [True, False, True, False]
    assert [trace.error_x.visible for trace in marks] == [False, False, True, True]
    ranges = [trace for trace in figure.data if trace.mode == "lines"]
    assert list(ranges[1].x) == [0.465, 0.494]


def test_a_sweep_marks_implausible_sizes_and_switches():
    figure = sweep_figure(SWEEP, ASKED)
    assert [len(trace.x) for trace in figure.data] == [5] * 4
    assert list(figure.data[0].marker.symbol) == ["circle-open", *["circle"] * 3, "circle-open"]
    assert list(figure.data[3].y) == [-400.0, -200.0, 0.0, 200.0, 400.0]
    shades = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert {(shape.x0, shape.x1) for shape in shades} == {(-20.0, -15.0), (15.0, 20.0)}
    assert sum(shape.x0 == shape.x1 == -15.0 for shape in figure.layout.shapes) == 4
    assert switches(SWEEP) == ((-20.0, -10.0, "far: C → B"),)
    assert any(shape.y0 == shape.y1 == 0.5 for shape in figure.layout.shapes)


def test_implausible_neighbours_are_one_stretch():
    far = replace(SWEEP, points=tuple(replace(point, plausible=False) for point in SWEEP.points))
    assert implausible_ranges(far) == ((-20.0, 20.0),)
    one = replace(SWEEP, axes=((5.0,),), points=(replace(SWEEP.points[0], sizes=(5.0,)),))
    assert implausible_ranges(one) == ((5.0, 5.0),)


def test_a_heat_map_has_the_first_shift_upwards_and_the_second_across():
    figure = grid_pnl(GRID, ASKED)
    heat, crosses = figure.data
    assert list(heat.y) == [-10.0, 10.0]
    assert list(heat.x) == [-50.0, 0.0, 50.0]
    assert [list(row) for row in heat.z] == [[300.0, -200.0, -700.0], [700.0, 200.0, -300.0]]
    assert (heat.zmin, heat.zmax) == (-700.0, 700.0)
    assert list(heat.text[0]) == ["300", "−200", "−700"]
    assert sorted(zip(crosses.x, crosses.y, strict=True)) == [(-50, -2.8), (-50, 17.2), (50, -2.8), (50, 17.2)]
    assert (list(figure.layout.xaxis.range), list(figure.layout.yaxis.range)) == ([-75, 75], [-20, 20])
    assert figure.layout.yaxis.title.text == "parallel, bp"
    assert figure.layout.xaxis.title.text == "repo, bp"


def test_a_heat_map_too_large_for_numbers_has_crosses():
    sizes = tuple(float(size) for size in range(14))
    points = tuple(replace(GRID.points[0], sizes=(one, two), plausible=two > 0) for one in (0.0, 1.0) for two in sizes)
    heat, crosses = grid_pnl(replace(GRID, axes=((0.0, 1.0), sizes), points=points), ASKED).data
    assert heat.text is None
    assert sorted(zip(crosses.x, crosses.y, strict=True)) == [(0.0, 0.0), (0.0, 1.0)]


@pytest.mark.parametrize(
    ("values", "low", "high", "colours"),
    [
        ([0.48, 0.58], 0.42, 0.58, 3),
        ([0.56, 0.561], 0.56, 0.561, 2),
        ([0.41, 0.42], 0.41, 0.42, 2),
        ([0.6, 0.6], 0.6, 0.600001, 2),
        ([0.5, 0.5], 0.5, 0.500001, 2),
    ],
)
def test_colours_span_what_occurs(values, low, high, colours):
    found = heat_scale(np.array(values), 0.5)
    assert found[:2] == pytest.approx((low, high))
    assert len(found[2]) == colours


def test_nearly_equal_probabilities_are_told_apart():
    near = replace(GRID, points=tuple(replace(p, up=0.56 + 1e-5 * at) for at, p in enumerate(GRID.points)))
    heat = grid_up(near).data[0]
    assert (heat.zmin, heat.zmax) == pytest.approx((0.56, 0.56005))
    assert heat.colorbar.tickformat == ".3%"


def test_the_probability_has_a_line_where_the_forecast_flips():
    heat, _, line = grid_up(GRID).data
    assert (heat.zmin + heat.zmax) / 2 == 0.5
    assert line.type == "contour"
    assert line.contours.start == line.contours.end == 0.5
    sure = replace(GRID, points=tuple(replace(point, up=0.6) for point in GRID.points))
    assert [trace.type for trace in grid_up(sure).data] == ["heatmap", "scatter"]


def test_cells_end_half_way_to_the_next():
    assert cell_edges((0.0, 10.0, 30.0)) == [-5.0, 5.0, 20.0, 40.0]
    assert cell_edges((7.0,)) == [6.5, 7.5]


def test_numbers_of_a_grid_keep_their_places():
    assert np.array_equal(table_of(GRID, range(6)), [[0, 1, 2], [3, 4, 5]])


def test_names_in_a_template_are_text():
    figure = grid_pnl(replace(GRID, families=(Family("a%{x}", ""), Family("<b>", ""))), ASKED)
    template = figure.data[0].hovertemplate
    assert "a%{x}" not in template
    assert "<b>" not in template
