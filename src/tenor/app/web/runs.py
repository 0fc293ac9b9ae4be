"""Runs: what is kept, where it comes from, its report and its files, what was decided on it, links to it."""

import asyncio
from html import escape
from urllib.parse import quote

from nicegui import ui

from tenor.app.server import approving
from tenor.app.web import decisions, parts, share
from tenor.app.web.parts import Visit
from tenor.errors import TenorError


async def runs(here: Visit) -> None:
    """Draw the list."""
    words = here.words
    held, unusable = await asyncio.to_thread(here.server.desks.shelf.listed)
    stands = await asyncio.to_thread(approving.standing, here.server, [run.name for run in held])
    if not held:
        parts.empty(words("runs_none"), (words("home_begin"), "/study"))
    else:
        rows = [
            [
                f'<input type="checkbox" name="runs" value="{escape(row["run"])}"'
                f' aria-label="{escape(words("choose_run", run=row["run"]))}">',
                parts.link(row["run"], f"/runs/{quote(row['run'])}"),
                escape(str(row["finished"]).replace("T", " ").replace("Z", " UTC")),
                parts.cell(row["source"], words("simulated") if row["simulated"] else ""),
                decisions.standing(words, *stands.get(row["run"], (None, False))),
                escape(f"{row['seconds']:.0f}"),
            ]
            for row in sorted((card.row for card in held), key=lambda row: str(row["finished"]), reverse=True)
        ]
        heads = ["", *(words(key) for key in ("run", "finished", "source", "decision", "seconds"))]
        ui.html(
            f'<form method="get" action="/compare">{parts.table_html(words("runs_title"), heads, rows, numbers=5)}'
            f'<div class="row"><button class="plain">{escape(words("compare_chosen"))}</button></div></form>',
            sanitize=False,
        )
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
    below = f"/api/v1/runs/{quote(name)}"
    tables = [f"{frame.removesuffix('.parquet')}.csv" for frame in kept.frames]
    whole = ("report.html", "result.json", "study.toml", "run.json", *kept.frames, "models.safetensors")
    for files in (("report.pdf", "scores.csv", *tables), whole):
        links = [
            _download(here, file, f"{below}/{'' if file == 'report.pdf' else 'files/'}{quote(file)}") for file in files
        ]
        ui.html(f"<p>{' &middot; '.join(links)}</p>", sanitize=False)
    ui.html(f"<p>{parts.link(words('compare_with'), f'/compare?runs={quote(name)}')}</p>", sanitize=False)
    parts.heading(words("report"))
    ui.html(
        f'<iframe class="report" title="{escape(words("report"))} {escape(name)}"'
        f' sandbox="allow-scripts allow-downloads" src="/api/v1/runs/{quote(name)}/files/report.html"></iframe>',
        sanitize=False,
    )
    await decisions.decisions(here, name)
    await share.share(here, name)


def _download(here: Visit, file: str, place: str) -> str:
    label = escape(here.words("download", file=file))
    return f'<a download aria-label="{label}" href="{place}">{escape(file)}</a>'
