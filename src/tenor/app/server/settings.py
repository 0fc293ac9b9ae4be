"""How a server is set up, and what it refuses to start as."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from tenor.errors import StudyError

LEAST_SECRET = 32
"""Fewest characters of the secret that signs what browsers hold."""


UPLOADS = "/api/v1/uploads/"
"""Below this are uploads."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Settings of one server.

    Parameters
    ----------
    root
        The folder that is served.
    host, port
        Where it listens.
    database
        URL of the store; ``None`` for SQLite in ``.tenor/tenor.db`` of the folder.
    accounts
        Whether people sign in. Without, whoever reaches the server may do everything, so it listens on loopback alone.
    secret
        Signs what a browser holds; stated with accounts, drawn at each start without.
    hosts
        Names under which the server may be asked, beside those of loopback; a request under another name is refused.
    proxies
        Addresses of proxies, or networks of them, that are believed when they say who asks and whether over TLS
        (``X-Forwarded-For``, ``X-Forwarded-Proto``); nobody else is.
    workers
        Jobs that are computed at a time.
    body_limit
        Most bytes of a request that is no upload.
    upload_limit, upload_quota
        Most bytes of one uploaded file, and of all of them.
    per_minute, sign_ins_per_minute
        Most requests, and most attempts to sign in, from one address.
    """

    root: Path
    host: str = "127.0.0.1"
    port: int = 8765
    database: str | None = None
    accounts: bool = False
    secret: str | None = None
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    workers: int = 1
    body_limit: int = 1_000_000
    upload_limit: int = 200_000_000
    upload_quota: int = 5_000_000_000
    per_minute: int = 6_000
    sign_ins_per_minute: int = 10

    def __post_init__(self) -> None:
        if not self.accounts and not is_loopback(self.host):
            raise StudyError(
                f"{self.host} can be reached by others, and nobody signs in: start with --accounts and a secret"
                " (TENOR_SECRET), or listen on 127.0.0.1"
            )
        if self.accounts and len(self.secret or "") < LEAST_SECRET:
            raise StudyError(
                f"with accounts a secret of at least {LEAST_SECRET} characters is needed in TENOR_SECRET; draw one:"
                ' python -c "import secrets; print(secrets.token_urlsafe(32))"'
            )
        for proxy in self.proxies:
            _check_proxy(proxy)
        if not self.root.is_dir():
            raise StudyError(f"{self.root} is no folder; give the folder that is to be served with --root")

    @property
    def url(self) -> str:
        """URL of the database."""
        return self.database or f"sqlite:///{self.root.resolve() / '.tenor' / 'tenor.db'}"

    def most(self, method: str, path: str) -> int:
        """Return how many bytes a request may have."""
        return self.upload_limit if method == "PUT" and path.startswith(UPLOADS) else self.body_limit

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which the server may be asked."""
        own = () if self.host in ("0.0.0.0", "::") else (self.host,)
        return tuple(dict.fromkeys(("127.0.0.1", "localhost", "[::1]", *own, *self.hosts)))


def _check_proxy(word: str) -> None:
    try:
        network = ipaddress.ip_network(word)
    except ValueError as wrong:
        raise StudyError(
            f"{word[:80]!r} is no address of a proxy ({wrong}); give the one that it connects from, as 10.0.0.5, or a"
            " network, as 10.0.0.0/24"
        ) from None
    if network.prefixlen == 0 or network.network_address.is_unspecified:
        raise StudyError(f"{word!r} would believe whoever asks; give the address that the proxy connects from")


def is_loopback(host: str) -> bool:
    """Say whether nobody but this machine reaches ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
