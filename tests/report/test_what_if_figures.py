"""The figures of a what-if: what is drawn is what was answered, and what is implausible is marked."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tenor.report.what_if_figures import (
    family_waterfall,
    grid_pnl,
    grid_up,
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
    assert list(money.y) == [0, 1, 2]


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
    assert switches(SWEEP) == ((-15.0, "far: C → B"),)
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
    assert (heat.zmin, heat.zmid, heat.zmax) == (-700.0, 0.0, 700.0)
    assert sorted(zip(crosses.x, crosses.y, strict=True)) == [(-50, -10), (-50, 10), (50, -10), (50, 10)]
    assert figure.layout.yaxis.title.text == "parallel, bp"
    assert figure.layout.xaxis.title.text == "repo, bp"


def test_the_probability_has_a_line_where_the_forecast_flips():
    heat, _, line = grid_up(GRID).data
    assert heat.zmid == 0.5
    assert line.type == "contour"
    assert line.contours.start == line.contours.end == 0.5
    sure = replace(GRID, points=tuple(replace(point, up=0.6) for point in GRID.points))
    assert [trace.type for trace in grid_up(sure).data] == ["heatmap", "scatter"]


def test_numbers_of_a_grid_keep_their_places():
    assert np.array_equal(table_of(GRID, range(6)), [[0, 1, 2], [3, 4, 5]])


def test_names_in_a_template_are_text():
    figure = grid_pnl(replace(GRID, families=(Family("a%{x}", ""), Family("<b>", ""))), ASKED)
    template = figure.data[0].hovertemplate
    assert "a%{x}" not in template
    assert "<b>" not in template
