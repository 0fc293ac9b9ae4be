"""What if: sliders for curve and funding, and at once the way from the shock to probability, position and profit.

The run stays loaded and its desk open, so a move of a slider asks the frozen models alone: milliseconds.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import holdings
from tenor.app.web.parts import Visit
from tenor.app.web.what_if_facts import base_facts, chain_facts, distance_facts, flip_row
from tenor.errors import TenorError
from tenor.report.text import DASH
from tenor.report.what_if_figures import grid_pnl, shift_waterfall
from tenor.scenario.replay import weeks_that_stand_out


@dataclass(frozen=True, slots=True)
class Slider:
    """A shock with a slider: a name in the page, the word of the shift, its text, and how far it goes."""

    ident: str
    shift: str
    text: str
    low: int
    high: int
    settings: str = ""

    def word(self, size: int) -> str:
        """Return the shift as the command line has it, of a size in basis points."""
        return f"{self.shift}={size:+d}bp{self.settings}"


SLIDERS = (
    Slider("parallel", "parallel", "shock_parallel", -100, 100),
    Slider("steepener", "steepener", "shock_steepener", -100, 100),
    Slider("butterfly", "butterfly", "shock_butterfly", -50, 50),
    Slider("repo", "repo", "shock_repo", -200, 200),
    Slider("turn", "quarter_end", "shock_turn", 0, 500, ",turn=between"),
)
"""Shocks with a slider, beside one for each point of the curve."""

POINT = 50
"""Basis points that one point of the curve can be moved by."""

PRESETS = (
    ("+10 bp", {"parallel": 10}),
    ("-10 bp", {"parallel": -10}),
    ("+25 bp, repo +50 bp", {"parallel": 25, "repo": 50}),
    ("2s10s +20 bp", {"steepener": 20}),
    ("repo +100 bp", {"repo": 100}),
)
"""Shocks with a button."""

AXES = ("parallel=-25bp:25bp:5bp", "repo=-50bp:50bp:10bp")
"""Of the heat map."""

WEEKS = "shock-weeks"
"""Name of the choice of weeks in the page."""


async def what_if(here: Visit, name: str, product: str) -> None:
    """Draw the page for a run of calendar spreads and one of its products."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    if not held.pairs:
        parts.empty(words("what_if_none"), (words("home_begin"), "/study"))
        return
    if name and name not in held.pairs:
        parts.no_run(here, name)
        return
    name = name or next(iter(held.pairs))
    products = held.pairs[name]
    product = product if product in products else products[0]
    with ui.element("div").classes("row"):
        parts.choose(
            words("run"), [(each, each) for each in held.pairs], name, lambda to: ui.navigate.to(f"/what-if?run={to}")
        )
        parts.choose(
            words("product"),
            [(each, each) for each in products],
            product,
            lambda to: ui.navigate.to(f"/what-if?run={name}&product={to}"),
        )
    opened = await parts.read(here, name, partial(here.server.desks.open_pair, name, product))
    if opened is None:
        return
    loaded, desk = opened
    if loaded.market.simulated:
        parts.simulated(here)
    if loaded.study.valuation is not None and loaded.study.valuation.basket == "stand_in":
        parts.banner("STAND-IN", words("stand_in_why"))
    await _Board(here, loaded, desk).draw()


