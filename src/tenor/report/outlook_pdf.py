"""An outlook on paper: a page that compares the tickers where there are several, then a page for each.

Every line and candle is drawn as vectors on a :class:`tenor.report.sheet.Sheet`. Equal answers give equal bytes.
"""

from collections.abc import Mapping
from typing import Any

from tenor.report import outlook_text as words
from tenor.report.outlook_figures import SHOWN, WALK
from tenor.report.sheet import BOLD, EDGE, INK, LINE, SOFT, WIDE, Sheet, path, ticks, width_of, written
from tenor.report.style import BLUE, GREY, PURPLE, VERMILLION
from tenor.report.text import DASH, SIMULATED, percent, said

_BANDS = ("#f5e4ed", "#ebcadb", "#e0afca", "#d695b8")
"""Ranges ahead, the widest first."""


def outlook_pdf(answer: Mapping[str, Any]) -> bytes:
    """Draw the answer to ``predict`` as a PDF.

    Parameters
    ----------
    answer
        As JSON has it.

    Returns
    -------
    bytes
        A4 pages: one that compares where there are several tickers or one failed, and one per ticker. A ticker with so
        many models or notes that a page does not hold them goes on on the next.

    Raises
    ------
    RunError
        If reportlab is not installed.
    """

    def draw(sheet: Sheet) -> None:
        if len(answer["outlooks"]) > 1 or answer["failed"]:
            _comparison(sheet, answer)
            sheet.turn()
        for place, outlook in enumerate(answer["outlooks"]):
            if place:
                sheet.turn()
            _ticker(sheet, outlook)

    foot = f"Tenor, asked on {str(answer['asked_at']).replace('T', ', ').replace('Z', ' UTC')}"
    return written(words.heading(answer), foot, draw)


def _comparison(sheet: Sheet, answer: Mapping[str, Any]) -> None:
    """The first page of several tickers."""
    outlooks = answer["outlooks"]
    sheet.say(words.heading(answer), 18, latin=BOLD, after=6)
    drawn_ones = [outlook["code"] for outlook in outlooks if outlook["simulated"]]
    if drawn_ones:
        whose = "" if len(drawn_ones) == len(outlooks) else f"{', '.join(drawn_ones)}. "
        sheet.alarm("SIMULATED", f"{whose}{SIMULATED}")
    for outlook in outlooks:
        if outlook["missed"]:
            sheet.alarm(outlook["code"], words.staleness(outlook))
    for failed in answer["failed"]:
        sheet.alarm(f"FAILED {failed['code']}", failed["reason"])
    rows = []
    for outlook in outlooks:
        one, record = words.speaker(outlook), outlook["record"]
        rows.append(
            [
                outlook["code"],
                words.close(outlook),
                outlook["as_of"],
                percent(one["up"]),
                words.over_seeds(one) or DASH,
                words.width(outlook, one, 0),
                words.share(record["accuracy"]),
                DASH if record["majority"] is None else percent(record["majority"]["mean"]),
                words.verdict(outlook),
            ]
        )
    heads = ["ticker", "last close", "on", "P(up)", "over seeds", "range", "was right on", "usual side", "verdict"]
    sheet.table("Side by side, over the first horizon of each", heads, rows)
    for outlook in outlooks:
        flags = ", ".join(words.flags(outlook))
        sheet.y -= 4
        sheet.say(words.title(outlook) + (f" ({flags})" if flags else ""), 9.5, latin=BOLD, after=0)
        sheet.say(f"{words.headline(outlook)} {outlook['record']['sentence']}", 8.5, SOFT)
    for note in answer["notes"]:
        sheet.say(note, 8, SOFT)


