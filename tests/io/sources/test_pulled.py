"""What was pulled, kept: added to and never silently changed, whole or as before, and read as a market."""

import runpy
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from tenor.errors import DataError, MarketError, PullError
from tenor.io.sources import pulled
from tenor.io.sources.fetch import Found, Span
from tenor.io.sources.pulled import Pulled, add, holds, is_store, read_manifest
from tenor.io.sources.yahoo import Yahoo
from tenor.market.market import MEMBERS, RATES, SCHEMAS

SHAPES = runpy.run_path(str(Path(__file__).with_name("recorded.py")))
DAYS = [date(2020, 8, 27), date(2020, 8, 28), date(2020, 8, 31), date(2020, 9, 1)]
AT = datetime(2020, 9, 2, tzinfo=UTC)


def apple(first: date | None = None, last: date = DAYS[-1], **columns) -> Found:
    return SHAPES["parsed"](Yahoo(), "AAPL", {"AAPL": SHAPES["yahoo"](**columns)}, Span(first, last))


def members(day: date, *codes: str) -> Found:
    known = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    rows = [{"date": day, "universe": "csi300", "code": code, "member": True, "known_at": known} for code in codes]
    return Found({"members": pl.DataFrame(rows, schema=MEMBERS)})


def rate(*rows: tuple[date, float]) -> Found:
    table = [{"date": day, "name": "SOFR", "rate": value, "known_at": AT} for day, value in rows]
    return Found({"rates": pl.DataFrame(table, schema=RATES)}, ("SOFR: a note",))


def put(folder: Path, **found: Found):
    return add(folder, found, provider="yahoo", at=AT)


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    market = Pulled(folder).read()
    return {name: getattr(market, name) for name in SCHEMAS}


def test_a_pull_is_read_back_as_a_market(tmp_path: Path) -> None:
    found = apple()
    added = put(tmp_path, AAPL=found, SOFR=rate((DAYS[0], 0.01)))
    market = Pulled(str(tmp_path)).read()
    assert market.quotes.equals(found.tables["quotes"])
    assert market.adjustments.equals(found.tables["adjustments"])
    assert (market.name, market.simulated, market.notes) == ("pulled", False, ("SOFR: a note",))
    assert added.new == {"AAPL": 4 + 2 + 2 + 1, "SOFR": 1}
    assert added.revised == {"AAPL": 0, "SOFR": 0}
    assert is_store(tmp_path)
    assert holds(tmp_path, "AAPL")
    assert not holds(tmp_path, "MSFT")
    pull = read_manifest(tmp_path)["pulls"][0]
    assert (pull["from"], pull["items"], pull["at"]) == ("yahoo", ["AAPL", "SOFR"], "2020-09-02T00:00:00+00:00")


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, AAPL=apple())
    before, files = Pulled(tmp_path).read().fingerprint(), sorted((tmp_path / "tables").iterdir())
    added = put(tmp_path, AAPL=apple(Close=[price * (1 + 3e-8) for price in SHAPES["yahoo"]()["Close"]]))
    assert (added.new["AAPL"], added.revised["AAPL"], added.notes) == (0, 0, ())
    assert Pulled(tmp_path).read().fingerprint() == before
    assert sorted((tmp_path / "tables").iterdir()) == files


def test_a_revision_is_counted_and_said_and_the_later_pull_stands(tmp_path: Path) -> None:
    put(tmp_path, AAPL=apple())
    closes = list(SHAPES["yahoo"]()["Close"])
    added = put(tmp_path, AAPL=apple(Close=[*closes[:3], 133.0]))
    assert added.revised == {"AAPL": 1}
    assert added.notes[0] == "AAPL: 1 rows of quotes were revised since the pull before, first AAPL 2020-09-01"
    market = Pulled(tmp_path).read()
    assert market.quotes["close"].to_list()[-1] == 133.0
    assert added.notes[0] in market.notes


