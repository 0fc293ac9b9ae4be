"""Studies of a workplace: listed, read, checked and written, over HTTP and below; nothing a person wrote is lost."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tenor.app.server import drafts
from tenor.app.server.workplace import Workplace
from tenor.errors import RunError, StudyError
from tenor.io.studies import list_published


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    (tmp_path / "studies").mkdir()
    return Workplace(tmp_path)


def draft(place: Workplace, **changed: Any) -> dict[str, Any]:
    return {**drafts.read_draft(place, "cgb-spread"), "name": "mine", **changed}


def test_own_studies_come_before_the_published(place: Workplace) -> None:
    (place.root / "studies" / "cgb-spread.toml").write_text("name = 'mine'", encoding="utf-8")
    drafts.write_draft(place, draft(Workplace(place.root / "studies")))
    found = drafts.studies(place)
    assert [(one.name, one.mine, one.made) for one in found[:2]] == [("cgb-spread", True, False), ("mine", True, True)]
    assert [one.name for one in found[2:]] == [name for name in list_published() if name != "cgb-spread"]


def test_a_written_study_is_the_draft_and_may_be_written_again(place: Workplace) -> None:
    name, digest = drafts.write_draft(place, draft(place, seeds=2))
    assert name == "mine"
    assert drafts.read_with_digest(place, "mine") == (draft(place, seeds=2), digest)
    assert digest == hashlib.sha256((place.root / "studies" / "mine.toml").read_bytes()).hexdigest()
    drafts.write_draft(place, draft(place, seeds=3), replaces=digest)
    assert drafts.read_draft(place, "mine")["seeds"] == 3
    assert list((place.root / "studies").iterdir()) == [place.root / "studies" / "mine.toml"]


def test_what_was_written_here_is_written_over_by_who_has_seen_it(place: Workplace) -> None:
    _, first = drafts.write_draft(place, draft(place, seeds=2))
    _, second = drafts.write_draft(place, draft(place, seeds=3), replaces=first)
    with pytest.raises(RunError, match="there is a study 'mine' already: change that one"):
        drafts.write_draft(place, draft(place, seeds=4))
    with pytest.raises(RunError, match="somebody changed study 'mine' since this draft of it began"):
        drafts.write_draft(place, draft(place, seeds=4), replaces=first)
    with pytest.raises(RunError, match="a job of study 'mine' is open"):
        drafts.write_draft(place, draft(place, seeds=4), replaces=second, in_use=lambda file: True)
    assert drafts.write_draft(place, draft(place, seeds=3), replaces=second, in_use=lambda file: True)[1] == second
    assert drafts.read_draft(place, "mine")["seeds"] == 3


def test_what_a_person_wrote_is_not_written_over(place: Workplace) -> None:
    path = place.root / "studies" / "mine.toml"
    path.write_text("# by hand\n", encoding="utf-8")
    with pytest.raises(RunError, match="there is a study 'mine', which is not written over"):
        drafts.write_draft(place, draft(place))
    with pytest.raises(RunError, match="there is a study 'stocknet'"):  # nor is a published name taken
        drafts.write_draft(place, draft(place, name="stocknet"))
    assert path.read_text(encoding="utf-8") == "# by hand\n"


def test_every_problem_is_told_with_its_key(place: Workplace) -> None:
    wrong = draft(place, seeds=0, surplus=1, market={"source": "folder", "folder": "/etc", "layout": "x.toml"})
    found = drafts.problems_of(place, wrong)
    assert any(problem.startswith("seeds: ") for problem in found)
    assert any(problem.startswith("surplus: unexpected key") for problem in found)
    assert any(problem.startswith("market.folder: '/etc' leads out of the folder that is served") for problem in found)
    with pytest.raises(StudyError, match="seeds"):
        drafts.write_draft(place, wrong)
    assert not list((place.root / "studies").iterdir())


@pytest.mark.parametrize("folder", ["/etc", "../..", "../../elsewhere", "link", ".tenor", "../.tenor", "a\0b"])
def test_data_are_read_from_below_the_folder_alone(place: Workplace, folder: str, tmp_path_factory: Any) -> None:
    (place.root / "studies" / "link").symlink_to(tmp_path_factory.mktemp("outside"))
    market = {"source": "folder", "folder": folder, "layout": "l.toml"}
    if folder == ".tenor":
        market["folder"] = str(place.root / ".tenor")
    found = drafts.problems_of(place, draft(place, market=market))
    assert any(problem.startswith("market.folder: ") for problem in found), found


def test_what_a_study_on_this_machine_reads_may_be_read_by_a_draft_too(place: Workplace) -> None:
    table = drafts.read_draft(place, "csi300")
    assert drafts.problems_of(place, {**table, "name": "other"}) == ()
    inside = {**table["market"], "folder": "../uploads/mine"}
    assert drafts.problems_of(place, {**table, "name": "other", "market": inside}) == ()


def test_keys_of_paths_are_those_of_the_sources() -> None:
    """A source that names a place under another key would not be checked."""
    for subject in ("pairs", "stocks"):
        schema = drafts.schema_of(subject)
        for source in schema["properties"]["market"]["discriminator"]["mapping"].values():
            held = schema["$defs"][source.rpartition("/")[2]]["properties"]
            paths = {key for key, value in held.items() if '"path"' in str(value).replace("'", '"')}
            assert paths <= set(drafts.PATHS)


def test_the_routes(served: Any) -> None:
    listed = served.client.get("/api/v1/studies").json()["studies"]
    assert {"name": "quick", "mine": True, "made": False} in listed
    held = served.client.get("/api/v1/studies/quick").json()
    assert (held["subject"], held["table"]["question"]) == ("stocks", "Is it quick?")
    assert served.client.get("/api/v1/studies/none").status_code == 422
    wrong = served.client.post("/api/v1/studies/check", json={"table": {**held["table"], "seeds": "x"}}).json()
    assert [problem.partition(":")[0] for problem in wrong["problems"]] == ["seeds"]
    refused = served.client.post("/api/v1/studies", json={"table": held["table"]})
    assert refused.status_code == 409
    made = served.client.post("/api/v1/studies", json={"table": {**held["table"], "name": "written-here"}})
    assert (made.status_code, made.json()["study"]) == (201, "written-here")
    found = served.client.get("/api/v1/studies/written-here").json()
    assert (found["table"]["name"], found["digest"]) == ("written-here", made.json()["digest"])
    other = {"table": {**found["table"], "seeds": 2}}
    assert "already" in told(served.client.post("/api/v1/studies", json=other), 409)
    assert "somebody changed" in told(served.client.post("/api/v1/studies", json={**other, "replaces": "0" * 64}), 409)
    assert served.client.post("/api/v1/studies", json={**other, "replaces": "x"}).status_code == 422
    again = served.client.post("/api/v1/studies", json={**other, "replaces": found["digest"]})
    assert again.status_code == 201
    job = served.client.post("/api/v1/run", json={"study": "written-here"})
    assert (job.status_code, job.json()["new"]) == (202, True)
    served.client.delete(f"/api/v1/jobs/{job.json()['id']}")
    assert served.client.get("/api/v1/schemas/stocks").json()["title"] == "StockStudy"
    assert served.client.get("/api/v1/schemas/bonds").status_code == 422


def told(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"]["message"])
