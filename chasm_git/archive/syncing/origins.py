"""Where the versions of a conflict come from: which of them this archive had, when each came, what there was before.

The files say what waits, the history says how it came about. *Ours* is what this archive's branch held, by its reflog,
before it held several versions: on the machine that merged as well as on one that took the merge over. A clone that got
everything at once held none of them by itself, and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from chasm_git.archive.history import path_history, read_commit
from chasm_git.archive.plumbing import trees
from chasm_git.archive.syncing.bases import merge_bases
from chasm_git.session import blocks, codec, encode, jsonio, resolve
from chasm_git.session.body import Body
from chasm_git.session.join import State
from chasm_git.session.model import Json, Message, Session

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


class Origins:
    """The past of one session's file, read as far as it is asked for.

    Args:
        commit: whose file it is.
        ids: of the messages that will be asked about.
    """

    def __init__(self, archive: Archive, commit: str, path: str, ids: Iterable[str]) -> None:
        self._archive = archive
        self._commit = commit
        self._path = path
        self._blobs: dict[str, str | None] = {}
        self._known: list[str] = []
        self._rest = path_history(archive, commit, path)
        self._times: dict[str, float] = {}
        self._bases: dict[str, list[str]] = {}
        self._ids = {encode.scalar_value(identity) for identity in ids}
        self._split: dict[str | None, dict[bytes, bytes]] = {}
        self._same: dict[bytes, bytes] = {}
        self._parsed: dict[bytes, Message | None] = {}
        self._said: dict[bytes, set[bytes]] = {}
        self._headers: dict[str, Session | None] = {}

    def is_new(self, identity: str) -> bool:
        """Whether both sides added the message, instead of changing one they both had."""
        for commit in self._history():
            if not self._waits(self._message(commit, identity)):
                continue
            if any(self._waits(self._message(parent, identity)) for parent in self._archive.parents(commit)):
                continue
            return not any(self._message(base, identity) is not None for base in self._before(commit))
        return False

    def ours(self, bodies: Sequence[Body], identity: str) -> int | None:
        """Which version of a message this archive had before the others came to it; None: that is not known."""
        for commit in self._held():
            message = self._message(commit, identity)
            if message is None:
                return None
            if not self._waits(message):
                return resolve.said_by(bodies, message)
        return None

    def our_value(self, values: Sequence[Json], name: str) -> int | None:
        """As `ours`, of a header key."""
        for commit in self._held():
            header = self._header(commit)
            held = resolve.values(header, name) if header is not None else []
            if len(held) == 1:
                return next((n for n, one in enumerate(values) if jsonio.dumps(one) == jsonio.dumps(held[0])), None)
        return None

    def came(self, bodies: Sequence[Body], identity: str) -> list[float]:
        """When each version of a message was first committed anywhere, in seconds."""
        wanted = [body.kin for body in bodies]
        return self._first(wanted, lambda commit: self._kins(commit, identity))

    def values_came(self, values: Sequence[Json], name: str) -> list[float]:
        """As `came`, of a header key."""

        def held(commit: str) -> set[bytes]:
            header = self._header(commit)
            return set(map(jsonio.dumps, resolve.values(header, name))) if header is not None else set()

        return self._first([jsonio.dumps(value) for value in values], held)

    def _first(self, wanted: list[bytes], held: Callable[[str], set[bytes]]) -> list[float]:
        times: dict[bytes, float] = {}
        for commit in self._history():
            time = self._time(commit)
            for one in held(commit):
                times[one] = min(time, times.get(one, time))
        return [times.get(one, 0.0) for one in wanted]

    def _time(self, commit: str) -> float:
        if commit not in self._times:
            self._times[commit] = dt.datetime.fromisoformat(read_commit(self._archive, commit).at).timestamp()
        return self._times[commit]

    def _history(self) -> Iterator[str]:
        """The commits that changed the file, the latest first; git is asked once, and only for as many as are used."""
        number = 0
        while True:
            if number == len(self._known):
                following = next(self._rest, None)
                if following is None:
                    return
                self._known.append(following)
            yield self._known[number]
            number += 1

    def _before(self, commit: str) -> list[str]:
        """What a commit comes from; of a merge, what its sides have in common."""
        if commit not in self._bases:
            parents = list(self._archive.parents(commit))
            self._bases[commit] = merge_bases(self._archive, *parents[:2]) if len(parents) > 1 else parents
        return self._bases[commit]

    def _held(self) -> Iterator[str]:
        """The commits this archive's branch was at, the latest first, one for each state of the file."""
        log = self._archive.git_dir / "logs" / self._archive.branch
        try:
            lines = log.read_bytes().split(b"\n")
        except OSError:
            return
        seen: set[str | None] = set()
        for line in reversed(lines):
            words = line.split(b" ", 2)
            if len(words) < 3:
                continue
            commit = words[1].decode("ascii", "replace")
            try:
                blob = self._blob(commit)
            except KeyError:
                continue  # an entry git has thrown the commit of away
            if blob not in seen:
                seen.add(blob)
                yield commit

    def _blob(self, commit: str) -> str | None:
        if commit not in self._blobs:
            entry = trees.lookup(self._archive, read_commit(self._archive, commit).tree, self._path)
            self._blobs[commit] = entry.id if entry is not None and entry.is_file else None
        return self._blobs[commit]

    def _message(self, commit: str, identity: str) -> Message | None:
        block = self._blocks(commit).get(encode.scalar_value(identity))
        if block is None:
            return None
        if block not in self._parsed:
            try:
                self._parsed[block] = codec.loads_message(block)
            except codec.CodecError:
                self._parsed[block] = None
        return self._parsed[block]

    def _kins(self, commit: str, identity: str) -> set[bytes]:
        """The words of every version a message has in a commit."""
        block = self._blocks(commit).get(encode.scalar_value(identity))
        if block is None:
            return set()
        if block not in self._said:
            message = self._message(commit, identity)
            self._said[block] = {body.kin for body in State.of(message).bodies} if message is not None else set()
        return self._said[block]

    def _blocks(self, commit: str) -> dict[bytes, bytes]:
        """The messages that are asked about, as they stand in a commit; each version of the file is split once."""
        try:
            blob = self._blob(commit)
        except KeyError:  # a shallow clone
            return {}
        if blob not in self._split:
            found = _by_id(self._archive.read(blob), self._ids) if blob is not None else {}
            self._split[blob] = {name: self._same.setdefault(block, block) for name, block in found.items()}
        return self._split[blob]

    def _header(self, commit: str) -> Session | None:
        try:
            blob = self._blob(commit)
        except KeyError:
            return None
        if blob is None:
            return None
        if blob not in self._headers:
            self._headers[blob] = _header_of(self._archive.read(blob))
        return self._headers[blob]

    def _waits(self, message: Message | None) -> bool:
        return message is not None and bool(message.variants)


def _by_id(data: bytes, wanted: Collection[bytes]) -> dict[bytes, bytes]:
    """Some of the message blocks of a file by their ids, as written; none where it cannot be read."""
    try:
        listed = blocks.split(data)[1]
    except ValueError:
        session = _read(data)
        listed = blocks.split(codec.dumps(session))[1] if session is not None else []
    named = ((block[4 : block.find(b"\n")], block) for block in listed)
    return {name: block for name, block in named if name in wanted}


def _header_of(data: bytes) -> Session | None:
    try:
        return codec.loads_header(codec.split(data)[0])
    except ValueError:
        return _read(data)


def _read(data: bytes) -> Session | None:
    try:
        return codec.loads(data)
    except codec.CodecError:
        return None
