"""What if: sliders for curve and funding, and at once the way from the shock to probability, position and profit.

The run stays loaded and its desk open, so a move of a slider asks the frozen models alone: milliseconds.
"""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.holdings import holdings
from tenor.app.web.parts import Visit
from tenor.errors import TenorError
from tenor.report import what_if_text
from tenor.report.what_if_figures import grid_pnl, shift_waterfall

SLIDERS = (
    ("parallel", "shock_parallel", 100),
    ("steepener", "shock_steepener", 100),
    ("butterfly", "shock_butterfly", 50),
    ("repo", "shock_repo", 200),
)
"""Shocks with a slider: the word of the shift, the key of its text, how far it goes on both sides in basis points."""

PRESETS = (
    ("+10 bp", {"parallel": 10}),
    ("-10 bp", {"parallel": -10}),
    ("+25 bp, repo +50 bp", {"parallel": 25, "repo": 50}),
    ("2s10s +20 bp", {"steepener": 20}),
    ("repo +100 bp", {"repo": 100}),
)
"""Shocks with a button."""

AXES = ("parallel=-50bp:50bp:10bp", "repo=-100bp:100bp:20bp")
"""Of the heat map."""


async def what_if(here: Visit, name: str, product: str) -> None:
    """Draw the page for a run of calendar spreads and one of its products."""
    words, held = here.words, await asyncio.to_thread(holdings, here.server)
    if not held.pairs:
        parts.empty(words("what_if_none"), (words("home_begin"), "/study"))
        return
    name = name if name in held.pairs else next(iter(held.pairs))
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
    await _Board(here, loaded, desk).draw()


class _Board:
    """The sliders and what they answer."""

    def __init__(self, here: Visit, loaded: Any, desk: Any) -> None:
        self._here, self._loaded, self._desk = here, loaded, desk
        self._sizes: dict[str, int] = {}
        self._asked = 0

    async def draw(self) -> None:
        """Draw everything, and ask for no shock."""
        words = self._here.words
        parts.heading(words("shocks"))
        with ui.element("div").classes("sliders"):
            self._inputs = {kind: self._slider(kind, words(key), far) for kind, key, far in SLIDERS}
        with ui.element("div").classes("row").props(f'role="group" aria-label="{words("presets")}"'):
            for text, sizes in PRESETS:
                parts.press(text, partial(self._set, sizes))
            parts.press(words("reset"), partial(self._set, {}))
        parts.heading(words("from_shock"))
        self._verdict = (
            ui.element("div").props('role="status" aria-live="polite"').style("min-height: 9rem; width: 100%")
        )
        self._figure = ui.plotly(self._waiting()).classes("figure tall")
        self._figure.props(f'role="group" aria-label="{words("from_shock")}"')
        await self._ask()
        parts.heading(words("grid"))
        place = ui.element("div").style("min-height: 420px; width: 100%")
        grid, flips = await asyncio.to_thread(self._around)
        with place:
            parts.figure(grid, self._here, label=words("grid")).classes("tall")
        parts.heading(words("flip"))
        for sentence in flips:
            parts.say(sentence)

    def _slider(self, kind: str, text: str, far: int) -> tuple[Any, Any]:
        with ui.element("div").classes("slide"):
            ui.html(text, tag="label", sanitize=False).props(f'for="shock-{kind}"')
            shown = ui.html("0 bp", tag="output", sanitize=False)
            # plain HTML, which the framework does not draw again: no later answer sets it back under a finger
            slider = ui.html(
                f'<input id="shock-{kind}" type="range" min="{-far}" max="{far}" step="1" value="0">', sanitize=False
            )
            slider.style("grid-column: 1 / -1")

        async def moved(event: Any) -> None:
            self._sizes[kind] = int(event.args)
            shown.set_content(f"{self._sizes[kind]:+d} bp" if self._sizes[kind] else "0 bp")
            await self._ask()

        slider.on("input", moved, throttle=0.08, js_handler="(e) => emit(Number(e.target.value))")
        return slider, shown

    async def _set(self, sizes: dict[str, int]) -> None:
        self._sizes = dict(sizes)
        for kind, (_, shown) in self._inputs.items():
            size = sizes.get(kind, 0)
            ui.run_javascript(f"document.getElementById('shock-{kind}').value = {size}")
            shown.set_content(f"{size:+d} bp" if size else "0 bp")
        await self._ask()

    async def _ask(self) -> None:
        """Ask the models about what the sliders say; an answer that a later question has overtaken is not drawn."""
        self._asked += 1
        mine = self._asked
        try:
            drawn, sentences = await asyncio.to_thread(self._answered, dict(self._sizes))
        except TenorError as failure:
            drawn, sentences = None, [str(failure)]
        if mine != self._asked:
            return
        self._verdict.clear()
        with self._verdict:
            for sentence in sentences:
                parts.say(sentence)
        if drawn is not None:
            self._figure.update_figure(parts.themed(drawn, dark=self._here.dark))

    def _answered(self, sizes: dict[str, int]) -> tuple[go.Figure | None, list[str]]:
        from tenor.app.what_if import AskWhatIf, asked_of

        shifts = tuple(f"{kind}={size:+d}bp" for kind, size in sizes.items() if size)
        request = AskWhatIf(Path(self._loaded.name), self._here.server.place.runs, shifts=shifts or ("parallel=+0bp",))
        found = asked_of(self._desk, self._loaded, request)
        outcome = found.outcomes[0]
        sentences = list(what_if_text.verdict_sentences(outcome, found.asked))
        if not shifts:
            return shift_waterfall(outcome, found.asked), sentences
        sentences += [
            f"{self._here.words('plausible')} {outcome.plausibility.sentence}.",
            what_if_text.inputs_sentence(outcome, found.asked.base_inputs),
        ]
        return shift_waterfall(outcome, found.asked), sentences

    def _around(self) -> tuple[go.Figure, list[str]]:
        from tenor.app.what_if import AskWhatIf, asked_of

        request = AskWhatIf(
            Path(self._loaded.name), self._here.server.place.runs, grid=AXES, flips=("parallel", "steepener", "repo")
        )
        found = asked_of(self._desk, self._loaded, request)
        assert found.grid is not None
        return grid_pnl(found.grid, found.asked), [what_if_text.flip_sentence(flip) for flip in found.flips]

    def _waiting(self) -> dict[str, Any]:
        return parts.themed(go.Figure(layout={"height": 420}), dark=self._here.dark)
