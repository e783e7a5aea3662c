"""What was found in which file, so that nothing is looked at twice: ``$GIT_DIR/chasm/secrets``. Can be deleted.

One line a blob: its id, and the findings as JSON (nothing for none). Lines are only added; what another process adds
at the same time, or a line that a power cut tore, does no harm. Other rules or patterns make another file of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import durable
from chasm_git.session import jsonio
from chasm_git.session.secret_findings import Sighting

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_LINE = re.compile(rb"([0-9a-f]{40,64})\t(.*)")


class Cache:
    """The findings in blobs.

    Args:
        digest: of the settings they depend on (`SecretSettings.digest`).
    """

    def __init__(self, archive: Archive, digest: str) -> None:
        self._path = archive.state_dir / "secrets"
        self._scratch = archive.scratch
        self._head = f"chasm secrets {digest}\n".encode()

    def read(self) -> dict[str, list[Sighting]]:
        """Everything that is known: blob id -> findings."""
        found: dict[str, list[Sighting]] = {}
        for line in self._lines():
            match = _LINE.fullmatch(line)
            if match is None:
                continue
            try:
                found[match[1].decode()] = [Sighting(*one) for one in jsonio.loads(match[2])] if match[2] else []
            except (ValueError, TypeError):
                continue  # torn: that file is looked at again
        return found

    def add(self, found: Mapping[str, list[Sighting]]) -> None:
        """Remember what was found in some blobs, where this user may write."""
        lines = [b"%s\t%s\n" % (blob.encode(), jsonio.dumps(seen) if seen else b"") for blob, seen in found.items()]
        if not lines:
            return
        try:
            if self._lines():
                with self._path.open("ab") as file:
                    file.write(b"\n" + b"".join(lines))  # the last line may be torn
            else:
                durable.write_whole(self._path, self._head + b"".join(lines), self._scratch)
        except OSError:
            return  # an archive that can only be read, say: those files are looked at again

    def _lines(self) -> list[bytes]:
        """The lines of the file; none where it is not there, or other rules wrote it."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return []
        return data.split(b"\n") if data.startswith(self._head) else []
