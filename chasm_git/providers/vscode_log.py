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

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers._vscode_said import goes_on, message_text, response_of
from chasm_git.session import jsonio

BOM = b"\xef\xbb\xbf"
_LONGEST_PATH = 32
_WIDEST_GAP = 10_000
"""Items a write beyond a list's end may leave empty (JavaScript would allow any number)."""
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Removed:
    """A request as it was when it left the session."""

    request: Any
    above: Any = None
    """The request it followed; None = it was the first."""


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
    state = _State(result.removed)
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
            result.removed.append(Removed(request, last))
            last = request
    if broken is not None:
        result.faults.append(Fault(broken[0], broken[2], data[broken[1] :]))
    result.state = None if state.value is _NOTHING else state.value
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
    """The state while lines are applied, and the requests that left it."""

    def __init__(self, removed: list[Removed]) -> None:
        self.value: Any = _NOTHING
        self._removed = removed

    def requests(self) -> list[Any]:
        listed = self.value.get("requests") if type(self.value) is dict else None
        return listed if type(listed) is list else []

    def last(self) -> Any:
        listed = self.requests()
        return listed[-1] if listed else None

    def apply(self, entry: Any) -> None:
        """Apply one line. Raises ValueError, before anything is changed."""
        kind = _kind(entry) if type(entry) is dict else None
        if kind == 0:
            before = self.requests()
            self.value = entry.get("v", _NOTHING)
            self._note(before, self.requests())
            return
        if kind not in (1, 2, 3):
            raise ValueError("no entry of a known kind")
        path = entry.get("k") or []
        if self.value is _NOTHING:
            raise ValueError("no state above it")
        if type(path) is not list or len(path) > _LONGEST_PATH:
            raise ValueError("not a path")
        if not path:
            return
        if path[0] == "requests":
            self._apply_watched(kind, path, entry)
        else:
            _change(self.value, kind, path, entry)

    def _apply_watched(self, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
        """A change among the requests: see who leaves, and which answer loses parts."""
        if len(path) < 3:
            before = self.requests().copy() if kind != 2 or entry.get("i") is not None else []
            _change(self.value, kind, path, entry)
            self._note(before, self.requests())
        elif path[2] in ("message", "response"):
            self._apply_said(kind, path, entry)
        else:
            _change(self.value, kind, path, entry)

    def _apply_said(self, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
        """A change of what a request says: if it does not go on, what it said before is kept."""
        request = _walk(self.value, path[:2])
        if type(request) is not dict:
            _change(self.value, kind, path, entry)
            return
        earlier = {key: value.copy() if type(value) in (dict, list) else value for key, value in request.items()}
        text, before = message_text(earlier), response_of(earlier)
        _change(self.value, kind, path, entry)
        index = entry.get("i") if kind == 2 and len(path) == 3 else 0
        start = index if type(index) is int else len(before)
        if message_text(request) != text or not goes_on(response_of(request)[start:], before[start:]):
            above = self.requests()[: _index(path[1])] if self.requests() else []
            self._removed.append(Removed(earlier, above[-1] if above else None))

    def _note(self, before: list[Any], after: list[Any]) -> None:
        """Keep the requests that were in the list `before` and are not in the list `after`."""
        still = {id(request) for request in after}
        for number, request in enumerate(before):
            if id(request) not in still:
                self._removed.append(Removed(request, before[number - 1] if number else None))


def _change(state: Any, kind: int, path: list[Any], entry: dict[str, Any]) -> None:
    """Set, extend or delete what `path` names. Raises ValueError, before anything is changed."""
    holder: Any = _walk(state, path[:-1])
    key: Any
    last = path[-1]
    if type(holder) is dict:
        key = _name(last)
    elif type(holder) is list:
        key = _index(last)
        if key > len(holder) + _WIDEST_GAP:
            raise ValueError(f"{_shown(path)} is far beyond the end of its list")
    else:
        raise ValueError(f"{_shown(path)} is inside of what is no container")
    if kind == 2:
        _put(holder, key, _extended(_get(holder, key), entry, path))
    elif kind == 1 and "v" in entry:
        _put(holder, key, entry["v"])
    elif type(holder) is dict:
        holder.pop(key, None)
    else:
        _put(holder, key, None)


def _extended(items: Any, entry: dict[str, Any], path: list[Any]) -> list[Any]:
    """The list of a push, cut and extended in place."""
    if items is None or items is _NOTHING or items is False or items == 0 or items == "":
        items = []
    index, values = entry.get("i"), entry.get("v")
    if type(items) is not list:
        raise ValueError(f"{_shown(path)} is no list")
    if values is not None and type(values) is not list:
        raise ValueError("what is pushed is no list")
    if index is not None:
        if type(index) is not int or not 0 <= index <= len(items) + _WIDEST_GAP:
            raise ValueError("the index of a push is none")
        del items[index:]
        items.extend([None] * (index - len(items)))
    items.extend(values or ())
    return items


def _walk(state: Any, path: list[Any]) -> Any:
    for key in path:
        state = _get(state, _index(key) if type(state) is list else _name(key))
        if state is _NOTHING:
            raise ValueError(f"{_shown(path)} leads nowhere")
    return state


def _get(holder: Any, key: Any) -> Any:
    if type(holder) is dict:
        return holder.get(key, _NOTHING)
    if type(holder) is list:
        return holder[key] if key < len(holder) else _NOTHING
    return _NOTHING


def _put(holder: Any, key: Any, value: Any) -> None:
    if type(holder) is list and key >= len(holder):
        holder.extend([None] * (key - len(holder) + 1))
    holder[key] = value


def _name(key: Any) -> str:
    """A step into an object: JavaScript takes a number for its name."""
    if type(key) is str:
        return key
    if type(key) is int:
        return str(key)
    raise ValueError("a step of the path is neither name nor number")


def _index(key: Any) -> int:
    """A step into a list: JavaScript takes digits for a number."""
    if type(key) is int and key >= 0:
        return key
    if type(key) is str and key.isdecimal() and key.isascii() and len(key) < 10 and str(int(key)) == key:
        return int(key)
    raise ValueError("a step into a list is no index")


def _shown(path: list[Any]) -> str:
    return "/".join(str(step) for step in path)[:80]
