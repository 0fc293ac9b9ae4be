"""Links to runs on both databases: they open one run, until they expire or are ended, and no copy opens anything."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tenor.errors import MissingError, StudyError
from tenor.io.store import accounts, shares
from tenor.io.store.database import Store


def test_a_link_opens_its_run_until_it_expires(store: Store, clock: Any) -> None:
    made, secret = shares.share(store, "x-1", "ada")
    assert (made.run, made.account, made.expires - made.created) == ("x-1", "ada", timedelta(days=30))
    assert shares.of_secret(store, secret) == made
    assert shares.of_secret(store, secret + "x") is None
    assert shares.of_secret(store, "") is None
    clock.passes(days=30, seconds=-1)
    assert shares.of_secret(store, secret) == made
    clock.passes(seconds=1)
    assert shares.of_secret(store, secret) is None
    assert shares.list_shares(store, "x-1") == []
    assert shares.read_share(store, made.id) == made


def test_a_link_that_is_ended_opens_nothing(store: Store, clock: Any) -> None:
    made, secret = shares.share(store, "x-1", "ada")
    ended = shares.revoke(store, made.id)
    assert ended.revoked == clock.at
    assert shares.of_secret(store, secret) is None
    clock.passes(hours=1)
    assert shares.revoke(store, made.id) == ended
    for name in ("none", "0" * 16, "a\0b"):
        with pytest.raises(MissingError, match="no link"):
            shares.revoke(store, name)


def test_links_are_listed_by_who_made_them(store: Store, clock: Any) -> None:
    first, _ = shares.share(store, "x-1", "ada", lasts=timedelta(days=365))
    clock.passes(hours=1)
    second, _ = shares.share(store, "x-1", "bob", lasts=timedelta(days=1))
    shares.share(store, "x-2", "ada")
    assert shares.list_shares(store, "x-1") == [second, first]
    assert shares.list_shares(store, "x-1", account="ada") == [first]


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_link_of_no_such_length_is_refused(store: Store, days: int) -> None:
    with pytest.raises(StudyError, match="take 1 to 365"):
        shares.share(store, "x-1", "ada", lasts=timedelta(days=days))


def test_the_database_does_not_hold_the_secret(store: Store) -> None:
    _, secret = shares.share(store, "x-1", "ada")
    assert len(secret) >= 43
    with store.reading() as connection:
        kept = "".join(str(row) for row in connection.execute(text("select * from shares")))
    assert secret not in kept
    assert accounts.digest_of(secret) in kept


def test_closing_an_account_ends_its_links(store: Store) -> None:
    for name in ("root", "ada"):
        accounts.add_account(store, name, "a long enough password", "admin")
    _, mine = shares.share(store, "x-1", "ada")
    _, other = shares.share(store, "x-1", "root")
    accounts.change_account(store, "ada", role="viewer")
    assert shares.of_secret(store, mine) is not None
    accounts.change_account(store, "ada", active=False)
    assert shares.of_secret(store, mine) is None
    assert shares.of_secret(store, other) is not None
