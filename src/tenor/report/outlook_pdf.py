"""An outlook on paper: a page that compares the tickers where there are several, then a page for each.

Drawn with reportlab (the extra ``pdf``), every line and candle as vectors. Latin text is in Helvetica, and
other scripts in the fonts that PDF readers bring for them (Chinese, Japanese, Korean), so nothing is embedded and a
page is small. Equal answers give equal bytes.
"""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tenor.errors import RunError
from tenor.report import outlook_text as words
from tenor.report.outlook_figures import SHOWN, WALK
from tenor.report.style import BLUE, GREY, PURPLE, VERMILLION
from tenor.report.text import DASH, SIMULATED, percent, said

WIDE, TALL = 595.28, 841.89
"""A4, in points."""
EDGE = 45.0
INNER = WIDE - 2 * EDGE
INK, SOFT, LINE, ALARM, WASH = "#1b1f24", "#5c6570", "#d9dde2", "#8a3b00", "#fff0e0"
_BANDS = ("#f5e4ed", "#ebcadb", "#e0afca", "#d695b8")
"""Ranges ahead, the widest first."""
_PLAIN, _BOLD = "Helvetica", "Helvetica-Bold"
_CHINESE, _JAPANESE, _KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"


def check_reportlab() -> None:
    """Raise :class:`RunError` if no PDF can be made here: the package reportlab is an extra."""
    try:
        import reportlab  # noqa: F401
    except ImportError as absent:
        raise RunError(
            "a PDF needs the package reportlab, which is not installed; pip install 'tenor[pdf]', or ask for a page"
            " (--page) or CSV (--csv) instead"
        ) from absent


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
    check_reportlab()
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    for font in (_CHINESE, _JAPANESE, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDE, TALL), invariant=1)
    canvas.setTitle(words.heading(answer))
    canvas.setCreator("Tenor")
    sheet = _Sheet(canvas, f"Tenor, asked on {str(answer['asked_at']).replace('T', ', ').replace('Z', ' UTC')}")
    if len(answer["outlooks"]) > 1 or answer["failed"]:
        _comparison(sheet, answer)
        sheet.turn()
    for place, outlook in enumerate(answer["outlooks"]):
        if place:
            sheet.turn()
        _ticker(sheet, outlook)
    sheet.end()
    canvas.save()
    return out.getvalue()


def _font(letter: str, latin: str) -> str:
    """The font that has a letter."""
    code = ord(letter)
    if 0x1100 <= code < 0x1200 or 0xAC00 <= code < 0xD7B0:
        return _KOREAN
    if 0x3040 <= code < 0x3100:
        return _JAPANESE
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return _CHINESE
    return latin


def _runs(text: str, latin: str) -> Iterator[tuple[str, str]]:
    """Cut a text where the font changes; Helvetica has no minus sign, and an en dash looks the same."""
    for font, letters in groupby(text.replace("−", DASH), key=lambda letter: _font(letter, latin)):
        yield font, "".join(letters)


def _long(text: str, size: float, latin: str = _PLAIN) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return sum(float(stringWidth(part, font, size)) for font, part in _runs(text, latin))


