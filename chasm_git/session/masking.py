"""Credentials out of session files: each one becomes ``[secret:<rule>:<fingerprint>]`` (`secrets`), and all else stays.

A file is searched as bytes, which nearly always is all there is to do. Only messages that hold something are decoded,
and masked value by value: what native pointers stand for follows by itself, slices of a text are moved with it, texts
and previews of attachments are made anew. So the record of a masked message is the record with its values masked.

What comes out depends on one message alone and on the settings, so every machine and every harvest gives the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chasm_git.session import attachments, blocks, codec, encode, jsonio
from chasm_git.session.join import Body, from_value
from chasm_git.session.model import Json, Message, Session
from chasm_git.session.native import look_up, plain
from chasm_git.session.secrets import Finding, Scanner

_NAMES = re.compile(rb'"\$attachment":\s?"?([0-9a-f]{64}(?:\.[a-z0-9]{1,8})?)')
_HEADER_FIELDS = ("title", "workspace", "git", "tags", "native", "extra")
_MESSAGE_FIELDS = ("turn", "model", "status", "file", "content", "usage", "native", "extra")
_MOST_ROUNDS = 4


class Span(NamedTuple):
    """A credential in a text, by characters, and what takes its place."""

    start: int
    end: int
    mask: str


@dataclass(slots=True)
class Screened:
    """A session file after a `Masker` went through it."""

    data: bytes
    masked: int = 0
    """Credentials that were masked, each place counted."""
    open: list[Finding] = field(default_factory=list)
    """Those that stay and nobody has decided about; places in `data`."""
    attached: dict[str, list[Finding]] = field(default_factory=dict)
    """The same for the attachments the file names, by name."""


class _File(NamedTuple):
    """An attachment after masking."""

    name: str
    data: bytes
    masked: int
    open: list[Finding]


def names_in(data: bytes) -> set[str]:
    """The attachments a session file names, as far as its bytes tell: also what only looks like one."""
    return {name.decode() for name in _NAMES.findall(data)}


def _nothing(name: str) -> bytes:
    raise KeyError(name)


class Masker:
    """Masks credentials in session files and their attachments.

    Args:
        scanner: finds them; its key makes the masks.
        every: mask all that are not allowed; else only those in `masked`.
        masked: what was decided to mask: fingerprints, and names of rules.
        allowed: fingerprints that were decided to stay, as far as they are not masked.

    Attributes:
        made: attachments with new content, by their new names.
        taken: what was masked, by fingerprint.
    """

    def __init__(
        self,
        scanner: Scanner,
        *,
        every: bool = False,
        masked: Collection[str] = (),
        allowed: Collection[str] = (),
    ) -> None:
        self.scanner = scanner
        self.every = every
        self.masked = frozenset(masked)
        self.allowed = frozenset(allowed)
        self.made: dict[str, bytes] = {}
        self.taken: dict[str, Finding] = {}
        self._files: dict[str, _File] = {}

    def wants(self, finding: Finding) -> bool:
        """Whether a credential is to be masked."""
        if finding.fingerprint in self.masked or finding.rule in self.masked:
            return True  # also where it was allowed later, so that the history may leave
        return self.every and finding.fingerprint not in self.allowed

    def apply(self, data: bytes, load: attachments.Load = _nothing) -> bytes:
        """The session file with its credentials masked; itself where there are none. Raises as `screen`."""
        return self.screen(data, load).data

    def screen(self, data: bytes, load: attachments.Load = _nothing, names: Iterable[str] | None = None) -> Screened:
        """Mask a session file, and tell what is left.

        Args:
            data: the file.
            load: gives attachments; one that is missing is left alone.
            names: attachments to look into; by default all that the file names.

        Raises codec.CodecError for a file to be masked that cannot be read, secret_patterns.TooSlow.
        """
        if names is None:
            names = names_in(data)
        files = {name: file for name in names if (file := self.attachment(name, load)) is not None}
        made = Screened(data)
        for file in files.values():
            made.masked += file.masked
            if file.open:
                made.attached[file.name] = file.open
        found = self.scanner.scan_session(data)
        renamed = {name.encode() for name, file in files.items() if file.name != name}
        for _ in range(_MOST_ROUNDS):
            if not any(map(self.wants, found)) and not renamed:
                break
            made.masked += self._take(found)
            made.data = self._masked(made.data, renamed, load)
            found = self.scanner.scan_session(made.data)
            renamed = set()
        made.open = self._undecided(found)
        return made

    def attachment(self, name: str, load: attachments.Load = _nothing) -> _File | None:
        """An attachment, masked; None where it is missing. What changed is in `made`, too."""
        known = self._files.get(name)
        if known is None:
            try:
                data = load(name)
            except KeyError:
                return None
            masked, count = self.content(data)
            new = name
            if masked is not data:
                dot = name.find(".")
                new = hashlib.sha256(masked).hexdigest() + (name[dot:] if dot >= 0 else "")
                self.made[new] = masked
            known = _File(new, masked if new != name else b"", count, self._undecided(self.scanner.scan(masked)))
            self._files[name] = known
            self._files[new] = known._replace(masked=0)
        return known

    def content(self, data: bytes) -> tuple[bytes, int]:
        """Any bytes, masked, and how many credentials that were. What is no text keeps its length."""
        count = 0
        keeps_length = not _is_text(data)
        for _ in range(_MOST_ROUNDS):
            wanted = [one for one in self.scanner.scan(data) if self.wants(one)]
            if not wanted:
                break
            count += self._take(wanted)
            pieces: list[bytes] = []
            at = 0
            for one in wanted:
                mask = one.mask.encode()
                if keeps_length:  # offsets within the file hold
                    mask = mask.ljust(one.end - one.start, b"*")[: one.end - one.start]
                pieces += (data[at : one.start], mask)
                at = one.end
            data = b"".join([*pieces, data[at:]])
        return data, count

    def value(self, value: Json) -> Json:
        """A JSON value (a provider's record, say) with the credentials in its texts masked."""
        return _Values(self, None, _nothing, self._bound(jsonio.dumps(value), set()) or {}).of(value)

    def spans(self, text: str, bound: dict[bytes, str]) -> list[Span]:
        """The credentials of a text that are to be masked.

        Args:
            bound: credentials known by what stands beside them in the record, with their masks.
        """
        data = text.encode("utf-8", "surrogatepass")
        taken = [(one.start, one.end, one.mask) for one in self.scanner.scan(data) if self.wants(one)]
        for secret, mask in bound.items():
            at = data.find(secret)
            while at >= 0:
                end = at + len(secret)
                if all(end <= start or stop <= at for start, stop, _ in taken):
                    taken.append((at, end, mask))
                at = data.find(secret, end)
        if len(data) == len(text):
            return [Span(*one) for one in sorted(taken)]

        def characters(end: int) -> int:
            return len(data[:end].decode("utf-8", "surrogatepass"))

        return [Span(characters(start), characters(end), mask) for start, end, mask in sorted(taken)]

    def _take(self, found: Iterable[Finding]) -> int:
        """Remember what is masked; returns how many those are."""
        wanted = [one for one in found if self.wants(one)]
        self.taken |= {one.fingerprint: one for one in wanted}
        return len(wanted)

    def _undecided(self, found: Iterable[Finding]) -> list[Finding]:
        return [one for one in found if one.fingerprint not in self.allowed and not self.wants(one)]

    def _masked(self, data: bytes, renamed: set[bytes], load: attachments.Load) -> bytes:
        try:
            return self._rebuilt(data, renamed, load)
        except ValueError:  # not in canonical form: by hand, mostly
            return self._rebuilt(codec.dumps(codec.loads(data)), renamed, load)

    def _rebuilt(self, data: bytes, renamed: set[bytes], load: attachments.Load) -> bytes:
        head, listed = blocks.split(data)
        made = []
        above: bytes | None = None
        for block in blocks.parse(listed):
            bound = self._bound(block.body, renamed)
            if bound is not None:
                block = block._replace(body=self._message(block, bound, load))
            made.append(block.placed(above))
            above = block.id
        bound = self._bound(head, renamed)
        return blocks.join(head if bound is None else self._header(head, bound, load), made)

    def _bound(self, data: bytes, renamed: set[bytes]) -> dict[bytes, str] | None:
        """The bound credentials of a header or a message, with their masks; None where there is nothing to mask."""
        wanted = [one for one in self.scanner.scan(data) if self.wants(one)]
        if not wanted and not any(name in data for name in renamed):
            return None
        bound: dict[bytes, str] = {}
        for one in wanted:
            if one.is_bound:
                bare = data[one.start : one.end].replace(b"\\", b"")
                bound |= {bare: one.mask, bare.replace(b"/", b"\\/"): one.mask}
        return bound

    def _message(self, block: blocks.Block, bound: dict[bytes, str], load: attachments.Load) -> bytes:
        message = codec.loads_message(block.placed(block.after), block.after_text())
        return encode.body(_message(message, self, load, bound))

    def _header(self, head: bytes, bound: dict[bytes, str], load: attachments.Load) -> bytes:
        session: Session = codec.loads_header(head)
        values = _Values(self, None, load, bound)
        for name in _HEADER_FIELDS:
            setattr(session, name, values.of(getattr(session, name)))
        return encode.header(session)


def _message(message: Message, masker: Masker, load: attachments.Load, bound: dict[bytes, str]) -> Message:
    """A message with its values masked, its id and its place as they are."""
    values = _Values(masker, message, load, bound)
    made = Message(message.id, message.role)
    for name in Message.__slots__:
        value = getattr(message, name)
        setattr(made, name, values.of(value) if name in _MESSAGE_FIELDS else value)
    for name in ("variants", "replaced"):
        setattr(made, name, [_body(message.id, value, values) for value in getattr(message, name)])
    return made


def _body(identity: str, value: Json, values: _Values) -> Json:
    """A body that stands in a message's history: its pointers are to itself."""
    try:
        inner = from_value(identity, value).message
    except ValueError:
        return values.of(value)
    return Body(_message(inner, values.masker, values.load, values.bound)).value()


class _Values:
    """Masks the values of one message."""

    def __init__(
        self, masker: Masker, message: Message | None, load: attachments.Load, bound: dict[bytes, str]
    ) -> None:
        self.masker = masker
        self.load = load
        self.bound = bound
        self._message = message

    def of(self, value: Json) -> Json:
        """The value with every text in it masked."""
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is list:
            return [self.of(item) for item in value]
        if kind is not dict:
            return value
        first = next(iter(value), None)
        inner = value.get(first) if type(first) is str else None
        if first == "$escaped" and type(inner) is dict:
            return {first: self._map(inner)}
        if first == "$attachment" and type(inner) is str:
            return self._reference(value)
        if first == "$slice" and type(inner) is str:
            return self._slice(inner, value)
        if first == "$line64" and type(inner) is str:
            return {**value, first: self._line64(inner)}
        return self._map(value)

    def _text(self, text: str) -> str:
        for _ in range(_MOST_ROUNDS):
            spans = self.masker.spans(text, self.bound)
            if not spans:
                break
            pieces: list[str] = []
            at = 0
            for start, end, mask in spans:
                pieces += (text[at:start], mask)
                at = end
            text = "".join([*pieces, text[at:]])
        return text

    def _map(self, value: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in value.items():
            name = self._text(key)
            while name != key and (name in made or name in value):
                name += "~"  # nothing is lost where a mask stands there already
            made[name] = self.of(item)
        return made

    def _reference(self, value: dict[str, Any]) -> dict[str, Any]:
        name = value["$attachment"]
        file = self.masker.attachment(name, self.load)
        if file is None or file.name == name:
            return self._map(value)
        data = self.masker.made[file.name]
        if value.get("encoding") == "base64":
            return {**self._map(value), "$attachment": file.name, "bytes": len(data)}
        return {**self._map(value), **attachments.store_text(data.decode(), {})}

    def _slice(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        at = value.get("at")
        if self._message is None or type(at) is not list or not all(type(place) is int for place in at):
            return self._map(value)
        try:
            text = plain(look_up(self._message, path), self.load)
        except KeyError:
            return self._map(value)
        if type(text) is not str:
            return self._map(value)
        spans = self.masker.spans(text, self.bound)
        return {**self._map(value), "at": [_moved(place, spans) for place in at]}

    def _line64(self, text: str) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError:
            return text
        masked, _ = self.masker.content(data)
        return text if masked is data else base64.b64encode(masked).decode()


def _moved(place: int, spans: list[Span]) -> int:
    """Where a place of a text is once it is masked; the inside of a credential is behind its mask."""
    moved = place
    for start, end, mask in spans:
        if start < place:
            moved += len(mask) - (min(end, place) - start)
    return moved


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data