@pytest.mark.parametrize("dividends", [[0.0] * 4, [0.0, 0.0, 0.0, 0.205]])
def test_an_event_that_was_withdrawn_or_moved_leaves_nothing_behind(tmp_path: Path, dividends: list[float]) -> None:
    closes = list(SHAPES["yahoo"]()["Close"])
    adjusted = [closes[at] - sum(dividends[at + 1 :]) for at in range(4)]
    later = apple(Dividends=dividends, **{"Adj Close": adjusted})
    put(tmp_path / "two", AAPL=apple())
    added = put(tmp_path / "two", AAPL=later)
    put(tmp_path / "one", AAPL=later)
    for name in ("adjustments", "actions"):
        assert tables(tmp_path / "two")[name].equals(tables(tmp_path / "one")[name]), name
        said = f"AAPL: 1 rows of {name} are no longer in the answer and were taken out, first 2020-08-28"
        assert said in added.notes
    assert added.revised["AAPL"] >= 2


def test_two_pulls_that_overlap_are_one_pull(tmp_path: Path) -> None:
    """Whichever came first, the factor is 1 at the earliest session and steps as in one pull of all days."""
    put(tmp_path / "whole", AAPL=apple())
    put(tmp_path / "later", AAPL=apple(last=DAYS[1]))
    put(tmp_path / "later", AAPL=apple(first=DAYS[1]))
    put(tmp_path / "earlier", AAPL=apple(first=DAYS[2]))
    assert put(tmp_path / "earlier", AAPL=apple()).revised == {"AAPL": 0}
    whole = tables(tmp_path / "whole")
    for place in ("later", "earlier"):
        other = tables(tmp_path / place)
        for name in ("quotes", "actions", "instruments"):
            assert other[name].equals(whole[name]), (place, name)
        (ours, theirs) = (each["adjustments"].drop("known_at").rows() for each in (other, whole))
        assert ours == [pytest.approx(row) for row in theirs], place


def test_two_pulls_without_a_session_in_common_say_what_is_not_known_between(tmp_path: Path) -> None:
    put(tmp_path, AAPL=apple(last=DAYS[0]))
    assert put(tmp_path, AAPL=apple(first=DAYS[2])).notes == (
        "AAPL: no session is in both this pull and those before (from 2020-08-27 to 2020-08-27, now from 2020-08-31 to"
        " 2020-09-01): splits and dividends between them are in no factor; pull again with an earlier --first",
    )
    assert put(tmp_path, AAPL=apple()).notes == ()
    assert Pulled(tmp_path).read().notes == (), "the notes of an item are those of its latest pull"


def test_members_who_are_gone_get_a_row_and_those_who_stay_get_none(tmp_path: Path) -> None:
    june, july, august = date(2024, 6, 3), date(2024, 7, 1), date(2024, 8, 1)
    put(tmp_path, CSI300=members(june, "SH600000", "SH600519"))
    assert put(tmp_path, CSI300=members(july, "SH600519", "SZ000001")).new == {"CSI300": 2}
    put(tmp_path, CSI300=members(august, "SH600000", "SH600519", "SZ000001"))
    assert Pulled(tmp_path).read().members.select("code", "date", "member").rows() == [
        ("SH600000", june, True),
        ("SH600000", july, False),
        ("SH600000", august, True),
        ("SH600519", june, True),
        ("SZ000001", july, True),
    ]


def test_products_are_codes_universes_or_products_of_futures(tmp_path: Path) -> None:
    quotes = apple().tables["quotes"]
    future = quotes.with_columns(pl.Series("code", ["T2009", "T2009", "T2012", "TF2012"]))
    put(tmp_path, AAPL=apple(), T=Found({"quotes": future}), U=members(DAYS[0], "AAPL"), SOFR=rate((DAYS[0], 0.01)))
    assert Pulled(tmp_path, ("T",)).read().codes() == ("T2009", "T2012")
    apple_only = Pulled(tmp_path, ("AAPL",)).read()
    assert apple_only.codes() == ("AAPL",)
    assert apple_only.rate_names() == ("SOFR",)
    assert apple_only.members.is_empty()
    universe = Pulled(tmp_path, ("csi300",)).read()
    assert (universe.codes(), universe.members.height) == (("AAPL",), 1)
    with pytest.raises(MarketError, match=r"'AAPPL' was not pulled .*; did you mean 'AAPL'"):
        Pulled(tmp_path, ("AAPPL",)).read()


