"""The server of the pages: a socket of this machine, and an end when it is asked for."""

from __future__ import annotations

import ipaddress
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from chasm_git.errors import ChasmError
from chasm_git.outputs.web.app import application
from chasm_git.outputs.web.security import is_loopback


def serve(archive: Path, host: str, port: int, begun: Callable[[str], None]) -> None:
    """Serve until the process is interrupted or asked to end.

    Args:
        port: 0 = one that is free.
        begun: called with the address, token and all, when requests are taken.

    Raises NotAnArchive, and ChasmError where the address cannot be listened at.
    """
    import uvicorn

    listening = _listen(host, port)
    with listening:
        chosen = listening.getsockname()[1]
        token = secrets.token_urlsafe(32)
        name = host if _is_named(host) else socket.gethostname()
        names = [host, socket.gethostname(), name]
        app = application(archive, token, port=chosen, names=names, loopback=is_loopback(host))
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )

        class Server(uvicorn.Server):
            """Tells when it has begun; whoever runs it takes the signals."""

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                with _signals(self.handle_exit):
                    yield

            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if not self.should_exit:
                    begun(f"http://{_in_address(name)}:{chosen}/?token={token}")

        Server(config).run(sockets=[listening])


@contextmanager
def _signals(ends: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """While it lasts, signals end the server; processes it forked (to fill the search cache) die of them at once."""
    server = os.getpid()

    def asked(number: int, frame: FrameType | None) -> None:
        if os.getpid() == server:
            ends(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        raise ChasmError(f"cannot listen at {host} port {port}: {error.strerror or error}") from error
    return made


def _is_named(host: str) -> bool:
    """Whether a browser can be sent to an address to listen at: not for all addresses at once."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return True


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
