"""How the tests read a page: what is its own, and whether every element is closed; read by them through runpy."""

from html.parser import HTMLParser

from plotly.offline import get_plotlyjs


def own(html):
    """The page without the library of figures."""
    return html.replace(get_plotlyjs(), "")


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = ("meta", "br", "img", "link")

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.scripts = [], [], 0

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def balanced(html):
    """The ids of a page, each there once, in which every element is closed and three are scripts."""
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert len(set(parser.ids)) == len(parser.ids)
    assert parser.scripts == 3
    return parser.ids
