"""Opening a database: migrations that agree with the tables, URLs that are none, a database that is gone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from tenor.errors import StoreError
from tenor.io.store import accounts, approvals, database, jobs, shares
from tenor.io.store.database import Store, open_store
from tenor.io.store.tables import Moment, tables


def test_migrations_make_the_tables_that_are_declared(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []


def test_two_servers_that_start_at_once_migrate_once(opened: Callable[[], Store]) -> None:
    with ThreadPoolExecutor(3) as pool:
        stores = list(pool.map(lambda _: opened(), range(3)))
    assert [jobs.counts(store) for store in stores] == [{}, {}, {}]


def test_the_first_tables_become_the_second_with_what_they_hold(opened: Callable[[], Store]) -> None:
    store = opened()
    accounts.add_account(store, "ada", "a long enough password", "admin")
    job, _ = jobs.enqueue(store, "run", {"study": "a"}, owner="ada")
    accounts.log(store, "ada", "start run", job.id)
    at_version(store, "0001")
    assert "run" not in [column["name"] for column in inspect(store.engine).get_columns("jobs")]
    assert not inspect(store.engine).has_table("approvals")
    later = opened()
    assert [row["name"] for row in accounts.list_accounts(later)] == ["ada"]
    assert jobs.read(later, job.id) == job
    assert [line.action for line in accounts.logged(later)] == ["start run"]
    made = approvals.decide(later, "x-1", "a" * 64, account="ada", verdict="approved")
    assert approvals.of_run(later, "x-1") == [made]
    assert shares.list_shares(later, "x-1") == []
    with later.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []


def at_version(store: Store, version: str) -> None:
    """Take the tables back to an earlier version, as a server of then left them."""
    config = Config()
    config.set_main_option("script_location", str(Path(str(database.__file__)).with_name("migrations")))
    config.attributes["engine"] = store.engine
    command.downgrade(config, version)


def test_a_database_of_a_later_version_is_refused(url: str, store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreError, match="made by another version of Tenor"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no url", "is no database URL"),
        ("mysql://x/y", "'mysql' databases are not supported"),
        ("postgresql://tenor:secret@127.0.0.1:1/none", "cannot open the database postgresql"),
    ],
)
def test_what_is_no_database_is_refused(url: str, said: str) -> None:
    with pytest.raises(StoreError, match=said) as refused:
        open_store(url)
    assert "secret" not in str(refused.value)


def test_a_database_that_is_gone_is_said_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'tenor.db'}")
    store.engine.dispose()
    for file in tmp_path.iterdir():
        file.unlink()
    (tmp_path / "tenor.db").mkdir()
    with pytest.raises(StoreError, match="does not answer"):
        jobs.counts(store)
    with pytest.raises(StoreError, match="does not answer"):
        jobs.enqueue(store, "run", {}, owner="local")


def test_a_moment_needs_a_zone_and_comes_back_in_utc(store: Store) -> None:
    dialect = store.engine.dialect
    with pytest.raises(ValueError, match="has no zone"):
        Moment().process_bind_param(datetime(2026, 1, 1), dialect)
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=8)))
    kept = Moment().process_bind_param(noon, dialect)
    assert kept == datetime(2026, 1, 1, 4)
    assert Moment().process_result_value(kept, dialect) == noon
    assert Moment().process_bind_param(None, dialect) is None
