"""The smallest pieces of a session file: plain scalars, one-line JSON, keys. Both directions rely on these rules.

Everything here is chosen so that a YAML 1.2 reader and ours give the same value; FORMAT.md has the grammar.
"""

from __future__ import annotations

import re
from typing import Any

from chasm_git.session import jsonio

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TOKEN = re.compile(rf"{_UUID.pattern}|[A-Za-z_][A-Za-z0-9_.-]{{5,}}")
"""Plain text that needs no second look: too long to be one of the words YAML takes for something else."""

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that some YAML reader takes for something else than text, whatever their case."""

_NOT_IN_YAML = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]")
"""What JSON may hold raw and YAML may not (or takes for a line break), in UTF-8."""

_CONTROL = bytes(c for c in range(32) if c not in (9, 10)) + b"\x7f"
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MOST_KEYS = 4096
_LONGEST_KEY = 1000
"""YAML readers give up on a key of more than 1,024 characters that is not marked as one."""


def is_plain(text: str) -> bool:
    """Whether a string may stand without quotes as the value of a key."""
    if _TOKEN.fullmatch(text):
        return True
    if not text:
        return False
    first = text[0]
    if not (first.isalpha() or first in "_/("):
        return len(text) == 36 and _UUID.fullmatch(text) is not None
    if text.isascii():
        if not text.isprintable():
            return False
    elif _UNSAFE.search(text) is not None:
        return False
    if ":" in text and (": " in text or text[-1] == ":"):
        return False
    if " " in text and (" #" in text or text[-1] == " "):
        return False
    if len(text) <= 5:
        return text.lower() not in _RESERVED
    # the first letters of scripts that combine or shape differently are letters all the same
    return True


def quoted(text: str) -> bytes:
    """A string as JSON that YAML reads to the same value."""
    return yaml_safe(jsonio.dumps(text))


def scalar(text: str) -> bytes:
    """A string without line feeds, in the one form it has as a value."""
    return text.encode() if is_plain(text) else quoted(text)


def yaml_safe(line: bytes) -> bytes:
    """One line of JSON with the characters YAML does not allow written as escapes."""
    if line.isascii():
        return line.replace(b"\x7f", b"\\u007f") if b"\x7f" in line else line
    return _NOT_IN_YAML.sub(_escape, line)


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


_keys: dict[str, bytes] = {}


def key(text: str) -> bytes:
    """A key of a block-style map, with its colon (or its ``? `` form where YAML needs one: see `is_long_key`)."""
    written = _keys.get(text)
    if written is None:
        is_plain_key = _KEY.fullmatch(text) and text.lower() not in _RESERVED and len(text) <= _LONGEST_KEY
        written = (text.encode() if is_plain_key else quoted(text)) + b":"
        if len(_keys) < _MOST_KEYS:  # the same few names stand in every record
            _keys[text] = written
    return written


def is_long_key(text: str) -> bool:
    """Whether a key is too long for one-line and ``key:`` form."""
    return len(text) * 6 > _LONGEST_KEY and len(quoted(text)) > _LONGEST_KEY


def one_line(value: Any) -> bytes | None:
    """A list or map as one line of JSON; None where it must be in block style (a text in it has several lines)."""
    line = jsonio.dumps(value)
    if _holds_line_feed(line):
        return None
    if len(line) > _LONGEST_KEY and _holds_long_key(value):
        return None
    return yaml_safe(line)


def _holds_line_feed(line: bytes) -> bool:
    """Whether a text in this JSON has several lines: the escape of a line feed, not a backslash before an n."""
    at = line.find(b"\\n")
    while at >= 0:
        before = at
        while line[before - 1] == 92:
            before -= 1
        if (at - before) % 2 == 0:
            return True
        at = line.find(b"\\n", at + 2)
    return False


def _holds_long_key(value: Any) -> bool:
    if type(value) is dict:
        return any(is_long_key(name) or _holds_long_key(item) for name, item in value.items())
    if type(value) is list:
        return any(map(_holds_long_key, value))
    return False


def literal(text: str, pad: bytes) -> tuple[bytes, bytes] | None:
    """A multi-line string as a ``|`` literal whose lines stand at `pad`.

    Returns its header (``|``, ``|-``, ``|2+`` …) and its lines without the last line feed; None where a literal cannot
    hold the text exactly: control characters, CR, lone surrogates, nothing but white space.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return None
    if len(data.translate(None, _CONTROL)) != len(data) or text.isspace():
        return None
    if len(data) != len(text) and _NOT_IN_YAML.search(data) is not None:
        return None
    header = b"|"
    if data[0] in b" \n":
        header += b"2"
    if data[-1] != 10:
        header += b"-"
    else:
        if data[-2:] == b"\n\n":
            header += b"+"
        data = data[:-1]
    broken = b"\n" + pad
    lines = data.replace(b"\n", broken)
    if b"\n\n" in data:  # empty lines carry no indentation; neighbours need a second pass
        empty = broken + b"\n"
        lines = lines.replace(empty, b"\n\n").replace(empty, b"\n\n")
    if lines[-len(broken) :] == broken and data[-1:] == b"\n":
        lines = lines[: -len(pad)]
    return header, lines if data[:1] == b"\n" else pad + lines
