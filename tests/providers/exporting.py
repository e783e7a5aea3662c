"""What the tests of mailed exports share: files are recognized, read and given back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.base import Export, Reading
from chasm_git.providers.reading.export_file import readings
from chasm_git.session.model import Session

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHARED = Path(__file__).parents[2].parent / "shared" / "fixtures" / "cloud_local"


def fixture(name: str) -> Path:
    return FIXTURES / name / "export"


def fixture_files(name: str) -> list[Path]:
    return sorted(path for path in fixture(name).rglob("*") if path.is_file())


def readings_of(name: str, path: Path) -> list[Reading]:
    return list(readings(registry.load_export(name), path))


def pairs(name: str, path: Path) -> list[tuple[Session, Reading]]:
    return [(session, reading) for reading in readings_of(name, path) for session in reading.sessions]


def sessions(name: str, path: Path) -> dict[str, Session]:
    return {session.id: session for session, _ in pairs(name, path)}


def written(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode())
    return path


def only(name: str, path: Path) -> tuple[Session, Reading]:
    ((session, reading),) = pairs(name, path)
    return session, reading


def given_back(reader: Export, session: Session, reading: Reading) -> Any:
    """The first file of an export, as a JSON value."""
    files = reader.export(session, reading.attachments.__getitem__)
    return json.loads(next(iter(files.values())))
