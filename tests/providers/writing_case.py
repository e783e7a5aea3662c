"""What the tests of the writers share: sessions of the fixtures as the archive has them, homes with tools in them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.writing import contract
from chasm_git.providers.writing.contract import Target, WritePlan
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.databases import built

FIXTURES = Path(__file__).parents[2] / "fixtures"
GLOBAL = ".config/Code/User/globalStorage"
CLINE = f"{GLOBAL}/saoudrizwan.claude-dev"
EXTENSIONS = {"roo-code": "RooVeterinaryInc.roo-cline", "kilo-code": "kilocode.Kilo-Code"}
"""Keys under which extensions that keep their list of tasks in the editor's database have it."""


@dataclass(frozen=True)
class Kept:
    """A session of a fixture, after it was a file of the archive."""

    session: Session
    attachments: dict[str, bytes]
    home: Path
    place: Path
    """The file it was read from."""

    def __str__(self) -> str:
        return f"{self.session.provider}/{self.session.id}"


def homes(provider: str) -> Iterator[Path]:
    """The provider's fixtures."""
    for folder in (FIXTURES / provider, FIXTURES / "demo"):
        for home in sorted(folder.glob(provider if folder.name == "demo" else "*")):
            if home.is_dir():
                yield built(home)


def kept(provider: str) -> Iterator[Kept]:
    """All sessions of the provider's fixtures."""
    reader = registry.load(provider)
    for home in homes(provider):
        for source in reader.discover(Env(home)):
            assert not isinstance(source, Problem)
            reading = reader.read(source)
            for session in reading.sessions:
                again = codec.loads(codec.dumps(session))
                yield Kept(again, reading.attachments, home, source.path)


def home_for(provider: str, folder: Path) -> Env:
    """A home in which a tool was started once: its store is there, and empty."""
    home = folder / "home"
    (home / "project").mkdir(parents=True)
    if provider == "cline":
        (home / CLINE).mkdir(parents=True)
    if provider == "vscode":
        (home / GLOBAL).mkdir(parents=True)
    if provider in EXTENSIONS:
        (home / GLOBAL / EXTENSIONS[provider].lower()).mkdir(parents=True)
        editor_state(home, EXTENSIONS[provider], {"odd": 1, "taskHistory": []})
    if provider == "kilo-cli":
        database(provider, home)
    if provider == "opencode":
        (home / ".local/share/opencode/storage").mkdir(parents=True)
    return Env(home)


def editor_state(home: Path, key: str, value: Any) -> Path:
    """The database of an editor with what an extension keeps in it; `value` as text or as what it says."""
    path = home / GLOBAL / "state.vscdb"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
        text = value if isinstance(value, str) else json.dumps(value)
        connection.execute("INSERT INTO ItemTable VALUES (?, ?)", (key, text))
    return path


def database(provider: str, home: Path) -> Path:
    """The database of opencode or Kilo, with no session in it."""
    app = "opencode" if provider == "opencode" else "kilo"
    source = next(found for one in homes(provider) for found in one.rglob(f"{app}.db"))
    path = home / ".local" / "share" / app / f"{app}.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            connection.execute(f"DELETE FROM {name}")
        connection.commit()
    return path


def target(one: Kept, **more: Any) -> Target:
    """Where a session goes on: in its own folder."""
    more.setdefault("folder", one.session.workspace or "/home/ana/shop")
    return Target(one.attachments.__getitem__, revision=more.pop("revision", "r1"), **more)


def plan(provider: str, one: Kept, env: Env, **more: Any) -> WritePlan:
    """What contract a session into a tool would do."""
    return contract.load(provider).plan(one.session, env, target(one, **more))


def read(provider: str, env: Env) -> dict[str, Session]:
    """What the provider's reader finds in a home, by id."""
    found = {}
    for source in registry.load(provider).discover(env):
        assert not isinstance(source, Problem)
        for session in registry.load(provider).read(source).sessions:
            found[session.id] = session
    return found


def files(home: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}