def _folded(text: str, size: float, room: float, latin: str = _PLAIN) -> list[str]:
    """Fold a text into lines; a word longer than a line is cut, as is Chinese, which has no spaces."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _long(longer, size, latin) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and _long(lines[-1] + letter, size, latin) > room:
                lines.append("")
            lines[-1] += letter
    return lines


@dataclass(slots=True)
class _Sheet:
    """A page being written from the top; ``y`` is how far it has come, in points from the bottom."""

    canvas: Any
    foot: str
    y: float = TALL - EDGE
    page: int = 1

    def end(self) -> None:
        self.put(self.foot, EDGE, EDGE - 18, 7.5, SOFT)
        self.put(f"{self.page}", WIDE - EDGE, EDGE - 18, 7.5, SOFT, right=True)
        self.canvas.showPage()

    def turn(self) -> None:
        self.end()
        self.page += 1
        self.y = TALL - EDGE

    def room(self, height: float) -> None:
        """Turn the page where so much does not fit."""
        if self.y - height < EDGE:
            self.turn()

    def put(
        self, text: str, x: float, y: float, size: float, colour: str = INK, *, latin: str = _PLAIN, right: bool = False
    ) -> float:
        """Write one line, and return where it ends."""
        at = x - _long(text, size, latin) if right else x
        self.canvas.setFillColor(colour)
        for font, part in _runs(text, latin):
            self.canvas.setFont(font, size)
            self.canvas.drawString(at, y, part)
            at += _long(part, size, latin)
        return at

    def say(self, text: str, size: float = 9.5, colour: str = INK, *, latin: str = _PLAIN, after: float = 3.0) -> None:
        """Write a paragraph."""
        for line in _folded(text, size, INNER, latin):
            self.room(1.35 * size)
            self.y -= 1.35 * size
            self.put(line, EDGE, self.y + 0.3 * size, size, colour, latin=latin)
        self.y -= after

    def alarm(self, word: str, text: str) -> None:
        """Write a warning in a box."""
        lines = _folded(f"{word}: {text}", 9, INNER - 16, _BOLD)
        height = 12.5 * len(lines) + 9
        self.room(height + 6)
        self.canvas.setStrokeColor(ALARM)
        self.canvas.setFillColor(WASH)
        self.canvas.setLineWidth(1)
        self.canvas.roundRect(EDGE, self.y - height, INNER, height, 3, stroke=1, fill=1)
        for place, line in enumerate(lines):
            self.put(line, EDGE + 8, self.y - 13.5 - 12.5 * place, 9, ALARM, latin=_BOLD)
        self.y -= height + 6

    def table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, size: float = 8.0) -> None:
        """Write a table whose first column is text; it shrinks until it fits, and goes on on the next page."""
        while size > 4.5 and sum(self._widths(heads, rows, size)) > INNER:
            size -= 0.25
        natural = self._widths(heads, rows, size)
        spare = max(INNER - sum(natural), 0.0) / len(natural)
        widths = [width + spare for width in natural]
        self.room(18 + 2 * 1.75 * size)
        self.y -= 16
        self.put(title, EDGE, self.y, 9.5, latin=_BOLD)
        self.y -= 5
        for place, row in enumerate((heads, *rows)):
            self.room(1.75 * size)
            self.y -= 1.75 * size
            right = EDGE
            for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
                x = right if column == 0 else right + width
                self.put(cell, x, self.y + 0.55 * size, size, INK if place else SOFT, right=column > 0)
                right += width
            self.canvas.setStrokeColor(SOFT if place == 0 else LINE)
            self.canvas.setLineWidth(0.6)
            self.canvas.line(EDGE, self.y, WIDE - EDGE, self.y)
        self.y -= 4

    @staticmethod
    def _widths(heads: Sequence[str], rows: Sequence[Sequence[str]], size: float) -> list[float]:
        return [max(_long(row[at], size) for row in (heads, *rows)) + 8 for at in range(len(heads))]


def _comparison(sheet: _Sheet, answer: Mapping[str, Any]) -> None:
    """The first page of several tickers."""
    outlooks = answer["outlooks"]
    sheet.say(words.heading(answer), 18, latin=_BOLD, after=6)
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
        sheet.say(words.title(outlook) + (f" ({flags})" if flags else ""), 9.5, latin=_BOLD, after=0)
        sheet.say(f"{words.headline(outlook)} {outlook['record']['sentence']}", 8.5, SOFT)
    for note in answer["notes"]:
        sheet.say(note, 8, SOFT)


def _ticker(sheet: _Sheet, outlook: Mapping[str, Any]) -> None:
    """The page of one ticker."""
    one, record = words.speaker(outlook), outlook["record"]
    sheet.say(words.title(outlook), 18, latin=_BOLD, after=1)
    sheet.say(f"{outlook['exchange']}. {words.last_close(outlook)}", 9.5, SOFT, after=6)
    if outlook["simulated"]:
        sheet.alarm("SIMULATED", SIMULATED)
    if outlook["missed"]:
        sheet.alarm("STALE", words.staleness(outlook))
    if record["judged"] != "test":
        sheet.alarm("VALIDATION", "the record below is not out of sample.")
    sheet.y -= 26
    end = sheet.put(f"P(up) {percent(one['up'])}", EDGE, sheet.y, 24, latin=_BOLD)
    seeds = f"{words.over_seeds(one)} over {one['seeds']} seeds" if one["seeds"] > 1 else "1 seed"
    sheet.put(seeds, end + 8, sheet.y, 9.5, SOFT)
    _dial(sheet, one)
    sheet.y -= 8
    found = words.verdict(outlook)
    sheet.say(found[:1].upper() + found[1:], 11, BLUE if record["found"] else INK, latin=_BOLD)
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


def _ahead(sheet: _Sheet, outlook: Mapping[str, Any]) -> None:
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


def _dial(sheet: _Sheet, one: Mapping[str, Any]) -> None:
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
        middle = left + wide * share - _long(text, 6.5) * share
        sheet.put(text, middle, y - 10, 6.5, SOFT)


def _fan(sheet: _Sheet, outlook: Mapping[str, Any], height: float = 190.0) -> None:
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
    for value in _ticks(bottom, top):
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
            _path(canvas, [(across(at), up(value)) for at, value in outline], fill=True)
        inner = [words.median(one, place) for place in range(len(ahead) - 1)]
        middle = [close, *(value for value in inner if value is not None)]
        if len(middle) == len(ahead):
            canvas.setStrokeColor(PURPLE)
            canvas.setLineWidth(1.4)
            points = [(across(at), up(value)) for at, value in zip(ahead, middle, strict=True)]
            _path(canvas, points, fill=False)
    if walk is not None and walk["levels"]:
        canvas.setStrokeColor(GREY)
        canvas.setLineWidth(0.8)
        canvas.setDash(1, 2)
        for edge in (0, -1):
            line = zip(ahead, [close, *(row[edge] for row in walk["prices"])], strict=True)
            _path(canvas, [(across(at), up(value)) for at, value in line], fill=False)
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


def _ticks(bottom: float, top: float) -> list[float]:
    """Round prices between two, at most seven of them."""
    rough = (top - bottom) / 7
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    return [step * place for place in range(math.ceil(bottom / step), math.floor(top / step) + 1)]


def _path(canvas: Any, points: Sequence[tuple[float, float]], *, fill: bool) -> None:
    path = canvas.beginPath()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    if fill:
        path.close()
    canvas.drawPath(path, stroke=0 if fill else 1, fill=1 if fill else 0)
