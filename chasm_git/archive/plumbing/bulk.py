"""Reading thousands of objects: git unpacks deltas several times faster than a library in Python can.

``git cat-file --batch`` runs beside us for as long as there is something to read. Without git, in a partial clone
(where it would fetch what is missing), and when it fails, objects are read as ever.
"""

from __future__ import annotations

import subprocess
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chasm_git.archive.plumbing.git import Git, GitMissing

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

WORTH_IT = 64
"""Objects from which starting git pays."""

_PLAIN = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1"}


class BulkReader:
    """Reads objects of one archive, one at a time. Leaving it as a context manager ends git.

    Args:
        expected: how many will be read, about.
    """

    def __init__(self, archive: Archive, *, expected: int = WORTH_IT) -> None:
        self._archive = archive
        self._process: subprocess.Popen[bytes] | None = None
        if expected < WORTH_IT or archive.is_partial:
            return
        try:
            self._process = Git(archive).start(("cat-file", "--batch"), (), _PLAIN, piped=True)
        except (GitMissing, OSError):
            return
        threading.Thread(target=_drain, args=(self._process,), daemon=True).start()

    def read(self, blob_id: str) -> bytes:
        """The content of a blob. Raises KeyError where it is missing, DamagedObject where it cannot be read."""
        if self._process is not None:
            try:
                data = self._asked(self._process, blob_id)
            except (OSError, ValueError):
                self.close()
            else:
                if data is not None:
                    return data
        return self._archive.read(blob_id)

    @staticmethod
    def _asked(process: subprocess.Popen[bytes], blob_id: str) -> bytes | None:
        """What git has of a blob; None where it has none. Raises OSError, ValueError where it died."""
        if not blob_id.isalnum():
            return None
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(blob_id.encode("ascii") + b"\n")
        process.stdin.flush()
        words = process.stdout.readline().split()
        if len(words) != 3:
            if len(words) == 2 and words[1] == b"missing":
                return None
            raise ValueError("git ended")
        size = int(words[2])
        data = process.stdout.read(size + 1)
        if len(data) != size + 1:
            raise ValueError("git ended")
        return data[:-1] if words[1] == b"blob" else None

    def close(self) -> None:
        """End git."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was still to be written goes nowhere: git has ended
                    continue
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _drain(process: subprocess.Popen[bytes]) -> None:
    """Read what git complains of: a full pipe would stop it. What it could not give is read, and told, by us."""
    assert process.stderr is not None
    with process.stderr as errors:
        while errors.read(1 << 16):
            continue
