"""Files that somebody asked for, and files of other programs: whole or as they were."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chasm_git.errors import ChasmError
from chasm_git.outputs.files import refuse_existing, rewrite, write_file


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "real.json", tmp_path / "link.json"
    real.write_bytes(b"before")
    real.chmod(0o640)
    link.symlink_to("kept/real.json")
    rewrite(link, b"after", mode=0o600)
    assert link.is_symlink() and real.read_bytes() == b"after" and stat.S_IMODE(real.stat().st_mode) == 0o640
    rewrite(tmp_path / "deep" / "new", b"x", mode=0o600)
    assert stat.S_IMODE((tmp_path / "deep" / "new").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["real.json"]


def test_a_link_that_leads_nowhere_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "away" / "file")
    rewrite(tmp_path / "link", b"x")
    assert (tmp_path / "away" / "file").read_bytes() == b"x"


def test_what_stops_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError

    (tmp_path / "file").write_bytes(b"before")
    with pytest.raises(RuntimeError):
        write_file(tmp_path / "file", pieces())
    assert (tmp_path / "file").read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1
    assert write_file(tmp_path / "file", iter([b"a", b"bc"])) == 3
    assert (tmp_path / "file").read_bytes() == b"abc"


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refuse_existing([pipe])
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    assert write_file(pipe, [b"a" * 200_000, b"b"]) == 200_001
    reader.join(10)
    assert read == [b"a" * 200_000 + b"b"] and stat.S_ISFIFO(pipe.stat().st_mode)
    (tmp_path / "there").touch()
    with pytest.raises(ChasmError, match="exists"):
        refuse_existing([pipe, tmp_path / "there"])
