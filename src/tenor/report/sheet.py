"""Paper: A4 pages written from the top, with what every PDF of ours is made of: paragraphs, warnings, facts and tables.

Drawn with reportlab (the extra ``pdf``), as vectors. Latin text is in Helvetica, and other scripts in the fonts that
PDF readers bring for them (Chinese, Japanese, Korean), so nothing is embedded and a page is small. Equal drawings give
equal bytes.
"""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tenor.errors import RunError
from tenor.report.tables import Cell, Column, Grid, Remarks
from tenor.report.text import DASH

WIDE, TALL = 595.28, 841.89
"""A4, in points."""
EDGE = 45.0
INNER = WIDE - 2 * EDGE
INK, SOFT, LINE, ALARM, WASH = "#1b1f24", "#5c6570", "#d9dde2", "#8a3b00", "#fff0e0"
PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
_CHINESE, _JAPANESE, _KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
_SMALLEST = 6.0
"""Size to which a table shrinks; one that is still too wide has its widest columns folded."""
_WHOLE = 5
"""Lines of a paragraph that no turn of the page cuts."""
_FINE, _MARK = 0.82, 0.7
"""Sizes of the finer line of a cell and of the letter of its remark, as parts of the other's."""


def check_reportlab() -> None:
    """Raise :class:`RunError` if no PDF can be made here: the package reportlab is an extra."""
    try:
        import reportlab  # noqa: F401
    except ImportError as absent:
        raise RunError(
            "a PDF needs the package reportlab, which is not installed; pip install 'tenor[pdf]', or ask for a page"
            " (--page) or CSV (--csv) instead"
        ) from absent


def written(title: str, foot: str, draw: "Callable[[Sheet], None]") -> bytes:
    """Return a PDF of what ``draw`` puts on a sheet, its pages counted at the foot.

    Parameters
    ----------
    title
        What a reader's window says.
    foot
        What stands at the foot of every page, beside "Page 1 of 3".
    draw
        Called twice, first to count the pages, and must do the same both times.

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
    pages = 0
    while True:
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(WIDE, TALL), invariant=1)
        canvas.setTitle(title)
        canvas.setCreator("Tenor")
        sheet = Sheet(canvas, foot, pages)
        draw(sheet)
        sheet.end()
        if pages:
            canvas.save()
            return out.getvalue()
        pages = sheet.page


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


def width_of(text: str, size: float, latin: str = PLAIN) -> float:
    """Return how wide a line of text is, in points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return sum(float(stringWidth(part, font, size)) for font, part in _runs(text, latin))


