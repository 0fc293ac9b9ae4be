"""An outlook on paper: as many pages as tickers and one to compare, whole names, equal bytes, and a clear error."""

import re
import runpy
import sys
import zlib
from base64 import a85decode
from pathlib import Path

import pytest

from tenor.errors import RunError
from tenor.report.outlook_pdf import outlook_pdf
from tenor.report.sheet import folded, width_of

HAND = runpy.run_path(str(Path(__file__).with_name("outlooks_by_hand.py")))


def pages_of(pdf):
    """The drawing of every page."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    return [zlib.decompress(a85decode(b"<~" + stream.strip(), adobe=True)) for stream in streams]


def text_of(page):
    """What Helvetica writes on a page."""
    parts = re.findall(rb"\(((?:\\.|[^()\\])*)\) Tj", page)
    octal = [re.sub(rb"\\(\d{3})", lambda found: bytes([int(found[1], 8)]), part) for part in parts]
    return b" ".join(re.sub(rb"\\(.)", rb"\1", part) for part in octal).decode("cp1252", errors="replace")


@pytest.fixture(scope="module")
def pdf():
    return outlook_pdf(HAND["ALL"])


def test_equal_answers_give_equal_bytes(pdf):
    assert pdf.startswith(b"%PDF-")
    assert outlook_pdf(HAND["ALL"]) == pdf


def test_one_page_to_compare_and_one_per_ticker(pdf):
    assert len(pages_of(pdf)) == 7
    assert len(pages_of(outlook_pdf(HAND["ONE"]))) == 1
    assert len(pages_of(outlook_pdf(HAND["answer"](HAND["UP"], failed=[HAND["FAILED"]])))) == 2


def test_what_stands_on_the_pages(pdf):
    compare, first, *_ = map(text_of, pages_of(pdf))
    assert "Outlook: 6 tickers" in compare
    assert "FAILED XYZ: no prices of 'XYZ'" in compare
    assert "2 sessions ago: STALE" in compare
    for words in (
        "AAPL Apple",
        "P(up) 53.2 %",
        "Nothing found",
        "265.41 to 277.92",
        "80.2 % [77.2, 83.2] of 90 %",
        "tomorrow = today",
    ):
        assert words in first
    simulated = text_of(pages_of(pdf)[4])
    assert "SIMULATED: Every price" in simulated
    assert "0.01230" in simulated
    assert "742,500" in text_of(pages_of(pdf)[5])


def test_a_chinese_name_is_set_in_a_chinese_font(pdf):
    assert b"/BaseFont /STSong-Light" in pdf
    page = pages_of(pdf)[3]
    assert "贵州茅台".encode("utf-16-be") in re.sub(
        rb"\\(\d{3}|.)", lambda found: bytes([int(found[1], 8)]) if len(found[1]) == 3 else found[1], page
    )


def test_the_chart_is_drawn_as_vectors(pdf):
    assert b"/Subtype /Image" not in pdf
    assert pages_of(pdf)[1].count(b" re ") > 60


def test_lines_are_folded_within_their_room():
    text = "an ordinary sentence 贵州茅台贵州茅台贵州茅台贵州茅台 and a_word_that_is_longer_than_the_room_there_is"
    lines = folded(text, 9, 100)
    assert all(width_of(line, 9) <= 100 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_many_notes_go_on_on_the_next_page():
    notes = [f"note {place}: {'a long sentence ' * 12}" for place in range(60)]
    pages = pages_of(outlook_pdf(HAND["answer"](HAND["UP"] | {"notes": notes})))
    assert len(pages) > 1
    assert "note 59" in text_of(pages[-1])


def test_without_reportlab_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reportlab", None)
    with pytest.raises(RunError, match=r"pip install 'tenor\[pdf\]'"):
        outlook_pdf(HAND["ONE"])
