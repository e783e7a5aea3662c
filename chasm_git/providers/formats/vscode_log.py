"""VS Code's mutation log: a session as the lines that changed it, replayed as VS Code replays them.

One JSON object a line::

    {"kind":0,"v":STATE}                      the whole state (first line; a later one replaces it)
    {"kind":1,"k":PATH,"v":VALUE}             set; without ``v`` (JSON has no undefined) the key goes
    {"kind":2,"k":PATH,"v":[…],"i":INDEX}     cut the list to INDEX items where given, then append
    {"kind":3,"k":PATH}                       delete

VS Code gives up a session at the first line it cannot apply. Here the lines above it stand, and of what follows all
that is whole is kept: a later state, and requests that were appended. The log is also the only place where requests
survive that are in the session no more (edited, retried, undone, or wiped by a failed load): they come as `Removed`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.formats.vscode_change import LONGEST_PATH, NOTHING, change, index_of, walk
from chasm_git.providers.formats.vscode_said import covers, goes_on, key_of, message_text, response_of
from chasm_git.session import jsonio

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Removed:
    """A request as it was when it left the session."""

    request: Any
    above: Any = None
    """The request it followed; None = it was the first."""
    superseded: bool = False
    """It came back, but without all that it says here."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that could not be applied."""

    line: int
    """1-based number of their first line."""
    reason: str
    data: bytes