def _ticker(sheet: Sheet, outlook: Mapping[str, Any]) -> None:
    """The page of one ticker."""
    one, record = words.speaker(outlook), outlook["record"]
    sheet.say(words.title(outlook), 18, latin=BOLD, after=1)
    sheet.say(f"{outlook['exchange']}. {words.last_close(outlook)}", 9.5, SOFT, after=6)
    if outlook["simulated"]:
        sheet.alarm("SIMULATED", SIMULATED)
    if outlook["missed"]:
        sheet.alarm("STALE", words.staleness(outlook))
    if record["judged"] != "test":
        sheet.alarm("VALIDATION", "the record below is not out of sample.")
    sheet.y -= 26
    end = sheet.put(f"P(up) {percent(one['up'])}", EDGE, sheet.y, 24, latin=BOLD)
    seeds = f"{words.over_seeds(one)} over {one['seeds']} seeds" if one["seeds"] > 1 else "1 seed"
    sheet.put(seeds, end + 8, sheet.y, 9.5, SOFT)
    _dial(sheet, one)
    sheet.y -= 8
    found = words.verdict(outlook)
    sheet.say(found[:1].upper() + found[1:], 11, BLUE if record["found"] else INK, latin=BOLD)
    sheet.say(words.expected_range(outlook))
    sheet.say(f"{words.by(outlook)} {record['sentence']}")
    if sentence := words.held(outlook):
        sheet.say(sentence)
    _fan(sheet, outlook)
    _ahead(sheet, outlook)
    rows = [
        [
            each["model"],
            percent(each["up"]),
            words.over_seeds(each) or DASH,
            str(each["seeds"]),
            *(words.width(outlook, each, place) for place in range(len(outlook["horizons"]))),
        ]
        for each in words.in_order(outlook)
    ]
    naive = words.price(outlook, outlook["naive"])
    rows.append([words.NAIVE, DASH, DASH, DASH, *(naive for _ in outlook["horizons"])])
    ranges = [f"range {words.horizon_name(horizon)}" for horizon in outlook["horizons"]]
    sheet.table("What each model says", ["model", "P(up)", "over seeds", "seeds", *ranges], rows)
    sheet.y -= 4
    about = f"{words.provenance(outlook)} Brier score {words.brier(record)}; a coin has 0.25."
    for sentence in (about, *outlook["notes"]):
        sheet.say(sentence, 7.5, SOFT, after=1)


def _ahead(sheet: Sheet, outlook: Mapping[str, Any]) -> None:
    one, record = words.speaker(outlook), outlook["record"]
    bands = words.pairs(one["levels"])[::-1]
    heads = [
        "ahead",
        "due",
        "median",
        *(f"{words.stated(one, pair)} range" for pair in bands),
        "held before",
        "skill over random walk",
    ]
    rows = [
        [
            words.sessions(horizon),
            words.due(outlook, place),
            words.price(outlook, words.median(one, place)),
            *(words.width(outlook, one, place, pair) for pair in bands),
            words.coverage(record, horizon),
            words.skill_at(record, horizon),
        ]
        for place, horizon in enumerate(outlook["horizons"])
    ]
    sheet.table(f"Prices ahead by {one['model']}, in {outlook['currency']}", heads, rows)


def _dial(sheet: Sheet, one: Mapping[str, Any]) -> None:
    """A bar from 0 to 100 %: the range over the seeds, the mean, and the coin."""
    canvas, left, wide, y = sheet.canvas, WIDE - EDGE - 190, 190.0, sheet.y + 4
    canvas.setFillColor("#f4f6f8")
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.6)
    canvas.rect(left, y, wide, 11, stroke=1, fill=1)
    canvas.setFillColor("#9cc7e3")
    canvas.rect(left + wide * one["low"], y, max(wide * (one["high"] - one["low"]), 1), 11, stroke=0, fill=1)
    canvas.setFillColor(BLUE)
    canvas.rect(left + wide * one["up"] - 1.2, y - 2, 2.4, 15, stroke=0, fill=1)
    canvas.setStrokeColor(SOFT)
    canvas.setDash(2, 2)
    canvas.line(left + wide / 2, y - 3, left + wide / 2, y + 14)
    canvas.setDash()
    for share, text in ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")):
        middle = left + wide * share - width_of(text, 6.5) * share
        sheet.put(text, middle, y - 10, 6.5, SOFT)


