"""A server that others could reach without signing in does not start."""

from pathlib import Path
from typing import Any

import pytest

from tenor.app.server.settings import ServerSettings, is_loopback
from tenor.errors import StudyError


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("10.0.0.5", False),
    ],
)
def test_loopback(host: str, local: bool) -> None:
    assert is_loopback(host) == local


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "0.0.0.0"}, "nobody signs in: start with --accounts"),
        ({"host": "example.org"}, "nobody signs in"),
        ({"accounts": True}, "a secret of at least 32 characters"),
        ({"accounts": True, "secret": "short", "host": "0.0.0.0"}, "a secret of at least 32 characters"),
        ({"root": Path("/nowhere")}, "is no folder"),
        ({"proxies": ("desk.example",)}, "is no address of a proxy"),
        ({"proxies": ("10.0.0.1", "")}, "is no address of a proxy"),
        ({"proxies": ("10.0.0.1/8",)}, "has host bits set"),
        ({"proxies": ("*",)}, "is no address of a proxy"),
        ({"proxies": ("0.0.0.0/0",)}, "would believe whoever asks"),
        ({"proxies": ("::/0",)}, "would believe whoever asks"),
        ({"proxies": ("0.0.0.0",)}, "would believe whoever asks"),
    ],
)
def test_what_would_be_open_is_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        ServerSettings(**{"root": tmp_path, **settings})


def test_a_proxy_is_an_address_or_a_network(tmp_path: Path) -> None:
    given = ("127.0.0.1", "::1", "10.1.0.0/16", "fd00::/8")
    assert ServerSettings(tmp_path, proxies=given).proxies == given


def test_names_and_database(tmp_path: Path) -> None:
    open_to_all = ServerSettings(tmp_path, host="0.0.0.0", accounts=True, secret="x" * 32, hosts=("desk.example",))
    assert open_to_all.names == ("127.0.0.1", "localhost", "[::1]", "desk.example")
    assert ServerSettings(tmp_path).url == f"sqlite:///{tmp_path.resolve()}/.tenor/tenor.db"
