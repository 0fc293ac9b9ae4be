"""What stands before every request: size, name, origin, rate, headers; as plain ASGI, so that streams stay streams.

Who asks is an address here, for nothing else about a request is known to be true yet: that of the connection, or where
a proxy is named, the one that it speaks of (:class:`uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware` stands
before).
"""

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from html import escape
from typing import Any, TypeAlias

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from tenor.app.server.measures import Measures
from tenor.app.server.settings import ServerSettings

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

API = "/api/"
"""Below this all is JSON."""

SIGN_IN = ("/api/v1/session", "/sign-in")
"""Where one signs in: attempts at both count together."""

SHARED = ("/shared/", "/api/v1/shared/")
"""Places below which a path holds the secret of a link: it is not to leave with a referrer, nor to be kept anywhere."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
"""Sent with everything."""

HEADERS_SECURE = {"strict-transport-security": "max-age=31536000"}
"""Sent over TLS: for a year a browser asks this name in no other way."""

HEADERS_SHARED = {"referrer-policy": "no-referrer", "cache-control": "no-store", "x-robots-tag": "noindex"}
"""Sent with what a link shows."""

POLICY_API = "default-src 'none'; frame-ancestors 'none'"
"""Content security policy of answers that no browser is to render."""

POLICY_REPORT = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:;"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox allow-scripts allow-downloads"
)
"""Of the pages of a run: one file with its scripts inside, shown in a sandbox without an origin."""

POLICY_PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self';"
    " form-action 'self'; frame-src 'self'; frame-ancestors 'none'"
)
"""Of the pages. NiceGUI writes its start-up script into the page and Vue compiles templates in the browser, which need
``unsafe-inline`` and ``unsafe-eval``; nothing is loaded from anywhere else."""

POLICY_SHARED = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
"""Of the page of a link: a style and the report's frame, no scripts."""


class Guard:
    """The outermost layer of the server."""

    def __init__(self, app: App, settings: ServerSettings, measures: Measures) -> None:
        self._app, self._settings, self._measures = app, settings, measures
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._per_minute = parse(f"{settings.per_minute}/minute")
        self._sign_ins = parse(f"{settings.sign_ins_per_minute}/minute")
        self._names = {name.lower() for name in settings.names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it in the one shape of errors."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refusal = self._refused(scope, headers)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
            return
        if refusal is not None:
            await _refuse(send, scope, *refusal)
            self._measures.counted("refused", scope["method"], refusal[0], 0.0)
            return
        await self._passed(scope, receive, send)

    def _refused(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        """Status, type and message of a refusal; ``None`` for a request that may pass."""
        host = _name_of(headers.get("host", ""))
        if host not in self._names:
            return (
                400,
                "AccessError",
                f"the server is not asked under the name {host[:80]!r}; start it with --allow-host",
            )
        client = str((scope.get("client") or ("?", 0))[0])
        if not self._limiter.hit(self._per_minute, "all", client):
            return 429, "AccessError", f"more than {self._settings.per_minute} requests in a minute; wait a little"
        if scope["type"] == "websocket":
            return None if _same_origin(scope, headers) else (403, "AccessError", "asked from another site")
        if scope["method"] not in SAFE:
            if not _same_origin(scope, headers):
                return (
                    403,
                    "AccessError",
                    "asked from another site: only this server's own pages and programs may change",
                )
            tries = scope["method"] == "POST" and scope["path"] in SIGN_IN
            if tries and not self._limiter.hit(self._sign_ins, "in", client):
                return 429, "AccessError", "too many attempts to sign in; wait a minute"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return 400, "AccessError", f"content-length {length[:20]!r} is no number"
        if int(length) > (most := self._settings.most(scope["method"], scope["path"])):
            return 413, "AccessError", f"{int(length):,} bytes; at most {most:,} are taken"
        return None

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = self._settings.most(scope["method"], scope["path"])
        began, taken, status, over = time.perf_counter(), 0, 500, False

        async def measured() -> Message:
            nonlocal taken, over
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                over = True
                raise TooLargeError
            return message

        started = False

        async def sent(message: Message) -> None:
            nonlocal status, started
            if over and not started:
                return  # whatever the application makes of a body that was cut, the refusal is ours
            started = True
            if message["type"] == "http.response.start":
                status = message["status"]
                held = {key.lower() for key, _ in message["headers"]}
                wanted = _headers(scope)
                extra = [(k.encode(), v.encode()) for k, v in wanted.items() if k.encode() not in held]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            with suppress(TooLargeError):
                await self._app(scope, measured, sent)
            if over and not started:
                status = 413
                await _refuse(
                    send,
                    scope,
                    413,
                    "AccessError",
                    f"more than {most:,} bytes came; at most {most:,} are taken",
                )
        finally:
            route = scope.get("route")
            template = getattr(route, "path", "") or "other"
            self._measures.counted(template, scope["method"], status, time.perf_counter() - began)


class TooLargeError(Exception):
    """More came than was announced or is taken."""


def _name_of(host: str) -> str:
    """The name of a Host header, without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _same_origin(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether a request comes from this server's own pages, or from a program: no browser sends such without a word."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    # the scheme of the origin, not of the connection: a proxy that speaks TLS may be none that is named
    scheme, _, given = origin.lower().partition("://")
    if _is_secure(scope) and scheme != "https":
        return False
    return bool(given) and _with_port(given, scheme) == _with_port(headers.get("host", "").strip().lower(), scheme)


def _is_secure(scope: Scope) -> bool:
    return scope.get("scheme") in ("https", "wss")


def _with_port(host: str, scheme: str) -> str:
    """A host with the port that is meant where none is said: browsers leave it out, and not every proxy does."""
    said = host.rpartition("]")[2] if host.startswith("[") else host
    return host if ":" in said else f"{host}:{443 if scheme == 'https' else 80}"


def _headers(scope: Scope) -> dict[str, str]:
    """What goes with an answer."""
    path = scope["path"]
    headers = {**HEADERS, "content-security-policy": _policy(path)}
    if headers["content-security-policy"] == POLICY_REPORT:
        headers["x-frame-options"] = "SAMEORIGIN"
    if _is_secure(scope):
        headers |= HEADERS_SECURE
    return {**headers, **HEADERS_SHARED} if path.startswith(SHARED) else headers


def _policy(path: str) -> str:
    if path.startswith(API):
        return POLICY_REPORT if path.endswith(".html") else POLICY_API
    return POLICY_SHARED if path.startswith(SHARED) else POLICY_PAGE


def _is_page(scope: Scope) -> bool:
    """Whether a person waits for the answer: a browser's navigation asks for HTML, outside the API."""
    accepts = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return not scope["path"].startswith(API) and b"text/html" in accepts.lower()


async def _refuse(send: Send, scope: Scope, status: int, kind: str, message: str) -> None:
    if _is_page(scope):
        told = f"<h1>Tenor</h1><p>{escape(message[:1].upper() + message[1:])}.</p>"
        text = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tenor</title></head><body>{told}'
        body, form = f"{text}</body></html>\n".encode(), b"text/html; charset=utf-8"
    else:
        table = {"error": {"type": kind, "message": message, "problems": []}}
        body, form = json.dumps(table, indent=1).encode() + b"\n", b"application/json"
    headers = [(b"content-type", form), (b"content-length", str(len(body)).encode())]
    headers += [(k.encode(), v.encode()) for k, v in {**_headers(scope), "content-security-policy": POLICY_API}.items()]
    if status == 429:
        headers.append((b"retry-after", b"10"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
