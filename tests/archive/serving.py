"""Servers on the loopback: git's own daemon, git over HTTP, one that hangs, and a line that breaks."""

import base64
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Daemon:
    """``git daemon`` for the repositories in a folder, a process for each connection.

    Attributes:
        url: its address, without a slash at the end.
        port: the same, for a `Line`.
    """

    def __init__(self, folder):
        # the port is ours before the daemon runs: two tests at once never get the same one
        self._command = ["git", "daemon", "--inetd", f"--base-path={folder}", "--export-all"]
        self._command += ["--enable=receive-pack", str(folder)]
        self._server = socket.create_server(("127.0.0.1", 0))
        self._children = []
        self.port = self._server.getsockname()[1]
        self.url = f"git://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self):
        with suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                with connection:
                    child = subprocess.Popen(
                        self._command,
                        stdin=connection,
                        stdout=connection,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                self._children.append(child)

    def kill(self):
        """A power cut: no connection is taken any more, and whoever is at work dies."""
        _stop(self._server, self._thread)
        for child in self._children:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _stop(server, thread):
    """End a thread that waits for connections, then close: else it may wait on whatever gets the same number next."""
    with suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    server.close()


@contextmanager
def git_daemon(folder):
    """A `Daemon` while the block runs."""
    daemon = Daemon(folder)
    try:
        yield daemon
    finally:
        daemon.kill()


def unused_port():
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def git_http(folder, password=None):
    """``git http-backend`` behind a small web server; gives its URL.

    Args:
        password: of the user ``ana``, asked for where it is set.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self):
            self._git()

        def do_POST(self):
            self._git()

        def log_message(self, *_):
            pass

        def _git(self):
            given = "Basic " + base64.b64encode(f"ana:{password}".encode()).decode()
            if password is not None and self.headers.get("Authorization") != given:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="backup"')
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            variables = {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": self.command,
                "REMOTE_USER": "ana",
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }
            done = subprocess.run(
                ["git", "http-backend"], input=self._body(), env=os.environ | variables, capture_output=True
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            fields = [line.decode().partition(": ") for line in head.split(b"\r\n")]
            status = next((value for name, _, value in fields if name == "Status"), "200 OK")
            self.send_response(int(status.split()[0]))
            for name, _, value in fields:
                if name != "Status":
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _body(self):
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def hanging():
    """A server that takes connections and says nothing; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []

        def take():
            try:
                while True:
                    taken.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        _stop(server, thread)
        for connection in taken:
            connection.close()


def processes_of(port):
    """Programs with a server's place in their command line."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"127.0.0.1:{port}" in line]


class Line:
    """A line to a server that breaks after so many bytes, in either direction; or goes dead without a word.

    Attributes:
        port: where it begins.
        left: bytes it still carries; None = any number.
        passed: bytes it has carried.
    """

    def __init__(self, port, dead=False):
        self._to = port
        self._dead = dead
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.left = None
        self.passed = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def close(self):
        self._dead = False
        _stop(self._server, self._thread)

    def _take(self):
        while True:
            try:
                here = self._server.accept()[0]
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                here.close()
                continue
            ends = threading.Barrier(2, lambda pair=(here, there): [end.close() for end in pair])
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(one, other, ends), daemon=True).start()

    def _carry(self, one, other, ends):
        try:
            while data := one.recv(4096):
                with self._lock:
                    if self.left is not None:
                        data = data[: self.left]
                        self.left -= len(data)
                    self.passed += len(data)
                other.sendall(data)
                if self.left == 0:
                    while self._dead:
                        time.sleep(0.05)
                    raise ConnectionAbortedError
            other.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (one, other):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        ends.wait()  # who closes alone gives the numbers away that the other one may still read from
