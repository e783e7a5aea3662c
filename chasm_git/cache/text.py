"""What a word is: the same for texts that are indexed and for what a person looks for.

Text is folded first: compatibility forms, diacritics and case make no difference. In folded text there are

- words: runs of letters and digits of any script (``_`` separates, so that ``bar`` finds ``foo_bar``),
- runs of scripts that put no space between words (Chinese, Japanese); they are indexed by pairs of characters,
- symbols beyond ASCII (emoji, arrows), each one by itself.

ASCII punctuation is not indexed; what is looked up with it is compared with the text. Words longer than `WINDOW` are
indexed as overlapping windows. Pure, and fast: a build folds all text of an archive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Literal, NamedTuple

WINDOW = 128
"""Characters of the longest term of the index."""
PIECE = 64
"""A run of this length, or a part of it this long, stands whole in some window."""

_SYMBOLS = (
    "\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u1680\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f"
    "\ufe00-\ufe6f\ufff0-\uffff\U0001f000-\U0001faff\U000e0000-\U0010ffff"
)
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = f"[^\x00-/:-`{{-\x7f{_SYMBOLS}{_UNSPACED}]"

NOT_BEFORE, NOT_AFTER = f"(?<!{_WORD})", f"(?!{_WORD})"
"""Regular expressions for the edges of a word in folded text."""
BETWEEN = f"[\x00-/:-`{{-\x7f{_SYMBOLS}]"
"""Regular expression for a character of folded text that stands between words."""
BETWEEN_BYTES, BLANK_BYTES = r"[\x00-/:-`{-\xff]", r"[\t-\r\x1c-\x20\x80-\xff]"
"""The same, and one for blanks, on UTF-8: all bytes of such characters, and of others beyond ASCII, too."""

_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u064b-\u065f\u0670]+")
_HALVES = re.compile("[\ud800-\udfff]")
_ASCII = bytes(range(128))
_FEW = 24
_IS_SYMBOL = f"[{_SYMBOLS}]"
_UNSPACED_RUN = f"[{_UNSPACED}]+"
_RUN = f"({_WORD}+)|([{_UNSPACED}]+)|([{_SYMBOLS}])"
_ASCII_RUN = re.compile("[0-9a-z]+")
_ASCII_TO_WORDS = bytes(c if 48 <= c < 58 or 97 <= c < 123 else c + 32 if 65 <= c < 91 else 32 for c in range(256))
_TO_WORDS = bytes(c if 48 <= c < 58 or 97 <= c < 123 or c >= 128 else 32 for c in range(256))


class Run(NamedTuple):
    """A piece of folded text that the index knows."""

    text: str
    kind: Literal["word", "unspaced", "symbol"]
    start: int
    end: int


def fold(text: str) -> str:
    """The text without differences of case, diacritics and compatibility forms; halves of characters are replaced."""
    if text.isascii():
        return text.lower()
    return _folded(text)[0].decode()


def terms(text: str) -> set[str]:
    """Everything in a text (not folded yet) that the index holds."""
    found = joined_terms(text)
    return set(found.split(" ")) if found else set()


def joined_terms(text: str) -> str:
    """As `terms`, in no order and with a blank between: the way the index takes them."""
    if text.isascii():
        return _joined(set(text.encode().translate(_ASCII_TO_WORDS).split()), ())
    folded, others = _folded(text)
    more = set(filter(_compiled(_IS_SYMBOL).match, others))
    for symbol in more:
        folded = folded.replace(symbol.encode(), b" ")
    unspaced = _compiled(_UNSPACED_RUN)
    if any(map(unspaced.match, others)):
        spoken = folded.decode()
        for run in unspaced.findall(spoken):
            more.update(pairs(run))
            more.add(run[-1])
        folded = unspaced.sub(" ", spoken).encode()
    return _joined(set(folded.translate(_TO_WORDS).split()), more)


def _joined(words: set[bytes], more: Iterable[str]) -> str:
    """Words, the long ones in windows, and what else there is."""
    pieces: set[str] = set(more)
    if words and len(max(words, key=len)) > WINDOW:
        for word in [word for word in words if len(word) > WINDOW]:
            text = word.decode()
            if len(text) > WINDOW:
                words.remove(word)
                pieces.update(_windows(text))
        # a window may be a word of its own
        pieces.difference_update([piece for piece in pieces if piece.encode() in words])
    plain = b" ".join(words).decode()
    return " ".join([plain, *pieces] if plain else pieces) if pieces else plain


def _folded(text: str) -> tuple[bytes, set[str]]:
    """The folded text in UTF-8, and which characters beyond ASCII are in it."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = _HALVES.sub("\ufffd", text).encode()
    return _folded_bytes(raw)


def fold_bytes(raw: bytes) -> bytes:
    """As `fold`, of a text in UTF-8 in which halves of characters may stand."""
    if raw.isascii():
        return raw.lower()
    try:
        return _folded_bytes(raw)[0]
    except UnicodeDecodeError:
        return _folded(raw.decode("utf-8", "surrogatepass"))[0]


def _folded_bytes(raw: bytes) -> tuple[bytes, set[str]]:
    """As `_folded`. Raises UnicodeDecodeError."""
    # a search for what is not ASCII, and `str.lower`, take longer than all the rest
    others = set(raw.translate(None, _ASCII).decode())
    raw = raw.lower()
    changed = {character: folded for character in others if (folded := _fold_character(character)) != character}
    if len(changed) > _FEW:
        raw = raw.decode().translate({ord(character): folded for character, folded in changed.items()}).encode()
    else:
        for character, folded in changed.items():
            raw = raw.replace(character.encode(), folded.encode())
    return raw, (others - changed.keys()).union(*changed.values())


@lru_cache(maxsize=1 << 14)
def _fold_character(character: str) -> str:
    folded = _MARKS.sub("", unicodedata.normalize("NFKD", character)).casefold()
    # what case makes of a form may have forms itself
    return _MARKS.sub("", unicodedata.normalize("NFKD", folded))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Made when it is first needed: sets of thousands of characters take as long as a search does."""
    return re.compile(pattern)


def pairs(run: str) -> Iterator[str]:
    """Every two characters that stand side by side."""
    return (run[at : at + 2] for at in range(len(run) - 1))


def runs(folded: str) -> list[Run]:
    """The pieces of a folded text the index knows, in order."""
    if folded.isascii():
        return [Run(match[0], "word", *match.span()) for match in _ASCII_RUN.finditer(folded)]
    found = []
    for match in _compiled(_RUN).finditer(folded):
        kind: Literal["word", "unspaced", "symbol"] = (
            "word" if match[1] is not None else "unspaced" if match[2] is not None else "symbol"
        )
        found.append(Run(match[0], kind, match.start(), match.end()))
    return found


def original_offsets(text: str) -> list[int]:
    """For every offset in the folded text (and its end) the offset in the text itself."""
    offsets: list[int] = []
    for at, character in enumerate(text):
        offsets += [at] * len(fold(character))
    offsets.append(len(text))
    return offsets


def _windows(word: str) -> Iterator[str]:
    for at in range(0, len(word) - PIECE, WINDOW - PIECE):
        yield word[at : at + WINDOW]