class _Board:
    """The sliders and what they answer."""

    def __init__(self, here: Visit, loaded: Any, desk: Any) -> None:
        self._here, self._loaded, self._desk = here, loaded, desk
        base = desk.scene.base
        self._points = tuple(
            Slider(f"point-{at}", f"{tenor:g}y", f"{tenor:g} y", -POINT, POINT) for at, tenor in enumerate(base.tenors)
        )
        self._sliders = {slider.ident: slider for slider in (*SLIDERS, *self._points)}
        self._sizes: dict[str, int] = {}
        self._replay: str | None = None
        self._asked = 0

    async def draw(self) -> None:
        """Draw everything, and ask for no shock."""
        words = self._here.words
        parts.heading(words("shocks"))
        self._shown: dict[str, Any] = {}
        with ui.element("div").classes("sliders"):
            for slider in SLIDERS:
                self._slider(slider, words(slider.text))
        with ui.element("details"):
            ui.html(escape(words("shock_points")), tag="summary", sanitize=False)
            with ui.element("div").classes("sliders"):
                for slider in self._points:
                    self._slider(slider, slider.text)
        with ui.element("div").classes("row").props(f'role="group" aria-label="{words("presets")}"'):
            for text, sizes in PRESETS:
                parts.press(text, partial(self._set, sizes))
            parts.press(words("reset"), partial(self._set, {}))
        with ui.element("div").classes("row").props(f'id="{WEEKS}"'):
            parts.choose(words("history"), [("", DASH), *self._weeks()], "", self._again)
        parts.heading(words("from_shock"))
        self._verdict = ui.html("", sanitize=False).props('role="status" aria-live="polite"').classes("board")
        self._figure = ui.plotly(self._waiting()).classes("figure tall")
        self._figure.props(f'role="group" aria-label="{words("from_shock")}"')
        await self._ask()
        parts.heading(words("grid"))
        place = ui.element("div").style("min-height: 420px; width: 100%")
        grid, flips = await asyncio.to_thread(self._around)
        with place:
            parts.figure(grid, self._here, label=words("grid")).classes("tall")
            parts.say(words("grid_fine"), fine=True)
        parts.heading(words("flip"))
        heads = [words(key) for key in ("flips_what", "by_shock", "flips_at", "from_to", "plausible")]
        parts.table(words("flip"), heads, flips, numbers=2)

    def _weeks(self) -> list[tuple[str, str]]:
        """The weeks of the past that can be done again, as choices."""
        words = self._here.words
        return [
            (
                f"replay={week.first}..{week.last}",
                f"{week.first} – {week.last}: {words(f'week_{week.what}')} {1e4 * week.change:+.0f} bp",
            )
            for week in weeks_that_stand_out(self._desk.scene.base)
        ]

    async def _again(self, word: str) -> None:
        self._replay = word or None
        await self._ask()

    def _slider(self, slider: Slider, text: str) -> None:
        ident = slider.ident
        with ui.element("div").classes("slide"):
            ui.html(escape(text), tag="label", sanitize=False).props(f'for="shock-{ident}"')
            shown = ui.html("0 bp", tag="output", sanitize=False)
            # plain HTML, which the framework does not draw again: no later answer sets it back under a finger
            drawn = ui.html(
                f'<input id="shock-{ident}" type="range" min="{slider.low}" max="{slider.high}" step="1" value="0">',
                sanitize=False,
            )
            drawn.style("grid-column: 1 / -1")
        self._shown[ident] = shown

        async def moved(event: Any) -> None:
            self._sizes[ident] = min(max(int(event.args), slider.low), slider.high)
            shown.set_content(f"{self._sizes[ident]:+d} bp" if self._sizes[ident] else "0 bp")
            await self._ask()

        drawn.on("input", moved, throttle=0.08, js_handler="(e) => emit(Number(e.target.value))")

    async def _set(self, sizes: dict[str, int]) -> None:
        """Ask for a preset alone: every slider where it says, and no week of the past."""
        self._sizes, self._replay = dict(sizes), None
        ui.run_javascript(f"document.querySelector('#{WEEKS} select').value = ''")
        for ident, shown in self._shown.items():
            size = sizes.get(ident, 0)
            ui.run_javascript(f"document.getElementById('shock-{ident}').value = {size}")
            shown.set_content(f"{size:+d} bp" if size else "0 bp")
        await self._ask()

    async def _ask(self) -> None:
        """Ask the models about what the sliders say; an answer that a later question has overtaken is not drawn."""
        self._asked += 1
        mine = self._asked
        try:
            drawn, told = await asyncio.to_thread(self._answered, dict(self._sizes), self._replay)
        except TenorError as failure:
            drawn, told = None, f"<p>{escape(str(failure))}</p>"
        if mine != self._asked:
            return
        self._verdict.set_content(told)
        if drawn is None:
            self._figure.update_figure(self._waiting())
        else:
            self._figure.update_figure(parts.themed(drawn, self._here))

    def _answered(self, sizes: dict[str, int], replay: str | None) -> tuple[go.Figure | None, str]:
        from tenor.app.what_if import AskWhatIf, asked_of

        shifts = (
            *(self._sliders[ident].word(size) for ident, size in sizes.items() if size),
            *([replay] if replay else ()),
        )
        request = AskWhatIf(Path(self._loaded.name), self._here.server.place.runs, shifts=shifts or ("parallel=+0bp",))
        found = asked_of(self._desk, self._loaded, request)
        outcome = found.outcomes[0]
        rows = chain_facts(self._here, outcome, found.asked)
        rows += distance_facts(self._here, outcome) if shifts else base_facts(self._here, found.asked)
        return shift_waterfall(outcome, found.asked) if shifts else None, parts.facts_html(rows)

    def _around(self) -> tuple[go.Figure, list[list[str]]]:
        from tenor.app.what_if import AskWhatIf, asked_of

        request = AskWhatIf(
            Path(self._loaded.name), self._here.server.place.runs, grid=AXES, flips=("parallel", "steepener", "repo")
        )
        found = asked_of(self._desk, self._loaded, request)
        assert found.grid is not None
        return grid_pnl(found.grid, found.asked), [flip_row(self._here, flip) for flip in found.flips]

    def _waiting(self) -> dict[str, Any]:
        hidden = {"visible": False}
        figure = go.Figure(layout={"height": 420, "xaxis": hidden, "yaxis": hidden})
        figure.add_annotation(text=escape(self._here.words("move_one")), showarrow=False, font={"size": 15})
        return parts.themed(figure, self._here)
