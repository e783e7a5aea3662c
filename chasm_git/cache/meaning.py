"""Finding what means the same in other words: passages as vectors, by a model that lies on this machine.

An extra, and only for who asks: ``pip install 'chasm-git[meaning]'``, and a folder with a model of static embeddings
(model2vec) that ``git config chasm.meaningModel`` names. Nothing is ever fetched. `vectors` keeps what was made.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.cache.found import Hit, Results, match_of
from chasm_git.cache.kept import KINDS, OF_SESSION, Text
from chasm_git.cache.query import Query
from chasm_git.cache.schema import kind_of, session_of
from chasm_git.cache.scope import counts, may_count
from chasm_git.cache.search import sessions_left
from chasm_git.cache.snippet import Snippet
from chasm_git.cache.texts import Texts
from chasm_git.cache.vectors import Vectors
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

SETTING = "chasm.meaningModel"
_HOW = f"`git config --global {SETTING} DIR` names a folder with a model2vec model"
_MEANT = frozenset(map(KINDS.index, ("title", "user", "assistant", "note")))
"""What people and models say to each other; calls and their results are found by their words."""
_CHUNKS_AT_ONCE = 256
_SHOWN, _SHOWN_LENGTH = 3, 180
"""Passages of a session that are shown, and characters of each."""
_MOST_FOUND = 200
"""Passages that are looked into for those that a query leaves, at most, for each session that is asked for."""

Progress = Callable[[int, int], None]


class Model:
    """A model of static embeddings in a folder. Raises ChasmError where it, or the extra, is not there."""

    def __init__(self, folder: str | None) -> None:
        if folder is None:
            raise ChasmError(f"search by meaning needs a model: {_HOW}")
        place = Path(folder).expanduser()
        if not place.is_dir():  # what is no folder would be looked for on the network
            raise ChasmError(f"there is no model in {folder}: {_HOW}")
        try:
            from model2vec import StaticModel
        except ImportError as error:
            raise ChasmError("search by meaning is an extra: pip install 'chasm-git[meaning]'") from error
        try:
            self._model: Any = StaticModel.from_pretrained(place)
        except Exception as error:  # whatever three libraries make of files that are no model
            raise ChasmError(f"{folder} holds no model that can be read ({error}): {_HOW}") from error
        files = sorted(path for path in place.iterdir() if path.is_file())
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        self.identity = repr(stats)
        """Another one where the model may be another."""

    def embed(self, texts: list[str]) -> Matrix:
        """A vector of length 1 for each text; of nothing but zeros for one the model knows no word of."""
        import numpy as np

        whole = [text.encode("utf-8", "replace").decode() for text in texts]  # half characters are no input
        made = np.asarray(self._model.encode(whole, use_multiprocessing=False), dtype=np.float32)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        unit: Matrix = np.divide(made, lengths, out=np.zeros_like(made), where=lengths > 0)
        return unit


def search(
    connection: sqlite3.Connection,
    place: Path,
    model: Model,
    asked: str,
    query: Query,
    limit: int,
    progress: Progress = lambda done, total: None,
) -> Results:
    """The sessions with the passages nearest in meaning to a text, the best first.

    Args:
        connection: the cache, which is up to date.
        place: where vectors are kept; those that are missing are made first, which `progress` is told.
        query: its fields say which sessions and messages count; its words do not.

    Raises sqlite3.Error where the cache is damaged.
    """
    texts = Texts(connection)
    rows = [
        (row, digest)
        for row, digest in connection.execute("SELECT row, digest FROM chunks ORDER BY row")
        if kind_of(row) in _MEANT
    ]
    with closing(Vectors(place, model.identity)) as vectors:
        vectors.follow(rows, lambda row: [text.text for text in texts.chunk(row)], model.embed, progress)
        unread = connection.execute("SELECT path, reason FROM unread ORDER BY path").fetchall()
        left = sessions_left(connection, query)
        wanted = [(row, digest) for row, digest in rows if session_of(row) in left and may_count(query, row)]
        hits: dict[int, list[tuple[float, Hit]]] = {}
        for likeness, row, at, (start, end) in _nearest(vectors, wanted, model.embed([asked])[0], limit):
            number, text = session_of(row), texts.chunk(row)[at]
            found = hits.setdefault(number, [])
            if len(found) < _SHOWN and _is_asked_for(query, text, texts, number):
                found.append((likeness, _hit(texts, number, text, start, end)))
    results = Results(unread=unread)
    best = sorted(((found[0][0], number) for number, found in hits.items() if found), reverse=True)
    for likeness, number in best[:limit]:
        results.matches.append(match_of(connection, number, likeness, [hit for _, hit in hits[number]]))
    return results


def _nearest(
    vectors: Vectors, wanted: list[tuple[int, bytes]], asked: Matrix, limit: int
) -> Iterator[tuple[float, int, int, tuple[int, int]]]:
    """The passages nearest to a vector, the nearest first: likeness, chunk, which of its texts, where in that."""
    import numpy as np

    most = limit * _MOST_FOUND
    found: list[tuple[float, int, int]] = []
    for at in range(0, len(wanted), _CHUNKS_AT_ONCE):
        rows, matrices = [], []
        for row, digest in wanted[at : at + _CHUNKS_AT_ONCE]:
            if len(matrix := vectors.matrix(digest)):
                rows += [(row, number) for number in range(len(matrix))]
                matrices.append(matrix)
        if not rows:
            continue
        joined = np.concatenate(matrices).astype(np.float32)
        lengths = np.linalg.norm(joined, axis=1)
        likeness = np.divide(joined @ asked, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        near = np.flatnonzero(likeness > 0)
        found = heapq.nlargest(most, [*found, *((float(likeness[one]), *rows[one]) for one in near.tolist())])
    digests = dict(wanted)
    for score, row, number in found:
        text, start, end = vectors.spots(digests[row])[number]
        yield score, row, text, (start, end)


def _is_asked_for(query: Query, text: Text, texts: Texts, number: int) -> bool:
    if not query.looks_into_messages():
        return True
    return text.kind not in OF_SESSION and counts(query, text, texts.records(number)[text.message])


def _hit(texts: Texts, number: int, text: Text, start: int, end: int) -> Hit:
    said = " ".join(text.text[start : start + 2 * _SHOWN_LENGTH].split())
    is_cut = end - start > 2 * _SHOWN_LENGTH or len(said) > _SHOWN_LENGTH
    shown = Snippet(("…" if start else "") + said[:_SHOWN_LENGTH] + ("…" if is_cut else ""), ())
    kind = KINDS[text.kind]
    if text.kind in OF_SESSION:
        return Hit("", "", None, kind, None, shown)
    identity, role, at, _, _ = texts.records(number)[text.message]
    return Hit(identity, role, at, kind, text.tool, shown)
