"""What pages and API do in common: who may not is refused whatever a browser sends, and what is done is logged."""

from pathlib import Path

import pytest

from tenor.app.server.desks import Desks
from tenor.app.server.measures import Measures
from tenor.app.server.serving import Server
from tenor.app.server.settings import ServerSettings
from tenor.app.server.workplace import Workplace
from tenor.errors import AccessError
from tenor.io.store import accounts, jobs
from tenor.io.store.accounts import Person
from tenor.io.store.database import open_store


def test_a_viewer_starts_and_cancels_nothing_and_a_researcher_does(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "quick.toml").write_text("name = 'quick'", encoding="utf-8")
    settings, place = ServerSettings(tmp_path), Workplace(tmp_path)
    store = open_store(settings.url)
    server = Server(settings, place, store, Measures(), Desks(place))
    viewer, researcher = (Person(name, name, accounts.scopes_of(name)) for name in ("viewer", "researcher"))
    with pytest.raises(AccessError, match="needs the scope 'run'"):
        server.start(viewer, "run", {"study": "quick"})
    assert jobs.counts(store) == {}
    job, new = server.start(researcher, "run", {"study": "quick"})
    assert new
    with pytest.raises(AccessError):
        server.cancel(viewer, job.id)
    assert server.cancel(researcher, job.id).state == "cancelled"
    assert [(line.account, line.action) for line in accounts.logged(store)] == [
        ("researcher", "cancel"),
        ("researcher", "start run"),
    ]
    store.engine.dispose()