@dataclass(slots=True)
class Replay:
    """What a log gives."""

    state: Any = None
    """The session as VS Code would show it; up to the first fault, or from the last whole state behind it."""
    removed: list[Removed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def replay(data: bytes) -> Replay:
    """Apply the lines of a log in their order. Never raises."""
    result = Replay()
    state = _State()
    broken: tuple[int, int, str] | None = None
    last: Any = None
    for number, start, end in _lines(data):
        line = data[start : end + 1]  # with its line feed: a log of one line is not copied
        if line.isspace():
            continue
        entry: Any = None
        try:
            entry = _parsed(line, number, result.faults)
            if broken is None or _is_state(entry):
                if broken is not None:
                    result.faults.append(Fault(broken[0], broken[2], data[broken[1] : start]))
                    broken, last = None, None
                state.apply(entry)
                continue
        except ValueError as error:
            torn = end == len(data) and entry is None
            broken = broken or (number, start, f"cut off in the middle ({error})" if torn else str(error))
            last = state.last() if last is None else last
        for request in _appended(entry):
            state.salvage(request, last)
            last = request
    if broken is not None:
        result.faults.append(Fault(broken[0], broken[2], data[broken[1] :]))
    result.state = None if state.value is NOTHING else state.value
    result.removed = [*state.left.values()]
    return result


def _lines(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each line."""
    number, start = 0, len(BOM) if data.startswith(BOM) else 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        yield number, start, end
        start = end + 1


def _parsed(line: bytes, number: int, faults: list[Fault]) -> Any:
    """The entry of a line. Bytes that are no UTF-8 are read as VS Code reads them; the line itself goes to `faults`."""
    try:
        return jsonio.loads(line)
    except UnicodeDecodeError as error:
        entry = jsonio.loads(line.decode("utf-8", "replace").encode())
        faults.append(Fault(number, f"not UTF-8 at byte {error.start}, read with replacement characters", line))
        return entry


def _is_state(entry: Any) -> bool:
    return type(entry) is dict and _kind(entry) == 0 and type(entry.get("v")) is dict


def _kind(entry: dict[str, Any]) -> Any:
    kind = entry.get("kind")
    return None if type(kind) is bool else kind


def _only_adds(request: dict[str, Any], kind: int, path: list[Any], entry: dict[str, Any]) -> bool:
    """Whether a change puts parts behind all those of an answer, as nearly all changes of one do."""
    parts = request.get("response")
    if kind != 2 or path[2:] != ["response"] or type(parts) is not list:
        return False
    index = entry.get("i")
    return index is None or (type(index) is int and index == len(parts))


def _appended(entry: Any) -> list[Any]:
    """The requests a line holds whole, wherever in the session they belong."""
    if type(entry) is not dict or _kind(entry) not in (1, 2):
        return []
    path, value = entry.get("k"), entry.get("v")
    if path == ["requests"] and type(value) is list:
        return [request for request in value if type(request) is dict]
    if type(path) is list and len(path) == 2 and path[0] == "requests" and type(value) is dict:
        return [value]
    return []


class _State:
    """The state while lines are applied, and the requests that left it.

    What is kept is decided when it happens, never later: a log that grows takes nothing back.
    """

    def __init__(self) -> None:
        self.value: Any = NOTHING
        self.left: dict[int, Removed] = {}
        self._count = 0
        self._gone: dict[Hashable, int] = {}
        """Numbers, in `left`, of the requests that are in the session no more, by key."""
        self._known: dict[Hashable, list[Any]] = {}
        """All forms of all requests, while lines are salvaged."""

    def requests(self) -> list[Any]:
        listed = self.value.get("requests") if type(self.value) is dict else None
        return listed if type(listed) is list else []

    def last(self) -> Any:
        listed = self.requests()
        return listed[-1] if listed else None

    def apply(self, entry: Any) -> None:
        """Apply one line. Raises ValueError, before anything is changed."""
        kind = _kind(entry) if type(entry) is dict else None
        self._known.clear()
        if kind == 0:
            before = self.requests()
            self.value = entry.get("v", NOTHING)
            self._note(before, self.requests())
            return
        if kind not in (1, 2, 3):
            raise ValueError("no entry of a known kind")
        path = entry.get("k") or []
        if self.value is NOTHING:
            raise ValueError("no state above it")
        if type(path) is not list or len(path) > LONGEST_PATH:
            raise ValueError("not a path")
        if not path:
            return
        if path[0] == "requests":
            self._apply_watched(kind, path, entry)
        else:
            change(self.value, kind, path, entry)

    def _apply_watched(self, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
        """A change among the requests: see who leaves, and which answer loses parts."""
        if len(path) < 3:
            appended = kind == 2 and len(path) == 1 and entry.get("i") is None
            before = [] if appended else self.requests().copy()
            change(self.value, kind, path, entry)
            self._note(before, (entry.get("v") or []) if appended else self.requests())
        elif path[2] in ("message", "response"):
            self._apply_said(kind, path, entry)
        else:
            change(self.value, kind, path, entry)

    def _apply_said(self, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
        """A change of what a request says: if it does not go on, what it said before is kept."""
        request = walk(self.value, path[:2])
        if type(request) is not dict or _only_adds(request, kind, path, entry):
            change(self.value, kind, path, entry)
            return
        earlier = {key: value.copy() if type(value) in (dict, list) else value for key, value in request.items()}
        text, before = message_text(earlier), response_of(earlier)
        change(self.value, kind, path, entry)
        index = entry.get("i") if kind == 2 and len(path) == 3 else 0
        start = index if type(index) is int else len(before)
        if message_text(request) != text or not goes_on(response_of(request)[start:], before[start:]):
            above = self.requests()[: index_of(path[1])] if self.requests() else []
            self._leave(earlier, above[-1] if above else None, superseded=True)

    def salvage(self, request: Any, above: Any) -> None:
        """Keep a request that stands in a line that cannot be applied, if it says anything new."""
        if not self._known:
            for known in (*self.requests(), *(left.request for left in self.left.values())):
                self._known.setdefault(key_of(known), []).append(known)
        forms = self._known.setdefault(key_of(request), [])
        if not any(covers(form, request) for form in forms):
            self._leave(request, above, superseded=bool(forms))
            forms.append(request)

    def _note(self, before: list[Any], after: list[Any]) -> None:
        """Take note of the requests that are in one list only."""
        still, already = set(map(id, after)), set(map(id, before))
        for number, request in enumerate(before):
            if id(request) not in still and request is not None:
                self._leave(request, before[number - 1] if number else None)
        for request in after:
            if self._gone and id(request) not in already:
                self._arrive(request)

    def _leave(self, request: Any, above: Any, *, superseded: bool = False) -> None:
        self.left[self._count] = Removed(request, above, superseded)
        if not superseded:
            self._gone[key_of(request)] = self._count
        self._count += 1

    def _arrive(self, request: Any) -> None:
        """A request that had left may be back: what it said then is kept where it does not say it now."""
        number = self._gone.pop(key_of(request), None)
        if number is None:
            return
        gone = self.left[number]
        if covers(request, gone.request):
            del self.left[number]
        else:
            self.left[number] = Removed(gone.request, gone.above, True)
