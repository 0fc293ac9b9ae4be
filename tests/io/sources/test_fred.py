"""FRED: the curve, overnight rates, publications with and without vintages; and when each is known."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from tenor.errors import DataError, PullError
from tenor.io.sources.fetch import Answer, Asked, Request, Span
from tenor.io.sources.fred import TENORS, Fred, FredFetch
from tenor.io.sources.publications import next_business_day

AT = datetime(2025, 12, 31, tzinfo=UTC)
YEAR = Span(date(2025, 1, 1), date(2025, 12, 31))


def series(name: str, *rows: tuple[str, str]) -> Answer:
    return Answer(("observation_date", name), rows)


def read(item: str, *answers: Answer, key: str | None = None, span: Span = YEAR, at: datetime = AT):
    fred = Fred(key)
    requests = fred.plan(item, span)
    asked = [Asked(request, answer, at, cached=False) for request, answer in zip(requests, answers, strict=True)]
    return fred.parse(item, asked, span, at)


def test_a_point_of_the_curve_is_known_on_the_next_business_day() -> None:
    found = read("DGS10", series("DGS10", ("2025-10-09", "4.14"), ("2025-10-10", "4.05"), ("2025-10-13", ".")))
    known = [datetime(2025, 10, 10, 22, tzinfo=UTC), datetime(2025, 10, 14, 22, tzinfo=UTC)]
    assert found.tables["curve"].rows() == [
        (date(2025, 10, 9), "UST", 10.0, pytest.approx(0.0414), known[0]),
        (date(2025, 10, 10), "UST", 10.0, pytest.approx(0.0405), known[1]),
    ]


def test_the_whole_curve_is_all_its_points() -> None:
    found = read("UST", *(series(name, ("2025-06-02", "4.0")) for name in TENORS))
    assert found.tables["curve"]["tenor"].to_list() == pytest.approx(sorted(TENORS.values()))


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2025, 10, 10), date(2025, 10, 14)),  # Columbus Day
        (date(2025, 11, 10), date(2025, 11, 12)),  # Veterans Day
        (date(2023, 11, 10), date(2023, 11, 13)),  # Veterans Day on a Saturday: no day off
        (date(2018, 11, 9), date(2018, 11, 13)),  # on a Sunday: the Monday
        (date(2025, 7, 3), date(2025, 7, 7)),
        (date(2025, 6, 2), date(2025, 6, 3)),
    ],
)
def test_banks_have_holidays_of_their_own(day: date, following: date) -> None:
    assert next_business_day(day) == following


def test_a_rate_and_values_before_the_calendar() -> None:
    rows = (("1969-12-31", "9.0"), ("1970-01-05", "8.9"))
    found = read("DFF", series("DFF", *rows), span=Span(None, date(2025, 1, 1)))
    assert found.tables["rates"].select("date", "name", "rate").rows() == [
        (date(1970, 1, 5), "DFF", pytest.approx(0.089))
    ]
    assert "DFF: 1 rows before 1970-01-02 left out" in found.notes[0]


def test_a_publication_without_vintages_is_of_today_and_known_by_rule() -> None:
    found = read("CPIAUCSL", series("CPIAUCSL", ("2025-01-01", "319.086"), ("2025-02-01", "319.775")))
    assert found.tables["macro"].rows()[1] == (
        "CPIAUCSL",
        date(2025, 2, 28),
        date(2025, 3, 20),
        319.775,
        datetime(2025, 3, 20, 14, tzinfo=UTC),
    )
    assert "not first prints, taken as known 20 days after the month" in found.notes[0]


def test_with_vintages_the_first_print_is_known_on_its_day() -> None:
    columns = ("realtime_start", "realtime_end", "date", "value")
    rows = (
        ("2025-03-12", "2025-04-09", "2025-02-01", "319.775"),
        ("2025-04-10", "9999-12-31", "2025-02-01", "319.700"),
        ("2025-02-12", "9999-12-31", "2024-01-01", "309.000"),  # no vintage of its own time is kept
        ("2025-02-12", "9999-12-31", "2025-01-01", "."),
    )
    found = read("CPIAUCSL", Answer(columns, rows), key="secret", span=Span(None, date(2025, 12, 31)))
    assert found.tables["macro"].select("period", "released", "value").rows() == [
        (date(2024, 1, 31), date(2024, 2, 20), 309.0),
        (date(2025, 2, 28), date(2025, 3, 12), 319.775),
    ]
    assert "first prints" in found.notes[0]
    assert "1 older months" in found.notes[0]


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(PullError, match="is not pulled from fred; did you mean 'SOFR'"):
        Fred().plan("SOFRR", YEAR)
    with pytest.raises(DataError, match=r"SOFR: no such column; the columns are observation_date, EFFR"):
        read("SOFR", series("EFFR", ("2025-06-02", "4.3")))
    with pytest.raises(DataError, match="'n/a' is no number"):
        read("SOFR", series("SOFR", ("2025-06-02", "n/a")))
    with pytest.raises(DataError, match=r"is beyond 0\.5 a year"):
        read("SOFR", series("SOFR", ("2025-06-02", "430")))
    with pytest.raises(PullError, match="the answer is empty"):
        read("SOFR", series("SOFR"))
    with pytest.raises(PullError, match="no value from 2025-01-01"):
        read("SOFR", series("SOFR", ("2020-06-02", "0.1")))


class Reply:
    def __init__(self, text: str, status: int = 200) -> None:
        self.text, self.status_code = text, status

    def json(self):
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            error = RuntimeError(f"{self.status_code} for ...&api_key=secret")
            error.response = self
            raise error


class Client:
    def __init__(self, answer: Callable[[], Reply]) -> None:
        self.answer, self.asked = answer, []

    def get(self, url: str, params: dict[str, str]) -> Reply:
        self.asked.append(params)
        return self.answer()


def test_the_client_is_asked_and_the_key_is_never_written_or_shown() -> None:
    plain = Client(lambda: Reply("observation_date,SOFR\n2025-06-02,4.35\n2025-06-03,\n"))
    (request,) = Fred().plan("SOFR", YEAR)
    assert FredFetch(plain)(request) == series("SOFR", ("2025-06-02", "4.35"), ("2025-06-03", ""))
    (asked,) = Fred("secret").plan("CPIAUCSL", YEAR)
    assert "secret" not in repr(asked)
    row = {"realtime_start": "2025-03-12", "realtime_end": "9999-12-31", "date": "2025-02-01", "value": "319.775"}
    keyed = Client(lambda: Reply(json.dumps({"observations": [row]})))
    assert FredFetch(keyed, "secret")(asked).rows == (tuple(row.values()),)
    assert keyed.asked[0]["api_key"] == "secret"
    with pytest.raises(PullError) as failed:
        FredFetch(Client(lambda: Reply("", 400)), "secret")(asked)
    assert (failed.value.passing, "secret" in str(failed.value)) == (False, False)
    with pytest.raises(PullError) as busy:
        FredFetch(Client(lambda: Reply("", 429)), "secret")(asked)
    assert busy.value.passing
    with pytest.raises(PullError, match="needs a key in FRED_API_KEY"):
        FredFetch(plain)(Request("fred", "vintages", (("series", "CPIAUCSL"),)))
