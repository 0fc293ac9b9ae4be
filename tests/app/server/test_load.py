"""Many at once: nobody gets an error, everybody the same answer, and the server does not grow with what it answered."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

PLACES = ("/", "/market?code=KO", "/forecast?codes=KO", "/study", "/backtest", "/runs", "/compare", "/health")
USERS = 20


def resident(pid: int) -> int:
    """Memory of a process, kB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


@pytest.mark.slow
def test_twenty_readers_at_once(served: Any) -> None:
    def read(number: int) -> list[int]:
        with httpx.Client(base_url=served.url, timeout=120.0) as client:
            places = [PLACES[(number + step) % len(PLACES)] for step in range(len(PLACES))]
            return [client.get(place).status_code for place in places]

    with ThreadPoolExecutor(USERS) as pool:
        found = [status for statuses in pool.map(read, range(USERS)) for status in statuses]
    assert len(found) == USERS * len(PLACES)
    assert set(found) == {200}


@pytest.mark.slow
def test_a_thousand_answers_leave_nothing_behind(served: Any, workplace: Any) -> None:
    _, pairs, stocks = workplace
    places = (f"/api/v1/runs/{stocks}/forecast/KO", f"/api/v1/runs/{pairs}/forecast/T", "/api/v1/runs", "/metrics")

    def ask(count: int) -> set[bytes]:
        answers = [served.client.get(places[number % len(places)]) for number in range(count)]
        assert {answer.status_code for answer in answers} == {200}
        return {answer.content for answer in answers if "/forecast/" in str(answer.url)}

    first = ask(200)
    before = resident(served.process.pid)
    assert ask(1000) == first  # the same bytes, whoever asked before
    assert resident(served.process.pid) < 1.1 * before
