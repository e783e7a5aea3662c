"""Who may read: the person this machine's `chasm web` was started by, with the token it printed, and no other page.

A page anywhere in the web can have a browser send requests to this machine. They get nothing: the name a browser was
told to go to must be one of this machine's (a rebound name of somebody's is not), the cookie is sent for pages of ours
alone, and nothing here writes. What is served forbids the browser every script, style and address but our own.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chasm_git.outputs.web.frame import notice_page

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer that does not say otherwise."""
_READS = ("GET", "HEAD")


@dataclass(slots=True)
class Refusal:
    """Why a request gets nothing."""

    status: int
    title: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


class Guard:
    """Stands before the pages, as an ASGI application around another one.

    Args:
        token: what the person was given, in the address.
        port: of the server, which every request has to name; None = any (there is a forwarding in front).
        names: further names of this machine by which it may be called; `loopback` names always are.
        loopback: whether only this machine is served: then other addresses are refused, too.
    """

    def __init__(
        self, app: App, token: str, *, port: int | None = None, names: Iterable[str] = (), loopback: bool = True
    ) -> None:
        self._app, self._token, self._port = app, token, port
        self._names = {"localhost", *(name.lower() for name in names)}
        self._loopback = loopback
        self._cookie = f"chasm-{port or 0}"
        self._key = secrets.token_urlsafe(32)
        """What the cookie holds: not the token, so that the address can be given up without it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._http(scope, receive, _Sealing(send, scope["path"]))

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self.refusal(scope["method"], headers)
        if refusal is None:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[-1]
            if given and _same(given, self._token):
                await self._let_in(scope, headers, send)
                return
            if self._is_known(headers.get("cookie", "")):
                await self._app(scope, receive, send)
                return
            refusal = Refusal(
                403, "Not without the token", "Open the whole address that `chasm web` printed when it was started."
            )
        body = notice_page(refusal.title, refusal.text)
        await _answer(send, refusal.status, body, refusal.headers)

    def refusal(self, method: str, headers: dict[str, str]) -> Refusal | None:
        """Why a request is not to be answered, whoever sends it; None where it may be."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return Refusal(
                421, "Not this server", f"This page answers to this machine's own address only, and not to {host!r}."
            )
        origin = headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        site = headers.get("sec-fetch-site", "none")
        if foreign or (site in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate"):
            return Refusal(403, "Not from there", "Another web page asked for this. It gets nothing.")
        if method not in _READS:
            return Refusal(405, "Nothing to write here", "These pages only read.", {"Allow": ", ".join(_READS)})
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.path or (self._port is not None and (port or 80) != self._port):
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._loopback

    def _is_known(self, cookies: str) -> bool:
        pairs = (cookie.strip().partition("=") for cookie in cookies.split(";"))
        return any(name == self._cookie and _same(value, self._key) for name, _, value in pairs)

    async def _let_in(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        """Give the cookie, and go on to the same address without the token."""
        cookie = f"{self._cookie}={self._key}; Path=/; HttpOnly; SameSite=Strict"
        path = scope["path"] if scope["path"] in ("/", "/session", "/stats", "/workspaces", "/tags") else "/"
        given = {"Set-Cookie": cookie}
        if headers.get("sec-fetch-site", "none") == "none":
            await _answer(send, 303, b"", {**given, "Location": path})
        else:  # a link on somebody's page led here: a browser would not send the cookie along to where that leads
            await _answer(send, 200, notice_page("Welcome", "Go on to the sessions.", onward=path), given)


class _Sealing:
    """Adds `HEADERS` to an answer."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        kept = "no-cache" if path.startswith("/static/") else "no-store"
        self._defaults = {**HEADERS, "Cache-Control": kept}

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            there = {name.lower() for name, _ in given}
            for name, value in self._defaults.items():
                if name.lower().encode() not in there:
                    given.append((name.lower().encode(), value.encode("latin-1")))
            message = {**message, "headers": given}
        await self._send(message)


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    listed = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), **headers}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in listed.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode("utf-8", "replace"), other.encode())


def is_loopback(host: str) -> bool:
    """Whether an address to listen at is reached from this machine alone. Raises OSError where there is none such."""
    found = {info[4][0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)
