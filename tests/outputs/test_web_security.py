"""Who gets a page of `chasm web`, and what a page may do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from chasm_git.outputs.web.security import Guard, is_loopback
from tests.outputs.web_server import Served, served
from tests.outputs.web_world import LOGIN, commit, login

httpx = pytest.importorskip("httpx", reason="httpx is not installed: pip install 'chasm-git[dev]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chasm-git[web]'")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    archive = tmp_path_factory.mktemp("web") / "archive"
    commit(archive, [login()], "harvest: 1 new")
    with served(archive) as made:
        yield made


def ask(server: Served, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
    """One request of somebody who has no cookie."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, server.base + path, headers=named, trust_env=False)


@pytest.fixture(scope="module")
def cookie(server: Served) -> str:
    return ask(server, f"/?token={server.token}").headers["set-cookie"].partition(";")[0]


def test_it_listens_on_the_loopback_only(server: Served) -> None:
    assert urlsplit(server.base).hostname == "127.0.0.1" and urlsplit(server.base).port
    assert len(server.token) >= 32


@pytest.mark.parametrize("path", ["/", "/session?id=" + LOGIN, "/search?q=a", "/static/web.js", "/stats", "/nothing"])
def test_nobody_gets_anything_without_the_token(server: Served, path: str) -> None:
    joined = "&" if "?" in path else "?"
    for given in (path, f"{path}{joined}token=", f"{path}{joined}token={'a' * 43}", f"{path}{joined}token=%ff%00"):
        answer = ask(server, given, Cookie=f"chasm-{urlsplit(server.base).port}=wrong; chasm-theme=dark")
        assert answer.status_code == 403 and "Open the whole address" in answer.text and "login" not in answer.text


def test_the_token_gives_a_cookie_that_no_other_site_and_no_script_has(server: Served, cookie: str) -> None:
    answer = ask(server, f"/?token={server.token}")
    given = answer.headers["set-cookie"]
    assert answer.status_code == 303 and answer.headers["location"] == "/" and server.token not in given
    assert {part.strip() for part in given.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert ask(server, Cookie=cookie).status_code == 200
    elsewhere = ask(server, f"/?token={server.token}", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert elsewhere.status_code == 200 and "url=/" in elsewhere.text and server.token not in elsewhere.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{}",
        "127.0.0.1.evil.example:{}",
        "127.0.0.1:1",
        "localhost",
        "10.0.0.1:{}",
        "a@127.0.0.1:{}",
        "[:",
        "",
    ],
)
def test_a_rebound_name_gets_nothing(server: Served, cookie: str, host: str) -> None:
    answer = ask(server, Cookie=cookie, Host=host.format(urlsplit(server.base).port))
    assert answer.status_code in (400, 421) and "login" not in answer.text


def test_names_of_this_machine_are_answered(server: Served, cookie: str) -> None:
    port = urlsplit(server.base).port
    for host in (f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", f"127.0.0.2:{port}"):
        assert ask(server, Cookie=cookie, Host=host).status_code == 200


def test_another_page_gets_nothing_even_with_the_cookie(server: Served, cookie: str) -> None:
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://" + "x" * 3000):
        for method in ("GET", "POST", "OPTIONS"):
            answer = ask(server, method=method, Cookie=cookie, Origin=origin)
            assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
    assert ask(server, Cookie=cookie, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status_code == 403
    assert ask(server, Cookie=cookie, Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors").status_code == 403
    assert ask(server, Cookie=cookie, Origin=server.base, Sec_Fetch_Site="same-origin").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_writes(server: Served, cookie: str, method: str) -> None:
    answer = ask(server, method=method, Cookie=cookie, Origin=server.base)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/nothing", "/session?id=nobody", f"/session?id={LOGIN}", "/static/web.css"])
def test_every_answer_forbids_what_is_not_ours(server: Served, cookie: str, path: str) -> None:
    headers = ask(server, path, Cookie=cookie).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;")
    assert "unsafe" not in policy and "http" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert "server" not in headers and headers["cross-origin-resource-policy"] == "same-origin"


def test_no_websocket(server: Served, cookie: str) -> None:
    parts = urlsplit(server.base)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 10) as connection:
        lines = ["GET / HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
            f"Cookie: {cookie}",
            "",
            "",
        ]
        connection.sendall("\r\n".join(lines).encode())
        assert not connection.recv(100).startswith(b"HTTP/1.1 101")


def test_what_is_served_to_other_machines_answers_to_their_names_for_it() -> None:
    async def never(scope: object, receive: object, send: object) -> None:
        raise AssertionError

    open_to_all = Guard(never, "token", port=80, names=["Box.local"], loopback=False)
    for host in ("box.local", "192.168.1.5", "[fe80::1]", "localhost:80"):
        assert open_to_all.refusal("GET", {"host": host}) is None
    assert open_to_all.refusal("GET", {"host": "evil.example"}) is not None
    assert open_to_all.refusal("GET", {"host": "192.168.1.5:81"}) is not None
    alone = Guard(never, "token", port=80)
    assert alone.refusal("GET", {"host": "192.168.1.5"}) is not None


def test_which_addresses_are_the_loopback() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("192.168.1.5")


def test_the_static_files_ask_for_nothing_elsewhere() -> None:
    import chasm_git.outputs.web as web

    folder = Path(web.__file__).parent / "static"
    for file in folder.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text and "@import" not in text and "eval(" not in text
        assert file.stat().st_size < 40_000
