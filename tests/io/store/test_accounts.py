"""People on both databases: passwords, roles, tokens, sessions, watch lists and the log."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tenor.errors import MissingError, RunError, StudyError
from tenor.io.store import accounts
from tenor.io.store.database import Store

WORD = "a long enough password"


def test_whoever_knows_the_password_signs_in_for_a_while(store: Store, clock: Any) -> None:
    accounts.add_account(store, "ada", WORD, "researcher")
    assert accounts.sign_in(store, "ada", WORD + "!") is None
    assert accounts.sign_in(store, "bob", WORD) is None
    found = accounts.sign_in(store, "ada", WORD)
    assert found is not None
    person, secret = found
    assert (person.name, person.role, person.scopes) == ("ada", "researcher", ("read", "run"))
    assert accounts.of_session(store, secret) == person
    assert accounts.of_session(store, secret + "x") is None
    clock.passes(hours=12, seconds=1)
    assert accounts.of_session(store, secret) is None


def test_the_database_holds_no_secret(store: Store) -> None:
    accounts.add_account(store, "ada", WORD, "admin")
    found = accounts.sign_in(store, "ada", WORD)
    assert found is not None
    _, token = accounts.add_token(store, "ada", "desk", ["read"])
    with store.reading() as connection:
        kept = "".join(
            str(row)
            for name in ("accounts", "sessions", "tokens")
            for row in connection.execute(text(f"select * from {name}"))
        )
    assert "$argon2id$" in kept
    for secret in (WORD, found[1], token):
        assert secret not in kept


def test_signing_out_and_changes_end_sessions(store: Store) -> None:
    accounts.add_account(store, "root", WORD, "admin")
    accounts.add_account(store, "ada", WORD, "viewer")
    _, secret = accounts.sign_in(store, "ada", WORD)  # type: ignore[misc]
    accounts.sign_out(store, secret)
    assert accounts.of_session(store, secret) is None
    _, secret = accounts.sign_in(store, "ada", WORD)  # type: ignore[misc]
    accounts.change_account(store, "ada", role="approver")
    assert accounts.of_session(store, secret) is None
    accounts.change_account(store, "ada", active=False)
    assert accounts.sign_in(store, "ada", WORD) is None
    accounts.change_account(store, "ada", active=True, password=WORD + "2")
    assert accounts.sign_in(store, "ada", WORD + "2") is not None
    assert [row["name"] for row in accounts.list_accounts(store)] == ["ada", "root"]


def test_the_last_admin_stays(store: Store) -> None:
    accounts.add_account(store, "root", WORD, "admin")
    for change in ({"role": "viewer"}, {"active": False}):
        with pytest.raises(RunError, match="no active admin"):
            accounts.change_account(store, "root", **change)  # type: ignore[arg-type]
    assert accounts.list_accounts(store)[0]["role"] == "admin"
    with pytest.raises(MissingError, match="no account 'eve'"):
        accounts.change_account(store, "eve", role="viewer")


@pytest.mark.parametrize(
    ("name", "password", "role", "said"),
    [
        ("a b", WORD, "viewer", "no account name"),
        ("ada", "short", "viewer", "5 characters; take at least 12"),
        ("ada", WORD, "king", "no role; they are viewer"),
    ],
)
def test_what_is_no_account_is_refused(store: Store, name: str, password: str, role: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        accounts.add_account(store, name, password, role)
    assert accounts.list_accounts(store) == []


def test_a_name_is_taken_once(store: Store) -> None:
    accounts.add_account(store, "ada", WORD, "viewer")
    with pytest.raises(StudyError, match="already"):
        accounts.add_account(store, "ada", WORD, "admin")


@pytest.mark.parametrize("role", accounts.ROLES)
@pytest.mark.parametrize("scope", accounts.SCOPES)
def test_roles_hold_each_other(role: Any, scope: str) -> None:
    person = accounts.Person("x", role, accounts.scopes_of(role))
    assert person.may(scope) == (accounts.ROLES.index(role) >= accounts.ROLES.index(accounts.SCOPES[scope]))


def test_a_token_acts_within_its_scopes_and_its_accounts_role(store: Store, clock: Any) -> None:
    accounts.add_account(store, "root", WORD, "admin")
    accounts.add_account(store, "ada", WORD, "researcher")
    with pytest.raises(StudyError, match="researcher, which may not admin"):
        accounts.add_token(store, "ada", "x", ["read", "admin"])
    with pytest.raises(StudyError, match="they are read, run"):
        accounts.add_token(store, "ada", "x", ["everything"])
    token, secret = accounts.add_token(store, "ada", "x", ["read", "run"], lasts=timedelta(days=1))
    person = accounts.of_token(store, secret)
    assert person is not None
    assert person.may("run")
    assert not person.may("approve")
    accounts.change_account(store, "ada", role="viewer")  # a token is never more than its account
    person = accounts.of_token(store, secret)
    assert person is not None
    assert not person.may("run")
    assert [each.id for each in accounts.list_tokens(store, "ada")] == [token.id]
    clock.passes(days=1)
    assert accounts.of_token(store, secret) is None


def test_a_revoked_token_is_none(store: Store) -> None:
    accounts.add_account(store, "ada", WORD, "viewer")
    token, secret = accounts.add_token(store, "ada", "x", ["read"])
    with pytest.raises(MissingError, match="eve has no token"):
        accounts.revoke_token(store, "eve", token.id)
    accounts.revoke_token(store, "ada", token.id)
    assert accounts.of_token(store, secret) is None


def test_the_log_goes_back_in_time(store: Store) -> None:
    for number in range(4):
        accounts.log(store, "ada", f"did {number}", "x" * 500)
    lines = accounts.logged(store, limit=2)
    assert [line.action for line in lines] == ["did 3", "did 2"]
    assert len(lines[0].target) == 200
    assert [line.action for line in accounts.logged(store, before=lines[-1].number)] == ["did 1", "did 0"]


def test_a_watch_list_keeps_its_order(store: Store) -> None:
    accounts.set_watch_list(store, "ada", ["KO", "AAPL", "KO"])
    assert accounts.watch_list(store, "ada") == ["KO", "AAPL"]
    accounts.set_watch_list(store, "ada", [])
    assert accounts.watch_list(store, "ada") == []
    with pytest.raises(StudyError, match="at most 50"):
        accounts.set_watch_list(store, "ada", [str(number) for number in range(51)])