def test_a_folder_without_pulls_says_what_to_do(tmp_path: Path) -> None:
    assert not is_store(tmp_path)
    assert not holds(tmp_path, "AAPL")
    with pytest.raises(DataError, match=r"nothing was pulled into it.*tenor data pull AAPL --from yahoo"):
        Pulled(tmp_path).read()
    assert Pulled("data").located(tmp_path) == Pulled(tmp_path / "data")


@pytest.mark.parametrize("killed_at", [0, 1, 2, 4, 5], ids=lambda at: f"rename {at}")
def test_a_kill_before_any_rename_leaves_the_pull_before(tmp_path: Path, monkeypatch, killed_at: int) -> None:
    put(tmp_path, AAPL=apple(last=DAYS[1]))
    before = Pulled(tmp_path).read().fingerprint()
    rename, done = Path.replace, []

    def killed(self: Path, target: Path) -> Path:
        if len(done) == killed_at:
            raise KeyboardInterrupt
        done.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        put(
            tmp_path,
            AAPL=apple(Close=[126.0, 125.0, 129.0, 134.0]),
            SOFR=rate((DAYS[0], 0.01)),
            U=members(DAYS[0], "A"),
        )
    monkeypatch.undo()
    assert Pulled(tmp_path).read().fingerprint() == before
    put(tmp_path, AAPL=apple())
    assert Pulled(tmp_path).read().quotes.height == 4


def test_tables_that_no_manifest_names_are_cleared_and_those_of_before_stay(tmp_path: Path) -> None:
    for last in (1, 2, 3):
        put(tmp_path, AAPL=apple(last=DAYS[last]))
    left = {path.name for path in (tmp_path / "tables").iterdir()}
    manifest = read_manifest(tmp_path)
    assert left == {*manifest["tables"].values(), *manifest["before"].values()}
    assert len([name for name in left if name.startswith("quotes")]) == 2


def test_another_pull_in_between_is_noticed(tmp_path: Path, monkeypatch) -> None:
    put(tmp_path, AAPL=apple(last=DAYS[1]))
    written = pulled._written

    def slow(folder: Path, name: str, table: pl.DataFrame) -> str:
        monkeypatch.setattr(pulled, "_written", written)
        put(tmp_path, SOFR=rate((DAYS[0], 0.01)))
        return written(folder, name, table)

    monkeypatch.setattr(pulled, "_written", slow)
    with pytest.raises(PullError, match="another pull wrote"):
        put(tmp_path, AAPL=apple())
    assert Pulled(tmp_path).read().rate_names() == ("SOFR",)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format": 2}', b'{"format": 1}', b"[]"], ids=repr)
def test_a_damaged_manifest_is_refused(tmp_path: Path, damage: bytes) -> None:
    put(tmp_path, AAPL=apple())
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(DataError, match="manifest: damaged"):
        Pulled(tmp_path).read()
    with pytest.raises(DataError, match="manifest: damaged"):
        put(tmp_path, AAPL=apple())


@pytest.mark.parametrize("damage", ["gone", "other"])
def test_a_damaged_table_is_refused(tmp_path: Path, damage: str) -> None:
    put(tmp_path, AAPL=apple())
    path = tmp_path / "tables" / read_manifest(tmp_path)["tables"]["quotes"]
    if damage == "gone":
        path.unlink()
    else:
        apple(last=DAYS[1]).tables["quotes"].write_parquet(path)
    with pytest.raises(DataError, match="table: cannot be read"):
        Pulled(tmp_path).read()