def _fan(sheet: Sheet, outlook: Mapping[str, Any], height: float = 190.0) -> None:
    """Candles of the last sessions and the ranges ahead, as on the page."""
    sheet.room(height + 30)
    sheet.y -= 6
    canvas, one = sheet.canvas, words.speaker(outlook)
    recent = {name: values[-SHOWN:] for name, values in outlook["recent"].items()}
    count = len(recent["session"])
    ahead: list[int] = [0, *outlook["horizons"]]
    walk = next((each for each in outlook["models"] if each["model"] == WALK and each is not one), None)
    close = float(outlook["close"])
    fans = [each for each in (one, walk) if each is not None and each["levels"]]
    known = [value for name in ("high", "low", "close") for value in recent[name] if value is not None]
    seen = [*known, close, *(value for each in fans for row in each["prices"] for value in (row[0], row[-1]))]
    bottom, top = float(min(seen)), float(max(seen))
    pad = 0.04 * (top - bottom) or 0.04 * abs(top) or 1.0
    bottom, top = bottom - pad, top + pad
    left, right, low = EDGE + 52, WIDE - EDGE, sheet.y - height + 14

    def across(session: float) -> float:
        return left + (session + count) / (ahead[-1] + count + 1) * (right - left)

    def up(value: float) -> float:
        return low + (value - bottom) / (top - bottom) * (height - 14)

    canvas.setLineWidth(0.4)
    for value in ticks(bottom, top):
        canvas.setStrokeColor(LINE)
        canvas.line(left, up(value), right, up(value))
        sheet.put(words.price(outlook, value), left - 5, up(value) - 2.5, 7, SOFT, right=True)
    sheet.put(outlook["currency"], EDGE, sheet.y - 6, 7, SOFT)
    if one["levels"]:
        rows = [[close] * len(one["levels"]), *one["prices"]]
        for place, (lower, upper) in enumerate(words.pairs(one["levels"])):
            outline = [(at, row[lower]) for at, row in zip(ahead, rows, strict=True)]
            outline += [(at, row[upper]) for at, row in zip(ahead, rows, strict=True)][::-1]
            canvas.setFillColor(_BANDS[min(place, len(_BANDS) - 1)])
            path(canvas, [(across(at), up(value)) for at, value in outline], fill=True)
        inner = [words.median(one, place) for place in range(len(ahead) - 1)]
        middle = [close, *(value for value in inner if value is not None)]
        if len(middle) == len(ahead):
            canvas.setStrokeColor(PURPLE)
            canvas.setLineWidth(1.4)
            points = [(across(at), up(value)) for at, value in zip(ahead, middle, strict=True)]
            path(canvas, points, fill=False)
    if walk is not None and walk["levels"]:
        canvas.setStrokeColor(GREY)
        canvas.setLineWidth(0.8)
        canvas.setDash(1, 2)
        for edge in (0, -1):
            line = zip(ahead, [close, *(row[edge] for row in walk["prices"])], strict=True)
            path(canvas, [(across(at), up(value)) for at, value in line], fill=False)
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(0.9)
    canvas.setDash(4, 3)
    canvas.line(across(0), up(outlook["naive"]), right, up(outlook["naive"]))
    canvas.setDash()
    body = 0.32 * (across(1) - across(0))
    for place in range(count):
        first, highest, lowest, last = (recent[name][place] for name in ("open", "high", "low", "close"))
        if None in (first, highest, lowest, last):
            continue
        rose, x = last >= first, across(place - count + 1)
        canvas.setStrokeColor(BLUE if rose else VERMILLION)
        canvas.setFillColor("#ffffff" if rose else VERMILLION)
        canvas.setLineWidth(0.7)
        canvas.line(x, up(lowest), x, up(highest))
        canvas.rect(
            x - body, up(min(first, last)), 2 * body, max(up(max(first, last)) - up(min(first, last)), 0.4), fill=1
        )
    for session in range(1 - count, 1):
        if session % 20 == 0:
            sheet.put(recent["session"][session - 1], across(session) + 20, low - 10, 7, SOFT, right=True)
    sheet.put(words.due(outlook, len(ahead) - 2), right, low - 10, 7, SOFT, right=True)
    sheet.y = low - 24
    told = f"The last {count} sessions as quoted (blue and hollow: up; red and filled: down). Dashed: {words.NAIVE}."
    if one["levels"]:
        told += f" Shaded: ranges of {said(one['model'])}, the widest {words.stated(one)}."
    if walk is not None and walk["levels"]:
        told += f" Dotted: {words.stated(walk)} of a random walk."
    sheet.say(told, 7.5, SOFT)