def folded(text: str, size: float, room: float, latin: str = PLAIN) -> list[str]:
    """Fold a text into lines; a word longer than a line is cut, as is Chinese, which has no spaces."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size, latin) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and width_of(lines[-1] + letter, size, latin) > room:
                lines.append("")
            lines[-1] += letter
    return lines


def ticks(bottom: float, top: float, most: int = 7) -> list[float]:
    """Return round numbers between two, at most ``most`` of them."""
    rough = (top - bottom) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    return [step * place for place in range(math.ceil(bottom / step), math.floor(top / step) + 1)]


def path(canvas: Any, points: Sequence[tuple[float, float]], *, fill: bool) -> None:
    """Draw a line through points, or fill what lies between them."""
    drawn = canvas.beginPath()
    drawn.moveTo(*points[0])
    for point in points[1:]:
        drawn.lineTo(*point)
    if fill:
        drawn.close()
    canvas.drawPath(drawn, stroke=0 if fill else 1, fill=1 if fill else 0)


@dataclass(slots=True)
class Sheet:
    """A page being written from the top; ``y`` is how far it has come, in points from the bottom.

    ``pages`` is how many there will be, 0 while that is being counted.
    """

    canvas: Any
    foot: str
    pages: int
    y: float = TALL - EDGE
    page: int = 1

    def end(self) -> None:
        """Put the foot under a page and finish it."""
        self.put(folded(self.foot, 7.5, INNER - 90)[0], EDGE, EDGE - 18, 7.5, SOFT)
        self.put(f"Page {self.page} of {self.pages}", WIDE - EDGE, EDGE - 18, 7.5, SOFT, right=True)
        self.canvas.showPage()

    def turn(self) -> None:
        """Go on on the next page."""
        self.end()
        self.page += 1
        self.y = TALL - EDGE

    def room(self, height: float) -> bool:
        """Turn the page where so much does not fit, and say whether it was turned."""
        if self.y - height >= EDGE:
            return False
        self.turn()
        return True

    def put(
        self, text: str, x: float, y: float, size: float, colour: str = INK, *, latin: str = PLAIN, right: bool = False
    ) -> float:
        """Write one line, and return where it ends."""
        at = x - width_of(text, size, latin) if right else x
        self.canvas.setFillColor(colour)
        for font, part in _runs(text, latin):
            self.canvas.setFont(font, size)
            self.canvas.drawString(at, y, part)
            at += width_of(part, size, latin)
        return at

    def say(self, text: str, size: float = 9.5, colour: str = INK, *, latin: str = PLAIN, after: float = 3.0) -> None:
        """Write a paragraph."""
        lines = folded(text, size, INNER, latin)
        if len(lines) <= _WHOLE:
            self.room(1.35 * size * len(lines))
        for line in lines:
            self.room(1.35 * size)
            self.y -= 1.35 * size
            self.put(line, EDGE, self.y + 0.3 * size, size, colour, latin=latin)
        self.y -= after

    def heading(self, text: str, keep: float = 60.0) -> None:
        """Write the heading of a part, which stays with the ``keep`` points that follow it."""
        self.room(24 + keep)
        self.y -= 24
        self.put(text, EDGE, self.y, 12, latin=BOLD)
        self.y -= 5

    def alarm(self, word: str, text: str) -> None:
        """Write a warning in a box."""
        lines = folded(f"{word}: {text}", 9, INNER - 16, BOLD)
        height = 12.5 * len(lines) + 9
        self.room(height + 6)
        self.canvas.setStrokeColor(ALARM)
        self.canvas.setFillColor(WASH)
        self.canvas.setLineWidth(1)
        self.canvas.roundRect(EDGE, self.y - height, INNER, height, 3, stroke=1, fill=1)
        for place, line in enumerate(lines):
            self.put(line, EDGE + 8, self.y - 13.5 - 12.5 * place, 9, ALARM, latin=BOLD)
        self.y -= height + 6

    def facts(self, pairs: Mapping[str, str], size: float = 8.5) -> None:
        """Write what is so: a name to the left, what it is beside it."""
        beside = max(width_of(name, size) for name in pairs) + 14
        for name, text in pairs.items():
            for place, line in enumerate(folded(text, size, INNER - beside)):
                self.room(1.4 * size)
                self.y -= 1.4 * size
                if place == 0:
                    self.put(name, EDGE, self.y + 0.3 * size, size, SOFT)
                self.put(line, EDGE + beside, self.y + 0.3 * size, size)
        self.y -= 3

    def table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, size: float = 8.0) -> None:
        """Write a table whose first column is text and whose others are numbers."""
        columns = tuple(Column(head, numeric=place > 0) for place, head in enumerate(heads))
        self.grid(Grid(title, columns, tuple(map(tuple, rows))), size=size)

    def grid(self, grid: Grid, *, size: float = 8.0) -> None:
        """Write a table, on as many pages as it takes, under its heads on each.

        It shrinks until it fits, and where that is not enough its widest columns are folded. Rows in front are bold;
        remarks have letters and stand below, as do notes.
        """
        remarks = Remarks()
        heads = [_Written(column.name) for column in grid.columns]
        rows = [
            [_Written.of(cell, remarks, BOLD if place in grid.marked else PLAIN) for cell in row]
            for place, row in enumerate(grid.rows)
        ]
        sides = [column.numeric for column in grid.columns]
        gaps = [_gap(sides, place) for place in range(len(sides))]
        while size > _SMALLEST and sum(_widths(heads, rows, size)) + sum(gaps) > INNER:
            size -= 0.25
        natural = _widths(heads, rows, size)
        room = INNER - sum(gaps)
        spare = max(room - sum(natural), 0.0) / len(natural)
        widths = [width + spare for width in _narrowed(natural, room)]
        self.room(18 + 2 * 1.75 * size)
        self.y -= 16
        self.put(grid.caption, EDGE, self.y, 9.5, latin=BOLD)
        self.y -= 5
        self._row(heads, widths, sides, size, SOFT)
        for row in rows:
            if self.room(_height(row, widths, size)):
                self._row(heads, widths, sides, size, SOFT)
            self._row(row, widths, sides, size, INK)
        self.y -= 4
        for remark in remarks.said:
            self.say(f"{remarks.letter(remark)}: {remark}", 7, SOFT, after=0)
        for note in grid.notes:
            self.say(note, 7, SOFT, after=0)

    def _row(
        self, row: "Sequence[_Written]", widths: Sequence[float], sides: Sequence[bool], size: float, colour: str
    ) -> None:
        top, height, left = self.y, _height(row, widths, size), EDGE
        for place, (cell, width, numeric) in enumerate(zip(row, widths, sides, strict=True)):
            gap = _gap(sides, place)
            x = left + gap + (width if numeric else 0.0)
            y = top - 1.2 * size
            marked = width_of(cell.mark, _MARK * size) if numeric else 0.0
            for line in cell.lines(width, size):
                end = self.put(line, x - marked, y, size, colour, latin=cell.latin, right=numeric)
                y -= 1.2 * size
            self.put(cell.mark, end, y + 1.55 * size, _MARK * size, SOFT)
            for line in cell.fine_lines(width, size):
                self.put(line, x, y + 0.15 * size, _FINE * size, SOFT, right=numeric)
                y -= 1.1 * _FINE * size
            left += gap + width
        self.y = top - height
        self.canvas.setStrokeColor(SOFT if colour == SOFT else LINE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(EDGE, self.y, WIDE - EDGE, self.y)


@dataclass(frozen=True, slots=True)
class _Written:
    """A cell as it is written: its text, the letter of its remark, and a finer text under it."""

    text: str
    mark: str = ""
    fine: str = ""
    latin: str = PLAIN

    @classmethod
    def of(cls, cell: Cell | str, remarks: Remarks, latin: str) -> "_Written":
        if isinstance(cell, str):
            return cls(cell, latin=latin)
        return cls(cell.text, remarks.letter(cell.remark) if cell.remark else "", cell.fine, latin)

    def width(self, size: float) -> float:
        marked = width_of(self.mark, _MARK * size)
        return max(width_of(self.text, size, self.latin) + marked, width_of(self.fine, _FINE * size)) + 8

    def lines(self, width: float, size: float) -> list[str]:
        return folded(self.text, size, width - 7.9 - width_of(self.mark, _MARK * size), self.latin)

    def fine_lines(self, width: float, size: float) -> list[str]:
        return folded(self.fine, _FINE * size, width - 7.9) if self.fine else []


def _height(row: Sequence[_Written], widths: Sequence[float], size: float) -> float:
    """How tall a row is."""
    told = (
        1.2 * size * len(cell.lines(width, size)) + 1.1 * _FINE * size * len(cell.fine_lines(width, size))
        for cell, width in zip(row, widths, strict=True)
    )
    return max(told) + 0.55 * size


def _gap(sides: Sequence[bool], place: int) -> float:
    """Room before a text: more where a number ends beside it."""
    return 0.0 if sides[place] or place == 0 else 14.0 if sides[place - 1] else 4.0


def _widths(heads: Sequence[_Written], rows: Sequence[Sequence[_Written]], size: float) -> list[float]:
    return [max(row[at].width(size) for row in (heads, *rows)) for at in range(len(heads))]


def _narrowed(widths: Sequence[float], room: float) -> list[float]:
    """Cut the widest columns until all fit; narrow ones keep their width."""
    most = room
    for place, width in enumerate(sorted(widths)):
        most = room / (len(widths) - place)
        if width > most:
            break
        room -= width
    else:
        return list(widths)
    return [min(width, most) for width in widths]
