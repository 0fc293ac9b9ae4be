"""Runs: what is kept, where it comes from, its report and its files."""

import asyncio
from html import escape
from urllib.parse import quote

from nicegui import ui

from tenor.app.web import parts
from tenor.app.web.parts import Visit
from tenor.errors import TenorError


async def runs(here: Visit) -> None:
    """Draw the list."""
    words = here.words
    held, unusable = await asyncio.to_thread(here.server.desks.shelf.listed)
    if not held:
        parts.empty(words("runs_none"), (words("home_begin"), "/study"))
    else:
        rows = [
            [
                parts.link(row["run"], f"/runs/{quote(row['run'])}"),
                escape(str(row["finished"]).replace("T", " ").replace("Z", " UTC")),
                escape(f"{row['source']}, {words('simulated')}" if row["simulated"] else row["source"]),
                escape(f"{row['seconds']:.0f}"),
            ]
            for row in sorted((card.row for card in held), key=lambda row: str(row["finished"]), reverse=True)
        ]
        heads = [words(key) for key in ("run", "finished", "source", "seconds")]
        parts.table(words("runs_title"), heads, rows, numbers=3)
    if unusable:
        parts.heading(words("unusable"))
        for line in unusable:
            parts.say(line, fine=True)


async def one_run(here: Visit, name: str) -> None:
    """Draw one run."""
    from tenor.io.runs import read_run

    words, place = here.words, here.server.place
    try:
        folder = place.root / place.folder_of(name)
        kept = await asyncio.to_thread(read_run, folder)
    except TenorError as failure:
        parts.empty(str(failure), (words("back"), "/runs"))
        return
    if kept.result["data"]["simulated"]:
        parts.simulated(here)
    parts.heading(words("lineage"))
    rows = [
        [escape(words("identity")), f"<code>{escape(str(kept.result['identity']))}</code>"],
        [escape(words("data")), f"<code>{escape(str(kept.result['data']['fingerprint']))}</code>"],
        [escape(words("code")), f"<code>{escape(str(kept.facts['code']))}</code>"],
        [escape(words("finished")), escape(str(kept.facts["finished"]))],
        [escape(words("source")), escape(str(kept.result["data"]["source"]))],
    ]
    parts.table(words("lineage"), ["", ""], rows, numbers=9)
    parts.heading(words("files"))
    links = []
    for file in ("report.html", "result.json", "study.toml", "run.json", *kept.frames, "models.safetensors"):
        label = escape(words("download", file=file))
        links.append(
            f'<a download aria-label="{label}" href="/api/v1/runs/{quote(name)}/files/{quote(file)}">{escape(file)}</a>'
        )
    ui.html(f"<p>{' &middot; '.join(links)}</p>", sanitize=False)
    parts.heading(words("report"))
    ui.html(
        f'<iframe class="report" title="{escape(words("report"))} {escape(name)}"'
        f' sandbox="allow-scripts allow-downloads" src="/api/v1/runs/{quote(name)}/files/report.html"></iframe>',
        sanitize=False,
    )
