"""The shell of every page: one HTML file that needs nothing else.

Style, script and the library of figures are inside, each once; a content policy in the head forbids the page to fetch
anything. What differs between pages is a title, what stands above the links, and the sections below them. Equal parts
give equal bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tenor.report.style import CONFIG

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""What the browser lets the page do: run and style itself, draw, and ask nobody for anything."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its heading, the name that links jump to, and its HTML."""

    title: str
    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The figures of a page by short name, as plotly's JSON without their heights, and those heights in pixels."""

    plots: Mapping[str, Any]
    heights: Mapping[str, int]

    def figure(self, name: str, caption: str) -> str:
        """Return the place of one figure below its caption, which is HTML already."""
        return (
            f'<figure><figcaption>{caption}</figcaption><div class="plot" id="plot-{name}"'
            f' style="--tall:{self.heights[name]}px" role="img" aria-label="{escape(name)}"></div></figure>'
        )


def drawn(figures: Mapping[str, go.Figure]) -> Drawn:
    """Turn figures into what a page holds of them."""
    plots = {name: json.loads(figure.to_json()) for name, figure in figures.items()}
    heights = {name: plot["layout"].pop("height") for name, plot in plots.items()}
    return Drawn(plots, heights)


def shell(title: str, header: str, sections: Sequence[Section], figures: Drawn, *, styles: Sequence[str] = ()) -> str:
    """Put a page together.

    Parameters
    ----------
    title
        Of the window, plain text.
    header
        HTML of what stands above the links.
    sections
        In their order; one without a body is left out.
    figures
        All that the sections place.
    styles
        Style sheets of this room beside ``page.css``.

    Returns
    -------
    str
        UTF-8 text of about 5 MB, of which 4.8 are the library that draws the figures.
    """
    kept = [section for section in sections if section.body]
    links = "".join(f'<a href="#{section.name}">{escape(section.title)}</a>' for section in kept)
    body = "".join(
        f'<section><h2 id="{section.name}">{escape(section.title)}</h2>{section.body}</section>' for section in kept
    )
    style = "".join(_own(name) for name in ("page.css", *styles))
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"'
        f' content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f'{header}<nav aria-label="Sections">{links}</nav><main>{body}</main>'
        "<noscript><p>The figures need JavaScript; every number is in the tables.</p></noscript>"
        f'<script type="application/json" id="figures">{_json(figures.plots)}</script>'
        f"<script>{get_plotlyjs()}</script><script>{_own('page.js')}</script></body></html>\n"
    )


def unbroken(sentence: str) -> str:
    """Escape a sentence; no line ends between a number and its per cent, or between a p and its value."""
    text = escape(sentence)
    for short in (" %", "p = ", "p &lt; "):
        text = text.replace(short, short.replace(" ", "&nbsp;"))
    return text


def _own(name: str) -> str:
    return files("tenor.report").joinpath(name).read_text(encoding="utf-8")


def _json(plots: Mapping[str, Any]) -> str:
    """Write the figures with each long axis of dates once, and nothing in it that could end a script."""
    shared: list[list[Any]] = []
    for plot in plots.values():
        for trace in plot["data"]:
            x = trace.get("x")
            if isinstance(x, list) and len(x) > 50:
                if x not in shared:
                    shared.append(x)
                trace["x"] = {"same": shared.index(x)}
    whole = {"config": CONFIG, "shared": shared, "figures": plots}
    text = json.dumps(whole, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
